#!/usr/bin/env python3
"""Lines on their way through drains, as somebody sees it who has made one."""
import os
import re
import shutil
import ssl
import sys
import tempfile
import time
from datetime import datetime
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import certificates
import prometheus
from behaviours import (Behaviour, answers, answers_later, good, in_turn,
                        is_content, is_silent, with_length)
from draining import PATIENT, DrainTest, left_out, lost_lines, numbered
from logplexd import basic, line, main
from sinks import HttpSink, SyslogSink
from usage import cpu_s

KINDS = (HttpSink, SyslogSink)
FOLDER = tempfile.TemporaryDirectory()
SECRET = "sesam7"


def too_large_over(size):
    def reply(connection, request):
        if len(request.body) > size:
            connection.answer(request, with_length(413, (), b""), 413)
        else:
            is_content(connection, request)
    return Behaviour(reply=reply)


class Delivery(DrainTest):
    FLAGS = [*PATIENT, "--drains-max", "30", "--workers", "3"]

    def test_a_line_behind_the_201_arrives_and_none_from_before(self):
        sink = self.sink(HttpSink)
        lines = numbered(20)
        for n, one in enumerate(lines):
            self.drain(sink.url("/%d" % n))
            self.send([one])
        sink.wait_for(sum(range(1, 21)))
        for n in range(20):
            of = [one for one in sink.accepted if one.target == "/%d" % n]
            self.assertEqual(sink.texts(of), lines[n:])

    def test_ten_thousand_lines_arrive_in_their_order(self):
        sinks = [self.sink(kind) for kind in KINDS]
        drains = [self.drain(sink.url()) for sink in sinks]
        lines = numbered(10000)
        for at in range(0, len(lines), 400):
            self.send(lines[at:at + 400])
        for sink, drain in zip(sinks, drains):
            sink.wait_for(len(lines))
            self.assertEqual(sink.texts(), lines)
            self.assertEqual(self.settled(drain, len(lines))["retries"], 0)
        self.assertEqual(self.all_drains()["delivered_lines"], 20000)

    def test_the_status_tells_what_was_delivered(self):
        for kind in KINDS:
            sink = self.sink(kind)
            drain = self.drain(sink.url())
            self.send(["a", "b"])
            sink.wait_for(2)
            self.send(["c"])
            status = self.settled(drain, 3)
            told = {name: status[name] for name in (
                "delivered_lines", "offered_lines", "lag_lines", "lag_s",
                "batches", "retries", "failures", "last_error", "state")}
            self.assertEqual(told, {
                "delivered_lines": 3, "offered_lines": 3, "lag_lines": 0,
                "lag_s": 0, "batches": 2, "retries": 0, "failures": 0,
                "last_error": None, "state": "idle"})
            self.assertRegex(status["last_success_at"], r"^\d{4}-.*Z$")
            self.assertEqual(status["answers"]["2xx"],
                             2 if kind is HttpSink else 0)
            self.assertGreater(status["sent_bytes"], 100)
            self.delete(drain)

    def test_the_status_tells_what_fails_and_since_when(self):
        sink = self.sink(HttpSink, answers(503))
        drain = self.drain(sink.url())
        self.send(["a"])
        status = self.wait_for_status(
            drain, lambda one: one["answers"]["5xx"] > 1)
        self.assertEqual((status["lag_lines"], status["delivered_lines"]),
                         (1, 0))
        self.assertGreater(status["lag_s"], 0)
        self.assertGreater(status["failed_in_a_row"], 0)
        self.assertRegex(status["last_error"], "503")
        self.assertIsNone(status["last_success_at"])
        sink.behaviour = good()
        sink.wait_for(1)
        status = self.settled(drain, 1)
        self.assertEqual((status["failed_in_a_row"], status["retry_at"]),
                         (0, None))
        log = "".join(self.daemon.log)
        self.assertEqual(len(re.findall("event=drain_failing", log)), 1)

    def test_a_line_that_is_not_wanted_is_lost_and_the_next_one_tells_it(self):
        sink = self.sink(HttpSink, in_turn(answers(404), good()))
        drain = self.drain(sink.url())
        self.send(["a", "b"])
        sink.wait_for_requests(1)
        self.send(["c"])
        sink.wait_for_account(3)
        self.assertEqual((sink.texts(), sink.losses()), (["c"], [2]))
        status = self.settled(drain, 3)
        self.assertEqual(status["lost_lines"], {"overflow": 0, "refused": 2})

    def test_a_sink_that_wants_nothing_is_in_the_log_once(self):
        sink = self.sink(HttpSink, answers(404))
        self.drain(sink.url())
        for n in range(1, 4):
            self.send(["a"])
            sink.wait_for_requests(n)
        self.wait_until(lambda: self.logged(
            "event=drain_failing .*channel=demo .*404"))
        sink.behaviour = good()
        self.send(["b"])
        self.wait_until(lambda: self.logged(
            "event=drain_recovered .*channel=demo"))
        self.assertEqual(self.logged("event=drain_failing"), 1)

    def logged(self, what):
        return len(re.findall(what, "".join(self.daemon.log)))

    def test_drains_of_two_channels_are_apart(self):
        other = self.make_channel("other", "app")["app"]
        for kind in KINDS:
            sinks = [self.sink(kind), self.sink(kind)]
            self.drain(sinks[0].url())
            self.drain(sinks[1].url(), "other")
            self.send(["mine"])
            self.send(["yours"], other)
            for sink, text in zip(sinks, ("mine", "yours")):
                sink.wait_for(1)
                self.assertEqual(sink.texts(), [text])

    def test_a_drain_that_is_deleted_hangs_up(self):
        for kind in KINDS:
            sink = self.sink(kind)
            drain = self.drain(sink.url())
            self.send(["a"])
            sink.wait_for(1)
            self.settled(drain, 1)
            self.delete(drain)
            sink.wait_until(lambda: sink.connections[0].ended)
            self.assertEqual(sink.connections[0].ended, "the drain closed it")
            self.send(["b"])
            self.assertEqual(sink.texts(), ["a"])
        self.assertEqual(self.all_drains()["lost_lines"]["closed"], 0)

    def test_one_that_is_deleted_does_not_hang_up_on_its_neighbours(self):
        sink = self.sink(HttpSink)
        drains = [self.drain(sink.url("/%d" % n)) for n in range(4)]
        self.send(["a"])
        sink.wait_for(4)
        self.settled(drains[0], 1)
        sink.behaviour = answers_later(0.3)
        self.send(["b"])
        sink.wait_for_requests(8)
        self.delete(drains[0])
        sink.behaviour = good()
        self.send(["c"])
        for drain in drains[1:]:
            self.assertEqual(self.settled(drain, 3)["failures"], 0)

    def test_another_url_is_another_sink_and_nothing_is_lost(self):
        for old_kind, new_kind in ((HttpSink, HttpSink), (HttpSink, SyslogSink),
                                   (SyslogSink, HttpSink)):
            old, new = self.sink(old_kind), self.sink(new_kind)
            drain = self.drain(old.url())
            self.send(["a"])
            old.wait_for(1)
            self.settled(drain, 1)
            self.redirect(drain, new.url())
            # The drain's own thread has heard of it.
            old.wait_until(lambda: old.connections[0].ended)
            self.send(["b"])
            new.wait_for(1)
            self.assertEqual((old.texts(), new.texts()), (["a"], ["b"]))
            self.delete(drain)

    def test_what_the_old_sink_did_not_take_goes_to_the_new_one(self):
        for behaviour in (answers(503), is_silent()):
            old, new = self.sink(HttpSink, behaviour), self.sink(HttpSink)
            drain = self.drain(old.url())
            self.send(["a", "b"])
            old.wait_for_requests(1)
            self.send(["c"])
            self.redirect(drain, new.url())
            new.wait_for(3)
            self.assertEqual(new.texts(), ["a", "b", "c"])
            self.assertEqual(new.requests[0].frame_id,
                             old.requests[0].frame_id)
            self.delete(drain)

    def test_a_reserved_drain_delivers_from_when_it_gets_its_url(self):
        sink = self.sink(HttpSink)
        drain = self.ask_json("POST", "/v3/channels/demo/drains", {}).json()
        self.send(["before"])
        self.redirect(drain["id"], sink.url())
        self.send(["behind"])
        sink.wait_for(1)
        self.assertEqual(sink.texts(), ["behind"])
        self.assertEqual(sink.requests[0].token, drain["token"])

    def test_an_url_is_spelt_on_the_wire_as_it_was_given(self):
        sink = self.sink(HttpSink)
        self.drain(sink.url("/a/../b%20c?x=1&y=%32#frag",
                            user="us%65r:pa%20ss:%C3%A9"))
        self.drain(sink.url(user="only"))
        self.drain(sink.url(host="localhost"))
        self.send(["x"])
        sink.wait_for(3)
        told = {(one.target, one.get("Authorization"), one["Host"])
                for one in sink.requests}
        self.assertEqual(told, {
            ("/a/../b%20c?x=1&y=%32", basic("user", "pa ss:é"),
             "127.0.0.1:%d" % sink.port),
            ("/", basic("only", ""), "127.0.0.1:%d" % sink.port),
            ("/", None, "localhost:%d" % sink.port)})

    def test_nothing_secret_is_in_the_log_or_in_the_status(self):
        sinks = [self.sink(HttpSink, answers(500)),
                 self.sink(HttpSink, is_paused=True)]
        drains = [self.drain(one.url("/", user="name:" + SECRET))
                  for one in sinks]
        drains.append(self.drain("http://name:%s@nobody.invalid/" % SECRET))
        self.send(["x"])
        told = [self.wait_for_status(one, lambda told: told["failures"] > 0)
                for one in drains]
        self.wait_until(lambda: len(re.findall(
            "event=drain_failing", "".join(self.daemon.log))) == 3)
        for text in (*self.daemon.log, str(told), self.metrics()):
            self.assertNotIn(SECRET, text)
            self.assertNotIn(basic("name", SECRET)[6:], text)

    def metrics(self):
        return self.ask("GET", "/metrics").body.decode()

    def test_the_switch_holds_lines_back_and_loses_none(self):
        sinks = [self.sink(kind) for kind in KINDS]
        drains = [self.drain(sink.url()) for sink in sinks]
        self.send(["a"])
        for sink in sinks:
            sink.wait_for(1)
        self.switch(False)
        for drain in drains:
            self.wait_for_status(drain, lambda one: one["state"] == "held")
        self.send(["b"])
        for drain in drains:
            self.wait_for_status(drain, lambda one: one["lag_lines"] == 1)
        time.sleep(0.3)
        self.assertEqual([sink.texts() for sink in sinks], [["a"], ["a"]])
        self.switch(True)
        for sink in sinks:
            sink.wait_for(2)
            self.assertEqual(sink.texts(), ["a", "b"])

    def switch(self, is_on):
        answer = self.ask_json("PUT", "/v3/switches", {"drains": is_on})
        self.assertEqual(answer.status, 200, answer)

    def test_a_sink_that_says_it_is_too_much_gets_less(self):
        sink = self.sink(HttpSink, too_large_over(8000))
        drain = self.drain(sink.url())
        lines = numbered(500)
        self.send(lines)
        sink.wait_for(500)
        self.assertEqual(sink.texts(), lines)
        self.assertEqual(lost_lines(self.settled(drain, 500)), 0)

    def test_one_line_that_is_too_much_is_lost_and_told(self):
        sink = self.sink(HttpSink, too_large_over(2000))
        drain = self.drain(sink.url())
        self.send(["a", "b" * 3000, "c"])
        sink.wait_for_account(3)
        self.assertEqual((sink.texts(), sink.losses()), (["a", "c"], [1]))
        status = self.settled(drain, 3)
        self.assertEqual(status["lost_lines"]["refused"], 1)

    def test_retry_after_is_obeyed(self):
        sinks = [self.sink(HttpSink, in_turn(
            answers(status, [("Retry-After", 1)]), good()))
            for status in (429, 503)]
        drains = [self.drain(sink.url()) for sink in sinks]
        self.send(["a"])
        for sink, drain in zip(sinks, drains):
            sink.wait_for(1)
            first, second = sink.requests
            self.assertGreaterEqual(second.at - first.at, 0.99)
            self.assertEqual(first.frame_id, second.frame_id)
            self.assertEqual(self.settled(drain, 1)["retries"], 1)


class BegunSwitchedOff(DrainTest):
    FLAGS = [*PATIENT, "--workers", "1", "--drain-linger", "1ms"]
    ENVIRONMENT = {"DISABLE_DRAIN_FORWARDING": "true"}

    def test_not_a_line_leaves_before_it_is_switched_on(self):
        sinks = [self.sink(kind) for kind in KINDS]
        drains = [self.drain(sink.url()) for sink in sinks]
        self.send(["a"])
        for drain in drains:
            self.wait_for_status(drain, lambda one: one["lag_lines"] == 1)
        self.assertEqual([sink.texts() for sink in sinks], [[], []])
        answer = self.ask_json("PUT", "/v3/switches", {"drains": True})
        self.assertEqual(answer.status, 200, answer)
        for sink in sinks:
            sink.wait_for(1)
            self.assertEqual(sink.texts(), ["a"])


class Parked(DrainTest):
    FLAGS = [*PATIENT, "--workers", "3"]
    CHANNEL = "7"  # a number, for the legacy API

    def setUp(self):
        super().setUp()
        self.token = self.make_channel(self.CHANNEL, "app")["app"]

    def put(self, drain, url):
        return self.ask_json("PUT", self.path(drain, self.CHANNEL),
                             {"url": url})

    def post_v2(self, drain, url):
        return self.ask_json("POST", "/v2/channels/%s/drains/%d" %
                             (self.CHANNEL, drain), {"url": url})

    def state(self, drain):
        return self.status(drain, self.CHANNEL).get("state")

    def test_one_that_waits_tries_again_when_it_is_told_to(self):
        pair = certificates.make(FOLDER.name, "impatient")
        patience = answers(429, [("Retry-After", "9" * 30)])
        for rest, state, tls in ((patience, "waits", None),
                                 (patience, "waits", pair),
                                 (answers(403), "parked", None)):
            sink = self.sink(HttpSink, rest, tls=tls)
            drain = self.drain(sink.url("/#insecure&refused=park"),
                               self.CHANNEL)
            self.send(["a"])
            status = self.wait_for_status(
                drain, lambda one: one["state"] == state,
                channel=self.CHANNEL)
            if state == "waits":
                self.check_waits_for_an_hour(status)
            sink.behaviour = good()
            answer = self.ask("POST",
                              self.path(drain, self.CHANNEL) + "/retry")
            self.assertEqual(answer.status, 204, answer)
            sink.wait_for(1)
            self.wait_until(lambda: self.state(drain) == "idle")
            self.assertEqual(
                self.status(drain, self.CHANNEL)["delivered_lines"], 1)
            self.ask("DELETE", self.path(drain, self.CHANNEL))

    def check_waits_for_an_hour(self, status):
        form = "%Y-%m-%dT%H:%M:%SZ"
        wait = datetime.strptime(status["retry_at"], form) - \
            datetime.strptime(status["last_error_at"], form)
        self.assertLess(abs(wait.total_seconds() - 3600), 2)

    def test_its_own_url_lets_a_parked_drain_go_on(self):
        sink = self.sink(HttpSink, answers(403))
        url = sink.url("/#refused=park")
        drain = self.drain(url, self.CHANNEL)
        sent = []
        for status, let_go in ((200, self.put), (201, self.post_v2)):
            sink.behaviour = answers(403)
            self.send([str(status)])
            self.wait_until(lambda: self.state(drain) == "parked")
            sink.behaviour = good()
            sent.append(str(status))
            answer = let_go(drain, url.replace("http", "HTTP"))
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(answer.json()["id"], drain)
            self.assertRegex(answer.json()["token"], r"^d\.[0-9a-f-]{36}$")
            sink.wait_for(len(sent))
            self.assertEqual(sink.texts(), sent)
        self.wait_until(lambda: self.state(drain) == "idle")

    def test_its_own_url_does_nothing_to_one_that_is_not_parked(self):
        sink = self.sink(HttpSink, answers_later(0.5))
        parked = self.sink(HttpSink, answers(403))
        url = sink.url("/#refused=park")
        drain = self.drain(url, self.CHANNEL)
        other = self.drain(parked.url("/#refused=park"), self.CHANNEL)
        self.send(["a"])
        sink.wait_for_requests(1)
        self.wait_until(lambda: self.state(other) == "parked")
        for ask in (self.put, self.post_v2):
            self.assertEqual(ask(drain, url).status, 409)
            # A neighbour's is not its own, be that parked or not.
            self.assertEqual(ask(drain, parked.url("/#refused=park")).status,
                             409)
        sink.wait_for(1)
        status = self.wait_for_idle(drain)
        self.assertEqual((status["batches"], status["retries"],
                          status["failures"]), (1, 0, 0))
        self.assertEqual(len(sink.connections), 1)
        self.assertEqual(self.state(other), "parked")

    def wait_for_idle(self, drain):
        self.wait_until(lambda: self.state(drain) == "idle")
        return self.status(drain, self.CHANNEL)


class Metrics(DrainTest):
    """Each drain by itself on /metrics."""
    FLAGS = [*PATIENT, "--workers", "3"]
    ODD = 'a"b\\n c\\é'  # it can have no line end
    ONE = "logplex_channel_drain_"

    def metrics(self):
        return prometheus.parse(self.ask("GET", "/metrics").body.decode())

    def of(self, samples, channel, drain):
        """Of one drain: values by name, without what all begin with, and by
        what else it is labelled with."""
        found = {}
        for (name, labels), value in samples.items():
            told = prometheus.labels_of(labels or "")
            if name.startswith(self.ONE) and \
                    told.pop("drain") == str(drain):
                self.assertEqual(told.pop("channel"), channel)
                found[(name[len(self.ONE):], *told.values())] = value
        return found

    def drains_with_series(self, samples):
        return sorted({int(prometheus.labels_of(labels)["drain"])
                       for name, labels in samples
                       if name.startswith(self.ONE)})

    def agrees(self, found, status):
        for name in ("offered_lines", "delivered_lines", "batches", "retries",
                     "failures", "sent_bytes"):
            self.assertEqual(found[name + "_total",], status[name], name)
        self.assertEqual(found["pending_lines",], status["lag_lines"])
        for reason, lines in status["lost_lines"].items():
            self.assertEqual(found["lost_lines_total", reason], lines)
        states = {key[1]: value for key, value in found.items()
                  if key[0] == "state"}
        self.assertEqual(states.pop(status["state"]), 1)
        self.assertEqual(set(states.values()), {0})
        self.assertEqual(len(states), 7)
        self.agrees_in_time(found, status)

    def agrees_in_time(self, found, status):
        # One who has lines to send is asked for both one after the other.
        if status["lag_lines"] == 0:
            self.assertEqual(found["lag_seconds",], 0)
        else:
            self.assertGreater(found["lag_seconds",], 0)
            self.assertLessEqual(found["lag_seconds",], status["lag_s"])
        at = status["last_success_at"]
        told = found["last_success_timestamp_seconds",]
        self.assertEqual(int(told), int(datetime.fromisoformat(
            at.replace("Z", "+00:00")).timestamp()) if at else 0)

    def test_they_say_what_its_status_says(self):
        name = quote(self.ODD, safe="")
        odd = self.make_channel(name, "app")["app"]
        sinks = [self.sink(HttpSink), self.sink(SyslogSink),
                 self.sink(HttpSink, in_turn(answers(404), good())),
                 self.sink(HttpSink, answers(403))]
        drains = [(self.drain(sinks[0].url()), "demo", "demo"),
                  (self.drain(sinks[1].url(), name), name, self.ODD),
                  (self.drain(sinks[2].url(), name), name, self.ODD),
                  (self.drain(sinks[3].url("/#refused=park")), "demo", "demo")]
        for token in (self.token, odd):
            self.send(["a"], token)
        sinks[2].wait_for_requests(1)
        self.wait_for_status(drains[3][0],
                             lambda one: one["state"] == "parked")
        for token in (self.token, odd):
            self.send(["b", "c"], token)
        self.wait_until(lambda: self.accounts(drains) == [
            (3, 3, 0, "idle"), (3, 3, 0, "idle"), (3, 2, 1, "idle"),
            (3, 0, 0, "parked")])
        samples = self.metrics()
        for drain, path, channel in drains:
            self.agrees(self.of(samples, channel, drain),
                        self.status(drain, path))
        self.assertEqual(samples["logplex_drains_without_series", None], 0)
        for total in ("offered_lines_total", "delivered_lines_total",
                      "batches_total", "sent_bytes_total", "pending_lines"):
            self.assertEqual(
                samples["logplex_drain_" + total, None],
                sum(value for (name, _), value in samples.items()
                    if name == self.ONE + total))

    def accounts(self, drains):
        told = [self.status(drain, path) for drain, path, _ in drains]
        return [(one["offered_lines"], one["delivered_lines"], lost_lines(one),
                 one["state"]) for one in told]

    def test_they_have_neither_its_token_nor_its_url(self):
        sink = self.sink(HttpSink)
        self.drain(sink.url("/path", user="name:" + SECRET))
        self.send(["a"])
        sink.wait_for(1)
        text = self.ask("GET", "/metrics").body.decode()
        self.assertEqual(self.drains_with_series(prometheus.parse(text)), [1])
        for secret in (SECRET, "/path", sink.requests[0].token):
            self.assertNotIn(secret, text)

    def test_one_that_is_gone_has_none(self):
        drains = [self.drain(self.sink(HttpSink).url()) for _ in range(2)]
        self.wait_until(lambda: self.drains_with_series(self.metrics()) ==
                        drains)
        self.delete(drains[0])
        self.wait_until(lambda: self.drains_with_series(self.metrics()) ==
                        drains[1:])


    def test_no_more_have_some_than_an_operator_wants(self):
        for most in (2, 0):
            self.daemon.stop()
            self.FLAGS = [*self.FLAGS, "--metrics-drains", str(most)]
            self.start()
            self.make_channel("demo", "app")
            drains = [self.drain(self.sink(HttpSink).url()) for _ in range(5)]
            self.wait_until(lambda: sum(
                value for (name, _), value in self.metrics().items()
                if name == "logplex_drains") == 5)
            samples = self.metrics()
            self.assertEqual(self.drains_with_series(samples), drains[:most])
            self.assertEqual(samples["logplex_drains_without_series", None],
                             5 - most)


class Pace(DrainTest):
    """How long lines wait for each other."""
    LINGER_S = 1
    FLAGS = [*PATIENT, "--channel-max", "64MiB", "--drain-linger",
             "%ds" % LINGER_S]

    def test_a_quiet_line_leaves_when_it_has_lingered(self):
        sink = self.sink(HttpSink)
        self.drain(sink.url())
        waits = []
        for n in range(1, 4):
            began = time.monotonic()
            self.send(["x"])
            sink.wait_for(n)
            waits.append(sink.requests[-1].at - began)
        self.assertGreaterEqual(min(waits), 0.98 * self.LINGER_S)
        self.assertLess(min(waits), 3 * self.LINGER_S)

    def test_a_burst_fills_batches(self):
        sink = self.sink(HttpSink)
        self.drain(sink.url())
        lines = numbered(20000)
        for at in range(0, len(lines), 5000):
            self.send(lines[at:at + 5000])
        sink.wait_for(len(lines))
        sizes = [len(one.body) for one in sink.accepted]
        self.assertLessEqual(max(sizes), 512 * 1024)
        self.assertGreater(sorted(sizes)[len(sizes) // 2], 256 * 1024, sizes)


class Linger(DrainTest):
    FLAGS = [*PATIENT, "--drain-linger", "60s"]  # longer than anybody waits

    def test_sigterm_delivers_what_is_pending_and_then_ends(self):
        sinks = [self.sink(kind) for kind in KINDS]
        for sink in sinks:
            self.drain(sink.url())
        self.send(numbered(100))
        self.assertEqual(self.daemon.stop(), 0)
        for sink in sinks:
            sink.wait_for(100, within_s=40)
            self.assertEqual(sink.texts(), numbered(100))

    def test_over_syslog_a_line_leaves_when_it_comes(self):
        sink = self.sink(SyslogSink)
        self.drain(sink.url())
        for n in range(1, 6):
            self.send(["x"])
            sink.wait_for(n, within_s=40)

    def test_a_sink_that_is_away_does_not_hold_up_the_end(self):
        sinks = [self.sink(HttpSink, answers(500)),
                 self.sink(HttpSink, is_paused=True)]
        for sink in sinks:
            self.drain(sink.url())
        self.send(["x"])
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertLess(time.monotonic() - began, 25)  # and the limit is 30
        cut = re.findall(r"event=drains_cut .*lines=(\d+)",
                         "".join(self.daemon.log))
        self.assertEqual(sum(map(int, cut)), 2)


def check_denied(test, drain):
    test.send(["x"])
    status = test.wait_for_status(drain, lambda one: one["failures"] > 0)
    test.assertRegex(status["last_error"],
                     "address may not be connected to")
    test.assertEqual(status["delivered_lines"], 0)


class Restart(DrainTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.FLAGS = self.flags = [*PATIENT, "--data", folder.name]
        super().setUp()

    def restart(self, *flags):
        self.daemon.stop()
        self.FLAGS = [*self.flags, *flags]
        self.start()

    def test_one_from_before_a_rule_is_kept_and_says_so(self):
        sinks = [self.sink(kind) for kind in KINDS]
        drains = [self.drain(sink.url(host="127.0.0.1")) for sink in sinks]
        self.restart("--drain-deny", "127.0.0.1")
        for drain in drains:
            told = self.ask("GET", self.path(drain)).json()
            self.assertRegex(told["warnings"][0],
                             "127.0.0.1, where drains may not connect: the "
                             "daemon runs with --drain-deny 127.0.0.1$")
            check_denied(self, drain)
        self.assertEqual([len(sink.connections) for sink in sinks], [0, 0])
        self.assertEqual(len(re.findall("event=drain_denied",
                                        "".join(self.daemon.log))), 2)
        self.restart()
        self.send(["a"])
        for sink in sinks:
            sink.wait_for(1)
        self.assertNotIn("warnings",
                         self.ask("GET", self.path(drains[0])).json())

    def test_a_drain_outlives_the_daemon(self):
        sinks = [self.sink(kind) for kind in KINDS]
        for sink in sinks:
            self.drain(sink.url())
        self.send(["a"])
        for sink in sinks:
            sink.wait_for(1)
        self.assertEqual(self.daemon.stop(), 0)
        self.start()
        self.send(["b"])
        for sink in sinks:
            sink.wait_for(2)
            self.assertEqual(sink.texts(), ["a", "b"])
        tokens = {one.token for one in sinks[0].requests}
        self.assertEqual(len(tokens), 1)
        self.assertEqual(len({one.frame_id for one in sinks[0].requests}), 2)


class Guarded(DrainTest):
    FLAGS = [*PATIENT, "--drain-deny", "loopback"]

    def test_where_drains_may_not_connect_they_never_do(self):
        sinks = [self.sink(kind) for kind in KINDS]
        for sink in sinks:
            check_denied(self, self.drain(sink.url(host="localhost")))
            answer = self.ask_json("POST", "/v3/channels/demo/drains",
                                   {"url": sink.url(host="127.0.0.1")})
            self.assertEqual(answer.status, 400)
            self.assertRegex(answer.json()["error"],
                             "--drain-deny loopback, and --drain-allow "
                             "127.0.0.1 would open it")
        self.assertEqual([len(sink.connections) for sink in sinks], [0, 0])


def fatal_alert(number):
    return bytes([21, 3, 3, 0, 2, 2, number])


def greets(said):
    """Whatever it is asked for, instead of a handshake; and it hangs up."""
    def begin(connection):
        connection.take(65536)
        connection.send(said)
        connection.hang_up()
    return Behaviour(begin=begin)


class Certificates(DrainTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = certificates.Authority(FOLDER.name)
        cls.good = cls.authority.sign("good")
        cls.other = cls.authority.sign("other", "subjectAltName=DNS:x.test")
        cls.stale = cls.authority.sign("stale", dates=certificates.YEAR_2020)
        cls.stranger = certificates.make(FOLDER.name, "stranger")
        cls.FLAGS = [*PATIENT, "--drain-ca", cls.authority.cert]

    def test_who_is_believed_gets_lines(self):
        for kind in KINDS:
            sink = self.sink(kind, tls=self.good)
            drains = [self.drain(sink.url(host=host))
                      for host in ("127.0.0.1", "localhost")]
            self.send(["a", "b"])
            sink.wait_for(4)
            for drain in drains:
                self.assertEqual(self.settled(drain, 2)["failures"], 0)
                self.delete(drain)
            self.assertEqual(len(sink.connections), 2)

    def test_others_get_none_and_the_status_says_why(self):
        for kind in KINDS:
            for pair, why in ((self.other, "name|match"),
                              (self.stranger, "signed by nobody"),
                              (self.stale, "expired")):
                with self.subTest(pair.name, kind=kind.__name__):
                    self.check_refused(self.sink(kind, tls=pair), why)

    def test_who_wants_a_certificate_of_ours_gets_none_and_it_is_told(self):
        for kind in KINDS:
            sink = self.sink(kind, tls=self.good)
            sink.tls.minimum_version = ssl.TLSVersion.TLSv1_3
            sink.tls.load_verify_locations(self.authority.cert)
            sink.tls.verify_mode = ssl.CERT_REQUIRED
            self.check_refused(sink, "; it asks for a certificate, and there "
                                     "is none to show$")

    def test_a_handshake_that_an_alert_ended_is_told_in_the_channel(self):
        reader = self.sink(HttpSink)
        self.drain(reader.url())
        for kind in KINDS:
            for said, name in ((fatal_alert(40), "handshake failure"),
                               (fatal_alert(48), "unknown ca"),
                               (fatal_alert(70), "protocol version"),
                               (b"220 what do you want\r\n",
                                "unexpected message")):
                with self.subTest(name, kind=kind.__name__):
                    sink = self.sink(kind, greets(said), tls=self.good)
                    drain = self.check_fails(sink.url(), "andshake")
                    self.assertGreater(self.status(drain)["tls_failures"], 0)
                    line = ('Error L14 (certificate validation): error="%s" '
                            'uri="%s' % (name, sink.url()))
                    reader.wait_until(
                        lambda line=line: any(line in one
                                              for one in reader.texts()), line)
                    self.delete(drain)

    def test_one_that_hangs_up_in_the_handshake_has_no_alert(self):
        for kind in KINDS:
            for said in (b"", b"\x15\3\3\0\2\1\0"):  # or says that it will
                with self.subTest(said, kind=kind.__name__):
                    drain = self.check_fails(
                        self.sink(kind, greets(said), tls=self.good).url(),
                        "andshake")
                    self.assertEqual(self.status(drain)["tls_failures"], 0)
                    self.delete(drain)

    def check_refused(self, sink, why):
        drain = self.check_fails(sink.url(), why)
        self.assertEqual(sink.kept_frames(None), [])
        self.delete(drain)

    def check_fails(self, url, why):
        drain = self.drain(url)
        self.send(["x"])
        status = self.wait_for_status(drain, lambda one: one["failures"] > 0)
        self.assertRegex(status["last_error"], why)
        return drain

    def test_an_authority_is_replaced_without_a_restart(self):
        path = os.path.join(FOLDER.name, "replaced.pem")
        shutil.copy(self.stranger.cert, path)
        self.daemon.stop()
        self.FLAGS = [*PATIENT, "--drain-ca", path]
        self.setUp()
        sinks = [self.sink(kind, tls=self.good) for kind in KINDS]
        drains = [self.drain(sink.url()) for sink in sinks]
        self.send(["a"])
        for drain in drains:
            self.wait_for_status(drain, lambda one: one["failures"] > 0)
        with open(path + ".half", "w") as half:
            half.write("half of a")
        shutil.copy(self.authority.cert, path + ".whole")
        for ending in (".half", ".whole"):
            os.rename(path + ending, path)
        for sink, drain in zip(sinks, drains):
            self.settled(drain, 1)
            self.assertEqual([one for one in sink.texts()
                              if not one.startswith("Error L14 ")], ["a"])

    def test_what_is_only_waited_for_holds_no_memory(self):
        for tls in (None, self.good):
            sink = self.sink(HttpSink, in_turn(good(), is_silent(), good()),
                             tls=tls)
            drain = self.drain(sink.url())
            self.send(["x"])
            sink.wait_for_requests(1)
            self.wait_for_status(drain, lambda one: one["state"] == "idle")
            self.send(["y"])
            sink.wait_for_requests(2)
            self.wait_until(
                lambda: self.ledger()["engine"]["kept_bytes"] == 0)
            self.assertEqual(self.status(drain)["state"], "sends")
            sink.hang_up()  # the connection was in use before
            status = self.settled(drain, 2)
            self.assertEqual((status["failures"], status["retries"]), (1, 1))
            self.assertRegex(status["last_error"], "before it answered")
            self.assertEqual(sink.requests[1].frame_id,
                             sink.requests[2].frame_id)
            self.delete(drain)

    def test_the_connection_of_an_insecure_one_is_not_trusted(self):
        sink = self.sink(HttpSink, tls=self.stranger)
        insecure = self.drain(sink.url("/in#insecure"))
        self.send(["x"])
        self.settled(insecure, 1)
        self.delete(self.check_fails(sink.url("/no"), "signed by nobody"))
        self.assertEqual({one.target for one in sink.accepted}, {"/in"})
        self.settled(insecure, 2)

    def test_a_pinned_key_stands_for_who_signed_it(self):
        self.daemon.stop()
        self.FLAGS = [*self.FLAGS, "--drain-pins", self.stranger.cert]
        self.setUp()
        for kind in KINDS:
            sink = self.sink(kind, tls=self.stranger)
            drain = self.drain(sink.url())
            self.send(["x"])
            self.assertEqual(self.settled(drain, 1)["failures"], 0)
            self.delete(drain)

    def test_an_insecure_one_delivers_to_all(self):
        for kind in KINDS:
            for pair in (self.other, self.stranger, self.stale):
                sink = self.sink(kind, tls=pair)
                drain = self.drain(sink.url("#insecure"))
                self.send(["x"])
                sink.wait_for(1)
                self.delete(drain)


class Connections(DrainTest):
    """What libcurl keeps of them, and what it closes by itself."""
    FLAGS = ["--workers", "1", "--drains-max", "100", "--drain-timeout", "8s",
             "--shutdown-limit", "1s"]

    def ends_well(self):
        self.assertEqual(self.daemon.stop(), 0)
        self.start()  # for whoever looks after it

    def test_who_loses_most_at_the_end_is_named_in_the_log(self):
        sink = self.sink(HttpSink, is_paused=True)
        drains = []
        for n in range(12):
            drains.append(self.drain(sink.url("/%d" % n)))
            self.send(["x"])
        self.assertEqual(self.daemon.stop(), 0)
        log = "".join(self.daemon.log)
        self.assertEqual(
            re.findall(r"event=drain_cut drain=(\d+) channel=(\S+) "
                       r"lines=(\d+)\n", log),
            [(str(drains[n]), "demo", str(12 - n)) for n in range(10)])
        self.assertRegex(
            log, r"event=drains_cut worker=0 drains=12 lines=78\n")
        self.start()  # for whoever looks after it

    def test_one_that_was_never_made_leaves_nothing_behind(self):
        sink = self.sink(HttpSink)
        sink.clog()
        drain = self.drain(sink.url())
        self.send(["x"])
        self.wait_for_status(drain, lambda one: one["batches"] > 0)
        self.delete(drain)
        self.ends_well()

    def test_one_that_did_not_come_in_time_leaves_nothing_behind(self):
        sink = self.sink(HttpSink)
        sink.clog()
        drain = self.drain(sink.url())
        self.send(["x"])
        self.wait_for_status(drain, lambda one: one["failures"] > 0)
        self.ends_well()

    def test_a_drain_that_goes_cuts_nobody_elses_request(self):
        sink = self.sink(HttpSink)
        other = self.make_channel("three", "app")["app"]
        first = [self.drain(sink.url("/a%d" % n)) for n in range(20)]
        second = [self.drain(sink.url("/b%d" % n), "three") for n in range(20)]
        self.send(["a"])
        sink.wait_for(20)
        for drain in first:
            self.settled(drain, 1)
        sink.behaviour = answers_later(1, 204)
        self.send(["b"], other)
        for drain in second:
            self.wait_for_status(
                drain, lambda one: one["state"] == "sends" or
                one["delivered_lines"] > 0, channel="three")
        for drain in first:
            self.delete(drain)
        sink.wait_for(40)
        of_second = [one for one in sink.requests
                     if one.target.startswith("/b")]
        self.assertEqual(len(of_second), 20)


class Short(DrainTest):
    """Of memory."""
    FLAGS = ["--workers", "2", "--memory-max", "8MiB", "--channel-max", "1MiB",
             "--drains-max", "100", "--drain-timeout", "4s",
             "--drain-backoff-max", "300ms", "--shutdown-limit", "5s"]

    def post_all(self, token, lines):
        answer = self.post(token, lines)
        self.assertEqual(answer.status, 204, answer)

    def test_silent_sinks_keep_no_more_than_half(self):
        other = self.make_channel("two", "app")["app"]
        sink = self.sink(HttpSink, is_silent())
        live = self.sink(HttpSink)
        drain = self.drain(live.url(), "two")
        lines = [line("x" * 60000) for _ in range(10)]
        pinned = []
        end = time.monotonic() + 7  # they come back
        while time.monotonic() < end:
            if len(pinned) < 24:  # each has lines of its own on their way
                self.drain(sink.url("/%d" % len(pinned)))
            self.post_all(self.token, lines)
            self.post_all(other, [line("small")] * 10)
            pinned.append(self.ledger()["engine"]["pinned_bytes"])
            time.sleep(0.01)
        self.assertGreater(max(pinned), 256 << 10)
        self.assertLessEqual(max(pinned), 4 << 20)
        status = self.settled(drain, 10 * len(pinned), channel="two")
        self.assertEqual(status["delivered_lines"], 10 * len(pinned))
        for one in self.ask("GET", "/v3/channels/demo/drains").json():
            self.delete(one["id"])
        self.wait_until(lambda: self.ledger()["engine"]["kept_bytes"] == 0)

    def test_what_stands_beside_lines_does_not_push_out_lines_that_linger(
            self):
        sink = self.sink(HttpSink)
        drain = self.drain(sink.url())
        for first in range(0, 3000, 50):
            self.post_all(self.token, [
                line("x", structured_data='[a@1 k="%d%s"]' % (n, "u" * 3900))
                for n in range(first, first + 50)])
            time.sleep(0.02)
        self.assertEqual(self.settled(drain, 3000)["delivered_lines"], 3000)


class SlowPatterns(DrainTest):
    FLAGS = ["--workers", "1", "--drain-timeout", "30s", "--shutdown-limit",
             "1s"]
    SLOW = 'msg~".{0,130}.{0,130}[xz]"'  # some 5 ms on a line of 1,000 bytes

    def test_a_filter_that_takes_long_holds_up_no_other_channel(self):
        sink = self.sink(HttpSink, is_silent())
        other = self.make_channel("two", "app")["app"]
        drain = self.drain(sink.url())
        self.send(["in flight when the filter comes"])
        self.wait_for_status(drain, lambda one: one["state"] == "sends")
        answer = self.ask_json("PUT", self.path(drain),
                               {"url": sink.url(), "filter": self.SLOW})
        self.assertEqual(answer.status, 200, answer)
        self.send(["a" * 1000] * 400)
        pid = self.daemon.process.pid
        waits = []
        end = time.monotonic() + 3
        while time.monotonic() < end:
            began_s = cpu_s(pid)
            self.send(["x"], other)
            waits.append(cpu_s(pid) - began_s)
            time.sleep(0.01)
        # Unlimited, it would be the whole of what the 400 lines take. It is what
        # the daemon has worked, as others may be in its way.
        self.assertLess(max(waits), 1)
        status = self.status(drain)
        self.assertLessEqual(
            status["delivered_lines"] + lost_lines(status) +
            left_out(status) + status["lag_lines"], status["offered_lines"])


if __name__ == "__main__":
    main()
