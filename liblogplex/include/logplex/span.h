/*
 * span.h - bytes that somebody else owns, and their number.
 *
 * A span is not NUL-terminated and may hold any bytes at all. Header-only, so
 * that the parsers share it without linking the engine.
 */
#ifndef LOGPLEX_SPAN_H
#define LOGPLEX_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_span {
    const char *ptr; /* may be NULL when len_bytes is 0 */
    size_t len_bytes;
} lp_span;

/* The span of a string literal, its NUL left out. */
#define LP_SPAN(literal) (lp_span_of((literal), sizeof(literal) - 1))

static inline lp_span lp_span_of(const char *ptr, size_t len_bytes)
{
    lp_span span;

    span.ptr = ptr;
    span.len_bytes = len_bytes;
    return span;
}

/* The span of a NUL-terminated string. */
static inline lp_span lp_span_str(const char *str)
{
    return lp_span_of(str, strlen(str));
}

static inline bool lp_span_equal(lp_span a, lp_span b)
{
    return a.len_bytes == b.len_bytes &&
           (a.len_bytes == 0 || memcmp(a.ptr, b.ptr, a.len_bytes) == 0);
}

static inline bool lp_span_starts(lp_span span, lp_span prefix)
{
    return span.len_bytes >= prefix.len_bytes &&
           (prefix.len_bytes == 0 ||
            memcmp(span.ptr, prefix.ptr, prefix.len_bytes) == 0);
}

/* Below 0 when a stands in front of b, over 0 when it stands behind: by bytes, and
 * what is the beginning of another in front of that. */
static inline int lp_span_compare(lp_span a, lp_span b)
{
    size_t shorter = a.len_bytes < b.len_bytes ? a.len_bytes : b.len_bytes;
    int order = shorter == 0 ? 0 : memcmp(a.ptr, b.ptr, shorter);

    if (order != 0)
        return order;
    return (a.len_bytes > b.len_bytes) - (a.len_bytes < b.len_bytes);
}

/* What is left behind the first n bytes; n is at most span.len_bytes. */
static inline lp_span lp_span_skip(lp_span span, size_t n_bytes)
{
    return lp_span_of(span.ptr + n_bytes, span.len_bytes - n_bytes);
}

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_SPAN_H */
