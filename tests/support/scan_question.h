/* scan_question.h - what a scan is asked to add up. */
#ifndef SCAN_QUESTION_H
#define SCAN_QUESTION_H

#include "logplex/scan.h"

/* Groups by a key, or one of all lines for NULL, of a measure, or of lines for "";
 * with the median, the 95th percentile and the greatest. */
static inline lp_scan_groups_options scan_question(const char *measure,
                                                   const char *by)
{
    lp_scan_groups_options options = LP_SCAN_GROUPS_OPTIONS_INIT;

    options.by_count = by != NULL;
    options.by[0] = lp_span_str(by != NULL ? by : "");
    options.measure = lp_span_str(measure);
    options.quantile_count = 3;
    options.quantiles[0] = 0.5;
    options.quantiles[1] = 0.95;
    options.quantiles[2] = 1;
    options.hash_key[0] = UINT64_C(0x9e3779b97f4a7c15);
    options.hash_key[1] = UINT64_C(0xbf58476d1ce4e5b9);
    return options;
}

#endif /* SCAN_QUESTION_H */
