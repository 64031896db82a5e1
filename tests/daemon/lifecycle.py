#!/usr/bin/env python3
"""How the daemon starts, listens, reloads and stops. Usage: lifecycle.py LOGPLEXD"""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "logplexd"
PATIENCE_S = 30
LISTEN = ["--http", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0",
          "--syslog-udp", "127.0.0.1:0"]


class Daemon:
    """One logplexd of ours, from its first line to its exit code."""

    def __init__(self, *flags, closed=(), file_size=None):
        def prepare():
            for fd in closed:
                os.close(fd)
            if file_size:
                resource.setrlimit(resource.RLIMIT_FSIZE,
                                   (file_size, file_size))
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # not Python's

        self.process = subprocess.Popen([PROGRAM, *flags], preexec_fn=prepare,
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []

    def wait_for(self, event):
        """The next line with this event; fails at the end of the log."""
        for line in self.process.stderr:
            self.lines.append(line)
            if f" event={event} " in line + " ":
                return line
        raise AssertionError(f"no event={event} in {self.lines}")

    def addresses(self, kind):
        found = re.findall(rf"event=listening kind={kind} address=(\S+):(\d+)",
                           "".join(self.lines))
        return [(host.strip("[]"), int(port)) for host, port in found]

    def http(self):
        return socket.create_connection(self.addresses("http")[0], PATIENCE_S)

    def end(self):
        """Reads the log to its end, so that the pipe never fills."""
        self.lines += self.process.stderr.readlines()
        self.process.stderr.close()
        return self.process.wait(PATIENCE_S)


class Lifecycle(unittest.TestCase):
    def start(self, *flags):
        daemon = Daemon(*flags)
        self.addCleanup(daemon.process.stderr.close)
        self.addCleanup(daemon.process.wait, PATIENCE_S)
        self.addCleanup(daemon.process.kill)
        daemon.wait_for("ready")
        return daemon

    def ask(self, connection, rest=b""):
        connection.sendall(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n" + rest +
                           b"\r\n")
        answer = connection.recv(4096)
        self.assertTrue(answer.startswith(b"HTTP/1.1 404 "), answer)

    def test_every_listener_is_told_once_with_its_real_port(self):
        for workers in ("1", "3"):
            daemon = self.start(*LISTEN, "--http", "[::1]:0",
                                "--workers", workers)
            for kind, count in (("http", 2), ("syslog-tcp", 1),
                                ("syslog-udp", 1)):
                ports = [port for _, port in daemon.addresses(kind)]
                self.assertEqual(len(ports), count, daemon.lines)
                self.assertNotIn(0, ports)
            for address in daemon.addresses("http"):
                with socket.create_connection(address, PATIENCE_S) as c:
                    self.ask(c)
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.end(), 0)

    def test_both_spellings_of_a_listener_are_served(self):
        daemon = self.start("--listen-http", "127.0.0.1:0", *LISTEN,
                            "--listen-http", "127.0.0.1:0")
        addresses = daemon.addresses("http")
        self.assertEqual(len(set(addresses)), 3)
        for address in addresses:
            with socket.create_connection(address, PATIENCE_S) as c:
                self.ask(c)

    def test_the_any_address_of_ipv6_takes_ipv4_too(self):
        daemon = self.start("--http", "[::]:0", *LISTEN[2:])
        port = daemon.addresses("http")[0][1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), PATIENCE_S) as c:
                self.ask(c)
        daemon.process.send_signal(signal.SIGINT)
        self.assertEqual(daemon.end(), 0)

    def test_an_address_in_use_is_named_and_the_exit_is_69(self):
        first = self.start(*LISTEN)
        for kind, flag in (("http", "--http"), ("syslog-tcp", "--syslog-tcp"),
                           ("syslog-udp", "--syslog-udp")):
            host, port = first.addresses(kind)[0]
            flags = dict(zip(LISTEN[::2], LISTEN[1::2]))
            flags[flag] = f"{host}:{port}"
            second = Daemon(*[word for pair in flags.items() for word in pair])
            self.assertEqual(second.end(), 69, second.lines)
            self.assertRegex("".join(second.lines),
                             rf"event=bind_failed kind={kind} "
                             rf"address={host}:{port} why=\"Address already")
        self.assertIsNone(first.process.poll())

    def test_a_stop_closes_idle_connections_and_takes_no_new_ones(self):
        daemon = self.start(*LISTEN)
        with daemon.http() as idle:
            self.ask(idle)
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.recv(100), b"")
        self.assertEqual(daemon.end(), 0)
        self.assertIn("event=stopped", daemon.lines[-1])
        with self.assertRaises(OSError):
            daemon.http()

    def stalled(self, daemon):
        """A request that never gets to its end."""
        connection = daemon.http()
        self.addCleanup(connection.close)
        connection.sendall(b"POST /v3/sessions HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: 100\r\n\r\nhalf")
        time.sleep(0.2)

    def test_what_does_not_finish_within_the_limit_is_cut_and_counted(self):
        daemon = self.start(*LISTEN, "--workers", "1",
                            "--shutdown-limit", "2s")
        self.stalled(daemon)
        since = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0, daemon.lines)
        took_s = time.monotonic() - since
        self.assertTrue(1 < took_s < 2.5, took_s)
        self.assertRegex("".join(daemon.lines),
                         "event=cut worker=0 http_connections=1")

    def test_a_second_signal_ends_it_at_once(self):
        daemon = self.start(*LISTEN)
        self.stalled(daemon)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for("stopping")
        since = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.end(), -signal.SIGTERM)  # died of it
        self.assertLess(time.monotonic() - since, 2)

    def test_what_the_log_holds_back_is_told_soon(self):
        daemon = self.start(*LISTEN, "--workers", "1", "--connections-max", "1")
        peers = [socket.create_connection(daemon.addresses("syslog-tcp")[0],
                                          PATIENCE_S) for _ in range(40)]
        for peer in peers:
            self.addCleanup(peer.close)
        refused = 0
        while refused < 39:  # the tenth line of a second is its last
            told = daemon.wait_for("connection_refused")
            held_back = re.search(r"suppressed=(\d+)", told)
            refused += 1 if " why=" in told else 0
            refused += int(held_back[1]) if held_back else 0
        self.assertEqual(refused, 39)

    def test_a_hang_up_reloads_and_nothing_is_interrupted(self):
        daemon = self.start(*LISTEN)
        with daemon.http() as connection:
            self.ask(connection)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait_for("reloaded")
            self.ask(connection)

    def test_a_standard_stream_that_is_closed_is_nobody_elses(self):
        for closed in ((0,), (1,), (0, 1)):
            with self.subTest(closed):
                daemon = Daemon(*LISTEN, closed=closed)
                self.addCleanup(daemon.process.kill)
                daemon.wait_for("ready")
                for fd in closed:
                    path = f"/proc/{daemon.process.pid}/fd/{fd}"
                    self.assertEqual(os.readlink(path), "/dev/null")
                daemon.process.send_signal(signal.SIGTERM)
                self.assertEqual(daemon.end(), 0)

    def test_without_a_stderr_it_runs_and_stops_as_ever(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        daemon = Daemon("--http", f"127.0.0.1:{port}", *LISTEN[2:],
                        closed=(0, 1, 2))
        self.addCleanup(daemon.process.kill)
        self.assertTrue(self.answers(port))
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.end(), 0)

    def answers(self, port):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", port)) as c:
                    self.ask(c)
                return True
            except ConnectionRefusedError:
                time.sleep(0.02)
        return False

    def test_a_limit_on_the_size_of_files_is_a_503_and_no_death(self):
        with tempfile.TemporaryDirectory() as data:
            daemon = Daemon(*LISTEN, "--data", data, file_size=200 * 1024)
            self.addCleanup(daemon.process.kill)
            daemon.wait_for("ready")
            statuses = set()
            for i in range(60):
                names = ",".join(f'"n{i}-{j}"' for j in range(200))
                statuses.add(self.put_channel(daemon, i,
                                              f'{{"tokens":[{names}]}}'))
                if 503 in statuses:
                    break
            self.assertEqual(statuses, {201, 503})
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.end(), 0, daemon.lines)

    def put_channel(self, daemon, i, body):
        with daemon.http() as connection:
            connection.sendall(
                f"PUT /v3/channels/c{i} HTTP/1.1\r\nHost: localhost\r\n"
                f"Content-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
            return int(connection.recv(4096).split()[1])

    def test_a_low_limit_of_descriptors_is_told_and_no_warning(self):
        daemon = self.start(*LISTEN, "--connections-max", "2000000")
        told = "".join(daemon.lines)
        self.assertRegex(told, "level=info .*event=descriptor_limit ")


if __name__ == "__main__":
    unittest.main()
