// The axes of a chart: lines across it, and what stands at them. Each is a layer.
import type uPlot from "uplot";

import { clock, text } from "../base/format";
import { colour } from "../base/theme";
import type { Scene } from "./scene";
import { multiples, stepOf, TIME_TICKS, zoneOf } from "./ticks";

export const LEFT_PX = 58; // that they take
export const BELOW_PX = 26;

const X_APART_PX = 70; // at least
const Y_APART_PX = 32;
const X_GAP_PX = 5; // from the edge to the words
const Y_GAP_PX = 6;
const EDGE = 0.06; // of the axis: half of a time

export function drawTimes({ ctx, bbox }: uPlot, { view: { from, to } }: Scene):
    void {
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    const span = to - from;
    const step = stepOf(TIME_TICKS, X_APART_PX * scale / width * span);
    const times = multiples(from, to, step, zoneOf(from));
    begin(ctx, scale);
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (let i = 0; i < times.length; i++) {
        const t = times[i] as number;
        const x = sharp(left + (t - from) / span * width);
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.fillText(timeText(t, from, to), x, top + height + X_GAP_PX * scale);
    }
    ctx.stroke();
}

export function drawValues({ ctx, bbox }: uPlot,
                           { view: { most }, format, ticks }: Scene): void {
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    const step = stepOf(ticks, Y_APART_PX * scale / height * most);
    const values = multiples(0, most, step, 0);
    begin(ctx, scale);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (let i = 0; i < values.length; i++) {
        const value = values[i] as number;
        const y = sharp(top + height - value / most * height);
        ctx.moveTo(left, y);
        ctx.lineTo(left + width, y);
        ctx.fillText(text(format, value), left - Y_GAP_PX * scale, y);
    }
    ctx.stroke();
}

// One that would not fit before the edge is left out.
function timeText(t: number, from: number, to: number): string {
    const span = to - from;
    if (t > to - span * EDGE)
        return "";
    return span > 600 ? clock(t).slice(0, 5) : clock(t);
}

function begin(ctx: CanvasRenderingContext2D, scale: number): void {
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.fillStyle = colour("muted");
    ctx.strokeStyle = colour("grid");
    ctx.lineWidth = scale;
    ctx.beginPath();
}

// Across the chart, with what it says above its end.
export function drawThreshold({ ctx, bbox }: uPlot,
                              { view, threshold }: Scene): void {
    if (threshold === null || threshold.y > view.most)
        return;
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    const y = top + height - threshold.y / view.most * height;
    ctx.strokeStyle = ctx.fillStyle = colour("warn");
    ctx.lineWidth = scale;
    ctx.setLineDash([4 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.font = `${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.textBaseline = "alphabetic";
    ctx.fillText(threshold.label, left + width - 4 * scale, y - 4 * scale);
}

// Where a line of a pixel has one for itself.
function sharp(at: number): number {
    return Math.round(at) + devicePixelRatio % 2 / 2;
}
