import assert from "node:assert/strict";
import { test } from "node:test";

import type { Line } from "../api/types";
import { isFrom, pieces, requestOf, toneOf } from "./line_text";

function line(text: string, severity = 6): Line {
    return { seq: 1, t: 0, time: "", source: "heroku", process: "router",
             severity, text };
}

test("a line looks as its status is, and else as its severity", () => {
    assert.equal(toneOf(line("at=info status=200 bytes=1")), "ok");
    assert.equal(toneOf(line("at=info status=304 bytes=1")), "moved");
    assert.equal(toneOf(line("at=info status=404 bytes=1")), "warn");
    assert.equal(toneOf(line("at=error code=H12 status=503")), "bad");
    assert.equal(toneOf(line("Error R14 (Memory quota exceeded)")), "bad");
    assert.equal(toneOf(line("hello")), "");
    assert.equal(toneOf(line("substatus=500")), "");
    assert.equal(toneOf(line("hello", 3)), "bad");
    assert.equal(toneOf(line("hello", 4)), "warn");
    assert.equal(toneOf(line("hello", 7)), "quiet");
});

test("a request's id is found where routers and Rails write it", () => {
    const id = "8601b555-6a83-4c12-8269-97c8e32cdb22";
    for (const [before, after] of [["a request_id=", " b"],
                                   ['request_id="', '" b'],
                                   ['{"request_id":"', '","a":1}'],
                                   ["[", "] Completed"]]) {
        const text = `${before}${id}${after}`;
        const found = requestOf(text);
        assert.equal(found?.id, id);
        assert.equal(text.slice(found?.from, found?.to), id);
    }
    for (const id of ["7F000001:8000_7F00001E:1F90_4F7B0A69_0001:790E",
                      "Zm9vYmFy+c2RmZ2hq/asdf==", "d41d8cd9;8f00,b204",
                      "request_id"])
        for (const [before, after] of [["x request_id=", " b"],
                                       ['request_id="', '"'],
                                       ["(request_id=", "), b"],
                                       ["[request_id=", "][user=1] b"],
                                       ["request_id=", ""]]) {
            const found = requestOf(before + id + after);
            assert.deepEqual(found, { id, from: before?.length,
                                      to: String(before + id).length });
        }
    assert.equal(requestOf('{"request_id":12345678,"a":1}')?.id, "12345678");
    const uuid = "0a1b2c3d-1111-2222-3333-444455556666";
    for (const after of [").", ": timeout", ",user=2", "|a", "&a=1", ">", '"',
                         "\x1b[0m", ".", ""])
        assert.equal(requestOf(`(request_id=${uuid}${after}`)?.id, uuid);
    for (const [length, isOne] of [[256, true], [257, false]] as const)
        assert.equal(requestOf(`request_id=${"x".repeat(length)} b`) !== null,
                     isOne);
    assert.equal(requestOf("request_id= x"), null);
    assert.equal(requestOf("[web.1] no id"), null);
});

test("where a line is from can be searched for as it is shown", () => {
    for (const needle of ["router", "heroku[rou", "u[router]"])
        assert.ok(isFrom(line("hello"), needle));
    assert.ok(!isFrom(line("hello"), "hello"));
});

test("what was searched for is cut out, and nothing is lost", () => {
    assert.deepEqual(pieces("abAB", ""), [{ text: "abAB", isHit: false }]);
    assert.deepEqual(pieces("xabyAB", "ab"), [
        { text: "x", isHit: false }, { text: "ab", isHit: true },
        { text: "y", isHit: false }, { text: "AB", isHit: true }]);
    for (const [text, needle] of [["aaaa", "aa"], ["İab", "ab"], ["", "a"]])
        assert.equal(pieces(text ?? "", needle ?? "").map(
            one => one.text).join(""), text);
});
