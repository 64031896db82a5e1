import assert from "node:assert/strict";
import { test } from "node:test";

import type { Marker } from "../api/types";
import { happened } from "./happened";

let seq = 100;
function marker(t: number, kind: string, process: string, text: string):
    Marker {
    return { t, kind, process, text, seq: ++seq };
}

test("what dynos do at once is told once, and the newest first", () => {
    const found = happened([
        marker(1, "release", "", "v7"),
        marker(2, "cycling", "web.2", ""), marker(2, "cycling", "web.1", ""),
        marker(3, "state", "web.1", "starting to up"),
        marker(40, "state", "web.1", "starting to up"),
    ]);
    assert.deepEqual(found.map(one => one.text), [
        "web.1 up", "web.1 up", "web.1, web.2 cycling", "release v7"]);
});

test("of many dynos some are named", () => {
    const found = happened([1, 2, 3, 4, 10].map(
        i => marker(5, "state", `web.${i}`, "up to crashed")));
    assert.deepEqual(found.map(one => [one.text, one.isBad]),
                     [["web.1, web.2 and 3 more crashed", true]]);
});

test("what a dyno does again is told again", () => {
    const up = "starting to up";
    assert.deepEqual(happened([
        marker(1, "state", "web.1", up), marker(2, "state", "web.2", up),
        marker(4, "release", "", "v8"),
        marker(6, "state", "web.2", up), marker(7, "state", "web.1", up),
    ]).map(one => one.text), ["web.1, web.2 up", "release v8", "web.1, web.2 up"]);
});

test("two releases are two", () => {
    assert.deepEqual(happened([marker(1, "release", "", "v7"),
                               marker(2, "release", "", "v8")])
        .map(one => one.text), ["release v8", "release v7"]);
});
