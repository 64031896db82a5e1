/* test_channel.c - append, history, budgets, the ceiling, the account. */
#include <stdlib.h>

#include "ring.h"

static void parts_are_joined_into_one_line(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 0, 0);
    lp_line line;
    lp_append_result result;
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run;
    lp_record record;

    (void)state;
    memset(&line, 0, sizeof(line));
    line.arrival_ns = 42;
    line.marks.pri = 134;
    line.marks.msg_offset = 9;
    line.part_count = 6;
    line.parts[0] = LP_SPAN("one ");
    line.parts[1] = lp_span_of(NULL, 0);
    line.parts[2] = LP_SPAN("two ");
    line.parts[3] = LP_SPAN("t");
    line.parts[4] = LP_SPAN("hre");
    line.parts[5] = LP_SPAN("e");
    line.aside[0] = LP_SPAN("myhost ");
    line.aside[1] = LP_SPAN("ID47 [x y=\"1\"]");
    CHECK_OK(lp_channel_append(channel, &line, &result));
    assert_int_equal(result.first_seq, 1);
    assert_int_equal(result.accepted_lines, 1);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    record = lp_run_at(&run, 0);
    assert_true(lp_span_equal(record.bytes, LP_SPAN("one two three")));
    assert_true(
        lp_span_equal(record.aside, LP_SPAN("myhost ID47 [x y=\"1\"]")));
    assert_int_equal(record.marks.pri, 134);
    assert_int_equal(record.marks.msg_offset, 9);
    assert_int_equal(record.arrival_ns, 42);
    lp_run_release(&run);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* They are copied in several ways, by their length. Nothing of what is around them
 * may be. */
static void parts_of_any_length_are_joined(void **state)
{
    enum { AROUND_BYTES = 64, LENGTHS = 140 };
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 0, 0);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    char expected[LP_LINE_PARTS_MAX * LENGTHS];
    char sent[LP_LINE_PARTS_MAX][LENGTHS + 2 * AROUND_BYTES];
    lp_run run;

    (void)state;
    for (size_t i = 0; i < sizeof(expected); i++)
        expected[i] = (char)('a' + i % 23);
    for (size_t bytes = 0; bytes < LENGTHS; bytes++) {
        lp_line line = {0};

        memset(sent, '#', sizeof(sent));
        for (uint32_t i = 0; i < LP_LINE_PARTS_MAX; i++) {
            char *text = sent[i] + AROUND_BYTES;

            memcpy(text, expected + i * bytes, bytes);
            line.parts[i] = lp_span_of(text, bytes);
        }
        for (line.part_count = 1; line.part_count <= LP_LINE_PARTS_MAX;
             line.part_count++) {
            lp_span got;

            CHECK_OK(lp_channel_append(channel, &line, NULL));
            CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
            assert_int_equal(run.line_count, 1);
            got = lp_run_at(&run, 0).bytes;
            assert_int_equal(got.len_bytes, line.part_count * bytes);
            assert_memory_equal(got.ptr, expected, got.len_bytes);
            lp_run_release(&run);
        }
    }
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void neighbours_that_say_the_same_aside_share_it(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 0, 0);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_line line[4];
    lp_run run;

    (void)state;
    memset(line, 0, sizeof(line));
    for (int i = 0; i < 4; i++) {
        line[i].next = i < 3 ? &line[i + 1] : NULL;
        line[i].part_count = 1;
        line[i].parts[0] = LP_SPAN("x");
        line[i].aside[0] = i == 2 ? LP_SPAN("b ") : LP_SPAN("a ");
        line[i].aside[1] = LP_SPAN("-");
    }
    CHECK_OK(lp_channel_append(channel, line, NULL));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.line_count, 4);
    assert_ptr_equal(lp_run_at(&run, 0).aside.ptr,
                     lp_run_at(&run, 1).aside.ptr);
    assert_true(lp_span_equal(lp_run_at(&run, 1).aside, LP_SPAN("a -")));
    assert_true(lp_span_equal(lp_run_at(&run, 2).aside, LP_SPAN("b -")));
    assert_true(lp_span_equal(lp_run_at(&run, 3).aside, LP_SPAN("a -")));
    lp_run_release(&run);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void the_history_is_kept_and_little_more(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 1500, 0);
    lp_channel_stats stats;

    (void)state;
    for (uint64_t n = 0; n < 20; n++) {
        ring_fill(channel, n * 1000 + 1, (n + 1) * 1000, 200);
        stats = ring_stats(channel);
        assert_true(stats.resident_lines >= (n == 0 ? 1000 : 1500));
        // No more than an eighth, in whole segments.
        assert_true(stats.resident_lines <= 1500 + 1500 / 4);
    }
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void bytes_max_goes_before_the_history(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 1500, 64 << 10);
    lp_channel_stats stats;

    (void)state;
    ring_fill(channel, 1, 3000, 200);
    stats = ring_stats(channel);
    assert_true(stats.held_bytes <= 64 << 10);
    assert_true(stats.resident_lines > 200);
    assert_int_equal(stats.next_seq, 3001);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void a_slow_reader_keeps_lines_up_to_bytes_max(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 100, 1 << 20);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t lost = 0;

    (void)state;
    ring_fill(channel, 1, 4000, 200);
    assert_int_equal(ring_stats(channel).resident_lines, 4000);
    assert_int_equal(ring_drain(cursor, 200, &lost, LP_E_AGAIN), 4000);
    assert_int_equal(lost, 0);
    // It has caught up, so the surplus went as it left it behind.
    assert_true(ring_stats(channel).resident_lines < 1200);

    ring_fill(channel, 4001, 20000, 200);
    assert_true(ring_stats(channel).held_bytes <= 1 << 20);
    assert_true(ring_stats(channel).resident_lines > 3000);
    assert_int_equal(ring_drain(cursor, 200, &lost, LP_E_AGAIN) + lost, 16000);
    assert_true(lost > 10000);
    assert_int_equal(ring_cursor_stats(cursor).lost_lines, lost);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void closing_the_slow_reader_gives_its_surplus_up(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 100, 1 << 20);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);

    (void)state;
    ring_fill(channel, 1, 4000, 200);
    lp_cursor_close(cursor);
    assert_true(ring_stats(channel).resident_lines < 1200);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void a_line_too_large_is_left_out_and_counted(void **state)
{
    static char text[300 << 10];
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 0, 0);
    lp_line line[3];
    lp_append_result result;

    (void)state;
    memset(text, 'x', sizeof(text));
    memset(line, 0, sizeof(line));
    for (int i = 0; i < 3; i++) {
        line[i].next = i < 2 ? &line[i + 1] : NULL;
        line[i].part_count = 1;
        line[i].parts[0] = lp_span_of(text, i == 1 ? sizeof(text) : 10);
    }
    CHECK_ERR(lp_channel_append(channel, line, &result), LP_E_TOOBIG);
    assert_int_equal(result.accepted_lines, 2);
    assert_int_equal(result.too_big_lines, 1);
    assert_int_equal(result.refused_lines, 0);
    assert_int_equal(ring_stats(channel).too_big_lines, 1);
    line[1].aside[0] = line[1].parts[0]; // nor may it leave so much aside
    line[1].parts[0] = line[0].parts[0];
    CHECK_ERR(lp_channel_append(channel, line, &result), LP_E_TOOBIG);
    assert_int_equal(result.accepted_lines, 2);
    assert_int_equal(ring_stats(channel).too_big_lines, 2);
    line[0].parts[0].len_bytes = (256 << 10) - 256;
    line[0].next = NULL;
    CHECK_OK(lp_channel_append(channel, line, &result));
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void at_the_ceiling_a_channel_gives_its_own_oldest_lines(void **state)
{
    lp_engine *engine = ring_engine(512 << 10);
    lp_channel *channel = ring_channel(engine, 100000, 0);

    (void)state;
    ring_fill(channel, 1, 10000, 200);
    assert_true(ring_ledger(engine).memory_bytes <= 512 << 10);
    assert_true(ring_stats(channel).resident_lines > 1500);
    assert_int_equal(ring_stats(channel).refused_lines, 0);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void at_the_ceiling_an_aside_takes_the_room_of_the_oldest(void **state)
{
    static char text[100 << 10];
    lp_engine *engine = ring_engine(64 << 10);
    lp_channel *channel = ring_channel(engine, 100000, 0);
    lp_cursor *cursor;
    lp_line line = {.part_count = 1, .parts[0] = LP_SPAN("said\n")};
    lp_append_result result;
    uint64_t lines;
    lp_run run;

    (void)state;
    memset(text, 'x', sizeof(text));
    ring_fill(channel, 1, 1000, 200);
    lines = ring_stats(channel).resident_lines;
    cursor = ring_cursor(channel, LP_START_NEWEST, 0, LP_STOP_NEVER);
    line.aside[0] = lp_span_of(text, 8 << 10);
    line.aside[1] = LP_SPAN(" -");
    CHECK_OK(lp_channel_append(channel, &line, NULL));
    assert_true(ring_stats(channel).resident_lines < lines);
    assert_true(ring_ledger(engine).memory_bytes <= 64 << 10);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(lp_run_at(&run, 0).aside.len_bytes, (8 << 10) + 2);
    lp_run_release(&run);
    // Not even all of it would do, so nothing goes.
    lines = ring_stats(channel).resident_lines;
    line.aside[0] = lp_span_of(text, sizeof(text));
    CHECK_ERR(lp_channel_append(channel, &line, &result), LP_E_TOOBIG);
    assert_int_equal(result.too_big_lines, 1);
    assert_int_equal(ring_stats(channel).resident_lines, lines);
    line.aside[0] = line.aside[1] = lp_span_of(NULL, 0);
    CHECK_OK(lp_channel_append(channel, &line, NULL));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    assert_int_equal(run.lost_lines, 0);
    assert_int_equal(lp_run_at(&run, 0).aside.len_bytes, 0);
    lp_run_release(&run);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* All memory that is no channel's and no cursor's own is of a ring, or was. */
static void check_held(lp_engine *engine, lp_channel *channel,
                       uint64_t others_bytes)
{
    lp_ledger ledger = ring_ledger(engine);

    assert_int_equal(ring_stats(channel).held_bytes,
                     ledger.memory_bytes - ledger.pooled_bytes -
                         ledger.pinned_bytes - others_bytes);
}

/* A line of a number, and an aside that begins with it. */
static lp_err append_aside(lp_channel *channel, uint64_t n, size_t line_bytes,
                           size_t aside_bytes)
{
    static char text[1 << 17], aside[1 << 17];
    lp_line line = {.part_count = 1, .arrival_ns = (int64_t)n};

    line.parts[0] = lp_span_of(text, ring_text(n, line_bytes, text));
    ring_text(n, aside_bytes, aside);
    line.aside[0] = lp_span_of(aside, aside_bytes / 2);
    line.aside[1] =
        lp_span_of(aside + aside_bytes / 2, aside_bytes - aside_bytes / 2);
    return lp_channel_append(channel, &line, NULL);
}

/* Returns how many there are. */
static uint64_t check_asides(lp_cursor *cursor, size_t aside_bytes,
                             lp_seq *next_seq)
{
    char aside[4096];
    uint64_t lines = 0;
    lp_run run;

    while (lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
        for (uint32_t i = 0; i < run.line_count; i++) {
            lp_record record = lp_run_at(&run, i);

            ring_text((uint64_t)record.arrival_ns, aside_bytes, aside);
            assert_true(
                lp_span_equal(record.aside, lp_span_of(aside, aside_bytes)));
        }
        lines += run.line_count;
        *next_seq = run.first_seq + run.line_count;
        lp_run_release(&run);
    }
    return lines;
}

static void what_stands_aside_is_of_the_budget(void **state)
{
    enum { LINES = 4000, LINE_BYTES = 100, ASIDE_BYTES = 500 };
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, LINES, 1 << 20);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t others_bytes = ring_ledger(engine).memory_bytes;
    lp_seq next_seq = 0;
    uint64_t lines;

    (void)state;
    for (uint64_t n = 1; n <= LINES; n++) {
        CHECK_OK(append_aside(channel, n, LINE_BYTES, ASIDE_BYTES));
        assert_true(ring_stats(channel).held_bytes <= 1 << 20);
        check_held(engine, channel, others_bytes);
    }
    // Half of a segment at most is free where asides are the larger part.
    lines = check_asides(cursor, ASIDE_BYTES, &next_seq);
    assert_true(lines * ASIDE_BYTES >= (1 << 20) / 3);
    assert_int_equal(next_seq, LINES + 1);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* Memory that an aside has to itself, in a segment that is new. */
static uint64_t chunk_of(size_t aside_bytes)
{
    uint64_t chunk_bytes = 256;

    if (aside_bytes <= 52)
        return 0;
    while (chunk_bytes < aside_bytes + 20)
        chunk_bytes *= 2;
    return chunk_bytes;
}

/* The smallest segment that takes a line. */
static uint64_t block_of(size_t line_bytes)
{
    uint64_t block_bytes = 4096;

    while (block_bytes - 128 - 32 < line_bytes)
        block_bytes *= 2;
    return block_bytes;
}

/* Of each size, to rings of each size: a line is in when a ring that had nothing else
 * could have it, and else it is too big and the others stay. */
static void an_aside_is_in_whenever_there_could_be_room(void **state)
{
    static const uint32_t budgets[] = {4096, 6000, 9000, 16384, 72000, 100000};
    static const size_t widths[] = {60, 60, 60, 3000, 60, 40000, 60, 60, 5000};
    enum { WIDTHS = sizeof(widths) / sizeof(widths[0]) };
    unsigned random = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
        lp_engine *engine = ring_engine(0);
        lp_channel *channel = ring_channel(engine, 100000, budgets[i]);
        uint64_t others_bytes = ring_ledger(engine).memory_bytes;

        for (uint64_t n = 1; n <= 3000; n++) {
            size_t line_bytes = widths[n % WIDTHS];
            size_t aside_bytes =
                RING_TEXT_MIN_BYTES + (random = random * 69069 + 1) / 65536 %
                                          (n % 7 == 0 ? 66000 : 300);
            uint64_t lines = ring_stats(channel).resident_lines;

            if (block_of(line_bytes) + chunk_of(aside_bytes) <= budgets[i]) {
                CHECK_OK(append_aside(channel, n, line_bytes, aside_bytes));
            } else {
                CHECK_ERR(append_aside(channel, n, line_bytes, aside_bytes),
                          LP_E_TOOBIG);
                assert_int_equal(ring_stats(channel).resident_lines, lines);
            }
            assert_true(ring_stats(channel).held_bytes <= budgets[i]);
            check_held(engine, channel, others_bytes);
        }
        lp_channel_close(channel);
        lp_engine_destroy(engine);
    }
}

/* Each has a slot, by which it is told that a segment is no longer new. */
static void what_lines_without_a_byte_leave_aside_is_bounded(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 100000, 64 << 10);
    char aside[1000];

    (void)state;
    for (uint64_t n = 1; n <= 1000; n++) {
        lp_line line = {.part_count = 1};

        ring_text(n, sizeof(aside), aside);
        line.aside[0] = lp_span_of(aside, sizeof(aside));
        CHECK_OK(lp_channel_append(channel, &line, NULL));
        assert_true(ring_stats(channel).held_bytes <= 64 << 10);
        assert_true(n < 100 || ring_stats(channel).resident_lines > 20);
    }
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void for_an_aside_surplus_of_others_goes(void **state)
{
    lp_engine *engine = ring_engine(256 << 10);
    lp_channel *hoarder = ring_channel(engine, 10, 0);
    lp_channel *channel = ring_channel(engine, 10, 0);
    lp_cursor *cursor = ring_cursor(hoarder, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t lines;

    (void)state;
    ring_fill(hoarder, 1, 3000, 200);
    lines = ring_stats(hoarder).resident_lines;
    CHECK_OK(append_aside(channel, 1, 40, 60000)); // the ring has nothing else
    assert_int_equal(ring_stats(channel).resident_lines, 1);
    assert_true(ring_stats(hoarder).resident_lines < lines);
    lp_cursor_close(cursor);
    lp_channel_close(hoarder);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* Whoever reads keeps a segment that has left its ring, and what is beside it. */
static void what_stands_aside_is_pinned_with_its_segment(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 10, 64 << 10);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run;

    (void)state;
    CHECK_OK(append_aside(channel, 1, 100, 9000));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    lp_cursor_close(cursor);
    ring_fill(channel, 2, 200, 200);
    assert_int_equal(ring_ledger(engine).pinned_bytes, 4096 + chunk_of(9000));
    assert_int_equal(lp_run_at(&run, 0).aside.len_bytes, 9000);
    lp_run_release(&run);
    assert_int_equal(ring_ledger(engine).pinned_bytes, 0);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* Keeping, and what is about to go ----------------------------------------- */

static void what_is_kept_counts_its_segments_once(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 10, 64 << 10);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run first, second, twin;

    (void)state;
    ring_fill(channel, 1, 20, 100);
    CHECK_OK(lp_cursor_next(cursor, 5, 0, &first));
    CHECK_OK(lp_cursor_next(cursor, 5, 0, &second));
    CHECK_OK(lp_run_keep(&first, 1, 1)); // there is no other
    assert_int_equal(first.kept_bytes, 4096);
    assert_int_equal(lp_engine_kept(engine, 1), 4096);
    CHECK_OK(lp_run_keep(&second, 1, 4096)); // in the same segment
    assert_int_equal(lp_engine_kept(engine, 1), 4096);
    twin = lp_run_share(&second);
    assert_int_equal(twin.kept_bytes, 0);
    assert_int_equal(lp_run_part(&second, 1, 2).kept_bytes, 0);
    ring_fill(channel, 21, 2000, 100);
    assert_int_equal(ring_ledger(engine).kept_bytes, 4096); // evicted or not
    assert_int_equal(ring_ledger(engine).pinned_bytes, 4096);
    lp_run_release(&first);
    assert_int_equal(lp_engine_kept(engine, 1), 4096);
    lp_run_release(&second);
    assert_int_equal(lp_engine_kept(engine, 1), 0);
    ring_check_run(&twin, 100);
    lp_run_release(&twin);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void accounts_know_nothing_of_each_other(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 1000, 1 << 20);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run[3], next;

    (void)state;
    ring_fill(channel, 1, 60, 100);
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(lp_cursor_next(cursor, 5, 0, &run[i]));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &next));
    lp_run_release(&next);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &next));
    CHECK_OK(lp_run_keep(&run[0], 0, 4096));
    CHECK_OK(lp_run_keep(&run[1], 0, 4096));
    CHECK_OK(lp_run_keep(&run[2], 2, 4096)); // the same segment
    CHECK_ERR(lp_run_keep(&next, 0, 4096), LP_E_FULL);
    CHECK_OK(lp_run_keep(&next, 1, 4096));
    for (unsigned i = 0; i < LP_KEEP_ACCOUNTS; i++)
        assert_int_equal(lp_engine_kept(engine, i), 4096);
    assert_int_equal(ring_ledger(engine).kept_bytes, 3 * 4096);
    lp_run_release(&run[0]);
    lp_run_release(&run[2]);
    assert_int_equal(lp_engine_kept(engine, 0), 4096);
    assert_int_equal(lp_engine_kept(engine, 2), 0);
    lp_run_release(&run[1]);
    lp_run_release(&next);
    assert_int_equal(ring_ledger(engine).kept_bytes, 0);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void what_is_kept_goes_to_another_account(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 10, 64 << 10);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run first, second;

    (void)state;
    ring_fill(channel, 1, 20, 100);
    CHECK_OK(lp_cursor_next(cursor, 5, 0, &first));
    CHECK_OK(lp_cursor_next(cursor, 5, 0, &second)); // in the same segment
    lp_run_move(&first, 2);
    assert_int_equal(lp_engine_kept(engine, 2), 0); // as it was not kept
    CHECK_OK(lp_run_keep(&first, 1, 4096));
    CHECK_OK(lp_run_keep(&second, 1, 4096));
    lp_run_move(&first, 2);
    assert_int_equal(lp_engine_kept(engine, 1), 4096);
    assert_int_equal(lp_engine_kept(engine, 2), 4096);
    lp_run_move(&second, 2);
    lp_run_move(&second, 2);
    assert_int_equal(lp_engine_kept(engine, 1), 0);
    assert_int_equal(lp_engine_kept(engine, 2), 4096);
    lp_run_release(&first);
    assert_int_equal(lp_engine_kept(engine, 2), 4096);
    lp_run_release(&second);
    assert_int_equal(ring_ledger(engine).kept_bytes, 0);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void no_more_is_kept_than_may_be(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 1000, 1 << 20);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run first, second;

    (void)state;
    ring_fill(channel, 1, 60, 100);
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &first));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &second));
    CHECK_OK(lp_run_keep(&first, 1, 8191));
    CHECK_ERR(lp_run_keep(&second, 1, 8191), LP_E_FULL);
    assert_int_equal(second.kept_bytes, 0);
    ring_check_run(&second, 100); // held all the same
    assert_int_equal(lp_engine_kept(engine, 1), 4096);
    CHECK_OK(lp_run_keep(&second, 1, 8192));
    assert_int_equal(lp_engine_kept(engine, 1), 8192);
    CHECK_OK(lp_run_keep(&second, 1, 0)); // it is already
    lp_run_release(&second);
    lp_run_release(&first);
    assert_int_equal(lp_engine_kept(engine, 1), 0);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void what_comes_beside_a_segment_that_is_kept_counts_too(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 10, 64 << 10);
    lp_cursor *cursor = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_run run;

    (void)state;
    CHECK_OK(append_aside(channel, 1, 40, 500));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    CHECK_OK(lp_run_keep(&run, 1, 0));
    assert_int_equal(lp_engine_kept(engine, 1), 4096 + chunk_of(500));
    CHECK_OK(append_aside(channel, 2, 40, 1000));
    assert_int_equal(lp_engine_kept(engine, 1), ring_stats(channel).held_bytes);
    assert_true(lp_engine_kept(engine, 1) > 4096 + chunk_of(500));
    lp_run_release(&run);
    assert_int_equal(lp_engine_kept(engine, 1), 0);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* By memory, and not by bytes of lines: what stands aside is in it. */
static void lines_that_are_half_of_a_ring_may_go_before_long(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 1000, 64 << 10);
    lp_seq seq = 0;

    (void)state;
    assert_false(lp_channel_is_pressed(channel, 1));
    while (ring_stats(channel).held_bytes < 32 << 10) {
        assert_false(lp_channel_is_pressed(channel, 1));
        CHECK_OK(append_aside(channel, ++seq, 40, 900));
    }
    assert_true(ring_stats(channel).resident_bytes < 2000);
    assert_true(lp_channel_is_pressed(channel, 1));
    assert_false(lp_channel_is_pressed(channel, seq)); // but not the last ones
    assert_false(lp_channel_is_pressed(channel, seq + 1));
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void where_memory_is_tight_half_a_history_may_go(void **state)
{
    lp_engine *engine = ring_engine(256 << 10);
    lp_channel *channel = ring_channel(engine, 100, 0);
    lp_channel *other = ring_channel(engine, 10, 0);
    lp_cursor *cursor = ring_cursor(other, LP_START_OLDEST, 0, LP_STOP_NEVER);

    (void)state;
    ring_fill(channel, 1, 60, 40);
    assert_false(lp_channel_is_pressed(channel, 1));
    ring_fill(other, 1, 3000, 200);
    assert_true(lp_channel_is_pressed(channel, 1));
    assert_true(lp_channel_is_pressed(channel, 11));
    assert_false(lp_channel_is_pressed(channel, 12));
    lp_cursor_close(cursor);
    lp_channel_close(other);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void at_the_ceiling_surplus_of_others_goes_before_history(void **state)
{
    lp_engine *engine = ring_engine(1 << 20);
    lp_channel *hoarder = ring_channel(engine, 100, 0);
    lp_channel *channel = ring_channel(engine, 2000, 0);
    lp_cursor *cursor = ring_cursor(hoarder, LP_START_OLDEST, 0, LP_STOP_NEVER);
    uint64_t lost = 0;

    (void)state;
    ring_fill(hoarder, 1, 3500, 200);
    assert_int_equal(ring_stats(hoarder).resident_lines, 3500);
    ring_fill(channel, 1, 3000, 200);
    assert_true(ring_stats(channel).resident_lines >= 2000);
    assert_true(ring_stats(hoarder).resident_lines >= 100);
    assert_true(ring_stats(hoarder).resident_lines < 3500);
    assert_int_equal(ring_drain(cursor, 200, &lost, LP_E_AGAIN) + lost, 3500);
    assert_true(lost > 0);
    lp_cursor_close(cursor);
    lp_channel_close(hoarder);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void when_nothing_may_go_lines_are_refused_and_counted(void **state)
{
    lp_engine *engine = ring_engine(64 << 10);
    lp_channel *full = ring_channel(engine, 100000, 0);
    lp_channel *late = ring_channel(engine, 100, 0);
    lp_append_result result;
    lp_line line[2];

    (void)state;
    ring_fill(full, 1, 1000, 200);
    memset(line, 0, sizeof(line));
    line[0].next = &line[1];
    line[0].part_count = line[1].part_count = 1;
    line[0].parts[0] = line[1].parts[0] = LP_SPAN("late");
    CHECK_ERR(lp_channel_append(late, line, &result), LP_E_FULL);
    assert_int_equal(result.accepted_lines, 0);
    assert_int_equal(result.first_seq, 0);
    assert_int_equal(result.refused_lines, 2);
    assert_int_equal(ring_stats(late).refused_lines, 2);
    assert_int_equal(ring_ledger(engine).refused_lines, 2);
    lp_channel_close(full);
    CHECK_OK(lp_channel_append(late, line, &result));
    lp_channel_close(late);
    lp_engine_destroy(engine);
}

static void a_line_that_is_refused_takes_no_history_with_it(void **state)
{
    static char text[100000];
    lp_engine *engine = ring_engine(1 << 20);
    lp_channel *small = ring_channel(engine, 100000, 0);
    lp_channel *large = ring_channel(engine, 100000, 0);
    lp_channel_stats stats;

    (void)state;
    ring_fill(small, 1, 50, 200);
    ring_fill(large, 1, 6000, 200);
    CHECK_ERR(ring_append(small, text, sizeof(text), 0), LP_E_FULL);
    stats = ring_stats(small);
    assert_int_equal(stats.resident_lines, 50);
    assert_int_equal(stats.refused_lines, 1);
    lp_channel_close(large);
    lp_channel_close(small);
    lp_engine_destroy(engine);
}

static void a_line_larger_than_the_ceiling_takes_none_either(void **state)
{
    static char text[100000];
    lp_engine *engine = ring_engine(64 << 10);
    lp_channel *channel = ring_channel(engine, 100000, 0);
    lp_channel_stats stats;

    (void)state;
    ring_fill(channel, 1, 100, 200);
    CHECK_ERR(ring_append(channel, text, sizeof(text), 0), LP_E_TOOBIG);
    stats = ring_stats(channel);
    assert_int_equal(stats.resident_lines, 100);
    assert_int_equal(stats.too_big_lines, 1);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* What nobody else needs goes for readers and channels as it goes for lines. */
static void at_the_ceiling_there_is_room_for_readers_and_channels(void **state)
{
    enum { READERS = 300 };
    lp_engine *engine = ring_engine(1 << 20);
    lp_channel *hoarder = ring_channel(engine, 100, 0);
    lp_channel *channel = ring_channel(engine, 100, 0);
    lp_cursor *slow = ring_cursor(hoarder, LP_START_OLDEST, 0, LP_STOP_NEVER);
    lp_cursor *readers[READERS];
    lp_channel *channels[READERS];

    (void)state;
    ring_fill(channel, 1, 50, 200);
    ring_fill(hoarder, 1, 5000, 200);
    assert_true(ring_stats(hoarder).evicted_lines > 0); // all is used up
    for (int i = 0; i < READERS; i++) {
        readers[i] = ring_cursor(channel, LP_START_OLDEST, 0, LP_STOP_NEVER);
        channels[i] = ring_channel(engine, 100, 0);
    }
    assert_int_equal(ring_stats(channel).resident_lines, 50);
    assert_true(ring_ledger(engine).memory_bytes <= 1 << 20);
    for (int i = 0; i < READERS; i++) {
        lp_cursor_close(readers[i]);
        lp_channel_close(channels[i]);
    }
    lp_cursor_close(slow);
    lp_channel_close(hoarder);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void a_loan_counts_and_is_at_most_half_of_the_ceiling(void **state)
{
    lp_engine *engine = ring_engine(1 << 20);
    void *half, *more = NULL;

    (void)state;
    assert_int_equal(lp_engine_borrow(engine, NULL, 0, &more), LP_E_INVALID);
    CHECK_OK(lp_engine_borrow(engine, NULL, 512 << 10, &half));
    memset(half, 1, 512 << 10);
    assert_int_equal(ring_ledger(engine).borrowed_bytes, 512 << 10);
    assert_int_equal(ring_ledger(engine).memory_bytes, 512 << 10);
    assert_int_equal(lp_engine_borrow(engine, NULL, 1, &more), LP_E_FULL);
    assert_int_equal(lp_engine_borrow(engine, NULL, SIZE_MAX, &more),
                     LP_E_FULL);
    assert_null(more);
    assert_int_equal(ring_ledger(engine).borrow_refusals, 2);
    lp_engine_repay(engine, half, 512 << 10);
    lp_engine_repay(engine, NULL, 1);
    assert_int_equal(ring_ledger(engine).borrowed_bytes, 0);
    CHECK_OK(lp_engine_borrow(engine, NULL, 1, &more));
    lp_engine_repay(engine, more, 1);
    lp_engine_destroy(engine);
}

static void for_a_loan_surplus_goes_and_of_history_only_its_own(void **state)
{
    lp_engine *engine = ring_engine(1 << 20);
    lp_channel *slow = ring_channel(engine, 100, 0);
    lp_channel *own = ring_channel(engine, 100000, 0);
    lp_cursor *cursor = ring_cursor(slow, LP_START_OLDEST, 0, LP_STOP_NEVER);
    void *first, *second, *none = NULL;
    uint64_t own_lines;

    (void)state;
    ring_fill(slow, 1, 1800, 200); // far beyond its history
    ring_fill(own, 1, 1400, 200);
    own_lines = ring_stats(own).resident_lines;
    CHECK_OK(lp_engine_borrow(engine, NULL, 256 << 10, &first));
    assert_true(ring_stats(slow).resident_lines < 1800);
    assert_int_equal(ring_stats(own).resident_lines, own_lines);
    lp_cursor_close(cursor); // now nothing is surplus
    ring_fill(own, 1401, 4000, 200);
    own_lines = ring_stats(own).resident_lines;
    assert_int_equal(lp_engine_borrow(engine, NULL, 128 << 10, &none),
                     LP_E_FULL);
    assert_int_equal(ring_stats(own).resident_lines, own_lines);
    CHECK_OK(lp_engine_borrow(engine, own, 128 << 10, &second));
    assert_true(ring_stats(own).resident_lines < own_lines);
    assert_true(ring_stats(slow).resident_lines >= 100);
    assert_true(ring_ledger(engine).memory_bytes <= 1 << 20);
    lp_engine_repay(engine, first, 256 << 10);
    lp_engine_repay(engine, second, 128 << 10);
    lp_channel_close(slow);
    lp_channel_close(own);
    lp_engine_destroy(engine);
}

static void for_a_loan_no_history_goes_that_would_not_do(void **state)
{
    lp_engine *engine = ring_engine(1 << 20);
    lp_channel *large = ring_channel(engine, 100000, 0);
    lp_channel *small = ring_channel(engine, 100000, 0);
    void *none = NULL;

    (void)state;
    ring_fill(small, 1, 50, 200);
    ring_fill(large, 1, 6000, 200);
    assert_true(ring_stats(large).evicted_lines > 0); // all is used up
    assert_int_equal(lp_engine_borrow(engine, small, 256 << 10, &none),
                     LP_E_FULL);
    assert_null(none);
    assert_int_equal(ring_stats(small).resident_lines, 50);
    lp_channel_close(large);
    lp_channel_close(small);
    lp_engine_destroy(engine);
}

/* Of a ring goes what is lacking, though that is less than the whole loan. */
static void for_a_loan_a_ring_gives_what_is_lacking(void **state)
{
    const size_t loan_bytes = 380 << 10;
    lp_engine *engine = ring_engine(1 << 20);
    lp_channel *other = ring_channel(engine, 100000, 0);
    lp_channel *channel = ring_channel(engine, 100000, 0);
    void *loan = NULL;
    uint64_t lines;

    (void)state;
    ring_fill(other, 1, 1300, 200);   // some 300 KiB
    ring_fill(channel, 1, 1700, 200); // as much as the loan
    lines = ring_stats(channel).resident_lines;
    assert_int_equal(lines, 1700);
    CHECK_OK(lp_engine_borrow(engine, channel, loan_bytes, &loan));
    assert_in_range(ring_stats(channel).resident_lines, lines / 2, lines - 1);
    assert_int_equal(ring_stats(other).resident_lines, 1300);
    lp_engine_repay(engine, loan, loan_bytes);
    lp_channel_close(other);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

static void a_closed_channel_refuses_lines(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = lp_channel_ref(ring_channel(engine, 0, 0));

    (void)state;
    ring_fill(channel, 1, 3, 10);
    lp_channel_close(channel);
    CHECK_ERR(ring_append(channel, "x", 1, 0), LP_E_CLOSED);
    assert_int_equal(ring_stats(channel).refused_lines, 1);
    // Nobody can read its lines any more, although it is held.
    assert_int_equal(ring_stats(channel).held_bytes, 0);
    assert_int_equal(ring_stats(channel).evicted_lines, 3);
    lp_channel_unref(channel);
    assert_int_equal(ring_ledger(engine).appended_lines, 3);
    assert_int_equal(ring_ledger(engine).evicted_lines, 3);
    lp_engine_destroy(engine);
}

static void epochs_of_channels_differ(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *a = ring_channel(engine, 0, 0);
    lp_channel *b = ring_channel(engine, 0, 0);

    (void)state;
    assert_int_equal(lp_channel_epoch(a), 1000);
    assert_int_not_equal(lp_channel_epoch(a), lp_channel_epoch(b));
    lp_channel_close(a);
    lp_channel_close(b);
    lp_engine_destroy(engine);
}

static void all_memory_is_given_back(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel *channel = ring_channel(engine, 0, 0);
    lp_ledger ledger;

    (void)state;
    ring_fill(channel, 1, 5000, 200);
    lp_channel_close(channel);
    ledger = ring_ledger(engine);
    assert_int_equal(ledger.memory_bytes, ledger.pooled_bytes);
    assert_int_equal(ledger.pinned_bytes, 0);
    lp_engine_destroy(engine);
}

static void odd_options_are_refused(void **state)
{
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;
    lp_channel_options channel_opt = LP_CHANNEL_OPTIONS_INIT;
    lp_engine *engine = NULL;
    lp_channel *channel = NULL;

    (void)state;
    opt.segment_max_bytes = 5000;
    CHECK_ERR(lp_engine_create(&opt, &engine), LP_E_INVALID);
    opt.segment_max_bytes = 2 << 20;
    CHECK_ERR(lp_engine_create(&opt, &engine), LP_E_INVALID);
    opt.struct_bytes = 0;
    CHECK_ERR(lp_engine_create(&opt, &engine), LP_E_INVALID);
    CHECK_OK(lp_engine_create(NULL, &engine));
    channel_opt.bytes_max = 1;
    CHECK_ERR(lp_channel_open(engine, &channel_opt, &channel), LP_E_INVALID);
    CHECK_ERR(lp_channel_open(NULL, NULL, &channel), LP_E_INVALID);
    lp_engine_destroy(engine);
    lp_engine_destroy(NULL);
    lp_channel_close(NULL);
}

/* A caller that was compiled when the structs were shorter. */
static void an_older_caller_shares_what_both_know(void **state)
{
    lp_engine *engine = ring_engine(0);
    lp_channel_options opt = LP_CHANNEL_OPTIONS_INIT;
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    lp_channel *channel;

    (void)state;
    opt.struct_bytes = offsetof(lp_channel_options, bytes_max);
    opt.history_lines = 10;
    opt.bytes_max = 1; // behind what it knows of: not read
    CHECK_OK(lp_channel_open(engine, &opt, &channel));
    ring_fill(channel, 1, 3, 10);
    stats.struct_bytes = offsetof(lp_channel_stats, appended_lines);
    stats.appended_lines = 77;
    lp_channel_stats_get(channel, &stats);
    assert_int_equal(stats.struct_bytes,
                     offsetof(lp_channel_stats, appended_lines));
    assert_int_equal(stats.next_seq, 4);
    assert_int_equal(stats.appended_lines, 77);
    stats.struct_bytes = UINT32_MAX;
    lp_channel_stats_get(channel, &stats);
    assert_int_equal(stats.struct_bytes, sizeof(stats));
    assert_int_equal(stats.appended_lines, 3);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
}

/* An allocator that fails at the k-th call. */
static uint64_t calls_left;

static void *failing_alloc(void *ctx, size_t size_bytes, size_t align_bytes)
{
    (void)ctx;
    if (calls_left == 0)
        return NULL;
    calls_left--;
    return aligned_alloc(align_bytes, (size_bytes + align_bytes - 1) /
                                          align_bytes * align_bytes);
}

static void failing_free(void *ctx, void *ptr, size_t size_bytes)
{
    (void)ctx;
    (void)size_bytes;
    free(ptr);
}

static void every_allocation_may_fail(void **state)
{
    static const lp_allocator allocator = {failing_alloc, failing_free, NULL};
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;

    (void)state;
    opt.allocator = &allocator;
    for (uint64_t k = 0; k < 60; k++) {
        lp_engine *engine = NULL;
        lp_channel *channel = NULL;
        lp_cursor *cursor = NULL;
        uint64_t accepted = 0, refused = 0, lost = 0, others_bytes;

        calls_left = k;
        if (lp_engine_create(&opt, &engine) != LP_OK)
            continue;
        if (lp_channel_open(engine, NULL, &channel) == LP_OK &&
            lp_cursor_open(channel, NULL, &cursor) == LP_OK) {
            others_bytes = ring_ledger(engine).memory_bytes;
            for (uint64_t i = 0; i < 4000; i++) {
                lp_err err = i % 8 == 0
                                 ? append_aside(channel, i, 40, 200)
                                 : ring_append(channel, "0123456789", 10, 0);

                if (err == LP_OK)
                    accepted++;
                else {
                    CHECK_ERR(err, LP_E_NOMEM);
                    refused++;
                }
            }
            assert_int_equal(accepted + refused, 4000);
            assert_int_equal(ring_stats(channel).refused_lines, refused);
            check_held(engine, channel, others_bytes);
            lp_run run;
            while (lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
                accepted -= run.line_count;
                lost += run.lost_lines;
                lp_run_release(&run);
            }
            assert_int_equal(accepted, lost);
        }
        lp_cursor_close(cursor);
        lp_channel_close(channel);
        lp_engine_destroy(engine);
    }
}

static unsigned alloc_calls;

static void *counting_alloc(void *ctx, size_t size_bytes, size_t align_bytes)
{
    (void)ctx;
    alloc_calls++;
    return aligned_alloc(align_bytes, (size_bytes + align_bytes - 1) /
                                          align_bytes * align_bytes);
}

/* What small rings have left fills the pool; large ones get its place. */
static void a_ring_that_rolls_on_takes_what_it_has_given(void **state)
{
    enum { SMALL_RINGS = 2200 }; // of 4 KiB, and the pool has 8 MiB
    static const lp_allocator allocator = {counting_alloc, failing_free, NULL};
    static lp_channel *small[SMALL_RINGS];
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;
    lp_engine *engine = NULL;
    lp_channel *large;
    lp_ledger ledger = LP_LEDGER_INIT;

    (void)state;
    opt.allocator = &allocator;
    opt.memory_max_bytes = 256 << 20;
    CHECK_OK(lp_engine_create(&opt, &engine));
    for (unsigned i = 0; i < SMALL_RINGS; i++) {
        small[i] = ring_channel(engine, 0, 0);
        ring_fill(small[i], 1, 1, 200);
    }
    for (unsigned i = 0; i < SMALL_RINGS; i++)
        lp_channel_close(small[i]);
    lp_engine_ledger(engine, &ledger);
    assert_int_equal(ledger.pooled_bytes, 8 << 20);
    large = ring_channel(engine, 1500, 0);
    ring_fill(large, 1, 10000, 200);
    alloc_calls = 0;
    ring_fill(large, 10001, 20000, 200);
    assert_int_equal(alloc_calls, 0);
    lp_engine_ledger(engine, &ledger);
    assert_true(ledger.pooled_bytes <= 8 << 20);
    lp_channel_close(large);
    lp_engine_destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_joined_into_one_line),
        cmocka_unit_test(parts_of_any_length_are_joined),
        cmocka_unit_test(neighbours_that_say_the_same_aside_share_it),
        cmocka_unit_test(the_history_is_kept_and_little_more),
        cmocka_unit_test(bytes_max_goes_before_the_history),
        cmocka_unit_test(a_slow_reader_keeps_lines_up_to_bytes_max),
        cmocka_unit_test(closing_the_slow_reader_gives_its_surplus_up),
        cmocka_unit_test(a_line_too_large_is_left_out_and_counted),
        cmocka_unit_test(at_the_ceiling_a_channel_gives_its_own_oldest_lines),
        cmocka_unit_test(at_the_ceiling_an_aside_takes_the_room_of_the_oldest),
        cmocka_unit_test(what_stands_aside_is_of_the_budget),
        cmocka_unit_test(an_aside_is_in_whenever_there_could_be_room),
        cmocka_unit_test(what_lines_without_a_byte_leave_aside_is_bounded),
        cmocka_unit_test(for_an_aside_surplus_of_others_goes),
        cmocka_unit_test(what_stands_aside_is_pinned_with_its_segment),
        cmocka_unit_test(what_is_kept_counts_its_segments_once),
        cmocka_unit_test(accounts_know_nothing_of_each_other),
        cmocka_unit_test(what_is_kept_goes_to_another_account),
        cmocka_unit_test(no_more_is_kept_than_may_be),
        cmocka_unit_test(what_comes_beside_a_segment_that_is_kept_counts_too),
        cmocka_unit_test(lines_that_are_half_of_a_ring_may_go_before_long),
        cmocka_unit_test(where_memory_is_tight_half_a_history_may_go),
        cmocka_unit_test(at_the_ceiling_surplus_of_others_goes_before_history),
        cmocka_unit_test(when_nothing_may_go_lines_are_refused_and_counted),
        cmocka_unit_test(a_line_that_is_refused_takes_no_history_with_it),
        cmocka_unit_test(a_line_larger_than_the_ceiling_takes_none_either),
        cmocka_unit_test(at_the_ceiling_there_is_room_for_readers_and_channels),
        cmocka_unit_test(a_loan_counts_and_is_at_most_half_of_the_ceiling),
        cmocka_unit_test(for_a_loan_surplus_goes_and_of_history_only_its_own),
        cmocka_unit_test(for_a_loan_no_history_goes_that_would_not_do),
        cmocka_unit_test(for_a_loan_a_ring_gives_what_is_lacking),
        cmocka_unit_test(a_closed_channel_refuses_lines),
        cmocka_unit_test(epochs_of_channels_differ),
        cmocka_unit_test(all_memory_is_given_back),
        cmocka_unit_test(odd_options_are_refused),
        cmocka_unit_test(an_older_caller_shares_what_both_know),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_ring_that_rolls_on_takes_what_it_has_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
