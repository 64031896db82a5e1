/*
 * tail_filter.h - which lines a session shows, and where its history begins.
 *
 * The newest N lines that match are found before anything is sent: one pass
 * over what the ring has sets a bit for each line that matches, and the start
 * is the N-th set bit from the end.
 *
 *     oldest                                         next, when it was asked
 *       | 0 1 0 0 0 1 1 0 0 0 1 0 0 1 0 0 0 0 0 1 1 0 |
 *                                 ^ start, for N = 3
 *
 * A bit a line makes 2 KiB for 16,000 lines. The pass is cut into steps, so
 * that a full ring does not hold up the loop.
 */
#ifndef LOGPLEXD_TAIL_FILTER_H
#define LOGPLEXD_TAIL_FILTER_H

#include <stdbool.h>

#include "logplex/filter.h"
#include "logplex/logplex.h"

typedef struct tail_filter {
    lp_filter *where; /* or NULL: whatever the lines say                   */
    lp_span source;   /* exact APP-NAME; empty: all                         */
    lp_span ps;       /* PROCID, or what stands before its dot; empty: all  */
} tail_filter;

bool tail_filter_is_open(const tail_filter *filter);
bool tail_filter_match(const tail_filter *filter, const lp_record *record);

typedef struct tail_scan tail_scan;

/*
 * Begins to look for the newest want_lines lines of what the ring has now.
 * Fails: LP_E_NOMEM, LP_E_FULL.
 */
lp_err tail_scan_open(lp_channel *ring, uint64_t want_lines, tail_scan **out);

/*
 * Looks at the next lines_max lines. Fails: LP_E_AGAIN (there are more).
 * LP_OK: *start is the first line to show, and *stop the one behind the last
 * that was there when the scan was opened.
 */
lp_err tail_scan_step(tail_scan *scan, const tail_filter *filter,
                      uint32_t lines_max, lp_seq *start, lp_seq *stop);
void tail_scan_close(tail_scan *scan);

#endif /* LOGPLEXD_TAIL_FILTER_H */
