/*
 * aggregator_impl.h - what the two .c of this room share and nobody else sees.
 */
#ifndef LOGPLEXD_AGGREGATOR_IMPL_H
#define LOGPLEXD_AGGREGATOR_IMPL_H

#include <sys/queue.h>

#include "aggregate/aggregating.h"
#include "aggregate/aggregator.h"

typedef enum aggregator_state {
    AGGREGATOR_SHELVED, /* its home has not heard of it  */
    AGGREGATOR_ARMED,   /* nothing to read               */
    AGGREGATOR_ACTIVE,  /* in its home's list            */
    AGGREGATOR_OVER     /* there is no cursor any more   */
} aggregator_state;

struct aggregator {
    catalog_follower follower; /* the first member */

    /* Constant. */
    struct aggregates *shared;
    lp_channel *ring; /* held */
    int64_t since_ns; /* wall clock */
    unsigned home;

    /* The home's. */
    aggregator_state state;
    uint8_t empty_looks; /* in a row */
    lp_cursor *cursor;
    waker waker;
    LIST_ENTRY(aggregator) entry;
    TAILQ_ENTRY(aggregator) active_entry; /* while it is active */

    /* Written by the home, read by all. */
    _Atomic lp_seq next_seq;
    _Atomic uint64_t lines;
    _Atomic uint64_t lost_lines;
    _Atomic uint64_t uncounted_lines;
    _Atomic bool is_over;

    _Atomic unsigned viewers;
    uv_mutex_t lock; /* over: */
    lp_aggregate *numbers;
    aggregator_frame *frame;
};

/* Not on any shelf yet. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err aggregator_open(struct aggregates *shared, lp_channel *ring,
                       unsigned home, aggregator **out);

typedef enum aggregator_news {
    AGGREGATOR_READ, /* so many lines; there may be more       */
    AGGREGATOR_NONE, /* it has all there is                    */
    AGGREGATOR_BUSY, /* somebody asks; nothing was read        */
    AGGREGATOR_END   /* its channel is closed, and all is read */
} aggregator_news;

/* What one reading came to. Lines that are lost count as read. */
typedef struct aggregator_read {
    aggregator_news news;
    uint64_t lines;
    uint64_t lost_lines;
    uint64_t uncounted_lines;
    uint64_t bytes;
} aggregator_read;

/* Reads on, at most so many bytes and one run more. Threads: the home's. */
void aggregator_read_on(aggregator *a, uint64_t bytes_max,
                        aggregator_read *out);

/* Closes its cursor. Threads: the home's, or nobody else's any more. */
void aggregator_finish(aggregator *a);

/* Memory under the engine's ceiling, on behalf of the channel that this thread
 * has begun to ask, or to read. */
lp_allocator aggregates_allocator(lp_engine *engine);

struct aggregates {
    lp_engine *engine;
    lp_aggregates *numbers;
    unsigned home_count;
    struct aggregating *homes;
    _Atomic uint64_t frames; /* that were made for viewers */
};

#endif /* LOGPLEXD_AGGREGATOR_IMPL_H */
