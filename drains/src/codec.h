/*
 * codec.h - the ways to compress a body. What is compressed in one life of a
 * codec does not depend on what was before: the same parts give the same bytes.
 */
#ifndef LP_CODEC_H
#define LP_CODEC_H

#include <stddef.h>

#include "logplex/span.h"

typedef struct lpi_codec {
    const char *name;        /* in Content-Encoding (RFC 9110 8.4.1) */
    void *(*create)(void);   /* NULL: there is no memory             */
    void (*destroy)(void *); /* NULL is allowed                      */
    size_t (*most_bytes)(size_t in_bytes); /* that can come out */

    /* Writes all parts, in_bytes together, as one member or frame to out, where
     * there is room for the most. Returns what it took, 0: there is no memory. */
    size_t (*pack)(void *ctx, const lp_span *parts, size_t part_count,
                   size_t in_bytes, char *out, size_t room_bytes);
} lpi_codec;

extern const lpi_codec lpi_codec_gzip; /* codec_gzip.c: RFC 1952 */
extern const lpi_codec lpi_codec_zstd; /* codec_zstd.c: RFC 8878 */

#endif /* LP_CODEC_H */
