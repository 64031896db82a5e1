/*
 * versioned.h - structs that begin with struct_bytes, their size as the caller's
 * compiler knew it. Members are only ever added at the end, so that an old
 * caller and a new library, or the other way round, share what both know.
 */
#ifndef LP_VERSIONED_H
#define LP_VERSIONED_H

#include "logplex/errors.h"

#include <stdint.h>
#include <string.h>

/* Copies an options struct over the defaults in *to. from may be NULL.
 * Fails: LP_E_INVALID: struct_bytes cannot be right. */
static inline lp_err lpi_options_read(void *to, uint32_t to_bytes,
                                      const void *from)
{
    uint32_t from_bytes;

    if (from == NULL)
        return LP_OK;
    memcpy(&from_bytes, from, sizeof(from_bytes));
    if (from_bytes < 2 * sizeof(from_bytes))
        return LP_E_INVALID;
    memcpy(to, from, from_bytes < to_bytes ? from_bytes : to_bytes);
    return LP_OK;
}

/* Copies as much of a struct as the caller, who set out's struct_bytes, knows. */
static inline void lpi_stats_write(void *out, const void *from,
                                   uint32_t from_bytes)
{
    uint32_t out_bytes;

    memcpy(&out_bytes, out, sizeof(out_bytes));
    if (out_bytes > from_bytes)
        out_bytes = from_bytes;
    memcpy(out, from, out_bytes);
    memcpy(out, &out_bytes, sizeof(out_bytes));
}

#endif /* LP_VERSIONED_H */
