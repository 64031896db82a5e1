// Colours of what comes and goes by name: a name keeps its colour for as long as the
// page lives, whatever other names come.

const NAMES_MAX = 1000; // that have one; then who has not been seen longest has none

export class Palette {
    private readonly places = new Map<string, number>(); // oldest use first
    private readonly worn: number[]; // how many names have it
    private last: readonly string[] = []; // names that were asked for
    private given: readonly string[] = []; // and what they got

    constructor(private readonly colours: readonly string[]) {
        this.worn = colours.map(() => 0);
    }

    // Those of the names that are seen together, in their order: a new one gets
    // what the fewest of these have, and then the fewest of all.
    of(names: readonly string[]): readonly string[] {
        if (!isSame(names, this.last)) {
            this.given = this.giveTo(names);
            this.last = [...names];
        }
        return this.given;
    }

    private giveTo(names: readonly string[]): string[] {
        const seen = this.colours.map(() => 0);
        for (const name of names)
            this.add(seen, this.use(name), 1);
        for (const name of names)
            if (!this.places.has(name)) {
                const place = this.least(seen);
                this.places.set(name, place);
                this.add(this.worn, place, 1);
                this.add(seen, place, 1);
            }
        const found = names.map(
            name => this.colours[this.places.get(name) ?? 0] ?? "");
        if (this.places.size > NAMES_MAX)
            this.forget();
        return found;
    }

    private use(name: string): number | undefined {
        const place = this.places.get(name);
        if (place !== undefined) {
            this.places.delete(name);
            this.places.set(name, place);
        }
        return place;
    }

    private add(to: number[], place: number | undefined, n: number): void {
        if (place !== undefined)
            to[place] = (to[place] ?? 0) + n;
    }

    private least(seen: readonly number[]): number {
        let best = 0;
        for (let i = 1; i < seen.length; i++) {
            const off = (seen[i] ?? 0) - (seen[best] ?? 0) ||
                (this.worn[i] ?? 0) - (this.worn[best] ?? 0);
            if (off < 0)
                best = i;
        }
        return best;
    }

    private forget(): void {
        for (const [name, place] of this.places) {
            if (this.places.size <= NAMES_MAX)
                return;
            this.places.delete(name);
            this.add(this.worn, place, -1);
        }
    }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
    return a.length === b.length && a.every((name, i) => name === b[i]);
}
