#!/usr/bin/env python3
"""Receivers as they are in the world take a drain: each line once, in order and
in its parts; and they are told of each line that they will never get."""
import datetime
import re
import signal
import time
import unittest
from random import Random

import programs
import receivers
from logplexd import DaemonTest, frames

LINES = 10000
BODY_LINES = 1000
UP_LINES = 160      # fewer than the small ring has room for
DOWN_LINES = 6000   # many more
RESTARTS = 40
NO_SCHEME = "nothing is sent over this scheme yet"
DRAIN_FLAGS = ("--drain-linger", "20ms", "--drain-backoff-max", "500ms")
SMALL_RING = ("--channel-max", "64KiB", "--history-lines", "10")
SOURCES = ("app", "router", "postgres")


def short(record):
    text = repr(record)
    return text if len(text) < 400 else "%s...%s (%d)" % (
        text[:200], text[-150:], len(text))


class Receives(DaemonTest):
    RECEIVER = None
    IS_TLS = False

    def setUp(self):
        """Each test starts a daemon with flags of its own."""

    def begin(self, *flags):
        self.sink = self.RECEIVER(self, self.IS_TLS)
        if self.IS_TLS:
            flags += ("--drain-ca", self.sink.pair.cert)
        self.FLAGS = DRAIN_FLAGS + flags
        self.start()
        self.tokens = self.make_channel("demo", *SOURCES)
        self.skip_what_is_not_sent_yet()

    def make_drain(self, channel, url):
        answer = self.ask_json("POST", "/v3/channels/%s/drains" % channel,
                               {"url": url})
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    def skip_what_is_not_sent_yet(self):
        """Asks with a drain to where nobody is: either it fails to reach it, or
        the daemon has no such drains."""
        if not self.sink.url().startswith("syslog+tls:"):
            return
        token = self.make_channel("probe", "app")["app"]
        drain = self.make_drain("probe", self.sink.url())
        self.post(token, [b"<134>1 - - app web.1 - - probe"])
        told = re.compile(r"event=drain_fail(?:ed|ing) drain=%d .*" %
                          drain["id"])
        programs.wait_until(lambda: told.search("".join(self.daemon.log)), 20,
                            "a drain to fail")
        if NO_SCHEME in told.search("".join(self.daemon.log))[0]:
            self.skipTest("the daemon has no syslog+tls drains yet: \"%s\"" %
                          NO_SCHEME)
        self.assertEqual(self.ask(
            "DELETE", "/v3/channels/probe/drains/%d" % drain["id"]).status, 204)

    # Sending

    def lines(self, count, first=0, is_long_too=False):
        lines = receivers.mixed(count, SOURCES, is_long_too, first)
        if self.RECEIVER is receivers.Logfmt:
            lines = [one._replace(message=one.message + b" .\n")
                     for one in lines]
        return lines

    def send(self, lines):
        """By one who may send to any channel, so that tokens can alternate."""
        for at in range(0, len(lines), BODY_LINES):
            body = frames([b"<%d>1 %s h %s %s - - %s" % (
                one.pri, receivers.micros(one).encode(),
                self.tokens[one.source].encode(), one.procid.encode(),
                one.message) for one in lines[at:at + BODY_LINES]])
            answer = self.ask("POST", "/logs", [
                ("Content-Type", "application/logplex-1")], body)
            self.assertEqual(answer.status, 204, answer)

    # What came

    def wait_for(self, count, limit_s=60):
        programs.wait_until(
            lambda: self.sink.count() >= count, limit_s,
            lambda: "%d lines: there are %d; %r; %r" % (
                count, self.sink.count(), self.sink.said(),
                "".join(self.daemon.log)[-1000:]))
        time.sleep(0.3)  # for those that would come twice

    def wait_for_the_last(self, lines, limit_s=60):
        want = self.sink.make(lines[-1], self.drain["token"])[-1]
        programs.wait_until(
            lambda: self.sink.records()[-1:] == [want], limit_s,
            lambda: "the last line: it is %s, %r" % (
                short(self.sink.records()[-1:]), self.sink.said()))
        time.sleep(0.3)

    def lost(self, record):
        """How many lines a notice is about; 0: it is none."""
        notice = self.sink.notice(record, self.drain["token"])
        if not notice:
            return 0
        self.assert_now(notice.time)
        self.assert_now(notice.since)
        return notice.lost

    def assert_now(self, stamp):
        at = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        self.assertGreaterEqual(at.timestamp(), int(self.began))
        self.assertLessEqual(at.timestamp(), time.time())

    def assert_received(self, lines):
        """Each is there, or a notice in its place says that it is not. The sum
        that those told."""
        token = self.drain["token"]
        at = lost = 0
        wanted = []
        for record in self.sink.records():
            some = 0 if wanted else self.lost(record)
            if some:
                lost += some
                at += some
                continue
            if not wanted:
                self.assertLess(at, len(lines), "too many: " + short(record))
                wanted = self.sink.make(lines[at], token)
                at += 1
            want = wanted.pop(0)
            if record != want:
                self.fail("line %d: %s instead of %s" % (
                    at - 1, short(record), short(want)))
        self.assertEqual((at, wanted), (len(lines), []))
        return lost

    def assert_requests(self, may_repeat=False):
        """What an HTTP drain says of its bodies."""
        if not isinstance(self.sink, receivers.Parser):
            return
        bodies = self.sink.bodies()
        if not may_repeat:
            self.assertEqual(bodies, self.sink.all_bodies())
        self.assertEqual({(body["type"], body["drain"]) for body in bodies},
                         {("application/logplex-1", self.drain["token"])})
        for body in bodies:
            self.assertRegex(body["frame"], r"\A[0-9A-F]{32}\Z")
            if self.RECEIVER is receivers.Logfmt:
                continue
            self.assertEqual(body["count"], len(body["parsed"]))
            told = [self.lost(tuple(record)) for record in body["parsed"]]
            self.assertEqual((told[0], any(told[1:])), (body["lost"], False))

    def start_drain(self, *flags):
        """The sink is up, and has the first of all lines."""
        self.begin(*flags)
        self.began = time.time()
        self.sink.start()
        self.drain = self.make_drain("demo", self.sink.url())
        # It begins some time after this answer, and until then a ring keeps for
        # it no more than its history.
        lines = self.lines(1)
        self.send(lines)
        self.wait_for_the_last(lines)

    def test_ten_thousand_lines(self):
        self.start_drain()
        lines = self.lines(LINES, is_long_too=True)
        self.send(lines[1:])
        self.wait_for(LINES)
        self.assertEqual(self.assert_received(lines), 0)
        self.assert_requests()

    def test_what_it_misses_is_told(self):
        self.start_drain(*SMALL_RING)
        lines = self.lines(UP_LINES)
        self.send(lines[1:])
        self.wait_for_the_last(lines)
        self.sink.stop()
        lines += self.lines(DOWN_LINES, UP_LINES)
        self.send(lines[UP_LINES:])
        self.sink.start()
        self.wait_for_the_last(lines)
        lines += self.lines(UP_LINES, UP_LINES + DOWN_LINES)
        self.send(lines[-UP_LINES:])
        self.wait_for_the_last(lines)
        lost = self.assert_received(lines)
        self.assertGreater(lost, DOWN_LINES // 2)
        self.assert_requests()


class ReceivesAndHangs(Receives):
    def assert_each_once(self, lines):
        """What came before a new connection may still be unread when there are
        lines on that one: over syslog the order is that of a connection."""
        if isinstance(self.sink, receivers.Parser):
            self.assertEqual(self.assert_received(lines), 0)
            return
        want = [record for line in lines
                for record in self.sink.make(line, self.drain["token"])]
        self.assertEqual(len(self.sink.records()), len(want))
        missing = set(want) - set(self.sink.records())
        self.assertFalse(missing, [short(one) for one in missing][:3])

    def test_one_that_hangs_for_a_while(self):
        self.start_drain("--drain-timeout", "500ms")
        lines = self.lines(LINES, is_long_too=True)
        self.sink.signal(signal.SIGSTOP)
        self.send(lines[1:])
        programs.wait_until(
            lambda: "event=drain_failing" in "".join(self.daemon.log), 20,
            "the drain to fail")
        self.sink.signal(signal.SIGCONT)
        self.wait_for(LINES)
        self.assert_each_once(lines)
        self.assert_requests(may_repeat=True)


class ReceivesAndRestarts(ReceivesAndHangs):
    def test_one_that_restarts_again_and_again(self):
        self.start_drain(*SMALL_RING)
        lines = self.lines(LINES)
        random = Random(RESTARTS)
        for at in range(1, LINES, LINES // RESTARTS):
            if self.sink.running:
                self.sink.stop()
            else:
                self.sink.start()
            self.send(lines[at:at + LINES // RESTARTS])
            time.sleep(random.random() * 0.1)
        if not self.sink.running:
            self.sink.start()
        self.wait_for_the_last(lines)
        self.assertGreater(self.assert_received(lines), 0)
        self.assert_requests(may_repeat=True)


class RsyslogOverTcp(ReceivesAndHangs):
    RECEIVER = receivers.Rsyslog


class RsyslogOverTls(RsyslogOverTcp):
    IS_TLS = True


class SyslogNgOverTcp(ReceivesAndHangs):
    RECEIVER = receivers.SyslogNg


class SyslogNgOverTls(SyslogNgOverTcp):
    IS_TLS = True


class GlossyOverHttp(ReceivesAndRestarts):
    RECEIVER = receivers.Glossy


class GlossyOverHttps(ReceivesAndHangs):
    RECEIVER = receivers.Glossy
    IS_TLS = True


class NsyslogParserOverHttp(Receives):
    RECEIVER = receivers.Nsyslog


class LogfmtOverHttp(Receives):
    RECEIVER = receivers.Logfmt

    def test_lines_without_a_line_end_are_one_to_it(self):
        """An HTTP drain has each message as it was sent. What is not seen here
        is not lost: the header counts it."""
        self.start_drain()
        lines = [one._replace(message=b"n=%d" % one.number)
                 for one in self.lines(UP_LINES, 1)]
        self.send(lines)
        self.wait_for(1 + UP_LINES)
        self.assertEqual(self.sink.count(), 1 + UP_LINES)
        self.assertEqual(len(self.sink.records()), len(self.sink.bodies()))
        self.assertEqual(self.sink.records()[-1]["n"], str(UP_LINES))


# Of which there is nothing to run by themselves.
del Receives, ReceivesAndHangs, ReceivesAndRestarts

if __name__ == "__main__":
    unittest.main(verbosity=2)
