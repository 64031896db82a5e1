// What happened, as a list: the markers of the charts in words.
import type { Marker } from "../api/types";
import { el } from "../base/dom";
import { clock } from "../base/format";
import { isBad, isMinor, markerText } from "../ui/marker_text";
import type { Behind } from "./behind";

const SHOWN = 8;

export class Events {
    private readonly list = el("ol", { class: "events" });
    readonly root = el("div", { class: "happened" },
                       el("h3", {}, "What happened"), this.list);
    private shown = "";

    constructor(private readonly behind: Behind) {}

    update(markers: readonly Marker[]): void {
        const newest = markers.filter(one => !isMinor(one)).slice(-SHOWN)
            .reverse();
        this.root.hidden = newest.length === 0;
        const key = newest.map(one => `${one.seq} ${one.t}`).join();
        if (key === this.shown)
            return;
        this.shown = key;
        this.list.replaceChildren(...newest.map(one => this.item(one)));
    }

    private item(of: Marker): HTMLElement {
        const text = markerText(of);
        return el("li", { "data-tone": isBad(of) ? "bad" : "" },
                  el("button", { class: "behind", type: "button",
                                 title: "The lines around it",
                                 onclick: () => this.behind.matching(
                                     `Around ${text}`,
                                     { from_seq: Math.max(1, of.seq - 10),
                                       end_seq: of.seq + 10 }) },
                     el("time", {}, clock(of.t)), el("span", {}, text)));
    }
}
