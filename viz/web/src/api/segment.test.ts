import assert from "node:assert/strict";
import { test } from "node:test";

import { nameOf, segmentOf } from "./segment";

test("each name comes back from the path that it is a segment of", () => {
    for (const name of [".", "..", "...", "=.", "=..", "=", "a/b", "%2E", "?#",
                        "a b", "größer", ".;"]) {
        const { pathname } = new URL(`/channels/${segmentOf(name)}/tail`,
                                     "http://127.0.0.1");
        const segment = /^\/channels\/([^/]+)\/tail$/.exec(pathname)?.[1];
        assert.equal(nameOf(segment ?? ""), name, pathname);
    }
});

test("what is no UTF-8 is no name", () => {
    assert.equal(nameOf("%ff"), null);
});
