#include "api/api_write.h"

#include <string.h>

void api_write_init(api_write *write, http_request *req, api_refuse refuse)
{
    memset(write, 0, sizeof(*write));
    write->req = req;
    write->cat = http_worker(req)->shared->cat;
    write->now_ns = worker_now(http_worker(req));
    write->refuse = refuse;
    write->subject = "";
}

api_write *api_write_new(http_request *req, api_refuse refuse)
{
    api_write *write = http_alloc(req, sizeof(*write));

    if (write)
        api_write_init(write, req, refuse);
    else
        api_refuse_busy(req, refuse);
    return write;
}

api_write *api_write_to_channel(http_request *req, api_refuse refuse,
                                const char *kind)
{
    api_write *write = api_write_new(req, refuse);

    if (write) {
        write->channel_id = http_param(req, 0);
        api_write_about(write, kind, write->channel_id);
    }
    return write;
}

void api_write_about(api_write *write, const char *kind, lp_span value)
{
    int value_bytes =
        (int)(value.len_bytes < CATALOG_ID_MAX_BYTES ? value.len_bytes
                                                     : CATALOG_ID_MAX_BYTES);
    size_t room_bytes = strlen(kind) + CATALOG_ID_MAX_BYTES + 8;
    char *text = http_alloc(write->req, room_bytes);

    if (!text)
        return;
    snprintf(text, room_bytes, "%s \"%.*s\"", kind, value_bytes, value.ptr);
    write->subject = text;
}

bool api_write_names(api_write *write, const json_t *list)
{
    size_t count = json_array_size(list);
    lp_span *names = http_alloc(write->req, (count + 1) * sizeof(*names));

    for (size_t i = 0; names && i < count; i++) {
        const json_t *name = json_array_get(list, i);

        if (!json_is_string(name)) {
            write->refuse(write->req, 400,
                          "\"tokens\"[%zu] has to be a string: a name", i);
            return false;
        }
        names[i] = api_copy(write->req, api_json_span(name));
        if (!names[i].ptr)
            names = NULL;
    }
    write->names = names;
    write->name_count = count;
    if (!names)
        api_refuse_busy(write->req, write->refuse);
    return names != NULL;
}

bool api_write_name(api_write *write, const json_t *name)
{
    write->name = api_copy(write->req, api_json_span(name));
    if (!write->name.ptr)
        api_refuse_busy(write->req, write->refuse);
    return write->name.ptr != NULL;
}

static void on_work(void *ctx)
{
    api_write *write = ctx;

    write->work(write);
}

static void on_done(void *ctx)
{
    api_write *write = ctx;

    write->done(write);
}

bool api_write_start(api_write *write, api_write_step work, api_write_step done)
{
    bool is_taken;

    write->work = work;
    write->done = done;
    is_taken = worker_offload(http_worker(write->req), on_work, on_done, write);
    if (is_taken)
        http_defer(write->req);
    else
        api_refuse_busy(write->req, write->refuse);
    return is_taken;
}

bool api_write_tail_refused(const api_write *write)
{
    const switches *s = &http_worker(write->req)->shared->switches;

    if (!write->session.is_tail || switch_is_on(s, SWITCH_TAILS))
        return false;
    write->refuse(write->req, 503,
                  "tails are switched off for now; a session without \"tail\" "
                  "reads history");
    return true;
}

void api_write_session(api_write *write)
{
    write->err =
        catalog_add_session(write->cat, &write->session, write->now_ns);
}

void api_write_add_drain(api_write *write)
{
    write->err = catalog_add_drain(write->cat, write->channel_id, write->url,
                                   write->has_start ? &write->start : NULL,
                                   &write->drain);
}

void api_write_set_drain(api_write *write)
{
    write->err = catalog_set_drain(write->cat, write->channel_id,
                                   write->drain_id, write->url, &write->drain);
}

void api_write_delete_drain(api_write *write)
{
    write->err =
        catalog_delete_drain(write->cat, write->channel_id, write->drain_id);
}

void api_write_add_token(api_write *write)
{
    write->err = catalog_add_token(write->cat, write->channel_id, write->name,
                                   write->new_id);
}

void api_write_delete_channel(api_write *write)
{
    write->err = catalog_delete_channel(write->cat, write->channel_id);
}

static int status_of(catalog_err err)
{
    switch (err) {
    case CATALOG_OK:
        return 200;
    case CATALOG_NOT_FOUND:
        return 404;
    case CATALOG_INVALID:
        return 400;
    case CATALOG_TOO_MANY:
        return 422;
    case CATALOG_EXISTS:
    case CATALOG_CONFIGURED:
    case CATALOG_LAST:
        return 409;
    case CATALOG_FULL:
    case CATALOG_FAILED:
        break;
    }
    return 503;
}

bool api_write_failed(const api_write *write)
{
    int status = status_of(write->err);

    if (write->err == CATALOG_OK)
        return false;
    if (status == 503)
        http_set_header(write->req, "Retry-After", "1");
    if (status == 404)
        write->refuse(write->req, status, "there is no %s", write->subject);
    else if (status == 400)
        write->refuse(write->req, status,
                      "%s: an id has 1 to 256 bytes of UTF-8 without controls, "
                      "a name has no blanks or controls and at most 256 bytes",
                      write->subject);
    else
        write->refuse(write->req, status, "%s: %s", write->subject,
                      catalog_strerror(write->err));
    return true;
}

void api_write_deleted(api_write *write)
{
    if (!api_write_failed(write))
        http_reply(write->req, 204, "application/json", LP_SPAN(""));
}

const char *api_session_url(http_request *req, const catalog_session *session,
                            const char *query)
{
    static const char path[] = "/sessions/";
    const char *base = http_base_url(req);
    size_t url_bytes =
        strlen(base) + sizeof(path) + sizeof(session->id) + strlen(query);
    char *url = http_alloc(req, url_bytes);

    if (!url)
        return "";
    snprintf(url, url_bytes, "%s%s%s%s", base, path, session->id, query);
    return url;
}

void api_write_start_token(http_request *req, const json_t *name,
                           api_write_step done)
{
    api_write *write;

    if (!json_is_string(name)) {
        http_reply_error(req, 400,
                         "\"name\" has to be a string, such as "
                         "{\"name\":\"app\"}");
        return;
    }
    write = api_write_to_channel(req, http_reply_error, "channel");
    if (write && api_write_name(write, name))
        api_write_start(write, api_write_add_token, done);
}
