// What a marker says: a release, a deploy, a step in the life of a dyno.
import type { Marker } from "../api/types";

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

// "web.1 up to crashed", "v42", "deploy 3f2a"; of a start the text is its command
// line, which says less than that it is one.
export function markerText(marker: Marker): string {
    const isCommand = marker.kind === "start" || marker.text === "";
    const text = isCommand ? marker.kind
        : marker.kind === "deploy" ? `deploy ${marker.text}` : marker.text;
    return marker.process === "" ? text : `${marker.process} ${text}`;
}
