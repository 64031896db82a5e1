/*
 * api_drain_series.h - drains in /metrics, each with series of its own.
 *
 * They begin with logplex_channel_drain_, and the sums of all drains with
 * logplex_drain_: to add up the series of one name counts nothing twice. Labels
 * are the channel and the number of the drain: neither is a secret, as the token
 * is and the URL can have one.
 */
#ifndef LOGPLEXD_API_DRAIN_SERIES_H
#define LOGPLEXD_API_DRAIN_SERIES_H

#include <stdio.h>

#include "drain/runner.h"

/* So many of them at most. Threads: any. */
void api_print_drain_series(FILE *to, const daemon_shared *shared,
                            size_t count_max);

#endif /* LOGPLEXD_API_DRAIN_SERIES_H */
