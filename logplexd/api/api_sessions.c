/* api_sessions.c - log sessions: made with a credential, and read by whoever
 * knows their URL. */
#include "api/api_channel.h"
#include "api/api_tail.h"
#include "api/api_write.h"
#include "tail/tail_form.h"

enum { BODY_MAX_BYTES = 1024 * 1024, LINES_DEFAULT = 100 };

/* What is asked for ------------------------------------------------------- */

// A number, also as the string that the original insists on.
static bool read_num(const json_t *num, uint64_t *lines)
{
    *lines = LINES_DEFAULT;
    if (!num)
        return true;
    if (json_is_integer(num) && json_integer_value(num) >= 0) {
        *lines = (uint64_t)json_integer_value(num);
        return true;
    }
    return api_parse_count(api_json_span(num), lines);
}

// true, 1, "true", "1" and their opposites; null is none.
static bool read_tail(const json_t *tail, bool *is_tail)
{
    lp_span text = api_json_span(tail);

    *is_tail = json_is_true(tail) || json_integer_value(tail) == 1 ||
               lp_span_equal(text, LP_SPAN("true")) ||
               lp_span_equal(text, LP_SPAN("1"));
    return *is_tail || !tail || json_is_null(tail) || json_is_false(tail) ||
           (json_is_integer(tail) && json_integer_value(tail) == 0) ||
           lp_span_equal(text, LP_SPAN("false")) ||
           lp_span_equal(text, LP_SPAN("0"));
}

static bool read_filter(const json_t *filter, char out[], size_t room_bytes)
{
    lp_span text = api_json_span(filter);

    if ((filter && !json_is_string(filter) && !json_is_null(filter)) ||
        text.len_bytes >= room_bytes)
        return false;
    memcpy(out, text.ptr, text.len_bytes);
    out[text.len_bytes] = '\0';
    return true;
}

// What is wrong with the body, or NULL.
static const char *read_session(const json_t *body, catalog_session *session)
{
    const json_t *id = json_object_get(body, "channel_id");

    if (!json_is_string(id) || json_string_length(id) == 0 ||
        !read_filter(id, session->channel_id, sizeof(session->channel_id)))
        return "\"channel_id\" has to be a string: the id of a channel";
    if (!read_num(json_object_get(body, "num"), &session->num_lines))
        return "\"num\" has to be a number of lines, such as 100";
    if (!read_tail(json_object_get(body, "tail"), &session->is_tail))
        return "\"tail\" has to be true or false";
    if (!read_filter(json_object_get(body, "source"), session->source,
                     sizeof(session->source)))
        return "\"source\" has to be a string of at most 256 bytes";
    if (!read_filter(json_object_get(body, "ps"), session->ps,
                     sizeof(session->ps)))
        return "\"ps\" has to be a string of at most 256 bytes";
    return NULL;
}

/* Making one -------------------------------------------------------------- */

// What the three APIs do differently.
typedef struct session_style {
    json_t *(*read_body)(http_request *req, api_refuse refuse);
    void (*reply)(api_write *write);
    int no_channel_status;
    const char *no_channel;
} session_style;

static void reply_v3(api_write *write)
{
    const char *url = api_session_url(write->req, &write->session, "");

    http_set_header(write->req, "Location", url);
    http_reply_json(write->req, 201, json_pack("{ss}", "url", url));
}

static void reply_v2(api_write *write)
{
    const char *url = api_session_url(write->req, &write->session, "");

    http_reply_json(write->req, 201, json_pack("{ss}", "url", url));
}

static void reply_v1(api_write *write)
{
    const char *url = api_session_url(write->req, &write->session, "");

    http_reply(write->req, 201, "text/html", lp_span_str(url));
}

static void reply_canary(api_write *write)
{
    char url[64];

    snprintf(url, sizeof(url), "/v2/canary-fetch/%s", write->session.id);
    http_reply_json(write->req, 201, json_pack("{ss}", "url", url));
}

static const session_style styles[] = {
    {api_json_body, reply_v3, 422, "channel not found"},
    {api_json_untyped, reply_v2, 404, "Not Found"},
    {api_json_untyped, reply_v1, 404, "Not Found"},
    {api_json_untyped, reply_canary, 404, "Not Found"},
};

typedef enum style { STYLE_V3, STYLE_V2, STYLE_V1, STYLE_CANARY } style;

static void refuse_session(const api_write *write)
{
    const session_style *how = &styles[write->variant];

    http_reply_error(write->req, how->no_channel_status, "%s", how->no_channel);
}

static void add_session_done(api_write *write)
{
    if (write->err == CATALOG_NOT_FOUND)
        refuse_session(write);
    else if (!api_write_failed(write))
        styles[write->variant].reply(write);
}

static void post_session(http_request *req, style which)
{
    json_t *body = styles[which].read_body(req, http_reply_error);
    api_write *write = body ? api_write_new(req, http_reply_error) : NULL;
    const char *why = write ? read_session(body, &write->session) : NULL;

    json_decref(body);
    if (!write)
        return;
    if (why) {
        http_reply_error(req, 400, "%s", why);
        return;
    }
    write->variant = which;
    if (!api_find_channel(req, lp_span_str(write->session.channel_id))) {
        refuse_session(write);
        return;
    }
    if (which == STYLE_V3 && api_write_tail_refused(write))
        return; // the legacy API never refused, and the tail says why it ends
    api_write_about(write, "channel", lp_span_str(write->session.channel_id));
    api_write_start(write, api_write_session, add_session_done);
}

static void post_v3(http_request *req)
{
    if (api_wants_json(req))
        post_session(req, STYLE_V3);
}

static void post_v2(http_request *req)
{
    post_session(req, STYLE_V2);
}

static void post_v1(http_request *req)
{
    post_session(req, STYLE_V1);
}

static void post_canary(http_request *req)
{
    post_session(req, STYLE_CANARY);
}

/* Reading one ------------------------------------------------------------- */

static bool wants_events(const http_request *req)
{
    const char *accept = http_header(req, "Accept");

    return accept && strstr(accept, "text/event-stream") != NULL;
}

static void read_out(http_request *req, bool may_tail)
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
    want.source = lp_span_str(session.source);
    want.ps = lp_span_str(session.ps);
    want.num_lines = api_lines(req, session.num_lines);
    want.is_tail = session.is_tail && may_tail;
    want.form = wants_events(req) ? &tail_form_events : &tail_form_text;
    api_tail_of(req, channel, &want);
    tail_start(req, &want);
}

static void get_session(http_request *req)
{
    read_out(req, true);
}

// A canary looks whether lines get through, and goes.
static void get_canary(http_request *req)
{
    http_keep_open(req);
    read_out(req, false);
}

const http_route api_sessions_routes[] = {
    {"POST", "/v3/sessions", HTTP_API_V3, HTTP_AUTH_FULL_API, post_v3,
     BODY_MAX_BYTES, NULL},
    {"POST", "/v3/sessions/:any", HTTP_API_V3, HTTP_AUTH_FULL_API, post_v3,
     BODY_MAX_BYTES, NULL},
    {"POST", "/v2/sessions", HTTP_API_LEGACY, HTTP_AUTH_LEGACY, post_v2,
     BODY_MAX_BYTES, NULL},
    {"POST", "/sessions", HTTP_API_LEGACY, HTTP_AUTH_LEGACY, post_v1,
     BODY_MAX_BYTES, NULL},
    {"POST", "/v2/canary-sessions", HTTP_API_LEGACY | HTTP_READS,
     HTTP_AUTH_LEGACY, post_canary, BODY_MAX_BYTES, NULL},
    {"GET", "/sessions/:id", HTTP_API_LEGACY | HTTP_STREAMS, HTTP_AUTH_NONE,
     get_session, 0, NULL},
    {"GET", "/v2/canary-fetch/:id", HTTP_API_LEGACY | HTTP_STREAMS,
     HTTP_AUTH_NONE, get_canary, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
