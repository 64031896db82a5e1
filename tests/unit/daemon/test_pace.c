/* test_pace.c - how far readers are behind, and ingest that waits for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/hold.h"

enum {
    WAKE_BYTES = 1000,
    LINE_BYTES = 100,
    HOLD_LINES = PACE_HOLD * WAKE_BYTES / LINE_BYTES
};

static unsigned woken[4];

static void wake(void *ctx, unsigned home)
{
    assert_ptr_equal(ctx, woken);
    woken[home]++;
}

static pace *create(unsigned workers)
{
    pace *p = pace_create(workers, WAKE_BYTES, wake, woken);

    memset(woken, 0, sizeof(woken));
    assert_non_null(p);
    return p;
}

static void a_home_is_behind_by_what_all_workers_added(void **state)
{
    pace *p = create(3);

    (void)state;
    pace_add(p, 0, 1, 7);
    pace_add(p, 2, 1, 5);
    pace_add(p, 2, 0, 1);
    assert_int_equal(pace_behind(p, 0), 1);
    assert_int_equal(pace_behind(p, 1), 12);
    assert_int_equal(pace_behind(p, 2), 0);
    pace_read(p, 1, 12);
    assert_int_equal(pace_behind(p, 1), 0);
    pace_read(p, 1, 3); // read before they were counted as added
    assert_int_equal(pace_behind(p, 1), 0);
    pace_add(p, 0, 1, 4);
    assert_int_equal(pace_behind(p, 1), 1);
    pace_destroy(p);
}

static void rings_fall_to_all_homes(void **state)
{
    pace *p = create(4);
    unsigned rings[4] = {0};

    (void)state;
    for (uintptr_t at = 1; at <= 4000; at++) {
        unsigned home = pace_home(p, (const lp_channel *)(at * 384));

        assert_true(home < 4);
        rings[home]++;
    }
    for (unsigned i = 0; i < 4; i++)
        assert_true(rings[i] > 800 && rings[i] < 1200);
    pace_destroy(p);
}

static void another_home_is_woken_when_it_is_late(void **state)
{
    pace *p = create(2);

    (void)state;
    pace_add(p, 0, 1, 9);
    assert_false(pace_is_late(p, 1, LINE_BYTES));
    assert_false(pace_look(p, 0, 1, LINE_BYTES));
    assert_int_equal(woken[1], 0);
    pace_add(p, 0, 1, 1);
    assert_true(pace_is_late(p, 1, LINE_BYTES));
    assert_false(pace_look(p, 0, 1, LINE_BYTES));
    assert_int_equal(woken[1], 1);
    assert_false(pace_look(p, 1, 1, LINE_BYTES)); // it looks at itself
    assert_int_equal(woken[1], 1);
    pace_destroy(p);
}

static void a_home_says_when_it_wants_to_be_woken(void **state)
{
    pace *p = create(2);

    (void)state;
    pace_set_wake(p, 1, 3 * LINE_BYTES);
    pace_add(p, 0, 1, 3);
    pace_add(p, 0, 0, 3);
    assert_true(pace_is_late(p, 1, LINE_BYTES));
    assert_false(pace_is_late(p, 0, LINE_BYTES)); // it has said nothing
    assert_false(pace_look(p, 0, 1, LINE_BYTES));
    assert_int_equal(woken[1], 1);
    pace_add(p, 0, 1, HOLD_LINES - 3);
    assert_false(pace_look(p, 0, 1, LINE_BYTES)); // no reason to hold sooner
    pace_add(p, 0, 1, 1);
    assert_true(pace_look(p, 0, 1, LINE_BYTES));
    pace_set_wake(p, 0, 1000 * WAKE_BYTES);
    pace_add(p, 0, 0, WAKE_BYTES / LINE_BYTES - 3);
    assert_true(pace_is_late(p, 0, LINE_BYTES)); // that would be too late
    pace_destroy(p);
}

static void ingest_holds_until_half_is_caught_up(void **state)
{
    pace *p = create(2);

    (void)state;
    pace_add(p, 0, 1, HOLD_LINES);
    assert_false(pace_look(p, 0, 1, LINE_BYTES));
    assert_false(pace_is_held(p));
    pace_add(p, 0, 1, 1);
    assert_true(pace_look(p, 0, 1, LINE_BYTES));
    assert_false(pace_look(p, 0, 1, LINE_BYTES)); // it does already
    assert_true(pace_is_held_still(p));
    pace_read(p, 1, HOLD_LINES / 2);
    assert_true(pace_is_held_still(p));
    pace_read(p, 1, 1);
    assert_false(pace_is_held(p)); // though nobody waits, who would look
    assert_false(pace_is_held_still(p));
    pace_destroy(p);
}

static void nobody_waits_when_the_daemon_goes_down(void **state)
{
    pace *p = create(1);

    (void)state;
    pace_add(p, 0, 0, 1000);
    assert_true(pace_look(p, 0, 0, LINE_BYTES));
    pace_let_go(p);
    assert_false(pace_is_held(p));
    assert_false(pace_look(p, 0, 0, LINE_BYTES));
    assert_false(pace_is_held(p));
    pace_destroy(p);
}

/* Waiting ----------------------------------------------------------------- */

static unsigned gone_on;
static pace *holder; /* holds again when the first one goes on; or NULL */

static void go_on(hold_wait *wait)
{
    assert_false(wait->is_waiting);
    gone_on++;
    if (holder != NULL) {
        pace_add(holder, 0, 0, HOLD_LINES + 1);
        assert_true(pace_look(holder, 0, 0, LINE_BYTES));
    }
    holder = NULL;
}

static void who_waits_goes_on_in_turn_and_not_while_it_holds(void **state)
{
    daemon_shared shared = {0};
    worker w = {.shared = &shared};
    hold_wait waits[3] = {{.go_on = go_on}, {.go_on = go_on}, {.go_on = go_on}};
    pace *p = create(1);

    (void)state;
    shared.pace = p;
    gone_on = 0;
    assert_int_equal(uv_loop_init(&w.loop), 0);
    assert_true(hold_open(&w));
    assert_false(hold_is_on(&w));
    pace_add(p, 0, 0, HOLD_LINES + 1);
    assert_true(pace_look(p, 0, 0, LINE_BYTES));
    assert_true(hold_is_on(&w));
    for (unsigned i = 0; i < 3; i++)
        hold_until_over(&w, &waits[i]);
    hold_until_over(&w, &waits[0]); // it waits already
    hold_cancel(&w, &waits[1]);
    uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(gone_on, 0);
    holder = p;
    pace_read(p, 0, HOLD_LINES + 1);
    while (gone_on == 0)
        uv_run(&w.loop, UV_RUN_ONCE);
    assert_int_equal(gone_on, 1);
    assert_false(waits[0].is_waiting);
    assert_true(waits[2].is_waiting);
    hold_close(&w); // at the end nobody is left waiting
    assert_int_equal(gone_on, 2);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w.loop), 0);
    pace_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_home_is_behind_by_what_all_workers_added),
        cmocka_unit_test(rings_fall_to_all_homes),
        cmocka_unit_test(another_home_is_woken_when_it_is_late),
        cmocka_unit_test(a_home_says_when_it_wants_to_be_woken),
        cmocka_unit_test(ingest_holds_until_half_is_caught_up),
        cmocka_unit_test(nobody_waits_when_the_daemon_goes_down),
        cmocka_unit_test(who_waits_goes_on_in_turn_and_not_while_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
