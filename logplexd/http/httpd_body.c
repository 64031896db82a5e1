#include <stdlib.h>
#include <string.h>

#include "http/httpd_impl.h"

/* The room that a body has at first: all that is announced, if it is no more
 * than this; less for one in chunks, most of which are small. */
enum { ANNOUNCED_ROOM_BYTES = 256 * 1024, CHUNKED_ROOM_BYTES = 32 * 1024 };

static uint64_t body_max_bytes(const http_request *req)
{
    uint64_t max_bytes = req->route->body_max_bytes;

    return max_bytes == HTTP_BODY_OF_LOGS
               ? req->server->home->shared->cfg->body_max_bytes
               : max_bytes;
}

static bool refuse_too_big(http_request *req)
{
    http_reply_error(req, 413, "the body may have at most %llu bytes",
                     (unsigned long long)body_max_bytes(req));
    return false;
}

static bool refuse_overload(http_request *req)
{
    http_set_header(req, "Retry-After", "1");
    http_reply_error(req, 429, "too many bodies are being received");
    return false;
}

void http_body_count_room(http_request *req, size_t room_bytes)
{
    req->server->bodies_bytes -= req->body_room_bytes;
    req->server->bodies_bytes += room_bytes;
    req->body_room_bytes = room_bytes;
}

void http_body_free(http_request *req)
{
    if (!req->is_body_lent)
        free(req->body);
    free(req->kept_room);
    req->body = NULL;
    req->kept_room = NULL;
    req->body_bytes = 0;
    http_body_count_room(req, 0);
}

bool http_body_has_budget(const http_server *server, size_t more_bytes)
{
    return server->bodies_bytes + more_bytes <=
           server->home->shared->cfg->bodies_max_bytes;
}

// Room for need_bytes: it doubles, so that a header alone takes little.
static bool grow(http_request *req, size_t need_bytes)
{
    uint64_t most_bytes = body_max_bytes(req);
    size_t room_bytes = 2 * req->body_room_bytes;
    char *body;

    if (room_bytes == 0)
        room_bytes = req->body_announced_bytes == UINT64_MAX
                         ? CHUNKED_ROOM_BYTES
                         : ANNOUNCED_ROOM_BYTES;
    if (req->body_announced_bytes < most_bytes)
        most_bytes = req->body_announced_bytes;
    if (room_bytes > most_bytes)
        room_bytes = (size_t)most_bytes;
    if (room_bytes < need_bytes)
        room_bytes = need_bytes;
    if (!http_body_has_budget(req->server, room_bytes - req->body_room_bytes))
        return false;
    body = realloc(req->body, room_bytes);
    if (!body)
        return false;
    req->body = body;
    http_body_count_room(req, room_bytes);
    return true;
}

bool http_body_admit(http_request *req)
{
    uint64_t announced_bytes = req->body_announced_bytes;

    if (announced_bytes == 0)
        return true;
    if (announced_bytes == UINT64_MAX) // chunked: we shall see
        announced_bytes = 1;
    if (announced_bytes > body_max_bytes(req))
        return refuse_too_big(req);
    return req->conn->has_whole_body || grow(req, 1) || refuse_overload(req);
}

// What is refused by now is read on, within reason, for the answer's sake.
static bool discard(http_request *req, size_t data_bytes)
{
    uint64_t most_bytes = HTTP_DISCARD_MAX_BYTES;

    if (req->status == 429 && body_max_bytes(req) > most_bytes)
        most_bytes = body_max_bytes(req);
    req->discarded_bytes += data_bytes;
    return req->discarded_bytes <= most_bytes;
}

bool http_body_take(http_request *req, const char *data, size_t data_bytes)
{
    size_t need_bytes = req->body_bytes + data_bytes;

    req->conn->since_ms = uv_now(&req->server->home->loop);
    if (req->is_answered)
        return discard(req, data_bytes);
    if (need_bytes > body_max_bytes(req)) {
        http_watch_answer_raw(req->conn, 413, "the body is too big\n");
        return false;
    }
    if (need_bytes > req->body_room_bytes && !grow(req, need_bytes)) {
        http_body_free(req);
        refuse_overload(req);
        return discard(req, data_bytes);
    }
    memcpy(req->body + req->body_bytes, data, data_bytes);
    req->body_bytes = need_bytes;
    return true;
}
