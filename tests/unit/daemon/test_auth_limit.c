/* test_auth_limit.c - how often a peer may be wrong, and who that is. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/auth_limit.h"

enum { MAX = 20, START_MS = 123456789, WINDOW_MS = AUTH_LIMIT_WINDOW_MS };

static auth_limit *limit;
static uint64_t now_ms;

static int set_up(void **state)
{
    (void)state;
    limit = auth_limit_create(MAX);
    now_ms = START_MS;
    return limit ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    auth_limit_destroy(limit);
    return 0;
}

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage addr = {0};
    struct sockaddr_in *v4 = (void *)&addr;
    struct sockaddr_in6 *v6 = (void *)&addr;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        addr.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
        addr.ss_family = AF_INET6;
    }
    return addr;
}

static http_peer peer(const char *text)
{
    struct sockaddr_storage addr = address(text);

    return http_peer_of((const struct sockaddr *)&addr);
}

static uint32_t fail_once(const char *text)
{
    http_peer who = peer(text);

    return auth_limit_fail(limit, &who, false, now_ms);
}

/* How often a peer may fail before it is over. */
static unsigned fail_till_over(const char *text)
{
    unsigned count = 0;

    while (fail_once(text) == 0) {
        count++;
    }
    return count;
}

/* Who ---------------------------------------------------------------------- */

static void only_this_machine_is_loopback(void **state)
{
    static const struct {
        const char *text;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1", true},
        {"127.255.0.9", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"128.0.0.1", false},
        {"10.0.0.1", false},
        {"192.0.2.1", false},
        {"0.0.0.0", false},
        {"::", false},
        {"::2", false},
        {"::ffff:10.0.0.1", false},
        {"2001:db8::1", false},
        {"fe80::1", false},
        {"::127.0.0.1", false},
    };
    struct sockaddr local = {.sa_family = AF_UNIX};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_storage addr = address(cases[i].text);

        if (http_peer_is_loopback((const struct sockaddr *)&addr) !=
            cases[i].is_loopback) {
            fail_msg("%s", cases[i].text);
        }
    }
    assert_false(http_peer_is_loopback(NULL));
    assert_false(http_peer_is_loopback(&local));
}

static bool is_one(const char *a, const char *b)
{
    http_peer left = peer(a), right = peer(b);

    return memcmp(&left, &right, sizeof left) == 0;
}

static void a_peer_is_an_address_and_of_ipv6_a_network(void **state)
{
    http_peer who = peer("192.0.2.7");
    http_peer none = http_peer_of(NULL);
    char text[HTTP_PEER_TEXT_BYTES];

    (void)state;
    assert_true(is_one("192.0.2.7", "::ffff:192.0.2.7"));
    assert_false(is_one("192.0.2.7", "192.0.2.8"));
    assert_true(is_one("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff::9"));
    assert_false(is_one("2001:db8:0:1::1", "2001:db8:0:2::1"));
    assert_false(is_one("::1", "127.0.0.1"));
    assert_string_equal(http_peer_print(&who, text), "192.0.2.7");
    who = peer("2001:db8:0:1::1");
    assert_string_equal(http_peer_print(&who, text), "2001:db8:0:1::/64");
    assert_string_equal(http_peer_print(&none, text), "unknown");
}

/* How often ----------------------------------------------------------------- */

static void a_peer_may_fail_so_often_and_others_are_not_held(void **state)
{
    (void)state;
    assert_int_equal(fail_till_over("192.0.2.1"), MAX);
    assert_true(fail_once("192.0.2.1") > 0);
    assert_int_equal(fail_till_over("192.0.2.2"), MAX);
    assert_int_equal(fail_till_over("2001:db8::1"), MAX);
    assert_true(fail_once("2001:db8::2") > 0); // the same network
}

static void the_time_told_is_the_time_it_takes(void **state)
{
    (void)state;
    // From every place in a window, also after it was half full for a while.
    for (unsigned at = 0; at < 200; at++) {
        char text[32];
        uint32_t wait_ms;

        snprintf(text, sizeof text, "10.0.0.%u", at);
        now_ms = START_MS + at * 97;
        for (unsigned i = 0; i < at % MAX; i++) {
            fail_once(text);
        }
        now_ms += at * 31;
        fail_till_over(text);
        wait_ms = fail_once(text);
        assert_in_range(wait_ms, 1, 2 * WINDOW_MS);
        now_ms += wait_ms - 1;
        assert_int_equal(fail_once(text), 1);
        now_ms += 1;
        assert_int_equal(fail_once(text), 0);
    }
}

static void the_window_slides(void **state)
{
    unsigned total = 0;

    (void)state;
    // Ten tries a second, for a hundred windows: about MAX in each get through.
    for (unsigned i = 0; i < 100 * WINDOW_MS / 100; i++) {
        total += fail_once("192.0.2.1") == 0;
        now_ms += 100;
    }
    assert_in_range(total, 95 * MAX, 105 * MAX);
    now_ms += 2 * WINDOW_MS;
    assert_int_equal(fail_till_over("192.0.2.1"), MAX);
}

static void a_clock_that_is_a_turn_behind_does_no_harm(void **state)
{
    (void)state;
    now_ms = START_MS / WINDOW_MS * WINDOW_MS; // the beginning of a window
    assert_int_equal(fail_till_over("192.0.2.1"), MAX);
    now_ms -= 5;
    assert_true(fail_once("192.0.2.1") > 0);
    now_ms += 5;
    assert_true(fail_once("192.0.2.1") > 0);
}

static void no_limit_is_no_limit(void **state)
{
    http_peer who = peer("192.0.2.1");
    auth_limit *off = auth_limit_create(0);

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        assert_int_equal(auth_limit_fail(off, &who, true, now_ms), 0);
        assert_int_equal(auth_limit_fail(NULL, &who, true, now_ms), 0);
    }
    assert_int_equal(auth_limit_wait_to_pay(off, &who, now_ms), 0);
    assert_int_equal(auth_limit_wait_to_pay(NULL, &who, now_ms), 0);
    auth_limit_destroy(off);
    auth_limit_destroy(NULL);
}

/* The slow hash -------------------------------------------------------------- */

static void a_peer_may_make_us_pay_a_few_times(void **state)
{
    http_peer who = peer("192.0.2.1"), other = peer("192.0.2.2");
    unsigned count = 0;
    uint32_t wait_ms;

    (void)state;
    while (auth_limit_wait_to_pay(limit, &who, now_ms) == 0) {
        assert_int_equal(auth_limit_fail(limit, &who, true, now_ms), 0);
        count++;
    }
    assert_int_equal(count, AUTH_LIMIT_PAID_MAX);
    assert_int_equal(auth_limit_wait_to_pay(limit, &other, now_ms), 0);
    // It may still be wrong at the cost of the fast one.
    assert_int_equal(auth_limit_fail(limit, &who, false, now_ms), 0);
    wait_ms = auth_limit_wait_to_pay(limit, &who, now_ms);
    assert_int_equal(auth_limit_wait_to_pay(limit, &who, now_ms + wait_ms - 1),
                     1);
    assert_int_equal(auth_limit_wait_to_pay(limit, &who, now_ms + wait_ms), 0);
}

static void
who_is_only_wrong_all_the_time_keeps_nobody_from_paying(void **state)
{
    http_peer who = peer("192.0.2.1");

    (void)state;
    fail_till_over("192.0.2.1");
    assert_int_equal(auth_limit_wait_to_pay(limit, &who, now_ms), 0);
    // But what is paid for counts, also when it is over.
    for (unsigned i = 0; i < AUTH_LIMIT_PAID_MAX; i++) {
        auth_limit_fail(limit, &who, true, now_ms);
    }
    assert_true(auth_limit_wait_to_pay(limit, &who, now_ms) > 0);
}

/* Many ----------------------------------------------------------------------- */

static void a_crowd_does_not_wash_a_guesser_away(void **state)
{
    (void)state;
    assert_int_equal(fail_till_over("192.0.2.1"), MAX);
    for (unsigned i = 0; i < 50 * AUTH_LIMIT_PEERS; i++) {
        char text[32];

        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255,
                 i & 255);
        fail_once(text);
    }
    assert_true(fail_once("192.0.2.1") > 0);
}

enum { THREADS = 4, TRIES = 20000 };

static void *fail_often(void *arg)
{
    const http_peer *who = arg;
    uintptr_t within = 0;

    for (unsigned i = 0; i < TRIES; i++) {
        within += auth_limit_fail(limit, who, false, START_MS) == 0;
    }
    return (void *)within;
}

static void all_threads_count_as_one(void **state)
{
    http_peer who = peer("192.0.2.1");
    pthread_t threads[THREADS];
    uintptr_t total = 0;

    (void)state;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, fail_often, &who),
                         0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *within;

        pthread_join(threads[i], &within);
        total += (uintptr_t)within;
    }
    assert_int_equal(total, MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_this_machine_is_loopback),
        TEST(a_peer_is_an_address_and_of_ipv6_a_network),
        TEST(a_peer_may_fail_so_often_and_others_are_not_held),
        TEST(the_time_told_is_the_time_it_takes),
        TEST(the_window_slides),
        TEST(a_clock_that_is_a_turn_behind_does_no_harm),
        TEST(no_limit_is_no_limit),
        TEST(a_peer_may_make_us_pay_a_few_times),
        TEST(who_is_only_wrong_all_the_time_keeps_nobody_from_paying),
        TEST(a_crowd_does_not_wash_a_guesser_away),
        TEST(all_threads_count_as_one),
    };

    return cmocka_run_group_tests_name("auth_limit", tests, NULL, NULL);
}
