/* api_aggregates.c - what the lines of a channel say in numbers: now, and over
 * time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_aggregates.h"

/* Finding ----------------------------------------------------------------- */

bool api_has_aggregates(http_request *req)
{
    if (http_worker(req)->shared->aggregates)
        return true;
    http_reply_error(req, 404,
                     "there are no aggregates: this daemon runs with "
                     "--aggregates off");
    return false;
}

aggregator *api_readable_aggregator(http_request *req,
                                    const catalog_channel **channel)
{
    *channel = api_readable_channel(req);
    if (!*channel || !api_has_aggregates(req))
        return NULL;
    return aggregator_of(*channel);
}

/* Parameters -------------------------------------------------------------- */

static bool read_window(http_request *req, int64_t *window_s)
{
    uint64_t ms = API_WINDOW_DEFAULT_S * 1000;

    if (!api_query_duration(req, "window", 1000, API_WINDOW_MAX_S * 1000, &ms))
        return false;
    *window_s = (int64_t)(ms / 1000);
    return true;
}

/* now_s is the second behind the last one that is over. */
static bool read_series(http_request *req, int64_t now_s, api_series_ask *out)
{
    uint64_t from_s = 0;
    uint64_t to_s = 0; // it is not given
    unsigned tier = LP_TIER_SECONDS;
    int64_t step_s;

    if (!api_query_word(req, "tier", api_tier_names, LP_TIERS, &tier) ||
        !api_query_number(req, "from", 1, INT32_MAX, &from_s) ||
        !api_query_number(req, "to", 1, INT32_MAX, &to_s))
        return false;
    out->tier = (lp_tier)tier;
    step_s = api_tier_step_s(out->tier);
    out->from_s = (int64_t)from_s;
    out->to_s = to_s > 0 && (int64_t)to_s < now_s ? (int64_t)to_s : now_s;
    out->to_s -= out->to_s % step_s;
    if (!api_query_text(req, "process", &out->process) ||
        !api_query_text(req, "route", &out->route))
        return false;
    if (out->process.len_bytes > 0 && out->route.len_bytes > 0) {
        http_reply_error(req, 400,
                         "there are both process=\"%.100s\" and "
                         "route=\"%.100s\"; give one of them",
                         out->process.ptr, out->route.ptr);
        return false;
    }
    if (from_s == 0 || to_s == 0 || from_s < to_s)
        return true;
    http_reply_error(req, 400,
                     "\"from\" is %" PRIu64 ", but has to be before \"to\", "
                     "%" PRIu64,
                     from_s, to_s);
    return false;
}

/* On the pool ------------------------------------------------------------- */

bool api_offload(http_request *req, void (*work)(void *ctx),
                 void (*done)(void *ctx), void *ctx)
{
    if (worker_offload(http_worker(req), work, done, ctx)) {
        http_defer(req);
        return true;
    }
    http_set_header(req, "Retry-After", "1");
    http_reply_error(req, 503, "too many answers are being made; ask again");
    return false;
}

void api_page_reply_numbers(http_request *req, api_page *page, bool is_printed)
{
    http_set_header(req, "Cache-Control", "no-store");
    if (is_printed) {
        api_page_reply(req, page, 200, "application/json");
        return;
    }
    api_page_drop(page);
    api_refuse_memory(req);
}

typedef struct answer {
    http_request *req;
    api_aggregate_ask ask; /* who is held */
    bool is_series;
    int64_t window_s;
    api_series_ask series;
    api_page page;
    bool is_printed;
} answer;

static void print_answer(void *ctx)
{
    answer *a = ctx;

    a->ask.numbers = aggregator_begin(a->ask.who);
    a->is_printed = a->is_series
                        ? api_print_series(a->page.to, &a->ask, &a->series)
                        : api_print_snapshot(a->page.to, &a->ask, a->window_s);
    aggregator_end(a->ask.who);
}

static void send_answer(void *ctx)
{
    answer *a = ctx;

    aggregator_unref(a->ask.who);
    api_page_reply_numbers(a->req, &a->page, a->is_printed);
}

/* NULL: answered. */
static answer *new_answer(http_request *req)
{
    const catalog_channel *channel;
    worker *w = http_worker(req);
    aggregator *who;
    answer *a;

    if (!api_wants_json(req))
        return NULL;
    who = api_readable_aggregator(req, &channel);
    if (!who)
        return NULL;
    a = http_alloc(req, sizeof(*a));
    if (a) {
        memset(a, 0, sizeof(*a));
        a->ask.channel_id = api_copy(req, channel->id);
    }
    if (!a || !a->ask.channel_id.ptr) {
        api_refuse_memory(req);
        return NULL;
    }
    a->req = req;
    a->ask.who = who;
    a->ask.cfg = w->shared->cfg;
    a->ask.now_ns = worker_now(w);
    a->ask.counted_ns = aggregator_counted_ns(who, a->ask.now_ns);
    return a;
}

static void start_answer(answer *a)
{
    if (!api_page_open(a->req, &a->page))
        return;
    aggregator_ref(a->ask.who);
    if (api_offload(a->req, print_answer, send_answer, a))
        return;
    aggregator_unref(a->ask.who);
    api_page_drop(&a->page);
}

static void get_snapshot(http_request *req)
{
    static const char *const known[] = {"window", NULL};
    answer *a = new_answer(req);

    if (a && api_query_knows(req, known) && read_window(req, &a->window_s))
        start_answer(a);
}

static void get_series(http_request *req)
{
    static const char *const known[] = {"tier",    "from",  "to",
                                        "process", "route", NULL};
    answer *a = new_answer(req);

    if (!a)
        return;
    a->is_series = true;
    if (api_query_knows(req, known) &&
        read_series(req, api_aggregate_second(&a->ask) + 1, &a->series))
        start_answer(a);
}

const http_route api_aggregates_routes[] = {
    {"GET", "/v3/channels/:id/aggregates", HTTP_API_V3, HTTP_AUTH_READER,
     get_snapshot, 0, NULL},
    {"GET", "/v3/channels/:id/aggregates/series", HTTP_API_V3, HTTP_AUTH_READER,
     get_series, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
