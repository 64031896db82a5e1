#include "exemplar.h"

#include "aggregate_impl.h"

lp_seq lpi_exemplar_of(const lpi_exemplars *exemplars, uint64_t series_hash,
                       lpi_place place, lp_seq newest_seq)
{
    uint64_t hash = series_hash ^ lpi_place_hash(place);
    const lpi_exemplar *at = exemplars->sets[lpi_exemplar_set(hash)];

    for (unsigned way = 0; way < LPI_EXEMPLAR_WAYS; way++) {
        if (at[way].tag == lpi_exemplar_tag(hash)) {
            return newest_seq - (uint32_t)(newest_seq - at[way].seq);
        }
    }
    return 0;
}

/* A list of few, none of them twice --------------------------------------- */

typedef struct choice {
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
    if (seq != 0 && list->count < list->max) {
        list->out[list->count++] = seq;
    }
}

static void offer_bucket(const lp_aggregate *aggregate,
                         const lpi_series *series, lpi_place place,
                         choice *list)
{
    const lpi_live *live = aggregate->live;
    const lpi_table *table = &live->table;

    if (series->dimension != LP_DIM_TOTAL) {
        offer(list, lpi_exemplar_of(live->exemplars, series->hash, place,
                                    live->newest_seq));
        return;
    }
    // Requests are counted under their status.
    for (uint32_t slot = 0; slot < table->count; slot++) {
        if (table->series[slot].dimension == LP_DIM_STATUS) {
            offer(list,
                  lpi_exemplar_of(live->exemplars, table->series[slot].hash,
                                  place, live->newest_seq));
        }
    }
}

size_t lp_aggregate_exemplars(const lp_aggregate *aggregate,
                              const lp_aggregate_row *row, double value,
                              lp_seq *out, size_t out_max)
{
    choice list = {out, 0, out_max};
    const lpi_series *series =
        aggregate->live == NULL ? NULL : lpi_series_of_row(aggregate, row);
    lpi_place place;

    if (series == NULL) {
        return 0;
    }
    if (row->max_seq != 0 && value >= row->max) {
        offer(&list, row->max_seq);
    }
    if (series->is_plain || aggregate->live->exemplars == NULL) {
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
