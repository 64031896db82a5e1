#!/usr/bin/env python3
"""The tables of compare, what it is asked for, and how it ends."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."),
                os.path.join(HERE, "..", "..", "support")]
import tables  # noqa: E402

TOLD = {
    "machine": "a machine", "versions": {"logplexd": "1.2", "other": "3"},
    "limits": {"copy": 0.0123},
    "stops": {
        "processor 0": {"a_second": 0.52, "longest_us": 135.2,
                        "share": 0.00007, "precedence": 1.0},
        "processor 1": {"a_second": 4.5, "longest_us": 8206,
                        "share": 0.0151, "precedence": 0.0}},
    "runs": [
        {"scenario": "relay", "relay": "logplexd", "figures": [
            {"cpu": 0.2, "rate": 4.0, "lost": 0},
            {"cpu": 0.1, "rate": 5.0, "lost": 0},
            {"cpu": 0.3, "rate": 3.0, "lost": 0}]},
        {"scenario": "relay", "relay": "other", "figures": [
            {"cpu": 1.0, "rate": 1.0, "lost": 7}]},
        {"scenario": "at50k", "relay": "other", "figures": [
            {"cpu": 2.0, "p50": 10, "p99": 20.4, "p999": 300}]},
    ]}


# A relay that never listens, and says where it is.
MUTE = """
import sys
sys.path[:0] = %r
import ending
import relays

class Mute(relays.Configured):
    def config(self, sink_port):
        return ""

    def command(self, path):
        return ["sleep", "600"]

    def answers(self):
        if not self.sent:
            print(self.process.pid, self.folder.name, flush=True)
        self.sent = True
        return False

    sent = False

ending.run(lambda: Mute(relays.Job(), 0))
""" % [HERE, *sys.path[:2]]


def compare(*words):
    return subprocess.run([sys.executable, HERE, *words], text=True,
                          capture_output=True, check=False)


class Compare(unittest.TestCase):
    def test_a_cell_is_a_median_and_how_many_times_ours(self):
        self.assertEqual(tables.rows_of(TOLD, ("cpu",), 3), [
            ["scenario", "logplexd", "other"],
            ["relay", "0.200", "1.000 (x5.0)"],
            ["at50k", "", "2.000"]])

    def test_times_stand_together_and_rows_without_any_are_left_out(self):
        self.assertEqual(tables.rows_of(TOLD, ("p50", "p99", "p999"), 0), [
            ["scenario", "logplexd", "other"],
            ["at50k", "", "10 / 20 / 300"]])
        self.assertIsNone(tables.rows_of(TOLD, ("idle",), 1))

    def test_a_file_is_shown_with_all_that_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "told.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(TOLD, file)
            told = compare("--table", path)
        self.assertEqual(told.returncode, 0, told.stderr)
        for part in ("a machine. Medians; rounds: 3.", "| other | 3 |",
                     "copy 0.012", "| relay | 0 | 7 |",
                     "processor 0 0.5 times a second, for at most 135 µs, 0.01 % of "
                     "the time; processor 1 4.5 times a second, for at most 8206 µs, "
                     "1.51 % of the time (without precedence)."):
            self.assertIn(part, told.stdout)
        self.assertNotIn("KiB a connection", told.stdout)

    def test_what_it_does_not_know_is_refused(self):
        for words, part in ((("--only", "relais"), "relais is none of ingest,"),
                            (("--relays", "loki"), "loki is none of logplexd,"),
                            (("--update",), "--update goes with --table"),
                            (("--rounds", "0"), "no whole number from 1 on"),
                            (("--lines", "-1"), "no number above 0"),
                            (("--json", "/nope/x"), "there is no folder '/nope'"),
                            (("--build", "/nope"), "'/nope' has no logplexd/"),
                            (("--table", "/nope"), "No such file"),
                            (("--table", __file__), "not what --json wrote")):
            told = compare(*words)
            self.assertNotEqual(told.returncode, 0)
            self.assertIn(part, told.stderr)
            self.assertNotIn("Traceback", told.stderr)

    def test_what_would_give_no_figure_is_refused(self):
        for words, part in (
                (("--only", "at10, at50"), "--only relay,at10,at50"),
                (("--only", "parse", "--relays", "nats,bare sink"),
                 "parse: none of this is for bare sink, nats")):
            told = compare(*words)
            self.assertNotEqual(told.returncode, 0)
            self.assertIn(part, told.stderr)

    def test_help_says_what_it_is_and_what_each_option_does(self):
        told = compare("--help").stdout
        for part in ("Logplex beside those that people use today",
                     "these relays; all without it", "how often; 5 without it"):
            self.assertIn(part, told)

    def test_scenarios_are_listed(self):
        told = compare("--list", "--only", "relay, idle")
        self.assertEqual([line.split()[0] for line in told.stdout.splitlines()],
                         ["relay", "idle"], told.stderr)

    def test_of_a_relay_that_was_starting_nothing_stays(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with subprocess.Popen([sys.executable, "-B", "-c", MUTE], text=True,
                                  stdout=subprocess.PIPE,
                                  preexec_fn=lambda: signal.signal(
                                      signal.SIGHUP, signal.SIG_DFL)) as one:
                pid, folder = one.stdout.readline().split()
                self.assertTrue(os.path.exists(folder))
                one.send_signal(number)
                self.assertEqual(one.wait(30), 128 + number)
            self.assertFalse(os.path.exists(folder))
            self.assertFalse(os.path.exists("/proc/" + pid))


if __name__ == "__main__":
    unittest.main()
