/* test_switch.c - what is stored, what is given, and which of them wins. */
#include "base/log.h"
#include "catalog/switches.h"
#include "catalog_fixture.h"
#include "tail/history.h"

static switches live;

static switch_set set_of(const char *text)
{
    switch_set set;

    switch_set_parse(span(text), &set);
    return set;
}

static void open_switches(const char *given)
{
    switch_set set = set_of(given);

    log_set_level(LOG_ERROR);
    memset(&live, 0, sizeof live);
    switches_open(&live, fix.cat, &set);
}

static void restart(const char *given)
{
    switches_close(&live);
    reopen();
    open_switches(given);
}

static void change(const char *wanted, int64_t now_ns)
{
    switch_set set = set_of(wanted);

    assert_int_equal(switches_change(&live, &set, now_ns), CATALOG_OK);
}

/* All that are not as they are built in. */
static void expect(const char *text)
{
    char said[SWITCH_SET_BYTES];
    switch_set set = {0};

    for (unsigned id = 0; id < SWITCH_COUNT; id++) {
        set.of[id].value = switch_get(&live, (switch_id)id);
        set.of[id].is_given = set.of[id].value != 0;
    }
    switch_set_print(&set, said);
    assert_string_equal(said, text);
}

/* Text -------------------------------------------------------------------- */

static void a_text_comes_back_as_it_was(void **state)
{
    static const char *const texts[] = {
        "", "ingest=off", "api=read_only legacy_api=disabled tails=on",
        "legacy_api=read_only ingest=off history=off tails=off drains=off"};
    char said[SWITCH_SET_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        switch_set set = set_of(texts[i]);

        switch_set_print(&set, said);
        assert_string_equal(said, texts[i]);
    }
}

static void what_nobody_knows_in_a_text_is_left_out(void **state)
{
    switch_set set = set_of("sharding=on  tails=off ingest=perhaps api=off "
                            "history drains= =off legacy_api=normal=");
    char said[SWITCH_SET_BYTES];

    (void)state;
    switch_set_print(&set, said);
    assert_string_equal(said, "tails=off");
}

/* Who wins ---------------------------------------------------------------- */

static void at_first_all_is_on(void **state)
{
    (void)state;
    open_at(fix.path);
    open_switches("");
    expect("");
    assert_int_equal(switches_history_since(&live), 0);
    switches_close(&live);
}

static void what_is_changed_is_in_force_and_outlasts_a_restart(void **state)
{
    (void)state;
    open_at(fix.path);
    open_switches("");
    change("api=read_only tails=off", 1);
    expect("api=read_only tails=off");
    change("ingest=off api=normal", 1);
    expect("ingest=off tails=off");
    restart("");
    expect("ingest=off tails=off");
    switches_close(&live);
}

static void what_is_given_wins_and_is_not_stored(void **state)
{
    (void)state;
    open_at(fix.path);
    open_switches("drains=off");
    change("tails=off ingest=off", 1);
    restart("tails=on legacy_api=disabled");
    expect("legacy_api=disabled ingest=off");
    change("drains=off", 1);
    restart("");
    expect("ingest=off tails=off drains=off");
    switches_close(&live);
}

/* History ----------------------------------------------------------------- */

static void history_begins_when_it_is_switched_on_again(void **state)
{
    (void)state;
    open_at(fix.path);
    open_switches("");
    change("history=on", 5);
    assert_int_equal(switches_history_since(&live), 0);
    change("history=off", 10);
    assert_int_equal(switches_history_since(&live), INT64_MAX);
    change("history=off tails=off", 15);
    assert_int_equal(switches_history_since(&live), INT64_MAX);
    change("history=on", 20);
    assert_int_equal(switches_history_since(&live), 20);
    change("history=on", 30);
    assert_int_equal(switches_history_since(&live), 20);
    change("history=off", 40);
    restart("");
    assert_int_equal(switches_history_since(&live), INT64_MAX);
    switches_close(&live);
}

static void append(lp_channel *ring, int64_t arrival_ns)
{
    static const char bytes[] = "24 <134>1 T h app p m - msg";
    lp_line line = {0};

    line.part_count = 1;
    line.parts[0] = lp_span_of(bytes, sizeof bytes - 1);
    line.arrival_ns = arrival_ns;
    assert_int_equal(lp_channel_append(ring, &line, NULL), LP_OK);
}

static void expect_start(lp_channel *ring, history_bounds bounds, uint64_t num,
                         lp_seq first_seq)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;
    lp_cursor *cursor;

    history_start(ring, &bounds, num, &opt);
    assert_int_equal(lp_cursor_open(ring, &opt, &cursor), LP_OK);
    lp_cursor_stats_get(cursor, &stats);
    assert_int_equal(stats.next_seq, first_seq);
    lp_cursor_close(cursor);
}

static void a_reader_starts_at_its_newest_lines_above_the_floor(void **state)
{
    lp_channel_options opt = LP_CHANNEL_OPTIONS_INIT;
    lp_channel *ring;

    (void)state;
    assert_int_equal(lp_channel_open(fix.engine, &opt, &ring), LP_OK);
    assert_int_equal(history_floor(ring, &(history_bounds){.since_ns = 10}), 1);
    expect_start(ring, (history_bounds){10, 0}, 5, 1);
    for (int64_t at = 1; at <= 10; at++)
        append(ring, at * 10);
    assert_int_equal(history_floor(ring, &(history_bounds){.since_ns = 0}), 0);
    assert_int_equal(history_floor(ring, &(history_bounds){.since_ns = 41}), 5);
    assert_int_equal(
        history_floor(ring, &(history_bounds){.since_ns = INT64_MAX}), 11);
    expect_start(ring, (history_bounds){0, 0}, 0, 11);
    expect_start(ring, (history_bounds){0, 0}, 3, 8);
    expect_start(ring, (history_bounds){0, 0}, 100, 1);
    expect_start(ring, (history_bounds){50, 0}, 3, 8);
    expect_start(ring, (history_bounds){50, 0}, 6, 5);
    expect_start(ring, (history_bounds){50, 0}, 100, 5);
    expect_start(ring, (history_bounds){101, 0}, 100, 11);
    expect_start(ring, (history_bounds){INT64_MAX, 0}, 100, 11);
    lp_channel_close(ring);
}

static void what_is_kept_for_others_is_no_history(void **state)
{
    lp_channel_options opt = LP_CHANNEL_OPTIONS_INIT;
    lp_channel *ring;

    (void)state;
    assert_int_equal(lp_channel_open(fix.engine, &opt, &ring), LP_OK);
    expect_start(ring, (history_bounds){0, 4}, 5, 1);
    for (int64_t at = 1; at <= 10; at++)
        append(ring, at * 10);
    assert_int_equal(history_floor(ring, &(history_bounds){0, 4}), 7);
    assert_int_equal(history_floor(ring, &(history_bounds){90, 4}), 9);
    expect_start(ring, (history_bounds){0, 4}, 100, 7);
    expect_start(ring, (history_bounds){0, 4}, 3, 8);
    expect_start(ring, (history_bounds){0, 10}, 100, 1);
    expect_start(ring, (history_bounds){0, 11}, 100, 1);
    expect_start(ring, (history_bounds){50, 8}, 100, 5);
    lp_channel_close(ring);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_comes_back_as_it_was),
        TEST(what_nobody_knows_in_a_text_is_left_out),
        TEST(at_first_all_is_on),
        TEST(what_is_changed_is_in_force_and_outlasts_a_restart),
        TEST(what_is_given_wins_and_is_not_stored),
        TEST(history_begins_when_it_is_switched_on_again),
        TEST(a_reader_starts_at_its_newest_lines_above_the_floor),
        TEST(what_is_kept_for_others_is_no_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
