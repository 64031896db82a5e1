/*
 * Wakers, offloading and the end of a worker. What a test does to the worker
 * from outside, it does with a waker, as everybody else has to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "worker/worker.h"

enum { POSTERS = 4, POSTS = 20000, WAKERS = 8, OFFLOADS = 1100 };

typedef struct world {
    config cfg;
    daemon_shared shared;
    worker *w;
} world;

static world it;
static _Atomic unsigned ends;

static void count_end(worker *w)
{
    if (w == it.w)
        atomic_fetch_add(&ends, 1);
}

static int open_world(void **state)
{
    static const worker_hooks hooks = {.on_end = count_end};

    (void)state;
    memset(&it, 0, sizeof(it));
    ends = 0;
    log_set_level(LOG_ERROR);
    it.shared.cfg = &it.cfg;
    it.w = worker_create(&it.shared, 0, &hooks);
    return it.w ? 0 : 1;
}

static int close_world(void **state)
{
    (void)state;
    worker_stop(it.w, WORKER_STOP_NOW);
    worker_join(it.w);
    return ends == 1 ? 0 : 1;
}

static void sleep_ms(unsigned ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

static bool wait_until(_Atomic unsigned *at, unsigned want)
{
    for (unsigned ms = 0; ms < 10000 && atomic_load(at) < want; ms++)
        sleep_ms(1);
    return atomic_load(at) == want;
}

/* Wakers ------------------------------------------------------------------- */

/* A message box: what a post announces must be seen by a call. */
typedef struct box {
    waker waker;
    _Atomic unsigned put; /* by the posters     */
    unsigned taken;       /* by the home worker */
    _Atomic unsigned seen;
    _Atomic unsigned calls;
} box;

static box boxes[WAKERS];
static unsigned order[WAKERS];
static unsigned order_count;

static void on_box(waker *w)
{
    box *b = (box *)(void *)w;

    b->taken = atomic_load(&b->put);
    if (order_count < WAKERS)
        order[order_count++] = (unsigned)(b - boxes);
    atomic_store(&b->seen, b->taken);
    atomic_fetch_add(&b->calls, 1); // the last: a test waits for it
}

static void init_boxes(void)
{
    memset(boxes, 0, sizeof(boxes));
    order_count = 0;
    for (unsigned i = 0; i < WAKERS; i++) {
        boxes[i].waker.home = it.w;
        boxes[i].waker.on_wake = on_box;
    }
}

static void *post_often(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < POSTS; i++) {
        box *b = &boxes[(seed + i) % WAKERS];

        atomic_fetch_add(&b->put, 1);
        waker_post(&b->waker);
    }
    return NULL;
}

static void no_post_is_lost_however_many_threads_post(void **state)
{
    pthread_t posters[POSTERS];

    (void)state;
    init_boxes();
    assert_true(worker_start(it.w));
    for (unsigned i = 0; i < POSTERS; i++)
        assert_int_equal(
            pthread_create(&posters[i], NULL, post_often, (void *)(uintptr_t)i),
            0);
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(posters[i], NULL);
    for (unsigned i = 0; i < WAKERS; i++) {
        assert_true(wait_until(&boxes[i].seen, POSTERS * POSTS / WAKERS));
        assert_in_range(boxes[i].calls, 1, POSTERS * POSTS / WAKERS);
    }
}

static void posts_before_a_turn_are_one_call_each_in_order(void **state)
{
    (void)state;
    init_boxes();
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < WAKERS; i++)
            waker_post(&boxes[i].waker); // the worker does not run yet
    assert_true(worker_start(it.w));
    for (unsigned i = 0; i < WAKERS; i++)
        assert_true(wait_until(&boxes[i].calls, 1));
    for (unsigned i = 0; i < WAKERS; i++)
        assert_int_equal(order[i], i);
}

/* Runs on the worker, in front of the others that were posted with it. */
static void cancel_some(waker *w)
{
    on_box(w);
    waker_cancel(&boxes[3].waker);
    waker_cancel(&boxes[5].waker);
    waker_cancel(&boxes[6].waker); // was not posted
}

static void a_cancelled_waker_is_not_called_and_the_others_are(void **state)
{
    (void)state;
    init_boxes();
    boxes[0].waker.on_wake = cancel_some;
    for (unsigned i = 0; i < WAKERS; i++)
        if (i != 6)
            waker_post(&boxes[i].waker);
    assert_true(worker_start(it.w));
    assert_true(wait_until(&boxes[7].calls, 1));
    assert_int_equal(boxes[3].calls + boxes[5].calls + boxes[6].calls, 0);
    assert_int_equal(order_count, WAKERS - 3);
    waker_post(&boxes[3].waker); // and may be posted again
    assert_true(wait_until(&boxes[3].calls, 1));
}

static void free_itself(waker *w)
{
    _Atomic unsigned *calls = &boxes[0].calls;

    free(w);
    atomic_fetch_add(calls, 1);
}

static void a_waker_may_free_itself_when_it_is_called(void **state)
{
    (void)state;
    init_boxes();
    for (unsigned i = 0; i < 10; i++) {
        waker *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->home = it.w;
        w->on_wake = free_itself;
        waker_post(w);
    }
    assert_true(worker_start(it.w));
    assert_true(wait_until(&boxes[0].calls, 10));
}

/* Offloading --------------------------------------------------------------- */

static _Atomic unsigned worked, finished, refused;
static pthread_t worker_thread;

static void do_work(void *ctx)
{
    (void)ctx;
    if (!pthread_equal(pthread_self(), worker_thread))
        atomic_fetch_add(&worked, 1);
}

static void do_finish(void *ctx)
{
    (void)ctx;
    if (pthread_equal(pthread_self(), worker_thread))
        atomic_fetch_add(&finished, 1);
}

// The worker's own calls are counted only on its thread, work only off it.
static void offload_many(waker *w)
{
    worker_thread = pthread_self();
    for (unsigned i = 0; i < OFFLOADS; i++)
        if (!worker_offload(w->home, do_work, do_finish, NULL))
            atomic_fetch_add(&refused, 1);
    on_box(w);
}

static void too_much_work_is_refused_and_the_rest_is_done(void **state)
{
    (void)state;
    init_boxes();
    worked = finished = refused = 0;
    boxes[0].waker.on_wake = offload_many;
    waker_post(&boxes[0].waker);
    assert_true(worker_start(it.w));
    assert_true(wait_until(&boxes[0].calls, 1));
    assert_int_equal(refused, OFFLOADS - 1024);
    assert_true(wait_until(&finished, 1024));
    assert_int_equal(worked, 1024);
    assert_int_equal(count_get(&it.w->counts.counts[COUNT_OFFLOAD_REFUSED]),
                     OFFLOADS - 1024);
}

/* Time and end ------------------------------------------------------------- */

static int64_t clocks[2];
static int64_t real_ns;

static void read_clock(waker *w)
{
    real_ns = wall_clock_ns();
    clocks[0] = worker_now(w->home);
    sleep_ms(2);
    clocks[1] = worker_now(w->home);
    on_box(w);
}

static void
the_clock_is_fresh_after_a_long_sleep_and_stands_in_a_turn(void **state)
{
    (void)state;
    init_boxes();
    boxes[0].waker.on_wake = read_clock;
    assert_true(worker_start(it.w));
    for (unsigned i = 1; i <= 2; i++) {
        sleep_ms(50);
        waker_post(&boxes[0].waker);
        assert_true(wait_until(&boxes[0].calls, i));
        assert_true(clocks[0] >= real_ns);
        assert_true(clocks[0] - real_ns < 40 * 1000000);
        assert_int_equal(clocks[0], clocks[1]);
    }
}

static void a_worker_that_never_ran_can_be_taken_down(void **state)
{
    (void)state; // by close_world()
}

static void a_worker_may_be_stopped_any_number_of_times(void **state)
{
    (void)state;
    assert_true(worker_start(it.w));
    worker_stop(it.w, WORKER_STOP_GENTLY);
    assert_true(wait_until(&ends, 1));
    worker_stop(it.w, WORKER_STOP_GENTLY);
}

#define OF(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF(no_post_is_lost_however_many_threads_post),
        OF(posts_before_a_turn_are_one_call_each_in_order),
        OF(a_cancelled_waker_is_not_called_and_the_others_are),
        OF(a_waker_may_free_itself_when_it_is_called),
        OF(too_much_work_is_refused_and_the_rest_is_done),
        OF(the_clock_is_fresh_after_a_long_sleep_and_stands_in_a_turn),
        OF(a_worker_that_never_ran_can_be_taken_down),
        OF(a_worker_may_be_stopped_any_number_of_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
