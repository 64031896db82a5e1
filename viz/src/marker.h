/*
 * marker.h - events that a chart marks: the newest few, in the order in which they
 * came. When there are too many, those of processes go before releases and deploys
 * do, of which there are few and which explain the others.
 */
#ifndef LP_MARKER_H
#define LP_MARKER_H

#include "logplex/aggregate.h"

typedef struct lpi_marker {
    int64_t at_ns;
    lp_seq seq;
    uint8_t kind;
    uint8_t process_bytes;
    uint8_t text_bytes;
} lpi_marker; /* process and text are behind it */

typedef struct lpi_markers {
    lpi_marker *list[LP_AGGREGATE_MARKERS_MAX];
    uint32_t count;
} lpi_markers;

/* Keeps the event of a line, if it is one. Without memory it is not marked; it is
 * counted elsewhere. */
void lpi_markers_add(lp_aggregate *aggregate, const lp_record *record,
                     const lp_measures *m);
void lpi_markers_clear(lp_aggregate *aggregate);

#endif /* LP_MARKER_H */
