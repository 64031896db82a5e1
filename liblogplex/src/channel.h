/*
 * channel.h - a ring of segments, and the readers around it.
 *
 *      oldest                                          open
 *        |                                              |
 *     [ seg 1-160 ] -> [ 161-301 ] -> [ 302-455 ] -> [ 456-501 ... ]
 *           ^                              ^                ^      ^
 *     cursor A, slow                  cursor B         cursor C   next_seq
 *
 * Lines are appended at `open`; when it is full the ring rolls on to a new
 * segment, an eighth of the size of all that the channel holds (so a quiet
 * channel has small ones and a busy one large), and what may go at the other
 * end goes:
 *
 *   1. beyond bytes_max, the oldest segment, whoever still wants it;
 *   2. beyond history_lines, the oldest segment that every cursor has read.
 *
 * What is beyond history_lines and kept for slow cursors is *surplus*: when the
 * engine reaches its ceiling, any channel may take it from any other.
 *
 * Waking: a reader that found nothing counts itself as armed and then looks
 * again, under the mutex; a writer publishes and looks whether anybody is armed,
 * under the mutex too. Whichever comes second sees the other.
 */
#ifndef LP_CHANNEL_H
#define LP_CHANNEL_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine.h"
#include "segment.h"

struct lp_channel {
    /* Shared. */
    pthread_mutex_t mutex;
    _Atomic lp_seq next_seq; /* below it, lines can be read */
    _Atomic uint32_t armed_count;
    _Atomic bool is_closed;

    /* Under mutex: the ring. What each line touches stands first. */
    bool has_surplus;
    lp_segment *open;  /* the youngest; NULL when the ring is empty */
    lpi_pen pen;       /* for the open segment          */
    lpi_totals totals; /* with what closed cursors left */
    lp_segment *oldest;
    uint64_t held_bytes;
    lp_cursor *cursors;
    uint32_t cursor_count;
    char aside_copy[LPI_ASIDE_COPY_BYTES]; /* the pen's */

    _Atomic uint32_t refs; /* shared, but seldom */

    /* Constant. */
    uint32_t history_lines;
    uint64_t bytes_max;
    uint64_t epoch;
    lp_engine *engine;

    /* Under wake_mutex. */
    pthread_mutex_t wake_mutex;
    lp_cursor *armed;

    /* Under engine.mutex. */
    lp_channel *previous, *next;
    lp_channel *previous_surplus, *next_surplus;
    uint64_t walk; /* the ledger's last walk that counted this channel */
};

struct lp_cursor {
    /* Shared. */
    _Atomic lp_seq wanted_seq; /* the first line that it may come back to: of
                                  its last run, until it asks for the next; or
                                  the first that it has not confirmed */
    _Atomic uint64_t lag_max_lines; /* UINT64_MAX: none       */
    _Atomic uint64_t delivered_lines;
    _Atomic uint64_t lost_lines;

    /* Constant. */
    lp_channel *channel;
    lp_seq start_seq;
    lp_seq stop_seq; /* UINT64_MAX: none */
    lp_ready_fn on_ready;
    void *ready_ctx;
    bool is_other_epoch;
    bool confirms; /* else what it has read is not wanted any more */

    /* The reader's. */
    lp_seq seq;          /* the next line it wants */
    lp_segment *segment; /* the one that it read last; held */
    // The one that it let go of at rest, or NULL; it is read only when its base, in
    // rested_seq, says that it is in the ring.
    lp_segment *rested;
    lp_seq rested_seq;
    uint64_t untold_lines; /* lost, and not yet in a run */
    int64_t untold_since_ns;
    int64_t last_arrival_ns; /* of the last line that it read */
    int64_t before_run_ns;   /* the same, before its last run */

    /* Under channel.mutex. */
    lp_cursor *previous, *next;

    /* Under channel.wake_mutex. */
    lp_cursor *previous_armed, *next_armed;
    bool is_armed;
};

/* The number of the first line that is still in the ring. Under mutex. */
lp_seq lpi_channel_oldest_seq(const lp_channel *channel);

/* The totals, those of open cursors included. Under mutex. */
lpi_totals lpi_channel_totals(const lp_channel *channel);

/* Evicts what is beyond the history and read by all. Under mutex. */
void lpi_channel_trim(lp_channel *channel);

/* Lets all lines go if the channel is closed and has no cursor: nobody can ever
 * read them, whoever still holds the channel. Under mutex. */
void lpi_channel_abandon(lp_channel *channel);

/* Makes room under the engine's ceiling, by one segment, for whoever wants it on
 * behalf of channel: of what it keeps for slow readers, of what others do, of its
 * own history. False: there is nothing to give. Under mutex. */
bool lpi_channel_reclaim(lp_channel *channel);

/* Memory on behalf of a channel, or of none (NULL), for which room is made as by
 * lpi_channel_reclaim(), but no ring goes for what it could not give room for. Without
 * any channel's mutex. Fails: LP_E_FULL, LP_E_NOMEM. */
lp_err lpi_channel_alloc(lp_engine *engine, lp_channel *channel,
                         size_t size_bytes, void **out);

/* Gives up one segment beyond the history, if there is one; for another
 * channel that is short of memory. Under mutex. */
bool lpi_channel_give_surplus(lp_channel *channel);

/* Takes a hold if there still is one. */
bool lpi_channel_try_ref(lp_channel *channel);

#endif /* LP_CHANNEL_H */
