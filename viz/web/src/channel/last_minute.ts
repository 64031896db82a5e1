// The last minute in words, and what the legends of the charts say of it: the same
// as the tiles.
import type { Classes, Column, Percentile, Snapshot } from "../api/types";
import { columnOf } from "../base/column";

type Now = Snapshot | null;

// Why there is no number. That there never was one is known while the first line that
// ever came is of this minute.
export function noneOf({ lines, ledger }: Pick<Snapshot, "lines" | "ledger">,
                       what: string): string {
    return `${what} ${lines.first_seq === 1 || ledger.appended === 0
        ? "yet" : "in the last minute"}`;
}

export function responseNow(now: Now, name: Percentile): number | null {
    return now?.requests.response_ms?.[name] ?? null;
}

export function classNow(now: Now, name: keyof Classes): number | null {
    return now === null ? null
        : now.classes[name] / Math.max(1, now.to - now.from);
}

export function memoryNow(now: Now, process: string): number | null {
    return now?.processes.find(one => one.process === process)
        ?.memory?.total ?? null;
}

export function codeNow(now: Now, code: string): number | null {
    return now === null ? null
        : now.codes.find(one => one.code === code)?.count ?? 0;
}

export function quotaNow(now: Now): number | null {
    return mostOf(now?.processes.map(one => one.memory?.quota ?? null) ?? []);
}

export function loadNow(now: Now): number | null {
    return mostOf(now?.processes.map(one => one.load?.["1m"] ?? null) ?? []);
}

export function waitNow(now: Now): number | null {
    return now?.queue.wait_ms?.mean ?? null;
}

export function mostOf(values: Column): number | null {
    return values.reduce(
        (most, one) => one !== null && (most === null || one > most) ? one
            : most, null);
}

// What is told by turns, by dynos of different sizes, without the ups and downs of
// who was the last to tell: the most of so many windows.
export function mostOfRecent(values: Column, windows: number): Column {
    return columnOf(values, (value, i) => value === null ? null
        : mostOf(values.slice(Math.max(0, i - windows + 1), i + 1)));
}
