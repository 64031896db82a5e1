// The dynos of the last minute, and who else wrote lines.
import type { CodeCount, Marker, Process, Snapshot } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import * as format from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { shown } from "../base/shown";
import { Bar, linesButton, NumberCells, section, table, toneOf, Value } from
    "../ui/parts";
import type { Behind, Query } from "./behind";
import { dynoState, isDyno } from "./dyno_state";

const { compact, duration, percent, plural } = format;

const CODES = 3; // that are named; the others are counted

type Known = number | null | undefined; // or not

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
function nameElement(process: string | null, tag: "span" | "b"): HTMLElement {
    const name = nameOf(process);
    return el(tag, { class: "process", title: name }, name);
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

// Requests, failed, p95, load, lines, skew.
const FORMATS = [format.rate, format.short, duration, format.plain, format.rate,
                 duration];
const FAILED = 1; // of these
const NONE = [null, null, null] as const; // of who answers no requests

// A number with a bar of how much that is of what there may be.
class Share {
    private readonly bar = new Bar();
    private readonly value = new Value();
    readonly root = el("td", { class: "barred" }, this.bar.root,
                       this.value.root);
    private shown: Known = null;
    private share: Known = NaN; // not drawn yet

    // From what share on it's a warning; all of it is bad.
    constructor(private readonly format: format.Format,
                private readonly warn: number) {}

    show(x: Known, share: Known): void {
        if (x !== this.shown)
            this.write(x);
        if (share !== this.share)
            this.draw(share);
    }

    private write(x: Known): void {
        this.shown = x;
        this.value.show(this.format, x);
    }

    private draw(share: Known): void {
        const known = share ?? null;
        this.share = share;
        this.bar.root.hidden = known === null;
        this.bar.update(known ?? 0, toneOf(known ?? 0, this.warn, 1));
    }
}

class DynoRow implements View<Process> {
    readonly root: HTMLElement;
    private readonly words = el("td", { class: "text words-cell" });
    private readonly cells = new NumberCells(FORMATS);
    private readonly busy = new Share(percent, 0.8);
    private readonly memory = new Share(format.bytes, 0.9);
    private said: string | null = null; // nothing yet
    private hasFailed = false;

    constructor({ process }: Process, private readonly told: Told,
                behind: Behind) {
        const button = linesButton(
            "Its newest lines", () => linesOf(behind, process),
            nameElement(process, "span"));
        const [requests, failed, p95, ...others] = this.cells.tds;
        this.root = el(
            "tr", {}, el("th", { scope: "row", class: "text" }, button),
            this.words, requests, failed, p95, this.busy.root,
            this.memory.root, ...others);
    }

    update(of: Process): void {
        const { span_s } = this.told;
        const isAnswering = (of.requests ?? 0) > 0;
        const [requests, failed, busy] = isAnswering
            ? [(of.requests ?? 0) / span_s, of.failed ?? 0, of.busy ?? 0]
            : NONE;
        this.cells.show([requests, failed, of.response_ms?.p95, of.load?.["1m"],
                         linesPerSecond(of, span_s), of.skew_ms?.mean]);
        this.busy.show(busy, busy);
        this.memory.show(of.memory?.total, of.memory?.share);
        this.showWords(of);
        const hasFailed = (of.failed ?? 0) > 0;
        if (hasFailed !== this.hasFailed)
            setAttribute(this.cells.tds[FAILED] as HTMLElement, "data-tone",
                         hasFailed ? "bad" : undefined);
        this.hasFailed = hasFailed;
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
        this.words.textContent = words || format.NOTHING;
        this.words.dataset["tone"] = isBad ? "bad" : "";
        // It may be cut for want of room.
        setAttribute(this.words, "title", words === "" ? undefined
            : words + meaningsOf(of.codes, this.told.meanings));
    }
}

// A line for each code.
function meaningsOf(codes: Record<string, number>,
                    meanings: ReadonlyMap<string, string>): string {
    return Object.keys(codes).map(
        code => `\n${code}: ${meanings.get(code) ?? "?"}`).join("");
}

function linesPerSecond({ lines }: Process, span_s: number): number | null {
    return lines === null ? null : lines / span_s;
}

// Who is no dyno: a name, and how much it writes.
class SourceItem implements View<Process> {
    private readonly codes = el("span", { class: "code" });
    private readonly rate = new Value();
    readonly root: HTMLElement;

    constructor({ process }: Process, private readonly told: Told,
                behind: Behind) {
        this.root = el("li", {}, linesButton(
            "Its newest lines", () => linesOf(behind, process),
            nameElement(process, "b"), this.codes, this.rate.root));
    }

    update(of: Process): void {
        setText(this.codes, codeWords(of.codes));
        this.rate.show(format.rate, linesPerSecond(of, this.told.span_s));
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
            made.body, keyOf, of => new DynoRow(of, this.told, behind));
        this.sources = new Keyed<Process>(
            list, keyOf, of => new SourceItem(of, this.told, behind));
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
            of => isDyno(of) && (hasSpoken(of) || (of.requests ?? 0) > 0 ||
                                 of.memory !== null));
        const others = processes.filter(of => !isDyno(of) && hasSpoken(of));
        this.dynos.hidden = dynos.length === 0;
        this.others.hidden = others.length === 0;
        this.rows.update(dynos);
        setText(this.untold, events_of_none === 0 ? ""
            : `${plural(events_of_none, "event")} of dynos more, of which it ` +
              "is no longer known whose they were");
        this.sources.update(others.sort(
            (a, b) => (b.lines ?? 0) - (a.lines ?? 0)));
    }
}

// Whose lines are not known may be an add-on, of which others tell measures.
function hasSpoken({ lines, codes }: Process): boolean {
    return (lines ?? 0) > 0 || Object.keys(codes).length > 0;
}

function learn(meanings: Map<string, string>, codes: CodeCount[]): void {
    codes.forEach(({ code, meaning }) => {
        if (code !== null && meaning !== null)
            meanings.set(code, meaning);
    });
}
