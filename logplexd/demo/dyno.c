/*
 * dyno.c - dynos: how they start, grow, are measured, and end.
 *
 *     down --boot--> starting --> up --restart--> stopping --+--> starting
 *                      |  ^       |                          |
 *                 R10  v  |       v  exit, R15               +--> down
 *                     crashed <---+
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "demo/model_impl.h"

enum {
    SAMPLE_EVERY_S = 20,
    SAMPLE_SOON_S = 4, /* the first ones of a life, at most */
    BOOT_LIMIT_S = 60,
    STOP_LIMIT_MS = 30000,
    CRASHED_FOR_S = 9,
    STATUS_KILLED = 137,
    STATUS_TERMINATED = 143
};

static const char *const phase_names[] = {"down", "starting", "up", "stopping",
                                          "crashed"};

bool dyno_is(const demo_dyno *dyno, const char *name)
{
    return strcmp(dyno->name, name) == 0 || strcmp(dyno->of->type, name) == 0;
}

static void change_state(demo_model *m, const demo_app *app, demo_dyno *dyno,
                         const char *from, dyno_phase to)
{
    speaker who = model_platform(app, dyno);

    model_say(m, &who, "State changed from %s to %s", from, phase_names[to]);
    dyno->phase = to;
}

static void due_in(const demo_model *m, demo_dyno *dyno, double s)
{
    dyno->due_ns = m->now_ns + (int64_t)(s * (double)SECOND_NS);
}

static void say_exit(demo_model *m, const demo_app *app, const demo_dyno *dyno,
                     unsigned status)
{
    speaker who = model_platform(app, dyno);

    model_say(m, &who, "Process exited with status %u", status);
}

/* Everything that it had under way is gone. */
static void end_life(demo_dyno *dyno)
{
    dyno->lives++;
    dyno->under_way = 0;
    dyno->due_ns = 0;
}

/* The first samples come soon, so that nobody who has just come misses them. Two
 * dynos rarely have theirs together. */
static void begin_samples(demo_model *m, demo_dyno *dyno)
{
    dyno->sampled_ns = m->now_ns;
    dyno->sample_ns =
        m->now_ns + (int64_t)(chance_between(&m->dice, 1, SAMPLE_SOON_S) *
                              (double)SECOND_NS);
}

/* Starting ---------------------------------------------------------------- */

static cast_boot boot_of(const demo_app *app, const demo_dyno *dyno)
{
    return app->boots[dyno->of - app->of->processes];
}

void dyno_boot(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_platform(app, dyno);

    model_say(m, &who, "Starting process with command `%s`", dyno->of->command);
    dyno->phase = DYNO_STARTING;
    dyno->leaked_mb = dyno->leak_mb_s = 0;
    chance_uuid(&m->dice, dyno->uuid); // it is another machine
    if (boot_of(app, dyno) == BOOT_TIMES_OUT)
        due_in(m, dyno, BOOT_LIMIT_S);
    else
        due_in(m, dyno, chance_between(&m->dice, 2.5, 5));
}

static void come_up(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_dyno(app, dyno);

    if (dyno_is(dyno, "web"))
        model_say(m, &who, "Listening on http://0.0.0.0:%u",
                  20000 + chance_below(&m->dice, 30000));
    change_state(m, app, dyno, "starting", DYNO_UP);
    dyno->up_ns = m->now_ns;
    dyno->due_ns = 0;
    begin_samples(m, dyno);
    if (dyno->run_s > 0)
        due_in(m, dyno, dyno->run_s);
}

static void boot_times_out(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_platform(app, dyno);

    model_say(m, &who,
              "Error R10 (Boot timeout) -> Web process failed to bind to $PORT "
              "within 60 seconds of launch");
    model_say(m, &who, "Stopping process with SIGKILL");
    dyno_crash(m, app, dyno, STATUS_KILLED);
}

static void end_boot(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_dyno(app, dyno);

    switch (boot_of(app, dyno)) {
    case BOOT_TIMES_OUT:
        boot_times_out(m, app, dyno);
        break;
    case BOOT_CRASHES:
        who.pri = PRI_APP_ERROR;
        model_say(m, &who,
                  "Traceback: KeyError: 'PROVIDER_URL' (config/settings.py)");
        dyno_crash(m, app, dyno, 1);
        break;
    case BOOT_WELL:
    default:
        come_up(m, app, dyno);
    }
}

/* Ending ------------------------------------------------------------------ */

void dyno_crash(demo_model *m, const demo_app *app, demo_dyno *dyno,
                unsigned status)
{
    const char *from = phase_names[dyno->phase];

    end_life(dyno);
    say_exit(m, app, dyno, status);
    change_state(m, app, dyno, from, DYNO_CRASHED);
    due_in(m, dyno, CRASHED_FOR_S);
}

static void tell_to_stop(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_platform(app, dyno);

    model_say(m, &who, "Stopping all processes with SIGTERM");
    dyno->phase = DYNO_STOPPING;
    due_in(m, dyno, fmin(dyno->of->stop_ms, STOP_LIMIT_MS) / 1000);
}

void dyno_restart(demo_model *m, const demo_app *app, demo_dyno *dyno,
                  const char *word)
{
    speaker who = model_platform(app, dyno);
    const char *from = phase_names[dyno->phase];

    if (dyno->phase == DYNO_STOPPING)
        return; // it is already going to
    model_say(m, &who, "%s", word);
    if (dyno->phase != DYNO_STARTING)
        change_state(m, app, dyno, from, DYNO_STARTING);
    if (strcmp(from, "crashed") == 0)
        dyno_boot(m, app, dyno);
    else
        tell_to_stop(m, app, dyno);
}

void dyno_stop(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    dyno->is_wanted = false;
    if (dyno->phase == DYNO_CRASHED)
        dyno->phase = DYNO_DOWN;
    else if (dyno->phase != DYNO_STOPPING)
        tell_to_stop(m, app, dyno);
}

static void end_stop(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_platform(app, dyno);
    bool is_slow = dyno->of->stop_ms > STOP_LIMIT_MS;

    if (is_slow) {
        model_say(m, &who,
                  "Error R12 (Exit timeout) -> At least one process failed to "
                  "exit within 30 seconds of SIGTERM");
        model_say(m, &who, "Stopping remaining processes with SIGKILL");
    }
    end_life(dyno);
    say_exit(m, app, dyno, is_slow ? STATUS_KILLED : STATUS_TERMINATED);
    if (dyno->is_wanted)
        dyno_boot(m, app, dyno);
    else
        change_state(m, app, dyno, "up", DYNO_DOWN);
}

/* A one-off dyno has done what it was started for. */
static void end_run(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    speaker who = model_platform(app, dyno);

    end_life(dyno);
    say_exit(m, app, dyno, 0);
    model_say(m, &who, "State changed from up to complete");
    dyno->phase = DYNO_DOWN;
}

static void end_phase(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    dyno->due_ns = 0;
    switch (dyno->phase) {
    case DYNO_STARTING:
        end_boot(m, app, dyno);
        break;
    case DYNO_STOPPING:
        end_stop(m, app, dyno);
        break;
    case DYNO_CRASHED:
        change_state(m, app, dyno, "crashed", DYNO_STARTING);
        dyno_boot(m, app, dyno);
        break;
    case DYNO_UP:
        end_run(m, app, dyno);
        break;
    case DYNO_DOWN:
        break;
    }
}

/* Measuring --------------------------------------------------------------- */

/* It warms up in the first minute, and breathes. */
static double memory_mb(demo_model *m, const demo_dyno *dyno)
{
    double age_s = (double)(m->now_ns - dyno->up_ns) / (double)SECOND_NS;
    double warm = 1 - .4 * exp(-age_s / 18);

    return dyno->of->memory_mb * warm * chance_between(&m->dice, .985, 1.015) +
           dyno->leaked_mb;
}

static void take_load(demo_model *m, demo_dyno *dyno)
{
    static const double over_s[] = {60, 300, 900};
    double since_s = (double)(m->now_ns - dyno->sampled_ns) / (double)SECOND_NS;
    double now = dyno->busy_ms / (since_s * 1000.0) * 1.3 +
                 chance_between(&m->dice, 0, .06);

    for (unsigned i = 0; i < 3; i++)
        dyno->load[i] +=
            (now - dyno->load[i]) * (1 - exp(-since_s / over_s[i]));
    dyno->busy_ms = 0;
    dyno->sampled_ns = m->now_ns;
}

typedef struct memory {
    double total_mb, rss_mb, cache_mb, swap_mb;
    unsigned in_pages, out_pages;
} memory;

static memory take_memory(demo_model *m, const demo_dyno *dyno)
{
    memory out = {.total_mb = memory_mb(m, dyno)};

    out.cache_mb = out.total_mb * .04;
    out.swap_mb = fmax(0, out.total_mb - dyno->of->quota_mb);
    out.rss_mb = out.total_mb - out.cache_mb - out.swap_mb;
    out.in_pages = (unsigned)(out.total_mb * 420);
    out.out_pages = (unsigned)(out.total_mb * 300);
    return out;
}

static void say_samples(demo_model *m, const demo_app *app,
                        const demo_dyno *dyno, const memory *mem)
{
    speaker who = model_platform(app, dyno);
    unsigned user = 2808254 + app->index;

    model_say(m, &who,
              "source=%s dyno=heroku.%u.%s sample#load_avg_1m=%.2f "
              "sample#load_avg_5m=%.2f sample#load_avg_15m=%.2f",
              dyno->name, user, dyno->uuid, dyno->load[0], dyno->load[1],
              dyno->load[2]);
    model_say(m, &who,
              "source=%s dyno=heroku.%u.%s sample#memory_total=%.2fMB "
              "sample#memory_rss=%.2fMB sample#memory_cache=%.2fMB "
              "sample#memory_swap=%.2fMB sample#memory_pgpgin=%upages "
              "sample#memory_pgpgout=%upages sample#memory_quota=%.2fMB",
              dyno->name, user, dyno->uuid, mem->total_mb, mem->rss_mb,
              mem->cache_mb, mem->swap_mb, mem->in_pages, mem->out_pages,
              dyno->of->quota_mb);
}

static void say_old_samples(demo_model *m, const demo_app *app,
                            const demo_dyno *dyno, const memory *mem)
{
    speaker who = model_platform(app, dyno);
    const struct {
        const char *name, *units;
        double value;
    } samples[] = {{"load_avg_1m", "", dyno->load[0]},
                   {"load_avg_5m", "", dyno->load[1]},
                   {"load_avg_15m", "", dyno->load[2]},
                   {"memory_total", " units=MB", mem->total_mb},
                   {"memory_rss", " units=MB", mem->rss_mb},
                   {"memory_cache", " units=MB", mem->cache_mb},
                   {"memory_swap", " units=MB", mem->swap_mb}};

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
        model_say(m, &who, "source=%s measure=%s val=%.2f%s", dyno->name,
                  samples[i].name, samples[i].value, samples[i].units);
}

static void hold_to_quota(demo_model *m, const demo_app *app, demo_dyno *dyno,
                          double total_mb)
{
    speaker who = model_platform(app, dyno);
    double share = total_mb / dyno->of->quota_mb;

    if (share <= 1)
        return;
    model_say(m, &who, "Process running mem=%.0fM(%.1f%%)", total_mb,
              share * 100);
    if (share < 2) {
        model_say(m, &who, "Error R14 (Memory quota exceeded)");
        return;
    }
    model_say(m, &who, "Error R15 (Memory quota vastly exceeded)");
    model_say(m, &who, "Stopping process with SIGKILL");
    dyno_crash(m, app, dyno, STATUS_KILLED);
}

static void sample(demo_model *m, const demo_app *app, demo_dyno *dyno)
{
    bool is_first = dyno->sampled_ns + SAMPLE_SOON_S * SECOND_NS > m->now_ns;
    memory mem;

    // Behind the first ones they spread over the time that there is.
    dyno->sample_ns += is_first
                           ? (int64_t)(chance_between(&m->dice, SAMPLE_SOON_S,
                                                      SAMPLE_EVERY_S) *
                                       (double)SECOND_NS)
                           : SAMPLE_EVERY_S * SECOND_NS;
    take_load(m, dyno);
    mem = take_memory(m, dyno);
    if (app->of->is_old)
        say_old_samples(m, app, dyno, &mem);
    else
        say_samples(m, app, dyno, &mem);
    hold_to_quota(m, app, dyno, mem.total_mb);
}

void dynos_tick(demo_model *m, demo_app *app)
{
    for (unsigned i = 0; i < app->dyno_count; i++) {
        demo_dyno *dyno = &app->dynos[i];

        dyno->leaked_mb += dyno->leak_mb_s * TICK_NS / (double)SECOND_NS;
        if (dyno->due_ns != 0 && dyno->due_ns <= m->now_ns)
            end_phase(m, app, dyno);
        if (dyno->phase == DYNO_UP && dyno->sample_ns <= m->now_ns)
            sample(m, app, dyno);
    }
}

/* Those that there are ---------------------------------------------------- */

demo_dyno *dyno_place(demo_model *m, demo_app *app, const char *type,
                      unsigned number)
{
    const cast_process *of = app->of->processes;
    demo_dyno *dyno = NULL;

    while (strcmp(of->type, type) != 0)
        of++;
    for (unsigned i = 0; i < app->dyno_count && !dyno; i++) {
        if (app->dynos[i].of == of && app->dynos[i].phase == DYNO_DOWN)
            dyno = &app->dynos[i];
    }
    if (!dyno && app->dyno_count == CAST_DYNOS_MAX)
        return NULL;
    if (!dyno)
        dyno = &app->dynos[app->dyno_count++];
    *dyno = (demo_dyno){.of = of, .lives = dyno->lives + 1};
    snprintf(dyno->name, sizeof(dyno->name), "%s.%u", type, number);
    chance_uuid(&m->dice, dyno->uuid);
    return dyno;
}

/* They have been up for an hour. */
void dynos_open(demo_model *m, demo_app *app)
{
    for (unsigned p = 0; p < app->of->process_count; p++) {
        const cast_process *of = &app->of->processes[p];

        for (unsigned i = 1; i <= of->count; i++) {
            demo_dyno *dyno = dyno_place(m, app, of->type, i);

            dyno->is_wanted = true;
            dyno->phase = DYNO_UP;
            dyno->up_ns = -3600 * SECOND_NS;
            begin_samples(m, dyno);
            dyno->load[0] = dyno->load[1] = dyno->load[2] =
                chance_between(&m->dice, .1, .4);
        }
    }
}
