// Asks who is there, after a 401. The page itself has no secret in it.
import { authorization, signIn } from "../api/credential";
import { el, setText } from "../base/dom";

// Who has not said yet who he is has not been wrong.
function told(words: string): string {
    return authorization() === null ? "This daemon asks for a credential."
                                    : `logplexd says: ${words}`;
}

// A form that is being filled in stays, with what is said now.
export function askedAgain(form: HTMLElement | null, words: string): boolean {
    const at = form?.querySelector(".login-words");
    if (at)
        setText(at, told(words));
    return Boolean(at);
}

export function login(words: string): HTMLElement {
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
        el("h1", {}, "Who are you?"),
        el("p", { class: "login-words", role: "alert" }, told(words)),
        el("form", { onsubmit: submit },
           el("label", { for: "login-id" }, "Credential's id ",
              el("small", {}, "(none: a bare secret, as Bearer)")), id,
           el("label", { for: "login-secret" }, "Secret"), secret,
           el("button", { class: "primary", type: "submit" }, "Sign in")),
        el("p", { class: "fine" }, "It is kept for this tab only, until you ",
           "close it. A credential with ", el("code", {}, "full_api"),
           " sees all channels; a channel's own sees that one."));
}
