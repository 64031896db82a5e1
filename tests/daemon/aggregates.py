#!/usr/bin/env python3
"""What the lines of a channel say in numbers: a snapshot, columns over time, and
what becomes of both when channels and daemons go."""
import collections
import json
import os
import socket
import sys
import tempfile
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import prometheus
from logplexd import OWNER, Daemon, DaemonTest, frames, line, main

ERROR = 0.01


def request(token, n, dyno="web.1", status=200, service=10, path="/users/%d",
            connect=1, code=None, wait=None):
    """A line of the router's."""
    msg = "at=%s method=GET path=\"%s\" host=h request_id=r-%d dyno=%s " \
          "connect=%dms service=%dms status=%d bytes=%d" % (
              "error code=%s desc=\"x\"" % code if code else "info",
              path % n if "%" in path else path, n, dyno, connect, service,
              status, 100 + n)
    if wait is not None:
        msg += " queue=2 wait=%dms" % wait
    return line(msg, token, "router")


def exact(values, q):
    return sorted(values)[int(q * (len(values) - 1))]


class Aggregating(DaemonTest):
    def snapshot(self, channel="demo", **query):
        text = "&".join("%s=%s" % one for one in query.items())
        answer = self.ask("GET", "/v3/channels/%s/aggregates%s" % (
            channel, "?" + text if text else ""))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def series(self, channel="demo", **query):
        text = "&".join("%s=%s" % (k, quote(str(v))) for k, v in query.items())
        answer = self.ask("GET", "/v3/channels/%s/aggregates/series?%s" % (
            channel, text))
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def counted(self, lines, channel="demo", **query):
        """The snapshot, once it has so many lines in windows that are over.
        Long enough for a slow machine."""
        query.setdefault("window", "1h")
        found = []

        def is_there():
            found[:] = [self.snapshot(channel, **query)]
            return found[0]["lines"]["count"] >= lines
        self.wait_until(is_there, "they are not counted")
        self.assertEqual(found[0]["lines"]["count"], lines)
        return found[0]

    def send_tcp(self, lines):
        with socket.create_connection(
                self.daemon.address("syslog-tcp")) as tcp:
            tcp.sendall(frames(lines))

    def send_udp(self, lines):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for one in lines:
                udp.sendto(one, self.daemon.address("syslog-udp"))

    def tokens(self, channel="demo"):
        return self.make_channel(channel, "heroku", "app")

    def check_balance(self):
        """accepted = counted + lost + uncounted + behind."""
        def is_settled():
            return self.ledger()["aggregates"]["behind_lines"] == 0
        self.wait_until(is_settled)
        ledger = self.ledger()
        told = ledger["aggregates"]
        self.assertEqual(
            told["counted_lines"] + told["lost_lines"] +
            told["uncounted_lines"], ledger["engine"]["appended_lines"])
        return told


class Exactness(Aggregating):
    FLAGS = ["--workers", "2"]

    def test_requests_are_counted_to_the_last(self):
        token = self.tokens()["heroku"]
        sent = [dict(n=n, dyno="web.%d" % (1 + n % 3),
                     status=(200, 302, 404, 503)[n % 4], service=n,
                     wait=n % 7) for n in range(400)]
        lines = [request(token, **one) for one in sent]
        self.send_tcp(lines[:150])
        self.send_udp(lines[150:200])
        self.post(token, lines[200:])
        told = self.counted(400)
        times = [1 + one["service"] for one in sent]
        self.assertEqual(told["requests"]["count"], 400)
        self.assertEqual(told["requests"]["failed"], 100)
        self.check_dist(told["requests"]["response_ms"], times)
        self.assertEqual(told["classes"], {
            "1xx": 0, "2xx": 100, "3xx": 100, "4xx": 100, "5xx": 100,
            "none": 0, "other": 0})
        self.assertEqual([(one["status"], one["count"])
                          for one in told["status"]],
                         [("200", 100), ("302", 100), ("404", 100),
                          ("503", 100)])
        self.check_dist(told["bytes"], [100 + n for n in range(400)])
        self.check_dist(told["queue"]["wait_ms"],
                        [one["wait"] for one in sent])
        self.check_dist(told["queue"]["depth"], [2] * 400)
        self.assertFalse(told["queue"]["is_over"])
        for i in range(3):
            process = self.named(told["processes"], "process",
                                 "web.%d" % (1 + i))
            mine = [1 + one["service"] for one in sent if one["n"] % 3 == i]
            self.assertEqual(process["requests"], len(mine))
            self.check_dist(process["response_ms"], mine)
        self.assertEqual([(one["route"], one["count"], one["failed"])
                          for one in told["routes"]],
                         [("GET /users/:id", 400, 100)])
        self.assertEqual(told["lines"]["bytes"], self.stored_bytes())
        self.assertEqual((told["lines"]["lost"], told["lines"]["behind"]),
                         (0, 0))
        self.assertEqual((told["lines"]["first_seq"],
                          told["lines"]["end_seq"]), (1, 401))
        self.assertEqual(told["detail"], "full")
        self.check_balance()

    def named(self, rows, key, name):
        return next(one for one in rows if one[key] == name)

    def stored_bytes(self):
        return self.ask("GET", "/ledger?channel=demo").json()["appended_bytes"]

    def check_dist(self, dist, values):
        self.assertEqual((dist["count"], dist["min"], dist["max"]),
                         (len(values), min(values), max(values)))
        self.assertEqual(dist["sum"], sum(values))
        self.assertEqual(dist["mean"], sum(values) / len(values))
        self.assertEqual(dist["error"], ERROR)
        for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            wanted = exact(values, q)
            self.assertLessEqual(abs(dist[name] - wanted), ERROR * wanted)

    def test_errors_have_their_meaning_and_lines_that_made_them(self):
        token = self.tokens()["heroku"]
        self.post(token, [
            request(token, 1),
            request(token, 2, service=30000, status=503, code="H12"),
            line("at=error code=H10 desc=\"App crashed\" method=GET path=\"/\" "
                 "host=h request_id=q dyno= connect= service= status=503 "
                 "bytes=0", token, "router"),
            line("Error R14 (Memory quota exceeded)", token, "web.1"),
            line("Error R14 (Memory quota exceeded)", token, "web.2")])
        told = self.counted(5)
        self.assertEqual(
            [(one["code"], one["meaning"], one["count"], one["exemplars"])
             for one in told["codes"]],
            [("H10", "App crashed", 1, [3]),
             ("H12", "Request timeout", 1, [2]),
             ("R14", "Memory quota exceeded", 2, [5, 4])])
        # What no dyno answered took no time, and makes nobody look fast.
        self.assertEqual(told["requests"]["count"], 3)
        self.assertEqual(told["requests"]["failed"], 2)
        self.assertEqual(told["requests"]["response_ms"]["count"], 2)
        self.assertEqual(told["requests"]["response_ms"]["min"], 11)
        self.assertEqual(
            told["requests"]["response_ms"]["exemplars"]["max"], [2])
        self.assertEqual(self.named(told["processes"], "process",
                                    "web.1")["codes"],
                         {"H12": 1, "R14": 1})

    def test_a_code_is_what_its_line_says_and_never_more_than_a_string(self):
        token = self.tokens()["heroku"]
        codes = ["H\"1", "H\\", "A\":[7],\"H99", "H\t1", "H\xff"]
        self.post(token, [
            request(token, n, status=503, code=code).replace(
                "H\xff".encode(), b"H\xff") for n, code in enumerate(codes)])
        told = sorted(one["code"] for one in self.counted(5)["codes"])
        self.assertEqual(len(told), 5)
        for tier in "seconds", "tens":
            self.wait_until(
                lambda tier=tier: self.series(tier=tier)["codes"].keys(),
                "no window is over")
            self.assertEqual(sorted(self.series(tier=tier)["codes"]), told)

    def test_names_that_are_no_text_are_counted_together_and_told_once(self):
        token = self.tokens()["heroku"]
        bad = "x\N{REPLACEMENT CHARACTER}"
        lines = []
        for byte in b"\xff", b"\xfe", b"\x80":
            lines += [one.replace(b"BAD", b"x" + byte) for one in (
                line("source=BAD dyno=heroku.1.2 sample#memory_total=1MB", token,
                     "web.1"),
                request(token, 1, status=503, code="BAD", dyno="BAD"),
                line("State changed from up to BAD", token, "web.1"))]
        self.post(token, lines)

        def once(pairs):
            self.assertEqual(len(dict(pairs)), len(pairs), pairs)
            return dict(pairs)
        self.counted(9)
        told = json.loads(self.ask(
            "GET", "/v3/channels/demo/aggregates").body, object_pairs_hook=once)
        self.assertEqual([(one["code"], one["count"])
                          for one in told["codes"]], [(bad, 3)])
        self.assertEqual(told["events"], {bad: 3})
        own = {one["process"]: one for one in told["processes"]}
        self.assertEqual(len(own), len(told["processes"]))
        self.assertEqual(own[bad]["codes"], {bad: 3})
        self.assertEqual(own["web.1"]["events"], {bad: 3})
        values = prometheus.parse(self.ask(
            "GET", "/metrics?channel=demo").body.decode())
        self.assertEqual(values["logplex_channel_errors",
                                'channel="demo",code="%s"' % bad], 3)

    def test_what_an_application_calls_as_the_router_does_is_told_apart(self):
        tokens = self.tokens()
        self.post(tokens["heroku"], [request(tokens["heroku"], 1, service=5)])
        self.post(tokens["app"], [line("measure#router.service=100ms",
                                       tokens["app"], "web.1")])
        told = [one for one in self.counted(2)["measures"]
                if one["name"] == "router.service"]
        self.assertEqual(sorted((one["is_platform"], one["sum"])
                                for one in told), [(False, 100), (True, 5)])

    def test_processes_have_memory_load_events_and_skew(self):
        tokens = self.tokens()
        token = tokens["heroku"]
        self.post(token, [
            line("source=web.1 dyno=heroku.1.2 sample#memory_total=%d.00MB "
                 "sample#memory_rss=10.00MB sample#memory_quota=512.00MB "
                 "sample#load_avg_1m=1.5" % mb, token, "web.1")
            for mb in (100, 256)])
        self.post(token, [
            line("State changed from up to crashed", token, "web.1"),
            line("Process exited with status 137", token, "web.1"),
            line("Rollback to v40 by me", token, "api"),
            line("Release v42 created by me", token, "api")])
        self.post(tokens["app"], [
            line("measure#db=12ms count#signup=2", tokens["app"], "worker.1")])
        told = self.counted(7)
        web = self.named(told["processes"], "process", "web.1")
        self.assertEqual(web["memory"], {
            "total": 256 * 2**20, "rss": 10 * 2**20, "quota": 512 * 2**20,
            "share": 0.5})
        self.assertEqual(web["load"], {"1m": 1.5})
        self.assertEqual(web["events"], {"crashed": 1, "exited": 1})
        self.assertEqual(told["events"], {"crashed": 1, "exited": 1})
        self.assertEqual(told["events_of_none"], 0)
        # Its samples are with the process, and among measures those of all.
        self.assertEqual(
            [(one["name"], one["of"]) for one in told["measures"]
             if one["op"] == "sample"],
            [("load_avg_1m", ""), ("memory_quota", ""), ("memory_rss", ""),
             ("memory_total", "")])
        self.assertGreater(abs(web["skew_ms"]["mean"]), 1000)  # TIME is fixed
        db = self.named(told["measures"], "name", "db")
        self.assertEqual((db["unit"], db["op"], db["count"], db["sum"],
                          db["last"], db["p50"]), ("ms", "measure", 1, 12, 12,
                                                   12))
        signup = self.named(told["measures"], "name", "signup")
        self.assertEqual((signup["op"], signup["sum"]), ("count", 2))
        markers = self.series()["markers"]
        self.assertEqual([(one["kind"], one["process"], one["text"],
                           one["seq"]) for one in markers],
                         [("state", "web.1", "up to crashed", 3),
                          ("exit", "web.1", "status 137", 4),
                          ("rollback", "", "v40", 5),
                          ("release", "", "v42", 6)])

    def test_events_that_no_marker_is_left_of_are_told(self):
        token = self.tokens()["heroku"]
        self.post(token, [line("Process exited with status 1", token,
                               "web.%d" % (n % 2 + 1)) for n in range(100)])
        told = self.counted(100)
        self.assertEqual(told["events"], {"exited": 100})
        self.assertEqual([one["events"] for one in told["processes"]],
                         [{"exited": 32}, {"exited": 32}])
        self.assertEqual(told["events_of_none"], 36)

    def test_memory_of_all_and_of_one_process_has_a_history(self):
        token = self.tokens()["heroku"]
        self.post(token, [
            line("source=web.%d dyno=heroku.1.2 sample#memory_total=%d.00MB "
                 "sample#memory_quota=512.00MB sample#load_avg_1m=%d.5" % (
                     n, 100 * n, n), token, "web.%d" % n) for n in (1, 2)])
        self.counted(2)

        def newest(told, key):
            return [one for one in told[key] if one is not None][-1]
        told = self.series()
        self.assertEqual(newest(told, "memory_mean"), 150 * 2**20)
        self.assertEqual(newest(told, "memory_max"), 200 * 2**20)
        self.assertEqual(newest(told, "memory_quota"), 512 * 2**20)
        self.assertEqual(newest(told, "load_max"), 2.5)
        self.assertEqual(newest(told["by_process"]["web.2"], "memory"),
                         200 * 2**20)
        told = self.series(process="web.1")
        self.assertEqual(newest(told, "memory_mean"), 100 * 2**20)
        self.assertEqual(newest(told, "memory_max"), 100 * 2**20)
        self.assertEqual(newest(told, "memory_quota"), 512 * 2**20)
        self.assertEqual(newest(told, "load_max"), 1.5)

    def test_who_has_most_memory_is_told_without_requests_too(self):
        token = self.tokens()["heroku"]
        web = ["web.%d" % n for n in range(20)]
        own = ["worker.%02d" % n for n in range(20)]
        self.post(token, [request(token, i, dyno=dyno)
                          for n, dyno in enumerate(web)
                          for i in range(n + 1)] +
                  [line("source=%s dyno=heroku.1.2 sample#memory_total=%dMB" %
                        (dyno, 100 + n), token, dyno)
                   for n, dyno in enumerate(own + ["web.19"])])
        self.counted(231)
        self.assertEqual(sorted(self.series()["by_process"]),
                         sorted(web[4:] + own[5:]))

    def test_a_channel_without_a_line_has_numbers_too(self):
        self.tokens()
        told = self.snapshot()
        self.assertEqual(told["lines"]["count"], 0)
        self.assertIsNone(told["requests"]["response_ms"])
        self.assertEqual(told["processes"], [])
        columns = self.series(tier="minutes")
        self.assertEqual(columns["requests"], [0] * len(columns["t"]))

    def test_series_beyond_the_bound_are_counted_together(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n, path="/" + "abcdefghij"[n % 10] +
                                  "klmnopqrst"[n // 10 % 10] +
                                  "uvwxyzabcd"[n // 100])
                          for n in range(1000)])
        told = self.counted(1000)
        self.assertEqual(told["requests"]["count"], 1000)
        self.assertEqual(len(told["routes"]), 21)
        self.assertIsNone(told["routes"][-1]["route"])
        self.assertEqual(sum(one["count"] for one in told["routes"]), 1000)
        self.assertLessEqual(told["series"]["used"], told["series"]["max"])
        self.assertGreater(told["series"]["other_values"], 0)


    def test_values_are_told_in_all_of_their_digits(self):
        tokens = self.tokens()
        value = 12345678901.25
        self.post(tokens["app"], [
            line("measure#big=%r" % value, tokens["app"], "web.1"),
            line("measure#big=%r" % value, tokens["app"], "web.1"),
            line("measure#big=0.1", tokens["app"], "web.1")])
        big = self.named(self.counted(3)["measures"], "name", "big")
        self.assertEqual((big["sum"], big["min"], big["max"], big["last"]),
                         (2 * value + 0.1, 0.1, value, 0.1))
        self.assertLessEqual(big["p99"], big["max"])

    def test_a_mean_is_within_its_values(self):
        """Neither its digits nor the division take it out of them."""
        token = self.tokens()["app"]
        sent = {"long": [12345678901.25] * 2, "ulp": [0.1] * 3,
                "spread": [10, 10, 11]}
        self.assertGreater(sum(sent["ulp"]) / 3, 0.1)
        self.post(token, [line("measure#%s=%r" % (name, value), token, "web.1")
                          for name, values in sent.items()
                          for value in values])
        told = self.counted(8)
        for name, values in sent.items():
            one = self.named(told["measures"], "name", name)
            self.assertEqual((one["min"], one["max"]),
                             (min(values), max(values)))
            self.assertEqual(one["mean"], min(max(values),
                                              sum(values) / len(values)))

    def test_what_a_measure_cannot_have_is_counted_apart(self):
        tokens = self.tokens()
        router = "at=info method=GET path=\"/\" dyno=web.1 connect=1ms " \
            "service=%s status=200 bytes=1"
        self.assertEqual(self.snapshot()["odd"],
                         {"values": 0, "newest_seq": None})
        self.post(tokens["heroku"], [
            line(router % service, tokens["heroku"], "router")
            for service in ("4ms", "5GB", "-7ms", "1e18")] + [
            line("source=web.1 sample#memory_total=5ms",
                 tokens["heroku"], "web.1")])
        # Nobody's own measure is taken for the platform's.
        self.post(tokens["app"], [
            line("measure#router.wait=9000ms measure#x=1req/s measure#x=2foo "
                 "measure#x=4", tokens["app"], "web.1"),
            line("source=web.1 sample#memory_total=7kB", tokens["app"],
                 "web.1")])
        told = self.counted(7)
        self.assertEqual(told["odd"], {"values": 4, "newest_seq": 5})
        self.assertEqual(told["requests"]["count"], 4)
        response = told["requests"]["response_ms"]
        self.assertEqual((response["count"], response["max"]), (1, 5))
        self.assertIsNone(told["queue"]["wait_ms"])
        self.assertFalse(told["queue"]["is_over"])
        self.assertIsNone(self.named(told["processes"], "process",
                                     "web.1")["memory"])
        self.assertEqual({(one["unit"], one["sum"])
                          for one in told["measures"] if one["name"] == "x"},
                         {("req/s", 1), ("foo", 2), ("", 4)})

    def test_lines_behind_numbers_are_those_of_the_window(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, 1, service=100, status=503,
                                  code="H12")])
        then = self.counted(1)["to"]
        self.wait_until(lambda: self.snapshot(window="1s")["to"] > then + 1)
        self.post(token, [request(token, 2, service=100)])

        def is_there():
            found[:] = [self.snapshot(window="1s")]
            return found[0]["requests"]["count"] == 1
        found = []
        self.wait_until(is_there)
        self.assertEqual(
            found[0]["requests"]["response_ms"]["exemplars"],
            {"p50": [2], "p95": [2], "p99": [2], "max": [2]})
        self.assertEqual(found[0]["codes"], [])


class Bounds(Aggregating):
    FLAGS = ["--workers", "1", "--aggregate-series", "16",
             "--aggregate-max", "64KiB"]

    def test_classes_are_exact_with_more_statuses_than_rows(self):
        token = self.tokens()["heroku"]
        statuses = list(range(90, 690, 3)) + ["", "x"]
        self.post(token, [line(
            "at=info method=GET path=\"/\" dyno=web.1 service=1ms status=%s" %
            status, token, "router") for status in statuses])
        told = self.counted(len(statuses))
        wanted = {"none": 2, "other": sum(
            not 100 <= one < 600 for one in statuses[:-2])}
        wanted.update(("%dxx" % n, sum(one // 100 == n
                                       for one in statuses[:-2]))
                      for n in range(1, 6))
        self.assertEqual(told["classes"], wanted)
        self.assertIsNone(told["status"][-1]["status"])  # there are others
        self.assertEqual(next(one["count"] for one in told["status"]
                              if one["status"] == "other"), wanted["other"])
        columns = self.series()
        for name, key in (("none", "s_none"), ("other", "s_other"),
                          *(("%dxx" % n, "s%dxx" % n) for n in range(1, 6))):
            self.assertEqual(sum(columns[key]), wanted[name], name)
        metrics = prometheus.parse(self.ask(
            "GET", "/metrics?channel=demo").body.decode())
        self.assertEqual(
            {prometheus.labels_of(labels)["class"]: value
             for (name, labels), value in metrics.items()
             if name == "logplex_channel_status_class"}, wanted)

    def test_of_who_may_be_one_of_the_others_nothing_is_said(self):
        heroku, app = self.tokens()["heroku"], self.tokens()["app"]
        # The first two codes have series for whose they are; of the requests and
        # lines of as many dynos most are with the others'.
        self.post(heroku, [request(heroku, 0, dyno="web.1", code="H12")])
        told = self.counted(1)
        self.assertEqual([(one["process"], one["lines"], one["requests"])
                          for one in told["processes"]],
                         [("router", 1, 0), ("web.1", 0, 1)])
        for n in range(60)[::-1]:
            self.post(app, [line("hello", app, "web.%d" % n)])
            self.post(heroku, [request(heroku, 0, dyno="web.%d" % n)])
        told = self.counted(121)
        by_name = {one["process"]: one for one in told["processes"]}
        self.assertIn(None, by_name)
        for one in by_name.values():
            for keys in (("lines", "line_bytes"),
                         ("requests", "failed", "busy")):
                self.assertEqual(len({one[key] is None for key in keys}), 1)
        self.assertEqual(by_name["web.1"]["requests"], 2)
        self.assertIsNone(by_name["web.1"]["lines"])
        self.assertIsNone(by_name["router"]["requests"])
        self.assertEqual(sum(one["requests"] or 0
                             for one in by_name.values()), 61)
        self.assertEqual(sum(one["lines"] or 0
                             for one in by_name.values()), 121)


class Faded(Aggregating):
    FLAGS = ["--workers", "1", "--aggregate-max", "72KiB"]

    def test_what_is_not_known_is_null_and_not_0(self):
        token = self.tokens()["heroku"]
        sent = 0
        # Each second has more names than there is memory for, so that those
        # before fade; /one is in all of them.

        def has_faded():
            nonlocal sent
            self.post(token, [request(token, 0, dyno="web.1", path="/one")] + [
                request(token, n, dyno="web.%d" % (n % 26), service=n * n,
                        path="/" + "abcdefghijklmnopqrst"[n % 20] +
                        "abcdefghijklmnopqrst"[n // 20]) for n in range(400)])
            sent += 401
            told = self.snapshot(window="1h")
            kept = told["kept"]["seconds"]
            return told["detail"] == "core" and \
                0 < kept["core_from"] < kept["full_from"]
        self.wait_until(has_faded, "nothing fades")
        self.wait_until(lambda: self.snapshot(window="1h")["lines"]["count"] ==
                        sent)
        whole = self.series()
        self.assertIn(1, whole["detail"])
        faded = [i for i, one in enumerate(whole["detail"]) if one == 1 and
                 whole["requests"][i]]
        for narrow in ({"route": "GET /one"}, {"process": "web.1"},
                       {"route": "GET /nowhere"}):
            told = self.series(**narrow)
            for i in faded:
                self.assertIsNone(told["requests"][i], narrow)
                self.assertIsNone(told["failed"][i], narrow)
            for absent in ("first_seq", "end_seq", "lost", "s2xx", "codes",
                           "by_process", "wait_mean"):
                self.assertNotIn(absent, told)
            self.assertEqual("lines" in told, "process" in narrow)
        # Of many names one that has no row may be among the others.
        full = [i for i, one in enumerate(whole["detail"]) if one == 0 and
                whole["requests"][i]]
        for i in full:
            self.assertIsNone(told["requests"][i])
        for one in whole["by_process"].values():
            self.assertTrue(all(one["requests"][i] is None for i in faded))
        others = [one for one in self.snapshot(window="1h")["processes"]
                  if one["process"] is None]
        self.assertEqual([(one["requests"], one["failed"], one["busy"])
                          for one in others], [(None, None, None)])


class Columns(Aggregating):
    FLAGS = ["--workers", "1"]

    def test_they_add_up_and_are_evenly_spaced(self):
        token = self.tokens()["heroku"]
        for n in range(3):
            self.post(token, [request(token, 10 * n + i, service=5 + i,
                                      dyno="web.%d" % (i % 2))
                              for i in range(10)])
            time.sleep(0.6)
        self.counted(30)
        told = self.series(tier="seconds")
        self.assertEqual(sum(told["requests"]), 30)
        self.assertEqual(sum(told["lines"]), 30)
        self.assertEqual(sum(told["s2xx"]), 30)
        steps = {b - a for a, b in zip(told["t"], told["t"][1:])}
        self.assertLessEqual(steps, {1})
        columns = [value for key, value in told.items()
                   if isinstance(value, list) and key != "markers"]
        self.assertEqual({len(one) for one in columns}, {len(told["t"])})
        for i, count in enumerate(told["requests"]):
            self.assertEqual(told["p50"][i] is None, count == 0)
        by_process = told["by_process"]
        self.assertEqual(sorted(by_process), ["web.0", "web.1"])
        self.assertEqual(sum(sum(one["requests"])
                             for one in by_process.values()), 30)
        self.check_windows(told)

    def check_windows(self, told):
        """A window asked for by itself is that window."""
        i = next(i for i, count in enumerate(told["requests"]) if count)
        second = told["t"][i]
        one = self.series(tier="seconds", to=second + 1,
                          **{"from": second})
        self.assertEqual(one["t"], [second])
        for key in ("requests", "p95", "mean", "first_seq", "end_seq"):
            self.assertEqual(one[key], [told[key][i]])
        later = self.series(tier="seconds", **{"from": told["to"] + 50})
        self.assertEqual(later["t"], [], "none is over")

    def test_one_process_or_one_route_can_be_asked_for(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n, dyno="web.%d" % (n % 4))
                          for n in range(40)] +
                  [request(token, n, path="/login", service=500)
                   for n in range(5)])
        self.counted(45)
        told = self.series(process="web.3")
        self.assertEqual(sum(told["requests"]), 10)
        told = self.series(route="GET /login")
        self.assertEqual(sum(told["requests"]), 5)
        self.assertEqual([one for one in told["max"] if one], [501])

    def test_tens_agree_with_seconds(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n) for n in range(25)])
        self.counted(25)
        self.wait_until(lambda: sum(self.series(tier="tens")["requests"]) ==
                        25, "the ten seconds are over by then")
        told = self.series(tier="tens")
        self.assertEqual({one % 10 for one in told["t"]}, {0})
        self.assertEqual(told["step_s"], 10)


class Refused(Aggregating):
    FLAGS = ["--workers", "1"]
    ENVIRONMENT = {"LOGPLEX_CREDENTIALS":
                   "owner:owner-password:full_api,any_channel "
                   "one:one-password:demo send:send-password:any_channel"}
    PATHS = ("aggregates", "aggregates/series", "aggregates/stream")

    def test_who_may_read(self):
        self.tokens()
        self.tokens("other")
        for path in self.PATHS[:2]:
            for channel, auth, status in (
                    ("demo", ("one", "one-password"), 200),
                    ("other", ("one", "one-password"), 403),
                    ("nowhere", ("one", "one-password"), 403),
                    ("demo", ("send", "send-password"), 403),
                    ("demo", ("one", "wrong"), 401), ("demo", None, 401),
                    ("nowhere", ("owner", "owner-password"), 404)):
                answer = self.ask("GET", "/v3/channels/%s/%s" % (channel, path),
                                  auth=auth)
                self.assertEqual(answer.status, status, (channel, auth))
        bearer = [("Authorization", "Bearer one-password")]
        self.assertEqual(self.ask("GET", "/v3/channels/demo/aggregates",
                                  bearer, auth=None).status, 200)
        self.assertEqual(self.ask("GET", "/v3/fleet",
                                  auth=("one", "one-password")).status, 403)

    def test_what_is_wrong_is_named(self):
        self.tokens()
        for query, words in (
                ("aggregates?window=0s", '"window" is "0s"'),
                ("aggregates?window=25h", '"window" is "25h"'),
                ("aggregates?window=5", "from 1s to 24h"),
                ("aggregates?wnidow=5s", 'no parameter "wnidow"'),
                ("aggregates/series?tier=hours", '"tier" is "hours"'),
                ("aggregates/series?from=x", '"from" is "x"'),
                ("aggregates/series?from=9&to=9", '"from" is 9'),
                ("aggregates/series?process=a&route=b", "one of them"),
                ("aggregates/stream?tier=tens", 'no parameter "tier"')):
            answer = self.ask("GET", "/v3/channels/demo/" + query)
            self.assertEqual(answer.status, 400, query)
            self.assertIn(words, answer.json()["error"])
        for query, words in (("sort=size", '"sort" is "size"'),
                             ("order=up", '"order" is "up"'),
                             ("limit=0", "from 1 to 500"),
                             ("limit=501", "from 1 to 500"),
                             ("offset=-1", '"offset" is "-1"'),
                             ("search=" + "x" * 257, "257 bytes")):
            answer = self.ask("GET", "/v3/fleet?" + query)
            self.assertEqual(answer.status, 400, query)
            self.assertIn(words, answer.json()["error"])


class Off(Aggregating):
    FLAGS = ["--aggregates", "off"]

    def test_nothing_is_counted_and_it_is_said(self):
        token = self.tokens()["heroku"]
        self.send_tcp([request(token, n) for n in range(3000)])
        self.wait_until(lambda: self.ledger()["engine"]["appended_lines"] ==
                        3000)
        for path in ("/v3/channels/demo/aggregates", "/v3/fleet"):
            answer = self.ask("GET", path)
            self.assertEqual(answer.status, 404)
            self.assertIn("--aggregates off", answer.json()["error"])
        ledger = self.ledger()
        self.assertFalse(ledger["aggregates"]["on"])
        self.assertEqual(ledger["engine"]["cursors"], 0)
        self.assertEqual(ledger["engine"]["borrowed_bytes"], 0)


class Workers(Aggregating):
    FLAGS = ["--workers", "4"]

    def test_it_is_all_the_same_how_many_there_are(self):
        told = {}
        for workers in ("1", "4"):
            self.daemon.stop()
            self.daemon = Daemon(["--workers", workers])
            self.addCleanup(self.daemon.stop)
            for name in ("ask", "ask_json", "make_channel", "post", "ledger"):
                setattr(self, name, getattr(self.daemon, name))
            token = self.tokens()["heroku"]
            for n in range(8):  # connections of their own
                self.send_tcp([request(token, 100 * n + i, service=i,
                                       dyno="web.%d" % n)
                               for i in range(100)])
            told[workers] = self.without_times(self.counted(800))
            self.check_balance()
        self.assertEqual(told["1"], told["4"])

    def without_times(self, told):
        """Nor in which order lines came."""
        if isinstance(told, dict):
            return {key: self.without_times(value)
                    for key, value in told.items()
                    if key not in ("epoch", "now", "from", "to", "exemplars",
                                   "kept", "per_s", "in_flight", "busy",
                                   "skew_ms", "last", "ledger")}
        if isinstance(told, list):
            return [self.without_times(one) for one in told]
        return told

    def test_what_several_connections_send_at_full_speed_is_all_counted(self):
        token = self.tokens()["heroku"]
        block = frames([request(token, n) for n in range(2000)])
        sockets = [socket.create_connection(self.daemon.address("syslog-tcp"))
                   for _ in range(8)]
        for _ in range(25):
            for one in sockets:
                one.sendall(block)
        for one in sockets:
            one.close()
        sent = 8 * 25 * 2000
        self.wait_until(lambda: self.ledger()["engine"]["appended_lines"] ==
                        sent)
        told = self.check_balance()
        self.assertEqual((told["counted_lines"], told["lost_lines"]),
                         (sent, 0))
        self.assertEqual(self.counted(sent)["requests"]["count"], sent)


class Held(Aggregating):
    """Rings so small that ingest has to wait, over TCP and over HTTP."""
    FLAGS = ["--workers", "4", "--channel-max", "64KiB"]

    def test_who_sends_meanwhile_is_served(self):
        token = self.tokens()["heroku"]
        block = frames([request(token, n) for n in range(1000)])
        sockets = [socket.create_connection(self.daemon.address("syslog-tcp"))
                   for _ in range(8)]
        sent = 0
        while sent == 0 or not self.ledger()["aggregates"]["ingest_holds"]:
            for one in sockets:
                one.sendall(block)
            for _ in range(4):
                self.assertEqual(self.post(token, None, body=block).status,
                                 204)
            sent += 12 * 1000
        for one in sockets:
            one.close()
        self.wait_until(lambda: self.ledger()["engine"]["appended_lines"] ==
                        sent)
        told = self.check_balance()
        snapshot = self.counted(told["counted_lines"])
        self.assertEqual(snapshot["lines"]["lost"], told["lost_lines"])


class SmallRings(Aggregating):
    """Lines go before anybody can be sure to have read them."""
    FLAGS = ["--workers", "1", "--channel-max", "64KiB"]

    def test_what_is_lost_is_told(self):
        token = self.tokens()["heroku"]
        body = frames([line("x" * 1000, token)] * 1000)
        for _ in range(5):
            self.post(token, None, body=body)
        told = self.check_balance()
        snapshot = self.counted(told["counted_lines"])
        self.assertEqual(snapshot["lines"]["lost"], told["lost_lines"])


class Memory(Aggregating):
    FLAGS = ["--workers", "2", "--memory-max", "64MiB", "--history-lines",
             "100"]

    def borrowed(self):
        return self.ledger()["engine"]["borrowed_bytes"]

    def test_a_quiet_channel_costs_little_and_gives_it_back(self):
        before = self.ledger()["engine"]["memory_bytes"]
        for n in range(200):
            self.make_channel("c%d" % n)
        self.wait_until(lambda: self.ledger()["aggregates"]["channels"] == 200)
        engine = self.ledger()["engine"]
        self.assertLess((engine["memory_bytes"] - before) / 200, 512 + 1024,
                        "with the channel itself")
        for n in range(200):
            self.ask("DELETE", "/v3/channels/c%d" % n)
        self.wait_until(lambda: self.ledger()["aggregates"]["channels"] == 0)
        self.wait_until(lambda: self.ledger()["engine"]["memory_bytes"] ==
                        before + self.pooled())
        self.assertEqual(self.ledger()["engine"]["cursors"], 0)

    def pooled(self):
        return self.ledger()["engine"]["pooled_bytes"]

    def test_a_busy_one_stays_within_its_bound(self):
        token = self.tokens()["heroku"]
        for n in range(40):
            self.post(token, [
                line("measure#m%d=%dms" % (1000 * n + i, i), token,
                     "web.%d" % (i % 300)) for i in range(1000)])
        self.check_balance()
        self.assertEqual(self.counted(40000)["lines"]["lost"], 0)
        self.assertLess(self.borrowed(), 512 * 1024 + 64 * 1024)


class Ceiling(Aggregating):
    """Memory for all together is short, and those that came late have none."""
    FLAGS = ["--workers", "2", "--memory-max", "8MiB", "--history-lines",
             "10", "--channel-max", "64KiB"]
    CHANNELS = 400
    LINES = 3

    def say(self):
        for n, token in enumerate(self.tokens):
            self.post(token, [request(token, n)] * self.LINES)

    def setUp(self):
        super().setUp()
        self.tokens = [self.make_channel("c%d" % n, "heroku")["heroku"]
                       for n in range(self.CHANNELS)]
        self.say()
        self.uncounted = self.check_balance()["uncounted_lines"]
        self.assertGreater(self.uncounted, 0)

    def all_of(self, n):
        told = self.counted_or_not("c%d" % n)
        lines = told["lines"]["count"]
        left_out = told["uncounted"]
        self.assertEqual(lines + (left_out["lines"] if left_out else 0),
                         self.LINES)
        return left_out

    def counted_or_not(self, channel):
        found = []

        def is_there():
            found[:] = [self.snapshot(channel, window="1h")]
            return found[0]["uncounted"] or found[0]["lines"]["count"]
        self.wait_until(is_there)
        return found[0]

    def test_each_channel_answers_and_says_what_is_left_out(self):
        left_out = [(n, one) for n in range(self.CHANNELS)
                    for one in [self.all_of(n)] if one]
        self.assertEqual(sum(one["lines"] for _, one in left_out),
                         self.uncounted)
        n, one = left_out[-1]
        self.assertTrue(one["is_now"])
        self.assertLessEqual(one["since"], one["last"])
        for words in ("--memory-max, 4 MiB", "raise --memory-max",
                      "--aggregate-max"):
            self.assertIn(words, one["why"])
        told = self.snapshot("c%d" % n)
        self.assertEqual(told["lines"]["count"], 0)
        self.assertEqual(told["ledger"]["appended"], self.LINES)
        series = self.series("c%d" % n)
        self.assertEqual(series["uncounted"], one)
        for second in one["since"], one["last"]:
            at = series["t"].index(int(second))
            self.assertIsNone(series["lines"][at], "that is not 0")
        metrics = self.ask("GET", "/metrics?channel=c%d" % n).body.decode()
        self.assertEqual(
            prometheus.parse(metrics)["logplex_channel_aggregate_uncounted_"
                                      "lines", 'channel="c%d"' % n],
            self.LINES)
        events = self.daemon.events(
            "/v3/channels/c%d/aggregates/stream" % n, auth=OWNER)
        frame = json.loads(events.next().data)
        self.assertEqual(frame["snapshot"]["uncounted"]["lines"], self.LINES)
        self.assertEqual(frame["points"]["uncounted"]["lines"], self.LINES)

    def held(self):
        rows = self.ask("GET", "/v3/fleet?limit=500").json()["channels"]
        return [one["id"] for one in rows if one["held_lines"]]

    def test_no_second_that_waits_for_memory_is_told_as_0(self):
        ours = [n for n in range(self.CHANNELS) if not self.all_of(n)]
        lines = self.LINES
        end = time.monotonic() + 60
        while not self.held() and time.monotonic() < end:
            self.send_tcp([request(self.tokens[n], n) for n in ours
                           for _ in range(5)])
            lines += 5
            time.sleep(0.4)
        time.sleep(1.1)  # the last ones have been counted, too
        held = self.held()[:20]  # they do wait, but not for ever
        self.assertTrue(held)
        for channel in held:
            told = self.snapshot(channel)["lines"]
            seconds = self.series(channel)["lines"]
            self.assertIsNone(seconds[-1])
            self.assertEqual(sum(one for one in seconds if one is not None) +
                             told["held"], lines)
            self.assertEqual(told["count"] + told["held"], lines)
            self.check_tens(channel)

    def check_tens(self, channel):
        """What is told in tens is not less than what is in seconds."""
        tens = self.series(channel, tier="tens")
        seconds = self.series(channel)
        by_ten = collections.Counter()
        for t, told in zip(seconds["t"], seconds["lines"]):
            by_ten[t - t % 10] += told or 0
        for t, told in zip(tens["t"], tens["lines"]):
            self.assertTrue(told is None or told >= by_ten[t], (t, told))

    def test_the_fleet_and_the_log_say_it_too(self):
        def fleet():
            return self.ask("GET", "/v3/fleet?limit=500").json()
        self.wait_until(lambda: fleet()["totals"]["uncounted_lines"] ==
                        self.uncounted)
        told = fleet()
        rows = [one for one in told["channels"] if one["uncounted"]]
        self.assertEqual(len(rows), told["totals"]["uncounted_channels"])
        self.assertEqual(sum(one["uncounted"]["lines"] for one in rows),
                         self.uncounted)
        self.assertEqual(told["channels"][:len(rows)], rows, "they hurt most")
        said = [one for one in self.daemon.log
                if "event=aggregate_uncounted" in one]
        self.assertIn("raise --memory-max", said[0])
        ids = [one.split("channel=")[1].split()[0] for one in said]
        self.assertEqual(len(set(ids)), len(ids), "once a channel")
        self.assertTrue(set(ids) <= set(one["id"] for one in rows))

    def test_an_id_says_nothing_else_in_the_log(self):
        token = self.make_channel("c%20why=%22forged", "heroku")["heroku"]
        time.sleep(1.1)  # the log says only so much in a second
        self.post(token, [request(token, 1)])
        self.wait_until(lambda: any(
            r'channel="c why=\"forged" why="' in one
            for one in self.daemon.log))

    def test_memory_that_is_given_back_goes_to_who_had_none(self):
        late = [n for n in range(self.CHANNELS) if self.all_of(n)]
        for n in range(self.CHANNELS):
            if n not in late:
                self.ask("DELETE", "/v3/channels/c%d" % n)
        n = late[0]

        def counts_again():
            self.post(self.tokens[n], [request(self.tokens[n], n)])
            time.sleep(0.1)
            told = self.snapshot("c%d" % n, window="1h")
            return not told["uncounted"]["is_now"]
        self.wait_until(counts_again)
        self.check_balance()
        self.wait_until(lambda: any("event=aggregate_counted channel=c%d " % n
                                    in one for one in self.daemon.log))


class Life(Aggregating):
    FLAGS = ["--workers", "2"]

    def test_another_life_of_the_daemon_counts_anew(self):
        with tempfile.TemporaryDirectory() as folder:
            told = []
            for lines in (5, 3):
                self.daemon.stop()
                self.FLAGS = ["--workers", "2", "--data", folder]
                self.start()
                token = self.tokens()["heroku"]
                self.assertEqual(self.snapshot()["lines"]["count"], 0)
                self.post(token, [request(token, n) for n in range(lines)])
                told.append(self.counted(lines))
            self.assertNotEqual(told[0]["epoch"], told[1]["epoch"])
            self.assertEqual(self.daemon.stop(), 0)

    def test_a_channel_made_anew_counts_anew(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n) for n in range(10)])
        first = self.counted(10)
        self.ask("DELETE", "/v3/channels/demo")
        token = self.tokens()["heroku"]
        self.assertEqual(self.snapshot()["lines"]["count"], 0)
        self.post(token, [request(token, n) for n in range(3)])
        second = self.counted(3)
        self.assertNotEqual(first["epoch"], second["epoch"])

    def test_a_change_of_a_channel_changes_no_number(self):
        token = self.tokens()["heroku"]
        self.post(token, [request(token, n) for n in range(10)])
        self.counted(10)
        self.make_channel("demo", "heroku", "app", "third")
        self.ask_json("PUT", "/v3/channels/demo/flags", {"flags": ["no_tail"]})
        self.post(token, [request(token, n) for n in range(10)])
        self.counted(20)

    def test_named_channels_are_in_metrics(self):
        token = self.tokens()["heroku"]
        self.tokens('qu"o')
        self.post(token, [request(token, n, status=503, code="H12", wait=50)
                          for n in range(10)] +
                  [line("source=web.1 sample#memory_total=2.00MB", token,
                        "web.1"),
                   line("sample#router.wait=3ms", token, "heroku-redis"),
                   line("source=web.1 sample#memory_total=7ms "
                        "measure#router.wait=9ms", token, "heroku-redis")])
        self.counted(13)
        answer = self.ask("GET", "/metrics?channel=demo&channel=qu%22o"
                          "&channel=demo")
        values = prometheus.parse(answer.body.decode())
        for name, label, value in (
                ("lines", "", 13), ("requests", "", 10),
                ("failed_requests", "", 10), ("wait_ms", "", 50),
                ("status", ',status="503"', 10), ("errors", ',code="H12"', 10),
                ("memory_bytes", ',process="web.1"', 2 * 2**20),
                ("aggregate_lost_lines", "", 0),
                ("aggregate_behind_lines", "", 0),
                ("aggregate_held_lines", "", 0),
                ("aggregate_uncounted_lines", "", 0)):
            self.assertEqual(values["logplex_channel_" + name,
                                    'channel="demo"' + label], value)
        for name in "lines", "requests", "failed_requests":
            self.assertEqual(values["logplex_channel_" + name,
                                    'channel="qu\\"o"'], 0)
        self.assertAlmostEqual(
            values["logplex_channel_response_ms",
                   'channel="demo",quantile="0.95"'], 11, delta=0.11)
        self.assertEqual(values["logplex_aggregate_lines_total", None], 13)
        self.assertEqual(values["logplex_aggregate_lost_lines_total", None], 0)
        self.assertEqual(values["logplex_aggregate_channels", None], 2)
        self.assertGreater(values["logplex_memory_borrowed_bytes", None], 0)
        self.assertEqual(values["logplex_ingest_held", None], 0)


if __name__ == "__main__":
    main()
