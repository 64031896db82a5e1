// The values of a line over time, null where there is none.
//
// Engines keep an array of small integers, of numbers and of anything in three ways,
// and compile what reads it for each way that they met, minutes after the page was
// opened, when the first null or fraction comes. So columns begin as arrays of anything.
type Column = (number | null)[];

export function newColumn(): Column {
    const made: Column = [null];
    made.pop();
    return made;
}

// As map() does, whose result is kept by what happens to be in it. What is null stays
// null; turn() is told what else it has to know, so that it needn't be made for it.
export function columnOf<T>(
    from: Readonly<Column>,
    turn: (value: number, i: number, by: T) => number, by: T): Column {
    const made = newColumn();
    for (let i = 0; i < from.length; i++) {
        const value = from[i] ?? null;
        made.push(value === null ? null : turn(value, i, by));
    }
    return made;
}

// Up to so many, with nulls.
export function fill(column: Column, length: number): void {
    while (column.length < length)
        column.push(null);
}

// There is no value in it.
export function isEmpty(column: Readonly<Column>): boolean {
    return !column.some(isThere);
}

export function isThere(value: number | null | undefined): value is number {
    return value !== null && value !== undefined;
}
