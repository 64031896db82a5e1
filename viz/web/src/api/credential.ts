// Who is asking. It is kept for this tab alone and sent as a header only, so no
// address that somebody logs, copies or goes back to has it.

const KEY = "logplex.authorization";
const listeners = new Set<() => void>();

// What Authorization is to say; null: nobody has signed in here.
export function authorization(): string | null {
    return sessionStorage.getItem(KEY);
}

// An id and its secret, or a secret alone. Basic has room for any letters, and
// fetch() refuses a header with some.
export function signIn(id: string, secret: string): void {
    sessionStorage.setItem(KEY, `Basic ${base64(`${id}:${secret}`)}`);
    tell();
}

export function signOut(): void {
    sessionStorage.removeItem(KEY);
    tell();
}

export function onCredential(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

function tell(): void {
    for (const listener of listeners)
        listener();
}

// btoa() takes bytes, and would refuse the letters of most languages.
function base64(of: string): string {
    return btoa(String.fromCharCode(...new TextEncoder().encode(of)));
}
