import assert from "node:assert/strict";
import { test } from "node:test";

import { STATUS_CLASSES } from "./status_class";

test("each class that the daemon counts is shown once", () => {
    assert.deepEqual(STATUS_CLASSES.map(({ key }) => key).sort(),
                     ["1xx", "2xx", "3xx", "4xx", "5xx", "none", "other"]);
    assert.deepEqual(
        STATUS_CLASSES.map(({ column }) => column).sort(),
        ["s1xx", "s2xx", "s3xx", "s4xx", "s5xx", "s_none", "s_other"]);
    assert.equal(new Set(STATUS_CLASSES.map(({ label }) => label)).size, 7);
});
