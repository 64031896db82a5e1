// A row of the tail. There are some dozens of them, which show one line after
// the other.
import type { Line } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import { clock } from "../base/format";
import { shown, visible } from "../base/shown";
import { isFrom, pieces, requestOf, toneOf, type RequestAt } from
    "../ui/line_text";
import type { Entry } from "./line_store";
import type { RowView } from "./virtual_list";

export interface RowUser {
    entry(index: number): Entry | undefined;
    isCurrent(index: number): boolean;
    needle(): string;
    onLine(line: Line): void;
    onRequest(id: string): void;
}

export class LineRow implements RowView {
    private readonly time = el("span", { class: "row-time" });
    private readonly source = el("span", { class: "row-source" });
    private readonly process = el("span");
    private readonly from = el("span", { class: "row-from" }, this.source,
                               this.process);
    private readonly text = el("span", { class: "row-text" });
    // What it has of most lines: the text around the id of a request.
    private readonly before = document.createTextNode("");
    private readonly request = el("span", { class: "request" });
    private readonly after = document.createTextNode("");
    readonly root = el("div", { class: "row" }, this.time, this.from,
                       this.text);
    private shown: Entry | undefined;
    private needle = "";
    private isCurrent = false;
    private tone = "";

    constructor(private readonly user: RowUser) {
        this.root.addEventListener("click", event => this.clicked(event));
    }

    show(index: number): void {
        const entry = this.user.entry(index);
        const needle = this.user.needle();
        const isCurrent = this.user.isCurrent(index);
        if (isCurrent !== this.isCurrent)
            this.choose(isCurrent);
        if (!entry || (entry === this.shown && needle === this.needle))
            return;
        this.shown = entry;
        this.needle = needle;
        if (entry.kind === "line")
            this.showLine(entry.line);
        else
            this.showNote(entry.text);
    }

    private choose(isCurrent: boolean): void {
        this.isCurrent = isCurrent;
        setAttribute(this.root, "aria-current",
                     isCurrent ? "true" : undefined);
    }

    private setTone(tone: string): void {
        if (tone !== this.tone)
            this.root.dataset["tone"] = tone;
        this.tone = tone;
    }

    private showNote(text: string): void {
        this.setTone("note");
        setText(this.time, "");
        setText(this.source, "");
        setText(this.process, "");
        setText(this.text, text);
    }

    private showLine(line: Line): void {
        this.setTone(toneOf(line));
        setText(this.time, clock(line.t, true));
        setText(this.source, shown(line.source));
        setText(this.process, `[${shown(line.process)}]`);
        this.from.classList.toggle(
            "is-hit", this.needle !== "" && isFrom(line, this.needle));
        this.fill(line.text);
    }

    private fill(text: string): void {
        const request = requestOf(text);
        if (this.needle !== "")
            this.mark(text, request);
        else if (request)
            this.fillAround(text, request);
        else
            this.text.textContent = visible(text); // what was marked is no more
    }

    // A thousand times a second: no elements are made for it.
    private fillAround(text: string, { id, from, to }: RequestAt): void {
        this.before.data = visible(text.slice(0, from));
        setText(this.request, visible(id));
        this.after.data = visible(text.slice(to));
        if (this.text.firstChild !== this.before)
            this.text.replaceChildren(this.before, this.request, this.after);
    }

    private mark(text: string, request: RequestAt | null): void {
        if (!request) {
            this.text.replaceChildren(...this.marked(text));
            return;
        }
        this.text.replaceChildren(
            ...this.marked(text.slice(0, request.from)),
            el("span", { class: "request" }, ...this.marked(request.id)),
            ...this.marked(text.slice(request.to)));
    }

    private marked(text: string): Node[] {
        return pieces(text, this.needle).map(
            ({ text, isHit }) => isHit
                ? el("mark", {}, visible(text))
                : document.createTextNode(visible(text)));
    }

    private clicked(event: Event): void {
        if (this.shown?.kind !== "line" || !getSelection()?.isCollapsed)
            return;
        const { line } = this.shown;
        const request = event.target instanceof Element &&
            event.target.closest(".request") ? requestOf(line.text) : null;
        if (request)
            this.user.onRequest(request.id);
        else
            this.user.onLine(line);
    }
}
