import assert from "node:assert/strict";
import { test } from "node:test";

import {
    age, byName, bytes, compact, count, digits, duration, inUnit, moment, percent,
    plain, plainIn, plural, rate, short, text, whole, within,
} from "./format";

test("a number has the digits that count", () => {
    const cases: [number, string][] = [
        [0, "0"], [0.0123, "0.012"], [0.5, "0.5"], [0.9996, "1"],
        [1.234, "1.23"], [9.994, "9.99"], [9.996, "10"], [45.67, "45.7"],
        [99.94, "99.9"], [99.96, "100"], [1234, "1,234"], [-1.5, "-1.5"],
        [10, "10"], [100, "100"], [0.0001, "1.0e-4"],
    ];
    for (const [x, expected] of cases)
        assert.equal(digits(x), expected);
});

test("large counts are short, and what is not there is a dash", () => {
    assert.equal(compact(999), "999");
    assert.equal(compact(999.6), "1k");
    assert.equal(compact(12_345), "12.3k");
    assert.equal(compact(4.5e15), "4,500T");
    assert.equal(compact(null), "–");
    assert.equal(count(1_234_567), "1,234,567");
    assert.equal(count(undefined), "–");
});

test("times, sizes, rates and shares have the unit that fits", () => {
    assert.equal(text(duration, 0.4), "0.4 ms");
    assert.equal(text(duration, 999.4), "999 ms");
    assert.equal(text(duration, 999.6), "1 s");
    assert.equal(text(duration, 61_000), "1.02 min");
    assert.equal(text(duration, 59.94 * 60_000), "59.9 min");
    assert.equal(text(duration, 59.96 * 60_000), "1 h");
    assert.equal(text(duration, 1e9), "11.6 d");
    assert.equal(text(duration, 23.9 * 3_600_000), "23.9 h");
    assert.equal(text(duration, -29_928_081 * 60_000), "-20,783 d");
    assert.equal(text(bytes, 1023), "1,023 B");
    assert.equal(text(bytes, 1023.6), "1 KB");
    assert.equal(text(bytes, 512 * 1024 * 1024), "512 MB");
    assert.equal(text(bytes, 2 ** 60), "1,048,576 TB");
    assert.equal(text(rate, 0.016), "0.016 /s");
    assert.equal(text(percent, 0.613), "61 %");
    assert.equal(text(percent, 0.0125), "1.3 %");
    assert.equal(text(percent, 0.0994), "9.9 %");
    assert.equal(text(percent, 0.0996), "10 %");
    assert.equal(text(percent, 0), "0 %");
    assert.equal(text(percent, -0.126), "-13 %");
    assert.equal(text(percent, null), "–");
    assert.equal(text(plain, 0.126), "0.126");
    assert.equal(text(plain, undefined), "–");
    assert.equal(text(plain, 1234.5), "1,235");
    assert.equal(text(plainIn("at a time"), 1234), "1,234 at a time");
    assert.equal(text(whole, 1234), "1,234");
    assert.equal(text(rate, 999_499), "999k /s");
    assert.equal(text(rate, 999_500), "1M /s");
    assert.equal(text(bytes, 1023.5 * 1024), "1 MB");
    assert.equal(text(short, 12_345), "12.3k");
    assert.equal(text(short, null), "–");
    assert.equal(text(inUnit("bytes"), 2048), "2 KB");
    assert.equal(text(inUnit("ms"), 1500), "1.5 s");
    assert.equal(text(inUnit("pages"), 7), "7 pages");
    assert.equal(text(inUnit(""), 7), "7");
});

test("an age has one unit", () => {
    assert.equal(age(-1), "0 s");
    assert.equal(age(89), "89 s");
    assert.equal(age(90), "2 min");
    assert.equal(age(7200), "2 h");
    assert.equal(age(200_000), "2 d");
    assert.equal(age(200_000_000), "2,315 d");
});

test("numbers of a new channel are of less than a minute", () => {
    assert.equal(within(60), "a minute");
    assert.equal(within(12.4), "12 s");
    assert.equal(within(0), "1 s");
});

test("one is singular", () => {
    assert.equal(plural(1, "line"), "1 line");
    assert.equal(plural(0, "line"), "0 lines");
    assert.equal(plural(1200, "line"), "1,200 lines");
});

test("names are in the order of their numbers", () => {
    assert.deepEqual(["web.10", "api", "web.2", "Web.1"].sort(byName),
                     ["api", "Web.1", "web.2", "web.10"]);
    assert.deepEqual(["a1", "a01", "a1"].sort(byName), ["a01", "a1", "a1"]);
});

test("a time that is not of today has its day", () => {
    const of = (day: number, hour: number): number =>
        new Date(2026, 10, day, hour, 5, 9).getTime() / 1000;
    const now = new Date(2026, 10, 26, 12);
    assert.equal(moment(of(26, 0), now), "00:05:09");
    assert.equal(moment(of(25, 23), now), "2026-11-25 23:05:09");
    assert.equal(moment(of(3, 12), now), "2026-11-03 12:05:09");
});
