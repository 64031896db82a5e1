#include "aggregate/aggregator.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/aggregator_impl.h"

enum { RUN_LINES = 1024, RUN_BYTES = 256 << 10 };

/* Memory ------------------------------------------------------------------ */

/* Whose history makes room for what this thread allocates. */
static _Thread_local lp_channel *beneficiary;

static void *borrow(void *ctx, size_t size_bytes, size_t align_bytes)
{
    void *ptr;

    (void)align_bytes; // what is borrowed is aligned for anything
    return lp_engine_borrow(ctx, beneficiary, size_bytes, &ptr) == LP_OK ? ptr
                                                                         : NULL;
}

static void repay(void *ctx, void *ptr, size_t size_bytes)
{
    lp_engine_repay(ctx, ptr, size_bytes);
}

lp_allocator aggregates_allocator(lp_engine *engine)
{
    return (lp_allocator){borrow, repay, engine};
}

/* Life -------------------------------------------------------------------- */

// On whatever thread appends.
static void on_ready(void *ctx)
{
    aggregator *a = ctx;

    waker_post(&a->waker);
}

static void destroy(catalog_follower *follower)
{
    aggregator *a = (aggregator *)(void *)follower;
    lp_engine *engine = a->shared->engine;

    assert(!a->cursor);
    lp_aggregate_close(a->numbers);
    aggregator_frame_unref(a->frame);
    uv_mutex_destroy(&a->lock);
    lp_channel_unref(a->ring);
    lp_engine_repay(engine, a, sizeof(*a));
}

static lp_err open_cursor(aggregator *a)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    opt.start = LP_START_OLDEST;
    opt.on_ready = on_ready;
    opt.ready_ctx = a;
    return lp_cursor_open(a->ring, &opt, &a->cursor);
}

lp_err aggregator_open(struct aggregates *shared, lp_channel *ring,
                       unsigned home, aggregator **out)
{
    void *ptr;
    lp_err err =
        lp_engine_borrow(shared->engine, NULL, sizeof(aggregator), &ptr);
    aggregator *a = ptr;

    if (err != LP_OK)
        return err;
    memset(a, 0, sizeof(*a));
    atomic_init(&a->follower.refs, 1);
    a->follower.destroy = destroy;
    a->shared = shared;
    a->ring = ring;
    a->since_ns = wall_clock_ns();
    a->home = home;
    atomic_init(&a->next_seq, 1);
    err = open_cursor(a);
    if (err != LP_OK) {
        lp_engine_repay(shared->engine, a, sizeof(*a));
        return err;
    }
    lp_channel_ref(ring);
    uv_mutex_init(&a->lock);
    *out = a;
    return LP_OK;
}

aggregator *aggregator_of(const catalog_channel *channel)
{
    return (aggregator *)(void *)channel->follower;
}

aggregator *aggregator_ref(aggregator *a)
{
    if (a)
        catalog_follower_ref(&a->follower);
    return a;
}

void aggregator_unref(aggregator *a)
{
    if (a)
        catalog_follower_unref(&a->follower);
}

/* Reading ----------------------------------------------------------------- */

static void count(_Atomic uint64_t *at, uint64_t n)
{
    atomic_store_explicit(at,
                          atomic_load_explicit(at, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* The first line makes the numbers. Under the lock. */
static bool has_numbers(aggregator *a)
{
    return a->numbers ||
           lp_aggregate_open(a->shared->numbers, &a->numbers) == LP_OK;
}

static void take_run(aggregator *a, const lp_run *run, aggregator_read *out)
{
    if (run->line_count == 0 && run->lost_lines == 0)
        return;
    if (!has_numbers(a) || lp_aggregate_run(a->numbers, run) != LP_OK) {
        count(&a->uncounted_lines, run->line_count);
        out->uncounted_lines += run->line_count;
    }
    count(&a->lines, run->line_count);
    count(&a->lost_lines, run->lost_lines);
    if (run->line_count > 0)
        atomic_store_explicit(&a->next_seq, run->first_seq + run->line_count,
                              memory_order_relaxed);
    out->lines += run->line_count + run->lost_lines;
    out->lost_lines += run->lost_lines;
    out->bytes += run->bytes.len_bytes;
}

void aggregator_read_on(aggregator *a, uint64_t bytes_max, aggregator_read *out)
{
    lp_err err = LP_OK;
    lp_run run;

    memset(out, 0, sizeof(*out));
    if (uv_mutex_trylock(&a->lock) != 0) {
        out->news = AGGREGATOR_BUSY;
        return;
    }
    beneficiary = a->ring;
    while (err == LP_OK && out->bytes <= bytes_max) {
        err = lp_cursor_next(a->cursor, RUN_LINES, RUN_BYTES, &run);
        take_run(a, &run, out);
        lp_run_release(&run);
    }
    beneficiary = NULL;
    uv_mutex_unlock(&a->lock);
    if (err == LP_E_CLOSED)
        out->news = AGGREGATOR_END;
    else if (out->lines == 0)
        out->news = AGGREGATOR_NONE;
}

void aggregator_finish(aggregator *a)
{
    lp_cursor_close(a->cursor); // from here on nobody posts the waker
    a->cursor = NULL;
    if (a->waker.home)
        waker_cancel(&a->waker);
    a->state = AGGREGATOR_OVER;
    atomic_store(&a->is_over, true);
}

/* Asking ------------------------------------------------------------------ */

lp_aggregate *aggregator_begin(aggregator *a)
{
    uv_mutex_lock(&a->lock);
    beneficiary = a->ring;
    if (has_numbers(a))
        return a->numbers;
    aggregator_end(a);
    return NULL;
}

void aggregator_end(aggregator *a)
{
    beneficiary = NULL;
    uv_mutex_unlock(&a->lock);
}

int64_t aggregator_over_ns(int64_t now_ns)
{
    // A turn of the loop more, as timers and clocks round.
    return now_ns - (int64_t)(AGGREGATOR_REST_MS + 10) * 1000000;
}

bool aggregator_brief(aggregator *a, int64_t now_ns, lp_aggregate_brief *out)
{
    lp_aggregate *numbers;

    if (atomic_load_explicit(&a->lines, memory_order_relaxed) == 0)
        return false;
    numbers = aggregator_begin(a);
    if (!numbers)
        return false;
    lp_aggregate_brief_get(numbers, aggregator_over_ns(now_ns), out);
    aggregator_end(a);
    return true;
}

void aggregator_status_get(aggregator *a, aggregator_status *out)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    lp_seq next_seq = atomic_load_explicit(&a->next_seq, memory_order_relaxed);

    lp_channel_stats_get(a->ring, &stats);
    out->ring = a->ring;
    out->since_ns = a->since_ns;
    out->behind_lines =
        stats.next_seq > next_seq ? stats.next_seq - next_seq : 0;
    out->lost_lines = atomic_load(&a->lost_lines);
    out->uncounted_lines = atomic_load(&a->uncounted_lines);
    out->is_over = atomic_load(&a->is_over);
}

/* Frames ------------------------------------------------------------------ */

aggregator_frame *aggregator_frame_create(int64_t second, lp_span snapshot,
                                          lp_span points)
{
    aggregator_frame *frame =
        malloc(sizeof(*frame) + snapshot.len_bytes + points.len_bytes);

    if (!frame)
        return NULL;
    atomic_init(&frame->refs, 1);
    frame->second = second;
    frame->snapshot_bytes = snapshot.len_bytes;
    frame->points_bytes = points.len_bytes;
    memcpy(frame->text, snapshot.ptr, snapshot.len_bytes);
    memcpy(frame->text + snapshot.len_bytes, points.ptr, points.len_bytes);
    return frame;
}

aggregator_frame *aggregator_frame_ref(aggregator_frame *frame)
{
    atomic_fetch_add(&frame->refs, 1);
    return frame;
}

void aggregator_frame_unref(aggregator_frame *frame)
{
    if (frame && atomic_fetch_sub(&frame->refs, 1) == 1)
        free(frame);
}

aggregator_frame *aggregator_kept_frame(aggregator *a)
{
    return a->frame;
}

void aggregator_keep_frame(aggregator *a, aggregator_frame *frame)
{
    aggregator_frame *old = a->frame;

    a->frame = frame ? aggregator_frame_ref(frame) : NULL;
    if (frame)
        atomic_fetch_add(&a->shared->frames, 1);
    aggregator_frame_unref(old);
}

void aggregator_view(aggregator *a)
{
    atomic_fetch_add(&a->viewers, 1);
}

void aggregator_unview(aggregator *a)
{
    if (atomic_fetch_sub(&a->viewers, 1) != 1)
        return;
    uv_mutex_lock(&a->lock);
    if (atomic_load(&a->viewers) == 0)
        aggregator_keep_frame(a, NULL);
    uv_mutex_unlock(&a->lock);
}
