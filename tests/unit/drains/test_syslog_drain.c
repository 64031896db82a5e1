/*
 * test_syslog_drain.c - syslog drains over TCP and TLS and their peer, over real
 * sockets: each line arrives once, whatever the peer does, and what is wrong is
 * said in words.
 */
#include <arpa/inet.h>

#include "drain_lines.h"
#include "peer.h"
#include "pki.h"

enum { RING_BYTES = 16 << 20, ALL = 1 << 20, TURNS_MAX = 20000 };

static pki_pair authority, stranger, middle; /* which stranger has signed */
static pki_pair good, other_name, expired, unknown, client;

static int make_certificates(void **state)
{
    (void)state;
    pki_begin();
    pki_make(&(pki_request){.name = "authority"}, &authority);
    pki_make(&(pki_request){.name = "stranger"}, &stranger);
    pki_make(&(pki_request){.name = "middle",
                            .signer = &stranger,
                            .is_authority = true},
             &middle);
    pki_make(&(pki_request){.name = "good",
                            .dns = "localhost",
                            .ip = "127.0.0.1",
                            .signer = &authority},
             &good);
    pki_make(&(pki_request){.name = "other",
                            .dns = "other.example",
                            .ip = "192.0.2.1",
                            .signer = &authority},
             &other_name);
    pki_make(&(pki_request){.name = "expired",
                            .ip = "127.0.0.1",
                            .signer = &authority,
                            .is_expired = true},
             &expired);
    pki_make(
        &(pki_request){.name = "unknown", .ip = "127.0.0.1", .signer = &middle},
        &unknown);
    pki_make(&(pki_request){.name = "client", .signer = &authority}, &client);
    return 0;
}

static int forget_certificates(void **state)
{
    pki_pair *all[] = {&authority,  &stranger, &middle,  &good,
                       &other_name, &expired,  &unknown, &client};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        pki_free(all[i]);
    pki_end();
    return 0;
}

/* Both sides -------------------------------------------------------------- */

/* Too large for a stack. */
static peer *new_peer(const pki_pair *shown)
{
    peer *p = malloc(sizeof(*p));

    assert_non_null(p);
    peer_begin(p, SOCK_STREAM);
    if (shown)
        p->credentials = pki_credentials(shown, NULL);
    return p;
}

static void free_peer(peer *p)
{
    peer_end(p);
    free(p);
}

static void open_url(fixture *f, const peer *p, const char *scheme,
                     const char *host, const char *rest)
{
    char url[128];

    snprintf(url, sizeof(url), "%s://%s:%u%s", scheme, host, (unsigned)p->port,
             rest);
    if (p->credentials && !f->opt.ca_file)
        f->opt.ca_file = authority.cert_file;
    open_drain(f, url);
}

static void open_to(fixture *f, const peer *p, const char *host,
                    const char *rest)
{
    open_url(f, p, p->credentials ? "syslog+tls" : "syslog", host, rest);
}

/* A turn of each side. */
static void turn(fixture *f, peer *p, size_t bytes_max)
{
    run_for(f, 1);
    peer_step(p, bytes_max);
}

static void run_until_delivered(fixture *f, peer *p, uint64_t lines,
                                size_t bytes_max)
{
    for (int i = 0; i < TURNS_MAX && status_of(f).delivered_lines < lines; i++)
        turn(f, p, bytes_max);
    while (peer_step(p, bytes_max)) {
    }
    assert_int_equal(status_of(f).delivered_lines, lines);
}

static lp_drain_status run_until_failed(fixture *f, peer *p)
{
    for (int i = 0; i < TURNS_MAX && status_of(f).failures == 0; i++)
        turn(f, p, ALL);
    assert_true(status_of(f).failures >= 1); // it may have tried again
    return status_of(f);
}

static void has_each_once(const peer *p, uint64_t last)
{
    for (uint64_t n = 1; n <= last; n++)
        assert_int_equal(p->seen[n], 1);
    assert_false(p->is_out_of_order);
}

/* Lines ------------------------------------------------------------------- */

static void a_slow_reader_gets_each_line_once(const pki_pair *shown,
                                              const char *priorities)
{
    peer *p = new_peer(shown);
    fixture f;

    p->priorities = priorities;
    begin(&f, RING_BYTES);
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 30000, 200);
    run_until_delivered(&f, p, 30000, 16384);
    has_each_once(p, 30000);
    assert_int_equal(p->lines, 30000);
    assert_int_equal(p->connections, 1);
    assert_true(status_of(&f).sent_bytes >= UINT64_C(30000) * 200);
    lp_drain_close(f.drain);
    run_for(&f, 1);
    while (!p->is_ended)
        peer_step(p, ALL);
    assert_int_equal(p->error, 0);
    assert_int_equal(p->has_heard_goodbye, shown != NULL);
    free_peer(p);
    end(&f);
}

static void a_slow_reader_gets_each_line_once_over_tcp(void **state)
{
    (void)state;
    a_slow_reader_gets_each_line_once(NULL, NULL);
}

static void a_slow_reader_gets_each_line_once_over_tls_1_3(void **state)
{
    (void)state;
    a_slow_reader_gets_each_line_once(&good, "NORMAL:-VERS-ALL:+VERS-TLS1.3");
}

static void a_slow_reader_gets_each_line_once_over_tls_1_2(void **state)
{
    (void)state;
    a_slow_reader_gets_each_line_once(&good, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

/* It reads all that the kernels have, so that what it has acknowledged it has
 * read, and then it is gone in the middle of a line. */
static void
a_peer_that_dies_gets_the_rest_on_its_next_connection(const pki_pair *shown,
                                                      uint64_t after_bytes)
{
    peer *p = new_peer(shown);
    fixture f;

    begin(&f, RING_BYTES);
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 20000, 300);
    for (int i = 0; i < TURNS_MAX && p->read_bytes < after_bytes; i++)
        turn(&f, p, 4000);
    peer_read_all(p);
    assert_true(p->read_bytes >= after_bytes);
    peer_die(p);
    run_until_delivered(&f, p, 20000, ALL);
    has_each_once(p, 20000);
    assert_int_equal(p->connections, 2);
    free_peer(p);
    end(&f);
}

static void
a_peer_that_dies_gets_the_rest_on_its_next_connection_by_tcp(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes < 3000000; bytes = bytes * 31 + 1)
        a_peer_that_dies_gets_the_rest_on_its_next_connection(NULL, bytes);
}

static void
a_peer_that_dies_gets_the_rest_on_its_next_connection_by_tls(void **state)
{
    (void)state;
    for (uint64_t bytes = 1; bytes < 3000000; bytes = bytes * 31 + 1)
        a_peer_that_dies_gets_the_rest_on_its_next_connection(&good, bytes);
}

/* Here the kernel has acknowledged what is never read, which counts. */
static void nothing_comes_twice_of_what_was_acknowledged(void **state)
{
    const pki_pair *shown[] = {NULL, &good};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_peer(shown[i]);
        fixture f;

        begin(&f, RING_BYTES);
        open_to(&f, p, "127.0.0.1", "");
        say_lines(&f, 1, 20000, 300);
        for (int turns = 0; turns < TURNS_MAX && p->lines < 1000; turns++)
            turn(&f, p, 5000);
        peer_rest();
        peer_die(p);
        run_until_delivered(&f, p, 20000, ALL);
        for (uint64_t n = 1; n <= 20000; n++)
            assert_true(p->seen[n] <= 1);
        assert_int_equal(p->seen[20000], 1);
        free_peer(p);
        end(&f);
    }
}

/* What is rendered for one is sent by the others with their own tokens, and what
 * one could not send stays its own. */
static void drains_of_a_channel_each_send_their_token(void **state)
{
    static const char *const tokens[] = {" d.1 ", " d.2 ", " d.3 "};
    static const size_t reads_bytes[] = {ALL, 16384, 9000};
    lp_drain *drains[3];
    peer *peers[3];
    fixture f;

    (void)state;
    begin(&f, RING_BYTES);
    for (int i = 0; i < 3; i++) {
        char url[64];

        peers[i] = new_peer(NULL);
        peers[i]->token = tokens[i];
        if (i == 0) {
            open_to(&f, peers[i], "127.0.0.1", "");
            drains[i] = f.drain;
            continue;
        }
        snprintf(url, sizeof(url), "syslog://127.0.0.1:%u",
                 (unsigned)peers[i]->port);
        CHECK_OK(lp_drain_open(f.set, f.channel, lp_span_str(url),
                               lp_span_of(tokens[i] + 1, 3), NULL, &drains[i]));
    }
    say_lines(&f, 1, 20000, 200);
    for (int i = 0; i < 3; i++) {
        f.drain = drains[i];
        for (int n = 0; n < TURNS_MAX && status_of(&f).delivered_lines < 20000;
             n++) {
            run_for(&f, 1);
            for (int other = 0; other < 3; other++)
                peer_step(peers[other], reads_bytes[other]);
        }
        run_until_delivered(&f, peers[i], 20000, ALL);
        has_each_once(peers[i], 20000);
    }
    for (int i = 0; i < 3; i++)
        free_peer(peers[i]);
    end(&f);
}

static void lines_end_by_newline_where_that_is_asked_for(void **state)
{
    const pki_pair *shown[] = {NULL, &good};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_peer(shown[i]);
        fixture f;

        p->is_by_newline = true;
        begin(&f, RING_BYTES);
        open_to(&f, p, "127.0.0.1", "?framing=newline");
        say(&f, "line 1\nand more\n\n", 17);
        say_lines(&f, 2, 1000, 100);
        say(&f, "line 1001\nis the last", 21);
        run_until_delivered(&f, p, 1001, ALL);
        has_each_once(p, 1001);
        assert_int_equal(p->lines, 1001);
        assert_non_null(strstr(p->line, " d.1 app web.1 - - line 1001 is the "
                                        "last\n"));
        assert_memory_equal(p->line, "<134>1 1970-", 12);
        free_peer(p);
        end(&f);
    }
}

static void an_idle_connection_has_time_again_for_the_next_lines(void **state)
{
    peer *p = new_peer(NULL);
    uint64_t said_ms;
    fixture f;

    (void)state;
    begin(&f, RING_BYTES);
    f.opt.answer_timeout_ms = 600;
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 10, 100);
    run_until_delivered(&f, p, 10, ALL);
    run_for(&f, 700);
    say_lines(&f, 11, 30000, 300); // more than the kernels have room for
    uv_update_time(&f.loop);
    said_ms = uv_now(&f.loop);
    for (int i = 0; i < TURNS_MAX && status_of(&f).failures == 0; i++)
        run_for(&f, 1);
    assert_int_equal(status_of(&f).failures, 1);
    assert_true(status_of(&f).pending_lines > 0);
    assert_true(uv_now(&f.loop) - said_ms >= f.opt.answer_timeout_ms);
    assert_string_equal(status_of(&f).error,
                        "it takes nothing of what it is sent");
    free_peer(p);
    end(&f);
}

static void a_peer_that_closes_what_is_idle_is_no_failure(void **state)
{
    const pki_pair *shown[] = {NULL, &good};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_peer(shown[i]);
        fixture f;

        begin(&f, RING_BYTES);
        open_to(&f, p, "127.0.0.1", "");
        for (uint64_t n = 1; n <= 5; n++) {
            say_lines(&f, n, n, 100);
            run_until_delivered(&f, p, n, ALL);
            peer_close(p);
            run_for(&f, 10);
        }
        has_each_once(p, 5);
        assert_int_equal(p->connections, 5);
        assert_int_equal(status_of(&f).failures, 0);
        free_peer(p);
        end(&f);
    }
}

static void what_one_peer_has_not_taken_goes_to_the_next(void **state)
{
    peer *first = new_peer(NULL);
    peer *second = new_peer(&good);
    uint64_t delivered;
    char url[64];
    fixture f;

    (void)state;
    begin(&f, RING_BYTES);
    f.opt.ca_file = authority.cert_file;
    open_to(&f, first, "127.0.0.1", "");
    say_lines(&f, 1, 20000, 300);
    for (int i = 0; i < 100; i++)
        turn(&f, first, 5000);
    snprintf(url, sizeof(url), "syslog+tls://127.0.0.1:%u",
             (unsigned)second->port);
    for (int i = 0; i < 2; i++) // the second time while it shakes hands
        CHECK_OK(lp_drain_redirect(f.drain, lp_span_str(url)));
    turn(&f, second, ALL);
    CHECK_OK(lp_drain_redirect(f.drain, lp_span_str(url)));
    delivered = status_of(&f).delivered_lines;
    assert_true(delivered > 0 && delivered < 20000);
    run_until_delivered(&f, second, 20000, ALL);
    for (uint64_t n = 1; n <= 20000; n++)
        assert_int_equal(second->seen[n], n > delivered);
    assert_int_equal(status_of(&f).failures, 0);
    free_peer(first);
    free_peer(second);
    end(&f);
}

/* Hanging ----------------------------------------------------------------- */

/* Its kernel takes what it has room for, and it reads none of it. */
static void a_peer_that_hangs_gets_little_at_each_new_connection(void **state)
{
    enum { TRIES = 3, WIDTH = 300, MORE_MAX_BYTES = 32 * 1024 };
    peer *p = new_peer(NULL);
    lp_drain_status first, last;
    fixture f;

    (void)state;
    p->is_mute = true;
    begin(&f, RING_BYTES);
    f.opt.answer_timeout_ms = 1500;
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 30000, WIDTH);
    first = run_until_failed(&f, p);
    last = first;
    assert_string_equal(first.error, "it takes nothing of what it is sent");
    for (int i = 0; i < TURNS_MAX && last.failures < TRIES; i++) {
        run_for(&f, 1);
        last = status_of(&f);
    }
    assert_string_equal(last.error, "it reads nothing of what it is sent");
    assert_int_equal(last.failures, TRIES);
    assert_int_equal(last.failed_in_a_row, TRIES);
    assert_true(last.delivered_lines > first.delivered_lines);
    assert_true((last.delivered_lines - first.delivered_lines) * WIDTH <
                (TRIES - 1) * MORE_MAX_BYTES);

    p->is_mute = false; // and what it gets from here on, it gets once
    peer_die(p);
    run_until_delivered(&f, p, 30000, ALL);
    for (uint64_t n = last.delivered_lines + 1; n <= 30000; n++)
        assert_int_equal(p->seen[n], 1);
    assert_int_equal(status_of(&f).failures, TRIES);
    free_peer(p);
    end(&f);
}

/* By TLS, where what is held back is a part of a record to come. */
static void a_peer_that_came_back_gets_all_and_each_line_once(void **state)
{
    const pki_pair *shown[] = {NULL, &good};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_peer(shown[i]);
        fixture f;

        begin(&f, RING_BYTES);
        open_to(&f, p, "127.0.0.1", "");
        say_lines(&f, 1, 30000, 300);
        for (int turns = 0; turns < 2; turns++) {
            uint64_t enough = p->read_bytes + 200000;

            for (int n = 0; n < TURNS_MAX && p->read_bytes < enough; n++)
                turn(&f, p, ALL);
            peer_read_all(p);
            peer_die(p);
        }
        run_until_delivered(&f, p, 30000, ALL);
        has_each_once(p, 30000);
        assert_int_equal(p->connections, 3);
        free_peer(p);
        end(&f);
    }
}

/* Who the peer is --------------------------------------------------------- */

typedef struct trial {
    const pki_pair *shown;
    const pki_pair *signer; /* shown behind it */
    const char *host;
    const char *fragment;
    const char *pins_file;
    const char *error; /* NULL: the lines arrive */
    const char *alert;
} trial;

static void run_trial(const trial *t)
{
    peer *p = new_peer(NULL);
    lp_drain_status status;
    fixture f;

    p->credentials = pki_credentials(t->shown, t->signer);
    begin(&f, RING_BYTES);
    f.opt.pins_file = t->pins_file;
    open_to(&f, p, t->host, t->fragment);
    say_lines(&f, 1, 100, 100);
    if (t->error) {
        status = run_until_failed(&f, p);
        assert_string_equal(status.error, t->error);
        assert_string_equal(status.tls_alert, t->alert);
        assert_int_equal(status.tls_failures, status.failures);
        assert_int_equal(status.delivered_lines, 0);
        while (!p->is_ended)
            peer_step(p, ALL);
        assert_int_equal(p->error, GNUTLS_E_FATAL_ALERT_RECEIVED);
    } else {
        run_until_delivered(&f, p, 100, ALL);
        has_each_once(p, 100);
        assert_int_equal(status_of(&f).failures, 0);
        assert_string_equal(p->server_name,
                            inet_addr(t->host) == INADDR_NONE ? t->host : "");
    }
    free_peer(p);
    end(&f);
}

static void a_certificate_is_for_the_name_or_the_address(void **state)
{
    static const char wrong[] = "its certificate is for another name";
    trial trials[] = {
        {&good, NULL, "127.0.0.1", "", NULL, NULL, NULL},
        {&good, NULL, "localhost", "", NULL, NULL, NULL},
        {&other_name, NULL, "127.0.0.1", "", NULL, wrong, "bad certificate"},
        {&other_name, NULL, "localhost", "", NULL, wrong, "bad certificate"},
        {&expired, NULL, "127.0.0.1", "", NULL, "its certificate has expired",
         "certificate expired"},
        {&unknown, NULL, "127.0.0.1", "", NULL,
         "its certificate is signed by nobody we know", "unknown ca"},
        {&unknown, NULL, "127.0.0.1", "#insecure", NULL, NULL, NULL},
        {&expired, NULL, "localhost", "#insecure", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
        run_trial(&trials[i]);
}

static void https_drains_say_the_same_of_a_certificate(void **state)
{
    const struct {
        const pki_pair *shown;
        const char *error, *alert;
    } trials[] = {
        {&other_name, "its certificate is for another name", "bad certificate"},
        {&expired, "its certificate has expired", "certificate expired"},
        {&unknown, "its certificate is signed by nobody we know", "unknown ca"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        peer *p = new_peer(trials[i].shown);
        lp_drain_status status;
        fixture f;

        begin(&f, RING_BYTES);
        open_url(&f, p, "https", "127.0.0.1", "/");
        say_lines(&f, 1, 10, 100);
        status = run_until_failed(&f, p);
        assert_string_equal(status.error, trials[i].error);
        assert_string_equal(status.tls_alert, trials[i].alert);
        free_peer(p);
        end(&f);
    }
}

static void
a_pinned_key_stands_for_who_signed_it_but_not_for_the_name(void **state)
{
    const char *pins = unknown.cert_file;
    const char *above = middle.cert_file;
    static const char nobody[] = "its certificate is signed by nobody we know";
    trial trials[] = {
        {&unknown, NULL, "127.0.0.1", "", pins, NULL, NULL},
        {&unknown, &middle, "127.0.0.1", "", above, NULL, NULL},
        {&unknown, NULL, "127.0.0.1", "", above, nobody, "unknown ca"},
        {&unknown, NULL, "127.0.0.1", "", good.cert_file, nobody, "unknown ca"},
        {&unknown, NULL, "localhost", "", pins,
         "its certificate is for another name", "bad certificate"},
        {&unknown, &middle, "localhost", "", above,
         "its certificate is for another name", "bad certificate"},
        {&expired, NULL, "127.0.0.1", "", expired.cert_file,
         "its certificate has expired", "certificate expired"},
        {&good, NULL, "127.0.0.1", "", pins, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
        run_trial(&trials[i]);
}

/* Who we are -------------------------------------------------------------- */

static peer *new_asking_peer(const char *priorities)
{
    peer *p = new_peer(&good);

    p->wants_certificate = true;
    p->priorities = priorities;
    gnutls_certificate_set_x509_trust_file(p->credentials, authority.cert_file,
                                           GNUTLS_X509_FMT_PEM);
    return p;
}

static void we_show_our_certificate_when_asked(void **state)
{
    const char *versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                              "NORMAL:-VERS-ALL:+VERS-TLS1.3"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_asking_peer(versions[i]);
        fixture f;

        begin(&f, RING_BYTES);
        f.opt.answer_timeout_ms = 4000; // half of it is waited for a refusal
        f.opt.cert_file = client.cert_file;
        f.opt.key_file = client.key_file;
        open_to(&f, p, "127.0.0.1", "");
        say_lines(&f, 1, 100, 100);
        run_until_delivered(&f, p, 100, ALL);
        has_each_once(p, 100);
        free_peer(p);
        end(&f);
    }
}

/* With TLS 1.3 they have been sent by then. */
static void nothing_counts_for_a_peer_that_does_not_want_us(void **state)
{
    const char *versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                              "NORMAL:-VERS-ALL:+VERS-TLS1.3"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_asking_peer(versions[i]);
        lp_drain_status status;
        fixture f;

        begin(&f, RING_BYTES);
        open_to(&f, p, "127.0.0.1", "");
        say_lines(&f, 1, 100, 100);
        status = status_of(&f);
        for (int n = 0; n < TURNS_MAX && status.tls_failures < 3; n++) {
            turn(&f, p, ALL);
            status = status_of(&f);
        }
        assert_true(status.tls_failures >= 3);
        assert_int_equal(status.delivered_lines, 0);
        assert_true(status.tls_alert[0] != '\0');
        free_peer(p);
        end(&f);
    }
}

/* What else can go wrong -------------------------------------------------- */

static void a_handshake_that_stalls_is_ended(void **state)
{
    peer *p = new_peer(&good);
    lp_drain_status status;
    fixture f;

    (void)state;
    p->is_mute = true;
    begin(&f, RING_BYTES);
    f.opt.connect_timeout_ms = 500;
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 10, 100);
    status = run_until_failed(&f, p);
    assert_int_equal(p->connections, 1);
    assert_string_equal(status.error, "the TLS handshake was not over in time");
    assert_int_equal(status.tls_failures, 0);
    free_peer(p);
    end(&f);
}

static void a_peer_without_tls_is_told_from_one_that_hangs_up(void **state)
{
    peer *p = new_peer(&good);
    lp_drain_status status;
    fixture f;

    (void)state;
    p->is_mute = true;
    begin(&f, RING_BYTES);
    f.opt.backoff_min_ms = f.opt.backoff_max_ms = 2000;
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 10, 100);
    while (p->fd < 0)
        turn(&f, p, ALL);
    assert_true(write(p->fd, "220 what do you want\r\n", 22) == 22);
    status = run_until_failed(&f, p);
    assert_non_null(strstr(status.error, "the TLS handshake failed: "));
    assert_string_not_equal(status.tls_alert, "");
    peer_die(p);
    free_peer(p);
    end(&f);

    p = new_peer(&good);
    p->is_mute = true;
    begin(&f, RING_BYTES);
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 10, 100);
    while (p->fd < 0)
        turn(&f, p, ALL);
    run_for(&f, 5);
    peer_die(p);
    status = run_until_failed(&f, p);
    assert_non_null(strstr(status.error, "the TLS handshake failed: "));
    assert_string_equal(status.tls_alert, "");
    free_peer(p);
    end(&f);
}

static void a_file_that_can_not_be_used_is_named(void **state)
{
    peer *p = new_peer(&good);
    lp_drain_status status;
    fixture f;

    (void)state;
    begin(&f, RING_BYTES);
    f.opt.ca_file = "/nowhere/authorities.pem";
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 10, 100);
    status = run_until_failed(&f, p);
    assert_non_null(strstr(status.error, "/nowhere/authorities.pem has no "
                                         "certificates that can be read"));
    free_peer(p);
    end(&f);
}

static void nobody_there_is_said_in_words(void **state)
{
    peer *p = new_peer(NULL);
    lp_drain_status status;
    fixture f;

    (void)state;
    begin(&f, RING_BYTES);
    peer_end(p);
    p->listener = -1;
    p->text = NULL;
    open_to(&f, p, "127.0.0.1", "");
    say_lines(&f, 1, 10, 100);
    for (int i = 0; i < TURNS_MAX && status_of(&f).failures == 0; i++)
        run_for(&f, 1);
    status = status_of(&f);
    assert_string_equal(status.error,
                        "it could not be reached: Connection refused");
    free(p);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_gets_each_line_once_over_tcp),
        cmocka_unit_test(drains_of_a_channel_each_send_their_token),
        cmocka_unit_test(a_slow_reader_gets_each_line_once_over_tls_1_3),
        cmocka_unit_test(a_slow_reader_gets_each_line_once_over_tls_1_2),
        cmocka_unit_test(
            a_peer_that_dies_gets_the_rest_on_its_next_connection_by_tcp),
        cmocka_unit_test(
            a_peer_that_dies_gets_the_rest_on_its_next_connection_by_tls),
        cmocka_unit_test(nothing_comes_twice_of_what_was_acknowledged),
        cmocka_unit_test(lines_end_by_newline_where_that_is_asked_for),
        cmocka_unit_test(a_peer_that_closes_what_is_idle_is_no_failure),
        cmocka_unit_test(what_one_peer_has_not_taken_goes_to_the_next),
        cmocka_unit_test(an_idle_connection_has_time_again_for_the_next_lines),
        cmocka_unit_test(a_peer_that_hangs_gets_little_at_each_new_connection),
        cmocka_unit_test(a_peer_that_came_back_gets_all_and_each_line_once),
        cmocka_unit_test(a_certificate_is_for_the_name_or_the_address),
        cmocka_unit_test(https_drains_say_the_same_of_a_certificate),
        cmocka_unit_test(
            a_pinned_key_stands_for_who_signed_it_but_not_for_the_name),
        cmocka_unit_test(we_show_our_certificate_when_asked),
        cmocka_unit_test(nothing_counts_for_a_peer_that_does_not_want_us),
        cmocka_unit_test(a_handshake_that_stalls_is_ended),
        cmocka_unit_test(a_peer_without_tls_is_told_from_one_that_hangs_up),
        cmocka_unit_test(a_file_that_can_not_be_used_is_named),
        cmocka_unit_test(nobody_there_is_said_in_words),
    };

    return cmocka_run_group_tests(tests, make_certificates,
                                  forget_certificates);
}
