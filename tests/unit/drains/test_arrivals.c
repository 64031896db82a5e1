/* test_arrivals.c - which lines of a stream have arrived, by how much of it has. */
#include <stdlib.h>

#include "arrivals.h"
#include "ring.h"

enum { LINES = 4, LINE_BYTES = 10, BATCHES = 9 };

/* LINES lines of LINE_BYTES. */
static lpi_ends *new_ends(void)
{
    lpi_ends *ends =
        malloc(sizeof(*ends) + (LINES + 1) * sizeof(*ends->begins_at));

    assert_non_null(ends);
    ends->holders = 1;
    ends->room = LINES + 1;
    for (uint32_t i = 0; i <= LINES; i++)
        ends->begins_at[i] = i * LINE_BYTES;
    return ends;
}

/* All lines of it, behind a notice. */
static void await(lpi_arrivals *a, lpi_ends *ends, size_t notice_bytes)
{
    const lpi_rendered all = {.ends = ends};

    assert_true(lpi_arrivals_await(a, &all, LINES, notice_bytes));
}

static void a_line_has_arrived_when_its_last_byte_has(void **state)
{
    lpi_ends *ends = new_ends();

    (void)state;
    // Whatever was asked before.
    for (uint64_t step = 1; step <= LINES * LINE_BYTES; step++) {
        lpi_arrivals a = {0};
        uint64_t lines = 0;

        for (int n = 0; n < BATCHES; n++)
            await(&a, ends, 0);
        for (uint64_t at = 0; at <= (uint64_t)BATCHES * LINES * LINE_BYTES;
             at += step) {
            lines += lpi_arrivals_count(&a, at);
            assert_int_equal(lines, at / LINE_BYTES);
            assert_int_equal(a.counted_bytes, lines * LINE_BYTES);
            assert_int_equal(a.count, BATCHES - lines / LINES);
        }
        lpi_arrivals_fini(&a);
        assert_int_equal(ends->holders, 1);
    }
    lpi_ends_let_go(ends);
}

static void a_notice_arrives_with_the_line_behind_it(void **state)
{
    lpi_ends *ends = new_ends();
    lpi_arrivals a = {0};

    (void)state;
    await(&a, ends, 25);
    await(&a, ends, 5);
    assert_int_equal(lpi_arrivals_count(&a, 34), 0);
    assert_int_equal(lpi_arrivals_count(&a, 35), 1);
    assert_int_equal(lpi_arrivals_count(&a, 45), 1);
    assert_int_equal(lpi_arrivals_count(&a, 79), 2);
    assert_int_equal(lpi_arrivals_count(&a, 80), 1);
    assert_int_equal(lpi_arrivals_count(&a, 110), 3);
    assert_int_equal(a.count, 0);
    lpi_arrivals_fini(&a);
    lpi_ends_let_go(ends);
}

static void some_lines_of_a_sheet_are_awaited_alone(void **state)
{
    const lpi_rendered middle = {.ends = new_ends(), .first = 1};
    lpi_arrivals a = {0};

    (void)state;
    assert_true(lpi_arrivals_await(&a, &middle, 2, 0));
    await(&a, middle.ends, 0);
    assert_int_equal(lpi_arrivals_count(&a, 19), 1);
    assert_int_equal(lpi_arrivals_count(&a, 20), 1);
    assert_int_equal(a.count, 1);
    assert_int_equal(lpi_arrivals_count(&a, 30), 1);
    lpi_arrivals_fini(&a);
    assert_int_equal(middle.ends->holders, 1);
    lpi_ends_let_go(middle.ends);
}

/* As more is added than there was room for when the first ones had gone. */
static void batches_keep_their_order_while_the_queue_grows(void **state)
{
    lpi_arrivals a = {0};
    uint64_t sent_bytes = 0, arrived_bytes = 0;

    (void)state;
    for (size_t n = 1; n <= 100; n++) {
        lpi_ends *ends = new_ends();

        for (uint32_t i = 0; i <= LINES; i++)
            ends->begins_at[i] = (uint32_t)(i * n);
        await(&a, ends, 0);
        lpi_ends_let_go(ends);
        sent_bytes += LINES * n;
        if (n % 2 == 0) { // the first that is left
            arrived_bytes += LINES * n / 2;
            assert_int_equal(lpi_arrivals_count(&a, arrived_bytes - 1),
                             LINES - 1);
            assert_int_equal(lpi_arrivals_count(&a, arrived_bytes), 1);
        }
    }
    assert_int_equal(a.count, 50);
    assert_int_equal(lpi_arrivals_count(&a, sent_bytes), 50 * LINES);
    lpi_arrivals_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_arrived_when_its_last_byte_has),
        cmocka_unit_test(a_notice_arrives_with_the_line_behind_it),
        cmocka_unit_test(some_lines_of_a_sheet_are_awaited_alone),
        cmocka_unit_test(batches_keep_their_order_while_the_queue_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
