#!/usr/bin/env python3
"""What aggregates hold, of channels that are busy and of those that are idle.

    bench_aggregate_memory.py LOGPLEXD LOADGEN [BUSY [IDLE [SECONDS [LINES_PER_S]]]]

Idle channels are made first, and their share of the daemon's resident memory is
taken by comparing with a daemon without aggregates. Then each of them speaks once,
and is silent until it dozes: two minutes, and one more until it has had its rest.
Then router lines of 300 bytes go to the busy ones, at random, for so many seconds.
At the end the ledgers have to balance, and no line may be lost to an aggregate.
What silence of hours leaves, test_aggregate_doze looks at by a clock of its own.
"""
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ending  # noqa: E402
import logplexd  # noqa: E402

LINE_BYTES = 300
MEMORY = ["--memory-max", "16GiB", "--channel-max", "256KiB",
          "--history-lines", "100"]


def resident_kib(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def start(idle, busy, *flags):
    daemon = logplexd.Daemon(["--workers", "2", *MEMORY, *flags])
    silent = [daemon.make_channel("idle-%d" % n, "app")["app"]
              for n in range(idle)]
    tokens = [daemon.make_channel("busy-%d" % n, "heroku")["heroku"]
              for n in range(busy)]
    return daemon, tokens, silent


def borrowed_of(daemon):
    return daemon.ledger()["engine"]["borrowed_bytes"]


def settle(daemon):
    while daemon.ledger()["aggregates"]["behind_lines"]:
        time.sleep(0.1)


def speak_once(daemon, tokens):
    """What a channel that spoke once borrows, at once and when it dozes."""
    at_rest = borrowed_of(daemon)
    lines = [logplexd.line("hello", token) for token in tokens]
    with socket.create_connection(daemon.address("syslog-tcp")) as tcp:
        tcp.sendall(logplexd.frames(lines))
    time.sleep(2)
    settle(daemon)
    spoken = borrowed_of(daemon)
    print("%d spoke once: %.0f bytes more a channel" % (
        len(tokens), (spoken - at_rest) / len(tokens)), flush=True)
    for minute in range(1, 5):
        time.sleep(60)
        print("silent for %d min: %.0f bytes more a channel" % (
            minute, (borrowed_of(daemon) - at_rest) / len(tokens)), flush=True)


def main():
    logplexd.PROGRAM, loadgen = sys.argv[1:3]
    numbers = [int(text) for text in sys.argv[3:]]
    busy, idle, seconds, lines_per_s = \
        numbers + [10000, 90000, 120, 100000][len(numbers):]
    without, _, _ = start(idle, busy, "--aggregates", "off")
    bare_kib = resident_kib(without.process.pid)
    without.stop()
    daemon, tokens, silent = start(idle, busy)
    pid = daemon.process.pid
    try:
        at_rest_kib = resident_kib(pid)
        told = daemon.ledger()
        print("%d channels at rest: %.0f MiB resident, %.0f without "
              "aggregates: %.0f bytes a channel; borrowed %.1f MiB" % (
                  busy + idle, at_rest_kib / 1024, bare_kib / 1024,
                  (at_rest_kib - bare_kib) * 1024 / (busy + idle),
                  told["engine"]["borrowed_bytes"] / 2**20))
        print("borrowed at rest: %.0f bytes a channel" % (
            told["engine"]["borrowed_bytes"] / (busy + idle)), flush=True)
        if silent:
            speak_once(daemon, silent)
        idle_bytes = borrowed_of(daemon)
        host, port = daemon.address("syslog-tcp")
        sent = seconds * lines_per_s
        subprocess.run([loadgen, host, str(port), str(sent), str(LINE_BYTES),
                        "4", str(lines_per_s), "router"],
                       input="\n".join(tokens), text=True, check=True,
                       capture_output=True, timeout=20 * seconds + 60)
        settle(daemon)
        ledger = daemon.ledger()
        borrowed = ledger["engine"]["borrowed_bytes"]
        print("%d busy, %d lines: %.0f MiB resident, borrowed %.0f MiB, "
              "%.1f KiB a busy channel; %s" % (
                  busy, sent, resident_kib(pid) / 1024, borrowed / 2**20,
                  (borrowed - idle_bytes) / 1024 / busy, ledger["aggregates"]))
        faults = logplexd.ledger_faults(ledger)
        if faults or ledger["aggregates"]["lost_lines"]:
            sys.exit("faults: %s" % faults)
    finally:
        daemon.stop()


if __name__ == "__main__":
    ending.run(main)
