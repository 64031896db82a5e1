// From a number to the lines that made it.
import { channelPath, getJson } from "../api/client";
import { segmentOf } from "../api/segment";
import type { Lines } from "../api/types";
import { shown } from "../base/shown";
import { Panel } from "../ui/panel";

export type Query = Record<string, string | number>;

const LINES = 50;

const GONE = "This channel began anew: the lines of this number are gone.";

// Others than the router write such a pair, too.
export const WAITED: Query = { where: "process=router wait>0" };

// A percentile is within 1 % of a response time that there was.
export function responsesAround(ms: number): Query {
    return { response_min: ms * 0.98, response_max: ms * 1.02 };
}

export class Behind {
    readonly panel: Panel;
    epoch = ""; // of the numbers that the page shows; empty: it is not known

    constructor(private readonly channel: string) {
        this.panel = new Panel(id => this.request(id));
    }

    // The exemplars of a number: some lines that made it.
    exemplars(title: string, epoch: string, seqs: readonly number[]): void {
        this.ask(title, "/lines", { seqs: seqs.join(","), epoch });
    }

    // epoch: of the number, which has no lines in any other. or: what is asked
    // for instead where there is none.
    matching(title: string, query: Query, epoch = this.epoch,
             or?: Query): void {
        void this.panel.open(title, async signal => {
            const found = await this.find(query, epoch, signal);
            return or && found.lines.length === 0
                ? this.find(or, epoch, signal) : found;
        }, LINES);
    }

    private async find(query: Query, epoch: string,
                       signal: AbortSignal): Promise<Lines> {
        const found = await getJson<Lines>(channelPath(
            this.channel, "/lines", { ...query, limit: LINES }), signal);
        if (epoch !== "" && found.epoch !== epoch)
            throw new Error(GONE);
        return found;
    }

    request(id: string): void {
        this.ask(`Request ${shown(id)}`, `/requests/${segmentOf(id)}`, {});
    }

    private ask(title: string, rest: string, query: Query): void {
        const path = channelPath(this.channel, rest, query);
        void this.panel.open(title, signal => getJson<Lines>(path, signal),
                             Infinity);
    }
}
