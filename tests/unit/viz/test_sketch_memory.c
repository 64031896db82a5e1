/* test_sketch_memory.c - how a sketch grows, and what if it may not. */
#include <math.h>

#include "sketch_world.h"

enum { MANY = 4000 };

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

/* Of both signs, over some 29 octaves. */
static double wide(uint64_t *seed)
{
    double value = exp(20 * fraction(seed) - 10);
    uint64_t what = chance(seed) % 16;

    return what == 0 ? 0 : what < 4 ? -value : value;
}

static void fill_wide(double *values, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = wide(&seed);
    }
}

static void shuffle(double *values, size_t count, uint64_t *seed)
{
    for (size_t i = count; i-- > 1;) {
        size_t other = chance(seed) % (i + 1);
        double value = values[i];

        values[i] = values[other];
        values[other] = value;
    }
}

/* From where on it says that it is right, it is. values: in any order. */
static void assert_sound(const lp_sketch *sketch, const double *values,
                         size_t count)
{
    double sound_from = lp_sketch_sound_from(sketch);
    double *sorted = malloc(count * sizeof(*sorted));

    assert_non_null(sorted);
    memcpy(sorted, values, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_doubles);
    assert_adds_up(sketch);
    assert_int_equal(sketch->count, count);
    assert_true(sketch->min == sorted[0]);
    assert_true(sketch->max == sorted[count - 1]);
    for (int i = 0; i <= 100; i++) {
        double q = fmin(sound_from + (1 - sound_from) * i / 100, 1);
        double want = sorted[(size_t)(q * (double)(count - 1))];
        double got = quantile(sketch, usual_scale(), q);

        if (fabs(got - want) > 0.01 * fabs(want)) {
            fail_msg("%g of %zu: %.17g, not %.17g", q, count, got, want);
        }
    }
    free(sorted);
}

/* Growing ----------------------------------------------------------------- */

static void it_grows_in_small_steps(void **state)
{
    stingy memory = {0};
    lp_sketch_home home = stingy_home(&memory, UINT64_MAX, 0);
    lp_sketch sketch = {0};
    size_t before = 0;
    uint64_t seed = 5;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        lp_sketch_add(&sketch, &home,
                      exp(4 + fraction(&seed) + fraction(&seed)));
        assert_int_equal(memory.held_bytes, home.bytes);
        assert_true(home.bytes <= 16 + 8 * (uint64_t)(i + 1) ||
                    home.bytes <= 512);
        assert_true(home.bytes <= before + 32 || home.bytes <= before * 2);
        before = home.bytes;
    }
    assert_int_equal(home.refused, 0);
    lp_sketch_clear(&sketch, &home);
    assert_int_equal(memory.held_bytes, 0);
}

static void counters_widen_to_64_bits_and_lose_nothing(void **state)
{
    static char bytes[4096];
    lp_sketch_home home = stingy_home(&(stingy){0}, UINT64_MAX, 0);
    lp_sketch sketch = {0};
    uint64_t times = 1;
    uint64_t in_doubt;

    (void)state;
    for (int i = 0; i < 60; i++) {
        lp_sketch_add(&sketch, &home, 10 + i % 50);
    }
    // It is doubled until a bucket has far over 2^32.
    for (; times < UINT64_C(1) << 40; times *= 2) {
        size_t n = lp_sketch_pack(&sketch, &home, bytes, sizeof(bytes));

        assert_int_equal(
            lp_sketch_merge_packed(&sketch, &home, lp_span_of(bytes, n)),
            LP_OK);
        assert_adds_up(&sketch);
    }
    assert_int_equal(sketch.count, 60 * times);
    assert_int_equal(
        lp_sketch_count_above(&sketch, usual_scale(), 30, &in_doubt),
        29 * times);
    assert_int_equal(in_doubt, times);
    lp_sketch_clear(&sketch, &home);
    assert_int_equal(home.bytes, 0);
}

static void each_width_is_left_when_it_overflows(void **state)
{
    static const uint64_t most[] = {UINT8_MAX, UINT16_MAX, UINT32_MAX};
    lp_sketch_home home = stingy_home(&(stingy){0}, UINT64_MAX, 0);
    lp_sketch_side side = {0};

    (void)state;
    for (uint32_t key = 1000; key < 1064; key++) {
        lpi_side_add(&side, &home, key, 1);
    }
    for (int i = 0; i < 3; i++) {
        lpi_side_add(&side, &home, 1010, most[i] - lpi_side_count(&side) + 63);
        assert_int_equal(((lpi_block *)side.block)->form, i);
        lpi_side_add(&side, &home, 1010, 1);
        assert_int_equal(((lpi_block *)side.block)->form, i + 1);
        assert_int_equal(lpi_side_count(&side), most[i] + 64);
    }
    lpi_side_clear(&side, &home);
}

/* By one, by some at a time, and all. */
static void assert_walks_agree(const lp_sketch_side *side)
{
    uint32_t by_one = 0, by_some = 0;
    uint32_t left = 0, buckets = 0;
    lpi_bucket some[LPI_TAKE_BUCKETS];
    lpi_bucket each;

    for (; lpi_side_next(side, &by_one, &each.key, &each.n); buckets++) {
        if (left == 0) {
            memset(some, 0, sizeof(some));
            left = lpi_side_take(side, &by_some, some, LPI_TAKE_BUCKETS);
            assert_in_range(left, 1, LPI_TAKE_BUCKETS);
        } else {
            memmove(some, some + 1, sizeof(some) - sizeof(some[0]));
        }
        assert_int_equal(some[0].key, each.key);
        assert_int_equal(some[0].n, each.n);
        left--;
    }
    assert_int_equal(left, 0);
    assert_int_equal(lpi_side_take(side, &by_some, some, LPI_TAKE_BUCKETS), 0);
    assert_int_equal(lpi_side_buckets(side), buckets);
}

/* Single ones, and whole words of them, with gaps from one to some words. */
static void buckets_are_found_in_counters_of_each_width(void **state)
{
    static const uint64_t most[] = {1, UINT8_MAX, UINT16_MAX, UINT32_MAX};
    lp_sketch_home home = stingy_home(&(stingy){0}, UINT64_MAX, 0);

    (void)state;
    for (unsigned form = 0; form < 4; form++) {
        uint64_t seed = 7;

        for (unsigned i = 0; i < 200; i++) {
            uint32_t key = 5000 + (uint32_t)chance(&seed) % 50;
            lp_sketch_side side = {0};

            lpi_side_add(&side, &home, key, most[form] + 1);
            while (key < 6000) {
                lpi_side_add(&side, &home, key,
                             1 + chance(&seed) % (most[form] + 1));
                key += 1 + (uint32_t)chance(&seed) % (i + 1);
                assert_walks_agree(&side);
            }
            lpi_side_clear(&side, &home);
        }
    }
}

/* Three values so far apart that a list of them is smaller than counters, each
 * more often than an entry can say. */
static void an_entry_that_overflows_makes_the_list_dense(void **state)
{
    enum { TIMES = 5000 };
    static const double apart[] = {1, 3e4, 1e9};

    (void)state;
    for (uint64_t bytes_max = 64; bytes_max <= 8192; bytes_max *= 128) {
        static double values[3 * TIMES];
        stingy memory = {0};
        lp_sketch_home home = stingy_home(&memory, bytes_max, 0);
        lp_sketch sketch = {0};

        for (size_t i = 0; i < 3 * TIMES; i++) {
            values[i] = apart[i % 3];
            lp_sketch_add(&sketch, &home, values[i]);
            if (i == 3 * 4000) {
                assert_int_equal(((lpi_block *)sketch.sides[1].block)->form,
                                 LPI_FORM_LIST);
            }
        }
        assert_sound(&sketch, values, 3 * TIMES);
        assert_true((lp_sketch_sound_from(&sketch) == 0) == (bytes_max > 64));
        lp_sketch_clear(&sketch, &home);
        assert_int_equal(memory.held_bytes, 0);
    }
}

/* Collapsing -------------------------------------------------------------- */

static void what_is_too_wide_collapses_from_below_in_any_order(void **state)
{
    static double values[MANY];
    uint64_t seed = 11;

    (void)state;
    fill_wide(values, MANY, 2);
    for (uint32_t buckets_max = 8; buckets_max < 1100; buckets_max *= 3) {
        lp_sketch_home home =
            stingy_home(&(stingy){0}, UINT64_MAX, buckets_max);
        lp_sketch first = {0};

        for (int order = 0; order < 20; order++) {
            lp_sketch sketch = {0};

            shuffle(values, MANY, &seed);
            for (size_t i = 0; i < MANY; i++) {
                lp_sketch_add(order == 0 ? &first : &sketch, &home, values[i]);
            }
            if (order > 0) {
                assert_same(&first, &home, &sketch, &home);
            }
            lp_sketch_clear(&sketch, &home);
        }
        assert_sound(&first, values, MANY);
        assert_true((lp_sketch_sound_from(&first) > 0) == (buckets_max < 1009));
        assert_true(lp_sketch_bytes(&first) <=
                    sizeof(first) + 2 * (8 + 2 * (size_t)buckets_max));
        lp_sketch_clear(&first, &home);
        assert_int_equal(home.bytes, 0);
    }
}

/* The last value is the highest, but there is already a counter for it. */
static void the_floor_does_not_tell_in_which_order_values_came(void **state)
{
    lp_sketch_home home = stingy_home(&(stingy){0}, UINT64_MAX, 64);
    lp_sketch sketches[2] = {{0}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        lpi_place place = {1, 40000};
        lpi_place low = {1, 39900};
        lpi_place high = {1, 40050};

        for (; place.key <= 40030; place.key++) {
            lp_sketch_add(&sketches[i], &home,
                          lpi_value_at(usual_scale(), place));
        }
        lp_sketch_add(&sketches[i], &home,
                      lpi_value_at(usual_scale(), i == 0 ? low : high));
        lp_sketch_add(&sketches[i], &home,
                      lpi_value_at(usual_scale(), i == 0 ? high : low));
    }
    assert_same(&sketches[0], &home, &sketches[1], &home);
    assert_int_equal(sketches[0].sides[1].floor, 40050 - 63);
    lp_sketch_clear(&sketches[0], &home);
    lp_sketch_clear(&sketches[1], &home);
}

/* As long as there are few, they are in a list. */
static void few_values_collapse_as_many_do(void **state)
{
    uint64_t seed = 17;

    (void)state;
    for (int turn = 0; turn < 2000; turn++) {
        uint32_t buckets_max = 8 * (1 + (uint32_t)(chance(&seed) % 90));
        lp_sketch_home home =
            stingy_home(&(stingy){0}, UINT64_MAX, buckets_max);
        size_t count = 3 + chance(&seed) % 12;
        lp_sketch sketch = {0};
        uint32_t keys[15];
        uint32_t highest = 0;
        uint64_t folded = 0;

        for (size_t i = 0; i < count; i++) {
            double value = exp(20 * fraction(&seed));

            lp_sketch_add(&sketch, &home, value);
            keys[i] = lpi_place_of(usual_scale(), value).key;
            highest = keys[i] > highest ? keys[i] : highest;
        }
        for (size_t i = 0; i < count; i++) {
            folded += highest - keys[i] >= buckets_max;
        }
        assert_int_equal(sketch.sides[1].folded, folded);
        assert_adds_up(&sketch);
        lp_sketch_clear(&sketch, &home);
    }
}

static void collapsed_ones_merge_into_the_sketch_of_all(void **state)
{
    static double values[MANY];
    uint64_t seed = 3;

    (void)state;
    for (int turn = 0; turn < 200; turn++) {
        lp_sketch_home home = stingy_home(&(stingy){0}, UINT64_MAX,
                                          8 + (uint32_t)(chance(&seed) % 700));
        size_t count = 1 + chance(&seed) % 400;
        lp_sketch all = {0}, parts[3] = {{0}};

        fill_wide(values, count, chance(&seed));
        for (size_t i = 0; i < count; i++) {
            lp_sketch_add(&all, &home, values[i]);
            lp_sketch_add(&parts[chance(&seed) % 3], &home, values[i]);
        }
        lp_sketch_merge(&parts[0], &home, &parts[1]);
        lp_sketch_merge(&parts[0], &home, &parts[2]);
        assert_same(&all, &home, &parts[0], &home);
        assert_sound(&parts[0], values, count);
        lp_sketch_clear(&all, &home);
        for (int i = 0; i < 3; i++) {
            lp_sketch_clear(&parts[i], &home);
        }
        assert_int_equal(home.bytes, 0);
    }
}

/* Spread ------------------------------------------------------------------ */

static void a_list_that_is_spread_counts_what_it_did(void **state)
{
    stingy memory = {0};
    lp_sketch_home home = stingy_home(&memory, UINT64_MAX, 0);
    lp_sketch list = {0};
    lp_sketch spread = {0};

    (void)state;
    lpi_side_spread(&spread.sides[1], &home); // of nothing
    assert_null(spread.sides[1].block);
    for (int i = 0; i < 3000; i++) {
        // 10 buckets, one of which has no room in a counter of eight bits.
        double value = i % 3 == 0 ? 7 : 1 + i % 10;

        lp_sketch_add(&list, &home, value);
        lp_sketch_add(&spread, &home, value);
        if (i == 100 || i == 2000) {
            lpi_side_spread(&spread.sides[1], &home);
        }
    }
    assert_int_equal(((lpi_block *)list.sides[1].block)->form, LPI_FORM_LIST);
    assert_int_equal(((lpi_block *)spread.sides[1].block)->form, LPI_FORM_16);
    assert_same(&list, &home, &spread, &home);
    lp_sketch_clear(&list, &home);
    lp_sketch_clear(&spread, &home);
    assert_int_equal(memory.held_bytes, 0);
}

static void no_list_is_spread_where_it_takes_what_others_may_need(void **state)
{
    stingy memory = {.refuse_from = UINT64_MAX, .refuse_count = 1};
    lp_sketch_home home = stingy_home(&memory, 200, 0);
    lp_sketch sketch = {0};
    const lpi_block *block;

    (void)state;
    for (int i = 0; i < 4; i++) {
        lp_sketch_add(&sketch, &home, pow(2, i));
    }
    // Counters of three octaves are more than 100 bytes.
    lpi_side_spread(&sketch.sides[1], &home);
    block = sketch.sides[1].block;
    assert_int_equal(block->form, LPI_FORM_LIST);
    assert_int_equal(home.refused, 0);
    // There may be room, and nobody who gives it.
    home.bytes_max = 4000;
    memory.refuse_from = memory.asked;
    lpi_side_spread(&sketch.sides[1], &home);
    assert_ptr_equal(sketch.sides[1].block, block);
    assert_int_equal(home.refused, 1);
    lpi_side_spread(&sketch.sides[1], &home);
    block = sketch.sides[1].block;
    assert_int_equal(block->form, LPI_FORM_8);
    assert_int_equal(lpi_side_count(&sketch.sides[1]), 4);
    lp_sketch_clear(&sketch, &home);
    // Nor where it would not be kept.
    for (int i = 0; i < 4; i++) {
        lp_sketch_add(&sketch, &home, pow(10000, i));
    }
    lpi_side_spread(&sketch.sides[1], &home);
    block = sketch.sides[1].block;
    assert_int_equal(block->form, LPI_FORM_LIST);
    lp_sketch_clear(&sketch, &home);
}

/* Refused ----------------------------------------------------------------- */

/* Adds, merges and packs with an allocator that says no at some places. */
static void live_through(stingy *memory, uint64_t bytes_max, uint64_t seed)
{
    static char bytes[PACKED_MAX_BYTES];
    static double values[MANY];
    lp_sketch_home home = stingy_home(memory, bytes_max, 0);
    lp_sketch sketches[3] = {{0}};
    size_t n;

    fill_wide(values, MANY, seed);
    for (size_t i = 0; i < MANY; i++) {
        // Some come often, so that counters widen.
        values[i] = i % 3 == 0 ? 381 : i % 7 == 0 ? -12 : values[i];
        lp_sketch_add(&sketches[i * 3 / MANY], &home, values[i]);
        assert_true(home.bytes <= bytes_max);
        assert_int_equal(memory->held_bytes, home.bytes);
    }
    assert_sound(&sketches[0], values, (MANY + 2) / 3);
    lp_sketch_merge(&sketches[0], &home, &sketches[1]);
    n = lp_sketch_pack(&sketches[2], &home, bytes, sizeof(bytes));
    assert_int_equal(
        lp_sketch_merge_packed(&sketches[0], &home, lp_span_of(bytes, n)),
        LP_OK);
    assert_sound(&sketches[0], values, MANY);
    for (int i = 0; i < 3; i++) {
        lp_sketch_clear(&sketches[i], &home);
    }
    assert_int_equal(home.bytes, 0);
    assert_int_equal(memory->held_bytes, 0);
}

static void no_refused_block_loses_a_count(void **state)
{
    stingy whole = {0};

    (void)state;
    live_through(&whole, UINT64_MAX, 1);
    assert_true(whole.asked > 40);
    for (uint64_t from = 0; from < whole.asked; from++) {
        stingy once = {.refuse_from = from, .refuse_count = 1};
        stingy for_a_while = {.refuse_from = from, .refuse_count = 20};
        stingy always = {.refuse_from = from, .refuse_count = UINT64_MAX};

        live_through(&once, UINT64_MAX, 1);
        live_through(&for_a_while, UINT64_MAX, 1);
        live_through(&always, UINT64_MAX, 1);
    }
}

static void no_budget_is_exceeded_and_none_loses_a_count(void **state)
{
    (void)state;
    for (uint64_t bytes_max = 0; bytes_max < 6000;
         bytes_max += 1 + bytes_max / 20) {
        live_through(&(stingy){0}, bytes_max, bytes_max);
    }
}

static void without_memory_the_highest_are_kept(void **state)
{
    stingy memory = {0};
    lp_sketch_home home = stingy_home(&memory, 72, 0);
    lp_sketch sketch = {0};
    const double some[] = {0, 0.5, 0.9};
    double told[] = {0, 0, 0};

    (void)state;
    // 72 bytes are 16 entries of a list; the 17th value takes the lowest's.
    for (int i = 0; i < 40; i++) {
        lp_sketch_add(&sketch, &home, pow(2, i));
    }
    assert_true(home.refused > 0);
    assert_int_equal(sketch.count, 40);
    assert_true(lp_sketch_sound_from(&sketch) > 0.5);
    assert_true(lp_sketch_sound_from(&sketch) < 0.7);
    assert_true(fabs(quantile(&sketch, usual_scale(), 0.9) - pow(2, 35)) <=
                0.01 * pow(2, 35));
    assert_true(quantile(&sketch, usual_scale(), 0) == 1);
    assert_int_equal(
        lp_sketch_sound_quantiles(&sketch, usual_scale(), some, 3, told),
        LP_OK);
    assert_true(isnan(told[0]) && isnan(told[1]));
    assert_true(told[2] == quantile(&sketch, usual_scale(), 0.9));
    lp_sketch_clear(&sketch, &home);
    told[2] = 0;
    assert_int_equal(
        lp_sketch_sound_quantiles(&sketch, usual_scale(), some, 3, told),
        LP_E_INVALID);
    assert_true(isnan(told[0]) && isnan(told[1]) && isnan(told[2]));
}

static void a_counter_that_may_not_widen_takes_the_lower_half(void **state)
{
    stingy memory = {0};
    lp_sketch_home home = stingy_home(&memory, UINT64_MAX, 0);
    lp_sketch_side side = {0};

    (void)state;
    for (uint32_t key = 1000; key < 1056; key++) {
        lpi_side_add(&side, &home, key, 1);
    }
    home.bytes_max = home.bytes;
    assert_int_equal(((lpi_block *)side.block)->capacity, 56);
    lpi_side_add(&side, &home, 1050, 300);
    assert_int_equal(((lpi_block *)side.block)->capacity, 28);
    assert_int_equal(((lpi_block *)side.block)->form, LPI_FORM_16);
    assert_int_equal(side.floor, 1028);
    assert_int_equal(side.folded, 28);
    lpi_side_add(&side, &home, 1050, 70000);
    lpi_side_add(&side, &home, 1050, UINT64_C(1) << 40);
    assert_int_equal(((lpi_block *)side.block)->form, LPI_FORM_64);
    assert_int_equal(side.floor, 1049);
    assert_int_equal(lpi_side_count(&side), (UINT64_C(1) << 40) + 70356);
    lpi_side_clear(&side, &home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_in_small_steps),
        cmocka_unit_test(counters_widen_to_64_bits_and_lose_nothing),
        cmocka_unit_test(each_width_is_left_when_it_overflows),
        cmocka_unit_test(buckets_are_found_in_counters_of_each_width),
        cmocka_unit_test(an_entry_that_overflows_makes_the_list_dense),
        cmocka_unit_test(what_is_too_wide_collapses_from_below_in_any_order),
        cmocka_unit_test(the_floor_does_not_tell_in_which_order_values_came),
        cmocka_unit_test(few_values_collapse_as_many_do),
        cmocka_unit_test(collapsed_ones_merge_into_the_sketch_of_all),
        cmocka_unit_test(a_list_that_is_spread_counts_what_it_did),
        cmocka_unit_test(no_list_is_spread_where_it_takes_what_others_may_need),
        cmocka_unit_test(no_refused_block_loses_a_count),
        cmocka_unit_test(no_budget_is_exceeded_and_none_loses_a_count),
        cmocka_unit_test(without_memory_the_highest_are_kept),
        cmocka_unit_test(a_counter_that_may_not_widen_takes_the_lower_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
