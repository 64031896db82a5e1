/* join.h - the parts of a line as the engine would join them. */
#ifndef TESTS_JOIN_H
#define TESTS_JOIN_H

#include "logplex/span.h"

/* out has room for all of them. */
static inline lp_span join(const lp_span *parts, size_t n, char *out)
{
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].len_bytes > 0) {
            memcpy(out + at, parts[i].ptr, parts[i].len_bytes);
        }
        at += parts[i].len_bytes;
    }
    return lp_span_of(out, at);
}

#endif /* TESTS_JOIN_H */
