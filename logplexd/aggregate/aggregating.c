#include "aggregate/aggregating.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "aggregate/aggregator_impl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"

enum {
    EMPTY_LOOKS_MAX = 3,
    HOT_LINES = 64, /* one that had as many is looked at first, next time */
    ENOUGH_LINES = 64,
    SWEEP_LOOKS = 256,
    ROUND_MS = 1000,
    ROUNDS = 60,        /* in which all channels get their rest */
    SLICE_LOOKS = 1024, /* before others' turn */
    SLICE_BYTES = 2 << 20,
    WAKE_LEAST_BYTES = 1 << 20,
    WAKE_MOST_BYTES = 4 << 20,
    WAKE_CHANNEL_BYTES = 16 << 10, /* for each that is active */
    READ_BYTES = 1 << 20,          /* of one channel, before others' turn */
    WAIT_BYTES = 256 << 10,    /* of one channel, before it is worth to read */
    WAIT_MAX_BYTES = 256 << 20 /* of all of them */
};

typedef TAILQ_HEAD(aggregator_list, aggregator) aggregator_list;
typedef TAILQ_HEAD(aggregator_queue, aggregator) aggregator_queue;

/* A home. It is there before its worker, and after it. */
struct aggregating {
    /* The worker's. */
    worker *home;
    uv_timer_t timer;    /* while there is an active one  */
    uv_idle_t idle;      /* while there is one to look at */
    uv_timer_t round;    /* gives rest */
    aggregator *next;    /* the one to look at, and behind it */
    size_t due;          /* so many                           */
    bool may_wait;       /* these, if they have few lines     */
    bool has_more;       /* somebody has, than one look reads */
    int64_t round_ns;    /* the last one */
    aggregator_list all; /* who had a rest is at the end */
    aggregator_queue active;

    /* Written by the worker, read by all. */
    _Atomic uint64_t active_count;
    _Atomic uint64_t count;
    _Atomic int64_t counted_ns; /* what came before is counted, or active */
    _Atomic uint64_t waiting_lines;

    uv_mutex_t lock;       /* over: */
    aggregator_list shelf; /* new channels */
    waker adopt;           /* that there are some           */
    waker late;            /* others say that we are behind */
    bool is_running;       /* these two may be posted       */
    bool is_over;
};

static void count_to(_Atomic uint64_t *at, uint64_t n)
{
    atomic_store_explicit(at, n, memory_order_relaxed);
}

/* Being active, or not ---------------------------------------------------- */

static void look_at_due(struct aggregating *g);

static void on_idle(uv_idle_t *idle)
{
    look_at_due(idle->data);
}

static void set_due(struct aggregating *g, size_t due)
{
    size_t active = count_get(&g->active_count);

    g->due = due < active ? due : active;
    if (g->due > 0)
        uv_idle_start(&g->idle, on_idle);
    else
        uv_idle_stop(&g->idle);
}

/* All active ones are to be looked at, once each. */
static void begin_looking(struct aggregating *g, bool may_wait)
{
    g->next = TAILQ_FIRST(&g->active);
    g->may_wait = may_wait;
    g->has_more = false;
    set_due(g, SIZE_MAX);
}

static void on_timer(uv_timer_t *timer)
{
    struct aggregating *g = timer->data;

    // Those who are still to be looked at are not left behind others again.
    if (g->due == 0 || g->may_wait)
        begin_looking(g, false);
    look_at_due(g);
}

static void take_out(struct aggregating *g, aggregator *a)
{
    if (g->next == a)
        g->next = TAILQ_NEXT(a, active_entry);
    TAILQ_REMOVE(&g->active, a, active_entry);
}

/* The more channels share them, the more lines are worth to be read at a time. */
static void count_active(struct aggregating *g, uint64_t active)
{
    uint64_t bytes = active * WAKE_CHANNEL_BYTES;

    count_to(&g->active_count, active);
    pace_set_wake(g->home->shared->pace, g->home->index,
                  bytes > WAKE_LEAST_BYTES ? bytes : WAKE_LEAST_BYTES);
}

static void activate(struct aggregating *g, aggregator *a)
{
    if (a->state != AGGREGATOR_ARMED)
        return;
    aggregator_has_counted(a, atomic_load(&g->counted_ns));
    a->state = AGGREGATOR_ACTIVE;
    a->empty_looks = 0;
    TAILQ_INSERT_TAIL(&g->active, a, active_entry);
    count_active(g, g->active_count + 1);
    if (!uv_is_active((uv_handle_t *)&g->timer))
        uv_timer_start(&g->timer, on_timer, AGGREGATOR_REST_MS,
                       AGGREGATOR_REST_MS);
}

static void deactivate(struct aggregating *g, aggregator *a)
{
    if (a->state != AGGREGATOR_ACTIVE)
        return;
    take_out(g, a);
    count_active(g, g->active_count - 1);
    a->state = AGGREGATOR_ARMED;
    if (TAILQ_EMPTY(&g->active))
        uv_timer_stop(&g->timer);
}

/* Sleeping readers pin nothing. */
static void arm(struct aggregating *g, aggregator *a)
{
    lp_run none = {0};

    lp_cursor_rest(a->cursor, &none, 0);
    deactivate(g, a);
    if (lp_cursor_arm(a->cursor) != LP_OK)
        activate(g, a);
}

static void set_waiting(struct aggregating *g, aggregator *a, uint64_t lines)
{
    count_to(&g->waiting_lines,
             count_get(&g->waiting_lines) - a->waiting_lines + lines);
    a->waiting_lines = lines;
}

static void finish(struct aggregating *g, aggregator *a)
{
    set_waiting(g, a, 0);
    deactivate(g, a);
    aggregator_finish(a);
    TAILQ_REMOVE(&g->all, a, entry);
    count_to(&g->count, g->count - 1);
    aggregator_unref(a);
}

/* Rest -------------------------------------------------------------------- */

/* A part of all channels, so that each has its turn in ROUNDS. */
static void on_round(uv_timer_t *round)
{
    struct aggregating *g = round->data;
    int64_t now_ns = wall_clock_ns();
    uint64_t turns = count_get(&g->count) / ROUNDS + 1;
    aggregator *a;

    // Between that one and this the loop has heard of all lines.
    atomic_store(&g->counted_ns, g->round_ns);
    g->round_ns = aggregator_over_ns(now_ns);
    while (turns-- > 0 && (a = TAILQ_FIRST(&g->all)) != NULL) {
        TAILQ_REMOVE(&g->all, a, entry);
        TAILQ_INSERT_TAIL(&g->all, a, entry);
        aggregator_rest(a, now_ns);
    }
}

int64_t aggregating_counted_ns(const struct aggregates *shared, unsigned home)
{
    return atomic_load(&shared->homes[home].counted_ns);
}

/* Looking ----------------------------------------------------------------- */

static void account(struct aggregating *g, aggregator *a,
                    const aggregator_read *read)
{
    worker *w = g->home;
    _Atomic uint64_t *counts = w->counts.counts;
    uint64_t waited =
        a->waiting_lines < read->lines ? a->waiting_lines : read->lines;

    if (read->lines == 0)
        return;
    set_waiting(g, a, a->waiting_lines - waited);
    pace_read(w->shared->pace, w->index, read->lines - waited);
    count_add(&counts[COUNT_AGGREGATE_LINES],
              read->lines - read->lost_lines - read->uncounted_lines);
    count_add(&counts[COUNT_AGGREGATE_LOST], read->lost_lines);
    count_add(&counts[COUNT_AGGREGATE_UNCOUNTED], read->uncounted_lines);
}

/* Are its lines too few to be read now? They count as read already, so nobody waits
 * for them: so there may be no more than the ring is sure to keep until it is looked at
 * again, and than fit all of the channels. */
static bool waits(struct aggregating *g, aggregator *a)
{
    uint64_t share_bytes = WAIT_MAX_BYTES / count_get(&g->active_count);
    aggregator_unread unread;

    aggregator_unread_get(a, &unread);
    if (unread.bytes >= WAIT_BYTES || unread.bytes >= share_bytes ||
        unread.bytes > unread.resident_bytes / 2)
        return false;
    if (unread.lines > a->waiting_lines) {
        pace_read(g->home->shared->pace, g->home->index,
                  unread.lines - a->waiting_lines);
        set_waiting(g, a, unread.lines);
    }
    take_out(g, a);
    TAILQ_INSERT_TAIL(&g->active, a, active_entry);
    return true;
}

/* One look at the first of the active ones, which goes to the end, unless it had
 * much to read. How many bytes it read. */
static uint64_t look(struct aggregating *g, aggregator *a, bool may_wait)
{
    aggregator_read read;

    if (may_wait && waits(g, a))
        return 0;
    aggregator_read_on(a, READ_BYTES, &read);
    account(g, a, &read);
    g->has_more |= read.bytes > READ_BYTES;
    take_out(g, a);
    if (read.lines >= HOT_LINES)
        TAILQ_INSERT_HEAD(&g->active, a, active_entry);
    else
        TAILQ_INSERT_TAIL(&g->active, a, active_entry);
    if (read.news != AGGREGATOR_NONE)
        a->empty_looks = 0;
    if (read.news == AGGREGATOR_END)
        finish(g, a);
    else if (read.news == AGGREGATOR_NONE &&
             ++a->empty_looks >= EMPTY_LOOKS_MAX)
        arm(g, a);
    return read.bytes;
}

/* The next one to be looked at, while those behind it are fetched. */
static aggregator *next_of(aggregator *a)
{
    aggregator *next = TAILQ_NEXT(a, active_entry);
    aggregator *after = next ? TAILQ_NEXT(next, active_entry) : NULL;

    if (next)
        aggregator_prefetch(next, 1);
    if (after)
        aggregator_prefetch(after, 0);
    return next;
}

/* A slice of those that are to be looked at. What has to be read on is at the head
 * again, and so is not in the way of the others. */
static void look_at_due(struct aggregating *g)
{
    uint64_t bytes = 0;

    for (unsigned looks = 0;
         g->next && g->due > 0 && looks < SLICE_LOOKS && bytes < SLICE_BYTES;
         looks++) {
        aggregator *a = g->next;

        g->next = next_of(a);
        g->due--;
        bytes += look(g, a, g->may_wait);
    }
    if (g->next && g->due > 0)
        set_due(g, g->due);
    else if (g->has_more)
        begin_looking(g, true);
    else
        set_due(g, 0);
}

static bool is_late(const struct aggregating *g, uint64_t lines)
{
    return pace_behind(g->home->shared->pace, g->home->index) >= lines;
}

/* Reads until little is left, those first that had much before. */
static void catch_up(struct aggregating *g)
{
    aggregator *a = TAILQ_FIRST(&g->active);
    uint64_t bytes = 0;

    for (unsigned looks = 0; a && looks < SWEEP_LOOKS && bytes < SLICE_BYTES;
         looks++) {
        aggregator *next = next_of(a);

        bytes += look(g, a, true);
        if (!is_late(g, ENOUGH_LINES))
            return;
        a = next;
    }
    // Not all of it, or not the right ones: those behind them are next.
    if (g->due == 0)
        begin_looking(g, true);
}

/* While ingest is at it, on this thread. */
static void on_lines(worker *w)
{
    catch_up(w->aggregating);
}

static void on_late(waker *late)
{
    catch_up(late->home->aggregating);
}

static void wake_home(void *ctx, unsigned home)
{
    const daemon_shared *shared = ctx;
    struct aggregating *g = &shared->aggregates->homes[home];

    uv_mutex_lock(&g->lock);
    if (g->is_running)
        waker_post(&g->late);
    uv_mutex_unlock(&g->lock);
}

/* A line, or the channel's end. */
static void on_wake(waker *w)
{
    aggregator *a =
        (aggregator *)(void *)((char *)w - offsetof(aggregator, waker));

    activate(w->home->aggregating, a);
}

/* Following --------------------------------------------------------------- */

static void adopt(struct aggregating *g, aggregator *a)
{
    TAILQ_INSERT_TAIL(&g->all, a, entry);
    count_to(&g->count, g->count + 1);
    a->waker.home = g->home;
    a->waker.on_wake = on_wake;
    a->state = AGGREGATOR_ARMED;
    if (lp_cursor_arm(a->cursor) != LP_OK)
        activate(g, a);
}

static void adopt_all(struct aggregating *g)
{
    aggregator_list list;
    aggregator *a;

    TAILQ_INIT(&list);
    uv_mutex_lock(&g->lock);
    TAILQ_CONCAT(&list, &g->shelf, entry);
    uv_mutex_unlock(&g->lock);
    while ((a = TAILQ_FIRST(&list)) != NULL) {
        TAILQ_REMOVE(&list, a, entry);
        adopt(g, a);
    }
}

static void on_adopt(waker *w)
{
    adopt_all(w->home->aggregating);
}

/* On whatever thread makes the channel. */
static lp_err follow(void *ctx, lp_span id, lp_channel *ring,
                     catalog_follower **out)
{
    const daemon_shared *shared = ctx;
    unsigned home = pace_home(shared->pace, ring);
    struct aggregating *g = &shared->aggregates->homes[home];
    aggregator *a;
    lp_err err = aggregator_open(shared->aggregates, id, ring, home, &a);

    if (err != LP_OK)
        return err;
    *out = &a->follower;
    uv_mutex_lock(&g->lock);
    if (g->is_over) {
        aggregator_finish(a);
    } else {
        aggregator_ref(a); // the home's
        TAILQ_INSERT_TAIL(&g->shelf, a, entry);
        if (g->is_running)
            waker_post(&g->adopt);
    }
    uv_mutex_unlock(&g->lock);
    return LP_OK;
}

/* Life -------------------------------------------------------------------- */

static lp_err create_numbers(struct aggregates *shared, const config *cfg)
{
    lp_aggregates_options opt = LP_AGGREGATES_OPTIONS_INIT;
    lp_allocator allocator = aggregates_allocator(shared);
    lp_allocator scratch = aggregates_scratch();
    lp_err err;

    shared->lent_max_bytes = cfg->memory_max_bytes / 2;
    opt.series_max = cfg->aggregate_series_max;
    opt.bytes_max = cfg->aggregate_max_bytes;
    opt.alpha = AGGREGATOR_ALPHA;
    opt.allocator = &allocator;
    opt.scratch = &scratch;
    random_bytes(opt.hash_key, sizeof(opt.hash_key));
    snprintf(shared->why, sizeof(shared->why),
             "no memory: the aggregates of all channels may have half of "
             "--memory-max, %" PRIu64 " MiB, and have it; raise --memory-max, "
             "or lower --aggregate-max, which is %" PRIu64 " KiB a channel",
             shared->lent_max_bytes >> 20, cfg->aggregate_max_bytes >> 10);
    err = lp_aggregates_create(&opt, &shared->numbers);
    return err == LP_OK ? lp_aggregate_open(shared->numbers, &shared->none)
                        : err;
}

static bool create_homes(struct aggregates *shared)
{
    shared->homes = calloc(shared->home_count, sizeof(*shared->homes));
    for (unsigned i = 0; shared->homes && i < shared->home_count; i++) {
        struct aggregating *g = &shared->homes[i];

        uv_mutex_init(&g->lock);
        TAILQ_INIT(&g->shelf);
        TAILQ_INIT(&g->all);
        TAILQ_INIT(&g->active);
        g->adopt.on_wake = on_adopt;
        g->late.on_wake = on_late;
    }
    return shared->homes != NULL;
}

/* A ring has to keep what is not read yet, until ingest holds and beyond. */
static uint64_t wake_most_bytes(const config *cfg)
{
    uint64_t most = cfg->channel_max_bytes / 4;

    return most < WAKE_MOST_BYTES ? most : WAKE_MOST_BYTES;
}

static bool open_failed(const char *why)
{
    LOG_AT(LOG_ERROR, "start_failed", "what=aggregates why=\"%s\"", why);
    return false;
}

bool aggregates_open(daemon_shared *shared)
{
    struct aggregates *it = calloc(1, sizeof(*it));
    catalog_err err;

    if (!it)
        return open_failed("no memory");
    shared->aggregates = it;
    it->engine = shared->engine;
    it->home_count = shared->cfg->workers;
    shared->pace = pace_create(it->home_count, wake_most_bytes(shared->cfg),
                               wake_home, shared);
    if (!shared->pace || !create_homes(it) ||
        create_numbers(it, shared->cfg) != LP_OK)
        return open_failed("no memory");
    err = catalog_follow_channels(shared->cat, follow, shared);
    return err == CATALOG_OK || open_failed(catalog_strerror(err));
}

/* Of a home that never came to it. */
static void clear_shelf(struct aggregating *g)
{
    aggregator *a;

    while ((a = TAILQ_FIRST(&g->shelf)) != NULL) {
        TAILQ_REMOVE(&g->shelf, a, entry);
        aggregator_finish(a);
        aggregator_unref(a);
    }
}

void aggregates_close(daemon_shared *shared)
{
    struct aggregates *it = shared->aggregates;

    if (!it)
        return;
    for (unsigned i = 0; it->homes && i < it->home_count; i++) {
        clear_shelf(&it->homes[i]);
        uv_mutex_destroy(&it->homes[i].lock);
    }
    free(it->homes);
    lp_aggregate_close(it->none);
    lp_aggregates_destroy(it->numbers);
    pace_destroy(shared->pace);
    free(it);
    shared->aggregates = NULL;
    shared->pace = NULL;
}

void aggregating_start(worker *w)
{
    struct aggregating *g;

    if (!w->shared->aggregates)
        return;
    g = &w->shared->aggregates->homes[w->index];
    g->home = w;
    g->adopt.home = g->late.home = w;
    uv_timer_init(&w->loop, &g->timer);
    uv_idle_init(&w->loop, &g->idle);
    uv_timer_init(&w->loop, &g->round);
    g->timer.data = g->idle.data = g->round.data = g;
    g->round_ns = aggregator_over_ns(wall_clock_ns());
    atomic_store(&g->counted_ns, g->round_ns);
    uv_timer_start(&g->round, on_round, ROUND_MS, ROUND_MS);
    w->aggregating = g;
    w->on_lines = on_lines;
    uv_mutex_lock(&g->lock);
    g->is_running = true;
    uv_mutex_unlock(&g->lock);
    adopt_all(g);
}

void aggregating_stop(worker *w)
{
    struct aggregating *g = w->aggregating;
    aggregator *a;

    if (!g || g->is_over)
        return;
    uv_mutex_lock(&g->lock);
    g->is_over = true;
    g->is_running = false;
    uv_mutex_unlock(&g->lock);
    waker_cancel(&g->adopt);
    waker_cancel(&g->late);
    adopt_all(g);
    while ((a = TAILQ_FIRST(&g->all)) != NULL)
        finish(g, a);
    w->on_lines = NULL;
    uv_close((uv_handle_t *)&g->timer, NULL);
    uv_close((uv_handle_t *)&g->idle, NULL);
    uv_close((uv_handle_t *)&g->round, NULL);
}

void aggregates_totals_take(const daemon_shared *shared, aggregates_totals *out)
{
    *out = (aggregates_totals){0};
    if (!shared->aggregates)
        return;
    for (unsigned i = 0; i < shared->aggregates->home_count; i++) {
        const struct aggregating *g = &shared->aggregates->homes[i];

        out->behind_lines +=
            pace_behind(shared->pace, i) + count_get(&g->waiting_lines);
        out->active += count_get(&g->active_count);
        out->followed += count_get(&g->count);
    }
    out->frames = atomic_load(&shared->aggregates->frames);
    out->is_held = pace_is_held(shared->pace);
}
