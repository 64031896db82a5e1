// From a number to the lines that made it.
import { channelPath, getJson } from "../api/client";
import { segmentOf } from "../api/segment";
import type { Lines } from "../api/types";
import { Panel } from "../ui/panel";

export type Query = Record<string, string | number>;

const LINES = 50;

// A percentile is within 1 % of a response time that there was.
export function responsesAround(ms: number): Query {
    return { response_min: ms * 0.98, response_max: ms * 1.02 };
}

export class Behind {
    readonly panel: Panel;

    constructor(private readonly channel: string) {
        this.panel = new Panel(id => this.request(id));
    }

    // The exemplars of a number: some lines that made it.
    exemplars(title: string, epoch: string, seqs: readonly number[]): void {
        this.ask(title, "/lines", { seqs: seqs.join(","), epoch });
    }

    matching(title: string, query: Query): void {
        this.ask(title, "/lines", { ...query, limit: LINES }, LINES);
    }

    request(id: string): void {
        this.ask(`Request ${id}`, `/requests/${segmentOf(id)}`, {});
    }

    private ask(title: string, rest: string, query: Query,
                limit = Infinity): void {
        const path = channelPath(this.channel, rest, query);
        void this.panel.open(title, signal => getJson<Lines>(path, signal),
                             limit);
    }
}
