#!/usr/bin/env python3
"""The profile, on samples of what callgrind and perf write, and what it refuses."""
import os
import subprocess
import sys
import tempfile
import unittest

import callgrind
import figures
import samples

DUMP = """version: 1
desc: Trigger: --dump-after=path_count
events: Ir
fl=a.c
fn=path_count
10 5
cfi=b.c
cfn=aggregator_read_on
calls=2 1
11 1000

fl=b.c
fn=aggregator_read_on
1 100
cfi=c.c
cfn=lp_cursor_next
calls=2 1
2 200
cfn=lp_request_read
calls=1 1
3 100
cfn=lp_measures_read.part.0
calls=2 1
3 550
cfn=lp_run_release
calls=2 1
3 50

fn=lp_measures_read.part.0
5 540
cfn=lp_measures_read'2
calls=1 1
6 10

summary: 1005
"""
OLD = {"counting": {"read": 100.0, "count": 2.0, "all": 102.0}}


class Profile(unittest.TestCase):
    def graph(self, text):
        graph = callgrind.Graph()
        with tempfile.NamedTemporaryFile("w", delete=False) as file:
            file.write(text)
        self.addCleanup(os.remove, file.name)
        graph.read(file.name)
        return graph

    def test_a_stage_has_what_it_calls_but_for_other_stages(self):
        self.assertEqual(
            callgrind.stages_of("path_count", self.graph(DUMP), 10),
            {"count": 10.0, "read": 25.0, "measure": 65.0})

    def test_a_function_that_is_gone_is_no_zero(self):
        renamed = DUMP.replace("lp_run_release", "lp_run_let_go")
        with self.assertRaisesRegex(callgrind.Vanished, "lp_run_release"):
            callgrind.stages_of("path_count", self.graph(renamed), 10)

    def test_a_tenth_more_is_too_much(self):
        now = {"counting": {"read": 112.0, "count": 2.9, "all": 112.0}}
        faults = figures.grown(OLD, now)
        self.assertEqual(len(faults), 1)
        self.assertIn("counting, read: 112.0 instructions a line, and it was "
                      "100.0", faults[0])
        self.assertIn("--update", faults[0])

    def test_all_stages_together_may_be_too_much(self):
        now = {"counting": {"read": 109.0, "count": 3.0, "all": 114.0}}
        self.assertEqual(len(figures.grown(OLD, now)), 1)

    def test_stages_that_come_and_go_are_told(self):
        now = {"counting": {"read": 100.0, "other": 2.0, "all": 102.0}}
        faults = figures.grown(OLD, now)
        self.assertIn("counting, count: there is no such stage", faults[0])
        self.assertIn("counting, other: there is no figure", faults[1])

    def test_ways_that_come_and_go_are_told(self):
        faults = figures.grown(OLD, {"tail": {"all": 1.0}})
        self.assertIn("counting: there is no such way", faults[0])
        self.assertIn("tail: there is no figure", faults[1])

    def test_a_sample_belongs_to_the_innermost_stage(self):
        stack = [("memcpy", "libc"), ("lp_channel_append", "logplexd"),
                 ("ingest_frame", "logplexd"), ("on_read", "logplexd")]
        self.assertEqual(samples.stage_of(stack), "append")
        self.assertEqual(samples.stage_of(stack[2:]), "batch")
        self.assertEqual(samples.stage_of(stack[3:]), samples.OTHER)

    def test_what_can_not_be_measured_is_refused(self):
        here = os.path.dirname(os.path.abspath(__file__))
        for words, part in ((("/nope",), "'/nope' has no tests/bench/sinks"),
                            (("/nope", "--check"), "'/nope' has no "),
                            (("/nope", "--perf"), "'/nope' has no "),
                            (("--perf", "0"), "no whole number from 1 on")):
            told = subprocess.run([sys.executable, "-B", here, *words], text=True,
                                  capture_output=True, check=False)
            self.assertNotIn(told.returncode, (0, 77))
            self.assertIn(part, told.stderr)
            self.assertNotIn("Traceback", told.stderr)


if __name__ == "__main__":
    unittest.main()
