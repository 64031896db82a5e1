// The keys, on a sheet.
import { el } from "../base/dom";

const KEYS: [string, string][] = [
    ["/", "search channels, or filter the tail"],
    ["j k ↓ ↑", "next, previous channel"],
    ["Enter", "open it; in the search, the first match"],
    ["1 2 3", "2 minutes, 1 hour, 24 hours"],
    ["a", "ask: any number, by any key"],
    ["Space", "pause the tail, and go on"],
    ["f", "follow the tail's end"],
    ["n N", "next, previous line with the searched text"],
    ["Esc", "close what is open; then back to the fleet"],
    ["t", "light or dark"],
    ["?", "this"],
];

export function openHelp(): void {
    const rows = KEYS.map(([key, does]) => el(
        "div", {}, el("dt", {}, ...key.split(" ").map(
            one => el("kbd", {}, one))), el("dd", {}, does)));
    const sheet: HTMLDialogElement = el(
        "dialog", { class: "sheet", "aria-labelledby": "keys-title" },
        el("h2", { id: "keys-title" }, "Keys"),
        el("dl", { class: "keys" }, ...rows),
        el("button", { class: "chip", type: "button", onclick: () => sheet.close() },
           "Close"));
    sheet.addEventListener("close", () => sheet.remove());
    document.body.append(sheet);
    sheet.showModal();
}
