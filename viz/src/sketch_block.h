/*
 * sketch_block.h - how the counters or the entries of a side lie in memory.
 * Inline, as each value passes here.
 */
#ifndef LP_SKETCH_BLOCK_H
#define LP_SKETCH_BLOCK_H

#include <string.h>

#include "logplex/sketch.h"

typedef enum lpi_form {
    LPI_FORM_8 = 0, /* 1 << form bytes for each counter */
    LPI_FORM_16 = 1,
    LPI_FORM_32 = 2,
    LPI_FORM_64 = 3,
    LPI_FORM_LIST = 4
} lpi_form;

enum {
    /* An entry of a list is key << 12 | count. */
    LPI_ENTRY_COUNT_BITS = 12,
    LPI_ENTRY_COUNT_MAX = (1 << LPI_ENTRY_COUNT_BITS) - 1,
    LPI_LIST_MAX = 30
};

/* What stands in front of the counters or entries. No key of it is below the
 * side's floor, and no two are buckets_max apart. */
typedef struct lpi_block {
    uint32_t first;    /* dense: key of the first counter      */
    uint16_t capacity; /* counters or entries that have room   */
    uint8_t form;      /* lpi_form                             */
    uint8_t used;      /* list: entries in use, keys ascending */
    uint64_t cells[];
} lpi_block;

static inline size_t lpi_cell_bytes(unsigned form)
{
    return form == LPI_FORM_LIST ? sizeof(uint32_t) : (size_t)1 << form;
}

static inline size_t lpi_block_bytes(unsigned form, size_t capacity)
{
    return sizeof(lpi_block) + capacity * lpi_cell_bytes(form);
}

static const uint64_t lpi_count_max[] = {UINT8_MAX, UINT16_MAX, UINT32_MAX,
                                         UINT64_MAX, LPI_ENTRY_COUNT_MAX};

static inline uint64_t lpi_cell_get(const lpi_block *block, unsigned form,
                                    uint32_t at)
{
    switch (form) {
    case LPI_FORM_8:
        return ((const uint8_t *)block->cells)[at];
    case LPI_FORM_16:
        return ((const uint16_t *)block->cells)[at];
    case LPI_FORM_32:
        return ((const uint32_t *)block->cells)[at];
    default:
        return block->cells[at];
    }
}

static inline void lpi_cell_set(lpi_block *block, unsigned form, uint32_t at,
                                uint64_t n)
{
    switch (form) {
    case LPI_FORM_8:
        ((uint8_t *)block->cells)[at] = (uint8_t)n;
        return;
    case LPI_FORM_16:
        ((uint16_t *)block->cells)[at] = (uint16_t)n;
        return;
    case LPI_FORM_32:
        ((uint32_t *)block->cells)[at] = (uint32_t)n;
        return;
    default:
        block->cells[at] = n;
        return;
    }
}

static inline uint64_t lpi_dense_get(const lpi_block *block, uint32_t at)
{
    return lpi_cell_get(block, block->form, at);
}

static inline void lpi_dense_set(lpi_block *block, uint32_t at, uint64_t n)
{
    lpi_cell_set(block, block->form, at, n);
}

static inline uint32_t *lpi_list_entries(lpi_block *block)
{
    return (uint32_t *)block->cells;
}

static inline uint32_t lpi_entry_of(uint32_t key, uint64_t n)
{
    return key << LPI_ENTRY_COUNT_BITS | (uint32_t)n;
}

static inline uint32_t lpi_entry_key(uint32_t entry)
{
    return entry >> LPI_ENTRY_COUNT_BITS;
}

static inline uint32_t lpi_entry_count(uint32_t entry)
{
    return entry & LPI_ENTRY_COUNT_MAX;
}

/* n more in a counter of that form, if it is there and has room. */
static inline bool lpi_cell_add(lpi_block *block, unsigned form, uint32_t key,
                                uint64_t n)
{
    uint32_t at = key - block->first;
    uint64_t old;

    if (at >= block->capacity) {
        return false;
    }
    old = lpi_cell_get(block, form, at);
    if (n > lpi_count_max[form] - old) {
        return false;
    }
    lpi_cell_set(block, form, at, old + n);
    return true;
}

static inline bool lpi_dense_add(lpi_block *block, uint32_t key, uint64_t n)
{
    return lpi_cell_add(block, block->form, key, n);
}

/* One more in a counter that is there and not full. */
static inline bool lpi_block_increment(lpi_block *block, uint32_t key)
{
    uint32_t at = key - block->first;

    if (at >= block->capacity) {
        return false;
    }
    if (block->form == LPI_FORM_8 &&
        ((uint8_t *)block->cells)[at] != UINT8_MAX) {
        ((uint8_t *)block->cells)[at]++;
        return true;
    }
    if (block->form == LPI_FORM_16 &&
        ((uint16_t *)block->cells)[at] != UINT16_MAX) {
        ((uint16_t *)block->cells)[at]++;
        return true;
    }
    if (block->form == LPI_FORM_32 &&
        ((uint32_t *)block->cells)[at] != UINT32_MAX) {
        ((uint32_t *)block->cells)[at]++;
        return true;
    }
    return false;
}

/* Is there an entry for key, and where is it or should be? Found by halves, and
 * without a branch that nobody could foretell. */
static inline bool lpi_list_find(const lpi_block *block, uint32_t key,
                                 uint32_t *at)
{
    const uint32_t *entries = (const uint32_t *)block->cells;
    uint32_t first = lpi_entry_of(key, 0); // that there could be
    uint32_t left = block->used;
    uint32_t i = 0;

    while (left > 0) {
        uint32_t half = (left + 1) / 2;

        i += entries[i + half - 1] < first ? half : 0;
        left -= half;
    }
    *at = i;
    return i < block->used && lpi_entry_key(entries[i]) == key;
}

/* n has room in an entry. A new one has when there is room for it. */
static inline void lpi_list_insert(lpi_block *block, uint32_t at, uint32_t key,
                                   uint64_t n)
{
    uint32_t *entries = lpi_list_entries(block);

    memmove(entries + at + 1, entries + at,
            (block->used - at) * sizeof(*entries));
    entries[at] = lpi_entry_of(key, n);
    block->used++;
}

static inline bool lpi_list_add(lpi_block *block, uint32_t key, uint64_t n)
{
    uint32_t *entries = lpi_list_entries(block);
    uint32_t at;

    if (lpi_list_find(block, key, &at)) {
        if (n > LPI_ENTRY_COUNT_MAX - lpi_entry_count(entries[at])) {
            return false;
        }
        entries[at] += (uint32_t)n;
        return true;
    }
    // At the ends the range may become too wide: that is asked elsewhere.
    if (at == 0 || at == block->used || block->used == block->capacity ||
        n > LPI_ENTRY_COUNT_MAX) {
        return false;
    }
    lpi_list_insert(block, at, key, n);
    return true;
}

#endif /* LP_SKETCH_BLOCK_H */
