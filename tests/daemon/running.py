#!/usr/bin/env python3
"""docs/running.md is true: the unit and its environment start the daemon, exit
codes are what is said of them, and what is to be watched is there."""
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import documented  # noqa: E402
import logplexd  # noqa: E402

PAGE = "running.md"
WHERE = "/usr/local/bin/logplexd"
NO_SYSLOG = ["--syslog-tcp", "none", "--syslog-udp", "none"]


def unit():
    """Its lines by name."""
    return dict(re.findall(r"^(\w+)=(.*)$", documented.block(PAGE, "[Unit]"),
                           re.MULTILINE))


def run(words, environment=()):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("LOGPLEX_")}
    env.update(environment)
    return subprocess.run([logplexd.PROGRAM, *words], env=env, text=True,
                          capture_output=True, timeout=logplexd.PATIENCE_S)


class TheUnit(unittest.TestCase):
    def test_what_it_starts_is_in_order(self):
        environment = dict(
            one.split("=", 1) for one in
            documented.block(PAGE, "LOGPLEX_CREDENTIALS").splitlines())
        with tempfile.TemporaryDirectory() as folder:
            for name in ("ExecStartPre", "ExecStart"):
                program, *words = shlex.split(unit()[name])
                self.assertEqual(program, WHERE)
                at = words.index("--data") + 1
                self.assertEqual(os.path.basename(words[at]),
                                 unit()["StateDirectory"])
                words[at] = folder
                done = run([*words, *{"--check"}.difference(words)],
                           environment)
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("*:6001", done.stdout)

    def test_it_waits_for_longer_than_a_stop_may_take(self):
        limit = re.search(r"^shutdown_limit=(\d+)s$", run(["--check"]).stdout,
                          re.MULTILINE)
        self.assertGreater(int(unit()["TimeoutStopSec"]), int(limit[1]))


class ExitCodes(unittest.TestCase):
    def test_a_wrong_value_is_not_tried_again(self):
        self.assertEqual(str(run(["--workers", "0"]).returncode),
                         unit()["RestartPreventExitStatus"])

    def test_an_address_that_is_taken_is_69(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = run([*NO_SYSLOG, "--http",
                        "127.0.0.1:%d" % taken.getsockname()[1]])
        self.assertEqual(done.returncode, 69, done.stderr)

    def test_a_data_folder_that_can_t_be_had_is_73_or_74(self):
        with tempfile.NamedTemporaryFile() as file:
            for path, code in (("/nowhere/at/all", 73), (file.name, 74)):
                done = run([*NO_SYSLOG, "--http", "127.0.0.1:0",
                            "--data", path])
                self.assertEqual(done.returncode, code, done.stderr)


class Watching(logplexd.DaemonTest):
    def test_each_metric_is_there(self):
        told = self.ask("GET", "/metrics").body.decode()
        named = set(re.findall(r"`(logplex_\w+)", documented.text(PAGE)))
        self.assertGreater(len(named), 5)
        # There only with a certificate.
        named.remove("logplex_tls_certificate_not_after_seconds")
        for name in named:
            self.assertRegex(told, r"(?m)^%s[ {]" % name)


if __name__ == "__main__":
    logplexd.main()
