#!/usr/bin/env python3
"""What the programs of this folder share: how they end, and what they refuse."""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import arguments  # noqa: E402
import ending  # noqa: E402

PATIENCE_S = 30
# Stands for all that is started: says who it is, and then never that it is ready.
HANGS = """#!/bin/sh
[ "$1" = --version ] && exec echo 1
echo $$ >>"$STARTED"
exec sleep 600
"""


def as_a_shell_has_it():
    for one in ending.SIGNALS:
        signal.signal(one, signal.SIG_DFL)


def is_there(pid):
    return os.path.exists("/proc/%d" % pid)


class Ends(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.started = os.path.join(self.folder, "started")
        for path in ("logplexd/logplexd", "tests/bench/loadgen",
                     "tests/bench/sinks", "tests/bench/limits", "bin/sh",
                     "tests/bench/bench_path", "CMakeCache.txt", "bin/valgrind"):
            self.program(path)

    def program(self, path):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(HANGS)
        os.chmod(path, 0o755)

    def start(self, *command):
        path = os.path.join(self.folder, "bin")
        process = subprocess.Popen(
            [sys.executable, "-B", *command], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, preexec_fn=as_a_shell_has_it,
            env=dict(os.environ, STARTED=self.started,
                     PATH=path + ":" + os.environ["PATH"]))
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def first_started(self, process):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and process.poll() is None:
            if os.path.exists(self.started):
                with open(self.started, encoding="ascii") as file:
                    text = file.read()
                if text.endswith("\n"):
                    return int(text.split()[0])
            time.sleep(0.02)
        process.kill()
        return self.fail("it started nothing: " + process.stderr.read())

    def ends_by(self, number, *command):
        process = self.start(*command)
        pid = self.first_started(process)
        os.remove(self.started)
        try:
            process.send_signal(number)
            code = process.wait(PATIENCE_S)
            self.assertEqual(code, 128 + number, process.stderr.read())
            self.assertFalse(is_there(pid), command)
        finally:
            if is_there(pid):
                os.kill(pid, signal.SIGKILL)

    def test_nothing_stays_whichever_signal_it_was(self):
        script = "import ending, subprocess, time\n" \
            "def main():\n" \
            "    subprocess.Popen(['sh'])\n" \
            "    time.sleep(600)\n" \
            "ending.run(main)\n"
        path = os.path.join(self.folder, "script.py")
        with open(path, "w", encoding="ascii") as file:
            file.write("import sys\nsys.path.insert(0, %r)\n%s" %
                       (HERE, script))
        for number in ending.SIGNALS:
            self.ends_by(number, path)

    def test_nothing_stays_of_any_program_that_was_starting_something(self):
        build = ("--build", self.folder)
        programs = [os.path.join(self.folder, *path) for path in (
            ("logplexd", "logplexd"), ("tests", "bench", "loadgen"),
            ("tests", "bench", "sinks"), ("tests", "bench", "limits"))]
        for name, *words in (
                ("compare", *build), ("scale", *build), ("profile", self.folder),
                ("bench_adhoc.py", *programs[:2]),
                ("bench_aggregate_memory.py", *programs[:2]),
                ("bench_aggregates.py", *programs[:2]),
                ("bench_auth_flood.py", *programs[:1]),
                ("bench_catalog.py", *programs[:1]),
                ("bench_drains.py", *programs),
                ("bench_ingest.py", *programs[:2])):
            with self.subTest(name):
                self.ends_by(signal.SIGTERM, os.path.join(HERE, name), *words)

    def test_what_it_was_told_to_ignore_it_ignores(self):
        told = subprocess.run(
            [sys.executable, "-B", "-c",
             "import os, signal, sys\n"
             "sys.path.insert(0, %r)\n"
             "import ending\n"
             "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
             "ending.run(lambda: os.kill(os.getpid(), signal.SIGHUP))\n"
             "print('done')" % HERE], capture_output=True, text=True,
            check=False)
        self.assertEqual(told.stdout, "done\n", told.stderr)


class Asked(unittest.TestCase):
    def refused(self, read, *texts):
        """What is said of each."""
        for text in texts:
            with self.subTest(text), self.assertRaises(
                    argparse.ArgumentTypeError) as why:
                read(text)
            yield str(why.exception)

    def test_numbers_are_in_their_bounds(self):
        self.assertEqual(arguments.whole(1)("1"), 1)
        for why in self.refused(arguments.whole(1), "0", "-1", "x", "1.5", ""):
            self.assertIn("no whole number from 1 on", why)
        self.assertEqual(arguments.part("0.1"), 0.1)
        for why in self.refused(arguments.part, "0", "-1", "nan", "inf", "x"):
            self.assertIn("no number above 0", why)

    def test_blanks_around_names_are_nothing(self):
        self.assertEqual(arguments.names(" relay, fanout,"),
                         ["relay", "fanout"])

    def test_a_file_that_can_not_be_written_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "told.json")
            self.assertEqual(arguments.writable(path), path)
            self.assertEqual(os.listdir(folder), [])
            self.assertEqual(arguments.writable("told.json"), "told.json")
            for why, part in zip(
                    self.refused(arguments.writable, folder + "/no/x", folder,
                                 ""),
                    ("there is no folder", "no name of a file",
                     "no name of a file")):
                self.assertIn(part, why)

    def test_a_file_that_json_did_not_write_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "told.json")
            for text, part in (("[]", "it has no 'kinds'"),
                               ('{"runs": 1}', "it has no 'kinds'"),
                               ("root:x:0", "is not what --json wrote"),
                               ("\x7fELF\udcff", "is not what --json wrote")):
                with open(path, "w", encoding="utf-8",
                          errors="surrogateescape") as file:
                    file.write(text)
                self.assertIn(part, next(self.refused(
                    arguments.told("kinds"), path)))
            self.assertIn("No such file", next(self.refused(
                arguments.told("kinds"), folder + "/no")))
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"kinds": []}, file)
            self.assertEqual(arguments.told("kinds")(path), {"kinds": []})

    def test_what_is_no_build_is_refused(self):
        with self.assertRaisesRegex(SystemExit, "compare: '/nope' has no a/b: "):
            arguments.built("compare", "/nope", "a/b")


if __name__ == "__main__":
    unittest.main()
