// The dashboard: a shell, and in it the page of the address.
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/fleet.css";
import "./style/channel.css";
import "./style/tail.css";
import "./style/touch.css";

import { nameOf } from "./api/segment";
import { el } from "./base/dom";
import { bindKeys, startKeys } from "./base/keys";
import { startTheme, toggleTheme } from "./base/theme";
import { ChannelPage } from "./channel/channel_page";
import { FleetPage } from "./fleet/fleet_page";
import { openHelp } from "./ui/help";
import { notice } from "./ui/notice";
import type { Page } from "./ui/page";
import { keepPlace } from "./ui/place";
import { Shell } from "./ui/shell";

const shell = new Shell();
let page: Page | null = null;

function pageOf(path: string): Page {
    if (path === "/")
        return new FleetPage(shell, go);
    const channel = /^\/channels\/([^/]+)\/?$/.exec(path)?.[1];
    const id = channel === undefined ? null : nameOf(channel);
    if (id !== null)
        return new ChannelPage(shell, id);
    shell.place("Nothing here");
    return { root: notice(
        "There is nothing here",
        el("p", {}, el("a", { href: "/" }, "All channels"))), close: () => undefined };
}

function show(): void {
    page?.close();
    shell.forget();
    page = pageOf(location.pathname);
    shell.main.replaceChildren(page.root);
    scrollTo(0, 0);
}

function go(path: string): void {
    keepPlace({ top: scrollY });
    history.pushState(null, "", path);
    show();
    shell.main.focus({ preventScroll: true });
}

// Links within the dashboard need no new page; whatever else a click on one
// means (another tab, a download) is the browser's.
document.addEventListener("click", event => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey ||
        event.metaKey || event.shiftKey || event.altKey)
        return;
    const link = event.target instanceof Element
        ? event.target.closest("a") : null;
    const href = link?.getAttribute("href");
    if (!href?.startsWith("/") || link?.target)
        return;
    event.preventDefault();
    go(href);
});
window.addEventListener("popstate", show);

startTheme();
startKeys();
bindKeys({
    "?": openHelp,
    t: toggleTheme,
    Escape: () => {
        if (location.pathname !== "/")
            go("/");
    },
});
document.getElementById("app")?.append(shell.root);
show();
