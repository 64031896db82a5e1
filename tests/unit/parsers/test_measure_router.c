/* Built twice: with vectors where there are some, and in plain C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "chance.h"
#include "router_model.h"

/* A page with nothing readable behind it, nor in front of it. */
typedef struct page {
    char *start;
    size_t bytes;
} page;

static int open_page(void **state)
{
    static page p;
    char *pages;

    p.bytes = (size_t)sysconf(_SC_PAGESIZE);
    pages =
        mmap(NULL, 3 * p.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return -1;
    }
    p.start = pages + p.bytes;
    *state = &p;
    return mprotect(p.start, p.bytes, PROT_READ | PROT_WRITE);
}

static int close_page(void **state)
{
    const page *p = *state;

    return munmap(p->start - p->bytes, 3 * p->bytes);
}

static void check(lp_span msg)
{
    lp_measure_line line = {
        .source = LP_SPAN("heroku"), .process = LP_SPAN("router"), .msg = msg};
    lp_measures found;

    lp_measures_read(NULL, &line, &found);
    if (model_can_read(msg) && !model_agrees(msg, &found)) {
        fail_msg("read in another way than pair by pair: %.*s",
                 (int)msg.len_bytes, msg.ptr);
    }
    if (!request_agrees(&line, &found)) {
        fail_msg("another request than its measures say: %.*s",
                 (int)msg.len_bytes, msg.ptr);
    }
}

/* At both ends of the page, so that nobody looks beyond it. */
static void check_at_ends(const page *p, const char *text, size_t n)
{
    char *at_end = p->start + p->bytes - n;

    memcpy(at_end, text, n);
    check(lp_span_of(at_end, n));
    memcpy(p->start, text, n);
    check(lp_span_of(p->start, n));
}

static const char *const lines[] = {
    "at=info method=GET path=\"/\" host=h request_id=8601b555-6a83-4c12-8269 "
    "fwd=\"1.2.3.4\" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 "
    "protocol=https tls=true tls_version=tls1.3",
    "at=error code=H12 desc=\"Request timeout\" method=GET path=\"/a b\" "
    "host=h dyno=web.1 connect=0ms service=30000ms status=503 bytes=0",
    "at=error code=H10 desc=\"App crashed\" method=GET path=\"/\\\"q\" host=h "
    "fwd=17.17.17.17 dyno= connect= service= status=503 bytes=",
    "dyno=web.1 queue=0 wait=0ms service=1381ms status=200 bytes=22849",
    "measure=connect val=3 connect=1ms sample#service=7 service=9ms status=2",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

static void a_line_is_read_as_its_pairs_are_wherever_it_is_cut(void **state)
{
    for (size_t i = 0; i < LINES; i++) {
        for (size_t n = 0; n <= strlen(lines[i]); n++) {
            check_at_ends(*state, lines[i], n);
            check_at_ends(*state, lines[i] + n, strlen(lines[i]) - n);
        }
    }
}

static bool is_request(const char *msg, const char *process)
{
    lp_measure_line line = {.source = LP_SPAN("heroku"),
                            .process = lp_span_str(process),
                            .msg = lp_span_str(msg)};
    lp_request request;

    check(line.msg);
    return lp_request_read(&line, &request);
}

/* As long as a request is at least. */
#define LONG_PATH \
    "/a/path/that/alone/has/more/than/sixty-four/bytes/of/small/letters"

/* Not with a quote in a quote, other words, in another order, or when its last pair
 * has few bytes. */
static void what_the_router_writes_is_mostly_a_request(void **state)
{
    static const bool are_requests[LINES] = {true, false, false, true, false};
    static const char *const requests[] = {
        "at=info path=" LONG_PATH " status=200",
        "at=info path=\"" LONG_PATH "\" status=200",
        "at=info path=\"/a b " LONG_PATH " c\" connect=1ms",
        "at=info path=\" " LONG_PATH "\" connect=1ms",
        "at=info desc=\"\" path=\"\" host=" LONG_PATH " bytes=123",
    };
    static const char *const others[] = {
        "status=200 at=info path=" LONG_PATH,
        "at=info path=" LONG_PATH " host=h",
        "at=info path=" LONG_PATH " status=2OO",
        "at=info path=" LONG_PATH " connect=123456789ms",
        "at=info path=" LONG_PATH " connect=1",
        "at=info path=" LONG_PATH " bytes=1.5",
        "at=info path=" LONG_PATH " status=200 a=b",
        "at=info path=" LONG_PATH " connect=1s",
        "at=info path=" LONG_PATH " connect=1ms connect=1ms",
        "at=info path=" LONG_PATH "  status=200",
        "at=info path=" LONG_PATH "\" status=200",
        "at=info path=\"" LONG_PATH " status=200",
        "at=info path=\"/\"" LONG_PATH "\" status=200",
        "at=info path=\"/\\\" host=\"" LONG_PATH "\" status=200",
        "at=info path=\"" LONG_PATH "\\\" status=200",
        "at=info path=/ status=200", // too short
    };

    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        assert_int_equal(is_request(lines[i], "router"), are_requests[i]);
    }
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        assert_true(is_request(requests[i], "router"));
        assert_false(is_request(requests[i], "web.1"));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(is_request(others[i], "router"));
    }
}

static void so_it_is_with_a_value_of_any_length(void **state)
{
    enum { LONGEST = 400 };
    char text[LONGEST + 100];

    for (int quoted = 0; quoted < 2; quoted++) {
        for (int n = 0; n < LONGEST; n++) {
            int bytes = snprintf(
                text, sizeof(text), "at=info path=%s%0*d%s status=200 bytes=%d",
                quoted ? "\"" : "", n, 7, quoted ? "\"" : "", n);

            check_at_ends(*state, text, (size_t)bytes);
        }
    }
}

static const char *const keys[] = {
    "at",      "code",       "desc",      "method",   "path",  "host",
    "fwd",     "request_id", "dyno",      "queue",    "wait",  "connect",
    "service", "status",     "bytes",     "protocol", "tls",   "tls_version",
    "source",  "connec",     "connectt",  "request_", "statu", "tls_",
    "measure", "val",        "count#one", "foo",      "units"};

static const char *const values[] = {
    "",
    "info",
    "\"",
    "\"\"",
    "\"a b\"",
    "\"a\\\"b\"",
    "a\"b",
    "\"/\"x",
    "0ms",
    "18ms",
    "\"18ms\"",
    "9999ms",
    "10000ms",
    "1.5s",
    "ms",
    "00018",
    "200",
    "20x",
    "12345678",
    "123456789",
    "-1",
    "\xff\x7f",
    "00000000000000000000000000000000000000000000000000"};

static size_t make_line(char *text, size_t room)
{
    static const char between[] = "                 \t\n=\"";
    uint32_t key = 0;
    size_t n = 0;

    for (uint32_t left = chance(24); left > 0 && n + 120 < room; left--) {
        key = chance(8) == 0 ? chance(sizeof(keys) / sizeof(keys[0])) : key + 1;
        key %= sizeof(keys) / sizeof(keys[0]);
        n +=
            (size_t)snprintf(text + n, room - n, "%s=%s%c", keys[key],
                             values[chance(sizeof(values) / sizeof(values[0]))],
                             between[chance(sizeof(between) - 1)]);
    }
    for (uint32_t left = chance(4) == 0 ? 3 : 0; left > 0 && n > 0; left--) {
        text[chance((uint32_t)n)] = "= \"\\\0ms0\n"[chance(9)];
    }
    return n;
}

static void so_it_is_with_whatever_a_line_is_made_of(void **state)
{
    char text[2000];

    for (int i = 0; i < 100000; i++) {
        size_t n = make_line(text, sizeof(text));

        check_at_ends(*state, text, n);
        check_at_ends(*state, text, chance((uint32_t)n + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_as_its_pairs_are_wherever_it_is_cut),
        cmocka_unit_test(what_the_router_writes_is_mostly_a_request),
        cmocka_unit_test(so_it_is_with_a_value_of_any_length),
        cmocka_unit_test(so_it_is_with_whatever_a_line_is_made_of),
    };

    return cmocka_run_group_tests(tests, open_page, close_page);
}
