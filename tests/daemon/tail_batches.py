#!/usr/bin/env python3
"""Following a channel as batches of JSON: GET /v3/channels/:id/tail."""
import json
import os
import signal
import sys
import threading
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import OWNER, PATIENCE_S, TIME, basic, line, main
from reading import ReadingTest

PADDING = "x" * 1000 + " "
NAMES = ["seq", "t", "time", "source", "process", "severity", "text"]


class TailTest(ReadingTest):
    TAIL = ReadingTest.CHANNEL + "tail"

    def send_numbers(self, start, stop, padding=""):
        for at in range(start, stop, 500):
            self.send(*["%s%d" % (padding, i)
                        for i in range(at, min(at + 500, stop))])

    def tail(self, query="", last_id=None, auth=OWNER, **options):
        events = self.events(self.TAIL + query, last_id, auth, **options)
        self.assertEqual(events.answer.status, 200)
        return events

    def lines(self, event):
        self.assertEqual(event.name, "lines")
        got = json.loads(event.data)
        self.assertGreater(len(got), 0)
        self.assertEqual(event.id.split(":")[1], str(got[-1]["seq"]))
        return got

    def take(self, events, count):
        """So many lines, and how many events they were in."""
        got, batches = [], 0
        while len(got) < count:
            got += self.lines(events.next())
            batches += 1
        self.assertEqual(len(got), count)
        return got, batches

    def texts(self, events, count):
        return [one["text"] for one in self.take(events, count)[0]]


class Lines(TailTest):
    FLAGS = ["--heartbeat", "200ms"]

    def test_it_is_history_and_then_what_comes_in_one_sequence(self):
        self.send("a", pri=131)
        self.send("b", app="heroku", procid="router")
        before = time.time()
        events = self.tail()
        headers = events.answer.headers
        self.assertEqual(headers["content-type"], "text/event-stream")
        self.assertEqual(headers["cache-control"], "no-cache")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        got = self.lines(events.next())
        self.assertEqual(events.retry_ms, 1000)
        self.send("c")
        got += self.lines(events.next())
        for one in got:
            self.assertEqual(list(one), NAMES)
            self.assertEqual(one["time"], TIME)
            self.assertLess(abs(one["t"] - before), PATIENCE_S)
        self.assertEqual([(one["seq"], one["source"], one["process"],
                           one["severity"], one["text"]) for one in got],
                         [(1, "app", "web.1", 3, "a"),
                          (2, "heroku", "router", 6, "b"),
                          (3, "app", "web.1", 6, "c")])

    def test_the_newest_num_lines_are_its_history(self):
        self.send_numbers(0, 300)
        for query, first in (("?num=3", 297), ("?num=1000000", 0), ("", 100)):
            self.assertEqual(self.texts(self.tail(query), 300 - first),
                             ["%d" % i for i in range(first, 300)])
        events = self.tail("?num=0")
        self.send("new")
        self.assertEqual(self.texts(events, 1), ["new"])

    def test_whatever_a_line_has_it_is_json(self):
        every = bytes(range(256)).replace(b"\n", b"") + b"\n."
        texts = [every, b"nul \0 in it", b"\xff\xfe", b"cut \xe2\x82",
                 b"\xed\xa0\x80", b"\xc0\xaf", "é € 🦀 \u2028".encode(),
                 b'"\\/\b\f\t', b"", b"line end\n", b"two\r\nlines\r\n",
                 b"data: x", b"\n\n"]
        self.send(*texts)
        got, _ = self.take(self.tail(), len(texts))
        for one, sent in zip(got, texts):
            for end in (b"\n", b"\r"):
                sent = sent.removesuffix(end)
            self.assertEqual(one["text"], mended(sent))

    def test_a_long_line_is_cut_between_characters(self):
        most = 16384
        for sent, kept in (("a" * most, most), ("a" * (most + 1), most),
                           ("a" * 60000, most), ("é" * 30000, most),
                           ("a" + "é" * 30000, most - 1),
                           ("a" + "€" * 20000, most),
                           ("aa" + "€" * 20000, most - 2),
                           ("🦀" * 15000, most), ("a" + "🦀" * 15000, most - 3)):
            self.send(sent)
            one, = self.take(self.tail("?num=1"), 1)[0]
            self.assertEqual(one["text"], sent.encode()[:kept].decode())
            self.assertEqual(one.get("cut", False), len(sent.encode()) > most)
        self.send(b"\x80" * 60000)
        one, = self.take(self.tail("?num=1"), 1)[0]
        self.assertEqual(one["text"], "\ufffd" * most)

    def test_lines_larger_than_a_block_stand_between_others_in_order(self):
        sizes = [1, 60000, 3, 16000, 16383, 20, 60000, 60000, 1]
        self.send(*["\x01" * size for size in sizes])
        got, _ = self.take(self.tail(), len(sizes))
        self.assertEqual([len(one["text"]) for one in got],
                         [min(size, 16384) for size in sizes])
        self.assertEqual([one["seq"] for one in got],
                         list(range(1, len(sizes) + 1)))

    def test_history_comes_in_few_events_of_64_KiB_at_most(self):
        self.send_numbers(0, 1500)
        events = self.tail("?num=1500")
        got, sizes = 0, []
        while got < 1500:
            event = events.next()
            got += len(self.lines(event))
            sizes.append(len(event.data))
        self.assertEqual(got, 1500)
        self.assertLessEqual(max(sizes), 65536)
        self.assertLess(len(sizes), 12)

    def test_a_silent_tail_is_kept_alive_by_comments(self):
        client = self.daemon.client()
        client.send("GET", self.TAIL, [("Authorization", basic(*OWNER))])
        client.read_head()
        self.assertEqual(client.chunk(), b"retry: 1000\n\n")
        for _ in range(3):
            self.assertEqual(client.chunk(), b":\n\n")
        self.send("a")
        self.assertIn(b"event: lines\n", client.chunk())

    def test_lines_that_follow_each_other_wait_and_go_together(self):
        events = self.tail("?num=0")
        self.send("first")
        self.take(events, 1)
        since = time.monotonic()
        for i in range(50):
            self.send("%d" % i)
        sent_s = time.monotonic() - since
        got, batches = self.take(events, 50)
        self.assertEqual([one["text"] for one in got],
                         ["%d" % i for i in range(50)])
        self.assertLessEqual(batches, sent_s / 0.1 + 2)


class FullRate(TailTest):
    def test_ten_thousand_lines_at_5000_a_second_come_once_and_in_order(self):
        events = self.tail("?num=0")
        since = time.monotonic()

        def feed():
            with self.daemon.client() as client:
                for at in range(0, 10000, 50):
                    time.sleep(max(0, since + at / 5000 - time.monotonic()))
                    lines = [line("number %d" % i) for i in range(at, at + 50)]
                    answer = client.ask(
                        "POST", "/logs",
                        [("Content-Type", "application/logplex-1"),
                         ("Authorization", basic("token", self.token))],
                        b"".join(b"%d %s" % (len(one), one) for one in lines))
                    assert answer.status == 204, answer
        feeder = threading.Thread(target=feed)
        feeder.start()
        got, batches = self.take(events, 10000)
        took_s = time.monotonic() - since
        feeder.join()
        self.assertEqual([one["text"] for one in got],
                         ["number %d" % i for i in range(10000)])
        self.assertEqual([one["seq"] for one in got],
                         list(range(1, 10001)))
        sent = sum(len(json.dumps(one)) for one in got)
        # One each 100 ms, and one more for each 16 KiB: a block is 32.
        self.assertLessEqual(batches, took_s / 0.1 + sent / 16384 + 2)

    def test_readers_that_are_cut_off_resume_without_a_seam(self):
        self.send_numbers(0, 10)
        last, seen = None, []
        for _ in range(12):
            events = self.tail("?num=10", last)
            at = 10 if not seen else seen[-1] + 1
            self.send_numbers(at, at + 700)
            while len(seen) < at + 350:
                event = events.next()
                seen += [int(one["text"]) for one in self.lines(event)]
                last = event.id
            # In the middle of whatever is on its way.
            events.client.close()
            self.send_numbers(at + 700, at + 710)
            events = self.tail("?num=10&last_event_id=" + last)
            while seen[-1] < at + 709:
                event = events.next()
                seen += [int(one["text"]) for one in self.lines(event)]
                last = event.id
            events.client.close()
        self.assertEqual(seen, list(range(seen[-1] + 1)))


class Filters(TailTest):
    FLAGS = ["--heartbeat", "200ms", "--history-lines", "20000"]

    def test_history_and_live_are_of_lines_for_which_it_holds(self):
        def some(start):
            for i in range(start, start + 100):
                self.send("status=%d n=%d" % (200 + i % 5 * 100, i))
        some(0)
        events = self.tail("?num=5&where=" + quote("status>=600"))
        self.assertEqual(self.texts(events, 5),
                         ["status=600 n=%d" % i for i in range(79, 100, 5)])
        some(100)
        self.assertEqual(self.texts(events, 20),
                         ["status=600 n=%d" % i for i in range(104, 200, 5)])

    def test_patterns_work_over_more_lines_than_a_step_looks_at(self):
        for at in range(0, 6000, 500):
            self.send(*["line %d." % i for i in range(at, at + 500)])
        events = self.tail("?num=7&where=" + quote('msg~"[05]000[.]"'))
        self.assertEqual(self.texts(events, 1), ["line 5000."])
        self.send("line 0000.", "line 1.", "line 5000.")
        self.assertEqual(self.texts(events, 2), ["line 0000.", "line 5000."])

    def test_a_pattern_that_takes_its_time_finds_what_there_is(self):
        hard = ["x" * 300 + " y"] * 40 + ["xxy"]
        self.send(*hard)
        events = self.tail("?where=" + quote('msg~"(x+x+)+y"'))
        self.assertEqual(self.texts(events, 1), ["xxy"])
        self.send(*hard, *hard)
        self.assertEqual(self.texts(events, 2), ["xxy", "xxy"])

    def test_it_is_told_how_far_it_is_while_nothing_matches(self):
        events = self.tail("?where=source=heroku")
        self.send("a", app="heroku")
        first = events.next()
        self.send("b", "c", "d")
        epoch = first.id.split(":")[0]
        while events.last_id == first.id:
            one = events.lines()
            if one.startswith(b"id: "):
                events.last_id = one[4:].decode()
        self.assertEqual(events.last_id, epoch + ":4")

    def test_what_is_wrong_is_told_with_its_place(self):
        for query, says in (
                ("where=" + quote("status>=x"),
                 '"where", at byte 8: '),
                ("where=" + quote('msg~"("'), '"where", at byte 6: '),
                ("where=" + "a" * 3000, '"where", at byte '),
                ("num=-1", '"num" is "-1", but has to be a number from 0 to '
                 '1000000'),
                ("num=", '"num" is "", but'), ("num", '"num" is "", but'),
                ("num=1000001", '"num" is "1000001", but'),
                ("nmu=1", 'there is no parameter "nmu"; there may be num, '
                 'where, last_event_id')):
            with self.subTest(query[:50]):
                answer = self.ask("GET", self.TAIL + "?" + query)
                self.assertEqual(answer.status, 400)
                self.assertTrue(answer.json()["error"].startswith(says),
                                answer.body)


class Who(TailTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "one:one-password:demo other:other-password:other "
                   "sender:sender-password:any_channel"}

    def test_the_channels_own_credential_and_full_api_may(self):
        self.send("a")
        for auth in (OWNER, ("one", "one-password"), ("", "one-password")):
            self.assertEqual(self.texts(self.tail(auth=auth), 1), ["a"])
        client = self.daemon.client()
        client.send("GET", self.TAIL,
                    [("Authorization", "Bearer one-password")])
        self.assertEqual(client.read_head().status, 200)

    def test_nobody_else_may(self):
        for auth, status in ((None, 401), (("owner", "x"), 401),
                             (("other", "other-password"), 403),
                             (("sender", "sender-password"), 403)):
            with self.subTest(auth):
                answer = self.ask("GET", self.TAIL, auth=auth)
                self.assertEqual(answer.status, status)
                self.assertIn("error", answer.json())
                if status == 401:
                    self.assertEqual(answer.headers["www-authenticate"],
                                     "Bearer realm=Logplex")

    def test_who_may_read_one_channel_hears_of_no_other(self):
        for name, auth, status in (
                ("nowhere", OWNER, 404),
                ("nowhere", ("one", "one-password"), 403),
                ("other", ("other", "other-password"), 404)):
            with self.subTest((name, auth)):
                answer = self.ask("GET", "/v3/channels/%s/tail" % name,
                                  auth=auth)
                self.assertEqual(answer.status, status)
                self.assertIn('"%s"' % name, answer.json()["error"])


class Gaps(TailTest):
    FLAGS = ["--history-lines", "100", "--channel-max", "256KiB",
             "--workers", "1"]

    def told(self, events):
        """Numbers seen, lines told to be lost, and the last event."""
        seen, lost, end = [], 0, None
        for event in events:
            if event.name == "gap":
                # What comes next is behind it, exactly.
                lost += json.loads(event.data)["lost"]
            elif event.name == "end":
                end = event
            else:
                got = self.lines(event)
                self.assertEqual(int(got[0]["text"].split()[-1]),
                                 len(seen) + lost)
                seen += [int(one["text"].split()[-1]) for one in got]
        return seen, lost, end

    def test_a_slow_reader_loses_lines_and_knows_how_many(self):
        events = self.tail(receive_buffer=4096)
        self.send_numbers(0, 15000, PADDING)
        self.assertEqual(self.ask("DELETE", "/v3/channels/demo").status, 204)
        seen, lost, end = self.told(events.rest())
        self.assertEqual(len(seen) + lost, 15000)
        self.assertEqual(seen, sorted(set(seen)))
        self.assertGreater(lost, 0)
        self.assertEqual(json.loads(end.data), {"why": "The channel is gone"})
        tails = self.ledger()["tails"]
        self.assertEqual(tails["lost_lines"], lost)
        self.assertEqual(tails["written_lines"], len(seen))

    def test_who_comes_back_too_late_is_told_once(self):
        self.send_numbers(0, 10)
        events = self.tail()
        last = events.next().id
        events.client.close()
        self.send_numbers(10, 10000)
        self.assertEqual(self.ask("PUT", "/v3/channels/demo/flags",
                                  [("Content-Type", "application/json")],
                                  b'{"flags":["no_tail"]}').status, 200)
        gap, *rest = self.tail(last_id=last).rest()
        self.assertEqual(gap.name, "gap")
        lost = json.loads(gap.data)["lost"]
        seen = [int(one["text"]) for event in rest[:-1]
                for one in self.lines(event)]
        self.assertEqual(seen, list(range(10 + lost, 10000)))
        self.assertIn("forbidden", json.loads(rest[-1].data)["why"])
        # Who comes back from there hears no more of it, but for what has gone
        # since with the reader that was cut off.
        again, lost = self.tail(last_id=gap.id).rest(), 0
        if again[0].name == "gap":
            lost = json.loads(again.pop(0).data)["lost"]
        self.assertEqual([int(one["text"]) for event in again[:-1]
                          for one in self.lines(event)], seen[lost:])

    def test_an_id_of_another_life_is_an_unknown_gap(self):
        self.send("a")
        for last in ("1:1", "x", "18446744073709551615:1"):
            events = self.tail(last_id=last)
            gap = json.loads(events.next().data)
            self.assertIsNone(gap["lost"])
            self.assertEqual(self.texts(events, 1), ["a"])


class Ending(TailTest):
    def test_a_stop_ends_it_after_all_that_was_accepted(self):
        readers = [self.tail("?num=0") for _ in range(5)]
        self.send_numbers(0, 1000)
        self.daemon.process.send_signal(signal.SIGTERM)
        for reader in readers:
            *batches, end = reader.rest()
            self.assertEqual([one["text"] for event in batches
                              for one in self.lines(event)],
                             ["%d" % i for i in range(1000)])
            self.assertEqual((end.name, json.loads(end.data)),
                             ("end", {"why": "The daemon ends"}))
        self.assertEqual(self.daemon.process.wait(PATIENCE_S), 0)

    def test_switched_off_it_is_history_alone(self):
        self.send("a")
        self.ask_json("PUT", "/v3/switches", {"tails": False})
        lines, end = self.tail().rest()
        self.assertEqual(self.lines(lines)[0]["text"], "a")
        self.assertEqual((end.name, json.loads(end.data)["why"]), (
            "end", "Tail sessions are switched off for now"))

    def test_an_operator_ends_all(self):
        self.send("a")
        events = self.tail()
        self.take(events, 1)
        self.ask("POST", "/v3/switches/kill_tail_sessions")
        end, = events.rest()
        self.assertEqual(json.loads(end.data)["why"],
                         "All tail sessions were ended")


def mended(data):
    """As text, each byte that is no UTF-8 replaced by itself."""
    out = ""
    while data:
        for size in range(1, 5):
            try:
                out += data[:size].decode()
                data = data[size:]
                break
            except UnicodeDecodeError:
                continue
        else:
            out += "\ufffd"
            data = data[1:]
    return out


if __name__ == "__main__":
    main()
