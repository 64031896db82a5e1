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

// As map() does, whose result is kept by what happens to be in it.
export function columnOf(
    from: Readonly<Column>,
    turn: (value: number | null, i: number) => number | null): Column {
    const made = newColumn();
    from.forEach((value, i) => made.push(turn(value, i)));
    return made;
}
