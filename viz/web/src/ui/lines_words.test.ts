import assert from "node:assert/strict";
import { test } from "node:test";

import type { Lines } from "../api/types";
import { wordsOf } from "./lines_words";

const LIMIT = { complete: false, why: "there may be more lines than the limit" };

function answer(lines: number, more: Partial<Lines> = {}): Lines {
    const line = { seq: 1, t: 0, time: "", source: "app", process: "web.1",
                   severity: 6, text: "" };
    return { epoch: "1", lines: Array<Lines["lines"][0]>(lines).fill(line),
             complete: true, ...more };
}

test("as many as were asked for are the newest ones", () => {
    assert.equal(wordsOf(answer(50, LIMIT), 50),
                 "The newest 50; there may be more.");
    assert.equal(wordsOf(answer(49), 50), "");
});

test("fewer than were asked for have another reason", () => {
    assert.equal(wordsOf(answer(3, { complete: false, why: "time is up" }), 50),
                 "Not all was looked at: time is up.");
    assert.equal(wordsOf(answer(0), 50), "No line.");
});
