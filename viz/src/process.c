#include "process.h"

#include "aggregate_impl.h"
#include "response.h"

enum { SKEW_S = 60, CROWD_S = 30 };

/* Names ------------------------------------------------------------------- */

typedef struct sample_name {
    lp_span name;
    uint8_t unit;
} sample_name;

static const sample_name parts[LPI_PARTS] = {
    [LPI_PART_MEMORY] = {{"memory_total", 12}, LP_UNIT_BYTES},
    [LPI_PART_LOAD] = {{"load_avg_1m", 11}, LP_UNIT_NONE},
};

static const sample_name gauges[LP_GAUGES] = {
    [LP_GAUGE_MEMORY_RSS] = {{"memory_rss", 10}, LP_UNIT_BYTES},
    [LP_GAUGE_MEMORY_CACHE] = {{"memory_cache", 12}, LP_UNIT_BYTES},
    [LP_GAUGE_MEMORY_SWAP] = {{"memory_swap", 11}, LP_UNIT_BYTES},
    [LP_GAUGE_MEMORY_QUOTA] = {{"memory_quota", 12}, LP_UNIT_BYTES},
    [LP_GAUGE_LOAD_5M] = {{"load_avg_5m", 11}, LP_UNIT_NONE},
    [LP_GAUGE_LOAD_15M] = {{"load_avg_15m", 12}, LP_UNIT_NONE},
};

/* All that have no history by process. */
static const sample_name others[] = {
    {{"mem", 3}, LP_UNIT_BYTES},
    {{"memory_pgpgin", 13}, LP_UNIT_PAGES},
    {{"memory_pgpgout", 14}, LP_UNIT_PAGES},
};

enum { OTHERS = sizeof(others) / sizeof(others[0]) };

/* Beyond a million gigabytes it is a mistake, be it bytes, pages or processes. */
static const double sample_most = 0x1p50;

static const sample_name *known_of(lp_span name, const sample_name *names,
                                   unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (lpi_same_text(name, names[i].name)) {
            return &names[i];
        }
    }
    return NULL;
}

bool lpi_sample_is_odd(const lp_measure *measure)
{
    const sample_name *known = known_of(measure->name, parts, LPI_PARTS);

    known = known != NULL ? known : known_of(measure->name, gauges, LP_GAUGES);
    known = known != NULL ? known : known_of(measure->name, others, OTHERS);
    return known != NULL && lpi_is_odd(measure, known->unit, sample_most);
}

/* Its place in a list of names; count: it is not there. */
static unsigned place_of(const lp_measure *measure, const sample_name *names,
                         unsigned count)
{
    unsigned i = 0;

    while (i < count && (measure->unit != names[i].unit ||
                         !lpi_same_text(measure->name, names[i].name))) {
        i++;
    }
    return i;
}

lp_span lpi_part_name(lpi_part part)
{
    return parts[part].name;
}

lp_unit lpi_part_unit(lpi_part part)
{
    return (lp_unit)parts[part].unit;
}

bool lpi_is_part(const lp_aggregate_row *row)
{
    const lp_measure as_measure = {.name = row->name, .unit = row->unit};

    return row->dimension == LP_DIM_MEASURE && row->is_of_process &&
           row->is_platform && !row->is_other &&
           place_of(&as_measure, parts, LPI_PARTS) < LPI_PARTS;
}

/* Life -------------------------------------------------------------------- */

/* NULL: there is no room. */
static lpi_process *process_of(lp_aggregate *aggregate, uint32_t slot)
{
    lpi_series *series = &aggregate->live->table.series[slot];
    lpi_process *process = series->process;

    if (process != NULL || lpi_series_is_fixed(slot)) {
        return process;
    }
    if (lpi_may_hold(aggregate, sizeof(*process))) {
        process = lpi_alloc(aggregate, sizeof(*process), _Alignof(lpi_process));
    }
    if (process == NULL) {
        return NULL;
    }
    memset(process, 0, sizeof(*process));
    for (unsigned i = 0; i < LP_GAUGES; i++) {
        process->samples[i].at_s = INT64_MIN;
    }
    process->skew_s = INT64_MIN;
    process->memory_s = INT64_MIN;
    series->process = process;
    return process;
}

void lpi_process_free(lp_aggregate *aggregate, lpi_series *series)
{
    if (series->process != NULL) {
        lpi_free(aggregate, series->process, sizeof(*series->process));
        series->process = NULL;
    }
}

void lpi_process_reset(lpi_series *series)
{
    for (unsigned i = 0; series->process != NULL && i < LPI_PARTS; i++) {
        series->process->levels[i].count = 0;
    }
}

static void step(int64_t *at_s, int64_t step_s)
{
    *at_s -= *at_s == INT64_MIN ? 0 : step_s;
}

void lpi_process_step_back(lpi_series *series, int64_t step_s)
{
    lpi_process *process = series->process;

    if (process == NULL) {
        return;
    }
    for (unsigned i = 0; i < LP_GAUGES; i++) {
        step(&process->samples[i].at_s, step_s);
    }
    step(&process->skew_s, step_s);
    step(&process->memory_s, step_s);
}

/* Samples ----------------------------------------------------------------- */

static void add_level(lpi_level *level, double value, lp_seq seq)
{
    bool is_first = level->count++ == 0;

    level->min = is_first || value < level->min ? value : level->min;
    level->max = is_first || value > level->max ? value : level->max;
    level->sum = is_first ? value : level->sum + value;
    level->last = value;
    level->newest[1] = level->newest[0];
    level->newest[0] = seq;
}

static void add_share(lpi_crowd *crowd, double share, int64_t now_s)
{
    int64_t from_s = lpi_floor_to(now_s, CROWD_S);

    if (crowd->from_s != from_s) {
        crowd->shares[1] =
            crowd->from_s == from_s - CROWD_S ? crowd->shares[0] : 0;
        crowd->shares[0] = 0;
        crowd->from_s = from_s;
    }
    if (share > crowd->shares[0]) {
        crowd->shares[0] = share;
    }
}

/* One line has both. */
static void sample_in_crowd(lp_aggregate *aggregate, unsigned part,
                            unsigned gauge, double value, lp_seq seq)
{
    lpi_crowd *crowd = &aggregate->live->crowd;

    if (crowd->seq != seq) {
        crowd->seq = seq;
        crowd->memory = 0;
        crowd->quota = 0;
    }
    if (part == LPI_PART_MEMORY) {
        crowd->memory = value;
    } else if (gauge == LP_GAUGE_MEMORY_QUOTA) {
        crowd->quota = value;
    }
    if (crowd->memory > 0 && crowd->quota > 0) {
        add_share(crowd, crowd->memory / crowd->quota, aggregate->open_s);
    }
}

double lpi_crowd_share(const lpi_crowd *crowd, int64_t end_s)
{
    int64_t from_s = lpi_floor_to(end_s, CROWD_S);

    if (crowd->from_s == from_s && crowd->shares[1] > crowd->shares[0]) {
        return crowd->shares[1];
    }
    return crowd->from_s >= from_s - CROWD_S ? crowd->shares[0] : 0;
}

lpi_sampled lpi_process_sample(lp_aggregate *aggregate, lp_span process,
                               const lp_measure *measure, lp_seq seq)
{
    lpi_key key = {.dimension = LP_DIM_LINES, .name = process};
    unsigned part = place_of(measure, parts, LPI_PARTS);
    unsigned gauge = place_of(measure, gauges, LP_GAUGES);
    double value = measure->value + 0.0; // not -0
    lpi_process *of;
    uint32_t slot;

    if (part == LPI_PARTS && gauge == LP_GAUGES) {
        return LPI_SAMPLED;
    }
    slot = lpi_table_get(aggregate, &key);
    of = process_of(aggregate, slot);
    aggregate->live->sampled_s = aggregate->open_s;
    if (of == NULL) {
        sample_in_crowd(aggregate, part, gauge, value, seq);
        return LPI_SAMPLED_OTHER;
    }
    lpi_table_touch(&aggregate->live->table, slot, aggregate->open_s);
    if (part < LPI_PARTS) {
        add_level(&of->levels[part], value, seq);
        of->memory_s =
            part == LPI_PART_MEMORY ? aggregate->open_s : of->memory_s;
    } else {
        of->samples[gauge].value = value;
        of->samples[gauge].at_s = aggregate->open_s;
    }
    return LPI_SAMPLED;
}

uint64_t lpi_process_write(lpi_writer *w, const lpi_series *series,
                           const lp_sketch_home *home, uint64_t before_id,
                           lp_seq first_seq)
{
    for (unsigned i = 0; series->process != NULL && i < LPI_PARTS; i++) {
        const lpi_level *level = &series->process->levels[i];
        lpi_tally tally = {.is_plain = true};
        uint64_t id = lpi_id_of_part(series->id, (lpi_part)i);

        if (level->count == 0) {
            continue;
        }
        tally.values.count = level->count;
        tally.values.min = level->min;
        tally.values.max = level->max;
        tally.values.sum = level->sum;
        lpi_tally_write(w, &tally, home, id, before_id, first_seq);
        before_id = id;
    }
    return before_id;
}

/* Skew -------------------------------------------------------------------- */

void lpi_process_skew(lp_aggregate *aggregate, uint32_t slot, double ms)
{
    int64_t minute_s = lpi_floor_to(aggregate->open_s, SKEW_S);
    lpi_process *process = process_of(aggregate, slot);
    lpi_skew *skew;

    if (process == NULL) {
        return;
    }
    skew = &process->skews[0];
    if (process->skew_s != minute_s) {
        process->skews[1] = process->skew_s == minute_s - SKEW_S
                                ? *skew
                                : (lpi_skew){.count = 0};
        *skew = (lpi_skew){.count = 0};
        process->skew_s = minute_s;
    }
    skew->min = skew->count == 0 || ms < skew->min ? ms : skew->min;
    skew->max = skew->count == 0 || ms > skew->max ? ms : skew->max;
    skew->sum += ms;
    skew->count++;
}

/* As bytes ---------------------------------------------------------------- */

static void pack_skew(lpi_writer *w, const lpi_skew *skew)
{
    lpi_put_varint(w, skew->count);
    if (skew->count > 0) {
        lpi_put_number(w, skew->sum);
        lpi_put_number(w, skew->min);
        lpi_put_number(w, skew->max);
    }
}

static void unpack_skew(lpi_reader *r, lpi_skew *skew)
{
    skew->count = lpi_get_varint(r);
    if (skew->count > 0) {
        skew->sum = lpi_get_number(r);
        skew->min = lpi_get_number(r);
        skew->max = lpi_get_number(r);
    }
}

void lpi_process_pack(lpi_writer *w, const lpi_process *process, int64_t base_s)
{
    for (unsigned i = 0; i < LPI_PARTS; i++) {
        const lpi_level *level = &process->levels[i];

        lpi_put_varint(w, level->newest[0]);
        if (level->newest[0] != 0) {
            lpi_put_varint(w, level->newest[0] - level->newest[1]);
            lpi_put_number(w, level->last);
        }
    }
    for (unsigned i = 0; i < LP_GAUGES; i++) {
        lpi_put_time(w, process->samples[i].at_s, base_s);
        if (process->samples[i].at_s != INT64_MIN) {
            lpi_put_number(w, process->samples[i].value);
        }
    }
    lpi_put_time(w, process->skew_s, base_s);
    pack_skew(w, &process->skews[0]);
    pack_skew(w, &process->skews[1]);
    lpi_put_time(w, process->memory_s, base_s);
}

bool lpi_process_unpack(lp_aggregate *aggregate, uint32_t slot, lpi_reader *r,
                        int64_t base_s)
{
    lpi_process *process = process_of(aggregate, slot);

    if (process == NULL) {
        return false;
    }
    for (unsigned i = 0; i < LPI_PARTS; i++) {
        lpi_level *level = &process->levels[i];

        level->newest[0] = lpi_get_varint(r);
        if (level->newest[0] != 0) {
            level->newest[1] = level->newest[0] - lpi_get_varint(r);
            level->last = lpi_get_number(r);
        }
    }
    for (unsigned i = 0; i < LP_GAUGES; i++) {
        process->samples[i].at_s = lpi_get_time(r, base_s);
        if (process->samples[i].at_s != INT64_MIN) {
            process->samples[i].value = lpi_get_number(r);
        }
    }
    process->skew_s = lpi_get_time(r, base_s);
    unpack_skew(r, &process->skews[0]);
    unpack_skew(r, &process->skews[1]);
    process->memory_s = lpi_get_time(r, base_s);
    return true;
}

/* Telling ----------------------------------------------------------------- */

static void tell_skew(const lpi_process *process, lp_aggregate_process *out)
{
    for (unsigned i = 0; i < 2; i++) {
        const lpi_skew *skew = &process->skews[i];

        if (skew->count == 0) {
            continue;
        }
        if (out->skew_count == 0 || skew->min < out->skew_min_ms) {
            out->skew_min_ms = skew->min;
        }
        if (out->skew_count == 0 || skew->max > out->skew_max_ms) {
            out->skew_max_ms = skew->max;
        }
        out->skew_count += skew->count;
        out->skew_sum_ms += skew->sum;
    }
    out->skew_until_s = process->skew_s + SKEW_S;
}

static bool tell(const lp_aggregate *aggregate, lp_span name,
                 lp_aggregate_process *out)
{
    lpi_key key = {.dimension = LP_DIM_LINES, .name = name};
    const lpi_process *process;
    uint32_t slot;

    if (aggregate->live == NULL) {
        return false;
    }
    slot = lpi_table_find(aggregate, &key);
    process = slot == 0 ? NULL : aggregate->live->table.series[slot].process;
    if (process == NULL) {
        return false;
    }
    memcpy(out->samples, process->samples, sizeof(out->samples));
    if (process->skew_s != INT64_MIN) {
        tell_skew(process, out);
    }
    return true;
}

bool lp_aggregate_process_get(lp_aggregate *aggregate, lp_span name,
                              lp_aggregate_process *out)
{
    lpi_look look;
    bool is_known;

    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < LP_GAUGES; i++) {
        out->samples[i].at_s = INT64_MIN;
    }
    if (!lpi_look_begin(&look, aggregate)) {
        return false;
    }
    is_known = tell(aggregate, name, out);
    lpi_look_end(&look);
    return is_known;
}
