// The dynos of the last minute, and who else wrote lines.
import type { CodeCount, Marker, Process, Snapshot } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import * as format from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { shown } from "../base/shown";
import { Bar, cell, linesButton, section, table, toneOf, Value } from
    "../ui/parts";
import type { Behind, Query } from "./behind";
import { dynoState, isDyno } from "./dyno_state";

const { compact, duration, percent, plural, text } = format;

const CODES = 3; // that are named; the others are counted

// What rows have to know of the whole.
interface Told {
    meanings: Map<string, string>;
    markers: readonly Marker[];
    span_s: number; // of the window, which is short when the channel is new
    now: number;
}

function nameOf(process: string | null): string {
    return process === null ? "all others"
        : process === "" ? "(no name)" : shown(process);
}

// It may be cut for want of room.
function showName(node: HTMLElement, process: string | null): void {
    const name = nameOf(process);
    setText(node, name);
    setAttribute(node, "title", name);
}

// The API can't be asked for those without a name alone.
function linesOf(behind: Behind, process: string | null): void {
    const query: Query = process ? { process } : {};
    behind.matching(process ? `Lines of ${shown(process)}` : "The newest lines",
                    query);
}

// "H12 × 50, H18 × 6 and 2 more".
function codeWords(codes: Record<string, number>): string {
    const all = Object.keys(codes);
    return all.length === 0 ? "" : wordsOf(all, codes);
}

function wordsOf(all: string[], codes: Record<string, number>): string {
    const times = (code: string): number => codes[code] ?? 0;
    all.sort((a, b) => times(b) - times(a));
    const named = all.slice(0, CODES).map(
        code => `${code} × ${compact(times(code))}`).join(", ");
    return all.length > CODES ? `${named} and ${all.length - CODES} more`
                              : named;
}

class DynoRow implements View<Process> {
    readonly root: HTMLElement;
    private readonly name = el("span", { class: "process" });
    private readonly requests = cell();
    private readonly failed = cell();
    private readonly p95 = cell();
    private readonly busy = new Value();
    private readonly busyBar = new Bar();
    private readonly memory = new Value();
    private readonly memoryBar = new Bar();
    private readonly load = cell();
    private readonly words = cell("text words-cell");
    private readonly lines = cell();
    private readonly skew = cell();
    private process: string | null = null;
    private said: string | null = null; // nothing yet

    constructor(private readonly told: Told, behind: Behind) {
        const button = linesButton("Its newest lines", () => linesOf(
            behind, this.process), this.name);
        this.root = el(
            "tr", {}, el("th", { scope: "row", class: "text" }, button),
            this.words.td, this.requests.td, this.failed.td, this.p95.td,
            el("td", { class: "barred" }, this.busyBar.root, this.busy.root),
            el("td", { class: "barred" }, this.memoryBar.root,
               this.memory.root),
            this.load.td, this.lines.td, this.skew.td);
    }

    update(of: Process): void {
        this.process = of.process;
        showName(this.name, of.process);
        const { requests, failed, busy } = {
            requests: of.requests ?? 0, failed: of.failed ?? 0,
            busy: of.busy ?? 0 };
        const isAnswering = requests > 0;
        this.requests.set(isAnswering
            ? text(format.rate(requests / this.told.span_s))
            : format.NOTHING);
        this.failed.set(isAnswering ? compact(failed) : format.NOTHING,
                        failed > 0 ? "bad" : "");
        this.p95.set(text(duration(of.response_ms?.p95)));
        this.busy.update(percent(isAnswering ? busy : null));
        this.busyBar.update(busy, toneOf(busy, 0.8, 1));
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
        const state = dynoState(of, this.told.markers, this.told.now);
        const codes = codeWords(of.codes);
        const words = codes === "" || state.text === ""
            ? codes + state.text : `${codes} · ${state.text}`;
        if (words !== this.said)
            this.say(words, codes !== "" || state.isBad, of);
    }

    private say(words: string, isBad: boolean, of: Process): void {
        this.said = words;
        this.words.set(words || format.NOTHING, isBad ? "bad" : "");
        // Of what may be cut for want of room, and what its codes mean.
        const meanings = Object.keys(of.codes).map(
            code => `${code}: ${this.told.meanings.get(code) ?? "?"}`);
        setAttribute(this.words.td, "title", words === "" ? undefined
            : [words, ...meanings].join("\n"));
    }
}

// Who is no dyno: a name, and how much it writes.
class SourceItem implements View<Process> {
    private readonly name = el("b", { class: "process" });
    private readonly codes = el("span", { class: "code" });
    private readonly rate = new Value();
    readonly root: HTMLElement;
    private process: string | null = null;

    constructor(private readonly told: Told, behind: Behind) {
        this.root = el("li", {}, linesButton(
            "Its newest lines", () => linesOf(behind, this.process),
            this.name, this.codes, this.rate.root));
    }

    update(of: Process): void {
        this.process = of.process;
        showName(this.name, of.process);
        setText(this.codes, codeWords(of.codes));
        this.rate.update(format.rate(of.lines / this.told.span_s));
    }
}

export class Dynos {
    private readonly told: Told = { meanings: new Map(), markers: [],
                                    span_s: 60, now: 0 };
    private readonly rows: Keyed<Process>;
    private readonly sources: Keyed<Process>;
    private readonly untold = el("p", { class: "fine" });
    private readonly dynos: HTMLElement;
    private readonly others: HTMLElement;
    readonly root: HTMLElement;

    constructor(behind: Behind) {
        const made = table("Dynos, over the last minute", [
            { label: "Dyno", isText: true },
            { label: "State and errors", isText: true },
            { label: "Requests" }, { label: "Failed" }, { label: "p95" },
            { label: "Busy", hint: "How much of the time it was answering " +
                "requests, by the router's connect and service times: over " +
                "100 % are several at once" },
            { label: "Memory", hint: "memory_total; the bar is of its quota" },
            { label: "Load", hint: "load_avg_1m" }, { label: "Lines" },
            { label: "Skew", hint: "How much later lines arrive than they " +
                "say they were written" },
        ]);
        const list = el("ul", { class: "sources" });
        const keyOf = (of: Process): string => of.process ?? " ";
        this.rows = new Keyed<Process>(
            made.body, keyOf, () => new DynoRow(this.told, behind));
        this.sources = new Keyed<Process>(
            list, keyOf, () => new SourceItem(this.told, behind));
        this.dynos = section("dynos", "Dynos", made.root, this.untold);
        this.others = section("sources", "Other sources of lines", list);
        this.root = el("div", { class: "processes" }, this.dynos,
                       this.others);
    }

    update({ processes, codes, from, to, now, events_of_none }: Snapshot,
           markers: readonly Marker[]): void {
        learn(this.told.meanings, codes);
        this.told.markers = markers;
        this.told.span_s = Math.max(1, to - from);
        this.told.now = now;
        const dynos = processes.filter(
            of => isDyno(of) && (of.lines > 0 || (of.requests ?? 0) > 0 ||
                                 of.memory !== null));
        const others = processes.filter(of => !isDyno(of) && of.lines > 0);
        this.dynos.hidden = dynos.length === 0;
        this.others.hidden = others.length === 0;
        this.rows.update(dynos);
        setText(this.untold, events_of_none === 0 ? ""
            : `${plural(events_of_none, "event")} of dynos more, of which it ` +
              "is no longer known whose they were");
        this.sources.update(others.sort((a, b) => b.lines - a.lines));
    }
}

function learn(meanings: Map<string, string>, codes: CodeCount[]): void {
    codes.forEach(({ code, meaning }) => {
        if (code !== null && meaning !== null)
            meanings.set(code, meaning);
    });
}
