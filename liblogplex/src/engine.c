/* engine.c - the root, the registry of channels, and the ledger. */
#include "engine.h"

#include <assert.h>
#include <stdlib.h>

#include "channel.h"
#include "versioned.h"

#define MEMORY_MAX_DEFAULT ((uint64_t)256 << 20)

enum {
    SEGMENT_MAX_DEFAULT_BYTES = 256 << 10,
    SEGMENT_MAX_LIMIT_BYTES = LPI_BLOCK_MIN_BYTES << (LPI_BLOCK_CLASSES - 1),
    POOLED_MAX_BYTES = 16 << 20
};

static void *libc_alloc(void *ctx, size_t size_bytes, size_t align_bytes)
{
    (void)ctx;
    return aligned_alloc(align_bytes,
                         (size_bytes + align_bytes - 1) & ~(align_bytes - 1));
}

static void libc_free(void *ctx, void *ptr, size_t size_bytes)
{
    (void)ctx;
    (void)size_bytes;
    free(ptr);
}

static const lp_allocator libc_allocator = {libc_alloc, libc_free, NULL};

static lp_err read_options(const lp_engine_options *from,
                           lp_engine_options *opt)
{
    lp_engine_options defaults = LP_ENGINE_OPTIONS_INIT;
    lp_err err;

    *opt = defaults;
    err = lpi_options_read(opt, sizeof(*opt), from);
    if (err != LP_OK)
        return err;
    if (opt->segment_max_bytes == 0)
        opt->segment_max_bytes = SEGMENT_MAX_DEFAULT_BYTES;
    if (opt->memory_max_bytes == 0)
        opt->memory_max_bytes = MEMORY_MAX_DEFAULT;
    if (opt->allocator == NULL)
        opt->allocator = &libc_allocator;
    if (opt->segment_max_bytes < LPI_BLOCK_MIN_BYTES ||
        opt->segment_max_bytes > SEGMENT_MAX_LIMIT_BYTES ||
        (opt->segment_max_bytes & (opt->segment_max_bytes - 1)) != 0)
        return LP_E_INVALID;
    return LP_OK;
}

lp_err lp_engine_create(const lp_engine_options *options, lp_engine **out)
{
    lp_engine_options opt;
    lp_engine *engine;
    lp_err err;

    if (out == NULL)
        return LP_E_INVALID;
    err = read_options(options, &opt);
    if (err != LP_OK)
        return err;
    engine = opt.allocator->alloc(opt.allocator->ctx, sizeof(*engine),
                                  LPI_ALIGN_BYTES);
    if (engine == NULL)
        return LP_E_NOMEM;
    memset(engine, 0, sizeof(*engine));
    pthread_mutex_init(&engine->mutex, NULL);
    pthread_mutex_init(&engine->walk_mutex, NULL);
    atomic_init(&engine->pinned_bytes, 0);
    for (unsigned i = 0; i < LP_KEEP_ACCOUNTS; i++)
        atomic_init(&engine->kept_bytes[i], 0);
    engine->allocator = *opt.allocator;
    engine->memory_max_bytes = opt.memory_max_bytes;
    engine->segment_max_bytes = opt.segment_max_bytes;
    engine->epoch = opt.epoch;
    engine->pooled_max_bytes = opt.memory_max_bytes / 32;
    if (engine->pooled_max_bytes > POOLED_MAX_BYTES)
        engine->pooled_max_bytes = POOLED_MAX_BYTES;
    *out = engine;
    return LP_OK;
}

uint64_t lp_engine_unlent(lp_engine *engine)
{
    uint64_t bytes;

    pthread_mutex_lock(&engine->mutex);
    bytes = engine->memory_max_bytes - engine->borrowed_bytes;
    pthread_mutex_unlock(&engine->mutex);
    return bytes;
}

uint64_t lp_engine_kept(const lp_engine *engine, unsigned account)
{
    assert(account < LP_KEEP_ACCOUNTS);
    // relaxed: it is out of date as soon as it is told.
    return atomic_load_explicit(&engine->kept_bytes[account],
                                memory_order_relaxed);
}

static uint64_t all_kept(const lp_engine *engine)
{
    uint64_t kept_bytes = 0;

    for (unsigned i = 0; i < LP_KEEP_ACCOUNTS; i++)
        kept_bytes += lp_engine_kept(engine, i);
    return kept_bytes;
}

void lp_engine_destroy(lp_engine *engine)
{
    lp_allocator allocator;

    if (engine == NULL)
        return;
    assert(engine->channels == NULL);
    lpi_memory_fini(engine);
    assert(engine->borrowed_bytes == 0 && engine->memory_bytes == 0);
    assert(all_kept(engine) == 0);
    pthread_mutex_destroy(&engine->mutex);
    pthread_mutex_destroy(&engine->walk_mutex);
    allocator = engine->allocator;
    allocator.free(allocator.ctx, engine, sizeof(*engine));
}

/* Registry ---------------------------------------------------------------- */

void lpi_engine_enter(lp_engine *engine, lp_channel *channel)
{
    pthread_mutex_lock(&engine->mutex);
    channel->epoch = engine->epoch + engine->opened_count++;
    // A walk that is under way has no need of a channel with nothing in it.
    channel->walk = engine->walk;
    channel->next = engine->channels;
    if (channel->next != NULL)
        channel->next->previous = channel;
    engine->channels = channel;
    engine->channel_count++;
    pthread_mutex_unlock(&engine->mutex);
}

/* Under mutex. */
static void unlink_surplus(lp_engine *engine, lp_channel *channel)
{
    if (channel->previous_surplus != NULL)
        channel->previous_surplus->next_surplus = channel->next_surplus;
    else if (engine->surplus == channel)
        engine->surplus = channel->next_surplus;
    if (channel->next_surplus != NULL)
        channel->next_surplus->previous_surplus = channel->previous_surplus;
    channel->previous_surplus = channel->next_surplus = NULL;
}

void lpi_engine_leave(lp_engine *engine, lp_channel *channel,
                      const lpi_totals *totals)
{
    pthread_mutex_lock(&engine->mutex);
    if (channel->previous != NULL)
        channel->previous->next = channel->next;
    else
        engine->channels = channel->next;
    if (channel->next != NULL)
        channel->next->previous = channel->previous;
    engine->channel_count--;
    unlink_surplus(engine, channel);
    lpi_totals_add(&engine->gone, totals);
    if (engine->is_walking && channel->walk != engine->walk)
        lpi_totals_add(&engine->missed, totals);
    pthread_mutex_unlock(&engine->mutex);
}

void lpi_engine_set_surplus(lp_engine *engine, lp_channel *channel,
                            bool has_surplus)
{
    pthread_mutex_lock(&engine->mutex);
    if (has_surplus) {
        channel->next_surplus = engine->surplus;
        if (channel->next_surplus != NULL)
            channel->next_surplus->previous_surplus = channel;
        engine->surplus = channel;
    } else {
        unlink_surplus(engine, channel);
    }
    pthread_mutex_unlock(&engine->mutex);
}

lp_channel *lpi_engine_take_surplus(lp_engine *engine, const lp_channel *except)
{
    lp_channel *channel;

    pthread_mutex_lock(&engine->mutex);
    for (channel = engine->surplus; channel != NULL;
         channel = channel->next_surplus) {
        // What is in this list is not freed before it has left it, and it
        // leaves under the mutex that we hold.
        if (channel == except || pthread_mutex_trylock(&channel->mutex) != 0)
            continue;
        if (lpi_channel_try_ref(channel))
            break;
        pthread_mutex_unlock(&channel->mutex);
    }
    pthread_mutex_unlock(&engine->mutex);
    return channel;
}

/* Ledger ------------------------------------------------------------------ */

void lpi_totals_add(lpi_totals *sum, const lpi_totals *more)
{
    sum->appended_lines += more->appended_lines;
    sum->appended_bytes += more->appended_bytes;
    sum->evicted_lines += more->evicted_lines;
    sum->evicted_bytes += more->evicted_bytes;
    sum->too_big_lines += more->too_big_lines;
    sum->refused_lines += more->refused_lines;
    sum->delivered_lines += more->delivered_lines;
    sum->lost_lines += more->lost_lines;
}

/* Marks the next channel of the walk as counted and holds it. One whose last
 * holder is gone counts itself as missed when it leaves. Under mutex. */
static lp_channel *walk_on(lp_engine *engine, lp_channel *channel)
{
    for (; channel != NULL; channel = channel->next) {
        if (channel->walk == engine->walk || !lpi_channel_try_ref(channel))
            continue;
        channel->walk = engine->walk;
        break;
    }
    return channel;
}

static void add_channel(lp_channel *channel, lpi_totals *sum, lp_ledger *out)
{
    lpi_totals totals;

    pthread_mutex_lock(&channel->mutex);
    totals = lpi_channel_totals(channel);
    out->cursors += channel->cursor_count;
    pthread_mutex_unlock(&channel->mutex);
    lpi_totals_add(sum, &totals);
}

/* Adds up what is gone, what is there, and what went meanwhile. */
static void walk_channels(lp_engine *engine, lpi_totals *sum, lp_ledger *out)
{
    static const lpi_totals nothing;
    lp_channel *channel;

    pthread_mutex_lock(&engine->mutex);
    engine->walk++;
    engine->is_walking = true;
    engine->missed = nothing;
    *sum = engine->gone;
    channel = walk_on(engine, engine->channels);
    while (channel != NULL) {
        lp_channel *counted = channel;

        pthread_mutex_unlock(&engine->mutex);
        add_channel(counted, sum, out);
        pthread_mutex_lock(&engine->mutex);
        channel = walk_on(engine, counted->next);
        pthread_mutex_unlock(&engine->mutex);
        lp_channel_unref(counted);
        pthread_mutex_lock(&engine->mutex);
    }
    engine->is_walking = false;
    lpi_totals_add(sum, &engine->missed);
    out->channels = engine->channel_count;
    out->memory_bytes = engine->memory_bytes;
    out->pooled_bytes = engine->pooled_bytes;
    out->borrowed_bytes = engine->borrowed_bytes;
    out->borrow_refusals = engine->borrow_refusals;
    pthread_mutex_unlock(&engine->mutex);
}

void lp_engine_ledger(lp_engine *engine, lp_ledger *out)
{
    lp_ledger ledger = LP_LEDGER_INIT;
    lpi_totals sum;

    pthread_mutex_lock(&engine->walk_mutex);
    walk_channels(engine, &sum, &ledger);
    pthread_mutex_unlock(&engine->walk_mutex);
    ledger.appended_lines = sum.appended_lines;
    ledger.appended_bytes = sum.appended_bytes;
    ledger.evicted_lines = sum.evicted_lines;
    ledger.evicted_bytes = sum.evicted_bytes;
    ledger.resident_lines = sum.appended_lines - sum.evicted_lines;
    ledger.resident_bytes = sum.appended_bytes - sum.evicted_bytes;
    ledger.too_big_lines = sum.too_big_lines;
    ledger.refused_lines = sum.refused_lines;
    ledger.delivered_lines = sum.delivered_lines;
    ledger.lost_lines = sum.lost_lines;
    ledger.memory_max_bytes = engine->memory_max_bytes;
    ledger.pinned_bytes = atomic_load(&engine->pinned_bytes);
    ledger.kept_bytes = all_kept(engine);
    lpi_stats_write(out, &ledger, sizeof(ledger));
}
