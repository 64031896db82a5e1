/* test_demo_sender.c - the demo's connection, seen by who takes it. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "demo/sender.h"
#include "logplex/framer.h"
#include "logplex/syslog.h"

enum { PATIENCE_MS = 60000, RATE = 2000, READ_MAX_BYTES = 64 * 1024 };

static sender_tokens tokens;
static config_address address; /* where we listen */

static int listen_there(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    struct sockaddr_in *at = (void *)&address.addr;

    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (address.addr_bytes == 0) {
        at->sin_family = AF_INET;
        at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.addr_bytes = sizeof(*at);
    }
    assert_int_equal(bind(fd, (void *)at, sizeof(*at)), 0);
    assert_int_equal(
        getsockname(fd, (void *)&address.addr, &address.addr_bytes), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void wait_for(int fd)
{
    struct pollfd on = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&on, 1, PATIENCE_MS), 1);
}

static int take(int listener)
{
    int fd;

    wait_for(listener);
    fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

static bool is_token(lp_span name)
{
    for (unsigned app = 0; app < CAST_APPS; app++) {
        for (unsigned s = 0; s < DEMO_SOURCES; s++) {
            if (lp_span_equal(name, lp_span_str(tokens.of[app][s])))
                return true;
        }
    }
    return false;
}

/* Takes whole frames off the front; each must be what a router sends. */
static unsigned take_frames(lp_framer *framer, lp_span *rest)
{
    unsigned count = 0;
    lp_frame frame;
    lp_syslog msg;

    while (lp_framer_next(framer, rest, &frame) == LP_OK) {
        assert_int_equal(frame.framing, LP_FRAMING_OCTET);
        assert_false(frame.cut || frame.resynced);
        assert_int_equal(lp_syslog_parse(frame.bytes, &msg, NULL), LP_OK);
        assert_int_equal(msg.format, LP_SYSLOG_5424);
        assert_true(is_token(msg.app));
        assert_true(msg.procid.len_bytes > 0 && msg.msg.len_bytes > 0);
        count++;
    }
    return count;
}

/* From the beginning of a connection. */
static void read_frames(int fd, unsigned wanted)
{
    static char bytes[READ_MAX_BYTES];
    size_t held_bytes = 0;
    unsigned count = 0;
    lp_framer framer;

    lp_framer_init(&framer, 0);
    while (count < wanted) {
        lp_span rest;
        ssize_t n;

        wait_for(fd);
        n = read(fd, bytes + held_bytes, sizeof(bytes) - held_bytes);
        assert_true(n > 0);
        rest = lp_span_of(bytes, held_bytes + (size_t)n);
        count += take_frames(&framer, &rest);
        memmove(bytes, rest.ptr, rest.len_bytes);
        held_bytes = rest.len_bytes;
    }
}

static sender *start(void)
{
    demo_model *model = demo_model_create(1, RATE, wall_clock_ns());
    sender *send;

    assert_non_null(model);
    send = sender_start(model, &tokens, &address);
    assert_non_null(send);
    return send;
}

static void what_comes_is_counted_frames_of_known_tokens(void **state)
{
    int listener = listen_there();
    sender *send = start();
    int fd = take(listener);

    (void)state;
    read_frames(fd, 2 * RATE);
    sender_end(send);
    close(fd);
    close(listener);
}

static void
a_connection_that_breaks_is_followed_by_one_of_whole_frames(void **state)
{
    int listener = listen_there();
    sender *send = start();

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        int fd = take(listener);

        read_frames(fd, 10);
        close(fd); // with some in it
    }
    sender_end(send);
    close(listener);
}

static void nobody_there_is_asked_again(void **state)
{
    int listener = listen_there(); // so that the port is known
    sender *send;
    int fd;

    (void)state;
    close(listener);
    send = start();
    usleep(20000); // most likely it has been refused by now
    listener = listen_there();
    fd = take(listener);
    read_frames(fd, 10);
    sender_end(send);
    close(fd);
    close(listener);
}

static void who_does_not_read_does_not_keep_it_from_ending(void **state)
{
    int listener = listen_there();
    sender *send = start();
    int fd = take(listener);

    (void)state;
    wait_for(fd);
    sender_stop(send);
    sender_stop(send); // twice is once
    sender_end(send);
    close(fd);
    close(listener);
}

static void
its_receiver_takes_what_it_gets_also_when_it_has_stopped(void **state)
{
    static const char bytes[64 * 1024];
    int listener = listen_there();
    sender *send = start();
    struct sockaddr_in at = {.sin_family = AF_INET};
    char answer;

    (void)state;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(sender_receiver_port(send));
    sender_stop(send);
    for (unsigned i = 0; i < 3; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_int_equal(connect(fd, (void *)&at, sizeof(at)), 0);
        for (unsigned sent = 0; sent < 64; sent++)
            assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        wait_for(fd);
        assert_int_equal(read(fd, &answer, 1), 0); // it has read to the end
        close(fd);
    }
    sender_end(send);
    close(listener);
}

static void with_nobody_to_be_found_it_ends_as_well(void **state)
{
    int listener = listen_there();

    (void)state;
    close(listener);
    sender_end(start());
    sender_end(NULL);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    for (unsigned app = 0; app < CAST_APPS; app++) {
        for (unsigned s = 0; s < DEMO_SOURCES; s++)
            snprintf(tokens.of[app][s], SENDER_TOKEN_BYTES, "t.%u-%u", app, s);
    }
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_is_counted_frames_of_known_tokens),
        cmocka_unit_test(
            a_connection_that_breaks_is_followed_by_one_of_whole_frames),
        cmocka_unit_test(nobody_there_is_asked_again),
        cmocka_unit_test(who_does_not_read_does_not_keep_it_from_ending),
        cmocka_unit_test(
            its_receiver_takes_what_it_gets_also_when_it_has_stopped),
        cmocka_unit_test(with_nobody_to_be_found_it_ends_as_well),
    };

    return cmocka_run_group_tests_name("demo_sender", tests, set_up, NULL);
}
