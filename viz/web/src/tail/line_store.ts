// The lines of a live tail, bounded in number and in characters, and the
// notes between them: what was lost, and where.
import type { Line } from "../api/types";
import { Ring } from "../base/ring";

export type Entry =
    | { kind: "line"; line: Line }
    | { kind: "note"; text: string };

export const LINES_MAX = 10_000;
export const CHARACTERS_MAX = 16 * 1024 * 1024;

export class LineStore {
    private readonly ring: Ring<Entry>;
    private characters = 0;
    private gone = 0;

    constructor(max = LINES_MAX,
                private readonly charactersMax = CHARACTERS_MAX) {
        this.ring = new Ring<Entry>(max);
    }

    get length(): number {
        return this.ring.length;
    }

    at(index: number): Entry | undefined {
        return this.ring.at(index);
    }

    push(entry: Entry): void {
        this.characters += weight(entry);
        this.forget(this.ring.push(entry));
        while (this.characters > this.charactersMax && this.ring.length > 1)
            this.forget(this.ring.shift());
    }

    // How many have gone from the top since it was asked last.
    takeGone(): number {
        const gone = this.gone;
        this.gone = 0;
        return gone;
    }

    clear(): void {
        this.ring.clear();
        this.characters = 0;
        this.gone = 0;
    }

    private forget(entry: Entry | undefined): void {
        if (!entry)
            return;
        this.characters -= weight(entry);
        this.gone++;
    }
}

function weight(entry: Entry): number {
    return entry.kind === "line" ? entry.line.text.length : entry.text.length;
}
