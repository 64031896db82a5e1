#include "drain/runner_impl.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "drain/alert.h"
#include "drain/denial.h"
#include "logplex/drain_url.h"

enum {
    SYNC_MS = 20, /* many drains made at once are one walk */
    LOOK_MS = 200,
    ALERT_MS = 60 * 1000
};

/* Lists ------------------------------------------------------------------- */

static int order(const void *a, const void *b)
{
    uint64_t left = ((const running *)a)->id;
    uint64_t right = ((const running *)b)->id;

    return left < right ? -1 : left > right;
}

static void sort(running_list *list)
{
    if (list->count > 0)
        qsort(list->at, list->count, sizeof(*list->at), order);
}

running *runner_find(const running_list *list, uint64_t id)
{
    running key = {.id = id};

    if (list->count == 0)
        return NULL;
    return bsearch(&key, list->at, list->count, sizeof(key), order);
}

static bool push(running_list *list, const running *one)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        running *longer = realloc(list->at, room * sizeof(*longer));

        if (!longer)
            return false;
        list->at = longer;
        list->room = room;
    }
    list->at[list->count++] = *one;
    return true;
}

/* Opening and closing ----------------------------------------------------- */

static void forget(const running *one)
{
    free(one->url);
    free(one->channel_id);
}

static void note_unopened(running *one, const catalog_drain *from, lp_err err)
{
    lp_drain_url parsed;
    lp_drain_url_error error;
    bool is_url = lp_drain_url_parse(from->url, &parsed, &error) == LP_OK;
    const char *why = is_url ? lp_strerror(err) : error.sentence;
    char quoted[2 * LP_DRAIN_ERROR_MAX_BYTES];

    one->drain = NULL;
    one->status.state = LP_DRAIN_PARKED;
    snprintf(one->status.error, sizeof(one->status.error), "%.*s",
             LP_DRAIN_ERROR_MAX_BYTES - 1, why);
    LOG_AT(LOG_WARN, "drain_failed", "drain=%llu why=%s",
           (unsigned long long)from->id,
           log_quote(why, quoted, sizeof(quoted)));
}

/* One that was made under other rules is kept: it may be for a while. */
static void tell_denied(const struct drain_runner *r, const catalog_drain *from)
{
    const lp_drain_guard *guard = &r->home->shared->cfg->drain_guard;
    char quoted[2 * LP_DRAIN_URL_SENTENCE_MAX_BYTES];
    lp_drain_url parsed;
    lp_drain_url_error why;

    if (lp_drain_url_parse(from->url, &parsed, NULL) == LP_OK &&
        denial_of(guard, &parsed, &why))
        LOG_AT(LOG_WARN, "drain_denied", "drain=%llu why=%s",
               (unsigned long long)from->id,
               log_quote(why.sentence, quoted, sizeof(quoted)));
}

static bool open_one(struct drain_runner *r, const catalog_drain *from,
                     running *out)
{
    lp_drain_options opt = LP_DRAIN_OPTIONS_INIT;
    lp_err err;

    memset(out, 0, sizeof(*out));
    out->id = from->id;
    out->url = strndup(from->url.ptr, from->url.len_bytes);
    out->channel_id =
        strndup(from->channel->id.ptr, from->channel->id.len_bytes);
    if (!out->url || !out->channel_id) {
        forget(out);
        return false;
    }
    opt.start = from->start.kind;
    opt.start_arg = from->start.arg;
    opt.start_epoch = from->start.epoch;
    err = lp_drain_open(r->set, from->channel->ring, from->url, from->token,
                        &opt, &out->drain);
    if (err != LP_OK)
        note_unopened(out, from, err);
    else
        tell_denied(r, from);
    return true;
}

static void take_status(running *one)
{
    if (!one->drain)
        return;
    one->status.struct_bytes = sizeof(one->status);
    lp_drain_status_get(one->drain, &one->status);
}

/* Under the lock. */
static void close_one(struct drain_runner *r, running *one)
{
    if (one->drain)
        lp_drain_settle(one->drain);
    take_status(one);
    runner_add_sums(&r->gone, &one->status);
    lp_drain_close(one->drain);
    forget(one);
}

/* Seats ------------------------------------------------------------------- */

/* Without memory there is none, and what is gone by then counts as lost. */
static seat *new_seat(const catalog_new_drain *made)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    seat *one = calloc(1, sizeof(*one));

    if (!one)
        return NULL;
    opt.start = made->start.kind;
    opt.start_arg = made->start.arg;
    opt.start_epoch = made->start.epoch;
    opt.confirms = 1;
    one->version = made->version;
    if (lp_cursor_open(made->ring, &opt, &one->cursor) == LP_OK)
        return one;
    free(one);
    return NULL;
}

/* Threads: any. */
static void add_seat(struct drain_runner *r, const catalog_new_drain *made)
{
    seat *one;

    uv_mutex_lock(&r->lock);
    one = r->is_stopped ? NULL : new_seat(made);
    if (one) {
        one->next = r->seats;
        r->seats = one;
    }
    uv_mutex_unlock(&r->lock);
}

/* Of drains that a walk has seen up to this version. Under the lock. */
static void free_seats(struct drain_runner *r, uint64_t version)
{
    seat **at = &r->seats;

    while (*at) {
        seat *one = *at;

        if (one->version > version) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        lp_cursor_close(one->cursor);
        free(one);
    }
}

/* Walks ------------------------------------------------------------------- */

typedef struct walk {
    struct drain_runner *runner;
    running_list list; /* as it shall be */
    bool has_memory;
} walk;

static bool is_url(const running *one, lp_span url)
{
    return lp_span_equal(lp_span_str(one->url), url);
}

/* One that could not be opened, with another URL. False: no memory. */
static bool reopen(struct drain_runner *r, running *one,
                   const catalog_drain *to)
{
    running fresh;

    if (!open_one(r, to, &fresh))
        return false;
    forget(one);
    *one = fresh;
    return true;
}

/* To another sink. False: no memory, and it goes on as it was. */
static bool redirect(struct drain_runner *r, running *one,
                     const catalog_drain *to)
{
    char *url = strndup(to->url.ptr, to->url.len_bytes);
    lp_err err;

    if (!url)
        return false;
    err = lp_drain_redirect(one->drain, to->url);
    free(one->url);
    one->url = url;
    if (err != LP_OK) {
        close_one(r, &(running){.drain = one->drain});
        memset(&one->status, 0, sizeof(one->status));
        note_unopened(one, to, err);
    }
    return true;
}

/* False: no memory. */
static bool move(struct drain_runner *r, running *one, const catalog_drain *to)
{
    return one->drain ? redirect(r, one, to) : reopen(r, one, to);
}

/* One that is not to wait any longer. False: no memory. */
static bool let_go_on(struct drain_runner *r, running *one,
                      const catalog_drain *to)
{
    if (!one->drain)
        return reopen(r, one, to);
    if (one->wish == RUNNER_RETRY)
        lp_drain_retry(one->drain);
    else
        lp_drain_release(one->drain);
    take_status(one);
    return true;
}

/* False: no memory. */
static bool adapt(struct drain_runner *r, running *one, const catalog_drain *to)
{
    bool is_done = true;

    if (!is_url(one, to->url))
        is_done = move(r, one, to);
    else if (one->wish != RUNNER_NO_WISH)
        is_done = let_go_on(r, one, to);
    if (is_done)
        one->wish = RUNNER_NO_WISH;
    return is_done;
}

static bool keep_drain(walk *at, const catalog_drain *drain)
{
    running *old = runner_find(&at->runner->list, drain->id);
    running one;

    if (old) {
        if (!adapt(at->runner, old, drain))
            return false;
        return push(&at->list, old);
    }
    if (!open_one(at->runner, drain, &one))
        return false;
    if (push(&at->list, &one))
        return true;
    close_one(at->runner, &one);
    return false;
}

static bool visit(const catalog_channel *channel, void *ctx)
{
    walk *at = ctx;
    const worker *w = at->runner->home;

    for (size_t i = 0; i < channel->drain_count && at->has_memory; i++) {
        const catalog_drain *drain = &channel->drains[i];

        if (drain->url.len_bytes > 0 &&
            drain->id % w->shared->worker_count == w->index)
            at->has_memory = keep_drain(at, drain);
    }
    return at->has_memory;
}

/* Those that are not wanted any more; the others are in the new list. */
static void close_unwanted(struct drain_runner *r, const running_list *wanted)
{
    for (size_t i = 0; i < r->list.count; i++)
        if (!runner_find(wanted, r->list.at[i].id))
            close_one(r, &r->list.at[i]);
}

/* Of a walk without memory, what it found is added to what there was, so that
 * nothing that runs is forgotten. */
static void keep_all(struct drain_runner *r, running_list *found)
{
    size_t sorted = found->count;

    for (size_t i = 0; i < r->list.count; i++) {
        const running_list first = {found->at, sorted, sorted};

        if (!runner_find(&first, r->list.at[i].id) &&
            !push(found, &r->list.at[i]))
            close_one(r, &r->list.at[i]);
    }
    sort(found);
    LOG_AT(LOG_ERROR, "no_memory", "what=%s", "drains");
}

/* Under the lock. */
static void renew(struct drain_runner *r, const catalog_view *view)
{
    walk at = {.runner = r, .has_memory = true};

    catalog_each_channel(view, visit, &at);
    sort(&at.list);
    if (at.has_memory)
        close_unwanted(r, &at.list);
    else
        keep_all(r, &at.list);
    free(r->list.at);
    r->list = at.list;
    r->has_walked = at.has_memory;
    r->has_wishes = r->has_wishes && !at.has_memory;
    r->version = catalog_view_drains_version(view);
}

static void heed_switch(struct drain_runner *r)
{
    lp_drains_pause(r->set,
                    !switch_is_on(&r->home->shared->switches, SWITCH_DRAINS));
}

static void walk_catalog(struct drain_runner *r)
{
    const catalog_view *view = catalog_reader_view(&r->home->reader);

    heed_switch(r); // before there is a drain that could send
    uv_mutex_lock(&r->lock);
    r->walked_ms = uv_now(&r->home->loop);
    if (!r->has_walked || r->has_wishes ||
        catalog_view_drains_version(view) != r->version)
        renew(r, view);
    if (r->has_walked)
        free_seats(r, r->version);
    uv_mutex_unlock(&r->lock);
}

static void on_walk(uv_timer_t *timer)
{
    walk_catalog(timer->data);
}

static void on_wake(waker *w)
{
    struct drain_runner *r = w->home->drains;
    uint64_t since_ms = uv_now(&r->home->loop) - r->walked_ms;

    if (r->is_stopped || uv_is_active((uv_handle_t *)&r->timer))
        return;
    uv_timer_start(&r->timer, on_walk,
                   since_ms < SYNC_MS ? SYNC_MS - since_ms : 0, 0);
}

void runner_sync_all(void *ctx, const catalog_new_drain *made)
{
    const daemon_shared *shared = ctx;
    struct drain_runner *home;

    if (made) {
        home = shared->workers[made->id % shared->worker_count]->drains;
        if (home)
            add_seat(home, made);
    }
    for (unsigned i = 0; i < shared->worker_count; i++)
        if (shared->workers[i]->drains)
            waker_post(&shared->workers[i]->drains->waker);
}

/* Looks ------------------------------------------------------------------- */

/* A sink that is away, or does not want lines, is told of once, and once when it
 * takes them. */
static void log_news(running *one)
{
    const lp_drain_status *status = &one->status;
    bool fails =
        status->failed_in_a_row > 0 || status->error_ns > status->success_ns;
    char quoted[2 * LP_DRAIN_ERROR_MAX_BYTES];
    char channel[2 * CATALOG_ID_MAX_BYTES];

    if (fails == one->is_told)
        return;
    one->is_told = fails;
    log_quote(one->channel_id, channel, sizeof(channel));
    if (fails)
        LOG_AT(LOG_WARN, "drain_failing", "drain=%llu channel=%s why=%s",
               (unsigned long long)one->id, channel,
               log_quote(status->error, quoted, sizeof(quoted)));
    else
        LOG_AT(LOG_INFO, "drain_recovered", "drain=%llu channel=%s",
               (unsigned long long)one->id, channel);
}

/* L14, once for each drain in a while: it tries again and again. */
static void tell_alert(struct drain_runner *r, running *one)
{
    uint64_t now_ms = uv_now(&r->home->loop);

    if (one->status.tls_failures == one->told_alerts || !one->drain ||
        (one->told_alerts > 0 && now_ms - one->told_alerts_ms < ALERT_MS))
        return;
    one->told_alerts = one->status.tls_failures;
    one->told_alerts_ms = now_ms;
    if (one->status.tls_alert[0])
        alert_append(r->home, lp_drain_channel(one->drain),
                     lp_drain_token(one->drain), lp_span_str(one->url),
                     one->status.tls_alert);
}

static void on_look(uv_timer_t *timer)
{
    struct drain_runner *r = timer->data;

    heed_switch(r);
    if (!r->has_walked)
        walk_catalog(r);
    uv_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->list.count; i++) {
        take_status(&r->list.at[i]);
        log_news(&r->list.at[i]);
        tell_alert(r, &r->list.at[i]);
    }
    uv_mutex_unlock(&r->lock);
}

/* Life -------------------------------------------------------------------- */

static int64_t now_ns(void *ctx)
{
    return worker_now(ctx);
}

static bool may_connect(void *ctx, const struct sockaddr *address)
{
    const worker *w = ctx;

    return lp_drain_guard_allows(&w->shared->cfg->drain_guard, address);
}

static lp_err create_set(struct drain_runner *r)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    const config *cfg = r->home->shared->cfg;

    opt.linger_ms = cfg->drain_linger_ms;
    opt.answer_timeout_ms = cfg->drain_timeout_ms;
    opt.backoff_max_ms = cfg->drain_backoff_max_ms;
    opt.batch_bytes = (uint32_t)cfg->drain_batch_bytes;
    opt.pinned_max_bytes = cfg->drain_pinned_max_bytes;
    opt.ca_file = cfg->drain_ca;
    opt.pins_file = cfg->drain_pins;
    opt.cert_file = cfg->drain_cert;
    opt.key_file = cfg->drain_key;
    opt.seed = (uint64_t)wall_clock_ns() + r->home->index;
    opt.now_ns = now_ns;
    opt.may_connect = may_connect;
    opt.ctx = r->home;
    return lp_drains_create(&r->home->loop, &opt, &r->set);
}

bool runner_start(worker *w)
{
    struct drain_runner *r = calloc(1, sizeof(*r));

    if (r) {
        r->home = w;
        r->waker.home = w;
        r->waker.on_wake = on_wake;
    }
    if (!r || create_set(r) != LP_OK) {
        LOG_AT(LOG_ERROR, "no_memory", "what=%s", "drains");
        free(r);
        return false;
    }
    uv_mutex_init(&r->lock);
    uv_timer_init(&w->loop, &r->timer);
    uv_timer_init(&w->loop, &r->look);
    r->timer.data = r->look.data = r;
    uv_timer_start(&r->timer, on_walk, 0, 0);
    uv_timer_start(&r->look, on_look, LOOK_MS, LOOK_MS);
    w->drains = r;
    return true;
}

/* Drains that were made just before have their lines as well. */
void runner_hurry(worker *w)
{
    if (!w->drains)
        return;
    walk_catalog(w->drains); // a drain may have been made just now
    lp_drains_hurry(w->drains->set);
}

bool runner_is_busy(worker *w)
{
    return w->drains && lp_drains_is_busy(w->drains->set);
}

static int order_by_pending(const void *a, const void *b)
{
    uint64_t left = ((const running *)a)->status.pending_lines;
    uint64_t right = ((const running *)b)->status.pending_lines;

    return left != right ? (left < right ? 1 : -1) : order(a, b);
}

/* Each worker has lines of its own, so that none keeps another one's from the log. */
static void log_cut(const running *one, unsigned place)
{
    static log_site sites[CONFIG_WORKERS_MAX];
    char channel[2 * CATALOG_ID_MAX_BYTES];

    log_write(&sites[place], LOG_WARN, "drain_cut",
              "drain=%llu channel=%s lines=%llu", (unsigned long long)one->id,
              log_quote(one->channel_id, channel, sizeof(channel)),
              (unsigned long long)one->status.pending_lines);
}

/* What is still pending is lost: there is nowhere to keep it. Those that lose most
 * are named, as many as the log takes at a time. Under the lock; the list is no
 * longer by id then. */
static void log_pending(struct drain_runner *r)
{
    running_list *list = &r->list;
    uint64_t lines = 0;
    size_t cut = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i].drain)
            lp_drain_settle(list->at[i].drain);
        take_status(&list->at[i]);
        lines += list->at[i].status.pending_lines;
        cut += list->at[i].status.pending_lines > 0;
    }
    if (lines == 0)
        return;
    qsort(list->at, list->count, sizeof(*list->at), order_by_pending);
    for (size_t i = 0; i < cut && i < LOG_SITE_MAX_LINES; i++)
        log_cut(&list->at[i], r->home->index);
    LOG_AT(LOG_WARN, "drains_cut", "worker=%u drains=%zu lines=%llu",
           r->home->index, cut, (unsigned long long)lines);
}

void runner_stop(worker *w)
{
    struct drain_runner *r = w->drains;

    if (!r || r->is_stopped)
        return;
    uv_mutex_lock(&r->lock);
    log_pending(r);
    r->is_stopped = true;
    free_seats(r, UINT64_MAX);
    for (size_t i = 0; i < r->list.count; i++)
        close_one(r, &r->list.at[i]);
    r->list.count = 0;
    uv_mutex_unlock(&r->lock);
    lp_drains_destroy(r->set);
    waker_cancel(&r->waker);
    uv_close((uv_handle_t *)&r->timer, NULL);
    uv_close((uv_handle_t *)&r->look, NULL);
}

void runner_free(struct drain_runner *r)
{
    if (!r)
        return;
    assert(r->is_stopped);
    uv_mutex_destroy(&r->lock);
    free(r->list.at);
    free(r);
}
