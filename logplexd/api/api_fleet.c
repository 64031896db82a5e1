/*
 * api_fleet.c - all channels at a glance: sorted, searched, a page at a time.
 *
 * Lists and pages are made on the pool (aggregate/fleet.h), whoever asks.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aggregate/fleet.h"
#include "api/api_aggregate_print.h"
#include "api/api_aggregates.h"
#include "api/api_view.h"
#include "logplex/measure.h"

enum {
    LIMIT_DEFAULT = 50,
    LIMIT_MAX = 500,
    OFFSET_MAX = 100000000,
    SEARCH_MAX_BYTES = 256,
    SPARK_STEP_S = 10
};

/* Which page of the list. */
typedef struct page_ask {
    fleet_sort sort;
    bool is_reversed;
    size_t limit;
    size_t offset;
    char search[SEARCH_MAX_BYTES + 1]; /* empty: all */
} page_ask;

/* Parameters -------------------------------------------------------------- */

/* Names ascend by themselves, and all else descends. */
static bool read_order(http_request *req, page_ask *out)
{
    static const char *const orders[] = {"desc", "asc"};
    unsigned sort = FLEET_HURT;
    unsigned order;

    if (!api_query_word(req, "sort", fleet_sort_names, FLEET_SORTS, &sort))
        return false;
    out->sort = (fleet_sort)sort;
    order = out->sort == FLEET_NAME;
    if (!api_query_word(req, "order", orders, 2, &order))
        return false;
    out->is_reversed = order != (out->sort == FLEET_NAME);
    return true;
}

static bool read_search(http_request *req, page_ask *out)
{
    const char *text = http_query(req, "search");

    if (!text)
        return true;
    if (strlen(text) > SEARCH_MAX_BYTES) {
        http_reply_error(
            req, 400,
            "\"search\" has %zu bytes, but may have %d, as an id has "
            "no more",
            strlen(text), SEARCH_MAX_BYTES);
        return false;
    }
    snprintf(out->search, sizeof(out->search), "%s", text);
    return true;
}

/* False: answered. */
static bool read_page(http_request *req, page_ask *out)
{
    static const char *const known[] = {"sort",  "order",  "search",
                                        "limit", "offset", NULL};
    uint64_t limit = LIMIT_DEFAULT;
    uint64_t offset = 0;

    memset(out, 0, sizeof(*out));
    if (!(http_credential(req)->permissions & CATALOG_FULL_API)) {
        http_reply_error(req, 403,
                         "this credential may read one channel only; the fleet "
                         "is for those with full_api");
        return false;
    }
    if (!api_has_aggregates(req) || !api_query_knows(req, known) ||
        !read_order(req, out) || !read_search(req, out) ||
        !api_query_number(req, "limit", 1, LIMIT_MAX, &limit) ||
        !api_query_number(req, "offset", 0, OFFSET_MAX, &offset))
        return false;
    out->limit = (size_t)limit;
    out->offset = (size_t)offset;
    return true;
}

/* Printing ---------------------------------------------------------------- */

static bool has_text(lp_span text, const char *search)
{
    size_t search_bytes = strlen(search);

    for (size_t i = 0; i + search_bytes <= text.len_bytes; i++)
        if (strncasecmp(text.ptr + i, search, search_bytes) == 0)
            return true;
    return false;
}

static bool is_match(const fleet_row *row, const page_ask *ask)
{
    return ask->search[0] == '\0' || has_text(row->channel->id, ask->search) ||
           has_text(row->channel->name, ask->search);
}

static void print_or_null(FILE *to, const char *name, double value)
{
    api_print_member(to, name, value > 0 ? value : (double)NAN);
}

static void print_code(FILE *to, const char *code)
{
    const char *meaning = lp_measure_code_meaning(lp_span_str(code));

    if (code[0] == '\0') {
        fputs(",\"top_code\":null,\"meaning\":null", to);
        return;
    }
    fputs(",\"top_code\":", to);
    api_print_json_string(to, lp_span_str(code));
    fputs(",\"meaning\":", to);
    if (meaning)
        api_print_json_string(to, lp_span_str(meaning));
    else
        fputs("null", to);
}

static void print_sparks(FILE *to, const fleet_row *row, int64_t now_ns)
{
    lp_aggregate_brief brief = {0};
    aggregator *who = aggregator_of(row->channel);

    if (who)
        aggregator_brief(who, now_ns, &brief, NULL);
    fputs(",\"sparks\":[", to);
    for (unsigned i = 0; i < LP_AGGREGATE_SPARKS; i++)
        fprintf(to, "%s%" PRIu32, i > 0 ? "," : "", brief.sparks[i]);
    fprintf(to, "],\"spark_step_s\":%d,\"sparks_of\":\"%s\"", SPARK_STEP_S,
            brief.are_requests ? "requests" : "lines");
}

static void print_row(FILE *to, const fleet_row *row, int64_t now_ns)
{
    fputs("{\"id\":", to);
    api_print_json_string(to, row->channel->id);
    fputs(",\"name\":", to);
    api_print_json_string(to, row->channel->name);
    fprintf(to,
            ",\"lines\":%" PRIu64 ",\"requests\":%" PRIu64
            ",\"failed\":%" PRIu64 ",\"errors\":%" PRIu64,
            row->lines, row->requests, row->failed, row->errors);
    print_or_null(to, "p95_ms", row->p95_ms);
    print_or_null(to, "memory_share", row->memory_share);
    fprintf(to, ",\"lost_lines\":%" PRIu64 ",\"held_lines\":%" PRIu64,
            row->lost_lines, row->held_lines);
    api_print_uncounted(to, &row->uncounted);
    print_code(to, row->top_code);
    print_sparks(to, row, now_ns);
    fputc('}', to);
}

static void print_rate(FILE *to, const char *name, uint64_t count, int window_s)
{
    api_print_member(to, name, api_rounded((double)count / window_s));
}

/* Over how many seconds that are over counts are: a daemon that is younger has no
 * more, but for one whose clock went back behind its start. */
static int window_s_of(const daemon_shared *shared, int64_t now_ns)
{
    int64_t age_s = aggregator_over_ns(now_ns) / 1000000000 -
                    shared->started_ns / 1000000000;

    if (age_s < -1 || age_s > FLEET_WINDOW_S)
        return FLEET_WINDOW_S;
    return age_s < 1 ? 1 : (int)age_s;
}

static void print_totals(FILE *to, const fleet_list *list, int window_s)
{
    const fleet_totals *totals = fleet_totals_of(list);

    fprintf(to, ",\"totals\":{\"channels\":%zu,\"active\":%" PRIu64,
            fleet_count(list), totals->active);
    print_rate(to, "lines_per_s", totals->lines, window_s);
    print_rate(to, "requests_per_s", totals->requests, window_s);
    print_rate(to, "failed_per_s", totals->failed, window_s);
    fprintf(to,
            ",\"errors\":%" PRIu64 ",\"lost_lines\":%" PRIu64
            ",\"uncounted_channels\":%" PRIu64 ",\"uncounted_lines\":%" PRIu64
            "}",
            totals->errors, totals->lost_lines, totals->uncounted_channels,
            totals->uncounted_lines);
}

/* False: no memory. */
static bool print_page(FILE *to, fleet_list *list, const page_ask *ask,
                       int window_s, int64_t now_ns)
{
    const fleet_row *const *order = fleet_order(list, ask->sort);
    size_t count = fleet_count(list);
    size_t matched = 0;
    size_t shown = 0;

    if (!order)
        return false;
    fprintf(to, "{\"now\":%.3f,\"window_s\":%d", (double)now_ns / 1e9,
            window_s);
    print_totals(to, list, window_s);
    fputs(",\"channels\":[", to);
    for (size_t i = 0; i < count; i++) {
        const fleet_row *row = order[ask->is_reversed ? count - 1 - i : i];

        if (!is_match(row, ask))
            continue;
        if (matched++ < ask->offset || shown == ask->limit)
            continue;
        if (shown++ > 0)
            fputc(',', to);
        print_row(to, row, now_ns);
    }
    fprintf(to, "],\"matched\":%zu}", matched);
    return true;
}

static bool print_fleet(FILE *to, const daemon_shared *shared,
                        const catalog_view *view, const page_ask *ask,
                        int64_t now_ns)
{
    fleet_list *list = fleet_take(shared->fleet, view, now_ns);
    bool is_printed =
        list && print_page(to, list, ask, window_s_of(shared, now_ns), now_ns);

    fleet_release(list);
    return is_printed;
}

/* Once -------------------------------------------------------------------- */

typedef struct answer {
    http_request *req;
    const daemon_shared *shared;
    catalog_view *view; /* held */
    page_ask ask;
    int64_t now_ns;
    api_page page;
    bool is_printed;
} answer;

static void print_answer(void *ctx)
{
    answer *a = ctx;

    a->is_printed =
        print_fleet(a->page.to, a->shared, a->view, &a->ask, a->now_ns);
}

static void send_answer(void *ctx)
{
    answer *a = ctx;

    catalog_view_unref(a->view);
    api_page_reply_numbers(a->req, &a->page, a->is_printed);
}

static void get_fleet(http_request *req)
{
    worker *w = http_worker(req);
    answer *a;

    if (!api_wants_json(req))
        return;
    a = http_alloc(req, sizeof(*a));
    if (!a) {
        api_refuse_memory(req);
        return;
    }
    memset(a, 0, sizeof(*a));
    if (!read_page(req, &a->ask) || !api_page_open(req, &a->page))
        return;
    a->req = req;
    a->shared = w->shared;
    a->view = catalog_view_ref(catalog_reader_view(&w->reader));
    a->now_ns = worker_now(w);
    if (api_offload(req, print_answer, send_answer, a))
        return;
    catalog_view_unref(a->view);
    api_page_drop(&a->page);
}

/* Each second ------------------------------------------------------------- */

typedef struct fleet_view {
    api_view view; /* the first member */
    const daemon_shared *shared;
    page_ask ask;
} fleet_view;

static bool make(api_view *view, int64_t now_ns, api_event *out)
{
    fleet_view *v = (fleet_view *)(void *)view;
    catalog_view *held = catalog_newest_view(v->shared->cat);
    api_text text;
    bool is_printed = api_text_open(&text) &&
                      api_text_close(&text, print_fleet(text.to, v->shared,
                                                        held, &v->ask, now_ns));

    catalog_view_unref(held);
    if (is_printed) {
        out->text = text.at;
        out->parts[0] = LP_SPAN("event: fleet\ndata: ");
        out->parts[1] = lp_span_of(text.at, text.len_bytes);
        out->parts[2] = LP_SPAN("\n\n");
        out->count = 3;
    }
    return true; // without memory there is one the next second
}

static void destroy(api_view *view)
{
    free(view);
}

static void get_fleet_stream(http_request *req)
{
    static const api_view_kind kind = {make, destroy};
    fleet_view *v;

    if (!api_wants_events(req))
        return;
    v = calloc(1, sizeof(*v));
    if (!v) {
        api_refuse_memory(req);
        return;
    }
    if (!read_page(req, &v->ask)) {
        free(v);
        return;
    }
    v->view.kind = &kind;
    v->shared = http_worker(req)->shared;
    api_view_start(req, &v->view);
}

const http_route api_fleet_routes[] = {
    {"GET", "/v3/fleet", HTTP_API_V3, HTTP_AUTH_READER, get_fleet, 0, NULL},
    {"GET", "/v3/fleet/stream", HTTP_API_V3 | HTTP_STREAMS, HTTP_AUTH_READER,
     get_fleet_stream, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
