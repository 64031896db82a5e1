/* What examples in tests/conformance can't say: work done and bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "logplex/syslog.h"

enum { MESSAGE_BYTES = 1 << 20 };

static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Twenty times "[a\]" take the original 80 ms; a mebibyte of it would take for
 * ever, and quadratic work minutes.
 */
static void structured_data_takes_linear_time(void **state)
{
    static const char *units[] = {"[a\\]",  "[", "[a]", "[a \"",        "\\]",
                                  "[a\\][", "]", "[]",  "[a b=\"\\\"] "};
    static const char header[] = "<13>1 T h a p m [a";
    char *text = malloc(MESSAGE_BYTES);

    (void)state;
    assert_non_null(text);
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        double start_s = cpu_s();
        lp_syslog msg;

        memcpy(text, header, sizeof(header) - 1);
        for (size_t i = sizeof(header) - 1; i < MESSAGE_BYTES; i++) {
            text[i] = units[u][i % strlen(units[u])];
        }
        text[MESSAGE_BYTES - 1] = 'x';
        for (int i = 0; i < 10; i++) {
            assert_int_equal(
                lp_syslog_parse(lp_span_of(text, MESSAGE_BYTES), &msg, NULL),
                LP_OK);
        }
        assert_true(cpu_s() - start_s < 10);
    }
    free(text);
}

static void a_field_is_at_most_1024_bytes(void **state)
{
    for (int field = 0; field < 5; field++) {
        for (int extra = 0; extra < 2; extra++) {
            int bytes = LP_SYSLOG_FIELD_MAX_BYTES + extra;
            char text[2048];
            char wide[1100];
            size_t at_byte;
            lp_syslog msg;
            int n = snprintf(text, sizeof(text), "<13>1 ");

            memset(wide, 'w', sizeof(wide));
            for (int i = 0; i < 5; i++) {
                n += snprintf(text + n, sizeof(text) - (size_t)n, "%.*s ",
                              i == field ? bytes : 1, wide);
            }
            n += snprintf(text + n, sizeof(text) - (size_t)n, "- hello");
            assert_int_equal(
                lp_syslog_parse(lp_span_of(text, (size_t)n), &msg, &at_byte),
                extra == 0 ? LP_OK : LP_E_SYNTAX);
        }
    }
    (void)state;
}

static void every_beginning_of_a_message_is_read_within_its_bounds(void **state)
{
    static const char *texts[] = {
        "<134>1 2012-12-10T03:00:48.123456Z h app p ID47 [x y=\"a\\]\"][z] msg",
        "<13>Nov 21 00:17:52 vm sshd[12]: hello",
        "<13>2026-11-21T00:17:52.982082+01:00 vm su[1]: failed",
    };

    (void)state;
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        for (size_t n = 0; n <= strlen(texts[t]); n++) {
            // Of its very size, for a sanitizer to see a byte too far.
            char *copy = malloc(n > 0 ? n : 1);
            lp_syslog msg;
            size_t at_byte = 0;

            assert_non_null(copy);
            memcpy(copy, texts[t], n);
            if (lp_syslog_parse(lp_span_of(copy, n), &msg, &at_byte) != LP_OK) {
                assert_true(at_byte <= n);
            }
            free(copy);
        }
    }
}

static void nothing_is_no_message(void **state)
{
    lp_syslog msg;
    size_t at_byte = 9;

    (void)state;
    assert_int_equal(lp_syslog_parse(lp_span_of(NULL, 0), &msg, &at_byte),
                     LP_E_SYNTAX);
    assert_int_equal(at_byte, 0);
}

static void the_prefix_is_all_up_to_the_host(void **state)
{
    lp_syslog msg;

    (void)state;
    assert_int_equal(
        lp_syslog_parse(LP_SPAN("<134>1 T h a p - - m"), &msg, NULL), LP_OK);
    assert_true(lp_span_equal(msg.prefix, LP_SPAN("<134>1 T ")));
    assert_int_equal(
        lp_syslog_parse(LP_SPAN("<13>Nov 21 00:17:52 h a: m"), &msg, NULL),
        LP_OK);
    assert_int_equal(msg.prefix.len_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structured_data_takes_linear_time),
        cmocka_unit_test(a_field_is_at_most_1024_bytes),
        cmocka_unit_test(
            every_beginning_of_a_message_is_read_within_its_bounds),
        cmocka_unit_test(nothing_is_no_message),
        cmocka_unit_test(the_prefix_is_all_up_to_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
