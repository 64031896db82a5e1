// A chart over time: uPlot, with our colours, our markers and a table for who
// can't see it.
import uPlot from "uplot";

import type { Column, Marker } from "../api/types";
import { columnOf } from "../base/column";
import { el, setAttribute, setText } from "../base/dom";
import { clock, duration, NOTHING, text, type Format } from "../base/format";
import { shown } from "../base/shown";
import { colour, onTheme } from "../base/theme";
import { BELOW_PX, drawThreshold, drawTimes, drawValues, LEFT_PX } from "./axes";
import { DRAWN, drawLines, FILLED, mostOf, SOLID, type Line } from "./lines";
import { drawMarkers } from "./markers";
import { placeHeld, timesBefore, type View } from "./paths";
import type { Layer, Scene, Threshold } from "./scene";
import { DECIMAL_TICKS } from "./ticks";

export interface ChartSeries {
    label: string;
    colour: string; // of the style sheet: "accent"
    values: Column;
    now: number | null; // of the last minute, as the tiles have it
    dash?: number[];
    // What is said now and then, and holds until it is said again.
    isSampled?: boolean;
    width?: number;
}

export interface ChartData {
    isKnown: boolean; // where there is no value, there was none
    t: number[];
    series: ChartSeries[];
    markers: readonly Marker[];
    from: number;
    to: number;
    width_s: Readonly<Column>; // how long each of t is
}

export interface ChartSpec {
    title: string;
    name?: string; // of its class, where the page has to know it
    hint: string; // what its values are, in words
    format: Format;
    none: string; // in words, for when there is no value
    // Each series stands on the one before it.
    isStacked?: boolean;
    threshold?: Threshold;
    // Where the scale may have its ticks, if not at decimal numbers.
    ticks?: number[];
    // The least that the scale reaches up to.
    atLeast: number;
    // The series is the one nearest to where it was clicked.
    onPick: (series: string, index: number) => void;
}

// From the lowest on: the data may be no wider than a marker.
const LAYERS: readonly Layer[] = [
    drawMarkers, drawThreshold, drawTimes, drawValues, drawLines,
];

const SYNC = uPlot.sync("charts");
const TABLE_ROWS = 12;
const HOLDS_S = 30; // that a sample stands for

export class Chart {
    private readonly host = el("div", { class: "plot" });
    private readonly legend = el("div", { class: "legend",
                                          "aria-hidden": "true" });
    // What time the legend's values are of.
    private readonly when = el("span", { class: "when",
                                         "aria-hidden": "true" });
    private readonly none = el("p", { class: "none" });
    private readonly body = el("tbody");
    private readonly headRow = el("tr");
    private readonly values = el(
        "details", { class: "values", ontoggle: () => this.fillTable() },
        el("summary", {}, "As a table"),
        el("div", { class: "scroll", tabindex: 0 },
           el("table", {}, el("thead", {}, this.headRow), this.body)));
    readonly root: HTMLElement;
    private plot: uPlot | null = null;
    private data: ChartData | null = null;
    private lines: Line[] = []; // in the order in which uPlot has them
    private view: View = { from: 0, to: 1, most: 1 };
    private shape = "";
    private toldShape = ""; // which uPlot knows
    private isTold = false; // uPlot knows data and view as they are now
    private readonly unbind: () => void;
    private readonly resizing: ResizeObserver;

    constructor(private readonly spec: ChartSpec) {
        this.root = el(
            "figure", { class: `chart ${spec.name ?? ""}` },
            el("figcaption", {},
               el("h3", {}, spec.title), this.when,
               el("p", { class: "hint", title: spec.hint }, spec.hint),
               this.legend),
            this.host, this.values);
        this.host.append(this.none);
        this.unbind = onTheme(() => this.rebuild());
        this.resizing = new ResizeObserver(() => this.resize());
        this.resizing.observe(this.host);
    }

    close(): void {
        this.unbind();
        this.resizing.disconnect();
        this.plot?.destroy();
        this.plot = null;
    }

    update(data: ChartData): void {
        this.data = data;
        this.lines = linesOf(data.series, this.spec.isStacked === true);
        this.view = { from: data.from, to: data.to, most: this.top(data) };
        const isEmpty = data.series.every(
            series => series.values.every(value => value === null));
        this.none.hidden = !isEmpty;
        setText(this.none, data.isKnown ? this.spec.none : NOTHING);
        this.host.classList.toggle("is-empty", isEmpty);
        const shape = data.series.map(
            one => `${one.label} ${one.colour}`).join("\n");
        if (shape !== this.shape) {
            this.shape = shape;
            this.nameLegend();
        }
        if (this.plot)
            this.redraw(this.plot);
        else
            this.rebuild();
        this.showValues();
        this.fillTable();
    }

    // What uPlot knows is for its cursor alone, so it is told when there is one.
    private redraw(plot: uPlot): void {
        const { left = -1, top = -1 } = plot.cursor;
        this.isTold = false;
        this.draw(plot);
        if (left >= 0) {
            this.tell();
            plot.setCursor({ left, top }); // another value is there now
        }
    }

    // As uPlot does it, without its look at all else that may be another.
    private draw(plot: uPlot): void {
        const { width, height } = plot.ctx.canvas;
        plot.ctx.clearRect(0, 0, width, height);
        this.drawLayers(plot);
    }

    private drawLayers(plot: uPlot): void {
        if (!this.data)
            return;
        const { t, width_s, markers } = this.data;
        const scene: Scene = {
            view: this.view, format: this.spec.format,
            ticks: this.spec.ticks ?? DECIMAL_TICKS, t, width_s,
            lines: this.lines, markers,
            threshold: this.spec.threshold ?? null };
        for (let i = 0; i < LAYERS.length; i++) {
            plot.ctx.save();
            (LAYERS[i] as Layer)(plot, scene);
            plot.ctx.restore();
        }
    }

    // Its times are seconds before the end, so that its scales stay as they are while
    // time goes on.
    private tell(): void {
        const { plot, data } = this;
        if (this.isTold || !plot || !data)
            return;
        this.isTold = true;
        if (this.shape !== this.toldShape)
            this.nameLines(plot);
        plot.setData(this.columns(data), false);
        const { from, to, most } = this.view;
        plot.setScale("x", { min: from - to, max: 0 });
        plot.setScale("y", { min: 0, max: most });
    }

    // As uPlot has them, for who points at one.
    private columns(data: ChartData): uPlot.AlignedData {
        const columns: Column[] = [timesBefore(data.to, data.t)];
        this.lines.forEach(one => columns.push(one.values));
        return columns as uPlot.AlignedData;
    }

    // In the order in which uPlot has them.
    private drawn(): ChartSeries[] {
        const series = this.data?.series ?? [];
        return this.spec.isStacked ? [...series].reverse() : series;
    }

    private rebuild(): void {
        this.plot?.destroy();
        this.plot = null;
        if (!this.data || this.host.clientWidth === 0)
            return;
        this.plot = new uPlot(this.options(),
                              this.columns(this.data), this.host);
        this.plot.over.addEventListener("mouseenter", () => this.tell());
        this.plot.over.addEventListener("click", () => this.pick());
        this.toldShape = this.shape;
        this.isTold = true;
    }

    // Names come and go; the plot stays.
    private nameLines(plot: uPlot): void {
        while (plot.series.length > 1)
            plot.delSeries(plot.series.length - 1);
        this.drawn().forEach(one => plot.addSeries(ofUPlot(one)));
        this.toldShape = this.shape;
    }

    private resize(): void {
        if (!this.plot)
            this.rebuild();
        else if (this.host.clientWidth > 0)
            this.plot.setSize({ width: this.host.clientWidth,
                                height: this.host.clientHeight });
    }

    private options(): uPlot.Options {
        const { from, to, most } = this.view;
        const point = (_: uPlot, series: number): string =>
            colour(this.lines[series - 1]?.colour ?? "");
        // Another chart's cursor is about to be here, too.
        const told = (): boolean => {
            this.tell();
            return true;
        };
        return {
            width: this.host.clientWidth,
            height: this.host.clientHeight,
            padding: [14, 8, BELOW_PX, LEFT_PX],
            legend: { show: false },
            cursor: { sync: { key: SYNC.key, filters: { sub: told } }, y: false,
                      points: { size: 6, stroke: point, fill: point },
                      drag: { x: false, y: false } },
            drawOrder: [],
            scales: {
                x: { time: false, auto: false, range: asTold, min: from - to,
                     max: 0 },
                y: { auto: false, range: asTold, min: 0, max: most },
            },
            axes: [{ show: false }, { show: false }],
            series: [{}, ...this.drawn().map(ofUPlot)],
            hooks: {
                draw: [plot => this.drawLayers(plot)],
                setCursor: [() => this.showValues()],
            },
        };
    }

    private top({ from, t }: ChartData): number {
        return Math.max(this.spec.atLeast, mostOf(this.lines, from, t) * 1.12);
    }

    private pick(): void {
        const index = this.plot?.cursor.idx;
        const at = this.plot?.cursor.top;
        if (!this.plot || index === null || index === undefined ||
            at === undefined)
            return;
        const y = this.plot.posToVal(at, "y");
        let best: { label: string; place: number; off: number } | null = null;
        const drawn = this.drawn();
        for (let i = drawn.length - 1; i >= 0; i--) {
            const line = this.lines[i] as Line;
            const place = this.placeIn(line, index);
            const value = line.values[place];
            if (value === null || value === undefined)
                continue;
            // In a stack, the first that reaches as high; else the nearest.
            const off = this.spec.isStacked ? (value >= y ? 0 : y - value)
                                            : Math.abs(value - y);
            if (!best || off < best.off)
                best = { label: drawn[i]?.label ?? "", place, off };
        }
        if (best)
            this.spec.onPick(best.label, best.place);
    }

    // What is said now and then holds for a while.
    private placeIn({ values, isSampled }: Pick<ChartSeries,
                                                "values" | "isSampled">,
                    index: number): number {
        return placeHeld(values, index, this.data?.t ?? [],
                         isSampled ? HOLDS_S : 0);
    }

    private nameLegend(): void {
        const series = this.data?.series ?? [];
        while (this.legend.childElementCount > series.length)
            this.legend.lastElementChild?.remove();
        while (this.legend.childElementCount < series.length)
            this.legend.append(el("span", { class: "key" },
                                  el("i"), el("span"), el("b")));
        series.forEach((one, i) => {
            const key = this.legend.children[i] as HTMLElement;
            key.style.setProperty("--key", `var(--${one.colour})`);
            setText(key.children[1] as Node, shown(one.label));
            setAttribute(key, "title", shown(one.label)); // it may be cut
        });
    }

    // Under the cursor, or those of the last minute.
    private showValues(): void {
        const index = this.plot?.cursor.idx ?? null;
        const t = index === null ? undefined : this.data?.t[index];
        setText(this.when, t === undefined ? "numbers: of the last minute"
            : `numbers: of ${stepAt(t, this.data?.width_s[index ?? 0] ?? 1)}`);
        this.when.classList.toggle("is-past", t !== undefined);
        this.data?.series.forEach((one, i) => {
            const value = index === null ? one.now
                : one.values[this.placeIn(one, index)] ?? null;
            const key = this.legend.children[i];
            if (key)
                setText(key.children[2] as Node,
                        text(this.spec.format, value));
        });
    }

    private fillTable(): void {
        const data = this.data;
        if (!this.values.open || !data)
            return;
        this.headRow.replaceChildren(
            el("th", { scope: "col", class: "text" }, "Time"),
            ...data.series.map(one => el("th", { scope: "col",
                                                 title: shown(one.label) },
                                           shown(one.label))));
        const from = Math.max(0, data.t.length - TABLE_ROWS);
        const rows = data.t.slice(from).map((t, i) => el(
            "tr", {}, el("th", { scope: "row", class: "text" }, clock(t)),
            ...data.series.map(one => el(
                "td", {}, text(this.spec.format,
                               one.values[from + i])))));
        this.body.replaceChildren(...rows.reverse());
    }
}

function linesOf(series: readonly ChartSeries[], isStacked: boolean): Line[] {
    const lines = series.map(one => ({
        values: one.values, colour: one.colour, width: one.width ?? 1.5,
        dash: one.dash ?? SOLID, isSampled: one.isSampled === true,
        parts: isStacked ? FILLED : DRAWN }));
    if (isStacked)
        stack(lines);
    return lines;
}

// Each on those before it; drawn from the highest down, so that what is under a line
// is its own.
function stack(lines: Line[]): void {
    const under: number[] = [];
    lines.forEach(line => {
        line.values = columnOf(line.values, (value, i) =>
            value === null ? null : under[i] = (under[i] ?? 0) + value);
    });
    lines.reverse();
}

// Lines and scales are not for it to see to.
function ofUPlot({ label }: ChartSeries): uPlot.Series {
    return { label, auto: false };
}

function asTold(_: uPlot, min: number, max: number): [number, number] {
    return [min, max];
}

// "12:00:10 + 10 s": when a point's time begins, and how long it is.
function stepAt(t: number, step_s: number): string {
    return step_s === 1 ? clock(t)
        : `${clock(t)} + ${text(duration, step_s * 1000)}`;
}
