// What there is to be drawn of a chart. Its layers are drawn one over the other, each by
// a function that knows its part alone.
import type uPlot from "uplot";

import type { Column, Marker } from "../api/types";
import type { Format } from "../base/format";
import type { Line } from "./lines";
import type { View } from "./paths";

export interface Scene {
    view: View;
    format: Format; // of values
    ticks: readonly number[]; // that values at the axis may be apart
    t: readonly number[];
    width_s: Readonly<Column>; // of each
    lines: readonly Line[]; // one over the other, from the first on
    markers: readonly Marker[];
    threshold: Threshold | null;
}

// A line across, and what it says.
export interface Threshold {
    y: number;
    label: string;
}

export type Layer = (plot: uPlot, scene: Scene) => void;
