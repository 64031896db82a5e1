// The routes of the last minute: the slowest, and those that fail most.
import type { Route, Snapshot } from "../api/types";
import { el, setText } from "../base/dom";
import { compact, duration, percent, short, text } from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { shown } from "../base/shown";
import { NumberCells, linesButton, section, table } from "../ui/parts";
import type { Behind } from "./behind";

const FORMATS = [short, duration, duration]; // of requests, p50, p95

class RouteRow implements View<Route> {
    private readonly cells = new NumberCells(FORMATS);
    private readonly failed = el("td");
    readonly root: HTMLElement;
    private failedWords = "";

    constructor({ route }: Route, behind: Behind) {
        const name = route === null ? "all others" : shown(route);
        const button = linesButton("Lines of this route", () => {
            if (route !== null)
                behind.matching(name, { route });
        }, el("span", { class: "route", title: name }, name)); // it may be cut
        button.disabled = route === null; // nobody can ask for others
        const [all, ...quantiles] = this.cells.tds;
        this.root = el(
            "tr", {}, el("th", { scope: "row", class: "text" }, button),
            all, this.failed, ...quantiles);
    }

    update(of: Route): void {
        this.cells.show([of.count, of.response_ms?.p50, of.response_ms?.p95]);
        const failed = failedOf(of);
        if (failed === this.failedWords)
            return;
        this.failedWords = failed;
        this.failed.textContent = failed;
        this.failed.dataset["tone"] = of.failed > 0 ? "bad" : "";
    }
}

function failedOf({ failed, count }: Route): string {
    return failed === 0 ? "0"
        : `${compact(failed)} (${text(percent, failed / count)})`;
}

const ROUTES = 10;

class RouteTable {
    private readonly rows: Keyed<Route>;
    private readonly none = el("p", { class: "fine none-here" });
    private readonly table: HTMLElement;
    readonly root: HTMLElement;

    constructor(id: string, title: string, behind: Behind,
                private readonly noneWords: string) {
        const made = table(title, [
            { label: "Route", isText: true }, { label: "Requests" },
            { label: "Failed" }, { label: "p50" }, { label: "p95" },
        ]);
        this.table = made.root;
        this.rows = new Keyed<Route>(made.body, of => of.route ?? "",
                                     of => new RouteRow(of, behind));
        this.root = section(id, title, made.root, this.none);
    }

    update(routes: readonly Route[], weight: (of: Route) => number): void {
        const sorted = [...routes].sort((a, b) => weight(b) - weight(a));
        this.rows.update(sorted.slice(0, ROUTES));
        this.table.hidden = routes.length === 0;
        setText(this.none, routes.length === 0 ? this.noneWords : "");
    }
}

export class Routes {
    private readonly slowest: RouteTable;
    private readonly failing: RouteTable;
    readonly root: HTMLElement;

    constructor(behind: Behind) {
        this.slowest = new RouteTable("slowest", "Slowest routes", behind,
                                      "None in the last minute");
        this.failing = new RouteTable("failing", "Most failing routes",
                                      behind, "None fails");
        this.root = el("div", { class: "two routes" }, this.slowest.root,
                       this.failing.root);
    }

    update({ routes }: Snapshot): void {
        this.root.hidden = routes.length === 0;
        this.slowest.update(routes, slowness);
        this.failing.update(routes.filter(of => of.failed > 0), failures);
    }
}

function slowness(of: Route): number {
    return of.response_ms?.p95 ?? of.response_ms?.mean ?? 0;
}

function failures(of: Route): number {
    return of.failed;
}
