import assert from "node:assert/strict";
import { test } from "node:test";

import type { Measure } from "../api/types";
import { measureGroups } from "./measure_groups";

function measure(name: string | null, of = "",
                 op: Measure["op"] = "sample"): Measure {
    return { name, of, is_platform: false, op, unit: "", count: 1, sum: 1,
             mean: 1, min: 1, max: 1, last: 1, p50: null, p95: null, p99: null,
             error: null };
}

const ALL = [
    measure("queue.depth"), measure("mem"), measure("mem", "worker.1"),
    measure("memory_total"), measure("memory_total", "web.1"),
    measure("load_avg_1m"), measure("router.service", "", "measure"),
    measure("read-iops", "REDIS"), measure("load-avg-1m", "DATABASE"),
    measure(null),
];

function names(needle: string): [string, string[]][] {
    return measureGroups(ALL, needle).map(
        ({ of, rows }) => [of, rows.map(one => one.name ?? "others")]);
}

test("the application's own are first, then those of each add-on", () => {
    assert.deepEqual(names(""), [
        ["", ["mem", "queue.depth", "others"]],
        ["DATABASE", ["load-avg-1m"]], ["REDIS", ["read-iops"]]]);
});

test("names that a collator takes as one are two groups", () => {
    const found = measureGroups(
        [measure("b", "a1"), measure("b", "a01"), measure("a", "a1"),
         measure("a", "a01")], "");
    assert.deepEqual(found.map(({ of, rows }) => [of, rows.map(
        one => one.name)]), [["a01", ["a", "b"]], ["a1", ["a", "b"]]]);
});

test("a filter finds what is left out, too", () => {
    assert.deepEqual(names("Memory_"), [["", ["memory_total"]],
                                        ["web.1", ["memory_total"]]]);
    assert.deepEqual(names("redis"), [["REDIS", ["read-iops"]]]);
    assert.deepEqual(names("nothing like it"), []);
});
