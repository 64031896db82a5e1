/*
 * drain.h - lines on their way to another host.
 *
 * A *drain* is a cursor with a connection behind it. It takes batches of lines
 * out of its channel's ring and hands them to a *protocol*, which knows how to
 * send them; what did not arrive is read from the ring again. So there is no
 * queue: a sink that is away costs its drain nothing but its place, and what the
 * ring can't keep until it is back is counted and told to it, to the line.
 *
 *     channel        cursor            core                     protocol
 *      ring  ------> place --batch--> in flight --send()------> http, syslog ...
 *                      ^                  |                          |
 *                      +---- rewind ------+<-- delivered, failed ----+
 *
 * A *set* is all drains of one libuv loop; a program with several loops has a
 * set for each. Everything here belongs to the thread of that loop, and is
 * called from no other; the lines may come from any.
 *
 *     offered = delivered + lost (by reason) + left out + pending
 *
 * Left out is what its filter or its rate does not let through; that is no loss,
 * and the sink is not told of it. What is lost nobody has looked at, so lines
 * that would have been left out may be among it.
 *
 * What *delivered* means is the protocol's to say:
 *
 *     http, https         the sink answered 2xx
 *     syslog, syslog+tls  the kernel of the peer has acknowledged the line, and
 *                         with TLS the record that it ends in. If its process
 *                         hangs, that is a buffer full of lines which nobody
 *                         reads; behind a failure a new connection gets some KiB
 *                         until there are signs that somebody does
 *     syslog+udp          our own kernel has taken the datagram. Nobody says
 *                         whether it arrived
 */
#ifndef LOGPLEX_DRAIN_H
#define LOGPLEX_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/drain_url.h"
#include "logplex/logplex.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uv_loop_s uv_loop_t; /* of uv.h */
struct sockaddr;                    /* of sys/socket.h */

typedef struct lp_drains lp_drains; /* a set */
typedef struct lp_drain lp_drain;

/* Sets -------------------------------------------------------------------- */

/* Zero means the default everywhere. */
typedef struct lp_drains_options {
    uint32_t struct_bytes;
    uint32_t linger_ms; /* 100: how long a line waits for more, at most, if its
                           protocol isn't prompt */
    uint32_t connect_timeout_ms; /* 3,000: name, TCP and TLS together */
    uint32_t answer_timeout_ms;  /* 5,000: from a batch to its answer, the
                                    connection included; for syslog, in which
                                    the peer takes or reads nothing */
    uint32_t backoff_min_ms;     /* 250: after the first failure, and twice as
                                long after each more; less up to a half */
    uint32_t backoff_max_ms;     /* 30,000 */
    uint32_t opening_max;   /* 64: drains at a time that try to reach a sink
                                which did not answer the last time, or never
                                has; the others wait their turn. A quarter is
                                for those that took something in the last
                                minute. A turn ends when there is a connection,
                                and while others wait, after half a second; or
                                with the answer, when what those that failed have
                                in flight keeps a 16th of pinned_max_bytes */
    uint32_t batch_bytes;   /* 512 KiB: a batch is sent when it is as large, or
                                has lingered. At least one line; less for a
                                sink that says it is too much (HTTP: 413); twice
                                as much for one that has lanes, as long as it
                                takes all at once */
    uint64_t seed;          /* of the jitter */
    const char *user_agent; /* "Logplex/0.1.0"; kept by the caller */
    const char *ca_file;    /* PEM; NULL: the system's; kept by the caller */

    /* The wall clock, in ns since 1970. NULL: clock_gettime(). */
    int64_t (*now_ns)(void *ctx);
    /* Is asked for each address before it is connected to. NULL: all may. */
    bool (*may_connect)(void *ctx, const struct sockaddr *address);
    void *ctx; /* of both */

    /* Files in PEM that TLS wants besides ca_file, read when they are needed
     * first; the names are kept by the caller. */
    const char *pins_file; /* a peer which shows a certificate with the public
                              key of one of these over TLS is trusted from
                              there up, whoever signed it. Its name and its
                              dates count all the same */
    const char *cert_file; /* what we show to a sink that asks who we are, and
                              those of who signed it behind it. NULL: nothing */
    const char *key_file;  /* of it; NULL: it is in cert_file as well */

    size_t
        pinned_max_bytes; /* 256 MiB, and half of what the engine has for lines
                                at most (lp_engine_unlent()): what lines in flight
                                may keep in memory, with the whole segments that
                                they are in, whether the rings have dropped them or
                                not, for all sets of an engine together. A quarter
                                of it is set aside for drains whose last batch was
                                at its end within 200 ms, an eighth for those that
                                took up to 5 s or are new, and an eighth for those
                                that took longer or failed; one in flight changes
                                over when its time is over. A batch has a 16th of
                                what is left, or one segment; what does not fit waits
                                in its ring, and is lost and counted if that can't
                                keep it. Protocols that copy keep nothing, nor does
                                what has left and is waited for: see lets_go() */
} lp_drains_options;

#define LP_DRAINS_OPTIONS_INIT                                             \
    {                                                                      \
        (uint32_t)sizeof(lp_drains_options), 0, 0, 0, 0, 0, 0, 0, 0, NULL, \
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0                    \
    }

/*
 * Makes a set on a loop. opt may be NULL.
 * Owns: *out is the caller's until lp_drains_destroy(); the loop must outlive
 *       it, and run on until its handles are closed.
 * Fails: LP_E_INVALID, LP_E_NOMEM.
 */
LP_API lp_err lp_drains_create(uv_loop_t *loop, const lp_drains_options *opt,
                               lp_drains **out);

/* Ends a set, its drains with it. Its handles close in the next turns of the
 * loop; what is in flight has an unknown fate. NULL is allowed. */
LP_API void lp_drains_destroy(lp_drains *set);

/* Nothing more is sent until it is let go on; what is in flight comes to its
 * end. */
LP_API void lp_drains_pause(lp_drains *set, bool is_paused);

/*
 * For a program that is about to end.
 *
 * hurry    nothing lingers any more, and what has failed is tried again soon
 * is_busy  is anything on its way, or for a sink that took something in the
 *          last minute?
 * pending  lines that have not arrived, be their sink away or not
 */
LP_API void lp_drains_hurry(lp_drains *set);
LP_API bool lp_drains_is_busy(lp_drains *set);
LP_API uint64_t lp_drains_pending(lp_drains *set);

/* Drains ------------------------------------------------------------------ */

typedef struct lp_drain_options {
    uint32_t struct_bytes;
    uint32_t start;     /* lp_start */
    uint64_t start_arg; /* of lp_cursor_options, as is the next */
    uint64_t start_epoch;
    uint32_t refused;    /* lp_drain_refused, where the URL does not say */
    uint32_t rate_lines; /* a second at most, in which they arrived, where the
                            URL does not say; 0: any */
    lp_span filter;      /* of filter.h, where the URL does not say; empty: all
                            lines are wanted. Copied */
} lp_drain_options;

#define LP_DRAIN_OPTIONS_INIT                              \
    {                                                      \
        (uint32_t)sizeof(lp_drain_options), 0, 0, 0, 0, 0, \
        {                                                  \
            NULL, 0                                        \
        }                                                  \
    }

/*
 * Opens a drain of a channel. url is what drain_url.h reads, or begins with the
 * scheme of a protocol that was registered; token is what the sink knows the
 * drain by ("d.…"). opt may be NULL.
 * Owns: url and token are copied. *out is the set's, until lp_drain_close().
 * Fails: LP_E_INVALID (no such scheme), LP_E_SYNTAX (a URL that is none),
 *        LP_E_NOMEM, LP_E_FULL.
 */
LP_API lp_err lp_drain_open(lp_drains *set, lp_channel *channel, lp_span url,
                            lp_span token, const lp_drain_options *opt,
                            lp_drain **out);

/* From here on to another sink, with nothing lost: what is in flight goes there
 * again. Fails: as lp_drain_open(); then all is as it was. */
LP_API lp_err lp_drain_redirect(lp_drain *drain, lp_span url);

/* Lets a parked drain go on at its sink, beginning with what was refused, and
 * does nothing to any other. Returns whether it was parked. */
LP_API bool lp_drain_release(lp_drain *drain);

/* The same, and ends a wait after a failure as well, whatever the sink's
 * Retry-After was. Returns whether it was parked, or waited. */
LP_API bool lp_drain_retry(lp_drain *drain);

/* Has what is in flight and is known to have arrived counted as delivered, as
 * the last status of a drain that is closed then should have it. */
LP_API void lp_drain_settle(lp_drain *drain);

/* NULL is allowed. */
LP_API void lp_drain_close(lp_drain *drain);

typedef enum lp_drain_state {
    LP_DRAIN_IDLE = 0,    /* it has sent all there is                */
    LP_DRAIN_LINGERS = 1, /* there is something; more may come       */
    LP_DRAIN_SENDS = 2,   /* a batch is in flight                    */
    LP_DRAIN_QUEUES = 3,  /* for its turn to try, see opening_max    */
    LP_DRAIN_WAITS = 4,   /* after a failure, until it tries again   */
    LP_DRAIN_PARKED = 5,  /* its sink refused a batch, see lp_drain_refused */
    LP_DRAIN_HELD = 6,    /* by lp_drains_pause()                    */
    LP_DRAIN_CROWDED = 7, /* others have in flight what memory there is for
                             that, see pinned_max_bytes */
    LP_DRAIN_STATES       /* how many there are */
} lp_drain_state;

enum {
    LP_DRAIN_ANSWERS = 6,
    LP_DRAIN_ERROR_MAX_BYTES = 160,
    LP_DRAIN_ALERT_MAX_BYTES = 32
};

typedef struct lp_drain_status {
    uint32_t struct_bytes;
    uint32_t state; /* lp_drain_state */
    uint64_t offered_lines;
    uint64_t delivered_lines;
    uint64_t overflow_lines; /* lost: the ring could not keep them */
    uint64_t refused_lines;  /* lost: the sink did not want them   */
    uint64_t pending_lines;  /* in flight, or still in the ring    */
    uint64_t batches;        /* sent, each try counted             */
    uint64_t retries;        /* of these, those that were not the first */
    uint64_t failures;       /* connections included that did not open  */
    uint64_t sent_bytes;     /* in batches, as the protocol counts      */
    uint64_t answers[LP_DRAIN_ANSWERS]; /* by the first digit of the status;
                                           0: there was none                */
    uint32_t failed_in_a_row;
    uint32_t unused;
    int64_t success_ns; /* the last one; 0: never */
    int64_t error_ns;
    int64_t retry_ns;  /* when it tries again; 0: it does not wait */
    int64_t behind_ns; /* since when the oldest pending line is there; 0: none
                           is, or it is not known */
    char error[LP_DRAIN_ERROR_MAX_BYTES]; /* the last one, in words */
    uint64_t cut_lines;    /* delivered, but not whole: they were too long for
                              what carried them */
    uint64_t tls_failures; /* of the failures, those with an alert of TLS; of
                              HTTPS those within the handshake alone */
    char tls_alert[LP_DRAIN_ALERT_MAX_BYTES]; /* of the last failure, such as
                              "unknown ca" (L14, spec 3.3); "": it had none */
    uint64_t plain_bytes;  /* what sent_bytes were before compression; the same
                              where there is none */
    uint64_t compressions; /* of batches, each try counted ... */
    uint64_t
        compressions_shared; /* ... and those that another drain, or the try
                                     before, had done already */
    uint64_t filtered_lines; /* left out: its filter does not want them */
    uint64_t limited_lines;  /* left out: its rate does not             */
    uint64_t given_up_lines; /* looks of its filter at a line at which a pattern
                                gave up */
    uint64_t
        scarce_batches; /* of the batches, those that might have been larger
                                but for pinned_max_bytes */
} lp_drain_status;

/* out->struct_bytes must be set. */
LP_API void lp_drain_status_get(lp_drain *drain, lp_drain_status *out);

/* Protocols --------------------------------------------------------------- */

/* What a notice says: lines that the sink will never get. */
typedef struct lp_drain_loss {
    uint64_t lines;   /* 0: nothing is lost, there is no notice */
    int64_t since_ns; /* when the first of them was             */
} lp_drain_loss;

enum { LP_DRAIN_FRAME_ID_BYTES = 32 };

/*
 * Lines that are sent together. A batch that is sent again, because its fate is
 * not known or it failed, has the same bytes and the same frame id, for as long
 * as the ring has its lines.
 */
typedef struct lp_drain_batch {
    const lp_run *runs; /* side by side in the order of the lines */
    uint32_t run_count;
    uint32_t line_count;
    size_t bytes; /* of the runs */
    lp_seq first_seq;
    lp_seq last_seq;    /* there may be others between them, which the drain
                           does not want */
    lp_drain_loss loss; /* to be told in front of the lines */
    int64_t time_ns;    /* of the notice: when the first line arrived */
    char frame_id[LP_DRAIN_FRAME_ID_BYTES + 1]; /* capital hex digits; empty for
                                                   a protocol that is nameless */
} lp_drain_batch;

enum { LP_DRAIN_NOTICE_MAX_BYTES = 512 };

/*
 * Writes the notice of a batch (spec 3.3, L10, and an LF) if it fits, and
 * returns its bytes, 0 when there is nothing to tell. In the stored form, or
 * with a token in that of lp_render_syslog(), counted or not.
 */
LP_API size_t lp_drain_print_notice(const lp_drain_batch *batch, lp_span token,
                                    bool is_counted, char *out,
                                    size_t room_bytes);

/*
 * How lines leave. All calls come on the loop's thread; send() never blocks.
 *
 *     open ---> send, send ... ---> close
 *
 * A batch is in flight from send() until the protocol has said what became of
 * it, in the order of sending, by one of the calls below. It may say so from
 * within send(). The batch and its runs are valid until then, or, when copies
 * is set, until send() returns; its runs no longer than lets_go() says.
 *
 * send() says whether it would take another one now; if not, lp_drain_ready()
 * says when. A protocol that has said so, or that everything failed, is not
 * given anything before.
 *
 * After close() nothing more may be said; what was in flight is forgotten.
 */
typedef struct lp_drain_protocol {
    uint32_t struct_bytes;
    uint32_t window; /* batches in flight at most, 1 to 64 */
    bool copies;
    bool is_prompt; /* a batch costs little, so lines leave as they come while
                       less than half of the window is in flight; from there on
                       they linger as those of others do */
    bool answers; /* the sink itself says what has arrived, so that one word of
                     it ends the backoff; else it has to go on for
                     answer_timeout_ms without a failure */
    bool has_lanes; /* what it does for a batch is less when it does it for the
                       next drain of the channel: they take turns, their batches
                       end at the same lines, and a burst is gathered for a few
                       turns of the loop */
    bool is_nameless;   /* frame ids are not wanted, and are not made */
    const char *scheme; /* of its URLs, in small letters */
    void *ctx;
    lp_err (*open)(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                   void **link);
    bool (*send)(void *link, const lp_drain_batch *batch);
    void (*close)(void *link);
    void (*settle)(void *link); /* may be NULL: says what has arrived by now, if
                                   it did not say so yet. It is about to be
                                   closed */

    /* May be NULL. Asked now and then while there is no word of what has been in
     * flight for a while. True: all of that is on its way, and its runs, which hold
     * memory, are not looked at again. They are gone then; to send it once more is
     * for the drain, after a failure. */
    bool (*lets_go)(void *link);
} lp_drain_protocol;

/*
 * Adds a protocol to a set, in front of those with the same scheme, built in or
 * not. Owns: it is copied; scheme and ctx are kept by the caller.
 * Fails: LP_E_INVALID, LP_E_NOMEM.
 */
LP_API lp_err lp_drains_register(lp_drains *set,
                                 const lp_drain_protocol *protocol);

/* The oldest lines in flight, so many, have arrived, notices in front of them
 * included. */
LP_API void lp_drain_delivered(lp_drain *drain, uint64_t lines);

/* The oldest batch in flight is not wanted. why is for people. By the drain's
 * policy all that is in flight may be taken back, as after lp_drain_failed(). */
LP_API void lp_drain_refuse(lp_drain *drain, const char *why);

/* It is larger than the sink takes: its lines come in smaller ones, as do those
 * that follow, for a while. One line that is too large is refused. */
LP_API void lp_drain_refuse_size(lp_drain *drain, const char *why);

/*
 * Nothing of what is in flight, if anything is, is known to have arrived: it is
 * sent again after a while, of at least after_ms.
 */
LP_API void lp_drain_failed(lp_drain *drain, const char *why,
                            uint64_t after_ms);

/* The same, because a batch was too much for the time that there was: smaller
 * ones come for a while. None of it may have been read as a whole. */
LP_API void lp_drain_failed_slowly(lp_drain *drain, const char *why);

/* The same, because no answer came in lp_drain_answer_ms(), though all of a batch
 * had left: it may have been read, so it is sent again as it was, and gets more
 * time. Those that follow are smaller, as after lp_drain_refuse_size(). */
LP_API void lp_drain_failed_late(lp_drain *drain, const char *why);

/* How long a sink has for its answer: answer_timeout_ms, and twice as long after
 * each lp_drain_failed_late() in a row, up to backoff_max_ms. */
LP_API uint32_t lp_drain_answer_ms(const lp_drain *drain);

/*
 * The same, because TLS ended by an alert, ours or the peer's. alert is its name
 * in RFC 8446 6.2, in small letters with blanks: "unknown ca", "bad
 * certificate", "certificate expired". Whoever tells the owner of the lines of
 * it (L14, spec 3.3) sees a change of tls_failures in the status.
 */
LP_API void lp_drain_failed_tls(lp_drain *drain, const char *alert,
                                const char *why, uint64_t after_ms);

/* There is a connection to its sink, for what is in flight. So that the drain need
 * not keep others from trying, see opening_max, until there is an answer. */
LP_API void lp_drain_reached(lp_drain *drain);

/* It takes batches again. */
LP_API void lp_drain_ready(lp_drain *drain);

/* Counts for the status: bytes that were sent, and the status code of what was
 * answered (0: nothing). */
LP_API void lp_drain_count_sent(lp_drain *drain, uint64_t bytes);
LP_API void lp_drain_count_answer(lp_drain *drain, unsigned status);

/* Instead of the first, for bytes that were compressed: plain_bytes is what they
 * were before. And for each batch that was, whether that had been done already. */
LP_API void lp_drain_count_compressed(lp_drain *drain, uint64_t bytes,
                                      uint64_t plain_bytes);
LP_API void lp_drain_count_compression(lp_drain *drain, bool is_shared);

/* Counts lines that did not fit into what carries them, and were cut. */
LP_API void lp_drain_count_cut(lp_drain *drain, uint64_t lines);

/* Whose lines it sends, and what its sink knows it by. */
LP_API lp_channel *lp_drain_channel(const lp_drain *drain);
LP_API lp_span lp_drain_token(const lp_drain *drain);

/* What a protocol may want of the set. */
LP_API uv_loop_t *lp_drain_loop(const lp_drain *drain);
LP_API const lp_drains_options *lp_drain_set_options(const lp_drain *drain);
LP_API bool lp_drain_may_connect(const lp_drain *drain,
                                 const struct sockaddr *address);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_DRAIN_H */
