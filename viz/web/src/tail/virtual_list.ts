// Ten thousand rows of one height, of which only those in sight exist: their
// elements are used again for other rows as the list moves.
import { el } from "../base/dom";

export interface Window {
    first: number;
    count: number;
}

// The rows in sight, and some above and below them.
export function windowOf(top_px: number, height_px: number, row_px: number,
                         rows: number, spare: number): Window {
    const first = Math.max(0, Math.min(
        rows, Math.floor(top_px / row_px) - spare));
    const end = Math.min(
        rows, Math.ceil((top_px + height_px) / row_px) + spare);
    return { first, count: Math.max(0, end - first) };
}

// Where to scroll, when rows have gone from the top, for the reader to see the
// same ones.
export function heldTop(top_px: number, gone: number, row_px: number): number {
    return Math.max(0, top_px - gone * row_px);
}

export interface RowView {
    root: HTMLElement;
    show(index: number): void;
}

const SPARE = 6;

export class VirtualList {
    readonly root: HTMLElement;
    private readonly space = el("div", { class: "rows" });
    private readonly views: RowView[] = [];
    private rows = 0;
    isFollowing = true;

    constructor(label: string, private readonly row_px: number,
                private readonly makeRow: () => RowView,
                private readonly onFollow: (isFollowing: boolean) => void) {
        this.root = el("div", { class: "list", role: "log", tabindex: 0,
                                "aria-label": label, "aria-live": "off" },
                       this.space);
        this.root.addEventListener("scroll", () => this.scrolled(),
                                   { passive: true });
    }

    // There are so many rows now; gone of those that were there have left from
    // the top.
    update(rows: number, gone: number): void {
        this.rows = rows;
        const held = heldTop(this.root.scrollTop, gone, this.row_px);
        this.space.style.height = `${rows * this.row_px}px`;
        if (this.isFollowing)
            this.root.scrollTop = rows * this.row_px;
        else if (gone > 0)
            this.root.scrollTop = held;
        this.draw();
    }

    follow(isFollowing: boolean): void {
        this.setFollowing(isFollowing);
        if (isFollowing)
            this.update(this.rows, 0);
    }

    // Brings a row to the middle, unless it is in sight.
    reveal(index: number): void {
        const top = index * this.row_px;
        const { scrollTop, clientHeight } = this.root;
        this.setFollowing(false);
        if (top < scrollTop || top + this.row_px > scrollTop + clientHeight)
            this.root.scrollTop = top - clientHeight / 2;
        this.draw();
    }

    private setFollowing(isFollowing: boolean): void {
        if (this.isFollowing === isFollowing)
            return;
        this.isFollowing = isFollowing;
        this.onFollow(isFollowing);
    }

    // Who scrolls away from the end wants to stay where he is, and who scrolls
    // back to it wants to follow.
    private scrolled(): void {
        const below = this.root.scrollHeight - this.root.clientHeight -
            this.root.scrollTop;
        this.setFollowing(below < this.row_px);
        this.draw();
    }

    draw(): void {
        const shown = windowOf(this.root.scrollTop, this.root.clientHeight,
                               this.row_px, this.rows, SPARE);
        while (this.views.length < shown.count) {
            const view = this.makeRow();
            this.views.push(view);
            this.space.append(view.root);
        }
        this.views.forEach((view, i) => {
            view.root.hidden = i >= shown.count;
            if (i >= shown.count)
                return;
            // A row keeps its element while it is in sight: by its number.
            const index = shown.first + ((i - shown.first % shown.count +
                                          shown.count) % shown.count);
            view.root.style.transform =
                `translateY(${index * this.row_px}px)`;
            view.show(index);
        });
    }
}
