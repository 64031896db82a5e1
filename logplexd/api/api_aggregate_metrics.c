/*
 * api_aggregate_metrics.c - the last minute of channels that are asked for by name,
 * as /metrics?channel=ID&channel=ID has it.
 *
 * All samples of a metric have to stand together, while a channel is asked once:
 * so each metric has a text of its own, and they are put together at the end.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/api_aggregates.h"
#include "worker/metrics.h"

#define METRICS(X)                                                           \
    X(LINES, "channel_lines", "lines of the last minute that is over")       \
    X(REQUESTS, "channel_requests", "requests of the last minute")           \
    X(FAILED, "channel_failed_requests",                                     \
      "of these, those with a status of 500 and more or an H code")          \
    X(RESPONSE, "channel_response_ms",                                       \
      "connect and service of these, at quantiles, within 1 %")              \
    X(WAIT, "channel_wait_ms", "their mean wait in the router's queue")      \
    X(STATUS, "channel_status", "requests of the last minute, by status")    \
    X(CLASS, "channel_status_class",                                         \
      "the same by class, with any number of statuses")                      \
    X(ERRORS, "channel_errors", "errors of the last minute, by code")        \
    X(MEMORY, "channel_memory_bytes",                                        \
      "memory of a process, the newest sample")                              \
    X(QUOTA, "channel_memory_quota_bytes", "what it may have of it")         \
    X(LOST, "channel_aggregate_lost_lines",                                  \
      "lines of the last minute that were gone before they were counted")    \
    X(BEHIND, "channel_aggregate_behind_lines", "lines still to be counted") \
    X(HELD, "channel_aggregate_held_lines",                                  \
      "lines that wait for memory to be told")                               \
    X(UNCOUNTED, "channel_aggregate_uncounted_lines",                        \
      "lines in no number for want of memory, the last in this minute")

typedef enum metric {
#define X(id, name, help) METRIC_##id,
    METRICS(X)
#undef X
        METRIC_COUNT
} metric;

typedef struct printing {
    const api_metrics_channel *channel;
    lp_aggregate *numbers; /* of the channel, begun */
    lp_sketch_scale scale;
    api_text texts[METRIC_COUNT];
} printing;

static const char *const metric_names[METRIC_COUNT] = {
#define X(id, name, help) [METRIC_##id] = (name),
    METRICS(X)
#undef X
};

/* No name has a control character. */
static void print_label(FILE *to, const char *name, lp_span value)
{
    fprintf(to, ",%s=\"", name);
    for (size_t i = 0; i < value.len_bytes; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            fputc('\\', to);
        fputc(value.ptr[i], to);
    }
    fputc('"', to);
}

/* label may be NULL for none. */
static void put(printing *p, metric which, const char *label, lp_span value,
                double number)
{
    FILE *to = p->texts[which].to;

    if (!to || !isfinite(number))
        return;
    fprintf(to, "logplex_%s{channel=\"", metric_names[which]);
    metrics_print_escaped(to, p->channel->id);
    fputc('"', to);
    if (label)
        print_label(to, label, value);
    fputs("} ", to);
    api_print_double(to, number);
    fputc('\n', to);
}

static void put_responses(printing *p, const lp_aggregate_row *row)
{
    static const double q[] = {0.5, 0.95, 0.99};
    static const char *const names[] = {"0.5", "0.95", "0.99"};
    double values[3] = {0};

    api_row_quantiles(row, &p->scale, q, 3, values);
    for (unsigned i = 0; i < 3; i++)
        put(p, METRIC_RESPONSE, "quantile", lp_span_str(names[i]), values[i]);
}

/* Its quota comes with its samples, so there is one when there are these. */
static void put_memory(printing *p, const lp_aggregate_row *row)
{
    lp_aggregate_process of;
    const lp_aggregate_sample *quota = &of.samples[LP_GAUGE_MEMORY_QUOTA];

    put(p, METRIC_MEMORY, "process", row->of, row->last);
    if (lp_aggregate_process_get(p->numbers, row->of, &of) &&
        quota->at_s != INT64_MIN)
        put(p, METRIC_QUOTA, "process", row->of, quota->value);
}

/* An application may call its own the same, and an add-on what it samples or what has
 * another unit: these are rows of their own, and a number that is told twice is an error
 * to who reads them. */
static bool is_measure(const lp_aggregate_row *row, const char *name,
                       lp_measure_op op, lp_unit unit)
{
    return row->is_platform && row->op == op && row->unit == unit &&
           lp_span_equal(row->name, lp_span_str(name));
}

static void put_measure(printing *p, const lp_aggregate_row *row)
{
    if (!row->is_of_process) {
        if (is_measure(row, "router.wait", LP_OP_MEASURE, LP_UNIT_MS))
            put(p, METRIC_WAIT, NULL, LP_SPAN(""), api_row_mean(row));
    } else if (is_measure(row, "memory_total", LP_OP_SAMPLE, LP_UNIT_BYTES)) {
        put_memory(p, row);
    }
}

/* What is told once, of however many rows. */
typedef struct sums {
    uint64_t lines;
    uint64_t requests;
    uint64_t failed;
    uint64_t other_statuses; /* what is none, and further ones */
    uint64_t other_codes;    /* likewise */
} sums;

/* One of the others is added to these. */
static void put_named(printing *p, metric which, const char *label,
                      const lp_aggregate_row *row, uint64_t *others)
{
    if (row->is_other || lp_span_equal(row->name, LP_SPAN("other")))
        *others += row->count;
    else
        put(p, which, label, row->name, (double)row->count);
}

static void put_row(printing *p, const lp_aggregate_row *row, sums *of)
{
    if (row->dimension == LP_DIM_LINES) {
        of->lines += row->count;
    } else if (row->dimension == LP_DIM_TOTAL) {
        of->requests += row->count;
        of->failed += row->failed;
        put_responses(p, row);
    } else if (row->dimension == LP_DIM_STATUS) {
        put_named(p, METRIC_STATUS, "status", row, &of->other_statuses);
    } else if (row->dimension == LP_DIM_CODE && !row->is_of_process) {
        put_named(p, METRIC_ERRORS, "code", row, &of->other_codes);
    } else if (row->dimension == LP_DIM_MEASURE && !row->is_other) {
        put_measure(p, row);
    }
}

static void put_window(void *ctx, const lp_aggregate_window *window,
                       const lp_aggregate_row *rows, size_t row_count)
{
    printing *p = ctx;
    sums of = {0};

    for (unsigned i = 0; i < LP_STATUS_CLASSES; i++)
        put(p, METRIC_CLASS, "class", lp_span_str(api_class_names[i]),
            (double)window->classes[i]);
    for (size_t i = 0; i < row_count; i++)
        put_row(p, &rows[i], &of);
    put(p, METRIC_LINES, NULL, LP_SPAN(""), (double)of.lines);
    put(p, METRIC_LOST, NULL, LP_SPAN(""), (double)window->lost_lines);
    put(p, METRIC_HELD, NULL, LP_SPAN(""), (double)window->held_lines);
    put(p, METRIC_REQUESTS, NULL, LP_SPAN(""), (double)of.requests);
    put(p, METRIC_FAILED, NULL, LP_SPAN(""), (double)of.failed);
    if (of.other_statuses > 0)
        put(p, METRIC_STATUS, "status", LP_SPAN("other"),
            (double)of.other_statuses);
    if (of.other_codes > 0)
        put(p, METRIC_ERRORS, "code", LP_SPAN("other"), (double)of.other_codes);
}

static void put_channel(printing *p, int64_t now_ns)
{
    static const lp_aggregate_select select = {
        1u << LP_DIM_TOTAL | 1u << LP_DIM_STATUS | 1u << LP_DIM_CODE |
            1u << LP_DIM_MEASURE | 1u << LP_DIM_LINES,
        {NULL, 0},
        {NULL, 0}};
    aggregator *who = p->channel->who;
    int64_t over_ns = aggregator_counted_ns(who, now_ns);
    int64_t end_s = over_ns / 1000000000;
    aggregator_uncounted left_out;
    aggregator_status status;

    p->numbers = aggregator_begin(who);
    lp_aggregate_tick(p->numbers, over_ns);
    lp_aggregate_total(p->numbers, end_s - API_WINDOW_DEFAULT_S, end_s, &select,
                       put_window, p);
    left_out = aggregator_uncounted_between(who, end_s - API_WINDOW_DEFAULT_S,
                                            INT64_MAX);
    aggregator_end(who);
    aggregator_status_get(who, &status);
    put(p, METRIC_BEHIND, NULL, LP_SPAN(""), (double)status.behind_lines);
    put(p, METRIC_UNCOUNTED, NULL, LP_SPAN(""), (double)left_out.all.lines);
}

void api_print_channel_metrics(FILE *to, const api_metrics_channel *channels,
                               size_t count, int64_t now_ns)
{
    static const char *const helps[METRIC_COUNT] = {
#define X(id, name, help) [METRIC_##id] = (help),
        METRICS(X)
#undef X
    };
    printing p = {0};

    lp_sketch_scale_init(&p.scale, AGGREGATOR_ALPHA);
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        api_text_open(&p.texts[i]);
    for (size_t i = 0; i < count; i++) {
        p.channel = &channels[i];
        put_channel(&p, now_ns);
    }
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        if (!p.texts[i].to)
            continue;
        if (api_text_close(&p.texts[i], true) && p.texts[i].len_bytes > 0) {
            metrics_print_head(to, metric_names[i], "gauge", helps[i]);
            fwrite(p.texts[i].at, 1, p.texts[i].len_bytes, to);
        }
        free(p.texts[i].at);
    }
}
