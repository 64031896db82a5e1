/*
 * series.h - the series of a channel: a table by key, its rows in order of their
 * numbers.
 *
 *      key --hash--> index  | . | 12 | . | 3 | ...        slots, 0: empty
 *                                  |
 *      series  | 11 fixed ones | 11 | 12 | 13 | ...       ids ascending
 *
 * A series' id is never used again, so a row of an old frame is never taken for
 * one of a series that came later. Ids ascend with slots, as new ones are put at
 * the end and those that go let the others move up.
 *
 *      id    serial number | CORE | dimension, or part
 *                            of what stays when detail fades
 *
 * The series of a process's lines has *parts*, which have rows but are no series:
 * its memory and its load (process.h).
 *
 * The fixed series have serial 0: TOTAL, and the other rows. They need no memory
 * but the table's, so there is always one to count in.
 */
#ifndef LP_SERIES_H
#define LP_SERIES_H

#include <assert.h>
#include <stddef.h>

#include "hash.h"
#include "logplex/aggregate.h"
#include "tally.h"

enum {
    LPI_ID_DIMENSION_BITS = 4,
    LPI_ID_CORE = 1 << LPI_ID_DIMENSION_BITS,
    LPI_ID_SERIAL_SHIFT = LPI_ID_DIMENSION_BITS + 1,
    LPI_TABLE_FIRST = 13 /* named ones that there is room for at first */
};

/* The fixed series by slot, in the order of their ids. */
typedef enum lpi_fixed {
    LPI_FIXED_PROCESS = 0,
    LPI_FIXED_OWN_CODE = 1, /* those of single processes */
    LPI_FIXED_ROUTE = 2,
    LPI_FIXED_OWN_MEASURE = 3,
    LPI_FIXED_LINES = 4,
    LPI_FIXED_SKEW = 5,
    LPI_FIXED_TOTAL = 6,
    LPI_FIXED_STATUS = 7,
    LPI_FIXED_CODE = 8,
    LPI_FIXED_MEASURE = 9,
    LPI_FIXED_EVENT = 10,
    LPI_FIXED_COUNT = 11
} lpi_fixed;

/* Who shares a part of series_max with whom. */
typedef enum lpi_class {
    LPI_CLASS_PROCESS = 0,
    LPI_CLASS_STATUS = 1,
    LPI_CLASS_CODE = 2,
    LPI_CLASS_ROUTE = 3,
    LPI_CLASS_PLATFORM = 4, /* what the router and the platform measure */
    LPI_CLASS_MEASURE = 5,
    LPI_CLASS_LINES = 6,
    LPI_CLASS_EVENT = 7,
    LPI_CLASS_COUNT = 8
} lpi_class;

/* Their ids are that of the series with a number behind those of dimensions. */
typedef enum lpi_part {
    LPI_PART_MEMORY = 0,
    LPI_PART_LOAD = 1,
    LPI_PARTS = 2
} lpi_part;

typedef struct lpi_key {
    uint8_t dimension;
    uint8_t op;
    uint8_t unit;
    bool is_of_process;
    bool is_platform;
    lp_span name; /* both clean, and at most LP_AGGREGATE_NAME_MAX_BYTES */
    lp_span of;
    lp_span unit_text; /* LP_UNIT_OTHER, at most LP_AGGREGATE_UNIT_MAX_BYTES */
} lpi_key;

/*
 * Three lines of a processor's cache, of which a value that is counted touches the
 * last two: with a thousand channels none of them is there.
 *
 *      text, id ... | sides[1], count, min ... | valueless ... hash, is_plain
 */
typedef struct lpi_series {
    char *text; /* name, and of behind it; of LP_UNIT_OTHER then its length in a
                   byte, and it. NULL when all are empty */
    uint64_t id;
    struct lpi_process *process; /* LINES: what else it says; or NULL */
    lpi_tally open;              /* of the second that is open */
    lp_seq newest[2];
    double last;
    uint32_t hash;
    uint8_t name_bytes;
    uint8_t of_bytes;
    uint8_t dimension;
    uint8_t op : 2;
    uint8_t unit : 3;
    bool is_of_process : 1;
    bool is_platform : 1;
    bool is_plain : 1; /* nobody asks it for quantiles */
} lpi_series;

enum { LPI_CACHE_LINE_BYTES = 64 };

_Static_assert(sizeof(void *) != 8 ||
                   (sizeof(lpi_series) == 3 * LPI_CACHE_LINE_BYTES &&
                    offsetof(lpi_series, open.values.sides[1]) ==
                        LPI_CACHE_LINE_BYTES),
               "a series is three lines of the cache");

typedef struct lpi_table {
    char *block;        /* one for all: */
    lpi_series *series; /* from a cache line on, with active_s ... behind it */
    int64_t *active_s;  /* when each had its last value */
    uint64_t *touched;  /* a bit for each slot that has values in open */
    uint64_t *warm;     /* and for each that may have kept memory without */
    uint16_t *index;
    uint32_t index_mask;
    uint32_t count;
    uint32_t capacity;
    uint32_t used[LPI_CLASS_COUNT];
    uint64_t next_serial;
    int64_t swept_s; /* when it was last looked for silent ones */
} lpi_table;

static inline bool lpi_series_is_fixed(uint32_t slot)
{
    return slot < LPI_FIXED_COUNT;
}

static inline unsigned lpi_id_dimension(uint64_t id)
{
    return (unsigned)id & (LPI_ID_CORE - 1);
}

static inline bool lpi_id_is_core(uint64_t id)
{
    return (id & LPI_ID_CORE) != 0;
}

static inline uint64_t lpi_id_of_part(uint64_t id, lpi_part part)
{
    return id - lpi_id_dimension(id) + LP_DIMENSIONS + (unsigned)part;
}

static inline bool lpi_id_is_part(uint64_t id)
{
    return lpi_id_dimension(id) >= LP_DIMENSIONS;
}

/* That of the series which has the part. */
static inline uint64_t lpi_id_of_lines(uint64_t part_id)
{
    return part_id - lpi_id_dimension(part_id) + LP_DIM_LINES;
}

static inline lpi_part lpi_id_part(uint64_t part_id)
{
    return (lpi_part)(lpi_id_dimension(part_id) - LP_DIMENSIONS);
}

static inline bool lpi_id_is_fixed(uint64_t id)
{
    return id >> LPI_ID_SERIAL_SHIFT == 0;
}

static inline lp_span lpi_series_name(const lpi_series *series)
{
    return lp_span_of(series->text, series->name_bytes);
}

static inline lp_span lpi_series_of(const lpi_series *series)
{
    return series->of_bytes == 0 ? lp_span_of(NULL, 0)
                                 : lp_span_of(series->text + series->name_bytes,
                                              series->of_bytes);
}

/* Empty unless it is of LP_UNIT_OTHER. */
static inline lp_span lpi_series_unit(const lpi_series *series)
{
    const char *at;

    if (series->unit != LP_UNIT_OTHER || series->text == NULL) {
        return lp_span_of(NULL, 0);
    }
    at = series->text + series->name_bytes + series->of_bytes;
    return lp_span_of(at + 1, (unsigned char)*at);
}

/* The other row that takes what a series would: that of its dimension. */
lpi_fixed lpi_fixed_of(unsigned dimension, bool is_core);
uint64_t lpi_fixed_id(lpi_fixed fixed);

/* Makes the fixed ones. False: there is no memory. */
bool lpi_table_init(lp_aggregate *aggregate, lpi_table *table);
void lpi_table_fini(lp_aggregate *aggregate, lpi_table *table);

lpi_key lpi_series_key(const lpi_series *series);

/* The slot of a key whose names are as a line has them; of a new one, too. A fixed
 * one: there is no room. Slots that were got before may be others afterwards. */
uint32_t lpi_table_get(lp_aggregate *aggregate, const lpi_key *key);

/* The same for a key that is known to be as it should; 0: there is none. */
uint32_t lpi_table_find(const lp_aggregate *aggregate, const lpi_key *key);

/* Puts one back at the end of a table that is made again, with the id that it had.
 * False: there is no memory. */
bool lpi_table_restore(lp_aggregate *aggregate, const lpi_key *key,
                       uint64_t id);

/* A series has its first value of the second that is open. */
static inline void lpi_table_touch(lpi_table *table, uint32_t slot,
                                   int64_t now_s)
{
    table->touched[slot / 64] |= UINT64_C(1) << slot % 64;
    table->active_s[slot] = now_s;
    table->series[slot].open.is_plain = table->series[slot].is_plain;
}

/* Empties all of the second that was open. What a series that had values needs for
 * others is kept until a second in which it has none. */
void lpi_table_reset(lpi_table *table, lp_sketch_home *home);

/* What the other rows have counted in the second that is open. */
uint64_t lpi_table_other_values(const lpi_table *table);

/* Loads what lines to come will touch: of the series that have values in the second
 * that is open, or had some in the one before, all at once and not one when it is
 * needed. Some processors drop a hint when they are busy, and no load. */
void lpi_table_load(const lpi_table *table);

static inline void lpi_load_lines(const void *from, size_t bytes)
{
    const volatile char *at = from;

    for (size_t i = 0; i < bytes; i += LPI_CACHE_LINE_BYTES) {
        (void)at[i];
    }
}

/* The first touched slot from at on; count of the table: there is none. */
uint32_t lpi_table_next_touched(const lpi_table *table, uint32_t at);

/* lp_span_equal() for names, which are short. */
static inline bool lpi_same_text(lp_span a, lp_span b)
{
    size_t n = a.len_bytes;

    if (n != b.len_bytes) {
        return false;
    }
    if (n > 16) {
        return memcmp(a.ptr, b.ptr, n) == 0;
    }
    if (n >= 8) {
        return lpi_load(a.ptr, 8) == lpi_load(b.ptr, 8) &&
               lpi_load(a.ptr + n - 8, 8) == lpi_load(b.ptr + n - 8, 8);
    }
    if (n >= 4) {
        return lpi_load(a.ptr, 4) == lpi_load(b.ptr, 4) &&
               lpi_load(a.ptr + n - 4, 4) == lpi_load(b.ptr + n - 4, 4);
    }
    return n == 0 || (a.ptr[0] == b.ptr[0] && a.ptr[n / 2] == b.ptr[n / 2] &&
                      a.ptr[n - 1] == b.ptr[n - 1]);
}

#endif /* LP_SERIES_H */
