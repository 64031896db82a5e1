#!/usr/bin/env python3
"""The legacy API, v1 and v2: channels by number, their tokens and drains,
sessions and canaries."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import Client, DaemonTest, line, main, shown

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TOKEN = re.compile(r"t\.%s\Z" % UUID)
DRAIN_TOKEN = re.compile(r"d\.%s\Z" % UUID)
URL = "http://127.0.0.1:19001/"


class Legacy(DaemonTest):
    def legacy(self, method, path, value=None, raw=None, auth=True):
        """Without a Content-Type, as nobody ever asked for one."""
        body = raw if value is None else json.dumps(value).encode()
        return self.ask(method, path, (), body,
                        **({} if auth else {"auth": None}))

    def says(self, answer, status, content_type, body):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get("content-type"), content_type)
        self.assertEqual(answer.body.decode(), body)

    def refuses(self, answer, status, says):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertRegex(answer.json()["error"], says)

    def make(self, *names):
        answer = self.legacy("POST", "/channels", {"tokens": list(names)})
        self.assertEqual(answer.status, 201)
        return str(answer.json()["channel_id"])


class Channels(Legacy):
    def test_numbers_begin_at_one_and_tokens_come_by_name(self):
        self.says(self.legacy("POST", "/channels", {}), 201,
                  "application/json", '{"channel_id":1,"tokens":[]}')
        answer = self.legacy("POST", "/channels",
                             {"name": "n1", "tokens": ["app", "heroku"]})
        tokens = answer.json()["tokens"]
        self.says(answer, 201, "application/json",
                  '{"channel_id":2,"tokens":{"app":"%s","heroku":"%s"}}' %
                  (tokens["app"], tokens["heroku"]))
        for token in tokens.values():
            self.assertRegex(token, TOKEN)
            self.assertEqual(self.post(token, [line("x")]).status, 204)

    def test_a_name_twice_is_two_tokens(self):
        answer = self.legacy("POST", "/channels", {"tokens": ["a", "a"]})
        found = re.fullmatch(
            rb'{"channel_id":1,"tokens":{"a":"(\S+?)","a":"(\S+?)"}}',
            answer.body)
        self.assertNotEqual(found[1], found[2])

    def test_what_is_no_list_of_tokens_is_none(self):
        self.says(self.legacy("POST", "/channels", {"tokens": "app"}), 201,
                  "application/json", '{"channel_id":1,"tokens":[]}')

    def test_what_the_client_did_wrong_is_a_4xx_that_says_what(self):
        self.says(self.legacy("POST", "/channels", {"name": 5}), 400,
                  "text/html", "Channel name must be a string.")
        for raw, says in ((b"{oops", "invalid JSON"), (b"[]", "JSON object"),
                          (b"", "invalid JSON"), (None, "invalid JSON"),
                          (b'{"tokens":[1]}', r'"tokens"\[0\]'),
                          (b'{"tokens":["a b"]}', "no blanks"),
                          (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
                           "nested more than 32 deep")):
            with self.subTest(raw):
                self.refuses(self.legacy("POST", "/channels", raw=raw), 400,
                             says)
        # None of these has used up a number.
        self.assertEqual(self.make(), "1")

    def test_who_is_not_known_is_told_so_in_a_word(self):
        for method, path in (("POST", "/channels"), ("GET", "/v2/channels/1"),
                             ("GET", "/channels/1/info"),
                             ("DELETE", "/channels/1"),
                             ("POST", "/channels/1/drains"),
                             ("POST", "/sessions"), ("POST", "/v2/sessions"),
                             ("POST", "/v2/canary-sessions")):
            with self.subTest(path):
                answer = self.legacy(method, path, raw=b"{}", auth=False)
                self.says(answer, 401, "text/html", "Not Authorized")

    def test_info_comes_in_the_form_of_each_version(self):
        token = self.make("app")
        tokens = self.legacy("GET", "/v2/channels/1").json()["tokens"]
        token = tokens[0]["token"]
        self.says(self.legacy("GET", "/v2/channels/1"), 200,
                  "application/json",
                  '{"channel_id":1,"tokens":[{"name":"app","token":"%s"}],'
                  '"drains":[]}' % token)
        self.says(self.legacy("GET", "/channels/1/info"), 200, "text/html",
                  '{"channel_id":1,"tokens":{"app":"%s"},"drains":[]}' % token)

    def test_a_token_that_is_being_replaced_is_not_listed_by_name(self):
        self.make("app")
        path = "/v3/channels/1/tokens/"
        token = self.legacy("GET", "/v2/channels/1").json()["tokens"][0]["token"]
        new = self.ask("POST", path + token + "/rotate").json()["token"]
        self.ask("DELETE", path + new)
        self.says(self.legacy("GET", "/channels/1/info"), 200, "text/html",
                  '{"channel_id":1,"tokens":[],"drains":[]}')

    def test_markup_in_a_name_is_none_in_an_answer(self):
        self.make("<script>")
        answer = self.legacy("GET", "/channels/1/info")
        self.assertNotIn(b"<", answer.body)
        self.assertIn("<script>", answer.json()["tokens"])

    def test_a_channel_of_the_v3_api_has_a_number_if_its_id_is_one(self):
        self.make_channel("7", "app")
        self.make_channel("v3named", "app")
        self.assertEqual(
            self.legacy("GET", "/v2/channels/7").json()["channel_id"], 7)
        self.says(self.legacy("GET", "/v2/channels/v3named"), 404, "text/html",
                  "Not found")

    def test_an_unknown_channel_is_404_in_the_words_of_each_version(self):
        for method, path, content_type, body in (
                ("GET", "/channels/9/info", "text/html", "Not found"),
                ("GET", "/v2/channels/9", "application/json",
                 '{"error":"Not Found"}'),
                ("DELETE", "/channels/9", "text/html", "Not found"),
                ("DELETE", "/v2/channels/9", "application/json",
                 '{"error":"Not Found"}'),
                ("GET", "/channels/123badchannel/info", "text/html",
                 "Not found"),
                ("GET", "/v2/channels/123badchannel", "text/html",
                 "Not found")):
            with self.subTest(path):
                self.says(self.legacy(method, path), 404, content_type, body)

    def test_deleting_says_ok_or_nothing(self):
        self.make("app")
        self.make("app")
        self.says(self.legacy("DELETE", "/channels/1"), 200, "text/html", "OK")
        self.says(self.legacy("DELETE", "/v2/channels/2"), 200, "text/html",
                  "")
        self.assertEqual(self.legacy("GET", "/v2/channels/1").status, 404)
        self.assertEqual(self.make(), "3")

    def test_tokens_are_added_in_the_form_of_each_version(self):
        self.make()
        first = self.legacy("POST", "/channels/1/token", {"name": "one"})
        self.says(first, 201, "text/html", first.body.decode())
        self.assertRegex(first.body.decode(), TOKEN)
        second = self.legacy("POST", "/v2/channels/1/tokens", {"name": ""})
        self.says(second, 201, "application/json",
                  '{"name":"","token":"%s"}' % second.json()["token"])
        self.assertEqual(self.post(first.body.decode(), [line("x")]).status,
                         204)

    def test_a_token_without_a_name_is_refused(self):
        self.make()
        self.says(self.legacy("POST", "/channels/1/token", {}), 400,
                  "text/html", "'name' post param missing")
        self.says(self.legacy("POST", "/v2/channels/1/tokens", {}), 422,
                  "text/html", '{"error":"NAME is a required field"}')
        for name in (7, None, ["x"]):
            self.refuses(self.legacy("POST", "/v2/channels/1/tokens",
                                     {"name": name}), 400, '"name" has to be')
        for path in ("/channels/9/token", "/v2/channels/9/tokens"):
            self.assertEqual(self.legacy("POST", path, {"name": "x"}).status,
                             404)


class Health(Legacy):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel one:x:1"}

    def test_who_shows_a_credential_is_told_the_mode(self):
        self.says(self.legacy("GET", "/healthcheck", auth=False), 200, None,
                  "OK")
        for mode in ("normal", "read_only"):
            self.ask_json("PUT", "/v3/switches", {"legacy_api": mode})
            self.says(self.legacy("GET", "/healthcheck"), 200,
                      "application/json", '{"status":"%s"}' % mode)
        self.ask_json("PUT", "/v3/switches", {"legacy_api": "disabled"})
        self.says(self.legacy("GET", "/healthcheck"), 503, "text/html",
                  "Service Temporarily Disabled")
        self.says(self.legacy("GET", "/healthcheck", auth=False), 200, None,
                  "OK")

    def test_a_wrong_one_and_one_of_a_channel_are_401(self):
        for auth in (("owner", "wrong"), ("one", "x")):
            self.says(self.ask("GET", "/healthcheck", auth=auth), 401,
                      "text/html", "Not Authorized")
            self.says(self.ask("GET", "/v2/channels/1", auth=auth), 401,
                      "text/html", "Not Authorized")


class Drains(Legacy):
    FLAGS = ["--drains-max", "3"]

    def setUp(self):
        super().setUp()
        self.make("app")

    def add(self, **body):
        return self.legacy("POST", "/v2/channels/1/drains", body)

    def test_a_drain_has_a_number_and_a_token(self):
        answer = self.add(url=URL)
        token = answer.json()["token"]
        self.assertRegex(token, DRAIN_TOKEN)
        drain = '{"id":1,"token":"%s","url":"%s"}' % (token, URL)
        self.says(answer, 201, "application/json", drain)
        self.assertIn('"drains":[%s]' % drain,
                      self.legacy("GET", "/v2/channels/1").body.decode())
        self.assertIn('"drains":["%s"]' % URL,
                      self.legacy("GET", "/channels/1/info").body.decode())

    def test_host_and_port_are_a_syslog_drain(self):
        self.assertEqual(self.add(host="127.0.0.1", port=19002).json()["url"],
                         "syslog://127.0.0.1:19002")
        self.assertEqual(self.add(host="127.0.0.1").json()["url"],
                         "syslog://127.0.0.1:514")

    def test_what_is_no_destination_is_422_with_the_reason(self):
        for body, reason in (({"url": ""}, "invalid_uri"),
                             ({"url": "not a url"}, "invalid_uri"),
                             ({"url": "ftp://x/"}, '{unknown_scheme,"ftp"}'),
                             ({"url": "http://"}, "invalid_http_uri"),
                             ({"url": "syslog://h:0"},
                              "invalid_tcpsyslog_uri"),
                             ({}, "missing_host_param"),
                             ({"url": 5}, "invalid_uri"),
                             ({"host": "h", "port": "x"},
                              "invalid_tcpsyslog_uri")):
            with self.subTest(body):
                answer = self.add(**body)
                self.assertEqual(answer.status, 422)
                self.assertEqual(answer.json(), {
                    "error": "Invalid drain destination: " + reason})

    def test_an_address_that_is_denied_is_one(self):
        reason = 'Invalid drain destination: {denied_address,"%s"}'
        for body, denied in (
                ({"url": "http://169.254.169.254/"}, "169.254.169.254"),
                ({"host": "169.254.1.2"}, "169.254.1.2"),
                ({"host": "::ffff:169.254.1.2"}, "169.254.1.2")):
            answer = self.add(**body)
            self.assertEqual((answer.status, answer.json()),
                             (422, {"error": reason % denied}))

    def test_the_same_url_twice_is_409(self):
        self.add(url=URL)
        self.says(self.add(url=URL), 409, "application/json",
                  '{"error":"Already exists"}')

    def test_there_is_a_limit(self):
        for n in range(3):
            self.assertEqual(self.add(url=URL + str(n)).status, 201)
        self.says(self.add(url=URL), 422, "application/json",
                  '{"error":"You have already added the maximum number of '
                  'drains allowed"}')

    def test_a_channel_that_is_not_there_has_no_drains(self):
        for path in ("/v2/channels/9/drains", "/channels/9/drains/tokens"):
            self.says(self.legacy("POST", path, {"url": URL}), 404,
                      "application/json", '{"error":"No such channel"}')

    def test_a_reserved_drain_is_listed_with_its_url_alone(self):
        answer = self.legacy("POST", "/channels/1/drains/tokens", raw=b"")
        drain = json.loads(answer.body)
        self.says(answer, 201, "text/html",
                  '{"id":1,"token":"%s","msg":"Successfully reserved drain '
                  'token"}' % drain["token"])
        self.assertEqual(
            self.legacy("GET", "/v2/channels/1").json()["drains"], [])
        path = "/v2/channels/1/drains/1"
        self.says(self.legacy("POST", path, {"url": "nope"}), 422,
                  "application/json",
                  '{"error":"Invalid drain destination: invalid_uri"}')
        self.says(self.legacy("POST", path, {"url": URL}), 201,
                  "application/json", '{"id":1,"token":"%s","url":"%s"}' %
                  (drain["token"], URL))
        # Its URL can be changed, but not to one that is there.
        self.assertEqual(self.legacy("POST", path, {"url": URL}).status, 409)
        self.assertEqual(
            self.legacy("POST", path, {"url": URL + "b"}).json()["token"],
            drain["token"])

    def test_a_drain_of_another_channel_is_not_to_be_touched(self):
        self.make("app")
        self.add(url=URL)
        self.says(self.legacy("POST", "/v2/channels/2/drains/1",
                              {"url": URL + "b"}), 404, "application/json",
                  '{"error":"Unknown drain."}')
        self.says(self.legacy("DELETE", "/v2/channels/2/drains/1"), 404,
                  "application/json", '{"error":"Not found"}')
        self.says(self.legacy("DELETE", "/v2/channels/1/drains/1"), 200,
                  "text/html", "")
        self.assertEqual(
            self.legacy("DELETE", "/v2/channels/1/drains/1").status, 404)

    def test_what_was_deprecated_still_is(self):
        for method, path, text in (
                ("POST", "/channels/1/drains", "V1 Drain Creation API "
                 "deprecated."),
                ("POST", "/channels/1/drains/5", "V1 Drain Creation API "
                 "deprecated"),
                ("GET", "/channels/1/drains", "V1 Drain API Deprecated."),
                ("DELETE", "/channels/1/drains", "V1 Drain API Deprecated.")):
            with self.subTest(path):
                self.says(self.legacy(method, path), 501, "text/html", text)


class Sessions(Legacy):
    def setUp(self):
        super().setUp()
        self.make("app")
        token = self.legacy("GET", "/v2/channels/1").json()["tokens"][0]
        self.post(token["token"],
                  [line("line %d" % n) for n in range(1, 11)])

    def path_of(self, url):
        self.assertRegex(url, r"\Ahttp://logplex\.test/sessions/%s\Z" % UUID)
        return url[len("http://logplex.test"):]

    def test_a_session_is_made_in_the_form_of_each_version(self):
        first = self.legacy("POST", "/sessions", {"channel_id": "1"})
        self.assertEqual((first.status, first.headers["content-type"]),
                         (201, "text/html"))
        second = self.legacy("POST", "/v2/sessions",
                             {"channel_id": "1", "num": "2"})
        self.assertEqual((second.status, second.headers["content-type"]),
                         (201, "application/json"))
        paths = (self.path_of(first.body.decode()),
                 self.path_of(second.json()["url"]))
        self.assertEqual(
            self.ask("GET", paths[0], auth=None).body.decode().splitlines(),
            [shown("line %d" % n) for n in range(1, 11)])
        self.assertEqual(
            self.ask("GET", paths[1], auth=None).body.decode().splitlines(),
            [shown("line 9"), shown("line 10")])

    def test_a_body_without_sense_is_refused_when_it_comes(self):
        for path in ("/sessions", "/v2/sessions", "/v2/canary-sessions"):
            self.refuses(self.legacy("POST", path, raw=b"nope"), 400,
                         "invalid JSON")
            self.refuses(self.legacy("POST", path, {}), 400, "channel_id")
            self.refuses(self.legacy("POST", path, {"channel_id": "1",
                                                    "num": "x"}), 400, "num")
            self.refuses(self.legacy("POST", path, {"channel_id": "9"}), 404,
                         "Not Found")

    def test_a_canary_reads_without_a_tail_and_the_connection_goes_on(self):
        answer = self.legacy("POST", "/v2/canary-sessions",
                             {"channel_id": "1", "tail": True})
        self.assertEqual(answer.status, 201)
        url = answer.json()["url"]
        self.assertRegex(url, r"\A/v2/canary-fetch/%s\Z" % UUID)
        with Client(self.daemon.address()) as client:
            for _ in range(2):
                fetched = client.ask("GET", url)
                self.assertEqual(fetched.status, 200)
                self.assertNotIn("connection", fetched.headers)
                self.assertEqual(fetched.body.decode().splitlines(),
                                 [shown("line %d" % n) for n in range(1, 11)])


class OneMore(Legacy):
    FLAGS = ["--num-extra", "1"]

    def test_num_gives_one_line_more_to_who_counts_on_it(self):
        tokens = self.make_channel("demo", "app")
        self.post(tokens["app"], [line("line %d" % n) for n in range(1, 6)])
        self.assertEqual(self.read_session("demo", num="2"),
                         [shown("line %d" % n) for n in (3, 4, 5)])
        answer = self.ask("GET", "/v3/channels/demo/logs?num=3")
        self.assertEqual(answer.headers["logplex-msg-count"], "4")


if __name__ == "__main__":
    main()
