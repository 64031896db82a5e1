/*
 * cast.h - who plays in the demo: apps, what they are asked for, what runs, and
 * what happens to them. Nothing but tables.
 */
#ifndef LOGPLEXD_CAST_H
#define LOGPLEXD_CAST_H

#include <stdbool.h>
#include <stdint.h>

enum { CAST_APPS = 6, CAST_ROUTES_MAX = 8, CAST_DYNOS_MAX = 8 };

/* What an app logs of a request. */
typedef enum cast_style {
    STYLE_RAILS, /* three lines, tagged with the request's id */
    STYLE_JSON,  /* an object, and a line of pairs when it was slow */
    STYLE_PAIRS, /* with measures by convention */
    STYLE_ACCESS /* that of a web server */
} cast_style;

/* What it logs of a job, when it has jobs. */
typedef enum cast_jobs { JOBS_NONE, JOBS_MAIL, JOBS_BATCH } cast_jobs;

typedef struct cast_route {
    unsigned weight; /* of all requests: this, by the sum of all weights */
    const char *method;
    const char *path; /* # is a number, $ a UUID, ~ a word, ^ a digest */
    const char *action;
    double median_ms, sigma; /* of log-normal service times */
    unsigned status;         /* when all is well */
    unsigned bytes;          /* about as many */
} cast_route;

typedef struct cast_process {
    const char *type;
    const char *command;
    unsigned count;
    double memory_mb, quota_mb; /* what it takes once it is warm, and may */
    unsigned stop_ms; /* from SIGTERM to its end; the platform waits 30 s */
    int skew_ms;      /* of its clock */
} cast_process;

/* What can happen; script.c knows how. */
typedef enum cast_act {
    ACT_SURGE,       /* amount: requests and jobs, 1 is as ever           */
    ACT_SLOW,        /* on (path): amount times as slow                   */
    ACT_HANG,        /* amount: the share of requests that hang           */
    ACT_FAIL,        /* amount: the share that is answered with 500       */
    ACT_DROP,        /* amount: the share whose connection is cut         */
    ACT_LEAK,        /* on (dyno): amount MB a second                     */
    ACT_BOOT,        /* on (type): amount, a cast_boot                   */
    ACT_CRASH,       /* on (dyno or type)                                 */
    ACT_CYCLE,       /* on (dyno or type): the platform's daily restart   */
    ACT_SAY,         /* on: a line of the platform's                      */
    ACT_DEPLOY,      /* a release, and all dynos restart                  */
    ACT_ROLLBACK,    /* the same, to the release before                   */
    ACT_SCALE,       /* on (type): to amount dynos                        */
    ACT_MAINTENANCE, /* amount: 1 is on                                   */
    ACT_OVERFLOW,    /* amount lines lost on their way to us              */
    ACT_RUN,         /* on (type): a dyno for amount seconds              */
    CAST_ACTS
} cast_act;

typedef enum cast_boot {
    BOOT_WELL = 0,
    BOOT_CRASHES = 1,
    BOOT_TIMES_OUT = 2
} cast_boot;

typedef struct cast_step {
    double at_s; /* in the cycle; ascending */
    cast_act act;
    const char *on;
    double amount;
} cast_step;

typedef struct cast_app {
    const char *id; /* of its channel */
    const char *about;
    const char *host;
    cast_style style;
    cast_jobs jobs;
    double requests_per_s, jobs_per_s;
    double wave_s; /* how long a day is */
    const cast_route *routes;
    const cast_process *processes;
    const cast_step *steps; /* told over and over, never quite the same */
    double cycle_s;
    unsigned route_count, process_count, step_count;
    bool is_old; /* the platform's older forms: wait and queue */
    bool has_postgres, has_redis;
    bool has_drain; /* to the receiver of receiver.h */
} cast_app;

extern const cast_app cast[CAST_APPS];

/* Lines a second that all of it makes on average, as it stands in the tables:
 * what rates are scaled by. tests/unit/daemon/test_demo_model.c counts. */
extern const double cast_lines_per_s;

#endif /* LOGPLEXD_CAST_H */
