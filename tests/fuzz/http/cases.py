"""Requests, and what is sent instead of them.

A structured case is a few requests one behind the other, each of them framed as
HTTP wants it: so each has to be answered. A raw case is what is left of some
after bytes of them were changed: it has to end, and what comes back has to be
answers.
"""
import base64
import re

import bodies
from world import ODD, path_of

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
           "CONNECT", "get", "FOO", "M-SEARCH", "X" * 300)
TYPES = ("application/json", "application/json; charset=utf-8", "text/plain",
         "application/logplex-1", "application/x-logplex-1", "", ";", "/",
         "APPLICATION/JSON", "multipart/form-data; boundary=x",
         "application/x-www-form-urlencoded", "a" * 3000, "\xe9")
ACCEPTS = ("*/*", "application/json", "text/event-stream", "text/plain;q=0",
           "application/*", "*", "", ",,,;;;", "text/plain", "q=0",
           "application/logplex-1", "a/b;q=0.000000000001, */*;q=0", "\xff",
           ";q=1," * 500)
RARE = (("Range", ("bytes=0-", "bytes=-1", "bytes=9-1,,", "name ..; max=1000")),
        ("Last-Event-ID", ("0", "1:1", "18446744073709551615:1", ":", "-1:-1",
                           "9" * 400, "1:18446744073709551616", "\xff", "")),
        ("Cookie", ("a=b", "a", ";;;", "a=\"", "=", "a=b; " * 400, "\xff=")),
        ("Host", ("", "a b", "x" * 300, "[::1]:9", "\xe9", "a/b", "x@y")),
        ("Connection", ("close", "keep-alive", "Upgrade", "x, close", "")),
        ("Upgrade", ("h2c", "websocket")), ("HTTP2-Settings", ("AAMAAABk",)),
        ("Request-Id", ("x", "", "\xff", "x" * 2000)),
        ("X-Request-Id", ("y",)), ("Expect", ("200-ok", "", "100-continuex")),
        ("X-Forwarded-Proto", ("https", "x", "https,http")),
        ("X-Forwarded-For", ("10.0.0.1",)), ("Forwarded", ("for=x",)),
        ("If-None-Match", ("*",)), ("TE", ("trailers",)),
        ("Content-Length-X", ("1",)), ("Accept-Encoding", ("gzip, zstd",)),
        ("Logplex-Msg-Count", ("1", "0", "x", "99999999999999999999", "")),
        ("X" * 200, ("v",)), ("!#$", ("v",)), ("A", ("v" * 20000,)))
CODINGS = ("gzip", "zstd", "deflate", "br", "identity", "GZIP", "gzip, gzip",
           "", "x-gzip")
QUERIES = ("num=1", "num=-1", "num=99999999999999999999", "num", "num=%31",
           "num=%", "extended=true", "tail=true", "last_event_id=1:1", "&&=&",
           "where=status>=500", "where=msg~%22(x%2b)%2by%22", "where=a%3d",
           "where=%22", "where=" + "a" * 3000, "seqs=1,2,3", "seqs=1,,2",
           "seqs=" + "1," * 200, "epoch=1", "from_seq=1", "end_seq=3",
           "end_seq=99999999999999999999", "from=1764130500.25", "to=9e9",
           "from=0", "process=web", "route=GET%20/users/:id", "status=503",
           "code=H12", "response_min=1.5", "response_max=0", "limit=1000",
           "limit=0", "measure=service", "measure=%ff", "by=path,dyno",
           "by=a,b,c,d", "by=,", "by=route&measure=response", "q=0.5,0.95",
           "q=1e9", "window=24h", "window=5", "top=1", "order=sum",
           "channel=a", "channel=%ff", "channel=", "force=true", "a=" * 2000,
           "?", "+", "%3d", "last_event_id=" + "9" * 500, "channel=none")


def basic(user, password):
    return "Basic " + base64.b64encode(
        ("%s:%s" % (user, password)).encode()).decode()


class Request:
    def __init__(self, route, channel, is_head):
        self.route, self.channel, self.is_head = route, channel, is_head
        self.bytes = b""


class Maker:
    """Requests for the routes of one daemon."""

    def __init__(self, routes, world, owner):
        self.routes, self.world = routes, world
        self.owner = basic(*owner)
        self.odd_rights = (
            None, "", "Basic", "Basic ", "Basic !", "Basic Og==", "Bearer x",
            "Bearer ", "basic " + self.owner[6:], "Basic  " + self.owner[6:],
            self.owner + "=", self.owner[:-3], "Digest username=\"x\"",
            "Bearer " + owner[1], basic("", owner[1]), basic(owner[0], "x"),
            basic("token", "t.0"), "Basic " + "QUFB" * 3000, "\xff" * 10,
            basic("x" * 300, "y"), basic("sender", "s"), basic("token", "t."),
            basic("reader", "r"), "Bearer r")
        self.weights = [0.4 if route.method == "DELETE" else 1
                        for route in routes]

    def rights(self, rng, route):
        if route.pattern == "/logs" and self.world.tokens and \
                rng.random() < 0.6:
            return basic("token", rng.choice(self.world.tokens)[1])
        return rng.choice(self.odd_rights) if rng.random() < 0.06 else self.owner

    def headers(self, rng, route):
        yield "Host", "logplex.test"
        rights = self.rights(rng, route)
        if rights is not None:
            yield "Authorization", rights
        if rng.random() < 0.1:
            yield "Accept", rng.choice(ACCEPTS)
        while rng.random() < 0.15:
            name, values = rng.choice(RARE)
            yield name, rng.choice(values)

    def type(self, rng, route):
        if rng.random() < 0.03:
            return rng.choice(TYPES)
        return ("application/logplex-1" if route.pattern == "/logs"
                else "application/json")

    def method(self, rng, route):
        if route.method == "*" or rng.random() < 0.03:
            return rng.choice(METHODS)
        return route.method

    def target(self, rng, route):
        path, channel = path_of(rng, self.world, route)
        if rng.random() < 0.03:
            path += rng.choice(("/", "//", "/" + ODD[5], ";x", "/%2e%2e"))
        if rng.random() < 0.15:
            path += "?" + "&".join(rng.choice(QUERIES)
                                   for _ in range(rng.randrange(1, 4)))
        if rng.random() < 0.01:
            path = rng.choice(("http://logplex.test", "http://", "")) + path
        return path.replace(" ", "%20") or "*", channel

    def body(self, rng, route, wildness):
        """(the headers that it needs, it)."""
        if not route.takes_body and rng.random() < 0.97:
            return [], None
        body = bodies.body_of(rng, self.world, route, wildness)
        headers = [("Content-Type", self.type(rng, route))]
        if rng.random() < (0.3 if route.pattern == "/logs" else 0.03):
            coding = rng.choice(CODINGS[:2] if rng.random() < 0.8 else CODINGS)
            body = bodies.packed(rng, body, coding)
            headers.append(("Content-Encoding", coding))
        if rng.random() < 0.01:
            headers.append(("Expect", "100-continue"))
        if rng.random() < 0.1:
            return headers + [("Transfer-Encoding", "chunked")], \
                chunked(rng, body)
        return headers + [("Content-Length", str(len(body)))], body

    def request(self, rng, route, wildness):
        method = self.method(rng, route)
        target, channel = self.target(rng, route)
        made = Request(route, channel, method == "HEAD")
        more, body = self.body(rng, route, wildness)
        head = "%s %s HTTP/1.1\r\n" % (method, target)
        head += "".join("%s: %s\r\n" % pair
                        for pair in [*self.headers(rng, route), *more])
        made.bytes = head.encode("utf-8") + b"\r\n" + (body or b"")
        return made

    def some(self, rng, most, wildness):
        chosen = rng.choices(self.routes, self.weights,
                             k=rng.randrange(1, most + 1))
        return [self.request(rng, route, wildness) for route in chosen]


def chunked(rng, body):
    parts, at = [], 0
    while at < len(body):
        size = rng.randrange(1, len(body) - at + 1)
        parts.append(b"%x%s\r\n%s\r\n" % (size, rng.choice((b"", b";a=b")),
                                          body[at:at + size]))
        at += size
    return b"".join(parts) + b"0\r\n" + rng.choice(
        (b"", b"", b"X-Trailer: y\r\n")) + b"\r\n"


# Bytes -----------------------------------------------------------------------

WORDS = [b"\r\n", b"\n", b"\r", b"\0", b"%00", b"%", b"%zz", b" ", b"\t", b":",
         b"\r\n\r\n", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0",
         b"HTTP/1.9", b"http/1.1", b"\xff\xfe", b"\xed\xa0\x80", b"\x16\x03\x01",
         b"Content-Length: 5\r\n", b"Content-Length: -1\r\n",
         b"Content-Length: 18446744073709551616\r\n",
         b"Content-Length: 0x5\r\n", b"Content-Length: 5, 5\r\n",
         b"Content-Length:\r\n", b"Transfer-Encoding: chunked\r\n",
         b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: x\r\n",
         b"Expect: 100-continue\r\n", b"Connection: close\r\n", b": x\r\n",
         b"x\r\n", b" folded\r\n", b"x :y\r\n", b"0\r\n\r\n", b"-1\r\n",
         b"ffffffffffffffff\r\n", b"fffffffffffffffff\r\n", b"7fffffff\r\n",
         b"80000000\r\n", b"0x10\r\n", b"g\r\n", b"5;" + b"e" * 5000 + b"\r\n",
         b"A" * 100, b"A" * 9000, b"/" * 500, b"?" * 50, b"&a" * 3000,
         b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
LENGTH = re.compile(rb"(?i)(content-length: )(\d+)")
HOST_OF_URL = re.compile(rb"://([^/?#\"\\\s]*)|\"host\"\s*:\s*\"([^\"]*)\"")
AT_HOME = re.compile(rb"(?i)([^@]*@)?(127\.0\.0\.1|localhost|\[::1\]|"
                     rb"logplex\.test)?(:[0-9]*)?\Z")


def stays_home(data):
    """A drain may only ever be made for this machine: a changed byte in a URL
    must not have us call a stranger."""
    return all(AT_HOME.match(url or host)
               for url, host in HOST_OF_URL.findall(data))


def lie_about_length(rng, data):
    return LENGTH.sub(lambda m: m[1] + str(max(0, int(m[2]) + rng.choice(
        (-1, 1, -5, 100, 70000, 10 ** 9, 10 ** 18)))).encode(), data, count=1)


def change(rng, data):
    """data, a little worse."""
    at = rng.randrange(len(data) + 1)
    how = rng.randrange(11)
    if how == 0 and data:
        at %= len(data)
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + \
            data[at + 1:]
    if how == 1:
        return data[:at] + data[at + rng.randrange(1, 30):]
    if how == 2:
        return data[:at] + data[max(0, at - rng.randrange(1, 60)):]
    if how in (3, 4, 5):
        return data[:at] + rng.choice(WORDS) + data[at:]
    if how == 6:  # in front of a header: where it counts
        at = data.find(b"\r\n", at) + 2
        return data[:at] + rng.choice(WORDS) + data[at:]
    if how == 7:
        return lie_about_length(rng, data)
    if how == 8:
        return data[:at]
    if how == 9:
        return data.replace(b"\r\n", rng.choice((b"\n", b"\r", b"\r\n\r\n",
                                                 b"\r\n ")),
                            rng.choice((-1, 1, 2, 3)))
    return data[:at] + rng.randbytes(rng.randrange(1, 40)) + data[at:]


def strange(rng):
    """What was never a request."""
    how = rng.randrange(6)
    if how == 0:
        return rng.randbytes(rng.randrange(2000))
    if how == 1:
        return b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * rng.randrange(200000))
    if how == 2:
        return b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * rng.randrange(20000) + \
            b"\r\n"
    if how == 3:
        return b"GET / HTTP/1.1\r\nA: %s\r\n\r\n" % (
            b"x" * rng.randrange(100000))
    if how == 4:
        return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + \
            rng.randbytes(500)
    return rng.choice(WORDS) * rng.randrange(1, 2000)


def raw_bytes(rng, maker):
    if rng.random() < 0.04:
        return strange(rng)
    before = b"".join(one.bytes for one in maker.some(rng, 3, 0.2))
    for _ in range(8):
        data = before
        for _ in range(rng.randrange(1, 7)):
            data = change(rng, data)
        if stays_home(data):
            return data
    # A chunk may end inside a URL, which is then not one to see.
    return before if stays_home(before) else strange(rng)


def pieces_of(rng, data):
    """The same, as it is sent."""
    if rng.random() < 0.6 or len(data) < 2:
        return [data]
    cuts = sorted(rng.randrange(1, len(data))
                  for _ in range(rng.randrange(1, 6)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)]) if a < b]
