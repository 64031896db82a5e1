"""A logplexd for a test: started on free ports of loopback, spoken to over bare
sockets, stopped by its own pid, and held to its ledger and, in what it answers
to ask(), to logplexd/api/openapi.json.

    class Something(DaemonTest):
        FLAGS = ["--workers", "1"]

        def test_a_line_goes_in_and_comes_out(self):
            token = self.make_channel("demo", "app")["app"]
            self.assertEqual(self.post(token, [line("hello")]).status, 204)
"""
import base64
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import description

PATIENCE_S = 60  # of a sanitizer's build on a busy machine
PROGRAM = os.environ.get("LOGPLEXD", "logplexd")
LISTEN = ["--http", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0",
          "--syslog-udp", "127.0.0.1:0"]
OWNER = ("owner", "owner-password")
TIME = "2026-11-21T00:00:00.123456+00:00"


def main():
    """LOGPLEXD may be the first argument; the rest are unittest's."""
    global PROGRAM
    if len(sys.argv) > 1 and os.path.sep in sys.argv[1]:
        PROGRAM = sys.argv.pop(1)
    unittest.main()


# Syslog ---------------------------------------------------------------------

def line(msg, app="app", procid="web.1", pri=134, at=TIME,
         structured_data="-"):
    """One message without its framing."""
    return b"<%d>1 %s host-7 %s %s - %s %s" % (
        pri, at.encode(), app.encode(), procid.encode(),
        structured_data.encode(),
        msg if isinstance(msg, bytes) else msg.encode())


def frames(lines):
    return b"".join(b"%d %s" % (len(one), one) for one in lines)


def shown(msg, app="app", procid="web.1", at=TIME):
    """The same as a tail shows it, without its line end."""
    return "%s %s[%s]: %s" % (at, app, procid, msg)


# HTTP -----------------------------------------------------------------------

def basic(user, password):
    return "Basic " + base64.b64encode(
        ("%s:%s" % (user, password)).encode()).decode()


class Answer:
    """Status, headers (names in lower case) and body of an answer."""

    def __init__(self, status, headers, body=b""):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r %r" % (self.status, self.headers, self.body[:500])


class Client:
    """One connection; keeps what was read too far for the next answer."""

    def __init__(self, address, receive_buffer=None, host="logplex.test"):
        self.host = host
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(address)
        self.buffer = b""

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def more(self):
        """False at the end of what the server sends."""
        got = self.socket.recv(65536)
        self.buffer += got
        return bool(got)

    def until(self, mark):
        while mark not in self.buffer:
            if not self.more():
                raise EOFError("no %r in %r" % (mark, self.buffer[-300:]))
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def exactly(self, size):
        while len(self.buffer) < size:
            if not self.more():
                raise EOFError("%d of %d bytes" % (len(self.buffer), size))
        head, self.buffer = self.buffer[:size], self.buffer[size:]
        return head

    def send(self, method, path, headers=(), body=None):
        head = "%s %s HTTP/1.1\r\nHost: %s\r\n" % (method, path, self.host)
        names = [name.lower() for name, _ in headers]
        if body is not None and "transfer-encoding" not in names \
                and "content-length" not in names:
            head += "Content-Length: %d\r\n" % len(body)
        for name, value in headers:
            head += "%s: %s\r\n" % (name, value)
        self.socket.sendall(head.encode() + b"\r\n" + (body or b""))

    def read_head(self):
        while True:
            lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            status = int(lines[0].split()[1])
            if status != 100:
                break
        headers = {}
        for one in lines[1:]:
            name, value = one.split(":", 1)
            headers[name.lower()] = value.strip()
        return Answer(status, headers)

    def chunk(self):
        """The next chunk of a body; b"" is its clean end."""
        size = int(self.until(b"\r\n"), 16)
        data = self.exactly(size)
        if self.exactly(2) != b"\r\n":
            raise ValueError("a chunk without its end")
        return data

    def read(self):
        answer = self.read_head()
        if answer.headers.get("transfer-encoding") == "chunked":
            data = self.chunk()
            while data:
                answer.body += data
                data = self.chunk()
        elif "content-length" in answer.headers:
            answer.body = self.exactly(int(answer.headers["content-length"]))
        return answer

    def ask(self, method, path, headers=(), body=None):
        self.send(method, path, headers, body)
        answer = self.read()
        description.check(method, path, answer)
        return answer


class Event:
    def __init__(self, name, event_id, data):
        self.name, self.id, self.data = name, event_id, data

    def __repr__(self):
        return "Event(%r, %r, %r)" % (self.name, self.id, self.data)


class Events:
    """An EventSource, as WHATWG HTML 9.2.6 has it, over one answer. Comments
    and retry fields are kept apart."""

    def __init__(self, client):
        self.client = client
        self.answer = client.read_head()
        self.last_id = ""
        self.retry_ms = None
        self.comments = 0
        self.ended = False
        self.text = b""
        self.fields = []

    def lines(self):
        """The next line, whichever of CR, LF and CRLF ends it."""
        while True:
            match = re.search(rb"\r\n|\n|\r(?=[^\n])", self.text)
            if match:
                one = self.text[:match.start()]
                self.text = self.text[match.end():]
                return one
            data = self.client.chunk()
            if not data:
                self.ended = True
                return None
            self.text += data

    def next(self):
        """The next event that is dispatched; None at the clean end."""
        name, data = "", []
        while True:
            one = self.lines()
            if one is None:
                return None
            if one == b"":
                if data:
                    return Event(name or "message", self.last_id,
                                 b"\n".join(data))
                name = ""
                continue
            field, _, value = one.partition(b":")
            value = value[1:] if value.startswith(b" ") else value
            if field == b"":
                self.comments += 1
            elif field == b"data":
                data.append(value)
            elif field == b"event":
                name = value.decode()
            elif field == b"id":
                self.last_id = value.decode()
            elif field == b"retry":
                self.retry_ms = int(value)

    def take(self, count):
        return [self.next() for _ in range(count)]

    def rest(self):
        found = []
        event = self.next()
        while event:
            found.append(event)
            event = self.next()
        return found


# The daemon -----------------------------------------------------------------

class Daemon:
    def __init__(self, flags=(), environment=None):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith("LOGPLEX_") and k != "PORT"}
        env["LOGPLEX_CREDENTIALS"] = "%s:%s:full_api,any_channel" % OWNER
        env.update(environment or {})
        # Without credentials only who calls it by a name of this machine is in.
        self.host = "logplex.test" if env["LOGPLEX_CREDENTIALS"] \
            else "localhost"
        self.process = subprocess.Popen([PROGRAM, *LISTEN, *flags], env=env,
                                        stderr=subprocess.PIPE, text=True)
        self.log = []
        self.clients = []
        self.is_ready = threading.Event()
        self.reader = threading.Thread(target=self._read_log)
        self.reader.start()
        if not self.is_ready.wait(PATIENCE_S) or self.process.poll() is not None:
            self.stop()
            raise RuntimeError("it does not start: %s" % "".join(self.log))

    def _read_log(self):
        for one in self.process.stderr:
            self.log.append(one)
            if " event=ready" in one:
                self.is_ready.set()
        self.is_ready.set()

    def address(self, kind="http"):
        host, port = re.search(r"event=listening kind=%s address=(\S+):(\d+)" %
                               kind, "".join(self.log)).groups()
        return host, int(port)

    def stop(self, with_signal=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        self.process.stderr.close()
        for client in self.clients:
            client.close()
        return code

    def client(self, **options):
        """A connection that is open as long as the daemon, if not closed."""
        client = Client(self.address(), host=self.host, **options)
        self.clients.append(client)
        return client

    def ask(self, method, path, headers=(), body=None, auth=OWNER):
        headers = list(headers)
        if auth:
            headers.append(("Authorization", basic(*auth)))
        with self.client() as client:
            return client.ask(method, path, headers, body)

    def ask_json(self, method, path, value=None, auth=OWNER):
        body = None if value is None else json.dumps(value).encode()
        return self.ask(method, path, [("Content-Type", "application/json")],
                        body, auth)

    def make_channel(self, channel, *names):
        """Its tokens by name."""
        answer = self.ask_json("PUT", "/v3/channels/" + channel,
                               {"tokens": list(names)})
        if answer.status not in (200, 201):
            raise AssertionError(answer)
        return answer.json().get("tokens", {})

    def post(self, token, lines, headers=(), body=None):
        """POST /logs with a token, octet-counted."""
        return self.ask("POST", "/logs",
                        [("Content-Type", "application/logplex-1"), *headers],
                        frames(lines) if body is None else body,
                        auth=("token", token))

    def make_session(self, channel, **options):
        """The path of its URL."""
        answer = self.ask_json("POST", "/v3/sessions",
                               dict(options, channel_id=channel))
        if answer.status != 201:
            raise AssertionError(answer)
        return "/sessions/" + answer.json()["url"].rsplit("/", 1)[1]

    def read_session(self, channel, **options):
        """The lines that a session shows, as text without their line ends."""
        answer = self.ask("GET", self.make_session(channel, **options),
                          auth=None)
        if answer.status != 200:
            raise AssertionError(answer)
        return answer.body.decode().splitlines()

    def events(self, path, last_id=None, auth=None, **options):
        client = self.client(**options)
        headers = [("Accept", "text/event-stream")]
        if auth:
            headers.append(("Authorization", basic(*auth)))
        if last_id is not None:
            headers.append(("Last-Event-ID", last_id))
        client.send("GET", path, headers)
        return Events(client)

    def ledger(self):
        return self.ask("GET", "/ledger").json()

    def tail_events(self, channel, **options):
        return self.events(self.make_session(channel, tail=True, **options))


def ledger_faults(ledger):
    """What does not add up, as it was read."""
    faults = []
    accepted = 0
    for name, one in ledger["listeners"].items():
        rejected = sum(one["rejected_lines"].values())
        accepted += one["accepted_lines"]
        if one["received_lines"] != one["accepted_lines"] + rejected:
            faults.append("%s: received != accepted + rejected: %r" %
                          (name, one))
    engine = ledger["engine"]
    if accepted != engine["appended_lines"]:
        faults.append("accepted %d, appended %d" %
                      (accepted, engine["appended_lines"]))
    for unit in ("lines", "bytes"):
        if engine["appended_" + unit] != (engine["resident_" + unit] +
                                          engine["evicted_" + unit]):
            faults.append("%s: appended != resident + evicted: %r" %
                          (unit, engine))
    if not ledger["balanced"]:
        faults.append("it says so itself: %r" % ledger["equations"])
    return faults


class DaemonTest(unittest.TestCase):
    """A daemon for each test; its ledger must balance at the end, and it must
    end well."""
    FLAGS = ()
    ENVIRONMENT = None

    def setUp(self):
        self.start()

    def start(self):
        self.daemon = Daemon(self.FLAGS, self.ENVIRONMENT)
        self.addCleanup(self.daemon.stop, signal.SIGKILL)
        for name in ("ask", "ask_json", "make_channel", "make_session",
                     "post", "read_session", "events", "tail_events",
                     "ledger"):
            setattr(self, name, getattr(self.daemon, name))

    def tearDown(self):
        if self.daemon.process.poll() is not None:
            return  # the test has ended it
        faults = ledger_faults(self.settled_ledger())
        self.assertEqual(faults, [])
        self.assertEqual(self.daemon.stop(), 0, "".join(self.daemon.log))
        log = "".join(self.daemon.log)
        self.assertNotRegex(log, r"[0-9a-f]{8}-[0-9a-f]{4}-4", "a secret")

    def settled_ledger(self):
        end = time.monotonic() + PATIENCE_S
        ledger = self.ledger()
        while not ledger["balanced"] and time.monotonic() < end:
            time.sleep(0.05)
            ledger = self.ledger()
        return ledger

    def wait_until(self, truth, what="it never came true"):
        end = time.monotonic() + PATIENCE_S
        while not truth():
            if time.monotonic() > end:
                self.fail(what)
            time.sleep(0.01)

    def quiet_for(self, client, seconds):
        """Nothing comes for so long."""
        readable, _, _ = select.select([client.socket], [], [], seconds)
        self.assertEqual(readable, [])
        self.assertEqual(client.buffer, b"")
