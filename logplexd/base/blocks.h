/*
 * blocks.h - the engine's memory: its blocks out of one range of addresses, so
 * that what is resident is what the engine counts, and little more.
 *
 * Blocks of 4 KiB to 1 MiB are parts of huge pages, "chunks" of 2 MiB, halved
 * and joined again as in any buddy system:
 *
 *     range   | chunk 0         | chunk 1           | never used ...
 *             | given | given   | given | free      |
 *             | (16K) | (1M)    | (4K)  | resident  |
 *                                       | or a hole |
 *
 * A free block is resident, or a hole: given back to the system. What has been
 * written to is resident, and so is all of a chunk from the first byte that is,
 * as it is a huge page. Holes are made where there is need to: when given
 * and free together would be more than the engine's ceiling and a little. Each
 * costs a system call and breaks a huge page, so below the ceiling there are none,
 * but for chunks that are free as a whole; and at it, halves have time to be joined
 * again first, as neighbours that were taken together often come back together.
 *
 * A general allocator can't hold a ceiling so. It learns of it too late (pages
 * decay by time), it rounds (jemalloc adds a page to each block of 16 KiB and
 * more), and the kernel may fill its holes again (khugepaged): here a chunk with
 * holes is no huge page until they are in use.
 *
 * What is no block (channels, cursors, what aggregates keep) comes from malloc
 * and is counted. So do blocks for which there is no range left.
 *
 * Threads: any, for all but open and close; one mutex.
 */
#ifndef LOGPLEXD_BLOCKS_H
#define LOGPLEXD_BLOCKS_H

#include "logplex/logplex.h"

typedef struct blocks blocks;

typedef struct blocks_stats {
    uint64_t given_bytes;    /* of blocks that somebody has         */
    uint64_t resident_bytes; /* of free blocks that are no holes    */
    uint64_t other_bytes;    /* of all else, from malloc            */
    uint64_t hole_bytes;     /* within chunks that have been in use */
    uint64_t holes_made;     /* so often                            */
} blocks_stats;

/*
 * For an engine whose ceiling is max_bytes.
 * Owns: the caller's until blocks_close(); all has to be given back before.
 * Fails: NULL: no memory, or no addresses for that many bytes.
 */
blocks *blocks_open(uint64_t max_bytes);
void blocks_close(blocks *b);

/* What there may be of free blocks and given ones beyond max_bytes. */
uint64_t blocks_slack_bytes(const blocks *b);

/* For lp_engine_options. It is good until blocks_close(). */
lp_allocator blocks_allocator(blocks *b);

void blocks_stats_get(blocks *b, blocks_stats *out);

#endif /* LOGPLEXD_BLOCKS_H */
