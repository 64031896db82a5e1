/*
 * api_credentials.c - who may what: listed, made and revoked.
 *
 * A secret is told once, in the answer to the request that made it, and nowhere
 * else. Who changes what is in the log, without it.
 */
#include <string.h>

#include "api/api_write.h"
#include "base/log.h"
#include "logplex/timestamp.h"

enum { BODY_MAX_BYTES = 64 * 1024, WHO_BYTES = 2 * CATALOG_ID_MAX_BYTES };

/* Answers ----------------------------------------------------------------- */

static const char *const kind_names[] = {
    [CATALOG_PASSWORD] = "password",
    [CATALOG_GENERATED] = "generated",
    [CATALOG_STATIC_KEY] = "static_key",
};

static json_t *json_of_permissions(uint32_t permissions)
{
    json_t *list = json_array();

    if (permissions & CATALOG_FULL_API)
        json_array_append_new(list, json_string("full_api"));
    if (permissions & CATALOG_ANY_CHANNEL)
        json_array_append_new(list, json_string("any_channel"));
    return list;
}

static json_t *json_of_channel(const catalog_credential *cred)
{
    return cred->permissions & CATALOG_ONE_CHANNEL
               ? json_stringn(cred->channel_id.ptr, cred->channel_id.len_bytes)
               : json_null();
}

static json_t *json_of_time(int64_t time_ns)
{
    char text[LP_TIMESTAMP_MAX_BYTES];

    if (time_ns == 0)
        return json_null();
    return json_string(api_print_time(time_ns, text));
}

static json_t *json_of_credential(const catalog_credential *cred)
{
    return json_pack(
        "{ss%,ss%,so,so,ss,sb,so}", "id", cred->id.ptr, cred->id.len_bytes,
        "name", cred->name.ptr, cred->name.len_bytes, "permissions",
        json_of_permissions(cred->permissions), "channel",
        json_of_channel(cred), "kind", kind_names[cred->kind], "configured",
        cred->is_configured, "created_at", json_of_time(cred->created_ns));
}

/* Asking ------------------------------------------------------------------ */

static const catalog_view *view_of(http_request *req)
{
    return catalog_reader_view(&http_worker(req)->reader);
}

static void get_credentials(http_request *req)
{
    const catalog_view *view = view_of(req);
    json_t *list;

    if (!api_wants_json(req))
        return;
    list = json_array();
    for (size_t i = 0; i < catalog_credential_count(view); i++)
        json_array_append_new(
            list, json_of_credential(catalog_credential_at(view, i)));
    http_reply_json(req, 200, json_pack("{so}", "credentials", list));
}

static void reply_none(http_request *req, lp_span id)
{
    http_reply_error(req, 404, "there is no credential \"%.*s\"",
                     (int)(id.len_bytes < CATALOG_ID_MAX_BYTES
                               ? id.len_bytes
                               : CATALOG_ID_MAX_BYTES),
                     id.ptr);
}

static void get_credential(http_request *req)
{
    const catalog_credential *found =
        catalog_find_credential(view_of(req), http_param(req, 0));

    if (!api_wants_json(req))
        return;
    if (found)
        http_reply_json(req, 200, json_of_credential(found));
    else
        reply_none(req, http_param(req, 0));
}

/* What is asked for ------------------------------------------------------- */

/* The write of a credential, beside what all writes have. */
typedef struct wanted {
    catalog_configured as;
    catalog_generated made;
    bool may_lock_out;
} wanted;

static bool refuse_permissions(http_request *req)
{
    http_reply_error(req, 400,
                     "\"permissions\" has to be a list of \"full_api\" (the "
                     "APIs) and \"any_channel\" (sending to every channel); "
                     "for a single one there is \"channel\", with its id");
    return false;
}

static bool read_permission(http_request *req, const json_t *one, wanted *to)
{
    lp_span name = api_json_span(one);

    if (lp_span_equal(name, LP_SPAN("full_api")))
        to->as.permissions |= CATALOG_FULL_API;
    else if (lp_span_equal(name, LP_SPAN("any_channel")))
        to->as.permissions |= CATALOG_ANY_CHANNEL;
    else if (!json_is_string(one))
        return refuse_permissions(req);
    else {
        http_reply_error(req, 400,
                         "there is no permission \"%.*s\"; there are "
                         "\"full_api\" and \"any_channel\", and for a single "
                         "channel \"channel\", with its id",
                         (int)(name.len_bytes < 100 ? name.len_bytes : 100),
                         name.ptr);
        return false;
    }
    return true;
}

static bool read_permissions(http_request *req, const json_t *body, wanted *to)
{
    const json_t *list = json_object_get(body, "permissions");

    if (list && !json_is_array(list))
        return refuse_permissions(req);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_permission(req, json_array_get(list, i), to))
            return false;
    return true;
}

// A copy of a string that may be missing, or null. False: refused.
static bool read_text(http_request *req, const json_t *body, const char *key,
                      lp_span *out)
{
    const json_t *value = json_object_get(body, key);

    *out = lp_span_of("", 0);
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value)) {
        http_reply_error(req, 400, "\"%s\" has to be a string", key);
        return false;
    }
    *out = api_copy(req, api_json_span(value));
    if (!out->ptr)
        api_refuse_busy(req, http_reply_error);
    return out->ptr != NULL;
}

static bool read_channel(http_request *req, const json_t *body, wanted *to)
{
    const json_t *channel = json_object_get(body, "channel");

    if (!read_text(req, body, "channel", &to->as.channel_id))
        return false;
    if (!channel || json_is_null(channel))
        return true;
    to->as.permissions |= CATALOG_ONE_CHANNEL;
    if (catalog_is_id(to->as.channel_id))
        return true;
    http_reply_error(req, 400,
                     "\"channel\" has to be the id of a channel: 1 to 256 "
                     "bytes of UTF-8 without controls");
    return false;
}

static bool read_name(http_request *req, const json_t *body, wanted *to)
{
    if (!read_text(req, body, "name", &to->as.name))
        return false;
    if (catalog_is_label(to->as.name))
        return true;
    http_reply_error(req, 400,
                     "\"name\" has at most 256 bytes of UTF-8 without "
                     "controls");
    return false;
}

static bool has_permission(http_request *req, const wanted *to)
{
    if (to->as.permissions != 0)
        return true;
    http_reply_error(req, 400,
                     "it may do nothing: give it \"permissions\", such as "
                     "[\"full_api\",\"any_channel\"], or the \"channel\" that "
                     "it may send to and read");
    return false;
}

static bool read_wanted(http_request *req, const json_t *body, wanted *to)
{
    static const char *const known[] = {"name", "permissions", "channel",
                                        "password", NULL};

    return api_knows_all(req, body, known) && read_permissions(req, body, to) &&
           read_channel(req, body, to) && read_name(req, body, to) &&
           has_permission(req, to);
}

// The id ends at the first colon of what Basic sends (RFC 7617, 2).
static bool check_id(http_request *req, lp_span id)
{
    if (catalog_is_id(id) && !memchr(id.ptr, ':', id.len_bytes))
        return true;
    http_reply_error(req, 400,
                     "an id has 1 to 256 bytes of UTF-8 without controls and "
                     "without a colon");
    return false;
}

static bool read_password(http_request *req, const json_t *body, wanted *to)
{
    if (!read_text(req, body, "password", &to->as.password))
        return false;
    if (to->as.password.len_bytes > 0 &&
        to->as.password.len_bytes <= CATALOG_PASSWORD_MAX_BYTES)
        return true;
    http_reply_error(req, 400,
                     "\"password\" has to have 1 to %d bytes; POST "
                     "/v3/credentials makes an id and a secret up",
                     CATALOG_PASSWORD_MAX_BYTES);
    return false;
}

/* A write with a wanted of its own; NULL: answered. */
static api_write *new_write(http_request *req)
{
    api_write *write = api_write_new(req, http_reply_error);
    wanted *to = write ? http_alloc(req, sizeof(*to)) : NULL;

    if (!write)
        return NULL;
    if (!to) {
        api_refuse_busy(req, http_reply_error);
        return NULL;
    }
    memset(to, 0, sizeof(*to));
    write->more = to;
    return write;
}

/* What came of it --------------------------------------------------------- */

static void tell_log(api_write *write, const char *what, lp_span id)
{
    const catalog_credential *by = http_credential(write->req);
    lp_span who = by ? by->id : LP_SPAN("?");
    char quoted[WHO_BYTES], quoted_by[WHO_BYTES];
    char text[CATALOG_ID_MAX_BYTES + 1];

    snprintf(text, sizeof(text), "%.*s", (int)id.len_bytes, id.ptr);
    log_quote(text, quoted, sizeof(quoted));
    snprintf(text, sizeof(text), "%.*s", (int)who.len_bytes, who.ptr);
    LOG_AT(LOG_INFO, "credentials_changed", "what=%s id=%s by=%s", what, quoted,
           log_quote(text, quoted_by, sizeof(quoted_by)));
}

/* Failed, and answered. */
static bool failed(api_write *write)
{
    if (write->err != CATALOG_LAST)
        return api_write_failed(write);
    http_reply_error(write->req, 409,
                     "%s: no credential with full_api would be left: nobody "
                     "could use the APIs any more or, if there were none at "
                     "all, everybody on this machine could. Make one first, or "
                     "add ?force=true",
                     write->subject);
    return true;
}

static void reply_made(api_write *write, int status, lp_span id,
                       const char *secret)
{
    const catalog_credential *found =
        catalog_find_credential(view_of(write->req), id);
    json_t *json;

    if (!found) { // somebody was quick to delete it
        reply_none(write->req, id);
        return;
    }
    json = json_of_credential(found);
    if (secret)
        json_object_set_new(json, "secret", json_string(secret));
    http_set_header(write->req, "Cache-Control", "no-store");
    http_reply_json(write->req, status, json);
}

/* Making ------------------------------------------------------------------ */

static void post_work(api_write *write)
{
    wanted *to = write->more;

    write->err = catalog_new_credential(write->cat, &to->as, to->may_lock_out,
                                        &to->made);
}

static void post_done(api_write *write)
{
    wanted *to = write->more;

    if (failed(write))
        return;
    tell_log(write, "made", lp_span_str(to->made.id));
    reply_made(write, 201, lp_span_str(to->made.id), to->made.secret);
}

static void post_credential(http_request *req)
{
    json_t *body =
        api_wants_json(req) ? api_json_body(req, http_reply_error) : NULL;
    api_write *write = body ? new_write(req) : NULL;

    if (write && json_object_get(body, "password")) {
        http_reply_error(req, 400,
                         "there is no \"password\" here, as a secret is made "
                         "up; PUT /v3/credentials/ID takes one");
    } else if (write && read_wanted(req, body, write->more)) {
        wanted *to = write->more;

        to->may_lock_out = api_query_is_true(req, "force");
        write->subject = "a new credential";
        api_write_start(write, post_work, post_done);
    }
    json_decref(body);
}

static void put_work(api_write *write)
{
    wanted *to = write->more;

    write->err = catalog_set_credential(write->cat, &to->as, to->may_lock_out,
                                        &write->is_new);
}

static void put_done(api_write *write)
{
    wanted *to = write->more;

    explicit_bzero((char *)(uintptr_t)to->as.password.ptr,
                   to->as.password.len_bytes);
    if (failed(write))
        return;
    tell_log(write, write->is_new ? "made" : "replaced", to->as.id);
    reply_made(write, write->is_new ? 201 : 200, to->as.id, NULL);
}

static void put_credential(http_request *req)
{
    json_t *body =
        api_wants_json(req) ? api_json_body(req, http_reply_error) : NULL;
    api_write *write = body ? new_write(req) : NULL;

    if (write && check_id(req, http_param(req, 0)) &&
        read_wanted(req, body, write->more) &&
        read_password(req, body, write->more)) {
        wanted *to = write->more;

        to->as.id = http_param(req, 0);
        to->may_lock_out = api_query_is_true(req, "force");
        api_write_about(write, "credential", to->as.id);
        api_write_start(write, put_work, put_done);
    }
    json_decref(body);
}

/* Revoking ---------------------------------------------------------------- */

static void delete_work(api_write *write)
{
    wanted *to = write->more;

    write->err = to->may_lock_out
                     ? catalog_delete_credential(write->cat, to->as.id)
                     : catalog_revoke_credential(write->cat, to->as.id);
}

static void delete_done(api_write *write)
{
    wanted *to = write->more;

    if (failed(write))
        return;
    tell_log(write, "revoked", to->as.id);
    if (catalog_credential_count(view_of(write->req)) == 0)
        LOG_AT(LOG_WARN, "no_credentials", "%s", CATALOG_OPEN_WARNING);
    http_reply(write->req, 204, NULL, LP_SPAN(""));
}

static void delete_credential(http_request *req)
{
    api_write *write = new_write(req);
    wanted *to = write ? write->more : NULL;

    if (!write)
        return;
    to->as.id = http_param(req, 0);
    to->may_lock_out = api_query_is_true(req, "force");
    api_write_about(write, "credential", to->as.id);
    api_write_start(write, delete_work, delete_done);
}

const http_route api_credentials_routes[] = {
    {"GET", "/v3/credentials", HTTP_API_V3, HTTP_AUTH_FULL_API, get_credentials,
     0, NULL},
    {"POST", "/v3/credentials", HTTP_API_V3, HTTP_AUTH_FULL_API,
     post_credential, BODY_MAX_BYTES, NULL},
    {"GET", "/v3/credentials/:id", HTTP_API_V3, HTTP_AUTH_FULL_API,
     get_credential, 0, NULL},
    {"PUT", "/v3/credentials/:id", HTTP_API_V3, HTTP_AUTH_FULL_API,
     put_credential, BODY_MAX_BYTES, NULL},
    {"DELETE", "/v3/credentials/:id", HTTP_API_V3, HTTP_AUTH_FULL_API,
     delete_credential, 4096, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
