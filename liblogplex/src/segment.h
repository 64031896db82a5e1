/*
 * segment.h - a page of lines that many readers share.
 *
 * One block of memory, a slotted page. Lines are packed from the front in
 * their wire form, so that a run of them is one span; a slot for each line
 * grows down from the back:
 *
 *     block                       used                           block_bytes
 *     | header | line 0 | line 1 | ... free ... | slot 1 | slot 0 |
 *
 * What a line leaves out of its wire form ("aside") is in small chunks beside
 * the block, and neighbours that say the same share one copy.
 *
 * Its life:
 *
 *     OPEN --the ring rolls on--> SEALED --evicted, last unref--> block given back
 *
 * OPEN: whoever holds the channel's mutex puts lines and then publishes them.
 * Whatever is below `published` never changes again, so a reader that holds a
 * reference and has seen n may read n lines without asking anybody.
 * SEALED is OPEN without a writer; to a reader it is the same.
 */
#ifndef LP_SEGMENT_H
#define LP_SEGMENT_H

#include <stdatomic.h>

#include "logplex/logplex.h"

typedef struct lpi_slot {
    int64_t arrival_ns;
    const char *aside;   /* its length in 4 bytes, and its bytes; or NULL */
    uint32_t end_offset; /* of the line, in the block; it begins where the one
                            before it ends */
    lp_marks marks;
} lpi_slot;

typedef struct lpi_aside lpi_aside;

struct lp_segment {
    /* Shared. */
    _Atomic uint32_t refs; /* the ring's, each cursor's, each run's */
    _Atomic uint32_t published;

    /* Constant. */
    lp_engine *engine;
    lp_seq base_seq; /* of line 0 */
    uint32_t block_bytes;

    /* Under the channel's mutex. */
    uint32_t line_count;
    uint32_t used_bytes; /* from the start of the block, header included */
    bool is_in_ring;
    lp_segment *next; /* the younger neighbour, while in the ring */
    int64_t arrival_max_ns;
    lpi_aside *asides;
    const char *last_aside;
};

/* Where the lines begin. */
#define LPI_SEGMENT_FIRST_OFFSET \
    ((uint32_t)((sizeof(struct lp_segment) + 15) & ~(size_t)15))

/* The largest line that a block of this size takes. */
static inline size_t lpi_segment_line_max(uint32_t block_bytes)
{
    return block_bytes - LPI_SEGMENT_FIRST_OFFSET - sizeof(lpi_slot);
}

static inline const lpi_slot *lpi_segment_slot(const lp_segment *segment,
                                               uint32_t index)
{
    const char *end = (const char *)segment + segment->block_bytes;

    return (const lpi_slot *)(const void *)end - (index + 1);
}

static inline uint32_t lpi_segment_offset(const lp_segment *segment,
                                          uint32_t index)
{
    if (index == 0)
        return LPI_SEGMENT_FIRST_OFFSET;
    return lpi_segment_slot(segment, index - 1)->end_offset;
}

/* Is there room for one more line of so many bytes? Threads: writer. */
static inline bool lpi_segment_fits(const lp_segment *segment,
                                    size_t line_bytes)
{
    return segment->used_bytes + line_bytes +
               (segment->line_count + 1) * sizeof(lpi_slot) <=
           segment->block_bytes;
}

/* With one reference, the ring's. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err lpi_segment_create(lp_engine *engine, uint32_t block_bytes,
                          lp_seq base_seq, lp_segment **out);

/* Copies a line that fits; readers don't see it yet.
 * Fails: LP_E_FULL, LP_E_NOMEM (its aside found no memory). Threads: writer. */
lp_err lpi_segment_put(lp_segment *segment, const lp_line *line,
                       size_t line_bytes);

/* Shows readers all that was put. Threads: writer. */
static inline void lpi_segment_publish(lp_segment *segment)
{
    // release: pairs with the acquire in lpi_segment_published().
    atomic_store_explicit(&segment->published, segment->line_count,
                          memory_order_release);
}

static inline uint32_t lpi_segment_published(const lp_segment *segment)
{
    // acquire: pairs with the release in lpi_segment_publish().
    return atomic_load_explicit(&segment->published, memory_order_acquire);
}

void lpi_segment_ref(lp_segment *segment);
void lpi_segment_unref(lp_segment *segment);

#endif /* LP_SEGMENT_H */
