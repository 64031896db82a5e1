#include "api/api_tail.h"

#include "tail/history.h"

lp_span api_tail_place(http_request *req)
{
    const char *id = http_header(req, "Last-Event-ID");

    if (!id)
        id = http_query(req, "last_event_id");
    return lp_span_str(id ? id : "");
}

lp_seq api_history_floor(http_request *req, const catalog_channel *channel)
{
    history_bounds bounds = history_bounds_of(http_worker(req)->shared);

    bounds.lines_max = 0;
    if (channel->flags & CATALOG_NO_HISTORY)
        return INT64_MAX;
    return history_floor(channel->ring, &bounds);
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

    want->history = history_bounds_of(http_worker(req)->shared);
    if (!is_kept)
        want->num_lines = 0;
    if (!is_kept || !switch_is_on(s, SWITCH_HISTORY))
        http_set_header(
            req, "X-Heroku-Warning",
            "Warning: log history discarded due to excessive volume.");
}

void api_tail_of(http_request *req, const catalog_channel *channel,
                 tail_request *want)
{
    want->ring = channel->ring;
    want->last_event_id = api_tail_place(req);
    want->forbidden =
        forbids_tails(channel, &http_worker(req)->shared->switches);
    set_history(req, channel, want);
}
