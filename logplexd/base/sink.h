/*
 * sink.h - bytes into a block that may be too small for them.
 *
 * It counts what would be written, and writes it while it fits: so a caller
 * hears how large a block would have done, and a block that was too small has
 * nothing behind its end.
 */
#ifndef LOGPLEXD_SINK_H
#define LOGPLEXD_SINK_H

#include <stdint.h>

#include "logplex/span.h"

typedef struct sink {
    char *out;
    size_t room_bytes;
    size_t used_bytes; /* more than room_bytes: it did not fit */
} sink;

static inline void sink_put(sink *to, lp_span text)
{
    size_t end_bytes = to->used_bytes + text.len_bytes;

    if (end_bytes <= to->room_bytes && text.len_bytes > 0)
        memcpy(to->out + to->used_bytes, text.ptr, text.len_bytes);
    to->used_bytes = end_bytes;
}

/* In decimal, with zeros in front up to so many digits, 20 at most. */
static inline void sink_put_digits(sink *to, uint64_t n, unsigned digits_least)
{
    char digits[20];
    char *at = digits + sizeof(digits);

    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0 || digits + sizeof(digits) - at < digits_least);
    sink_put(to, lp_span_of(at, (size_t)(digits + sizeof(digits) - at)));
}

static inline void sink_put_number(sink *to, uint64_t n)
{
    sink_put_digits(to, n, 1);
}

#endif /* LOGPLEXD_SINK_H */
