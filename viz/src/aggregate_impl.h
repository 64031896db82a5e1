/*
 * aggregate_impl.h - what the parts of an aggregate know of each other.
 *
 *      aggregate.c         life, runs, stats
 *      aggregate_line.c    which series a line is counted in
 *      gather.c            what the requests of a run measure, until it is over
 *      series.c            the table of them
 *      tally.c             what is counted of one, and as bytes
 *      frame.c             windows that are over: rows of bytes, merged
 *      tier.c              when they are over; clocks that step; ages
 *      fade.c              what goes when there is no room
 *      doze.c              what is kept of a channel that fell silent
 *      aggregate_read.c    frames to rows with names
 *      aggregate_brief.c   the last minute in a few numbers
 *      minute.c            what these are made of, kept up to date
 *      process.c           what a process says of itself
 *      exemplar.c          lines for values
 *      marker.c            events
 */
#ifndef LP_AGGREGATE_IMPL_H
#define LP_AGGREGATE_IMPL_H

#include "doze.h"
#include "exemplar.h"
#include "frame.h"
#include "gather.h"
#include "logplex/aggregate.h"
#include "marker.h"
#include "minute.h"
#include "process.h"
#include "response.h"
#include "series.h"

enum {
    LPI_NS_PER_S = 1000000000,
    LPI_SLACK_S = 10, /* lines so late still count in the second that is open */
    LPI_SILENT_S = 120,
    LPI_HURRY_S = 60,
    LPI_ROUTE_MEMOS = 64,
    LPI_GATHERED_LINES =
        LP_REQUEST_NUMBERS, /* of the router; and its measures */
    LPI_GATHERS = LPI_GATHERED_LINES + 1,
    LPI_PROCESS_MEMOS = 64
};

struct lp_aggregates {
    lp_allocator allocator;
    lp_allocator scratch; /* for the length of a call */
    lp_sketch_scale scale;
    uint64_t bytes_max;
    uint64_t hash_key[2];
    const lp_kinds *kinds;
    uint32_t series_max;
};

/* A name of at most eight bytes, filled with zeros: to compare it here is to leave
 * the text of the series where it is. */
typedef struct lpi_process_memo {
    uint64_t name;
    uint16_t slot;
} lpi_process_memo;

/* Slots that lines keep asking for, 0: not known. Forgotten when slots move.
 * Of a route it is in the low 16 bits, and above it are those of its name's hash:
 * that two have the same 48 bits of a keyed one is not to be feared. */
typedef struct lpi_memo {
    lpi_process_memo lines[LPI_PROCESS_MEMOS];
    lpi_process_memo processes[LPI_PROCESS_MEMOS];
    uint16_t router[LP_REQUEST_NUMBERS];
    uint16_t status[LPI_STATUS_END - LPI_STATUS_FIRST];
    uint64_t routes[LPI_ROUTE_MEMOS];
} lpi_memo;

/* What there is from the first line on, until it falls silent. */
typedef struct lpi_live {
    lpi_gather gathers[LPI_GATHERS]; /* open only while lines are counted */
    lp_sketch_home home; /* of the sketches of the second that is open */
    lpi_table table;
    lpi_memo memo;
    lpi_exemplars exemplars;
    lpi_minute *minute; /* NULL: there was no line lately */
    lpi_crowd crowd;
    lp_seq newest_seq;
    int64_t sampled_s; /* when a process last said something of itself */
    uint64_t open_lines;
    uint64_t open_lost_lines;
    uint64_t open_classes[LP_STATUS_CLASSES];
    lp_seq open_first_seq;
    lp_seq open_end_seq;
} lpi_live;

struct lp_aggregate {
    lp_aggregates *shared;
    lpi_live *live; /* NULL: there was no line, lately */
    lpi_doze *doze; /* what live had, if there is something left to know */
    lpi_markers markers;
    lpi_tier tiers[LP_TIERS];
    int64_t open_s;                    /* the second that is open          */
    int64_t open_from_ns;              /* its beginning                    */
    int64_t since_s;                   /* when the first line came         */
    int64_t dropped_until_s[LP_TIERS]; /* for want of memory */
    uint64_t waiting_lost_lines;       /* of no second yet                 */
    uint64_t held_bytes;               /* all but the buckets of live->home */
    int64_t stuck_s;  /* no second found memory to end since; or INT64_MIN */
    bool is_started;  /* there was a line */
    bool was_refused; /* since a second ended */
    uint8_t hurry_s;  /* so many seconds want enough memory before one waits for
                        some again; till then what is newer is worth more */
    bool is_sparing;  /* no frame goes for what is asked for */
    bool is_fading;  /* what is asked for takes the place of something larger */
    bool is_waking;  /* the same, as it was before */
    bool is_looking; /* live is in scratch, for the length of a call */
    uint64_t lines;
    uint64_t lost_lines;
    uint64_t other_values; /* of seconds that are over */
    uint64_t uncounted_lines;
    uint64_t odd_values;
    lp_seq odd_seq;
    uint64_t series_dropped;
    uint64_t frames_dropped;
    uint64_t clock_steps;
};

/* Counted, and in no window yet, for want of memory. */
static inline uint64_t lpi_held_lines(const lp_aggregate *aggregate)
{
    return aggregate->live != NULL && aggregate->stuck_s != INT64_MIN
               ? aggregate->live->open_lines
               : 0;
}

/* What sketches of the open second may take. */
static inline uint64_t lpi_home_bytes_max(const lp_aggregates *shared)
{
    return shared->bytes_max / 8;
}

/* Memory within bytes_max, for which frames fade if need be. NULL: there is none
 * to be had. Not zeroed. */
void *lpi_alloc(lp_aggregate *aggregate, size_t bytes, size_t align);

/* The same of what is good to have, and no more: nothing goes for it where the memory
 * of all channels is full. */
void *lpi_alloc_spare(lp_aggregate *aggregate, size_t bytes, size_t align);

void lpi_free(lp_aggregate *aggregate, void *ptr, size_t bytes);

/* All but frames has at most half of it, so that they always have room. */
bool lpi_may_hold(const lp_aggregate *aggregate, size_t more_bytes);

/* A live that is new, and no more. False: there is no memory. */
bool lpi_live_make(lp_aggregate *aggregate);
void lpi_live_free(lp_aggregate *aggregate);

/* Counts a line in all its series, of the second that is open. What the last ones
 * measured is in them with lpi_count_end(), which is due when that second ends, or
 * there is no further line. */
void lpi_count_line(lp_aggregate *aggregate, const lp_record *record);
void lpi_count_end(lp_aggregate *aggregate);

/* A value that its measure can't have, and so is in no row. */
static inline void lpi_count_odd(lp_aggregate *aggregate, lp_seq seq)
{
    aggregate->odd_values++;
    aggregate->odd_seq = seq;
}

/* The series of a row that a reader got; NULL: it has made room for another. */
const lpi_series *lpi_series_of_row(const lp_aggregate *aggregate,
                                    const lp_aggregate_row *row);

static inline int64_t lpi_floor_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;

    return value - (rest < 0 ? rest + step : rest);
}

static inline int64_t lpi_second_of(int64_t ns)
{
    // Of a second that has no room in the clock the next one.
    if (ns < INT64_MIN + LPI_NS_PER_S) {
        ns = INT64_MIN + LPI_NS_PER_S;
    }
    return lpi_floor_to(ns, LPI_NS_PER_S) / LPI_NS_PER_S;
}

#endif /* LP_AGGREGATE_IMPL_H */
