// A stream of events that comes back by itself: after a cut, a restart of the
// daemon, or a night in a closed notebook. It goes on where it was, by the id of
// the last event.
import { ApiError, ask, whyNot } from "./client";
import { Backoff } from "./backoff";
import { onCredential } from "./credential";
import { SseParser, type SseEvent } from "./sse";

export type StreamState =
    | { kind: "connecting" }
    | { kind: "live" }
    | { kind: "waiting"; until: number; why: string } // ms, as Date.now()
    | { kind: "refused"; error: ApiError };

// Why there is nothing new, in a sentence; empty: there is.
export function whyNothing(state: StreamState): string {
    switch (state.kind) {
    case "refused":
        return whyNot(state.error);
    case "waiting":
        return `${state.why.replace(/\.$/, "")}. It is tried again by itself.`;
    default:
        return "";
    }
}

// Lines are numbered from 1 again, and what was before is nowhere.
export const BEGAN_ANEW = "the daemon was started again, or the channel was " +
    "made again";

export interface StreamUser {
    onEvent(event: SseEvent): void;
    onState(state: StreamState): void;
    // It is allowed and begins; there may be no event yet.
    onOpen?(): void;
}

// What won't be otherwise in a second: the channel may be made, a switch
// turned, but nobody needs to see that at once.
const REFUSED_MS = 5000;

export class Stream {
    state: StreamState = { kind: "connecting" };
    private readonly backoff = new Backoff();
    private under: AbortController | null = null;
    private timer = 0;
    private watchdog = 0;
    private lastId = ""; // of its events: EPOCH:NUMBER
    private endedWhy = "";
    private isClosed = false;
    private isRestarting = false; // aborted, to begin again at once
    private readonly unbind: (() => void)[] = [];

    // silence_ms: as long as this without a byte, and the connection is dead,
    // though nobody has said so.
    constructor(private readonly path: string,
                private readonly silence_ms: number,
                private readonly user: StreamUser) {
        const again = (): void => this.hurry();
        const seen = (): void => {
            if (document.visibilityState === "visible")
                this.hurry();
        };
        window.addEventListener("online", again);
        document.addEventListener("visibilitychange", seen);
        this.unbind.push(
            () => window.removeEventListener("online", again),
            () => document.removeEventListener("visibilitychange", seen),
            onCredential(() => this.restart()));
        void this.run();
    }

    // In which its numbers of lines are good; empty: it has told nothing.
    get epoch(): string {
        return this.lastId.slice(0, this.lastId.indexOf(":"));
    }

    close(): void {
        this.isClosed = true;
        for (const each of this.unbind)
            each();
        window.clearTimeout(this.timer);
        window.clearTimeout(this.watchdog);
        this.under?.abort();
    }

    // Doesn't wait for the next try.
    hurry(): void {
        if (this.isClosed || this.timer === 0)
            return;
        window.clearTimeout(this.timer);
        this.timer = 0;
        void this.run();
    }

    // As somebody else now: what is open was somebody's who has gone.
    private restart(): void {
        if (this.timer !== 0) {
            this.hurry();
            return;
        }
        this.isRestarting = true;
        this.under?.abort();
    }

    private become(state: StreamState): void {
        this.state = state;
        this.user.onState(state);
    }

    private async run(): Promise<void> {
        this.isRestarting = false;
        this.become({ kind: "connecting" });
        this.endedWhy = "the stream ended";
        const under = new AbortController();
        this.under = under;
        try {
            await this.read(under);
            this.wait(unconnected(this.endedWhy));
        } catch (error) {
            if (!this.isClosed)
                this.failed(error);
        } finally {
            window.clearTimeout(this.watchdog);
            under.abort();
        }
    }

    private async read(under: AbortController): Promise<void> {
        const headers: Record<string, string> = { Accept: "text/event-stream" };
        if (this.lastId !== "")
            headers["Last-Event-ID"] = this.lastId;
        this.watch(under);
        const answer = await ask(this.path, under.signal, headers);
        if (!answer.body)
            throw new ApiError(0, "the answer has no body");
        this.user.onOpen?.();
        const reader = answer.body.getReader();
        const decoder = new TextDecoder();
        const parser = new SseParser();
        for (;;) {
            const { done, value } = await reader.read();
            if (done)
                return;
            this.watch(under);
            for (const event of parser.push(
                decoder.decode(value, { stream: true })))
                this.deliver(event);
        }
    }

    private deliver(event: SseEvent): void {
        if (this.isClosed)
            return;
        if (this.state.kind !== "live") {
            this.backoff.reset();
            this.become({ kind: "live" });
        }
        if (event.id !== "")
            this.lastId = event.id;
        if (event.event === "end")
            this.endedWhy = whyOf(event.data);
        else
            this.user.onEvent(event);
    }

    private watch(under: AbortController): void {
        window.clearTimeout(this.watchdog);
        this.watchdog = window.setTimeout(() => under.abort(),
                                          this.silence_ms);
    }

    private failed(error: unknown): void {
        if (this.isRestarting) {
            this.isRestarting = false;
            this.later(0);
            return;
        }
        if (!(error instanceof ApiError)) {
            this.wait(unconnected("the connection broke"));
            return;
        }
        if (error.status === 0 || error.status >= 500 ||
            error.status === 429) {
            this.wait(error.status === 0 ? unconnected(error.message)
                                         : whyNot(error));
            return;
        }
        this.become({ kind: "refused", error });
        this.later(REFUSED_MS);
    }

    private wait(why: string): void {
        if (this.isClosed)
            return;
        const ms = this.backoff.next();
        this.become({ kind: "waiting", until: Date.now() + ms, why });
        this.later(ms);
    }

    private later(ms: number): void {
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => {
            this.timer = 0;
            void this.run();
        }, ms);
    }
}

function unconnected(why: string): string {
    return `No connection: ${why}`;
}

// A stream that the daemon ends says so, and why, before it does.
function whyOf(data: string): string {
    try {
        const { why } = JSON.parse(data) as { why?: string };
        return why ?? data;
    } catch {
        return data;
    }
}
