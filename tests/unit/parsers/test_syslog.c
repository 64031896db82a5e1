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

static void assert_field(lp_span field, char letter, size_t len_bytes)
{
    assert_int_equal(field.len_bytes, len_bytes);
    for (size_t i = 0; i < len_bytes; i++) {
        assert_int_equal(field.ptr[i], letter);
    }
}

/* The message lies at the end of its memory, so that a look behind it is seen. */
static void assert_fields(size_t host, size_t app, const char *data,
                          size_t text)
{
    static const char begin[] = "<158>1 T ";
    size_t begin_bytes = sizeof(begin) - 1;
    size_t data_bytes = strlen(data);
    bool has_data = data_bytes > 0 && data[data_bytes - 1] == ' ';
    size_t bytes = begin_bytes + host + 1 + app + 5 + data_bytes + text;
    char *message = malloc(bytes);
    lp_syslog msg;

    assert_non_null(message);
    memset(message, 'x', bytes);
    memcpy(message, begin, begin_bytes);
    memset(message + begin_bytes, 'h', host);
    message[begin_bytes + host] = ' ';
    memset(message + begin_bytes + host + 1, 'a', app);
    memcpy(message + begin_bytes + host + 1 + app, " p i ", 5);
    memcpy(message + bytes - text - data_bytes, data, data_bytes);
    assert_int_equal(lp_syslog_parse(lp_span_of(message, bytes), &msg, NULL),
                     LP_OK);
    assert_int_equal(msg.pri, 158);
    assert_int_equal(msg.prefix.len_bytes, begin_bytes);
    assert_field(msg.host, 'h', host);
    assert_field(msg.app, 'a', app);
    assert_field(msg.procid, 'p', 1);
    assert_field(msg.msgid, 'i', 1);
    assert_int_equal(msg.format,
                     has_data ? LP_SYSLOG_5424 : LP_SYSLOG_5424_NO_SD);
    assert_int_equal(msg.sd.len_bytes, has_data ? data_bytes - 1 : 0);
    assert_int_equal(msg.msg.len_bytes, has_data ? text : text + data_bytes);
    free(message);
}

/* Headers are read 64 bytes at a time, wherever fields begin and end in these. */
static void fields_are_read_wherever_they_lie(void **state)
{
    static const char *const datas[] = {"- ", "", "[a b=\"c d\"] ", "--"};

    (void)state;
    for (size_t host = 1; host < 140; host += 1 + host / 40) {
        for (size_t app = 1; app < 140; app += 1 + app / 40) {
            for (size_t text = 0; text < 90; text += 1 + text / 4) {
                assert_fields(host, app, datas[(host + app + text) % 4], text);
            }
        }
    }
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
        cmocka_unit_test(fields_are_read_wherever_they_lie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
