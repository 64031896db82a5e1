// Where the channel's lines go, and how far they have got.
import { channelPath, getJson } from "../api/client";
import type { Drain } from "../api/types";
import { el, setText } from "../base/dom";
import { age, count, NOTHING, plural } from "../base/format";
import { InSight } from "../base/in_sight";
import { Keyed, type View } from "../base/keyed";
import { shown, withoutPassword } from "../base/shown";
import { section, table } from "../ui/parts";

const EVERY_MS = 5000;
const UNSEEN_MS = 60_000; // where nobody looks, or there was none
const SHOWN = 20;

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
        setText(this.state, status.state);
        this.state.dataset["tone"] = isBad ? "bad" : "";
        setText(this.lag, status.lag_lines === 0 ? "none"
            : `${plural(status.lag_lines, "line")}, ${age(status.lag_s)}`);
        setText(this.sent, count(status.delivered_lines));
        setText(this.lost, count(lost));
        this.lost.dataset["tone"] = lost > 0 ? "bad" : "";
        setText(this.error, shown(
            [status.last_error, ...warnings ?? []].filter(Boolean).join("; ")
            || NOTHING));
    }
}

export class Drains {
    private readonly rows: Keyed<Drain>;
    private readonly more = el("p", { class: "fine" });
    readonly root: HTMLElement;
    private readonly under = new AbortController();
    private readonly sight: InSight;
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
                                 UNSEEN_MS);
        this.sight.ask();
    }

    close(): void {
        this.under.abort();
        window.clearTimeout(this.timer);
    }

    // Who may not see the drains does not see that there are some, either.
    private async fetch(): Promise<void> {
        const { signal } = this.under;
        try {
            const all = await getJson<Drain[]>(
                channelPath(this.channel, "/drains"), signal);
            const shown = await Promise.all(all.slice(0, SHOWN).map(
                of => getJson<Drain>(channelPath(
                    this.channel, `/drains/${of.id}`), signal)));
            this.rows.update(shown);
            this.root.hidden = all.length === 0;
            setText(this.more, all.length > SHOWN
                ? `and ${all.length - SHOWN} more` : "");
        } catch {
            this.root.hidden = true;
        }
        if (!signal.aborted)
            this.timer = window.setTimeout(() => this.sight.ask(), EVERY_MS);
    }
}
