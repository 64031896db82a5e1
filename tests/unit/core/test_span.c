/* test_span.c - bytes that somebody else owns, compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "logplex/span.h"

static void spans_are_in_the_order_of_their_bytes(void **state)
{
    static const lp_span sorted[] = {{NULL, 0},    {"\0", 1},    {"a", 1},
                                     {"a\0", 2},   {"aa", 2},    {"b", 1},
                                     {"b\x7f", 2}, {"b\x80", 2}, {"\xff", 1}};
    enum { COUNT = sizeof(sorted) / sizeof(sorted[0]) };

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < COUNT; k++) {
            int order = lp_span_compare(sorted[i], sorted[k]);

            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
        }
    }
    assert_int_equal(lp_span_compare(LP_SPAN(""), sorted[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_in_the_order_of_their_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
