/*
 * ingest.h - from a frame to a line in its channel.
 *
 * A worker has one batch. Frames of one read buffer are parsed into it;
 * ingest_flush() then looks all of them up, chains them by channel, and appends
 * each chain whole, so that a channel's mutex is taken once for all of its lines
 * in the batch.
 *
 * The frames' bytes are only borrowed: they must stay until the flush.
 * Threads: the worker's alone.
 */
#ifndef LOGPLEXD_INGEST_H
#define LOGPLEXD_INGEST_H

#include "logplex/framer.h"
#include "worker/worker.h"

typedef struct ingest ingest;

/* NULL when there is no memory. */
ingest *ingest_create(worker *w);
void ingest_destroy(ingest *in);

/* What became of the lines since the last ingest_begin(). */
typedef struct ingest_result {
    uint64_t received_lines;
    uint64_t accepted_lines;
    uint64_t rejected_lines[REJECT_REASONS];
} ingest_result;

/* Starts a batch for what came in on a listener at arrival_ns. The view stays
 * held until ingest_end(). While SWITCH_INGEST is off, all lines of a syslog
 * listener are rejected; those of HTTP are not. */
void ingest_begin(ingest *in, listener from, int64_t arrival_ns);

/* Takes the token from each frame's APP-NAME. */
void ingest_frame(ingest *in, lp_span frame);

/* The caller knows the token already (of a view that it holds): all frames go to
 * its channel, whatever their APP-NAME is. An APP-NAME that is a token, this or
 * another, is replaced by the name of this one, so that no token is ever shown
 * to readers; any other stays. */
void ingest_frame_for(ingest *in, lp_span frame, const catalog_token *token);

/* Appends what is waiting. Called by itself when the batch is full. */
void ingest_flush(ingest *in);

/* Flushes, counts, lets the view go, and tells what became of it all. */
void ingest_end(ingest *in, ingest_result *out);

/* Adds a framer's counters to the worker's and sets them to zero. */
void ingest_count_framer(worker *w, listener from, lp_framer *framer);

/*
 * The listeners, one set for each worker (ingest_tcp.c, ingest_udp.c). fd is
 * bound, and the loop's from here on; a UV_E code is returned, and fd closed,
 * when the loop won't have it. close stops and closes whatever is open, for
 * shutdown. Threads: the worker's, or before its loop runs.
 */
int ingest_tcp_listen(worker *w, int fd);
int ingest_udp_listen(worker *w, int fd);
void ingest_tcp_close(worker *w);
void ingest_udp_close(worker *w);

#endif /* LOGPLEXD_INGEST_H */
