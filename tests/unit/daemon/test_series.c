/* test_series.c - columns of windows that only hours make as coarse as they are. */
#include <math.h>
#include <stdio.h>

#include "aggregator_world.h"
#include "api/api_aggregate_print.h"

enum { COARSE_S = 300, MINUTES_MAX = 24 * 60 };

typedef struct story {
    world w;
    int64_t begin_s; /* a whole five minutes */
    int64_t now_s;
    int64_t late_s; /* later seconds that are read */
} story;

static void begin(story *s, uint64_t aggregate_max_bytes)
{
    open_world(&s->w, aggregate_max_bytes);
    s->late_s = 0;
    s->begin_s = s->w.began_ns / SECOND;
    s->begin_s += COARSE_S - s->begin_s % COARSE_S;
    s->now_s = s->begin_s;
}

/* So many seconds with a request each, to many routes. */
static void go_on(story *s, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        char text[160];

        snprintf(text, sizeof(text),
                 "at=info method=GET path=\"/%c%c\" dyno=web.%u connect=1ms "
                 "service=%ums status=200",
                 'a' + i / 26 % 26, 'a' + i % 26, i % 50, i);
        say_as(&s->w, s->now_s * SECOND, "heroku", "router", span(text));
        assert_int_equal(read_all(&s->w), 1);
        s->now_s++;
    }
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

static columns ask(const story *s, lp_tier tier, int64_t from_s, int64_t to_s)
{
    api_series_ask want = {.tier = tier, .from_s = from_s, .to_s = to_s};
    api_aggregate_ask who = {.who = s->w.a,
                             .channel_id = span("app"),
                             .cfg = &s->w.cfg,
                             .now_ns = s->now_s * SECOND,
                             .counted_ns = (s->now_s - s->late_s) * SECOND};
    columns c;
    char *json;
    size_t bytes;
    FILE *to = open_memstream(&json, &bytes);

    who.numbers = aggregator_begin(s->w.a);
    assert_true(api_print_series(to, &who, &want));
    aggregator_end(s->w.a);
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
    story s;

    (void)state;
    begin(&s, LP_AGGREGATE_BYTES_MAX_LEAST);
    go_on(&s, 6 * 3600);
    all = ask(&s, LP_TIER_MINUTES, s.begin_s, s.now_s);
    while (all.t[coarse + 1] - all.t[coarse] < COARSE_S) {
        coarse++;
        assert_true(coarse + 2 < all.count);
    }
    start_s = (int64_t)all.t[coarse];
    assert_int_equal(all.lines[coarse], COARSE_S);

    part = ask(&s, LP_TIER_MINUTES, start_s + 120, s.now_s);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(part.t[i], start_s + 120 + 60 * i);
        assert_true(isnan(part.lines[i]));
    }
    assert_int_equal(part.t[3], all.t[coarse + 1]);
    assert_int_equal(part.lines[3], all.lines[coarse + 1]);
    part = ask(&s, LP_TIER_MINUTES, start_s - 60, start_s + 120);
    assert_int_equal(part.t[part.count - 1], start_s);
    assert_int_equal(part.lines[part.count - 1], COARSE_S);
    close_world(&s.w);
}

/* Also where what is asked for ended long ago. */
static void what_a_tier_does_not_keep_for_so_long_is_left_out(void **state)
{
    columns c;
    story s;

    (void)state;
    begin(&s, LP_AGGREGATE_BYTES_MAX_LEAST);
    go_on(&s, 300);
    c = ask(&s, LP_TIER_SECONDS, s.now_s - 200, s.now_s - 100);
    assert_int_equal(c.count, 20);
    assert_int_equal(c.t[0], s.now_s - 120);
    assert_int_equal(c.lines[0], 1);
    assert_int_equal(c.lines[19], 1);
    c = ask(&s, LP_TIER_SECONDS, s.now_s - 200, s.now_s - 150);
    assert_int_equal(c.count, 0);
    close_world(&s.w);
}

/* A line of the second that runs makes the oldest one go, while the last one that is
 * over is another yet. */
static void what_has_gone_is_not_told_as_none(void **state)
{
    columns c;
    story s;

    (void)state;
    begin(&s, 0);
    go_on(&s, 3700);
    for (s.late_s = 0; s.late_s < 4; s.late_s++) {
        c = ask(&s, LP_TIER_SECONDS, s.now_s - 200, s.now_s - s.late_s);
        assert_int_equal(c.lines[0], 1);
        assert_int_equal(c.lines[c.count - 1], 1);
    }
    s.late_s = 2;
    for (unsigned i = 0; i < 20; i++) { // the oldest ten begins in one of them
        go_on(&s, 1);
        c = ask(&s, LP_TIER_TENS, s.now_s - 4000, s.now_s - 60);
        assert_int_equal(c.lines[0], 10);
    }
    close_world(&s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_part_of_five_minutes_is_not_known,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_a_tier_does_not_keep_for_so_long_is_left_out, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(what_has_gone_is_not_told_as_none,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
