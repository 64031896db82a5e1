import assert from "node:assert/strict";
import { test } from "node:test";

import { Ring } from "./ring";

test("a full ring gives its oldest for each new one", () => {
    const ring = new Ring<number>(3);
    const gone: (number | undefined)[] = [];
    for (let i = 1; i <= 5; i++)
        gone.push(ring.push(i));
    assert.deepEqual(gone, [undefined, undefined, undefined, 1, 2]);
    assert.equal(ring.length, 3);
    assert.deepEqual([-1, 0, 1, 2, 3].map(i => ring.at(i)),
                     [undefined, 3, 4, 5, undefined]);
});

test("a ring agrees with an array, whatever is done to both", () => {
    const ring = new Ring<number>(7);
    const model: number[] = [];
    let state = 1;
    for (let i = 0; i < 2000; i++) {
        state = state * 48_271 % 2_147_483_647;
        if (state % 3 === 0) {
            assert.equal(ring.shift(), model.shift());
        } else {
            const gone = model.length === 7 ? model.shift() : undefined;
            model.push(i);
            assert.equal(ring.push(i), gone);
        }
        assert.deepEqual(model.map((_, at) => ring.at(at)), model);
        assert.equal(ring.length, model.length);
    }
    ring.clear();
    assert.equal(ring.length, 0);
    assert.equal(ring.at(0), undefined);
});
