/*
 * api_aggregate_stream.c - a channel's numbers, each second.
 *
 * Who is up to date gets the frame of the second, which is made once for all. Who
 * has just come, or has missed some, gets the same snapshot with points of his own.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/api_aggregates.h"
#include "api/api_view.h"
#include "tail/tail_form.h"

enum { RESUME_MAX_S = 120, HEAD_BYTES = 160 };

typedef struct channel_view {
    api_view view;   /* the first member */
    aggregator *who; /* held */
    const config *cfg;
    uint64_t epoch;
    int64_t next_s;   /* the first second that it was not shown; 0: none was */
    bool is_resuming; /* what it missed, it missed without us */
    char head[HEAD_BYTES];
    size_t id_bytes;
    char id[CATALOG_ID_MAX_BYTES + 1];
} channel_view;

/* Texts ------------------------------------------------------------------- */

static bool print_points(const api_aggregate_ask *ask, int64_t from_s,
                         int64_t second, api_text *out)
{
    const api_series_ask want = {
        .tier = LP_TIER_SECONDS, .from_s = from_s, .to_s = second + 1};

    return api_text_open(out) &&
           api_text_close(out, api_print_series(out->to, ask, &want));
}

static bool print_snapshot(const api_aggregate_ask *ask, api_text *out)
{
    return api_text_open(out) &&
           api_text_close(
               out, api_print_snapshot(out->to, ask, API_WINDOW_DEFAULT_S));
}

/* Frames ------------------------------------------------------------------ */

/* The frame of a second, with a hold. NULL: no memory. */
static aggregator_frame *make_frame(const api_aggregate_ask *ask,
                                    int64_t second)
{
    aggregator_frame *frame = aggregator_kept_frame(ask->who);
    api_text snapshot = {0};
    api_text points = {0};

    if (frame && frame->second >= second &&
        !aggregator_is_ahead(frame->second, second))
        return aggregator_frame_ref(frame);
    frame = NULL;
    if (print_snapshot(ask, &snapshot) &&
        print_points(ask, second, second, &points))
        frame = aggregator_frame_create(
            second, lp_span_of(snapshot.at, snapshot.len_bytes),
            lp_span_of(points.at, points.len_bytes));
    free(snapshot.at);
    free(points.at);
    if (frame)
        aggregator_keep_frame(ask->who, frame);
    return frame;
}

/* Between begin and end. False: no memory; the next second has it all. */
static bool make_event(channel_view *v, const api_aggregate_ask *ask,
                       int64_t second, api_event *out)
{
    int64_t from_s = v->next_s;
    api_text points = {0};

    if (from_s <= second - RESUME_MAX_S)
        from_s = second - RESUME_MAX_S + 1;
    out->frame = make_frame(ask, second);
    if (!out->frame)
        return false;
    second = out->frame->second;
    if (from_s != second && !print_points(ask, from_s, second, &points))
        return false;
    out->text = points.at;
    snprintf(v->head, sizeof(v->head),
             "event: frame\nid: %" PRIu64 ":%" PRId64
             "\ndata: {\"second\":%" PRId64 ",\"skipped\":%" PRId64
             ",\"snapshot\":",
             v->epoch, second, second,
             v->is_resuming || v->next_s == 0 ? 0 : second - v->next_s);
    out->parts[0] = lp_span_str(v->head);
    out->parts[1] = lp_span_of(out->frame->text, out->frame->snapshot_bytes);
    out->parts[2] = LP_SPAN(",\"points\":");
    out->parts[3] =
        points.at ? lp_span_of(points.at, points.len_bytes)
                  : lp_span_of(out->frame->text + out->frame->snapshot_bytes,
                               out->frame->points_bytes);
    out->parts[4] = LP_SPAN("}\n\n");
    out->count = 5;
    v->next_s = second + 1;
    v->is_resuming = false;
    return true;
}

static bool make(api_view *view, int64_t now_ns, api_event *out)
{
    channel_view *v = (channel_view *)(void *)view;
    api_aggregate_ask ask = {.who = v->who,
                             .channel_id = lp_span_of(v->id, v->id_bytes),
                             .cfg = v->cfg,
                             .now_ns = now_ns,
                             .counted_ns =
                                 aggregator_counted_ns(v->who, now_ns)};
    int64_t second = api_aggregate_second(&ask);
    aggregator_status status;

    aggregator_status_get(v->who, &status);
    if (status.is_over) {
        api_view_print_end(out, "the channel is deleted");
        return false;
    }
    if (aggregator_is_ahead(v->next_s, second))
        v->next_s = 0; // all windows have other times now
    if (v->next_s > second)
        return true;
    ask.numbers = aggregator_begin(v->who);
    if (!make_event(v, &ask, second, out)) {
        aggregator_frame_unref(out->frame);
        memset(out, 0, sizeof(*out));
    }
    aggregator_end(v->who);
    return true;
}

static void destroy(api_view *view)
{
    channel_view *v = (channel_view *)(void *)view;

    aggregator_unview(v->who);
    aggregator_unref(v->who);
    free(v);
}

/* Beginning --------------------------------------------------------------- */

static bool is_after_right(http_request *req)
{
    const char *after = http_query(req, "after");
    uint64_t epoch;
    lp_seq second;

    if (!after || tail_form_parse_id(lp_span_str(after), &epoch, &second))
        return true;
    api_query_refuse(req, "after", lp_span_str(after),
                     "the id of an event, EPOCH:SECOND");
    return false;
}

/* Where a viewer was: EPOCH:SECOND, in a header or, as a page can't set any, in
 * the query. */
static void resume(http_request *req, channel_view *v)
{
    const char *place = http_header(req, "Last-Event-ID");
    int64_t now_s = wall_clock_ns() / 1000000000;
    uint64_t epoch;
    lp_seq second;

    if (!place)
        place = http_query(req, "after");
    if (!place || !tail_form_parse_id(lp_span_str(place), &epoch, &second) ||
        epoch != v->epoch || (int64_t)second > now_s ||
        (int64_t)second < now_s - RESUME_MAX_S)
        return;
    v->next_s = (int64_t)second + 1;
    v->is_resuming = true;
}

static void get_stream(http_request *req)
{
    static const api_view_kind kind = {make, destroy};
    static const char *const known[] = {"after", NULL};
    const catalog_channel *channel;
    aggregator *who;
    channel_view *v;

    if (!api_wants_events(req))
        return;
    who = api_readable_aggregator(req, &channel);
    if (!who || !api_query_knows(req, known) || !is_after_right(req))
        return;
    v = calloc(1, sizeof(*v));
    if (!v) {
        api_refuse_memory(req);
        return;
    }
    v->view.kind = &kind;
    v->who = aggregator_ref(who);
    aggregator_view(who);
    v->cfg = http_worker(req)->shared->cfg;
    v->epoch = lp_channel_epoch(channel->ring);
    v->id_bytes = channel->id.len_bytes;
    memcpy(v->id, channel->id.ptr, v->id_bytes);
    resume(req, v);
    api_view_start(req, &v->view);
}

const http_route api_aggregate_stream_routes[] = {
    {"GET", "/v3/channels/:id/aggregates/stream", HTTP_API_V3 | HTTP_STREAMS,
     HTTP_AUTH_READER, get_stream, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
