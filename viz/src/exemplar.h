/*
 * exemplar.h - a line for a value: of each series and bucket of its sketches the
 * newest one, as far as there is room.
 *
 *      bucket --> group of eight   | . | tag, line | . | ...
 *                                          ^ hash of (series, bucket)
 *
 * A group is a line of the processor's cache, so that a value which several series
 * count touches one, and those of neighbouring buckets are side by side.
 *
 * A sketch counts values in buckets, so a line from the bucket of a quantile is one
 * of those that made it. It is a cache, in which those of rare buckets must outlive
 * those of frequent ones to be of any use: an entry is its owner's for some hundred
 * lines, and then goes to whoever comes first.
 */
#ifndef LP_EXEMPLAR_H
#define LP_EXEMPLAR_H

#include <assert.h>

#include "logplex/aggregate.h"
#include "packing.h"

enum {
    LPI_EXEMPLARS_MAX = 2048,
    LPI_EXEMPLAR_GROUP = 8,
    LPI_EXEMPLAR_KEPT_LINES = 512,
    LPI_EXEMPLARS_WAITING = 8,
    LPI_EXEMPLARS_OF_VALUE = 4 /* so many series count the same one, at most */
};

typedef struct lpi_exemplar_put {
    uint64_t *at;
    uint64_t entry;
} lpi_exemplar_put;

typedef struct lpi_exemplars {
    /* A tag, and the low bits of its line's number below it. No tag: there is none,
       and the number is one that is too old to stay. NULL: there is no list. */
    uint64_t *list;
    uint32_t group_mask; /* how many groups it has, less 1 */
    uint32_t bytes;

    /* What the line before had to put in it. Nobody can foretell where, so with
       many channels each of them waits for memory, which was a sixth of the time of
       a line; so the processor fetches it while the next line is read. What is
       known some time before it is put in does not wait: that of a response is
       fetched while its path is folded. */
    uint32_t waiting_count;
    lpi_exemplar_put waiting[LPI_EXEMPLARS_WAITING];
} lpi_exemplars;

/* Where lines for a value are kept. */
typedef struct lpi_exemplar_place {
    uint64_t *group; /* NULL: nowhere */
    uint32_t hash;   /* of the bucket */
} lpi_exemplar_place;

static inline lpi_exemplar_place
lpi_exemplar_place_of(const lpi_exemplars *exemplars, lpi_place place)
{
    lpi_exemplar_place at = {NULL, 0};

    // Nobody asks for a line of zero.
    if (exemplars->list != NULL && place.side >= 0) {
        at.group = exemplars->list + (size_t)LPI_EXEMPLAR_GROUP *
                                         (place.key & exemplars->group_mask);
        at.hash = (place.key * 2 + (uint32_t)place.side) * UINT32_C(0x9e3779b1);
    }
    return at;
}

static inline uint64_t lpi_exemplar_hash(uint32_t series_hash,
                                         uint32_t place_hash)
{
    return (series_hash ^ place_hash) * UINT64_C(0xd1b54a32d192ed03);
}

/* From the three top bits. */
static inline unsigned lpi_exemplar_in_group(uint64_t hash)
{
    return (unsigned)(hash >> 61) % LPI_EXEMPLAR_GROUP;
}

static inline uint32_t lpi_exemplar_tag(uint64_t hash)
{
    return (uint32_t)(hash >> 16) | 1;
}

/* series_hash is that of its name. */
static inline lpi_exemplar_put
lpi_exemplar_put_of(uint32_t series_hash, lpi_exemplar_place place, lp_seq seq)
{
    uint64_t hash = lpi_exemplar_hash(series_hash, place.hash);
    lpi_exemplar_put put;

    put.at = &place.group[lpi_exemplar_in_group(hash)];
    put.entry = (uint64_t)lpi_exemplar_tag(hash) << 32 | (uint32_t)seq;
    return put;
}

/* Another's entry stays that is not so old. Nobody foretells which, so each is a choice
 * and no branch. */
static inline void lpi_exemplar_settle(lpi_exemplar_put put)
{
    uint64_t mine = put.entry;
    uint64_t old = *put.at;
    bool is_old = (uint32_t)mine - (uint32_t)old >= LPI_EXEMPLAR_KEPT_LINES;
    bool is_mine = (old ^ mine) >> 32 == 0;

    old = __builtin_expect_with_probability(is_old, 1, 0.5) ? mine : old;
    *put.at = __builtin_expect_with_probability(is_mine, 1, 0.5) ? mine : old;
}

/* Puts in what waits. */
void lpi_exemplars_settle(lpi_exemplars *exemplars);

/* A value is to be counted, and it has to have room. */
static inline void lpi_exemplars_begin(lpi_exemplars *exemplars)
{
    if (exemplars->waiting_count >
        LPI_EXEMPLARS_WAITING - LPI_EXEMPLARS_OF_VALUE) {
        lpi_exemplars_settle(exemplars);
    }
}

/* It is in the list once that is settled. */
static inline void lpi_exemplar_keep(lpi_exemplars *exemplars,
                                     lpi_exemplar_put put)
{
    assert(exemplars->waiting_count < LPI_EXEMPLARS_WAITING);
    exemplars->waiting[exemplars->waiting_count++] = put;
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
