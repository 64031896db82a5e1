/*
 * tail.h - a cursor on its way into an HTTP response.
 *
 * History and live are one cursor, so there is no seam between them to lose or
 * repeat a line at. The reader sees one of the forms of tail_form.h: plain text
 * (one chunk for a run of lines, as the original Logplex sends it), or
 * Server-Sent Events (WHATWG HTML, 9.2) for a line each or for many, with
 * `id: EPOCH:SEQ`, a comment every 15 s of silence, and `event: gap` with the
 * exact count when lines were lost.
 *
 *     hello --> scan --> read <--> wait        a tail waits for more, until its
 *                 |        |                   channel or the daemon ends
 *                 |        +--> farewell --> over
 *                 +-- only when there are filters: where does history begin?
 *
 * A reader who is slower than his channel loses lines, and nobody else does:
 * his cursor is jumped forward, and the gap is told in its place.
 */
#ifndef LOGPLEXD_TAIL_H
#define LOGPLEXD_TAIL_H

#include "http/http.h"
#include "logplex/filter.h"
#include "tail/history.h"

typedef struct tail_request {
    lp_channel *ring;   /* the tail takes a hold of its own */
    lp_span source;     /* exact APP-NAME; empty: all                    */
    lp_span ps;         /* PROCID equal, or beginning with "ps."; empty: all */
    uint64_t num_lines; /* of history, counted after the filters         */
    bool is_tail;       /* go on with what comes                         */
    const char *forbidden; /* ... but it may not: why, for L20; or NULL  */
    history_bounds history;
    lp_filter *where; /* or NULL; the tail owns it, also when it can't start */
    const struct tail_form *form;
    lp_span last_event_id; /* "EPOCH:SEQ" of the last line seen; or empty:
                              then num_lines decides. Of another epoch (or no
                              id of ours): an unknown gap, and num_lines */
} tail_request;

/* Answers req with the stream, or 503 when there is no memory for it. */
void tail_start(http_request *req, const tail_request *want);

/* Ends all tails of a worker cleanly, each after what is there by now: the
 * daemon is going down. Tails that start later end like this by themselves,
 * while daemon_shared.is_draining is set. Threads: the worker's. */
void tail_end_all(worker *w);

#endif /* LOGPLEXD_TAIL_H */
