#!/usr/bin/env python3
"""What limits.c refuses: a figure of nothing would look like one.

    limits_selftest.py LIMITS
"""
import subprocess
import sys
import unittest

USAGE = 64


class Limits(unittest.TestCase):
    program = ""

    def limits(self, *words):
        return subprocess.run([self.program, *words], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=30,
                              check=False)

    def test_what_it_can_not_do_is_refused(self):
        send = ("send", "syslog", "1", "1", "0", "200", "1", "200")
        for words, part in (
                (("copy", "x"), "ROUNDS is a whole number from 1 to 1000000, "
                 "not 'x'"),
                (("copy", "0"), "not '0'"), (("scan", "-1"), "not '-1'"),
                (("copy", "1x"), "not '1x'"), (("copy", "1", "1"), "usage: "),
                (("scan", "99999999999999999999"), "ROUNDS is"),
                (("stops", "0"), "SECONDS is a number above 0"),
                (("stops", "x"), "not 'x'"), (("stops", "nan"), "not 'nan'"),
                (("stops", "inf"), "not 'inf'"), (("stops", ""), "not ''"),
                (("receive", "foo"), "over syslog or http, not 'foo'"),
                (("receive",), "usage: "), (("foo",), "usage: "), ((), "usage: "),
                (("send", "foo", *send[2:]), "not 'foo'"),
                ((*send[:2], "0", *send[3:]), "PORT is"),
                ((*send[:2], "65536", *send[3:]), "PORT is"),
                ((*send[:3], "0", *send[4:]), "LINES is"),
                ((*send[:4], "-1", *send[5:]), "LINES_A_SECOND is"),
                ((*send[:5], "0", *send[6:]), "LINE_BYTES is"),
                ((*send[:6], "1001", *send[7:]), "SINKS is"),
                ((*send[:7], "199"), "BATCH is a whole number from 200 to "),
                (send[:7], "usage: ")):
            with self.subTest(words):
                told = self.limits(*words)
                self.assertEqual(told.returncode, USAGE, told)
                self.assertIn(part, told.stderr)
                self.assertEqual(told.stdout, "")

    def test_help_is_no_fault(self):
        told = self.limits("--help")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertIn("usage: limits copy|scan [ROUNDS]", told.stdout)

    def test_parts_of_seconds_are_enough(self):
        told = self.limits("stops", "0.02")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stdout, r"^stops=\d+ a_second=\d")


if __name__ == "__main__":
    Limits.program = sys.argv.pop(1)
    unittest.main()
