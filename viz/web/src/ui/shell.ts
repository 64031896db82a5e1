// What stands around every page: who we are, where we are, whether the numbers
// are alive, light or dark.
import { authorization, onCredential, signOut } from "../api/credential";
import type { StreamState } from "../api/stream";
import { el, setText, svg } from "../base/dom";
import { age } from "../base/format";
import { shown } from "../base/shown";
import { isDark, onTheme, toggleTheme } from "../base/theme";
import { openHelp } from "./help";

// Older than this, numbers that come once a second are not the present.
const STALE_MS = 3500;

interface Words {
    tone: string;
    text: string;
    more?: string;
}

function mark(): SVGSVGElement {
    return svg("svg", { class: "mark", viewBox: "0 0 32 32",
                        "aria-hidden": "true" },
               svg("path", { class: "mark-ring",
                             d: "M16 5a11 11 0 1 1-9.53 5.5" }),
               svg("path", { class: "mark-cursor", d: "M16 10v6l4.6 3" }));
}

export class Shell {
    readonly root = el("div", { class: "shell" });
    readonly main = el("main", { id: "main", tabindex: -1 });
    private readonly trail = el("nav", { class: "trail",
                                         "aria-label": "Where you are" });
    // How it is, and by how much, which is another each second and no news.
    private readonly how = el("span", { role: "status" });
    private readonly more = el("span");
    private readonly pill = el("p", { class: "pill" },
                               el("span", {}, this.how, this.more));
    private readonly said = el("p", { class: "unseen",
                                      "aria-live": "polite" });
    private readonly out = el("button", { class: "quiet", type: "button",
                                          onclick: signOut }, "Sign out");
    private state: StreamState | null = null;
    private seen_ms = 0;
    private isNobody = false; // who he says he is, he is not

    constructor() {
        const themeButton = el("button", { class: "quiet", type: "button",
                                           onclick: toggleTheme });
        const nameTheme = (): void => {
            setText(themeButton, isDark() ? "Light" : "Dark");
            themeButton.title = "Light or dark (t)";
        };
        onTheme(nameTheme);
        nameTheme();
        onCredential(() => this.showOut());
        this.showOut();
        this.root.append(
            el("a", { class: "skip", href: "#main" }, "To the numbers"),
            el("header", { class: "top" },
               el("a", { class: "brand", href: "/" }, mark(), "logplex"),
               this.trail, el("span", { class: "spring" }), this.pill,
               this.out, themeButton,
               el("button", { class: "quiet", type: "button",
                              title: "Keys (?)", onclick: openHelp,
                              "aria-label": "Keys" }, "?")),
            this.main, this.said);
        window.setInterval(() => this.tick(), 500);
    }

    private showOut(): void {
        this.out.hidden = authorization() === null || this.isNobody;
    }

    // The page's name, where it is not the fleet.
    place(name: string | null): void {
        document.title = name === null ? "Fleet · Logplex"
                                       : `${shown(name)} · Logplex`;
        if (name === null)
            this.trail.replaceChildren(
                el("span", { "aria-current": "page" }, "Fleet"));
        else
            this.trail.replaceChildren(
                el("a", { href: "/" }, "Fleet"),
                el("span", { class: "slash", "aria-hidden": "true" }, "/"),
                el("span", { "aria-current": "page", class: "here",
                             title: shown(name) }, shown(name)));
        this.state = null;
        this.tick();
    }

    setState(state: StreamState): void {
        this.state = state;
        if (state.kind === "live" || state.kind === "refused") {
            this.isNobody = state.kind === "refused" &&
                state.error.status === 401;
            this.showOut();
        }
        this.tick();
    }

    // The newest numbers have come.
    beat(): void {
        this.seen_ms = Date.now();
        this.tick();
    }

    forget(): void {
        this.seen_ms = 0;
    }

    // For who hears the page; the caller sees to a calm rate.
    say(text: string): void {
        setText(this.said, text);
    }

    private tick(): void {
        const now = Date.now();
        const old_ms = this.seen_ms > 0 ? now - this.seen_ms : 0;
        const isStale = old_ms > STALE_MS;
        const { tone, text, more = "" } = this.words(now, isStale ? old_ms : 0);
        this.pill.dataset["tone"] = tone;
        setText(this.how, text);
        setText(this.more, more);
        this.pill.hidden = text === "";
        this.main.classList.toggle("is-stale", isStale);
    }

    private words(now: number, old_ms: number): Words {
        const old = old_ms > 0 ? `, ${age(old_ms / 1000)} old` : "";
        switch (this.state?.kind) {
        case undefined:
            return { tone: "wait", text: "" };
        case "live":
            return old_ms > 0 ? { tone: "wait", text: "Silent", more: old }
                              : { tone: "live", text: "Live" };
        case "connecting":
            return { tone: "wait", text: "Connecting", more: old };
        case "refused":
            return refused(this.state.error.status);
        case "waiting": {
            const s = Math.max(1, Math.ceil((this.state.until - now) / 1000));
            return { tone: "bad", text: "Reconnecting",
                     more: ` in ${s} s${old}` };
        }
        }
    }
}

function refused(status: number): Words {
    switch (status) {
    case 401:
        return { tone: "wait", text: "Not signed in" };
    case 404:
        return { tone: "wait", text: "No numbers" };
    default:
        return { tone: "bad", text: "Refused" };
    }
}
