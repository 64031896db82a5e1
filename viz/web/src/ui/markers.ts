// What happened, as lines down a chart, below its data: releases, deploys, restarts,
// crashes.
import type uPlot from "uplot";

import type { Marker } from "../api/types";
import { colour } from "../base/theme";
import { isBad, markerText, worthTelling } from "./marker_text";
import type { View } from "./paths";

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
export function drawMarkers(plot: uPlot, { from, to }: View,
                            markers: readonly Marker[]): void {
    const { left, width } = plot.bbox;
    const looks = looksOf(markers);
    let free = left;
    let first = looks.length; // most are older than what is shown
    while (first > 0 && (looks[first - 1] as Look).t >= from)
        first--;
    for (let i = first; i < looks.length; i++) {
        const look = looks[i] as Look;
        const x = left + (look.t - from) / (to - from) * width;
        if (x > left + width)
            return;
        drawLine(plot, look, x);
        if (look.text !== "")
            free = drawText(plot, look, x, free);
    }
}

function drawLine({ ctx, bbox }: uPlot, look: Look, x: number): void {
    const scale = devicePixelRatio;
    ctx.save();
    ctx.strokeStyle = colour(look.colour);
    ctx.globalAlpha = look.isRelease || look.isBad ? 0.6 : 0.35;
    ctx.lineWidth = scale;
    ctx.setLineDash(look.isRelease ? [] : [2 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
}

// Where there is room for the next one.
function drawText({ ctx, bbox }: uPlot, look: Look, x: number,
                  free: number): number {
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillStyle = colour(look.colour);
    const room = ctx.measureText(look.text).width;
    const from = Math.min(x, bbox.left + bbox.width - room);
    if (from >= free)
        ctx.fillText(look.text, from, bbox.top - 2 * scale);
    ctx.restore();
    return from >= free ? from + room + 8 * scale : free;
}
