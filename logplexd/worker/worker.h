/*
 * worker.h - one thread, one libuv loop, and all that lives on it.
 *
 * W workers have the same listeners on the same ports (SO_REUSEPORT: the kernel
 * deals connections out), a libmicrohttpd daemon each and one more for TLS, and
 * nothing in common but the engine, the catalog and the certificate in use. A connection, a tail or a drain belongs to
 * one worker for life and is touched by its thread alone.
 *
 * The one thing that crosses threads is a wake-up: a *waker* posted from
 * anywhere comes back as a call on its home worker. Posts are coalesced: one
 * eventfd write for however many wakers between two turns of the loop.
 */
#ifndef LOGPLEXD_WORKER_H
#define LOGPLEXD_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/switches.h"
#include "config/config.h"
#include "worker/counters.h"
#include "worker/pace.h"

typedef struct worker worker;
typedef struct http_server http_server;

/* What all workers share; constant while they run, but for what is atomic. */
typedef struct daemon_shared {
    const config *cfg;
    struct blocks *blocks; /* of the engine's memory; NULL: malloc's */
    lp_engine *engine;
    catalog *cat;
    struct tls_identity *identity; /* NULL: there is no certificate */
    switches switches;
    struct dedup *dedup;           /* NULL: frame ids are not looked at */
    struct auth_limit *auth_limit; /* NULL: none */
    struct aggregates *aggregates; /* NULL: there are none */
    struct fleet *fleet;           /* NULL likewise        */
    pace *pace;                    /* NULL likewise        */
    worker **workers;
    unsigned worker_count;
    int64_t started_ns;
    int peer_fd_end; /* a peer that gets this descriptor is refused: the others
                        are for drains, names and files; 0: none is kept */
    _Atomic unsigned scans;       /* under way; api_scan.c */
    _Atomic uint64_t scans_bytes; /* that they borrow      */
    _Atomic bool is_draining; /* SIGTERM came: no new connections, end tails */
} daemon_shared;

struct worker {
    daemon_shared *shared;
    unsigned index;
    uv_loop_t loop;
    uv_thread_t thread;
    catalog_reader reader;
    counters counts; /* written by this thread alone; see counters.h */
    http_server *http;
    struct ingest *ingest;           /* the batch that this thread is filling */
    struct tcp_ingest *tcp;          /* private to ingest_tcp.c               */
    struct udp_server *udp;          /* private to ingest_udp.c               */
    struct wakeups *wakeups;         /* private to worker.c                   */
    struct tails *tails;             /* private to tail.c                     */
    struct drain_runner *drains;     /* private to runner*.c              */
    struct aggregating *aggregating; /* private to aggregating.c          */
    struct views *views;             /* private to api_view.c             */
    struct holds *holds;             /* private to hold.c; NULL: none     */
    void (*on_lines)(worker *w); /* there are lines of this home's channels to
                                    be read; may be NULL */
    int64_t now_ns;              /* for worker_now() alone */
    bool is_now_fresh;           /* likewise               */
    uint64_t turn;               /* of the loop, as a number */
};

/*
 * The wall clock as it was when this turn of the loop first asked: the loop
 * may have slept in between turns, and libuv has no hook between waking up and
 * the first callback. Threads: the worker's.
 */
static inline int64_t worker_now(worker *w)
{
    if (!w->is_now_fresh) {
        w->now_ns = wall_clock_ns();
        w->is_now_fresh = true;
    }
    return w->now_ns;
}

/* Waking ------------------------------------------------------------------ */

typedef struct waker waker;

/* Called on the home worker's thread, once for one or more posts. */
typedef void (*waker_fn)(waker *w);

struct waker {
    worker *home;
    waker_fn on_wake;
    waker *next;            /* private to worker.c */
    _Atomic bool is_queued; /* likewise            */
};

/* Threads: any, also from an lp_ready_fn. Never blocks. */
void waker_post(waker *w);

/*
 * Takes back what may have been posted and not yet called, so that the waker
 * can be freed. Nobody may post it any more (close its cursor first).
 * Threads: home.
 */
void waker_cancel(waker *w);

/* Work that blocks -------------------------------------------------------- */

/*
 * Runs work(ctx) on a thread of libuv's pool and then done(ctx) on this
 * worker's thread. Threads: this worker's. False: it was refused because too
 * much waits already (a counter says so); then neither is called.
 */
bool worker_offload(worker *w, void (*work)(void *ctx), void (*done)(void *ctx),
                    void *ctx);

/* A worker's life, for main and for tests --------------------------------- */

/* Both are called on the worker's thread. */
typedef struct worker_hooks {
    void (*on_stop)(worker *w); /* end what is not HTTP's; may be NULL        */
    bool (*is_busy)(worker *w); /* is anything under way that may finish? NULL:
                                   no                                         */
    void (*on_close)(worker *w); /* nothing comes any more; may be NULL       */
    void (*on_end)(worker *w); /* the loop is done and closed; may be NULL   */
    void (*on_end_tails)(worker *w); /* worker_end_tails(); may be NULL       */
} worker_hooks;

/* NULL when there is no memory or no descriptor; the log says why. */
worker *worker_create(daemon_shared *shared, unsigned index,
                      const worker_hooks *hooks);

/* Runs the loop on a thread of its own. What is to be on the loop from the
 * start (listeners, say) has been put there before. False: no thread. */
bool worker_start(worker *w);

typedef enum worker_stop_kind {
    WORKER_STOP_GENTLY = 1, /* what is under way may finish, at its leisure */
    WORKER_STOP_NOW = 2     /* cuts it, and logs how much that was          */
} worker_stop_kind;

/* Ends a worker that was started, if it has not ended yet. Threads: any. */
void worker_stop(worker *w, worker_stop_kind kind);

/* Has what follows channels end, soon; nothing if the worker has ended. Threads:
 * any. */
void worker_end_tails(worker *w);

/* Waits for the thread, if there is one, and frees all. NULL is allowed. */
void worker_join(worker *w);

#endif /* LOGPLEXD_WORKER_H */
