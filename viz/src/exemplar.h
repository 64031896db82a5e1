/*
 * exemplar.h - a line for a value: of each series and bucket of its sketches the
 * newest two, as far as they are not overwritten by those of others.
 *
 *      hash of (series, bucket) --> | tag, line | tag, line |   even, odd lines
 *
 * A sketch counts values in buckets, so a line from the bucket of a quantile is one
 * of those that made it. It is a cache: a tag of 31 bits tells whose a line is.
 */
#ifndef LP_EXEMPLAR_H
#define LP_EXEMPLAR_H

#include "logplex/logplex.h"
#include "sketch_scale.h"

enum {
    LPI_EXEMPLAR_SET_BITS = 9,
    LPI_EXEMPLAR_SETS = 1 << LPI_EXEMPLAR_SET_BITS,
    LPI_EXEMPLAR_WAYS = 2
};

typedef struct lpi_exemplar {
    uint32_t tag;
    uint32_t seq; /* its low bits; 0 and a tag of 0: none */
} lpi_exemplar;

typedef struct lpi_exemplars {
    lpi_exemplar sets[LPI_EXEMPLAR_SETS][LPI_EXEMPLAR_WAYS];
} lpi_exemplars;

static inline uint64_t lpi_place_hash(lpi_place place)
{
    return (((uint64_t)place.key << 2) + (uint64_t)(place.side + 1)) *
           UINT64_C(0x9e3779b97f4a7c15);
}

/* series_hash is that of its name, and differs in all bits. */
static inline void lpi_exemplar_keep(lpi_exemplars *exemplars,
                                     uint64_t series_hash, uint64_t place_hash,
                                     lp_seq seq)
{
    uint64_t hash = series_hash ^ place_hash;
    lpi_exemplar *at = &exemplars->sets[hash >> (64 - LPI_EXEMPLAR_SET_BITS)]
                                       [seq % LPI_EXEMPLAR_WAYS];

    at->tag = (uint32_t)(hash >> 16) | 1;
    at->seq = (uint32_t)seq;
}

/* The lines of a bucket, at most LPI_EXEMPLAR_WAYS; newest_seq is at least that of
 * any of them. How many there are. */
unsigned lpi_exemplars_of(const lpi_exemplars *exemplars, uint64_t series_hash,
                          lpi_place place, lp_seq newest_seq,
                          lp_seq out[LPI_EXEMPLAR_WAYS]);

#endif /* LP_EXEMPLAR_H */
