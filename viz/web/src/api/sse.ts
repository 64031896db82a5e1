// Server-Sent Events out of text that comes in pieces (WHATWG HTML, 9.2.6).
// EventSource can't send an Authorization header, and a secret in an address
// would be in somebody's log.

export interface SseEvent {
    event: string;
    id: string;
    data: string;
}

export class SseParser {
    retryMs: number | null = null;
    private id = "";
    private rest = "";
    private event = "";
    private data: string[] = [];

    push(piece: string): SseEvent[] {
        const events: SseEvent[] = [];
        const text = this.rest + piece;
        let from = 0;

        for (;;) {
            const end = lineEnd(text, from);
            if (end === null)
                break;
            this.take(text.slice(from, end.at), events);
            from = end.next;
        }
        this.rest = text.slice(from);
        return events;
    }

    private take(line: string, events: SseEvent[]): void {
        if (line === "") {
            this.dispatch(events);
            return;
        }
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        let value = colon < 0 ? "" : line.slice(colon + 1);
        if (value.startsWith(" "))
            value = value.slice(1);
        switch (field) {
        case "event":
            this.event = value;
            break;
        case "data":
            this.data.push(value);
            break;
        case "id":
            if (!value.includes("\0"))
                this.id = copyOf(value);
            break;
        case "retry":
            if (/^\d+$/.test(value))
                this.retryMs = Number(value);
            break;
        default: // a comment, or nothing that we know
            break;
        }
    }

    private dispatch(events: SseEvent[]): void {
        if (this.data.length > 0)
            events.push({ event: this.event || "message", id: this.id,
                          data: this.data.join("\n") });
        this.event = "";
        this.data = [];
    }
}

// A piece of a string keeps all of it in memory (V8), and an id outlives what came
// with it: some hundred kilobytes of lines.
function copyOf(piece: string): string {
    return piece.split("").join("");
}

// A line ends with CR, LF or both. A CR that is the last there is may be half
// of a pair: it waits for what comes.
function lineEnd(text: string, from: number):
                 { at: number; next: number } | null {
    const lf = text.indexOf("\n", from);
    const cr = text.indexOf("\r", from);
    if (cr >= 0 && (lf < 0 || cr < lf)) {
        if (cr + 1 === text.length)
            return null;
        return { at: cr, next: cr + (text[cr + 1] === "\n" ? 2 : 1) };
    }
    return lf < 0 ? null : { at: lf, next: lf + 1 };
}
