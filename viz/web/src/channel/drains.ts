// Where the channel's lines go, and how far they have got.
import { ApiError, channelPath, getJson } from "../api/client";
import { onCredential } from "../api/credential";
import type { Drain, DrainStatus } from "../api/types";
import { el, setText } from "../base/dom";
import { age, count, moment, NOTHING, plural } from "../base/format";
import { InSight } from "../base/in_sight";
import { Keyed, type View } from "../base/keyed";
import { shown, withoutPassword } from "../base/shown";
import { section, table } from "../ui/parts";

const EVERY_MS = 5000;
const UNSEEN_MS = 60_000; // where nobody looks, or there was none
const SHOWN = 20;

function at(iso: string): string {
    return moment(Date.parse(iso) / 1000);
}

function stateOf({ state, retry_at }: DrainStatus): string {
    return state === "waits" && retry_at ? `waits until ${at(retry_at)}` : state;
}

// When it was is half of what it says: of now, or of before lines got through.
function lastErrorOf({ last_error, last_error_at }: DrainStatus): string[] {
    if (!last_error)
        return [];
    return [(last_error_at ? `${at(last_error_at)} ` : "") + shown(last_error)];
}

class DrainRow implements View<Drain> {
    private readonly url = el("th", { scope: "row", class: "text" });
    private readonly state = el("td", { class: "text" });
    private readonly lag = el("td");
    private readonly sent = el("td");
    private readonly lost = el("td");
    private readonly error = el("td", { class: "text wide" });
    readonly root = el("tr", {}, this.url, this.state, this.lag, this.sent,
                       this.lost, this.error);

    update({ url, status, token, warnings }: Drain): void {
        setText(this.url, url === undefined ? `${token} (reserved)`
            : shown(withoutPassword(url)));
        if (!status)
            return;
        const lost = Object.values(status.lost_lines).reduce(
            (sum, n) => sum + n, 0);
        const isBad = ["waits", "parked", "held"].includes(status.state);
        setText(this.state, stateOf(status));
        this.state.dataset["tone"] = isBad ? "bad" : "";
        setText(this.lag, status.lag_lines === 0 ? "none"
            : `${plural(status.lag_lines, "line")}, ${age(status.lag_s)}`);
        setText(this.sent, count(status.delivered_lines));
        setText(this.lost, count(lost));
        this.lost.dataset["tone"] = lost > 0 ? "bad" : "";
        setText(this.error, [
            ...lastErrorOf(status), ...(warnings ?? []).map(shown),
        ].join("; ") || NOTHING);
    }
}

// No answer, or none now: what is shown is still the newest that is known.
function mayComeBack({ status }: ApiError): boolean {
    return status === 0 || status === 429 || status >= 500;
}

export class Drains {
    private readonly rows: Keyed<Drain>;
    private readonly more = el("p", { class: "fine" });
    readonly root: HTMLElement;
    private readonly under = new AbortController();
    private readonly sight: InSight;
    // Who has just signed in does not wait for the next time.
    private readonly unbind = onCredential(() => void this.fetch());
    private timer = 0;

    constructor(private readonly channel: string) {
        const made = table("Drains", [
            { label: "To", isText: true }, { label: "State", isText: true },
            { label: "Behind" }, { label: "Delivered" }, { label: "Lost" },
            { label: "Last error", isText: true },
        ]);
        this.rows = new Keyed<Drain>(made.body, of => String(of.id),
                                     () => new DrainRow());
        this.root = section("drains", "Drains", made.root, this.more);
        this.root.hidden = true;
        this.sight = new InSight(this.root, () => void this.fetch(),
                                 { unseen_ms: UNSEEN_MS });
        this.sight.ask();
    }

    close(): void {
        this.unbind();
        this.under.abort();
        this.sight.close();
        window.clearTimeout(this.timer);
    }

    // One that went since it was named is as it was named.
    private async one(of: Drain): Promise<Drain> {
        try {
            return await getJson<Drain>(channelPath(
                this.channel, `/drains/${of.id}`), this.under.signal);
        } catch (error) {
            if (error instanceof ApiError && error.status === 404)
                return of;
            throw error;
        }
    }

    // Who may not see the drains does not see that there are some, either.
    private async fetch(): Promise<void> {
        const { signal } = this.under;
        try {
            const all = await getJson<Drain[]>(
                channelPath(this.channel, "/drains"), signal);
            const shown = await Promise.all(
                all.slice(0, SHOWN).map(of => this.one(of)));
            this.rows.update(shown);
            this.root.hidden = all.length === 0;
            setText(this.more, all.length > SHOWN
                ? `and ${all.length - SHOWN} more` : "");
        } catch (error) {
            if (error instanceof ApiError && !mayComeBack(error))
                this.root.hidden = true;
        }
        window.clearTimeout(this.timer); // of a question that came between
        if (!signal.aborted)
            this.timer = window.setTimeout(() => this.sight.ask(), EVERY_MS);
    }
}
