// Where an axis has its lines.

// Seconds between two of them.
export const TIME_TICKS = [
    1, 5, 10, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600,
    28_800, 43_200, 86_400,
];

// Of decimal numbers.
export const DECIMAL_TICKS = Array.from(
    { length: 16 }, (_, i) => [1, 2, 2.5, 5].map(of => of * 10 ** (i - 3))).flat();

// The least that is as much, or the greatest there is.
export function stepOf(steps: readonly number[], least: number): number {
    let at = 0;
    while (at < steps.length - 1 && (steps[at] ?? 0) < least)
        at++;
    return steps[at] ?? least;
}

// From min to max, so many steps from where on.
export function multiples(min: number, max: number, step: number, where: number):
    number[] {
    const found: number[] = [];
    for (let i = Math.ceil((min - where) / step); where + i * step <= max; i++)
        found.push(where + i * step);
    return found;
}

// How much later days begin here than where it is UTC, in seconds.
export function zoneOf(t: number): number {
    return new Date(t * 1000).getTimezoneOffset() * 60;
}
