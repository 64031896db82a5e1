import assert from "node:assert/strict";
import { test } from "node:test";

import { InSight } from "./in_sight";

// A browser whose time passes when it is told to.
class World {
    now_ms = 1000;
    isSeen: (isInSight: boolean) => void = () => undefined;
    readonly element = { hidden: false };
    drawn = 0;
    private timers: { at_ms: number; act: () => void; id: number }[] = [];
    private last = 0;
    private frames: (() => void)[] = [];

    constructor() {
        const world = this;
        Object.assign(globalThis, {
            window: {
                setTimeout: (act: () => void, ms: number): number => {
                    const id = ++this.last;
                    this.timers.push({ at_ms: this.now_ms + ms, act, id });
                    return id;
                },
                clearTimeout: (id: number): void => {
                    this.timers = this.timers.filter(one => one.id !== id);
                },
            },
            requestAnimationFrame: (act: () => void): number =>
                this.frames.push(act),
            IntersectionObserver: class {
                constructor(tell: (seen: { isIntersecting: boolean }[]) => void) {
                    world.isSeen = isIntersecting => tell([{ isIntersecting }]);
                }
                observe(): void { /* it is told */ }
                disconnect(): void {
                    world.isSeen = () => undefined;
                }
            },
        });
        Object.defineProperty(performance, "now", {
            value: () => this.now_ms, configurable: true });
    }

    make(pace: ConstructorParameters<typeof InSight>[2]): InSight {
        return new InSight(this.element as HTMLElement, () => { this.drawn++; },
                           pace);
    }

    // Somebody asks each second; how often it was drawn.
    pass(seconds: number, part: InSight): number {
        const before = this.drawn;
        for (let i = 0; i < seconds; i++) {
            this.wait(1000);
            part.ask();
        }
        return this.drawn - before;
    }

    wait(ms: number): void {
        this.ring(ms);
        this.frame();
    }

    // The timers of so long, before the next frame.
    ring(ms: number): void {
        this.now_ms += ms;
        this.timers.filter(one => one.at_ms <= this.now_ms).forEach(one => {
            this.timers = this.timers.filter(other => other !== one);
            one.act();
        });
    }

    frame(): void {
        this.frames.splice(0).forEach(act => act());
    }
}

const PACE = { seen_ms: 5000, unseen_ms: 20_000, hidden_ms: 5000 };

test("what is in sight is drawn when it is asked for", () => {
    const world = new World();
    const part = world.make({});
    world.isSeen(true);
    assert.equal(world.pass(10, part), 10);
});

test("what is not is drawn now and then, and at once when it is scrolled to", () => {
    const world = new World();
    const part = world.make({});
    assert.equal(world.pass(21, part), 3); // the first one at once
    world.wait(3000);
    part.ask();
    const before = world.drawn;
    world.isSeen(true);
    assert.equal(world.drawn, before + 1);
    world.isSeen(false);
    world.isSeen(true); // there is nothing new
    assert.equal(world.drawn, before + 1);
});

test("a part has a pace of its own, seen, unseen and while nothing is in it", () => {
    const world = new World();
    const part = world.make(PACE);
    world.isSeen(true);
    part.ask();
    assert.equal(world.pass(20, part), 4);
    world.isSeen(false);
    assert.equal(world.pass(40, part), 2);
    world.element.hidden = true;
    world.wait(20_000);
    assert.equal(world.pass(20, part), 4);
});

test("what waits is drawn in a frame, though nobody asks again", () => {
    const world = new World();
    const part = world.make({});
    part.ask();
    part.ask();
    world.wait(9999);
    assert.equal(world.drawn, 1);
    world.ring(1);
    assert.equal(world.drawn, 1);
    world.frame();
    assert.equal(world.drawn, 2);
    world.wait(60_000);
    assert.equal(world.drawn, 2);
});

test("what is new to it is drawn at once, once", () => {
    const world = new World();
    const part = world.make(PACE);
    world.pass(3, part); // a second drawing waits
    const before = world.drawn;
    part.forget();
    part.ask();
    assert.equal(world.drawn, before + 1);
    world.wait(60_000);
    assert.equal(world.drawn, before + 1);
});

test("what is closed is drawn no more", () => {
    const world = new World();
    const waiting = world.make(PACE);
    waiting.ask();
    waiting.ask();
    waiting.close();
    world.wait(60_000);
    assert.equal(world.drawn, 1);
    const inFrame = world.make(PACE);
    inFrame.ask();
    inFrame.ask();
    world.ring(20_000);
    inFrame.close();
    world.frame();
    inFrame.ask();
    world.wait(60_000);
    assert.equal(world.drawn, 2);
});
