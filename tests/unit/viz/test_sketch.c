#include <float.h>
#include <math.h>

#include "sketch_world.h"

/* A sketch without bounds, and where it lives. */
typedef struct world {
    lp_sketch_home home;
    lp_sketch sketch;
} world;

static world *world_new(void)
{
    static world now;

    memset(&now, 0, sizeof(now));
    assert_int_equal(
        lp_sketch_home_init(&now.home, usual_scale(), NULL, UINT64_MAX, 0),
        LP_OK);
    return &now;
}

static void world_end(world *now)
{
    assert_adds_up(&now->sketch);
    lp_sketch_clear(&now->sketch, &now->home);
    assert_int_equal(now->home.bytes, 0);
}

static void add_all(world *now, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lp_sketch_add(&now->sketch, &now->home, values[i]);
    }
}

#define ADD(now, ...)                             \
    add_all((now), (const double[]){__VA_ARGS__}, \
            sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static double at(const world *now, double q)
{
    return quantile(&now->sketch, usual_scale(), q);
}

static void assert_near(double got, double want)
{
    if (fabs(got - want) > 0.01 * fabs(want)) {
        fail_msg("%.17g, not %.17g within 1 %%", got, want);
    }
}

/* Scale ------------------------------------------------------------------- */

static double value_of(const lp_sketch_scale *scale, double value)
{
    return lpi_value_at(scale, lpi_place_of(scale, value));
}

static void assert_keeps_to(const lp_sketch_scale *scale, double value)
{
    double off = fabs(value_of(scale, value) - value);

    if (off > scale->alpha * value) {
        fail_msg("%.17g: off by %g", value, off / value);
    }
}

static void every_bucket_of_every_octave_keeps_to_alpha(void **state)
{
    static const double alphas[] = {
        LP_SKETCH_ALPHA_MIN, 0.0025, 0.005, 0.01, 0.013, 0.02, 0.05,
        LP_SKETCH_ALPHA_MAX};
    static lp_sketch_scale scale;

    (void)state;
    for (size_t a = 0; a < sizeof(alphas) / sizeof(alphas[0]); a++) {
        assert_int_equal(lp_sketch_scale_init(&scale, alphas[a]), LP_OK);
        assert_true(scale.alpha <= alphas[a]);
        for (uint64_t exponent = 1; exponent < LPI_EXPONENT_MASK; exponent++) {
            for (uint32_t i = 0; i < scale.octave_buckets; i++) {
                uint64_t first = exponent << 52 | scale.borders[i] << 20;
                uint64_t last =
                    (exponent << 52) + (scale.borders[i + 1] << 20) - 1;
                uint32_t key = (uint32_t)exponent * scale.octave_buckets + i;

                assert_int_equal(lpi_key_of(&scale, first), key);
                assert_int_equal(lpi_key_of(&scale, last), key);
                assert_keeps_to(&scale, lpi_double_of(first));
                assert_keeps_to(&scale, lpi_double_of(last));
            }
        }
    }
}

static void a_scale_has_no_more_buckets_than_alpha_asks_for(void **state)
{
    static lp_sketch_scale scale;

    (void)state;
    for (double alpha = LP_SKETCH_ALPHA_MIN; alpha < LP_SKETCH_ALPHA_MAX;
         alpha *= 1.07) {
        double least = log(2) / log((1 + alpha) / (1 - alpha));

        assert_int_equal(lp_sketch_scale_init(&scale, alpha), LP_OK);
        assert_int_equal(scale.octave_buckets, (uint32_t)ceil(least));
    }
    assert_int_equal(usual_scale()->octave_buckets, 35);
}

static void what_no_scale_can_have_is_refused(void **state)
{
    static lp_sketch_scale scale;
    lp_sketch_home home;

    (void)state;
    assert_int_equal(lp_sketch_scale_init(&scale, 0), LP_E_INVALID);
    assert_int_equal(lp_sketch_scale_init(&scale, 0.0009), LP_E_INVALID);
    assert_int_equal(lp_sketch_scale_init(&scale, 0.11), LP_E_INVALID);
    assert_int_equal(lp_sketch_scale_init(&scale, NAN), LP_E_INVALID);
    assert_int_equal(lp_sketch_home_init(&home, usual_scale(), NULL, 0, 7),
                     LP_E_INVALID);
    assert_int_equal(lp_sketch_home_init(&home, usual_scale(), NULL, 0, 32769),
                     LP_E_INVALID);
}

/* Values ------------------------------------------------------------------ */

static void an_empty_sketch_has_no_quantile(void **state)
{
    world *now = world_new();
    double q = 0.5;
    double out;
    uint64_t in_doubt;

    (void)state;
    assert_int_equal(
        lp_sketch_quantiles(&now->sketch, usual_scale(), &q, 1, &out),
        LP_E_INVALID);
    assert_int_equal(
        lp_sketch_count_above(&now->sketch, usual_scale(), -1, &in_doubt), 0);
    assert_int_equal(in_doubt, 0);
    assert_true(lp_sketch_sum(&now->sketch) == 0);
    assert_true(lp_sketch_sound_from(&now->sketch) == 0);
    world_end(now);
}

static void two_values_and_a_constant_are_exact_and_take_no_memory(void **state)
{
    world *now = world_new();

    (void)state;
    ADD(now, 381.7);
    assert_true(at(now, 0) == 381.7 && at(now, 0.5) == 381.7);
    ADD(now, 12.3);
    assert_true(at(now, 0.99) == 12.3 && at(now, 1) == 381.7);
    assert_int_equal(now->home.bytes, 0);
    world_end(now);
    for (int i = 0; i < 1000; i++) {
        ADD(now, -7.7);
    }
    assert_true(at(now, 0.5) == -7.7);
    assert_int_equal(now->home.bytes, 0);
    ADD(now, 5);
    assert_int_equal(now->sketch.count, 1001);
    assert_near(at(now, 0.5), -7.7);
    assert_true(at(now, 1) == 5);
    world_end(now);
}

static void quantiles_are_asked_in_order(void **state)
{
    static const double bad[][2] = {
        {0.5, 0.4}, {-0.1, 0.5}, {0.5, 1.1}, {0.5, NAN}, {NAN, 0.5}};
    world *now = world_new();
    double out[2];

    (void)state;
    ADD(now, 1, 2, 3, 4);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(
            lp_sketch_quantiles(&now->sketch, usual_scale(), bad[i], 2, out),
            LP_E_INVALID);
    }
    assert_int_equal(lp_sketch_quantiles(&now->sketch, usual_scale(),
                                         (const double[]){0.34, 0.34}, 2, out),
                     LP_OK);
    assert_near(out[0], 2);
    assert_near(out[1], 2);
    world_end(now);
}

static void what_is_not_finite_is_counted_apart(void **state)
{
    world *now = world_new();

    (void)state;
    ADD(now, NAN, INFINITY, -INFINITY, -NAN);
    assert_int_equal(now->sketch.count, 0);
    assert_int_equal(now->sketch.not_finite, 4);
    ADD(now, 1, 2, NAN, 3, INFINITY);
    assert_int_equal(now->sketch.count, 3);
    assert_int_equal(now->sketch.not_finite, 6);
    assert_true(lp_sketch_sum(&now->sketch) == 6);
    assert_true(now->sketch.min == 1 && now->sketch.max == 3);
    world_end(now);
}

static void what_is_nearest_to_zero_counts_as_zero(void **state)
{
    world *now = world_new();
    uint64_t in_doubt;

    (void)state;
    ADD(now, -0.0, 0.0, DBL_MIN / 2, -DBL_MIN / 4, DBL_MIN, -DBL_MIN);
    assert_int_equal(now->sketch.zeros, 4);
    assert_true(at(now, 0.5) == 0);
    assert_true(now->sketch.min == -DBL_MIN && now->sketch.max == DBL_MIN);
    assert_int_equal(
        lp_sketch_count_above(&now->sketch, usual_scale(), 0, &in_doubt), 1);
    assert_int_equal(in_doubt, 0);
    world_end(now);
    ADD(now, -0.0);
    assert_false(signbit(now->sketch.min));
    world_end(now);
}

static void the_largest_and_the_smallest_have_their_buckets(void **state)
{
    world *now = world_new();

    (void)state;
    ADD(now, DBL_MAX, DBL_MAX / 2, DBL_MAX / 3, DBL_MAX);
    assert_near(at(now, 0.34), DBL_MAX / 2);
    world_end(now);
    ADD(now, -DBL_MAX, -DBL_MAX / 2, -DBL_MAX / 3, -DBL_MAX);
    assert_near(at(now, 0.67), -DBL_MAX / 2);
    world_end(now);
    ADD(now, DBL_MIN, DBL_MIN * 2, DBL_MIN * 3, DBL_MIN);
    assert_near(at(now, 0.67), DBL_MIN * 2);
    world_end(now);
}

static void a_sum_keeps_what_rounding_takes(void **state)
{
    world *now = world_new();

    (void)state;
    ADD(now, 1e16, 1, -1e16, 1, 1e-8);
    assert_true(lp_sketch_sum(&now->sketch) == 2 + 1e-8);
    world_end(now);
    for (int i = 0; i < 10; i++) {
        ADD(now, 0.1);
    }
    assert_true(lp_sketch_sum(&now->sketch) == 1);
    world_end(now);
}

static void a_sum_over_the_largest_double_stays_infinite(void **state)
{
    world *now = world_new();
    lp_sketch other = {0};

    (void)state;
    ADD(now, DBL_MAX, DBL_MAX, -DBL_MAX, 1);
    assert_true(lp_sketch_sum(&now->sketch) == INFINITY);
    for (int i = 0; i < 3; i++) {
        lp_sketch_add(&other, &now->home, -DBL_MAX);
    }
    lp_sketch_merge(&now->sketch, &now->home, &other);
    assert_true(lp_sketch_sum(&now->sketch) == INFINITY);
    assert_int_equal(now->sketch.count, 7);
    lp_sketch_clear(&other, &now->home);
    world_end(now);
}

static void what_is_above_a_threshold_is_counted(void **state)
{
    static const struct {
        double threshold;
        uint64_t above;
        uint64_t in_doubt;
    } cases[] = {
        {-INFINITY, 8, 0}, {-101, 8, 0}, {-100, 7, 1},     {-50, 7, 0},
        {-10, 6, 1},       {-1, 6, 0},   {0, 4, 0},        {1, 4, 0},
        {10, 2, 2},        {11, 2, 0},   {100, 1, 1},      {500, 1, 0},
        {1000, 0, 0},      {NAN, 0, 0},  {INFINITY, 0, 0},
    };
    world *now = world_new();

    (void)state;
    ADD(now, 1000, 100, 10, 10, 0, 0, -10, -100);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t in_doubt;
        uint64_t above = lp_sketch_count_above(&now->sketch, usual_scale(),
                                               cases[i].threshold, &in_doubt);

        if (above != cases[i].above || in_doubt != cases[i].in_doubt) {
            fail_msg("above %g: %d, perhaps %d more", cases[i].threshold,
                     (int)above, (int)in_doubt);
        }
    }
    world_end(now);
}

/* Packed ------------------------------------------------------------------ */

static size_t pack(world *now, char *out, size_t out_max)
{
    return lp_sketch_pack(&now->sketch, &now->home, out, out_max);
}

static void a_few_values_are_packed_in_a_few_bytes(void **state)
{
    world *now = world_new();
    char bytes[64];

    (void)state;
    assert_int_equal(pack(now, bytes, sizeof(bytes)), 4);
    ADD(now, 381);
    assert_int_equal(pack(now, bytes, sizeof(bytes)), 8);
    assert_memory_equal(bytes, "\x01\x00\x23\x01\xc0\xee\xc1\x06", 8);
    for (int i = 0; i < 9; i++) {
        ADD(now, 100 + 50 * i);
    }
    assert_true(pack(now, bytes, sizeof(bytes)) <= 36);
    world_end(now);
}

static void fill(world *now, uint64_t seed, int count)
{
    for (int i = 0; i < count; i++) {
        double value = exp(20 * fraction(&seed) - 10);

        lp_sketch_add(&now->sketch, &now->home,
                      i % 5 == 0   ? -value
                      : i % 7 == 0 ? 0
                                   : value);
    }
    lp_sketch_add(&now->sketch, &now->home, NAN);
}

static void what_was_packed_comes_back(void **state)
{
    world *now = world_new();
    world first;
    static char bytes[PACKED_MAX_BYTES], again[PACKED_MAX_BYTES];

    (void)state;
    for (int count = 0; count < 3000; count += 1 + count / 3) {
        size_t n;

        fill(now, 7, count);
        n = pack(now, bytes, sizeof(bytes));
        first = *now;
        now = world_new();
        assert_int_equal(lp_sketch_merge_packed(&now->sketch, &now->home,
                                                lp_span_of(bytes, n)),
                         LP_OK);
        assert_int_equal(pack(now, again, sizeof(again)), n);
        assert_memory_equal(bytes, again, n);
        assert_true(lp_sketch_sum(&now->sketch) ==
                    lp_sketch_sum(&first.sketch));
        lp_sketch_clear(&first.sketch, &first.home);
        world_end(now);
    }
}

static void what_is_too_long_is_not_written_past_its_room(void **state)
{
    world *now = world_new();
    char bytes[4096];
    char again[4096];
    size_t n;

    (void)state;
    fill(now, 3, 100);
    n = pack(now, bytes, sizeof(bytes));
    for (size_t room = 0; room < n; room++) {
        memset(again, '!', sizeof(again));
        assert_int_equal(pack(now, again, room), n);
        assert_memory_equal(again, bytes, room);
        assert_int_equal(again[room], '!');
    }
    assert_int_equal(lp_sketch_pack(&now->sketch, &now->home, NULL, 0), n);
    world_end(now);
}

static lp_err read(world *now, const void *bytes, size_t n)
{
    return lp_sketch_merge_packed(&now->sketch, &now->home,
                                  lp_span_of(bytes, n));
}

static void a_cut_or_longer_packed_form_adds_nothing(void **state)
{
    world *now = world_new();
    char bytes[4096];
    size_t n;

    (void)state;
    fill(now, 3, 200);
    n = pack(now, bytes, sizeof(bytes) - 1);
    world_end(now);
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(read(now, bytes, cut), LP_E_SYNTAX);
    }
    bytes[n] = 0;
    assert_int_equal(read(now, bytes, n + 1), LP_E_SYNTAX);
    assert_int_equal(now->sketch.count + now->sketch.not_finite, 0);
    assert_int_equal(now->home.bytes, 0);
}

static void a_changed_byte_is_an_error_or_another_sketch(void **state)
{
    world *now = world_new();
    char bytes[4096], again[4096];
    size_t n, taken = 0;

    (void)state;
    fill(now, 3, 60);
    n = pack(now, bytes, sizeof(bytes));
    world_end(now);
    for (size_t i = 0; i < 256 * n; i++) {
        char before = bytes[i / 256];

        bytes[i / 256] = (char)(i % 256);
        if (read(now, bytes, n) == LP_OK) {
            taken++;
            // A bucket so far away that lower ones collapse makes it shorter.
            if (lp_sketch_sound_from(&now->sketch) == 0) {
                assert_int_equal(pack(now, again, sizeof(again)), n);
                assert_memory_equal(again, bytes, n);
            }
        } else {
            assert_int_equal(now->sketch.count + now->sketch.not_finite, 0);
        }
        world_end(now);
        bytes[i / 256] = before;
    }
    assert_true(taken >= n && taken < 256 * n / 2);
}

/* Flags, K, and what follows, with the hex of a packed form of 1, 2 and 3:
 * count, min, max, sum, three buckets. */
static void what_contradicts_itself_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        lp_err err;
    } cases[] = {
#define CASE(text, err) {text, sizeof(text) - 1, err}
        CASE("\1\0\x23\0", LP_OK),
        CASE("\2\0\x23\0", LP_E_SYNTAX),     // another version
        CASE("\1\x80\1\x23\0", LP_E_SYNTAX), // an unknown flag
        CASE("\1\0\x24\0", LP_E_INVALID),    // another scale
        CASE("\1\0\xa3\0\0", LP_E_SYNTAX),   // not the shortest number
        CASE("\1\2\x23\0\0", LP_E_SYNTAX),   // a flag, and none of it
        CASE("\1\2\x23\0\5", LP_OK),
        CASE("\1\1\x23\0\5", LP_E_SYNTAX), // zeros, and no value
        CASE("\1\0\x23\1\0", LP_OK),       // one value: 0
        CASE("\1\0\x23\1\x80\1", LP_E_SYNTAX),
        CASE("\1\0\x23\1\xff\xe0\3", LP_E_SYNTAX),             // infinity
        CASE("\1\0\x23\2\0\xbf\xe0\3\xbf\xe0\3", LP_OK),       // 0 and 1
        CASE("\1\0\x23\2\xbf\xe0\3\0\xbf\xe0\3", LP_E_SYNTAX), // max < min
        CASE("\1\0\x23\3\0\xbf\xe0\3\xbf\xe0\3", LP_E_SYNTAX), // no buckets
        // 0, 0 and 1, whose bucket is 35 * 1023
        CASE("\1\x21\x23\3\2\0\xbf\xe0\3\xbf\xe0\3\1\xf4\xde\x08", LP_OK),
        CASE("\1\x21\x23\3\1\0\xbf\xe0\3\xbf\xe0\3\1\xf4\xde\x08", LP_E_SYNTAX),
        CASE("\1\x21\x23\3\3\0\xbf\xe0\3\xbf\xe0\3\1\xf4\xde\x08", LP_E_SYNTAX),
        // a bucket above max
        CASE("\1\x21\x23\3\2\0\xbf\xe0\3\xbf\xe0\3\1\xf8\xde\x08", LP_E_SYNTAX),
        // a negative bucket, and none is below zero
        CASE("\1\x11\x23\3\2\0\xbf\xe0\3\xbf\xe0\3\1\xf4\xde\x08", LP_E_SYNTAX),
        // all that is above zero is folded: as it can be, and below no bucket
        CASE("\1\x09\x23\3\1\2\xde\x97\2\0\xbf\xe0\3\xbf\xe0\3", LP_OK),
        CASE("\1\x09\x23\3\1\2\xfe\xff\4\0\xbf\xe0\3\xbf\xe0\3", LP_E_SYNTAX),
        // folded, and the floor above the bucket; and further down
        CASE("\1\x28\x23\3\2\xde\x97\2\0\xbf\xe0\3\xbf\xe0\3\1\xf4\xde\x08",
             LP_E_SYNTAX),
        CASE("\1\x28\x23\3\2\x10\0\xbf\xe0\3\xbf\xe0\3\1\xf4\xde\x08", LP_OK),
#undef CASE
    };
    world *now = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lp_err err = read(now, cases[i].bytes, cases[i].n);

        if (err != cases[i].err) {
            fail_msg("case %zu: %s, not %s", i, lp_errname(err),
                     lp_errname(cases[i].err));
        }
        world_end(now);
    }
}

static void counts_beyond_64_bits_are_refused(void **state)
{
    // 2^63 times the value 0; nothing 2^63 times
    static const char values[] =
        "\1\0\x23\x80\x80\x80\x80\x80\x80\x80\x80\x80\1\0\0\0";
    static const char nothing[] =
        "\1\2\x23\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\1";
    world *now = world_new();

    (void)state;
    assert_int_equal(read(now, values, sizeof(values) - 1), LP_OK);
    assert_int_equal(read(now, values, sizeof(values) - 1), LP_E_FULL);
    assert_int_equal(read(now, nothing, sizeof(nothing) - 1), LP_OK);
    assert_int_equal(read(now, nothing, sizeof(nothing) - 1), LP_E_FULL);
    assert_true(now->sketch.count == UINT64_C(1) << 63);
    ADD(now, 1, 2, 3);
    assert_true(at(now, 0.999) == 0);
    assert_true(at(now, 1) == 3);
    world_end(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bucket_of_every_octave_keeps_to_alpha),
        cmocka_unit_test(a_scale_has_no_more_buckets_than_alpha_asks_for),
        cmocka_unit_test(what_no_scale_can_have_is_refused),
        cmocka_unit_test(an_empty_sketch_has_no_quantile),
        cmocka_unit_test(
            two_values_and_a_constant_are_exact_and_take_no_memory),
        cmocka_unit_test(quantiles_are_asked_in_order),
        cmocka_unit_test(what_is_not_finite_is_counted_apart),
        cmocka_unit_test(what_is_nearest_to_zero_counts_as_zero),
        cmocka_unit_test(the_largest_and_the_smallest_have_their_buckets),
        cmocka_unit_test(a_sum_keeps_what_rounding_takes),
        cmocka_unit_test(a_sum_over_the_largest_double_stays_infinite),
        cmocka_unit_test(what_is_above_a_threshold_is_counted),
        cmocka_unit_test(a_few_values_are_packed_in_a_few_bytes),
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(what_is_too_long_is_not_written_past_its_room),
        cmocka_unit_test(a_cut_or_longer_packed_form_adds_nothing),
        cmocka_unit_test(a_changed_byte_is_an_error_or_another_sketch),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(counts_beyond_64_bits_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
