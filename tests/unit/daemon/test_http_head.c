/* test_http_head.c - which requests are plain, and what is read out of these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/httpd_head.h"

#define LINE     "POST /logs HTTP/1.1\r\n"
#define HOST     "Host: logplex.test\r\n"
#define LENGTH   "Content-Length: 12\r\n"
#define PLAIN(x) LINE HOST LENGTH x "\r\n"

static bool read_text(const char *text, http_head *out)
{
    return http_head_read(lp_span_str(text), LP_SPAN(LINE), out);
}

static void assert_field(const http_head *head, const char *text,
                         const char *name, const char *value)
{
    const http_field *field = http_head_find(head, text, name);

    if (!value) {
        assert_null(field);
        return;
    }
    assert_non_null(field);
    assert_int_equal(field->value_bytes, strlen(value));
    assert_memory_equal(text + field->value_at, value, strlen(value));
    assert_int_equal(text[field->value_at + field->value_bytes], '\r');
}

static void a_plain_head_is_read_whole(void **state)
{
    static const char text[] =
        PLAIN("content-type: application/logplex-1\r\nX-A:   1 2\r\nx-a:3\r\n"
              "CONNECTION: Keep-Alive\r\n") "2 ab";
    http_head head;

    (void)state;
    assert_true(read_text(text, &head));
    assert_int_equal(head.head_bytes, strlen(text) - strlen("2 ab"));
    assert_int_equal(head.body_bytes, 12);
    assert_field(&head, text, "Content-Type", "application/logplex-1");
    assert_field(&head, text, "X-A", "1 2"); // the first one
    assert_field(&head, text, "host", "logplex.test");
    assert_field(&head, text, "X", NULL);
    assert_field(&head, text, "X-Ab", NULL);
}

static void a_head_that_is_cut_anywhere_is_not_plain(void **state)
{
    static const char text[] = PLAIN("X-A: 1\r\n");
    http_head head;

    (void)state;
    for (size_t n = 0; n < strlen(text); n++)
        assert_false(http_head_read(lp_span_of(text, n), LP_SPAN(LINE), &head));
    assert_true(read_text(text, &head));
}

static void what_can_be_read_in_two_ways_is_not_plain(void **state)
{
    static const char *const texts[] = {
        LINE HOST "\r\n", // no length
        LINE LENGTH "\r\n",
        PLAIN("Content-Length: 12\r\n"),
        PLAIN("Host: logplex.test\r\n"),
        LINE HOST "Content-Length: 0\r\n\r\n",
        LINE HOST "Content-Length: +1\r\n\r\n",
        LINE HOST "Content-Length: 1,1\r\n\r\n",
        LINE HOST "Content-Length: 0x1\r\n\r\n",
        LINE HOST "Content-Length: 1 1\r\n\r\n",
        LINE HOST "Content-Length: 1000000000000000\r\n\r\n",
        PLAIN("Transfer-Encoding: chunked\r\n"),
        PLAIN("transfer-encoding: x\r\n"),
        PLAIN("Expect: 100-continue\r\n"),
        PLAIN("Connection: close\r\n"),
        PLAIN("Connection: keep-alive, close\r\n"),
        PLAIN("Upgrade: h2c\r\n"),
        PLAIN("Trailer: X\r\n"),
        PLAIN("TE: trailers\r\n"),
        PLAIN("X-A : 1\r\n"), // a blank in front of the colon
        PLAIN(" X-A: 1\r\n"), // a line that goes on
        PLAIN("X-A: 1 \r\n"),
        PLAIN("X-A:\r\n"),
        PLAIN("X-A: \r\n"),
        PLAIN(": 1\r\n"),
        PLAIN("X-A\r\n"),
        PLAIN("X_A: 1\r\n"),
        PLAIN("X-A: \t1\r\n"),
        PLAIN("X-A: 1\x7f\r\n"),
        PLAIN("X-A: \xc3\xa9\r\n"),
        PLAIN("X-A: 1\n"),
        PLAIN("X-A: 1\r"),
        LINE HOST LENGTH "\n",
        "POST /logs HTTP/1.0\r\n" HOST LENGTH "\r\n",
        "POST  /logs HTTP/1.1\r\n" HOST LENGTH "\r\n",
        "POST /logs HTTP/1.1\n" HOST LENGTH "\r\n",
        "POST /logs/ HTTP/1.1\r\n" HOST LENGTH "\r\n",
        "post /logs HTTP/1.1\r\n" HOST LENGTH "\r\n",
        "\r\n" PLAIN(""),
    };
    http_head head;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (read_text(texts[i], &head))
            fail_msg("plain: %s", texts[i]);
    }
}

static void a_nul_is_not_plain(void **state)
{
    static const char text[] = PLAIN("X-A: 1\0 2\r\n");
    http_head head;

    (void)state;
    assert_false(http_head_read(lp_span_of(text, sizeof(text) - 1),
                                LP_SPAN(LINE), &head));
}

// A head of that many fields, and with that many bytes in the last one's value.
static bool read_large(unsigned fields, size_t value_bytes)
{
    static char text[2 * HTTP_HEAD_MAX_BYTES];
    http_head head;
    size_t used = (size_t)snprintf(text, sizeof(text), LINE HOST LENGTH);

    for (unsigned i = 2; i < fields; i++)
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "X-%u: %0*d\r\n",
                             i, i + 1 == fields ? (int)value_bytes : 1, 0);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "\r\n");
    return http_head_read(lp_span_of(text, used), LP_SPAN(LINE), &head) &&
           head.head_bytes == used;
}

static void a_large_head_is_not_plain(void **state)
{
    size_t most =
        HTTP_HEAD_MAX_BYTES - strlen(LINE HOST LENGTH "X-2: \r\n\r\n");

    (void)state;
    assert_true(read_large(HTTP_HEAD_FIELDS_MAX, 1));
    assert_false(read_large(HTTP_HEAD_FIELDS_MAX + 1, 1));
    assert_true(read_large(3, most));
    assert_false(read_large(3, most + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_head_is_read_whole),
        cmocka_unit_test(a_head_that_is_cut_anywhere_is_not_plain),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_not_plain),
        cmocka_unit_test(a_nul_is_not_plain),
        cmocka_unit_test(a_large_head_is_not_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
