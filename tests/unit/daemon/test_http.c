/*
 * A worker with routes of its own, spoken to over real sockets. Every test has
 * its own server, and at its end everything must have been given back.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "http/http.h"
#include "peer.h"
#include "worker/listen.h"

enum { BODY_MAX_BYTES = 2 << 20, SMALL_MAX_BYTES = 1000, MANY = 500 };

/* A stream that the test feeds --------------------------------------------- */

typedef struct feed {
    pthread_mutex_t lock;
    waker waker; /* the first member would do, but a name is clearer */
    http_request *req;
    char text[4096]; /* what fill is to give */
    size_t text_bytes;
    size_t endless_bytes; /* or so much of 'x' */
    bool is_ending, is_aborting;
    _Atomic unsigned opened, closed;
} feed;

static feed the_feed;

static ssize_t feed_fill(void *ctx, char *out, size_t room_bytes)
{
    feed *f = ctx;
    ssize_t got = 0;

    pthread_mutex_lock(&f->lock);
    if (f->text_bytes > 0) {
        memcpy(out, f->text, f->text_bytes);
        got = (ssize_t)f->text_bytes;
        f->text_bytes = 0;
    } else if (f->endless_bytes > 0) {
        size_t part =
            f->endless_bytes < room_bytes ? f->endless_bytes : room_bytes;

        memset(out, 'x', part);
        f->endless_bytes -= part;
        got = (ssize_t)part;
    } else if (f->is_aborting) {
        got = HTTP_STREAM_ABORT;
    } else if (f->is_ending) {
        got = HTTP_STREAM_END;
    }
    pthread_mutex_unlock(&f->lock);
    return got;
}

static void feed_close(void *ctx)
{
    feed *f = ctx;

    f->req = NULL;
    atomic_fetch_add(&f->closed, 1);
}

static void feed_on_wake(waker *w)
{
    feed *f = &the_feed;

    (void)w;
    if (f->req)
        http_stream_wake(f->req);
}

static void feed_push(const char *text)
{
    pthread_mutex_lock(&the_feed.lock);
    memcpy(the_feed.text + the_feed.text_bytes, text, strlen(text));
    the_feed.text_bytes += strlen(text);
    pthread_mutex_unlock(&the_feed.lock);
    waker_post(&the_feed.waker);
}

static void feed_finish(bool *how)
{
    pthread_mutex_lock(&the_feed.lock);
    *how = true;
    pthread_mutex_unlock(&the_feed.lock);
    waker_post(&the_feed.waker);
}

/* Handlers ----------------------------------------------------------------- */

static void on_hello(http_request *req)
{
    http_reply(req, 200, "text/plain", LP_SPAN("hi"));
}

static void on_echo(http_request *req)
{
    http_reply(req, 200, "application/octet-stream", http_body(req));
}

/* Requests that wait, as lines do while ingest holds, until all may go on. */
static struct {
    waker waker;
    http_request *reqs[MANY];
    _Atomic unsigned count;
} held;

static void on_logs(http_request *req)
{
    if (!http_header(req, "X-Hold")) {
        on_echo(req);
        return;
    }
    http_defer(req);
    held.reqs[held.count] = req;
    atomic_fetch_add(&held.count, 1);
}

static void held_go_on(waker *w)
{
    (void)w;
    for (unsigned i = atomic_exchange(&held.count, 0); i > 0; i--)
        on_echo(held.reqs[i - 1]);
}

static void on_params(http_request *req)
{
    lp_span a = http_param(req, 0);
    lp_span b = http_param(req, 1);
    char text[256];

    snprintf(text, sizeof(text), "%.*s|%.*s", (int)a.len_bytes, a.ptr,
             (int)b.len_bytes, b.ptr);
    http_reply(req, 200, NULL, lp_span_str(text));
}

static void on_query(http_request *req)
{
    const char *q = http_query(req, "q");

    http_reply(req, 200, NULL, lp_span_str(q ? q : "none"));
}

static void on_base(http_request *req)
{
    http_reply(req, 200, NULL, lp_span_str(http_base_url(req)));
}

static void on_json(http_request *req)
{
    http_set_header(req, "Location", "/there");
    http_set_header(req, "Evil", "a\r\nInjected: yes");
    http_reply_json(req, 201, json_pack("{s[],si}", "z", "a", 1));
}

static void on_who(http_request *req)
{
    const catalog_credential *who = http_credential(req);

    http_reply(req, 200, NULL, who ? who->id : LP_SPAN("nobody"));
}

static void sleep_ms(unsigned ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

static void work_slowly(void *ctx)
{
    (void)ctx;
    sleep_ms(30);
}

static void done_slowly(void *ctx)
{
    http_reply(ctx, 200, NULL, LP_SPAN("late"));
}

static void on_later(http_request *req)
{
    http_defer(req);
    if (!worker_offload(http_worker(req), work_slowly, done_slowly, req))
        http_reply_error(req, 503, "busy");
}

static void on_at_once(http_request *req)
{
    http_defer(req);
    http_reply(req, 200, NULL, LP_SPAN("now"));
}

static void on_stream(http_request *req)
{
    static const http_stream_calls calls = {feed_fill, feed_close};

    the_feed.req = req;
    atomic_fetch_add(&the_feed.opened, 1);
    http_stream(req, 200, "text/plain", &calls, &the_feed);
}

static const http_route own_routes[] = {
    {"GET", "/hello", HTTP_API_NONE, HTTP_AUTH_NONE, on_hello, 0, NULL},
    {"PUT", "/hello", HTTP_API_NONE, HTTP_AUTH_NONE, on_hello, 0, NULL},
    {"POST", "/echo", HTTP_API_NONE, HTTP_AUTH_NONE, on_echo, BODY_MAX_BYTES,
     NULL},
    {"POST", "/logs", HTTP_API_NONE, HTTP_AUTH_NONE, on_logs, HTTP_BODY_OF_LOGS,
     NULL},
    {"POST", "/small", HTTP_API_NONE, HTTP_AUTH_NONE, on_echo, SMALL_MAX_BYTES,
     NULL},
    {"GET", "/params/:a/x/:b", HTTP_API_NONE, HTTP_AUTH_NONE, on_params, 0,
     NULL},
    {"GET", "/query", HTTP_API_NONE, HTTP_AUTH_NONE, on_query, 0, NULL},
    {"GET", "/base", HTTP_API_NONE, HTTP_AUTH_NONE, on_base, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL}};

static const http_route more_routes[] = {
    {"POST", "/json", HTTP_API_NONE, HTTP_AUTH_NONE, on_json, 0, NULL},
    {"*", "/any", HTTP_API_NONE, HTTP_AUTH_NONE, on_hello, 0, NULL},
    {"GET", "/later", HTTP_API_NONE, HTTP_AUTH_NONE, on_later, 0, NULL},
    {"GET", "/at-once", HTTP_API_NONE, HTTP_AUTH_NONE, on_at_once, 0, NULL},
    {"GET", "/stream", HTTP_API_NONE | HTTP_STREAMS, HTTP_AUTH_NONE, on_stream,
     0, NULL},
    {"POST", "/stream", HTTP_API_NONE, HTTP_AUTH_NONE, on_hello, 0, NULL},
    {"GET", "/api", HTTP_API_NONE, HTTP_AUTH_FULL_API, on_who, 0, NULL},
    {"POST", "/api", HTTP_API_NONE, HTTP_AUTH_FULL_API, on_who, BODY_MAX_BYTES,
     NULL},
    {"GET", "/v3/thing", HTTP_API_V3, HTTP_AUTH_FULL_API, on_hello, 0, NULL},
    {"POST", "/v3/thing", HTTP_API_V3, HTTP_AUTH_FULL_API, on_hello, 0, NULL},
    {"GET", "/old", HTTP_API_LEGACY, HTTP_AUTH_FULL_API, on_hello, 0, NULL},
    {"POST", "/old", HTTP_API_LEGACY, HTTP_AUTH_FULL_API, on_hello, 0, NULL},
    {"POST", "/canary", HTTP_API_LEGACY | HTTP_READS, HTTP_AUTH_NONE, on_hello,
     0, NULL},
    {"GET", "/app", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM, on_hello, 0, NULL},
    {"POST", "/app", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM, on_hello, 0, NULL},
    {"POST", "/in", HTTP_API_INGEST, HTTP_AUTH_NONE, on_hello, 0, NULL},
    {"GET", "/platform", HTTP_API_NONE, HTTP_AUTH_PLATFORM, on_who, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL}};

static const http_route *const own_tables[] = {own_routes, more_routes, NULL};

/* The server under test ---------------------------------------------------- */

typedef struct world {
    config cfg;
    daemon_shared shared;
    worker *w;
    uint16_t port;
} world;

static world it;

static int open_world(void **state)
{
    http_socket at = {.is_tls = false};

    (void)state;
    memset(&it, 0, sizeof(it));
    memset(&the_feed, 0, sizeof(the_feed));
    memset(&held, 0, sizeof(held));
    log_set_level(LOG_ERROR);
    it.cfg.body_timeout_ms = 300;
    it.cfg.idle_timeout_ms = 5000;
    it.cfg.body_max_bytes = 100;
    it.cfg.bodies_max_bytes = 3u << 20;
    it.cfg.http_connections_max = MANY + 50;
    it.shared.cfg = &it.cfg;
    it.shared.workers = &it.w;
    it.shared.worker_count = 1;
    if (lp_engine_create(NULL, &it.shared.engine) != LP_OK)
        return 1;
    if (catalog_open(it.shared.engine, NULL, NULL, NULL, &it.shared.cat, NULL,
                     0) != CATALOG_OK)
        return 1;
    it.w = worker_create(&it.shared, 0, NULL);
    it.port = peer_listen(&at.fd);
    it.w->http = http_server_start(it.w, &at, 1, own_tables);
    pthread_mutex_init(&the_feed.lock, NULL);
    the_feed.waker.home = it.w;
    the_feed.waker.on_wake = feed_on_wake;
    held.waker.home = it.w;
    held.waker.on_wake = held_go_on;
    return it.w->http && worker_start(it.w) ? 0 : 1;
}

static int close_world(void **state)
{
    (void)state;
    if (atomic_load(&held.count) > 0)
        waker_post(&held.waker); // of a test that failed
    worker_stop(it.w, WORKER_STOP_NOW);
    worker_join(it.w);
    catalog_close(it.shared.cat);
    lp_engine_destroy(it.shared.engine);
    pthread_mutex_destroy(&the_feed.lock);
    // Whatever the client did, each stream was closed, once.
    return the_feed.opened == the_feed.closed ? 0 : 1;
}

static uint64_t counted(counter which)
{
    return count_get(&it.w->counts.counts[which]);
}

static bool wait_for(bool (*is_so)(void), unsigned within_ms)
{
    for (unsigned ms = 0; ms < within_ms; ms += 5) {
        if (is_so())
            return true;
        sleep_ms(5);
    }
    return is_so();
}

static bool is_feed_open(void)
{
    return atomic_load(&the_feed.opened) == 1;
}

static bool is_feed_closed(void)
{
    return atomic_load(&the_feed.closed) == 1;
}

static bool has_no_connection(void)
{
    return http_server_connections(it.w->http) == 0;
}

static bool are_all_held_or_refused(void)
{
    return atomic_load(&held.count) + counted(COUNT_HTTP_OVERLOADED) >= MANY;
}

enum { VANISHING = 20 };

static bool have_vanished(void)
{
    return counted(COUNT_HTTP_REQUESTS) == VANISHING && has_no_connection();
}

static void ask(const char *method, const char *target, int status,
                const char *body)
{
    peer p = peer_dial(it.port);

    peer_say(&p, "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, target);
    peer_expect(&p, status, body);
    peer_hang_up(&p);
}

/* Routes ------------------------------------------------------------------- */

static void a_known_path_answers(void **state)
{
    (void)state;
    ask("GET", "/hello", 200, "hi");
    ask("GET", "/hello/", 200, "hi");
    ask("GET", "/hello?x=1", 200, "hi");
    ask("GET", "http://example.org/hello", 200, "hi");
    ask("PATCH", "/any", 200, "hi");
}

static void an_unknown_path_is_404(void **state)
{
    (void)state;
    ask("GET", "/", 404, "{\"error\":\"Not Found\"}");
    ask("GET", "/hell", 404, NULL);
    ask("GET", "/hello//", 404, NULL);
    ask("GET", "/hello/x", 404, NULL);
    ask("GET", "//hello", 404, NULL);
    ask("GET", "/params//x/b", 404, NULL);
}

static void another_method_is_405_and_told_which(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&p, "DELETE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    a = peer_hear_answer(&p, false);
    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.head, "\r\nAllow: GET, HEAD, PUT\r\n"));
    answer_free(&a);
    peer_hang_up(&p);
}

static void head_is_get_without_a_body(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&p, "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    a = peer_hear_answer(&p, true);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.head, "\r\nContent-Length: 2\r\n"));
    answer_free(&a);
    peer_say(&p, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&p, 200, "hi");
    peer_hang_up(&p);
}

static void head_of_a_stream_is_405(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&p, "HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    a = peer_hear_answer(&p, true);
    assert_int_equal(a.status, 405);
    assert_non_null(strstr(a.head, "\r\nAllow: GET, POST\r\n"));
    answer_free(&a);
    peer_hang_up(&p);
}

/* Modes -------------------------------------------------------------------- */

static void set_switch(switch_id id, uint8_t value)
{
    atomic_store(&it.shared.switches.value[id], value);
}

static void ask_without_auth(const char *method, const char *target, int status,
                             const char *body)
{
    peer p = peer_dial(it.port);

    // A proxy's word: then this machine is not trusted for being this one.
    peer_say(&p,
             "%s %s HTTP/1.1\r\nHost: localhost\r\n"
             "X-Forwarded-For: x\r\n\r\n",
             method, target);
    peer_expect(&p, status, body);
    peer_hang_up(&p);
}

static void an_api_that_is_disabled_says_so_before_all_else(void **state)
{
    (void)state;
    set_switch(SWITCH_API, API_DISABLED);
    ask("GET", "/v3/thing", 503, "");
    ask("POST", "/v3/thing", 503, "");
    ask("PATCH", "/v3/thing", 503, "");
    ask_without_auth("GET", "/v3/thing", 503, "");
    ask("GET", "/v3/nothing", 404, NULL);
    ask("GET", "/app", 503,
        "{\"id\":\"service_unavailable\",\"message\":\"The API is temporarily "
        "disabled.\"}");
    ask("GET", "/old", 200, "hi");
    ask("GET", "/api", 200, NULL);
    set_switch(SWITCH_LEGACY_API, API_DISABLED);
    ask("GET", "/old", 503, "Service Temporarily Disabled");
    ask("POST", "/canary", 503, "Service Temporarily Disabled");
    ask("DELETE", "/old", 503, "Service Temporarily Disabled");
    ask_without_auth("POST", "/old", 503, "Service Temporarily Disabled");
    set_switch(SWITCH_API, API_NORMAL);
    ask("GET", "/v3/thing", 200, "hi");
}

static void an_api_that_is_read_only_lets_reads_through(void **state)
{
    static const char only[] = "Logplex API temporarily in read-only mode";

    (void)state;
    set_switch(SWITCH_API, API_READ_ONLY);
    set_switch(SWITCH_LEGACY_API, API_READ_ONLY);
    ask("GET", "/v3/thing", 200, "hi");
    ask("POST", "/v3/thing", 503, "");
    ask("PATCH", "/v3/thing", 503, "");
    ask_without_auth("POST", "/v3/thing", 503, "");
    ask_without_auth("GET", "/v3/thing", 401, "");
    ask("GET", "/app", 200, "hi");
    ask("POST", "/app", 503,
        "{\"id\":\"service_unavailable\",\"message\":\"The API is temporarily "
        "in read-only mode.\"}");
    ask("GET", "/old", 200, "hi");
    ask("POST", "/old", 503, only);
    ask_without_auth("POST", "/old", 503, only);
    ask("POST", "/canary", 200, "hi");
    ask("DELETE", "/old", 405, NULL);
}

static void ingest_that_is_off_is_503_for_every_method(void **state)
{
    (void)state;
    set_switch(SWITCH_INGEST, SWITCH_OFF);
    ask("POST", "/in", 503, "");
    ask("GET", "/in", 503, "");
    set_switch(SWITCH_INGEST, SWITCH_ON);
    ask("POST", "/in", 200, "hi");
    ask("GET", "/in", 405, NULL);
}

static void params_are_decoded_once(void **state)
{
    (void)state;
    ask("GET", "/params/a%20b/x/%2F", 200, "a b|/");
    ask("GET", "/params/%2520/x/%252F", 200, "%20|%2F");
    ask("GET", "/params/%zz/x/%4", 200, "%zz|%4");
    ask("GET", "/params/a+b/x/%C3%A9", 200, "a+b|\xc3\xa9");
}

static void dots_are_names_behind_an_equals_sign(void **state)
{
    (void)state;
    ask("GET", "/params/=./x/=..", 200, ".|..");
    ask("GET", "/params/./x/..", 200, ".|..");
    ask("GET", "/params/%3D./x/%3D..", 200, "=.|=..");
    ask("GET", "/params/=.../x/=a", 200, "=...|=a");
}

static void the_query_is_decoded_once(void **state)
{
    (void)state;
    ask("GET", "/query?q=a+b%26%2520", 200, "a b&%20");
    ask("GET", "/query?a=1&q=%zz%", 200, "%zz%");
    ask("GET", "/query?q", 200, "");
    ask("GET", "/query?qq=1", 200, "none");
}

static void a_nul_in_path_or_query_is_400(void **state)
{
    static const char said[] = "{\"error\":\"there is a NUL (%00) in the path "
                               "or in the query; no name "
                               "or value can have one\"}";

    (void)state;
    ask("GET", "/params/a%00b/x/b", 400, said);
    ask("GET", "/query?q=a%00b", 400, said);
    ask("GET", "/query?q=%%00", 400, said);
    ask("GET", "/query?other%00=1&q=a", 400, said);
    ask("GET", "/nowhere%00", 400, said);
    ask("GET", "/query?q=%2500", 200, "%00");
    ask("GET", "/query?q=%0", 200, "%0");
}

static void the_base_url_is_what_the_client_sees(void **state)
{
    peer p = peer_dial(it.port);
    char own[64];

    (void)state;
    snprintf(own, sizeof(own), "http://127.0.0.1:%u", it.port);
    peer_say(&p, "GET /base HTTP/1.1\r\nHost: logs.example:81\r\n\r\n");
    peer_expect(&p, 200, "http://logs.example:81");
    peer_say(&p, "GET /base HTTP/1.1\r\nHost: x\r\n"
                 "X-Forwarded-Proto: https\r\n\r\n");
    peer_expect(&p, 200, "https://x");
    peer_say(&p, "GET /base HTTP/1.1\r\nHost: x/y\"><b>\r\n\r\n");
    peer_expect(&p, 200, own);
    peer_hang_up(&p);
}

/* Answers ------------------------------------------------------------------ */

static void json_is_compact_and_headers_stay_apart(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&p, "POST /json HTTP/1.1\r\nHost: localhost\r\n\r\n");
    a = peer_hear_answer(&p, false);
    assert_int_equal(a.status, 201);
    assert_string_equal(a.body, "{\"z\":[],\"a\":1}");
    assert_non_null(strstr(a.head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(a.head, "\r\nLocation: /there\r\n"));
    assert_non_null(strstr(a.head, "\r\nServer: logplexd\r\n"));
    assert_non_null(strstr(a.head, "\r\nRequest-Id: "));
    assert_null(strstr(a.head, "Injected"));
    answer_free(&a);
    peer_hang_up(&p);
}

static void a_request_id_of_the_client_is_left_alone(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&p, "GET /hello HTTP/1.1\r\nHost: localhost\r\n"
                 "request-id: mine\r\n\r\n");
    a = peer_hear_answer(&p, false);
    assert_null(strstr(a.head, "Request-Id"));
    answer_free(&a);
    peer_hang_up(&p);
}

static void one_connection_serves_many_requests(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        peer_say(&p, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Length: 3\r\n\r\nabc");
        peer_expect(&p, 200, "abc");
    }
    assert_int_equal(counted(COUNT_HTTP_REQUESTS), 200);
    assert_int_equal(counted(COUNT_HTTP_2XX), 200);
    peer_hang_up(&p);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        peer_say(&p,
                 "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"
                 "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 5\r\n\r\n%05u"
                 "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 i);
    for (unsigned i = 0; i < 50; i++) {
        char want[8];

        snprintf(want, sizeof(want), "%05u", i);
        peer_expect(&p, 200, "late");
        peer_expect(&p, 200, want);
        peer_expect(&p, 404, NULL);
    }
    peer_hang_up(&p);
}

static void a_client_that_shut_its_side_still_gets_its_answer(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    shutdown(p.fd, SHUT_WR);
    peer_expect(&p, 200, "late");
    assert_true(peer_is_hung_up(&p, 2000));
    peer_hang_up(&p);
}

/* Bodies ------------------------------------------------------------------- */

static char *make_body(size_t len_bytes)
{
    char *body = malloc(len_bytes + 1);

    assert_non_null(body);
    for (size_t i = 0; i < len_bytes; i++)
        body[i] = (char)('a' + i * 7 % 26);
    body[len_bytes] = '\0';
    return body;
}

static void a_body_larger_than_the_connections_memory_arrives(void **state)
{
    char *body = make_body(BODY_MAX_BYTES);
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p,
             "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
             "Content-Length: %d\r\n\r\n",
             BODY_MAX_BYTES);
    peer_say_bytes(&p, body, BODY_MAX_BYTES);
    peer_expect(&p, 200, body);
    peer_hang_up(&p);
    free(body);
}

static void a_chunked_body_arrives_however_it_is_cut(void **state)
{
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "%s", text);
    peer_expect(&p, 200, "Wikipedia");
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        peer_say_bytes(&p, text + i, 1);
        if (i % 8 == 0)
            sleep_ms(1);
    }
    peer_expect(&p, 200, "Wikipedia");
    peer_hang_up(&p);
}

static void expect_100_is_answered_before_the_body(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 2\r\n"
                 "Expect: 100-continue\r\n\r\n");
    peer_expect(&p, 100, NULL);
    peer_say(&p, "ok");
    peer_expect(&p, 200, "ok");
    peer_hang_up(&p);
}

static void a_refused_body_is_not_asked_for(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "POST /nowhere HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 2\r\n"
                 "Expect: 100-continue\r\n\r\n");
    peer_expect(&p, 404, NULL);
    peer_hang_up(&p);
}

static void a_small_refused_body_leaves_the_connection_usable(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "POST /nowhere HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 4\r\n\r\nbody");
    peer_expect(&p, 404, NULL);
    peer_say(&p, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&p, 200, "hi");
    peer_hang_up(&p);
}

static void a_body_announced_too_big_is_413_before_it_comes(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "POST /small HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 1001\r\n\r\n");
    peer_expect(&p, 413,
                "{\"error\":\"the body may have at most 1000 bytes\"}");
    assert_true(peer_is_hung_up(&p, 2000));
    assert_int_equal(counted(COUNT_HTTP_BODY_TOO_BIG), 1);
    peer_hang_up(&p);
}

static void the_cap_of_log_bodies_is_the_configurations(void **state)
{
    static const char question[] = "POST /logs HTTP/1.1\r\nHost: localhost\r\n"
                                   "Content-Length: %d\r\n\r\n%0*d";
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, question, 100, 100, 0);
    peer_expect(&p, 200, NULL);
    peer_say(&p, question, 101, 101, 0);
    peer_expect(&p, 413, NULL);
    peer_hang_up(&p);
}

static void the_413_reaches_a_client_that_is_still_sending(void **state)
{
    char *body = make_body(4 << 20);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        peer p = peer_dial(it.port);

        peer_say(&p, "POST /small HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Length: 200000\r\n\r\n");
        peer_say_bytes(&p, body, 200000);
        peer_expect(&p, 413, NULL);
        peer_hang_up(&p);
    }
    free(body);
}

static void a_chunked_body_that_grows_too_big_is_413(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p,
             "POST /small HTTP/1.1\r\nHost: localhost\r\n"
             "Transfer-Encoding: chunked\r\n\r\n"
             "3e8\r\n%01000d\r\n1\r\n",
             0);
    sleep_ms(20);
    peer_say(&p, "x\r\n");
    peer_expect(&p, 413, NULL);
    assert_true(peer_is_hung_up(&p, 5000));
    assert_int_equal(counted(COUNT_HTTP_BODY_TOO_BIG), 1);
    peer_hang_up(&p);
}

// The answer comes at once, and what is behind the header is not looked at.
static void expect_refused(const char *headers, int status)
{
    peer p = peer_dial(it.port);

    peer_say(&p,
             "POST /echo HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
             "0\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n",
             headers);
    peer_expect(&p, status, NULL);
    assert_true(peer_is_hung_up(&p, 2000));
    peer_hang_up(&p);
}

static void a_body_that_ends_in_two_places_is_400_and_the_end(void **state)
{
    (void)state;
    expect_refused("Content-Length: 5\r\nContent-Length: 6\r\n", 400);
    expect_refused("Content-Length: 0\r\ncontent-length: 6\r\n", 400);
    expect_refused("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400);
    expect_refused("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400);
    expect_refused("Transfer-Encoding: gzip, chunked\r\n", 400);
    expect_refused("Transfer-Encoding: identity\r\n", 400);
    expect_refused("Transfer-Encoding: chunked\r\n"
                   "Transfer-Encoding: chunked\r\n",
                   400);
    assert_int_equal(counted(COUNT_HTTP_BODY_TIMEOUT), 0);
    // Whoever stands before us may read these as headers, or may not.
    expect_refused("Content-Length : 2\r\n", 400);
    expect_refused("Content-Length: 2\r\nTransfer-Encoding : chunked\r\n", 400);
    expect_refused("Content-Length: 2\r\nX-Any\t: x\r\n", 400);
}

static void a_length_that_is_none_is_refused_at_once(void **state)
{
    (void)state;
    expect_refused("Content-Length: 18446744073709551615\r\n", 413);
    expect_refused("Content-Length: 18446744073709551614\r\n", 413);
    expect_refused("Content-Length: 99999999999999999999999\r\n", 413);
    expect_refused("Content-Length: 5x\r\n", 400);
    expect_refused("Content-Length: -5\r\n", 400);
    expect_refused("Content-Length: +5\r\n", 400);
    expect_refused("Content-Length: 5, 5\r\n", 400);
    expect_refused("Content-Length: 0x5\r\n", 400);
    assert_int_equal(counted(COUNT_HTTP_BODY_TIMEOUT), 0);
}

static void the_same_length_twice_is_one_length(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 2\r\n"
                 "Content-Length: 2\r\n\r\nok");
    peer_expect(&p, 200, "ok");
    peer_hang_up(&p);
}

static void a_body_for_a_route_without_one_is_413(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "PUT /hello HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 1\r\n\r\nx");
    peer_expect(&p, 413, NULL);
    peer_hang_up(&p);
}

static void a_body_that_stalls_is_408(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&p, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 10\r\n\r\nhalf");
    a = peer_hear_answer(&p, false);
    assert_int_equal(a.status, 408);
    assert_non_null(strstr(a.head, "\r\nDate: "));
    answer_free(&a);
    assert_true(peer_is_hung_up(&p, 5000));
    assert_int_equal(counted(COUNT_HTTP_BODY_TIMEOUT), 1);
    assert_true(wait_for(has_no_connection, 2000));
    peer_hang_up(&p);
}

static void a_slow_body_that_never_stalls_arrives(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    peer_say(&p, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 5\r\n\r\n");
    for (unsigned i = 0; i < 5; i++) {
        sleep_ms(120);
        peer_say(&p, "%u", i);
    }
    peer_expect(&p, 200, "01234");
    peer_hang_up(&p);
}

static void a_client_that_vanishes_inside_a_body_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VANISHING; i++) {
        peer p = peer_dial(it.port);

        peer_say(&p, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                     "Content-Length: 200000\r\n\r\nhalf");
        peer_hang_up(&p);
    }
    assert_true(wait_for(have_vanished, 5000));
    // And the budget for bodies is whole again.
    a_body_larger_than_the_connections_memory_arrives(state);
}

static void bodies_over_the_workers_budget_are_429(void **state)
{
    char *body = make_body(BODY_MAX_BYTES);
    peer first = peer_dial(it.port);
    peer second = peer_dial(it.port);
    answer a;

    (void)state;
    peer_say(&first,
             "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
             "Content-Length: %d\r\n\r\n",
             BODY_MAX_BYTES);
    peer_say_bytes(&first, body, BODY_MAX_BYTES - 1);
    sleep_ms(50);
    peer_say(&second,
             "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
             "Content-Length: %d\r\n\r\n",
             BODY_MAX_BYTES);
    peer_say_bytes(&second, body, BODY_MAX_BYTES);
    a = peer_hear_answer(&second, false);
    assert_int_equal(a.status, 429);
    assert_non_null(strstr(a.head, "\r\nRetry-After: 1\r\n"));
    assert_int_equal(counted(COUNT_HTTP_OVERLOADED), 1);
    answer_free(&a);
    peer_say_bytes(&first, body + BODY_MAX_BYTES - 1, 1);
    peer_expect(&first, 200, body);
    peer_hang_up(&first);
    peer_hang_up(&second);
    free(body);
}

/* Later -------------------------------------------------------------------- */

static void a_deferred_answer_comes_when_it_is_ready(void **state)
{
    (void)state;
    ask("GET", "/later", 200, "late");
    ask("GET", "/at-once", 200, "now");
}

static void a_client_gone_before_the_deferred_answer_is_harmless(void **state)
{
    (void)state;
    for (unsigned i = 0; i < VANISHING; i++) {
        peer p = peer_dial(it.port);

        peer_say(&p, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer_hang_up(&p);
    }
    assert_true(wait_for(have_vanished, 5000));
    ask("GET", "/hello", 200, "hi");
}

static void many_connections_are_served_at_once(void **state)
{
    peer *peers = calloc(MANY, sizeof(*peers));

    (void)state;
    assert_non_null(peers);
    for (unsigned i = 0; i < MANY; i++)
        peers[i] = peer_dial(it.port);
    for (unsigned i = 0; i < MANY; i++)
        peer_say(&peers[i], "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Length: 4\r\n\r\n");
    for (unsigned i = 0; i < MANY; i++)
        peer_say(&peers[i], "%04u", i);
    for (unsigned i = 0; i < MANY; i++) {
        char want[8];

        snprintf(want, sizeof(want), "%04u", i);
        peer_expect(&peers[i], 200, want);
    }
    assert_int_equal(http_server_connections(it.w->http), MANY);
    for (unsigned i = 0; i < MANY; i++)
        peer_hang_up(&peers[i]);
    assert_true(wait_for(has_no_connection, 5000));
    free(peers);
}

static void connections_over_the_limit_are_turned_away(void **state)
{
    peer peers[MANY + 60];
    unsigned refused = 0;

    (void)state;
    for (unsigned i = 0; i < MANY + 60; i++)
        peers[i] = peer_dial(it.port);
    for (unsigned i = 0; i < MANY + 60; i++) {
        answer a;

        peer_say(&peers[i], "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
        a = peer_hear_answer(&peers[i], false);
        refused += a.status == 503;
        answer_free(&a);
    }
    assert_int_equal(refused, 10);
    assert_int_equal(counted(COUNT_CONNECTIONS_REFUSED), 10);
    for (unsigned i = 0; i < MANY + 60; i++)
        peer_hang_up(&peers[i]);
}

static void a_silent_connection_is_closed(void **state)
{
    peer silent = peer_dial(it.port);
    peer drip = peer_dial(it.port);

    (void)state;
    for (unsigned i = 0; i < 60; i++) { // never a whole header
        peer_say(&drip, "G");
        sleep_ms(100);
    }
    assert_true(peer_is_hung_up(&silent, 1000));
    assert_true(peer_is_hung_up(&drip, 1000));
    peer_hang_up(&silent);
    peer_hang_up(&drip);
}

/* What one holds counts against what all bodies may take, and is his alone when
 * others have come. */
static void small_bodies_that_wait_leave_room_for_others(void **state)
{
    static const char head[] = "POST /logs HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: 4\r\n";
    peer *peers = calloc(MANY, sizeof(*peers));
    peer other;

    (void)state;
    assert_non_null(peers);
    for (unsigned i = 0; i < MANY; i++) {
        peers[i] = peer_dial(it.port);
        peer_say(&peers[i], "%sX-Hold: 1\r\n\r\n%04u", head, i);
    }
    assert_true(wait_for(are_all_held_or_refused, 60000));
    assert_int_equal(counted(COUNT_HTTP_OVERLOADED), 0);
    other = peer_dial(it.port);
    peer_say(&other, "%s\r\nmine", head);
    peer_expect(&other, 200, "mine");
    assert_int_equal(counted(COUNT_HTTP_OVERLOADED), 0);
    waker_post(&held.waker);
    for (unsigned i = 0; i < MANY; i++) {
        char want[8];

        snprintf(want, sizeof(want), "%04u", i);
        peer_expect(&peers[i], 200, want);
        peer_hang_up(&peers[i]);
    }
    peer_hang_up(&other);
    free(peers);
}

/* Streams ------------------------------------------------------------------ */

static peer open_stream(const char *version)
{
    peer p = peer_dial(it.port);

    peer_say(&p, "GET /stream HTTP/%s\r\nHost: localhost\r\n\r\n", version);
    assert_true(wait_for(is_feed_open, 5000));
    return p;
}

static void a_stream_gives_what_comes_as_it_comes(void **state)
{
    peer p = open_stream("1.1");
    answer a;

    (void)state;
    assert_true(peer_hear_text(&p, "\r\n\r\n"));
    assert_non_null(strstr(p.heard, "\r\nConnection: close\r\n"));
    for (unsigned i = 0; i < 20; i++) {
        char text[16];

        snprintf(text, sizeof(text), "<line %u>", i);
        feed_push(text);
        assert_true(peer_hear_text(&p, text));
    }
    feed_finish(&the_feed.is_ending);
    a = peer_hear_answer(&p, false);
    assert_int_equal(a.status, 200);
    assert_true(a.is_chunked && a.is_whole);
    assert_true(peer_is_hung_up(&p, 2000));
    assert_true(wait_for(is_feed_closed, 2000));
    answer_free(&a);
    peer_hang_up(&p);
}

static void one_fill_is_one_chunk(void **state)
{
    peer p;

    (void)state;
    feed_push("two lines\nin one\n");
    p = open_stream("1.1");
    assert_true(peer_hear_text(&p, "11\r\ntwo lines\nin one\n\r\n"));
    peer_hang_up(&p);
}

static void an_aborted_stream_has_no_end(void **state)
{
    peer p = open_stream("1.1");
    answer a;

    (void)state;
    feed_push("some");
    assert_true(peer_hear_text(&p, "some"));
    feed_finish(&the_feed.is_aborting);
    a = peer_hear_answer(&p, false);
    assert_string_equal(a.body, "some");
    assert_false(a.is_whole);
    assert_true(wait_for(is_feed_closed, 2000));
    answer_free(&a);
    peer_hang_up(&p);
}

static void an_old_client_reads_a_stream_up_to_its_close(void **state)
{
    peer p = open_stream("1.0");
    answer a;

    (void)state;
    feed_push("plain");
    feed_finish(&the_feed.is_ending);
    a = peer_hear_answer(&p, false);
    assert_false(a.is_chunked);
    assert_string_equal(a.body, "plain");
    answer_free(&a);
    peer_hang_up(&p);
}

static void a_waiting_stream_notices_that_its_reader_is_gone(void **state)
{
    peer p = open_stream("1.1");

    (void)state;
    feed_push("some");
    assert_true(peer_hear_text(&p, "some"));
    peer_hang_up(&p);
    assert_true(wait_for(is_feed_closed, 5000)); // nothing is written to it
    assert_true(wait_for(has_no_connection, 1000));
}

static void a_slow_reader_gets_all_of_it(void **state)
{
    const size_t all_bytes = 8 << 20;
    peer p;
    answer a;

    (void)state;
    pthread_mutex_lock(&the_feed.lock);
    the_feed.endless_bytes = all_bytes;
    pthread_mutex_unlock(&the_feed.lock);
    p = open_stream("1.1");
    sleep_ms(300); // the socket is full by now
    ask("GET", "/hello", 200, "hi");
    feed_finish(&the_feed.is_ending);
    a = peer_hear_answer(&p, false);
    assert_true(a.is_whole);
    assert_int_equal(a.body_bytes, all_bytes);
    answer_free(&a);
    peer_hang_up(&p);
}

static void
a_reader_that_vanishes_while_it_is_written_to_is_let_go(void **state)
{
    peer p;

    (void)state;
    pthread_mutex_lock(&the_feed.lock);
    the_feed.endless_bytes = 64 << 20;
    pthread_mutex_unlock(&the_feed.lock);
    p = open_stream("1.1");
    sleep_ms(50);
    peer_hang_up(&p);
    assert_true(wait_for(is_feed_closed, 5000));
}

/* Who asks ----------------------------------------------------------------- */

static void put_credential(const char *id, const char *password,
                           uint32_t permissions, const char *channel)
{
    assert_int_equal(catalog_put_credential(it.shared.cat, lp_span_str(id),
                                            lp_span_str(password), permissions,
                                            lp_span_str(channel)),
                     CATALOG_OK);
}

static void ask_as(const char *target, const char *authorization, int status,
                   const char *body)
{
    peer p = peer_dial(it.port);

    peer_say(&p,
             "GET %s HTTP/1.1\r\nHost: localhost\r\n"
             "Authorization: %s\r\n\r\n",
             target, authorization);
    peer_expect(&p, status, body);
    peer_hang_up(&p);
}

static void without_credentials_this_machine_may_do_everything(void **state)
{
    peer p = peer_dial(it.port);

    (void)state;
    ask("GET", "/api", 200, "local");
    ask("GET", "/platform", 200, "local");
    peer_say(&p, "GET /api HTTP/1.1\r\nHost: localhost\r\n"
                 "X-Forwarded-For: 192.0.2.1\r\n\r\n");
    peer_expect(&p, 401, "");
    peer_hang_up(&p);
}

static void the_api_wants_a_full_api_credential(void **state)
{
    (void)state;
    put_credential("ops", "s3:cret", CATALOG_FULL_API, "");
    put_credential("ship", "pw", CATALOG_ANY_CHANNEL, "");
    ask("GET", "/api", 401, "");
    ask_as("/api", "Basic b3BzOnMzOmNyZXQ=", 200, "ops"); // ops:s3:cret
    ask_as("/api", "basic b3BzOnMzOmNyZXQ", 200, "ops");
    ask_as("/api", "Basic b3BzOndyb25n", 401, ""); // ops:wrong
    ask_as("/api", "Basic c2hpcDpwdw==", 401, ""); // ship:pw
    ask_as("/api", "Basic b3Bz", 401, "");         // ops, no colon
    ask_as("/api", "Basic !!!!", 401, "");         // no base64
    ask_as("/api", "Bearer s3:cret", 401, "");
    ask_as("/api", "Basic", 401, "");
    assert_int_equal(counted(COUNT_HTTP_AUTH_FAILED), 7);
}

static void a_401_says_which_scheme(void **state)
{
    peer p = peer_dial(it.port);
    answer a;

    (void)state;
    put_credential("ops", "secret", CATALOG_FULL_API, "");
    peer_say(&p, "POST /api HTTP/1.1\r\nHost: localhost\r\n"
                 "Content-Length: 999999\r\n\r\n");
    a = peer_hear_answer(&p, false);
    assert_int_equal(a.status, 401);
    assert_non_null(
        strstr(a.head, "\r\nWww-Authenticate: Basic realm=Logplex\r\n"));
    answer_free(&a);
    peer_hang_up(&p);
}

static void the_cli_may_show_its_key_in_three_ways(void **state)
{
    static const char denied[] = "{\"id\":\"unauthorized\",\"message\":"
                                 "\"Invalid credentials provided.\"}";

    (void)state;
    put_credential("cli", "key", CATALOG_FULL_API, "");
    put_credential("one", "door", CATALOG_ONE_CHANNEL, "demo");
    put_credential("ship", "pw", CATALOG_ANY_CHANNEL, "");
    ask_as("/platform", "Bearer key", 200, "cli");
    ask_as("/platform", "Basic OmtleQ==", 200, "cli");     // :key
    ask_as("/platform", "Basic Y2xpOmtleQ==", 200, "cli"); // cli:key
    ask_as("/platform", "Bearer door", 200, "one");
    ask_as("/platform", "Bearer wrong", 401, denied);
    ask_as("/platform", "Basic b25lOmtleQ==", 401, denied); // one:key
    ask_as("/platform", "Basic Og==", 401, denied);         // :
    ask_as("/platform", "Bearer pw", 401, denied);
    ask_as("/platform", "Basic c2hpcDpwdw==", 403, NULL); // ship:pw
    ask("GET", "/platform", 401, denied);
}

/* Stopping ----------------------------------------------------------------- */

static void a_gentle_stop_lets_work_under_way_finish(void **state)
{
    peer idle = peer_dial(it.port);
    peer busy = peer_dial(it.port);
    peer half = peer_dial(it.port);

    (void)state;
    peer_say(&idle, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&idle, 200, "hi");
    peer_say(&half, "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                    "Content-Length: 2\r\n\r\no");
    peer_say(&busy, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sleep_ms(10);
    worker_stop(it.w, WORKER_STOP_GENTLY);
    assert_true(peer_is_hung_up(&idle, 2000));
    peer_expect(&busy, 200, "late");
    assert_true(peer_is_hung_up(&busy, 2000));
    peer_say(&half, "k");
    peer_expect(&half, 200, "ok");
    assert_true(peer_is_hung_up(&half, 2000));
    peer_hang_up(&idle);
    peer_hang_up(&busy);
    peer_hang_up(&half);
}

static void a_hard_stop_cuts_streams_and_waits_for_work(void **state)
{
    peer p = open_stream("1.1");
    peer busy = peer_dial(it.port);

    (void)state;
    peer_say(&busy, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    sleep_ms(10);
    worker_stop(it.w, WORKER_STOP_NOW);
    assert_true(wait_for(is_feed_closed, 5000));
    peer_hang_up(&p);
    peer_hang_up(&busy);
}

/* Two daemons must not share a port without a word. */
static void an_address_in_use_is_noticed(void **state)
{
    config_address address = {0};
    struct sockaddr_in *v4 = (void *)&address.addr;
    int fd;

    (void)state;
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4->sin_port = htons(it.port);
    address.addr_bytes = sizeof(*v4);
    assert_int_not_equal(listen_probe(SOCK_STREAM, &address), 0);
    assert_int_equal(listen_open(SOCK_STREAM, &address, &fd), 0);
    close(fd);
}

#define OF(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

static const struct CMUnitTest tests[] = {
    OF(a_known_path_answers),
    OF(an_unknown_path_is_404),
    OF(another_method_is_405_and_told_which),
    OF(head_is_get_without_a_body),
    OF(head_of_a_stream_is_405),
    OF(an_api_that_is_disabled_says_so_before_all_else),
    OF(an_api_that_is_read_only_lets_reads_through),
    OF(ingest_that_is_off_is_503_for_every_method),
    OF(params_are_decoded_once),
    OF(dots_are_names_behind_an_equals_sign),
    OF(the_query_is_decoded_once),
    OF(the_base_url_is_what_the_client_sees),
    OF(json_is_compact_and_headers_stay_apart),
    OF(a_request_id_of_the_client_is_left_alone),
    OF(one_connection_serves_many_requests),
    OF(pipelined_requests_are_answered_in_order),
    OF(a_client_that_shut_its_side_still_gets_its_answer),
    OF(a_body_larger_than_the_connections_memory_arrives),
    OF(a_chunked_body_arrives_however_it_is_cut),
    OF(expect_100_is_answered_before_the_body),
    OF(a_refused_body_is_not_asked_for),
    OF(a_small_refused_body_leaves_the_connection_usable),
    OF(a_body_that_ends_in_two_places_is_400_and_the_end),
    OF(a_length_that_is_none_is_refused_at_once),
    OF(the_same_length_twice_is_one_length),
    OF(a_nul_in_path_or_query_is_400),
    OF(a_body_announced_too_big_is_413_before_it_comes),
    OF(the_cap_of_log_bodies_is_the_configurations),
    OF(the_413_reaches_a_client_that_is_still_sending),
    OF(a_chunked_body_that_grows_too_big_is_413),
    OF(a_body_for_a_route_without_one_is_413),
    OF(a_body_that_stalls_is_408),
    OF(a_slow_body_that_never_stalls_arrives),
    OF(a_client_that_vanishes_inside_a_body_leaves_nothing),
    OF(bodies_over_the_workers_budget_are_429),
    OF(a_deferred_answer_comes_when_it_is_ready),
    OF(a_client_gone_before_the_deferred_answer_is_harmless),
    OF(many_connections_are_served_at_once),
    OF(connections_over_the_limit_are_turned_away),
    OF(small_bodies_that_wait_leave_room_for_others),
    OF(a_silent_connection_is_closed),
    OF(a_stream_gives_what_comes_as_it_comes),
    OF(one_fill_is_one_chunk),
    OF(an_aborted_stream_has_no_end),
    OF(an_old_client_reads_a_stream_up_to_its_close),
    OF(a_waiting_stream_notices_that_its_reader_is_gone),
    OF(a_slow_reader_gets_all_of_it),
    OF(a_reader_that_vanishes_while_it_is_written_to_is_let_go),
    OF(without_credentials_this_machine_may_do_everything),
    OF(the_api_wants_a_full_api_credential),
    OF(a_401_says_which_scheme),
    OF(the_cli_may_show_its_key_in_three_ways),
    OF(a_gentle_stop_lets_work_under_way_finish),
    OF(a_hard_stop_cuts_streams_and_waits_for_work),
    OF(an_address_in_use_is_noticed),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
