/* sketch.c - values in, sketches into each other. */
#include "sketch_impl.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sketch_block.h"

static void *default_alloc(void *ctx, size_t size_bytes, size_t align_bytes)
{
    (void)ctx;
    return aligned_alloc(align_bytes,
                         (size_bytes + align_bytes - 1) & ~(align_bytes - 1));
}

static void default_free(void *ctx, void *ptr, size_t size_bytes)
{
    (void)ctx;
    (void)size_bytes;
    free(ptr);
}

lp_err lp_sketch_home_init(lp_sketch_home *home, const lp_sketch_scale *scale,
                           const lp_allocator *allocator, uint64_t bytes_max,
                           uint32_t buckets_max)
{
    static const lp_allocator by_default = {default_alloc, default_free, NULL};

    memset(home, 0, sizeof(*home));
    if (buckets_max == 0) {
        buckets_max = LP_SKETCH_BUCKETS_MAX_DEFAULT;
    }
    if (buckets_max < LP_SKETCH_BUCKETS_MAX_LEAST ||
        buckets_max > LP_SKETCH_BUCKETS_MAX_MOST) {
        return LP_E_INVALID;
    }
    home->scale = scale;
    home->allocator = allocator != NULL ? *allocator : by_default;
    home->bytes_max = bytes_max;
    // Whole words of the narrowest counters, which widen where they are.
    home->buckets_max = buckets_max / 8 * 8;
    return LP_OK;
}

/* Totals ------------------------------------------------------------------ */

double lp_sketch_sum(const lp_sketch *sketch)
{
    return isfinite(sketch->sum) ? sketch->sum + sketch->sum_low : sketch->sum;
}

void lpi_totals_merge(lp_sketch *into, const lp_sketch *from)
{
    if (from->count == 0) {
        return;
    }
    if (into->count == 0 || from->min < into->min) {
        into->min = from->min;
    }
    if (into->count == 0 || from->max > into->max) {
        into->max = from->max;
    }
    into->count += from->count;
    if (isfinite(into->sum)) {
        lpi_sum_add(into, from->sum);
        into->sum_low += from->sum_low;
    }
}

bool lpi_stays_flat(const lp_sketch *sketch, const lp_sketch *more)
{
    if (sketch->count == 0 || more->count == 0) {
        return lpi_is_flat(sketch->count == 0 ? more : sketch);
    }
    return (sketch->count == 1 && more->count == 1) ||
           (sketch->min >= more->max && more->min >= sketch->max);
}

/* Values ------------------------------------------------------------------ */

static inline void place_add(lp_sketch *sketch, lp_sketch_home *home,
                             lpi_place at, uint64_t n)
{
    if (at.side < 0) {
        sketch->zeros += n;
        return;
    }
    lpi_side_add_often(&sketch->sides[at.side], home, at.key, n);
}

static void bucket_add(lp_sketch *sketch, lp_sketch_home *home, double value,
                       uint64_t n)
{
    place_add(sketch, home, lpi_place_of(home->scale, value), n);
}

void lpi_unfold(lp_sketch *into, lp_sketch_home *home, const lp_sketch *flat)
{
    if (flat->count == 0) {
        return;
    }
    // The higher first: without memory it is the lower that folds.
    if (flat->min < flat->max) {
        bucket_add(into, home, flat->max, 1);
        bucket_add(into, home, flat->min, 1);
    } else {
        bucket_add(into, home, flat->min, flat->count);
    }
}

void lpi_sketch_add_at(lp_sketch *sketch, lp_sketch_home *home, double value,
                       lpi_place at)
{
    if (lpi_is_flat(sketch)) {
        lp_sketch one = {.count = 1, .min = value, .max = value, .sum = value};

        lp_sketch_merge(sketch, home, &one);
        return;
    }
    sketch->count++;
    sketch->min = value < sketch->min ? value : sketch->min;
    sketch->max = value > sketch->max ? value : sketch->max;
    lpi_sum_add(sketch, value);
    place_add(sketch, home, at, 1);
}

void lp_sketch_add(lp_sketch *sketch, lp_sketch_home *home, double value)
{
    if (lpi_exponent_of(lpi_bits_of(value)) == LPI_EXPONENT_MASK) {
        sketch->not_finite++;
        return;
    }
    value += 0.0; // -0 becomes 0
    lpi_sketch_add_at(sketch, home, value, lpi_place_of(home->scale, value));
}

void lp_sketch_merge(lp_sketch *into, lp_sketch_home *home,
                     const lp_sketch *from)
{
    bool stays_flat = lpi_stays_flat(into, from);

    assert(into != from);
    into->not_finite += from->not_finite;
    if (!stays_flat && lpi_is_flat(into)) {
        lpi_unfold(into, home, into);
    }
    lpi_totals_merge(into, from);
    if (stays_flat) {
        return;
    }
    if (lpi_is_flat(from)) {
        lpi_unfold(into, home, from);
        return;
    }
    into->zeros += from->zeros;
    for (int i = 0; i < 2; i++) {
        lpi_side_merge(&into->sides[i], home, &from->sides[i]);
    }
}

void lp_sketch_clear(lp_sketch *sketch, lp_sketch_home *home)
{
    for (int i = 0; i < 2; i++) {
        lpi_side_clear(&sketch->sides[i], home);
    }
    memset(sketch, 0, sizeof(*sketch));
}

void lpi_sketch_reset(lp_sketch *sketch, lp_sketch_home *home)
{
    lp_sketch empty = {.count = 0};

    for (int i = 0; i < 2; i++) {
        lpi_side_reset(&sketch->sides[i], home);
        empty.sides[i] = sketch->sides[i];
    }
    *sketch = empty;
}

size_t lp_sketch_bytes(const lp_sketch *sketch)
{
    return sizeof(*sketch) + lpi_side_bytes(&sketch->sides[0]) +
           lpi_side_bytes(&sketch->sides[1]);
}
