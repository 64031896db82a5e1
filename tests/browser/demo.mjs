// The dashboard over the demo, in Chromium, as somebody sees it who has just
// started it: numbers that move and are the API's, from a number to its lines,
// the tail, a restart, small screens.
//
//     build/clients/bin/node-with-playwright tests/browser/demo.mjs LOGPLEXD [FOLDER]
//
// FOLDER gets screenshots.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Daemon, freePorts, launch, PATIENCE_MS, until, watch } from
    "./world.mjs";

const [program, shots] = process.argv.slice(2);
const FLAGS = ["--demo", "--demo-seed", "7"];

let ports;
let daemon;
let browser;

before(async () => {
    ports = await freePorts(2);
    daemon = await new Daemon(program, ports, FLAGS).ready();
    browser = await launch();
});

after(async () => {
    await browser?.close();
    if (daemon)
        assert.equal(await daemon.stop(), 0, daemon.log);
});

// A page without complaints, for as long as the test runs.
async function withPage(path, use, options = {}) {
    const context = await browser.newContext({
        viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints = watch(page, daemon.url);
    page.setDefaultTimeout(PATIENCE_MS);
    try {
        await page.goto(daemon.url + path);
        await use(page);
        assert.deepEqual(complaints, []);
    } finally {
        await context.close();
    }
}

const number = text => Number((text ?? "").replaceAll(",", ""));

// What the tiles say, all of one moment.
function tiles(page) {
    return page.evaluate(() => {
        const text = selector =>
            document.querySelector(selector)?.textContent ?? "";
        const [, count = ""] =
            /^([\d,]+) in /.exec(text("#tile-throughput .sub")) ?? [];
        const of = name => text(`[data-p="${name}"] .value`);
        return { count, p50: of("p50"), p95: of("p95"), p99: of("p99"),
                 failed: text('#tile-status [data-class="5xx"] .number') };
    });
}

// "1.23 s" in milliseconds, and by how much three digits round.
function duration(text) {
    const [, value, unit] = /^([\d.]+)\s*(ms|s|min)$/.exec(text) ??
        assert.fail(`no duration: ${text}`);
    const scale = { ms: 1, s: 1000, min: 60_000 }[unit];
    return { ms: Number(value) * scale, off: 0.006 * Number(value) * scale };
}

function isSame(shown, told) {
    const dist = told.requests.response_ms;
    return number(shown.count) === told.requests.count &&
        number(shown.failed) === told.classes["5xx"] &&
        ["p50", "p95", "p99"].every(name => {
            const { ms, off } = duration(shown[name]);
            return Math.abs(ms - dist[name]) <= off;
        });
}

test("numbers move, and are those of the API", async () => {
    await withPage("/channels/shop", async page => {
        const path = "/v3/channels/shop/aggregates";
        const told = new Map();
        const same = new Set();
        const seen = new Set();
        await until("five moments of the page are moments of the API",
                    async () => {
            const snapshot = await daemon.get(path);
            told.set(snapshot.to, snapshot);
            const shown = await tiles(page);
            if (shown.count === "" || !shown.p99)
                return false;
            seen.add(JSON.stringify(shown));
            for (const [to, one] of told)
                if (one.requests.count > 0 && isSame(shown, one))
                    same.add(to);
            return same.size >= 5;
        }, () => `page: ${[...seen].join("; ")}; API: ` +
            JSON.stringify([...told.values()].map(one => one.requests)));
        assert.ok(seen.size >= 5, "they move");
    });
});

test("a percentile leads to lines that have it", async () => {
    await withPage("/channels/shop", async page => {
        const shown = page.locator('[data-p="p95"]');
        await shown.locator(".value").waitFor();
        await shown.getByRole("button").click();
        const title = await page.locator(".panel:visible h2").textContent();
        const { ms } = duration(title.split(" = ")[1]);
        const lines = page.locator(".panel:visible .line-text");
        await lines.first().waitFor();
        await page.locator(".pill").click({ trial: true }); // nothing covers it
        for (const text of await lines.allTextContents()) {
            const [, connect] = /connect=(\d+)ms/.exec(text);
            const [, service] = /service=(\d+)ms/.exec(text);
            const response_ms = Number(connect) + Number(service);
            // Twice the error of a quantile, and what three digits round.
            assert.ok(Math.abs(response_ms - ms) <= 0.026 * ms,
                      `${response_ms} ms is near ${title}`);
        }
        await lines.first().locator(".request").click();
        await until("the lines of its request", async () =>
            (await lines.allTextContents()).length > 1);
        const [id] = /[0-9a-f-]{36}/.exec(
            await page.locator(".panel:visible h2").textContent());
        for (const text of await lines.allTextContents())
            assert.ok(text.includes(id), text);
        await page.keyboard.press("Escape");
        await page.locator(".panel:visible").waitFor({ state: "detached" });
    });
});

test("behind the number of a class are its lines of that minute", async () => {
    await withPage("/channels/shop", async page => {
        const of4xx = '#tile-status li[data-class="4xx"]';
        await until("there are some", async () => {
            const { classes } = await daemon.get("/v3/channels/shop/aggregates");
            return classes["4xx"] >= 3;
        }, () => "", 60_000);
        await page.locator(of4xx).waitFor();
        const asked = page.waitForRequest(/\/lines\?/);
        const told = await page.evaluate(selector => {
            const item = document.querySelector(selector);
            item.querySelector("button").click(); // at once: it changes
            return item.querySelector(".number").textContent;
        }, of4xx);
        const query = new URL((await asked).url()).searchParams;
        assert.ok(query.get("to") - query.get("from") <= 60, String(query));
        const lines = page.locator(".panel:visible li");
        await lines.first().waitFor();
        assert.equal(await lines.count(), Math.min(50, number(told)));
    });
});

// What the charts with values say, and of what time.
function underCursor(page) {
    return page.evaluate(() => [...document.querySelectorAll(".chart")]
        .filter(one => one.querySelector(".plot:not(.is-empty) .u-over"))
        .map(one => ({ of: one.querySelector(".when").textContent,
                       first: one.querySelector(".key b").textContent })));
}

test("a cursor in one chart is in all of them, at what is there now", async () => {
    await withPage("/channels/shop", async page => {
        const plot = page.locator(".chart .u-over").first();
        await plot.waitFor();
        await page.waitForTimeout(5000); // for points to come
        const { width } = await plot.boundingBox();
        await plot.hover({ position: { x: width - 8, y: 20 } });
        // Each is drawn when it is its turn, and has a value then.
        let charts = [];
        await until("all say the same time", async () => {
            charts = await underCursor(page);
            return charts.length > 3 &&
                charts.every(one => one.of === charts[0].of);
        });
        const [response] = charts;
        const series = await daemon.get(
            "/v3/channels/shop/aggregates/series?tier=seconds");
        const clocks = await page.evaluate(times => times.map(
            t => new Date(1000 * t).toTimeString().slice(0, 8)), series.t);
        const at = clocks.findIndex(one => response.of.endsWith(one));
        assert.ok(at >= series.t.length - 8, `${response.of} is near the end`);
        const { ms, off } = duration(response.first);
        assert.ok(Math.abs(ms - series.p50[at]) <= off,
                  `${response.first} is ${series.p50[at]} ms`);
        await until("it goes on with the time", async () =>
            (await underCursor(page)).every(one => one.of !== response.of));
    }, { viewport: { width: 1440, height: 1600 } });
});

// One of twenty seconds ago, in that column.
async function untilSamples(column) {
    await until("a sample of twenty seconds ago", async () => {
        const series = await daemon.get(
            "/v3/channels/shop/aggregates/series?tier=seconds");
        const first = column(series)?.findIndex(value => value !== null) ?? -1;
        return first >= 0 && series.t.at(-1) - series.t[first] >= 20;
    }, () => "", 60_000);
}

test("a value that holds leads to its sample, and back to where one was", async () => {
    await withPage("/channels/shop", async page => {
        const chart = page.locator(".chart", { hasText: "Memory by process" });
        const plot = chart.locator(".u-over");
        await untilSamples(series => series.by_process["web.1"]?.memory);
        const { width, height } = await plot.boundingBox();
        for (const from_end of [2, 5, 8, 11, 14]) { // some 1 s each
            await plot.click({ position: { x: width - from_end * width / 120,
                                           y: height / 2 } });
            const text = page.locator(".panel:visible .line-text").first();
            assert.match(await text.textContent(), /sample#memory_total/);
            const top = await page.evaluate(() => scrollY);
            await page.keyboard.press("Escape");
            await page.locator(".panel:visible").waitFor({ state: "detached" });
            assert.equal(await page.evaluate(() => scrollY), top);
        }
    });
});

test("the most of a round leads to the line that told it", async () => {
    await withPage("/channels/shop", async page => {
        const chart = page.locator(".chart", { hasText: "load_avg_1m" });
        const plot = chart.locator(".u-over");
        const panel = page.locator(".panel:visible");
        const lines = panel.locator(".line-text");
        await untilSamples(series => series.load_max);
        await plot.waitFor();
        // What the legend says as it is clicked: it changes.
        await chart.evaluate(one => one.querySelector(".u-over")
            .addEventListener("click", () => {
                one.dataset.told = one.querySelector(".key b").textContent;
            }));
        const { width, height } = await plot.boundingBox();
        let clicks = 0;
        for (const from_end of [2, 5, 8, 11, 14, 18, 22, 26]) { // some 1 s each
            await plot.click({ position: { x: width - from_end * width / 120,
                                           y: height / 2 } });
            if (await panel.count() === 0)
                continue; // none was told yet
            clicks++;
            await lines.first().waitFor();
            const told = await chart.getAttribute("data-told");
            for (const text of await lines.allTextContents())
                assert.equal(Number(/load_avg_1m=([\d.]+)/.exec(text)?.[1]),
                             number(told), text);
            await page.keyboard.press("Escape");
            await panel.waitFor({ state: "detached" });
        }
        assert.ok(clicks >= 3, `${clicks} points had a value`);
    });
});

// Ten requests a second; the older minutes are kept by five.
function coarse(series) {
    const columns = Object.fromEntries(Object.keys(series).filter(
        name => Array.isArray(series[name])).map(name => [name, []]));
    for (let t = 0; t < 1500; t += t < 1200 ? 300 : 60) {
        const counted = t < 1200 ? 3000 : 600;
        for (const name of Object.keys(columns))
            columns[name].push(
                { t: series.to - 1500 + t, requests: counted, s2xx: counted,
                  detail: t < 1200 ? 2 : 1 }[name] ?? 0);
    }
    return { ...series, ...columns, from: series.to - 1500, codes: {},
             by_process: {}, markers: [] };
}

test("minutes kept as one are drawn and told as what they are", async () => {
    await withPage("/channels/shop", async page => {
        const chart = page.locator(".chart", { hasText: "Requests by status" });
        await chart.locator(".u-over").waitFor();
        await page.route(/series\?tier=minutes/, async route => {
            const answer = await route.fetch();
            await route.fulfill({ json: coarse(await answer.json()) });
        });
        await page.keyboard.press("3");
        await chart.locator("summary").click();
        const rates = chart.locator("td:nth-child(2)");
        await until("the day", async () => await rates.count() === 9);
        assert.deepEqual(new Set(await rates.allTextContents()),
                         new Set(["10 /s"]));
        const plot = chart.locator(".u-over");
        const { width, height } = await plot.boundingBox();
        await plot.hover({ position: { x: width - width * 1200 / 3600,
                                       y: height / 2 } });
        await until("five minutes", async () => / \+ 5 min$/.test(
            await chart.locator(".when").textContent()));
        assert.ok(await chart.locator("canvas").evaluate((canvas, at) => {
            const { data } = canvas.getContext("2d").getImageData(
                canvas.width - 8 - 4, at, 1, 1);
            return data[3] > 0 && Math.max(...data.slice(0, 3)) -
                Math.min(...data.slice(0, 3)) > 20;
        }, 14 + height / 2), "the newest minute is drawn");
    });
});

test("of what is not known there is a dash", async () => {
    await withPage("/channels/shop", async page => {
        await page.locator('[data-p="p99"] .value').waitFor();
        await page.route("**/series?*", route => route.abort());
        await page.keyboard.press("2");
        await page.getByText("logplexd does not answer", { exact: true })
            .waitFor();
        const nones = page.locator(".chart:visible .none");
        await until("each, when it is its turn, has one", async () =>
            (await nones.allTextContents()).every(text => text === "–"));
    });
});

test("the tail shows what the filter asks for, and follows", async () => {
    await withPage("/channels/api", async page => {
        const rows = page.locator("#tail .row-text");
        await rows.first().waitFor();
        await page.locator("#tail input").first().fill("process=router");
        await page.keyboard.press("Enter");
        await until("nothing but requests", async () => {
            const texts = (await rows.allTextContents()).filter(Boolean);
            return texts.length > 3 &&
                texts.every(text => /method=/.test(text));
        });
        const told = page.locator(".tail-told");
        const first = number(/[\d,]+/.exec(await told.textContent())?.[0]);
        await until("more of them", async () =>
            number(/[\d,]+/.exec(await told.textContent())?.[0]) > first);
    });
});

test("a filter of a paused tail shows what there was", async () => {
    await withPage("/channels/shop", async page => {
        const rows = page.locator("#tail .row:not([hidden]) .row-text");
        const told = page.locator(".tail-told");
        const button = page.locator("#tail button").first();
        await rows.first().waitFor();
        await button.click();
        await page.locator("#tail input").first().fill("process=router");
        await page.keyboard.press("Enter");
        await until("requests", async () => {
            const texts = (await rows.allTextContents()).filter(Boolean);
            return texts.length > 3 &&
                texts.every(text => /method=/.test(text));
        });
        await until("what came since then is held", async () =>
            number(/\d+/.exec(await button.textContent())?.[0]) > 0);
        const before = await told.textContent();
        await button.click();
        await until("it goes on", async () =>
            await told.textContent() !== before);
    });
});

test("what is searched for is marked for as long as it is", async () => {
    await withPage("/channels/shop", async page => {
        const filter = page.locator("#tail input").nth(0);
        const search = page.locator("#tail input").nth(1);
        const rows = page.locator("#tail .row:not([hidden]) .row-text");
        const marks = rows.locator("mark");
        // With a request's id, and without one.
        for (const [where, has] of [["process=router", "request_id="],
                                    ["sample#memory_total", "sample#"]]) {
            await filter.fill(where);
            await filter.press("Enter");
            await until("lines of it", async () => {
                const texts = await rows.allTextContents();
                return texts.length > 0 && texts.every(text => text.includes(has));
            });
            await search.fill("e");
            await until("they are marked", async () => await marks.count() > 0);
            await search.press("Escape"); // which empties it
            await until("they are not", async () => await marks.count() === 0);
            assert.doesNotMatch(
                await page.locator(".tail-told").textContent(), / with /);
        }
        await search.fill("heroku[web.");
        await until("lines of dynos, by where they are from", async () =>
            /^[1-9]/.test(await page.locator(".tail-told").textContent()) &&
            await page.locator("#tail .row .is-hit").count() > 0);
    });
});

test("what hurts is first, and keys lead there", async () => {
    await withPage("/", async page => {
        const links = page.locator(".channel-link");
        await until("all apps", async () => await links.count() === 6);
        await until("an error", async () => page.getByText(
            "Request timeout").first().isVisible(), () => "", 60_000);
        await page.keyboard.press("/");
        await page.keyboard.type("ware");
        await until("one is left", async () => await links.count() === 1);
        await page.keyboard.press("Enter");
        await page.waitForURL("**/channels/warehouse");
    });
});

test("the sheet of keys has them while it is open", async () => {
    await withPage("/channels/shop", async page => {
        const sheets = page.locator("dialog");
        await page.locator("#tail .row-text").first().waitFor();
        await page.keyboard.press("?");
        await page.keyboard.press("?");
        await page.keyboard.press("2");
        assert.equal(await sheets.count(), 1);
        assert.equal(await page.locator(".tabs [aria-pressed=true]")
            .textContent(), "2 minutes");
        await page.keyboard.press("Escape");
        await until("it is closed", async () => await sheets.count() === 0);
        assert.match(page.url(), /\/channels\/shop$/);
        await page.keyboard.press("Escape");
        await page.waitForURL(daemon.url + "/");
    });
});

test("a page survives a restart by itself", async () => {
    await withPage("/channels/shop", async page => {
        const pill = page.locator(".pill");
        await until("live", async () => await pill.textContent() === "Live");
        assert.equal(await daemon.stop(), 0);
        await until("it says so", async () =>
            /^Reconnecting/.test(await pill.textContent()));
        daemon = await new Daemon(program, ports, FLAGS).ready();
        await until("live again", async () =>
            await pill.textContent() === "Live");
        await until("its new life's numbers", async () => {
            const shown = await tiles(page);
            const told = await daemon.get("/v3/channels/shop/aggregates");
            return number(shown.count) > 0 &&
                number(shown.count) <= told.requests.count;
        });
        await page.getByText("began anew").waitFor();
    });
});

const SCREENS = [
    { name: "light", colorScheme: "light" },
    { name: "dark", colorScheme: "dark" },
    { name: "phone", colorScheme: "dark",
      viewport: { width: 390, height: 844 } },
    { name: "wall", colorScheme: "dark",
      viewport: { width: 2560, height: 1440 } },
];

for (const { name, ...options } of SCREENS)
    for (const [what, path] of [["fleet", "/"], ["channel", "/channels/shop"]])
        test(`nothing is wider than the screen: ${what}, ${name}`, async () => {
            await withPage(path, async page => {
                await page.locator(what === "fleet" ? ".channel-link"
                                                    : '[data-p="p99"] .value')
                    .first().waitFor();
                const [is, may] = await page.evaluate(() => [
                    document.documentElement.scrollWidth, innerWidth]);
                assert.ok(is <= may, `${is} px of ${may}`);
                if (shots)
                    await page.screenshot({ path: `${shots}/${what}-${name}.png` });
            }, options);
        });
