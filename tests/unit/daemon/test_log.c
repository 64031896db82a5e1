/* test_log.c - the daemon's own log. */
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "capture.h"

static char written[1 << 20];

static unsigned count_of(const char *text, const char *needle)
{
    unsigned n = 0;

    for (; (text = strstr(text, needle)); text++) {
        n++;
    }
    return n;
}

/* Waits for the beginning of a second, so that a burst lies within it. */
static void await_fresh_second(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec++;
    now.tv_nsec = 0;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, NULL);
}

static void quoting_is_done_where_logfmt_needs_it(void **state)
{
    static const struct {
        const char *value, *quoted;
    } cases[] = {
        {"plain", "plain"},
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"C:\\", "\"C:\\\\\""},
        {"a\nb\tc\r", "\"a\\nb\\tc\\r\""},
        {"\x1b[31m", "\"\\x1b[31m\""},
        {"\x7f", "\"\\x7f\""},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xc2\x9b", "\"\\xc2\\x9b\""},
        {"\xff", "\"\\xff\""},
        {"\xc3", "\"\\xc3\""},
        {"\xc0\xaf", "\"\\xc0\\xaf\""},
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""},
        {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\""},
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(log_quote(cases[i].value, out, sizeof out),
                            cases[i].quoted);
    }
}

static void a_cut_value_keeps_its_closing_quote_and_its_characters(void **state)
{
    static const char value[] = "a \n\xc3\xa9\xf0\x9f\x98\x80\xff end";
    char out[64], whole[64];

    (void)state;
    log_quote(value, whole, sizeof whole);
    for (unsigned room = 3; room <= sizeof out; room++) {
        size_t len;

        memset(out, '#', sizeof out);
        log_quote(value, out, room);
        len = strlen(out);
        assert_true(len < room);
        assert_int_equal(out[len - 1], '"');
        assert_memory_equal(out, whole, len - 1);
        assert_true(room - len <= 5); // no more is cut than one character
        if (len == strlen(whole)) {
            return;
        }
    }
    fail();
}

static void a_line_has_time_level_and_event_before_its_pairs(void **state)
{
    regex_t re;
    capture cap;

    (void)state;
    assert_int_equal(
        regcomp(&re,
                "^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                "\\.[0-9]{3}Z level=warn event=frame_cut bytes=12 peer=x\n$",
                REG_EXTENDED),
        0);
    capture_begin(&cap, STDERR_FILENO);
    LOG_AT(LOG_WARN, "frame_cut", "bytes=%d peer=%s", 12, "x");
    capture_end(&cap, written, sizeof written);
    assert_int_equal(regexec(&re, written, 0, NULL, 0), 0);
    regfree(&re);
}

static void lines_below_the_level_are_not_written(void **state)
{
    capture cap;

    (void)state;
    capture_begin(&cap, STDERR_FILENO);
    LOG_AT(LOG_DEBUG, "a", "x=1");
    log_set_level(LOG_DEBUG);
    LOG_AT(LOG_DEBUG, "b", "x=1");
    log_set_level(LOG_ERROR);
    LOG_AT(LOG_WARN, "c", "x=1");
    log_set_level(LOG_INFO);
    capture_end(&cap, written, sizeof written);
    assert_int_equal(count_of(written, "\n"), 1);
    assert_non_null(strstr(written, "level=debug event=b"));
}

static void a_storm_is_ten_lines_and_a_count(void **state)
{
    static log_site site;
    capture cap;

    (void)state;
    await_fresh_second();
    capture_begin(&cap, STDERR_FILENO);
    for (int i = 0; i < 1000; i++) {
        log_write(&site, LOG_INFO, "storm", "i=%d", i);
    }
    await_fresh_second();
    log_write(&site, LOG_INFO, "storm", "i=last");
    capture_end(&cap, written, sizeof written);
    assert_int_equal(count_of(written, "\n"), 11);
    assert_non_null(strstr(written, "event=storm suppressed=990 i=last\n"));
}

static void a_flush_tells_what_was_held_back_once(void **state)
{
    static log_site site;
    capture cap;

    (void)state;
    await_fresh_second();
    capture_begin(&cap, STDERR_FILENO);
    for (int i = 0; i < 12; i++) {
        log_write(&site, LOG_WARN, "held", "i=%d", i);
    }
    log_flush_suppressed();
    log_flush_suppressed();
    capture_end(&cap, written, sizeof written);
    assert_int_equal(count_of(written, "\n"), 11);
    assert_non_null(strstr(written, "level=warn event=held suppressed=2\n"));
}

static void a_full_pipe_does_not_block_and_loses_nothing_uncounted(void **state)
{
    static log_site site;
    int fds[2], saved = dup(STDERR_FILENO);
    char byte = 'x';
    ssize_t n;
    capture cap;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    while (write(fds[1], &byte, 1) == 1) {
    }
    assert_int_equal(fcntl(fds[1], F_SETFL, 0), 0);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    log_write(&site, LOG_WARN, "full", "x=1"); // would hang if it blocked
    log_write(&site, LOG_WARN, "full", "x=2");
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);

    capture_begin(&cap, STDERR_FILENO);
    log_write(&site, LOG_WARN, "full", "x=3");
    capture_end(&cap, written, sizeof written);
    assert_non_null(strstr(written, "event=full suppressed=2 x=3\n"));
    n = read(fds[0], written, sizeof written);
    assert_true(n > 0 && !memchr(written, '=', (size_t)n));
    close(saved);
    close(fds[0]);
    close(fds[1]);
}

static void a_line_that_is_too_long_says_that_it_is_cut(void **state)
{
    static char long_value[3 * LOG_LINE_MAX_BYTES];
    static log_site site;
    size_t len;
    capture cap;

    (void)state;
    memset(long_value, 'v', sizeof long_value - 1);
    capture_begin(&cap, STDERR_FILENO);
    log_write(&site, LOG_INFO, "long", "v=%s", long_value);
    capture_end(&cap, written, sizeof written);
    len = strlen(written);
    assert_int_equal(len, LOG_LINE_MAX_BYTES);
    assert_string_equal(written + len - 14, "v... cut=true\n");
}

static void a_control_that_slipped_in_cannot_forge_a_line(void **state)
{
    static log_site site;
    capture cap;

    (void)state;
    capture_begin(&cap, STDERR_FILENO);
    log_write(&site, LOG_INFO, "sly", "v=%s", "a\nts=1 level=error");
    capture_end(&cap, written, sizeof written);
    assert_int_equal(count_of(written, "\n"), 1);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 200; i++) {
        log_write(arg, LOG_INFO, "shared", "i=%d", i);
    }
    return NULL;
}

static void threads_at_one_site_lose_no_count(void **state)
{
    static log_site site;
    pthread_t threads[4];
    unsigned lines, suppressed = 0;
    capture cap;

    (void)state;
    capture_begin(&cap, STDERR_FILENO);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &site),
                         0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    log_flush_suppressed();
    capture_end(&cap, written, sizeof written);
    lines = count_of(written, " i=");
    for (char *at = written; (at = strstr(at, "suppressed=")); at++) {
        suppressed += (unsigned)strtoul(at + 11, NULL, 10);
    }
    assert_int_equal(lines + suppressed, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoting_is_done_where_logfmt_needs_it),
        cmocka_unit_test(
            a_cut_value_keeps_its_closing_quote_and_its_characters),
        cmocka_unit_test(a_line_has_time_level_and_event_before_its_pairs),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(a_storm_is_ten_lines_and_a_count),
        cmocka_unit_test(a_flush_tells_what_was_held_back_once),
        cmocka_unit_test(
            a_full_pipe_does_not_block_and_loses_nothing_uncounted),
        cmocka_unit_test(a_line_that_is_too_long_says_that_it_is_cut),
        cmocka_unit_test(a_control_that_slipped_in_cannot_forge_a_line),
        cmocka_unit_test(threads_at_one_site_lose_no_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
