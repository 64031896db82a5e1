/*
 * sketch.h - quantiles of any number of values in a few bytes, within a stated
 * relative error, and mergeable without loss.
 *
 * It is of the DDSketch family (C. Masson, J. E. Rim, H. K. Lee: "DDSketch: a
 * fast and fully-mergeable quantile sketch with relative-error guarantees",
 * PVLDB 12(12), 2019). A value is not kept, only counted in a bucket, and
 * buckets are so narrow, in proportion, that any value of one stands for all:
 *
 *                       a        r        b
 *      ... |   bucket   |   bucket        |   bucket            | ...
 *
 *      r = 2ab/(a+b)     so   (r-a)/a = (b-r)/b = (b-a)/(b+a)
 *
 * Where that is at most alpha for each bucket, no answer is further than alpha
 * from the value that an exact computation would give, in relation to it.
 *
 * Borders. Each octave [2^e, 2^(e+1)) is cut into the same K buckets, K being
 * the least number that keeps to alpha: 35 for 1 %. So a bucket's number is the
 * exponent of the double times K, and its place in the octave, which is found
 * without a logarithm:
 *
 *      sign | exponent e | mantissa: ccccccmmmmmmmmmmmmm...
 *                                    |---->  cell: bucket, and the one border
 *                                            that may run through the cell
 *
 * The leading bits of the mantissa choose a cell. Cells are no wider than the
 * narrowest bucket, so at most one border runs through each: one look-up, one
 * comparison. Borders are whole numbers of 2^-32 octave starts, so comparing
 * integers is exact, a factor of a power of two changes nothing, and the bound
 * above is K inequalities, which lp_sketch_scale_init() checks one by one.
 *
 * Memory. What a sketch holds grows with what it has seen:
 *
 *      flat   at most two values, or one value any number of times: count, min
 *             and max say it all; there are no buckets
 *      list   up to 30 buckets, sorted, 4 bytes each: number and count
 *      dense  | first ... | counters of 8, 16, 32 or 64 bits for the buckets of
 *             one range, side by side; all widen when one has to
 *
 * Where the range exceeds buckets_max, or memory is refused, the lowest buckets
 * collapse: their values are counted as "folded", below a floor that only
 * rises. No count is ever lost, and what is above the floor stays as good as it
 * was; lp_sketch_sound_from() says which quantiles that are.
 *
 *      -inf  <-- negative side -->  0  <-- positive side -->  +inf
 *       | folded | floor  buckets | zeros | folded | floor  buckets |
 *
 * Negative values have buckets of their own, in mirrored order, so that "low"
 * means the same on both sides. Values nearer to zero than 2^-1022 count as
 * zero, but not for sum, min and max. NaN and the infinities are counted apart,
 * and touch nothing else.
 *
 * Threads: any, one at a time for each home and the sketches in it. A scale is
 * constant once it is made, and shared by all.
 */
#ifndef LOGPLEX_SKETCH_H
#define LOGPLEX_SKETCH_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/logplex.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The usual relative error, 1 %, and the bounds of what can be asked for. */
#define LP_SKETCH_ALPHA_DEFAULT 0.01
#define LP_SKETCH_ALPHA_MIN     0.001
#define LP_SKETCH_ALPHA_MAX     0.1

enum {
    LP_SKETCH_OCTAVE_BUCKETS_MAX = 352,
    LP_SKETCH_CELLS_MAX = 512,
    /* 58 octaves at 1 %: from a nanosecond to nine years. */
    LP_SKETCH_BUCKETS_MAX_DEFAULT = 2048,
    LP_SKETCH_BUCKETS_MAX_LEAST = 8,
    LP_SKETCH_BUCKETS_MAX_MOST = 32768
};

/* Where the borders of buckets are. Made by lp_sketch_scale_init(); 7 KiB, of
 * which 1 % uses 0.8. Sketches are of one scale or cannot be merged. */
typedef struct lp_sketch_scale {
    double alpha;            /* no bucket's error is larger        */
    uint32_t octave_buckets; /* K                                  */
    uint32_t cell_shift;     /* from 32 bits of mantissa to a cell */
    uint64_t cells[LP_SKETCH_CELLS_MAX];
    uint64_t borders[LP_SKETCH_OCTAVE_BUCKETS_MAX + 1];
} lp_sketch_scale;

/*
 * What many sketches have in common: a scale, and memory within a bound. A
 * channel has one, so that all its sketches together stay within its bound.
 * The counters are the caller's to read.
 */
typedef struct lp_sketch_home {
    const lp_sketch_scale *scale;
    lp_allocator allocator;
    uint64_t bytes_max;
    uint64_t bytes;       /* held now by the buckets of all its sketches */
    uint64_t refused;     /* times that a block was wanted and not had   */
    uint32_t buckets_max; /* of one side of one sketch                   */
} lp_sketch_home;

/* Half of a sketch: the buckets of one sign. Not the caller's to touch. */
typedef struct lp_sketch_side {
    void *block;     /* NULL: no buckets                     */
    uint64_t folded; /* values below the floor               */
    uint32_t floor;  /* of bucket numbers; 0: nothing folded */
} lp_sketch_side;

/*
 * Zero it to have an empty one; lp_sketch_clear() gives its memory back. It may
 * be moved, not copied. count, min and max are the caller's to read.
 */
typedef struct lp_sketch {
    uint64_t not_finite; /* NaN, +inf and -inf, in no other number */
    uint64_t zeros;
    lp_sketch_side sides[2]; /* negative, positive */

    /* What a positive value writes is the last 64 bytes, from sides[1] on. */
    uint64_t count; /* of finite values                  */
    double min;     /* of them, exact; 0 when count is 0 */
    double max;
    double sum; /* see lp_sketch_sum()               */
    double sum_low;
} lp_sketch;

/*
 * alpha: the relative error, LP_SKETCH_ALPHA_MIN to LP_SKETCH_ALPHA_MAX.
 * Fails: LP_E_INVALID.
 */
LP_API lp_err lp_sketch_scale_init(lp_sketch_scale *scale, double alpha);

/*
 * allocator: copied; NULL is aligned_alloc and free. bytes_max: all that the
 * buckets of all sketches may take, without the sketches themselves; while a
 * block is replaced by a larger one, the smaller one is still there and not
 * counted. buckets_max: 0 is the default; rounded down to a multiple of 8.
 * Owns: the scale must outlive the home, and the home its sketches.
 * Fails: LP_E_INVALID: buckets_max is out of its bounds.
 */
LP_API lp_err lp_sketch_home_init(lp_sketch_home *home,
                                  const lp_sketch_scale *scale,
                                  const lp_allocator *allocator,
                                  uint64_t bytes_max, uint32_t buckets_max);

/* Counts one value. Cannot fail: without memory the lowest buckets collapse. */
LP_API void lp_sketch_add(lp_sketch *sketch, lp_sketch_home *home,
                          double value);

/*
 * Adds all that another sketch has seen, of any home of the same scale. What
 * comes of it is, bucket by bucket, the sketch of the values of both, unless
 * memory is refused. *from stays as it is and is not *into.
 */
LP_API void lp_sketch_merge(lp_sketch *into, lp_sketch_home *home,
                            const lp_sketch *from);

/* Empties it and gives its memory back to home. */
LP_API void lp_sketch_clear(lp_sketch *sketch, lp_sketch_home *home);

/*
 * The sum of all finite values. What rounding takes is added up too (T. Ogita,
 * S. M. Rump, S. Oishi: "Accurate sum and dot product", SIAM J. Sci. Comput.
 * 26(6), 2005, Sum2), so that of n values it is off by no more than 2^-53 of
 * itself and n^2 * 2^-106 of the sum of their magnitudes; whole numbers are
 * summed exactly as long as no sum on the way is over 2^53. Beyond the largest
 * double it becomes infinite and stays so.
 */
LP_API double lp_sketch_sum(const lp_sketch *sketch);

/*
 * Values at quantiles, in one pass. Of n values in order, x[0] to x[n-1], the
 * one at q is x[floor(q * (n-1))]; 0 gives min and 1 max, both exactly. q: 0 to
 * 1, ascending. From lp_sketch_sound_from() on, out[i] is within alpha of it;
 * below, it lies between min and the bucket of the floor.
 * Fails: LP_E_INVALID: count is 0, or q is out of range or not ascending.
 */
LP_API lp_err lp_sketch_quantiles(const lp_sketch *sketch,
                                  const lp_sketch_scale *scale, const double *q,
                                  size_t q_count, double *out);

/* The same, but NaN where the bound does not hold, or when it fails: what can be
 * told to somebody. */
LP_API lp_err lp_sketch_sound_quantiles(const lp_sketch *sketch,
                                        const lp_sketch_scale *scale,
                                        const double *q, size_t q_count,
                                        double *out);

/* 0 when nothing has collapsed; else the least quantile from which on the bound
 * of the error holds, at most 1. */
LP_API double lp_sketch_sound_from(const lp_sketch *sketch);

/*
 * How many values are greater than threshold, and in *in_doubt (may be NULL)
 * how many may be, as they share its bucket or are folded: the exact number is
 * between the result and the sum of both. A threshold of 0, below min, or not
 * below max leaves no doubt while nothing has collapsed. None is above NaN.
 */
LP_API uint64_t lp_sketch_count_above(const lp_sketch *sketch,
                                      const lp_sketch_scale *scale,
                                      double threshold, uint64_t *in_doubt);

/* All that it takes: itself and its blocks. */
LP_API size_t lp_sketch_bytes(const lp_sketch *sketch);

/*
 * The packed form: a few bytes for a few values, about one for each bucket that
 * is not empty. For windows that get no more values, and to send. Numbers are
 * LEB128 ("varint"); doubles are so too, their bytes in reverse, as the
 * low ones of whole numbers are zero.
 *
 *      version 1 | flags | K | count
 *      zeros, not finite, folded and floor of each side     where flags say so
 *      min, then max and sum where count is over 1, and what sum lacks
 *      buckets of each side: their number; for each, times 4, its number less
 *      that of the one before; or plus 1, its count, being the next one; or,
 *      plus 2, the former and then its count
 *
 * Writes what fits into out_max bytes, and returns the length of all of it. The
 * same values give the same bytes, but for the last digits of sum.
 */
LP_API size_t lp_sketch_pack(lp_sketch *sketch, const lp_sketch_home *home,
                             char *out, size_t out_max);

/*
 * lp_sketch_merge() from a packed form. The bytes may come from anywhere: they
 * are checked as a whole before anything is added.
 * Fails: LP_E_SYNTAX: no packed form of version 1, or one that contradicts
 * itself; LP_E_INVALID: it is of another scale; LP_E_FULL: the counts of both
 * together have no room in 64 bits.
 */
LP_API lp_err lp_sketch_merge_packed(lp_sketch *into, lp_sketch_home *home,
                                     lp_span packed);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_SKETCH_H */
