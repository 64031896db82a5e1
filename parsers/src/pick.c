#include "logplex/pick.h"

#include "pairs.h"

enum { LENGTHS = 64, WORD_BYTES = 8 };

void lp_picker_init(lp_picker *picker)
{
    memset(picker, 0, sizeof(*picker));
}

lp_err lp_picker_add(lp_picker *picker, lp_span key, unsigned slot)
{
    char start[WORD_BYTES] = {0};
    size_t n = key.len_bytes < WORD_BYTES ? key.len_bytes : WORD_BYTES;
    uint32_t i = picker->count;

    if (key.len_bytes == 0 || slot >= LP_PICK_SLOTS_MAX) {
        return LP_E_INVALID;
    }
    if (i == LP_PICK_KEYS_MAX) {
        return LP_E_FULL;
    }
    memcpy(start, key.ptr, n);
    picker->keys[i].text = key;
    picker->keys[i].word = lp_swar_load(start);
    picker->keys[i].mask = ~UINT64_C(0) >> 8 * (WORD_BYTES - n);
    picker->keys[i].slot = slot;
    picker->lengths |= UINT64_C(1) << key.len_bytes % LENGTHS;
    picker->slots |= UINT32_C(1) << slot;
    picker->count++;
    return LP_OK;
}

/* Gives a pair to the slots that its key asks for and that have none yet. */
static uint32_t take(const lp_picker *picker, const lpi_pairs *pairs,
                     const lp_pair *pair, uint32_t found, lp_pair *out)
{
    uint64_t word = lpi_pairs_word(pairs, pair->key.ptr);

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

uint32_t lp_pick(const lp_picker *picker, lp_span msg, lp_pair *out)
{
    uint32_t found = 0;
    lpi_pairs pairs;

    lpi_pairs_init(&pairs, msg);
    while (found != picker->slots) {
        const char *start = lpi_pairs_start(&pairs);
        const char *at;
        lp_pair pair;

        if (start == pairs.end) {
            break;
        }
        at = lpi_pairs_find(&pairs, start, LPI_STOP_KEY);
        pairs.at = at;
        if (at == pairs.end || *at != '=') {
            continue;
        }
        pair = (lp_pair){.key = {start, (size_t)(at - start)}};
        lpi_pairs_take_value(&pairs, at + 1, &pair);
        if ((picker->lengths >> pair.key.len_bytes % LENGTHS & 1) != 0 &&
            !pair.unterminated) {
            found = take(picker, &pairs, &pair, found, out);
        }
    }
    return found;
}
