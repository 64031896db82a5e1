#!/usr/bin/env python3
"""Drains that go through the proxy which the environment names."""
import http.client
import os
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from draining import IMPATIENT, PATIENT, DrainTest, lost_lines, numbered
from logplexd import basic, main
from sinks import HttpSink

SECRET = "sesam8"
NOWHERE = "http://sink.invalid/logs?a=b"  # the proxy knows where that is
OF_THE_PROXY = ("proxy-authorization", "proxy-connection")


class Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        proxy = self.server
        proxy.targets.append(self.path)
        if self.headers["Proxy-Authorization"] != proxy.wanted:
            self.say(407)
        elif proxy.answer:
            self.say(proxy.answer)
        else:
            self.say(self.forward(body))

    def forward(self, body):
        target = urlsplit(self.path)
        sink = http.client.HTTPConnection("127.0.0.1", self.server.sink.port)
        try:
            sink.putrequest("POST", target.path + "?" + target.query,
                            skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in OF_THE_PROXY:
                    sink.putheader(name, value)
            sink.endheaders(body)
            return sink.getresponse().status
        finally:
            sink.close()

    def say(self, status):
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Proxy(ThreadingHTTPServer):
    """Sends on what is for any host to one sink, or gives an answer itself."""
    daemon_threads = True

    def __init__(self, sink):
        super().__init__(("127.0.0.1", 0), Asked)
        self.sink = sink
        self.wanted = basic("name", SECRET)
        self.answer = None
        self.targets = []
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def url(self):
        return "http://name:%s@127.0.0.1:%d/" % (SECRET, self.server_port)

    def end(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class ProxyTest(DrainTest):
    NO_PROXY = ""

    def start(self):
        self.behind = self.sink(HttpSink)
        self.proxy = Proxy(self.behind)
        self.addCleanup(self.proxy.end)
        self.ENVIRONMENT = {"http_proxy": self.proxy.url(),
                            "no_proxy": self.NO_PROXY}
        super().start()


class Proxied(ProxyTest):
    def test_the_proxy_gets_what_is_for_the_sink(self):
        drain = self.drain(NOWHERE)
        lines = numbered(1000)
        self.send(lines)
        self.assertEqual(self.settled(drain, len(lines))["failures"], 0)
        self.assertEqual(self.behind.texts(), lines)
        self.assertEqual(self.behind.accepted[0].target, "/logs?a=b")
        self.assertEqual(set(self.proxy.targets), {NOWHERE})

    def test_what_a_proxy_says_of_itself_loses_nothing(self):
        self.proxy.wanted = "another one"
        drain = self.drain(NOWHERE)
        self.send(["a", "b"])
        self.wait_for_status(drain, lambda one: one["failures"] > 1)
        self.proxy.wanted = basic("name", SECRET)
        status = self.settled(drain, 2)
        self.assertEqual(lost_lines(status), 0)
        self.assertIn("407", status["last_error"])
        self.assertEqual(self.behind.texts(), ["a", "b"])

    def test_its_password_is_told_to_nobody_else(self):
        self.proxy.answer = 502
        drain = self.drain(NOWHERE)
        self.send(["a"])
        status = self.wait_for_status(drain, lambda one: one["failures"] > 0)
        for text in (*self.daemon.log, str(status)):
            self.assertNotIn(SECRET, text)


class ProxiedAndDenied(ProxyTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.FLAGS = [*PATIENT, "--data", folder.name]
        super().setUp()

    def test_it_leads_nowhere_that_is_denied(self):
        drain = self.drain("http://192.0.2.7/")
        self.daemon.stop()
        self.FLAGS = [*self.FLAGS, "--drain-deny", "192.0.2.0/24"]
        self.start()
        for host in ("0xa9fea9fe", "169.254.169.254", "192.0.2.8"):
            answer = self.ask_json("POST", "/v3/channels/demo/drains",
                                   {"url": "http://%s/" % host})
            self.assertEqual(answer.status, 400, answer)
        self.send(["a"])
        status = self.wait_for_status(drain, lambda one: one["failures"] > 0)
        self.assertIn("may not be connected to", status["last_error"])
        self.assertEqual(self.proxy.targets, [])


class Unproxied(ProxyTest):
    NO_PROXY = "127.0.0.1"

    def test_whom_no_proxy_names_is_asked_himself(self):
        drain = self.drain(self.behind.url("/logs"))
        self.send(["a"])
        self.settled(drain, 1)
        self.assertEqual(self.behind.texts(), ["a"])
        self.assertEqual(self.proxy.targets, [])


class NoProxy(DrainTest):
    """What the environment names is none."""

    def setUp(self):
        """Each has an environment of its own."""

    def check(self, proxy):
        self.ENVIRONMENT = {"http_proxy": proxy}
        super().setUp()
        drain = self.drain(NOWHERE)
        self.send(["a"])
        status = self.wait_for_status(drain, lambda one: one["failures"] > 0)
        self.wait_until(lambda: "drain_failing" in "".join(self.daemon.log))
        for text in (*self.daemon.log, str(status)):
            self.assertNotIn(SECRET, text)
        self.assertIn("proxy", status["last_error"])
        self.assertEqual(lost_lines(status), 0)

    def test_a_port_that_is_none(self):
        self.check("http://name:%s@127.0.0.1:99999" % SECRET)

    def test_a_port_that_is_none_without_a_scheme(self):
        self.check("name:%s@127.0.0.1:99999" % SECRET)

    def test_a_scheme_that_nobody_knows(self):
        self.check("nonsense://name:%s@127.0.0.1:1" % SECRET)


if __name__ == "__main__":
    main()
