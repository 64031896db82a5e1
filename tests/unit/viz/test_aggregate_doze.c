/* test_aggregate_doze.c - channels that fell silent: what they hold, and that they
 * tell the same. */
#include <inttypes.h>

#include "aggregate_world.h"

enum { SPOKEN_S = 40, AWAKE_S = SPOKEN_S + 60, DOZING_S = SPOKEN_S + 180 };

/* Some of all that leaves something behind. */
static void say_all_kinds(world *w, int i)
{
    char msg[256];
    double second = i * 0.25;

    snprintf(msg, sizeof(msg),
             "at=%s%s method=GET path=\"/%c/%d\" host=a.example dyno=web.%d "
             "connect=1ms service=%dms status=%d bytes=%d",
             i % 9 == 0 ? "error" : "info", i % 9 == 0 ? " code=H12" : "",
             'a' + i % 5, i, i % 3, 3 + i * 7 % 90, i % 9 == 0 ? 503 : 200, i);
    world_say_at(w, at(second), "heroku", "router", msg);
    snprintf(msg, sizeof(msg),
             "measure#db.%d=%d.25ms measure#r=7req/s count#rows=%d", i % 4, i,
             i);
    world_say_at(w, at(second), "app", "worker.1", msg);
    snprintf(msg, sizeof(msg),
             "source=web.%d dyno=h.1 sample#memory_total=%d.5MB "
             "sample#memory_rss=%dMB sample#load_avg_1m=0.%d "
             "sample#load_avg_5m=1.5",
             i % 3, i, i, i % 10);
    world_say_at(w, at(second), "heroku", "web.1", msg);
    if (i % 20 == 0) {
        world_say_at(w, at(second), "heroku", "web.2",
                     "State changed from up to crashed");
        world_say_at(w, at(second), "heroku", "web.2",
                     "Error R14 (Memory quota exceeded)");
        world_say_at(w, at(second), "app", "api", "Release v42 created");
    }
}

static void open_spoken(world *w, const lp_aggregates_options *opt)
{
    world_open(w, opt);
    for (int i = 0; i < SPOKEN_S * 4; i++) {
        say_all_kinds(w, i);
    }
    world_read(w, 0);
}

/* What is told ------------------------------------------------------------ */

typedef struct told {
    world *w;
    FILE *to;
    int64_t later_s; /* than they were said */
} told;

static void print_process(told *t, lp_span name)
{
    lp_aggregate_process of;

    if (!lp_aggregate_process_get(t->w->aggregate, name, &of)) {
        return;
    }
    fprintf(t->to, "  of it %" PRIu64 " %a %a %a until %" PRId64, of.skew_count,
            of.skew_sum_ms, of.skew_min_ms, of.skew_max_ms,
            of.skew_until_s - t->later_s);
    for (unsigned i = 0; i < LP_GAUGES; i++) {
        fprintf(t->to, " %a", of.samples[i].value);
        if (of.samples[i].at_s != INT64_MIN) {
            fprintf(t->to, " at %" PRId64, of.samples[i].at_s - t->later_s);
        }
    }
    fputc('\n', t->to);
}

static void print_exemplars(told *t, const lp_aggregate_window *window,
                            const lp_aggregate_row *row)
{
    static const double q[] = {0.1, 0.5, 0.9};
    double values[3] = {0};
    lp_seq seqs[3];

    if (row->sketch != NULL) {
        CHECK_OK(lp_sketch_quantiles(row->sketch, usual_scale(), q, 3, values));
    }
    for (int i = 0; i < 3; i++) {
        size_t n = lp_aggregate_exemplars(t->w->aggregate, window, row,
                                          values[i], seqs, 3);

        fprintf(t->to, " | %a", values[i]);
        for (size_t k = 0; k < n; k++) {
            fprintf(t->to, " %" PRIu64, seqs[k]);
        }
    }
}

static void print_window(void *ctx, const lp_aggregate_window *window,
                         const lp_aggregate_row *rows, size_t row_count)
{
    told *t = ctx;

    fprintf(t->to, "%" PRId64 "-%" PRId64 " %" PRIu64 " %" PRIu64 " %d\n",
            window->start_s - t->later_s, window->end_s - t->later_s,
            window->first_seq, window->end_seq, window->detail);
    for (size_t i = 0; i < row_count; i++) {
        const lp_aggregate_row *row = &rows[i];

        fprintf(t->to,
                "%d %.*s of %.*s op %d unit %d%.*s %d%d%d: %" PRIu64 " %" PRIu64
                " %" PRIu64 " %a %a %a %a, %" PRIu64 " %" PRIu64 " %" PRIu64,
                row->dimension, (int)row->name.len_bytes, row->name.ptr,
                (int)row->of.len_bytes, row->of.ptr, row->op, row->unit,
                (int)row->unit_text.len_bytes, row->unit_text.ptr,
                row->is_other, row->is_of_process, row->is_platform, row->count,
                row->value_count, row->failed, row->sum, row->min, row->max,
                row->last, row->newest[0], row->newest[1], row->max_seq);
        print_exemplars(t, window, row);
        fputc('\n', t->to);
        if (row->dimension == LP_DIM_LINES) {
            print_process(t, row->name);
        }
    }
}

static void print_marker(void *ctx, const lp_aggregate_marker *marker)
{
    told *t = ctx;

    fprintf(t->to, "%" PRId64 " %" PRIu64 " %d %.*s %.*s\n",
            marker->at_ns / SECOND_NS - t->later_s, marker->seq, marker->kind,
            (int)marker->process.len_bytes, marker->process.ptr,
            (int)marker->text.len_bytes, marker->text.ptr);
}

/* All that it tells of what is over for ten seconds; to be freed. */
static char *tell(world *w, int64_t later_s)
{
    size_t bytes;
    char *text = NULL;
    told t = {w, open_memstream(&text, &bytes), later_s};
    int64_t from_s = begin_s + later_s;

    assert_non_null(t.to);
    CHECK_OK(lp_aggregate_each(w->aggregate, LP_TIER_TENS, from_s,
                               from_s + SPOKEN_S, NULL, print_window, &t));
    CHECK_OK(lp_aggregate_total(w->aggregate, from_s, from_s + SPOKEN_S, NULL,
                                print_window, &t));
    lp_aggregate_markers(w->aggregate, from_s, from_s + 60, print_marker, &t);
    print_process(&t, LP_SPAN("web.1"));
    fprintf(t.to, "%u series\n", world_stats(w).series);
    fclose(t.to);
    return text;
}

static void a_dozing_channel_tells_what_it_told_awake(void **state)
{
    uint64_t awake_bytes;
    char *awake;
    char *dozing;
    world w;

    (void)state;
    open_spoken(&w, NULL);
    lp_aggregate_tick(w.aggregate, at(AWAKE_S));
    awake_bytes = world_stats(&w).bytes;
    awake = tell(&w, 0);
    assert_true(strlen(awake) > 10000);
    lp_aggregate_tick(w.aggregate, at(DOZING_S));
    assert_true(world_stats(&w).bytes * 2 < awake_bytes);
    dozing = tell(&w, 0);
    assert_string_equal(dozing, awake);
    free(dozing);
    // Its next line wakes it, and takes nothing away.
    world_say_at(&w, at(DOZING_S + 1), "app", "clock.1", "hello");
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(DOZING_S + 2));
    assert_int_equal(world_stats(&w).uncounted_lines, 0);
    lp_aggregate_tick(w.aggregate, at(2 * DOZING_S));
    assert_int_equal(find_row(&w, LP_DIM_LINES, "clock.1", NULL).row.count, 1);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count, w.lines);
    free(awake);
    world_close(&w);
}

static void a_clock_that_steps_back_takes_a_dozing_channel_with_it(void **state)
{
    char *before;
    char *after;
    world w;

    (void)state;
    open_spoken(&w, NULL);
    lp_aggregate_tick(w.aggregate, at(DOZING_S));
    before = tell(&w, 0);
    lp_aggregate_tick(w.aggregate, at(DOZING_S - 3600));
    assert_int_equal(world_stats(&w).clock_steps, 1);
    after = tell(&w, -3600);
    assert_string_equal(after, before);
    free(before);
    free(after);
    world_close(&w);
}

/* The same lines again are the same series: rows of before and after are one. */
static void a_channel_that_wakes_counts_on(void **state)
{
    uint64_t count;
    world w;

    (void)state;
    open_spoken(&w, NULL);
    lp_aggregate_tick(w.aggregate, at(DOZING_S));
    count = find_row(&w, LP_DIM_STATUS, "200", NULL).row.count;
    for (int i = 0; i < SPOKEN_S * 4; i++) {
        say_all_kinds(&w, 4 * 240 + i);
    }
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(240 + SPOKEN_S + 1));
    assert_true(find_row(&w, LP_DIM_STATUS, "200", NULL).row.count >
                count * 3 / 2);
    assert_int_equal(world_stats(&w).series_dropped, 0);
    assert_int_equal(world_stats(&w).other_values, 0);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count, w.lines);
    world_close(&w);
}

/* Memory ------------------------------------------------------------------ */

enum { NEVER_BYTES = 512, ONCE_BYTES = 768 };

static void a_channel_that_spoke_once_holds_little(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    assert_true(world_stats(&w).bytes < NEVER_BYTES);
    world_say_at(&w, at(0), "app", "web.1", "hello");
    world_read(&w, 0);
    for (int second = 1; second < 122; second++) {
        lp_aggregate_tick(w.aggregate, at(second));
    }
    assert_true(world_stats(&w).bytes < ONCE_BYTES);
    lp_aggregate_tick(w.aggregate, at(2 * 3600));
    assert_true(world_stats(&w).bytes < ONCE_BYTES);
    assert_int_equal(find_row(&w, LP_DIM_LINES, "web.1", NULL).row.count, 1);
    lp_aggregate_tick(w.aggregate, at(86400 + 61));
    assert_true(world_stats(&w).bytes < NEVER_BYTES);
    // And speaks again.
    world_say_at(&w, at(2 * 86400), "app", "web.1", "hello");
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(2 * 86400 + 1));
    assert_int_equal(find_row(&w, LP_DIM_LINES, "web.1", NULL).row.count, 1);
    assert_int_equal(world_stats(&w).lines, 2);
    world_close(&w);
}

static void take_window(void *ctx, const lp_aggregate_window *window,
                        const lp_aggregate_row *rows, size_t row_count)
{
    lp_aggregate_window *out = ctx;

    (void)rows;
    assert_int_equal(row_count, 0);
    *out = *window;
}

static void after_a_day_of_silence_all_is_given_back(void **state)
{
    int64_t now_s = begin_s + (int64_t)2 * 86400;
    lp_aggregate_window window;
    world w;

    (void)state;
    open_spoken(&w, NULL);
    lp_aggregate_tick(w.aggregate, at(DOZING_S));
    lp_aggregate_tick(w.aggregate, at(2 * 86400));
    assert_true(world_stats(&w).bytes < NEVER_BYTES);
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count, 0);
    // It is known that there was nothing.
    CHECK_OK(lp_aggregate_total(w.aggregate, now_s - 60, now_s, NULL,
                                take_window, &window));
    assert_int_equal(window.start_s, now_s - 60);
    assert_int_equal(window.end_s, now_s);
    assert_int_equal(world_stats(&w).since_s, begin_s);
    world_close(&w);
}

/* Wherever memory is refused: falling asleep, it stays awake; waking, its lines are
 * uncounted, and it tells what it told. */
static void a_channel_that_cannot_wake_tells_what_it_told(void **state)
{
    bool is_over = false;

    (void)state;
    for (uint64_t from = 0; !is_over; from++) {
        stingy calls = {.refuse_from = UINT64_MAX};
        lp_allocator scratch = {stingy_alloc, stingy_free, &calls};
        lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;
        char *before;
        char *after;
        world w;

        opt.scratch = &scratch;
        open_spoken(&w, &opt);
        lp_aggregate_tick(w.aggregate, at(AWAKE_S));
        before = tell(&w, 0);
        w.memory.refuse_from = w.memory.asked + from;
        w.memory.refuse_count = 1;
        lp_aggregate_tick(w.aggregate, at(DOZING_S));
        lp_aggregate_tick(w.aggregate, at(DOZING_S));
        world_say_at(&w, at(DOZING_S + 1), "app", "worker.1", "hello");
        world_read(&w, 0);
        is_over = w.memory.asked <= w.memory.refuse_from;
        after = tell(&w, 0);
        if (world_stats(&w).uncounted_lines > 0) {
            assert_string_equal(after, before);
        }
        free(before);
        free(after);
        w.memory.refuse_from = UINT64_MAX;
        world_say_at(&w, at(DOZING_S + 2), "app", "worker.1", "hello");
        world_read(&w, 0);
        lp_aggregate_tick(w.aggregate, at(DOZING_S + 3));
        assert_true(world_stats(&w).uncounted_lines <= 1);
        assert_int_equal(sum_dimension(&w, LP_DIM_LINES).count +
                             world_stats(&w).uncounted_lines,
                         w.lines);
        world_close(&w);
        assert_int_equal(calls.held_bytes, 0);
    }
}

/* Briefs ------------------------------------------------------------------ */

static void a_dozing_channel_keeps_the_sparks_of_its_five_minutes(void **state)
{
    lp_aggregate_brief brief;
    uint64_t sum = 0;
    world w;

    (void)state;
    open_spoken(&w, NULL);
    lp_aggregate_brief_get(w.aggregate, at(DOZING_S), &brief);
    assert_int_equal(brief.end_s, begin_s + DOZING_S);
    assert_int_equal(brief.lines, 0);
    assert_true(brief.are_requests);
    for (int i = 0; i < LP_AGGREGATE_SPARKS; i++) {
        sum += brief.sparks[i];
    }
    assert_int_equal(sum, SPOKEN_S * 4);
    // The newest spark is of the ten seconds that end with brief.end_s.
    assert_int_equal(brief.sparks[LP_AGGREGATE_SPARKS - DOZING_S / 10], 40);
    lp_aggregate_brief_get(w.aggregate, at(SPOKEN_S + 300), &brief);
    assert_int_equal(brief.sparks[0], 0);
    assert_false(brief.are_requests);
    world_close(&w);
}

static void one_that_wakes_keeps_them_too(void **state)
{
    lp_aggregate_brief before, after;
    world w;

    (void)state;
    open_spoken(&w, NULL);
    lp_aggregate_brief_get(w.aggregate, at(DOZING_S), &before);
    world_say_at(&w, at(DOZING_S), "app", "web.1", "hello");
    world_read(&w, 0);
    lp_aggregate_brief_get(w.aggregate, at(DOZING_S), &after);
    assert_int_equal(after.lines, 0); // its second is not over
    assert_true(after.are_requests);
    assert_memory_equal(after.sparks, before.sparks, sizeof(before.sparks));
    lp_aggregate_brief_get(w.aggregate, at(DOZING_S + 1), &after);
    assert_int_equal(after.lines, 1);
    assert_true(after.are_requests);
    // The ten seconds that have begun are the newest.
    assert_memory_equal(after.sparks, before.sparks + 1,
                        (LP_AGGREGATE_SPARKS - 1) * sizeof(before.sparks[0]));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dozing_channel_tells_what_it_told_awake),
        cmocka_unit_test(
            a_clock_that_steps_back_takes_a_dozing_channel_with_it),
        cmocka_unit_test(a_channel_that_wakes_counts_on),
        cmocka_unit_test(a_channel_that_spoke_once_holds_little),
        cmocka_unit_test(after_a_day_of_silence_all_is_given_back),
        cmocka_unit_test(a_channel_that_cannot_wake_tells_what_it_told),
        cmocka_unit_test(a_dozing_channel_keeps_the_sparks_of_its_five_minutes),
        cmocka_unit_test(one_that_wakes_keeps_them_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
