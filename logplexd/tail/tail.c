#include "tail/tail.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "tail/history.h"
#include "tail/outflow.h"
#include "tail/tail_filter.h"
#include "tail/tail_form.h"

enum {
    LINES_PER_FILL = 4096, /* looked at, sent or not, before others' turn */
    LINES_PER_RUN = 1024,
    SWEEP_MAX_MS = 1000,
    SWEEP_MIN_MS = 20,
    /* A pattern may take long to look at a line. It gets no more than this. */
    PATTERNS_NS = 5000000,
    LINES_PER_LOOK_OF_PATTERNS = 8,
    /* A tail that has just spoken waits this long for more lines, or as long as
     * its form says, so that a stream of single lines costs each of its readers
     * 200 writes a second at most, and a line after silence goes out at once. */
    GATHER_MS = 5,
    /* When an EventSource is to come back: at once after a history that is
     * over (the CLI waits as long before it exits), else after a second; not
     * soon where it is told L20 each time. */
    RETRY_DONE_MS = 10,
    RETRY_MS = 1000,
    RETRY_FORBIDDEN_MS = 30000
};

typedef enum tail_stage {
    STAGE_HELLO,
    STAGE_SCAN,
    STAGE_READ,
    STAGE_FAREWELL,
    STAGE_OVER
} tail_stage;

/* What comes after a step. */
typedef enum step {
    STEP_ON,    /* the next step                        */
    STEP_FULL,  /* the block goes out, as full as it is */
    STEP_FLUSH, /* it goes out, and that was all        */
    STEP_WAIT,  /* for lines                            */
    STEP_YIELD, /* others first; and then on by itself  */
    STEP_END,
    STEP_ABORT
} step;

typedef struct tail {
    struct tail *prev, *next;
    http_request *req;
    worker *home;
    waker waker;
    lp_channel *ring;
    uint64_t epoch;
    const tail_form *form;

    tail_stage stage;
    tail_scan *scan;
    tail_filter filter;
    lp_cursor *cursor;
    lp_run run;
    uint32_t run_at;     /* the next line of run        */
    uint32_t look_lines; /* left to this call of fill() */
    bool has_patterns;   /* it also has to look at the clock: */
    uint64_t look_until_ns;
    outflow flow;
    bool is_open;    /* the event of the last line: others may follow there */
    bool has_paused; /* what it said last was all that there was            */

    tail_gap gap;
    bool is_gap_due;
    lp_seq passed_seq; /* the last line that was sent or left out */
    lp_seq told_seq;   /* the last one whose id the reader knows  */
    lp_seq end_seq;    /* while is_ending: the line not to be sent */

    uint64_t num_lines;
    history_bounds history;
    lp_seq floor_seq; /* no history is older */
    const char *forbidden;
    bool is_tail;
    bool is_resumed;
    bool is_ending;
    bool is_limited; /* the lag limit holds: history is behind it */
    bool is_waiting;
    bool is_gathering; /* there is something, but it has just spoken */
    bool is_heartbeat_due;
    uint64_t spoke_ms; /* loop time of its last bytes */
    char text[];       /* of the filter               */
} tail;

/* All tails of a worker, while there are any. */
struct tails {
    uv_timer_t sweep;  /* for heartbeats                              */
    uv_timer_t gather; /* active while at least one tail is gathering */
    unsigned open_timers;
    tail *first;
};

static void count(tail *t, counter which, uint64_t n)
{
    count_add(&t->home->counts.counts[which], n);
}

/* Cursors ----------------------------------------------------------------- */

// On whatever thread appends.
static void on_ready(void *ctx)
{
    tail *t = ctx;

    waker_post(&t->waker);
}

// How long it still waits for lines that go along with those it has.
static uint64_t gather_ms(const tail *t)
{
    uint64_t least_ms = t->form->pause_ms ? t->form->pause_ms : GATHER_MS;
    uint64_t silent_ms = uv_now(&t->home->loop) - t->spoke_ms;

    return silent_ms < least_ms ? least_ms - silent_ms : 0;
}

static void on_gathered(uv_timer_t *timer)
{
    const struct tails *tails = timer->data;
    uint64_t next_ms = UINT64_MAX;

    for (tail *t = tails->first; t; t = t->next) {
        uint64_t wait_ms = t->is_gathering ? gather_ms(t) : UINT64_MAX;

        if (wait_ms == 0) {
            t->is_gathering = false;
            http_stream_wake(t->req);
        } else if (wait_ms < next_ms) {
            next_ms = wait_ms;
        }
    }
    if (next_ms < UINT64_MAX)
        uv_timer_start(timer, on_gathered, next_ms, 0);
}

static void gather(tail *t)
{
    uv_timer_t *timer = &t->home->tails->gather;
    uint64_t wait_ms = gather_ms(t);

    t->is_gathering = true;
    if (!uv_is_active((uv_handle_t *)timer) ||
        uv_timer_get_due_in(timer) > wait_ms)
        uv_timer_start(timer, on_gathered, wait_ms, 0);
}

static void on_wake(waker *w)
{
    tail *t = (tail *)(void *)((char *)w - offsetof(tail, waker));

    if (t->is_waiting && gather_ms(t) > 0)
        gather(t);
    else
        http_stream_wake(t->req);
}

static lp_err open_cursor(tail *t, lp_start start, uint64_t start_arg,
                          lp_seq stop_seq)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    opt.start = start;
    opt.start_arg = start_arg;
    opt.start_epoch = t->epoch;
    opt.stop =
        t->is_tail ? LP_STOP_NEVER : (stop_seq ? LP_STOP_SEQ : LP_STOP_NOW);
    opt.stop_seq = stop_seq;
    opt.on_ready = on_ready;
    opt.ready_ctx = t;
    return lp_cursor_open(t->ring, &opt, &t->cursor);
}

static void owe_gap(tail *t, uint64_t lost_lines, int64_t since_ns,
                    lp_seq before_seq)
{
    t->gap.lost_lines = lost_lines;
    t->gap.since_ns = since_ns;
    t->gap.before_seq = before_seq;
    t->gap.is_unknown = lost_lines == 0;
    t->is_gap_due = true;
}

// The history of a session that begins, or of one that lost its place.
static lp_err open_history(tail *t)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    if (t->num_lines == 0 || tail_filter_is_open(&t->filter)) {
        history_start(t->ring, &t->history, t->num_lines, &opt);
        return open_cursor(t, opt.start, opt.start_arg, 0);
    }
    t->floor_seq = history_floor(t->ring, &t->history);
    return tail_scan_open(t->ring, t->num_lines, &t->scan);
}

static lp_err open_place(tail *t, lp_span last_event_id)
{
    uint64_t epoch;
    lp_seq seq;
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    if (last_event_id.len_bytes == 0)
        return open_history(t);
    t->is_resumed = true;
    lp_channel_stats_get(t->ring, &stats);
    // An id of a line that is yet to come is as foreign as one of another life.
    if (tail_form_parse_id(last_event_id, &epoch, &seq) && epoch == t->epoch &&
        seq < stats.next_seq)
        return open_cursor(t, LP_START_SEQ, seq + 1, 0);
    owe_gap(t, 0, 0, stats.oldest_seq);
    return open_history(t);
}

/* Sending ----------------------------------------------------------------- */

static step put_item(tail *t, outflow_item render, const void *item)
{
    switch (outflow_put(&t->flow, render, item)) {
    case OUTFLOW_OK:
        return STEP_ON;
    case OUTFLOW_FULL:
        return STEP_FULL;
    case OUTFLOW_NOMEM:
        break;
    }
    return STEP_ABORT;
}

static step close_event(tail *t)
{
    tail_line last = {.record = {.seq = t->told_seq}, .epoch = t->epoch};
    step s = STEP_ON;

    if (t->is_open)
        s = put_item(t, t->form->close, &last);
    if (s == STEP_ON)
        t->is_open = false;
    return s;
}

// What is no line stands in no event of lines.
static step put_note(tail *t, const char *text)
{
    step s = close_event(t);

    return s == STEP_ON ? put_item(t, tail_form_note, text) : s;
}

static int retry_ms(const tail *t)
{
    if (t->forbidden)
        return RETRY_FORBIDDEN_MS;
    return t->is_tail || t->is_resumed ? RETRY_MS : RETRY_DONE_MS;
}

static step say_hello(tail *t)
{
    char text[32];
    step s = STEP_ON;

    if (t->form->is_events) {
        snprintf(text, sizeof(text), "retry: %d\n\n", retry_ms(t));
        s = put_note(t, text);
    }
    if (s == STEP_ON)
        t->stage = t->cursor ? STAGE_READ : STAGE_SCAN;
    return s;
}

static bool is_time_up(const tail *t)
{
    return t->has_patterns && uv_hrtime() >= t->look_until_ns;
}

static step scan_on(tail *t)
{
    uint32_t lines_max =
        t->has_patterns ? LINES_PER_LOOK_OF_PATTERNS : LINES_PER_FILL;
    lp_seq start;
    lp_seq stop;

    if (tail_scan_step(t->scan, &t->filter, lines_max, &start, &stop) ==
        LP_E_AGAIN)
        return t->has_patterns && !is_time_up(t) ? STEP_ON : STEP_YIELD;
    if (start < t->floor_seq)
        start = t->floor_seq;
    if (open_cursor(t, LP_START_SEQ, start, stop) != LP_OK)
        return STEP_ABORT;
    tail_scan_close(t->scan);
    t->scan = NULL;
    t->stage = STAGE_READ;
    return STEP_ON;
}

static step tell_gap(tail *t)
{
    char text[TAIL_NOTE_MAX_BYTES];
    step s;

    t->form->gap(&t->gap, worker_now(t->home), text);
    s = put_note(t, text);
    if (s != STEP_ON)
        return s;
    t->is_gap_due = false;
    t->told_seq = t->gap.before_seq - 1;
    count(t, COUNT_TAIL_GAPS, 1);
    count(t, COUNT_TAIL_LOST, t->gap.lost_lines);
    return STEP_ON;
}

static step send_line(tail *t)
{
    tail_line line = {lp_run_at(&t->run, t->run_at), t->epoch, t->is_open};
    step s = STEP_ON;

    if (t->is_ending && line.record.seq >= t->end_seq) {
        t->stage = STAGE_FAREWELL;
        return STEP_ON;
    }
    if (t->look_lines == 0 || is_time_up(t))
        return STEP_YIELD;
    t->look_lines--;
    if (tail_filter_match(&t->filter, &line.record)) {
        s = put_item(t, t->form->line, &line);
        if (s != STEP_ON)
            return s;
        t->is_open = t->form->close != NULL;
        t->told_seq = line.record.seq;
        count(t, COUNT_TAIL_LINES, 1);
    } else {
        count(t, COUNT_TAIL_FILTERED, 1);
    }
    t->passed_seq = line.record.seq;
    t->run_at++;
    return STEP_ON;
}

/* Reading ----------------------------------------------------------------- */

static step send_heartbeat(tail *t)
{
    char text[TAIL_NOTE_MAX_BYTES];
    lp_seq seq = t->passed_seq > t->told_seq ? t->passed_seq : 0;
    step s;

    tail_form_heartbeat(t->epoch, seq, text);
    s = put_note(t, text);
    if (s != STEP_ON)
        return s;
    t->is_heartbeat_due = false;
    t->told_seq = t->passed_seq;
    return STEP_ON;
}

// It has all there is.
static step wait_for_lines(tail *t)
{
    if (t->is_ending) {
        t->stage = STAGE_FAREWELL;
        return STEP_ON;
    }
    if (!t->is_limited) {
        t->is_limited = true;
        lp_cursor_set_lag(t->cursor, t->home->shared->cfg->tail_lag_max_lines);
    }
    if (t->is_heartbeat_due)
        return send_heartbeat(t);
    if (t->flow.used_bytes > 0)
        return STEP_FLUSH;
    return lp_cursor_arm(t->cursor) == LP_OK ? STEP_WAIT : STEP_ON;
}

static lp_seq next_seq(const tail *t)
{
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;

    lp_cursor_stats_get(t->cursor, &stats);
    return stats.next_seq;
}

static step next_run(tail *t)
{
    lp_err err;

    lp_run_release(&t->run);
    t->run_at = 0;
    err = lp_cursor_next(t->cursor, LINES_PER_RUN, 0, &t->run);
    if (t->run.lost_lines > 0)
        owe_gap(t, t->run.lost_lines, t->run.lost_since_ns,
                err == LP_OK ? t->run.first_seq : next_seq(t));
    if (err == LP_E_AGAIN && !t->is_gap_due)
        return wait_for_lines(t);
    if (err != LP_OK && err != LP_E_AGAIN)
        t->stage = STAGE_FAREWELL;
    return STEP_ON;
}

static step read_on(tail *t)
{
    if (t->is_gap_due)
        return tell_gap(t);
    return t->run_at < t->run.line_count ? send_line(t) : next_run(t);
}

static const char *why_over(const tail *t)
{
    if (t->forbidden)
        return t->forbidden;
    if (!t->is_ending)
        return "The channel is gone";
    return atomic_load(&t->home->shared->is_draining)
               ? "The daemon ends"
               : "All tail sessions were ended";
}

static step say_farewell(tail *t)
{
    char text[TAIL_NOTE_MAX_BYTES];
    step s;

    if (t->is_gap_due)
        return tell_gap(t);
    t->form->farewell(why_over(t), t->forbidden != NULL, worker_now(t->home),
                      text);
    s = put_note(t, text);
    if (s == STEP_ON)
        t->stage = STAGE_OVER;
    return s;
}

static step take_step(tail *t)
{
    switch (t->stage) {
    case STAGE_HELLO:
        return say_hello(t);
    case STAGE_SCAN:
        return scan_on(t);
    case STAGE_READ:
        return read_on(t);
    case STAGE_FAREWELL:
        return say_farewell(t);
    case STAGE_OVER:
        break;
    }
    return t->flow.used_bytes > 0 ? STEP_FULL : STEP_END;
}

/* Nobody knows when the socket will take more: until then nothing is pinned. */
static void rest(tail *t)
{
    if (t->cursor)
        lp_cursor_rest(t->cursor, &t->run, t->run_at);
    t->run_at = 0;
}

// It has said all there was only just now.
static bool is_pausing(const tail *t)
{
    return t->has_paused && t->form->pause_ms > 0 && !t->is_ending &&
           gather_ms(t) > 0;
}

static ssize_t fill(void *ctx, char *out, size_t room_bytes)
{
    tail *t = ctx;
    step s;

    if (is_pausing(t)) {
        gather(t);
        return 0;
    }
    outflow_begin(&t->flow, out, room_bytes);
    t->look_lines = LINES_PER_FILL;
    t->look_until_ns = uv_hrtime() + PATTERNS_NS;
    t->is_waiting = false;
    do {
        s = take_step(t);
    } while (s == STEP_ON);
    rest(t);
    if (s == STEP_ABORT || close_event(t) == STEP_ABORT)
        return HTTP_STREAM_ABORT;
    if (s == STEP_END)
        return HTTP_STREAM_END;
    if (t->flow.used_bytes > 0) {
        t->spoke_ms = uv_now(&t->home->loop);
        t->has_paused = s == STEP_FLUSH && !t->is_open;
        return (ssize_t)t->flow.used_bytes;
    }
    t->is_waiting = s == STEP_WAIT;
    if (s == STEP_YIELD)
        waker_post(&t->waker);
    return 0;
}

/* Heartbeats -------------------------------------------------------------- */

static uint64_t sweep_ms(const worker *w)
{
    uint64_t ms = w->shared->cfg->heartbeat_ms / 4;

    if (ms < SWEEP_MIN_MS)
        return SWEEP_MIN_MS;
    return ms < SWEEP_MAX_MS ? ms : SWEEP_MAX_MS;
}

static void on_sweep(uv_timer_t *timer)
{
    const struct tails *tails = timer->data;
    uint64_t now_ms = uv_now(timer->loop);

    for (tail *t = tails->first; t; t = t->next) {
        uint32_t after_ms = t->home->shared->cfg->heartbeat_ms;

        if (!t->form->is_events || !t->is_waiting ||
            now_ms - t->spoke_ms < after_ms)
            continue;
        t->is_heartbeat_due = true;
        http_stream_wake(t->req);
    }
}

/* Life -------------------------------------------------------------------- */

static struct tails *open_tails(worker *w)
{
    struct tails *tails = calloc(1, sizeof(*tails));

    if (!tails)
        return NULL;
    uv_timer_init(&w->loop, &tails->sweep);
    uv_timer_init(&w->loop, &tails->gather);
    tails->open_timers = 2;
    tails->sweep.data = tails;
    tails->gather.data = tails;
    uv_timer_start(&tails->sweep, on_sweep, sweep_ms(w), sweep_ms(w));
    return tails;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct tails *tails = handle->data;

    if (--tails->open_timers == 0)
        free(tails);
}

static void close_tails(struct tails *tails)
{
    uv_close((uv_handle_t *)&tails->sweep, on_timer_closed);
    uv_close((uv_handle_t *)&tails->gather, on_timer_closed);
}

static bool enlist(tail *t)
{
    struct tails *tails = t->home->tails;

    if (!tails)
        tails = open_tails(t->home);
    if (!tails)
        return false;
    t->home->tails = tails;
    t->next = tails->first;
    if (t->next)
        t->next->prev = t;
    tails->first = t;
    return true;
}

static void strike_off(tail *t)
{
    struct tails *tails = t->home->tails;

    if (t->prev)
        t->prev->next = t->next;
    else
        tails->first = t->next;
    if (t->next)
        t->next->prev = t->prev;
    if (tails->first)
        return;
    t->home->tails = NULL;
    close_tails(tails);
}

static void destroy(tail *t)
{
    if (!t)
        return;
    lp_cursor_close(t->cursor); // from here on nobody posts the waker
    waker_cancel(&t->waker);
    tail_scan_close(t->scan);
    lp_run_release(&t->run);
    outflow_fini(&t->flow);
    lp_channel_unref(t->ring);
    lp_filter_destroy(t->filter.where);
    free(t);
}

static void on_close(void *ctx)
{
    tail *t = ctx;

    strike_off(t);
    count(t, COUNT_TAILS_CLOSED, 1);
    destroy(t);
}

static void end_soon(tail *t)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(t->ring, &stats);
    t->end_seq = stats.next_seq;
    t->is_ending = true;
}

static lp_span keep(char **room, lp_span text)
{
    lp_span kept = lp_span_of(*room, text.len_bytes);

    if (text.len_bytes > 0)
        memcpy(*room, text.ptr, text.len_bytes);
    *room += text.len_bytes;
    return kept;
}

static bool has_patterns(const lp_filter *where)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;

    if (where)
        lp_filter_stats_get(where, &stats);
    return stats.patterns > 0;
}

static tail *create(http_request *req, const tail_request *want)
{
    tail *t =
        calloc(1, sizeof(*t) + want->source.len_bytes + want->ps.len_bytes);
    char *room;

    if (!t)
        return NULL;
    t->req = req;
    t->home = http_worker(req);
    t->waker.home = t->home;
    t->waker.on_wake = on_wake;
    t->ring = lp_channel_ref(want->ring);
    t->epoch = lp_channel_epoch(want->ring);
    room = t->text;
    t->filter.source = keep(&room, want->source);
    t->filter.ps = keep(&room, want->ps);
    t->num_lines = want->num_lines;
    t->history = want->history;
    t->is_tail = want->is_tail && !want->forbidden;
    t->forbidden = want->is_tail ? want->forbidden : NULL;
    t->form = want->form;
    t->filter.where = want->where;
    t->has_patterns = has_patterns(want->where);
    t->gap.epoch = t->epoch;
    t->gap.is_filtered = !tail_filter_is_open(&t->filter);
    t->spoke_ms = uv_now(&t->home->loop);
    if (atomic_load(&t->home->shared->is_draining))
        end_soon(t);
    return t;
}

void tail_start(http_request *req, const tail_request *want)
{
    static const http_stream_calls calls = {fill, on_close};
    tail *t = create(req, want);

    if (!t || open_place(t, want->last_event_id) != LP_OK || !enlist(t)) {
        if (!t)
            lp_filter_destroy(want->where);
        destroy(t);
        http_set_header(req, "Retry-After", "1");
        http_reply_error(req, 503, "no memory for one more reader");
        return;
    }
    count(t, COUNT_TAILS_OPENED, 1);
    http_set_header(req, "Cache-Control", "no-cache");
    http_set_header(req, "X-Content-Type-Options", "nosniff");
    if (want->form->is_events)
        http_set_header(req, "X-Accel-Buffering", "no");
    http_stream(req, 200, want->form->media_type, &calls, t);
}

void tail_end_all(worker *w)
{
    if (!w->tails)
        return;
    for (tail *t = w->tails->first; t; t = t->next) {
        if (!t->is_ending)
            end_soon(t);
        http_stream_wake(t->req);
    }
}
