/*
 * session.h - log sessions in memory: a hash table and, through it, a queue in
 * the order of their making, which is the order of their end.
 *
 *     oldest --> session --> session --> session <-- newest
 *                   ^            ^
 *     buckets:   [ ... ][ ... ][ ... ][ ... ]     by the digest of the id
 *
 * Threads: any; a mutex of its own, never held for the disk.
 */
#ifndef LOGPLEXD_SESSION_H
#define LOGPLEXD_SESSION_H

#include <pthread.h>

#include "catalog/catalog.h"
#include "catalog/store.h"

typedef struct session session;

typedef struct session_table {
    pthread_mutex_t mutex;
    uint32_t max;
    int64_t ttl_ns;
    uint32_t count;
    uint32_t bucket_count; /* a power of two */
    session **buckets;
    session *oldest;
    session *newest;
} session_table;

/* False: no memory. */
bool session_table_init(session_table *t, uint32_t max, uint32_t ttl_s);
void session_table_fini(session_table *t);

store_session_key session_key(lp_span id);

/* A copy of what asked says, not in the table yet. NULL: no memory. */
session *session_create(const store_session_key *key,
                        const catalog_session *asked);
void session_destroy(session *s);

/* Takes over s; those that have expired by its making go, and the oldest when
 * there are too many. */
void session_add(session_table *t, session *s);

/* Would session_add() drop one that has not expired at now_ns? *key is then
 * its. Nothing may be added meanwhile. */
bool session_displaced(session_table *t, int64_t now_ns,
                       store_session_key *key);

/* All but out->id. False: none, or it has expired. */
bool session_find(session_table *t, const store_session_key *key,
                  int64_t now_ns, catalog_session *out);

void session_drop_channel(session_table *t, lp_span channel_id);

#endif /* LOGPLEXD_SESSION_H */
