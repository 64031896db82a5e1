#!/usr/bin/env python3
"""What a line costs the daemon: CPU-seconds per million lines over TCP.

    bench_ingest.py LOGPLEXD LOADGEN [LINES [CHANNELS [CONNECTIONS]]]

One worker, octet-counted lines of 200 bytes dealt out at random over the
channels, whose rings are full before the first round that counts. The figure is the daemon's own user and system time, so it holds on a
busy machine; lines a second do not. Ends with the ledger: sent = accepted.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ending  # noqa: E402
import logplexd  # noqa: E402
from usage import cpu_seconds  # noqa: E402

LINE_BYTES = 200
WARM_LINES = 2000  # to each channel, twice: more than its history


def accepted_lines(daemon):
    return daemon.ledger()["listeners"]["syslog_tcp"]["accepted_lines"]


def one_round(daemon, loadgen, tokens, lines, connections):
    host, port = daemon.address("syslog-tcp")
    before = cpu_seconds(daemon.process.pid)
    already = accepted_lines(daemon)
    began = time.monotonic()
    told = subprocess.run(
        [loadgen, host, str(port), str(lines), str(LINE_BYTES),
         str(connections)], input="\n".join(tokens), text=True, check=True,
        capture_output=True, timeout=600).stdout
    while accepted_lines(daemon) < already + lines:
        if time.monotonic() - began > 300:
            sys.exit("lines are missing: %s" % daemon.ledger())
        time.sleep(0.02)
    seconds = time.monotonic() - began
    after = cpu_seconds(daemon.process.pid)
    user = (after[0] - before[0]) / lines * 1e6
    system = (after[1] - before[1]) / lines * 1e6
    print("%.3f CPU s / M lines (user %.3f, system %.3f)  %.2f M lines/s  %s"
          % (user + system, user, system, lines / seconds / 1e6, told.strip()))
    return user + system


def main():
    program, loadgen = sys.argv[1:3]
    numbers = [int(text) for text in sys.argv[3:]]
    lines, channels, connections = numbers + [5000000, 1000, 4][len(numbers):]
    logplexd.PROGRAM = program
    daemon = logplexd.Daemon(["--workers", "1"])
    try:
        tokens = [daemon.make_channel("bench-%d" % n, "app")["app"]
                  for n in range(channels)]
        for _ in range(2):
            one_round(daemon, loadgen, tokens,
                      max(lines, WARM_LINES * channels), connections)
        costs = sorted(one_round(daemon, loadgen, tokens, lines, connections)
                       for _ in range(5))
        print("median of 5 rounds: %.3f CPU s / M lines; %d channels, "
              "%d connections, one worker"
              % (costs[2], channels, connections))
        faults = logplexd.ledger_faults(daemon.ledger())
        if faults:
            sys.exit("the ledger does not balance: %s" % faults)
    finally:
        daemon.stop()


if __name__ == "__main__":
    ending.run(main)
