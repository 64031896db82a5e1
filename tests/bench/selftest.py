#!/usr/bin/env python3
"""What the programs of this folder share: what they refuse."""
import argparse
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import arguments  # noqa: E402


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
