/* receiver.c - see receiver.h. */
#include "demo/receiver.h"

#include <stdlib.h>

enum {
    PEERS_MAX = 16,
    BACKLOG = 16,
    THERE_FIRST_MS = 65 * 1000, /* somebody has seen the drains by then */
    THERE_MS = 140 * 1000,
    AWAY_MS = 25 * 1000,
    TRY_AGAIN_MS = 1000
};

typedef struct receiver_peer {
    uv_tcp_t tcp;
    receiver *of;
    LIST_ENTRY(receiver_peer) near;
} receiver_peer;

/* Peers ------------------------------------------------------------------- */

static void on_peer_gone(uv_handle_t *handle)
{
    receiver_peer *peer = handle->data;

    LIST_REMOVE(peer, near);
    peer->of->peer_count--;
    free(peer);
}

static void let_go(receiver_peer *peer)
{
    if (!uv_is_closing((uv_handle_t *)&peer->tcp))
        uv_close((uv_handle_t *)&peer->tcp, on_peer_gone);
}

static void let_all_go(receiver *of)
{
    receiver_peer *peer;

    LIST_FOREACH (peer, &of->peers, near)
        let_go(peer);
}

static void on_room(uv_handle_t *handle, size_t wanted_bytes, uv_buf_t *out)
{
    receiver_peer *peer = handle->data;

    (void)wanted_bytes;
    *out = uv_buf_init(peer->of->nothing, sizeof(peer->of->nothing));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    if (n < 0)
        let_go(stream->data);
}

static void on_peer(uv_stream_t *server, int status)
{
    receiver *of = server->data;
    receiver_peer *peer = status == 0 ? calloc(1, sizeof(*peer)) : NULL;

    if (!peer)
        return;
    if (uv_tcp_init(server->loop, &peer->tcp) != 0) {
        free(peer);
        return;
    }
    peer->of = of;
    peer->tcp.data = peer;
    LIST_INSERT_HEAD(&of->peers, peer, near);
    of->peer_count++;
    // One too many is taken as well, and hung up on.
    if (uv_accept(server, (uv_stream_t *)&peer->tcp) != 0 ||
        of->peer_count > PEERS_MAX ||
        uv_read_start((uv_stream_t *)&peer->tcp, on_room, on_read) != 0)
        let_go(peer);
}

/* Being there, and being away --------------------------------------------- */

static int listen_on(receiver *of, uint16_t port, struct sockaddr_in *at)
{
    int bytes = sizeof(*at);
    int err = uv_ip4_addr("127.0.0.1", port, at);

    if (err == 0)
        err = uv_tcp_bind(&of->server, (const struct sockaddr *)at, 0);
    if (err == 0)
        err = uv_listen((uv_stream_t *)&of->server, BACKLOG, on_peer);
    if (err == 0)
        err = uv_tcp_getsockname(&of->server, (struct sockaddr *)at, &bytes);
    return err;
}

static int come(receiver *of)
{
    struct sockaddr_in at = {.sin_port = 0};
    int err = uv_tcp_init(of->turn.loop, &of->server);

    if (err != 0)
        return err;
    of->server.data = of;
    err = listen_on(of, of->port, &at);
    if (err != 0)
        uv_close((uv_handle_t *)&of->server, NULL);
    else if (of->port == 0)
        of->port = ntohs(at.sin_port); // from now on it is known
    of->is_there = err == 0;
    return err;
}

static void go_away(receiver *of)
{
    if (of->is_there)
        uv_close((uv_handle_t *)&of->server, NULL);
    of->is_there = false;
    let_all_go(of);
}

static void on_turn(uv_timer_t *timer)
{
    receiver *of = timer->data;
    uint64_t until_next_ms = AWAY_MS;

    if (of->is_there)
        go_away(of);
    else // the port may be somebody else's by now, but not for ever
        until_next_ms = come(of) == 0 ? THERE_MS : TRY_AGAIN_MS;
    uv_timer_start(timer, on_turn, until_next_ms, 0);
}

int receiver_open(receiver *of, uv_loop_t *loop)
{
    LIST_INIT(&of->peers);
    of->peer_count = 0;
    of->port = 0;
    of->is_there = false;
    uv_timer_init(loop, &of->turn);
    of->turn.data = of;
    uv_timer_start(&of->turn, on_turn, THERE_FIRST_MS, 0);
    return come(of);
}

void receiver_close(receiver *of)
{
    go_away(of);
    uv_close((uv_handle_t *)&of->turn, NULL);
}
