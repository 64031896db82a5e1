/* api_ops.c - for who runs the daemon: health, metrics, the ledger. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/aggregating.h"
#include "api/api_aggregates.h"
#include "api/api_drain_series.h"
#include "api/api_drain_status.h"
#include "api/api_switches.h"
#include "worker/ledger.h"
#include "worker/metrics.h"

/* Health ------------------------------------------------------------------ */

static void get_health(http_request *req)
{
    http_reply(req, 200, NULL, LP_SPAN("OK"));
}

// The original had two of these on two ports: one for anybody, and one for who
// shows a credential, which tells the mode of the legacy API.
static void get_health_or_mode(http_request *req)
{
    uint8_t mode =
        switch_get(&http_worker(req)->shared->switches, SWITCH_LEGACY_API);

    if (!http_credential(req))
        get_health(req);
    else if (mode == API_DISABLED)
        http_reply(req, 503, "text/html",
                   LP_SPAN("Service Temporarily Disabled"));
    else
        http_reply_json(req, 200,
                        json_pack("{ss}", "status", api_mode_names[mode]));
}

// Whoever balances load takes us out in time, while what is open may finish.
static void get_ready(http_request *req)
{
    if (atomic_load(&http_worker(req)->shared->is_draining))
        http_reply(req, 503, NULL, LP_SPAN("DRAINING"));
    else
        http_reply(req, 200, NULL, LP_SPAN("OK"));
}

/* Metrics ----------------------------------------------------------------- */

/* Series of thousands of drains take a while to print, so that is done apart
 * from the loop. */
typedef struct metrics_page {
    http_request *req;
    const daemon_shared *shared;
    int64_t now_ns;
    size_t channel_count; /* that are asked for by name */
    api_metrics_channel channels[API_METRICS_CHANNELS_MAX];
    api_page page;
} metrics_page;

static void print_series(void *ctx)
{
    const metrics_page *it = ctx;

    api_print_drain_series(it->page.to, it->shared,
                           it->shared->cfg->metrics_drains_max);
    api_print_channel_metrics(it->page.to, it->channels, it->channel_count,
                              it->now_ns);
}

static void drop_channels(metrics_page *it)
{
    while (it->channel_count > 0)
        aggregator_unref(it->channels[--it->channel_count].who);
}

static void reply_metrics(void *ctx)
{
    metrics_page *it = ctx;

    drop_channels(it);
    api_page_reply(it->req, &it->page, 200,
                   "text/plain; version=0.0.4; charset=utf-8");
}

static bool has_channel(const metrics_page *it, const char *id)
{
    for (size_t i = 0; i < it->channel_count; i++)
        if (strcmp(it->channels[i].id, id) == 0)
            return true;
    return false;
}

/* False: answered. */
static bool add_channel(metrics_page *it, const char *id)
{
    const catalog_channel *channel = api_find_channel(it->req, lp_span_str(id));
    api_metrics_channel *to = &it->channels[it->channel_count];

    if (has_channel(it, id))
        return true; // a series that is there twice is no answer
    if (!channel) {
        api_refuse_channel(it->req, lp_span_str(id));
        return false;
    }
    if (!api_has_aggregates(it->req))
        return false;
    snprintf(to->id, sizeof(to->id), "%s", id);
    to->who = aggregator_ref(aggregator_of(channel));
    it->channel_count++;
    return true;
}

/* One more behind so many? False: answered. */
static bool may_name(http_request *req, unsigned named)
{
    if (named < API_METRICS_CHANNELS_MAX)
        return true;
    http_reply_error(req, 400,
                     "there are more than %d channels; ask for the others by "
                     "themselves",
                     API_METRICS_CHANNELS_MAX);
    return false;
}

static bool read_channels(metrics_page *it)
{
    const char *id;

    for (unsigned i = 0; (id = http_query_at(it->req, "channel", i)); i++)
        if (!may_name(it->req, i) || !add_channel(it, id)) {
            drop_channels(it);
            return false;
        }
    return true;
}

static void print_aggregates(FILE *to, const daemon_shared *shared)
{
    aggregates_totals totals;

    if (!shared->aggregates)
        return;
    aggregates_totals_take(shared, &totals);
    metrics_print_one(to, "aggregate_behind_lines", "gauge",
                      "lines that aggregates have still to count",
                      totals.behind_lines);
    metrics_print_one(to, "aggregate_channels", "gauge",
                      "channels with aggregates", totals.followed);
    metrics_print_one(to, "aggregate_active_channels", "gauge",
                      "of these, looked at several times a second",
                      totals.active);
    metrics_print_one(to, "aggregate_frames_total", "counter",
                      "frames of aggregates that were made for viewers",
                      totals.frames);
    metrics_print_one(to, "ingest_held", "gauge",
                      "1: ingest waits for aggregates to catch up",
                      totals.is_held);
}

static void get_metrics(http_request *req)
{
    ledger led;
    runner_totals drains;
    metrics_page *it = http_alloc(req, sizeof(*it));

    if (!it) {
        api_refuse_memory(req);
        return;
    }
    it->req = req;
    it->shared = http_worker(req)->shared;
    it->now_ns = worker_now(http_worker(req));
    it->channel_count = 0;
    if (!read_channels(it))
        return;
    if (!api_page_open(req, &it->page)) {
        drop_channels(it);
        return;
    }
    ledger_take(http_worker(req), &led);
    metrics_print(it->page.to, http_worker(req), &led);
    runner_totals_take(it->shared, &drains);
    api_print_drain_metrics(it->page.to, &drains);
    print_aggregates(it->page.to, it->shared);
    metrics_print_one(it->page.to, "scans_borrowed_bytes", "gauge",
                      "memory that questions to lines have borrowed",
                      atomic_load(&it->shared->scans_bytes));
    if (worker_offload(http_worker(req), print_series, reply_metrics, it)) {
        http_defer(req);
        return;
    }
    print_series(it); // somebody has to be told how busy it is
    reply_metrics(it);
}

/* Ledger ------------------------------------------------------------------ */

static json_t *json_of_listener(const ledger_listener *from)
{
    json_t *object = json_object();
    json_t *rejected = json_object();
    json_t *frames = json_object();

    api_json_set_count(object, "received_lines", from->received_lines);
    api_json_set_count(object, "received_bytes", from->received_bytes);
    api_json_set_count(object, "accepted_lines", from->accepted_lines);
    for (unsigned i = 0; i < REJECT_REASONS; i++)
        api_json_set_count(rejected, ledger_reject_names[i],
                           from->rejected_lines[i]);
    json_object_set_new(object, "rejected_lines", rejected);
    for (unsigned i = 0; i < FRAME_EVENT_COUNT; i++)
        api_json_set_count(frames, ledger_frame_names[i], from->frames[i]);
    json_object_set_new(object, "frames", frames);
    return object;
}

static json_t *json_of_engine(const lp_ledger *engine)
{
    json_t *object = json_object();

    api_json_set_count(object, "channels", engine->channels);
    api_json_set_count(object, "cursors", engine->cursors);
    api_json_set_count(object, "appended_lines", engine->appended_lines);
    api_json_set_count(object, "appended_bytes", engine->appended_bytes);
    api_json_set_count(object, "resident_lines", engine->resident_lines);
    api_json_set_count(object, "resident_bytes", engine->resident_bytes);
    api_json_set_count(object, "evicted_lines", engine->evicted_lines);
    api_json_set_count(object, "evicted_bytes", engine->evicted_bytes);
    api_json_set_count(object, "too_big_lines", engine->too_big_lines);
    api_json_set_count(object, "refused_lines", engine->refused_lines);
    api_json_set_count(object, "delivered_lines", engine->delivered_lines);
    api_json_set_count(object, "lost_lines", engine->lost_lines);
    api_json_set_count(object, "memory_max_bytes", engine->memory_max_bytes);
    api_json_set_count(object, "memory_bytes", engine->memory_bytes);
    api_json_set_count(object, "pinned_bytes", engine->pinned_bytes);
    api_json_set_count(object, "pooled_bytes", engine->pooled_bytes);
    api_json_set_count(object, "borrowed_bytes", engine->borrowed_bytes);
    api_json_set_count(object, "borrow_refusals", engine->borrow_refusals);
    api_json_set_count(object, "kept_bytes", engine->kept_bytes);
    return object;
}

static json_t *json_of_tails(const uint64_t *counts)
{
    json_t *object = json_object();

    api_json_set_count(object, "opened", counts[COUNT_TAILS_OPENED]);
    api_json_set_count(object, "closed", counts[COUNT_TAILS_CLOSED]);
    api_json_set_count(object, "written_lines", counts[COUNT_TAIL_LINES]);
    api_json_set_count(object, "filtered_lines", counts[COUNT_TAIL_FILTERED]);
    api_json_set_count(object, "lost_lines", counts[COUNT_TAIL_LOST]);
    api_json_set_count(object, "gaps", counts[COUNT_TAIL_GAPS]);
    return object;
}

static json_t *json_of_aggregates(const daemon_shared *shared,
                                  const uint64_t *counts)
{
    json_t *object = json_object();
    aggregates_totals totals;

    aggregates_totals_take(shared, &totals);
    json_object_set_new(object, "on", json_boolean(shared->aggregates != NULL));
    api_json_set_count(object, "channels", totals.followed);
    api_json_set_count(object, "counted_lines", counts[COUNT_AGGREGATE_LINES]);
    api_json_set_count(object, "lost_lines", counts[COUNT_AGGREGATE_LOST]);
    api_json_set_count(object, "uncounted_lines",
                       counts[COUNT_AGGREGATE_UNCOUNTED]);
    api_json_set_count(object, "behind_lines", totals.behind_lines);
    api_json_set_count(object, "ingest_holds", counts[COUNT_INGEST_HOLDS]);
    return object;
}

static json_t *json_of_questions(const daemon_shared *shared,
                                 const uint64_t *counts)
{
    json_t *object = json_object();

    api_json_set_count(object, "answered", counts[COUNT_SCANS]);
    api_json_set_count(object, "scanned_lines", counts[COUNT_SCAN_LINES]);
    api_json_set_count(object, "cut", counts[COUNT_SCANS_CUT]);
    api_json_set_count(object, "abandoned", counts[COUNT_SCANS_ABANDONED]);
    api_json_set_count(object, "refused", counts[COUNT_SCANS_REFUSED]);
    api_json_set_count(object, "no_memory", counts[COUNT_SCANS_NO_MEMORY]);
    api_json_set_count(object, "borrowed_bytes",
                       atomic_load(&shared->scans_bytes));
    return object;
}

static json_t *json_of_ledger(const ledger *led, const daemon_shared *shared)
{
    runner_totals drains;
    json_t *object = json_object();
    json_t *listeners = json_object();

    for (unsigned i = 0; i < LISTENER_COUNT; i++)
        json_object_set_new(listeners, ledger_listener_names[i],
                            json_of_listener(&led->sums.listeners[i]));
    json_object_set_new(object, "listeners", listeners);
    json_object_set_new(object, "engine", json_of_engine(&led->engine));
    json_object_set_new(object, "tails", json_of_tails(led->sums.counts));
    runner_totals_take(shared, &drains);
    json_object_set_new(object, "drains", api_drains_json(&drains));
    json_object_set_new(object, "aggregates",
                        json_of_aggregates(shared, led->sums.counts));
    json_object_set_new(object, "questions",
                        json_of_questions(shared, led->sums.counts));
    json_object_set_new(object, "switches",
                        api_switches_json(&shared->switches));
    api_json_set_count(object, "channels", led->channels);
    json_object_set_new(object, "settled", json_boolean(led->is_settled));
    json_object_set_new(object, "balanced",
                        json_boolean(ledger_is_balanced(led)));
    json_object_set_new(
        object, "equations",
        json_pack("{sb,sb,sb}", "received = accepted + rejected",
                  led->is_received_balanced, "accepted = appended",
                  led->is_accepted_balanced, "appended = resident + evicted",
                  led->is_appended_balanced));
    return object;
}

static json_t *json_of_channel(const catalog_channel *channel)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    json_t *object = json_object();
    char epoch[24];

    lp_channel_stats_get(channel->ring, &stats);
    json_object_set_new(object, "channel",
                        json_stringn(channel->id.ptr, channel->id.len_bytes));
    // As text, as everywhere: a number of JSON is not exact beyond 2^53.
    snprintf(epoch, sizeof(epoch), "%" PRIu64, stats.epoch);
    json_object_set_new(object, "epoch", json_string(epoch));
    api_json_set_count(object, "oldest_seq", stats.oldest_seq);
    api_json_set_count(object, "next_seq", stats.next_seq);
    api_json_set_count(object, "cursors", stats.cursors);
    api_json_set_count(object, "appended_lines", stats.appended_lines);
    api_json_set_count(object, "appended_bytes", stats.appended_bytes);
    api_json_set_count(object, "resident_lines", stats.resident_lines);
    api_json_set_count(object, "resident_bytes", stats.resident_bytes);
    api_json_set_count(object, "evicted_lines", stats.evicted_lines);
    api_json_set_count(object, "evicted_bytes", stats.evicted_bytes);
    api_json_set_count(object, "too_big_lines", stats.too_big_lines);
    api_json_set_count(object, "refused_lines", stats.refused_lines);
    api_json_set_count(object, "held_bytes", stats.held_bytes);
    json_object_set_new(
        object, "balanced",
        json_boolean(stats.appended_lines ==
                         stats.resident_lines + stats.evicted_lines &&
                     stats.appended_bytes ==
                         stats.resident_bytes + stats.evicted_bytes));
    return object;
}

static void get_ledger(http_request *req)
{
    worker *w = http_worker(req);
    const char *id = http_query(req, "channel");
    const catalog_channel *channel;
    ledger led;

    if (!id) {
        ledger_take(w, &led);
        http_reply_json(req, 200, json_of_ledger(&led, w->shared));
        return;
    }
    channel =
        catalog_find_channel(catalog_reader_view(&w->reader), lp_span_str(id));
    if (channel)
        http_reply_json(req, 200, json_of_channel(channel));
    else
        http_reply_error(req, 404, "there is no channel \"%.256s\"", id);
}

const http_route api_ops_routes[] = {
    {"GET", "/healthcheck", HTTP_API_NONE, HTTP_AUTH_IF_SHOWN,
     get_health_or_mode, 0, NULL},
    {"*", "/healthcheck", HTTP_API_NONE, HTTP_AUTH_NONE, get_health, 0, NULL},
    {"*", "/v3/healthcheck", HTTP_API_NONE, HTTP_AUTH_NONE, get_health, 0,
     NULL},
    {"GET", "/livez", HTTP_API_NONE, HTTP_AUTH_NONE, get_health, 0, NULL},
    {"GET", "/readyz", HTTP_API_NONE, HTTP_AUTH_NONE, get_ready, 0, NULL},
    {"GET", "/metrics", HTTP_API_NONE, HTTP_AUTH_FULL_API, get_metrics, 0,
     NULL},
    {"GET", "/ledger", HTTP_API_NONE, HTTP_AUTH_FULL_API, get_ledger, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
