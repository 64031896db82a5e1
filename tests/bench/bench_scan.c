/*
 * bench_scan.c - milliseconds that a question takes over 64 MiB of router lines that
 * a channel has, in 50 runs, and nanoseconds a line. Processor time of one thread, as
 * other work may go on beside it.
 *
 * Prints a table and fails on nothing. Lines have 250 to 300 bytes; of their paths
 * 1,000 are different, 40 routes, 20 dynos; 2 % have a status of 500 and more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "logplex/render.h"
#include "logplex/scan.h"
#include "scan_question.h"

enum {
    RUNS = 50,
    RESIDENT_BYTES = 64 << 20,
    STEP_LINES = 8192,
    TOP = 20,
    LINE_MAX_BYTES = 512
};

static uint64_t lines;

static void require(bool is_so, const char *what)
{
    if (!is_so) {
        fprintf(stderr, "bench_scan: %s\n", what);
        exit(1);
    }
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint32_t chance(void)
{
    static uint64_t seed = 42;

    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(seed >> 33);
}

static size_t make_message(uint64_t n, char *out)
{
    static const char *const words[] = {"users",    "articles", "orders",
                                        "invoices", "carts",    "searches",
                                        "sessions", "reports"};
    uint32_t kind = chance();
    bool failed = chance() % 50 == 0;

    return (size_t)snprintf(
        out, LINE_MAX_BYTES,
        "at=%s%s method=%s path=\"/api/v1/%s/%u/%s\" "
        "host=myapp.herokuapp.com "
        "request_id=8601b555-6a83-4c12-8269-%012" PRIx64
        " fwd=\"204.204.204.%u\" dyno=web.%u connect=%ums service=%ums "
        "status=%d bytes=%u protocol=https",
        failed ? "error" : "info",
        failed ? " code=H12 desc=\"Request timeout\"" : "",
        kind % 4 == 0 ? "POST" : "GET", words[kind % 8], kind / 8 % 25,
        words[kind / 1024 % 5], n, chance() % 256, chance() % 20 + 1,
        chance() % 5, 10 + chance() % (chance() % 1000 + 1), failed ? 503 : 200,
        chance() % 100000);
}

static lp_channel *fill(lp_engine *engine)
{
    lp_channel_options opt = LP_CHANNEL_OPTIONS_INIT;
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    lp_channel *channel;
    char text[LINE_MAX_BYTES];

    opt.history_lines = 1 << 20;
    opt.bytes_max = 2 * (uint64_t)RESIDENT_BYTES;
    require(lp_channel_open(engine, &opt, &channel) == LP_OK, "no channel");
    while (stats.resident_bytes < RESIDENT_BYTES) {
        lp_render_scratch scratch;
        lp_line line = {.arrival_ns = (int64_t)lines};
        lp_syslog parts = {.format = LP_SYSLOG_3164,
                           .pri = 158,
                           .procid = LP_SPAN("router"),
                           .msg = {text, make_message(lines, text)}};

        require(lp_render_line(&parts, LP_SPAN("host heroku "), &scratch,
                               &line) == LP_OK &&
                    lp_channel_append(channel, &line, NULL) == LP_OK,
                "a line was not taken");
        lines++;
        if (lines % 1024 == 0) {
            lp_channel_stats_get(channel, &stats);
        }
    }
    printf("%" PRIu64 " lines of %" PRIu64 " bytes on average\n", lines,
           stats.resident_bytes / lines);
    return channel;
}

static uint64_t rows;

static void count_row(void *ctx, const lp_scan_group *group)
{
    (void)ctx;
    rows += group->count;
}

static bool count_line(void *ctx, const lp_record *record)
{
    (void)ctx;
    rows += record->bytes.len_bytes > 0;
    return true;
}

/* All of it: made, asked, told. */
static uint64_t ask(lp_channel *channel, const lp_scan_where *where,
                    const lp_scan_groups_options *options)
{
    lp_scan_stats stats = LP_SCAN_STATS_INIT;
    lp_scan *scan = NULL;
    const char *why = "no memory";
    lp_err err =
        options != NULL
            ? lp_scan_groups_create(where, options, NULL, &scan, &why)
            : lp_scan_lines_create(where, count_line, NULL, NULL, &scan, &why);

    require(err == LP_OK, why);
    do {
        err = lp_scan_step(scan, channel, STEP_LINES);
    } while (err == LP_OK);
    require(err == LP_E_END, "it did not end");
    if (options != NULL) {
        lp_scan_groups_each(scan, TOP, count_row, NULL);
    }
    lp_scan_stats_get(scan, &stats);
    require(stats.scanned_lines == lines, "it did not see all lines");
    lp_scan_destroy(scan);
    return stats.matched_lines;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static void bench(lp_channel *channel, const char *name, lp_scan_where where,
                  const char *filter, const lp_scan_groups_options *options)
{
    double took_ms[RUNS];
    uint64_t matched = 0;

    if (filter != NULL) {
        require(lp_filter_create(lp_span_str(filter), &where.filter, NULL) ==
                    LP_OK,
                "no filter");
    }
    for (int i = 0; i < RUNS; i++) {
        took_ms[i] = now_ms();
        matched = ask(channel, &where, options);
        took_ms[i] = now_ms() - took_ms[i];
    }
    lp_filter_destroy(where.filter);
    qsort(took_ms, RUNS, sizeof(took_ms[0]), compare);
    printf("%-46s p50 %6.1f ms, p95 %6.1f ms, %5.0f ns a line, %8" PRIu64
           " match\n",
           name, took_ms[RUNS / 2], took_ms[RUNS * 95 / 100],
           took_ms[RUNS / 2] * 1e6 / (double)lines, matched);
}

static void bench_groups(lp_channel *channel, const char *name, const char *by,
                         const char *measure, const char *filter)
{
    lp_scan_groups_options options = scan_question(measure, by);
    lp_scan_where where = LP_SCAN_WHERE_INIT;

    bench(channel, name, where, filter, &options);
}

int main(void)
{
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    lp_engine *engine;
    lp_channel *channel;

    opt.memory_max_bytes = 4 * (uint64_t)RESIDENT_BYTES;
    require(lp_engine_create(&opt, &engine) == LP_OK, "no engine");
    channel = fill(engine);
    bench_groups(channel, "service", NULL, "service", NULL);
    bench_groups(channel, "service by path", "path", "service", NULL);
    bench_groups(channel, "service by path where status>=200", "path",
                 "service", "status>=200");
    bench_groups(channel, "service by dyno where status>=500", "dyno",
                 "service", "status>=500");
    bench_groups(channel, "response by route", "route", "response", NULL);
    bench_groups(channel, "response by route where status>=200", "route",
                 "response", "status>=200");
    bench_groups(channel, "lines by process", "process", "", NULL);
    bench_groups(channel, "service by request_id, all different", "request_id",
                 "service", NULL);
    where.request_id = LP_SPAN("8601b555-6a83-4c12-8269-000000001234");
    bench(channel, "lines of a request", where, NULL, NULL);
    where.request_id = lp_span_of(NULL, 0);
    where.code = LP_SPAN("H12");
    bench(channel, "lines with code H12", where, NULL, NULL);
    where.code = lp_span_of(NULL, 0);
    where.status = 503;
    bench(channel, "lines with status 503", where, NULL, NULL);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
    return 0;
}
