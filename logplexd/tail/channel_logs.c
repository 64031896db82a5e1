#include "tail/channel_logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tail/history.h"
#include "tail/outflow.h"

enum { HOLD_MS = 5000 };

/*
 * How many lines there are is said in front of them, so they are held, as others
 * would else go meanwhile: but not for who takes his time, as what is held is not
 * there for anybody else. He gets the rest as long as it is in the ring, and is
 * broken off when it is not.
 */
typedef struct channel_logs {
    uv_timer_t patience; /* while all is held */
    lp_channel *ring;
    lp_seq end_seq;
    lp_cursor *cursor; /* over the rest; NULL: that is held */
    lp_run *runs;
    size_t run_count;
    size_t run_room;
    uint64_t line_count;
    size_t run_at; /* the next line to go */
    uint32_t line_at;
    outflow flow;
} channel_logs;

static bool add_run(channel_logs *logs, const lp_run *run)
{
    if (logs->run_count == logs->run_room) {
        size_t room = logs->run_room ? 2 * logs->run_room : 8;
        lp_run *runs = realloc(logs->runs, room * sizeof(*runs));

        if (!runs)
            return false;
        logs->runs = runs;
        logs->run_room = room;
    }
    logs->runs[logs->run_count] = *run;
    logs->run_count++;
    logs->line_count += run->line_count;
    return true;
}

static bool hold_lines(channel_logs *logs, lp_channel *ring,
                       const history_bounds *bounds, uint64_t lines_max)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;
    lp_run run;
    bool is_held = true;

    history_start(ring, bounds, lines_max, &opt);
    opt.stop = LP_STOP_NOW;
    if (lp_cursor_open(ring, &opt, &cursor) != LP_OK)
        return false;
    while (is_held && lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
        logs->end_seq = run.first_seq + run.line_count;
        is_held = add_run(logs, &run);
        if (!is_held)
            lp_run_release(&run);
    }
    lp_cursor_close(cursor);
    return is_held;
}

/*
 * "LEN <PRI>1 ..." with one LF more, whether MSG ends in one or not, as the
 * original has it: so LEN is one more than it is in the ring.
 */
static size_t render(const void *item, char *out, size_t room_bytes)
{
    const lp_record *record = item;
    const char *space = memchr(record->bytes.ptr, ' ', record->bytes.len_bytes);
    lp_span frame =
        lp_span_skip(record->bytes, (size_t)(space + 1 - record->bytes.ptr));
    char len[24];
    size_t len_bytes =
        (size_t)snprintf(len, sizeof(len), "%zu ", frame.len_bytes + 1);
    size_t all_bytes = len_bytes + frame.len_bytes + 1;

    if (all_bytes > room_bytes)
        return all_bytes;
    memcpy(out, len, len_bytes);
    memcpy(out + len_bytes, frame.ptr, frame.len_bytes);
    out[all_bytes - 1] = '\n';
    return all_bytes;
}

static void release_runs(channel_logs *logs)
{
    for (size_t i = logs->run_at; i < logs->run_count; i++)
        lp_run_release(&logs->runs[i]);
    logs->run_at = logs->run_count = 0;
    logs->line_at = 0;
}

static void on_patience_over(uv_timer_t *patience)
{
    channel_logs *logs = patience->data;
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    if (logs->run_at < logs->run_count) {
        opt.start = LP_START_SEQ;
        opt.start_arg = logs->runs[logs->run_at].first_seq + logs->line_at;
        opt.start_epoch = lp_channel_epoch(logs->ring);
        opt.stop = LP_STOP_SEQ;
        opt.stop_seq = logs->end_seq;
        if (lp_cursor_open(logs->ring, &opt, &logs->cursor) != LP_OK)
            return; // the next time
        release_runs(logs);
    }
    uv_timer_stop(patience);
}

static void step(channel_logs *logs)
{
    logs->line_at++;
    if (logs->line_at < logs->runs[logs->run_at].line_count)
        return;
    lp_run_release(&logs->runs[logs->run_at]);
    logs->run_at++;
    logs->line_at = 0;
}

typedef enum supply { SUPPLY_LINE, SUPPLY_END, SUPPLY_LOST } supply;

/* Is there a line to go? */
static supply next_line(channel_logs *logs)
{
    lp_run run;
    lp_err err;

    if (logs->run_at < logs->run_count)
        return SUPPLY_LINE;
    if (!logs->cursor)
        return SUPPLY_END;
    err = lp_cursor_next(logs->cursor, 0, 0, &run);
    if (run.lost_lines > 0) {
        lp_run_release(&run);
        return SUPPLY_LOST;
    }
    if (err != LP_OK)
        return SUPPLY_END;
    logs->runs[0] = run;
    logs->run_at = 0;
    logs->run_count = 1;
    return SUPPLY_LINE;
}

/* Nobody knows when the socket will take more. */
static void rest(channel_logs *logs)
{
    lp_run none = {0};

    if (!logs->cursor)
        return;
    lp_cursor_rest(logs->cursor,
                   logs->run_at < logs->run_count ? &logs->runs[0] : &none,
                   logs->line_at);
    logs->run_at = logs->run_count = 0;
    logs->line_at = 0;
}

static ssize_t fill(void *ctx, char *out, size_t room_bytes)
{
    channel_logs *logs = ctx;
    outflow_err err = OUTFLOW_OK;
    supply s;

    outflow_begin(&logs->flow, out, room_bytes);
    while (err == OUTFLOW_OK && (s = next_line(logs)) == SUPPLY_LINE) {
        lp_record record = lp_run_at(&logs->runs[logs->run_at], logs->line_at);

        err = outflow_put(&logs->flow, render, &record);
        if (err == OUTFLOW_OK)
            step(logs);
    }
    rest(logs);
    if (err == OUTFLOW_NOMEM || (err == OUTFLOW_OK && s == SUPPLY_LOST))
        return HTTP_STREAM_ABORT;
    return logs->flow.used_bytes > 0 ? (ssize_t)logs->flow.used_bytes
                                     : HTTP_STREAM_END;
}

static void destroy(channel_logs *logs)
{
    if (!logs)
        return;
    release_runs(logs);
    lp_cursor_close(logs->cursor);
    lp_channel_unref(logs->ring);
    outflow_fini(&logs->flow);
    free(logs->runs);
    free(logs);
}

static void on_patience_closed(uv_handle_t *handle)
{
    destroy(handle->data);
}

static void on_close(void *ctx)
{
    channel_logs *logs = ctx;

    uv_close((uv_handle_t *)&logs->patience, on_patience_closed);
}

static void start_patience(channel_logs *logs, uv_loop_t *loop)
{
    uv_timer_init(loop, &logs->patience);
    logs->patience.data = logs;
    uv_timer_start(&logs->patience, on_patience_over, HOLD_MS, HOLD_MS);
}

void channel_logs_start(http_request *req, lp_channel *ring, uint64_t lines_max)
{
    static const http_stream_calls calls = {fill, on_close};
    channel_logs *logs = calloc(1, sizeof(*logs));
    history_bounds bounds = history_bounds_of(http_worker(req)->shared);
    char count[24];

    if (logs)
        logs->ring = lp_channel_ref(ring);
    if (!logs || !hold_lines(logs, ring, &bounds, lines_max)) {
        destroy(logs);
        http_set_header(req, "Retry-After", "1");
        http_reply_error(req, 503, "no memory for one more reader");
        return;
    }
    snprintf(count, sizeof(count), "%" PRIu64, logs->line_count);
    http_set_header(req, "Logplex-Msg-Count", count);
    start_patience(logs, &http_worker(req)->loop);
    http_stream(req, 200, "application/logplex-1", &calls, logs);
}
