/*
 * drain_impl.h - what the files of the core share.
 *
 *     drain_set.c    the set: waking, turns, protocols
 *     drain.c        one drain: its states, what becomes of a batch
 *     drain_life.c   its beginning, changes and end
 *     drain_keep.c   what it may keep in flight
 *     drain_status.c its counts
 *     flight.c       batches in flight
 *     batch.c        taking a batch out of the ring; frame ids and notices
 *     sieve.c        the same for a drain that does not want all lines
 *     backoff.h      how long to wait after a failure
 */
#ifndef LP_DRAIN_IMPL_H
#define LP_DRAIN_IMPL_H

#include <sys/queue.h>

#include <uv.h>

#include "lane.h"
#include "logplex/drain.h"

enum { LPI_RUNS_MAX = 64, LPI_TOKEN_MAX_BYTES = 255 };

/* Why lp_drain_may_connect() ends a try, in the status. */
#define LPI_WHY_DENIED "its address may not be connected to"

typedef struct lpi_sieve lpi_sieve;
typedef struct lpi_taken lpi_taken;

/* A line of a batch among those that were read for it. */
typedef struct lpi_pick {
    uint32_t before;  /* lines read since the first one of the batch, wanted or
                         not */
    uint32_t limited; /* of those not wanted, how many for the rate */
    int64_t due_ns;   /* the sieve's, in front of it */
} lpi_pick;

/* What a sieve has made of runs. */
typedef struct lpi_picked {
    lp_run *parts; /* of the runs, wanted lines only */
    uint32_t part_count, part_room;
    uint32_t pick_room;
    lpi_pick *picks; /* one for each line */
} lpi_picked;

/*
 * Lines between send() and what became of them, and where they were taken. The
 * runs are here when the protocol does not copy, until it lets go of them.
 *
 *     place  what was lost   first_seq         first_seq + read_lines
 *       |  (overflow_lines)  |  done |  in flight  |
 *
 * read_lines is line_count, unless there are lines among or behind them that the
 * drain does not want.
 */
typedef struct lpi_flight {
    struct lpi_flight *next; /* sent after it */
    lp_cursor_place place;
    uint64_t done_lines; /* the first ones of the batch, which have arrived */
    uint64_t read_lines;
    uint64_t read_limited;
    lpi_picked *picked; /* NULL: all lines are in the batch */
    lp_drain_loss overflow;
    lp_drain_loss owed; /* what was refused before, and is told in front */
    uint64_t sent_ms;   /* loop time */
    lp_drain_batch batch;
    uint32_t held_count;
    lp_run runs[];
} lpi_flight;

/* Drains that wait for their turn to try, and who goes first. */
typedef enum lpi_queue_kind {
    LPI_KNOWN,  /* it took something a moment ago */
    LPI_NEW,    /* it has not tried yet           */
    LPI_FRESH,  /* it has hardly failed           */
    LPI_FAILED, /* it fails all the time          */
    LPI_QUEUES
} lpi_queue_kind;

typedef TAILQ_HEAD(lpi_queue, lp_drain) lpi_queue;

/* Why it does not send although it could. */
typedef enum lpi_drain_rest {
    LPI_REST_NONE,
    LPI_REST_FAILED, /* until the timer ends it */
    LPI_REST_PARKED
} lpi_drain_rest;

/* Who is to answer when (drain_keep.c). */
typedef enum lpi_keep_account {
    LPI_KEEP_QUICK, /* in a moment                                 */
    LPI_KEEP_SLOW,  /* not in a moment; or it has not been sent to */
    LPI_KEEP_HUNG   /* not at all, most likely                     */
} lpi_keep_account;

struct lp_drain {
    lp_drains *set;
    LIST_ENTRY(lp_drain) of_set;
    TAILQ_ENTRY(lp_drain) woken;  /* under set.wake_lock */
    bool is_woken;                /* likewise            */
    TAILQ_ENTRY(lp_drain) queued; /* for a turn */
    bool is_queued;
    lpi_queue_kind kind;           /* when it got its turn, or into its queue */
    TAILQ_ENTRY(lp_drain) turning; /* of those that have a turn */
    uint64_t turn_ms;              /* loop time at which it got it */

    lp_channel *ring;
    lp_cursor *cursor;
    lpi_sieve *sieve;            /* NULL: it wants all lines           */
    char *own_filter;            /* where the URL does not say         */
    size_t own_filter_bytes;     /* 0: all lines                       */
    uint32_t own_rate_lines;     /* likewise                           */
    lp_drain_refused policy;     /* in force                         */
    lp_drain_refused own_policy; /* where the URL does not say       */
    const lp_drain_protocol *protocol;
    void *link;

    lpi_drain_rest rest;
    bool is_ready;    /* the link takes batches                        */
    bool is_swift;    /* it took all of the last one at once           */
    bool is_armed;    /* the cursor is                                 */
    bool has_more;    /* the last batch was full                       */
    bool is_next;     /* it comes to the next round                    */
    bool is_at_end;   /* the channel is closed, and has no more lines  */
    bool is_proven;   /* the sink took something the last time         */
    bool is_crowded;  /* it waits for what others keep in flight       */
    bool is_doubted;  /* the link has no sign that somebody reads, and waits */
    bool has_turn;    /* to try although it is not                     */
    bool is_pumping;  /* a call from within send() need not pump       */
    bool is_in_step;  /* its batches end where those of others do      */
    bool is_closed;   /* its timer's handle is not, yet                */
    uv_timer_t timer; /* of the rest, or while it lingers             */
    uint64_t due_ms;  /* loop time at which lingering is over; 0: it does not */
    lpi_keep_account account; /* of what it sends next */
    uint64_t crowded_ms; /* loop time at which it began to wait           */
    uint64_t yielded_ms; /* ... and at which it last let others go first  */

    lpi_flight *flights, *last_flight; /* in the order of sending */
    unsigned flight_count;
    lp_seq again_first_seq; /* the first line of that: */
    lp_seq again_seq;       /* the next batch was sent before, and its last line
                               was that before this; 0: it is a new one */
    size_t batch_bytes;     /* less for a while behind batches that took too
                             long ... */
    size_t batch_max_bytes; /* ... than the set's, or than the sink takes */
    size_t too_much_bytes;  /* what the sink said no to; 0: it takes as much */
    uint64_t limited_ms;    /* loop time at which it did ... */
    uint64_t limit_wait_ms; /* ... and after which it is asked for more */
    lp_drain_loss owed;     /* refused lines that nobody has told the sink */

    uint64_t delivered_lines, refused_lines;
    uint64_t left_out_lines;
    uint64_t limited_lines;  /* of these, those by the rate */
    uint64_t given_up_lines; /* of sieves that it had before */
    uint64_t scarce_batches;
    uint64_t batches, retries, failures, sent_bytes, plain_bytes;
    uint64_t compressions, compressions_shared;
    uint64_t answers[LP_DRAIN_ANSWERS];
    uint32_t failed_in_a_row;
    uint32_t late_in_a_row; /* of these, since something arrived */
    int64_t success_ns, error_ns, retry_ns;
    int64_t tried_ns; /* when it began to try again */
    char error[LP_DRAIN_ERROR_MAX_BYTES];
    uint64_t cut_lines, tls_failures;
    char tls_alert[LP_DRAIN_ALERT_MAX_BYTES];

    size_t token_bytes;
    char token[LPI_TOKEN_MAX_BYTES + 1];
};

typedef struct lpi_protocol {
    struct lpi_protocol *next;
    lp_drain_protocol public;
} lpi_protocol;

struct lp_drains {
    uv_loop_t *loop;
    lp_drains_options opt;
    LIST_HEAD(, lp_drain) drains;
    lpi_protocol *protocols;
    uint64_t random;
    bool is_hurried;
    bool is_paused;
    unsigned crowded[LP_KEEP_ACCOUNTS]; /* drains that are */
    unsigned open_handles;              /* freed with the last one */
    struct lpi_http *http;              /* http_drain.c */
    struct lpi_resolver *resolver; /* resolver.c; NULL: no name was asked for */
    struct lpi_trust *trust;       /* tls_trust.c; NULL: nobody has needed it */
    struct lpi_sheets *sheets;     /* sheet.c; likewise */
    lpi_lanes lanes;
    uint64_t gathered_lines; /* by the last turn of the loop */
    unsigned gather_turns;
    uint64_t gather_ms; /* loop time at which it began */

    unsigned opening;
    unsigned opening_others; /* of these, not LPI_KNOWN */
    lpi_queue queues[LPI_QUEUES];
    lpi_queue turning; /* who has a turn; the longest one first */
    uv_timer_t lease;  /* of that one, while somebody waits */
    uv_timer_t pace;   /* while batches in flight hold runs */

    uv_async_t async;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;       /* while a burst is gathered */
    uv_mutex_t wake_lock; /* over what any thread does: */
    lpi_queue woken;
    size_t woken_count;
    bool is_waking;     /* they are being called */
    bool has_events;    /* the loop is between prepare and check ... */
    uv_thread_t thread; /* ... on this thread */
};

/* drain_set.c */
const lp_drain_protocol *lpi_set_protocol(const lp_drains *set, lp_span url);
void lpi_set_enter(lp_drain *drain);
void lpi_set_leave(lp_drain *drain);
void lpi_set_wake(lp_drain *drain);      /* Threads: any */
bool lpi_set_take_turn(lp_drain *drain); /* false: it is in the queue */
void lpi_set_end_turn(lp_drain *drain);
void lpi_set_handle_closed(lp_drains *set);
void lpi_set_watch_pace(lp_drains *set); /* a batch goes that keeps runs */

/* flight.c */

void lpi_add_loss(lp_drain_loss *to, const lp_drain_loss *more);
uint64_t lpi_flight_left_lines(const lpi_flight *flight);
void lpi_flight_let_go(lpi_flight *flight); /* of its runs */

/* Takes over what was taken; NULL: no memory. */
lpi_flight *lpi_flight_create(const lp_drain *drain, lpi_taken *taken);

void lpi_flights_push(lp_drain *drain, lpi_flight *flight);
void lpi_flights_pop(lp_drain *drain);

/* The next lines of the oldest one are done with: they go no other way, and what
 * the drain does not want behind them is counted. */
void lpi_flights_land(lp_drain *drain, uint64_t lines);

/* The first line that may be read again. */
lp_seq lpi_flights_unconfirmed_seq(const lp_drain *drain);

/* Everything that is in flight is to be read again. */
void lpi_flights_take_back(lp_drain *drain);

/* drain.c */

/* What is to be read on is found again; meanwhile nothing is pinned. */
void lpi_drain_rest_cursor(lp_drain *drain);
void lpi_drain_pump(lp_drain *drain);
void lpi_drain_end_rest(lp_drain *drain);
void lpi_drain_woken(lp_drain *drain);
uint64_t lpi_drain_pending(lp_drain *drain); /* lines */
void lpi_drain_hurry(lp_drain *drain);
bool lpi_drain_was_there(const lp_drain *drain);   /* a moment ago */
bool lpi_drain_may_deliver(const lp_drain *drain); /* before long */

/* Lines in front of a batch that the drain does not want. */
typedef struct lpi_passed {
    uint64_t lines;
    uint64_t limited;
    lp_drain_loss loss; /* among them, for the drain to tell */
} lpi_passed;

/*
 * How much is taken at most. A run that is kept (lp_run_keep()) is so with its whole
 * segment: kept_max_bytes is of the memory of all runs of the account, and of the
 * batch's own batch_kept_max_bytes, but for its first run.
 */
typedef struct lpi_limits {
    size_t bytes_max;   /* of lines; but one in any case */
    uint64_t lines_max; /* 0: any */
    lp_seq again_seq;   /* see lp_drain */
    bool is_copied;     /* by send(), and so nothing is kept */
    lpi_keep_account account;
    uint64_t kept_max_bytes;
    uint64_t batch_kept_max_bytes;
} lpi_limits;

/* drain_keep.c */

void lpi_keep_limit(const lp_drain *drain, lpi_limits *limits);

/* Is there room for more who hang? */
bool lpi_keep_has_room(const lp_drain *drain);

/* It waits for memory, or does not any more. */
void lpi_keep_set_crowded(lp_drain *drain, bool is_crowded);

/* Do others of its kind, so that it is to let them go first now? */
bool lpi_keep_is_wanted(const lp_drain *drain);

void lpi_keep_set_account(lp_drain *drain, lpi_keep_account account);

/* Its oldest batch is at its end, one way or the other. */
void lpi_keep_note_pace(lp_drain *drain, bool has_failed);

/* May it let go of what it holds? False: it need not be looked at again before its
 * next batch. */
bool lpi_keep_look_at_pace(lp_drain *drain);

/* What is taken out of the ring for a batch. */
struct lpi_taken {
    lpi_limits limits;
    lp_cursor_place start;
    lp_cursor_place place;  /* behind what was passed */
    lp_cursor_place before; /* in front of the run that was read last */
    int64_t due_ns;         /* of the sieve, at the start */
    lpi_passed passed;
    lp_drain_loss overflow;
    uint64_t read_lines, read_limited; /* as in lpi_flight */
    lpi_picked *picked;
    bool is_full;  /* to wait brings no more lines into it */
    bool is_short; /* there would be more, but for what may be kept */
    uint64_t kept_bytes;
    lp_drain_batch batch;
    uint32_t held_count;
    lp_run runs[LPI_RUNS_MAX];
};

/*
 * batch.c: reads a batch within the limits. LP_OK with no line in it: it is short.
 * lpi_untake() puts it back, lpi_untake_all() what was passed too (sieve may be
 * NULL); lpi_let_go() only lets go of runs.
 * Fails: as lp_cursor_next(), when there is no line.
 */
lp_err lpi_take(lp_cursor *cursor, const lpi_limits *limits, lpi_taken *out);
/* The next run for a batch. A notice stands in front of all lines, so a batch ends
 * where lines are missing, and where no more may be kept: LP_OK, to is full, and there
 * is no run. */
lp_err lpi_read_run(lp_cursor *cursor, uint32_t lines_max, size_t bytes_max,
                    lpi_taken *to, lp_run *out);
void lpi_begin_take(const lp_cursor *cursor, const lpi_limits *limits,
                    lpi_taken *out);
void lpi_untake(lp_cursor *cursor, lpi_sieve *sieve, lpi_taken *taken);
void lpi_untake_all(lp_cursor *cursor, lpi_sieve *sieve, lpi_taken *taken);
void lpi_let_go(lp_run *runs, uint32_t count);
void lpi_free_picked(lpi_picked *picked); /* NULL is allowed */

/* Sets the batch's frame id: the same for the same lines and the same loss of
 * the same drain with the same sieve, in whatever life of the program. Of a sieve
 * it is the text (empty: there is none), and when its rate let the first line
 * through, as that says which of the others it does. */
void lpi_name_frame(lp_drain_batch *batch, uint64_t epoch, lp_span token,
                    lp_span sieve, int64_t due_ns);

#endif /* LP_DRAIN_IMPL_H */
