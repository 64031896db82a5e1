/* scan_world.h - for tests of scans: a channel with lines of one's own. */
#ifndef SCAN_WORLD_H
#define SCAN_WORLD_H

#include "logplex/render.h"
#include "logplex/scan.h"
#include "ring.h"
#include "sketch_world.h"

typedef struct world {
    lp_engine *engine;
    lp_channel *channel;
    int64_t now_ns; /* one more with each line */
} world;

static inline world world_of(uint32_t history_lines)
{
    world now = {.engine = ring_engine(256 << 20)};

    now.channel = ring_channel(now.engine, history_lines, 128 << 20);
    return now;
}

static inline void world_end(world *now)
{
    lp_channel_close(now->channel);
    lp_engine_destroy(now->engine);
}

/* Severity is "info". */
static inline void say(world *now, const char *source, const char *process,
                       lp_span msg)
{
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = ++now->now_ns};
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = 16 * 8 + 6,
                       .app = lp_span_str(source),
                       .procid = lp_span_str(process),
                       .msg = msg};

    CHECK_OK(lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line));
    CHECK_OK(lp_channel_append(now->channel, &line, NULL));
}

static inline void say_router(world *now, const char *msg)
{
    say(now, "heroku", "router", lp_span_str(msg));
}

static inline lp_scan_stats scan_stats(const lp_scan *scan)
{
    lp_scan_stats stats = LP_SCAN_STATS_INIT;

    lp_scan_stats_get(scan, &stats);
    assert_int_equal(stats.scanned_lines, stats.end_seq - stats.from_seq);
    assert_true(stats.matched_lines <= stats.scanned_lines);
    return stats;
}

static inline void scan_all(lp_scan *scan, lp_channel *channel,
                            uint32_t lines_max)
{
    lp_err err;

    do {
        err = lp_scan_step(scan, channel, lines_max);
    } while (err == LP_OK);
    CHECK_ERR(err, LP_E_END);
    assert_true(scan_stats(scan).is_complete);
}

/* For lp_scan_ask(): has had enough when it was asked so many times. */
typedef struct patience {
    uint64_t asked;
    uint64_t enough_each;
} patience;

static inline bool is_enough(void *ctx)
{
    patience *it = ctx;

    it->asked++;
    return it->asked % it->enough_each == 0;
}

static inline lp_filter *filter_of(const char *text)
{
    lp_filter *filter;

    CHECK_OK(lp_filter_create(lp_span_str(text), &filter, NULL));
    return filter;
}

#endif /* SCAN_WORLD_H */
