#!/usr/bin/env python3
"""Says all kinds of things to a logplexd over HTTP, and looks at what it says.

    fuzz_http.py LOGPLEXD [--seconds N] [--seed N] [--findings DIR]
    fuzz_http.py LOGPLEXD --replay FINDING

Half of the connections bring requests that are framed well, with odd content
(structured); the others bring bytes that were requests once (raw). It is a
finding when

  - the daemon ends, or a sanitizer reports,
  - an answer is a 500, or not HTTP, or not the JSON that it says it is,
  - a well framed request is not answered, or a connection does not end,
  - a plain request in between is not answered right,
  - at the end the ledger does not balance, or descriptors or memory have grown.

A finding is written with the bytes and their order. Each case comes out of the
seed, its number, and the ids that the daemon had told by then; so --replay sends
what was written, to a daemon that has the same ids only where it makes them by
counting.
"""
import argparse
import collections
import json
import os
import re
import select
import socket
import sys
import tempfile
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "support"))
import logplexd
from answers import Malformed, fault_of, read_all
from bodies import SWITCHES
from cases import Maker, pieces_of, raw_bytes
from connection import ENDS, Case, Slot
from routes import all_routes
from world import World, seeded

SLOTS = (("structured", 8), ("raw", 16))
TICK_S = 0.05
PIPELINE_MAX = 12
PROBE_EACH = 400         # cases
TIDY_EACH = 4000
CHANNELS_KEPT = 40
CREDENTIALS_KEPT = 20
OLDEST = 4               # connections that stay from first to last
SHUT_S = 0.004           # from the last byte of a case to its end
SLOW_S = 10
RECENT = 300             # cases that are kept for the post mortem
FINDINGS_MAX = 20
GROWTH_MAX_BYTES = 192 << 20
FLAGS = ["--workers", "2", "--session-ttl", "30s", "--heartbeat", "100ms",
         "--body-timeout", "3s", "--idle-timeout", "20s", "--history-lines",
         "50", "--channels-max", "2000", "--body-max", "256k",
         "--inflated-max", "1M", "--credential", "sender:s:any_channel",
         "--credential", "reader:r:demo"]
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=16:detect_stack_use_after_"
                               "return=1:" + os.environ.get("ASAN_OPTIONS", "")}
ROUNDS_MORE = 6
RIGHTS = ("Authorization", logplexd.basic(*logplexd.OWNER))
SANITIZER = re.compile(r"Sanitizer|runtime error:|Assertion .* failed")


# The fuzzer ------------------------------------------------------------------

class Fuzzer:
    def __init__(self, daemon, seed, findings):
        self.seed, self.folder = seed, findings
        self.address = daemon.address()
        self.world = World()
        self.routes = all_routes()
        self.maker = Maker(self.routes, self.world, logplexd.OWNER)
        self.epoll = select.epoll()
        self.slots = {}
        self.to_shut = collections.deque()
        self.now = time.monotonic()
        self.number = 0
        self.requests = 0
        self.recent = collections.deque(maxlen=RECENT)
        self.found = collections.OrderedDict()
        self.kinds = collections.Counter()
        self.seen = collections.defaultdict(collections.Counter)
        self.library = collections.Counter()
        self.without_room = 0
        self.probe_client = None
        self.oldest = [logplexd.Client(self.address) for _ in range(OLDEST)]
        self.slowest_s = 0.0

    # Cases ------------------------------------------------------------------

    def new_case(self, kind):
        self.number += 1
        rng = seeded(self.seed, self.number)
        if kind == "structured":
            requests = self.maker.some(rng, PIPELINE_MAX,
                                       rng.choice((0, 0.3, 0.6)))
            data = b"".join(one.bytes for one in requests)
            case = Case(self.number, kind, pieces_of(rng, data), requests)
        else:
            data = raw_bytes(rng, self.maker)
            end = rng.choices(ENDS, (800, 10, 50, 80, 60, 1))[0]
            case = Case(self.number, kind, pieces_of(rng, data), (), end)
        self.recent.append(case)
        self.kinds[kind] += 1
        return case

    # Judging ----------------------------------------------------------------

    def judge(self, case, request, answer):
        self.requests += 1
        self.seen[request.route.name][answer.status] += 1
        self.count_library(answer)
        fault = fault_of(answer)
        if fault:
            self.find("%s: %s" % (fault, request.route), case, answer.body)
        if 200 <= answer.status < 300:
            self.world.learn(request.channel, answer.body)

    def count_library(self, answer):
        if answer.status >= 200 and not answer.is_ours:
            self.library[answer.status] += 1

    def judge_raw(self, case, data, is_cut=False):
        """is_cut: we did not wait for the end."""
        try:
            answers = read_all(data, b"".join(case.pieces))
        except Malformed as error:
            self.find("no HTTP: %s" % error, case, data)
            return
        for answer in answers:
            self.requests += 1
            self.count_library(answer)
            fault = fault_of(answer) if answer.status else None
            if fault:
                self.find(fault, case, data)
            elif not (answer.is_whole or answer.is_stream or is_cut):
                self.find("half an answer", case, data)

    def find(self, why, case, data=b""):
        """Each kind once."""
        kind = re.sub(r"\d+", "N", why)[:120]
        if kind in self.found:
            return
        self.found[kind] = why
        self.write_finding([case] if case else self.recent, why, data)
        print("FOUND: %s (case %s)" % (why, case.number if case else "-"),
              flush=True)

    def write_finding(self, cases, why, data):
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, "%d-%d.json" % (self.seed,
                                                         len(self.found)))
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"why": why, "seed": self.seed,
                       "cases": [one.as_json() for one in cases],
                       "answer": bytes(data).decode("latin-1")}, file,
                      indent=1)
        print("written: %s" % path, flush=True)

    # In between -------------------------------------------------------------

    def ask(self, method, path, value=None):
        """What everybody may ask for, over a connection that stays."""
        body = None if value is None else json.dumps(value).encode()
        began = time.monotonic()
        if not self.probe_client:
            self.probe_client = logplexd.Client(self.address)
        answer = self.probe_client.ask(
            method, path, [RIGHTS, ("Content-Type", "application/json")], body)
        took_s = time.monotonic() - began
        self.slowest_s = max(self.slowest_s, took_s)
        if took_s > SLOW_S:
            self.find("slow: %s %s took %d s" % (method, path, took_s), None)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def post_line(self, token, text):
        one = logplexd.line(text)
        with logplexd.Client(self.address) as client:
            return client.ask("POST", "/logs", [
                ("Authorization", logplexd.basic("token", token)),
                ("Content-Type", "application/logplex-1")],
                b"%d %s" % (len(one), one))

    def probe(self):
        """A plain story, told from its beginning to its end."""
        text = "probe %d" % self.number
        if any(route.name == "PUT /v3/switches" for route in self.routes):
            self.ask("PUT", "/v3/switches", SWITCHES)
        made = self.ask("PUT", "/v3/channels/probe", {"tokens": ["app"]})
        self.expect(made.status in (200, 201), "the probe's channel", made)
        token = made.json()["tokens"]["app"]
        posted = self.post_line(token, text)
        self.expect(posted.status == 204, "the probe's line", posted)
        shown = self.ask("GET", "/v3/channels/probe/logs?num=1")
        self.expect(text.encode() in shown.body, "the probe's lines", shown)
        self.connections()

    def expect(self, is_right, what, answer):
        if not is_right:
            self.find("wrong: %s: %d" % (what, answer.status), None,
                      answer.body)

    def tidy(self):
        """Away with most of what was made."""
        apps = self.ask("GET", "/apps").json()
        for app in apps[CHANNELS_KEPT:]:
            if app["name"] != "probe":
                self.ask("DELETE", "/v3/channels/" + quote(app["name"], ""))
        stored = [one["id"] for one
                  in self.ask("GET", "/v3/credentials").json()["credentials"]
                  if not one["configured"]]
        for name in stored[CREDENTIALS_KEPT:]:
            self.ask("DELETE", "/v3/credentials/" + quote(name, ""))

    # Running ----------------------------------------------------------------

    def run(self, seconds):
        self.now = time.monotonic()
        end = self.now + seconds
        for kind, count in SLOTS:
            for _ in range(count):
                Slot(self, kind)
        ticked = 0
        while self.now < end and len(self.found) < FINDINGS_MAX:
            before = self.number
            self.turn()
            self.between(before)
            if self.now - ticked > TICK_S:
                ticked = self.now
                for slot in list(self.slots.values()):
                    slot.tick()
        for slot in list(self.slots.values()):
            slot.drop()

    def between(self, before):
        """What is due after so many cases."""
        if self.number // PROBE_EACH != before // PROBE_EACH:
            self.probe()
        if self.number // TIDY_EACH != before // TIDY_EACH:
            self.tidy()

    def turn(self):
        events = self.epoll.poll(TICK_S)
        self.now = time.monotonic()
        for fd, what in events:
            slot = self.slots.get(fd)
            if slot and what & ~select.EPOLLOUT:
                slot.read()
            if slot and what & select.EPOLLOUT and self.slots.get(fd) is slot:
                slot.write()
        while self.to_shut and self.now - self.to_shut[0][0] > SHUT_S:
            _, slot, case = self.to_shut.popleft()
            if slot.socket and slot.case is case:
                slot.shut()

    def never_reached(self):
        """Routes that no request got through to: a body that is taken is
        missing in bodies.py, most likely."""
        return [route.name for route in self.routes
                if not any(200 <= status < 300 or status == 501
                           for status in self.seen[route.name])]

    def connections(self):
        """As the oldest of them are told; to ask keeps them open."""
        texts = [client.ask("GET", "/metrics", [RIGHTS]).body.decode()
                 for client in self.oldest]
        return int(re.search(r"^logplex_http_connections (\d+)$", texts[-1],
                             re.M)[1])

    def has_only_oldest(self):
        self.close()
        return wait_until(lambda: self.connections() == OLDEST)

    def close(self):
        if self.probe_client:
            self.probe_client.close()
        self.probe_client = None


# A run -----------------------------------------------------------------------

def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def wait_until(truth, seconds=logplexd.PATIENCE_S):
    end = time.monotonic() + seconds
    while not truth() and time.monotonic() < end:
        time.sleep(0.05)
    return truth()


class Run:
    """A daemon from its start to its end, and what there is to say of it."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.daemon = logplexd.Daemon(FLAGS, ENVIRONMENT)
        self.pid = self.daemon.process.pid
        try:
            self.fuzzer = Fuzzer(self.daemon, arguments.seed,
                                 arguments.findings)
        except Exception:  # who starts a daemon ends it
            self.daemon.stop()
            raise
        self.took_s = 0.0
        self.grown_bytes = 0

    def go(self):
        """The number of findings."""
        try:
            self.fuzz()
        except (OSError, EOFError, ValueError) as error:
            self.fuzzer.find("a plain request broke: %r" % error, None)
        finally:
            self.end()
        self.tell()
        return len(self.fuzzer.found)

    def fuzz(self):
        self.fuzzer.probe()
        self.fuzzer.has_only_oldest()
        at_first = descriptors(self.pid)
        began = time.monotonic()
        self.fuzzer.run(self.arguments.seconds / 4)
        memory_bytes = memory(self.pid)
        self.fuzzer.run(self.arguments.seconds * 3 / 4)
        self.go_on_where_the_machine_is_slow()
        self.took_s = time.monotonic() - began
        self.grown_bytes = memory(self.pid) - memory_bytes
        if self.grown_bytes > GROWTH_MAX_BYTES:
            self.fuzzer.find("memory grew by %d bytes" % self.grown_bytes,
                             None)
        self.check_rest(at_first)

    def go_on_where_the_machine_is_slow(self):
        """A route that nobody got through to has had too few requests, or can
        have none: only the former is mended by more of them."""
        for _ in range(ROUNDS_MORE):
            if not self.fuzzer.never_reached():
                break
            self.fuzzer.run(self.arguments.seconds / 4)

    def check_rest(self, at_first):
        """What is left when all have gone is what was there before."""
        find = self.fuzzer.find
        self.fuzzer.probe()
        if not self.fuzzer.has_only_oldest():
            find("connections that nobody has", None)
        if not wait_until(lambda: descriptors(self.pid) <= at_first):
            find("descriptors: %d, %d before" % (descriptors(self.pid),
                                                 at_first), None)
        wait_until(lambda: self.daemon.ledger()["balanced"])
        for fault in logplexd.ledger_faults(self.daemon.ledger()):
            find("ledger: " + fault, None)
        for route in self.fuzzer.never_reached():
            find("never got through to %s" % route, None)

    def end(self):
        self.fuzzer.close()
        for client in self.fuzzer.oldest:
            client.close()
        code = self.daemon.stop()
        log = "".join(self.daemon.log)
        if code != 0:
            self.fuzzer.find("exit code %d" % code, None, log.encode())
        if SANITIZER.search(log):
            self.fuzzer.find("a report on stderr", None, log.encode())
            print(log[-20000:])

    def tell(self):
        fuzzer = self.fuzzer
        statuses = sum(fuzzer.seen.values(), collections.Counter())
        print("%r, %d answers, %.0f answers/s, memory %+d KiB" % (
            dict(fuzzer.kinds), fuzzer.requests,
            fuzzer.requests / max(self.took_s, 0.001),
            self.grown_bytes >> 10))
        print("statuses", dict(sorted(statuses.items())))
        print("of the library", dict(sorted(fuzzer.library.items())),
              "and %d heads it had no room for" % fuzzer.without_room)
        print("slowest plain request %.3f s" % fuzzer.slowest_s)
        print("%d found" % len(fuzzer.found))


def memory(pid):
    """Bytes that are resident."""
    with open("/proc/%d/statm" % pid, encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def replay(path):
    """Sends the cases of a finding, one after the other, and shows what comes
    back."""
    with open(path, encoding="utf-8") as file:
        finding = json.load(file)
    daemon = logplexd.Daemon(FLAGS, ENVIRONMENT)
    for case in finding["cases"]:
        with socket.create_connection(daemon.address()) as connection:
            connection.settimeout(3)
            try:
                for piece in case["pieces"]:
                    connection.sendall(piece.encode("latin-1"))
                connection.shutdown(socket.SHUT_WR)
                got = connection.recv(65536)
                while got:
                    print(got)
                    got = connection.recv(65536)
            except OSError as error:
                print(repr(error))
    print("exit code", daemon.stop())
    print("".join(daemon.log))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("logplexd")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--findings", default=os.path.join(
        tempfile.gettempdir(), "logplexd-http-findings"))
    parser.add_argument("--replay")
    arguments = parser.parse_args()
    logplexd.PROGRAM = arguments.logplexd
    if arguments.replay:
        replay(arguments.replay)
        return 0
    print("seed", arguments.seed, flush=True)
    return 1 if Run(arguments).go() else 0


if __name__ == "__main__":
    sys.exit(main())
