/*
 * frame.h - windows that are over: one block of memory each, its rows packed.
 *
 *      frame | start, width, lines | classes | row | row | ...    ids ascending
 *
 * A tier has them in order of time. What is pending in it is not yet merged into a
 * frame of the tier above, and never dropped:
 *
 *      oldest [ ][ ][ ][ ][ ][ ][ ][ ][ ] newest
 *                              ^ pending
 */
#ifndef LP_FRAME_H
#define LP_FRAME_H

#include <sys/queue.h>

#include "series.h"

typedef struct lpi_frame {
    TAILQ_ENTRY(lpi_frame) next;
    int64_t start_s;
    lp_seq first_seq;
    lp_seq end_seq;
    uint64_t lost_lines;
    uint32_t lines; /* UINT32_MAX: so many, or more. Its rows know */
    uint32_t row_bytes;
    uint32_t width_s;
    uint8_t detail;
    uint8_t class_bytes; /* 0: it has no requests */
    uint16_t late_s; /* how far before start_s it has lines of, as there was no
                            memory then; UINT16_MAX: so far, or more */
} lpi_frame; /* the classes of its requests, and its rows, are behind it */

/* What a frame says of its time as a whole, in no row: so it is exact however little
 * of the rows is left. */
typedef struct lpi_window {
    lpi_frame head;
    uint64_t classes[LP_STATUS_CLASSES]; /* requests; packed in a frame */
} lpi_window;

TAILQ_HEAD(lpi_frame_list, lpi_frame);

typedef struct lpi_tier {
    struct lpi_frame_list frames;
    lpi_frame *pending; /* NULL: all are merged */
    uint64_t bytes;
    uint64_t full_bytes; /* of these, in frames of LP_DETAIL_FULL */
} lpi_tier;

static inline int64_t lpi_frame_end(const lpi_frame *frame)
{
    return frame->start_s + frame->width_s;
}

/* When the first of its lines may have come. */
static inline int64_t lpi_frame_earliest(const lpi_frame *frame)
{
    return frame->start_s - frame->late_s;
}

/* It begins at start_s, and may have lines of before, since earliest_s. */
void lpi_frame_begin(lpi_frame *frame, int64_t start_s, int64_t earliest_s);

static inline size_t lpi_frame_bytes_for(size_t packed_bytes)
{
    return (sizeof(lpi_frame) + packed_bytes + 7) / 8 * 8;
}

static inline size_t lpi_frame_bytes(const lpi_frame *frame)
{
    return lpi_frame_bytes_for((size_t)frame->class_bytes + frame->row_bytes);
}

static inline lp_span lpi_frame_rows(const lpi_frame *frame)
{
    return lp_span_of((const char *)(frame + 1) + frame->class_bytes,
                      frame->row_bytes);
}

/* Adds what a frame says, without its rows; into->head.width_s is 0 at first. The
 * later one comes second. */
void lpi_window_extend(lpi_window *into, const lpi_frame *from);

/* A frame of *window; others fade for it. NULL: there is no memory. */
lpi_frame *lpi_frame_of_rows(lp_aggregate *aggregate, const lpi_window *window,
                             lp_span rows);
void lpi_frame_free(lp_aggregate *aggregate, lpi_frame *frame);

/* As the newest, or in front of another one. It is counted in the tier. */
void lpi_tier_push(lpi_tier *tier, lpi_frame *frame);
void lpi_tier_put_before(lpi_tier *tier, lpi_frame *frame, lpi_frame *at);
/* Takes it out; pending moves on. */
void lpi_tier_remove(lpi_tier *tier, lpi_frame *frame);

enum {
    LPI_MERGE_MAX = 16, /* frames at once */
    /* Rows are written to the stack first; when they are more than that, a second
       time to memory. */
    LPI_ROWS_BYTES = 16 * 1024
};

/* Rows to be merged, of one window or of several. */
typedef struct lpi_rows {
    lp_span bytes;
    lp_seq first_seq;
} lpi_rows;

/*
 * Writes the rows of all sources, merged, with no more detail than asked for, to *w.
 * Counts what finds no room there.
 */
void lpi_rows_merge(const lp_aggregate *aggregate, const lpi_rows *sources,
                    unsigned count, lp_detail detail, lp_seq first_seq,
                    lpi_writer *w);

/* A frame of what lpi_rows_merge() makes. The sources may have gone afterwards, as
 * others fade for it. NULL: there is no memory. */
lpi_frame *lpi_frame_merge(lp_aggregate *aggregate, const lpi_window *window,
                           const lpi_rows *sources, unsigned count,
                           lp_detail detail);

#endif /* LP_FRAME_H */
