#!/usr/bin/env python3
"""What can be turned down while the daemon runs: who is told what, what is kept
over a restart, and that not a line is unaccounted for meanwhile."""
import os
import re
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, OWNER, basic, frames, line, main, shown

TYPE = ("Content-Type", "application/logplex-1")
JSON = ("Content-Type", "application/json")
ALL_ON = {"api": "normal", "legacy_api": "normal", "ingest": True,
          "history": True, "tails": True, "drains": True}
WARNING = "Warning: log history discarded due to excessive volume."
L20 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 Logplex: Error L20 "
                 r"\(Tail sessions forbidden\) Tail sessions are switched off "
                 r"for now\.\Z")


class SwitchTest(DaemonTest):
    def put(self, **switches):
        return self.ask_json("PUT", "/v3/switches", switches)

    def switch(self, **switches):
        answer = self.put(**switches)
        self.assertEqual(answer.status, 200, answer)
        for name, value in switches.items():
            self.assertEqual(answer.json()[name], value)

    def shown_switches(self):
        answer = self.ask("GET", "/v3/switches")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def listener(self, name):
        return self.ledger()["listeners"][name]

    def metrics(self):
        return self.ask("GET", "/metrics").body.decode().splitlines()

    def assert_empty(self, answer, status):
        self.assertEqual((answer.status, answer.body), (status, b""), answer)
        self.assertNotIn("content-type", answer.headers)


class Api(SwitchTest):
    def test_all_is_on_at_first(self):
        answer = self.ask("GET", "/v3/switches")
        self.assertEqual(answer.json(), ALL_ON)
        self.assertEqual(list(answer.json()), list(ALL_ON))
        self.assertEqual(self.ledger()["switches"], ALL_ON)

    def test_those_that_are_named_change(self):
        self.switch(api="read_only", tails=False)
        self.switch(drains=False, tails=True)
        want = dict(ALL_ON, api="read_only", drains=False)
        self.assertEqual(self.shown_switches(), want)
        self.assertEqual(self.ledger()["switches"], want)
        self.assertEqual(self.put().json(), want)

    def test_what_is_wrong_is_told_with_what_is_allowed_and_changes_nothing(
            self):
        modes = r'has to be \"normal\", \"read_only\" or \"disabled\"'
        for body, said in (
                ({"tails": False, "sharding": True},
                 r'there is no switch \"sharding\"; there are api and '),
                ({"tails": False, "ingest": "off"},
                 r'\"ingest\" has to be true or false'),
                ({"tails": False, "drains": 0},
                 r'\"drains\" has to be true or false'),
                ({"tails": None}, r'\"tails\" has to be true or false'),
                ({"tails": False, "api": "closed"}, r'\"api\" ' + modes),
                ({"tails": False, "api": "off"}, r'\"api\" ' + modes),
                ({"legacy_api": True}, r'\"legacy_api\" ' + modes),
                ([], "not a JSON object")):
            with self.subTest(body=body):
                answer = self.ask_json("PUT", "/v3/switches", body)
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(said, answer.body.decode())
        self.assertEqual(self.shown_switches(), ALL_ON)

    def test_who_may_not_use_the_apis_may_not_switch(self):
        for method, path in (("GET", "/v3/switches"), ("PUT", "/v3/switches"),
                             ("POST", "/v3/switches/kill_tail_sessions")):
            self.assertEqual(self.ask(method, path, auth=None).status, 401)
        answer = self.ask("DELETE", "/v3/switches")
        self.assertEqual((answer.status, answer.headers["allow"]),
                         (405, "GET, HEAD, PUT"))

    def test_metrics_show_them(self):
        self.switch(legacy_api="disabled", api="read_only", ingest=False)
        got = [one for one in self.metrics()
               if one.startswith(("logplex_switch{", "logplex_api_mode{"))]
        self.switch(ingest=True)
        self.assertEqual(got, [
            'logplex_switch{name="ingest"} 0',
            'logplex_switch{name="history"} 1',
            'logplex_switch{name="tails"} 1',
            'logplex_switch{name="drains"} 1',
            'logplex_api_mode{api="v3",mode="normal"} 0',
            'logplex_api_mode{api="v3",mode="read_only"} 1',
            'logplex_api_mode{api="v3",mode="disabled"} 0',
            'logplex_api_mode{api="legacy",mode="normal"} 0',
            'logplex_api_mode{api="legacy",mode="read_only"} 0',
            'logplex_api_mode{api="legacy",mode="disabled"} 1'])


class Modes(SwitchTest):
    V3 = (("PUT", "/v3/channels/demo"), ("GET", "/v3/channels/demo"),
          ("DELETE", "/v3/channels/demo"), ("PATCH", "/v3/channels/demo"),
          ("POST", "/v3/channels/demo/tokens"),
          ("GET", "/v3/channels/demo/logs"), ("POST", "/v3/sessions"),
          ("GET", "/v3/sessions"))

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]
        self.session = self.make_session("demo")

    def test_v3_disabled_is_503_for_all_but_what_shows_it(self):
        self.switch(api="disabled")
        for method, path in self.V3:
            for auth in (OWNER, None, ("owner", "wrong")):
                with self.subTest(method=method, path=path, auth=auth):
                    answer = self.ask(method, path, auth=auth)
                    self.assert_empty(answer, 503)
        answer = self.ask("GET", "/v3/healthcheck", auth=None)
        self.assertEqual((answer.status, answer.body), (200, b"OK"))
        self.assertEqual(self.ask("GET", "/v3/nothing").status, 404)
        self.assertEqual(self.shown_switches()["api"], "disabled")
        # What is none of its business goes on.
        self.assertEqual(self.post(self.token, [line("a")]).status, 204)
        answer = self.ask("GET", self.session, auth=None)
        self.assertEqual(answer.body.decode(), shown("a") + "\n")
        self.switch(api="normal")
        self.assertEqual(self.ask("GET", "/v3/channels/demo").status, 200)

    def test_v3_read_only_answers_get_and_nothing_that_writes(self):
        self.switch(api="read_only")
        for method, path in self.V3:
            for auth in (OWNER, None):
                with self.subTest(method=method, path=path, auth=auth):
                    answer = self.ask(method, path, auth=auth)
                    if method != "GET":
                        self.assert_empty(answer, 503)
                    elif path == "/v3/sessions":
                        self.assertEqual(answer.status, 405)
                    else:
                        self.assertEqual(answer.status, 200 if auth else 401)
        client = self.daemon.client()
        client.send("HEAD", "/v3/channels/demo",
                    [("Authorization", basic(*OWNER))])
        self.assertEqual(client.read_head().status, 200)
        self.assertEqual(self.post(self.token, [line("a")]).status, 204)
        self.switch(api="normal")
        self.assertEqual(self.ask("DELETE", "/v3/channels/demo").status, 204)

    def test_the_platform_api_goes_along_and_says_it_its_own_way(self):
        path = "/apps/demo/log-sessions"
        self.switch(api="read_only")
        self.assertEqual(self.ask("GET", "/apps/demo").status, 200)
        self.assertEqual(self.ask("GET", "/apps/demo", auth=None).status, 401)
        answer = self.ask_json("POST", path, {})
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.json(), {
            "id": "service_unavailable",
            "message": "The API is temporarily in read-only mode."})
        self.switch(api="disabled")
        for method, path in (("GET", "/apps"), ("GET", "/apps/demo"),
                             ("GET", "/account"), ("POST", path)):
            answer = self.ask(method, path, auth=None)
            self.assertEqual(answer.status, 503)
            self.assertEqual(answer.json()["message"],
                             "The API is temporarily disabled.")

    def test_legacy_disabled_closes_its_paths_with_a_text(self):
        self.switch(legacy_api="disabled")
        answer = self.ask("GET", self.session, auth=None)
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.body, b"Service Temporarily Disabled")
        self.assertEqual(answer.headers["content-type"], "text/html")
        self.assertEqual(self.ask("GET", "/v3/channels/demo").status, 200)
        self.assertEqual(self.ask("GET", "/nope").status, 404)
        self.assertEqual(self.ask("GET", "/healthcheck", auth=None).status, 200)

    def test_legacy_read_only_shows_sessions(self):
        self.switch(legacy_api="read_only")
        self.assertEqual(self.ask("GET", self.session, auth=None).status, 200)

    def test_a_large_body_for_a_closed_api_is_not_read(self):
        self.switch(api="read_only", ingest=False)
        for path in ("/v3/sessions", "/logs"):
            client = self.daemon.client()
            client.send("POST", path, [("Content-Length", "1000000"),
                                       ("Expect", "100-continue")])
            self.assert_empty(client.read(), 503)
        self.switch(ingest=True)


class Ingest(SwitchTest):
    FLAGS = ["--workers", "2"]

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def test_post_is_503_before_anything_is_asked(self):
        self.switch(ingest=False)
        for method, auth in (("POST", ("token", self.token)), ("POST", None),
                             ("GET", None), ("PUT", OWNER)):
            answer = self.ask(method, "/logs", [TYPE], b"", auth=auth)
            self.assert_empty(answer, 503)
        self.assertEqual(self.post(self.token, [line("a")]).status, 503)
        self.assertEqual(self.ask("GET", "/healthcheck").status, 200)
        self.assertEqual(self.listener("http")["received_lines"], 0)
        self.switch(ingest=True)
        self.assertEqual(self.post(self.token, [line("b")]).status, 204)
        self.assertEqual(self.read_session("demo"), [shown("b")])

    def test_a_body_that_comes_when_it_is_off_is_503(self):
        body = frames([line("a")])
        client = self.daemon.client()
        client.send("POST", "/logs", [
            TYPE, ("Authorization", basic("token", self.token)),
            ("Expect", "100-continue"), ("Content-Length", str(len(body)))])
        client.until(b"\r\n\r\n")  # the daemon has decided
        self.switch(ingest=False)
        client.socket.sendall(body)
        self.assert_empty(client.read(), 503)
        self.assertEqual(self.read_session("demo"), [])

    def test_syslog_is_read_and_counted(self):
        tcp = socket.create_connection(self.daemon.address("syslog-tcp"))
        self.addCleanup(tcp.close)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(udp.close)

        def send(text, tcp_lines, udp_lines):
            """Until so many were received, of all that was ever sent."""
            tcp.sendall(frames([line(text, self.token), b"garbage"]))
            udp.sendto(line(text, self.token),
                       self.daemon.address("syslog-udp"))
            self.wait_until(lambda: self.listener("syslog_tcp")[
                "received_lines"] == tcp_lines and self.listener(
                    "syslog_udp")["received_lines"] == udp_lines)

        send("before", 2, 1)
        self.switch(ingest=False)
        send("off", 4, 2)
        for name, rejected in (("syslog_tcp", 2), ("syslog_udp", 1)):
            counts = self.listener(name)
            self.assertEqual(counts["accepted_lines"], 1)
            self.assertEqual(counts["rejected_lines"]["switched_off"],
                             rejected)
        self.switch(ingest=True)
        send("after", 6, 3)
        texts = [shown("before")] * 2 + [shown("after")] * 2
        self.assertEqual(self.read_session("demo"), texts)

    def send_syslog(self, stop, sent):
        data = frames([line("tcp", self.token)] * 20)
        with socket.create_connection(
                self.daemon.address("syslog-tcp")) as tcp:
            while not stop.is_set():
                tcp.sendall(data)
                sent["tcp"] += 20
                time.sleep(0.001)

    def send_http(self, stop, sent):
        headers = [TYPE, ("Authorization", basic("token", self.token))]
        client = self.daemon.client()
        while not stop.is_set():
            status = client.ask("POST", "/logs", headers,
                                frames([line("http")] * 7)).status
            sent[status] = sent.get(status, 0) + 7

    def test_fifty_switches_under_load_lose_no_line_uncounted(self):
        stop = threading.Event()
        sent = [{"tcp": 0} for _ in range(4)]
        threads = [threading.Thread(target=target, args=(stop, sent[i]))
                   for i, target in enumerate([self.send_syslog] * 2 +
                                              [self.send_http] * 2)]
        for one in threads:
            one.start()
        try:
            for i in range(50):
                self.switch(ingest=i % 2 == 1)
                before = self.listener("syslog_tcp")["received_lines"]
                self.wait_until(lambda: self.listener("syslog_tcp")[
                    "received_lines"] > before)
        finally:
            stop.set()
            for one in threads:
                one.join()
        tcp_lines = sum(one["tcp"] for one in sent)
        self.wait_until(lambda: self.listener("syslog_tcp")[
            "received_lines"] == tcp_lines)
        ledger = self.settled_ledger()
        tcp = ledger["listeners"]["syslog_tcp"]
        off = tcp["rejected_lines"]["switched_off"]
        self.assertEqual(tcp["accepted_lines"] + off, tcp_lines)
        self.assertGreater(off, 0)
        self.assertGreater(tcp["accepted_lines"], 0)
        http = ledger["listeners"]["http"]
        self.assertEqual(http["accepted_lines"],
                         sum(one.get(204, 0) for one in sent))
        self.assertEqual(http["received_lines"], http["accepted_lines"])
        self.assertGreater(sum(one.get(503, 0) for one in sent), 0)
        self.assertEqual(set().union(*sent), {"tcp", 204, 503})


class History(SwitchTest):
    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def say(self, *texts):
        lines = [line(one, procid="web.1") for one in texts]
        self.assertEqual(self.post(self.token, lines).status, 204)

    def logs(self, num=100):
        answer = self.ask("GET", "/v3/channels/demo/logs?num=%d" % num)
        self.assertEqual(answer.status, 200)
        found = re.findall(rb"- (\w+)\n", answer.body)
        self.assertEqual(answer.headers["logplex-msg-count"],
                         str(len(found)))
        return [one.decode() for one in found]

    def sessions(self, **options):
        return [one.split(": ")[1]
                for one in self.read_session("demo", **options)]

    def test_while_it_is_off_there_is_none_and_that_is_told(self):
        self.say("before")
        self.switch(history=False)
        self.say("off")
        answer = self.ask("GET", self.make_session("demo"), auth=None)
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["x-heroku-warning"], WARNING)
        self.assertEqual(self.sessions(ps="web"), [])
        self.assertEqual(self.logs(), [])

    def test_when_it_is_on_again_it_begins_anew(self):
        self.say("before")
        self.switch(history=False)
        self.say("off")
        self.switch(history=True)
        self.assertEqual(self.logs(), [])
        self.assertEqual(self.sessions(), [])
        self.say("a", "b", "c")
        for read in (self.logs, self.sessions,
                     lambda **options: self.sessions(ps="web", **options)):
            self.assertEqual(read(), ["a", "b", "c"])
            self.assertEqual(read(num=2), ["b", "c"])
        self.assertEqual(self.sessions(ps="worker"), [])
        answer = self.ask("GET", self.make_session("demo"), auth=None)
        self.assertNotIn("x-heroku-warning", answer.headers)

    def test_tails_go_on_without_it(self):
        old = self.tail_events("demo")
        self.say("before")
        self.assertEqual(old.next().data.decode(), shown("before"))
        self.switch(history=False)
        new = self.tail_events("demo", num=10)
        filtered = self.tail_events("demo", num=10, ps="web")
        self.say("off")
        for tail in (old, new, filtered):
            self.assertEqual(tail.next().data.decode(), shown("off"))

    def test_who_comes_back_to_his_place_goes_on_from_there(self):
        path = self.make_session("demo", tail=True)
        events = self.events(path)
        self.say("before")
        place = events.next().id
        events.client.close()
        self.switch(history=False)
        self.say("off")
        self.assertEqual(self.events(path, place).next().data.decode(),
                         shown("off"))


class Tails(SwitchTest):
    FLAGS = ["--workers", "2"]

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def ask_session(self, **options):
        return self.ask_json("POST", "/v3/sessions",
                             dict(options, channel_id="demo"))

    def test_only_a_session_that_is_a_tail_is_503(self):
        self.switch(tails=False)
        answer = self.ask_session(tail=True)
        self.assertEqual(answer.status, 503)
        self.assertIn("tails are switched off", answer.json()["error"])
        for options in ({}, {"tail": False}, {"tail": None}):
            self.assertEqual(self.ask_session(**options).status, 201)
        answer = self.ask_json("POST", "/apps/demo/log-sessions",
                               {"tail": True})
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.json()["id"], "service_unavailable")
        answer = self.ask_json("POST", "/apps/demo/log-sessions",
                               {"lines": 5})
        self.assertEqual(answer.status, 201)
        self.switch(tails=True)
        self.assertEqual(self.ask_session(tail=True).status, 201)

    def test_a_tail_shows_history_and_says_l20(self):
        path = self.make_session("demo", tail=True)
        self.assertEqual(self.post(self.token, [line("a")]).status, 204)
        self.switch(tails=False)
        answer = self.ask("GET", path, auth=None)
        first, second = answer.body.decode().splitlines()
        self.assertEqual(first, shown("a"))
        self.assertRegex(second, L20)
        found = self.events(path).rest()
        self.assertEqual(found[0].data.decode(), shown("a"))
        self.assertRegex(found[1].data.decode(), L20)
        self.assertEqual(len(found), 2)

    def test_open_tails_stay_until_they_are_killed(self):
        tails = [self.tail_events("demo") for _ in range(12)]
        self.switch(tails=False)
        self.assertEqual(self.post(self.token, [line("a")]).status, 204)
        for tail in tails:
            self.assertEqual(tail.next().data.decode(), shown("a"))
        self.kill()
        for tail in tails:
            self.assertIsNone(tail.next())  # a clean end
        # What a reader sees last, the end of the body, goes out a moment
        # before its tail is taken down.
        self.wait_until(lambda: "logplex_tails 0" in self.metrics())

    def kill(self):
        answer = self.ask("POST", "/v3/switches/kill_tail_sessions")
        self.assertEqual(answer.status, 204)

    def test_a_kill_is_once_and_for_those_that_are_open(self):
        self.kill()
        path = self.make_session("demo", tail=True)
        tail = self.events(path)
        self.assertEqual(self.post(self.token, [line("a"), line("b")]).status,
                         204)
        self.kill()
        found = [event.data.decode() for event in tail.rest()]
        self.assertEqual(found, [shown("a"), shown("b")][:len(found)])
        again = self.events(path, tail.last_id or None)
        self.assertEqual([event.data.decode()
                          for event in again.take(2 - len(found))],
                         [shown("a"), shown("b")][len(found):])

    def test_kills_and_lines_and_new_tails_at_once(self):
        stop = threading.Event()

        def follow():
            while not stop.is_set():
                events = self.tail_events("demo", num=0)
                events.rest()
                events.client.close()

        threads = [threading.Thread(target=follow) for _ in range(4)]
        for one in threads:
            one.start()
        for _ in range(30):
            self.assertEqual(self.post(self.token, [line("a")]).status, 204)
            self.kill()
        stop.set()
        while any(one.is_alive() for one in threads):
            self.kill()
            time.sleep(0.01)
        for one in threads:
            one.join()


class Restart(SwitchTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.FLAGS = ["--data", folder.name]
        super().setUp()

    def restart(self, *flags, **environment):
        self.assertEqual(self.daemon.stop(), 0)
        flags_before, self.FLAGS = self.FLAGS, [*self.FLAGS, *flags]
        self.ENVIRONMENT = environment
        self.start()
        self.FLAGS = flags_before
        return "".join(self.daemon.log)

    def test_what_the_api_sets_is_kept(self):
        self.switch(ingest=False, legacy_api="read_only", drains=False)
        self.switch(ingest=True)
        log = self.restart()
        want = dict(ALL_ON, legacy_api="read_only", drains=False)
        self.assertEqual(self.shown_switches(), want)
        self.assertIn("event=switch_set switch=drains value=off from=store",
                      log)

    def test_flags_and_the_environment_win_at_the_start_and_are_not_kept(self):
        self.switch(tails=False, api="read_only")
        log = self.restart("--switch-off", "ingest,history",
                           DENY_TAIL_SESSIONS="false", API_STATUS="disabled")
        want = dict(ALL_ON, ingest=False, history=False, api="disabled")
        self.assertEqual(self.shown_switches(), want)
        self.assertIn("event=switch_set switch=ingest value=off "
                      "from=configuration", log)
        self.assertIn("event=switch_overruled switch=tails value=on "
                      "stored=off", log)
        self.switch(drains=False)
        self.restart()
        self.assertEqual(self.shown_switches(),
                         dict(ALL_ON, tails=False, api="read_only",
                              drains=False))

    def test_the_originals_variables_are_understood(self):
        self.restart(DENY_TAIL_SESSIONS="true", DENY_REDIS_BUFFERS="true",
                     DENY_LOGS_INGRESS="true", DISABLE_DRAIN_FORWARDING="true",
                     API_STATUS="read_only", LEGACY_API_STATUS="disabled")
        self.assertEqual(self.shown_switches(), {
            "api": "read_only", "legacy_api": "disabled", "ingest": False,
            "history": False, "tails": False, "drains": False})

    def test_history_that_was_off_begins_when_it_is_switched_on(self):
        token = self.make_channel("demo", "app")["app"]
        self.restart("--switch-off=history")
        self.assertEqual(self.post(token, [line("off")]).status, 204)
        self.assertEqual(self.read_session("demo"), [])
        self.switch(history=True)
        self.assertEqual(self.post(token, [line("on")]).status, 204)
        self.assertEqual(self.read_session("demo"), [shown("on")])


if __name__ == "__main__":
    main()
