/*
 * api_query.h - what stands behind the "?", read, or refused with 400.
 *
 * Each of these leaves *out as it is where the request has no such parameter,
 * and returns false when it has been answered: with what was wrong with the
 * value, which, and what would be right.
 */
#ifndef LOGPLEXD_API_QUERY_H
#define LOGPLEXD_API_QUERY_H

#include "api/api.h"
#include "logplex/filter.h"

/* Are there no parameters but known, which a NULL ends? Else a typing mistake
 * would be taken for nothing asked. */
bool api_query_knows(http_request *req, const char *const *known);

/* A whole number of decimal digits. */
bool api_query_number(http_request *req, const char *name, uint64_t least,
                      uint64_t most, uint64_t *out);

/* The caller owns *out; an empty text is none. */
bool api_query_filter(http_request *req, const char *name, lp_filter **out);

#endif /* LOGPLEXD_API_QUERY_H */
