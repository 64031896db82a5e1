// One channel: its numbers, its charts, its lines.
import { channelPath, isUnmeasured } from "../api/client";
import type { SseEvent } from "../api/sse";
import { BEGAN_ANEW, Stream, whyNothing, type StreamState } from
    "../api/stream";
import type { Frame, Snapshot } from "../api/types";
import { el, setText } from "../base/dom";
import { clock, count, duration, plural, text } from "../base/format";
import { atMostEvery, onceAFrame } from "../base/frames";
import { InSight, type Pace } from "../base/in_sight";
import { bindKeys } from "../base/keys";
import { shown } from "../base/shown";
import { TailView } from "../tail/tail_view";
import { makeChannel, sendFirstLine } from "../ui/first_steps";
import { askedAgain, login } from "../ui/login";
import { notice } from "../ui/notice";
import type { Page } from "../ui/page";
import { closeSide } from "../ui/side";
import type { Shell } from "../ui/shell";
import { Ask } from "./ask";
import { Behind } from "./behind";
import { Charts } from "./charts";
import { Drains } from "./drains";
import { Dynos } from "./dynos";
import { LedgerLine } from "./ledger";
import { Measures } from "./measures";
import { Routes } from "./routes";
import { Tiles } from "./tiles";

const SILENCE_MS = 10_000;
const SPEAK_MS = 20_000;
// Tables are read row by row, and a row that moves is not where it is clicked.
const READING = { seen_ms: 5000, unseen_ms: 30_000, hidden_ms: 5000 };
const YOUNG_MS = 60_000; // what is younger is another thing each second

export class ChannelPage implements Page {
    readonly root = el("div", { class: "channel" });
    private readonly behind: Behind;
    private readonly ask: Ask;
    private readonly tiles: Tiles;
    private readonly charts: Charts;
    private readonly dynos: Dynos;
    private readonly routes: Routes;
    private readonly measures = new Measures();
    private readonly drains: Drains;
    private readonly tail: TailView;
    private readonly ledger = new LedgerLine();
    private readonly restartedWords = el("p", { role: "status" });
    private readonly restarted = el(
        "div", { class: "banner", hidden: true }, this.restartedWords,
        el("button", { type: "button", class: "quiet",
                       onclick: () => { this.restarted.hidden = true; } },
           "Close"));
    private readonly lower = el("div", { class: "lower" });
    private readonly content: HTMLElement;
    private readonly parts: InSight[];
    private readonly stream: Stream;
    private state: HTMLElement | null = null;
    private stateKind = "";
    private newest: Snapshot | null = null;
    // When the first lines of its life were seen here; it may be older than the page.
    private begun_ms = -Infinity;
    private readonly draw = onceAFrame(() => this.render());
    private readonly speak = atMostEvery(SPEAK_MS, () => this.tell());
    private readonly unbind = bindKeys({
        Escape: event => this.escape(event) });
    private unbindKeys = (): void => undefined; // of what is shown

    constructor(private readonly shell: Shell, private readonly id: string) {
        this.behind = new Behind(id);
        this.tiles = new Tiles(this.behind);
        this.ask = new Ask(id, this.behind, () => this.newest);
        this.charts = new Charts(id, this.behind, this.ask.opener);
        this.dynos = new Dynos(this.behind);
        this.routes = new Routes(this.behind);
        this.drains = new Drains(id);
        this.tail = new TailView(id, this.behind);
        this.content = el(
            "div", { class: "channel-content" },
            el("h1", { class: "unseen" }, shown(id)), this.restarted,
            this.tiles.root, this.charts.root, this.lower, this.ledger.root);
        const part = (root: HTMLElement, draw: (now: Snapshot) => void,
                      pace: Pace = {}): InSight =>
            new InSight(root, () => this.newest && draw(this.newest), pace);
        this.parts = [
            part(this.tiles.root, now => this.tiles.update(now)),
            part(this.dynos.root,
                 now => this.dynos.update(now, this.charts.markers), READING),
            part(this.routes.root, now => this.routes.update(now), READING),
            part(this.measures.root, now => this.measures.update(now), READING),
            part(this.ledger.root, now => this.ledger.update(now), READING),
        ];
        this.placeLower();
        this.show("connecting", notice("Connecting…"));
        this.root.append(this.behind.panel.root, this.ask.root);
        shell.place(id);
        this.stream = new Stream(
            channelPath(id, "/aggregates/stream"), SILENCE_MS, {
                onEvent: event => this.take(event),
                onState: state => this.changed(state),
            });
    }

    close(): void {
        this.unbind();
        this.unbindKeys();
        closeSide();
        this.newest = null; // a frame that is under way draws nothing
        this.stream.close();
        this.parts.forEach(one => one.close());
        this.charts.close();
        this.drains.close();
        this.tail.close();
    }

    // On a wall screen the lines are beside the tables, and else between them.
    private placeLower(): void {
        this.lower.replaceChildren(
            el("div", { class: "tables" }, this.dynos.root, this.routes.root),
            this.tail.root, this.measures.root, this.drains.root);
    }

    private setKeys(has: boolean): void {
        this.unbindKeys();
        this.unbindKeys = !has ? () => undefined : bindKeys({
            1: () => this.charts.choose(0),
            2: () => this.charts.choose(1),
            3: () => this.charts.choose(2),
            "/": event => { event.preventDefault(); this.tail.focusFilter(); },
            " ": event => { event.preventDefault(); this.tail.togglePause(); },
            a: event => { event.preventDefault(); this.ask.open(); },
            f: () => this.tail.follow(),
            n: () => this.tail.nextHit(1),
            N: () => this.tail.nextHit(-1),
        });
    }

    // From the inside out: the panel, the field, the page.
    private escape(event: KeyboardEvent): void {
        if (closeSide())
            return;
        if (event.target instanceof HTMLInputElement)
            event.target.blur();
        else
            document.querySelector<HTMLElement>(".trail a")?.click();
    }

    private take(event: SseEvent): void {
        if (event.event !== "frame")
            return;
        const frame = JSON.parse(event.data) as Frame;
        this.noticeRestart(frame.snapshot);
        this.newest = frame.snapshot;
        this.behind.epoch = frame.snapshot.epoch;
        this.charts.take(frame.points, frame.snapshot, frame.second + 1);
        this.shell.beat();
        this.draw();
    }

    private noticeRestart(next: Snapshot): void {
        const had = this.newest;
        if (had === null ? next.to - next.from < YOUNG_MS / 1000
            : had.epoch !== next.epoch || had.ledger.appended === 0)
            this.begun_ms = performance.now();
        if (had === null || had.epoch === next.epoch ||
            had.ledger.appended === 0)
            return; // nothing is gone
        this.behind.panel.outlive(next.epoch);
        this.ask.outlive(next.epoch);
        this.restarted.hidden = false;
        setText(this.restartedWords,
                `This channel began anew before ${clock(next.now)}: ` +
                `${BEGAN_ANEW}. Lines and numbers of before are gone.`);
    }

    private changed(state: StreamState): void {
        this.shell.setState(state);
        if (state.kind === "refused")
            this.refused(state);
        else if (state.kind === "waiting" && !askedAgain(this.state, state) &&
                 this.newest === null)
            this.show("waiting", notice(
                "Not there yet", el("p", {}, whyNothing(state))));
    }

    private refused(state: StreamState & { kind: "refused" }): void {
        const { error } = state;
        this.shell.forget(); // none of them is to be seen now
        const said = el("p", {}, whyNothing(state));
        if (isUnmeasured(error)) {
            this.showLinesOnly(said);
            return;
        }
        closeSide(); // its lines are gone, or none of theirs who come now
        this.ask.forget();
        if (error.status === 401) {
            if (!askedAgain(this.state, state))
                this.show("401", login(state));
        } else if (error.status === 404)
            this.show("404", notice(
                `There is no channel “${shown(this.id)}”`, said,
                el("p", {}, "To make it:"), makeChannel(this.id),
                el("p", {}, el("a", { href: "/" }, "All channels"))));
        else
            this.show(String(error.status), notice(
                "This channel can't be shown", said,
                el("p", {}, el("a", { href: "/" }, "All channels"))));
    }

    // A daemon that does not measure has lines all the same.
    private showLinesOnly(said: HTMLElement): void {
        if (this.stateKind === "off")
            return;
        this.show("off", el(
            "div", {}, el("div", { class: "banner" }, said), this.tail.root,
            this.drains.root));
        this.tail.setShown(true);
    }

    // What is shown in place of the numbers; kind "": the numbers. The same
    // kind again changes nothing, so a form that is being filled in stays.
    private show(kind: string, state: HTMLElement | null): void {
        if (this.stateKind === kind && this.root.childElementCount > 0)
            return;
        if (this.stateKind === "off")
            this.placeLower(); // it had the lines
        this.stateKind = kind;
        (this.state ?? this.content).remove();
        this.state = state;
        this.root.prepend(state ?? this.content);
        state?.querySelector("input")?.focus();
        this.tail.setShown(kind === "");
        this.setKeys(kind === "" || kind === "off");
    }

    private render(): void {
        const now = this.newest;
        if (!now)
            return;
        if (now.ledger.appended === 0) {
            this.showEmpty();
            return;
        }
        this.show("", null);
        if (performance.now() < this.begun_ms + YOUNG_MS)
            this.parts.forEach(one => one.forget());
        this.parts.forEach(one => one.ask());
        this.charts.draw();
        this.speak();
    }

    private showEmpty(): void {
        if (this.restarted.hidden)
            this.show("empty", notice(
                "No line yet", el("p", {}, "Send the first one, and this ",
                                  "page comes to life:"),
                sendFirstLine(this.id)));
        else
            this.show("emptied", notice(
                "No line since then",
                el("p", {}, this.restartedWords.textContent ?? "")));
    }

    private tell(): void {
        const now = this.newest;
        if (!now)
            return;
        const p95 = now.requests.response_ms?.p95;
        const errors = now.codes.reduce((sum, one) => sum + one.count, 0);
        this.shell.say(
            `${count(Math.round(now.requests.per_s))} requests a second, ` +
            (p95 ? `95th percentile ${text(duration, p95)}, ` : "") +
            plural(errors, "error"));
    }
}
