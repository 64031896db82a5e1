// Values over time as a path of a canvas.
import type { Column } from "../api/types";
import { newColumn } from "../base/column";

// What of time and values a chart shows.
export interface View {
    from: number;
    to: number;
    most: number; // values are from 0 to this
}

// From a point's number and its value to where it is on the canvas.
export interface Ground {
    ctx: CanvasPath;
    t: readonly number[];
    width_s: Readonly<Column>; // of each
    left: number;
    bottom: number; // where 0 is
    from: number; // the time at the left
    px_per_s: number;
    px_per_y: number;
}

function xOf({ t, left, from, px_per_s }: Ground, i: number,
             later_s = 0): number {
    return Math.round(left + ((t[i] ?? 0) + later_s - from) * px_per_s);
}

function yOf({ bottom, px_per_y }: Ground, value: number): number {
    return Math.round(bottom - value * px_per_y);
}

// isSampled: it goes on over what is not known.
export function addLine(ground: Ground, values: Readonly<Column>,
                        isSampled: boolean): void {
    const { ctx } = ground;
    let isOpen = false;
    for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (!isThere(value))
            isOpen = isOpen && isSampled;
        else if (isOpen)
            ctx.lineTo(xOf(ground, i), yOf(ground, value));
        else {
            ctx.moveTo(xOf(ground, i), yOf(ground, value));
            isOpen = true;
        }
    }
}

// Of what has no neighbour that there would be a line to.
export function addDots(ground: Ground, values: Readonly<Column>,
                        radius: number): void {
    let isBefore = false; // there is one
    for (let i = 0; i < values.length; i++) {
        const value = values[i];
        const isHere = isThere(value);
        if (isHere && !isBefore && !isThere(values[i + 1])) {
            const x = xOf(ground, i);
            const y = yOf(ground, value);
            ground.ctx.moveTo(x + radius, y);
            ground.ctx.arc(x, y, radius, 0, 2 * Math.PI);
        }
        isBefore = isHere;
    }
}

// What is below, as wide as what the value is of.
export function addSteps(ground: Ground, values: Readonly<Column>): void {
    for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (!isThere(value))
            continue;
        const x = xOf(ground, i);
        const y = yOf(ground, value);
        const end = xOf(ground, i, ground.width_s[i] ?? 0);
        ground.ctx.rect(x, y, end - x, ground.bottom - y);
    }
}

// The greatest value since then; 0: there is none.
export function mostSince(from: number, t: readonly number[],
                          values: Readonly<Column>): number {
    let most = 0;
    for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (isThere(value) && value > most && (t[i] ?? 0) >= from)
            most = value;
    }
    return most;
}

// Each from there on, so less than 0.
export function timesBefore(end: number, t: readonly number[]): Column {
    const made = newColumn();
    for (let i = 0; i < t.length; i++)
        made.push((t[i] ?? 0) - end);
    return made;
}

// Where the value is that holds at a place; -1: there is none.
export function placeHeld(values: Readonly<Column>, at: number,
                          t: readonly number[], seconds: number): number {
    const oldest = (t[at] ?? 0) - seconds;
    for (let i = at; i >= 0 && (t[i] ?? 0) >= oldest; i--)
        if (isThere(values[i]))
            return i;
    return -1;
}

export function isThere(value: number | null | undefined): value is number {
    return value !== null && value !== undefined;
}
