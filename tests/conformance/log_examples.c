/* The examples of measures.txt; run_examples.c says how they are written. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "examples.h"
#include "logplex/measure.h"
#include "measuring.h"

enum { FIELDS_MAX = 64, FIELD_MAX_BYTES = 1024 };

typedef struct field {
    const char *word;
    char value[FIELD_MAX_BYTES];
} field;

/* All that is known of a line, as an example would say it. */
typedef struct known {
    field fields[FIELDS_MAX];
    size_t count;
} known;

static const char *const ops[] = {"measure", "sample", "count", "unique"};

bool is_log_word(lp_span word)
{
    static const char *const words[] = {
        "log",   "kind",   "status",     "at",   "method",  "host",
        "path",  "dyno",   "request_id", "code", "source",  "desc",
        "from",  "to",     "subject",    "by",   "measure", "sample",
        "count", "unique", "left_out"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (lp_span_equal(word, lp_span_str(words[i]))) {
            return true;
        }
    }
    return false;
}

static char *new_field(known *all, const char *word)
{
    assert(all->count < FIELDS_MAX);
    all->fields[all->count].word = word;
    all->count++;
    return all->fields[all->count - 1].value;
}

static void add_span(known *all, const char *word, lp_span span)
{
    if (span.len_bytes > 0) {
        snprintf(new_field(all, word), FIELD_MAX_BYTES, "%.*s",
                 (int)span.len_bytes, span.ptr);
    }
}

static void add_measure(known *all, const lp_measure *one)
{
    static const char *const units[] = {"", " ms", " bytes", " %", " pages"};
    char *out = new_field(all, ops[one->op]);
    int n = snprintf(out, FIELD_MAX_BYTES, "%.*s ", (int)one->name.len_bytes,
                     one->name.ptr);

    if (one->op == LP_OP_UNIQUE) {
        snprintf(out + n, FIELD_MAX_BYTES - (size_t)n, "%.*s",
                 (int)one->text.len_bytes, one->text.ptr);
    } else if (one->unit == LP_UNIT_OTHER) {
        snprintf(out + n, FIELD_MAX_BYTES - (size_t)n, "%.15g \"%.*s\"",
                 one->value, (int)one->suffix.len_bytes, one->suffix.ptr);
    } else {
        snprintf(out + n, FIELD_MAX_BYTES - (size_t)n, "%.15g%s", one->value,
                 units[one->unit]);
    }
}

static void describe(const lp_measures *found, lp_span process, known *all)
{
    static const char *const kinds[] = {
        "none",    "router",   "runtime", "error", "state",
        "cycling", "exit",     "start",   "stop",  "release",
        "deploy",  "postgres", "redis",   "rails", "rollback"};

    all->count = 0;
    if (found->kind != LP_KIND_NONE) {
        add_span(all, "kind", lp_span_str(kinds[found->kind]));
    }
    if (found->status >= 0) {
        snprintf(new_field(all, "status"), FIELD_MAX_BYTES, "%" PRId32,
                 found->status);
    }
    add_span(all, "at", found->at);
    add_span(all, "method", found->method);
    add_span(all, "host", found->host);
    add_span(all, "path", found->path);
    add_span(all, "request_id", found->request_id);
    if (!lp_span_equal(found->dyno, process)) {
        add_span(all, "dyno", found->dyno);
    }
    add_span(all, "source", found->source);
    add_span(all, "code", found->code);
    add_span(all, "desc", found->desc);
    add_span(all, "from", found->from);
    add_span(all, "to", found->to);
    add_span(all, "subject", found->subject);
    add_span(all, "by", found->by);
    for (int i = 0; i < found->count; i++) {
        add_measure(all, &found->list[i]);
    }
    if (found->left_out > 0) {
        snprintf(new_field(all, "left_out"), FIELD_MAX_BYTES, "%" PRIu32,
                 found->left_out);
    }
}

static void check_known(const example *ex, const known *all)
{
    for (size_t i = 1; i < ex->item_count || i <= all->count; i++) {
        lp_span expected = LP_SPAN("nothing more");
        lp_span got = LP_SPAN("nothing more");
        lp_span got_word = got;
        lp_span expected_word = got;
        int line = ex->items[ex->item_count - 1].line;

        if (i < ex->item_count) {
            expected = ex->items[i].value;
            expected_word = ex->items[i].word;
            line = ex->items[i].line;
        }
        if (i <= all->count) {
            got = lp_span_str(all->fields[i - 1].value);
            got_word = lp_span_str(all->fields[i - 1].word);
        }
        if (!lp_span_equal(expected_word, got_word)) {
            fail(ex, line, "word", expected_word, got_word);
            fail(ex, line, "its value", expected, got);
            return;
        }
        if (!lp_span_equal(expected, got)) {
            fail(ex, line, all->fields[i - 1].word, expected, got);
        }
    }
}

static lp_measure_line split(const example *ex, lp_span log)
{
    const char *bracket = memchr(log.ptr, '[', log.len_bytes);
    const char *end = log.ptr + log.len_bytes;
    const char *close =
        bracket != NULL ? memchr(bracket, ']', (size_t)(end - bracket)) : NULL;

    if (close == NULL || end - close < 3 || memcmp(close, "]: ", 3) != 0) {
        fprintf(stderr, "%s:%d: not SOURCE[PROCESS]: MSG\n", ex->file,
                ex->items[0].line);
        exit(2);
    }
    return (lp_measure_line){
        .source = {log.ptr, (size_t)(bracket - log.ptr)},
        .process = {bracket + 1, (size_t)(close - bracket - 1)},
        .msg = {close + 3, (size_t)(end - close - 3)}};
}

/* The first bytes of a message, in memory of just that size. */
static void check_cut(const example *ex, const lp_measure_line *line,
                      const lp_measures *whole, size_t cut, bool is_cut)
{
    lp_measure_line part = *line;
    char *copy = malloc(cut + (cut == 0));
    const lp_measure *foreign;
    lp_measures found;

    assert(copy != NULL);
    memcpy(copy, line->msg.ptr, cut);
    part.msg = lp_span_of(copy, cut);
    part.is_cut = is_cut;
    lp_measures_read(NULL, &part, &found);
    foreign = foreign_measure(whole, &found, &part);
    if (foreign != NULL) {
        fail(ex, ex->items[0].line,
             is_cut ? "told that it is cut" : "not told that it is cut",
             part.msg, foreign->name);
        fail(ex, ex->items[0].line, "its text", LP_SPAN("that of the whole"),
             foreign->text);
    }
    free(copy);
}

void run_log_example(const example *ex)
{
    lp_measure_line line = split(ex, ex->items[0].value);
    lp_measures found;
    static known all;

    lp_measures_read(NULL, &line, &found);
    describe(&found, line.process, &all);
    check_known(ex, &all);
    for (size_t cut = 0; cut <= line.msg.len_bytes; cut++) {
        check_cut(ex, &line, &found, cut, false);
        check_cut(ex, &line, &found, cut, true);
    }
}
