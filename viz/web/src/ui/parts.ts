// The small pieces that tiles and tables are made of.
import { el, setAttribute, setText, setVariable, type Child } from "../base/dom";
import type { Figure } from "../base/format";

// A value and its unit.
export class Value {
    private readonly number = el("span", { class: "number" }, "–");
    private readonly unit = el("span", { class: "unit" });
    readonly root: HTMLElement;

    constructor(className = "value") {
        this.root = el("span", { class: className }, this.number, this.unit);
    }

    update(figure: Figure): void {
        setText(this.number, figure.value);
        setText(this.unit, figure.unit === "" ? "" : `\u00a0${figure.unit}`);
    }
}

// A share of something as a bar, from 0 to 1; more than 1 is full, and says so
// by its tone.
export class Bar {
    private readonly fill = el("span", { class: "bar-fill" });
    readonly root = el("span", { class: "bar", "aria-hidden": "true" },
                       this.fill);

    update(share: number, tone: "" | "warn" | "bad"): void {
        setVariable(this.fill, "--share",
                    Math.max(0, Math.min(1, share)).toFixed(3));
        this.root.dataset["tone"] = tone;
    }
}

export function toneOf(share: number, warn: number, bad: number):
    "" | "warn" | "bad" {
    if (share >= bad)
        return "bad";
    return share >= warn ? "warn" : "";
}

// Where failing begins to be news. What people are called out of bed for, not a law.
export function failedTone(of: { count: number; failed: number }):
    "" | "warn" | "bad" {
    return of.count === 0 ? "" : toneOf(of.failed / of.count, 0.01, 0.05);
}

// A button that looks like the number it holds.
export function linesButton(label: string, onclick: () => void,
                            ...children: Child[]): HTMLButtonElement {
    return el("button", { class: "behind", type: "button", onclick,
                          title: label }, ...children);
}

export function section(id: string, title: string,
                        ...children: Child[]): HTMLElement {
    return el("section", { class: "block", id, "aria-labelledby": `${id}-h` },
              el("h2", { id: `${id}-h` }, title), ...children);
}

export interface Cell {
    td: HTMLElement;
    set(text: string, tone?: string): void;
}

export function cell(className = ""): Cell {
    const td = el("td", { class: className });
    return {
        td,
        set(text, tone = "") {
            setText(td, text);
            setAttribute(td, "data-tone", tone === "" ? undefined : tone);
        },
    };
}

export interface Head {
    label: string;
    name?: string; // a class of its cells
    hint?: string;
    isText?: boolean;
}

// A table in a box that scrolls by itself where it is too wide.
export function table(caption: string, heads: readonly Head[]):
    { root: HTMLElement; body: HTMLTableSectionElement } {
    const body = el("tbody");
    const row = el("tr", {}, ...heads.map(head => el(
        "th", { scope: "col", title: head.hint,
                class: head.isText ? "text" : head.name ?? "" },
        head.label)));
    const root = el(
        "div", { class: "scroll", tabindex: 0, role: "region",
                 "aria-label": caption },
        el("table", {}, el("caption", { class: "unseen" }, caption),
           el("thead", {}, row), body));
    return { root, body };
}
