"""Those who are compared: each in one process on one processor, in the settings
that its manual gives for throughput, with nothing switched on that a job does not
ask for. Where lines are only to be kept, logplexd has them in its rings and HAProxy in
one; the others let them go once they are read, which is less work."""
import base64
import os
import re
import resource
import socket
import subprocess
import tempfile

import logplexd
from usage import WAIT_S, wait_until

HOST = "127.0.0.1"
# HAProxy wants two files for each, even where one is enough.
CONNECTIONS = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 50, 12000)
WAITING_LINES = 1000000  # what a queue may hold before it refuses or loses


class Job:
    """What is to be done: lines come in over `takes` (syslog or http), and each
    goes to `sinks` connections of the sink at `port` over `gives`. `parses`: the
    pairs of each line are taken apart."""

    def __init__(self, takes="syslog", gives=None, sinks=0, channels=1,
                 parses=False, connections=4):
        self.takes = takes
        self.gives = gives
        self.sinks = sinks
        self.channels = channels
        self.parses = parses
        self.connections = connections


def free_port():
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


class Relay:
    """One that does a job from here to stop()."""

    name = "?"
    does = "?"  # what it does for a line, in words
    transport = "syslog"  # of what it takes, if not HTTP

    @classmethod
    def can(cls, job):
        """Whether it knows how; a job that nobody would give it is not forced."""
        raise NotImplementedError

    def address(self):
        raise NotImplementedError

    def tokens(self):
        """For whom lines are, as the generator wants to read it."""
        raise NotImplementedError

    def pid(self):
        raise NotImplementedError

    def lost(self):
        """Lines that it says it lost; None: it does not say."""
        return None

    def warm_lines(self):
        """How many it must have had to be as it will stay."""
        return 200000

    def stop(self):
        raise NotImplementedError


class Logplexd(Relay):
    name = "logplexd"
    does = "finds each line's channel by its token and keeps it there in a ring, " \
        "which drains read; counts pairs (--aggregates) in `parse` alone"
    program = "logplexd"

    @classmethod
    def version(cls):
        return subprocess.run([cls.program, "--version"], capture_output=True,
                              text=True, check=True).stdout.split()[-1]

    @classmethod
    def can(cls, job):
        return True

    def __init__(self, job, sink_port):
        logplexd.PROGRAM = self.program
        self.job = job
        self.daemon = logplexd.Daemon(
            ["--workers", "1", "--aggregates", "on" if job.parses else "off",
             # Where it relays, the ring is the queue.
             *(["--drains-max", "100", "--channel-max", "512MiB"]
               if job.sinks else [])])
        self.all_tokens = []
        for n in range(job.channels):
            token = self.daemon.make_channel("bench-%d" % n, "app")["app"]
            self.all_tokens.append("%s %s" % (token, logplexd.basic(
                "token", token)))
        url = {"http": "http://%s:%d/%d", "syslog": "syslog://%s:%d#%d"}
        for n in range(job.sinks):
            answer = self.daemon.ask_json(
                "POST", "/v3/channels/bench-0/drains",
                {"url": url[job.gives] % (HOST, sink_port, n)})
            if answer.status != 201:
                raise RuntimeError(answer)

    def address(self):
        return self.daemon.address(
            "http" if self.job.takes == "http" else "syslog-tcp")

    def tokens(self):
        return self.all_tokens

    def pid(self):
        return self.daemon.process.pid

    def warm_lines(self):
        return max(200000, 4000 * self.job.channels)  # all rings are full

    def lost(self):
        ledger = self.daemon.ledger()
        faults = logplexd.ledger_faults(ledger)
        if faults:
            raise RuntimeError("the ledger does not balance: %s" % faults)
        return sum(ledger["drains"]["lost_lines"].values()) + \
            ledger["aggregates"].get("lost_lines", 0)

    def stop(self):
        self.daemon.stop()


class Bare(Relay):
    """Reads, finds the frames, looks at their first bytes, and keeps nothing: the
    least that anybody must do who takes lines (limits.c)."""

    name = "bare sink"
    does = "reads, finds frames, looks at their first bytes, keeps nothing"
    program = "limits"

    @classmethod
    def version(cls):
        return "-"

    @classmethod
    def can(cls, job):
        return not job.gives and not job.parses and job.connections <= 1000

    def __init__(self, job, sink_port):
        self.process = subprocess.Popen(
            [self.program, "receive", job.takes], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def address(self):
        return HOST, self.port

    def tokens(self):
        return ["app"]

    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.stdin.close()
        with self.process.stdout:
            self.process.stdout.read()
        self.process.wait(WAIT_S)


class Configured(Relay):
    """One that reads a file and runs until it is told to end."""

    def __init__(self, job, sink_port):
        self.job = job
        self.port = free_port()
        # What it keeps goes into memory, so that no disk is measured.
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        path = os.path.join(self.folder.name, "conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.config(sink_port))
        self.log = open(os.path.join(self.folder.name, "log"), "wb")
        self.process = subprocess.Popen(
            self.command(path), stdout=self.log, stderr=self.log)
        try:
            wait_until(self.answers, "%s does not listen" % self.name)
        except TimeoutError:
            self.stop()
            raise

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log.name, encoding="utf-8") as log:
                raise RuntimeError("%s has ended: %s" % (self.name, log.read()))
        try:
            socket.create_connection((HOST, self.port)).close()
            return True
        except OSError:
            return False

    def config(self, sink_port):
        raise NotImplementedError

    def command(self, path):
        raise NotImplementedError

    def address(self):
        return HOST, self.port

    def tokens(self):
        return ["app%d" % n for n in range(self.job.channels)]

    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT_S)
        self.log.close()
        self.folder.cleanup()


def first_number(command):
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.search(r"\d+\.\d+(\.\d+)*", told.stdout + told.stderr)[0]


class Rsyslog(Configured):
    name = "rsyslog"
    does = "reads each line's header and writes it anew; where nothing is sent " \
        "on, lets it go"
    program = "rsyslogd"

    @classmethod
    def version(cls):
        return first_number([cls.program, "-v"])

    @classmethod
    def can(cls, job):
        return job.takes == "syslog" and job.gives in (None, "syslog")

    def config(self, sink_port):
        action = (
            'action(type="omfwd" target="%s" port="%d" protocol="tcp" '
            'TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"'
            % (HOST, sink_port))
        parse = ""
        if self.job.parses:
            rules = os.path.join(self.folder.name, "rules")
            with open(rules, "w", encoding="ascii") as file:
                file.write("version=2\nrule=:%pairs:name-value-list%\n")
            parse = 'action(type="mmnormalize" rulebase="%s")\n' % rules
        return """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imptcp" threads="1")
module(load="mmnormalize")
action(type="omfile" file="/dev/null") # of nothing: it wants one to be there
ruleset(name="relay" queue.type="fixedArray" queue.size="{waiting}"
        queue.dequeueBatchSize="4096" queue.workerThreads="1") {{
{parse}{actions}
stop
}}
input(type="imptcp" address="{host}" port="{port}" ruleset="relay"
      socketBacklog="4096")
""".format(folder=self.folder.name, waiting=WAITING_LINES, host=HOST,
           port=self.port, parse=parse,
           actions="\n".join([action + ")"] * self.job.sinks))

    def command(self, path):
        return [self.program, "-C", "-n", "-f", path, "-i",
                os.path.join(self.folder.name, "pid")]


class SyslogNg(Configured):
    name = "syslog-ng"
    does = "passes lines on as they came, unparsed but in `parse`; where nothing " \
        "is sent on, lets them go"
    program = "syslog-ng"

    @classmethod
    def version(cls):
        return first_number([cls.program, "--version"])

    @classmethod
    def can(cls, job):
        return job.takes == "syslog" and job.gives in (None, "syslog")

    def config(self, sink_port):
        # What is only passed on is not taken apart: that is twice as fast.
        sinks = "\n".join(
            'destination d%d { network("%s" port(%d) transport(tcp) '
            'template("$MESSAGE\\n") log-fifo-size(%d) persist-name("d%d")); };'
            % (n, HOST, sink_port, WAITING_LINES, n)
            for n in range(self.job.sinks))
        return """@version: 3.38
options {{ threaded(yes); keep-hostname(yes); use-dns(no); stats-freq(0);
           log-msg-size(65536); }};
source s {{ syslog(ip("{host}") port({port}) transport(tcp)
                   max-connections({most}) log-fetch-limit(1000) {flags}
                   log-iw-size({window}) keep-alive(yes)); }};
{sinks}
{parser}
log {{ source(s); {parse} {out} flags(flow-control); }};
""".format(host=HOST, port=self.port, sinks=sinks,
           # As many for each connection as are fetched at a time, as the
           # manual wants it; ten thousand have a smaller share.
           most=self.job.connections + 16,
           window=(self.job.connections + 16) *
           (1000 if self.job.connections < 1000 else 20),
           parser="parser pairs { kv-parser(); };" if self.job.parses else "",
           parse="parser(pairs);" if self.job.parses else "",
           flags="" if self.job.parses else "flags(no-parse)",
           out=" ".join("destination(d%d);" % n
                        for n in range(self.job.sinks)))

    def command(self, path):
        inside = [os.path.join(self.folder.name, name)
                  for name in ("persist", "control", "pid")]
        return [self.program, "-F", "--no-caps", "-f", path, "-R", inside[0],
                "-c", inside[1], "-p", inside[2]]


class Haproxy(Configured):
    name = "haproxy"
    does = "reads headers and writes lines into a ring of bytes for each sink; " \
        "over HTTP passes bodies on and looks at no line"
    program = "haproxy"

    @classmethod
    def version(cls):
        return first_number([cls.program, "-v"])

    @classmethod
    def can(cls, job):
        if job.parses:
            return False
        if job.takes == "http":  # as a proxy that looks at no line
            return job.gives == "http" and job.sinks == 1
        return job.gives in (None, "syslog")

    def config(self, sink_port):
        head = "global\n    nbthread 1\n    maxconn %d\n" % (CONNECTIONS)
        if self.job.takes == "http":
            return head + """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
listen proxy
    bind {host}:{port}
    server sink {host}:{sink}
""".format(host=HOST, port=self.port, sink=sink_port)
        rings, logs = [], []
        for n in range(max(self.job.sinks, 1)):
            server = "    server sink %s:%d log-proto octet-count\n" % (
                HOST, sink_port) if self.job.sinks else ""
            rings.append("ring r%d\n    format raw\n    maxlen 8192\n"
                         "    size 67108864\n    timeout connect 5s\n"
                         "    timeout server 60s\n%s" % (n, server))
            logs.append("    log ring@r%d format raw local0" % n)
        return head + "\n".join(rings) + """
log-forward in
    bind {host}:{port}
    maxconn {most}
    timeout client 600s
{logs}
""".format(host=HOST, port=self.port, most=CONNECTIONS, logs="\n".join(logs))

    def command(self, path):
        return [self.program, "-db", "-f", path]


class Nats(Configured):
    """A server of messages, which looks at no line: what that costs."""

    name = "nats"
    does = "publishes each line to subscribers, and looks at none"
    program = "nats-server"
    transport = "nats"

    @classmethod
    def version(cls):
        return first_number([cls.program, "-v"])

    @classmethod
    def can(cls, job):
        return job.takes == "syslog" and job.gives in (None, "syslog") and \
            not job.parses

    def config(self, sink_port):
        return ('listen: "%s:%d"\nmax_connections: 25000\nmax_pending: 2147483648\n'
                'write_deadline: "60s"\n' % (HOST, self.port))

    def command(self, path):
        return [self.program, "-c", path]


ALL = (Logplexd, Bare, Rsyslog, SyslogNg, Haproxy, Nats)
