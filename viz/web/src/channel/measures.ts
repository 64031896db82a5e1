// Whatever else lines measure: a table for each group.
import type { Measure, Snapshot } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import { inUnit, percent, plural, whole } from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { shown } from "../base/shown";
import { NumberCells, section, table } from "../ui/parts";
import { measureGroups, nameOf, type MeasureGroup } from "./measure_groups";

const ROWS = 8; // of a group, until somebody asks for more
const ROWS_MAX = 200;

// Values, sum, mean, p50, p95, most, last.
const CLASSES = ["", "c-sum", "c-of-values", "c-quantile", "c-quantile",
                 "c-of-values", "c-of-values"];

class MeasureRow implements View<Measure> {
    private readonly cells: NumberCells;
    readonly root: HTMLElement;

    constructor(of: Measure) {
        const name = nameOf(of);
        const format = isShare(of) ? percent : inUnit(of.unit ?? "");
        this.cells = new NumberCells(
            CLASSES.map((_, i) => i === 0 ? whole : format), CLASSES);
        this.root = el("tr", {}, el("th", { scope: "row", class: "text",
                                            title: name }, name), // it may be cut
                       ...this.cells.tds);
    }

    update(of: Measure): void {
        // Of what is counted one by one, each value is 1.
        const isOnes = of.op === "unique" ||
            (of.op === "count" && of.min === 1 && of.max === 1);
        const sum = of.op === "count" ? of.sum : null;
        this.cells.show(isOnes ? [of.count, sum, null, null, null, null, null]
            : [of.count, sum, of.mean, of.p50, of.p95, of.max, of.last]);
    }
}

// Another key is another row, whose numbers may be written in another way.
function keyOf(of: Measure): string {
    const { name, op, unit, is_platform } = of;
    return `${name}\n${op}\n${unit}\n${is_platform}\n${isShare(of)}`;
}

function isShare({ name, unit, max }: Measure): boolean {
    return unit === "" && (max ?? 2) <= 1 && /hit[-_.]?rate$/.test(name ?? "");
}

class GroupView implements View<MeasureGroup> {
    private readonly rows: Keyed<Measure>;
    private readonly table: HTMLElement;
    private readonly more = el("button", {
        type: "button", class: "quiet more", onclick: () => this.toggle() });
    readonly root: HTMLElement;
    private isWhole = false;
    private newest: MeasureGroup;
    private left = -1; // rows that are shown to who asks for them; not known yet

    constructor(of: MeasureGroup) {
        this.newest = of;
        const made = table("Measures, over the last minute", [
            { label: "Measure", isText: true }, { label: "Values" },
            { label: "Sum", hint: "Of what counts", name: "c-sum" },
            { label: "Mean", name: "c-of-values" },
            { label: "p50", name: "c-quantile" },
            { label: "p95", name: "c-quantile" },
            { label: "Most", name: "c-of-values" },
            { label: "Last", name: "c-of-values" },
        ]);
        this.table = made.root;
        this.rows = new Keyed<Measure>(made.body, keyOf, of => new MeasureRow(of));
        made.root.setAttribute("aria-label", `Measures of ${
            of.of === "" ? "the application" : shown(of.of)}, over the last minute`);
        this.root = el("div", { class: "measure-group" },
                       el("h3", {}, of.of === "" ? "Application" : shown(of.of)),
                       made.root, this.more);
    }

    update(of: MeasureGroup): void {
        this.newest = of;
        // A column in which nothing stands is none.
        this.table.classList.toggle(
            "no-sums", of.rows.every(one => one.op !== "count"));
        this.table.classList.toggle(
            "no-quantiles", of.rows.every(one => one.p50 === null));
        this.rows.update(of.rows.slice(0, this.isWhole ? ROWS_MAX : ROWS));
        const left = Math.max(0, of.rows.length - ROWS);
        if (left !== this.left)
            this.offer(left);
    }

    private offer(left: number): void {
        this.left = left;
        this.more.hidden = left === 0;
        setText(this.more, this.isWhole ? "Show fewer" : `Show ${left} more`);
        setAttribute(this.more, "aria-expanded", String(this.isWhole));
    }

    private toggle(): void {
        this.isWhole = !this.isWhole;
        this.update(this.newest);
        this.offer(this.left);
    }
}

export class Measures {
    private readonly groups: Keyed<MeasureGroup>;
    private readonly filter = el("input", {
        type: "search", placeholder: "Find a measure", spellcheck: "false",
        autocapitalize: "none", "aria-label": "Find a measure",
        oninput: () => this.show() });
    private readonly told = el("p", { class: "fine", role: "status" });
    readonly root: HTMLElement;
    private newest: Measure[] = [];

    constructor() {
        const list = el("div", { class: "measure-groups" });
        this.groups = new Keyed<MeasureGroup>(list, of => of.of,
                                              of => new GroupView(of));
        this.root = section("measures", "Other measures",
                            el("div", { class: "toolbar" }, this.filter,
                               this.told), list);
    }

    update({ measures }: Snapshot): void {
        this.newest = measures;
        this.root.hidden = measures.length === 0;
        this.show();
    }

    private show(): void {
        const needle = this.filter.value;
        const groups = measureGroups(this.newest, needle);
        const n = groups.reduce((sum, of) => sum + of.rows.length, 0);
        this.groups.update(groups);
        setText(this.told, needle.trim() !== ""
            ? `${plural(n, "measure")} with “${needle.trim()}”`
            : n === 0 ? "None but what is shown above" : "");
    }
}
