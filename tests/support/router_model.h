/*
 * router_model.h - what a router's line says, read pair by pair with
 * lp_logfmt_next() and lp_measure_number(), and nothing else that is fast.
 */
#ifndef TESTS_ROUTER_MODEL_H
#define TESTS_ROUTER_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "logplex/logfmt.h"
#include "logplex/measure.h"

enum { MODEL_SPANS = 8 };

typedef struct router_model {
    lp_span spans[MODEL_SPANS];
    int32_t status;
    uint32_t count; /* of numbers */
    lp_measure list[LP_MEASURES_MAX];
} router_model;

static const char *const model_spans[MODEL_SPANS] = {
    "at", "method", "host", "path", "request_id", "dyno", "code", "desc"};

static inline void model_number(router_model *model, const lp_pair *pair,
                                lp_unit unit)
{
    lp_measure *one = &model->list[model->count];

    if (model->count < LP_MEASURES_MAX &&
        lp_measure_number(pair->value, unit, one)) {
        one->name = pair->key;
        model->count++;
    }
}

static inline int32_t model_status(lp_span text)
{
    int32_t status = 0;
    size_t n = 0;

    for (; n < text.len_bytes && n < 9 && text.ptr[n] >= '0' &&
           text.ptr[n] <= '9';
         n++) {
        status = status * 10 + (text.ptr[n] - '0');
    }
    return n > 0 ? status : -1;
}

static inline void model_pair(router_model *model, const lp_pair *pair)
{
    static const struct {
        const char *name;
        lp_unit unit;
    } numbers[] = {{"connect", LP_UNIT_MS},
                   {"service", LP_UNIT_MS},
                   {"wait", LP_UNIT_MS},
                   {"queue", LP_UNIT_NONE},
                   {"bytes", LP_UNIT_BYTES}};

    for (size_t i = 0; i < MODEL_SPANS; i++) {
        if (lp_span_equal(pair->key, lp_span_str(model_spans[i]))) {
            model->spans[i] = pair->value;
        }
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (lp_span_equal(pair->key, lp_span_str(numbers[i].name))) {
            model_number(model, pair, numbers[i].unit);
        }
    }
    if (lp_span_equal(pair->key, LP_SPAN("status"))) {
        model->status = model_status(pair->value);
    }
}

static inline void model_read(router_model *model, lp_span msg)
{
    lp_pair pair;

    memset(model, 0, sizeof(*model));
    model->status = -1;
    while (msg.len_bytes > 0 &&
           (unsigned char)msg.ptr[msg.len_bytes - 1] <= ' ') {
        msg.len_bytes--;
    }
    while (lp_logfmt_next(&msg, &pair) == LP_OK) {
        if (pair.value.ptr != NULL && !pair.unterminated) {
            model_pair(model, &pair);
        }
    }
}

static inline bool model_has_span(lp_span found, lp_span expected)
{
    return found.len_bytes == expected.len_bytes &&
           (found.len_bytes == 0 || found.ptr == expected.ptr);
}

/* Whether all numbers are there, in their order. Measures by convention may stand
 * between them. */
static inline bool model_has_numbers(const router_model *model,
                                     const lp_measures *found)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < found->count && next < model->count; i++) {
        const lp_measure *a = &found->list[i];
        const lp_measure *b = &model->list[next];

        next += a->name.ptr == b->name.ptr &&
                a->name.len_bytes == b->name.len_bytes &&
                a->text.ptr == b->text.ptr &&
                a->text.len_bytes == b->text.len_bytes &&
                a->suffix.ptr == b->suffix.ptr &&
                a->suffix.len_bytes == b->suffix.len_bytes &&
                a->value == b->value && a->unit == b->unit &&
                a->op == LP_OP_MEASURE;
    }
    return next == model->count;
}

/* Older lines have a request in front of their pairs, or an error. */
static inline bool model_can_read(lp_span msg)
{
    return msg.len_bytes == 0 || msg.ptr[0] < 'A' || msg.ptr[0] > 'Z';
}

/* Whether *found is what msg says, which can be read and is not cut. */
static inline bool model_agrees(lp_span msg, const lp_measures *found)
{
    const lp_span spans[MODEL_SPANS] = {
        found->at,         found->method, found->host, found->path,
        found->request_id, found->dyno,   found->code, found->desc};
    static router_model model;

    model_read(&model, msg);
    if (found->left_out > 0) {
        return true;
    }
    if (found->kind != LP_KIND_ROUTER) {
        return model.count == 0 && model.status < 0;
    }
    for (size_t i = 0; i < MODEL_SPANS; i++) {
        if (!model_has_span(spans[i], model.spans[i])) {
            return false;
        }
    }
    return found->status == model.status && model_has_numbers(&model, found);
}

static inline bool model_same_span(lp_span a, lp_span b)
{
    return a.len_bytes == b.len_bytes && (a.len_bytes == 0 || a.ptr == b.ptr);
}

/* The only measures of a line are the numbers of a request. */
static inline bool model_same_numbers(const lp_request *request,
                                      const lp_measures *found)
{
    static const struct {
        const char *name;
        lp_unit unit;
    } numbers[LP_REQUEST_NUMBERS] = {{"connect", LP_UNIT_MS},
                                     {"service", LP_UNIT_MS},
                                     {"wait", LP_UNIT_MS},
                                     {"queue", LP_UNIT_NONE},
                                     {"bytes", LP_UNIT_BYTES}};
    uint32_t has = 0;

    for (unsigned i = 0; i < found->count; i++) {
        const lp_measure *measure = &found->list[i];
        unsigned which = 0;

        while (
            which < LP_REQUEST_NUMBERS &&
            !lp_span_equal(measure->name, lp_span_str(numbers[which].name))) {
            which++;
        }
        if (which == LP_REQUEST_NUMBERS || (has >> which & 1) != 0 ||
            measure->op != LP_OP_MEASURE ||
            measure->unit != numbers[which].unit ||
            measure->value > request->numbers[which] ||
            measure->value < request->numbers[which]) {
            return false;
        }
        has |= 1U << which;
    }
    return has == request->has && found->left_out == 0;
}

/* Is a line no request for lp_request_read(), or does that say what
 * lp_measures_read() has found? */
static inline bool request_agrees(const lp_measure_line *line,
                                  const lp_measures *found)
{
    lp_request request;

    return !lp_request_read(line, &request) ||
           (found->kind == LP_KIND_ROUTER && found->status == request.status &&
            model_same_span(found->method, request.method) &&
            model_same_span(found->path, request.path) &&
            model_same_span(found->dyno, request.dyno) &&
            model_same_span(found->code, request.code) &&
            model_same_numbers(&request, found));
}

#endif /* TESTS_ROUTER_MODEL_H */
