/* http_request.c - see http_request.h. */
#include "http_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http_body.h"
#include "http_head.h"

enum {
    IDLE_MAX = 64,
    HEADERS_MAX = 3 + LPI_HEAD_LINES_MAX,
    ANSWER_MAX_BYTES = 1 << 20, /* then the connection is given up */

    /* libcurl has a buffer for each request that is on its way, and sends one
     * of it in each turn of the loop. The largest is as large as stays in the
     * cache until the kernel has it; small ones are what is left when many slow
     * sinks have them all. */
    UPLOAD_MIN_BYTES = 16 << 10, /* libcurl's least */
    UPLOAD_MAX_BYTES = 128 << 10,
    UPLOADS_MAX_BYTES = 64 << 20 /* together */
};

struct lpi_handle {
    TAILQ_ENTRY(lpi_handle) idle;
    CURL *easy;
    lpi_request *request;
    struct curl_slist headers[HEADERS_MAX]; /* the first is that of a list */
    unsigned header_count;
    lpi_http_head head;
    char why[CURL_ERROR_SIZE];              /* in libcurl's words */
    char own_why[LP_DRAIN_ERROR_MAX_BYTES]; /* before them; "": none */
    char notice[LP_DRAIN_NOTICE_MAX_BYTES];
};

/* The body ---------------------------------------------------------------- */

static size_t copy_part(lp_span part, size_t at, char *out, size_t room_bytes)
{
    size_t left_bytes = part.len_bytes - at;
    size_t some_bytes = left_bytes < room_bytes ? left_bytes : room_bytes;

    memcpy(out, part.ptr + at, some_bytes);
    return some_bytes;
}

static size_t copy_runs(lpi_request *r, char *out, size_t room_bytes)
{
    size_t copied_bytes = 0;

    while (copied_bytes < room_bytes && r->run < r->batch->run_count) {
        lp_span bytes = r->batch->runs[r->run].bytes;
        size_t some_bytes = copy_part(bytes, r->run_at, out + copied_bytes,
                                      room_bytes - copied_bytes);

        copied_bytes += some_bytes;
        r->run_at += some_bytes;
        if (r->run_at == bytes.len_bytes) {
            r->run++;
            r->run_at = 0;
        }
    }
    return copied_bytes;
}

/* There is a connection, and nothing has been sent over it. */
static int on_connected(void *ctx, char *there, char *here, int port_there,
                        int port_here)
{
    lpi_handle *handle = ctx;
    lpi_request *r = handle->request;
    const lpi_http_target *target = r->target;
    gnutls_session_t session;

    (void)there;
    (void)here;
    (void)port_there;
    (void)port_here;
    if (!target->is_tls)
        return CURL_PREREQFUNC_OK;
    session = lpi_http_session(handle->easy);
    r->lacks_certificate =
        session && lpi_tls_lacks_certificate(target->drain, session);
    if (target->is_insecure ||
        lpi_http_trusts(&r->trust, target, session, &r->verdict,
                        handle->own_why, sizeof(handle->own_why)))
        return CURL_PREREQFUNC_OK;
    return CURL_PREREQFUNC_ABORT;
}

/* libcurl asks for the body when there is a connection. */
static void note_reached(const lpi_request *r)
{
    if (r->sent_bytes == 0)
        lp_drain_reached(r->target->drain);
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    lpi_handle *handle = ctx;
    lpi_request *r = handle->request;
    size_t room_bytes = size * count;
    size_t copied_bytes = 0;

    note_reached(r);
    if (r->sent_bytes < r->notice_bytes)
        copied_bytes = copy_part(lp_span_of(handle->notice, r->notice_bytes),
                                 r->sent_bytes, out, room_bytes);
    copied_bytes += copy_runs(r, out + copied_bytes, room_bytes - copied_bytes);
    r->sent_bytes += copied_bytes;
    return copied_bytes;
}

static size_t on_read_encoded(char *out, size_t size, size_t count, void *ctx)
{
    lpi_handle *handle = ctx;
    lpi_request *r = handle->request;
    lp_span body;
    size_t copied_bytes;

    if (r->is_let_go)
        return 0; // that was all
    body = lp_span_of(r->encoded->data, r->encoded->bytes);
    copied_bytes = copy_part(body, r->sent_bytes, out, size * count);
    note_reached(r);
    r->sent_bytes += copied_bytes;
    return copied_bytes;
}

static void rewind_body(lpi_request *r)
{
    r->sent_bytes = 0;
    r->run = 0;
    r->run_at = 0;
}

// A connection that was kept, and turns out to be dead: once more on another.
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    lpi_handle *handle = ctx;

    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    if (handle->request->is_let_go) {
        snprintf(handle->own_why, sizeof(handle->own_why),
                 "the connection broke before it answered");
        return CURL_SEEKFUNC_FAIL;
    }
    rewind_body(handle->request);
    return CURL_SEEKFUNC_OK;
}

static size_t on_answer(char *data, size_t size, size_t count, void *ctx)
{
    lpi_handle *handle = ctx;
    lpi_request *r = handle->request;

    (void)data;
    r->answer_bytes += size * count;
    return r->answer_bytes > ANSWER_MAX_BYTES ? 0 : size * count;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    lpi_handle *handle = ctx;
    lpi_request *r = handle->request;

    (void)purpose;
    r->is_denied = !lp_drain_may_connect(r->target->drain, &address->addr);
    if (r->is_denied)
        return CURL_SOCKET_BAD;
    return lpi_curl_sockets_open(r->handles->sockets, address);
}

/* Setting up -------------------------------------------------------------- */

/* on_connected() verifies, before anything is sent: see http_trust.h. */
static void set_no_authorities(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static void set_target(CURL *easy, const lpi_http_target *target)
{
    const lp_drains_options *opt = lp_drain_set_options(target->drain);

    curl_easy_setopt(easy, CURLOPT_URL, target->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERNAME, target->user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, target->password);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)opt->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     (long)lp_drain_answer_ms(target->drain));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // A name that is given up is not waited for until its look-up is over.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (opt->cert_file) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, opt->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY,
                         opt->key_file ? opt->key_file : opt->cert_file);
    }
    set_no_authorities(easy);
}

static void set_calls(lpi_handle *handle, const lpi_request *r)
{
    const lpi_handles *handles = r->handles;
    CURL *easy = handle->easy;
    bool is_encoded = r->target->encoding != LP_DRAIN_IDENTITY;

    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handle->headers);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION,
                     is_encoded ? on_read_encoded : on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, handle);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, handle);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, handle);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, handle);
    if (!handles->has_proxy) // else libcurl asks the environment each time
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    lpi_curl_sockets_set(handles->sockets, easy);
}

/* Handles ----------------------------------------------------------------- */

static void push_idle(lpi_handles *handles, lpi_handle *handle)
{
    TAILQ_INSERT_HEAD(&handles->idle, handle, idle);
    handles->idle_count++;
}

static void take_idle(lpi_handles *handles, lpi_handle *handle)
{
    TAILQ_REMOVE(&handles->idle, handle, idle);
    handles->idle_count--;
}

static void free_handle(lpi_handle *handle)
{
    if (!handle)
        return;
    curl_easy_cleanup(handle->easy);
    free(handle);
}

static lpi_handle *new_handle(void)
{
    lpi_handle *handle = calloc(1, sizeof(*handle));

    if (!handle)
        return NULL;
    handle->easy = curl_easy_init();
    if (!handle->easy) {
        free(handle);
        return NULL;
    }
    return handle;
}

/* Of the drain that has not used it for longest. */
static lpi_handle *take_oldest(lpi_handles *handles)
{
    lpi_handle *handle = TAILQ_LAST(&handles->idle, lpi_idle);

    take_idle(handles, handle);
    handle->request->handle = NULL;
    curl_easy_reset(handle->easy);
    return handle;
}

static bool take_handle(lpi_request *r)
{
    lpi_handles *handles = r->handles;

    if (r->handle) {
        take_idle(handles, r->handle);
        return true;
    }
    r->handle =
        handles->idle_count >= IDLE_MAX ? take_oldest(handles) : new_handle();
    if (!r->handle)
        return false;
    r->handle->request = r;
    set_target(r->handle->easy, r->target);
    set_calls(r->handle, r);
    return true;
}

static bool may_have_proxy(void)
{
    static const char *const names[] = {
        "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (getenv(names[i]))
            return true;
    return false;
}

void lpi_handles_init(lpi_handles *handles, lpi_curl_loop *curl,
                      lpi_curl_sockets *sockets, lpi_encoder *encoder)
{
    memset(handles, 0, sizeof(*handles));
    TAILQ_INIT(&handles->idle);
    handles->curl = curl;
    handles->sockets = sockets;
    handles->encoder = encoder;
    handles->has_proxy = may_have_proxy();
}

/* Requests ---------------------------------------------------------------- */

static void add_header(lpi_handle *handle, char *text)
{
    unsigned at = handle->header_count++;

    handle->headers[at].data = text;
    handle->headers[at].next = NULL;
    if (at > 0)
        handle->headers[at - 1].next = &handle->headers[at];
}

/* libcurl puts Host and Authorization in front, Content-Length behind. */
static void set_headers(lpi_handle *handle)
{
    static char no_accept[] = "Accept:";
    static char no_expect[] = "Expect:";
    const lpi_http_target *target = handle->request->target;

    lpi_http_head_set(&handle->head, target, handle->request->batch);
    handle->header_count = 0;
    add_header(handle, target->host);
    add_header(handle, no_accept);
    add_header(handle, no_expect);
    for (unsigned i = 0; i < handle->head.count; i++)
        add_header(handle, handle->head.lines[i]);
}

static void choose_upload(lpi_request *r)
{
    lpi_handles *handles = r->handles;
    size_t want_bytes = r->total_bytes;

    if (want_bytes > UPLOAD_MAX_BYTES)
        want_bytes = UPLOAD_MAX_BYTES;
    if (want_bytes < UPLOAD_MIN_BYTES ||
        handles->uploads_bytes + want_bytes > UPLOADS_MAX_BYTES)
        want_bytes = UPLOAD_MIN_BYTES;
    r->upload_bytes = want_bytes;
    handles->uploads_bytes += want_bytes;
}

static void let_go(lpi_request *r)
{
    r->handles->uploads_bytes -= r->upload_bytes;
    r->upload_bytes = 0;
    lpi_encoded_release(r->encoded);
    r->encoded = NULL;
    r->batch = NULL;
}

/* What is over becomes idle, or the oldest goes if too many are. */
static void retire(lpi_request *r)
{
    let_go(r);
    push_idle(r->handles, r->handle);
    if (r->handles->idle_count > IDLE_MAX)
        free_handle(take_oldest(r->handles));
}

/* False: there is no memory. */
static bool encode(lpi_request *r)
{
    lp_span notice = lp_span_of(r->handle->notice, r->notice_bytes);

    if (!lpi_http_encode(r->target, r->handles->encoder, r->batch, notice,
                         &r->encoded))
        return false;
    if (r->encoded)
        r->total_bytes = r->encoded->bytes;
    return true;
}

static bool set_body(lpi_request *r)
{
    const lp_drain_batch *batch = r->batch;
    lpi_handle *handle = r->handle;

    r->notice_bytes =
        lp_drain_print_notice(batch, lp_span_of(NULL, 0), true, handle->notice,
                              sizeof(handle->notice));
    r->total_bytes = r->notice_bytes + batch->bytes;
    if (!encode(r))
        return false;
    rewind_body(r);
    choose_upload(r);
    curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)r->total_bytes);
    curl_easy_setopt(handle->easy, CURLOPT_UPLOAD_BUFFERSIZE,
                     (long)r->upload_bytes);
    return true;
}

bool lpi_request_begin(lpi_request *r, const lp_drain_batch *batch)
{
    if (!take_handle(r))
        return false;
    r->batch = batch;
    r->answer_bytes = 0;
    r->is_denied = r->lacks_certificate = r->is_let_go = false;
    r->verdict.why = NULL;
    r->handle->why[0] = r->handle->own_why[0] = '\0';
    if (set_body(r)) {
        set_headers(r->handle);
        if (lpi_curl_loop_add(r->handles->curl, r->handle->easy))
            return true;
    }
    retire(r);
    return false;
}

bool lpi_request_lets_go(lpi_request *r)
{
    if (r->sent_bytes < r->total_bytes)
        return false;
    lpi_request_count_sent(r);
    lpi_encoded_release(r->encoded);
    r->encoded = NULL;
    r->is_let_go = true;
    return true;
}

lpi_request *lpi_request_of(CURL *easy)
{
    lpi_handle *handle = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&handle);
    return handle ? handle->request : NULL;
}

void lpi_request_count_sent(const lpi_request *r)
{
    if (r->is_let_go) // then it was
        return;
    lpi_http_count_sent(r->target, r->encoded, r->sent_bytes);
}

const char *lpi_request_why(const lpi_request *r)
{
    return r->handle->own_why[0] ? r->handle->own_why : r->handle->why;
}

void lpi_request_end(lpi_request *r, curl_socket_t fd)
{
    lpi_curl_sockets_used(r->handles->sockets, fd, &r->connection);
    retire(r);
}

void lpi_request_close(lpi_request *r)
{
    if (r->batch) {
        lpi_curl_loop_remove(r->handles->curl, r->handle->easy);
        let_go(r);
    } else if (r->handle) {
        take_idle(r->handles, r->handle);
    }
    free_handle(r->handle);
    r->handle = NULL;
    lpi_curl_sockets_leave(r->handles->sockets, &r->connection);
}
