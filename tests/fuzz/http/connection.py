"""A connection of the fuzzer's: what it sends, and that what comes back are
answers."""
import collections
import errno
import select
import socket
import struct

from answers import Malformed, read_one

ENDS = ("half", "half at once", "hold", "reset", "close", "patient")
HOLD_S = 0.3     # how long a connection without an end is kept
STREAM_S = 0.2   # how long a tail is listened to
HANG_S = 40
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing is a RST


def has_no_room(request):
    """libmicrohttpd keeps 64 KiB for a connection: the head, some 60 bytes for
    each header, cookie and parameter, and its answer. When nothing is left for
    the 431, it closes."""
    head = request.split(b"\r\n\r\n", 1)[0]
    return len(head) + 60 * head.count(b"=") > 48 * 1024


class Case:
    """What one connection sends, and how it ends."""

    def __init__(self, number, kind, pieces, requests=(), end="read"):
        self.number, self.kind, self.end = number, kind, end
        self.pieces, self.requests = pieces, requests

    def as_json(self):
        return {"case": self.number, "kind": self.kind, "end": self.end,
                "heads": [one.is_head for one in self.requests],
                "pieces": [one.decode("latin-1") for one in self.pieces]}


class Slot:
    """A connection with a case under way, which another one follows.

        new case -> connect -> pieces out, one a turn -> our end -> answers
            ^           |                                              |
            |           +-- still open, and all was answered           |
            +----------------------------------------------------------+
    """

    def __init__(self, fuzzer, kind):
        self.fuzzer, self.kind = fuzzer, kind
        self.socket = None
        self.begin()

    def begin(self):
        self.case = self.fuzzer.new_case(self.kind)
        if not self.socket:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.connect_ex(self.fuzzer.address)
            self.fuzzer.slots[self.socket.fileno()] = self
            self.is_watched_for = 0
        self.unsent = collections.deque(self.case.pieces)
        self.data = bytearray()
        self.at = 0
        self.answered = 0
        self.is_over = False  # nothing more can come
        self.is_ended = False  # our side
        self.since = self.fuzzer.now
        self.watch()

    def watch(self):
        wanted = select.EPOLLIN | (0 if self.is_ended else select.EPOLLOUT)
        if wanted == self.is_watched_for:
            return
        change = (self.fuzzer.epoll.modify if self.is_watched_for
                  else self.fuzzer.epoll.register)
        change(self.socket.fileno(), wanted)
        self.is_watched_for = wanted

    def drop(self, with_reset=False):
        if with_reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.fuzzer.epoll.unregister(self.socket.fileno())
        del self.fuzzer.slots[self.socket.fileno()]
        self.socket.close()
        self.socket = None

    # Requests ---------------------------------------------------------------

    def write(self):
        try:
            sent = self.socket.send(self.unsent[0]) if self.unsent else 0
        except BlockingIOError:
            return
        except OSError:  # it reads no more; what it has said may be there
            self.unsent.clear()
            self.is_ended = True
            self.watch()
            return
        rest = self.unsent.popleft()[sent:] if self.unsent else b""
        if rest:
            self.unsent.appendleft(rest)
        if not self.unsent:
            self.end_input()

    def end_input(self):
        self.is_ended = True
        if self.case.end in ("reset", "close"):
            self.drop(self.case.end == "reset")
            self.begin()
            return
        self.watch()
        if self.case.end == "half":
            self.fuzzer.to_shut.append((self.fuzzer.now, self, self.case))
        elif self.case.end == "half at once":
            self.shut()

    def shut(self):
        """Nothing more comes from us."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise

    # Answers ----------------------------------------------------------------

    def read(self):
        try:
            got = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        self.data += got
        self.is_over = not got
        self.look()

    def look(self):
        try:
            if self.case.kind == "structured":
                self.look_structured()
            elif self.is_over:
                self.fuzzer.judge_raw(self.case, bytes(self.data))
                self.again()
        except Malformed as error:
            self.fuzzer.find("no HTTP: %s" % error, self.case, self.data)
            self.again()

    def again(self):
        """Another case, on a new connection."""
        self.drop()
        self.begin()

    def look_structured(self):
        """Answers as they come, each held against its request."""
        is_last = False
        while self.answered < len(self.case.requests) and not is_last:
            request, answer, after = self.read_next()
            if not answer or not answer.is_whole:
                break
            self.at = after
            if answer.status >= 200:
                self.fuzzer.judge(self.case, request, answer)
                self.answered += 1
                is_last = answer.is_last
        if self.answered == len(self.case.requests) or is_last:
            self.finish(is_last)
        elif self.is_over:
            self.finish_early()

    def read_next(self):
        request = self.case.requests[self.answered]
        return request, *read_one(self.data, self.at, request.is_head)

    def finish(self, is_last):
        rest = bytes(self.data[self.at:])
        if rest and not is_last:
            self.fuzzer.find("more answers than requests", self.case, self.data)
        if is_last or self.is_over or self.unsent or rest:
            self.drop()
        self.begin()

    def finish_early(self):
        """The end, though not all was answered: so only a tail may."""
        request, answer, _ = self.read_next()
        if not answer and has_no_room(request.bytes):
            self.fuzzer.without_room += 1
        elif not answer or not answer.is_stream:
            self.fuzzer.find("no answer to request %d: %s" % (
                self.answered, request.route), self.case, self.data)
        self.again()

    # What takes long --------------------------------------------------------

    def tick(self):
        """Who waits for what never ends is let go, after a while."""
        age = self.fuzzer.now - self.since
        if age > HANG_S:
            self.fuzzer.find("no end after %d s" % HANG_S, self.case, self.data)
        elif not (self.case.end == "hold" and age > HOLD_S) and \
                not (age > STREAM_S and self.is_stream()):
            return
        elif self.case.kind == "raw":
            self.fuzzer.judge_raw(self.case, bytes(self.data), True)
        self.drop(with_reset=self.case.number % 2 == 0)
        self.begin()

    def is_stream(self):
        if self.case.kind == "raw":
            return b"chunked" in self.data
        request, answer, _ = self.read_next()
        if not answer or not answer.is_stream:
            return False
        self.fuzzer.judge(self.case, request, answer)
        return True
