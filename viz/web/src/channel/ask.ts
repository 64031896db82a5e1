// Questions that nobody thought of counting beforehand (docs/questions.md): a form
// at the side, and the answer as a table.
import { channelPath, getJson, whyNot } from "../api/client";
import type { Answer, Snapshot } from "../api/types";
import { el } from "../base/dom";
import { linesButton, table } from "../ui/parts";
import { Side } from "../ui/side";
import { questionOf, tableOf, wordsOf, type AnswerRow } from "./answer";
import type { Behind, Query } from "./behind";

const GROUPS = 50;
const SUGGESTED = 60;
const WINDOWS = ["1m", "5m", "15m", "1h", "24h"];
const KEYS = ["route", "path", "process", "dyno", "status", "code", "method",
              "host", "source", "severity"];
const EXAMPLES: [string, Partial<Record<Name, string>>][] = [
    ["Slow routes", { measure: "response", by: "route" }],
    ["What fails", { by: "route,code", where: "status>=500" }],
    ["Who writes lines", { by: "source,process" }],
];

type Name = "measure" | "by" | "where";

function field(name: Name, hint: string): HTMLInputElement {
    return el("input", { id: `ask-${name}`, class: "mono", placeholder: hint,
                         list: name === "where" ? undefined : `asked-${name}`,
                         autocomplete: "off", spellcheck: "false",
                         autocapitalize: "none" });
}

export class Ask {
    private readonly fields: Record<Name, HTMLInputElement> = {
        measure: field("measure", "service; empty: count lines"),
        by: field("by", "path, dyno; empty: all as one"),
        where: field("where", "status>=500; empty: all lines"),
    };
    private readonly window = el(
        "select", { id: "ask-window" },
        ...WINDOWS.map(one => el("option", { value: one,
                                             selected: one === "5m" }, one)));
    private readonly measures = el("datalist", { id: "asked-measure" });
    private readonly told = el("p", { class: "fine", role: "status" });
    private readonly answer = el("div", { class: "answer" });
    private readonly side: Side;
    readonly root: HTMLElement;
    readonly opener = el("button", { type: "button", class: "chip",
                                     title: "Key a",
                                     onclick: () => this.open() }, "Ask…");
    private under: AbortController | null = null;
    private epoch = ""; // of the answer; empty: there is none of now

    constructor(private readonly channel: string,
                private readonly behind: Behind,
                private readonly newest: () => Snapshot | null) {
        this.side = new Side(
            "Ask", () => this.under?.abort(), this.form(),
            el("div", { class: "toolbar" }, ...EXAMPLES.map(
                ([words, query]) => el(
                    "button", { type: "button", class: "chip",
                                onclick: () => this.example(query) },
                    words))),
            this.told, this.answer);
        this.side.root.classList.add("ask");
        this.root = this.side.root;
    }

    open(): void {
        this.suggest();
        this.side.show("Ask the lines", this.fields.measure);
    }

    // Somebody else may ask next.
    forget(): void {
        for (const field of Object.values(this.fields))
            field.value = "";
        this.clear("");
    }

    // epoch: the new one.
    outlive(epoch: string): void {
        if (this.epoch === "" || this.epoch === epoch)
            return;
        this.epoch = ""; // it is said once
        this.told.prepend("An answer of before this channel began anew. ");
    }

    // words: in place of an answer.
    private clear(words: string): void {
        this.epoch = "";
        this.told.textContent = words;
        this.answer.replaceChildren();
    }

    private form(): HTMLElement {
        const labelled = (label: string, of: HTMLElement): HTMLElement[] =>
            [el("label", { for: of.id }, label), of];
        const submit = (event: Event): void => {
            event.preventDefault();
            void this.ask();
        };
        return el(
            "form", { class: "ask-form", onsubmit: submit },
            ...labelled("Measure", this.fields.measure),
            ...labelled("Group by", this.fields.by),
            ...labelled("Where", this.fields.where),
            el("label", { for: this.window.id }, "The last"),
            el("div", { class: "toolbar" }, this.window,
               el("button", { class: "primary", type: "submit" }, "Ask")),
            this.measures,
            el("datalist", { id: "asked-by" },
               ...KEYS.map(key => el("option", { value: key }))));
    }

    private suggest(): void {
        const names = new Set(["response"]);
        for (const { name } of this.newest()?.measures ?? [])
            if (name !== null && names.size < SUGGESTED)
                names.add(name.replace(/^router\./, ""));
        this.measures.replaceChildren(
            ...[...names].map(name => el("option", { value: name })));
    }

    private example(query: Partial<Record<Name, string>>): void {
        for (const name of ["measure", "by", "where"] as const)
            this.fields[name].value = query[name] ?? "";
        void this.ask();
    }

    private query(): Query {
        const query: Query = { window: this.window.value, top: GROUPS };
        for (const [name, { value }] of Object.entries(this.fields)) {
            // Commas are between keys, and blanks are none of them.
            const words = name === "by" ? value.replace(/\s/g, "")
                                        : value.trim();
            if (words !== "")
                query[name] = words;
        }
        if ("measure" in query)
            query["q"] = "0.5,0.95";
        return query;
    }

    private async ask(): Promise<void> {
        this.under?.abort();
        const under = new AbortController();
        this.under = under;
        this.clear("Looking…");
        this.told.dataset["tone"] = "";
        const query = this.query();
        try {
            this.show(query, await getJson<Answer>(channelPath(
                this.channel, "/aggregate", query), under.signal));
        } catch (error) {
            if (under.signal.aborted)
                return;
            this.told.dataset["tone"] = "bad";
            this.told.textContent = whyNot(error);
        }
    }

    private show(query: Query, answer: Answer): void {
        const { heads, rows } = tableOf(answer);
        this.epoch = answer.epoch;
        this.told.textContent = questionOf(query, answer.to) + wordsOf(answer);
        const made = table("The answer", heads.map(
            (label, i) => ({ label, isText: i === 0 })));
        made.body.append(...rows.map(one => this.row(one, answer.epoch)));
        this.answer.replaceChildren(...(rows.length > 0 ? [made.root] : []));
    }

    private row({ name, cells, newest_seq }: AnswerRow, epoch: string):
        HTMLElement {
        const words = el("span", { class: "route", title: name }, name);
        return el("tr", {}, el("th", { scope: "row", class: "text" },
                               newest_seq === null ? words : linesButton(
                                   `${name}: its newest line`,
                                   () => this.behind.exemplars(
                                       `The newest line of ${name}`, epoch,
                                       [newest_seq]), words)),
                  ...cells.map(one => el("td", {}, one)));
    }
}
