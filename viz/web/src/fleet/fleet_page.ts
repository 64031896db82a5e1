// All channels, what hurts first.
import { isUnmeasured } from "../api/client";
import { Stream, whyNothing, type StreamState } from "../api/stream";
import type { Fleet, FleetChannel } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import { compact, count, plural } from "../base/format";
import { atMostEvery, onceAFrame } from "../base/frames";
import { Keyed } from "../base/keyed";
import { bindKeys } from "../base/keys";
import { makeChannel } from "../ui/first_steps";
import { askedAgain, login } from "../ui/login";
import { notice } from "../ui/notice";
import type { Page } from "../ui/page";
import { failedTone, Value } from "../ui/parts";
import { keepPlace, place } from "../ui/place";
import type { Shell } from "../ui/shell";
import { channelHref, FleetRow } from "./fleet_row";
import { plainList } from "./plain_list";

type Sort = "hurt" | "requests" | "failed" | "errors" | "p95" | "loss" |
    "memory" | "lines" | "name";

const COLUMNS: { name: string; label: string; sort: Sort | null;
                 hint: string }[] = [
    { name: "name text", label: "Channel", sort: "name", hint: "By name" },
    { name: "spark", label: "5 minutes", sort: null,
      hint: "Requests, or where there are none lines, in each 10 s" },
    { name: "requests", label: "Requests", sort: "requests",
      hint: "In a second, over the last minute" },
    { name: "failed", label: "Failed", sort: "failed",
      hint: "Status 500 and more, or an H code" },
    { name: "p95", label: "p95", sort: "p95",
      hint: "Response time 95 % of the way from fastest to slowest" },
    { name: "errors text", label: "Error codes", sort: "errors",
      hint: "H, R and L codes of the last minute" },
    { name: "memory", label: "Memory", sort: "memory",
      hint: "Of its quota, the process that is nearest to it" },
    { name: "lost", label: "Lost lines", sort: "loss",
      hint: "That could not be measured" },
    { name: "lines", label: "Lines", sort: "lines",
      hint: "In a second, over the last minute" },
];

const STEP = 50;
const MOST = 500;
const SILENCE_MS = 10_000;
const SPEAK_MS = 20_000;

export class FleetPage implements Page {
    readonly root = el("div", { class: "fleet" });
    private readonly totals = new Totals();
    private readonly search = el("input", {
        type: "search", id: "search", placeholder: "Search channels  /",
        "aria-label": "Search channels", spellcheck: "false",
        autocapitalize: "none" });
    private readonly matched = el("span", { class: "fine", role: "status" });
    private readonly byHurt = el("button", {
        class: "chip", type: "button", onclick: () => this.sortBy("hurt"),
        title: "Lost lines, then failed requests, errors, memory, p95" },
        "What hurts first");
    private readonly more = el("button", {
        class: "quiet more", type: "button", hidden: true,
        onclick: () => this.showMore() }, "Show more");
    private readonly heads = new Map<Sort, HTMLElement>();
    private readonly body = el("tbody", { role: "rowgroup" });
    private readonly rows = new Keyed<FleetChannel>(
        this.body, channel => channel.id,
        () => new FleetRow(() => this.newest ?? { window_s: 60, now: 0 }));
    private readonly content: HTMLElement;
    private empty: HTMLElement | null = null; // it says so
    private state: HTMLElement | null = null;
    private refusedWith = "";
    private stream: Stream | null = null;
    private newest: Fleet | null = null;
    private sort: Sort;
    private order: "asc" | "desc";
    private limit = place().limit ?? STEP;
    private top = place().top ?? 0; // where to scroll as soon as there are rows
    private answered: string | null = null; // the search that newest is of
    private isToOpen = false; // the first match, as soon as it is known
    private readonly draw = onceAFrame(() => this.render());
    private readonly speak = atMostEvery(SPEAK_MS, () => this.tell());
    private readonly unbind: () => void;

    constructor(private readonly shell: Shell,
                private readonly go: (path: string) => void) {
        const query = new URLSearchParams(location.search);
        this.sort = COLUMNS.find(one => one.sort === query.get("sort"))
            ?.sort ?? "hurt";
        this.order = query.get("order") === "asc" ? "asc" : "desc";
        this.search.value = query.get("search") ?? "";
        const reopen = atMostEvery(250, () => this.reopen());
        this.search.addEventListener("input", () => {
            this.isToOpen = false;
            reopen();
        });
        this.search.addEventListener("keydown", event => this.typed(event));
        this.content = el(
            "div", { class: "fleet-content" },
            el("h1", { class: "unseen" }, "Fleet"), this.totals.root,
            el("div", { class: "toolbar" }, this.search, this.byHurt,
               el("span", { class: "spring" }), this.matched),
            this.table(), this.more);
        this.root.append(this.content);
        this.body.addEventListener("click", event => this.clicked(event));
        this.unbind = bindKeys({
            "/": event => { event.preventDefault(); this.search.focus(); },
            j: () => this.move(1), ArrowDown: e => this.move(1, e),
            k: () => this.move(-1), ArrowUp: e => this.move(-1, e),
        });
        shell.place(null);
        this.reopen();
    }

    close(): void {
        this.stream?.close();
        this.unbind();
    }

    private table(): HTMLElement {
        const cells = COLUMNS.map(one => {
            const head = el("th", { scope: "col", role: "columnheader",
                                    class: `c-${one.name}`,
                                    title: one.hint });
            const sort = one.sort;
            if (sort === null) {
                head.append(one.label);
                return head;
            }
            head.append(el("button", { type: "button", class: "sort",
                                       onclick: () => this.sortBy(sort) },
                           one.label));
            this.heads.set(sort, head);
            return head;
        });
        return el("table", { class: "channels", role: "table" },
                  el("caption", { class: "unseen" },
                     "Channels, over the last minute"),
                  el("thead", { role: "rowgroup" },
                     el("tr", { role: "row" }, ...cells)), this.body);
    }

    private sortBy(sort: Sort): void {
        const isAgain = this.sort === sort && sort !== "hurt";
        const natural = sort === "name" ? "asc" : "desc";
        this.order = isAgain && this.order === natural
            ? (natural === "asc" ? "desc" : "asc") : natural;
        this.sort = sort;
        this.reopen();
    }

    private showMore(): void {
        this.limit = Math.min(MOST, this.limit + STEP);
        this.reopen();
    }

    private reopen(): void {
        this.stream?.close();
        const query = new URLSearchParams({ sort: this.sort,
                                            order: this.order });
        const search = this.search.value.trim();
        if (search !== "")
            query.set("search", search);
        const isPlain = this.sort === "hurt" && !query.has("search");
        keepPlace({ limit: this.limit }, isPlain ? "/" : `/?${query}`);
        query.set("limit", String(this.limit));
        this.showSort();
        this.stream = new Stream(`/v3/fleet/stream?${query}`, SILENCE_MS, {
            onEvent: event => {
                if (event.event !== "fleet")
                    return;
                this.newest = JSON.parse(event.data) as Fleet;
                this.answered = search;
                this.shell.beat();
                this.draw();
                if (this.isToOpen)
                    this.openFirst();
            },
            onState: state => this.changed(state),
        });
    }

    private showSort(): void {
        setAttribute(this.byHurt, "aria-pressed",
                     this.sort === "hurt" ? "true" : "false");
        for (const [sort, head] of this.heads)
            setAttribute(head, "aria-sort", sort !== this.sort ? undefined
                : this.order === "asc" ? "ascending" : "descending");
    }

    private changed(state: StreamState): void {
        this.shell.setState(state);
        if (state.kind === "waiting")
            askedAgain(this.state, state);
        else if (state.kind === "refused")
            this.refused(state);
    }

    private refused(state: StreamState & { kind: "refused" }): void {
        const { status, message } = state.error;
        // It is asked again and again, and what is shown stays.
        if ((status === 401 && askedAgain(this.state, state)) ||
            (message === this.refusedWith && this.state))
            return;
        this.refusedWith = message;
        this.show(status === 401 ? login(state)
            : isUnmeasured(state.error) ? plainList(whyNothing(state))
            : notice("The fleet can't be shown",
                     el("p", {}, whyNothing(state))));
    }

    // null: the numbers themselves.
    private show(state: HTMLElement | null): void {
        this.state = state;
        this.root.replaceChildren(state ?? this.content);
        state?.querySelector("input")?.focus();
    }

    private render(): void {
        const fleet = this.newest;
        if (!fleet)
            return;
        if (fleet.totals.channels === 0)
            this.showEmpty();
        else if (this.state)
            this.show(null);
        this.totals.update(fleet);
        this.rows.update(fleet.channels);
        if (this.top > 0)
            this.scrollBack();
        setText(this.matched, this.summary(fleet));
        this.more.hidden = fleet.channels.length >= fleet.matched ||
            this.limit >= MOST;
        this.speak();
    }

    // What is there stays: somebody selects in it, or has the focus there.
    private showEmpty(): void {
        if (this.state !== null && this.state === this.empty)
            return;
        this.empty = notice(
            "No channel yet", el("p", {}, "Make one, and it is here:"),
            makeChannel("demo"));
        this.show(this.empty);
    }

    private scrollBack(): void {
        scrollTo(0, this.top);
        this.top = 0;
    }

    private summary(fleet: Fleet): string {
        if (fleet.matched === 0)
            return `No channel has “${this.search.value.trim()}” in its name`;
        return fleet.channels.length < fleet.matched
            ? `${fleet.channels.length} of ${plural(fleet.matched, "channel")}`
            : plural(fleet.matched, "channel");
    }

    private tell(): void {
        const totals = this.newest?.totals;
        if (totals)
            this.shell.say(
                `${count(Math.round(totals.requests_per_s))} requests a ` +
                `second, ${plural(totals.errors, "error")} in the last ` +
                "minute");
    }

    private typed(event: KeyboardEvent): void {
        if (event.key === "Enter") {
            event.preventDefault();
            this.openFirst();
        } else if (event.key === "ArrowDown") {
            event.preventDefault();
            this.move(1);
        } else if (event.key === "Escape") {
            this.isToOpen = false;
            this.search.value = "";
            this.search.blur();
            this.reopen();
        }
    }

    // What is there may be of what was typed before; then it waits for the answer.
    private openFirst(): void {
        this.isToOpen = this.answered !== this.search.value.trim();
        const first = this.newest?.channels[0];
        if (!this.isToOpen && first)
            this.go(channelHref(first.id));
    }

    // The focus is the choice: Enter on a link opens it by itself.
    private move(by: number, event?: KeyboardEvent): void {
        event?.preventDefault();
        const links = [...this.body.querySelectorAll<HTMLElement>(
            ".channel-link")];
        const now = links.indexOf(document.activeElement as HTMLElement);
        const next = now < 0 ? (by > 0 ? 0 : links.length - 1) : now + by;
        links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
    }

    private clicked(event: Event): void {
        if (!(event.target instanceof Element) ||
            event.target.closest("a, button"))
            return;
        const href = event.target.closest("tr")?.querySelector("a")
            ?.getAttribute("href");
        if (href)
            this.go(href);
    }
}

class Totals {
    private readonly values = new Map<string, Value>();
    readonly root: HTMLElement;

    constructor() {
        const one = (key: string, label: string): HTMLElement => {
            const value = new Value("value big");
            this.values.set(key, value);
            return el("div", { class: "total" }, el("dt", {}, label),
                      el("dd", {}, value.root));
        };
        this.root = el("dl", { class: "totals" },
                       one("channels", "Channels active"),
                       one("requests", "Requests"), one("failed", "Failed"),
                       one("errors", "Error codes in a minute"),
                       one("lines", "Lines"), one("lost", "Lost lines"));
    }

    update({ totals }: Fleet): void {
        const put = (key: string, value: string, unit = "", tone = ""):
            void => {
            const at = this.values.get(key);
            at?.update({ value, unit });
            if (at)
                at.root.dataset["tone"] = tone;
        };
        put("channels", count(totals.active),
            `of ${count(totals.channels)}`);
        put("requests", compact(totals.requests_per_s), "/s");
        put("failed", compact(totals.failed_per_s), "/s",
            failedTone({ count: totals.requests_per_s,
                         failed: totals.failed_per_s }));
        put("errors", compact(totals.errors), "",
            totals.errors > 0 ? "warn" : "");
        put("lines", compact(totals.lines_per_s), "/s");
        put("lost", compact(totals.lost_lines), "",
            totals.lost_lines > 0 ? "bad" : "");
    }
}
