/*
 * exemplar.h - a line for a value: of each series and bucket of its sketches the
 * newest one, as far as there is room.
 *
 *      hash of (series, bucket) --> | tag, line |
 *
 * A sketch counts values in buckets, so a line from the bucket of a quantile is one
 * of those that made it. It is a cache, in which those of rare buckets must outlive
 * those of frequent ones to be of any use: an entry is its owner's for some hundred
 * lines, and then goes to whoever comes first.
 */
#ifndef LP_EXEMPLAR_H
#define LP_EXEMPLAR_H

#include "logplex/aggregate.h"
#include "sketch_scale.h"

enum { LPI_EXEMPLARS_MAX = 2048, LPI_EXEMPLAR_KEPT_LINES = 512 };

typedef struct lpi_exemplars {
    /* A tag, and the low bits of its line's number below it; 0: none. NULL: there
       is no list. */
    uint64_t *list;
    uint32_t shift; /* from a hash to a place in it */
    uint32_t bytes;
} lpi_exemplars;

static inline uint64_t lpi_place_hash(lpi_place place)
{
    return (((uint64_t)place.key << 2) + (uint64_t)(place.side + 1)) *
           UINT64_C(0x9e3779b97f4a7c15);
}

static inline uint32_t lpi_exemplar_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 16) | 1;
}

static inline uint64_t lpi_exemplar_hash(uint32_t series_hash,
                                         uint64_t place_hash)
{
    return series_hash * UINT64_C(0xd1b54a32d192ed03) ^ place_hash;
}

/* series_hash is that of its name. No processor could foretell who stays, so there
 * is no branch. */
static inline void lpi_exemplar_keep(const lpi_exemplars *exemplars,
                                     uint32_t series_hash, uint64_t place_hash,
                                     lp_seq seq)
{
    uint64_t hash = lpi_exemplar_hash(series_hash, place_hash);
    uint64_t *at = &exemplars->list[hash >> exemplars->shift];
    uint64_t mine = (uint64_t)lpi_exemplar_tag(hash) << 32 | (seq & UINT32_MAX);
    uint64_t old = *at;
    uint64_t is_others =
        (uint64_t)((old ^ mine) >> 32 != 0) & (uint64_t)(old != 0) &
        (uint64_t)((uint32_t)(mine - old) < LPI_EXEMPLAR_KEPT_LINES);

    *at = mine ^ ((old ^ mine) & -is_others);
}

/* Makes the list: some hundred or thousand entries, a part of bytes_max. Without
 * memory there is none, and it can be tried again. */
void lpi_exemplars_make(lp_aggregate *aggregate);
void lpi_exemplars_clear(lp_aggregate *aggregate);

/* The line of a bucket; newest_seq is at least that of any of them. 0: none. */
lp_seq lpi_exemplar_of(const lpi_exemplars *exemplars, uint32_t series_hash,
                       lpi_place place, lp_seq newest_seq);

#endif /* LP_EXEMPLAR_H */
