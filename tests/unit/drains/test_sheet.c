/* test_sheet.c - lines rendered once for several drains, and who of them goes
 * first. */
#include <stdlib.h>
#include <string.h>

#include "logplex/render.h"
#include "ring.h"
#include "sheet.h"

enum { LINES = 300, LINE_BYTES = 120, ROOM_BYTES = 1 << 20 };

/* 38 bytes, as those of the daemon, and others. */
#define TOKEN_A "d.aaaaaaaa-0000-1111-2222-333333333333"
#define TOKEN_B "d.bbbbbbbb-4444-5555-6666-777777777777"
#define SHORT_A "d.a"
#define SHORT_B "d.b"
#define LONG_A  TOKEN_A TOKEN_A
#define LONG_B  TOKEN_B TOKEN_B

static char expected[ROOM_BYTES];

typedef struct fixture {
    lp_engine *engine;
    lp_channel *channel;
    lp_drains set;
    lpi_sheets *sheets;
    lpi_taken taken;
} fixture;

static void say(lp_channel *channel, uint64_t n)
{
    lp_syslog msg = {.pri = (uint8_t)(n % 192), .format = LP_SYSLOG_3164};
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = (int64_t)n};
    char text[LINE_BYTES * 2];
    size_t text_bytes = n % LINE_BYTES;

    memset(text, 'x', sizeof(text));
    text[text_bytes / 2] = '\n';
    msg.app = LP_SPAN("app");
    msg.procid = LP_SPAN("web.1");
    msg.msg = lp_span_of(text, text_bytes);
    CHECK_OK(lp_render_line(&msg, lp_span_of(NULL, 0), &scratch, &line));
    CHECK_OK(lp_channel_append(channel, &line, NULL));
}

/* A channel with so many drains, and its lines. */
static void begin(fixture *f, unsigned drains)
{
    const lpi_limits limits = {
        .bytes_max = ROOM_BYTES, .lines_max = LINES, .is_copied = true};
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;

    memset(f, 0, sizeof(*f));
    f->engine = ring_engine(0);
    f->channel = ring_channel(f->engine, LINES, 1 << 20);
    for (uint64_t n = 1; n <= LINES; n++)
        say(f->channel, n);
    opt.start = LP_START_OLDEST;
    CHECK_OK(lp_cursor_open(f->channel, &opt, &cursor));
    CHECK_OK(lpi_take(cursor, &limits, &f->taken));
    assert_int_equal(f->taken.batch.line_count, LINES);
    lp_cursor_close(cursor);
    f->sheets = lpi_sheets_of(&f->set);
    assert_non_null(f->sheets);
    while (drains-- > 0)
        lpi_sheets_enter(f->sheets, f->channel);
}

static void end(fixture *f)
{
    lpi_sheets_free(f->sheets);
    lpi_let_go(f->taken.runs, f->taken.held_count);
    lp_channel_close(f->channel);
    lp_engine_destroy(f->engine);
}

static lp_drain *drain_of(fixture *f, const char *token)
{
    lp_drain *drain = calloc(1, sizeof(*drain));

    assert_non_null(drain);
    drain->ring = f->channel;
    drain->token_bytes = strlen(token);
    memcpy(drain->token, token, drain->token_bytes);
    return drain;
}

/* Line by line, as each would be rendered alone. */
static size_t render_all(const lp_drain_batch *batch, lp_span token,
                         bool is_counted)
{
    size_t at = 0;

    for (uint32_t r = 0; r < batch->run_count; r++)
        for (uint32_t i = 0; i < batch->runs[r].line_count; i++) {
            lp_record record = lp_run_at(&batch->runs[r], i);
            size_t begin = at;

            at += lp_render_syslog(&record, token, is_counted, expected + at,
                                   sizeof(expected) - at);
            for (size_t b = begin; !is_counted && b + 1 < at; b++)
                if (expected[b] == '\n')
                    expected[b] = ' ';
        }
    return at;
}

/* Returns what was rendered, which is as it should be. */
static lpi_rendered render(fixture *f, const char *token,
                           const lp_drain_batch *batch, bool is_counted)
{
    lp_drain *drain = drain_of(f, token);
    size_t bytes = render_all(batch, lp_drain_token(drain), is_counted);
    lpi_rendered out;
    size_t sum_bytes = 0;

    assert_true(lpi_sheets_render(f->sheets, drain, batch, is_counted, &out));
    assert_int_equal(out.bytes, bytes);
    assert_memory_equal(out.text, expected, bytes);
    for (uint32_t i = out.first; i < out.first + batch->line_count; i++)
        sum_bytes += out.ends->begins_at[i + 1] - out.ends->begins_at[i];
    assert_int_equal(sum_bytes, bytes);
    free(drain);
    return out;
}

/* Some of its lines, which lie in one run. */
static lp_drain_batch part_of(const lp_drain_batch *whole, uint32_t first,
                              uint32_t lines, lp_run *run)
{
    lp_drain_batch part = *whole;

    *run = lp_run_part(&whole->runs[0], first, lines);
    part.runs = run;
    part.run_count = 1;
    part.line_count = lines;
    part.bytes = run->bytes.len_bytes;
    part.first_seq = run->first_seq;
    part.last_seq = run->first_seq + lines - 1;
    return part;
}

/* Sheets ------------------------------------------------------------------ */

static void who_sends_the_same_only_puts_its_token(void **state)
{
    static const char *const pairs[][2] = {
        {TOKEN_A, TOKEN_B}, {SHORT_A, SHORT_B}, {LONG_A, LONG_B}};
    fixture f;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (int counted = 0; counted < 2; counted++) {
            lpi_rendered a, b;

            begin(&f, 2);
            a = render(&f, pairs[i][0], &f.taken.batch, counted);
            b = render(&f, pairs[i][1], &f.taken.batch, counted);
            assert_ptr_equal(a.text, b.text);
            end(&f);
        }
}

static void some_of_the_lines_are_found_in_the_middle(void **state)
{
    fixture f;
    lp_run run;
    lp_drain_batch part;
    lpi_rendered all, some;

    (void)state;
    begin(&f, 2);
    part = part_of(&f.taken.batch, 3, 7, &run);
    all = render(&f, TOKEN_A, &f.taken.batch, true);
    some = render(&f, TOKEN_B, &part, true);
    assert_ptr_equal(some.text, all.text + all.ends->begins_at[3]);
    end(&f);
}

static void another_form_is_rendered_anew(void **state)
{
    fixture f;
    lp_run run;
    lp_drain_batch part;
    lpi_rendered all;

    (void)state;
    begin(&f, 3);
    part = part_of(&f.taken.batch, 3, 7, &run);
    all = render(&f, TOKEN_A, &f.taken.batch, true);
    assert_ptr_not_equal(render(&f, SHORT_A, &part, true).text,
                         all.text + all.ends->begins_at[3]);
    assert_ptr_not_equal(render(&f, TOKEN_B, &part, false).text,
                         all.text + all.ends->begins_at[3]);
    end(&f);
}

/* Lines 1 to 3 and 5 to 7 have the numbers of a batch of 1 to 7, which has one
 * more. */
static void lines_with_gaps_are_nobody_elses(void **state)
{
    fixture f;
    lp_run runs[2];
    lp_drain_batch gap;
    lpi_rendered first, second;

    (void)state;
    begin(&f, 2);
    gap = part_of(&f.taken.batch, 0, 3, &runs[0]);
    runs[1] = lp_run_part(&f.taken.batch.runs[0], 4, 3);
    gap.run_count = 2;
    gap.line_count = 6;
    gap.bytes += runs[1].bytes.len_bytes;
    gap.last_seq = runs[1].first_seq + 2;
    first = render(&f, TOKEN_A, &gap, true);
    gap = part_of(&f.taken.batch, 0, 6, &runs[0]);
    second = render(&f, TOKEN_B, &gap, true);
    assert_int_not_equal(first.bytes, second.bytes);
    end(&f);
}

static void what_all_have_used_is_written_over(void **state)
{
    fixture f;
    lp_run run;
    lp_drain_batch part;
    lpi_rendered a;

    (void)state;
    begin(&f, 1);
    part = part_of(&f.taken.batch, 3, 7, &run);
    a = render(&f, TOKEN_A, &f.taken.batch, true);
    assert_ptr_equal(render(&f, TOKEN_A, &part, false).text, a.text);
    lpi_sheets_enter(f.sheets, f.channel);
    a = render(&f, TOKEN_A, &f.taken.batch, true);
    assert_ptr_not_equal(render(&f, TOKEN_A, &part, false).text, a.text);
    lpi_sheets_leave(f.sheets, f.channel);
    lpi_sheets_leave(f.sheets, f.channel);
    end(&f);
}

static void who_holds_the_ends_has_them_when_it_is_written_over(void **state)
{
    uint32_t begins_at[LINES + 1];
    fixture f;
    lp_run run;
    lp_drain_batch part;
    lpi_ends *ends;

    (void)state;
    begin(&f, 1);
    part = part_of(&f.taken.batch, 3, 7, &run);
    ends = lpi_ends_hold(render(&f, TOKEN_A, &f.taken.batch, true).ends);
    memcpy(begins_at, ends->begins_at, sizeof(begins_at));
    render(&f, TOKEN_A, &part, false);
    lpi_sheets_free(f.sheets);
    f.sheets = NULL;
    assert_memory_equal(ends->begins_at, begins_at, sizeof(begins_at));
    assert_int_equal(ends->holders, 1);
    lpi_ends_let_go(ends);
    end(&f);
}

/* Lanes ------------------------------------------------------------------- */

static void who_is_ahead_waits_for_those_that_come(void **state)
{
    lpi_lanes *lanes = calloc(1, sizeof(*lanes));
    const lp_channel *channel = (const lp_channel *)lanes; // any address

    (void)state;
    assert_non_null(lanes);
    lanes->round = 1;
    assert_false(lpi_lanes_is_ahead(lanes, channel, 300));
    lpi_lanes_come(lanes, channel, 400);
    assert_false(lpi_lanes_is_ahead(lanes, channel, 100));
    lpi_lanes_come(lanes, channel, 200);
    lanes->round = 2;
    assert_true(lpi_lanes_is_ahead(lanes, channel, 400));
    lpi_lanes_come(lanes, channel, 400);
    assert_false(lpi_lanes_is_ahead(lanes, channel, 200));
    lanes->round = 3; // the one behind did not come: its sink is slow
    assert_false(lpi_lanes_is_ahead(lanes, channel, 400));
    lanes->round = 5; // nobody came to the fourth
    assert_false(lpi_lanes_is_ahead(lanes, channel, 900));
    lpi_lanes_come(lanes, channel, 100);
    lanes->round = 6;
    assert_true(lpi_lanes_is_ahead(lanes, channel, 100 + LPI_LANE_LINES));
    assert_false(lpi_lanes_is_ahead(lanes, channel, 101 + LPI_LANE_LINES));
    free(lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sends_the_same_only_puts_its_token),
        cmocka_unit_test(some_of_the_lines_are_found_in_the_middle),
        cmocka_unit_test(another_form_is_rendered_anew),
        cmocka_unit_test(lines_with_gaps_are_nobody_elses),
        cmocka_unit_test(what_all_have_used_is_written_over),
        cmocka_unit_test(who_holds_the_ends_has_them_when_it_is_written_over),
        cmocka_unit_test(who_is_ahead_waits_for_those_that_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
