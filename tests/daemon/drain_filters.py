#!/usr/bin/env python3
"""Drains that do not want all lines."""
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from behaviours import answers, good, hangs_up, in_turn
from draining import PATIENT, DrainTest, numbered
from logplexd import line, main
from sinks import HttpSink, SyslogSink

KINDS = (HttpSink, SyslogSink)


def router(status, n):
    return "at=info method=GET path=/%d status=%d service=18ms" % (n, status)


class Filters(DrainTest):
    FLAGS = [*PATIENT, "--workers", "3"]

    def mixed(self, count):
        """Every fifth line is an error of the router's."""
        return [router(503 if n % 5 == 0 else 200, n) for n in range(count)]

    def send_all(self, lines):
        for at in range(0, len(lines), 500):
            self.send(lines[at:at + 500])

    def test_only_what_the_filter_lets_through_arrives_in_its_order(self):
        lines = self.mixed(10000)
        wanted = [one for one in lines if "status=503" in one]
        sinks = [self.sink(kind) for kind in (*KINDS, HttpSink)]
        drains = [self.drain(sinks[0].url("/#filter=status%3E%3D500")),
                  self.drain(sinks[1].url(), filter="status>=500"),
                  self.drain(sinks[2].url("/#insecure"), encoding="zstd",
                             filter="source=app status>=500")]
        self.send_all(lines)
        for sink, drain in zip(sinks, drains):
            sink.wait_for(len(wanted))
            self.assertEqual(sink.texts(), wanted)
            self.assertEqual(sink.losses(), [])
            status = self.settled(drain, len(lines))
            self.assertEqual(status["left_out_lines"],
                             {"filter": len(lines) - len(wanted), "rate": 0})
            self.assertEqual(status["lost_lines"],
                             {"overflow": 0, "refused": 0})
        self.assertEqual(self.all_drains()["left_out_lines"]["filter"],
                         3 * (len(lines) - len(wanted)))
        metrics = self.ask("GET", "/metrics").body.decode()
        self.assertIn('logplex_drain_left_out_lines_total{by="filter"} %d\n' %
                      (3 * (len(lines) - len(wanted))), metrics)

    def test_source_process_severity_and_pattern(self):
        asked = {"process=web": ["a", "b"], "process=web.2": ["b"],
                 "severity<=err": ["b", "d"], 'msg~"^[cd]$"': ["c", "d"],
                 "source=other": []}
        sinks = {one: self.sink(HttpSink) for one in asked}
        drains = [self.drain(sink.url(), filter=one)
                  for one, sink in sinks.items()]
        self.assertEqual(self.post(self.token, [
            line("a", procid="web.1", pri=134),
            line("b", procid="web.2", pri=131),
            line("c", procid="worker.1", pri=134),
            line("d", procid="worker.1", pri=128)]).status, 204)
        for (one, sink), drain in zip(sinks.items(), drains):
            self.settled(drain, 4)
            self.assertEqual(sink.texts(), asked[one], one)

    def test_a_batch_is_sent_again_as_it_was(self):
        lines = self.mixed(1000)
        wanted = [one for one in lines if "status=503" in one]
        for hiccup in (answers(503), hangs_up()):
            sink = self.sink(HttpSink, in_turn(hiccup, hiccup, good()))
            drain = self.drain(sink.url(), filter="status>=500", rate=150)
            self.send_all(lines)
            self.settled(drain, len(lines))
            first = sink.requests[0]
            for again in sink.requests[1:3]:
                self.assertEqual(again.body, first.body)
                self.assertEqual(again.get("Logplex-Frame-Id"),
                                 first.get("Logplex-Frame-Id"))
            self.assertEqual(sink.texts(), wanted[:len(sink.texts())])
            self.delete(drain)

    def test_a_rate_leaves_out_what_is_more(self):
        sink = self.sink(HttpSink)
        drain = self.drain(sink.url(), rate=100)
        lines = numbered(1000)
        self.send(lines)
        status = self.settled(drain, 1000)
        # All came within a moment, so a second's worth gets through, and what
        # a slow machine adds.
        self.assertGreaterEqual(status["delivered_lines"], 100)
        self.assertLess(status["delivered_lines"], 1000)
        self.assertEqual(status["left_out_lines"],
                         {"filter": 0, "rate": 1000 -
                          status["delivered_lines"]})
        self.assertEqual(sink.texts()[:100], lines[:100])

    def test_a_flood_of_unwanted_lines_does_not_hide_a_rare_one(self):
        sink = self.sink(HttpSink)
        drain = self.drain(sink.url(), filter='msg~"needle"')
        for n in range(40):
            self.send(numbered(999, n * 1000) + ["a needle %d" % n])
        sink.wait_for(40)
        self.assertEqual(sink.texts(), ["a needle %d" % n for n in range(40)])
        self.assertEqual(self.settled(drain, 40000)["delivered_lines"], 40)

    def test_a_filter_can_be_changed_and_taken_away(self):
        sink = self.sink(HttpSink)
        drain = self.drain(sink.url(), filter="source=nobody")
        self.send(["a"])
        self.settled(drain, 1)
        for n, options in enumerate(({"filter": "source=app"}, {})):
            answer = self.ask_json("PUT", self.path(drain),
                                   dict(options, url=sink.url()))
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual("filter=" in answer.json()["url"], n == 0)
            self.wait_until(lambda: self.gets_through(sink, "b%d" % n))
            self.ask_json("PUT", self.path(drain),
                          {"url": sink.url(), "filter": "source=nobody"})
            self.wait_until(lambda: not self.gets_through(sink, "c%d" % n))

    def gets_through(self, sink, text):
        before = sink.texts().count(text)
        self.send([text])
        time.sleep(0.3)  # longer than a line lingers
        return sink.texts().count(text) > before

    def test_what_is_no_filter_is_told_in_words(self):
        for options, told in (
                ({"filter": "status>="}, 'filter='),
                ({"filter": 'msg~"("'}, 'filter='),
                ({"filter": "severity=loud"}, 'loud'),
                ({"filter": 7}, 'has to be a string'),
                ({"rate": 0}, "from 1 to 1000000"),
                ({"rate": "fast"}, "has to be a number"),
                ({"encoding": "lzma"}, "lzma"),
                ({"filter": "x" * 3000}, "2048")):
            answer = self.ask_json("POST", "/v3/channels/demo/drains",
                                   dict(options, url="http://127.0.0.1:1/"))
            self.assertEqual(answer.status, 400, (options, answer))
            self.assertIn(told, answer.body.decode(), options)

    def test_options_without_a_url_are_told(self):
        for options in ({"filter": "a"}, {"rate": 5}, {"refused": "park"}):
            answer = self.ask_json("POST", "/v3/channels/demo/drains", options)
            self.assertEqual(answer.status, 400, (options, answer))
            self.assertIn('needs a \\"url\\" beside it', answer.body.decode())

    def test_a_filter_with_every_byte_that_needs_an_escape(self):
        sink = self.sink(HttpSink)
        text = r'msg~"[&#%?/ é=+] sign\\\\"'
        drain = self.drain(sink.url("/#insecure"), filter=text)
        self.send(["plain", "and & sign\\"])
        sink.wait_for(1)
        self.assertEqual(sink.texts(), ["and & sign\\"])
        self.assertEqual(self.settled(drain, 2)["left_out_lines"]["filter"], 1)


class Kept(DrainTest):
    """With a data directory, over a restart."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.FLAGS = [*PATIENT, "--data", folder.name]
        super().setUp()

    def test_a_filter_is_there_after_a_restart(self):
        sink = self.sink(HttpSink)
        self.drain(sink.url(), filter="source=app !secret")
        self.assertEqual(self.daemon.stop(), 0)
        self.start()
        self.send(["a secret=1"])
        self.send(["b"])
        sink.wait_for(1)
        self.assertEqual(sink.texts(), ["b"])


if __name__ == "__main__":
    main()
