/*
 * runner_impl.h - what the runner_*.c share and nobody else sees.
 *
 *     runner.c        opens, changes and closes drains as the catalog says; the
 *                     worker's thread
 *     runner_asked.c  tells other threads how they fare
 */
#ifndef LOGPLEXD_RUNNER_IMPL_H
#define LOGPLEXD_RUNNER_IMPL_H

#include "drain/runner.h"

/* What a drain that waits is asked for; the later ones go further. */
typedef enum runner_wish {
    RUNNER_NO_WISH,
    RUNNER_RELEASE, /* of one that is parked */
    RUNNER_RETRY    /* of any */
} runner_wish;

/* A drain as the catalog wants it, or as it runs. */
typedef struct running {
    uint64_t id;
    lp_drain *drain; /* NULL: it could not be opened */
    char *url;
    char *channel_id;
    runner_wish wish;        /* of somebody, until a walk             */
    bool is_told;            /* the log has heard that it fails       */
    uint64_t told_alerts;    /* of TLS, that its channel has heard of */
    uint64_t told_alerts_ms; /* loop time                             */
    lp_drain_status status;
} running;

typedef struct running_list {
    running *at; /* by id */
    size_t count, room;
} running_list;

/* Keeps the lines of a drain that is in the catalog and does not run yet. */
typedef struct seat {
    struct seat *next;
    uint64_t version; /* of the view that a walk has to see */
    lp_cursor *cursor;
} seat;

struct drain_runner {
    worker *home;
    waker waker;
    lp_drains *set;
    uv_timer_t timer; /* of a walk that waits */
    uv_timer_t look;
    uint64_t version; /* of the drains, at the last walk */
    uint64_t walked_ms;
    bool has_walked;
    bool is_stopped;

    uv_mutex_t lock; /* over what other threads read: */
    running_list list;
    bool has_wishes; /* of some of these */
    seat *seats;
    lp_drain_status gone; /* sums of drains that are closed */
};

/* NULL: there is none. Under the lock. */
running *runner_find(const running_list *list, uint64_t id);

/* Adds what counts, and what is pending. */
void runner_add_sums(lp_drain_status *to, const lp_drain_status *from);

#endif /* LOGPLEXD_RUNNER_IMPL_H */
