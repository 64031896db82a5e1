/*
 * value_kinds.h - values as they come, and as they are made to do harm: VALUES of
 * each kind, and all that an exact computation says of them.
 */
#ifndef VALUE_KINDS_H
#define VALUE_KINDS_H

#include <math.h>

#include "sketch_world.h"

#ifndef VALUES
#define VALUES 1000000
#endif

enum { DIGIT_BITS = 16 };

typedef double value_fn(uint64_t i, uint64_t *seed);

/* What is known exactly. */
typedef struct truth {
    double *values; /* in order */
    double sum;
    double magnitudes;
} truth;

/* Values ------------------------------------------------------------------ */

static inline double uniform(uint64_t i, uint64_t *seed)
{
    (void)i;
    return 1000 * fraction(seed);
}

static inline double whole_ms(uint64_t i, uint64_t *seed)
{
    (void)i;
    return (double)(chance(seed) % 30001);
}

static inline double normal(uint64_t *seed)
{
    return sqrt(-2 * log(fraction(seed))) *
           cos(6.283185307179586 * fraction(seed));
}

static inline double log_normal(uint64_t i, uint64_t *seed)
{
    (void)i;
    return exp(4 + 1.5 * normal(seed));
}

static inline double bimodal(uint64_t i, uint64_t *seed)
{
    (void)i;
    return chance(seed) % 10 < 7 ? 5 + fabs(normal(seed))
                                 : 30000 + 100 * normal(seed);
}

static inline double constant(uint64_t i, uint64_t *seed)
{
    (void)i;
    (void)seed;
    return 0.1;
}

/* The first and the last double of a bucket. */
static inline double at_borders(uint64_t i, uint64_t *seed)
{
    const lp_sketch_scale *scale = usual_scale();
    uint64_t border = scale->borders[chance(seed) % scale->octave_buckets];
    uint64_t exponent = 1023 - 20 + chance(seed) % 40;

    return lpi_double_of((exponent << 52 | border << 20) - (i & 1));
}

static inline double huge_and_tiny(uint64_t i, uint64_t *seed)
{
    return i & 1 ? 1e90 * fraction(seed) : 1e-90 / fraction(seed);
}

static inline double over_all_exponents(uint64_t i, uint64_t *seed)
{
    return i & 1 ? 1e300 * fraction(seed) : 1e-300 / fraction(seed);
}

static inline double pareto(uint64_t i, uint64_t *seed)
{
    (void)i;
    return pow(fraction(seed), -1 / 1.05);
}

static inline double of_both_signs(uint64_t i, uint64_t *seed)
{
    (void)i;
    return chance(seed) % 9 == 0 ? 0 : normal(seed) * exp(normal(seed));
}

/* Falling, so that each is the lowest so far. */
static inline double falling(uint64_t i, uint64_t *seed)
{
    (void)seed;
    return exp(20 - 40.0 * (double)i / VALUES);
}

/* Exactly ----------------------------------------------------------------- */

static inline uint64_t ordered_bits(uint64_t bits)
{
    return bits ^ (bits >> 63 == 0 ? UINT64_C(1) << 63 : UINT64_MAX);
}

static inline uint64_t bits_again(uint64_t ordered)
{
    return ordered ^ (ordered >> 63 != 0 ? UINT64_C(1) << 63 : UINT64_MAX);
}

static inline void radix_pass(const uint64_t *from, uint64_t *to,
                              unsigned shift)
{
    static size_t starts[1 << DIGIT_BITS];
    const uint64_t mask = (1 << DIGIT_BITS) - 1;
    size_t at = 0;

    memset(starts, 0, sizeof(starts));
    for (size_t i = 0; i < VALUES; i++) {
        starts[from[i] >> shift & mask]++;
    }
    for (size_t digit = 0; digit <= mask; digit++) {
        size_t count = starts[digit];

        starts[digit] = at;
        at += count;
    }
    for (size_t i = 0; i < VALUES; i++) {
        to[starts[from[i] >> shift & mask]++] = from[i];
    }
}

static inline void sort(double *values)
{
    uint64_t *a = malloc(VALUES * sizeof(*a));
    uint64_t *b = malloc(VALUES * sizeof(*b));

    assert_true(a != NULL && b != NULL);
    for (size_t i = 0; i < VALUES; i++) {
        a[i] = ordered_bits(lpi_bits_of(values[i]));
    }
    for (unsigned shift = 0; shift < 64; shift += 2 * DIGIT_BITS) {
        radix_pass(a, b, shift);
        radix_pass(b, a, shift + DIGIT_BITS);
    }
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = lpi_double_of(bits_again(a[i]));
    }
    free(a);
    free(b);
}

/* Neumaier's, in the longest numbers there are. */
static inline double exact_sum(const double *values)
{
    long double sum = 0;
    long double lost = 0;

    for (size_t i = 0; i < VALUES; i++) {
        long double value = values[i];
        long double next = sum + value;

        lost += fabsl(sum) >= fabsl(value) ? (sum - next) + value
                                           : (value - next) + sum;
        sum = next;
    }
    return (double)(sum + lost);
}

#endif /* VALUE_KINDS_H */
