/* http_drain.c - see http_drain.h. */
#include "http_drain.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "curl_loop.h"
#include "curl_sockets.h"
#include "logplex/drain_url.h"
#include "tls_trust.h"

enum {
    SPARES_MAX = 32,
    ANSWER_MAX_BYTES = 1 << 20, /* then the connection is given up */

    /* libcurl has a buffer for each request that is on its way, and sends one
     * of it in each turn of the loop: large ones are fast, and small ones are
     * what is left when many slow sinks have them all. */
    UPLOAD_MIN_BYTES = 16 << 10, /* libcurl's least */
    UPLOAD_MAX_BYTES = 512 << 10,
    UPLOADS_MAX_BYTES = 64 << 20 /* together */
};

struct lpi_http {
    lp_drains *set;
    lpi_curl_loop *curl;
    lpi_curl_sockets *sockets;
    unsigned open_handles;    /* of these two */
    CURL *spares[SPARES_MAX]; /* idle drains have no handle of their own */
    unsigned spare_count;
    size_t uploads_bytes; /* buffers of requests on their way */
};

typedef struct http_link {
    struct lpi_http *http;
    lp_drain *drain;
    bool is_insecure;
    struct sockaddr_storage address; /* of a host that is one; else AF_UNSPEC */
    char *url;                       /* without user and fragment */
    char *host;                      /* the whole header          */
    char *user;
    char *password;
    char *token; /* the whole header         */
    lpi_socket_use connection;
    struct http_transfer *transfer; /* NULL: none is under way */
} http_link;

/* A batch on its way. */
typedef struct http_transfer {
    http_link *link;
    CURL *easy;
    struct curl_slist *headers;
    const lp_drain_batch *batch;
    size_t notice_bytes;
    size_t total_bytes;
    size_t sent_bytes; /* that libcurl has read         */
    uint32_t run;      /* the one that it reads next    */
    size_t run_at;     /* the first byte of it          */
    size_t answer_bytes;
    size_t upload_bytes; /* of libcurl's buffer */
    bool is_denied;      /* the address of the sink may not be connected to */
    char why[CURL_ERROR_SIZE];
    char notice[LP_DRAIN_NOTICE_MAX_BYTES];
} http_transfer;

/* The body ---------------------------------------------------------------- */

static size_t copy_part(lp_span part, size_t at, char *out, size_t room_bytes)
{
    size_t left_bytes = part.len_bytes - at;
    size_t some_bytes = left_bytes < room_bytes ? left_bytes : room_bytes;

    memcpy(out, part.ptr + at, some_bytes);
    return some_bytes;
}

static size_t copy_runs(http_transfer *t, char *out, size_t room_bytes)
{
    size_t copied_bytes = 0;

    while (copied_bytes < room_bytes && t->run < t->batch->run_count) {
        lp_span bytes = t->batch->runs[t->run].bytes;
        size_t some_bytes = copy_part(bytes, t->run_at, out + copied_bytes,
                                      room_bytes - copied_bytes);

        copied_bytes += some_bytes;
        t->run_at += some_bytes;
        if (t->run_at == bytes.len_bytes) {
            t->run++;
            t->run_at = 0;
        }
    }
    return copied_bytes;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    http_transfer *t = ctx;
    size_t room_bytes = size * count;
    size_t copied_bytes = 0;

    if (t->sent_bytes < t->notice_bytes)
        copied_bytes = copy_part(lp_span_of(t->notice, t->notice_bytes),
                                 t->sent_bytes, out, room_bytes);
    copied_bytes += copy_runs(t, out + copied_bytes, room_bytes - copied_bytes);
    t->sent_bytes += copied_bytes;
    return copied_bytes;
}

// A connection that was kept, and turns out to be dead: once more on another.
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    http_transfer *t = ctx;

    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    t->sent_bytes = 0;
    t->run = 0;
    t->run_at = 0;
    return CURL_SEEKFUNC_OK;
}

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    http_transfer *t = ctx;

    (void)data;
    t->answer_bytes += size * count;
    return t->answer_bytes > ANSWER_MAX_BYTES ? 0 : size * count;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    http_transfer *t = ctx;

    (void)purpose;
    t->is_denied = !lp_drain_may_connect(t->link->drain, &address->addr);
    if (t->is_denied)
        return CURL_SOCKET_BAD;
    return lpi_curl_sockets_open(t->link->http->sockets, address);
}

/* A transfer's end -------------------------------------------------------- */

static void keep_spare(struct lpi_http *http, CURL *easy)
{
    if (http->spare_count == SPARES_MAX) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    http->spares[http->spare_count++] = easy;
}

static void free_transfer(http_transfer *t)
{
    t->link->transfer = NULL;
    t->link->http->uploads_bytes -= t->upload_bytes;
    curl_slist_free_all(t->headers);
    if (t->easy)
        keep_spare(t->link->http, t->easy);
    free(t);
}

static bool is_to_be_tried_again(long status)
{
    return status < 400 || status >= 500 || status == 408 || status == 425 ||
           status == 429;
}

/* A certificate that libcurl did not like: by GnuTLS's bits, or else for the
 * name, which it looks at itself. */
static lpi_tls_verdict verdict_of(CURL *easy)
{
    long bits = 0;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &bits);
    return lpi_tls_verdict_of(bits != 0 ? (unsigned)bits
                                        : GNUTLS_CERT_UNEXPECTED_OWNER);
}

static void fail_by_certificate(http_transfer *t)
{
    lp_drain *drain = t->link->drain;
    lpi_tls_verdict verdict = verdict_of(t->easy);

    free_transfer(t);
    lp_drain_failed_tls(drain, lpi_tls_alert_name(verdict.alert), verdict.why,
                        0);
}

/* As far as it can be told in milliseconds; the core has a limit below that. */
static uint64_t after_ms(curl_off_t after_s)
{
    if (after_s <= 0)
        return 0;
    return (uint64_t)(after_s < 86400 ? after_s : 86400) * 1000;
}

/* The time was over before the last byte had left. */
static bool is_slow(const http_transfer *t, CURLcode result, long status)
{
    curl_off_t uploaded_bytes = 0;

    curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded_bytes);
    return result == CURLE_OPERATION_TIMEDOUT && status == 0 &&
           uploaded_bytes > 0 && (size_t)uploaded_bytes < t->total_bytes;
}

static void fail(http_transfer *t, CURLcode result, long status)
{
    lp_drain *drain = t->link->drain;
    bool was_slow = is_slow(t, result, status);
    curl_off_t after_s = 0;
    char why[LP_DRAIN_ERROR_MAX_BYTES];

    if (status >= 200)
        curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after_s);
    if (t->is_denied)
        snprintf(why, sizeof(why), LPI_WHY_DENIED);
    else if (status >= 200 && status < 300)
        snprintf(why, sizeof(why),
                 "it answered %ld before it had read the whole body", status);
    else if (status >= 200)
        snprintf(why, sizeof(why), "it answered %ld", status);
    else
        snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1,
                 t->why[0] ? t->why : curl_easy_strerror(result));
    free_transfer(t);
    if (was_slow)
        lp_drain_failed_slowly(drain, why);
    else if (status == 413)
        lp_drain_refuse_size(drain, why);
    else if (status >= 200 && !is_to_be_tried_again(status))
        lp_drain_refuse(drain, why);
    else
        lp_drain_failed(drain, why, after_ms(after_s));
}

/* What the status line says holds, however the rest of the answer ends. */
static void on_done(CURL *easy, CURLcode result, curl_socket_t fd)
{
    http_transfer *t = NULL;
    lp_drain *drain;
    uint64_t lines;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
    if (!t) // a sweep
        return;
    lpi_curl_sockets_used(t->link->http->sockets, fd, &t->link->connection);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    drain = t->link->drain;
    lp_drain_count_sent(drain, t->sent_bytes);
    lp_drain_count_answer(drain, (unsigned)status);
    if (result == CURLE_PEER_FAILED_VERIFICATION) {
        fail_by_certificate(t);
        return;
    }
    if (status < 200 || status >= 300 || t->sent_bytes < t->total_bytes) {
        fail(t, result, status);
        return;
    }
    lines = t->batch->line_count;
    free_transfer(t);
    lp_drain_delivered(drain, lines);
}

/* And its beginning ------------------------------------------------------- */

static bool add_header(http_transfer *t, const char *header)
{
    struct curl_slist *longer = curl_slist_append(t->headers, header);

    if (longer)
        t->headers = longer;
    return longer != NULL;
}

/* Spec 5.3: in this order and spelling. libcurl puts Host and Authorization in
 * front, Content-Length behind. */
static bool add_headers(http_transfer *t)
{
    const http_link *link = t->link;
    const lp_drain_batch *batch = t->batch;
    char agent[256];
    char count[64];
    char frame[64];
    char loss[64];

    snprintf(agent, sizeof(agent), "User-Agent: %s",
             lp_drain_set_options(link->drain)->user_agent);
    snprintf(count, sizeof(count), "Logplex-Msg-Count: %" PRIu32,
             batch->line_count + (batch->loss.lines > 0));
    snprintf(frame, sizeof(frame), "Logplex-Frame-Id: %s", batch->frame_id);
    snprintf(loss, sizeof(loss), "Logplex-Loss-Count: %" PRIu64,
             batch->loss.lines);
    return add_header(t, link->host) && add_header(t, "Accept:") &&
           add_header(t, "Expect:") &&
           add_header(t, "Content-Type: application/logplex-1") &&
           add_header(t, count) && add_header(t, frame) &&
           (batch->loss.lines == 0 || add_header(t, loss)) &&
           add_header(t, link->token) && add_header(t, agent);
}

static void set_target(CURL *easy, const http_link *link)
{
    const lp_drains_options *opt = lp_drain_set_options(link->drain);

    curl_easy_setopt(easy, CURLOPT_URL, link->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERNAME, link->user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, link->password);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)opt->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)opt->answer_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (opt->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, opt->ca_file);
    if (opt->cert_file) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, opt->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY,
                         opt->key_file ? opt->key_file : opt->cert_file);
    }
    if (link->is_insecure) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void choose_upload(http_transfer *t)
{
    struct lpi_http *http = t->link->http;
    size_t want_bytes = t->total_bytes;

    if (want_bytes > UPLOAD_MAX_BYTES)
        want_bytes = UPLOAD_MAX_BYTES;
    if (want_bytes < UPLOAD_MIN_BYTES ||
        http->uploads_bytes + want_bytes > UPLOADS_MAX_BYTES)
        want_bytes = UPLOAD_MIN_BYTES;
    t->upload_bytes = want_bytes;
    http->uploads_bytes += want_bytes;
}

static void set_body(http_transfer *t)
{
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)t->total_bytes);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)t->upload_bytes);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, t);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    lpi_curl_sockets_set(t->link->http->sockets, easy);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
}

static CURL *take_easy(struct lpi_http *http)
{
    if (http->spare_count > 0)
        return http->spares[--http->spare_count];
    return curl_easy_init();
}

static bool begin(http_transfer *t)
{
    const lp_drain_batch *batch = t->batch;

    t->notice_bytes = lp_drain_print_notice(batch, lp_span_of(NULL, 0), true,
                                            t->notice, sizeof(t->notice));
    t->total_bytes = t->notice_bytes + batch->bytes;
    t->easy = take_easy(t->link->http);
    if (!t->easy || !add_headers(t))
        return false;
    set_target(t->easy, t->link);
    choose_upload(t);
    set_body(t);
    return lpi_curl_loop_add(t->link->http->curl, t->easy);
}

/* Behind a proxy libcurl asks for the proxy's address alone; what can be seen of
 * the sink's own is looked at here. */
static bool is_denied(const http_link *link)
{
    return link->address.ss_family != AF_UNSPEC &&
           !lp_drain_may_connect(link->drain,
                                 (const struct sockaddr *)&link->address);
}

static bool http_send(void *ctx, const lp_drain_batch *batch)
{
    http_link *link = ctx;
    http_transfer *t;

    if (is_denied(link)) {
        lp_drain_failed(link->drain, LPI_WHY_DENIED, 0);
        return true;
    }
    t = calloc(1, sizeof(*t));
    if (t) {
        t->link = link;
        t->batch = batch;
        link->transfer = t;
    }
    if (!t || !begin(t)) {
        if (t)
            free_transfer(t);
        lp_drain_failed(link->drain, "there is no memory for a request", 0);
    }
    return true;
}

/* Links ------------------------------------------------------------------- */

static void http_close(void *ctx)
{
    http_link *link = ctx;

    if (!link)
        return;
    if (link->transfer) {
        lpi_curl_loop_remove(link->http->curl, link->transfer->easy);
        free_transfer(link->transfer);
    }
    lpi_curl_sockets_leave(link->http->sockets, &link->connection);
    free(link->url);
    free(link->host);
    free(link->user);
    free(link->password);
    free(link->token);
    free(link);
}

static char *unescaped(lp_span part)
{
    char *text = malloc(part.len_bytes + 1);

    if (text)
        text[lp_drain_url_unescape(part, text)] = '\0';
    return text;
}

/* The address without what is not for the wire. */
static char *wire_url(const lp_drain_url *url)
{
    lp_drain_url bare = *url;
    char text[LP_DRAIN_URL_MAX_BYTES + 1];
    size_t len_bytes;

    bare.user = bare.password = bare.fragment = lp_span_of(NULL, 0);
    len_bytes = lp_drain_url_print(&bare, text, sizeof(text) - 1);
    text[len_bytes] = '\0';
    return strdup(text);
}

static char *text_of(const char *head, lp_span body, const char *tail)
{
    size_t room_bytes = strlen(head) + body.len_bytes + strlen(tail) + 1;
    char *text = malloc(room_bytes);

    if (text)
        snprintf(text, room_bytes, "%s%.*s%s", head, (int)body.len_bytes,
                 body.ptr, tail);
    return text;
}

static char *host_header(const lp_drain_url *url)
{
    bool is_ipv6 = url->host_kind == LP_DRAIN_HOST_IPV6;
    char tail[16] = "";

    if (url->is_port_explicit)
        snprintf(tail, sizeof(tail), "%s:%u", is_ipv6 ? "]" : "",
                 (unsigned)url->port);
    else if (is_ipv6)
        snprintf(tail, sizeof(tail), "]");
    return text_of(is_ipv6 ? "Host: [" : "Host: ", url->host, tail);
}

static void set_address(http_link *link, const lp_drain_url *url)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&link->address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&link->address;

    if (url->host_kind == LP_DRAIN_HOST_IPV4) {
        ipv4->sin_family = AF_INET;
        memcpy(&ipv4->sin_addr, url->address, sizeof(ipv4->sin_addr));
    } else if (url->host_kind == LP_DRAIN_HOST_IPV6) {
        ipv6->sin6_family = AF_INET6;
        memcpy(&ipv6->sin6_addr, url->address, sizeof(ipv6->sin6_addr));
    }
}

static bool fill_link(http_link *link, const lp_drain_url *url, lp_span token)
{
    link->is_insecure = url->is_insecure;
    set_address(link, url);
    link->url = wire_url(url);
    link->host = host_header(url);
    link->token = text_of("Logplex-Drain-Token: ", token, "");
    if (url->user.ptr || url->password.ptr) {
        link->user = unescaped(url->user);
        link->password = unescaped(url->password);
        if (!link->user || !link->password)
            return false;
    }
    return link->url && link->host && link->token;
}

static lp_err http_open(void *ctx, lp_drain *drain, lp_span text, lp_span token,
                        void **out)
{
    lp_drain_url url;
    http_link *link;
    lp_err err = lp_drain_url_parse(text, &url, NULL);

    if (err != LP_OK)
        return err;
    link = calloc(1, sizeof(*link));
    if (!link)
        return LP_E_NOMEM;
    link->http = ctx;
    link->drain = drain;
    if (!fill_link(link, &url, token)) {
        http_close(link);
        return LP_E_NOMEM;
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
        .scheme = "http",
        .ctx = http,
        .open = http_open,
        .send = http_send,
        .close = http_close,
    };
    lp_err err = lp_drains_register(http->set, &protocol);

    protocol.scheme = "https";
    return err == LP_OK ? lp_drains_register(http->set, &protocol) : err;
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
    return add_schemes(http);
}

void lpi_http_destroy(struct lpi_http *http)
{
    if (!http)
        return;
    while (http->spare_count > 0)
        curl_easy_cleanup(http->spares[--http->spare_count]);
    lpi_curl_sockets_destroy(http->sockets, end_handle, http);
    lpi_curl_loop_destroy(http->curl, end_handle, http);
}
