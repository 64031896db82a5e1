import assert from "node:assert/strict";
import { test } from "node:test";

import { DECIMAL_TICKS, multiples, stepOf, TIME_TICKS, zoneOf } from "./ticks";

test("a step is the least that leaves room", () => {
    assert.equal(stepOf(TIME_TICKS, 16), 30);
    assert.equal(stepOf(TIME_TICKS, 30), 30);
    assert.equal(stepOf(TIME_TICKS, 1e9), 86_400);
    assert.equal(stepOf(DECIMAL_TICKS, 0.21), 0.25);
    assert.equal(stepOf(DECIMAL_TICKS, 26_000), 50_000);
});

test("lines are at whole steps, both ends among them", () => {
    assert.deepEqual(multiples(7, 30, 10, 0), [10, 20, 30]);
    assert.deepEqual(multiples(10, 20, 10, 0), [10, 20]);
    assert.deepEqual(multiples(0, 1, 0.5, 0), [0, 0.5, 1]);
});

test("hours of a day are those of here", () => {
    process.env["TZ"] = "Asia/Kolkata"; // midnight is at 18:30 of UTC
    assert.deepEqual(multiples(60_000, 90_000, 21_600, zoneOf(60_000)),
                     [66_600, 88_200]);
});
