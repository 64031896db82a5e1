#include "pairs.h"

unsigned lpi_stop_mask_short(const char *at, size_t left, lpi_stop stop)
{
    char copy[LPI_STOP_BYTES] = {0};

    memcpy(copy, at, left);
    return lpi_stop_mask(copy, stop) & ((1U << left) - 1);
}

uint64_t lpi_blanks_short(const char *at, size_t left)
{
    char copy[LPI_BLANKS_BYTES] = {0};

    memcpy(copy, at, left);
    return lp_swar_upto64(copy, ' '); // a NUL is one: that at the end as well
}

uint64_t lpi_pairs_word_near_end(const lpi_pairs *pairs, size_t left)
{
    char copy[sizeof(uint64_t)] = {0};

    // The last eight, without those in front; none may be left. A copy would have to
    // be in memory before it can be read as a number, which takes longer.
    if (pairs->end - pairs->start >= (ptrdiff_t)sizeof(uint64_t)) {
        return lp_swar_load(pairs->end - sizeof(uint64_t)) >> 8 >>
               8 * (sizeof(uint64_t) - 1 - left);
    }
    memcpy(copy, pairs->end - left, left);
    return lp_swar_load(copy);
}
