/*
 * api_view.h - streams of Server-Sent Events that say something new each second.
 *
 *      timer --each second--> make() of each view --> events --> as fast as each
 *                             on the pool, in one job             client takes them
 *
 * A view whose client has not taken its last event is left out, which is counted,
 * and the next make() knows by itself what it has missed: so a slow client costs
 * no more memory than the event that it is taking.
 */
#ifndef LOGPLEXD_API_VIEW_H
#define LOGPLEXD_API_VIEW_H

#include <sys/queue.h>

#include "aggregate/aggregator.h"
#include "api/api.h"

enum { API_EVENT_PARTS_MAX = 5 };

/* An event on its way: its bytes, and who owns them. */
typedef struct api_event {
    lp_span parts[API_EVENT_PARTS_MAX]; /* of the two below, of the view, or
                                           constant */
    unsigned count;                     /* 0: there is nothing to say */
    aggregator_frame *frame;            /* held, or NULL */
    char *text;                         /* to be freed, or NULL */
} api_event;

typedef struct api_view api_view;

typedef struct api_view_kind {
    /* What there is to say, to *out, which is empty. False: that was all, and the
     * event is the last one. Called on the pool, not twice at once for a view. */
    bool (*make)(api_view *view, int64_t now_ns, api_event *out);
    void (*destroy)(api_view *view); /* on the worker */
} api_view_kind;

/* The first member of what is viewed. Zero it, and set kind. */
struct api_view {
    const api_view_kind *kind;

    /* api_view.c's. */
    LIST_ENTRY(api_view) entry;
    worker *home;
    http_request *req;
    api_event made;    /* by the job */
    api_event sending; /* its first parts that are sent are empty */
    bool is_in_job;
    bool is_made_last; /* by the job, as made is                    */
    bool is_new;       /* it waits for its first event without a tick */
    bool is_closed;    /* by the client: the job frees it             */
    bool is_ending;    /* it is to say so, and end                    */
    bool is_last;      /* behind what it sends there is nothing       */
    bool has_hello;    /* it has said when to come back               */
};

/* Answers with the stream. The view is freed by kind->destroy(), also when it
 * fails, with 503 for want of memory. */
void api_view_start(http_request *req, api_view *view);

/* Ends all views of a worker, with an event that says so: the daemon is going
 * down. Those that start later end at once, while daemon_shared.is_draining is
 * set. Threads: the worker's. */
void api_view_end_all(worker *w);

/* The event that ends a view. */
void api_view_print_end(api_event *out, const char *why);

#endif /* LOGPLEXD_API_VIEW_H */
