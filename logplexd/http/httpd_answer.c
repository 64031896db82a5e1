#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/utf8.h"
#include "base/uuid.h"
#include "http/httpd_impl.h"

enum { ERROR_BYTES = 512 }; /* of a text, with its NUL */

/* Counting ---------------------------------------------------------------- */

static int counter_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return COUNT_HTTP_AUTH_FAILED;
    case 408:
        return COUNT_HTTP_BODY_TIMEOUT;
    case 413:
        return COUNT_HTTP_BODY_TOO_BIG;
    case 429:
        return COUNT_HTTP_OVERLOADED;
    default:
        return -1;
    }
}

void http_count_status(http_server *server, int status)
{
    _Atomic uint64_t *counts = server->home->counts.counts;
    int own = counter_of_status(status);

    if (own >= 0)
        count_add(&counts[own], 1);
    if (status >= 200 && status < 600)
        count_add(&counts[COUNT_HTTP_2XX + status / 100 - 2], 1);
}

/* Headers ----------------------------------------------------------------- */

void http_set_header(http_request *req, const char *name, const char *value)
{
    size_t name_bytes = strlen(name) + 1;
    size_t value_bytes = strlen(value) + 1;
    http_pair *pair = http_alloc(req, sizeof(*pair) + name_bytes + value_bytes);
    http_pair **end = &req->headers;

    if (!pair)
        return;
    pair->next = NULL;
    pair->name = (char *)(pair + 1);
    pair->value = pair->name + name_bytes;
    memcpy(pair->name, name, name_bytes);
    memcpy(pair->value, value, value_bytes);
    while (*end)
        end = &(*end)->next;
    *end = pair;
}

// SplitMix64 (Steele, Lea, Flood 2014): an id to find, not a secret.
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void put_header(http_request *req, const char *name, const char *value)
{
    if (req->conn->is_direct)
        http_direct_set_header(req, name, value);
    else
        http_mhd_set_header(req, name, value);
}

static void add_request_id(http_request *req)
{
    uint64_t random[2] = {next_random(&req->server->request_id),
                          next_random(&req->server->request_id)};
    uint8_t bytes[sizeof(random)];
    char id[UUID_TEXT_BYTES];

    if (http_header(req, "Request-Id") || http_header(req, "X-Request-Id"))
        return;
    memcpy(bytes, random, sizeof(bytes));
    uuid_print(bytes, 4, id);
    put_header(req, "Request-Id", id);
}

static void dress(http_request *req, int status, const char *type)
{
    put_header(req, "Server", "logplexd");
    if (type)
        put_header(req, "Content-Type", type);
    add_request_id(req);
    for (const http_pair *pair = req->headers; pair; pair = pair->next)
        put_header(req, pair->name, pair->value);
    // A body that was refused unread has no end to find the next request at.
    req->is_last = (req->is_stream && !req->keeps_open) || req->is_misframed ||
                   status == 413 || req->server->is_quiescing;
    if (req->is_last && !req->conn->is_direct) // which says so itself
        http_mhd_set_header(req, "Connection", "close");
}

/* Answering --------------------------------------------------------------- */

static void resume(http_request *req)
{
    if (!req->is_suspended)
        return;
    if (req->conn->is_direct)
        http_direct_resume(req);
    else
        http_mhd_resume(req);
}

// The answer is made; now, or when the connection is next run, it goes out.
static void hand_over(http_request *req, int status, const char *type)
{
    dress(req, status, type);
    req->status = status;
    http_count_status(req->server, status);
    resume(req);
}

static void claim(http_request *req)
{
    assert(!req->is_answered);
    req->is_answered = true;
    if (req->is_deferred)
        req->server->deferred_count--;
    req->is_deferred = false;
}

// Out of memory: the connection is broken off, which is no lie.
static void give_up(http_request *req)
{
    req->is_cut = true;
    req->status = 500;
    http_count_status(req->server, 500);
    resume(req);
}

/* Peers may take their time with what they have asked for, and there are many. One
 * by itself always has room. */
static bool has_room(const http_request *req, size_t data_bytes)
{
    const http_server *server = req->server;

    return data_bytes <= HTTP_ANSWER_COUNTS_BYTES ||
           server->answers_bytes == 0 ||
           server->answers_bytes + data_bytes <=
               server->home->shared->cfg->bodies_max_bytes;
}

static void count_answer(http_request *req, size_t data_bytes)
{
    if (data_bytes <= HTTP_ANSWER_COUNTS_BYTES)
        return;
    req->answer_bytes = data_bytes;
    req->server->answers_bytes += data_bytes;
}

/* Instead of one for which there is no room. */
static void refuse_large(http_request *req)
{
    worker *home = req->server->home;

    req->headers = NULL; // they were about the other one
    http_set_header(req, "Retry-After", "1");
    count_add(&home->counts.counts[COUNT_HTTP_ANSWERS_REFUSED], 1);
    http_reply_error(req, 503,
                     "too many large answers have still to be taken by those "
                     "who asked for them (--bodies-max)");
}

static void answer_bytes(http_request *req, int status, const char *type,
                         char *data, size_t data_bytes)
{
    if (!has_room(req, data_bytes)) {
        free(data);
        refuse_large(req);
        return;
    }
    count_answer(req, data_bytes);
    claim(req);
    if (!(req->conn->is_direct
              ? http_direct_answer_bytes(req, data, data_bytes)
              : http_mhd_answer_bytes(req, data, data_bytes))) {
        give_up(req);
        return;
    }
    hand_over(req, status, type);
}

void http_reply(http_request *req, int status, const char *type, lp_span body)
{
    char *copy = NULL;

    if (body.len_bytes > 0) {
        copy = malloc(body.len_bytes);
        if (copy)
            memcpy(copy, body.ptr, body.len_bytes);
        else
            status = 500;
    }
    answer_bytes(req, status, type, copy, copy ? body.len_bytes : 0);
}

void http_reply_constant(http_request *req, int status, const char *type,
                         lp_span body)
{
    claim(req);
    if (http_mhd_answer_constant(req, body))
        hand_over(req, status, type);
    else
        give_up(req);
}

void http_reply_json(http_request *req, int status, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER |
                                             JSON_ENCODE_ANY)
                      : NULL;

    json_decref(json);
    answer_bytes(req, text ? status : 500, "application/json", text,
                 text ? strlen(text) : 0);
}

static void print_error(char text[ERROR_BYTES], const char *format,
                        va_list args)
{
    vsnprintf(text, ERROR_BYTES, format, args);
    utf8_mend(text); // it may quote the client
}

void http_reply_error(http_request *req, int status, const char *format, ...)
{
    char text[ERROR_BYTES];
    va_list args;

    va_start(args, format);
    print_error(text, format, args);
    va_end(args);
    http_reply_json(req, status, json_pack("{ss}", "error", text));
}

static const char *platform_error_id(int status)
{
    switch (status) {
    case 400:
        return "bad_request";
    case 401:
        return "unauthorized";
    case 403:
        return "forbidden";
    case 404:
        return "not_found";
    case 415:
        return "unsupported_media_type";
    case 422:
        return "invalid_params";
    case 429:
        return "rate_limit";
    default:
        return "service_unavailable";
    }
}

void http_reply_platform_error(http_request *req, int status,
                               const char *format, ...)
{
    char text[ERROR_BYTES];
    va_list args;

    va_start(args, format);
    print_error(text, format, args);
    va_end(args);
    http_reply_json(
        req, status,
        json_pack("{ss,ss}", "id", platform_error_id(status), "message", text));
}

void http_defer(http_request *req)
{
    assert(!req->is_answered && !req->is_deferred);
    if (req->is_body_lent)
        http_direct_keep_room(req);
    req->is_deferred = true;
    req->server->deferred_count++;
}

/* Streams ----------------------------------------------------------------- */

void http_stream(http_request *req, int status, const char *type,
                 const http_stream_calls *calls, void *ctx)
{
    assert(req->route->api & HTTP_STREAMS); // or else it would answer HEAD
    req->stream = *calls;
    req->stream_ctx = ctx;
    req->is_stream = true;
    claim(req);
    if (!http_mhd_answer_stream(req)) {
        give_up(req);
        return;
    }
    hand_over(req, status, type);
}

void http_limit_unsent(http_request *req, int bytes)
{
    // Without it (before Linux 3.12) more waits, and that is all.
    setsockopt(req->conn->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes,
               sizeof(bytes));
}

void http_keep_open(http_request *req)
{
    req->keeps_open = true;
}

ssize_t http_stream_fill(http_request *req, char *out, size_t room_bytes)
{
    ssize_t got;

    if (req->is_cut)
        return HTTP_FILL_BREAK;
    if (room_bytes > HTTP_STREAM_BLOCK_BYTES)
        room_bytes = HTTP_STREAM_BLOCK_BYTES;
    req->is_filling = true;
    do {
        req->is_woken = false;
        got = req->stream.fill(req->stream_ctx, out, room_bytes);
    } while (got == 0 && req->is_woken);
    req->is_filling = false;
    assert(got <= (ssize_t)room_bytes);
    if (got == HTTP_STREAM_ABORT)
        return HTTP_FILL_BREAK;
    return got == HTTP_STREAM_END ? HTTP_FILL_END : got;
}

void http_stream_wake(http_request *req)
{
    req->is_woken = req->is_filling;
    if (req->is_suspended && req->is_stream)
        http_mhd_resume(req);
}
