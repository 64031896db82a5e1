#include "doze.h"

#include <assert.h>

#include "aggregate_impl.h"
#include "process.h"
#include "tier.h"

enum {
    HAS_PROCESS = 1 << 7,
    IS_PLATFORM = 1 << 6,
    IS_OF_PROCESS = 1 << 5,
    UNIT_SHIFT = 2,
    OP_MASK = 3,
    UNIT_MASK = 7
};

/* Series ------------------------------------------------------------------ */

static void pack_said(lpi_writer *w, const lpi_series *series)
{
    lpi_put_varint(w, series->newest[0]);
    if (series->newest[0] != 0) {
        lpi_put_varint(w, series->newest[0] - series->newest[1]);
        lpi_put_number(w, series->last);
    }
}

static void unpack_said(lpi_reader *r, lpi_series *series)
{
    series->newest[0] = lpi_get_varint(r);
    if (series->newest[0] != 0) {
        series->newest[1] = series->newest[0] - lpi_get_varint(r);
        series->last = lpi_get_number(r);
    }
}

static void pack_series(lpi_writer *w, const lpi_series *series)
{
    unsigned head = (unsigned)series->op | (unsigned)series->unit << UNIT_SHIFT;

    head |= series->is_of_process ? IS_OF_PROCESS : 0U;
    head |= series->is_platform ? IS_PLATFORM : 0U;
    head |= series->process != NULL ? HAS_PROCESS : 0U;
    lpi_put_byte(w, (uint8_t)head);
    lpi_put_byte(w, series->name_bytes);
    lpi_put_byte(w, series->of_bytes);
    if (series->text != NULL) {
        lpi_put_bytes(w, series->text,
                      (size_t)series->name_bytes + series->of_bytes);
    }
    if (series->unit == LP_UNIT_OTHER) {
        lp_span unit = lpi_series_unit(series);

        lpi_put_byte(w, (uint8_t)unit.len_bytes);
        lpi_put_bytes(w, unit.ptr, unit.len_bytes);
    }
    pack_said(w, series);
}

static lp_span get_text(lpi_reader *r, size_t bytes)
{
    lp_span text = lp_span_of(r->rest.ptr, bytes);

    assert(bytes <= r->rest.len_bytes);
    r->rest = lp_span_skip(r->rest, bytes);
    return text;
}

/* False: there is no memory. */
static bool unpack_series(lp_aggregate *aggregate, lpi_reader *r, uint64_t id,
                          int64_t base_s)
{
    lpi_table *table = &aggregate->live->table;
    unsigned head = lpi_get_byte(r);
    unsigned name_bytes = lpi_get_byte(r);
    unsigned of_bytes = lpi_get_byte(r);
    lpi_key key = {.dimension = (uint8_t)lpi_id_dimension(id),
                   .op = head & OP_MASK,
                   .unit = head >> UNIT_SHIFT & UNIT_MASK,
                   .is_of_process = (head & IS_OF_PROCESS) != 0,
                   .is_platform = (head & IS_PLATFORM) != 0,
                   .name = get_text(r, name_bytes),
                   .of = get_text(r, of_bytes)};
    uint32_t slot = table->count;

    if (key.unit == LP_UNIT_OTHER) {
        size_t unit_bytes = lpi_get_byte(r);

        key.unit_text = get_text(r, unit_bytes);
    }
    if (!lpi_table_restore(aggregate, &key, id)) {
        return false;
    }
    unpack_said(r, &table->series[slot]);
    table->active_s[slot] = lpi_get_time(r, base_s);
    return (head & HAS_PROCESS) == 0 ||
           lpi_process_unpack(aggregate, slot, r, base_s);
}

/* All of it --------------------------------------------------------------- */

static void pack(const lpi_live *live, int64_t base_s, lpi_writer *w)
{
    const lpi_table *table = &live->table;
    uint64_t before_id = 0;

    lpi_put_varint(w, table->next_serial);
    lpi_put_varint(w, live->newest_seq);
    lpi_put_time(w, live->sampled_s, base_s);
    for (uint32_t slot = 0; slot < LPI_FIXED_COUNT; slot++) {
        pack_said(w, &table->series[slot]);
    }
    for (uint32_t slot = LPI_FIXED_COUNT; slot < table->count; slot++) {
        const lpi_series *series = &table->series[slot];

        lpi_put_varint(w, series->id - before_id);
        before_id = series->id;
        pack_series(w, series);
        lpi_put_time(w, table->active_s[slot], base_s);
        if (series->process != NULL) {
            lpi_process_pack(w, series->process, base_s);
        }
    }
}

/* To a live that is new. False: there is no memory. */
static bool unpack(lp_aggregate *aggregate, const lpi_doze *doze)
{
    lpi_live *live = aggregate->live;
    lpi_table *table = &live->table;
    lpi_reader r = {lp_span_of((const char *)(doze + 1), doze->packed_bytes),
                    false};
    uint64_t id = 0;

    table->next_serial = lpi_get_varint(&r);
    live->newest_seq = lpi_get_varint(&r);
    live->sampled_s = lpi_get_time(&r, doze->base_s);
    for (uint32_t slot = 0; slot < LPI_FIXED_COUNT; slot++) {
        unpack_said(&r, &table->series[slot]);
    }
    while (r.rest.len_bytes > 0) {
        id += lpi_get_varint(&r);
        if (!unpack_series(aggregate, &r, id, doze->base_s)) {
            return false;
        }
    }
    assert(!r.is_bad);
    if (doze->exemplar_bytes > 0) {
        lpi_exemplars_unpack(aggregate,
                             lp_span_of(doze->exemplars, doze->exemplar_bytes));
    }
    return true;
}

/* Falling asleep ---------------------------------------------------------- */

static bool is_silent(const lp_aggregate *aggregate)
{
    const lpi_live *live = aggregate->live;

    return live->open_first_seq == 0 && live->open_lost_lines == 0 &&
           TAILQ_EMPTY(&aggregate->tiers[LP_TIER_SECONDS].frames);
}

static size_t doze_bytes(size_t packed_bytes)
{
    return (sizeof(lpi_doze) + packed_bytes + 7) / 8 * 8;
}

/* NULL: there is no memory. It takes the place of far more, so nothing has to make
 * room for it. */
static void *alloc_smaller(lp_aggregate *aggregate, size_t bytes, size_t align)
{
    void *ptr;

    aggregate->is_fading = true;
    ptr = lpi_alloc(aggregate, bytes, align);
    aggregate->is_fading = false;
    return ptr;
}

/* Without memory there are none. */
static void pack_exemplars(lp_aggregate *aggregate, lpi_doze *doze)
{
    const lpi_live *live = aggregate->live;
    lpi_writer w = {NULL, 0, 0};

    lpi_exemplars_pack(&live->exemplars, live->newest_seq, &w);
    if (w.length == 0) {
        return;
    }
    doze->exemplars = alloc_smaller(aggregate, w.length, 1);
    if (doze->exemplars != NULL) {
        doze->exemplar_bytes = (uint32_t)w.length;
        w = (lpi_writer){doze->exemplars, w.length, 0};
        lpi_exemplars_pack(&live->exemplars, live->newest_seq, &w);
    }
}

static void fall_asleep(lp_aggregate *aggregate)
{
    lpi_live *live = aggregate->live;
    int64_t base_s = aggregate->open_s;
    lpi_writer w = {NULL, 0, 0};
    lpi_doze *doze;

    pack(live, base_s, &w);
    doze = alloc_smaller(aggregate, doze_bytes(w.length), _Alignof(lpi_doze));
    if (doze == NULL) {
        return; // the next time, then
    }
    *doze = (lpi_doze){.base_s = base_s,
                       .series = live->table.count - LPI_FIXED_COUNT,
                       .packed_bytes = (uint32_t)w.length};
    w = (lpi_writer){(char *)(doze + 1), w.length, 0};
    pack(live, base_s, &w);
    pack_exemplars(aggregate, doze);
    lpi_live_free(aggregate);
    aggregate->doze = doze;
}

static void free_exemplars(lp_aggregate *aggregate)
{
    lpi_doze *doze = aggregate->doze;

    if (doze->exemplars != NULL) {
        lpi_free(aggregate, doze->exemplars, doze->exemplar_bytes);
        doze->exemplars = NULL;
        doze->exemplar_bytes = 0;
    }
}

void lpi_doze_free(lp_aggregate *aggregate)
{
    lpi_doze *doze = aggregate->doze;

    if (doze != NULL) {
        free_exemplars(aggregate);
        lpi_free(aggregate, doze, doze_bytes(doze->packed_bytes));
        aggregate->doze = NULL;
    }
}

void lpi_doze_try(lp_aggregate *aggregate)
{
    if (aggregate->live != NULL && is_silent(aggregate)) {
        fall_asleep(aggregate);
    }
    if (aggregate->doze == NULL) {
        return;
    }
    lpi_markers_drop_old(aggregate,
                         aggregate->open_s - lpi_tier_keep_s[LP_TIER_MINUTES]);
    if (!TAILQ_EMPTY(&aggregate->tiers[LP_TIER_TENS].frames)) {
        return;
    }
    free_exemplars(aggregate);
    if (TAILQ_EMPTY(&aggregate->tiers[LP_TIER_MINUTES].frames)) {
        lpi_doze_free(aggregate);
    }
}

/* Waking ------------------------------------------------------------------ */

/* What it had, it may have again: its names were within their part of memory. */
static bool wake(lp_aggregate *aggregate)
{
    bool is_awake;

    aggregate->is_waking = true;
    is_awake = lpi_live_make(aggregate);
    if (is_awake && aggregate->doze != NULL &&
        !unpack(aggregate, aggregate->doze)) {
        lpi_live_free(aggregate);
        is_awake = false;
    }
    aggregate->is_waking = false;
    return is_awake;
}

bool lpi_doze_wake(lp_aggregate *aggregate)
{
    if (!wake(aggregate)) {
        return false;
    }
    lpi_doze_free(aggregate);
    return true;
}

bool lpi_look_begin(lpi_look *look, lp_aggregate *aggregate)
{
    look->aggregate = aggregate;
    look->is_of_call = aggregate->live == NULL && aggregate->doze != NULL;
    if (!look->is_of_call) {
        return true;
    }
    aggregate->is_looking = true;
    if (!wake(aggregate)) {
        aggregate->is_looking = false;
        return false;
    }
    return true;
}

void lpi_look_end(const lpi_look *look)
{
    if (look->is_of_call) {
        lpi_live_free(look->aggregate);
        look->aggregate->is_looking = false;
    }
}
