/*
 * fleet.h - all channels at a glance: a list of them, made once a second for
 * whoever asks, and the orders that it is asked for in.
 *
 * With a hundred thousand channels that takes some ten milliseconds, so it is for
 * the pool. What is found of a channel is of the last 60 seconds that are over
 * (lp_aggregate_brief).
 *
 * What *hurts* comes first by a number that adds up, of a channel,
 *
 *     1000 * (1 + share of its lines that were lost)     if there were any
 *      100 * failed / (requests + 20)                    so one of one is not all
 *       50                                               if lines are uncounted or held
 *       10 * errors / (errors + 20)                      H, R and L codes
 *        5 * what its fullest process is over 80 % of its memory
 *        1 * p95 / 30 s                                  at most 1
 */
#ifndef LOGPLEXD_FLEET_H
#define LOGPLEXD_FLEET_H

#include "aggregate/aggregator.h"

enum { FLEET_WINDOW_S = AGGREGATOR_BRIEF_S };

typedef enum fleet_sort {
    FLEET_HURT,
    FLEET_REQUESTS,
    FLEET_FAILED, /* the share of requests */
    FLEET_ERRORS,
    FLEET_P95,
    FLEET_LOSS,
    FLEET_MEMORY,
    FLEET_LINES,
    FLEET_NAME,
    FLEET_SORTS
} fleet_sort;

extern const char *const fleet_sort_names[FLEET_SORTS];

typedef struct fleet_row {
    const catalog_channel *channel; /* of the list's view */
    uint64_t lines;
    uint64_t requests;
    uint64_t failed;
    uint64_t errors;
    uint64_t lost_lines;
    uint64_t held_lines; /* in no number yet, as there is no memory */
    double p95_ms;
    double memory_share;
    double hurt;
    char top_code[8];
    aggregator_uncounted uncounted;
} fleet_row;

typedef struct fleet_totals {
    uint64_t active; /* channels that had a line */
    uint64_t lines;
    uint64_t requests;
    uint64_t failed;
    uint64_t errors;
    uint64_t lost_lines;
    uint64_t uncounted_channels; /* that have lines in no number */
    uint64_t uncounted_lines;
} fleet_totals;

typedef struct fleet_list fleet_list;
typedef struct fleet fleet;

/* NULL: there is no memory. */
fleet *fleet_create(void);
void fleet_destroy(fleet *f); /* NULL is allowed */

/*
 * The list of this second, with a hold. view: the newest one, in case it has to be
 * made; held by the caller for the call. NULL: no memory. Threads: any; it waits
 * for who makes the list, so not on a loop.
 */
fleet_list *fleet_take(fleet *f, const catalog_view *view, int64_t now_ns);
void fleet_release(fleet_list *list); /* NULL is allowed */

/* Lets the list go that nobody has asked for lately. Threads: any. */
void fleet_forget(fleet *f, int64_t now_ns);

size_t fleet_count(const fleet_list *list);
const fleet_totals *fleet_totals_of(const fleet_list *list);

/* The index-th row, the greatest first, and of equal ones the first by id; names
 * ascend. NULL: no memory for the order. Threads: as fleet_take(). */
const fleet_row *const *fleet_order(fleet_list *list, fleet_sort sort);

#endif /* LOGPLEXD_FLEET_H */
