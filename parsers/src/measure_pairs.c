/* Measures by convention, in any line. */
#include "measure_pairs.h"

/* The first eight bytes of a key as one number; the rest of a shorter one is
 * 0. */
static uint64_t word_of_key(const lpi_pairs *pairs, lp_span key)
{
    uint64_t word = lpi_pairs_word(pairs, key.ptr);

    return key.len_bytes >= sizeof(word)
               ? word
               : word & ((UINT64_C(1) << 8 * key.len_bytes) - 1);
}

static bool is_word(uint64_t word, const char name[8])
{
    return word == lp_swar_load(name);
}

/* Whether a key is "measure#NAME" or the like, and which. */
static bool read_key(uint64_t word, lp_span key, lp_measure_op *op,
                     lp_span *name)
{
    // Both are as long as the word, the others are a byte or two shorter.
    static const char measure[8] = {'m', 'e', 'a', 's', 'u', 'r', 'e', '#'};
    static const char legacy[8] = {'m', 'e', 'a', 's', 'u', 'r', 'e', '.'};
    const uint64_t six = (UINT64_C(1) << 48) - 1;
    const uint64_t seven = (UINT64_C(1) << 56) - 1;
    size_t prefix_bytes;

    if (is_word(word & seven, "sample#")) {
        *op = LP_OP_SAMPLE;
        prefix_bytes = 7;
    } else if (is_word(word & six, "count#\0")) {
        *op = LP_OP_COUNT;
        prefix_bytes = 6;
    } else if (is_word(word, measure) || is_word(word, legacy)) {
        *op = LP_OP_MEASURE;
        prefix_bytes = 8;
    } else if (is_word(word & seven, "unique#")) {
        *op = LP_OP_UNIQUE;
        prefix_bytes = 7;
    } else {
        return false;
    }
    *name = lp_span_skip(key, prefix_bytes);
    return true;
}

/* And not in quotes or in JSON? */
static bool begins_word(const lpi_pairs *pairs, lp_span key)
{
    return key.ptr == pairs->start || (unsigned char)key.ptr[-1] <= ' ';
}

static bool ends_word(const lpi_pairs *pairs, lp_span key)
{
    const char *behind = key.ptr + key.len_bytes;

    return behind == pairs->end || (unsigned char)*behind <= ' ';
}

/* A missing value is 1, an empty one is none. */
static void add_pair(lp_measures *out, lp_measure_op op, lp_span name,
                     const lpi_pairs *pairs, const lp_pair *pair)
{
    lp_span nothing = lp_span_skip(pair->key, pair->key.len_bytes);

    if (pair->unterminated || !begins_word(pairs, pair->key)) {
        return;
    }
    if (pair->value.ptr != NULL) {
        lpi_measures_add(out, op, name, pair->value, LP_UNIT_NONE);
    } else if (op != LP_OP_UNIQUE && name.len_bytes > 0 &&
               ends_word(pairs, pair->key)) {
        lpi_measures_put(out, &(lp_measure){.name = name,
                                            .text = nothing,
                                            .suffix = nothing,
                                            .value = 1,
                                            .op = (uint8_t)op});
    }
}

void lpi_triple_end(lpi_triple *open, lp_span unit, lp_measures *out)
{
    if (open->value.len_bytes > 0) {
        lpi_measures_add_slow(out, open->op, open->name, open->value, unit,
                              LP_UNIT_NONE);
        open->name.len_bytes = 0;
        open->value.len_bytes = 0;
    }
}

/* The pair behind val=. Returns whether it is of the triple. */
static bool read_units(uint64_t word, const lp_pair *pair, lpi_triple *open,
                       lp_measures *out)
{
    bool is_whole = pair->value.len_bytes > 0 && !pair->unterminated;

    if (is_whole && is_word(word, "units\0\0") &&
        pair->key.len_bytes < sizeof(word)) {
        lpi_triple_end(open, pair->value, out);
        return true;
    }
    if (!is_whole && lp_span_starts(LP_SPAN("units"), pair->key)) {
        open->is_waiting = true;
        return true;
    }
    lpi_triple_end(open, lp_span_of(NULL, 0), out);
    return false;
}

static void read_triple(uint64_t word, const lp_pair *pair, lpi_triple *open,
                        lp_measures *out)
{
    if (pair->key.len_bytes >= sizeof(word) || pair->unterminated) {
        return;
    }
    if (is_word(word, "measure") && pair->value.len_bytes > 0) {
        open->name = pair->value;
    } else if (is_word(word, "val\0\0\0\0") && open->name.len_bytes > 0) {
        open->value = pair->value;
        open->is_waiting = false;
    } else if (is_word(word, "source\0")) {
        out->source = pair->value;
    }
}

void lpi_read_convention(const lpi_pairs *pairs, const lp_pair *pair,
                         lpi_triple *open, lp_measures *out)
{
    uint64_t word = word_of_key(pairs, pair->key);
    lp_measure_op op;
    lp_span name;

    if (open->value.len_bytes > 0 && read_units(word, pair, open, out)) {
        return;
    }
    if (read_key(word, pair->key, &op, &name)) {
        add_pair(out, op, name, pairs, pair);
    } else {
        read_triple(word, pair, open, out);
    }
}

void lpi_end_conventions(lpi_triple *open, bool is_cut, lp_measures *out)
{
    if (!is_cut && !open->is_waiting) {
        lpi_triple_end(open, lp_span_of(NULL, 0), out);
    }
}

/* What may be a measure: "#" behind one of its words, or "measure" in front of
 * "=" or a point. */
static bool is_mark(lp_span msg, size_t at)
{
    static const char *const words[] = {"measure", "sample", "count", "unique"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i]);

        if (at >= n && memcmp(msg.ptr + at - n, words[i], n) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_older_mark(lp_span msg, size_t at)
{
    return at + 7 < msg.len_bytes &&
           (msg.ptr[at + 7] == '=' || msg.ptr[at + 7] == '.') &&
           memcmp(msg.ptr + at, "measure", 7) == 0;
}

enum { E_BEHIND_M = 6, SCAN_BYTES = 64 + E_BEHIND_M };

/* at is where in msg the SCAN_BYTES of window begin. */
static bool has_mark(lp_span msg, size_t at, const char *window)
{
    uint64_t marks = lp_swar_marks64(window, '#', 'm', E_BEHIND_M, 'e');

    for (; marks != 0; marks &= marks - 1) {
        size_t mark = at + (size_t)__builtin_ctzll(marks);

        if (msg.ptr[mark] == '#' ? is_mark(msg, mark)
                                 : is_older_mark(msg, mark)) {
            return true;
        }
    }
    return false;
}

/* Whether it is worth while to go through the pairs: without it, words that
 * measure nothing would cost as much as those that do. */
static bool may_measure(lp_span msg)
{
    char copy[SCAN_BYTES] = {0};
    size_t at = 0;

    for (; msg.len_bytes - at >= SCAN_BYTES; at += 64) {
        if (has_mark(msg, at, msg.ptr + at)) {
            return true;
        }
    }
    memcpy(copy, msg.ptr + at, msg.len_bytes - at);
    return has_mark(msg, at, copy);
}

void lpi_read_conventions(const lp_measure_line *line, lp_measure_op older,
                          lp_measures *out)
{
    lpi_triple open = {.op = older};
    lpi_pairs pairs;
    lp_pair pair;

    if (line->msg.len_bytes == 0 || !may_measure(line->msg)) {
        return;
    }
    lpi_pairs_init(&pairs, line->msg);
    while (lpi_pairs_next(&pairs, &pair)) {
        lpi_read_convention(&pairs, &pair, &open, out);
    }
    lpi_end_conventions(&open, line->is_cut, out);
}
