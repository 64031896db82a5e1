#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/measure.h"

static void read_line(const char *source, const char *process, const char *msg,
                      lp_measures *out)
{
    lp_measure_line line = {.source = lp_span_str(source),
                            .process = lp_span_str(process),
                            .msg = lp_span_str(msg)};

    lp_measures_read(NULL, &line, out);
}

static void assert_span(lp_span span, const char *expected)
{
    assert_int_equal(span.len_bytes, strlen(expected));
    assert_memory_equal(span.ptr, expected, span.len_bytes);
}

static void assert_value(const lp_measure *one, const char *name, double value,
                         lp_unit unit)
{
    assert_span(one->name, name);
    assert_true(one->value == value);
    assert_int_equal(one->unit, unit);
}

/* Lines ------------------------------------------------------------------- */

static void nothing_is_found_in_nothing(void **state)
{
    static const char *const processes[] = {
        "",    "router",      "web.1",          "logplex",
        "api", "log-shuttle", "heroku-postgres"};
    lp_measure_line line = {.msg = {NULL, 0}};
    lp_measures found;

    (void)state;
    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++) {
        line.process = lp_span_str(processes[i]);
        for (int is_heroku = 0; is_heroku < 2; is_heroku++) {
            line.source = is_heroku ? LP_SPAN("heroku") : LP_SPAN("");
            memset(&found, 0xff, sizeof(found));
            lp_measures_read(NULL, &line, &found);
            assert_int_equal(found.kind, LP_KIND_NONE);
            assert_int_equal(found.count, 0);
            assert_int_equal(found.left_out, 0);
            assert_int_equal(found.status, -1);
            assert_int_equal(found.path.len_bytes, 0);
        }
    }
}

static void what_does_not_fit_is_counted(void **state)
{
    char text[4096] = "";
    lp_measures found;

    (void)state;
    for (int i = 0; i < LP_MEASURES_MAX + 7; i++) {
        size_t n = strlen(text);

        snprintf(text + n, sizeof(text) - n, "sample#s%d=%d count#x ", i, i);
    }
    read_line("app", "web.1", text, &found);
    assert_int_equal(found.count, LP_MEASURES_MAX);
    assert_int_equal(found.left_out, LP_MEASURES_MAX + 2 * 7);
    assert_value(&found.list[0], "s0", 0, LP_UNIT_NONE);
    assert_value(&found.list[LP_MEASURES_MAX - 2], "s15", 15, LP_UNIT_NONE);
}

static void of_a_cut_line_the_last_word_is_not_believed(void **state)
{
    lp_measure_line line = {.source = LP_SPAN("heroku"),
                            .process = LP_SPAN("router"),
                            .msg = LP_SPAN("dyno=web.1 connect=1ms service=18"),
                            .is_cut = true};
    lp_measures found;

    (void)state;
    lp_measures_read(NULL, &line, &found);
    assert_int_equal(found.count, 1);
    assert_value(&found.list[0], "connect", 1, LP_UNIT_MS);
    line.is_cut = false;
    lp_measures_read(NULL, &line, &found);
    assert_int_equal(found.count, 2);
    // In milliseconds, as the router has it: a part of the number, but no other
    // unit.
    assert_value(&found.list[1], "service", 18, LP_UNIT_MS);

    line.msg = LP_SPAN("State changed from up to cra");
    line.process = LP_SPAN("web.1");
    line.is_cut = true;
    lp_measures_read(NULL, &line, &found);
    assert_int_equal(found.kind, LP_KIND_NONE);

    line.msg = LP_SPAN("measure=memory_total val=209.64 unit");
    lp_measures_read(NULL, &line, &found);
    assert_int_equal(found.count, 0);
}

static void an_application_can_not_speak_for_the_platform(void **state)
{
    static const char *const lines[] = {
        "at=info method=GET path=/ service=1ms status=200",
        "Error R14 (Memory quota exceeded)",
        "Error L10 (output buffer overflow): 500 messages dropped since",
        "State changed from up to crashed",
        "Process exited with status 1",
        "Process running mem=1028MB(103.3%)",
        "Cycling",
        "Starting process with command `true`",
        "Release v1 created by me",
        "Deploy abc by me",
    };
    lp_measures found;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        read_line("app", "web.1", lines[i], &found);
        assert_int_equal(found.kind, LP_KIND_NONE);
        assert_int_equal(found.count, 0);
        assert_int_equal(found.status, -1);
    }
    read_line("app", "web.1", "sample#memory_total=21.00MB", &found);
    assert_int_equal(found.kind, LP_KIND_NONE);
    assert_int_equal(found.count, 1);
}

static void a_measure_is_found_wherever_it_stands(void **state)
{
    static const char *const marks[] = {"measure#x=3", "sample#x=3",
                                        "count#x=3", "measure.x=3",
                                        "measure=x val=3"};
    enum { PLACES = 300 };
    lp_measures found;

    (void)state;
    for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++) {
        for (size_t before = 0; before < PLACES; before++) {
            size_t n = strlen(marks[m]);
            size_t behind = before % 80;
            char *text = malloc(before + n + behind + 1);
            lp_measure_line line = {.source = LP_SPAN("app"),
                                    .process = LP_SPAN("web.1")};

            assert_non_null(text);
            memset(text, 'm', before + n + behind);
            memcpy(text + before, marks[m], n);
            if (before > 0) {
                text[before - 1] = ' ';
            }
            if (behind > 0) {
                text[before + n] = ' ';
            }
            line.msg = lp_span_of(text, before + n + behind);
            lp_measures_read(NULL, &line, &found);
            assert_int_equal(found.count, 1);
            assert_value(&found.list[0], "x", 3, LP_UNIT_NONE);
            free(text);
        }
    }
}

static void numbers_become_those_of_a_base_unit(void **state)
{
    static const struct {
        const char *text;
        double value;
        lp_unit unit;
        const char *suffix;
    } cases[] = {
        {"18ms", 18, LP_UNIT_MS, "ms"},
        {"0.1s", 100, LP_UNIT_MS, "s"},
        {"12500us", 12.5, LP_UNIT_MS, "us"},
        {"1ns", 1e-6, LP_UNIT_MS, "ns"},
        {"999999999ms", 999999999, LP_UNIT_MS, "ms"},
        {"9999999999ms", 9999999999, LP_UNIT_MS, "ms"},
        {"123456789012345678", 123456789012345678.0, LP_UNIT_NONE, ""},
        {"0.1234567890123456789", 0.123456789012345678, LP_UNIT_NONE, ""},
        {"12345678.87654321", 12345678.87654321, LP_UNIT_NONE, ""},
        {"000000000000000000000001", 1, LP_UNIT_NONE, ""},
        {"1.", 1, LP_UNIT_NONE, ""},
        {".5MB", 524288, LP_UNIT_BYTES, "MB"},
        {"1kB", 1024, LP_UNIT_BYTES, "kB"},
        {"4347576bytes", 4347576, LP_UNIT_BYTES, "bytes"},
        {"1028MB(103.3%)", 1077936128, LP_UNIT_BYTES, "MB"},
        {"103.3%", 103.3, LP_UNIT_PERCENT, "%"},
        {"348836pages", 348836, LP_UNIT_PAGES, "pages"},
        {"-5ms", -5, LP_UNIT_MS, "ms"},
        {"5req/s", 5, LP_UNIT_OTHER, "req/s"},
        {"5milliseconds", 5, LP_UNIT_OTHER, "milliseconds"},
    };
    lp_measures found;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[64];

        snprintf(line, sizeof(line), "measure#x=%s", cases[i].text);
        read_line("app", "web.1", line, &found);
        assert_int_equal(found.count, 1);
        assert_value(&found.list[0], "x", cases[i].value, cases[i].unit);
        assert_span(found.list[0].text, cases[i].text);
        assert_span(found.list[0].suffix, cases[i].suffix);
    }
}

static void what_is_no_number_is_no_measure(void **state)
{
    static const char *const texts[] = {"",
                                        ".",
                                        "ms",
                                        "-",
                                        "+ms",
                                        "1.2.3",
                                        "0x10",
                                        "1,000",
                                        "1 000ms",
                                        "1ms!",
                                        "NaN",
                                        "inf",
                                        "1e400",
                                        "10:20",
                                        "1m2",
                                        "--1",
                                        "1-2",
                                        "\xe2\x82\xac",
                                        "1234567890123456789"};
    lp_measures found;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char line[64];

        snprintf(line, sizeof(line), "measure#x=\"%s\"", texts[i]);
        read_line("app", "web.1", line, &found);
        assert_int_equal(found.count, 0);
    }
}

/* Each byte is looked at a bounded number of times: a line of a MiB takes no
 * longer than its bytes, whatever it is made of. What would be quadratic takes
 * minutes here. */
static void hostile_lines_take_linear_time(void **state)
{
    static const char *const units[] = {"count#",
                                        "#",
                                        "measure.",
                                        "measure=",
                                        "m12345e",
                                        "a=\"",
                                        "[",
                                        "[x] ",
                                        "Completed ",
                                        ": ",
                                        "a: 1 ",
                                        "status=1 ",
                                        "val=1 ",
                                        " messages",
                                        "tls=",
                                        "Error ",
                                        "(",
                                        "\\",
                                        "\"\\",
                                        "I, [",
                                        "a=\"b\"",
                                        "status=\"1\"",
                                        "status=\"1\"\t",
                                        "path=\"/ \" "};
    enum { TEXT_BYTES = 1 << 20 };
    char *text = malloc(TEXT_BYTES);
    lp_measures found;

    (void)state;
    assert_non_null(text);
    for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
        lp_measure_line line = {.source = LP_SPAN("heroku"),
                                .process = LP_SPAN("router"),
                                .msg = {text, TEXT_BYTES}};

        for (size_t i = 0; i < TEXT_BYTES; i++) {
            text[i] = units[u][i % strlen(units[u])];
        }
        lp_measures_read(NULL, &line, &found);
        line.process = LP_SPAN("logplex");
        lp_measures_read(NULL, &line, &found);
        line.source = LP_SPAN("app");
        line.process = LP_SPAN("web.1");
        lp_measures_read(NULL, &line, &found);
        assert_true(found.count <= LP_MEASURES_MAX);
    }
    free(text);
}

/* Codes ------------------------------------------------------------------- */

static void every_code_has_its_meaning(void **state)
{
    static const char *const codes[] = {
        "H10", "H11", "H12", "H13", "H14", "H15", "H16", "H17", "H18",
        "H19", "H20", "H21", "H22", "H23", "H24", "H25", "H26", "H27",
        "H28", "H31", "H32", "H33", "H34", "H80", "H81", "H82", "H83",
        "H99", "R10", "R12", "R13", "R14", "R15", "R16", "R17", "R99",
        "L10", "L11", "L12", "L13", "L14", "L15", "L20"};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        const char *meaning = lp_measure_code_meaning(lp_span_str(codes[i]));

        assert_non_null(meaning);
        assert_true(strlen(meaning) > 5);
    }
    assert_string_equal(lp_measure_code_meaning(LP_SPAN("H12")),
                        "Request timeout");
    assert_string_equal(lp_measure_code_meaning(LP_SPAN("R14")),
                        "Memory quota exceeded");
}

static void what_is_no_code_has_none(void **state)
{
    static const char *const codes[] = {"",    "H",   "H1", "H122",
                                        "h12", "X10", "H00"};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_null(lp_measure_code_meaning(lp_span_str(codes[i])));
    }
}

static void a_base_unit_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(lp_measure_unit_name(LP_UNIT_MS), "ms");
    assert_string_equal(lp_measure_unit_name(LP_UNIT_BYTES), "bytes");
    assert_string_equal(lp_measure_unit_name(LP_UNIT_PERCENT), "%");
    assert_string_equal(lp_measure_unit_name(LP_UNIT_PAGES), "pages");
    assert_string_equal(lp_measure_unit_name(LP_UNIT_NONE), "");
    assert_string_equal(lp_measure_unit_name(LP_UNIT_OTHER), "");
}

/* Kinds of one's own ------------------------------------------------------ */

typedef struct reader {
    int calls;
    bool answer;
} reader;

static bool read_pings(void *ctx, const lp_measure_line *line, lp_measures *out)
{
    reader *self = ctx;

    self->calls++;
    out->status = 7;
    out->path = line->msg;
    assert_true(lp_measures_add(out, LP_OP_COUNT, LP_SPAN("pings"),
                                LP_SPAN("2"), LP_UNIT_NONE));
    assert_true(lp_measures_add(out, LP_OP_MEASURE, LP_SPAN("took"),
                                LP_SPAN("5"), LP_UNIT_MS));
    assert_true(lp_measures_add(out, LP_OP_MEASURE, LP_SPAN("wrote"),
                                LP_SPAN("5.5"), LP_UNIT_BYTES));
    assert_false(lp_measures_add(out, LP_OP_COUNT, LP_SPAN("pings"),
                                 LP_SPAN("two"), LP_UNIT_NONE));
    assert_false(lp_measures_add(out, LP_OP_COUNT, LP_SPAN(""), LP_SPAN("2"),
                                 LP_UNIT_NONE));
    assert_false(lp_measures_add(out, LP_OP_UNIQUE, LP_SPAN("who"), LP_SPAN(""),
                                 LP_UNIT_NONE));
    return self->answer;
}

static void read_with(const lp_kinds *kinds, const char *process,
                      const char *msg, lp_measures *out)
{
    lp_measure_line line = {.source = LP_SPAN("app"),
                            .process = lp_span_str(process),
                            .msg = lp_span_str(msg)};

    lp_measures_read(kinds, &line, out);
}

static void a_kind_of_ones_own_reads_its_lines_alone(void **state)
{
    reader self = {.answer = true};
    lp_kind_own own = {.struct_bytes = sizeof(own),
                       .starts = LP_SPAN("ping "),
                       .process = LP_SPAN("worker"),
                       .read = read_pings,
                       .ctx = &self};
    lp_measures found;
    lp_kinds kinds;
    uint8_t id;

    (void)state;
    lp_kinds_init(&kinds);
    assert_int_equal(lp_kinds_add(&kinds, &own, &id), LP_OK);
    assert_int_equal(id, LP_KIND_OWN);
    read_with(&kinds, "web.1", "ping one", &found);
    read_with(&kinds, "workers", "ping one", &found);
    read_with(&kinds, "worker.1", "pin", &found);
    read_with(&kinds, "worker.1", "pong", &found);
    read_with(&kinds, "", "", &found);
    assert_int_equal(self.calls, 0);
    assert_int_equal(found.kind, LP_KIND_NONE);

    read_with(&kinds, "worker.1", "ping one count#more=3", &found);
    assert_int_equal(self.calls, 1);
    assert_int_equal(found.kind, id);
    assert_int_equal(found.status, 7);
    assert_int_equal(found.count, 4);
    assert_value(&found.list[0], "pings", 2, LP_UNIT_NONE);
    assert_value(&found.list[1], "took", 5, LP_UNIT_MS);
    assert_value(&found.list[2], "wrote", 5.5, LP_UNIT_BYTES);
    assert_value(&found.list[3], "more", 3, LP_UNIT_NONE);
    read_with(&kinds, "worker", "ping two", &found);
    assert_int_equal(found.kind, id);
}

static void
what_a_kind_did_to_a_line_that_is_not_its_own_is_undone(void **state)
{
    reader self = {.answer = false};
    lp_kind_own own = {.struct_bytes = sizeof(own),
                       .process = LP_SPAN("router"),
                       .read = read_pings,
                       .ctx = &self};
    lp_measures found;
    lp_kinds kinds;
    uint8_t id;

    (void)state;
    lp_kinds_init(&kinds);
    assert_int_equal(lp_kinds_add(&kinds, &own, &id), LP_OK);
    read_with(&kinds, "router", "GET h/ service=4ms", &found);
    assert_int_equal(self.calls, 1);
    assert_int_equal(found.kind, LP_KIND_ROUTER);
    assert_int_equal(found.status, -1);
    assert_int_equal(found.count, 1);
    assert_span(found.path, "/");
}

static void the_first_kind_that_takes_a_line_has_it(void **state)
{
    reader no = {.answer = false};
    reader yes = {.answer = true};
    reader late = {.answer = true};
    lp_kind_own own[3] = {
        {sizeof(own[0]), LP_SPAN("a"), {NULL, 0}, read_pings, &no},
        {sizeof(own[0]), {NULL, 0}, LP_SPAN("web"), read_pings, &yes},
        {sizeof(own[0]), LP_SPAN("a"), {NULL, 0}, read_pings, &late}};
    lp_measures found;
    lp_kinds kinds;
    uint8_t id;

    (void)state;
    lp_kinds_init(&kinds);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lp_kinds_add(&kinds, &own[i], &id), LP_OK);
        assert_int_equal(id, LP_KIND_OWN + i);
    }
    read_with(&kinds, "web.1", "a line", &found);
    assert_int_equal(found.kind, LP_KIND_OWN + 1);
    assert_int_equal(found.count, 3);
    assert_int_equal(no.calls, 1);
    assert_int_equal(yes.calls, 1);
    assert_int_equal(late.calls, 0);
    read_with(&kinds, "worker.1", "a line", &found);
    assert_int_equal(found.kind, LP_KIND_OWN + 2);
}

static void a_kind_that_would_cost_every_line_is_refused(void **state)
{
    reader self = {.answer = true};
    lp_kind_own own = {.struct_bytes = sizeof(own),
                       .starts = LP_SPAN("x"),
                       .read = read_pings,
                       .ctx = &self};
    lp_kind_own everything = {.struct_bytes = sizeof(own), .read = read_pings};
    lp_kind_own nobody = {.struct_bytes = sizeof(own), .starts = LP_SPAN("x")};
    lp_kind_own old = own;
    lp_kinds kinds;
    uint8_t id = 0;

    (void)state;
    lp_kinds_init(&kinds);
    old.struct_bytes = 8;
    assert_int_equal(lp_kinds_add(&kinds, &everything, &id), LP_E_INVALID);
    assert_int_equal(lp_kinds_add(&kinds, &nobody, &id), LP_E_INVALID);
    assert_int_equal(lp_kinds_add(&kinds, &old, &id), LP_E_INVALID);
    assert_int_equal(id, 0);
    for (int i = 0; i < LP_KINDS_OWN_MAX; i++) {
        assert_int_equal(lp_kinds_add(&kinds, &own, &id), LP_OK);
    }
    assert_int_equal(lp_kinds_add(&kinds, &own, &id), LP_E_FULL);
    assert_int_equal(id, LP_KIND_OWN + LP_KINDS_OWN_MAX - 1);
}

static void a_number_is_read_as_measures_are(void **state)
{
    static const struct {
        const char *text;
        double value;
        lp_unit unit;
        const char *suffix;
    } numbers[] = {
        {"18ms", 18, LP_UNIT_MS, "ms"},
        {"1.5s", 1500, LP_UNIT_MS, "s"},
        {"200", 200, LP_UNIT_PAGES, ""},
        {"21.00MB", 22020096, LP_UNIT_BYTES, "MB"},
        {"-12.5req/s", -12.5, LP_UNIT_OTHER, "req/s"},
        {"1028MB(103.3%)", 1077936128, LP_UNIT_BYTES, "MB"},
        {"1234567890123", 1234567890123, LP_UNIT_PAGES, ""},
    };
    static const char *const others[] = {
        "", "fast", "ms", "1:2", "-", "1 ", "1\xff ms", "1234567890123456789"};
    lp_measure one;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_true(lp_measure_number(lp_span_str(numbers[i].text),
                                      LP_UNIT_PAGES, &one));
        assert_true(one.value == numbers[i].value);
        assert_int_equal(one.unit, numbers[i].unit);
        assert_span(one.text, numbers[i].text);
        assert_span(one.suffix, numbers[i].suffix);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(
            lp_measure_number(lp_span_str(others[i]), LP_UNIT_NONE, &one));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_found_in_nothing),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(of_a_cut_line_the_last_word_is_not_believed),
        cmocka_unit_test(an_application_can_not_speak_for_the_platform),
        cmocka_unit_test(a_measure_is_found_wherever_it_stands),
        cmocka_unit_test(numbers_become_those_of_a_base_unit),
        cmocka_unit_test(what_is_no_number_is_no_measure),
        cmocka_unit_test(hostile_lines_take_linear_time),
        cmocka_unit_test(every_code_has_its_meaning),
        cmocka_unit_test(what_is_no_code_has_none),
        cmocka_unit_test(a_base_unit_has_a_name),
        cmocka_unit_test(a_kind_of_ones_own_reads_its_lines_alone),
        cmocka_unit_test(
            what_a_kind_did_to_a_line_that_is_not_its_own_is_undone),
        cmocka_unit_test(the_first_kind_that_takes_a_line_has_it),
        cmocka_unit_test(a_kind_that_would_cost_every_line_is_refused),
        cmocka_unit_test(a_number_is_read_as_measures_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
