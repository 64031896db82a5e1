// Runs every *.test.ts under Node's own test runner: esbuild, which Vite brings,
// makes JavaScript of them in a folder that goes afterwards.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = fileURLToPath(new URL("../src", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "logplex-web-"));

function testsIn(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
        const path = join(folder, entry.name);
        if (entry.isDirectory())
            return testsIn(path);
        return path.endsWith(".test.ts") ? [path] : [];
    });
}

try {
    await build({ entryPoints: testsIn(source), outdir: out, bundle: true,
                  outbase: source, platform: "node", format: "esm",
                  outExtension: { ".js": ".mjs" } });
    const files = readdirSync(out, { withFileTypes: true }).flatMap(
        entry => readdirSync(join(out, entry.name)).map(
            name => join(out, entry.name, name)));
    const run = spawnSync(process.execPath, ["--test", ...files],
                          { stdio: "inherit" });
    process.exitCode = run.status ?? 1;
} finally {
    rmSync(out, { recursive: true, force: true });
}
