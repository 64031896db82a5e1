/* api_aggregate_snapshot.c - all that is known of a channel's last window. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/api_aggregate_print.h"
#include "logplex/measure.h"

enum { EXEMPLARS = 3, WAIT_THRESHOLD_MS = 40 };

static const char *const detail_names[] = {"full", "core", "coarse", "bare"};

/* A row of each dimension lies behind those of the one before it. */
typedef struct row_range {
    const lp_aggregate_row *at;
    size_t count;
} row_range;

/* What happened to a process within the window, as far as markers tell. */
typedef struct event {
    lp_span process;
    lp_span name;
    uint64_t count;
} event;

typedef struct snapshot {
    FILE *to;
    const api_aggregate_ask *ask;
    lp_sketch_scale scale;
    lp_aggregate_stats stats;
    const lp_aggregate_window *window;
    row_range of[LP_DIMENSIONS];
    event events[LP_AGGREGATE_MARKERS_MAX];
    size_t event_count;
    int64_t window_s;
    int64_t from_s; /* of what rates are taken over: the whole window, or the
                       part of it that there has been somebody to count */
} snapshot;

/* Numbers ----------------------------------------------------------------- */

static void print_seqs(FILE *to, const char *name, const lp_seq *seqs,
                       size_t count)
{
    fprintf(to, "\"%s\":[", name);
    for (size_t i = 0; i < count && seqs[i] != 0; i++)
        fprintf(to, "%s%" PRIu64, i > 0 ? "," : "", seqs[i]);
    fputc(']', to);
}

static bool has_values(const lp_aggregate_row *row)
{
    return row && row->value_count > 0;
}

/* Distributions ----------------------------------------------------------- */

static const double quantiles[] = {0.5, 0.95, 0.99};
static const char *const quantile_names[] = {"p50", "p95", "p99"};
enum { QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

static void print_quantiles(const snapshot *s, const lp_aggregate_row *row,
                            double values[QUANTILES])
{
    bool has = api_row_quantiles(row, &s->scale, quantiles, QUANTILES, values);

    for (unsigned i = 0; i < QUANTILES; i++)
        api_print_member(s->to, quantile_names[i], values[i]);
    api_print_member(s->to, "error", has ? AGGREGATOR_ALPHA : (double)NAN);
}

static void print_exemplars(const snapshot *s, const lp_aggregate_row *row,
                            const double values[QUANTILES])
{
    lp_seq seqs[EXEMPLARS];

    fputs(",\"exemplars\":{", s->to);
    for (unsigned i = 0; i < QUANTILES; i++) {
        size_t count = 0;

        if (isfinite(values[i]))
            count = lp_aggregate_exemplars(s->ask->numbers, s->window, row,
                                           values[i], seqs, EXEMPLARS);
        print_seqs(s->to, quantile_names[i], seqs, count);
        fputc(',', s->to);
    }
    print_seqs(s->to, "max", &row->max_seq, 1);
    fputc('}', s->to);
}

/* row may be NULL, which is null. */
static void print_dist(const snapshot *s, const char *name,
                       const lp_aggregate_row *row)
{
    double values[QUANTILES] = {0};

    fprintf(s->to, ",\"%s\":", name);
    if (!has_values(row)) {
        fputs("null", s->to);
        return;
    }
    fprintf(s->to, "{\"count\":%" PRIu64, row->value_count);
    api_print_member(s->to, "sum", row->sum);
    api_print_member(s->to, "mean", api_row_mean(row));
    api_print_member(s->to, "min", row->min);
    api_print_member(s->to, "max", row->max);
    print_quantiles(s, row, values);
    print_exemplars(s, row, values);
    fputc('}', s->to);
}

/* Finding rows ------------------------------------------------------------ */

static void sort_out(snapshot *s, const lp_aggregate_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        row_range *range = &s->of[rows[i].dimension];

        if (range->count++ == 0)
            range->at = &rows[i];
    }
}

/* of: empty for what is no process's own. */
static const lp_aggregate_row *find(const snapshot *s, lp_dimension dimension,
                                    lp_span name, lp_span of)
{
    const row_range *range = &s->of[dimension];

    for (size_t i = 0; i < range->count; i++) {
        const lp_aggregate_row *row = &range->at[i];

        // Of measures the platform's: an application may call its own the same.
        if (!row->is_other && lp_span_equal(row->name, name) &&
            lp_span_equal(row->of, of) &&
            row->is_platform == (dimension == LP_DIM_MEASURE))
            return row;
    }
    return NULL;
}

static const lp_aggregate_row *find_measure(const snapshot *s, const char *name)
{
    return find(s, LP_DIM_MEASURE, lp_span_str(name), LP_SPAN(""));
}

static const lp_aggregate_row *total_of(const snapshot *s)
{
    return s->of[LP_DIM_TOTAL].count > 0 ? s->of[LP_DIM_TOTAL].at : NULL;
}

static double per_second(const snapshot *s, double count)
{
    int64_t seconds = s->window->end_s - s->from_s;

    return seconds > 0 ? api_rounded(count / (double)seconds) : 0.0;
}

/* The mean number of requests under way, by their times together. */
static double busy_of(const snapshot *s, const lp_aggregate_row *row)
{
    return row ? per_second(s, row->sum / 1000.0) : 0.0;
}

/* A key and its name, null for what came under further names. */
static void print_name(FILE *to, const char *key, const lp_aggregate_row *row)
{
    fprintf(to, "\"%s\":", key);
    if (row->is_other)
        fputs("null", to);
    else
        api_print_json_string(to, row->name);
}

/* Whole of the channel ---------------------------------------------------- */

static void print_head(const snapshot *s)
{
    aggregator_status status;
    const lp_aggregate_window *window = s->window;

    aggregator_status_get(s->ask->who, &status);
    fputs("{\"channel\":", s->to);
    api_print_json_string(s->to, s->ask->channel_id);
    fprintf(s->to, ",\"epoch\":\"%" PRIu64 "\",\"now\":%.3f",
            lp_channel_epoch(status.ring), (double)s->ask->now_ns / 1e9);
    fprintf(s->to, ",\"from\":%" PRId64 ",\"to\":%" PRId64, s->from_s,
            window->end_s);
    fprintf(s->to, ",\"window_s\":%" PRId64 ",\"detail\":\"%s\"", s->window_s,
            detail_names[window->detail]);
}

void api_print_uncounted(FILE *to, const aggregator_uncounted *left_out)
{
    if (left_out->all.lines == 0) {
        fputs(",\"uncounted\":null", to);
        return;
    }
    fprintf(to,
            ",\"uncounted\":{\"lines\":%" PRIu64
            ",\"since\":%.3f,\"last\":%.3f,\"is_now\":%s,\"why\":",
            left_out->all.lines, (double)left_out->all.since_ns / 1e9,
            (double)left_out->all.last_ns / 1e9,
            left_out->is_now ? "true" : "false");
    api_print_json_string(to, lp_span_str(left_out->why));
    fputc('}', to);
}

static void print_lines(const snapshot *s)
{
    const row_range *rows = &s->of[LP_DIM_LINES];
    const lp_aggregate_window *window = s->window;
    aggregator_status status;
    uint64_t count = 0;
    double bytes = 0;

    for (size_t i = 0; i < rows->count; i++) {
        count += rows->at[i].count;
        bytes += rows->at[i].sum;
    }
    aggregator_status_get(s->ask->who, &status);
    fprintf(s->to, ",\"lines\":{\"count\":%" PRIu64, count);
    api_print_member(s->to, "per_s", per_second(s, (double)count));
    api_print_member(s->to, "bytes", bytes);
    fprintf(s->to,
            ",\"lost\":%" PRIu64 ",\"behind\":%" PRIu64 ",\"held\":%" PRIu64
            ",\"late_s\":%" PRIu32 ",\"first_seq\":%" PRIu64
            ",\"end_seq\":%" PRIu64 "}",
            window->lost_lines, status.behind_lines, window->held_lines,
            window->late_s, window->first_seq, window->end_seq);
}

static void print_requests(const snapshot *s)
{
    const lp_aggregate_row *total = total_of(s);
    uint64_t count = total ? total->count : 0;

    fprintf(s->to, ",\"requests\":{\"count\":%" PRIu64, count);
    api_print_member(s->to, "per_s", per_second(s, (double)count));
    fprintf(s->to, ",\"failed\":%" PRIu64, total ? total->failed : 0);
    api_print_member(s->to, "in_flight", busy_of(s, total));
    print_dist(s, "response_ms", total);
    fputc('}', s->to);
}

static void print_classes(const snapshot *s)
{
    fputs(",\"classes\":{", s->to);
    for (unsigned i = 0; i < LP_STATUS_CLASSES; i++)
        fprintf(s->to, "%s\"%s\":%" PRIu64, i > 0 ? "," : "",
                api_class_names[i], s->window->classes[i]);
    fputc('}', s->to);
}

static void print_status(const snapshot *s)
{
    const row_range *rows = &s->of[LP_DIM_STATUS];

    fputs(",\"status\":[", s->to);
    for (size_t i = 0; i < rows->count; i++) {
        fputs(i > 0 ? ",{" : "{", s->to);
        print_name(s->to, "status", &rows->at[i]);
        fprintf(s->to, ",\"count\":%" PRIu64, rows->at[i].count);
        print_dist(s, "response_ms", &rows->at[i]);
        fputc('}', s->to);
    }
    fputc(']', s->to);
}

static void print_codes(const snapshot *s)
{
    const row_range *rows = &s->of[LP_DIM_CODE];
    bool is_first = true;

    fputs(",\"codes\":[", s->to);
    for (size_t i = 0; i < rows->count; i++) {
        const lp_aggregate_row *row = &rows->at[i];
        const char *meaning =
            row->is_other ? NULL : lp_measure_code_meaning(row->name);

        if (row->is_of_process) // it is counted among all as well
            continue;
        fputs(is_first ? "{" : ",{", s->to);
        is_first = false;
        print_name(s->to, "code", row);
        fputs(",\"meaning\":", s->to);
        if (meaning)
            api_print_json_string(s->to, lp_span_str(meaning));
        else
            fputs("null", s->to);
        fprintf(s->to, ",\"count\":%" PRIu64 ",", row->count);
        print_seqs(s->to, "exemplars", row->newest, 2);
        fputc('}', s->to);
    }
    fputc(']', s->to);
}

static void print_queue(const snapshot *s)
{
    const lp_aggregate_row *wait = find_measure(s, "router.wait");

    fprintf(s->to, ",\"queue\":{\"threshold_ms\":%d", WAIT_THRESHOLD_MS);
    print_dist(s, "wait_ms", wait);
    print_dist(s, "depth", find_measure(s, "router.queue"));
    fprintf(s->to, ",\"is_over\":%s}",
            has_values(wait) && api_row_mean(wait) > WAIT_THRESHOLD_MS
                ? "true"
                : "false");
}

/* Events ------------------------------------------------------------------ */

/* What a marker counts as among events; empty: it is of no process. */
static lp_span event_name(const lp_aggregate_marker *marker)
{
    lp_span text = marker->text;

    switch (marker->kind) {
    case LP_KIND_CYCLING:
        return LP_SPAN("restarted");
    case LP_KIND_EXIT:
        return LP_SPAN("exited");
    case LP_KIND_START:
        return LP_SPAN("started");
    case LP_KIND_STOP:
        return LP_SPAN("stopped");
    case LP_KIND_STATE: // "up to crashed"
        for (size_t at = text.len_bytes; at > 0; at--)
            if (text.ptr[at - 1] == ' ')
                return lp_span_skip(text, at);
        return text;
    default:
        return LP_SPAN("");
    }
}

static void add_event(void *ctx, const lp_aggregate_marker *marker)
{
    snapshot *s = ctx;
    lp_span name = event_name(marker);
    size_t i = 0;

    if (name.len_bytes == 0 || marker->process.len_bytes == 0)
        return;
    while (i < s->event_count &&
           !(lp_span_equal(s->events[i].process, marker->process) &&
             lp_span_equal(s->events[i].name, name)))
        i++;
    if (i == LP_AGGREGATE_MARKERS_MAX)
        return;
    if (i == s->event_count)
        s->events[s->event_count++] = (event){marker->process, name, 0};
    s->events[i].count++;
}

/* All of them by name, and how many of these no marker is left of, so that no
 * process has them. */
static void print_events(const snapshot *s)
{
    const row_range *rows = &s->of[LP_DIM_EVENT];
    uint64_t told = 0;
    uint64_t all = 0;

    fputs(",\"events\":{", s->to);
    for (size_t i = 0; i < rows->count; i++) {
        all += rows->at[i].count;
        if (rows->at[i].is_other)
            continue;
        if (i > 0)
            fputc(',', s->to);
        api_print_json_string(s->to, rows->at[i].name);
        fprintf(s->to, ":%" PRIu64, rows->at[i].count);
    }
    for (size_t i = 0; i < s->event_count; i++)
        told += s->events[i].count;
    fprintf(s->to, "},\"events_of_none\":%" PRIu64,
            all > told ? all - told : 0);
}

/* Processes --------------------------------------------------------------- */

typedef struct process_list {
    lp_span *at;
    size_t count;
    bool has_other;
} process_list;

static void add_process(process_list *list, lp_span name)
{
    for (size_t i = 0; i < list->count; i++)
        if (lp_span_equal(list->at[i], name))
            return;
    list->at[list->count++] = name;
}

static int order_names(const void *a, const void *b)
{
    return lp_span_compare(*(const lp_span *)a, *(const lp_span *)b);
}

/* All that anything is known of. "" answered nothing and is none. False: no
 * memory. */
static bool list_processes(const snapshot *s, process_list *list)
{
    static const lp_dimension dimensions[] = {LP_DIM_PROCESS, LP_DIM_LINES,
                                              LP_DIM_MEASURE, LP_DIM_CODE};
    size_t room = 1;

    for (unsigned i = 0; i < LP_DIMENSIONS; i++)
        room += s->of[i].count;
    room += s->event_count;
    list->count = 0;
    list->has_other = false;
    list->at = calloc(room, sizeof(*list->at));
    if (!list->at)
        return false;
    for (unsigned i = 0; i < sizeof(dimensions) / sizeof(dimensions[0]); i++) {
        const row_range *rows = &s->of[dimensions[i]];

        for (size_t j = 0; j < rows->count; j++) {
            const lp_aggregate_row *row = &rows->at[j];
            lp_span name = i < 2 ? row->name : row->of;

            if (row->is_other)
                list->has_other |= dimensions[i] == LP_DIM_PROCESS ||
                                   dimensions[i] == LP_DIM_LINES;
            else if (name.len_bytes > 0)
                add_process(list, name);
        }
    }
    for (size_t i = 0; i < s->event_count; i++)
        add_process(list, s->events[i].process);
    if (list->count > 0)
        qsort(list->at, list->count, sizeof(*list->at), order_names);
    return true;
}

/* "codes":{"H12":count,...} */
static void print_codes_of(const snapshot *s, lp_span process)
{
    const row_range *rows = &s->of[LP_DIM_CODE];
    bool is_first = true;

    fputs(",\"codes\":{", s->to);
    for (size_t i = 0; i < rows->count; i++) {
        const lp_aggregate_row *row = &rows->at[i];

        if (row->is_other || !lp_span_equal(row->of, process))
            continue;
        if (!is_first)
            fputc(',', s->to);
        is_first = false;
        api_print_json_string(s->to, row->name);
        fprintf(s->to, ":%" PRIu64, row->count);
    }
    fputc('}', s->to);
}

/* Those of a process, by name, in the order in which they first came. */
static void print_events_of(const snapshot *s, lp_span process)
{
    bool is_first = true;

    fputs(",\"events\":{", s->to);
    for (size_t i = 0; i < s->event_count; i++) {
        const event *one = &s->events[i];

        if (!lp_span_equal(one->process, process))
            continue;
        if (!is_first)
            fputc(',', s->to);
        is_first = false;
        api_print_json_string(s->to, one->name);
        fprintf(s->to, ":%" PRIu64, one->count);
    }
    fputc('}', s->to);
}

/* Samples of a process that belong together; a sample is NaN when there is none. */
typedef struct sample {
    const char *key;
    double value;
} sample;

/* The newest one in a row of its own. */
static double newest_of(const snapshot *s, const char *measure, lp_span process)
{
    const lp_aggregate_row *row =
        find(s, LP_DIM_MEASURE, lp_span_str(measure), process);

    return row ? row->last : (double)NAN;
}

static double gauge_of(const snapshot *s, const lp_aggregate_process *of,
                       lp_gauge which)
{
    const lp_aggregate_sample *newest = &of->samples[which];

    return newest->at_s >= s->from_s ? newest->value : (double)NAN;
}

/* False: there is none of them. Else the brace is left open, for more. */
static bool print_samples(const snapshot *s, const char *key,
                          const sample *samples, size_t count)
{
    bool has_any = false;

    fprintf(s->to, ",\"%s\":", key);
    for (size_t i = 0; i < count; i++) {
        if (isnan(samples[i].value))
            continue;
        fprintf(s->to, "%s\"%s\":", has_any ? "," : "{", samples[i].key);
        api_print_double(s->to, samples[i].value);
        has_any = true;
    }
    if (!has_any)
        fputs("null", s->to);
    return has_any;
}

static void print_memory(const snapshot *s, lp_span process,
                         const lp_aggregate_process *of)
{
    double total = newest_of(s, "memory_total", process);
    double quota = gauge_of(s, of, LP_GAUGE_MEMORY_QUOTA);
    const sample samples[] = {{"total", total},
                              {"rss", gauge_of(s, of, LP_GAUGE_MEMORY_RSS)},
                              {"cache", gauge_of(s, of, LP_GAUGE_MEMORY_CACHE)},
                              {"swap", gauge_of(s, of, LP_GAUGE_MEMORY_SWAP)},
                              {"quota", quota}};

    if (!print_samples(s, "memory", samples,
                       sizeof(samples) / sizeof(samples[0])))
        return;
    api_print_member(s->to, "share",
                     quota > 0 ? api_rounded(total / quota) : (double)NAN);
    fputc('}', s->to);
}

static void print_load(const snapshot *s, lp_span process,
                       const lp_aggregate_process *of)
{
    const sample samples[] = {{"1m", newest_of(s, "load_avg_1m", process)},
                              {"5m", gauge_of(s, of, LP_GAUGE_LOAD_5M)},
                              {"15m", gauge_of(s, of, LP_GAUGE_LOAD_15M)}};

    if (print_samples(s, "load", samples, sizeof(samples) / sizeof(samples[0])))
        fputc('}', s->to);
}

/* Of the last one or two minutes, whatever the window, if these are in it. */
static void print_skew(const snapshot *s, const lp_aggregate_process *of)
{
    fputs(",\"skew_ms\":", s->to);
    if (of->skew_count == 0 || of->skew_until_s <= s->from_s) {
        fputs("null", s->to);
        return;
    }
    fputs("{\"mean\":", s->to);
    api_print_double(s->to, api_mean(of->skew_sum_ms, of->skew_count,
                                     of->skew_min_ms, of->skew_max_ms));
    api_print_member(s->to, "min", of->skew_min_ms);
    api_print_member(s->to, "max", of->skew_max_ms);
    fputc('}', s->to);
}

static const lp_aggregate_row *other_of(const snapshot *s,
                                        lp_dimension dimension)
{
    const row_range *rows = &s->of[dimension];

    if (rows->count > 0 && rows->at[rows->count - 1].is_other)
        return &rows->at[rows->count - 1];
    return NULL;
}

/* row: NULL, there are none. */
static void print_lines_of(const snapshot *s, const lp_aggregate_row *row)
{
    fprintf(s->to, ",\"lines\":%" PRIu64, row ? row->count : 0);
    api_print_member(s->to, "line_bytes", row ? row->sum : 0.0);
}

static void print_requests_of(const snapshot *s, const lp_aggregate_row *row)
{
    fprintf(s->to, ",\"requests\":%" PRIu64 ",\"failed\":%" PRIu64,
            row ? row->count : 0, row ? row->failed : 0);
    print_dist(s, "response_ms", row);
    api_print_member(s->to, "busy", busy_of(s, row));
}

static void print_no_lines(const snapshot *s)
{
    fputs(",\"lines\":null,\"line_bytes\":null", s->to);
}

static void print_no_requests(const snapshot *s)
{
    fputs(",\"requests\":null,\"failed\":null,\"response_ms\":null"
          ",\"busy\":null",
          s->to);
}

/* All others: of what has faded only the lines are known together. */
static void print_other_processes(const snapshot *s)
{
    fputs("{\"process\":null", s->to);
    print_lines_of(s, other_of(s, LP_DIM_LINES));
    if (s->window->detail == LP_DETAIL_FULL)
        print_requests_of(s, other_of(s, LP_DIM_PROCESS));
    else
        print_no_requests(s);
    fputs(",\"memory\":null,\"load\":null,\"codes\":{},\"events\":{}"
          ",\"skew_ms\":null}",
          s->to);
}

static void print_process(const snapshot *s, lp_span name)
{
    const lp_aggregate_row *lines = find(s, LP_DIM_LINES, name, LP_SPAN(""));
    const lp_aggregate_row *requests =
        find(s, LP_DIM_PROCESS, name, LP_SPAN(""));
    lp_aggregate_process of;

    lp_aggregate_process_get(s->ask->numbers, name, &of); // says so if not
    fputs("{\"process\":", s->to);
    api_print_json_string(s->to, name);
    // Who has no row may be one of the others, if there are any, or its requests
    // have faded.
    if (lines || !other_of(s, LP_DIM_LINES))
        print_lines_of(s, lines);
    else
        print_no_lines(s);
    if (requests ||
        (s->window->detail == LP_DETAIL_FULL && !other_of(s, LP_DIM_PROCESS)))
        print_requests_of(s, requests);
    else
        print_no_requests(s);
    print_memory(s, name, &of);
    print_load(s, name, &of);
    print_codes_of(s, name);
    print_events_of(s, name);
    print_skew(s, &of);
    fputc('}', s->to);
}

static bool print_processes(const snapshot *s)
{
    process_list list;

    if (!list_processes(s, &list))
        return false;
    fputs(",\"processes\":[", s->to);
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            fputc(',', s->to);
        print_process(s, list.at[i]);
    }
    if (list.has_other) {
        fputs(list.count > 0 ? "," : "", s->to);
        print_other_processes(s);
    }
    fputc(']', s->to);
    free(list.at);
    return true;
}

/* Routes and measures ----------------------------------------------------- */

static int order_routes(const void *a, const void *b)
{
    const lp_aggregate_row *left = *(const lp_aggregate_row *const *)a;
    const lp_aggregate_row *right = *(const lp_aggregate_row *const *)b;

    if (left->is_other != right->is_other)
        return left->is_other ? 1 : -1;
    if (left->sum != right->sum)
        return left->sum > right->sum ? -1 : 1;
    return lp_span_compare(left->name, right->name);
}

static void print_route(const snapshot *s, const lp_aggregate_row *row)
{
    fputc('{', s->to);
    print_name(s->to, "route", row);
    fprintf(s->to, ",\"count\":%" PRIu64 ",\"failed\":%" PRIu64, row->count,
            row->failed);
    print_dist(s, "response_ms", row);
    fputc('}', s->to);
}

/* Several in one, without quantiles. */
static void add_row(lp_aggregate_row *sum, const lp_aggregate_row *row)
{
    if (row->value_count > 0) {
        if (sum->value_count == 0 || row->min < sum->min)
            sum->min = row->min;
        if (sum->value_count == 0 || row->max > sum->max) {
            sum->max = row->max;
            sum->max_seq = row->max_seq;
        }
    }
    sum->count += row->count;
    sum->value_count += row->value_count;
    sum->failed += row->failed;
    sum->sum += row->sum;
}

static bool print_routes(const snapshot *s)
{
    const row_range *rows = &s->of[LP_DIM_ROUTE];
    const lp_aggregate_row **sorted = calloc(rows->count + 1, sizeof(*sorted));
    lp_aggregate_row rest = {.dimension = LP_DIM_ROUTE, .is_other = true};

    if (!sorted)
        return false;
    for (size_t i = 0; i < rows->count; i++)
        sorted[i] = &rows->at[i];
    if (rows->count > 0)
        qsort(sorted, rows->count, sizeof(*sorted), order_routes);
    fputs(",\"routes\":[", s->to);
    for (size_t i = 0; i < rows->count; i++) {
        if (i >= API_SNAPSHOT_ROUTES || sorted[i]->is_other) {
            add_row(&rest, sorted[i]);
            continue;
        }
        if (i > 0)
            fputc(',', s->to);
        print_route(s, sorted[i]);
    }
    if (rest.count > 0) {
        fputs(rows->count > 1 ? "," : "", s->to);
        print_route(s, &rest);
    }
    fputc(']', s->to);
    free(sorted);
    return true;
}

static const char *op_name(uint8_t op)
{
    switch ((lp_measure_op)op) {
    case LP_OP_SAMPLE:
        return "sample";
    case LP_OP_COUNT:
        return "count";
    case LP_OP_UNIQUE:
        return "unique";
    case LP_OP_MEASURE:
        break;
    }
    return "measure";
}

/* As far as all of a row has one unit. */
static void print_values(const snapshot *s, const lp_aggregate_row *row)
{
    lp_span unit = row->unit == LP_UNIT_OTHER
                       ? row->unit_text
                       : lp_span_str(lp_measure_unit_name((lp_unit)row->unit));
    double none = (double)NAN;

    fputs(",\"unit\":", s->to);
    if (row->is_other)
        fputs("null", s->to);
    else
        api_print_json_string(s->to, unit);
    fprintf(s->to, ",\"count\":%" PRIu64, row->count);
    api_print_member(s->to, "sum", row->is_other ? none : row->sum);
    api_print_member(s->to, "mean", row->is_other ? none : api_row_mean(row));
    api_print_member(s->to, "min", row->is_other ? none : row->min);
    api_print_member(s->to, "max", row->is_other ? none : row->max);
    api_print_member(s->to, "last", row->is_other ? none : row->last);
}

static void print_measure(const snapshot *s, const lp_aggregate_row *row)
{
    double values[QUANTILES] = {0};

    fputc('{', s->to);
    print_name(s->to, "name", row);
    fputs(",\"of\":", s->to);
    if (row->is_other && row->is_of_process) // of any of them
        fputs("null", s->to);
    else
        api_print_json_string(s->to, row->of);
    fprintf(s->to, ",\"is_platform\":%s,\"op\":",
            row->is_other      ? "null"
            : row->is_platform ? "true"
                               : "false");
    if (row->is_other)
        fputs("null", s->to);
    else
        fprintf(s->to, "\"%s\"", op_name(row->op));
    print_values(s, row);
    print_quantiles(s, row, values);
    fputc('}', s->to);
}

/* A process's own samples are with the process. */
static bool is_sample_of_process(const lp_aggregate_row *row)
{
    return row->is_platform && row->is_of_process && !row->is_other &&
           row->op == LP_OP_SAMPLE &&
           (lp_span_equal(row->name, LP_SPAN("memory_total")) ||
            lp_span_equal(row->name, LP_SPAN("load_avg_1m")));
}

static void print_measures(const snapshot *s)
{
    const row_range *rows = &s->of[LP_DIM_MEASURE];
    bool is_first = true;

    fputs(",\"measures\":[", s->to);
    for (size_t i = 0; i < rows->count; i++) {
        if (is_sample_of_process(&rows->at[i]))
            continue;
        if (!is_first)
            fputc(',', s->to);
        is_first = false;
        print_measure(s, &rows->at[i]);
    }
    fputc(']', s->to);
}

/* What is kept ------------------------------------------------------------ */

static void print_kept(FILE *to, const lp_aggregate_stats *stats)
{
    fputs(",\"kept\":{", to);
    for (unsigned i = 0; i < LP_TIERS; i++)
        fprintf(to,
                "%s\"%s\":{\"full_from\":%" PRId64 ",\"core_from\":%" PRId64
                ",\"from\":%" PRId64 "}",
                i > 0 ? "," : "", api_tier_names[i], stats->full_from_s[i],
                stats->core_from_s[i], stats->kept_from_s[i]);
    fputc('}', to);
}

static void print_ledger(FILE *to, const api_aggregate_ask *ask)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    aggregator_status status;

    aggregator_status_get(ask->who, &status);
    lp_channel_stats_get(status.ring, &stats);
    fprintf(to,
            ",\"ledger\":{\"appended\":%" PRIu64 ",\"resident\":%" PRIu64
            ",\"evicted\":%" PRIu64 ",\"oldest_seq\":%" PRIu64
            ",\"next_seq\":%" PRIu64 ",\"too_big\":%" PRIu64
            ",\"refused\":%" PRIu64 "}",
            stats.appended_lines, stats.resident_lines, stats.evicted_lines,
            stats.oldest_seq, stats.next_seq, stats.too_big_lines,
            stats.refused_lines);
}

static void print_tail(const snapshot *s)
{
    const lp_aggregate_stats *stats = &s->stats;
    FILE *to = s->to;

    fprintf(
        to, ",\"series\":{\"used\":%u,\"max\":%u,\"other_values\":%" PRIu64 "}",
        stats->series, s->ask->cfg->aggregate_series_max, stats->other_values);
    fprintf(to, ",\"odd\":{\"values\":%" PRIu64 ",\"newest_seq\":",
            stats->odd_values);
    if (stats->odd_values > 0)
        fprintf(to, "%" PRIu64 "}", stats->odd_seq);
    else
        fputs("null}", to);
    print_kept(to, stats);
    print_ledger(to, s->ask);
    fputc('}', to);
}

/* All --------------------------------------------------------------------- */

typedef struct printing {
    snapshot s;
    bool is_printed;
} printing;

/* What the window covers, which is less than was asked for where older windows are
 * wider, or had to make room. Where it begins with the first line that there ever
 * was, the time before had none, and counts. */
static int64_t begin_of(const snapshot *s, const lp_aggregate_window *window)
{
    int64_t asked_s = window->end_s - s->window_s;
    int64_t since_s;
    aggregator_status status;

    if (s->stats.since_s != 0 && s->stats.since_s < window->start_s)
        return window->start_s;
    aggregator_status_get(s->ask->who, &status);
    since_s = status.since_ns / 1000000000;
    if (since_s > window->start_s)
        since_s = window->start_s; // the clock went back
    return asked_s > since_s ? asked_s : since_s;
}

static void print_window(void *ctx, const lp_aggregate_window *window,
                         const lp_aggregate_row *rows, size_t row_count)
{
    printing *p = ctx;
    snapshot *s = &p->s;
    aggregator_uncounted left_out;

    s->window = window;
    s->from_s = begin_of(s, window);
    left_out = aggregator_uncounted_between(s->ask->who, s->from_s, INT64_MAX);
    sort_out(s, rows, row_count);
    lp_aggregate_markers(s->ask->numbers, s->from_s, window->end_s, add_event,
                         s);
    print_head(s);
    api_print_uncounted(s->to, &left_out);
    print_lines(s);
    print_requests(s);
    print_classes(s);
    print_status(s);
    print_codes(s);
    print_events(s);
    print_queue(s);
    print_dist(s, "bytes", find_measure(s, "router.bytes"));
    p->is_printed = print_processes(s) && print_routes(s);
    print_measures(s);
}

bool api_print_snapshot(FILE *to, const api_aggregate_ask *ask,
                        int64_t window_s)
{
    static const lp_aggregate_select all = LP_AGGREGATE_SELECT_ALL;
    int64_t end_s = api_aggregate_second(ask) + 1;
    printing p = {.s = {.to = to,
                        .ask = ask,
                        .stats = {.struct_bytes = sizeof(p.s.stats)},
                        .window_s = window_s}};

    lp_sketch_scale_init(&p.s.scale, AGGREGATOR_ALPHA);
    lp_aggregate_tick(ask->numbers, ask->counted_ns);
    lp_aggregate_stats_get(ask->numbers, &p.s.stats);
    if (lp_aggregate_total(ask->numbers, end_s - window_s, end_s, &all,
                           print_window, &p) != LP_OK ||
        !p.is_printed)
        return false;
    print_tail(&p.s);
    return true;
}
