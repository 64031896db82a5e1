#include "tail/channel_logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tail/history.h"
#include "tail/outflow.h"

typedef struct channel_logs {
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

static void step(channel_logs *logs)
{
    logs->line_at++;
    if (logs->line_at < logs->runs[logs->run_at].line_count)
        return;
    lp_run_release(&logs->runs[logs->run_at]);
    logs->run_at++;
    logs->line_at = 0;
}

static ssize_t fill(void *ctx, char *out, size_t room_bytes)
{
    channel_logs *logs = ctx;

    outflow_begin(&logs->flow, out, room_bytes);
    while (logs->run_at < logs->run_count) {
        lp_record record = lp_run_at(&logs->runs[logs->run_at], logs->line_at);
        outflow_err err = outflow_put(&logs->flow, render, &record);

        if (err == OUTFLOW_NOMEM)
            return HTTP_STREAM_ABORT;
        if (err == OUTFLOW_FULL)
            break;
        step(logs);
    }
    return logs->flow.used_bytes > 0 ? (ssize_t)logs->flow.used_bytes
                                     : HTTP_STREAM_END;
}

static void on_close(void *ctx)
{
    channel_logs *logs = ctx;

    if (!logs)
        return;
    for (size_t i = logs->run_at; i < logs->run_count; i++)
        lp_run_release(&logs->runs[i]);
    outflow_fini(&logs->flow);
    free(logs->runs);
    free(logs);
}

void channel_logs_start(http_request *req, lp_channel *ring, uint64_t lines_max)
{
    static const http_stream_calls calls = {fill, on_close};
    channel_logs *logs = calloc(1, sizeof(*logs));
    history_bounds bounds = history_bounds_of(http_worker(req)->shared);
    char count[24];

    if (!logs || !hold_lines(logs, ring, &bounds, lines_max)) {
        on_close(logs);
        http_set_header(req, "Retry-After", "1");
        http_reply_error(req, 503, "no memory for one more reader");
        return;
    }
    snprintf(count, sizeof(count), "%" PRIu64, logs->line_count);
    http_set_header(req, "Logplex-Msg-Count", count);
    http_stream(req, 200, "application/logplex-1", &calls, logs);
}
