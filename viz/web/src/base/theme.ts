// Light or dark: as the system has it, until somebody says otherwise.

export type Theme = "system" | "light" | "dark";

const KEY = "logplex.theme";
const listeners = new Set<() => void>();
const colours = new Map<string, string>(); // of the theme that is
const system = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
}

export function isDark(): boolean {
    const now = theme();
    return now === "dark" || (now === "system" && system.matches);
}

function apply(): void {
    const now = theme();
    if (now === "system")
        delete document.documentElement.dataset["theme"];
    else
        document.documentElement.dataset["theme"] = now;
    colours.clear();
    for (const listener of listeners)
        listener();
}

// The other one than is seen; what the system wants anyway is not kept.
export function toggleTheme(): void {
    const wantsDark = !isDark();
    if (wantsDark === system.matches)
        localStorage.removeItem(KEY);
    else
        localStorage.setItem(KEY, wantsDark ? "dark" : "light");
    apply();
}

export function onTheme(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

export function startTheme(): void {
    system.addEventListener("change", apply);
    apply();
}

// A colour of the style sheet as a canvas takes it. Custom properties are not
// resolved by themselves (light-dark() stays as it is written), the colour of
// an element is. Asking for it has the styles of the page worked out at once, so
// it's asked for once in each theme.
const probe = document.createElement("span");

export function colour(name: string): string {
    const known = colours.get(name);
    if (known !== undefined)
        return known;
    if (!probe.isConnected) {
        probe.hidden = true;
        document.body.append(probe);
    }
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    colours.set(name, found);
    return found;
}
