#!/usr/bin/env python3
"""What is resident stays close to --memory-max, while rings grow, make way for each
other and grow again."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, frames, line, main
from usage import memory_kib

MIB = 1 << 20
CHANNELS = 300
LINES = 300  # a POST
# Beside the ceiling and what it has at the start: free blocks that are resident
# (docs/http.md, memory_slack_bytes; 4 MiB of them here), bodies under way, and what
# channels have outside of the engine.
ALLOWANCE_MIB = 16


class Resident(DaemonTest):
    FLAGS = ["--memory-max", "64MiB", "--workers", "1", "--aggregates", "off"]

    def setUp(self):
        super().setUp()
        self.random = random.Random(13)
        self.bodies = {}
        self.tokens = {}
        self.rest_kib = memory_kib(self.daemon.process.pid, "VmRSS")

    def make(self, name):
        self.tokens[name] = self.daemon.make_channel(name, "app")["app"]

    def send(self, name, times):
        """Lines of a few sizes, so that segments of all sizes roll on unevenly."""
        token = self.tokens[name]
        body = frames([line("x" * self.random.randrange(50, 450), token)
                       for _ in range(LINES)])
        for _ in range(times):
            self.assertEqual(self.daemon.post(token, None, body=body).status, 204)

    def engine(self):
        return self.daemon.ledger()["engine"]

    def most_mib(self):
        """The most that was resident at any time, above what was at the start."""
        most = memory_kib(self.daemon.process.pid, "VmHWM")
        return (most - self.rest_kib) / 1024

    def check(self, when):
        self.assertLessEqual(self.engine()["memory_bytes"], 64 * MIB, when)
        self.assertLess(self.most_mib(), 64 + ALLOWANCE_MIB, when)

    def test_rings_of_all_sizes_stay_below_it(self):
        for n in range(CHANNELS):
            self.make("c%d" % n)
        for n in range(CHANNELS):
            self.send("c%d" % n, 1 + n % 3)
        self.assertGreater(self.engine()["memory_bytes"], 60 * MIB)
        self.check("all are full, the first ones small")
        for name in self.random.sample(sorted(self.tokens), CHANNELS):
            self.send(name, 3)
        self.check("they have grown at the cost of none but themselves")
        for name in self.random.sample(sorted(self.tokens), CHANNELS * 2 // 3):
            self.daemon.ask("DELETE", "/v3/channels/" + name)
            del self.tokens[name]
        for name in sorted(self.tokens):
            self.make("new-" + name)
            self.send("new-" + name, 1)
            self.send(name, 3)
        self.check("others have come between")
        for name in sorted(self.tokens) * 2:
            self.send(name, 4)
        self.assertGreater(self.engine()["memory_bytes"], 60 * MIB)
        self.check("half of them have what two thirds left")

    def test_what_closed_channels_had_goes_back_to_the_system(self):
        for n in range(CHANNELS):
            self.make("c%d" % n)
            self.send("c%d" % n, 2)
        self.assertGreater(self.engine()["memory_bytes"], 40 * MIB)
        for name in self.tokens:
            self.daemon.ask("DELETE", "/v3/channels/" + name)
        self.wait_until(lambda: memory_kib(self.daemon.process.pid, "VmRSS") <
                        self.rest_kib + 24 * 1024)


if __name__ == "__main__":
    main()
