// The channel's account, in one line: every line that came is in it.
import type { Detail, Snapshot } from "../api/types";
import { el, setText } from "../base/dom";
import { count, plural } from "../base/format";

// What a channel that is short of memory still has of the window.
const LEFT: Record<Exclude<Detail, "full">, string> = {
    core: "of this window totals and their percentiles are kept",
    coarse: "of this window totals of five minutes are kept",
    bare: "of this window sums alone are kept",
};

export class LedgerLine {
    private readonly sum = el("p", { class: "equation" });
    private readonly rest = el("p", { class: "fine" });
    readonly root = el("footer", { class: "ledger", "aria-label": "Ledger" },
                       this.sum, this.rest);

    update({ ledger, series, epoch, detail, odd }: Snapshot): void {
        setText(this.sum,
                `${plural(ledger.appended, "line")} came = ` +
                `${count(ledger.resident)} in memory + ` +
                `${count(ledger.evicted)} evicted`);
        const words = [
            `№ ${count(ledger.oldest_seq)} to ` +
                `${count(Math.max(0, ledger.next_seq - 1))} of epoch ${epoch}`,
            `${count(series.used)} of ${count(series.max)} series` +
                (series.other_values > 0
                    ? `, ${count(series.other_values)} values under others`
                    : ""),
        ];
        if (ledger.too_big > 0)
            words.push(`${count(ledger.too_big)} too big`);
        if (ledger.refused > 0)
            words.push(`${count(ledger.refused)} refused for want of memory`);
        if (odd.values > 0)
            words.push(`${plural(odd.values, "value")} beyond reason left out`);
        if (detail !== "full")
            words.push(LEFT[detail]);
        setText(this.rest, words.join(" · "));
    }
}
