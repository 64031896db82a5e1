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

// What the element shows, of those that there are; -1: nothing. A row keeps its element
// while it is in sight: by its number.
export function indexIn({ first, count }: Window, element: number): number {
    return element >= count ? -1
        : first + (element - first % count + count) % count;
}

export interface RowView {
    root: HTMLElement;
    show(index: number): void;
}

const SPARE = 6;

interface Placed {
    view: RowView;
    index: number; // of what it shows; -1: nothing
}

export class VirtualList {
    readonly root: HTMLElement;
    private readonly space = el("div", { class: "rows" });
    private readonly placed: Placed[] = [];
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
        const isOther = rows !== this.rows;
        this.rows = rows;
        const held = heldTop(this.root.scrollTop, gone, this.row_px);
        if (isOther)
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
        while (this.placed.length < shown.count)
            this.addRow();
        this.placed.forEach((one, i) => this.place(one, indexIn(shown, i)));
    }

    private addRow(): void {
        const view = this.makeRow();
        this.placed.push({ view, index: -1 });
        this.space.append(view.root);
    }

    private place(one: Placed, index: number): void {
        if (index !== one.index)
            this.move(one, index);
        if (index >= 0)
            one.view.show(index);
    }

    // Once the list is full its rows stay where they are, and lines go through them.
    private move(one: Placed, index: number): void {
        const { root } = one.view;
        one.index = index;
        root.hidden = index < 0;
        root.style.transform = `translateY(${index * this.row_px}px)`;
    }
}
