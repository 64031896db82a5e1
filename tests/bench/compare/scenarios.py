"""What the relays are put through. Each run() gives figures by name; a figure that
a relay can't have is not there."""
import contextlib
import os
import resource
import socket
import statistics
import subprocess
import time

import tools
from relays import Job
from usage import cpu_s, memory_kib, on, until_quiet

OURS = {0}    # processors of the relay ...
THEIRS = {1}  # ... and of all else; a larger machine changes nothing
PRIORITY = 10  # where it matters, of 99
STALL_S = 8   # what has not come by then, since the last that did, is lost

# What a figure is called in a table.
FIGURES = {
    "cpu": "CPU s / M lines",
    "rate": "M lines/s",
    "peak": "peak MiB",
    "grew": "MiB grown in the second half",
    "lost": "lines lost",
    "p50": "p50 us",
    "p99": "p99 us",
    "p999": "p99.9 us",
    "idle": "KiB a connection",
}


@contextlib.contextmanager
def precedence(is_wanted=True):
    """What is started meanwhile runs before all else that the machine does, each
    party as the others, so that a delay is a relay's own. Without the right to that
    it runs as it is."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        if is_wanted:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except PermissionError:
        pass
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


class Tools:
    """The programs that send and take."""

    def __init__(self, folder):
        self.loadgen = os.path.join(folder, "loadgen")
        self.sinks = os.path.join(folder, "sinks")
        self.limits = os.path.join(folder, "limits")


class Scenario:
    """Lines of `line_bytes`, sent by loadgen to a relay that does `job`."""

    def __init__(self, name, title, job, lines=2000000, line_bytes=200,
                 kind="marked", batch_lines=None, pace=0, stamps=False,
                 goes_first=False):
        self.name = name
        self.title = title
        self.job = job
        self.lines = lines
        self.line_bytes = line_bytes
        self.kind = kind
        self.batch_lines = batch_lines or (300 if job.takes == "http" else 1024)
        self.pace = pace
        self.stamps = stamps
        self.goes_first = goes_first

    def run(self, programs, maker):
        """Figures of one run of a new relay."""
        with precedence(self.goes_first), \
                Running(self.job, programs, maker) as running:
            running.send(self, self.pace // 2 if self.pace
                         else running.relay.warm_lines())
            return self.measured(running)

    def measured(self, running):
        before = cpu_s(running.pid)
        took_s = 0
        resident = []
        for part in (self.lines // 2, self.lines - self.lines // 2):
            took_s += running.send(self, part)
            resident.append(memory_kib(running.pid, "VmRSS"))
        figures = {"cpu": (cpu_s(running.pid) - before) / self.lines * 1e6,
                   "peak": memory_kib(running.pid, "VmHWM") / 1024,
                   "grew": (resident[1] - resident[0]) / 1024}
        if not self.pace:
            figures["rate"] = self.lines / took_s / 1e6
        lost = running.lost()
        if lost is not None:
            figures["lost"] = lost
        if self.stamps:
            told = running.sinks.told()
            for name in ("p50", "p99", "p999"):
                figures[name] = told[name + "_us"]
        return figures


class Running:
    """A relay between a generator and a sink, each on its processors."""

    def __init__(self, job, programs, maker):
        self.job = job
        self.programs = programs
        self.sinks = None
        self.sent = 0
        os.sched_setaffinity(0, THEIRS)
        if job.gives and maker.transport != "nats":
            self.sinks = tools.Sinks(programs.sinks, job.gives)
        with on(OURS):
            self.relay = maker(job, self.sinks.port if self.sinks else 0)
        if job.gives and not self.sinks:
            self.sinks = tools.Sinks(programs.sinks, "nats",
                                     str(self.relay.address()[1]),
                                     str(job.sinks))
        self.pid = self.relay.pid()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.relay.stop()
        if self.sinks:
            self.sinks.stop()

    def send(self, load, lines):
        """Returns the seconds from the first line to where all had been done."""
        host, port = self.relay.address()
        transport = "http" if self.job.takes == "http" else self.relay.transport
        command = [self.programs.loadgen, "-t", transport, "-b",
                   str(load.batch_lines)] + ["-l"] * load.stamps + [
                       host, str(port), str(lines), str(load.line_bytes),
                       str(self.job.connections), str(load.pace), load.kind]
        told = subprocess.run(
            command, input="\n".join(self.relay.tokens()), text=True, check=True,
            capture_output=True, timeout=900).stdout
        self.sent += lines
        return float(told.split("seconds=")[1]) + (
            self.until_delivered() if self.sinks else until_quiet(self.pid))

    def until_delivered(self):
        """The seconds until the last line came that came at all."""
        began = last = time.monotonic()
        marks = -1
        while time.monotonic() - last < STALL_S:
            now = self.sinks.told()["marks"]
            if now != marks:
                marks, last = now, time.monotonic()
            if now >= self.sent * self.job.sinks:
                break
            time.sleep(0.01)
        return last - began

    def lost(self):
        told = self.relay.lost()
        if not self.sinks:
            return told
        missing = self.sent * self.job.sinks - self.sinks.told()["marks"]
        if told is not None and told != missing:
            raise RuntimeError("%d lines are missing, and %d are told"
                               % (missing, told))
        return missing


class Idle(Scenario):
    """Connections that say nothing."""

    connections = 10000

    def run(self, programs, maker):
        with Running(self.job, programs, maker) as running:
            host_port = running.relay.address()
            some = [socket.create_connection(host_port) for _ in range(500)]
            for one in some:
                one.close()  # what the first ones alone cost is there now
            time.sleep(1)
            before = memory_kib(running.pid, "VmRSS")
            all_of_them = [socket.create_connection(host_port)
                           for _ in range(self.connections)]
            time.sleep(1)
            after = memory_kib(running.pid, "VmRSS")
            for one in all_of_them:
                one.close()
            return {"idle": (after - before) / self.connections}


def capacity(measured, maker):
    """Lines a second that a relay kept in this run, so far."""
    rates = [one["rate"] for one in measured.get(("relay", maker.name), [])]
    return statistics.median(rates) * 1e6 if rates else None


class Share(Scenario):
    """At a part of what the relay was found to carry."""

    def __init__(self, part):
        super().__init__(
            "at%d" % part, "delivery at %d %% of its own capacity" % part,
            Job(gives="syslog", sinks=1), batch_lines=10, stamps=True)
        self.part = part

    def at(self, lines_a_second):
        self.pace = max(int(lines_a_second * self.part / 100), 1000)
        self.batch_lines = max(10, self.pace // 20000)  # 20,000 writes a second
        self.lines = self.pace * 4
        return self


def raise_files():
    """Files that may be open, for ten thousand connections and more."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def all_scenarios():
    return [
        Scenario("ingest", "ingest and keep: octet counts, 1,000 channels",
                 Job(channels=1000), lines=3000000),
        Scenario("relay", "relay to one syslog sink",
                 Job(gives="syslog", sinks=1)),
        Scenario("fanout", "fan-out to ten syslog sinks",
                 Job(gives="syslog", sinks=10), lines=500000),
        Scenario("http", "HTTP in, HTTP out, 300 lines a request",
                 Job(takes="http", gives="http", sinks=1, connections=16)),
        Scenario("httpin", "HTTP in and keep, 300 lines a request",
                 Job(takes="http", connections=16)),
        Scenario("httpone", "HTTP in and keep, one line a request",
                 Job(takes="http", connections=16), lines=200000,
                 batch_lines=1),
        Scenario("parse", "parse and aggregate: router lines of 300 bytes, "
                 "100 channels", Job(channels=100, parses=True),
                 lines=1000000, line_bytes=300, kind="router"),
        Scenario("channels", "ingest and keep: 10,000 channels",
                 Job(channels=10000), lines=3000000),
        Scenario("hot", "one hot channel, 64 writers", Job(connections=64)),
        Idle("idle", "10,000 idle connections", Job(connections=10000)),
        Scenario("busy", "10,000 busy connections, relay to one sink",
                 Job(gives="syslog", sinks=1, connections=10000),
                 batch_lines=10),
        Scenario("at50k", "delivery at 50,000 lines/s",
                 Job(gives="syslog", sinks=1, connections=1), lines=250000,
                 batch_lines=10, pace=50000, stamps=True, goes_first=True),
        Scenario("linger", "delivery over HTTP at 50,000 lines/s",
                 Job(gives="http", sinks=1, connections=1), lines=250000,
                 batch_lines=10, pace=50000, stamps=True, goes_first=True),
    ] + [Share(part) for part in (10, 50, 90)]
