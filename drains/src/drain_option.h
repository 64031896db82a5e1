/*
 * drain_option.h - the options that stand in the fragment of a drain's URL.
 *
 *     #insecure&encoding=zstd&filter=status%3E%3D500
 *
 * Threads: any.
 */
#ifndef LP_DRAIN_OPTION_H
#define LP_DRAIN_OPTION_H

#include "logplex/drain_url.h"

typedef enum lpi_option_kind {
    LPI_OPTION_INSECURE,
    LPI_OPTION_REFUSED,
    LPI_OPTION_ENCODING,
    LPI_OPTION_FILTER,
    LPI_OPTION_RATE,
    LPI_OPTION_COUNT
} lpi_option_kind;

typedef struct lpi_option {
    const char *name;    /* with its "=", if it has a value */
    unsigned schemes;    /* that heed it: a bit for each lp_drain_scheme */
    const char *why_not; /* what the others lack; NULL: there are none */
} lpi_option;

extern const lpi_option lpi_options[LPI_OPTION_COUNT];

/* Takes the next of "this&that" off the front. */
lp_span lpi_option_take(lp_span *rest);

/* Does the option say "name=VALUE", name having its "="? */
bool lpi_option_has(lp_span option, lp_span name, lp_span *value);

/* Which one it is, and what is behind its "="; LPI_OPTION_COUNT: none. */
lpi_option_kind lpi_option_read(lp_span option, lp_span *value);

static inline bool lpi_option_is_heeded(lpi_option_kind kind,
                                        const lp_drain_url *url)
{
    return (lpi_options[kind].schemes & 1u << url->scheme) != 0;
}

#endif /* LP_DRAIN_OPTION_H */
