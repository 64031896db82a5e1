/*
 * aggregator_world.h - for tests of a channel's numbers: a catalog with one channel,
 * of which the test says when its lines come, and when they are read.
 */
#ifndef AGGREGATOR_WORLD_H
#define AGGREGATOR_WORLD_H

#include "aggregate/aggregating.h"
#include "aggregate/aggregator_impl.h"
#include "catalog_fixture.h"
#include "config/config.h"
#include "logplex/render.h"

enum { RING_BYTES = 16 << 20, FRAME_BYTES = 64 << 10 };

typedef struct world {
    config cfg;
    daemon_shared shared;
    aggregator *a;
    int64_t began_ns;
} world;

/* aggregate_max_bytes 0: as much as there is without an option. */
static inline void open_world(world *w, uint64_t aggregate_max_bytes)
{
    bool is_new;

    memset(w, 0, sizeof(*w));
    w->cfg.workers = 1;
    w->cfg.memory_max_bytes = 64 << 20;
    w->cfg.channel_max_bytes = RING_BYTES;
    w->cfg.frame_max_bytes = FRAME_BYTES;
    w->cfg.aggregate_max_bytes = aggregate_max_bytes;
    w->shared.cfg = &w->cfg;
    w->shared.engine = fix.engine;
    open_at(NULL);
    w->shared.cat = fix.cat;
    assert_true(aggregates_open(&w->shared));
    assert_int_equal(
        catalog_put_channel(fix.cat, span("app"), NULL, 0, &is_new),
        CATALOG_OK);
    w->a = aggregator_of(channel("app"));
    assert_non_null(w->a);
    w->began_ns = w->a->since_ns;
}

static inline void close_world(world *w)
{
    close_it(); // the catalog goes first, as in the daemon
    aggregates_close(&w->shared);
}

static inline void say_as(const world *w, int64_t at_ns, const char *source,
                          const char *process, lp_span text)
{
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = at_ns};
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = 134,
                       .app = span(source),
                       .procid = span(process),
                       .msg = text};

    assert_int_equal(
        lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line), LP_OK);
    assert_int_equal(lp_channel_append(w->a->ring, &line, NULL), LP_OK);
}

static inline uint64_t read_all(const world *w)
{
    aggregator_read read;

    aggregator_read_on(w->a, UINT64_MAX, &read);
    return read.lines;
}

#endif /* AGGREGATOR_WORLD_H */
