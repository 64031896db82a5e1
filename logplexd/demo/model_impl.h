/*
 * model_impl.h - what the files of the model share: model.c (time, and how a
 * line is made), request.c, words.c (what apps say), dyno.c, script.c.
 *
 * All times in here are since the model's beginning.
 */
#ifndef LOGPLEXD_MODEL_IMPL_H
#define LOGPLEXD_MODEL_IMPL_H

#include "demo/agenda.h"
#include "demo/cast.h"
#include "demo/chance.h"
#include "demo/model.h"

#define SECOND_NS INT64_C(1000000000)
#define MS_NS     INT64_C(1000000)

enum {
    REQUESTS_MAX = 32768, /* under way, of all apps together */
    TICK_NS = 100 * 1000 * 1000,
    NO_DYNO = UINT8_MAX
};

/* Facility and severity, as Heroku has them. */
enum {
    PRI_DYNO = 45,       /* syslog.notice: the platform, of dynos   */
    PRI_PLATFORM = 134,  /* local0.info: the platform, of all else  */
    PRI_ROUTER = 158,    /* local3.info, whatever happened          */
    PRI_LOSS = 172,      /* local5.warning: lines that did not come */
    PRI_APP_ERROR = 187, /* local7.error: what a process complains  */
    PRI_APP = 190        /* local7.info: what a process prints      */
};

typedef enum event_kind {
    EVENT_TICK,    /* what: the app. Its dynos, script and databases */
    EVENT_ARRIVAL, /* what: the app */
    EVENT_JOB,     /* what: the app */
    EVENT_ROUTE,   /* what: the request, which waits for a dyno */
    EVENT_DONE     /* what: the request */
} event_kind;

typedef enum dyno_phase {
    DYNO_DOWN,
    DYNO_STARTING,
    DYNO_UP,
    DYNO_STOPPING,
    DYNO_CRASHED
} dyno_phase;

typedef struct demo_dyno {
    const cast_process *of;
    char name[24];
    char uuid[CHANCE_UUID_BYTES];
    dyno_phase phase;
    bool is_wanted; /* boots again when it has stopped */
    double run_s;   /* of one that ends by itself; 0: it does not */
    unsigned lives; /* what began in an earlier one is cut off */
    unsigned under_way;
    int64_t due_ns;           /* of what its phase leads to; 0: to nothing */
    int64_t sample_ns, up_ns; /* when it is measured; since when it is up */
    int64_t sampled_ns;       /* when it was, or began to be   */
    int64_t free_ns; /* of the older stack: when nobody waits any more */
    double leak_mb_s, leaked_mb;
    double busy_ms; /* since the last sample */
    double load[3]; /* averages of 1, 5 and 15 minutes */
} demo_dyno;

typedef struct demo_app {
    const cast_app *of;
    unsigned index;
    demo_dyno dynos[CAST_DYNOS_MAX];
    unsigned dyno_count;
    cast_boot boots[CAST_DYNOS_MAX]; /* by process of the tables */
    double slow[CAST_ROUTES_MAX];
    double surge, hang, fail, drop;
    bool is_in_maintenance;
    unsigned release;
    unsigned step; /* the next one */
    int64_t cycle_ns;
    double stretch; /* of this cycle */
    int64_t database_ns;
    double database_mb;
    unsigned transactions;
} demo_app;

/* How a request ends. */
typedef enum fate {
    FATE_ANSWERED,
    FATE_HANGS,
    FATE_DROPPED,
    FATE_GIVEN_UP /* by the client */
} fate;

typedef struct demo_request {
    uint32_t next_free; /* when it is nobody's */
    uint8_t app, route, dyno, fate;
    unsigned dyno_life;
    unsigned status, bytes;
    unsigned wait_ms, queue; /* of the older stack */
    double service_ms;
    int64_t begun_ns, routed_ns;
    uint8_t from[4]; /* whose request it is */
    char id[CHANCE_UUID_BYTES];
    char path[96];
} demo_request;

struct demo_model {
    int64_t now_ns, begin_ns;
    double scale; /* of requests and jobs */
    chance dice;
    agenda plan;
    demo_app apps[CAST_APPS];
    demo_request *requests;
    uint32_t first_free;
    demo_emit emit; /* for as long as a run lasts */
    void *ctx;
};

/* model.c: who says something, and what. */
typedef struct speaker {
    const demo_app *app;
    demo_source source;
    unsigned pri;
    const char *process;
    int skew_ms;
} speaker;

void model_say(demo_model *m, const speaker *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The platform of a dyno, and the dyno itself. */
speaker model_platform(const demo_app *app, const demo_dyno *dyno);
speaker model_dyno(const demo_app *app, const demo_dyno *dyno);

/* "2026-11-26 04:19:20 +0000", of now. */
enum { MODEL_DATE_BYTES = 32 };
const char *model_date(const demo_model *m, char out[MODEL_DATE_BYTES]);

/* request.c */
void request_arrive(demo_model *m, demo_app *app);
void request_route(demo_model *m, uint32_t index);
void request_done(demo_model *m, uint32_t index);

/* words.c: of a request, when it begins and when it is answered; of a job; of
 * the databases. */
void words_begin(demo_model *m, const demo_app *app, const demo_request *req);
void words_end(demo_model *m, const demo_app *app, const demo_request *req);
void words_job(demo_model *m, const demo_app *app);
void words_databases(demo_model *m, demo_app *app);

/* dyno.c */
void dynos_open(demo_model *m, demo_app *app);
void dynos_tick(demo_model *m, demo_app *app);
void dyno_boot(demo_model *m, const demo_app *app, demo_dyno *dyno);
void dyno_crash(demo_model *m, const demo_app *app, demo_dyno *dyno,
                unsigned status);
void dyno_stop(demo_model *m, const demo_app *app, demo_dyno *dyno);
void dyno_restart(demo_model *m, const demo_app *app, demo_dyno *dyno,
                  const char *word);

/* "worker.1" and "worker" are both it. */
bool dyno_is(const demo_dyno *dyno, const char *name);

/* A dyno of this type that is down, or a place for one, named behind its type
 * and number; NULL: there are too many. */
demo_dyno *dyno_place(demo_model *m, demo_app *app, const char *type,
                      unsigned number);

/* script.c: takes the steps whose time has come. */
void script_tick(demo_model *m, demo_app *app);

#endif /* LOGPLEXD_MODEL_IMPL_H */
