/* fade.c - all memory of an aggregate, and what goes when it is full. */
#include "aggregate_impl.h"

/* Room -------------------------------------------------------------------- */

static bool drop_oldest(lp_aggregate *aggregate, lp_tier number)
{
    lpi_tier *tier = &aggregate->tiers[number];
    lpi_frame *frame = TAILQ_FIRST(&tier->frames);

    if (frame == NULL ||
        (frame == tier->pending && number != LP_TIER_MINUTES)) {
        return false;
    }
    aggregate->dropped_until_s[number] = lpi_frame_end(frame);
    lpi_tier_remove(tier, frame);
    lpi_frame_free(aggregate, frame);
    aggregate->frames_dropped++;
    return true;
}

/* Shares of memory: a quarter, a quarter, half. */
static uint64_t weight_of(const lp_aggregate *aggregate, unsigned tier)
{
    uint64_t bytes = aggregate->tiers[tier].bytes;

    return tier == LP_TIER_MINUTES ? bytes : bytes * 2;
}

/* Gives memory back, of the tier that has most of what it should. False: there
 * is none to be had. */
static bool fade(lp_aggregate *aggregate)
{
    bool is_tried[LP_TIERS] = {false, false, false};

    for (unsigned turn = 0; turn < LP_TIERS; turn++) {
        unsigned most = LP_TIERS;

        for (unsigned i = 0; i < LP_TIERS; i++) {
            if (!is_tried[i] &&
                (most == LP_TIERS ||
                 weight_of(aggregate, i) > weight_of(aggregate, most))) {
                most = i;
            }
        }
        if (drop_oldest(aggregate, (lp_tier)most)) {
            return true;
        }
        is_tried[most] = true;
    }
    return false;
}

void *lpi_alloc(lp_aggregate *aggregate, size_t bytes, size_t align)
{
    const lp_aggregates *shared = aggregate->shared;
    uint64_t bytes_max = shared->bytes_max - lpi_home_bytes_max(shared);
    void *ptr;

    while (aggregate->held_bytes + bytes > bytes_max) {
        if (!fade(aggregate)) {
            return NULL;
        }
    }
    ptr = shared->allocator.alloc(shared->allocator.ctx, bytes, align);
    aggregate->held_bytes += ptr != NULL ? bytes : 0;
    return ptr;
}

void lpi_free(lp_aggregate *aggregate, void *ptr, size_t bytes)
{
    const lp_allocator *allocator = &aggregate->shared->allocator;

    allocator->free(allocator->ctx, ptr, bytes);
    aggregate->held_bytes -= bytes;
}
