/*
 * filter_regex.h - the patterns of one filter. Only filter_regex.c knows whose
 * regular expressions they are.
 */
#ifndef LP_FILTER_REGEX_H
#define LP_FILTER_REGEX_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/span.h"

enum { LPI_REGEX_WHY_MAX_BYTES = 200 };

typedef struct lpi_regexes lpi_regexes;

typedef enum lpi_found {
    LPI_FOUND_NOT = 0,
    LPI_FOUND = 1,
    LPI_FOUND_GAVE_UP = 2 /* at a limit, so that nobody knows */
} lpi_found;

typedef struct lpi_regex_fault {
    size_t at_byte; /* in the pattern */
    char why[LPI_REGEX_WHY_MAX_BYTES];
} lpi_regex_fault;

/* None yet. Returns NULL without memory. */
lpi_regexes *lpi_regexes_create(void);
void lpi_regexes_destroy(lpi_regexes *regexes);

/*
 * Compiles one more pattern, numbered from 0 on.
 * Fails: LP_E_INVALID (*fault is set), LP_E_FULL (all together are too large, or
 *        there are LP_FILTER_TERMS_MAX), LP_E_NOMEM.
 */
lp_err lpi_regexes_add(lpi_regexes *regexes, lp_span pattern,
                       lpi_regex_fault *fault);

/* Looks for a pattern anywhere in text. */
lpi_found lpi_regexes_find(lpi_regexes *regexes, uint32_t number, lp_span text);

uint32_t lpi_regexes_count(const lpi_regexes *regexes);
uint32_t lpi_regexes_jit_count(const lpi_regexes *regexes);

#endif /* LP_FILTER_REGEX_H */
