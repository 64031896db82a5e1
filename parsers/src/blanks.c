#include "blanks.h"

#include "swar.h"

#if defined(__x86_64__) && !defined(LP_SWAR_PLAIN)
#include <immintrin.h>

#define WIDE __attribute__((target("avx2,bmi")))
#endif

enum { WORD_BITS = 64 };

/* A bit for each of 64 bytes. */
typedef struct masks {
    uint64_t blanks;
    uint64_t quotes; /* and backslashes */
} masks;

/* How to find them, and how to put blanks down from to on; that returns what is behind
 * them. */
typedef masks find_fn(const char *at);
typedef const char **put_fn(const char **to, const char *at, uint64_t bits);

/* Of the last 64 bytes, whose first ones are known, those that are not; there may be
 * none. */
static inline uint64_t last_of(uint64_t bits, size_t left)
{
    return bits >> 1 >> (WORD_BITS - 1 - left);
}

__attribute__((always_inline)) static inline bool
list(lp_span text, find_fn *find, put_fn *put, lpi_blank_list *out)
{
    size_t left = text.len_bytes % WORD_BITS;
    const char *end = text.ptr + text.len_bytes;
    const char *at = text.ptr;
    const char **to = out->at;
    unsigned quotes = 0;
    masks found;

    for (; at < end - left; at += WORD_BITS) {
        found = find(at);
        to = put(to, at, found.blanks);
        if (to > out->at + LPI_BLANKS_MAX) {
            return false;
        }
        quotes += (unsigned)__builtin_popcountll(found.quotes);
    }
    found = find(end - WORD_BITS);
    to = put(to, at, last_of(found.blanks, left));
    quotes += (unsigned)__builtin_popcountll(last_of(found.quotes, left));
    *to = end;
    out->quotes = quotes;
    return to <= out->at + LPI_BLANKS_MAX;
}

static inline masks find_narrow(const char *at)
{
    masks found;

    found.blanks = lp_swar_upto64(at, ' ');
    found.quotes = lp_swar_either64(at, '"', '\\');
    return found;
}

static inline const char **put_narrow(const char **to, const char *at,
                                      uint64_t bits)
{
    for (; bits != 0; bits &= bits - 1) {
        *to++ = at + __builtin_ctzll(bits);
    }
    return to;
}

static inline bool has_length(lp_span text)
{
    return text.len_bytes >= LPI_BLANKS_TEXT_MIN_BYTES &&
           text.len_bytes <= LPI_BLANKS_TEXT_MAX_BYTES;
}

bool lpi_blanks_narrow(lp_span text, lpi_blank_list *out)
{
    return has_length(text) && list(text, find_narrow, put_narrow, out);
}

#ifdef WIDE
WIDE static inline uint64_t mask_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

WIDE static inline __m256i blanks_in(__m256i bytes)
{
    const __m256i blank = _mm256_set1_epi8(' ');

    return _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, blank), blank);
}

/* Each byte is held against the only one that ends in the same four bits. */
WIDE static inline __m256i quotes_in(__m256i bytes)
{
    const __m256i by_low_bits = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        -1, -1, '"', -1, -1, -1, -1, -1, -1, -1, -1, -1, '\\', -1, -1, 0));

    return _mm256_cmpeq_epi8(_mm256_shuffle_epi8(by_low_bits, bytes), bytes);
}

WIDE static inline masks find_wide(const char *at)
{
    __m256i low = _mm256_loadu_si256((const void *)at);
    __m256i high = _mm256_loadu_si256((const void *)(at + 32));
    masks found;

    found.blanks = mask_of(blanks_in(low), blanks_in(high));
    found.quotes = mask_of(quotes_in(low), quotes_in(high));
    return found;
}

WIDE static inline uint64_t put_four(const char **to, const char *at,
                                     uint64_t bits)
{
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        to[i] = at + _tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return bits;
}

/* Four or eight at once, as many as most words have: nobody has to foretell how many
 * there are. */
WIDE static inline const char **put_wide(const char **to, const char *at,
                                         uint64_t bits)
{
    const char **end = to + __builtin_popcountll(bits);

    bits = put_four(to, at, bits);
    if (bits != 0) {
        bits = put_four(to + 4, at, bits);
    }
    for (to += 8; bits != 0; to++) {
        *to = at + _tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return end;
}

WIDE static bool list_wide(lp_span text, lpi_blank_list *out)
{
    return list(text, find_wide, put_wide, out);
}

bool lpi_blanks_of(lp_span text, lpi_blank_list *out)
{
    // Which one it is has to be asked when the program runs.
    if (!has_length(text) || !__builtin_cpu_supports("avx2") ||
        !__builtin_cpu_supports("bmi")) {
        return lpi_blanks_narrow(text, out);
    }
    return list_wide(text, out);
}
#else
bool lpi_blanks_of(lp_span text, lpi_blank_list *out)
{
    return lpi_blanks_narrow(text, out);
}
#endif
