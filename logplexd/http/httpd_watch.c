#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/httpd_auth.h"
#include "http/httpd_impl.h"

enum {
    LOOK_MIN_MS = 20,
    LOOK_MAX_MS = 1000,
    HANGUPS_EACH_MS = 3000,
    HANGUPS_A_POLL = 1024,
    LINGER_MS = 2000
};

/* Lingering --------------------------------------------------------------- */

static bool has_peer_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

// Of many at once the first one has had the longest time.
static void end_first_lingerer(http_server *server)
{
    http_lingerer *first = server->lingering;

    close(first->fd);
    server->lingering_count--;
    memmove(first, first + 1, server->lingering_count * sizeof(*first));
}

void http_watch_linger(http_conn *conn)
{
    http_server *server = conn->server;
    int fd;

    shutdown(conn->fd, SHUT_WR);
    if (server->is_stopping ||
        (!conn->is_told_raw && has_peer_closed(conn->fd)))
        return;
    fd = fcntl(conn->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (server->lingering_count == HTTP_LINGERING_MAX)
        end_first_lingerer(server);
    server->lingering[server->lingering_count++] =
        (http_lingerer){fd, uv_now(&server->home->loop) + LINGER_MS};
}

// True: the peer has closed too, or nothing more can come.
static bool drain(int fd)
{
    static const unsigned reads_max = 64;
    char sink[16384];

    for (unsigned i = 0; i < reads_max; i++) {
        ssize_t got = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);

        if (got < 0)
            return errno != EAGAIN && errno != EINTR;
        if (got == 0) // our own SHUT_RD reads like this too
            return false;
    }
    return false;
}

static void look_at_lingering(http_server *server, uint64_t now_ms)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < server->lingering_count; i++) {
        http_lingerer *place = &server->lingering[i];

        if (!drain(place->fd) && now_ms < place->until_ms)
            server->lingering[kept++] = *place;
        else
            close(place->fd);
    }
    server->lingering_count = kept;
}

static void send_raw(http_conn *conn, const char *data, size_t data_bytes)
{
    ssize_t sent;

    if (conn->tls.session) {
        tls_peer_send(&conn->tls, data, data_bytes);
        return;
    }
    sent = send(conn->fd, data, data_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; // what does not fit now is not worth waiting for
}

// RFC 9110, 5.6.7; we never leave the locale whose names of days these are.
static void print_date(int64_t when_s, char out[32])
{
    time_t when = (time_t)when_s;
    struct tm parts;

    if (!gmtime_r(&when, &parts) ||
        strftime(out, 32, "%a, %d %b %Y %H:%M:%S GMT", &parts) == 0)
        out[0] = '\0';
}

const char *http_date(http_server *server)
{
    int64_t now_s = worker_now(server->home) / 1000000000;

    if (now_s != server->date_s)
        print_date(now_s, server->date);
    server->date_s = now_s;
    return server->date;
}

void http_watch_answer_raw(http_conn *conn, int status, const char *text)
{
    char answer[256];
    int len_bytes;

    len_bytes = snprintf(answer, sizeof(answer),
                         "HTTP/1.1 %d %s\r\n"
                         "Date: %s\r\n"
                         "Server: logplexd\r\n"
                         "Content-Type: text/plain\r\n"
                         "Content-Length: %zu\r\n"
                         "Connection: close\r\n\r\n%s",
                         status, http_mhd_reason(status),
                         http_date(conn->server), strlen(text), text);
    send_raw(conn, answer, (size_t)len_bytes);
    http_count_status(conn->server, status);
    conn->is_told_raw = true;
}

/* Time limits ------------------------------------------------------------- */

void http_watch_end_input(http_conn *conn)
{
    bool is_shaking = conn->tls.session && !conn->tls.is_open;

    // A handshake owes no answer, and it may be stuck in writing.
    shutdown(conn->fd, is_shaking ? SHUT_RDWR : SHUT_RD);
    if (!conn->is_direct)
        http_mhd_look_at(conn);
}

static void look_at_conn(http_conn *conn, uint64_t now_ms)
{
    const config *cfg = conn->server->home->shared->cfg;
    const http_request *req = conn->req;
    uint64_t silent_ms = now_ms - conn->since_ms;

    if (!req) {
        if (silent_ms < cfg->idle_timeout_ms || cfg->idle_timeout_ms == 0)
            return;
        http_watch_end_input(conn);
    } else if (!req->is_body_done && cfg->body_timeout_ms > 0 &&
               silent_ms >= cfg->body_timeout_ms && !req->is_cut) {
        conn->req->is_cut = true;
        if (!req->is_answered)
            http_watch_answer_raw(conn, 408, "the body never came\n");
        http_watch_end_input(conn);
    }
}

/* Peers who have gone ----------------------------------------------------- */

/*
 * Nobody else looks at the socket of a stream that waits for something to
 * send. A client that has only shut down its sending side can't be told from
 * one that has closed, and counts as gone, as it does for the original.
 *
 * Who is to send something, and has closed right behind his last bytes, is
 * missed by libmicrohttpd: it waits for the next edge of epoll after a read
 * that was short, and the end of the stream has none of its own.
 */
static bool may_have_gone(const http_conn *conn)
{
    const http_request *req = conn->req;

    if (req && req->is_stream)
        return req->is_suspended;
    return !req || !req->is_body_done;
}

// The socket is there as long as a deferred request is.
bool http_has_hung_up(const http_request *req)
{
    struct pollfd look = {req->conn->fd, POLLRDHUP, 0};

    return poll(&look, 1, 0) > 0 &&
           look.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void let_go(http_conn *conn)
{
    if (conn->req && conn->req->is_stream)
        http_mhd_cut(conn->req);
    else
        http_watch_end_input(conn);
}

static void look_at_hangups(struct pollfd *fds, http_conn *const *conns,
                            unsigned count)
{
    if (count == 0 || poll(fds, count, 0) <= 0)
        return;
    for (unsigned i = 0; i < count; i++)
        if (fds[i].revents & (POLLRDHUP | POLLHUP | POLLERR))
            let_go(conns[i]);
}

static void look_for_hangups(http_server *server)
{
    struct pollfd fds[HANGUPS_A_POLL];
    http_conn *conns[HANGUPS_A_POLL];
    unsigned count = 0;

    for (http_conn *conn = server->conns; conn; conn = conn->next) {
        if (!may_have_gone(conn))
            continue;
        fds[count] = (struct pollfd){conn->fd, POLLRDHUP, 0};
        conns[count++] = conn;
        if (count == HANGUPS_A_POLL) {
            look_at_hangups(fds, conns, count);
            count = 0;
        }
    }
    look_at_hangups(fds, conns, count);
}

/* Who may not any more ----------------------------------------------------- */

/* A stream has no next request that could be refused. */
static void look_at_credential(const http_conn *conn)
{
    http_request *req = conn->req;

    if (req && req->is_stream && !http_auth_holds(req))
        http_mhd_cut(req);
}

/* The look ---------------------------------------------------------------- */

static void on_look(uv_timer_t *timer)
{
    http_server *server = timer->data;
    uint64_t now_ms = uv_now(&server->home->loop);

    for (http_conn *conn = server->conns; conn; conn = conn->next) {
        look_at_conn(conn, now_ms);
        look_at_credential(conn);
    }
    look_at_lingering(server, now_ms);
    if (now_ms - server->hangups_ms < HANGUPS_EACH_MS)
        return;
    server->hangups_ms = now_ms;
    look_for_hangups(server);
}

void http_watch_start(http_server *server)
{
    const config *cfg = server->home->shared->cfg;
    uint64_t each_ms = LOOK_MAX_MS;

    if (cfg->idle_timeout_ms > 0 && cfg->idle_timeout_ms / 8 < each_ms)
        each_ms = cfg->idle_timeout_ms / 8;
    if (cfg->body_timeout_ms > 0 && cfg->body_timeout_ms / 8 < each_ms)
        each_ms = cfg->body_timeout_ms / 8;
    if (each_ms < LOOK_MIN_MS)
        each_ms = LOOK_MIN_MS;
    uv_timer_init(&server->home->loop, &server->watch);
    server->watch.data = server;
    server->open_handles++;
    uv_timer_start(&server->watch, on_look, each_ms, each_ms);
}

void http_watch_stop(http_server *server)
{
    http_handle_close(server, (uv_handle_t *)&server->watch);
    for (unsigned i = 0; i < server->lingering_count; i++)
        close(server->lingering[i].fd);
    server->lingering_count = 0;
}
