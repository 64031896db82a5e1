// A panel at the side. It stands beside the page where there is room for both, covers
// the state of the connection nowhere, and gives the focus back when it closes; one of
// them is open at a time.
import { el, type Child } from "../base/dom";

let open: Side | null = null;

export class Side {
    private readonly title = el("h2", { tabindex: -1 });
    readonly root: HTMLElement;
    private opener: HTMLElement | null = null;

    // onClose: what goes on for it may end.
    constructor(label: string, private readonly onClose: () => void,
                ...children: Child[]) {
        this.root = el(
            "aside", { class: "panel", hidden: true, "aria-label": label },
            el("header", {}, this.title,
               el("button", { class: "quiet", type: "button", title: "Esc",
                              onclick: () => this.close() }, "Close")),
            ...children);
    }

    show(title: string, focus: HTMLElement = this.title): void {
        if (open !== this) {
            const from = open?.opener ?? document.activeElement;
            if (open)
                open.hide();
            this.opener = from instanceof HTMLElement ? from : null;
        }
        open = this;
        this.title.textContent = title;
        this.root.hidden = false;
        document.body.classList.add("has-panel");
        focus.focus({ preventScroll: true });
    }

    close(): void {
        if (open !== this)
            return;
        const { opener } = this;
        this.hide();
        document.body.classList.remove("has-panel");
        opener?.focus({ preventScroll: true });
    }

    private hide(): void {
        this.onClose();
        this.root.hidden = true;
        this.opener = null;
        open = null;
    }
}

// Whether there was one.
export function closeSide(): boolean {
    const was = open;
    was?.close();
    return was !== null;
}
