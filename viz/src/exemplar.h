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
#include "packing.h"

enum {
    LPI_EXEMPLARS_MAX = 2048,
    LPI_EXEMPLAR_KEPT_LINES = 512,
    LPI_EXEMPLARS_WAITING = 8
};

typedef struct lpi_exemplar_put {
    uint64_t *at;
    uint64_t entry;
} lpi_exemplar_put;

typedef struct lpi_exemplars {
    /* A tag, and the low bits of its line's number below it; 0: none. NULL: there
       is no list. */
    uint64_t *list;
    uint32_t shift; /* from a hash to a place in it */
    uint32_t bytes;

    /* What the line before had to put in it. Nobody can foretell where, so with
       many channels each of them waits for memory, which was a sixth of the time of
       a line; so the processor fetches it while the next line is read. */
    uint32_t waiting_count;
    lpi_exemplar_put waiting[LPI_EXEMPLARS_WAITING];
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

/* No processor could foretell who stays, so there is no branch. */
static inline void lpi_exemplar_settle_one(const lpi_exemplar_put *put)
{
    uint64_t mine = put->entry;
    uint64_t old = *put->at;
    uint64_t is_others =
        (uint64_t)((old ^ mine) >> 32 != 0) & (uint64_t)(old != 0) &
        (uint64_t)((uint32_t)(mine - old) < LPI_EXEMPLAR_KEPT_LINES);

    *put->at = mine ^ ((old ^ mine) & -is_others);
}

/* Puts in what waits. */
static inline void lpi_exemplars_settle(lpi_exemplars *exemplars)
{
    for (uint32_t i = 0; i < exemplars->waiting_count; i++) {
        lpi_exemplar_settle_one(&exemplars->waiting[i]);
    }
    exemplars->waiting_count = 0;
}

/* series_hash is that of its name. It is in the list once that is settled. */
static inline void lpi_exemplar_keep(lpi_exemplars *exemplars,
                                     uint32_t series_hash, uint64_t place_hash,
                                     lp_seq seq)
{
    uint64_t hash = lpi_exemplar_hash(series_hash, place_hash);
    lpi_exemplar_put *put;

    if (exemplars->waiting_count == LPI_EXEMPLARS_WAITING) {
        lpi_exemplars_settle(exemplars);
    }
    put = &exemplars->waiting[exemplars->waiting_count++];
    put->at = &exemplars->list[hash >> exemplars->shift];
    put->entry = (uint64_t)lpi_exemplar_tag(hash) << 32 | (seq & UINT32_MAX);
    __builtin_prefetch(put->at, 1);
}

/* Makes the list: some hundred or thousand entries, a part of bytes_max. Without
 * memory there is none, and it can be tried again. */
void lpi_exemplars_make(lp_aggregate *aggregate);
void lpi_exemplars_clear(lp_aggregate *aggregate);

/* Those that there are, in few bytes, none when there are none; and back to a list
 * that is not made yet, as far as there is memory. None waits. */
void lpi_exemplars_pack(const lpi_exemplars *exemplars, lp_seq newest_seq,
                        lpi_writer *w);
void lpi_exemplars_unpack(lp_aggregate *aggregate, lp_span packed);

/* The line of a bucket; newest_seq is at least that of any of them. 0: none. */
lp_seq lpi_exemplar_of(const lpi_exemplars *exemplars, uint32_t series_hash,
                       lpi_place place, lp_seq newest_seq);

#endif /* LP_EXEMPLAR_H */
