/*
 * The input as lines, each with a first byte that says who says it and when: an
 * aggregate stays within its memory, counts every line once, and what it says is in
 * itself consistent; with a clock that steps to and fro, and memory that is refused.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "logplex/aggregate.h"
#include "logplex/render.h"

enum { BYTES_MAX = 128 * 1024, LINES_MAX = 2000, MSG_MAX_BYTES = 4096 };

typedef struct sums {
    uint64_t lines;
    uint64_t requests;
    uint64_t by_status;
    int64_t before_s;
} sums;

static uint64_t allocations;
static uint64_t refused_every; /* 0: none is */

static void *may_allocate(void *ctx, size_t size, size_t align)
{
    (void)ctx;
    if (refused_every > 0 && ++allocations % refused_every == 0) {
        return NULL;
    }
    return aligned_alloc(align, (size + align - 1) / align * align);
}

static void give_back(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    (void)size;
    free(ptr);
}

static void check_row(const lp_aggregate_row *row)
{
    REQUIRE(row->count >= row->value_count && row->count > 0);
    REQUIRE(row->failed <= row->count);
    REQUIRE(row->min <= row->max);
    REQUIRE(row->value_count > 0 || (row->sum == 0 && row->max == 0));
    REQUIRE(row->name.len_bytes <= LP_AGGREGATE_NAME_MAX_BYTES);
    REQUIRE(row->of.len_bytes <= LP_AGGREGATE_NAME_MAX_BYTES);
    REQUIRE(row->sketch == NULL || row->sketch->count == row->value_count);
}

static void check_window(void *ctx, const lp_aggregate_window *window,
                         const lp_aggregate_row *rows, size_t count)
{
    sums *sum = ctx;

    REQUIRE(window->start_s >= sum->before_s);
    REQUIRE(window->end_s >= window->start_s);
    REQUIRE(window->end_seq >= window->first_seq);
    sum->before_s = window->end_s;
    for (size_t i = 0; i < count; i++) {
        check_row(&rows[i]);
        sum->lines += rows[i].dimension == LP_DIM_LINES ? rows[i].count : 0;
        sum->requests += rows[i].dimension == LP_DIM_TOTAL ? rows[i].count : 0;
        sum->by_status +=
            rows[i].dimension == LP_DIM_STATUS ? rows[i].count : 0;
    }
}

/* At the end of all seconds, or while one is open and in no answer yet. */
static void check_all(lp_aggregate *aggregate, uint64_t lines, int64_t now_ns,
                      bool is_over)
{
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};
    lp_aggregate_brief brief;
    sums sum = {.before_s = INT64_MIN};
    lp_err err = lp_aggregate_total(aggregate, INT64_MIN / 2, INT64_MAX / 2,
                                    NULL, check_window, &sum);

    lp_aggregate_stats_get(aggregate, &stats);
    REQUIRE(err == LP_OK || (err == LP_E_NOMEM && refused_every > 0));
    REQUIRE(stats.lines + stats.uncounted_lines == lines);
    REQUIRE(sum.requests == sum.by_status && sum.lines <= stats.lines);
    if (is_over && stats.frames_dropped == 0) {
        REQUIRE(sum.lines == stats.lines);
    }
    for (int tier = 0; tier < LP_TIERS; tier++) {
        sums each = {.before_s = INT64_MIN};

        lp_aggregate_each(aggregate, (lp_tier)tier, INT64_MIN, INT64_MAX, NULL,
                          check_window, &each);
        REQUIRE(each.lines <= stats.lines && each.requests == each.by_status);
    }
    lp_aggregate_brief_get(aggregate, now_ns, &brief);
    REQUIRE(brief.lines <= stats.lines && isfinite(brief.p95_ms));
}

/* Back by up to two minutes, or on by as much: in all it is less than a day. */
static int64_t next_ns(int64_t now_ns, uint8_t how)
{
    static const int8_t steps_s[8] = {0, 0, 0, 1, 1, 10, 120, -120};

    return now_ns + steps_s[how & 7] * INT64_C(1000000000) / 4;
}

static void append(lp_channel *channel, int64_t now_ns, uint8_t how,
                   lp_span msg)
{
    static const char *const who[][2] = {{"heroku", "router"},
                                         {"heroku", "web.1"},
                                         {"app", "web.2"},
                                         {"app", "api"}};
    const char *const *one = who[how >> 3 & 3];
    lp_line line = {.arrival_ns = now_ns};
    lp_render_scratch scratch;
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = 134,
                       .app = lp_span_str(one[0]),
                       .procid = lp_span_str(one[1]),
                       .msg = msg};

    REQUIRE(lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line) ==
            LP_OK);
    REQUIRE(lp_channel_append(channel, &line, NULL) == LP_OK);
}

static void read_all(lp_cursor *cursor, lp_aggregate *aggregate)
{
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};
    lp_run run;

    while (lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
        lp_aggregate_run(aggregate, &run);
        lp_run_release(&run);
        lp_aggregate_stats_get(aggregate, &stats);
        REQUIRE(stats.bytes <= BYTES_MAX);
    }
}

static void play(lp_channel *channel, lp_cursor *cursor,
                 lp_aggregate *aggregate, lp_span rest)
{
    int64_t now_ns = INT64_C(1764130500000000000);
    uint64_t lines = 0;

    while (rest.len_bytes > 1 && lines < LINES_MAX) {
        const char *end = memchr(rest.ptr, '\n', rest.len_bytes);
        size_t n = end == NULL ? rest.len_bytes : (size_t)(end - rest.ptr);
        uint8_t how = (uint8_t)rest.ptr[0];

        if (n > 1 && n < MSG_MAX_BYTES) {
            now_ns = next_ns(now_ns, how);
            append(channel, now_ns, how, lp_span_of(rest.ptr + 1, n - 1));
            lines++;
        }
        if (how >= 0x80) {
            read_all(cursor, aggregate);
        }
        rest = lp_span_skip(rest, end == NULL ? n : n + 1);
    }
    read_all(cursor, aggregate);
    check_all(aggregate, lines, now_ns, false);
    refused_every = 0;
    now_ns += INT64_C(300000000000);
    lp_aggregate_tick(aggregate, now_ns);
    check_all(aggregate, lines, now_ns, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_allocator allocator = {may_allocate, give_back, NULL};
    lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;
    lp_cursor_options from = LP_CURSOR_OPTIONS_INIT;
    lp_aggregates *shared;
    lp_aggregate *aggregate;
    lp_engine *engine;
    lp_channel *channel;
    lp_cursor *cursor;

    if (size < 2) {
        return 0;
    }
    opt.bytes_max = BYTES_MAX;
    opt.series_max = data[0] & 1 ? LP_AGGREGATE_SERIES_MAX_LEAST : 0;
    opt.allocator = &allocator;
    from.start = LP_START_OLDEST;
    REQUIRE(lp_engine_create(NULL, &engine) == LP_OK);
    REQUIRE(lp_channel_open(engine, NULL, &channel) == LP_OK);
    REQUIRE(lp_cursor_open(channel, &from, &cursor) == LP_OK);
    REQUIRE(lp_aggregates_create(&opt, &shared) == LP_OK);
    REQUIRE(lp_aggregate_open(shared, &aggregate) == LP_OK);
    allocations = 0;
    refused_every = data[0] & 2 ? (data[0] >> 2) + 2U : 0;
    play(channel, cursor, aggregate,
         lp_span_of((const char *)data + 1, size - 1));
    lp_aggregate_close(aggregate);
    lp_aggregates_destroy(shared);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
    return 0;
}
