import { readFileSync } from "node:fs";

import { defineConfig, type ProxyOptions } from "vite";

// Where logplexd is while the pages come from Vite's own server.
const daemon = process.env["LOGPLEXD"] ?? "http://127.0.0.1:8001";

// While there is no credential, logplexd answers only who is on its machine,
// and goes by Origin and X-Forwarded-For to see that (docs/http.md). Both ends
// of this proxy are on the machine of whoever develops.
const api: ProxyOptions = {
    target: daemon,
    changeOrigin: true,
    configure: proxy => {
        proxy.on("proxyReq", request => request.removeHeader("origin"));
    },
};

// What is bundled with our code is under its own licence, which goes with it.
const licence = `/*! uPlot\n${readFileSync("node_modules/uplot/LICENSE",
                                           "utf8")}*/`;

export default defineConfig({
    esbuild: { legalComments: "inline" },
    server: { host: "127.0.0.1", proxy: { "/v3": api, "/apps": api } },
    build: {
        target: "es2022",
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        rollupOptions: { output: { banner: licence } },
    },
});
