import assert from "node:assert/strict";
import { test } from "node:test";

import type { Marker, Process } from "../api/types";
import { dynoState, isDyno } from "./dyno_state";

function process(name: string, more: Partial<Process> = {}): Process {
    return { process: name, lines: 1, line_bytes: 10, requests: 0, failed: 0,
             response_ms: null, busy: 0, memory: null, load: null, codes: {},
             events: {}, skew_ms: null, ...more };
}

function marker(t: number, kind: string, text: string, of = "web.1"): Marker {
    return { t, kind, process: of, text, seq: t };
}

const RESTART = [
    marker(10, "cycling", ""), marker(10, "state", "up to starting"),
    marker(11, "stop", "SIGTERM"), marker(12, "exit", "status 143"),
    marker(12, "start", "puma"),
];

test("a restart is a few words and not its six steps", () => {
    const of = process("web.1", { events: { exited: 1, up: 1 } });
    assert.equal(dynoState(of, RESTART, 20).text, "starting");
    const up = [...RESTART, marker(15, "state", "starting to up")];
    assert.deepEqual(dynoState(of, up, 135),
                     { text: "restarted 2 min ago", isBad: false });
    assert.equal(dynoState(process("web.2"), up, 135).text, "");
});

test("the first start is no restart", () => {
    assert.equal(dynoState(process("web.4"), [
        marker(5, "start", "puma", "web.4"),
        marker(9, "state", "starting to up", "web.4")], 19).text,
                 "started 10 s ago");
});

test("a crash is bad for as long as it is not up again", () => {
    const once = [marker(5, "exit", "status 1"),
                  marker(5, "state", "up to crashed")];
    assert.deepEqual(dynoState(process("web.1"), once, 8),
                     { text: "crashed 3 s ago", isBad: true });
    const again = [...once, marker(9, "state", "crashed to starting")];
    assert.deepEqual(dynoState(process("web.1"), again, 10),
                     { text: "starting after a crash", isBad: true });
    const twice = [...again, marker(12, "state", "starting to crashed")];
    assert.equal(dynoState(process("web.1"), twice, 14).text,
                 "crashed × 2, 2 s ago");
    assert.equal(dynoState(process("web.1"), twice, 70).text,
                 "crashed 58 s ago"); // the other is not of this minute
});

test("without markers the counts tell what they can", () => {
    assert.deepEqual(dynoState(process("web.1", {
        events: { crashed: 2, started: 1 } }), [], 0),
                     { text: "crashed", isBad: true });
});

test("who only writes lines is no dyno", () => {
    for (const name of ["router", "heroku-postgres", "api", "DATABASE", ""])
        assert.ok(!isDyno(process(name)), name);
    for (const name of ["web.1", "worker.12", "scheduler.3018"])
        assert.ok(isDyno(process(name)), name);
    assert.ok(isDyno(process("web", { requests: 1 })));
});
