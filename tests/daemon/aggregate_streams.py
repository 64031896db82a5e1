#!/usr/bin/env python3
"""A channel's numbers each second, and all channels at a glance: frames that are
shared, resumed, skipped and ended; lists that are sorted, searched and paged."""
import json
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import DaemonTest, Events, OWNER, basic, frames, line, main

from aggregates import Aggregating, request


class Streaming(Aggregating):
    def viewer(self, path="/v3/channels/demo/aggregates/stream", last_id=None,
               **options):
        client = self.daemon.client(**options)
        headers = [("Authorization", basic(*OWNER))]
        if last_id:
            headers.append(("Last-Event-ID", last_id))
        client.send("GET", path, headers)
        events = Events(client)
        self.assertEqual(events.answer.status, 200)
        self.assertEqual(events.answer.headers["content-type"],
                         "text/event-stream")
        return events

    def frame(self, events):
        event = events.next()
        self.assertEqual(event.name, "frame")
        told = json.loads(event.data)
        self.assertEqual(event.id, "%s:%d" % (told["snapshot"]["epoch"],
                                              told["second"]))
        return told

    def metric(self, name):
        text = self.ask("GET", "/metrics").body.decode()
        return next(float(one.split()[-1]) for one in text.splitlines()
                    if one.startswith("logplex_%s " % name))


class OneWorker(Streaming):
    FLAGS = ["--workers", "1"]

    def test_who_comes_and_goes_takes_nobodys_frames(self):
        self.tokens()
        steady = self.viewer()
        first = self.frame(steady)["second"]
        is_over = threading.Event()
        came = []

        def come_and_go():
            while not is_over.is_set():
                came.append(self.viewer().client.close())
        restless = threading.Thread(target=come_and_go)
        restless.start()
        try:
            for _ in range(5):
                last = self.frame(steady)["second"]
        finally:
            is_over.set()
            restless.join()
        self.assertGreater(len(came), 100)
        # One a second; it was one in six when each that came took a turn.
        self.assertLess(last - first, 15)


class Channel(Streaming):
    FLAGS = ["--workers", "2"]

    def test_each_second_is_shown_once(self):
        token = self.tokens()["heroku"]
        events = self.viewer()
        frame = self.frame(events)
        self.assertEqual(events.retry_ms, 2000)
        self.post(token, [request(token, n) for n in range(7)])
        while not frame["points"]["t"]:  # of before the channel was there
            frame = self.frame(events)
        seconds = frame["points"]["t"][-1:]
        requests = sum(frame["points"]["requests"])
        for _ in range(4):
            frame = self.frame(events)
            self.assertEqual(frame["points"]["t"][-1], frame["second"])
            seconds += frame["points"]["t"]
            requests += sum(frame["points"]["requests"])
        self.assertEqual(seconds, list(range(seconds[0], seconds[-1] + 1)))
        self.assertEqual(requests, 7)
        self.assertEqual(frame["snapshot"]["requests"]["count"], 7)

    def test_seconds_that_nobody_counted_are_not_told(self):
        """Not as 0: of the time before the daemon began nothing is known."""
        began = int(time.time())
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n) for n in range(5)])
        self.counted(5)
        points = self.frame(self.viewer())["points"]
        asked = self.series(**{"from": began - 100})
        for told in (points, asked, self.series()):
            self.assertGreaterEqual(told["t"][0], began)
            self.assertEqual(told["from"], told["t"][0])
            self.assertEqual(sum(told["requests"]), 5)
        self.assertEqual(self.series(to=began, **{"from": began - 100})["t"],
                         [])

    def test_who_comes_back_is_shown_what_he_missed(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n) for n in range(5)])
        self.counted(5)
        events = self.viewer()
        place = self.frame(events)
        events.client.close()
        self.post(token, [request(token, n) for n in range(3)])
        self.counted(8)
        time.sleep(1.1)  # a second at least goes by
        for options in ({"last_id": events.last_id},
                        {"path": "/v3/channels/demo/aggregates/stream?after=" +
                         events.last_id}):
            again = self.frame(self.viewer(**options))
            self.assertEqual(again["skipped"], 0)
            self.assertEqual(again["points"]["t"],
                             list(range(place["second"] + 1,
                                        again["second"] + 1)))
            self.assertEqual(sum(again["points"]["requests"]), 3)
        for other in ("1:%d" % place["second"], "nonsense", "%s:99" %
                      events.last_id.split(":")[0]):
            again = self.frame(self.viewer(last_id=other))
            self.assertEqual(sum(again["points"]["requests"]), 8)
        for wrong in ("", "zz", "1:2:3"):
            answer = self.ask("GET", "/v3/channels/demo/aggregates/stream"
                              "?after=" + wrong,
                              headers=[("Accept", "text/event-stream")])
            self.assertEqual(answer.status, 400)
            self.assertIn('"after" is "%s", but has to be' % wrong,
                          answer.json()["error"])

    def test_viewers_share_a_frame(self):
        self.tokens()
        viewers = [self.viewer() for _ in range(10)]
        firsts = [self.frame(one)["second"] for one in viewers]
        for one, second in zip(viewers, firsts):
            while second < max(firsts):  # one began while others came
                second = self.frame(one)["second"]
        made = self.metric("aggregate_frames_total")
        sent = self.metric("aggregate_frames_sent_total")
        told = [[self.frame(one) for _ in range(3)] for one in viewers]
        self.assertGreaterEqual(
            self.metric("aggregate_frames_sent_total") - sent, 30)
        # A second more may have begun before it was asked and after it.
        self.assertLessEqual(self.metric("aggregate_frames_total") - made, 5)
        for one in told:
            self.assertEqual(one, told[0])

    def test_who_is_too_slow_is_told_what_he_missed(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n, dyno="web.%d" % (n % 60),
                                  path="/" + "abcdefghij"[n % 10] * 20 +
                                  "klmnopqrst"[n // 10] * 20)
                          for n in range(100)])
        self.counted(100)
        events = self.viewer(receive_buffer=4096)
        first = self.frame(events)
        self.wait_until(
            lambda: self.metric("aggregate_frames_skipped_total") >= 2)
        seconds, skipped = [first["second"]], 0
        while not skipped:
            frame = self.frame(events)
            skipped = frame["skipped"]
            self.assertEqual(len(frame["points"]["t"]), skipped + 1)
            seconds += frame["points"]["t"]
        self.assertEqual(seconds, list(range(seconds[0], seconds[-1] + 1)))

    def test_it_ends_with_the_channel(self):
        self.tokens()
        viewers = [self.viewer() for _ in range(4)]
        for one in viewers:
            self.frame(one)
        self.ask("DELETE", "/v3/channels/demo")
        for one in viewers:
            rest = one.rest()
            self.assertEqual(rest[-1].name, "end")
            self.assertEqual(json.loads(rest[-1].data),
                             {"why": "the channel is deleted"})
        self.assertEqual(self.metric("aggregate_viewers_opened_total"),
                         self.metric("aggregate_viewers_closed_total"))

    def test_it_ends_with_the_daemon(self):
        self.tokens()
        viewers = [self.viewer(), self.viewer("/v3/fleet/stream")]
        for one in viewers:
            one.next()
        self.daemon.process.send_signal(signal.SIGTERM)
        for one in viewers:
            self.assertEqual(json.loads(one.rest()[-1].data),
                             {"why": "the daemon is going down"})
        self.assertEqual(self.daemon.process.wait(60), 0)

    def test_viewers_that_break_off_leave_nothing(self):
        self.tokens()
        for _ in range(20):
            events = self.viewer()
            events.client.close()
        self.wait_until(lambda: self.metric("aggregate_viewers_closed_total") ==
                        20)


class Fleet(Streaming):
    FLAGS = ["--workers", "2"]

    def fleet(self, query=""):
        answer = self.ask("GET", "/v3/fleet" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def in_window(self, rate):
        told = self.fleet()
        return round(told["totals"][rate] * told["window_s"], 5)

    def ids(self, query=""):
        return [one["id"] for one in self.fleet(query)["channels"]]

    def test_what_hurts_comes_first_and_all_can_be_found(self):
        sent = {"calm": dict(count=50), "slow": dict(count=20, service=9000),
                "broken": dict(count=30, status=503, code="H12"),
                "quiet": dict(count=0), "Chatty": dict(count=0)}
        for channel, how in sent.items():
            token = self.tokens(channel)["heroku"]
            how = dict(how)
            lines = [request(token, n, **how)
                     for n in range(how.pop("count"))]
            lines += [line("hello", token)] * (200 * (channel == "Chatty"))
            if lines:
                self.post(token, lines)
        self.wait_until(lambda: self.fleet()["totals"]["errors"] == 30,
                        "windows of ten seconds are over by then")
        self.wait_until(lambda: self.in_window("lines_per_s") == 300)
        told = self.fleet()
        totals = told["totals"]
        for rate, count in (("lines_per_s", 300), ("requests_per_s", 100),
                            ("failed_per_s", 30)):
            self.assertAlmostEqual(totals.pop(rate) * told["window_s"], count,
                                   places=5)
        self.assertEqual(totals, {
            "channels": 5, "active": 4, "errors": 30, "lost_lines": 0,
            "uncounted_channels": 0, "uncounted_lines": 0})
        self.assertEqual(told["matched"], 5)
        first = told["channels"][0]
        self.assertEqual((first["id"], first["requests"], first["failed"],
                          first["top_code"], first["meaning"]),
                         ("broken", 30, 30, "H12", "Request timeout"))
        self.assertEqual(sum(first["sparks"]), 30)
        self.assertEqual(first["sparks_of"], "requests")
        self.assertEqual(self.ids()[:2], ["broken", "slow"])
        self.assertEqual(self.ids("?sort=requests")[:3],
                         ["calm", "broken", "slow"])
        self.assertEqual(self.ids("?sort=lines")[0], "Chatty")
        self.assertEqual(self.ids("?sort=p95")[0], "slow")
        self.assertEqual(self.ids("?sort=errors")[0], "broken")
        names = ["Chatty", "broken", "calm", "quiet", "slow"]
        self.assertEqual(self.ids("?sort=name"), names)
        self.assertEqual(self.ids("?sort=name&order=desc"), names[::-1])
        self.assertEqual(self.ids("?sort=requests&order=asc")[-1], "calm")
        self.assertEqual(self.ids("?sort=name&limit=2&offset=1"), names[1:3])
        self.assertEqual(self.ids("?sort=name&offset=9"), [])
        found = self.fleet("?sort=name&search=CHA")
        self.assertEqual(([one["id"] for one in found["channels"]],
                          found["matched"]), (["Chatty"], 1))
        quiet = self.fleet("?search=quiet")["channels"][0]
        self.assertIsNone(quiet["p95_ms"])
        self.assertIsNone(quiet["top_code"])
        self.assertEqual(quiet["sparks_of"], "lines")

    def test_failed_is_a_share_of_requests(self):
        for channel, good, failed in (("many", 90, 10), ("fine", 9, 0),
                                      ("few", 2, 3), ("quiet", 0, 0)):
            token = self.tokens(channel)["heroku"]
            self.post(token, [request(token, n, status=200 if n < good else 500)
                              for n in range(good + failed)])
        self.wait_until(lambda: self.in_window("failed_per_s") == 13)
        self.assertEqual(self.ids("?sort=failed"),
                         ["few", "many", "fine", "quiet"])
        self.assertEqual(self.ids("?sort=failed&order=asc")[-2:],
                         ["many", "few"])

    def test_it_is_told_each_second(self):
        self.tokens("one")
        self.tokens("two")
        events = self.viewer("/v3/fleet/stream?sort=name&limit=1")
        for _ in range(2):
            event = events.next()
            self.assertEqual(event.name, "fleet")
            told = json.loads(event.data)
            self.assertEqual([one["id"] for one in told["channels"]], ["one"])
            self.assertEqual(told["matched"], 2)
        self.ask("DELETE", "/v3/channels/one")
        self.wait_until(lambda: json.loads(events.next().data)["channels"][0]
                        ["id"] == "two")

    def test_deleted_channels_are_let_go_of(self):
        self.tokens("one")
        before = self.ledger()["engine"]["channels"]
        self.fleet()
        self.ask("DELETE", "/v3/channels/one")
        self.wait_until(lambda: self.ledger()["engine"]["channels"] ==
                        before - 1, "the list lets its view go")


if __name__ == "__main__":
    main()
