// The live tail: every line as it arrives, a bounded number of them, filtered
// by the daemon, searched here.
import { channelPath } from "../api/client";
import type { SseEvent } from "../api/sse";
import { BEGAN_ANEW, Stream, whyNothing } from "../api/stream";
import type { Line } from "../api/types";
import type { Behind } from "../channel/behind";
import { el, setAttribute, setText } from "../base/dom";
import { clock, compact, count, plural } from "../base/format";
import { atMostEvery, onceAFrame } from "../base/frames";
import { InSight } from "../base/in_sight";
import { shown } from "../base/shown";
import { isFrom } from "../ui/line_text";
import { section } from "../ui/parts";
import { LineRow } from "./line_row";
import { LineStore, LINES_MAX, type Entry } from "./line_store";
import { VirtualList } from "./virtual_list";

// As style/tail.css and touch.css have it: a finger needs more than the 20 px of a mouse.
const ROW_PX = matchMedia("(pointer: coarse)").matches ? 30 : 20;
const HISTORY = 200;
const SILENCE_MS = 40_000; // it says something every 15 s
const REFILTER_MS = 400;
const PAST_S = 1; // that the past may take to come
const FULL = `the newest ${count(LINES_MAX)} lines`;

export class TailView {
    private readonly store = new LineStore();
    private readonly held = new LineStore(); // what comes during a pause
    private isPaused = false;
    private missed = 0; // that even a pause could not hold
    private readonly filter = el("input", {
        type: "search", class: "mono", spellcheck: "false",
        autocapitalize: "none", "aria-label": "Filter, by the daemon",
        placeholder: "Filter: status>=500 process=router  /" });
    private readonly search = el("input", {
        type: "search", spellcheck: "false", autocapitalize: "none",
        "aria-label": "Search in these lines", placeholder: "Search" });
    private readonly pause = el("button", {
        type: "button", class: "chip", title: "Space",
        onclick: () => this.togglePause() });
    private readonly end = el("button", {
        type: "button", class: "chip", title: "f",
        onclick: () => this.follow() }, "Follow");
    // How many lines there are is no news, and why there are none is.
    private readonly failed = el("span", { role: "status" });
    private readonly kept = el("span");
    private readonly told = el("p", { class: "fine tail-told" }, this.failed,
                               this.kept);
    // Why there is no line, where they would be.
    private readonly none = el("p", { class: "list-none" });
    private readonly list: VirtualList;
    readonly root: HTMLElement;
    private stream: Stream | null = null;
    private words = "";
    private where = ""; // that it is filtered by
    private since_s = 0; // 0: it has not begun
    private current: Entry | null = null; // the line that keys have chosen
    private needle = "";
    private hits = 0;
    private goesOn = ""; // what the button says; nothing yet
    private isFollowing = false; // as its button has it
    private readonly draw = onceAFrame(() => this.sight.ask());
    private readonly sight: InSight;
    private readonly countHits = atMostEvery(700, () => this.recount());

    constructor(private readonly channel: string,
                private readonly behind: Behind) {
        const user = {
            entry: (index: number): Entry | undefined => this.store.at(index),
            isCurrent: (index: number): boolean =>
                this.current !== null && this.store.at(index) === this.current,
            needle: (): string => this.needle,
            onLine: (line: Line): void => this.open(line),
            onRequest: (id: string): void => this.behind.request(id),
        };
        this.list = new VirtualList("Lines", ROW_PX,
                                    () => new LineRow(user),
                                    () => this.draw());
        this.list.root.append(this.none);
        this.list.root.addEventListener("keydown",
                                        event => this.pressed(event));
        const refilter = atMostEvery(REFILTER_MS, () => this.reopen());
        this.filter.addEventListener("change", refilter);
        this.filter.addEventListener("search", refilter);
        this.search.addEventListener("input", () => this.searched());
        this.search.addEventListener("search", () => this.searched());
        this.search.addEventListener("keydown", event => {
            if (event.key === "Enter")
                this.nextHit(event.shiftKey ? 1 : -1);
        });
        this.root = section(
            "tail", "Live tail",
            el("div", { class: "toolbar" }, this.filter, this.search,
               this.pause, this.end, this.told),
            this.list.root);
        this.sight = new InSight(this.root, () => this.render());
        new ResizeObserver(() => this.draw()).observe(this.list.root);
    }

    // It streams while there is something to be seen of it.
    setShown(isShown: boolean): void {
        if (isShown === (this.stream !== null))
            return;
        if (isShown)
            this.reopen();
        else
            this.close();
    }

    close(): void {
        this.stream?.close();
        this.stream = null;
    }

    focusFilter(): void {
        this.filter.focus();
    }

    follow(): void {
        if (this.isPaused)
            this.togglePause();
        this.list.follow(true);
    }

    togglePause(): void {
        this.isPaused = !this.isPaused;
        if (!this.isPaused)
            this.release();
        this.draw();
    }

    private open(line: Line): void {
        this.behind.panel.openWith(`Line № ${count(line.seq)}`, line,
                                   this.stream?.epoch ?? "");
    }

    // Within the list, arrows choose a line and Enter opens it, as a click does.
    private pressed(event: KeyboardEvent): void {
        if (event.key === "Enter" && this.current?.kind === "line") {
            this.open(this.current.line);
        } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            this.moveCurrent(event.key === "ArrowDown" ? 1 : -1);
        } else {
            return;
        }
        event.preventDefault();
    }

    // Behind the last line while none is chosen, or the chosen one is gone.
    private placeOfCurrent(): number {
        for (let at = this.store.length - 1; at >= 0; at--)
            if (this.store.at(at) === this.current)
                return at;
        return this.store.length;
    }

    private moveCurrent(by: 1 | -1): void {
        const last = this.store.length - 1;
        const next = Math.max(0, Math.min(last, this.placeOfCurrent() + by));
        this.current = this.store.at(next) ?? null;
        this.list.reveal(next);
    }

    // The next line with the searched text, down or up from where we are.
    nextHit(by: 1 | -1): void {
        if (this.needle === "")
            return;
        for (let i = this.placeOfCurrent() + by;
            i >= 0 && i < this.store.length; i += by) {
            if (!this.isHit(i))
                continue;
            this.current = this.store.at(i) ?? null;
            this.list.reveal(i);
            return;
        }
    }

    private isHit(index: number): boolean {
        const entry = this.store.at(index);
        return entry?.kind === "line" &&
            (entry.line.text.toLowerCase().includes(this.needle) ||
             isFrom(entry.line, this.needle));
    }

    private reopen(): void {
        this.stream?.close();
        this.store.clear();
        this.held.clear();
        this.missed = 0;
        this.words = "";
        this.since_s = 0;
        const query: Record<string, string | number> = { num: HISTORY };
        this.where = this.filter.value.trim();
        if (this.where !== "")
            query["where"] = this.where;
        this.stream = new Stream(
            channelPath(this.channel, "/tail", query), SILENCE_MS, {
                onEvent: event => this.take(event),
                onState: state => {
                    this.words = whyNothing(state);
                    this.draw();
                },
                onOpen: () => {
                    this.since_s ||= Date.now() / 1000;
                    this.draw();
                },
            });
        this.draw();
    }

    private take(event: SseEvent): void {
        if (event.event === "lines")
            for (const line of JSON.parse(event.data) as Line[])
                this.add({ kind: "line", line });
        else if (event.event === "gap") {
            this.behind.panel.outlive(this.stream?.epoch ?? "");
            this.add({ kind: "note", text: gapText(event.data) });
        }
        this.draw();
    }

    // What a changed filter finds is of before, and not what a pause holds.
    private isPast(): boolean {
        return this.store.length < HISTORY &&
            Date.now() / 1000 < this.since_s + PAST_S;
    }

    private add(entry: Entry): void {
        if (!this.isPaused || this.isPast()) {
            this.store.push(entry);
            return;
        }
        this.held.push(entry);
        this.missed += this.held.takeGone();
    }

    // How many lines the pause has held back.
    private waiting(): number {
        return this.held.length + this.missed;
    }

    private release(): void {
        if (this.missed > 0)
            this.store.push({ kind: "note", text:
                `${plural(this.missed, "line")} came during the pause that ` +
                "this page did not keep" });
        this.missed = 0;
        for (let i = 0; i < this.held.length; i++) {
            const entry = this.held.at(i);
            if (entry)
                this.store.push(entry);
        }
        this.held.clear();
    }

    private searched(): void {
        this.needle = this.search.value.toLowerCase();
        this.recount();
        this.draw();
    }

    private recount(): void {
        this.hits = 0;
        if (this.needle !== "")
            for (let i = 0; i < this.store.length; i++)
                if (this.isHit(i))
                    this.hits++;
        this.showWords();
    }

    private render(): void {
        this.list.update(this.store.length, this.store.takeGone());
        const goesOn = this.isPaused
            ? `Go on (${compact(this.waiting())})` : "Pause";
        const isFollowing = this.list.isFollowing && !this.isPaused;
        if (goesOn !== this.goesOn || isFollowing !== this.isFollowing)
            this.showButtons(goesOn, isFollowing);
        if (this.needle !== "")
            this.countHits();
        this.showWords();
    }

    private showButtons(goesOn: string, isFollowing: boolean): void {
        this.goesOn = goesOn;
        this.isFollowing = isFollowing;
        setText(this.pause, goesOn);
        setAttribute(this.pause, "aria-pressed", String(this.isPaused));
        setAttribute(this.end, "aria-pressed", String(isFollowing));
        this.list.root.classList.toggle("is-paused", this.isPaused);
    }

    private showWords(): void {
        const kept = this.store.length >= LINES_MAX ? FULL
            : plural(this.store.length, "line");
        const found = this.needle === ""
            ? "" : `${count(this.hits)} with “${this.search.value}” of `;
        const told = this.words !== "" ? "" : found + kept;
        const why = this.store.length > 0 ? "" : this.whyEmpty();
        if (told !== this.kept.textContent || why !== this.none.textContent ||
            this.words !== this.failed.textContent)
            this.say(told, why);
    }

    private say(told: string, why: string): void {
        const tone = this.words === "" ? "" : "bad";
        this.told.dataset["tone"] = this.none.dataset["tone"] = tone;
        setText(this.failed, this.words);
        setText(this.kept, told);
        setText(this.none, why);
    }

    private whyEmpty(): string {
        if (this.words !== "")
            return this.words;
        if (this.since_s === 0)
            return "Connecting…";
        if (this.waiting() > 0)
            return `Paused: ${plural(this.waiting(), "line")} came since then`;
        const what = this.where === "" ? "No line yet"
            : `No line matches “${shown(this.where)}” yet`;
        return `${what}, asked for since ${clock(this.since_s)}`;
    }
}

// How many are missing is not known of a life of the daemon that is over.
function gapText(data: string): string {
    const { lost } = JSON.parse(data) as { lost: number | null };
    if (lost !== null)
        return `${plural(lost, "line")} lost here: newer ones had taken ` +
            "their place";
    return `Lines may be missing here: ${BEGAN_ANEW}`;
}
