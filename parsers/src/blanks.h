/*
 * blanks.h - where all the blanks of a text are, found before anybody asks:
 *
 *     service=18ms status=200 bytes=13
 *                 12         23       32      the last one is the end
 *
 * Who reads pairs then knows where each ends without a wait for the one before, and
 * without a branch that depends on how long a value is, which no processor foretells.
 */
#ifndef LP_BLANKS_H
#define LP_BLANKS_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/span.h"

enum {
    LPI_BLANKS_TEXT_MIN_BYTES = 64,
    LPI_BLANKS_TEXT_MAX_BYTES = 4096,
    LPI_BLANKS_MAX = 64
};

typedef struct lpi_blank_list {
    /* Ascending; then the end of the text, and room for those of a word, as they are
       written before they are counted. */
    const char *at[LPI_BLANKS_MAX + 64 + 1];
    unsigned quotes; /* with backslashes, how many there are in the text */
} lpi_blank_list;

/* Those of a text. False: it has fewer or more bytes than the above, or more blanks,
 * and *out is good for nothing. */
bool lpi_blanks_of(lp_span text, lpi_blank_list *out);

/* The same without vectors of 32 bytes, for tests. */
bool lpi_blanks_narrow(lp_span text, lpi_blank_list *out);

#endif /* LP_BLANKS_H */
