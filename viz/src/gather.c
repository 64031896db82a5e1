#include "gather.h"

static bool has_counters(const lpi_tally *open)
{
    const lpi_block *block = open->values.sides[1].block;

    return block != NULL && block->form != LPI_FORM_LIST &&
           !lpi_is_flat(&open->values);
}

void lpi_gather_open(lpi_gather *gather, const lpi_series *series)
{
    const lpi_tally *open = &series->open;

    memset(gather, 0, sizeof(*gather));
    gather->block = open->values.sides[1].block;
    gather->series_hash = series->hash;
    gather->min = UINT32_MAX;
    // One that has nothing yet would not be in the frame of this second.
    gather->is_open =
        lpi_tally_count(open) > 0 && (series->is_plain || has_counters(open));
}

/* Each value by itself would have made the same of it, which had some before. */
void lpi_gather_close(lpi_gather *gather, lpi_series *series)
{
    lp_sketch *values = &series->open.values;
    double min = gather->min;
    double max = gather->max;

    gather->is_open = false;
    if (gather->count == 0) {
        return;
    }
    if (max > values->max) {
        values->max = max;
        series->open.max_seq = gather->max_seq;
    }
    values->min = min < values->min ? min : values->min;
    values->count += gather->count;
    values->zeros += gather->zeros;
    lpi_sum_add(values, (double)gather->sum);
    series->newest[1] =
        gather->count > 1 ? gather->newest[1] : series->newest[0];
    series->newest[0] = gather->newest[0];
    series->last = gather->last;
}
