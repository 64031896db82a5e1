/* test_dedup_table.c - what is remembered of a frame id, for how long, and how many. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/dedup.h"

enum { MAX = 4, WINDOW_MS = 100, THREADS = 4, ROUNDS = 2000 };

static dedup *d;

static int set_up(void **state)
{
    (void)state;
    d = dedup_create(MAX, WINDOW_MS);
    return d ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    dedup_destroy(d);
    return 0;
}

static dedup_key key_of(const char *id)
{
    return dedup_key_of(d, 't', LP_SPAN("t.1"), lp_span_str(id));
}

/* Whether it is the first of its id; then it is answered with a number. */
static bool send_at(uint64_t now_ms, const char *id, uint32_t answered,
                    bool *is_early)
{
    dedup_key key = key_of(id);
    dedup_answer answer = {204, answered, 0};
    bool is_first = dedup_begin(d, &key, now_ms, &answer, is_early);

    if (is_first)
        dedup_end(d, &key, &answer);
    else
        assert_int_equal(answer.accepted_lines, answered);
    return is_first;
}

static bool send(uint64_t now_ms, const char *id, uint32_t answered)
{
    bool is_early;
    bool is_first = send_at(now_ms, id, answered, &is_early);

    assert_false(is_early);
    return is_first;
}

/* Each letter is an id. */
static void send_each(uint64_t now_ms, const char *letters, bool is_first)
{
    for (; *letters; letters++) {
        char id[2] = {*letters, '\0'};

        assert_int_equal(send(now_ms, id, 1), is_first);
    }
}

static void a_repeat_gets_the_answer_of_the_first(void **state)
{
    (void)state;
    assert_true(send(0, "a", 1));
    assert_true(send(0, "b", 2));
    assert_false(send(1, "a", 1));
    assert_false(send(2, "b", 2));
    assert_false(send(2, "a", 1));
}

static void the_window_begins_with_the_first_and_is_not_moved(void **state)
{
    (void)state;
    assert_true(send(1000, "a", 1));
    assert_false(send(1000 + WINDOW_MS - 1, "a", 1));
    assert_false(send(900, "a", 1)); // another thread's clock
    assert_true(send(1000 + WINDOW_MS, "a", 2));
    assert_false(send(1000 + 2 * WINDOW_MS - 1, "a", 2));
}

static void the_oldest_goes_first_and_is_told(void **state)
{
    bool is_early;

    (void)state;
    send_each(0, "abcd", true);
    assert_true(send_at(1, "e", 1, &is_early));
    assert_true(is_early);
    send_each(1, "bcde", false);
    assert_true(send_at(1, "a", 1, &is_early));
    assert_true(is_early);
    assert_true(send_at(1, "b", 1, &is_early));
}

static void what_is_expired_is_no_loss(void **state)
{
    (void)state;
    send_each(0, "abcd", true);
    send_each(WINDOW_MS, "efgh", true);
}

static void what_shall_not_be_remembered_is_the_first_again(void **state)
{
    dedup_key key = key_of("a");
    dedup_answer answer;
    bool is_early;

    (void)state;
    for (int i = 0; i < 3 * MAX; i++) {
        assert_true(dedup_begin(d, &key, 0, &answer, &is_early));
        assert_false(is_early); // those make room without a loss
        dedup_end(d, &key, NULL);
    }
    assert_true(send(0, "a", 1));
    assert_false(send(0, "a", 1));
}

static void what_is_under_way_makes_way_for_nobody(void **state)
{
    dedup_key key = key_of("slow");
    dedup_answer answer = {204, 7, 0};
    bool is_early;

    (void)state;
    assert_true(dedup_begin(d, &key, 0, &answer, &is_early));
    for (int i = 0; i < 5 * MAX; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%d", i);
        assert_true(send_at((uint64_t)(i * WINDOW_MS / 3), id, 1, &is_early));
    }
    answer.accepted_lines = 7;
    dedup_end(d, &key, &answer);
    assert_false(send(2, "slow", 7));
}

static void a_sender_and_an_id_are_told_apart(void **state)
{
    static const struct {
        char kind;
        const char *sender, *id;
    } all[] = {{'t', "ab", "c"},
               {'t', "a", "bc"},
               {'c', "ab", "c"},
               {'t', "ab", "d"},
               {'t', "", "abc"}};
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    dedup_key keys[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        keys[i] = dedup_key_of(d, all[i].kind, lp_span_str(all[i].sender),
                               lp_span_str(all[i].id));
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(&keys[i], &keys[j], sizeof(keys[i]));
    }
}

static void an_id_has_1_to_128_bytes(void **state)
{
    char id[DEDUP_ID_MAX_BYTES + 1];

    (void)state;
    memset(id, 'x', sizeof(id));
    assert_false(dedup_is_id(LP_SPAN("")));
    assert_true(dedup_is_id(lp_span_of(id, 1)));
    assert_true(dedup_is_id(lp_span_of(id, DEDUP_ID_MAX_BYTES)));
    assert_false(dedup_is_id(lp_span_of(id, DEDUP_ID_MAX_BYTES + 1)));
}

/* Threads ----------------------------------------------------------------- */

static _Atomic unsigned kept, forgotten, wrong;

/* Every fifth is never remembered. */
static void *send_all(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        dedup_answer answer = {0, i, 0};
        dedup_key key;
        char id[16];
        bool is_early;

        snprintf(id, sizeof(id), "%u", i);
        key = key_of(id);
        if (!dedup_begin(d, &key, 0, &answer, &is_early)) {
            wrong += i % 5 == 0 || answer.accepted_lines != i;
        } else if (i % 5 == 0) {
            dedup_end(d, &key, NULL);
            forgotten++;
        } else {
            dedup_end(d, &key, &answer);
            kept++;
        }
    }
    return NULL;
}

static void of_racing_threads_one_is_the_first(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    dedup_destroy(d);
    d = dedup_create(2 * ROUNDS * THREADS, WINDOW_MS);
    assert_non_null(d);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(kept, ROUNDS - ROUNDS / 5);
    assert_int_equal(forgotten, THREADS * ROUNDS / 5);
    assert_int_equal(wrong, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_repeat_gets_the_answer_of_the_first),
        TEST(the_window_begins_with_the_first_and_is_not_moved),
        TEST(the_oldest_goes_first_and_is_told),
        TEST(what_is_expired_is_no_loss),
        TEST(what_shall_not_be_remembered_is_the_first_again),
        TEST(what_is_under_way_makes_way_for_nobody),
        TEST(a_sender_and_an_id_are_told_apart),
        TEST(an_id_has_1_to_128_bytes),
        TEST(of_racing_threads_one_is_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
