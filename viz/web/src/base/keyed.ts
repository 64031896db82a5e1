// A list of elements that follows a list of things: each thing keeps its
// element for as long as its key stays, so focus, selection and transitions
// survive an update every second.

export interface View<T> {
    root: HTMLElement;
    update(thing: T): void;
}

export class Keyed<T> {
    private views = new Map<string, View<T>>();

    constructor(private readonly parent: HTMLElement,
                private readonly keyOf: (thing: T) => string,
                private readonly make: (thing: T) => View<T>) {}

    update(things: readonly T[]): void {
        const views = new Map<string, View<T>>();
        things.forEach(thing => {
            const key = this.keyOf(thing);
            const view = this.views.get(key) ?? this.make(thing);
            view.update(thing);
            views.set(key, view);
        });
        this.views.forEach((view, key) => {
            if (views.get(key) !== view)
                view.root.remove();
        });
        this.views = views;
        this.order();
    }

    // What is moved loses the focus.
    private order(): void {
        const focused = document.activeElement;
        let at = this.parent.firstElementChild;
        this.views.forEach(view => {
            if (view.root === at)
                at = at.nextElementSibling;
            else
                this.parent.insertBefore(view.root, at);
        });
        if (focused !== document.activeElement &&
            focused instanceof HTMLElement)
            focused.focus({ preventScroll: true });
    }
}
