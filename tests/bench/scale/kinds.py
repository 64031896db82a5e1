"""What grows, while all else stays as it is: the steps of each kind."""
import dataclasses
import os

import arguments


@dataclasses.dataclass
class Load:
    """A daemon and what is put on it. Lines are sent over `connections`, dealt out
    over the channels; drains and tails are those of the first one."""
    count: int = 0        # of what grows
    label: str = ""
    workers: int = 1
    channels: int = 100
    drains: int = 0
    drain_url: str = ""   # with the port and a number
    tails: int = 0
    accept: str = ""      # the form that tails ask for
    idle: int = 0         # connections that say nothing, ...
    idle_over: str = ""   # ... to this kind of listener
    connections: int = 4
    line_bytes: int = 200
    batch_lines: int = 1024
    pace: int = 0         # lines a second; 0: as many as go
    lines: int = 2000000
    warm_lines: int = 0
    few_lines: int = 0    # of each channel, after which memory is looked at as well
    flags: tuple = ()


@dataclasses.dataclass
class Kind:
    name: str
    title: str
    unit: str   # what one of them is called
    loads: list


DRAINS = {"http": "http://127.0.0.1:%d/%d", "syslog": "syslog://127.0.0.1:%d#%d"}
TAILS = {"events": "text/event-stream", "text": "text/plain"}
# Lines to a channel, after which its ring has its history in segments as large as
# they get; and lines of 200 bytes after which --memory-max is used as it will stay.
RINGS_FULL = 4000
CEILING_LINES = 20000000


def number(value):
    return "{:,}".format(value)


def powers_of_two(most):
    """1, 2, 4 ... and most itself."""
    steps = []
    while not steps or steps[-1] * 2 < most:
        steps.append(steps[-1] * 2 if steps else 1)
    return steps + [most] * (most > 1)


def kind_of(name, title, unit, counts, load_of):
    loads = []
    for count in counts:
        load = load_of(count)
        load.count = count
        load.label = load.label or number(count)
        loads.append(load)
    return Kind(name, title, unit, loads)


def warm(channels):
    """As many lines as fill all rings, or the memory."""
    return max(200000, min(RINGS_FULL * channels, CEILING_LINES))


def workers(name, words, channels):
    return kind_of(name, "workers: 64 connections, " + words, "worker",
                   powers_of_two(os.cpu_count()), lambda count: Load(
                       workers=count, channels=channels, connections=64,
                       warm_lines=warm(channels), lines=4000000))


def drains(name, words="20,000 lines a second", **more):
    how = dict(pace=20000, lines=100000, warm_lines=20000)
    how.update(more)
    over = name.split("-")[1]
    return kind_of(name, "drains of one channel, over %s: %s" % (over, words),
                   "drain", (0, 1, 10, 50, 200), lambda count: Load(
                       channels=1, drains=count, connections=1,
                       drain_url=DRAINS[over], **how,
                       flags=("--drains-max", "1000",
                              # The ring is the queue.
                              "--channel-max", "512MiB")))


def few(name):
    """Drains whose batches are small, so that these are what costs."""
    return drains(name, "100 lines a second, ten at a time", pace=100,
                  batch_lines=10, lines=500, warm_lines=100)


def tails(name, words):
    return kind_of(name, "tails of one channel, as %s: 1,000 lines a second, ten "
                   "at a time" % words, "tail", (0, 1, 10, 100, 1000),
                   lambda count: Load(
                       channels=1, tails=count, connections=1, pace=1000,
                       accept=TAILS[name.split("-")[1]], batch_lines=10,
                       lines=5000, warm_lines=1000))


def idle(name, listener, words):
    return kind_of(name, words + ", beside four that send", "connection",
                   (1, 100, 1000, 10000), lambda count: Load(
                       idle=count, idle_over=listener, warm_lines=warm(100),
                       # Or they would be closed before all are there.
                       flags=("--idle-timeout", "10m")))


def all_kinds():
    return [
        workers("workers", "1,000 channels", 1000),
        workers("workers-hot", "one channel", 1),
        kind_of("channels", "channels", "channel", (1, 100, 1000, 10000, 100000),
                lambda count: Load(channels=count, warm_lines=warm(count),
                                   few_lines=10)),
        drains("drains-http"),
        drains("drains-syslog"),
        few("drains-http-few"),
        few("drains-syslog-few"),
        tails("tails-events", "Server-Sent Events"),
        tails("tails-text", "plain text"),
        kind_of("lines", "bytes of a line: 10 channels", "byte",
                (100, 200, 1000, 10000), lambda count: Load(
                    channels=10, line_bytes=count, warm_lines=warm(10),
                    lines=min(2000000, 800000000 // count))),
        idle("idle-syslog", "syslog-tcp", "connections that say nothing"),
        idle("idle-http", "http", "HTTP connections, kept behind a request"),
        kind_of("busy", "connections that all send, ten lines at a time",
                "connection", (1, 100, 1000, 10000), lambda count: Load(
                    connections=count, batch_lines=10, lines=1000000,
                    warm_lines=warm(100))),
    ]


def is_of(kind, name):
    return kind.name == name or kind.name.startswith(name + "-")


def chosen(all_kinds, names, most):
    """Kinds whose name is in a list, or begins with one of it and a dash; all, if
    it is empty. Of each, the steps up to so many."""
    some = arguments.chosen("scale", all_kinds, names, is_of)
    for kind in some:
        kind.loads = [load for load in kind.loads if load.count <= most]
    return [kind for kind in some if kind.loads]
