/* sketch_scale.h - from a double to the number of its bucket and back. */
#ifndef LP_SKETCH_SCALE_H
#define LP_SKETCH_SCALE_H

#include <stdbool.h>
#include <string.h>

#include "logplex/sketch.h"

enum { LPI_EXPONENT_MASK = 0x7ff };

static inline uint64_t lpi_bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double lpi_double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline unsigned lpi_exponent_of(uint64_t bits)
{
    return (unsigned)(bits >> 52) & LPI_EXPONENT_MASK;
}

/* One past the highest number of a bucket. */
static inline uint32_t lpi_keys_end(const lp_sketch_scale *scale)
{
    return LPI_EXPONENT_MASK * scale->octave_buckets;
}

/* The bucket of a magnitude; the exponent is neither that of zero nor that of
 * infinity, the sign does not matter. */
static inline uint32_t lpi_key_of(const lp_sketch_scale *scale, uint64_t bits)
{
    uint32_t mantissa = (uint32_t)(bits >> 20);
    uint64_t cell = scale->cells[mantissa >> scale->cell_shift];

    return lpi_exponent_of(bits) * scale->octave_buckets +
           (uint32_t)(cell >> 32) + (mantissa > (uint32_t)cell);
}

/* Where a value is counted. A key of the negative side is mirrored. */
typedef struct lpi_place {
    int side; /* -1: with the zeros */
    uint32_t key;
} lpi_place;

static inline lpi_place lpi_place_of(const lp_sketch_scale *scale, double value)
{
    uint64_t bits = lpi_bits_of(value);
    lpi_place at = {-1, 0};

    if (lpi_exponent_of(bits) == 0) {
        return at;
    }
    at.side = bits >> 63 == 0;
    at.key = lpi_key_of(scale, bits);
    if (at.side == 0) {
        at.key = lpi_keys_end(scale) - at.key;
    }
    return at;
}

/* The same of a whole number. */
static inline lpi_place lpi_place_of_whole(const lp_sketch_scale *scale,
                                           uint32_t number)
{
    lpi_place at = {-1, 0};

    if (number > 0) {
        at.side = 1;
        at.key = lpi_key_of(scale, lpi_bits_of(number));
    }
    return at;
}

/* Less than zero, zero or more, as a is below, with or above b. */
static inline int lpi_place_compare(lpi_place a, lpi_place b)
{
    static const int order[] = {1, 0, 2}; // zeros, negative, positive

    if (a.side != b.side) {
        return order[a.side + 1] - order[b.side + 1];
    }
    return a.side < 0 || a.key == b.key ? 0 : a.key < b.key ? -1 : 1;
}

/* What stands for all values of a bucket. A key that no bucket has, as a floor
 * can be, is taken for the nearest that one has. */
double lpi_value_at(const lp_sketch_scale *scale, lpi_place place);

#endif /* LP_SKETCH_SCALE_H */
