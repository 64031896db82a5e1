#!/usr/bin/env python3
"""The v3 API: channels, tokens, recent lines, creating sessions."""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, OWNER, basic, line, main, shown

TOKEN = re.compile(r"t\.[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                   r"[0-9a-f]{12}\Z")
JSON = ("Content-Type", "application/json")


class Channels(DaemonTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel any:x:any_channel"}

    def put(self, channel, *names):
        return self.ask_json("PUT", "/v3/channels/" + channel,
                             {"tokens": list(names)})

    def error(self, answer, status, says):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertRegex(answer.json()["error"], says)

    def test_a_new_channel_is_201_and_its_tokens_come_by_name(self):
        answer = self.put("app-1", "heroku", "app")
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.headers["content-type"], "application/json")
        tokens = answer.json()["tokens"]
        self.assertEqual(answer.body.decode(),
                         '{"channel":"app-1","tokens":{"app":"%s",'
                         '"heroku":"%s"}}' % (tokens["app"], tokens["heroku"]))
        for token in tokens.values():
            self.assertRegex(token, TOKEN)
        self.assertEqual(self.ask("GET", "/v3/channels/app-1").body,
                         answer.body)

    def test_the_list_of_names_is_the_whole_truth(self):
        first = self.put("app-1", "app", "heroku").json()["tokens"]
        again = self.put("app-1", "app", "heroku")
        self.assertEqual(again.status, 200)
        self.assertEqual(again.json()["tokens"], first)
        other = self.put("app-1", "web", "app", "web").json()["tokens"]
        self.assertEqual(sorted(other), ["app", "web"])
        self.assertEqual(other["app"], first["app"])
        self.assertEqual(self.post(first["heroku"], [line("x")]).status, 401)
        for body in ({}, {"tokens": []}):
            answer = self.ask_json("PUT", "/v3/channels/app-1", body)
            self.assertEqual(answer.body, b'{"channel":"app-1"}')

    def test_a_body_that_is_wrong_is_told_what_is_wrong(self):
        for body, says in ((b"{oops", "invalid JSON at line 1"),
                           (b"", "invalid JSON"), (b"[]", "^invalid payload"),
                           (b'"x"', "invalid"),
                           (b'{"token":["app"]}', 'no "token".*be "tokens"'),
                           (b'{"tokens":"app"}', '"tokens" has to be a list'),
                           (b'{"tokens":null}', '"tokens" has to be a list'),
                           (b'{"tokens":["a",1]}', r'"tokens"\[1\]'),
                           (b"[" * 100000, "invalid JSON"),
                           (b'{"tokens":["\xff"]}', "invalid JSON"),
                           (b'{"tokens":["a\\u0000b"]}', "invalid JSON")):
            with self.subTest(body[:30]):
                self.error(self.ask("PUT", "/v3/channels/app-3", [JSON], body),
                           400, says)
        self.assertEqual(self.ask("GET", "/v3/channels/app-3").status, 404)

    def test_a_name_with_blanks_or_controls_is_refused(self):
        for name in ("a b", "a\x01b", "x" * 257):
            with self.subTest(name):
                self.error(self.put("app-3", name), 400, "^channel \"app-3\": .*no blanks")

    def test_only_json_is_read_and_only_json_is_answered(self):
        body = b'{"tokens":["app"]}'
        for value in (None, "text/plain", "application/jsonx"):
            headers = [("Content-Type", value)] if value else []
            self.error(self.ask("PUT", "/v3/channels/app-3", headers, body),
                       415, "application/json")
        answer = self.ask("PUT", "/v3/channels/app-3",
                          [("Content-Type", "Application/JSON; charset=utf-8")],
                          body)
        self.assertEqual(answer.status, 201)
        self.error(self.ask("GET", "/v3/channels/app-3",
                            [("Accept", "text/html")]), 406, "Accept")

    def test_whoever_may_not_is_401_before_anything_else(self):
        for method, path in (("PUT", "/v3/channels/app-1"),
                             ("GET", "/v3/channels/nowhere"),
                             ("DELETE", "/v3/channels/nowhere"),
                             ("POST", "/v3/channels/app-1/tokens"),
                             ("GET", "/v3/channels/app-1/logs"),
                             ("POST", "/v3/sessions"), ("GET", "/metrics"),
                             ("GET", "/ledger")):
            for auth in (None, ("owner", "x"), ("any", "x"), ("token", "t.x")):
                with self.subTest(method=method, path=path, auth=auth):
                    body = b"{x" if method in ("PUT", "POST") else None
                    answer = self.ask(method, path, [JSON], body, auth=auth)
                    self.assertEqual(answer.status, 401)
                    self.assertEqual(answer.headers["www-authenticate"],
                                     "Basic realm=Logplex")
                    self.assertEqual(answer.body, b"")

    def test_another_method_is_405_and_tells_which_are_not(self):
        self.put("app-1")
        for method in ("POST", "PATCH"):
            answer = self.ask_json(method, "/v3/channels/app-1", {})
            self.assertEqual(answer.status, 405)
            allowed = set(answer.headers["allow"].split(", "))
            self.assertLessEqual({"PUT", "GET", "DELETE"}, allowed)
        answer = self.ask("PUT", "/v3/channels/app-1/tokens")
        self.assertEqual(answer.headers["allow"], "POST, GET, HEAD")

    def test_an_id_that_is_no_text_is_refused(self):
        for channel in ("%ff", "a%0ab", "x" * 257):
            with self.subTest(channel):
                self.assertEqual(self.put(channel, "app").status, 400)
                self.assertEqual(
                    self.ask("GET", "/v3/channels/" + channel).status, 404)

    def test_an_id_with_a_nul_is_not_the_one_before_the_nul(self):
        self.put("app-1", "app")
        for method, path in (("GET", "/v3/channels/app-1%00x"),
                             ("DELETE", "/v3/channels/app-1%00"),
                             ("GET", "/ledger?channel=app-1%00x")):
            with self.subTest(path):
                answer = self.ask(method, path)
                self.assertEqual(answer.status, 400)
                self.assertIn("%00", answer.json()["error"])
        self.assertEqual(self.ask("GET", "/v3/channels/app-1").status, 200)

    def test_an_id_is_percent_decoded_once(self):
        answer = self.put("a%2520b%3Ac", "app")
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(answer.json()["channel"], "a%20b:c")
        self.assertEqual(self.ask("GET", "/v3/channels/a%2520b:c").body,
                         answer.body)

    def test_dots_as_an_id_are_written_with_an_equals_sign(self):
        for segment, name in (("=.", "."), ("=..", ".."), ("%3D.", "=.")):
            with self.subTest(name):
                answer = self.put(segment, "app")
                self.assertEqual(answer.status, 201, answer)
                self.assertEqual(answer.json()["channel"], name)
                answer = self.ask_json(
                    "POST", "/v3/channels/%s/drains" % segment,
                    {"url": "syslog://127.0.0.1:9"})
                self.assertIn("/v3/channels/%s/drains/" % segment,
                              answer.headers["location"])

    def test_a_deleted_channel_is_gone(self):
        self.put("app-1", "app")
        answer = self.ask("DELETE", "/v3/channels/app-1")
        self.assertEqual((answer.status, answer.body), (204, b""))
        for method in ("DELETE", "GET"):
            self.error(self.ask(method, "/v3/channels/app-1"), 404, "there is no channel \"")
        self.assertEqual(self.ask("GET", "/v3/channels/app-1/logs").status, 404)

    def test_the_lines_of_a_deleted_channel_stay_in_the_ledger(self):
        token = self.put("app-1", "app").json()["tokens"]["app"]
        self.assertEqual(self.post(token, [line("x")] * 10).status, 204)
        self.ask("DELETE", "/v3/channels/app-1")
        engine = self.settled_ledger()["engine"]
        self.assertEqual(engine["appended_lines"], 10)

    # Tokens

    def add(self, channel, body):
        return self.ask("POST", "/v3/channels/%s/tokens" % channel, [JSON],
                        body)

    def test_a_new_token_is_200_even_if_its_name_is_there(self):
        self.put("app-1", "tk")
        answer = self.add("app-1", b'{"name":"tk"}')
        self.assertEqual(answer.status, 200)
        token = answer.json()["token"]
        self.assertEqual(answer.body.decode(),
                         '{"token":"%s","name":"tk"}' % token)
        self.assertRegex(token, TOKEN)
        pairs = json.loads(self.ask("GET", "/v3/channels/app-1").body,
                           object_pairs_hook=list)[1][1]
        self.assertEqual([name for name, _ in pairs], ["tk", "tk"])
        self.assertIn(token, [token for _, token in pairs])
        self.assertEqual(self.post(token, [line("x", token)]).status, 204)
        self.assertEqual(self.read_session("app-1"), [shown("x", "tk")])

    def test_a_token_wants_a_name_and_a_channel(self):
        self.put("app-1")
        for body in (b"{}", b'{"name":1}', b'{"name":null}'):
            self.error(self.add("app-1", body), 400, '"name" has to be')
        self.error(self.add("app-1", b"{x"), 400, "invalid JSON")
        self.error(self.add("nowhere", b'{"name":"a"}'), 404, "there is no channel \"")

    def test_a_deleted_token_sends_nothing_more(self):
        token = self.put("app-1", "app").json()["tokens"]["app"]
        self.put("app-2")
        path = "/v3/channels/%s/tokens/" + token
        self.error(self.ask("DELETE", path % "app-2"), 404,
                   'no such token in channel "app-2"')
        self.assertEqual(self.post(token, [line("x")]).status, 204)
        self.assertEqual(self.ask("DELETE", path % "app-1").status, 204)
        self.assertEqual(self.ask("DELETE", path % "app-1").status, 404)
        self.assertEqual(self.post(token, [line("x")]).status, 401)

    # Sessions

    def test_a_session_is_told_by_its_url(self):
        self.put("app-1")
        answer = self.ask_json("POST", "/v3/sessions", {"channel_id": "app-1"})
        self.assertEqual(answer.status, 201)
        url = answer.json()["url"]
        self.assertRegex(url, r"\Ahttp://logplex\.test/sessions/[0-9a-f-]{36}\Z")
        self.assertEqual(answer.headers["location"], url)
        self.assertEqual(answer.body.decode(), '{"url":"%s"}' % url)

    def test_a_session_of_nowhere_is_422(self):
        answer = self.ask_json("POST", "/v3/sessions", {"channel_id": "nochan"})
        self.assertEqual(answer.status, 422)
        self.assertEqual(answer.body, b'{"error":"channel not found"}')

    def test_a_session_that_makes_no_sense_is_400(self):
        self.put("app-1")
        for wrong, says in (({"channel_id": None}, '"channel_id" has'),
                            ({"channel_id": 1}, '"channel_id" has'),
                            ({"channel_id": "x" * 300}, '"channel_id" has'),
                            ({"num": -1}, '"num" has'), ({"num": "x"}, '"num"'),
                            ({"num": 1.5}, '"num"'), ({"num": True}, '"num"'),
                            ({"tail": "maybe"}, '"tail"'),
                            ({"tail": 2}, '"tail"'),
                            ({"source": 1}, '"source"'), ({"ps": []}, '"ps"'),
                            ({"ps": "x" * 257}, '"ps"')):
            with self.subTest(wrong):
                body = dict({"channel_id": "app-1"}, **wrong)
                self.error(self.ask_json("POST", "/v3/sessions", body), 400,
                           says)


class RecentLines(DaemonTest):
    FLAGS = ["--history-lines", "200"]

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("app-1", "app")["app"]

    def logs(self, query=""):
        """Status, count header, frames and the whole body."""
        return self.ask("GET", "/v3/channels/app-1/logs" + query)

    def test_each_line_is_a_frame_with_a_line_end_of_its_own(self):
        self.post(self.token, [
            line("line 1", self.token), line("with newline\n", self.token),
            b'<13>1 2026-01-02T03:04:05Z h x web.1 id7 [a b="c"] x', line("")])
        answer = self.logs()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"],
                         "application/logplex-1")
        self.assertEqual(answer.headers["logplex-msg-count"], "4")
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertEqual(answer.headers["connection"], "close")
        at = b"2026-11-21T00:00:00.123456+00:00"
        self.assertEqual(answer.body, b"".join(
            b"%d %s" % (len(one), one) for one in (
                b"<134>1 " + at + b" host app web.1 - line 1\n",
                b"<134>1 " + at + b" host app web.1 - with newline\n\n",
                b"<13>1 2026-01-02T03:04:05Z host x web.1 - x\n",
                b"<134>1 " + at + b" host app web.1 - \n")))

    def test_there_are_exactly_as_many_as_were_asked_for(self):
        self.post(self.token, [line("%d." % i) for i in range(150)])
        for query, count in (("", 100), ("?num=2", 2), ("?num=0", 0),
                             ("?num=abc", 100), ("?num=", 100), ("?num=-1", 100),
                             ("?num=150", 150), ("?num=100000000000", 150)):
            with self.subTest(query):
                answer = self.logs(query)
                self.assertEqual(answer.headers["logplex-msg-count"],
                                 str(count))
                self.assertEqual(
                    re.findall(rb"- (\d+)\.\n", answer.body),
                    [b"%d" % i for i in range(150 - count, 150)])

    def test_lines_larger_than_a_block_come_whole(self):
        lines = [line(c * 60000) for c in "abc"]
        self.assertEqual(self.post(self.token, lines).status, 204)
        body = self.logs().body
        self.assertEqual(re.findall(rb"- (\w+)\n", body),
                         [c * 60000 for c in (b"a", b"b", b"c")])

    def test_an_accept_that_leaves_it_out_is_406(self):
        with self.daemon.client() as client:
            answer = client.ask("GET", "/v3/channels/app-1/logs",
                                [("Accept", "text/plain"),
                                 ("Authorization", basic(*OWNER))])
        self.assertEqual(answer.status, 406)


class SlowReaders(DaemonTest):
    """Of what a channel keeps, some 14 MiB in lines of 10 KiB."""
    FLAGS = ["--workers", "1", "--aggregates", "off"]
    LINES = 1400

    def fill(self, token):
        for _ in range(self.LINES // 100):
            self.post(token, [line("x" * 10000, token)] * 100)

    def begin(self):
        client = self.daemon.client(receive_buffer=4096)
        client.send("GET", "/v3/channels/demo/logs?num=1400",
                    [("Authorization", basic(*OWNER))])
        head = client.read_head()
        self.assertEqual(head.headers["logplex-msg-count"], str(self.LINES))
        return client

    def rest_of(self, client):
        body = b""
        chunk = client.chunk()
        while chunk:
            body += chunk
            chunk = client.chunk()
        return body

    def pinned_bytes(self):
        return self.ledger()["engine"]["pinned_bytes"]

    def test_what_is_not_taken_is_nobodys_loss_but_the_readers(self):
        token = self.make_channel("demo", "app")["app"]
        self.fill(token)
        late = self.begin()
        self.fill(token)
        self.assertGreater(self.pinned_bytes(), 6 << 20)
        slow = self.begin()
        self.wait_until(lambda: self.pinned_bytes() < 1 << 20)
        with self.assertRaises(EOFError):
            self.rest_of(late)
        time.sleep(5)
        self.assertEqual(self.rest_of(slow).count(b" <134>1 "), self.LINES)


if __name__ == "__main__":
    main()
