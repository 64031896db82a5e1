// Measures in groups, by who they are of: the application's own, then those of
// each database and add-on. What the page shows elsewhere is left out, and values
// of single processes where there is a row of all; a filter finds them all the
// same.
import type { Measure } from "../api/types";
import { byName } from "../base/format";
import { shown } from "../base/shown";

export interface MeasureGroup {
    of: string; // empty: of all processes
    rows: Measure[];
}

// Tiles, charts and the dynos' table have these.
const SHOWN_ELSEWHERE = /^(?:router\.|memory_|load_avg_)/;

export function measureGroups(measures: readonly Measure[], needle: string):
    MeasureGroup[] {
    const wanted = needle.trim().toLowerCase();
    const found = wanted === "" ? unasked(measures) : measures.filter(
        one => `${nameOf(one)} ${one.of ?? ""}`.toLowerCase().includes(wanted));
    const groups: MeasureGroup[] = [];
    found.sort(byPlace).forEach(one => {
        const of = one.of ?? ""; // those of others are the last row
        const last = groups.at(-1);
        if (last?.of === of)
            last.rows.push(one);
        else
            groups.push({ of, rows: [one] });
    });
    return groups;
}

function byPlace(a: Measure, b: Measure): number {
    return byName(a.of ?? "", b.of ?? "") ||
        Number(a.name === null) - Number(b.name === null) ||
        byName(a.name ?? "", b.name ?? "");
}

export function nameOf(of: Measure): string {
    return of.name === null ? "all others" : shown(of.name);
}

function unasked(measures: readonly Measure[]): Measure[] {
    const key = ({ name, op }: Measure): string => `${op} ${name}`;
    const ofAll = new Set(measures.filter(one => one.of === "").map(key));
    return measures.filter(one => !SHOWN_ELSEWHERE.test(one.name ?? "") &&
                           (one.of === "" || !ofAll.has(key(one))));
}
