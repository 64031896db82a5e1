#include "sketch_scale.h"

#include <math.h>

static const double octave_start = 4294967296.0; /* 2^32 */

/* The error of the bucket between two borders, as sketch.h has it. */
static double error_between(uint64_t low, uint64_t high)
{
    double a = octave_start + (double)low;
    double b = octave_start + (double)high;

    return (b - a) / (b + a);
}

/* The larger one of the errors of all buckets. */
static double place_borders(lp_sketch_scale *scale, uint32_t octave_buckets)
{
    double worst = 0;

    scale->octave_buckets = octave_buckets;
    scale->borders[0] = 0;
    for (uint32_t i = 1; i <= octave_buckets; i++) {
        double at = exp2((double)i / octave_buckets) - 1.0;
        double error;

        scale->borders[i] = (uint64_t)llround(at * octave_start);
        error = error_between(scale->borders[i - 1], scale->borders[i]);
        worst = error > worst ? error : worst;
    }
    return worst;
}

/* A cell holds the bucket of its first mantissa, and the last mantissa before
 * the border that runs through it, or the last there is. */
static void fill_cells(lp_sketch_scale *scale, uint64_t cells)
{
    uint64_t cell_width = (UINT64_C(1) << 32) / cells;
    uint64_t bucket = 0;

    for (uint64_t i = 0; i < cells; i++) {
        uint64_t start = i * cell_width;
        uint64_t last_before = UINT32_MAX;

        while (scale->borders[bucket + 1] <= start) {
            bucket++;
        }
        if (scale->borders[bucket + 1] < start + cell_width) {
            last_before = scale->borders[bucket + 1] - 1;
        }
        scale->cells[i] = bucket << 32 | last_before;
    }
}

lp_err lp_sketch_scale_init(lp_sketch_scale *scale, double alpha)
{
    // What rounding of the value that stands for a bucket adds, and more.
    const double slack = 1e-14;
    double octave_buckets;
    uint64_t cells = 1;
    uint32_t shift = 32;

    memset(scale, 0, sizeof(*scale));
    if (!(alpha >= LP_SKETCH_ALPHA_MIN && alpha <= LP_SKETCH_ALPHA_MAX)) {
        return LP_E_INVALID;
    }
    octave_buckets = floor(log(2) / log((1 + alpha) / (1 - alpha)));
    do {
        scale->alpha = place_borders(scale, (uint32_t)octave_buckets++) + slack;
    } while (scale->alpha > alpha);
    // The first bucket of an octave is the narrowest.
    while (cells * scale->borders[1] < UINT64_C(1) << 32) {
        cells *= 2;
        shift--;
    }
    scale->cell_shift = shift;
    fill_cells(scale, cells);
    return LP_OK;
}

double lpi_value_at(const lp_sketch_scale *scale, lpi_place place)
{
    uint32_t end = lpi_keys_end(scale);
    uint32_t key = place.side == 0 ? end - place.key : place.key;
    uint64_t exponent;
    double a, b, value;

    if (place.side < 0) {
        return 0;
    }
    key = key < scale->octave_buckets ? scale->octave_buckets : key;
    key = key >= end ? end - 1 : key;
    exponent = key / scale->octave_buckets;
    a = octave_start + (double)scale->borders[key % scale->octave_buckets];
    b = octave_start + (double)scale->borders[key % scale->octave_buckets + 1];
    // In [1, 2), where nothing overflows; then the exponent is put in.
    value = 2 * (a / octave_start) * (b / (a + b));
    value = lpi_double_of((lpi_bits_of(value) & (UINT64_MAX >> 12)) |
                          exponent << 52);
    return place.side == 0 ? -value : value;
}
