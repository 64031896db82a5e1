/*
 * process.h - what a process says of itself besides its lines and its requests.
 *
 *      series LINES "web.1" --> process | memory, load    rows of their own
 *                                       | rss, quota ...  the newest value
 *                                       | skew            of two minutes
 *
 * It belongs to the series of the process's lines, so that a process with samples
 * needs no further series: memory and load of the second that is open become rows
 * next to that of the lines, with ids that follow its id.
 */
#ifndef LP_PROCESS_H
#define LP_PROCESS_H

#include "series.h"

/* A sample with a history, in the second that is open. */
typedef struct lpi_level {
    uint64_t count;
    double sum;
    double min;
    double max;
    double last;
    lp_seq newest[2];
} lpi_level;

typedef struct lpi_skew {
    uint64_t count;
    double sum;
    double min;
    double max;
} lpi_skew;

typedef struct lpi_process {
    lpi_level levels[LPI_PARTS];
    lp_aggregate_sample samples[LP_GAUGES];
    lpi_skew skews[2]; /* of the minute of skew_s, and of the one before */
    int64_t skew_s;
    int64_t memory_s; /* of its newest sample of memory_total */
} lpi_process;

/* The memory of processes without a series, for which there was no room: of each line
 * what it makes of its quota, and of these the most. */
typedef struct lpi_crowd {
    lp_seq seq; /* the line of memory and quota, bytes; 0: not known yet */
    double memory;
    double quota;
    int64_t from_s; /* of shares[0]: half a minute, which shares[1] is before */
    double shares[2]; /* 1 is all of the quota; 0: not known */
} lpi_crowd;

typedef enum lpi_sampled {
    LPI_SAMPLED = 0, /* kept, or of a kind that nobody asks for by process */
    LPI_SAMPLED_OTHER = 1 /* there is no room: it belongs to the other row */
} lpi_sampled;

/* Can't a runtime sample be this: is it known to be of another unit, or never below
 * 0 or as large? */
bool lpi_sample_is_odd(const lp_measure *measure);

/* What a row of a part is called, and measured in. */
lp_span lpi_part_name(lpi_part part);
lp_unit lpi_part_unit(lpi_part part);

/* Is it a row of a part? */
bool lpi_is_part(const lp_aggregate_row *row);

/* A runtime sample of a process. */
lpi_sampled lpi_process_sample(lp_aggregate *aggregate, lp_span process,
                               const lp_measure *measure, lp_seq seq);

/* The largest share of the last 30 to 60 s before end_s. */
double lpi_crowd_share(const lpi_crowd *crowd, int64_t end_s);

/* Arrival less TIMESTAMP, ms, of a line of the process whose lines are in slot. */
void lpi_process_skew(lp_aggregate *aggregate, uint32_t slot, double ms);

/* Writes the rows of the parts of a series that had samples in the open second;
 * returns the id of the row that was written last. */
uint64_t lpi_process_write(lpi_writer *w, const lpi_series *series,
                           const lp_sketch_home *home, uint64_t before_id,
                           lp_seq first_seq);

/* What is left to know of one when no second is open; times relative to base_s. To a
 * series that has none; false: there is no memory. */
void lpi_process_pack(lpi_writer *w, const lpi_process *process,
                      int64_t base_s);
bool lpi_process_unpack(lp_aggregate *aggregate, uint32_t slot, lpi_reader *r,
                        int64_t base_s);

/* The second that was open is over; the clock steps back; the series goes. All of
 * them are for a series without one, too. */
void lpi_process_reset(lpi_series *series);
void lpi_process_step_back(lpi_series *series, int64_t step_s);
void lpi_process_free(lp_aggregate *aggregate, lpi_series *series);

#endif /* LP_PROCESS_H */
