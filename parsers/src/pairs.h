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

/* The last few bytes of a text: by its last 16, or by a copy when it has not as
 * many. */
static inline const char *lpi_pairs_find_near_end(const lpi_pairs *pairs,
                                                  const char *at, lpi_stop stop)
{
    size_t left = (size_t)(pairs->end - at);
    unsigned mask;

    if (pairs->end - pairs->start >= LPI_STOP_BYTES) {
        mask = lpi_stop_mask(pairs->end - LPI_STOP_BYTES, stop) >>
               (LPI_STOP_BYTES - left);
    } else {
        char copy[LPI_STOP_BYTES] = {0};

        memcpy(copy, at, left);
        mask = lpi_stop_mask(copy, stop) & ((1U << left) - 1);
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

/* Eight bytes of the text from at on as one number; what is behind the end is
 * 0. */
static inline uint64_t lpi_pairs_word(const lpi_pairs *pairs, const char *at)
{
    char copy[8] = {0};

    if (pairs->end - at >= (ptrdiff_t)sizeof(copy)) {
        return lp_swar_load(at);
    }
    memcpy(copy, at, (size_t)(pairs->end - at));
    return lp_swar_load(copy);
}

#endif /* LP_PAIRS_H */
