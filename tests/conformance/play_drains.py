#!/usr/bin/env python3
"""Plays drains.txt, whose top says how, and what is too long for it.

    play_drains.py LOGPLEXD [-k NAME]
"""
import os
import re
import select
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "support"))
from draining import IMPATIENT, DrainTest  # noqa: E402
from logplexd import PATIENCE_S, frames, line, main  # noqa: E402

ROOT = os.path.join(HERE, os.pardir, os.pardir)
SILENCE_S = 0.4  # four times as long as a line lingers
HEAD = ("POST %s HTTP/1.1\r\n"
        "Host: %s:{port}\r\n"
        "%s"
        "Content-Type: application/logplex-1\r\n"
        "Logplex-Msg-Count: %s\r\n"
        "Logplex-Frame-Id: {frame}\r\n"
        "%s"
        "Logplex-Drain-Token: {drain}\r\n"
        "User-Agent: Logplex/{version}\r\n"
        "Content-Length: %s\r\n\r\n")
OK = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
# Of a known length, so that nothing has to be understood to read it.
VARYING = {"frame": (32, rb"([0-9A-F]{32})"),
           "time": (25, rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")}


def read_cases(path):
    """Pairs of a name and its steps, which are pairs of a key and a value."""
    cases = []
    with open(path, encoding="utf-8") as file:
        for text in file:
            text = text.rstrip("\r\n")
            if text.startswith("## "):
                cases.append((text[3:], []))
            elif cases and text.startswith("    "):
                key, _, value = text[4:].partition(": ")
                cases[-1][1].append((key, value))
    return cases


def unescaped(text):
    return re.sub(r"\\(?:x([0-9a-f]{2})|([nr]))", lambda found:
                  chr(int(found[1], 16)) if found[1] else
                  {"n": "\n", "r": "\r"}[found[2]], text).encode("latin-1")


class Peer:
    """A bare socket that drains connect to."""

    def __init__(self):
        self.keeper = self.bound(0)
        self.port = self.keeper.getsockname()[1]
        self.connection = None
        self.listener = None
        self.returns()

    @staticmethod
    def bound(port):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.settimeout(PATIENCE_S)
        return sock

    def leaves(self):
        self.listener.close()
        self.listener = None

    def returns(self):
        self.listener = self.bound(self.port)
        self.listener.listen()

    def connects(self):
        self.hangs_up()
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(PATIENCE_S)

    def hangs_up(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def read(self, size):
        data = b""
        while len(data) < size:
            some = self.connection.recv(size - len(data))
            if not some:
                break
            data += some
        return data

    def is_silent(self):
        watched = [one for one in (self.connection, self.listener) if one]
        return select.select(watched, [], [], SILENCE_S)[0] == []

    def close(self):
        self.hangs_up()
        if self.listener:
            self.listener.close()
        self.keeper.close()


class Played(DrainTest):
    FLAGS = [*IMPATIENT, "--workers", "1"]

    def play(self, steps):
        self.peer = Peer()
        self.addCleanup(self.peer.close)
        self.wanted = ""
        self.posted = []
        self.frame = None
        self.number = None
        self.known = {"port": str(self.peer.port), "token": self.token,
                      "version": self.version()}
        for n, (key, value) in enumerate(steps):
            if key not in ("request", "again", "gets"):
                self.read_wanted()
            if key not in ("post", "and"):
                self.send_posted()
            self.step = "step %d, %s: %s" % (n + 1, key, value)
            getattr(self, "do_" + key.replace("-", "_"))(value)
        self.read_wanted()

    def version(self):
        return re.search(r"event=ready .*version=(\S+)",
                         "".join(self.daemon.log))[1]

    def filled(self, text):
        for name, value in self.known.items():
            text = text.replace("{%s}" % name, value)
        return text

    # What is put together until something else comes.

    def do_post(self, value):
        self.send_posted()
        self.do_and(value)

    def do_and(self, value):
        self.posted.append(unescaped(self.filled(value)))

    def send_posted(self):
        posted, self.posted = self.posted, []
        if posted:
            self.assertEqual(self.post(self.token, posted).status, 204)

    def head(self, value):
        target, lines, size, authorization = (value + "  ").split(" ", 3)
        authorization = authorization.strip()
        return HEAD % (target, self.host, "Authorization: %s\r\n" %
                       authorization if authorization else "", lines, "{loss}",
                       size)

    def do_request(self, value):
        self.wanted = self.head(value)
        self.frame = None

    def do_again(self, value):
        self.wanted = self.head(value).replace("{frame}", self.frame)

    def do_gets(self, value):
        lost = re.search(r"(\d+) messages dropped", value)
        told = "Logplex-Loss-Count: %s\r\n" % lost[1] if lost else ""
        self.wanted = self.wanted.replace("{loss}", told) + \
            unescaped(value).decode("latin-1")

    def read_wanted(self):
        """As many bytes as there are to be, which are the same."""
        wanted, self.wanted = self.filled(self.wanted), ""
        if not wanted:
            return
        size, pattern = 0, b""
        for part in re.split(r"(\{\w+\})", wanted):
            if part[1:-1] in VARYING and part.startswith("{"):
                some, form = VARYING[part[1:-1]]
                size += some
                pattern += form
            else:
                size += len(part)
                pattern += re.escape(part.encode("latin-1"))
        came = self.peer.read(size)
        found = re.fullmatch(pattern, came, re.S)
        if not found:
            self.assertEqual(came, wanted.encode("latin-1"), self.step)
        self.frame = found[1].decode() if found.groups() else self.frame

    # What is done at once.

    def do_drain(self, value):
        self.host = "localhost" if "//localhost" in value else "127.0.0.1"
        answer = self.ask_json("POST", "/v3/channels/demo/drains",
                               {"url": self.filled(value)}).json()
        self.number = answer["id"]
        self.known["drain"] = answer["token"]

    def do_moves(self, value):
        self.redirect(self.number, self.filled(value))

    def do_deletes(self, _):
        self.delete(self.number)

    def do_connects(self, _):
        self.peer.connects()

    def do_says(self, value):
        self.peer.connection.sendall(unescaped(value))

    def do_ok(self, _):
        self.peer.connection.sendall(OK)

    def do_hangs_up(self, _):
        self.peer.hangs_up()

    def do_closes(self, _):
        self.assertEqual(self.peer.read(1), b"", self.step)

    def do_silent(self, _):
        self.assertTrue(self.peer.is_silent(), self.step)

    def do_leaves(self, _):
        self.peer.leaves()

    def do_returns(self, _):
        self.peer.returns()

    def do_differs(self, value):
        with open(os.path.join(ROOT, "docs", "compatibility.md"),
                  encoding="utf-8") as file:
            self.assertTrue("\n| %s |" % value in file.read(), self.step)


def add_cases():
    for n, (name, steps) in enumerate(read_cases(
            os.path.join(HERE, "drains.txt"))):
        def test(self, steps=steps):
            self.play(steps)
        words = re.sub(r"\W+", "_", name)
        setattr(Played, "test_%02d_%s" % (n, words), test)


add_cases()


class Many(DrainTest):
    def setUp(self):
        super().setUp()
        self.peer = Peer()
        self.addCleanup(self.peer.close)

    def numbered(self, count, rest=""):
        return [line("L%04d%s" % (n, rest)) for n in range(count)]

    def make(self, scheme):
        url = "%s://127.0.0.1:%d" % (scheme, self.peer.port)
        return self.ask_json("POST", "/v3/channels/demo/drains",
                             {"url": url}).json()["token"]

    def as_sent(self, lines, drain=None):
        """By a drain over HTTP, or with a token over syslog."""
        sent = []
        for one in lines:
            pri, at, _, app, procid, _, _, msg = one.split(b" ", 7)
            sent.append(b" ".join([pri, at, (drain or "host").encode(), app,
                                   procid, b"-", *([b"-"] if drain else []),
                                   msg]) + (b"\n" if drain else b""))
        return frames(sent)

    def read_request(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.peer.read(1)
        size = int(re.search(rb"Content-Length: (\d+)", head)[1])
        count = int(re.search(rb"Logplex-Msg-Count: (\d+)", head)[1])
        body = self.peer.read(size)
        self.peer.connection.sendall(OK)
        return count, body


class Bursts(Many):
    """In which the original batches: 09.7, 09.8, 11.4, 11.5."""
    FLAGS = [*IMPATIENT, "--workers", "1", "--drain-batch", "100KiB"]

    def test_batches_of_http_are_the_originals_when_as_large(self):
        lines = self.numbered(500, " " + "w" * 890)
        one = len(self.as_sent(lines[:1]))
        self.make("http")
        self.post(self.token, lines)
        self.peer.connects()
        got = [self.read_request() for _ in range(5)]
        fits = 100 * 1024 // one
        self.assertEqual([count for count, _ in got],
                         [fits] * 4 + [500 - 4 * fits])
        self.assertEqual(b"".join(body for _, body in got),
                         self.as_sent(lines))

    def test_three_thousand_lines_at_once_are_no_overflow(self):
        lines = self.numbered(3000)
        self.make("http")
        self.post(self.token, lines)
        self.peer.connects()
        body, count = b"", 0
        while count < 3000:
            some, data = self.read_request()
            count += some
            body += data
        self.assertEqual(body, self.as_sent(lines))

    def test_three_thousand_lines_are_a_stream_over_syslog(self):
        lines = self.numbered(3000, " " + "w" * 60)
        drain = self.make("syslog")
        self.post(self.token, lines)
        self.peer.connects()
        wanted = self.as_sent(lines, drain)
        self.assertEqual(self.peer.read(len(wanted)), wanted)


class Overflow(Many):
    """As in 11.8."""
    FLAGS = [*IMPATIENT, "--workers", "1", "--channel-max", "64KiB",
             "--history-lines", "1"]
    NOTICE = rb"<172>1 %s %s heroku logplex -%s Error L10 \(output buffer " \
        rb"overflow\): (\d+) messages dropped since %s\.\n"

    def check(self, scheme):
        lines = self.numbered(4000)
        self.peer.leaves()
        drain = self.make(scheme)
        self.post(self.token, lines)
        self.peer.returns()
        self.peer.connects()
        token = drain if scheme == "syslog" else None
        last = self.as_sent(lines[-1:], token)
        stream = b""
        while not stream.endswith(last):
            stream += self.peer.read(1) if token else self.read_request()[1]
        size, rest = stream.split(b" ", 1)
        notice, rest = rest[:int(size)], rest[int(size):]
        time = VARYING["time"][1]
        found = re.fullmatch(self.NOTICE % (
            time, (token or "host").encode(), b" -" if token else b"", time),
            notice)
        self.assertTrue(found, notice)
        self.assertEqual(rest, self.as_sent(lines[int(found[1]):], token))

    def test_what_http_has_lost_is_told_in_front(self):
        self.check("http")

    def test_what_syslog_has_lost_is_told_in_front(self):
        self.check("syslog")


if __name__ == "__main__":
    main()
