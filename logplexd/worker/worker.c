#include "worker/worker.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/http.h"

enum { OFFLOADS_MAX = 1024, DRAIN_LOOK_MS = 10 };

/*
 *     any thread --push--> [ shared: a stack ] --take all, reverse--> [ turn ]
 *
 * Whoever pushes onto an empty stack writes the eventfd; the home worker takes
 * the whole stack at once and calls it in the order of the posts. A waker that
 * is being called is in neither list, so it can be posted again, or freed.
 */
struct wakeups {
    _Atomic(waker *) shared;
    waker *turn; /* the rest of this turn's: the home worker's alone */
    uv_async_t async;
};

typedef struct worker_impl {
    worker pub; /* the first member: a worker * is a worker_impl * */
    struct wakeups wakeups;
    worker_hooks hooks;
    uv_prepare_t turn_end;
    uv_timer_t drain;
    waker stopper;
    waker tail_ender;
    uv_mutex_t stop_lock; /* guards has_ended: a post may come too late */
    bool has_ended;
    _Atomic int stop_asked; /* worker_stop_kind, or 0 */
    int stop_seen;
    unsigned offloads; /* under way */
    bool has_thread;
} worker_impl;

static worker_impl *impl_of(worker *w)
{
    return (worker_impl *)w;
}

/* Waking ------------------------------------------------------------------ */

void waker_post(waker *w)
{
    struct wakeups *wakeups = w->home->wakeups;
    waker *top;

    if (atomic_exchange(&w->is_queued, true))
        return;
    top = atomic_load(&wakeups->shared);
    do {
        w->next = top;
    } while (!atomic_compare_exchange_weak(&wakeups->shared, &top, w));
    if (!top)
        uv_async_send(&wakeups->async);
}

// Moves what was posted behind what this turn still has to call.
static void wakeups_take(struct wakeups *wakeups)
{
    waker *posted = atomic_exchange(&wakeups->shared, NULL);
    waker *in_order = NULL;
    waker **end = &wakeups->turn;

    while (posted) {
        waker *next = posted->next;

        posted->next = in_order;
        in_order = posted;
        posted = next;
    }
    while (*end)
        end = &(*end)->next;
    *end = in_order;
}

static void on_async(uv_async_t *async)
{
    struct wakeups *wakeups = async->data;

    wakeups_take(wakeups);
    while (wakeups->turn) {
        waker *w = wakeups->turn;

        wakeups->turn = w->next;
        // Before the call: what is posted from here on is news to it.
        atomic_store(&w->is_queued, false);
        w->on_wake(w);
    }
}

void waker_cancel(waker *w)
{
    struct wakeups *wakeups = w->home->wakeups;
    waker **at = &wakeups->turn;

    if (!atomic_load(&w->is_queued))
        return;
    wakeups_take(wakeups);
    while (*at && *at != w)
        at = &(*at)->next;
    assert(*at); // or it is still being posted, which the caller ruled out
    *at = w->next;
    atomic_store(&w->is_queued, false);
    // The others taken here are called by the on_async() that is running, or
    // by the one that the first of their posts has asked for.
}

/* Work that blocks -------------------------------------------------------- */

typedef struct offload {
    uv_work_t uv;
    worker_impl *home;
    void (*work)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
} offload;

static void on_work(uv_work_t *uv)
{
    offload *job = uv->data;

    job->work(job->ctx);
}

static void on_work_done(uv_work_t *uv, int status)
{
    offload *job = uv->data;

    assert(status == 0); // nobody cancels
    job->home->offloads--;
    job->done(job->ctx);
    free(job);
}

bool worker_offload(worker *w, void (*work)(void *ctx), void (*done)(void *ctx),
                    void *ctx)
{
    worker_impl *impl = impl_of(w);
    offload *job = NULL;

    if (impl->offloads < OFFLOADS_MAX)
        job = malloc(sizeof(*job));
    if (!job) {
        count_add(&w->counts.counts[COUNT_OFFLOAD_REFUSED], 1);
        return false;
    }
    job->uv.data = job;
    job->home = impl;
    job->work = work;
    job->done = done;
    job->ctx = ctx;
    if (uv_queue_work(&w->loop, &job->uv, on_work, on_work_done) != 0) {
        free(job);
        return false;
    }
    impl->offloads++;
    return true;
}

/* Life -------------------------------------------------------------------- */

static void on_turn_end(uv_prepare_t *prepare)
{
    worker *w = prepare->data;

    w->is_now_fresh = false;
    w->turn++;
}

static void close_handles(worker_impl *impl)
{
    uv_mutex_lock(&impl->stop_lock);
    impl->has_ended = true;
    uv_mutex_unlock(&impl->stop_lock);
    uv_close((uv_handle_t *)&impl->wakeups.async, NULL);
    uv_close((uv_handle_t *)&impl->turn_end, NULL);
    uv_close((uv_handle_t *)&impl->drain, NULL);
}

static void log_cut(const worker_impl *impl)
{
    unsigned connections =
        impl->pub.http ? http_server_connections(impl->pub.http) : 0;

    if (connections > 0)
        LOG_AT(LOG_WARN, "cut", "worker=%u http_connections=%u",
               impl->pub.index, connections);
}

/*
 * Work on another thread is waited for even when all else is cut: it holds
 * what its worker owns, and the disk is not the client's fault.
 */
static void on_drain_look(uv_timer_t *timer)
{
    worker_impl *impl = timer->data;
    worker *w = &impl->pub;
    bool is_idle = (!w->http || http_server_connections(w->http) == 0) &&
                   !(impl->hooks.is_busy && impl->hooks.is_busy(w));
    bool is_owing = w->http && http_server_deferred(w->http) > 0;

    if (impl->offloads > 0 || is_owing)
        return;
    if (!is_idle && impl->stop_seen != WORKER_STOP_NOW)
        return;
    log_cut(impl);
    http_server_stop(w->http);
    w->http = NULL;
    if (impl->hooks.on_close)
        impl->hooks.on_close(w);
    close_handles(impl);
}

static void on_stop(waker *stopper)
{
    worker_impl *impl = impl_of(stopper->home);
    worker *w = &impl->pub;
    bool is_first = impl->stop_seen == 0;

    impl->stop_seen = atomic_load(&impl->stop_asked);
    if (!is_first)
        return;
    if (w->http)
        http_server_quiesce(w->http);
    if (impl->hooks.on_stop)
        impl->hooks.on_stop(w);
    uv_timer_start(&impl->drain, on_drain_look, 0, DRAIN_LOOK_MS);
}

static void on_tail_end(waker *tail_ender)
{
    worker_impl *impl = impl_of(tail_ender->home);

    if (impl->hooks.on_end_tails)
        impl->hooks.on_end_tails(&impl->pub);
}

static bool init_loop(worker_impl *impl)
{
    worker *w = &impl->pub;
    int err = uv_loop_init(&w->loop);

    if (err == 0) {
        err = uv_async_init(&w->loop, &impl->wakeups.async, on_async);
        if (err != 0)
            uv_loop_close(&w->loop);
    }
    if (err != 0) {
        LOG_AT(LOG_ERROR, "worker_failed", "worker=%u why=\"%s\"", w->index,
               uv_strerror(err));
        return false;
    }
    impl->wakeups.async.data = &impl->wakeups;
    uv_prepare_init(&w->loop, &impl->turn_end);
    impl->turn_end.data = w;
    uv_prepare_start(&impl->turn_end, on_turn_end);
    uv_timer_init(&w->loop, &impl->drain);
    impl->drain.data = impl;
    return true;
}

worker *worker_create(daemon_shared *shared, unsigned index,
                      const worker_hooks *hooks)
{
    worker_impl *impl = calloc(1, sizeof(*impl));

    if (!impl)
        return NULL;
    impl->pub.shared = shared;
    impl->pub.index = index;
    impl->pub.wakeups = &impl->wakeups;
    impl->stopper.home = &impl->pub;
    impl->stopper.on_wake = on_stop;
    impl->tail_ender.home = &impl->pub;
    impl->tail_ender.on_wake = on_tail_end;
    if (hooks)
        impl->hooks = *hooks;
    if (!init_loop(impl)) {
        free(impl);
        return NULL;
    }
    uv_mutex_init(&impl->stop_lock);
    if (shared->cat)
        catalog_reader_init(&impl->pub.reader, shared->cat);
    return &impl->pub;
}

static void end_loop(worker_impl *impl)
{
    int err;

    uv_run(&impl->pub.loop, UV_RUN_DEFAULT);
    err = uv_loop_close(&impl->pub.loop);
    assert(err == 0); // or somebody's handle is still open
    if (impl->hooks.on_end)
        impl->hooks.on_end(&impl->pub);
}

static void run(void *arg)
{
    end_loop(arg);
}

bool worker_start(worker *w)
{
    int err = uv_thread_create(&w->thread, run, impl_of(w));

    if (err != 0)
        LOG_AT(LOG_ERROR, "worker_failed", "worker=%u why=\"%s\"", w->index,
               uv_strerror(err));
    impl_of(w)->has_thread = err == 0;
    return err == 0;
}

// Posts a waker of the worker's own from another thread.
static void post_unless_ended(worker_impl *impl, waker *own)
{
    uv_mutex_lock(&impl->stop_lock);
    if (!impl->has_ended)
        waker_post(own);
    uv_mutex_unlock(&impl->stop_lock);
}

void worker_stop(worker *w, worker_stop_kind kind)
{
    worker_impl *impl = impl_of(w);

    atomic_store(&impl->stop_asked, (int)kind);
    post_unless_ended(impl, &impl->stopper);
}

void worker_end_tails(worker *w)
{
    worker_impl *impl = impl_of(w);

    post_unless_ended(impl, &impl->tail_ender);
}

void worker_join(worker *w)
{
    worker_impl *impl;

    if (!w)
        return;
    impl = impl_of(w);
    if (impl->has_thread) {
        uv_thread_join(&w->thread);
    } else { // it never ran: what was put on its loop is closed here
        worker_stop(w, WORKER_STOP_NOW);
        end_loop(impl);
    }
    if (w->shared->cat)
        catalog_reader_fini(&w->reader);
    uv_mutex_destroy(&impl->stop_lock);
    free(impl);
}
