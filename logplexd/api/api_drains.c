/* api_drains.c - the drains of a channel, in the v3 API. */
#include <inttypes.h>
#include <string.h>

#include "api/api_channel.h"
#include "api/api_drain_status.h"
#include "api/api_drain_url.h"
#include "api/api_write.h"
#include "config/config_value.h"
#include "tail/tail_form.h"

enum { BODY_MAX_BYTES = 64 * 1024 };

#define SINCE_MAX_MS UINT64_C(0xffffffffff) /* 34 years */

/* Answering --------------------------------------------------------------- */

static void reply_no_drain(http_request *req)
{
    lp_span id = http_param(req, 1);

    http_reply_error(req, 404, "the channel has no drain \"%.*s\"",
                     (int)(id.len_bytes < 64 ? id.len_bytes : 64), id.ptr);
}

/* Without the brace at its end. doubt is a warning of its own, or NULL. */
static void print_drain(FILE *to, const http_request *req, uint64_t id,
                        lp_span token, lp_span url, const char *doubt)
{
    api_print_drain_head(to, id, token, url);
    api_print_drain_doubts(to, http_worker(req)->shared->cfg, url, doubt);
}

static void reply_status(http_request *req, const catalog_drain *drain)
{
    api_page page;

    if (!api_page_open(req, &page))
        return;
    print_drain(page.to, req, drain->id, drain->token, drain->url, NULL);
    if (drain->url.len_bytes > 0)
        api_print_drain_status(page.to, http_worker(req)->shared, drain->id);
    fputc('}', page.to);
    api_page_reply(req, &page, 200, "application/json");
}

static void reply_made(const api_write *write, int status, const char *doubt)
{
    api_page page;

    if (!api_page_open(write->req, &page))
        return;
    print_drain(page.to, write->req, write->drain.id,
                lp_span_str(write->drain.token), write->url, doubt);
    fputc('}', page.to);
    api_page_reply(write->req, &page, status, "application/json");
}

static void refuse_another(http_request *req)
{
    http_reply_error(req, 422,
                     "maximum number of drains reached: %u, by --drains-max",
                     http_worker(req)->shared->cfg->drains_max);
}

/* In the words of the original, mostly; false: there was nothing to say. */
static bool refused(const api_write *write)
{
    if (write->err == CATALOG_EXISTS)
        http_reply_error(write->req, 409, "already exists");
    else if (write->err == CATALOG_TOO_MANY && write->url.len_bytes > 0)
        refuse_another(write->req);
    else if (write->err == CATALOG_TOO_MANY)
        http_reply_error(write->req, 422,
                         "maximum number of drains reached: %d that are only "
                         "reserved",
                         CATALOG_RESERVED_MAX);
    else
        return api_write_failed(write);
    return true;
}

/* Reading ----------------------------------------------------------------- */

static void get_drains(http_request *req)
{
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));
    api_page page;

    if (!api_wants_json(req))
        return;
    if (!channel) {
        api_refuse_channel(req, http_param(req, 0));
        return;
    }
    if (!api_page_open(req, &page))
        return;
    fputc('[', page.to);
    for (size_t i = 0; i < channel->drain_count; i++) {
        const catalog_drain *drain = &channel->drains[i];

        if (i > 0)
            fputc(',', page.to);
        print_drain(page.to, req, drain->id, drain->token, drain->url, NULL);
        fputc('}', page.to);
    }
    fputc(']', page.to);
    api_page_reply(req, &page, 200, "application/json");
}

/* NULL: answered. */
static const catalog_drain *drain_of_path(http_request *req)
{
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));
    const catalog_drain *drain = NULL;
    uint64_t id;

    if (api_parse_count(http_param(req, 1), &id))
        drain = api_find_drain(channel, id);
    if (!channel)
        api_refuse_channel(req, http_param(req, 0));
    else if (!drain)
        reply_no_drain(req);
    return drain;
}

static void get_drain(http_request *req)
{
    const catalog_drain *drain =
        api_wants_json(req) ? drain_of_path(req) : NULL;

    if (drain)
        reply_status(req, drain);
}

/* Writing ----------------------------------------------------------------- */

// To a drain of the path; NULL: answered.
static api_write *write_to_drain(http_request *req)
{
    api_write *write;
    uint64_t id;

    if (!api_find_channel(req, http_param(req, 0))) {
        api_refuse_channel(req, http_param(req, 0));
        return NULL;
    }
    if (!api_parse_count(http_param(req, 1), &id)) {
        reply_no_drain(req);
        return NULL;
    }
    write = api_write_to_channel(req, http_reply_error, "channel");
    if (write) {
        write->drain_id = id;
        api_write_about(write, "drain", http_param(req, 1));
    }
    return write;
}

static void add_done(api_write *write)
{
    char path[64];

    if (refused(write))
        return;
    snprintf(path, sizeof(path), "/drains/%" PRIu64, write->drain.id);
    http_set_header(write->req, "Location",
                    api_channel_url(write->req, write->channel_id, path));
    reply_made(write, 201, write->more);
}

// A reserved drain has no place of its own while the channel is full.
static bool has_room(http_request *req)
{
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));
    uint32_t most = http_worker(req)->shared->cfg->drains_max;

    return !channel || catalog_count_drains(channel) < most;
}

static bool read_url(http_request *req, const json_t *body, lp_span *url)
{
    lp_drain_url_error error;

    if (api_read_drain_url(req, body, url, &error))
        return true;
    http_reply_error(req, 400, "%s", error.sentence);
    return false;
}

/* "10m", "2026-11-21T00:00:00Z", or the id of an event. */
static bool parse_since(lp_span text, int64_t now_ns, catalog_drain_start *out)
{
    char copy[LP_TIMESTAMP_MAX_BYTES + 64];
    uint64_t ms;
    int64_t time_ns;

    if (text.len_bytes == 0 || text.len_bytes >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len_bytes);
    copy[text.len_bytes] = '\0';
    out->kind = LP_START_TIME;
    if (!value_duration(copy, &ms) && ms <= SINCE_MAX_MS) {
        out->arg = (uint64_t)(now_ns - (int64_t)ms * 1000000);
        return true;
    }
    if (lp_timestamp_parse(text, &time_ns, NULL) == LP_OK) {
        out->arg = (uint64_t)time_ns;
        return true;
    }
    out->kind = LP_START_SEQ;
    return tail_form_parse_id(text, &out->epoch, &out->arg);
}

/* For the answer, if there is memory. */
static void note_doubt(api_write *write, const char *doubt)
{
    write->more =
        (void *)(uintptr_t)api_copy(write->req, lp_span_str(doubt)).ptr;
}

/* From the line that was seen to the next one. One that is yet to come was seen
 * by nobody. False: refused. */
static bool go_past_seen(api_write *write)
{
    const catalog_channel *channel =
        api_find_channel(write->req, http_param(write->req, 0));
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    uint64_t seen = write->start.arg;
    char doubt[256];

    write->start.arg += seen < UINT64_MAX;
    if (!channel)
        return true; // the write will say so
    lp_channel_stats_get(channel->ring, &stats);
    if (write->start.epoch != stats.epoch) {
        snprintf(doubt, sizeof(doubt),
                 "\"since\" is a line of epoch %" PRIu64
                 ", and the channel's is another one now, as the daemon was "
                 "restarted or the channel made anew: the drain begins with "
                 "all that the ring has",
                 write->start.epoch);
        note_doubt(write, doubt);
    } else if (seen >= stats.next_seq) {
        http_reply_error(write->req, 422,
                         "\"since\" is line %" PRIu64 " of the channel, which "
                         "is yet to come: its next line is %" PRIu64
                         ", so that \"%" PRIu64 ":%" PRIu64
                         "\" is the last that can have been seen",
                         seen, stats.next_seq, stats.epoch, stats.next_seq - 1);
        return false;
    }
    return true;
}

/* A time that is yet to come leaves no line out that comes before it: clocks
 * differ, and nobody would look for the reason there. */
static void begin_by_now(api_write *write, int64_t now_ns)
{
    if ((int64_t)write->start.arg <= now_ns)
        return;
    write->has_start = false;
    note_doubt(write, "\"since\" is yet to come, by the clock here: the drain "
                      "begins with what arrives from now on");
}

static bool read_since(http_request *req, const json_t *body, api_write *write)
{
    const json_t *since = json_object_get(body, "since");
    int64_t now_ns = worker_now(http_worker(req));

    if (!since || json_is_null(since))
        return true;
    write->has_start = parse_since(api_json_span(since), now_ns, &write->start);
    if (!write->has_start) {
        http_reply_error(req, 400,
                         "\"since\" has to be how long ago, such as \"10m\", a "
                         "time from 1678 to 2262, such as "
                         "\"2026-11-21T00:00:00Z\", or the id of an event of a "
                         "session");
        return false;
    }
    if (write->start.kind == LP_START_SEQ)
        return go_past_seen(write);
    begin_by_now(write, now_ns);
    return true;
}

/* What may stand beside a URL. */
static const char *const known_new[] = {"url",      "since",   "filter", "rate",
                                        "encoding", "refused", NULL};
static const char *const known_change[] = {"url",      "filter",  "rate",
                                           "encoding", "refused", NULL};

/* A drain whose filter has a misspelt name would send everything. Without a URL
 * it is reserved, whatever else is said, as the original's. NULL: refused. */
static json_t *drain_body(http_request *req, const char *const *known)
{
    json_t *body =
        api_wants_json(req) ? api_json_body(req, http_reply_error) : NULL;

    if (!body || !json_object_get(body, "url") ||
        api_knows_all(req, body, known))
        return body;
    json_decref(body);
    return NULL;
}

/* The one exception: an original would not have it, and it is not stored. */
static bool has_vain_since(http_request *req, const json_t *body)
{
    const json_t *since = json_object_get(body, "since");

    if (!since || json_is_null(since))
        return false;
    http_reply_error(req, 400,
                     "\"since\" does nothing without a \"url\": a drain that "
                     "is reserved begins when it gets its URL");
    return true;
}

static bool reserve(http_request *req, const json_t *body)
{
    if (has_vain_since(req, body))
        return false;
    if (has_room(req))
        return true;
    refuse_another(req);
    return false;
}

static void post_drain(http_request *req)
{
    json_t *body = drain_body(req, known_new);
    api_write *write =
        body ? api_write_to_channel(req, http_reply_error, "channel") : NULL;
    bool is_reserved =
        body && !json_object_get(body, "url") && !api_drain_option(body);

    if (write && (is_reserved ? reserve(req, body)
                              : read_url(req, body, &write->url) &&
                                    read_since(req, body, write)))
        api_write_start(write, api_write_add_drain, add_done);
    json_decref(body);
}

static void set_done(api_write *write)
{
    api_release_drain(write);
    if (!refused(write))
        reply_made(write, 200, NULL);
}

static void put_drain(http_request *req)
{
    json_t *body = drain_body(req, known_change);
    api_write *write = body ? write_to_drain(req) : NULL;

    if (write && read_url(req, body, &write->url))
        api_write_start(write, api_write_set_drain, set_done);
    json_decref(body);
}

static void delete_drain(http_request *req)
{
    api_write *write = write_to_drain(req);

    if (write)
        api_write_start(write, api_write_delete_drain, api_write_deleted);
}

/* Nothing is written, so nothing waits: it is a word to the drain's worker. */
static void retry_drain(http_request *req)
{
    const catalog_drain *drain = drain_of_path(req);

    if (!drain)
        return;
    runner_retry(http_worker(req)->shared, drain->id);
    http_reply(req, 204, NULL, LP_SPAN(""));
}

const http_route api_drains_routes[] = {
    {"POST", "/v3/channels/:id/drains", HTTP_API_V3, HTTP_AUTH_FULL_API,
     post_drain, BODY_MAX_BYTES, NULL},
    {"GET", "/v3/channels/:id/drains", HTTP_API_V3, HTTP_AUTH_FULL_API,
     get_drains, 0, NULL},
    {"GET", "/v3/channels/:id/drains/:drain", HTTP_API_V3, HTTP_AUTH_FULL_API,
     get_drain, 0, NULL},
    {"PUT", "/v3/channels/:id/drains/:drain", HTTP_API_V3, HTTP_AUTH_FULL_API,
     put_drain, BODY_MAX_BYTES, NULL},
    {"POST", "/v3/channels/:id/drains/:drain/retry", HTTP_API_V3,
     HTTP_AUTH_FULL_API, retry_drain, 4096, NULL},
    {"DELETE", "/v3/channels/:id/drains/:drain", HTTP_API_V3,
     HTTP_AUTH_FULL_API, delete_drain, 4096, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
