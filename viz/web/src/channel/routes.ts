// The routes of the last minute: the slowest, and those that fail most.
import type { Route, Snapshot } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import { compact, duration, percent, text } from "../base/format";
import { Keyed, type View } from "../base/keyed";
import { shown } from "../base/shown";
import { cell, linesButton, section, table } from "../ui/parts";
import type { Behind } from "./behind";

class RouteRow implements View<Route> {
    private readonly name = el("span", { class: "route" });
    private readonly count = cell();
    private readonly failed = cell();
    private readonly p50 = cell();
    private readonly p95 = cell();
    private readonly button: HTMLButtonElement;
    readonly root: HTMLElement;
    private route: string | null = null;

    constructor(behind: Behind) {
        this.button = linesButton("Lines of this route", () => {
            if (this.route !== null)
                behind.matching(shown(this.route), { route: this.route });
        }, this.name);
        this.root = el(
            "tr", {}, el("th", { scope: "row", class: "text" }, this.button),
            this.count.td, this.failed.td, this.p50.td, this.p95.td);
    }

    update(of: Route): void {
        this.route = of.route;
        this.button.disabled = of.route === null; // nobody can ask for others
        const name = of.route === null ? "all others" : shown(of.route);
        setText(this.name, name);
        setAttribute(this.name, "title", name); // it may be cut
        this.count.set(compact(of.count));
        this.failed.set(of.failed > 0
            ? `${compact(of.failed)} (${text(percent(of.failed / of.count))})`
            : "0", of.failed > 0 ? "bad" : "");
        this.p50.set(text(duration(of.response_ms?.p50)));
        this.p95.set(text(duration(of.response_ms?.p95)));
    }
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
                                     () => new RouteRow(behind));
        this.root = section(id, title, made.root, this.none);
    }

    update(routes: Route[]): void {
        this.rows.update(routes.slice(0, ROUTES));
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
        const slowness = (of: Route): number =>
            of.response_ms?.p95 ?? of.response_ms?.mean ?? 0;
        this.root.hidden = routes.length === 0;
        this.slowest.update([...routes].sort(
            (a, b) => slowness(b) - slowness(a)));
        this.failing.update(routes.filter(of => of.failed > 0).sort(
            (a, b) => b.failed - a.failed));
    }
}
