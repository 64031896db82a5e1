/* test_uncounted.c - spells of lines that are in no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregate/uncounted.h"

static const int64_t SECOND = 1000000000;

static void add(uncounted *u, uint64_t lines, int64_t first_s, int64_t last_s)
{
    uncounted_add(u, lines, first_s * SECOND, last_s * SECOND);
}

static void check_since(const uncounted *u, int64_t from_s, uint64_t lines,
                        int64_t since_s, int64_t last_s)
{
    bool is_now;
    uncounted_spell told = uncounted_between(u, from_s, INT64_MAX, &is_now);

    assert_int_equal(is_now, u->is_now);
    assert_int_equal(told.lines, lines);
    assert_int_equal(told.since_ns, since_s * SECOND);
    assert_int_equal(told.last_ns, last_s * SECOND);
}

static void there_are_none_at_first(void **state)
{
    uncounted u = {.count = 0};

    (void)state;
    check_since(&u, 0, 0, 0, 0);
    assert_int_equal(uncounted_end(&u), 0);
}

static void a_spell_is_told_as_long_as_it_is_in_the_window(void **state)
{
    uncounted u = {.count = 0};

    (void)state;
    add(&u, 2, 10, 11);
    add(&u, 3, 12, 14);
    assert_true(u.is_now);
    check_since(&u, 0, 5, 10, 14);
    check_since(&u, 900, 5, 10, 14); // the next line would be none either
    assert_int_equal(uncounted_end(&u), 5);
    assert_false(u.is_now);
    check_since(&u, 14, 5, 10, 14);
    check_since(&u, 15, 0, 0, 0);
}

static void another_spell_leaves_the_first(void **state)
{
    uncounted u = {.count = 0};

    (void)state;
    add(&u, 20, 10, 12);
    assert_int_equal(uncounted_end(&u), 20);
    add(&u, 10, 200, 200);
    check_since(&u, 0, 30, 10, 200);
    check_since(&u, 13, 10, 200, 200);
    assert_int_equal(uncounted_end(&u), 10);
    assert_int_equal(u.count, 2);
    check_since(&u, 0, 30, 10, 200);
}

static void add_one(uncounted *u, int64_t first_s, int64_t last_s)
{
    add(u, 1, first_s, last_s);
    assert_int_equal(uncounted_end(u), 1);
}

static void check_spell(const uncounted *u, unsigned at, uint64_t lines,
                        int64_t since_s, int64_t last_s)
{
    assert_int_equal(u->spells[at].lines, lines);
    assert_int_equal(u->spells[at].since_ns, since_s * SECOND);
    assert_int_equal(u->spells[at].last_ns, last_s * SECOND);
}

/* What was counted between others stays known. */
static void of_many_the_nearest_become_one(void **state)
{
    static const int64_t begins_s[] = {100, 5000, 5100, 9000, 9300, 20000};
    uncounted u = {.count = 0};

    (void)state;
    for (unsigned i = 0; i < sizeof(begins_s) / sizeof(begins_s[0]); i++)
        add_one(&u, begins_s[i], begins_s[i] + 5);
    assert_int_equal(u.count, UNCOUNTED_SPELLS);
    check_spell(&u, 0, 1, 100, 105);
    check_spell(&u, 1, 2, 5000, 5105);
    check_spell(&u, 2, 2, 9000, 9305);
    check_spell(&u, 3, 1, 20000, 20005);
    check_since(&u, 0, 6, 100, 20005);
    check_since(&u, 5106, 3, 9000, 20005);
}

static void a_new_one_may_be_the_nearest(void **state)
{
    uncounted u = {.count = 0};

    (void)state;
    for (int64_t i = 1; i <= UNCOUNTED_SPELLS; i++)
        add_one(&u, 10000 * i, 10000 * i + 5);
    add_one(&u, 40300, 40305);
    assert_int_equal(u.count, UNCOUNTED_SPELLS);
    check_spell(&u, 0, 1, 10000, 10005);
    check_spell(&u, UNCOUNTED_SPELLS - 1, 2, 40000, 40305);
}

static void what_no_window_reaches_is_forgotten(void **state)
{
    const int64_t later_s = 2 * UNCOUNTED_KEPT_S;
    uncounted u = {.count = 0};

    (void)state;
    add_one(&u, 100, 105);
    add_one(&u, 200, later_s - UNCOUNTED_KEPT_S);
    add_one(&u, later_s, later_s + 5);
    assert_int_equal(u.count, 2);
    check_spell(&u, 0, 1, 200, later_s - UNCOUNTED_KEPT_S);
    check_spell(&u, 1, 1, later_s, later_s + 5);
}

static void what_came_after_a_window_is_not_of_it(void **state)
{
    uncounted u = {.count = 0};
    bool is_now;

    (void)state;
    add_one(&u, 100, 105);
    add(&u, 900, 500, 505);
    assert_int_equal(uncounted_between(&u, 0, 501, &is_now).lines, 901);
    assert_true(is_now);
    assert_int_equal(uncounted_between(&u, 0, 500, &is_now).lines, 1);
    assert_false(is_now);
    assert_int_equal(uncounted_between(&u, 106, 500, &is_now).lines, 0);
}

static void a_clock_that_goes_back_leaves_nothing_ahead_of_it(void **state)
{
    uncounted u = {.count = 0};

    (void)state;
    add(&u, 1, 7200, 7201);
    add(&u, 1, 3600, 3605);
    assert_int_equal(uncounted_end(&u), 2);
    check_spell(&u, 0, 2, 3600, 3605);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_none_at_first),
        cmocka_unit_test(a_spell_is_told_as_long_as_it_is_in_the_window),
        cmocka_unit_test(another_spell_leaves_the_first),
        cmocka_unit_test(of_many_the_nearest_become_one),
        cmocka_unit_test(a_new_one_may_be_the_nearest),
        cmocka_unit_test(what_no_window_reaches_is_forgotten),
        cmocka_unit_test(what_came_after_a_window_is_not_of_it),
        cmocka_unit_test(a_clock_that_goes_back_leaves_nothing_ahead_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
