"""What a drain has sent, read without mercy: an HTTP request of one, the frames
in it, and what has to hold between them. Bytes in, objects out; what is not as
it has to be is Malformed.
"""
import collections
import re
import subprocess
import zlib

HEAD_MAX_BYTES = 16 * 1024
HEADERS = ("Host", "Content-MD5", "Authorization", "Content-Type",
           "Content-Encoding", "Logplex-Msg-Count", "Logplex-Frame-Id",
           "Logplex-Loss-Count", "Logplex-Drain-Token", "User-Agent",
           "Content-Length")
OPTIONAL = {"Content-MD5", "Authorization", "Content-Encoding",
            "Logplex-Loss-Count"}
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
NOTICE_PRI = 172
FIELD = rb"([^ \n]+)"
SHAPE = rb"<(0|[1-9][0-9]{0,2})>1 " + b" ".join([FIELD] * 4)
HTTP_SHAPE = re.compile(SHAPE + rb" (-) (.*)", re.S)
SYSLOG_SHAPE = re.compile(SHAPE + rb" (-) - (.*)\n", re.S)
MESSAGE = re.compile(rb"Error L10 \(output buffer overflow\): ([1-9][0-9]*) "
                     rb"messages dropped since "
                     rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\.\n?")


class Malformed(AssertionError):
    """A drain would have to be ashamed of it."""


def must(truth, what, *parts):
    if not truth:
        raise Malformed(what % parts)


class Frame(collections.namedtuple(
        "Frame", "pri time host app procid msgid msg")):
    """One line: pri is a number, msg is bytes, the others are text. msg is as
    it came, but for the LF that ends every line of a syslog drain."""

    @property
    def is_notice(self):
        return (self.app, self.procid) == ("heroku", "logplex") and \
            self.msg.startswith(b"Error L10 ")

    @property
    def lost(self):
        """The number in a notice, 0 in a line."""
        if not self.is_notice:
            return 0
        return int(MESSAGE.fullmatch(self.msg)[1])

    @property
    def text(self):
        """What it says, without its line end."""
        return self.msg.decode("utf-8", "surrogateescape").removesuffix("\n")


# Frames ---------------------------------------------------------------------

def read_frame(content, shape):
    found = shape.fullmatch(content)
    must(found, "no line of a drain: %.200r", content)
    pri, *words, msg = found.groups()
    must(int(pri) < 256, "a PRI of %s", pri.decode())
    frame = Frame(int(pri), *(one.decode("utf-8", "surrogateescape")
                              for one in words), msg)
    must(not frame.is_notice or (MESSAGE.fullmatch(msg) and
                                 frame.pri == NOTICE_PRI),
         "no notice says %r", frame)
    return frame


def cut_frame(data):
    """The content of the first frame, and its bytes in all; None when it is not
    there yet."""
    found = re.match(rb"([1-9][0-9]{0,8}) ", data)
    if not found:
        must(re.fullmatch(rb"([1-9][0-9]{0,8})?", data[:10]),
             "no octet count: %.80r", bytes(data[:80]))
        return None
    end = found.end() + int(found[1])
    return (bytes(data[found.end():end]), end) if len(data) >= end else None


def gunzip(body):
    """What is in one member, which fills the body to its last byte."""
    member = zlib.decompressobj(wbits=31)
    try:
        content = member.decompress(body)
    except zlib.error as error:
        raise Malformed("no gzip: %s: %.80r" % (error, body)) from error
    must(member.eof and not member.unused_data, "no one member: %.80r", body)
    return content


def unzstd(body):
    """By the command of that name, as Python has no such module."""
    done = subprocess.run(["zstd", "-d", "-c", "-q"], input=body,
                          capture_output=True, check=False)
    must(done.returncode == 0, "no zstd: %s: %.80r", done.stderr.decode(), body)
    return done.stdout


def without_encoding(body, encoding):
    must(encoding in (None, "gzip", "zstd"), "an encoding of %s", encoding)
    if encoding is None:
        return body
    return gunzip(body) if encoding == "gzip" else unzstd(body)


def read_body(body):
    """The frames of a body, which they fill to its last byte."""
    frames = []
    data = memoryview(body)
    while data:
        cut = cut_frame(data)
        must(cut, "the last octet count does not add up: %.80r of %d bytes",
             bytes(data[:80]), len(data))
        frames.append(read_frame(cut[0], HTTP_SHAPE))
        must(frames[-1].host == "host", "a host of its own: %r", frames[-1])
        data = data[cut[1]:]
    must(not any(one.is_notice for one in frames[1:]),
         "a notice that is not in front")
    return frames


# Requests -------------------------------------------------------------------

class Head:
    """The first lines of a request; headers are (name, value) in their order.
    Only what a drain has to say may be there, in the order of HEADERS."""

    def __init__(self, raw):
        self.raw = raw
        text = raw.decode("latin-1")
        lines = text.removesuffix("\r\n\r\n").split("\r\n")
        must(not re.search(r"[\r\n\0]", "".join(lines)), "a bare CR or LF: %r",
             text)
        self.method, self.target, version = self.split(lines[0])
        must((self.method, version) == ("POST", "HTTP/1.1"), "it says %r",
             lines[0])
        self.headers = [self.header(one) for one in lines[1:]]
        self.check_names()
        must(self["Content-Type"] == "application/logplex-1", "%r", text)
        must(re.fullmatch("[0-9A-F]{32}", self.frame_id), "a frame id of %r",
             self.frame_id)
        self.body_bytes = self.number("Content-Length")
        self.msg_count = self.number("Logplex-Msg-Count")
        self.loss_count = self.number("Logplex-Loss-Count")

    @staticmethod
    def split(line):
        words = line.split(" ")
        must(len(words) == 3 and words[1].startswith("/"), "it says %r", line)
        return words

    @staticmethod
    def header(line):
        found = re.fullmatch(r"([A-Za-z0-9-]+): (\S(?:.*\S)?)", line)
        must(found, "no header: %r", line)
        return found.groups()

    def check_names(self):
        names = [name for name, _ in self.headers]
        known = [one for one in HEADERS if one in names or one not in OPTIONAL]
        must(names == known, "the headers are %s, and not %s", names, known)

    def __getitem__(self, name):
        return dict(self.headers)[name]

    def get(self, name, default=None):
        return dict(self.headers).get(name, default)

    def number(self, name):
        value = self.get(name)
        must(value is None or NUMBER.fullmatch(value), "%s: %s", name, value)
        return None if value is None else int(value)

    @property
    def frame_id(self):
        return self["Logplex-Frame-Id"]

    @property
    def token(self):
        return self["Logplex-Drain-Token"]


class Request(Head):
    """One that came whole: body is what came, and content what it was before it
    was encoded. status is what the sink has decided to answer, None
    for nothing; is_answered tells that the answer has left. is_forgotten tells
    that it was promised to be kept, and was not."""

    def __init__(self, head, body, connection=0, at=0.0):
        super().__init__(head)
        self.body = body
        self.connection = connection
        self.at = at
        self.status = None
        self.is_answered = False
        self.is_forgotten = False
        must(len(body) == self.body_bytes, "%d bytes, and %d are announced",
             len(body), self.body_bytes)
        self.content = without_encoding(body, self.get("Content-Encoding"))
        self.frames = read_body(self.content)
        self.check_counts()

    def check_counts(self):
        lost = sum(one.lost for one in self.frames)
        must(self.frames, "a request without lines")
        must(self.msg_count == len(self.frames),
             "Logplex-Msg-Count: %d, and there are %d", self.msg_count,
             len(self.frames))
        must(self.loss_count in (None, lost),
             "Logplex-Loss-Count: %s, and the notice says %d", self.loss_count,
             lost)

    @property
    def is_accepted(self):
        return self.status is not None and 200 <= self.status < 300 \
            and not self.is_forgotten

    def __repr__(self):
        return "Request(%d, %s, %d lines: %s)" % (
            self.connection, self.frame_id, len(self.frames), self.status)


def cut_head(data):
    """The bytes of a request's head, None when it is not there yet."""
    end = data.find(b"\r\n\r\n")
    must(max(end, len(data) if end < 0 else 0) <= HEAD_MAX_BYTES,
         "a head without an end: %.200r", bytes(data))
    return bytes(data[:end + 4]) if end >= 0 else None


def check_same_body(first, again):
    """A receiver that has the one drops the other."""
    must(first.body == again.body, "two bodies for %s: %.300r and %.300r",
         again.frame_id, first.body, again.body)


def once(requests):
    """Without those that came again, as their frame ids tell."""
    first = {}
    for one in requests:
        first.setdefault(one.frame_id, one)
    return list(first.values())
