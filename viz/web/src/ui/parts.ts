// The small pieces that tiles and tables are made of.
import { el, setVariable, type Child } from "../base/dom";
import { figure, NOTHING, text, type Figure, type Format } from "../base/format";

// A value and its unit.
export class Value {
    private readonly number = el("span", { class: "number" }, NOTHING);
    private readonly unit = el("span", { class: "unit" });
    readonly root: HTMLElement;
    private said: Figure = { value: NOTHING, unit: "" };

    constructor(className = "value") {
        this.root = el("span", { class: className }, this.number, this.unit);
    }

    show(format: Format, x: number | null | undefined): void {
        this.update(figure(format, x));
    }

    update(next: Figure): void {
        const { value, unit } = this.said;
        this.said = next;
        if (next.value !== value)
            this.number.textContent = next.value;
        if (next.unit !== unit)
            this.unit.textContent =
                next.unit === "" ? "" : `\u00a0${next.unit}`;
    }
}

// A share of something as a bar, from 0 to 1; more than 1 is full, and says so
// by its tone.
export class Bar {
    private readonly fill = el("span", { class: "bar-fill" });
    readonly root = el("span", { class: "bar", "aria-hidden": "true" },
                       this.fill);
    private share = NaN; // not drawn yet

    // The tone goes by the share.
    update(share: number, tone: "" | "warn" | "bad"): void {
        if (share !== this.share)
            this.draw(share, tone);
    }

    private draw(share: number, tone: "" | "warn" | "bad"): void {
        this.share = share;
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

// Cells of numbers, each column in its format. What is the same as it was is not even
// put into words.
export class NumberCells {
    readonly tds: readonly HTMLElement[];
    private readonly shown: (number | null | undefined)[];

    constructor(private readonly formats: readonly Format[],
                classNames: readonly string[] = []) {
        this.tds = formats.map((_, i) => el("td", { class: classNames[i] },
                                            NOTHING));
        this.shown = formats.map(() => null);
    }

    // Of each cell.
    show(numbers: readonly (number | null | undefined)[]): void {
        numbers.forEach((x, i) => {
            if (x !== this.shown[i])
                this.write(i, x);
        });
    }

    private write(at: number, x: number | null | undefined): void {
        const td = this.tds[at];
        const format = this.formats[at];
        this.shown[at] = x;
        if (td && format)
            td.textContent = text(format, x);
    }
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
