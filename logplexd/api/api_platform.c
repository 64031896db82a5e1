/* api_platform.c - apps and log sessions, as Heroku's Platform API has them. */
#include <stdlib.h>
#include <string.h>

#include "api/api_platform.h"

enum { APPS_MAX = 1000, LINES_DEFAULT = 100 };

/* Errors ------------------------------------------------------------------ */

void api_platform_refuse_app(http_request *req)
{
    http_reply_json(req, 404,
                    json_pack("{ss,ss,ss}", "id", "not_found", "message",
                              "Couldn't find that app.", "resource", "app"));
}

/* Apps -------------------------------------------------------------------- */

const catalog_channel *api_platform_app(http_request *req)
{
    worker *w = http_worker(req);
    const catalog_channel *channel = catalog_find_channel(
        catalog_reader_view(&w->reader), http_param(req, 0));

    return channel && api_may_read(http_credential(req), channel) ? channel
                                                                  : NULL;
}

/*
 * generation is always told: without it the CLI looks for "fir" in the name.
 * The owner is whoever asks, since all that anybody sees is his to see; the
 * region is the one that the CLI has nothing to say about.
 */
static json_t *json_of_app(const catalog_channel *channel,
                           const catalog_credential *who)
{
    char created[LP_TIMESTAMP_MAX_BYTES];

    api_print_time(channel->created_ns, created);
    return json_pack("{ss%,ss%,s{ss},s{ss%,ss%},s{ss},sn,sn,ss,ss}", "id",
                     channel->uuid.ptr, channel->uuid.len_bytes, "name",
                     channel->id.ptr, channel->id.len_bytes, "generation",
                     "name", "cedar", "owner", "email", who->id.ptr,
                     who->id.len_bytes, "id", who->id.ptr, who->id.len_bytes,
                     "region", "name", "us", "space", "team", "created_at",
                     created, "updated_at", created);
}

static void get_app(http_request *req)
{
    const catalog_channel *channel = api_platform_app(req);

    if (channel)
        http_reply_json(req, 200, json_of_app(channel, http_credential(req)));
    else
        api_platform_refuse_app(req);
}

typedef struct app_list {
    const catalog_credential *who;
    json_t *apps;
    bool is_cut;
} app_list;

static bool add_app(const catalog_channel *channel, void *ctx)
{
    app_list *list = ctx;

    if (!api_may_read(list->who, channel))
        return true;
    list->is_cut = json_array_size(list->apps) == APPS_MAX;
    if (!list->is_cut)
        json_array_append_new(list->apps, json_of_app(channel, list->who));
    return !list->is_cut;
}

// 206 says that there are more, as Heroku does.
static void get_apps(http_request *req)
{
    worker *w = http_worker(req);
    app_list list = {http_credential(req), json_array(), false};

    catalog_each_channel(catalog_reader_view(&w->reader), add_app, &list);
    http_reply_json(req, list.is_cut ? 206 : 200, list.apps);
}

static void get_account(http_request *req)
{
    lp_span id = http_credential(req)->id;

    http_reply_json(req, 200,
                    json_pack("{ss%,ss%}", "email", id.ptr, id.len_bytes, "id",
                              id.ptr, id.len_bytes));
}

/* Log sessions ------------------------------------------------------------ */

static bool read_text(const json_t *body, const char *key, char out[],
                      size_t room_bytes)
{
    const json_t *value = json_object_get(body, key);
    lp_span text = api_json_span(value);

    if (value && !json_is_null(value) && !json_is_string(value))
        return false;
    if (text.len_bytes >= room_bytes)
        return false;
    if (text.len_bytes > 0)
        memcpy(out, text.ptr, text.len_bytes + 1);
    return true;
}

// Which of the names stands for the process, newest last.
static const char *read_process(const json_t *body, catalog_session *session)
{
    static const char *const keys[] = {"type", "dyno", "dyno_name"};

    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (!read_text(body, keys[i], session->ps, sizeof(session->ps)))
            return keys[i];
    return NULL;
}

static bool read_lines(const json_t *lines, catalog_session *session)
{
    session->num_lines = LINES_DEFAULT;
    if (!lines || json_is_null(lines))
        return true;
    if (!json_is_integer(lines) || json_integer_value(lines) < 0)
        return false;
    session->num_lines = (uint64_t)json_integer_value(lines);
    return true;
}

/*
 * False: refused. Apps of the fir generation are always followed: the CLI asks
 * for neither lines nor tail then.
 */
static bool read_session(http_request *req, const json_t *body,
                         catalog_session *session)
{
    const json_t *lines = json_object_get(body, "lines");
    const json_t *is_tail = json_object_get(body, "tail");
    const char *wrong = read_process(body, session);

    if (!wrong &&
        !read_text(body, "source", session->source, sizeof(session->source)))
        wrong = "source";
    if (wrong)
        http_reply_platform_error(
            req, 422, "\"%s\" has to be a string of at most 256 bytes.", wrong);
    else if (!read_lines(lines, session))
        http_reply_platform_error(
            req, 422, "\"lines\" has to be a whole number, 0 or more.");
    else if (is_tail && !json_is_boolean(is_tail) && !json_is_null(is_tail))
        http_reply_platform_error(req, 422,
                                  "\"tail\" has to be true or false.");
    else {
        session->is_tail = json_is_true(is_tail) || (!lines && !is_tail);
        return true;
    }
    return false;
}

// Old CLIs see from tail=true in the URL whether they are to stay.
static void add_session_done(api_write *write)
{
    http_request *req = write->req;
    const catalog_session *session = &write->session;
    char created[LP_TIMESTAMP_MAX_BYTES];
    const char *url;

    if (write->err == CATALOG_NOT_FOUND) {
        api_platform_refuse_app(req);
        return;
    }
    if (api_write_failed(write))
        return;
    url = api_session_url(req, session,
                          session->is_tail ? "?tail=true" : "?tail=false");
    api_print_time(session->created_ns, created);
    http_reply_json(req, 201,
                    json_pack("{ss,ss,ss,ss}", "created_at", created, "id",
                              session->id, "logplex_url", url, "updated_at",
                              created));
}

static void post_log_session(http_request *req)
{
    const catalog_channel *channel = api_platform_app(req);
    json_t *body;
    api_write *write;

    if (!channel) {
        api_platform_refuse_app(req);
        return;
    }
    body = http_body(req).len_bytes > 0
               ? api_json_body(req, http_reply_platform_error)
               : json_object();
    write = body ? api_write_new(req, http_reply_platform_error) : NULL;
    if (write && read_session(req, body, &write->session) &&
        !api_write_tail_refused(write)) {
        memcpy(write->session.channel_id, channel->id.ptr,
               channel->id.len_bytes);
        api_write_about(write, "app", channel->id);
        api_write_start(write, api_write_session, add_session_done);
    }
    json_decref(body);
}

const http_route api_platform_routes[] = {
    {"GET", "/apps", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM, get_apps, 0, NULL},
    {"GET", "/users/:user/apps", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM,
     get_apps, 0, NULL},
    {"GET", "/apps/:app", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM, get_app, 0,
     NULL},
    {"POST", "/apps/:app/log-sessions", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM,
     post_log_session, API_PLATFORM_BODY_MAX_BYTES, NULL},
    {"GET", "/account", HTTP_API_PLATFORM, HTTP_AUTH_PLATFORM, get_account, 0,
     NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
