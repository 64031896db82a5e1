/* api_platform_drains.c - log drains, as Heroku's Platform API has them. */
#include <string.h>

#include "api/api_drain_url.h"
#include "api/api_platform.h"

enum { SHOWN_URL_MAX_BYTES = LP_DRAIN_URL_MAX_BYTES + 3 };

/* Printing ---------------------------------------------------------------- */

// Of all that Heroku knows of a drain, its id is made of its token: "d.UUID".
static json_t *json_of_drain(lp_span token, lp_span url, int64_t created_ns,
                             const catalog_channel *app)
{
    char created[LP_TIMESTAMP_MAX_BYTES];

    api_print_time(created_ns, created);
    return json_pack("{sn,s{ss%,ss%},ss,ss%,ss%,ss,ss%}", "addon", "app", "id",
                     app->uuid.ptr, app->uuid.len_bytes, "name", app->id.ptr,
                     app->id.len_bytes, "created_at", created, "id",
                     token.ptr + 2, token.len_bytes - 2, "token", token.ptr,
                     token.len_bytes, "updated_at", created, "url", url.ptr,
                     url.len_bytes);
}

// Who may only send and read is not told the password of where lines go.
static lp_span shown_url(http_request *req, const catalog_drain *drain,
                         char room[SHOWN_URL_MAX_BYTES])
{
    lp_drain_url parsed;

    if (http_credential(req)->permissions & CATALOG_FULL_API ||
        lp_drain_url_parse(drain->url, &parsed, NULL) != LP_OK)
        return drain->url;
    return lp_span_of(
        room, lp_drain_url_print_redacted(&parsed, room, SHOWN_URL_MAX_BYTES));
}

static json_t *json_of(http_request *req, const catalog_drain *drain)
{
    char room[SHOWN_URL_MAX_BYTES];
    json_t *json = json_of_drain(drain->token, shown_url(req, drain, room),
                                 drain->created_ns, drain->channel);

    if (api_query_is_true(req, "extended"))
        json_object_set_new(
            json, "extended",
            json_pack("{sI}", "drain_id", (json_int_t)drain->id));
    return json;
}

/* Finding ----------------------------------------------------------------- */

static bool has_name(const catalog_drain *drain, lp_span name)
{
    return lp_span_equal(name, drain->token) ||
           lp_span_equal(name, lp_span_skip(drain->token, 2));
}

static bool has_url(const catalog_drain *drain, const lp_drain_url *url)
{
    lp_drain_url own;

    return lp_drain_url_parse(drain->url, &own, NULL) == LP_OK &&
           lp_drain_url_equal(&own, url);
}

// By its id, its token, or its URL.
static const catalog_drain *find_drain(const catalog_channel *app, lp_span name)
{
    lp_drain_url url;
    bool is_url = lp_drain_url_parse(name, &url, NULL) == LP_OK;

    for (size_t i = 0; i < app->drain_count; i++) {
        const catalog_drain *drain = &app->drains[i];

        if (drain->url.len_bytes > 0 &&
            (has_name(drain, name) || (is_url && has_url(drain, &url))))
            return drain;
    }
    return NULL;
}

static void refuse_drain(http_request *req)
{
    http_reply_json(req, 404,
                    json_pack("{ss,ss,ss}", "id", "not_found", "message",
                              "Couldn't find that log drain.", "resource",
                              "log_drain"));
}

// NULL: answered.
static const catalog_drain *drain_of_path(http_request *req)
{
    const catalog_channel *app = api_platform_app(req);
    const catalog_drain *drain = NULL;

    if (!app) {
        api_platform_refuse_app(req);
        return NULL;
    }
    drain = find_drain(app, http_param(req, 1));
    if (!drain)
        refuse_drain(req);
    return drain;
}

/* Reading ----------------------------------------------------------------- */

static void get_drains(http_request *req)
{
    const catalog_channel *app = api_platform_app(req);
    json_t *list;

    if (!app) {
        api_platform_refuse_app(req);
        return;
    }
    list = json_array();
    for (size_t i = 0; i < app->drain_count; i++)
        if (app->drains[i].url.len_bytes > 0)
            json_array_append_new(list, json_of(req, &app->drains[i]));
    http_reply_json(req, 200, list);
}

static void get_drain(http_request *req)
{
    const catalog_drain *drain = drain_of_path(req);

    if (drain)
        http_reply_json(req, 200, json_of(req, drain));
}

/* Writing ----------------------------------------------------------------- */

// One channel's own credential may read it and send to it, and no more.
static bool may_write(http_request *req)
{
    if (http_credential(req)->permissions & CATALOG_FULL_API)
        return true;
    http_reply_platform_error(req, 403,
                              "This credential may not change drains.");
    return false;
}

static void add_done(api_write *write)
{
    const catalog_channel *app = api_platform_app(write->req);

    if (write->err == CATALOG_NOT_FOUND || !app)
        api_platform_refuse_app(write->req);
    else if (write->err == CATALOG_EXISTS)
        http_reply_platform_error(write->req, 422,
                                  "Url has already been taken");
    else if (write->err == CATALOG_TOO_MANY)
        http_reply_platform_error(
            write->req, 422,
            "You have already added the maximum number of "
            "drains allowed: %u, by --drains-max",
            http_worker(write->req)->shared->cfg->drains_max);
    else if (!api_write_failed(write))
        http_reply_json(write->req, 201,
                        json_of_drain(lp_span_str(write->drain.token),
                                      write->url, write->now_ns, app));
}

static void post_drain(http_request *req)
{
    const catalog_channel *app = api_platform_app(req);
    lp_drain_url_error error;
    api_write *write = NULL;
    json_t *body;

    if (!app) {
        api_platform_refuse_app(req);
        return;
    }
    if (!may_write(req))
        return;
    body = api_json_body(req, http_reply_platform_error);
    if (body)
        write = api_write_to_channel(req, http_reply_platform_error, "app");
    if (write && !api_read_drain_url(req, body, &write->url, &error))
        http_reply_platform_error(req, 422, "Url is invalid: %s",
                                  error.sentence);
    else if (write)
        api_write_start(write, api_write_add_drain, add_done);
    json_decref(body);
}

// What it was is said once more, as it is gone by then.
typedef struct deletion {
    api_write write;
    json_t *drain;
} deletion;

static void delete_done(api_write *write)
{
    deletion *it = (deletion *)(void *)write;

    if (write->err == CATALOG_NOT_FOUND) {
        json_decref(it->drain);
        refuse_drain(write->req);
    } else if (api_write_failed(write)) {
        json_decref(it->drain);
    } else {
        http_reply_json(write->req, 200, it->drain);
    }
}

static void delete_drain(http_request *req)
{
    const catalog_drain *drain = drain_of_path(req);
    deletion *it;

    if (!drain || !may_write(req))
        return;
    it = http_alloc(req, sizeof(*it));
    if (!it) {
        api_refuse_busy(req, http_reply_platform_error);
        return;
    }
    api_write_init(&it->write, req, http_reply_platform_error);
    it->drain = json_of(req, drain);
    it->write.channel_id = http_param(req, 0);
    it->write.drain_id = drain->id;
    api_write_about(&it->write, "drain", http_param(req, 1));
    if (!api_write_start(&it->write, api_write_delete_drain, delete_done))
        json_decref(it->drain);
}

const http_route api_platform_drains_routes[] = {
    {"GET", "/apps/:app/log-drains", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM,
     get_drains, 0, NULL},
    {"POST", "/apps/:app/log-drains", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM,
     post_drain, API_PLATFORM_BODY_MAX_BYTES, NULL},
    {"GET", "/apps/:app/log-drains/:drain", HTTP_API_PLATFORM,
     HTTP_AUTH_PLATFORM, get_drain, 0, NULL},
    {"DELETE", "/apps/:app/log-drains/:drain", HTTP_API_PLATFORM,
     HTTP_AUTH_PLATFORM, delete_drain, 4096, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
