/*
 * sketch_side.h - the buckets of one sign: a list of a few, or counters side by
 * side. A key is a bucket's number; here only its order counts.
 */
#ifndef LP_SKETCH_SIDE_H
#define LP_SKETCH_SIDE_H

#include "logplex/sketch.h"
#include "sketch_block.h"

/* Counts n more in a bucket; n is at least 1. */
void lpi_side_add(lp_sketch_side *side, lp_sketch_home *home, uint32_t key,
                  uint64_t n);

/* The same, inline where the bucket is one of an array, as nearly all are. */
static inline void lpi_side_add_often(lp_sketch_side *side,
                                      lp_sketch_home *home, uint32_t key,
                                      uint64_t n)
{
    lpi_block *block = side->block;

    if (block == NULL || block->form == LPI_FORM_LIST ||
        !lpi_dense_add(block, key, n)) {
        lpi_side_add(side, home, key, n);
    }
}

/* Folds what is below floor, now and from now on. */
void lpi_side_raise_floor(lp_sketch_side *side, uint32_t floor);

/* Adds another side, bucket by bucket. */
void lpi_side_merge(lp_sketch_side *into, lp_sketch_home *home,
                    const lp_sketch_side *from);

/* Once something is folded, the floor is buckets_max below the highest bucket.
 * A value in between finds out when it comes; this is to know before. */
void lpi_side_settle(lp_sketch_side *side, const lp_sketch_home *home);

void lpi_side_clear(lp_sketch_side *side, lp_sketch_home *home);

/* Where a list is often added to: counters take its place, of which each is found at
 * once, unless home would have less than half of its memory left. */
void lpi_side_spread(lp_sketch_side *side, lp_sketch_home *home);

/* Forgets all values, but keeps a block of a usual size for those to come. */
void lpi_side_reset(lp_sketch_side *side, lp_sketch_home *home);

/* Of the block, 0 without one. */
size_t lpi_side_bytes(const lp_sketch_side *side);

/* Buckets that are not empty, in ascending order: *at is 0 at first. */
bool lpi_side_next(const lp_sketch_side *side, uint32_t *at, uint32_t *key,
                   uint64_t *n);

typedef struct lpi_bucket {
    uint32_t key;
    uint64_t n;
} lpi_bucket;

/* So many are taken at a time. */
enum { LPI_TAKE_BUCKETS = 64 };

/* The same for several at once: so many of them, and none only at the end. All calls
 * of one walk have the same out_max; it is the faster with LPI_TAKE_BUCKETS. */
uint32_t lpi_side_take(const lp_sketch_side *side, uint32_t *at,
                       lpi_bucket *out, uint32_t out_max);

/* How many buckets are not empty. */
uint32_t lpi_side_buckets(const lp_sketch_side *side);

/* All that are counted on this side, the folded too. */
uint64_t lpi_side_count(const lp_sketch_side *side);

#endif /* LP_SKETCH_SIDE_H */
