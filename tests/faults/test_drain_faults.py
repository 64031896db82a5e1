#!/usr/bin/env python3
"""One drain of ten has a sink that does what sinks should not: its lines are all
accounted for, and the other nine do not feel it.

    test_drain_faults.py all|some [-k NAME]

While lines come at a steady rate, the sink has its fault; then it has none, and
all that is pending has to have its fate. What is claimed of the faulty drain:

- By its status, delivered and lost add up to what was sent.
- Over HTTP, what the sink has kept, frames that came again taken once, is in
  order, has no line twice, and with the numbers in its notices is what was sent.
  A frame that comes again has the same body (sinks.py holds it to that), and
  comes again only if its answer did not come or was a failure.
- Over syslog nobody says what was kept. "Delivered" is what the kernel of the
  receiver has acknowledged; a sink that breaks a connection, or ends without
  having read it, has not read all of that. So: what came over one connection is
  in order and has no line twice; and where the fault is none of these two, no
  line is missing.

And of the nine: all lines, in order, once, without a failure. They have the pace
of who sends, so to compare what they take per second would be to measure him. It
is compared how many lines they have when the last one has been accepted and has
lingered, with a run without the tenth: a drain that is held up has fewer, and a
slow machine has both. Prints the smallest share, and beside which fault it was.
"""
import sys
import tempfile
import time
import unittest

import certificates
from behaviours import (answers, answers_404, answers_429, answers_and_closes,
                        answers_in_chunks, answers_much, answers_500_for,
                        closes_after, closes_silently, for_seconds, forgets,
                        good, hangs_up, in_turn, is_silent, reads_nothing,
                        reads_slowly, resets_after, stalls_handshake)
from draining import IMPATIENT, DrainTest, lost_lines, numbered
from logplexd import basic, frames, line
from sinks import HttpSink, SyslogSink

SECONDS = 1.5  # of a fault that ends by itself
LINES_A_POST, POST_S = 50, 0.05
GOOD_HTTP, GOOD_SYSLOG = 5, 4
LINGER_S = 0.1
SHARE_MIN = 0.95
SMALL_BUFFER = 4096
FOLDER = tempfile.TemporaryDirectory()
SCHEMES = {"http": (HttpSink, False), "https": (HttpSink, True),
           "syslog": (SyslogSink, False), "syslog_tls": (SyslogSink, True)}


class Fault:
    """behave gives a sink's behaviour; None is none. at is another place than
    the sink, from which the drain moves to it in the end."""

    def __init__(self, behave=None, at=None, loses=False, lies=False,
                 is_harmless=False, **options):
        self.behave = behave or good
        self.at = at
        self.loses = loses              # and tells
        self.lies = lies                # loses, and the drain can't know
        self.is_harmless = is_harmless  # nothing has failed
        self.options = options


def nobody(scheme, _):
    return scheme.replace("_", "+") + "://nobody.invalid/"


EVERYWHERE = {
    "refuses": Fault(is_paused=True),
    "reads_a_byte_a_second": Fault(reads_slowly, receive_buffer=SMALL_BUFFER),
    "has_a_name_that_nobody_knows": Fault(at=nobody),
}
HTTP = {
    "is_silent": Fault(is_silent),
    "resets_within_a_body": Fault(lambda: for_seconds(
        SECONDS, resets_after(1000))),
    "answers_500_for_a_while": Fault(lambda: answers_500_for(SECONDS)),
    "answers_429_with_retry_after": Fault(lambda: for_seconds(
        SECONDS, answers_429(1))),
    "answers_404_for_a_while": Fault(lambda: for_seconds(
        SECONDS, answers_404()), loses=True),
    "answers_in_chunks": Fault(answers_in_chunks, is_harmless=True),
    "answers_100_kilobytes": Fault(answers_much, is_harmless=True),
    "closes_after_each_answer": Fault(answers_and_closes, is_harmless=True),
    # Who sees it in time takes another connection.
    "closes_and_does_not_say_so": Fault(closes_silently, is_harmless=None),
    "keeps_and_hangs_up_before_its_answer": Fault(lambda: in_turn(
        hangs_up(200), answers(200), hangs_up(200, True), hangs_up(200),
        answers(200), hangs_up(200), good())),
    "says_200_and_keeps_nothing": Fault(lambda: in_turn(
        forgets(), good(), forgets(), answers(500), good()), lies=True),
}
SYSLOG = {
    "reads_nothing": Fault(lambda: for_seconds(2 * SECONDS, reads_nothing()),
                           lies=True, receive_buffer=SMALL_BUFFER),
    "resets_within_a_line": Fault(lambda: for_seconds(
        SECONDS, resets_after(1000)), lies=True),
    "closes_within_a_line": Fault(lambda: for_seconds(
        SECONDS, closes_after(7)), lies=True),
}
TLS = {
    "stalls_in_the_handshake": Fault(stalls_handshake),
    "has_a_certificate_that_is_over": Fault(tls="stale", at=lambda _, sink:
                                            sink.url()),
}
SOME = {("http", "refuses"), ("http", "answers_500_for_a_while"),
        ("http", "answers_404_for_a_while"),
        ("http", "keeps_and_hangs_up_before_its_answer"),
        ("https", "stalls_in_the_handshake"), ("syslog", "reads_nothing"),
        ("syslog_tls", "refuses")}


def cells():
    for scheme, (kind, is_tls) in SCHEMES.items():
        faults = dict(EVERYWHERE, **(HTTP if kind is HttpSink else SYSLOG),
                      **(TLS if is_tls else {}))
        for name, fault in faults.items():
            yield scheme, name, fault


def sent(texts):
    """Without those of the daemon itself."""
    return [one for one in texts if not one.startswith("Error L14 ")]


class Neighbours:
    """Nine drains of one channel, and what has come through them."""

    def __init__(self, test):
        self.http = test.sink(HttpSink)
        self.syslog = test.sink(SyslogSink)
        self.drains = [test.drain(self.http.url("/%d" % n))
                       for n in range(GOOD_HTTP)]
        self.drains += [test.drain(self.syslog.url("#%d" % n))
                        for n in range(GOOD_SYSLOG)]

    def lines(self):
        return len(self.http.messages()) + len(self.syslog.messages())

    def streams(self):
        """The lines of each drain."""
        by_drain = {"/%d" % n: [] for n in range(GOOD_HTTP)}
        for one in self.http.accepted:
            by_drain[one.target] += sent(self.http.texts([one]))
        for frame in self.syslog.messages():
            by_drain.setdefault(frame.host, []).extend(sent([frame.text]))
        return list(by_drain.values())


class Faults(DrainTest):
    FLAGS = [*IMPATIENT, "--drains-max", "10"]
    LINES = 2000
    baseline = None
    shares = {}  # of the baseline that the nine had, by test

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        authority = certificates.Authority(FOLDER.name)
        cls.pairs = {"good": authority.sign("good"),
                     "stale": authority.sign(
                         "stale", dates=certificates.YEAR_2020)}
        cls.FLAGS = [*cls.FLAGS, "--drain-ca", authority.cert]

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        if cls.shares:
            worst = min(cls.shares, key=cls.shares.get)
            print("\nthe nine had at least %.3f of what they have alone (%s)" %
                  (cls.shares[worst], worst))

    # Sending.

    def send_steadily(self, lines):
        """Until the last one is accepted."""
        headers = [("Content-Type", "application/logplex-1"),
                   ("Authorization", basic("token", self.token))]
        with self.daemon.client() as client:
            due = time.monotonic()
            for at in range(0, len(lines), LINES_A_POST):
                time.sleep(max(due - time.monotonic(), 0))
                due += POST_S
                some = lines[at:at + LINES_A_POST]
                answer = client.ask("POST", "/logs", headers,
                                    frames([line(one) for one in some]))
                self.assertEqual(answer.status, 204, answer)

    def run_with(self, neighbours):
        """How many lines the nine have when the last one has lingered."""
        self.send_steadily(self.lines)
        time.sleep(2 * LINGER_S)
        return neighbours.lines()

    def measure_baseline(self):
        if Faults.baseline is None:
            neighbours = Neighbours(self)
            Faults.baseline = self.run_with(neighbours)
            for drain in neighbours.drains:
                self.settled(drain, len(self.lines))
            self.check_neighbours(neighbours)
            for drain in neighbours.drains:
                self.delete(drain)
        return Faults.baseline

    # A cell.

    def check(self, scheme, fault):
        self.lines = numbered(self.LINES)
        self.skip_without(scheme)
        baseline = self.measure_baseline()
        neighbours = Neighbours(self)
        sink, drain = self.start_faulty(scheme, fault)
        had = self.run_with(neighbours)
        if fault.is_harmless is False and not fault.lies:
            self.wait_for_status(drain, lambda one: one["failures"] > 0)
        self.mend(fault, sink, drain)
        status = self.settled(drain, self.LINES)
        self.assertEqual(status["offered_lines"], self.LINES + self.own())
        for one in neighbours.drains:
            self.assertEqual(self.settled(one, self.LINES)["failures"], 0)
        self.check_neighbours(neighbours)
        self.shares[self._testMethodName] = had / baseline
        self.assertGreaterEqual(had, SHARE_MIN * baseline,
                                "the nine are held up")
        self.check_faulty(fault, sink, status)
        self.all_drains()

    def own(self):
        """Lines of the daemon itself (L14), which go where the others go."""
        listeners = self.ledger()["listeners"]
        return listeners.get("own", {"accepted_lines": 0})["accepted_lines"]

    def skip_without(self, scheme):
        if scheme != "syslog_tls":
            return
        drain = self.drain("syslog+tls://127.0.0.1:9/")
        self.send(["is there anybody?"])
        status = self.wait_for_status(drain, lambda one: one["last_error"])
        self.delete(drain)
        if "over this scheme" in status["last_error"]:
            self.skipTest("syslog+tls: " + status["last_error"])

    def start_faulty(self, scheme, fault):
        kind, is_tls = SCHEMES[scheme]
        options = dict(fault.options)
        if is_tls:
            options["tls"] = self.pairs[options.get("tls", "good")]
        sink = self.sink(kind, fault.behave(), **options)
        at = fault.at(scheme, sink) if fault.at else sink.url()
        return sink, self.drain(at)

    def mend(self, fault, sink, drain):
        if fault.options.get("is_paused"):
            sink.resume()
        if fault.options.get("tls"):
            self.redirect(drain, sink.url("/#insecure"))
        elif fault.at:
            self.redirect(drain, sink.url())
        if not (fault.lies or fault.loses or fault.is_harmless):
            sink.behaviour = good()

    # What has to be true.

    def check_neighbours(self, neighbours):
        streams = neighbours.streams()
        self.assertEqual(len(streams), GOOD_HTTP + GOOD_SYSLOG)
        for stream in streams:
            self.assertEqual(stream, self.lines)

    def check_faulty(self, fault, sink, status):
        if fault.is_harmless is not None and not fault.lies:
            self.assertEqual(status["failures"] == 0, fault.is_harmless,
                             status)
        self.assertEqual(lost_lines(status) > 0, fault.loses, status)
        if isinstance(sink, HttpSink):
            self.check_http(fault, sink, status)
        else:
            self.check_syslog(fault, sink)

    def check_http(self, fault, sink, status):
        kept = sent(sink.texts(sink.distinct))
        told = sum(sink.losses(sink.distinct))
        forgotten = sum(one.msg_count for one in sink.requests
                        if one.is_forgotten)
        self.assertEqual(kept, sorted(set(kept)))
        self.assertEqual(told, lost_lines(status))
        self.assertEqual(len(kept), status["delivered_lines"] - forgotten -
                         self.own())
        self.assertEqual(len(kept) + told + forgotten, self.LINES)
        self.assertEqual(forgotten > 0, fault.lies)
        self.check_repetition(sink)

    def check_repetition(self, sink):
        """Who has heard a good answer does not ask again. That it was heard is
        sure when another request comes over the same connection."""
        heard, last = set(), {}
        for one in sink.requests:
            before = last.get(one.connection)
            if before and (before.is_accepted or before.is_forgotten):
                heard.add(before.frame_id)
            self.assertNotIn(one.frame_id, heard)
            last[one.connection] = one

    def check_syslog(self, fault, sink):
        sink.wait_until(lambda: sum(not one.ended
                                    for one in sink.connections) == 1)
        for one in sink.connections:
            texts = sent([frame.text for frame in one.frames])
            self.assertEqual(texts, sorted(set(texts)))
        self.assertEqual(sink.losses(), [])
        missing = set(self.lines) - set(sink.texts())
        if not fault.lies:
            self.assertEqual(missing, set())
        behind = max(sink.connections, key=lambda one: one.number)
        self.assertEqual(behind.frames[-1].text, self.lines[-1])


def add_cells(which):
    for scheme, name, fault in cells():
        if which == "some" and (scheme, name) not in SOME:
            continue

        def test(self, scheme=scheme, fault=fault):
            self.check(scheme, fault)
        setattr(Faults, "test_over_%s_one_that_%s" % (scheme, name), test)


if __name__ == "__main__":
    WHICH = sys.argv.pop(1)
    if WHICH == "some":
        SECONDS, Faults.LINES = 0.5, 1000
    add_cells(WHICH)
    unittest.main()
