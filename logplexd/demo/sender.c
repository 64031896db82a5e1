/*
 * sender.c - see sender.h.
 *
 *     model --lines--> | filling | --when it is sent--> | on its way | --> TCP
 *
 * Two blocks of a fixed size. A connection that breaks takes along what was on
 * its way; the next one begins with a whole frame, of the other block.
 */
#include "demo/sender.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "demo/receiver.h"
#include "logplex/timestamp.h"

enum {
    BLOCK_BYTES = 512 * 1024,
    FRAME_MAX_BYTES = DEMO_MSG_MAX_BYTES + 256,
    STEP_MS = 20,
    RETRY_MS = 500,
    TELL_LOSS_EVERY_MS = 5000,
    READ_BYTES = 512
};

/* Beyond this the model's time is not made up for, but skipped. */
#define BEHIND_MAX_NS INT64_C(2000000000)

typedef struct block {
    char *bytes;
    size_t used_bytes;
    uint64_t lines;
} block;

struct sender {
    demo_model *model;
    sender_tokens tokens;
    config_address address;

    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_timer_t step, retry, tell;
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t writing;
    bool is_open, is_connected, is_writing, is_over;
    _Atomic bool is_to_end; /* with its receiver */
    receiver drained;       /* what comes back */
    block filling, on_its_way;
    uint64_t lost_lines; /* that nobody was told of yet */
    char nothing[READ_BYTES];
};

/* Frames ------------------------------------------------------------------ */

static void keep_line(void *ctx, const demo_line *line)
{
    sender *send = ctx;
    block *to = &send->filling;
    char head[256], time[LP_TIMESTAMP_MAX_BYTES];
    size_t head_bytes;
    int n;

    if (BLOCK_BYTES - to->used_bytes < FRAME_MAX_BYTES) {
        send->lost_lines++;
        return;
    }
    lp_timestamp_print(line->time_ns, 6, time);
    n = snprintf(head, sizeof(head), "<%u>1 %s demo %s %s - - ", line->pri,
                 time, send->tokens.of[line->app][line->source], line->process);
    assert(n > 0 && (size_t)n < sizeof(head));
    head_bytes = (size_t)n;
    n = snprintf(to->bytes + to->used_bytes, FRAME_MAX_BYTES, "%zu %s%.*s",
                 head_bytes + line->msg.len_bytes, head,
                 (int)line->msg.len_bytes, line->msg.ptr);
    assert(n > 0 && n < FRAME_MAX_BYTES);
    to->used_bytes += (size_t)n;
    to->lines++;
}

/* The connection ---------------------------------------------------------- */

static void hang_up(sender *send);

static void on_written(uv_write_t *writing, int status)
{
    sender *send = writing->data;

    send->is_writing = false;
    if (status != 0) {
        send->lost_lines += send->on_its_way.lines; // at most
        hang_up(send);
    }
}

static void write_on(sender *send)
{
    block full = send->filling;
    uv_buf_t buffer = uv_buf_init(full.bytes, (unsigned)full.used_bytes);

    if (!send->is_connected || send->is_writing || full.used_bytes == 0)
        return;
    send->filling = send->on_its_way;
    send->filling.used_bytes = 0;
    send->filling.lines = 0;
    send->on_its_way = full;
    send->writing.data = send;
    send->is_writing = true;
    if (uv_write(&send->writing, (uv_stream_t *)&send->tcp, &buffer, 1,
                 on_written) != 0)
        on_written(&send->writing, UV_EIO);
}

static void on_room(uv_handle_t *handle, size_t wanted_bytes, uv_buf_t *out)
{
    sender *send = handle->data;

    (void)wanted_bytes;
    *out = uv_buf_init(send->nothing, sizeof(send->nothing));
}

// A daemon says nothing here; reading is how its end is seen.
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    if (n < 0)
        hang_up(stream->data);
}

static void on_connected(uv_connect_t *connecting, int status)
{
    sender *send = connecting->data;

    if (status == 0)
        status = uv_read_start((uv_stream_t *)&send->tcp, on_room, on_read);
    if (send->is_over)
        return;
    if (status != 0) {
        LOG_AT(LOG_WARN, "demo_connect_failed", "why=\"%s\"",
               uv_strerror(status));
        hang_up(send);
        return;
    }
    send->is_connected = true;
    write_on(send);
}

static void on_retry(uv_timer_t *timer)
{
    sender *send = timer->data;
    int err = uv_tcp_init(&send->loop, &send->tcp);

    if (err != 0)
        return; // and again when the timer says so
    send->tcp.data = send;
    send->connecting.data = send;
    send->is_open = true;
    uv_timer_stop(timer);
    if (uv_tcp_connect(&send->connecting, &send->tcp,
                       (const struct sockaddr *)&send->address.addr,
                       on_connected) != 0)
        hang_up(send);
}

static void on_hung_up(uv_handle_t *handle)
{
    sender *send = handle->data;

    send->is_open = false;
    if (!send->is_over)
        uv_timer_start(&send->retry, on_retry, RETRY_MS, RETRY_MS);
}

static void hang_up(sender *send)
{
    send->is_connected = false;
    if (send->is_open && !uv_is_closing((uv_handle_t *)&send->tcp))
        uv_close((uv_handle_t *)&send->tcp, on_hung_up);
}

/* Time -------------------------------------------------------------------- */

static void on_step(uv_timer_t *timer)
{
    sender *send = timer->data;
    int64_t now_ns = wall_clock_ns();
    int64_t behind_ns = now_ns - demo_model_now(send->model);

    // We slept, or the clock was set.
    if (behind_ns > BEHIND_MAX_NS || behind_ns < -BEHIND_MAX_NS)
        demo_model_shift(send->model, behind_ns);
    demo_model_run(send->model, now_ns, keep_line, send);
    write_on(send);
}

static void on_tell(uv_timer_t *timer)
{
    sender *send = timer->data;

    if (send->lost_lines == 0)
        return;
    LOG_AT(LOG_WARN, "demo_lines_lost",
           "lines=%llu why=\"the connection could not take them\"",
           (unsigned long long)send->lost_lines);
    send->lost_lines = 0;
}

/* From start to end ------------------------------------------------------- */

static void end_sending(sender *send)
{
    send->is_over = true;
    hang_up(send);
    uv_close((uv_handle_t *)&send->step, NULL);
    uv_close((uv_handle_t *)&send->retry, NULL);
    uv_close((uv_handle_t *)&send->tell, NULL);
}

static void on_stop(uv_async_t *async)
{
    sender *send = async->data;

    if (!send->is_over)
        end_sending(send);
    if (!atomic_load(&send->is_to_end))
        return;
    receiver_close(&send->drained);
    uv_close((uv_handle_t *)&send->stop, NULL);
}

static void live(void *arg)
{
    sender *send = arg;

    uv_timer_start(&send->step, on_step, STEP_MS, STEP_MS);
    uv_timer_start(&send->tell, on_tell, TELL_LOSS_EVERY_MS,
                   TELL_LOSS_EVERY_MS);
    uv_timer_start(&send->retry, on_retry, 0, RETRY_MS);
    uv_run(&send->loop, UV_RUN_DEFAULT);
}

static void free_sender(sender *send)
{
    demo_model_destroy(send->model);
    free(send->filling.bytes);
    free(send->on_its_way.bytes);
    free(send);
}

static void init_timer(sender *send, uv_timer_t *timer)
{
    uv_timer_init(&send->loop, timer); // can't fail
    timer->data = send;
}

/* Ends what was opened on a loop that no thread runs. */
static void close_loop(sender *send)
{
    atomic_store(&send->is_to_end, true);
    on_stop(&send->stop);
    uv_run(&send->loop, UV_RUN_DEFAULT);
    uv_loop_close(&send->loop);
}

static bool open_loop(sender *send)
{
    if (uv_loop_init(&send->loop) != 0)
        return false;
    if (uv_async_init(&send->loop, &send->stop, on_stop) != 0) {
        uv_loop_close(&send->loop);
        return false;
    }
    send->stop.data = send;
    init_timer(send, &send->step);
    init_timer(send, &send->retry);
    init_timer(send, &send->tell);
    if (receiver_open(&send->drained, &send->loop) == 0)
        return true;
    close_loop(send);
    return false;
}

sender *sender_start(demo_model *model, const sender_tokens *tokens,
                     const config_address *address)
{
    sender *send = calloc(1, sizeof(*send));

    if (!send) {
        demo_model_destroy(model);
        return NULL;
    }
    send->model = model;
    send->tokens = *tokens;
    send->address = *address;
    send->filling.bytes = malloc(BLOCK_BYTES);
    send->on_its_way.bytes = malloc(BLOCK_BYTES);
    if (!send->filling.bytes || !send->on_its_way.bytes || !open_loop(send)) {
        free_sender(send);
        return NULL;
    }
    if (uv_thread_create(&send->thread, live, send) == 0)
        return send;
    close_loop(send);
    free_sender(send);
    return NULL;
}

uint16_t sender_receiver_port(const sender *send)
{
    return send->drained.port;
}

void sender_stop(sender *send)
{
    if (send)
        uv_async_send(&send->stop);
}

void sender_end(sender *send)
{
    if (!send)
        return;
    atomic_store(&send->is_to_end, true);
    uv_async_send(&send->stop);
    uv_thread_join(&send->thread);
    uv_loop_close(&send->loop);
    free_sender(send);
}
