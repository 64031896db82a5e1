import assert from "node:assert/strict";
import { test } from "node:test";
import { levelled } from "./levelled";

test("what is steady has a level spark, however much of the last step is told", () => {
    for (let told_s = 1; told_s <= 10; told_s++)
        assert.deepEqual(levelled([50, 50, 5 * told_s], 10, 1000 + told_s + 0.3),
                         [50, 50, 50]);
});

test("what begins is there at once, and what ends goes within a step", () => {
    assert.deepEqual(levelled([0, 0, 7], 10, 1001.2), [0, 0, 7]);
    assert.deepEqual(levelled([0, 40, 0], 10, 1005), [0, 40, 20]);
    assert.deepEqual(levelled([0, 40, 0], 10, 1010), [0, 40, 0]);
});

test("a spark of one point, or of none, is what it is", () => {
    assert.deepEqual(levelled([3], 10, 1004), [3]);
    assert.deepEqual(levelled([], 10, 1004), []);
});
