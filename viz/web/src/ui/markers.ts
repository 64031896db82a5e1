// What happened, as lines down a chart: releases, deploys, restarts, crashes.
import type uPlot from "uplot";

import type { Marker } from "../api/types";
import { colour } from "../base/theme";

// A dyno that was told to stop ends with 0 or by SIGTERM (128 + 15); any other
// way to end is none that somebody wanted.
const LOUD = /crashed|status (?!0\b|143\b)\d/i;

export function isBad(marker: Marker): boolean {
    return LOUD.test(marker.text);
}

// "web.1 up to crashed", "v42", "deploy 3f2a"; of a start the text is its command
// line, which says less than that it is one.
export function markerText(marker: Marker): string {
    const isCommand = marker.kind === "start" || marker.text === "";
    const text = isCommand ? marker.kind
        : marker.kind === "deploy" ? `deploy ${marker.text}` : marker.text;
    return marker.process === "" ? text : `${marker.process} ${text}`;
}

// Labels where there is room for them; a line that has none tells by itself
// that something was, and the list of events tells what.
export function drawMarkers(plot: uPlot, markers: readonly Marker[]): void {
    const { left, top, width, height } = plot.bbox;
    const ctx = plot.ctx;
    const scale = devicePixelRatio;
    let free = left;

    ctx.save();
    ctx.font = `${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    for (const marker of markers) {
        const x = plot.valToPos(marker.t, "x", true);
        if (x < left || x > left + width)
            continue;
        const isRelease = marker.process === "";
        ctx.strokeStyle = ctx.fillStyle = colour(
            isBad(marker) ? "bad" : isRelease ? "accent" : "muted");
        ctx.globalAlpha = isRelease || isBad(marker) ? 0.9 : 0.45;
        ctx.lineWidth = scale;
        ctx.setLineDash(isRelease ? [] : [2 * scale, 3 * scale]);
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
        const text = markerText(marker);
        const room = ctx.measureText(text).width;
        const from = Math.min(x, left + width - room);
        if (from < free)
            continue;
        ctx.fillText(text, from, top - 2 * scale);
        free = from + room + 8 * scale;
    }
    ctx.restore();
}
