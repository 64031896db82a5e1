/* session.c - see session.h. */
#include "catalog/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum { TTL_DEFAULT_S = 360, MAX_DEFAULT = 100000 };

struct session {
    session *bucket_next;
    session *newer;
    store_session_key key;
    int64_t created_ns;
    uint64_t num_lines;
    bool is_tail;
    uint16_t channel_bytes, source_bytes, ps_bytes;
    char text[]; /* these three, without NULs */
};

bool session_table_init(session_table *t, uint32_t max, uint32_t ttl_s)
{
    memset(t, 0, sizeof *t);
    t->max = max ? max : MAX_DEFAULT;
    t->ttl_ns = (int64_t)(ttl_s ? ttl_s : TTL_DEFAULT_S) * 1000000000;
    t->bucket_count = 1024;
    while (t->bucket_count < t->max && t->bucket_count < 1 << 20) {
        t->bucket_count *= 2;
    }
    t->buckets = calloc(t->bucket_count, sizeof *t->buckets);
    if (!t->buckets) {
        return false;
    }
    pthread_mutex_init(&t->mutex, NULL);
    return true;
}

void session_table_fini(session_table *t)
{
    if (!t->buckets) {
        return;
    }
    while (t->oldest) {
        session *next = t->oldest->newer;

        session_destroy(t->oldest);
        t->oldest = next;
    }
    free(t->buckets);
    pthread_mutex_destroy(&t->mutex);
}

store_session_key session_key(lp_span id)
{
    uint8_t digest[SECRET_HASH_BYTES];
    store_session_key key;

    secret_digest(LP_SPAN("logplex session "), id, digest);
    memcpy(key.bytes, digest, sizeof key.bytes);
    return key;
}

session *session_create(const store_session_key *key,
                        const catalog_session *asked)
{
    size_t channel_bytes = strlen(asked->channel_id);
    size_t source_bytes = strlen(asked->source);
    size_t ps_bytes = strlen(asked->ps);
    session *s = calloc(1, sizeof *s + channel_bytes + source_bytes + ps_bytes);

    if (!s) {
        return NULL;
    }
    s->key = *key;
    s->created_ns = asked->created_ns;
    s->num_lines = asked->num_lines;
    s->is_tail = asked->is_tail;
    s->channel_bytes = (uint16_t)channel_bytes;
    s->source_bytes = (uint16_t)source_bytes;
    s->ps_bytes = (uint16_t)ps_bytes;
    memcpy(s->text, asked->channel_id, channel_bytes);
    memcpy(s->text + channel_bytes, asked->source, source_bytes);
    memcpy(s->text + channel_bytes + source_bytes, asked->ps, ps_bytes);
    return s;
}

void session_destroy(session *s)
{
    free(s);
}

/* The table; the mutex is held ------------------------------------------- */

static session **bucket_of(session_table *t, const store_session_key *key)
{
    uint32_t at;

    memcpy(&at, key->bytes, sizeof at); // a digest is a hash already
    return &t->buckets[at & (t->bucket_count - 1)];
}

static void leave_bucket(session_table *t, session *s)
{
    session **at = bucket_of(t, &s->key);

    while (*at != s) {
        at = &(*at)->bucket_next;
    }
    *at = s->bucket_next;
    t->count--;
}

static void drop_oldest(session_table *t)
{
    session *s = t->oldest;

    leave_bucket(t, s);
    t->oldest = s->newer;
    if (!t->oldest) {
        t->newest = NULL;
    }
    session_destroy(s);
}

static bool is_over(const session_table *t, const session *s, int64_t now_ns)
{
    return now_ns - s->created_ns >= t->ttl_ns;
}

void session_add(session_table *t, session *s)
{
    session **bucket = bucket_of(t, &s->key);

    pthread_mutex_lock(&t->mutex);
    while (t->oldest &&
           (t->count >= t->max || is_over(t, t->oldest, s->created_ns))) {
        drop_oldest(t);
    }
    s->bucket_next = *bucket;
    *bucket = s;
    if (t->newest) {
        t->newest->newer = s;
    } else {
        t->oldest = s;
    }
    t->newest = s;
    t->count++;
    pthread_mutex_unlock(&t->mutex);
}

bool session_displaced(session_table *t, int64_t now_ns, store_session_key *key)
{
    bool is_full;

    pthread_mutex_lock(&t->mutex);
    is_full = t->count >= t->max && !is_over(t, t->oldest, now_ns);
    if (is_full) {
        *key = t->oldest->key;
    }
    pthread_mutex_unlock(&t->mutex);
    return is_full;
}

static void show(const session *s, catalog_session *out)
{
    const char *text = s->text;

    memset(out, 0, sizeof *out);
    memcpy(out->channel_id, text, s->channel_bytes);
    memcpy(out->source, text + s->channel_bytes, s->source_bytes);
    memcpy(out->ps, text + s->channel_bytes + s->source_bytes, s->ps_bytes);
    out->num_lines = s->num_lines;
    out->is_tail = s->is_tail;
    out->created_ns = s->created_ns;
}

bool session_find(session_table *t, const store_session_key *key,
                  int64_t now_ns, catalog_session *out)
{
    bool is_found;
    session *s;

    pthread_mutex_lock(&t->mutex);
    s = *bucket_of(t, key);
    while (s && memcmp(s->key.bytes, key->bytes, sizeof key->bytes) != 0) {
        s = s->bucket_next;
    }
    is_found = s && !is_over(t, s, now_ns);
    if (is_found) {
        show(s, out);
    }
    pthread_mutex_unlock(&t->mutex);
    return is_found;
}

void session_drop_channel(session_table *t, lp_span channel_id)
{
    session *newest = NULL;
    session **at = &t->oldest;

    pthread_mutex_lock(&t->mutex);
    while (*at) {
        session *s = *at;

        if (lp_span_equal(lp_span_of(s->text, s->channel_bytes), channel_id)) {
            *at = s->newer;
            leave_bucket(t, s);
            session_destroy(s);
        } else {
            newest = s;
            at = &s->newer;
        }
    }
    t->newest = newest;
    pthread_mutex_unlock(&t->mutex);
}
