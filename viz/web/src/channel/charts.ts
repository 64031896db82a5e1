// The charts of a channel, over two minutes, an hour or a day.
import { channelPath, getJson, whyNot } from "../api/client";
import type { Column, Marker, Series, Snapshot, Tier } from "../api/types";
import { columnOf } from "../base/column";
import { el, setAttribute, setText } from "../base/dom";
import * as format from "../base/format";
import { onceAFrame } from "../base/frames";
import { InSight } from "../base/in_sight";
import { shown } from "../base/shown";
import { Chart, type ChartSeries } from "../ui/chart";
import { Palette } from "../ui/palette";
import { section } from "../ui/parts";
import { responsesAround, WAITED, type Behind, type Query } from "./behind";
import { Events } from "./events";
import {
    classNow, codeNow, loadNow, memoryNow, mostOf, mostOfRecent, quotaNow,
    responseNow, waitNow,
} from "./last_minute";
import { SeriesStore, type ColumnName } from "./series_store";
import { STATUS_CLASSES } from "./status_class";

interface Range {
    tier: Tier;
    label: string;
    span_s: number;
    every_ms: number; // 0: by the stream
}

const RANGES: readonly Range[] = [
    { tier: "seconds", label: "2 minutes", span_s: 120, every_ms: 0 },
    { tier: "tens", label: "1 hour", span_s: 3600, every_ms: 10_000 },
    { tier: "minutes", label: "24 hours", span_s: 86_400, every_ms: 60_000 },
];

const UNKNOWN_MS = 10_000; // while no window of a range is over

// Of a scale of bytes: powers of two.
const BYTE_TICKS = Array.from({ length: 24 }, (_, i) => 2 ** (i + 18));

// Each dyno tells its memory and load once in some 20 s, in no order.
const ROUND_S = 25;

const NEARLY = 0.999; // of a number that was rounded on its way here

const MEMORY_LINES = 16; // at most

const YOUNG = 24; // of an hour or a day, the least part that is shown

// Of the style sheet. Errors don't begin with the colour of what is fine.
const CATEGORIES = [0, 1, 2, 3, 4, 5, 6, 7].map(i => `cat-${i}`);
const ERRORS = [...CATEGORIES.slice(1), ...CATEGORIES.slice(0, 1)];

// One that a chart always has, or, if it is rare, where it is more than 0 somewhere.
interface LineOf {
    look: Pick<ChartSeries, "label" | "colour" | "width" | "dash" | "isSampled">;
    column: ColumnName;
    // As the column has it if it's not said.
    values?: (values: Column, store: SeriesStore) => Column;
    now: (now: Snapshot | null) => number | null;
    isRare?: boolean;
}

// Lines whose names come and go.
interface LinesOf {
    kind: "codes" | "memory";
    palette: Palette;
    isSampled: boolean;
    max?: number; // lines; those with the highest values
    now: (now: Snapshot | null, name: string) => number | null;
}

interface ChartOf {
    chart: Chart;
    named?: LinesOf;
    lines?: readonly LineOf[];
}

export class Charts {
    readonly root: HTMLElement;
    private readonly tabs: HTMLButtonElement[];
    private readonly told = el("p", { class: "fine", role: "status" });
    private readonly charts: ChartOf[];
    private readonly parts: InSight[];
    private readonly events: Events;
    private readonly live = new SeriesStore(RANGES[0]?.span_s ?? 0);
    private store = this.live;
    private range: Range = RANGES[0] as Range;
    private under: AbortController | null = null;
    private timer = 0;
    private now_s = 0;
    private now: Snapshot | null = null;
    private readonly drawSoon = onceAFrame(() => this.draw());
    private from = 0;
    private to = 0;

    constructor(private readonly channel: string,
                private readonly behind: Behind, ...more: HTMLElement[]) {
        this.events = new Events(behind);
        this.tabs = RANGES.map((range, i) => el(
            "button", { type: "button", class: "chip",
                        title: `Key ${i + 1}`,
                        "aria-pressed": i === 0 ? "true" : "false",
                        onclick: () => this.choose(i) }, range.label));
        this.charts = [
            this.response(), this.throughput(), this.memory(), this.errors(),
            this.load(), this.queue(),
        ];
        this.parts = this.charts.map(one => this.inSight(one));
        this.root = section(
            "charts", "Over time",
            el("div", { class: "tabs", role: "group",
                        "aria-label": "How far back" }, ...this.tabs,
               this.told, el("span", { class: "spring" }), ...more),
            el("div", { class: "charts" },
               ...this.charts.map(one => one.chart.root),
               this.events.root));
    }

    close(): void {
        this.stop();
        for (const one of this.parts)
            one.close();
        for (const one of this.charts)
            one.chart.close();
    }

    // New points of the stream, and what time it is there.
    take(points: Series, now: Snapshot, now_s: number): void {
        this.now_s = now_s;
        this.now = now;
        if (points.epoch !== this.live.epoch)
            this.begin();
        this.live.merge(points);
    }

    draw(): void {
        this.look();
        this.parts.forEach(one => one.ask());
        this.events.update(this.store);
        // Not every router tells how long requests waited.
        const hasWaits = this.store.column("wait_mean").some(
            value => value !== null);
        this.root.classList.toggle("has-waits", hasWaits);
    }

    // What time the charts show.
    private look(): void {
        const { t, width_s } = this.store;
        const { tier, span_s } = this.range;
        const last = t.at(-1);
        const to = tier === "seconds" || last === undefined ? this.now_s
            : last + (width_s.at(-1) ?? 0);
        this.to = to;
        // What is young has no more than this of an axis without a value, or
        // its values would be narrower than a line.
        this.from = tier === "seconds" ? to - span_s
            : Math.max(to - span_s, Math.min(t[0] ?? to, to - span_s / YOUNG));
    }

    private inSight(of: ChartOf): InSight {
        return new InSight(of.chart.root, () => of.chart.update({
            isKnown: this.store.isKnown, t: this.store.t,
            width_s: this.store.width_s, from: this.from, to: this.to,
            series: seriesOf(of, this.store, this.now),
            markers: this.store.markers }));
    }

    // Of the last two minutes, whatever is shown.
    get markers(): readonly Marker[] {
        return this.live.markers;
    }

    choose(index: number): void {
        const range = RANGES[index];
        if (!range || range === this.range)
            return;
        this.range = range;
        this.tabs.forEach((tab, i) => setAttribute(
            tab, "aria-pressed", i === index ? "true" : "false"));
        this.begin();
        this.draw();
    }

    // With what the stream has told of this range, or else with nothing.
    private begin(): void {
        const { range } = this;
        this.stop();
        this.parts.forEach(one => one.forget());
        setText(this.told, "");
        this.store = range.every_ms === 0
            ? this.live : new SeriesStore(range.span_s / 10);
        if (range.every_ms > 0)
            void this.fetch(range);
    }

    private stop(): void {
        window.clearTimeout(this.timer);
        this.under?.abort();
    }

    private async fetch(range: Range): Promise<void> {
        const under = new AbortController();
        this.under = under;
        try {
            const series = await getJson<Series>(channelPath(
                this.channel, "/aggregates/series", { tier: range.tier }),
                                                 under.signal);
            if (!this.store.isKnown)
                this.parts.forEach(one => one.forget());
            this.store.merge(series);
            setText(this.told, "");
            this.drawSoon();
        } catch (error) {
            if (under.signal.aborted)
                return;
            setText(this.told, whyNot(error));
        }
        this.timer = window.setTimeout(() => void this.fetch(range),
                                       this.store.isKnown ? range.every_ms
                                           : UNKNOWN_MS);
    }

    /* The charts ---------------------------------------------------------- */

    private response(): ChartOf {
        const chart = new Chart({
            title: "Response time", none: "No requests in this time",
            atLeast: 10, format: format.duration,
            hint: "service + connect, ± 1 %; the request that is 50, 95 or " +
                "99 % of the way from the fastest to the slowest (between " +
                "two, the faster)",
            onPick: (series, i) => this.pickResponse(series, i),
        });
        const percentile = (
            name: "p50" | "p95" | "p99",
            look: Pick<ChartSeries, "width" | "dash"> = {}): LineOf => ({
            look: { label: name, colour: name, ...look }, column: name,
            now: now => responseNow(now, name) });
        return { chart, lines: [percentile("p50"),
                                percentile("p95", { width: 2 }),
                                percentile("p99", { dash: [4, 3] })] };
    }

    private throughput(): ChartOf {
        const chart = new Chart({
            title: "Requests by status", none: "No requests in this time",
            atLeast: 1, format: format.rate,
            hint: "in a second", isStacked: true,
            onPick: (series, i) => this.pickStatus(series, i),
        });
        return { chart, lines: STATUS_CLASSES.map(({ key, ...one }) => ({
            look: { label: one.label, colour: one.colour }, column: one.column,
            values: perSecond, now: now => classNow(now, key),
            isRare: one.isRare === true })) };
    }

    private memory(): ChartOf {
        const chart = new Chart({
            title: "Memory by process", none: "No dyno has told it in this time",
            atLeast: 1024 * 1024,
            format: format.bytes, ticks: BYTE_TICKS,
            hint: `memory_total of each (the ${MEMORY_LINES} with most of ` +
                "it), against the quota",
            onPick: (series, i) => series === "quota"
                ? this.pickMost("Quota", "memory_quota", "memory_quota", i)
                : this.pick(`Memory of ${shown(series)}`, i, {
                    process: series, where: whereTold("memory_total") }),
        });
        return {
            chart,
            named: { kind: "memory", palette: new Palette(CATEGORIES),
                     isSampled: true, max: MEMORY_LINES, now: memoryNow },
            lines: [{ look: { label: "quota", colour: "muted", dash: [6, 4],
                              isSampled: true },
                      column: "memory_quota", values: mostOfRound,
                      now: quotaNow, isRare: true }],
        };
    }

    private errors(): ChartOf {
        const chart = new Chart({
            title: "Error codes", none: "No H, R or L code in this time",
            atLeast: 4, isStacked: true,
            format: format.short,
            hint: "H: the router's; R: of dynos; L: of lost lines",
            onPick: (code, i) => this.pick(`Errors ${code}`, i, { code }),
        });
        return { chart, named: { kind: "codes", palette: new Palette(ERRORS),
                                 isSampled: false, now: codeNow } };
    }

    private load(): ChartOf {
        const chart = new Chart({
            title: "Load", none: "No dyno has told it in this time",
            atLeast: 1,
            format: format.plain,
            hint: "load_avg_1m of the dyno where it is highest",
            onPick: (_, i) => this.pickMost("Load", "load_max",
                                            "load_avg_1m", i),
        });
        return { chart, lines: [
            { look: { label: "most", colour: "accent", isSampled: true },
              column: "load_max", values: mostOfRound, now: loadNow },
        ] };
    }

    private queue(): ChartOf {
        const chart = new Chart({
            name: "waits", title: "Queue time", none: "The router has not told",
            atLeast: 50, format: format.duration,
            hint: "wait in the router, the mean",
            threshold: { y: 40, label: "40 ms" },
            onPick: (_, i) => this.pick("Requests that waited", i, WAITED),
        });
        return { chart, lines: [
            { look: { label: "mean", colour: "accent" }, column: "wait_mean",
              now: waitNow },
        ] };
    }

    /* What is behind a point ---------------------------------------------- */

    private pickResponse(series: string, index: number): void {
        const column = this.store.column(series as "p50" | "p95" | "p99");
        const value = column[index];
        if (value === null || value === undefined)
            return;
        this.pick(`${series} = ${format.text(format.duration, value)}`, index,
                  responsesAround(value));
    }

    private pickStatus(series: string, index: number): void {
        const of = STATUS_CLASSES.find(({ label }) => label === series);
        if (of)
            this.pick(of.title, index, of.query);
    }

    // Of a point that has the most of a round: the newest of the round that told
    // it. In other forms than the usual one it can't be asked for by its value.
    private pickMost(title: string, name: ColumnName, measure: string,
                     index: number): void {
        const end = index + 1;
        const round = this.store.column(name).slice(
            Math.max(0, end - windowsOfRound(this.store.step_s)), end);
        const most = mostOf(round) ?? 0;
        this.pick(title, end - round.length + round.lastIndexOf(most),
                  { where: `source=heroku sample#${measure}>=` +
                      most * NEARLY },
                  { where: `!sample#${measure} ${whereTold(measure)}` });
    }

    private pick(title: string, index: number, query: Query,
                 or?: Query): void {
        const t = this.store.t[index];
        if (t === undefined)
            return;
        const first = this.store.column("first_seq")[index];
        const end = this.store.column("end_seq")[index];
        const range: Query = first && end
            ? { from_seq: first, end_seq: end }
            : { from: t, to: t + (this.store.width_s[index] ?? 0) };
        this.behind.matching(`${title} at ${format.clock(t)}`,
                             { ...range, ...query }, this.store.epoch,
                             or && { ...range, ...or });
    }
}

// The platform tells a measure in one of these forms (docs/measures.md).
function whereTold(measure: string): string {
    return `source=heroku msg~"\\b(sample#|measure[#.=])${measure}[= ]"`;
}

// For all charts: a browser keeps compiled code of each place that runs once a second.
function seriesOf({ named, lines = [] }: ChartOf, store: SeriesStore,
                  now: Snapshot | null): ChartSeries[] {
    const found = named ? namedSeries(named, store, now) : [];
    lines.forEach(line => {
        const told = store.column(line.column);
        if (line.isRare === true && !hasAny(told))
            return;
        found.push({ ...line.look, now: line.now(now),
                     values: line.values?.(told, store) ?? told });
    });
    return found;
}

function namedSeries({ kind, palette, isSampled, max, now: nowOf }: LinesOf,
                     store: SeriesStore, now: Snapshot | null): ChartSeries[] {
    const columns = max === undefined ? store.each(kind)
        : store.highest(kind, max);
    const colours = palette.of(columns.map(one => one.name));
    return columns.map(({ name, values }, i) => ({
        label: name, colour: colours[i] ?? "", values, isSampled,
        now: nowOf(now, name) }));
}

function mostOfRound(values: Column, { step_s }: SeriesStore): Column {
    return mostOfRecent(values, windowsOfRound(step_s));
}

function windowsOfRound(step_s: number): number {
    return Math.ceil(ROUND_S / step_s);
}

function hasAny(values: Column): boolean {
    return values.some(value => value !== null && value > 0);
}

function perSecond(values: Column, { step_s, width_s }: SeriesStore): Column {
    return step_s === 1 ? values : columnOf(
        values, (value, i) => value === null ? null
            : value / (width_s[i] ?? step_s));
}

