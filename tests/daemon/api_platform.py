#!/usr/bin/env python3
"""The Platform API as the Heroku CLI asks it, and what it reads from there."""
import base64
import os
import re
import sys
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, line, main, shown

KEY = "cli-key"
ACCEPT = ("Accept", "application/vnd.heroku+json; version=3.sdk")
JSON = ("Content-Type", "application/json")
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
WHEN = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


class Platform(DaemonTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "cli:%s:full_api one:one-key:demo send:s:any_channel" % KEY}

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app", "heroku")["app"]
        self.make_channel("other", "app")

    def cli(self, method, path, body=None, key=KEY, authorization=None):
        authorization = authorization or "Bearer " + key
        headers = [ACCEPT, ("Authorization", authorization)]
        if body is not None:
            headers.append(JSON)
        return self.ask(method, path, headers, body, auth=None)

    def test_an_app_is_a_channel_and_always_of_a_generation(self):
        answer = self.cli("GET", "/apps/demo")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "application/json")
        app = answer.json()
        self.assertEqual(app["name"], "demo")
        self.assertEqual(app["generation"], {"name": "cedar"})
        self.assertRegex(app["id"], r"\A%s\Z" % UUID)
        self.assertEqual(self.cli("GET", "/apps/demo").json()["id"], app["id"])

    def test_an_unknown_app_is_404_with_the_message_of_heroku(self):
        for method, path in (("GET", "/apps/nowhere"),
                             ("POST", "/apps/nowhere/log-sessions")):
            answer = self.cli(method, path, b"{}" if method == "POST" else None)
            self.assertEqual(answer.status, 404)
            self.assertEqual(answer.json(), {
                "id": "not_found", "resource": "app",
                "message": "Couldn't find that app."})

    def test_a_key_comes_as_bearer_or_basic_and_a_wrong_one_is_401(self):
        def base64_of(text):
            return "Basic " + base64.b64encode(text.encode()).decode()
        for authorization, status in (
                ("Bearer " + KEY, 200), (base64_of(":" + KEY), 200),
                (base64_of("cli:" + KEY), 200), ("Bearer wrong", 401),
                (base64_of(":wrong"), 401), (base64_of("owner:" + KEY), 401),
                ("Bearer", 401), ("x", 401), ("Bearer s", 401)):
            with self.subTest(authorization):
                answer = self.cli("GET", "/apps/demo",
                                  authorization=authorization)
                self.assertEqual(answer.status, status)
                if status != 200:
                    self.assertTrue(answer.json()["message"])
        self.assertEqual(self.ask("GET", "/apps/demo", auth=None).status, 401)

    def test_a_key_of_one_app_sees_that_one_alone(self):
        self.assertEqual(self.cli("GET", "/apps/demo", key="one-key").status,
                         200)
        for path in ("/apps/other", "/apps/nowhere"):
            self.assertEqual(self.cli("GET", path, key="one-key").status, 404)
        answer = self.cli("POST", "/apps/other/log-sessions", b"{}", "one-key")
        self.assertEqual(answer.status, 404)
        self.assertEqual([app["name"] for app in
                          self.cli("GET", "/apps", key="one-key").json()],
                         ["demo"])
        self.assertEqual(sorted(app["name"] for app in
                                self.cli("GET", "/apps").json()),
                         ["demo", "other"])

    def test_the_account_is_the_credential(self):
        answer = self.cli("GET", "/account")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json()["email"], "cli")
        self.assertNotIn(KEY, answer.body.decode())

    def session(self, body):
        answer = self.cli("POST", "/apps/demo/log-sessions", body)
        self.assertEqual(answer.status, 201, answer)
        made = answer.json()
        self.assertEqual(sorted(made),
                         ["created_at", "id", "logplex_url", "updated_at"])
        self.assertRegex(made["created_at"], r"\A%s\Z" % WHEN)
        self.assertRegex(made["id"], r"\A%s\Z" % UUID)
        self.assertRegex(made["logplex_url"],
                         r"\Ahttp://logplex\.test/sessions/%s"
                         r"\?tail=(true|false)\Z" % UUID)
        url = urlsplit(made["logplex_url"])
        return url.path + "?" + url.query

    def test_lines_of_a_session_come_as_events_and_it_ends(self):
        for i in range(8):
            self.post(self.token, [line("line %d" % i)])
        for body in (b'{"lines":5,"tail":false}', b'{"lines":5}'):
            path = self.session(body)
            self.assertTrue(path.endswith("?tail=false"))
            self.assertEqual([event.data.decode() for event in
                              self.events(path).rest()],
                             [shown("line %d" % i) for i in range(3, 8)])

    def test_a_tail_says_so_in_its_url(self):
        self.post(self.token, [line("a")])
        for body in (b'{"lines":100,"tail":true}', b'{"tail":true,"lines":1}',
                     b"{}", None):
            path = self.session(body)
            self.assertTrue(path.endswith("?tail=true"))
            events = self.events(path)
            self.assertEqual(events.next().data.decode(), shown("a"))
            self.assertEqual(events.retry_ms, 1000)

    def test_filters_have_the_names_of_all_clis(self):
        self.post(self.token, [line("w1", procid="web.1"),
                               line("w2", procid="web.2"),
                               line("r", app="heroku", procid="router"),
                               line("s", procid="website.1")])
        for body, expected in (
                (b'{"source":"heroku","lines":3}', ["r"]),
                (b'{"dyno":"web.1","lines":3,"tail":false}', ["w1"]),
                (b'{"dyno":"web","lines":1}', ["w2"]),
                (b'{"dyno_name":"web.2","lines":3}', ["w2"]),
                (b'{"type":"web","lines":3}', ["w1", "w2"]),
                (b'{"source":"app","dyno":"web","lines":0}', []),
                (b'{"source":null,"dyno":null,"lines":1}', ["s"])):
            with self.subTest(body):
                texts = [event.data.decode().split(": ")[1]
                         for event in self.events(self.session(body)).rest()]
                self.assertEqual(texts, expected)

    def test_what_makes_no_sense_is_refused_with_a_message(self):
        for body, status, error_id in (
                (b"{x", 400, "bad_request"), (b"[]", 400, "bad_request"),
                (b'{"lines":-1}', 422, "invalid_params"),
                (b'{"lines":"5"}', 422, "invalid_params"),
                (b'{"tail":"yes"}', 422, "invalid_params"),
                (b'{"source":1}', 422, "invalid_params"),
                (b'{"dyno":["web"]}', 422, "invalid_params"),
                (b'{"dyno":"' + b"x" * 257 + b'"}', 422, "invalid_params")):
            with self.subTest(body[:40]):
                answer = self.cli("POST", "/apps/demo/log-sessions", body)
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.json()["id"], error_id)
                self.assertTrue(answer.json()["message"])

    def test_the_url_is_as_the_client_reached_us(self):
        answer = self.ask("POST", "/apps/demo/log-sessions",
                          [JSON, ("Authorization", "Bearer " + KEY),
                           ("X-Forwarded-Proto", "https")], b"{}", auth=None)
        self.assertTrue(re.match("https://logplex.test/sessions/",
                                 answer.json()["logplex_url"]))


class BaseUrl(DaemonTest):
    FLAGS = ["--base-url", "https://logs.example.org"]

    def test_the_base_url_goes_before_all_else(self):
        self.make_channel("demo")
        answer = self.ask_json("POST", "/v3/sessions", {"channel_id": "demo"})
        self.assertTrue(answer.json()["url"].startswith(
            "https://logs.example.org/sessions/"))


class NoCredentials(DaemonTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS": ""}

    def test_this_machine_may_do_everything_while_there_are_none(self):
        self.assertEqual(self.ask_json("PUT", "/v3/channels/demo", {},
                                       auth=None).status, 201)
        for path in ("/apps/demo", "/account", "/ledger", "/metrics"):
            self.assertEqual(self.ask("GET", path, auth=None).status, 200)


if __name__ == "__main__":
    main()
