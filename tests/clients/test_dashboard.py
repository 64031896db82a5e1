#!/usr/bin/env python3
"""The dashboard, in Chromium, over lines that are made for it: who signs in, what
exactly is shown, what is asked, whatever names there are. What somebody sees of the
demo, and a restart, are for tests/browser."""
import re
import time
import unittest

import programs
from logplexd import OWNER, DaemonTest, line
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
SIGN_OUT = """
[...document.querySelectorAll(".top button")]
    .find(one => one.textContent === "Sign out").click();
"""
TYPE = """
const field = document.querySelector(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event("input", {bubbles: true}));
"""
ASK = """
["measure", "by", "where"].forEach((name, i) => {
    document.getElementById(`ask-${name}`).value = arguments[i];
});
document.querySelector(".ask-form .primary").click();
"""
# The question for drains fails, as when nobody answers; how often, in "failed".
FAIL_DRAINS = """
const real = window.fetch;
window.failed = 0;
window.fetch = (url, ...rest) => {
    if (!String(url).includes("/drains"))
        return real(url, ...rest);
    window.failed++;
    return Promise.reject(new TypeError("nobody answers"));
};
"""
# As when the daemon is away, until HEAR.
DEAFEN = """
window.kept = window.fetch;
window.fetch = () => Promise.reject(new TypeError("nobody answers"));
document.getElementById("login-id").value = "half";
"""
HEAR = "window.fetch = window.kept"
# These paths alone, until HEAR.
DEAFEN_TO = """
const paths = new RegExp(arguments[0]);
window.kept = window.fetch;
window.fetch = (url, ...rest) => paths.test(url)
    ? Promise.reject(new TypeError("nobody answers"))
    : window.kept(url, ...rest);
"""
# An hour is asked for when something happens, and not again by and by.
FORGET_TENS = """
const later = window.setTimeout;
window.setTimeout = (what, ms, ...rest) =>
    ms === 10000 ? 0 : later(what, ms, ...rest);
"""
# The place of a chart's plot: its left, top, width and height.
PLOT = """
const plot = [...document.querySelectorAll(".chart")].find(
    one => one.textContent.startsWith(arguments[0]))?.querySelector(".u-over");
const {left, top, width, height} = plot?.getBoundingClientRect() ?? {};
return [left, top, width, height];
"""
OPEN = "return document.querySelector('.panel:not([hidden]) h2')?.textContent"
# What of the panel is seen nowhere, however it is scrolled.
UNREACHED = """
const panel = document.querySelector(".panel.ask");
return [...panel.querySelectorAll("button, td")].filter(one => {
    one.scrollIntoView({block: "nearest"});
    const {left, top, width, height} = one.getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2)
        ?.closest("button, td") !== one;
}).map(one => one.textContent);
"""
CLICK = "document.querySelector(arguments[0]).click()"
# By how much Copy covers the command beside it.
COVERED = """
const text = document.querySelector(".commands pre").getBoundingClientRect();
const copy = document.querySelector(".commands .copy").getBoundingClientRect();
return Math.max(0, Math.min(text.right, copy.right) -
                   Math.max(text.left, copy.left));
"""
WIDTHS = "return [document.documentElement.scrollWidth, innerWidth]"
# Of the keys of legends: name, title, colour.
LEGEND = """
return [...document.querySelectorAll(".legend .key")].map(one => [
    one.children[1].textContent, one.title,
    one.style.getPropertyValue("--key")]);
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


class DashboardTest(DaemonTest):
    MORE_FLAGS = []

    def setUp(self):
        self.FLAGS = ["--data", programs.folder(self), *self.MORE_FLAGS]
        super().setUp()
        self.token = self.make_channel("shop", "heroku")["heroku"]
        self.browser = Browser(self)
        self.port = self.daemon.address()[1]

    def send(self, *texts, process="router"):
        answer = self.post(self.token, [
            line(text, app=self.token, procid=process) for text in texts])
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

    def wait_for_texts(self, selector, wanted, what):
        programs.wait_until(
            lambda: self.browser.run(TEXTS, selector) == wanted, PATIENCE_S,
            lambda: "%s: they are %r" % (
                what, self.browser.run(TEXTS, selector)))

    def begin_anew(self, *texts):
        self.assertEqual(self.ask("DELETE", "/v3/channels/shop").status, 204)
        self.token = self.make_channel("shop", "heroku")["heroku"]
        self.send(*texts)

    def aggregates(self):
        return self.ask("GET", "/v3/channels/shop/aggregates").json()


class Dashboard(DashboardTest):
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

    def test_codes_are_told_apart_from_failures_without_one(self):
        self.send(request(1, 20, 500), request(2, 20))
        self.open("/channels/shop")
        self.wait_for('#tile-status [data-class="5xx"] .number', "one",
                      lambda text: text == "1")
        self.assertEqual(self.text("#tile-codes-h"), "Error codes")
        self.assertIn("no H, R or L code", self.text("#tile-codes"))
        self.send(request(3, 20, 503, " code=H999"))
        self.wait_for("#tile-codes .code", "it", lambda text: text == "H999")
        self.assertEqual(self.text("#tile-codes .meaning"),
                         "no meaning is known")
        self.assertEqual(self.browser.run(
            "return document.querySelector('#tile-codes button').title"),
            "no meaning is known: lines behind it")

    def test_a_drain_says_when_it_failed_and_stays_while_nobody_answers(self):
        made = self.ask_json("POST", "/v3/channels/shop/drains",
                             {"url": "syslog://127.0.0.1:1"})
        self.assertEqual(made.status, 201)
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "numbers")
        self.browser.run("scrollTo(0, document.body.scrollHeight)")
        self.wait_for("#drains tbody td:last-child", "when", lambda text:
                      re.match(r"\d\d:\d\d:\d\d .*reached", text))
        self.wait_for("#drains tbody td", "until when", lambda text:
                      re.match(r"waits until \d\d:\d\d:\d\d$", text))
        self.browser.run(FAIL_DRAINS)
        programs.wait_until(
            lambda: self.browser.run("return window.failed") >= 2,
            PATIENCE_S, "questions that failed")
        self.assertIsNotNone(self.text("#drains tbody th"))

    def test_copy_covers_nothing_of_a_command(self):
        self.open("/channels/" + "a-long-name-" * 9)
        self.wait_for(".commands .copy", "a command")
        self.assertEqual(self.browser.run(COVERED), 0)

    def test_a_channel_that_lost_its_lines_is_not_said_to_have_had_none(self):
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "numbers")
        self.assertEqual(self.ask("DELETE", "/v3/channels/shop").status, 204)
        self.make_channel("shop", "heroku")
        self.wait_for(".state", "that they are gone", lambda text:
                      "No line since then" in text and "are gone" in text)

    def test_lines_at_the_side_say_that_their_channel_is_gone(self):
        self.send(request(1, 20, 503, " code=H12"))
        self.open("/channels/shop")
        self.wait_for(".ledger .equation", "one line", lambda text:
                      text.startswith("1 line came = 1 in memory"))
        self.wait_for("#tile-codes button", "its code") # it is counted later
        self.browser.run(CLICK, "#tile-codes button")
        self.wait_for(".panel .line-text", "its line")
        self.assertEqual(self.ask("DELETE", "/v3/channels/shop").status, 204)
        self.make_channel("shop", "heroku")
        self.wait_for(".panel .fine", "of before", lambda text:
                      "before this channel began anew" in text)
        self.assertIn("code=H12", self.text(".panel .line-text"))
        self.assertEqual(self.ask("DELETE", "/v3/channels/shop").status, 204)
        self.wait_for(".state h1", "there is none", lambda text:
                      text.startswith("There is no channel"))
        self.assertTrue(self.browser.run(
            "return document.querySelector('.panel').hidden"))

    def test_a_number_of_before_leads_to_no_line_of_now(self):
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.browser.resize(1440, 3000) # all is drawn
        self.wait_for("#slowest .behind", "a route")
        self.browser.run(DEAFEN_TO, "/(stream|tail)")
        self.begin_anew(request(2, 20))
        self.wait_for(".pill", "it waits", lambda text: "Reconn" in text)
        self.browser.run(CLICK, "#slowest .behind")
        gone = self.wait_for(".panel .fine", "an answer", lambda text:
                             text != "Looking…")
        self.assertIn("lines of this number are gone", gone)
        self.assertEqual(self.browser.run(TEXTS, ".panel li"), [])
        self.browser.run(HEAR)
        self.wait_for(".banner", "that it began anew")
        self.assertEqual(self.text(".panel .fine"), gone)

    def test_a_line_of_now_is_not_said_to_be_of_before(self):
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.browser.resize(1440, 3000)
        self.wait_for("#slowest .behind", "numbers")
        self.browser.run(DEAFEN_TO, "/stream")
        self.begin_anew(request(2, 20))
        programs.wait_until(lambda: self.browser.run("""
            const row = [...document.querySelectorAll("#tail .row")].find(
                one => one.textContent.includes("/orders/2"));
            row?.click();
            return Boolean(row);"""), PATIENCE_S, "its row")
        self.browser.run(HEAR)
        self.wait_for(".banner", "that it began anew")
        self.assertIn("/orders/2", self.text(".panel .line-text"))
        self.assertIsNone(self.text(".panel .fine"))

    def test_charts_of_an_hour_begin_anew_with_their_channel(self):
        memory = "source=web.%d sample#memory_total=21.00MB"
        self.send(memory % 1, process="web.1")
        programs.wait_until(lambda: "web.1" in self.ask(
            "GET", "/v3/channels/shop/aggregates/series?tier=tens"
            ).json()["by_process"], PATIENCE_S, "ten seconds")
        self.open("/channels/shop")
        self.wait_for(".legend .key", "numbers")
        self.browser.run(FORGET_TENS)
        self.browser.run(KEY, "2")
        programs.wait_until(lambda: self.browser.run(
            """return performance.getEntriesByType("resource").some(
                   one => one.name.includes("tier=tens"))"""),
            PATIENCE_S, "an hour")
        self.wait_for_process("web.1", True)
        self.begin_anew("hello")
        self.wait_for_process("web.1", False)

    def wait_for_process(self, process, is_there):
        programs.wait_until(
            lambda: is_there == (process in [one[0] for one in
                                             self.browser.run(LEGEND)]),
            PATIENCE_S, lambda: "%s: %s" % (process, is_there))

    def lines_of_chart(self, chart, part, title):
        """Behind a point at its right, so far down in it."""
        def look():
            left, top, width, height = self.browser.run(PLOT, chart)
            if width:
                self.browser.click(left + 0.96 * width, top + part * height)
            return self.browser.run(OPEN) or ""
        programs.wait_until(lambda: look().startswith(title), PATIENCE_S,
                            "a point of " + title)
        self.wait_for(".panel .line-text", "its lines")
        texts = self.browser.run(TEXTS, ".panel .line-text")
        self.browser.run(KEY, "Escape")
        return texts

    def test_points_lead_to_lines_that_the_platform_told_in_any_form(self):
        tokens = self.make_channel("old", "heroku", "app")
        load, total, quota = older = [
            "source=web.1 measure=" + told for told in (
                "load_avg_1m val=2.50", "memory_total val=209.64 units=MB",
                "memory_quota val=512.00 units=MB")]
        newer = "source=web.2 sample#load_avg_1m=1.25 measure#memory_total=99MB"
        own = "sample#load_avg_1m=99 sample#memory_total=9GB " \
            "sample#memory_quota=9GB"

        def tell():
            for name, process, texts in [("heroku", "web.1", older),
                                         ("heroku", "web.2", [newer]),
                                         ("app", "web.1", [own])]:
                self.assertEqual(self.post(tokens[name], [
                    line(text, app=tokens[name], procid=process)
                    for text in texts]).status, 204)
            return time.monotonic()
        self.browser.resize(1440, 3000)
        told = tell()
        self.open("/channels/old")
        for chart, part, title, expected in (
                ("Load", 0.5, "Load", load),
                ("Memory", 0.6, "Memory of web.1", total),
                ("Memory", 0.9, "Memory of web.2", newer),
                ("Memory", 0.1, "Quota", quota)):
            if time.monotonic() > told + 10:  # they are shown for 30 seconds
                told = tell()
            self.assertEqual(self.lines_of_chart(chart, part, title),
                             [expected])

    def test_a_question_is_answered_as_a_table(self):
        self.send(*(request(i, 100) for i in range(6)),
                  request(7, 900, 503, " code=H18"))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "the requests",
                      lambda text: text.startswith("7 in"))
        self.browser.run(KEY, "a")
        self.browser.run(ASK, "service", "status, dyno", "status>=200")
        self.wait_for_texts(".answer tbody th",
                            ["200 · web.1", "503 · web.1"], "the groups")
        told = self.ask("GET", "/v3/channels/shop/aggregate?measure=service"
                        "&by=status,dyno&where=status%3E%3D200&q=0.95").json()
        cells = self.browser.run(TEXTS, ".answer tbody tr:first-child td")
        self.assertEqual(cells[0], str(told["groups"][0]["count"]))
        self.assertAlmostEqual(float(cells[3].split()[0]),
                               told["groups"][0]["quantiles"]["0.95"],
                               delta=1)
        self.browser.run(
            "document.querySelectorAll('.answer tbody button')[1].click()")
        self.assertIn("code=H18", self.wait_for(".panel .line-text",
                                                "its newest line"))
        self.browser.run(KEY, "a")
        self.browser.run(ASK, "service", "", "status>>200")
        said = self.ask("GET", "/v3/channels/shop/aggregate?measure=service"
                        "&where=status%3E%3E200").json()["error"]
        self.wait_for(".ask .fine", "the API's words",
                      lambda text: text == "logplexd says: " + said)

    def test_an_answer_says_of_what_it_is(self):
        self.send(request(1, 100))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "numbers")
        self.browser.run(KEY, "a")
        self.browser.run(ASK, "", "method", "status>=200")
        self.wait_for(".ask .fine", "the question", lambda text: re.match(
            r"Lines by method where status>=200, over the last 5m at "
            r"[\d:]{8}: 1 line of 1", text))
        self.begin_anew(request(2, 20))
        self.wait_for(".ask .fine", "of before", lambda text:
                      "before this channel began anew. Lines by" in text)
        self.assertEqual(self.browser.run(TEXTS, ".answer tbody th"), ["GET"])
        self.browser.run("""
            const real = window.fetch;
            window.fetch = (url, ...rest) => String(url).includes("/aggregate?")
                ? new Promise(() => undefined) : real(url, ...rest);""")
        self.browser.run(ASK, "", "route", "")
        self.wait_for(".ask .fine", "that it looks", lambda text:
                      text == "Looking…")
        self.assertEqual(self.browser.run(TEXTS, ".answer *"), [])

    def test_a_question_is_answered_in_a_low_window(self):
        self.send(*(request(i, 100) for i in range(6)))
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "numbers")
        for size in (844, 390), (667, 375), (480, 300), (1280, 340):
            self.browser.resize(*size)
            self.browser.run(KEY, "a")
            self.browser.run(ASK, "", "method", "")
            self.wait_for(".answer td", "an answer")
            self.assertEqual(self.browser.run(UNREACHED), [], size)
            self.browser.run(KEY, "Escape")

    def test_dynos_are_apart_from_who_only_writes(self):
        self.send(request(1, 20))
        self.send("State changed from starting to up", process="web.1")
        self.send("Process exited with status 1",
                  "State changed from up to crashed", process="worker.1")
        self.send("measure#depth=3", process="heroku-redis")
        self.open("/channels/shop")
        self.wait_for_texts("#dynos tbody th", ["web.1", "worker.1"],
                            "the dynos")
        self.assertEqual(sorted(self.browser.run(TEXTS, "#sources b")),
                         ["heroku-redis", "router"])
        states = self.browser.run(TEXTS, "#dynos .words-cell")
        self.assertRegex(states[0], r"^started \d+ (s|min) ago$")
        self.assertRegex(states[1], r"^crashed \d+ (s|min) ago$")
        self.wait_for_texts(".events li span",
                            ["worker.1 crashed", "web.1 up"],
                            "what happened")

    def test_measures_are_found_by_name(self):
        self.send("sample#queue.depth=3 sample#memory_total=21MB "
                  "measure#db=12ms")
        self.open("/channels/shop")
        self.wait_for_texts("#measures tbody th", ["db", "queue.depth"],
                            "what is shown nowhere else")
        self.browser.run(TYPE, "#measures input", "memory")
        self.wait_for_texts("#measures tbody th", ["memory_total"],
                            "what is found by its name")

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
        self.assertEqual(self.text(".list-none"), self.text(".tail-told"))
        self.browser.run(FILTER, "status>=600")
        self.wait_for(".list-none", "why it is empty", lambda text: re.match(
            r"No line matches “status>=600” yet, asked for since [\d:]{8}$",
            text))
        self.browser.run(FILTER, "")
        self.wait_for(".tail-told", "all lines again",
                      lambda text: text == "4 lines")
        self.assertIsNone(self.text(".list-none"))

    def test_the_fleet_leads_to_a_channel_by_keys(self):
        self.make_channel("quiet", "app")
        self.send(*(request(i, 20, 503, " code=H12") for i in range(2)))
        self.open("/")
        programs.wait_until(
            lambda: self.browser.run(TEXTS, ".channel-link") ==
            ["shop", "quiet"], PATIENCE_S, "what hurts, first")
        self.wait_for("td.c-errors", "what the number is of", lambda text:
                      text == "2 errors, top H12 Request timeout")
        self.browser.run(KEY, "j")
        self.assertEqual(self.browser.run(
            "return document.activeElement.textContent"), "shop")
        self.browser.run("document.activeElement.click()")
        self.wait_for("#tile-throughput .sub", "its page",
                      lambda text: text.startswith("2 in"))
        self.browser.run(KEY, "Escape")
        self.wait_for(".channels", "the fleet again")

    def test_what_is_selected_in_an_empty_fleet_stays(self):
        self.assertEqual(self.ask("DELETE", "/v3/channels/shop").status, 204)
        self.open("/")
        self.wait_for(".commands .copy", "a command")
        self.assertIn("-u ID:SECRET", self.text(".commands code"))
        self.browser.run("document.querySelector('.copy').focus()")
        time.sleep(2.5) # of two answers, which change nothing
        self.assertEqual(self.browser.run(
            "return document.activeElement.textContent"), "Copy")
        self.make_channel("shop", "heroku")
        self.wait_for(".channel-link", "a channel")

    def test_a_channel_that_moves_up_keeps_the_focus(self):
        other = self.make_channel("other", "app")["app"]
        self.send(request(1, 20, 503, " code=H12"))
        self.open("/")
        programs.wait_until(
            lambda: self.browser.run(TEXTS, ".channel-link") ==
            ["shop", "other"], PATIENCE_S, "what hurts, first")
        self.browser.run(KEY, "k")
        self.token = other
        self.send(*(request(i, 20, 503, " code=H12") for i in range(50)))
        programs.wait_until(
            lambda: self.browser.run(TEXTS, ".channel-link") ==
            ["other", "shop"], PATIENCE_S, "another order")
        self.assertEqual(self.browser.run(
            "return document.activeElement.textContent"), "other")

    def test_who_goes_back_finds_the_fleet_as_he_left_it(self):
        for i in range(80):
            self.make_channel("bulk%02d" % i)
        links = "return document.querySelectorAll('.channel-link').length"

        def wait_for_links(n):
            programs.wait_until(lambda: self.browser.run(links) == n,
                                PATIENCE_S, "%d channels" % n)
        self.browser.resize(1280) # where there is something to scroll
        self.open("/?sort=name&order=asc")
        wait_for_links(50)
        self.browser.run("document.querySelector('.more').click()")
        wait_for_links(81)
        self.browser.run("scrollTo(0, 1234)")
        self.browser.run("document.querySelectorAll('.channel-link')[60]"
                         ".click()")
        self.wait_for(".state h1", "its page",
                      lambda text: text == "No line yet")
        self.browser.run("history.back()")
        wait_for_links(81)
        programs.wait_until(lambda: self.browser.run("return scrollY") == 1234,
                            PATIENCE_S, "the same place")

    def test_enter_in_the_search_opens_the_first_match(self):
        self.make_channel("quiet", "app")
        self.send(request(1, 20, 503))
        self.open("/")
        self.wait_for_texts(".channel-link", ["shop", "quiet"], "both")
        self.browser.run("document.getElementById('search').focus()")
        self.browser.run(TYPE, "#search", "qui")
        self.browser.run(KEY, "Enter")
        self.wait_for(".state h1", "the page of the match",
                      lambda text: text == "No line yet")
        self.assertEqual(self.browser.run("return location.pathname"),
                         "/channels/quiet")

    def test_names_of_any_kind_stay_in_their_place(self):
        long = "n" * 256
        for one in (long, "=.", "=..", "a%2Fb%23c", "%E2%80%AEgnp.exe"):
            self.make_channel(one, "app")
        self.open("/")
        self.wait_for_texts(
            ".channel-link",
            [".", "..", "a/b#c", long, "shop", "\u2068‹U+202E›gnp.exe\u2069"],
            "all of them, none turned around")
        self.assertEqual(self.browser.run(
            "return [...document.querySelectorAll('.channel-link')]"
            ".find(one => one.title.length === 256)?.title"), long)
        self.assertLessEqual(*self.browser.run(WIDTHS))
        for segment in ("=.", "=..", "a%2Fb%23c", "%E2%80%AEgnp.exe"):
            with self.subTest(segment):
                self.open_channel(segment)

    def test_long_names_of_processes_are_cut(self):
        process = "n" * 128 # of which a series has 96
        self.post(self.token, [
            line("sample#memory_total=10MB sample#load_avg_1m=1 "
                 "sample#memory_quota=512MB", app=app, procid=process)
            for app in ("heroku", self.token)])
        self.open("/channels/shop")
        keys = []

        def look():
            keys[:] = [one for one in self.browser.run(LEGEND)
                       if one[0].startswith(process[:96])]
            return keys
        programs.wait_until(look, PATIENCE_S, "its key in the legend")
        self.assertEqual(keys[0][0], keys[0][1], "whole in its title")
        self.wait_for("#tile-memory .sub", "who has it", lambda text:
                      text == "\u2068%s…\u2069 at 2 %% of 512 MB" % (
                          process[:23]))
        self.assertEqual(self.browser.run(
            "return document.querySelector('#tile-memory .sub').title"),
            keys[0][1])
        self.wait_for(".row-text", "the line")
        self.browser.run("document.querySelectorAll('.values').forEach("
                         "one => { one.open = true; })")
        for width in (1400, 390):
            with self.subTest(width):
                self.browser.resize(width)
                self.assertEqual(self.browser.run("return innerWidth"), width)
                self.assertLessEqual(*self.browser.run(WIDTHS))

    def colour_of(self, code):
        return next((colour for name, _, colour in self.browser.run(LEGEND)
                     if name == code), None)

    def wait_for_colour(self, code):
        programs.wait_until(lambda: self.colour_of(code), PATIENCE_S, code)
        return self.colour_of(code)

    def test_a_code_keeps_its_colour(self):
        self.send(request(1, 20, 503, " code=H80"))
        self.open("/channels/shop")
        colour = self.wait_for_colour("H80")
        for i, code in enumerate(("H12", "H10")):
            self.send(request(i, 20, 503, " code=" + code))
            self.assertNotEqual(self.wait_for_colour(code), colour)
            self.assertEqual(self.colour_of("H80"), colour)
        all_colours = [self.colour_of(one) for one in ("H80", "H12", "H10")]
        self.assertEqual(len(set(all_colours)), 3)
        self.browser.run(KEY, "2")
        self.wait_for_colour("H10")
        self.assertEqual([self.colour_of(one) for one in
                          ("H80", "H12", "H10")], all_colours)

    def open_channel(self, segment):
        """By its link in the fleet, and by the address that it then has."""
        here = "return document.querySelector('.here')?.textContent"
        self.browser.run("document.querySelector('.brand').click()")
        self.wait_for(".channels", "the fleet")
        programs.wait_until(lambda: self.browser.run(
            """const link = document.querySelector(
                   `.channel-link[href="/channels/${arguments[0]}"]`);
               link?.click();
               return Boolean(link);""", segment), PATIENCE_S, "its link")
        self.wait_for(".state h1", "its page", lambda text:
                      text == "No line yet")
        seen = self.browser.run(here)
        address = self.browser.run("return location.href")
        self.browser.open(address)
        self.wait_for(".state h1", "the same page", lambda text:
                      text == "No line yet")
        self.assertEqual(self.browser.run(here), seen)

    def test_control_characters_of_lines_are_seen(self):
        self.send("\x1b[31mred \u202egnp.exe\u202c \u05e9\u05dc\u05d5\u05dd",
                  process="we\u202eb.1")
        self.open("/channels/shop")
        self.wait_for(".row-text", "the line", lambda text: text ==
                      "␛[31mred ‹U+202E›gnp.exe‹U+202C› "
                      "\u05e9\u05dc\u05d5\u05dd")
        self.assertEqual(self.text(".row-from").strip(
        )[-len("[\u2068we‹U+202E›b.1\u2069]"):],
            "[\u2068we‹U+202E›b.1\u2069]")

    def test_requests_without_a_status_are_told(self):
        self.send(request(1, 20), request(2, 20).replace("status=200 ", ""))
        self.open("/channels/shop")
        self.wait_for('#tile-status [data-class="none"] .number', "one",
                      lambda text: text == "1")
        self.assertIsNone(self.text('#tile-status li[data-class="1xx"]'))
        self.browser.run("""document.querySelector(
            '#tile-status [data-class="none"] button').click()""")
        self.assertIn("/orders/2", self.wait_for(".panel .line-text",
                                                 "its line"))

    def test_requests_with_a_number_that_is_no_status_are_told(self):
        self.send(request(1, 20), request(2, 20).replace("status=200",
                                                         "status=999"))
        self.open("/channels/shop")
        self.wait_for('#tile-status [data-class="other"] .number', "one",
                      lambda text: text == "1")
        self.browser.run("""document.querySelector(
            '#tile-status [data-class="other"] button').click()""")
        self.assertIn("/orders/2", self.wait_for(".panel .line-text",
                                                 "its line"))

    def test_numbers_lead_to_the_requests_that_they_count(self):
        self.send(*(request(i, 20).replace("status=200", "status=" + status)
                    for i, status in enumerate([
                        "503", "0503", '"503"', "503abc", "5e2", "5000", "ok",
                        "-1", "", "200 wait=60ms"])),
                  "Error H12 (Request timeout) -> GET shop/slow dyno=web.1 "
                  "queue=0 wait=50ms service=30000ms status=503 bytes=0")
        self.send("method=GET path=/orders status=503 wait=12", "status=",
                  "status=5e2", process="web.1")
        self.open("/channels/shop")
        self.wait_for("#tile-throughput .sub", "the requests",
                      lambda text: text.startswith("11 in"))
        for button, lines in (('#tile-status li[data-class="5xx"]', 5),
                              ('#tile-status li[data-class="other"]', 2),
                              ('#tile-status li[data-class="none"]', 3),
                              ("#tile-queue", 2)):
            with self.subTest(button):
                self.wait_for(button, "a number", lambda text:
                              "queue" in button or text.endswith(str(lines)))
                self.browser.run(CLICK, button + " button")
                self.wait_for(".panel .line-text", "lines")
                sources = self.browser.run(TEXTS, ".panel .line-head b")
                self.assertEqual(sources, ["heroku[router]"] * lines)
                self.browser.run(KEY, "Escape")

    def test_a_request_of_any_id_leads_to_its_own_lines(self):
        def of(request_id):
            return request(1, 20).replace(
                "00000001-0000-4000-8000-000000000000", request_id)
        ids = ["7F000001:8001_7F00001E:1F90", "Zm9vYmFy/c2R+%Z2=="]
        for one in ids:
            self.send(of(one), of(one[:8] + ":other"))
            self.send("hello request_id=" + one, process="web.1")
        self.browser.resize(1440, 3000)
        self.open("/channels/shop")
        for one in ids:
            programs.wait_until(lambda: self.browser.run("""
                const found = [...document.querySelectorAll(
                    "#tail .row .request")].find(
                    row => row.textContent === arguments[0]);
                found?.click();
                return Boolean(found);""", one), PATIENCE_S, one)
            for _ in "in the panel", "again":
                self.wait_for_texts(".panel .line-head b", [
                    "heroku[router]", "heroku[web.1]"], "its lines")
                self.browser.run(CLICK, ".panel .request")

    def viewers(self):
        told = dict(one.rsplit(" ", 1) for one in self.ask(
            "GET", "/metrics").body.decode().splitlines())
        return (int(told["logplex_aggregate_viewers_opened_total"]) -
                int(told["logplex_aggregate_viewers_closed_total"]))

    def test_who_signs_out_sees_no_more(self):
        self.send(request(1, 20), request(2, 20))
        self.open("/channels/shop")
        self.wait_for(".tail-told", "the lines",
                      lambda text: text == "2 lines")
        self.wait_for('[data-p="p99"] .number', "a number",
                      lambda text: text != "–")
        self.browser.run(
            """document.querySelector('[data-p="p99"] button').click()""")
        self.wait_for(".panel .line-text", "a line")
        programs.wait_until(lambda: self.viewers() == 1, PATIENCE_S,
                            "one stream")
        self.browser.run(KEY, "a")
        self.browser.run(ASK, "", "process", "")
        self.wait_for(".answer", "an answer", lambda text: "router" in text)
        self.browser.run(SIGN_OUT)
        self.wait_for("#login-id", "the form again")
        self.assertEqual(self.browser.run("return document.activeElement.id"),
                         "login-id")
        self.browser.run("document.activeElement.blur()")
        self.browser.run(KEY, "a")
        self.browser.run(DEAFEN)
        self.wait_for(".login-words", "why nothing comes",
                      lambda text: "does not answer" in text)
        self.browser.run(HEAR)
        self.wait_for(".login-words", "the question again",
                      lambda text: text.startswith("Enter"))
        self.assertEqual(self.browser.run(
            "return document.getElementById('login-id').value"), "half")
        for gone in (".panel", ".tiles", "#tail"):
            self.assertIsNone(self.text(gone), gone)
        self.assertEqual(self.browser.run(
            "return document.querySelector('.answer').textContent"), "")
        programs.wait_until(lambda: self.viewers() == 0, PATIENCE_S,
                            "no stream that is still open")
        for who in ((OWNER[0], "wrong"), ("", "ыекеыу")):
            self.browser.run(SIGN_IN, *who)
            self.wait_for(".login-words", "that it is wrong",
                          lambda text: text.startswith("logplexd says"))
            self.assertNotIn("Sign out", self.browser.run(
                TEXTS, ".top button"))
            self.browser.run(
                "document.querySelector('.login-words').textContent = ''")
        self.browser.run(SIGN_IN, *OWNER)
        self.wait_for("#tile-throughput .sub", "the numbers again",
                      lambda text: text.startswith("2 in"))

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


class Unmeasured(DashboardTest):
    MORE_FLAGS = ["--aggregates", "off"]

    def test_without_numbers_there_are_lines(self):
        self.send(request(1, 20))
        self.open("/")
        self.wait_for_texts(".plain-list a", ["shop"], "the channels")
        self.browser.run("document.querySelector('.plain-list a').click()")
        self.wait_for(".tail-told", "its line",
                      lambda text: text == "1 line")
        self.assertIn("--aggregates off", self.text(".banner"))

    def test_lines_at_the_side_say_that_their_channel_is_gone(self):
        self.send(request(1, 20))
        self.open("/channels/shop")
        self.wait_for("#tail .row", "its line")
        self.browser.run(CLICK, "#tail .row:not([hidden])")
        self.wait_for(".panel .line-text", "it")
        self.begin_anew(request(2, 20))
        self.wait_for(".panel .fine", "of before", lambda text:
                      "before this channel began anew" in text)
        self.assertIn("/orders/1", self.text(".panel .line-text"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
