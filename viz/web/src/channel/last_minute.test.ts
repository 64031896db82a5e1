import assert from "node:assert/strict";
import { test } from "node:test";

import type { Ledger, Snapshot } from "../api/types";
import { mostOf, mostOfRecent, noneOf } from "./last_minute";

test("never is told from not in the last minute", () => {
    const of = (first_seq: number, appended: number): string => noneOf(
        { lines: { first_seq } as Snapshot["lines"],
          ledger: { appended } as Ledger }, "no requests");
    assert.equal(of(0, 0), "no requests yet");
    assert.equal(of(1, 8), "no requests yet");
    assert.equal(of(2, 8), "no requests in the last minute");
    assert.equal(of(0, 8), "no requests in the last minute");
});

test("the most is of what there is", () => {
    assert.equal(mostOf([]), null);
    assert.equal(mostOf([null, null]), null);
    assert.equal(mostOf([null, -3, 2, null]), 2);
});

test("a quota that dynos tell by turns is even, until it changes", () => {
    assert.deepEqual(mostOfRecent([512, null, 1024, 512, 512, 512, 512], 3),
                     [512, null, 1024, 1024, 1024, 512, 512]);
});
