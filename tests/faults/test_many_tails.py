#!/usr/bin/env python3
"""Many tails that come and go, some of them slow: what each was shown and what
it was told to have lost are what was sent, to the line.

    test_many_tails.py MANY_TAILS TAILS LINES_PER_S SECONDS SEED
"""
import json
import subprocess
import sys
import unittest

from logplexd import DaemonTest
from usage import cpu_seconds

PROGRAM = ""
SIZES = []


class ManyTails(DaemonTest):
    FLAGS = ["--session-ttl", "600s"]

    def test_lines_and_gaps_of_each_tail_are_what_was_sent(self):
        tails, lines_per_s, seconds, _ = SIZES
        token = self.make_channel("demo", "app")["app"]
        session = self.make_session("demo", tail=True, num="1")
        done = subprocess.run(
            [PROGRAM, str(self.daemon.address()[1]),
             str(self.daemon.address("syslog-tcp")[1]), token, session,
             *map(str, SIZES)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=seconds + 150, check=False)
        print(done.stdout, "daemon: %.1f CPU seconds" %
              sum(cpu_seconds(self.daemon.process.pid)))
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 0)
        told = json.loads(done.stdout)
        self.assertEqual(told["sent"], lines_per_s * seconds)
        self.assertEqual(told["delivered"] + told["lost"],
                         told["sent"] * tails)
        # A show in which nobody broke off or lost a line shows nothing.
        self.assertGreater(told["breaks_inside"], 0)
        self.assertGreater(told["lost_by_slow"], 0)
        self.check_ledger(told)

    def check_ledger(self, told):
        ledger = self.settled_ledger()
        listener = ledger["listeners"]["syslog_tcp"]
        sent = told["sent"] + 1  # and line 0
        self.assertEqual(
            (listener["received_lines"], listener["accepted_lines"],
             ledger["engine"]["appended_lines"]), (sent, sent, sent))
        # Tails also had what was on its way when they broke off.
        self.assertGreaterEqual(ledger["tails"]["written_lines"],
                                told["delivered"])
        self.assertGreaterEqual(ledger["tails"]["lost_lines"], told["lost"])
        self.assertGreaterEqual(ledger["tails"]["opened"], told["tails"])
        self.wait_until(self.is_empty, "there are tails that nobody reads")

    def is_empty(self):
        ledger = self.ledger()
        return (ledger["tails"]["opened"] == ledger["tails"]["closed"] and
                ledger["engine"]["cursors"] ==
                ledger["aggregates"]["channels"])


if __name__ == "__main__":
    PROGRAM = sys.argv[1]
    SIZES = [int(size) for size in sys.argv[2:6]]
    unittest.main(argv=sys.argv[:1])
