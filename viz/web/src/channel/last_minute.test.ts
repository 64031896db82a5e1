import assert from "node:assert/strict";
import { test } from "node:test";

import { mostOf, mostOfRecent } from "./last_minute";

test("the most is of what there is", () => {
    assert.equal(mostOf([]), null);
    assert.equal(mostOf([null, null]), null);
    assert.equal(mostOf([null, -3, 2, null]), 2);
});

test("a quota that dynos tell by turns is even, until it changes", () => {
    assert.deepEqual(mostOfRecent([512, null, 1024, 512, 512, 512, 512], 3),
                     [512, null, 1024, 1024, 1024, 512, 512]);
});
