#!/usr/bin/env python3
"""What scale says of figures, and what it is asked for."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."),
                os.path.join(HERE, "..", "..", "support")]
import document  # noqa: E402
import growth  # noqa: E402
import kinds  # noqa: E402
import options  # noqa: E402
import running  # noqa: E402


def figures(cpu, rest_mib, peak_mib, lost=0, **more):
    return dict(cpu=cpu, rest=rest_mib * 1024, peak=peak_mib * 1024, lost=lost,
                **more)


KIND = {"name": "tails-text", "title": "tails", "unit": "tail", "steps": [
    {"label": "0", "count": 0, "runs": [figures(2.0, 20, 30)]},
    {"label": "1", "count": 1, "runs": [figures(2.1, 20.1, 30)]},
    {"label": "100", "count": 100, "runs": [
        figures(12.0, 30, 42, 7), figures(11.0, 30, 42), figures(90.0, 30, 31)]},
]}


class Tables(unittest.TestCase):
    def test_a_step_says_what_one_more_costs(self):
        rows = growth.rows_of(KIND)
        self.assertEqual(rows[0][:3], ["tails", "CPU s / M lines", "each adds"])
        self.assertEqual(rows[3], ["100", "12.000 (11.000-90.000)", "0.10",
                                   "30.0", "102", "42.0", "124", "0"])

    def test_what_can_not_be_told_from_noise_is_not_told(self):
        rows = growth.rows_of(KIND)
        self.assertEqual(rows[1][2], "")
        self.assertEqual([rows[2][at] for at in (2, 4, 6)], ["", "", ""])

    def test_two_digits_count(self):
        self.assertEqual([growth.shown(value) for value in (
            None, 0, 0.0000351, -0.0244, 1.26, 35.2, 1234)],
            ["", "0", "0.000035", "-0.024", "1.3", "35", "1234"])

    def test_channels_have_what_few_lines_take(self):
        kind = dict(KIND, steps=[
            {"label": "1", "count": 1, "runs": [
                figures(1, 20, 30, few=20.1 * 1024, rate=2)]},
            {"label": "1,024", "count": 1024, "runs": [
                figures(1, 22, 30, few=30 * 1024, rate=2.5)]}])
        rows = growth.rows_of(kind)
        at = rows[0].index("KiB each, ten lines")
        self.assertEqual([row[at] for row in rows[1:]], ["", "10"])
        self.assertEqual(rows[2][rows[0].index("M lines/s")], "2.50")

    def test_a_kind_without_a_run_has_no_table(self):
        told = {"kinds": [KIND, dict(KIND, name="none", steps=[
            {"label": "0", "count": 0, "runs": []}])]}
        text = growth.tables(told)
        self.assertIn("**Tails** (`tails-text`)", text)
        self.assertNotIn("none", text)

    def test_a_table_is_put_between_its_marks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.md")
            with open(path, "w", encoding="utf-8") as file:
                file.write("a\n<!-- x -->\nold\n<!-- /x -->\nb\n")
            document.replace(path, "x", document.table([["n", "m"], ["1", "2"]]))
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), "a\n<!-- x -->\n| n | m |\n"
                                 "|---|--:|\n| 1 | 2 |\n<!-- /x -->\nb\n")
            with self.assertRaisesRegex(ValueError, "<!-- y -->"):
                document.replace(path, "y", "")


class Asked(unittest.TestCase):
    def refused(self, words):
        with contextlib.redirect_stderr(io.StringIO()) as told:
            with self.assertRaises(SystemExit):
                options.read("", "build", words)
        return told.getvalue()

    def test_nonsense_is_refused(self):
        for words, part in ((("--rounds", "0"), "no whole number from 1 on"),
                            (("--most", "-1"), "no whole number from 0 on"),
                            (("--lines", "0"), "no number above 0"),
                            (("--json", "/nope/x"), "no folder '/nope'"),
                            (("--table", __file__), "not what --json wrote"),
                            (("--update",), "--table")):
            self.assertIn(part, self.refused(words))

    def test_a_name_is_of_one_kind_or_of_all_that_begin_so(self):
        def names(only, most=sys.maxsize):
            return [kind.name for kind in kinds.chosen(
                kinds.all_kinds(), only.split(",") if only else [], most)]

        self.assertEqual(names("drains-http"), ["drains-http",
                                                "drains-http-few"])
        self.assertEqual(names("workers-hot,busy"), ["workers-hot", "busy"])
        self.assertEqual(len(names("")), len(kinds.all_kinds()))
        self.assertNotIn("lines", names("", 10))
        with self.assertRaisesRegex(SystemExit, "drain is none of workers,"):
            names("drain")

    def test_steps_above_the_most_are_left_out(self):
        some = kinds.chosen(kinds.all_kinds(), ["channels"], 1000)
        self.assertEqual([load.count for load in some[0].loads], [1, 100, 1000])

    def test_workers_are_doubled_up_to_all_processors(self):
        self.assertEqual(kinds.powers_of_two(1), [1])
        self.assertEqual(kinds.powers_of_two(2), [1, 2])
        self.assertEqual(kinds.powers_of_two(6), [1, 2, 4, 6])
        self.assertEqual(kinds.powers_of_two(8), [1, 2, 4, 8])

    def test_what_is_put_on_it_has_what_it_needs(self):
        for kind in kinds.all_kinds():
            for load in kind.loads:
                self.assertEqual(bool(load.drain_url), kind.name.startswith(
                    "drains"), load)
                self.assertGreaterEqual(load.lines, 500, load)
                if load.drain_url:
                    self.assertIn("127.0.0.1:7/3", (
                        load.drain_url % (7, 3)).replace("#", "/"))


class Reader:
    def __init__(self, marks):
        self.marks = marks

    def told(self):
        return {"marks": self.marks}


class Accounts(unittest.TestCase):
    def test_lines_that_neither_came_nor_are_told_are_a_fault(self):
        self.assertIsNone(running.missing("drains", 10, 0, None))
        self.assertIsNone(running.missing("drains", 10, 3, Reader(7)))
        self.assertIn("10 lines were for them, 11 came", running.missing(
            "drains", 10, 0, Reader(11)))

    def test_a_daemon_has_processors_of_its_own_if_there_are_any(self):
        have = sorted(os.sched_getaffinity(0))
        ours, theirs = running.processors(1)
        self.assertEqual(ours, set(have[:1]))
        self.assertTrue(theirs)
        ours, theirs = running.processors(len(have))
        self.assertEqual((ours, theirs), (set(have), set(have[-1:])))


if __name__ == "__main__":
    unittest.main()
