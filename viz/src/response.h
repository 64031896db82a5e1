/* response.h - what values of the platform, and statuses, can be. */
#ifndef LP_VIZ_RESPONSE_H
#define LP_VIZ_RESPONSE_H

#include <stdbool.h>

#include "logplex/aggregate.h"
#include "logplex/measure.h"

#define LPI_TIME_MOST_MS 8.64e9 /* 100 days: what is beyond is a mistake */

/* Can't a measure that is known to be of a unit, and from 0 to most, be this? What
 * is no number can't. */
static inline bool lpi_is_odd(const lp_measure *measure, uint8_t unit,
                              double most)
{
    return measure->unit != unit ||
           !(measure->value >= 0 && measure->value <= most);
}

/* Can the router have told it? Else it is no part of a response, whether that is
 * counted as lines come or asked for later. */
static inline bool lpi_is_time(const lp_measure *measure)
{
    return !lpi_is_odd(measure, LP_UNIT_MS, LPI_TIME_MOST_MS);
}

enum { LPI_STATUS_FIRST = 100, LPI_STATUS_END = 600 };

static inline lp_status_class lpi_class_of_status(int32_t status)
{
    if (status >= LPI_STATUS_FIRST && status < LPI_STATUS_END) {
        return (lp_status_class)(status / LPI_STATUS_FIRST);
    }
    return status < 0 ? LP_STATUS_NONE : LP_STATUS_OTHER;
}

#endif /* LP_VIZ_RESPONSE_H */
