"""Processor time a line of each stage: a daemon under load, and perf."""
import collections
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(__file__)
sys.path[:0] = [os.path.join(HERE, ".."),
                os.path.join(HERE, "..", "..", "support")]
from bench_ingest import cpu_seconds, logplexd  # noqa: E402
from callgrind import plain  # noqa: E402
from stages import STAGES  # noqa: E402
import tools  # noqa: E402

LINE_BYTES = 300
BATCHES = {"syslog": (1024, 4), "http": (300, 16)}  # lines, connections
HERTZ = 2000
OTHER = "other"
OTHER_SHOWN = 12  # of its functions

STAGE_OF = {function: stage for stage, functions in STAGES.items()
            for function in functions}


class Unusable(Exception):
    """perf, here."""


class Load:
    """A daemon, what it takes (syslog or http) and who takes it from there."""

    def __init__(self, build, channels, drains=(), lines_a_second=0,
                 takes="syslog"):
        self.bench = os.path.join(build, "tests", "bench")
        self.lines_a_second = lines_a_second
        self.takes = takes
        logplexd.PROGRAM = os.path.join(build, "logplexd", "logplexd")
        self.daemon = logplexd.Daemon(["--workers", "1"])
        self.sinks = []
        self.tokens = [
            self.daemon.make_channel("load-%d" % n, "heroku")["heroku"]
            for n in range(channels)]
        self.tokens = ["%s %s" % (one, logplexd.basic("token", one))
                       for one in self.tokens]
        for kind in drains:
            self.sinks.append(tools.Sinks(self.program("sinks"), kind))
            answer = self.daemon.ask_json(
                "POST", "/v3/channels/load-0/drains",
                {"url": "%s://127.0.0.1:%d/" % (kind, self.sinks[-1].port)})
            assert answer.status == 201, answer.body

    def program(self, name):
        return os.path.join(self.bench, name)

    def send(self, lines):
        """Until all that it was to do with them is done."""
        host, port = self.daemon.address(
            "http" if self.takes == "http" else "syslog-tcp")
        batch, connections = BATCHES[self.takes]
        already = self.accepted_lines()
        subprocess.run(
            [self.program("loadgen"), "-t", self.takes, "-b", str(batch), host,
             str(port), str(lines), str(LINE_BYTES), str(connections),
             str(self.lines_a_second), "router"],
            input="\n".join(self.tokens), text=True, check=True,
            capture_output=True, timeout=600)
        end = time.monotonic() + 300
        while not self.has_done(already + lines):
            if time.monotonic() > end:
                sys.exit("lines are missing: %s" % self.daemon.ledger())
            time.sleep(0.05)

    def accepted_lines(self):
        return sum(one["accepted_lines"] for one in
                   self.daemon.ledger()["listeners"].values())

    def has_done(self, lines):
        ledger = self.daemon.ledger()
        return self.accepted_lines() >= lines and (
            not self.sinks
            or ledger["drains"]["delivered_lines"] >= lines * len(self.sinks))

    def stop(self):
        faults = logplexd.ledger_faults(self.daemon.ledger())
        self.daemon.stop()
        for sink in self.sinks:
            sink.stop()
        if faults:
            sys.exit("the ledger does not balance: %s" % faults)


def check_perf():
    if not shutil.which("perf"):
        raise Unusable("perf is not installed (cmake/packages: develop)")
    tried = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-o",
                            "/dev/null", "true"], capture_output=True,
                           text=True, check=False)
    if tried.returncode != 0:
        raise Unusable("perf can't sample here: " + tried.stderr.strip())


def record(load, lines, data):
    """CPU-seconds of the daemon meanwhile."""
    pid = load.daemon.process.pid
    recorder = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ),
         "--call-graph", "dwarf,16384", "-p", str(pid), "-o", data])
    time.sleep(1)
    before = sum(cpu_seconds(pid))
    load.send(lines)
    used = sum(cpu_seconds(pid)) - before
    recorder.send_signal(2)
    recorder.wait(60)
    return used


def stacks_of(data):
    """Lists of (function, where it is), the innermost first."""
    told = subprocess.run(
        ["perf", "script", "-i", data, "--no-inline", "-F", "ip,sym,dso"],
        capture_output=True, text=True, check=True).stdout
    for block in told.split("\n\n"):
        frames = []
        for one in block.splitlines():
            _, _, rest = one.strip().partition(" ")
            name, _, place = rest.rpartition(" (")
            if name:
                frames.append((plain(name),
                               os.path.basename(place.rstrip(")"))))
        if frames:
            yield frames


def stage_of(frames):
    for name, _ in frames:
        if name in STAGE_OF:
            return STAGE_OF[name]
    return OTHER


def profile(build, lines, channels, **more):
    """Of a Load: nanoseconds a line of each stage, and likewise of the functions
    that are in none."""
    check_perf()
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        data = os.path.join(folder, "perf.data")
        load = Load(build, channels, **more)
        try:
            load.send(max(lines // 4, 6000 * channels))  # rings are full then
            ns = record(load, lines, data) * 1e9 / lines
        finally:
            load.stop()
        stages, others = collections.Counter(), collections.Counter()
        for frames in stacks_of(data):
            stage = stage_of(frames)
            stages[stage] += 1
            if stage == OTHER:
                others["%s (%s)" % frames[0]] += 1
    samples = sum(stages.values())
    if samples == 0:
        raise Unusable("perf took no sample of the daemon")
    return ({stage: count * ns / samples for stage, count in stages.items()},
            {name: count * ns / samples
             for name, count in others.most_common(OTHER_SHOWN)})
