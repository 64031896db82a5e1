/*
 * test_syslog_udp.c - syslog drains over UDP, with real datagrams on the
 * loopback.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drain_lines.h"
#include "peer.h"

enum { RING_BYTES = 1 << 20, LONG_BYTES = 100 * 1024 };

static peer *new_peer(void)
{
    peer *p = malloc(sizeof(*p));

    assert_non_null(p);
    peer_begin(p, SOCK_DGRAM);
    return p;
}

static void free_peer(peer *p)
{
    peer_end(p);
    free(p);
}

static void open_to(fixture *f, const char *host, const peer *p)
{
    char url[64];

    snprintf(url, sizeof(url), "syslog+udp://%s:%u", host, (unsigned)p->port);
    open_drain(f, url);
}

static void run_until_delivered(fixture *f, peer *p, uint64_t lines)
{
    for (int i = 0; i < 2000 && status_of(f).delivered_lines < lines; i++) {
        run_for(f, 1);
        while (peer_receive(p)) {
        }
    }
    while (peer_receive(p)) {
    }
    assert_int_equal(status_of(f).delivered_lines, lines);
}

static void each_line_is_a_datagram_without_a_count(void **state)
{
    static const char last[] = "<134>1 1970-01-01T00:00:00.000000Z d.1 app "
                               "web.1 - - line 101\n";
    const char *hosts[] = {"127.0.0.1", "localhost"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        peer *p = new_peer();
        fixture f;

        begin(&f, RING_BYTES);
        open_to(&f, hosts[i], p);
        say_lines(&f, 1, 100, 200);
        run_until_delivered(&f, p, 100);
        say(&f, "line 101", 8);
        run_until_delivered(&f, p, 101);
        for (uint64_t n = 1; n <= 101; n++)
            assert_int_equal(p->seen[n], 1);
        assert_false(p->is_out_of_order);
        assert_int_equal(p->lines, 101);
        assert_int_equal(strlen(p->line), p->line_bytes);
        assert_string_equal(strstr(p->line, " d.1"), strstr(last, " d.1"));
        assert_int_equal(status_of(&f).cut_lines, 0);
        assert_int_equal(status_of(&f).failures, 0);
        free_peer(p);
        end(&f);
    }
}

static void a_notice_is_a_datagram_of_its_own(void **state)
{
    peer *p = new_peer();
    lp_drain_status status;
    fixture f;

    (void)state;
    begin(&f, 64 * 1024);
    f.opt.linger_ms = 50;
    open_to(&f, "127.0.0.1", p);
    lp_drains_pause(f.set, true);
    say_lines(&f, 1, 2000, 800); // what is left fits into a socket
    lp_drains_pause(f.set, false);
    for (int i = 0; i < 2000 && !peer_receive(p); i++)
        run_for(&f, 1);
    assert_memory_equal(p->line, "<172>1 ", 7);
    assert_non_null(strstr(p->line, " d.1 heroku logplex - - Error L10 "));
    assert_int_equal(p->line[p->line_bytes - 1], '\n');
    status = status_of(&f);
    run_until_delivered(&f, p, 2000 - status.overflow_lines);
    assert_int_equal(p->lines, 2000 - status.overflow_lines + 1);
    free_peer(p);
    end(&f);
}

/* The peer's port, with nobody there, and then with somebody again. */
static void leave(peer *p)
{
    close(p->listener);
    p->listener = -1;
}

static void come_back(peer *p)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(p->port);
    p->listener = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(p->listener, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void a_port_where_nobody_listens_fails_what_was_not_sent(void **state)
{
    peer *p = new_peer();
    lp_drain_status status;
    uint64_t sent;
    fixture f;

    (void)state;
    leave(p);
    begin(&f, RING_BYTES);
    f.opt.backoff_min_ms = f.opt.backoff_max_ms = 200;
    open_to(&f, "127.0.0.1", p);
    say_lines(&f, 1, 100, 100);
    for (int i = 0; i < 1000 && status_of(&f).failures == 0; i++)
        run_for(&f, 1);
    status = status_of(&f);
    assert_int_equal(status.state, LP_DRAIN_WAITS);
    assert_string_equal(status.error,
                        "its host says that nobody listens there");
    assert_true(status.pending_lines >= 98);
    sent = status.delivered_lines;
    come_back(p);
    run_until_delivered(&f, p, 100);
    assert_int_equal(p->lines, 100 - sent);
    assert_int_equal(p->seen[100], 1);
    assert_int_equal(status_of(&f).failures, 1);

    leave(p); // and what comes when all is sent is told as well
    say_lines(&f, 101, 101, 100);
    for (int i = 0; i < 1000 && status_of(&f).failures == 1; i++)
        run_for(&f, 1);
    status = status_of(&f);
    assert_int_equal(status.failures, 2);
    assert_int_equal(status.delivered_lines, 101);
    free_peer(p);
    end(&f);
}

static void a_line_that_is_too_long_is_cut_and_counted(void **state)
{
    static char text[LONG_BYTES + 1];
    peer *p = new_peer();
    fixture f;

    (void)state;
    begin(&f, RING_BYTES);
    open_to(&f, "127.0.0.1", p);
    for (size_t i = 0; i + 1 < LONG_BYTES; i += 2)
        memcpy(text + i, "\xc3\xa9", 2); // é, so that a cut might be within
    memcpy(text, "line 1 ", 7);
    say(&f, text, LONG_BYTES);
    run_until_delivered(&f, p, 1);
    assert_int_equal(p->seen[1], 1);
    assert_true(p->line_bytes > 65000 && p->line_bytes <= 65507);
    assert_int_equal(status_of(&f).cut_lines, 1);
    text[7] = '.';
    say(&f, text, LONG_BYTES);
    say_lines(&f, 2, 3, 100);
    run_until_delivered(&f, p, 4);
    assert_int_equal(p->seen[3], 1);
    assert_int_equal(status_of(&f).cut_lines, 2);
    free_peer(p);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_a_datagram_without_a_count),
        cmocka_unit_test(a_notice_is_a_datagram_of_its_own),
        cmocka_unit_test(a_port_where_nobody_listens_fails_what_was_not_sent),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
