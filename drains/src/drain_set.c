/* drain_set.c - the set: who is woken, whose turn it is, how lines leave. */
#include "drain_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backoff.h"
#include "http_drain.h"
#include "resolver.h"
#include "sheet.h"
#include "syslog_drain.h"
#include "tls_trust.h"

#define PINNED_MAX_BYTES ((size_t)256 << 20)

enum {
    ROUNDS_MAX = 64, /* in a turn of the loop */
    GATHER_MIN_LINES = 64,
    GATHER_MAX_LINES = 1024,
    GATHER_MAX_TURNS = 8,
    GATHER_MAX_MS = 1, /* where turns are long */
    PACE_MS = 200
};

/* Waking ------------------------------------------------------------------ */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; // the loop does not wait while there is one
}

/*
 *     any thread --async--> [ events of a turn ] --> on_check: who is woken
 *                                 |                     ^
 *                                 +-- the loop's own ---+
 *
 * So lines that came in a turn leave in it, and no event is written for them. A loop
 * may go from one thread to another between two turns. Under the lock.
 */
static void ask_for_check(lp_drains *set)
{
    uv_thread_t self = uv_thread_self();

    if (!set->has_events || !uv_thread_equal(&set->thread, &self))
        uv_async_send(&set->async);
}

static void set_has_events(lp_drains *set, bool has_events)
{
    uv_mutex_lock(&set->wake_lock);
    set->has_events = has_events;
    set->thread = uv_thread_self();
    uv_mutex_unlock(&set->wake_lock);
}

static void on_prepare(uv_prepare_t *prepare)
{
    set_has_events(prepare->data, true);
}

void lpi_set_wake(lp_drain *drain)
{
    lp_drains *set = drain->set;

    uv_mutex_lock(&set->wake_lock);
    if (TAILQ_EMPTY(&set->woken) && !set->is_waking)
        ask_for_check(set);
    if (!drain->is_woken) {
        drain->is_woken = true;
        TAILQ_INSERT_TAIL(&set->woken, drain, woken);
        set->woken_count++;
    }
    uv_mutex_unlock(&set->wake_lock);
}

/* Under the lock. */
static void leave_woken(lp_drain *drain)
{
    TAILQ_REMOVE(&drain->set->woken, drain, woken);
    drain->set->woken_count--;
    drain->is_woken = false;
}

/* NULL: that was all. */
static lp_drain *next_woken(lp_drains *set)
{
    lp_drain *drain;

    uv_mutex_lock(&set->wake_lock);
    drain = TAILQ_FIRST(&set->woken);
    if (drain)
        leave_woken(drain);
    uv_mutex_unlock(&set->wake_lock);
    return drain;
}

/* How many come to the next round. While it is on, none asks for a check. */
static size_t begin_round(lp_drains *set, bool is_on)
{
    size_t count;

    uv_mutex_lock(&set->wake_lock);
    count = set->woken_count;
    set->is_waking = is_on && count > 0;
    if (!is_on && count > 0)
        ask_for_check(set);
    uv_mutex_unlock(&set->wake_lock);
    set->lanes.round++;
    return count;
}

/* Lines that this one has not taken: all that are there, to those who share. */
static uint64_t unread_lines(lp_drains *set)
{
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;
    lp_drain *first;

    uv_mutex_lock(&set->wake_lock);
    first = TAILQ_FIRST(&set->woken);
    uv_mutex_unlock(&set->wake_lock);
    if (first && first->protocol->has_lanes)
        lp_cursor_stats_get(first->cursor, &stats);
    return stats.pending_lines;
}

/* A burst comes in several reads, and what costs is how often it is sent. So as
 * long as each turn brings more of it, it waits for the next turn, which does not
 * wait itself; a few lines go at once. */
static bool is_gathering(lp_drains *set)
{
    uint64_t lines = unread_lines(set);
    uint64_t now_ms = uv_now(set->loop);
    bool is_more = lines > set->gathered_lines && lines >= GATHER_MIN_LINES &&
                   lines < GATHER_MAX_LINES;

    if (set->gathered_lines == 0)
        set->gather_ms = now_ms;
    set->gathered_lines = is_more ? lines : 0;
    set->gather_turns = is_more ? set->gather_turns + 1 : 0;
    if (set->gather_turns <= GATHER_MAX_TURNS &&
        now_ms - set->gather_ms <= GATHER_MAX_MS)
        return is_more;
    set->gathered_lines = set->gather_turns = 0;
    return false;
}

/* In rounds, as those who have more to send are woken again; but not for ever. */
static void on_check(uv_check_t *check)
{
    lp_drains *set = check->data;
    lp_drain *drain;
    size_t count;

    uv_idle_stop(&set->idle);
    set_has_events(set, false);
    if (is_gathering(set)) {
        uv_idle_start(&set->idle, on_idle);
        return;
    }
    for (int round = 0; round < ROUNDS_MAX; round++) {
        count = begin_round(set, true);
        if (count == 0)
            return;
        while (count-- > 0 && (drain = next_woken(set)) != NULL)
            lpi_drain_woken(drain);
    }
    begin_round(set, false);
}

static void on_async(uv_async_t *async)
{
    (void)async; // a turn has begun, and ends with the check
}

/* Its cursor is closed, so nobody wakes it any more; but it may be woken. */
static void unwake(lp_drain *drain)
{
    lp_drains *set = drain->set;

    uv_mutex_lock(&set->wake_lock);
    if (drain->is_woken)
        leave_woken(drain);
    uv_mutex_unlock(&set->wake_lock);
}

/* Turns ------------------------------------------------------------------- */

enum {
    FRESH_FAILURES = 3,
    LEASE_MS = 500 /* of a turn, while others wait for one */
};

/* Who is likely to take something need not wait behind those that fail all the
 * time. */
static lpi_queue_kind kind_of(const lp_drain *drain)
{
    if (lpi_drain_was_there(drain))
        return LPI_KNOWN;
    if (drain->batches == 0 && drain->failures == 0)
        return LPI_NEW;
    return drain->failed_in_a_row > FRESH_FAILURES ? LPI_FAILED : LPI_FRESH;
}

static void on_lease(uv_timer_t *timer);

/* Who hangs for as long as it is let keeps its turn for a while only, and then goes
 * on without one. */
static void watch_lease(lp_drains *set)
{
    const lp_drain *first = TAILQ_FIRST(&set->turning);
    uint64_t held_ms;

    if (!first || uv_is_active((uv_handle_t *)&set->lease))
        return;
    held_ms = uv_now(set->loop) - first->turn_ms;
    uv_timer_start(&set->lease, on_lease,
                   held_ms < LEASE_MS ? LEASE_MS - held_ms : 1, 0);
}

/* The newest goes first: many that were made at once, and hang, would else be in
 * front of it. */
static void enqueue(lp_drain *drain, lpi_queue_kind kind)
{
    lpi_queue *queue = &drain->set->queues[kind];

    if (drain->is_queued)
        return;
    drain->kind = kind;
    drain->is_queued = true;
    if (kind == LPI_NEW)
        TAILQ_INSERT_HEAD(queue, drain, queued);
    else
        TAILQ_INSERT_TAIL(queue, drain, queued);
    watch_lease(drain->set);
}

static void leave_queue(lp_drain *drain)
{
    if (!drain->is_queued)
        return;
    drain->is_queued = false;
    TAILQ_REMOVE(&drain->set->queues[drain->kind], drain, queued);
}

/* A quarter of the turns is for known ones alone: others may be many, and hang
 * for as long as they are let. At the end no more of these try again, as a turn
 * would outlast us. */
static bool has_room_for(const lp_drains *set, lpi_queue_kind kind)
{
    unsigned most = set->opt.opening_max;

    if (set->opening >= most)
        return false;
    if (kind == LPI_KNOWN)
        return true;
    return set->opening_others < most - most / 4 &&
           !(set->is_hurried && kind != LPI_NEW);
}

static void give_turn(lp_drain *drain, lpi_queue_kind kind)
{
    drain->kind = kind;
    drain->has_turn = true;
    drain->turn_ms = uv_now(drain->set->loop);
    TAILQ_INSERT_TAIL(&drain->set->turning, drain, turning);
    drain->set->opening++;
    drain->set->opening_others += kind != LPI_KNOWN;
}

bool lpi_set_take_turn(lp_drain *drain)
{
    lpi_queue_kind kind = kind_of(drain);

    if (drain->has_turn)
        return true;
    if (!drain->is_queued && has_room_for(drain->set, kind)) {
        give_turn(drain, kind);
        return true;
    }
    enqueue(drain, kind);
    return false;
}

void lpi_set_end_turn(lp_drain *drain)
{
    lp_drains *set = drain->set;

    if (!drain->has_turn)
        return;
    drain->has_turn = false;
    TAILQ_REMOVE(&set->turning, drain, turning);
    set->opening--;
    set->opening_others -= drain->kind != LPI_KNOWN;
    for (int kind = 0; kind < LPI_QUEUES; kind++) {
        lp_drain *next = TAILQ_FIRST(&set->queues[kind]);

        if (!next || !has_room_for(set, (lpi_queue_kind)kind))
            continue;
        leave_queue(next);
        give_turn(next, (lpi_queue_kind)kind);
        lpi_set_wake(next); // later, as the caller is in the middle of it
        return;
    }
}

static bool has_queued(const lp_drains *set)
{
    for (int kind = 0; kind < LPI_QUEUES; kind++)
        if (!TAILQ_EMPTY(&set->queues[kind]))
            return true;
    return false;
}

static void on_lease(uv_timer_t *timer)
{
    lp_drains *set = timer->data;
    uint64_t now_ms = uv_now(set->loop);
    lp_drain *first;

    while (has_queued(set) && (first = TAILQ_FIRST(&set->turning)) != NULL &&
           now_ms - first->turn_ms >= LEASE_MS) {
        lp_drain_reached(first);
        if (first->has_turn) { // too much is pinned
            uv_timer_start(timer, on_lease, LEASE_MS, 0);
            return;
        }
    }
    if (has_queued(set))
        watch_lease(set);
}

/* Pace -------------------------------------------------------------------- */

static void on_pace(uv_timer_t *timer)
{
    lp_drains *set = timer->data;
    bool goes_on = false;
    lp_drain *at;

    LIST_FOREACH (at, &set->drains, of_set)
        goes_on |= lpi_keep_look_at_pace(at);
    if (goes_on)
        lpi_set_watch_pace(set);
}

void lpi_set_watch_pace(lp_drains *set)
{
    if (!uv_is_active((uv_handle_t *)&set->pace))
        uv_timer_start(&set->pace, on_pace, PACE_MS, 0);
}

/* Protocols --------------------------------------------------------------- */

const lp_drain_protocol *lpi_set_protocol(const lp_drains *set, lp_span url)
{
    for (const lpi_protocol *at = set->protocols; at; at = at->next) {
        lp_span scheme = lp_span_str(at->public.scheme);

        if (url.len_bytes > scheme.len_bytes &&
            url.ptr[scheme.len_bytes] == ':' && lp_span_starts(url, scheme))
            return &at->public;
    }
    return NULL;
}

lp_err lp_drains_register(lp_drains *set, const lp_drain_protocol *protocol)
{
    lpi_protocol *added;

    if (protocol->struct_bytes != sizeof(*protocol) || protocol->window < 1 ||
        protocol->window > 64 || !protocol->scheme || !protocol->open ||
        !protocol->send || !protocol->close)
        return LP_E_INVALID;
    added = calloc(1, sizeof(*added));
    if (!added)
        return LP_E_NOMEM;
    added->public = *protocol;
    added->next = set->protocols;
    set->protocols = added;
    return LP_OK;
}

/* Life -------------------------------------------------------------------- */

static int64_t wall_clock_ns(void *ctx)
{
    struct timespec now;

    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void set_default(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static lp_err read_options(const lp_drains_options *from,
                           lp_drains_options *opt)
{
    lp_drains_options defaults = LP_DRAINS_OPTIONS_INIT;

    *opt = defaults;
    if (from && from->struct_bytes > sizeof(*opt))
        return LP_E_INVALID;
    if (from)
        memcpy(opt, from, from->struct_bytes);
    set_default(&opt->linger_ms, 100);
    set_default(&opt->connect_timeout_ms, 3000);
    set_default(&opt->answer_timeout_ms, 5000);
    set_default(&opt->backoff_min_ms, 250);
    set_default(&opt->backoff_max_ms, 30000);
    set_default(&opt->opening_max, 64);
    if (opt->pinned_max_bytes == 0)
        opt->pinned_max_bytes = PINNED_MAX_BYTES;
    set_default(&opt->batch_bytes, 512 * 1024);
    if (!opt->user_agent)
        opt->user_agent = "Logplex/" LP_VERSION_STRING;
    if (!opt->now_ns)
        opt->now_ns = wall_clock_ns;
    return LP_OK;
}

static void free_set(lp_drains *set)
{
    while (set->protocols) {
        lpi_protocol *first = set->protocols;

        set->protocols = first->next;
        free(first);
    }
    uv_mutex_destroy(&set->wake_lock);
    free(set);
}

void lpi_set_handle_closed(lp_drains *set)
{
    if (--set->open_handles == 0)
        free_set(set);
}

static void on_handle_closed(uv_handle_t *handle)
{
    lpi_set_handle_closed(handle->data);
}

static lp_err add_protocols(lp_drains *set)
{
    lp_err err = lpi_http_register(set, &set->http);

    if (err == LP_OK)
        err = lpi_syslog_register(set);
    return err == LP_OK ? lpi_syslog_udp_register(set) : err;
}

lp_err lp_drains_create(uv_loop_t *loop, const lp_drains_options *options,
                        lp_drains **out)
{
    lp_drains_options opt;
    lp_drains *set;
    lp_err err = read_options(options, &opt);

    if (err != LP_OK)
        return err;
    set = calloc(1, sizeof(*set));
    if (!set)
        return LP_E_NOMEM;
    set->loop = loop;
    set->opt = opt;
    set->random = opt.seed;
    TAILQ_INIT(&set->woken);
    TAILQ_INIT(&set->turning);
    for (int kind = 0; kind < LPI_QUEUES; kind++)
        TAILQ_INIT(&set->queues[kind]);
    if (uv_mutex_init(&set->wake_lock) != 0 ||
        uv_async_init(loop, &set->async, on_async) != 0) {
        free(set); // out of descriptors, most likely
        return LP_E_NOMEM;
    }
    uv_check_init(loop, &set->check);
    uv_idle_init(loop, &set->idle);
    uv_prepare_init(loop, &set->prepare);
    uv_timer_init(loop, &set->lease);
    uv_timer_init(loop, &set->pace);
    set->async.data = set->check.data = set->pace.data = set;
    set->idle.data = set->prepare.data = set->lease.data = set;
    set->open_handles = 6;
    uv_prepare_start(&set->prepare, on_prepare);
    uv_check_start(&set->check, on_check);
    err = add_protocols(set);
    if (err != LP_OK) {
        lp_drains_destroy(set);
        return err;
    }
    *out = set;
    return LP_OK;
}

void lp_drains_destroy(lp_drains *set)
{
    lp_drain *drain;

    if (!set)
        return;
    while ((drain = LIST_FIRST(&set->drains)) != NULL)
        lp_drain_close(drain);
    lpi_http_destroy(set->http);
    lpi_trust_let_go(set->trust);
    lpi_sheets_free(set->sheets);
    lpi_resolver_close(set->resolver);
    uv_close((uv_handle_t *)&set->async, on_handle_closed);
    uv_close((uv_handle_t *)&set->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&set->check, on_handle_closed);
    uv_close((uv_handle_t *)&set->idle, on_handle_closed);
    uv_close((uv_handle_t *)&set->lease, on_handle_closed);
    uv_close((uv_handle_t *)&set->pace, on_handle_closed);
}

static void pump_all(lp_drains *set)
{
    lp_drain *at;

    LIST_FOREACH (at, &set->drains, of_set)
        lpi_drain_pump(at);
}

void lp_drains_pause(lp_drains *set, bool is_paused)
{
    lp_drain *at;

    if (set->is_paused == is_paused)
        return;
    set->is_paused = is_paused;
    LIST_FOREACH (at, &set->drains, of_set)
        lpi_keep_set_crowded(at, false); // it waits for something else
    pump_all(set);
}

void lp_drains_hurry(lp_drains *set)
{
    lp_drain *at;

    set->is_hurried = true;
    LIST_FOREACH (at, &set->drains, of_set)
        lpi_drain_hurry(at);
}

bool lp_drains_is_busy(lp_drains *set)
{
    lp_drain *at;

    if (set->is_paused)
        return false;
    LIST_FOREACH (at, &set->drains, of_set)
        if (lpi_drain_may_deliver(at) && lpi_drain_pending(at) > 0)
            return true;
    return false;
}

uint64_t lp_drains_pending(lp_drains *set)
{
    uint64_t lines = 0;
    lp_drain *at;

    LIST_FOREACH (at, &set->drains, of_set)
        lines += lpi_drain_pending(at);
    return lines;
}

void lpi_set_enter(lp_drain *drain)
{
    lp_drains *set = drain->set;

    uv_timer_init(set->loop, &drain->timer);
    drain->timer.data = drain;
    set->open_handles++;
    LIST_INSERT_HEAD(&set->drains, drain, of_set);
}

void lpi_set_leave(lp_drain *drain)
{
    unwake(drain);
    leave_queue(drain);
    lpi_set_end_turn(drain);
    lpi_keep_set_crowded(drain, false);
    LIST_REMOVE(drain, of_set);
}
