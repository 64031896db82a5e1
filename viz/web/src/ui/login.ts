// Asks who is there, after a 401. The page itself has no secret in it.
import { authorization, signIn } from "../api/credential";
import { whyNothing, type StreamState } from "../api/stream";
import { el, setText } from "../base/dom";

// What a form has to say; who has not said yet who he is has not been wrong.
function told(state: StreamState): string {
    return state.kind === "refused" && authorization() === null
        ? "Enter the id and the secret of a credential of this daemon."
        : whyNothing(state);
}

// A form that is being filled in stays, with what is said now.
export function askedAgain(form: HTMLElement | null, state: StreamState):
    boolean {
    const at = form?.querySelector(".login-words");
    if (at)
        setText(at, told(state));
    return Boolean(at);
}

export function login(state: StreamState): HTMLElement {
    const id = el("input", { id: "login-id", autocomplete: "username",
                             spellcheck: "false", autocapitalize: "none" });
    const secret = el("input", { id: "login-secret", type: "password",
                                 autocomplete: "current-password",
                                 required: true });
    const submit = (event: Event): void => {
        event.preventDefault();
        signIn(id.value.trim(), secret.value);
    };
    return el(
        "section", { class: "state login" },
        el("h1", {}, "Sign in"),
        el("p", { class: "login-words", role: "alert" }, told(state)),
        el("form", { onsubmit: submit },
           el("label", { for: "login-id" }, "Id ",
              el("small", {}, "(leave it empty for a static key)")), id,
           el("label", { for: "login-secret" }, "Secret ",
              el("small", {}, "(or password, or static key)")), secret,
           el("button", { class: "primary", type: "submit" }, "Sign in")),
        el("p", { class: "fine" }, "These are what the daemon was started ",
           "with (", el("code", {}, "--credential ID:PASSWORD:full_api"),
           "), or what ", el("code", {}, "logplexd credential add"), " or ",
           el("code", {}, "POST /v3/credentials"), " gave you."),
        el("p", { class: "fine" }, "With ", el("code", {}, "full_api"),
           " you see all channels, and with a channel's own credential that ",
           "one, at ", el("code", {}, "/channels/ID"), ". It is kept in this ",
           "tab alone, until you close it."));
}
