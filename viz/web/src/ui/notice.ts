// A page, or a part of one, that has something to say instead of numbers.
import { el, type Child } from "../base/dom";

export function notice(title: string, ...children: Child[]): HTMLElement {
    return el("section", { class: "state" }, el("h1", {}, title), ...children);
}

// Commands to copy. navigator.clipboard is there only where the page is secure
// (localhost is), so without it the text is selected for Ctrl-C.
export function commands(lines: string): HTMLElement {
    const code = el("code", {}, lines);
    const copy = async (): Promise<void> => {
        getSelection()?.selectAllChildren(code);
        try {
            await navigator.clipboard.writeText(lines);
            button.textContent = "Copied";
        } catch {
            button.textContent = "Press Ctrl-C";
        }
    };
    const button = el("button", { class: "quiet copy", type: "button",
                                  onclick: () => void copy() }, "Copy");
    return el("div", { class: "commands" }, el("pre", { tabindex: 0 }, code),
              button);
}
