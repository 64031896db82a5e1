import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf, newColumn } from "./column";

test("a new column is empty, and one of its own", () => {
    const one = newColumn();
    one.push(1, null);
    assert.deepEqual(newColumn(), []);
    assert.deepEqual(one, [1, null]);
});

test("a column is made of another, value by value", () => {
    assert.deepEqual(columnOf([1, null, 3], (value, i) =>
        value === null ? null : value * 10 + i), [10, null, 32]);
    assert.deepEqual(columnOf([], () => 1), []);
});
