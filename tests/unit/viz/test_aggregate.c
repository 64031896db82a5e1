/* test_aggregate.c - what lines are counted as, and in which windows. */
#include "aggregate_world.h"
#include "tally.h"

/* Ninety minutes, of which half a minute now and then is silent. */
static void windows_of_all_tiers_say_what_was_said_in_them(void **state)
{
    uint64_t seed = 7;
    int64_t ns = begin_s * SECOND_NS;
    comparison c;
    world w;

    (void)state;
    world_open(&w, &(lp_aggregates_options){.struct_bytes =
                                                sizeof(lp_aggregates_options),
                                            .bytes_max = 64 << 20});
    while (ns < (begin_s + 5400) * SECOND_NS) {
        for (int i = 0; i < 10; i++) {
            // Now and then one comes late.
            ns += (int64_t)(chance(&seed) % 2000) * 1000000;
            say_any_request(&w, &seed,
                            ns - (chance(&seed) % 8 == 0 ? 4 : 0) * SECOND_NS);
        }
        ns += (chance(&seed) % 8 == 0 ? 30 : 0) * (int64_t)SECOND_NS;
        world_read(&w, 0);
    }
    lp_aggregate_tick(w.aggregate, ns + 60 * (int64_t)SECOND_NS);
    c = compare_tier(&w, LP_TIER_SECONDS);
    assert_true(c.windows > 20);
    c = compare_tier(&w, LP_TIER_TENS);
    assert_true(c.windows > 200);
    c = compare_tier(&w, LP_TIER_MINUTES);
    assert_in_range(c.windows, 85, 91);
    assert_int_equal(c.lines, w.lines);
    c = compare_total(&w, begin_s, begin_s + 86400);
    assert_int_equal(c.lines, w.lines);
    c = compare_total(&w, ns / SECOND_NS - 60, ns / SECOND_NS + 1);
    c = compare_total(&w, ns / SECOND_NS - 333, ns / SECOND_NS - 1);
    world_close(&w);
}

/* Memory is enough for a day here: nothing fades. */
static const uint64_t plenty_bytes = 64 << 20;

static size_t write_tally(lpi_tally *tally, const lp_sketch_home *home,
                          char *out, size_t out_max)
{
    lpi_writer w = {.out = out, .out_max = out_max};

    lpi_tally_write(&w, tally, home, 7, 0, 1);
    return w.length;
}

/* In a room of its own length, and in one with more than that. */
static void a_row_is_the_same_wherever_it_just_fits(void **state)
{
    static lp_sketch_scale scale;
    lp_sketch_home home;
    lpi_tally tally = {0};
    char wide[4096];
    char tight[4096];

    (void)state;
    CHECK_OK(lp_sketch_scale_init(&scale, 0.01));
    CHECK_OK(lp_sketch_home_init(&home, &scale, NULL, 1 << 20, 0));
    for (unsigned i = 1; i <= 400; i++) {
        size_t n;

        lp_sketch_add(&tally.values, &home, i * i);
        n = write_tally(&tally, &home, wide, sizeof(wide));
        for (size_t more = 0; more < 4; more++) {
            memset(tight, 0x55, sizeof(tight));
            assert_int_equal(write_tally(&tally, &home, tight, n + more), n);
            assert_memory_equal(tight, wide, n);
            assert_int_equal(tight[n + more], 0x55);
        }
        assert_int_equal(write_tally(&tally, &home, tight, n - 1), n);
    }
    lp_sketch_clear(&tally.values, &home);
}

static void an_aggregate_without_lines_is_small_and_says_nothing(void **state)
{
    lp_aggregate_brief brief;
    comparison c = {.before_s = INT64_MIN};
    world w;

    (void)state;
    world_open(&w, NULL);
    c.w = &w;
    assert_true(world_stats(&w).bytes < 512);
    lp_aggregate_tick(w.aggregate, at(0));
    CHECK_OK(lp_aggregate_each(w.aggregate, LP_TIER_MINUTES, 0, INT64_MAX, NULL,
                               compare_window, &c));
    assert_int_equal(c.windows, 0);
    compare_total(&w, 0, begin_s);
    lp_aggregate_brief_get(w.aggregate, at(1), &brief);
    assert_int_equal(brief.end_s, 0);
    assert_true(world_stats(&w).bytes < 512);
    CHECK_ERR(lp_aggregate_total(w.aggregate, 5, 5, NULL, compare_window, &c),
              LP_E_INVALID);
    CHECK_ERR(lp_aggregate_each(w.aggregate, LP_TIERS, 0, 5, NULL,
                                compare_window, &c),
              LP_E_INVALID);
    world_close(&w);
}

static void options_out_of_bounds_are_refused(void **state)
{
    lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;
    lp_aggregates *shared = NULL;

    (void)state;
    opt.series_max = LP_AGGREGATE_SERIES_MAX_LEAST - 1;
    CHECK_ERR(lp_aggregates_create(&opt, &shared), LP_E_INVALID);
    opt.series_max = LP_AGGREGATE_SERIES_MAX_MOST + 1;
    CHECK_ERR(lp_aggregates_create(&opt, &shared), LP_E_INVALID);
    opt.series_max = 0;
    opt.bytes_max = LP_AGGREGATE_BYTES_MAX_LEAST - 1;
    CHECK_ERR(lp_aggregates_create(&opt, &shared), LP_E_INVALID);
    opt.bytes_max = 0;
    opt.alpha = 0.5;
    CHECK_ERR(lp_aggregates_create(&opt, &shared), LP_E_INVALID);
    lp_aggregates_destroy(NULL);
    lp_aggregate_close(NULL);
}

/* The second that is open is in no answer yet. */
static void a_second_is_told_when_it_is_over(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    world_request(&w, at(0.9), &plain);
    world_read(&w, 0);
    assert_int_equal(find_row(&w, LP_DIM_TOTAL, "", NULL).row.count, 0);
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(find_row(&w, LP_DIM_TOTAL, "", NULL).row.count, 1);
    assert_int_equal(compare_tier(&w, LP_TIER_SECONDS).windows, 1);
    assert_int_equal(compare_tier(&w, LP_TIER_TENS).windows, 0);
    lp_aggregate_tick(w.aggregate, at(10));
    assert_int_equal(compare_tier(&w, LP_TIER_TENS).windows, 1);
    lp_aggregate_tick(w.aggregate, at(60));
    assert_int_equal(compare_tier(&w, LP_TIER_MINUTES).windows, 1);
    world_close(&w);
}

static void frames_go_when_they_are_old(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    for (int minute = 0; minute < 120; minute++) {
        world_request(&w, at(60 * minute), &plain);
        world_read(&w, 0);
    }
    lp_aggregate_tick(w.aggregate, at(7200));
    assert_in_range(compare_tier(&w, LP_TIER_SECONDS).windows, 1, 2);
    assert_in_range(compare_tier(&w, LP_TIER_TENS).windows, 59, 60);
    assert_int_equal(compare_tier(&w, LP_TIER_MINUTES).windows, 120);
    // A gap of a week leaves nothing, and one of 10,000 years takes no longer.
    lp_aggregate_tick(w.aggregate, at(7 * 86400));
    assert_int_equal(compare_tier(&w, LP_TIER_MINUTES).windows, 0);
    world_request(&w, at(7 * 86400 + 1), &plain);
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, INT64_MAX);
    assert_int_equal(compare_tier(&w, LP_TIER_MINUTES).windows, 0);
    world_close(&w);
}

/* A total says what it covers. */
static void a_total_covers_what_was_asked_for_as_far_as_it_can(void **state)
{
    search s = {.dimension = LP_DIM_TOTAL, .name = ""};
    world w;

    (void)state;
    world_open_of(&w, plenty_bytes, 0);
    for (int second = 0; second < 5000; second++) {
        world_request(&w, at(second), &plain);
        world_read(&w, 0);
    }
    lp_aggregate_tick(w.aggregate, at(5000));
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s + 4957, begin_s + 4999,
                                NULL, search_rows, &s));
    assert_int_equal(s.row.count, 42);
    assert_int_equal(s.window.start_s, begin_s + 4957);
    assert_int_equal(s.window.end_s, begin_s + 4999);
    // In tens, which is all there is of that time.
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s + 4003, begin_s + 4125,
                                NULL, search_rows, &s));
    assert_int_equal(s.row.count, 110);
    assert_int_equal(s.window.start_s, begin_s + 4010);
    assert_int_equal(s.window.end_s, begin_s + 4120);
    // In minutes; and not before there was anything.
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s - 900, begin_s + 125, NULL,
                                search_rows, &s));
    assert_int_equal(s.row.count, 120);
    assert_int_equal(s.window.start_s, begin_s);
    assert_int_equal(s.window.end_s, begin_s + 120);
    // From minutes to seconds.
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s + 120, begin_s + 6000,
                                NULL, search_rows, &s));
    assert_int_equal(s.row.count, 4880);
    assert_int_equal(s.window.end_s, begin_s + 5000);
    assert_int_equal(s.row.sketch == NULL, false);
    world_close(&w);
}

/* Nothing that a shorter frame still has of the time before it. */
static void a_total_is_of_the_time_that_it_says(void **state)
{
    static const int64_t windows_s[] = {1,    59,   119,  121,  125, 129,
                                        1801, 3599, 3601, 3625, 3650};
    search s = {.dimension = LP_DIM_TOTAL, .name = ""};
    world w;

    (void)state;
    world_open_of(&w, plenty_bytes, 0);
    for (int64_t second = 0; second < 4200; second++) {
        world_request(&w, at((double)second), &plain);
        world_read(&w, 0);
        if (second < 3700 || second % 7 != 0) {
            continue;
        }
        lp_aggregate_tick(w.aggregate, at((double)second + 1));
        for (size_t i = 0; i < sizeof(windows_s) / sizeof(*windows_s); i++) {
            int64_t end_s = begin_s + second + 1;

            CHECK_OK(lp_aggregate_total(w.aggregate, end_s - windows_s[i],
                                        end_s, NULL, search_rows, &s));
            assert_int_equal(s.row.count, s.window.end_s - s.window.start_s);
            assert_int_equal(s.window.end_s, end_s);
            assert_true(s.window.start_s >= end_s - windows_s[i]);
            assert_true(s.window.start_s < end_s - windows_s[i] + 60);
        }
    }
    world_close(&w);
}

/* Not only from the next minute on. */
static void a_total_of_a_channel_that_is_new_covers_all_of_it(void **state)
{
    search s = {.dimension = LP_DIM_TOTAL, .name = ""};
    world w;

    (void)state;
    world_open(&w, NULL);
    world_request(&w, at(55), &plain);
    world_request(&w, at(61), &plain);
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(62));
    CHECK_OK(lp_aggregate_total(w.aggregate, begin_s + 2, begin_s + 62, NULL,
                                search_rows, &s));
    assert_int_equal(s.row.count, 2);
    assert_int_equal(s.window.start_s, begin_s + 55);
    assert_int_equal(s.window.end_s, begin_s + 62);
    world_close(&w);
}

static void
lines_that_were_lost_are_told_of_the_window_they_are_missing_in(void **state)
{
    lp_run run = {.lost_lines = 3};
    world w;

    (void)state;
    world_open(&w, NULL);
    // Before there is a line, they wait for one.
    lp_aggregate_run(w.aggregate, &run);
    assert_int_equal(world_stats(&w).lost_lines, 3);
    world_request(&w, at(0), &plain);
    world_read(&w, 0);
    CHECK_OK(lp_cursor_next(w.cursor, 0, 0, &run) == LP_E_AGAIN ? LP_OK
                                                                : LP_E_INVALID);
    run.lost_lines = 4;
    lp_aggregate_run(w.aggregate, &run);
    lp_aggregate_tick(w.aggregate, at(1));
    assert_int_equal(sum_dimension(&w, LP_DIM_LINES).lost_lines, 7);
    assert_int_equal(world_stats(&w).lost_lines, 7);
    world_close(&w);
}

/* Clocks ------------------------------------------------------------------ */

static void what_comes_late_counts_in_the_second_that_is_open(void **state)
{
    world w;

    (void)state;
    world_open(&w, NULL);
    world_request(&w, at(20), &plain);
    world_request(&w, at(10), &plain);
    world_read(&w, 0);
    lp_aggregate_tick(w.aggregate, at(21));
    assert_int_equal(compare_tier(&w, LP_TIER_SECONDS).windows, 1);
    assert_int_equal(world_stats(&w).clock_steps, 0);
    world_close(&w);
}

typedef struct ascent {
    int64_t before_s;
    uint64_t lines;
    int64_t width_s;
} ascent;

static void check_ascent(void *ctx, const lp_aggregate_window *window,
                         const lp_aggregate_row *rows, size_t count)
{
    ascent *a = ctx;

    assert_true(window->start_s >= a->before_s);
    assert_int_equal(window->start_s % a->width_s, 0);
    assert_int_equal(window->end_s - window->start_s, a->width_s);
    a->before_s = window->end_s;
    for (size_t i = 0; i < count; i++) {
        a->lines += rows[i].dimension == LP_DIM_LINES ? rows[i].count : 0;
    }
}

static void no_count_is_lost_when_the_clock_steps(void **state)
{
    static const int widths[] = {1, 10, 60};
    uint64_t seed = 99;
    double now = 0;
    uint64_t steps = 0;
    world w;

    (void)state;
    world_open_of(&w, plenty_bytes, 0);
    for (int i = 0; i < 3000; i++) {
        now += fraction(&seed) * 3;
        if (chance(&seed) % 100 == 0) {
            now -= 11 + fraction(&seed) * 4000;
            steps++;
        }
        world_request(&w, at(now), &plain);
        world_read(&w, 0);
        if (chance(&seed) % 50 == 0) {
            lp_aggregate_tick(w.aggregate, at(now + 1));
        }
    }
    assert_in_range(world_stats(&w).clock_steps, steps - 2, steps);
    lp_aggregate_tick(w.aggregate, at(now + 61));
    for (int tier = 0; tier < LP_TIERS; tier++) {
        ascent a = {.before_s = INT64_MIN, .width_s = widths[tier]};

        CHECK_OK(lp_aggregate_each(w.aggregate, (lp_tier)tier, INT64_MIN,
                                   INT64_MAX, NULL, check_ascent, &a));
        assert_true(tier != LP_TIER_MINUTES || a.lines == w.lines);
    }
    assert_int_equal(sum_dimension(&w, LP_DIM_TOTAL).count, 3000);
    world_close(&w);
}

static void a_clock_at_its_ends_does_no_harm(void **state)
{
    static const int64_t times[] = {INT64_MAX,     INT64_MIN,     0, -1,
                                    INT64_MAX - 1, INT64_MIN + 1, 1};
    world w;

    (void)state;
    world_open(&w, NULL);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        world_say_at(&w, times[i], "heroku", "web.1", "Cycling");
        world_read(&w, 0);
        lp_aggregate_tick(w.aggregate, times[i]);
    }
    assert_int_equal(world_stats(&w).clock_steps, 2);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_the_same_wherever_it_just_fits),
        cmocka_unit_test(an_aggregate_without_lines_is_small_and_says_nothing),
        cmocka_unit_test(options_out_of_bounds_are_refused),
        cmocka_unit_test(windows_of_all_tiers_say_what_was_said_in_them),
        cmocka_unit_test(a_second_is_told_when_it_is_over),
        cmocka_unit_test(frames_go_when_they_are_old),
        cmocka_unit_test(a_total_covers_what_was_asked_for_as_far_as_it_can),
        cmocka_unit_test(a_total_is_of_the_time_that_it_says),
        cmocka_unit_test(a_total_of_a_channel_that_is_new_covers_all_of_it),
        cmocka_unit_test(
            lines_that_were_lost_are_told_of_the_window_they_are_missing_in),
        cmocka_unit_test(what_comes_late_counts_in_the_second_that_is_open),
        cmocka_unit_test(no_count_is_lost_when_the_clock_steps),
        cmocka_unit_test(a_clock_at_its_ends_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
