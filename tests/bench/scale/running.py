"""A daemon under a load, and what it took."""
import os
import resource
import socket
import subprocess
import tempfile
import threading
import time

import logplexd
import tools
from usage import WAIT_S, cpu_s, memory_kib, on, until_quiet, wait_until

MAKERS = 32    # connections over which channels are made
FEW = 1000     # channels that are made anew each time
SETTLE_S = 120


class Programs:
    def __init__(self, build):
        folder = os.path.join(build, "tests", "bench")
        self.logplexd = os.path.join(build, "logplexd", "logplexd")
        self.loadgen = os.path.join(folder, "loadgen")
        self.sinks = os.path.join(folder, "sinks")


def raise_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def processors(workers):
    """Those of a daemon, and those of all else: what is left, or one of them."""
    have = sorted(os.sched_getaffinity(0))
    return set(have[:workers]), set(have[workers:] or have[-1:])


class Channels:
    """Catalogs of many channels, in memory as files: each is made once."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(
            dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.tokens = {}

    def flags(self, count):
        """Of a daemon that has a catalog with so many channels."""
        if count <= FEW:
            return []
        made = os.path.join(self.folder.name, str(count))
        if count not in self.tokens:
            daemon = logplexd.Daemon(["--data", made])
            try:
                self.tokens[count] = make(daemon, count)
            finally:
                daemon.stop()
        return ["--data", made]

    def of(self, daemon, count):
        return self.tokens[count] if count > FEW else make(daemon, count)

    def remove(self):
        self.folder.cleanup()


def make(daemon, count):
    """The tokens of that many channels."""
    tokens = [None] * count
    headers = [("Content-Type", "application/json"),
               ("Authorization", logplexd.basic(*logplexd.OWNER))]

    def some(first):
        with logplexd.Client(daemon.address()) as client:
            for n in range(first, count, MAKERS):
                answer = client.ask("PUT", "/v3/channels/scale-%d" % n, headers,
                                    b'{"tokens":["app"]}')
                tokens[n] = answer.json()["tokens"]["app"]

    threads = [threading.Thread(target=some, args=(first,))
               for first in range(min(MAKERS, count))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if None in tokens:
        raise RuntimeError("channels could not be made")
    return tokens


def idle(address, asks):
    """A connection that says nothing, or nothing more."""
    one = socket.create_connection(address)
    if asks:
        one.sendall(b"GET /healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not one.recv(4096).startswith(b"HTTP/1.1 200 "):
            raise RuntimeError("it is not well")
    return one


class Running:
    """A daemon that has all of a load but the lines."""

    def __init__(self, load, programs, channels, flags):
        self.load = load
        self.programs = programs
        self.sent = 0
        self.sinks = None
        self.followers = None
        self.idle = []
        logplexd.PROGRAM = programs.logplexd
        flags = ["--workers", str(load.workers), *load.flags, *flags,
                 *channels.flags(load.channels)]
        ours, self.theirs = processors(load.workers)
        with on(ours):
            self.daemon = logplexd.Daemon(flags)
        self.pid = self.daemon.process.pid
        with on(self.theirs):
            try:
                self.tokens = channels.of(self.daemon, load.channels)
                self.connect()
            except BaseException:
                self.stop()
                raise

    def connect(self):
        load = self.load
        if load.drain_url:
            self.sinks = tools.Sinks(self.programs.sinks,
                                     load.drain_url.split(":")[0])
        for n in range(load.drains):
            answer = self.daemon.ask_json(
                "POST", "/v3/channels/scale-0/drains",
                {"url": load.drain_url % (self.sinks.port, n)})
            if answer.status != 201:
                raise RuntimeError(answer)
        if load.tails:
            self.followers = tools.Sinks(
                self.programs.sinks, "tails",
                str(self.daemon.address()[1]), str(load.tails),
                self.daemon.make_session("scale-0", tail=True), load.accept)
        for _ in range(load.idle):
            self.idle.append(idle(self.daemon.address(load.idle_over),
                                  load.idle_over == "http"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for one in self.idle:
            one.close()
        self.daemon.stop()
        for one in (self.sinks, self.followers):
            if one:
                one.stop()

    def send(self, lines):
        """Returns the seconds from the first line to where all had been done."""
        load = self.load
        host, port = self.daemon.address("syslog-tcp")
        command = [self.programs.loadgen, "-b", str(load.batch_lines), host,
                   str(port), str(lines), str(load.line_bytes),
                   str(load.connections), str(load.pace), "marked"]
        with on(self.theirs):
            told = subprocess.run(
                command, input="\n".join(self.tokens), text=True, check=True,
                capture_output=True, timeout=900).stdout
        self.sent += int(told.split("lines=")[1].split()[0])
        return float(told.split("seconds=")[1]) + until_quiet(self.pid)

    def resident_kib(self):
        return memory_kib(self.pid, "VmRSS")

    def measure(self, lines, warm_lines):
        """Figures of a run, and what is wrong with them."""
        load = self.load
        figures = {"rest": self.resident_kib()}
        if load.few_lines:
            self.send(load.few_lines * load.channels)
            figures["few"] = self.resident_kib()
        self.send(warm_lines)
        before = cpu_s(self.pid)
        took_s = self.send(lines)
        figures["cpu"] = (cpu_s(self.pid) - before) / lines * 1e6
        if not load.pace:
            figures["rate"] = lines / max(took_s, 0.001) / 1e6
        figures["peak"] = memory_kib(self.pid, "VmHWM")
        figures["lost"], faults = self.accounts()
        return figures, faults

    def accounts(self):
        """The lines that it says it lost, and what does not add up."""
        wait_until(lambda: self.is_settled(self.daemon.ledger()),
                   "it does not come to rest", SETTLE_S)
        ledger = self.daemon.ledger()
        faults = logplexd.ledger_faults(ledger)
        accepted = ledger["listeners"]["syslog_tcp"]["accepted_lines"]
        lost = {"drains": sum(ledger["drains"]["lost_lines"].values()),
                "tails": ledger["tails"]["lost_lines"],
                "aggregates": ledger["aggregates"]["lost_lines"],
                "ingest": sum(ledger["listeners"]["syslog_tcp"]
                              ["rejected_lines"].values())}
        if accepted + lost["ingest"] != self.sent:
            faults.append("%d lines were sent, %d accepted and %d rejected" %
                          (self.sent, accepted, lost["ingest"]))
        for name, count, reader in (
                ("drains", self.load.drains, self.sinks),
                ("tails", self.load.tails, self.followers)):
            fault = missing(name, accepted * count, lost[name], reader)
            faults += [fault] if fault else []
        return sum(lost.values()), faults

    def is_settled(self, ledger):
        """Whether all that is under way has come."""
        received = sum(one["received_lines"]
                       for one in ledger["listeners"].values())
        tails = ledger["tails"]
        return ledger["settled"] and received >= self.sent and \
            ledger["drains"]["pending_lines"] == 0 and \
            ledger["aggregates"]["behind_lines"] == 0 and \
            tails["written_lines"] + tails["lost_lines"] >= \
            ledger["engine"]["appended_lines"] * self.load.tails


def missing(name, lines, lost, reader):
    """What is to be said of lines that neither came nor are told as lost."""
    if not reader:
        return None
    end = time.monotonic() + WAIT_S
    came = reader.told()["marks"]
    while came + lost < lines and time.monotonic() < end:
        time.sleep(0.05)
        came = reader.told()["marks"]
    if came + lost == lines:
        return None
    return "%s: %d lines were for them, %d came and %d are told as lost" % (
        name, lines, came, lost)
