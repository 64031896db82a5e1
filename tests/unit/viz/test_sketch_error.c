/* test_sketch_error.c - against an exact computation over the same values, a
 * million of each kind or ten: whole, and put together from parts. */
#include <stdio.h>

#include "value_kinds.h"

enum { PARTS = 12, QUANTILES = 102 };

/* Compared ---------------------------------------------------------------- */

static void check_quantiles(const lp_sketch *sketch, const truth *exact)
{
    const lp_sketch_scale *scale = usual_scale();
    double sound_from = lp_sketch_sound_from(sketch);
    double q[QUANTILES];
    double got[QUANTILES];
    size_t count = 0;

    for (int i = 0; i < 100; i++) {
        q[count++] = i / 100.0;
    }
    q[count++] = 0.999;
    q[count++] = 1;
    assert_int_equal(lp_sketch_quantiles(sketch, scale, q, count, got), LP_OK);
    for (size_t i = 0; i < count; i++) {
        double want = exact->values[(size_t)(q[i] * (VALUES - 1))];

        if (q[i] >= sound_from && fabs(got[i] - want) > 0.01 * fabs(want)) {
            fail_msg("at %g: %.17g, exactly %.17g", q[i], got[i], want);
        }
        assert_true(got[i] >= sketch->min && got[i] <= sketch->max);
    }
}

static void check_thresholds(const lp_sketch *sketch, const truth *exact,
                             uint64_t *seed)
{
    for (int i = 0; i < 200; i++) {
        size_t last = chance(seed) % VALUES;
        double threshold = exact->values[last];
        uint64_t in_doubt, above;

        while (last + 1 < VALUES && exact->values[last + 1] == threshold) {
            last++;
        }
        above =
            lp_sketch_count_above(sketch, usual_scale(), threshold, &in_doubt);
        assert_true(above <= VALUES - 1 - last);
        assert_true(VALUES - 1 - last <= above + in_doubt);
    }
}

static void check_sketch(const lp_sketch *sketch, const truth *exact,
                         uint64_t *seed)
{
    double off = fabs(lp_sketch_sum(sketch) - exact->sum);

    assert_int_equal(sketch->count, VALUES);
    assert_true(sketch->min == exact->values[0]);
    assert_true(sketch->max == exact->values[VALUES - 1]);
    assert_true(off <=
                ldexp(fabs(exact->sum), -53) +
                    ldexp((double)VALUES * VALUES * exact->magnitudes, -106));
    assert_adds_up(sketch);
    check_quantiles(sketch, exact);
    check_thresholds(sketch, exact, seed);
}

/* Every other part as it is, the others packed; in any order. */
static void put_together(lp_sketch *parts, lp_sketch_home *home,
                         lp_sketch *whole, uint64_t *seed)
{
    static char bytes[PACKED_MAX_BYTES];
    uint64_t first = chance(seed);

    for (uint64_t i = 0; i < PARTS; i++) {
        lp_sketch *part = &parts[(first + 5 * i) % PARTS];

        if (i & 1) {
            lp_sketch_merge(whole, home, part);
        } else {
            size_t n = lp_sketch_pack(part, home, bytes, sizeof(bytes));

            assert_int_equal(
                lp_sketch_merge_packed(whole, home, lp_span_of(bytes, n)),
                LP_OK);
        }
        lp_sketch_clear(part, home);
    }
}

static void check(const char *name, value_fn *draw, uint32_t buckets_max,
                  double sound_from_max)
{
    lp_sketch sketch = {0}, merged = {0}, parts[PARTS] = {{0}};
    stingy memory = {0};
    lp_sketch_home home = stingy_home(&memory, UINT64_MAX, buckets_max);
    truth exact = {malloc(VALUES * sizeof(double)), 0, 0};
    uint64_t seed = 42;

    assert_non_null(exact.values);
    for (size_t i = 0; i < VALUES; i++) {
        double value = draw(i, &seed);

        exact.values[i] = value;
        exact.magnitudes += fabs(value);
        lp_sketch_add(&sketch, &home, value);
        // In stretches, as time has them, and of any length.
        lp_sketch_add(&parts[seed % 7 == 0 ? 0 : i * 40 / VALUES % PARTS],
                      &home, value);
    }
    exact.sum = exact_sum(exact.values);
    sort(exact.values);
    assert_true(lp_sketch_sound_from(&sketch) <= sound_from_max);
    check_sketch(&sketch, &exact, &seed);
    put_together(parts, &home, &merged, &seed);
    check_sketch(&merged, &exact, &seed);
    assert_same(&sketch, &home, &merged, &home);
    print_message("%s: %zu bytes\n", name, lp_sketch_bytes(&sketch));
    lp_sketch_clear(&sketch, &home);
    lp_sketch_clear(&merged, &home);
    assert_int_equal(home.bytes, 0);
    assert_int_equal(memory.held_bytes, 0);
    free(exact.values);
}

static void everyday_values_are_within_the_error(void **state)
{
    (void)state;
    check("uniform", uniform, 0, 0);
    check("whole ms", whole_ms, 0, 0);
    check("log-normal", log_normal, 0, 0);
    check("bimodal", bimodal, 0, 0);
    check("constant", constant, 0, 0);
}

static void heavy_tails_are_within_the_error(void **state)
{
    (void)state;
    check("pareto", pareto, 0, 0);
    check("falling", falling, 0, 0);
}

static void values_of_both_signs_are_within_the_error(void **state)
{
    (void)state;
    check("both signs", of_both_signs, 4096, 0);
}

static void values_chosen_against_it_are_within_the_error(void **state)
{
    (void)state;
    check("at borders", at_borders, 0, 0);
    check("huge and tiny", huge_and_tiny, LP_SKETCH_BUCKETS_MAX_MOST, 0);
}

static void above_the_floor_the_error_is_as_it_was(void **state)
{
    (void)state;
    check("huge and tiny, few buckets", huge_and_tiny, 0, 0.501);
    check("over all exponents", over_all_exponents, 0, 0.501);
    check("log-normal, 128 buckets", log_normal, 128, 1);
    check("pareto, 64 buckets", pareto, 64, 1);
    check("both signs, 64 buckets", of_both_signs, 64, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyday_values_are_within_the_error),
        cmocka_unit_test(heavy_tails_are_within_the_error),
        cmocka_unit_test(values_of_both_signs_are_within_the_error),
        cmocka_unit_test(values_chosen_against_it_are_within_the_error),
        cmocka_unit_test(above_the_floor_the_error_is_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
