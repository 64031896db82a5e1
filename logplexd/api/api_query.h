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

/* Are there no parameters but known, which a NULL ends, and none of them twice? Else
 * a typing mistake, or one of two values, would be taken for nothing asked. */
bool api_query_knows(http_request *req, const char *const *known);

/* "is "VALUE", but has to be WANTED" */
void api_query_refuse(http_request *req, const char *name, lp_span value,
                      const char *wanted);

/* A whole number of decimal digits. */
bool api_query_number(http_request *req, const char *name, uint64_t least,
                      uint64_t most, uint64_t *out);

/* A number of digits with a point or without, 0 and more. */
bool api_parse_decimal(lp_span text, double *out);
bool api_query_decimal(http_request *req, const char *name, double *out);

/* Seconds since 1970, with up to nine decimals. */
bool api_query_time(http_request *req, const char *name, int64_t *out_ns);

/* "90s", "5m". */
bool api_query_duration(http_request *req, const char *name, uint64_t least_ms,
                        uint64_t most_ms, uint64_t *out_ms);

/* An epoch, or the whole number in one. */
bool api_query_epoch(http_request *req, const char *name, uint64_t *out);

/* A span of the request's, not empty. */
bool api_query_text(http_request *req, const char *name, lp_span *out);

/* What stands between commas, none of it empty, most at most. */
bool api_query_words(http_request *req, const char *name, unsigned most,
                     lp_span *out, uint32_t *count);

/* One of count words, by its index. */
bool api_query_word(http_request *req, const char *name,
                    const char *const *words, unsigned count, unsigned *out);

/* The caller owns *out; an empty text is none. */
bool api_query_filter(http_request *req, const char *name, lp_filter **out);

#endif /* LOGPLEXD_API_QUERY_H */
