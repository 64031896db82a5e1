"""What a client once said to the original is said to our daemon, request by
request, and what comes back is compared field by field: version, status,
reason, each header, the spelling and the order of their names, framing, body,
chunks, whether it is whole, further answers, what becomes of the connection,
and what its channels have got. Each difference has to be one that
docs/compatibility.md lists; differences.txt says which.

  replay.py LOGPLEXD [-v] [AREA or AREA.CASE]...

"recording.py" says how the recordings in original/ are written. The last line
counts requests: equal, with differences that are listed, with others.
"""
import collections
import os
import re
import select
import socket
import sys
import time

import differences
import recording
import stage as stages
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(HERE, os.pardir, os.pardir, "docs", "compatibility.md")
PATIENCE_S = 20  # of an answer, from a sanitizer's build on a busy machine
QUIET_S = 1  # nothing for so long, and nothing more is waited for
PROBE = (b"GET /livez HTTP/1.1\r\nHost: logplex.test\r\n"
         b"Connection: close\r\n\r\n")


# One connection -------------------------------------------------------------

class Wire:
    """A connection that can be written and read at the same time, as a server
    may answer before it has read all."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.received = b""
        self.to_send = memoryview(b"")
        self.is_closed = False

    def close(self):
        self.socket.close()

    def _write(self):
        try:
            self.to_send = self.to_send[self.socket.send(self.to_send):]
        except OSError:
            self.to_send = memoryview(b"")  # reading will tell

    def _read(self):
        try:
            data = self.socket.recv(1 << 16)
        except OSError:
            data = b""
        self.received += data
        self.is_closed = not data

    def step(self, timeout_s):
        """Something is written or read; False, if nothing for so long."""
        readable, writable, _ = select.select(
            [self.socket], [self.socket] if self.to_send else [], [], timeout_s)
        if writable:
            self._write()
        if readable:
            self._read()
        return bool(readable or writable)

    def run(self, is_enough, quiet_s=PATIENCE_S):
        """Until it is, or the server has closed, or nothing for so long."""
        while not self.is_closed and not is_enough():
            if not self.step(quiet_s):
                return

    def send(self, data):
        self.to_send = memoryview(bytes(self.to_send) + data)


def methods_of(sent):
    found = re.findall(rb"([A-Z]+) /\S* HTTP/1\.[01]\r\n", sent)
    return [one.decode() for one in found] or ["GET"]


class Talk:
    """A connection of a recording, said over again: what came of it."""

    def __init__(self, stage, recorded):
        self.stage, self.recorded = stage, recorded
        self.sent = [stage.bindings.request(one) for one in recorded.sent]
        self.methods = methods_of(b"".join(self.sent))
        self.answers = []
        self.rest = b""
        self.fate = "open"

    def over(self, address):
        self.wire = Wire(address)
        try:
            if (self.recorded.fate or "").startswith("silence"):
                self._silence()
            elif self.is_following():
                self._follow()
            else:
                self._ask()
        finally:
            self.wire.close()
        return self

    def expected(self):
        """The answers that the original gave, with our ids in them."""
        found, rest = wire.answers(self.recorded.answer, self.methods, True)
        if rest:
            raise ValueError("not an answer: %r" % rest)
        return found

    def is_following(self):
        """A stream that had no end."""
        last = self.expected()[-1:]
        return bool(last) and not last[0].is_whole

    def _parse(self):
        self.answers, self.rest = wire.answers(
            self.wire.received, self.methods, self.wire.is_closed)

    def _is_answered(self):
        self._parse()
        whole = [one for one in self.answers
                 if one.is_whole and not one.is_interim()]
        return len(whole) >= len(self.methods)

    def _send(self):
        for one in self.sent:
            self.wire.send(one)

    def _warm_up(self, times):
        """The same over and over; only the last is looked at."""
        for _ in range(times):
            self._send()
            self.wire.run(self._is_answered)
            if not self._is_answered():
                raise stages.ActionFailed("no answer: %r" % self.wire.received)
            self.wire.received = b""

    def _ask(self):
        for action in self.recorded.before:
            if action.name == "repeat":
                self._warm_up(int(action.words[0]))
        self._send()
        self.wire.run(self._is_answered)
        self._parse()
        self._end()

    def _is_last_said(self):
        last = [one for one in self.answers if not one.is_interim()][-1:]
        return bool(last) and (
            "close" in (last[0].value("connection") or "").lower()
            or last[0].version == "HTTP/1.0")

    def _end(self):
        """Whether another request could follow."""
        answered = len(self.answers)
        if answered and not self.answers[-1].is_whole:
            self.fate = "closed" if self.wire.is_closed else "open"
            return
        if not self._is_last_said():
            self.wire.send(PROBE)
            self.methods.append("GET")
        self.wire.run(lambda: False)
        self._parse()
        is_kept = len(self.answers) > answered and (
            self.answers[-1].body == b"OK")
        if is_kept:
            self.answers.pop()
        self.fate = "open" if is_kept or not self.wire.is_closed else "closed"

    def _follow(self):
        wanted = sum(len(one.body) for one in self.expected())

        def is_begun():
            self._parse()
            return bool(self.answers)

        def is_enough():
            self._parse()
            return sum(len(one.body) for one in self.answers) >= wanted

        self._send()
        self.wire.run(is_begun)
        for action in self.recorded.during:
            self.stage.act(action)
        self.wire.run(is_enough, QUIET_S)
        self.wire.run(lambda: False, QUIET_S / 4)  # nothing else
        self._parse()
        self.fate = "closed" if self.wire.is_closed else "open"

    def _silence(self):
        if self.sent:
            self._send()
            self.wire.run(self._is_answered)
        began = time.monotonic()
        self.wire.run(lambda: False)
        self._parse()
        self.fate = "silence %d" % round(time.monotonic() - began)


class Stream:
    """Lines over TCP, said over again."""

    def __init__(self, stage, recorded):
        self.stage = stage
        self.sent = [stage.bindings.request(one) for one in recorded.sent]

    def over(self, address):
        self.wire = Wire(address)
        try:
            for one in self.sent:
                self.wire.send(one)
                self.wire.run(lambda: not self.wire.to_send)
                self.wire.step(0)
            self.pause()
            self.wire.step(0)
        finally:
            self.wire.close()
        self.pause()
        return self

    def pause(self):
        """Until what was sent is counted: the only worker has looked at this
        connection before it answers on two more."""
        before = None
        while before != (now := self.stage.counted()):
            before = now


# Comparing ------------------------------------------------------------------

def compare_answers(talk):
    """Each field of what came, as (name, expected, got)."""
    expected, got = talk.expected(), talk.answers
    for number, (was, now) in enumerate(zip(expected, got)):
        adapt(talk.stage.bindings, was, now)
        mark = "%d." % (number + 1) if number else ""
        for name, one, other in wire.compared(was, now):
            yield mark + name, one, other
    yield "answers", summary(expected), summary(got)
    yield "rest", b"", talk.rest
    if talk.recorded.fate or not says_close(expected):
        yield "fate", talk.recorded.fate or "open", talk.fate


def says_close(answers):
    """It was not waited for then, unless the recording says so."""
    return bool(answers) and answers[-1].value("connection") == "close"


def summary(answers):
    """How many, and of what kind; what they say is compared one by one."""
    return " ".join("interim" if one.is_interim() else "final"
                    for one in answers)


def adapt(bindings, was, now):
    """Our ids into the answer of the original, once we know them."""
    body = was.body.decode("latin-1")
    is_honest = was.value("content-length") == str(len(was.body))
    known = set(bindings.ids)
    bindings.learn(body, now.body.decode("latin-1"))
    new = set(bindings.ids) - known
    body = bindings.text(body)
    if not new:
        body = bindings.in_order(body)
    was.body = body.encode("latin-1")
    if is_honest:
        was.headers["content-length"] = [str(len(was.body))]
    if was.value("location") and now.value("location"):
        bindings.learn(was.value("location"), now.value("location"))
        was.headers["location"] = [bindings.text(was.value("location"))]


def compare_kept(stage, recorded, before):
    for channel, lines in recorded.kept.items():
        got = stage.newest(channel, stage.appended(channel) - before[channel])
        if isinstance(lines, int):
            yield "kept", "%d lines" % lines, "%d lines" % len(got)
            continue
        shown = [stages.recent(one) for one in lines]
        shown = [stage.bindings.text(one.decode("latin-1")).encode("latin-1")
                 for one in shown if one is not None]
        yield "kept", shown, got


def compare_counted(recorded, before, after):
    for name in after:
        yield ("counted:" + name, recorded.counted.get(name, 0),
               after[name] - before[name])


def replay(stage, recorded):
    """One connection: its fields."""
    appended = {one: stage.appended(one) for one in recorded.kept}
    if recorded.role == "tcp":
        before = stage.counted()
        stream = Stream(stage, recorded).over(stage.addresses["tcp"])
        yield "answers", b"", stream.wire.received
        yield "fate", "open", "closed" if stream.wire.is_closed else "open"
        yield from compare_counted(recorded, before, stage.counted())
    else:
        talk = Talk(stage, recorded).over(stage.addresses[recorded.role])
        yield from compare_answers(talk)
    yield from compare_kept(stage, recorded, appended)


# Counting -------------------------------------------------------------------

RANKS = ("equal", "everywhere", "listed", "unexplained")


class Report:
    def __init__(self, rules, is_verbose):
        self.rules, self.is_verbose = rules, is_verbose
        self.requests = collections.Counter()
        self.areas = collections.defaultdict(collections.Counter)
        self.fields = collections.Counter()
        self.failed_actions = 0
        self.faults = 0  # that are no field's

    def fault(self, text):
        print(text)
        self.faults += 1

    def field(self, case, title, name, expected, got):
        """equal, everywhere, listed or unexplained."""
        if expected == got:
            return "equal"
        rule = self.rules.explain(case, name, expected, got)
        found = "unexplained" if not rule else (
            "everywhere" if rule.is_everywhere else "listed")
        if rule and not self.is_verbose:
            return found
        print("%s.%d %s: %s: expected %s, got %s%s" % (
            case[0], case[1], title, name,
            differences.shown(expected)[:300], differences.shown(got)[:300],
            " (%s)" % rule.name if rule else ""))
        return found

    def connection(self, case, title, recorded, fields):
        found = collections.Counter()
        for name, expected, got in fields:
            found[self.field(case, title, name, expected, got)] += 1
        self.fields += found
        worst = next((one for one in reversed(RANKS) if found[one]), "equal")
        requests = 1 if recorded.role == "tcp" else len(
            methods_of(b"".join(recorded.sent)))
        self.requests[worst] += requests
        self.areas[case[0]][worst] += requests

    def failed_action(self, case, title, action, error):
        print("%s.%d %s: the action %s failed: %s" % (
            case[0], case[1], title, action.name, error))
        self.failed_actions += 1

    def line(self, what, counts):
        return ("%s %d, equal %d, listed differences %d, unexplained %d" % (
            what, sum(counts[one] for one in RANKS), counts["equal"],
            counts["everywhere"] + counts["listed"], counts["unexplained"]))

    def print_sums(self):
        for rule in self.rules.rules:
            print("%6d %s" % (rule.uses(), rule.name))
        for area, counts in sorted(self.areas.items()):
            print(self.line(area, counts))
        print(self.line("fields", self.fields))
        print("actions that failed %d, other faults %d" % (
            self.failed_actions, self.faults))
        print("requests that differ only in what differs everywhere %d" %
              self.requests["everywhere"])
        print(self.line("requests", self.requests))

    def is_good(self):
        return not (self.requests["unexplained"] or self.failed_actions
                    or self.faults)


def act(stage, report, case, title, action):
    if action.name == "repeat":
        return  # of the connection itself
    try:
        stage.act(action)
    except (stages.ActionFailed, KeyError) as error:
        report.failed_action(case, title, action, error)


def replay_case(stage, report, area, one):
    number = int(one.number)
    for recorded in one.connections:
        case = (area, number, recorded.role)
        for action in recorded.before:
            act(stage, report, case, one.title, action)
        try:
            fields = list(replay(stage, recorded))
        except stages.ActionFailed as error:
            fields = [("action", "done", str(error))]
        report.connection(case, one.title, recorded, fields)


def replay_area(report, path, wanted):
    area = os.path.basename(path)[:2]
    stage = stages.Stage()
    try:
        for one in recording.read(path):
            if not wanted or area in wanted or (
                    "%s.%s" % (area, one.number) in wanted):
                replay_case(stage, report, area, one)
        for fault in stage.ledger_faults():
            report.fault("%s: the ledger: %s" % (area, fault))
    finally:
        code = stage.stop()
    if code != 0:
        report.fault("%s: the daemon ended with %d: %s" % (
            area, code, "".join(stage.daemon.log)[-2000:]))


def main():
    arguments = sys.argv[1:]
    if arguments and os.path.sep in arguments[0]:
        stages.logplexd.PROGRAM = arguments.pop(0)
    is_verbose = "-v" in arguments
    wanted = [one for one in arguments if one != "-v"]
    rules = differences.Rules(os.path.join(HERE, "differences.txt"))
    report = Report(rules, is_verbose)
    folder = os.path.join(HERE, "original")
    for name in sorted(os.listdir(folder)):
        if not wanted or any(one.startswith(name[:2]) for one in wanted):
            replay_area(report, os.path.join(folder, name), wanted)
    with open(DOCUMENT, encoding="utf-8") as file:
        for fault in rules.faults(file.read(), are_all_used=not wanted):
            report.fault(fault)
    report.print_sums()
    return 0 if report.is_good() else 1


if __name__ == "__main__":
    sys.exit(main())
