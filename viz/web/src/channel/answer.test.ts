import assert from "node:assert/strict";
import { test } from "node:test";

import type { Answer } from "../api/types";
import { clock } from "../base/format";
import { questionOf, tableOf, wordsOf } from "./answer";

const ANSWER: Answer = {
    measure: "service", by: ["path", "dyno"], unit: "ms",
    from: 100, to: 400, epoch: "1",
    groups: [{ by: ["/a", null], count: 30, mean: 20, max: 1500,
               quantiles: { "0.5": 10, "0.95": 1200 }, newest_seq: 7,
               missed_max: 0 },
             { by: ["", "web.1"], count: 10, mean: 5, max: 9,
               quantiles: { "0.5": null, "0.95": null }, newest_seq: 9,
               missed_max: 2 }],
    other: { count: 60, mean: 1, max: 2, quantiles: {} },
    groups_seen: 5, is_exact: true, scanned: 2000, matched: 120,
    gave_up: 0, evicted: 0, hidden: 0, covers: { from_seq: 1, end_seq: 2001, from: 5 },
    without_measure: 20, other_units: 0, complete: true, why: null,
    error: 0.0099, took_ms: 1.5,
};

test("an answer is a table, with all the rest as other", () => {
    assert.deepEqual(tableOf(ANSWER), {
        heads: ["path, dyno", "Values", "Mean", "p50", "p95", "Most"],
        rows: [
            { name: "/a · –", newest_seq: 7,
              cells: ["30", "20 ms", "10 ms", "1.2 s", "1.5 s"] },
            { name: "(empty) · web.1", newest_seq: 9,
              cells: ["10 to 12", "5 ms", "–", "–", "9 ms"] },
            { name: "other", newest_seq: null,
              cells: ["60", "1 ms", "–", "–", "2 ms"] },
        ] });
});

test("an answer says what was asked, and when", () => {
    const at = clock(400);
    assert.equal(questionOf({ window: "5m", top: 50 }, 400),
                 `Lines, over the last 5m at ${at}: `);
    assert.equal(questionOf({ window: "1h", measure: "service", by: "path",
                              where: "status>=500" }, 400),
                 "service by path where status>=500, over the last 1h at " +
                     `${at}: `);
});

test("without a measure lines are counted, and have shares", () => {
    const made = tableOf({ ...ANSWER, measure: null, unit: null, by: [],
        groups: [{ by: [], count: 3, newest_seq: 5, missed_max: 0 }],
        other: { count: 1 } });
    assert.deepEqual(made.heads, ["All", "Lines", "Share"]);
    assert.deepEqual(made.rows.map(one => [one.name, ...one.cells]),
                     [["all lines", "3", "75 %"], ["other", "1", "25 %"]]);
});

test("an answer says what it is of, and what it is not", () => {
    assert.equal(wordsOf(ANSWER), "120 lines of 2,000 looked at, in 1.5 ms. " +
        "20 of them without “service”. Percentiles ± 1 %.");
    assert.match(wordsOf({ ...ANSWER, complete: false, why: "no time" }),
                 /Not all was looked at: no time\.$/);
    assert.match(wordsOf({ ...ANSWER, evicted: 7 }),
                 /Older lines of this time may be gone: it is of those since /);
    assert.match(wordsOf({ ...ANSWER, evicted: 7, covers:
                           { from_seq: 9, end_seq: 9, from: null } }),
                 /it is of none that is left\.$/);
});
