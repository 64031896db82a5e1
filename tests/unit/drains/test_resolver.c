/*
 * test_resolver.c - names are looked up, and those that hang hold up nobody, by
 * a look-up that does what the test says.
 *
 *     "hangs..."   until the test lets go
 *     "nobody..."  there is no such name
 *     others       127.0.0.1
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drain_lines.h"
#include "resolver.h"

enum { RING_BYTES = 1 << 20, TURNS_MAX = 20000, NAMES = 128 };

/* What is looked up, by all threads. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t change;
    bool hangs;
    unsigned begun, ended, most_at_once;
    unsigned by_name[NAMES]; /* by the number at its end */
} world = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .change = PTHREAD_COND_INITIALIZER};

static int look_up(const char *host, struct addrinfo **found)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST};
    unsigned n =
        (unsigned)strtoul(host + strcspn(host, "0123456789"), NULL, 10);

    pthread_mutex_lock(&world.lock);
    world.begun++;
    pthread_cond_broadcast(&world.change);
    world.by_name[n % NAMES]++;
    if (world.begun - world.ended > world.most_at_once)
        world.most_at_once = world.begun - world.ended;
    while (world.hangs && strncmp(host, "hangs", 5) == 0)
        pthread_cond_wait(&world.change, &world.lock);
    world.ended++;
    pthread_cond_broadcast(&world.change);
    pthread_mutex_unlock(&world.lock);
    if (strncmp(host, "nobody", 6) == 0)
        return EAI_NONAME;
    return getaddrinfo("127.0.0.1", NULL, &hints, found);
}

static void begin_world(void)
{
    pthread_mutex_lock(&world.lock);
    world.hangs = true;
    world.begun = world.ended = world.most_at_once = 0;
    memset(world.by_name, 0, sizeof(world.by_name));
    pthread_mutex_unlock(&world.lock);
}

static void wait_for(const unsigned *count, unsigned least)
{
    pthread_mutex_lock(&world.lock);
    while (*count < least)
        pthread_cond_wait(&world.change, &world.lock);
    pthread_mutex_unlock(&world.lock);
}

/* What is begun comes to its end. */
static void let_go(void)
{
    pthread_mutex_lock(&world.lock);
    world.hangs = false;
    pthread_cond_broadcast(&world.change);
    while (world.ended < world.begun)
        pthread_cond_wait(&world.change, &world.lock);
    pthread_mutex_unlock(&world.lock);
}

static unsigned count_of(const unsigned *count)
{
    unsigned value;

    pthread_mutex_lock(&world.lock);
    value = *count;
    pthread_mutex_unlock(&world.lock);
    return value;
}

/* A set, and its resolver by this look-up. */
static lpi_resolver *begin_set(fixture *f)
{
    lpi_resolver *r;

    begin(f, RING_BYTES);
    begin_world();
    CHECK_OK(lp_drains_create(&f->loop, &f->opt, &f->set));
    r = lpi_resolver_of(f->set);
    assert_non_null(r);
    assert_ptr_equal(lpi_resolver_of(f->set), r);
    lpi_resolver_look_up_by(r, look_up);
    return r;
}

typedef struct answer {
    unsigned count, found;
    char why[128];
} answer;

static void on_found(void *ctx, const struct addrinfo *found, const char *why)
{
    answer *a = ctx;

    a->count++;
    a->found += found != NULL;
    if (found)
        assert_int_equal(
            ((const struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr,
            htonl(INADDR_LOOPBACK));
    else
        snprintf(a->why, sizeof(a->why), "%s", why);
}

static lpi_lookup *ask(lpi_resolver *r, const char *kind, unsigned n,
                       bool is_slow, answer *a)
{
    char host[32];
    lpi_lookup *lookup;

    snprintf(host, sizeof(host), "%s%u.test", kind, n);
    lookup = lpi_resolver_ask(r, host, is_slow, on_found, a);
    assert_non_null(lookup);
    return lookup;
}

static void run_until_answered(fixture *f, const answer *a, unsigned count)
{
    for (int i = 0; i < TURNS_MAX && a->count < count; i++)
        run_for(f, 1);
    assert_int_equal(a->count, count);
}

/* Asking ------------------------------------------------------------------ */

static void an_answer_comes_with_addresses_or_a_reason(void **state)
{
    answer a = {0};
    fixture f;
    lpi_resolver *r = begin_set(&f);

    (void)state;
    ask(r, "good", 1, false, &a);
    assert_int_equal(a.count, 0);
    run_until_answered(&f, &a, 1);
    assert_int_equal(a.found, 1);
    ask(r, "nobody", 2, false, &a);
    run_until_answered(&f, &a, 2);
    assert_int_equal(a.found, 1);
    assert_string_equal(a.why, gai_strerror(EAI_NONAME));
    end(&f);
}

static void who_asks_for_the_same_name_shares_a_look_up(void **state)
{
    answer a = {0};
    lpi_lookup *third = NULL;
    fixture f;
    lpi_resolver *r = begin_set(&f);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        lpi_lookup *one = ask(r, "hangs", 1, i % 2 > 0, &a);

        third = i == 2 ? one : third;
    }
    lpi_lookup_abandon(third);
    let_go();
    run_until_answered(&f, &a, 9);
    assert_int_equal(a.found, 9);
    assert_int_equal(world.begun, 1);
    ask(r, "hangs", 1, false, &a); // and nothing is kept for later
    run_until_answered(&f, &a, 10);
    assert_int_equal(world.begun, 2);
    end(&f);
}

/* Hanging ----------------------------------------------------------------- */

static void
a_name_that_hangs_has_one_thread_however_often_it_is_wanted(void **state)
{
    answer a = {0};
    fixture f;
    lpi_resolver *r = begin_set(&f);

    (void)state;
    lpi_lookup_abandon(NULL);
    ask(r, "hangs", 1, false, &a);
    wait_for(&world.begun, 1);
    for (unsigned i = 0; i < 100; i++)
        lpi_lookup_abandon(ask(r, "hangs", 1, true, &a));
    ask(r, "hangs", 2, false, &a);
    wait_for(&world.begun, 2);
    run_for(&f, 5);
    assert_int_equal(world.begun, 2);
    assert_int_equal(a.count, 0);
    let_go();
    run_until_answered(&f, &a, 2);
    end(&f);
}

static void what_waits_for_a_thread_can_be_given_up(void **state)
{
    lpi_lookup *hanging[LPI_LOOKUP_THREADS_MAX];
    answer a = {0};
    answer last = {0};
    lpi_lookup *given_up;
    fixture f;
    lpi_resolver *r = begin_set(&f);

    (void)state;
    for (unsigned i = 0; i < LPI_LOOKUP_THREADS_MAX; i++)
        hanging[i] = ask(r, "hangs", i, false, &a);
    wait_for(&world.begun, LPI_LOOKUP_THREADS_MAX);
    given_up = ask(r, "good", 100, false, &a);
    ask(r, "good", 101, false, &last);
    lpi_lookup_abandon(given_up);
    for (unsigned i = 0; i < LPI_LOOKUP_THREADS_MAX; i++)
        lpi_lookup_abandon(hanging[i]);
    run_for(&f, 5);
    assert_int_equal(count_of(&world.begun), LPI_LOOKUP_THREADS_MAX);
    let_go();
    run_until_answered(&f, &last, 1);
    assert_int_equal(a.count, 0);
    assert_int_equal(world.by_name[100], 0);
    assert_int_equal(world.most_at_once, LPI_LOOKUP_THREADS_MAX);
    end(&f);
}

static void slow_names_leave_threads_for_the_others(void **state)
{
    answer slow = {0};
    answer quick = {0};
    fixture f;
    lpi_resolver *r = begin_set(&f);

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        ask(r, "hangs", i, true, &slow);
    wait_for(&world.begun, LPI_LOOKUP_SLOW_MAX);
    for (unsigned i = 100; i < NAMES; i++)
        ask(r, "good", i, false, &quick);
    run_until_answered(&f, &quick, NAMES - 100);
    assert_int_equal(slow.count, 0);
    assert_int_equal(count_of(&world.begun), LPI_LOOKUP_SLOW_MAX + NAMES - 100);
    let_go();
    run_until_answered(&f, &slow, 100);
    end(&f);
}

/* Under the address sanitizer, nothing of it is left either. */
static void nobody_waits_for_what_hangs_when_the_set_ends(void **state)
{
    answer a = {0};
    fixture f;
    lpi_resolver *r = begin_set(&f);

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        lpi_lookup_abandon(ask(r, "hangs", i, i % 2 > 0, &a));
    ask(r, "good", 100, false, &a);
    wait_for(&world.begun, 1);
    run_until_answered(&f, &a, 1);
    lpi_lookup_abandon(ask(r, "hangs", 101, false, &a));
    end(&f); // its loop closes
    let_go();
    assert_int_equal(a.count, 1);
}

/* Drains ------------------------------------------------------------------ */

enum { DRAINS = 100, HANGING = 40, LINES = 50 };

/* A kernel takes what nobody reads. */
static int listen_for_all(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_bytes = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 2 * DRAINS), 0);
    assert_int_equal(
        getsockname(fd, (struct sockaddr *)&address, &address_bytes), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void open_drains(fixture *f, uint16_t port, lp_drain **drains)
{
    char url[64];

    for (unsigned i = 0; i < DRAINS; i++) {
        if (i < HANGING)
            snprintf(url, sizeof(url), "syslog://hangs%u.test:%u", i,
                     (unsigned)port);
        else
            snprintf(url, sizeof(url), "syslog://good.test:%u", (unsigned)port);
        CHECK_OK(lp_drain_open(f->set, f->channel, lp_span_str(url),
                               LP_SPAN("d.1"), NULL, &drains[i]));
    }
}

static unsigned delivered(lp_drain **drains)
{
    unsigned count = 0;

    for (unsigned i = 0; i < DRAINS; i++)
        count += drain_status(drains[i]).delivered_lines == LINES;
    return count;
}

static void forty_hanging_names_hold_up_no_good_one(void **state)
{
    lp_drain *drains[DRAINS];
    lp_drain_status status;
    uint16_t port;
    int fd = listen_for_all(&port);
    fixture f;

    (void)state;
    begin_set(&f);
    open_drains(&f, port, drains);
    say_lines(&f, 1, LINES, 100);
    for (int i = 0; i < TURNS_MAX && delivered(drains) < DRAINS - HANGING; i++)
        run_for(&f, 1);
    assert_int_equal(delivered(drains), DRAINS - HANGING);
    for (unsigned i = 0; i < HANGING; i++)
        assert_int_equal(drain_status(drains[i]).delivered_lines, 0);
    let_go();
    for (int i = 0; i < TURNS_MAX && delivered(drains) < DRAINS; i++)
        run_for(&f, 1);
    assert_int_equal(delivered(drains), DRAINS);
    for (unsigned i = HANGING; i < DRAINS; i++) {
        status = drain_status(drains[i]);
        assert_int_equal(status.failures, 0);
    }
    end(&f);
    close(fd);
}

static void a_name_that_hangs_fails_in_time_and_then_waits_apart(void **state)
{
    lp_drain *drain;
    lp_drain_status status = {0};
    fixture f;

    (void)state;
    begin_set(&f);
    lp_drains_destroy(f.set);
    f.opt.connect_timeout_ms = 20;
    CHECK_OK(lp_drains_create(&f.loop, &f.opt, &f.set));
    lpi_resolver_look_up_by(lpi_resolver_of(f.set), look_up);
    CHECK_OK(lp_drain_open(f.set, f.channel,
                           LP_SPAN("syslog+udp://hangs1.test:514"),
                           LP_SPAN("d.1"), NULL, &drain));
    say_lines(&f, 1, 1, 100);
    for (int i = 0; i < TURNS_MAX && status.failures < 3; i++) {
        run_for(&f, 1);
        status = drain_status(drain);
    }
    assert_true(status.failures >= 3);
    assert_string_equal(status.error, "its name was not looked up in time");
    assert_int_equal(count_of(&world.begun), 1);
    let_go();
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_addresses_or_a_reason),
        cmocka_unit_test(who_asks_for_the_same_name_shares_a_look_up),
        cmocka_unit_test(
            a_name_that_hangs_has_one_thread_however_often_it_is_wanted),
        cmocka_unit_test(what_waits_for_a_thread_can_be_given_up),
        cmocka_unit_test(slow_names_leave_threads_for_the_others),
        cmocka_unit_test(nobody_waits_for_what_hangs_when_the_set_ends),
        cmocka_unit_test(forty_hanging_names_hold_up_no_good_one),
        cmocka_unit_test(a_name_that_hangs_fails_in_time_and_then_waits_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
