#include "exemplar.h"

#include "aggregate_impl.h"
#include "process.h"

/* Of all memory. */
enum { PART_OF_BYTES = 32 };

void lpi_exemplars_make(lp_aggregate *aggregate)
{
    lpi_exemplars *exemplars = &aggregate->live->exemplars;
    uint64_t room = aggregate->shared->bytes_max / PART_OF_BYTES;
    uint32_t too_old =
        (uint32_t)aggregate->live->newest_seq - LPI_EXEMPLAR_KEPT_LINES;
    uint32_t count = LPI_EXEMPLARS_MAX;
    uint32_t bytes;

    while (count * sizeof(uint64_t) > room) {
        count /= 2;
    }
    bytes = count * (uint32_t)sizeof(uint64_t);
    if (aggregate->hurry_s > 0 || !lpi_may_hold(aggregate, bytes)) {
        return;
    }
    exemplars->list = lpi_alloc_spare(aggregate, bytes, LPI_CACHE_LINE_BYTES);
    if (exemplars->list != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            exemplars->list[i] = too_old;
        }
        exemplars->bytes = bytes;
        exemplars->group_mask = count / LPI_EXEMPLAR_GROUP - 1;
    }
}

void lpi_exemplars_settle(lpi_exemplars *exemplars)
{
    for (uint32_t i = 0; i < exemplars->waiting_count; i++) {
        lpi_exemplar_settle(exemplars->waiting[i]);
    }
    exemplars->waiting_count = 0;
}

void lpi_exemplars_clear(lp_aggregate *aggregate)
{
    lpi_exemplars *exemplars = &aggregate->live->exemplars;

    if (exemplars->list != NULL) {
        lpi_free(aggregate, exemplars->list, exemplars->bytes);
        exemplars->list = NULL;
        exemplars->waiting_count = 0;
    }
}

/* As bytes ---------------------------------------------------------------- */

void lpi_exemplars_pack(const lpi_exemplars *exemplars, lp_seq newest_seq,
                        lpi_writer *w)
{
    uint32_t count = exemplars->bytes / (uint32_t)sizeof(*exemplars->list);
    uint32_t before = 0;

    for (uint32_t i = 0; exemplars->list != NULL && i < count; i++) {
        uint64_t entry = exemplars->list[i];

        if (entry >> 32 != 0) {
            lpi_put_varint(w, i - before);
            lpi_put_varint(w, entry >> 32);
            lpi_put_varint(w, (uint32_t)(newest_seq - entry));
            before = i;
        }
    }
}

void lpi_exemplars_unpack(lp_aggregate *aggregate, lp_span packed)
{
    lpi_exemplars *exemplars = &aggregate->live->exemplars;
    lpi_reader r = {packed, false};
    uint64_t at = 0;

    lpi_exemplars_make(aggregate);
    while (exemplars->list != NULL && r.rest.len_bytes > 0) {
        uint64_t tag;

        at += lpi_get_varint(&r);
        tag = lpi_get_varint(&r);
        exemplars->list[at] =
            tag << 32 |
            (uint32_t)(aggregate->live->newest_seq - lpi_get_varint(&r));
    }
}

lp_seq lpi_exemplar_of(const lpi_exemplars *exemplars, uint32_t series_hash,
                       lpi_place place, lp_seq newest_seq)
{
    lpi_exemplar_place where = lpi_exemplar_place_of(exemplars, place);
    uint64_t hash = lpi_exemplar_hash(series_hash, where.hash);
    uint64_t at =
        where.group == NULL ? 0 : where.group[lpi_exemplar_in_group(hash)];

    return at >> 32 == lpi_exemplar_tag(hash)
               ? newest_seq - (uint32_t)(newest_seq - at)
               : 0;
}

/* A list of few, none of them twice --------------------------------------- */

typedef struct choice {
    const lp_aggregate_window *window;
    lp_seq *out;
    size_t count;
    size_t max;
} choice;

static void offer(choice *list, lp_seq seq)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->out[i] == seq) {
            return;
        }
    }
    if (seq >= list->window->first_seq && seq < list->window->end_seq &&
        list->count < list->max) {
        list->out[list->count++] = seq;
    }
}

/* A response is counted once in a series of each of these. */
static bool is_of_responses(const lpi_series *series)
{
    return series->dimension == LP_DIM_STATUS ||
           series->dimension == LP_DIM_PROCESS ||
           series->dimension == LP_DIM_ROUTE;
}

static void offer_bucket(const lp_aggregate *aggregate,
                         const lpi_series *series, lpi_place place,
                         choice *list)
{
    const lpi_live *live = aggregate->live;
    const lpi_table *table = &live->table;

    if (series->dimension != LP_DIM_TOTAL) {
        offer(list, lpi_exemplar_of(&live->exemplars, series->hash, place,
                                    live->newest_seq));
        return;
    }
    // What one of them had to give up another may still have.
    for (uint32_t slot = 0; slot < table->count; slot++) {
        if (is_of_responses(&table->series[slot])) {
            offer(list,
                  lpi_exemplar_of(&live->exemplars, table->series[slot].hash,
                                  place, live->newest_seq));
        }
    }
}

size_t lp_aggregate_exemplars(const lp_aggregate *aggregate,
                              const lp_aggregate_window *window,
                              const lp_aggregate_row *row, double value,
                              lp_seq *out, size_t out_max)
{
    choice list = {window, out, 0, out_max};
    const lpi_series *series =
        aggregate->live == NULL ? NULL : lpi_series_of_row(aggregate, row);
    lpi_place place;

    if (lpi_is_part(row)) {
        offer(&list, row->newest[0]);
        offer(&list, row->newest[1]);
        return list.count;
    }
    if (series == NULL) {
        return 0;
    }
    if (row->max_seq != 0 && value >= row->max) {
        offer(&list, row->max_seq);
    }
    if (series->is_plain || aggregate->live->exemplars.list == NULL) {
        offer(&list, series->newest[0]);
        offer(&list, series->newest[1]);
        return list.count;
    }
    place = lpi_place_of(&aggregate->shared->scale, value);
    offer_bucket(aggregate, series, place, &list);
    if (place.side >= 0) {
        place.key++;
        offer_bucket(aggregate, series, place, &list);
        place.key -= 2;
        offer_bucket(aggregate, series, place, &list);
    }
    return list.count;
}
