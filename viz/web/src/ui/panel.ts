// The lines behind a number, at the side.
import { whyNot } from "../api/client";
import type { AbsentLine, Line, Lines } from "../api/types";
import { el, type Child } from "../base/dom";
import { clock, count } from "../base/format";
import { shown, visibleLines } from "../base/shown";
import { originOf, requestOf, toneOf } from "./line_text";
import { HIDDEN, wordsOf } from "./lines_words";
import { Side } from "./side";

type Ask = (signal: AbortSignal) => Promise<Lines>;

export class Panel {
    private readonly told = el("p", { class: "fine", role: "status" });
    private readonly list = el("ol", { class: "lines" });
    private readonly side = new Side("Lines", () => this.under?.abort(),
                                     this.told, this.list);
    readonly root = this.side.root;
    private under: AbortController | null = null;
    private epoch = ""; // of the lines that are shown; empty: there are none

    // byRequest: what a click on a line's request id is to do.
    constructor(private readonly byRequest: (id: string) => void) {}

    // limit: how many lines are asked for at most.
    async open(title: string, ask: Ask, limit: number): Promise<void> {
        this.show(title);
        this.told.textContent = "Looking…";
        const under = new AbortController();
        this.under = under;
        try {
            this.fill(await ask(under.signal), limit);
        } catch (error) {
            if (!under.signal.aborted)
                this.told.textContent = whyNot(error);
        }
    }

    // A line that is here already.
    openWith(title: string, line: Line, epoch: string): void {
        this.show(title);
        this.fill({ epoch, lines: [line], complete: true }, 1);
    }

    // epoch: the new one. Lines of before can be read on, but not be asked for
    // again.
    outlive(epoch: string): void {
        if (this.epoch !== "" && this.epoch !== epoch)
            this.told.textContent = "Lines of before this channel began anew.";
    }

    private show(title: string): void {
        this.under?.abort();
        this.epoch = "";
        this.list.replaceChildren();
        this.side.show(title);
    }

    private fill(answer: Lines, limit: number): void {
        this.epoch = answer.lines.some(line => "text" in line)
            ? answer.epoch : "";
        this.told.textContent = wordsOf(answer, limit);
        this.list.replaceChildren(...answer.lines.map(
            line => "text" in line ? this.lineItem(line)
                                   : absentItem(line)));
    }

    private lineItem(line: Line): HTMLElement {
        return el(
            "li", { "data-tone": toneOf(line) },
            el("div", { class: "line-head" },
               el("time", {}, clock(line.t, true)),
               el("b", {}, originOf(line)),
               el("span", { class: "seq" }, `№ ${count(line.seq)}`)),
            el("p", { class: "line-text" }, ...this.textOf(line)));
    }

    private textOf(line: Line): Child[] {
        const request = requestOf(line.text);
        const tail = line.cut ? " … (cut here)" : "";
        if (!request)
            return [visibleLines(line.text) + tail];
        return [
            visibleLines(line.text.slice(0, request.from)),
            el("button", { class: "request", type: "button",
                           title: "All lines of this request",
                           onclick: () => this.byRequest(request.id) },
               shown(request.id)),
            visibleLines(line.text.slice(request.to)) + tail,
        ];
    }
}

function absentItem(line: AbsentLine): HTMLElement {
    const why = line.evicted
        ? "is evicted: newer lines have taken its place in memory"
        : line.hidden ? HIDDEN
        : line.left_out ? "is left out: the answer is large enough as it is"
            : "has not come yet";
    return el("li", { class: "absent" }, `№ ${count(line.seq)} ${why}.`);
}
