import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf, fill, isEmpty, newColumn } from "./column";

test("a new column is empty, and one of its own", () => {
    const one = newColumn();
    one.push(1, null);
    assert.deepEqual(newColumn(), []);
    assert.deepEqual(one, [1, null]);
});

test("a column is made of another, value by value", () => {
    const turn = (value: number, i: number, by: number): number => value * by + i;
    assert.deepEqual(columnOf([1, null, 3, 0], turn, 10), [10, null, 32, 3]);
    assert.deepEqual(columnOf([], turn, 10), []);
});

test("a column is filled up to a length, and never cut", () => {
    const one = newColumn();
    fill(one, 2);
    one.push(7);
    assert.deepEqual(one, [null, null, 7]);
    fill(one, 2);
    assert.equal(one.length, 3);
});

test("a column is empty that has no value; 0 is one", () => {
    assert.equal(isEmpty([]), true);
    assert.equal(isEmpty([null, null]), true);
    assert.equal(isEmpty([null, 0]), false);
});
