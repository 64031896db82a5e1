/* test_blocks.c - the engine's blocks, and what of them is resident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/blocks.h"

enum {
    MIB = 1 << 20,
    MAX_BYTES = 32 * MIB,
    SMALLEST_BYTES = 4096,
    SIZES = 9, /* 4 KiB to 1 MiB */
    HELD = MAX_BYTES / SMALLEST_BYTES
};

typedef struct held {
    char *ptr;
    size_t size_bytes;
    char mark;
} held;

static held all[HELD];
static uint32_t random_state = 1;

static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static blocks *open_blocks(void)
{
    blocks *b = blocks_open(MAX_BYTES);

    assert_non_null(b);
    return b;
}

static held take(const lp_allocator *from, size_t size_bytes)
{
    static char mark;
    held one = {from->alloc(from->ctx, size_bytes, 64), size_bytes, ++mark};

    assert_non_null(one.ptr);
    assert_int_equal((uintptr_t)one.ptr % 64, 0);
    memset(one.ptr, one.mark, size_bytes);
    return one;
}

static void give(const lp_allocator *to, held *one)
{
    // Nobody else has written there, and it was no hole meanwhile.
    assert_int_equal(one->ptr[0], one->mark);
    assert_memory_equal(one->ptr, one->ptr + 1, one->size_bytes - 1);
    to->free(to->ctx, one->ptr, one->size_bytes);
    *one = (held){0};
}

static blocks_stats check(blocks *b, uint64_t has_bytes)
{
    blocks_stats stats;

    blocks_stats_get(b, &stats);
    assert_int_equal(stats.given_bytes + stats.other_bytes, has_bytes);
    assert_true(stats.given_bytes + stats.other_bytes + stats.resident_bytes <=
                MAX_BYTES + blocks_slack_bytes(b));
    return stats;
}

static void given_and_resident_together_stay_below_the_ceiling(void **state)
{
    blocks *b = open_blocks();
    lp_allocator from = blocks_allocator(b);
    uint64_t has_bytes = 0;
    blocks_stats stats;

    (void)state;
    for (unsigned turn = 0; turn < 40000; turn++) {
        held *one = &all[next_random(HELD / 4)];
        // Small ones first, then larger ones among them, then small ones again.
        unsigned range = turn < 20000 ? 1 + turn * SIZES / 20000 : 2;
        size_t size_bytes = (size_t)SMALLEST_BYTES << next_random(range);

        if (one->ptr) {
            has_bytes -= one->size_bytes;
            give(&from, one);
        } else if (has_bytes + size_bytes <= MAX_BYTES) {
            *one = take(&from, size_bytes);
            has_bytes += size_bytes;
        }
        check(b, has_bytes);
    }
    for (unsigned i = 0; i < HELD; i++)
        if (all[i].ptr)
            give(&from, &all[i]);
    stats = check(b, 0);
    assert_true(stats.holes_made > 0);
    assert_true(stats.resident_bytes <= blocks_slack_bytes(b));
    blocks_close(b);
}

/* No chunk is free as a whole. */
static void take_each_other(const lp_allocator *from)
{
    for (unsigned i = 0; i < HELD; i++)
        all[i] = take(from, SMALLEST_BYTES);
    for (unsigned i = 0; i < HELD; i += 2)
        give(from, &all[i]);
}

static void small_blocks_join_to_large_ones(void **state)
{
    blocks *b = open_blocks();
    lp_allocator from = blocks_allocator(b);
    blocks_stats stats;

    (void)state;
    take_each_other(&from);
    for (unsigned i = 1; i < HELD; i += 2)
        give(&from, &all[i]);
    for (unsigned i = 0; i < MAX_BYTES / MIB; i++)
        all[i] = take(&from, MIB);
    // In the same addresses, of which none is left.
    stats = check(b, MAX_BYTES);
    assert_int_equal(stats.hole_bytes + stats.resident_bytes, 0);
    for (unsigned i = 0; i < MAX_BYTES / MIB; i++)
        give(&from, &all[i]);
    check(b, 0);
    blocks_close(b);
}

static void what_is_no_block_counts_too(void **state)
{
    static const size_t odd_bytes[] = {1, 64, 500, 4095, 4097, 12288, 2 * MIB};
    enum { ODD = sizeof(odd_bytes) / sizeof(odd_bytes[0]) };
    blocks *b = open_blocks();
    lp_allocator from = blocks_allocator(b);
    uint64_t has_bytes = 0;

    (void)state;
    for (unsigned i = 0; i < ODD; i++) {
        all[i] = take(&from, odd_bytes[i]);
        has_bytes += odd_bytes[i];
        assert_int_equal(check(b, has_bytes).other_bytes, has_bytes);
    }
    for (unsigned i = 0; i < ODD; i++)
        give(&from, &all[i]);
    check(b, 0);
    blocks_close(b);
}

static void what_is_no_block_takes_the_place_of_free_ones(void **state)
{
    blocks *b = open_blocks();
    lp_allocator from = blocks_allocator(b);
    held loan;
    blocks_stats stats;

    (void)state;
    take_each_other(&from);
    loan = take(&from, MAX_BYTES / 2 + 1);
    stats = check(b, MAX_BYTES + 1);
    assert_true(stats.hole_bytes >= MAX_BYTES / 2 - blocks_slack_bytes(b));
    give(&from, &loan);
    for (unsigned i = 1; i < HELD; i += 2)
        give(&from, &all[i]);
    blocks_close(b);
}

static void where_the_range_ends_malloc_goes_on(void **state)
{
    blocks *b = blocks_open(SMALLEST_BYTES); // one chunk, as there is always
    lp_allocator from = blocks_allocator(b);
    blocks_stats stats;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        all[i] = take(&from, MIB);
    blocks_stats_get(b, &stats);
    assert_int_equal(stats.given_bytes, 2 * MIB);
    assert_int_equal(stats.other_bytes, 2 * MIB);
    for (unsigned i = 0; i < 4; i++)
        give(&from, &all[i]);
    blocks_stats_get(b, &stats);
    assert_int_equal(stats.given_bytes + stats.other_bytes, 0);
    blocks_close(b);
}

static void there_are_no_addresses_for_too_much(void **state)
{
    (void)state;
    assert_null(blocks_open(UINT64_MAX / 2));
    blocks_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given_and_resident_together_stay_below_the_ceiling),
        cmocka_unit_test(small_blocks_join_to_large_ones),
        cmocka_unit_test(what_is_no_block_counts_too),
        cmocka_unit_test(what_is_no_block_takes_the_place_of_free_ones),
        cmocka_unit_test(where_the_range_ends_malloc_goes_on),
        cmocka_unit_test(there_are_no_addresses_for_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
