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
    uncounted_spell told = uncounted_since(u, from_s);

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

static void of_many_the_oldest_become_one(void **state)
{
    uncounted u = {.count = 0};

    (void)state;
    for (int64_t i = 1; i <= 6; i++) {
        add(&u, 1, 100 * i, 100 * i + 5);
        assert_int_equal(uncounted_end(&u), 1);
    }
    assert_int_equal(u.count, UNCOUNTED_SPELLS);
    assert_int_equal(u.spells[0].lines, 3);
    assert_int_equal(u.spells[0].since_ns, 100 * SECOND);
    assert_int_equal(u.spells[0].last_ns, 305 * SECOND);
    check_since(&u, 0, 6, 100, 605);
    check_since(&u, 306, 3, 400, 605);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_none_at_first),
        cmocka_unit_test(a_spell_is_told_as_long_as_it_is_in_the_window),
        cmocka_unit_test(another_spell_leaves_the_first),
        cmocka_unit_test(of_many_the_oldest_become_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
