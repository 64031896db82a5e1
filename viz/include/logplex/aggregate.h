/*
 * aggregate.h - what the lines of a channel say in numbers, as they arrive.
 *
 * An aggregate is fed the runs of one cursor (lp_aggregate_run) and asked at any
 * time: how many requests, how fast, by whom, with which errors, in each second
 * of the last two minutes, each ten seconds of the last hour, each minute of the
 * last day.
 *
 *   lines --> kind, measures --> series --+--> the second that is open
 *            (measure.h)        "web.1"   |        | when it is over
 *                               "503"     |        v
 *                               "H12"     |   frames of 1 s -> 10 s -> 1 min
 *
 * A *series* is what is counted under one name: the requests that web.1 answered,
 * those with status 503, the lines of worker.1 with its memory and load. A *frame* is a
 * window that is over: a row for each series that had values in it, packed, in
 * one block of memory. Those of 10 s are merged of ten of 1 s, those of a minute
 * of six of 10 s, so a line is counted once and sums agree everywhere.
 *
 * Time is the arrival of a line. When it steps back by more than SLACK seconds
 * the frames step with it, so that nothing is counted in a future that does not
 * come; what senders write in their lines (TIMESTAMP) is shown as *skew* and has
 * no say in anything.
 *
 * Bounds. There are at most series_max series, and each dimension has some that no
 * other can take; what comes under further names is counted in the *other* row of
 * its dimension, so totals stay right. A series that had no value for two minutes
 * makes room. All of a channel's memory is within bytes_max: detail fades with
 * age, and totals don't:
 *
 *      now                                                            24 h ago
 *       | full: all rows, sketches | core: totals | coarse: 5 frames in one |
 *
 * Where these end depends on how much there is to keep; lp_aggregate_window says
 * of each answer what it is. An aggregate that saw no line holds under 512 bytes.
 * One that is silent for two minutes *dozes*: its names are packed and the rest is
 * given back, so a channel that spoke once holds under 1 KiB, and after a day what
 * one without a line does. The next line wakes it. Nothing has a timer, so somebody
 * has to call lp_aggregate_tick() for those that are silent now and then.
 *
 * Where memory is refused, a second stays open until there is some: what it has
 * counted is then told of a later one, which says since when (late_s), and until then
 * of none (held_lines). Older frames fade for it, as if bytes_max were what there is,
 * and after ten seconds the oldest ones go, at once until memory was enough for a
 * minute. Reading takes memory from scratch alone, and gives it back.
 *
 * Threads: one at a time for each aggregate; one that never saw a line may be asked
 * by several at once. What lp_aggregates_create() made is constant, and shared by
 * all.
 */
#ifndef LOGPLEX_AGGREGATE_H
#define LOGPLEX_AGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/logplex.h"
#include "logplex/measure.h"
#include "logplex/sketch.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_aggregates lp_aggregates; /* what all channels share   */
typedef struct lp_aggregate lp_aggregate;   /* the numbers of one channel */

enum {
    /* Of a series. Longer names are cut, between characters: a name is UTF-8
       without control characters, and has U+FFFD for each byte that is not. */
    LP_AGGREGATE_NAME_MAX_BYTES = 96,
    LP_AGGREGATE_UNIT_MAX_BYTES = 16, /* as a unit is written; the same */
    LP_AGGREGATE_SERIES_MAX_DEFAULT = 256,
    LP_AGGREGATE_SERIES_MAX_LEAST = 16,
    LP_AGGREGATE_SERIES_MAX_MOST = 4096,
    LP_AGGREGATE_BYTES_MAX_DEFAULT = 512 * 1024,
    LP_AGGREGATE_BYTES_MAX_LEAST = 64 * 1024,
    LP_AGGREGATE_MARKERS_MAX = 64
};

typedef struct lp_aggregates_options {
    uint32_t struct_bytes;
    uint32_t series_max;   /* 256, of one channel */
    uint64_t bytes_max;    /* 512 KiB, of one channel, all in all */
    double alpha;          /* 0.01: the relative error of quantiles */
    uint64_t hash_key[2];  /* random, so that nobody can choose names which get
                             in each other's way */
    const lp_kinds *kinds; /* own kinds of lines, or NULL; must outlive it */
    const lp_allocator *allocator; /* aligned_alloc and free; copied */
    /* For what a call gives back before it returns: about what the channel holds, at
       most. NULL: allocator. Copied. */
    const lp_allocator *scratch;
} lp_aggregates_options;

#define LP_AGGREGATES_OPTIONS_INIT                                           \
    {                                                                        \
        (uint32_t)sizeof(lp_aggregates_options), 0, 0, 0.0, {0}, NULL, NULL, \
            NULL                                                             \
    }

/*
 * opt may be NULL. Owns: all aggregates must have been closed before
 * lp_aggregates_destroy(); NULL is allowed there.
 * Fails: LP_E_INVALID, LP_E_NOMEM.
 */
LP_API lp_err lp_aggregates_create(const lp_aggregates_options *opt,
                                   lp_aggregates **out);
LP_API void lp_aggregates_destroy(lp_aggregates *shared);

/* Fails: LP_E_NOMEM. */
LP_API lp_err lp_aggregate_open(lp_aggregates *shared, lp_aggregate **out);
LP_API void lp_aggregate_close(lp_aggregate *aggregate);

/* Counts all lines of a run, and what its cursor has lost in front of it. What finds
 * no memory is counted in the other rows. The run is not kept.
 * Fails: LP_E_NOMEM (there is none for any number yet: its lines are uncounted). */
LP_API lp_err lp_aggregate_run(lp_aggregate *aggregate, const lp_run *run);

/* So many lines are about to come: memory that they will touch is loaded into the
 * processor's cache, at once, which is faster than when each is needed. For a thread
 * that counts for many aggregates in turn, before the first run of each turn. */
LP_API void lp_aggregate_expect(const lp_aggregate *aggregate, uint64_t lines);

/* It is now_ns, and all lines that arrived before have been counted (the cursor
 * said LP_E_AGAIN): windows that are over become frames, and what is not within any
 * window any more is given back. Lines do the former when they come; this is for
 * before reading, and for channels that are silent. */
LP_API void lp_aggregate_tick(lp_aggregate *aggregate, int64_t now_ns);

/* Reading ----------------------------------------------------------------- */

typedef enum lp_dimension {
    LP_DIM_TOTAL = 0,   /* requests, as the router saw them: connect + service,
                           ms */
    LP_DIM_PROCESS = 1, /* the same, by who answered: "web.1", "" for nobody */
    LP_DIM_STATUS = 2,  /* by status: "200", "" for none, "other" for a number
                           that is no status (LP_STATUS_OTHER) */
    LP_DIM_CODE = 3,    /* errors by code: "H12", with the times of requests;
                           also R14 and L10, which have none. No sketch */
    LP_DIM_ROUTE = 4, /* requests by method and folded path: "GET /users/:id" */
    LP_DIM_MEASURE = 5, /* any other measure, by its name. Those of the router
                           are called "router.connect", ".service", ".wait",
                           ".queue" and ".bytes" */
    LP_DIM_LINES = 6,   /* all lines by process: a value is a line's length in
                           bytes. No sketch */
    LP_DIM_EVENT = 7, /* what happens to dynos: "crashed", "up" and what else a
                           state can be, "restarted", "started", "stopped",
                           "exited". No values; markers say to which one */
    LP_DIM_SKEW = 8,  /* arrival less TIMESTAMP, ms: one line in a second of
                           each process. No sketch */
    LP_DIMENSIONS = 9
} lp_dimension;

/*
 * One series in one window, or in several merged ones.
 *
 * MEASURE and CODE have rows of all (of is empty) and rows of single processes
 * (is_of_process). Codes with a process are counted in both, and so are, of what the
 * platform samples, memory_total and load_avg_1m, so sums are taken over the one or
 * the other; all other samples are counted of all, and of each process the newest
 * one is kept (lp_aggregate_process). By convention a line's source= is its process,
 * and it is counted there only.
 *
 * Not all that is counted has a value: a request that no dyno answered took no
 * time, and must not make the others look faster.
 */
typedef struct lp_aggregate_row {
    uint8_t dimension;  /* lp_dimension                              */
    uint8_t op;         /* lp_measure_op                             */
    uint8_t unit;       /* lp_unit                                   */
    bool is_other;      /* what came under further names; name is "" */
    bool is_of_process; /* of says which, unless is_other            */
    bool is_platform;   /* MEASURE: the router, the platform or an add-on says
                           so, not the application */
    lp_span name;
    lp_span of;        /* MEASURE, CODE: the process */
    lp_span unit_text; /* LP_UNIT_OTHER: as it is written. Values of different
                             units have rows of their own, but for the other row,
                             of which only count means anything */
    uint64_t count;    /* of requests, errors, lines, events, values      */
    uint64_t value_count; /* of these, how many had a value, so that the mean is
                             sum / value_count */
    uint64_t failed;      /* of requests: with a status of 500 and more, or with
                             a code. TOTAL, PROCESS, STATUS, ROUTE */
    double sum, min, max; /* of values; 0 when there are none */
    double last;          /* the newest value that the series ever had */
    const lp_sketch *sketch; /* of value_count values; NULL: none is kept, so
                                there are no quantiles */
    lp_seq newest[2];        /* lines that made it, the newest ones if these are
                                of the window; 0: not known */
    lp_seq max_seq; /* the line of max; 0: not known, as it is too old */
} lp_aggregate_row;

typedef enum lp_tier {
    LP_TIER_SECONDS = 0, /* 1 s, 2 minutes of them  */
    LP_TIER_TENS = 1,    /* 10 s, an hour of them   */
    LP_TIER_MINUTES = 2, /* a minute, a day of them */
    LP_TIERS = 3
} lp_tier;

typedef enum lp_detail {
    LP_DETAIL_FULL = 0,
    LP_DETAIL_CORE = 1,   /* TOTAL with its sketch; STATUS, EVENT, and CODE and
                            MEASURE of all, without; LINES as one other row */
    LP_DETAIL_COARSE = 2, /* the same, of up to five minutes in one */
    LP_DETAIL_BARE = 3    /* no sketch, and of each dimension of CORE one other
                             row: memory is too small for what there is */
} lp_detail;

/* What requests have for a status. */
typedef enum lp_status_class {
    LP_STATUS_NONE = 0, /* nothing, or what is no number */
    LP_STATUS_1XX = 1,  /* 100 to 199, and so on */
    LP_STATUS_2XX = 2,
    LP_STATUS_3XX = 3,
    LP_STATUS_4XX = 4,
    LP_STATUS_5XX = 5,
    LP_STATUS_OTHER = 6, /* a number below 100, or of 600 and more */
    LP_STATUS_CLASSES = 7
} lp_status_class;

typedef struct lp_aggregate_window {
    int64_t start_s;  /* since 1970-01-01T00:00:00Z */
    int64_t end_s;    /* the second behind it       */
    lp_seq first_seq; /* the lines that were counted in it; 0: none */
    lp_seq end_seq;
    uint64_t lost_lines; /* that its cursor did not get to see */
    /* Lines of its time that later seconds tell, or none yet, as there was no memory
       to end their own. Of what lp_aggregate_total() gives, 0 in all else. */
    uint64_t held_lines;
    uint32_t late_s; /* some of its lines may have come up to so many seconds
                            before it began: there was no memory to end the
                            windows that these belong to */
    uint8_t detail;  /* lp_detail, the greatest of what was merged */
    /* Requests by lp_status_class: all of them, exact at any detail and with any
       number of statuses; whichever rows are selected. */
    uint64_t classes[LP_STATUS_CLASSES];
} lp_aggregate_window;

/* Called for each window, oldest first; rows are in the order of dimensions, and
 * in each of names, the other row last. What it gets is good for the call. */
typedef void (*lp_aggregate_fn)(void *ctx, const lp_aggregate_window *window,
                                const lp_aggregate_row *rows, size_t row_count);

/* Which rows: those of the dimensions whose bits are set; of these, where name is
 * not empty, those of that name, and where of is not empty, of that process. */
typedef struct lp_aggregate_select {
    uint32_t dimensions; /* 1u << LP_DIM_...; 0: all */
    lp_span name;
    lp_span of;
} lp_aggregate_select;

#define LP_AGGREGATE_SELECT_ALL \
    {                           \
        0, {NULL, 0},           \
        {                       \
            NULL, 0             \
        }                       \
    }

/*
 * Each window of a tier that is over and of which a part is within [from_s, to_s),
 * as far as it is kept; of one of some minutes that may be little. Windows without a
 * line are left out. For the length of the call, this and lp_aggregate_total() take
 * scratch for one window on top of bytes_max.
 * Fails: LP_E_INVALID (no such tier), LP_E_NOMEM (there is no room to merge in).
 */
LP_API lp_err lp_aggregate_each(lp_aggregate *aggregate, lp_tier tier,
                                int64_t from_s, int64_t to_s,
                                const lp_aggregate_select *select,
                                lp_aggregate_fn fn, void *ctx);

/*
 * All windows within [from_s, to_s) in one, of those frames that say most: fn is
 * called once, and window says what it really covers, as older windows are as wide
 * as they are, and not more than was asked for. Fails: LP_E_INVALID (from_s is not before to_s), LP_E_NOMEM.
 */
LP_API lp_err lp_aggregate_total(lp_aggregate *aggregate, int64_t from_s,
                                 int64_t to_s,
                                 const lp_aggregate_select *select,
                                 lp_aggregate_fn fn, void *ctx);

/*
 * Lines that had about this value in this series, not long ago: first the line of
 * max, if it is max that is meant; then one within alpha of value, and then one or
 * two that are off by at most thrice that. Of what has no sketch, the newest two; of
 * router.connect and router.service only that of max, as TOTAL has the others.
 * None but lines of window, which is that of the row.
 * Writes at most out_max sequence numbers, and returns how many. row is one that fn
 * got.
 */
LP_API size_t lp_aggregate_exemplars(const lp_aggregate *aggregate,
                                     const lp_aggregate_window *window,
                                     const lp_aggregate_row *row, double value,
                                     lp_seq *out, size_t out_max);

/* What the platform samples of a process, and of which the newest is enough. */
typedef enum lp_gauge {
    LP_GAUGE_MEMORY_RSS = 0, /* bytes */
    LP_GAUGE_MEMORY_CACHE = 1,
    LP_GAUGE_MEMORY_SWAP = 2,
    LP_GAUGE_MEMORY_QUOTA = 3,
    LP_GAUGE_LOAD_5M = 4,
    LP_GAUGE_LOAD_15M = 5,
    LP_GAUGES = 6
} lp_gauge;

typedef struct lp_aggregate_sample {
    double value;
    int64_t at_s; /* when it arrived; INT64_MIN: there was none */
} lp_aggregate_sample;

typedef struct lp_aggregate_process {
    lp_aggregate_sample samples[LP_GAUGES];
    /* Of one line in a second, of the minute (by the clock) of the newest one and
       of the one before; none: skew_count is 0. */
    uint64_t skew_count;
    double skew_sum_ms;
    double skew_min_ms;
    double skew_max_ms;
    int64_t skew_until_s; /* the end of that minute */
} lp_aggregate_process;

/* What is known of a process besides its rows. False: nothing, or there is no
 * scratch, and out says so. */
LP_API bool lp_aggregate_process_get(lp_aggregate *aggregate, lp_span process,
                                     lp_aggregate_process *out);

/* Events that a chart marks: releases, deploys, restarts, crashes. */
typedef struct lp_aggregate_marker {
    int64_t at_ns;
    lp_seq seq;
    uint8_t kind;    /* lp_kind */
    lp_span process; /* empty for a release   */
    lp_span text;    /* "v42", "up to crashed", "status 137" */
} lp_aggregate_marker;

/* Those that arrived in [from_s, to_s), oldest first, the newest MARKERS_MAX. */
LP_API void lp_aggregate_markers(
    const lp_aggregate *aggregate, int64_t from_s, int64_t to_s,
    void (*fn)(void *ctx, const lp_aggregate_marker *marker), void *ctx);

/* What a list of many channels shows of each, of the last 60 s that are over: kept
 * up to date as seconds end, so asking costs next to nothing. */
enum { LP_AGGREGATE_SPARKS = 30 };

typedef struct lp_aggregate_brief {
    int64_t end_s; /* the second that is open; 0: it never had a line */
    uint64_t lines;
    uint64_t requests;
    uint64_t failed;
    uint64_t errors; /* of all codes: H, R, L */
    uint64_t lost_lines;
    uint64_t held_lines; /* in no number here yet, as in lp_aggregate_stats */
    /* This and top_code are up to ten seconds old where the numbers of requests and
       of errors are much the same as then, within a quarter. When they are made, this
       is of the last 50 to 60 s, and top_code of the very seconds of errors. */
    double p95_ms; /* of TOTAL; 0 when there were no requests, or when it is not
                            known within the error */
    /* The largest memory_total of a process by its quota, 1 is all of it: its newest
       samples, or where it has no series all of the last 30 to 60 s; 0: not known. */
    double memory_share;
    char top_code[8]; /* the most frequent, with a NUL; or "" */
    uint32_t sparks[LP_AGGREGATE_SPARKS]; /* requests, or where there are none
                                             lines, in each 10 s, oldest first;
                                             the last one may be under way */
    bool are_requests;
} lp_aggregate_brief;

/* now_ns: as for lp_aggregate_tick(). */

LP_API void lp_aggregate_brief_get(lp_aggregate *aggregate, int64_t now_ns,
                                   lp_aggregate_brief *out);

typedef struct lp_aggregate_stats {
    uint32_t struct_bytes;
    uint32_t series;
    uint64_t lines;           /* counted                                    */
    uint64_t lost_lines;      /* that the cursor did not get to see         */
    uint64_t other_values;    /* counted in an other row, for want of series */
    uint64_t uncounted_lines; /* not even there, for want of memory: they are
                                 not in lines */
    uint64_t odd_values;     /* of a measure that is known, but of another unit,
                                 below 0 or beyond all reason: in no row. A
                                 request of which connect or service is odd is
                                 counted as one that took no time */
    lp_seq odd_seq;          /* the newest line with one; 0: there was none */
    uint64_t series_dropped; /* that had been silent, to make room         */
    uint64_t frames_dropped; /* before their time, for want of memory      */
    uint64_t clock_steps;    /* the arrival times went back                */
    uint64_t bytes;          /* held, all in all                           */
    int64_t full_from_s[LP_TIERS]; /* since when frames have this detail; 0:
                                      there are none */
    int64_t core_from_s[LP_TIERS];
    int64_t kept_from_s[LP_TIERS];
    int64_t since_s; /* when the first line came; 0: there was none */
    /* Before that, windows that are not kept may have had lines; 0: they had none. */
    int64_t gone_until_s[LP_TIERS];
    /* From then on windows that are over may be missing or lack lines, as memory was
       refused to end a second, or to make them of shorter ones; INT64_MAX: they have
       all. */
    int64_t lacks_since_s[LP_TIERS];
    uint64_t held_lines; /* counted, and not even in a second yet */
    int64_t open_s; /* what a tier keeps ends before this second; 0: no line */
} lp_aggregate_stats;

/* out->struct_bytes must be set. */
LP_API void lp_aggregate_stats_get(const lp_aggregate *aggregate,
                                   lp_aggregate_stats *out);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_AGGREGATE_H */
