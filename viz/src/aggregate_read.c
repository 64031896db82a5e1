/* aggregate_read.c - frames to rows with names. */
#include <assert.h>
#include <stdlib.h>

#include "aggregate_impl.h"
#include "process.h"
#include "tier.h"

/* What a row is of: a series, or a part of it. */
typedef struct source {
    uint16_t slot;
    uint8_t part; /* LPI_PARTS: the series itself */
    bool is_wanted;
} source;

/*
 * For the length of a call: the sources, those of whole series first, by slot; a
 * tally for each; their numbers in the order in which rows are given; and room for
 * the rows. One block.
 */
typedef struct reading {
    lp_aggregate *aggregate;
    const lp_aggregate_select *select;
    lp_sketch_home home;
    lpi_tally *tallies;
    lp_aggregate_row *rows;
    source *sources;
    uint16_t *parts_at; /* by slot: its first part; 0: it has none */
    uint16_t *order;    /* the sources that were selected */
    uint32_t order_count;
    uint32_t slot_count;
    uint32_t count; /* of sources */
    size_t bytes;
    lpi_window window; /* of what is in tallies; width_s 0: nothing is */
    lpi_look look;
} reading;

typedef struct span_s {
    int64_t from_s;
    int64_t to_s;
} span_s;

/* Which rows -------------------------------------------------------------- */

static bool is_other(uint32_t slot)
{
    return lpi_series_is_fixed(slot) && slot != LPI_FIXED_TOTAL;
}

static bool is_part(const source *s)
{
    return s->part < LPI_PARTS;
}

static const lpi_series *series_of(const reading *r, const source *s)
{
    return &r->aggregate->live->table.series[s->slot];
}

static unsigned dimension_of(const reading *r, const source *s)
{
    return is_part(s) ? LP_DIM_MEASURE : series_of(r, s)->dimension;
}

static lp_span name_of(const reading *r, const source *s)
{
    return is_part(s) ? lpi_part_name((lpi_part)s->part)
                      : lpi_series_name(series_of(r, s));
}

static lp_span of_of(const reading *r, const source *s)
{
    return is_part(s) ? lpi_series_name(series_of(r, s))
                      : lpi_series_of(series_of(r, s));
}

static bool is_selected(const reading *r, const source *s)
{
    const lp_aggregate_select *select = r->select;
    uint32_t all = (1U << LP_DIMENSIONS) - 1;
    uint32_t dimensions = select->dimensions == 0 ? all : select->dimensions;

    return (dimensions >> dimension_of(r, s) & 1) != 0 &&
           (select->name.len_bytes == 0 ||
            lp_span_equal(select->name, name_of(r, s))) &&
           (select->of.len_bytes == 0 ||
            lp_span_equal(select->of, of_of(r, s)));
}

static int compare_sources(const void *left, const void *right, void *ctx)
{
    const reading *r = ctx;
    uint16_t i = *(const uint16_t *)left;
    uint16_t k = *(const uint16_t *)right;
    const source *a = &r->sources[i];
    const source *b = &r->sources[k];
    int order = (int)dimension_of(r, a) - (int)dimension_of(r, b);

    order = order != 0 ? order : is_other(i) - is_other(k);
    order = order != 0 ? order : lp_span_compare(name_of(r, a), name_of(r, b));
    order = order != 0 ? order : lp_span_compare(of_of(r, a), of_of(r, b));
    return order != 0 ? order : (i > k) - (i < k);
}

static void add_source(reading *r, uint32_t slot, unsigned part)
{
    source *s = &r->sources[r->count];

    s->slot = (uint16_t)slot;
    s->part = (uint8_t)part;
    s->is_wanted = is_selected(r, s);
    if (s->is_wanted) {
        r->order[r->order_count++] = (uint16_t)r->count;
    }
    r->count++;
}

static void list_sources(reading *r)
{
    const lpi_series *series = r->aggregate->live->table.series;

    for (uint32_t slot = 0; slot < r->slot_count; slot++) {
        add_source(r, slot, LPI_PARTS);
    }
    for (uint32_t slot = 0; slot < r->slot_count; slot++) {
        if (series[slot].process != NULL) {
            r->parts_at[slot] = (uint16_t)r->count;
            for (unsigned part = 0; part < LPI_PARTS; part++) {
                add_source(r, slot, part);
            }
        }
    }
    qsort_r(r->order, r->order_count, sizeof(*r->order), compare_sources, r);
}

static size_t most_sources(const lpi_table *table)
{
    size_t most = table->count;

    for (uint32_t slot = 0; slot < table->count; slot++) {
        most += table->series[slot].process != NULL ? LPI_PARTS : 0;
    }
    return most;
}

/* For an aggregate that is live. */
static lp_err reading_alloc(reading *r, lp_aggregate *aggregate,
                            const lp_aggregate_select *select)
{
    static const lp_aggregate_select all = LP_AGGREGATE_SELECT_ALL;
    const lp_allocator *allocator = &aggregate->shared->scratch;
    const lpi_table *table = &aggregate->live->table;
    size_t most = most_sources(table);
    size_t rows_at = most * sizeof(lpi_tally);
    size_t sources_at = rows_at + most * sizeof(lp_aggregate_row);
    size_t parts_at = sources_at + most * sizeof(source);
    size_t order_at = parts_at + table->count * sizeof(uint16_t);
    char *block;

    r->aggregate = aggregate;
    r->select = select == NULL ? &all : select;
    r->slot_count = table->count;
    r->bytes = (order_at + most * sizeof(uint16_t) + 7) / 8 * 8;
    block = allocator->alloc(allocator->ctx, r->bytes, _Alignof(lpi_tally));
    if (block == NULL) {
        return LP_E_NOMEM;
    }
    memset(block, 0, r->bytes);
    r->tallies = (void *)block;
    r->rows = (void *)(block + rows_at);
    r->sources = (void *)(block + sources_at);
    r->parts_at = (void *)(block + parts_at);
    r->order = (void *)(block + order_at);
    list_sources(r);
    return lp_sketch_home_init(&r->home, &aggregate->shared->scale, allocator,
                               UINT64_MAX, 0);
}

static lp_err reading_init(reading *r, lp_aggregate *aggregate,
                           const lp_aggregate_select *select)
{
    lp_err err;

    if (!lpi_look_begin(&r->look, aggregate)) {
        return LP_E_NOMEM;
    }
    err = reading_alloc(r, aggregate, select);
    if (err != LP_OK) {
        lpi_look_end(&r->look);
    }
    return err;
}

static void reading_fini(reading *r)
{
    const lp_allocator *allocator = &r->aggregate->shared->scratch;

    for (uint32_t i = 0; i < r->order_count; i++) {
        lpi_tally_clear(&r->tallies[r->order[i]], &r->home);
    }
    assert(r->home.bytes == 0);
    allocator->free(allocator->ctx, r->tallies, r->bytes);
    lpi_look_end(&r->look);
}

/* From frames to tallies -------------------------------------------------- */

/* The source of a row, whose slot is at or behind *slot; that of the other row when
 * its series has made room for another. */
static uint32_t source_of(const reading *r, uint64_t id, uint32_t *slot)
{
    const lpi_series *series = r->aggregate->live->table.series;
    uint64_t whole_id = lpi_id_is_part(id) ? lpi_id_of_lines(id) : id;

    while (*slot < r->slot_count && series[*slot].id < whole_id) {
        ++*slot;
    }
    if (*slot == r->slot_count || series[*slot].id != whole_id) {
        return (uint32_t)lpi_fixed_of(lpi_id_dimension(id), lpi_id_is_core(id));
    }
    return whole_id == id ? *slot
                          : r->parts_at[*slot] + (uint32_t)lpi_id_part(id);
}

static void read_frame(reading *r, const lpi_frame *frame)
{
    lp_span rest = lpi_frame_rows(frame);
    lpi_row row = {.id = 0};
    uint32_t at = 0;

    while (lpi_row_next(&rest, frame->first_seq, &row)) {
        uint32_t i = source_of(r, row.id, &at);

        if (r->sources[i].is_wanted) {
            lpi_tally_merge_row(&r->tallies[i], &r->home, &row, false);
        }
    }
    lpi_window_extend(&r->window, frame);
}

static void fill_from_series(const lpi_series *series, lp_aggregate_row *row)
{
    row->op = series->op;
    row->unit = series->unit;
    row->is_of_process = series->is_of_process;
    row->is_platform = series->is_platform;
    row->last = series->last;
    row->newest[0] = series->newest[0];
    row->newest[1] = series->newest[1];
    row->unit_text = lpi_series_unit(series);
}

static void fill_from_part(const lpi_series *series, lpi_part part,
                           lp_aggregate_row *row)
{
    const lpi_level *level = &series->process->levels[part];

    row->op = LP_OP_SAMPLE;
    row->unit = (uint8_t)lpi_part_unit(part);
    row->is_of_process = true;
    row->is_platform = true;
    row->unit_text = lp_span_of(NULL, 0);
    row->last = level->last;
    row->newest[0] = level->newest[0];
    row->newest[1] = level->newest[1];
}

/* Of a series' newest lines those of the window. */
static void keep_newest(const lpi_frame *window, lp_seq newest[2])
{
    unsigned count = 0;

    for (unsigned i = 0; i < 2; i++) {
        lp_seq seq = newest[i];

        newest[i] = 0;
        if (seq >= window->first_seq && seq < window->end_seq) {
            newest[count++] = seq;
        }
    }
}

static void fill_row(const reading *r, uint32_t i, lp_aggregate_row *row)
{
    const source *from = &r->sources[i];
    const lpi_tally *tally = &r->tallies[i];

    if (is_part(from)) {
        fill_from_part(series_of(r, from), (lpi_part)from->part, row);
    } else {
        fill_from_series(series_of(r, from), row);
    }
    row->dimension = (uint8_t)dimension_of(r, from);
    row->is_other = is_other(i);
    row->name = name_of(r, from);
    row->of = of_of(r, from);
    row->count = lpi_tally_count(tally);
    row->value_count = tally->values.count;
    row->failed = tally->failed;
    row->sum = lp_sketch_sum(&tally->values);
    row->min = tally->values.min;
    row->max = tally->values.max;
    row->sketch =
        tally->is_plain || tally->values.count == 0 ? NULL : &tally->values;
    row->max_seq = tally->max_seq;
    keep_newest(&r->window.head, row->newest);
}

/* Gives what was read, and forgets it. */
static void tell(reading *r, span_s span, uint64_t held_lines,
                 lp_aggregate_fn fn, void *ctx)
{
    const lpi_frame *head = &r->window.head;
    lp_aggregate_window window = {.start_s = span.from_s,
                                  .end_s = span.to_s,
                                  .first_seq = head->first_seq,
                                  .end_seq = head->end_seq,
                                  .lost_lines = head->lost_lines,
                                  .held_lines = held_lines,
                                  .detail = head->detail};
    size_t count = 0;

    if (head->late_s > 0 && lpi_frame_earliest(head) < span.from_s) {
        window.late_s = (uint32_t)(span.from_s - lpi_frame_earliest(head));
    }
    memcpy(window.classes, r->window.classes, sizeof(window.classes));

    for (uint32_t i = 0; i < r->order_count; i++) {
        if (lpi_tally_count(&r->tallies[r->order[i]]) > 0) {
            fill_row(r, r->order[i], &r->rows[count++]);
        }
    }
    fn(ctx, &window, r->rows, count);
    for (uint32_t i = 0; i < r->order_count; i++) {
        lpi_tally_reset(&r->tallies[r->order[i]], &r->home);
    }
    memset(&r->window, 0, sizeof(r->window));
}

/* Is there a frame, or may there be one? */
static bool has_any(const lp_aggregate *aggregate)
{
    return aggregate->live != NULL || aggregate->doze != NULL;
}

/* Single windows ---------------------------------------------------------- */

lp_err lp_aggregate_each(lp_aggregate *aggregate, lp_tier tier, int64_t from_s,
                         int64_t to_s, const lp_aggregate_select *select,
                         lp_aggregate_fn fn, void *ctx)
{
    reading r = {.count = 0};
    const lpi_frame *frame;
    lp_err err;

    if ((unsigned)tier >= LP_TIERS) {
        return LP_E_INVALID;
    }
    if (!has_any(aggregate)) {
        return LP_OK;
    }
    err = reading_init(&r, aggregate, select);
    if (err != LP_OK) {
        return err;
    }
    TAILQ_FOREACH (frame, &aggregate->tiers[tier].frames, next) {
        if (lpi_frame_end(frame) > from_s && frame->start_s < to_s) {
            read_frame(&r, frame);
            tell(&r, (span_s){frame->start_s, lpi_frame_end(frame)}, 0, fn,
                 ctx);
        }
    }
    reading_fini(&r);
    return LP_OK;
}

/* All in one -------------------------------------------------------------- */

static const lpi_frame *first_from(const lp_aggregate *aggregate, unsigned tier,
                                   int64_t from_s)
{
    const lpi_frame *frame;

    TAILQ_FOREACH (frame, &aggregate->tiers[tier].frames, next) {
        if (frame->start_s >= from_s) {
            break;
        }
    }
    return frame;
}

/* Do the shorter frames say all that this one does, and in full? */
static bool is_better_told(const lp_aggregate *aggregate, unsigned tier,
                           const lpi_frame *frame)
{
    const lpi_frame *each;
    uint64_t lines = 0;

    if (tier == LP_TIER_SECONDS || frame->detail == LP_DETAIL_FULL ||
        frame->lines == UINT32_MAX) {
        return false;
    }
    each = first_from(aggregate, tier - 1, frame->start_s);
    for (; each != NULL && lpi_frame_end(each) <= lpi_frame_end(frame);
         each = TAILQ_NEXT(each, next)) {
        if (each->detail != LP_DETAIL_FULL) {
            return false;
        }
        lines += each->lines;
    }
    return lines == frame->lines;
}

/*
 * Long frames where they fit, and shorter ones in the gaps between them:
 *
 *      minutes        [        ][        ]
 *      tens     [ ][ ]                    [ ]
 *      seconds []                            [][]
 */
static void read_span(reading *r, unsigned tier, span_s span)
{
    const lpi_frame *frame;

    if (span.from_s >= span.to_s) {
        return;
    }
    frame = first_from(r->aggregate, tier, span.from_s);
    for (; frame != NULL && lpi_frame_end(frame) <= span.to_s;
         frame = TAILQ_NEXT(frame, next)) {
        if (is_better_told(r->aggregate, tier, frame)) {
            continue;
        }
        if (tier > LP_TIER_SECONDS) {
            read_span(r, tier - 1, (span_s){span.from_s, frame->start_s});
        }
        read_frame(r, frame);
        span.from_s = lpi_frame_end(frame);
    }
    if (tier > LP_TIER_SECONDS) {
        read_span(r, tier - 1, span);
    }
}

/* Since when a tier has all that there was; INT64_MIN: all that there ever was. */
static int64_t known_from(const lp_aggregate *aggregate, unsigned tier)
{
    const lpi_frame *first = TAILQ_FIRST(&aggregate->tiers[tier].frames);
    int64_t kept_s = aggregate->open_s - (int64_t)lpi_tier_keep_s[tier];

    // Unless it had to drop some, or has none that old.
    if (aggregate->dropped_until_s[tier] > kept_s) {
        kept_s = aggregate->dropped_until_s[tier];
    }
    if (first != NULL && first->start_s < kept_s) {
        kept_s = first->start_s;
    }
    return kept_s > aggregate->since_s ? kept_s : INT64_MIN;
}

/* What frames cover of a time that was asked for: the rest is too old to be told in
 * windows as short as that. */
static span_s framed(const lp_aggregate *aggregate, int64_t from_s,
                     int64_t to_s)
{
    span_s span = {from_s, to_s < aggregate->open_s ? to_s : aggregate->open_s};
    const lpi_frame *frame;

    if (from_s <= aggregate->since_s) {
        // The first frames begin before there was anything.
        span.from_s =
            lpi_floor_to(aggregate->since_s, lpi_tier_width_s[LP_TIERS - 1]);
    }
    for (unsigned i = 0; i + 1 < LP_TIERS; i++) {
        int64_t width_s = lpi_tier_width_s[i + 1];

        if (span.from_s < known_from(aggregate, i)) {
            span.from_s = lpi_floor_to(span.from_s + width_s - 1, width_s);
        }
        if (span.to_s < known_from(aggregate, i)) {
            span.to_s = lpi_floor_to(span.to_s, width_s);
        }
    }
    TAILQ_FOREACH (frame, &aggregate->tiers[LP_TIER_MINUTES].frames, next) {
        if (frame->start_s < span.from_s &&
            lpi_frame_end(frame) > span.from_s &&
            frame->width_s > lpi_tier_width_s[LP_TIER_MINUTES]) {
            span.from_s = lpi_frame_end(frame);
        }
    }
    if (span.from_s < known_from(aggregate, LP_TIER_MINUTES)) {
        span.from_s = known_from(aggregate, LP_TIER_MINUTES);
    }
    return span;
}

/* Lines of before to_s that seconds behind it tell, or none yet. */
static uint64_t held_until(const lp_aggregate *aggregate, int64_t to_s)
{
    uint64_t lines = aggregate->stuck_s < to_s ? lpi_held_lines(aggregate) : 0;
    const lpi_frame *frame;

    TAILQ_FOREACH_REVERSE(frame, &aggregate->tiers[LP_TIER_SECONDS].frames,
                          lpi_frame_list, next)
    {
        if (frame->start_s < to_s) {
            break;
        }
        lines += lpi_frame_earliest(frame) < to_s ? frame->lines : 0;
    }
    return lines;
}

/* What is told of them: the first frame may begin before there was anything. */
static span_s told(const lp_aggregate *aggregate, span_s span)
{
    if (span.from_s < aggregate->since_s) {
        span.from_s = aggregate->since_s;
    }
    span.to_s = span.to_s < span.from_s ? span.from_s : span.to_s;
    return span;
}

/* Of a channel that never had a line, or none that is still within any window. */
static void tell_nothing(const lp_aggregate *aggregate, span_s span,
                         lp_aggregate_fn fn, void *ctx)
{
    lp_aggregate_window none = {.start_s = span.to_s, .end_s = span.to_s};

    if (aggregate->is_started) {
        span = told(aggregate, framed(aggregate, span.from_s, span.to_s));
        none.start_s = span.from_s;
        none.end_s = span.to_s;
    }
    fn(ctx, &none, NULL, 0);
}

lp_err lp_aggregate_total(lp_aggregate *aggregate, int64_t from_s, int64_t to_s,
                          const lp_aggregate_select *select, lp_aggregate_fn fn,
                          void *ctx)
{
    reading r = {.count = 0};
    span_s span;
    lp_err err;

    if (from_s >= to_s) {
        return LP_E_INVALID;
    }
    if (!has_any(aggregate)) {
        tell_nothing(aggregate, (span_s){from_s, to_s}, fn, ctx);
        return LP_OK;
    }
    err = reading_init(&r, aggregate, select);
    if (err != LP_OK) {
        return err;
    }
    span = framed(aggregate, from_s, to_s);
    read_span(&r, LP_TIER_MINUTES, span);
    span = told(aggregate, span);
    tell(&r, span, held_until(aggregate, span.to_s), fn, ctx);
    reading_fini(&r);
    return LP_OK;
}
