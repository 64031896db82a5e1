/*
 * libmicrohttpd on the worker's loop. A daemon has no thread: its epoll
 * descriptor is watched by the loop, and MHD_run() is called in the check
 * phase, once for whatever made it necessary in this turn.
 *
 *     poll: epoll descriptor readable --+
 *     accept: a new connection         -+-> must_run --> check: MHD_run() --+
 *     waker: a stream has something    -+                                   |
 *         ^                                                                 |
 *         +-- idle (timeout 0), or timer (timeout n) <- MHD_get_timeout() <-+
 */
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/log.h"
#include "http/httpd_impl.h"

/* MHD_run() calls in one turn while it asks to be run again at once: the other
 * handles of the loop want their turn too. */
enum { RUNS_A_TURN_MAX = 4, LIMIT_OF_ITS_OWN_S = 24 * 3600 };

/* Running ----------------------------------------------------------------- */

static void on_nothing(uv_idle_t *idle)
{
    (void)idle; // an active one keeps the loop from sleeping
}

void http_mhd_kick(http_engine *engine)
{
    if (engine->server->is_stopping)
        return;
    engine->must_run = true;
    uv_idle_start(&engine->idle, on_nothing);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    http_engine *engine = poll->data;

    (void)status;
    (void)events;
    engine->must_run = true;
}

static void on_later(uv_timer_t *timer)
{
    http_engine *engine = timer->data;

    engine->must_run = true;
}

static void on_check(uv_check_t *check)
{
    http_engine *engine = check->data;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    enum MHD_Result has_wait = MHD_YES;

    engine->server->turn_bytes = 0;
    engine->server->turn_refusals = 0;
    if (!engine->must_run)
        return;
    for (unsigned i = 0; i < RUNS_A_TURN_MAX; i++) {
        engine->must_run = false;
        MHD_run(engine->daemon);
        has_wait = MHD_get_timeout(engine->daemon, &wait_ms);
        if ((has_wait != MHD_YES || wait_ms > 0) && !engine->must_run)
            break;
    }
    if ((has_wait == MHD_YES && wait_ms == 0) || engine->must_run) {
        http_mhd_kick(engine);
        return;
    }
    uv_idle_stop(&engine->idle);
    if (has_wait == MHD_YES)
        uv_timer_start(&engine->later, on_later, wait_ms, 0);
    else
        uv_timer_stop(&engine->later);
}

/* Requests ---------------------------------------------------------------- */

static http_conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static enum MHD_Result queue_answer(http_request *req)
{
    enum MHD_Result ok;

    if (req->is_cut || !req->answer)
        return MHD_NO;
    ok = MHD_queue_response(req->conn->mhd, (unsigned)req->status, req->answer);
    http_mhd_drop_answer(req);
    return ok;
}

static void suspend(http_request *req)
{
    req->is_suspended = true;
    MHD_suspend_connection(req->conn->mhd);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd,
                                  const char *target, const char *method,
                                  const char *version, const char *data,
                                  size_t *data_bytes, void **slot)
{
    http_request *req = *slot;
    size_t len_bytes = *data_bytes;

    (void)cls;
    (void)version;
    if (!req) {
        http_conn *conn = conn_of(mhd);

        *slot = conn ? http_request_begin(conn, method, target) : NULL;
        req = *slot;
        if (!req)
            return MHD_NO;
        if (req->is_early)
            return queue_answer(req);
        if (!http_request_is_whole(req))
            return MHD_YES;
    }
    if (len_bytes > 0) {
        *data_bytes = 0;
        return http_body_take(req, data, len_bytes) ? MHD_YES : MHD_NO;
    }
    req->is_body_done = true;
    if (http_request_run(req))
        return queue_answer(req);
    suspend(req);
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)mhd;
    (void)why;
    if (*slot)
        http_request_completed(*slot);
    *slot = NULL;
}

void http_mhd_resume(http_request *req)
{
    assert(req->is_suspended);
    req->is_suspended = false;
    MHD_resume_connection(req->conn->mhd);
    http_mhd_kick(req->conn->engine);
}

void http_mhd_cut(http_request *req)
{
    req->is_cut = true;
    if (req->is_suspended && !req->conn->is_direct)
        http_mhd_resume(req);
}

/* Values in, answers out -------------------------------------------------- */

const char *http_mhd_header(const http_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn->mhd, MHD_HEADER_KIND, name);
}

typedef struct same_name {
    const char *name;
    const char *value;
    unsigned count;
    bool differ;
} same_name;

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind,
                                 const char *name, const char *value)
{
    same_name *same = cls;

    (void)kind;
    if (strcasecmp(name, same->name) != 0)
        return MHD_YES;
    if (same->count++ == 0)
        same->value = value;
    else if (strcmp(value, same->value) != 0)
        same->differ = true;
    return MHD_YES;
}

unsigned http_mhd_header_count(const http_request *req, const char *name,
                               bool *differ)
{
    same_name same = {.name = name};

    MHD_get_connection_values(req->conn->mhd, MHD_HEADER_KIND, on_header,
                              &same);
    *differ = same.differ;
    return same.count;
}

static enum MHD_Result on_argument(void *cls, enum MHD_ValueKind kind,
                                   const char *name, const char *value)
{
    bool *has_nul = cls;

    (void)kind;
    *has_nul |= http_has_nul(name) || (value && http_has_nul(value));
    return *has_nul ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_name(void *cls, enum MHD_ValueKind kind,
                               const char *name, const char *value)
{
    bool *is_bad = cls;

    (void)kind;
    (void)value;
    *is_bad = name[strcspn(name, " \t")] != '\0';
    return *is_bad ? MHD_NO : MHD_YES;
}

bool http_mhd_has_bad_name(const http_request *req)
{
    bool is_bad = false;

    MHD_get_connection_values(req->conn->mhd, MHD_HEADER_KIND, on_name,
                              &is_bad);
    return is_bad;
}

bool http_mhd_query_has_nul(const http_request *req)
{
    bool has_nul = false;

    MHD_get_connection_values(req->conn->mhd, MHD_GET_ARGUMENT_KIND,
                              on_argument, &has_nul);
    return has_nul;
}

typedef struct query_names {
    const char *const *known;
    const char *unknown;
} query_names;

static enum MHD_Result on_query_name(void *cls, enum MHD_ValueKind kind,
                                     const char *name, const char *value)
{
    query_names *names = cls;
    const char *const *known = names->known;

    (void)kind;
    (void)value;
    while (*known && strcmp(*known, name) != 0)
        known++;
    if (!*known)
        names->unknown = name;
    return names->unknown ? MHD_NO : MHD_YES;
}

const char *http_mhd_query_unknown(const http_request *req,
                                   const char *const *known)
{
    query_names names = {known, NULL};

    MHD_get_connection_values(req->conn->mhd, MHD_GET_ARGUMENT_KIND,
                              on_query_name, &names);
    return names.unknown;
}

bool http_mhd_query(const http_request *req, const char *name, lp_span *raw)
{
    const char *value = NULL;
    size_t len_bytes = 0;

    if (MHD_lookup_connection_value_n(req->conn->mhd, MHD_GET_ARGUMENT_KIND,
                                      name, strlen(name), &value,
                                      &len_bytes) != MHD_YES)
        return false;
    *raw = lp_span_of(value, value ? len_bytes : 0);
    return true;
}

typedef struct nth {
    const char *name;
    unsigned left; /* of that name, in front of the one that is wanted */
    lp_span *raw;
    bool is_found;
} nth;

static enum MHD_Result on_value(void *cls, enum MHD_ValueKind kind,
                                const char *key, size_t key_bytes,
                                const char *value, size_t value_bytes)
{
    nth *at = cls;

    (void)kind;
    if (!lp_span_equal(lp_span_of(key, key_bytes), lp_span_str(at->name)) ||
        at->left-- > 0)
        return MHD_YES;
    *at->raw = lp_span_of(value, value ? value_bytes : 0);
    at->is_found = true;
    return MHD_NO;
}

bool http_mhd_query_at(const http_request *req, const char *name, unsigned n,
                       lp_span *raw)
{
    nth at = {name, n, raw, false};

    MHD_get_connection_values_n(req->conn->mhd, MHD_GET_ARGUMENT_KIND, on_value,
                                &at);
    return at.is_found;
}

bool http_mhd_answer_bytes(http_request *req, char *data, size_t data_bytes)
{
    req->answer = MHD_create_response_from_buffer(
        data_bytes, data,
        data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!req->answer)
        free(data);
    return req->answer != NULL;
}

bool http_mhd_answer_constant(http_request *req, lp_span body)
{
    // It is only read; libmicrohttpd forgot to say so.
    req->answer = MHD_create_response_from_buffer(
        body.len_bytes, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_PERSISTENT);
    return req->answer != NULL;
}

static ssize_t on_fill(void *cls, uint64_t at, char *out, size_t room_bytes)
{
    http_request *req = cls;
    ssize_t got = http_stream_fill(req, out, room_bytes);

    (void)at;
    if (got == HTTP_FILL_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (got == HTTP_FILL_BREAK) {
        http_mhd_look_at(req->conn);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (got == HTTP_FILL_WAIT)
        suspend(req);
    return got;
}

bool http_mhd_answer_stream(http_request *req)
{
    req->answer = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, HTTP_OLD_BLOCK_BYTES, on_fill, req, NULL);
    return req->answer != NULL;
}

void http_mhd_set_header(http_request *req, const char *name, const char *value)
{
    // It refuses line breaks, so nobody smuggles a header in.
    MHD_add_response_header(req->answer, name, value);
}

void http_mhd_drop_answer(http_request *req)
{
    if (req->answer)
        MHD_destroy_response(req->answer);
    req->answer = NULL;
}

const char *http_mhd_reason(int status)
{
    return MHD_get_reason_phrase_for((unsigned)status);
}

/* Connections ------------------------------------------------------------- */

/*
 * libmicrohttpd has connections that it calls closed, and does not clean up
 * before it looks at them again: streams that were broken off, and heads it had
 * no room for. With epoll it looks at the oldest one and at what has news, which
 * these have not; but in each run at those with a time limit of their own, be it
 * one that never comes.
 */
void http_mhd_look_at(http_conn *conn)
{
    MHD_set_connection_option(conn->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                              (unsigned)LIMIT_OF_ITS_OWN_S);
    http_mhd_kick(conn->engine);
}

void http_conn_link(http_conn *conn, http_engine *engine, int fd,
                    const struct sockaddr *addr)
{
    http_server *server = engine->server;

    conn->server = server;
    conn->engine = engine;
    conn->fd = fd;
    conn->is_loopback = http_peer_is_loopback(addr);
    conn->peer = http_peer_of(addr);
    conn->since_ms = uv_now(&server->home->loop);
    conn->next = server->conns;
    if (conn->next)
        conn->next->prev = conn;
    server->conns = conn;
}

void http_conn_unlink(http_conn *conn)
{
    assert(!conn->req);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        conn->server->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
}

static http_conn *open_conn(http_engine *engine, struct MHD_Connection *mhd)
{
    http_conn *conn = calloc(1, sizeof(*conn));
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
                 ->connect_fd;

    if (!conn)
        return NULL; // its requests are then refused
    conn->mhd = mhd;
    http_conn_link(
        conn, engine, fd,
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
            ->client_addr);
    return conn;
}

static void close_conn(http_conn *conn)
{
    if (!conn)
        return;
    http_conn_unlink(conn);
    free(conn);
}

void http_conn_count_open(http_server *server)
{
    count_add(&server->home->counts.counts[COUNT_HTTP_CONNECTIONS], 1);
    atomic_fetch_add(&server->conn_count, 1);
}

void http_conn_count_closed(http_server *server)
{
    count_add(&server->home->counts.counts[COUNT_HTTP_CONNECTIONS_CLOSED], 1);
    atomic_fetch_sub(&server->conn_count, 1);
}

static void open_tls(http_engine *engine, struct MHD_Connection *mhd,
                     http_conn *conn)
{
    worker *home = engine->server->home;
    gnutls_session_t session =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)
            ->tls_session;

    count_add(&home->counts.counts[COUNT_HTTP_TLS_CONNECTIONS], 1);
    tls_peer_begin(conn ? &conn->tls : NULL, session, home->shared->identity);
}

// libmicrohttpd has said goodbye inside TLS and freed its session.
static void close_tls(http_engine *engine, http_conn *conn)
{
    _Atomic uint64_t *counts = engine->server->home->counts.counts;

    if (!conn || !conn->tls.is_open)
        count_add(&counts[COUNT_HTTP_TLS_HANDSHAKES_FAILED], 1);
    if (conn)
        tls_peer_end(&conn->tls);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    http_engine *engine = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        if (!engine->is_taking_over)
            http_conn_count_open(engine->server);
        engine->is_taking_over = false;
        *context = open_conn(engine, mhd);
        if (engine->is_tls)
            open_tls(engine, mhd, *context);
    } else {
        http_conn_count_closed(engine->server);
        if (engine->is_tls)
            close_tls(engine, *context);
        if (*context)
            http_watch_linger(*context);
        close_conn(*context);
        *context = NULL;
    }
}

bool http_mhd_add(http_engine *engine, int fd, const struct sockaddr *addr,
                  socklen_t addr_bytes)
{
    if (MHD_add_connection(engine->daemon, fd, addr, addr_bytes) != MHD_YES)
        return false;
    http_mhd_kick(engine);
    return true;
}

void http_mhd_take_over(http_engine *engine, int fd,
                        const struct sockaddr *addr, socklen_t addr_bytes)
{
    engine->is_taking_over = true;
    http_mhd_add(engine, fd, addr, addr_bytes);
    if (engine->is_taking_over)
        http_conn_count_closed(engine->server); // it never began there
    engine->is_taking_over = false;
}

/* The server -------------------------------------------------------------- */

// The path and the query are decoded by us, once, where we know their parts.
static size_t on_unescape(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static void on_log(void *cls, const char *format, va_list args)
{
    char text[256];
    char quoted[300];

    (void)cls;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    LOG_AT(LOG_DEBUG, "http_library", "why=%s",
           log_quote(text, quoted, sizeof(quoted)));
}

static struct MHD_Daemon *start_daemon(http_engine *engine)
{
    uint32_t most = engine->server->home->shared->cfg->http_connections_max;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;

    // Without TLS the list of options ends in front of those of TLS.
    return MHD_start_daemon(
        engine->is_tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request,
        engine, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HTTP_CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)most + 16, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, engine,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, engine,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
        engine->is_tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END,
        tls_priorities, MHD_OPTION_HTTPS_CERT_CALLBACK2, tls_on_retrieve,
        MHD_OPTION_END);
}

static void start_engine(http_server *server, bool is_tls)
{
    http_engine *engine = &server->engines[is_tls ? HTTP_TLS : HTTP_PLAIN];
    uv_loop_t *loop = &server->home->loop;
    int epoll_fd;

    if (engine->daemon)
        return;
    assert(!is_tls || server->home->shared->identity);
    engine->server = server;
    engine->is_tls = is_tls;
    engine->daemon = start_daemon(engine);
    assert(engine->daemon);
    epoll_fd =
        MHD_get_daemon_info(engine->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    uv_poll_init(loop, &engine->poll, epoll_fd);
    uv_check_init(loop, &engine->check);
    uv_idle_init(loop, &engine->idle);
    uv_timer_init(loop, &engine->later);
    engine->poll.data = engine;
    engine->check.data = engine;
    engine->later.data = engine;
    server->open_handles += 4;
    uv_poll_start(&engine->poll, UV_READABLE, on_readable);
    uv_check_start(&engine->check, on_check);
}

static void stop_engine(http_engine *engine)
{
    if (!engine->daemon)
        return;
    http_handle_close(engine->server, (uv_handle_t *)&engine->poll);
    http_handle_close(engine->server, (uv_handle_t *)&engine->check);
    http_handle_close(engine->server, (uv_handle_t *)&engine->idle);
    http_handle_close(engine->server, (uv_handle_t *)&engine->later);
    MHD_stop_daemon(engine->daemon);
}

static void free_server(http_server *server)
{
    free(server->listeners);
    free(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
    http_handle_closed(handle->data);
}

void http_handle_closed(http_server *server)
{
    if (--server->open_handles == 0)
        free_server(server);
}

void http_handle_close(http_server *server, uv_handle_t *handle)
{
    handle->data = server;
    uv_close(handle, on_handle_closed);
}

http_server *http_server_start(worker *w, const http_socket *sockets,
                               unsigned count, const http_route *const *tables)
{
    http_server *server = calloc(1, sizeof(*server));

    assert(server); // at start, a few KiB
    server->home = w;
    server->tables = tables;
    if (getrandom(&server->request_id, sizeof(server->request_id), 0) < 0)
        server->request_id = (uint64_t)wall_clock_ns();
    for (unsigned i = 0; i < count; i++)
        start_engine(server, sockets[i].is_tls);
    http_watch_start(server);
    if (http_accept_start(server, sockets, count))
        return server;
    LOG_AT(LOG_ERROR, "http_failed", "worker=%u", w->index);
    http_server_stop(server);
    return NULL;
}

unsigned http_server_connections(const http_server *server)
{
    return atomic_load(&server->conn_count);
}

unsigned http_server_deferred(const http_server *server)
{
    return server->deferred_count;
}

/*
 * An idle connection sees the end of its input: a request that has come in
 * already is still read and answered, then it is closed.
 */
void http_server_quiesce(http_server *server)
{
    server->is_quiescing = true;
    http_accept_stop(server);
    for (http_conn *conn = server->conns; conn; conn = conn->next)
        if (!conn->req)
            http_watch_end_input(conn);
}

static void cut_all(http_server *server)
{
    for (http_conn *conn = server->conns; conn; conn = conn->next) {
        if (conn->req && !http_direct_owes_answer(conn))
            http_mhd_cut(conn->req);
    }
}

void http_server_stop(http_server *server)
{
    if (!server)
        return;
    assert(server->deferred_count == 0);
    http_accept_stop(server);
    cut_all(server);
    for (unsigned i = 0; i < HTTP_ENGINES; i++)
        if (server->engines[i].daemon)
            MHD_run(server->engines[i].daemon); // takes back what was resumed
    server->is_stopping = true;
    http_direct_stop(server);
    for (unsigned i = 0; i < HTTP_ENGINES; i++)
        stop_engine(&server->engines[i]);
    http_watch_stop(server);
}
