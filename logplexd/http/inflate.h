/*
 * inflate.h - a body without its Content-Encoding, and never more of it than
 * is allowed: some hundred bytes can stand for gigabytes.
 *
 * inflate.c is the only file that knows zlib and zstd.
 */
#ifndef LOGPLEXD_INFLATE_H
#define LOGPLEXD_INFLATE_H

#include "logplex/span.h"

typedef enum inflate_err {
    INFLATE_OK = 0,
    INFLATE_UNKNOWN, /* no encoding of ours: take the body as it is */
    INFLATE_DAMAGED,
    INFLATE_TOO_BIG,
    INFLATE_NOMEM
} inflate_err;

/*
 * coding: the value of Content-Encoding; gzip, x-gzip (RFC 9110, 8.4.1.3) and
 * zstd (RFC 8878) in any case. Several members or frames are one body. *out is
 * the caller's to free() when INFLATE_OK is returned, and untouched otherwise.
 */
inflate_err inflate_body(const char *coding, lp_span body, size_t out_max_bytes,
                         char **out, size_t *out_bytes);

#endif /* LOGPLEXD_INFLATE_H */
