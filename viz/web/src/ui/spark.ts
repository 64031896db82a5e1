// A line of thirty points, in a table's cell. Its numbers are in the row, so it
// is nothing for a screen reader.
import { setAttribute, svg } from "../base/dom";

const WIDTH = 120;
const HEIGHT = 26;
const EDGE = 2;

export class Spark {
    private readonly line = svg("path", { class: "spark-line" });
    private readonly area = svg("path", { class: "spark-area" });
    readonly root = svg("svg", { class: "spark", "aria-hidden": "true",
                                 viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
                                 preserveAspectRatio: "none" },
                        this.area, this.line);

    update(values: readonly number[]): void {
        const most = Math.max(1, ...values);
        const step = WIDTH / Math.max(1, values.length - 1);
        const points = values.map((value, i) => {
            const y = HEIGHT - EDGE - value / most * (HEIGHT - 2 * EDGE);
            return `${(i * step).toFixed(1)} ${y.toFixed(1)}`;
        });
        const path = points.length > 0 ? `M${points.join("L")}` : "M0 0";
        setAttribute(this.line, "d", path);
        setAttribute(this.area, "d",
                     `${path}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`);
    }
}
