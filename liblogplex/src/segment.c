/* segment.c - put, publish, hold, let go. */
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
    atomic_init(&segment->published, 0);
    segment->engine = engine;
    segment->base_seq = base_seq;
    segment->block_bytes = block_bytes;
    segment->used_bytes = LPI_SEGMENT_FIRST_OFFSET;
    segment->arrival_max_ns = INT64_MIN;
    *out = segment;
    return LP_OK;
}

/* Finds room for so many bytes, in the newest chunk or a new one. */
static char *aside_room(lp_segment *segment, uint32_t need_bytes, lp_err *err)
{
    lpi_aside *chunk = segment->asides;
    void *ptr = NULL;
    size_t size_bytes = ASIDE_MIN_BYTES;

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

/* Does the last aside say the same? */
static bool is_last_aside(const lp_segment *segment, const lp_span part[2])
{
    const char *last = segment->last_aside;
    uint32_t len_bytes;

    if (last == NULL)
        return false;
    memcpy(&len_bytes, last, sizeof(len_bytes));
    last += sizeof(len_bytes);
    if (len_bytes != part[0].len_bytes + part[1].len_bytes)
        return false;
    if (part[0].len_bytes > 0 &&
        memcmp(last, part[0].ptr, part[0].len_bytes) != 0)
        return false;
    return part[1].len_bytes == 0 ||
           memcmp(last + part[0].len_bytes, part[1].ptr, part[1].len_bytes) ==
               0;
}

/* Joins an aside's parts behind its length. */
static lp_err put_aside(lp_segment *segment, const lp_span part[2],
                        const char **out)
{
    uint32_t len_bytes = (uint32_t)(part[0].len_bytes + part[1].len_bytes);
    lp_err err = LP_OK;
    char *at;

    if (len_bytes == 0) {
        *out = NULL;
        return LP_OK;
    }
    if (!is_last_aside(segment, part)) {
        at = aside_room(segment, len_bytes + (uint32_t)sizeof(len_bytes), &err);
        if (at == NULL)
            return err;
        segment->last_aside = at;
        memcpy(at, &len_bytes, sizeof(len_bytes));
        at += sizeof(len_bytes);
        if (part[0].len_bytes > 0)
            memcpy(at, part[0].ptr, part[0].len_bytes);
        if (part[1].len_bytes > 0)
            memcpy(at + part[0].len_bytes, part[1].ptr, part[1].len_bytes);
    }
    *out = segment->last_aside;
    return LP_OK;
}

lp_err lpi_segment_put(lp_segment *segment, const lp_line *line,
                       size_t line_bytes)
{
    char *at = (char *)segment + segment->used_bytes;
    lpi_slot *slot =
        (lpi_slot *)(void *)((char *)segment + segment->block_bytes) -
        (segment->line_count + 1);
    lp_err err = put_aside(segment, line->aside, &slot->aside);

    if (err != LP_OK)
        return err;
    for (uint32_t i = 0; i < line->part_count; i++) {
        if (line->parts[i].len_bytes == 0)
            continue;
        memcpy(at, line->parts[i].ptr, line->parts[i].len_bytes);
        at += line->parts[i].len_bytes;
    }
    segment->used_bytes += (uint32_t)line_bytes;
    slot->arrival_ns = line->arrival_ns;
    slot->end_offset = segment->used_bytes;
    slot->marks = line->marks;
    segment->line_count++;
    if (line->arrival_ns > segment->arrival_max_ns)
        segment->arrival_max_ns = line->arrival_ns;
    return LP_OK;
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
