"""Answers as they stand on the wire, and what two of them differ in."""
import re

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DATE = (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
        r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
        r"\d{4} \d\d:\d\d:\d\d GMT")
FORMS = {"date": DATE, "request-id": UUID}  # of values that are * when expected
NEXT = re.compile(rb"HTTP/1\.[01] \d{3} ")


class Answer:
    def __init__(self, line, lines):
        self.version, self.status, self.reason = re.match(
            r"(HTTP/1\.[01]) (\d{3}) ?(.*)$", line).groups()
        self.names = []  # as they are written
        self.headers = {}
        for one in lines:
            name, _, value = one.partition(":")
            self.names.append(name)
            self.headers.setdefault(name.lower(), []).append(value.strip())
        self.body = b""
        self.chunks = []
        self.is_whole = False

    def value(self, name):
        return ", ".join(self.headers[name]) if name in self.headers else None

    def is_interim(self):
        return self.status[0] == "1"

    def has_body(self):
        return not self.is_interim() and self.status not in ("204", "304")

    def framing(self):
        if not self.has_body():
            return "none"
        if self.value("transfer-encoding"):
            return self.value("transfer-encoding")
        return "length" if self.value("content-length") else "close"


def _take_chunks(answer, data):
    while True:
        match = re.match(rb"([0-9a-fA-F]+)\r\n", data)
        if not match:
            return data
        size = int(match[1], 16)
        end = match.end() + size
        if len(data) < end + 2:
            return data
        if size == 0:
            answer.is_whole = True
            return data[end + 2:]
        answer.chunks.append(data[match.end():end])
        answer.body += answer.chunks[-1]
        data = data[end + 2:]


def _take_length(answer, data):
    size = int(answer.value("content-length"))
    answer.body, rest = data[:size], data[size:]
    answer.is_whole = len(answer.body) == size
    return rest


def _take_all(answer, data, is_closed):
    following = NEXT.search(data)
    end = following.start() if following else len(data)
    answer.body, answer.is_whole = data[:end], is_closed
    return data[end:]


def _take_body(answer, data, method, is_closed):
    if method == "HEAD" or not answer.has_body():
        answer.is_whole = True
        return data
    if answer.framing() == "chunked":
        return _take_chunks(answer, data)
    if answer.framing() == "length":
        return _take_length(answer, data)
    return _take_all(answer, data, is_closed)


def answers(data, methods, is_closed):
    """The answers to requests of these methods, and what is behind them. All
    but the last are whole, unless the next begins in their middle."""
    found = []
    methods = list(methods)
    while NEXT.match(data) and b"\r\n\r\n" in data:
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        answer = Answer(lines[0], lines[1:])
        found.append(answer)
        method = methods[0] if methods else "GET"
        data = _take_body(answer, data, method, is_closed)
        if not answer.is_interim():
            methods = methods[1:]
        if not answer.is_whole and not NEXT.match(data):
            break
    return found, data


# Differences ----------------------------------------------------------------

def _is_honest(answer):
    return answer.value("content-length") == str(len(answer.body))


def _headers(expected, got):
    for name in sorted(set(expected.headers) | set(got.headers)):
        was, now = expected.value(name), got.value(name)
        if was == "*" and now and re.fullmatch(FORMS[name], now):
            continue
        if name == "content-length" and was and now and (
                _is_honest(expected) and _is_honest(got)):
            continue  # what it says is said by the body
        yield "header:" + name, was, now


def _heading(expected, got):
    """How the names are written, and in which order, of those in both."""
    def shared(mine, other):
        return " ".join(n for n in mine.names if n.lower() in other.headers)
    yield "heading", shared(expected, got), shared(got, expected)


def compared(expected, got):
    """Each field of both, as (name, expected, got)."""
    yield "version", expected.version, got.version
    yield "status", expected.status, got.status
    if expected.status == got.status:  # else it follows from that
        yield "reason", expected.reason, got.reason
    yield from _headers(expected, got)
    yield from _heading(expected, got)
    yield "framing", expected.framing(), got.framing()
    yield "body", expected.body, got.body
    if expected.chunks and got.chunks and expected.body == got.body:
        yield "chunks", expected.chunks, got.chunks
    yield "whole", expected.is_whole, got.is_whole
