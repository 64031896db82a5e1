#include "exemplar.h"

#include "aggregate_impl.h"

unsigned lpi_exemplars_of(const lpi_exemplars *exemplars, uint64_t series_hash,
                          lpi_place place, lp_seq newest_seq,
                          lp_seq out[LPI_EXEMPLAR_WAYS])
{
    uint64_t hash = series_hash ^ lpi_place_hash(place);
    uint32_t tag = (uint32_t)(hash >> 16) | 1;
    unsigned count = 0;

    for (unsigned way = 0; way < LPI_EXEMPLAR_WAYS; way++) {
        const lpi_exemplar *at =
            &exemplars->sets[hash >> (64 - LPI_EXEMPLAR_SET_BITS)][way];

        if (at->tag == tag) {
            out[count++] = newest_seq - (uint32_t)(newest_seq - at->seq);
        }
    }
    return count;
}

/* The newest few ---------------------------------------------------------- */

typedef struct newest {
    lp_seq *out; /* newest first */
    size_t count;
    size_t max;
} newest;

static void offer(newest *list, lp_seq seq)
{
    size_t at = 0;

    while (at < list->count && list->out[at] > seq) {
        at++;
    }
    if (seq == 0 || at == list->max ||
        (at < list->count && list->out[at] == seq)) {
        return;
    }
    list->count += list->count < list->max ? 1 : 0;
    memmove(list->out + at + 1, list->out + at,
            (list->count - at - 1) * sizeof(*list->out));
    list->out[at] = seq;
}

static void offer_of(const lp_aggregate *aggregate, const lpi_series *series,
                     lpi_place place, newest *list)
{
    const lpi_live *live = aggregate->live;
    lp_seq seqs[LPI_EXEMPLAR_WAYS];
    unsigned count = lpi_exemplars_of(live->exemplars, series->hash, place,
                                      live->newest_seq, seqs);

    for (unsigned i = 0; i < count; i++) {
        offer(list, seqs[i]);
    }
}

/* Values of all requests are counted under their status. */
static void offer_of_total(const lp_aggregate *aggregate, lpi_place place,
                           newest *list)
{
    const lpi_table *table = &aggregate->live->table;

    for (uint32_t slot = 0; slot < table->count; slot++) {
        if (table->series[slot].dimension == LP_DIM_STATUS) {
            offer_of(aggregate, &table->series[slot], place, list);
        }
    }
}

/* A line that is known by name comes first, and those of its bucket then. */
static size_t put_first(lp_seq first, newest *list)
{
    size_t at = 0;

    while (at < list->count && list->out[at] != first) {
        at++;
    }
    if (at == list->count) {
        list->count += list->count < list->max ? 1 : 0;
        at = list->count - 1;
    }
    memmove(list->out + 1, list->out, at * sizeof(*list->out));
    list->out[0] = first;
    return list->count;
}

size_t lp_aggregate_exemplars(const lp_aggregate *aggregate,
                              const lp_aggregate_row *row, double value,
                              lp_seq *out, size_t out_max)
{
    newest list = {out, 0, out_max};
    const lpi_series *series;
    lpi_place place;

    if (aggregate->live == NULL || out_max == 0) {
        return 0;
    }
    series = lpi_series_of_row(aggregate, row);
    if (series == NULL) {
        return 0;
    }
    if (series->is_plain || aggregate->live->exemplars == NULL) {
        offer(&list, series->newest[0]);
        offer(&list, series->newest[1]);
    } else {
        place = lpi_place_of(&aggregate->shared->scale, value);
        if (series->dimension == LP_DIM_TOTAL) {
            offer_of_total(aggregate, place, &list);
        } else {
            offer_of(aggregate, series, place, &list);
        }
    }
    if (row->max_seq != 0 && value >= row->max) {
        return put_first(row->max_seq, &list);
    }
    return list.count;
}
