#!/usr/bin/env python3
"""Drains in the v3 API and in the Platform API, flags, and tokens that are
rotated."""
import os
import sys
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, line, main, shown

URL = "http://127.0.0.1:19001/"


class V3(DaemonTest):
    FLAGS = ["--drains-max", "2"]

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def add(self, value, channel="demo"):
        return self.ask_json("POST", "/v3/channels/%s/drains" % channel, value)

    def put(self, drain, value, channel="demo"):
        return self.ask_json("PUT", "/v3/channels/%s/drains/%s" %
                             (channel, drain), value)

    def error(self, answer, status, says):
        self.assertEqual(answer.status, status, answer)
        self.assertRegex(answer.json()["error"], says)

    def test_a_drain_says_where_it_is_and_is_in_its_channel(self):
        answer = self.add({"url": URL})
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["location"],
                         "http://logplex.test/v3/channels/demo/drains/1")
        drain = answer.json()
        self.assertEqual(list(drain), ["id", "token", "url"])
        self.assertEqual(
            self.ask("GET", "/v3/channels/demo").json()["drains"], [drain])
        self.assertEqual(
            self.ask("GET", "/v3/channels/demo/drains").json(), [drain])
        alone = self.ask("GET", "/v3/channels/demo/drains/1").json()
        self.assertEqual(alone.pop("status")["delivered_lines"], 0)
        self.assertEqual(alone, drain)

    def test_a_channel_without_drains_does_not_speak_of_them(self):
        self.assertNotIn("drains", self.ask("GET", "/v3/channels/demo").json())

    def test_the_place_of_a_drain_can_be_asked_for_as_it_is_told(self):
        self.ask_json("PUT", "/v3/channels/" + quote("a/b é", safe=""), {})
        answer = self.add({"url": URL}, quote("a/b é", safe=""))
        place = answer.headers["location"][len("http://logplex.test"):]
        self.assertEqual(self.ask("GET", place).json()["id"],
                         answer.json()["id"])

    def test_a_reserved_drain_has_no_url_until_it_gets_one(self):
        reserved = self.add({})
        self.assertEqual(reserved.status, 201)
        self.assertEqual(list(reserved.json()), ["id", "token"])
        self.assertNotIn("drains", self.ask("GET", "/v3/channels/demo").json())
        answer = self.put(1, {"url": "syslog://127.0.0.1"})
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json(), dict(reserved.json(),
                                             url="syslog://127.0.0.1:601"))
        self.assertNotIn("location", answer.headers)

    def test_what_is_no_destination_is_400_and_says_what_would_be(self):
        for value, says in (({"url": ""}, "."), ({"url": "not a url"}, "."),
                            ({"url": "ftp://h/"}, "ftp"),
                            ({"url": "http://h:99999/"}, "99999"),
                            ({"url": "http://"}, "host"),
                            ({"url": 5}, '"url" has to be a string'),
                            ({"url": None}, '"url" has to be a string')):
            with self.subTest(value):
                self.error(self.add(value), 400, says)
        self.error(self.ask("POST", "/v3/channels/demo/drains",
                            [("Content-Type", "application/json")], b""), 400,
                   "invalid JSON")
        self.error(self.put(1, {}), 400, '"url" has to be')

    def test_a_url_that_is_too_long_is_told_how_long_it_is(self):
        for size in (2049, 8193, 60000):
            self.error(self.add({"url": "http://h.example/" +
                                        "x" * (size - 17)}), 400,
                       "^the URL takes %d bytes, and at most 2048 are taken$" %
                       size)
        # An option that stands beside it counts as it is in the fragment.
        self.error(self.add({"url": "http://h.example/", "filter": "=" * 9000}),
                   400, "takes %d bytes" % (17 + len("#filter=") + 3 * 9000))

    def test_an_option_without_a_url_is_400_and_says_so(self):
        for value in ({"filter": "source=app"}, {"encoding": "gzip"},
                      {"refused": "park"}, {"rate": 5}):
            name = list(value)[0]
            for answer in (self.add(value), self.put(1, value)):
                self.error(answer, 400, '^"%s" needs a "url" beside it, such '
                                        'as "https' % name)
        self.assertEqual(self.add({"filter": None}).status, 201)

    def test_a_nul_in_a_body_is_told_in_words_of_ours(self):
        for raw, says in ((rb'{"url":"http://h/\u0000"}',
                           "^invalid JSON at line 1, column 24: the string that "
                           r"ends here has a \\u0000 in it, and no text may: "
                           "leave it out$"),
                          (rb'{"u\u0000":1}', "column 10: the name that ends "
                                              r"here has a \\u0000 in it")):
            self.error(self.ask("POST", "/v3/channels/demo/drains",
                                [("Content-Type", "application/json")], raw),
                       400, says)

    def test_a_misspelt_option_is_no_drain_without_it(self):
        self.assertEqual(self.add({"url": URL}).status, 201)
        value = {"url": "http://h.example/", "filtre": "status>=500"}
        for answer in (self.add(value), self.put(1, value)):
            self.error(answer, 400,
                       'there is no "filtre" here; there may be "url"')

    def test_what_in_a_url_does_nothing_is_told_wherever_the_drain_is(self):
        url = "https://logs.example.org/#insecur&filtr=status%3E500"
        made = self.add({"url": url})
        self.assertEqual(made.status, 201)
        drain = made.json()
        self.assertEqual(list(drain), ["id", "token", "url", "warnings"])
        self.assertEqual(drain["url"], url)
        self.assertEqual(len(drain["warnings"]), 2)
        self.assertRegex(drain["warnings"][0],
                         '"insecur" .* did you mean "insecure"')
        self.assertRegex(drain["warnings"][1], 'did you mean "filter="')
        self.assertEqual(
            self.ask("GET", "/v3/channels/demo/drains").json(), [drain])
        alone = self.ask("GET", "/v3/channels/demo/drains/1").json()
        alone.pop("status")
        self.assertEqual(alone, drain)
        self.assertEqual(  # whose form is the original's
            self.ask("GET", "/v3/channels/demo").json()["drains"],
            [{name: drain[name] for name in ("id", "token", "url")}])
        self.assertNotIn("warnings", self.put(1, {"url": URL}).json())

    def test_an_option_that_does_nothing_on_a_scheme_is_told(self):
        told = self.put(self.add({}).json()["id"], {
            "url": "syslog://127.0.0.1", "encoding": "zstd", "rate": 5})
        self.assertEqual(told.status, 200)
        self.assertEqual(len(told.json()["warnings"]), 1)
        self.assertRegex(told.json()["warnings"][0],
                         "encoding=zstd.* does nothing over syslog")

    def test_no_more_than_eight_are_told(self):
        url = URL + "#" + "&".join("x%d" % n for n in range(20))
        self.assertEqual(len(self.add({"url": url}).json()["warnings"]), 8)

    def test_a_beginning_without_a_url_is_refused(self):
        self.error(self.add({"since": "10m"}), 400,
                   '"since" does nothing without a "url"')
        self.assertEqual(self.add({"since": None}).status, 201)
        self.error(self.put(1, {"url": URL, "since": "10m"}), 400,
                   'there is no "since" here')

    def send_three(self):
        """Returns the epoch in which they have come."""
        self.post(self.token, [line(one) for one in "abc"])
        events = self.events(self.make_session("demo")).rest()
        self.assertEqual(len(events), 3)
        return int(events[-1].id.split(":")[0])

    def test_a_beginning_that_is_yet_to_come_is_refused(self):
        epoch = self.send_three()
        for seq in (4, 99999, 2 ** 64 - 1):
            since = "%d:%d" % (epoch, seq)
            with self.subTest(since):
                self.error(self.add({"url": URL, "since": since}), 422,
                           '^"since" is line %d of .* its next line is 4, so '
                           'that "%d:3" is the last' % (seq, epoch))
        self.error(self.add({"url": URL, "since": "%d:%d" % (epoch, 2 ** 64)}),
                   400, '"since" has to be')
        for seq in (0, 3):
            made = self.add({"url": URL + str(seq),
                             "since": "%d:%d" % (epoch, seq)})
            self.assertEqual(made.status, 201)
            self.assertNotIn("warnings", made.json())

    def test_a_beginning_of_another_life_is_all_there_is_and_is_told(self):
        epoch = self.send_three()
        for n, seq in enumerate((2, 2 ** 64 - 1)):
            made = self.add({"url": "%s%d#insecur" % (URL, n),
                             "since": "%d:%d" % (epoch - 1, seq)})
            self.assertEqual(made.status, 201)
            self.assertRegex(made.json()["warnings"][0],
                             '^"since" is a line of epoch %d, and .* begins '
                             "with all that the ring has$" % (epoch - 1))
            self.assertEqual(len(made.json()["warnings"]), 2)
            drain = "/v3/channels/demo/drains/%d" % made.json()["id"]
            self.assertEqual(
                len(self.ask("GET", drain).json()["warnings"]), 1)
            self.wait_until(
                lambda drain=drain: self.ask("GET", drain).json()["status"].get(
                    "offered_lines") == 3)

    def test_a_beginning_at_a_time_that_is_yet_to_come_is_now_and_is_told(self):
        self.send_three()
        made = self.add({"url": URL, "since": "2099-01-01T00:00:00Z"})
        self.post(self.token, [line("d")])
        self.assertEqual(made.status, 201)
        self.assertRegex(made.json()["warnings"][0],
                         '^"since" is yet to come, .* from now on$')
        self.wait_until(lambda: self.ask(
            "GET", "/v3/channels/demo/drains/1").json()["status"].get(
                "offered_lines") == 1)

    def test_an_address_that_is_denied_is_refused_and_told_what_opens_it(self):
        self.assertEqual(self.add({"url": URL}).status, 201)
        for host in ("169.254.169.254", "[::ffff:169.254.169.254]",
                     "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]"):
            for scheme in ("http", "https", "syslog", "syslog+tls",
                           "syslog+udp"):
                value = {"url": "%s://%s/x" % (scheme, host)}
                with self.subTest(value):
                    for answer in (self.add(value), self.put(1, value)):
                        self.error(answer, 400,
                                   '169.254.169.254.*"metadata" is denied by '
                                   "default.*--drain-allow 169.254.169.254")
        for host in ("0xa9fea9fe", "2852039166", "169.254.43518", "0xa9.254.1",
                     "0251.0376.0251.0376", "169.254.169.254."):
            self.error(self.add({"url": "http://%s/" % host}), 400, host)
        self.error(self.add({"url": "http://0.0.0.0/"}), 400, "0.0.0.0/8")
        self.assertEqual(
            self.ask("GET", "/v3/channels/demo/drains/1").json()["url"], URL)

    def test_a_reserved_drain_that_was_given_one_stays(self):
        self.add({})
        self.error(self.put(1, {"url": "http://169.254.169.254/"}), 400,
                   "metadata")
        self.assertEqual(self.put(1, {"url": URL}).status, 200)

    def test_to_try_again_is_asked_of_drains_that_are_there(self):
        self.add({"url": URL})
        path = "/v3/channels/demo/drains/%s/retry"
        answer = self.ask("POST", path % 1)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(self.ask("POST", path % 9).status, 404)
        self.assertEqual(self.ask("GET", path % 1).status, 405)
        self.make_channel("other", "app")
        self.assertEqual(
            self.ask("POST", "/v3/channels/other/drains/1/retry").status, 404)

    def test_the_same_twice_is_409_and_too_many_are_422(self):
        self.add({"url": URL})
        self.error(self.add({"url": URL}), 409, "^already exists$")
        self.error(self.put(1, {"url": URL}), 409, "^already exists$")
        self.add({"url": URL + "b"})
        for value in ({"url": URL + "c"}, {}):
            self.error(self.add(value), 422,
                       "^maximum number of drains reached: 2, by --drains-max$")

    def test_more_than_64_that_are_only_reserved_are_422(self):
        for _ in range(64):
            self.assertEqual(self.add({}).status, 201)
        self.error(self.add({}), 422, "^maximum number of drains reached: 64 "
                                      "that are only reserved$")
        self.assertEqual(self.add({"url": URL}).status, 201)

    def test_what_is_not_there_is_404(self):
        self.error(self.add({"url": URL}, "nowhere"), 404, '"nowhere"')
        self.error(self.put(9, {"url": URL}), 404, '"9"')
        self.error(self.put("abc", {"url": URL}), 404, '"abc"')
        self.error(self.put("9" * 30, {"url": URL}), 404, "9999")
        self.error(self.put(1, {"url": URL}, "nowhere"), 404, '"nowhere"')
        for path in ("/v3/channels/demo/drains/9",
                     "/v3/channels/nowhere/drains/1",
                     "/v3/channels/nowhere/drains"):
            self.assertEqual(self.ask("GET", path).status, 404)

    def test_a_drain_of_another_channel_is_not_to_be_touched(self):
        self.make_channel("other")
        self.add({"url": URL})
        self.assertEqual(self.put(1, {"url": URL + "b"}, "other").status, 404)
        self.assertEqual(
            self.ask("DELETE", "/v3/channels/other/drains/1").status, 404)
        self.assertEqual(
            self.ask("DELETE", "/v3/channels/demo/drains/1").status, 204)
        self.assertEqual(
            self.ask("DELETE", "/v3/channels/demo/drains/1").status, 404)


class Platform(DaemonTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel one:x:demo"}
    SECRET_URL = "https://user:pa%20ss@127.0.0.1:5998/logs?x=1"

    def setUp(self):
        super().setUp()
        self.make_channel("demo", "app")

    def add(self, url=URL, **options):
        return self.ask_json("POST", "/apps/demo/log-drains", {"url": url},
                             **options)

    def test_a_drain_looks_as_heroku_shows_it(self):
        answer = self.add(self.SECRET_URL)
        self.assertEqual(answer.status, 201)
        drain = answer.json()
        self.assertEqual(drain["url"], self.SECRET_URL)
        self.assertIsNone(drain["addon"])
        self.assertEqual(drain["token"], "d." + drain["id"])
        self.assertEqual(drain["app"]["name"], "demo")
        self.assertRegex(drain["created_at"],
                         r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        listed = self.ask("GET", "/apps/demo/log-drains").json()
        self.assertEqual([one["url"] for one in listed], [self.SECRET_URL])
        listed = self.ask("GET", "/apps/demo/log-drains?extended=true").json()
        self.assertEqual(listed[0]["extended"], {"drain_id": 1})

    def test_who_has_no_full_api_is_not_told_the_password_of_a_drain(self):
        token = self.add(self.SECRET_URL).json()["token"]
        for path in ("", "/" + token):
            answer = self.ask("GET", "/apps/demo/log-drains" + path,
                              auth=("one", "x"))
            self.assertEqual(answer.status, 200)
            self.assertIn(b"https://user:***@127.0.0.1:5998/", answer.body)
            self.assertNotIn(b"ss@", answer.body)

    def test_a_drain_goes_by_its_id_its_token_or_its_url(self):
        for name in ("id", "token", "url"):
            drain = self.add(self.SECRET_URL).json()
            path = "/apps/demo/log-drains/" + quote(drain[name], safe="")
            self.assertEqual(self.ask("GET", path).json()["id"], drain["id"])
            answer = self.ask("DELETE", path)
            self.assertEqual((answer.status, answer.json()["url"]),
                             (200, self.SECRET_URL))
            self.assertEqual(self.ask("DELETE", path).status, 404)
        self.assertEqual(self.ask("GET", "/apps/demo/log-drains").json(), [])

    def test_errors_are_herokus(self):
        self.add()
        self.assertEqual(self.add().json(), {
            "id": "invalid_params", "message": "Url has already been taken"})
        answer = self.add("nope")
        self.assertEqual((answer.status, answer.json()["id"]),
                         (422, "invalid_params"))
        answer = self.ask("DELETE", "/apps/demo/log-drains/nope")
        self.assertEqual((answer.status, answer.json()["id"]),
                         (404, "not_found"))
        answer = self.ask("GET", "/apps/nowhere/log-drains")
        self.assertEqual((answer.status, answer.json()["id"]),
                         (404, "not_found"))

    def test_a_channels_own_credential_sees_drains_and_changes_none(self):
        self.add()
        one = ("one", "x")
        self.assertEqual(
            len(self.ask("GET", "/apps/demo/log-drains", auth=one).json()), 1)
        self.assertEqual(self.add(URL + "b", auth=one).status, 403)
        self.assertEqual(
            self.ask("DELETE", "/apps/demo/log-drains/" + quote(URL, safe=""),
                     auth=one).status, 403)


class Flags(DaemonTest):
    def test_flags_are_set_as_a_whole_and_outlast_a_put_of_the_tokens(self):
        self.make_channel("demo", "app")
        path = "/v3/channels/demo/flags"
        self.assertEqual(self.ask("GET", path).json(),
                         {"channel": "demo", "flags": []})
        both = {"flags": ["no_tail", "no_redis"]}
        self.assertEqual(self.ask_json("PUT", path, both).json()["flags"],
                         ["no_redis", "no_tail"])
        self.make_channel("demo", "other")
        self.assertEqual(self.ask("GET", path).json()["flags"],
                         ["no_redis", "no_tail"])
        self.assertEqual(
            self.ask_json("PUT", path, {"flags": []}).json()["flags"], [])
        for wrong in ({}, {"flags": "no_tail"}, {"flags": ["nope"]},
                      {"flags": [1]}):
            answer = self.ask_json("PUT", path, wrong)
            self.assertEqual(answer.status, 400)
            self.assertIn("no_tail", answer.json()["error"])
        self.assertEqual(
            self.ask_json("PUT", "/v3/channels/nowhere/flags", both).status,
            404)

    def test_no_tail_ends_a_tail_with_l20_and_no_redis_warns(self):
        token = self.make_channel("demo", "app")["app"]
        self.post(token, [line("before")])
        self.ask_json("PUT", "/v3/channels/demo/flags", {"flags": ["no_tail"]})
        lines = self.read_session("demo", tail=True)
        self.assertEqual(lines[0], shown("before"))
        self.assertRegex(lines[1], "Logplex: Error L20")
        self.ask_json("PUT", "/v3/channels/demo/flags",
                      {"flags": ["no_redis"]})
        answer = self.ask("GET", self.make_session("demo"), auth=None)
        self.assertEqual(answer.body, b"")
        self.assertEqual(answer.headers["x-heroku-warning"],
                         "Warning: log history discarded due to excessive "
                         "volume.")


class Rotation(DaemonTest):
    def rotate(self, token, value=None):
        return self.ask_json("POST", "/v3/channels/demo/tokens/%s/rotate" %
                             token, value)

    def test_both_tokens_work_until_the_overlap_is_over(self):
        old = self.make_channel("demo", "app")["app"]
        answer = self.rotate(old, {"overlap_s": 3600})
        self.assertEqual(answer.status, 200)
        new = answer.json()["token"]
        self.assertEqual(answer.json()["replaces"], old)
        listed = self.ask("GET", "/v3/channels/demo/tokens").json()
        self.assertEqual({one["token"]: "expires_at" in one for one in listed},
                         {old: True, new: False})
        self.assertEqual([one["name"] for one in listed], ["app", "app"])
        self.assertEqual(  # by name there is the one to use
            self.ask("GET", "/v3/channels/demo").json()["tokens"],
            {"app": new})
        for token in (old, new):
            self.assertEqual(self.post(token, [line("x")]).status, 204)
        newest = self.rotate(new, {"overlap_s": 1}).json()["token"]
        self.wait_until(lambda: self.post(new, [line("x")]).status == 401)
        for token in (old, newest):
            self.assertEqual(self.post(token, [line("x")]).status, 204)

    def test_without_an_overlap_the_old_one_is_gone_at_once(self):
        new = self.make_channel("demo", "app")["app"]
        for _ in range(20):
            old, new = new, self.rotate(new, {"overlap_s": 0}).json()["token"]
            self.assertEqual(self.post(old, [line("x")]).status, 401)
            self.assertEqual(
                [one["token"] for one
                 in self.ask("GET", "/v3/channels/demo/tokens").json()], [new])

    def test_one_that_is_being_replaced_is_not_replaced_once_more(self):
        old = self.make_channel("demo", "app")["app"]
        new = self.rotate(old).json()["token"]
        answer = self.rotate(old)
        self.assertEqual(answer.status, 409)
        self.assertIn("being replaced already", answer.json()["error"])
        self.assertEqual(self.rotate(new).status, 200)

    def test_a_name_whose_tokens_all_end_gets_one_that_lasts(self):
        old = self.make_channel("demo", "app")["app"]
        new = self.rotate(old).json()["token"]
        self.assertEqual(self.make_channel("demo", "app"), {"app": new})
        self.ask("DELETE", "/v3/channels/demo/tokens/" + new)
        self.assertNotIn("tokens", self.ask("GET", "/v3/channels/demo").json())
        newest = self.make_channel("demo", "app")["app"]
        self.assertNotIn(newest, (old, new))
        self.assertEqual(self.post(old, [line("x")]).status, 204)
        self.assertEqual(self.make_channel("demo"), {})
        self.assertEqual(self.post(old, [line("x")]).status, 401)

    def test_an_overlap_that_is_none_is_refused(self):
        old = self.make_channel("demo", "app")["app"]
        for value in (-1, "x", 10 ** 9, None, 1.5):
            answer = self.rotate(old, {"overlap_s": value})
            self.assertEqual(answer.status, 400, value)
            self.assertIn("overlap_s", answer.json()["error"])
        answer = self.rotate(old, {"overlap": 1})
        self.assertEqual(answer.status, 400)
        self.assertIn('there may be "overlap_s"', answer.json()["error"])
        self.assertEqual(self.rotate("t.nope", {}).status, 404)


if __name__ == "__main__":
    main()
