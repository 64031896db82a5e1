/*
 * measure_impl.h - the readers of lines, between themselves.
 *
 * Each gets a message whose blanks at the end are gone, and of a cut one all
 * behind its last blank as well.
 */
#ifndef LP_MEASURE_IMPL_H
#define LP_MEASURE_IMPL_H

#include "logplex/measure.h"
#include "number.h"

/*
 * Adds one, or counts it as left out. Word by word: a struct that was just put
 * together from words and is copied in larger pieces stops the processor until all
 * of them have arrived in its cache, which took a fifth of the time of a line.
 */
static inline void lpi_measures_put(lp_measures *out, const lp_measure *measure)
{
    lp_measure *to = &out->list[out->count];

    if (out->count == LP_MEASURES_MAX) {
        out->left_out++;
        return;
    }
    out->count++;
    to->name.ptr = measure->name.ptr;
    to->name.len_bytes = measure->name.len_bytes;
    to->text.ptr = measure->text.ptr;
    to->text.len_bytes = measure->text.len_bytes;
    to->suffix.ptr = measure->suffix.ptr;
    to->suffix.len_bytes = measure->suffix.len_bytes;
    to->value = measure->value;
    to->op = measure->op;
    to->unit = measure->unit;
}

/* unit: that of a text without one, as it is written; base: that of a text
 * without one, if it is none of these. */
bool lpi_measures_add_slow(lp_measures *out, lp_measure_op op, lp_span name,
                           lp_span text, lp_span unit, lp_unit base);

/* How many digits of text make all of its number: those of the most common ones,
 * "18ms" and "200". 0: it is another one, or none. */
static inline size_t lpi_common_number(lp_span text, uint32_t *out, bool *is_ms)
{
    size_t n = lpi_number_short(text, out);

    *is_ms =
        text.len_bytes == n + 2 && text.ptr[n] == 'm' && text.ptr[n + 1] == 's';
    return n == text.len_bytes || *is_ms ? n : 0;
}

/* lp_measures_add(), in which these are read on the spot. */
static inline bool lpi_measures_add(lp_measures *out, lp_measure_op op,
                                    lp_span name, lp_span text, lp_unit unit)
{
    uint32_t number;
    bool is_ms;
    size_t n = lpi_common_number(text, &number, &is_ms);

    if (n == 0 || op == LP_OP_UNIQUE || name.len_bytes == 0) {
        return lpi_measures_add_slow(out, op, name, text, lp_span_of(NULL, 0),
                                     unit);
    }
    lpi_measures_put(
        out, &(lp_measure){.name = name,
                           .text = text,
                           .suffix = {text.ptr + n, text.len_bytes - n},
                           .value = number,
                           .op = (uint8_t)op,
                           .unit = (uint8_t)(is_ms ? LP_UNIT_MS : unit)});
    return true;
}

/* A number of up to nine digits at the front; -1: there is none. */
static inline int32_t lpi_small_number(lp_span text)
{
    uint32_t number;

    return lpi_number_short(text, &number) > 0 ? (int32_t)number : -1;
}

/* Pairs: the router's, and measures by convention among any words. older is what
 * measure=NAME val=NUMBER stands for. */
bool lpi_read_router(lp_span msg, bool is_cut, lp_measures *out);
bool lpi_read_request(lp_span msg, lp_request *out);
void lpi_read_conventions(const lp_measure_line *line, lp_measure_op older,
                          lp_measures *out);

/* Sentences: of the platform, of its API, "Error R14 (...)", and Rails'. */
bool lpi_read_platform(lp_span msg, lp_measures *out);
bool lpi_read_api(lp_span msg, lp_measures *out);
bool lpi_read_error(lp_span msg, lp_measures *out);
bool lpi_read_rails(lp_span msg, lp_measures *out);

/* "Error CODE", and "(DESC)" behind it, off the front of *rest. */
bool lpi_take_error(lp_span *rest, lp_measures *out);

/* Up to the first blank, off the front of *rest, and the blanks behind it. */
lp_span lpi_take_word(lp_span *rest);

#endif /* LP_MEASURE_IMPL_H */
