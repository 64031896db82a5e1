import assert from "node:assert/strict";
import { test } from "node:test";

import {
    addDots, addLine, addSteps, mostSince, placeHeld, timesBefore, type Ground,
} from "./paths";

// Two pixels a second, ten for each of a value; 0 is at 100.
function ground(n: number): { on: Ground; drawn: string[] } {
    const drawn: string[] = [];
    const note = (what: string) => (...at: number[]): void => {
        drawn.push(`${what} ${at.map(x => Math.round(x)).join(" ")}`);
    };
    const ctx = { moveTo: note("move"), lineTo: note("line"),
                  rect: note("rect"), arc: note("arc") };
    return { drawn, on: {
        ctx: ctx as unknown as CanvasPath, left: 5, bottom: 100, from: 1000,
        t: Array.from({ length: n }, (_, i) => 1000 + i),
        width_s: Array.from({ length: n }, () => 1),
        px_per_s: 2, px_per_y: 10 } };
}

test("a line ends where nothing is known, and begins anew", () => {
    const { on, drawn } = ground(6);
    addLine(on, [1, 2, null, 3, 4, null], false);
    assert.deepEqual(drawn, ["move 5 90", "line 7 80", "move 11 70",
                             "line 13 60"]);
});

test("what is sampled goes on over what is not known", () => {
    const { on, drawn } = ground(5);
    addLine(on, [null, 2, null, null, 3], true);
    assert.deepEqual(drawn, ["move 7 80", "line 13 70"]);
});

test("a value between two that are not known is a dot", () => {
    const { on, drawn } = ground(7);
    addDots(on, [1, null, 2, null, 3, 4, null], 3);
    assert.deepEqual(drawn, ["move 8 90", "arc 5 90 3 0 6",
                             "move 12 80", "arc 9 80 3 0 6"]);
    drawn.length = 0;
    addDots(on, [null, null, null, null, null, null, 5], 3);
    assert.deepEqual(drawn, ["move 20 50", "arc 17 50 3 0 6"]);
});

test("a step is as wide as its window, the newest, too, and is on 0", () => {
    const { on, drawn } = ground(5);
    on.width_s = [1, 1, 1, 1, 5];
    addSteps(on, [1, 2, null, 3, 4]);
    assert.deepEqual(drawn, ["rect 5 90 2 10", "rect 7 80 2 20",
                             "rect 11 70 2 30", "rect 13 60 10 40"]);
});

test("the greatest value is of what is seen", () => {
    const t = [1, 2, 3, 4];
    assert.equal(mostSince(2, t, [9, 3, null, 5]), 5);
    assert.equal(mostSince(1, t, [9, 3, null, 5]), 9);
    assert.equal(mostSince(1, t, [null, null]), 0);
});

test("times are told from the end on", () => {
    assert.deepEqual(timesBefore(1010, [1000, 1001, 1009]), [-10, -9, -1]);
});

test("a value holds for so many seconds, and no longer", () => {
    const values = [7, null, 8, null, null, null];
    const held = (step_s: number, seconds: number): number[] => values.map(
        (_, at) => placeHeld(values, at, values.map((_, i) => i * step_s),
                             seconds));
    assert.deepEqual(held(1, 2), [0, 0, 2, 2, 2, -1]);
    assert.deepEqual(held(10, 20), held(1, 2));
    assert.deepEqual(held(60, 20), [0, -1, 2, -1, -1, -1]);
    assert.deepEqual(held(1, 0), held(60, 20));
});
