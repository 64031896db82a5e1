#include "series.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregate_impl.h"
#include "name.h"
#include "process.h"

/* Most of a block's values are in its lower counters. */
enum { BLOCK_BYTES = 5 * LPI_CACHE_LINE_BYTES };

/* Fixed series ------------------------------------------------------------ */

static const struct {
    uint8_t dimension;
    bool is_core;
} fixed[LPI_FIXED_COUNT] = {
    [LPI_FIXED_PROCESS] = {LP_DIM_PROCESS, false},
    [LPI_FIXED_OWN_CODE] = {LP_DIM_CODE, false},
    [LPI_FIXED_ROUTE] = {LP_DIM_ROUTE, false},
    [LPI_FIXED_OWN_MEASURE] = {LP_DIM_MEASURE, false},
    [LPI_FIXED_LINES] = {LP_DIM_LINES, false},
    [LPI_FIXED_SKEW] = {LP_DIM_SKEW, false},
    [LPI_FIXED_TOTAL] = {LP_DIM_TOTAL, true},
    [LPI_FIXED_STATUS] = {LP_DIM_STATUS, true},
    [LPI_FIXED_CODE] = {LP_DIM_CODE, true},
    [LPI_FIXED_MEASURE] = {LP_DIM_MEASURE, true},
    [LPI_FIXED_EVENT] = {LP_DIM_EVENT, true},
};

lpi_fixed lpi_fixed_of(unsigned dimension, bool is_core)
{
    static const uint8_t others[LP_DIMENSIONS] = {
        LPI_FIXED_TOTAL, LPI_FIXED_PROCESS, LPI_FIXED_STATUS,
        LPI_FIXED_CODE,  LPI_FIXED_ROUTE,   LPI_FIXED_MEASURE,
        LPI_FIXED_LINES, LPI_FIXED_EVENT,   LPI_FIXED_SKEW};

    if (!is_core && dimension == LP_DIM_CODE) {
        return LPI_FIXED_OWN_CODE;
    }
    if (dimension >= LP_DIMENSIONS || // a part
        (!is_core && dimension == LP_DIM_MEASURE)) {
        return LPI_FIXED_OWN_MEASURE;
    }
    return (lpi_fixed)others[dimension];
}

uint64_t lpi_fixed_id(lpi_fixed which)
{
    return fixed[which].dimension |
           (fixed[which].is_core ? (uint64_t)LPI_ID_CORE : 0);
}

/* What stays when detail fades. Of codes and measures those of all, as the others
 * are only parts of them. */
static bool is_core(const lpi_key *key)
{
    return fixed[lpi_fixed_of(key->dimension, !key->is_of_process)].is_core;
}

static lpi_fixed other_of(const lpi_key *key)
{
    return lpi_fixed_of(key->dimension, !key->is_of_process);
}

/* Of measures what has one unit and is a distribution, or a level of all. key: NULL
 * for the other row. */
static bool is_plain(unsigned dimension, const lpi_key *key)
{
    if (dimension != LP_DIM_MEASURE) {
        return dimension == LP_DIM_CODE || dimension == LP_DIM_LINES ||
               dimension == LP_DIM_EVENT || dimension == LP_DIM_SKEW;
    }
    return key == NULL || (key->op != LP_OP_MEASURE &&
                           (key->op != LP_OP_SAMPLE || key->is_of_process));
}

/* Hashing ----------------------------------------------------------------- */

static uint32_t hash_of(const lp_aggregate *aggregate, const lpi_key *key)
{
    const uint64_t *secret = aggregate->shared->hash_key;
    uint64_t seed = (uint64_t)key->dimension << 32 | (uint64_t)key->op << 24 |
                    (uint64_t)key->unit << 16 |
                    (key->is_of_process ? 1U << 8 : 0U) |
                    (key->is_platform ? 1U : 0U);

    seed = lpi_hash_of(key->name, seed, secret);
    seed = key->of.len_bytes == 0 ? seed : lpi_hash_of(key->of, seed, secret);
    if (key->unit == LP_UNIT_OTHER) {
        seed = lpi_hash_of(key->unit_text, seed, secret);
    }
    return (uint32_t)seed;
}

/* The table --------------------------------------------------------------- */

typedef struct table_layout {
    size_t active_at;
    size_t touched_at;
    size_t warm_at;
    size_t index_at;
    size_t index_count;
    size_t bytes;
} table_layout;

static size_t bits_bytes(uint32_t capacity)
{
    return (capacity + 63) / 64 * sizeof(uint64_t);
}

static table_layout layout_of(uint32_t capacity)
{
    table_layout layout = {.index_count = 32};

    while (layout.index_count < (size_t)capacity * 2) {
        layout.index_count *= 2;
    }
    layout.active_at = capacity * sizeof(lpi_series);
    layout.touched_at = layout.active_at + capacity * sizeof(int64_t);
    layout.warm_at = layout.touched_at + bits_bytes(capacity);
    layout.index_at = layout.warm_at + bits_bytes(capacity);
    layout.bytes = layout.index_at + layout.index_count * sizeof(uint16_t) +
                   LPI_CACHE_LINE_BYTES; // to begin where a line does
    return layout;
}

static void index_add(lpi_table *table, uint32_t slot)
{
    uint32_t at = table->series[slot].hash & table->index_mask;

    while (table->index[at] != 0) {
        at = (at + 1) & table->index_mask;
    }
    table->index[at] = (uint16_t)slot;
}

static void index_all(lpi_table *table)
{
    memset(table->index, 0,
           ((size_t)table->index_mask + 1) * sizeof(*table->index));
    for (uint32_t slot = LPI_FIXED_COUNT; slot < table->count; slot++) {
        index_add(table, slot);
    }
}

/* A larger block, into which all moves. Where memory is short, new names can be in
 * other rows, and are not worth what is known of old ones. */
static bool resize(lp_aggregate *aggregate, lpi_table *table, uint32_t capacity)
{
    table_layout layout = layout_of(capacity);
    lpi_table old = *table;
    char *block =
        old.series == NULL
            ? lpi_alloc(aggregate, layout.bytes, _Alignof(lpi_series))
            : lpi_alloc_spare(aggregate, layout.bytes, _Alignof(lpi_series));

    if (block == NULL) {
        return false;
    }
    memset(block, 0, layout.bytes);
    table->block = block;
    block += -(uintptr_t)block % LPI_CACHE_LINE_BYTES;
    table->series = (void *)block;
    table->active_s = (void *)(block + layout.active_at);
    table->touched = (void *)(block + layout.touched_at);
    table->warm = (void *)(block + layout.warm_at);
    table->index = (void *)(block + layout.index_at);
    table->index_mask = (uint32_t)layout.index_count - 1;
    table->capacity = capacity;
    if (old.series != NULL) {
        memcpy(table->series, old.series, old.count * sizeof(*old.series));
        memcpy(table->active_s, old.active_s,
               old.count * sizeof(*old.active_s));
        memcpy(table->touched, old.touched, bits_bytes(old.capacity));
        memcpy(table->warm, old.warm, bits_bytes(old.capacity));
        index_all(table);
        lpi_free(aggregate, old.block, layout_of(old.capacity).bytes);
    }
    return true;
}

bool lpi_table_init(lp_aggregate *aggregate, lpi_table *table)
{
    memset(table, 0, sizeof(*table));
    if (!resize(aggregate, table, LPI_FIXED_COUNT + LPI_TABLE_FIRST)) {
        return false;
    }
    for (unsigned i = 0; i < LPI_FIXED_COUNT; i++) {
        table->series[i].id = lpi_fixed_id((lpi_fixed)i);
        table->series[i].hash = (uint32_t)lpi_hash_of(
            lp_span_of(NULL, 0), i, aggregate->shared->hash_key);
        table->series[i].dimension = fixed[i].dimension;
        table->series[i].is_plain = is_plain(fixed[i].dimension, NULL);
        table->series[i].is_of_process =
            i == LPI_FIXED_OWN_CODE || i == LPI_FIXED_OWN_MEASURE;
    }
    table->count = LPI_FIXED_COUNT;
    table->next_serial = 1;
    table->swept_s = INT64_MIN;
    return true;
}

static size_t text_bytes(const lpi_series *series)
{
    size_t bytes = (size_t)series->name_bytes + series->of_bytes;

    return series->unit == LP_UNIT_OTHER
               ? bytes + 1 + lpi_series_unit(series).len_bytes
               : bytes;
}

static void text_free(lp_aggregate *aggregate, lpi_series *series)
{
    if (series->text != NULL) {
        lpi_free(aggregate, series->text, text_bytes(series));
    }
}

void lpi_table_fini(lp_aggregate *aggregate, lpi_table *table)
{
    for (uint32_t slot = 0; slot < table->count; slot++) {
        lpi_tally_clear(&table->series[slot].open, &aggregate->live->home);
        lpi_process_free(aggregate, &table->series[slot]);
        text_free(aggregate, &table->series[slot]);
    }
    lpi_free(aggregate, table->block, layout_of(table->capacity).bytes);
    memset(table, 0, sizeof(*table));
}

uint64_t lpi_table_other_values(const lpi_table *table)
{
    uint64_t sum = 0;

    for (uint32_t slot = 0; slot < LPI_FIXED_COUNT; slot++) {
        if (slot != LPI_FIXED_TOTAL) {
            sum += lpi_tally_count(&table->series[slot].open);
        }
    }
    return sum;
}

uint32_t lpi_table_next_touched(const lpi_table *table, uint32_t at)
{
    while (at < table->count) {
        uint64_t word = table->touched[at / 64] >> at % 64;

        if (word != 0) {
            return at + (uint32_t)__builtin_ctzll(word);
        }
        at = (at / 64 + 1) * 64;
    }
    return table->count;
}

/* Of the first that are to be loaded from at on; NULL: there is none. */
static inline const lpi_series *next_lively(const lpi_table *table,
                                            uint32_t *slot)
{
    while (*slot < table->count) {
        uint32_t at = (*slot)++;
        uint64_t word = table->touched[at / 64] | table->warm[at / 64];

        word >>= at % 64;
        if (word == 0) {
            *slot = (at / 64 + 1) * 64;
        } else {
            *slot = at + (uint32_t)__builtin_ctzll(word) + 1;
            return &table->series[*slot - 1];
        }
    }
    return NULL;
}

void lpi_table_load(const lpi_table *table)
{
    const lpi_series *series;

    for (uint32_t slot = 0; (series = next_lively(table, &slot)) != NULL;) {
        lpi_load_lines(&series->open.values.sides[1], 2 * LPI_CACHE_LINE_BYTES);
    }
    // What each is followed by is known when it is there: so in turns.
    for (uint32_t slot = 0; (series = next_lively(table, &slot)) != NULL;) {
        const lp_sketch_side *side = &series->open.values.sides[1];

        lpi_load_lines(side->block, side->block == NULL ? 0 : 1);
    }
    for (uint32_t slot = 0; (series = next_lively(table, &slot)) != NULL;) {
        const lp_sketch_side *side = &series->open.values.sides[1];
        size_t bytes = lpi_side_bytes(side);

        lpi_load_lines(side->block, bytes < BLOCK_BYTES ? bytes : BLOCK_BYTES);
    }
}

static void cool(lpi_table *table, lp_sketch_home *home)
{
    for (uint32_t word = 0; word < bits_bytes(table->count) / 8; word++) {
        uint64_t cold = table->warm[word] & ~table->touched[word];

        for (; cold != 0; cold &= cold - 1) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(cold);

            lpi_tally_clear(&table->series[slot].open, home);
        }
        table->warm[word] &= table->touched[word];
    }
}

void lpi_table_reset(lpi_table *table, lp_sketch_home *home)
{
    uint32_t slot = 0;

    cool(table, home);
    while ((slot = lpi_table_next_touched(table, slot)) < table->count) {
        lpi_process_reset(&table->series[slot]);
        lpi_tally_reset(&table->series[slot++].open, home);
    }
    memcpy(table->warm, table->touched, bits_bytes(table->count));
    memset(table->touched, 0, bits_bytes(table->count));
}

/* Room -------------------------------------------------------------------- */

static lpi_class class_of(const lpi_key *key)
{
    static const uint8_t classes[LP_DIMENSIONS] = {
        LPI_CLASS_STATUS, LPI_CLASS_PROCESS, LPI_CLASS_STATUS,
        LPI_CLASS_CODE,   LPI_CLASS_ROUTE,   LPI_CLASS_MEASURE,
        LPI_CLASS_LINES,  LPI_CLASS_EVENT,   LPI_CLASS_LINES};

    if (key->dimension == LP_DIM_MEASURE && key->is_platform) {
        return LPI_CLASS_PLATFORM;
    }
    return (lpi_class)classes[key->dimension];
}

lpi_key lpi_series_key(const lpi_series *series)
{
    lpi_key key = {.dimension = series->dimension,
                   .op = series->op,
                   .unit = series->unit,
                   .is_of_process = series->is_of_process,
                   .is_platform = series->is_platform,
                   .name = lpi_series_name(series),
                   .of = lpi_series_of(series),
                   .unit_text = lpi_series_unit(series)};

    return key;
}

/* Each class has some series that no other can take: 20 of 32 in all. */
static uint32_t reserve_of(const lp_aggregate *aggregate, unsigned class)
{
    static const uint8_t parts[LPI_CLASS_COUNT] = {3, 2, 2, 4, 3, 2, 3, 1};

    return aggregate->shared->series_max * parts[class] / 32;
}

static bool has_room(const lp_aggregate *aggregate, lpi_class class)
{
    const lpi_table *table = &aggregate->live->table;
    uint32_t taken = 0;

    if (table->used[class] < reserve_of(aggregate, class)) {
        return true;
    }
    for (unsigned i = 0; i < LPI_CLASS_COUNT; i++) {
        uint32_t reserve = reserve_of(aggregate, i);

        taken += table->used[i] > reserve ? table->used[i] : reserve;
    }
    return taken < aggregate->shared->series_max;
}

/* Drops the silent ones, at most once a second. */
static bool sweep(lp_aggregate *aggregate)
{
    lpi_table *table = &aggregate->live->table;
    uint32_t kept = LPI_FIXED_COUNT;

    if (table->swept_s == aggregate->open_s) {
        return false;
    }
    table->swept_s = aggregate->open_s;
    cool(table, &aggregate->live->home);
    for (uint32_t slot = kept; slot < table->count; slot++) {
        lpi_series *series = &table->series[slot];
        bool is_touched = (table->touched[slot / 64] >> slot % 64 & 1) != 0;

        if (is_touched ||
            table->active_s[slot] >= aggregate->open_s - LPI_SILENT_S) {
            table->touched[slot / 64] &= ~(UINT64_C(1) << slot % 64);
            table->touched[kept / 64] |= (uint64_t)is_touched << kept % 64;
            table->active_s[kept] = table->active_s[slot];
            table->series[kept++] = *series;
            continue;
        }
        lpi_key key = lpi_series_key(series);

        table->used[class_of(&key)]--;
        aggregate->series_dropped++;
        lpi_process_free(aggregate, series);
        text_free(aggregate, series);
    }
    if (kept == table->count) {
        return false;
    }
    table->count = kept;
    memcpy(table->warm, table->touched, bits_bytes(table->capacity));
    index_all(table);
    memset(&aggregate->live->memo, 0, sizeof(aggregate->live->memo));
    return true;
}

/* Has the table a slot to spare? */
static bool has_slot(lp_aggregate *aggregate)
{
    lpi_table *table = &aggregate->live->table;
    uint32_t most = LPI_FIXED_COUNT + aggregate->shared->series_max;
    uint32_t more = table->capacity * 2;

    if (table->count < table->capacity) {
        return true;
    }
    more = more < most ? more : most;
    return more > table->capacity &&
           lpi_may_hold(aggregate, layout_of(more).bytes -
                                       layout_of(table->capacity).bytes) &&
           resize(aggregate, table, more);
}

/* What a series is called; *out is NULL when that is nothing. False: no memory. */
static bool make_text(lp_aggregate *aggregate, const lpi_key *key, char **out)
{
    char unit_bytes = (char)key->unit_text.len_bytes;
    bool has_unit = key->unit == LP_UNIT_OTHER;
    size_t bytes = key->name.len_bytes + key->of.len_bytes +
                   (has_unit ? 1 + key->unit_text.len_bytes : 0);
    lpi_writer w = {NULL, bytes, 0};

    *out = NULL;
    if (bytes == 0) {
        return true;
    }
    w.out =
        lpi_may_hold(aggregate, bytes) ? lpi_alloc(aggregate, bytes, 1) : NULL;
    if (w.out == NULL) {
        return false;
    }
    lpi_put_bytes(&w, key->name.ptr, key->name.len_bytes);
    lpi_put_bytes(&w, key->of.ptr, key->of.len_bytes);
    if (has_unit) {
        lpi_put_bytes(&w, &unit_bytes, 1);
        lpi_put_bytes(&w, key->unit_text.ptr, key->unit_text.len_bytes);
    }
    *out = w.out;
    return true;
}

static bool add(lp_aggregate *aggregate, const lpi_key *key, uint32_t hash,
                uint64_t id)
{
    lpi_table *table = &aggregate->live->table;
    lpi_series *series;
    char *text;

    if (!has_slot(aggregate) || !make_text(aggregate, key, &text)) {
        return false;
    }
    series = &table->series[table->count];
    memset(series, 0, sizeof(*series));
    series->id = id;
    series->hash = hash;
    series->text = text;
    series->name_bytes = (uint8_t)key->name.len_bytes;
    series->of_bytes = (uint8_t)key->of.len_bytes;
    series->dimension = key->dimension;
    series->op = key->op & 3U;
    series->unit = key->unit & 7U;
    series->is_of_process = key->is_of_process;
    series->is_platform = key->is_platform;
    series->is_plain = is_plain(key->dimension, key);
    table->used[class_of(key)]++;
    index_add(table, table->count++);
    return true;
}

static uint64_t new_id(const lpi_table *table, const lpi_key *key)
{
    return table->next_serial << LPI_ID_SERIAL_SHIFT |
           (is_core(key) ? (uint64_t)LPI_ID_CORE : 0) | key->dimension;
}

bool lpi_table_restore(lp_aggregate *aggregate, const lpi_key *key, uint64_t id)
{
    return add(aggregate, key, hash_of(aggregate, key), id);
}

/* Looking up -------------------------------------------------------------- */

static bool is_same(const lpi_series *series, const lpi_key *key)
{
    return series->dimension == key->dimension && series->op == key->op &&
           series->unit == key->unit &&
           series->is_of_process == key->is_of_process &&
           series->is_platform == key->is_platform &&
           lpi_same_text(lpi_series_name(series), key->name) &&
           lpi_same_text(lpi_series_of(series), key->of) &&
           (key->unit != LP_UNIT_OTHER ||
            lpi_same_text(lpi_series_unit(series), key->unit_text));
}

static uint32_t find(const lpi_table *table, const lpi_key *key, uint32_t hash)
{
    uint32_t at = hash & table->index_mask;
    uint32_t slot;

    while ((slot = table->index[at]) != 0) {
        if (table->series[slot].hash == hash &&
            is_same(&table->series[slot], key)) {
            return slot;
        }
        at = (at + 1) & table->index_mask;
    }
    return 0;
}

uint32_t lpi_table_find(const lp_aggregate *aggregate, const lpi_key *key)
{
    return find(&aggregate->live->table, key, hash_of(aggregate, key));
}

static lp_span cut(lp_span text, size_t max_bytes)
{
    text.len_bytes = text.len_bytes > max_bytes ? max_bytes : text.len_bytes;
    return text;
}

typedef struct texts {
    char name[LP_AGGREGATE_NAME_MAX_BYTES];
    char of[LP_AGGREGATE_NAME_MAX_BYTES];
    char unit[LP_AGGREGATE_UNIT_MAX_BYTES];
} texts;

/* False: it was clean. */
static bool clean(const lpi_key *whole, lpi_key *key, texts *room)
{
    if (lpi_name_is_clean(key->name) && lpi_name_is_clean(key->of) &&
        lpi_name_is_clean(key->unit_text)) {
        return false;
    }
    key->name = lpi_name_clean(whole->name, room->name, sizeof(room->name));
    key->of = lpi_name_clean(whole->of, room->of, sizeof(room->of));
    key->unit_text =
        lpi_name_clean(whole->unit_text, room->unit, sizeof(room->unit));
    return true;
}

uint32_t lpi_table_get(lp_aggregate *aggregate, const lpi_key *whole)
{
    lpi_table *table = &aggregate->live->table;
    lpi_class class = class_of(whole);
    lpi_key key = *whole;
    texts room;
    uint32_t hash;
    uint32_t slot;

    key.name = cut(key.name, LP_AGGREGATE_NAME_MAX_BYTES);
    key.of = cut(key.of, LP_AGGREGATE_NAME_MAX_BYTES);
    key.unit_text = cut(key.unit_text, LP_AGGREGATE_UNIT_MAX_BYTES);
    hash = hash_of(aggregate, &key);
    slot = find(table, &key, hash);
    if (slot == 0 && clean(whole, &key, &room)) {
        hash = hash_of(aggregate, &key);
        slot = find(table, &key, hash);
    }
    if (slot != 0) {
        return slot;
    }
    if (has_room(aggregate, class) ||
        (sweep(aggregate) && has_room(aggregate, class))) {
        if (add(aggregate, &key, hash, new_id(table, &key))) {
            table->next_serial++;
            return table->count - 1;
        }
    }
    return (uint32_t)other_of(&key);
}

const lpi_series *lpi_series_of_row(const lp_aggregate *aggregate,
                                    const lp_aggregate_row *row)
{
    const lpi_table *table = &aggregate->live->table;
    lpi_key key = {.dimension = row->dimension,
                   .op = row->op,
                   .unit = row->unit,
                   .is_of_process = row->is_of_process,
                   .is_platform = row->is_platform,
                   .name = row->name,
                   .of = row->of,
                   .unit_text = row->unit_text};
    uint32_t slot;

    if (row->is_other || row->dimension == LP_DIM_TOTAL) {
        return &table->series[other_of(&key)];
    }
    slot = lpi_table_find(aggregate, &key);
    return slot == 0 ? NULL : &table->series[slot];
}
