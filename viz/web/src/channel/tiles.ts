// The numbers of the last minute.
import type { Dist, Percentile, Process, Snapshot } from "../api/types";
import { el, setAttribute, setText, setVariable } from "../base/dom";
import {
    bytes, clock, compact, count, duration, NOTHING, percent, plain, plainIn, plural,
    rate, text, within, type Format,
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
    format: Format;
    value: number | null;
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
        const { why = "", format, value, sub, tone = "", title } =
            this.tell(of);
        say(this.root, why);
        this.value.show(format, value);
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

function none(why: string): Told {
    return { why, format: plain, value: null, sub: "" };
}

function throughput(of: Snapshot): Told {
    const { requests, from, to } = of;
    const failed = requests.failed > 0
        ? `${count(requests.failed)} failed` : "none failed";
    return {
        why: requests.count === 0 ? noneOf(of, "no requests") : "",
        format: rate, value: requests.per_s, tone: failedTone(requests),
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
            value.show(duration, dist[name]));
        setText(this.sub, `${error(dist)} · mean ${text(duration, dist.mean)} ` +
            `· slowest ${text(duration, dist.max)}`);
    }

    private open(name: Percentile): void {
        const of = this.newest;
        const dist = of?.requests.response_ms;
        const value = dist?.[name];
        if (!of || !dist || value === null || value === undefined)
            return;
        const title = `Lines behind ${name} = ${text(duration, value)}`;
        const seqs = dist.exemplars?.[name] ?? [];
        if (seqs.length > 0)
            this.behind.exemplars(title, of.epoch, seqs);
        else
            this.showLines(title, responsesAround(value));
    }
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
    private readonly value = el("b", { class: "number" });
    private readonly button: HTMLButtonElement;
    readonly root: HTMLElement;
    private newest: CodeOf;

    constructor(of: CodeOf, behind: Behind) {
        const { code } = of;
        const words = meaningOf(of);
        this.newest = of;
        this.button = linesButton(
            `${words}: lines behind it`, () => behind.exemplars(
                code === null ? OTHERS : `${code}: ${words}`,
                this.newest.epoch, this.newest.exemplars),
            el("b", { class: "code" }, code ?? "others"),
            el("span", { class: "meaning" }, words), this.value);
        this.root = el("li", {}, this.button);
    }

    update(of: CodeOf): void {
        this.newest = of;
        this.button.disabled = of.exemplars.length === 0;
        setText(this.value, compact(of.count));
    }
}

class Codes implements Tile {
    private readonly list = el("ul", { class: "codes" });
    private readonly views: Keyed<CodeOf>;
    readonly root = frame("codes", "Error codes", this.list);

    constructor(behind: Behind) {
        this.views = new Keyed<CodeOf>(this.list, of => of.code ?? "",
                                       of => new CodeView(of, behind));
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

function nearestQuota({ processes }: Snapshot): Most | null {
    return most(processes, one => one.memory?.share);
}

class MemoryTile implements Tile {
    private readonly most = new Value("value big");
    private readonly bar = new Bar();
    private readonly number = new NumberTile(
        "memory", "Memory", memory, value => [
            el("div", { class: "pair" },
               el("div", {}, value, el("span", { class: "of" }, "average")),
               el("div", {}, this.most.root,
                  el("span", { class: "of" }, "most"))),
            this.bar.root]);
    readonly root = this.number.root;

    update(of: Snapshot): void {
        const nearest = nearestQuota(of);
        const largest = most(of.processes, one => one.memory?.total);
        this.number.update(of);
        this.most.show(bytes, largest?.value);
        this.bar.root.hidden = nearest === null;
        this.bar.update(nearest?.value ?? 0, toneOf(nearest?.value ?? 0, 0.9, 1));
    }
}

function memory(of: Snapshot): Told {
    const nearest = nearestQuota(of);
    const totals = of.processes.flatMap(one => one.memory?.total ?? []);
    if (totals.length === 0)
        return none(noneOf(of, NOT_TOLD));
    return {
        format: bytes,
        value: totals.reduce((sum, one) => sum + one) / totals.length,
        tone: nearest === null ? "" : toneOf(nearest.value, 0.9, 1),
        title: nearest === null ? undefined : nameWhole(nearest),
        sub: nearest === null ? ofHowMany(totals.length)
            : ofItsQuota(nearest),
    };
}

function ofHowMany(processes: number): string {
    return processes === 1 ? "of one process"
        : `of ${count(processes)} processes`;
}

function ofItsQuota({ name, of, value }: Most): string {
    return `${name} at ${text(percent, value)} of ` +
        text(bytes, of.memory?.quota);
}

function load(now: Snapshot): Told {
    const top = most(now.processes, one => one.load?.["1m"]);
    if (top === null)
        return none(noneOf(now, NOT_TOLD));
    const { load } = top.of;
    return {
        format: plain, value: top.value,
        sub: `${top.name} in 1 min; ${text(plain, load?.["5m"])} in 5, ` +
            `${text(plain, load?.["15m"])} in 15`,
        title: nameWhole(top),
    };
}

const ACTIVITY = "How much of the minute each dyno was answering requests: the " +
    "connect and service times that the router tells of them, added up. Over " +
    "100 % are several at once. What a dyno does besides is not in it.";

const AT_A_TIME = plainIn("at a time");

function answering(processes: readonly Process[]): Process[] {
    return processes.filter(
        one => one.process !== null && (one.requests ?? 0) > 0);
}

function activity(of: Snapshot): Told {
    const web = answering(of.processes);
    if (web.length === 0)
        return none(noneOf(of, "no requests"));
    const mean = web.reduce((sum, one) => sum + (one.busy ?? 0), 0) /
        web.length;
    const dynos = web.length === 1 ? "one dyno" : `${count(web.length)} dynos`;
    // Of one request at a time; more than that at once is over 100 %.
    return mean > 1 ? {
        format: AT_A_TIME, value: mean,
        sub: `requests in ${web.length === 1 ? dynos : `each of ${dynos}`}, ` +
            "by the router",
    } : {
        format: percent, value: mean,
        sub: `of the time in requests, by the router; ${dynos}`,
    };
}

// How busy a dyno is, among others.
class ActivityBar implements View<Process> {
    readonly root: HTMLElement;
    private busy = NaN; // not drawn yet

    constructor({ process }: Process) {
        this.root = el("span", { class: "column", title: shown(process ?? "") });
    }

    update({ busy }: Process): void {
        if ((busy ?? 0) !== this.busy)
            this.draw(busy ?? 0);
    }

    private draw(busy: number): void {
        this.busy = busy;
        setVariable(this.root, "--share", Math.min(1, busy).toFixed(3));
        this.root.dataset["tone"] = toneOf(busy, 0.8, 1);
    }
}

class Activity implements Tile {
    private readonly columns = el("div", { class: "columns",
                                           "aria-hidden": "true" });
    private readonly bars = new Keyed<Process>(
        this.columns, of => of.process ?? "", of => new ActivityBar(of));
    private readonly number = new NumberTile(
        "activity", "Dyno activity", activity, value => [value, this.columns]);
    readonly root = this.number.root;

    constructor() {
        this.root.title = ACTIVITY;
    }

    update(of: Snapshot): void {
        this.number.update(of);
        this.bars.update(answering(of.processes));
    }
}

function queue(of: Snapshot): Told {
    const { wait_ms, is_over, threshold_ms } = of.queue;
    if (wait_ms === null)
        return none(of.requests.count === 0 ? noneOf(of, "no requests")
            : "not in this router's lines");
    const limit = `${threshold_ms} ms`;
    return {
        format: duration, value: wait_ms.mean, tone: is_over ? "warn" : "",
        sub: is_over ? `▲ over ${limit}: more dynos are needed`
                     : `on average; fine below ${limit}`,
    };
}

const BEHIND = 5000; // lines that are no news: less than a moment's

function lines({ lines, from, to, uncounted }: Snapshot): Told {
    return {
        format: rate, value: lines.per_s,
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
            : `${text(bytes, lines.bytes ?? 0)} in ` +
                `${within(to - from)}, none lost before being counted`,
    };
}
