#include "aggregate/aggregator.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/aggregator_impl.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    RUN_LINES = 1024,
    RUN_BYTES = 256 << 10,
    SMALL_BYTES = 2 << 10,
    QUOTED_BYTES = 2 * CATALOG_ID_MAX_BYTES /* of an id in the log */
};

/* Memory ------------------------------------------------------------------ */

/* Whose history makes room for what this thread allocates. */
static _Thread_local lp_channel *beneficiary;

/* The last eighth of what may be lent is for small windows: so channels whose lines
 * are counted are also told, before others begin to be counted. */
static bool may_have(const struct aggregates *shared, size_t size_bytes)
{
    return size_bytes < SMALL_BYTES ||
           atomic_load_explicit(&shared->lent_bytes, memory_order_relaxed) +
                   size_bytes <=
               shared->lent_max_bytes / 8 * 7;
}

static void *borrow(void *ctx, size_t size_bytes, size_t align_bytes)
{
    struct aggregates *shared = ctx;
    void *ptr;

    (void)align_bytes; // what is borrowed is aligned for anything
    if (!may_have(shared, size_bytes) ||
        lp_engine_borrow(shared->engine, beneficiary, size_bytes, &ptr) !=
            LP_OK)
        return NULL;
    atomic_fetch_add_explicit(&shared->lent_bytes, size_bytes,
                              memory_order_relaxed);
    return ptr;
}

static void repay(void *ctx, void *ptr, size_t size_bytes)
{
    struct aggregates *shared = ctx;

    lp_engine_repay(shared->engine, ptr, size_bytes);
    atomic_fetch_sub_explicit(&shared->lent_bytes, size_bytes,
                              memory_order_relaxed);
}

static void *take(void *ctx, size_t size_bytes, size_t align_bytes)
{
    (void)ctx;
    return aligned_alloc(align_bytes, (size_bytes + align_bytes - 1) /
                                          align_bytes * align_bytes);
}

static void give_back(void *ctx, void *ptr, size_t size_bytes)
{
    (void)ctx;
    (void)size_bytes;
    free(ptr);
}

lp_allocator aggregates_scratch(void)
{
    return (lp_allocator){take, give_back, NULL};
}

lp_allocator aggregates_allocator(struct aggregates *shared)
{
    return (lp_allocator){borrow, repay, shared};
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
    lp_engine_repay(engine, a, sizeof(*a) + a->id_bytes);
}

static lp_err open_cursor(aggregator *a)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    opt.start = LP_START_OLDEST;
    opt.on_ready = on_ready;
    opt.ready_ctx = a;
    return lp_cursor_open(a->ring, &opt, &a->cursor);
}

lp_err aggregator_open(struct aggregates *shared, lp_span id, lp_channel *ring,
                       unsigned home, aggregator **out)
{
    void *ptr;
    size_t bytes = sizeof(aggregator) + id.len_bytes;
    lp_err err = lp_engine_borrow(shared->engine, NULL, bytes, &ptr);
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
    a->id_bytes = (unsigned)id.len_bytes;
    memcpy(a->id, id.ptr, id.len_bytes);
    atomic_init(&a->next_seq, 1);
    atomic_init(&a->counted_ns, a->since_ns);
    err = open_cursor(a);
    if (err != LP_OK) {
        lp_engine_repay(shared->engine, a, bytes);
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

static int64_t newest_ns(const lp_run *run)
{
    return lp_run_at(run, run->line_count - 1).arrival_ns;
}

static const char *quoted_id(const aggregator *a, char out[QUOTED_BYTES])
{
    char id[CATALOG_ID_MAX_BYTES + 1];

    memcpy(id, a->id, a->id_bytes);
    id[a->id_bytes] = '\0';
    return log_quote(id, out, QUOTED_BYTES);
}

/* The log says it once, until a line is counted again. Under the lock. */
static void note_uncounted(aggregator *a, const lp_run *run)
{
    char quoted[QUOTED_BYTES];

    if (!a->uncounted.is_now)
        LOG_AT(LOG_WARN, "aggregate_uncounted", "channel=%s why=\"%s\"",
               quoted_id(a, quoted), a->shared->why);
    uncounted_add(&a->uncounted, run->line_count, lp_run_at(run, 0).arrival_ns,
                  newest_ns(run));
}

static void note_counted(aggregator *a)
{
    uint64_t lines = uncounted_end(&a->uncounted);
    char quoted[QUOTED_BYTES];

    if (lines == 0)
        return;
    LOG_AT(LOG_INFO, "aggregate_counted", "channel=%s uncounted_lines=%" PRIu64,
           quoted_id(a, quoted), lines);
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
        if (run->line_count > 0)
            note_uncounted(a, run);
        out->uncounted_lines += run->line_count;
    } else if (run->line_count > 0) {
        note_counted(a);
    }
    count(&a->lines, run->line_count);
    count(&a->lost_lines, run->lost_lines);
    atomic_store_explicit(&a->next_seq,
                          run->line_count > 0
                              ? run->first_seq + run->line_count
                              : atomic_load(&a->next_seq) + run->lost_lines,
                          memory_order_relaxed);
    out->lines += run->line_count + run->lost_lines;
    out->lost_lines += run->lost_lines;
    out->bytes += run->bytes.len_bytes;
}

void aggregator_read_on(aggregator *a, uint64_t bytes_max, aggregator_read *out)
{
    int64_t counted_ns = aggregator_over_ns(wall_clock_ns());
    aggregator_unread unread;
    lp_err err = LP_OK;
    lp_run run;

    memset(out, 0, sizeof(*out));
    if (uv_mutex_trylock(&a->lock) != 0) {
        out->news = AGGREGATOR_BUSY;
        return;
    }
    beneficiary = a->ring;
    aggregator_unread_get(a, &unread);
    if (a->numbers)
        lp_aggregate_expect(a->numbers, unread.lines);
    while (err == LP_OK && out->bytes <= bytes_max) {
        err = lp_cursor_next(a->cursor, RUN_LINES, RUN_BYTES, &run);
        take_run(a, &run, out);
        if (out->bytes > bytes_max)
            counted_ns = newest_ns(&run); // there may be more
        lp_run_release(&run);
    }
    beneficiary = NULL;
    uv_mutex_unlock(&a->lock);
    aggregator_has_counted(a, counted_ns);
    a->read_bytes += err == LP_OK ? out->bytes : unread.bytes;
    if (err == LP_E_CLOSED)
        out->news = AGGREGATOR_END;
    else if (out->lines == 0)
        out->news = AGGREGATOR_NONE;
}

void aggregator_rest(aggregator *a, int64_t now_ns)
{
    if (uv_mutex_trylock(&a->lock) != 0)
        return;
    beneficiary = a->ring;
    if (a->numbers)
        lp_aggregate_tick(a->numbers, aggregator_counted_ns(a, now_ns));
    if (atomic_load(&a->viewers) == 0)
        aggregator_keep_frame(a, NULL);
    beneficiary = NULL;
    uv_mutex_unlock(&a->lock);
}

void aggregator_unread_get(const aggregator *a, aggregator_unread *out)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(a->ring, &stats);
    out->lines = stats.next_seq -
                 atomic_load_explicit(&a->next_seq, memory_order_relaxed);
    out->bytes = stats.appended_bytes - a->read_bytes;
    out->resident_bytes = stats.resident_bytes;
}

void aggregator_prefetch(const aggregator *a, unsigned step)
{
    if (step > 0) {
        lp_channel_prefetch(a->ring, 0);
        return;
    }
    __builtin_prefetch(&a->ring);
    __builtin_prefetch(&a->cursor, 1);
    __builtin_prefetch(&a->next_seq, 1);
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
    return a->numbers ? a->numbers : a->shared->none;
}

aggregator_uncounted aggregator_uncounted_between(const aggregator *a,
                                                  int64_t from_s, int64_t to_s)
{
    aggregator_uncounted left_out = {.why = a->shared->why};

    left_out.all =
        uncounted_between(&a->uncounted, from_s, to_s, &left_out.is_now);
    return left_out;
}

const uncounted *aggregator_uncounted_of(const aggregator *a)
{
    return &a->uncounted;
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

void aggregator_has_counted(aggregator *a, int64_t until_ns)
{
    int64_t slack_ns = (int64_t)AGGREGATOR_SLACK_S * 1000000000;
    int64_t old_ns = atomic_load_explicit(&a->counted_ns, memory_order_relaxed);

    // It does not go back, but with the clock.
    if (until_ns > old_ns || until_ns < old_ns - slack_ns)
        atomic_store_explicit(&a->counted_ns, until_ns, memory_order_relaxed);
}

static bool has_unread(const aggregator *a)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(a->ring, &stats);
    return stats.next_seq >
           atomic_load_explicit(&a->next_seq, memory_order_relaxed);
}

int64_t aggregator_counted_ns(aggregator *a, int64_t now_ns)
{
    int64_t over_ns = aggregator_over_ns(now_ns);
    int64_t late_ns = over_ns - (int64_t)AGGREGATOR_LATE_S * 1000000000;
    int64_t counted_ns = atomic_load(&a->counted_ns);

    if (counted_ns < late_ns && atomic_load(&a->state) != AGGREGATOR_ACTIVE) {
        // Its home would know of its lines by then.
        int64_t home_ns = aggregating_counted_ns(a->shared, a->home);

        counted_ns = home_ns > counted_ns ? home_ns : counted_ns;
    }
    if (counted_ns >= late_ns)
        return over_ns;
    if (has_unread(a))
        return counted_ns;
    aggregator_has_counted(a, over_ns);
    return over_ns;
}

bool aggregator_brief(aggregator *a, int64_t now_ns, lp_aggregate_brief *out,
                      aggregator_uncounted *left_out)
{
    lp_aggregate *numbers;
    int64_t counted_ns;

    if (atomic_load_explicit(&a->lines, memory_order_relaxed) == 0)
        return false;
    numbers = aggregator_begin(a);
    counted_ns = aggregator_counted_ns(a, now_ns);
    lp_aggregate_brief_get(numbers, counted_ns, out);
    if (left_out) {
        int64_t end_s = out->end_s > 0 ? out->end_s : counted_ns / 1000000000;

        *left_out = aggregator_uncounted_between(a, end_s - AGGREGATOR_BRIEF_S,
                                                 INT64_MAX);
    }
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
    // On a loop, which must not wait for who asks.
    if (atomic_fetch_sub(&a->viewers, 1) != 1 ||
        uv_mutex_trylock(&a->lock) != 0)
        return;
    if (atomic_load(&a->viewers) == 0)
        aggregator_keep_frame(a, NULL);
    uv_mutex_unlock(&a->lock);
}
