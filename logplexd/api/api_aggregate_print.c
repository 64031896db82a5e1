/* api_aggregate_print.c - numbers of aggregates, in as many digits as they have. */
#include "api/api_aggregate_print.h"

#include <math.h>
#include <stdlib.h>

enum { RATE_DIGITS = 10, QUANTILE_DIGITS = 7 };

static double rounded(double value, int digits)
{
    char text[32];

    if (!isfinite(value))
        return value;
    snprintf(text, sizeof(text), "%.*g", digits, value);
    return strtod(text, NULL);
}

double api_rounded(double value)
{
    return rounded(value, RATE_DIGITS);
}

static double between(double value, double min, double max)
{
    if (value < min)
        return min;
    return value > max ? max : value;
}

double api_mean(double sum, uint64_t count, double min, double max)
{
    return count > 0 ? between(sum / (double)count, min, max) : (double)NAN;
}

double api_row_mean(const lp_aggregate_row *row)
{
    return api_mean(row->sum, row->value_count, row->min, row->max);
}

bool api_row_quantiles(const lp_aggregate_row *row,
                       const lp_sketch_scale *scale, const double *q,
                       unsigned count, double *out)
{
    bool has =
        row->sketch && row->value_count > 0 &&
        lp_sketch_sound_quantiles(row->sketch, scale, q, count, out) == LP_OK;

    for (unsigned i = 0; i < count; i++)
        out[i] =
            has ? between(rounded(out[i], QUANTILE_DIGITS), row->min, row->max)
                : (double)NAN;
    return has;
}

/* By lp_status_class. */
const char *const api_class_names[LP_STATUS_CLASSES] = {
    "none", "1xx", "2xx", "3xx", "4xx", "5xx", "other"};
