/*
 * marker.h - events that a chart marks: the newest few, in the order in which they
 * came. When there are too many, those of processes go before releases and deploys
 * do, of which there are few and which explain the others.
 */
#ifndef LP_MARKER_H
#define LP_MARKER_H

#include <sys/queue.h>

#include "logplex/aggregate.h"

typedef struct lpi_marker {
    TAILQ_ENTRY(lpi_marker) next;
    int64_t at_ns;
    lp_seq seq;
    uint8_t kind;
    uint8_t process_bytes;
    uint8_t text_bytes;
} lpi_marker; /* process and text are behind it */

typedef struct lpi_markers {
    TAILQ_HEAD(, lpi_marker) list; /* the oldest first */
    uint32_t count;
} lpi_markers;

/* Keeps the event of a line, if it is one. Without memory it is not marked; it is
 * counted elsewhere. */
void lpi_markers_add(lp_aggregate *aggregate, const lp_record *record,
                     const lp_measures *m);
/* Those that arrived before from_s go. */
void lpi_markers_drop_old(lp_aggregate *aggregate, int64_t from_s);
void lpi_markers_clear(lp_aggregate *aggregate);
/* All of them are so much older: the clock stepped. */
void lpi_markers_step_back(lp_aggregate *aggregate, int64_t step_s);

#endif /* LP_MARKER_H */
