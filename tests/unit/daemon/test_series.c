/* test_series.c - columns of windows that only hours make as coarse as they are. */
#include <math.h>
#include <stdio.h>

#include "aggregate/aggregating.h"
#include "aggregate/aggregator_impl.h"
#include "api/api_aggregate_print.h"
#include "catalog_fixture.h"
#include "config/config.h"
#include "logplex/render.h"

enum { COARSE_S = 300, MINUTES_MAX = 24 * 60 };

typedef struct world {
    config cfg;
    daemon_shared shared;
    aggregator *a;
    int64_t begin_s; /* a whole five minutes */
    int64_t now_s;
} world;

static void open_world(world *w)
{
    bool is_new;

    memset(w, 0, sizeof(*w));
    w->cfg.workers = 1;
    w->cfg.memory_max_bytes = 64 << 20;
    w->cfg.channel_max_bytes = 1 << 20;
    w->cfg.frame_max_bytes = 64 << 10;
    w->cfg.aggregate_max_bytes = LP_AGGREGATE_BYTES_MAX_LEAST;
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
    w->begin_s = w->a->since_ns / SECOND;
    w->begin_s += COARSE_S - w->begin_s % COARSE_S;
    w->now_s = w->begin_s;
}

static void close_world(world *w)
{
    close_it(); // the catalog goes first, as in the daemon
    aggregates_close(&w->shared);
}

/* A request to one of many routes, in the second that is now. */
static void say(world *w, unsigned route)
{
    lp_render_scratch scratch;
    aggregator_read read;
    lp_line line = {.arrival_ns = w->now_s * SECOND};
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = 134,
                       .app = span("heroku"),
                       .procid = span("router")};
    char text[160];

    snprintf(text, sizeof(text),
             "at=info method=GET path=\"/%c%c\" dyno=web.%u connect=1ms "
             "service=%ums status=200",
             'a' + route / 26 % 26, 'a' + route % 26, route % 50, route);
    parts.msg = span(text);
    assert_int_equal(
        lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line), LP_OK);
    assert_int_equal(lp_channel_append(w->a->ring, &line, NULL), LP_OK);
    aggregator_read_on(w->a, UINT64_MAX, &read);
}

typedef struct columns {
    unsigned count;
    double t[MINUTES_MAX];
    double lines[MINUTES_MAX];
    double detail[MINUTES_MAX];
} columns;

/* NAN is null. */
static unsigned read_column(const char *json, const char *key,
                            double values[MINUTES_MAX])
{
    const char *at = strstr(json, key);
    unsigned count = 0;

    assert_non_null(at);
    for (at += strlen(key); *at != ']'; at += *at == ',' ? 1 : 0) {
        char *end;

        assert_true(count < MINUTES_MAX);
        if (*at == 'n') {
            values[count++] = (double)NAN;
            at += strlen("null");
            continue;
        }
        values[count++] = strtod(at, &end);
        assert_true(end > at);
        at = end;
    }
    return count;
}

static columns ask(const world *w, lp_tier tier, int64_t from_s, int64_t to_s)
{
    api_series_ask want = {.tier = tier, .from_s = from_s, .to_s = to_s};
    api_aggregate_ask who = {.who = w->a,
                             .channel_id = span("app"),
                             .cfg = &w->cfg,
                             .now_ns = w->now_s * SECOND,
                             .counted_ns = w->now_s * SECOND};
    columns c;
    char *json;
    size_t bytes;
    FILE *to = open_memstream(&json, &bytes);

    who.numbers = aggregator_begin(w->a);
    assert_true(api_print_series(to, &who, &want));
    aggregator_end(w->a);
    fclose(to);
    c.count = read_column(json, "\"t\":[", c.t);
    assert_int_equal(read_column(json, "\"lines\":[", c.lines), c.count);
    assert_int_equal(read_column(json, "\"detail\":[", c.detail), c.count);
    free(json);
    return c;
}

/* Coarse windows are asked for from their middle on, and up to it. */
static void a_part_of_five_minutes_is_not_known(void **state)
{
    columns all, part;
    unsigned coarse = 0;
    int64_t start_s;
    world w;

    (void)state;
    open_world(&w);
    for (unsigned i = 0; i < 6 * 3600; i++) {
        say(&w, i);
        w.now_s++;
    }
    all = ask(&w, LP_TIER_MINUTES, w.begin_s, w.now_s);
    while (all.t[coarse + 1] - all.t[coarse] < COARSE_S) {
        coarse++;
        assert_true(coarse + 2 < all.count);
    }
    start_s = (int64_t)all.t[coarse];
    assert_int_equal(all.lines[coarse], COARSE_S);

    part = ask(&w, LP_TIER_MINUTES, start_s + 120, w.now_s);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(part.t[i], start_s + 120 + 60 * i);
        assert_true(isnan(part.lines[i]));
    }
    assert_int_equal(part.t[3], all.t[coarse + 1]);
    assert_int_equal(part.lines[3], all.lines[coarse + 1]);
    part = ask(&w, LP_TIER_MINUTES, start_s - 60, start_s + 120);
    assert_int_equal(part.t[part.count - 1], start_s);
    assert_int_equal(part.lines[part.count - 1], COARSE_S);
    close_world(&w);
}

/* Also where what is asked for ended long ago. */
static void what_a_tier_does_not_keep_for_so_long_is_left_out(void **state)
{
    columns c;
    world w;

    (void)state;
    open_world(&w);
    for (unsigned i = 0; i < 300; i++) {
        say(&w, i);
        w.now_s++;
    }
    c = ask(&w, LP_TIER_SECONDS, w.now_s - 200, w.now_s - 100);
    assert_int_equal(c.count, 20);
    assert_int_equal(c.t[0], w.now_s - 120);
    assert_int_equal(c.lines[0], 1);
    assert_int_equal(c.lines[19], 1);
    c = ask(&w, LP_TIER_SECONDS, w.now_s - 200, w.now_s - 150);
    assert_int_equal(c.count, 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_part_of_five_minutes_is_not_known,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_a_tier_does_not_keep_for_so_long_is_left_out, set_up,
            tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
