#!/usr/bin/env python3
"""Drains whose names no server answers for hold up no drain whose name is known.

The test runs itself in namespaces of its own (unshare(1), as anybody may where
the kernel lets them): there /etc/resolv.conf names a server on loopback that
hears all and says nothing, and /etc/hosts knows one name.
"""
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from draining import IMPATIENT, DrainTest, numbered
from sinks import SyslogSink

HANGING = 40
INSIDE = "--inside"
UNSHARE = ["unshare", "--map-root-user", "--mount", "--net"]
FILES = {"/etc/resolv.conf": "nameserver 127.0.0.1\n",
         "/etc/hosts": "127.0.0.1 localhost good.test\n",
         "/etc/nsswitch.conf": "hosts: files dns\n"}


class SilentServer:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.socket.setblocking(False)

    def questions(self):
        """The names that it has been asked for since, as they are spelt."""
        asked = set()
        while True:
            try:
                asked.add(self.socket.recv(512)[13:].split(b"\x04test")[0])
            except BlockingIOError:
                return asked


class Names(DrainTest):
    FLAGS = [*IMPATIENT, "--drains-max", str(HANGING + 1)]

    def test_a_name_that_is_known_is_not_held_up(self):
        server = SilentServer()
        self.addCleanup(server.socket.close)
        sink = self.sink(SyslogSink)
        hanging = [self.drain("syslog://hangs%d.test:514" % n)
                   for n in range(HANGING)]
        self.send(numbered(1))
        asked = set()
        self.wait_until(lambda: asked.update(server.questions()) or
                        len(asked) == HANGING, "all of them are asked for")
        good = self.drain(sink.url(host="good.test"))
        self.send(numbered(100, 1))
        sink.wait_for(100)
        self.assertEqual(sink.texts(), numbered(100, 1))
        self.assertEqual(self.settled(good, 100)["failures"], 0)
        for drain in hanging:
            status = self.wait_for_status(drain, lambda one: one["last_error"])
            self.assertEqual(status["last_error"],
                             "its name was not looked up in time")
        # The end does not depend on look-ups that hang, either.
        self.assertEqual(self.daemon.stop(), 0)


class Requests(DrainTest):
    FLAGS = [*IMPATIENT, "--workers", "1"]

    def test_a_request_that_gives_its_name_up_holds_up_nobody(self):
        server = SilentServer()
        self.addCleanup(server.socket.close)
        drains = {"https": self.drain("https://hangs.test/"),
                  "http": self.drain("http://hangs.test/")}
        self.send(numbered(1))
        self.wait_until(server.questions, "it is asked for")
        waits_s = []
        end = time.monotonic() + 3  # the look-up takes ten seconds
        while time.monotonic() < end:
            began = time.monotonic()
            status = {scheme: self.status(drain)
                      for scheme, drain in drains.items()}
            waits_s.append(time.monotonic() - began)
        self.assertLess(max(waits_s), 1)
        self.assertIn("Resolving timed out", status["https"]["last_error"])
        # libcurl has a thread for each look-up, so there is one at a time.
        self.assertEqual(status["https"]["failures"], 1)
        self.assertEqual(status["http"]["last_error"],
                         "its name was not looked up in time")
        self.assertEqual(self.daemon.stop(), 0)


def mount_over(path, text, folder):
    name = os.path.join(folder, os.path.basename(path))
    with open(name, "w", encoding="ascii") as file:
        file.write(text)
    subprocess.run(["mount", "--bind", name, path], check=True)


def run_outside():
    """In namespaces, if there can be some."""
    missing = [path for path in FILES if not os.path.exists(path)]
    if missing:
        print("SKIP: there is no %s to put another one over" % missing[0])
        return 77
    tried = subprocess.run([*UNSHARE, "ip", "link", "set", "lo", "up"],
                           capture_output=True, check=False, text=True)
    if tried.returncode != 0:
        print("SKIP: there are no namespaces for it: " + tried.stderr.strip())
        return 77
    return subprocess.run([*UNSHARE, sys.executable, "-B", __file__, INSIDE],
                          check=False).returncode


if __name__ == "__main__":
    if INSIDE not in sys.argv:
        sys.exit(run_outside())
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as FOLDER:
        for PATH, TEXT in FILES.items():
            mount_over(PATH, TEXT, FOLDER)
        unittest.main(argv=sys.argv[:1])
