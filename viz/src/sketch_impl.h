/* sketch_impl.h - what the parts of a sketch know of each other. */
#ifndef LP_SKETCH_IMPL_H
#define LP_SKETCH_IMPL_H

#include "sketch_block.h"
#include "sketch_scale.h"
#include "sketch_side.h"

/* A flat sketch has no buckets: count, min and max say what it has seen. */
static inline bool lpi_is_flat(const lp_sketch *sketch)
{
    return sketch->count <= 2 || sketch->min >= sketch->max;
}

/* Adds count, min, max and sum of *from, and nothing else. */
void lpi_totals_merge(lp_sketch *into, const lp_sketch *from);

/* Would *sketch still be flat with *more added? */
bool lpi_stays_flat(const lp_sketch *sketch, const lp_sketch *more);

/* Puts what a flat sketch has seen into the buckets of *into. */
void lpi_unfold(lp_sketch *into, lp_sketch_home *home, const lp_sketch *flat);

/* One more value in count, min, max and sum. Knuth's two-sum (TAOCP 4.2.2): what
 * rounding takes goes to sum_low. */
static inline void lpi_sum_add(lp_sketch *sketch, double value)
{
    double sum = sketch->sum + value;
    double part = sum - sketch->sum;

    sketch->sum_low += (sketch->sum - (sum - part)) + (value - part);
    sketch->sum = sum;
}

/* lp_sketch_add() for who knows the place of value, which is finite and not -0. */
void lpi_sketch_add_at(lp_sketch *sketch, lp_sketch_home *home, double value,
                       lpi_place at);

/* Counts a value at a place in its bucket alone: zero, or one that is positive and
 * has a counter there. False: nothing is done. */
static inline bool lpi_sketch_increment(lp_sketch *sketch, lpi_place at)
{
    lpi_block *block = sketch->sides[1].block;

    if (lpi_is_flat(sketch)) {
        return false;
    }
    if (at.side > 0) {
        return block != NULL && lpi_block_increment(block, at.key);
    }
    sketch->zeros += at.side < 0 ? 1 : 0;
    return at.side < 0;
}

/* lp_sketch_pack() for who keeps it, and knows its version and its scale: without
 * these. */
size_t lpi_sketch_pack_own(lp_sketch *sketch, const lp_sketch_home *home,
                           char *out, size_t out_max);

/* Of such a form, as we made it: all but its buckets. */
void lpi_packed_totals(lp_span packed, lp_sketch *out);

/* lp_sketch_merge_packed() of one. */
void lpi_sketch_merge_own(lp_sketch *into, lp_sketch_home *home,
                          lp_span packed);

/* lp_sketch_clear(), but what memory it has is kept for values to come. */
void lpi_sketch_reset(lp_sketch *sketch, lp_sketch_home *home);

#endif /* LP_SKETCH_IMPL_H */
