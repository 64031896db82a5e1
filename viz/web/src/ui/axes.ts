// The axes of a chart: lines across it, and what stands at them.
import type uPlot from "uplot";

import { colour } from "../base/theme";
import type { View } from "./paths";
import { multiples, stepOf, TIME_TICKS, zoneOf } from "./ticks";

export const LEFT_PX = 58; // that they take
export const BELOW_PX = 26;

const X_APART_PX = 70; // at least
const Y_APART_PX = 32;
const X_GAP_PX = 5; // from the edge to the words
const Y_GAP_PX = 6;

export interface Words {
    time(t: number): string;
    value(y: number): string;
    ticks: readonly number[]; // that values may be apart
}

export function drawAxes(plot: uPlot, view: View, words: Words): void {
    const { ctx } = plot;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * scale}px system-ui, sans-serif`;
    ctx.fillStyle = colour("muted");
    ctx.strokeStyle = colour("grid");
    ctx.lineWidth = scale;
    ctx.beginPath();
    drawTimes(plot, view, words);
    drawValues(plot, view, words);
    ctx.stroke();
    ctx.restore();
}

function drawTimes({ ctx, bbox }: uPlot, { from, to }: View, words: Words):
    void {
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    const span = to - from;
    const step = stepOf(TIME_TICKS, X_APART_PX * scale / width * span);
    const times = multiples(from, to, step, zoneOf(from));
    ctx.textAlign = "center";
    ctx.textBaseline = "top";
    for (let i = 0; i < times.length; i++) {
        const t = times[i] as number;
        const x = sharp(left + (t - from) / span * width);
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.fillText(words.time(t), x, top + height + X_GAP_PX * scale);
    }
}

function drawValues({ ctx, bbox }: uPlot, { most }: View, words: Words): void {
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    const step = stepOf(words.ticks, Y_APART_PX * scale / height * most);
    const values = multiples(0, most, step, 0);
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (let i = 0; i < values.length; i++) {
        const value = values[i] as number;
        const y = sharp(top + height - value / most * height);
        ctx.moveTo(left, y);
        ctx.lineTo(left + width, y);
        ctx.fillText(words.value(value), left - Y_GAP_PX * scale, y);
    }
}

// Where a line of a pixel has one for itself.
function sharp(at: number): number {
    return Math.round(at) + devicePixelRatio % 2 / 2;
}
