/* response.h - what a time of a request can be. */
#ifndef LP_VIZ_RESPONSE_H
#define LP_VIZ_RESPONSE_H

#include <stdbool.h>

#include "logplex/measure.h"

#define LPI_TIME_MOST_MS 8.64e9 /* 100 days: what is beyond is a mistake */

/* Can the router have told it? Else it is no part of a response, whether that is
 * counted as lines come or asked for later. */
static inline bool lpi_is_time(const lp_measure *measure)
{
    return measure->unit == LP_UNIT_MS && measure->value >= 0 &&
           measure->value <= LPI_TIME_MOST_MS;
}

#endif /* LP_VIZ_RESPONSE_H */
