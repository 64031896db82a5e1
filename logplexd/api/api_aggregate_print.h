/*
 * api_aggregate_print.h - what a channel's aggregates are as JSON, printed.
 *
 * Both are printed between aggregator_begin() and aggregator_end(): what they read
 * is the aggregate's as long as it is not asked anything else.
 */
#ifndef LOGPLEXD_API_AGGREGATE_PRINT_H
#define LOGPLEXD_API_AGGREGATE_PRINT_H

#include <stdio.h>

#include "aggregate/aggregator.h"

/* The nearest one of ten digits: rates and shares are no more exact. */
double api_rounded(double value);

/* Within min and max, of which the division alone may be off by its last digit. NaN:
 * there are no values. */
double api_mean(double sum, uint64_t count, double min, double max);
double api_row_mean(const lp_aggregate_row *row);

/* q ascends, as for lp_sketch_quantiles(). Rounded to seven digits, as the error
 * allows, and within min and max. What could be off by more than AGGREGATOR_ALPHA is
 * NaN. False: nothing is known, and all are. */
bool api_row_quantiles(const lp_aggregate_row *row,
                       const lp_sketch_scale *scale, const double *q,
                       unsigned count, double *out);

/* By lp_status_class. */
extern const char *const api_class_names[LP_STATUS_CLASSES];

/* Whose numbers, and as of when. */
typedef struct api_aggregate_ask {
    aggregator *who;
    lp_aggregate *numbers; /* of who, begun */
    lp_span channel_id;
    const config *cfg;
    int64_t now_ns;
    int64_t counted_ns; /* aggregator_counted_ns(), what windows end with */
} api_aggregate_ask;

/* The newest second that is over. */
static inline int64_t api_aggregate_second(const api_aggregate_ask *ask)
{
    return ask->counted_ns / 1000000000 - 1;
}

/* ,"uncounted":, or null if there are none. */
void api_print_uncounted(FILE *to, const aggregator_uncounted *left_out);

enum {
    API_WINDOW_DEFAULT_S = 60,
    API_WINDOW_MAX_S = 24 * 3600,
    API_SNAPSHOT_ROUTES = 20
};

/* {"channel":...}, of the last window_s seconds that are over. False: there was no
 * memory, and what is printed is no JSON. */
bool api_print_snapshot(FILE *to, const api_aggregate_ask *ask,
                        int64_t window_s);

typedef struct api_series_ask {
    lp_tier tier;
    int64_t from_s; /* 0: as far as is kept; never before somebody counted */
    int64_t to_s;
    lp_span process; /* empty: all; one of these two at most */
    lp_span route;
} api_series_ask;

/* The width of a tier's windows and how far back it goes, in seconds. */
int64_t api_tier_step_s(lp_tier tier);
int64_t api_tier_kept_s(lp_tier tier);
extern const char *const api_tier_names[LP_TIERS];

/* {"channel":...,"t":[...],...}. False: as above. */
bool api_print_series(FILE *to, const api_aggregate_ask *ask,
                      const api_series_ask *want);

#endif /* LOGPLEXD_API_AGGREGATE_PRINT_H */
