// Commands that take somebody from nothing to a first line.
import { authorization } from "../api/credential";
import { segmentOf } from "../api/segment";
import { commands } from "./notice";

function quoted(word: string): string {
    return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

// Whoever has signed in has to do so in the shell too; the secret is not shown.
function who(): string {
    return authorization() === null ? "" : " -u ID:SECRET";
}

export function makeChannel(id: string): HTMLElement {
    const path = quoted(segmentOf(id));
    return commands(
        `curl -s${who()} -X PUT ${location.origin}/v3/channels/${path} ` +
        `--json '{"tokens":["app"]}'`);
}

export function sendFirstLine(id: string): HTMLElement {
    const path = quoted(segmentOf(id));
    return commands([
        `api=${location.origin}`,
        `token=$(curl -s${who()} -X POST $api/v3/channels/${path}/tokens \\`,
        `    --json '{"name":"app"}' | grep -o 't\\.[0-9a-f-]*')`,
        `curl -u "token:$token" -H 'Content-Type: application/logplex-1' \\`,
        `    --data-binary "<134>1 $(date -u +%FT%TZ) host $token web.1` +
            ` - - hello" \\`,
        "    $api/logs",
    ].join("\n"));
}
