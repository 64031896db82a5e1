import assert from "node:assert/strict";
import { test } from "node:test";

import type { Column, Series } from "../api/types";
import { SeriesStore } from "./series_store";

function series(t: number[], requests: Column, rest: Partial<Series> = {}):
    Series {
    const none = t.map(() => null);
    return {
        channel: "shop", epoch: "1", tier: "seconds", step_s: 1,
        from: t[0] ?? 0, to: (t.at(-1) ?? 0) + 1, t, requests, failed: none,
        mean: none, p50: none, p95: none, p99: none, max: none,
        s_none: none, s1xx: none, s2xx: none, s3xx: none, s4xx: none,
        s5xx: none, s_other: none, codes: {}, wait_mean: none,
        lines: none, lost: none, memory_mean: none, memory_max: none,
        memory_quota: none, load_max: none, by_process: {}, first_seq: none,
        end_seq: none, detail: none, uncounted: null, markers: [], ...rest,
    };
}

test("pieces are joined, and the later truth about a window wins", () => {
    const store = new SeriesStore(10);
    store.merge(series([1, 2, 3], [10, 20, 30]));
    store.merge(series([3, 4], [31, 40]));
    store.merge(series([2], [21]));
    assert.deepEqual(store.t, [1, 2, 3, 4]);
    assert.deepEqual(store.column("requests"), [10, 21, 31, 40]);
    assert.deepEqual(store.column("p50"), [null, null, null, null]);
});

test("minutes that are kept as one by now take the place of each", () => {
    const store = new SeriesStore(20);
    const minutes = (t: number[], counts: Column): Series => series(
        t, counts, { step_s: 60, to: 600, codes: { H12: counts } });
    store.merge(minutes([0, 60, 120, 180, 240, 300, 360, 420, 480, 540],
                        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    assert.deepEqual(store.width_s, Array(10).fill(60));
    store.merge(minutes([0, 300, 480, 540], [15, 21, 9, 11]));
    assert.deepEqual(store.t, [0, 300, 480, 540]);
    assert.deepEqual(store.column("requests"), [15, 21, 9, 11]);
    assert.deepEqual(store.column("codes/H12"), [15, 21, 9, 11]);
    assert.deepEqual(store.width_s, [300, 180, 60, 60]);
    store.merge({ ...minutes([480], [20]), to: 600 });
    assert.deepEqual(store.t, [0, 300, 480]);
    assert.deepEqual(store.width_s, [300, 180, 120]);
    store.merge({ ...minutes([60, 120], [0, 0]), to: 180 });
    assert.deepEqual(store.column("requests"), [15, 21, 20]);
});

test("only the newest windows are kept, and columns stay as long as them",
     () => {
         const store = new SeriesStore(3);
         for (let t = 1; t <= 9; t++)
             store.merge(series([t], [t], {
                 codes: t === 2 || t === 8 ? { H12: [t] } : {},
             }));
         assert.deepEqual(store.t, [7, 8, 9]);
         assert.deepEqual(store.column("requests"), [7, 8, 9]);
         assert.deepEqual(store.each("codes"),
                          [{ name: "H12", values: [null, 8, null] }]);
         store.merge(series([2], [99]));
         assert.deepEqual(store.t, [7, 8, 9]);
         assert.deepEqual(store.column("requests"), [7, 8, 9]);
     });

test("of a code that a piece does not name there was none", () => {
    const store = new SeriesStore(4);
    const tell = (t: number, detail: number | null, H12?: number): void =>
        store.merge(series([t], [t], {
            detail: [detail], codes: H12 === undefined ? {} : { H12: [H12] } }));
    tell(1, 0);
    tell(2, 3);
    tell(3, 2, 20);
    tell(4, 1);
    assert.deepEqual(store.column("codes/H12"), [0, null, 20, 0]);
    tell(5, null);
    assert.deepEqual(store.column("codes/H12"), [null, 20, 0, null]);
    tell(6, 1);
    tell(7, 1);
    assert.deepEqual(store.each("codes"), []);
});

test("what has said nothing for as long as is kept is forgotten", () => {
    const store = new SeriesStore(2);
    store.merge(series([1], [1], {
        by_process: { "web.1": { memory: [5] }, "web.10": { memory: [6] },
                      "web.2": { memory: [7] } },
        markers: [{ t: 1.5, kind: "release", process: "", text: "v1",
                    seq: 4 }],
    }));
    assert.deepEqual(store.each("memory").map(one => one.name),
                     ["web.1", "web.2", "web.10"]);
    assert.equal(store.markers.length, 1);
    store.merge(series([2, 3], [2, 3]));
    assert.deepEqual(store.each("memory"), []);
    assert.equal(store.markers.length, 0);
});

test("who is there is told anew when somebody comes or goes", () => {
    const store = new SeriesStore(2);
    const names = (): string[] => store.each("memory").map(one => one.name);
    const tells = (t: number, ...processes: string[]): void => store.merge(
        series([t], [t], { by_process: Object.fromEntries(
            processes.map(name => [name, { memory: [t] }])) }));
    tells(1, "web.2");
    assert.deepEqual(names(), ["web.2"]);
    tells(2, "web.2", "web.1");
    assert.deepEqual(store.each("memory"),
                     [{ name: "web.1", values: [null, 2] },
                      { name: "web.2", values: [1, 2] }]);
    tells(3, "web.1");
    assert.deepEqual(store.each("memory"),
                     [{ name: "web.1", values: [2, 3] },
                      { name: "web.2", values: [2, null] }]);
    tells(4, "web.1");
    assert.deepEqual(names(), ["web.1"]);
    store.merge(series([5], [5], { epoch: "2" }));
    assert.deepEqual(names(), []);
});

test("of many, those with the highest values can be asked for", () => {
    const store = new SeriesStore(3);
    store.merge(series([1, 2], [1, 2], {
        by_process: { "web.1": { memory: [5, null] }, "web.2": { memory: [1, 2] },
                      "web.3": { memory: [null, 9] } },
    }));
    const names = (max: number): string[] =>
        store.highest("memory", max).map(one => one.name);
    assert.deepEqual(names(3), ["web.1", "web.2", "web.3"]);
    assert.deepEqual(names(2), ["web.1", "web.3"]);
    assert.deepEqual(names(1), ["web.3"]);
    assert.deepEqual(store.highest("p95", 2), []);
});

test("a marker that comes twice is there once, in the order of time", () => {
    const store = new SeriesStore(100);
    const marker = (t: number, seq: number) =>
        ({ t, kind: "exit", process: "web.1", text: "", seq });
    store.merge(series([1], [1], { markers: [marker(1.5, 7)] }));
    store.merge(series([2], [1], {
        markers: [marker(1.5, 7), marker(1.2, 5)] }));
    assert.deepEqual(store.markers.map(one => one.seq), [5, 7]);
    const known = store.markers;
    store.merge(series([3], [1], { markers: [marker(1.5, 7)] }));
    assert.equal(store.markers, known);
});

test("while no window is over it is not known what there was", () => {
    const store = new SeriesStore(10);
    store.merge(series([], []));
    assert.equal(store.isKnown, false);
    store.merge(series([1], [null]));
    assert.equal(store.isKnown, true);
});

test("another epoch leaves nothing of the one before", () => {
    const store = new SeriesStore(10);
    store.merge(series([1, 2], [1, 2]));
    store.merge(series([2], [5], { epoch: "2" }));
    assert.deepEqual(store.t, [2]);
    assert.deepEqual(store.column("requests"), [5]);
});
