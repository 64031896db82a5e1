/*
 * tally.h - what is counted of one series in one window, live and as bytes.
 *
 * The bytes are a *row*; a frame has one behind the other, ids ascending:
 *
 *      id less that of the row before | flags | failed | valueless | max_seq
 *      the values: a single one | its count in front of it, when all are equal |
 *                  count, min, max, sum | length, packed sketch
 *
 * Numbers are as in packing.h. What a flag does not tell is 0 and is not there. The
 * last form is for what has buckets (lpi_is_flat).
 * A plain tally has no buckets: it is for what is never asked for quantiles, and
 * for detail that has faded. Once a plain one is merged into another, that one is
 * plain as well.
 */
#ifndef LP_TALLY_H
#define LP_TALLY_H

#include "packing.h"
#include "sketch_impl.h"

typedef struct lpi_tally {
    lp_sketch values;   /* plain: its buckets and zeros say nothing */
    uint64_t valueless; /* counted, but without a value */
    uint64_t failed;
    lp_seq max_seq; /* the line of values.max; 0: not known */
    bool is_plain;
} lpi_tally;

/* A row of a frame whose first line is first_seq, before it is taken apart. */
typedef struct lpi_row {
    uint64_t id;
    uint64_t valueless;
    uint64_t failed;
    lp_seq max_seq;
    lp_span packed; /* empty: totals say all that there is */
    uint64_t count; /* of these; 0: there is packed, or there are no values */
    double min;
    double max;
    double sum;
    bool is_plain;
} lpi_row;

static inline bool lpi_row_has_values(const lpi_row *row)
{
    return row->count > 0 || row->packed.len_bytes > 0;
}

static inline uint64_t lpi_tally_count(const lpi_tally *tally)
{
    return tally->values.count + tally->valueless;
}

/* One more, of a finite value. */
static inline void lpi_tally_add_plain(lpi_tally *tally, double value)
{
    lp_sketch *values = &tally->values;

    if (values->count == 0 || value < values->min) {
        values->min = value;
    }
    if (values->count == 0 || value > values->max) {
        values->max = value;
    }
    values->count++;
    lpi_sum_add(values, value);
}

/* Drops its buckets. */
void lpi_tally_flatten(lpi_tally *tally, lp_sketch_home *home);

void lpi_tally_merge(lpi_tally *into, lp_sketch_home *home,
                     const lpi_tally *from);

/* Merges a row; asked for plain, it does not look at its buckets. */
void lpi_tally_merge_row(lpi_tally *into, lp_sketch_home *home,
                         const lpi_row *row, bool as_plain);

/* All of its values but their buckets. */
void lpi_row_totals(const lpi_row *row, lp_sketch *out);

void lpi_tally_clear(lpi_tally *tally, lp_sketch_home *home);

/* The same, but what memory it has is kept for values to come. */
void lpi_tally_reset(lpi_tally *tally, lp_sketch_home *home);

/* before_id: that of the row before, 0 for the first one. */
void lpi_tally_write(lpi_writer *w, lpi_tally *tally,
                     const lp_sketch_home *home, uint64_t id,
                     uint64_t before_id, lp_seq first_seq);

/* The next row of *rest; out->id is that of the row before, 0 at first. False: there
 * is none. */
bool lpi_row_next(lp_span *rest, lp_seq first_seq, lpi_row *out);

#endif /* LP_TALLY_H */
