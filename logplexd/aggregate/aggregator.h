/*
 * aggregator.h - the numbers of one channel (logplex/aggregate.h), and the cursor
 * that feeds them.
 *
 * It belongs to the channel's home (worker/pace.h), whose thread alone reads its
 * lines. Anybody else asks between aggregator_begin() and aggregator_end(). While
 * somebody asks, the home goes on with its other channels; so what takes long is
 * an affair of the pool, and holds up this channel's numbers alone.
 */
#ifndef LOGPLEXD_AGGREGATOR_H
#define LOGPLEXD_AGGREGATOR_H

#include "aggregate/uncounted.h"
#include "logplex/aggregate.h"
#include "worker/worker.h"

/* The relative error of quantiles. */
#define AGGREGATOR_ALPHA 0.01

typedef struct aggregator aggregator;

/* NULL: there are no aggregates (--aggregates off). Valid as long as the
 * channel's view. */
aggregator *aggregator_of(const catalog_channel *channel);

/* A hold that lasts longer, and its end; NULL is allowed for both. Threads: any. */
aggregator *aggregator_ref(aggregator *a);
void aggregator_unref(aggregator *a);

/* The numbers, to be asked until aggregator_end() by this thread alone; of a channel
 * that has none, those of one without a line. Asking takes no memory of aggregates.
 * Threads: any. */
lp_aggregate *aggregator_begin(aggregator *a);
void aggregator_end(aggregator *a);

/* What lines have come by now may be read so much later. */
enum { AGGREGATOR_REST_MS = 250 };

/* By so much clocks may go back without anybody starting anew. */
enum { AGGREGATOR_SLACK_S = 10 };

/* A home that is less behind than that is up to date: its lines are counted in the
 * second that is open when they are read. */
enum { AGGREGATOR_LATE_S = 3 };

/* The moment up to which windows are over, at now_ns: not the last one, in which
 * a line may have come that is still to be read. */
int64_t aggregator_over_ns(int64_t now_ns);

/* The same of this channel: where its home is late and has lines to read, not beyond
 * what it has counted, so that no window ends before its lines have come. Threads:
 * any. */
int64_t aggregator_counted_ns(aggregator *a, int64_t now_ns);

/* Lines that are in no number, as there was no memory for any of the channel. */
typedef struct aggregator_uncounted {
    uncounted_spell all; /* lines 0: there are none           */
    bool is_now;         /* no line has been counted since    */
    const char *why;     /* and what to do; constant          */
} aggregator_uncounted;

/* What was left out of what began at from_s and ended before to_s. Between begin and
 * end, as the next. */
aggregator_uncounted aggregator_uncounted_between(const aggregator *a,
                                                  int64_t from_s, int64_t to_s);
const uncounted *aggregator_uncounted_of(const aggregator *a);

enum { AGGREGATOR_BRIEF_S = 60 };

/* As lp_aggregate_brief_get(), and what was left out of the same minute, which
 * may be NULL. False: there was no line. Threads: any. */
bool aggregator_brief(aggregator *a, int64_t now_ns, lp_aggregate_brief *out,
                      aggregator_uncounted *left_out);

/* Can't what was made of second be shown at now_s any more, as clocks went back? */
static inline bool aggregator_is_ahead(int64_t second, int64_t now_s)
{
    return second > now_s + AGGREGATOR_SLACK_S;
}

typedef struct aggregator_status {
    lp_channel *ring;      /* valid as long as the aggregator is held */
    uint64_t behind_lines; /* in the ring, and not counted yet        */
    uint64_t lost_lines;   /* gone before they could be counted       */
    int64_t since_ns;      /* when it began to count                  */
    bool is_over;          /* the channel is deleted                  */
} aggregator_status;

/* Threads: any. */
void aggregator_status_get(aggregator *a, aggregator_status *out);

/* Frames ------------------------------------------------------------------ */

/* What all viewers of a channel are shown of one second. */
typedef struct aggregator_frame {
    _Atomic uint32_t refs;
    int64_t second; /* of its newest window; -1: none is over */
    size_t snapshot_bytes;
    size_t points_bytes;
    char text[]; /* the snapshot, and behind it the points */
} aggregator_frame;

/* NULL: no memory. Owns: the result has one hold. */
aggregator_frame *aggregator_frame_create(int64_t second, lp_span snapshot,
                                          lp_span points);
aggregator_frame *aggregator_frame_ref(aggregator_frame *frame);
void aggregator_frame_unref(aggregator_frame *frame); /* NULL is allowed */

/* The frame that was made last and is kept for other viewers; NULL: none. The
 * second one takes a hold of its own. Both between begin and end. */
aggregator_frame *aggregator_kept_frame(aggregator *a);
void aggregator_keep_frame(aggregator *a, aggregator_frame *frame);

/* Somebody views it, and no longer: with the last one the frame goes, or, where
 * somebody asks at that moment, with aggregator_rest(). It does not wait. Threads:
 * any, and not between begin and end. */
void aggregator_view(aggregator *a);
void aggregator_unview(aggregator *a);

#endif /* LOGPLEXD_AGGREGATOR_H */
