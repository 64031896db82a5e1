import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "./backoff";

test("waits double up to a bound, and begin anew after a success", () => {
    const backoff = new Backoff(() => 0);
    const waits = Array.from({ length: 8 }, () => backoff.next());
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000,
                             15_000]);
    backoff.reset();
    assert.equal(backoff.next(), 500);
});

test("chance takes at most a half", () => {
    const backoff = new Backoff(() => 0.999);
    for (const full of [500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
        const wait = backoff.next();
        assert.ok(wait >= full / 2 && wait < full, `${wait} of ${full}`);
    }
});
