/* api_v3.c - channels, their tokens and log sessions, as Heroku's v3 API. */
#include <stdlib.h>
#include <string.h>

#include "api_write.h"
#include "channel_logs.h"

enum { BODY_MAX_BYTES = 1024 * 1024, LINES_DEFAULT = 100 };

/* Answering --------------------------------------------------------------- */

static void print_tokens(FILE *to, const catalog_channel *channel)
{
    if (channel->token_count == 0)
        return;
    fputs(",\"tokens\":{", to);
    for (size_t i = 0; i < channel->token_count; i++) {
        if (i > 0)
            fputc(',', to);
        api_print_json_string(to, channel->tokens[i]->name);
        fputc(':', to);
        api_print_json_string(to, channel->tokens[i]->id);
    }
    fputc('}', to);
}

// Written by hand, because two tokens of one name are two equal keys.
static void reply_channel(http_request *req, int status,
                          const catalog_channel *channel)
{
    api_page page;

    if (!api_page_open(req, &page))
        return;
    fputs("{\"channel\":", page.to);
    api_print_json_string(page.to, channel->id);
    print_tokens(page.to, channel);
    fputc('}', page.to);
    api_page_reply(req, &page, status, "application/json");
}

static const catalog_channel *find_channel(http_request *req, lp_span id)
{
    worker *w = http_worker(req);

    return catalog_find_channel(catalog_reader_view(&w->reader), id);
}

static void reply_no_channel(http_request *req, lp_span id)
{
    http_reply_error(req, 404, "there is no channel \"%.*s\"",
                     (int)(id.len_bytes < 256 ? id.len_bytes : 256), id.ptr);
}

static bool admit(http_request *req)
{
    if (api_accepts(req, "application/json"))
        return true;
    http_reply_error(req, 406,
                     "the answer is application/json, which the "
                     "Accept header leaves out");
    return false;
}

static json_t *read_body(http_request *req)
{
    return admit(req) ? api_json_body(req, http_reply_error) : NULL;
}

/* Channels ---------------------------------------------------------------- */

static void put_channel_work(api_write *write)
{
    write->err =
        catalog_put_channel(write->cat, write->channel_id, write->names,
                            write->name_count, &write->is_new);
}

static void put_channel_done(api_write *write)
{
    const catalog_channel *channel;

    if (api_write_failed(write))
        return;
    channel = find_channel(write->req, write->channel_id);
    if (channel)
        reply_channel(write->req, write->is_new ? 201 : 200, channel);
    else // somebody was quick to delete it
        reply_no_channel(write->req, write->channel_id);
}

// The token names of {"tokens":["app",...]}; false: answered.
static bool read_names(http_request *req, const json_t *body, api_write *write)
{
    const json_t *tokens = json_object_get(body, "tokens");
    size_t count = json_array_size(tokens);
    lp_span *names = http_alloc(req, (count + 1) * sizeof(*names));

    if (tokens && !json_is_array(tokens)) {
        http_reply_error(req, 400,
                         "\"tokens\" has to be a list of names, "
                         "such as [\"app\",\"heroku\"]");
        return false;
    }
    for (size_t i = 0; names && i < count; i++) {
        const json_t *name = json_array_get(tokens, i);

        if (!json_is_string(name)) {
            http_reply_error(req, 400,
                             "\"tokens\"[%zu] has to be a string: a name", i);
            return false;
        }
        names[i] = api_copy(req, api_json_span(name));
        if (!names[i].ptr)
            names = NULL;
    }
    write->names = names;
    write->name_count = count;
    if (!names)
        api_refuse_busy(req, http_reply_error);
    return names != NULL;
}

static void put_channel(http_request *req)
{
    json_t *body = read_body(req);
    api_write *write = body ? api_write_new(req, http_reply_error) : NULL;

    if (write && read_names(req, body, write)) {
        write->channel_id = http_param(req, 0);
        api_write_about(write, "channel", write->channel_id);
        write->work = put_channel_work;
        write->done = put_channel_done;
        api_write_start(write);
    }
    json_decref(body);
}

static void get_channel(http_request *req)
{
    const catalog_channel *channel = find_channel(req, http_param(req, 0));

    if (!admit(req))
        return;
    if (channel)
        reply_channel(req, 200, channel);
    else
        reply_no_channel(req, http_param(req, 0));
}

static void delete_channel_work(api_write *write)
{
    write->err = catalog_delete_channel(write->cat, write->channel_id);
}

static void delete_done(api_write *write)
{
    if (!api_write_failed(write))
        http_reply(write->req, 204, "application/json", LP_SPAN(""));
}

static void delete_channel(http_request *req)
{
    api_write *write = api_write_new(req, http_reply_error);

    if (!write)
        return;
    write->channel_id = http_param(req, 0);
    api_write_about(write, "channel", write->channel_id);
    write->work = delete_channel_work;
    write->done = delete_done;
    api_write_start(write);
}

/* Tokens ------------------------------------------------------------------ */

static void add_token_work(api_write *write)
{
    write->err = catalog_add_token(write->cat, write->channel_id, write->name,
                                   write->new_id);
}

static void add_token_done(api_write *write)
{
    if (api_write_failed(write))
        return;
    http_reply_json(write->req, 200,
                    json_pack("{ss,ss%}", "token", write->new_id, "name",
                              write->name.ptr, write->name.len_bytes));
}

static void post_token(http_request *req)
{
    json_t *body = read_body(req);
    const json_t *name = json_object_get(body, "name");
    api_write *write = NULL;

    if (body && !json_is_string(name))
        http_reply_error(req, 400,
                         "\"name\" has to be a string, such as "
                         "{\"name\":\"app\"}");
    else if (body)
        write = api_write_new(req, http_reply_error);
    if (write) {
        write->channel_id = http_param(req, 0);
        api_write_about(write, "channel", write->channel_id);
        write->name = api_copy(req, api_json_span(name));
        write->work = add_token_work;
        write->done = add_token_done;
        if (write->name.ptr)
            api_write_start(write);
        else
            api_refuse_busy(req, http_reply_error);
    }
    json_decref(body);
}

static void delete_token_work(api_write *write)
{
    write->err =
        catalog_delete_token(write->cat, write->channel_id, write->token_id);
}

static void delete_token(http_request *req)
{
    api_write *write = api_write_new(req, http_reply_error);

    if (!write)
        return;
    write->channel_id = http_param(req, 0);
    write->token_id = http_param(req, 1);
    api_write_about(write, "such token in channel", write->channel_id);
    write->work = delete_token_work;
    write->done = delete_done;
    api_write_start(write);
}

/* Recent lines ------------------------------------------------------------ */

static void get_logs(http_request *req)
{
    const char *num = http_query(req, "num");
    const catalog_channel *channel = find_channel(req, http_param(req, 0));
    uint64_t lines;

    if (!api_accepts(req, "application/logplex-1"))
        http_reply_error(req, 406,
                         "the answer is application/logplex-1, "
                         "which the Accept header leaves out");
    else if (!channel)
        reply_no_channel(req, http_param(req, 0));
    else {
        if (!num || !api_parse_count(lp_span_str(num), &lines))
            lines = LINES_DEFAULT;
        channel_logs_start(req, channel->ring, lines);
    }
}

/* Sessions ---------------------------------------------------------------- */

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

static void add_session_done(api_write *write)
{
    http_request *req = write->req;
    const char *url;

    if (write->err == CATALOG_NOT_FOUND) {
        http_reply_error(req, 422, "channel not found");
        return;
    }
    if (api_write_failed(write))
        return;
    url = api_session_url(req, &write->session, "");
    http_set_header(req, "Location", url);
    http_reply_json(req, 201, json_pack("{ss}", "url", url));
}

static void post_session(http_request *req)
{
    json_t *body = read_body(req);
    api_write *write = body ? api_write_new(req, http_reply_error) : NULL;
    const char *why = write ? read_session(body, &write->session) : NULL;

    json_decref(body);
    if (!write)
        return;
    if (why) {
        http_reply_error(req, 400, "%s", why);
        return;
    }
    if (!find_channel(req, lp_span_str(write->session.channel_id))) {
        http_reply_error(req, 422, "channel not found");
        return;
    }
    if (api_write_tail_refused(write))
        return;
    api_write_about(write, "channel", lp_span_str(write->session.channel_id));
    write->work = api_write_session;
    write->done = add_session_done;
    api_write_start(write);
}

const http_route api_v3_routes[] = {
    {"PUT", "/v3/channels/:id", HTTP_API_V3, HTTP_AUTH_FULL_API, put_channel,
     BODY_MAX_BYTES, NULL},
    {"GET", "/v3/channels/:id", HTTP_API_V3, HTTP_AUTH_FULL_API, get_channel, 0,
     NULL},
    {"DELETE", "/v3/channels/:id", HTTP_API_V3, HTTP_AUTH_FULL_API,
     delete_channel, 4096, NULL},
    {"POST", "/v3/channels/:id/tokens", HTTP_API_V3, HTTP_AUTH_FULL_API,
     post_token, BODY_MAX_BYTES, NULL},
    {"DELETE", "/v3/channels/:id/tokens/:token", HTTP_API_V3,
     HTTP_AUTH_FULL_API, delete_token, 4096, NULL},
    {"GET", "/v3/channels/:id/logs", HTTP_API_V3, HTTP_AUTH_FULL_API, get_logs,
     0, NULL},
    {"POST", "/v3/sessions", HTTP_API_V3, HTTP_AUTH_FULL_API, post_session,
     BODY_MAX_BYTES, NULL},
    {"POST", "/v3/sessions/:any", HTTP_API_V3, HTTP_AUTH_FULL_API, post_session,
     BODY_MAX_BYTES, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
