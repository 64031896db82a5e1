/* aggregate.c - life of an aggregate, and its runs. */
#include <assert.h>
#include <stdlib.h>

#include "aggregate_impl.h"
#include "tier.h"

/* So many lines are worth to load the series, and the list of lines for values. */
enum { LOAD_LINES = 16, LOAD_LIST_LINES = 128 };

enum { AHEAD_BYTES = 512 };

/* Shared ------------------------------------------------------------------ */

static lp_err read_options(const lp_aggregates_options *from,
                           lp_aggregates_options *opt)
{
    const lp_aggregates_options defaults = LP_AGGREGATES_OPTIONS_INIT;

    *opt = defaults;
    if (from != NULL) {
        size_t bytes = from->struct_bytes;

        if (bytes < 2 * sizeof(uint32_t)) {
            return LP_E_INVALID;
        }
        memcpy(opt, from, bytes < sizeof(*opt) ? bytes : sizeof(*opt));
    }
    if (opt->series_max == 0) {
        opt->series_max = LP_AGGREGATE_SERIES_MAX_DEFAULT;
    }
    if (opt->bytes_max == 0) {
        opt->bytes_max = LP_AGGREGATE_BYTES_MAX_DEFAULT;
    }
    if (opt->alpha <= 0) {
        opt->alpha = LP_SKETCH_ALPHA_DEFAULT;
    }
    return opt->series_max < LP_AGGREGATE_SERIES_MAX_LEAST ||
                   opt->series_max > LP_AGGREGATE_SERIES_MAX_MOST ||
                   opt->bytes_max < LP_AGGREGATE_BYTES_MAX_LEAST
               ? LP_E_INVALID
               : LP_OK;
}

lp_err lp_aggregates_create(const lp_aggregates_options *from,
                            lp_aggregates **out)
{
    lp_aggregates_options opt;
    lp_sketch_home home;
    lp_aggregates *shared;
    lp_err err = read_options(from, &opt);

    if (err != LP_OK) {
        return err;
    }
    // Where its allocator is NULL, sketches know which one is meant.
    lp_sketch_home_init(&home, NULL, opt.allocator, 0, 0);
    shared = home.allocator.alloc(home.allocator.ctx, sizeof(*shared),
                                  _Alignof(lp_aggregates));
    if (shared == NULL) {
        return LP_E_NOMEM;
    }
    memset(shared, 0, sizeof(*shared));
    shared->allocator = home.allocator;
    shared->scratch = opt.scratch != NULL ? *opt.scratch : home.allocator;
    err = lp_sketch_scale_init(&shared->scale, opt.alpha);
    if (err != LP_OK) {
        lp_aggregates_destroy(shared);
        return err;
    }
    shared->bytes_max = opt.bytes_max;
    shared->series_max = opt.series_max;
    shared->kinds = opt.kinds;
    memcpy(shared->hash_key, opt.hash_key, sizeof(shared->hash_key));
    *out = shared;
    return LP_OK;
}

void lp_aggregates_destroy(lp_aggregates *shared)
{
    if (shared != NULL) {
        lp_allocator allocator = shared->allocator;

        allocator.free(allocator.ctx, shared, sizeof(*shared));
    }
}

/* Life -------------------------------------------------------------------- */

lp_err lp_aggregate_open(lp_aggregates *shared, lp_aggregate **out)
{
    const lp_allocator *allocator = &shared->allocator;
    lp_aggregate *aggregate = allocator->alloc(
        allocator->ctx, sizeof(*aggregate), _Alignof(lp_aggregate));

    if (aggregate == NULL) {
        return LP_E_NOMEM;
    }
    memset(aggregate, 0, sizeof(*aggregate));
    aggregate->shared = shared;
    aggregate->held_bytes = sizeof(*aggregate);
    for (unsigned i = 0; i < LP_TIERS; i++) {
        TAILQ_INIT(&aggregate->tiers[i].frames);
    }
    TAILQ_INIT(&aggregate->markers.list);
    *out = aggregate;
    return LP_OK;
}

bool lpi_live_make(lp_aggregate *aggregate)
{
    const lp_aggregates *shared = aggregate->shared;
    lpi_live *live = lpi_alloc(aggregate, sizeof(*live), _Alignof(lpi_live));
    lp_err err;

    if (live == NULL) {
        return false;
    }
    memset(live, 0, sizeof(*live));
    live->sampled_s = INT64_MIN;
    err = lp_sketch_home_init(&live->home, &shared->scale, &shared->allocator,
                              lpi_home_bytes_max(shared), 0);
    assert(err == LP_OK);
    if (err != LP_OK || !lpi_table_init(aggregate, &live->table)) {
        lpi_free(aggregate, live, sizeof(*live));
        return false;
    }
    aggregate->live = live;
    return true;
}

void lpi_live_free(lp_aggregate *aggregate)
{
    lpi_live *live = aggregate->live;

    lpi_minute_free(aggregate);
    lpi_exemplars_clear(aggregate);
    lpi_table_fini(aggregate, &live->table);
    assert(live->home.bytes == 0);
    lpi_free(aggregate, live, sizeof(*live));
    aggregate->live = NULL;
}

void lp_aggregate_close(lp_aggregate *aggregate)
{
    lp_allocator allocator;

    if (aggregate == NULL) {
        return;
    }
    allocator = aggregate->shared->allocator;
    for (unsigned i = 0; i < LP_TIERS; i++) {
        lpi_frame *frame;

        while ((frame = TAILQ_FIRST(&aggregate->tiers[i].frames)) != NULL) {
            lpi_tier_remove(&aggregate->tiers[i], frame);
            lpi_frame_free(aggregate, frame);
        }
    }
    if (aggregate->live != NULL) {
        lpi_live_free(aggregate);
    }
    lpi_doze_free(aggregate);
    lpi_markers_clear(aggregate);
    assert(aggregate->held_bytes == sizeof(*aggregate));
    allocator.free(allocator.ctx, aggregate, sizeof(*aggregate));
}

/* Lines ------------------------------------------------------------------- */

static void count_lost(lp_aggregate *aggregate)
{
    aggregate->live->open_lost_lines += aggregate->waiting_lost_lines;
    aggregate->waiting_lost_lines = 0;
}

/* With many channels lines are not in the processor's cache any more when they are
 * counted, and what it fetches by itself ends with each page. So while a line is
 * counted, what begins AHEAD_BYTES behind its start is asked for: as much as the line
 * has, and up to here. */
static inline size_t ahead_until(const lp_run *run, const lp_record *record)
{
    const char *end = run->bytes.ptr + run->bytes.len_bytes;
    size_t left = (size_t)(end - record->bytes.ptr);
    size_t bytes = record->bytes.len_bytes;

    bytes = AHEAD_BYTES + (bytes < AHEAD_BYTES ? bytes : AHEAD_BYTES);
    return bytes < left ? bytes : left;
}

static void count_lines(lp_aggregate *aggregate, const lp_run *run)
{
    lpi_live *live = aggregate->live;

    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);
        size_t until = ahead_until(run, &record);

        // Not in a function of its own: the compiler takes one that only hints for
        // one that does nothing.
        for (size_t at = AHEAD_BYTES; at < until; at += LPI_CACHE_LINE_BYTES) {
            __builtin_prefetch(record.bytes.ptr + at);
        }
        // Also when it is before: then the difference is huge.
        if ((uint64_t)record.arrival_ns - (uint64_t)aggregate->open_from_ns >=
            LPI_NS_PER_S) {
            lpi_count_end(aggregate);
            lpi_tiers_advance(aggregate, lpi_second_of(record.arrival_ns));
        }
        if (aggregate->waiting_lost_lines > 0) {
            count_lost(aggregate);
        }
        live->open_lines++;
        if (live->open_first_seq == 0) {
            live->open_first_seq = record.seq;
        }
        live->open_end_seq = record.seq + 1;
        live->newest_seq = record.seq;
        lpi_count_line(aggregate, &record);
    }
    lpi_count_end(aggregate);
    aggregate->lines += run->line_count;
}

lp_err lp_aggregate_run(lp_aggregate *aggregate, const lp_run *run)
{
    aggregate->lost_lines += run->lost_lines;
    aggregate->waiting_lost_lines += run->lost_lines;
    if (run->line_count == 0) {
        if (aggregate->live != NULL) {
            count_lost(aggregate);
        }
        return LP_OK;
    }
    if (aggregate->live == NULL) {
        if (!lpi_doze_wake(aggregate)) {
            aggregate->uncounted_lines += run->line_count;
            return LP_E_NOMEM;
        }
    }
    if (!aggregate->is_started) {
        lpi_tiers_start(aggregate, lpi_second_of(lp_run_at(run, 0).arrival_ns));
    }
    count_lines(aggregate, run);
    return LP_OK;
}

void lp_aggregate_expect(const lp_aggregate *aggregate, uint64_t lines)
{
    const lpi_live *live = aggregate->live;

    if (live == NULL || lines < LOAD_LINES) {
        return;
    }
    lpi_table_load(&live->table);
    lpi_load_lines(live->memo.processes, sizeof(live->memo.processes));
    lpi_load_lines(live->memo.routes, sizeof(live->memo.routes));
    if (lines >= LOAD_LIST_LINES && live->exemplars.list != NULL) {
        lpi_load_lines(live->exemplars.list, live->exemplars.bytes);
    }
}

void lp_aggregate_tick(lp_aggregate *aggregate, int64_t now_ns)
{
    lpi_tiers_advance(aggregate, lpi_second_of(now_ns));
    lpi_doze_try(aggregate);
}

/* Stats ------------------------------------------------------------------- */

static int64_t from_s(const lpi_tier *tier, lp_detail detail)
{
    const lpi_frame *frame;

    TAILQ_FOREACH (frame, &tier->frames, next) {
        if (frame->detail <= detail) {
            return frame->start_s;
        }
    }
    return 0;
}

static uint32_t series_of(const lp_aggregate *aggregate)
{
    if (aggregate->live != NULL) {
        return aggregate->live->table.count - LPI_FIXED_COUNT;
    }
    return aggregate->doze == NULL ? 0 : aggregate->doze->series;
}

void lp_aggregate_stats_get(const lp_aggregate *aggregate,
                            lp_aggregate_stats *out)
{
    const lpi_live *live = aggregate->live;
    uint32_t struct_bytes = out->struct_bytes;
    lp_aggregate_stats stats = {
        .struct_bytes = struct_bytes,
        .series = series_of(aggregate),
        .lines = aggregate->lines,
        .lost_lines = aggregate->lost_lines,
        .other_values =
            aggregate->other_values +
            (live == NULL ? 0 : lpi_table_other_values(&live->table)),
        .uncounted_lines = aggregate->uncounted_lines,
        .odd_values = aggregate->odd_values,
        .odd_seq = aggregate->odd_seq,
        .series_dropped = aggregate->series_dropped,
        .frames_dropped = aggregate->frames_dropped,
        .clock_steps = aggregate->clock_steps,
        .since_s = aggregate->since_s,
        .open_s = aggregate->is_started ? aggregate->open_s : 0,
        .bytes = aggregate->held_bytes + (live == NULL ? 0 : live->home.bytes)};

    for (unsigned i = 0; i < LP_TIERS; i++) {
        const lpi_tier *tier = &aggregate->tiers[i];

        stats.full_from_s[i] = from_s(tier, LP_DETAIL_FULL);
        stats.core_from_s[i] = from_s(tier, LP_DETAIL_CORE);
        stats.kept_from_s[i] = from_s(tier, LP_DETAIL_BARE);
        if (aggregate->dropped_until_s[i] > aggregate->since_s) {
            stats.gone_until_s[i] = aggregate->dropped_until_s[i];
        }
        stats.lacks_since_s[i] = lpi_tier_lacks_since(aggregate, (lp_tier)i);
    }
    stats.held_lines = lpi_held_lines(aggregate);
    memcpy(out, &stats,
           struct_bytes < sizeof(stats) ? struct_bytes : sizeof(stats));
}
