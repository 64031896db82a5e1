/*
 * auth_limit.h - how often a peer may be wrong.
 *
 * All workers share one table of fixed size: the connections of a peer are
 * dealt out over them. A peer's failures are counted in a window that slides:
 *
 *         before          now
 *     |------------|------------|     failures = now + the part of before
 *            |============|                      that is still in the window
 *                         ^ now_ms
 *
 * Two peers that fall on the same places take turns: who has failed least is
 * forgotten. So a guesser with one address is held, and one with thousands costs
 * no memory.
 *
 * A failure that made us pay for the slow hash (credential.h) has a limit of
 * its own, far lower: what a peer can make us pay is bounded by that, while
 * somebody behind the same address who is merely wrong all the time keeps
 * nobody else from having a password looked at.
 *
 * Time is passed in. Threads: any.
 */
#ifndef LOGPLEXD_AUTH_LIMIT_H
#define LOGPLEXD_AUTH_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "http/httpd_peer.h"

enum {
    AUTH_LIMIT_PEERS = 4096,
    AUTH_LIMIT_WINDOW_MS = 10 * 1000,
    AUTH_LIMIT_PAID_MAX = 4 /* failures in a window that cost a slow hash */
};

typedef struct auth_limit auth_limit;

/* failures_max: of a peer in a window; 0: no limit. NULL: no memory. */
auth_limit *auth_limit_create(uint32_t failures_max);
void auth_limit_destroy(auth_limit *limit); /* NULL is allowed */

/* Counts a failure, and whether a slow hash was paid for it. 0: it is within
 * the limit. Else it is over, and not counted: the time in ms until the next
 * would be within. A limit that is NULL is none. */
uint32_t auth_limit_fail(auth_limit *limit, const http_peer *peer,
                         bool has_paid, uint64_t now_ms);

/* 0: a slow hash may be paid for this peer. Else the time in ms until it may. */
uint32_t auth_limit_wait_to_pay(auth_limit *limit, const http_peer *peer,
                                uint64_t now_ms);

#endif /* LOGPLEXD_AUTH_LIMIT_H */
