#include "scan_table.h"

#include <assert.h>
#include <math.h>

enum {
    SEEN = 1 << LPI_SCAN_SEEN_BITS,
    SEEN_BYTES = SEEN * LPI_SCAN_UNITS,
    ALIGN = 64 /* of a part of the block */
};

/* Memory ------------------------------------------------------------------ */

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static uint32_t index_size(uint32_t groups_max)
{
    uint32_t size = 8;

    while (size < groups_max * 2) {
        size *= 2;
    }
    return size;
}

size_t lpi_scan_table_bytes(uint32_t groups_max, uint32_t keys_max_bytes)
{
    return round_up(groups_max * sizeof(lpi_scan_group)) +
           round_up(groups_max * sizeof(double)) +
           round_up(groups_max * sizeof(uint32_t)) +
           round_up(index_size(groups_max) * sizeof(uint32_t)) +
           round_up(keys_max_bytes) + round_up(SEEN_BYTES);
}

static void *take_part(char **block, size_t bytes)
{
    char *part = *block;

    *block += round_up(bytes);
    return part;
}

void lpi_scan_table_init(lpi_scan_table *table, void *block,
                         uint32_t groups_max, uint32_t keys_max_bytes)
{
    uint32_t size = index_size(groups_max);
    char *at = block;

    table->groups_max = groups_max;
    table->keys_max_bytes = keys_max_bytes;
    table->groups = take_part(&at, groups_max * sizeof(lpi_scan_group));
    table->ranks = take_part(&at, groups_max * sizeof(double));
    table->order = take_part(&at, groups_max * sizeof(uint32_t));
    table->index = take_part(&at, size * sizeof(uint32_t));
    table->keys = take_part(&at, keys_max_bytes);
    table->seen = take_part(&at, SEEN_BYTES);
    table->index_mask = size - 1;
    memset(table->index, 0, size * sizeof(uint32_t));
    memset(table->seen, 0, SEEN_BYTES);
}

void lpi_scan_table_fini(lpi_scan_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        lp_sketch_clear(&table->groups[i].sketch, table->home);
    }
    for (int unit = 0; unit < LPI_SCAN_UNITS; unit++) {
        lp_sketch_clear(&table->other[unit], table->other_home);
    }
    table->count = 0;
}

/* Keys that there were ---------------------------------------------------- */

/* P. Flajolet et al.: "HyperLogLog", AofA 2007. */
static void see(lpi_scan_table *table, uint8_t unit, uint64_t hash)
{
    uint64_t rest = hash << LPI_SCAN_SEEN_BITS | 1U << (LPI_SCAN_SEEN_BITS - 1);
    uint8_t *rank =
        &table->seen[unit * SEEN + (hash >> (64 - LPI_SCAN_SEEN_BITS))];
    uint8_t zeros = (uint8_t)(__builtin_clzll(rest) + 1);

    *rank = zeros > *rank ? zeros : *rank;
}

uint64_t lpi_scan_table_seen(const lpi_scan_table *table, uint8_t unit)
{
    const uint8_t *seen = &table->seen[unit * SEEN];
    uint32_t kept = 0;
    double sum = 0;
    unsigned empty = 0;
    double estimate;

    for (uint32_t i = 0; i < table->count; i++) {
        kept += table->groups[i].unit == unit;
    }
    if (!table->has_pruned) {
        return kept;
    }
    for (unsigned i = 0; i < SEEN; i++) {
        sum += 1.0 / (double)(UINT64_C(1) << seen[i]);
        empty += seen[i] == 0;
    }
    estimate = 0.7213 / (1 + 1.079 / SEEN) * SEEN * SEEN / sum;
    if (estimate <= 2.5 * SEEN && empty > 0) {
        estimate = SEEN * log((double)SEEN / empty);
    }
    return (uint64_t)(estimate > kept ? estimate : kept);
}

/* Making room ------------------------------------------------------------- */

static double rank_of(const lpi_scan_group *group)
{
    return group->weight + group->missed;
}

static void swap(double *a, double *b)
{
    double was = *a;

    *a = *b;
    *b = was;
}

/* The n-th of count numbers, the least being the 0th (C. A. R. Hoare: "Algorithm
 * 65: find", 1961; three ways, since many are equal). *seed is any number: nobody
 * can tell where it will divide. */
static double find_nth(double *numbers, uint32_t count, uint32_t n,
                       uint64_t *seed)
{
    while (count > 1) {
        double pivot = numbers[*seed % count];
        uint32_t less = 0;
        uint32_t more = count;

        for (uint32_t i = 0; i < more;) {
            if (numbers[i] < pivot) {
                swap(&numbers[i++], &numbers[less++]);
            } else if (numbers[i] > pivot) {
                swap(&numbers[i], &numbers[--more]);
            } else {
                i++;
            }
        }
        *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        if (n >= less && n < more) {
            return pivot;
        }
        if (n < less) {
            count = less;
        } else {
            numbers += more;
            n -= more;
            count -= more;
        }
    }
    return numbers[0];
}

static void index_add(lpi_scan_table *table, uint32_t number)
{
    uint32_t at = (uint32_t)table->groups[number].hash & table->index_mask;

    while (table->index[at] != 0) {
        at = (at + 1) & table->index_mask;
    }
    table->index[at] = number + 1;
}

/* Keys lie in the order of their groups, so they only move down. */
static void move_group(lpi_scan_table *table, uint32_t from)
{
    lpi_scan_group *group = &table->groups[table->count];

    if (group != &table->groups[from]) {
        *group = table->groups[from];
    }
    memmove(table->keys + table->keys_bytes, table->keys + group->key_at,
            group->key_bytes);
    group->key_at = table->keys_bytes;
    table->keys_bytes += group->key_bytes;
    index_add(table, table->count);
    table->count++;
}

static void let_go(lpi_scan_table *table, lpi_scan_group *group)
{
    table->other_count[group->unit] += group->count;
    lp_sketch_merge(&table->other[group->unit], table->other_home,
                    &group->sketch);
    lp_sketch_clear(&group->sketch, table->home);
    if (rank_of(group) > table->floor) {
        table->floor = rank_of(group);
    }
}

static void prune(lpi_scan_table *table)
{
    uint32_t count = table->count;
    uint32_t left = count / 2; // to let go
    uint64_t seed = table->groups[count - 1].hash;
    uint32_t below = 0;
    double limit;

    for (uint32_t i = 0; i < count; i++) {
        table->ranks[i] = rank_of(&table->groups[i]);
    }
    limit = find_nth(table->ranks, count, left, &seed);
    for (uint32_t i = 0; i < count; i++) {
        below += rank_of(&table->groups[i]) < limit;
    }
    left -= below; // of those at the limit, the oldest
    memset(table->index, 0,
           ((size_t)table->index_mask + 1) * sizeof(*table->index));
    table->count = 0;
    table->keys_bytes = 0;
    table->has_pruned = true;
    for (uint32_t i = 0; i < count; i++) {
        lpi_scan_group *group = &table->groups[i];
        bool is_at_limit = rank_of(group) <= limit && rank_of(group) >= limit;

        if (rank_of(group) < limit || (is_at_limit && left > 0)) {
            left -= is_at_limit;
            let_go(table, group);
        } else {
            move_group(table, i);
        }
    }
}

/* Putting in order -------------------------------------------------------- */

static double place_of(const lpi_scan_table *table, uint32_t at)
{
    const lpi_scan_group *group = &table->groups[at];

    return table->is_by_sum ? lp_sketch_sum(&group->sketch) : group->weight;
}

/* Whether one group stands in front of another: of equal ones the newer. */
static bool is_better(const lpi_scan_table *table, uint32_t a, uint32_t b)
{
    double left = place_of(table, a), right = place_of(table, b);

    if (left > right || left < right) {
        return left > right;
    }
    return table->groups[a].newest_seq > table->groups[b].newest_seq;
}

/* Lets one sink to its place in a heap with the worst on top. */
static void sink(const lpi_scan_table *table, uint32_t at, uint32_t count)
{
    uint32_t *order = table->order;
    uint32_t moved = order[at];

    for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count &&
            is_better(table, order[child], order[child + 1])) {
            child++;
        }
        if (!is_better(table, moved, order[child])) {
            break;
        }
        order[at] = order[child];
        at = child;
    }
    order[at] = moved;
}

uint32_t lpi_scan_table_order(lpi_scan_table *table, uint8_t unit)
{
    uint32_t *order = table->order;
    uint32_t count = 0;

    for (uint32_t i = 0; i < table->count; i++) {
        if (table->groups[i].unit == unit) {
            order[count] = i;
            count++;
        }
    }
    for (uint32_t i = count / 2; i > 0; i--) {
        sink(table, i - 1, count);
    }
    for (uint32_t left = count; left > 1; left--) {
        uint32_t worst = order[0];

        order[0] = order[left - 1];
        order[left - 1] = worst;
        sink(table, 0, left - 1);
    }
    return count;
}

/* Groups ------------------------------------------------------------------ */

static lpi_scan_group *add(lpi_scan_table *table, lp_span key, uint64_t hash)
{
    lpi_scan_group *group;

    see(table, (uint8_t)key.ptr[0], hash);
    while (table->count == table->groups_max ||
           key.len_bytes > table->keys_max_bytes - table->keys_bytes) {
        assert(table->count > 1);
        prune(table);
    }
    group = &table->groups[table->count];
    memset(group, 0, sizeof(*group));
    memcpy(table->keys + table->keys_bytes, key.ptr, key.len_bytes);
    group->hash = hash;
    group->missed = table->floor;
    group->key_at = table->keys_bytes;
    group->key_bytes = (uint16_t)key.len_bytes;
    group->unit = (uint8_t)key.ptr[0];
    table->keys_bytes += (uint32_t)key.len_bytes;
    index_add(table, table->count);
    table->count++;
    return group;
}

lpi_scan_group *lpi_scan_table_get(lpi_scan_table *table, lp_span key,
                                   uint64_t hash)
{
    uint32_t at = (uint32_t)hash & table->index_mask;

    for (; table->index[at] != 0; at = (at + 1) & table->index_mask) {
        lpi_scan_group *group = &table->groups[table->index[at] - 1];

        if (group->hash == hash &&
            lp_span_equal(lpi_scan_key_of(table, group), key)) {
            return group;
        }
    }
    return add(table, key, hash);
}
