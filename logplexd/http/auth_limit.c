/* auth_limit.c - see auth_limit.h. */
#include "http/auth_limit.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/uuid.h"

enum { WAYS = 4 }; /* places that a peer can be at */

typedef struct tally {
    uint32_t before, now;
} tally;

typedef struct place {
    uint64_t peer; /* its hash; 0: free */
    uint64_t window;
    tally failures;
    tally paid;
} place;

struct auth_limit {
    uint32_t failures_max;
    uint32_t paid_max;
    hash_key hash;
    pthread_mutex_t mutex; /* of all below */
    place at[AUTH_LIMIT_PEERS];
};

auth_limit *auth_limit_create(uint32_t failures_max)
{
    auth_limit *limit = calloc(1, sizeof *limit);

    if (!limit) {
        return NULL;
    }
    limit->failures_max = failures_max;
    limit->paid_max =
        failures_max < AUTH_LIMIT_PAID_MAX ? failures_max : AUTH_LIMIT_PAID_MAX;
    random_bytes(&limit->hash, sizeof limit->hash);
    pthread_mutex_init(&limit->mutex, NULL);
    return limit;
}

void auth_limit_destroy(auth_limit *limit)
{
    if (limit) {
        pthread_mutex_destroy(&limit->mutex);
        free(limit);
    }
}

/* The window ------------------------------------------------------------- */

static uint64_t into_window_ms(uint64_t now_ms)
{
    return now_ms % AUTH_LIMIT_WINDOW_MS;
}

static void tally_move(tally *t, uint64_t windows)
{
    t->before = windows == 1 ? t->now : 0;
    t->now = 0;
}

/* Workers' clocks differ by the length of a turn, so windows may go back. */
static void place_move(place *p, uint64_t now_ms)
{
    uint64_t window = now_ms / AUTH_LIMIT_WINDOW_MS;

    if (window > p->window) {
        tally_move(&p->failures, window - p->window);
        tally_move(&p->paid, window - p->window);
        p->window = window;
    }
}

/* What of before is left, and all of now; in failures times the window's
 * length, so that nothing is rounded. */
static uint64_t tally_sum(const tally *t, uint64_t now_ms)
{
    uint64_t left_ms = AUTH_LIMIT_WINDOW_MS - into_window_ms(now_ms);

    return t->before * left_ms + (uint64_t)t->now * AUTH_LIMIT_WINDOW_MS;
}

/* From its beginning, the time of a window by which so many of those before it
 * are out of sight. */
static uint64_t time_to_lose_ms(uint64_t count, uint64_t before)
{
    assert(before > 0); // a limit that is passed is one of some failures
    return (count * AUTH_LIMIT_WINDOW_MS + before - 1) / before;
}

/* Until one more is within max. 0: it is. */
static uint32_t tally_wait_ms(const tally *t, uint32_t max, uint64_t now_ms)
{
    uint64_t into_ms = into_window_ms(now_ms);
    uint64_t at_ms;

    if (tally_sum(t, now_ms) + AUTH_LIMIT_WINDOW_MS <=
        (uint64_t)max * AUTH_LIMIT_WINDOW_MS) {
        return 0;
    }
    if (t->now < max) { // in this window; before is not 0
        at_ms =
            time_to_lose_ms((uint64_t)t->before + t->now + 1 - max, t->before);
    } else { // in the next one, in which now is before
        at_ms = AUTH_LIMIT_WINDOW_MS +
                time_to_lose_ms((uint64_t)t->now + 1 - max, t->now);
    }
    return (uint32_t)(at_ms - into_ms);
}

/* Places ------------------------------------------------------------------ */

static uint64_t hash_of(const auth_limit *limit, const http_peer *peer)
{
    uint64_t hash =
        hash_span(&limit->hash,
                  lp_span_of((const char *)peer->bytes, sizeof peer->bytes));

    return hash ? hash : 1;
}

/* That of this peer, brought up to date, or NULL. *other is the one to give up
 * for it. */
static place *find(auth_limit *limit, uint64_t peer, uint64_t now_ms,
                   place **other)
{
    place *set = &limit->at[peer % (AUTH_LIMIT_PEERS / WAYS) * WAYS];

    *other = set;
    for (unsigned i = 0; i < WAYS; i++) {
        place_move(&set[i], now_ms);
        if (set[i].peer == peer) {
            return &set[i];
        }
        if (tally_sum(&set[i].failures, now_ms) <
            tally_sum(&(*other)->failures, now_ms)) {
            *other = &set[i];
        }
    }
    return NULL;
}

static place *take(auth_limit *limit, uint64_t peer, uint64_t now_ms)
{
    place *other;
    place *found = find(limit, peer, now_ms, &other);

    if (!found) {
        *other = (place){.peer = peer, .window = now_ms / AUTH_LIMIT_WINDOW_MS};
        found = other;
    }
    return found;
}

uint32_t auth_limit_fail(auth_limit *limit, const http_peer *peer,
                         bool has_paid, uint64_t now_ms)
{
    uint32_t wait_ms;
    place *p;

    if (!limit || limit->failures_max == 0) {
        return 0;
    }
    pthread_mutex_lock(&limit->mutex);
    p = take(limit, hash_of(limit, peer), now_ms);
    wait_ms = tally_wait_ms(&p->failures, limit->failures_max, now_ms);
    p->failures.now += wait_ms == 0;
    p->paid.now += has_paid;
    pthread_mutex_unlock(&limit->mutex);
    return wait_ms;
}

uint32_t auth_limit_wait_to_pay(auth_limit *limit, const http_peer *peer,
                                uint64_t now_ms)
{
    uint32_t wait_ms = 0;
    place *other;
    const place *p;

    if (!limit || limit->failures_max == 0) {
        return 0;
    }
    pthread_mutex_lock(&limit->mutex);
    p = find(limit, hash_of(limit, peer), now_ms, &other);
    if (p) {
        wait_ms = tally_wait_ms(&p->paid, limit->paid_max, now_ms);
    }
    pthread_mutex_unlock(&limit->mutex);
    return wait_ms;
}
