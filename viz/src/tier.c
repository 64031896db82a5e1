#include "tier.h"

#include <assert.h>

#include "aggregate_impl.h"
#include "process.h"

/* The open second --------------------------------------------------------- */

static bool has_open(const lpi_live *live)
{
    return live->open_first_seq > 0 || live->open_lost_lines > 0;
}

/* A request is counted under its status; all together are those of all. Their home is
 * one for the moment: who comes last, when all sketches of the second are there, would
 * find nothing left in theirs. */
static void merge_total(lpi_live *live, lp_sketch_home *home)
{
    lpi_table *table = &live->table;
    lpi_series *total = &table->series[LPI_FIXED_TOTAL];
    uint32_t slot = LPI_FIXED_TOTAL + 1;

    while ((slot = lpi_table_next_touched(table, slot)) < table->count) {
        const lpi_series *series = &table->series[slot++];

        if (series->dimension != LP_DIM_STATUS) {
            continue;
        }
        lpi_tally_merge(&total->open, home, &series->open);
        if (series->newest[0] > total->newest[0]) {
            total->newest[1] = series->newest[1] > total->newest[0]
                                   ? series->newest[1]
                                   : total->newest[0];
            total->newest[0] = series->newest[0];
            total->last = series->last;
        } else if (series->newest[0] > total->newest[1]) {
            total->newest[1] = series->newest[0];
        }
    }
    if (lpi_tally_count(&total->open) > 0) {
        table->touched[0] |= UINT64_C(1) << LPI_FIXED_TOTAL;
    }
}

static void write_open(lpi_live *live, lpi_writer *w)
{
    lpi_table *table = &live->table;
    uint64_t before_id = 0;
    uint32_t slot = 0;

    while ((slot = lpi_table_next_touched(table, slot)) < table->count) {
        lpi_series *series = &table->series[slot++];

        // What has only parts was not counted itself.
        if (lpi_tally_count(&series->open) > 0) {
            lpi_tally_write(w, &series->open, &live->home, series->id,
                            before_id, live->open_first_seq);
            before_id = series->id;
        }
        before_id = lpi_process_write(w, series, &live->home, before_id,
                                      live->open_first_seq);
    }
}

static void clear_open(lpi_live *live)
{
    lpi_table_reset(&live->table, &live->home);
    live->open_lines = 0;
    live->open_lost_lines = 0;
    live->open_first_seq = 0;
    live->open_end_seq = 0;
    memset(live->open_classes, 0, sizeof(live->open_classes));
}

/* They are merged again if the second stays open. */
static void clear_total(lpi_live *live, lp_sketch_home *home)
{
    lpi_tally_clear(&live->table.series[LPI_FIXED_TOTAL].open, home);
    assert(home->bytes == 0);
}

/* A frame of rows in as much detail as there is room for. */
static lpi_frame *frame_of(lp_aggregate *aggregate, lpi_window *window,
                           lp_span rows)
{
    static const lp_detail less[] = {LP_DETAIL_CORE, LP_DETAIL_BARE};
    lpi_rows source = {rows, window->head.first_seq};
    lpi_frame *frame = lpi_frame_of_rows(aggregate, window, rows);

    for (unsigned i = 0; frame == NULL && i < 2; i++) {
        window->head.detail = (uint8_t)less[i];
        frame = lpi_frame_merge(aggregate, window, &source, 1, less[i]);
    }
    return frame;
}

/* What has no room on the stack is written once more, to memory. */
static lpi_frame *frame_of_many(lp_aggregate *aggregate, lpi_window *window,
                                size_t bytes)
{
    const lp_allocator *allocator = &aggregate->shared->scratch;
    lpi_writer w = {allocator->alloc(allocator->ctx, bytes, 1), bytes, 0};
    lpi_frame *frame;

    if (w.out == NULL) {
        return NULL;
    }
    write_open(aggregate->live, &w);
    assert(w.length == bytes);
    frame = frame_of(aggregate, window, lp_span_of(w.out, bytes));
    allocator->free(allocator->ctx, w.out, bytes);
    return frame;
}

/* It waits for memory once, and for a short while, as what is kept is worth more than
 * to be told at once. Then what is newer is worth more, and the oldest frames go at
 * once, until there was enough for as long as that. */
static void note_close(lp_aggregate *aggregate, bool is_closed)
{
    bool is_stuck = aggregate->stuck_s != INT64_MIN;
    bool is_starved =
        is_stuck && aggregate->open_s - aggregate->stuck_s >= LPI_SLACK_S;

    if (!is_closed && is_starved) {
        lpi_exemplars_clear(aggregate);
    }
    if (is_starved || (is_closed && is_stuck) ||
        (aggregate->hurry_s > 0 && aggregate->was_refused)) {
        aggregate->hurry_s = LPI_HURRY_S;
    } else if (aggregate->hurry_s > 0) {
        aggregate->hurry_s--;
    }
    if (is_closed) {
        aggregate->stuck_s = INT64_MIN;
    } else if (!is_stuck) {
        aggregate->stuck_s = aggregate->open_s;
    }
    aggregate->was_refused = false;
}

/* The second that is open becomes a frame, or, without memory, stays open. */
static void close_second(lp_aggregate *aggregate)
{
    lpi_live *live = aggregate->live;
    char bytes[LPI_ROWS_BYTES];
    lpi_writer w = {bytes, sizeof(bytes), 0};
    lpi_window window = {.head = {.start_s = aggregate->open_s,
                                  .width_s = 1,
                                  .first_seq = live->open_first_seq,
                                  .end_seq = live->open_end_seq,
                                  .lost_lines = live->open_lost_lines,
                                  .detail = LP_DETAIL_FULL}};
    lp_sketch_home total_home;
    lpi_frame *frame;

    if (aggregate->stuck_s != INT64_MIN) {
        lpi_frame_begin(&window.head, aggregate->open_s, aggregate->stuck_s);
    }
    if (!has_open(live) || !lpi_minute_make(aggregate)) {
        note_close(aggregate, !has_open(live));
        return;
    }
    window.head.lines =
        live->open_lines < UINT32_MAX ? (uint32_t)live->open_lines : UINT32_MAX;
    memcpy(window.classes, live->open_classes, sizeof(window.classes));
    lp_sketch_home_init(&total_home, &aggregate->shared->scale,
                        &aggregate->shared->scratch, UINT64_MAX, 0);
    merge_total(live, &total_home);
    write_open(live, &w);
    if (w.length <= sizeof(bytes)) {
        frame = frame_of(aggregate, &window, lp_span_of(bytes, w.length));
    } else {
        frame = frame_of_many(aggregate, &window, w.length);
    }
    note_close(aggregate, frame != NULL);
    if (frame != NULL) {
        lpi_minute_count(aggregate);
    }
    clear_total(live, &total_home);
    if (frame != NULL) {
        aggregate->other_values += lpi_table_other_values(&live->table);
        clear_open(live);
        lpi_tier_push(&aggregate->tiers[LP_TIER_SECONDS], frame);
    }
}

/* Merging up -------------------------------------------------------------- */

/* When the longer window ends that a frame is to be merged into. */
static int64_t longer_end(const lpi_frame *frame, int64_t width_s)
{
    return lpi_floor_to(frame->start_s, width_s) + width_s;
}

/* The pending frames of a tier that begin before end_s, as one. */
static lpi_frame *merge_until(lp_aggregate *aggregate, lp_tier tier,
                              int64_t end_s)
{
    lpi_rows sources[LPI_MERGE_MAX];
    lpi_window window = {.head = {.width_s = 0}};
    unsigned count = 0;
    lpi_frame *frame = aggregate->tiers[tier].pending;
    lp_detail detail;

    for (; frame != NULL && frame->start_s < end_s;
         frame = TAILQ_NEXT(frame, next)) {
        assert(count < LPI_MERGE_MAX);
        sources[count].bytes = lpi_frame_rows(frame);
        sources[count].first_seq = frame->first_seq;
        count++;
        lpi_window_extend(&window, frame);
    }
    window.head.width_s = lpi_tier_width_s[tier + 1];
    lpi_frame_begin(&window.head, end_s - window.head.width_s,
                    lpi_frame_earliest(&window.head));
    detail = (lp_detail)window.head.detail;
    return lpi_frame_merge(aggregate, &window, sources, count, detail);
}

/* Is there a shorter frame before that, which found no memory to be merged in? */
static bool is_awaited(const lp_aggregate *aggregate, lp_tier tier,
                       int64_t end_s)
{
    const lpi_frame *late =
        tier == LP_TIER_SECONDS ? NULL : aggregate->tiers[tier - 1].pending;

    return late != NULL && late->start_s < end_s;
}

/* Frames whose longer window is over become one of the tier above. */
static void merge_up(lp_aggregate *aggregate, lp_tier tier)
{
    lpi_tier *from = &aggregate->tiers[tier];
    int64_t width_s = lpi_tier_width_s[tier + 1];

    while (from->pending != NULL) {
        int64_t end_s = longer_end(from->pending, width_s);
        lpi_frame *merged;

        if (end_s > aggregate->open_s || is_awaited(aggregate, tier, end_s)) {
            return;
        }
        merged = merge_until(aggregate, tier, end_s);
        if (merged == NULL) {
            return; // later, then
        }
        while (from->pending != NULL && from->pending->start_s < end_s) {
            from->pending = TAILQ_NEXT(from->pending, next);
        }
        lpi_tier_push(&aggregate->tiers[tier + 1], merged);
    }
}

/* Is it to be in a longer window that is over, or has it lines of one? */
static bool is_missed(const lpi_frame *frame, int64_t width_s, int64_t open_s)
{
    return frame->late_s > 0 || longer_end(frame, width_s) <= open_s;
}

int64_t lpi_tier_lacks_since(const lp_aggregate *aggregate, lp_tier tier)
{
    bool is_stuck = aggregate->stuck_s != INT64_MIN &&
                    aggregate->live != NULL && has_open(aggregate->live);
    int64_t since_s = is_stuck ? aggregate->stuck_s : INT64_MAX;

    for (unsigned i = 0; i < (unsigned)tier; i++) {
        const lpi_frame *frame = aggregate->tiers[i].pending;

        for (; frame != NULL; frame = TAILQ_NEXT(frame, next)) {
            if (is_missed(frame, lpi_tier_width_s[tier], aggregate->open_s) &&
                lpi_frame_earliest(frame) < since_s) {
                since_s = lpi_frame_earliest(frame);
            }
        }
    }
    return since_s;
}

/* Ages -------------------------------------------------------------------- */

static void drop_old(lp_aggregate *aggregate, lp_tier number)
{
    lpi_tier *tier = &aggregate->tiers[number];
    int64_t from_s = aggregate->open_s - (int64_t)lpi_tier_keep_s[number];
    lpi_frame *frame;

    while ((frame = TAILQ_FIRST(&tier->frames)) != NULL &&
           lpi_frame_end(frame) <= from_s &&
           (frame != tier->pending || number == LP_TIER_MINUTES)) {
        lpi_tier_remove(tier, frame);
        lpi_frame_free(aggregate, frame);
    }
}

/* Clocks ------------------------------------------------------------------ */

static void step_live_back(lpi_live *live, int64_t step_s)
{
    lpi_table *table = &live->table;

    for (uint32_t slot = 0; slot < table->count; slot++) {
        table->active_s[slot] -= step_s;
        lpi_process_step_back(&table->series[slot], step_s);
    }
    if (live->minute != NULL) {
        live->minute->end_s -= step_s;
        live->minute->brief.end_s = INT64_MIN; // to be made again
        live->minute->read_until_s = INT64_MIN;
    }
    live->crowd.from_s -= step_s;
    if (live->sampled_s != INT64_MIN) {
        live->sampled_s -= step_s;
    }
    table->swept_s = INT64_MIN;
}

/* All that was before now_s stays before it: times step back with the clock, by
 * whole minutes, so that windows of all tiers stay what they are. */
static void step_back(lp_aggregate *aggregate, int64_t now_s)
{
    int64_t step_s = -lpi_floor_to(now_s - aggregate->open_s, 60);

    for (unsigned i = 0; i < LP_TIERS; i++) {
        lpi_frame *frame;

        TAILQ_FOREACH (frame, &aggregate->tiers[i].frames, next) {
            frame->start_s -= step_s;
        }
        aggregate->dropped_until_s[i] -= step_s;
    }
    if (aggregate->live != NULL) {
        step_live_back(aggregate->live, step_s);
    }
    if (aggregate->doze != NULL) {
        aggregate->doze->base_s -= step_s;
    }
    lpi_markers_step_back(aggregate, step_s);
    aggregate->since_s -= step_s;
    if (aggregate->stuck_s != INT64_MIN) {
        aggregate->stuck_s -= step_s;
    }
    aggregate->open_s -= step_s;
    aggregate->clock_steps++;
}

static void open_second(lp_aggregate *aggregate, int64_t now_s)
{
    // A line whose time has no room in the clock is of another second.
    aggregate->open_s = now_s;
    aggregate->open_from_ns = now_s * LPI_NS_PER_S;
}

void lpi_tiers_start(lp_aggregate *aggregate, int64_t now_s)
{
    aggregate->is_started = true;
    aggregate->stuck_s = INT64_MIN;
    aggregate->since_s = now_s;
    for (unsigned i = 0; i < LP_TIERS; i++) {
        aggregate->dropped_until_s[i] = now_s;
    }
    open_second(aggregate, now_s);
}

void lpi_tiers_advance(lp_aggregate *aggregate, int64_t now_s)
{
    if (!aggregate->is_started) {
        return;
    }
    if (now_s < aggregate->open_s) {
        if (aggregate->open_s - now_s <= LPI_SLACK_S) {
            return;
        }
        step_back(aggregate, now_s);
    }
    if (now_s == aggregate->open_s) {
        return;
    }
    if (aggregate->live != NULL) {
        close_second(aggregate);
    }
    open_second(aggregate, now_s);
    lpi_minute_move(aggregate);
    merge_up(aggregate, LP_TIER_SECONDS);
    merge_up(aggregate, LP_TIER_TENS);
    for (unsigned i = 0; i < LP_TIERS; i++) {
        drop_old(aggregate, (lp_tier)i);
    }
}
