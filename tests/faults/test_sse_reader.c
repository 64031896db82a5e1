/* The accountant of the tails is held to account: what breaks a rule is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sse_reader.h"

#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LINE(id, number) \
    "id: 7:" id "\ndata: 2026-01-02T03:04:05Z app[web.1]: line " number "\n\n"
#define GAP(id, lost)                                          \
    "event: gap\nid: 7:" id "\ndata: {\"lost\":" lost "}\n\n"  \
    "id: 7:" id "\ndata: NOW logplex[1]: Error L11 -> dropped" \
    "\n\n"

// In chunks of chunk_bytes, fed in pieces of piece_bytes.
static sse_reader read_cut(const char *events, size_t chunk_bytes,
                           size_t piece_bytes)
{
    sse_reader r = {0};
    char answer[8192] = HEAD;
    size_t len_bytes = strlen(answer);
    size_t left_bytes = strlen(events);

    while (left_bytes > 0) {
        size_t n = left_bytes < chunk_bytes ? left_bytes : chunk_bytes;

        len_bytes +=
            (size_t)snprintf(answer + len_bytes, sizeof(answer) - len_bytes,
                             "%zx\r\n%.*s\r\n", n, (int)n, events);
        events += n;
        left_bytes -= n;
    }
    sse_reader_connect(&r);
    for (size_t at = 0; at < len_bytes; at += piece_bytes)
        sse_reader_feed(&r, answer + at,
                        len_bytes - at < piece_bytes ? len_bytes - at
                                                     : piece_bytes);
    return r;
}

static sse_reader read_all(const char *events)
{
    return read_cut(events, 4096, 4096);
}

static void lines_and_gaps_add_up_however_they_are_cut(void **state)
{
    static const char events[] = "retry: 1000\n\n" LINE("40", "0")
        LINE("41", "1") ":\n\n" GAP("44", "3") LINE("45", "5");

    (void)state;
    for (size_t chunk = 1; chunk < sizeof(events); chunk += 3) {
        for (size_t piece = 1; piece < 300; piece += 7) {
            sse_reader r = read_cut(events, chunk, piece);

            assert_false(r.is_wrong);
            assert_int_equal(r.lines, 2);
            assert_int_equal(r.lost_lines, 3);
            assert_int_equal(r.gaps, 1);
            assert_int_equal(r.position - r.first_seq, 5);
        }
    }
}

static void an_event_counts_when_its_empty_line_has_come(void **state)
{
    static const char tail[] = "5\r\nid: 7\r\n"
                               "8\r\n:41\ndata\r\n";
    sse_reader r = read_all(LINE("40", "0"));

    (void)state;
    sse_reader_feed(&r, tail, sizeof(tail) - 1);
    assert_true(sse_reader_is_inside(&r));
    assert_int_equal(r.lines, 0);
    sse_reader_connect(&r);
    sse_reader_feed(&r, HEAD "1000\r\n" LINE("41", "1"),
                    sizeof(HEAD "1000\r\n" LINE("41", "1")) - 1);
    assert_false(r.is_wrong);
    assert_int_equal(r.lines, 1);
}

static void what_breaks_a_rule_is_seen(void **state)
{
    static const char *const wrong[] = {
        LINE("40", "0") LINE("40", "0"),                  // repeated
        LINE("40", "0") LINE("41", "1") LINE("41", "1"),  // repeated
        LINE("40", "0") LINE("42", "2"),                  // a hole untold
        LINE("40", "0") LINE("41", "2"),                  // another's line
        LINE("40", "0") GAP("43", "2"),                   // a line too few
        LINE("40", "0") GAP("43", "4"),                   // a line too many
        LINE("40", "0") GAP("40", "null"),                // no number
        LINE("40", "0") GAP("43", "3") LINE("43", "3"),   // lost, then shown
        LINE("40", "0") "id: 8:41\ndata: x]: line 1\n\n", // another epoch
        LINE("40", "0") "data: x]: line 1\n\n",           // no id
        LINE("40", "0") "id: 7:41\n\n",                   // a line left out
        LINE("40", "0") "id: 7:41\ndata: x]: line 1\ndata: y\n\n",
        LINE("40", "0") "nonsense\n\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        sse_reader r = read_all(wrong[i]);

        if (!r.is_wrong)
            fail_msg("not seen: %s", wrong[i]);
    }
}

static void an_answer_but_200_is_seen(void **state)
{
    sse_reader r = {0};

    (void)state;
    sse_reader_feed(&r, "HTTP/1.1 404 Not Found\r\n", 24);
    assert_true(r.is_wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_gaps_add_up_however_they_are_cut),
        cmocka_unit_test(an_event_counts_when_its_empty_line_has_come),
        cmocka_unit_test(what_breaks_a_rule_is_seen),
        cmocka_unit_test(an_answer_but_200_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
