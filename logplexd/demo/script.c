/* script.c - what happens to apps, step by step, and over again. */
#include <stdio.h>
#include <string.h>

#include "demo/model_impl.h"

typedef void (*act_function)(demo_model *m, demo_app *app,
                             const cast_step *step);

/* "api" is the process by which the platform tells who changed what. */
static speaker api_of(const demo_app *app)
{
    return (speaker){app, DEMO_APP, PRI_PLATFORM, "api", 0};
}

static void surge(demo_model *m, demo_app *app, const cast_step *step)
{
    (void)m;
    app->surge = step->amount;
}

static void slow(demo_model *m, demo_app *app, const cast_step *step)
{
    for (unsigned i = 0; i < app->of->route_count; i++) {
        if (strcmp(app->of->routes[i].path, step->on) == 0)
            app->slow[i] =
                step->amount > 1
                    ? step->amount * chance_between(&m->dice, .8, 1.2)
                    : 1;
    }
}

static void hang(demo_model *m, demo_app *app, const cast_step *step)
{
    (void)m;
    app->hang = step->amount;
}

static void fail(demo_model *m, demo_app *app, const cast_step *step)
{
    (void)m;
    app->fail = step->amount;
}

static void drop(demo_model *m, demo_app *app, const cast_step *step)
{
    (void)m;
    app->drop = step->amount;
}

static void leak(demo_model *m, demo_app *app, const cast_step *step)
{
    for (unsigned i = 0; i < app->dyno_count; i++) {
        if (dyno_is(&app->dynos[i], step->on))
            app->dynos[i].leak_mb_s =
                step->amount * chance_between(&m->dice, .9, 1.1);
    }
}

static void boot(demo_model *m, demo_app *app, const cast_step *step)
{
    (void)m;
    for (unsigned i = 0; i < app->of->process_count; i++) {
        if (strcmp(app->of->processes[i].type, step->on) == 0)
            app->boots[i] = (cast_boot)step->amount;
    }
}

static void crash(demo_model *m, demo_app *app, const cast_step *step)
{
    for (unsigned i = 0; i < app->dyno_count; i++) {
        demo_dyno *dyno = &app->dynos[i];

        if (dyno->phase == DYNO_UP && dyno_is(dyno, step->on))
            dyno_crash(m, app, dyno, 1);
    }
}

static void restart_all(demo_model *m, demo_app *app, const char *on,
                        const char *word)
{
    for (unsigned i = 0; i < app->dyno_count; i++) {
        demo_dyno *dyno = &app->dynos[i];

        if (dyno->is_wanted && (!on || dyno_is(dyno, on)))
            dyno_restart(m, app, dyno, word);
    }
}

static void cycle(demo_model *m, demo_app *app, const cast_step *step)
{
    restart_all(m, app, step->on, "Cycling");
}

static void say(demo_model *m, demo_app *app, const cast_step *step)
{
    speaker who = api_of(app);

    model_say(m, &who, "%s", step->on);
}

static void deploy(demo_model *m, demo_app *app, const cast_step *step)
{
    speaker who = api_of(app);

    model_say(m, &who, "Deploy %08x by user %s",
              chance_below(&m->dice, UINT32_MAX), step->on);
    model_say(m, &who, "Release v%u created by user %s", ++app->release,
              step->on);
    model_say(m, &who, "Build succeeded");
    restart_all(m, app, NULL, "Restarting");
}

static void roll_back(demo_model *m, demo_app *app, const cast_step *step)
{
    speaker who = api_of(app);

    model_say(m, &who, "Rollback to v%u by user %s", app->release - 1,
              step->on);
    model_say(m, &who, "Release v%u created by user %s", ++app->release,
              step->on);
    restart_all(m, app, NULL, "Restarting");
}

static unsigned count_wanted(const demo_app *app, const char *type)
{
    unsigned count = 0;

    for (unsigned i = 0; i < app->dyno_count; i++)
        count += app->dynos[i].is_wanted && dyno_is(&app->dynos[i], type);
    return count;
}

static void stop_last(demo_model *m, demo_app *app, const char *type,
                      unsigned number)
{
    char name[24];

    snprintf(name, sizeof(name), "%s.%u", type, number);
    for (unsigned i = 0; i < app->dyno_count; i++) {
        if (app->dynos[i].is_wanted && dyno_is(&app->dynos[i], name))
            dyno_stop(m, app, &app->dynos[i]);
    }
}

static void scale(demo_model *m, demo_app *app, const cast_step *step)
{
    speaker who = api_of(app);
    unsigned count = count_wanted(app, step->on);
    unsigned wanted = (unsigned)step->amount;

    model_say(m, &who, "Scaled to %s@%u:Standard-1X by user ops@example.com",
              step->on, wanted);
    while (count > wanted)
        stop_last(m, app, step->on, count--);
    while (count < wanted) {
        demo_dyno *dyno = dyno_place(m, app, step->on, ++count);

        if (!dyno)
            return;
        dyno->is_wanted = true;
        dyno_boot(m, app, dyno);
    }
}

static void maintain(demo_model *m, demo_app *app, const cast_step *step)
{
    speaker who = api_of(app);

    app->is_in_maintenance = step->amount > 0;
    model_say(m, &who, "Maintenance mode %s by user ops@example.com",
              app->is_in_maintenance ? "enabled" : "disabled");
}

static void overflow(demo_model *m, demo_app *app, const cast_step *step)
{
    speaker who = {app, DEMO_HEROKU, PRI_LOSS, "logplex", 0};
    char date[MODEL_DATE_BYTES];

    model_date(m, date);
    model_say(m, &who,
              "Error L10 (output buffer overflow): %.0f messages dropped since "
              "%.10sT%.8s+00:00.",
              step->amount, date, date + 11);
}

static void run(demo_model *m, demo_app *app, const cast_step *step)
{
    demo_dyno *dyno =
        dyno_place(m, app, step->on, 1000 + chance_below(&m->dice, 9000));

    if (!dyno)
        return;
    dyno->run_s = step->amount;
    dyno_boot(m, app, dyno);
}

static const act_function acts[CAST_ACTS] = {
    [ACT_SURGE] = surge,       [ACT_SLOW] = slow,
    [ACT_HANG] = hang,         [ACT_FAIL] = fail,
    [ACT_DROP] = drop,         [ACT_LEAK] = leak,
    [ACT_BOOT] = boot,         [ACT_CRASH] = crash,
    [ACT_CYCLE] = cycle,       [ACT_SAY] = say,
    [ACT_DEPLOY] = deploy,     [ACT_ROLLBACK] = roll_back,
    [ACT_SCALE] = scale,       [ACT_MAINTENANCE] = maintain,
    [ACT_OVERFLOW] = overflow, [ACT_RUN] = run,
};

static int64_t after(const demo_app *app, double s)
{
    return app->cycle_ns + (int64_t)(s * app->stretch * (double)SECOND_NS);
}

void script_tick(demo_model *m, demo_app *app)
{
    const cast_app *of = app->of;

    while (app->step < of->step_count &&
           after(app, of->steps[app->step].at_s) <= m->now_ns) {
        const cast_step *step = &of->steps[app->step++];

        acts[step->act](m, app, step);
    }
    if (app->step == of->step_count && after(app, of->cycle_s) <= m->now_ns) {
        app->cycle_ns = after(app, of->cycle_s);
        app->stretch = chance_between(&m->dice, .9, 1.25);
        app->step = 0;
    }
}
