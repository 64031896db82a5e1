/* test_http_answer.c - answers to requests, cut wherever a network may cut them:
 * where they end, and what they say to us. */
#include <string.h>

#include "http_answer.h"
#include "ring.h"

enum { NOW_S = 1760000000 }; /* 2025-10-09T08:53:20Z */

typedef struct answer_case {
    const char *text;
    lpi_answer_state state; /* behind the text */
    unsigned status;
    bool keeps_alive;
    int64_t after_s;
    bool is_over_at_end; /* of the connection, well */
} answer_case;

#define BODY(n) "Content-Length: " n "\r\n\r\n"

static const answer_case cases[] = {
    // Lengths.
    {"HTTP/1.1 200 OK\r\n" BODY("0"), LPI_ANSWER_COMPLETE, 200, true, 0, true},
    {"HTTP/1.1 200 OK\r\n" BODY("2") "ok", LPI_ANSWER_COMPLETE, 200, true, 0,
     true},
    {"HTTP/1.1 200 OK\r\n" BODY("2") "o", LPI_ANSWER_BODY, 200, true, 0, false},
    {"HTTP/1.1 200 OK\r\n" BODY("2") "ok!", LPI_ANSWER_COMPLETE, 200, false, 0,
     true},
    {"HTTP/1.1 200\r\ncontent-length:2 \r\nContent-Length: 2\r\n\r\nok",
     LPI_ANSWER_COMPLETE, 200, true, 0, true},
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", LPI_ANSWER_COMPLETE, 200, true,
     0, true},
    {"HTTP/1.1 204 No Content\r\n\r\n", LPI_ANSWER_COMPLETE, 204, true, 0,
     true},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
     LPI_ANSWER_COMPLETE, 304, true, 0, true},
    {"HTTP/1.1 200 OK\r\n\r\nwhatever", LPI_ANSWER_BODY_TO_END, 200, false, 0,
     true},
    // Which can't be.
    {"HTTP/1.1 200 OK\r\n" BODY("2x"), LPI_ANSWER_BROKEN, 200, false, 0, false},
    {"HTTP/1.1 200 OK\r\n" BODY(""), LPI_ANSWER_BROKEN, 200, false, 0, false},
    {"HTTP/1.1 200 OK\r\n" BODY("-1"), LPI_ANSWER_BROKEN, 200, false, 0, false},
    {"HTTP/1.1 200 OK\r\n" BODY("99999999999999999999"), LPI_ANSWER_BROKEN, 200,
     false, 0, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n" BODY("2"), LPI_ANSWER_BROKEN,
     200, false, 0, false},
    // Chunks.
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     LPI_ANSWER_COMPLETE, 200, true, 0, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip , Chunked\r\n\r\n"
     "3\r\nabc\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nA: b\r\n\r\n",
     LPI_ANSWER_COMPLETE, 200, true, 0, true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
     LPI_ANSWER_CHUNK, 200, true, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
     LPI_ANSWER_BROKEN, 200, false, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "fffffffffffffffff\r\n",
     LPI_ANSWER_BROKEN, 200, false, 0, false},
    // Both: a request that somebody smuggles (RFC 9112 6.3).
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" BODY("5") "0\r\n\r\n",
     LPI_ANSWER_COMPLETE, 200, false, 0, true},
    // Whether it goes on.
    {"HTTP/1.1 200 OK\r\nConnection: close\r\n" BODY("0"), LPI_ANSWER_COMPLETE,
     200, false, 0, true},
    {"HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nConnection: "
     "keep-alive\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 200, false, 0, true},
    {"HTTP/1.0 200 OK\r\n" BODY("0"), LPI_ANSWER_COMPLETE, 200, false, 0, true},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 200, true, 0, true},
    // Heads in front of the one that counts.
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
     "HTTP/1.1 503 No\r\nRetry-After: 7\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 503, true, 7, true},
    {"HTTP/1.1 100 Continue\r\n\r\n", LPI_ANSWER_STATUS_LINE, 100, false, 0,
     false},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", LPI_ANSWER_BROKEN, 101, false,
     0, false},
    // When to come again.
    {"HTTP/1.1 429 Slow\r\nRETRY-AFTER:\t120\t\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 429, true, 120, true},
    {"HTTP/1.1 429 Slow\r\nRetry-After: Thu, 09 Oct 2025 08:54:20 GMT\r\n" BODY(
         "0"),
     LPI_ANSWER_COMPLETE, 429, true, 60, true},
    {"HTTP/1.1 429 Slow\r\nRetry-After: Thu, 09 Oct 2025 08:52:20 GMT\r\n" BODY(
         "0"),
     LPI_ANSWER_COMPLETE, 429, true, 0, true},
    {"HTTP/1.1 429 Slow\r\nRetry-After: 999999999999999999\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 429, true, 999999999999999999, true},
    {"HTTP/1.1 429 Slow\r\nRetry-After: 1000000000000000000\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 429, true, INT64_MAX, true},
    {"HTTP/1.1 429 Slow\r\nRetry-After: 0000000000000000000060\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 429, true, 60, true},
    {"HTTP/1.1 429 Slow\r\nRetry-After: soon\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 429, true, 0, true},
    // What is none.
    {"\r\n", LPI_ANSWER_BROKEN, 0, false, 0, false},
    {"SSH-2.0-OpenSSH_9.2\r\n", LPI_ANSWER_BROKEN, 0, false, 0, false},
    {"HTTP/2 200 OK\r\n", LPI_ANSWER_BROKEN, 0, false, 0, false},
    {"HTTP/1.1 2000 OK\r\n", LPI_ANSWER_BROKEN, 0, false, 0, false},
    {"HTTP/1.1 20 OK\r\n", LPI_ANSWER_BROKEN, 0, false, 0, false},
    {"HTTP/1.1  200 OK\r\n", LPI_ANSWER_BROKEN, 0, false, 0, false},
    // Lines that are no fields do no harm.
    {"HTTP/1.1 200 OK\r\nnothing\r\n Content-Length: 9\r\n: x\r\n" BODY("0"),
     LPI_ANSWER_COMPLETE, 200, true, 0, true},
};

static void check(const lpi_answer *answer, const answer_case *expected)
{
    assert_int_equal(answer->state, expected->state);
    assert_int_equal(answer->status, expected->status);
    if (answer->state == LPI_ANSWER_COMPLETE)
        assert_int_equal(answer->keeps_alive, expected->keeps_alive);
    assert_int_equal(answer->after_s, expected->after_s);
}

static void check_end(lpi_answer *answer, const answer_case *expected)
{
    lpi_answer_end(answer);
    assert_int_equal(answer->state == LPI_ANSWER_COMPLETE,
                     expected->is_over_at_end);
    assert_false(answer->keeps_alive);
    assert_int_equal(answer->status, expected->status);
}

static void read_at(lpi_answer *answer, const char *text, size_t from,
                    size_t to)
{
    lpi_answer_read(answer, lp_span_of(text + from, to - from), NOW_S);
}

static void answers_end_where_they_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t bytes = strlen(cases[i].text);
        lpi_answer answer;

        for (size_t cut = 0; cut <= bytes; cut++) {
            lpi_answer_begin(&answer);
            read_at(&answer, cases[i].text, 0, cut);
            read_at(&answer, cases[i].text, cut, bytes);
            check(&answer, &cases[i]);
        }
        lpi_answer_begin(&answer);
        for (size_t at = 0; at < bytes; at++)
            read_at(&answer, cases[i].text, at, at + 1);
        check(&answer, &cases[i]);
        check_end(&answer, &cases[i]);
    }
}

static void long_lines_are_skipped(void **state)
{
    static char field[100000];
    lpi_answer answer;

    (void)state;
    memset(field, 'x', sizeof(field));
    memcpy(field, "X: ", 3);
    memcpy(field + sizeof(field) - 2, "\r\n", 2);
    lpi_answer_begin(&answer);
    read_at(&answer, "HTTP/1.1 200 OK\r\n", 0, 17);
    read_at(&answer, field, 0, sizeof(field));
    read_at(&answer, "Content-Length: 0\r\n\r\n", 0, 21);
    assert_int_equal(answer.state, LPI_ANSWER_COMPLETE);
    assert_true(answer.keeps_alive);
}

static void endless_answers_are_broken_off(void **state)
{
    static const char *const heads[] = {
        "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"};
    static char more[4096];

    (void)state;
    memset(more, 'x', sizeof(more));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        lpi_answer answer;
        size_t read_bytes = strlen(heads[i]);

        lpi_answer_begin(&answer);
        read_at(&answer, heads[i], 0, read_bytes);
        while (!lpi_answer_is_over(&answer)) {
            assert_true(read_bytes <= LPI_ANSWER_MAX_BYTES);
            read_at(&answer, more, 0, sizeof(more));
            read_bytes += sizeof(more);
        }
        assert_int_equal(answer.state, LPI_ANSWER_BROKEN);
        assert_int_equal(answer.status, i == 0 ? 0 : 200);
        assert_false(answer.keeps_alive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_end_where_they_end),
        cmocka_unit_test(long_lines_are_skipped),
        cmocka_unit_test(endless_answers_are_broken_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
