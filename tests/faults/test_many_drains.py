#!/usr/bin/env python3
"""Many drains, half of them with a sink that is away or says nothing: what is
good stays so, and nothing grows.

    LOGPLEXD=... LOADGEN=... SINKS=... test_many_drains.py [DRAINS [SECONDS]]
"""
import os
import re
import socket
import sys
import time
import unittest

import logplexd
import tools

DRAINS, SECONDS = [int(text) for text in sys.argv[1:3]] + \
    [200, 15][len(sys.argv) - 1:]
LINES_A_SECOND = DRAINS * 4
LINE_BYTES = 200
RING_BYTES = 64 << 10
WARM = 0.6  # of the time: the rings of those whose sink is away fill up
GROWTH_MAX = 1.1



class ManyDrains(logplexd.DaemonTest):
    FLAGS = ["--workers", "2", "--channel-max", str(RING_BYTES), "--history-lines",
             "20", "--memory-max", "1GiB", "--drain-backoff-max", "5s"]

    def setUp(self):
        super().setUp()
        self.good = [tools.Sinks(os.environ["SINKS"], kind)
                     for kind in ("http", "syslog")]
        for one in self.good:
            self.addCleanup(one.stop)
        self.away = socket.socket()
        self.away.bind(("127.0.0.1", 0))  # and does not listen
        self.addCleanup(self.away.close)
        self.silent = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.addCleanup(self.silent.close)

    def url(self, number):
        """Of each four, two are good."""
        away, silent = (one.getsockname()[1]
                        for one in (self.away, self.silent))
        return ("http://127.0.0.1:%d/%d" % (self.good[0].port, number),
                "http://127.0.0.1:%d/%d" % (away if number % 8 < 4 else silent,
                                            number),
                "syslog://127.0.0.1:%d#%d" % (self.good[1].port, number),
                "syslog://127.0.0.1:%d#%d" % (away, number))[number % 4]

    def make_drains(self):
        tokens, self.ids = [], {}
        for number in range(DRAINS):
            name = "many-%d" % number
            tokens.append(self.make_channel(name, "app")["app"])
            answer = self.ask_json("POST", "/v3/channels/%s/drains" % name,
                                   {"url": self.url(number)})
            self.assertEqual(answer.status, 201, answer.body)
            self.ids[name] = answer.json()["id"]
        return tokens

    def send(self, tokens, seconds):
        tools.send(os.environ["LOADGEN"], self.daemon.address("syslog-tcp"),
                   tokens, LINES_A_SECOND * seconds, LINE_BYTES,
                   LINES_A_SECOND)

    def metric(self, name):
        found = re.search(r"^logplex_%s (\S+)$" % name,
                          self.ask("GET", "/metrics").body.decode(), re.M)
        return float(found[1]) if found else None

    def memory_bytes(self):
        """What the daemon has asked for: how much of it is resident depends on
        huge pages, and on when the allocator gives some back. Rings are not
        malloc's."""
        return (self.metric("jemalloc_allocated_bytes") or 0) + \
            self.metric("memory_bytes")

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.daemon.process.pid))

    def status(self, number):
        name = "many-%d" % number
        return self.ask("GET", "/v3/channels/%s/drains/%d" % (
            name, self.ids[name])).json()["status"]

    def check_good(self, number):
        self.wait_until(lambda: self.status(number)["lag_lines"] == 0)
        status = self.status(number)
        self.assertEqual(status["delivered_lines"], status["offered_lines"])
        self.assertEqual(status["lost_lines"], {"overflow": 0, "refused": 0})

    def test_the_good_ones_lose_nothing_and_nothing_grows(self):
        tokens = self.make_drains()
        warm = int(SECONDS * WARM)
        self.send(tokens, warm)
        before_bytes, before_fds = self.memory_bytes(), self.descriptors()
        self.send(tokens, SECONDS - warm)
        grown = self.memory_bytes() / before_bytes
        print("%d drains, %d s: memory %.1f MiB, %.2f of what it was (resident "
              "%.1f MiB); descriptors %d, %d before" % (
                  DRAINS, SECONDS, self.memory_bytes() / 2**20, grown,
                  self.metric("process_resident_memory_bytes") / 2**20,
                  self.descriptors(), before_fds), flush=True)
        if warm * LINES_A_SECOND / DRAINS * LINE_BYTES > RING_BYTES:
            self.assertLess(grown, GROWTH_MAX)
        for number in range(0, DRAINS, 2):
            self.check_good(number)
        for number in range(1, DRAINS, 2):
            status = self.status(number)
            self.assertEqual(
                status["offered_lines"], status["delivered_lines"] +
                sum(status["lost_lines"].values()) + status["lag_lines"])
        for name, drain_id in self.ids.items():
            self.ask("DELETE", "/v3/channels/%s/drains/%d" % (name, drain_id))
        self.wait_until(lambda: self.descriptors() < 80,
                        "connections of drains that are gone")


if __name__ == "__main__":
    sys.argv[1:] = []
    logplexd.main()
