/*
 * tail.h - a cursor on its way into an HTTP response.
 *
 * History and live are one cursor, so there is no seam between them to lose or
 * repeat a line at. The reader sees either plain text (one chunk for a run of
 * lines, as the original Logplex sends it) or Server-Sent Events (WHATWG HTML,
 * 9.2) with `id: EPOCH:SEQ`, a comment every 15 s of silence, and
 * `event: gap` with the exact count when lines were lost.
 */
#ifndef LOGPLEXD_TAIL_H
#define LOGPLEXD_TAIL_H

#include "http.h"

typedef struct tail_request {
    lp_channel *ring;   /* the tail takes a hold of its own */
    lp_span source;     /* exact APP-NAME; empty: all                    */
    lp_span ps;         /* PROCID equal, or beginning with "ps."; empty: all */
    uint64_t num_lines; /* of history, counted after the filters         */
    bool is_tail;       /* go on with what comes                         */
    bool is_sse;
    lp_span last_event_id; /* "EPOCH:SEQ" of the last line seen; or empty:
                              then num_lines decides */
} tail_request;

/* Answers req with the stream. */
void tail_start(http_request *req, const tail_request *want);

/* Ends all tails of a worker cleanly, each after what it has already taken:
 * the daemon is going down. Threads: the worker's. */
void tail_end_all(worker *w);

#endif /* LOGPLEXD_TAIL_H */
