#include "minute.h"

#include "aggregate_impl.h"

bool lpi_minute_make(lp_aggregate *aggregate)
{
    lpi_minute *minute = aggregate->live->minute;

    if (minute != NULL) {
        return true;
    }
    minute = lpi_alloc(aggregate, sizeof(*minute), _Alignof(lpi_minute));
    if (minute == NULL) {
        return false;
    }
    memset(minute, 0, sizeof(*minute));
    minute->end_s = aggregate->open_s;
    minute->brief.end_s = INT64_MIN;
    minute->read_until_s = INT64_MIN;
    lpi_sparks_read(aggregate, minute->end_s, minute->lines_of,
                    minute->requests_of);
    aggregate->live->minute = minute;
    return true;
}

void lpi_minute_free(lp_aggregate *aggregate)
{
    if (aggregate->live->minute != NULL) {
        lpi_free(aggregate, aggregate->live->minute, sizeof(lpi_minute));
        aggregate->live->minute = NULL;
    }
}

/* Moving on --------------------------------------------------------------- */

static void forget_second(lpi_minute *minute, lpi_counts *second)
{
    minute->lines -= second->lines;
    minute->lost_lines -= second->lost_lines;
    minute->requests -= second->requests;
    minute->failed -= second->failed;
    minute->errors -= second->errors;
    memset(second, 0, sizeof(*second));
}

static lpi_counts *second_at(lpi_minute *minute, int64_t at_s)
{
    return &minute->seconds[at_s - lpi_floor_to(at_s, LPI_MINUTE_S)];
}

uint64_t lpi_minute_errors(lpi_minute *minute, int64_t from_s, int64_t to_s)
{
    uint64_t errors = 0;

    for (int64_t at_s = from_s; at_s < to_s; at_s++) {
        errors += second_at(minute, at_s)->errors;
    }
    return errors;
}

static void shift(uint32_t tens[LP_AGGREGATE_SPARKS], size_t by)
{
    size_t left = LP_AGGREGATE_SPARKS - by;

    memmove(tens, tens + by, left * sizeof(*tens));
    memset(tens + left, 0, by * sizeof(*tens));
}

static void move_to(lpi_minute *minute, int64_t end_s)
{
    int64_t ten = lpi_floor_to(end_s - 1, LPI_SPARK_S);
    int64_t old_ten = lpi_floor_to(minute->end_s - 1, LPI_SPARK_S);
    int64_t tens = (ten - old_ten) / LPI_SPARK_S;
    int64_t at_s = minute->end_s;

    if (tens > LP_AGGREGATE_SPARKS) {
        tens = LP_AGGREGATE_SPARKS;
    }
    if (tens > 0) {
        shift(minute->lines_of, (size_t)tens);
        shift(minute->requests_of, (size_t)tens);
    }
    if (end_s - at_s > LPI_MINUTE_S) {
        at_s = end_s - LPI_MINUTE_S;
    }
    for (; at_s < end_s; at_s++) {
        forget_second(minute, second_at(minute, at_s));
    }
    minute->end_s = end_s;
}

static bool is_silent(const lpi_minute *minute)
{
    uint64_t lines = minute->lines + minute->lost_lines;

    for (unsigned i = 0; i < LP_AGGREGATE_SPARKS && lines == 0; i++) {
        lines += minute->lines_of[i];
    }
    return lines == 0;
}

void lpi_minute_move(lp_aggregate *aggregate)
{
    lpi_minute *minute =
        aggregate->live == NULL ? NULL : aggregate->live->minute;

    if (minute == NULL || minute->end_s >= aggregate->open_s) {
        return;
    }
    move_to(minute, aggregate->open_s);
    if (is_silent(minute)) {
        lpi_minute_free(aggregate);
    }
}

/* Counting ---------------------------------------------------------------- */

static uint32_t small(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void add_to_ten(uint32_t *ten, uint32_t more)
{
    *ten = small((uint64_t)*ten + more);
}

static uint64_t errors_of(const lpi_table *table)
{
    uint64_t errors = 0;
    uint32_t slot = 0;

    while ((slot = lpi_table_next_touched(table, slot)) < table->count) {
        const lpi_series *series = &table->series[slot++];

        if (series->dimension == LP_DIM_CODE && !series->is_of_process) {
            errors += lpi_tally_count(&series->open);
        }
    }
    return errors;
}

void lpi_minute_count(lp_aggregate *aggregate)
{
    const lpi_live *live = aggregate->live;
    const lpi_tally *total = &live->table.series[LPI_FIXED_TOTAL].open;
    lpi_minute *minute = live->minute;
    lpi_counts *second = second_at(minute, aggregate->open_s);

    move_to(minute, aggregate->open_s + 1);
    *second = (lpi_counts){.lines = small(live->open_lines),
                           .lost_lines = small(live->open_lost_lines),
                           .requests = small(lpi_tally_count(total)),
                           .failed = small(total->failed),
                           .errors = small(errors_of(&live->table))};
    minute->lines += second->lines;
    minute->lost_lines += second->lost_lines;
    minute->requests += second->requests;
    minute->failed += second->failed;
    minute->errors += second->errors;
    add_to_ten(&minute->lines_of[LP_AGGREGATE_SPARKS - 1], second->lines);
    add_to_ten(&minute->requests_of[LP_AGGREGATE_SPARKS - 1], second->requests);
}
