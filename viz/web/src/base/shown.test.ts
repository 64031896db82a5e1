import assert from "node:assert/strict";
import { test } from "node:test";

import { shown, shownBriefly, visible, visibleLines,
         withoutPassword } from "./shown";

test("plain text stays as it is", () => {
    for (const text of ["", "web.1", "GET /a?b=c", "a\tb", "größer 日本 שלום"])
        assert.equal(visible(text), text);
    assert.equal(shown("web.1"), "web.1");
});

test("control characters are seen", () => {
    assert.equal(visible("\x1b[31mred\0\x7f"), "␛[31mred␀␡");
    assert.equal(visible("a\r\nb"), "a␍␊b");
    assert.equal(visible("a\x85b"), "a‹U+0085›b");
});

test("nothing turns the direction of what is around it", () => {
    assert.equal(visible("x\u202Egnp.exe"), "x‹U+202E›gnp.exe");
    // A name can't end its own isolation.
    assert.equal(shown("a\u2069b"), "\u2068a‹U+2069›b\u2069");
    assert.equal(shown("שלום"), "\u2068שלום\u2069");
    for (let code = 0; code <= 0xFFFF; code++) {
        const one = String.fromCharCode(code);
        if (/[\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}]/u.test(one) && one !== "\t")
            assert.notEqual(visible(one), one, code.toString(16));
    }
});

test("joiners stay where a script or an emoji is written with them", () => {
    for (const text of ["👩‍👩‍👧‍👦", "❤️‍🔥", "👩🏽‍💻", "می‌خواهم", "क्‍ष", "র‍্য"]) {
        assert.match(text, /[\u200C\u200D]/);
        assert.equal(visible(text), text);
    }
    for (const text of ["a\u200Db", "a\u200D😀", "😀\u200C😀b\u200D", "\u200D",
                        "\u200Dब", "1\u200Cم"])
        assert.notEqual(visible(text), text);
    assert.equal(visible("a\u200Db"), "a‹U+200D›b");
    // A name might pass for the one without.
    assert.equal(shown("😀\u200D😀"), "\u2068😀‹U+200D›😀\u2069");
});

test("a name among others is cut where it is too long", () => {
    assert.equal(shownBriefly("web.1", 5), "web.1");
    assert.equal(shownBriefly("web.12", 5), "\u2068web.…\u2069");
    assert.equal(shownBriefly("😀😀😀", 2), "\u2068😀…\u2069");
    assert.equal(shownBriefly("\u202Eabc", 2), "\u2068‹U+202E›…\u2069");
});

test("what may have several lines keeps them", () => {
    assert.equal(visibleLines("a\n\x1bb\nc"), "a\n␛b\nc");
});

test("a password in a URL is not shown", () => {
    for (const [url, says] of [
        ["https://u:p@h/a:b@c", "https://u:***@h/a:b@c"],
        ["https://u:p:q%40r@h:1/", "https://u:***@h:1/"],
        ["syslog+tls://:p@[::1]:6514", "syslog+tls://:***@[::1]:6514"],
        ["http://u@h/", "http://u@h/"], ["http://h:80/?a=b:c@d", undefined],
    ] as const)
        assert.equal(withoutPassword(url), says ?? url);
});
