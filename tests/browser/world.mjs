// What the tests in a browser have in common: a daemon of their own on free
// ports, ended by its process id, and Chromium, which may speak to that daemon
// and to nobody else.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";

const { chromium } = createRequire(import.meta.url)("playwright-core");

export const PATIENCE_MS = 30_000;

// Not closed before all are known, so they differ.
export async function freePorts(count) {
    const servers = [];
    for (let i = 0; i < count; i++) {
        const server = createServer();
        await new Promise(done => server.listen(0, "127.0.0.1", done));
        servers.push(server);
    }
    const ports = servers.map(server => server.address().port);
    await Promise.all(servers.map(
        server => new Promise(done => server.close(done))));
    return ports;
}

export class Daemon {
    constructor(program, ports, flags) {
        const [http, syslog] = ports;
        this.url = `http://127.0.0.1:${http}`;
        this.log = "";
        this.process = spawn(program, [
            "--http", `127.0.0.1:${http}`, "--syslog-tcp",
            `127.0.0.1:${syslog}`, "--syslog-udp", `127.0.0.1:${syslog}`,
            ...flags], { stdio: ["ignore", "pipe", "pipe"] });
        for (const stream of [this.process.stdout, this.process.stderr])
            stream.on("data", text => { this.log += text; });
        // Whoever ends us, or fails.
        const end = () => this.process.kill("SIGTERM");
        process.on("exit", end);
        this.ended = new Promise(done => this.process.on("exit", code => {
            process.off("exit", end);
            done(code);
        }));
    }

    async ready() {
        await until("the daemon is ready",
                    () => this.log.includes("event=ready"), () => this.log);
        return this;
    }

    async get(path) {
        const answer = await fetch(this.url + path);
        if (!answer.ok)
            throw new Error(`GET ${path}: ${answer.status}, ` +
                            await answer.text());
        return answer.json();
    }

    // Its exit code.
    async stop() {
        this.process.kill("SIGTERM");
        const limit = setTimeout(() => this.process.kill("SIGKILL"), 15_000);
        const code = await this.ended;
        clearTimeout(limit);
        return code;
    }
}

// The first true thing that look() returns.
export async function until(what, look, told = () => "",
                            limit_ms = PATIENCE_MS) {
    const end_ms = Date.now() + limit_ms;
    for (;;) {
        const found = await look();
        if (found)
            return found;
        if (Date.now() > end_ms)
            throw new Error(`never: ${what}. ${await told()}`);
        await new Promise(done => setTimeout(done, 50));
    }
}

function find(program) {
    const paths = (process.env.PATH ?? "").split(":")
        .map(folder => join(folder, program));
    return paths.find(path => existsSync(path)) ??
        fail(`${program} is not installed here: sh tests/run does that`);
}

function fail(why) {
    throw new Error(why);
}

export function launch() {
    return chromium.launch({
        executablePath: find("chromium"),
        args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--disable-background-networking", "--no-proxy-server",
               "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    });
}

// Everything that a page should not do: speak to another host, break the policy,
// throw, or complain.
export function watch(page, url) {
    const complaints = [];
    page.on("request", request => {
        if (!request.url().startsWith(`${url}/`) &&
            !request.url().startsWith("data:"))
            complaints.push(`asks ${request.url()}`);
    });
    page.on("pageerror", error => complaints.push(`throws ${error}`));
    page.on("console", message => {
        if (message.type() === "error" &&
            !/Failed to load resource|ERR_/.test(message.text()))
            complaints.push(`says ${message.text()}`);
    });
    return complaints;
}
