#!/usr/bin/env python3
"""What a flood of wrong credentials costs those who send lines.

    bench_auth_flood.py LOGPLEXD [SECONDS [LINES_A_SECOND [WRONG_A_SECOND]]]

Two workers. Lines come over TCP at a fixed rate, first alone, then while one
peer shows 10,000 wrong credentials a second, each another one, pipelined over
keep-alive connections; then the flood comes alone. Each is done three times, in
turn; medians are told. Lines must not come in more than 5 % slower for it, nor
may one cost more than that more. Then all of it again while there is a stored
password that nobody has used since the start, so that guesses are worth the slow
hash, of which a peer gets a few.
"""
import base64
import os
import multiprocessing
import re
import select
import socket
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ending  # noqa: E402
import logplexd  # noqa: E402
from logplexd import line  # noqa: E402
from usage import cpu_seconds  # noqa: E402

TICK_S = 0.01
LINE_BYTES = 200
INGEST_CONNECTIONS = 4
FLOOD_CONNECTIONS = 8
ROUNDS = 3


def ticks(seconds):
    """Yields until the time is over, each tick at its time or at once."""
    began = time.monotonic()
    at = 0
    while at * TICK_S < seconds:
        wait = began + at * TICK_S - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield at
        at += 1


# The two that send ----------------------------------------------------------

def send_lines(address, token, seconds, rate, told):
    """Tells how many lines were sent, and how long that took."""
    one = line("x" * LINE_BYTES, token)
    one = one[:LINE_BYTES]
    piece = (b"%d %s" % (len(one), one)) * int(rate * TICK_S)
    sockets = [socket.create_connection(address)
               for _ in range(INGEST_CONNECTIONS)]
    began = time.monotonic()
    count = 0
    for at in ticks(seconds):
        sockets[at % len(sockets)].sendall(piece)
        count += int(rate * TICK_S)
    told.put((count, time.monotonic() - began))
    for one in sockets:
        one.close()


def wrong_request(number):
    shown = base64.b64encode(b"owner:guess-%016d" % number)
    return (b"GET /v3/credentials HTTP/1.1\r\nHost: h\r\n"
            b"Authorization: Basic " + shown + b"\r\n\r\n")


def flood(address, first, seconds, rate, told):
    """Tells how many answers came, by status, and how long that took."""
    sockets = [socket.create_connection(address)
               for _ in range(FLOOD_CONNECTIONS)]
    for one in sockets:
        one.setblocking(False)
    owed = [b""] * len(sockets)
    heard = [b""] * len(sockets)
    counts = {}
    per_tick = int(rate * TICK_S)
    requests = [b"".join(wrong_request(first + at * per_tick + i)
                         for i in range(per_tick))
                for at in range(int(seconds / TICK_S) + 1)]
    told.put("ready")
    began = time.monotonic()
    for at in ticks(seconds):
        n = at % len(sockets)
        if len(owed[n]) < 1 << 20:  # else it is they who hold us up
            owed[n] += requests[at]
        pump(sockets, owed, heard, counts, 0)
    while any(owed) and time.monotonic() < began + 2 * seconds:
        pump(sockets, owed, heard, counts, 0.1)
    told.put((counts, time.monotonic() - began))


def pump(sockets, owed, heard, counts, wait_s):
    readable, writable, _ = select.select(
        sockets, [one for n, one in enumerate(sockets) if owed[n]], [], wait_s)
    for n, one in enumerate(sockets):
        if one in writable:
            owed[n] = owed[n][one.send(owed[n]):]
        if one in readable:
            data = heard[n] + one.recv(1 << 18)
            found = list(re.finditer(rb"HTTP/1\.1 (\d{3}) ", data))
            for match in found:
                status = int(match[1])
                counts[status] = counts.get(status, 0) + 1
            heard[n] = data[found[-1].end():][-16:] if found else data[-16:]


# The rounds -----------------------------------------------------------------

class Bench:
    def __init__(self, daemon, seconds, rate, wrong_rate):
        self.daemon = daemon
        self.seconds, self.rate, self.wrong_rate = seconds, rate, wrong_rate
        self.token = daemon.make_channel("bench", "app")["app"]
        self.first_guess = 0
        self.costs = {}

    def accepted(self):
        return self.daemon.ledger()["listeners"]["syslog_tcp"][
            "accepted_lines"]

    def round(self, what, with_lines, with_flood):
        told, flood_told = multiprocessing.Queue(), multiprocessing.Queue()
        both = []
        if with_flood:
            self.first_guess += 10000000
            both.append(multiprocessing.Process(target=flood, args=(
                self.daemon.address(), self.first_guess, self.seconds,
                self.wrong_rate, flood_told)))
        if with_lines:
            both.append(multiprocessing.Process(target=send_lines, args=(
                self.daemon.address("syslog-tcp"), self.token, self.seconds,
                self.rate, told)))
        already = self.accepted()
        if with_flood:
            both[0].start()
            flood_told.get(timeout=60)
        cpu = sum(cpu_seconds(self.daemon.process.pid))
        began = time.monotonic()
        for one in both[1 if with_flood else 0:]:
            one.start()
        lines, took = told.get() if with_lines else (0, 0)
        while self.accepted() < already + lines:
            time.sleep(0.002)
        if with_lines:
            took = time.monotonic() - began
        answers, flood_took = flood_told.get() if with_flood else ({}, 0)
        for one in both:
            one.join()
        cpu = sum(cpu_seconds(self.daemon.process.pid)) - cpu
        self.costs.setdefault(what, []).append(
            (cpu, lines / took if took else 0,
             sum(answers.values()) / flood_took if flood_took else 0))
        print("%-18s %7.0f lines/s  %6.0f wrong/s %s  CPU %.2f s in %.1f s" %
              (what, *self.costs[what][-1][1:],
               " ".join("%d:%d" % pair for pair in sorted(answers.items())),
               cpu, max(took, flood_took)))

    def median(self, what, which):
        return statistics.median(one[which] for one in self.costs[what])

    def tell(self):
        alone, flooded = (self.median(what, 1)
                          for what in ("lines alone", "lines and flood"))
        print("throughput: %.0f lines/s alone, %.0f with the flood: %+.2f %%"
              % (alone, flooded, (flooded / alone - 1) * 100))
        lines = self.rate * self.seconds / 1e6
        cost = self.median("lines alone", 0) / lines
        flood_cost = self.median("flood alone", 0)
        rest = (self.median("lines and flood", 0) - flood_cost) / lines
        print("CPU: %.3f s/M lines alone; %.3f with the flood, what that "
              "costs alone taken off: %+.1f %%" %
              (cost, rest, (rest / cost - 1) * 100))
        wrong = self.median("flood alone", 2)
        print("a wrong credential: %.1f us of CPU; %.0f a second were answered"
              % (flood_cost / self.seconds / wrong * 1e6, wrong))


def run(what, flags, seconds, rate, wrong_rate):
    print(what)
    daemon = logplexd.Daemon(flags)
    try:
        bench = Bench(daemon, seconds, rate, wrong_rate)
        for _ in range(ROUNDS):
            bench.round("lines alone", True, False)
            bench.round("lines and flood", True, True)
            bench.round("flood alone", False, True)
        bench.tell()
        faults = logplexd.ledger_faults(daemon.ledger())
        if faults:
            sys.exit("the ledger does not balance: %s" % faults)
    finally:
        daemon.stop()


def store_password(flags):
    daemon = logplexd.Daemon(flags)
    try:
        daemon.ask_json("PUT", "/v3/credentials/slow", {
            "password": "not used", "permissions": ["full_api"]})
    finally:
        daemon.stop()


def main():
    logplexd.PROGRAM = sys.argv[1]
    numbers = [int(text) for text in sys.argv[2:]]
    numbers += [5, 1000000, 10000][len(numbers):]
    flags = ["--workers", "2"]
    run("all passwords are known by their fast hash:", flags, *numbers)
    with tempfile.TemporaryDirectory() as data:
        flags += ["--data", data]
        store_password(flags)
        run("a stored one is not yet:", flags, *numbers)


if __name__ == "__main__":
    ending.run(main)
