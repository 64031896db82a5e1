#!/usr/bin/env python3
"""A POST /logs that comes again, by its Logplex-Frame-Id: answered as the first
was, and kept once."""
import gzip
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, basic, frames, line, main, shown

TYPE = ("Content-Type", "application/logplex-1")


class DedupTest(DaemonTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "other:other-password:any_channel"}

    def setUp(self):
        super().setUp()
        self.tokens = self.make_channel("demo", "app", "web")
        self.token = self.tokens["app"]

    def send(self, frame_id, lines, *headers, token=None):
        return self.post(token or self.token, lines,
                         [("Logplex-Frame-Id", frame_id), *headers])

    def counts(self):
        return self.ledger()["listeners"]["http"]

    def counter(self, name):
        for one in self.ask("GET", "/metrics").body.decode().splitlines():
            if one.startswith("logplex_%s " % name):
                return int(one.split(" ")[1])
        return self.fail("no " + name)

    def assert_same(self, one, two):
        def told(answer):
            headers = {name: value for name, value in answer.headers.items()
                       if name not in ("request-id", "date")}
            return answer.status, headers, answer.body
        self.assertEqual(told(one), told(two))


class Repeats(DedupTest):
    def test_it_is_kept_once_and_counted_as_a_duplicate(self):
        lines = [line("a"), line("b")]
        first = self.send("id-1", lines)
        self.assertEqual(first.status, 204)
        for _ in range(3):
            self.assert_same(self.send("id-1", lines), first)
        self.assertEqual(self.read_session("demo"), [shown("a"), shown("b")])
        counts = self.counts()
        self.assertEqual(counts["received_lines"], 8)
        self.assertEqual(counts["accepted_lines"], 2)
        self.assertEqual(counts["rejected_lines"]["duplicate"], 6)
        self.assertEqual(self.counter("dedup_hits_total"), 3)
        self.assertEqual(self.counter("dedup_evicted_total"), 0)

    def test_what_the_first_was_told_is_told_again(self):
        mixed = frames([line("a"), b"no syslog", line("b")])
        garbage = line("c") + b"\ngarbage\n" + line("d") + b"\n"
        for frame_id, body, status in (("mixed", mixed, 204),
                                       ("garbage", garbage, 400)):
            header = ("Logplex-Frame-Id", frame_id)
            first = self.post(self.token, None, [header], body)
            self.assertEqual(first.status, status)
            self.assertEqual(first.headers["logplex-msg-accepted"], "2")
            self.assertEqual(first.headers["logplex-msg-rejected"], "1")
            # It goes by the id, not by the body.
            self.assert_same(self.post(self.token, None, [header], body),
                             first)
            self.assert_same(self.post(self.token, [line("x")], [header]),
                             first)
        self.assertEqual(self.read_session("demo"),
                         [shown(text) for text in "abcd"])
        self.assertEqual(self.counts()["rejected_lines"]["duplicate"],
                         3 + 1 + 3 + 1)

    def test_a_packed_one_is_counted_by_its_lines(self):
        body = gzip.compress(frames([line("a")] * 50))
        headers = [("Logplex-Frame-Id", "z"), ("Content-Encoding", "gzip")]
        for _ in range(2):
            self.assertEqual(self.post(self.token, None, headers,
                                       body).status, 204)
        self.assertEqual(self.counts()["rejected_lines"]["duplicate"], 50)
        self.assertEqual(len(self.read_session("demo")), 50)

    def test_an_id_is_its_senders_own(self):
        body = frames([line("a", self.token)])
        for auth in (("token", self.token), ("token", self.tokens["web"]),
                     ("owner", "owner-password"),
                     ("other", "other-password")):
            for _ in range(2):
                answer = self.ask("POST", "/logs",
                                  [TYPE, ("Logplex-Frame-Id", "same")], body,
                                  auth=auth)
                self.assertEqual(answer.status, 204)
        self.assertEqual(self.counts()["accepted_lines"], 4)
        self.assertEqual(self.counts()["rejected_lines"]["duplicate"], 4)

    def test_a_stranger_learns_nothing_from_an_id(self):
        self.assertEqual(self.send("id", [line("a")]).status, 204)
        answer = self.send("id", [line("a")], token="t.none")
        self.assertEqual(answer.status, 401)

    def test_a_body_that_was_not_kept_may_be_mended(self):
        wrong = ("Logplex-Msg-Count", "3")
        lines = [line("a")]
        first = self.send("id", lines, wrong)
        self.assertEqual(first.status, 400)
        self.assert_same(self.send("id", lines, wrong), first)
        self.assertEqual(self.read_session("demo"), [])
        self.assertEqual(self.send("id", lines).status, 204)
        self.assertEqual(self.send("id", lines, wrong).status, 204)
        self.assertEqual(self.read_session("demo"), [shown("a")])

    def test_ids_have_1_to_128_bytes(self):
        for frame_id, kept in (("x" * 128, 1), ("x" * 129, 2), ("", 2),
                               ("ž".encode().decode("latin-1"), 1)):
            before = self.counts()["accepted_lines"]
            for _ in range(2):
                self.assertEqual(self.send(frame_id, [line("a")]).status, 204)
            with self.subTest(frame_id):
                self.assertEqual(self.counts()["accepted_lines"] - before,
                                 kept)
        self.assertEqual(self.counter("dedup_ignored_total"), 4)

    def test_without_an_id_nothing_is_a_repeat(self):
        for _ in range(2):
            self.assertEqual(self.post(self.token, [line("a")]).status, 204)
        self.assertEqual(self.counts()["accepted_lines"], 2)


class Races(DedupTest):
    FLAGS = ["--workers", "2"]
    CONNECTIONS, IDS, TIMES, LINES = 8, 160, 3, 5

    def run_connection(self, which, statuses):
        client = self.daemon.client()
        auth = ("Authorization", basic("token", self.token))
        for i in range(self.IDS):
            # Neighbours send the same ids at the same time.
            if (i - which) % self.CONNECTIONS >= self.TIMES:
                continue
            body = frames([line("%d.%d" % (i, j)) for j in range(self.LINES)])
            answer = client.ask("POST", "/logs", [
                TYPE, auth, ("Logplex-Frame-Id", "frame-%d" % i)], body)
            statuses.append(answer.status)

    def test_each_id_is_kept_once_whoever_comes_first(self):
        statuses = []
        threads = [threading.Thread(target=self.run_connection,
                                    args=(which, statuses))
                   for which in range(self.CONNECTIONS)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(statuses, [204] * (self.IDS * self.TIMES))
        want = [shown("%d.%d" % (i, j)) for i in range(self.IDS)
                for j in range(self.LINES)]
        self.assertEqual(sorted(self.read_session("demo", num=1500)),
                         sorted(want))
        counts = self.settled_ledger()["listeners"]["http"]
        sent = self.IDS * self.TIMES * self.LINES
        self.assertEqual(counts["received_lines"], sent)
        self.assertEqual(counts["accepted_lines"], len(want))
        self.assertEqual(counts["rejected_lines"]["duplicate"],
                         sent - len(want))


class Bounds(DedupTest):
    FLAGS = ["--dedup-max", "1024", "--dedup-window", "1h"]

    def test_the_oldest_is_forgotten_for_the_newest(self):
        client = self.daemon.client()
        auth = ("Authorization", basic("token", self.token))

        def send(i):
            self.assertEqual(client.ask("POST", "/logs", [
                TYPE, auth, ("Logplex-Frame-Id", str(i))],
                frames([line("a")])).status, 204)
            return self.counts()["accepted_lines"]

        for i in range(1024):
            client.ask("POST", "/logs", [
                TYPE, auth, ("Logplex-Frame-Id", str(i))], frames([line("a")]))
        self.assertEqual(self.counter("dedup_evicted_total"), 0)
        self.assertEqual(send(0), 1024)
        self.assertEqual(send("new"), 1025)
        self.assertEqual(send(1), 1025)
        self.assertEqual(send(0), 1026)
        self.assertEqual(self.counter("dedup_evicted_total"), 2)


class Window(DedupTest):
    FLAGS = ["--dedup-window", "1ms"]

    def test_after_it_an_id_is_new_again(self):
        self.assertEqual(self.send("id", [line("a")]).status, 204)

        def is_kept_again():
            self.send("id", [line("a")])
            return len(self.read_session("demo")) > 1
        self.wait_until(is_kept_again)
        self.assertEqual(self.counter("dedup_evicted_total"), 0)


class Off(DedupTest):
    FLAGS = ["--dedup-window", "0ms"]

    def test_no_id_is_looked_at(self):
        for _ in range(2):
            self.assertEqual(self.send("id", [line("a")]).status, 204)
        self.assertEqual(self.counts()["accepted_lines"], 2)


class Full(DedupTest):
    FLAGS = ["--memory-max", "8MiB", "--channel-max", "64MiB",
             "--history-lines", "100000", "--frame-max", "255KiB"]

    def test_a_429_is_not_remembered(self):
        late = self.make_channel("late", "app")["app"]
        big = [line("x" * 200000)] * 2
        for _ in range(30):
            self.assertEqual(self.post(self.token, big).status, 204)
        self.assertEqual(self.send("id", big, token=late).status, 429)
        self.assertEqual(self.ask("DELETE", "/v3/channels/demo").status, 204)
        self.wait_until(
            lambda: self.send("id", big, token=late).status == 204)
        self.assertEqual(self.send("id", big, token=late).status, 204)
        self.assertEqual(len(self.read_session("late")), 2)


if __name__ == "__main__":
    main()
