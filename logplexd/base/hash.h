/*
 * hash.h - a keyed hash of short strings for tables.
 *
 * SipHash-1-3 (Aumasson and Bernstein, 2012; one round for each word and three
 * at the end, as Rust's and Linux's tables have it). The key is random for each
 * process: who can choose names, or guess at tokens, must not be able to choose
 * where they fall.
 */
#ifndef LOGPLEXD_HASH_H
#define LOGPLEXD_HASH_H

#include <stdint.h>
#include <string.h>

#include "logplex/span.h"

typedef struct hash_key {
    uint64_t words[2];
} hash_key;

static inline uint64_t hash_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void hash_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = hash_rotate(v[1], 13) ^ v[0];
    v[0] = hash_rotate(v[0], 32);
    v[2] += v[3];
    v[3] = hash_rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = hash_rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = hash_rotate(v[1], 17) ^ v[2];
    v[2] = hash_rotate(v[2], 32);
}

static inline void hash_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    hash_round(v);
    v[0] ^= word;
}

static inline uint64_t hash_span(const hash_key *key, lp_span span)
{
    uint64_t v[4] = {
        key->words[0] ^ 0x736f6d6570736575u,
        key->words[1] ^ 0x646f72616e646f6du,
        key->words[0] ^ 0x6c7967656e657261u,
        key->words[1] ^ 0x7465646279746573u,
    };
    size_t left_bytes = span.len_bytes;
    const char *at = span.ptr;
    uint64_t word;

    for (; left_bytes >= sizeof word; left_bytes -= sizeof word) {
        memcpy(&word, at, sizeof word);
        hash_word(v, word);
        at += sizeof word;
    }
    word = 0;
    if (left_bytes > 0) {
        memcpy(&word, at, left_bytes);
    }
    hash_word(v, word | (uint64_t)span.len_bytes << 56);
    v[2] ^= 0xff;
    hash_round(v);
    hash_round(v);
    hash_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/*
 * Of a token's id, "t." and a UUID, in a few instructions, as it is looked for
 * on every line. Ids are ours and random, so nobody can choose those that are in
 * a table, and the 64 random bits of the first and the last of them do; who
 * looks for others finds nothing. (The multipliers are SplitMix64's.)
 */
enum { HASH_TOKEN_BYTES = 38 };

static inline uint64_t hash_token(const hash_key *key, lp_span id)
{
    uint64_t first, last, x;

    if (id.len_bytes != HASH_TOKEN_BYTES) {
        return hash_span(key, id);
    }
    memcpy(&first, id.ptr + 2, sizeof first);
    memcpy(&last, id.ptr + HASH_TOKEN_BYTES - sizeof last, sizeof last);
    x = (first ^ key->words[0]) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 32 ^ last ^ key->words[1]) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#endif /* LOGPLEXD_HASH_H */
