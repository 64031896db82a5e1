#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/filter.h"
#include "stored.h"

#define ROUTER_LINE                                                       \
    "at=info method=GET path=\"/api/v1?q=a b\" host=myapp.herokuapp.com " \
    "request_id=8601b555-6a83-4c12-8269-97c8e32cdb22 "                    \
    "fwd=\"204.204.204.204\" dyno=web.1 connect=1ms service=1800ms "      \
    "status=503 bytes=13 protocol=https"

/* What is asked ----------------------------------------------------------- */

typedef struct line {
    unsigned severity;
    const char *source;
    const char *process;
    lp_span msg;
} line;

static lp_filter *filter_of(const char *text)
{
    lp_filter_error error;
    lp_filter *filter = NULL;

    if (lp_filter_create(lp_span_str(text), &filter, &error) != LP_OK) {
        fail_msg("\"%s\" at byte %zu: %s", text, error.at_byte, error.sentence);
    }
    return filter;
}

/* The line has a size of its own, so that a sanitizer sees a byte too far. */
static bool matches(lp_filter *filter, const line *at)
{
    char *room = malloc(at->msg.len_bytes + 512);
    lp_record record;
    char *exact;
    bool holds;

    assert_non_null(room);
    record = stored_line(at->severity, at->source, at->process, at->msg, room);
    exact = malloc(record.bytes.len_bytes);
    assert_non_null(exact);
    memcpy(exact, record.bytes.ptr, record.bytes.len_bytes);
    record.bytes.ptr = exact;
    holds = lp_filter_match(filter, &record);
    free(exact);
    free(room);
    return holds;
}

static void assert_line(const char *text, const line *at, bool expected)
{
    lp_filter *filter = filter_of(text);

    if (matches(filter, at) != expected) {
        fail_msg("\"%s\" %s for severity %u of %s[%s]: %.200s", text,
                 expected ? "should hold" : "should not hold", at->severity,
                 at->source, at->process, at->msg.ptr);
    }
    lp_filter_destroy(filter);
}

static void assert_msg(const char *text, const char *msg, bool expected)
{
    line at = {6, "app", "web.1", lp_span_str(msg)};

    assert_line(text, &at, expected);
}

static void assert_header(const char *text, unsigned severity,
                          const char *source, const char *process,
                          bool expected)
{
    line at = {severity, source, process, LP_SPAN("hello")};

    assert_line(text, &at, expected);
}

static uint64_t limit_lines(const lp_filter *filter)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;

    lp_filter_stats_get(filter, &stats);
    return stats.limit_lines;
}

/* The header -------------------------------------------------------------- */

static void a_source_is_one_of_those_named(void **state)
{
    (void)state;
    assert_header("source=app", 6, "app", "web.1", true);
    assert_header("source=app", 6, "application", "web.1", false);
    assert_header("source=app", 6, "ap", "web.1", false);
    assert_header("source=app,heroku", 6, "heroku", "router", true);
    assert_header("source=app,heroku", 6, "APP", "web.1", false);
    assert_header("source=\"app\",\"heroku\"", 6, "heroku", "router", true);
    assert_header("source!=app,heroku", 6, "heroku", "router", false);
    assert_header("source!=app,heroku", 6, "t.x", "router", true);
}

static void a_process_without_a_number_is_all_of_its_kind(void **state)
{
    (void)state;
    assert_header("process=web", 6, "app", "web", true);
    assert_header("process=web", 6, "app", "web.12", true);
    assert_header("process=web", 6, "app", "website.1", false);
    assert_header("process=web", 6, "app", "we", false);
    assert_header("process=web.1", 6, "app", "web.1", true);
    assert_header("process=web.1", 6, "app", "web.12", false);
    assert_header("process=web.1", 6, "app", "web.1.2", false);
    assert_header("process=worker,web", 6, "app", "web.1", true);
    assert_header("process!=worker,web", 6, "app", "web.1", false);
    assert_header("process!=worker,web.2", 6, "app", "web.1", true);
}

/* The severities that a filter lets through, as digits. */
static void assert_severities(const char *text, const char *expected)
{
    lp_filter *filter = filter_of(text);
    char got[9];
    size_t n = 0;

    for (unsigned severity = 0; severity < 8; severity++) {
        line at = {severity, "app", "web.1", LP_SPAN("hello")};

        if (matches(filter, &at)) {
            got[n] = (char)('0' + severity);
            n++;
        }
    }
    got[n] = '\0';
    assert_string_equal(got, expected);
    lp_filter_destroy(filter);
}

static void a_smaller_severity_is_worse(void **state)
{
    (void)state;
    assert_severities("severity<=warning", "01234");
    assert_severities("severity<warning", "0123");
    assert_severities("severity>=warning", "4567");
    assert_severities("severity>4", "567");
    assert_severities("severity=3", "3");
    assert_severities("severity!=3", "0124567");
    assert_severities("severity=err,debug", "37");
    assert_severities("severity!=err,debug", "012456");
    assert_severities("severity<=6 severity>=2 severity!=4", "2356");
    assert_severities("severity<=debug", "01234567");
    assert_severities("severity=0 severity=1", "");
}

static void a_severity_has_the_usual_names_in_any_case(void **state)
{
    static const char *const names[8][3] = {
        {"emerg", "emergency", "PANIC"},   {"alert", "Alert", "ALERT"},
        {"crit", "critical", "CRIT"},      {"err", "error", "Error"},
        {"warn", "warning", "WARNING"},    {"notice", "Notice", "NOTICE"},
        {"info", "informational", "INFO"}, {"debug", "Debug", "DEBUG"},
    };

    (void)state;
    for (unsigned severity = 0; severity < 8; severity++) {
        for (unsigned i = 0; i < 3; i++) {
            char text[64];
            char digit[2] = {(char)('0' + severity), '\0'};

            snprintf(text, sizeof(text), "severity=%s", names[severity][i]);
            assert_severities(text, digit);
        }
    }
}

/* Measures ---------------------------------------------------------------- */

static void assert_each(const char *const *texts, size_t n, bool expected)
{
    for (size_t i = 0; i < n; i++) {
        assert_msg(texts[i], ROUTER_LINE, expected);
    }
}

static void a_router_line_has_what_it_has(void **state)
{
    static const char *const texts[] = {
        "status>=500",
        "status=503",
        "status=500,503",
        "service>1s",
        "service>1.5s",
        "service<2s",
        "service>=1800ms",
        "service<=1.8s",
        "service>1700",
        "connect<=1",
        "method=GET,POST",
        "method!=POST",
        "path~\"^/api\"",
        "path~^/api",
        "path=\"/api/v1?q=a b\"",
        "path!~\"^/health\"",
        "fwd=204.204.204.204",
        "dyno=web.1",
        "!code",
        "path",
        "bytes<1000",
        "msg~\"status=50[0-9]\"",
        "msg!~H12",
        "status>=500 method=GET path~api !code msg~https severity=info",
    };

    (void)state;
    assert_each(texts, sizeof(texts) / sizeof(texts[0]), true);
}

static void a_router_line_has_not_what_it_has_not(void **state)
{
    static const char *const texts[] = {
        "status<500",
        "status=500",
        "status=50",
        "status!=503",
        "service>2s",
        "service>1800ms",
        "method=POST",
        "method!=POST,GET",
        "path~\"^/x\"",
        "path!~api",
        "!path",
        "code",
        "code!=H12",
        "code=H12",
        "code!~H12",
        "code>1",
        "bytes>1000",
        "msg~H12",
        "msg!~https",
        "status>=500 method=GET path~api code msg~https",
        "status>=500 method=GET path~nowhere",
        "stat>=500",
        "statuses>=500",
    };

    (void)state;
    assert_each(texts, sizeof(texts) / sizeof(texts[0]), false);
}

static void a_unit_is_converted_to_one_of_its_kind(void **state)
{
    (void)state;
    assert_msg("t>=1s", "t=1000ms", true);
    assert_msg("t<=1s", "t=1000ms", true);
    assert_msg("t>1s", "t=1000.1ms", true);
    assert_msg("t>=100ms", "t=0.1s", true);
    assert_msg("t<=100ms", "t=0.1s", true);
    assert_msg("t>=0.3s", "t=300000us", true);
    assert_msg("t<=0.3s", "t=300000\xc2\xb5s", true);
    assert_msg("t<=0.3s", "t=300000\xce\xbcs", true);
    assert_msg("t>=3us", "t=3000ns", true);
    assert_msg("t<=3us", "t=3000ns", true);
    assert_msg("t>59s", "t=1min", true);
    assert_msg("t<61min", "t=1h", true);
    assert_msg("m>20.3MB", "m=21MB", true);
    assert_msg("m<=1MB", "m=1024kB", true);
    assert_msg("m>=1MB", "m=1024KB", true);
    assert_msg("m>=1MiB", "m=1048576B", true);
    assert_msg("m<1GB", "m=1023MB", true);
    assert_msg("m>=1TB", "m=1024GiB", true);
    assert_msg("m>=1TiB", "m=1023GB", false);
    assert_msg("p>10%", "p=12%", true);
    assert_msg("p>12%", "p=12%", false);
    assert_msg("p>2000pages", "p=2810pages", true);
    assert_msg("mem>1000MB", "Process running mem=1028MB(103.3%)", true);
    assert_msg("mem>1GB", "Process running mem=1028MB(103.3%)", true);
    assert_msg("sample#memory_total>100MB",
               "source=web.1 sample#memory_total=103.50MB", true);
}

static void without_a_unit_on_one_side_bare_numbers_are_compared(void **state)
{
    (void)state;
    assert_msg("t>=18", "t=18ms", true);
    assert_msg("t>18", "t=18ms", false);
    assert_msg("t>1s", "t=2", true);
    assert_msg("t>1s", "t=1", false);
    assert_msg("p<13", "p=12%", true);
    assert_msg("bytes>1000", "bytes=13", false);
}

static void a_size_without_a_unit_is_in_bytes(void **state)
{
    (void)state;
    assert_msg("bytes>1kB", "bytes=13", false);
    assert_msg("bytes>1kB", "bytes=1025", true);
    assert_msg("mem>1024", "mem=2kB", true);
    assert_msg("mem>4096", "mem=2kB", false);
}

static void what_is_no_number_satisfies_no_order(void **state)
{
    static const char *const values[] = {
        "",
        "-",
        "x",
        "1x",
        "\"1 s\"",
        "s",
        "1ss",
        "1s1",
        ".",
        "-.",
        "+",
        "1e",
        "1.2.3",
        "0x10",
        "1,000",
        "1m30s",
        "1000000000000000000",
        "1mS",
        "1e100",
        "NaN",
        "inf",
        "1e-",
        "--1",
        "1%%",
        "(1)",
        "1kb",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char msg[64];

        snprintf(msg, sizeof(msg), "v=%s", values[i]);
        assert_msg("v<0", msg, false);
        assert_msg("v>=0", msg, false);
    }
    assert_msg("t>=0", "t", false);
    assert_msg("t>=0s", "t=1MB", false);
    assert_msg("t<0s", "t=1MB", false);
    assert_msg("t>=0%", "t=1s", false);
}

static void numbers_have_signs_points_and_exponents(void **state)
{
    (void)state;
    assert_msg("v<0", "v=-1", true);
    assert_msg("v>-2", "v=-1.5", true);
    assert_msg("v<-1", "v=-1.5", true);
    assert_msg("v>=1", "v=+1", true);
    assert_msg("v<1", "v=.5", true);
    assert_msg("v>=5", "v=5.", true);
    assert_msg("v<0.0001", "v=5.1e-05", true);
    assert_msg("v>0.00005", "v=5.1e-05s", true);
    assert_msg("v>=1e3", "v=1000", true);
    assert_msg("v<=1E+3", "v=1000", true);
    assert_msg("v>=0.1", "v=0.10000000000000000000000000000000001", true);
    assert_msg("v>=0007", "v=000000000000000000000000000007", true);
    assert_msg("v>999999999999999998", "v=999999999999999999", false);
    assert_msg("v>=999999999999999", "v=999999999999999", true);
    assert_msg("v>999999999999998", "v=999999999999999", true);
    assert_msg("v>1e98", "v=1e99", true);
    assert_msg("v>1e-99", "v=1e-98", true);
}

static void equal_compares_text_and_not_numbers(void **state)
{
    (void)state;
    assert_msg("status=200", "status=200", true);
    assert_msg("status=200", "status=200.0", false);
    assert_msg("status!=200", "status=0200", true);
    assert_msg("service=1s", "service=1000ms", false);
    assert_msg("service>=1s service<=1s", "service=1000ms", true);
    assert_msg("method=get", "method=GET", false);
}

static void of_a_key_that_comes_again_any_may_satisfy(void **state)
{
    (void)state;
    assert_msg("a=1", "a=2 a=1", true);
    assert_msg("a=1 a=2", "a=2 a=1", true);
    assert_msg("a!=1", "a=1 a=2", true);
    assert_msg("a!=1", "a=1 a=1", false);
    assert_msg("a>5", "a=x a=6 a=1", true);
    assert_msg("a~\"^b\" a~\"^c\"", "a=cc a=bb", true);
    assert_msg("a!~b", "a=b a=c", true);
    assert_msg("a!~b", "a=b a=bb", false);
    assert_msg("!a", "b=1 a=1", false);
}

static void a_word_is_a_key_without_a_value(void **state)
{
    (void)state;
    assert_msg("crashed", "State changed from up to crashed", true);
    assert_msg("!crashed", "State changed from up to crashed", false);
    assert_msg("!crashed", "State changed from crashed=1", false);
    assert_msg("!crashed", "State changed from starting to up", true);
    assert_msg("status=\"\"", "the status is fine", false);
    assert_msg("status!=200", "the status is fine", false);
    assert_msg("status~\".\"", "the status is fine", false);
    assert_msg("status!~x", "the status is fine", false);
    assert_msg("status=\"\"", "status= ok", true);
    assert_msg("status!=200", "status= ok", true);
    assert_msg("status~\"^$\"", "status= ok", true);
}

static void a_dot_makes_a_measure_of_any_key(void **state)
{
    line at = {6, "app", "web.1", LP_SPAN("source=db severity=9 msg=\"a b\"")};

    (void)state;
    assert_line(".source=db", &at, true);
    assert_line(".source=app", &at, false);
    assert_line("source=db", &at, false);
    assert_line(".severity>8", &at, true);
    assert_line(".msg=\"a b\"", &at, true);
    assert_line(".msg", &at, true);
    assert_line("!.process", &at, true);
    assert_line("!.source", &at, false);
    assert_line(".at", &at, false);
    assert_msg("..x=1", ".x=1", true);
}

/* Values ------------------------------------------------------------------ */

static void quotes_in_the_filter_hold_blanks_and_escapes(void **state)
{
    (void)state;
    assert_msg("desc=\"App crashed\"", "desc=\"App crashed\"", true);
    assert_msg("a=\"x,y\"", "a=x,y", true);
    assert_msg("a=x,y", "a=x,y", false);
    assert_msg("a=z,\"x,y\",\"\"", "a=", true);
    assert_msg("a=\"say \\\"hi\\\" \\\\\"", "a=\"say \\\"hi\\\" \\\\\"", true);
    assert_msg("a=\"b\\d\"", "a=b\\d", true);
    assert_msg("a=b\\d", "a=b\\d", true);
    assert_msg("a=b=c", "a=b=c", true);
    assert_msg("path=/?a=b\tmethod=GET\n", "path=/?a=b method=GET", true);
    assert_msg("a=\"=x\"", "a==x", true);
    assert_msg("msg~\"\\d{3}\"", "of 123", true);
    assert_msg("msg~\\d{1,3}x", "of 123x", true);
    assert_msg("msg~\"a\\\\\\\\b\"", "a\\b", true);
    assert_msg("msg~\"\\\"q\\\"\"", "a \"q\" b", true);
}

static void escapes_of_the_line_are_resolved(void **state)
{
    (void)state;
    assert_msg("a=\"x\\\"y\"", "a=\"x\\\"y\"", true);
    assert_msg("a!=\"x\\\"y\"", "a=\"x\\\"y\"", false);
    assert_msg("a=\"x\ty\"", "a=\"x\\ty\"", true);
    assert_msg("a~\"^x.y$\"", "a=\"x\\ty\"", true);
    assert_msg("a=\"x\\ty\"", "a=\"x\\ty\"", false);
}

static void an_escaped_value_may_be_of_any_length(void **state)
{
    enum { PAIRS = 2048 };
    static char msg[2 * PAIRS + 16];
    static char text[LP_FILTER_TEXT_MAX_BYTES + 1];
    size_t n = (size_t)snprintf(msg, sizeof(msg), "a=\"");

    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        memcpy(msg + n, "\\\\", 2);
        n += 2;
    }
    memcpy(msg + n, "\"", 2);
    assert_msg("a~\"^.{2048}$\"", msg, true);
    assert_msg("a=x", msg, false);
    // Longer than 4 KiB it stands as it is written, each escape in two bytes.
    memcpy(msg + n, "x\"", 3);
    assert_msg("a~\"^.{4097}$\"", msg, true);
    assert_msg("a=x", msg, false);
    assert_msg("a!=x", msg, true);
    // The longest value that a filter can ask for.
    memset(text, 'q', sizeof(text));
    memcpy(text, "a=", 2);
    text[LP_FILTER_TEXT_MAX_BYTES] = '\0';
    assert_msg(text, text, true);
    assert_msg(text, "a=qqqqqqqq", false);
}

static void nul_and_what_is_no_utf8_are_bytes_like_others(void **state)
{
    line at = {6, "app", "web.1", LP_SPAN("a=b\0c=\xff\xfe\0 \xc3\xbc=\x80")};
    lp_filter *filter;
    lp_span text = LP_SPAN("msg~\"b\0c\"");

    (void)state;
    assert_line("a=b c=\"\xff\xfe\"", &at, true);
    assert_line("c~\"\\xff\"", &at, true);
    assert_line("msg~\"\\x00c\"", &at, true);
    assert_line("msg~\"\xff.\\x00\"", &at, true);
    assert_line("\xc3\xbc=\x80", &at, true);
    assert_line("msg~\"\xc3\"", &at, true);
    assert_line("msg!~\"\\xc4\"", &at, true);
    assert_int_equal(lp_filter_create(text, &filter, NULL), LP_OK);
    assert_true(matches(filter, &at));
    lp_filter_destroy(filter);
    text = LP_SPAN("source=app\0msg~\"\0c=\"");
    assert_int_equal(lp_filter_create(text, &filter, NULL), LP_OK);
    assert_true(matches(filter, &at));
    lp_filter_destroy(filter);
}

static void an_empty_message_has_no_measures(void **state)
{
    (void)state;
    assert_msg("status>=500", "", false);
    assert_msg("status!=500", "", false);
    assert_msg("status", "", false);
    assert_msg("!status", "", true);
    assert_msg("msg~.", "", false);
    assert_msg("msg!~.", "", true);
    assert_msg("msg~\"^$\"", "", true);
    assert_msg("source=app", "", true);
    assert_msg("!status", "   ", true);
}

/* Patterns ---------------------------------------------------------------- */

static void a_line_of_64_kib_is_asked_to_its_end(void **state)
{
    static char msg[LP_FILTER_REACH_MAX_BYTES];
    line at = {6, "app", "web.1", {msg, sizeof(msg)}};
    const char *end = " status=503 desc=\"the last of it\"";

    (void)state;
    memset(msg, 'x', sizeof(msg));
    memcpy(msg + sizeof(msg) - strlen(end), end, strlen(end));
    assert_line("status>=500", &at, true);
    assert_line("status>=500 desc~\"last of it$\"", &at, true);
    assert_line("msg~\"^x+ status=503 .*last of it\"", &at, true);
    assert_line("msg~\"nowhere\"", &at, false);
    assert_line("msg!~\"nowhere\"", &at, true);
}

static void assert_gives_up(const char *text, const line *at)
{
    lp_filter *filter = filter_of(text);
    line next = {6, "app", "web.1", LP_SPAN("hello")};

    assert_false(matches(filter, at));
    assert_int_equal(limit_lines(filter), 1);
    assert_false(matches(filter, at));
    assert_int_equal(limit_lines(filter), 2);
    // The next line is none the worse for it.
    matches(filter, &next);
    assert_int_equal(limit_lines(filter), 2);
    lp_filter_destroy(filter);
}

static void a_pattern_that_backtracks_without_end_gives_up(void **state)
{
    line at = {6, "app", "web.1",
               LP_SPAN("k=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")};

    (void)state;
    assert_gives_up("msg~\"(a+)+$\"", &at);
    assert_gives_up("msg!~\"(a+)+$\"", &at);
    assert_gives_up("k~\"(a+)+$\"", &at);
    assert_gives_up("k!~\"(a+)+$\"", &at);
    assert_gives_up("msg~\"(*NO_JIT)(a+)+$\"", &at);
    assert_gives_up("msg~\"(*NO_JIT)(?:a|aa)+$\"", &at);
    assert_gives_up("k~\"(a|a)*$\" k~\"(a+)+$\"", &at);
    assert_gives_up("msg~\"(*LIMIT_MATCH=4000000000)(a+)+$\"", &at);
}

static void a_pattern_that_takes_too_much_memory_gives_up(void **state)
{
    static char msg[60000];
    line at = {6, "app", "web.1", {msg, sizeof(msg)}};

    (void)state;
    memset(msg, 'a', sizeof(msg));
    assert_gives_up("msg~\"^(?:a|b)*[cd]\"", &at);
    assert_gives_up("msg~\"(*NO_JIT)^((a|b)(?1)?)[cd]\"", &at);
}

static void what_is_longer_than_a_pattern_reaches_makes_it_give_up(void **state)
{
    static char msg[LP_FILTER_REACH_MAX_BYTES + 1];
    line at = {6, "app", "web.1", {msg, sizeof(msg)}};

    (void)state;
    memset(msg, 'x', sizeof(msg));
    assert_gives_up("msg~\"x\"", &at);
    assert_gives_up("msg!~\"y\"", &at);
    memcpy(msg, "a=1 ", 4);
    assert_line("a~1", &at, true);
}

static void the_first_pattern_that_gives_up_ends_the_matter(void **state)
{
    static char msg[60000];
    lp_filter *filter = filter_of("k~\"(a+)+$\"");
    line at = {6, "app", "web.1", {msg, sizeof(msg)}};

    (void)state;
    // Each of some 1,600 values would take all of the steps.
    for (size_t i = 0; i < sizeof(msg); i++) {
        msg[i] = "k=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab "[i % 37];
    }
    assert_false(matches(filter, &at));
    assert_int_equal(limit_lines(filter), 1);
    // Not even for one that would satisfy.
    memcpy(msg + sizeof(msg) - 5, " k=a ", 5);
    assert_false(matches(filter, &at));
    assert_int_equal(limit_lines(filter), 2);
    // One that satisfies before them does.
    memcpy(msg, "k=a ", 4);
    assert_true(matches(filter, &at));
    assert_int_equal(limit_lines(filter), 2);
    lp_filter_destroy(filter);
}

static void what_costs_less_is_asked_first(void **state)
{
    // A pattern that was asked would give up, and be counted.
    static const char *const texts[] = {
        "k~\"(a+)+$\" source=heroku",       "msg~\"(a+)+$\" severity<=err",
        "msg~\"(a+)+$\" process=worker",    "msg~\"(a+)+$\" status>=500",
        "k~\"(a+)+$\" status>=500",         "k~\"(a+)+$\" !later",
        "msg~\"(a+)+$\" k~\"^b\"",          "msg~\"(a+)+$\" nowhere",
        "k!~\"(a+)+$\" status=200 later=2",
    };
    line at = {6, "app", "web.1",
               LP_SPAN("k=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab status=200 "
                       "later=1")};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        lp_filter *filter = filter_of(texts[i]);

        assert_false(matches(filter, &at));
        assert_int_equal(limit_lines(filter), 0);
        lp_filter_destroy(filter);
    }
}

static void a_pattern_sees_every_value_of_a_key_that_comes_often(void **state)
{
    char msg[1024];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        n += (size_t)snprintf(msg + n, sizeof(msg) - n, "k=v%d ", i);
    }
    assert_msg("k~\"^v0$\"", msg, true);
    assert_msg("k~\"^v57$\"", msg, true);
    assert_msg("k~\"^v99$\" k~\"^v3$\" k~\"^v60$\"", msg, true);
    assert_msg("k~\"^v100$\"", msg, false);
    assert_msg("k!~\"^v\"", msg, false);
}

static void stats_tell_terms_patterns_and_jit(void **state)
{
    lp_filter *filter = filter_of("severity<=err a=1,2 b~x msg~\"(*NO_JIT)y\"");
    lp_filter_stats stats = LP_FILTER_STATS_INIT;
    lp_filter_stats part = {.struct_bytes = 8, .patterns = 77};

    (void)state;
    lp_filter_stats_get(filter, &stats);
    assert_int_equal(stats.struct_bytes, sizeof(stats));
    assert_int_equal(stats.terms, 4);
    assert_int_equal(stats.patterns, 2);
    assert_true(stats.jit_patterns <= 1);
    lp_filter_stats_get(filter, &part);
    assert_int_equal(part.terms, 4);
    assert_int_equal(part.patterns, 77);
    lp_filter_destroy(filter);
    lp_filter_destroy(NULL);
}

/* What is refused --------------------------------------------------------- */

static void assert_refused(const char *text, lp_err expected, size_t at_byte,
                           const char *sentence)
{
    lp_filter *filter = NULL;
    lp_filter_error error;

    assert_string_equal(
        lp_errname(lp_filter_create(lp_span_str(text), &filter, &error)),
        lp_errname(expected));
    assert_null(filter);
    assert_string_equal(error.sentence, sentence);
    assert_int_equal(error.at_byte, at_byte);
    assert_int_equal(lp_filter_create(lp_span_str(text), &filter, NULL),
                     expected);
}

static void what_is_no_term_is_told_with_its_byte(void **state)
{
    (void)state;
    assert_refused("", LP_E_SYNTAX, 0,
                   "the filter is empty; right would be severity<=warning, or "
                   "status>=500, or none at all");
    assert_refused(" \t\n", LP_E_SYNTAX, 0,
                   "the filter is empty; right would be severity<=warning, or "
                   "status>=500, or none at all");
    assert_refused("a=1 =2", LP_E_SYNTAX, 4,
                   "=2 begins with no key; right would be key=value, key or "
                   "!key");
    assert_refused("a=1 !", LP_E_SYNTAX, 4,
                   "! begins with no key; right would be key=value, key or "
                   "!key");
    assert_refused(".", LP_E_SYNTAX, 0,
                   ". begins with no key; right would be key=value, key or "
                   "!key");
    assert_refused("\"a b\"=1", LP_E_SYNTAX, 0,
                   "\"a begins with no key; right would be key=value, key or "
                   "!key");
    assert_refused("!status=200", LP_E_SYNTAX, 0,
                   "! stands in front of status, which has an operator; right "
                   "would be != or !~ behind the key");
}

static void what_is_no_operator_is_told_with_its_byte(void **state)
{
    static const struct {
        const char *text;
        size_t at_byte;
        const char *shown;
    } cases[] = {
        {"status==200", 6, "==200"}, {"status=~200", 6, "=~200"},
        {"status=>200", 6, "=>200"}, {"status<>200", 6, "<>200"},
        {"status!200", 6, "!200"},   {"status~=200", 6, "~=200"},
        {"status!", 6, "!"},         {"a=1 path\"/api\"", 8, "\"/api\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sentence[256];

        snprintf(sentence, sizeof(sentence),
                 "%s begins with no operator; right would be one of = != < <= "
                 "> >= ~ !~ and then a value, in quotes if it begins with one "
                 "of these signs",
                 cases[i].shown);
        assert_refused(cases[i].text, LP_E_SYNTAX, cases[i].at_byte, sentence);
    }
}

static void what_is_no_value_is_told_with_its_byte(void **state)
{
    const char *missing = "there is no value here; right would be one, or "
                          "\"\" for an empty one";

    (void)state;
    assert_refused("source=", LP_E_SYNTAX, 7, missing);
    assert_refused("source= app", LP_E_SYNTAX, 7, missing);
    assert_refused("source=app, heroku", LP_E_SYNTAX, 11, missing);
    assert_refused("source=app,,heroku", LP_E_SYNTAX, 11, missing);
    assert_refused("status>=", LP_E_SYNTAX, 8, missing);
    assert_refused("msg~", LP_E_SYNTAX, 4, missing);
    assert_refused("a=1 b=\"x y", LP_E_SYNTAX, 6,
                   "this quote is not closed; right would be a \" at the end "
                   "of the value, and \\\" for one within it");
    assert_refused("b=\"x\\\"", LP_E_SYNTAX, 2,
                   "this quote is not closed; right would be a \" at the end "
                   "of the value, and \\\" for one within it");
    assert_refused("b=x\"y\" c", LP_E_SYNTAX, 3,
                   "there is a quote within x\"y\"; right would be the whole "
                   "value in quotes, and \\\" for the one within it");
    assert_refused("b=\"x\"y", LP_E_SYNTAX, 5,
                   "behind the closing quote stands y; right would be a blank, "
                   "or a comma and one more value");
    assert_refused("msg~\"x\",\"y\"", LP_E_SYNTAX, 7,
                   "behind the closing quote stands ,\"y\"; right would be a "
                   "blank");
}

static void what_a_field_does_not_take_is_told(void **state)
{
    const char *source = "source takes = and != only; if a measure of that "
                         "name is meant, right would be a \".\" in front of it";
    const char *severity = "severity takes = != < <= > and >= only; right "
                           "would be severity<=warning, or .severity~err for "
                           "a measure of that name";
    const char *msg = "msg takes ~ and !~ only; right would be "
                      "msg~\"pattern\", or .msg=text for a measure of that "
                      "name";

    (void)state;
    assert_refused("source~app", LP_E_INVALID, 6, source);
    assert_refused("source>=app", LP_E_INVALID, 6, source);
    assert_refused("process<web", LP_E_INVALID, 7,
                   "process takes = and != only; if a measure of that name is "
                   "meant, right would be a \".\" in front of it");
    assert_refused("severity~err", LP_E_INVALID, 8, severity);
    assert_refused("severity!~err", LP_E_INVALID, 8, severity);
    assert_refused("msg=hello", LP_E_INVALID, 3, msg);
    assert_refused("msg>1", LP_E_INVALID, 3, msg);
    assert_refused("a source", LP_E_INVALID, 2,
                   "every line has a source; right would be an operator and a "
                   "value behind it, or a \".\" in front of it if a measure of "
                   "that name is meant");
    assert_refused("!msg", LP_E_INVALID, 0,
                   "every line has a msg; right would be an operator and a "
                   "value behind it, or a \".\" in front of it if a measure of "
                   "that name is meant");
}

static void a_severity_that_is_none_is_told(void **state)
{
    const char *none = "\"wrn\" is no severity; right would be 0 to 7, or "
                       "emerg, alert, crit, err, warning, notice, info or "
                       "debug";

    (void)state;
    assert_refused("severity<=wrn", LP_E_INVALID, 10, none);
    assert_refused("severity=\"wrn\"", LP_E_INVALID, 10, none);
    assert_refused("severity=err,wrn", LP_E_INVALID, 13, none);
    assert_refused("severity>=8", LP_E_INVALID, 10,
                   "\"8\" is no severity; right would be 0 to 7, or emerg, "
                   "alert, crit, err, warning, notice, info or debug");
    assert_refused("severity>debug", LP_E_INVALID, 9,
                   "severities are the numbers 0 (emerg) to 7 (debug), and "
                   "none is beyond debug; right would be <=warning for warning "
                   "and worse");
    assert_refused("severity<0", LP_E_INVALID, 9,
                   "severities are the numbers 0 (emerg) to 7 (debug), and "
                   "none is beyond 0; right would be <=warning for warning and "
                   "worse");
    assert_refused("severity!=0,1,2,3,4,5,6,7", LP_E_INVALID, 10,
                   "no line has a severity other than these; right would be to "
                   "leave one out");
}

static void a_number_that_is_none_is_told(void **state)
{
    (void)state;
    assert_refused("level<=warning", LP_E_INVALID, 7,
                   "\"warning\" is no number with one of the units ns, us, ms, "
                   "s, min, h, B, kB, MB, GB, TB, % and pages, or none; right "
                   "would be 500, 1.5s or 512MB");
    assert_refused("status>=\"500,503\"", LP_E_INVALID, 9,
                   "\"500,503\" is no number with one of the units ns, us, ms, "
                   "s, min, h, B, kB, MB, GB, TB, % and pages, or none; right "
                   "would be 500, 1.5s or 512MB");
    assert_refused("t>aaaaaaaaaabbbbbbbbbbcccccccccc\x01\xff"
                   "ddddddddz",
                   LP_E_INVALID, 2,
                   "\"aaaaaaaaaabbbbbbbbbbcccccccccc\" is no number with one "
                   "of the units ns, us, ms, s, min, h, B, kB, MB, GB, TB, % "
                   "and pages, or none; right would be 500, 1.5s or 512MB");
    assert_refused("t>\"aaaaaaaaaabbbbbbbbbbcccccccccc\x01\xff"
                   "ddddddddz\"",
                   LP_E_INVALID, 3,
                   "\"aaaaaaaaaabbbbbbbbbbcccccccccc..dddddddd...\" is no "
                   "number with one of the units ns, us, ms, s, min, h, B, kB, "
                   "MB, GB, TB, % and pages, or none; right would be 500, 1.5s "
                   "or 512MB");
}

static void a_pattern_that_is_none_is_told_with_its_byte(void **state)
{
    (void)state;
    assert_refused("a=1 msg~\"(x\"", LP_E_INVALID, 11,
                   "the pattern is no regular expression of PCRE2: missing "
                   "closing parenthesis");
    // Two escapes in front of the fault, each of which is one byte of it.
    assert_refused("msg~\"\\\"\\\"x**+?)\"", LP_E_INVALID, 11,
                   "the pattern is no regular expression of PCRE2: quantifier "
                   "does not follow a repeatable item");
    assert_refused("msg~x**+", LP_E_INVALID, 6,
                   "the pattern is no regular expression of PCRE2: quantifier "
                   "does not follow a repeatable item");
    assert_refused("msg~\"(*UTF)x\"", LP_E_INVALID, 11,
                   "the pattern is no regular expression of PCRE2: using UTF "
                   "is disabled by the application");
    assert_refused("k~\"\"", LP_E_INVALID, 3,
                   "the pattern is empty, and found in everything; right would "
                   "be what to look for");
}

static void what_is_too_much_is_told(void **state)
{
    static char text[2 * LP_FILTER_TEXT_MAX_BYTES];
    size_t n = 0;

    (void)state;
    memset(text, 'a', LP_FILTER_TEXT_MAX_BYTES);
    lp_filter_destroy(filter_of(text));
    text[LP_FILTER_TEXT_MAX_BYTES] = 'a';
    assert_refused(text, LP_E_FULL, LP_FILTER_TEXT_MAX_BYTES,
                   "the filter is longer than 2048 bytes");

    memset(text, 0, sizeof(text));
    for (int i = 0; i < LP_FILTER_TERMS_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "severity!=%d ",
                              i % 7);
    }
    lp_filter_destroy(filter_of(text));
    memcpy(text + n, "!a", 3);
    assert_refused(text, LP_E_FULL, n, "the filter has more than 32 terms");

    n = (size_t)snprintf(text, sizeof(text), "b=x a=0");
    for (int i = 2; i < LP_FILTER_ALTERNATIVES_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",%d", i);
    }
    assert_msg(text, "a=127 b=x", true);
    memcpy(text + n, ",128", 5);
    assert_refused(text, LP_E_FULL, n + 1,
                   "the filter has more than 128 values, of all of its = and "
                   "!= together");
}

static void patterns_that_grow_too_large_are_refused(void **state)
{
    const char *text = "a~(?:(?:[a-z]+[0-9]){30}){20} "
                       "b~(?:(?:[a-z]+[0-9]){30}){20} "
                       "c~(?:(?:[a-z]+[0-9]){30}){20} "
                       "d~(?:(?:[a-z]+[0-9]){30}){20} "
                       "e~(?:(?:[a-z]+[0-9]){30}){20} "
                       "f~(?:(?:[a-z]+[0-9]){30}){20}";
    lp_filter *filter = NULL;
    lp_filter_error error;
    const char *expected = " those of the filter take more than 256 KiB";

    (void)state;
    assert_refused("msg~((a{1000}){1000}){1000}", LP_E_INVALID, 27,
                   "the pattern is no regular expression of PCRE2: regular "
                   "expression is too large");
    assert_int_equal(lp_filter_create(lp_span_str(text), &filter, &error),
                     LP_E_FULL);
    assert_null(filter);
    assert_non_null(strstr(error.sentence, expected));
}

static void thirty_two_terms_are_all_asked(void **state)
{
    char text[512];
    char msg[512];

    (void)state;
    for (int missing = -1; missing < LP_FILTER_TERMS_MAX; missing++) {
        size_t n = 0;
        size_t m = 0;

        for (int i = 0; i < LP_FILTER_TERMS_MAX; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "k%d%s%d ", i,
                                  i % 3 == 0 ? "~" : "=", i);
            if (i != missing) {
                m +=
                    (size_t)snprintf(msg + m, sizeof(msg) - m, "k%d=%d ", i, i);
            }
        }
        assert_msg(text, msg, missing < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_one_of_those_named),
        cmocka_unit_test(a_process_without_a_number_is_all_of_its_kind),
        cmocka_unit_test(a_smaller_severity_is_worse),
        cmocka_unit_test(a_severity_has_the_usual_names_in_any_case),
        cmocka_unit_test(a_router_line_has_what_it_has),
        cmocka_unit_test(a_router_line_has_not_what_it_has_not),
        cmocka_unit_test(a_unit_is_converted_to_one_of_its_kind),
        cmocka_unit_test(without_a_unit_on_one_side_bare_numbers_are_compared),
        cmocka_unit_test(a_size_without_a_unit_is_in_bytes),
        cmocka_unit_test(what_is_no_number_satisfies_no_order),
        cmocka_unit_test(numbers_have_signs_points_and_exponents),
        cmocka_unit_test(equal_compares_text_and_not_numbers),
        cmocka_unit_test(of_a_key_that_comes_again_any_may_satisfy),
        cmocka_unit_test(a_word_is_a_key_without_a_value),
        cmocka_unit_test(a_dot_makes_a_measure_of_any_key),
        cmocka_unit_test(quotes_in_the_filter_hold_blanks_and_escapes),
        cmocka_unit_test(escapes_of_the_line_are_resolved),
        cmocka_unit_test(an_escaped_value_may_be_of_any_length),
        cmocka_unit_test(nul_and_what_is_no_utf8_are_bytes_like_others),
        cmocka_unit_test(an_empty_message_has_no_measures),
        cmocka_unit_test(a_line_of_64_kib_is_asked_to_its_end),
        cmocka_unit_test(a_pattern_that_backtracks_without_end_gives_up),
        cmocka_unit_test(a_pattern_that_takes_too_much_memory_gives_up),
        cmocka_unit_test(
            what_is_longer_than_a_pattern_reaches_makes_it_give_up),
        cmocka_unit_test(the_first_pattern_that_gives_up_ends_the_matter),
        cmocka_unit_test(what_costs_less_is_asked_first),
        cmocka_unit_test(a_pattern_sees_every_value_of_a_key_that_comes_often),
        cmocka_unit_test(stats_tell_terms_patterns_and_jit),
        cmocka_unit_test(what_is_no_term_is_told_with_its_byte),
        cmocka_unit_test(what_is_no_operator_is_told_with_its_byte),
        cmocka_unit_test(what_is_no_value_is_told_with_its_byte),
        cmocka_unit_test(what_a_field_does_not_take_is_told),
        cmocka_unit_test(a_severity_that_is_none_is_told),
        cmocka_unit_test(a_number_that_is_none_is_told),
        cmocka_unit_test(a_pattern_that_is_none_is_told_with_its_byte),
        cmocka_unit_test(what_is_too_much_is_told),
        cmocka_unit_test(patterns_that_grow_too_large_are_refused),
        cmocka_unit_test(thirty_two_terms_are_all_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
