#!/usr/bin/env python3
"""A page's EventSource, in Chromium, follows a session and resumes it."""
import unittest

import programs
from cutting_proxy import CuttingProxy
from feed import Feed
from logplexd import DaemonTest
from web_driver import Browser

LINES = 2000
LINES_PER_S = 400
CUTS = 2

FOLLOW = """
window.lines = []; window.gaps = []; window.errors = 0;
window.source = new EventSource(arguments[0]);
source.onmessage = e => lines.push([e.lastEventId, e.data]);
source.onerror = () => errors++;
source.addEventListener("gap", e => gaps.push(e.data));
"""


class InABrowser(DaemonTest):
    FLAGS = ["--history-lines", "20000"]

    def setUp(self):
        super().setUp()
        self.proxy = CuttingProxy(self.daemon.address()[1])
        self.addCleanup(self.proxy.close)
        self.browser = Browser(self)

    def follow(self, **session):
        """From a page of the same origin, whichever that is."""
        self.browser.open("http://127.0.0.1:%d/healthcheck" % self.proxy.port)
        self.browser.run(FOLLOW, self.make_session("demo", **session))
        programs.wait_until(
            lambda: self.browser.run("return source.readyState") == 1, 20,
            "the stream to open")

    def count(self):
        return self.browser.run("return lines.length")

    def test_each_line_once_over_streams_that_are_cut(self):
        token = self.make_channel("demo", "app")["app"]
        self.follow(tail=True, num="0")
        feed = Feed(self.daemon.address("syslog-tcp")[1], token, LINES,
                    LINES_PER_S)
        feed.start()
        for cut in range(1, CUTS + 1):
            programs.wait_until(
                lambda: feed.sent > LINES // (CUTS + 1) * cut, 30, "lines")
            self.proxy.cut()
            programs.wait_until(lambda: self.proxy.cuts == cut, 10, "a cut")
        feed.join(30)
        programs.wait_until(lambda: self.count() >= LINES, 30,
                            lambda: "lines: there are %d" % self.count())
        ids, texts = zip(*self.browser.run("return lines"))
        self.assertEqual(
            [text.partition("app[web.1]: ")[2] for text in texts],
            ["line %d" % i for i in range(1, LINES + 1)])
        places = [int(one.rpartition(":")[2]) for one in ids]
        self.assertEqual(places, list(range(places[0], places[0] + LINES)))
        self.assertEqual(self.browser.run("return [gaps, errors]"),
                         [[], CUTS])
        self.browser.run("source.close()")

    def test_a_message_of_several_lines_is_one_event(self):
        token = self.make_channel("demo", "app")["app"]
        self.follow(tail=True, num="0")
        message = "Grüße 🚀\n<b>data: x</b>\n\nevent: gap\nid: 1"
        self.post(token, [(
            "<134>1 2026-01-02T03:04:05+00:00 h %s web.1 - - %s" % (
                token, message)).encode()])
        programs.wait_until(lambda: self.count() == 1, 20, "the line")
        self.assertEqual(
            self.browser.run("return [lines[0][1], gaps]"),
            ["2026-01-02T03:04:05+00:00 app[web.1]: " + message, []])
        self.browser.run("source.close()")


if __name__ == "__main__":
    unittest.main(verbosity=2)
