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

/* The first that is short is in the segment itself. */
static bool is_first_room(const lp_segment *segment, size_t size_bytes)
{
    return size_bytes <= LPI_ASIDE_FIRST_BYTES &&
           (segment == NULL || segment->first_aside_bytes == 0);
}

static size_t next_chunk_bytes(const lpi_aside *last, size_t size_bytes)
{
    size_t chunk_bytes = ASIDE_MIN_BYTES;

    if (last != NULL)
        chunk_bytes = last->size_bytes < ASIDE_MAX_BYTES
                          ? last->size_bytes * (size_t)2
                          : ASIDE_MAX_BYTES;
    while (chunk_bytes < sizeof(*last) + size_bytes)
        chunk_bytes *= 2;
    return chunk_bytes;
}

/* For so many bytes, their length included. */
static size_t chunk_need(const lp_segment *segment, size_t size_bytes)
{
    const lpi_aside *chunk = segment != NULL ? segment->asides : NULL;

    if (chunk != NULL && chunk->size_bytes - chunk->used_bytes >= size_bytes)
        return 0;
    return next_chunk_bytes(chunk, size_bytes);
}

size_t lpi_segment_aside_need(const lp_segment *segment, size_t aside_bytes)
{
    size_t size_bytes = aside_bytes + sizeof(uint32_t);

    return is_first_room(segment, size_bytes) ? 0
                                              : chunk_need(segment, size_bytes);
}

/* Under the engine's mutex. */
static void add_kept(lp_engine *engine, unsigned account, uint64_t bytes)
{
    // relaxed: who reads it without the mutex is content with what was.
    atomic_store_explicit(&engine->kept_bytes[account],
                          lp_engine_kept(engine, account) + bytes,
                          memory_order_relaxed);
}

/* Under the engine's mutex. */
static void add_aside(lp_segment *segment, uint32_t bytes)
{
    segment->aside_bytes += bytes;
    for (unsigned i = 0; i < LP_KEEP_ACCOUNTS; i++)
        if (segment->keepers[i] > 0)
            add_kept(segment->engine, i, bytes);
}

static lp_err add_chunk(lp_segment *segment, size_t chunk_bytes)
{
    void *ptr = NULL;
    lpi_aside *chunk;
    lp_err err = lpi_memory_alloc(segment->engine, chunk_bytes, &ptr);

    if (err != LP_OK)
        return err;
    chunk = ptr;
    chunk->next = segment->asides;
    chunk->size_bytes = (uint32_t)chunk_bytes;
    chunk->used_bytes = sizeof(*chunk);
    segment->asides = chunk;
    pthread_mutex_lock(&segment->engine->mutex);
    add_aside(segment, (uint32_t)chunk_bytes);
    pthread_mutex_unlock(&segment->engine->mutex);
    return LP_OK;
}

/* Room for so many bytes: in the segment, in the newest chunk, or in a new one. */
static char *aside_room(lp_segment *segment, uint32_t size_bytes, lp_err *err)
{
    size_t chunk_bytes;
    char *at;

    if (is_first_room(segment, size_bytes)) {
        segment->first_aside_bytes = (uint8_t)size_bytes;
        return segment->first_aside;
    }
    chunk_bytes = chunk_need(segment, size_bytes);
    if (chunk_bytes > 0)
        *err = add_chunk(segment, chunk_bytes);
    if (*err != LP_OK)
        return NULL;
    at = (char *)segment->asides + segment->asides->used_bytes;
    segment->asides->used_bytes += size_bytes;
    return at;
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

bool lpi_pen_has_aside(const lpi_pen *pen, const lp_span part[2])
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

/* Joins an aside's parts behind its length; it is then the last one. */
lp_err lpi_pen_put_aside(lpi_pen *pen, lp_segment *segment,
                         const lp_span part[2])
{
    uint32_t len_bytes = (uint32_t)(part[0].len_bytes + part[1].len_bytes);
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

uint64_t lpi_segment_keep(lp_segment *segment, unsigned account,
                          uint64_t max_bytes)
{
    lp_engine *engine = segment->engine;
    uint16_t *keepers = &segment->keepers[account];
    uint64_t kept_bytes, more_bytes, held_bytes;

    pthread_mutex_lock(&engine->mutex);
    held_bytes = lpi_segment_held_bytes(segment);
    kept_bytes = lp_engine_kept(engine, account);
    more_bytes = *keepers > 0 ? 0 : held_bytes;
    if (*keepers == UINT16_MAX ||
        (kept_bytes > 0 && kept_bytes + more_bytes > max_bytes)) {
        held_bytes = 0;
    } else {
        (*keepers)++;
        add_kept(engine, account, more_bytes);
    }
    pthread_mutex_unlock(&engine->mutex);
    return held_bytes;
}

/* Under the engine's mutex. */
static void unkeep(lp_segment *segment, unsigned account)
{
    assert(segment->keepers[account] > 0);
    if (--segment->keepers[account] == 0)
        add_kept(segment->engine, account, 0 - lpi_segment_held_bytes(segment));
}

void lpi_segment_unkeep(lp_segment *segment, unsigned account)
{
    lp_engine *engine = segment->engine;

    pthread_mutex_lock(&engine->mutex);
    unkeep(segment, account);
    pthread_mutex_unlock(&engine->mutex);
}

bool lpi_segment_move(lp_segment *segment, unsigned from, unsigned to)
{
    lp_engine *engine = segment->engine;
    bool is_full;

    pthread_mutex_lock(&engine->mutex);
    is_full = segment->keepers[to] == UINT16_MAX;
    if (!is_full) {
        if (segment->keepers[to]++ == 0)
            add_kept(engine, to, lpi_segment_held_bytes(segment));
        unkeep(segment, from);
    }
    pthread_mutex_unlock(&engine->mutex);
    return !is_full;
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
    atomic_fetch_sub(&engine->pinned_bytes, lpi_segment_held_bytes(segment));
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
