// What happened, as lines down a chart, below its data: releases, deploys, restarts,
// crashes.
import type uPlot from "uplot";

import type { Marker } from "../api/types";
import { colour } from "../base/theme";
import { SOLID } from "./lines";
import { isBad, markerText, worthTelling } from "./marker_text";
import type { View } from "./paths";
import type { Scene } from "./scene";

// What lines of one kind have in common.
interface Kind {
    colour: string; // of the style sheet
    alpha: number;
    isDashed: boolean;
}

const RELEASE: Kind = { colour: "accent", alpha: 0.6, isDashed: false };
const BAD_RELEASE: Kind = { colour: "bad", alpha: 0.6, isDashed: false };
const BAD: Kind = { colour: "bad", alpha: 0.6, isDashed: true };
const OTHER: Kind = { colour: "muted", alpha: 0.35, isDashed: true };

interface Look {
    t: number;
    kind: Kind;
    text: string; // empty: it tells by itself that something was
    room_px: number; // of the text; NaN: not measured yet
}

const DASHES_PX = [2, 3];
const TEXT_PX = 10;
const APART_PX = 8; // of two texts, at least
const ABOVE_PX = 2; // the line

// Six charts draw the same markers once a second, and these seldom change.
const looks = new WeakMap<readonly Marker[], Look[]>();

function looksOf(markers: readonly Marker[]): Look[] {
    const known = looks.get(markers);
    if (known)
        return known;
    const told = new Set(worthTelling(markers));
    const found = markers.map(one => ({
        t: one.t, kind: kindOf(one), room_px: NaN,
        text: told.has(one) ? markerText(one) : "",
    }));
    looks.set(markers, found);
    return found;
}

function kindOf(of: Marker): Kind {
    if (of.process === "")
        return isBad(of) ? BAD_RELEASE : RELEASE;
    return isBad(of) ? BAD : OTHER;
}

// Labels where there is room for them; the list of events tells of the others.
export function drawMarkers(plot: uPlot, { view, markers }: Scene): void {
    const looks = looksOf(markers);
    let first = looks.length; // most are older than what is shown
    while (first > 0 && (looks[first - 1] as Look).t >= view.from)
        first--;
    if (first < looks.length)
        draw(plot, view, looks, first);
}

function draw({ ctx, bbox }: uPlot, { from, to }: View, looks: readonly Look[],
              first: number): void {
    const { left, top, width, height } = bbox;
    const scale = devicePixelRatio;
    const end = left + width;
    const dashes = DASHES_PX.map(one => one * scale);
    let free = left; // for a text
    ctx.lineWidth = scale;
    ctx.font = `${TEXT_PX * scale}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    for (let i = first; i < looks.length; i++) {
        const look = looks[i] as Look;
        const x = left + (look.t - from) / (to - from) * width;
        if (x > end)
            break;
        ctx.strokeStyle = ctx.fillStyle = colour(look.kind.colour);
        ctx.globalAlpha = look.kind.alpha;
        ctx.setLineDash(look.kind.isDashed ? dashes : SOLID);
        ctx.beginPath();
        ctx.moveTo(x, top);
        ctx.lineTo(x, top + height);
        ctx.stroke();
        if (look.text === "")
            continue;
        if (Number.isNaN(look.room_px))
            look.room_px = ctx.measureText(look.text).width / scale;
        const at = Math.min(x, end - look.room_px * scale);
        if (at < free)
            continue;
        ctx.globalAlpha = 1;
        ctx.fillText(look.text, at, top - ABOVE_PX * scale);
        free = at + (look.room_px + APART_PX) * scale;
    }
}
