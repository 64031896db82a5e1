/* pick_impl.h - one pair for a picker, for those who walk pairs anyway. */
#ifndef LP_PICK_IMPL_H
#define LP_PICK_IMPL_H

#include "logplex/pick.h"
#include "pairs.h"

enum { LPI_PICK_LENGTHS = 64 };

/* Gives a pair with a value to the slots that its key asks for and that have none
 * yet. Returns those that have one. */
static inline uint32_t lpi_pick_pair(const lp_picker *picker,
                                     const lpi_pairs *pairs,
                                     const lp_pair *pair, uint32_t found,
                                     lp_pair *out)
{
    uint64_t word;

    if ((picker->lengths >> pair->key.len_bytes % LPI_PICK_LENGTHS & 1) == 0 ||
        pair->unterminated) {
        return found;
    }
    word = lpi_pairs_word(pairs, pair->key.ptr);
    for (uint32_t i = 0; i < picker->count; i++) {
        uint32_t slot = picker->keys[i].slot;

        if ((word & picker->keys[i].mask) == picker->keys[i].word &&
            (found >> slot & 1) == 0 &&
            lp_span_equal(picker->keys[i].text, pair->key)) {
            out[slot] = *pair;
            found |= UINT32_C(1) << slot;
        }
    }
    return found;
}

#endif /* LP_PICK_IMPL_H */
