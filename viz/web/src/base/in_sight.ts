// A part of a page that costs something to draw is drawn while it is in sight, and
// else only now and then, for who searches the page or hears it.
import { onceAFrame } from "./frames";

const UNSEEN_MS = 10_000;

// How long it is from one drawing to the next, at the least, but for what is scrolled to.
export interface Pace {
    seen_ms?: number;
    unseen_ms?: number;
    // While it is not there, as there is nothing in it; else as what is not seen.
    hidden_ms?: number;
}

export class InSight {
    private isInSight = false;
    private isClosed = false;
    private timer = 0; // what is new waits for it
    private drawn_ms = -Infinity;
    private readonly pace: Required<Pace>;
    private readonly observer: IntersectionObserver;
    private readonly drawLater = onceAFrame(() => {
        if (this.timer !== 0) // nobody was faster
            this.drawNow();
    });

    constructor(private readonly of: HTMLElement,
                private readonly draw: () => void,
                { seen_ms = 0, unseen_ms = UNSEEN_MS, hidden_ms = unseen_ms }:
                    Pace = {}) {
        this.pace = { seen_ms, unseen_ms, hidden_ms };
        // What is scrolled to is there already; who jumps sees it a frame later.
        this.observer = new IntersectionObserver(
            seen => this.changed(seen.at(-1)?.isIntersecting ?? false),
            { rootMargin: "5%" });
        this.observer.observe(of);
    }

    // Who asks later asks for nothing.
    close(): void {
        this.isClosed = true;
        this.observer.disconnect();
        window.clearTimeout(this.timer);
        this.timer = 0;
    }

    // There is something new to be drawn.
    ask(): void {
        if (this.isClosed)
            return;
        const wait_ms = this.drawn_ms + this.every_ms() - performance.now();
        if (wait_ms <= 0)
            this.drawNow();
        else if (this.timer === 0)
            this.timer = window.setTimeout(this.drawLater, wait_ms);
    }

    // What is drawn is of something else: who asks next does not wait.
    forget(): void {
        this.drawn_ms = -Infinity;
    }

    private every_ms(): number {
        const { seen_ms, unseen_ms, hidden_ms } = this.pace;
        return this.isInSight ? seen_ms : this.of.hidden ? hidden_ms : unseen_ms;
    }

    private drawNow(): void {
        window.clearTimeout(this.timer);
        this.timer = 0;
        this.drawn_ms = performance.now();
        this.draw();
    }

    private changed(isInSight: boolean): void {
        this.isInSight = isInSight;
        if (isInSight && this.timer !== 0)
            this.drawNow();
    }
}
