/* test_aggregate_error.c - against an exact computation over the same lines, of
 * each kind of values: two channels, windows of all tiers, put together. */
#include "aggregate_world.h"
#include "value_kinds.h"

enum { HALVES = 2, HOURS = 3, QUANTILES = 102 };

/* What is told of v, in one window or in all. */
typedef struct told {
    lp_sketch sketch;
    lp_sketch_home *home;
    double sum;
    double min;
    double max;
    uint64_t count;
} told;

static void add_told(void *ctx, const lp_aggregate_window *window,
                     const lp_aggregate_row *rows, size_t count)
{
    told *t = ctx;

    (void)window;
    for (size_t i = 0; i < count; i++) {
        const lp_aggregate_row *row = &rows[i];

        assert_false(row->is_other);
        assert_non_null(row->sketch);
        assert_int_equal(row->value_count, row->sketch->count);
        t->min = t->count == 0 || row->min < t->min ? row->min : t->min;
        t->max = t->count == 0 || row->max > t->max ? row->max : t->max;
        t->sum += row->sum;
        t->count += row->count;
        lp_sketch_merge(&t->sketch, t->home, row->sketch);
    }
}

static void check_told(told *t, const truth *facts)
{
    double off = fabs(t->sum - facts->sum);
    double q[QUANTILES], got[QUANTILES];

    assert_int_equal(t->count, VALUES);
    assert_true(t->min == facts->values[0]);
    assert_true(t->max == facts->values[VALUES - 1]);
    assert_true(off <= 1e-12 * facts->magnitudes);
    assert_int_equal(t->sketch.count, VALUES);
    assert_true(lp_sketch_sound_from(&t->sketch) == 0);
    for (int i = 0; i < QUANTILES; i++) {
        q[i] = i < 100 ? i / 100.0 : 1 - (QUANTILES - 1 - i) / 1000.0;
    }
    CHECK_OK(lp_sketch_quantiles(&t->sketch, usual_scale(), q, QUANTILES, got));
    for (int i = 0; i < QUANTILES; i++) {
        double want = facts->values[(size_t)(q[i] * (VALUES - 1))];

        if (fabs(got[i] - want) > 0.01 * fabs(want) * (1 + 1e-12)) {
            fail_msg("at %g: %.17g, exactly %.17g", q[i], got[i], want);
        }
    }
    lp_sketch_clear(&t->sketch, t->home);
}

/* What a line says of a value: of 17 digits the last few may be read as others. */
static double read_again(const char *msg, double value)
{
    lp_measure_line line = {.source = LP_SPAN("app"),
                            .process = LP_SPAN("web.1"),
                            .msg = lp_span_str(msg)};
    lp_measures m;

    lp_measures_read(NULL, &line, &m);
    assert_int_equal(m.count, 1);
    assert_true(fabs(m.list[0].value - value) <= 1e-12 * fabs(value));
    return m.list[0].value;
}

/* The values as lines, half of them to each channel. */
static truth say_values(world halves[HALVES], value_fn *draw)
{
    truth facts = {malloc(VALUES * sizeof(double)), 0, 0};
    uint64_t seed = 42;

    assert_non_null(facts.values);
    for (size_t i = 0; i < VALUES; i++) {
        double value = draw(i, &seed);
        world *half = &halves[seed % HALVES];
        int64_t ns = begin_s * SECOND_NS +
                     (int64_t)((double)i / VALUES * HOURS * 3600 * SECOND_NS);
        char msg[64];

        snprintf(msg, sizeof(msg), "measure#v=%.17g", value);
        value = read_again(msg, value);
        world_say_at(half, ns, "app", "web.1", msg);
        facts.values[i] = value;
        facts.magnitudes += fabs(value);
        if (i % 64 == 63) {
            world_read(half, 0);
        }
    }
    facts.sum = exact_sum(facts.values);
    sort(facts.values);
    return facts;
}

static void check(value_fn *draw)
{
    const lp_aggregate_select v = {1U << LP_DIM_MEASURE, {"v", 1}, {NULL, 0}};
    world halves[HALVES];
    lp_sketch_home home;
    told all = {.home = &home};
    told in_minutes = {.home = &home};
    truth facts;

    CHECK_OK(lp_sketch_home_init(&home, usual_scale(), NULL, UINT64_MAX, 0));
    for (int i = 0; i < HALVES; i++) {
        world_open_of(&halves[i], 64 << 20, 0);
    }
    facts = say_values(halves, draw);
    for (int i = 0; i < HALVES; i++) {
        lp_aggregate *aggregate = halves[i].aggregate;

        world_read(&halves[i], 0);
        lp_aggregate_tick(aggregate,
                          (begin_s + HOURS * 3600 + 60) * (int64_t)SECOND_NS);
        CHECK_OK(lp_aggregate_total(aggregate, begin_s - 7,
                                    begin_s + HOURS * 3600 + 7, &v, add_told,
                                    &all));
        CHECK_OK(lp_aggregate_each(aggregate, LP_TIER_MINUTES, 0, INT64_MAX, &v,
                                   add_told, &in_minutes));
        world_close(&halves[i]);
    }
    check_told(&all, &facts);
    check_told(&in_minutes, &facts);
    assert_int_equal(home.bytes, 0);
    free(facts.values);
}

static void everyday_values_are_within_the_error(void **state)
{
    (void)state;
    check(uniform);
    check(log_normal);
    check(bimodal);
    check(constant);
}

static void heavy_tails_are_within_the_error(void **state)
{
    (void)state;
    check(pareto);
    check(falling);
}

static void values_chosen_against_it_are_within_the_error(void **state)
{
    (void)state;
    check(at_borders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyday_values_are_within_the_error),
        cmocka_unit_test(heavy_tails_are_within_the_error),
        cmocka_unit_test(values_chosen_against_it_are_within_the_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
