/*
 * ingest_tcp.c - syslog over TCP (RFC 6587): bytes from a peer to the batch.
 *
 * All connections of a worker read into one slab, so ten thousand idle peers
 * cost no buffer. What is left of a read, the beginning of a frame, moves to a
 * small carry of the connection, and stands in front of the next read:
 *
 *     slab    | carry of this connection | what read() gives ...        |
 *
 * A carry that has grown is read into directly, so that a peer who sends byte
 * by byte is not copied over and over.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ingest/hold.h"
#include "ingest/ingest.h"
#include "worker/acceptor.h"

enum {
    SLAB_READ_BYTES = 2 << 20,
    CARRY_DIRECT_BYTES = 4096, /* above this, the carry itself is read into */
    CARRY_STEP_BYTES = 16 << 10,
    CARRIES_MAX_BYTES = 64 << 20, /* of all connections of a worker */
    KEEPALIVE_S = 60
};

typedef struct peer peer;

/* A worker's side of the listener; goes with the last of its handles. */
typedef struct tcp_ingest {
    worker *home;
    struct tcp_server *servers;
    peer *peers;
    unsigned peer_count;
    unsigned handle_count; /* servers and peers whose close is not done */
    size_t carries_bytes;
    char *slab; /* room for the largest carry, and a read behind it */
} tcp_ingest;

typedef struct tcp_server {
    acceptor *from;
    tcp_ingest *side;
    struct tcp_server *next;
} tcp_server;

struct peer {
    uv_tcp_t tcp;
    tcp_ingest *side;
    worker *home;
    peer *previous, *next;
    lp_framer framer;
    char *carry;
    size_t carry_bytes, carry_room_bytes;
    hold_wait wait;     /* it is not read meanwhile */
    bool is_too_much;   /* its half frame; it is to be cut */
    uint64_t read_turn; /* of the loop: when it was read last */
};

static void go_on(hold_wait *wait);

/* Opening and closing ----------------------------------------------------- */

static tcp_ingest *side_of(worker *w)
{
    tcp_ingest *side = w->tcp;

    if (side != NULL)
        return side;
    side = calloc(1, sizeof(*side));
    if (side == NULL)
        return NULL;
    side->slab = malloc(CARRY_DIRECT_BYTES + SLAB_READ_BYTES);
    if (side->slab == NULL) {
        free(side);
        return NULL;
    }
    side->home = w;
    w->tcp = side;
    return side;
}

static void handle_gone(tcp_ingest *side)
{
    side->handle_count--;
    if (side->handle_count > 0)
        return;
    side->home->tcp = NULL;
    free(side->slab);
    free(side);
}

static void on_peer_closed(uv_handle_t *handle)
{
    peer *p = handle->data;
    tcp_ingest *side = p->side;

    if (p->previous != NULL)
        p->previous->next = p->next;
    else
        side->peers = p->next;
    if (p->next != NULL)
        p->next->previous = p->previous;
    side->peer_count--;
    side->carries_bytes -= p->carry_room_bytes;
    free(p->carry);
    free(p);
    handle_gone(side);
}

static void close_peer(peer *p)
{
    if (uv_is_closing((uv_handle_t *)&p->tcp))
        return;
    hold_cancel(p->home, &p->wait);
    uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
}

static peer *open_peer(tcp_ingest *side)
{
    peer *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->side = side;
    p->home = side->home;
    p->tcp.data = p;
    p->wait.go_on = go_on;
    lp_framer_init(&p->framer, p->home->shared->cfg->frame_max_bytes);
    uv_tcp_init(&p->home->loop, &p->tcp);
    p->next = side->peers;
    if (p->next != NULL)
        p->next->previous = p;
    side->peers = p;
    side->peer_count++;
    side->handle_count++;
    return p;
}

/* The carry ---------------------------------------------------------------- */

static bool grow_carry(peer *p, size_t room_bytes)
{
    tcp_ingest *side = p->side;
    char *carry;

    if (room_bytes <= p->carry_room_bytes)
        return true;
    if (side->carries_bytes + room_bytes - p->carry_room_bytes >
        CARRIES_MAX_BYTES)
        return false;
    carry = realloc(p->carry, room_bytes);
    if (carry == NULL)
        return false;
    side->carries_bytes += room_bytes - p->carry_room_bytes;
    p->carry = carry;
    p->carry_room_bytes = room_bytes;
    return true;
}

static void drop_carry(peer *p)
{
    p->side->carries_bytes -= p->carry_room_bytes;
    free(p->carry);
    p->carry = NULL;
    p->carry_bytes = p->carry_room_bytes = 0;
}

/* rest may lie in the carry itself. False: there is no room to keep it. */
static bool keep_rest(peer *p, lp_span rest)
{
    if (rest.len_bytes == 0) {
        drop_carry(p);
        return true;
    }
    if (p->carry != NULL && rest.ptr >= p->carry &&
        rest.ptr < p->carry + p->carry_room_bytes) {
        memmove(p->carry, rest.ptr, rest.len_bytes);
    } else {
        if (!grow_carry(p, rest.len_bytes))
            return false;
        assert(p->carry != NULL);
        memcpy(p->carry, rest.ptr, rest.len_bytes);
    }
    p->carry_bytes = rest.len_bytes;
    return true;
}

/* Reading ----------------------------------------------------------------- */

/* Half frames of too many peers at once: this one's is more than we keep. */
static void cut_peer(peer *p)
{
    count_add(&p->home->counts.counts[COUNT_CONNECTIONS_CUT], 1);
    LOG_AT(LOG_WARN, "connection_cut",
           "listener=syslog_tcp why=\"no room for half a frame\" max_bytes=%d",
           (int)CARRIES_MAX_BYTES);
    close_peer(p);
}

/* A peer fills the slab once in a turn of the loop, however much it has sent: then
 * others get their turn, and drains the lines, while these are in the processor's
 * cache and before there are so many that a ring has to grow. */
static bool is_over_for_now(peer *p)
{
    bool is_over = p->read_turn == p->home->turn;

    p->read_turn = p->home->turn;
    return is_over;
}

/* Without room, which is UV_ENOBUFS to on_read(), nothing is read now. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    peer *p = handle->data;
    char *slab = p->side->slab;

    (void)suggested;
    if (hold_is_on(p->home)) {
        hold_until_over(p->home, &p->wait);
        return;
    }
    if (p->carry_bytes > CARRY_DIRECT_BYTES) {
        if (grow_carry(p, p->carry_bytes + CARRY_STEP_BYTES))
            *buf =
                uv_buf_init(p->carry + p->carry_bytes,
                            (unsigned)(p->carry_room_bytes - p->carry_bytes));
        else
            p->is_too_much = true; // it can't be closed from here
        return;
    }
    if (is_over_for_now(p))
        return;
    if (p->carry_bytes > 0)
        memcpy(slab, p->carry, p->carry_bytes);
    *buf = uv_buf_init(slab + p->carry_bytes, SLAB_READ_BYTES);
}

static void take_frame(peer *p, const lp_frame *frame)
{
    if (frame->bytes.len_bytes == 0) {
        count_add(
            &p->home->counts.listeners[LISTENER_SYSLOG_TCP].frames[FRAME_EMPTY],
            1);
        return;
    }
    ingest_frame(p->home->ingest, frame->bytes);
}

/* bytes: the carry and what was read behind it. */
static void take_bytes(peer *p, lp_span bytes)
{
    worker *w = p->home;
    lp_frame frame;

    ingest_begin(w->ingest, LISTENER_SYSLOG_TCP, worker_now(w));
    while (lp_framer_next(&p->framer, &bytes, &frame) == LP_OK)
        take_frame(p, &frame);
    ingest_end(w->ingest, NULL);
    ingest_count_framer(w, LISTENER_SYSLOG_TCP, &p->framer);
    if (!keep_rest(p, bytes))
        cut_peer(p);
}

/* The stream has ended: a last line without its LF still counts. */
static void take_end(peer *p)
{
    worker *w = p->home;
    lp_span rest = lp_span_of(p->carry, p->carry_bytes);
    lp_frame frame;

    ingest_begin(w->ingest, LISTENER_SYSLOG_TCP, worker_now(w));
    while (lp_framer_finish(&p->framer, &rest, &frame) == LP_OK)
        take_frame(p, &frame);
    ingest_end(w->ingest, NULL);
    ingest_count_framer(w, LISTENER_SYSLOG_TCP, &p->framer);
    drop_carry(p);
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
    peer *p = stream->data;
    worker *w = p->home;

    if (nread == UV_ENOBUFS) {
        if (p->wait.is_waiting)
            uv_read_stop(stream);
        else if (p->is_too_much)
            cut_peer(p);
        return;
    }
    if (nread < 0) {
        take_end(p);
        close_peer(p);
        return;
    }
    if (nread == 0)
        return;
    count_add(&w->counts.listeners[LISTENER_SYSLOG_TCP].received_bytes,
              (uint64_t)nread);
    take_bytes(p, lp_span_of(buf->base - p->carry_bytes,
                             p->carry_bytes + (size_t)nread));
}

static void go_on(hold_wait *wait)
{
    peer *p = (peer *)(void *)((char *)wait - offsetof(peer, wait));

    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

/* Accepting --------------------------------------------------------------- */

static void refuse(void *ctx, int fd, const char *why)
{
    const tcp_server *server = ctx;

    count_add(&server->side->home->counts.counts[COUNT_CONNECTIONS_REFUSED], 1);
    LOG_AT(LOG_WARN, "connection_refused", "listener=syslog_tcp why=\"%s\"",
           why);
    close(fd);
}

static void turn_away(void *ctx, int fd)
{
    refuse(ctx, fd, "no descriptors");
}

static void take(void *ctx, int fd, const struct sockaddr *address,
                 socklen_t address_bytes)
{
    const tcp_server *server = ctx;
    tcp_ingest *side = server->side;
    worker *w = side->home;
    peer *p;

    (void)address;
    (void)address_bytes;
    if (side->peer_count >= w->shared->cfg->connections_max) {
        refuse(ctx, fd, "--connections-max");
        return;
    }
    p = open_peer(side);
    if (p == NULL || uv_tcp_open(&p->tcp, fd) != 0) {
        refuse(ctx, fd, "no memory");
        if (p != NULL)
            close_peer(p);
        return;
    }
    count_add(&w->counts.counts[COUNT_CONNECTIONS], 1);
    uv_tcp_keepalive(&p->tcp, 1, KEEPALIVE_S);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

static void on_server_closed(void *ctx)
{
    tcp_server *server = ctx;
    tcp_ingest *side = server->side;

    free(server);
    handle_gone(side);
}

int ingest_tcp_listen(worker *w, int fd)
{
    static const acceptor_calls calls = {
        .kind = "syslog-tcp",
        .take = take,
        .refuse = turn_away,
        .on_closed = on_server_closed,
    };
    tcp_ingest *side = side_of(w);
    tcp_server *server = side != NULL ? calloc(1, sizeof(*server)) : NULL;
    int err = server == NULL ? UV_ENOMEM : 0;

    if (err == 0 && listen(fd, SOMAXCONN) != 0)
        err = uv_translate_sys_error(errno);
    if (err != 0) {
        free(server);
        close(fd);
        return err;
    }
    server->side = side;
    err = acceptor_open(w, fd, &calls, server, &server->from);
    if (err != 0) {
        free(server);
        return err;
    }
    server->next = side->servers;
    side->servers = server;
    side->handle_count++;
    return 0;
}

void ingest_tcp_close(worker *w)
{
    tcp_ingest *side = w->tcp;

    if (side == NULL)
        return;
    for (peer *p = side->peers; p != NULL; p = p->next)
        close_peer(p);
    while (side->servers != NULL) {
        tcp_server *server = side->servers;

        side->servers = server->next;
        acceptor_close(server->from);
    }
}
