#!/usr/bin/env python3
"""logplexd --demo: what it makes, sends and tells. Usage: demo.py LOGPLEXD"""
import os
import re
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import logplexd  # noqa: E402
import prometheus  # noqa: E402

APPS = ("shop", "api", "checkout", "mailer", "blog", "warehouse")
RATE = 3000


def run(*flags, environment=None):
    """Exit code and stderr of a daemon that does not get far."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("LOGPLEX_") and k != "PORT"}
    env.update(environment or {})
    done = subprocess.run([logplexd.PROGRAM, *flags], env=env,
                          capture_output=True, text=True,
                          timeout=logplexd.PATIENCE_S)
    return done.returncode, done.stderr


class Demo(logplexd.DaemonTest):
    FLAGS = ["--demo", "--demo-rate", str(RATE), "--workers", "2"]

    def accepted(self):
        tcp = self.ledger()["listeners"]["syslog_tcp"]
        return tcp["accepted_lines"]

    def wait_for_lines(self, count):
        self.wait_until(lambda: self.accepted() >= count)

    def test_every_line_is_taken_and_each_app_has_its_channel(self):
        self.wait_for_lines(4 * RATE)
        ledger = self.settled_ledger()
        tcp = ledger["listeners"]["syslog_tcp"]
        self.assertEqual(sum(tcp["rejected_lines"].values()), 0, tcp)
        frames = tcp["frames"]
        self.assertEqual(frames["octet"], tcp["received_lines"], tcp)
        self.assertEqual(sum(frames.values()), frames["octet"], tcp)
        for app in APPS:
            answer = self.ask("GET", "/v3/channels/%s/logs?num=1500" % app)
            self.assertEqual(answer.status, 200, app)
            self.assertGreater(int(answer.headers["logplex-msg-count"]), 0)
            lines = answer.body.decode()
            self.assertIn(" host app ", lines)
            self.assertIn(" host heroku ", lines)
            self.assertRegex(lines, r" host heroku router - \S.*status=\d{3} ")
            tokens = self.ask("GET", "/v3/channels/" + app).json()["tokens"]
            self.assertEqual(set(tokens), {"app", "heroku"})

    def test_lines_go_on_and_can_be_followed(self):
        events = self.tail_events("shop")
        self.assertTrue(all(event.name == "message"
                            for event in events.take(200)))

    def drains(self):
        return [drain for app in APPS
                for drain in self.ask("GET", "/v3/channels/" + app).json()
                .get("drains", [])]

    def test_two_channels_have_a_drain_that_delivers(self):
        drains = self.drains()
        self.assertEqual(len(drains), 2)
        for drain in drains:
            self.assertRegex(drain["url"], r"^syslog://127\.0\.0\.1:\d+")
        delivered = "logplex_drain_delivered_lines_total"
        self.wait_until(lambda: prometheus.parse(
            self.ask("GET", "/metrics").body.decode())[
                delivered, None] > RATE)

    def test_a_demo_with_a_reader_ends_at_once(self):
        self.wait_for_lines(100)
        self.tail_events("api").take(1)
        self.daemon.process.send_signal(signal.SIGINT)
        self.assertEqual(self.daemon.process.wait(logplexd.PATIENCE_S), 0)
        self.daemon.reader.join(logplexd.PATIENCE_S)
        log = "".join(self.daemon.log)
        self.assertIn("event=stopped clean=true", log)
        self.assertNotIn("level=error", log)
        self.assertNotIn("event=demo_", log)

    def test_a_real_sender_has_its_channel_beside_it(self):
        token = self.make_channel("mine", "app")["app"]
        self.assertEqual(self.post(token, [logplexd.line("hello")]).status, 204)
        self.assertEqual(self.read_session("mine"), [logplexd.shown("hello")])


class Beginning(unittest.TestCase):
    def demo(self, *flags):
        daemon = subprocess.Popen(
            [logplexd.PROGRAM, *logplexd.LISTEN, "--demo", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.stdout.close)
        self.addCleanup(daemon.wait, logplexd.PATIENCE_S)
        self.addCleanup(daemon.kill)
        return daemon

    def test_it_tells_what_there_is_and_where(self):
        daemon = self.demo()
        told = ""
        for line in daemon.stdout:
            told += line
            if line.startswith("End it"):
                break
        daemon.terminate()
        self.assertEqual(daemon.wait(logplexd.PATIENCE_S), 0)
        port = re.search(r"kind=http address=127.0.0.1:(\d+)",
                         daemon.stderr.read())[1]
        self.assertIn("open http://127.0.0.1:%s/\n" % port, told)
        self.assertIn("http://127.0.0.1:%s/v3/channels/shop/logs" % port, told)
        for app in APPS:
            self.assertRegex(told, r"(?m)^    %s +\S" % app)

    def test_a_port_in_use_is_named_with_the_way_out(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            at = "127.0.0.1:%d" % taken.getsockname()[1]
            code, log = run("--demo", "--http", at, *logplexd.LISTEN[2:])
            self.assertEqual(code, 69)
            self.assertRegex(log, r"event=bind_failed kind=http address=%s "
                             r'why="Address already in use" '
                             r'help="--http ADDR:PORT"' % at)

    def test_what_it_can_not_go_with_is_refused(self):
        for flags, environment, why in (
                (["--data", "keep"], {}, '--data "keep"'),
                ([], {"LOGPLEX_DATA": "keep"}, '--data "keep"'),
                (["--http", "0.0.0.0:1"], {}, '--http is "0.0.0.0:1"'),
                ([], {"PORT": "5000"}, '--http is "0.0.0.0:5000"'),
                (["--syslog-udp", "*:1"], {}, '--syslog-udp is "*:1"'),
                (["--syslog-tcp", "none"], {}, "--syslog-tcp is none"),
                (["--http", "none"], {}, "--http is none"),
                (["--demo-rate", "20001"], {}, "out of range"),
                (["--demo=yes"], {}, "it takes none")):
            code, told = run("--demo", *flags, environment=environment)
            self.assertEqual(code, 64, told)
            self.assertIn(why, told)
            self.assertIn("allowed: ", told)
        self.assertFalse(os.path.exists("keep"))

    def test_channels_for_which_there_is_no_room_end_it(self):
        code, log = run("--demo", "--channels-max", "3", *logplexd.LISTEN)
        self.assertNotEqual(code, 0)
        self.assertRegex(log, "event=start_failed what=demo_channels why=")


if __name__ == "__main__":
    logplexd.main()
