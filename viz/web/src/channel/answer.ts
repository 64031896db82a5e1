// What an answer to a question is as a table, and what it says of itself.
import type { Answer, AnswerGroup } from "../api/types";
import { clock, count, duration, inUnit, NOTHING, percent, plural, text } from
    "../base/format";
import { shown } from "../base/shown";
import { hiddenWords } from "../ui/lines_words";

export interface AnswerRow {
    name: string;
    cells: string[];
    newest_seq: number | null; // of others there is none
}

export interface AnswerTable {
    heads: string[];
    rows: AnswerRow[];
}

export function tableOf(answer: Answer): AnswerTable {
    const isMeasured = answer.measure !== null;
    const all = answer.groups.reduce((sum, of) => sum + of.count, 0) +
        (answer.other?.count ?? 0);
    const format = inUnit(answer.unit ?? "");
    const value = (x: number | null | undefined): string => text(format, x);
    const cells = (of: NonNullable<Answer["other"]>, missed: number):
        string[] => [
        missed > 0 ? `${count(of.count)} to ${count(of.count + missed)}`
            : count(of.count),
        ...(isMeasured ? [
            value(of.mean), value(of.quantiles?.["0.5"]),
            value(of.quantiles?.["0.95"]), value(of.max),
        ] : [text(percent, all > 0 ? of.count / all : null)]),
    ];
    const rows: AnswerRow[] = answer.groups.map(of => ({
        name: nameOf(of), cells: cells(of, of.missed_max),
        newest_seq: of.newest_seq }));
    if (answer.other && answer.other.count > 0)
        rows.push({ name: "other", cells: cells(answer.other, 0),
                    newest_seq: null });
    return { heads: [answer.by.join(", ") || "All",
                     isMeasured ? "Values" : "Lines",
                     ...(isMeasured ? ["Mean", "p50", "p95", "Most"]
                                    : ["Share"])], rows };
}

// A line without the key is another thing than one where it is empty.
function nameOf({ by }: AnswerGroup): string {
    return by.length === 0 ? "all lines" : by.map(
        one => one === null ? NOTHING : one === "" ? "(empty)" : shown(one))
        .join(" · ");
}

// It may be read long after, beside another question that is being typed.
export function questionOf(
    { measure, by, where, window }: Readonly<Record<string, unknown>>,
    to: number): string {
    return shown(`${measure ?? "Lines"}${by ? ` by ${by}` : ""}` +
        `${where ? ` where ${where}` : ""}`) +
        `, over the last ${window} at ${clock(to)}: `;
}

export function wordsOf(answer: Answer): string {
    const words = [`${plural(answer.matched, "line")} of ` +
        `${count(answer.scanned)} looked at, in ` +
        `${text(duration, answer.took_ms)}.`];
    if (answer.measure !== null && answer.without_measure > 0)
        words.push(`${count(answer.without_measure)} of them without ` +
                   `“${answer.measure}”.`);
    if (answer.other_units > 0)
        words.push(`${count(answer.other_units)} in another unit.`);
    if (answer.error !== null)
        words.push(`Percentiles ± ${Number(
            (answer.error * 100).toPrecision(1))} %.`);
    if (!answer.is_exact)
        words.push("Some of small groups may be under other.");
    if (answer.evicted > 0)
        words.push("Older lines of this time may be gone: it is of " +
                   (answer.covers.from === null ? "none that is left."
                       : `those since ${clock(answer.covers.from, true)}.`));
    if (answer.hidden > 0)
        words.push(hiddenWords(answer.hidden, "this time"));
    if (!answer.complete)
        words.push(`Not all was looked at: ${answer.why ?? "no reason given"}.`);
    return words.join(" ");
}
