/*
 * encoder.h - bodies, compressed once for all drains of a set that send them.
 *
 *     drain 1 --take--> +-------------------------------+ --> bytes, held by the
 *     drain 2 --take--> | channel, epoch, first, lines, |     transfers of both
 *     drain 3 --take--> | encoding -> bytes, newest ... |
 *                       +-------------------------------+
 *
 * A batch that is wanted a second time while it is among the newest ones is not
 * compressed again. What is kept for that has a bound, and so has what is alive,
 * kept or only held by a transfer.
 *
 * Threads: those of the set, one that is.
 */
#ifndef LP_ENCODER_H
#define LP_ENCODER_H

#include <sys/queue.h>

#include "logplex/drain.h"

typedef struct lpi_encoder lpi_encoder;

/* A body: immutable, and held until its last holder lets go. */
typedef struct lpi_encoded {
    TAILQ_ENTRY(lpi_encoded) kept;
    struct lpi_encoded *next_in_bucket;
    lpi_encoder *encoder;
    const lp_channel *channel; /* with the epoch: whose lines; not held */
    uint64_t epoch;
    lp_seq first_seq;
    uint32_t line_count;
    uint32_t encoding; /* lp_drain_encoding */
    uint32_t holders;
    uint32_t cost_bytes; /* in memory */
    size_t plain_bytes;  /* before compression */
    size_t bytes;
    char data[];
} lpi_encoded;

/* The name of an encoding in Content-Encoding, NULL: it has none. */
const char *lpi_encoding_name(lp_drain_encoding encoding);

/* Zeros stand for 4 MiB that are kept, and 64 MiB alive. NULL: no memory. */
lpi_encoder *lpi_encoder_create(size_t kept_max_bytes, size_t alive_max_bytes);

/* Nothing may be held any more. NULL is allowed. */
void lpi_encoder_destroy(lpi_encoder *encoder);

/*
 * The body of a batch of a channel as one gzip member or zstd frame: the notice,
 * if there is one (then it is nobody else's), and the lines. The same batch has
 * the same bytes each time. *is_shared: it was there.
 * Owns: until lpi_encoded_release(). Fails: NULL, there is no memory, or too much
 * is alive.
 */
lpi_encoded *lpi_encoder_take(lpi_encoder *encoder, lp_drain_encoding encoding,
                              const lp_channel *channel,
                              const lp_drain_batch *batch, lp_span notice,
                              bool *is_shared);

/* NULL is allowed. */
void lpi_encoded_release(lpi_encoded *encoded);

/* What is alive takes so much. */
size_t lpi_encoder_alive_bytes(const lpi_encoder *encoder);

#endif /* LP_ENCODER_H */
