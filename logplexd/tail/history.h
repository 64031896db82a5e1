/*
 * history.h - what of a ring may be shown to readers yet to come.
 *
 * A ring keeps lines for those who are reading it now as well, so it can have
 * some that arrived while history was switched off, or before, and more of them
 * than a channel is to remember.
 *
 *     oldest               since                            next
 *       | not to be shown    | floor ...    | the newest N ... |
 */
#ifndef LOGPLEXD_HISTORY_H
#define LOGPLEXD_HISTORY_H

#include "worker/worker.h"

typedef struct history_bounds {
    int64_t since_ns;   /* what arrived before is not shown; 0: since ever */
    uint64_t lines_max; /* nor is what is older than the newest so many; 0: no
                           limit */
} history_bounds;

/* As the switches and the configuration have them. */
history_bounds history_bounds_of(const daemon_shared *shared);

/* The first line that may be shown. Without memory to look, only what is to come
 * is shown. */
lp_seq history_floor(lp_channel *ring, const history_bounds *bounds);

/* Has a cursor start at the newest num_lines lines above the floor, or all of
 * them when there are fewer. */
void history_start(lp_channel *ring, const history_bounds *bounds,
                   uint64_t num_lines, lp_cursor_options *opt);

#endif /* LOGPLEXD_HISTORY_H */
