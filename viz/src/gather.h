/*
 * gather.h - what the requests of a run measure, before it is in its series.
 *
 *      value --> bucket of the sketch, at once
 *            --> count, sum, least and most, newest lines: here, in whole numbers
 *                     |
 *                     +--> the series, when the run or the second is over
 *
 * A channel has few such series, and each line counts in all of them; so they are
 * what it pays to have at hand, without a series to look for, and without doubles, of
 * which each sum has to keep what rounding takes. Nothing waits here when a call
 * returns, so no reader has to ask for it.
 */
#ifndef LP_GATHER_H
#define LP_GATHER_H

#include "series.h"

enum { LPI_GATHER_BYTES = 64 };

/* One line of the cache each. In two of them what is read and written for each value
 * would lie across both, and at the end of a page the processor waits for that. */
typedef struct lpi_gather {
    // Of a series with buckets: a counter for most values.
    _Alignas(LPI_GATHER_BYTES) lpi_block *block;
    uint64_t sum;
    lp_seq max_seq; /* of the first line with max */
    lp_seq newest[2];
    uint32_t count;
    uint32_t min;
    uint32_t max; /* 0: there was nothing above */
    uint32_t last;
    uint32_t series_hash;
    uint32_t zeros : 31; /* no run has more lines */
    bool is_open : 1;
} lpi_gather;

_Static_assert(sizeof(void *) != 8 || sizeof(lpi_gather) == LPI_GATHER_BYTES,
               "a gather is one line of the cache");

/* One more, for a series that is plain and open. */
static inline void lpi_gather_add_plain(lpi_gather *gather, uint32_t value,
                                        lp_seq seq)
{
    gather->count++;
    gather->sum += value;
    gather->min = value < gather->min ? value : gather->min;
    if (value > gather->max) {
        gather->max = value;
        gather->max_seq = seq;
    }
    gather->newest[1] = gather->newest[0];
    gather->newest[0] = seq;
    gather->last = value;
}

/* One more, for any. False: nothing is done, as it is closed or has no counter for
 * it. */
static inline bool lpi_gather_add(lpi_gather *gather, uint32_t value,
                                  lpi_place place, lp_seq seq)
{
    if (!gather->is_open) {
        return false;
    }
    if (value == 0) {
        gather->zeros++;
    } else if (!lpi_block_increment(gather->block, place.key)) {
        return false;
    }
    lpi_gather_add_plain(gather, value, seq);
    return true;
}

/* For a series from now on, if it is plain, or its sketch has counters; until it is
 * closed nobody else may count in it. */
void lpi_gather_open(lpi_gather *gather, const lpi_series *series);

/* Into the series for which it was opened. */
void lpi_gather_close(lpi_gather *gather, lpi_series *series);

#endif /* LP_GATHER_H */
