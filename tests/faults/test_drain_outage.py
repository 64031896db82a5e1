#!/usr/bin/env python3
"""A sink is away while lines come, and nothing is lost.

    test_drain_outage.py SECONDS [LINES_A_SECOND]

For so long nobody listens where a drain over HTTP and one over syslog go. The
channel keeps the lines (--channel-max 64MiB); when the sinks are back, all come,
in order and once. Prints how long that takes, most of which is the time until
the drains try again (--drain-backoff-max, 30 s).
"""
import sys
import time
import unittest

from draining import DrainTest, lost_lines, numbered
from logplexd import basic, frames, line
from sinks import HttpSink, SyslogSink

BEFORE_S = 0.5
POST_S = 0.05
SIZES = []


class Outage(DrainTest):
    FLAGS = ["--channel-max", "64MiB"]

    def send_steadily(self, lines, lines_a_second):
        headers = [("Content-Type", "application/logplex-1"),
                   ("Authorization", basic("token", self.token))]
        some = max(int(lines_a_second * POST_S), 1)
        with self.daemon.client() as client:
            due = time.monotonic()
            for at in range(0, len(lines), some):
                time.sleep(max(due - time.monotonic(), 0))
                due += POST_S
                answer = client.ask(
                    "POST", "/logs", headers,
                    frames([line(one) for one in lines[at:at + some]]))
                self.assertEqual(answer.status, 204, answer)

    def test_nothing_is_lost_and_all_is_in_order(self):
        seconds, lines_a_second = SIZES
        before = int(BEFORE_S * lines_a_second)
        lines = numbered(before + int(seconds * lines_a_second))
        sinks = [self.sink(HttpSink), self.sink(SyslogSink)]
        drains = [self.drain(sink.url()) for sink in sinks]
        self.send_steadily(lines[:before], lines_a_second)
        for sink, drain in zip(sinks, drains):
            # What is on its way to a syslog sink when it goes may come twice:
            # it can have been read and not acknowledged. Here nothing is.
            self.settled(drain, before)
            sink.pause()
            sink.hang_up()
        self.send_steadily(lines[before:], lines_a_second)
        began = time.monotonic()
        for sink in sinks:
            sink.resume()
        self.recover(lines, sinks, drains, began)

    def recover(self, lines, sinks, drains, began):
        for sink, drain in zip(sinks, drains):
            status = self.settled(drain, len(lines))
            print("%s: %d lines, all there %.1f s behind the outage, in %d "
                  "batches" % (type(sink).__name__, len(lines),
                               time.monotonic() - began, status["batches"]))
            sink.wait_for(len(lines))
            self.assertEqual(sink.texts(), lines)
            self.assertEqual(lost_lines(status), 0)
            self.assertGreater(status["failures"], 0)
        self.all_drains()


if __name__ == "__main__":
    SIZES = [float(sys.argv[1]),
             int(sys.argv[2]) if len(sys.argv) > 2 else 2000]
    unittest.main(argv=sys.argv[:1])
