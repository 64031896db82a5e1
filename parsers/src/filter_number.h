/*
 * filter_number.h - numbers as log lines write them, with their units.
 */
#ifndef LP_FILTER_NUMBER_H
#define LP_FILTER_NUMBER_H

#include <stdint.h>

#include "logplex/span.h"

typedef enum lpi_unit_kind {
    LPI_UNIT_NONE = 0,
    LPI_UNIT_TIME = 1,
    LPI_UNIT_BYTES = 2,
    LPI_UNIT_PERCENT = 3,
    LPI_UNIT_PAGES = 4
} lpi_unit_kind;

typedef struct lpi_number {
    double bare;   /* as it is written, the unit left out */
    double scaled; /* in the smallest unit of its kind    */
    uint8_t kind;  /* lpi_unit_kind */
} lpi_number;

/*
 * Reads the whole of text: a sign, digits, a point and digits, an exponent, a
 * unit. What stands in brackets behind it, as in 1028MB(103.3%), is passed over.
 * At most 18 digits before the point count as a number. Of equal quantities in
 * different units scaled is the same up to 15 digits.
 */
bool lpi_number_read(lp_span text, lpi_number *out);

/* -1, 0 or 1 in *order. False: their units are of different kinds. */
bool lpi_number_compare(const lpi_number *a, const lpi_number *b, int *order);

#endif /* LP_FILTER_NUMBER_H */
