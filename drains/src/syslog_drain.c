/*
 * syslog_drain.c - see syslog_drain.h.
 *
 *              first batch            connected
 *    closed --------------> opening -------------> open ----+
 *      ^                       |                    |  ^    | batches
 *      +-- failed, the peer closed, the link closes +  +----+
 *
 * Nobody answers a syslog sender. What the peer's kernel has acknowledged
 * (SIOCOUTQ) counts as delivered; the rest is sent again when the connection
 * dies, and it dies by a reset, so that none of it arrives late as well. The next
 * connection begins with caution (caution.h): what is allowed is written, and the
 * rest of the batch waits.
 */
#include "syslog_drain.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "caution.h"
#include "peer_socket.h"
#include "sheet.h"
#include "syslog_target.h"
#include "transport.h"

enum {
    WINDOW = 64,
    LOOK_MS = 50 /* how often it is asked what has arrived */
};

typedef struct connection connection;

typedef struct syslog_link {
    lpi_target target;
    lpi_sheets *sheets;
    bool is_tls;
    bool is_suspect; /* an open connection failed, and none was trusted since */
    connection *connection; /* NULL: closed */
} syslog_link;

struct connection {
    syslog_link *link; /* NULL: it is closing */
    lpi_socket *socket;
    lpi_transport *transport; /* NULL: not connected yet */
    bool is_open;             /* the transport has begun */
    bool is_ending;           /* nothing is sent any more */
    bool has_leftover;        /* there is a batch that it has no part of */
    char *text; /* of the last batch, what is still to go; NULL: nothing */
    size_t text_bytes, text_at;
    uint64_t written_bytes; /* in all */
    lpi_caution caution;
    lpi_arrivals arrivals; /* by what is counted as delivered */
    uint64_t arrived_bytes;
    uint64_t progress_ms; /* since when there are no more */
};

/* Closing ----------------------------------------------------------------- */

static void on_closed(void *ctx)
{
    connection *c = ctx;

    free(c->text);
    lpi_arrivals_fini(&c->arrivals);
    free(c);
}

/* With a reset when something is on its way: it will come by another one. */
static void disconnect(syslog_link *link)
{
    connection *c = link->connection;
    bool is_clean;

    if (!c)
        return;
    is_clean = !c->is_open || c->arrivals.count == 0;
    link->connection = NULL;
    link->target.drain->is_doubted = false;
    c->link = NULL;
    if (c->transport)
        c->transport->calls->close(c->transport, c->is_open && is_clean);
    c->transport = NULL;
    lpi_socket_close(c->socket, !is_clean);
}

/* Delivering -------------------------------------------------------------- */

static void note_progress(connection *c)
{
    uint64_t arrived;

    assert(c->transport);
    arrived = c->transport->calls->arrived_bytes(c->transport);
    if (arrived <= c->arrived_bytes)
        return;
    c->arrived_bytes = arrived;
    c->progress_ms = lpi_socket_now_ms(c->socket);
}

static void confirm_arrived(connection *c)
{
    uint64_t lines;

    if (!c->is_open)
        return;
    note_progress(c);
    lines = lpi_arrivals_count(&c->arrivals, c->arrived_bytes);
    if (lines > 0)
        lp_drain_delivered(c->link->target.drain, lines);
}

/* The connection is of no use any more. Nothing is said of one that had
 * nothing to do. */
static void give_up_by(connection *c, const char *why, const char *alert)
{
    syslog_link *link = c->link;
    lp_drain *drain = link->target.drain;
    bool had_work;

    c->is_ending = true;
    confirm_arrived(c); // which may bring the next batch
    had_work = !c->is_open || c->arrivals.count > 0 || c->has_leftover;
    link->is_suspect = link->is_suspect || (c->is_open && had_work);
    disconnect(link);
    if (!had_work)
        lp_drain_ready(drain);
    else if (alert[0])
        lp_drain_failed_tls(drain, alert, why, 0);
    else
        lp_drain_failed(drain, why, 0);
}

static void give_up(connection *c, const char *why)
{
    give_up_by(c, why, "");
}

/* For what the transport says. */
static void give_up_transport(connection *c, lpi_io io)
{
    lpi_transport said = *c->transport;

    if (io == LPI_IO_CLOSED)
        give_up(c, "it closed the connection");
    else
        give_up_by(c, said.why, said.alert);
}

/* Writing ----------------------------------------------------------------- */

/* Of so many that are left, those to be written now. */
static size_t sendable_bytes(const connection *c, size_t left_bytes)
{
    uint64_t allowed_bytes = c->caution.allowed_bytes - c->written_bytes;

    if (!c->caution.is_on || left_bytes < allowed_bytes)
        return left_bytes;
    return (size_t)allowed_bytes;
}

static size_t left_bytes(const connection *c)
{
    return c->text_bytes - c->text_at;
}

/* As much as the kernel takes. False: the connection has been given up. */
static bool write_some(connection *c, const char *data, size_t data_bytes,
                       size_t *taken_bytes)
{
    size_t some_bytes = sendable_bytes(c, data_bytes);
    lpi_io io;

    *taken_bytes = 0;
    if (some_bytes == 0)
        return true;
    io =
        c->transport->calls->write(c->transport, data, some_bytes, taken_bytes);
    c->written_bytes += *taken_bytes;
    if (*taken_bytes > 0)
        lp_drain_count_sent(c->link->target.drain, *taken_bytes);
    if (io == LPI_IO_FAILED)
        give_up_transport(c, io);
    return io != LPI_IO_FAILED;
}

/* What is left of the last batch. False: as above. */
static bool write_on(connection *c)
{
    size_t taken_bytes;
    bool is_on =
        write_some(c, c->text + c->text_at, left_bytes(c), &taken_bytes);

    c->text_at += taken_bytes;
    return is_on;
}

/* Behind what is left already. False: there is no memory. */
static bool keep(connection *c, const char *data, size_t data_bytes)
{
    char *text;

    if (data_bytes == 0)
        return true;
    text = realloc(c->text, c->text_bytes + data_bytes);
    if (!text)
        return false;
    memcpy(text + c->text_bytes, data, data_bytes);
    c->text = text;
    c->text_bytes += data_bytes;
    return true;
}

/* Writes what goes now, and keeps the rest. False: it has been given up. */
static bool offer(connection *c, const char *data, size_t data_bytes)
{
    size_t taken_bytes = 0;

    if (c->is_open && !c->text &&
        !write_some(c, data, data_bytes, &taken_bytes))
        return false;
    if (keep(c, data + taken_bytes, data_bytes - taken_bytes))
        return true;
    give_up(c, "there is no memory for a batch");
    return false;
}

static void look_again(connection *c)
{
    if (c->arrivals.count > 0 && !lpi_socket_has_timer(c->socket))
        lpi_socket_set_timer(c->socket, LOOK_MS);
}

/* What comes behind a write: the next batch, or more of this one later. */
static void after_write(connection *c)
{
    look_again(c);
    if (left_bytes(c) > 0) {
        lpi_socket_watch(c->socket, sendable_bytes(c, left_bytes(c)) > 0
                                        ? UV_READABLE | UV_WRITABLE
                                        : UV_READABLE);
        return;
    }
    lpi_socket_watch(c->socket, UV_READABLE);
    free(c->text);
    c->text = NULL;
    c->text_bytes = c->text_at = 0;
}

/* What the peer says is read and ignored. False: it has been given up. */
static bool read_on(connection *c)
{
    lpi_io io = c->transport->calls->read(c->transport);

    if (io == LPI_IO_WANTS_READ)
        return true;
    give_up_transport(c, io);
    return false;
}

/* And sends what has waited for it. */
static void send_on(connection *c)
{
    lp_drain *drain = c->link->target.drain;

    if (!c->text || !write_on(c))
        return;
    after_write(c);
    if (!c->text)
        lp_drain_ready(drain);
}

/* Caution ----------------------------------------------------------------- */

static bool is_held_back(const connection *c)
{
    return left_bytes(c) > 0 && sendable_bytes(c, left_bytes(c)) == 0 &&
           c->arrived_bytes == c->written_bytes;
}

static void begin_with_caution(connection *c)
{
    lpi_window window = lpi_window_of(lpi_socket_fd(c->socket));

    if (c->link->is_suspect)
        lpi_caution_begin(&c->caution, &window);
}

/* Sends on if somebody reads, or to see whether somebody does. */
static void look_at_window(connection *c)
{
    syslog_link *link = c->link;
    const lp_drains_options *opt = lp_drain_set_options(link->target.drain);
    lpi_window window = lpi_window_of(lpi_socket_fd(c->socket));
    uint64_t now_ms = lpi_socket_now_ms(c->socket);
    bool may_go_on = lpi_caution_look(&c->caution, now_ms, &window);

    link->target.drain->is_doubted = c->caution.is_stuck;
    link->is_suspect = c->caution.is_on;
    if (c->caution.is_stuck &&
        now_ms - c->caution.stuck_ms >= opt->answer_timeout_ms) {
        give_up(c, "it reads nothing of what it is sent");
    } else if (may_go_on) {
        c->progress_ms = now_ms; // until now there was nothing to wait for
        send_on(c);
    } else {
        look_again(c);
    }
}

/* Connecting -------------------------------------------------------------- */

static void on_begun(connection *c)
{
    c->is_open = true;
    begin_with_caution(c);
    c->progress_ms = lpi_socket_now_ms(c->socket);
    lpi_socket_stop_timer(c->socket);
    lpi_socket_watch(c->socket, UV_READABLE);
    send_on(c);
}

static void begin(connection *c)
{
    lpi_io io = c->transport->calls->begin(c->transport);

    if (io == LPI_IO_DONE)
        on_begun(c);
    else if (io == LPI_IO_WANTS_READ)
        lpi_socket_watch(c->socket, UV_READABLE);
    else if (io == LPI_IO_WANTS_WRITE)
        lpi_socket_watch(c->socket, UV_WRITABLE);
    else
        give_up_transport(c, io);
}

static void on_opened(void *ctx)
{
    connection *c = ctx;
    int fd = lpi_socket_fd(c->socket);
    char why[LP_DRAIN_ERROR_MAX_BYTES] = "there is no memory for a connection";

    if (c->link->is_tls)
        c->transport = lpi_tls_open(&c->link->target, fd, why, sizeof(why));
    else
        c->transport = lpi_plain_open(fd);
    if (!c->transport) {
        give_up(c, why);
        return;
    }
    lpi_socket_set_timer(c->socket, lpi_socket_left_ms(c->socket));
    begin(c);
}

static void on_unreached(void *ctx, const char *why)
{
    give_up(ctx, why);
}

static void on_events(void *ctx, int events, bool is_broken)
{
    connection *c = ctx;

    if (!c->is_open) {
        begin(c);
        return;
    }
    if ((is_broken || (events & UV_READABLE)) && !read_on(c))
        return;
    if (is_broken)
        give_up(c, "the connection broke");
    else
        send_on(c);
}

static void on_timer(void *ctx)
{
    connection *c = ctx;
    const lp_drains_options *opt;

    if (!c->is_open) {
        give_up(c, "the TLS handshake was not over in time");
        return;
    }
    confirm_arrived(c);
    if (!c->link)
        return;
    if (is_held_back(c)) {
        look_at_window(c);
        return;
    }
    opt = lp_drain_set_options(c->link->target.drain);
    if (c->arrivals.count > 0 &&
        lpi_socket_now_ms(c->socket) - c->progress_ms >= opt->answer_timeout_ms)
        give_up(c, "it takes nothing of what it is sent");
    else
        look_again(c);
}

/* NULL: there is no memory. */
static connection *connect_to(syslog_link *link)
{
    static const lpi_socket_calls calls = {
        .opened = on_opened,
        .unreached = on_unreached,
        .events = on_events,
        .timer = on_timer,
        .closed = on_closed,
    };
    connection *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->link = link;
    c->socket = lpi_socket_open(&link->target, SOCK_STREAM, &calls, c);
    if (!c->socket) {
        free(c);
        return NULL;
    }
    link->connection = c;
    return c;
}

/* Batches ----------------------------------------------------------------- */

/* False: there is no memory. */
static bool render(connection *c, const lp_drain_batch *batch,
                   size_t notice_bytes, lpi_rendered *lines)
{
    const lpi_target *target = &c->link->target;

    if (!lpi_sheets_render(c->link->sheets, target->drain, batch,
                           !target->is_newline_framed, lines))
        return false;
    if (c->arrivals.count == 0) // nothing was to arrive until now
        c->progress_ms = lpi_socket_now_ms(c->socket);
    return lpi_arrivals_await(&c->arrivals, lines, batch->line_count,
                              notice_bytes);
}

/* False: it has been given up. */
static bool send_batch(connection *c, const lp_drain_batch *batch)
{
    const lpi_target *target = &c->link->target;
    char notice[LP_DRAIN_NOTICE_MAX_BYTES];
    size_t notice_bytes = lp_drain_print_notice(
        batch, lp_span_of(target->token, target->token_bytes),
        !target->is_newline_framed, notice, sizeof(notice));
    lpi_rendered lines;

    if (!render(c, batch, notice_bytes, &lines)) {
        c->has_leftover = true;
        give_up(c, "there is no memory for a batch");
        return false;
    }
    return offer(c, notice, notice_bytes) && offer(c, lines.text, lines.bytes);
}

static bool syslog_send(void *ctx, const lp_drain_batch *batch)
{
    syslog_link *link = ctx;
    connection *c = link->connection ? link->connection : connect_to(link);

    if (!c) {
        lp_drain_failed(link->target.drain,
                        "there is no memory for a connection", 0);
        return false;
    }
    if (c->is_ending) { // give_up() says that it failed
        c->has_leftover = true;
        return false;
    }
    // Small batches would fill the window before it is looked again.
    if (link->target.drain->flight_count > WINDOW / 4)
        confirm_arrived(c);
    if (!send_batch(c, batch) || !c->is_open)
        return false;
    after_write(c);
    return c->text == NULL;
}

/* Links ------------------------------------------------------------------- */

static void syslog_close(void *ctx)
{
    syslog_link *link = ctx;

    disconnect(link);
    lpi_sheets_leave(link->sheets, lp_drain_channel(link->target.drain));
    lpi_target_fini(&link->target);
    free(link);
}

static void syslog_settle(void *ctx)
{
    const syslog_link *link = ctx;

    if (link->connection)
        confirm_arrived(link->connection);
}

static lp_err open_link(lp_drain *drain, lp_span url, lp_span token,
                        bool is_tls, void **out)
{
    syslog_link *link = calloc(1, sizeof(*link));
    lp_err err;

    if (!link)
        return LP_E_NOMEM;
    link->is_tls = is_tls;
    link->sheets = lpi_sheets_of(drain->set);
    err = link->sheets ? lpi_target_init(&link->target, drain, url, token)
                       : LP_E_NOMEM;
    if (err != LP_OK) {
        free(link);
        return err;
    }
    lpi_sheets_enter(link->sheets, lp_drain_channel(drain));
    *out = link;
    return LP_OK;
}

static lp_err open_plain(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                         void **out)
{
    (void)ctx;
    return open_link(drain, url, token, false, out);
}

static lp_err open_tls(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                       void **out)
{
    (void)ctx;
    return open_link(drain, url, token, true, out);
}

lp_err lpi_syslog_register(lp_drains *set)
{
    lp_drain_protocol protocol = {
        .struct_bytes = sizeof(protocol),
        .window = WINDOW,
        .copies = true,
        .is_prompt = true,
        .has_lanes = true,
        .is_nameless = true,
        .scheme = "syslog",
        .open = open_plain,
        .send = syslog_send,
        .close = syslog_close,
        .settle = syslog_settle,
    };
    lp_err err = lp_drains_register(set, &protocol);

    protocol.scheme = "syslog+tls";
    protocol.open = open_tls;
    return err == LP_OK ? lp_drains_register(set, &protocol) : err;
}
