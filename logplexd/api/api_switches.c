/* api_switches.c - seeing and changing what can be turned down. */
#include "api/api_switches.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"

enum { BODY_MAX_BYTES = 4096 };

/* Seeing ------------------------------------------------------------------ */

json_t *api_switches_json(const switches *s)
{
    json_t *object = json_object();

    for (unsigned i = 0; i < SWITCH_COUNT; i++) {
        switch_id id = (switch_id)i;
        uint8_t value = switch_get(s, id);

        json_object_set_new(object, switch_names[id],
                            switch_is_mode(id)
                                ? json_string(api_mode_names[value])
                                : json_boolean(value == SWITCH_ON));
    }
    return object;
}

static void reply_all(http_request *req)
{
    http_reply_json(req, 200,
                    api_switches_json(&http_worker(req)->shared->switches));
}

/* Changing ---------------------------------------------------------------- */

typedef struct change {
    http_request *req;
    switches *switches;
    switch_set wanted;
    int64_t now_ns;
    catalog_err err;
} change;

static void work(void *ctx)
{
    change *c = ctx;

    c->err = switches_change(c->switches, &c->wanted, c->now_ns);
}

static void done(void *ctx)
{
    const change *c = ctx;

    if (c->err == CATALOG_OK) {
        reply_all(c->req);
        return;
    }
    http_set_header(c->req, "Retry-After", "1");
    http_reply_error(c->req, 503, "nothing is switched: %s",
                     catalog_strerror(c->err));
}

static bool read_value(switch_id id, const json_t *value, switch_choice *out)
{
    if (switch_is_mode(id))
        return switch_parse(id, api_json_span(value), out);
    out->is_given = json_is_boolean(value);
    out->value = json_is_true(value) ? SWITCH_ON : SWITCH_OFF;
    return out->is_given;
}

// False: refused.
static bool read_switch(http_request *req, const char *name,
                        const json_t *value, switch_set *out)
{
    switch_id id;

    if (!switch_find(lp_span_str(name), &id))
        http_reply_error(req, 400,
                         "there is no switch \"%.100s\"; there are api and "
                         "legacy_api (\"normal\", \"read_only\" or "
                         "\"disabled\"), ingest, history, tails and drains "
                         "(true or false)",
                         name);
    else if (!read_value(id, value, &out->of[id]))
        http_reply_error(req, 400, "\"%s\" has to be %s", switch_names[id],
                         switch_is_mode(id)
                             ? "\"normal\", \"read_only\" or \"disabled\""
                             : "true or false");
    else
        return true;
    return false;
}

static bool read_all(http_request *req, json_t *body, switch_set *out)
{
    const char *name;
    json_t *value;

    json_object_foreach(body, name, value)
    {
        if (!read_switch(req, name, value, out))
            return false;
    }
    return true;
}

static void start(http_request *req, const switch_set *wanted)
{
    worker *w = http_worker(req);
    change *c = http_alloc(req, sizeof(*c));

    if (c)
        *c = (change){.req = req,
                      .switches = &w->shared->switches,
                      .wanted = *wanted,
                      .now_ns = worker_now(w)};
    if (c && worker_offload(w, work, done, c))
        http_defer(req);
    else
        api_refuse_busy(req, http_reply_error);
}

static void put_switches(http_request *req)
{
    json_t *body = api_json_body(req, http_reply_error);
    switch_set wanted = {0};

    if (body && read_all(req, body, &wanted))
        start(req, &wanted);
    json_decref(body);
}

/* Tails ------------------------------------------------------------------- */

static void kill_tails(http_request *req)
{
    const daemon_shared *shared = http_worker(req)->shared;

    for (unsigned i = 0; i < shared->worker_count; i++)
        worker_end_tails(shared->workers[i]);
    http_reply(req, 204, NULL, LP_SPAN(""));
}

const http_route api_switches_routes[] = {
    {"GET", "/v3/switches", HTTP_API_NONE, HTTP_AUTH_FULL_API, reply_all, 0,
     NULL},
    {"PUT", "/v3/switches", HTTP_API_NONE, HTTP_AUTH_FULL_API, put_switches,
     BODY_MAX_BYTES, NULL},
    {"POST", "/v3/switches/kill_tail_sessions", HTTP_API_NONE,
     HTTP_AUTH_FULL_API, kill_tails, BODY_MAX_BYTES, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
