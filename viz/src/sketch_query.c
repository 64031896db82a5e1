/* sketch_query.c - what a sketch has to say. */
#include <math.h>

#include "sketch_impl.h"

/* From the lowest values to the highest, in steps of values that have no order
 * among each other. */
typedef enum stage {
    STAGE_NEGATIVE_FOLDED = 0,
    STAGE_NEGATIVE = 1,
    STAGE_ZEROS = 2,
    STAGE_POSITIVE_FOLDED = 3,
    STAGE_POSITIVE = 4,
    STAGE_END = 5
} stage;

typedef struct step_walk {
    const lp_sketch *sketch;
    int stage;
    uint32_t at;
} step_walk;

typedef struct walk_step {
    int stage;
    lpi_place place; /* of the folded: the floor, which they are below */
    uint64_t n;
} walk_step;

static bool walk_next(step_walk *walk, walk_step *step)
{
    for (; walk->stage < STAGE_END; walk->stage++, walk->at = 0) {
        int number = walk->stage < STAGE_ZEROS ? 0 : 1;
        const lp_sketch_side *side = &walk->sketch->sides[number];

        step->stage = walk->stage;
        step->place.side = walk->stage == STAGE_ZEROS ? -1 : number;
        if (walk->stage == STAGE_NEGATIVE || walk->stage == STAGE_POSITIVE) {
            if (lpi_side_next(side, &walk->at, &step->place.key, &step->n)) {
                return true;
            }
        } else if (walk->at++ == 0) {
            step->place.key = side->floor;
            step->n =
                walk->stage == STAGE_ZEROS ? walk->sketch->zeros : side->folded;
            if (step->n > 0) {
                return true;
            }
        }
    }
    return false;
}

/* Quantiles --------------------------------------------------------------- */

static uint64_t rank_of(const lp_sketch *sketch, double q)
{
    uint64_t last = sketch->count - 1;
    double rank = q * (double)last;

    // The last one may have been rounded up to what has no room.
    return q >= 1 || rank >= (double)last ? last : (uint64_t)rank;
}

static double clamp(const lp_sketch *sketch, double value)
{
    value = value < sketch->min ? sketch->min : value;
    return value > sketch->max ? sketch->max : value;
}

static bool are_ascending(const double *q, size_t q_count)
{
    double before = 0;

    for (size_t i = 0; i < q_count; i++) {
        if (!(q[i] >= before && q[i] <= 1)) {
            return false;
        }
        before = q[i];
    }
    return true;
}

lp_err lp_sketch_quantiles(const lp_sketch *sketch,
                           const lp_sketch_scale *scale, const double *q,
                           size_t q_count, double *out)
{
    step_walk at = {sketch, 0, 0};
    uint64_t seen = 0;
    walk_step step;

    if (sketch->count == 0 || !are_ascending(q, q_count)) {
        return LP_E_INVALID;
    }
    memset(&step, 0, sizeof(step));
    for (size_t i = 0; i < q_count; i++) {
        uint64_t rank = rank_of(sketch, q[i]);

        if (rank == 0 || rank == sketch->count - 1) {
            out[i] = rank == 0 ? sketch->min : sketch->max;
            continue;
        }
        if (lpi_is_flat(sketch)) {
            out[i] = sketch->min;
            continue;
        }
        while (seen <= rank && walk_next(&at, &step)) {
            seen += step.n;
        }
        out[i] = clamp(sketch, lpi_value_at(scale, step.place));
    }
    return LP_OK;
}

double lp_sketch_sound_from(const lp_sketch *sketch)
{
    const lp_sketch_side *sides = sketch->sides;
    uint64_t unsound = sides[0].folded;
    double q;

    if (sides[1].folded > 0) {
        unsound = lpi_side_count(&sides[0]) + sketch->zeros + sides[1].folded;
    }
    if (unsound == 0 || unsound + 1 >= sketch->count) {
        return unsound == 0 ? 0 : 1;
    }
    q = (double)unsound / (double)(sketch->count - 1);
    while (rank_of(sketch, q) < unsound) {
        q = lpi_double_of(lpi_bits_of(q) + 1); // the next double
    }
    return q;
}

lp_err lp_sketch_sound_quantiles(const lp_sketch *sketch,
                                 const lp_sketch_scale *scale, const double *q,
                                 size_t q_count, double *out)
{
    lp_err err = lp_sketch_quantiles(sketch, scale, q, q_count, out);
    double sound_from = lp_sketch_sound_from(sketch);

    for (size_t i = 0; i < q_count; i++) {
        if (err != LP_OK || q[i] < sound_from) {
            out[i] = (double)NAN;
        }
    }
    return err;
}

/* Above a threshold ------------------------------------------------------- */

static void count_step(const walk_step *step, lpi_place threshold,
                       uint64_t *above, uint64_t *in_doubt)
{
    int order = lpi_place_compare(step->place, threshold);
    bool is_folded = step->stage == STAGE_NEGATIVE_FOLDED ||
                     step->stage == STAGE_POSITIVE_FOLDED;

    if (step->stage == STAGE_ZEROS) {
        *above += order > 0 ? step->n : 0;
    } else if (is_folded && step->place.side == threshold.side) {
        *in_doubt += order > 0 ? step->n : 0;
    } else if (order > 0) {
        *above += step->n;
    } else if (order == 0 && !is_folded) {
        *in_doubt += step->n;
    }
}

uint64_t lp_sketch_count_above(const lp_sketch *sketch,
                               const lp_sketch_scale *scale, double threshold,
                               uint64_t *in_doubt)
{
    step_walk at = {sketch, 0, 0};
    uint64_t above = 0;
    uint64_t doubt = 0;
    walk_step step;

    if (sketch->count > 0 && threshold < sketch->min) {
        above = sketch->count;
    } else if (lpi_is_flat(sketch)) {
        above = sketch->count > 0 && threshold < sketch->max ? 1 : 0;
    } else if (threshold < sketch->max) { // and so it is finite
        lpi_place place = lpi_place_of(scale, threshold);

        while (walk_next(&at, &step)) {
            count_step(&step, place, &above, &doubt);
        }
    }
    if (in_doubt != NULL) {
        *in_doubt = doubt;
    }
    return above;
}
