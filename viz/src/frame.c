#include "frame.h"

#include <assert.h>

#include "aggregate_impl.h"

/* Frames ------------------------------------------------------------------ */

enum { CLASSES_BYTES_MAX = LP_STATUS_CLASSES * 10 + 1 };

/* Which of them there are, a bit each, and how many of each; nothing when there are
 * none. */
static size_t put_classes(const uint64_t classes[LP_STATUS_CLASSES],
                          char out[CLASSES_BYTES_MAX])
{
    lpi_writer w = {out, CLASSES_BYTES_MAX, 1};
    unsigned which = 0;

    for (unsigned i = 0; i < LP_STATUS_CLASSES; i++) {
        if (classes[i] > 0) {
            which |= 1U << i;
            lpi_put_varint(&w, classes[i]);
        }
    }
    out[0] = (char)which;
    return which == 0 ? 0 : w.length;
}

static void add_classes(uint64_t into[LP_STATUS_CLASSES], const lpi_frame *from)
{
    const char *bytes = (const char *)(from + 1);
    lpi_reader r = {lp_span_of(bytes, from->class_bytes), false};
    unsigned which;

    if (from->class_bytes == 0) {
        return;
    }
    which = (unsigned char)bytes[0];
    r.rest = lp_span_skip(r.rest, 1);
    for (unsigned i = 0; i < LP_STATUS_CLASSES; i++) {
        into[i] += (which >> i & 1) != 0 ? lpi_get_varint(&r) : 0;
    }
    assert(!r.is_bad);
}

void lpi_frame_begin(lpi_frame *frame, int64_t start_s, int64_t earliest_s)
{
    int64_t late_s = start_s > earliest_s ? start_s - earliest_s : 0;

    frame->start_s = start_s;
    frame->late_s = (uint16_t)(late_s < UINT16_MAX ? late_s : UINT16_MAX);
}

void lpi_window_extend(lpi_window *into_window, const lpi_frame *from)
{
    lpi_frame *into = &into_window->head;
    uint64_t lines = (uint64_t)into->lines + from->lines;

    if (into->width_s == 0) {
        lpi_frame_begin(into, from->start_s, lpi_frame_earliest(from));
    } else if (lpi_frame_earliest(from) < lpi_frame_earliest(into)) {
        lpi_frame_begin(into, into->start_s, lpi_frame_earliest(from));
    }
    into->width_s = (uint32_t)(lpi_frame_end(from) - into->start_s);
    if (into->first_seq == 0) {
        into->first_seq = from->first_seq;
    }
    into->end_seq = from->end_seq > 0 ? from->end_seq : into->end_seq;
    into->lost_lines += from->lost_lines;
    into->lines = lines < UINT32_MAX ? (uint32_t)lines : UINT32_MAX;
    into->detail = from->detail > into->detail ? from->detail : into->detail;
    add_classes(into_window->classes, from);
}

lpi_frame *lpi_frame_of_rows(lp_aggregate *aggregate, const lpi_window *window,
                             lp_span rows)
{
    char classes[CLASSES_BYTES_MAX];
    size_t class_bytes = put_classes(window->classes, classes);
    lpi_frame *frame =
        lpi_alloc(aggregate, lpi_frame_bytes_for(class_bytes + rows.len_bytes),
                  _Alignof(lpi_frame));

    if (frame == NULL) {
        return NULL;
    }
    *frame = window->head;
    frame->class_bytes = (uint8_t)class_bytes;
    frame->row_bytes = (uint32_t)rows.len_bytes;
    memcpy(frame + 1, classes, class_bytes);
    if (rows.len_bytes > 0) {
        memcpy((char *)(frame + 1) + class_bytes, rows.ptr, rows.len_bytes);
    }
    return frame;
}

void lpi_frame_free(lp_aggregate *aggregate, lpi_frame *frame)
{
    lpi_free(aggregate, frame, lpi_frame_bytes(frame));
}

/* Tiers ------------------------------------------------------------------- */

static void account(lpi_tier *tier, const lpi_frame *frame, int sign)
{
    uint64_t bytes = lpi_frame_bytes(frame);

    bytes = sign < 0 ? -bytes : bytes;
    tier->bytes += bytes;
    tier->full_bytes += frame->detail == LP_DETAIL_FULL ? bytes : 0;
}

void lpi_tier_push(lpi_tier *tier, lpi_frame *frame)
{
    TAILQ_INSERT_TAIL(&tier->frames, frame, next);
    if (tier->pending == NULL) {
        tier->pending = frame;
    }
    account(tier, frame, 1);
}

void lpi_tier_put_before(lpi_tier *tier, lpi_frame *frame, lpi_frame *at)
{
    TAILQ_INSERT_BEFORE(at, frame, next);
    if (tier->pending == at) {
        tier->pending = frame;
    }
    account(tier, frame, 1);
}

void lpi_tier_remove(lpi_tier *tier, lpi_frame *frame)
{
    if (tier->pending == frame) {
        tier->pending = TAILQ_NEXT(frame, next);
    }
    TAILQ_REMOVE(&tier->frames, frame, next);
    account(tier, frame, -1);
}

/* Merging rows ------------------------------------------------------------ */

enum { DROPPED = LPI_FIXED_COUNT, ITSELF = LPI_FIXED_COUNT + 1 };

/* The fixed row that a row goes to when detail is as asked for, DROPPED, or
 * ITSELF. */
static unsigned target_of(uint64_t id, lp_detail detail)
{
    unsigned dimension = lpi_id_dimension(id);
    bool is_lines = dimension == LP_DIM_LINES;

    if (detail != LP_DETAIL_FULL && !lpi_id_is_core(id) && !is_lines) {
        return DROPPED;
    }
    if (lpi_id_is_fixed(id) || detail == LP_DETAIL_BARE ||
        (detail != LP_DETAIL_FULL && is_lines)) {
        return lpi_fixed_of(dimension, lpi_id_is_core(id));
    }
    return ITSELF;
}

static bool is_plain_at(uint64_t id, lp_detail detail)
{
    return detail == LP_DETAIL_BARE ||
           (detail != LP_DETAIL_FULL && lpi_id_dimension(id) != LP_DIM_TOTAL);
}

/* The rows of a source that are still to come. */
typedef struct row_walk {
    lp_span rest;
    lp_seq first_seq;
    lpi_row row;
    bool is_over;
} row_walk;

static void walk_next(row_walk *walk)
{
    walk->is_over = !lpi_row_next(&walk->rest, walk->first_seq, &walk->row);
}

typedef struct merging {
    lp_sketch_home home;
    lp_detail detail;
    lp_seq first_seq;
    lpi_writer *w;
    uint64_t before_id;
} merging;

static void put(merging *m, uint64_t id, lpi_tally *tally)
{
    if (lpi_tally_count(tally) > 0) {
        lpi_tally_write(m->w, tally, &m->home, id, m->before_id, m->first_seq);
        m->before_id = id;
    }
    lpi_tally_reset(tally, &m->home);
}

/* What goes to the fixed rows, of all sources; they come first. */
static void merge_fixed(merging *m, const lpi_rows *sources, unsigned count)
{
    lpi_tally tallies[LPI_FIXED_COUNT];

    memset(tallies, 0, sizeof(tallies));
    for (unsigned i = 0; i < count; i++) {
        lp_span rest = sources[i].bytes;
        lpi_row row = {.id = 0};

        while (lpi_row_next(&rest, sources[i].first_seq, &row)) {
            unsigned target = target_of(row.id, m->detail);

            if (target < LPI_FIXED_COUNT) {
                lpi_tally_merge_row(&tallies[target], &m->home, &row,
                                    is_plain_at(row.id, m->detail));
            } else if (m->detail == LP_DETAIL_FULL) {
                break; // all others are named
            }
        }
    }
    for (unsigned i = 0; i < LPI_FIXED_COUNT; i++) {
        put(m, lpi_fixed_id((lpi_fixed)i), &tallies[i]);
        lpi_tally_clear(&tallies[i], &m->home);
    }
}

static void walk_to_named(row_walk *walk, lp_detail detail)
{
    do {
        walk_next(walk);
    } while (!walk->is_over && target_of(walk->row.id, detail) != ITSELF);
}

static void merge_named(merging *m, const lpi_rows *sources, unsigned count)
{
    row_walk walks[LPI_MERGE_MAX];
    lpi_tally tally = {.is_plain = false};

    assert(count <= LPI_MERGE_MAX);
    memset(walks, 0, sizeof(walks));
    for (unsigned i = 0; i < count; i++) {
        walks[i].rest = sources[i].bytes;
        walks[i].first_seq = sources[i].first_seq;
        walk_to_named(&walks[i], m->detail);
    }
    for (;;) {
        uint64_t id = UINT64_MAX;

        for (unsigned i = 0; i < count; i++) {
            if (!walks[i].is_over && walks[i].row.id < id) {
                id = walks[i].row.id;
            }
        }
        if (id == UINT64_MAX) {
            break;
        }
        for (unsigned i = 0; i < count; i++) {
            if (!walks[i].is_over && walks[i].row.id == id) {
                lpi_tally_merge_row(&tally, &m->home, &walks[i].row,
                                    is_plain_at(id, m->detail));
                walk_to_named(&walks[i], m->detail);
            }
        }
        put(m, id, &tally);
    }
    lpi_tally_clear(&tally, &m->home);
}

void lpi_rows_merge(const lp_aggregate *aggregate, const lpi_rows *sources,
                    unsigned count, lp_detail detail, lp_seq first_seq,
                    lpi_writer *w)
{
    merging m = {.detail = detail, .first_seq = first_seq, .w = w};
    lp_err err =
        lp_sketch_home_init(&m.home, &aggregate->shared->scale,
                            &aggregate->shared->scratch, UINT64_MAX, 0);

    assert(err == LP_OK);
    (void)err;
    merge_fixed(&m, sources, count);
    if (detail != LP_DETAIL_BARE) {
        merge_named(&m, sources, count);
    }
    assert(m.home.bytes == 0);
}

/* The same into memory of their own, as what they are made of may fade when there
 * is to be room for the frame. */
static lpi_frame *merge_many(lp_aggregate *aggregate, const lpi_window *window,
                             const lpi_rows *sources, unsigned count,
                             lp_detail detail, size_t bytes)
{
    const lp_allocator *allocator = &aggregate->shared->scratch;
    lpi_writer w = {allocator->alloc(allocator->ctx, bytes, 1), bytes, 0};
    lpi_frame *frame = NULL;

    if (w.out == NULL) {
        return NULL;
    }
    lpi_rows_merge(aggregate, sources, count, detail, window->head.first_seq,
                   &w);
    // Sketches that got no memory now are not what they were a moment ago.
    if (w.length <= bytes) {
        frame =
            lpi_frame_of_rows(aggregate, window, lp_span_of(w.out, w.length));
    }
    allocator->free(allocator->ctx, w.out, bytes);
    return frame;
}

lpi_frame *lpi_frame_merge(lp_aggregate *aggregate, const lpi_window *window,
                           const lpi_rows *sources, unsigned count,
                           lp_detail detail)
{
    char bytes[LPI_ROWS_BYTES];
    lpi_writer w = {bytes, sizeof(bytes), 0};

    lpi_rows_merge(aggregate, sources, count, detail, window->head.first_seq,
                   &w);
    if (w.length > sizeof(bytes)) {
        return merge_many(aggregate, window, sources, count, detail, w.length);
    }
    return lpi_frame_of_rows(aggregate, window, lp_span_of(bytes, w.length));
}
