/*
 * hash.h - a keyed hash of short texts, 16 bytes a multiplication, as wyhash and
 * foldhash have it. The key is secret, so nobody can aim at a place in a table; and
 * were there one who could, our tables have few places.
 */
#ifndef LP_VIZ_HASH_H
#define LP_VIZ_HASH_H

#include <stdint.h>
#include <string.h>

#include "logplex/span.h"

__extension__ typedef unsigned __int128 lpi_wide;

static inline uint64_t lpi_hash_fold(uint64_t a, uint64_t b)
{
    lpi_wide product = (lpi_wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* n bytes, 8 at most, the first of them lowest whatever the machine is. */
static inline uint64_t lpi_load(const char *at, size_t n)
{
    uint64_t word = 0;

    memcpy(&word, at, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Writes eight bytes as lpi_load() reads them. */
static inline void lpi_store(char *at, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(at, &word, sizeof(word));
}

/* A text of 1 to 8 bytes as a number, which no other one of these has but for
 * zeros at its end. */
static inline uint64_t lpi_load_short(lp_span text)
{
    const char *at = text.ptr;
    size_t n = text.len_bytes;

    if (n >= 4) {
        return lpi_load(at, 4) | lpi_load(at + n - 4, 4) << 8 * (n - 4);
    }
    return lpi_load(at, 1) | lpi_load(at + n / 2, 1) << 8 * (n / 2) |
           lpi_load(at + n - 1, 1) << 8 * (n - 1);
}

/* seed: what else it is to depend on, such as the hash of a text in front. */
static inline uint64_t lpi_hash_of(lp_span bytes, uint64_t seed,
                                   const uint64_t key[2])
{
    const char *at = bytes.ptr;
    size_t left = bytes.len_bytes;
    uint64_t hash = seed ^ key[0] ^ left;

    for (; left > 16; at += 16, left -= 16) {
        hash =
            lpi_hash_fold(lpi_load(at, 8) ^ key[1], lpi_load(at + 8, 8) ^ hash);
    }
    if (left >= 8) {
        hash = lpi_hash_fold(lpi_load(at, 8) ^ key[1],
                             lpi_load(at + left - 8, 8) ^ hash);
    } else if (left >= 4) {
        hash = lpi_hash_fold(lpi_load(at, 4) ^ key[1],
                             lpi_load(at + left - 4, 4) ^ hash);
    } else if (left > 0) {
        // Of NULs it would be 0, and so the hash of all that ends in some.
        hash = lpi_hash_fold(UINT64_C(1) << 24 | lpi_load(at, 1) << 16 |
                                 lpi_load(at + left / 2, 1) << 8 |
                                 lpi_load(at + left - 1, 1),
                             key[1] ^ hash);
    }
    return lpi_hash_fold(hash ^ key[1], key[0] | 1);
}

#endif /* LP_VIZ_HASH_H */
