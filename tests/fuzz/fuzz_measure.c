/*
 * The first byte says whose line it is, the second where it is cut, and the rest
 * is its message. All that is found lies in the line, and numbers are finite; the
 * pairs are those of lp_logfmt_next(), the fast way and the slow one, and a
 * router's line says what these do; a line that is cut has no measure that the
 * whole one has not; and what is written behind it is found as well.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "logplex/logfmt.h"
#include "measuring.h"
#include "pairs.h"
#include "router_model.h"

static const struct {
    const char *source;
    const char *process;
} whose[] = {
    {"heroku", "router"},    {"heroku", "web.1"},    {"app", "web.1"},
    {"app", "api"},          {"heroku", "logplex"},  {"app", "heroku-postgres"},
    {"app", "heroku-redis"}, {"app", "log-shuttle"},
};

static void check_pairs(lp_span msg)
{
    lp_span rest = msg;
    lpi_pairs pairs;
    lp_pair fast;
    lp_pair slow;

    lpi_pairs_init(&pairs, msg);
    while (lp_logfmt_next(&rest, &slow) == LP_OK) {
        REQUIRE(lpi_pairs_next(&pairs, &fast));
        REQUIRE(fast.key.ptr == slow.key.ptr);
        REQUIRE(fast.key.len_bytes == slow.key.len_bytes);
        REQUIRE(fast.value.ptr == slow.value.ptr);
        REQUIRE(fast.value.len_bytes == slow.value.len_bytes);
        REQUIRE(fast.quoted == slow.quoted && fast.escaped == slow.escaped);
        REQUIRE(fast.unterminated == slow.unterminated);
    }
    REQUIRE(!lpi_pairs_next(&pairs, &fast));
}

static void check_router(const lp_measure_line *line, const lp_measures *found)
{
    if (lp_span_equal(line->process, LP_SPAN("router")) &&
        model_can_read(line->msg)) {
        REQUIRE(model_agrees(line->msg, found));
    }
    REQUIRE(request_agrees(line, found));
}

static void check_spans(const lp_measures *found, const lp_measure_line *line)
{
    const lp_span spans[] = {found->at,   found->method,     found->host,
                             found->path, found->request_id, found->source,
                             found->code, found->desc,       found->from,
                             found->to,   found->subject,    found->by};

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        REQUIRE(is_within(spans[i], line->msg));
    }
    REQUIRE(is_within(found->dyno, line->msg) ||
            found->dyno.ptr == line->process.ptr);
    REQUIRE(found->status >= -1 && found->status <= 999999999);
    REQUIRE(found->kind <= LP_KIND_RAILS);
    REQUIRE(found->count <= LP_MEASURES_MAX);
    REQUIRE(found->left_out == 0 || found->count == LP_MEASURES_MAX);
}

static void check_measures(const lp_measures *found, lp_span msg)
{
    for (int i = 0; i < found->count; i++) {
        const lp_measure *one = &found->list[i];

        REQUIRE(one->name.len_bytes > 0);
        REQUIRE(is_within(one->name, msg) ||
                lp_span_equal(one->name, LP_SPAN("lost")) ||
                lp_span_equal(one->name, LP_SPAN("mem")) ||
                lp_span_equal(one->name, LP_SPAN("completed")));
        REQUIRE(is_within(one->text, msg) && is_within(one->suffix, msg));
        REQUIRE(one->op <= LP_OP_UNIQUE && one->unit <= LP_UNIT_OTHER);
        REQUIRE(isfinite(one->value));
        REQUIRE(one->op != LP_OP_UNIQUE ||
                (one->value == 1 && one->text.len_bytes > 0));
        REQUIRE(one->unit != LP_UNIT_OTHER || one->suffix.len_bytes > 0);
    }
}

/* The first n bytes of a line, in memory of just that size. */
static void check_cut(const lp_measure_line *line, const lp_measures *whole,
                      size_t n)
{
    lp_measure_line cut = *line;
    char *copy = malloc(n + (n == 0));
    lp_measures found;

    REQUIRE(copy != NULL);
    memcpy(copy, line->msg.ptr, n);
    cut.msg = lp_span_of(copy, n);
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        cut.is_cut = is_cut;
        lp_measures_read(NULL, &cut, &found);
        check_spans(&found, &cut);
        REQUIRE(foreign_measure(whole, &found, &cut) == NULL);
    }
    free(copy);
}

/* A measure behind everything else is found, unless a quote is open; and it makes
 * none go: whether a line was worth while to be gone through is no matter. */
static void check_longer(const lp_measure_line *line, const lp_measures *whole)
{
    lp_span more = LP_SPAN(" count#fuzzed=1");
    size_t n = line->msg.len_bytes;
    char *copy = malloc(n + more.len_bytes);
    lp_measure_line longer = *line;
    lp_measures found;

    REQUIRE(copy != NULL);
    memcpy(copy, line->msg.ptr, n);
    memcpy(copy + n, more.ptr, more.len_bytes);
    longer.msg = lp_span_of(copy, n + more.len_bytes);
    lp_measures_read(NULL, &longer, &found);
    REQUIRE(found.count + found.left_out >= whole->count + whole->left_out);
    for (int i = 0; i < whole->count; i++) {
        REQUIRE(has_measure(&found, &whole->list[i]) || found.left_out > 0);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_measure_line line = {.msg = {NULL, 0}};
    lp_measures found;

    if (size < 2) {
        return 0;
    }
    line.source = lp_span_str(whose[data[0] % 8].source);
    line.process = lp_span_str(whose[data[0] % 8].process);
    line.msg = lp_span_of((const char *)data + 2, size - 2);
    lp_measures_read(NULL, &line, &found);
    check_pairs(line.msg);
    check_spans(&found, &line);
    check_measures(&found, line.msg);
    check_router(&line, &found);
    check_cut(&line, &found, data[1] * line.msg.len_bytes / 255);
    check_longer(&line, &found);
    return 0;
}
