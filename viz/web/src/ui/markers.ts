// What happened, as lines down a chart, below its data: releases, deploys, restarts,
// crashes.
import type uPlot from "uplot";

import type { Marker } from "../api/types";
import { colour } from "../base/theme";
import { isBad, markerText, worthTelling } from "./marker_text";

interface Look {
    t: number;
    colour: string; // of the style sheet
    isRelease: boolean;
    isBad: boolean;
    text: string; // empty: it tells by itself that something was
}

// Six charts draw the same markers once a second, and these seldom change.
const looks = new WeakMap<readonly Marker[], Look[]>();

function looksOf(markers: readonly Marker[]): Look[] {
    const known = looks.get(markers);
    if (known)
        return known;
    const told = new Set(worthTelling(markers));
    const found = markers.map(one => ({
        t: one.t, isRelease: one.process === "", isBad: isBad(one),
        colour: isBad(one) ? "bad" : one.process === "" ? "accent" : "muted",
        text: told.has(one) ? markerText(one) : "",
    }));
    looks.set(markers, found);
    return found;
}

// Labels where there is room for them; the list of events tells of the others.
export function drawMarkers(plot: uPlot, markers: readonly Marker[]): void {
    const { left, top, width, height } = plot.bbox;
    const ctx = plot.ctx;
    const scale = devicePixelRatio;
    let free = left;

    ctx.save();
    ctx.font = `${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    for (const look of looksOf(markers)) {
        const x = plot.valToPos(look.t, "x", true);
        if (x < left || x > left + width)
            continue;
        ctx.strokeStyle = ctx.fillStyle = colour(look.colour);
        ctx.globalAlpha = look.isRelease || look.isBad ? 0.6 : 0.35;
        ctx.lineWidth = scale;
        ctx.setLineDash(look.isRelease ? [] : [2 * scale, 3 * scale]);
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
        if (look.text === "")
            continue;
        const room = ctx.measureText(look.text).width;
        const from = Math.min(x, left + width - room);
        if (from < free)
            continue;
        ctx.globalAlpha = 1;
        ctx.fillText(look.text, from, top - 2 * scale);
        free = from + room + 8 * scale;
    }
    ctx.restore();
}
