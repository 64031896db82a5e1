// The tables of the last minute: dynos, routes, measures.
import type { CodeCount, Measure, Process, Route, Snapshot } from
    "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import * as format from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { Bar, linesButton, section, table, toneOf, Value } from
    "../ui/parts";
import type { Behind } from "./behind";

interface Cell {
    td: HTMLElement;
    set(text: string, tone?: string): void;
}

function cell(className = ""): Cell {
    const td = el("td", { class: className });
    return {
        td,
        set(text, tone = "") {
            setText(td, text);
            setAttribute(td, "data-tone", tone === "" ? undefined : tone);
        },
    };
}

const { compact, count, duration, percent, text } = format;

/* Dynos ------------------------------------------------------------------- */

// What rows have to know of the whole.
interface Told {
    meanings: Map<string, string>;
    span_s: number; // of the window, which is short when the channel is new
}

class DynoRow implements View<Process> {
    readonly root: HTMLElement;
    private readonly name = el("th", { scope: "row", class: "text" });
    private readonly requests = cell();
    private readonly failed = cell();
    private readonly p95 = cell();
    private readonly busy = new Value();
    private readonly busyBar = new Bar();
    private readonly memory = new Value();
    private readonly memoryBar = new Bar();
    private readonly load = cell();
    private readonly codes = cell("text codes-cell");
    private readonly lines = cell();
    private readonly skew = cell();

    constructor(private readonly told: Told) {
        this.root = el(
            "tr", {}, this.name, this.requests.td, this.failed.td,
            this.p95.td,
            el("td", { class: "barred" }, this.busyBar.root, this.busy.root),
            el("td", { class: "barred" }, this.memoryBar.root,
               this.memory.root),
            this.load.td, this.codes.td, this.lines.td, this.skew.td);
    }

    update(of: Process): void {
        setText(this.name, of.process === "" ? "(no dyno)"
            : of.process ?? "all others");
        const isAnswering = of.requests > 0;
        this.requests.set(isAnswering ? text(format.rate(of.requests / this.told.span_s))
                                      : format.NOTHING);
        this.failed.set(isAnswering ? compact(of.failed) : format.NOTHING,
                        of.failed > 0 ? "bad" : "");
        this.p95.set(text(duration(of.response_ms?.p95)));
        this.busy.update(percent(isAnswering ? of.busy : null));
        this.busyBar.update(of.busy, toneOf(of.busy, 0.8, 1));
        this.busyBar.root.hidden = !isAnswering;
        const share = of.memory?.share ?? null;
        this.memory.update(format.bytes(of.memory?.total));
        this.memoryBar.update(share ?? 0, toneOf(share ?? 0, 0.9, 1));
        this.memoryBar.root.hidden = share === null;
        const load = of.load?.["1m"];
        this.load.set(load === null || load === undefined
            ? format.NOTHING : format.digits(load));
        this.showWords(of);
        this.lines.set(text(format.rate(of.lines / this.told.span_s)));
        this.skew.set(of.skew_ms ? text(duration(of.skew_ms.mean))
                                 : format.NOTHING);
    }

    private showWords(of: Process): void {
        const codes = Object.entries(of.codes).map(
            ([code, n]) => `${code} × ${compact(n)}`);
        const events = Object.entries(of.events).map(
            ([what, n]) => n === 1 ? what : `${what} × ${compact(n)}`);
        const isBad = codes.length > 0 || "crashed" in of.events;
        this.codes.set([...codes, ...events].join(", ") || format.NOTHING,
                       isBad ? "bad" : "");
        const meaning = Object.keys(of.codes).map(
            code => `${code}: ${this.told.meanings.get(code) ?? "?"}`).join("\n");
        setAttribute(this.codes.td, "title",
                     meaning === "" ? undefined : meaning);
    }
}

export class Dynos {
    private readonly told: Told = { meanings: new Map(), span_s: 60 };
    private readonly rows: Keyed<Process>;
    readonly root: HTMLElement;

    constructor() {
        const made = table("Dynos, over the last minute", [
            { label: "Dyno", isText: true }, { label: "Requests" },
            { label: "Failed" }, { label: "p95" },
            { label: "Busy", hint: "Of its time, with requests: over 100 % " +
                "when several are answered at once" },
            { label: "Memory", hint: "memory_total; the bar is of its quota" },
            { label: "Load", hint: "load_avg_1m" },
            { label: "Errors and events", isText: true },
            { label: "Lines" },
            { label: "Skew", hint: "How much later lines arrive than they " +
                "say they were written" },
        ]);
        this.rows = new Keyed<Process>(made.body, of => of.process ?? " ",
                                       () => new DynoRow(this.told));
        this.root = section("dynos", "Dynos", made.root);
    }

    update({ processes, codes, from, to }: Snapshot): void {
        const shown = processes.filter(
            of => of.lines > 0 || of.requests > 0 || of.memory !== null);
        learn(this.told.meanings, codes);
        this.told.span_s = Math.max(1, to - from);
        this.root.hidden = shown.length === 0;
        // Who answers or has memory is a dyno; who only writes (the router, a
        // database) comes behind.
        this.rows.update(shown.sort(
            (a, b) => Number(isDyno(b)) - Number(isDyno(a))));
    }
}

function isDyno(of: Process): boolean {
    return of.requests > 0 || of.memory !== null;
}

function learn(meanings: Map<string, string>, codes: CodeCount[]): void {
    for (const { code, meaning } of codes)
        if (code !== null && meaning !== null)
            meanings.set(code, meaning);
}

/* Routes ------------------------------------------------------------------ */

class RouteRow implements View<Route> {
    private readonly name = el("span", { class: "route" });
    private readonly count = cell();
    private readonly failed = cell();
    private readonly p50 = cell();
    private readonly p95 = cell();
    readonly root: HTMLElement;
    private route: string | null = null;

    constructor(behind: Behind) {
        this.root = el(
            "tr", {},
            el("th", { scope: "row", class: "text" }, linesButton(
                "Lines of this route", () => {
                    if (this.route !== null)
                        behind.matching(this.route, { route: this.route });
                }, this.name)),
            this.count.td, this.failed.td, this.p50.td, this.p95.td);
    }

    update(of: Route): void {
        this.route = of.route;
        setText(this.name, of.route ?? "all others");
        this.count.set(compact(of.count));
        this.failed.set(of.failed > 0
            ? `${compact(of.failed)} (${text(percent(of.failed / of.count))})`
            : "0", of.failed > 0 ? "bad" : "");
        this.p50.set(text(duration(of.response_ms?.p50)));
        this.p95.set(text(duration(of.response_ms?.p95)));
    }
}

const ROUTES = 10;

class RouteTable {
    private readonly rows: Keyed<Route>;
    private readonly none = el("p", { class: "fine none-here" });
    readonly root: HTMLElement;

    constructor(id: string, title: string, behind: Behind,
                private readonly noneWords: string) {
        const made = table(title, [
            { label: "Route", isText: true }, { label: "Requests" },
            { label: "Failed" }, { label: "p50" }, { label: "p95" },
        ]);
        this.rows = new Keyed<Route>(made.body, of => of.route ?? "",
                                     () => new RouteRow(behind));
        this.root = section(id, title, made.root, this.none);
    }

    update(routes: Route[]): void {
        this.rows.update(routes.slice(0, ROUTES));
        setText(this.none, routes.length === 0 ? this.noneWords : "");
    }
}

export class Routes {
    private readonly slowest: RouteTable;
    private readonly failing: RouteTable;
    readonly root: HTMLElement;

    constructor(behind: Behind) {
        this.slowest = new RouteTable("slowest", "Slowest routes", behind,
                                      "No requests yet");
        this.failing = new RouteTable("failing", "Most failing routes",
                                      behind, "None fails");
        this.root = el("div", { class: "two" }, this.slowest.root,
                       this.failing.root);
    }

    update({ routes }: Snapshot): void {
        const slowness = (of: Route): number =>
            of.response_ms?.p95 ?? of.response_ms?.mean ?? 0;
        this.root.hidden = routes.length === 0;
        this.slowest.update([...routes].sort(
            (a, b) => slowness(b) - slowness(a)));
        this.failing.update(routes.filter(of => of.failed > 0).sort(
            (a, b) => b.failed - a.failed));
    }
}

/* Measures ---------------------------------------------------------------- */

class MeasureRow implements View<Measure> {
    private readonly name = el("th", { scope: "row", class: "text" });
    private readonly cells = [cell("text"), cell(), cell(), cell(), cell(),
                              cell(), cell(), cell()];
    readonly root = el("tr", {}, this.name,
                       ...this.cells.map(one => one.td));

    update(of: Measure): void {
        const value = (x: number | null): string =>
            text(format.measure(x, of.unit));
        setText(this.name, of.name ?? "all others");
        [of.of, count(of.count),
         of.op === "count" ? value(of.sum) : format.NOTHING, value(of.mean), value(of.p50),
         value(of.p95), value(of.max), value(of.last)].forEach(
            (words, i) => this.cells[i]?.set(words));
    }
}

// What tiles, charts and the dynos' table show already.
const SHOWN_ELSEWHERE = /^(?:memory_|load_avg_|router\.)/;

export class Measures {
    private readonly rows: Keyed<Measure>;
    private readonly all = el(
        "button", { type: "button", class: "chip", "aria-pressed": "false",
                    onclick: () => this.toggle() },
        "Also those of the router and of dynos");
    readonly root: HTMLElement;
    private areAll = false;
    private newest: Measure[] = [];

    constructor() {
        const made = table("Other measures, over the last minute", [
            { label: "Measure", isText: true },
            { label: "Of", isText: true }, { label: "Values" },
            { label: "Sum", hint: "Of what counts" }, { label: "Mean" }, { label: "p50" }, { label: "p95" },
            { label: "Most" }, { label: "Last" },
        ]);
        this.rows = new Keyed<Measure>(
            made.body, of => `${of.name}\n${of.of}\n${of.op}`,
            () => new MeasureRow());
        this.root = section("measures", "Other measures",
                            el("div", { class: "tabs" }, this.all),
                            made.root);
    }

    update({ measures }: Snapshot): void {
        this.newest = measures;
        this.root.hidden = measures.length === 0;
        this.show();
    }

    private show(): void {
        this.rows.update(this.newest.filter(
            of => this.areAll || !SHOWN_ELSEWHERE.test(of.name ?? "")));
    }

    private toggle(): void {
        this.areAll = !this.areAll;
        setAttribute(this.all, "aria-pressed", String(this.areAll));
        this.show();
    }
}
