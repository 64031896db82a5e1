#!/usr/bin/env python3
"""Health, metrics and the ledger."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import prometheus
from logplexd import (DaemonTest, frames, ledger_faults, line, main, shown)


class Ops(DaemonTest):
    FLAGS = ["--history-lines", "50", "--channel-max", "64KiB",
             "--workers", "2"]

    def metrics(self):
        return self.values_of(self.ask("GET", "/metrics"))

    def with_ledger(self, path):
        """The ledger, and an answer from a time in which no line went: a ring lets go
        of more than its history when the lines have been counted, and that is up to
        a quarter of a second after they came."""
        found = []

        def is_of_one_time():
            ledger = self.settled_ledger()
            found[:] = ledger, self.ask("GET", path)
            return self.ledger()["engine"] == ledger["engine"]
        self.wait_until(is_of_one_time)
        return found

    def values_of(self, answer):
        """By name and labels; the format is checked on the way."""
        self.assertEqual(answer.headers["content-type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        values = prometheus.parse(answer.body.decode())
        for name, _ in values:
            self.assertTrue(name.startswith("logplex_"))
        return values

    def test_health_is_told_to_anyone_by_any_method(self):
        for path in ("/healthcheck", "/v3/healthcheck", "/healthcheck/"):
            for method in ("GET", "POST", "DELETE", "PATCH"):
                answer = self.ask(method, path, auth=None)
                self.assertEqual((answer.status, answer.body), (200, b"OK"))
        for path in ("/livez", "/readyz"):
            self.assertEqual(self.ask("GET", path, auth=None).body, b"OK")
        self.assertEqual(self.ask("GET", "/healthchecks").status, 404)

    def fill(self):
        token = self.make_channel("demo", "app")["app"]
        body = frames([line("x" * 200)] * 40 + [b"garbage"])
        for _ in range(50):
            self.assertEqual(self.post(token, None, body=body).status, 204)
        with socket.create_connection(self.daemon.address("syslog-tcp")) as tcp:
            tcp.sendall(frames([line("tcp", token)] * 100 +
                               [line("tcp", "t.unknown"), line("tcp", "app")]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(line("udp", token), self.daemon.address("syslog-udp"))
        self.wait_until(lambda: self.ledger()["engine"]["appended_lines"] ==
                        2000 + 100 + 1)

    def test_all_counted_messages_of_a_datagram_come_in(self):
        token = self.make_channel("counted", "app")["app"]

        def counted(text):
            one = line(text, app=token)
            return b"%d %s" % (len(one), one)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            # A count may be with the line end, or the line end behind it.
            for datagram in (counted("one\n"), counted("two") + b"\n",
                             counted("three") + counted("four\n"),
                             b"5 never"):
                udp.sendto(datagram, self.daemon.address("syslog-udp"))
        self.wait_until(lambda: self.settled_ledger()["listeners"]
                        ["syslog_udp"]["received_lines"] == 5)
        self.assertEqual(self.read_session("counted", num="10"),
                         [shown(text) for text in
                          ("one", "two", "three", "four")])
        udp = self.ledger()["listeners"]["syslog_udp"]
        self.assertEqual(udp["rejected_lines"]["malformed"], 1)
        self.assertEqual(udp["frames"]["octet"], 5)

    def test_the_ledger_accounts_for_every_line(self):
        self.fill()
        ledger, channel = self.with_ledger("/ledger?channel=demo")
        self.assertEqual(ledger_faults(ledger), [])
        listeners = ledger["listeners"]
        self.assertEqual(listeners["http"]["received_lines"], 2050)
        self.assertEqual(listeners["http"]["rejected_lines"]["malformed"], 50)
        self.assertEqual(listeners["syslog_tcp"]["accepted_lines"], 100)
        rejected = listeners["syslog_tcp"]["rejected_lines"]
        self.assertEqual(rejected["unknown_token"], 1)
        self.assertEqual(rejected["no_token"], 1)
        self.assertEqual(listeners["syslog_udp"]["accepted_lines"], 1)
        self.assertGreater(ledger["engine"]["evicted_lines"], 0)
        self.assertEqual(ledger["channels"], 1)
        self.assertTrue(all(ledger["equations"].values()))
        channel = channel.json()
        for name in ("appended", "resident", "evicted"):
            self.assertEqual(channel[name + "_lines"],
                             ledger["engine"][name + "_lines"])
        self.assertEqual(channel["resident_lines"],
                         channel["next_seq"] - channel["oldest_seq"])
        self.assertEqual(self.ask("GET", "/ledger?channel=nowhere").status, 404)

    def test_all_that_a_peer_sends_at_once_comes_in_and_so_do_others(self):
        tokens = self.make_channel("demo", "much", "little")
        much = frames([line("x" * 200, tokens["much"])] * 40000)
        address = self.daemon.address("syslog-tcp")
        with socket.create_connection(address) as one, \
                socket.create_connection(address) as other:
            one.sendall(much)
            other.sendall(frames([line("y", tokens["little"])] * 10))
            self.wait_until(lambda: self.ledger()["engine"]["appended_lines"] ==
                            40000 + 10)

    def test_metrics_are_the_ledger_in_another_form(self):
        self.fill()
        ledger, metrics = self.with_ledger("/metrics")
        values = self.values_of(metrics)
        for name, one in ledger["listeners"].items():
            label = 'listener="%s"' % name
            self.assertEqual(values["logplex_received_lines_total", label],
                             one["received_lines"])
            for reason, count in one["rejected_lines"].items():
                self.assertEqual(
                    values["logplex_rejected_lines_total",
                           '%s,reason="%s"' % (label, reason)], count)
        for name in ("appended_lines", "evicted_lines", "evicted_bytes"):
            self.assertEqual(values["logplex_%s_total" % name, None],
                             ledger["engine"][name])
        self.assertEqual(values["logplex_resident_lines", None],
                         ledger["engine"]["resident_lines"])
        self.assertEqual(values["logplex_workers", None], 2)
        self.assertEqual(values["logplex_channels", None], 1)
        self.assertEqual(values["logplex_ledger_balanced", None], 1)
        self.assertGreater(
            values["logplex_process_resident_memory_bytes", None], 1 << 20)
        self.assertGreater(values["logplex_process_open_fds", None], 5)
        self.assertLess(
            abs(values["logplex_start_time_seconds", None] - time.time()), 300)
        self.assertGreaterEqual(
            values["logplex_http_responses_2xx_total", None], 51)

    def test_tails_are_counted_while_they_are_open(self):
        self.make_channel("demo", "app")
        events = [self.tail_events("demo") for _ in range(5)]
        metrics = self.metrics()
        self.assertEqual(metrics["logplex_tails", None], 5)
        self.assertGreaterEqual(metrics["logplex_http_connections", None], 6)
        for one in events:
            one.client.close()
        self.wait_until(lambda: self.metrics()["logplex_tails", None] == 0)
        self.wait_until(lambda: self.ledger()["engine"]["cursors"] == 1,
                        "that of the channel's aggregates is there")


if __name__ == "__main__":
    main()
