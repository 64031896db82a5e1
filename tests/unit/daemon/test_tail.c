/* test_tail.c - the pure parts of a tail: blocks, forms, filters. */
#include <stdlib.h>

#include "logplex/render.h"
#include "ring.h"
#include "tail/line_json.h"
#include "tail/outflow.h"
#include "tail/tail_filter.h"
#include "tail/tail_form.h"

/* Outflow ----------------------------------------------------------------- */

static void
items_come_out_in_order_and_split_only_when_larger_than_a_block(void **state)
{
    static const char *const items[] = {"a",    "bbbb",     "ccc", "",
                                        "dddd", "eeeeeeee", "f",   "ggggg"};
    static const size_t count = sizeof(items) / sizeof(items[0]);
    char block[8];

    (void)state;
    for (size_t room_bytes = 1; room_bytes <= sizeof(block); room_bytes++) {
        outflow flow = {0};
        char all[128] = "";
        size_t all_bytes = 0;
        size_t at = 0;

        while (at < count || flow.large) {
            outflow_begin(&flow, block, room_bytes);
            while (at < count &&
                   outflow_put(&flow, tail_form_note, items[at]) == OUTFLOW_OK)
                at++;
            assert_true(flow.used_bytes <= room_bytes);
            assert_true(flow.used_bytes > 0);
            memcpy(all + all_bytes, block, flow.used_bytes);
            all_bytes += flow.used_bytes;
        }
        assert_string_equal(all, "abbbbcccddddeeeeeeeefggggg");
    }
}

static void an_unsent_rest_is_given_back(void **state)
{
    outflow flow = {0};
    char block[2];

    (void)state;
    outflow_begin(&flow, block, sizeof(block));
    assert_int_equal(outflow_put(&flow, tail_form_note, "large"), OUTFLOW_OK);
    assert_non_null(flow.large);
    outflow_fini(&flow);
    assert_null(flow.large);
}

/* Lines in a ring --------------------------------------------------------- */

static void append(lp_channel *channel, const char *frame)
{
    lp_syslog msg;
    lp_render_scratch scratch;
    lp_line line = {0};

    CHECK_OK(lp_syslog_parse(lp_span_str(frame), &msg, NULL));
    CHECK_OK(lp_render_line(&msg, LP_SPAN(""), &scratch, &line));
    CHECK_OK(lp_channel_append(channel, &line, NULL));
}

typedef struct fixture {
    lp_engine *engine;
    lp_channel *channel;
} fixture;

static int open_ring(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    f->engine = ring_engine(16 << 20);
    CHECK_OK(lp_channel_open(f->engine, NULL, &f->channel));
    *state = f;
    return 0;
}

static int close_ring(void **state)
{
    fixture *f = *state;

    lp_channel_close(f->channel);
    lp_engine_destroy(f->engine);
    free(f);
    return 0;
}

/* The form of the one line in the ring, at every room it could have. */
static void check_form(fixture *f, const tail_form *form, const char *expected)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;
    lp_run run;
    tail_line line = {.epoch = 77};
    char out[512];
    size_t len_bytes = strlen(expected);

    opt.start = LP_START_LAST;
    opt.start_arg = 1;
    CHECK_OK(lp_cursor_open(f->channel, &opt, &cursor));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    line.record = lp_run_at(&run, 0);
    for (size_t room_bytes = 0; room_bytes < len_bytes; room_bytes++)
        assert_int_equal(form->line(&line, NULL, 0), len_bytes);
    for (size_t room_bytes = 0; room_bytes <= len_bytes; room_bytes++) {
        memset(out, '~', sizeof(out));
        assert_int_equal(form->line(&line, out, room_bytes), len_bytes);
        assert_int_equal(out[room_bytes], '~');
    }
    assert_memory_equal(out, expected, len_bytes);
    lp_run_release(&run);
    lp_cursor_close(cursor);
}

static void every_line_end_begins_a_data_field(void **state)
{
    fixture *f = *state;

    append(f->channel, "<1>1 T h a p - - one\ntwo\rthree\r\nfour\n\n");
    check_form(f, &tail_form_events,
               "data: T a[p]: one\ndata: two\ndata: three\n"
               "data: four\ndata: \nid: 77:1\n\n");
    append(f->channel, "<1>1 T h a p - - x\r\n");
    check_form(f, &tail_form_events, "data: T a[p]: x\nid: 77:2\n\n");
    check_form(f, &tail_form_text, "T a[p]: x\r\n");
    append(f->channel, "<1>1 T h a p - - ");
    check_form(f, &tail_form_events, "data: T a[p]: \nid: 77:3\n\n");
    check_form(f, &tail_form_text, "T a[p]: \n");
    append(f->channel, "<1>1 T h a\rb p\rq - - \r\r");
    check_form(f, &tail_form_events,
               "data: T a\ndata: b[p\ndata: q]: \ndata: \nid: 77:4\n\n");
}

/* Batches ----------------------------------------------------------------- */

static const char *json_of(lp_span text, char out[512])
{
    sink to = {out, 511, 0};

    line_json_put_string(&to, text);
    assert_true(to.used_bytes <= 511);
    out[to.used_bytes] = '\0';
    return out;
}

/* Each in front of 0 to 16 bytes that stand as they are, and behind as many. */
static void what_json_can_not_have_is_escaped_wherever_it_stands(void **state)
{
    static const struct {
        const char *bytes;
        size_t len_bytes;
        const char *json;
    } cases[] = {
        {"\0", 1, "\\u0000"},
        {"\x1f", 1, "\\u001f"},
        {"\n", 1, "\\u000a"},
        {"\x7f", 1, "\\u007f"},
        {"\"", 1, "\\\""},
        {"\\", 1, "\\\\"},
        {"\x80", 1, "\xef\xbf\xbd"},
        {"\xff\xfe", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc3\xa9", 2, "\xc3\xa9"},
        {"\xf0\x9f\xa6\x80", 4, "\xf0\x9f\xa6\x80"},
        {" ~", 2, " ~"},
    };
    static const char plain[] = "ABCDEFGHIJKLMNOP";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t before = 0; before <= 16; before++)
            for (size_t behind = 0; behind <= 16; behind++) {
                char text[64];
                char expected[128];
                char out[512];
                size_t at = before;

                memcpy(text, plain, before);
                memcpy(text + at, cases[i].bytes, cases[i].len_bytes);
                at += cases[i].len_bytes;
                memcpy(text + at, plain, behind);
                snprintf(expected, sizeof(expected), "\"%.*s%s%.*s\"",
                         (int)before, plain, cases[i].json, (int)behind, plain);
                assert_string_equal(json_of(lp_span_of(text, at + behind), out),
                                    expected);
            }
}

static void a_batch_can_be_closed_wherever_its_last_line_fitted(void **state)
{
    fixture *f = *state;
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    tail_line line = {.epoch = UINT64_MAX};
    tail_line last = {.record.seq = UINT64_MAX, .epoch = UINT64_MAX};
    lp_cursor *cursor;
    lp_run run;
    unsigned fitted = 0;

    append(f->channel, "<13>1 T h a p - - \"hello\"\r\n");
    opt.start = LP_START_OLDEST;
    CHECK_OK(lp_cursor_open(f->channel, &opt, &cursor));
    CHECK_OK(lp_cursor_next(cursor, 0, 0, &run));
    line.record = lp_run_at(&run, 0);
    line.record.arrival_ns = INT64_C(1764130500000012345);
    for (size_t room_bytes = 0; room_bytes < 256; room_bytes++) {
        char out[256];
        size_t used = tail_form_batches.line(&line, out, room_bytes);

        if (used > room_bytes)
            continue;
        fitted++;
        used += tail_form_batches.close(&last, out + used, room_bytes - used);
        assert_true(used <= room_bytes);
        out[used] = '\0';
        assert_string_equal(
            out, "event: lines\ndata: [{\"seq\":1,\"t\":1764130500.000012,"
                 "\"time\":\"T\",\"source\":\"a\",\"process\":\"p\","
                 "\"severity\":5,\"text\":\"\\\"hello\\\"\"}]\nid: "
                 "18446744073709551615:18446744073709551615\n\n");
    }
    assert_true(fitted > 0);
    lp_run_release(&run);
    lp_cursor_close(cursor);
}

/* Notes ------------------------------------------------------------------- */

static void a_gap_is_told_to_programs_and_to_people(void **state)
{
    tail_gap gap = {.lost_lines = 12,
                    .since_ns = INT64_C(1000000000),
                    .epoch = 5,
                    .before_seq = 33};
    char out[TAIL_NOTE_MAX_BYTES];

    (void)state;
    tail_form_events.gap(&gap, INT64_C(2000000000), out);
    assert_string_equal(
        out, "event: gap\nid: 5:32\n"
             "data: {\"lost\":12,\"since\":\"1970-01-01T00:00:01+00:00\"}\n\n"
             "id: 5:32\ndata: 1970-01-01T00:00:02+00:00 logplex[1]: Error L11 "
             "(Tail buffer overflow) -> This tail session dropped 12 messages "
             "since 1970-01-01T00:00:01+00:00.\n\n");
    tail_form_text.gap(&gap, INT64_C(2000000000), out);
    assert_string_equal(
        out, "1970-01-01T00:00:02+00:00 logplex[1]: Error L11 (Tail buffer "
             "overflow) -> This tail session dropped 12 messages since "
             "1970-01-01T00:00:01+00:00.\n");
}

static void the_longest_gap_has_room(void **state)
{
    tail_gap gap = {.lost_lines = UINT64_MAX,
                    .since_ns = INT64_MAX,
                    .epoch = UINT64_MAX,
                    .before_seq = UINT64_MAX,
                    .is_filtered = true};
    char out[TAIL_NOTE_MAX_BYTES];

    (void)state;
    tail_form_events.gap(&gap, INT64_MAX, out);
    assert_string_equal(out + strlen(out) - 3, ".\n\n");
    gap.is_unknown = true;
    tail_form_events.gap(&gap, INT64_MAX, out);
    assert_non_null(strstr(out, "{\"lost\":null,"));
    assert_string_equal(out + strlen(out) - 3, ".\n\n");
}

static void what_may_not_be_followed_says_l20_and_why(void **state)
{
    char out[TAIL_NOTE_MAX_BYTES];

    (void)state;
    tail_form_text.farewell("Tails are off", true, 0, out);
    assert_string_equal(out, "1970-01-01T00:00:00+00:00 Logplex: Error L20 "
                             "(Tail sessions forbidden) Tails are off.\n");
    tail_form_events.farewell("Tails are off", true, 0, out);
    assert_string_equal(
        out, "data: 1970-01-01T00:00:00+00:00 Logplex: Error L20 (Tail "
             "sessions forbidden) Tails are off.\n\n");
}

static void only_two_numbers_and_a_colon_are_an_id(void **state)
{
    static const char *const wrong[] = {"",
                                        ":",
                                        "1:",
                                        ":1",
                                        "1",
                                        "1:2:3",
                                        "1:2 ",
                                        " 1:2",
                                        "a:1",
                                        "-1:2",
                                        "+1:2",
                                        "1:0x2",
                                        "1,2",
                                        "1:2\n",
                                        "18446744073709551616:1",
                                        "1:99999999999999999999"};
    uint64_t epoch;
    lp_seq seq;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(tail_form_parse_id(lp_span_str(wrong[i]), &epoch, &seq));
    assert_true(
        tail_form_parse_id(LP_SPAN("18446744073709551615:7"), &epoch, &seq));
    assert_int_equal(epoch, UINT64_MAX);
    assert_int_equal(seq, 7);
}

/* Filters ----------------------------------------------------------------- */

/* Line n is of app a or b, and of process p.0 to p.6. */
static void fill(fixture *f, unsigned lines)
{
    for (unsigned i = 1; i <= lines; i++) {
        char frame[64];

        snprintf(frame, sizeof(frame), "<1>1 T h %s p.%u - - x",
                 i % 5 == 0 ? "b" : "a", i % 7);
        append(f->channel, frame);
    }
}

static lp_seq scan(fixture *f, const tail_filter *filter, uint64_t want_lines,
                   uint32_t step_lines)
{
    tail_scan *at;
    lp_seq start;
    lp_seq stop;

    CHECK_OK(tail_scan_open(f->channel, want_lines, &at));
    append(f->channel, "<1>1 T h b p.3 - - later");
    while (tail_scan_step(at, filter, step_lines, &start, &stop) == LP_E_AGAIN)
        ;
    tail_scan_close(at);
    assert_true(start <= stop);
    return start;
}

static void history_begins_at_the_nth_match_from_the_end(void **state)
{
    fixture *f = *state;
    tail_filter by_source = {NULL, LP_SPAN("b"), LP_SPAN("")};
    tail_filter by_both = {NULL, LP_SPAN("b"), LP_SPAN("p.3")};

    fill(f, 1000);
    // 5 divides 1000, and of these the newest of p.3 are 990, 955, 920 ...
    assert_int_equal(scan(f, &by_source, 1, 4096), 1000);
    assert_int_equal(scan(f, &by_source, 1, 1), 1001);
    assert_int_equal(scan(f, &by_source, 4, 3), 995);
    assert_int_equal(scan(f, &by_both, 4, 64), 990);
    assert_int_equal(scan(f, &by_both, 6, 64), 955);
    assert_int_equal(scan(f, &by_both, 100000, 64), 10);
}

static void with_no_match_history_begins_behind_all_lines(void **state)
{
    fixture *f = *state;
    tail_filter none = {NULL, LP_SPAN("c"), LP_SPAN("")};

    assert_int_equal(scan(f, &none, 5, 10), 1);
    fill(f, 100);
    assert_int_equal(scan(f, &none, 5, 10), 102);
}

static void a_process_is_its_name_or_what_is_before_the_dot(void **state)
{
    fixture *f = *state;
    tail_filter filter = {NULL, LP_SPAN(""), LP_SPAN("web")};

    append(f->channel, "<1>1 T h a website - - x");
    append(f->channel, "<1>1 T h a we - - x");
    append(f->channel, "<1>1 T h a web - - x");
    append(f->channel, "<1>1 T h a web.1 - - x");
    append(f->channel, "<1>1 T h a worker.web - - x");
    assert_int_equal(scan(f, &filter, 1, 10), 4);
    assert_int_equal(scan(f, &filter, 2, 10), 3);
    assert_int_equal(scan(f, &filter, 3, 10), 3);
}

int main(void)
{
#define WITH_RING(test) \
    cmocka_unit_test_setup_teardown(test, open_ring, close_ring)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            items_come_out_in_order_and_split_only_when_larger_than_a_block),
        cmocka_unit_test(an_unsent_rest_is_given_back),
        WITH_RING(every_line_end_begins_a_data_field),
        cmocka_unit_test(what_json_can_not_have_is_escaped_wherever_it_stands),
        WITH_RING(a_batch_can_be_closed_wherever_its_last_line_fitted),
        cmocka_unit_test(a_gap_is_told_to_programs_and_to_people),
        cmocka_unit_test(the_longest_gap_has_room),
        cmocka_unit_test(what_may_not_be_followed_says_l20_and_why),
        cmocka_unit_test(only_two_numbers_and_a_colon_are_an_id),
        WITH_RING(history_begins_at_the_nth_match_from_the_end),
        WITH_RING(with_no_match_history_begins_behind_all_lines),
        WITH_RING(a_process_is_its_name_or_what_is_before_the_dot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
