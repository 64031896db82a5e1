#!/usr/bin/env python3
"""What drains cost the daemon: CPU-seconds per million lines that come in.

    bench_drains.py LOGPLEXD LOADGEN SINKS LIMITS
        [LINES [LINES_A_SECOND [ROUNDS [KIND...]]]]

A kind is http, http+gzip, http+zstd (how bodies are encoded) or syslog; without
any it is http and syslog. One worker and one channel, lines of 200 bytes over TCP;
the sinks are another process. The figure is the daemon's own user and system time,
the kernel's part of sending included. Each round ends with the ledger: no line was
lost, and all were delivered.

What a lone drain adds is the difference of two larger figures that change by a tenth
from round to round, so three rounds don't tell it: there are nine, of two million lines
each, which take some twelve minutes. They come at 500,000 a second: with fewer the
processor sleeps between them, and what it takes to wake, and to find its caches cold,
is most of what is measured, of a bare sender as well.

Behind it stands what sending costs this machine at the least: a bare sender
(limits.c) gives as many bytes to as many connections of the same sinks at the same
pace, in batches of the default size out of memory that no cache has, as it is for
lines that came a while ago. It does nothing else.
"""
import statistics
import subprocess
import sys
import time

from bench_ingest import LINE_BYTES, cpu_seconds, logplexd
import ending
import tools  # beside logplexd

COUNTS = (0, 1, 10, 50)
BATCH_BYTES = 512 << 10  # as --drain-batch
URLS = {"http": "http://127.0.0.1:%d/%d",
        "http+gzip": "http://127.0.0.1:%d/%d#encoding=gzip",
        "http+zstd": "http://127.0.0.1:%d/%d#encoding=zstd",
        "syslog": "syslog://127.0.0.1:%d#%d"}


def drains(daemon):
    return daemon.ledger()["drains"]


def settled(daemon, lines, count):
    """When all drains have all lines."""
    end = time.monotonic() + 120
    while drains(daemon)["delivered_lines"] < lines * count:
        if time.monotonic() > end:
            sys.exit("lines are missing: %r" % drains(daemon))
        time.sleep(0.05)


def measure(programs, kind, count, lines, pace):
    """CPU-seconds per million lines, and the bytes of a line at a sink."""
    program, loadgen, sinks_program = programs
    logplexd.PROGRAM = program
    daemon = logplexd.Daemon(["--workers", "1", "--drains-max", "100",
                              "--channel-max", "512MiB"])
    sinks = tools.Sinks(sinks_program, kind.partition("+")[0])
    try:
        token = daemon.make_channel("bench", "app")["app"]
        for n in range(count):
            answer = daemon.ask_json("POST", "/v3/channels/bench/drains",
                                     {"url": URLS[kind] % (sinks.port, n)})
            assert answer.status == 201, answer.body

        def send(some):
            tools.send(loadgen, daemon.address("syslog-tcp"), [token], some,
                       LINE_BYTES, pace)

        send(pace)  # a second to warm up
        settled(daemon, pace, count)
        before = cpu_seconds(daemon.process.pid)
        began = time.monotonic()
        send(lines)
        settled(daemon, pace + lines, count)
        seconds = time.monotonic() - began
        after = cpu_seconds(daemon.process.pid)
        sums = drains(daemon)
        lost = sum(sums["lost_lines"].values())
        faults = logplexd.ledger_faults(daemon.ledger())
    finally:
        daemon.stop()
        told = sinks.stop()
    user, system = (round((after[i] - before[i]) / lines * 1e6, 3)
                    for i in (0, 1))
    print("%-9s %2d drains: %.3f CPU s / M lines (user %.3f, system %.3f) in "
          "%.1f s, %d lost; %d batches, %d compressions, %d shared; sinks: %s" %
          (kind, count, user + system, user, system, seconds, lost,
           sums["batches"], sums["compressions"], sums["compressions_shared"],
           told), flush=True)
    if faults or lost:
        sys.exit("lost %d, %r" % (lost, faults))
    line_bytes = told["bytes"] / max(count, 1) / (pace + lines)
    return user + system, line_bytes


def bare(limits, sinks_program, kind, count, lines, pace, line_bytes):
    """CPU-seconds per million lines of a program that only sends."""
    kind = kind.partition("+")[0]
    sinks = tools.Sinks(sinks_program, kind)
    try:
        told = subprocess.run(
            [limits, "send", kind, str(sinks.port), str(lines), str(pace),
             str(round(line_bytes)), str(count), str(BATCH_BYTES)],
            check=True, capture_output=True, text=True, timeout=600).stdout
    finally:
        sinks.stop()
    done = dict(word.split("=") for word in told.split())
    return float(done["cpu_s"]) / int(done["lines"]) * 1e6


def main():
    programs, limits = sys.argv[1:4], sys.argv[4]
    numbers = [int(text) for text in sys.argv[5:8]]
    lines, pace, rounds = numbers + [2000000, 500000, 9][len(numbers):]
    for kind in (sys.argv[8:] or ("http", "syslog")):
        costs = {count: [] for count in COUNTS}
        least = {count: [] for count in COUNTS[1:]}
        for _ in range(rounds):
            for count in COUNTS:
                cost, line_bytes = measure(programs, kind, count, lines, pace)
                costs[count].append(cost)
                if count:
                    least[count].append(bare(limits, programs[2], kind, count,
                                             lines, pace, line_bytes) / count)
        none = statistics.median(costs[0])
        for count in COUNTS[1:]:
            adds = (statistics.median(costs[count]) - none) / count
            floor = statistics.median(least[count])
            print("%s: each of %d drains adds %.4f CPU s / M lines; a bare "
                  "sender takes %.4f (%.2f times)" %
                  (kind, count, adds, floor, adds / floor), flush=True)


if __name__ == "__main__":
    ending.run(main)
