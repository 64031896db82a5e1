/*
 * httpd_direct.c - POST /logs, past libmicrohttpd.
 *
 * Most of what comes over HTTP are lines in plain requests of known length. Such
 * a one is read here with its body in one call, into a room that all connections of
 * a server share, and is handled where it lies. libmicrohttpd clears its memory for
 * each request, reads a body in pieces, has each copied, and takes more system calls
 * for it: a fifth of what 300 lines in a request cost, measured.
 *
 * A connection begins here. Its next request is looked at while the kernel still
 * has it; one that is anything but plain (httpd_head.h), whether right or wrong, goes
 * to libmicrohttpd with its connection, for good:
 *
 *     accepted --> look --plain--> read --> begin --> handler --> answer --+
 *                   ^ |                       |                            |
 *                   | +--not--> MHD           +--refused unread--> closed  |
 *                   +------------------------------------------------------+
 *
 * A body that is not here at once is gathered by httpd_body.c as those are that come
 * from libmicrohttpd, and so is a head then copied, as others will use the room.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/httpd_head.h"
#include "http/httpd_impl.h"

enum {
    ROOM_BYTES = 256 * 1024,
    FIELDS_BYTES = 2048,
    HEAD_ROOM_BYTES = 256, /* for what is in each answer's head */
    /* What is read in a turn of the loop: then readers get theirs, while lines
     * are still in the processor's cache. */
    TURN_BYTES = 256 * 1024,
    TURN_REFUSALS_MAX = 128
};

/* A connection; what is of its request holds while there is one. */
typedef struct direct {
    http_conn conn; /* the first member */
    uv_poll_t poll;
    http_head head;
    char *text; /* of the head */
    uint64_t body_left_bytes;
    char *unsent; /* of an answer, that the socket did not take */
    size_t unsent_bytes;
    int waits_for;       /* events of its socket; 0: it is not looked at */
    bool is_last;        /* the answer: it closes behind it */
    bool is_passed_over; /* it was ready when a turn had no room left */
} direct;

struct http_direct_answer {
    char *body; /* ours */
    size_t body_bytes;
    size_t fields_bytes;
    char fields[FIELDS_BYTES];
};

static void on_direct(uv_poll_t *poll, int status, int events);

static direct *direct_of(http_conn *conn)
{
    assert(conn->is_direct);
    return (direct *)(void *)conn;
}

// libuv forgets a descriptor and learns it anew, whatever it waited for.
static void wait_for(direct *d, int events)
{
    if (events == d->waits_for)
        return;
    d->waits_for = events;
    if (events != 0)
        uv_poll_start(&d->poll, events, on_direct);
    else
        uv_poll_stop(&d->poll);
}

/* Ending ------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle)
{
    direct *d = handle->data;
    http_server *server = d->conn.server;

    free(d);
    http_handle_closed(server);
}

static void end_waiting(direct *d)
{
    d->conn.server->passed_over -= d->is_passed_over;
    d->is_passed_over = false;
}

// The descriptor is somebody else's by now, or will be closed.
static void let_go(direct *d)
{
    end_waiting(d);
    http_conn_unlink(&d->conn);
    free(d->unsent);
    d->unsent = NULL;
    uv_close((uv_handle_t *)&d->poll, on_closed);
}

static void close_direct(direct *d)
{
    if (d->conn.req)
        http_request_completed(d->conn.req);
    http_conn_count_closed(d->conn.server);
    http_watch_linger(&d->conn);
    let_go(d);
    close(d->conn.fd);
}

static void hand_over(direct *d)
{
    http_engine *engine = d->conn.engine;
    struct sockaddr_storage addr;
    socklen_t addr_bytes = sizeof(addr);

    if (getpeername(d->conn.fd, (struct sockaddr *)&addr, &addr_bytes) != 0) {
        close_direct(d); // it has gone
        return;
    }
    let_go(d);
    http_mhd_take_over(engine, d->conn.fd, (const struct sockaddr *)&addr,
                       addr_bytes);
}

/* Answering --------------------------------------------------------------- */

bool http_direct_answer_bytes(http_request *req, char *data, size_t data_bytes)
{
    req->direct_answer = http_alloc(req, sizeof(*req->direct_answer));
    if (!req->direct_answer) {
        free(data);
        return false;
    }
    req->direct_answer->body = data;
    req->direct_answer->body_bytes = data_bytes;
    req->direct_answer->fields_bytes = 0;
    return true;
}

void http_direct_set_header(http_request *req, const char *name,
                            const char *value)
{
    http_direct_answer *to = req->direct_answer;
    size_t name_bytes = strlen(name);
    size_t value_bytes = strlen(value);
    char *at = to->fields + to->fields_bytes;

    if (strpbrk(value, "\r\n"))
        return; // nobody smuggles a header in
    // Some headers of ours, and none quotes a client.
    assert(name_bytes + value_bytes + 4 <= FIELDS_BYTES - to->fields_bytes);
    memcpy(at, name, name_bytes);
    memcpy(at + name_bytes, ": ", 2);
    memcpy(at + name_bytes + 2, value, value_bytes);
    memcpy(at + name_bytes + 2 + value_bytes, "\r\n", 2);
    to->fields_bytes += name_bytes + value_bytes + 4;
}

void http_direct_drop_answer(http_request *req)
{
    if (req->direct_answer)
        free(req->direct_answer->body);
    req->direct_answer = NULL;
}

// False: the connection is over.
static bool send_some(direct *d, const char *data, size_t data_bytes)
{
    ssize_t sent =
        send(d->conn.fd, data, data_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t left_bytes;
    char *left;

    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    left_bytes = data_bytes - (size_t)(sent > 0 ? sent : 0);
    left = left_bytes > 0 ? malloc(left_bytes) : NULL;
    if (left_bytes > 0 && !left)
        return false;
    if (left)
        memcpy(left, data + data_bytes - left_bytes, left_bytes);
    free(d->unsent);
    d->unsent = left;
    d->unsent_bytes = left_bytes;
    return true;
}

static char *put(char *at, const char *text)
{
    size_t len_bytes = strlen(text);

    memcpy(at, text, len_bytes);
    return at + len_bytes;
}

/* The head of an answer; where it ends. */
static char *print_head(const direct *d, const http_request *req, char *out)
{
    const http_direct_answer *from = req->direct_answer;
    const char digits[] = {(char)('0' + req->status / 100),
                           (char)('0' + req->status / 10 % 10),
                           (char)('0' + req->status % 10), ' ', '\0'};
    char length[48] = "\r\n";

    if (req->status != 204) // which has none (RFC 9110, 8.6)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n",
                 from->body_bytes);
    out = put(put(out, "HTTP/1.1 "), digits);
    out = put(put(out, http_mhd_reason(req->status)), "\r\nDate: ");
    out = put(put(out, http_date(d->conn.server)), "\r\n");
    out = put(out, d->is_last ? "Connection: close\r\n" : "");
    memcpy(out, from->fields, from->fields_bytes);
    return put(out + from->fields_bytes, length);
}

static bool send_answer(direct *d, http_request *req)
{
    const http_direct_answer *from = req->direct_answer;
    char *text = http_alloc(req, HEAD_ROOM_BYTES + from->fields_bytes +
                                     from->body_bytes);
    char *end;

    if (!text)
        return false;
    end = print_head(d, req, text);
    assert(end - text <= HEAD_ROOM_BYTES + (ssize_t)from->fields_bytes);
    if (from->body_bytes > 0)
        memcpy(end, from->body, from->body_bytes);
    return send_some(d, text, (size_t)(end - text) + from->body_bytes);
}

// The answer is out, but for what the socket does not take yet.
static void go_on(direct *d)
{
    if (d->unsent)
        wait_for(d, UV_WRITABLE);
    else if (d->is_last)
        close_direct(d);
    else
        wait_for(d, UV_READABLE);
}

static void finish(direct *d)
{
    http_request *req = d->conn.req;
    bool is_sent;

    d->is_last = req->is_last || req->is_early;
    is_sent = !req->is_cut && send_answer(d, req);
    http_request_completed(req);
    if (is_sent)
        go_on(d);
    else
        close_direct(d);
}

void http_direct_resume(http_request *req)
{
    req->is_suspended = false;
    // Not from here, as req is in use: in the next turn.
    wait_for(direct_of(req->conn), UV_WRITABLE);
}

/* Bodies ------------------------------------------------------------------ */

static bool has_room(http_server *server)
{
    if (!server->room)
        server->room = malloc(ROOM_BYTES);
    return server->room != NULL;
}

static void run(direct *d)
{
    http_request *req = d->conn.req;

    req->is_body_done = true;
    if (http_request_run(req)) {
        finish(d);
        return;
    }
    req->is_suspended = true;
    wait_for(d, 0);
}

static void read_body(direct *d)
{
    http_server *server = d->conn.server;
    size_t most_bytes = d->body_left_bytes < ROOM_BYTES
                            ? (size_t)d->body_left_bytes
                            : ROOM_BYTES;
    ssize_t got;

    if (!has_room(server)) {
        close_direct(d);
        return;
    }
    got = recv(d->conn.fd, server->room, most_bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !http_body_take(d->conn.req, server->room, (size_t)got)) {
        close_direct(d);
        return;
    }
    server->turn_bytes += (size_t)got;
    d->body_left_bytes -= (size_t)got;
    if (d->body_left_bytes == 0)
        run(d);
}

// Others will use the room while this request waits.
static bool keep_head(direct *d)
{
    char *copy = http_alloc(d->conn.req, d->head.head_bytes);

    if (copy)
        d->text = memcpy(copy, d->text, d->head.head_bytes);
    return copy != NULL;
}

// What of the body came with the head.
static void begin_body(direct *d, char *data, size_t data_bytes)
{
    http_request *req = d->conn.req;

    d->body_left_bytes = d->head.body_bytes - data_bytes;
    if (!req->is_body_lent && !keep_head(d)) {
        close_direct(d);
        return;
    }
    if (req->is_body_lent) {
        req->body = data;
        req->body_bytes = data_bytes;
    } else if (data_bytes > 0 && !http_body_take(req, data, data_bytes)) {
        close_direct(d);
        return;
    }
    if (d->body_left_bytes == 0)
        run(d);
}

// A small one is copied, as what waits counts against what bodies may take.
static bool keep_copy(http_request *req)
{
    direct *d = direct_of(req->conn);
    size_t used_bytes = d->head.head_bytes + req->body_bytes;
    char *copy = used_bytes <= ROOM_BYTES / 2 ? malloc(used_bytes) : NULL;

    if (!copy)
        return false;
    memcpy(copy, d->text, used_bytes);
    d->text = copy;
    req->body = copy + d->head.head_bytes;
    req->kept_room = copy;
    http_body_count_room(req, used_bytes);
    return true;
}

void http_direct_keep_room(http_request *req)
{
    if (keep_copy(req))
        return;
    req->kept_room = req->server->room;
    req->server->room = NULL;
    http_body_count_room(req, ROOM_BYTES);
}

/* Heads ------------------------------------------------------------------- */

const char *http_direct_header(const http_request *req, const char *name)
{
    direct *d = direct_of(req->conn);
    const http_field *field = http_head_find(&d->head, d->text, name);

    return field ? d->text + field->value_at : NULL;
}

static void end_values(direct *d)
{
    for (unsigned i = 0; i < d->head.field_count; i++) {
        const http_field *field = &d->head.fields[i];

        d->text[field->value_at + field->value_bytes] = '\0';
    }
}

// The head has been read, and with it all or some of the body.
static void begin_request(direct *d, size_t got_bytes)
{
    http_server *server = d->conn.server;
    size_t data_bytes = got_bytes - d->head.head_bytes;
    http_request *req;

    d->text = server->room;
    end_values(d);
    d->conn.has_whole_body = data_bytes == d->head.body_bytes &&
                             http_body_has_budget(server, ROOM_BYTES);
    req = http_request_begin(&d->conn, "POST", "/logs");
    if (!req) {
        close_direct(d);
        return;
    }
    if (req->is_early) {
        finish(d);
        return;
    }
    req->is_body_lent = d->conn.has_whole_body && !req->is_answered;
    begin_body(d, server->room + d->head.head_bytes, data_bytes);
}

// What comes next is in the kernel still.
static void look(direct *d)
{
    http_server *server = d->conn.server;
    uint64_t want_bytes;
    ssize_t got;

    if (!has_room(server)) {
        hand_over(d);
        return;
    }
    got = recv(d->conn.fd, server->room, HTTP_HEAD_MAX_BYTES,
               MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_direct(d);
        return;
    }
    if (!http_head_read(lp_span_of(server->room, (size_t)got),
                        LP_SPAN("POST /logs HTTP/1.1\r\n"), &d->head)) {
        hand_over(d);
        return;
    }
    want_bytes = d->head.head_bytes + d->head.body_bytes;
    got = recv(d->conn.fd, server->room,
               want_bytes < ROOM_BYTES ? (size_t)want_bytes : ROOM_BYTES,
               MSG_DONTWAIT);
    if (got < d->head.head_bytes) {
        close_direct(d); // reset meanwhile
        return;
    }
    server->turn_bytes += (size_t)got;
    begin_request(d, (size_t)got);
}

/* Connections ------------------------------------------------------------- */

// The kernel names those who are ready in the same order each time, so those whom a
// turn had no room for come first in the next ones.
static bool must_wait(direct *d)
{
    http_server *server = d->conn.server;
    bool is_over = server->turn_bytes >= TURN_BYTES;

    if (!is_over && (server->passed_over == 0 || d->is_passed_over)) {
        end_waiting(d);
        return false;
    }
    if (is_over) {
        server->passed_over += !d->is_passed_over;
        d->is_passed_over = true;
    }
    // libuv asks the kernel again in the same turn while 1,024 are ready.
    if (++server->turn_refusals >= TURN_REFUSALS_MAX)
        server->turn_bytes = server->turn_refusals = 0;
    return true;
}

static void on_direct(uv_poll_t *poll, int status, int events)
{
    direct *d = poll->data;
    const http_request *req = d->conn.req;

    (void)events;
    if (status < 0 || (req && req->is_cut)) {
        close_direct(d);
    } else if (d->unsent) {
        if (send_some(d, d->unsent, d->unsent_bytes))
            go_on(d);
        else
            close_direct(d);
    } else if (req && req->is_body_done) {
        finish(d);
    } else if (must_wait(d)) {
        return; // it is still to be read in the next turn
    } else if (req) {
        read_body(d);
    } else {
        look(d);
    }
}

bool http_direct_add(http_engine *engine, int fd, const struct sockaddr *addr)
{
    http_server *server = engine->server;
    direct *d = calloc(1, sizeof(*d));
    int on = 1;

    if (!d || uv_poll_init(&server->home->loop, &d->poll, fd) != 0) {
        free(d);
        return false;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    server->open_handles++;
    d->poll.data = d;
    d->conn.is_direct = true;
    http_conn_link(&d->conn, engine, fd, addr);
    http_conn_count_open(server);
    wait_for(d, UV_READABLE);
    return true;
}

bool http_direct_owes_answer(const http_conn *conn)
{
    const http_request *req = conn->req;

    return conn->is_direct && req && req->is_answered && req->is_body_done &&
           !req->is_cut;
}

void http_direct_stop(http_server *server)
{
    http_conn *next;

    for (http_conn *conn = server->conns; conn; conn = next) {
        next = conn->next;
        if (!conn->is_direct)
            continue;
        if (http_direct_owes_answer(conn)) {
            direct_of(conn)->is_last = true;
            send_answer(direct_of(conn), conn->req);
        }
        close_direct(direct_of(conn));
    }
    free(server->room);
    server->room = NULL;
}
