// What happened, as a list: the markers of the charts in words.
import type { Marker } from "../api/types";
import { el, setText } from "../base/dom";
import { clock, NOTHING } from "../base/format";
import { Keyed, type View } from "../base/keyed";
import type { Behind } from "./behind";
import { happened, type Happened } from "./happened";
import type { SeriesStore } from "./series_store";

const SHOWN = 8;

class EventItem implements View<Happened> {
    readonly root: HTMLElement;

    // epoch: of its lines.
    constructor(of: Happened, behind: Behind, epoch: string) {
        const { from_seq, end_seq } = of;
        this.root = el(
            "li", { "data-tone": of.isBad ? "bad" : "" },
            el("button", { class: "behind", type: "button",
                           title: `${of.text}: the lines around it`,
                           onclick: () => behind.matching(
                               `Around ${of.text}`, { from_seq, end_seq },
                               epoch) },
               el("time", {}, clock(of.t)), el("span", {}, of.text)));
    }

    update(): void {
        // All of it is in its key.
    }
}

function keyOf({ t, text, from_seq, end_seq }: Happened): string {
    return `${t} ${from_seq} ${end_seq} ${text}`;
}

export class Events {
    private readonly list = el("ol", { class: "events" });
    private readonly none = el("p", { class: "quiet-words" });
    readonly root = el("div", { class: "happened" },
                       el("h3", {}, "What happened"), this.list, this.none);
    private readonly items: Keyed<Happened>;
    private seen: readonly Marker[] | null = null;
    private isKnown = false;
    private epoch = "";

    constructor(behind: Behind) {
        this.items = new Keyed<Happened>(this.list, keyOf,
                                         of => new EventItem(of, behind,
                                                             this.epoch));
    }

    update({ markers, isKnown, epoch }:
               Pick<SeriesStore, "markers" | "isKnown" | "epoch">): void {
        if (markers === this.seen && isKnown === this.isKnown)
            return;
        this.seen = markers;
        this.isKnown = isKnown;
        if (epoch !== this.epoch)
            this.items.update([]); // another life's
        this.epoch = epoch;
        const newest = happened(markers).slice(0, SHOWN);
        this.root.classList.toggle("is-empty", newest.length === 0);
        setText(this.none, newest.length > 0 ? "" : !isKnown ? NOTHING
            : "No deploy, restart or crash in this time");
        this.items.update(newest);
    }
}
