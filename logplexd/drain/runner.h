/*
 * runner.h - the drains of the catalog, running.
 *
 * A drain belongs to one worker for life, the one that its id falls to. Each
 * worker has a *runner*: a set of drains on its loop (logplex/drain.h), kept as
 * the catalog says. A change to the catalog wakes all runners; they walk the
 * channels then, at most once in SYNC_MS.
 *
 *     catalog --waker--> runner --open, redirect, close--> set of drains
 *                          |
 *                          +--LOOK_MS--> what there is to say of each, for
 *                                        whoever asks on another thread
 */
#ifndef LOGPLEXD_RUNNER_H
#define LOGPLEXD_RUNNER_H

#include <stdio.h>

#include "logplex/drain.h"
#include "worker/worker.h"

/* On w's loop, before it runs. False: there is no memory; the log has it. */
bool runner_start(worker *w);

/* The catalog has changed: to be given to catalog_watch_drains(), with the
 * daemon_shared. Threads: any. */
void runner_sync_all(void *shared, const catalog_new_drain *made);

/* What is pending goes out without lingering. Threads: w's, as the next two. */
void runner_hurry(worker *w);

/* Is something on its way to a sink that takes it? */
bool runner_is_busy(worker *w);

/* Ends the drains; what is still pending is lost, and in the log. */
void runner_stop(worker *w);

/* Of a worker that has ended, when nobody asks any more. NULL is allowed. */
void runner_free(struct drain_runner *runner);

/* What there is to say of a drain, not older than LOOK_MS. Threads: any. False:
 * it does not run (yet). */
bool runner_status(const daemon_shared *shared, uint64_t drain_id,
                   lp_drain_status *out);

/* Has a drain that is parked go on. False: it is not, and is left alone. Threads:
 * any. */
bool runner_release(const daemon_shared *shared, uint64_t drain_id);

/* Has a drain that is parked, or waits after a failure, try again now. False: it
 * does not run (yet). Threads: any. */
bool runner_retry(const daemon_shared *shared, uint64_t drain_id);

/* All drains together. */
typedef struct runner_totals {
    uint64_t states[LP_DRAIN_STATES]; /* how many are in each */
    lp_drain_status sums;  /* of the counts, those that are gone included */
    uint64_t closed_lines; /* pending when their drain was deleted */
} runner_totals;

/* Threads: any. */
void runner_totals_take(const daemon_shared *shared, runner_totals *out);

/* What there is to say of a drain, and of which channel it is. */
typedef struct runner_drain {
    uint64_t id;
    char channel_id[CATALOG_ID_MAX_BYTES + 1];
    lp_drain_status status;
} runner_drain;

typedef struct runner_drains {
    runner_drain *at; /* by id */
    size_t count;
    size_t left_out;
} runner_drains;

/* So many drains at most, those with the lowest ids, which are the oldest.
 * Without memory all are left out. Threads: any. Owns: at is the caller's, to be
 * freed. */
void runner_drains_take(const daemon_shared *shared, size_t count_max,
                        runner_drains *out);

/* "idle", "sends" ... */
const char *runner_state_name(unsigned state);

#endif /* LOGPLEXD_RUNNER_H */
