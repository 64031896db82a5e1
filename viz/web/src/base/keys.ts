// Keys of the page. What is typed into a field is the field's, and a button
// keeps its blank.

type Action = (event: KeyboardEvent) => void;
export type Bindings = Record<string, Action>;

const stack: Bindings[] = [];

export function bindKeys(bindings: Bindings): () => void {
    stack.push(bindings);
    return () => {
        const at = stack.indexOf(bindings);
        if (at >= 0)
            stack.splice(at, 1);
    };
}

function isField(target: EventTarget | null): boolean {
    return target instanceof HTMLElement &&
        target.matches("input:not([type=checkbox]), textarea, select");
}

function isPressable(target: EventTarget | null): boolean {
    return target instanceof HTMLElement &&
        target.matches("button, a, summary, [role=button]");
}

// It stands over the page, and has its keys.
function hasModal(): boolean {
    return document.querySelector("dialog:modal") !== null;
}

export function startKeys(): void {
    document.addEventListener("keydown", event => {
        if (event.ctrlKey || event.metaKey || event.altKey ||
            event.defaultPrevented || hasModal())
            return;
        if (isField(event.target) && event.key !== "Escape")
            return;
        if (isPressable(event.target) &&
            (event.key === " " || event.key === "Enter"))
            return;
        for (let i = stack.length - 1; i >= 0; i--) {
            const action = stack[i]?.[event.key];
            if (!action)
                continue;
            action(event);
            return;
        }
    });
}
