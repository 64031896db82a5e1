/*
 * engine.h - the root: who is there, and how much memory there may be.
 *
 * Locks, and the order in which a thread may take them:
 *
 *     channel.wake_mutex  ->  channel.mutex  ->  engine.mutex
 *
 * engine.mutex is a leaf: whoever holds it takes no other lock, save that the
 * hunt for a channel to evict from may *try* one (lpi_engine_take_surplus()).
 */
#ifndef LP_ENGINE_H
#define LP_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "logplex/logplex.h"

enum {
    LPI_BLOCK_MIN_BYTES = 4096,
    LPI_BLOCK_CLASSES = 9, /* 4 KiB, 8 KiB ... 1 MiB */
    LPI_ALIGN_BYTES = 64
};

/* What a channel or a cursor leaves in the ledger when it goes. */
typedef struct lpi_totals {
    uint64_t appended_lines;
    uint64_t appended_bytes;
    uint64_t evicted_lines;
    uint64_t evicted_bytes;
    uint64_t too_big_lines;
    uint64_t refused_lines;
    uint64_t delivered_lines;
    uint64_t lost_lines;
} lpi_totals;

typedef struct lpi_block {
    struct lpi_block *next;
} lpi_block;

/* Blocks of one size that nobody has right now. */
typedef struct lpi_pool {
    lpi_block *blocks;
    uint64_t held_bytes;
} lpi_pool;

struct lp_engine {
    /* Shared. */
    pthread_mutex_t mutex;
    _Atomic uint64_t pinned_bytes; /* evicted, yet held by readers */
    _Atomic uint64_t kept_bytes[LP_KEEP_ACCOUNTS]; /* set under mutex */

    /* Constant. */
    lp_allocator allocator;
    uint64_t memory_max_bytes;
    uint64_t pooled_max_bytes;
    uint64_t epoch;
    uint32_t segment_max_bytes;

    /* Under mutex: memory. */
    uint64_t memory_bytes;
    uint64_t pooled_bytes;
    uint64_t borrowed_bytes;
    uint64_t borrow_refusals;
    lpi_pool pools[LPI_BLOCK_CLASSES];
    lp_channel *surplus; /* channels that keep more than their history */

    /* Under mutex: the channels, newest first, and those that are gone. */
    lp_channel *channels;
    uint64_t channel_count;
    uint64_t opened_count;
    lpi_totals gone;

    /* Under mutex: the ledger's walk over the channels, one at a time. What a
     * channel takes with it that the walk has yet to reach goes to missed. */
    pthread_mutex_t walk_mutex; /* outermost of all; held for a walk */
    uint64_t walk;
    bool is_walking;
    lpi_totals missed;
};

void lpi_totals_add(lpi_totals *sum, const lpi_totals *more);

/* The registry: begins and ends a channel's membership. */
void lpi_engine_enter(lp_engine *engine, lp_channel *channel);
void lpi_engine_leave(lp_engine *engine, lp_channel *channel,
                      const lpi_totals *totals);

/* Says whether a channel keeps more than its history. Threads: any that holds
 * the channel's mutex. */
void lpi_engine_set_surplus(lp_engine *engine, lp_channel *channel,
                            bool has_surplus);

/*
 * Some channel, not `except`, that keeps more than its history: locked and
 * held. NULL when there is none, or none that is free right now.
 */
lp_channel *lpi_engine_take_surplus(lp_engine *engine,
                                    const lp_channel *except);

/* memory.c ---------------------------------------------------------------- */

/* Both count against the ceiling. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err lpi_memory_alloc(lp_engine *engine, size_t size_bytes, void **out);
void lpi_memory_free(lp_engine *engine, void *ptr, size_t size_bytes);

/* Counts a loan in before its memory is there, and out when that is gone or was
 * refused. Fails: LP_E_FULL (so much is never lent), which is counted. */
lp_err lpi_memory_begin_loan(lp_engine *engine, size_t size_bytes);
void lpi_memory_end_loan(lp_engine *engine, size_t size_bytes, bool is_refused);

/* A block for a segment: a power of two from LPI_BLOCK_MIN_BYTES to
 * segment_max_bytes. Blocks given back are kept for the next taker; where that
 * would be too many, those of the size of which there are most make room. */
lp_err lpi_memory_take_block(lp_engine *engine, uint32_t block_bytes,
                             void **out);
void lpi_memory_give_block(lp_engine *engine, void *block,
                           uint32_t block_bytes);

/* What has to be given back before there is room for so much more. */
uint64_t lpi_memory_lack(lp_engine *engine, size_t size_bytes);

/* Is so much of the ceiling in use that rings may have to give? */
bool lpi_memory_is_tight(lp_engine *engine);

/* Frees the pool; the engine is going. */
void lpi_memory_fini(lp_engine *engine);

#endif /* LP_ENGINE_H */
