/*
 * counters.h - what happened, counted where it happens.
 *
 * Each worker has its own set, written by its thread alone with relaxed stores
 * and read by anybody; /metrics and /ledger add the sets up. The lists below
 * are the single source of the names there.
 *
 * Per listener: received = accepted + the sum of rejected by reason, in lines.
 */
#ifndef LOGPLEXD_COUNTERS_H
#define LOGPLEXD_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#define LISTENERS(X)                     \
    X(LISTENER_SYSLOG_TCP, "syslog_tcp") \
    X(LISTENER_SYSLOG_UDP, "syslog_udp") \
    X(LISTENER_HTTP, "http")             \
    X(LISTENER_OWN, "own")

#define REJECTS(X)                                                          \
    X(REJECT_MALFORMED, "malformed", "no syslog header")                    \
    X(REJECT_NO_TOKEN, "no_token", "APP-NAME is no token")                  \
    X(REJECT_UNKNOWN_TOKEN, "unknown_token", "no such token")               \
    X(REJECT_CLOSED, "closed", "the channel is being deleted")              \
    X(REJECT_TOO_BIG, "too_big", "over what a segment holds")               \
    X(REJECT_FULL, "full", "the memory ceiling is reached")                 \
    X(REJECT_COUNT, "count_mismatch", "Logplex-Msg-Count lied: whole body") \
    X(REJECT_SWITCHED_OFF, "switched_off", "nothing is taken in for now")   \
    X(REJECT_DUPLICATE, "duplicate", "a frame id that was there: whole body")

/* Frame-level events, per listener. */
#define FRAME_EVENTS(X)                                            \
    X(FRAME_OCTET, "octet", "frames that were octet-counted")      \
    X(FRAME_LINE, "line", "frames that were ended by LF or NUL")   \
    X(FRAME_EMPTY, "empty", "empty lines between frames, ignored") \
    X(FRAME_CUT, "cut", "frames over the limit, kept cut")         \
    X(FRAME_RESYNC, "resync", "octet counts that lied")            \
    X(FRAME_TRUNCATED, "truncated", "streams that ended inside a frame")

/* Everything else: name on /metrics, help. */
#define COUNTERS(X)                                                           \
    X(COUNT_CONNECTIONS, "connections_accepted_total", "syslog connections")  \
    X(COUNT_CONNECTIONS_REFUSED, "connections_refused_total",                 \
      "connections over the limit")                                           \
    X(COUNT_CONNECTIONS_CUT, "connections_cut_total",                         \
      "syslog connections cut: too many half frames to keep")                 \
    X(COUNT_UDP_KERNEL_DROPS, "udp_kernel_drops_total",                       \
      "datagrams that the kernel dropped before we read them")                \
    X(COUNT_HTTP_CONNECTIONS, "http_connections_opened_total",                \
      "HTTP connections")                                                     \
    X(COUNT_HTTP_CONNECTIONS_CLOSED, "http_connections_closed_total",         \
      "of these, ended")                                                      \
    X(COUNT_HTTP_TLS_CONNECTIONS, "http_tls_connections_opened_total",        \
      "HTTP connections over TLS")                                            \
    X(COUNT_HTTP_TLS_HANDSHAKES_FAILED, "http_tls_handshakes_failed_total",   \
      "of these, those that ended before their handshake did")                \
    X(COUNT_HTTP_REQUESTS, "http_requests_total", "HTTP requests")            \
    X(COUNT_HTTP_2XX, "http_responses_2xx_total", "by class of status")       \
    X(COUNT_HTTP_3XX, "http_responses_3xx_total", "by class of status")       \
    X(COUNT_HTTP_4XX, "http_responses_4xx_total", "by class of status")       \
    X(COUNT_HTTP_5XX, "http_responses_5xx_total", "by class of status")       \
    X(COUNT_HTTP_AUTH_FAILED, "http_auth_failed_total", "401 and 403")        \
    X(COUNT_HTTP_AUTH_LIMITED, "http_auth_limited_total",                     \
      "429: the peer had shown too many wrong credentials")                   \
    X(COUNT_HTTP_OVERLOADED, "http_overloaded_total",                         \
      "429: these, and memory is full or too many bodies are under way")      \
    X(COUNT_HTTP_ANSWERS_REFUSED, "http_answers_refused_total",               \
      "answers replaced by 503: too many large ones were not yet taken")      \
    X(COUNT_HTTP_BODY_TOO_BIG, "http_body_too_big_total", "413")              \
    X(COUNT_HTTP_BODY_TIMEOUT, "http_body_timeout_total", "408")              \
    X(COUNT_OFFLOAD_REFUSED, "offload_refused_total",                         \
      "blocking work refused, too much was waiting")                          \
    X(COUNT_DEDUP_HITS, "dedup_hits_total", "POSTs answered as one before")   \
    X(COUNT_DEDUP_EVICTED, "dedup_evicted_total",                             \
      "frame ids forgotten early: too many")                                  \
    X(COUNT_DEDUP_IGNORED, "dedup_ignored_total",                             \
      "frame ids of a length that none has")                                  \
    X(COUNT_INGEST_HOLDS, "ingest_holds_total",                               \
      "times that ingest held until aggregates had caught up")                \
    X(COUNT_AGGREGATE_LINES, "aggregate_lines_total",                         \
      "lines counted in the aggregates of their channels")                    \
    X(COUNT_AGGREGATE_LOST, "aggregate_lost_lines_total",                     \
      "lines that were gone before the aggregates came to them")              \
    X(COUNT_AGGREGATE_UNCOUNTED, "aggregate_uncounted_lines_total",           \
      "lines that found no memory for an aggregate")                          \
    X(COUNT_AGGREGATE_FRAMES_SENT, "aggregate_frames_sent_total",             \
      "frames of aggregates that viewers were sent")                          \
    X(COUNT_AGGREGATE_FRAMES_SKIPPED, "aggregate_frames_skipped_total",       \
      "frames that a viewer was too slow for, or the daemon was")             \
    X(COUNT_AGGREGATE_VIEWERS_OPENED, "aggregate_viewers_opened_total",       \
      "streams of aggregates, of channels and of the fleet")                  \
    X(COUNT_AGGREGATE_VIEWERS_CLOSED, "aggregate_viewers_closed_total",       \
      "of these, ended")                                                      \
    X(COUNT_TAILS_OPENED, "tails_opened_total", "sessions read")              \
    X(COUNT_TAILS_CLOSED, "tails_closed_total", "of these, ended")            \
    X(COUNT_TAIL_LINES, "tail_lines_total", "lines written to readers")       \
    X(COUNT_TAIL_FILTERED, "tail_filtered_lines_total",                       \
      "lines that a reader's filter left out")                                \
    X(COUNT_TAIL_LOST, "tail_lost_lines_total", "lines lost to slow readers") \
    X(COUNT_TAIL_GAPS, "tail_gaps_total", "gaps told to readers")             \
    X(COUNT_SCANS, "scans_total", "questions answered by reading lines")      \
    X(COUNT_SCAN_LINES, "scan_lines_total", "lines that were read for that")  \
    X(COUNT_SCANS_CUT, "scans_cut_total",                                     \
      "of these, those for which there was not time enough")                  \
    X(COUNT_SCANS_ABANDONED, "scans_abandoned_total",                         \
      "of these, those that ended early since nobody waited any more")        \
    X(COUNT_SCANS_REFUSED, "scans_refused_total",                             \
      "questions refused, as too many were being answered")                   \
    X(COUNT_SCANS_NO_MEMORY, "scans_no_memory_total",                         \
      "questions refused, as there was no memory for what they remember")

typedef enum listener {
#define X(id, name) id,
    LISTENERS(X)
#undef X
        LISTENER_COUNT
} listener;

typedef enum reject {
#define X(id, name, help) id,
    REJECTS(X)
#undef X
        REJECT_REASONS
} reject;

typedef enum frame_event {
#define X(id, name, help) id,
    FRAME_EVENTS(X)
#undef X
        FRAME_EVENT_COUNT
} frame_event;

typedef enum counter {
#define X(id, name, help) id,
    COUNTERS(X)
#undef X
        COUNTER_COUNT
} counter;

typedef struct listener_counts {
    _Atomic uint64_t received_lines;
    _Atomic uint64_t received_bytes; /* as read, framing included */
    _Atomic uint64_t accepted_lines;
    _Atomic uint64_t rejected_lines[REJECT_REASONS];
    _Atomic uint64_t frames[FRAME_EVENT_COUNT];
} listener_counts;

typedef struct counters {
    _Atomic uint64_t version; /* odd while the owner writes what must agree */
    listener_counts listeners[LISTENER_COUNT];
    _Atomic uint64_t counts[COUNTER_COUNT];
} counters;

/* Only the owner writes, so a load and a store do: no locked instruction. */
static inline void count_add(_Atomic uint64_t *at, uint64_t n)
{
    atomic_store_explicit(at,
                          atomic_load_explicit(at, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline uint64_t count_get(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

/*
 * Between these two the counts do not agree with each other (received =
 * accepted + rejected), nor with the engine (accepted = appended): a batch is
 * under way. counters_copy() waits for its end. Not nested; nothing between
 * them may copy the same thread's own counters.
 */
static inline void counters_write_begin(counters *c)
{
    // seq_cst: no count moves in front of it; pairs with counters_copy().
    atomic_fetch_add(&c->version, 1);
}

static inline void counters_write_end(counters *c)
{
    atomic_fetch_add(&c->version, 1);
}

/* A copy in which the counts agree. Threads: any. */
void counters_copy(counters *from, counters *out);

#endif /* LOGPLEXD_COUNTERS_H */
