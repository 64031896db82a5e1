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
 * the block, and neighbours that say the same share one copy. They are memory of the
 * segment, as its block is.
 *
 * Its life:
 *
 *     OPEN --the ring rolls on--> SEALED --evicted, last unref--> given back
 *
 * OPEN: whoever holds the channel's mutex writes lines, with the channel's
 * *pen*, and shows them by moving the channel's next_seq past them. What is
 * below that never changes again, so a reader that holds a reference and has
 * seen next_seq may read up to it without asking anybody. Writing touches the
 * line, its slot and the pen, and nothing else: the segment's own header stays
 * out of the writer's cache.
 * SEALED: `published` says how many lines there are, for good.
 */
#ifndef LP_SEGMENT_H
#define LP_SEGMENT_H

#include <stdatomic.h>
#include <string.h>

#include "logplex/logplex.h"

typedef struct lpi_slot {
    int64_t arrival_ns;
    const char *aside;   /* its length in 4 bytes, and its bytes; or NULL */
    uint32_t end_offset; /* of the line, in the block; it begins where the one
                            before it ends */
    lp_marks marks;
} lpi_slot;

typedef struct lpi_aside lpi_aside;

#define LPI_SEGMENT_OPEN UINT32_MAX

enum {
    LPI_ASIDE_FIRST_BYTES = 56, /* with its length */
    LPI_ASIDE_COPY_BYTES = 64
};

struct lp_segment {
    /* Shared. */
    _Atomic uint32_t refs; /* the ring's, each cursor's, each run's  */
    _Atomic uint32_t
        published; /* lines, or LPI_SEGMENT_OPEN: ask the channel */

    /* Constant. */
    lp_engine *engine;
    lp_seq base_seq; /* of line 0 */

    /* Under the channel's mutex; of an open segment as of its last settle. */
    lp_segment *next; /* the younger neighbour, while in the ring */
    int64_t arrival_max_ns;
    lpi_aside *asides;
    uint32_t block_bytes; /* constant */
    uint32_t line_count;
    uint32_t used_bytes;  /* from the start of the block, header included */
    uint32_t aside_bytes; /* of memory, in all; set under engine.mutex, too */

    /* Under engine.mutex: runs that are kept, by accounts. */
    uint16_t keepers[LP_KEEP_ACCOUNTS];

    /* Under the channel's mutex. */
    bool is_in_ring;
    uint8_t first_aside_bytes;
    char first_aside[LPI_ASIDE_FIRST_BYTES]; /* most segments have no other */
};

/*
 * Where the next line goes, and what the last one left aside. A channel has
 * one; it is all that is needed to add a line to the open segment.
 * Threads: whoever holds the channel's mutex, but for at and slot, which
 * lp_channel_prefetch() reads for a hint.
 */
typedef struct lpi_pen {
    _Atomic(char *) at;
    _Atomic(lpi_slot *) slot;
    int64_t arrival_max_ns;
    const char *aside; /* of the last line that had one, its length in front */
    uint32_t aside_bytes;
    char
        *aside_copy; /* the same, if LPI_ASIDE_COPY_BYTES are enough; elsewhere,
                         as not every line touches it */
} lpi_pen;

/* Where the lines begin. */
#define LPI_SEGMENT_FIRST_OFFSET \
    ((uint32_t)((sizeof(struct lp_segment) + 15) & ~(size_t)15))

/* The largest line that a block of this size takes. */
static inline size_t lpi_segment_line_max(uint32_t block_bytes)
{
    return block_bytes - LPI_SEGMENT_FIRST_OFFSET - sizeof(lpi_slot);
}

/* Memory of it: the block, and what is beside it. */
static inline uint64_t lpi_segment_held_bytes(const lp_segment *segment)
{
    return (uint64_t)segment->block_bytes + segment->aside_bytes;
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

/* With one reference, the ring's. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err lpi_segment_create(lp_engine *engine, uint32_t block_bytes,
                          lp_seq base_seq, lp_segment **out);

/* Sets the pen to the first line of a new segment. */
void lpi_pen_begin(lpi_pen *pen, lp_segment *segment);

/* Is there room for one more line of so many bytes? */
static inline bool lpi_pen_fits(const lpi_pen *pen, size_t line_bytes)
{
    const char *at = atomic_load_explicit(&pen->at, memory_order_relaxed);
    const lpi_slot *slot =
        atomic_load_explicit(&pen->slot, memory_order_relaxed);

    // The slot behind the last line may already reach below its end.
    return (const char *)slot - at >= (ptrdiff_t)line_bytes;
}

/*
 * Most parts of a line are a few bytes: two overlapping moves of a fixed size
 * cost less than a call that has to find out. Returns the place behind.
 */
static inline char *lpi_put_part(char *at, lp_span part)
{
    const char *from = part.ptr;
    size_t len_bytes = part.len_bytes;
    char *end = at + len_bytes;

    if (len_bytes >= 16) {
        if (len_bytes > 64) {
            memcpy(at, from, len_bytes);
        } else if (len_bytes > 32) {
            memcpy(at, from, 32);
            memcpy(end - 32, from + len_bytes - 32, 32);
        } else {
            memcpy(at, from, 16);
            memcpy(end - 16, from + len_bytes - 16, 16);
        }
    } else if (len_bytes >= 8) {
        memcpy(at, from, 8);
        memcpy(end - 8, from + len_bytes - 8, 8);
    } else if (len_bytes >= 4) {
        memcpy(at, from, 4);
        memcpy(end - 4, from + len_bytes - 4, 4);
    } else {
        for (size_t i = 0; i < len_bytes; i++)
            at[i] = from[i];
    }
    return end;
}

/* Does the last aside say the same? */
bool lpi_pen_has_aside(const lpi_pen *pen, const lp_span part[2]);

/* How much more memory the segment takes for an aside of so many bytes; mostly 0.
 * NULL: a new one. */
size_t lpi_segment_aside_need(const lp_segment *segment, size_t aside_bytes);

/* Puts it into pen->aside. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err lpi_pen_put_aside(lpi_pen *pen, lp_segment *segment,
                         const lp_span part[2]);

/* Has it no line yet? */
static inline bool lpi_pen_is_new(const lpi_pen *pen, const lp_segment *segment)
{
    // A line may have no byte, but each has a slot.
    return atomic_load_explicit(&pen->slot, memory_order_relaxed) ==
           lpi_segment_slot(segment, 0);
}

/* Writes a line that fits, its aside having been put; readers don't see it yet. It
 * is what each line costs, so it is drawn into the one place that calls it. */
static inline void lpi_pen_put(lpi_pen *pen, lp_segment *segment,
                               const lp_line *line, size_t line_bytes,
                               const char *aside)
{
    char *at = atomic_load_explicit(&pen->at, memory_order_relaxed);
    lpi_slot *slot = atomic_load_explicit(&pen->slot, memory_order_relaxed);
    const lp_span *end = line->parts + line->part_count;

    slot->arrival_ns = line->arrival_ns;
    slot->aside = aside;
    slot->end_offset = (uint32_t)(at + line_bytes - (char *)segment);
    slot->marks = line->marks;
    for (const lp_span *part = line->parts; part < end; part++)
        at = lpi_put_part(at, *part);
    atomic_store_explicit(&pen->at, at, memory_order_relaxed);
    atomic_store_explicit(&pen->slot, slot - 1, memory_order_relaxed);
    if (line->arrival_ns > pen->arrival_max_ns)
        pen->arrival_max_ns = line->arrival_ns;
}

/* Brings the segment's own account up to what the pen has written. */
void lpi_pen_settle(const lpi_pen *pen, lp_segment *segment);

/* Settles, and says that this was all. */
void lpi_pen_seal(const lpi_pen *pen, lp_segment *segment);

/* See lp_run_keep(); memory that is kept is returned, or 0: it would be too much. */
uint64_t lpi_segment_keep(lp_segment *segment, unsigned account,
                          uint64_t max_bytes);
void lpi_segment_unkeep(lp_segment *segment, unsigned account);

/* See lp_run_move(); false: more runs than it can count are there. */
bool lpi_segment_move(lp_segment *segment, unsigned from, unsigned to);

void lpi_segment_ref(lp_segment *segment);
void lpi_segment_unref(lp_segment *segment);

#endif /* LP_SEGMENT_H */
