#!/usr/bin/env python3
"""Reading a log session: history and live, plain and as Server-Sent Events."""
import contextlib
import json
import os
import re
import signal
import sqlite3
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import PATIENCE_S, DaemonTest, line, main, shown

L11 = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 logplex\[1\]: Error "
                 r"L11 \(Tail buffer overflow\) -> This tail session dropped "
                 r"(\d+) messages since "
                 r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\.\Z")

NO_TAIL, NO_HISTORY = 1, 2
PADDING = "x" * 1000 + " "  # what no socket's buffers take many of


class SessionTest(DaemonTest):
    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app", "web")["app"]

    def send(self, *texts, **fields):
        answer = self.post(self.token, [line(text, **fields)
                                        for text in texts])
        self.assertEqual(answer.status, 204, answer)

    def send_numbers(self, start, stop, padding=""):
        for at in range(start, stop, 500):
            self.send(*["%s%d." % (padding, i)
                        for i in range(at, min(at + 500, stop))])

    def texts(self, events):
        return [event.data.decode() for event in events]


class Plain(SessionTest):
    def test_history_is_plain_text_that_no_browser_renders(self):
        self.send("hello", "with its newline\n", "<b>bold</b>")
        answer = self.ask("GET", self.make_session("demo"), auth=None)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"],
                         "text/plain; charset=utf-8")
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        self.assertEqual(answer.headers["transfer-encoding"], "chunked")
        self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(answer.body.decode(), "".join(
            shown(text) + "\n"
            for text in ("hello", "with its newline", "<b>bold</b>")))

    def test_a_session_is_read_as_often_as_one_likes(self):
        self.send("a")
        path = self.make_session("demo")
        for srv in ("", "?srv=1325419200", "?tail=true"):
            answer = self.ask("GET", path + srv, auth=None)
            self.assertEqual(answer.body.decode(), shown("a") + "\n")

    def test_an_unknown_session_is_404(self):
        for name in ("00000000-0000-4000-8000-000000000000", "x", "%01",
                     "x" * 300):
            answer = self.ask("GET", "/sessions/" + name, auth=None)
            self.assertEqual((answer.status, answer.body), (404, b"Not found"))

    def test_another_method_is_405_and_HEAD_is_another(self):
        for path in (self.make_session("demo", tail=True),
                     "/v2/canary-fetch/x", "/v3/channels/demo/logs"):
            for method in ("HEAD", "PUT"):
                client = self.daemon.client()
                client.send(method, path)
                answer = client.read_head()
                self.assertEqual((answer.status, answer.headers["allow"]),
                                 (405, "GET"), (method, path))

    def test_a_session_goes_with_its_channel(self):
        path = self.make_session("demo")
        self.ask("DELETE", "/v3/channels/demo")
        self.assertEqual(self.ask("GET", path, auth=None).status, 404)
        self.make_channel("demo", "app")
        self.assertEqual(self.ask("GET", path, auth=None).status, 404)

    def test_there_are_exactly_num_lines(self):
        self.send_numbers(0, 300)
        for num, count in ((None, 100), (3, 3), ("3", 3), (0, 0), ("1", 1),
                           (299, 299), (300, 300), (301, 300),
                           (10 ** 17, 300)):
            with self.subTest(num):
                options = {} if num is None else {"num": num}
                self.assertEqual(self.read_session("demo", **options),
                                 [shown("%d." % i)
                                  for i in range(300 - count, 300)])

    def test_num_counts_what_the_filters_let_through(self):
        for i in range(50):
            self.send("%d" % i, procid="web.%d" % (i % 3))
            self.send("%d" % i, app="heroku", procid="router")
            self.send("%d" % i, procid="website")
        for options, expected in (
                ({"source": "heroku", "num": 2},
                 [shown("48", "heroku", "router"),
                  shown("49", "heroku", "router")]),
                ({"ps": "web", "num": 3},
                 [shown(str(i), procid="web.%d" % (i % 3))
                  for i in (47, 48, 49)]),
                ({"ps": "web.1", "num": 2},
                 [shown(str(i), procid="web.1") for i in (46, 49)]),
                ({"source": "app", "ps": "web.2", "num": 1},
                 [shown("47", procid="web.2")]),
                ({"source": "heroku", "ps": "web"}, []),
                ({"source": "hero"}, []), ({"ps": "we"}, []),
                ({"source": "heroku", "num": 0}, []),
                ({"source": "heroku", "num": 1000},
                 [shown(str(i), "heroku", "router") for i in range(50)])):
            with self.subTest(options):
                self.assertEqual(self.read_session("demo", **options),
                                 expected)

    def test_tail_is_what_it_says_and_false_is_no_tail(self):
        self.send("a")
        for value in (False, 0, "false", "0", None):
            with self.subTest(value):
                self.assertEqual(self.read_session("demo", tail=value),
                                 [shown("a")])
        for value in (True, 1, "true", "1"):
            with self.subTest(value):
                client = self.tail(tail=value)
                self.assertEqual(client.chunk(), shown("a").encode() + b"\n")
                self.quiet_for(client, 0.2)

    def tail(self, **options):
        client = self.daemon.client()
        client.send("GET", self.make_session("demo", **options))
        self.assertEqual(client.read_head().status, 200)
        return client

    def test_a_tail_shows_what_was_and_then_what_comes(self):
        self.send("old")
        client = self.tail(tail=True)
        self.assertEqual(client.chunk(), shown("old").encode() + b"\n")
        for i in range(10):
            self.send("new %d" % i)
            self.assertEqual(client.chunk(),
                             shown("new %d" % i).encode() + b"\n")

    def test_a_tail_without_history_begins_now(self):
        self.send("old")
        client = self.tail(tail=True, num=0)
        self.send("new")
        self.assertEqual(client.chunk(), shown("new").encode() + b"\n")

    def test_a_tail_ends_cleanly_when_its_channel_is_deleted(self):
        client = self.tail(tail=True)
        self.send("last")
        self.assertEqual(client.chunk(), shown("last").encode() + b"\n")
        self.ask("DELETE", "/v3/channels/demo")
        self.assertEqual(client.chunk(), b"")

    def test_there_is_no_seam_between_history_and_live(self):
        going = threading.Event()
        going.set()
        sent = []

        def send():
            while going.is_set() and len(sent) < 20000:
                batch = ["%d." % i for i in range(len(sent), len(sent) + 10)]
                self.send(*batch, procid="web.%d" % (len(sent) // 10 % 2))
                sent.extend(batch)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            for options in ({}, {"ps": "web.1"}, {"num": 5},
                            {"num": 5, "ps": "web.0"}) * 3:
                client = self.tail(tail=True, **options)
                text = b""
                while text.count(b"\n") < 300:
                    text += client.chunk()
                client.close()
                got = [int(n) for n in re.findall(rb": (\d+)\.\n", text)]
                if "ps" in options:
                    parity = int(options["ps"][-1])
                    wanted = [i for i in range(got[0], got[-1] + 1)
                              if i // 10 % 2 == parity]
                else:
                    wanted = list(range(got[0], got[-1] + 1))
                self.assertEqual(got, wanted)
        finally:
            going.clear()
            thread.join()

    def test_a_line_larger_than_a_block_is_whole(self):
        texts = [c * 60000 for c in "abc"]
        self.send(*texts)
        self.assertEqual(self.read_session("demo"),
                         [shown(text) for text in texts])


class Events(SessionTest):
    FLAGS = ["--heartbeat", "200ms"]

    def test_each_line_is_an_event_with_an_id_to_come_back_to(self):
        self.send("a", "b")
        events = self.events(self.make_session("demo"))
        self.assertEqual(events.answer.headers["content-type"],
                         "text/event-stream")
        self.assertEqual(events.answer.headers["cache-control"], "no-cache")
        self.assertEqual(events.answer.headers["x-accel-buffering"], "no")
        got = events.rest()
        self.assertEqual(self.texts(got), [shown("a"), shown("b")])
        self.assertEqual({event.name for event in got}, {"message"})
        epoch, seq = got[0].id.split(":")
        self.assertEqual([event.id for event in got],
                         ["%s:%d" % (epoch, int(seq) + i) for i in (0, 1)])

    def test_the_bytes_are_these(self):
        self.send("a")
        client = self.daemon.client()
        client.send("GET", self.make_session("demo"),
                    [("Accept", "text/event-stream")])
        self.assertRegex(client.read().body.decode(),
                         r"\Aretry: 10\n\ndata: %s\nid: \d+:1\n\n\Z" %
                         re.escape(shown("a")))

    def test_a_tail_says_when_to_come_back(self):
        self.send("a")
        events = self.tail_events("demo")
        events.take(1)
        self.assertEqual(events.retry_ms, 1000)

    def test_nothing_in_a_message_becomes_a_field(self):
        for text in ("one\ntwo", "one\rtwo", "one\r\ntwo", "one\n\ntwo",
                     "one\nevent: gap\nid: 7:7\nretry: 1\ndata: x",
                     "one\r\rid: 9", "one\n:comment", "\nid: 9\n\n", "\r",
                     "\n", "", " lead", "nul\0nul", "žluť €", "tail\r\n",
                     "tail\n\n"):
            with self.subTest(text):
                self.send(text)
                event, = self.events(
                    self.make_session("demo", num=1)).rest()
                lines = re.sub("\r\n|\r", "\n", shown(text)).split("\n")
                if re.search("[\r\n]\\Z", text):
                    lines.pop()
                self.assertEqual(event.data.decode().split("\n"), lines)
                self.assertEqual(event.name, "message")
                self.assertRegex(event.id, r"\A\d{12,}:\d+\Z")

    def test_names_with_a_return_become_no_field_either(self):
        self.post(self.token, [
            b"<13>1 2026-11-21T00:00:00Z h a\rid:9 p\rretry:1 - - x"])
        event, = self.events(self.make_session("demo")).rest()
        self.assertEqual(event.data,
                         b"2026-11-21T00:00:00Z a\nid:9[p\nretry:1]: x")

    def test_an_event_larger_than_a_block_is_whole(self):
        texts = ["x" * 60000, "y\n" * 20000 + "y", "z"]
        self.send(*texts)
        got = self.texts(self.events(self.make_session("demo")).rest())
        self.assertEqual(got, [shown(text) for text in texts])

    def test_who_comes_back_gets_the_rest_and_nothing_twice(self):
        self.send_numbers(0, 20)
        path = self.make_session("demo", tail=True, num=10)
        events = self.events(path)
        first = events.take(10)
        events.client.close()
        self.send_numbers(20, 30)
        again = self.events(path, first[-1].id)
        second = again.take(10)
        self.send_numbers(30, 31)
        self.assertEqual(self.texts(first + second + again.take(1)),
                         [shown("%d." % i) for i in range(10, 31)])
        by_url = self.events(path + "?last_event_id=" + first[4].id)
        self.assertEqual(self.texts(by_url.take(2)),
                         [shown("15."), shown("16.")])

    def test_who_has_all_of_a_history_gets_an_empty_rest(self):
        self.send("a")
        path = self.make_session("demo")
        got = self.events(path).rest()
        again = self.events(path, got[-1].id)
        self.assertEqual(again.rest(), [])
        self.assertEqual(again.retry_ms, 1000)

    def test_of_another_life_the_gap_is_unknown_and_history_comes(self):
        self.send_numbers(0, 5)
        path = self.make_session("demo", num=2)
        epoch = self.events(path).rest()[0].id.split(":")[0]
        for last_id in (epoch + ":6", "17:3", "17", "x:y", ":", "1:2:3",
                        "99999999999999999999999:1"):
            with self.subTest(last_id):
                gap, l11, *rest = self.events(path, last_id).rest()
                self.assertEqual(gap.name, "gap")
                self.assertIsNone(json.loads(gap.data)["lost"])
                self.assertIn(b"dropped an unknown number of messages",
                              l11.data)
                self.assertEqual(self.texts(rest), [shown("3."), shown("4.")])

    def test_a_silent_tail_is_kept_alive_by_comments(self):
        client = self.daemon.client()
        client.send("GET", self.make_session("demo", tail=True),
                    [("Accept", "text/event-stream")])
        client.read_head()
        self.assertEqual(client.chunk(), b"retry: 1000\n\n")
        since = time.monotonic()
        for _ in range(3):
            self.assertEqual(client.chunk(), b":\n\n")
        self.assertGreater(time.monotonic() - since, 0.5)
        self.send("a")
        self.assertIn(b"data: ", client.chunk())

    def test_a_filtered_tail_is_told_how_far_it_is(self):
        events = self.tail_events("demo", source="heroku")
        self.send("a", "b")
        self.send("c", app="heroku")
        self.send("d", "e", "f")
        event, = events.take(1)
        self.assertEqual(event.data.decode(), shown("c", "heroku"))
        epoch = event.id.split(":")[0]
        while events.last_id == event.id:
            one = events.lines()
            if one.startswith(b"id: "):
                events.last_id = one[4:].decode()
        self.assertEqual(events.last_id, epoch + ":6")


class Gaps(SessionTest):
    FLAGS = ["--history-lines", "100", "--channel-max", "256KiB",
             "--workers", "1"]

    def told(self, events):
        """Numbers seen, and how many lines were told to be lost."""
        seen, lost = [], 0
        for event in events:
            if event.name == "gap":
                lost += json.loads(event.data)["lost"]
            elif L11.match(event.data.decode()):
                continue
            else:
                seen.append(int(event.data.rsplit(b" ", 1)[1][:-1]))
        return seen, lost

    def test_who_comes_back_too_late_is_told_how_many_are_gone(self):
        self.send_numbers(0, 10)
        path = self.make_session("demo")
        got = self.events(path).rest()
        self.send_numbers(10, 10000)
        rest = self.events(path, got[-1].id).rest()
        gap, l11 = rest[:2]
        self.assertEqual(gap.name, "gap")
        lost = json.loads(gap.data)["lost"]
        self.assertRegex(json.loads(gap.data)["since"],
                         r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\Z")
        self.assertEqual(l11.name, "message")
        self.assertEqual(L11.match(l11.data.decode()).group(1), str(lost))
        seen, lost = self.told(rest)
        self.assertEqual(seen, list(range(10 + lost, 10000)))
        # The gap has been told: who comes back from there hears no more of it.
        seen_again, lost_again = self.told(self.events(path, gap.id).rest())
        self.assertEqual(lost_again + len(seen_again), len(seen))
        self.assertEqual(seen_again, seen[lost_again:])

    def slow(self, path, accept=None):
        client = self.daemon.client(receive_buffer=4096)
        client.send("GET", path, [("Accept", accept)] if accept else [])
        client.read_head()
        return client

    def test_a_slow_reader_loses_lines_and_knows_how_many(self):
        path = self.make_session("demo", tail=True)
        client = self.slow(path, "text/event-stream")
        self.send_numbers(0, 15000, PADDING)
        self.assertEqual(self.ask("DELETE", "/v3/channels/demo").status, 204)
        text = b""
        data = client.chunk()
        while data:
            text += data
            data = client.chunk()
        seen = [int(n) for n in re.findall(rb"data: \S+ app\S+ x+ (\d+)\.\n", text)]
        lost = sum(int(n) for n in re.findall(rb'{"lost":(\d+),', text))
        l11 = [int(n) for n in re.findall(rb"session dropped (\d+) mess", text)]
        self.assertEqual(sum(l11), lost)
        self.assertEqual(len(seen) + lost, 15000)
        self.assertEqual(seen, sorted(set(seen)))
        self.assertGreater(lost, 0)
        tails = self.ledger()["tails"]
        self.assertEqual(tails["lost_lines"], lost)
        self.assertEqual(tails["written_lines"], len(seen))
        self.assertEqual(tails["gaps"], len(l11))

    def test_plain_text_has_the_gap_in_its_place_whatever_is_filtered(self):
        path = self.make_session("demo", tail=True, source="app")
        client = self.slow(path)
        self.send_numbers(0, 15000, PADDING)
        self.ask("DELETE", "/v3/channels/demo")
        text = b""
        data = client.chunk()
        while data:
            text += data
            data = client.chunk()
        at = 0
        for one in text.decode().splitlines():
            gap = L11.match(one)
            if gap:
                at += int(gap.group(1))
            else:
                self.assertEqual(one, shown("%s%d." % (PADDING, at)))
                at += 1
        self.assertEqual(at, 15000)


class LagLimit(SessionTest):
    # On one worker a body is in the ring before any tail gets to read of it.
    FLAGS = ["--tail-lag-max", "50", "--history-lines", "5000",
             "--workers", "1"]

    def test_history_is_no_lag(self):
        self.send_numbers(0, 3000)
        events = self.tail_events("demo", num=2000)
        self.assertEqual(self.texts(events.take(2000)),
                         [shown("%d." % i) for i in range(1000, 3000)])

    def test_a_tail_over_the_limit_jumps_and_is_told(self):
        events = self.tail_events("demo", num=0)
        self.send("first")
        events.take(1)
        self.send_numbers(0, 500)
        gap, _ = events.take(2)
        self.assertEqual(gap.name, "gap")
        self.assertEqual(json.loads(gap.data)["lost"], 450)
        self.assertEqual(self.texts(events.take(50)),
                         [shown("%d." % i) for i in range(450, 500)])


class Ending(SessionTest):
    FLAGS = ["--workers", "2", "--shutdown-limit", "20s"]

    def test_a_stop_ends_tails_cleanly_after_all_that_was_accepted(self):
        path = self.make_session("demo", tail=True)
        readers = [self.events(path) for _ in range(10)]
        plain = self.daemon.client()
        plain.send("GET", path)
        plain.read_head()
        self.send_numbers(0, 1000)
        self.daemon.process.send_signal(signal.SIGTERM)
        for reader in readers:
            self.assertEqual(self.texts(reader.rest()),
                             [shown("%d." % i) for i in range(1000)])
        text = b""
        data = plain.chunk()
        while data:
            text += data
            data = plain.chunk()
        self.assertEqual(text.count(b"\n"), 1000)
        since = time.monotonic()
        self.assertEqual(self.daemon.process.wait(PATIENCE_S), 0)
        self.assertLess(time.monotonic() - since, 10)


class Expiry(SessionTest):
    FLAGS = ["--session-ttl", "1s"]

    def test_a_session_expires_but_an_open_tail_goes_on(self):
        path = self.make_session("demo", tail=True, num=0)
        events = self.events(path)
        time.sleep(2)
        self.assertEqual(self.ask("GET", path, auth=None).status, 404)
        self.send("a")
        self.assertEqual(self.texts(events.take(1)), [shown("a")])


class Kept(SessionTest):
    """With a data directory, over a restart."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store = os.path.join(folder.name, "catalog.db")
        self.FLAGS = ["--data", folder.name]
        super().setUp()

    def restart(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.start()

    def set_flags(self, flags):
        """What the original's operators do in its store."""
        self.assertEqual(self.daemon.stop(), 0)
        with contextlib.closing(sqlite3.connect(self.store)) as store:
            store.execute("UPDATE channels SET flags = ?", (flags,))
            store.commit()
        self.start()

    def test_who_comes_back_after_a_restart_is_told_so(self):
        self.send("before")
        path = self.make_session("demo", tail=True)
        event, = self.events(path).take(1)
        self.restart()
        self.send("after")
        gap, l11, after = self.events(path, event.id).take(3)
        self.assertEqual(gap.name, "gap")
        self.assertIsNone(json.loads(gap.data)["lost"])
        self.assertIn(b"Error L11", l11.data)
        self.assertEqual(after.data.decode(), shown("after"))

    def test_a_channel_that_may_not_be_followed_says_so_and_ends(self):
        self.set_flags(NO_TAIL)
        self.send("a")
        path = self.make_session("demo", tail=True)
        first, l20 = self.ask("GET", path,
                              auth=None).body.decode().splitlines()
        self.assertEqual(first, shown("a"))
        self.assertRegex(
            l20, r"\A\S+ Logplex: Error L20 \(Tail sessions forbidden\) Tail "
                 r"sessions for this app are forbidden due to log volume\.\Z")
        events = self.events(path)
        self.assertEqual(len(events.rest()), 2)
        self.assertGreater(events.retry_ms, 10000)
        self.assertEqual(self.read_session("demo"), [shown("a")])

    def test_a_channel_without_history_warns_and_shows_none(self):
        self.set_flags(NO_HISTORY)
        self.send("a")
        answer = self.ask("GET", self.make_session("demo"), auth=None)
        self.assertEqual(answer.body, b"")
        self.assertEqual(
            answer.headers["x-heroku-warning"],
            "Warning: log history discarded due to excessive volume.")
        events = self.tail_events("demo")
        self.send("b")
        self.assertEqual(self.texts(events.take(1)), [shown("b")])


if __name__ == "__main__":
    main()
