// The newest things, at most so many: a new one takes the oldest one's place.

export class Ring<T> {
    private readonly slots: (T | undefined)[];
    private first = 0;
    private used = 0;

    constructor(readonly max: number) {
        this.slots = new Array<T | undefined>(max);
    }

    get length(): number {
        return this.used;
    }

    // 0 is the oldest.
    at(index: number): T | undefined {
        if (index < 0 || index >= this.used)
            return undefined;
        return this.slots[(this.first + index) % this.max];
    }

    // What had to give way, if the ring was full.
    push(thing: T): T | undefined {
        const gone = this.used === this.max ? this.shift() : undefined;
        this.slots[(this.first + this.used) % this.max] = thing;
        this.used++;
        return gone;
    }

    // The oldest one, which is in the ring no more.
    shift(): T | undefined {
        if (this.used === 0)
            return undefined;
        const gone = this.slots[this.first];
        this.slots[this.first] = undefined;
        this.first = (this.first + 1) % this.max;
        this.used--;
        return gone;
    }

    clear(): void {
        this.slots.fill(undefined);
        this.first = 0;
        this.used = 0;
    }
}
