/*
 * test_hold.c - what becomes of a POST that waits while ingest holds. A worker with
 * the real POST /logs, spoken to over a socket, and a home that is far behind.
 */
#include "catalog_fixture.h"
#include "http/http.h"
#include "ingest/hold.h"
#include "ingest/ingest.h"
#include "peer.h"

enum { BEHIND_LINES = 1000, WAKE_BYTES = 1000, LINE_BYTES = 100 };

#define OWNER "Authorization: Basic b3duZXI6c2VjcmV0\r\n" /* owner:secret */

typedef struct world {
    config cfg;
    daemon_shared shared;
    worker *w;
    uint16_t port;
    char frame[256]; /* with its length in front */
} world;

static world it;

static void nobody_is_woken(void *ctx, unsigned home)
{
    (void)ctx;
    (void)home;
}

/* How many wait for an answer, as the worker's own thread knows. */
static void tell_deferred(http_request *req)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%u",
                     http_server_deferred(http_worker(req)->http));

    http_reply(req, 200, "text/plain", lp_span_of(text, (size_t)n));
}

static const http_route own_routes[] = {
    {"GET", "/deferred", HTTP_API_NONE, HTTP_AUTH_NONE, tell_deferred, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};

static void make_channel(void)
{
    char token[40];
    char line[200];
    int n;

    make_app(token);
    assert_int_equal(catalog_put_credential(fix.cat, span("owner"),
                                            span("secret"), CATALOG_ANY_CHANNEL,
                                            span("")),
                     CATALOG_OK);
    n = snprintf(line, sizeof line,
                 "<190>1 2026-11-26T05:00:00Z h %s web.1 - - hello", token);
    snprintf(it.frame, sizeof it.frame, "%d %s", n, line);
}

static void end_waiting(worker *w)
{
    hold_close(w);
}

static void end_ingest(worker *w)
{
    ingest_destroy(w->ingest);
}

static int open_world(void **state)
{
    static const worker_hooks hooks = {.on_stop = end_waiting,
                                       .on_end = end_ingest};
    static const http_route *const tables[] = {own_routes, api_logs_routes,
                                               NULL};
    http_socket at = {.is_tls = false};

    set_up(state);
    open_at(NULL);
    memset(&it, 0, sizeof it);
    make_channel();
    it.cfg.body_max_bytes = 1000;
    it.cfg.bodies_max_bytes = 1000;
    it.cfg.frame_max_bytes = 1000;
    it.cfg.http_connections_max = 10;
    it.cfg.workers = 1;
    it.shared.cfg = &it.cfg;
    it.shared.engine = fix.engine;
    it.shared.cat = fix.cat;
    it.shared.workers = &it.w;
    it.shared.worker_count = 1;
    it.shared.pace = pace_create(1, WAKE_BYTES, nobody_is_woken, NULL);
    it.w = worker_create(&it.shared, 0, &hooks);
    it.w->ingest = ingest_create(it.w);
    assert_true(hold_open(it.w));
    it.port = peer_listen(&at.fd);
    it.w->http = http_server_start(it.w, &at, 1, tables);
    pace_add(it.shared.pace, 0, 0, BEHIND_LINES);
    assert_true(pace_look(it.shared.pace, 0, 0, LINE_BYTES));
    return it.w->http && worker_start(it.w) ? 0 : 1;
}

static int close_world(void **state)
{
    worker_stop(it.w, WORKER_STOP_NOW);
    worker_join(it.w);
    pace_destroy(it.shared.pace);
    return tear_down(state);
}

/* A POST that waits. */
static peer post(void)
{
    peer look = peer_dial(it.port);
    peer p = peer_dial(it.port);
    bool is_held = false;

    peer_say(&p,
             "POST /logs HTTP/1.1\r\nHost: x\r\n" OWNER
             "Content-Type: application/logplex-1\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             strlen(it.frame), it.frame);
    while (!is_held) {
        answer told;

        peer_say(&look, "GET /deferred HTTP/1.1\r\nHost: x\r\n\r\n");
        told = peer_hear_answer(&look, false);
        assert_int_equal(told.status, 200);
        is_held = strcmp(told.body, "1") == 0;
        answer_free(&told);
    }
    peer_hang_up(&look);
    return p;
}

static void catch_up(void)
{
    pace_read(it.shared.pace, 0, BEHIND_LINES);
}

static void expect(peer *p, int status, uint64_t appended_lines)
{
    lp_ledger ledger = LP_LEDGER_INIT;

    peer_expect(p, status, "");
    peer_hang_up(p);
    lp_engine_ledger(fix.engine, &ledger);
    assert_int_equal(ledger.appended_lines, appended_lines);
}

static void a_post_is_taken_when_ingest_goes_on(void **state)
{
    peer p = post();

    (void)state;
    catch_up();
    expect(&p, 204, 1);
}

static void
a_post_is_refused_when_ingest_was_switched_off_meanwhile(void **state)
{
    peer p = post();

    (void)state;
    atomic_store(&it.shared.switches.value[SWITCH_INGEST], SWITCH_OFF);
    catch_up();
    expect(&p, 503, 0);
}

static void a_post_that_waits_at_the_end_is_taken(void **state)
{
    peer p = post();

    (void)state;
    worker_stop(it.w, WORKER_STOP_GENTLY);
    expect(&p, 204, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_post_is_taken_when_ingest_goes_on,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_post_is_refused_when_ingest_was_switched_off_meanwhile,
            open_world, close_world),
        cmocka_unit_test_setup_teardown(a_post_that_waits_at_the_end_is_taken,
                                        open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
