/*
 * scheme.h - the schemes that a drain can have.
 */
#ifndef LP_SCHEME_H
#define LP_SCHEME_H

#include <stdint.h>

#include "logplex/drain_url.h"

typedef struct lpi_scheme {
    const char *name; /* in small letters */
    lp_drain_scheme kind;
    uint16_t port;
    const char *reason;  /* the original's, when a URL of it is refused */
    const char *example; /* of one that would not be */
} lpi_scheme;

/* By the name that it is printed with. Never NULL. */
const lpi_scheme *lpi_scheme_of(lp_drain_scheme kind);

/* By any of its names, in any case; NULL when it is none of ours. */
const lpi_scheme *lpi_scheme_find(lp_span name);

#endif /* LP_SCHEME_H */
