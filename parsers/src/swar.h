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

/*
 * One bit for each of 16 or 64 bytes, the first of them lowest, set where it is
 * equal to byte (bits64), or to a or b (either16, either64), or at most limit, which is
 * below 128 (upto16, upto64), or one of both (upto_or_either16); or where it is
 * one, or is first and second stands so many bytes behind it (marks64, which reads
 * 64 bytes and the distance). Exact, unlike the masks above. LP_SWAR_PLAIN asks for
 * plain C where there are vectors too, for tests.
 */
#if defined(__SSE2__) && !defined(LP_SWAR_PLAIN)
#include <emmintrin.h>

static inline uint64_t lp_swar_bits16(const char *ptr, __m128i wanted)
{
    __m128i bytes = _mm_loadu_si128((const void *)ptr);

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));
}

static inline uint64_t lp_swar_bits64(const char *ptr, char byte)
{
    const __m128i wanted = _mm_set1_epi8(byte);

    return lp_swar_bits16(ptr, wanted) |
           lp_swar_bits16(ptr + 16, wanted) << 16 |
           lp_swar_bits16(ptr + 32, wanted) << 32 |
           lp_swar_bits16(ptr + 48, wanted) << 48;
}

static inline __m128i lp_swar_vector_upto(__m128i bytes, char limit)
{
    return _mm_cmpeq_epi8(_mm_subs_epu8(bytes, _mm_set1_epi8(limit)),
                          _mm_setzero_si128());
}

static inline __m128i lp_swar_vector_either(__m128i bytes, char a, char b)
{
    return _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(a)),
                        _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b)));
}

static inline unsigned lp_swar_upto16(const char *ptr, char limit)
{
    __m128i bytes = _mm_loadu_si128((const void *)ptr);

    return (unsigned)_mm_movemask_epi8(lp_swar_vector_upto(bytes, limit));
}

static inline unsigned lp_swar_either16(const char *ptr, char a, char b)
{
    __m128i bytes = _mm_loadu_si128((const void *)ptr);

    return (unsigned)_mm_movemask_epi8(lp_swar_vector_either(bytes, a, b));
}

static inline unsigned lp_swar_upto_or_either16(const char *ptr, char limit,
                                                char a, char b)
{
    __m128i bytes = _mm_loadu_si128((const void *)ptr);

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(
        lp_swar_vector_upto(bytes, limit), lp_swar_vector_either(bytes, a, b)));
}

static inline uint64_t lp_swar_marks16(const char *ptr, char one, char first,
                                       unsigned distance, char second)
{
    __m128i bytes = _mm_loadu_si128((const void *)ptr);
    __m128i behind = _mm_loadu_si128((const void *)(ptr + distance));
    __m128i both = _mm_and_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(first)),
                                 _mm_cmpeq_epi8(behind, _mm_set1_epi8(second)));

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(one)), both));
}

static inline uint64_t lp_swar_marks64(const char *ptr, char one, char first,
                                       unsigned distance, char second)
{
    return lp_swar_marks16(ptr, one, first, distance, second) |
           lp_swar_marks16(ptr + 16, one, first, distance, second) << 16 |
           lp_swar_marks16(ptr + 32, one, first, distance, second) << 32 |
           lp_swar_marks16(ptr + 48, one, first, distance, second) << 48;
}
#else
/* Of eight bytes that are 0x80 or 0 each: their top bits in eight bits. The
 * factor, 2^56 + 2^49 + ... + 2^7, gathers them in the top byte. */
static inline uint64_t lp_swar_gather(uint64_t tops)
{
    return (tops >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline unsigned lp_swar_equal8(const char *ptr, char byte)
{
    uint64_t word = lp_swar_load(ptr) ^ LP_SWAR_ONES * (unsigned char)byte;
    uint64_t low = (word & ~LP_SWAR_HIGHS) + ~LP_SWAR_HIGHS;

    return (unsigned)lp_swar_gather(~(low | word | ~LP_SWAR_HIGHS));
}

static inline uint64_t lp_swar_bits64(const char *ptr, char byte)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < 8; i++) {
        bits |= (uint64_t)lp_swar_equal8(ptr + 8 * i, byte) << 8 * i;
    }
    return bits;
}

static inline unsigned lp_swar_either16(const char *ptr, char a, char b)
{
    return lp_swar_equal8(ptr, a) | lp_swar_equal8(ptr, b) |
           (lp_swar_equal8(ptr + 8, a) | lp_swar_equal8(ptr + 8, b)) << 8;
}

static inline unsigned lp_swar_upto8(const char *ptr, char limit)
{
    uint64_t word = lp_swar_load(ptr);
    uint64_t over =
        (word & ~LP_SWAR_HIGHS) + LP_SWAR_ONES * (0x7fU - (unsigned char)limit);

    return (unsigned)lp_swar_gather(~(over | word) & LP_SWAR_HIGHS);
}

static inline unsigned lp_swar_upto16(const char *ptr, char limit)
{
    return lp_swar_upto8(ptr, limit) | lp_swar_upto8(ptr + 8, limit) << 8;
}

static inline unsigned lp_swar_upto_or_either16(const char *ptr, char limit,
                                                char a, char b)
{
    return lp_swar_upto16(ptr, limit) | lp_swar_either16(ptr, a, b);
}

static inline uint64_t lp_swar_marks64(const char *ptr, char one, char first,
                                       unsigned distance, char second)
{
    return lp_swar_bits64(ptr, one) | (lp_swar_bits64(ptr, first) &
                                       lp_swar_bits64(ptr + distance, second));
}
#endif

static inline uint64_t lp_swar_upto64(const char *ptr, char limit)
{
    return lp_swar_upto16(ptr, limit) |
           (uint64_t)lp_swar_upto16(ptr + 16, limit) << 16 |
           (uint64_t)lp_swar_upto16(ptr + 32, limit) << 32 |
           (uint64_t)lp_swar_upto16(ptr + 48, limit) << 48;
}

static inline uint64_t lp_swar_either64(const char *ptr, char a, char b)
{
    return lp_swar_either16(ptr, a, b) |
           (uint64_t)lp_swar_either16(ptr + 16, a, b) << 16 |
           (uint64_t)lp_swar_either16(ptr + 32, a, b) << 32 |
           (uint64_t)lp_swar_either16(ptr + 48, a, b) << 48;
}

#endif /* LOGPLEX_SWAR_H */
