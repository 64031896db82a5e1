// What a line's text says about how it should look, and the pieces of it that
// can be clicked or were searched for.
import type { Line } from "../api/types";
import { shown } from "../base/shown";

export type Tone = "" | "ok" | "moved" | "warn" | "bad" | "quiet";

const STATUS = /(?:^|\s)status=(\d)\d\d\b/;
const WRONG = /(?:^|\s)at=error\b|\bError [HRL]\d\d\b/;

// By what it is about (a router's status, an error) before what it calls
// itself (its severity).
export function toneOf(line: Line): Tone {
    if (WRONG.test(line.text))
        return "bad";
    switch (STATUS.exec(line.text)?.[1]) {
    case "5":
        return "bad";
    case "4":
        return "warn";
    case "3":
        return "moved";
    case "2":
        return "ok";
    default:
        break;
    }
    if (line.severity <= 3)
        return "bad";
    if (line.severity === 4)
        return "warn";
    return line.severity >= 7 ? "quiet" : "";
}

// Where a line is from, as it is shown beside it.
export function originOf({ source, process }: Line): string {
    return `${shown(source)}[${shown(process)}]`;
}

// needle: in lower case.
export function isFrom(line: Line, needle: string): boolean {
    return originOf(line).toLowerCase().includes(needle);
}

export interface RequestAt {
    id: string;
    from: number;
    to: number;
}

// The daemon finds none of more than 256 bytes, nor a part of one. As it reads
// pairs, a value ends at its quote, or else at a blank; but brackets around a
// pair, and what ends a clause there, are of the sentence. A UUID ends where it
// does, whatever comes then.
const UUID = "([0-9a-f]{8}-[0-9a-f-]{27})";
const REQUEST = new RegExp(
    `\\brequest_id"?[=:](?:"?${UUID}(?![\\w-])|` + '"([^"\\\\]{8,256})"|' +
    '([^\\s"[\\]]{7,255}[^\\s"[\\],;)}])(?:,"|\\]|[,;)}]*(?!\\S)))|' +
    `\\[${UUID}\\]`);

// Where its request's id is: as a pair, as a member of JSON, or alone in
// brackets, as Rails tags its lines.
export function requestOf(text: string): RequestAt | null {
    const found = REQUEST.exec(text);
    const id = found?.slice(1).find(one => one);
    if (!found || id === undefined)
        return null;
    const from = found.index + found[0].lastIndexOf(id);
    return { id, from, to: from + id.length };
}

export interface Piece {
    text: string;
    isHit: boolean;
}

// needle in lower case; empty: one piece.
export function pieces(text: string, needle: string): Piece[] {
    if (needle === "")
        return [{ text, isHit: false }];
    const found: Piece[] = [];
    const lower = text.toLowerCase();
    // In some languages the lower case is longer: then places don't agree.
    const hay = lower.length === text.length ? lower : text;
    let from = 0;
    for (let at = hay.indexOf(needle); at >= 0;
        at = hay.indexOf(needle, from)) {
        if (at > from)
            found.push({ text: text.slice(from, at), isHit: false });
        found.push({ text: text.slice(at, at + needle.length), isHit: true });
        from = at + needle.length;
    }
    if (from < text.length || found.length === 0)
        found.push({ text: text.slice(from), isHit: false });
    return found;
}
