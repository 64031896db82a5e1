// What happened, as lines down a chart, below its data: releases, deploys, restarts,
// crashes.
import type uPlot from "uplot";

import type { Marker } from "../api/types";
import { colour } from "../base/theme";
import { isBad, markerText, worthTelling } from "./marker_text";

// Labels where there is room for them; a line that has none tells by itself
// that something was, and the list of events tells what.
export function drawMarkers(plot: uPlot, markers: readonly Marker[]): void {
    const { left, top, width, height } = plot.bbox;
    const ctx = plot.ctx;
    const scale = devicePixelRatio;
    const told = new Set(worthTelling(markers));
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
        ctx.globalAlpha = isRelease || isBad(marker) ? 0.6 : 0.35;
        ctx.lineWidth = scale;
        ctx.setLineDash(isRelease ? [] : [2 * scale, 3 * scale]);
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
        if (!told.has(marker))
            continue;
        const text = markerText(marker);
        const room = ctx.measureText(text).width;
        const from = Math.min(x, left + width - room);
        if (from < free)
            continue;
        ctx.globalAlpha = 1;
        ctx.fillText(text, from, top - 2 * scale);
        free = from + room + 8 * scale;
    }
    ctx.restore();
}
