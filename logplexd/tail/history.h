/*
 * history.h - what of a ring may be shown to readers yet to come.
 *
 * A ring keeps lines for those who are reading it now as well, so it can have
 * some that arrived while history was switched off, or before.
 *
 *     oldest               since                            next
 *       | not to be shown    | floor ...    | the newest N ... |
 */
#ifndef LOGPLEXD_HISTORY_H
#define LOGPLEXD_HISTORY_H

#include "logplex/logplex.h"

/* The first line that arrived at since_ns or later. 0 is since ever; without
 * memory to look, only what is to come is shown. */
lp_seq history_floor(lp_channel *ring, int64_t since_ns);

/* Has a cursor start at the newest num_lines lines above the floor, or all of
 * them when there are fewer. */
void history_start(lp_channel *ring, int64_t since_ns, uint64_t num_lines,
                   lp_cursor_options *opt);

#endif /* LOGPLEXD_HISTORY_H */
