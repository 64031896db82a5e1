/* api_v3.c - channels, their tokens and recent lines, in the v3 API. */
#include <stdlib.h>
#include <string.h>

#include "api/api_channel.h"
#include "api/api_write.h"
#include "logplex/timestamp.h"
#include "tail/channel_logs.h"

enum {
    BODY_MAX_BYTES = 1024 * 1024,
    LINES_DEFAULT = 100,
    OVERLAP_S = 24 * 3600,
    OVERLAP_MAX_S = 30 * 24 * 3600
};

/* Answering --------------------------------------------------------------- */

// Written by hand, because two tokens of one name are two equal keys.
static void reply_channel(http_request *req, int status,
                          const catalog_channel *channel)
{
    api_page page;

    if (!api_page_open(req, &page))
        return;
    fputs("{\"channel\":", page.to);
    api_print_json_string(page.to, channel->id);
    if (catalog_count_tokens(channel) > 0) {
        fputs(",\"tokens\":", page.to);
        api_print_tokens(page.to, channel);
    }
    if (catalog_count_drains(channel) > 0) {
        fputs(",\"drains\":", page.to);
        api_print_drains(page.to, channel);
    }
    fputc('}', page.to);
    api_page_reply(req, &page, status, "application/json");
}

static json_t *read_body(http_request *req)
{
    return api_wants_json(req) ? api_json_body(req, http_reply_error) : NULL;
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
    channel = api_find_channel(write->req, write->channel_id);
    if (channel)
        reply_channel(write->req, write->is_new ? 201 : 200, channel);
    else // somebody was quick to delete it
        api_refuse_channel(write->req, write->channel_id);
}

// {} deletes all tokens, as it always did; {"token":[...]} shall not.
static bool means_tokens(http_request *req, const json_t *body)
{
    static const char *const known[] = {"tokens", NULL};

    return json_object_get(body, "tokens") || api_knows_all(req, body, known);
}

static void put_channel(http_request *req)
{
    json_t *body = read_body(req);
    const json_t *tokens = json_object_get(body, "tokens");
    api_write *write = NULL;

    if (tokens && !json_is_array(tokens))
        http_reply_error(req, 400,
                         "\"tokens\" has to be a list of names, "
                         "such as [\"app\",\"heroku\"]");
    else if (body && means_tokens(req, body))
        write = api_write_to_channel(req, http_reply_error, "channel");
    if (write && api_write_names(write, tokens))
        api_write_start(write, put_channel_work, put_channel_done);
    json_decref(body);
}

static void get_channel(http_request *req)
{
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));

    if (!api_wants_json(req))
        return;
    if (channel)
        reply_channel(req, 200, channel);
    else
        api_refuse_channel(req, http_param(req, 0));
}

static void delete_channel(http_request *req)
{
    api_write *write = api_write_to_channel(req, http_reply_error, "channel");

    if (write)
        api_write_start(write, api_write_delete_channel, api_write_deleted);
}

/* Tokens ------------------------------------------------------------------ */

static json_t *json_of_token(const catalog_token *token)
{
    json_t *json =
        json_pack("{ss%,ss%}", "name", token->name.ptr, token->name.len_bytes,
                  "token", token->id.ptr, token->id.len_bytes);
    char until[LP_TIMESTAMP_MAX_BYTES];

    if (token->expires_ns != 0) {
        api_print_time(token->expires_ns, until);
        json_object_set_new(json, "expires_at", json_string(until));
    }
    return json;
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

    if (body)
        api_write_start_token(req, json_object_get(body, "name"),
                              add_token_done);
    json_decref(body);
}

static void delete_token_work(api_write *write)
{
    write->err =
        catalog_delete_token(write->cat, write->channel_id, write->token_id);
}

// To a token of the path; NULL: answered.
static api_write *write_to_token(http_request *req)
{
    api_write *write =
        api_write_to_channel(req, http_reply_error, "such token in channel");

    if (write)
        write->token_id = http_param(req, 1);
    return write;
}

static void delete_token(http_request *req)
{
    api_write *write = write_to_token(req);

    if (write)
        api_write_start(write, delete_token_work, api_write_deleted);
}

// What is over is gone, though it may take a moment to go.
static json_t *json_of_tokens(const catalog_channel *channel, int64_t now_ns)
{
    json_t *list = json_array();

    for (size_t i = 0; i < channel->token_count; i++)
        if (!catalog_token_is_over(channel->tokens[i], now_ns))
            json_array_append_new(list, json_of_token(channel->tokens[i]));
    return list;
}

static void get_tokens(http_request *req)
{
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));

    if (!api_wants_json(req))
        return;
    if (channel)
        http_reply_json(req, 200,
                        json_of_tokens(channel, worker_now(http_worker(req))));
    else
        api_refuse_channel(req, http_param(req, 0));
}

/* Rotating ---------------------------------------------------------------- */

static void rotate_work(api_write *write)
{
    write->err =
        catalog_rotate_token(write->cat, write->channel_id, write->token_id,
                             write->now_ns, write->overlap_ns, write->new_id);
}

static void rotate_done(api_write *write)
{
    char until[LP_TIMESTAMP_MAX_BYTES];
    json_t *json;

    if (write->err == CATALOG_EXISTS) {
        http_reply_error(write->req, 409,
                         "this token is being replaced already; GET the tokens "
                         "of the channel for when it ends");
        return;
    }
    if (write->err == CATALOG_TOO_MANY) {
        http_reply_error(write->req, 422,
                         "the channel has as many tokens as it may have "
                         "(--tokens-max)");
        return;
    }
    if (api_write_failed(write))
        return;
    api_print_time(write->now_ns + write->overlap_ns, until);
    json = json_pack("{ss,ss%,ss}", "token", write->new_id, "replaces",
                     write->token_id.ptr, write->token_id.len_bytes,
                     "expires_at", until);
    http_reply_json(write->req, 200, json);
}

// Seconds that the old token goes on working; false: answered.
static bool read_overlap(http_request *req, const json_t *body,
                         int64_t *overlap_ns)
{
    static const char *const known[] = {"overlap_s", NULL};
    const json_t *overlap = json_object_get(body, "overlap_s");
    json_int_t seconds = overlap ? json_integer_value(overlap) : OVERLAP_S;

    if (!api_knows_all(req, body, known))
        return false;
    if ((overlap && !json_is_integer(overlap)) || seconds < 0 ||
        seconds > OVERLAP_MAX_S) {
        http_reply_error(req, 400,
                         "\"overlap_s\" has to be a number of seconds from 0 "
                         "to %d, such as %d",
                         OVERLAP_MAX_S, OVERLAP_S);
        return false;
    }
    *overlap_ns = (int64_t)seconds * 1000000000;
    return true;
}

static void rotate_token(http_request *req)
{
    json_t *body = NULL;
    api_write *write;

    if (!api_wants_json(req))
        return;
    body = http_body(req).len_bytes > 0 ? api_json_body(req, http_reply_error)
                                        : json_object();
    write = body ? write_to_token(req) : NULL;
    if (write && read_overlap(req, body, &write->overlap_ns))
        api_write_start(write, rotate_work, rotate_done);
    json_decref(body);
}

/* Flags ------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t flag;
} flags[] = {{"no_redis", CATALOG_NO_HISTORY}, {"no_tail", CATALOG_NO_TAIL}};

enum { FLAGS = sizeof(flags) / sizeof(flags[0]) };

static void reply_flags(http_request *req, const catalog_channel *channel)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < FLAGS; i++)
        if (channel->flags & flags[i].flag)
            json_array_append_new(list, json_string(flags[i].name));
    http_reply_json(req, 200,
                    json_pack("{ss%,so}", "channel", channel->id.ptr,
                              channel->id.len_bytes, "flags", list));
}

static void get_flags(http_request *req)
{
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));

    if (!api_wants_json(req))
        return;
    if (channel)
        reply_flags(req, channel);
    else
        api_refuse_channel(req, http_param(req, 0));
}

// 0: there is no flag of this name.
static uint32_t flag_of(const json_t *name)
{
    for (unsigned i = 0; i < FLAGS; i++)
        if (lp_span_equal(api_json_span(name), lp_span_str(flags[i].name)))
            return flags[i].flag;
    return 0;
}

static bool read_flags(http_request *req, const json_t *body, uint32_t *out)
{
    const json_t *list = json_object_get(body, "flags");
    bool is_good = json_is_array(list);

    *out = 0;
    for (size_t i = 0; is_good && i < json_array_size(list); i++) {
        uint32_t flag = flag_of(json_array_get(list, i));

        is_good = flag != 0;
        *out |= flag;
    }
    if (!is_good)
        http_reply_error(req, 400,
                         "\"flags\" has to be a list of \"no_tail\" and "
                         "\"no_redis\", or an empty one");
    return is_good;
}

static void flags_work(api_write *write)
{
    write->err = catalog_set_flags(write->cat, write->channel_id, write->flags);
}

static void flags_done(api_write *write)
{
    const catalog_channel *channel;

    if (api_write_failed(write))
        return;
    channel = api_find_channel(write->req, write->channel_id);
    if (channel)
        reply_flags(write->req, channel);
    else // somebody was quick to delete it
        api_refuse_channel(write->req, write->channel_id);
}

static void put_flags(http_request *req)
{
    json_t *body = read_body(req);
    api_write *write =
        body ? api_write_to_channel(req, http_reply_error, "channel") : NULL;

    if (write && read_flags(req, body, &write->flags))
        api_write_start(write, flags_work, flags_done);
    json_decref(body);
}

/* Recent lines ------------------------------------------------------------ */

static void get_logs(http_request *req)
{
    const char *num = http_query(req, "num");
    const catalog_channel *channel = api_find_channel(req, http_param(req, 0));
    uint64_t lines;

    if (!api_accepts(req, "application/logplex-1"))
        http_reply_error(req, 406,
                         "the answer is application/logplex-1, "
                         "which the Accept header leaves out");
    else if (!channel)
        api_refuse_channel(req, http_param(req, 0));
    else {
        if (!num || !api_parse_count(lp_span_str(num), &lines))
            lines = LINES_DEFAULT;
        lines = channel->flags & CATALOG_NO_HISTORY ? 0 : api_lines(req, lines);
        channel_logs_start(req, channel->ring, lines);
    }
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
    {"GET", "/v3/channels/:id/tokens", HTTP_API_V3, HTTP_AUTH_FULL_API,
     get_tokens, 0, NULL},
    {"DELETE", "/v3/channels/:id/tokens/:token", HTTP_API_V3,
     HTTP_AUTH_FULL_API, delete_token, 4096, NULL},
    {"POST", "/v3/channels/:id/tokens/:token/rotate", HTTP_API_V3,
     HTTP_AUTH_FULL_API, rotate_token, BODY_MAX_BYTES, NULL},
    {"GET", "/v3/channels/:id/flags", HTTP_API_V3, HTTP_AUTH_FULL_API,
     get_flags, 0, NULL},
    {"PUT", "/v3/channels/:id/flags", HTTP_API_V3, HTTP_AUTH_FULL_API,
     put_flags, BODY_MAX_BYTES, NULL},
    {"GET", "/v3/channels/:id/logs", HTTP_API_V3 | HTTP_STREAMS,
     HTTP_AUTH_FULL_API, get_logs, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
