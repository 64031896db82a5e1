// Asking logplexd, and what it says when it won't.
import { visible } from "../base/shown";
import { authorization } from "./credential";
import { segmentOf } from "./segment";

// status 0: there was no answer at all.
export class ApiError extends Error {
    constructor(readonly status: number, message: string) {
        super(message);
    }
}

// Why there is no answer, as it is said on the page.
export function whyNot(error: unknown): string {
    if (error instanceof ApiError && error.status > 0)
        return `logplexd says: ${error.message}`;
    return error instanceof Error ? error.message : String(error);
}

// A daemon with --aggregates off has lines all the same.
export function isUnmeasured(error: ApiError): boolean {
    return error.status === 404 &&
        /there are no aggregates/.test(error.message);
}

// Paths begin with a slash: there is no request to any other host.
export async function ask(path: string, signal: AbortSignal,
                          headers: Record<string, string> = {}):
                          Promise<Response> {
    const who = authorization();
    if (who !== null)
        headers["Authorization"] = who;
    let answer: Response;
    try {
        // "omit" keeps the browser from asking for a password by itself, in a
        // window that stands over everything, whenever a 401 comes.
        answer = await fetch(path, { headers, signal, credentials: "omit",
                                     cache: "no-store" });
    } catch (error) {
        if (signal.aborted)
            throw error;
        throw new ApiError(0, "logplexd does not answer");
    }
    if (!answer.ok)
        throw new ApiError(answer.status, visible(await wordsOf(answer)));
    return answer;
}

export async function getJson<T>(path: string, signal: AbortSignal):
                                 Promise<T> {
    const answer = await ask(path, signal);
    return await answer.json() as T;
}

// Errors are shown in the API's own words: {"error":…} of v3, {"message":…} of
// the platform's, or a text.
async function wordsOf(answer: Response): Promise<string> {
    const text = (await answer.text().catch(() => "")).trim();
    try {
        const body = JSON.parse(text) as Record<string, unknown>;
        const words = body["error"] ?? body["message"];
        if (typeof words === "string")
            return words;
    } catch {
        // It is no JSON, so it is the text itself.
    }
    return text !== "" ? text.slice(0, 500) : `status ${answer.status}`;
}

export function channelPath(id: string, rest: string,
                            query: Record<string, string | number> = {}):
                            string {
    const path = `/v3/channels/${segmentOf(id)}${rest}`;
    const words = Object.entries(query).map(
        ([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return words.length > 0 ? `${path}?${words.join("&")}` : path;
}
