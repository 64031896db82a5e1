"""Numbered lines over syslog TCP, at a pace."""
import datetime
import socket
import threading
import time

TICK_S = 0.01


def frame(token, text, procid="web.1", at=None):
    """RFC 5424 in an octet-counted frame of RFC 6587."""
    at = at or datetime.datetime.now(datetime.timezone.utc)
    message = ("<134>1 %s host %s %s - - %s" % (
        at.isoformat(timespec="microseconds"), token, procid, text)).encode()
    return b"%d %s" % (len(message), message)


def send(port, frames):
    """All at once, each a frame."""
    with socket.create_connection(("127.0.0.1", port)) as to:
        to.sendall(b"".join(frames))


class Feed(threading.Thread):
    """Sends `line 1` to `line N`, evenly, in a thread of its own."""

    def __init__(self, port, token, lines, lines_per_s):
        super().__init__(daemon=True)
        self.port = port
        self.token = token
        self.lines = lines
        self.lines_per_s = lines_per_s
        self.sent = 0

    def run(self):
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port)) as to:
            while self.sent < self.lines:
                due = (time.monotonic() - start) * self.lines_per_s
                due = min(int(due), self.lines)
                to.sendall(b"".join(
                    frame(self.token, "line %d" % (i + 1))
                    for i in range(self.sent, due)))
                self.sent = due
                time.sleep(TICK_S)
