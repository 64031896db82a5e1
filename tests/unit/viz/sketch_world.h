/* sketch_world.h - for tests of sketches: chance, a scale, an allocator that
 * says no when it is told to, and what holds for every sketch. */
#ifndef SKETCH_WORLD_H
#define SKETCH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/sketch.h"
#include "sketch_block.h"
#include "sketch_scale.h"
#include "sketch_side.h"

enum { PACKED_MAX_BYTES = 1 << 18 };

/* xorshift64*: the same numbers each time. */
static inline uint64_t chance(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

/* In (0, 1]. */
static inline double fraction(uint64_t *seed)
{
    return (double)((chance(seed) >> 11) + 1) / 9007199254740992.0;
}

/* The usual scale, of 1 %. */
static inline const lp_sketch_scale *usual_scale(void)
{
    static lp_sketch_scale scale;

    if (scale.octave_buckets == 0) {
        assert_int_equal(lp_sketch_scale_init(&scale, LP_SKETCH_ALPHA_DEFAULT),
                         LP_OK);
    }
    return &scale;
}

/* Refuses what is asked for from refuse_from on, refuse_count times. */
typedef struct stingy {
    uint64_t asked;
    uint64_t refuse_from;
    uint64_t refuse_count;
    uint64_t bytes_max; /* 0: there is no bound */
    uint64_t piece_max; /* of one piece; 0: likewise */
    uint64_t refused_pieces;
    uint64_t held_bytes;
} stingy;

static inline void *stingy_alloc(void *ctx, size_t size, size_t align)
{
    stingy *self = ctx;
    uint64_t number = self->asked++;
    void *ptr;

    if (number >= self->refuse_from &&
        number - self->refuse_from < self->refuse_count) {
        return NULL;
    }
    if (self->bytes_max > 0 && self->held_bytes + size > self->bytes_max) {
        return NULL;
    }
    if (self->piece_max > 0 && size > self->piece_max) {
        self->refused_pieces++;
        return NULL;
    }
    assert_int_equal(size % align, 0);
    ptr = aligned_alloc(align, size);
    assert_non_null(ptr);
    memset(ptr, 0xa5, size);
    self->held_bytes += size;
    return ptr;
}

static inline void stingy_free(void *ctx, void *ptr, size_t size)
{
    stingy *self = ctx;

    assert_non_null(ptr);
    assert_true(self->held_bytes >= size);
    self->held_bytes -= size;
    free(ptr);
}

static inline lp_sketch_home stingy_home(stingy *self, uint64_t bytes_max,
                                         uint32_t buckets_max)
{
    lp_allocator allocator = {stingy_alloc, stingy_free, self};
    lp_sketch_home home;

    assert_int_equal(lp_sketch_home_init(&home, usual_scale(), &allocator,
                                         bytes_max, buckets_max),
                     LP_OK);
    return home;
}

/* No count is in two places or in none. */
static inline void assert_adds_up(const lp_sketch *sketch)
{
    uint64_t sum = sketch->zeros + lpi_side_count(&sketch->sides[0]) +
                   lpi_side_count(&sketch->sides[1]);

    if (sum == 0) { // it is flat
        assert_true(sketch->count <= 2 || sketch->min == sketch->max);
        return;
    }
    assert_int_equal(sum, sketch->count);
    for (int i = 0; i < 2; i++) {
        assert_true((sketch->sides[i].folded > 0) ==
                    (sketch->sides[i].floor > 0));
    }
}

/* The same count in the same buckets, and the same extremes; sums may differ
 * in what rounding did. */
static inline void assert_same(lp_sketch *a, lp_sketch_home *a_home,
                               lp_sketch *b, lp_sketch_home *b_home)
{
    static char a_bytes[PACKED_MAX_BYTES], b_bytes[PACKED_MAX_BYTES];
    double sum = b->sum;
    double sum_low = b->sum_low;
    size_t n;

    b->sum = a->sum;
    b->sum_low = a->sum_low;
    n = lp_sketch_pack(a, a_home, a_bytes, sizeof(a_bytes));
    assert_true(n <= sizeof(a_bytes));
    assert_int_equal(lp_sketch_pack(b, b_home, b_bytes, sizeof(b_bytes)), n);
    assert_memory_equal(a_bytes, b_bytes, n);
    b->sum = sum;
    b->sum_low = sum_low;
}

static inline double quantile(const lp_sketch *sketch,
                              const lp_sketch_scale *scale, double q)
{
    double out;

    assert_int_equal(lp_sketch_quantiles(sketch, scale, &q, 1, &out), LP_OK);
    return out;
}

#endif /* SKETCH_WORLD_H */
