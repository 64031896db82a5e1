/*
 * api_aggregate_series.c - windows of a channel as columns, for charts.
 *
 *     t            100   101   102   103     evenly spaced: a window without
 *     requests       4     0     7     2     lines has an entry as well
 *     p95           31  null    29    30
 *
 * Columns grow with each window that the aggregate gives, which are ascending.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/api_aggregate_print.h"

enum {
    CODES_MAX = 32,
    PROCESSES_MAX = 256,
    PROCESSES_SHOWN = 16 /* with most requests, and as many with most memory */
};

const char *const api_tier_names[LP_TIERS] = {"seconds", "tens", "minutes"};

int64_t api_tier_step_s(lp_tier tier)
{
    static const int64_t steps_s[LP_TIERS] = {1, 10, 60};

    return steps_s[tier];
}

int64_t api_tier_kept_s(lp_tier tier)
{
    static const int64_t kept_s[LP_TIERS] = {120, 3600, 86400};

    return kept_s[tier];
}

/* What a question is about: which columns there are to it. */
enum { OF_ALL = 1, OF_PROCESS = 2, OF_ROUTE = 4, OF_ANY = 7 };

/* COUNT are 0 where there is nothing, VALUE null. */
#define COLUMNS(COUNT, VALUE)                                \
    COUNT(T, "t", OF_ANY)                                    \
    COUNT(REQUESTS, "requests", OF_ANY)                      \
    COUNT(FAILED, "failed", OF_ANY)                          \
    VALUE(MEAN, "mean", OF_ANY)                              \
    VALUE(P50, "p50", OF_ANY)                                \
    VALUE(P95, "p95", OF_ANY)                                \
    VALUE(P99, "p99", OF_ANY)                                \
    VALUE(MAX, "max", OF_ANY)                                \
    COUNT(NO_STATUS, "s_none", OF_ALL)                       \
    COUNT(S1XX, "s1xx", OF_ALL)                              \
    COUNT(S2XX, "s2xx", OF_ALL)                              \
    COUNT(S3XX, "s3xx", OF_ALL)                              \
    COUNT(S4XX, "s4xx", OF_ALL)                              \
    COUNT(S5XX, "s5xx", OF_ALL)                              \
    COUNT(ODD_STATUS, "s_other", OF_ALL)                     \
    VALUE(WAIT_MEAN, "wait_mean", OF_ALL)                    \
    COUNT(LINES, "lines", OF_ALL | OF_PROCESS)               \
    COUNT(LOST, "lost", OF_ALL)                              \
    VALUE(MEMORY_MEAN, "memory_mean", OF_ALL | OF_PROCESS)   \
    VALUE(MEMORY_MAX, "memory_max", OF_ALL | OF_PROCESS)     \
    VALUE(MEMORY_QUOTA, "memory_quota", OF_ALL | OF_PROCESS) \
    VALUE(LOAD_MAX, "load_max", OF_ALL | OF_PROCESS)         \
    COUNT(FIRST_SEQ, "first_seq", OF_ALL)                    \
    COUNT(END_SEQ, "end_seq", OF_ALL)                        \
    COUNT(DETAIL, "detail", OF_ANY)

typedef enum column_id {
#define X(id, name, of) COLUMN_##id,
    COLUMNS(X, X)
#undef X
        COLUMN_COUNT
} column_id;

static const char *const column_names[COLUMN_COUNT] = {
#define X(id, name, of) [COLUMN_##id] = (name),
    COLUMNS(X, X)
#undef X
};

static const uint8_t column_of[COLUMN_COUNT] = {
#define X(id, name, of) [COLUMN_##id] = (of),
    COLUMNS(X, X)
#undef X
};

static const bool column_is_count[COLUMN_COUNT] = {
#define COUNT(id, name, of) [COLUMN_##id] = true,
#define VALUE(id, name, of) [COLUMN_##id] = false,
    COLUMNS(COUNT, VALUE)
#undef COUNT
#undef VALUE
};

/* Of what a name without a row in a window may be a part after all: of an other row,
 * or of what has faded. So nothing is known of it, and it is not 0. */
typedef struct unknown {
    bool code;
    bool process;
    bool route;
    bool lines; /* of a process */
} unknown;

/* A column of what has a name: a code, or a process and what of it. */
typedef struct named {
    char name[LP_AGGREGATE_NAME_MAX_BYTES];
    uint32_t name_bytes;
    double *at[3];
    double requests; /* of a process, by which those to be shown are chosen */
    double memory;   /* the most of a window; 0: not known */
    bool is_shown;
} named;

enum { PROCESS_REQUESTS, PROCESS_P95, PROCESS_MEMORY, PROCESS_COLUMNS };

typedef struct table {
    const api_series_ask *want;
    lp_sketch_scale scale;
    size_t room;
    size_t count;   /* of entries                            */
    int64_t next_s; /* the window behind the last entry      */
    double *columns[COLUMN_COUNT];
    named *codes;
    size_t code_count;
    named *processes;
    size_t process_count;
    unknown *unknown;     /* of each entry */
    int64_t gone_until_s; /* windows before that had to make room */
    double quota;         /* the newest one of the process that is asked for */
    bool has_memory;      /* of the program */
} table;

/* Memory ------------------------------------------------------------------ */

static double *new_column(table *t, bool is_count)
{
    double *column = malloc(t->room * sizeof(*column));

    for (size_t i = 0; column && i < t->room; i++)
        column[i] = is_count ? 0.0 : (double)NAN;
    if (!column)
        t->has_memory = false;
    return column;
}

static void open_table(table *t)
{
    t->has_memory = true;
    lp_sketch_scale_init(&t->scale, AGGREGATOR_ALPHA);
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        t->columns[i] = new_column(t, column_is_count[i]);
    t->codes = calloc(CODES_MAX, sizeof(*t->codes));
    t->processes = calloc(PROCESSES_MAX, sizeof(*t->processes));
    t->unknown = calloc(t->room, sizeof(*t->unknown));
    if (!t->codes || !t->processes || !t->unknown)
        t->has_memory = false;
}

static void free_named(named *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (unsigned j = 0; j < 3; j++)
            free(list[i].at[j]);
    free(list);
}

static void close_table(table *t)
{
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        free(t->columns[i]);
    free_named(t->codes, t->code_count);
    free_named(t->processes, t->process_count);
    free(t->unknown);
}

static lp_span name_of(const named *one)
{
    return lp_span_of(one->name, one->name_bytes);
}

/* The one of this name, or a new one, with so many columns of which the first
 * counts; NULL: there is no room. */
static named *named_of(table *t, named *list, size_t *count, size_t max,
                       lp_span name, unsigned columns)
{
    named *one;

    for (size_t i = 0; i < *count; i++)
        if (lp_span_equal(name_of(&list[i]), name))
            return &list[i];
    if (*count == max || name.len_bytes > sizeof(one->name))
        return NULL;
    one = &list[*count];
    for (unsigned i = 0; i < columns; i++)
        one->at[i] = new_column(t, i == 0);
    if (name.len_bytes > 0)
        memcpy(one->name, name.ptr, name.len_bytes);
    one->name_bytes = (uint32_t)name.len_bytes;
    (*count)++; // also without memory, so that what there is of it is freed
    return t->has_memory ? one : NULL;
}

static unsigned asked_of(const table *t)
{
    if (t->want->process.len_bytes > 0)
        return OF_PROCESS;
    return t->want->route.len_bytes > 0 ? OF_ROUTE : OF_ALL;
}

/* Rows -------------------------------------------------------------------- */

static double quantile_95(const table *t, const lp_aggregate_row *row)
{
    static const double q[] = {0.95};
    double value = 0;

    api_row_quantiles(row, &t->scale, q, 1, &value);
    return value;
}

/* Of all requests, or of those of the process or the route that is asked for. */
static void put_requests(table *t, size_t i, const lp_aggregate_row *row)
{
    static const double q[] = {0.5, 0.95, 0.99};
    double values[3] = {0};

    api_row_quantiles(row, &t->scale, q, 3, values);
    t->columns[COLUMN_REQUESTS][i] = (double)row->count;
    t->columns[COLUMN_FAILED][i] = (double)row->failed;
    t->columns[COLUMN_MEAN][i] = api_row_mean(row);
    if (row->value_count > 0)
        t->columns[COLUMN_MAX][i] = row->max;
    for (unsigned j = 0; j < 3; j++)
        t->columns[COLUMN_P50 + j][i] = values[j];
}

static void put_code(table *t, size_t i, const lp_aggregate_row *row)
{
    named *code;

    if (row->is_of_process) // it is counted among all as well
        return;
    code = named_of(t, t->codes, &t->code_count, CODES_MAX, row->name, 1);

    if (code)
        code->at[0][i] += (double)row->count;
}

static named *process_of(table *t, lp_span name)
{
    if (name.len_bytes == 0)
        return NULL;
    return named_of(t, t->processes, &t->process_count, PROCESSES_MAX, name,
                    PROCESS_COLUMNS);
}

static void put_process(table *t, size_t i, const lp_aggregate_row *row)
{
    named *process = process_of(t, row->name);

    if (!process)
        return;
    process->requests += (double)row->count;
    process->at[PROCESS_REQUESTS][i] = (double)row->count;
    process->at[PROCESS_P95][i] = quantile_95(t, row);
}

static bool is_measure(const lp_aggregate_row *row, const char *name)
{
    return lp_span_equal(row->name, lp_span_str(name));
}

/* Of all processes, or of the one that is asked for. */
static void put_levels(table *t, size_t i, const lp_aggregate_row *row)
{
    if (is_measure(row, "memory_total")) {
        t->columns[COLUMN_MEMORY_MEAN][i] = api_row_mean(row);
        t->columns[COLUMN_MEMORY_MAX][i] = row->max;
        if (row->is_of_process)
            t->columns[COLUMN_MEMORY_QUOTA][i] = t->quota;
    } else if (is_measure(row, "memory_quota")) {
        t->columns[COLUMN_MEMORY_QUOTA][i] = row->max;
    } else if (is_measure(row, "load_avg_1m")) {
        t->columns[COLUMN_LOAD_MAX][i] = row->max;
    }
}

static void put_memory(table *t, size_t i, const lp_aggregate_row *row)
{
    named *process = process_of(t, row->of);
    double mean = api_row_mean(row);

    if (!process)
        return;
    process->at[PROCESS_MEMORY][i] = mean;
    if (mean > process->memory)
        process->memory = mean;
}

static void put_measure(table *t, size_t i, const lp_aggregate_row *row)
{
    lp_span wanted = t->want->process;

    if (!row->is_platform)
        return;
    if (!row->is_of_process && is_measure(row, "router.wait"))
        t->columns[COLUMN_WAIT_MEAN][i] = api_row_mean(row);
    if (row->is_of_process == (wanted.len_bytes > 0) &&
        lp_span_equal(row->of, wanted))
        put_levels(t, i, row);
    if (row->is_of_process && is_measure(row, "memory_total") &&
        asked_of(t) == OF_ALL)
        put_memory(t, i, row);
}

/* Which row has the requests that are asked for? */
static bool has_requests(const table *t, const lp_aggregate_row *row)
{
    if (t->want->process.len_bytes > 0)
        return row->dimension == LP_DIM_PROCESS &&
               lp_span_equal(row->name, t->want->process);
    if (t->want->route.len_bytes > 0)
        return row->dimension == LP_DIM_ROUTE &&
               lp_span_equal(row->name, t->want->route);
    return row->dimension == LP_DIM_TOTAL;
}

/* All lines; of a process its own alone. */
static void put_lines(table *t, size_t i, const lp_aggregate_row *row)
{
    if (asked_of(t) == OF_ALL ||
        (!row->is_other && lp_span_equal(row->name, t->want->process)))
        t->columns[COLUMN_LINES][i] += (double)row->count;
}

static void put_other(unknown *of, const lp_aggregate_row *row)
{
    of->code |= row->dimension == LP_DIM_CODE && !row->is_of_process;
    of->process |= row->dimension == LP_DIM_PROCESS;
    of->route |= row->dimension == LP_DIM_ROUTE;
    of->lines |= row->dimension == LP_DIM_LINES;
}

static void put_row(table *t, size_t i, const lp_aggregate_row *row)
{
    if (row->is_other)
        put_other(&t->unknown[i], row);
    if (row->dimension == LP_DIM_LINES)
        put_lines(t, i, row);
    if (row->is_other || row->dimension == LP_DIM_LINES)
        return;
    if (has_requests(t, row))
        put_requests(t, i, row);
    if (row->dimension == LP_DIM_MEASURE)
        put_measure(t, i, row);
    if (asked_of(t) != OF_ALL)
        return;
    if (row->dimension == LP_DIM_CODE)
        put_code(t, i, row);
    else if (row->dimension == LP_DIM_PROCESS)
        put_process(t, i, row);
}

/* Windows ----------------------------------------------------------------- */

/* Nothing is known of a window but when it was. */
static void forget_window(table *t, size_t i)
{
    for (unsigned j = COLUMN_T + 1; j < COLUMN_COUNT; j++)
        t->columns[j][i] = (double)NAN;
    for (size_t j = 0; j < t->code_count; j++)
        t->codes[j].at[0][i] = (double)NAN;
    for (size_t j = 0; j < t->process_count; j++)
        for (unsigned of = 0; of < PROCESS_COLUMNS; of++)
            t->processes[j].at[of][i] = (double)NAN;
    t->unknown[i] = (unknown){true, true, true, true};
}

/* Lines of that time are told in a later window, or in none: nothing that is told of
 * it is right. */
static void forget_between(table *t, int64_t from_s, int64_t to_s)
{
    int64_t end_s = t->next_s;

    for (size_t i = t->count; i-- > 0 && end_s > from_s;) {
        int64_t start_s = (int64_t)t->columns[COLUMN_T][i];

        if (start_s < to_s)
            forget_window(t, i);
        end_s = start_s;
    }
}

static void forget_uncounted(table *t, const uncounted *left_out)
{
    for (unsigned i = 0; i < left_out->count; i++)
        forget_between(t, left_out->spells[i].since_ns / 1000000000,
                       left_out->spells[i].last_ns / 1000000000 + 1);
}

/* An entry for each window up to end_s: in those that are not kept there was
 * nothing, if they had not to make room. */
static void fill_up_to(table *t, int64_t end_s)
{
    for (; t->next_s < end_s && t->count < t->room; t->count++) {
        t->columns[COLUMN_T][t->count] = (double)t->next_s;
        if (t->next_s < t->gone_until_s)
            forget_window(t, t->count);
        t->next_s += api_tier_step_s(t->want->tier);
    }
}

/* What is asked for has no row in a window, and may have been counted elsewhere. */
static void forget_absent(table *t, size_t i)
{
    const unknown *of = &t->unknown[i];
    bool is_unknown = asked_of(t) == OF_PROCESS ? of->process : of->route;

    if (asked_of(t) != OF_ALL && is_unknown &&
        t->columns[COLUMN_REQUESTS][i] <= 0) {
        t->columns[COLUMN_REQUESTS][i] = (double)NAN;
        t->columns[COLUMN_FAILED][i] = (double)NAN;
    }
    if (asked_of(t) == OF_PROCESS && of->lines &&
        t->columns[COLUMN_LINES][i] <= 0)
        t->columns[COLUMN_LINES][i] = (double)NAN;
}

static void put_classes(table *t, size_t i, const lp_aggregate_window *window)
{
    for (unsigned j = 0; j < LP_STATUS_CLASSES; j++)
        t->columns[COLUMN_NO_STATUS + j][i] = (double)window->classes[j];
}

/* A window that begins before what is asked for: its lines may be of any part. */
static void put_part(table *t, int64_t end_s)
{
    size_t i = t->count;

    fill_up_to(t, end_s < t->want->to_s ? end_s : t->want->to_s);
    for (; i < t->count; i++)
        forget_window(t, i);
}

/* One behind those that are asked for may have lines of these. */
static void put_window(void *ctx, const lp_aggregate_window *window,
                       const lp_aggregate_row *rows, size_t row_count)
{
    table *t = ctx;
    bool is_behind;
    size_t i;

    if (!t->has_memory)
        return;
    if (window->start_s < t->next_s) {
        put_part(t, window->end_s);
        return;
    }
    is_behind = window->start_s >= t->want->to_s;
    fill_up_to(t, is_behind ? t->want->to_s : window->start_s);
    if (window->late_s > 0)
        forget_between(t, window->start_s - window->late_s, window->start_s);
    if (is_behind || t->count == t->room)
        return;
    i = t->count++;
    t->next_s = window->end_s;
    t->columns[COLUMN_T][i] = (double)window->start_s;
    if (window->late_s > 0) {
        forget_window(t, i);
        return;
    }
    t->columns[COLUMN_LOST][i] = (double)window->lost_lines;
    t->columns[COLUMN_FIRST_SEQ][i] = (double)window->first_seq;
    t->columns[COLUMN_END_SEQ][i] = (double)window->end_seq;
    t->columns[COLUMN_DETAIL][i] = window->detail;
    t->unknown[i].code = window->detail == LP_DETAIL_BARE;
    t->unknown[i].process = window->detail != LP_DETAIL_FULL;
    t->unknown[i].route = window->detail != LP_DETAIL_FULL;
    put_classes(t, i, window);
    for (size_t j = 0; j < row_count && t->has_memory; j++)
        put_row(t, i, &rows[j]);
    forget_absent(t, i);
}

/* Printing ---------------------------------------------------------------- */

static void print_column(FILE *to, lp_span key, const double *values,
                         size_t count)
{
    api_print_json_string(to, key);
    fputs(":[", to);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputc(',', to);
        // Whole numbers, sequence numbers among them, in all of their digits.
        if (values[i] >= 0 && values[i] < 9007199254740992.0 &&
            values[i] == floor(values[i]))
            fprintf(to, "%" PRIu64, (uint64_t)values[i]);
        else
            api_print_double(to, values[i]);
    }
    fputc(']', to);
}

/* Counts of what has a name: 0 where it is known that there were none. */
static void forget_unknown(const table *t, named *one, bool is_code)
{
    for (size_t i = 0; i < t->count; i++)
        if (one->at[0][i] <= 0 &&
            (is_code ? t->unknown[i].code : t->unknown[i].process))
            one->at[0][i] = (double)NAN;
}

static void print_codes(FILE *to, const table *t)
{
    fputs(",\"codes\":{", to);
    for (size_t i = 0; i < t->code_count; i++) {
        named *code = &t->codes[i];

        forget_unknown(t, code, true);
        if (i > 0)
            fputc(',', to);
        print_column(to, name_of(code), code->at[0], t->count);
    }
    fputc('}', to);
}

static int order_by(double left, double right, const named *a, const named *b)
{
    if (left != right)
        return left > right ? -1 : 1;
    return lp_span_compare(name_of(a), name_of(b));
}

static int order_by_memory(const void *a, const void *b)
{
    const named *left = a, *right = b;

    return order_by(left->memory, right->memory, left, right);
}

static int order_by_requests(const void *a, const void *b)
{
    const named *left = a, *right = b;

    return order_by(left->requests, right->requests, left, right);
}

/* Who is hurt by a leak need not be who answers requests. */
static void choose_processes(table *t)
{
    if (t->process_count == 0)
        return;
    qsort(t->processes, t->process_count, sizeof(*t->processes),
          order_by_memory);
    for (size_t i = 0; i < t->process_count && i < PROCESSES_SHOWN; i++)
        t->processes[i].is_shown = t->processes[i].memory > 0;
    qsort(t->processes, t->process_count, sizeof(*t->processes),
          order_by_requests);
    for (size_t i = 0; i < t->process_count && i < PROCESSES_SHOWN; i++)
        t->processes[i].is_shown |= t->processes[i].requests > 0;
}

static void print_process(FILE *to, const table *t, const named *process)
{
    static const char *const keys[PROCESS_COLUMNS] = {"requests", "p95",
                                                      "memory"};

    api_print_json_string(to, name_of(process));
    for (unsigned i = 0; i < PROCESS_COLUMNS; i++) {
        fputs(i == 0 ? ":{" : ",", to);
        print_column(to, lp_span_str(keys[i]), process->at[i], t->count);
    }
    fputc('}', to);
}

static void print_processes(FILE *to, table *t)
{
    bool is_first = true;

    choose_processes(t);
    fputs(",\"by_process\":{", to);
    for (size_t i = 0; i < t->process_count; i++) {
        if (!t->processes[i].is_shown)
            continue;
        if (!is_first)
            fputc(',', to);
        is_first = false;
        forget_unknown(t, &t->processes[i], false);
        print_process(to, t, &t->processes[i]);
    }
    fputc('}', to);
}

typedef struct marker_list {
    FILE *to;
    size_t count;
} marker_list;

static const char *marker_kind(uint8_t kind)
{
    static const struct {
        uint8_t kind;
        const char *name;
    } names[] = {{LP_KIND_RELEASE, "release"}, {LP_KIND_ROLLBACK, "rollback"},
                 {LP_KIND_DEPLOY, "deploy"},   {LP_KIND_START, "start"},
                 {LP_KIND_STOP, "stop"},       {LP_KIND_EXIT, "exit"},
                 {LP_KIND_CYCLING, "cycling"}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].kind == kind)
            return names[i].name;
    return "state";
}

static void print_marker(void *ctx, const lp_aggregate_marker *marker)
{
    marker_list *list = ctx;

    fprintf(list->to, "%s{\"t\":%.3f,\"kind\":\"%s\",\"process\":",
            list->count++ > 0 ? "," : "", (double)marker->at_ns / 1e9,
            marker_kind(marker->kind));
    api_print_json_string(list->to, marker->process);
    fputs(",\"text\":", list->to);
    api_print_json_string(list->to, marker->text);
    fprintf(list->to, ",\"seq\":%" PRIu64 "}", marker->seq);
}

static void print_markers(FILE *to, const api_aggregate_ask *ask,
                          int64_t from_s, int64_t to_s)
{
    marker_list list = {to, 0};

    fputs(",\"markers\":[", to);
    lp_aggregate_markers(ask->numbers, from_s, to_s, print_marker, &list);
    fputc(']', to);
}

static void print_table(FILE *to, const api_aggregate_ask *ask, table *t,
                        int64_t from_s)
{
    aggregator_status status;
    const api_series_ask *want = t->want;
    aggregator_uncounted left_out =
        aggregator_uncounted_between(ask->who, from_s, want->to_s);

    aggregator_status_get(ask->who, &status);
    fputs("{\"channel\":", to);
    api_print_json_string(to, ask->channel_id);
    fprintf(to,
            ",\"epoch\":\"%" PRIu64 "\",\"tier\":\"%s\",\"step_s\":%" PRId64
            ",\"from\":%" PRId64 ",\"to\":%" PRId64,
            lp_channel_epoch(status.ring), api_tier_names[want->tier],
            api_tier_step_s(want->tier), from_s, want->to_s);
    api_print_uncounted(to, &left_out);
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        if ((column_of[i] & asked_of(t)) == 0)
            continue;
        fputc(',', to);
        print_column(to, lp_span_str(column_names[i]), t->columns[i], t->count);
    }
    if (asked_of(t) == OF_ALL) {
        print_codes(to, t);
        print_processes(to, t);
    }
    print_markers(to, ask, from_s, want->to_s);
    fputc('}', to);
}

/* All --------------------------------------------------------------------- */

/* The first second that was counted: of those before it nothing is known, not even
 * that there was no line. 0: all were. */
static int64_t first_counted(const api_aggregate_ask *ask,
                             const lp_aggregate_stats *stats)
{
    aggregator_status status;
    int64_t since_s;

    aggregator_status_get(ask->who, &status);
    since_s = status.since_ns / 1000000000;
    if (stats->since_s != 0 && stats->since_s < since_s)
        return stats->since_s; // the clock went back, and windows with it
    return aggregator_is_ahead(since_s, ask->counted_ns / 1000000000) ? 0
                                                                      : since_s;
}

/* Where the first entry is. What is kept goes by the newest line, which may be of a
 * later second than the last one that is told. */
static int64_t first_window(const api_aggregate_ask *ask,
                            const api_series_ask *want,
                            const lp_aggregate_stats *stats)
{
    int64_t oldest_s = api_aggregate_second(ask) + 1;
    int64_t counted_s = first_counted(ask, stats);
    int64_t from_s = want->from_s;

    if (oldest_s < stats->open_s)
        oldest_s = stats->open_s;
    oldest_s -= api_tier_kept_s(want->tier);
    if (from_s < counted_s)
        from_s = counted_s;
    if (from_s < oldest_s)
        from_s = oldest_s;
    return from_s < want->to_s ? from_s - from_s % api_tier_step_s(want->tier)
                               : want->to_s;
}

/* A quota has no history of its own. NaN: there was no sample of it. */
static double quota_of(const api_aggregate_ask *ask, lp_span process)
{
    const lp_aggregate_sample *quota;
    lp_aggregate_process of;

    if (!lp_aggregate_process_get(ask->numbers, process, &of))
        return (double)NAN;
    quota = &of.samples[LP_GAUGE_MEMORY_QUOTA];
    return quota->at_s != INT64_MIN ? quota->value : (double)NAN;
}

bool api_print_series(FILE *to, const api_aggregate_ask *ask,
                      const api_series_ask *want)
{
    static const lp_aggregate_select select = {
        1u << LP_DIM_TOTAL | 1u << LP_DIM_PROCESS | 1u << LP_DIM_STATUS |
            1u << LP_DIM_CODE | 1u << LP_DIM_ROUTE | 1u << LP_DIM_MEASURE |
            1u << LP_DIM_LINES,
        {NULL, 0},
        {NULL, 0}};
    lp_aggregate_select own = select;
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};
    table t = {.want = want};
    int64_t from_s;
    lp_err err = LP_E_NOMEM;

    if (want->route.len_bytes == 0)
        own.dimensions &= ~(1u << LP_DIM_ROUTE); // by far the most
    lp_aggregate_tick(ask->numbers, ask->counted_ns);
    lp_aggregate_stats_get(ask->numbers, &stats);
    from_s = first_window(ask, want, &stats);
    t.next_s = from_s;
    t.room = (size_t)((want->to_s - from_s) / api_tier_step_s(want->tier)) + 1;
    t.quota = quota_of(ask, want->process);
    t.gone_until_s = stats.gone_until_s[want->tier];
    open_table(&t);
    if (t.has_memory && from_s < want->to_s)
        err = lp_aggregate_each(ask->numbers, want->tier, from_s, INT64_MAX,
                                &own, put_window, &t);
    else if (t.has_memory)
        err = LP_OK;
    if (t.has_memory) {
        fill_up_to(&t, want->to_s);
        forget_between(&t, stats.lacks_since_s[want->tier], INT64_MAX);
        forget_uncounted(&t, aggregator_uncounted_of(ask->who));
    }
    if (err == LP_OK && t.has_memory)
        print_table(to, ask, &t, from_s);
    close_table(&t);
    return err == LP_OK && t.has_memory;
}
