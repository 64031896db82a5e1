#!/usr/bin/env python3
"""What a connection brings that no sensible client would send."""
import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import OWNER, DaemonTest, basic, main

RIGHTS = ("Authorization", basic(*OWNER))
EXPECT = ("Expect", "100-continue")


class Requests(DaemonTest):
    FLAGS = ["--idle-timeout", "1h"]

    def test_a_tunnel_is_no_method_that_any_path_knows(self):
        client = self.daemon.client()
        answer = client.ask("CONNECT", "/healthcheck")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET, HEAD, POST", answer.headers["allow"])
        # A 2xx would have no length, and this be read out of its middle.
        self.assertEqual(client.ask("GET", "/healthcheck").body, b"OK")

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
        self.wait_until(lambda: self.connections(oldest[0]) == len(oldest),
                        "descriptors of those who have gone")

    def connections(self, client):
        """As they are told over one of them."""
        text = client.ask("GET", "/metrics", [RIGHTS]).body.decode()
        return int(re.search(r"^logplex_http_connections (\d+)$", text,
                             re.M)[1])


if __name__ == "__main__":
    main()
