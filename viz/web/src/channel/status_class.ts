// Requests by the class of their status, as the daemon counts them: together they
// are all.
import type { Classes } from "../api/types";
import type { Query } from "./behind";
import type { ColumnName } from "./series_store";

export interface StatusClass {
    key: keyof Classes;
    column: ColumnName; // of the series
    label: string;
    title: string; // of its lines
    query: Query; // which these are
    colour: string; // of the style sheet
    isRare?: boolean; // shown where there are some
}

function hundred(first: 1 | 2 | 3 | 4 | 5, colour = `s${first}xx`): StatusClass {
    const label = `${first}xx` as const;
    return { key: label, column: `s${label}`, label, title: `Status ${label}`,
             query: { status: label }, colour };
}

export const STATUS_CLASSES: readonly StatusClass[] = [
    { ...hundred(1, "muted"), isRare: true },
    hundred(2), hundred(3), hundred(4), hundred(5),
    { key: "none", column: "s_none", label: "no status", colour: "muted",
      title: "Requests without a status", query: { status: "none" },
      isRare: true },
    { key: "other", column: "s_other", label: "other", colour: "muted",
      title: "Requests with a number that is no status", isRare: true,
      query: { status: "other" } },
];
