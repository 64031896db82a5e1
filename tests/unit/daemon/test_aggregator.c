/* test_aggregator.c - how far the time of a channel's numbers goes on its own, and
 * when its lines are read. */
#include "aggregator_world.h"

static const int64_t MINUTE = (int64_t)60 * SECOND;

static void say(const world *w, int64_t at_ns)
{
    say_as(w, at_ns, "app", "web.1", span("hello"));
}

static void sum_lines(void *ctx, const lp_aggregate_window *window,
                      const lp_aggregate_row *rows, size_t row_count)
{
    uint64_t *sum = ctx;

    (void)window;
    for (size_t i = 0; i < row_count; i++) {
        *sum += rows[i].count;
    }
}

/* Lines that came from from_ns to to_ns, whole minutes, at counted_ns. */
static uint64_t count(const world *w, int64_t from_ns, int64_t to_ns,
                      int64_t counted_ns)
{
    static const lp_aggregate_select lines = {
        1U << LP_DIM_LINES, {NULL, 0}, {NULL, 0}};
    lp_aggregate *numbers = aggregator_begin(w->a);
    uint64_t sum = 0;

    lp_aggregate_tick(numbers, counted_ns);
    assert_int_equal(lp_aggregate_each(numbers, LP_TIER_MINUTES,
                                       from_ns / SECOND, to_ns / SECOND, &lines,
                                       sum_lines, &sum),
                     LP_OK);
    aggregator_end(w->a);
    return sum;
}

static uint64_t clock_steps(const world *w)
{
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};

    lp_aggregate_stats_get(aggregator_begin(w->a), &stats);
    aggregator_end(w->a);
    return stats.clock_steps;
}

/* As when the whole daemon was stopped for a while, and who asks goes on first. */
static void time_waits_for_lines_that_are_still_to_be_read(void **state)
{
    int64_t line_ns, now_ns, counted_ns;
    world w;

    (void)state;
    open_world(&w, 0);
    say(&w, w.began_ns);
    assert_int_equal(read_all(&w), 1);
    line_ns = w.began_ns + (int64_t)3000 * SECOND;
    now_ns = w.began_ns + (int64_t)3600 * SECOND;
    say(&w, line_ns);
    counted_ns = aggregator_counted_ns(w.a, now_ns);
    assert_true(counted_ns < line_ns);
    assert_int_equal(count(&w, 0, counted_ns, counted_ns), 0);
    assert_int_equal(read_all(&w), 1);
    counted_ns = aggregator_counted_ns(w.a, now_ns);
    assert_int_equal(counted_ns, aggregator_over_ns(now_ns));
    line_ns -= line_ns % MINUTE;
    assert_int_equal(count(&w, line_ns, line_ns + MINUTE, counted_ns), 1);
    assert_int_equal(clock_steps(&w), 0);
    close_world(&w);
}

static void time_goes_on_where_there_is_nothing_to_read(void **state)
{
    int64_t now_ns;
    world w;

    (void)state;
    open_world(&w, 0);
    now_ns = w.began_ns + (int64_t)3600 * SECOND;
    assert_int_equal(aggregator_counted_ns(w.a, now_ns),
                     aggregator_over_ns(now_ns));
    say(&w, now_ns);
    // What was over is over.
    assert_int_equal(aggregator_counted_ns(w.a, now_ns + SECOND),
                     aggregator_over_ns(now_ns + SECOND));
    assert_int_equal(aggregator_counted_ns(w.a, now_ns + 100 * (int64_t)SECOND),
                     aggregator_over_ns(now_ns));
    close_world(&w);
}

static void a_clock_that_goes_back_takes_time_with_it(void **state)
{
    int64_t now_ns;
    world w;

    (void)state;
    open_world(&w, 0);
    now_ns = w.began_ns + (int64_t)3600 * SECOND;
    aggregator_counted_ns(w.a, now_ns);
    now_ns -= (int64_t)7200 * SECOND;
    assert_int_equal(aggregator_counted_ns(w.a, now_ns),
                     aggregator_over_ns(now_ns));
    aggregator_has_counted(w.a, now_ns);
    say(&w, now_ns);
    assert_int_equal(aggregator_counted_ns(w.a, now_ns + 100 * (int64_t)SECOND),
                     now_ns);
    close_world(&w);
}

static void end_reading(worker *home)
{
    aggregating_stop(home);
}

/* As ingest does with one line after the other. */
static void ingest(const world *w, worker *home, lp_span text)
{
    say_as(w, w->began_ns, "app", "web.1", text);
    pace_add(w->shared.pace, 0, 0, 1);
    if (pace_is_late(w->shared.pace, 0, text.len_bytes))
        home->on_lines(home);
}

static void lines_that_grow_are_read_while_the_ring_has_them(void **state)
{
    static const worker_hooks hooks = {.on_stop = end_reading};
    static char text[FRAME_BYTES - 1024];
    aggregator_status status;
    worker *home;
    world w;

    (void)state;
    open_world(&w, 0);
    home = worker_create(&w.shared, 0, &hooks);
    assert_non_null(home);
    aggregating_start(home);
    say(&w, w.began_ns);
    uv_run(&home->loop, UV_RUN_NOWAIT); // it has heard of it
    home->on_lines(home);
    memset(text, 'x', sizeof(text));
    for (unsigned i = 0; i < 2 * RING_BYTES / sizeof(text); i++)
        ingest(&w, home, lp_span_of(text, sizeof(text)));
    read_all(&w);
    aggregator_status_get(w.a, &status);
    assert_int_equal(status.lost_lines, 0);
    assert_true(worker_start(home));
    worker_stop(home, WORKER_STOP_NOW);
    worker_join(home);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            time_waits_for_lines_that_are_still_to_be_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            time_goes_on_where_there_is_nothing_to_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_clock_that_goes_back_takes_time_with_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            lines_that_grow_are_read_while_the_ring_has_them, set_up,
            tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
