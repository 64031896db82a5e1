// How a dyno is, in a few words: what it did last, and how long ago.
import type { Marker, Process } from "../api/types";
import { age } from "../base/format";
import { stateOf } from "../ui/marker_text";

export interface DynoState {
    text: string;
    isBad: boolean;
}

const WINDOW_S = 60; // of the table's numbers

const CALM: DynoState = { text: "", isBad: false };

// What counts say when the markers don't reach as far back; the first that is
// there.
const BY_COUNT = ["crashed", "restarted", "started", "down", "complete"];

// Lines of a plain name are of a router, a database, a deploy.
export function isDyno(of: Process): boolean {
    return (of.requests ?? 0) > 0 || of.memory !== null || of.load !== null ||
        /^[a-z][\w-]*\.\d+$/i.test(of.process ?? "");
}

export function dynoState(of: Process, markers: readonly Marker[],
                          now: number): DynoState {
    const own = markers.filter(one => one.process === of.process);
    const states = own.filter(one => one.kind === "state");
    const last = states.at(-1);
    if (!last)
        return byCount(of.events);
    const ago = `${age(now - last.t)} ago`;
    const crashes = states.filter(one => stateOf(one) === "crashed");
    const recent = crashes.filter(one => one.t > now - WINDOW_S).length;
    switch (stateOf(last)) {
    case "crashed":
        return { isBad: true, text: recent > 1
            ? `crashed × ${recent}, ${ago}` : `crashed ${ago}` };
    case "starting":
        return crashes.length > 0 ? { isBad: true, text: "starting after a crash" }
                           : { isBad: false, text: "starting" };
    case "up": {
        const isAgain = own.some(
            one => ["cycling", "stop", "exit"].includes(one.kind) &&
                one.t <= last.t);
        return { isBad: false,
                 text: `${isAgain ? "restarted" : "started"} ${ago}` };
    }
    case "down":
        return { isBad: false, text: `stopped ${ago}` };
    case "complete":
        return { isBad: false, text: `finished ${ago}` };
    default:
        return { isBad: false, text: `${stateOf(last)} ${ago}` };
    }
}

function byCount(events: Record<string, number>): DynoState {
    const found = BY_COUNT.find(one => events[one]);
    return found ? { isBad: found === "crashed", text: found } : CALM;
}
