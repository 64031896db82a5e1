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
    const groups = grouped(wanted === "" ? unasked(measures)
                                         : matching(measures, wanted));
    for (let i = 0; i < groups.length; i++)
        groups[i]?.rows.sort(othersLast);
    return groups.sort(byOwner);
}

function grouped(measures: readonly Measure[]): MeasureGroup[] {
    const made: MeasureGroup[] = [];
    const known = new Map<string, MeasureGroup>();
    for (let i = 0; i < measures.length; i++) {
        const one = measures[i] as Measure;
        const of = one.of ?? ""; // those of others are the last row
        let group = known.get(of);
        if (!group) {
            group = { of, rows: [] };
            known.set(of, group);
            made.push(group);
        }
        group.rows.push(one);
    }
    return made;
}

function othersLast(a: Measure, b: Measure): number {
    return Number(a.name === null) - Number(b.name === null) ||
        byName(nameOf(a), nameOf(b));
}

function byOwner(a: MeasureGroup, b: MeasureGroup): number {
    return byName(a.of, b.of);
}

export function nameOf(of: Measure): string {
    return of.name === null ? "all others" : shown(of.name);
}

function matching(measures: readonly Measure[], wanted: string): Measure[] {
    const found: Measure[] = [];
    for (let i = 0; i < measures.length; i++) {
        const one = measures[i] as Measure;
        if (`${nameOf(one)} ${one.of ?? ""}`.toLowerCase().includes(wanted))
            found.push(one);
    }
    return found;
}

function unasked(measures: readonly Measure[]): Measure[] {
    const ofAll = new Set(measures.filter(isOfAll).map(keyOf));
    const found: Measure[] = [];
    for (let i = 0; i < measures.length; i++) {
        const one = measures[i] as Measure;
        if (!SHOWN_ELSEWHERE.test(one.name ?? "") &&
            (isOfAll(one) || !ofAll.has(keyOf(one))))
            found.push(one);
    }
    return found;
}

function isOfAll({ of }: Measure): boolean {
    return of === "";
}

function keyOf({ name, op }: Measure): string {
    return `${op} ${name}`;
}
