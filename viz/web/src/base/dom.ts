// Elements, made and changed. Text goes in as text, so nothing that a line or
// an answer says can become markup; and no style attribute is ever written,
// which the page's Content-Security-Policy would refuse.

export type Child = Node | string | null | undefined | false;
type Handler = (event: never) => void;
type Props = Record<string, string | number | boolean | undefined | Handler>;

export function el<K extends keyof HTMLElementTagNameMap>(
    tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
    const node = document.createElement(tag);
    dress(node, props);
    append(node, children);
    return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
    tag: K, props: Props = {}, ...children: Child[]): SVGElementTagNameMap[K] {
    const node = document.createElementNS(SVG, tag);
    dress(node, props);
    append(node, children);
    return node;
}

function dress(node: Element, props: Props): void {
    for (const [name, value] of Object.entries(props)) {
        if (typeof value === "function")
            node.addEventListener(name.slice(2), value as EventListener);
        else
            setAttribute(node, name, value);
    }
}

function append(node: Element, children: Child[]): void {
    for (const child of children)
        if (child !== null && child !== undefined && child !== false)
            node.append(child);
}

export function setAttribute(
    node: Element, name: string,
    value: string | number | boolean | undefined): void {
    if (value === undefined || value === false)
        node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value === true ? "" : value))
        node.setAttribute(name, value === true ? "" : String(value));
}

// Writing what is there already would cost a layout.
export function setText(node: Node, text: string): void {
    if (node.textContent !== text)
        node.textContent = text;
}

// How wide a bar is, or which place of a grid: through a custom property, by
// the CSS object model, which the policy allows.
export function setVariable(
    node: HTMLElement | SVGElement, name: string, value: string): void {
    if (node.style.getPropertyValue(name) !== value)
        node.style.setProperty(name, value);
}

// What only a screen reader gets.
export function unseen(text: string): HTMLElement {
    return el("span", { class: "unseen" }, text);
}
