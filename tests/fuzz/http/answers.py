"""Answers as RFC 9112 has them, cut off what came over a connection, and what
is wrong with one."""
import json
import re

HEAD_MAX_BYTES = 256 * 1024
STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [ -~]+\Z")
FIELD = re.compile(rb"([!#-'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)\Z")
CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:;[^\r\n]*)?\r\n")
# What libmicrohttpd may say by itself, in front of us: a request that is none,
# a version, a length or a head that is too much. Its 500 is a fault of ours.
LIBRARY_STATUSES = (400, 413, 414, 431, 505)
OUR_STATUSES = (200, 201, 204, 206, 400, 401, 403, 404, 405, 406, 408, 409, 413,
                415, 422, 429, 501, 503)


class Malformed(Exception):
    """This is no answer."""


class Answer:
    def __init__(self, status, headers):
        self.status, self.headers = status, headers
        self.body = b""
        self.is_whole = True
        self.is_stream = headers.get(b"transfer-encoding") == b"chunked"

    @property
    def is_ours(self):
        return self.headers.get(b"server") == b"logplexd"

    @property
    def is_last(self):
        return self.headers.get(b"connection", b"").lower() == b"close"


def read_head(data, at):
    """An answer without its body, and where that begins; None: more."""
    end = data.find(b"\r\n\r\n", at)
    if end < 0:
        if len(data) - at > HEAD_MAX_BYTES:
            raise Malformed("a head without an end")
        if not b"HTTP/1.1 ".startswith(data[at:at + 9]):
            raise Malformed("no answer begins like this")
        return None
    lines = bytes(data[at:end]).split(b"\r\n")
    status = STATUS.match(lines[0])
    if not status:
        raise Malformed("no status line")
    headers = {}
    for one in lines[1:]:
        field = FIELD.match(one)
        if not field:
            raise Malformed("no header field: %r" % one[:200])
        name = field[1].lower()
        if name in headers and name in (b"content-length", b"server",
                                        b"transfer-encoding", b"content-type"):
            raise Malformed("twice: %r" % one[:200])
        headers[name] = field[2]
    return Answer(int(status[1]), headers), end + 4


def read_chunks(data, at, answer):
    """Where they end; None: more. The body has what came, in any case."""
    parts = []
    while True:
        size = CHUNK.match(data, at)
        if not size:
            break
        begin, length = size.end(), int(size[1], 16)
        end = data[begin + length:begin + length + 2]
        parts.append(bytes(data[begin:begin + length]))
        if not b"\r\n".startswith(end):
            raise Malformed("a chunk without its end")
        if len(end) < 2:
            break
        at = begin + length + 2
        if length == 0:
            answer.body = b"".join(parts)
            return at
    if not size and b"\r\n" in data[at:at + 64]:
        raise Malformed("no size of a chunk: %r" % bytes(data[at:at + 64]))
    answer.body = b"".join(parts)
    return None


def skip_echo(data, at, begin, answer):
    """libmicrohttpd 0.9.75 says the head of its answer twice, and then closes,
    when it does not like a Content-Length or a Cookie; nobody else may."""
    size = begin - at
    if answer.is_ours or answer.status not in (400, 413, 431):
        return begin
    return begin + size if data[begin:begin + size] == data[at:begin] else begin


def read_one(data, at=0, is_head=False, may_be_old=False):
    """(answer, where the next begins). The answer is None while its head is not
    here, and not whole while its body is not. Who speaks HTTP/1.0 has to read a
    stream up to the end of the connection."""
    found = read_head(data, at)
    if not found:
        return None, at
    answer, begin = found
    if is_head or answer.status < 200 or answer.status in (204, 304):
        return answer, begin
    begin = skip_echo(data, at, begin, answer)
    length = answer.headers.get(b"content-length", b"")
    if may_be_old and answer.is_last and not length:
        answer.is_stream, answer.is_whole = True, False
        return answer, at
    if answer.is_stream:
        end = read_chunks(data, begin, answer)
        answer.is_whole = end is not None
        return answer, end if end is not None else at
    if not length.isdigit():
        raise Malformed("nobody can say where the body ends")
    end = begin + int(length)
    answer.body = bytes(data[begin:end])
    answer.is_whole = len(data) >= end
    return answer, end if answer.is_whole else at


def read_all(data, sent):
    """The answers in data, of requests that nobody can tell for sure: where one
    may have been a HEAD, an answer that makes no sense with a body is tried
    without."""
    may_be_heads, may_be_old = b"HEAD" in sent, b"HTTP/1.0" in sent
    answers, at = [], 0
    while at < len(data):
        answer, after = read_one(data, at, False, may_be_old)
        if may_be_heads and answer and answer.headers.get(
                b"content-length", b"0") != b"0":
            begin = read_head(data, at)[1]
            if data[begin:begin + 9] in (b"", b"HTTP/1.1 "):
                answer, after = read_one(data, at, True)
        if not answer:
            answer = Answer(0, {})
            answer.is_whole = False
        answers.append(answer)
        if not answer.is_whole:
            break
        at = after
    return answers


def fault_of(answer):
    """What may never be said, or None."""
    allowed = OUR_STATUSES if answer.is_ours else LIBRARY_STATUSES
    if answer.status >= 200 and answer.status not in allowed:
        return "%d %s" % (answer.status,
                          "of ours" if answer.is_ours else "of the library")
    if answer.is_ours and answer.is_whole and answer.body and answer.headers.get(
            b"content-type") == b"application/json":
        try:
            json.loads(answer.body)
        except ValueError as error:
            return "no JSON: %s" % error
    return None
