/*
 * secret.h - hashes of what must not be known.
 *
 * A password has two hashes. The *slow* one, PBKDF2 (RFC 8018) with salts from
 * the store, is what the store keeps: guessing at a stolen file is dear. The
 * *fast* one, an HMAC with a key of the store's, is what a password is compared
 * by, request for request; it never leaves memory.
 *
 *     password --PBKDF2(store's salt)--> slow --HMAC(own salt)--> in the store
 *              \--HMAC(store's key)--> fast --> compared in memory
 *
 *     generated secret --HMAC(store's key)--> fast --> in the store, and
 *                                                      compared in memory
 *
 * The dear step knows no credential, so one attempt costs it once, however many
 * credentials there are; their own salts hide which have the same password. A
 * secret of 256 random bits can't be guessed at however cheap that is, so its
 * fast hash is what is kept, and it costs the slow one never.
 *
 * Of GnuTLS the hashes are known here alone; TLS is in tls.h. Threads: any.
 */
#ifndef LOGPLEXD_SECRET_H
#define LOGPLEXD_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/span.h"

enum {
    SECRET_HASH_BYTES = 32,
    SECRET_SALT_BYTES = 16,
    SECRET_GENERATED_BYTES = 32, /* 256 bits */
    SECRET_SLOW_ROUNDS = 200000  /* some 50 ms of one core of 2022 */
};

typedef struct secret_salt {
    uint8_t bytes[SECRET_SALT_BYTES];
} secret_salt;

typedef struct secret_hash {
    uint8_t bytes[SECRET_HASH_BYTES];
} secret_hash;

/* So many random bytes, SECRET_GENERATED_BYTES at most, in upper-case
 * hexadecimal digits and with a NUL. */
void secret_generate(char *out, size_t size_bytes);

/* SHA-256 of head and tail, joined. */
void secret_digest(lp_span head, lp_span tail, uint8_t out[SECRET_HASH_BYTES]);

/* HMAC-SHA256 of data (RFC 2104). */
secret_hash secret_hmac(lp_span key, lp_span data);

/* PBKDF2-HMAC-SHA256. BLOCKS for its rounds. */
secret_hash secret_slow(lp_span password, const secret_salt *salt,
                        unsigned rounds);

/* In the same time wherever they differ. */
bool secret_equal(const secret_hash *a, const secret_hash *b);

#endif /* LOGPLEXD_SECRET_H */
