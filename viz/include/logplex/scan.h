/*
 * scan.h - questions that nobody knew of beforehand, answered by reading the lines
 * that a channel still has.
 *
 *     groups   how service is distributed, by path and dyno, where status>=500
 *     lines    the newest 20 lines with code H12
 *     request  all lines that contain a request's id
 *
 * All of them read the same way, newest lines first, so that what a scan has seen
 * when its time is up is the newest part, without a hole:
 *
 *      oldest                                      newest
 *        | not yet looked at |   what is answered for   |
 *        first_seq           from_seq                end_seq
 *                      <---- block <---- block <---- block
 *
 * A block is read by a cursor of its own and held only while it is looked at, so a
 * scan pins nothing between its steps, and lines may go meanwhile. There is no
 * clock in it: who asks takes as many steps as there is time for, and may end one
 * in the middle, as a filter's patterns can take a long look at a line.
 *
 *     lp_scan_groups_create(&where, &options, &scan, &why);
 *     while ((err = lp_scan_step(scan, channel, 8192)) == LP_OK && is_time_left())
 *         ;
 *     lp_scan_groups_each(scan, 20, row, ctx);
 *
 * Groups. There is room for so many groups, in a bounded number of bytes. When it
 * is used up, the half of them that has least makes room, and what they had is
 * merged into *other*: totals stay exact whatever the number of keys is. A group
 * that comes (back) after that may have lost lines to other, at most missed_max of
 * them:
 *
 *     a group's lines <= all lines of its key <= its lines + missed_max
 *
 * and a key with more lines than the floor, the missed_max of one that would come
 * now, has a group. With room for G groups and n lines that match, the floor is at
 * most 2n/G: with 4,096, a key with 0.05 % of the lines is there, in whatever order
 * they come. (It rises by one only when the G/2 groups that stay each have that much
 * more; so it rises n/(G/2) times at most. Compare J. Misra, D. Gries: "Finding
 * repeated elements", 1982, and D. Anderson et al.: "A high-performance algorithm
 * for identifying frequent items in data streams", IMC 2017.) Ranked by sum, the
 * same is true of sums of values that are not negative.
 *
 * Threads: one at a time for each scan, any one for each step.
 */
#ifndef LOGPLEX_SCAN_H
#define LOGPLEX_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/filter.h"
#include "logplex/logplex.h"
#include "logplex/measure.h"
#include "logplex/sketch.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_scan lp_scan;

enum {
    LP_SCAN_BY_MAX = 4,
    LP_SCAN_QUANTILES_MAX = 16,
    LP_SCAN_KEY_MAX_BYTES = 128,
    LP_SCAN_VALUE_MAX_BYTES = 256,
    LP_SCAN_TEXT_MAX_BYTES = 256, /* of a span of lp_scan_where */
    LP_SCAN_GROUPS_MAX_DEFAULT = 4096,
    LP_SCAN_GROUPS_MAX_LEAST = 4,
    LP_SCAN_GROUPS_MAX_MOST = 65536,
    LP_SCAN_BYTES_MAX_DEFAULT = 8 * 1024 * 1024,
    LP_SCAN_BYTES_MAX_LEAST = 64 * 1024,
    LP_SCAN_ASKS_EACH = 8 /* lines */
};

/*
 * Which lines: those for which all of it holds. What is 0 or empty asks for
 * nothing. Status, code, route and response are what lp_measures_read() says of a
 * line, so that these are the lines that the live aggregates have counted there.
 */
typedef struct lp_scan_where {
    lp_filter *filter;  /* used by nobody else as long as there is the scan */
    lp_span process;    /* "web" is web and web.N */
    lp_span route;      /* of a request, as lp_route_fold() writes it */
    lp_span code;       /* H12, R14 ... */
    lp_span request_id; /* anywhere in the message, as a whole word: next to it
                           is no letter, digit, "-", "_" and no byte over 127 */
    int32_t status;     /* of a request; 100 to 599, or one of these: */
#define LP_SCAN_STATUS_NONE     (-1) /* without one, or what is no number */
#define LP_SCAN_STATUS_OTHER    (-2) /* a number that is no status */
#define LP_SCAN_STATUS_CLASS(n) (-2 - (n)) /* of n * 100 on, n: 1 to 5 */
    bool has_response; /* connect + service of a request is in this range */
    double response_min_ms;
    double response_max_ms;
    lp_seq first_seq;
    lp_seq end_seq;  /* behind the last one */
    int64_t from_ns; /* arrival, in [from_ns, to_ns) */
    int64_t to_ns;
    lp_seq floor_seq; /* lines before it are not shown, as if they were gone */
} lp_scan_where;

#define LP_SCAN_WHERE_INIT                                                   \
    {                                                                        \
        NULL, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0, false, 0, 0, 0, \
            0, 0, 0, 0                                                       \
    }

/*
 * What a scan has done.
 *     scanned lines = those with a number in [from_seq, end_seq)
 * Of lines that are gone nobody knows when they came. Where from_ns asks for a time,
 * evicted lines are those that may have been of it: at most so many, and none if
 * there still is a line that came before.
 */
typedef struct lp_scan_stats {
    uint32_t struct_bytes;
    bool is_complete; /* nothing of what was asked for is left to look at */
    uint64_t scanned_lines;
    uint64_t matched_lines;
    uint64_t evicted_lines; /* asked for, and gone */
    uint64_t hidden_lines;  /* asked for, and there, but before floor_seq */
    uint64_t limit_lines;   /* on which a pattern of the filter gave up */
    lp_seq from_seq;        /* both 0: it has not begun */
    lp_seq end_seq;
    uint64_t bytes;  /* held by the scan, all in all */
    int64_t from_ns; /* arrival of line from_seq; 0: no line was looked at */
} lp_scan_stats;

#define LP_SCAN_STATS_INIT                                                \
    {                                                                     \
        (uint32_t)sizeof(lp_scan_stats), false, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/* Lines ------------------------------------------------------------------- */

/* Called for each line that matches, newest first. The record is good for the
 * call. False: that is enough, and the scan is complete. */
typedef bool (*lp_scan_line_fn)(void *ctx, const lp_record *record);

/*
 * Finds lines. allocator may be NULL, and is copied. *why, if why is not NULL, is
 * set to a sentence that is never freed when the call says LP_E_INVALID.
 * Owns: *out is the caller's until lp_scan_destroy(); spans of where are copied,
 * its filter is not.
 * Fails: LP_E_INVALID, LP_E_NOMEM.
 */
LP_API lp_err lp_scan_lines_create(const lp_scan_where *where,
                                   lp_scan_line_fn fn, void *ctx,
                                   const lp_allocator *allocator, lp_scan **out,
                                   const char **why);

/* Groups ------------------------------------------------------------------ */

typedef enum lp_scan_order {
    LP_SCAN_BY_LINES = 0,
    LP_SCAN_BY_SUM = 1 /* of the measure */
} lp_scan_order;

/*
 * Keys are those of pairs in the message (logfmt.h): the first one with a value
 * counts, as it is without quotes and escapes, and of more than
 * LP_SCAN_VALUE_MAX_BYTES of it the first ones. A value whose closing quote is missing is
 * none. Other keys are
 *     source, process, severity   the line's own
 *     route     of a request by the router, "GET /users/:id"
 *     response  the same, connect + service in ms, of what there is
 * A "." in front makes a pair's key of whatever it is called.
 *
 * The measure is a key as well, and also found as measure#KEY, sample#KEY, count#KEY
 * and measure.KEY. Its values are read as measure.h says: in base units, those of
 * the router without one in ms and bytes. The answer is of the unit that most values
 * have; of those that measure.h does not know, three are told apart, the first ones
 * that are met, and all others are only counted.
 */
typedef struct lp_scan_groups_options {
    uint32_t struct_bytes;
    uint32_t by_count; /* at most LP_SCAN_BY_MAX; 0: all lines are one group */
    lp_span by[LP_SCAN_BY_MAX];
    lp_span measure; /* empty: lines are counted */
    uint32_t order;  /* lp_scan_order */
    uint32_t quantile_count;
    double quantiles[LP_SCAN_QUANTILES_MAX]; /* 0 to 1, ascending */
    double alpha;        /* 0.01: the relative error of quantiles */
    uint32_t groups_max; /* 4,096 */
    uint64_t bytes_max; /* 8 MiB, all in all. It is less than that by what other
                            takes, up to 256 KiB */
    uint64_t hash_key[2]; /* random, so that nobody can choose keys which get in
                             each other's way */
} lp_scan_groups_options;

#define LP_SCAN_GROUPS_OPTIONS_INIT                                          \
    {                                                                        \
        (uint32_t)sizeof(lp_scan_groups_options), 0, {{NULL, 0}}, {NULL, 0}, \
            0, 0, {0}, 0, 0, 0,                                              \
        {                                                                    \
            0                                                                \
        }                                                                    \
    }

/* As lp_scan_lines_create(). */
LP_API lp_err lp_scan_groups_create(const lp_scan_where *where,
                                    const lp_scan_groups_options *options,
                                    const lp_allocator *allocator,
                                    lp_scan **out, const char **why);

typedef struct lp_scan_group {
    bool is_other;
    lp_span by[LP_SCAN_BY_MAX]; /* ptr is NULL for lines without the key, and
                                   for all of other */
    uint64_t count; /* of lines, or of values when there is a measure */
    double sum;     /* of values; all 0 without a measure */
    double min;
    double max;
    double
        quantiles[LP_SCAN_QUANTILES_MAX]; /* NaN: there is none, or memory did
                                                not allow to tell it within alpha */
    double
        missed_max; /* so many more, or so much more of the sum, there may be */
    lp_seq newest_seq; /* 0 for other */
} lp_scan_group;

/*
 * The top groups, best first, and then, if there was anything else, other. All of
 * them together are all lines that have the measure in the unit of the answer.
 * Owns: what fn gets is good for the call.
 */
LP_API void lp_scan_groups_each(lp_scan *scan, uint32_t top,
                                void (*fn)(void *ctx,
                                           const lp_scan_group *group),
                                void *ctx);

/* What is true of all groups. */
typedef struct lp_scan_groups_summary {
    uint32_t struct_bytes;
    uint8_t unit;         /* lp_unit: the one that most values have */
    bool is_exact;        /* groups_seen is, and nothing was ever missed */
    lp_span suffix;       /* of LP_UNIT_OTHER, as it is written */
    uint64_t groups_seen; /* else within some 5 %. Of the answer's unit */
    uint64_t without_measure_lines; /* matched, and have no such number */
    uint64_t other_unit_values;     /* of other units than that of the answer */
    double floor;                   /* no key without a group has more */
    double alpha; /* what the error of quantiles really is at most */
} lp_scan_groups_summary;

#define LP_SCAN_GROUPS_SUMMARY_INIT                                          \
    {                                                                        \
        (uint32_t)sizeof(lp_scan_groups_summary), 0, false, {NULL, 0}, 0, 0, \
            0, 0, 0                                                          \
    }

/* out->struct_bytes must be set. */
LP_API void lp_scan_groups_summary_get(const lp_scan *scan,
                                       lp_scan_groups_summary *out);

/* Reading ----------------------------------------------------------------- */

/*
 * Looks at the next block of at most lines_max lines, which go before those it has
 * looked at. All steps of a scan are of one channel. What is appended after the first
 * one is not looked at.
 * Fails: LP_E_END: it is complete. LP_E_NOMEM, LP_E_FULL: there is no cursor to
 * be had; it may be tried again. LP_E_INVALID: lines_max is 0.
 */
LP_API lp_err lp_scan_step(lp_scan *scan, lp_channel *channel,
                           uint32_t lines_max);

/*
 * Asks fn now and then in a step, after some LP_SCAN_ASKS_EACH lines, whether that
 * is enough for now. If so, the step ends with LP_OK; the next one goes on from there.
 * lp_scan_run() does not ask.
 */
LP_API void lp_scan_ask(lp_scan *scan, bool (*is_enough)(void *ctx), void *ctx);

/*
 * Looks at the lines of a run, the last one first, for those who read by
 * themselves. Runs go before those it has looked at, too. False: it is complete.
 */
LP_API bool lp_scan_run(lp_scan *scan, const lp_run *run);

/* out->struct_bytes must be set. */
LP_API void lp_scan_stats_get(const lp_scan *scan, lp_scan_stats *out);

/* NULL is allowed. */
LP_API void lp_scan_destroy(lp_scan *scan);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_SCAN_H */
