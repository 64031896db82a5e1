#!/usr/bin/env python3
"""Each case of the original's suites has a test of ours, which is there and is
run; and each test that is there for their sake is told."""
import ast
import functools
import os
import re
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
INVENTORY = os.path.join(TESTS, "conformance", "inventory.txt")
SUITES = "daemon/original_suites.py"


class Case:
    def __init__(self, name, says):
        self.name, self.says = name, says
        self.tests, self.differs, self.none = [], None, None


def read(lines):
    """Suite to (how many there should be, its cases). A line that is none of
    those told at the top of the inventory is a ValueError."""
    suites = {}
    cases = None
    for number, one in enumerate(lines, 1):
        one = one.rstrip("\n")
        if not one or one.startswith("#"):
            continue
        suite = re.fullmatch(r"== (\w+) (\d+)", one)
        case = re.fullmatch(r"(\w+(?:, \w+)?): (.+)", one)
        below = re.fullmatch(r"  (?:(differs|none): (.+)|(\S+:\w+\.\w+))", one)
        if suite:
            cases = []
            suites[suite[1]] = (int(suite[2]), cases)
        elif case and cases is not None:
            cases.append(Case(*case.groups()))
        elif below and cases and below[1]:
            setattr(cases[-1], below[1], below[2])
        elif below and cases:
            cases[-1].tests.append(below[3])
        else:
            raise ValueError("line %d is none of these: %s" % (number, one))
    return suites


@functools.lru_cache
def tests_of(text):
    """CLASS.TEST of all that a file of tests would run itself."""
    found = set()
    for node in ast.parse(text).body:
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(inner, ast.FunctionDef) and \
                    inner.name.startswith("test_"):
                found.add("%s.%s" % (node.name, inner.name))
    return found


@functools.lru_cache
def source(path):
    with open(os.path.join(TESTS, path), encoding="utf-8") as file:
        return file.read()


class Inventory(unittest.TestCase):
    def setUp(self):
        with open(INVENTORY, encoding="utf-8") as file:
            self.suites = read(file)
        self.cases = [(suite, case) for suite, (_, cases) in
                      self.suites.items() for case in cases]

    def test_each_suite_has_all_of_its_cases_once(self):
        self.assertEqual(len(self.suites), 6)
        for suite, (count, cases) in self.suites.items():
            with self.subTest(suite):
                self.assertEqual(len(cases), count)
                self.assertEqual(len({case.name for case in cases}), count)

    def test_each_case_has_a_test_or_a_reason(self):
        for suite, case in self.cases:
            with self.subTest(suite=suite, case=case.name):
                self.assertNotEqual(bool(case.tests), bool(case.none))
                self.assertFalse(case.differs and case.none)

    def test_each_test_that_is_named_is_there_and_is_run(self):
        for suite, case in self.cases:
            for test in case.tests:
                path, _, name = test.partition(":")
                folder, _, file = path.partition("/")
                with self.subTest(suite=suite, test=test):
                    self.assertIn(name, tests_of(source(path)))
                    self.assertRegex(source(folder + "/CMakeLists.txt"),
                                     r"\b%s\b" % file.removesuffix(".py"))

    def test_each_test_that_is_there_for_them_is_named(self):
        named = {test for _, case in self.cases for test in case.tests}
        for name in tests_of(source(SUITES)):
            with self.subTest(name):
                self.assertIn("%s:%s" % (SUITES, name), named)

    def test_no_test_stands_for_two_cases(self):
        named = [test for _, case in self.cases for test in case.tests]
        self.assertEqual(len(named), len(set(named)))


class Reading(unittest.TestCase):
    def test_a_line_that_is_none_is_told(self):
        for text in ("nonsense", "== suite", "case: before any suite",
                     "== s 1\n  daemon/a.py:A.test_before_any_case",
                     "== s 1\na: b\n  daemon/a.py", "== s 1\na: b\n  why: c"):
            with self.subTest(text):
                self.assertRaises(ValueError, read, text.split("\n"))

    def test_a_suite_is_read(self):
        suites = read(["# prose", "", "== s 2", "a, b: c", "  differs: d",
                       "  e/f.py:G.h", "i: j", "  none: k"])
        count, (one, two) = suites["s"]
        self.assertEqual((count, one.name, one.says, one.differs, one.tests),
                         (2, "a, b", "c", "d", ["e/f.py:G.h"]))
        self.assertEqual((two.tests, two.none), ([], "k"))

    def test_only_what_would_be_run_is_a_test(self):
        self.assertEqual(tests_of(
            "def test_a(): pass\nclass B:\n    def test_c(self): pass\n"
            "    def d(self): pass\n    test_e = None\n"), {"B.test_c"})


if __name__ == "__main__":
    unittest.main()
