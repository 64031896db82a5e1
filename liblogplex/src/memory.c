/* memory.c - all memory of an engine, under its one ceiling. */
#include "engine.h"

#include <assert.h>

static unsigned class_of(uint32_t block_bytes)
{
    unsigned class = 0;

    while (((uint32_t)LPI_BLOCK_MIN_BYTES << class) < block_bytes)
        class ++;
    assert(class < LPI_BLOCK_CLASSES);
    assert(((uint32_t)LPI_BLOCK_MIN_BYTES << class) == block_bytes);
    return class;
}

static void *pool_pop(lp_engine *engine, unsigned class)
{
    lpi_block *block = engine->pool[class];

    if (block == NULL)
        return NULL;
    engine->pool[class] = block->next;
    engine->pooled_bytes -= (uint64_t)LPI_BLOCK_MIN_BYTES << class;
    return block;
}

/* Gives pooled blocks back to the allocator until size_bytes fit under the
 * ceiling, or none is left. */
static void pool_shrink(lp_engine *engine, uint64_t size_bytes)
{
    for (unsigned class = LPI_BLOCK_CLASSES; class -- > 0;) {
        size_t block_bytes = (size_t)LPI_BLOCK_MIN_BYTES << class;
        void *block;

        while (engine->memory_bytes + size_bytes > engine->memory_max_bytes &&
               (block = pool_pop(engine, class)) != NULL) {
            engine->allocator.free(engine->allocator.ctx, block, block_bytes);
            engine->memory_bytes -= block_bytes;
        }
    }
}

/* Counts size_bytes in, before they are there. */
static bool reserve(lp_engine *engine, uint64_t size_bytes)
{
    if (engine->memory_bytes + size_bytes > engine->memory_max_bytes)
        pool_shrink(engine, size_bytes);
    if (engine->memory_bytes + size_bytes > engine->memory_max_bytes)
        return false;
    engine->memory_bytes += size_bytes;
    return true;
}

static void unreserve(lp_engine *engine, uint64_t size_bytes)
{
    pthread_mutex_lock(&engine->mutex);
    assert(engine->memory_bytes >= size_bytes);
    engine->memory_bytes -= size_bytes;
    pthread_mutex_unlock(&engine->mutex);
}

/* The allocator is called without the lock: it may take its time. */
static lp_err allocate_reserved(lp_engine *engine, size_t size_bytes,
                                void **out)
{
    void *ptr = engine->allocator.alloc(engine->allocator.ctx, size_bytes,
                                        LPI_ALIGN_BYTES);

    if (ptr == NULL) {
        unreserve(engine, size_bytes);
        return LP_E_NOMEM;
    }
    *out = ptr;
    return LP_OK;
}

lp_err lpi_memory_alloc(lp_engine *engine, size_t size_bytes, void **out)
{
    bool has_room;

    pthread_mutex_lock(&engine->mutex);
    has_room = reserve(engine, size_bytes);
    pthread_mutex_unlock(&engine->mutex);
    if (!has_room)
        return LP_E_FULL;
    return allocate_reserved(engine, size_bytes, out);
}

void lpi_memory_free(lp_engine *engine, void *ptr, size_t size_bytes)
{
    engine->allocator.free(engine->allocator.ctx, ptr, size_bytes);
    unreserve(engine, size_bytes);
}

lp_err lpi_memory_begin_loan(lp_engine *engine, size_t size_bytes)
{
    uint64_t max_bytes = engine->memory_max_bytes / 2;
    bool may_have;

    pthread_mutex_lock(&engine->mutex);
    may_have = size_bytes <= max_bytes &&
               engine->borrowed_bytes <= max_bytes - size_bytes;
    if (may_have)
        engine->borrowed_bytes += size_bytes;
    else
        engine->borrow_refusals++;
    pthread_mutex_unlock(&engine->mutex);
    return may_have ? LP_OK : LP_E_FULL;
}

void lpi_memory_end_loan(lp_engine *engine, size_t size_bytes, bool is_refused)
{
    pthread_mutex_lock(&engine->mutex);
    assert(engine->borrowed_bytes >= size_bytes);
    engine->borrowed_bytes -= size_bytes;
    engine->borrow_refusals += is_refused;
    pthread_mutex_unlock(&engine->mutex);
}

lp_err lpi_memory_take_block(lp_engine *engine, uint32_t block_bytes,
                             void **out)
{
    bool has_room = true;
    void *block;

    pthread_mutex_lock(&engine->mutex);
    block = pool_pop(engine, class_of(block_bytes));
    if (block == NULL)
        has_room = reserve(engine, block_bytes);
    pthread_mutex_unlock(&engine->mutex);
    if (block != NULL) {
        *out = block;
        return LP_OK;
    }
    if (!has_room)
        return LP_E_FULL;
    return allocate_reserved(engine, block_bytes, out);
}

void lpi_memory_give_block(lp_engine *engine, void *ptr, uint32_t block_bytes)
{
    lpi_block *block = ptr;
    unsigned class = class_of(block_bytes);
    bool is_pooled;

    pthread_mutex_lock(&engine->mutex);
    is_pooled = engine->pooled_bytes + block_bytes <= engine->pooled_max_bytes;
    if (is_pooled) {
        block->next = engine->pool[class];
        engine->pool[class] = block;
        engine->pooled_bytes += block_bytes;
    }
    pthread_mutex_unlock(&engine->mutex);
    if (!is_pooled)
        lpi_memory_free(engine, ptr, block_bytes);
}

void lpi_memory_fini(lp_engine *engine)
{
    engine->memory_max_bytes = 0;
    pool_shrink(engine, 0);
}
