#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/logfmt.h"

/*
 * Writes the pairs of a text one behind the other: key=value; for a bare key
 * only its name, quotes where there were some, "!" when they are not closed,
 * "\" when there are escapes.
 */
static const char *pairs_of(lp_span text)
{
    static char out[4096];
    size_t n = 0;
    lp_pair pair;

    while (lp_logfmt_next(&text, &pair) == LP_OK) {
        assert_true(pair.key.len_bytes > 0);
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s",
                              n > 0 ? "|" : "", (int)pair.key.len_bytes,
                              pair.key.ptr);
        if (pair.value.ptr != NULL) {
            n += (size_t)snprintf(
                out + n, sizeof(out) - n, "=%s%.*s%s%s%s",
                pair.quoted ? "\"" : "", (int)pair.value.len_bytes,
                pair.value.ptr, pair.quoted ? "\"" : "",
                pair.unterminated ? "!" : "", pair.escaped ? "\\" : "");
        }
    }
    assert_int_equal(text.len_bytes, 0);
    out[n] = '\0';
    return out;
}

/* At every offset to a word, since eight bytes are read at a time, and with no
 * byte behind the last, so that a sanitizer sees a read too far. */
static void assert_pairs(const char *text, const char *expected)
{
    size_t len_bytes = strlen(text);

    for (size_t shift = 0; shift < 8; shift++) {
        char *copy = malloc(shift + len_bytes + (shift + len_bytes == 0));

        assert_non_null(copy);
        memset(copy, ' ', shift);
        memcpy(copy + shift, text, len_bytes);
        assert_string_equal(pairs_of(lp_span_of(copy, shift + len_bytes)),
                            expected);
        free(copy);
    }
}

static void a_router_line_gives_all_its_pairs(void **state)
{
    (void)state;
    assert_pairs("at=info method=GET path=\"/\" host=myapp.herokuapp.com "
                 "request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 "
                 "fwd=\"204.204.204.204\" dyno=web.1 connect=1ms service=18ms "
                 "status=200 bytes=13 protocol=https",
                 "at=info|method=GET|path=\"/\"|host=myapp.herokuapp.com|"
                 "request_id=8601b555-6a83-4c12-8269-97c8e32cdb22|"
                 "fwd=\"204.204.204.204\"|dyno=web.1|connect=1ms|service=18ms|"
                 "status=200|bytes=13|protocol=https");
}

static void an_old_router_line_keeps_the_query_of_its_path(void **state)
{
    (void)state;
    assert_pairs(
        "at=info method=GET path=/a?b=c&d=\"e\" host=x.com fwd=1.2.3.4",
        "at=info|method=GET|path=/a?b=c&d=\"e\"|host=x.com|"
        "fwd=1.2.3.4");
}

static void a_value_may_be_empty(void **state)
{
    (void)state;
    assert_pairs("desc=\"App crashed\" dyno= connect= service= status=503 "
                 "bytes= protocol=https",
                 "desc=\"App crashed\"|dyno=|connect=|service=|status=503|"
                 "bytes=|protocol=https");
    assert_pairs("a= b=\"\" c=", "a=|b=\"\"|c=");
}

static void measures_are_found_in_any_line(void **state)
{
    (void)state;
    assert_pairs("source=web.1 sample#load_avg_1m=2.46 measure#db.time "
                 "count#x=1",
                 "source=web.1|sample#load_avg_1m=2.46|measure#db.time|"
                 "count#x=1");
    assert_pairs("Process running mem=1028MB(103.3%)",
                 "Process|running|mem=1028MB(103.3%)");
    assert_pairs("it said \"hello a=b\" and c=d",
                 "it|said|hello|a=b\"|and|c=d");
}

static void quotes_hold_blanks_and_escapes(void **state)
{
    (void)state;
    assert_pairs("a=\"b c=d\" e=f", "a=\"b c=d\"|e=f");
    assert_pairs("a=\"say \\\"hi\\\" \\\\\" e=f",
                 "a=\"say \\\"hi\\\" \\\\\"\\|e=f");
    assert_pairs("a=\"b\"c=d", "a=\"b\"|c=d");
}

static void an_open_quote_ends_with_the_text(void **state)
{
    (void)state;
    assert_pairs("a=b c=\"d e=f", "a=b|c=\"d e=f\"!");
    assert_pairs("c=\"", "c=\"\"!");
    assert_pairs("c=\"d\\", "c=\"d\\\"!\\");
    assert_pairs("c=\"d\\\"", "c=\"d\\\"\"!\\");
}

static void what_begins_no_key_is_passed_over(void **state)
{
    (void)state;
    assert_pairs("", "");
    assert_pairs("   \t ", "");
    assert_pairs("=a", "a");
    assert_pairs("== \"\" =", "");
    assert_pairs("a==b", "a==b");
}

static void any_control_byte_parts_two_pairs(void **state)
{
    (void)state;
    assert_pairs("a=b\tc=d\ne=f\r\n", "a=b|c=d|e=f");
    assert_string_equal(pairs_of(LP_SPAN("a=b\0c=d\0")), "a=b|c=d");
}

static void bytes_over_127_are_letters(void **state)
{
    (void)state;
    assert_pairs("gr\xc3\xbc\xc3\x9f"
                 "e=\xe2\x82\xac\xff x=\"\xf0\x9f\x98\x80\"",
                 "gr\xc3\xbc\xc3\x9f"
                 "e=\xe2\x82\xac\xff|x=\"\xf0\x9f\x98\x80\"");
}

static void a_bare_key_has_no_value_and_an_empty_one_has(void **state)
{
    lp_span text = LP_SPAN("bare empty=");
    lp_pair pair;

    (void)state;
    assert_int_equal(lp_logfmt_next(&text, &pair), LP_OK);
    assert_null(pair.value.ptr);
    assert_int_equal(lp_logfmt_next(&text, &pair), LP_OK);
    assert_non_null(pair.value.ptr);
    assert_int_equal(pair.value.len_bytes, 0);
    assert_int_equal(lp_logfmt_next(&text, &pair), LP_E_END);
    assert_int_equal(lp_logfmt_next(&text, &pair), LP_E_END);
}

static void unescaping_resolves_the_five_escapes_alone(void **state)
{
    char out[64];
    size_t n;

    (void)state;
    n = lp_logfmt_unescape(LP_SPAN("a\\\"b\\\\c\\nd\\re\\tf\\xg\\"), out);
    assert_int_equal(n, strlen("a\"b\\c\nd\re\tf\\xg\\"));
    assert_memory_equal(out, "a\"b\\c\nd\re\tf\\xg\\", n);
    assert_int_equal(lp_logfmt_unescape(lp_span_of(NULL, 0), out), 0);
}

/* A byte is looked at once: the pairs and what parts them add up to the text,
 * and there are no more calls than half of its bytes. */
static void hostile_text_takes_no_more_calls_than_bytes(void **state)
{
    static const char *units[] = {"a=\"", "\"", "=", "a ", "a=\\", "\\\""};
    enum { TEXT_BYTES = 1 << 20 };
    char *text = malloc(TEXT_BYTES);

    (void)state;
    assert_non_null(text);
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        lp_span rest = lp_span_of(text, TEXT_BYTES);
        const char *last = text;
        lp_pair pair;

        for (size_t i = 0; i < TEXT_BYTES; i++) {
            text[i] = units[u][i % strlen(units[u])];
        }
        while (lp_logfmt_next(&rest, &pair) == LP_OK) {
            assert_true(pair.key.ptr >= last);
            assert_true(rest.ptr > pair.key.ptr);
            last = rest.ptr;
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_router_line_gives_all_its_pairs),
        cmocka_unit_test(an_old_router_line_keeps_the_query_of_its_path),
        cmocka_unit_test(a_value_may_be_empty),
        cmocka_unit_test(measures_are_found_in_any_line),
        cmocka_unit_test(quotes_hold_blanks_and_escapes),
        cmocka_unit_test(an_open_quote_ends_with_the_text),
        cmocka_unit_test(what_begins_no_key_is_passed_over),
        cmocka_unit_test(any_control_byte_parts_two_pairs),
        cmocka_unit_test(bytes_over_127_are_letters),
        cmocka_unit_test(a_bare_key_has_no_value_and_an_empty_one_has),
        cmocka_unit_test(unescaping_resolves_the_five_escapes_alone),
        cmocka_unit_test(hostile_text_takes_no_more_calls_than_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
