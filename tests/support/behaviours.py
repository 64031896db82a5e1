"""What a sink does that a drain may meet.

    sink.behaviour = answers(500)
    sink.behaviour = reads_slowly(every_s=0.1) & answers(429)
    sink.behaviour = in_turn(resets_after(100), hangs_up(), answers(200))
    sink.behaviour = for_seconds(2, answers(503), answers(204))

A behaviour is up to three functions, of which & puts together those of two: how
a connection begins, how bytes are read, and what is said to each request (of a
syslog sink: to each frame). They are looked up when there is something to do:
another behaviour holds at once, on connections that are open as well.
"""
import threading
import time


class Ended(Exception):
    """The connection is at its end, and why."""


def begins_well(connection):
    connection.secure()


def reads_all(connection):
    return connection.take(65536)


def is_content(connection, request):
    connection.answer(request, b"HTTP/1.1 204 No Content\r\n\r\n", 204)


def says_nothing(_, __):
    pass


class Behaviour:
    """Without arguments a good sink."""

    def __init__(self, begin=None, read=None, reply=None):
        self.begin = begin
        self.read = read
        self.reply = reply

    def __and__(self, other):
        if isinstance(other, Composite):
            return other & self
        return Behaviour(other.begin or self.begin, other.read or self.read,
                         other.reply or self.reply)

    def of(self, _connection):
        """The one of those that it is made of whose turn it is."""
        return self

    def turn(self, _connection):
        """The same, and its turn is over. That is so before the drain sees
        anything of it, which might be quick."""
        return self


def good():
    return Behaviour()


# Answers --------------------------------------------------------------------

REASONS = {100: "Continue", 103: "Early Hints", 200: "OK",
           204: "No Content", 301: "Moved Permanently",
           400: "Bad Request", 404: "Not Found", 410: "Gone",
           413: "Content Too Large", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}


def head(status, headers=()):
    first = "HTTP/1.1 %d %s" % (status, REASONS.get(status, "X"))
    lines = [first] + ["%s: %s" % one for one in headers]
    return "".join(one + "\r\n" for one in lines + [""]).encode()


def says(raw, status=None, then_ends=False, with_reset=False):
    """These bytes, whatever is asked. A status of 2xx means that it keeps what
    it was sent."""
    def reply(connection, request):
        connection.answer(request, raw, status)
        if then_ends:
            connection.hang_up(with_reset)
    return Behaviour(reply=reply)


def with_length(status, headers, body):
    return head(status, [*headers, ("Content-Length", len(body))]) + body


def answers(status=204, headers=(), body=b""):
    return says(with_length(status, headers, body), status)


def answers_later(seconds, status=204):
    """Unless the sink is closed before."""
    def reply(connection, request):
        connection.rest_for(seconds)
        connection.answer(request, with_length(status, (), b""), status)
    return Behaviour(reply=reply)


def answers_in_chunks(status=200, body=b"it is kept"):
    half = len(body) // 2
    chunks = [body[:half], body[half:], b""]
    return says(head(status, [("Transfer-Encoding", "chunked")]) +
                b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks),
                status)


def answers_much(status=200, size=100 * 1024):
    return answers(status, body=b"x" * size)


def answers_until_the_end(status=200, body=b"it is kept"):
    """A body that only the end of its connection ends."""
    return says(head(status) + body, status, then_ends=True)


def answers_and_closes(status=204):
    """And says so."""
    return says(with_length(status, [("Connection", "close")], b""), status,
                then_ends=True)


def closes_silently(status=204):
    """After an answer that lets the drain believe that it stays open."""
    return says(with_length(status, (), b""), status, then_ends=True)


def answers_without_a_reason(status=204):
    """Not even the space behind the code."""
    return says(b"HTTP/1.1 %d\r\nContent-Length: 0\r\n\r\n" % status, status)


def answers_in_between(status=204, before=(100, 103)):
    """The final answer comes behind some that are none."""
    return says(b"".join(head(one) for one in before) +
                with_length(status, (), b""), status)


def forgets(status=200):
    """Promises to keep it, and does not: what it costs when a sink lies."""
    def reply(connection, request):
        request.is_forgotten = True
        connection.answer(request, with_length(status, (), b""), status)
    return Behaviour(reply=reply)


def is_silent():
    """Reads all, and never says a thing."""
    return Behaviour(reply=says_nothing)


def hangs_up(status=None, with_reset=False):
    """Reads a request and ends its connection. With a status of 2xx it has kept
    the request, and the drain can't know."""
    return says(b"", status, then_ends=True, with_reset=with_reset)


def answers_early(status=413):
    """Behind the first bytes; the rest is read and thrown away."""
    def read(connection):
        connection.take(1024)
        connection.send(with_length(status, [("Connection", "close")], b""))
        connection.linger()
        connection.hang_up()
    return Behaviour(read=read)


# Reading --------------------------------------------------------------------

def reads_slowly(size=1, every_s=1.0):
    """Give the sink a small receive_buffer, or the kernel reads for it."""
    def read(connection):
        connection.rest_for(every_s)
        return connection.take(size)
    return Behaviour(read=read)


def reads_nothing():
    """Takes connections; reads on when the sink's behaviour is another."""
    def read(connection):
        connection.rest_until_another()
        return connection.read()
    return Behaviour(read=read)


def resets_after(size):
    """When it has so many bytes of a connection."""
    def read(connection):
        left = size - connection.received_bytes
        data = connection.take(left) if left > 0 else b""
        if len(data) == left or left < 0:
            connection.receive(data)
            connection.hang_up(with_reset=True)
        return data
    return Behaviour(read=read)


def closes_after(frames):
    """A syslog sink, in the middle of whatever comes behind."""
    def reply(connection, _):
        if len(connection.frames) >= frames:
            connection.hang_up()
    return Behaviour(reply=reply)


# Beginning ------------------------------------------------------------------

def stalls_handshake():
    """Until the sink's behaviour is another."""
    def begin(connection):
        connection.rest_until_another()
        connection.begin()
    return Behaviour(begin=begin)


def breaks_handshake(raw=b"HTTP/1.1 400 Bad Request\r\n\r\n"):
    """Speaks something else than TLS."""
    def begin(connection):
        connection.send(raw)
        connection.hang_up()
    return Behaviour(begin=begin)


# One behind another ---------------------------------------------------------

class Composite(Behaviour):
    def __and__(self, other):
        raise TypeError("put & inside of what is in turn")

    def choose(self, connection):
        raise NotImplementedError

    def of(self, connection):
        return self.choose(connection).of(connection)

    def turn(self, connection):
        return self.choose(connection).turn(connection)


class InTurn(Composite):
    def __init__(self, *behaviours):
        super().__init__()
        self.behaviours = behaviours
        self.at = 0
        self.lock = threading.Lock()

    def choose(self, connection):
        return self.behaviours[min(self.at, len(self.behaviours) - 1)]

    def turn(self, connection):
        with self.lock:
            chosen = self.choose(connection)
            self.at += 1
        return chosen.turn(connection)


class ByConnection(Composite):
    def __init__(self, *behaviours):
        super().__init__()
        self.behaviours = behaviours
        self.numbers = []
        self.lock = threading.Lock()

    def choose(self, connection):
        with self.lock:
            if connection.number not in self.numbers:
                self.numbers.append(connection.number)
            at = self.numbers.index(connection.number)
        return self.behaviours[min(at, len(self.behaviours) - 1)]


class ForSeconds(Composite):
    def __init__(self, seconds, behaviour, then):
        super().__init__()
        self.seconds = seconds
        self.behaviour = behaviour
        self.then = then
        self.end = None

    def choose(self, connection):
        now = time.monotonic()
        if self.end is None:
            self.end = now + self.seconds
        return self.behaviour if now < self.end else self.then


def in_turn(*behaviours):
    """Each for a request, or for a connection that ends before there is a whole
    one; the last one stays."""
    return InTurn(*behaviours)


def by_connection(*behaviours):
    """Each for a connection, in the order in which they begin or, if they are
    open, go on; the last one stays."""
    return ByConnection(*behaviours)


def for_seconds(seconds, behaviour, then=None):
    """From its first use on."""
    return ForSeconds(seconds, behaviour, then or good())


def answers_500_for(seconds):
    return for_seconds(seconds, answers(500))


def answers_429(retry_after_s):
    return answers(429, [("Retry-After", retry_after_s)])


def answers_404():
    return answers(404)
