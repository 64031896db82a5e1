// The numbers of the last minute.
import type { Dist, Percentile, Process, Snapshot } from "../api/types";
import { el, setAttribute, setText, setVariable } from "../base/dom";
import {
    bytes, clock, compact, count, digits, duration, NOTHING, percent, plural,
    rate, text, within, type Figure,
} from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { shown, shownBriefly } from "../base/shown";
import { Bar, failedTone, linesButton, toneOf, Value } from "../ui/parts";
import { responsesAround, WAITED, type Behind, type Query } from "./behind";
import { noneOf } from "./last_minute";
import { STATUS_CLASSES, type StatusClass } from "./status_class";

interface Tile {
    root: HTMLElement;
    update(of: Snapshot): void;
}

function frame(id: string, title: string, ...children: (Node | string)[]):
    HTMLElement {
    return el("section", { class: "tile", id: `tile-${id}`,
                           "aria-labelledby": `tile-${id}-h` },
              el("h2", { id: `tile-${id}-h` }, title), ...children);
}

type ShowLines = (title: string, query: Query) => void;

export class Tiles {
    readonly root = el("div", { class: "tiles" });
    private readonly tiles: Tile[];
    private newest: Snapshot | null = null;

    constructor(behind: Behind) {
        // Those of the minute that the numbers are of.
        const showLines: ShowLines = (title, query) => {
            const of = this.newest;
            if (of)
                behind.matching(title, { from: of.from, to: of.to, ...query });
        };
        this.tiles = [
            new NumberTile("throughput", "Throughput", throughput),
            new Response(behind, showLines), new Statuses(showLines),
            new Codes(behind),
            new MemoryTile(), new NumberTile("load", "Load", load),
            new Activity(),
            new NumberTile("queue", "Queue time", queue, value => [
                linesButton("Lines that waited", () => showLines(
                    "Requests that waited", WAITED), value)]),
            new NumberTile("lines", "Lines", lines),
        ];
        this.root.append(...this.tiles.map(tile => tile.root));
    }

    update(of: Snapshot): void {
        this.newest = of;
        this.tiles.forEach(tile => tile.update(of));
    }
}

const NOT_TOLD = "no dyno has told it";
const NONE: Figure = { value: NOTHING, unit: "" };

// Why a tile has no number, until that changes.
const reasons = new WeakMap<HTMLElement, string>();

function say(root: HTMLElement, words: string, mark = NOTHING): void {
    if (words !== (reasons.get(root) ?? ""))
        sayNow(root, words, mark);
}

// A tile without a number has a dash where others have theirs, and says why in
// words where others have theirs.
function sayNow(root: HTMLElement, words: string, mark: string): void {
    reasons.set(root, words);
    root.classList.toggle("is-quiet", words !== "");
    if (!root.querySelector(".quiet-words"))
        root.append(el("p", { class: "value big quiet-mark",
                              "aria-hidden": "true" }, mark),
                    el("p", { class: "sub quiet-words" }));
    const at = root.querySelector(".quiet-words");
    if (at)
        setText(at, words);
}

// What a tile of one number says.
interface Told {
    why?: string; // there is no number
    value: Figure;
    sub: string;
    tone?: "" | "warn" | "bad";
    title?: string | undefined; // what more there is to be said than sub does
}

// A number, and what there is to be said of it. All of these are written by the same
// few lines: a browser keeps compiled code of each place that runs once a second.
class NumberTile implements Tile {
    private readonly value = new Value("value big");
    private readonly sub = el("p", { class: "sub" });
    readonly root: HTMLElement;
    private tone = "";
    private title: string | undefined;

    // around: what is above the words, the value among it.
    constructor(id: string, title: string,
                private readonly tell: (of: Snapshot) => Told,
                around = (value: HTMLElement): HTMLElement[] => [value]) {
        this.root = frame(id, title, ...around(this.value.root), this.sub);
    }

    update(of: Snapshot): void {
        const { why = "", value, sub, tone = "", title } = this.tell(of);
        say(this.root, why);
        this.value.update(value);
        setText(this.sub, sub);
        if (tone !== this.tone || title !== this.title)
            this.setTone(tone, title);
    }

    private setTone(tone: string, title: string | undefined): void {
        this.tone = tone;
        this.title = title;
        this.root.dataset["tone"] = tone;
        setAttribute(this.sub, "title", title);
    }
}

function throughput(of: Snapshot): Told {
    const { requests, from, to } = of;
    const failed = requests.failed > 0
        ? `${count(requests.failed)} failed` : "none failed";
    return {
        why: requests.count === 0 ? noneOf(of, "no requests") : "",
        value: rate(requests.per_s), tone: failedTone(requests),
        sub: `${count(requests.count)} in ${within(to - from)}, ${failed}, ` +
            atATime(requests.in_flight),
    };
}

// The mean number under way: of few, a digit is enough.
function atATime(mean: number): string {
    const few = Number(mean.toFixed(1));
    return `${mean >= 10 ? count(mean) : few === 0 ? "under 0.1" : few} at a time`;
}

class Response implements Tile {
    private readonly values = new Map<Percentile, Value>();
    private readonly sub = el("p", { class: "sub" });
    readonly root: HTMLElement;
    private newest: Snapshot | null = null;

    constructor(private readonly behind: Behind,
                private readonly showLines: ShowLines) {
        const one = (name: Percentile): HTMLElement => {
            const value = new Value("value big");
            this.values.set(name, value);
            return el("div", { class: "percentile", "data-p": name },
                      linesButton(`Lines behind ${name}`,
                                  () => this.open(name), value.root),
                      el("span", { class: "of" }, name));
        };
        this.root = frame(
            "response", "Response time",
            el("div", { class: "percentiles" }, one("p50"), one("p95"),
               one("p99")), this.sub);
    }

    update(of: Snapshot): void {
        this.newest = of;
        const dist = of.requests.response_ms;
        say(this.root, dist === null ? noneOf(of, "no requests") : "");
        if (dist === null)
            return;
        this.values.forEach((value, name) =>
            value.update(duration(dist[name])));
        setText(this.sub, `${error(dist)} · mean ` +
            `${words(dist.mean)} · slowest ${words(dist.max)}`);
    }

    private open(name: Percentile): void {
        const of = this.newest;
        const dist = of?.requests.response_ms;
        const value = dist?.[name];
        if (!of || !dist || value === null || value === undefined)
            return;
        const title = `Lines behind ${name} = ${words(value)}`;
        const seqs = dist.exemplars?.[name] ?? [];
        if (seqs.length > 0)
            this.behind.exemplars(title, of.epoch, seqs);
        else
            this.showLines(title, responsesAround(value));
    }
}

function words(ms: number | null): string {
    const of = duration(ms);
    return `${of.value} ${of.unit}`.trim();
}

// How far off the percentiles may be, which belongs to each of them.
function error(dist: Dist): string {
    return dist.error === null ? "percentiles are no longer kept"
                               : `± ${Number((dist.error * 100).toPrecision(1))} %`;
}

class StatusView {
    readonly key: StatusClass["key"];
    readonly part: HTMLElement; // of the bar
    private readonly value = el("b", { class: "number" });
    readonly item: HTMLElement;
    private shown = -1;

    constructor(private readonly of: StatusClass, showLines: ShowLines) {
        const { key, label, title, query } = of;
        this.key = key;
        this.part = el("span", { class: "stack-part", "data-class": key });
        this.item = el(
            "li", { "data-class": key },
            linesButton(`Lines with ${label}`,
                        () => showLines(title, query),
                        el("span", { class: "swatch" }), label, " ",
                        this.value));
    }

    update(responses: number): void {
        if (responses !== this.shown)
            this.show(responses);
    }

    private show(responses: number): void {
        const isZero = responses === 0;
        this.shown = responses;
        this.item.hidden = this.of.isRare === true && isZero;
        this.part.hidden = isZero; // or it would leave a gap
        setVariable(this.part, "--part", String(responses));
        this.value.textContent = compact(responses);
        this.value.dataset["zero"] = String(isZero);
    }
}

class Statuses implements Tile {
    private readonly views: StatusView[];
    readonly root: HTMLElement;

    constructor(showLines: ShowLines) {
        this.views = STATUS_CLASSES.map(of => new StatusView(of, showLines));
        this.root = frame(
            "status", "Status",
            el("div", { class: "stack", "aria-hidden": "true" },
               ...this.views.map(one => one.part)),
            el("ul", { class: "classes" },
               ...this.views.map(one => one.item)));
    }

    update(of: Snapshot): void {
        const { classes, requests } = of;
        say(this.root, requests.count === 0 ? noneOf(of, "no requests") : "");
        this.views.forEach(one => one.update(classes[one.key]));
    }
}

interface CodeOf {
    epoch: string;
    code: string | null;
    meaning: string | null;
    count: number;
    exemplars: number[];
}

const OTHERS = "Codes that there was no series for";

function meaningOf({ code, meaning }: CodeOf): string {
    return meaning ?? (code === null ? OTHERS : "no meaning is known");
}

class CodeView implements View<CodeOf> {
    private readonly code = el("b", { class: "code" });
    private readonly meaning = el("span", { class: "meaning" });
    private readonly value = el("b", { class: "number" });
    private readonly button: HTMLButtonElement;
    readonly root: HTMLElement;
    private newest: CodeOf | null = null;

    constructor(behind: Behind) {
        this.button = linesButton("Lines behind this", () => {
            const of = this.newest;
            if (of)
                behind.exemplars(
                    of.code === null ? OTHERS : `${of.code}: ${meaningOf(of)}`,
                    of.epoch, of.exemplars);
        }, this.code, this.meaning, this.value);
        this.root = el("li", {}, this.button);
    }

    update(of: CodeOf): void {
        this.newest = of;
        this.button.disabled = of.exemplars.length === 0;
        const words = meaningOf(of);
        setAttribute(this.button, "title", `${words}: lines behind it`);
        setText(this.code, of.code ?? "others");
        setText(this.meaning, words);
        setText(this.value, compact(of.count));
    }
}

class Codes implements Tile {
    private readonly list = el("ul", { class: "codes" });
    private readonly views: Keyed<CodeOf>;
    readonly root = frame("codes", "Error codes", this.list);

    constructor(behind: Behind) {
        this.views = new Keyed<CodeOf>(this.list, of => of.code ?? "",
                                       () => new CodeView(behind));
    }

    update({ codes, epoch, requests }: Snapshot): void {
        this.root.dataset["tone"] = codes.length === 0 ? ""
            : failedTone(requests) || "warn";
        say(this.root, codes.length === 0
            ? "no H, R or L code in the last minute" : "", "0");
        this.views.update(codes.map(of => ({ ...of, epoch }))
            .sort((a, b) => b.count - a.count));
    }
}

const NAME_MAX = 24; // characters of a name among other words

interface Most {
    name: string; // to be shown, not all of it where it is long
    of: Process;
    value: number;
}

// The worst of what the processes say of themselves.
function most(processes: readonly Process[],
              of: (process: Process) => number | null | undefined):
              Most | null {
    const valueOf = (one: Process): number => of(one) ?? -Infinity;
    const best = processes.reduce<Process | null>(
        (best, one) => best === null || valueOf(one) > valueOf(best) ? one
            : best, null);
    const value = best === null ? null : of(best);
    if (best === null || value === null || value === undefined)
        return null;
    return { name: best.process === null ? "others"
                 : shownBriefly(best.process, NAME_MAX),
             of: best, value };
}

function nameWhole({ of }: Most): string | undefined {
    return of.process === null ? undefined : shown(of.process);
}

class MemoryTile implements Tile {
    private readonly values = [new Value("value big"), new Value("value big")];
    private readonly bar = new Bar();
    private readonly sub = el("p", { class: "sub" });
    readonly root: HTMLElement;

    constructor() {
        this.root = frame(
            "memory", "Memory",
            el("div", { class: "pair" }, ...["average", "most"].map(
                (what, i) => el("div", {}, this.values[i]?.root,
                                el("span", { class: "of" }, what)))),
            this.bar.root, this.sub);
    }

    update(of: Snapshot): void {
        const { processes } = of;
        const totals = processes.flatMap(
            one => one.memory?.total ?? []);
        const nearest = most(processes, one => one.memory?.share);
        const tone = nearest === null ? "" : toneOf(nearest.value, 0.9, 1);
        this.root.dataset["tone"] = totals.length === 0 ? "" : tone;
        say(this.root, totals.length === 0 ? noneOf(of, NOT_TOLD) : "");
        if (totals.length === 0)
            return;
        const both = [totals.reduce((a, b) => a + b) / totals.length,
                      Math.max(...totals)];
        this.values.forEach((value, i) => value.update(bytes(both[i])));
        this.bar.root.hidden = nearest === null;
        this.bar.update(nearest?.value ?? 0, tone);
        setAttribute(this.sub, "title",
                     nearest === null ? undefined : nameWhole(nearest));
        setText(this.sub, nearest === null ? ofHowMany(totals.length)
            : ofItsQuota(nearest));
    }
}

function ofHowMany(processes: number): string {
    return processes === 1 ? "of one process"
        : `of ${count(processes)} processes`;
}

function ofItsQuota({ name, of, value }: Most): string {
    return `${name} at ${text(percent(value))} of ` +
        text(bytes(of.memory?.quota));
}

function load(now: Snapshot): Told {
    const top = most(now.processes, one => one.load?.["1m"]);
    if (top === null)
        return { why: noneOf(now, NOT_TOLD), value: NONE, sub: "" };
    const of = (minutes: "5m" | "15m"): string => {
        const load = top.of.load?.[minutes];
        return load === undefined ? NOTHING : digits(load);
    };
    return {
        value: { value: digits(top.value), unit: "" },
        sub: `${top.name} in 1 min; ${of("5m")} in 5, ${of("15m")} in 15`,
        title: nameWhole(top),
    };
}

const ACTIVITY = "How much of the minute each dyno was answering requests: the " +
    "connect and service times that the router tells of them, added up. Over " +
    "100 % are several at once. What a dyno does besides is not in it.";

function answering(processes: readonly Process[]): Process[] {
    return processes.filter(
        one => one.process !== null && (one.requests ?? 0) > 0);
}

function activity(of: Snapshot): Told {
    const web = answering(of.processes);
    if (web.length === 0)
        return { why: noneOf(of, "no requests"), value: NONE, sub: "" };
    const mean = web.reduce((sum, one) => sum + (one.busy ?? 0), 0) /
        web.length;
    const dynos = web.length === 1 ? "one dyno" : `${count(web.length)} dynos`;
    // Of one request at a time; more than that at once is over 100 %.
    return mean > 1 ? {
        value: { value: digits(mean), unit: "at a time" },
        sub: `requests in ${web.length === 1 ? dynos : `each of ${dynos}`}, ` +
            "by the router",
    } : {
        value: percent(mean),
        sub: `of the time in requests, by the router; ${dynos}`,
    };
}

class Activity implements Tile {
    private readonly bars = el("div", { class: "columns",
                                        "aria-hidden": "true" });
    private readonly number = new NumberTile(
        "activity", "Dyno activity", activity, value => [value, this.bars]);
    readonly root = this.number.root;

    constructor() {
        this.root.title = ACTIVITY;
    }

    update(of: Snapshot): void {
        this.number.update(of);
        const web = answering(of.processes);
        while (this.bars.childElementCount > web.length)
            this.bars.lastElementChild?.remove();
        while (this.bars.childElementCount < web.length)
            this.bars.append(el("span", { class: "column" }));
        web.forEach((one, i) => {
            const bar = this.bars.children[i] as HTMLElement;
            const busy = one.busy ?? 0;
            setVariable(bar, "--share", Math.min(1, busy).toFixed(3));
            bar.dataset["tone"] = toneOf(busy, 0.8, 1);
            setAttribute(bar, "title", shown(one.process ?? ""));
        });
    }
}

function queue(of: Snapshot): Told {
    const { wait_ms, is_over, threshold_ms } = of.queue;
    if (wait_ms === null)
        return { why: of.requests.count === 0 ? noneOf(of, "no requests")
                     : "not in this router's lines",
                 value: NONE, sub: "" };
    const limit = `${threshold_ms} ms`;
    return {
        value: duration(wait_ms.mean), tone: is_over ? "warn" : "",
        sub: is_over ? `▲ over ${limit}: more dynos are needed`
                     : `on average; fine below ${limit}`,
    };
}

const BEHIND = 5000; // lines that are no news: less than a moment's

function lines({ lines, from, to, uncounted }: Snapshot): Told {
    const size = bytes(lines.bytes);
    return {
        value: rate(lines.per_s),
        tone: lines.lost > 0 || lines.held > 0 || uncounted ? "bad" : "",
        title: uncounted?.why,
        sub: uncounted
            ? `▲ ${plural(uncounted.lines, "line")} in no number here, since ` +
                `${clock(uncounted.since)}: there was no memory to count them`
            : lines.lost > 0
            ? `▲ ${plural(lines.lost, "line")} gone before being counted`
            : lines.held > 0
            ? `▲ ${plural(lines.held, "line")} wait for memory to be told`
            : lines.behind > BEHIND
            ? `${plural(lines.behind, "line")} still to be counted`
            : `${size.value === NOTHING ? "0 B" : text(size)} in ` +
                `${within(to - from)}, none lost before being counted`,
    };
}
