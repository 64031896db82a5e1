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

enum {
    LPI_MARKED_BYTES = 48,
    LPI_MARKS_STEP = 16,
    LPI_MARKS_SURE = 32 /* so many are looked at, whatever they are */
};

typedef struct lpi_path_marks {
    uint64_t usual;
    uint64_t digits;
    uint64_t slashes;
} lpi_path_marks;

/* Sixteen bytes. */
#if defined(__SSE2__) && !defined(LP_SWAR_PLAIN)
typedef __m128i lpi_step;

static inline lpi_step lpi_step_load(const char *at)
{
    return _mm_loadu_si128((const void *)at);
}

/* Of two words: from registers, as to load what was just stored in two parts makes
 * the processor wait. */
static inline lpi_step lpi_step_of(uint64_t first, uint64_t last)
{
    return _mm_set_epi64x((int64_t)last, (int64_t)first);
}

static inline void lpi_step_store(char *at, lpi_step step)
{
    _mm_storeu_si128((void *)at, step);
}

/* Which are from low to high: these are moved up to the end of all numbers that a byte
 * can be, so that one comparison asks for both. */
static inline lpi_step lpi_step_range(lpi_step bytes, char low, char high)
{
    return _mm_cmpgt_epi8(
        _mm_add_epi8(bytes, _mm_set1_epi8((char)(INT8_MAX - high))),
        _mm_set1_epi8((char)(INT8_MAX - 1 - (high - low))));
}

static inline lpi_path_marks lpi_step_marks(lpi_step bytes)
{
    lpi_step low = lpi_step_range(bytes, '-', '9');
    lpi_step small = lpi_step_range(bytes, 'a', 'z');
    lpi_step line = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('_'));
    lpi_step digits = lpi_step_range(bytes, '0', '9');
    lpi_step slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'));
    lpi_path_marks marks;

    marks.usual = (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(low, small), line));
    marks.digits = (unsigned)_mm_movemask_epi8(digits);
    marks.slashes = (unsigned)_mm_movemask_epi8(slashes);
    return marks;
}
#else
typedef struct lpi_step {
    char bytes[LPI_MARKS_STEP];
} lpi_step;

static inline lpi_step lpi_step_load(const char *at)
{
    lpi_step step;

    memcpy(step.bytes, at, sizeof(step.bytes));
    return step;
}

static inline lpi_step lpi_step_of(uint64_t first, uint64_t last)
{
    lpi_step step;

    lpi_store(step.bytes, first);
    lpi_store(step.bytes + 8, last);
    return step;
}

static inline void lpi_step_store(char *at, lpi_step step)
{
    memcpy(at, step.bytes, sizeof(step.bytes));
}

static inline lpi_path_marks lpi_step_marks(lpi_step step)
{
    lpi_path_marks marks = {0, 0, 0};

    for (unsigned i = 0; i < LPI_MARKS_STEP; i++) {
        char c = step.bytes[i];
        bool is_digit = c >= '0' && c <= '9';
        bool is_usual = is_digit || (c >= 'a' && c <= 'z') || c == '-' ||
                        c == '.' || c == '_' || c == '/';

        marks.usual |= (uint64_t)is_usual << i;
        marks.digits |= (uint64_t)is_digit << i;
        marks.slashes |= (uint64_t)(c == '/') << i;
    }
    return marks;
}
#endif

/* Fewer bytes than a step has, with zeros behind them: two words, of which the
 * second ends where they do. */
static inline lpi_step lpi_step_of_short(lp_span text)
{
    size_t n = text.len_bytes;

    if (n > 8) {
        return lpi_step_of(lpi_load(text.ptr, 8),
                           lpi_load(text.ptr + n - 8, 8) >> 8 * (16 - n));
    }
    return lpi_step_of(n > 0 ? lpi_load_short(text) : 0, 0);
}

/* Those of the first bytes of a path, of LPI_MARKED_BYTES at most, which it copies
 * to two places with room for so many. What is behind them is not to be looked
 * at; nor, where the first two steps have a byte that is not usual, what is behind
 * these, as with most queries. */
static inline lpi_path_marks lpi_path_marks_of(lp_span path, char *to,
                                               char *other)
{
    size_t n =
        path.len_bytes < LPI_MARKED_BYTES ? path.len_bytes : LPI_MARKED_BYTES;
    lpi_step step =
        n < LPI_MARKS_STEP ? lpi_step_of_short(path) : lpi_step_load(path.ptr);
    lpi_path_marks marks = lpi_step_marks(step);

    lpi_step_store(to, step);
    lpi_step_store(other, step);
    for (size_t at = LPI_MARKS_STEP;
         at < n &&
         (at < LPI_MARKS_SURE || ~marks.usual << (64 - LPI_MARKS_SURE) == 0);
         at += LPI_MARKS_STEP) {
        size_t from = at < n - LPI_MARKS_STEP ? at : n - LPI_MARKS_STEP;
        lpi_path_marks more;

        step = lpi_step_load(path.ptr + from);
        more = lpi_step_marks(step);
        lpi_step_store(to + from, step);
        lpi_step_store(other + from, step);
        marks.usual |= more.usual << from;
        marks.digits |= more.digits << from;
        marks.slashes |= more.slashes << from;
    }
    return marks;
}

#endif /* LP_PATH_MARKS_H */
