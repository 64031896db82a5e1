/*
 * hold.h - what waits while ingest holds (worker/pace.h): connections that are
 * not read meanwhile, and POSTs that are taken later.
 *
 * Threads: the worker's alone.
 */
#ifndef LOGPLEXD_HOLD_H
#define LOGPLEXD_HOLD_H

#include <sys/queue.h>

#include "worker/worker.h"

/* To be embedded in what waits; zero to begin with. */
typedef struct hold_wait {
    TAILQ_ENTRY(hold_wait) entry;
    void (*go_on)(struct hold_wait *wait);
    bool is_waiting;
} hold_wait;

/* Before the loop runs. False: there is no memory. */
bool hold_open(worker *w);

/* Does ingest hold, so that this is to wait? */
static inline bool hold_is_on(const worker *w)
{
    return w->holds && pace_is_held(w->shared->pace);
}

/* go_on(wait) is called once, when ingest does not hold any more, or at the
 * worker's end. Only while hold_is_on(). */
void hold_until_over(worker *w, hold_wait *wait);

/* It waits no longer. Harmless when it did not. */
void hold_cancel(worker *w, hold_wait *wait);

/* Lets all go on; nothing holds from here on. Harmless a second time. */
void hold_close(worker *w);

#endif /* LOGPLEXD_HOLD_H */
