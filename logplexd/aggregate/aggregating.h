/*
 * aggregating.h - all aggregators: who reads which, and when.
 *
 *     catalog --follow--> shelf of a home --adopt--> armed <---+
 *                                                      | line  | three looks
 *                                                      v       | for nothing
 *                               every REST_MS, or --> active --+
 *                               some MiB behind        | channel closed
 *                                                      v
 *                                                     over
 *
 * A channel that is quiet costs nothing: its cursor is armed. One that speaks is
 * looked at every AGGREGATOR_REST_MS, however many lines it has, so single lines
 * cost no wake-up each; and as soon as the home is some MiB behind, which is the less
 * the fewer channels speak, so that the lines of a busy one are read while they are in
 * the processor's cache. Those that had much to read are looked at first. Who has few
 * lines then is left until there are more, as what is known of a channel takes longer
 * to fetch than its lines: they *wait*, and the home is not behind for their sake.
 *
 * Each channel, also one that is silent, has its rest once a minute, when what is
 * not within any window any more is given back.
 */
#ifndef LOGPLEXD_AGGREGATING_H
#define LOGPLEXD_AGGREGATING_H

#include "worker/worker.h"

/* Makes shared->aggregates, and shared->pace to go by; cfg, engine and catalog are
 * there, and no worker is. Follows all channels that there are. False: the log
 * says why. */
bool aggregates_open(daemon_shared *shared);

/* After the catalog is closed. NULL is allowed. */
void aggregates_close(daemon_shared *shared);

/* On w's loop, before it runs. Nothing, where there are no aggregates. */
void aggregating_start(worker *w);

/* Nothing comes any more. Threads: w's. */
void aggregating_stop(worker *w);

/* All homes together. */
typedef struct aggregates_totals {
    uint64_t behind_lines;
    uint64_t active;   /* channels that are looked at */
    uint64_t followed; /* all of them                 */
    uint64_t frames;   /* that were made for viewers  */
    bool is_held;      /* ingest waits for some home  */
} aggregates_totals;

/* Threads: any. */
void aggregates_totals_take(const daemon_shared *shared,
                            aggregates_totals *out);

#endif /* LOGPLEXD_AGGREGATING_H */
