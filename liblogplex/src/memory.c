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
    lpi_pool *pool = &engine->pools[class];
    uint32_t block_bytes = (uint32_t)LPI_BLOCK_MIN_BYTES << class;
    lpi_block *block = pool->blocks;

    if (block == NULL)
        return NULL;
    pool->blocks = block->next;
    pool->held_bytes -= block_bytes;
    engine->pooled_bytes -= block_bytes;
    return block;
}

/* Gives a pooled block back to the allocator; false: there is none. */
static bool pool_drop(lp_engine *engine, unsigned class)
{
    size_t block_bytes = (size_t)LPI_BLOCK_MIN_BYTES << class;
    void *block = pool_pop(engine, class);

    if (block == NULL)
        return false;
    engine->allocator.free(engine->allocator.ctx, block, block_bytes);
    engine->memory_bytes -= block_bytes;
    return true;
}

static unsigned fullest_pool(const lp_engine *engine)
{
    unsigned fullest = 0;

    for (unsigned class = 1; class < LPI_BLOCK_CLASSES; class ++)
        if (engine->pools[class].held_bytes > engine->pools[fullest].held_bytes)
            fullest = class;
    return fullest;
}

/* Keeps a block, if there can be room. What was given back when rings were small
 * must not stay for good in the place of what large ones take and give. */
static bool pool_push(lp_engine *engine, unsigned class, lpi_block *block)
{
    uint32_t block_bytes = (uint32_t)LPI_BLOCK_MIN_BYTES << class;
    lpi_pool *pool = &engine->pools[class];

    while (engine->pooled_bytes + block_bytes > engine->pooled_max_bytes) {
        unsigned fullest = fullest_pool(engine);

        if (fullest == class || !pool_drop(engine, fullest))
            return false;
    }
    block->next = pool->blocks;
    pool->blocks = block;
    pool->held_bytes += block_bytes;
    engine->pooled_bytes += block_bytes;
    return true;
}

/* Gives pooled blocks back to the allocator until size_bytes fit under the
 * ceiling, or none is left. */
static void pool_shrink(lp_engine *engine, uint64_t size_bytes)
{
    for (unsigned class = LPI_BLOCK_CLASSES; class -- > 0;)
        while (engine->memory_bytes + size_bytes > engine->memory_max_bytes &&
               pool_drop(engine, class)) {
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
    bool is_pooled;

    pthread_mutex_lock(&engine->mutex);
    is_pooled = pool_push(engine, class_of(block_bytes), ptr);
    pthread_mutex_unlock(&engine->mutex);
    if (!is_pooled)
        lpi_memory_free(engine, ptr, block_bytes);
}

/* What nobody has right now. */
static uint64_t free_bytes(lp_engine *engine)
{
    uint64_t bytes;

    pthread_mutex_lock(&engine->mutex);
    bytes =
        engine->memory_max_bytes - engine->memory_bytes + engine->pooled_bytes;
    pthread_mutex_unlock(&engine->mutex);
    return bytes;
}

uint64_t lpi_memory_lack(lp_engine *engine, size_t size_bytes)
{
    uint64_t bytes = free_bytes(engine);

    return size_bytes > bytes ? size_bytes - bytes : 0;
}

bool lpi_memory_is_tight(lp_engine *engine)
{
    return free_bytes(engine) <= engine->memory_max_bytes / 8;
}

void lpi_memory_fini(lp_engine *engine)
{
    engine->memory_max_bytes = 0;
    pool_shrink(engine, 0);
}
