// The lines of a chart, on the canvas that uPlot has for them. Its own way there is
// for both directions, bands, clipped gaps and more points than pixels, and a browser
// keeps compiled code of all that.
import type uPlot from "uplot";

import type { Column } from "../api/types";
import { colour } from "../base/theme";
import { addDots, addLine, addSteps, mostSince, type Ground, type View } from
    "./paths";

export interface Line {
    values: Column;
    colour: string; // of the style sheet
    width: number;
    dash: number[];
    isFilled: boolean; // down to 0, and without a line
    isSampled: boolean; // what is said holds until it is said again
}

export const SOLID: number[] = [];
const DOT_PX = 4;
const ROOM_PX = 2; // beyond the edges, for half of a line

// One over the other, from the first on.
export function drawLines({ ctx, bbox }: uPlot, { from, to, most }: View,
                          { t, width_s }: Pick<Ground, "t" | "width_s">,
                          lines: readonly Line[]): void {
    const { left, top, width, height } = bbox;
    const ground = { ctx, t, width_s, left, bottom: top + height, from,
                     px_per_s: width / (to - from), px_per_y: height / most };
    const room = ROOM_PX * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left - room, top - room, width + 2 * room, height + 2 * room);
    ctx.clip();
    ctx.lineJoin = "round";
    for (let i = 0; i < lines.length; i++)
        drawLine(ctx, ground, lines[i] as Line);
    ctx.restore();
}

function drawLine(ctx: CanvasRenderingContext2D, ground: Ground,
                  line: Line): void {
    ctx.strokeStyle = ctx.fillStyle = colour(line.colour);
    ctx.beginPath();
    if (line.isFilled) {
        addSteps(ground, line.values);
    } else {
        ctx.lineWidth = line.width * devicePixelRatio;
        ctx.setLineDash(line.dash);
        addLine(ground, line.values, line.isSampled);
        ctx.stroke();
        ctx.beginPath();
        addDots(ground, line.values, DOT_PX / 2 * devicePixelRatio);
    }
    ctx.fill();
}

// The greatest value of them all since then.
export function mostOf(lines: readonly Line[], from: number,
                       t: readonly number[]): number {
    let most = 0;
    for (let i = 0; i < lines.length; i++)
        most = Math.max(most, mostSince(from, t, (lines[i] as Line).values));
    return most;
}
