// How the channel page fares over hours: its heap after a forced collection, and
// how long its frames take, with a tail of about 1,000 lines a second.
//
//     build/clients/bin/node-with-playwright tests/bench/soak_dashboard.mjs LOGPLEXD [MINUTES]
//
// The demo's shop has four tenths of all its lines. What is out of sight is hardly
// drawn, so the numbers are looked at in one minute and the tail in the next. The heap
// is always measured with the numbers in sight, and is the middle one of five: what is
// just being read of a stream is up to 200 KB more. A frame is long when the next one
// begins more than 50 ms after it; the machine should do nothing else.
//
// Of each long frame is told how long the page itself worked in it, by what the
// browser says of animation frames, and how long a processor of this machine stood
// still (naps.py). A frame is the page's doing if it takes over 50 ms without the time
// that a processor stood still.
//
// The page is asked by the protocol of the browser alone: what Playwright puts into a
// page to evaluate there is compiled in the page's heap as its own code is.
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { Daemon, freePorts, launch, until, watch } from "../browser/world.mjs";

const [program, minutes = "60"] = process.argv.slice(2);
const DEMO_RATE = 2550;
const WARM_MINUTES = 3; // until rings and lists are full
const LOOK_MS = 56_000; // of a minute; the rest is for measuring
const SETTLE_MS = 1000;
const HEAPS = 5;
const BETWEEN_MS = 500;
const LONG_MS = 50; // of a frame, and of a task, as browsers have it
const LAST_MINUTES = 30; // whether it still grows then

const daemon = await new Daemon(program, await freePorts(2), [
    "--demo", "--demo-rate", String(DEMO_RATE)]).ready();
const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const complaints = watch(page, daemon.url);
const devtools = await page.context().newCDPSession(page);
await devtools.send("HeapProfiler.enable");

async function inPage(expression) {
    const { result, exceptionDetails } = await devtools.send(
        "Runtime.evaluate", { expression, returnByValue: true });
    if (exceptionDetails)
        throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
}

// When each processor stood still, [from, to] in ms of the epoch.
const stops = [];
const nappers = cpus().map((_, processor) => {
    const napper = spawn("python3", [
        fileURLToPath(new URL("naps.py", import.meta.url)), String(processor)],
        { stdio: ["pipe", "pipe", "inherit"] });
    let text = "";
    napper.stdout.on("data", more => {
        const whole = (text + more).split("\n");
        text = whole.pop();
        stops.push(...whole.map(line => line.split(" ").map(Number)));
    });
    return napper;
});

// Runs in the page.
function watchFrames(long_ms) {
    const none = { frames: 0, longest_ms: 0, tasks: 0, task_ms: 0 };
    const seen = { ...none };
    let long = []; // [from, to] in ms of the epoch
    let worked = []; // the same, of animation frames that took the page long
    let last = performance.now();
    const epoch = ms => performance.timeOrigin + ms;
    const frame = now => {
        const took_ms = now - last;
        if (took_ms > long_ms)
            long.push([epoch(last), epoch(now)]);
        last = now;
        seen.frames++;
        seen.longest_ms = Math.max(seen.longest_ms, took_ms);
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver(list => {
        for (const task of list.getEntries()) {
            seen.tasks++;
            seen.task_ms = Math.max(seen.task_ms, task.duration);
        }
    }).observe({ entryTypes: ["longtask"] });
    new PerformanceObserver(list => {
        for (const one of list.getEntries())
            worked.push([epoch(one.startTime),
                         epoch(one.startTime + one.duration)]);
    }).observe({ entryTypes: ["long-animation-frame"] });
    window.soak = () => {
        const told = { ...seen, long, worked };
        Object.assign(seen, none);
        long = [];
        worked = [];
        last = performance.now();
        return told;
    };
}

// How long any of others lasts within one, in ms.
function within([from, to], others) {
    const parts = others.map(other => [Math.max(from, other[0]),
                                       Math.min(to, other[1])])
        .filter(part => part[0] < part[1]).sort((a, b) => a[0] - b[0]);
    let sum_ms = 0;
    let end = from;
    for (const part of parts) {
        sum_ms += Math.max(0, part[1] - Math.max(end, part[0]));
        end = Math.max(end, part[1]);
    }
    return sum_ms;
}

await page.goto(`${daemon.url}/channels/shop`);
await until("the tail has a line", () => inPage(
    "document.querySelector('#tail .row-text') !== null"));
await inPage(`(${watchFrames})(${LONG_MS})`);

const pause = ms => new Promise(done => setTimeout(done, ms));

const lookAt = part => inPage(
    `document.querySelector("${part}").scrollIntoView({ block: "center" })`);

// Collecting is our doing, so it's not in the frames of the next minute.
async function heapBytes() {
    const heaps = [];
    await lookAt(".tiles");
    await pause(SETTLE_MS);
    for (let i = 0; i < HEAPS; i++) {
        await pause(BETWEEN_MS);
        await devtools.send("HeapProfiler.collectGarbage");
        heaps.push((await devtools.send("Runtime.getHeapUsage")).usedSize);
    }
    return heaps.sort((a, b) => a - b)[(HEAPS - 1) / 2];
}

// Of the page's heap, machine code and what belongs to it: a function that is called
// once a second may be compiled an hour later, as it has become hot by then.
async function codeBytes() {
    let text = "";
    const add = ({ chunk }) => { text += chunk; };
    devtools.on("HeapProfiler.addHeapSnapshotChunk", add);
    await devtools.send("HeapProfiler.takeHeapSnapshot");
    devtools.off("HeapProfiler.addHeapSnapshotChunk", add);
    const { snapshot: { meta }, nodes } = JSON.parse(text);
    const fields = meta.node_fields;
    const [type, size] = ["type", "self_size"].map(one => fields.indexOf(one));
    const code = meta.node_types[type].indexOf("code");
    let sum = 0;
    for (let at = 0; at < nodes.length; at += fields.length)
        sum += nodes[at + type] === code ? nodes[at + size] : 0;
    return sum;
}

// By least squares; each of ys is a minute after the one before.
function perHour(ys) {
    const middle = (ys.length - 1) / 2;
    let above = 0;
    let below = 0;
    ys.forEach((y, i) => {
        above += (i - middle) * y;
        below += (i - middle) ** 2;
    });
    return 60 * above / below;
}

const lines = async () =>
    (await daemon.get("/v3/channels/shop/aggregates")).ledger.appended;
let before = await lines();
let before_ms = performance.now();
const heaps = []; // after each minute
const codes = []; // of these, when warm and at the end
const sum = { frames: 0, longest_ms: 0, tasks: 0, task_ms: 0 };
const longFrames = []; // [took, page worked, processor stood still], in ms

console.log("minute  heap_KB  nodes  lines/s  frames  >50ms  longest_ms  " +
            "tasks  longest_task_ms");
await inPage("soak()");
for (let minute = 1; minute <= Number(minutes); minute++) {
    await lookAt(minute % 2 === 0 ? "#tail" : ".tiles");
    await pause(LOOK_MS);
    const seen = await inPage("soak()");
    const now = await lines();
    const now_ms = performance.now();
    const rate = 1000 * (now - before) / (now_ms - before_ms);
    before_ms = now_ms;
    const heap = await heapBytes();
    heaps.push(heap);
    if (minute === WARM_MINUTES || minute === Number(minutes))
        codes.push(await codeBytes());
    const nodes = await inPage(
        "document.getElementsByTagName('*').length");
    console.log([minute, Math.round(heap / 1024), nodes,
                 Math.round(rate), seen.frames, seen.long.length,
                 Math.round(seen.longest_ms), seen.tasks,
                 Math.round(seen.task_ms)].join("  "));
    before = now;
    const long = seen.long.map(one => [
        one[1] - one[0], within(one, seen.worked), within(one, stops)]);
    for (const [took, worked, stopped] of long)
        console.log(`    ${took.toFixed(0)} ms, of which the page worked ` +
                    `${worked.toFixed(0)}, a processor stood still ` +
                    `${stopped.toFixed(0)}`);
    if (minute > WARM_MINUTES) {
        for (const key of Object.keys(sum))
            sum[key] = /_ms$/.test(key) ? Math.max(sum[key], seen[key])
                                        : sum[key] + seen[key];
        longFrames.push(...long);
    }
    await inPage("soak()");
}
const warm = heaps[WARM_MINUTES - 1];
const last = heaps.at(-1);
console.log(`heap: ${Math.round(warm / 1024)} KB after ${WARM_MINUTES} ` +
            `minutes, ${Math.round(last / 1024)} KB at the end: ` +
            `${(100 * (last / warm - 1)).toFixed(1)} %; in the last ` +
            `${LAST_MINUTES} minutes ` +
            `${Math.round(perHour(heaps.slice(-LAST_MINUTES)) / 1024)} KB an hour`);
console.log(`of it machine code: ${codes.map(code => Math.round(code / 1024))
    .join(" KB, then ")} KB`);
const ours = longFrames.filter(([took, , stopped]) => took - stopped > LONG_MS);
console.log(`frames: ${sum.frames}, over ${LONG_MS} ms: ${longFrames.length}, ` +
            `longest ${Math.round(sum.longest_ms)} ms; without the time that a ` +
            `processor stood still: ${ours.length}; tasks over ${LONG_MS} ms: ` +
            `${sum.tasks}, longest ${Math.round(sum.task_ms)} ms`);
const stopped_ms = stops.map(([from, to]) => to - from);
console.log(`processors stood still ${stops.length} times, the longest ` +
            `${Math.round(Math.max(0, ...stopped_ms))} ms`);
console.log(complaints.length > 0 ? complaints.join("\n") : "no complaints");
await browser.close();
for (const napper of nappers)
    napper.stdin.end();
process.exitCode = await daemon.stop();
