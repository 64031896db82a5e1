/*
 * syslog_udp.c - lines by datagrams; see syslog_drain.h.
 *
 *              batch               connected
 *    closed ----------> opening --------------> open ----+
 *      ^                   |                     |  ^    | batches
 *      +--- failed, refused by the host, old ----+  +----+
 *
 * A line is delivered when our kernel has taken its datagram. Nobody answers,
 * but the host may say that there is no such port, and that fails what was not
 * sent by then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logplex/render.h"
#include "peer_socket.h"
#include "syslog_drain.h"
#include "syslog_target.h"

enum {
    DATAGRAM_MAX_BYTES = 65507, /* of IPv4; IPv6 has room for no fewer */
    DATAGRAM_MIN_BYTES = 480,   /* which every receiver takes: RFC 5426 3.2 */
    BURST_LINES = 64,           /* in a turn of the loop */
    REFRESH_MS = 60 * 1000      /* then the name is looked up again */
};

typedef struct udp_link {
    lpi_target target;
    lpi_socket *socket; /* NULL: closed */
    bool is_open;
    uint64_t opened_ms;
    size_t datagram_max_bytes;

    const lp_drain_batch *batch; /* NULL: none is in flight */
    bool is_notice_sent;
    uint32_t run, line;  /* the next one */
    uint64_t sent_lines; /* of the batch */
    char *text;          /* room for a line, while there is a batch */
    size_t room_bytes;
} udp_link;

/* Ends -------------------------------------------------------------------- */

static void drop_batch(udp_link *u)
{
    free(u->text);
    u->text = NULL;
    u->room_bytes = 0;
    u->batch = NULL;
}

static void disconnect(udp_link *u)
{
    if (u->socket)
        lpi_socket_close(u->socket, false);
    u->socket = NULL;
    u->is_open = false;
}

static void give_up(udp_link *u, const char *why)
{
    lp_drain *drain = u->target.drain;
    uint64_t sent_lines = u->batch ? u->sent_lines : 0;
    char copy[LP_DRAIN_ERROR_MAX_BYTES]; // it may be the socket's

    snprintf(copy, sizeof(copy), "%s", why);
    disconnect(u);
    drop_batch(u);
    if (sent_lines > 0)
        lp_drain_delivered(drain, sent_lines);
    lp_drain_failed(drain, copy, 0);
}

static void give_up_for(udp_link *u, int err)
{
    char why[LP_DRAIN_ERROR_MAX_BYTES];

    if (err == ECONNREFUSED)
        snprintf(why, sizeof(why), "its host says that nobody listens there");
    else
        snprintf(why, sizeof(why), "it could not be sent to: %s",
                 strerror(err));
    give_up(u, why);
}

/* Datagrams --------------------------------------------------------------- */

/* So that it fits and ends in an LF, but not within a character (RFC 5424 6.1).
 * Returns what is left of it. */
static size_t cut(char *text, size_t room_bytes)
{
    size_t at = room_bytes - 1;
    size_t least = at - 3;

    while (at > least && ((unsigned char)text[at] & 0xC0) == 0x80)
        at--;
    text[at] = '\n';
    return at + 1;
}

/* errno, or 0. */
static int send_datagram(udp_link *u, size_t text_bytes, bool *is_cut)
{
    int fd = lpi_socket_fd(u->socket);

    for (;;) {
        *is_cut = *is_cut || text_bytes > u->datagram_max_bytes;
        if (text_bytes > u->datagram_max_bytes)
            text_bytes = cut(u->text, u->datagram_max_bytes);
        if (send(fd, u->text, text_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
            break;
        if (errno == EMSGSIZE && u->datagram_max_bytes > DATAGRAM_MIN_BYTES)
            u->datagram_max_bytes = text_bytes > 2 * DATAGRAM_MIN_BYTES
                                        ? text_bytes / 2
                                        : DATAGRAM_MIN_BYTES;
        else if (errno != EINTR)
            return errno;
    }
    lp_drain_count_sent(u->target.drain, text_bytes);
    return 0;
}

static bool make_room(udp_link *u, size_t bytes)
{
    char *longer;

    if (bytes <= u->room_bytes)
        return true;
    longer = realloc(u->text, bytes);
    if (!longer)
        return false;
    u->text = longer;
    u->room_bytes = bytes;
    return true;
}

static int send_line(udp_link *u)
{
    const lp_run *run = &u->batch->runs[u->run];
    lp_record record = lp_run_at(run, u->line);
    lp_span token = lp_span_of(u->target.token, u->target.token_bytes);
    bool is_cut = false;
    size_t text_bytes =
        lp_render_syslog(&record, token, false, u->text, u->room_bytes);
    int err;

    if (text_bytes > u->room_bytes) {
        if (!make_room(u, text_bytes))
            return ENOMEM;
        lp_render_syslog(&record, token, false, u->text, u->room_bytes);
    }
    err = send_datagram(u, text_bytes, &is_cut);
    if (err != 0)
        return err;
    lp_drain_count_cut(u->target.drain, is_cut);
    u->sent_lines++;
    u->line++;
    if (u->line == run->line_count) {
        u->run++;
        u->line = 0;
    }
    return 0;
}

static int send_notice(udp_link *u)
{
    lp_span token = lp_span_of(u->target.token, u->target.token_bytes);
    size_t text_bytes =
        lp_drain_print_notice(u->batch, token, false, u->text, u->room_bytes);
    bool is_cut = false;
    int err = text_bytes > 0 ? send_datagram(u, text_bytes, &is_cut) : 0;

    u->is_notice_sent = err == 0;
    return err;
}

/* errno, or 0: all of it is sent. EAGAIN: the rest comes when the socket is
 * ready, if only because a receiver wants to be heard in between. */
static int send_some(udp_link *u)
{
    int err = make_room(u, DATAGRAM_MAX_BYTES) ? 0 : ENOMEM;
    int count = 0;

    if (err == 0 && !u->is_notice_sent)
        err = send_notice(u);
    while (err == 0 && u->run < u->batch->run_count)
        err = count++ < BURST_LINES ? send_line(u) : EAGAIN;
    return err;
}

/* Events ------------------------------------------------------------------ */

static void send_on(udp_link *u)
{
    lp_drain *drain = u->target.drain;
    uint64_t lines;
    int err = send_some(u);

    if (err == EAGAIN) // and it is watched
        return;
    if (err != 0) {
        give_up_for(u, err);
        return;
    }
    lines = u->sent_lines;
    drop_batch(u);
    lpi_socket_watch(u->socket, UV_READABLE);
    lp_drain_delivered(drain, lines);
    lp_drain_ready(drain);
}

/* What comes is ignored, but not that the host has nobody there. */
static int read_errors(udp_link *u)
{
    char sink[512];

    if (recv(lpi_socket_fd(u->socket), sink, sizeof(sink), MSG_DONTWAIT) >= 0 ||
        errno == EAGAIN || errno == EINTR)
        return 0;
    return errno;
}

static void on_events(void *ctx, int events, bool is_broken)
{
    udp_link *u = ctx;
    int err = is_broken || (events & UV_READABLE) ? read_errors(u) : 0;

    if (err != 0)
        give_up_for(u, err);
    else if (u->batch)
        send_on(u);
}

static void on_opened(void *ctx)
{
    udp_link *u = ctx;

    u->is_open = true;
    u->opened_ms = lpi_socket_now_ms(u->socket);
    u->datagram_max_bytes = DATAGRAM_MAX_BYTES;
    send_on(u);
}

static void on_unreached(void *ctx, const char *why)
{
    give_up(ctx, why);
}

static bool open_socket(udp_link *u)
{
    static const lpi_socket_calls calls = {
        .opened = on_opened,
        .unreached = on_unreached,
        .events = on_events,
    };

    u->socket = lpi_socket_open(&u->target, SOCK_DGRAM, &calls, u);
    return u->socket != NULL;
}

static bool is_old(const udp_link *u)
{
    return u->is_open && !lpi_target_is_address(&u->target) &&
           lpi_socket_now_ms(u->socket) - u->opened_ms >= REFRESH_MS;
}

/* It is sent from the loop, so that a channel which is always full leaves other
 * drains their turns. */
static bool udp_send(void *ctx, const lp_drain_batch *batch)
{
    udp_link *u = ctx;

    u->batch = batch;
    u->is_notice_sent = false;
    u->run = u->line = 0;
    u->sent_lines = 0;
    if (is_old(u))
        disconnect(u);
    if (u->is_open)
        lpi_socket_watch(u->socket, UV_READABLE | UV_WRITABLE);
    else if (!u->socket && !open_socket(u))
        give_up(u, "there is no memory for a socket");
    return false;
}

/* Links ------------------------------------------------------------------- */

static void udp_close(void *ctx)
{
    udp_link *u = ctx;

    disconnect(u);
    drop_batch(u);
    lpi_target_fini(&u->target);
    free(u);
}

static lp_err udp_open(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                       void **out)
{
    udp_link *u = calloc(1, sizeof(*u));
    lp_err err;

    (void)ctx;
    if (!u)
        return LP_E_NOMEM;
    err = lpi_target_init(&u->target, drain, url, token);
    if (err != LP_OK) {
        free(u);
        return err;
    }
    *out = u;
    return LP_OK;
}

lp_err lpi_syslog_udp_register(lp_drains *set)
{
    lp_drain_protocol protocol = {
        .struct_bytes = sizeof(protocol),
        .window = 1,
        .is_prompt = true,
        .is_nameless = true,
        .scheme = "syslog+udp",
        .open = udp_open,
        .send = udp_send,
        .close = udp_close,
    };

    return lp_drains_register(set, &protocol);
}
