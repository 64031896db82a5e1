/*
 * arrivals.h - lines that were written to a stream and have yet to arrive.
 *
 * Of each batch it is known which lines those are and where they end (sheet.h);
 * that is shared with others that send them, so nothing is done for a line as
 * long as batches arrive whole:
 *
 *     the stream    ---------|----------------|----------|-----
 *     its batches    notice, lines    lines        lines
 *                            |            |
 *                         counted      arrived: lines in front of it are told
 *
 * What comes in front of a batch's first line arrives with it.
 *
 * Threads: one.
 */
#ifndef LP_ARRIVALS_H
#define LP_ARRIVALS_H

#include "sheet.h"

typedef struct lpi_awaited {
    lpi_ends *ends;      /* held */
    uint32_t next, last; /* of its lines: the next to arrive, behind the last */
    uint32_t notice_bytes; /* in front of the next one */
} lpi_awaited;

typedef struct lpi_arrivals {
    lpi_awaited *at;
    size_t first, count;    /* batches of which something has yet to arrive */
    size_t room;            /* a power of two, or none */
    uint64_t counted_bytes; /* of the stream, by lines that were told */
} lpi_arrivals;

/* The lines of a batch, and so many bytes in front of them. False: there is no
 * memory. */
bool lpi_arrivals_await(lpi_arrivals *a, const lpi_rendered *rendered,
                        uint32_t lines, size_t notice_bytes);

/* So much of the stream has arrived: the lines of it that were not told yet. */
uint64_t lpi_arrivals_count(lpi_arrivals *a, uint64_t arrived_bytes);

/* And all of it is forgotten. */
void lpi_arrivals_fini(lpi_arrivals *a);

#endif /* LP_ARRIVALS_H */
