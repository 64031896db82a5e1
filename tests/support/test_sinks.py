#!/usr/bin/env python3
"""Sinks do what they are told and see what is wrong: bare sockets play the
drain."""
import errno
import gzip
import os
import socket
import ssl
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import behaviours
import certificates
from behaviours import (answers, answers_500_for, by_connection, closes_after,
                        for_seconds, good, in_turn, reads_nothing, reads_slowly,
                        resets_after)
from deliveries import Malformed
from sinks import HOST, HttpSink, SyslogSink

SHORT_S = 0.05
LIMIT_S = 20
FIRST, SECOND = "A" * 32, "B" * 32
TOKEN = "d.01234567-89ab-cdef-0123-456789abcdef"
STAMP = "2026-11-21T00:00:00+00:00"


def counted(content):
    content = content.encode()
    return b"%d %s" % (len(content), content)


def http_line(msg, pri=134, who="app web.1"):
    return counted("<%d>1 %s host %s - %s" % (pri, STAMP, who, msg))


def syslog_line(msg, pri=134, who="app web.1"):
    return counted("<%d>1 %s %s %s - - %s\n" % (pri, STAMP, TOKEN, who, msg))


def notice(lost, make=http_line, noun="messages"):
    return make("Error L10 (output buffer overflow): %d %s dropped since %s." %
                (lost, noun, STAMP), 172, "heroku logplex")


def request(lines, frame_id=FIRST, **changes):
    """As a drain says it; changes are other values of headers."""
    headers = {"Host": "sink.test", "Content-Type": "application/logplex-1",
               "Content-Encoding": None, "Logplex-Msg-Count": len(lines),
               "Logplex-Frame-Id": frame_id,
               "Logplex-Loss-Count": None, "Logplex-Drain-Token": TOKEN,
               "User-Agent": "Logplex/test",
               "Content-Length": len(b"".join(lines))}
    headers.update((name.replace("_", "-"), value)
                   for name, value in changes.items())
    text = "".join("%s: %s\r\n" % one for one in headers.items()
                   if one[1] is not None)
    return b"POST /in?a=b HTTP/1.1\r\n%s\r\n%s" % (text.encode(),
                                                 b"".join(lines))


ONE = request([http_line("one\n")])
TWO = request([http_line("two\n")], SECOND)


class SinkTest(unittest.TestCase):
    sink_type = HttpSink

    def start(self, behaviour=None, **options):
        self.sink = self.sink_type(behaviour, **options)
        self.addCleanup(self.sink.end)
        return self.sink

    def connect(self, timeout=LIMIT_S):
        peer = socket.create_connection((HOST, self.sink.port), timeout)
        self.addCleanup(peer.close)
        return peer

    def rest(self, peer):
        """What comes until the end; a reset is told."""
        got = b""
        try:
            while True:
                more = peer.recv(65536)
                if not more:
                    return got
                got += more
        except ConnectionResetError:
            return got + b"<reset>"

    def answer(self, peer, raw, until=b"\r\n\r\n"):
        peer.sendall(raw)
        got = b""
        while not got.endswith(until):
            more = peer.recv(65536)
            self.assertNotEqual(more, b"", got)
            got += more
        return got

    def is_quiet(self, peer):
        peer.settimeout(SHORT_S)
        with self.assertRaises(TimeoutError):
            peer.recv(1)
        peer.settimeout(LIMIT_S)

    def blames(self, raw, says):
        """The next one who waits is told, and so is who closes."""
        with self.connect() as peer:
            peer.sendall(raw)
            self.rest(peer)
        with self.assertRaisesRegex(Malformed, says):
            self.sink.wait_for(lines=1000, within_s=LIMIT_S)
        with self.assertRaises(Malformed):
            self.sink.check()
        self.sink.faults.clear()


def gzipped(lines, packed=None, **changes):
    packed = gzip.compress(b"".join(lines)) if packed is None else packed
    head = request(lines, Content_Encoding="gzip", Content_Length=len(packed),
                   **changes).partition(b"\r\n\r\n")[0]
    return head + b"\r\n\r\n" + packed


class WhatCame(SinkTest):
    def test_a_body_is_kept_as_it_came_and_read_without_its_encoding(self):
        sink = self.start()
        lines = [notice(7), http_line("a b\nc")]
        raw = gzipped(lines)
        self.answer(self.connect(), raw)
        sink.wait_for_account(8)
        one, = sink.requests
        self.assertEqual((one.raw + one.body, one.content),
                         (raw, b"".join(lines)))
        sink.close()

    def test_a_request_is_kept_as_it_came(self):
        sink = self.start()
        lines = [notice(7), http_line("a b\nc"), http_line("", 0)]
        raw = request(lines, Logplex_Loss_Count=7)
        before = time.monotonic()
        self.assertEqual(self.answer(self.connect(), raw),
                         b"HTTP/1.1 204 No Content\r\n\r\n")
        sink.wait_for(lines=2)
        one, = sink.requests
        self.assertEqual(one.raw + one.body, raw)
        self.assertEqual(one.headers[0], ("Host", "sink.test"))
        self.assertEqual((one.target, one.token, one.connection, one.status),
                         ("/in?a=b", TOKEN, 1, 204))
        self.assertTrue(before <= one.at <= time.monotonic())
        self.assertEqual(one.frames[1], (134, STAMP, "host", "app", "web.1",
                                         "-", b"a b\nc"))
        self.assertEqual(sink.texts(), ["a b\nc", ""])
        self.assertEqual(sink.losses(), [7])
        sink.wait_for_account(9)
        sink.close()

    def test_each_cut_of_a_request_is_the_same(self):
        sink = self.start()
        peer = self.connect()
        for byte in ONE[:-1]:
            peer.sendall(bytes([byte]))
        self.assertEqual(sink.requests, [])
        self.answer(peer, ONE[-1:])
        self.answer(peer, TWO)
        self.assertEqual(sink.texts(), ["one", "two"])
        self.assertEqual(sink.frame_ids(), [FIRST, SECOND])
        self.assertEqual(len(sink.connections), 1)
        sink.close()

    def test_what_comes_again_is_there_twice_and_once(self):
        sink = self.start(in_turn(answers(500), answers(200), good()))
        for raw in (ONE, ONE, TWO, ONE):
            self.answer(self.connect(), raw)
        self.assertEqual(sink.statuses(), [500, 200, 204, 204])
        self.assertEqual(sink.texts(sink.requests),
                         ["one", "one", "two", "one"])
        self.assertEqual(sink.texts(), ["one", "two", "one"])
        self.assertEqual(sink.texts(sink.distinct), ["one", "two"])
        self.assertIs(sink.distinct[0], sink.requests[1])
        sink.close()

    def test_who_waits_in_vain_is_told_what_came(self):
        sink = self.start()
        self.answer(self.connect(), ONE)
        with self.assertRaisesRegex(TimeoutError, "no 2 lines; 1 lines"):
            sink.wait_for(lines=2, within_s=SHORT_S)
        sink.close()

    def test_part_of_a_request_is_no_request(self):
        sink = self.start()
        with self.connect() as peer:
            peer.sendall(ONE[:-3])
        sink.wait_until(lambda: sink.connections and sink.connections[0].ended)
        self.assertEqual((sink.requests, bytes(sink.connections[0].part)),
                         ([], ONE[:-3]))
        sink.close()

    def test_what_is_wrong_with_a_request_is_found(self):
        self.start()
        line = http_line("one\n")
        packed = gzip.compress(line)
        for raw, says in (
                (request([line], Logplex_Msg_Count=2), "there are 1"),
                (request([line], Logplex_Msg_Count="01"), "Msg-Count: 01"),
                (request([line], Logplex_Loss_Count=1), "notice says 0"),
                (request([notice(2), line], Logplex_Loss_Count=1), "says 2"),
                (request([line, notice(2)]), "not in front"),
                (request([notice(2, noun="lines"), line]), "no notice says"),
                (request([b"9" + line[1:]]), "does not add up"),
                (request([line, b"1"]), "does not add up"),
                (request([b"x" + line]), "no octet count"),
                (request([b"0" + line]), "no octet count"),
                (request([line[:2] + b"\n" + line[3:]]), "no octet count"),
                (request([counted("<134>1 T host app web.1 -")]), "no line"),
                (request([counted("<134>1 T host app web.1 m x")]), "no line"),
                (request([counted("<034>1 T host app web.1 - x")]), "no line"),
                (request([counted("<134>2 T host app web.1 - x")]), "no line"),
                (request([http_line("x", 256)]), "PRI of 256"),
                (request([counted("<1>1 T h app web.1 - x")]), "a host of"),
                (request([]), "without lines"),
                (request([line], "a" * 32), "a frame id"),
                (request([line], Content_Type="text/plain"), "text/plain"),
                (request([line], Logplex_Drain_Token=None), "the headers are"),
                (request([line], Accept="*/*"), "the headers are"),
                (request([line], Host=None, Host_=""), "no header"),
                (ONE.replace(b"POST", b"PUT"), "it says"),
                (ONE.replace(b"HTTP/1.1", b"HTTP/1.0"), "it says"),
                (ONE.replace(b"\r\nUser", b"\nUser"), "bare CR or LF"),
                (ONE.replace(b"Host: ", b"Host:"), "no header"),
                (ONE.replace(b"Host: ", b"host: "), "the headers are"),
                (b"x" * 20000, "a head without an end"),
                (ONE + TWO, "does not wait"),
                (gzipped([line], b"what is it"), "no gzip"),
                (gzipped([line], packed[:-1]), "no one member"),
                (gzipped([line], packed * 2), "no one member"),
                (request([line], Content_Encoding="zstd"), "no zstd"),
                (request([line], Content_Encoding="br"), "an encoding of br")):
            with self.subTest(says, raw=raw[:400]):
                self.blames(raw, says)

    def test_another_body_under_the_same_frame_id_is_found(self):
        sink = self.start(answers(500))
        self.answer(self.connect(), ONE)
        self.blames(request([http_line("two\n")], FIRST), "two bodies")
        self.assertEqual(sink.distinct, [])

    def test_what_was_wrong_is_raised_at_the_end_unless_something_else_is(self):
        for error in (Malformed, KeyError):
            with self.assertRaises(error), self.start() as sink:
                with self.connect() as peer:
                    peer.sendall(b"x" * 20000)
                    self.rest(peer)
                if error is KeyError:
                    raise KeyError
            self.assertEqual(len(sink.faults), 1)


def plain(first, *headers, body=b""):
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + first, *headers, length, b"", body])


class Answers(SinkTest):
    def test_each_answer_is_said_as_it_should_be(self):
        for behaviour, says in (
                (good(), b"HTTP/1.1 204 No Content\r\n\r\n"),
                (answers(500, body=b"x"),
                 plain(b"500 Internal Server Error", body=b"x")),
                (behaviours.answers_404(), plain(b"404 Not Found")),
                (behaviours.answers_429(3),
                 plain(b"429 Too Many Requests", b"Retry-After: 3")),
                (behaviours.answers_in_chunks(body=b"abc"),
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
                (behaviours.answers_much(),
                 plain(b"200 OK", body=b"x" * 102400)),
                (behaviours.answers_without_a_reason(), plain(b"204")),
                (behaviours.answers_in_between(200),
                 b"HTTP/1.1 100 Continue\r\n\r\n"
                 b"HTTP/1.1 103 Early Hints\r\n\r\n" + plain(b"200 OK")),
                (behaviours.says(b"220 smtp\r\n"), b"220 smtp\r\n")):
            with self.subTest(says[:80]):
                sink = self.start(behaviour)
                peer = self.connect()
                for raw in (ONE, TWO):  # the connection stays
                    peer.sendall(raw)
                    self.assertEqual(self.exactly(peer, len(says)), says)
                self.is_quiet(peer)
                self.assertEqual(len(sink.requests), 2)
                sink.close()

    def exactly(self, peer, size):
        got = b""
        while len(got) < size:
            more = peer.recv(size - len(got))
            self.assertNotEqual(more, b"", got)
            got += more
        return got

    def test_who_ends_the_connection_does_so_behind_each_answer(self):
        for behaviour, says in (
                (behaviours.answers_and_closes(), b": close\r\n"),
                (behaviours.closes_silently(), b"Content-Length: 0\r\n\r\n"),
                (behaviours.answers_until_the_end(), b"\r\n\r\nit is kept")):
            with self.subTest(says):
                sink = self.start(behaviour)
                for raw in (ONE, TWO):
                    peer = self.connect()
                    peer.sendall(raw)
                    self.assertIn(says, self.rest(peer))
                self.assertEqual(sink.texts(), ["one", "two"])
                sink.close()

    def test_a_request_without_an_answer_has_an_open_fate(self):
        for with_reset, says in ((False, b""), (True, b"<reset>")):
            sink = self.start(in_turn(behaviours.hangs_up(200, with_reset),
                                      good()))
            peer = self.connect()
            peer.sendall(ONE)
            self.assertEqual(self.rest(peer), says)
            self.answer(self.connect(), ONE)
            sink.wait_until(lambda: sink.requests[1].is_answered)
            self.assertEqual([one.is_answered for one in sink.requests],
                             [False, True])
            self.assertEqual(sink.texts(), ["one", "one"])
            self.assertEqual(sink.texts(sink.distinct), ["one"])
            sink.close()

    def test_a_sink_that_forgets_has_promised(self):
        sink = self.start(behaviours.forgets())
        self.assertIn(b"200 OK", self.answer(self.connect(), ONE))
        self.assertEqual((len(sink.requests), sink.texts()), (1, []))
        sink.close()

    def test_a_silent_sink_takes_the_request_and_says_nothing(self):
        sink = self.start(behaviours.is_silent())
        peer = self.connect()
        peer.sendall(ONE)
        sink.wait_for_requests(1)
        self.is_quiet(peer)
        self.assertEqual(sink.statuses(), [None])
        sink.close()

    def test_an_early_answer_does_not_wait_for_the_body(self):
        sink = self.start(behaviours.answers_early())
        peer = self.connect()
        peer.sendall(request([http_line("x" * (4 << 20))]))
        self.assertEqual(self.rest(peer), plain(b"413 Content Too Large",
                                                b"Connection: close"))
        peer.close()
        sink.wait_until(lambda: sink.connections[0].ended)
        self.assertEqual(sink.requests, [])
        sink.close()

    def test_turns_are_for_requests_and_for_connections_without_any(self):
        sink = self.start(in_turn(*[answers(500 + at) for at in range(4)]))
        for count, raw in enumerate((ONE, b"", ONE, ONE[:-1]), 1):
            with self.connect() as peer:
                peer.sendall(raw)
                if raw == ONE:
                    self.answer(peer, b"")
            sink.wait_until(lambda: len(sink.connections) == count and
                            sink.connections[-1].ended)
        self.assertEqual(sink.statuses(), [500, 502])
        self.assertEqual(sink.behaviour.at, 4)
        sink.close()

    def test_a_late_answer_comes_late(self):
        sink = self.start(behaviours.answers_later(SHORT_S))
        before = time.monotonic()
        self.answer(self.connect(), ONE)
        self.assertGreater(time.monotonic() - before, SHORT_S)
        sink.close()

    def test_another_behaviour_holds_at_once_and_on_open_connections(self):
        sink = self.start(answers_500_for(SHORT_S))
        peer = self.connect()
        self.assertIn(b" 500 ", self.answer(peer, ONE))
        time.sleep(SHORT_S)
        self.assertIn(b" 204 ", self.answer(peer, ONE))
        sink.behaviour = answers(503)
        self.assertIn(b" 503 ", self.answer(peer, ONE))
        sink.close()

    def test_behaviours_are_put_together(self):
        sink = self.start(reads_slowly(400, 0.01) & answers(503))
        self.assertIn(b" 503 ", self.answer(self.connect(), ONE))
        sink.behaviour = by_connection(
            in_turn(answers(500), answers(501)),
            for_seconds(LIMIT_S, resets_after(10) & answers(502)))
        peer = self.connect()
        for status in (b" 500 ", b" 501 ", b" 501 "):
            self.assertIn(status, self.answer(peer, ONE))
        peer = self.connect()
        peer.sendall(ONE)
        self.assertEqual(self.rest(peer), b"<reset>")
        with self.assertRaises(TypeError):
            good() & in_turn(good())
        sink.close()


class Connections(SinkTest):
    def test_a_reset_comes_in_the_middle_of_the_body_and_takes_its_turn(self):
        sink = self.start(in_turn(resets_after(len(ONE) - 5), good()))
        peer = self.connect()
        peer.sendall(ONE)
        self.assertEqual(self.rest(peer), b"<reset>")
        self.answer(self.connect(), ONE)
        self.assertEqual(sink.texts(), ["one"])
        self.assertEqual(bytes(sink.connections[0].part), ONE[:-5])
        sink.close()

    def test_a_reset_may_come_behind_the_last_byte(self):
        for size, texts in ((len(ONE) - 1, []), (len(ONE), ["one"])):
            sink = self.start()
            peer = self.connect()
            sink.wait_for_connections(1)
            sink.behaviour = resets_after(size)  # on one that is open already
            peer.sendall(ONE)
            self.assertTrue(self.rest(peer).endswith(b"<reset>"))
            self.assertEqual(sink.texts(), texts)
            sink.close()

    def test_a_slow_sink_reads_bit_by_bit(self):
        sink = self.start(reads_slowly(1, 0.01))
        self.connect().sendall(ONE)
        sink.wait_until(lambda: sink.connections)
        sink.wait_until(lambda: sink.connections[0].received_bytes >= 5)
        self.assertLess(sink.connections[0].received_bytes, len(ONE))
        self.assertEqual(sink.requests, [])
        sink.close()

    def test_a_sink_that_reads_nothing_goes_on_when_it_is_told(self):
        sink = self.start(reads_nothing(), receive_buffer=4096)
        peer = self.connect(SHORT_S)
        big = request([http_line("x" * (16 << 20))])
        with self.assertRaises(TimeoutError):
            peer.sendall(big)
        self.assertEqual(sink.connections[0].received_bytes, 0)
        sink.behaviour = good()
        sink.wait_until(lambda: sink.connections[0].received_bytes > 0)
        peer.close()
        sink.close()

    def test_a_closed_port_refuses_until_it_is_opened_again(self):
        sink = self.start(is_paused=True)
        for _ in range(2):
            with self.assertRaises(ConnectionRefusedError):
                self.connect()
            sink.resume()
            self.answer(self.connect(), ONE)
            sink.pause()
        self.assertEqual(sink.texts(), ["one", "one"])
        sink.close()

    def test_open_connections_outlast_a_closed_port_unless_they_are_ended(self):
        sink = self.start()
        peer = self.connect()
        self.answer(peer, ONE)
        sink.pause()
        self.answer(peer, TWO)
        sink.hang_up(with_reset=True)
        self.assertEqual(self.rest(peer), b"<reset>")
        sink.resume()
        peer = self.connect()
        self.answer(peer, ONE)
        sink.hang_up()
        self.assertEqual(self.rest(peer), b"")
        self.assertEqual([one.ended for one in sink.connections],
                         ["hung up"] * 2)
        sink.close()

    def test_a_clogged_port_gives_no_answer_until_it_is_free(self):
        sink = self.start()
        sink.clog()
        with self.assertRaises(TimeoutError):
            self.connect(SHORT_S)
        sink.resume()
        self.answer(self.connect(), ONE)
        self.assertEqual(len(sink.connections), 1)
        sink.close()

    def test_the_end_ends_all_of_them_whatever_they_do(self):
        for behaviour in (reads_nothing(), reads_slowly(1, 3600),
                          behaviours.is_silent(), behaviours.stalls_handshake(),
                          behaviours.answers_later(3600),
                          answers(200, body=b"x" * (32 << 20))):
            sink = self.start(behaviour)
            peers = [self.connect() for _ in range(3)]
            for peer in peers:
                peer.sendall(ONE)
            sink.wait_for_connections(3)
            sink.close()
            self.assertFalse([one for one in sink.connections
                              if one.thread.is_alive() or
                              one.socket.fileno() != -1])
            with self.assertRaises(ConnectionRefusedError):
                self.connect()


class Syslog(SinkTest):
    sink_type = SyslogSink

    def sent(self, *lines):
        peer = self.connect()
        peer.sendall(b"".join(lines))
        return peer

    def test_frames_are_kept_as_they_came(self):
        sink = self.start()
        raw = [notice(3, syslog_line), syslog_line("a\nb"), syslog_line("")]
        peer = self.connect()
        for byte in b"".join(raw):
            peer.sendall(bytes([byte]))
        sink.wait_for(lines=2)
        self.sent(syslog_line("c"))
        sink.wait_for(lines=3)
        self.assertEqual(sink.texts(), ["a\nb", "", "c"])
        self.assertEqual(sink.losses(), [3])
        self.assertEqual(sink.tokens(), {TOKEN})
        self.assertEqual(sink.frames[1], (134, STAMP, TOKEN, "app", "web.1",
                                          "-", b"a\nb"))
        self.assertEqual([len(one.frames) for one in sink.connections], [3, 1])
        sink.close()

    def test_what_is_wrong_with_a_frame_is_found(self):
        self.start()
        for raw, says in (
                (b"x", "no octet count"),
                (b"1234567890", "no octet count"),
                (b"01 x", "no octet count"),
                (syslog_line("a") + b"\n", "no octet count"),
                (counted("<1>1 T %s app web.1 - - x" % TOKEN), "no line"),
                (counted("<1>1 T %s app web.1 - x\n" % TOKEN), "no line"),
                (http_line("one\n"), "no line"),
                (b"9" + syslog_line("a")[2:] * 2, "no line"),
                (notice(3, syslog_line, "lines"), "no notice says")):
            with self.subTest(says, raw=raw):
                self.blames(raw, says)

    def test_a_frame_that_is_cut_is_no_frame(self):
        sink = self.start()
        self.sent(syslog_line("a"), syslog_line("b")[:-4]).close()
        sink.wait_until(lambda: sink.connections and sink.connections[0].ended)
        self.assertEqual(sink.texts(), ["a"])
        self.assertEqual(sink.connections[0].part, syslog_line("b")[:-4])
        sink.close()

    def test_a_silent_or_slow_sink_does_not_take_it_all(self):
        for behaviour in (reads_nothing(), reads_slowly(10, 0.01)):
            sink = self.start(behaviour, receive_buffer=4096)
            peer = self.connect(SHORT_S)
            with self.assertRaises(TimeoutError):
                for _ in range(16):
                    peer.sendall(syslog_line("x" * (1 << 20)))
            self.assertEqual(sink.frames, [])
            sink.close()

    def test_a_reset_comes_behind_so_many_bytes(self):
        sink = self.start(by_connection(resets_after(
            len(syslog_line("a")) + 3), good()))
        peer = self.sent(syslog_line("a"), syslog_line("b"))
        self.assertEqual(self.rest(peer), b"<reset>")
        self.sent(syslog_line("b"))
        sink.wait_for(lines=2)
        self.assertEqual(sink.texts(), ["a", "b"])
        sink.close()

    def test_the_first_frame_may_be_the_last(self):
        sink = self.start(closes_after(frames=1))
        peer = self.sent(syslog_line("a"))
        self.assertEqual(self.rest(peer), b"")
        self.assertEqual(sink.texts(), ["a"])
        sink.close()

    def test_it_refuses_and_then_accepts(self):
        sink = self.start(is_paused=True)
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        sink.resume()
        self.sent(syslog_line("a"))
        sink.wait_for(lines=1)
        sink.close()


class Secure(SinkTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.authority = certificates.Authority(cls.folder.name)
        cls.good = cls.authority.sign("good")

    def secure(self, trusted=None):
        context = certificates.trusting(trusted or self.authority)
        peer = context.wrap_socket(self.connect(), server_hostname="localhost",
                                   suppress_ragged_eofs=False)
        self.addCleanup(peer.close)
        return peer

    def test_a_good_one_is_believed_and_told_all_inside_of_tls(self):
        sink = self.start(tls=self.good)
        self.assertRegex(sink.url("/a", "u:p"), r"\Ahttps://u:p@127.+\d/a\Z")
        peer = self.secure()
        for raw in (ONE, TWO):
            self.answer(peer, raw)
        sink.behaviour = behaviours.answers_until_the_end()
        self.assertIn(b"it is kept", self.answer(peer, ONE, b"kept"))
        self.assertEqual(peer.recv(1), b"")
        self.assertEqual(sink.texts(), ["one", "two", "one"])
        sink.close()

    def test_a_bad_one_is_not_believed_and_the_sink_knows(self):
        other = certificates.Authority(self.folder.name, "other")
        for pair, trusted, says in (
                (self.good, other, "unable to get local issuer"),
                (self.authority.sign("stranger",
                                     "subjectAltName=DNS:other.test"),
                 self.authority, "Hostname mismatch"),
                (self.authority.sign("stale", dates=certificates.YEAR_2020),
                 self.authority, "expired")):
            with self.subTest(says):
                sink = self.start(tls=pair)
                with self.assertRaisesRegex(ssl.SSLError, says):
                    self.secure(trusted)
                sink.wait_until(lambda: sink.connections[0].ended)
                self.assertRegex(sink.connections[0].ended, "SSL")
                sink.close()

    def test_a_handshake_stalls_until_it_may_go_on(self):
        sink = self.start(behaviours.stalls_handshake(), tls=self.good)
        peer = self.connect()
        peer.sendall(b"\x16\x03\x01")
        self.is_quiet(peer)
        peer.close()
        sink.wait_until(lambda: sink.connections[0].ended)
        sink.behaviour = for_seconds(SHORT_S, behaviours.stalls_handshake())
        before = time.monotonic()
        self.answer(self.secure(), ONE)
        self.assertGreater(time.monotonic() - before, SHORT_S)
        sink.close()

    def test_something_else_than_tls_breaks_the_handshake(self):
        self.start(behaviours.breaks_handshake(), tls=self.good)
        with self.assertRaises(ssl.SSLError):
            self.secure()
        self.sink.close()

    def test_a_reset_is_one_inside_of_tls_as_well(self):
        sink = self.start(resets_after(100), tls=self.good)
        peer = self.secure()
        peer.sendall(ONE)
        sink.wait_until(lambda: sink.connections[0].ended)
        # Read through TLS it would look like an end.
        self.assertEqual(peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
                         errno.ECONNRESET)
        sink.close()

    def test_syslog_is_read_inside_of_tls(self):
        self.sink_type = SyslogSink
        sink = self.start(tls=self.good)
        self.assertRegex(sink.url(), r"\Asyslog\+tls://127.0.0.1:\d+\Z")
        self.secure().sendall(syslog_line("a") + syslog_line("b"))
        sink.wait_for(lines=2)
        self.assertEqual(sink.texts(), ["a", "b"])
        sink.close()


if __name__ == "__main__":
    unittest.main()
