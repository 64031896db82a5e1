"""Recordings: what a client said to the original, and what came back.

A file is a list of cases, in the order in which they were recorded, on an
original that was empty at the beginning. A line is one of

  == N TITLE      a case begins; what follows, up to the next one, is one
  @ ROLE          a new connection to legacy, v3, ingest, metrics or tcp
  > LINE          sent over it: the line and its CRLF
  >|BYTES         sent: these bytes. On tcp each such line is a write of its own
  >=BYTES         sent: a Content-Length, the end of the head, and these bytes
  < LINE, <|BYTES came back over it: likewise
  <:BYTES         came back: a chunk. An empty one is the last
  . FATE          what became of the connection: open, closed, or "silence
                  SECONDS" when it was closed that long after the last byte.
                  Where nothing is said it stayed open, or, when the answer
                  says "connection: close", nobody looked
  ! NAME ...      something that was done apart from this connection
  !|BYTES         a line of it
  = CHANNEL       what the channel then had got: nothing, but for
  =|BYTES         these lines, the oldest first, as they were stored
  = CHANNEL N     N lines
  % NAME N ...    what the counters of tcp went up by; 0 when not named
  # ...           a remark

BYTES may have \\r \\n \\\\ and \\xNN in them, \\{N*BYTES} for N times the bytes,
and \\i in there for the number of the turn, counted through the line.

What most heads begin with is written short. "METHOD PATH" begins a request of
HTTP/1.1 with the usual Host, "STATUS REASON" an answer of HTTP/1.1, and these
stand for lines:

  > &local        the credential that may do everything
  > &token TOKEN  a token as credential
  > &json, &lines the types of bodies
  < &mochi TYPE   the head of the legacy API, with its end
  < &cowboy       what the others begin their heads with

A value * in an answer is one that can't be the same twice: a time, or an id.
"""
import base64
import re

LOCAL = base64.b64encode(b"local:password").decode()
SHORT_SENT = {
    "local": "Authorization: Basic " + LOCAL,
    "json": "Content-Type: application/json",
    "lines": "Content-Type: application/logplex-1",
}
MOCHI = "MochiWeb/1.0 (Any of you quaids got a smint?)"
LENGTH = "\0length\0"  # stands in a head until its body is known


class Connection:
    """One connection of a case, or, with the role None, only actions."""

    def __init__(self, role):
        self.role = role
        self.sent = []  # writes
        self.answer = b""
        self.fate = None
        self.before = []  # actions
        self.during = []  # actions, behind the first answer
        self.kept = {}  # channel: lines, or their number
        self.counted = None


class Action:
    def __init__(self, words):
        self.name, self.words, self.lines = words[0], words[1:], []


class Case:
    def __init__(self, number, title):
        self.number, self.title, self.connections = number, title, []


# Bytes ----------------------------------------------------------------------

_PIECE = re.compile(r"\\(?:x([0-9a-f]{2})|\{(\d+)\*|([rni\\}]))"
                    r"|([^\\}]+)|(\})", re.S)
_ESCAPES = {"r": b"\r", "n": b"\n", "\\": b"\\", "}": b"}"}


class _Reader:
    def __init__(self, text):
        self.text, self.at, self.turn = text, 0, 0

    def take(self, is_inside=False):
        out = b""
        while self.at < len(self.text):
            match = _PIECE.match(self.text, self.at)
            if match is None:
                raise ValueError("no such escape: " + self.text[self.at:])
            code, times, escape, plain, brace = match.groups()
            self.at = match.end()
            if brace and is_inside:
                return out
            if times:
                out += self.repeat(int(times))
            elif escape == "i":
                out += b"%d" % self.turn
                self.turn += 1
            elif escape:
                out += _ESCAPES[escape]
            else:
                out += (bytes([int(code, 16)]) if code
                        else (plain or brace).encode())
        return out

    def repeat(self, times):
        start = self.at
        out = self.take(is_inside=True)
        if "\\i" not in self.text[start:self.at]:
            return out * times
        for _ in range(times - 1):
            self.at = start
            out += self.take(is_inside=True)
        return out


def unescaped(text):
    return _Reader(text).take()


# Lines ----------------------------------------------------------------------

def _sent_line(text):
    if " HTTP/" not in text and re.match(r"[A-Z]+ /", text):
        return text + " HTTP/1.1\r\nHost: logplex.test\r\n"
    if text.startswith("&token "):
        user = base64.b64encode(b"token:" + text[7:].encode()).decode()
        return "Authorization: Basic %s\r\n" % user
    if text.startswith("&"):
        return SHORT_SENT[text[1:]] + "\r\n"
    return text + "\r\n"


def _answer_line(text):
    if re.match(r"\d{3} ", text):
        return "HTTP/1.1 " + text + "\r\n"
    if text.startswith("&mochi "):
        return ("Server: %s\r\nDate: *\r\nContent-Type: %s\r\n"
                "Content-Length: %s\r\n\r\n" % (MOCHI, text[7:], LENGTH))
    if text == "&cowboy":
        return ("connection: keep-alive\r\nserver: Cowboy\r\ndate: *\r\n"
                "content-length: %s\r\n" % LENGTH)
    return text + "\r\n"


def _sent(kind, text):
    if kind == "|":
        return unescaped(text)
    if kind == "=":
        body = unescaped(text)
        return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    return unescaped(_sent_line(text))


def _came(kind, text):
    if kind == "|":
        return unescaped(text)
    if kind == ":":
        chunk = unescaped(text)
        return b"%x\r\n%s\r\n" % (len(chunk), chunk)
    return unescaped(_answer_line(text))


def with_lengths(answer):
    """The lengths that heads left open, from the bodies behind them."""
    parts = re.split(rb"(?=HTTP/1\.[01] \d{3} )", answer)
    for number, part in enumerate(parts):
        body = part.partition(b"\r\n\r\n")[2]
        parts[number] = part.replace(LENGTH.encode(), b"%d" % len(body))
    return b"".join(parts)


# Files ----------------------------------------------------------------------

class _Parser:
    def __init__(self):
        self.cases = []
        self.actions = []  # for the next connection
        self.last = None  # the action that lines belong to
        self.lines = None

    def connection(self):
        return self.cases[-1].connections[-1]

    def line(self, text):
        mark, rest = text[:2], text[2:]
        if mark == "==":
            number, title = rest.strip().split(" ", 1)
            self.cases.append(Case(number, title))
        elif mark[:1] == "@":
            opened = Connection(rest)
            opened.before, self.actions = self.actions, []
            self.cases[-1].connections.append(opened)
        elif mark[:1] == ">":
            self.connection().sent.append(_sent(mark[1:].strip(), rest))
        elif mark[:1] == "<":
            self.connection().answer += _came(mark[1:].strip(), rest)
        elif mark == "!|":
            self.last.lines.append(unescaped(rest))
        elif mark[:1] == "!":
            self.action(rest.split(" "))
        elif mark == "=|":
            self.lines.append(unescaped(rest))
        elif mark[:1] == "=":
            self.kept(rest.split(" "))
        elif mark[:1] == ".":
            self.connection().fate = rest
        elif mark[:1] == "%":
            words = rest.split()
            self.connection().counted = dict(zip(words[::2],
                                                 map(int, words[1::2])))
        elif mark[:1] not in ("#", ""):
            raise ValueError("no such line: " + text)

    def action(self, words):
        self.last = Action(words)
        case = self.cases[-1]
        if case.connections and case.connections[-1].sent:
            case.connections[-1].during.append(self.last)
        else:
            self.actions.append(self.last)

    def kept(self, words):
        self.lines = []
        kept = self.connection().kept
        kept[words[0]] = int(words[1]) if len(words) > 1 else self.lines


def read(path):
    parser = _Parser()
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, text in enumerate(file, 1):
            try:
                parser.line(text.rstrip("\n"))
            except (ValueError, KeyError, IndexError, AttributeError) as error:
                raise ValueError("%s:%d: %s" % (path, number, error)) from error
    for case in parser.cases:
        for connection in case.connections:
            connection.answer = with_lengths(connection.answer)
    return parser.cases
