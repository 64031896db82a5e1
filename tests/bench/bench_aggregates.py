#!/usr/bin/env python3
"""What it costs to count what lines say: CPU-seconds per million lines with
aggregates less those without, of two daemons in turns.

    bench_aggregates.py LOGPLEXD LOADGEN [LINES [CHANNELS [WORKERS [ROUNDS]]]]

Router lines of 300 bytes over TCP as fast as they are taken, so both daemons see
the same machine. The figures are their own user and system time. Ends with the
ledgers: sent = counted, and nothing lost.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ending  # noqa: E402
import logplexd  # noqa: E402
from usage import cpu_seconds  # noqa: E402

LINE_BYTES = 300
CONNECTIONS = 4


def is_done(daemon, lines):
    ledger = daemon.ledger()
    return ledger["engine"]["appended_lines"] == lines and \
        ledger["aggregates"]["behind_lines"] == 0


class Side:
    """A daemon, and what it was sent."""

    def __init__(self, workers, channels, *flags):
        self.daemon = logplexd.Daemon(["--workers", str(workers), *flags])
        self.tokens = [self.daemon.make_channel("bench-%d" % n, "heroku")
                       ["heroku"] for n in range(channels)]
        self.sent = 0
        self.costs = []

    def round(self, loadgen, lines):
        """CPU-seconds per million lines."""
        pid = self.daemon.process.pid
        host, port = self.daemon.address("syslog-tcp")
        before = sum(cpu_seconds(pid))
        subprocess.run([loadgen, host, str(port), str(lines), str(LINE_BYTES),
                        str(CONNECTIONS), "0", "router"],
                       input="\n".join(self.tokens), text=True, check=True,
                       capture_output=True, timeout=600)
        self.sent += lines
        while not is_done(self.daemon, self.sent):
            time.sleep(0.02)
        return (sum(cpu_seconds(pid)) - before) / lines * 1e6


def check(on):
    ledger = on.daemon.ledger()
    told = ledger["aggregates"]
    if told["counted_lines"] != on.sent or told["lost_lines"]:
        sys.exit("sent %d: %s" % (on.sent, told))
    faults = logplexd.ledger_faults(ledger)
    if faults:
        sys.exit("the ledger does not balance: %s" % faults)
    print("all %d lines counted; ingest held %d times; %.1f MiB borrowed"
          % (on.sent, told["ingest_holds"],
             ledger["engine"]["borrowed_bytes"] / 2**20))


def main():
    logplexd.PROGRAM, loadgen = sys.argv[1:3]
    numbers = [int(text) for text in sys.argv[3:]]
    lines, channels, workers, rounds = \
        numbers + [1000000, 100, 1, 7][len(numbers):]
    on = Side(workers, channels)
    off = Side(workers, channels, "--aggregates", "off")
    try:
        for side in (on, off):
            side.round(loadgen, lines)  # rings and series are there by then
        for _ in range(rounds):
            costs = [side.round(loadgen, lines) for side in (on, off)]
            for side, cost in zip((on, off), costs):
                side.costs.append(cost)
            print("on %.3f  off %.3f  more %.3f CPU s / M lines"
                  % (*costs, costs[0] - costs[1]))
        more = sorted(a - b for a, b in zip(on.costs, off.costs))
        print("median of %d rounds: %.3f CPU s / M lines more; %d channels, "
              "%d workers" % (rounds, more[rounds // 2], channels, workers))
        check(on)
    finally:
        on.daemon.stop()
        off.daemon.stop()


if __name__ == "__main__":
    ending.run(main)
