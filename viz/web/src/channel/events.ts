// What happened, as a list: the markers of the charts in words.
import type { Marker } from "../api/types";
import { el, setText } from "../base/dom";
import { clock, NOTHING } from "../base/format";
import type { Behind } from "./behind";
import { happened, type Happened } from "./happened";
import type { SeriesStore } from "./series_store";

const SHOWN = 8;

export class Events {
    private readonly list = el("ol", { class: "events" });
    private readonly none = el("p", { class: "quiet-words" });
    readonly root = el("div", { class: "happened" },
                       el("h3", {}, "What happened"), this.list, this.none);
    private seen: readonly Marker[] | null = null;
    private isKnown = false;
    private shown = "";

    constructor(private readonly behind: Behind) {}

    update({ markers, isKnown }: Pick<SeriesStore, "markers" | "isKnown">):
        void {
        if (markers === this.seen && isKnown === this.isKnown)
            return;
        this.seen = markers;
        this.isKnown = isKnown;
        const newest = happened(markers).slice(0, SHOWN);
        this.root.classList.toggle("is-empty", newest.length === 0);
        setText(this.none, newest.length > 0 ? "" : !isKnown ? NOTHING
            : "No deploy, restart or crash in this time");
        const key = newest.map(one => `${one.t} ${one.text}`).join("\n");
        if (key === this.shown)
            return;
        this.shown = key;
        this.list.replaceChildren(...newest.map(one => this.item(one)));
    }

    private item(of: Happened): HTMLElement {
        const { from_seq, end_seq } = of;
        return el("li", { "data-tone": of.isBad ? "bad" : "" },
                  el("button", { class: "behind", type: "button",
                                 title: `${of.text}: the lines around it`,
                                 onclick: () => this.behind.matching(
                                     `Around ${of.text}`,
                                     { from_seq, end_seq }) },
                     el("time", {}, clock(of.t)), el("span", {}, of.text)));
    }
}
