#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "http/httpd_auth.h"
#include "http/httpd_impl.h"

enum { BLOCK_BYTES = 1024 };

union http_block {
    struct {
        http_block *next;
        size_t used_bytes;
        size_t room_bytes;
    } head;
    max_align_t align;
};

/* Memory ------------------------------------------------------------------ */

void *http_alloc(http_request *req, size_t size_bytes)
{
    const size_t grain = sizeof(max_align_t);
    size_t want_bytes = (size_bytes + grain - 1) / grain * grain;
    http_block *block = req->memory;
    void *place;

    if (want_bytes < size_bytes)
        return NULL;
    if (!block ||
        block->head.room_bytes - block->head.used_bytes < want_bytes) {
        size_t room_bytes = want_bytes > BLOCK_BYTES ? want_bytes : BLOCK_BYTES;

        block = malloc(sizeof(*block) + room_bytes);
        if (!block)
            return NULL;
        block->head.next = req->memory;
        block->head.used_bytes = 0;
        block->head.room_bytes = room_bytes;
        req->memory = block;
    }
    place = (char *)(block + 1) + block->head.used_bytes;
    block->head.used_bytes += want_bytes;
    return place;
}

static char *copy_text(http_request *req, const char *text, size_t len_bytes)
{
    char *copy = http_alloc(req, len_bytes + 1);

    if (copy) {
        memcpy(copy, text, len_bytes);
        copy[len_bytes] = '\0';
    }
    return copy;
}

static void free_request(http_request *req)
{
    http_block *block = req->memory;

    http_body_free(req);
    req->server->answers_bytes -= req->answer_bytes;
    http_mhd_drop_answer(req);
    http_direct_drop_answer(req);
    while (block) {
        http_block *next = block->head.next;

        free(block);
        block = next;
    }
    free(req);
}

/* Life -------------------------------------------------------------------- */

static bool decode_params(http_request *req)
{
    for (unsigned i = 0; i < req->match.param_count; i++) {
        lp_span *param = &req->match.params[i];
        char *copy = http_alloc(req, param->len_bytes + 1);

        if (!copy)
            return false;
        param->len_bytes = http_percent_decode(http_segment_name(*param), copy);
        copy[param->len_bytes] = '\0';
        param->ptr = copy;
    }
    return true;
}

static void refuse_path(http_request *req)
{
    if (req->match.allow[0] != '\0') {
        http_set_header(req, "Allow", req->match.allow);
        http_reply_error(req, 405, "Method Not Allowed");
    } else {
        http_reply_error(req, 404, "Not Found");
    }
}

static bool misframed(http_request *req, const char *why)
{
    req->is_misframed = true;
    http_reply_error(req, 400, "%s", why);
    return false;
}

/*
 * RFC 9112, 6.3: where a body ends must be told once. A proxy in front of us
 * that believed the other one of two would take the rest for a request.
 */
static bool check_framing(http_request *req)
{
    const char *coding = http_header(req, "Transfer-Encoding");
    bool lengths_differ;
    bool codings_differ;
    unsigned lengths =
        http_mhd_header_count(req, "Content-Length", &lengths_differ);
    unsigned codings =
        http_mhd_header_count(req, "Transfer-Encoding", &codings_differ);

    if (http_mhd_has_bad_name(req))
        return misframed(req, "a header has a blank in front of its colon");
    if (lengths_differ)
        return misframed(req, "there is more than one Content-Length, and they "
                              "differ");
    if (lengths > 0 && codings > 0)
        return misframed(req, "there is both a Content-Length and a "
                              "Transfer-Encoding; send one of them");
    if (codings > 1 || (coding && strcasecmp(coding, "chunked") != 0))
        return misframed(req, "the only Transfer-Encoding is \"chunked\"");
    return true;
}

// Inside, names and values end at a NUL: this would be taken for a shorter one.
static bool check_target(http_request *req, const char *target)
{
    if (!http_has_nul(target) && !http_mhd_query_has_nul(req))
        return true;
    http_reply_error(req, 400,
                     "there is a NUL (%%00) in the path or in the query; no "
                     "name or value can have one");
    return false;
}

// Everything that can be refused before the body is.
static void admit(http_request *req, const char *target)
{
    // A direct one has been looked at by http_head_read().
    if (!req->conn->is_direct &&
        (!check_framing(req) || !check_target(req, target)))
        return;
    http_route_find(req->server->tables, req->method, target, &req->match);
    req->route = req->match.route;
    if (!http_mode_admit(req))
        return;
    if (!req->route) {
        refuse_path(req);
        return;
    }
    if (!decode_params(req)) {
        http_reply_error(req, 500, "out of memory");
        return;
    }
    if (!http_auth_check(req))
        return;
    if (req->route->admit)
        req->route->admit(req);
    if (!req->is_answered)
        http_body_admit(req);
}

/*
 * The client may be waiting for "100 Continue", or be about to send more than
 * we care to throw away.
 */
static bool must_answer_early(http_request *req)
{
    if (req->is_misframed)
        return true;
    return req->is_answered && req->body_announced_bytes > 0 &&
           (req->status == 413 ||
            req->body_announced_bytes > HTTP_DISCARD_MAX_BYTES ||
            http_header(req, "Expect"));
}

static uint64_t announced_of(http_request *req)
{
    const char *length = http_header(req, "Content-Length");
    uint64_t announced_bytes = length ? strtoull(length, NULL, 10) : 0;

    if (http_header(req, "Transfer-Encoding"))
        return UINT64_MAX;
    // The largest number there is has a meaning here, and is no length.
    return announced_bytes < UINT64_MAX ? announced_bytes : UINT64_MAX - 1;
}

http_request *http_request_begin(http_conn *conn, const char *method,
                                 const char *target)
{
    http_request *req = calloc(1, sizeof(*req));

    if (!req)
        return NULL;
    req->server = conn->server;
    req->conn = conn;
    req->method = copy_text(req, method, strlen(method));
    target = copy_text(req, target, strlen(target));
    if (!req->method || !target) {
        free_request(req);
        return NULL;
    }
    count_add(&req->server->home->counts.counts[COUNT_HTTP_REQUESTS], 1);
    conn->req = req;
    conn->since_ms = uv_now(&req->server->home->loop);
    req->body_announced_bytes = announced_of(req);
    admit(req, target);
    req->is_early = must_answer_early(req);
    return req;
}

// RFC 9110, 10.1.1: nobody waits for a "100 Continue" with nothing to send.
bool http_request_is_whole(const http_request *req)
{
    return req->body_announced_bytes == 0 && http_header(req, "Expect");
}

bool http_request_run(http_request *req)
{
    if (!req->is_answered && !req->is_handled) {
        req->is_handled = true;
        req->route->handle(req);
        assert(req->is_answered || req->is_deferred);
    }
    return req->is_answered;
}

void http_request_completed(http_request *req)
{
    assert(!req->is_deferred);
    req->conn->req = NULL;
    req->conn->since_ms = uv_now(&req->server->home->loop);
    // Its answer may have been made before we began to stop.
    if (req->server->is_quiescing)
        http_watch_end_input(req->conn);
    if (req->is_stream && req->stream.close)
        req->stream.close(req->stream_ctx);
    free_request(req);
}

void http_keep_credential(http_request *req, const catalog_credential *found)
{
    lp_span *texts[] = {&req->credential.id, &req->credential.channel_id,
                        &req->credential.name};

    req->credential = *found;
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i]->ptr)
            texts[i]->ptr = copy_text(req, texts[i]->ptr, texts[i]->len_bytes);
    req->has_credential = true;
}

/* Asking ------------------------------------------------------------------ */

worker *http_worker(const http_request *req)
{
    return req->server->home;
}

lp_span http_param(const http_request *req, unsigned n)
{
    assert(n < req->match.param_count);
    return req->match.params[n];
}

const char *http_header(const http_request *req, const char *name)
{
    return req->conn->is_direct ? http_direct_header(req, name)
                                : http_mhd_header(req, name);
}

const char *http_query_unknown(http_request *req, const char *const *known)
{
    return http_mhd_query_unknown(req, known);
}

static const char *decode_value(http_request *req, lp_span raw)
{
    char *value = http_alloc(req, raw.len_bytes + 1);

    if (value)
        value[http_percent_decode(raw, value)] = '\0';
    return value;
}

const char *http_query(http_request *req, const char *name)
{
    lp_span raw;

    return http_mhd_query(req, name, &raw) ? decode_value(req, raw) : NULL;
}

const char *http_query_at(http_request *req, const char *name, unsigned n)
{
    lp_span raw;

    return http_mhd_query_at(req, name, n, &raw) ? decode_value(req, raw)
                                                 : NULL;
}

lp_span http_body(const http_request *req)
{
    return lp_span_of(req->body, req->body_bytes);
}

const catalog_credential *http_credential(const http_request *req)
{
    return req->has_credential ? &req->credential : NULL;
}

void http_keep(http_request *req, void *found)
{
    req->kept = found;
}

void *http_kept(const http_request *req)
{
    return req->kept;
}

// A host that could not break out of a URL or a header (RFC 3986, 3.2.2).
static bool is_host(const char *text)
{
    size_t len_bytes = strlen(text);

    return len_bytes > 0 && len_bytes < 256 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_:[]") == len_bytes;
}

static void own_host(const http_request *req, char out[80])
{
    struct sockaddr_storage addr = {0};
    socklen_t addr_bytes = sizeof(addr);
    const struct sockaddr_in *v4 = (const void *)&addr;
    const struct sockaddr_in6 *v6 = (const void *)&addr;
    char host[INET6_ADDRSTRLEN];

    snprintf(out, 80, "localhost");
    if (getsockname(req->conn->fd, (struct sockaddr *)&addr, &addr_bytes) != 0)
        return;
    if (addr.ss_family == AF_INET &&
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host)))
        snprintf(out, 80, "%s:%u", host, ntohs(v4->sin_port));
    if (addr.ss_family == AF_INET6 &&
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host)))
        snprintf(out, 80, "[%s]:%u", host, ntohs(v6->sin6_port));
}

const char *http_base_url(http_request *req)
{
    const char *fixed = req->server->home->shared->cfg->base_url;
    const char *proto = http_header(req, "X-Forwarded-Proto");
    const char *host = http_header(req, "Host");
    bool is_secure =
        req->conn->engine->is_tls || (proto && strncmp(proto, "https", 5) == 0);
    char own[80];
    char url[360];

    if (fixed)
        return fixed;
    if (!host || !is_host(host)) {
        own_host(req, own);
        host = own;
    }
    snprintf(url, sizeof(url), "%s://%s", is_secure ? "https" : "http", host);
    return copy_text(req, url, strlen(url));
}
