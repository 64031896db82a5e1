// The points of a chart, as they come in pieces: columns side by side, one entry
// for each window, at most so many windows.
import type { Column, Marker, Series } from "../api/types";
import { columnOf } from "../base/column";
import { byName } from "../base/format";
import { mostOf } from "./last_minute";

const NAMES = [
    "requests", "failed", "mean", "p50", "p95", "p99", "max", "s_none", "s1xx",
    "s2xx", "s3xx", "s4xx", "s5xx", "s_other", "wait_mean", "lines", "lost",
    "memory_mean", "memory_max", "memory_quota", "load_max", "first_seq",
    "end_seq",
] as const;
export type ColumnName = (typeof NAMES)[number];

type Kind = "codes" | "memory" | "p95";

export interface NamedColumn {
    name: string;
    values: Column;
}

const MARKERS_MAX = 64;
const BARE = 3; // of `detail`: codes have faded
const NO_CODE = "no code"; // 0 in each window of which codes are known
const WIDTH = "width"; // of each window, in seconds

export class SeriesStore {
    readonly t: number[] = [];
    step_s = 1;
    epoch = "";
    // In the order of time; the same list for as long as these are the same.
    markers: readonly Marker[] = [];
    private readonly columns = new Map<string, Column>();
    // each() of a kind, until a column comes or goes.
    private readonly sorted = new Map<Kind, NamedColumn[]>();

    constructor(readonly max: number) {}

    // It has been told what there was, if there was anything: some window is over.
    get isKnown(): boolean {
        return this.t.length > 0;
    }

    // Columns by name; of what there is more than one: codes/H12,
    // memory/web.1, p95/web.1.
    column(name: ColumnName | `codes/${string}`): Column {
        return this.columns.get(name) ??
            columnOf(this.t, () => null);
    }

    // Of each window: several minutes may be kept as one.
    get width_s(): Readonly<Column> {
        return this.columns.get(WIDTH) ?? [];
    }

    // "memory": the processes that have it, and their columns.
    each(kind: Kind): readonly NamedColumn[] {
        return this.sorted.get(kind) ?? this.sort(kind);
    }

    // Of each() the ones with the highest values, in the same order.
    highest(kind: Kind, max: number): readonly NamedColumn[] {
        const all = this.each(kind);
        if (all.length <= max)
            return all;
        const most = new Map(all.map(one => [one, mostOf(one.values) ?? 0]));
        const chosen = new Set([...all].sort(
            (a, b) => (most.get(b) ?? 0) - (most.get(a) ?? 0)).slice(0, max));
        return all.filter(one => chosen.has(one));
    }

    private sort(kind: Kind): NamedColumn[] {
        const found: NamedColumn[] = [];
        this.columns.forEach((values, name) => {
            if (name.startsWith(`${kind}/`))
                found.push({ name: name.slice(kind.length + 1), values });
        });
        found.sort((a, b) => byName(a.name, b.name));
        this.sorted.set(kind, found);
        return found;
    }

    clear(): void {
        this.t.length = 0;
        this.columns.clear();
        this.sorted.clear();
        this.markers = [];
    }

    // What is told of a window again is the newer truth. Another epoch is
    // another life of the channel: nothing of the old one is left.
    merge(piece: Series): void {
        if (piece.epoch !== this.epoch) {
            this.clear();
            this.epoch = piece.epoch;
        }
        this.step_s = piece.step_s;
        const width_s = columnOf(
            piece.t, (t, i) => (piece.t[i + 1] ?? piece.to) - Number(t));
        piece.t.forEach((t, i) => {
            if (Number(width_s[i]) > piece.step_s)
                this.join(t, t + Number(width_s[i]));
        });
        const places = piece.t.map(t => this.placeOf(t));
        this.put(WIDTH, width_s, places);
        NAMES.forEach(name => this.put(name, piece[name], places));
        this.putCodes(piece, places);
        Object.keys(piece.by_process).forEach(process => {
            const columns = piece.by_process[process];
            this.put(`memory/${process}`, columns?.["memory"], places);
            this.put(`p95/${process}`, columns?.["p95"], places);
        });
        if (piece.markers.length > 0)
            this.mark(piece.markers);
        this.trim();
    }

    // What was kept apart is kept as one now, at its start.
    private join(start: number, end: number): void {
        const isWithin = (t: number): boolean => t > start && t < end;
        const first = this.t.findIndex(isWithin);
        const count = this.t.filter(isWithin).length;
        this.t.splice(first, count);
        this.columns.forEach(column => column.splice(first, count));
    }

    // -1: it is older than what is kept, or is kept as a part of another.
    private placeOf(t: number): number {
        const last = this.t.length - 1;
        if (last < 0 || t > (this.t[last] ?? 0)) {
            this.t.push(t);
            return last + 1;
        }
        let at = last;
        while (at > 0 && (this.t[at] ?? 0) > t)
            at--;
        return this.t[at] === t ? at : -1;
    }

    // A piece names those codes alone that it has: of the others there was none.
    private putCodes(piece: Series, places: number[]): void {
        const none = columnOf(
            piece.detail, told => (told ?? BARE) === BARE ? null : 0);
        const codes = new Map(Object.entries(piece.codes));
        const known = this.each("codes").map(one => one.name);
        this.put(NO_CODE, none, places);
        new Set([...known, ...codes.keys()]).forEach(
            code => this.put(`codes/${code}`, codes.get(code) ?? none, places,
                             this.columns.get(NO_CODE)));
    }

    // before: what a column begins with that is new.
    private put(name: string, from: Column | undefined, places: number[],
                before: Column = []): void {
        let column = this.columns.get(name);
        if (!column) {
            if (!from || from.every(value => value === null))
                return;
            column = columnOf(before, value => value);
            this.columns.set(name, column);
            this.sorted.clear();
        }
        while (column.length < this.t.length)
            column.push(null);
        places.forEach((place, i) => {
            if (place >= 0)
                column[place] = from?.[i] ?? null;
        });
    }

    private mark(markers: Marker[]): void {
        markers.forEach(one => {
            if (!this.markers.some(known => known.seq === one.seq &&
                                   known.t === one.t))
                this.addMarker(one);
        });
    }

    private addMarker(one: Marker): void {
        this.markers = [...this.markers, one].sort((a, b) => a.t - b.t)
            .slice(-MARKERS_MAX);
    }

    // Columns that say nothing any more go, so that names which come and go (a
    // dyno of each release) don't add up.
    private trim(): void {
        const over = Math.max(0, this.t.length - this.max);
        this.t.splice(0, over);
        this.columns.forEach((column, name) => {
            while (column.length < this.t.length + over)
                column.push(null);
            column.splice(0, over);
            const nothing = name.startsWith("codes/") ? 0 : null;
            if (column.every(value => value === null || value === nothing)) {
                this.columns.delete(name);
                this.sorted.clear();
            }
        });
        const oldest = this.t[0] ?? 0;
        if ((this.markers[0]?.t ?? oldest) < oldest)
            this.markers = this.markers.filter(one => one.t >= oldest);
    }
}
