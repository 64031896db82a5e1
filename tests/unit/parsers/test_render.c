/* What examples in tests/conformance can't say: parts, room and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/render.h"

typedef struct rendered {
    char bytes[16384];
    lp_render_scratch scratch;
    lp_line line;
    lp_record record;
} rendered;

static void render(rendered *out, const lp_syslog *msg, const char *host_app)
{
    size_t n = 0;

    memset(&out->line, 0, sizeof(out->line));
    assert_int_equal(
        lp_render_line(msg, lp_span_str(host_app), &out->scratch, &out->line),
        LP_OK);
    assert_true(out->line.part_count <= LP_LINE_PARTS_MAX);
    for (uint32_t i = 0; i < out->line.part_count; i++) {
        lp_span part = out->line.parts[i];

        assert_true(n + part.len_bytes <= sizeof(out->bytes));
        memcpy(out->bytes + n, part.ptr, part.len_bytes);
        n += part.len_bytes;
    }
    out->record =
        (lp_record){.bytes = {out->bytes, n}, .marks = out->line.marks};
}

static void parse(const char *text, lp_syslog *msg)
{
    assert_int_equal(lp_syslog_parse(lp_span_str(text), msg, NULL), LP_OK);
}

static void assert_span(lp_span got, const char *expected)
{
    if (!lp_span_equal(got, lp_span_str(expected))) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)got.len_bytes, got.ptr,
                 expected);
    }
}

static void a_common_message_is_stored_in_five_parts(void **state)
{
    lp_syslog msg;
    rendered out;

    (void)state;
    parse("<134>1 2012-12-10T03:00:48.123456Z vm t.x web.1 - - hello", &msg);
    render(&out, &msg, "host app ");
    assert_int_equal(out.line.part_count, 5);
    assert_int_equal(out.line.parts[0].len_bytes, 3);
    assert_ptr_equal(out.line.parts[1].ptr, msg.prefix.ptr);
    assert_ptr_equal(out.line.parts[4].ptr, msg.msg.ptr);
}

static void the_fields_of_a_record_are_where_its_marks_say(void **state)
{
    lp_syslog msg;
    rendered out;

    (void)state;
    parse("<134>1 2012-12-10T03:00:48Z vm t.x web.1 ID - hello", &msg);
    render(&out, &msg, "host app ");
    assert_int_equal(out.record.marks.pri, 134);
    assert_span(lp_record_time(&out.record), "2012-12-10T03:00:48Z");
    assert_span(lp_record_app(&out.record), "app");
    assert_span(lp_record_procid(&out.record), "web.1");
    assert_span(lp_record_msg(&out.record), "hello");
    assert_span(lp_span_of(out.bytes + out.record.marks.host_offset, 5),
                "host ");
    assert_span(lp_span_of(out.bytes + out.record.marks.msgid_offset, 2), "- ");
}

static void a_message_of_our_own_needs_no_frame(void **state)
{
    lp_syslog msg = {.pri = 172,
                     .format = LP_SYSLOG_3164,
                     .app = LP_SPAN("heroku"),
                     .procid = LP_SPAN("logplex"),
                     .msg = LP_SPAN("Error L10")};
    rendered out;

    (void)state;
    render(&out, &msg, "");
    assert_span(out.record.bytes,
                "71 <172>1 1970-01-01T00:00:00.000000+00:00 host heroku "
                "logplex - Error L10");
    msg.time = LP_SPAN("2013-04-17T19:04:46+00:00");
    render(&out, &msg, "host app ");
    assert_span(out.record.bytes,
                "61 <172>1 2013-04-17T19:04:46+00:00 host app logplex - "
                "Error L10");
}

static void a_time_that_makes_no_sense_is_that_of_the_arrival(void **state)
{
    lp_syslog msg = {.format = LP_SYSLOG_3164, .time = LP_SPAN("soon")};
    rendered out;

    (void)state;
    render(&out, &msg, "host app ");
    assert_span(lp_record_time(&out.record),
                "1970-01-01T00:00:00.000000+00:00");
}

/* The widest fields there are, in each form that a message can have. */
static void the_widest_header_fits(void **state)
{
    char wide[LP_SYSLOG_FIELD_MAX_BYTES + 1];
    char text[8192];
    rendered out;
    lp_syslog msg;

    (void)state;
    memset(wide, 'w', sizeof(wide) - 1);
    wide[sizeof(wide) - 1] = '\0';
    for (int version = 1; version < 3; version++) {
        for (int names = 0; names < 2; names++) {
            snprintf(text, sizeof(text), "<13>%d %s %s %s %s %s - m", version,
                     wide, wide, wide, wide, wide);
            parse(text, &msg);
            render(&out, &msg, names ? "host app " : "");
            assert_span(lp_record_time(&out.record), wide);
            assert_span(lp_record_app(&out.record), names ? "app" : wide);
            assert_span(lp_record_procid(&out.record), wide);
            assert_span(lp_record_msg(&out.record), "m");
        }
    }
    snprintf(text, sizeof(text), "<13>Nov 21 00:17:52 %s %s[%s]: m", wide, wide,
             wide);
    parse(text, &msg);
    render(&out, &msg, "");
    assert_span(lp_record_app(&out.record), wide);
    assert_span(lp_record_procid(&out.record), wide);
    assert_span(lp_record_msg(&out.record), "m");
}

static void a_header_over_64_kib_is_refused(void **state)
{
    char *name = malloc(65537);
    lp_render_scratch scratch;
    lp_line line = {0};
    lp_syslog msg;

    (void)state;
    assert_non_null(name);
    memset(name, 'n', 65536);
    memcpy(name, "host ", 5);
    name[65535] = ' ';
    parse("<13>1 T h a p - - m", &msg);
    assert_int_equal(
        lp_render_line(&msg, lp_span_of(name, 65536), &scratch, &line),
        LP_E_TOOBIG);
    free(name);
}

static void a_line_over_16_mib_is_refused(void **state)
{
    lp_syslog msg = {.format = LP_SYSLOG_3164,
                     .msg = {"", 16 << 20}}; /* its bytes are not read */
    lp_render_scratch scratch;
    lp_line line = {0};

    (void)state;
    assert_int_equal(
        lp_render_line(&msg, LP_SPAN("host app "), &scratch, &line),
        LP_E_TOOBIG);
    msg.msg.len_bytes -= 1024;
    assert_int_equal(
        lp_render_line(&msg, LP_SPAN("host app "), &scratch, &line), LP_OK);
}

static void nothing_is_written_to_room_that_is_too_small(void **state)
{
    lp_syslog msg;
    rendered out;
    char room[64];

    (void)state;
    parse("<13>1 T h a p - - hello", &msg);
    render(&out, &msg, "host app ");
    for (size_t n = 0; n < 64; n++) {
        size_t tail_bytes = strlen("T app[p]: hello\n");
        size_t syslog_bytes = strlen("28 <13>1 T d.x app p - - hello\n");

        memset(room, 1, sizeof(room));
        assert_int_equal(lp_render_tail(&out.record, room, n), tail_bytes);
        assert_int_equal(room[0] == 1, n < tail_bytes);
        memset(room, 1, sizeof(room));
        assert_int_equal(
            lp_render_syslog(&out.record, LP_SPAN("d.x"), true, room, n),
            syslog_bytes);
        assert_int_equal(room[0] == 1, n < syslog_bytes);
    }
    assert_int_equal(lp_render_tail(&out.record, NULL, 0),
                     strlen("T app[p]: hello\n"));
}

static void every_pri_is_printed_as_it_is(void **state)
{
    (void)state;
    for (int pri = 0; pri < 256; pri++) {
        char text[64];
        char expected[64];
        char room[64];
        rendered out;
        lp_syslog msg;
        size_t n;

        snprintf(text, sizeof(text), "<%d>2 T h a p - - m", pri);
        snprintf(expected, sizeof(expected), "<%d>1 T d.x app p - - m\n", pri);
        parse(text, &msg);
        render(&out, &msg, "host app ");
        n = lp_render_syslog(&out.record, LP_SPAN("d.x"), false, room,
                             sizeof(room));
        assert_span(lp_span_of(room, n), expected);
    }
}

/* "LEN " is that of what stands behind it. */
static void assert_counted(const char *line, size_t line_bytes)
{
    const char *space = memchr(line, ' ', line_bytes);
    char expected[32];

    assert_non_null(space);
    snprintf(expected, sizeof(expected), "%zu",
             line_bytes - (size_t)(space + 1 - line));
    assert_span(lp_span_of(line, (size_t)(space - line)), expected);
}

/* In both forms of it; and there is nothing behind them. */
static void check_counts(const lp_syslog *msg, const char *host_app,
                         char *stored, char *sent, size_t room_bytes)
{
    lp_render_scratch scratch;
    lp_line line = {0};
    char *end = stored;
    lp_record record;
    size_t n;

    assert_int_equal(
        lp_render_line(msg, lp_span_str(host_app), &scratch, &line), LP_OK);
    for (uint32_t i = 0; i < line.part_count; i++) {
        memcpy(end, line.parts[i].ptr, line.parts[i].len_bytes);
        end += line.parts[i].len_bytes;
    }
    record = (lp_record){.bytes = {stored, (size_t)(end - stored)},
                         .marks = line.marks};
    assert_counted(stored, record.bytes.len_bytes);
    assert_span(lp_record_procid(&record), "p");
    n = lp_render_syslog(&record, LP_SPAN("d.x"), true, NULL, 0);
    assert_true(n < room_bytes);
    sent[n] = '~';
    assert_int_equal(lp_render_syslog(&record, LP_SPAN("d.x"), true, sent, n),
                     n);
    assert_counted(sent, n);
    assert_int_equal(sent[n - 1], '\n');
    assert_int_equal(sent[n], '~');
}

static void a_line_of_any_length_says_how_long_it_is(void **state)
{
    static const char header[] = "<13>1 T h a p - - ";
    const size_t most_bytes = 10000000, room_bytes = most_bytes + 100;
    char *text = malloc(3 * room_bytes);
    lp_syslog msg;

    (void)state;
    assert_non_null(text);
    memset(text, 'm', room_bytes);
    memcpy(text, header, strlen(header));
    assert_int_equal(lp_syslog_parse(lp_span_of(text, room_bytes), &msg, NULL),
                     LP_OK);
    // Both forms, with a name and without, have 19 to 23 bytes besides MSG.
    for (size_t bytes = 100; bytes <= most_bytes; bytes *= 10) {
        for (size_t besides = 18; besides < 26; besides++) {
            msg.msg.len_bytes = bytes - besides;
            check_counts(&msg, "host app ", text + room_bytes,
                         text + 2 * room_bytes, room_bytes);
            check_counts(&msg, "", text + room_bytes, text + 2 * room_bytes,
                         room_bytes);
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_common_message_is_stored_in_five_parts),
        cmocka_unit_test(the_fields_of_a_record_are_where_its_marks_say),
        cmocka_unit_test(a_message_of_our_own_needs_no_frame),
        cmocka_unit_test(a_time_that_makes_no_sense_is_that_of_the_arrival),
        cmocka_unit_test(the_widest_header_fits),
        cmocka_unit_test(a_header_over_64_kib_is_refused),
        cmocka_unit_test(a_line_over_16_mib_is_refused),
        cmocka_unit_test(nothing_is_written_to_room_that_is_too_small),
        cmocka_unit_test(every_pri_is_printed_as_it_is),
        cmocka_unit_test(a_line_of_any_length_says_how_long_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
