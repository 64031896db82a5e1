/*
 * path_marks.h - what the first bytes of a path are, a bit for each: the first byte
 * has the lowest.
 *
 *      /users/4711/x?y
 *      ++++++++++++++-+      usual: small letters, digits, "-", ".", "_" and "/"
 *      -------++++-----      digits
 *      +-----+----+----      slashes
 */
#ifndef LP_PATH_MARKS_H
#define LP_PATH_MARKS_H

#include "hash.h"

#if defined(__SSE2__) && !defined(LP_SWAR_PLAIN)
#include <emmintrin.h>
#endif

enum { LPI_MARKED_BYTES = 48, LPI_MARKS_STEP = 16 };

typedef struct lpi_path_marks {
    uint64_t usual;
    uint64_t digits;
    uint64_t slashes;
} lpi_path_marks;

/* Sixteen bytes that there are. */
static inline lpi_path_marks lpi_marks_of_step(const char *at)
{
    lpi_path_marks marks = {0, 0, 0};

#if defined(__SSE2__) && !defined(LP_SWAR_PLAIN)
    __m128i bytes = _mm_loadu_si128((const void *)at);
    // Those from 128 on are below all others.
    __m128i low = _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('-' - 1)),
                                _mm_cmplt_epi8(bytes, _mm_set1_epi8('9' + 1)));
    __m128i small =
        _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8('a' - 1)),
                      _mm_cmplt_epi8(bytes, _mm_set1_epi8('z' + 1)));
    __m128i line = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_'));
    __m128i digits =
        _mm_and_si128(low, _mm_cmpgt_epi8(bytes, _mm_set1_epi8('/')));
    __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'));

    marks.usual = (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(low, small), line));
    marks.digits = (unsigned)_mm_movemask_epi8(digits);
    marks.slashes = (unsigned)_mm_movemask_epi8(slashes);
#else
    for (unsigned i = 0; i < LPI_MARKS_STEP; i++) {
        char c = at[i];
        bool is_digit = c >= '0' && c <= '9';
        bool is_usual = is_digit || (c >= 'a' && c <= 'z') || c == '-' ||
                        c == '.' || c == '_' || c == '/';

        marks.usual |= (uint64_t)is_usual << i;
        marks.digits |= (uint64_t)is_digit << i;
        marks.slashes |= (uint64_t)(c == '/') << i;
    }
#endif
    return marks;
}

/* Those of the first bytes of a path, of LPI_MARKED_BYTES at most, which it copies;
 * copy has room for so many. What is behind them is not to be looked at. */
static inline lpi_path_marks lpi_path_marks_of(lp_span path, char *copy)
{
    size_t n = path.len_bytes;
    lpi_path_marks marks;

    if (n < LPI_MARKS_STEP) {
        // Two words, the second from where it ends with the path.
        uint64_t first = n >= 8  ? lpi_load(path.ptr, 8)
                         : n > 0 ? lpi_load_short(path)
                                 : 0;
        uint64_t last =
            n > 8 ? lpi_load(path.ptr + n - 8, 8) >> 8 * (16 - n) : 0;

        lpi_store(copy, first);
        lpi_store(copy + 8, last);
        return lpi_marks_of_step(copy);
    }
    n = n < LPI_MARKED_BYTES ? n : LPI_MARKED_BYTES;
    memcpy(copy, path.ptr, LPI_MARKS_STEP);
    marks = lpi_marks_of_step(path.ptr);
    for (size_t at = LPI_MARKS_STEP; at < n; at += LPI_MARKS_STEP) {
        size_t from = at < n - LPI_MARKS_STEP ? at : n - LPI_MARKS_STEP;
        lpi_path_marks more = lpi_marks_of_step(path.ptr + from);

        memcpy(copy + from, path.ptr + from, LPI_MARKS_STEP);
        marks.usual |= more.usual << from;
        marks.digits |= more.digits << from;
        marks.slashes |= more.slashes << from;
    }
    return marks;
}

#endif /* LP_PATH_MARKS_H */
