// The lines of a chart, on the canvas that uPlot has for them. Its own way there is
// for both directions, bands, clipped gaps and more points than pixels, and a browser
// keeps compiled code of all that.
import type uPlot from "uplot";

import type { Column } from "../api/types";
import { colour } from "../base/theme";
import { addDots, addLine, addSteps, mostSince, type Ground } from "./paths";
import type { Scene } from "./scene";

// What a line is drawn as, one over the other.
interface Part {
    add(to: Ground, line: Line): void; // to the path of the canvas
    isStroked: boolean; // or else filled
}

export interface Line {
    values: Column;
    colour: string; // of the style sheet
    width: number;
    dash: number[];
    isSampled: boolean; // what is said holds until it is said again
    parts: readonly Part[];
}

export const SOLID: number[] = [];
const DOT_PX = 4;
const ROOM_PX = 2; // beyond the edges, for half of a line

// Down to 0.
export const FILLED: readonly Part[] = [
    { add: (to, { values }) => addSteps(to, values), isStroked: false },
];

// What has no neighbour would not be seen.
export const DRAWN: readonly Part[] = [
    { add: (to, { values, isSampled }) => addLine(to, values, isSampled),
      isStroked: true },
    { add: (to, { values }) =>
        addDots(to, values, DOT_PX / 2 * devicePixelRatio), isStroked: false },
];

export function drawLines({ ctx, bbox }: uPlot,
                          { view, t, width_s, lines }: Scene): void {
    const { left, top, width, height } = bbox;
    const { from, to, most } = view;
    const ground = { ctx, t, width_s, left, bottom: top + height, from,
                     px_per_s: width / (to - from), px_per_y: height / most };
    const room = ROOM_PX * devicePixelRatio;
    ctx.beginPath();
    ctx.rect(left - room, top - room, width + 2 * room, height + 2 * room);
    ctx.clip();
    ctx.lineJoin = "round";
    for (let i = 0; i < lines.length; i++)
        drawLine(ctx, ground, lines[i] as Line);
}

function drawLine(ctx: CanvasRenderingContext2D, ground: Ground,
                  line: Line): void {
    ctx.strokeStyle = ctx.fillStyle = colour(line.colour);
    ctx.lineWidth = line.width * devicePixelRatio;
    ctx.setLineDash(line.dash);
    for (let i = 0; i < line.parts.length; i++) {
        const { add, isStroked } = line.parts[i] as Part;
        ctx.beginPath();
        add(ground, line);
        if (isStroked)
            ctx.stroke();
        else
            ctx.fill();
    }
}

// The greatest value of them all since then.
export function mostOf(lines: readonly Line[], from: number,
                       t: readonly number[]): number {
    let most = 0;
    for (let i = 0; i < lines.length; i++)
        most = Math.max(most, mostSince(from, t, (lines[i] as Line).values));
    return most;
}
