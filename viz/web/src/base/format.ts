// Numbers as people read them. A figure is a value and its unit apart, so that
// the unit can be set smaller.

export interface Figure {
    value: string;
    unit: string;
}

// What is not known is a dash.
export type Format = (x: number | null | undefined) => Figure;

export const NOTHING = "–";

const none: Figure = { value: NOTHING, unit: "" };

function figure(value: string, unit: string): Figure {
    return { value, unit };
}

export function text(of: Figure): string {
    return of.unit === "" ? of.value : `${of.value} ${of.unit}`;
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

// Three digits that count, and no more than that: 0.012, 1.23, 45.6, 789, but no
// fewer than are before the point: 12,345.
export function digits(x: number): string {
    const size = Math.abs(x);
    if (size === 0)
        return "0";
    if (size >= 99.95)
        return whole.format(x);
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
    return n === null || n === undefined ? NOTHING : whole.format(n);
}

// A number of no unit.
export function plain(x: number | null | undefined): Figure {
    return x === null || x === undefined ? none : figure(digits(x), "");
}

export function short(n: number | null | undefined): Figure {
    return figure(compact(n), "");
}

const THOUSANDS = ["", "k", "M", "G", "T"];

// 12,345 is 12.3k: for where there is little room.
export function compact(n: number | null | undefined): string {
    if (n === null || n === undefined)
        return NOTHING;
    let step = 0;
    while (Math.abs(n) >= 999.5 && step < THOUSANDS.length - 1) {
        n /= 1000;
        step++;
    }
    return digits(n) + THOUSANDS[step];
}

export function rate(perSecond: number | null | undefined): Figure {
    if (perSecond === null || perSecond === undefined)
        return none;
    return figure(compact(perSecond), "/s");
}

export function duration(ms: number | null | undefined): Figure {
    if (ms === null || ms === undefined)
        return none;
    const size = Math.abs(ms);
    if (size < 999.5)
        return figure(digits(ms), "ms");
    if (size < 59_950)
        return figure(digits(ms / 1000), "s");
    if (size < 3_597_000)
        return figure(digits(ms / 60_000), "min");
    if (size < 86_220_000)
        return figure(digits(ms / 3_600_000), "h");
    return figure(digits(ms / 86_400_000), "d");
}

const SIZES = ["B", "KB", "MB", "GB", "TB"];

// Powers of 1,024, which is what Heroku and PostgreSQL mean by MB.
export function bytes(n: number | null | undefined): Figure {
    if (n === null || n === undefined)
        return none;
    let step = 0;
    while (Math.abs(n) >= 1023.5 && step < SIZES.length - 1) {
        n /= 1024;
        step++;
    }
    return figure(digits(n), SIZES[step] ?? "");
}

export function percent(share: number | null | undefined): Figure {
    if (share === null || share === undefined)
        return none;
    const x = share * 100;
    return figure(x >= 9.95 || x === 0 ? digits(Math.round(x))
                                       : trim(x.toFixed(1)), "%");
}

// A measure's value in its own unit.
export function measure(x: number | null | undefined, unit: string): Figure {
    if (x === null || x === undefined)
        return none;
    switch (unit) {
    case "ms":
        return duration(x);
    case "bytes":
        return bytes(x);
    default:
        return figure(compact(x), unit);
    }
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

// web.2 before web.10.
export function byName(a: string, b: string): number {
    return collator.compare(a, b);
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
