// The last point of a spark is of a step under way: of what has come by now. For the
// rest of it stands what came in the step before, or each spark would fall at its end.
export function levelled(values: readonly number[], step_s: number,
                         now_s: number): number[] {
    const last = values.length - 1;
    const told_s = (Math.floor(now_s) - 1) % step_s + 1;
    return values.map((value, i) => i < last ? value
        : value + (values[i - 1] ?? 0) * (1 - told_s / step_s));
}
