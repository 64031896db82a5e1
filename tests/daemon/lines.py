#!/usr/bin/env python3
"""Lines by number, by what they say, and by their request."""
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import OWNER, PATIENCE_S, TIME, basic, line, main
from reading import ReadingTest, router


def seqs(answer):
    return [one["seq"] for one in answer["lines"]]


class ByNumber(ReadingTest):
    FLAGS = ["--history-lines", "100", "--channel-max", "256KiB"]

    def test_they_come_in_the_order_in_which_they_were_asked_for(self):
        self.send(*["line %d" % i for i in range(1, 51)])
        answer = self.get("lines", seqs="7,3,50,3")
        self.assertEqual([(one["seq"], one["text"])
                          for one in answer["lines"]],
                         [(7, "line 7"), (3, "line 3"), (50, "line 50"),
                          (3, "line 3")])
        one = answer["lines"][0]
        self.assertEqual((one["time"], one["source"], one["process"],
                          one["severity"]), (TIME, "app", "web.1", 6))
        self.assertEqual(list(answer), ["epoch", "lines"])

    def test_those_that_are_gone_or_to_come_say_so(self):
        self.send(*["%d" % i for i in range(1, 10001)])
        oldest = min(seqs(self.get("lines", limit=1000)))
        answer = self.get("lines", seqs="1,%d,10000,10001" % (oldest - 1))
        self.assertEqual(answer["lines"][0], {"seq": 1, "evicted": True})
        self.assertEqual(answer["lines"][2]["text"], "10000")
        self.assertEqual(answer["lines"][3], {"seq": 10001, "unknown": True})

    def test_of_another_epoch_all_are_gone(self):
        self.send("a")
        epoch = self.get("lines")["epoch"]
        answer = self.get("lines", seqs="1,2", epoch="5")
        self.assertEqual(answer, {
            "epoch": epoch, "epoch_is_over": True,
            "lines": [{"seq": 1, "evicted": True},
                      {"seq": 2, "evicted": True}]})
        answer = self.get("lines", seqs="1", epoch=epoch)
        self.assertEqual(answer["lines"][0]["text"], "a")

    def test_what_is_wrong_is_told(self):
        refused = self.is_refused
        for value in ("0", "x", "1,x", "-1", "1.5", "9" * 19):
            refused("lines", '"seqs" is "%s", but has to be the number of a '
                    'line, from 1 on' % value.split(",")[-1], seqs=value)
        for value in ("", ",", "1,", "1,,2", ",".join(["1"] * 101)):
            refused("lines", '"seqs" is "%s", but has to be 1 to 100 values' %
                    value[:100], seqs=value)
        refused("lines", '"epoch" is "x", but has to be an epoch',
                seqs=1, epoch="x")
        refused("lines", 'there is no parameter "where"; there may be seqs, '
                'epoch', seqs=1, where="a")


class ByWhatTheySay(ReadingTest):
    FLAGS = ["--history-lines", "20000"]

    def setUp(self):
        super().setUp()
        self.before = time.time()
        self.send_requests(*[router("/users/%d/cart" % i,
                                    503 if i % 10 == 0 else 200, i,
                                    more=" code=H12 desc=x" * (i % 10 == 0),
                                    dyno="web.%d" % (i % 3),
                                    at="error" if i % 10 == 0 else "info")
                             for i in range(100)])
        self.send("hello web", procid="web.1")
        self.send("hello web", procid="web.2")
        self.send("hello worker", procid="worker.1")
        self.send("hello website", procid="website")

    def test_without_a_question_they_are_the_newest(self):
        answer = self.get("lines")
        self.assertEqual(seqs(answer), list(range(104, 84, -1)))
        self.assertEqual((answer["scanned"], answer["matched"],
                          answer["evicted"], answer["complete"]),
                         (20, 20, 0, False))
        self.assertEqual(answer["why"],
                         "there may be more lines than the limit")
        answer = self.get("lines", limit=1000)
        self.assertEqual(seqs(answer), list(range(104, 0, -1)))
        self.assertEqual((answer["complete"], answer["why"]), (True, None))

    def test_requests_without_a_status_are_found(self):
        self.send_requests(*[router("/x", status, 1)
                             for status in ("", "x", 5000000000000, 600)])
        for expected, status in (([106, 105], "none"), ([108, 107], "other"),
                                 ([108], 600)):
            self.assertEqual(seqs(self.get("lines", status=status)), expected)

    def test_each_question_is_what_it_says(self):
        for expected, query in (
                (range(91, 0, -10), {"status": 503}),
                (range(91, 0, -10), {"code": "H12"}),
                ([], {"code": "H13"}),
                (range(31, 20, -1), {"response_min": 21, "response_max": 31}),
                (range(6, 0, -1), {"response_max": 6.5}),
                (range(100, 98, -1), {"response_min": 99}),
                (range(100, 98, -1), {"response_min": "9.9e+01"}),
                (range(100, 98, -1), {"response_min": "9900E-2"}),
                ([1], {"response_min": 1e-06, "response_max": 1.5}),
                ([104], {"process": "website"}),
                ([102, 101], {"process": "web"}),
                (range(100, 0, -1), {"route": "GET /users/:id/cart"}),
                ([], {"route": "POST /users/:id/cart"}),
                ([99, 96], {"where": "dyno=web.2 service>=94"}),
                ([103, 102], {"where": 'msg~"^hello w(orker|eb)$"',
                              "from_seq": 102, "end_seq": 105})):
            with self.subTest(query):
                answer = self.get("lines", limit=1000, **query)
                self.assertEqual(seqs(answer), list(expected))
                self.assertEqual(answer["matched"], len(answer["lines"]))
                self.assertTrue(answer["complete"])

    def test_a_range_is_half_open(self):
        for expected, query in (
                ([12, 11, 10], {"from_seq": 10, "end_seq": 13}),
                ([104, 103], {"from_seq": 103}),
                ([2, 1], {"end_seq": 3}), ([], {"from_seq": 9, "end_seq": 9}),
                ([], {"from_seq": 1000}),
                ([104, 103], {"from_seq": 103, "end_seq": 9999})):
            with self.subTest(query):
                answer = self.get("lines", **query)
                self.assertEqual(seqs(answer), expected)
                self.assertEqual((answer["scanned"], answer["complete"],
                                  answer["evicted"]),
                                 (len(expected), True, 0))
        arrivals = [one["t"] for one in self.get("lines",
                                                 limit=1000)["lines"]]
        # Of a time with microseconds, of lines that have nanoseconds.
        answer = self.get("lines", limit=1000, from_="%.6f" % arrivals[0])
        self.assertGreater(len(answer["lines"]), 0)
        self.assertTrue(all(one["t"] >= arrivals[0]
                            for one in answer["lines"]))
        answer = self.get("lines", to="%.6f" % arrivals[-1])
        self.assertEqual(answer["lines"], [])
        answer = self.get("lines", limit=1000, from_="%.3f" % (
            self.before - 5), to="%.3f" % (time.time() + 5))
        self.assertEqual(len(answer["lines"]), 104)

    def test_what_is_wrong_is_told(self):
        for says, query in (
                ('"limit" is "0", but has to be a number from 1 to 1000',
                 {"limit": 0}),
                ('"limit" is "1001", but', {"limit": 1001}),
                ('"status" is "99", but has to be a number from 100 to 999, '
                 '"1xx" to "5xx", "none" or "other"', {"status": 99}),
                ('"from_seq" is "0", but has to be a number from 1',
                 {"from_seq": 0}),
                ('"end_seq" is "x", but', {"end_seq": "x"}),
                ('"end_seq" is the number behind', {"from_seq": 5,
                                                    "end_seq": 4}),
                ('"from" is "now", but has to be a time in seconds',
                 {"from_": "now"}),
                ('"to" is "1e9", but has to be a time', {"to": "1e9"}),
                ('"to" is "9000000001", but has to be a time',
                 {"to": "9000000001"}),
                ('"response_min" is "-1", but has to be a number',
                 {"response_min": -1}),
                ('"response_max" is "1.", but has to be a number',
                 {"response_max": "1."}),
                ('"response_max" is "1e", but', {"response_max": "1e"}),
                ('"response_max" is "1e-", but', {"response_max": "1e-"}),
                ('"response_max" is "1e5x", but', {"response_max": "1e5x"}),
                ('"response_max" is "1e999", but', {"response_max": "1e999"}),
                ('"response_max" is "%s", but' % ("1" * 32),
                 {"response_max": "1" * 32}),
                ('"where", at byte 8: ', {"where": "status>=x"}),
                ('there is no parameter "stat"; there may be seqs, epoch, ',
                 {"stat": 5}),
                ("a process, route", {"route": "x" * 257}),
                ('"process" is empty; ', {"process": ""}),
                ('"epoch" says whose numbers "seqs" are, and there are none',
                 {"epoch": 5, "from_seq": 3})):
            self.is_refused("lines", says, **query)

    def test_what_was_said_while_there_was_no_history_is_not_shown(self):
        self.ask_json("PUT", "/v3/channels/demo/flags", {"flags":
                                                         ["no_redis"]})
        answer = self.get("lines", from_seq=1)
        self.assertEqual((answer["lines"], answer["evicted"], answer["hidden"],
                          answer["scanned"]), ([], 0, 104, 0))
        self.assertEqual(self.get("lines", seqs=5)["lines"],
                         [{"seq": 5, "hidden": True}])
        for what in ("requests/r", "aggregate"):
            answer = self.get(what)
            self.assertEqual((answer["matched"], answer["evicted"],
                              answer["hidden"], answer["covers"]["from"]),
                             (0, 0, 104, None))
        self.ask_json("PUT", "/v3/channels/demo/flags", {"flags": []})
        self.ask_json("PUT", "/v3/switches", {"history": False})
        self.ask_json("PUT", "/v3/switches", {"history": True})
        self.send("later")
        answer = self.get("lines", from_seq=1)
        self.assertEqual(([one["text"] for one in answer["lines"]],
                          answer["evicted"], answer["hidden"]),
                         (["later"], 0, 104))


class ByRequest(ReadingTest):
    ID = "8601b555-6a83-4c12-8269-97c8e32cdb22"

    def test_router_and_app_lines_of_it_come_in_order(self):
        self.send("[%s] Started" % self.ID, "other", procid="web.1")
        self.send_requests(router("/x", request_id=self.ID))
        self.send("request_id=%s done" % self.ID,
                  "a%s b" % self.ID, "%s0" % self.ID, procid="web.2")
        answer = self.get("requests/" + self.ID)
        self.assertEqual(seqs(answer), [1, 3, 4])
        self.assertEqual((answer["request_id"], answer["scanned"],
                          answer["complete"], answer["evicted"],
                          answer["covers"]["from_seq"]),
                         (self.ID, 6, True, 0, 1))
        answer = self.get("requests/nobody")
        self.assertEqual((answer["lines"], answer["complete"]), ([], True))

    def test_an_empty_channel_has_none(self):
        answer = self.get("requests/x")
        self.assertEqual((answer["lines"], answer["scanned"],
                          answer["complete"], answer["evicted"],
                          answer["covers"]["from"]), ([], 0, True, 0, None))

    def test_there_are_a_thousand_at_most_the_newest(self):
        self.send(*["id=many %d" % i for i in range(1500)])
        answer = self.get("requests/many")
        self.assertEqual(seqs(answer), list(range(501, 1501)))
        self.assertFalse(answer["complete"])

    def test_what_is_wrong_is_told(self):
        self.is_refused("requests/x", 'there is no parameter "a"; there may '
                        'be none', a=1)
        self.is_refused("requests/" + "x" * 257, "a process, route, code or "
                        "request id is over 256 bytes")


class Twice(ReadingTest):
    def test_a_parameter_is_there_once(self):
        for what, name in (("lines?limit=5&limit=6", "limit"),
                           ("lines?where=a=1&status=200&where=", "where"),
                           ("lines?seqs=1&seqs=2", "seqs"),
                           ("aggregate?by=a&by=b", "by"),
                           ("aggregate?measure=a&q=0.5&q=0.5", "q"),
                           ("aggregates?window=60s&window=61s", "window"),
                           ("aggregates/series?tier=tens&tier=tens", "tier")):
            with self.subTest(what):
                error = self.get(what, 400)["error"]
                self.assertTrue(error.startswith(
                    '"%s" is there twice, the second time as "' % name),
                    error)
        answer = self.ask("GET", self.CHANNEL + "tail?num=1&num=2",
                          headers=[("Accept", "text/event-stream")])
        self.assertEqual(answer.status, 400, answer)


class Evicted(ReadingTest):
    """Nobody else reads, as readers let lines go that are over the history."""
    FLAGS = ["--history-lines", "100", "--channel-max", "256KiB",
             "--aggregates", "off"]

    def setUp(self):
        super().setUp()
        self.since = time.time() - 5
        self.send(*["id=r n=%d" % i for i in range(1, 20001)])
        self.get("aggregate")

    def test_an_answer_says_what_is_gone_and_since_when_it_is_good(self):
        oldest = self.ask("GET", "/ledger?channel=demo").json()["oldest_seq"]
        first, = self.get("lines", seqs=oldest)["lines"]
        covers = {"from_seq": oldest, "end_seq": 20001, "from": first["t"]}
        for what, query in (
                ("lines", {"where": "n=5"}),
                ("lines", {"where": "n=5", "from_seq": 1}),
                ("lines", {"where": "n=5", "from_": "%.3f" % self.since}),
                ("requests/nobody", {}), ("aggregate", {"window": "24h"}),
                ("aggregate", {"where": "n=5", "measure": "n"})):
            with self.subTest(what, **query):
                answer = self.get(what, **query)
                self.assertEqual((answer["evicted"], answer["covers"],
                                  answer["scanned"], answer["complete"]),
                                 (oldest - 1, covers, 20001 - oldest, True))
        answer = self.get("lines", where="n=5", from_seq=oldest - 7)
        self.assertEqual(answer["evicted"], 7)
        answer = self.get("lines", where="n=5", from_seq=oldest)
        self.assertEqual((answer["evicted"], answer["covers"]), (0, covers))

    def test_a_time_that_lines_reach_back_to_has_all_of_them(self):
        newest, = self.get("lines", limit=1)["lines"]
        self.wait_until(lambda: time.time() > newest["t"] + 0.001)
        since = time.time()
        self.send("later")
        self.assertGreater(self.get("lines", limit=1)["lines"][0]["t"], since)
        answer = self.get("lines", from_="%.6f" % since)
        self.assertEqual((answer["evicted"], answer["matched"],
                          answer["covers"]["from_seq"]), (0, 1, 20001))


class Large(ReadingTest):
    def test_an_answer_has_a_bound_whatever_lines_are(self):
        self.send(*["\x01" * 60000 for _ in range(60)])
        answer = self.get("lines", limit=1000)
        self.assertEqual(answer["why"],
                         "there is no room for more lines in one answer")
        self.assertGreater(len(answer["lines"]), 35)
        self.assertLess(len(answer["lines"]), 60)
        self.assertTrue(all(one["cut"] for one in answer["lines"]))
        answer = self.get("lines", seqs=",".join(map(str, range(1, 61))))
        left_out = [one for one in answer["lines"] if "left_out" in one]
        self.assertEqual(seqs(answer), list(range(1, 61)))
        self.assertGreater(len(left_out), 0)
        self.assertLess(len(left_out), 25)


class Who(ReadingTest):
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "one:one-password:demo other:other-password:other "
                   "sender:sender-password:any_channel"}
    WHAT = ("lines", "lines?seqs=1", "requests/x", "aggregate")

    def test_the_channels_own_credential_and_full_api_may(self):
        for what in self.WHAT:
            self.get(what)
            self.get(what, auth=("one", "one-password"))
            for status, auth in ((401, None), (401, ("one", "x")),
                                 (403, ("other", "other-password")),
                                 (403, ("sender", "sender-password"))):
                self.get(what, status, auth)

    def test_of_others_nobody_is_told_whether_they_are_there(self):
        self.CHANNEL = "/v3/channels/nowhere/"
        for what in self.WHAT:
            self.get(what, 404)
            self.get(what, 403, ("one", "one-password"))


class Refused(ReadingTest):
    FLAGS = ["--scans-max", "0"]

    def test_one_more_than_may_be_is_503_and_counted(self):
        for what in ("lines", "requests/x", "aggregate"):
            answer = self.ask("GET", self.CHANNEL + what)
            self.assertEqual((answer.status, answer.headers["retry-after"]),
                             (503, "1"))
            self.assertIn("--scans-max", answer.json()["error"])
        metrics = self.ask("GET", "/metrics").body
        self.assertIn(b"\nlogplex_scans_refused_total 3\n", metrics)
        self.assertIn(b"\nlogplex_scans_total 0\n", metrics)
        # What is looked up by number is no scan.
        self.get("lines", seqs=1)


class NoMemory(ReadingTest):
    FLAGS = ["--memory-max", "8MiB", "--channel-max", "64MiB",
             "--history-lines", "10000000", "--aggregates", "off"]

    def slack_bytes(self):
        engine = self.ledger()["engine"]
        return engine["memory_max_bytes"] - engine["memory_bytes"]

    def setUp(self):
        """All memory is history, but for some bytes."""
        super().setUp()
        lines = ["k=%d %s" % (i, "x" * 1000) for i in range(1000)]
        while not self.ledger()["engine"]["evicted_lines"]:
            self.send(*lines)

    def test_a_question_makes_do_with_less(self):
        answer = self.get("aggregate", by="k", top=1000)
        rows = answer["groups"] + [answer["other"]]
        self.assertFalse(answer["is_exact"])
        self.assertEqual(sum(one["count"] for one in rows), answer["matched"])
        self.assertGreater(self.ledger()["engine"]["borrow_refusals"], 0)
        self.assertEqual(self.ledger()["questions"]["borrowed_bytes"], 0)

    def test_it_is_refused_in_words_and_counted(self):
        made = 0
        while self.slack_bytes() > 8192:
            answer = self.ask_json("PUT", "/v3/channels/c%d" % made,
                                   {"tokens": ["app"]})
            if answer.status == 503:
                break
            self.post(answer.json()["tokens"]["app"], [line("x")])
            made += 1
        before = self.ledger()["engine"]
        for what in ("aggregate", "requests/x"):
            answer = self.ask("GET", self.CHANNEL + what)
            self.assertEqual((answer.status, answer.headers["retry-after"]),
                             (503, "1"), answer)
            self.assertIn("--memory-max (8MiB)", answer.json()["error"])
        told = self.ledger()
        self.assertEqual((told["questions"]["no_memory"],
                          told["questions"]["borrowed_bytes"]), (2, 0))
        self.assertGreater(told["engine"]["borrow_refusals"],
                           before["borrow_refusals"])
        self.assertEqual(told["engine"]["evicted_lines"],
                         before["evicted_lines"])
        self.assertIn(b"\nlogplex_scans_no_memory_total 2\n",
                      self.ask("GET", "/metrics").body)


SLOW = 'msg~"(x+x+)+y"'  # of x and no y behind them, until PCRE2 gives up
# Never gives up, as it takes just less steps than that from each of 1,000 x.
ENDLESS = 'msg~"x{1,140}x{1,140}(y|z)"'


class GaveUp(ReadingTest):
    FLAGS = ["--scan-limit", "10m"]

    def test_lines_on_which_a_pattern_gave_up_are_counted(self):
        self.send("fine xxy", *["x" * 300 + " y"] * 3)
        for what, query in (("lines", {}), ("aggregate", {}),
                            ("aggregate", {"by": "k"})):
            answer = self.get(what, where=SLOW, **query)
            self.assertEqual((answer["scanned"], answer["matched"],
                              answer["gave_up"], answer["complete"],
                              answer["why"]),
                             (4, 1, 3, False, "a pattern gave up on some "
                              "lines, which are left out"))
        answer = self.get("lines", where='msg~"x+ y"')
        self.assertEqual((answer["matched"], answer["gave_up"],
                          answer["complete"]), (3, 0, True))


class Abandoned(ReadingTest):
    """A question that takes for ever, were it not for who asked it."""
    FLAGS = ["--history-lines", "20000", "--scan-limit", "1h",
             "--scans-max", "1"]
    TARGET = ReadingTest.CHANNEL + "lines?where=" + quote(ENDLESS)

    def test_who_hangs_up_frees_his_place(self):
        self.send(*["x" * 1000 for _ in range(5000)])
        request = ("GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n"
                   % (self.TARGET, basic(*OWNER))).encode()
        for n in range(1, 4):
            peer = socket.create_connection(self.daemon.address())
            peer.sendall(request)
            self.wait_until(lambda: self.questions()["borrowed_bytes"] > 0)
            self.get("lines", 503)
            peer.close()
            self.wait_until(lambda: self.questions()["abandoned"] == n)
            self.wait_until(lambda: self.ask(
                "GET", self.CHANNEL + "lines").status == 200)
        told = self.questions()
        self.assertEqual((told["cut"], told["borrowed_bytes"]), (0, 0))
        self.assertLess(told["scanned_lines"], 3 * 5000)

    def test_who_closes_his_side_gets_what_was_found(self):
        self.send(*["x" * 1000 for _ in range(5000)])
        peer = socket.create_connection(self.daemon.address())
        peer.sendall(("GET %s HTTP/1.0\r\nAuthorization: %s\r\n\r\n"
                      % (self.TARGET, basic(*OWNER))).encode())
        self.wait_until(lambda: self.questions()["borrowed_bytes"] > 0)
        peer.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: peer.recv(65536), b""))
        answer = json.loads(told.partition(b"\r\n\r\n")[2])
        peer.close()
        self.assertEqual((answer["complete"], answer["why"]),
                         (False, "the client has hung up, or closed its side"))
        self.assertLess(answer["scanned"], 5000)

    def test_who_closes_his_side_gets_all_of_a_short_answer(self):
        self.send("a", "b")
        peer = socket.create_connection(self.daemon.address())
        peer.sendall(("GET %slines HTTP/1.0\r\nAuthorization: %s\r\n\r\n" % (
            self.CHANNEL, basic(*OWNER))).encode())
        peer.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: peer.recv(65536), b""))
        peer.close()
        answer = json.loads(told.partition(b"\r\n\r\n")[2])
        self.assertEqual((answer["complete"], answer["matched"]), (True, 2))

    def questions(self):
        return self.ledger()["questions"]


class Bounded(ReadingTest):
    FLAGS = ["--history-lines", "20000", "--scan-limit", "50ms",
             "--scans-max", "1"]
    TARGET = ReadingTest.CHANNEL + "lines?where=" + quote(SLOW)

    def setUp(self):
        super().setUp()
        # They take ten times as long as they may.
        self.send(*["x" * 300 + " y" for _ in range(15000)])

    def test_when_its_time_is_up_it_says_so_and_has_the_newest(self):
        answers = []

        def has_the_newest():
            answers.append(self.get("lines", where=SLOW))
            return answers[-1]["scanned"] > 0
        # In the time of one the machine may have stood still.
        self.wait_until(has_the_newest)
        for answer in answers:
            self.assertEqual((answer["complete"], answer["why"]),
                             (False, "its time was up (--scan-limit)"))
            self.assertLess(answer["scanned"], 15000)
        answer = self.get("aggregate", where=SLOW)
        self.assertEqual(answer["why"], "its time was up (--scan-limit)")
        self.assertLess(answer["took_ms"], 10000)
        self.assertIn(b"\nlogplex_scans_cut_total %d\n" % (len(answers) + 1),
                      self.ask("GET", "/metrics").body)

    def test_meanwhile_others_are_refused_and_lines_are_taken(self):
        statuses = []
        answered = []
        end = time.monotonic() + PATIENCE_S

        def ask():
            while time.monotonic() < end:
                statuses.append(self.ask("GET", self.TARGET).status)
                # Until two have met, which they need not at once.
                if statuses[-1] == 200 and 503 in statuses:
                    answered.append(True)
                    return
        askers = [threading.Thread(target=ask) for _ in range(3)]
        for one in askers:
            one.start()
        for i in range(50):
            self.send("meanwhile %d" % i)
        for one in askers:
            one.join()
        self.assertEqual(len(answered), 3)
        self.assertEqual(set(statuses), {200, 503})
        self.assertEqual(self.get("lines", limit=1)["lines"][0]["text"],
                         "meanwhile 49")

    def test_who_hangs_up_in_the_middle_costs_nothing_for_long(self):
        request = "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n\r\n" \
            % (self.TARGET, basic(*OWNER))
        for _ in range(5):
            peer = socket.create_connection(self.daemon.address())
            peer.sendall(request.encode())
            peer.close()
        self.wait_until(lambda: self.ask(
            "GET", self.CHANNEL + "lines").status == 200)
        self.send("after")
        self.assertEqual(self.get("lines", limit=1)["lines"][0]["text"],
                         "after")


class Stopped(ReadingTest):
    FLAGS = ["--history-lines", "20000", "--scan-limit", "1h"]

    def is_looked_for(self):
        return not re.search(rb"\nlogplex_scans_borrowed_bytes 0\n",
                             self.ask("GET", "/metrics").body)

    def test_a_stop_does_not_wait_for_it(self):
        self.send(*["x" * 1000 for _ in range(5000)])
        client = self.daemon.client()
        client.send("GET", Abandoned.TARGET,
                    [("Authorization", basic(*OWNER))])
        self.wait_until(self.is_looked_for)
        self.daemon.process.send_signal(signal.SIGTERM)
        answer = client.read()
        self.assertEqual((answer.status, answer.json()["why"]),
                         (200, "the daemon ends"))
        self.assertEqual(self.daemon.process.wait(PATIENCE_S), 0)


if __name__ == "__main__":
    main()
