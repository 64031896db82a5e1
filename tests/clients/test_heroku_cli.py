#!/usr/bin/env python3
"""The Heroku CLI from npm, unmodified, set up by its environment alone, shows
a channel as if it were an app."""
import os
import re
import subprocess
import unittest

import programs
from cutting_proxy import CuttingProxy
from feed import Feed, frame, send
from logplexd import OWNER, DaemonTest

KEY = OWNER[1]
TAIL_LINES = 10000
TAIL_LINES_PER_S = 2000
CUT_LINES = 3000
CUT_LINES_PER_S = 500
CUTS = 3
# What `heroku logs` prints of a line, when no colours are asked for.
SHOWN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 "
                   r"(\S+)\[(\S+)\]: (.*)")


class Cli(DaemonTest):
    # A tail that was cut is away for a second or more: it finds what came then
    # in the history, if that is long enough.
    FLAGS = ["--history-lines", "20000"]

    def setUp(self):
        super().setUp()
        self.heroku = programs.find("heroku")
        self.tokens = self.make_channel("demo", "app", "router")
        self.http_port = self.daemon.address()[1]
        self.tcp_port = self.daemon.address("syslog-tcp")[1]
        self.home = programs.folder(self)
        # It speaks of its terms of service once in each home.
        cache = os.path.join(self.home, ".cache", "heroku")
        os.makedirs(cache)
        with open(os.path.join(cache, "terms-of-service"), "wb"):
            pass

    def environment(self, port=None, key=KEY):
        return {"PATH": os.environ["PATH"], "HOME": self.home,
               "HEROKU_HOST": "http://127.0.0.1:%d" % (
                   port or self.http_port),
               "HEROKU_API_KEY": key, "HEROKU_LOGS_COLOR": "0",
               "DISABLE_TELEMETRY": "true", "IS_HEROKU_TEST_ENV": "true",
               "HEROKU_SKIP_ANALYTICS": "1", "HEROKU_DISABLE_AUTOUPDATE": "1",
               "HEROKU_SKIP_NEW_VERSION_CHECK": "1"}

    def send(self, lines, source="app", procid="web.1"):
        """Sends them, and waits until they can be seen."""
        before = self.ledger()["engine"]["appended_lines"]
        send(self.tcp_port,
             [frame(self.tokens[source], line, procid) for line in lines])
        programs.wait_until(
            lambda: self.ledger()["engine"]["appended_lines"] ==
            before + len(lines), 10, "the lines to be taken in")

    def run_cli(self, *words, key=KEY):
        return subprocess.run(
            [self.heroku, *words], env=self.environment(key=key), timeout=60,
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8")

    def run_logs(self, *options, key=KEY, app="demo"):
        return self.run_cli("logs", "-a", app, *options, key=key)

    def says(self, *words):
        """What it prints, in lines without blanks around them."""
        done = self.run_cli(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.strip() for line in done.stdout.splitlines()
                if line.strip()]

    def shown(self, text):
        """(source, process, message) of each line; every line is one."""
        parts = [SHOWN.fullmatch(line) for line in text.splitlines()]
        self.assertTrue(all(parts), text[-2000:])
        return [match.groups() for match in parts]

    def logs(self, *options):
        done = self.run_logs(*options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return self.shown(done.stdout)

    def tail(self, port=None):
        """The running CLI; its tail is open when lines may be sent."""
        tails = self.ledger()["tails"]["opened"]
        cli = programs.Running(
            [self.heroku, "logs", "-a", "demo", "--tail"], self.home,
            self.environment(port))
        self.addCleanup(cli.__exit__)
        cli.__enter__()
        programs.wait_until(
            lambda: self.ledger()["tails"]["opened"] > tails, 30,
            lambda: "the tail to open: %r" % cli.output())
        return cli

    def assert_tailed(self, cli, count, limit_s):
        want = [("app", "web.1", "line %d" % i) for i in range(1, count + 1)]
        programs.wait_until(
            lambda: cli.output().count(b"\n") >= count, limit_s,
            lambda: "%d lines: %d are printed, %r" % (
                count, cli.output().count(b"\n"), cli.output()[-300:]))
        cli.__exit__()
        self.assertEqual(self.shown(cli.output().decode()), want)

    def test_n_5_prints_the_last_five_lines(self):
        self.send(["line %d" % i for i in range(1, 41)])
        self.assertEqual(self.logs("-n", "5"), [
            ("app", "web.1", "line %d" % i) for i in range(36, 41)])

    def test_without_a_number_it_prints_the_last_hundred(self):
        self.send(["line %d" % i for i in range(1, 121)])
        self.assertEqual(self.logs(), [
            ("app", "web.1", "line %d" % i) for i in range(21, 121)])

    def test_lines_come_as_they_were_sent(self):
        odd = ["Grüße, 世界 🚀", "key=\"a value\" <b>&amp;</b>",
               "[x@1 y=\"z\"] not data", "at=error code=H12 desc=\"…\""]
        self.send(odd)
        self.assertEqual([m for _, _, m in self.logs("-n", "4")], odd)

    def test_source_and_dyno_filters(self):
        for i in range(1, 21):
            self.send(["web %d" % i])
            self.send(["routed %d" % i], "router", "router.3")
            self.send(["worked %d" % i], "app", "worker.%d" % (i % 2 + 1))
        self.assertEqual(self.logs("--source", "router", "-n", "3"), [
            ("router", "router.3", "routed %d" % i) for i in (18, 19, 20)])
        self.assertEqual(self.logs("--dyno-name", "web.1", "-n", "2"), [
            ("app", "web.1", "web 19"), ("app", "web.1", "web 20")])
        self.assertEqual(self.logs("--process-type", "worker", "-n", "2"), [
            ("app", "worker.2", "worked 19"), ("app", "worker.1", "worked 20")])
        self.assertEqual(
            self.logs("-s", "app", "--dyno-name", "worker.2", "-n", "1"),
            [("app", "worker.2", "worked 19")])
        self.assertEqual(self.logs("--source", "nobody"), [])

    def test_an_unknown_app_is_told_as_such(self):
        done = self.run_logs("-n", "5", app="nowhere")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Couldn't find that app.", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_wrong_key_is_told_as_such(self):
        done = self.run_logs("-n", "5", key="not-the-key")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("The token provided to HEROKU_API_KEY is invalid.", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_apps_are_channels_and_whoami_is_the_credential(self):
        self.make_channel("other")
        self.assertEqual(self.says("auth:whoami"), ["owner"])
        for words in (["apps"], ["apps", "--all"]):
            shown = self.says(*words)
            self.assertEqual(shown[0], "=== owner Apps")
            self.assertEqual(sorted(shown[1:]), ["demo", "other"])

    def test_drains_are_added_listed_and_removed(self):
        url = "https://user:pa%20ss@127.0.0.1:5998/logs?x=1"
        self.assertEqual(self.says("drains:add", url, "-a", "demo"),
                         ["Successfully added drain " + url])
        again = self.run_cli("drains:add", url, "-a", "demo")
        self.assertNotEqual(again.returncode, 0)
        self.assertIn("Url has already been taken", again.stderr)
        shown = self.says("drains", "-a", "demo")
        self.assertEqual(shown[0], "=== Drains")
        token = re.fullmatch(re.escape(url) + r" \((d\.[0-9a-f-]{36})\)",
                             shown[1])[1]
        self.assertIn("drain_id=1", self.says("drains", "-a", "demo", "-x")[1])
        self.assertEqual(self.says("drains:remove", url, "-a", "demo"),
                         ["Successfully removed drain " + url])
        self.says("drains:add", url, "-a", "demo")
        other = self.says("drains", "-a", "demo")[1]
        self.assertNotIn(token, other)
        self.says("drains:remove", re.search(r"d\.[0-9a-f-]{36}", other)[0],
                  "-a", "demo")
        self.assertEqual(self.says("drains", "-a", "demo"), [])

    def test_a_drain_that_leads_nowhere_is_told_as_such(self):
        done = self.run_cli("drains:add", "ftp://example.org/", "-a", "demo")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ftp", done.stderr)
        done = self.run_cli("drains:remove", "nothing", "-a", "demo")
        self.assertIn("Couldn't find that log drain.", done.stderr)

    def test_a_tail_prints_each_of_ten_thousand_lines_once(self):
        cli = self.tail()
        feed = Feed(self.tcp_port, self.tokens["app"],
                    TAIL_LINES, TAIL_LINES_PER_S)
        feed.start()
        feed.join(30)
        self.assertEqual(feed.sent, TAIL_LINES)
        self.assert_tailed(cli, TAIL_LINES, 30)

    def test_a_tail_that_is_cut_goes_on_where_it_was(self):
        proxy = CuttingProxy(self.http_port)
        self.addCleanup(proxy.close)
        cli = self.tail(proxy.port)
        feed = Feed(self.tcp_port, self.tokens["app"], CUT_LINES,
                    CUT_LINES_PER_S)
        feed.start()
        for cut in range(1, CUTS + 1):
            programs.wait_until(
                lambda: feed.sent > CUT_LINES // (CUTS + 1) * cut, 30, "lines")
            proxy.cut()
            programs.wait_until(lambda: proxy.cuts == cut, 10, "a cut")
        feed.join(30)
        self.assert_tailed(cli, CUT_LINES, 30)
        resumed = [r for r in proxy.requests if b"last-event-id" in r.lower()]
        self.assertEqual(len(resumed), CUTS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
