// One channel of the fleet's table.
import { segmentOf } from "../api/segment";
import type { FleetChannel } from "../api/types";
import { el, setAttribute, setText } from "../base/dom";
import { compact, count, duration, NOTHING, percent, rate } from "../base/format";
import type { View } from "../base/keyed";
import { shown } from "../base/shown";
import { Bar, failedTone, toneOf, Value } from "../ui/parts";
import { Spark } from "../ui/spark";
import { levelled } from "./levelled";

export function channelHref(id: string): string {
    return `/channels/${segmentOf(id)}`;
}

// How bad it is, at a glance and in words.
function health(of: FleetChannel): { tone: string; words: string } {
    if (of.lost_lines > 0)
        return { tone: "bad", words: "loses lines" };
    if (failing(of) === "bad")
        return { tone: "bad", words: "fails" };
    if ((of.memory_share ?? 0) >= 1)
        return { tone: "bad", words: "out of memory" };
    if (of.uncounted)
        return { tone: "warn", words: "not all is counted" };
    if (of.errors > 0 || failing(of) === "warn")
        return { tone: "warn", words: "errors" };
    if ((of.memory_share ?? 0) >= 0.9)
        return { tone: "warn", words: "memory is tight" };
    if (of.lines === 0)
        return { tone: "idle", words: "silent" };
    return { tone: "ok", words: "fine" };
}

function failing({ requests, failed }: FleetChannel): "" | "warn" | "bad" {
    return failedTone({ count: requests, failed });
}

export interface Moment {
    window_s: number;
    now: number;
}

export class FleetRow implements View<FleetChannel> {
    readonly root: HTMLTableRowElement;
    readonly link = el("a", { class: "channel-link" });
    private readonly dot = el("span", { class: "dot" });
    private readonly id = el("span", { class: "channel-id" });
    private readonly spark = new Spark();
    private readonly requests = new Value();
    private readonly failed = new Value();
    private readonly p95 = new Value();
    private readonly memory = new Value();
    private readonly memoryBar = new Bar();
    private readonly lines = new Value();
    private readonly lost = el("td", { role: "cell", class: "c-lost" });
    private readonly code = el("b", { class: "code" });
    private readonly meaning = el("span", { class: "meaning" });
    private readonly errors = el("span", { class: "number" });
    private readonly errorsCell = el(
        "td", { role: "cell", class: "c-errors text" }, this.errors, " ",
        this.code, " ", this.meaning);

    // moment: how many seconds the counts are over, by now, and what time it is.
    constructor(private readonly moment: () => Moment) {
        const cell = (name: string, ...children: (Node | string)[]):
            HTMLElement => el("td", { role: "cell", class: `c-${name}` },
                              ...children);
        this.root = el(
            "tr", { role: "row" },
            el("th", { scope: "row", role: "rowheader", class: "c-name text" },
               this.dot, this.link, this.id),
            cell("spark", this.spark.root),
            cell("requests", this.requests.root),
            cell("failed", this.failed.root),
            cell("p95", this.p95.root),
            this.errorsCell,
            cell("memory", this.memoryBar.root, this.memory.root),
            this.lost,
            cell("lines", this.lines.root));
    }

    update(of: FleetChannel): void {
        const { tone, words } = health(of);
        this.root.dataset["tone"] = tone;
        this.dot.dataset["tone"] = tone;
        setAttribute(this.dot, "title", words);
        setAttribute(this.dot, "aria-label", words);
        setAttribute(this.dot, "role", "img");
        const name = shown(of.name === "" ? of.id : of.name);
        const id = of.name === "" || of.name === of.id ? "" : shown(of.id);
        setText(this.link, name);
        setAttribute(this.link, "href", channelHref(of.id));
        setText(this.id, id);
        // Of what is cut for want of room.
        setAttribute(this.link, "title", id === "" ? name : `${name} ${id}`);
        const { window_s, now } = this.moment();
        this.spark.update(levelled(of.sparks, of.spark_step_s, now));
        const hasRequests = of.requests > 0;
        this.requests.show(rate, hasRequests ? of.requests / window_s : null);
        this.failed.show(percent,
                         hasRequests ? of.failed / of.requests : null);
        this.failed.root.dataset["tone"] = failing(of);
        this.p95.show(duration, of.p95_ms);
        this.memory.show(percent, of.memory_share);
        this.memoryBar.update(of.memory_share ?? 0,
                              toneOf(of.memory_share ?? 0, 0.9, 1));
        this.memoryBar.root.hidden = of.memory_share === null;
        this.lines.show(rate, of.lines / window_s);
        setText(this.lost, of.lost_lines > 0 ? count(of.lost_lines) : "–");
        this.lost.dataset["tone"] = of.lost_lines > 0 ? "bad" : "";
        this.updateErrors(of);
    }

    // The number is of all codes, and the code one of them.
    private updateErrors({ errors, top_code, meaning }: FleetChannel): void {
        const isOfSeveral = top_code !== null && errors > 1;
        const words = errors === 0 ? NOTHING
            : `${compact(errors)} ${errors === 1 ? "error" : "errors"}` +
                (isOfSeveral ? ", top" : top_code === null ? "" : ",");
        setText(this.errors, words);
        setText(this.code, top_code ?? "");
        setText(this.meaning, meaning ?? "");
        setAttribute(this.errorsCell, "title", errors === 0 ? undefined
            : [words, top_code, meaning].filter(one => one !== null).join(" "));
    }
}
