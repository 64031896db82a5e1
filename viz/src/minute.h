/*
 * minute.h - the last sixty seconds that are over, in a few numbers each, and what
 * was in each ten seconds of the last five minutes.
 *
 *      second % 60 -->  | . | . | n | n | n | . | ...       sum: of all of them
 *      tens             | n | n | n | ...        | n |      the newest one last
 *
 * They move on as seconds end, so that a list of many channels finds them added up.
 * Who was silent for five minutes has none.
 */
#ifndef LP_MINUTE_H
#define LP_MINUTE_H

#include "logplex/aggregate.h"

enum { LPI_MINUTE_S = 60, LPI_SPARK_S = 10 };

typedef struct lpi_counts {
    uint32_t lines;
    uint32_t lost_lines;
    uint32_t requests;
    uint32_t failed;
    uint32_t errors;
} lpi_counts;

typedef struct lpi_minute {
    int64_t end_s; /* behind the newest second */
    uint64_t lines;
    uint64_t lost_lines;
    uint64_t requests;
    uint64_t failed;
    uint64_t errors;
    lp_aggregate_brief brief; /* what was made of it until its end_s */
    int64_t read_until_s;     /* how long what brief has of frames is good */
    uint64_t read_requests;   /* of how many that is                       */
    uint64_t read_errors;
    lpi_counts seconds[LPI_MINUTE_S];
    uint32_t lines_of[LP_AGGREGATE_SPARKS];
    uint32_t requests_of[LP_AGGREGATE_SPARKS];
} lpi_minute;

/* It is there. False: there is no memory. */
bool lpi_minute_make(lp_aggregate *aggregate);
void lpi_minute_free(lp_aggregate *aggregate);

/* What tens have of the five minutes before end_s, to the places of those that they
 * are of. */
void lpi_sparks_read(const lp_aggregate *aggregate, int64_t end_s,
                     uint32_t lines[LP_AGGREGATE_SPARKS],
                     uint32_t requests[LP_AGGREGATE_SPARKS]);

/* The second that is open is over, and its frame is made. */
void lpi_minute_count(lp_aggregate *aggregate);

/* Those of [from_s, to_s), which are among the sixty. */
uint64_t lpi_minute_errors(lpi_minute *minute, int64_t from_s, int64_t to_s);

/* It is open_s: what is older than that goes, and all of it when it is nothing. */
void lpi_minute_move(lp_aggregate *aggregate);

#endif /* LP_MINUTE_H */
