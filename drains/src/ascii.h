/*
 * ascii.h - bytes as RFC 3986 sees them, in no locale.
 */
#ifndef LP_ASCII_H
#define LP_ASCII_H

#include "logplex/span.h"

static inline bool lpi_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool lpi_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char lpi_to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of a hexadecimal digit, or -1. */
static inline int lpi_hex_of(char c)
{
    if (lpi_is_digit(c)) {
        return c - '0';
    }
    c = lpi_to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that the escape at i stands for, or -1 when there is none. */
static inline int lpi_escaped_byte(lp_span part, size_t i)
{
    if (part.ptr[i] != '%' || part.len_bytes - i < 3 ||
        lpi_hex_of(part.ptr[i + 1]) < 0 || lpi_hex_of(part.ptr[i + 2]) < 0) {
        return -1;
    }
    return lpi_hex_of(part.ptr[i + 1]) * 16 + lpi_hex_of(part.ptr[i + 2]);
}

static inline bool lpi_equal_in_any_case(lp_span a, lp_span b)
{
    if (a.len_bytes != b.len_bytes) {
        return false;
    }
    for (size_t i = 0; i < a.len_bytes; i++) {
        if (lpi_to_lower(a.ptr[i]) != lpi_to_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

#endif /* LP_ASCII_H */
