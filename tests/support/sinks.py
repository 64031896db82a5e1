"""Sinks for drains: they do what a test tells them, and keep what came.

    from behaviours import answers, answers_500_for, good
    from sinks import HttpSink, SyslogSink

    with HttpSink(answers_500_for(1)) as sink:
        ...                                 # a drain to sink.url()
        sink.wait_for(lines=3)
        self.assertEqual(sink.texts(), ["a", "b", "c"])
        sink.behaviour = answers(404)       # holds at once
        sink.pause()                        # nobody listens, until resume()

Each listens on a free port of loopback. All that comes is read as deliveries.py
has it; what is Malformed is raised by the next wait, by check() or by close().
With tls, a pair of certificates.py, it speaks TLS alone.
"""
import contextlib
import select
import socket
import ssl
import struct
import threading
import time

import certificates
from behaviours import (Behaviour, Ended, begins_well, is_content, reads_all,
                        says_nothing)
from deliveries import (SYSLOG_SHAPE, Head, Malformed, Request, check_same_body,
                        cut_frame, cut_head, must, once, read_frame)
from logplexd import PATIENCE_S

HOST = "127.0.0.1"
TICK_S = 0.02
RESET = struct.pack("ii", 1, 0)
FILLERS_MAX = 16


# Connections ----------------------------------------------------------------

class Connection:
    """One, in a thread of its own. ended says why it did; part is what came
    behind the last whole request or frame."""
    default_reply = staticmethod(says_nothing)

    def __init__(self, sink, sock, number):
        self.sink = sink
        self.socket = sock
        self.number = number
        self.at = time.monotonic()
        self.received_bytes = 0
        self.owes_turn = True
        self.part = b""
        self.ended = None
        self.resets = False
        self.is_hung_up = False
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.thread = threading.Thread(target=self.run, daemon=True)

    @property
    def behaviour(self):
        return self.sink.behaviour.of(self)

    def run(self):
        why = "?"
        try:
            self.begin()
            while True:
                self.receive(self.read())
        except Ended as end:
            why = str(end)
        except Malformed as fault:
            why = "malformed"
            self.sink.blame(fault)
        except OSError as error:
            why = "%s: %s" % (type(error).__name__, error)
        except Exception as error:  # a defect of ours, or of the test
            self.sink.blame(error)
        finally:
            self.finish(why)

    def finish(self, why):
        if self.owes_turn:
            self.sink.behaviour.turn(self)
        with contextlib.suppress(OSError):
            if self.resets:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       RESET)
            elif isinstance(self.socket, ssl.SSLSocket):
                self.socket.settimeout(0)  # it is told, and not waited for
                self.socket.unwrap()
        with self.sink.news:
            self.socket.close()
            self.ended = why
            self.sink.news.notify_all()

    def wake(self, how=socket.SHUT_RDWR):
        """From another thread: what waits for the peer, ends. Under the lock of
        the sink."""
        if self.ended is None:
            with contextlib.suppress(OSError):
                # Not that of SSLSocket, which takes TLS away from the thread.
                socket.socket.shutdown(self.socket, how)

    # What behaviours are made of.

    def begin(self):
        (self.behaviour.begin or begins_well)(self)

    def read(self):
        """By the behaviour of the moment in which there is something."""
        if not (isinstance(self.socket, ssl.SSLSocket) and
                self.socket.pending()):
            self.watch(select.POLLIN, PATIENCE_S)
        return (self.behaviour.read or reads_all)(self)

    def reply(self, to):
        self.owes_turn = False
        behaviour = self.sink.behaviour.turn(self)
        (behaviour.reply or self.default_reply)(self, to)

    def watch(self, event, seconds):
        watched = select.poll()
        watched.register(self.socket, event)
        return watched.poll(seconds * 1000)

    def secure(self):
        if not self.sink.tls:
            return
        secured = self.sink.tls.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False,
            suppress_ragged_eofs=False)
        with self.sink.news:
            self.socket = secured
        self.rest_for(0)
        self.socket.do_handshake()

    def take(self, size):
        data = self.socket.recv(size)
        if not data:
            raise Ended("hung up" if self.is_hung_up else "the drain closed it")
        self.received_bytes += len(data)
        self.owes_turn = True
        return data

    def send(self, raw):
        self.socket.sendall(raw)

    def answer(self, request, raw, status):
        """Who waits for the request sees its fate before the drain does."""
        if isinstance(request, Request):
            with self.sink.news:
                request.status = status
                self.sink.news.notify_all()
        self.send(raw)
        if isinstance(request, Request) and raw:
            with self.sink.news:
                request.is_answered = True
                self.sink.news.notify_all()

    def hang_up(self, with_reset=False):
        self.resets = with_reset
        self.is_hung_up = True
        raise Ended("hung up")

    def linger(self):
        """Tells the end, and reads on until the drain ends it too: so an answer
        is not taken away by a reset."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)
        with contextlib.suppress(Ended):
            while True:
                self.take(65536)

    def rest_for(self, seconds):
        """Or until the sink is closed."""
        if self.sink.closing.wait(seconds):
            raise Ended("the sink is closed")

    def rest_until_another(self):
        """Until the sink's behaviour is another, or the drain goes away."""
        mine = self.behaviour
        end = time.monotonic() + PATIENCE_S
        while self.behaviour is mine:
            self.rest_for(TICK_S)
            if self.watch(select.POLLRDHUP, 0):
                raise Ended("the drain closed it")
            if time.monotonic() > end:
                raise Ended("out of patience")


class HttpConnection(Connection):
    default_reply = staticmethod(is_content)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.part = bytearray()
        self.head = None

    def receive(self, data):
        self.part += data
        if self.head is None:
            raw = cut_head(self.part)
            if raw is None:
                return
            self.head = Head(raw)
        whole = len(self.head.raw) + self.head.body_bytes
        must(len(self.part) <= whole, "it does not wait for its answer: %.80r",
             bytes(self.part[whole:]))
        if len(self.part) == whole:
            self.take_request()

    def take_request(self):
        request = Request(self.head.raw, bytes(self.part[len(self.head.raw):]),
                          self.number, time.monotonic())
        self.part.clear()
        self.head = None
        self.sink.keep(request)
        self.reply(request)


class SyslogConnection(Connection):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.frames = []

    def receive(self, data):
        data = self.part + data
        at = 0
        try:
            cut = cut_frame(data)
            while cut:
                at += cut[1]
                self.take_frame(cut[0])
                cut = cut_frame(memoryview(data)[at:])
        finally:
            self.part = data[at:]

    def take_frame(self, content):
        frame = read_frame(content, SYSLOG_SHAPE)
        self.sink.keep(self, frame)
        self.reply(frame)


# Sinks ----------------------------------------------------------------------

class Sink:
    """What both have. connections are all that there ever were; faults what was
    Malformed."""
    connection_type = Connection
    schemes = ("", "")

    def __init__(self, behaviour=None, tls=None, receive_buffer=None,
                 is_paused=False):
        self.behaviour = behaviour or Behaviour()
        self.tls = certificates.serving(tls) if tls else None
        self.receive_buffer = receive_buffer
        self.news = threading.Condition()  # and the lock of all below
        self.closing = threading.Event()
        self.connections = []
        self.faults = []
        self.fillers = []
        self.listener = None
        self.acceptor = None
        self.keeper = self.bound(0)  # the port stays ours while it is closed
        self.port = self.keeper.getsockname()[1]
        if not is_paused:
            self.resume()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.end()
        if kind is None:
            self.check()

    def url(self, path="", user=None, host=HOST):
        return "%s://%s%s:%d%s" % (self.schemes[bool(self.tls)],
                                   user + "@" if user else "", host, self.port,
                                   path)

    def close(self):
        """Raises what was Malformed."""
        self.end()
        self.check()

    def end(self):
        self.closing.set()
        self.pause()
        with self.news:
            for one in self.connections:
                one.wake()
        end = time.monotonic() + PATIENCE_S
        for one in self.connections:
            one.thread.join(max(end - time.monotonic(), 0))
        self.keeper.close()
        left = [one.number for one in self.connections if one.thread.is_alive()]
        if left:
            raise RuntimeError("connections that do not end: %s" % left)

    # Listening.

    def bound(self, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                            self.receive_buffer)
        sock.bind((HOST, port))
        return sock

    def pause(self):
        """Who connects is refused; connections that are open stay."""
        if self.listener:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        if self.acceptor:
            self.acceptor.join(PATIENCE_S)
        for one in self.fillers:
            one.close()
        self.listener, self.acceptor, self.fillers = None, None, []

    def resume(self):
        self.pause()
        self.listener = self.bound(self.port)
        self.listener.listen(1024)
        self.acceptor = threading.Thread(target=self.accept,
                                         args=(self.listener,), daemon=True)
        self.acceptor.start()

    def clog(self):
        """Listens, but takes nobody, and there is no room to wait: who connects
        gets no answer. Until resume()."""
        self.pause()
        self.listener = self.bound(self.port)
        self.listener.listen(0)
        for _ in range(FILLERS_MAX):
            one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.fillers.append(one)
            one.settimeout(0.1)
            try:
                one.connect((HOST, self.port))
            except TimeoutError:
                return
        raise RuntimeError("a listener that is never full")

    def accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with self.news:
                one = self.connection_type(self, sock,
                                           len(self.connections) + 1)
                self.connections.append(one)
                one.thread.start()
                self.news.notify_all()

    def hang_up(self, with_reset=False):
        """Ends all connections that are open."""
        with self.news:
            for one in self.connections:
                one.resets = with_reset
                one.is_hung_up = True
                one.wake(socket.SHUT_RD if with_reset else socket.SHUT_RDWR)
        self.wait_until(lambda: all(one.ended for one in self.connections),
                        "connections that do not end")

    # Waiting.

    def blame(self, fault):
        with self.news:
            self.faults.append(fault)
            self.news.notify_all()

    def check(self):
        with self.news:
            if self.faults:
                raise self.faults[0]

    def wait_until(self, truth, what="it never came true", within_s=PATIENCE_S):
        """truth may be about anything, but not wait for the sink."""
        end = time.monotonic() + within_s
        with self.news:
            while not truth():
                self.check()
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError("%s; %s" % (what, self.summary()))
                self.news.wait(min(left, TICK_S))
            self.check()

    def wait_for(self, lines, within_s=PATIENCE_S):
        """At least so many, notices not counted."""
        self.wait_until(lambda: len(self.messages()) >= lines,
                        "no %d lines" % lines, within_s)

    def wait_for_account(self, lines, within_s=PATIENCE_S):
        """So many, those included that notices say are lost."""
        self.wait_until(lambda: len(self.messages()) + sum(self.losses()) >=
                        lines, "no %d lines" % lines, within_s)

    def wait_for_connections(self, count, within_s=PATIENCE_S):
        self.wait_until(lambda: len(self.connections) >= count,
                        "no %d connections" % count, within_s)

    def summary(self):
        with self.news:
            return "%d lines, losses %s, connections %s, %s" % (
                len(self.messages()), self.losses(),
                [one.ended or "open" for one in self.connections], self.more())

    def more(self):
        return ""

    # What came.

    def kept_frames(self):
        raise NotImplementedError

    def messages(self, of=None):
        """Frames in their order, without notices."""
        with self.news:
            return [one for one in self.kept_frames(of) if not one.is_notice]

    def texts(self, of=None):
        """What the lines say, without their line ends."""
        return [one.text for one in self.messages(of)]

    def losses(self, of=None):
        """The numbers in the notices."""
        with self.news:
            return [one.lost for one in self.kept_frames(of) if one.is_notice]


class HttpSink(Sink):
    """requests are all that came whole. Helpers speak of accepted ones unless
    they are given others: sink.texts(sink.requests)."""
    connection_type = HttpConnection
    schemes = ("http", "https")

    def __init__(self, behaviour=None, **options):
        self.requests = []
        self.first = {}
        super().__init__(behaviour, **options)

    def keep(self, request):
        with self.news:
            self.requests.append(request)
            check_same_body(self.first.setdefault(request.frame_id, request),
                            request)
            self.news.notify_all()

    @property
    def accepted(self):
        """Those that the sink has taken: it has said 2xx, or meant to."""
        with self.news:
            return [one for one in self.requests if one.is_accepted]

    @property
    def distinct(self):
        """As a receiver has them that drops what comes again: accepted ones,
        each frame id once."""
        return once(self.accepted)

    def kept_frames(self, of):
        return [frame for one in (self.accepted if of is None else of)
                for frame in one.frames]

    def frame_ids(self, of=None):
        """In the order of all that came, again when they came again."""
        with self.news:
            return [one.frame_id
                    for one in (self.requests if of is None else of)]

    def statuses(self):
        with self.news:
            return [one.status for one in self.requests]

    def wait_for_requests(self, count, within_s=PATIENCE_S):
        """At least so many, whatever their fate."""
        self.wait_until(lambda: len(self.requests) >= count,
                        "no %d requests" % count, within_s)

    def more(self):
        return "requests %s" % self.requests


class SyslogSink(Sink):
    """frames are in the order in which they came; a connection has its own in
    connections[0].frames."""
    connection_type = SyslogConnection
    schemes = ("syslog", "syslog+tls")

    def __init__(self, behaviour=None, **options):
        self.frames = []
        super().__init__(behaviour, **options)

    def keep(self, connection, frame):
        with self.news:
            connection.frames.append(frame)
            self.frames.append(frame)
            self.news.notify_all()

    def kept_frames(self, of):
        return self.frames if of is None else of

    def tokens(self):
        """Of the drains that were here."""
        with self.news:
            return {one.host for one in self.frames}
