/*
 * own_kinds.c - kinds of lines of one's own, beside those that are built in.
 *
 *     own_kinds < LINES
 *
 * Reads lines as a tail prints them, without the time: "SOURCE[PROCESS]: MSG". Of
 * each it prints the kind, and what it measures. Two kinds are its own:
 *
 *     lograge   method=GET path=/users format=html status=200 duration=58.33
 *               is known by how it begins; the numbers are milliseconds
 *     nightly   pruned 1200 rows in 3.5s
 *               is known by who says it: the process "nightly", or "nightly.N"
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "logplex/logfmt.h"
#include "logplex/measure.h"

/* The kinds --------------------------------------------------------------- */

static bool read_lograge(void *ctx, const lp_measure_line *line,
                         lp_measures *out)
{
    lp_span rest = line->msg;
    lp_pair pair;

    (void)ctx;
    while (lp_logfmt_next(&rest, &pair) == LP_OK) {
        if (lp_span_equal(pair.key, LP_SPAN("method")))
            out->method = pair.value;
        else if (lp_span_equal(pair.key, LP_SPAN("path")))
            out->path = pair.value;
        else if (lp_span_equal(pair.key, LP_SPAN("duration")) ||
                 lp_span_equal(pair.key, LP_SPAN("view")) ||
                 lp_span_equal(pair.key, LP_SPAN("db")))
            lp_measures_add(out, LP_OP_MEASURE, pair.key, pair.value,
                            LP_UNIT_MS);
    }
    return out->count > 0; // something else may begin with "method="
}

/* The N-th word of a message, apart by single blanks. */
static lp_span word_of(lp_span msg, int n)
{
    for (; n > 0; n--) {
        const char *blank = memchr(msg.ptr, ' ', msg.len_bytes);

        if (!blank)
            return lp_span_of(msg.ptr, 0);
        msg = lp_span_skip(msg, (size_t)(blank - msg.ptr) + 1);
    }
    for (size_t i = 0; i < msg.len_bytes; i++)
        if (msg.ptr[i] == ' ')
            return lp_span_of(msg.ptr, i);
    return msg;
}

static bool read_nightly(void *ctx, const lp_measure_line *line,
                         lp_measures *out)
{
    (void)ctx;
    return lp_span_equal(word_of(line->msg, 0), LP_SPAN("pruned")) &&
           lp_measures_add(out, LP_OP_COUNT, LP_SPAN("pruned"),
                           word_of(line->msg, 1), LP_UNIT_NONE) &&
           lp_measures_add(out, LP_OP_MEASURE, LP_SPAN("pruning"),
                           word_of(line->msg, 4), LP_UNIT_MS);
}

static const lp_kind_own lograge = {
    .struct_bytes = sizeof(lograge),
    .starts = {"method=", 7},
    .read = read_lograge,
};

static const lp_kind_own nightly = {
    .struct_bytes = sizeof(nightly),
    .process = {"nightly", 7},
    .read = read_nightly,
};

/* A program that uses them ------------------------------------------------ */

static bool split(char *text, lp_measure_line *line)
{
    char *bracket = strchr(text, '[');
    char *behind = bracket ? strstr(bracket, "]: ") : NULL;

    if (!behind)
        return false;
    *line = (lp_measure_line){
        .source = {text, (size_t)(bracket - text)},
        .process = {bracket + 1, (size_t)(behind - bracket - 1)},
        .msg = lp_span_str(behind + 3),
    };
    return true;
}

static void print(const lp_measures *found, const uint8_t ids[2])
{
    static const char *const units[] = {"",   " ms",    " bytes",
                                        " %", " pages", " (own unit)"};

    if (found->kind == ids[0])
        printf("lograge:");
    else if (found->kind == ids[1])
        printf("nightly:");
    else
        printf("kind %d:", found->kind);
    for (int i = 0; i < found->count; i++) {
        const lp_measure *one = &found->list[i];

        printf(" %.*s=%g%s", (int)one->name.len_bytes, one->name.ptr,
               one->value, units[one->unit]);
    }
    printf("\n");
}

int main(void)
{
    lp_kinds kinds;
    uint8_t ids[2];
    char text[4096];

    lp_kinds_init(&kinds);
    if (lp_kinds_add(&kinds, &lograge, &ids[0]) != LP_OK ||
        lp_kinds_add(&kinds, &nightly, &ids[1]) != LP_OK)
        return 1;
    while (fgets(text, sizeof(text), stdin)) {
        lp_measure_line line;
        lp_measures found;

        if (!split(text, &line)) {
            fprintf(stderr, "own_kinds: not SOURCE[PROCESS]: MSG: %s", text);
            return 1;
        }
        lp_measures_read(&kinds, &line, &found);
        print(&found, ids);
    }
    return 0;
}
