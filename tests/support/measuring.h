/* measuring.h - what has to be true of the measures of a line that is cut. */
#ifndef TESTS_MEASURING_H
#define TESTS_MEASURING_H

#include "logplex/measure.h"

static inline bool same_measure(const lp_measure *a, const lp_measure *b)
{
    return lp_span_equal(a->name, b->name) && lp_span_equal(a->text, b->text) &&
           lp_span_equal(a->suffix, b->suffix) && a->op == b->op &&
           a->unit == b->unit && memcmp(&a->value, &b->value, 8) == 0;
}

static inline bool has_measure(const lp_measures *all, const lp_measure *one)
{
    for (int i = 0; i < all->count; i++) {
        if (same_measure(&all->list[i], one)) {
            return true;
        }
    }
    return false;
}

/* Does it reach to the end of what is left of a message? Then it may be a part
 * of something longer. */
static inline bool is_at_end(const lp_measure *one, lp_span msg)
{
    const char *end = msg.ptr + msg.len_bytes;

    while (end > msg.ptr && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    return one->text.ptr + one->text.len_bytes == end ||
           one->suffix.ptr + one->suffix.len_bytes == end ||
           one->name.ptr + one->name.len_bytes == end;
}

/*
 * The first measure of a cut line that the whole one, of which all is known in
 * *whole, does not have; NULL when there is none. One at the end is passed over
 * unless it was said that the line is cut.
 */
static inline const lp_measure *foreign_measure(const lp_measures *whole,
                                                const lp_measures *cut,
                                                const lp_measure_line *line)
{
    for (int i = 0; i < cut->count && whole->left_out == 0; i++) {
        const lp_measure *one = &cut->list[i];

        if (!has_measure(whole, one) &&
            (line->is_cut || !is_at_end(one, line->msg))) {
            return one;
        }
    }
    return NULL;
}

#endif /* TESTS_MEASURING_H */
