"""An HTTP/1.1 relay that can end an event stream early: cleanly as HTTP goes,
in the middle of an event as its reader goes."""
import socket
import threading


def header(head, name):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().lower()
    return b""


class CuttingProxy:
    """cuts counts the streams that were cut; requests has all heads."""

    def __init__(self, to_port):
        self.to_port = to_port
        self.is_cut_due = threading.Event()
        self.cuts = 0
        self.requests = []
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self):
        """The next chunk of a stream ends it."""
        self.is_cut_due.set()

    def close(self):
        for one in [self.listener] + self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.to_port))
            self.sockets += [near, far]
            for target in (self.relay_requests, self.relay_answers):
                threading.Thread(target=target, args=(near, far),
                                 daemon=True).start()

    def relay_requests(self, near, far):
        try:
            while True:
                data = near.recv(65536)
                if not data:
                    break
                if b" HTTP/1.1\r\n" in data:
                    self.requests.append(data)
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def relay_answers(self, near, far):
        try:
            with far.makefile("rb") as answers:
                while self.relay_answer(near, answers):
                    pass
            near.shutdown(socket.SHUT_RDWR)
            far.shutdown(socket.SHUT_RDWR)
        except (OSError, ValueError):
            pass

    def relay_answer(self, near, answers):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = answers.readline()
            if not line:
                return False
            head += line
        near.sendall(head)
        if header(head, b"transfer-encoding") == b"chunked":
            return self.relay_chunks(near, answers, header(
                head, b"content-type").startswith(b"text/event-stream"))
        near.sendall(answers.read(int(header(head, b"content-length") or 0)))
        return True

    def relay_chunks(self, near, answers, is_stream):
        while True:
            line = answers.readline()
            size = int(line, 16)
            chunk = answers.read(size)
            answers.readline()
            if is_stream and self.is_cut_due.is_set() and size > 1:
                self.is_cut_due.clear()
                self.cuts += 1
                half = chunk[:size // 2]
                near.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(half), half))
                return False
            near.sendall(b"%x\r\n%s\r\n" % (size, chunk))
            if size == 0:
                return True
