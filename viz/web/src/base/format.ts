// Numbers as people read them. A figure is a value and its unit apart, so that
// the unit can be set smaller.

export interface Figure {
    value: string;
    unit: string;
}

// How numbers of a kind are written: as the first step says whose bound they are below.
// These are data, and one function writes them all: a browser would compile each that
// writes a number into each place that calls it.
export interface Format {
    readonly steps: readonly Step[]; // the last one has no bound, whatever it says
}

interface Step {
    below: number; // in size
    per: number; // what 1 stands for
    write: (x: number) => string;
    mark: string; // right behind it
    unit: string;
}

export const NOTHING = "–";

const none: Figure = { value: NOTHING, unit: "" };

const separated = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

// Three digits that count, and no more than that: 0.012, 1.23, 45.6, 789, but no
// fewer than are before the point: 12,345.
export function digits(x: number): string {
    const size = Math.abs(x);
    if (size === 0)
        return "0";
    if (size >= 99.95)
        return separated.format(x);
    if (size >= 9.995)
        return trim(x.toFixed(1));
    if (size >= 0.995)
        return trim(x.toFixed(2));
    if (size < 0.0005)
        return x.toExponential(1);
    return trim(x.toFixed(3));
}

function trim(fixed: string): string {
    return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

export function count(n: number | null | undefined): string {
    return n === null || n === undefined ? NOTHING : separated.format(n);
}

// What is not known is a dash.
export function figure(format: Format, x: number | null | undefined): Figure {
    if (x === null || x === undefined)
        return none;
    const { steps } = format;
    const size = Math.abs(x);
    let at = 0;
    while (at < steps.length - 1 && size >= (steps[at] as Step).below)
        at++;
    const { per, write, mark, unit } = steps[at] as Step;
    return { value: write(x / per) + mark, unit };
}

export function text(format: Format, x: number | null | undefined): string {
    const { value, unit } = figure(format, x);
    return unit === "" ? value : `${value} ${unit}`;
}

function rounded(x: number): string {
    return separated.format(Math.round(x));
}

function toTenths(x: number): string {
    return trim(x.toFixed(1));
}

function step(below: number, per: number, unit: string, write = digits,
              mark = ""): Step {
    return { below, per, write, mark, unit };
}

// 12,345 is 12.3k.
function thousands(unit: string): Format {
    return { steps: ["", "k", "M", "G", "T"].map(
        (mark, i) => step(999.5 * 1000 ** i, 1000 ** i, unit, digits, mark)) };
}

// Without a mark, however large it is.
export function plainIn(unit: string): Format {
    return { steps: [step(Infinity, 1, unit)] };
}

export const whole: Format = { steps: [step(Infinity, 1, "", rounded)] };
export const plain = plainIn("");
export const short = thousands(""); // for where there is little room
export const rate = thousands("/s");

// Of milliseconds.
export const duration: Format = { steps: [
    step(999.5, 1, "ms"), step(59_950, 1000, "s"),
    step(3_597_000, 60_000, "min"), step(86_220_000, 3_600_000, "h"),
    step(Infinity, 86_400_000, "d"),
] };

// Powers of 1,024, which is what Heroku and PostgreSQL mean by MB.
export const bytes: Format = { steps: ["B", "KB", "MB", "GB", "TB"].map(
    (unit, i) => step(1023.5 * 1024 ** i, 1024 ** i, unit)) };

// Of a share, which is 1 if it is all.
export const percent: Format = { steps: [
    step(0.0995, 0.01, "%", toTenths), step(Infinity, 0.01, "%", rounded),
] };

// A measure's values in its own unit.
export function inUnit(unit: string): Format {
    switch (unit) {
    case "ms":
        return duration;
    case "bytes":
        return bytes;
    default:
        return thousands(unit);
    }
}

// 12,345 is 12.3k.
export function compact(n: number | null | undefined): string {
    return figure(short, n).value;
}

// How long ago, to one unit.
export function age(seconds: number): string {
    const s = Math.max(0, seconds);
    if (s < 90)
        return `${Math.round(s)} s`;
    if (s < 5400)
        return `${Math.round(s / 60)} min`;
    if (s < 129_600)
        return `${Math.round(s / 3600)} h`;
    return `${count(s / 86_400)} d`;
}

// How long numbers are of, as they are of the last minute but for what is new.
export function within(seconds: number): string {
    return seconds >= 60 ? "a minute" : `${Math.max(1, Math.round(seconds))} s`;
}

const collator = new Intl.Collator("en", { numeric: true });

// web.2 before web.10. Names that are not the same have an order.
export function byName(a: string, b: string): number {
    return collator.compare(a, b) || Number(a > b) - Number(a < b);
}

function two(n: number): string {
    return n < 10 ? `0${n}` : String(n);
}

// The time of day where the reader is, of seconds since 1970.
export function clock(t: number, withMs = false): string {
    const at = new Date(t * 1000);
    const time = `${two(at.getHours())}:${two(at.getMinutes())}:` +
        two(at.getSeconds());
    if (!withMs)
        return time;
    return `${time}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

// The same of what may be long ago: with its day, if that is not today.
export function moment(t: number, now = new Date()): string {
    const at = new Date(t * 1000);
    const day = at.toDateString() === now.toDateString() ? ""
        : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `;
    return day + clock(t);
}

// "1 line", "2 lines".
export function plural(n: number, one: string): string {
    return `${count(n)} ${one}${n === 1 ? "" : "s"}`;
}
