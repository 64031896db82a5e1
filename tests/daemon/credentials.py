#!/usr/bin/env python3
"""Who may: credentials over the API, the static key, and who is wrong too
often."""
import json
import os
import re
import shutil
import signal
import socket
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import logplexd  # noqa: E402
import usage  # noqa: E402
from logplexd import OWNER, Client, DaemonTest, basic, frames, line, main  # noqa: E402,E501

PATH = "/v3/credentials"
LOGS = ("Content-Type", "application/logplex-1")
NOBODY = {"LOGPLEX_CREDENTIALS": ""}


class CredentialTest(DaemonTest):
    """Starts its daemons itself, for they are of many kinds."""

    def setUp(self):
        pass

    def tearDown(self):
        if getattr(self, "daemon", None):
            super().tearDown()

    def begin(self, *flags, environment=None):
        self.FLAGS, self.ENVIRONMENT = flags, environment
        self.start()
        return self.daemon

    def folder(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        return folder

    def write(self, path, text):
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)

    def restart(self, *flags, environment=None):
        self.assertEqual(self.daemon.stop(), 0, "".join(self.daemon.log))
        return self.begin(*flags, environment=environment)

    def make(self, auth=OWNER, **value):
        answer = self.ask_json("POST", PATH, value, auth)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    def put(self, ident, auth=OWNER, query="", **value):
        return self.ask_json("PUT", PATH + "/" + ident + query, value, auth)

    def revoke(self, ident, auth=OWNER, query=""):
        return self.ask("DELETE", PATH + "/" + ident + query, auth=auth)

    def listed(self, auth=OWNER):
        answer = self.ask("GET", PATH, auth=auth)
        self.assertEqual(answer.status, 200, answer)
        return {one["id"]: one for one in answer.json()["credentials"]}

    def api(self, auth):
        return self.ask("GET", PATH, auth=auth).status

    def send(self, auth, app="app"):
        return self.ask("POST", "/logs", [LOGS], frames([line("x", app)]),
                        auth=auth).status

    def metric(self, name):
        text = self.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^logplex_%s (\d+)$" % name, text, re.M)[1])


class Api(CredentialTest):
    def test_a_secret_is_made_and_told_once(self):
        self.begin()
        token = self.make_channel("demo", "app")["app"]
        answer = self.ask_json("POST", PATH, {
            "name": "the ci", "permissions": ["any_channel", "full_api"]})
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        made = answer.json()
        self.assertRegex(made["id"], r"\A[0-9A-F]{32}\Z")
        self.assertRegex(made["secret"], r"\A[0-9A-F]{64}\Z")
        secret = made.pop("secret")
        self.assertEqual(made["permissions"], ["full_api", "any_channel"])
        self.assertEqual((made["name"], made["channel"], made["kind"],
                          made["configured"]),
                         ("the ci", None, "generated", False))
        self.assertRegex(made["created_at"],
                         r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")
        auth = (made["id"], secret)
        self.assertEqual(self.listed(auth)[made["id"]], made)
        one = self.ask("GET", PATH + "/" + made["id"])
        self.assertEqual(one.json(), made)
        self.assertNotIn(secret.encode(), self.ask("GET", PATH).body)
        self.assertEqual(self.send(auth, token), 204)
        self.assertEqual(self.revoke(made["id"], auth).status, 204)  # itself
        self.assertEqual((self.api(auth), self.send(auth, token)), (401, 401))
        self.assertEqual(self.revoke(made["id"]).status, 404)
        self.assertEqual(self.ask("GET", PATH + "/" + made["id"]).status, 404)

    def test_each_permission_opens_what_it_says_and_no_more(self):
        self.begin()
        token = self.make_channel("demo", "app")["app"]
        other = self.make_channel("other", "app")["app"]
        auths = {}
        for name, value in (
                ("api", {"permissions": ["full_api"]}),
                ("any", {"permissions": ["any_channel"]}),
                ("one", {"channel": "demo"}),
                ("both", {"permissions": ["full_api"], "channel": "demo"})):
            made = self.make(**value)
            auths[name] = (made["id"], made["secret"])
            self.assertEqual(made["channel"], value.get("channel"))
        self.assertEqual({name: self.api(auth) for name, auth in auths.items()},
                         {"api": 200, "any": 401, "one": 401, "both": 200})
        self.assertEqual(
            {name: self.send(auth, token) for name, auth in auths.items()},
            {"api": 403, "any": 204, "one": 204, "both": 204})
        accepted = self.ledger()["listeners"]["http"]["accepted_lines"]
        self.send(auths["one"], other)  # a 204 that keeps nothing
        self.assertEqual(self.ledger()["listeners"]["http"]["accepted_lines"],
                         accepted)
        with self.daemon.client() as client:
            answer = client.ask("GET", "/apps", [
                ("Authorization", "Bearer " + auths["one"][1])])
        self.assertEqual([one["name"] for one in answer.json()], ["demo"])

    def test_an_id_and_a_password_of_ones_own(self):
        self.begin()
        answer = self.put("me", password="pass:word", name="I",
                          permissions=["full_api"])
        self.assertEqual(answer.status, 201)
        made = answer.json()
        self.assertNotIn("password", made)
        self.assertNotIn("secret", made)
        self.assertEqual((made["id"], made["kind"]), ("me", "password"))
        self.assertEqual(self.api(("me", "pass:word")), 200)
        # Replaced by itself: what it was is nothing any more.
        answer = self.put("me", ("me", "pass:word"), password="other",
                          permissions=["full_api"])
        self.assertEqual((answer.status, answer.json()["name"]), (200, ""))
        self.assertEqual(self.api(("me", "pass:word")), 401)
        self.assertEqual(self.api(("me", "other")), 200)
        self.assertEqual(self.put("a%20b%C3%A4", password="x",
                                  channel="demo").json()["id"], "a b\u00e4")

    def test_what_is_wrong_is_refused_with_a_reason(self):
        self.begin()
        permitted = {"permissions": ["full_api"]}
        for value, word in (
                ({}, "nothing"),
                ({"permissions": []}, "nothing"),
                ({"permissions": ["full"]}, 'no permission "full"'),
                ({"permissions": ["demo"]}, '"channel"'),
                ({"permissions": "full_api"}, "list"),
                ({"permissions": [1]}, "list"),
                ({"permissions": {"channel": "demo"}}, "list"),
                ({"channel": ""}, '"channel"'),
                ({"channel": 7}, '"channel"'),
                ({"channel": "x" * 257}, '"channel"'),
                (dict(permitted, name=["x"]), '"name"'),
                (dict(permitted, name="x" * 257), '"name"'),
                (dict(permitted, name="a\nb"), '"name"')):
            for answer in (self.ask_json("POST", PATH, value),
                           self.put("me", password="pw", **value)):
                self.assertEqual(answer.status, 400, (value, answer))
                self.assertIn(word, answer.json()["error"])
        for password in (None, "", 5, "x" * 1025):
            answer = self.put("me", password=password, **permitted)
            self.assertEqual(answer.status, 400)
            self.assertIn('"password"', answer.json()["error"])
        for name in ("a:b", "a%0Ab", "%FF", "x" * 257):
            answer = self.put(name, password="pw", **permitted)
            self.assertEqual(answer.status, 400, name)
            self.assertIn("colon", answer.json()["error"])
        for body, kind, status in ((b"[]", "application/json", 400),
                                   (b"{", "application/json", 400),
                                   (b"{}", "text/plain", 415)):
            self.assertEqual(self.ask("POST", PATH, [("Content-Type", kind)],
                                      body).status, status)
        self.assertEqual(self.ask("GET", PATH,
                                  [("Accept", "text/html")]).status, 406)
        self.assertEqual(self.ask("PATCH", PATH).status, 405)
        self.assertEqual(set(self.listed()), {OWNER[0]})

    def test_a_member_that_is_mistyped_is_named(self):
        self.begin()
        right = ["full_api"]
        for answer, name in (
                (self.put("me", password="x", permission=right), "permission"),
                (self.ask_json("POST", PATH, {"permissions": right,
                                              "Name": "x"}), "Name"),
                (self.ask_json("POST", PATH, {"permissions": right,
                                              "password": "x"}), "password"),
                (self.put("me", password="x", permissions=right,
                          **{"x" + "\u00e9" * 99: 1}), "x\u00e9")):
            self.assertEqual(answer.status, 400)
            self.assertIn('there is no "' + name, answer.json()["error"])
        self.assertEqual(list(self.listed()), ["owner"])

    def test_those_of_the_configuration_are_shown_and_not_touched(self):
        self.begin()
        owner = self.listed()[OWNER[0]]
        self.assertEqual((owner["configured"], owner["kind"],
                          owner["created_at"]), (True, "password", None))
        for answer in (self.put(OWNER[0], password="pw", channel="demo"),
                       self.revoke(OWNER[0]),
                       self.revoke(OWNER[0], query="?force=true")):
            self.assertEqual(answer.status, 409)
            self.assertIn("configuration", answer.json()["error"])

    def test_all_of_it_needs_full_api(self):
        self.begin()
        made = self.make(permissions=["any_channel"], channel="demo")
        for auth in (None, ("owner", "wrong"), (made["id"], made["secret"])):
            statuses = [self.ask("GET", PATH, auth=auth),
                        self.ask("GET", PATH + "/x", auth=auth),
                        self.ask_json("POST", PATH, {"channel": "x"}, auth),
                        self.put("x", auth, password="pw", channel="x"),
                        self.revoke(made["id"], auth)]
            self.assertEqual([one.status for one in statuses], [401] * 5)

    def test_the_limit_of_all_is_told(self):
        self.begin()
        with self.daemon.client() as client:
            body = json.dumps({"channel": "x"}).encode()
            headers = [("Authorization", basic(*OWNER)),
                       ("Content-Type", "application/json")]
            for _ in range(999):
                self.assertEqual(
                    client.ask("POST", PATH, headers, body).status, 201)
            answer = client.ask("POST", PATH, headers, body)
        self.assertEqual(answer.status, 422)
        self.assertIn("as many as there may be", answer.json()["error"])
        self.assertEqual(len(self.listed()), 1000)

    def test_they_last_and_a_generated_one_is_known_at_once(self):
        data = self.folder()
        self.begin("--data", data)
        made = self.make(name="kept", permissions=["full_api"])
        auth = (made["id"], made.pop("secret"))
        chosen = self.put("me", password="mine",
                          permissions=["full_api"]).json()
        gone = self.make(permissions=["full_api"])
        self.revoke(gone["id"])
        self.restart("--data", data, environment=NOBODY)
        self.assertEqual(self.listed(auth), {made["id"]: made, "me": chosen})
        self.assertEqual(self.api(("me", "mine")), 200)
        self.assertEqual(self.api((gone["id"], gone["secret"])), 401)
        self.daemon.stop()

    def test_the_last_one_that_may_use_the_api_is_not_lost_in_passing(self):
        self.begin("--data", self.folder(), environment=NOBODY)
        self.assertIn("event=no_credentials", "".join(self.daemon.log))
        for answer in (
                self.put("me", password="pw", permissions=["any_channel"]),
                self.ask_json("POST", PATH, {"channel": "demo"})):
            self.assertEqual(answer.status, 409)
            self.assertIn("no credential with full_api would be left",
                          answer.json()["error"])
        self.assertEqual(self.listed(), {})
        made = self.make(permissions=["full_api"])  # as a caller on loopback
        auth = (made["id"], made["secret"])
        self.assertEqual(self.api(OWNER), 401)
        for answer in (self.revoke(made["id"], auth),
                       self.revoke(made["id"], auth, "?force=1")):
            self.assertEqual(answer.status, 409)
            self.assertIn("force=true", answer.json()["error"])
        self.put("me", auth, password="pw", permissions=["full_api"])
        self.assertEqual(self.revoke(made["id"], ("me", "pw")).status, 204)
        self.assertEqual(self.put("me", ("me", "pw"), password="pw",
                                  channel="demo").status, 409)
        self.assertEqual(
            self.revoke("me", ("me", "pw"), "?force=true").status, 204)
        self.assertEqual(self.api(None), 200)
        self.wait_until(lambda: "".join(self.daemon.log).count(
            "event=no_credentials") == 2)

    def test_one_that_goes_while_its_body_comes_sends_nothing(self):
        self.begin()
        token = self.make_channel("demo", "app")["app"]
        made = self.make(permissions=["any_channel"])
        body = frames([line("x", token)])
        # In between something else changes, and then the credential goes.
        for change, status in (
                (lambda: self.make_channel("other"), 204),
                (lambda: self.revoke(made["id"]), 401)):
            with self.daemon.client() as client:
                client.send("POST", "/logs", [
                    LOGS, ("Content-Length", "%d" % len(body)),
                    ("Authorization", basic(made["id"], made["secret"])),
                    ("Expect", "100-continue")], b"")
                self.assertIn(b" 100 ", client.until(b"\r\n\r\n"))
                change()
                client.socket.sendall(body)
                self.assertEqual(client.read().status, status)

    def test_changes_are_in_the_log_with_who_made_them(self):
        self.begin()
        made = self.make(permissions=["any_channel"])
        self.revoke(made["id"])
        self.daemon.stop()
        log = "".join(self.daemon.log)
        for what in ("made", "revoked"):
            self.assertIn("event=credentials_changed what=%s id=%s by=owner"
                          % (what, made["id"]), log)


class StaticKey(CredentialTest):
    def with_header(self, value, method="GET", path=PATH, **more):
        with self.daemon.client() as client:
            return client.ask(method, path, [("Authorization", value)],
                              **more).status

    def test_the_key_stands_behind_basic_as_it_is(self):
        self.begin(environment={"LOGPLEX_AUTH_KEY": "it's: secret"})
        ask = self.with_header
        self.assertEqual(ask("Basic it's: secret"), 200)
        self.assertEqual(ask("Bearer it's: secret", path="/apps"), 200)
        self.assertEqual(ask("Basic it's: secret", path="/apps"), 200)
        for wrong in ("Basic it's: secre", "Basic it's: secret2", "Basic ",
                      "it's: secret", "Basic IT'S: SECRET",
                      basic("LOGPLEX_AUTH_KEY", "it's: secret"),
                      basic("", "it's: secret"), basic("it's", " secret")):
            self.assertEqual(ask(wrong), 401, wrong)
        with self.daemon.client() as client:
            answer = client.ask("POST", "/logs", [
                LOGS, ("Authorization", "Basic it's: secret")], b"")
        self.assertEqual(answer.status, 401)
        self.assertEqual(self.listed()["LOGPLEX_AUTH_KEY"], {
            "id": "LOGPLEX_AUTH_KEY", "name": "", "permissions": ["full_api"],
            "channel": None, "kind": "static_key", "configured": True,
            "created_at": None})
        self.assertEqual(self.revoke("LOGPLEX_AUTH_KEY").status, 409)
        self.assertEqual(self.put("LOGPLEX_AUTH_KEY", password="pw",
                                  permissions=["full_api"]).status, 409)

    def test_a_key_that_is_base64_is_not_decoded(self):
        key = basic("a", "b").split()[1]
        self.begin(environment={"LOGPLEX_AUTH_KEY": key})
        self.assertEqual(self.with_header("Basic " + key), 200)
        self.assertEqual(self.api(("a", "b")), 200)  # the same bytes
        self.assertEqual(self.api(OWNER), 200)

    def test_the_key_alone_closes_the_door(self):
        self.begin(environment=dict(NOBODY, LOGPLEX_AUTH_KEY="k3y"))
        self.assertNotIn("no_credentials", "".join(self.daemon.log))
        self.assertEqual(self.api(None), 401)
        self.assertEqual(self.with_header("Basic k3y"), 200)
        self.assertEqual(self.daemon.stop(), 0)

    def test_a_key_from_a_file_changes_with_it(self):
        path = os.path.join(self.folder(), "key")
        self.write(path, "first\n")
        self.begin("--auth-key-file", path,
                   environment={"LOGPLEX_AUTH_KEY": "unused"})
        self.assertEqual(self.with_header("Basic first"), 200)
        self.assertEqual(self.with_header("Basic unused"), 401)
        self.write(path, "second\r\n")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda: self.with_header("Basic second") == 200)
        self.assertEqual(self.with_header("Basic first"), 401)

    def test_a_reload_that_opens_the_door_says_so(self):
        path = os.path.join(self.folder(), "credentials")
        self.write(path, "me:pw:full_api\n")
        self.begin("--credentials-file", path, environment=NOBODY)
        self.assertEqual((self.api(("me", "pw")), self.api(None)), (200, 401))
        self.write(path, "")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.wait_until(lambda: "event=no_credentials" in
                        "".join(self.daemon.log))
        self.assertEqual(self.api(None), 200)


class Limits(CredentialTest):
    def wrong(self, times, auth=None):
        """Statuses, and the last answer."""
        with self.daemon.client() as client:
            answers = [client.ask("GET", PATH, [
                ("Authorization", basic(*(auth or ("owner", "%d" % i))))])
                for i in range(times)]
        return [one.status for one in answers], answers[-1]

    def test_a_peer_that_is_wrong_too_often_waits_unless_it_is_right(self):
        self.begin("--workers", "2")
        token = self.make_channel("demo", "app")["app"]
        statuses, last = self.wrong(25)
        self.assertEqual(statuses, [401] * 20 + [429] * 5)
        self.assertIn(int(last.headers["retry-after"]), range(1, 21))
        self.assertIn("wrong credentials", last.json()["error"])
        # Over all connections and workers, for all that is wrong.
        for _ in range(8):
            self.assertEqual(self.api(("nobody", "x")), 429)
        for auth in (("token", "t.unknown"), ("nobody", "x"), OWNER[:1] * 2):
            answer = self.ask("POST", "/logs", [LOGS], b"", auth=auth)
            self.assertEqual(answer.status, 429)
            self.assertIn("retry-after", answer.headers)
        with self.daemon.client() as client:
            answer = client.ask("GET", "/apps",
                                [("Authorization", "Bearer wrong")])
        self.assertEqual((answer.status, answer.json()["id"]),
                         (429, "rate_limit"))
        # Who is right never waits, and who shows nothing is asked to.
        self.assertEqual(self.api(OWNER), 200)
        self.assertEqual(self.send(OWNER, token), 204)
        self.assertEqual(self.send(("token", token), token), 204)
        self.assertEqual(self.api(None), 401)
        self.assertEqual(self.metric("http_auth_limited_total"), 5 + 8 + 3 + 1)

    def test_unknown_tokens_count(self):
        self.begin("--auth-failures-max", "3")
        self.assertEqual([self.send(("token", "t.no")) for _ in range(5)],
                         [401, 401, 401, 429, 429])

    def test_who_may_not_is_not_who_is_wrong(self):
        self.begin("--auth-failures-max", "1")
        made = self.make(permissions=["any_channel"])
        auth = (made["id"], made["secret"])
        self.assertEqual([self.api(auth) for _ in range(5)], [401] * 5)
        self.assertEqual([self.api(None) for _ in range(5)], [401] * 5)
        self.assertEqual([self.api(("a", "b")) for _ in range(2)], [401, 429])

    def test_what_cannot_be_read_counts_as_wrong(self):
        self.begin("--auth-failures-max", "2")
        with self.daemon.client() as client:
            statuses = [client.ask("GET", PATH, [("Authorization", value)])
                        .status for value in ("Basic !", "nonsense", "Basic x")]
        self.assertEqual(statuses, [401, 401, 429])

    def test_the_limit_can_be_off(self):
        self.begin("--auth-failures-max", "0")
        self.assertEqual(set(self.wrong(100)[0]), {401})
        self.assertEqual(self.metric("http_auth_limited_total"), 0)

    def test_what_a_peer_can_make_us_pay_for_passwords_is_little(self):
        data = self.folder()
        self.begin("--data", data)
        self.put("me", password="mine", permissions=["full_api"])
        made = self.make(permissions=["full_api"])
        self.restart("--data", data)
        # "me" has not been seen since the start: a guess costs a slow hash.
        before = self.cpu_seconds()
        statuses, last = self.wrong(400)
        paid = self.cpu_seconds() - before
        self.assertLessEqual(statuses.count(401), 4 + 4)
        self.assertEqual(set(statuses) - {401, 503}, {429})
        self.assertIn(int(last.headers["retry-after"]), range(1, 21))
        # Against what one costs here and now.
        before = self.cpu_seconds()
        self.put("other", password="x", permissions=["full_api"])
        one = max(self.cpu_seconds() - before, 0.01)
        self.assertLess(paid, 25 * one + 1)
        # What needs none is answered as ever.
        self.assertEqual(self.api((made["id"], made["secret"])), 200)
        self.assertEqual(self.api(OWNER), 200)

    def test_one_who_is_wrong_all_the_time_keeps_no_neighbour_out(self):
        data = self.folder()
        self.begin("--data", data)
        self.put("me", password="mine", permissions=["full_api"])
        self.restart("--data", data)
        statuses, _ = self.wrong(60, ("broken", "the same"))
        self.assertEqual(statuses[-1], 429)
        self.assertEqual(self.api(("me", "mine")), 200)  # at the slow cost
        self.assertEqual(self.api(("broken", "the same")), 429)

    def cpu_seconds(self):
        return sum(usage.cpu_seconds(self.daemon.process.pid))


class Loopback(CredentialTest):
    def own_address(self):
        """An address of this machine that is not loopback; nothing is sent."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))
            except OSError:
                self.skipTest("this machine has no address but loopback")
            host = probe.getsockname()[0]
        if host.startswith("127."):
            self.skipTest("this machine has no address but loopback")
        return host

    def test_without_credentials_only_this_machine_gets_in(self):
        own = self.own_address()
        self.begin("--http", "0.0.0.0:0", environment=NOBODY)
        log = "".join(self.daemon.log)
        self.assertRegex(log, "level=warn .*event=no_credentials .*open to "
                              "callers on this machine, and closed to all")
        port = re.findall(r"kind=http address=0\.0\.0\.0:(\d+)", log)[0]
        for auth in ((), [("Authorization", basic(*OWNER))],
                     [("X-Forwarded-For", "127.0.0.1")]):
            with Client((own, int(port))) as client:
                self.assertEqual(client.ask("GET", PATH, auth).status, 401)
                self.assertEqual(client.ask("PUT", PATH + "/me", auth,
                                            b"{}").status, 401)
                self.assertEqual(client.ask("GET", "/apps", auth).status, 401)
                self.assertEqual(client.ask("GET", "/metrics",
                                            auth).status, 401)
        with Client(("127.0.0.1", int(port)), host="localhost") as client:
            self.assertEqual(client.ask("GET", PATH).status, 200)
            # A proxy here speaks for others.
            self.assertEqual(client.ask("GET", PATH, [
                ("X-Forwarded-For", "192.0.2.1")]).status, 401)

    def test_without_credentials_a_page_of_others_gets_nothing(self):
        """A browser here sends what a page tells it to, and says whose page
        that is; or that page's name leads here by now."""
        self.begin(environment=NOBODY)
        own = ("localhost", "LOCALHOST:8001", "127.0.0.1:1", "[::1]:8001")
        foreign = ("logplex.test", "localhost.evil.test", "127.0.0.1.evil.test",
                   "evil.test:8001", "localhost@evil.test", "")
        for hosts, status in ((own, 200), (foreign, 401)):
            for host in hosts:
                with Client(self.daemon.address(), host=host) as client:
                    self.assertEqual(client.ask("GET", PATH).status, status,
                                     host)
        for origin, status in (("http://localhost:3000", 200),
                               ("https://127.0.0.1", 200),
                               ("http://evil.test", 401), ("null", 401),
                               ("http://localhost.evil.test", 401)):
            answer = self.ask("PUT", "/v3/channels/demo",
                              [("Origin", origin),
                               ("Content-Type", "application/json")], b"{}",
                              auth=None)
            self.assertIn(answer.status, (200, 201) if status == 200 else (401,),
                          origin)


class Streams(CredentialTest):
    """What is open has no next request that could be refused."""
    FRAMES = 30  # one a second

    def stream(self, auth, path="/v3/channels/demo/aggregates/stream"):
        events = self.events(path, auth=auth)
        self.assertEqual(events.answer.status, 200)
        return events

    def goes_on(self, events):
        self.assertNotIn(None, events.take(3))

    def ends(self, events):
        with self.assertRaises(EOFError):
            events.take(self.FRAMES)

    def test_it_ends_with_who_reads_it(self):
        self.begin()
        token = self.make_channel("demo", "app")["app"]
        revoked = self.make(channel="demo")
        other = self.make(channel="demo")
        for password in ("first", "other"):
            self.put(password, password=password, channel="demo")
        ending = [self.stream((revoked["id"], revoked["secret"]), path)
                  for path in ("/v3/channels/demo/aggregates/stream",
                               "/v3/channels/demo/tail")]
        ending.append(self.stream(("first", "first")))
        staying = [self.stream((other["id"], other["secret"])),
                   self.stream(("other", "other")), self.stream(OWNER)]
        self.assertEqual(self.revoke(revoked["id"]).status, 204)
        self.put("first", password="second", channel="demo")
        for events in ending:
            self.ends(events)
        self.post(token, [line("later", app=token)])
        for events in staying:
            self.goes_on(events)

    def test_who_was_trusted_for_want_of_any_is_not_any_more(self):
        self.begin(environment=NOBODY)
        self.make_channel("demo", "app")
        events = self.stream(None)
        self.put(OWNER[0], None, password=OWNER[1], permissions=["full_api"])
        self.ends(events)
        self.goes_on(self.stream(OWNER))

    def test_a_reload_ends_those_of_who_is_gone_alone(self):
        path = os.path.join(self.folder(), "credentials")
        reader = "reader:password:demo\n"
        rest = "other:password:demo\n%s:%s:full_api\n" % OWNER
        self.write(path, reader + rest)
        self.begin("--credentials-file", path, environment=NOBODY)
        self.make_channel("demo", "app")
        events = self.stream(("reader", "password"))
        other = self.stream(("other", "password"))
        self.daemon.process.send_signal(signal.SIGHUP)
        self.goes_on(events)
        self.write(path, rest)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.ends(events)
        self.goes_on(other)

    def test_a_reload_ends_those_of_a_password_that_was_changed(self):
        path = os.path.join(self.folder(), "credentials")
        rest = "other:password:demo\n%s:%s:full_api\n" % OWNER
        self.write(path, "reader:password:demo\n" + rest)
        self.begin("--credentials-file", path, environment=NOBODY)
        self.make_channel("demo", "app")
        events = self.stream(("reader", "password"))
        other = self.stream(("other", "password"))
        self.write(path, "reader:new-password:demo\n" + rest)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.ends(events)
        self.goes_on(other)
        self.goes_on(self.stream(("reader", "new-password")))


class Secrets(CredentialTest):
    def test_no_secret_is_in_the_log_or_in_the_metrics(self):
        data = self.folder()
        flags = ("--data", data, "--log-level", "debug", "--workers", "1")
        environment = {"LOGPLEX_AUTH_KEY": "the-static-key-of-all"}
        self.begin(*flags, environment=environment)
        token = self.make_channel("demo", "app")["app"]
        secrets = [OWNER[1], "the-static-key-of-all", token,
                   "correct-horse-battery", "wrong-horse-battery"]
        made = self.make(permissions=["full_api", "any_channel"])
        secrets.append(made["secret"])
        self.put("me", password="correct-horse-battery",
                 permissions=["full_api"])
        logs = []
        for start in range(2):
            if start:
                logs += self.daemon.log
                self.restart(*flags, environment=environment)
            session = self.make_session("demo", tail=False)
            secrets.append(session.rsplit("/", 1)[1])
            self.use_all(token, made, session)
        metrics = self.ask("GET", "/metrics").body.decode()
        ledger = self.ask("GET", "/ledger").body.decode()
        self.assertEqual(self.daemon.stop(), 0)
        log = "".join(logs + self.daemon.log)
        self.assertIn("event=auth_limited", log)  # so that there is something
        for secret in secrets:
            for form in (secret, basic("me", secret).split()[1],
                         basic("", secret).split()[1]):
                self.assertNotIn(form, log)
                self.assertNotIn(form, metrics)
                self.assertNotIn(form, ledger)
        self.assertNotIn(basic("token", token).split()[1], log)

    def use_all(self, token, made, session):
        """Rightly and wrongly, and in requests that are wrong in other ways."""
        key = "the-static-key-of-all"
        headers = [basic(*OWNER), "Basic " + key, "Bearer " + key,
                   basic("me", "correct-horse-battery"),
                   basic("me", "wrong-horse-battery"),
                   basic(made["id"], made["secret"]),
                   "Bearer " + made["secret"], "Basic " + made["secret"],
                   basic("token", token), "Bearer " + token, made["secret"]]
        for header in headers:
            for method, path in (("GET", PATH), ("POST", "/logs"),
                                 ("GET", "/apps"), ("PUT", PATH + "/me"),
                                 ("DELETE", "/v3/channels/demo/tokens/" + token
                                  + "x"), ("GET", session),
                                 ("GET", "/nowhere/" + token),
                                 ("GET", "/v3/channels/" + made["secret"])):
                with self.daemon.client() as client:
                    client.ask(method, path, [("Authorization", header), LOGS],
                               b"" if method in ("POST", "PUT") else None)
        for raw in (b"GET %s HTTP/1.1\r\nAuth orization: x\r\n\r\n",
                    b"GET / HTTP/1.1\r\nAuthorization: Basic %s\x00\r\n\r\n",
                    b"%s\r\n\r\n", b"GET /?%s=%%00 HTTP/1.1\r\n\r\n"):
            with self.daemon.client() as client:
                client.socket.sendall(raw.replace(b"%s", token.encode()))
                client.more()
        for _ in range(30):
            self.api(("me", "wrong-horse-battery"))


if __name__ == "__main__":
    main()
