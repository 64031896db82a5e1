#!/usr/bin/env python3
"""The dashboard, in Chromium: signs in, shows what the API says, leads from a
number to its lines, filters the tail, and comes back after a restart."""
import unittest

import programs
from logplexd import OWNER, Daemon, DaemonTest, line
from web_driver import Browser

PATIENCE_S = 30

SIGN_IN = """
document.getElementById("login-id").value = arguments[0];
document.getElementById("login-secret").value = arguments[1];
document.querySelector(".login button").click();
"""
TEXT = """
const found = document.querySelector(arguments[0]);
return found && found.checkVisibility() ? found.textContent : null;
"""
TEXTS = """
return [...document.querySelectorAll(arguments[0])]
    .filter(one => one.checkVisibility()).map(one => one.textContent);
"""
FILTER = """
const field = document.querySelector("#tail input");
field.value = arguments[0];
field.dispatchEvent(new Event("change"));
"""
KEY = """
(document.activeElement || document.body).dispatchEvent(new KeyboardEvent(
    "keydown", {key: arguments[0], bubbles: true, cancelable: true}));
"""


def request(i, ms, status=200, more=""):
    return ('at=%s method=GET path="/orders/%d" host=shop.example.com '
            'request_id=%08d-0000-4000-8000-000000000000 fwd="192.0.2.1" '
            'dyno=web.1 connect=0ms service=%dms status=%d bytes=10%s' % (
                "error" if more else "info", i, i, ms, status, more))


class Dashboard(DaemonTest):
    def setUp(self):
        self.FLAGS = ["--data", programs.folder(self)]
        super().setUp()
        self.token = self.make_channel("shop", "heroku")["heroku"]
        self.browser = Browser(self)
        self.port = self.daemon.address()[1]

    def send(self, *texts):
        answer = self.post(self.token, [
            line(text, app=self.token, procid="router") for text in texts])
        self.assertEqual(answer.status, 204)

    def open(self, path):
        self.browser.open("http://127.0.0.1:%d%s" % (self.port, path))
        self.wait_for("#login-id", "the form")
        self.browser.run(SIGN_IN, *OWNER)

    def text(self, selector):
        return self.browser.run(TEXT, selector)

    def wait_for(self, selector, what, is_right=lambda _: True):
        """Its text, when there is one that is right."""
        seen = []

        def look():
            seen.append(self.text(selector))
            return seen[-1] is not None and is_right(seen[-1])
        programs.wait_until(look, PATIENCE_S, lambda: "%s: it is %r" % (
            what, seen[-1]))
        return seen[-1]

    def aggregates(self):
        return self.ask("GET", "/v3/channels/shop/aggregates").json()

    def test_it_shows_what_the_api_says(self):
        self.send(*(request(i, 100) for i in range(40)),
                  request(99, 30000, 503, ' code=H12 desc="Request timeout"'))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "41 requests",
                      lambda text: text.startswith("41 in"))
        told = self.aggregates()
        self.assertEqual(told["requests"]["count"], 41)
        median = self.text('[data-p="p50"] .number')
        self.assertAlmostEqual(float(median),
                               told["requests"]["response_ms"]["p50"],
                               delta=0.5)
        self.assertEqual(self.text('#tile-status [data-class="5xx"] .number'),
                         str(told["classes"]["5xx"]))
        self.assertEqual(self.text("#tile-codes .code"), "H12")
        self.assertEqual(self.text("#tile-codes .meaning"),
                         told["codes"][0]["meaning"])
        self.send(request(100, 100))
        self.wait_for("#tile-throughput .sub", "one more",
                      lambda text: text.startswith("42 in"))

    def test_a_percentile_leads_to_its_lines(self):
        self.send(*(request(i, 20) for i in range(60)), request(61, 4321),
                  request(62, 4321))
        self.open("/channels/shop")
        self.wait_for('[data-p="p99"] .value', "p99 within its 1 %",
                      lambda text: text.startswith(("4.28", "4.29",
                                                    "4.3")))
        self.browser.run(
            """document.querySelector('[data-p="p99"] button').click()""")
        self.assertIn("service=4321ms",
                      self.wait_for(".panel .line-text", "a line"))
        self.browser.run(
            "document.querySelector('.panel .request').click()")
        self.wait_for(".panel h2", "its request",
                      lambda text: text.startswith("Request 000000"))
        self.browser.run(KEY, "Escape")
        self.assertIsNone(self.text(".panel"))

    def test_the_tail_is_filtered(self):
        self.send(request(1, 20), request(2, 20, 503), request(3, 20, 404),
                  request(4, 20, 500))
        self.open("/channels/shop")
        self.wait_for(".tail-told", "all lines",
                      lambda text: text == "4 lines")
        self.browser.run(FILTER, "status>=500")
        self.wait_for(".tail-told", "those that failed",
                      lambda text: text == "2 lines")
        rows = self.browser.run(TEXTS, ".row-text")
        self.assertEqual([row.partition("status=")[2][:3] for row in rows],
                         ["503", "500"])
        self.browser.run(FILTER, "status>>500")
        self.assertTrue(self.wait_for(
            ".tail-told", "an error", lambda text: "logplexd says" in text))

    def test_the_fleet_leads_to_a_channel_by_keys(self):
        self.make_channel("quiet", "app")
        self.send(request(1, 20, 503))
        self.open("/")
        programs.wait_until(
            lambda: self.browser.run(TEXTS, ".channel-link") ==
            ["shop", "quiet"], PATIENCE_S, "what hurts, first")
        self.browser.run(KEY, "j")
        self.assertEqual(self.browser.run(
            "return document.activeElement.textContent"), "shop")
        self.browser.run("document.activeElement.click()")
        self.wait_for("#tile-throughput .sub", "its page",
                      lambda text: text.startswith("1 in"))
        self.browser.run(KEY, "Escape")
        self.wait_for(".channels", "the fleet again")

    def test_it_comes_back_after_a_restart_by_itself(self):
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.wait_for(".tail-told", "the line", lambda text: text == "1 line")
        self.assertEqual(self.daemon.stop(), 0)
        self.wait_for(".pill", "that it is away",
                      lambda text: text.startswith("Reconnecting"))
        self.daemon = Daemon([*self.FLAGS, "--http",
                              "127.0.0.1:%d" % self.port])
        self.addCleanup(self.daemon.stop)
        for name in ("ask", "post", "ledger"):
            setattr(self, name, getattr(self.daemon, name))
        self.send(*(request(i, 20) for i in range(7)))
        self.wait_for(".pill", "that it is back", lambda text: text == "Live")
        self.wait_for("#tile-throughput .sub", "its new requests",
                      lambda text: text.startswith("7 in"))
        self.assertIn("began anew", self.text(".banner"))

    def test_it_obeys_the_policy_and_keeps_the_secret(self):
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "the request",
                      lambda text: text.startswith("1 in"))
        self.assertEqual([one["message"] for one in self.browser.log()
                          if "Security Policy" in one["message"]], [])
        self.assertEqual(self.browser.run(
            "return [localStorage.length, document.cookie]"), [0, ""])
        addresses = self.browser.run(
            "return performance.getEntriesByType('resource')"
            ".map(one => one.name)")
        self.assertTrue(addresses)
        for address in addresses:
            self.assertTrue(address.startswith(
                "http://127.0.0.1:%d/" % self.port), address)
            self.assertNotIn(OWNER[1], address)


if __name__ == "__main__":
    unittest.main(verbosity=2)
