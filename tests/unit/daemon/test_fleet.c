/* test_fleet.c - when the list of all channels is made anew, and its order. */
#include "aggregate/fleet.h"
#include "catalog_fixture.h"

enum { NOON = 43200 };

static fleet_list *take_at(fleet *f, int64_t second)
{
    fleet_list *list = fleet_take(f, view(), second * SECOND + SECOND / 2);

    assert_non_null(list);
    return list;
}

static void open_with(const char *const *ids, size_t count)
{
    bool is_new;

    open_at(NULL);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(
            catalog_put_channel(fix.cat, span(ids[i]), NULL, 0, &is_new),
            CATALOG_OK);
    }
}

static void names_ascend(void **state)
{
    static const char *const ids[] = {"web", "a-1", "a", "webs"};
    static const char *const sorted[] = {"a", "a-1", "web", "webs"};
    fleet *f = fleet_create();
    const fleet_row *const *order;
    fleet_list *list;

    (void)state;
    open_with(ids, 4);
    list = take_at(f, NOON);
    assert_int_equal(fleet_count(list), 4);
    assert_int_equal(fleet_totals_of(list)->active, 0);
    order = fleet_order(list, FLEET_NAME);
    assert_non_null(order);
    for (size_t i = 0; i < 4; i++) {
        assert_true(lp_span_equal(order[i]->channel->id, span(sorted[i])));
    }
    fleet_release(list);
    fleet_destroy(f);
}

static void all_of_a_second_get_one_list(void **state)
{
    static const char *const ids[] = {"app"};
    fleet *f = fleet_create();
    fleet_list *first, *again, *next;

    (void)state;
    open_with(ids, 1);
    first = take_at(f, NOON);
    again = take_at(f, NOON);
    next = take_at(f, NOON + 1);
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, next);
    fleet_release(again);
    again = take_at(f, NOON); // who comes late
    assert_ptr_equal(again, next);
    fleet_release(first);
    fleet_release(again);
    fleet_release(next);
    fleet_destroy(f);
}

static void a_clock_that_goes_back_gets_a_list_of_its_own(void **state)
{
    static const char *const ids[] = {"app"};
    fleet *f = fleet_create();
    fleet_list *first, *before;

    (void)state;
    open_with(ids, 1);
    first = take_at(f, NOON);
    before = take_at(f, NOON - 3600);
    assert_ptr_not_equal(first, before);
    fleet_release(first);
    first = take_at(f, NOON - 3600);
    assert_ptr_equal(first, before);
    fleet_release(first);
    fleet_release(before);
    fleet_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_ascend, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_of_a_second_get_one_list, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_clock_that_goes_back_gets_a_list_of_its_own, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
