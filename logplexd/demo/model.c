/* model.c - the model's time, and how a line of it is made. */
#include "demo/model.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "demo/model_impl.h"
#include "logplex/timestamp.h"

enum { FIRST_JOB_MS = 300 };

/* Saying something -------------------------------------------------------- */

void model_say(demo_model *m, const speaker *who, const char *format, ...)
{
    char msg[DEMO_MSG_MAX_BYTES];
    demo_line line;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(msg, sizeof(msg), format, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < sizeof(msg));
    line.app = who->app->index;
    line.source = who->source;
    line.pri = who->pri;
    line.process = who->process;
    line.time_ns = m->begin_ns + m->now_ns + who->skew_ms * MS_NS;
    line.msg = lp_span_of(msg, (size_t)n);
    m->emit(m->ctx, &line);
}

speaker model_platform(const demo_app *app, const demo_dyno *dyno)
{
    return (speaker){app, DEMO_HEROKU, PRI_DYNO, dyno->name, 0};
}

speaker model_dyno(const demo_app *app, const demo_dyno *dyno)
{
    return (speaker){app, DEMO_APP, PRI_APP, dyno->name, dyno->of->skew_ms};
}

const char *model_date(const demo_model *m, char out[MODEL_DATE_BYTES])
{
    char iso[LP_TIMESTAMP_MAX_BYTES];

    lp_timestamp_print(m->begin_ns + m->now_ns, 0, iso);
    snprintf(out, MODEL_DATE_BYTES, "%.10s %.8s +0000", iso, iso + 11);
    return out;
}

/* How often things come --------------------------------------------------- */

/* A day of an app is some minutes long; the days of two apps are not alike. */
static double wave(const demo_model *m, const demo_app *app)
{
    double days = (double)m->now_ns / (double)SECOND_NS / app->of->wave_s;

    return 1 + .35 * sin(6.283185307179586 * (days + app->index / 6.0));
}

static void plan_next(demo_model *m, const demo_app *app, event_kind kind,
                      double per_s)
{
    double gap_s;

    if (per_s <= 0)
        return;
    per_s *= m->scale * app->surge * wave(m, app);
    gap_s = chance_exponential(&m->dice, 1 / per_s);
    // A gap is drawn at the rate of now, which may be that of a night.
    gap_s = fmin(gap_s, 15);
    agenda_add(&m->plan, m->now_ns + (int64_t)(gap_s * (double)SECOND_NS), kind,
               app->index);
}

static void tick(demo_model *m, demo_app *app)
{
    script_tick(m, app);
    dynos_tick(m, app);
    words_databases(m, app);
    agenda_add(&m->plan, m->now_ns + TICK_NS, EVENT_TICK, app->index);
}

static void happen(demo_model *m, const agenda_event *event)
{
    demo_app *app = &m->apps[event->what < CAST_APPS ? event->what : 0];

    switch ((event_kind)event->kind) {
    case EVENT_TICK:
        tick(m, app);
        break;
    case EVENT_ARRIVAL:
        plan_next(m, app, EVENT_ARRIVAL, app->of->requests_per_s);
        request_arrive(m, app);
        break;
    case EVENT_JOB:
        plan_next(m, app, EVENT_JOB, app->of->jobs_per_s);
        words_job(m, app);
        break;
    case EVENT_ROUTE:
        request_route(m, event->what);
        break;
    case EVENT_DONE:
        request_done(m, event->what);
        break;
    }
}

/* A model ----------------------------------------------------------------- */

static void open_app(demo_model *m, unsigned index)
{
    demo_app *app = &m->apps[index];
    const cast_app *of = &cast[index];

    app->of = of;
    app->index = index;
    app->surge = app->stretch = 1;
    app->release = 20 + chance_below(&m->dice, 80);
    app->transactions = chance_below(&m->dice, 1000000);
    app->database_mb = chance_between(&m->dice, 900, 6000);
    for (unsigned i = 0; i < of->route_count; i++)
        app->slow[i] = 1;
    dynos_open(m, app);
    // Ticks of two apps never fall together, so that no order has to be known.
    agenda_add(&m->plan, (int64_t)index * MS_NS, EVENT_TICK, index);
    plan_next(m, app, EVENT_ARRIVAL, of->requests_per_s);
    if (of->jobs_per_s > 0)
        agenda_add(&m->plan, FIRST_JOB_MS * MS_NS, EVENT_JOB, index);
}

demo_model *demo_model_create(uint64_t seed, uint32_t lines_per_s,
                              int64_t begin_ns)
{
    demo_model *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->requests = calloc(REQUESTS_MAX, sizeof(*m->requests));
    if (!m->requests || !agenda_init(&m->plan, REQUESTS_MAX + 3 * CAST_APPS)) {
        demo_model_destroy(m);
        return NULL;
    }
    m->begin_ns = begin_ns;
    m->dice.state = seed;
    m->scale = lines_per_s / cast_lines_per_s;
    for (uint32_t i = 0; i < REQUESTS_MAX; i++)
        m->requests[i].next_free = i + 1;
    for (unsigned i = 0; i < CAST_APPS; i++)
        open_app(m, i);
    return m;
}

void demo_model_destroy(demo_model *m)
{
    if (!m)
        return;
    agenda_fini(&m->plan);
    free(m->requests);
    free(m);
}

void demo_model_run(demo_model *m, int64_t until_ns, demo_emit emit, void *ctx)
{
    int64_t until = until_ns - m->begin_ns;
    agenda_event event;

    m->emit = emit;
    m->ctx = ctx;
    while (agenda_take(&m->plan, until, &event)) {
        m->now_ns = event.due_ns;
        happen(m, &event);
    }
    if (until > m->now_ns)
        m->now_ns = until;
}

int64_t demo_model_now(const demo_model *m)
{
    return m->begin_ns + m->now_ns;
}

void demo_model_shift(demo_model *m, int64_t by_ns)
{
    m->begin_ns += by_ns;
}
