/*
 * swar.h - eight bytes at a time in one register, in plain C.
 *
 * A mask has the top bit set of each byte that matched. A match may also mark
 * bytes above itself, never below: only the lowest one of a mask, or of several
 * joined by "|", is to be believed, and that is the one we ask for.
 */
#ifndef LOGPLEX_SWAR_H
#define LOGPLEX_SWAR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LP_SWAR_ONES  UINT64_C(0x0101010101010101)
#define LP_SWAR_HIGHS UINT64_C(0x8080808080808080)

/* Eight bytes, the first of them lowest whatever the machine is. */
static inline uint64_t lp_swar_load(const char *ptr)
{
    uint64_t word;

    memcpy(&word, ptr, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Bytes below limit, which is at most 128. */
static inline uint64_t lp_swar_below(uint64_t word, unsigned char limit)
{
    return (word - LP_SWAR_ONES * limit) & ~word & LP_SWAR_HIGHS;
}

static inline uint64_t lp_swar_equal(uint64_t word, unsigned char byte)
{
    return lp_swar_below(word ^ (LP_SWAR_ONES * byte), 1);
}

/* Which byte, 0 to 7, is the first of a mask that is not 0. */
static inline size_t lp_swar_first(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) >> 3;
}

#endif /* LOGPLEX_SWAR_H */
