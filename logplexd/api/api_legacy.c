/* api_legacy.c - channels and their tokens, in the legacy API. */
#include "api/api_legacy.h"

#include <string.h>

/* What is shared ---------------------------------------------------------- */

static bool is_number(lp_span text)
{
    for (size_t i = 0; i < text.len_bytes; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len_bytes > 0;
}

bool api_legacy_has_number(http_request *req)
{
    if (is_number(http_param(req, 0)))
        return true;
    api_legacy_refuse_v1(req);
    return false;
}

const catalog_channel *api_legacy_channel(http_request *req)
{
    lp_span id = http_param(req, 0);

    return is_number(id) ? api_find_channel(req, id) : NULL;
}

void api_legacy_refuse_v1(http_request *req)
{
    http_reply(req, 404, "text/html", LP_SPAN("Not found"));
}

void api_legacy_refuse_v2(http_request *req)
{
    http_reply_error(req, 404, "Not Found");
}

api_write *api_legacy_write(http_request *req)
{
    return api_legacy_has_number(req)
               ? api_write_to_channel(req, http_reply_error, "channel")
               : NULL;
}

/* Printing ---------------------------------------------------------------- */

// A number where it is one to JSON as well, as the original has it.
static void print_id(FILE *to, lp_span id)
{
    uint64_t number;

    if (api_parse_count(id, &number) && (id.ptr[0] != '0' || number == 0))
        fwrite(id.ptr, 1, id.len_bytes, to);
    else
        api_print_json_string(to, id);
}

// An empty list stands for no tokens.
static void print_tokens_v1(FILE *to, const catalog_channel *channel)
{
    if (catalog_count_tokens(channel) > 0)
        api_print_tokens(to, channel);
    else
        fputs("[]", to);
}

static void print_tokens_v2(FILE *to, const catalog_channel *channel)
{
    fputc('[', to);
    for (size_t i = 0; i < channel->token_count; i++) {
        fputs(i > 0 ? ",{\"name\":" : "{\"name\":", to);
        api_print_json_string(to, channel->tokens[i]->name);
        fputs(",\"token\":", to);
        api_print_json_string(to, channel->tokens[i]->id);
        fputc('}', to);
    }
    fputc(']', to);
}

static void print_urls(FILE *to, const catalog_channel *channel)
{
    bool is_first = true;

    fputc('[', to);
    for (size_t i = 0; i < channel->drain_count; i++) {
        if (channel->drains[i].url.len_bytes == 0)
            continue;
        if (!is_first)
            fputc(',', to);
        is_first = false;
        api_print_json_string(to, channel->drains[i].url);
    }
    fputc(']', to);
}

/* Channels ---------------------------------------------------------------- */

typedef void (*print_part)(FILE *to, const catalog_channel *channel);

static void print_channel(FILE *to, const catalog_channel *channel,
                          print_part tokens, print_part drains)
{
    fputs("{\"channel_id\":", to);
    print_id(to, channel->id);
    fputs(",\"tokens\":", to);
    tokens(to, channel);
    if (drains) {
        fputs(",\"drains\":", to);
        drains(to, channel);
    }
    fputc('}', to);
}

static void get_channel_v1(http_request *req)
{
    const catalog_channel *channel = api_legacy_channel(req);
    api_page page;

    if (!channel) {
        api_legacy_refuse_v1(req);
    } else if (api_page_open(req, &page)) {
        print_channel(page.to, channel, print_tokens_v1, print_urls);
        api_page_reply(req, &page, 200, "text/html");
    }
}

static void get_channel_v2(http_request *req)
{
    const catalog_channel *channel;
    api_page page;

    if (!api_legacy_has_number(req))
        return;
    channel = api_legacy_channel(req);
    if (!channel) {
        api_legacy_refuse_v2(req);
    } else if (api_page_open(req, &page)) {
        print_channel(page.to, channel, print_tokens_v2, api_print_drains);
        api_page_reply(req, &page, 200, "application/json");
    }
}

static void new_channel_work(api_write *write)
{
    write->err = catalog_new_channel(write->cat, write->name, write->names,
                                     write->name_count, write->new_id);
}

static void new_channel_done(api_write *write)
{
    const catalog_channel *channel;
    api_page page;

    if (api_write_failed(write))
        return;
    channel = api_find_channel(write->req, lp_span_str(write->new_id));
    if (!channel) { // somebody was quick to delete it
        api_legacy_refuse_v1(write->req);
    } else if (api_page_open(write->req, &page)) {
        print_channel(page.to, channel, print_tokens_v1, NULL);
        api_page_reply(write->req, &page, 201, "application/json");
    }
}

static void post_channel(http_request *req)
{
    json_t *body = api_json_untyped(req, http_reply_error);
    const json_t *name = json_object_get(body, "name");
    api_write *write = NULL;

    if (body && name && !json_is_string(name))
        http_reply(req, 400, "text/html",
                   LP_SPAN("Channel name must be a string."));
    else if (body)
        write = api_write_new(req, http_reply_error);
    if (write && api_write_names(write, json_object_get(body, "tokens")) &&
        api_write_name(write, name)) {
        write->subject = "the channel";
        api_write_start(write, new_channel_work, new_channel_done);
    }
    json_decref(body);
}

static void delete_v1_done(api_write *write)
{
    if (write->err == CATALOG_NOT_FOUND)
        api_legacy_refuse_v1(write->req);
    else if (!api_write_failed(write))
        http_reply(write->req, 200, "text/html", LP_SPAN("OK"));
}

static void delete_v2_done(api_write *write)
{
    if (write->err == CATALOG_NOT_FOUND)
        api_legacy_refuse_v2(write->req);
    else if (!api_write_failed(write))
        http_reply(write->req, 200, "text/html", LP_SPAN(""));
}

static void delete_channel(http_request *req, api_write_step done)
{
    api_write *write = api_legacy_write(req);

    if (write)
        api_write_start(write, api_write_delete_channel, done);
}

static void delete_channel_v1(http_request *req)
{
    delete_channel(req, delete_v1_done);
}

static void delete_channel_v2(http_request *req)
{
    delete_channel(req, delete_v2_done);
}

/* Tokens ------------------------------------------------------------------ */

static void add_token_v1_done(api_write *write)
{
    if (write->err == CATALOG_NOT_FOUND)
        api_legacy_refuse_v1(write->req);
    else if (!api_write_failed(write))
        http_reply(write->req, 201, "text/html", lp_span_str(write->new_id));
}

static void add_token_v2_done(api_write *write)
{
    if (write->err == CATALOG_NOT_FOUND)
        api_legacy_refuse_v2(write->req);
    else if (!api_write_failed(write))
        http_reply_json(write->req, 201,
                        json_pack("{ss%,ss}", "name", write->name.ptr,
                                  write->name.len_bytes, "token",
                                  write->new_id));
}

static void refuse_no_name_v1(http_request *req)
{
    http_reply(req, 400, "text/html", LP_SPAN("'name' post param missing"));
}

static void refuse_no_name_v2(http_request *req)
{
    http_reply(req, 422, "text/html",
               LP_SPAN("{\"error\":\"NAME is a required field\"}"));
}

static void post_token(http_request *req, api_write_step done,
                       void (*refuse_no_name)(http_request *req))
{
    json_t *body = api_legacy_has_number(req)
                       ? api_json_untyped(req, http_reply_error)
                       : NULL;
    const json_t *name = json_object_get(body, "name");

    if (body && !name)
        refuse_no_name(req);
    else if (body)
        api_write_start_token(req, name, done);
    json_decref(body);
}

static void post_token_v1(http_request *req)
{
    post_token(req, add_token_v1_done, refuse_no_name_v1);
}

static void post_token_v2(http_request *req)
{
    post_token(req, add_token_v2_done, refuse_no_name_v2);
}

const http_route api_legacy_routes[] = {
    {"POST", "/channels", HTTP_API_LEGACY, HTTP_AUTH_LEGACY, post_channel,
     API_LEGACY_BODY_MAX_BYTES, NULL},
    {"GET", "/channels/:id/info", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     get_channel_v1, 0, NULL},
    {"GET", "/v2/channels/:id", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     get_channel_v2, 0, NULL},
    {"DELETE", "/channels/:id", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     delete_channel_v1, 4096, NULL},
    {"DELETE", "/v2/channels/:id", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     delete_channel_v2, 4096, NULL},
    {"POST", "/channels/:id/token", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     post_token_v1, API_LEGACY_BODY_MAX_BYTES, NULL},
    {"POST", "/v2/channels/:id/tokens", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     post_token_v2, API_LEGACY_BODY_MAX_BYTES, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
