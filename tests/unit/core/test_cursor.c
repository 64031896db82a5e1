/* test_cursor.c - where a reader starts and stops, what it loses, its bell. */
#include "chance.h"
#include "ring.h"

typedef struct fixture {
    lp_engine *engine;
    lp_channel *channel;
} fixture;

static fixture open_ring(uint32_t history_lines)
{
    fixture f;

    f.engine = ring_engine(0);
    f.channel = ring_channel(f.engine, history_lines, 0);
    return f;
}

static void close_ring(fixture *f)
{
    lp_channel_close(f->channel);
    lp_engine_destroy(f->engine);
}

/* Reads all that a cursor so opened gets; expects lines first to last. */
static void expect_lines(lp_cursor *cursor, uint64_t first, uint64_t last,
                         uint64_t expected_lost, lp_err end)
{
    uint64_t lost = 0, lines = 0;
    lp_run run;
    lp_err err;

    while ((err = lp_cursor_next(cursor, 7, 0, &run)) == LP_OK) {
        assert_int_equal(run.first_seq, first + lines);
        ring_check_run(&run, 100);
        lines += run.line_count;
        lost += run.lost_lines;
        lp_run_release(&run);
    }
    lost += run.lost_lines;
    CHECK_ERR(err, end);
    assert_int_equal(lines, last - first + 1);
    assert_int_equal(lost, expected_lost);
    ring_cursor_stats(cursor);
    lp_cursor_close(cursor);
}

static void every_start_begins_where_it_says(void **state)
{
    fixture f = open_ring(10000);
    lp_channel *ch = f.channel;

    (void)state;
    ring_fill(ch, 1, 500, 100);
    expect_lines(ring_cursor(ch, LP_START_OLDEST, 0, LP_STOP_NOW), 1, 500, 0,
                 LP_E_END);
    expect_lines(ring_cursor(ch, LP_START_NEWEST, 0, LP_STOP_NEVER), 501, 500,
                 0, LP_E_AGAIN);
    expect_lines(ring_cursor(ch, LP_START_LAST, 3, LP_STOP_NOW), 498, 500, 0,
                 LP_E_END);
    expect_lines(ring_cursor(ch, LP_START_LAST, 0, LP_STOP_NOW), 501, 500, 0,
                 LP_E_END);
    expect_lines(ring_cursor(ch, LP_START_LAST, UINT64_MAX, LP_STOP_NOW), 1,
                 500, 0, LP_E_END);
    expect_lines(ring_cursor(ch, LP_START_SEQ, 123, LP_STOP_NEVER), 123, 500, 0,
                 LP_E_AGAIN);
    expect_lines(ring_cursor(ch, LP_START_SEQ, 900, LP_STOP_NOW), 501, 500, 0,
                 LP_E_END);
    // Line n arrived at n nanoseconds.
    expect_lines(ring_cursor(ch, LP_START_TIME, 77, LP_STOP_NOW), 77, 500, 0,
                 LP_E_END);
    expect_lines(ring_cursor(ch, LP_START_TIME, 501, LP_STOP_NOW), 501, 500, 0,
                 LP_E_END);
    close_ring(&f);
}

static void a_start_in_an_empty_ring_waits_for_its_first_line(void **state)
{
    fixture f = open_ring(0);
    lp_cursor *cursor[5];
    uint64_t lost = 0;

    (void)state;
    for (int start = LP_START_NEWEST; start <= LP_START_TIME; start++)
        cursor[start] =
            ring_cursor(f.channel, (lp_start)start, 1, LP_STOP_NEVER);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ring_drain(cursor[i], 100, &lost, LP_E_AGAIN), 0);
    ring_fill(f.channel, 1, 2, 100);
    for (int i = 0; i < 5; i++)
        expect_lines(cursor[i], 1, 2, 0, LP_E_AGAIN);
    close_ring(&f);
}

static void a_start_at_a_line_that_is_gone_counts_it_as_lost(void **state)
{
    fixture f = open_ring(100);
    lp_channel_stats stats;

    (void)state;
    ring_fill(f.channel, 1, 5000, 100);
    stats = ring_stats(f.channel);
    assert_true(stats.oldest_seq > 11);
    expect_lines(ring_cursor(f.channel, LP_START_SEQ, 11, LP_STOP_NEVER),
                 stats.oldest_seq, 5000, stats.oldest_seq - 11, LP_E_AGAIN);
    stats = ring_stats(f.channel);
    expect_lines(ring_cursor(f.channel, LP_START_SEQ, 0, LP_STOP_NEVER),
                 stats.oldest_seq, 5000, stats.oldest_seq - 1, LP_E_AGAIN);
    close_ring(&f);
}

static void a_start_in_another_epoch_begins_at_the_oldest_line(void **state)
{
    fixture f = open_ring(100);
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;

    (void)state;
    ring_fill(f.channel, 1, 50, 100);
    opt.start = LP_START_SEQ;
    opt.start_arg = 30;
    opt.start_epoch = lp_channel_epoch(f.channel) + 1;
    CHECK_OK(lp_cursor_open(f.channel, &opt, &cursor));
    assert_int_equal(ring_cursor_stats(cursor).other_epoch, 1);
    expect_lines(cursor, 1, 50, 0, LP_E_AGAIN);
    close_ring(&f);
}

static void a_stop_is_kept_while_lines_go_on(void **state)
{
    fixture f = open_ring(0);
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *now, *at;

    (void)state;
    ring_fill(f.channel, 1, 10, 100);
    now = ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NOW);
    opt.start = LP_START_OLDEST;
    opt.stop = LP_STOP_SEQ;
    opt.stop_seq = 15;
    CHECK_OK(lp_cursor_open(f.channel, &opt, &at));
    ring_fill(f.channel, 11, 30, 100);
    assert_int_equal(ring_cursor_stats(now).pending_lines, 10);
    expect_lines(now, 1, 10, 0, LP_E_END);
    expect_lines(at, 1, 14, 0, LP_E_END);
    close_ring(&f);
}

static void what_the_ring_forgot_is_counted_to_the_line(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 100, 64 << 10);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run;

    (void)state;
    ring_fill(channel, 1, 20, 100);
    CHECK_OK(lp_cursor_next(cursor, 5, 0, &run));
    lp_run_release(&run);
    ring_fill(channel, 21, 9000, 100);
    // It still holds the segment that it was reading: 6 to the end of that.
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.first_seq, 6);
    assert_int_equal(run.lost_lines, 0);
    uint64_t next = run.first_seq + run.line_count;
    lp_run_release(&run);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.first_seq, ring_stats(channel).oldest_seq);
    assert_int_equal(run.lost_lines, run.first_seq - next);
    assert_int_equal(run.lost_since_ns, (int64_t)next - 1);
    lp_run_release(&run);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void a_lag_limit_jumps_and_counts(void **state)
{
    fixture f = open_ring(1500);
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;
    lp_run run;

    (void)state;
    opt.lag_max_lines = 100;
    CHECK_OK(lp_cursor_open(f.channel, &opt, &cursor));
    ring_fill(f.channel, 1, 100, 100);
    CHECK_OK(lp_cursor_next(cursor, 10, 0, &run));
    assert_int_equal(run.lost_lines, 0);
    lp_run_release(&run);
    ring_fill(f.channel, 101, 1000, 100);
    CHECK_OK(lp_cursor_next(cursor, 1, 0, &run));
    assert_int_equal(run.first_seq, 901);
    assert_int_equal(run.lost_lines, 890);
    lp_run_release(&run);
    lp_cursor_set_lag(cursor, 5);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.first_seq, 996);
    assert_int_equal(run.lost_lines, 94);
    lp_run_release(&run);
    assert_int_equal(ring_cursor_stats(cursor).lost_lines, 984);
    lp_cursor_close(cursor);
    close_ring(&f);
}

static void a_lagging_reader_with_a_limit_keeps_no_more_than_it(void **state)
{
    fixture f = open_ring(100);
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;

    (void)state;
    opt.lag_max_lines = 500;
    CHECK_OK(lp_cursor_open(f.channel, &opt, &cursor));
    ring_fill(f.channel, 1, 20000, 100);
    assert_true(ring_stats(f.channel).resident_lines >= 500);
    assert_true(ring_stats(f.channel).resident_lines < 1000);
    lp_cursor_close(cursor);
    close_ring(&f);
}

static void runs_respect_lines_and_bytes(void **state)
{
    fixture f = open_ring(0);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run;

    (void)state;
    ring_fill(f.channel, 1, 20, 100);
    CHECK_OK(lp_cursor_next(cursor, 3, 0, &run));
    assert_int_equal(run.line_count, 3);
    lp_run_release(&run);
    CHECK_OK(lp_cursor_next(cursor, 0, 399, &run));
    assert_int_equal(run.line_count, 3);
    lp_run_release(&run);
    CHECK_OK(lp_cursor_next(cursor, 0, 400, &run));
    assert_int_equal(run.line_count, 4);
    lp_run_release(&run);
    CHECK_OK(lp_cursor_next(cursor, 0, 1, &run));
    assert_int_equal(run.line_count, 1);
    assert_int_equal(run.first_seq, 11);
    lp_run_release(&run);
    lp_run_release(&run);
    lp_cursor_close(cursor);
    close_ring(&f);
}

static void a_run_outlives_its_ring_cursor_and_channel(void **state)
{
    fixture f = open_ring(10);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run, twin;

    (void)state;
    ring_fill(f.channel, 1, 5, 100);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    twin = lp_run_share(&run);
    ring_fill(f.channel, 6, 5000, 100);
    lp_cursor_close(cursor);
    assert_true(ring_ledger(f.engine).pinned_bytes > 0);
    lp_channel_close(f.channel);
    ring_check_run(&run, 100);
    lp_run_release(&run);
    ring_check_run(&twin, 100);
    lp_run_release(&twin);
    assert_int_equal(ring_ledger(f.engine).pinned_bytes, 0);
    lp_engine_destroy(f.engine);
}

static void a_reader_at_rest_pins_nothing_and_goes_on_where_it_was(void **state)
{
    fixture f = open_ring(10);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run;
    uint64_t lost = 0;

    (void)state;
    ring_fill(f.channel, 1, 20, 100);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.line_count, 20);
    lp_cursor_rest(cursor, &run, 7);
    assert_int_equal(ring_cursor_stats(cursor).delivered_lines, 7);
    assert_int_equal(ring_cursor_stats(cursor).next_seq, 8);
    CHECK_OK(lp_cursor_next(cursor, 3, 0, &run));
    assert_int_equal(run.first_seq, 8);
    lp_cursor_rest(cursor, &run, 3);
    lp_cursor_rest(cursor, &run, 0);
    lp_cursor_set_lag(cursor, 50);
    ring_fill(f.channel, 21, 5000, 100);
    assert_int_equal(ring_ledger(f.engine).pinned_bytes, 0);
    CHECK_OK(lp_cursor_next(cursor, 1, 0, &run));
    assert_int_equal(run.lost_lines, run.first_seq - 11);
    assert_int_equal(run.lost_since_ns, 10);
    lp_run_release(&run);
    assert_int_equal(ring_drain(cursor, 100, &lost, LP_E_AGAIN), 49);
    ring_cursor_stats(cursor);
    lp_cursor_close(cursor);
    close_ring(&f);
}

/* By then the segment where it was may be gone, or far from the oldest one; and it may
 * have to go back before that. */
static void whoever_rests_for_any_time_goes_on_where_it_was(void **state)
{
    enum { WIDTH = 300, LAG = 3000 };
    fixture f = open_ring(1000);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_cursor_place place = lp_cursor_mark(cursor);
    lp_seq next = 1, at = 1, marked = 1;

    (void)state;
    lp_cursor_set_lag(cursor, LAG);
    for (int i = 0; i < 3000; i++) {
        uint32_t fresh = chance(chance(20) == 0 ? 2 * LAG : 50);
        lp_seq expected = at;
        lp_run run;

        ring_fill(f.channel, next, next + fresh - 1, WIDTH);
        next += fresh;
        if (next > LAG && next - LAG > expected)
            expected = next - LAG;
        if (ring_stats(f.channel).oldest_seq > expected)
            expected = ring_stats(f.channel).oldest_seq;
        if (lp_cursor_next(cursor, chance(100), 0, &run) == LP_OK) {
            assert_int_equal(run.first_seq, expected);
            assert_int_equal(run.lost_lines, expected - at);
            ring_check_run(&run, WIDTH);
            at = expected + chance(run.line_count + 1);
        } else {
            assert_int_equal(at, next);
        }
        lp_cursor_rest(cursor, &run, (uint32_t)(at - expected));
        if (chance(10) == 0) {
            place = lp_cursor_mark(cursor);
            marked = at;
        } else if (chance(10) == 0) {
            lp_cursor_rewind(cursor, &place);
            at = marked;
        }
    }
    ring_cursor_stats(cursor);
    lp_cursor_close(cursor);
    close_ring(&f);
}

static void what_is_read_again_is_the_same_with_the_same_account(void **state)
{
    fixture f = open_ring(10);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_cursor_place place;
    lp_run first, again;
    lp_seq oldest;

    (void)state;
    ring_fill(f.channel, 1, 5, 100);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &first));
    lp_run_release(&first);
    lp_cursor_rest(cursor, &first, 0);
    lp_cursor_set_lag(cursor, 100);
    ring_fill(f.channel, 6, 5000, 100);
    place = lp_cursor_mark(cursor);
    assert_int_equal(place.seq, 6);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(lp_cursor_next(cursor, 7, 0, &again));
        assert_int_equal(again.first_seq, 4901);
        assert_int_equal(again.lost_lines, 4895);
        assert_int_equal(again.lost_since_ns, 5);
        ring_check_run(&again, 100);
        assert_int_equal(ring_cursor_stats(cursor).delivered_lines, 12);
        assert_int_equal(ring_cursor_stats(cursor).lost_lines, 4895);
        lp_run_release(&again);
        lp_cursor_rewind(cursor, &place);
        assert_int_equal(ring_cursor_stats(cursor).delivered_lines, 5);
        assert_int_equal(ring_cursor_stats(cursor).lost_lines, 0);
    }
    ring_fill(f.channel, 5001, 6000, 100);
    oldest = ring_stats(f.channel).oldest_seq;
    assert_true(oldest > 4901);
    CHECK_OK(lp_cursor_next(cursor, 7, 0, &again));
    assert_int_equal(again.first_seq, 5901);
    assert_int_equal(again.lost_lines, 5895);
    lp_run_release(&again);
    lp_cursor_close(cursor);
    close_ring(&f);
}

static void what_is_not_confirmed_stays_wanted(void **state)
{
    fixture f = open_ring(10);
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor_place start;
    lp_cursor *cursor;
    uint64_t lost = 0;

    (void)state;
    opt.confirms = 1;
    CHECK_OK(lp_cursor_open(f.channel, &opt, &cursor));
    start = lp_cursor_mark(cursor);
    ring_fill(f.channel, 1, 5000, 100);
    assert_int_equal(ring_drain(cursor, 100, &lost, LP_E_AGAIN), 5000);
    ring_fill(f.channel, 5001, 6000, 100);
    lp_cursor_rewind(cursor, &start);
    assert_int_equal(ring_drain(cursor, 100, &lost, LP_E_AGAIN), 6000);
    assert_int_equal(lost, 0);
    lp_cursor_confirm(cursor, 5901);
    ring_fill(f.channel, 6001, 7000, 100);
    assert_true(ring_stats(f.channel).oldest_seq > 3000);
    assert_true(ring_stats(f.channel).oldest_seq <= 5901);
    lp_cursor_close(cursor);
    close_ring(&f);
}

static void readers_of_a_closed_channel_read_to_its_end(void **state)
{
    fixture f = open_ring(0);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t lost = 0;

    (void)state;
    ring_fill(f.channel, 1, 3000, 100);
    lp_channel_ref(f.channel);
    lp_channel_close(f.channel);
    assert_int_equal(ring_drain(cursor, 100, &lost, LP_E_CLOSED) + lost, 3000);
    assert_true(ring_stats(f.channel).held_bytes > 0);
    lp_cursor_close(cursor);
    assert_int_equal(ring_stats(f.channel).held_bytes, 0);
    assert_int_equal(ring_ledger(f.engine).channels, 1);
    lp_channel_unref(f.channel);
    assert_int_equal(ring_ledger(f.engine).channels, 0);
    lp_engine_destroy(f.engine);
}

static void ring_the_bell(void *ctx)
{
    (*(int *)ctx)++;
}

static lp_cursor *open_belled(lp_channel *channel, int *bell)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;

    opt.on_ready = ring_the_bell;
    opt.ready_ctx = bell;
    CHECK_OK(lp_cursor_open(channel, &opt, &cursor));
    return cursor;
}

static void an_armed_reader_is_called_once(void **state)
{
    fixture f = open_ring(0);
    int bell = 0, other_bell = 0;
    lp_cursor *cursor = open_belled(f.channel, &bell);
    lp_cursor *other = open_belled(f.channel, &other_bell);
    lp_run run;

    (void)state;
    ring_fill(f.channel, 1, 1, 100);
    assert_int_equal(bell, 0);
    CHECK_ERR(lp_cursor_arm(cursor), LP_E_AGAIN);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    lp_run_release(&run);
    CHECK_OK(lp_cursor_arm(cursor));
    CHECK_OK(lp_cursor_arm(cursor));
    ring_fill(f.channel, 2, 4, 100);
    assert_int_equal(bell, 1);
    assert_int_equal(other_bell, 0);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.line_count, 3);
    lp_run_release(&run);
    CHECK_OK(lp_cursor_arm(cursor));
    lp_cursor_close(cursor);
    ring_fill(f.channel, 5, 5, 100);
    assert_int_equal(bell, 1);
    CHECK_OK(lp_cursor_next(other, 0, 0, &run));
    lp_run_release(&run);
    CHECK_OK(lp_cursor_arm(other));
    lp_channel_close(f.channel);
    assert_int_equal(other_bell, 1);
    CHECK_ERR(lp_cursor_next(other, 0, 0, &run), LP_E_CLOSED);
    CHECK_ERR(lp_cursor_arm(other), LP_E_AGAIN);
    lp_cursor_close(other);
    lp_engine_destroy(f.engine);
}

/* At the ceiling, where all memory is of runs that are held, a ring may have no line
 * left: then there is nothing to read but a loss, and who comes back to it waits. */
static void who_comes_back_to_an_empty_ring_waits_for_a_line(void **state)
{
    enum { RUNS = 1000 };
    static lp_run runs[RUNS];
    lp_engine *engine = ring_engine(64 << 10);
    lp_channel *channel = ring_channel(engine, 100000, 0);
    lp_cursor *holder = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor_place start;
    lp_cursor *cursor;
    char text[256];
    int rung = 0;
    uint64_t n = 0;
    lp_run run;

    (void)state;
    opt.confirms = 1;
    opt.on_ready = ring_the_bell;
    opt.ready_ctx = &rung;
    CHECK_OK(lp_cursor_open(channel, &opt, &cursor));
    start = lp_cursor_mark(cursor);
    while (n < RUNS && ring_append(channel, text, ring_text(n + 1, 200, text),
                                   (int64_t)n + 1) == LP_OK)
        CHECK_OK(lp_cursor_next(holder, 0, 0, &runs[n++]));
    assert_true(n < RUNS);
    assert_int_equal(ring_stats(channel).resident_lines, 0);

    CHECK_ERR(lp_cursor_next(cursor, 0, 0, &run), LP_E_AGAIN);
    assert_int_equal(run.lost_lines, n);
    lp_cursor_rewind(cursor, &start);
    CHECK_OK(lp_cursor_arm(cursor));
    while (n > 0)
        lp_run_release(&runs[--n]);
    lp_cursor_close(holder);
    n = ring_stats(channel).appended_lines;
    assert_int_equal(rung, 0);
    ring_fill(channel, n + 1, n + 1, 200);
    assert_int_equal(rung, 1);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.lost_lines, n);
    assert_int_equal(run.first_seq, n + 1);
    lp_run_release(&run);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void arming_without_a_bell_is_refused(void **state)
{
    fixture f = open_ring(0);
    lp_cursor *cursor =
        ring_cursor(f.channel, LP_START_OLDEST, 0, LP_STOP_NEVER);

    (void)state;
    CHECK_ERR(lp_cursor_arm(cursor), LP_E_INVALID);
    lp_cursor_close(cursor);
    lp_cursor_close(NULL);
    close_ring(&f);
}

static void the_ledger_adds_up_what_is_gone_too(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *a = ring_channel(engine, 0, 0);
    lp_channel *b = ring_channel(engine, 100, 0);
    lp_cursor *cursor = ring_cursor(a, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t lost = 0;
    lp_ledger ledger;

    (void)state;
    ring_fill(a, 1, 100, 100);
    ring_fill(b, 1, 3000, 100);
    assert_int_equal(ring_drain(cursor, 100, &lost, LP_E_AGAIN), 100);
    ledger = ring_ledger(engine);
    assert_int_equal(ledger.appended_lines, 3100);
    assert_int_equal(ledger.delivered_lines, 100);
    assert_int_equal(ledger.channels, 2);
    assert_int_equal(ledger.cursors, 1);
    lp_cursor_close(cursor);
    lp_channel_close(a);
    ledger = ring_ledger(engine);
    assert_int_equal(ledger.appended_lines, 3100);
    assert_int_equal(ledger.delivered_lines, 100);
    assert_int_equal(ledger.channels, 1);
    assert_int_equal(ledger.resident_lines, ring_stats(b).resident_lines);
    lp_channel_close(b);
    ledger = ring_ledger(engine);
    assert_int_equal(ledger.appended_lines, 3100);
    assert_int_equal(ledger.resident_lines, 0);
    lp_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_start_begins_where_it_says),
        cmocka_unit_test(a_start_in_an_empty_ring_waits_for_its_first_line),
        cmocka_unit_test(a_start_at_a_line_that_is_gone_counts_it_as_lost),
        cmocka_unit_test(a_start_in_another_epoch_begins_at_the_oldest_line),
        cmocka_unit_test(a_stop_is_kept_while_lines_go_on),
        cmocka_unit_test(what_the_ring_forgot_is_counted_to_the_line),
        cmocka_unit_test(a_lag_limit_jumps_and_counts),
        cmocka_unit_test(a_lagging_reader_with_a_limit_keeps_no_more_than_it),
        cmocka_unit_test(runs_respect_lines_and_bytes),
        cmocka_unit_test(a_run_outlives_its_ring_cursor_and_channel),
        cmocka_unit_test(
            a_reader_at_rest_pins_nothing_and_goes_on_where_it_was),
        cmocka_unit_test(whoever_rests_for_any_time_goes_on_where_it_was),
        cmocka_unit_test(what_is_read_again_is_the_same_with_the_same_account),
        cmocka_unit_test(what_is_not_confirmed_stays_wanted),
        cmocka_unit_test(readers_of_a_closed_channel_read_to_its_end),
        cmocka_unit_test(an_armed_reader_is_called_once),
        cmocka_unit_test(who_comes_back_to_an_empty_ring_waits_for_a_line),
        cmocka_unit_test(arming_without_a_bell_is_refused),
        cmocka_unit_test(the_ledger_adds_up_what_is_gone_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
