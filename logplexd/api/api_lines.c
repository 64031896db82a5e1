/* api_lines.c - reading the lines of a channel as data. */
#include "api/api_channel.h"
#include "api/api_query.h"
#include "api/api_tail.h"
#include "tail/tail_form.h"

enum { TAIL_LINES = 200 };
#define TAIL_LINES_MAX UINT64_C(1000000)

/* Following --------------------------------------------------------------- */

static void get_tail(http_request *req)
{
    static const char *const known[] = {"num", "where", "last_event_id", NULL};
    const catalog_channel *channel;
    tail_request want = {
        .num_lines = TAIL_LINES, .is_tail = true, .form = &tail_form_batches};

    if (!api_accepts(req, "text/event-stream")) {
        http_reply_error(req, 406,
                         "the answer is text/event-stream, which the Accept "
                         "header leaves out");
        return;
    }
    channel = api_readable_channel(req);
    if (!channel || !api_query_knows(req, known) ||
        !api_query_number(req, "num", 0, TAIL_LINES_MAX, &want.num_lines) ||
        !api_query_filter(req, "where", &want.where))
        return;
    api_tail_of(req, channel, &want);
    tail_start(req, &want);
}

const http_route api_lines_routes[] = {
    {"GET", "/v3/channels/:id/tail", HTTP_API_V3 | HTTP_STREAMS,
     HTTP_AUTH_READER, get_tail, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
