// How a dyno is, in a few words: what it did last, and how long ago.
import type { Marker, Process } from "../api/types";
import { age } from "../base/format";
import { isCrash, stateOf } from "../ui/marker_text";

export interface DynoState {
    text: string;
    isBad: boolean;
}

const CALM: DynoState = { text: "", isBad: false };

// What counts say when the markers don't reach as far back; the first that is
// there.
const BY_COUNT = ["crashed", "restarted", "started", "down", "complete"];

const ENDS = new Set(["cycling", "stop", "exit"]);

// Lines of a plain name are of a router, a database, a deploy.
export function isDyno(of: Process): boolean {
    return (of.requests ?? 0) > 0 || of.memory !== null || of.load !== null ||
        /^[a-z][\w-]*\.\d+$/i.test(of.process ?? "");
}

export function dynoState(of: Process, markers: readonly Marker[],
                          now: number): DynoState {
    const own = ownOf(of, markers);
    const last = own.filter(isState).at(-1);
    if (!last)
        return byCount(of.events);
    const ago = `${age(now - last.t)} ago`;
    const crashes = own.filter(isCrash).length;
    switch (stateOf(last)) {
    case "crashed":
        return { isBad: true, text: crashes > 1
            ? `crashed × ${crashes}, ${ago}` : `crashed ${ago}` };
    case "starting":
        return crashes > 0 ? { isBad: true, text: "starting after a crash" }
                           : { isBad: false, text: "starting" };
    case "up":
        return { isBad: false, text: `${
            hadEnded(own, last.t) ? "restarted" : "started"} ${ago}` };
    case "down":
        return { isBad: false, text: `stopped ${ago}` };
    case "complete":
        return { isBad: false, text: `finished ${ago}` };
    default:
        return { isBad: false, text: `${stateOf(last)} ${ago}` };
    }
}

function ownOf({ process }: Process, markers: readonly Marker[]): Marker[] {
    const own: Marker[] = [];
    for (let i = 0; i < markers.length; i++)
        if (markers[i]?.process === process)
            own.push(markers[i] as Marker);
    return own;
}

function isState({ kind }: Marker): boolean {
    return kind === "state";
}

function hadEnded(own: readonly Marker[], t: number): boolean {
    for (let i = 0; i < own.length; i++) {
        const one = own[i] as Marker;
        if (ENDS.has(one.kind) && one.t <= t)
            return true;
    }
    return false;
}

function byCount(events: Record<string, number>): DynoState {
    for (let i = 0; i < BY_COUNT.length; i++) {
        const text = BY_COUNT[i] as string;
        if (events[text])
            return { isBad: text === "crashed", text };
    }
    return CALM;
}
