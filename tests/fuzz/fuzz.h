/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is one C file with LLVMFuzzerTestOneInput(). Linked with libFuzzer
 * it searches; linked with replay.c it runs its corpus once, as a fast test.
 * REQUIRE is an assert that names what was promised.
 */
#ifndef LOGPLEX_FUZZ_H
#define LOGPLEX_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "logplex/span.h"

#define REQUIRE(condition)                                                  \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does part lie within whole? An empty part may stand at its end. */
static inline bool is_within(lp_span part, lp_span whole)
{
    return part.len_bytes == 0 ||
           (part.ptr >= whole.ptr &&
            part.ptr + part.len_bytes <= whole.ptr + whole.len_bytes);
}

#endif /* LOGPLEX_FUZZ_H */
