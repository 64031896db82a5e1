#!/usr/bin/env python3
"""Drains whose URL wants their bodies compressed."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from behaviours import (Behaviour, answers, good, hangs_up, in_turn,
                        is_content, with_length)
from draining import PATIENT, DrainTest, lost_lines, numbered
from logplexd import Daemon, main
from sinks import HttpSink

ENCODINGS = ("gzip", "zstd")
STEP_LINES = 1024


def mixed(count):
    """Lines of each kind and length, some of which nothing makes smaller."""
    dice = random.Random(1)
    kinds = (lambda: "at=info method=GET path=/%d" % dice.randrange(100),
             lambda: "%x" % dice.getrandbits(4 * dice.randrange(1, 2000)),
             lambda: "ein Döner für %d €" % dice.randrange(10) * 20,
             lambda: "x" * dice.randrange(4000))
    return ["%06d %s" % (n, dice.choice(kinds)()) for n in range(count)]


def encodings(sink):
    return {one.get("Content-Encoding") for one in sink.requests}


class Bodies(DrainTest):
    FLAGS = [*PATIENT, "--workers", "3"]

    def test_ten_thousand_lines_arrive_in_their_order(self):
        sinks = [self.sink(HttpSink) for _ in ENCODINGS]
        drains = [self.drain(sink.url("/#insecure&encoding=" + one))
                  for sink, one in zip(sinks, ENCODINGS)]
        lines = mixed(10000)
        for at in range(0, len(lines), 400):
            self.send(lines[at:at + 400])
        for sink, drain, encoding in zip(sinks, drains, ENCODINGS):
            sink.wait_for(len(lines))
            self.assertEqual(sink.texts(), lines)
            self.assertEqual(encodings(sink), {encoding})
            self.counts_add_up(sink, self.settled(drain, len(lines)))

    def counts_add_up(self, sink, status):
        plain = sum(len(one.content) for one in sink.requests)
        self.assertEqual(
            (status["sent_bytes"], status["plain_bytes"], status["retries"]),
            (sum(len(one.body) for one in sink.requests), plain, 0))
        self.assertLess(status["sent_bytes"] * 3, plain * 2)
        self.assertEqual(status["compressions"] +
                         status["compressions_shared"], status["batches"])

    def test_without_one_nothing_is_compressed(self):
        sink = self.sink(HttpSink)
        drains = [self.drain(sink.url(one)) for one in (
            "/a", "/b#encoding=identity", "/c?encoding=utf-8",
            "/d?encoding=gzip#encoding=identity")]
        self.send(["a"])
        sink.wait_for(len(drains))
        self.assertEqual(encodings(sink), {None})
        for drain in drains:
            status = self.settled(drain, 1)
            self.assertEqual((status["plain_bytes"], status["compressions"]),
                             (status["sent_bytes"], 0))

    def test_a_query_says_it_too_and_goes_to_the_sink_whole(self):
        sink = self.sink(HttpSink)
        self.drain(sink.url("/?a=b&encoding=gzip&c"))
        self.send(["a"])
        sink.wait_for(1)
        self.assertEqual(sink.texts(), ["a"])
        self.assertEqual((sink.requests[0].target, encodings(sink)),
                         ("/?a=b&encoding=gzip&c", {"gzip"}))

    def test_an_encoding_that_there_is_not_is_refused(self):
        answer = self.ask_json("POST", "/v3/channels/demo/drains",
                               {"url": "https://sink.test/#encoding=br"})
        self.assertEqual(answer.status, 400)
        self.assertIn('"encoding=br"', answer.json()["error"])
        self.assertIn('"zstd"', answer.json()["error"])

    def test_what_comes_again_has_the_same_bytes(self):
        for encoding in ENCODINGS:
            sink = self.sink(HttpSink, in_turn(
                answers(503), hangs_up(), hangs_up(204), answers(429), good()))
            drain = self.drain(sink.url("/#encoding=" + encoding))
            lines = mixed(300)
            self.send(lines)
            self.settled(drain, 300)
            again = sink.requests[:5]
            self.assertEqual(len({one.frame_id for one in again}), 1)
            self.assertEqual(len({one.body for one in again}), 1)
            self.assertEqual(sink.texts(sink.distinct), lines)
            self.delete(drain)

    def test_a_notice_stands_in_the_body_it_belongs_to(self):
        for encoding in ENCODINGS:
            sink = self.sink(HttpSink, in_turn(answers(404), good()))
            drain = self.drain(sink.url("/#encoding=" + encoding))
            self.send(["a", "b"])
            sink.wait_for_requests(1)
            self.send(["c"])
            sink.wait_for_account(3)
            self.assertEqual((sink.texts(), sink.losses()), (["c"], [2]))
            self.assertEqual(
                [(one.get("Content-Encoding"), one.loss_count, one.msg_count)
                 for one in sink.accepted], [(encoding, 2, 2)])
            self.assertEqual(lost_lines(self.settled(drain, 3)), 2)
            self.delete(drain)

    def test_a_body_that_is_too_large_comes_in_smaller_ones(self):
        def takes_less_than_8_kib(connection, request):
            if len(request.content) > 8192:
                connection.answer(request, with_length(413, (), b""), 413)
            else:
                is_content(connection, request)
        sink = self.sink(HttpSink, Behaviour(reply=takes_less_than_8_kib))
        drain = self.drain(sink.url("/#encoding=gzip"))
        lines = numbered(1000)
        self.send(lines)
        sink.wait_for(1000)
        self.assertEqual(sink.texts(), lines)
        self.assertEqual(lost_lines(self.settled(drain, 1000)), 0)

    def test_a_sink_that_knows_no_encoding_is_told_of(self):
        sink = self.sink(HttpSink, answers(415))
        for fragment, why in (
                ("encoding=gzip",
                 "it answered 415; it may not know encoding=gzip"),
                ("x", "it answered 415")):
            drain = self.drain(sink.url("/#" + fragment))
            self.send(["a"])
            status = self.settled(drain, 1)
            self.assertEqual(
                (status["last_error"], status["lost_lines"]["refused"]),
                (why, 1))
            self.delete(drain)

    def test_a_drain_begins_and_ends_to_compress_with_its_url(self):
        sink = self.sink(HttpSink)
        drain = self.drain(sink.url("/a"))
        for n, fragment in enumerate(("", "#encoding=gzip", "#x"), 1):
            if fragment:
                self.redirect(drain, sink.url("/a" + fragment))
            self.send(["a"])
            sink.wait_for(n)
            self.settled(drain, n)
        self.assertEqual([one.get("Content-Encoding") for one in sink.requests],
                         [None, "gzip", None])

    def test_one_logplex_drains_into_another(self):
        other = Daemon()
        self.addCleanup(other.stop)
        lines = mixed(3000)
        for encoding in ENCODINGS:
            token = other.make_channel(encoding, "app")["app"]
            drain = self.drain("http://token:%s@%s:%d/logs#encoding=%s" % (
                token, *other.address(), encoding))
            for at in range(0, len(lines), 300):
                self.send(lines[at:at + 300])
            self.assertEqual(self.settled(drain, 3000)["failures"], 0)
            told = [one.partition(": ")[2]
                    for one in other.read_session(encoding, num="1500")]
            self.assertEqual(told, lines[-1500:])
            self.delete(drain)
        accepted = other.ledger()["listeners"]["http"]["accepted_lines"]
        self.assertEqual(accepted, 3000 * len(ENCODINGS))


class Sharing(DrainTest):
    """All drains of one worker; they begin when all lines are there."""
    FLAGS = [*PATIENT, "--workers", "1", "--drains-max", "30"]
    ENVIRONMENT = {"DISABLE_DRAIN_FORWARDING": "true"}

    def switch_on(self):
        answer = self.ask_json("PUT", "/v3/switches", {"drains": True})
        self.assertEqual(answer.status, 200, answer)

    def sums(self):
        sums = self.all_drains()
        return sums["compressions"], sums["compressions_shared"]

    def test_drains_that_began_at_different_times_gzip_once(self):
        self.compress_once("gzip")

    def test_drains_that_began_at_different_times_zstd_once(self):
        self.compress_once("zstd")

    def compress_once(self, encoding):
        """Each has a first batch of its own, and what is behind it is common."""
        sink = self.sink(HttpSink)
        lines = numbered(5 * STEP_LINES)
        drains = []
        for n in range(5):
            drains.append(
                self.drain(sink.url("/%d#encoding=%s" % (n, encoding))))
            self.send(lines[n * 100:(n + 1) * 100])
        for at in range(500, len(lines), 515):
            self.send(lines[at:at + 515])
        self.switch_on()
        for n, drain in enumerate(drains):
            self.settled(drain, len(lines) - n * 100)
            of = [one for one in sink.accepted if one.target == "/%d" % n]
            self.assertEqual(sink.texts(of), lines[n * 100:])
            self.assertEqual(encodings(sink), {encoding})
        self.assertEqual(len({one.body for one in sink.requests}), 5 + 4)
        self.assertEqual(self.sums(), (5 + 4, 4 * 4))

    def test_all_that_tells_how_drains_fare_has_the_counts(self):
        sink = self.sink(HttpSink)
        drains = [self.drain(sink.url("/%d#encoding=gzip" % n))
                  for n in range(3)]
        self.drain(sink.url("/plain"))
        self.send(["a" * 1000])
        self.switch_on()
        sink.wait_for(4)
        told = [self.settled(one, 1) for one in drains]
        self.assertEqual(sorted((one["compressions"],
                                 one["compressions_shared"]) for one in told),
                         [(0, 1), (0, 1), (1, 0)])
        self.assertEqual(self.sums(), (1, 2))
        sums = self.all_drains()
        metrics = self.ask("GET", "/metrics").body.decode()
        for name in ("sent_bytes", "plain_bytes", "compressions",
                     "compressions_shared"):
            self.assertIn("\nlogplex_drain_%s_total %d\n" % (name, sums[name]),
                          metrics)
        self.assertEqual(sums["plain_bytes"],
                         sum(len(one.content) for one in sink.requests))
        self.assertGreater(sums["plain_bytes"], 2 * sums["sent_bytes"])


if __name__ == "__main__":
    main()
