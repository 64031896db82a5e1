/* http_direct.c - see http_direct.h. */
#include "http_direct.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include <gnutls/gnutls.h>

#include "http_answer.h"
#include "http_body.h"
#include "http_head.h"
#include "http_result.h"
#include "logplex/drain_url.h"
#include "peer_socket.h"

enum {
    PIECES_MAX = 64,    /* of a body that are given to the kernel at once */
    IDLE_MAX_MS = 60000 /* load balancers close what is idle for as long */
};

#define LATE "it did not answer in time"

typedef struct connection connection;

/* A request on its way: the head and the notice, then the runs of the batch, or
 * these and the notice encoded. */
typedef struct post {
    const lp_drain_batch *batch; /* NULL: there is none */
    lpi_encoded *encoded;        /* NULL: the body is the runs */
    char *front; /* the head, and a notice that is not encoded */
    size_t front_bytes;
    size_t head_bytes; /* of these */
    size_t total_bytes;
    size_t sent_bytes; /* that the kernel has          */
    uint32_t run;      /* of which the next byte is it */
    size_t run_at;     /* has not                      */
    bool was_whole;    /* a connection that died had all of it */
    bool is_let_go;    /* the body is gone                     */
    uint64_t begun_ms;
} post;

typedef struct direct_link {
    lpi_http_target target;
    lpi_target peer;
    lpi_encoder *encoder;
    char *authorization;    /* a line of the head; NULL: it has none */
    connection *connection; /* NULL: closed */
    post post;
} direct_link;

struct connection {
    direct_link *link; /* NULL: it is closing */
    lpi_socket *socket;
    bool is_open;
    bool is_used; /* it has served a request */
    lpi_answer answer;
};

/* Closing ----------------------------------------------------------------- */

static void on_closed(void *ctx)
{
    free(ctx);
}

static void disconnect(direct_link *link)
{
    connection *c = link->connection;

    if (!c)
        return;
    link->connection = NULL;
    c->link = NULL;
    lpi_socket_close(c->socket, false);
}

static void let_go(post *p)
{
    lpi_encoded_release(p->encoded);
    free(p->front);
    memset(p, 0, sizeof(*p));
}

/* A request's end --------------------------------------------------------- */

static void count_sent(const direct_link *link)
{
    const post *p = &link->post;
    size_t body_bytes =
        p->sent_bytes > p->head_bytes ? p->sent_bytes - p->head_bytes : 0;

    if (p->is_let_go) // then it was
        return;
    lpi_http_count_sent(&link->target, p->encoded, body_bytes);
}

/* By its answer, if there is one, or else for this reason. The connection serves
 * on, or is closed. */
static void finish(direct_link *link, lpi_http_result result)
{
    connection *c = link->connection;
    bool is_open = c && c->is_open;
    uint64_t lines = link->post.batch->line_count;

    result.is_whole = link->post.sent_bytes == link->post.total_bytes;
    count_sent(link);
    let_go(&link->post);
    if (is_open) {
        result.status = c->answer.status;
        result.after_ms = lpi_http_after_ms(c->answer.after_s);
    }
    if (is_open && result.is_whole && lpi_answer_is_kept(&c->answer)) {
        c->is_used = true;
        lpi_socket_set_timer(c->socket, IDLE_MAX_MS);
    } else {
        disconnect(link);
    }
    lpi_http_tell(&link->target, lines, &result);
}

static void fail(direct_link *link, const char *why)
{
    finish(link, (lpi_http_result){.why = why});
}

/* Sending ----------------------------------------------------------------- */

static void add_piece(struct msghdr *to, const char *data, size_t bytes)
{
    struct iovec *piece = &to->msg_iov[to->msg_iovlen++];

    memcpy(&piece->iov_base, &data, sizeof(data)); // it is only read
    piece->iov_len = bytes;
}

/* What is left of the request, or the next pieces of it. */
static void gather(const post *p, struct msghdr *to)
{
    size_t at = p->run_at;

    if (p->sent_bytes < p->front_bytes)
        add_piece(to, p->front + p->sent_bytes, p->front_bytes - p->sent_bytes);
    if (p->encoded) {
        size_t done_bytes =
            p->sent_bytes > p->front_bytes ? p->sent_bytes - p->front_bytes : 0;

        add_piece(to, p->encoded->data + done_bytes,
                  p->encoded->bytes - done_bytes);
        return;
    }
    for (uint32_t i = p->run;
         i < p->batch->run_count && to->msg_iovlen < PIECES_MAX; i++) {
        lp_span rest = lp_span_skip(p->batch->runs[i].bytes, at);

        add_piece(to, rest.ptr, rest.len_bytes);
        at = 0;
    }
}

static void step_over(post *p, size_t bytes)
{
    size_t front_bytes = 0;

    if (p->sent_bytes < p->front_bytes) {
        front_bytes = p->front_bytes - p->sent_bytes;
        if (front_bytes > bytes)
            front_bytes = bytes;
    }
    p->sent_bytes += bytes;
    if (p->encoded)
        return;
    p->run_at += bytes - front_bytes;
    while (p->run < p->batch->run_count &&
           p->run_at >= p->batch->runs[p->run].bytes.len_bytes)
        p->run_at -= p->batch->runs[p->run++].bytes.len_bytes;
}

/* As much as the kernel takes. False: it takes no more, ever. */
static bool write_on(connection *c)
{
    post *p = &c->link->post;

    while (p->sent_bytes < p->total_bytes) {
        struct iovec pieces[PIECES_MAX];
        struct msghdr message = {.msg_iov = pieces};
        ssize_t sent;

        gather(p, &message);
        sent = sendmsg(lpi_socket_fd(c->socket), &message,
                       MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            step_over(p, (size_t)sent);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return false;
    }
    lpi_socket_watch(c->socket, p->sent_bytes < p->total_bytes
                                    ? UV_READABLE | UV_WRITABLE
                                    : UV_READABLE);
    return true;
}

/* Answers ----------------------------------------------------------------- */

static void connect_again(direct_link *link);

/* There will be no answer, or none that is of use. */
static void on_no_answer(connection *c, const char *why)
{
    direct_link *link = c->link;

    if (c->is_used && c->answer.read_bytes == 0 && !link->post.is_let_go)
        connect_again(link);
    else if (c->answer.read_bytes == 0)
        fail(link, why);
    else
        fail(link, "what it answered is no HTTP, or too long, or cut off");
}

/* Reads what is there; NULL: there may be more, else why there is not. */
static const char *read_some(connection *c)
{
    char data[4096];
    int64_t now_s = (int64_t)time(NULL);
    ssize_t got;

    do {
        got = recv(lpi_socket_fd(c->socket), data, sizeof(data), MSG_DONTWAIT);
        if (got > 0)
            lpi_answer_read(&c->answer, lp_span_of(data, (size_t)got), now_s);
    } while ((got == sizeof(data) && !lpi_answer_is_over(&c->answer)) ||
             (got < 0 && errno == EINTR));
    if (got > 0 || (got < 0 && errno == EAGAIN))
        return NULL;
    return got == 0 ? "it closed the connection before it answered"
                    : "the connection broke before it answered";
}

/* What it has said, and whether that ends the request. is_broken: no more can be
 * sent, nor will it say more. */
static void read_on(connection *c, bool is_broken)
{
    direct_link *link = c->link;
    const char *why = read_some(c);
    bool is_whole = link->post.sent_bytes == link->post.total_bytes;

    if (is_broken && !why)
        why = "the connection broke before it answered";
    if (why)
        lpi_answer_end(&c->answer);
    if (!link->post.batch) // idle, and closed, or nothing we have asked for
        disconnect(link);
    else if (c->answer.state == LPI_ANSWER_BROKEN)
        on_no_answer(c, why);
    else if (c->answer.state == LPI_ANSWER_COMPLETE &&
             (is_whole || why || c->answer.status >= 300))
        fail(link, NULL);             // or not, as the status says
    else if (c->answer.status >= 300) // it wants no more of the body
        lpi_socket_watch(c->socket, UV_READABLE);
}

/* Sends on, and looks what it says if it takes no more. It may have said yes
 * before it had all. */
static void send_on(connection *c)
{
    const post *p = &c->link->post;

    if (!write_on(c))
        read_on(c, true);
    else if (p->sent_bytes == p->total_bytes &&
             c->answer.state == LPI_ANSWER_COMPLETE)
        fail(c->link, NULL);
}

/* Is there a request, of which it may want the rest? */
static bool is_wanted(const connection *c)
{
    return c->link && c->link->post.batch && c->answer.status < 300;
}

static void on_events(void *ctx, int events, bool is_broken)
{
    connection *c = ctx;

    if (is_broken || (events & UV_READABLE))
        read_on(c, is_broken);
    if ((events & UV_WRITABLE) && is_wanted(c) && !is_broken)
        send_on(c);
}

/* Connecting -------------------------------------------------------------- */

static void start(connection *c)
{
    const post *p = &c->link->post;
    uint64_t limit_ms = p->begun_ms + lp_drain_answer_ms(c->link->target.drain);
    uint64_t now_ms = lpi_socket_now_ms(c->socket);

    lpi_answer_begin(&c->answer);
    if (now_ms >= limit_ms) {
        fail(c->link, LATE);
        return;
    }
    lpi_socket_set_timer(c->socket, limit_ms - now_ms);
    send_on(c);
}

/* Nothing is there to be read, nor the end: what is would be taken for the answer
 * to the next request. */
static bool is_quiet(const connection *c)
{
    char one;

    return recv(lpi_socket_fd(c->socket), &one, 1, MSG_PEEK | MSG_DONTWAIT) <
               0 &&
           errno == EAGAIN;
}

static void on_opened(void *ctx)
{
    connection *c = ctx;

    c->is_open = true;
    lp_drain_reached(c->link->target.drain);
    start(c);
}

static void on_unreached(void *ctx, const char *why)
{
    connection *c = ctx;

    fail(c->link, why);
}

static void on_timer(void *ctx)
{
    connection *c = ctx;
    const post *p = &c->link->post;
    bool is_whole;

    if (!p->batch) {
        disconnect(c->link);
        return;
    }
    read_some(c); // a loop that was late need not make a failure of an answer
    is_whole = p->sent_bytes == p->total_bytes;
    if (c->answer.status >= 200)
        fail(c->link, LATE);
    else if (is_whole)
        finish(c->link, (lpi_http_result){.why = LATE, .is_late = true});
    else
        finish(c->link,
               (lpi_http_result){
                   .why = "it did not take the whole body in time",
                   .is_slow = p->sent_bytes > p->head_bytes && !p->was_whole});
}

/* NULL: there is no memory. */
static connection *connect_to(direct_link *link)
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
    c->socket = lpi_socket_open(&link->peer, SOCK_STREAM, &calls, c);
    if (!c->socket) {
        free(c);
        return NULL;
    }
    link->connection = c;
    return c;
}

static void connect_again(direct_link *link)
{
    post *p = &link->post;

    disconnect(link);
    count_sent(link);
    p->was_whole = p->was_whole || p->sent_bytes == p->total_bytes;
    p->sent_bytes = 0;
    p->run = 0;
    p->run_at = 0;
    if (!connect_to(link))
        fail(link, "there is no memory for a connection");
}

/* Requests ---------------------------------------------------------------- */

/* Prints the head, if it fits, and returns its bytes. */
static size_t print_head(const direct_link *link, const lpi_http_head *head,
                         size_t body_bytes, char *out, size_t room_bytes)
{
    const lpi_http_target *target = &link->target;
    size_t at = (size_t)snprintf(
        out, room_bytes, "POST %s HTTP/1.1\r\n%s\r\n%s", target->path,
        target->host, link->authorization ? link->authorization : "");

    for (unsigned i = 0; i < head->count && at < room_bytes; i++)
        at += (size_t)snprintf(out + at, room_bytes - at, "%s\r\n",
                               head->lines[i]);
    if (at < room_bytes)
        at += (size_t)snprintf(out + at, room_bytes - at,
                               "Content-Length: %zu\r\n\r\n", body_bytes);
    return at;
}

static size_t front_max_bytes(const direct_link *link,
                              const lpi_http_head *head)
{
    size_t bytes = strlen(link->target.path) + strlen(link->target.host) +
                   LP_DRAIN_NOTICE_MAX_BYTES + 128;

    if (link->authorization)
        bytes += strlen(link->authorization);
    for (unsigned i = 0; i < head->count; i++)
        bytes += strlen(head->lines[i]) + 2;
    return bytes;
}

/* False: there is no memory. */
static bool begin_post(direct_link *link, const lp_drain_batch *batch)
{
    post *p = &link->post;
    char notice[LP_DRAIN_NOTICE_MAX_BYTES];
    size_t notice_bytes = lp_drain_print_notice(batch, lp_span_of(NULL, 0),
                                                true, notice, sizeof(notice));
    size_t body_bytes = notice_bytes + batch->bytes;
    size_t room_bytes;
    lpi_http_head head;

    p->batch = batch;
    p->begun_ms = uv_now(lp_drain_loop(link->target.drain));
    lpi_http_head_set(&head, &link->target, batch);
    room_bytes = front_max_bytes(link, &head);
    p->front = malloc(room_bytes);
    if (!p->front ||
        !lpi_http_encode(&link->target, link->encoder, batch,
                         lp_span_of(notice, notice_bytes), &p->encoded))
        return false;
    if (p->encoded) {
        body_bytes = p->encoded->bytes;
        notice_bytes = 0;
    }
    p->head_bytes = print_head(link, &head, body_bytes, p->front, room_bytes);
    memcpy(p->front + p->head_bytes, notice, notice_bytes);
    p->front_bytes = p->head_bytes + notice_bytes;
    p->total_bytes = p->head_bytes + body_bytes;
    return true;
}

static bool direct_send(void *ctx, const lp_drain_batch *batch)
{
    direct_link *link = ctx;

    if (link->connection && link->connection->is_open &&
        !is_quiet(link->connection))
        disconnect(link);
    if (!begin_post(link, batch) || (!link->connection && !connect_to(link))) {
        let_go(&link->post);
        lp_drain_failed(link->target.drain, "there is no memory for a request",
                        0);
    } else if (link->connection->is_open) {
        start(link->connection);
    }
    return true;
}

static bool direct_lets_go(void *ctx)
{
    direct_link *link = ctx;
    post *p = &link->post;

    if (p->sent_bytes < p->total_bytes)
        return false;
    count_sent(link);
    lpi_encoded_release(p->encoded);
    p->encoded = NULL;
    p->is_let_go = true;
    return true;
}

/* Links ------------------------------------------------------------------- */

static void direct_close(void *ctx)
{
    direct_link *link = ctx;

    if (!link)
        return;
    disconnect(link);
    let_go(&link->post);
    lpi_http_target_fini(&link->target);
    lpi_target_fini(&link->peer);
    free(link->authorization);
    free(link);
}

/* RFC 7617 2. NULL: there is no memory. */
static char *basic_authorization(const char *user, const char *password)
{
    char pair[LP_DRAIN_URL_MAX_BYTES + 2];
    char *line = NULL;
    gnutls_datum_t plain = {.data = (unsigned char *)pair};
    gnutls_datum_t coded = {0};

    plain.size =
        (unsigned)snprintf(pair, sizeof(pair), "%s:%s", user, password);
    if (gnutls_base64_encode2(&plain, &coded) != 0)
        return NULL;
    if (asprintf(&line, "Authorization: Basic %.*s\r\n", (int)coded.size,
                 (const char *)coded.data) < 0)
        line = NULL;
    gnutls_free(coded.data);
    return line;
}

static lp_err fill(direct_link *link, lp_drain *drain, lp_span text,
                   lp_span token)
{
    const lp_drains_options *opt = lp_drain_set_options(drain);
    lpi_http_target *target = &link->target;
    lp_drain_url url;
    lp_err err = lp_drain_url_parse(text, &url, NULL);

    if (err == LP_OK)
        err = lpi_http_target_init(target, drain, &url, token);
    if (err == LP_OK)
        err = lpi_target_init(&link->peer, drain, text, token);
    if (err != LP_OK)
        return err;
    if (link->peer.connect_ms > opt->answer_timeout_ms)
        link->peer.connect_ms = opt->answer_timeout_ms;
    if (!target->user)
        return LP_OK;
    link->authorization = basic_authorization(target->user, target->password);
    return link->authorization ? LP_OK : LP_E_NOMEM;
}

static lp_err direct_open(void *ctx, lp_drain *drain, lp_span text,
                          lp_span token, void **out)
{
    direct_link *link = calloc(1, sizeof(*link));
    lp_err err;

    if (!link)
        return LP_E_NOMEM;
    link->encoder = ctx;
    err = fill(link, drain, text, token);
    if (err != LP_OK) {
        direct_close(link);
        return err;
    }
    *out = link;
    return LP_OK;
}

lp_err lpi_http_direct_register(lp_drains *set, lpi_encoder *encoder)
{
    lp_drain_protocol protocol = {
        .struct_bytes = sizeof(protocol),
        .window = 1,
        .answers = true,
        .scheme = "http",
        .ctx = encoder,
        .open = direct_open,
        .send = direct_send,
        .close = direct_close,
        .lets_go = direct_lets_go,
    };

    return lp_drains_register(set, &protocol);
}
