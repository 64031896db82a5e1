/*
 * request.c - requests: from their arrival at the router to its line.
 *
 *     arrive --> route --> (a dyno is up) --> the app's first words --> done
 *                  |  ^                                                   |
 *                  |  +-- waits, while one boots                          v
 *                  +----> H10, H11, H14, H80                  the router's line
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "demo/model_impl.h"

enum { TIMEOUT_MS = 30000, ROUTE_AGAIN_MS = 250, REQUEST_NONE = REQUESTS_MAX };

/* What the router says instead of a dyno's status. */
typedef struct router_error {
    const char *at, *code, *desc, *sock;
    unsigned status;
} router_error;

static const router_error crashed = {"error", "H10", "App crashed", "", 503};
static const router_error backlog = {"error", "H11", "Backlog too deep", "",
                                     503};
static const router_error timed_out = {"error", "H12", "Request timeout", "",
                                       503};
static const router_error closed = {
    "error", "H13", "Connection closed without response", "", 503};
static const router_error no_web = {"error", "H14", "No web processes running",
                                    "", 503};
static const router_error cut = {"error", "H18", "Server Request Interrupted",
                                 "sock=backend ", 503};
static const router_error given_up = {
    "warning", "H27", "Client Request Interrupted", "sock=client ", 499};
static const router_error closed_shop = {"info", "H80", "Maintenance mode", "",
                                         503};

/* The router's lines ------------------------------------------------------ */

static speaker router(const demo_app *app)
{
    return (speaker){app, DEMO_HEROKU, PRI_ROUTER, "router", 0};
}

static unsigned connect_ms(const demo_request *req)
{
    return (unsigned)((req->routed_ns - req->begun_ns) / MS_NS) +
           req->from[3] % 3;
}

/* "web.1", or nothing. */
static const char *dyno_name(const demo_app *app, const demo_request *req)
{
    return req->dyno == NO_DYNO ? "" : app->dynos[req->dyno].name;
}

/* How long it took: of a request that no dyno saw, nothing is known. */
typedef struct timing {
    char connect[16], service[16], bytes[16], wait[16], queue[16];
} timing;

static void take_timing(const demo_request *req, timing *out)
{
    memset(out, 0, sizeof(*out));
    if (req->dyno == NO_DYNO)
        return;
    snprintf(out->connect, sizeof(out->connect), "%ums", connect_ms(req));
    snprintf(out->service, sizeof(out->service), "%.0fms", req->service_ms);
    snprintf(out->bytes, sizeof(out->bytes), "%u", req->bytes);
    snprintf(out->wait, sizeof(out->wait), "%ums", req->wait_ms);
    snprintf(out->queue, sizeof(out->queue), "%u", req->queue);
}

static void tell_old(demo_model *m, const demo_app *app,
                     const demo_request *req, const router_error *error)
{
    speaker who = router(app);
    char head[64] = "";
    timing took;

    take_timing(req, &took);
    if (error)
        snprintf(head, sizeof(head), "Error %s (%s) -> ", error->code,
                 error->desc);
    model_say(m, &who,
              "%s%s %s%s dyno=%s queue=%s wait=%s service=%s status=%u "
              "bytes=%s",
              head, app->of->routes[req->route].method, app->of->host,
              req->path, dyno_name(app, req), took.queue, took.wait,
              took.service, req->status, took.bytes);
}

static void tell_new(demo_model *m, const demo_app *app,
                     const demo_request *req, const router_error *error)
{
    speaker who = router(app);
    char head[96] = "at=info";
    timing took;

    take_timing(req, &took);
    if (error)
        snprintf(head, sizeof(head), "%sat=%s code=%s desc=\"%s\"", error->sock,
                 error->at, error->code, error->desc);
    model_say(m, &who,
              "%s method=%s path=\"%s\" host=%s request_id=%s "
              "fwd=\"%u.%u.%u.%u\" dyno=%s connect=%s service=%s status=%u "
              "bytes=%s protocol=https",
              head, app->of->routes[req->route].method, req->path,
              app->of->host, req->id, req->from[0], req->from[1], req->from[2],
              req->from[3], dyno_name(app, req), took.connect, took.service,
              req->status, took.bytes);
}

static void tell(demo_model *m, const demo_app *app, demo_request *req,
                 const router_error *error)
{
    if (error) {
        req->status = error->status;
        req->bytes = 0;
    }
    if (app->of->is_old)
        tell_old(m, app, req, error);
    else
        tell_new(m, app, req, error);
}

/* A request --------------------------------------------------------------- */

static unsigned pick_route(demo_model *m, const cast_app *of)
{
    unsigned sum = 0, drawn, i = 0;

    for (unsigned r = 0; r < of->route_count; r++)
        sum += of->routes[r].weight;
    drawn = chance_below(&m->dice, sum);
    while (drawn >= of->routes[i].weight)
        drawn -= of->routes[i++].weight;
    return i;
}

/* What stands for a part of a path in the tables; the bytes that it takes. */
static size_t fill_in(demo_model *m, char sign, char *out, size_t room_bytes)
{
    static const char *const words[] = {
        "lamp",  "kettle", "teapot", "bicycle", "notebook", "umbrella",
        "chair", "blue",   "summer", "garden",  "walking",  "coffee"};
    char uuid[CHANCE_UUID_BYTES];
    int n;

    switch (sign) {
    case '#':
        n = snprintf(out, room_bytes, "%u", 1 + chance_below(&m->dice, 90000));
        break;
    case '$':
        chance_uuid(&m->dice, uuid);
        n = snprintf(out, room_bytes, "%s", uuid);
        break;
    case '~':
        n = snprintf(out, room_bytes, "%s", words[chance_below(&m->dice, 12)]);
        break;
    case '^': // changes with a release, not with a request
        n = snprintf(out, room_bytes, "%08x", 0x5ec1351au);
        break;
    default:
        n = snprintf(out, room_bytes, "%c", sign);
    }
    return (size_t)n < room_bytes ? (size_t)n : room_bytes - 1;
}

static void write_path(demo_model *m, const char *like, demo_request *req)
{
    size_t at = 0;

    for (; *like && at + 1 < sizeof(req->path); like++)
        at += fill_in(m, *like, req->path + at, sizeof(req->path) - at);
}

/* A client asks for what is not there, or may not. */
static unsigned pick_status(demo_model *m, const demo_app *app,
                            const cast_route *route)
{
    bool is_post = route->method[0] == 'P';

    if (chance_is(&m->dice, app->fail))
        return 500;
    if (chance_is(&m->dice, .0008))
        return 500; // nothing is ever quite right
    if (!chance_is(&m->dice, .018))
        return route->status;
    return is_post ? 422 : strpbrk(route->path, "#$") ? 404 : 401;
}

static fate pick_fate(demo_model *m, const demo_app *app)
{
    if (chance_is(&m->dice, app->hang))
        return FATE_HANGS;
    if (chance_is(&m->dice, app->drop))
        return FATE_DROPPED;
    return chance_is(&m->dice, .0012) ? FATE_GIVEN_UP : FATE_ANSWERED;
}

static void draw(demo_model *m, const demo_app *app, demo_request *req)
{
    const cast_route *route;
    uint32_t from = chance_below(&m->dice, UINT32_MAX);

    *req = (demo_request){.app = (uint8_t)app->index, .dyno = NO_DYNO};
    req->route = (uint8_t)pick_route(m, app->of);
    route = &app->of->routes[req->route];
    req->begun_ns = req->routed_ns = m->now_ns;
    req->fate = (uint8_t)pick_fate(m, app);
    req->status = pick_status(m, app, route);
    req->service_ms = ceil(chance_lognormal(
        &m->dice, route->median_ms * app->slow[req->route], route->sigma));
    req->bytes = (unsigned)(route->bytes * chance_between(&m->dice, .7, 1.4));
    // Addresses that are for examples (RFC 5737).
    req->from[0] = from & 1 ? 203 : 198;
    req->from[1] = from & 1 ? 0 : 51;
    req->from[2] = from & 1 ? 113 : 100;
    req->from[3] = (uint8_t)(1 + (from >> 8) % 254);
    chance_uuid(&m->dice, req->id);
    write_path(m, route->path, req);
}

static uint32_t hold_request(demo_model *m)
{
    uint32_t index = m->first_free;

    if (index != REQUEST_NONE)
        m->first_free = m->requests[index].next_free;
    return index;
}

static void free_request(demo_model *m, uint32_t index)
{
    m->requests[index].next_free = m->first_free;
    m->first_free = index;
}

void request_arrive(demo_model *m, demo_app *app)
{
    uint32_t index = hold_request(m);
    demo_request over;

    if (index == REQUEST_NONE) {
        draw(m, app, &over);
        tell(m, app, &over, &backlog);
        return;
    }
    draw(m, app, &m->requests[index]);
    request_route(m, index);
}

/* Finding a dyno ---------------------------------------------------------- */

typedef struct choice {
    unsigned up, booting, wanted;
    uint8_t dyno; /* any of those that are up */
} choice;

static choice look_around(demo_model *m, const demo_app *app)
{
    choice found = {0, 0, 0, NO_DYNO};

    for (unsigned i = 0; i < app->dyno_count; i++) {
        const demo_dyno *dyno = &app->dynos[i];

        if (!dyno_is(dyno, "web"))
            continue;
        found.wanted += dyno->is_wanted;
        found.booting += dyno->phase == DYNO_STARTING ||
                         (dyno->phase == DYNO_STOPPING && dyno->is_wanted);
        if (dyno->phase != DYNO_UP)
            continue;
        // The router picks one at random, as Heroku's does.
        if (chance_below(&m->dice, ++found.up) == 0)
            found.dyno = (uint8_t)i;
    }
    return found;
}

/* On the older stack a process does one thing at a time, and the rest wait; the
 * router tells how long. There are as many processes as rates are scaled by. */
static void stand_in_line(const demo_model *m, demo_dyno *dyno,
                          demo_request *req)
{
    double ms = req->service_ms / fmax(1, m->scale);

    if (dyno->free_ns < m->now_ns)
        dyno->free_ns = m->now_ns;
    req->wait_ms = (unsigned)((dyno->free_ns - m->now_ns) / MS_NS);
    req->queue = dyno->under_way;
    dyno->free_ns += (int64_t)(ms * MS_NS);
}

static void give_to(demo_model *m, demo_app *app, uint32_t index, uint8_t at)
{
    demo_request *req = &m->requests[index];
    demo_dyno *dyno = &app->dynos[at];
    double ms = req->service_ms;

    if (app->of->is_old)
        stand_in_line(m, dyno, req);
    req->dyno = at;
    req->dyno_life = dyno->lives;
    req->routed_ns = m->now_ns;
    dyno->under_way++;
    if (req->fate == FATE_GIVEN_UP)
        req->service_ms = ms = ceil(ms * 20);
    if (req->fate == FATE_HANGS || ms > TIMEOUT_MS) {
        req->fate = FATE_HANGS;
        req->service_ms = ms = TIMEOUT_MS + chance_below(&m->dice, 5);
    } else if (req->fate == FATE_ANSWERED) {
        words_begin(m, app, req);
    }
    agenda_add(&m->plan, m->now_ns + (int64_t)(ms + req->wait_ms) * MS_NS,
               EVENT_DONE, index);
}

void request_route(demo_model *m, uint32_t index)
{
    demo_request *req = &m->requests[index];
    demo_app *app = &m->apps[req->app];
    choice found = look_around(m, app);
    const router_error *error = NULL;

    if (app->is_in_maintenance)
        error = &closed_shop;
    else if (found.wanted == 0)
        error = &no_web;
    else if (found.up == 0 && found.booting == 0)
        error = &crashed;
    if (error) {
        tell(m, app, req, error);
        free_request(m, index);
    } else if (found.up > 0) {
        give_to(m, app, index, found.dyno);
    } else {
        agenda_add(&m->plan, m->now_ns + ROUTE_AGAIN_MS * MS_NS, EVENT_ROUTE,
                   index);
    }
}

/* The end ----------------------------------------------------------------- */

static const router_error *error_of(const demo_dyno *dyno, demo_request *req)
{
    if (req->fate == FATE_HANGS)
        return &timed_out;
    if (req->fate == FATE_GIVEN_UP)
        return &given_up;
    if (req->fate != FATE_DROPPED && req->dyno_life == dyno->lives)
        return NULL;
    return req->from[3] & 1 ? &cut : &closed;
}

void request_done(demo_model *m, uint32_t index)
{
    demo_request *req = &m->requests[index];
    demo_app *app = &m->apps[req->app];
    demo_dyno *dyno = &app->dynos[req->dyno];
    const router_error *error = error_of(dyno, req);

    if (req->dyno_life == dyno->lives)
        dyno->under_way--;
    dyno->busy_ms += req->fate == FATE_HANGS ? 200 : req->service_ms;
    if (!error)
        words_end(m, app, req);
    tell(m, app, req, error);
    free_request(m, index);
}
