// What an answer of lines says of itself, in a sentence.
import type { Lines } from "../api/types";
import { clock, count, plural } from "../base/format";

// HIDDEN says of a single line what hiddenWords() says of several.
export const HIDDEN = "is hidden: this channel shows no history of then";

export function hiddenWords(lines: number, of: string): string {
    return `${plural(lines, "line")} of ${of} ` +
        `${lines === 1 ? HIDDEN : HIDDEN.replace("is", "are")}.`;
}

// limit: how many were asked for.
export function wordsOf(answer: Lines, limit: number): string {
    const words: string[] = [];
    if (answer.epoch_is_over)
        words.push("They are of a life of the daemon that is over.");
    if (answer.lines.length === 0)
        words.push("No line.");
    if (answer.matched !== undefined && answer.matched > answer.lines.length)
        words.push(`The newest ${count(answer.lines.length)} of ` +
                   `${plural(answer.matched, "line")}.`);
    if (answer.evicted && answer.complete)
        words.push("Older lines are gone" + (answer.covers?.from
            ? `: this is of those since ${clock(answer.covers.from, true)}.`
            : "."));
    if (answer.hidden)
        words.push(hiddenWords(answer.hidden, "it"));
    if (answer.complete === false && answer.lines.length >= limit)
        words.push(`The newest ${count(limit)}; there may be more.`);
    else if (answer.complete === false)
        words.push(answer.why ? `Not all was looked at: ${answer.why}.`
                              : "Not all was looked at.");
    return words.join(" ");
}
