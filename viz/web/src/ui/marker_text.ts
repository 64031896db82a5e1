// What a marker says: a release, a deploy, a step in the life of a dyno.
import type { Marker } from "../api/types";
import { shown } from "../base/shown";

// A dyno that was told to stop ends with 0 or by SIGTERM (128 + 15); any other
// way to end is none that somebody wanted.
const LOUD = /(?:^|\bto )crashed\b(?! to)|status (?!0\b|143\b)\d/i;

export function isBad(marker: Marker): boolean {
    return LOUD.test(marker.text);
}

// One step of a restart among others: a release, a crash or being up again says
// that there was one.
export function isMinor(marker: Marker): boolean {
    if (isBad(marker))
        return false;
    return ["start", "stop", "exit"].includes(marker.kind) ||
        (marker.kind === "state" && !/ to up\b/.test(marker.text));
}

// What is to be told of, in the order of time: no steps, and of a crash not the exit
// that came with it.
export function worthTelling(markers: readonly Marker[]): Marker[] {
    return markers.filter(one => !isMinor(one) && !(
        one.kind === "exit" && markers.some(
            other => other.process === one.process && isCrash(other) &&
                Math.abs(other.t - one.t) < 2)));
}

function isCrash(marker: Marker): boolean {
    return marker.kind === "state" && stateOf(marker) === "crashed";
}

// What it became: "up" of "starting to up".
export function stateOf(marker: Marker): string {
    return marker.text.slice(marker.text.lastIndexOf(" ") + 1);
}

// "crashed", "release v42", "rollback to v41", "deploy 3f2a"; of a start the text is its command line, which
// says less than that it is one.
export function markerWords(marker: Marker): string {
    if (marker.kind === "start" || marker.text === "")
        return marker.kind;
    switch (marker.kind) {
    case "release":
    case "deploy":
        return `${marker.kind} ${shown(marker.text)}`;
    case "rollback":
        return `rollback to ${shown(marker.text)}`;
    case "state":
        return shown(stateOf(marker));
    case "exit":
        return shown(marker.text.replace(/^status /, "exited with "));
    default:
        return shown(marker.text);
    }
}

export function markerText(marker: Marker): string {
    const words = markerWords(marker);
    return marker.process === "" ? words : `${shown(marker.process)} ${words}`;
}
