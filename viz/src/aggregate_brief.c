/* aggregate_brief.c - what a list of many channels shows of each. */
#include <assert.h>

#include "aggregate_impl.h"
#include "tier.h"

enum { WINDOW_S = 60, SPARK_S = 10, CODES_MAX = 32 };

typedef struct code_count {
    uint64_t id;
    uint64_t count;
} code_count;

typedef struct summing {
    lp_aggregate *aggregate;
    lp_aggregate_brief *out;
    lp_sketch_home home;
    lpi_tally total;
    code_count codes[CODES_MAX];
    unsigned code_count;
    uint32_t requests[LP_AGGREGATE_SPARKS];
    uint32_t lines[LP_AGGREGATE_SPARKS];
} summing;

static uint64_t count_of(const lpi_row *row)
{
    lp_sketch totals;

    lpi_row_totals(row, &totals);
    return totals.count + row->valueless;
}

/* The most frequent code is looked for among the first few that there are. */
static void add_code(summing *sum, const lpi_row *row)
{
    uint64_t count = count_of(row);
    unsigned i = 0;

    sum->out->errors += count;
    while (i < sum->code_count && sum->codes[i].id != row->id) {
        i++;
    }
    if (i < CODES_MAX) {
        sum->code_count += i == sum->code_count ? 1 : 0;
        sum->codes[i].id = row->id;
        sum->codes[i].count += count;
    }
}

static void add_row(summing *sum, const lpi_row *row)
{
    switch (lpi_id_dimension(row->id)) {
    case LP_DIM_TOTAL:
        lpi_tally_merge_row(&sum->total, &sum->home, row, false);
        break;
    case LP_DIM_LINES:
        sum->out->lines += count_of(row);
        break;
    case LP_DIM_CODE:
        if (lpi_id_is_core(row->id)) {
            add_code(sum, row);
        }
        break;
    default:
        break;
    }
}

static void add_frame(summing *sum, const lpi_frame *frame, int64_t end_s)
{
    int64_t from_s = end_s - LP_AGGREGATE_SPARKS * SPARK_S;
    size_t spark = (size_t)((frame->start_s - from_s) / SPARK_S);
    bool is_within = frame->start_s >= end_s - WINDOW_S;
    lp_span rest = lpi_frame_rows(frame);
    lpi_row row = {.id = 0};

    sum->lines[spark] = frame->lines;
    sum->out->lost_lines += is_within ? frame->lost_lines : 0;
    while (lpi_row_next(&rest, frame->first_seq, &row)) {
        if (lpi_id_dimension(row.id) == LP_DIM_TOTAL) {
            uint64_t count = count_of(&row);

            sum->out->are_requests = true;
            sum->requests[spark] =
                count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
        }
        if (is_within) {
            add_row(sum, &row);
        } else if (row.id >= lpi_fixed_id(LPI_FIXED_TOTAL)) {
            return;
        }
    }
}

static void name_top_code(summing *sum)
{
    const lpi_table *table = &sum->aggregate->live->table;
    const code_count *top = NULL;

    for (unsigned i = 0; i < sum->code_count; i++) {
        if (top == NULL || sum->codes[i].count > top->count) {
            top = &sum->codes[i];
        }
    }
    for (uint32_t slot = 0; top != NULL && slot < table->count; slot++) {
        lp_span name = lpi_series_name(&table->series[slot]);

        if (table->series[slot].id == top->id &&
            name.len_bytes < sizeof(sum->out->top_code)) {
            memcpy(sum->out->top_code, name.ptr != NULL ? name.ptr : "",
                   name.len_bytes);
        }
    }
}

/* Of the process that has most of what it may have, by its newest samples. */
static double memory_share(const lp_aggregate *aggregate, int64_t from_s)
{
    const lpi_table *table = &aggregate->live->table;
    double most = 0;

    for (uint32_t slot = LPI_FIXED_COUNT; slot < table->count; slot++) {
        const lpi_series *series = &table->series[slot];
        lpi_key quota = lpi_series_key(series);
        uint32_t quota_slot;

        if (series->dimension != LP_DIM_MEASURE || !series->is_of_process ||
            !series->is_platform || series->active_s < from_s ||
            !lp_span_equal(quota.name, LP_SPAN("memory_total"))) {
            continue;
        }
        quota.name = LP_SPAN("memory_quota");
        quota_slot = lpi_table_find(aggregate, &quota);
        if (quota_slot != 0 && table->series[quota_slot].last > 0) {
            double share = series->last / table->series[quota_slot].last;

            most = share > most ? share : most;
        }
    }
    return most;
}

static void sum_up(lp_aggregate *aggregate, int64_t end_s,
                   lp_aggregate_brief *out)
{
    static const double q = 0.95;
    summing sum = {.aggregate = aggregate, .out = out};
    const lpi_frame *frame;

    memset(out, 0, sizeof(*out));
    out->end_s = end_s;
    lp_sketch_home_init(&sum.home, &aggregate->shared->scale,
                        &aggregate->shared->allocator, UINT64_MAX, 0);
    TAILQ_FOREACH_REVERSE(frame, &aggregate->tiers[LP_TIER_TENS].frames,
                          lpi_frame_list, next)
    {
        if (frame->start_s < end_s - LP_AGGREGATE_SPARKS * SPARK_S) {
            break;
        }
        add_frame(&sum, frame, end_s);
    }
    out->requests = lpi_tally_count(&sum.total);
    out->failed = sum.total.failed;
    if (!sum.total.is_plain && sum.total.values.count > 0) {
        lp_sketch_quantiles(&sum.total.values, &aggregate->shared->scale, &q, 1,
                            &out->p95_ms);
    }
    lpi_tally_clear(&sum.total, &sum.home);
    memcpy(out->sparks, out->are_requests ? sum.requests : sum.lines,
           sizeof(out->sparks));
    name_top_code(&sum);
    out->memory_share = memory_share(aggregate, end_s - WINDOW_S);
}

void lp_aggregate_brief_get(lp_aggregate *aggregate, int64_t now_ns,
                            lp_aggregate_brief *out)
{
    lp_aggregate_brief *brief;
    int64_t end_s;

    if (aggregate->live == NULL) {
        memset(out, 0, sizeof(*out));
        return;
    }
    lp_aggregate_tick(aggregate, now_ns);
    brief = &aggregate->live->brief;
    end_s = lpi_floor_to(aggregate->open_s, SPARK_S);
    if (brief->end_s != end_s) {
        sum_up(aggregate, end_s, brief);
    }
    *out = *brief;
}
