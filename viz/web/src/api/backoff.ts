// How long to wait before the next try: twice as long each time, less a random
// part of up to a half, so that pages which lost the same daemon at the same
// moment don't all come back at one.

const FIRST_MS = 500;
const MOST_MS = 15_000;

export class Backoff {
    private tries = 0;

    constructor(private readonly random: () => number = Math.random) {}

    next(): number {
        const full = Math.min(MOST_MS, FIRST_MS * 2 ** this.tries);
        if (full < MOST_MS)
            this.tries++;
        return full * (1 - this.random() / 2);
    }

    reset(): void {
        this.tries = 0;
    }
}
