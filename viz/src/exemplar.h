/*
 * exemplar.h - a line for a value: of each series and bucket of its sketches the
 * newest one, as far as there is room.
 *
 *      hash of (series, bucket) --> | tag, line | tag, line |
 *
 * A sketch counts values in buckets, so a line from the bucket of a quantile is one
 * of those that made it. It is a cache, in which those of rare buckets must outlive
 * those of frequent ones to be of any use: an entry is its owner's for some hundred
 * lines, and then goes to whoever comes first.
 */
#ifndef LP_EXEMPLAR_H
#define LP_EXEMPLAR_H

#include "logplex/logplex.h"
#include "sketch_scale.h"

enum {
    LPI_EXEMPLAR_SET_BITS = 10,
    LPI_EXEMPLAR_SETS = 1 << LPI_EXEMPLAR_SET_BITS,
    LPI_EXEMPLAR_WAYS = 2,
    LPI_EXEMPLAR_KEPT_LINES = 512
};

typedef struct lpi_exemplar {
    uint32_t tag; /* 0: none */
    uint32_t seq; /* its low bits */
} lpi_exemplar;

typedef struct lpi_exemplars {
    lpi_exemplar sets[LPI_EXEMPLAR_SETS][LPI_EXEMPLAR_WAYS];
} lpi_exemplars;

static inline uint64_t lpi_place_hash(lpi_place place)
{
    return (((uint64_t)place.key << 2) + (uint64_t)(place.side + 1)) *
           UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint64_t lpi_exemplar_set(uint64_t hash)
{
    return hash >> (64 - LPI_EXEMPLAR_SET_BITS);
}

static inline uint32_t lpi_exemplar_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 16) | 1;
}

/* series_hash is that of its name, and differs in all bits. */
static inline void lpi_exemplar_keep(lpi_exemplars *exemplars,
                                     uint64_t series_hash, uint64_t place_hash,
                                     lp_seq seq)
{
    uint64_t hash = series_hash ^ place_hash;
    lpi_exemplar *at = exemplars->sets[lpi_exemplar_set(hash)];
    uint32_t tag = lpi_exemplar_tag(hash);

    if (at->tag != tag && at[1].tag == tag) {
        at++;
    } else if (at->tag != tag &&
               (uint32_t)seq - at->seq < LPI_EXEMPLAR_KEPT_LINES) {
        at++;
        if ((uint32_t)seq - at->seq < LPI_EXEMPLAR_KEPT_LINES) {
            return;
        }
    }
    at->tag = tag;
    at->seq = (uint32_t)seq;
}

/* The line of a bucket; newest_seq is at least that of any of them. 0: none. */
lp_seq lpi_exemplar_of(const lpi_exemplars *exemplars, uint64_t series_hash,
                       lpi_place place, lp_seq newest_seq);

#endif /* LP_EXEMPLAR_H */
