#include "logplex/pick.h"

#include "pick_impl.h"

enum { WORD_BYTES = 8 };

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
    picker->lengths |= UINT64_C(1) << key.len_bytes % LPI_PICK_LENGTHS;
    picker->slots |= UINT32_C(1) << slot;
    picker->count++;
    return LP_OK;
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
        found = lpi_pick_pair(picker, &pairs, &pair, found, out);
    }
    return found;
}
