/*
 * pairs.h - the grammar of pairs, for logfmt.h and for those who want all pairs
 * of a text and not a call for each.
 *
 * A blank is any byte up to and with the space, so a tab, a line end or a NUL
 * parts two pairs as well. A key may hold anything but blanks, "=" and quotes;
 * a value without quotes anything but blanks, since older router lines have
 * path=/?a=b.
 */
#ifndef LP_PAIRS_H
#define LP_PAIRS_H

#include "logplex/logfmt.h"
#include "swar.h"

typedef struct lpi_pairs {
    const char *start;
    const char *at; /* where the next pair is looked for */
    const char *end;
} lpi_pairs;

static inline void lpi_pairs_init(lpi_pairs *pairs, lp_span text)
{
    pairs->start = text.ptr;
    pairs->at = text.ptr;
    pairs->end = text.len_bytes > 0 ? text.ptr + text.len_bytes : text.ptr;
}

typedef enum lpi_stop {
    LPI_STOP_BLANK,
    LPI_STOP_KEY,  /* a blank, "=" or a quote */
    LPI_STOP_QUOTE /* or a backslash */
} lpi_stop;

enum { LPI_STOP_BYTES = 16 };

/* Which of 16 bytes are one. */
static inline unsigned lpi_stop_mask(const char *at, lpi_stop stop)
{
    if (stop == LPI_STOP_BLANK) {
        return lp_swar_upto16(at, ' ');
    }
    return stop == LPI_STOP_KEY ? lp_swar_upto_or_either16(at, ' ', '=', '"')
                                : lp_swar_either16(at, '"', '\\');
}

/* Of a text that is shorter than what is looked at in one go, by a copy with NULs
 * behind it. Apart, as an array makes a function costly that seldom needs it. */
unsigned lpi_stop_mask_short(const char *at, size_t left, lpi_stop stop);
uint64_t lpi_blanks_short(const char *at, size_t left);

/* The last few bytes of a text: by its last 16, when it has as many. */
static inline const char *lpi_pairs_find_near_end(const lpi_pairs *pairs,
                                                  const char *at, lpi_stop stop)
{
    size_t left = (size_t)(pairs->end - at);
    unsigned mask;

    if (pairs->end - pairs->start >= LPI_STOP_BYTES) {
        mask = lpi_stop_mask(pairs->end - LPI_STOP_BYTES, stop) >>
               (LPI_STOP_BYTES - left);
    } else {
        mask = lpi_stop_mask_short(at, left, stop);
    }
    return mask != 0 ? at + __builtin_ctz(mask) : pairs->end;
}

/* The next one from at on, or the end. */
static inline const char *lpi_pairs_find(const lpi_pairs *pairs, const char *at,
                                         lpi_stop stop)
{
    for (; pairs->end - at >= LPI_STOP_BYTES; at += LPI_STOP_BYTES) {
        unsigned mask = lpi_stop_mask(at, stop);

        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
    }
    return at < pairs->end ? lpi_pairs_find_near_end(pairs, at, stop) : at;
}

/*
 * The blanks of a text, in turn, from a window of 64 bytes at a time:
 *
 *     service=18ms status=200 bytes=13 protocol=https
 *     ............x..........x........x..............   bits
 *
 * A bit is taken in a cycle, so the processor knows where the next pairs are long
 * before it is done with this one. To look for each blank by itself would make it
 * wait for the end of a value before it can begin with what follows.
 */
typedef struct lpi_blanks {
    const char *at;
    uint64_t bits; /* bit n: n bytes behind at is a blank, or the end */
} lpi_blanks;

enum { LPI_BLANKS_BYTES = 64, LPI_BLANKS_FAR = 192 };

/* Those of fewer than 64 bytes up to the end, which counts as one. */
static inline uint64_t lpi_blanks_near_end(const lpi_pairs *pairs,
                                           const char *at)
{
    size_t left = (size_t)(pairs->end - at);

    if (pairs->end - pairs->start < LPI_BLANKS_BYTES) {
        return lpi_blanks_short(at, left);
    }
    // The last 64, without those in front of at; none may be left.
    return (lp_swar_upto64(pairs->end - LPI_BLANKS_BYTES, ' ') >> 1 >>
            (LPI_BLANKS_BYTES - 1 - left)) |
           UINT64_C(1) << left;
}

/* From at on, of four windows at most the first that has any; no bits: none has. A
 * text without blanks must not be looked through once for each of its pairs. */
static inline lpi_blanks lpi_blanks_from(const lpi_pairs *pairs, const char *at)
{
    lpi_blanks blanks = {at, 0};

    while (pairs->end - blanks.at >= LPI_BLANKS_BYTES) {
        blanks.bits = lp_swar_upto64(blanks.at, ' ');
        if (blanks.bits != 0 || blanks.at - at == LPI_BLANKS_FAR) {
            return blanks;
        }
        blanks.at += LPI_BLANKS_BYTES;
    }
    blanks.bits = lpi_blanks_near_end(pairs, blanks.at);
    return blanks;
}

/* The first of those that are left. */
static inline const char *lpi_blanks_take(lpi_blanks *blanks)
{
    const char *at = blanks->at + (unsigned)__builtin_ctzll(blanks->bits);

    blanks->bits &= blanks->bits - 1;
    return at;
}

static inline bool lpi_pairs_is_between(char c)
{
    return (unsigned char)c <= ' ' || c == '=' || c == '"';
}

/* The next byte that may begin a key, or the end. */
static inline const char *lpi_pairs_start(lpi_pairs *pairs)
{
    const char *at = pairs->at;

    if (at < pairs->end && *at == ' ') {
        at++; // and mostly no more
    }
    while (at < pairs->end && lpi_pairs_is_between(*at)) {
        at++;
    }
    pairs->at = at;
    return at;
}

/* at is behind the opening quote. */
static inline void lpi_pairs_take_quoted(lpi_pairs *pairs, const char *at,
                                         lp_pair *out)
{
    const char *start = at;

    out->quoted = true;
    for (at = lpi_pairs_find(pairs, at, LPI_STOP_QUOTE);
         at < pairs->end && *at == '\\';
         at = lpi_pairs_find(pairs, at, LPI_STOP_QUOTE)) {
        out->escaped = true;
        at += pairs->end - at > 1 ? 2 : 1;
    }
    out->value = lp_span_of(start, (size_t)(at - start));
    out->unterminated = at == pairs->end;
    pairs->at = at + !out->unterminated;
}

/* The value of a key; at is behind its "=". */
static inline void lpi_pairs_take_value(lpi_pairs *pairs, const char *at,
                                        lp_pair *out)
{
    if (at < pairs->end && *at == '"') {
        lpi_pairs_take_quoted(pairs, at + 1, out);
        return;
    }
    pairs->at = lpi_pairs_find(pairs, at, LPI_STOP_BLANK);
    out->value = lp_span_of(at, (size_t)(pairs->at - at));
}

/* False: there is no pair any more. */
static inline bool lpi_pairs_next(lpi_pairs *pairs, lp_pair *out)
{
    const char *start = lpi_pairs_start(pairs);
    const char *at;

    if (start == pairs->end) {
        return false;
    }
    at = lpi_pairs_find(pairs, start, LPI_STOP_KEY);
    *out = (lp_pair){.key = {start, (size_t)(at - start)}};
    pairs->at = at;
    if (at < pairs->end && *at == '=') {
        lpi_pairs_take_value(pairs, at + 1, out);
    }
    return true;
}

/* Of so many bytes up to the end, fewer than eight. */
uint64_t lpi_pairs_word_near_end(const lpi_pairs *pairs, size_t left);

/* Eight bytes of the text from at on as one number; what is behind the end is
 * 0. */
static inline uint64_t lpi_pairs_word(const lpi_pairs *pairs, const char *at)
{
    ptrdiff_t left = pairs->end - at;

    return left >= (ptrdiff_t)sizeof(uint64_t)
               ? lp_swar_load(at)
               : lpi_pairs_word_near_end(pairs, (size_t)left);
}

#endif /* LP_PAIRS_H */
