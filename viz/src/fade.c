/*
 * fade.c - all memory of an aggregate, and what goes when it is full.
 *
 *      oldest                                                          newest
 *      coarse coarse coarse core core core core core core full full full full
 *          ^ 4            2 ^------ 5 min ------^         1, 3 ^
 *
 * 1  the oldest full one becomes core, as long as full ones have over half
 * 2  the oldest minutes that are core become one that is coarse
 * 3  the oldest full one becomes core, as long as full ones have over an eighth
 * 4  the oldest one goes, unless it is still to be merged
 * 5  and if that is all that there is, it becomes core, and at last bare
 *
 * The same goes where the memory of all channels is full; but for 4, until a second
 * has waited for some in vain.
 */
#include "aggregate_impl.h"

enum { COARSE_S = 300 };

/* Less detail ------------------------------------------------------------- */

/* Puts one in the place of others, from *first to in front of *end. They have more
 * bytes than it, so that there is room once they are gone, which is then. */
static bool replace(lp_aggregate *aggregate, lpi_tier *tier, lpi_frame *first,
                    const lpi_frame *end, lp_detail detail)
{
    lpi_rows sources[LPI_MERGE_MAX];
    lpi_window window = {.head = {.width_s = 0}};
    lpi_frame *frame = first;
    lpi_frame *merged;
    unsigned count = 0;

    do {
        sources[count].bytes = lpi_frame_rows(frame);
        sources[count].first_seq = frame->first_seq;
        count++;
        lpi_window_extend(&window, frame);
        frame = TAILQ_NEXT(frame, next);
    } while (frame != end);
    window.head.detail = (uint8_t)detail;
    aggregate->is_fading = true;
    merged = lpi_frame_merge(aggregate, &window, sources, count, detail);
    aggregate->is_fading = false;
    if (merged == NULL) {
        return false;
    }
    lpi_tier_put_before(tier, merged, first);
    while (first != end) {
        lpi_frame *gone = first;

        first = TAILQ_NEXT(first, next);
        lpi_tier_remove(tier, gone);
        lpi_frame_free(aggregate, gone);
    }
    return true;
}

/* The oldest frame that has more detail than that becomes one that has not. */
static bool thin(lp_aggregate *aggregate, lpi_tier *tier, lp_detail detail)
{
    lpi_frame *frame;

    TAILQ_FOREACH (frame, &tier->frames, next) {
        if (frame->detail < (uint8_t)detail) {
            return replace(aggregate, tier, frame, TAILQ_NEXT(frame, next),
                           detail);
        }
    }
    return false;
}

static bool is_mostly_full(const lpi_tier *tier, unsigned part)
{
    return tier->full_bytes * part > tier->bytes;
}

/* The oldest minutes of five that are all over and all core become one. */
static bool coarsen(lp_aggregate *aggregate, lpi_tier *tier)
{
    lpi_frame *first = TAILQ_FIRST(&tier->frames);
    lpi_frame *end;
    int64_t slot;

    while (first != NULL && first->detail > LP_DETAIL_CORE) {
        first = TAILQ_NEXT(first, next);
    }
    if (first == NULL || first->detail != LP_DETAIL_CORE) {
        return false;
    }
    slot = lpi_floor_to(first->start_s, COARSE_S);
    for (end = first;
         end != NULL && lpi_floor_to(end->start_s, COARSE_S) == slot;
         end = TAILQ_NEXT(end, next)) {
        if (end->detail != LP_DETAIL_CORE) {
            return false;
        }
    }
    if (end == NULL) {
        return false;
    }
    return replace(aggregate, tier, first, end, LP_DETAIL_COARSE);
}

static bool drop_oldest(lp_aggregate *aggregate, lp_tier number)
{
    lpi_tier *tier = &aggregate->tiers[number];
    lpi_frame *frame = TAILQ_FIRST(&tier->frames);

    if (frame == NULL || aggregate->is_sparing ||
        (frame == tier->pending && number != LP_TIER_MINUTES)) {
        return false;
    }
    aggregate->dropped_until_s[number] = lpi_frame_end(frame);
    lpi_tier_remove(tier, frame);
    lpi_frame_free(aggregate, frame);
    aggregate->frames_dropped++;
    return true;
}

static bool fade_tier(lp_aggregate *aggregate, lp_tier number)
{
    lpi_tier *tier = &aggregate->tiers[number];

    return (is_mostly_full(tier, 2) && thin(aggregate, tier, LP_DETAIL_CORE)) ||
           (number == LP_TIER_MINUTES && coarsen(aggregate, tier)) ||
           (is_mostly_full(tier, 8) && thin(aggregate, tier, LP_DETAIL_CORE)) ||
           drop_oldest(aggregate, number) ||
           thin(aggregate, tier, LP_DETAIL_CORE) ||
           thin(aggregate, tier, LP_DETAIL_BARE);
}

/* Room -------------------------------------------------------------------- */

/* Shares of memory, in parts of 16: where one more has most, less must be. */
static uint64_t weight_of(const lp_aggregate *aggregate, unsigned tier)
{
    static const uint64_t shares[LP_TIERS] = {2, 6, 8};

    return aggregate->tiers[tier].bytes * 16 / shares[tier];
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
        if (fade_tier(aggregate, (lp_tier)most)) {
            return true;
        }
        is_tried[most] = true;
    }
    return false;
}

/* Of what it gives back itself: detail, and after a while frames. Others may be
 * faster, so it does not give all. */
static void *alloc_in_place(lp_aggregate *aggregate, size_t bytes, size_t align)
{
    const lp_allocator *allocator = &aggregate->shared->allocator;
    uint64_t held_bytes = aggregate->held_bytes;
    void *ptr = NULL;

    aggregate->is_sparing = aggregate->hurry_s == 0;
    while (ptr == NULL && held_bytes - aggregate->held_bytes <= 2 * bytes &&
           fade(aggregate)) {
        ptr = allocator->alloc(allocator->ctx, bytes, align);
    }
    aggregate->is_sparing = false;
    return ptr;
}

/* Within bytes_max: frames fade for it. False: that does not do. */
static bool make_room(lp_aggregate *aggregate, size_t bytes)
{
    const lp_aggregates *shared = aggregate->shared;
    uint64_t bytes_max = shared->bytes_max - lpi_home_bytes_max(shared);

    while (!aggregate->is_fading && aggregate->held_bytes + bytes > bytes_max) {
        if (!fade(aggregate)) {
            return false;
        }
    }
    return true;
}

static void *alloc(lp_aggregate *aggregate, size_t bytes, size_t align,
                   bool is_needed)
{
    const lp_aggregates *shared = aggregate->shared;
    void *ptr;

    if (aggregate->is_looking) {
        return shared->scratch.alloc(shared->scratch.ctx, bytes, align);
    }
    if (!make_room(aggregate, bytes)) {
        return NULL;
    }
    ptr = shared->allocator.alloc(shared->allocator.ctx, bytes, align);
    aggregate->was_refused |= ptr == NULL;
    if (ptr == NULL && is_needed) {
        ptr = alloc_in_place(aggregate, bytes, align);
    }
    aggregate->held_bytes += ptr != NULL ? bytes : 0;
    return ptr;
}

void *lpi_alloc(lp_aggregate *aggregate, size_t bytes, size_t align)
{
    return alloc(aggregate, bytes, align, !aggregate->is_fading);
}

void *lpi_alloc_spare(lp_aggregate *aggregate, size_t bytes, size_t align)
{
    return alloc(aggregate, bytes, align, false);
}

void lpi_free(lp_aggregate *aggregate, void *ptr, size_t bytes)
{
    const lp_allocator *allocator = &aggregate->shared->allocator;

    if (aggregate->is_looking) {
        allocator = &aggregate->shared->scratch;
    } else {
        aggregate->held_bytes -= bytes; // which may be in what is freed
    }
    allocator->free(allocator->ctx, ptr, bytes);
}

bool lpi_may_hold(const lp_aggregate *aggregate, size_t more_bytes)
{
    uint64_t bytes = aggregate->held_bytes + more_bytes;

    if (aggregate->is_waking) {
        return true;
    }
    for (unsigned i = 0; i < LP_TIERS; i++) {
        bytes -= aggregate->tiers[i].bytes;
    }
    return bytes <= aggregate->shared->bytes_max / 2;
}
