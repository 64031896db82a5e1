/*
 * pairs.h - the pairs of a text as lp_logfmt_next() gives them, for those who
 * want all of them: each 64 bytes are looked at at once, and where a key or a
 * value ends is then a bit in a register.
 *
 *     text      at=info path="/" status=200
 *     blanks    .......1........1..........1   and everything behind its end
 *     equals    ..1.........1.........1.....
 *     quotes    .............1.1............   also backslashes
 *
 * That takes half of the time that going from byte to byte does. tests/fuzz holds
 * the two to the same pairs for every text.
 */
#ifndef LP_PAIRS_H
#define LP_PAIRS_H

#include "logplex/logfmt.h"
#include "swar.h"

enum { LPI_PAIRS_BLOCK_BYTES = 64 };

/* What to look for. */
enum { LPI_BLANK = 1, LPI_EQUAL = 2, LPI_QUOTE = 4 };

typedef struct lpi_pairs {
    const char *text;
    size_t len_bytes;
    size_t at;    /* where the next pair is looked for */
    size_t block; /* which the bits below are of; a multiple of 64 */
    uint64_t blanks;
    uint64_t equals;
    uint64_t quotes;
} lpi_pairs;

static inline void lpi_pairs_look(lpi_pairs *pairs, const char *window)
{
    pairs->blanks = lp_swar_upto64(window, ' ');
    pairs->equals = lp_swar_bits64(window, '=');
    pairs->quotes = lp_swar_bits64(window, '"') | lp_swar_bits64(window, '\\');
}

/* The last block of a text, of n bytes: by its last 64 bytes, or by a copy when
 * it has not as many. What is behind the end is blank. */
static inline void lpi_pairs_look_at_end(lpi_pairs *pairs, size_t n)
{
    char copy[LPI_PAIRS_BLOCK_BYTES] = {0};
    unsigned shift = (unsigned)(LPI_PAIRS_BLOCK_BYTES - n);

    if (pairs->len_bytes < LPI_PAIRS_BLOCK_BYTES) {
        memcpy(copy, pairs->text, n);
        lpi_pairs_look(pairs, copy);
        return;
    }
    lpi_pairs_look(pairs,
                   pairs->text + pairs->len_bytes - LPI_PAIRS_BLOCK_BYTES);
    pairs->blanks = pairs->blanks >> shift | ~UINT64_C(0) << n;
    pairs->equals >>= shift;
    pairs->quotes >>= shift;
}

/* block is below len_bytes. */
static inline void lpi_pairs_load(lpi_pairs *pairs, size_t block)
{
    size_t n = pairs->len_bytes - block;

    pairs->block = block;
    if (n >= LPI_PAIRS_BLOCK_BYTES) {
        lpi_pairs_look(pairs, pairs->text + block);
    } else {
        lpi_pairs_look_at_end(pairs, n);
    }
}

static inline void lpi_pairs_init(lpi_pairs *pairs, lp_span text)
{
    pairs->text = text.ptr;
    pairs->len_bytes = text.len_bytes;
    pairs->at = 0;
    pairs->block = 0;
    if (text.len_bytes > 0) {
        lpi_pairs_load(pairs, 0);
    }
}

static inline uint64_t lpi_pairs_bits(const lpi_pairs *pairs, int what)
{
    return ((what & LPI_BLANK) != 0 ? pairs->blanks : 0) |
           ((what & LPI_EQUAL) != 0 ? pairs->equals : 0) |
           ((what & LPI_QUOTE) != 0 ? pairs->quotes : 0);
}

/* The next byte from at on that is one of what, or the end. */
static inline size_t lpi_pairs_find(lpi_pairs *pairs, size_t at, int what)
{
    while (at < pairs->len_bytes) {
        uint64_t bits;

        if (at - pairs->block >= LPI_PAIRS_BLOCK_BYTES) {
            lpi_pairs_load(pairs, at - at % LPI_PAIRS_BLOCK_BYTES);
        }
        bits = lpi_pairs_bits(pairs, what) >> (at - pairs->block);
        if (bits != 0) {
            at += (size_t)__builtin_ctzll(bits);
            break;
        }
        at = pairs->block + LPI_PAIRS_BLOCK_BYTES;
    }
    return at < pairs->len_bytes ? at : pairs->len_bytes;
}

static inline bool lpi_pairs_is_between(char c)
{
    return (unsigned char)c <= ' ' || c == '=' || c == '"';
}

/* at is behind the opening quote. Returns what is behind the closing one. */
static inline size_t lpi_pairs_take_quoted(lpi_pairs *pairs, size_t at,
                                           lp_pair *out)
{
    size_t start = at;

    out->quoted = true;
    for (at = lpi_pairs_find(pairs, at, LPI_QUOTE);
         at < pairs->len_bytes && pairs->text[at] == '\\';
         at = lpi_pairs_find(pairs, at, LPI_QUOTE)) {
        out->escaped = true;
        at += pairs->len_bytes - at > 1 ? 2 : 1;
    }
    out->value = lp_span_of(pairs->text + start, at - start);
    out->unterminated = at == pairs->len_bytes;
    return at + !out->unterminated;
}

static inline size_t lpi_pairs_find_key_end(lpi_pairs *pairs, size_t at)
{
    const int what = LPI_BLANK | LPI_EQUAL | LPI_QUOTE;

    for (at = lpi_pairs_find(pairs, at, what);
         at < pairs->len_bytes && pairs->text[at] == '\\';
         at = lpi_pairs_find(pairs, at + 1, what)) {
    }
    return at;
}

/* The next byte that may begin a key, or the end. */
static inline size_t lpi_pairs_start(lpi_pairs *pairs)
{
    size_t at = pairs->at;

    while (at < pairs->len_bytes && lpi_pairs_is_between(pairs->text[at])) {
        at++;
    }
    pairs->at = at;
    return at;
}

/* The value of out->key; at is behind its "=". */
static inline void lpi_pairs_take_value(lpi_pairs *pairs, size_t at,
                                        lp_pair *out)
{
    size_t start = at;

    if (at < pairs->len_bytes && pairs->text[at] == '"') {
        pairs->at = lpi_pairs_take_quoted(pairs, at + 1, out);
        return;
    }
    at = lpi_pairs_find(pairs, at, LPI_BLANK);
    out->value = lp_span_of(pairs->text + start, at - start);
    pairs->at = at;
}

/* False: there is no pair any more. */
static inline bool lpi_pairs_next(lpi_pairs *pairs, lp_pair *out)
{
    size_t start = lpi_pairs_start(pairs);
    size_t at;

    if (start == pairs->len_bytes) {
        return false;
    }
    at = lpi_pairs_find_key_end(pairs, start);
    *out = (lp_pair){.key = {pairs->text + start, at - start}};
    pairs->at = at;
    if (at < pairs->len_bytes && pairs->text[at] == '=') {
        lpi_pairs_take_value(pairs, at + 1, out);
    }
    return true;
}

/* Eight bytes of the text from at on as one number; what is behind the end is
 * 0. */
static inline uint64_t lpi_pairs_word(const lpi_pairs *pairs, size_t at)
{
    char copy[8] = {0};

    if (pairs->len_bytes - at >= sizeof(copy)) {
        return lp_swar_load(pairs->text + at);
    }
    memcpy(copy, pairs->text + at, pairs->len_bytes - at);
    return lp_swar_load(copy);
}

#endif /* LP_PAIRS_H */
