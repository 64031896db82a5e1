/* aggregate_brief.c - what a list of many channels shows of each. */
#include <assert.h>
#include <math.h>

#include "aggregate_impl.h"
#include "process.h"
#include "tier.h"

enum { CODES_MAX = 32 };

typedef struct code_count {
    uint64_t id;
    uint64_t count;
} code_count;

typedef struct summing {
    lp_sketch_home home;
    lpi_tally total;
    code_count codes[CODES_MAX];
    unsigned code_count;
    bool has_total;
    bool has_codes;
} summing;

/* Frames ------------------------------------------------------------------ */

static uint64_t count_of(const lpi_row *row)
{
    lp_sketch totals;

    lpi_row_totals(row, &totals);
    return totals.count + row->valueless;
}

/* The most frequent code is looked for among the first few that there are. */
static void add_code(summing *sum, const lpi_row *row)
{
    unsigned i = 0;

    while (i < sum->code_count && sum->codes[i].id != row->id) {
        i++;
    }
    if (i < CODES_MAX) {
        sum->code_count += i == sum->code_count ? 1 : 0;
        sum->codes[i].id = row->id;
        sum->codes[i].count += count_of(row);
    }
}

static void add_frame(summing *sum, const lpi_frame *frame)
{
    lp_span rest = lpi_frame_rows(frame);
    lpi_row row = {.id = 0};

    while (lpi_row_next(&rest, frame->first_seq, &row)) {
        unsigned dimension = lpi_id_dimension(row.id);

        if (dimension == LP_DIM_TOTAL && sum->has_total) {
            lpi_tally_merge_row(&sum->total, &sum->home, &row, false);
        } else if (dimension == LP_DIM_CODE && lpi_id_is_core(row.id)) {
            add_code(sum, &row);
        }
        if (!sum->has_codes && row.id >= lpi_fixed_id(LPI_FIXED_TOTAL)) {
            return; // the others are behind it
        }
    }
}

static void add_frames(summing *sum, const lpi_tier *tier, int64_t from_s,
                       int64_t to_s)
{
    const lpi_frame *frame;

    TAILQ_FOREACH_REVERSE(frame, &tier->frames, lpi_frame_list, next)
    {
        if (frame->start_s < from_s) {
            return;
        }
        if (lpi_frame_end(frame) <= to_s) {
            add_frame(sum, frame);
        }
    }
}

/* Tens, as far as they are all within the minute, and the seconds behind them. Of
 * those in front only the codes, where there are any: merging their times would cost
 * as much as all tens. */
static void add_minute(summing *sum, const lp_aggregate *aggregate,
                       int64_t end_s)
{
    const lpi_tier *tiers = aggregate->tiers;
    int64_t begin_s = end_s - LPI_MINUTE_S;
    int64_t first_ten_s = lpi_floor_to(begin_s + LPI_SPARK_S - 1, LPI_SPARK_S);
    int64_t last_ten_s = lpi_floor_to(end_s, LPI_SPARK_S);

    add_frames(sum, &tiers[LP_TIER_SECONDS], last_ten_s, end_s);
    add_frames(sum, &tiers[LP_TIER_TENS], first_ten_s, last_ten_s);
    if (lpi_minute_errors(aggregate->live->minute, begin_s, first_ten_s) > 0) {
        sum->has_total = false;
        add_frames(sum, &tiers[LP_TIER_SECONDS], begin_s, first_ten_s);
    }
}

static void name_top_code(const summing *sum, const lpi_table *table,
                          lp_aggregate_brief *out)
{
    const code_count *top = NULL;

    for (unsigned i = 0; i < sum->code_count; i++) {
        if (top == NULL || sum->codes[i].count > top->count) {
            top = &sum->codes[i];
        }
    }
    for (uint32_t slot = 0; top != NULL && slot < table->count; slot++) {
        lp_span name = lpi_series_name(&table->series[slot]);

        if (table->series[slot].id == top->id &&
            name.len_bytes < sizeof(out->top_code)) {
            memcpy(out->top_code, name.ptr != NULL ? name.ptr : "",
                   name.len_bytes);
        }
    }
}

static void read_minute(const lp_aggregate *aggregate, lp_aggregate_brief *out)
{
    static const double q = 0.95;
    double p95_ms = 0;
    summing sum = {.has_total = true, .has_codes = out->errors > 0};

    lp_sketch_home_init(&sum.home, &aggregate->shared->scale,
                        &aggregate->shared->scratch, UINT64_MAX, 0);
    add_minute(&sum, aggregate, out->end_s);
    if (!sum.total.is_plain) {
        lp_sketch_sound_quantiles(&sum.total.values, &aggregate->shared->scale,
                                  &q, 1, &p95_ms);
    }
    out->p95_ms = isnan(p95_ms) ? 0 : p95_ms;
    lpi_tally_clear(&sum.total, &sum.home);
    name_top_code(&sum, &aggregate->live->table, out);
}

/* Is one over a quarter more than the other? */
static bool has_changed(uint64_t from, uint64_t to)
{
    return to > from + from / 4 || from > to + to / 4;
}

/* Merging is what costs: what is known is good for some seconds, unless the minute
 * has become another one. */
static void tell_frames(const lp_aggregate *aggregate, lpi_minute *minute,
                        lp_aggregate_brief *out)
{
    // Not that of all channels in one and the same second.
    int64_t phase_s = (int64_t)((uintptr_t)aggregate / 64 % LPI_SPARK_S);

    if (out->requests + out->errors == 0) {
        minute->read_until_s = INT64_MIN;
        return;
    }
    if (out->end_s < minute->read_until_s &&
        !has_changed(minute->read_requests, out->requests) &&
        !has_changed(minute->read_errors, out->errors)) {
        out->p95_ms = minute->brief.p95_ms;
        memcpy(out->top_code, minute->brief.top_code, sizeof(out->top_code));
        return;
    }
    read_minute(aggregate, out);
    minute->read_until_s =
        lpi_floor_to(out->end_s + phase_s, LPI_SPARK_S) + LPI_SPARK_S - phase_s;
    minute->read_requests = out->requests;
    minute->read_errors = out->errors;
}

/* Memory ------------------------------------------------------------------ */

/* Of the process that has most of what it may have, by its newest samples; of those
 * without a series by all of them. */
static double memory_share(const lp_aggregate *aggregate, int64_t from_s)
{
    const lpi_table *table = &aggregate->live->table;
    double most =
        lpi_crowd_share(&aggregate->live->crowd, from_s + LPI_MINUTE_S);

    for (uint32_t slot = LPI_FIXED_COUNT; slot < table->count; slot++) {
        const lpi_process *process = table->series[slot].process;
        double quota;

        if (process == NULL || process->memory_s < from_s) {
            continue;
        }
        quota = process->samples[LP_GAUGE_MEMORY_QUOTA].value;
        if (quota > 0) {
            double share = process->levels[LPI_PART_MEMORY].last / quota;

            most = share > most ? share : most;
        }
    }
    return most;
}

/* A look at all processes: when one had a sample, or may have had its last one. */
static void tell_memory(const lp_aggregate *aggregate,
                        const lp_aggregate_brief *old, lp_aggregate_brief *out)
{
    int64_t from_s = out->end_s - LPI_MINUTE_S;
    int64_t sampled_s = aggregate->live->sampled_s;

    if (sampled_s < from_s) {
        return;
    }
    if (sampled_s < old->end_s && lpi_floor_to(old->end_s, LPI_SPARK_S) ==
                                      lpi_floor_to(out->end_s, LPI_SPARK_S)) {
        out->memory_share = old->memory_share;
        return;
    }
    out->memory_share = memory_share(aggregate, from_s);
}

/* All --------------------------------------------------------------------- */

static void make_brief(lp_aggregate *aggregate)
{
    lpi_minute *minute = aggregate->live->minute;
    lp_aggregate_brief brief = {.end_s = aggregate->open_s,
                                .lines = minute->lines,
                                .requests = minute->requests,
                                .failed = minute->failed,
                                .errors = minute->errors,
                                .lost_lines = minute->lost_lines};

    for (unsigned i = 0; i < LP_AGGREGATE_SPARKS; i++) {
        brief.are_requests |= minute->requests_of[i] > 0;
    }
    memcpy(brief.sparks,
           brief.are_requests ? minute->requests_of : minute->lines_of,
           sizeof(brief.sparks));
    tell_frames(aggregate, minute, &brief);
    tell_memory(aggregate, &minute->brief, &brief);
    minute->brief = brief;
}

/* Silence ----------------------------------------------------------------- */

static uint32_t requests_of(const lpi_frame *frame)
{
    lp_span rest = lpi_frame_rows(frame);
    lpi_row row = {.id = 0};

    while (lpi_row_next(&rest, frame->first_seq, &row)) {
        if (lpi_id_dimension(row.id) == LP_DIM_TOTAL) {
            uint64_t requests = count_of(&row);

            return requests < UINT32_MAX ? (uint32_t)requests : UINT32_MAX;
        }
    }
    return 0;
}

void lpi_sparks_read(const lp_aggregate *aggregate, int64_t end_s,
                     uint32_t lines[LP_AGGREGATE_SPARKS],
                     uint32_t requests[LP_AGGREGATE_SPARKS])
{
    int64_t last_s = lpi_floor_to(end_s - 1, LPI_SPARK_S);
    const lpi_frame *frame;

    TAILQ_FOREACH_REVERSE(frame, &aggregate->tiers[LP_TIER_TENS].frames,
                          lpi_frame_list, next)
    {
        int64_t ago = (last_s - frame->start_s) / LPI_SPARK_S;

        if (ago < 0 || ago >= LP_AGGREGATE_SPARKS) {
            break;
        }
        lines[LP_AGGREGATE_SPARKS - 1 - ago] = frame->lines;
        requests[LP_AGGREGATE_SPARKS - 1 - ago] = requests_of(frame);
    }
}

/* Of a channel that dozes or did until now: nothing is told of the last minute, and what
 * it had in the ones before is in its tens. */
static void tell_silence(const lp_aggregate *aggregate, lp_aggregate_brief *out)
{
    uint32_t requests[LP_AGGREGATE_SPARKS] = {0};

    lpi_sparks_read(aggregate, out->end_s, out->sparks, requests);
    for (unsigned i = 0; i < LP_AGGREGATE_SPARKS; i++) {
        out->are_requests |= requests[i] > 0;
    }
    if (out->are_requests) {
        memcpy(out->sparks, requests, sizeof(requests));
    }
}

void lp_aggregate_brief_get(lp_aggregate *aggregate, int64_t now_ns,
                            lp_aggregate_brief *out)
{
    lpi_minute *minute;

    memset(out, 0, sizeof(*out));
    if (!aggregate->is_started) {
        return;
    }
    lp_aggregate_tick(aggregate, now_ns);
    out->end_s = aggregate->open_s;
    // NULL: it dozes or could, or no second has been told since it began or woke.
    minute = aggregate->live == NULL ? NULL : aggregate->live->minute;
    if (minute == NULL) {
        tell_silence(aggregate, out);
    } else {
        if (minute->brief.end_s != aggregate->open_s) {
            make_brief(aggregate);
        }
        *out = minute->brief;
    }
    out->held_lines = lpi_held_lines(aggregate);
}
