// Text that somebody else wrote, to be seen as what it is. Control characters, and
// those that turn the direction of what stands around them, are shown and not
// obeyed: a name can't pass for another one, and a line can't reorder the page.

// C0 and DEL, C1, soft hyphen, what has no width, and all that Unicode has for
// directions (UAX 9) and lines. A tab is a blank that everybody knows.
const UNSEEN = new RegExp(
    "[\\0-\\x08\\x0A-\\x1F\\x7F-\\x9F\\xAD\\u061C\\u200B-\\u200F" +
    "\\u2028-\\u202E\\u2060-\\u206F\\uFEFF\\uFFF9-\\uFFFB]", "g");
const PLAIN = /^[\x20-\x7E]*$/;

const CONTROL_PICTURES = 0x2400;

function picture(of: string): string {
    const code = of.charCodeAt(0);
    if (code < 0x20)
        return String.fromCharCode(CONTROL_PICTURES + code);
    if (code === 0x7F)
        return "\u2421";
    return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}

// The joiners (U+200C, U+200D) have no width either, but turn nothing, and are part
// of how some scripts and many emoji are written. Between these a line keeps them.
const JOINED = [
    "Arabic", "Bengali", "Devanagari", "Gujarati", "Gurmukhi", "Kannada", "Khmer",
    "Malayalam", "Mongolian", "Myanmar", "Oriya", "Sinhala", "Syriac", "Tamil",
    "Telugu",
].map(script => `\\p{Script=${script}}`).join("");
const EMOJI = "\\p{Extended_Pictographic}";
const BEFORE_JOINER = new RegExp(
    `(?:[${JOINED}]\\p{M}*|${EMOJI}[\\uFE0F\\u{1F3FB}-\\u{1F3FF}]*)$`, "u");
const BEHIND_JOINER = new RegExp(`^(?:[${JOINED}]|${EMOJI})`, "u");
const NEAR = 8; // UTF-16 units, which the longest of these are within

function joinedOr(of: string, at: number, text: string): string {
    const isJoined = (of === "\u200C" || of === "\u200D") &&
        BEFORE_JOINER.test(text.slice(Math.max(0, at - NEAR), at)) &&
        BEHIND_JOINER.test(text.slice(at + 1, at + 1 + NEAR));
    return isJoined ? of : picture(of);
}

// A line, or a piece of one.
export function visible(text: string): string {
    return PLAIN.test(text) ? text
        : text.replace(UNSEEN, (of, at: number) => joinedOr(of, at, text));
}

// The same where a line end may be one.
export function visibleLines(text: string): string {
    return PLAIN.test(text) ? text : text.split("\n").map(visible).join("\n");
}

// A name within other words, also where there are no elements (a title, a canvas):
// whatever direction its letters have, it does not change theirs (FSI and PDI).
export function shown(name: string): string {
    return PLAIN.test(name) ? name
        : `\u2068${name.replace(UNSEEN, picture)}\u2069`;
}

// The same where there is room for so many characters.
export function shownBriefly(name: string, most: number): string {
    const all = [...name];
    return shown(all.length > most ? `${all.slice(0, most - 1).join("")}…`
                                   : name);
}

// A URL for a screen that more people see than may know what is in it.
export function withoutPassword(url: string): string {
    return url.replace(/^([^:/?#]+:\/\/[^/?#@:]*):[^/?#]*@/, "$1:***@");
}
