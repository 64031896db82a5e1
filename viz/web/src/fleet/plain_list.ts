// The channels by name alone, for a daemon that does not measure: their lines can be
// read all the same.
import { getJson, whyNot } from "../api/client";
import { el } from "../base/dom";
import { shown } from "../base/shown";
import { channelHref } from "./fleet_row";

const MOST = 500;

export function plainList(words: string): HTMLElement {
    const list = el("ul", { class: "plain-list" });
    const told = el("p", { class: "fine", role: "status" });
    void fill(list, told);
    return el("section", { class: "state" }, el("h1", {}, "No numbers"),
              el("p", {}, words),
              el("p", {}, "Each channel's lines are there:"), list, told);
}

async function fill(list: HTMLElement, told: HTMLElement): Promise<void> {
    try {
        const all = await getJson<{ name: string }[]>(
            "/apps", new AbortController().signal);
        list.append(...all.slice(0, MOST).map(({ name }) => el(
            "li", {}, el("a", { href: channelHref(name) }, shown(name)))));
        told.textContent = all.length > MOST
            ? `and ${all.length - MOST} more` : "";
    } catch (error) {
        told.textContent = whyNot(error);
    }
}
