import assert from "node:assert/strict";
import { test } from "node:test";

import { LineStore, type Entry } from "./line_store";

function line(seq: number, text: string): Entry {
    return { kind: "line", line: { seq, t: 0, time: "", source: "app",
                                   process: "web.1", severity: 6, text } };
}

test("there are at most so many lines, and it is told how many went", () => {
    const store = new LineStore(3);
    for (let seq = 1; seq <= 5; seq++)
        store.push(line(seq, "x"));
    assert.equal(store.length, 3);
    assert.deepEqual(store.at(0), line(3, "x"));
    assert.equal(store.takeGone(), 2);
    assert.equal(store.takeGone(), 0);
});

test("long lines make room by their length", () => {
    const store = new LineStore(100, 1000);
    for (let seq = 1; seq <= 10; seq++)
        store.push(line(seq, "x".repeat(300)));
    assert.equal(store.length, 3);
    store.push(line(11, "x".repeat(5000)));
    assert.equal(store.length, 1);
    assert.deepEqual(store.at(0), line(11, "x".repeat(5000)));
    store.push({ kind: "note", text: "n" });
    assert.equal(store.length, 1);
    assert.equal(store.takeGone(), 11);
});
