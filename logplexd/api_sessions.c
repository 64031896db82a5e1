/* api_sessions.c - reading a log session: whoever knows its URL may. */
#include "api.h"
#include "tail.h"

static bool wants_events(const http_request *req)
{
    const char *accept = http_header(req, "Accept");

    return accept && strstr(accept, "text/event-stream") != NULL;
}

// Where an EventSource was when it lost us; a page may say so in the URL, since
// it can't set headers.
static lp_span last_event_id(http_request *req)
{
    const char *id = http_header(req, "Last-Event-ID");

    if (!id)
        id = http_query(req, "last_event_id");
    return lp_span_str(id ? id : "");
}

// Why nobody may follow it, or NULL.
static const char *forbids_tails(const catalog_channel *channel,
                                 const switches *s)
{
    if (channel->flags & CATALOG_NO_TAIL)
        return "Tail sessions for this app are forbidden due to log volume";
    return switch_is_on(s, SWITCH_TAILS)
               ? NULL
               : "Tail sessions are switched off for now";
}

// Nobody is told that there is a history where none is kept.
static void set_history(http_request *req, const catalog_channel *channel,
                        tail_request *want)
{
    const switches *s = &http_worker(req)->shared->switches;
    bool is_kept = !(channel->flags & CATALOG_NO_HISTORY);

    want->since_ns = switches_history_since(s);
    if (!is_kept)
        want->num_lines = 0;
    if (!is_kept || !switch_is_on(s, SWITCH_HISTORY))
        http_set_header(
            req, "X-Heroku-Warning",
            "Warning: log history discarded due to excessive volume.");
}

static void get_session(http_request *req)
{
    worker *w = http_worker(req);
    const catalog_channel *channel = NULL;
    catalog_session session;
    tail_request want = {0};

    if (catalog_get_session(w->shared->cat, http_param(req, 0), worker_now(w),
                            &session))
        channel = catalog_find_channel(catalog_reader_view(&w->reader),
                                       lp_span_str(session.channel_id));
    if (!channel) {
        http_reply(req, 404, "text/plain", LP_SPAN("Not found"));
        return;
    }
    want.ring = channel->ring;
    want.source = lp_span_str(session.source);
    want.ps = lp_span_str(session.ps);
    want.num_lines = session.num_lines;
    want.is_tail = session.is_tail;
    want.forbidden = forbids_tails(channel, &w->shared->switches);
    want.is_sse = wants_events(req);
    want.last_event_id = last_event_id(req);
    set_history(req, channel, &want);
    tail_start(req, &want);
}

const http_route api_sessions_routes[] = {
    {"GET", "/sessions/:id", HTTP_API_LEGACY, HTTP_AUTH_NONE, get_session, 0,
     NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
