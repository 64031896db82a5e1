#include "api/api_view.h"

#include <stdlib.h>
#include <string.h>

enum { UNSENT_MAX_BYTES = 32 * 1024 };

#define HELLO "retry: 2000\n\n"

typedef LIST_HEAD(view_list, api_view) view_list;

/* Of a worker, while there are any. */
struct views {
    worker *home;
    uv_timer_t timer;
    view_list list;
    bool has_job;
    bool has_tick; /* that waits for the job's end */
};

/* What the pool is to do. */
typedef struct job {
    struct views *views;
    int64_t now_ns;
    size_t count;
    api_view *at[];
} job;

static void count(const api_view *view, counter which)
{
    count_add(&view->home->counts.counts[which], 1);
}

/* Events ------------------------------------------------------------------ */

static void clear(api_event *event)
{
    aggregator_frame_unref(event->frame);
    free(event->text);
    memset(event, 0, sizeof(*event));
}

static bool is_sent(const api_event *event)
{
    for (unsigned i = 0; i < event->count; i++)
        if (event->parts[i].len_bytes > 0)
            return false;
    return true;
}

/* Puts as much of an event as there is room for. */
static size_t take(api_event *event, char *out, size_t room_bytes)
{
    size_t used_bytes = 0;

    for (unsigned i = 0; i < event->count; i++) {
        lp_span *part = &event->parts[i];
        size_t left_bytes = room_bytes - used_bytes;
        size_t now_bytes =
            part->len_bytes < left_bytes ? part->len_bytes : left_bytes;

        if (now_bytes > 0)
            memcpy(out + used_bytes, part->ptr, now_bytes);
        used_bytes += now_bytes;
        *part = lp_span_skip(*part, now_bytes);
    }
    if (is_sent(event))
        clear(event);
    return used_bytes;
}

static ssize_t fill(void *ctx, char *out, size_t room_bytes)
{
    api_view *view = ctx;
    size_t used_bytes;

    if (!view->has_hello && room_bytes >= sizeof(HELLO)) {
        view->has_hello = true;
        memcpy(out, HELLO, sizeof(HELLO) - 1);
        return sizeof(HELLO) - 1;
    }
    if (view->is_ending && !view->is_last && is_sent(&view->sending)) {
        view->is_last = true;
        api_view_print_end(&view->sending, "the daemon is going down");
    }
    used_bytes = take(&view->sending, out, room_bytes);
    if (used_bytes > 0)
        return (ssize_t)used_bytes;
    return view->is_last ? HTTP_STREAM_END : 0;
}

void api_view_print_end(api_event *out, const char *why)
{
    size_t room_bytes = strlen(why) + 64;

    out->text = malloc(room_bytes);
    if (!out->text)
        return;
    snprintf(out->text, room_bytes, "event: end\ndata: {\"why\":\"%s\"}\n\n",
             why);
    out->parts[0] = lp_span_str(out->text);
    out->count = 1;
}

/* The event that was made is on its way; not behind one that says the end. */
static void send_made(api_view *view)
{
    if (view->is_ending) {
        clear(&view->made);
        return;
    }
    clear(&view->sending); // which is sent, or had nothing to say
    view->is_last = view->is_made_last;
    view->sending = view->made;
    memset(&view->made, 0, sizeof(view->made));
    if (view->sending.count > 0)
        count(view, COUNT_AGGREGATE_FRAMES_SENT);
    http_stream_wake(view->req);
}

/* Jobs -------------------------------------------------------------------- */

static void start_timer(struct views *views);
static void run_job(struct views *views, bool is_tick);

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_if_empty(struct views *views)
{
    if (!LIST_EMPTY(&views->list) || views->has_job)
        return;
    views->home->views = NULL;
    uv_close((uv_handle_t *)&views->timer, on_timer_closed);
}

static void destroy(api_view *view)
{
    clear(&view->made);
    clear(&view->sending);
    view->kind->destroy(view);
}

static void work(void *ctx)
{
    job *j = ctx;

    for (size_t i = 0; i < j->count; i++) {
        api_view *view = j->at[i];

        view->is_made_last = !view->kind->make(view, j->now_ns, &view->made);
    }
}

static bool take_tick(struct views *views)
{
    bool is_tick = views->has_tick;

    views->has_tick = false;
    return is_tick;
}

static void done(void *ctx)
{
    job *j = ctx;
    struct views *views = j->views;

    for (size_t i = 0; i < j->count; i++) {
        api_view *view = j->at[i];

        view->is_in_job = false;
        if (view->is_closed)
            destroy(view);
        else
            send_made(view);
    }
    free(j);
    views->has_job = false;
    close_if_empty(views);
    if (views->home->views == views)
        run_job(views, take_tick(views)); // and for who has come meanwhile
}

static bool is_due(const api_view *view, bool is_tick)
{
    return !view->is_last && !view->is_ending && (is_tick || view->is_new) &&
           is_sent(&view->sending);
}

/* A view that is not due at a tick is busy with what it got before. */
static size_t count_due(const struct views *views, bool is_tick)
{
    const api_view *view;
    size_t due = 0;

    LIST_FOREACH (view, &views->list, entry) {
        if (is_due(view, is_tick))
            due++;
        else if (is_tick && !view->is_last && !view->is_ending)
            count(view, COUNT_AGGREGATE_FRAMES_SKIPPED);
    }
    return due;
}

static job *new_job(struct views *views, size_t due, bool is_tick)
{
    job *j = malloc(sizeof(*j) + due * sizeof(j->at[0]));
    api_view *view;

    if (!j)
        return NULL;
    j->views = views;
    j->now_ns = worker_now(views->home);
    j->count = 0;
    LIST_FOREACH (view, &views->list, entry)
        if (is_due(view, is_tick))
            j->at[j->count++] = view;
    return j;
}

/* False: no memory, or the pool has too much to do. */
static bool start_job(struct views *views, size_t due, bool is_tick)
{
    job *j = new_job(views, due, is_tick);

    if (!j || !worker_offload(views->home, work, done, j)) {
        free(j);
        return false;
    }
    views->has_job = true;
    for (size_t i = 0; i < j->count; i++) {
        j->at[i]->is_in_job = true;
        j->at[i]->is_new = false;
    }
    return true;
}

static void skip(const struct views *views, size_t due)
{
    count_add(&views->home->counts.counts[COUNT_AGGREGATE_FRAMES_SKIPPED], due);
}

/* A tick during a job waits for its end: who comes and goes, and has jobs made for
 * himself, takes nobody's. Who is left out, as that takes a second or there can be
 * no job, has more to be told the next one. */
static void run_job(struct views *views, bool is_tick)
{
    bool is_waiting = views->has_job && !(is_tick && views->has_tick);
    size_t due;

    views->has_tick = views->has_job && (views->has_tick || is_tick);
    if (is_waiting)
        return;
    due = count_due(views, is_tick);
    if (due > 0 && (views->has_job || !start_job(views, due, is_tick)) &&
        is_tick)
        skip(views, due);
}

/* Ticks ------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer)
{
    struct views *views = timer->data;

    start_timer(views);
    run_job(views, true);
}

/* Just behind the moment at which a second is over. */
static void start_timer(struct views *views)
{
    int64_t over_ms = aggregator_over_ns(wall_clock_ns()) / 1000000;

    uv_timer_start(&views->timer, on_tick, 1001 - (uint64_t)(over_ms % 1000),
                   0);
}

/* Life -------------------------------------------------------------------- */

static struct views *views_of(worker *w)
{
    struct views *views = w->views;

    if (views)
        return views;
    views = calloc(1, sizeof(*views));
    if (!views)
        return NULL;
    views->home = w;
    LIST_INIT(&views->list);
    uv_timer_init(&w->loop, &views->timer);
    views->timer.data = views;
    w->views = views;
    start_timer(views);
    return views;
}

static void on_close(void *ctx)
{
    api_view *view = ctx;
    struct views *views = view->home->views;

    count(view, COUNT_AGGREGATE_VIEWERS_CLOSED);
    LIST_REMOVE(view, entry);
    view->is_closed = true;
    if (!view->is_in_job)
        destroy(view);
    close_if_empty(views);
}

static void end(api_view *view)
{
    view->is_ending = true;
    http_stream_wake(view->req);
}

void api_view_start(http_request *req, api_view *view)
{
    static const http_stream_calls calls = {fill, on_close};
    worker *w = http_worker(req);
    struct views *views = views_of(w);

    if (!views) {
        view->kind->destroy(view);
        api_refuse_memory(req);
        return;
    }
    view->home = w;
    view->req = req;
    view->is_new = true;
    LIST_INSERT_HEAD(&views->list, view, entry);
    count(view, COUNT_AGGREGATE_VIEWERS_OPENED);
    http_limit_unsent(req, UNSENT_MAX_BYTES);
    http_set_header(req, "Cache-Control", "no-cache");
    http_set_header(req, "X-Accel-Buffering", "no");
    http_set_header(req, "X-Content-Type-Options", "nosniff");
    http_stream(req, 200, "text/event-stream", &calls, view);
    if (atomic_load(&w->shared->is_draining))
        end(view);
    else
        run_job(views, false);
}

void api_view_end_all(worker *w)
{
    api_view *view;

    if (w->views)
        LIST_FOREACH (view, &w->views->list, entry)
            end(view);
}
