/* http_drain.c - see http_drain.h. */
#include "http_drain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "http_answer.h"
#include "http_direct.h"
#include "http_request.h"
#include "http_result.h"
#include "logplex/drain_url.h"
#include "tls_alert.h"
#include "tls_trust.h"

/* How long the C library asks a server that is silent: twice 5 s. */
enum { LOOKUP_MS = 10000 };

struct lpi_http {
    lp_drains *set;
    lpi_curl_loop *curl;
    lpi_curl_sockets *sockets;
    lpi_encoder *encoder;
    unsigned open_handles; /* of these two */
    lpi_handles handles;
};

typedef struct http_link {
    struct sockaddr_storage address; /* of a host that is one; else AF_UNSPEC */
    lpi_http_target target;
    lpi_request request;
} http_link;

/* A request's end --------------------------------------------------------- */

static void fail_by_tls(lpi_request *r, curl_socket_t fd,
                        gnutls_alert_description_t alert, const char *why)
{
    lp_drain_count_answer(r->target->drain, 0);
    lpi_request_end(r, fd);
    lp_drain_failed_tls(r->target->drain, lpi_tls_alert_name(alert), why, 0);
}

/* How it ended, as libcurl tells it. */
typedef struct outcome {
    CURLcode result;
    long status;          /* 0: there was no answer */
    curl_off_t lookup_us; /* 0: it did not come to its end */
    int64_t after_s;
    curl_off_t uploaded_bytes;
} outcome;

/* libcurl's own reading of it takes a number that is too large for none. */
static int64_t after_s(CURL *easy)
{
    struct curl_header *field;

    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &field) !=
        CURLHE_OK)
        return 0;
    return lpi_answer_after_s(lp_span_str(field->value), (int64_t)time(NULL));
}

static outcome outcome_of(CURL *easy, CURLcode result)
{
    outcome end = {.result = result};

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &end.status);
    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &end.lookup_us);
    curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &end.uploaded_bytes);
    if (end.status >= 200)
        end.after_s = after_s(easy);
    return end;
}

/* A look-up that was given up has a thread of libcurl's until it is over: without
 * a wait such threads would be many times as many as drains. */
static uint64_t after_ms(const outcome *end)
{
    if (end->result == CURLE_OPERATION_TIMEDOUT && end->lookup_us == 0)
        return LOOKUP_MS;
    return lpi_http_after_ms(end->after_s);
}

/* The time was over when some of the body had left, and there was no answer. */
static bool took_too_long(const outcome *end)
{
    return end->result == CURLE_OPERATION_TIMEDOUT && end->status == 0 &&
           end->uploaded_bytes > 0;
}

/* In TLS 1.2 a sink says so within the handshake, of which only the alert is left:
 * handshake_failure, in libcurl's words. It has other reasons, too. */
static bool has_failed_handshake(const lpi_request *r, const outcome *end)
{
    return end->result == CURLE_SSL_CONNECT_ERROR &&
           !lp_drain_set_options(r->target->drain)->cert_file &&
           strstr(lpi_request_why(r), "Handshake failed");
}

/* Where libcurl can't use a proxy it quotes its URL, the password included. */
static void print_why(const lpi_request *r, const outcome *end, char *why,
                      size_t room_bytes)
{
    const char *said = lpi_request_why(r);
    const char *kind = curl_easy_strerror(end->result);

    if (r->is_denied)
        snprintf(why, room_bytes, LPI_WHY_DENIED);
    else if (strstr(said, "proxy") && strchr(said, '\''))
        snprintf(why, room_bytes,
                 "the proxy that the environment names is none that can be "
                 "used: %s",
                 kind);
    else
        snprintf(why, room_bytes, "%s%s", said[0] ? said : kind,
                 has_failed_handshake(r, end)
                     ? "; it may want a certificate, and there is none to show"
                     : "");
}

/* Of one that comes behind the handshake nothing is left, not even which it
 * was. */
static bool has_alert(const lpi_request *r, const outcome *end,
                      gnutls_alert_description_t *alert)
{
    return end->result == CURLE_SSL_CONNECT_ERROR && r->target->is_tls &&
           lpi_tls_alert_of_words(lpi_request_why(r), alert);
}

static void tell(lpi_request *r, const outcome *end, curl_socket_t fd)
{
    const lpi_http_target *target = r->target;
    uint64_t lines = r->batch->line_count;
    bool is_whole = r->sent_bytes == r->total_bytes;
    lpi_http_result result = {
        .status = (unsigned)end->status,
        .is_whole = is_whole,
        .is_slow = took_too_long(end) && !is_whole,
        .is_late = took_too_long(end) && is_whole,
        .lacks_certificate = r->lacks_certificate,
        .after_ms = after_ms(end),
    };
    gnutls_alert_description_t alert;
    char why[LP_DRAIN_ERROR_MAX_BYTES];

    print_why(r, end, why, sizeof(why));
    if (has_alert(r, end, &alert)) {
        fail_by_tls(r, fd, alert, why);
        return;
    }
    result.why = why;
    lpi_request_end(r, fd);
    lpi_http_tell(target, lines, &result);
}

static void on_done(CURL *easy, CURLcode result, curl_socket_t fd)
{
    lpi_request *r = lpi_request_of(easy);
    outcome end;

    if (!r) // a sweep
        return;
    end = outcome_of(easy, result);
    lpi_request_count_sent(r);
    if (r->verdict.why)
        fail_by_tls(r, fd, r->verdict.alert, r->verdict.why);
    else
        tell(r, &end, fd);
}

/* Links ------------------------------------------------------------------- */

/* Behind a proxy libcurl asks for the proxy's address alone; what can be seen of
 * the sink's own is looked at here. */
static bool is_denied(const http_link *link)
{
    return link->address.ss_family != AF_UNSPEC &&
           !lp_drain_may_connect(link->target.drain,
                                 (const struct sockaddr *)&link->address);
}

static bool http_send(void *ctx, const lp_drain_batch *batch)
{
    http_link *link = ctx;

    if (is_denied(link))
        lp_drain_failed(link->target.drain, LPI_WHY_DENIED, 0);
    else if (!lpi_request_begin(&link->request, batch))
        lp_drain_failed(link->target.drain, "there is no memory for a request",
                        0);
    return true;
}

static bool http_lets_go(void *ctx)
{
    http_link *link = ctx;

    return lpi_request_lets_go(&link->request);
}

static void http_close(void *ctx)
{
    http_link *link = ctx;

    if (!link)
        return;
    lpi_request_close(&link->request);
    lpi_http_target_fini(&link->target);
    free(link);
}

static lp_err http_open(void *ctx, lp_drain *drain, lp_span text, lp_span token,
                        void **out)
{
    struct lpi_http *http = ctx;
    lp_drain_url url;
    http_link *link;
    lp_err err = lp_drain_url_parse(text, &url, NULL);

    if (err != LP_OK)
        return err;
    link = calloc(1, sizeof(*link));
    if (!link)
        return LP_E_NOMEM;
    link->request.handles = &http->handles;
    link->request.target = &link->target;
    lp_drain_url_address(&url, &link->address);
    err = lpi_http_target_init(&link->target, drain, &url, token);
    if (err != LP_OK) {
        http_close(link);
        return err;
    }
    *out = link;
    return LP_OK;
}

/* The set's part ---------------------------------------------------------- */

static lp_err add_schemes(struct lpi_http *http)
{
    lp_drain_protocol protocol = {
        .struct_bytes = sizeof(protocol),
        .window = 1,
        .answers = true,
        .scheme = "https",
        .ctx = http,
        .open = http_open,
        .send = http_send,
        .close = http_close,
        .lets_go = http_lets_go,
    };
    lp_err err = lp_drains_register(http->set, &protocol);

    if (err != LP_OK)
        return err;
    if (!http->handles.has_proxy)
        return lpi_http_direct_register(http->set, http->encoder);
    protocol.scheme = "http";
    return lp_drains_register(http->set, &protocol);
}

static void end_handle(void *ctx)
{
    struct lpi_http *http = ctx;
    lp_drains *set = http->set;

    if (--http->open_handles > 0)
        return;
    free(http);
    lpi_set_handle_closed(set);
}

lp_err lpi_http_register(lp_drains *set, struct lpi_http **out)
{
    struct lpi_http *http = calloc(1, sizeof(*http));

    if (!http)
        return LP_E_NOMEM;
    http->set = set;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
        http->curl = lpi_curl_loop_create(set->loop, on_done);
    if (!http->curl) {
        free(http);
        return LP_E_NOMEM;
    }
    http->open_handles = 1;
    set->open_handles++;
    *out = http; // from here on lpi_http_destroy() is owed
    http->sockets = lpi_curl_sockets_create(set->loop, http->curl);
    if (!http->sockets)
        return LP_E_NOMEM;
    http->open_handles++;
    http->encoder = lpi_encoder_create(0, 0);
    if (!http->encoder)
        return LP_E_NOMEM;
    lpi_handles_init(&http->handles, http->curl, http->sockets, http->encoder);
    return add_schemes(http);
}

void lpi_http_destroy(struct lpi_http *http)
{
    if (!http)
        return;
    lpi_encoder_destroy(http->encoder);
    lpi_curl_sockets_destroy(http->sockets, end_handle, http);
    lpi_curl_loop_destroy(http->curl, end_handle, http);
}
