/*
 * scan_table.h - groups by their keys, so many of them and no more.
 *
 *      key --hash--> index | . | 3 | . | 1 | ...          numbers of groups, and 1
 *                                |
 *      groups | 0 | 1 | 2 | 3 | ...                       in order of arrival
 *               |   |
 *      keys   | key of 0 | key of 1 | ...                 likewise
 *
 * When there is no room for a group or its key, the half that has least goes: it is
 * merged into other, and those that stay move together. scan.h says what is true
 * of those that come after that.
 */
#ifndef LP_SCAN_TABLE_H
#define LP_SCAN_TABLE_H

#include "logplex/scan.h"

enum {
    LPI_SCAN_SUFFIXES = 3, /* of LP_UNIT_OTHER that are told apart */
    LPI_SCAN_UNITS = LP_UNIT_OTHER + LPI_SCAN_SUFFIXES,
    LPI_SCAN_SEEN_BITS = 11,
    /* Of a group: its unit, and for each key two bytes of length and the value. */
    LPI_SCAN_KEY_MAX_BYTES = 1 + LP_SCAN_BY_MAX * (2 + LP_SCAN_VALUE_MAX_BYTES)
};

typedef struct lpi_scan_group {
    uint64_t hash;
    uint64_t count;
    double weight; /* by which it is ranked */
    double missed; /* of that, at most */
    lp_seq newest_seq;
    uint32_t key_at;
    uint16_t key_bytes;
    uint8_t unit;
    lp_sketch sketch;
} lpi_scan_group;

typedef struct lpi_scan_table {
    lp_sketch_home *home; /* of the groups */
    lp_sketch_home
        *other_home; /* of other, whose memory is bounded by itself */
    lpi_scan_group *groups;
    double *ranks;   /* room to choose in, */
    uint32_t *order; /* and to put in order */
    uint32_t *index;
    char *keys;
    uint8_t *seen; /* a HyperLogLog of the keys of each unit */
    uint32_t count;
    uint32_t groups_max;
    uint32_t index_mask;
    uint32_t keys_bytes;
    uint32_t keys_max_bytes;
    double floor; /* what a key without a group has at most */
    bool has_pruned;
    bool is_by_sum; /* the answer is: weights have nothing that is below 0 */
    uint64_t other_count[LPI_SCAN_UNITS];
    lp_sketch other[LPI_SCAN_UNITS];
} lpi_scan_table;

/* How many bytes lpi_scan_table_init() needs, a multiple of 64. */
size_t lpi_scan_table_bytes(uint32_t groups_max, uint32_t keys_max_bytes);

/* block has as many, and is the caller's. keys_max_bytes has room for four keys. */
void lpi_scan_table_init(lpi_scan_table *table, void *block,
                         uint32_t groups_max, uint32_t keys_max_bytes);

/* Gives back what the sketches have. */
void lpi_scan_table_fini(lpi_scan_table *table);

/* The group of a key; a new one if there is none. Never fails. */
lpi_scan_group *lpi_scan_table_get(lpi_scan_table *table, lp_span key,
                                   uint64_t hash);

static inline lp_span lpi_scan_key_of(const lpi_scan_table *table,
                                      const lpi_scan_group *group)
{
    return lp_span_of(table->keys + group->key_at, group->key_bytes);
}

/* Sets order to the numbers of a unit's groups, best first; how many. */
uint32_t lpi_scan_table_order(lpi_scan_table *table, uint8_t unit);

/* How many keys of a unit there have ever been. */
uint64_t lpi_scan_table_seen(const lpi_scan_table *table, uint8_t unit);

#endif /* LP_SCAN_TABLE_H */
