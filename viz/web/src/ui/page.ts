// What the shell shows at one address.
export interface Page {
    root: HTMLElement;
    close(): void;
}
