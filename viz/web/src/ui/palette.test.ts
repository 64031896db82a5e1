import assert from "node:assert/strict";
import { test } from "node:test";

import { Palette } from "./palette";

const COLOURS = ["a", "b", "c"];

test("a name keeps its colour, whatever comes before it in order", () => {
    const palette = new Palette(COLOURS);
    assert.deepEqual(palette.of(["H80"]), ["a"]);
    assert.deepEqual(palette.of(["H12", "H80"]), ["b", "a"]);
    assert.deepEqual(palette.of(["H10", "H12", "H80"]), ["c", "b", "a"]);
    assert.deepEqual(palette.of(["H12"]), ["b"]);
});

test("those seen together are told apart while there are colours", () => {
    const palette = new Palette(COLOURS);
    palette.of(["x", "y", "z"]);
    assert.deepEqual(palette.of(["z", "new"]), ["c", "a"]);
    assert.deepEqual(palette.of(["z", "new", "newer"]), ["c", "a", "b"]);
    assert.deepEqual(palette.of(["x", "y", "z", "more"]).slice(0, 3), COLOURS);
});

test("names that come and go do not add up", () => {
    const palette = new Palette(COLOURS);
    palette.of(["old"]);
    palette.of(["stays"]);
    for (let i = 0; i < 2000; i++)
        palette.of(["stays", `run.${i}`]);
    assert.deepEqual(palette.of(["stays"]), ["b"]);
    assert.equal(palette["places"].size, 1000);
    assert.equal(palette["worn"].reduce((sum, n) => sum + n), 1000);
});
