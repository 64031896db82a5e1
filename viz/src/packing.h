/*
 * packing.h - numbers as few bytes: LEB128 ("varint"), and doubles so too, their
 * bytes in reverse, as the low ones of whole numbers are zero.
 */
#ifndef LP_PACKING_H
#define LP_PACKING_H

#include <stdint.h>

#include "sketch_scale.h"

/* Counts what it has no room for. */
typedef struct lpi_writer {
    char *out;
    size_t out_max;
    size_t length;
} lpi_writer;

typedef struct lpi_reader {
    lp_span rest;
    bool is_bad; /* once something was missing or wrong */
} lpi_reader;

static inline void lpi_put_byte(lpi_writer *w, uint8_t byte)
{
    if (w->length < w->out_max) {
        w->out[w->length] = (char)byte;
    }
    w->length++;
}

static inline void lpi_put_varint(lpi_writer *w, uint64_t n)
{
    while (n > 0x7f) {
        lpi_put_byte(w, (uint8_t)(n | 0x80));
        n >>= 7;
    }
    lpi_put_byte(w, (uint8_t)n);
}

static inline void lpi_put_number(lpi_writer *w, double value)
{
    lpi_put_varint(w, __builtin_bswap64(lpi_bits_of(value)));
}

/* A time, or INT64_MIN, that is mostly before base_s. */
static inline void lpi_put_time(lpi_writer *w, int64_t at_s, int64_t base_s)
{
    lpi_put_varint(
        w, at_s == INT64_MIN ? 0 : (uint64_t)base_s - (uint64_t)at_s + 1);
}

static inline void lpi_put_bytes(lpi_writer *w, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lpi_put_byte(w, (uint8_t)bytes[i]);
    }
}

static inline size_t lpi_varint_bytes(uint64_t n)
{
    size_t bytes = 1;

    for (; n > 0x7f; n >>= 7) {
        bytes++;
    }
    return bytes;
}

/* Of two ways to write a number only the shorter one is right. */
static inline uint64_t lpi_get_varint(lpi_reader *r)
{
    uint64_t n = 0;

    // As most are.
    if (r->rest.len_bytes > 0 && (uint8_t)r->rest.ptr[0] <= 0x7f) {
        n = (uint8_t)*r->rest.ptr++;
        r->rest.len_bytes--;
        return n;
    }

    for (unsigned shift = 0; shift < 64 && r->rest.len_bytes > 0; shift += 7) {
        uint8_t byte = (uint8_t)r->rest.ptr[0];

        r->rest = lp_span_skip(r->rest, 1);
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte <= 0x7f) {
            r->is_bad |= (shift > 0 && byte == 0) || (shift == 63 && byte > 1);
            return n;
        }
    }
    r->is_bad = true;
    return 0;
}

static inline uint8_t lpi_get_byte(lpi_reader *r)
{
    uint8_t byte = 0;

    if (r->rest.len_bytes == 0) {
        r->is_bad = true;
        return 0;
    }
    byte = (uint8_t)r->rest.ptr[0];
    r->rest = lp_span_skip(r->rest, 1);
    return byte;
}

static inline int64_t lpi_get_time(lpi_reader *r, int64_t base_s)
{
    uint64_t before = lpi_get_varint(r);

    return before == 0 ? INT64_MIN : (int64_t)((uint64_t)base_s - (before - 1));
}

static inline double lpi_get_number(lpi_reader *r)
{
    return lpi_double_of(__builtin_bswap64(lpi_get_varint(r)));
}

#endif /* LP_PACKING_H */
