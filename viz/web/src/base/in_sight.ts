// A part of a page that costs something to draw is drawn while it is in sight, and
// else only now and then, for who searches the page or hears it.

const UNSEEN_MS = 10_000;

export class InSight {
    private isInSight = false;
    private timer = 0; // what is new waits for it
    private drawn_ms = -Infinity;

    // It lives as long as the element. seen_ms: from one drawing to the next at the
    // least.
    constructor(of: Element, private readonly draw: () => void,
                private readonly seen_ms = 0,
                private readonly unseen_ms = UNSEEN_MS) {
        // What is scrolled to is there already; who jumps sees it a frame later.
        new IntersectionObserver(
            seen => this.changed(seen.at(-1)?.isIntersecting ?? false),
            { rootMargin: "5%" }).observe(of);
    }

    // There is something new to be drawn.
    ask(): void {
        const every_ms = this.isInSight ? this.seen_ms : this.unseen_ms;
        const wait_ms = this.drawn_ms + every_ms - performance.now();
        if (wait_ms <= 0)
            this.drawNow();
        else if (this.timer === 0)
            this.timer = window.setTimeout(() => this.drawNow(), wait_ms);
    }

    // What is drawn is of something else: who asks next does not wait.
    forget(): void {
        this.drawn_ms = -Infinity;
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
