/*
 * file_drain.c - a protocol of one's own: drains that write lines to a file.
 *
 *     file_drain FILE < LINES
 *
 * Each line of standard input goes into a channel, and by a drain to
 * "file:FILE". A protocol is three functions: open, send, close. Whatever it
 * sends to, it says what became of each batch, and the core does the rest: it
 * waits for lines, comes again after a failure, and tells what was lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "logplex/drain.h"

/* The protocol ------------------------------------------------------------ */

typedef struct file_link {
    lp_drain *drain;
    int fd;
} file_link;

static lp_err file_open(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                        void **link)
{
    lp_span path = lp_span_skip(url, strlen("file:"));
    char *name = strndup(path.ptr, path.len_bytes);
    file_link *made = calloc(1, sizeof(*made));

    (void)ctx;
    (void)token;
    if (made) {
        made->drain = drain;
        made->fd =
            name ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)
                 : -1;
    }
    free(name);
    if (!made || made->fd < 0) {
        free(made);
        return LP_E_INVALID;
    }
    *link = made;
    return LP_OK;
}

static bool write_all(int fd, lp_span bytes)
{
    while (bytes.len_bytes > 0) {
        ssize_t written = write(fd, bytes.ptr, bytes.len_bytes);

        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            bytes = lp_span_skip(bytes, (size_t)written);
    }
    return true;
}

/* A notice in front, if lines were lost, and then the lines as they are stored:
 * with their octet counts, as a request's body has them. */
static bool write_batch(int fd, const lp_drain_batch *batch)
{
    char notice[LP_DRAIN_NOTICE_MAX_BYTES];
    size_t notice_bytes = lp_drain_print_notice(batch, lp_span_of(NULL, 0),
                                                true, notice, sizeof(notice));
    bool is_written = write_all(fd, lp_span_of(notice, notice_bytes));

    for (uint32_t i = 0; i < batch->run_count; i++)
        is_written = is_written && write_all(fd, batch->runs[i].bytes);
    return is_written;
}

/* All of a batch, or nothing: it comes again, and would else stand behind a piece
 * of a line. A file that can't be cut, a pipe, may end up with one. */
static bool file_send(void *ctx, const lp_drain_batch *batch)
{
    file_link *link = ctx;
    off_t began = lseek(link->fd, 0, SEEK_END);

    if (write_batch(link->fd, batch)) {
        lp_drain_delivered(link->drain, batch->line_count);
    } else {
        lp_drain_failed(link->drain, strerror(errno), 0);
        if (began >= 0 && ftruncate(link->fd, began) != 0)
            perror("file_drain: the file ends in a piece of a line");
    }
    return true; // it would take another one
}

static void file_close(void *ctx)
{
    file_link *link = ctx;

    close(link->fd);
    free(link);
}

static const lp_drain_protocol file_protocol = {
    .struct_bytes = sizeof(file_protocol),
    .window = 1,
    .copies = true, // a batch is not looked at after send()
    .scheme = "file",
    .open = file_open,
    .send = file_send,
    .close = file_close,
};

/* A program that uses it -------------------------------------------------- */

static lp_err append(lp_channel *channel, const char *text)
{
    char head[32];
    lp_line line = {.part_count = 2};

    line.parts[1] = lp_span_str(text);
    line.parts[0] = lp_span_of(
        head, (size_t)snprintf(head, sizeof(head), "%zu ", strlen(text)));
    return lp_channel_append(channel, &line, NULL);
}

static void look(uv_timer_t *timer)
{
    lp_drains *set = timer->data;

    if (lp_drains_pending(set) > 0)
        return;
    lp_drains_destroy(set);
    uv_close((uv_handle_t *)timer, NULL);
}

static int run(lp_channel *channel, lp_drains *set, const char *file)
{
    lp_drain *drain;
    uv_timer_t timer;
    char text[4096];
    char url[4096];

    snprintf(url, sizeof(url), "file:%s", file);
    if (lp_drains_register(set, &file_protocol) != LP_OK ||
        lp_drain_open(set, channel, lp_span_str(url), LP_SPAN("d.example"),
                      NULL, &drain) != LP_OK) {
        fprintf(stderr, "file_drain: cannot write to \"%s\"\n", file);
        return 1;
    }
    while (fgets(text, sizeof(text), stdin))
        if (append(channel, text) != LP_OK)
            return 1;
    uv_timer_init(uv_default_loop(), &timer);
    timer.data = set;
    uv_timer_start(&timer, look, 0, 10);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return 0;
}

int main(int argc, char **argv)
{
    lp_engine *engine;
    lp_channel *channel;
    lp_drains *set;
    int code;

    if (argc != 2) {
        fprintf(stderr, "usage: file_drain FILE < LINES\n");
        return 64;
    }
    if (lp_engine_create(NULL, &engine) != LP_OK ||
        lp_channel_open(engine, NULL, &channel) != LP_OK ||
        lp_drains_create(uv_default_loop(), NULL, &set) != LP_OK)
        return 1;
    code = run(channel, set, argv[1]);
    if (code != 0) {
        lp_drains_destroy(set);
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    }
    lp_channel_close(channel);
    lp_engine_destroy(engine);
    return code;
}
