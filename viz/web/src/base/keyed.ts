// A list of elements that follows a list of things: each thing keeps its
// element for as long as its key stays, so focus, selection and transitions
// survive an update every second.

export interface View<T> {
    root: HTMLElement;
    update(thing: T): void;
}

export class Keyed<T> {
    private views = new Map<string, View<T>>();
    private at: Element | null = null; // where the next one belongs

    constructor(private readonly parent: HTMLElement,
                private readonly keyOf: (thing: T) => string,
                private readonly make: (thing: T) => View<T>) {}

    update(things: readonly T[]): void {
        const views = new Map<string, View<T>>();
        for (let i = 0; i < things.length; i++) {
            const thing = things[i] as T;
            const key = this.keyOf(thing);
            const view = this.views.get(key) ?? this.make(thing);
            view.update(thing);
            views.set(key, view);
        }
        const known = this.views;
        this.views = views;
        known.forEach(this.removeIfGone, this);
        this.at = this.parent.firstElementChild;
        views.forEach(this.place, this);
        this.at = null;
    }

    private removeIfGone(view: View<T>, key: string): void {
        if (this.views.get(key) !== view)
            view.root.remove();
    }

    private place({ root }: View<T>): void {
        if (root === this.at)
            this.at = root.nextElementSibling;
        else
            this.parent.insertBefore(root, this.at);
    }
}
