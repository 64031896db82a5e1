/* api_legacy_drains.c - drains, in the legacy API. */
#include <inttypes.h>
#include <string.h>

#include "api/api_drain_status.h"
#include "api/api_drain_url.h"
#include "api/api_legacy.h"

/* Answering --------------------------------------------------------------- */

static void reply_drain(api_write *write)
{
    api_page page;

    if (!api_page_open(write->req, &page))
        return;
    api_print_drain(page.to, write->drain.id, lp_span_str(write->drain.token),
                    write->url);
    api_page_reply(write->req, &page, 201, "application/json");
}

static void add_done(api_write *write)
{
    if (write->err == CATALOG_TOO_MANY)
        http_reply_error(write->req, 422,
                         "You have already added the maximum number of drains "
                         "allowed");
    else if (write->err == CATALOG_NOT_FOUND)
        http_reply_error(write->req, 404, "No such channel");
    else if (write->err == CATALOG_EXISTS)
        http_reply_error(write->req, 409, "Already exists");
    else if (!api_write_failed(write))
        reply_drain(write);
}

static void set_done(api_write *write)
{
    api_release_drain(write);
    if (write->err == CATALOG_NOT_FOUND)
        http_reply_error(write->req, 404, "Unknown drain.");
    else
        add_done(write);
}

static void reserve_done(api_write *write)
{
    api_page page;

    if (write->err == CATALOG_NOT_FOUND) {
        http_reply_error(write->req, 404, "No such channel");
        return;
    }
    if (api_write_failed(write) || !api_page_open(write->req, &page))
        return;
    fprintf(page.to,
            "{\"id\":%" PRIu64 ",\"token\":\"%s\","
            "\"msg\":\"Successfully reserved drain token\"}",
            write->drain.id, write->drain.token);
    api_page_reply(write->req, &page, 201, "text/html");
}

static void delete_done(api_write *write)
{
    if (write->err == CATALOG_NOT_FOUND)
        http_reply_error(write->req, 404, "Not found");
    else if (!api_write_failed(write))
        http_reply(write->req, 200, "text/html", LP_SPAN(""));
}

/* Asking ------------------------------------------------------------------ */

static bool read_target(http_request *req, const json_t *body, lp_span *url)
{
    lp_drain_url_error error;
    bool is_good = json_object_get(body, "url")
                       ? api_read_drain_url(req, body, url, &error)
                       : api_read_drain_host(req, body, url, &error);

    if (!is_good)
        http_reply_error(req, 422, "Invalid drain destination: %s",
                         error.reason);
    return is_good;
}

static void start_with_target(http_request *req, api_write *write,
                              api_write_step work, api_write_step done)
{
    json_t *body = write ? api_json_untyped(req, http_reply_error) : NULL;

    if (body && read_target(req, body, &write->url))
        api_write_start(write, work, done);
    json_decref(body);
}

static void post_drain(http_request *req)
{
    start_with_target(req, api_legacy_write(req), api_write_add_drain,
                      add_done);
}

// To a drain of the path; NULL: answered.
static api_write *write_to_drain(http_request *req)
{
    api_write *write = api_legacy_write(req);

    if (!write || api_parse_count(http_param(req, 1), &write->drain_id))
        return write;
    api_legacy_refuse_v1(req);
    return NULL;
}

// Also what gives a drain that was only reserved its URL.
static void post_drain_url(http_request *req)
{
    start_with_target(req, write_to_drain(req), api_write_set_drain, set_done);
}

static void reserve_drain(http_request *req)
{
    api_write *write = api_legacy_write(req);

    if (write)
        api_write_start(write, api_write_add_drain, reserve_done);
}

static void delete_drain(http_request *req)
{
    api_write *write = write_to_drain(req);

    if (write)
        api_write_start(write, api_write_delete_drain, delete_done);
}

/* Gone, in three spellings ------------------------------------------------- */

static void refuse_creation(http_request *req)
{
    http_reply(req, 501, "text/html",
               LP_SPAN("V1 Drain Creation API deprecated."));
}

static void refuse_creation_by_id(http_request *req)
{
    http_reply(req, 501, "text/html",
               LP_SPAN("V1 Drain Creation API deprecated"));
}

static void refuse_drains(http_request *req)
{
    http_reply(req, 501, "text/html", LP_SPAN("V1 Drain API Deprecated."));
}

const http_route api_legacy_drains_routes[] = {
    {"POST", "/v2/channels/:id/drains", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     post_drain, API_LEGACY_BODY_MAX_BYTES, NULL},
    {"POST", "/v2/channels/:id/drains/:drain", HTTP_API_LEGACY,
     HTTP_AUTH_LEGACY, post_drain_url, API_LEGACY_BODY_MAX_BYTES, NULL},
    {"DELETE", "/v2/channels/:id/drains/:drain", HTTP_API_LEGACY,
     HTTP_AUTH_LEGACY, delete_drain, 4096, NULL},
    {"POST", "/channels/:id/drains/tokens", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     reserve_drain, API_LEGACY_BODY_MAX_BYTES, NULL},
    {"POST", "/channels/:id/drains/:drain", HTTP_API_LEGACY | HTTP_READS,
     HTTP_AUTH_LEGACY, refuse_creation_by_id, API_LEGACY_BODY_MAX_BYTES, NULL},
    {"POST", "/channels/:id/drains", HTTP_API_LEGACY | HTTP_READS,
     HTTP_AUTH_LEGACY, refuse_creation, API_LEGACY_BODY_MAX_BYTES, NULL},
    {"GET", "/channels/:id/drains", HTTP_API_LEGACY, HTTP_AUTH_LEGACY,
     refuse_drains, 0, NULL},
    {"DELETE", "/channels/:id/drains", HTTP_API_LEGACY | HTTP_READS,
     HTTP_AUTH_LEGACY, refuse_drains, 4096, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
