#!/usr/bin/env python3
"""How lines are distributed, against an exact computation over the same lines:
GET /v3/channels/:id/aggregate."""
import collections
import json
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from logplexd import line, main
from reading import ReadingTest, router

ERROR = 0.01


def quantile(values, q):
    return sorted(values)[int(q * (len(values) - 1))]


class GroupsTest(ReadingTest):
    FLAGS = ["--history-lines", "200000", "--channel-max", "64MiB",
             "--scan-limit", "1m"]

    def is_of(self, group, values, quantiles):
        """Its numbers are those of these values."""
        self.assertEqual(group["count"], len(values))
        self.assertAlmostEqual(group["sum"], sum(values),
                               delta=1e-9 * abs(sum(values)))
        self.assertAlmostEqual(group["mean"], sum(values) / len(values),
                               delta=1e-9 * max(map(abs, values)))
        self.assertEqual(group["min"], min(values))
        self.assertEqual(group["max"], max(values))
        self.assertEqual(set(group["quantiles"]),
                         {"%.10g" % q for q in quantiles})
        for q in quantiles:
            exact = quantile(values, q)
            self.assertLessEqual(abs(group["quantiles"]["%.10g" % q] - exact),
                                 ERROR * abs(exact) * 1.000001)

    def is_exactly(self, answer, groups, quantiles=()):
        """groups: the values of keys to all values there."""
        self.assertTrue(answer["complete"])
        got = {tuple(one["by"]): one for one in answer["groups"]}
        self.assertEqual(len(got), len(answer["groups"]), "one is twice there")
        for by, one in got.items():
            self.is_of(one, groups[by], quantiles)
        counts = [one["count"] for one in answer["groups"]]
        self.assertEqual(counts, sorted(counts, reverse=True))
        rest = [by for by in groups if by not in got]
        if rest:
            self.is_of(answer["other"],
                       [one for by in rest for one in groups[by]], quantiles)
            self.assertGreaterEqual(counts[-1],
                                    max(len(groups[by]) for by in rest))
        else:
            self.assertIsNone(answer["other"])
        self.assertEqual((answer["groups_seen"], answer["is_exact"]),
                         (len(groups), True))


class Exact(GroupsTest):
    QUANTILES = (0, 0.5, 0.9, 0.95, 0.99, 1)

    def setUp(self):
        super().setUp()
        rng = random.Random(5)
        self.requests = []
        for _ in range(5000):
            self.requests.append({
                "path": "/p/%d" % min(rng.randrange(40), rng.randrange(40)),
                "status": rng.choice((200, 200, 200, 404, 500, 503)),
                "service": int(rng.lognormvariate(4, 1.5)) + 1,
                "connect": rng.randrange(3),
                "dyno": "web.%d" % rng.randrange(1, 4)})
        self.send_requests(*[router(**one) for one in self.requests])
        self.send("no request at all", "path=/p/1 but no time")

    def grouped(self, by, value=lambda one: one["service"],
                where=lambda _: True):
        groups = collections.defaultdict(list)
        for one in self.requests:
            if where(one):
                groups[by(one)].append(value(one))
        return groups

    def ask_groups(self, **query):
        q = ",".join("%g" % one for one in self.QUANTILES)
        return self.get("aggregate", measure="service", q=q, **query)

    def test_by_path(self):
        answer = self.ask_groups(by="path", top=1000)
        self.is_exactly(answer, self.grouped(lambda one: (one["path"],)),
                        self.QUANTILES)
        self.assertEqual((answer["measure"], answer["by"], answer["unit"]),
                         ("service", ["path"], "ms"))
        self.assertEqual((answer["scanned"], answer["matched"],
                          answer["without_measure"], answer["other_units"]),
                         (5002, 5002, 2, 0))
        self.assertLessEqual(answer["error"], ERROR)
        self.assertAlmostEqual(answer["to"] - answer["from"], 300, delta=0.001)

    def test_the_top_and_all_others_together(self):
        for top in (1, 5, 39, 40):
            self.is_exactly(self.ask_groups(by="path", top=top),
                            self.grouped(lambda one: (one["path"],)),
                            self.QUANTILES)

    def test_by_several_keys(self):
        self.is_exactly(
            self.ask_groups(by="dyno,status,path", top=10),
            self.grouped(lambda one: (one["dyno"], str(one["status"]),
                                      one["path"])), self.QUANTILES)

    def test_all_in_one(self):
        self.is_exactly(self.ask_groups(), self.grouped(lambda _: ()),
                        self.QUANTILES)

    def test_where(self):
        answer = self.ask_groups(by="status",
                                 where="status>=500 dyno=web.1")
        groups = self.grouped(
            lambda one: (str(one["status"]),),
            where=lambda one: one["status"] >= 500 and one["dyno"] == "web.1")
        self.is_exactly(answer, groups, self.QUANTILES)
        self.assertEqual(answer["matched"],
                         sum(map(len, groups.values())))
        self.assertEqual(answer["scanned"], 5002)

    def test_words_for_what_is_no_pair(self):
        answer = self.get("aggregate", measure="response", q="0.5", by="route",
                          top=3)
        groups = self.grouped(lambda one: ("GET /p/:id",),
                              lambda one: one["service"] + one["connect"])
        self.is_exactly(answer, groups, (0.5,))
        answer = self.get("aggregate", by="source,process,severity")
        self.assertEqual([(one["by"], one["count"])
                          for one in answer["groups"]],
                         [(["heroku", "router", "info"], 5000),
                          (["app", "web.1", "info"], 2)])
        self.assertEqual((answer["measure"], answer["unit"], answer["error"]),
                         (None, None, None))

    def test_by_sum(self):
        answer = self.ask_groups(by="path", order="sum", top=7)
        sums = {by[0]: sum(values) for by, values in
                self.grouped(lambda one: (one["path"],)).items()}
        self.assertEqual([one["sum"] for one in answer["groups"]],
                         sorted(sums.values(), reverse=True)[:7])
        self.assertEqual(answer["groups"][0]["sum"] + sum(
            one["sum"] for one in answer["groups"][1:]) +
            answer["other"]["sum"], sum(sums.values()))

    def test_a_line_of_each_group_is_named(self):
        for one in self.ask_groups(by="path", top=5)["groups"]:
            shown, = self.get("lines", seqs=one["newest_seq"])["lines"]
            self.assertIn('path="%s"' % one["by"][0], shown["text"])


class Forms(GroupsTest):
    def test_units_are_told_and_others_counted_apart(self):
        self.send("a measure#db=1.5s", "b measure#db=250ms", "c db=20ms",
                  "d db=7MB", "e db=fast", "f other=1")
        answer = self.get("aggregate", measure="db", q="1")
        self.is_of(answer["groups"][0], [1500, 250, 20], (1,))
        self.assertEqual((answer["unit"], answer["other_units"],
                          answer["without_measure"]), ("ms", 1, 2))
        self.send("sample#memory_total=21.22MB", "measure.mem=1",
                  "count#n=5", "count#n=7")
        answer = self.get("aggregate", measure="memory_total")
        self.assertEqual((answer["unit"], answer["groups"][0]["sum"]),
                         ("bytes", 21.22 * 2 ** 20))
        answer = self.get("aggregate", measure="n")
        self.assertEqual((answer["unit"], answer["groups"][0]["sum"]),
                         ("", 12))

    def test_values_are_as_they_are_without_quotes_and_escapes(self):
        values = ["plain", "two words", 'a "quote"', "é", "", "x" * 300,
                  "null", "<b>", "\x01"]
        self.send(*["n=1 key=%s" % json.dumps(one, ensure_ascii=False).replace(
            "\\u0001", "\x01") for one in values], "n=1 nothing",
            "n=1 \xff".encode("latin-1"))
        answer = self.get("aggregate", by="key", top=100)
        got = {one["by"][0]: one["count"] for one in answer["groups"]}
        for one in values[:4] + values[6:]:
            self.assertEqual(got[one], 1, one)
        self.assertEqual(got["x" * 256], 1)
        self.assertEqual(got[None], 2)
        self.assertEqual(sum(got.values()), len(values) + 2)

    def test_a_quantile_that_is_asked_for_again_is_told_once(self):
        self.send("n=1")
        answer = self.ask("GET", self.CHANNEL +
                          "aggregate?measure=n&q=0.5,0.50,0.99999999999999,1")
        self.assertIn(b'"quantiles":{"0.5":1,"0.99999999999999":1,"1":1}',
                      answer.body)

    def test_a_window_leaves_out_what_is_older(self):
        self.send("n=1", "n=2")
        at = self.get("lines", limit=1)["lines"][0]["t"]
        self.wait_until(lambda: self.get("aggregate", window="1s",
                                         measure="n")["matched"] == 0)
        self.send("n=5")
        self.assertEqual(self.get("aggregate", measure="n")["matched"], 3)
        answer = self.get("aggregate", window="24h", measure="n")
        self.assertEqual(answer["groups"][0]["sum"], 8)
        self.assertGreater(answer["to"], at)

    def test_no_lines_are_no_groups(self):
        answer = self.get("aggregate", measure="x", by="y", q="0.5")
        self.assertEqual((answer["groups"], answer["other"],
                          answer["matched"], answer["complete"]),
                         ([], None, 0, True))

    def test_what_is_wrong_is_told(self):
        for says, query in (
                ('"by" is "a,,b", but has to be 1 to 4 values', {"by": "a,,b"}),
                ('"by" is "a,b,c,d,e", but', {"by": "a,b,c,d,e"}),
                ('"q" is "1.1", but has to be quantiles from 0 to 1',
                 {"measure": "x", "q": "0.5,1.1"}),
                ('"q" is "x", but', {"measure": "x", "q": "x"}),
                ('"q" is "%s", but has to be 1 to 16 values' %
                 ",".join(["0.5"] * 17)[:100],
                 {"measure": "x", "q": ",".join(["0.5"] * 17)}),
                ('"top" is "0", but has to be a number from 1 to 1000',
                 {"top": 0}),
                ('"order" is "max", but has to be count, or of a measure also '
                 'sum', {"order": "max"}),
                ('"order" is "sum", but', {"order": "sum"}),
                ('"window" is "5", but has to be a time from 1s to 24h, such '
                 'as 5m', {"window": "5"}),
                ('"window" is "999ms", but', {"window": "999ms"}),
                ('"window" is "25h", but', {"window": "25h"}),
                ('"where", at byte 8: ', {"where": "status>=x"}),
                ('"q" is of the values of a "measure", and there is none',
                 {"q": "0.5", "by": "x"}),
                ('"measure" is empty; ', {"measure": ""}),
                ('"order" is empty; ', {"order": ""}),
                ('there is no parameter "group"; there may be measure, by, q, '
                 'where, window, top, order', {"group": "x"})):
            self.is_refused("aggregate", says, **query)
        for query in ({"measure": "x" * 129}, {"by": "x" * 129}):
            error = self.get("aggregate", 400, **query)["error"]
            self.assertIn("128", error)


class Many(GroupsTest):
    def test_a_hundred_thousand_keys_are_the_top_and_other_and_add_up(self):
        often = {"often-%d" % i: 600 - 50 * i for i in range(5)}
        keys = [name for name, count in often.items() for _ in range(count)]
        keys += ["once-%d" % i for i in range(100000)]
        random.Random(6).shuffle(keys)
        for at in range(0, len(keys), 5000):
            answer = self.post(self.token, [
                line("n=%d key=%s" % (i % 1000, key))
                for i, key in enumerate(keys[at:at + 5000])])
            self.assertEqual(answer.status, 204)
        values = [i % 1000 for at in range(0, len(keys), 5000)
                  for i in range(len(keys[at:at + 5000]))]
        answer = self.get("aggregate", measure="n", by="key", q="0.5", top=5)
        self.assertTrue(answer["complete"])
        self.assertEqual(answer["scanned"], len(keys))
        rows = answer["groups"] + [answer["other"]]
        self.assertEqual(sum(one["count"] for one in rows), len(keys))
        self.assertEqual(sum(one["sum"] for one in rows), sum(values))
        self.assertEqual(min(one["min"] for one in rows), 0)
        self.assertEqual(max(one["max"] for one in rows), 999)
        self.assertAlmostEqual(answer["groups_seen"], 100005, delta=10000)
        for one in answer["groups"]:
            name = one["by"][0]
            self.assertLessEqual(one["count"], often[name])
            self.assertGreaterEqual(one["count"] + one["missed_max"],
                                    often[name])
        self.assertEqual({one["by"][0] for one in answer["groups"]},
                         set(often))
        self.assertFalse(answer["is_exact"])


if __name__ == "__main__":
    main()
