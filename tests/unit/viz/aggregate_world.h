/*
 * aggregate_world.h - for tests of aggregates: a channel, its lines as facts, and
 * the same facts added up exactly.
 */
#ifndef AGGREGATE_WORLD_H
#define AGGREGATE_WORLD_H

#include <math.h>
#include <stdio.h>

#include "logplex/aggregate.h"
#include "logplex/render.h"
#include "logplex/route.h"
#include "ring.h"
#include "sketch_world.h"

enum { FACTS_MAX = 1 << 21, SECOND_NS = 1000000000, NAMES_MAX_BYTES = 128 };

/* Where a test begins: a whole five minutes. */
static const int64_t begin_s = 1764130500;

/* One thing that a line says: one more in a series. */
typedef struct fact {
    int64_t second; /* that it is counted in */
    double value;   /* NAN: it has none */
    uint32_t series;
    bool is_failed;
} fact;

typedef struct fact_series {
    uint8_t dimension;
    uint8_t op;
    uint8_t unit;
    bool is_of_process;
    char name[NAMES_MAX_BYTES];
    char of[NAMES_MAX_BYTES];
} fact_series;

typedef struct world {
    stingy memory;
    lp_engine *engine;
    lp_channel *channel;
    lp_cursor *cursor;
    lp_aggregates *shared;
    lp_aggregate *aggregate;
    fact *facts;
    size_t fact_count;
    fact_series *series;
    size_t series_count;
    int64_t open_s; /* what the aggregate should take for the open second */
    uint64_t lines;
} world;

static inline void world_open(world *w, const lp_aggregates_options *from)
{
    lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;
    lp_allocator allocator = {stingy_alloc, stingy_free, &w->memory};

    memset(w, 0, sizeof(*w));
    w->memory.refuse_from = UINT64_MAX;
    if (from != NULL) {
        opt = *from;
    }
    opt.allocator = &allocator;
    opt.hash_key[0] = 1;
    opt.hash_key[1] = 2;
    w->engine = ring_engine(64 << 20);
    w->channel = ring_channel(w->engine, 0, 0);
    w->cursor = ring_cursor(w->channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    CHECK_OK(lp_aggregates_create(&opt, &w->shared));
    CHECK_OK(lp_aggregate_open(w->shared, &w->aggregate));
    w->facts = calloc(FACTS_MAX, sizeof(*w->facts));
    w->series = calloc(1 << 14, sizeof(*w->series));
    assert_non_null(w->facts);
    assert_non_null(w->series);
    w->open_s = INT64_MIN;
}

static inline void world_close(world *w)
{
    lp_aggregate_close(w->aggregate);
    lp_aggregates_destroy(w->shared);
    assert_int_equal(w->memory.held_bytes, 0);
    lp_cursor_close(w->cursor);
    lp_channel_close(w->channel);
    lp_engine_destroy(w->engine);
    free(w->facts);
    free(w->series);
}

static inline lp_aggregate_stats world_stats(const world *w)
{
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};

    lp_aggregate_stats_get(w->aggregate, &stats);
    return stats;
}

/* All that was said is counted, within the bound of memory. */
static inline void world_read(world *w, uint64_t bytes_max)
{
    lp_run run;

    while (lp_cursor_next(w->cursor, 0, 0, &run) == LP_OK) {
        lp_aggregate_run(w->aggregate, &run);
        lp_run_release(&run);
        if (bytes_max > 0) {
            assert_true(world_stats(w).bytes <= bytes_max);
        }
    }
    assert_int_equal(world_stats(w).lines + world_stats(w).uncounted_lines,
                     w->lines);
}

/* The line's length in bytes, as it is stored. */
static inline double world_say_at(world *w, int64_t ns, const char *source,
                                  const char *process, const char *msg)
{
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = ns};
    char time[LP_TIMESTAMP_MAX_BYTES];
    lp_syslog parts = {.format = LP_SYSLOG_5424,
                       .pri = 134,
                       .app = lp_span_str(source),
                       .procid = lp_span_str(process),
                       .msg = lp_span_str(msg)};
    double bytes = 0;

    parts.time = lp_span_of(time, lp_timestamp_print(ns, 6, time));
    CHECK_OK(lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line));
    for (uint32_t i = 0; i < line.part_count; i++) {
        bytes += (double)line.parts[i].len_bytes;
    }
    CHECK_OK(lp_channel_append(w->channel, &line, NULL));
    w->lines++;
    return bytes;
}

/* Facts ------------------------------------------------------------------- */

static inline uint32_t fact_series_of(world *w, fact_series key)
{
    uint32_t i = 0;

    while (i < w->series_count &&
           memcmp(&w->series[i], &key, sizeof(key)) != 0) {
        i++;
    }
    if (i == w->series_count) {
        w->series[w->series_count++] = key;
    }
    return i;
}

static inline void add_fact(world *w, lp_dimension dimension, const char *name,
                            const char *of, double value, bool is_failed)
{
    fact_series key;

    memset(&key, 0, sizeof(key));
    key.dimension = (uint8_t)dimension;
    key.is_of_process = of != NULL;
    snprintf(key.name, sizeof(key.name), "%s", name);
    snprintf(key.of, sizeof(key.of), "%s", of != NULL ? of : "");
    assert_true(w->fact_count < FACTS_MAX);
    w->facts[w->fact_count++] = (fact){.second = w->open_s,
                                       .value = value,
                                       .series = fact_series_of(w, key),
                                       .is_failed = is_failed};
}

static inline void fact_line(world *w, const char *process, double bytes)
{
    add_fact(w, LP_DIM_LINES, process, NULL, bytes, false);
}

/* The second that an arrival is counted in; how a clock that steps does it is
 * tested elsewhere. */
static inline void world_at(world *w, int64_t ns)
{
    int64_t second = ns / SECOND_NS;

    w->open_s = second > w->open_s ? second : w->open_s;
}

/* A request; status 0: none; times below 0: none. */
typedef struct request {
    const char *process;
    const char *path;
    const char *code; /* or NULL */
    int status;
    int connect;
    int service;
    int bytes;
} request;

static inline void say_pair(char *msg, size_t max, const char *key, int value,
                            const char *unit)
{
    size_t at = strlen(msg);

    if (value < 0) {
        snprintf(msg + at, max - at, " %s=", key);
    } else {
        snprintf(msg + at, max - at, " %s=%d%s", key, value, unit);
    }
}

static inline void world_request(world *w, int64_t ns, const request *r)
{
    char msg[512], route[LP_ROUTE_MAX_BYTES + 1], status[16] = "";
    bool is_timed = r->connect >= 0 || r->service >= 0;
    double time = is_timed ? (r->connect > 0 ? r->connect : 0) +
                                 (r->service > 0 ? r->service : 0)
                           : (double)NAN;
    bool is_failed = r->status >= 500 || r->code != NULL;
    size_t n;

    snprintf(msg, sizeof(msg),
             "at=%s%s%s method=GET path=\"%s\" host=app.example dyno=%s",
             r->code == NULL ? "info" : "error",
             r->code == NULL ? "" : " code=", r->code == NULL ? "" : r->code,
             r->path, r->process);
    say_pair(msg, sizeof(msg), "connect", r->connect, "ms");
    say_pair(msg, sizeof(msg), "service", r->service, "ms");
    say_pair(msg, sizeof(msg), "status", r->status > 0 ? r->status : -1, "");
    say_pair(msg, sizeof(msg), "bytes", r->bytes, "");
    world_at(w, ns);
    fact_line(w, "router", world_say_at(w, ns, "heroku", "router", msg));
    n = lp_route_fold(LP_SPAN("GET"), lp_span_str(r->path), route,
                      sizeof(route) - 1);
    route[n] = '\0';
    if (r->status > 0) {
        snprintf(status, sizeof(status), "%d", r->status);
    }
    add_fact(w, LP_DIM_TOTAL, "", NULL, time, is_failed);
    add_fact(w, LP_DIM_STATUS, status, NULL, time, is_failed);
    add_fact(w, LP_DIM_PROCESS, r->process, NULL, time, is_failed);
    add_fact(w, LP_DIM_ROUTE, route, NULL, time, is_failed);
    if (r->code != NULL) {
        add_fact(w, LP_DIM_CODE, r->code, NULL, time, false);
        if (r->process[0] != '\0') {
            add_fact(w, LP_DIM_CODE, r->code, r->process, time, false);
        }
    }
    if (r->connect >= 0) {
        add_fact(w, LP_DIM_MEASURE, "router.connect", NULL, r->connect, false);
    }
    if (r->service >= 0) {
        add_fact(w, LP_DIM_MEASURE, "router.service", NULL, r->service, false);
    }
    if (r->bytes >= 0) {
        add_fact(w, LP_DIM_MEASURE, "router.bytes", NULL, r->bytes, false);
    }
}

/* Exactly ----------------------------------------------------------------- */

/* What a row should say. */
typedef struct exact {
    uint64_t count;
    uint64_t failed;
    double sum;
    double *values; /* in order */
    size_t value_count;
} exact;

static inline int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline exact exact_of(const world *w, uint32_t series, int64_t from_s,
                             int64_t to_s)
{
    exact e = {.values = calloc(w->fact_count + 1, sizeof(double))};

    assert_non_null(e.values);
    for (size_t i = 0; i < w->fact_count; i++) {
        const fact *f = &w->facts[i];

        if (f->series != series || f->second < from_s || f->second >= to_s) {
            continue;
        }
        e.count++;
        e.failed += f->is_failed ? 1 : 0;
        if (!isnan(f->value)) {
            e.values[e.value_count++] = f->value;
            e.sum += f->value;
        }
    }
    qsort(e.values, e.value_count, sizeof(*e.values), compare_values);
    return e;
}

static inline void check_quantiles(const lp_aggregate_row *row, const exact *e)
{
    static const double q[] = {0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
    enum { COUNT = sizeof(q) / sizeof(q[0]) };
    double out[COUNT];

    CHECK_OK(lp_sketch_quantiles(row->sketch, usual_scale(), q, COUNT, out));
    for (int i = 0; i < COUNT; i++) {
        double right = e->values[(size_t)(q[i] * (double)(e->value_count - 1))];

        assert_true(fabs(out[i] - right) <=
                    LP_SKETCH_ALPHA_DEFAULT * fabs(right) * (1 + 1e-12));
    }
}

static inline void check_row(const lp_aggregate_row *row, const exact *e)
{
    assert_int_equal(row->count, e->count);
    assert_int_equal(row->value_count, e->value_count);
    assert_int_equal(row->failed, e->failed);
    if (e->value_count == 0) {
        assert_true(row->sum == 0 && row->min == 0 && row->max == 0);
        return;
    }
    assert_true(fabs(row->sum - e->sum) <= 1e-9 * fabs(e->sum));
    assert_true(row->min == e->values[0]);
    assert_true(row->max == e->values[e->value_count - 1]);
    if (row->sketch != NULL) {
        assert_int_equal(row->sketch->count, row->value_count);
        check_quantiles(row, e);
    }
}

/* The row of a series; NULL: there is none. */
static inline const lp_aggregate_row *
row_of(const lp_aggregate_row *rows, size_t count, const fact_series *key)
{
    for (size_t i = 0; i < count; i++) {
        const lp_aggregate_row *row = &rows[i];

        if (row->dimension == key->dimension && !row->is_other &&
            row->is_of_process == key->is_of_process &&
            lp_span_equal(row->name, lp_span_str(key->name)) &&
            lp_span_equal(row->of, lp_span_str(key->of))) {
            return row;
        }
    }
    return NULL;
}

/* What windows are compared with, and how many of them there were. */
typedef struct comparison {
    const world *w;
    size_t windows;
    uint64_t lines;
    int64_t before_s; /* windows ascend */
    lp_detail detail; /* the greatest */
} comparison;

/* An lp_aggregate_fn: a full window says what the facts say. SKEW apart. */
static inline void compare_window(void *ctx, const lp_aggregate_window *window,
                                  const lp_aggregate_row *rows, size_t count)
{
    comparison *c = ctx;
    size_t found = 0;

    assert_true(window->start_s >= c->before_s);
    c->before_s = window->end_s;
    c->windows++;
    c->detail = window->detail > c->detail ? window->detail : c->detail;
    for (size_t i = 0; i < count; i++) {
        found += rows[i].dimension == LP_DIM_SKEW ? 1 : 0;
        c->lines += rows[i].dimension == LP_DIM_LINES ? rows[i].count : 0;
    }
    for (uint32_t i = 0; i < c->w->series_count; i++) {
        const lp_aggregate_row *row = row_of(rows, count, &c->w->series[i]);
        exact e = exact_of(c->w, i, window->start_s, window->end_s);

        if (row == NULL) {
            assert_int_equal(e.count, 0);
        } else {
            check_row(row, &e);
            found++;
        }
        free(e.values);
    }
    assert_int_equal(found, count);
}

#endif /* AGGREGATE_WORLD_H */
