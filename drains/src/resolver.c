/*
 * resolver.c - see resolver.h.
 *
 *     loop's:    resolver --> jobs --> those who wait for each
 *                   |          ^
 *     shared:     pool --------+-- queues, done
 *                   ^          |
 *     threads':     +----------+-- the job that each looks up
 *
 * The pool outlives the resolver until its last thread has ended. A thread owns
 * the job that it looks up; if the resolver is gone when it comes back, it frees
 * it.
 */
#include "resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* What getaddrinfo() and the modules of nsswitch.conf keep on their stacks is
 * some ten KiB; the sanitizers want more. */
#define STACK_BYTES ((size_t)256 * 1024)

typedef struct job {
    /* the loop's */
    LIST_ENTRY(job) known;
    lpi_lookup *waiting;

    /* under the pool's lock */
    TAILQ_ENTRY(job) queued; /* in its queue, or in what is done */
    bool is_queued;

    /* constant */
    bool is_slow;
    lpi_look_up look_up;

    /* the thread's, and the loop's when it is done */
    int result, error; /* of getaddrinfo(), and errno */
    struct addrinfo *found;

    char host[];
} job;

typedef TAILQ_HEAD(job_queue, job) job_queue;

typedef struct pool {
    pthread_mutex_t lock; /* over all of it */
    unsigned holders;     /* the resolver, and each thread */
    unsigned threads, slow_threads;
    uv_async_t *async; /* NULL: the resolver is gone */
    job_queue waiting, slow, done;
} pool;

struct lpi_lookup {
    job *of;
    lpi_lookup *previous, *next;
    lpi_resolver *resolver;
    lpi_on_found found;
    void *ctx;
};

struct lpi_resolver {
    lp_drains *set;
    uv_async_t async;
    pool *pool;
    LIST_HEAD(, job) known; /* those that wait for a thread or have one */
    lpi_look_up look_up;
};

/* Queues ------------------------------------------------------------------ */

/* NULL: it is empty. */
static job *pop(job_queue *queue)
{
    job *one = TAILQ_FIRST(queue);

    if (one)
        TAILQ_REMOVE(queue, one, queued);
    return one;
}

static job_queue *queue_of(pool *p, const job *one)
{
    return one->is_slow ? &p->slow : &p->waiting;
}

static void free_job(job *one)
{
    if (!one)
        return;
    if (one->found)
        freeaddrinfo(one->found);
    free(one);
}

static void free_jobs(job_queue *queue)
{
    job *one;

    while ((one = pop(queue)) != NULL)
        free_job(one);
}

/* Unlocks it, too. */
static void let_go(pool *p)
{
    bool is_last = --p->holders == 0;

    pthread_mutex_unlock(&p->lock);
    if (!is_last)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Threads ----------------------------------------------------------------- */

static int ask_system(const char *host, struct addrinfo **found)
{
    // Of each address once, and not for each kind of socket.
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG};

    return getaddrinfo(host, NULL, &hints, found);
}

/* Under the lock. NULL: there is nothing for this thread. */
static job *next_job(pool *p)
{
    job *one = pop(&p->waiting);

    if (!one && p->slow_threads < LPI_LOOKUP_SLOW_MAX)
        one = pop(&p->slow);
    if (!one)
        return NULL;
    one->is_queued = false;
    p->slow_threads += one->is_slow;
    return one;
}

/* Under the lock. The loop can't go away meanwhile, as who closes the async asks
 * for the lock. */
static void hand_over(pool *p, job *one)
{
    p->slow_threads -= one->is_slow;
    if (!p->async) {
        free_job(one);
        return;
    }
    TAILQ_INSERT_TAIL(&p->done, one, queued);
    uv_async_send(p->async);
}

static void *run_thread(void *ctx)
{
    pool *p = ctx;
    job *one;

    pthread_mutex_lock(&p->lock);
    while ((one = next_job(p)) != NULL) {
        pthread_mutex_unlock(&p->lock);
        errno = 0;
        one->result = one->look_up(one->host, &one->found);
        one->error = errno;
        pthread_mutex_lock(&p->lock);
        hand_over(p, one);
    }
    p->threads--;
    let_go(p);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool create_thread(pool *p)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    int err;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    err = pthread_create(&thread, &attributes, run_thread, p);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return err == 0;
}

/* Under the lock, with a job in a queue. Those that run are busy, or they see it
 * before they end. False: nobody will ever look. */
static bool see_to_it(pool *p, const job *one)
{
    if (p->threads >= LPI_LOOKUP_THREADS_MAX ||
        (one->is_slow && p->slow_threads >= LPI_LOOKUP_SLOW_MAX))
        return true;
    if (!create_thread(p))
        return p->threads > 0;
    p->threads++;
    p->holders++;
    return true;
}

/* Jobs -------------------------------------------------------------------- */

static job *find_job(const lpi_resolver *r, const char *host)
{
    job *at;

    LIST_FOREACH (at, &r->known, known)
        if (strcmp(at->host, host) == 0)
            return at;
    return NULL;
}

static bool enqueue(pool *p, job *one)
{
    bool is_seen_to;

    pthread_mutex_lock(&p->lock);
    one->is_queued = true;
    TAILQ_INSERT_TAIL(queue_of(p, one), one, queued);
    is_seen_to = see_to_it(p, one);
    if (!is_seen_to)
        TAILQ_REMOVE(queue_of(p, one), one, queued);
    pthread_mutex_unlock(&p->lock);
    return is_seen_to;
}

/* NULL: there is no memory, or no thread. */
static job *new_job(lpi_resolver *r, const char *host, bool is_slow)
{
    size_t host_bytes = strlen(host) + 1;
    job *one = calloc(1, sizeof(*one) + host_bytes);

    if (!one)
        return NULL;
    memcpy(one->host, host, host_bytes);
    one->is_slow = is_slow;
    one->look_up = r->look_up;
    if (!enqueue(r->pool, one)) {
        free_job(one);
        return NULL;
    }
    LIST_INSERT_HEAD(&r->known, one, known);
    return one;
}

/* Nobody waits for it any more. What has a thread stays known, so that who asks
 * again does not take another one. */
static void drop_job(lpi_resolver *r, job *one)
{
    pool *p = r->pool;
    bool was_queued;

    pthread_mutex_lock(&p->lock);
    was_queued = one->is_queued;
    if (was_queued)
        TAILQ_REMOVE(queue_of(p, one), one, queued);
    pthread_mutex_unlock(&p->lock);
    if (!was_queued)
        return;
    LIST_REMOVE(one, known);
    free_job(one);
}

/* Look-ups ---------------------------------------------------------------- */

lpi_lookup *lpi_resolver_ask(lpi_resolver *r, const char *host, bool is_slow,
                             lpi_on_found found, void *ctx)
{
    lpi_lookup *lookup = calloc(1, sizeof(*lookup));
    job *one = NULL;

    if (lookup)
        one = find_job(r, host);
    if (lookup && !one)
        one = new_job(r, host, is_slow);
    if (!one) {
        free(lookup);
        return NULL;
    }
    lookup->of = one;
    lookup->resolver = r;
    lookup->found = found;
    lookup->ctx = ctx;
    lookup->next = one->waiting;
    if (lookup->next)
        lookup->next->previous = lookup;
    one->waiting = lookup;
    return lookup;
}

static void leave_job(lpi_lookup *lookup)
{
    if (lookup->previous)
        lookup->previous->next = lookup->next;
    else
        lookup->of->waiting = lookup->next;
    if (lookup->next)
        lookup->next->previous = lookup->previous;
}

void lpi_lookup_abandon(lpi_lookup *lookup)
{
    if (!lookup)
        return;
    leave_job(lookup);
    if (!lookup->of->waiting)
        drop_job(lookup->resolver, lookup->of);
    free(lookup);
}

/* Each may ask and abandon from within its found(). */
static void tell_all(job *one)
{
    // Out of descriptors it says that nobody knows the name.
    bool is_ours = one->result == EAI_SYSTEM || one->error == EMFILE ||
                   one->error == ENFILE;
    const char *why =
        is_ours ? strerror(one->error) : gai_strerror(one->result);

    while (one->waiting) {
        lpi_lookup *first = one->waiting;
        lpi_on_found found = first->found;
        void *ctx = first->ctx;

        one->waiting = first->next;
        if (first->next)
            first->next->previous = NULL;
        free(first);
        found(ctx, one->result == 0 ? one->found : NULL, why);
    }
}

static void on_async(uv_async_t *async)
{
    lpi_resolver *r = async->data;
    job *one;

    for (;;) {
        pthread_mutex_lock(&r->pool->lock);
        one = pop(&r->pool->done);
        pthread_mutex_unlock(&r->pool->lock);
        if (!one)
            return;
        LIST_REMOVE(one, known);
        tell_all(one);
        free_job(one);
    }
}

/* Life -------------------------------------------------------------------- */

static pool *new_pool(uv_async_t *async)
{
    pool *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    TAILQ_INIT(&p->waiting);
    TAILQ_INIT(&p->slow);
    TAILQ_INIT(&p->done);
    p->holders = 1;
    p->async = async;
    return p;
}

lpi_resolver *lpi_resolver_of(lp_drains *set)
{
    lpi_resolver *r = set->resolver;

    if (r)
        return r;
    r = calloc(1, sizeof(*r));
    if (r)
        r->pool = new_pool(&r->async);
    if (!r || !r->pool || uv_async_init(set->loop, &r->async, on_async) != 0) {
        free(r ? r->pool : NULL);
        free(r);
        return NULL;
    }
    r->async.data = r;
    r->set = set;
    r->look_up = ask_system;
    set->resolver = r;
    set->open_handles++;
    return r;
}

void lpi_resolver_look_up_by(lpi_resolver *r, lpi_look_up look_up)
{
    r->look_up = look_up;
}

static void on_closed(uv_handle_t *handle)
{
    lpi_resolver *r = handle->data;
    lp_drains *set = r->set;

    pthread_mutex_lock(&r->pool->lock);
    let_go(r->pool);
    free(r);
    lpi_set_handle_closed(set);
}

void lpi_resolver_close(lpi_resolver *r)
{
    pool *p;

    if (!r)
        return;
    p = r->pool;
    pthread_mutex_lock(&p->lock);
    p->async = NULL;
    free_jobs(&p->waiting);
    free_jobs(&p->slow);
    free_jobs(&p->done);
    pthread_mutex_unlock(&p->lock);
    uv_close((uv_handle_t *)&r->async, on_closed);
}
