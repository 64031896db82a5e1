import assert from "node:assert/strict";
import { test } from "node:test";

import { SseParser, type SseEvent } from "./sse";

const TEXT = ": hello\nretry: 2000\n\n" +
    "event: frame\nid: 7:1\ndata: {\"a\":1}\n\n" +
    "data: one\r\ndata: two\r\n\r\n" +
    "data:no blank\rid\r\r" +
    "event: nothing\n\n" +
    "data\n\nid: a\0b\ndata: last\n\nid: 9:9\ndata: half";

const EVENTS: SseEvent[] = [
    { event: "frame", id: "7:1", data: '{"a":1}' },
    { event: "message", id: "7:1", data: "one\ntwo" },
    { event: "message", id: "", data: "no blank" },
    { event: "message", id: "", data: "" },
    { event: "message", id: "", data: "last" },
];

test("events come out whole, wherever their text is cut", () => {
    for (let cut = 0; cut <= TEXT.length; cut++) {
        const parser = new SseParser();
        const events = [...parser.push(TEXT.slice(0, cut)),
                        ...parser.push(TEXT.slice(cut))];
        assert.deepEqual(events, EVENTS, `cut at ${cut}`);
        assert.equal(parser.retryMs, 2000);
    }
});

test("events come out whole, a character at a time", () => {
    const parser = new SseParser();
    assert.deepEqual([...TEXT].flatMap(one => parser.push(one)), EVENTS);
});
