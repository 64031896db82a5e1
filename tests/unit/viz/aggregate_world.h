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

static inline int64_t at(double seconds)
{
    return begin_s * SECOND_NS + (int64_t)(seconds * SECOND_NS);
}

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

/* Counts a run, or says that it did not. It says beforehand, as who has many does,
 * that there will be one, which changes nothing. */
static inline void world_count(world *w, const lp_run *run)
{
    lp_aggregate_stats before = world_stats(w);
    lp_aggregate_stats after;
    uint64_t uncounted_lines = before.uncounted_lines;

    lp_aggregate_expect(w->aggregate, w->lines);
    after = world_stats(w);
    assert_memory_equal(&before, &after, sizeof(before));
    if (lp_aggregate_run(w->aggregate, run) != LP_OK) {
        uncounted_lines += run->line_count;
    }
    assert_int_equal(world_stats(w).uncounted_lines, uncounted_lines);
}

/* All that was said is counted, within the bound of memory. */
static inline void world_read(world *w, uint64_t bytes_max)
{
    lp_run run;

    while (lp_cursor_next(w->cursor, 0, 0, &run) == LP_OK) {
        world_count(w, &run);
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
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = 134,
                       .app = lp_span_str(source),
                       .procid = lp_span_str(process),
                       .msg = lp_span_str(msg)};
    double bytes = 0;

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

/* Of no interest. */
static const request plain = {.process = "web.1",
                              .path = "/",
                              .status = 200,
                              .connect = 1,
                              .service = 9,
                              .bytes = 100};

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
        bool is_status = r->status >= 100 && r->status < 600;

        if (is_status) {
            snprintf(status, sizeof(status), "%d", r->status);
        } else {
            snprintf(status, sizeof(status), "other");
        }
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

/* Requests by class, as their statuses say. */
static inline void check_classes(const world *w,
                                 const lp_aggregate_window *window)
{
    uint64_t classes[LP_STATUS_CLASSES] = {0};

    for (size_t i = 0; i < w->fact_count; i++) {
        const fact *f = &w->facts[i];
        const fact_series *of = &w->series[f->series];
        unsigned class = of->name[0] >= '1' && of->name[0] <= '5'
                             ? (unsigned)(of->name[0] - '0')
                             : LP_STATUS_OTHER;

        if (of->dimension == LP_DIM_STATUS && f->second >= window->start_s &&
            f->second < window->end_s) {
            classes[of->name[0] == '\0' ? LP_STATUS_NONE : class]++;
        }
    }
    assert_memory_equal(classes, window->classes, sizeof(classes));
}

/* An lp_aggregate_fn: a full window says what the facts say. SKEW apart. */
static inline void compare_window(void *ctx, const lp_aggregate_window *window,
                                  const lp_aggregate_row *rows, size_t count)
{
    comparison *c = ctx;
    size_t found = 0;

    if (c->w->series_count > 0) {
        check_classes(c->w, window);
    }
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

/* With bytes_max; 0: the default. */
static inline void world_open_of(world *w, uint64_t bytes_max,
                                 uint32_t series_max)
{
    lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;

    opt.bytes_max = bytes_max;
    opt.series_max = series_max;
    world_open(w, &opt);
}

static inline comparison compare_tier(world *w, lp_tier tier)
{
    comparison c = {.w = w, .before_s = INT64_MIN};

    CHECK_OK(lp_aggregate_each(w->aggregate, tier, INT64_MIN, INT64_MAX, NULL,
                               compare_window, &c));
    return c;
}

static inline comparison compare_total(world *w, int64_t from_s, int64_t to_s)
{
    comparison c = {.w = w, .before_s = INT64_MIN};

    CHECK_OK(lp_aggregate_total(w->aggregate, from_s, to_s, NULL,
                                compare_window, &c));
    assert_int_equal(c.windows, 1);
    return c;
}

static const char *const some_codes[] = {"H12", "H10", "H18"};

static inline request any_request(uint64_t *seed, char *path, size_t path_max)
{
    request r = {.process = "",
                 .path = path,
                 .status = 200,
                 .connect = -1,
                 .service = -1,
                 .bytes = (int)(chance(seed) % 100000)};
    static const char *const processes[] = {"web.1", "web.2", "web.3", ""};
    static const int statuses[] = {200, 200, 200, 304, 404, 500, 503, 0};

    snprintf(path, path_max, "/users/%u/%s", (unsigned)(chance(seed) % 1000),
             chance(seed) % 2 == 0 ? "posts" : "edit?q=1");
    r.process = processes[chance(seed) % 4];
    r.status = statuses[chance(seed) % 8];
    if (r.process[0] != '\0') {
        r.connect = (int)(chance(seed) % 5);
        r.service = (int)(exp(3 + 2 * fraction(seed)) * fraction(seed));
    }
    if (r.status == 503 || chance(seed) % 16 == 0) {
        r.code = some_codes[chance(seed) % 3];
    }
    return r;
}

static inline void say_any_request(world *w, uint64_t *seed, int64_t ns)
{
    char path[64];
    request r = any_request(seed, path, sizeof(path));

    world_request(w, ns, &r);
}

/* Found rows ----------------------------------------------------------- */

/* What a search found, copied: its sketch and its texts are gone. */
typedef struct search {
    lp_dimension dimension;
    const char *name; /* NULL: the other row */
    const char *of;   /* NULL: of all */
    lp_aggregate_row row;
    lp_aggregate_window window;
    size_t found;
    double median;
} search;

static inline void search_rows(void *ctx, const lp_aggregate_window *window,
                               const lp_aggregate_row *rows, size_t count)
{
    static const double half = 0.5;
    search *s = ctx;

    s->window = *window;
    for (size_t i = 0; i < count; i++) {
        const lp_aggregate_row *row = &rows[i];
        const char *name = s->name != NULL ? s->name : "";
        const char *of = s->of != NULL ? s->of : "";

        if (row->dimension != (uint8_t)s->dimension ||
            row->is_other != (s->name == NULL) ||
            row->is_of_process != (s->of != NULL) ||
            !lp_span_equal(row->name, lp_span_str(name)) ||
            (!row->is_other && !lp_span_equal(row->of, lp_span_str(of)))) {
            continue;
        }
        s->row = *row;
        s->found++;
        if (row->sketch != NULL) {
            CHECK_OK(lp_sketch_quantiles(row->sketch, usual_scale(), &half, 1,
                                         &s->median));
        }
    }
}

/* A row of all windows together; its count is 0 when there is none. */
static inline search find_row(world *w, lp_dimension dimension,
                              const char *name, const char *of)
{
    search s = {.dimension = dimension, .name = name, .of = of};

    CHECK_OK(lp_aggregate_total(w->aggregate, INT64_MIN / 2, INT64_MAX / 2,
                                NULL, search_rows, &s));
    assert_true(s.found <= 1);
    return s;
}

/* All rows of a dimension; of all, not of single processes, and not twice. */
typedef struct dimension_sum {
    lp_dimension dimension;
    uint64_t count;
    uint64_t failed;
    uint64_t lost_lines;
    double sum;
    size_t rows;
} dimension_sum;

static inline void sum_rows(void *ctx, const lp_aggregate_window *window,
                            const lp_aggregate_row *rows, size_t count)
{
    dimension_sum *s = ctx;

    s->lost_lines += window->lost_lines;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].dimension == (uint8_t)s->dimension &&
            !rows[i].is_of_process) {
            s->count += rows[i].count;
            s->failed += rows[i].failed;
            s->sum += rows[i].sum;
            s->rows++;
        }
    }
}

static inline dimension_sum sum_dimension(world *w, lp_dimension dimension)
{
    dimension_sum s = {.dimension = dimension};

    CHECK_OK(lp_aggregate_total(w->aggregate, INT64_MIN / 2, INT64_MAX / 2,
                                NULL, sum_rows, &s));
    return s;
}

#endif /* AGGREGATE_WORLD_H */
