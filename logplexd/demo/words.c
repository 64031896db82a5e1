/* words.c - what apps say: of requests, of jobs, and their databases. */
#include <math.h>
#include <string.h>

#include "demo/model_impl.h"

enum { DATABASES_EVERY_S = 10, SLOW_MS = 1000 };

/* The app's own voice: of the dyno that has the request. */
static speaker voice(const demo_app *app, const demo_request *req)
{
    return model_dyno(app, &app->dynos[req->dyno]);
}

/* The platform's, of what is no dyno. */
static speaker addon(const demo_app *app, const char *process)
{
    return (speaker){app, DEMO_APP, PRI_PLATFORM, process, 0};
}

static const cast_route *route_of(const demo_app *app, const demo_request *req)
{
    return &app->of->routes[req->route];
}

/* Of the time of a request, what its database took. It follows from the request
 * alone, so that all lines of one agree. */
static double database_ms(const demo_app *app, const demo_request *req)
{
    double share = app->slow[req->route] > 1 ? .9 : .2 + req->from[3] / 800.0;

    return req->service_ms * share;
}

static const char *reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {302, "Found"},
                   {304, "Not Modified"},
                   {401, "Unauthorized"},
                   {404, "Not Found"},
                   {422, "Unprocessable Entity"}};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Internal Server Error";
}

/* Rails ------------------------------------------------------------------- */

static void rails_begin(demo_model *m, const demo_app *app,
                        const demo_request *req)
{
    const cast_route *route = route_of(app, req);
    speaker who = voice(app, req);
    char date[MODEL_DATE_BYTES];

    model_say(m, &who, "[%s] Started %s \"%s\" for %u.%u.%u.%u at %s", req->id,
              route->method, req->path, req->from[0], req->from[1],
              req->from[2], req->from[3], model_date(m, date));
    model_say(m, &who, "[%s] Processing by %s as HTML", req->id, route->action);
}

static void rails_end(demo_model *m, const demo_app *app,
                      const demo_request *req)
{
    speaker who = voice(app, req);
    double database = database_ms(app, req);

    model_say(m, &who,
              "[%s] Completed %u %s in %.0fms (Views: %.1fms | ActiveRecord: "
              "%.1fms | Allocations: %u)",
              req->id, req->status, reason_of(req->status), req->service_ms,
              (req->service_ms - database) * .8, database,
              900 + (unsigned)(req->service_ms * 61));
    if (req->status < 500)
        return;
    who.pri = PRI_APP_ERROR;
    model_say(m, &who,
              "[%s] NoMethodError (undefined method `price' for "
              "nil:NilClass): app/models/line_item.rb:%u:in `total'",
              req->id, 20 + req->from[3] % 40);
}

/* The others -------------------------------------------------------------- */

static void json_end(demo_model *m, const demo_app *app,
                     const demo_request *req)
{
    const cast_route *route = route_of(app, req);
    speaker who = voice(app, req);
    bool is_failed = req->status >= 500;
    double database = database_ms(app, req);

    if (is_failed)
        who.pri = PRI_APP_ERROR;
    model_say(m, &who,
              "{\"level\":\"%s\",\"msg\":\"%s\",\"action\":\"%s\","
              "\"request_id\":\"%s\",\"method\":\"%s\",\"path\":\"%s\","
              "\"status\":%u,\"duration_ms\":%.1f,\"db_ms\":%.1f}",
              is_failed ? "error" : "info",
              is_failed ? "upstream search: connection reset" : "request",
              route->action, req->id, route->method, req->path, req->status,
              req->service_ms, database);
    if (database > SLOW_MS)
        model_say(m, &who,
                  "level=warn at=slow_query request_id=%s "
                  "measure#db.query=%.0fms rows=%u table=orders "
                  "query=\"SELECT * FROM orders WHERE placed_on = $1\"",
                  req->id, database, (unsigned)(database * 40));
}

static void pairs_end(demo_model *m, const demo_app *app,
                      const demo_request *req)
{
    const cast_route *route = route_of(app, req);
    speaker who = voice(app, req);
    const char *level = req->status >= 500 ? "error" : "info";

    model_say(m, &who,
              "level=%s at=%s request_id=%s status=%u "
              "measure#%s.time=%.0fms count#%s",
              level, route->action, req->id, req->status, route->action,
              req->service_ms, route->action);
}

static void access_end(demo_model *m, const demo_app *app,
                       const demo_request *req)
{
    speaker who = voice(app, req);
    char date[MODEL_DATE_BYTES];

    model_say(m, &who,
              "%u.%u.%u.%u - - [%s] \"%s %s HTTP/1.1\" %u %u \"-\" "
              "\"Mozilla/5.0 (X11; Linux x86_64)\"",
              req->from[0], req->from[1], req->from[2], req->from[3],
              model_date(m, date), route_of(app, req)->method, req->path,
              req->status, req->bytes);
}

void words_begin(demo_model *m, const demo_app *app, const demo_request *req)
{
    if (app->of->style == STYLE_RAILS)
        rails_begin(m, app, req);
}

void words_end(demo_model *m, const demo_app *app, const demo_request *req)
{
    switch (app->of->style) {
    case STYLE_RAILS:
        rails_end(m, app, req);
        break;
    case STYLE_JSON:
        json_end(m, app, req);
        break;
    case STYLE_PAIRS:
        pairs_end(m, app, req);
        break;
    case STYLE_ACCESS:
        access_end(m, app, req);
        break;
    }
}

/* Jobs -------------------------------------------------------------------- */

/* One of those that are up; NULL: nobody works. */
static const demo_dyno *pick_worker(demo_model *m, const demo_app *app,
                                    const char *type)
{
    const demo_dyno *picked = NULL;
    uint32_t up = 0;

    for (unsigned i = 0; i < app->dyno_count; i++) {
        const demo_dyno *dyno = &app->dynos[i];

        if (dyno->phase == DYNO_UP && dyno_is(dyno, type) &&
            chance_below(&m->dice, ++up) == 0)
            picked = dyno;
    }
    return picked;
}

static void say_mail(demo_model *m, const speaker *who)
{
    static const char *const classes[] = {"ReceiptMailer", "InvoiceMailer",
                                          "DigestMailer", "InviteMailer"};
    const char *class = classes[chance_below(&m->dice, 4)];
    unsigned long long id = chance_next(&m->dice) & 0xffffffffffff;
    double ms = chance_lognormal(&m->dice, 180, .7);

    if (chance_is(&m->dice, .015))
        model_say(m, who,
                  "pid=4 class=%s jid=%012llx WARN: Net::SMTPServerBusy: 451 "
                  "try again later, retry in 14 s count#jobs.failed=1",
                  class, id);
    else
        model_say(m, who,
                  "pid=4 class=%s jid=%012llx elapsed=%.3f INFO: done "
                  "measure#job.time=%.0fms count#jobs.done=1",
                  class, id, ms / 1000, ms);
}

static void say_batch(demo_model *m, const speaker *who)
{
    unsigned rows = (unsigned)chance_lognormal(&m->dice, 400, .8);

    model_say(m, who,
              "at=batch table=events rows=%u count#rows=%u "
              "measure#batch.time=%.2fs unique#visitor=u%u sample#lag=%.1fs",
              rows, rows, rows / 2600.0 * chance_between(&m->dice, .7, 1.5),
              chance_below(&m->dice, 5000),
              chance_lognormal(&m->dice, 1.4, .5));
}

void words_job(demo_model *m, const demo_app *app)
{
    bool is_mail = app->of->jobs == JOBS_MAIL;
    const demo_dyno *dyno = pick_worker(m, app, is_mail ? "worker" : "ingest");
    speaker who;

    if (!dyno)
        return;
    who = model_dyno(app, dyno);
    if (is_mail)
        say_mail(m, &who);
    else
        say_batch(m, &who);
}

/* Databases --------------------------------------------------------------- */

static double slowest(const demo_app *app)
{
    double most = 1;

    for (unsigned i = 0; i < app->of->route_count; i++)
        most = fmax(most, app->slow[i]);
    return most;
}

static void say_postgres(demo_model *m, demo_app *app)
{
    speaker who = addon(app, "heroku-postgres");
    double load = chance_lognormal(&m->dice, .22 * sqrt(slowest(app)), .3);

    app->transactions += 400 + chance_below(&m->dice, 900);
    app->database_mb += chance_between(&m->dice, 0, .8);
    model_say(m, &who,
              "source=DATABASE addon=postgresql-round-%u "
              "sample#current_transaction=%u sample#db_size=%.0fbytes "
              "sample#tables=42 sample#active-connections=%u "
              "sample#waiting-connections=%u "
              "sample#index-cache-hit-rate=%.5f "
              "sample#table-cache-hit-rate=%.5f sample#load-avg-1m=%.3f "
              "sample#load-avg-5m=%.3f sample#load-avg-15m=%.3f "
              "sample#read-iops=%.2f sample#write-iops=%.2f "
              "sample#memory-total=4030264kB sample#memory-free=%ukB "
              "sample#memory-cached=%ukB sample#memory-postgres=%ukB",
              48151 + app->index, app->transactions, app->database_mb * 1048576,
              14 + chance_below(&m->dice, 9),
              load > 1 ? chance_below(&m->dice, 6) : 0,
              chance_between(&m->dice, .9985, .9999),
              chance_between(&m->dice, .991, .999), load, load * .8, load * .6,
              chance_lognormal(&m->dice, 3 * slowest(app), .6),
              chance_lognormal(&m->dice, 22, .4),
              88000 + chance_below(&m->dice, 40000),
              3220000 + chance_below(&m->dice, 90000),
              41000 + chance_below(&m->dice, 9000));
}

static void say_redis(demo_model *m, const demo_app *app)
{
    speaker who = addon(app, "heroku-redis");

    model_say(m, &who,
              "source=REDIS addon=redis-flat-%u sample#active-connections=%u "
              "sample#load-avg-1m=%.3f sample#load-avg-5m=%.3f "
              "sample#load-avg-15m=%.3f sample#read-iops=0 "
              "sample#write-iops=%.2f sample#memory-total=16084924kB "
              "sample#memory-free=%ukB sample#memory-cached=%ukB "
              "sample#memory-redis=%ubytes sample#hit-rate=%.5f "
              "sample#evicted-keys=0",
              62342 + app->index, 6 + chance_below(&m->dice, 8),
              chance_lognormal(&m->dice, .11, .3),
              chance_lognormal(&m->dice, .1, .1), .09,
              chance_lognormal(&m->dice, 2, .5),
              11000000 + chance_below(&m->dice, 90000),
              2900000 + chance_below(&m->dice, 40000),
              18200000 + chance_below(&m->dice, 900000),
              chance_between(&m->dice, .97, .995));
}

/* How much there is left to do, by the process that knows. */
static void say_backlog(demo_model *m, const demo_app *app)
{
    const demo_dyno *dyno =
        pick_worker(m, app, app->of->jobs == JOBS_MAIL ? "worker" : "clock");
    speaker who;

    if (!dyno)
        return;
    who = model_dyno(app, dyno);
    model_say(m, &who,
              "at=stats sample#queue.depth=%.0f sample#queue.age=%.1fs",
              chance_lognormal(&m->dice, 12 * app->surge, .4),
              chance_lognormal(&m->dice, .8 * app->surge, .4));
}

void words_databases(demo_model *m, demo_app *app)
{
    if (m->now_ns < app->database_ns)
        return;
    app->database_ns = m->now_ns + DATABASES_EVERY_S * SECOND_NS;
    if (app->of->has_postgres)
        say_postgres(m, app);
    if (app->of->has_redis)
        say_redis(m, app);
    if (app->of->jobs != JOBS_NONE)
        say_backlog(m, app);
}
