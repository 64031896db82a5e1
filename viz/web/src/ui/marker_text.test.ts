import assert from "node:assert/strict";
import { test } from "node:test";

import type { Marker } from "../api/types";
import { isBad, isMinor, markerText, worthTelling } from "./marker_text";

function marker(kind: string, text: string, process = "web.1"): Marker {
    return { t: 0, kind, process, text, seq: 1 };
}

test("what nobody wanted is bad, and a dyno told to stop is not", () => {
    assert.ok(isBad(marker("exit", "status 137")));
    assert.ok(isBad(marker("exit", "status 1")));
    assert.ok(isBad(marker("state", "up to crashed")));
    assert.ok(isBad(marker("state", "crashed")));
    assert.ok(!isBad(marker("state", "crashed to starting")));
    assert.ok(!isBad(marker("exit", "status 0")));
    assert.ok(!isBad(marker("exit", "status 143")));
    assert.ok(!isBad(marker("release", "v137", "")));
});

test("of a restart, being up again is told, and not each step", () => {
    assert.ok(isMinor(marker("exit", "status 143")));
    assert.ok(isMinor(marker("start", "bundle exec puma")));
    assert.ok(isMinor(marker("state", "up to starting")));
    assert.ok(!isMinor(marker("state", "starting to up")));
    assert.ok(!isMinor(marker("state", "up to crashed")));
    assert.ok(!isMinor(marker("release", "v42", "")));
});

test("a marker is told in words", () => {
    assert.equal(markerText(marker("release", "v42", "")), "release v42");
    assert.equal(markerText(marker("rollback", "v41", "")), "rollback to v41");
    assert.equal(markerText(marker("deploy", "3f2a", "")), "deploy 3f2a");
    assert.equal(markerText(marker("start", "bundle exec puma")),
                 "web.1 start");
    assert.equal(markerText(marker("exit", "status 137")),
                 "web.1 exited with 137");
    assert.equal(markerText(marker("state", "up to crashed")),
                 "web.1 crashed");
    assert.equal(markerText(marker("state", "crashed")), "web.1 crashed");
    assert.equal(markerText(marker("cycling", "")), "web.1 cycling");
});

test("of a crash the exit that came with it is not told as well", () => {
    const exit = marker("exit", "status 1");
    const crash = marker("state", "up to crashed");
    const other = marker("exit", "status 1", "web.2");
    assert.deepEqual(worthTelling([exit, crash, other]), [crash, other]);
    assert.deepEqual(worthTelling([exit, { ...crash, t: 60 }]).length, 2);
});
