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
    unsigned id_bytes; /* of the channel's id, which is behind it */

    /* The home's. */
    uint8_t empty_looks;    /* in a row */
    uint64_t waiting_lines; /* that are left for later, when there are more */
    uint64_t read_bytes;    /* of the ring's appended bytes, also if lost */
    lp_cursor *cursor;
    waker waker;
    TAILQ_ENTRY(aggregator) entry;
    TAILQ_ENTRY(aggregator) active_entry; /* while it is active */

    /* Written by the home, read by all. */
    _Atomic lp_seq next_seq;
    _Atomic uint64_t lines;
    _Atomic uint64_t lost_lines;
    _Atomic bool is_over;
    _Atomic aggregator_state state;

    /* All that came before was counted, or lost. Written by all. */
    _Atomic int64_t counted_ns;

    _Atomic unsigned viewers;
    uv_mutex_t lock;       /* over: */
    lp_aggregate *numbers; /* NULL: there was no line, or no memory */
    aggregator_frame *frame;
    uncounted uncounted;
    char id[];
};

/* Not on any shelf yet. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err aggregator_open(struct aggregates *shared, lp_span id, lp_channel *ring,
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

/* Gives back what no window and no viewer needs any more, unless somebody asks; to
 * be called now and then, also while it is silent. Threads: any. */
void aggregator_rest(aggregator *a, int64_t now_ns);

/* All that came before has been counted. Threads: any. */
void aggregator_has_counted(aggregator *a, int64_t until_ns);

typedef struct aggregator_unread {
    uint64_t lines;
    uint64_t bytes;
    uint64_t resident_bytes; /* of all lines that the ring has */
} aggregator_unread;

/* What has come, and is not read yet. Threads: the home's. */
void aggregator_unread_get(const aggregator *a, aggregator_unread *out);

/* Hints that it will be looked at: step 0 asks for the aggregator, step 1, some time
 * later, for its ring. Threads: the home's. */
void aggregator_prefetch(const aggregator *a, unsigned step);

/* Closes its cursor. Threads: the home's, or nobody else's any more. */
void aggregator_finish(aggregator *a);

/* Memory under the engine's ceiling, on behalf of the channel that this thread
 * has begun to ask, or to read. */
lp_allocator aggregates_allocator(struct aggregates *shared);

/* What a call gives back before it returns: of at most as many calls as the pool and
 * homes have threads, each of about --aggregate-max. So it is not under the ceiling,
 * and numbers are told also when that is reached. */
lp_allocator aggregates_scratch(void);

/* How far a home has read, of channels that are armed. Threads: any. */
int64_t aggregating_counted_ns(const struct aggregates *shared, unsigned home);

struct aggregates {
    lp_engine *engine;
    lp_aggregates *numbers;
    lp_aggregate *none; /* of a channel without a line; anybody may ask it */
    char why[256];      /* lines may be uncounted */
    uint64_t lent_max_bytes;
    _Atomic uint64_t lent_bytes; /* for numbers */
    unsigned home_count;
    struct aggregating *homes;
    _Atomic uint64_t frames; /* that were made for viewers */
};

#endif /* LOGPLEXD_AGGREGATOR_IMPL_H */
