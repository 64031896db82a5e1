/* segment.c - write, settle, seal; hold, let go. */
#include "segment.h"

#include <assert.h>

#include "engine.h"

/* A chunk of bytes beside the block. */
struct lpi_aside {
    lpi_aside *next;
    uint32_t size_bytes; /* of all of it */
    uint32_t used_bytes;
};

enum { ASIDE_MIN_BYTES = 256, ASIDE_MAX_BYTES = 4096 };

lp_err lpi_segment_create(lp_engine *engine, uint32_t block_bytes,
                          lp_seq base_seq, lp_segment **out)
{
    lp_segment *segment;
    void *block = NULL;
    lp_err err = lpi_memory_take_block(engine, block_bytes, &block);

    if (err != LP_OK)
        return err;
    segment = block;
    memset(segment, 0, sizeof(*segment));
    atomic_init(&segment->refs, 1);
    atomic_init(&segment->published, LPI_SEGMENT_OPEN);
    segment->engine = engine;
    segment->base_seq = base_seq;
    segment->block_bytes = block_bytes;
    segment->used_bytes = LPI_SEGMENT_FIRST_OFFSET;
    segment->arrival_max_ns = INT64_MIN;
    *out = segment;
    return LP_OK;
}

/* Finds room for so many bytes, in the segment itself for the first that is
 * short, else in the newest chunk or a new one. */
static char *aside_room(lp_segment *segment, uint32_t need_bytes, lp_err *err)
{
    lpi_aside *chunk = segment->asides;
    void *ptr = NULL;
    size_t size_bytes = ASIDE_MIN_BYTES;

    if (segment->first_aside_bytes == 0 &&
        need_bytes <= sizeof(segment->first_aside)) {
        segment->first_aside_bytes = need_bytes;
        return segment->first_aside;
    }
    if (chunk == NULL || chunk->size_bytes - chunk->used_bytes < need_bytes) {
        if (chunk != NULL && chunk->size_bytes < ASIDE_MAX_BYTES)
            size_bytes = chunk->size_bytes * (size_t)2;
        while (size_bytes < sizeof(*chunk) + need_bytes)
            size_bytes *= 2;
        *err = lpi_memory_alloc(segment->engine, size_bytes, &ptr);
        if (*err != LP_OK)
            return NULL;
        chunk = ptr;
        chunk->next = segment->asides;
        chunk->size_bytes = (uint32_t)size_bytes;
        chunk->used_bytes = sizeof(*chunk);
        segment->asides = chunk;
    }
    ptr = (char *)chunk + chunk->used_bytes;
    chunk->used_bytes += need_bytes;
    return ptr;
}

/* Of what stands aside, few parts are longer than this: a call costs more. */
static inline bool is_same(const char *a, lp_span part)
{
    const char *b = part.ptr;
    size_t len_bytes = part.len_bytes;

    if (len_bytes >= 8)
        return memcmp(a, b, len_bytes) == 0;
    if (len_bytes >= 4)
        return memcmp(a, b, 4) == 0 &&
               memcmp(a + len_bytes - 4, b + len_bytes - 4, 4) == 0;
    for (size_t i = 0; i < len_bytes; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

/* Does the last aside say the same? */
static bool is_last_aside(const lpi_pen *pen, const lp_span part[2])
{
    const char *last = pen->aside_copy;
    size_t first_bytes = part[0].len_bytes;

    if (pen->aside == NULL ||
        pen->aside_bytes != first_bytes + part[1].len_bytes)
        return false;
    if (pen->aside_bytes > LPI_ASIDE_COPY_BYTES)
        last = pen->aside + sizeof(pen->aside_bytes);
    return is_same(last, part[0]) && is_same(last + first_bytes, part[1]);
}

static void join(char *at, const lp_span part[2])
{
    if (part[0].len_bytes > 0)
        memcpy(at, part[0].ptr, part[0].len_bytes);
    if (part[1].len_bytes > 0)
        memcpy(at + part[0].len_bytes, part[1].ptr, part[1].len_bytes);
}

/* Joins an aside's parts behind its length; it is then the last one. Few lines have
 * one of their own, so it is kept out of the way of the others. */
__attribute__((noinline)) static lp_err put_aside(lpi_pen *pen,
                                                  lp_segment *segment,
                                                  const lp_span part[2],
                                                  uint32_t len_bytes)
{
    lp_err err = LP_OK;
    char *at =
        aside_room(segment, len_bytes + (uint32_t)sizeof(len_bytes), &err);

    if (at == NULL)
        return err;
    memcpy(at, &len_bytes, sizeof(len_bytes));
    join(at + sizeof(len_bytes), part);
    pen->aside = at;
    pen->aside_bytes = len_bytes;
    if (len_bytes <= LPI_ASIDE_COPY_BYTES)
        join(pen->aside_copy, part);
    return LP_OK;
}

void lpi_pen_begin(lpi_pen *pen, lp_segment *segment)
{
    lpi_slot *end =
        (lpi_slot *)(void *)((char *)segment + segment->block_bytes);

    // relaxed: only lp_channel_prefetch() looks without the mutex, for a hint.
    atomic_store_explicit(&pen->at, (char *)segment + LPI_SEGMENT_FIRST_OFFSET,
                          memory_order_relaxed);
    atomic_store_explicit(&pen->slot, end - 1, memory_order_relaxed);
    pen->arrival_max_ns = INT64_MIN;
    pen->aside = NULL;
}

lp_err lpi_pen_put_aside(lpi_pen *pen, lp_segment *segment,
                         const lp_span part[2])
{
    if (is_last_aside(pen, part))
        return LP_OK;
    return put_aside(pen, segment, part,
                     (uint32_t)(part[0].len_bytes + part[1].len_bytes));
}

void lpi_pen_settle(const lpi_pen *pen, lp_segment *segment)
{
    const char *at = atomic_load_explicit(&pen->at, memory_order_relaxed);
    const char *slot =
        (char *)atomic_load_explicit(&pen->slot, memory_order_relaxed);
    const char *end = (char *)segment + segment->block_bytes;

    segment->used_bytes = (uint32_t)(at - (char *)segment);
    segment->line_count =
        (uint32_t)((size_t)(end - slot) / sizeof(lpi_slot) - 1);
    segment->arrival_max_ns = pen->arrival_max_ns;
}

void lpi_pen_seal(const lpi_pen *pen, lp_segment *segment)
{
    lpi_pen_settle(pen, segment);
    // release: pairs with the acquire of whoever asks how many lines it may
    // read. It comes before any next_seq that counts lines of a later segment.
    atomic_store_explicit(&segment->published, segment->line_count,
                          memory_order_release);
}

void lpi_segment_ref(lp_segment *segment)
{
    uint32_t before =
        atomic_fetch_add_explicit(&segment->refs, 1, memory_order_relaxed);

    // relaxed: whoever refs has a reference, or the mutex of a ring that has.
    assert(before > 0);
}

static void destroy(lp_segment *segment)
{
    lp_engine *engine = segment->engine;
    lpi_aside *chunk;

    while ((chunk = segment->asides) != NULL) {
        segment->asides = chunk->next;
        lpi_memory_free(engine, chunk, chunk->size_bytes);
    }
    atomic_fetch_sub(&engine->pinned_bytes, segment->block_bytes);
    lpi_memory_give_block(engine, segment, segment->block_bytes);
}

void lpi_segment_unref(lp_segment *segment)
{
    uint32_t before;

    // acq_rel: the last one out must see what all the others did with it.
    before = atomic_fetch_sub_explicit(&segment->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        destroy(segment);
}
