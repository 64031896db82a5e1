import assert from "node:assert/strict";
import { test } from "node:test";

import { heldTop, indexIn, windowOf } from "./virtual_list";

test("the rows in sight are drawn, and a few around them", () => {
    assert.deepEqual(windowOf(0, 100, 20, 1000, 2), { first: 0, count: 7 });
    assert.deepEqual(windowOf(500, 100, 20, 1000, 2), { first: 23, count: 9 });
    assert.deepEqual(windowOf(19_900, 100, 20, 1000, 2),
                     { first: 993, count: 7 });
});

test("no row is drawn that is not there", () => {
    assert.deepEqual(windowOf(0, 100, 20, 3, 6), { first: 0, count: 3 });
    assert.deepEqual(windowOf(0, 100, 20, 0, 6), { first: 0, count: 0 });
    assert.deepEqual(windowOf(9000, 100, 20, 3, 2), { first: 3, count: 0 });
});

test("every row in sight is drawn, wherever the list stands", () => {
    for (let top = 0; top <= 900; top++) {
        const { first, count } = windowOf(top, 100, 20, 50, 0);
        assert.ok(first * 20 <= top && (first + count) * 20 >=
                  Math.min(top + 100, 1000), `at ${top}`);
    }
});

test("each row in sight has one element, and keeps it when others come", () => {
    const elements = (first: number): Map<number, number> => new Map(
        [0, 1, 2, 3, 4, 5].map(i => [indexIn({ first, count: 5 }, i), i]));
    for (let first = 0; first < 20; first++) {
        const now = elements(first);
        assert.deepEqual([...now.keys()].sort((a, b) => a - b),
                         [-1, ...[0, 1, 2, 3, 4].map(i => first + i)]);
        for (const [index, element] of elements(first + 1))
            if (index >= 0 && now.has(index))
                assert.equal(element, now.get(index));
    }
});

test("who reads above the end goes on seeing the same rows", () => {
    assert.equal(heldTop(500, 10, 20), 300);
    assert.equal(heldTop(100, 10, 20), 0);
});
