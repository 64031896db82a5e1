/*
 * ingest_udp.c - syslog over UDP (RFC 5426): one message a datagram.
 *
 * Datagrams are received many at a time (recvmmsg) and make one batch. What the
 * kernel drops because we were late is in no datagram; it is asked for once a
 * second (SO_MEMINFO), so that this loss, too, is counted.
 */
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ingest/ingest.h"

enum {
    DATAGRAM_MAX_BYTES = 65536, /* libuv cuts a recvmmsg buffer into these */
    DATAGRAMS = 16,
    KERNEL_BUFFER_BYTES = 8 << 20,
    DROPS_LOOK_MS = 1000
};

typedef struct udp_server {
    uv_udp_t udp;
    uv_timer_t drops_timer;
    worker *home;
    struct udp_server *next;
    unsigned handle_count;
    uint32_t drops_seen;
    bool has_batch;
    char *datagrams;
} udp_server;

/* What the kernel dropped since it was last asked. */
static void count_drops(udp_server *server)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t info_bytes = sizeof(info);
    uint32_t more;
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)&server->udp, &fd) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &info_bytes) != 0)
        return;
    more = info[SK_MEMINFO_DROPS] - server->drops_seen; // wraps as it does
    if (more == 0)
        return;
    server->drops_seen = info[SK_MEMINFO_DROPS];
    count_add(&server->home->counts.counts[COUNT_UDP_KERNEL_DROPS], more);
    LOG_AT(LOG_WARN, "udp_dropped", "listener=syslog_udp datagrams=%u", more);
}

static void on_drops_timer(uv_timer_t *timer)
{
    count_drops(timer->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    udp_server *server = handle->data;

    (void)suggested;
    *buf = uv_buf_init(server->datagrams,
                       (unsigned)DATAGRAMS * DATAGRAM_MAX_BYTES);
}

static void count_frame(worker *w, frame_event event)
{
    count_add(&w->counts.listeners[LISTENER_SYSLOG_UDP].frames[event], 1);
}

static void take_message(worker *w, lp_span bytes)
{
    while (bytes.len_bytes > 0 && (bytes.ptr[bytes.len_bytes - 1] == '\n' ||
                                   bytes.ptr[bytes.len_bytes - 1] == '\0'))
        bytes.len_bytes--;
    if (bytes.len_bytes == 0) {
        count_frame(w, FRAME_EMPTY);
        return;
    }
    if (bytes.len_bytes > w->shared->cfg->frame_max_bytes) {
        bytes.len_bytes = w->shared->cfg->frame_max_bytes;
        count_frame(w, FRAME_CUT);
    }
    ingest_frame(w->ingest, bytes);
}

/* All that is in it: what is behind the first message is no less a message. */
static void take_counted(worker *w, lp_span bytes)
{
    lp_framer framer;
    lp_frame frame;

    lp_framer_init(&framer, w->shared->cfg->frame_max_bytes);
    while (lp_framer_next(&framer, &bytes, &frame) == LP_OK ||
           lp_framer_finish(&framer, &bytes, &frame) == LP_OK)
        take_message(w, frame.bytes);
    ingest_count_framer(w, LISTENER_SYSLOG_UDP, &framer);
}

/*
 * logger --octet-count --udp puts a count into the datagram; then the framer
 * takes it off. Else a datagram is a message whole, a line end at its end
 * apart, which many senders add.
 */
static void take_datagram(worker *w, lp_span bytes)
{
    if (bytes.len_bytes > 0 && bytes.ptr[0] >= '1' && bytes.ptr[0] <= '9')
        take_counted(w, bytes);
    else
        take_message(w, bytes);
}

static void end_batch(udp_server *server)
{
    if (server->has_batch)
        ingest_end(server->home->ingest, NULL);
    server->has_batch = false;
}

static void on_datagram(uv_udp_t *udp, ssize_t nread, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags)
{
    udp_server *server = udp->data;
    worker *w = server->home;

    if (from == NULL || nread < 0) { // the buffer is free again, or an error
        end_batch(server);
        return;
    }
    if (!server->has_batch)
        ingest_begin(w->ingest, LISTENER_SYSLOG_UDP, worker_now(w));
    server->has_batch = true;
    count_add(&w->counts.listeners[LISTENER_SYSLOG_UDP].received_bytes,
              (uint64_t)nread);
    if ((flags & UV_UDP_PARTIAL) != 0)
        count_frame(w, FRAME_CUT);
    take_datagram(w, lp_span_of(buf->base, (size_t)nread));
    // Without recvmmsg there is no call that frees the buffer.
    if ((flags & UV_UDP_MMSG_CHUNK) == 0)
        end_batch(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    udp_server *server = handle->data;

    server->handle_count--;
    if (server->handle_count > 0)
        return;
    free(server->datagrams);
    free(server);
}

static udp_server *open_server(worker *w)
{
    udp_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->datagrams = malloc((size_t)DATAGRAMS * DATAGRAM_MAX_BYTES);
    if (server->datagrams == NULL) {
        free(server);
        return NULL;
    }
    server->home = w;
    server->udp.data = server->drops_timer.data = server;
    server->handle_count = 2;
    uv_udp_init_ex(&w->loop, &server->udp, AF_UNSPEC | UV_UDP_RECVMMSG);
    uv_timer_init(&w->loop, &server->drops_timer);
    server->next = w->udp;
    w->udp = server;
    return server;
}

int ingest_udp_listen(worker *w, int fd)
{
    int buffer_bytes = KERNEL_BUFFER_BYTES;
    udp_server *server = open_server(w);
    int err;

    if (server == NULL) {
        close(fd);
        return UV_ENOMEM;
    }
    // As much as the administrator lets us have; less is no error.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes,
                   sizeof(buffer_bytes)) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes,
                   sizeof(buffer_bytes));
    err = uv_udp_open(&server->udp, fd);
    if (err != 0) {
        close(fd);
        return err;
    }
    uv_timer_start(&server->drops_timer, on_drops_timer, DROPS_LOOK_MS,
                   DROPS_LOOK_MS);
    return uv_udp_recv_start(&server->udp, on_alloc, on_datagram);
}

void ingest_udp_close(worker *w)
{
    while (w->udp != NULL) {
        udp_server *server = w->udp;

        w->udp = server->next;
        count_drops(server);
        uv_close((uv_handle_t *)&server->udp, on_handle_closed);
        uv_close((uv_handle_t *)&server->drops_timer, on_handle_closed);
    }
}
