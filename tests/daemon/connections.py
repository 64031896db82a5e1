#!/usr/bin/env python3
"""What a connection brings that no sensible client would send."""
import json
import os
import re
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest.mock

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import logplexd
from logplexd import OWNER, DaemonTest, basic, frames, line, main, shown
from sinks import HttpSink

RIGHTS = ("Authorization", basic(*OWNER))
EXPECT = ("Expect", "100-continue")


def connections(client):
    """How many there are, as they are told over one of them."""
    text = client.ask("GET", "/metrics", [RIGHTS]).body.decode()
    return int(re.search(r"^logplex_http_connections (\d+)$", text, re.M)[1])


class Requests(DaemonTest):
    FLAGS = ["--idle-timeout", "1h"]

    def test_a_tunnel_is_no_method_that_any_path_knows(self):
        client = self.daemon.client()
        answer = client.ask("CONNECT", "/healthcheck")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET, HEAD, POST", answer.headers["allow"])
        # A 2xx would have no length, and this be read out of its middle.
        self.assertEqual(client.ask("GET", "/healthcheck").body, b"OK")

    def test_a_head_has_room_for_what_is_usual_and_is_refused_beyond(self):
        for target, headers, status in (
                (20000, [], 200), (100, [("X-1", "x" * 20000)], 200),
                (100, [("X-%d" % n, "x" * 93) for n in range(100)], 200),
                (100, [("Cookie", "a=b; " * 450 + "a=b")], 200),
                (70000, [], 414), (100, [("X-1", "x" * 70000)], 431),
                (100, [("X-%d" % n, "x" * 93) for n in range(700)], 431)):
            client = self.daemon.client()
            client.send("GET", "/livez?" + "x" * target, headers)
            self.assertEqual(client.read().status, status)

    def expects(self, method, path, headers=()):
        """What comes first, be it an interim answer; behind the question is
        another, which is no body of the first."""
        client = self.daemon.client()
        client.send(method, path, [RIGHTS, EXPECT, *headers])
        client.send("GET", "/healthcheck")
        head = client.until(b"\r\n") + b"\r\n"
        client.buffer = head + client.buffer
        self.assertNotIn(b" 100 ", head)
        return client.read()

    def test_who_has_no_body_is_not_asked_for_one(self):
        for headers in ([], [("Content-Length", "0")]):
            answer = self.expects("GET", "/livez", headers)
            self.assertEqual((answer.status, answer.body), (200, b"OK"))
            answer = self.expects("POST", "/channels", headers)
            self.assertEqual(answer.status, 400)
            self.assertIn("invalid JSON", answer.json()["error"])
            self.make_channel("demo", "app")
            answer = self.expects("DELETE", "/v3/channels/demo", headers)
            self.assertEqual(answer.status, 204)
            self.assertEqual(self.ask("GET", "/v3/channels/demo").status, 404)

    def test_who_closes_behind_what_he_says_is_noticed(self):
        for text in (b"GET /healthcheck HTTP/1.1\r\n\r\n", b"GET /he", b"\r\n",
                     b"POST /logs HTTP/1.1\r\nContent-Length: 5\r\n\r\n"):
            for _ in range(5):
                client = self.daemon.client()
                client.socket.sendall(text)
                client.socket.shutdown(socket.SHUT_WR)
        for client in self.daemon.clients[-20:]:
            while client.more():
                pass

    def test_a_refusal_takes_no_answer_with_it(self):
        """A socket that is closed while there is something to read, or gets
        something later, sends a reset, and that empties the reader's buffer."""
        whole = self.ask("GET", "/openapi.json").body
        for refused, status in (
                (b"GET /livez HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
                (b"GET /livez HTTP/9.9\r\n\r\n", 505),
                (b"POST /channels HTTP/1.1\r\nContent-Length: 999999999\r\n"
                 b"\r\n", 401),
                (b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n", 200)):
            with self.subTest(refused=refused):
                client = self.daemon.client(receive_buffer=4096)
                client.send("GET", "/openapi.json", [RIGHTS])
                client.socket.sendall(refused + b"x" * 300000)
                client.socket.sendall(b"x" * 300000)
                self.assertEqual(client.read().body, whole)
                self.assertEqual(client.read().status, status)
                self.assertFalse(client.more())

    def test_who_goes_leaves_nothing_behind_an_older_connection(self):
        self.make_channel("demo", "app")
        oldest = [self.daemon.client() for _ in range(8)]
        for client in oldest:
            client.ask("GET", "/healthcheck")
        for _ in range(20):
            path = self.make_session("demo", tail=True)
            with self.daemon.client() as reader:
                reader.send("GET", path)
                self.assertEqual(reader.read_head().status, 200)
        for _ in range(20):
            with self.daemon.client() as client:
                client.send("GET", "/livez?" + "a&" * 3000)
        self.wait_until(lambda: connections(oldest[0]) == len(oldest),
                        "descriptors of those who have gone")


def waiting(port):
    """How many connections to a port that is listened on nobody has taken."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        for row in table.readlines()[1:]:
            _, local, _, state, queues = row.split()[:5]
            if state == "0A" and local.endswith(":%04X" % port):
                return int(queues.split(":")[1], 16)
    raise LookupError("nobody listens on port %d" % port)


class Descriptors(DaemonTest):
    """Of which there are fewer than peers, for a while. What one worker gives up
    to refuse somebody, another may take."""
    FLAGS = ["--workers", "2"]
    LEFT, PEERS, SECONDS = 20, 8, 2

    def come_and_go(self, address, end):
        mine = []
        while time.monotonic() < end:
            try:
                mine.append(socket.create_connection(address, timeout=1))
            except OSError:
                pass  # refused: there are no descriptors
            if len(mine) > 2 * self.LEFT:
                for one in mine:
                    one.close()
                mine.clear()
        for one in mine:
            one.close()

    def open_count(self):
        return len(os.listdir("/proc/%d/fd" % self.daemon.process.pid))

    def check(self, kind):
        at_rest = self.open_count()
        most = at_rest + self.LEFT
        _, hard = resource.prlimit(self.daemon.process.pid,
                                   resource.RLIMIT_NOFILE)
        resource.prlimit(self.daemon.process.pid, resource.RLIMIT_NOFILE,
                         (most, hard))
        end = time.monotonic() + self.SECONDS
        peers = [threading.Thread(target=self.come_and_go,
                                  args=(self.daemon.address(kind), end))
                 for _ in range(self.PEERS)]
        for one in peers:
            one.start()
        for one in peers:
            one.join()
        self.wait_until(lambda: self.open_count() <= at_rest,
                        "descriptors of those who have gone")
        self.assertIn("event=no_descriptors kind=%s" % kind,
                      "".join(self.daemon.log))
        # Of those who have gone, some may still wait to be taken.
        self.wait_until(lambda: waiting(self.daemon.address(kind)[1]) == 0)
        self.wait_until(lambda: self.ask("GET", "/livez").body == b"OK")

    def test_what_drains_need_is_not_for_peers(self):
        """Nor what names, questions and the catalog do."""
        self.daemon.stop()
        with tempfile.TemporaryDirectory() as folder:
            limited = os.path.join(folder, "limited")
            with open(limited, "w") as script:
                script.write('#!/bin/sh\nulimit -n 300\nexec "%s" "$@"\n' %
                             os.path.abspath(logplexd.PROGRAM))
            os.chmod(limited, 0o700)
            with unittest.mock.patch.object(logplexd, "PROGRAM", limited):
                self.start()
        token = self.make_channel("demo", "app")["app"]
        with HttpSink() as sink:
            client = self.daemon.client()
            answer = client.ask(
                "POST", "/v3/channels/demo/drains",
                [RIGHTS, ("Content-Type", "application/json")],
                json.dumps({"url": sink.url(host="localhost")}).encode())
            self.assertEqual(answer.status, 201, answer)
            peers = [socket.create_connection(self.daemon.address("syslog-tcp"))
                     for _ in range(400)]
            self.wait_until(lambda: "event=no_descriptors" in
                            "".join(self.daemon.log))
            answer = client.ask(
                "POST", "/logs",
                [("Content-Type", "application/logplex-1"),
                 ("Authorization", basic("token", token))],
                frames([line("a")]))
            self.assertEqual(answer.status, 204, answer)
            sink.wait_for(1)
            for one in peers:
                one.close()

    def test_peers_over_syslog_leave_it_well(self):
        self.check("syslog-tcp")

    def test_peers_over_http_leave_it_well(self):
        self.check("http")


class Lines(DaemonTest):
    """Plain requests with lines are read past libmicrohttpd, and what else comes
    over their connections is not."""
    FLAGS = ["--workers", "1", "--body-max", "4MiB"]

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]
        self.head = [("Content-Type", "application/logplex-1"),
                     ("Authorization", basic("token", self.token))]

    def send(self, client, texts, *headers):
        client.send("POST", "/logs", [*self.head, *headers],
                    frames([line(text) for text in texts]))

    def logs(self):
        return self.read_session("demo", num=1500)

    def test_a_connection_is_one_whatever_it_asks(self):
        client = self.daemon.client()
        self.send(client, "a")
        self.assertEqual(client.read().status, 204)
        for _ in range(2):
            self.assertEqual(client.ask("GET", "/healthcheck").body, b"OK")
            self.send(client, "b", ("Connection", "keep-alive"))
            self.assertEqual(client.read().status, 204)
        self.wait_until(lambda: connections(client) == 1)
        self.assertEqual(self.logs(), [shown(text) for text in "abb"])

    def test_requests_at_once_are_answered_in_turn(self):
        client = self.daemon.client()
        self.send(client, "a")
        self.send(client, "b", ("Logplex-Msg-Count", "2"))
        self.send(client, "c")
        client.send("GET", "/healthcheck")
        self.send(client, "d")
        self.assertEqual([client.read().status for _ in range(5)],
                         [204, 400, 204, 200, 204])
        self.assertEqual(self.logs(), [shown(text) for text in "acd"])

    def test_bodies_that_come_in_pieces_at_once_are_not_mixed_up(self):
        bodies = [frames([line(text * 3000)] * 200) for text in "abcd"]
        clients = [self.daemon.client() for _ in bodies]
        for number, (client, body) in enumerate(zip(clients, bodies)):
            client.send("POST", "/logs", [
                *self.head, ("Logplex-Msg-Count", str(200 + number % 2)),
                ("Content-Length", str(len(body)))])
        for at in range(0, len(bodies[0]), 70000):
            for client, body in zip(clients, bodies):
                client.socket.sendall(body[at:at + 70000])
        self.assertEqual([client.read().status for client in clients],
                         [204, 400, 204, 400])
        self.assertEqual(sorted(self.logs()),
                         [shown(text * 3000) for text in "ac" for _ in
                          range(200)])

    def test_a_head_may_come_byte_by_byte(self):
        client = self.daemon.client()
        body = frames([line("a")])
        text = "POST /logs HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n%s\r\n" \
            % (len(body), "".join("%s: %s\r\n" % one for one in self.head))
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in text.encode() + body:
            client.socket.sendall(bytes([byte]))
        self.assertEqual(client.read().status, 204)
        self.assertEqual(self.logs(), [shown("a")])

    def test_a_token_that_goes_while_a_body_comes_sends_nothing(self):
        client = self.daemon.client()
        body = frames([line("a" * 9000)] * 100)
        client.send("POST", "/logs", [
            *self.head, ("Content-Length", str(len(body)))])
        client.socket.sendall(body[:300000])
        self.wait_until(lambda: self.requests() == 1)
        path = "/v3/channels/demo/tokens/" + self.token
        self.assertEqual(self.ask("DELETE", path).status, 204)
        client.socket.sendall(body[300000:])
        self.assertEqual(client.read().status, 401)
        self.assertEqual(self.logs(), [])

    def requests(self):
        """Whose head has come, and whose answer has not gone."""
        metrics = self.ask("GET", "/metrics").body.decode()
        counts = re.findall(r"^logplex_http_(requests|responses_.xx)_total\S* "
                            r"(\d+)$", metrics, re.M)
        # The one that asks has not been answered either.
        return sum(int(count) if name == "requests" else -int(count)
                   for name, count in counts) - 1

    def test_who_goes_in_a_body_leaves_nothing(self):
        for _ in range(20):
            with self.daemon.client() as client:
                client.send("POST", "/logs", [
                    *self.head, ("Content-Length", "100000")])
                client.socket.sendall(b"x" * 70000)
        client = self.daemon.client()
        self.wait_until(lambda: connections(client) == 1)
        self.assertEqual(self.logs(), [])

    def test_a_large_head_is_a_head(self):
        client = self.daemon.client()
        self.send(client, "a", *[("X-%d" % n, "x" * 90) for n in range(60)])
        self.assertEqual(client.read().status, 204)
        self.send(client, "b")
        self.assertEqual(client.read().status, 204)
        self.assertEqual(self.logs(), [shown("a"), shown("b")])

    def test_a_refusal_leaves_the_connection_or_says_that_it_closes(self):
        client = self.daemon.client()
        for size in (60000, 70000):
            client.send("POST", "/logs", [], b"x" * size)
            answer = client.read()
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.headers.get("connection"),
                             "close" if size > 65536 else None)
        self.assertFalse(client.more())


class Turns(DaemonTest):
    """Who is read when more is ready than a turn of the loop reads. The order in
    which lines were appended tells it."""
    FLAGS = ["--workers", "1", "--channel-max", "128MiB", "--idle-timeout",
             "1h"]
    # Each turn's 256 KiB are not enough for the first five of them.
    GREEDY, GREEDY_BYTES, GREEDY_REQUESTS, MODEST = 8, 60000, 12, 4

    def setUp(self):
        super().setUp()
        self.token = self.make_channel("demo", "app")["app"]

    def request(self, text):
        body = frames([line(text)])
        return (b"POST /logs HTTP/1.1\r\nHost: here\r\n"
                b"Content-Type: application/logplex-1\r\n"
                b"Authorization: %s\r\nContent-Length: %d\r\n\r\n%s" %
                (basic("token", self.token).encode(), len(body), body))

    def connect(self, count):
        """Clients whom the worker knows by now."""
        clients = [self.daemon.client() for _ in range(count)]
        for client in clients:
            client.socket.sendall(self.request("first"))
            self.assertEqual(client.read().status, 204)
        return clients

    def fill(self, client):
        """With requests, which the kernels have room for."""
        one = self.request("greedy" + "x" * self.GREEDY_BYTES)
        for _ in range(self.GREEDY_REQUESTS):
            client.socket.sendall(one)

    def is_stopped(self):
        states = []
        for thread in os.scandir("/proc/%d/task" % self.daemon.process.pid):
            with open(thread.path + "/stat", encoding="ascii") as stat:
                states.append(stat.read().rsplit(")", 1)[1].split()[0])
        return set(states) == {"T"}

    def test_who_sends_without_end_starves_nobody(self):
        greedy = self.connect(self.GREEDY)
        modest = self.connect(self.MODEST)
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        self.wait_until(self.is_stopped)
        for client in greedy:
            self.fill(client)
        for client in modest:
            client.socket.sendall(self.request("modest"))
        os.kill(self.daemon.process.pid, signal.SIGCONT)
        for client in modest:
            self.assertEqual(client.read().status, 204)
        texts = [one.partition(": ")[2][:6] for one in
                 self.read_session("demo", num=1500)]
        last = max(n for n, one in enumerate(texts) if one == "modest")
        self.assertEqual(texts.count("modest"), self.MODEST)
        # Each of the others has had a turn before, and not all they have.
        self.assertLessEqual(texts[:last].count("greedy"), 2 * self.GREEDY)


class Halves(DaemonTest):
    FLAGS = ["--workers", "1"]
    # So many half frames of so many bytes are more than the 64 MiB that a worker
    # keeps of them.
    PEERS, HALF_BYTES = 1500, 50000

    def test_half_frames_beyond_what_is_kept_end_their_connections_alone(self):
        token = self.make_channel("demo", "app")["app"]
        least = self.PEERS + 200
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < least:
            resource.setrlimit(resource.RLIMIT_NOFILE, (least, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                            (soft, hard))
        half = b"60000 " + b"<13>1 " + b"x" * self.HALF_BYTES
        peers = []
        for _ in range(self.PEERS):
            peer = socket.create_connection(self.daemon.address("syslog-tcp"))
            self.addCleanup(peer.close)
            peer.sendall(half)
            peers.append(peer)
        api = self.daemon.client()

        def cut():
            text = api.ask("GET", "/metrics", [RIGHTS]).body.decode()
            return int(re.search(r"^logplex_connections_cut_total (\d+)$", text,
                                 re.M)[1])

        self.wait_until(lambda: cut() > 0)
        self.assertLess(cut(), self.PEERS // 2)
        self.assertEqual(self.post(token, [line("a")]).status, 204)
        self.assertEqual(self.read_session("demo"), [shown("a")])
        for peer in peers:
            peer.close()
        self.assertEqual(self.daemon.stop(), 0)


class Answers(DaemonTest):
    FLAGS = ["--workers", "1", "--aggregates", "off", "--bodies-max", "8MiB",
             "--body-max", "1MiB"]
    LARGE = "/v3/channels/demo/lines?limit=1000"

    def refused(self):
        text = self.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^logplex_http_answers_refused_total (\d+)$",
                             text, re.M)[1])

    def setUp(self):
        super().setUp()
        token = self.make_channel("demo", "app")["app"]
        self.post(token, [line("\1" * 15000, token)] * 60)
        self.assertGreater(len(self.ask("GET", self.LARGE).body), 3 << 20)

    def test_what_is_the_same_for_all_counts_for_nobody(self):
        for _ in range(50):
            taker = self.daemon.client(receive_buffer=4096)
            for _ in range(30):  # far more than the kernel has room for
                taker.send("GET", "/openapi.json")
        self.assertEqual(self.ask("GET", self.LARGE).status, 200)
        self.assertEqual(self.refused(), 0)

    def test_large_ones_that_nobody_takes_are_so_many_and_no_more(self):
        takers = []
        while self.refused() == 0 and len(takers) < 20:
            taker = self.daemon.client(receive_buffer=4096)
            for _ in range(3):  # the kernel may have room for the first
                taker.send("GET", self.LARGE, [RIGHTS])
            takers.append(taker)
            self.ask("GET", self.LARGE)
        answer = self.ask("GET", self.LARGE)
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertIn("--bodies-max", answer.json()["error"])
        self.assertEqual(self.ask("GET", "/v3/channels/demo").status, 200)
        for taker in takers:
            taker.close()
        self.wait_until(lambda: self.ask("GET", self.LARGE).status == 200)


class Slow(DaemonTest):
    """Likewise, of who says nothing for a while."""
    FLAGS = ["--workers", "1", "--body-timeout", "3s", "--idle-timeout", "1s"]

    def test_a_body_that_stalls_is_408_and_one_that_comes_slowly_is_not(self):
        token = self.make_channel("demo", "app")["app"]
        body = frames([line("a" * 400)])
        head = [("Content-Type", "application/logplex-1"),
                ("Authorization", basic("token", token)),
                ("Content-Length", str(len(body)))]
        stalled, slow = self.daemon.client(), self.daemon.client()
        stalled.send("POST", "/logs", head)
        stalled.socket.sendall(body[:-1])
        slow.send("POST", "/logs", head)
        for at in range(0, len(body), 50):  # for longer than the limit
            time.sleep(0.4)
            slow.socket.sendall(body[at:at + 50])
        self.assertEqual(slow.read().status, 204)
        self.assertEqual(stalled.read().status, 408)
        self.assertFalse(stalled.more())
        # And then it is idle.
        self.assertFalse(slow.more())
        self.assertEqual(self.read_session("demo"), [shown("a" * 400)])


if __name__ == "__main__":
    main()
