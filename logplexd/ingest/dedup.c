#include "ingest/dedup.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/uuid.h"
#include "catalog/catalog.h"

typedef enum entry_state { FORGOTTEN, UNDER_WAY, KEPT } entry_state;

typedef struct entry {
    dedup_key key;
    uint64_t since_ms;
    dedup_answer answer;
    uint32_t next; /* of its bucket: a place, from 1; 0: the last */
    entry_state state;
} entry;

struct dedup {
    pthread_mutex_t mutex;
    pthread_cond_t has_ended; /* something that was under way */
    hash_key keys[2];
    uint64_t window_ms;
    uint32_t max;
    uint32_t oldest;       /* where the ring of places begins */
    uint32_t count;        /* the forgotten ones included     */
    uint32_t bucket_count; /* a power of two */
    entry *entries;
    uint32_t *buckets; /* places, from 1 */
};

/* Life -------------------------------------------------------------------- */

dedup *dedup_create(uint32_t ids_max, uint64_t window_ms)
{
    dedup *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->has_ended, NULL);
    random_bytes(d->keys, sizeof(d->keys));
    d->window_ms = window_ms;
    d->max = ids_max;
    d->bucket_count = 1;
    while (d->bucket_count < ids_max)
        d->bucket_count *= 2;
    d->entries = calloc(ids_max, sizeof(*d->entries));
    d->buckets = calloc(d->bucket_count, sizeof(*d->buckets));
    if (d->entries && d->buckets)
        return d;
    dedup_destroy(d);
    return NULL;
}

void dedup_destroy(dedup *d)
{
    if (!d)
        return;
    pthread_cond_destroy(&d->has_ended);
    pthread_mutex_destroy(&d->mutex);
    free(d->entries);
    free(d->buckets);
    free(d);
}

/* Keys -------------------------------------------------------------------- */

bool dedup_is_id(lp_span id)
{
    return id.len_bytes > 0 && id.len_bytes <= DEDUP_ID_MAX_BYTES;
}

dedup_key dedup_key_of(const dedup *d, char kind, lp_span sender, lp_span id)
{
    char text[2 + CATALOG_ID_MAX_BYTES + DEDUP_ID_MAX_BYTES];
    size_t used_bytes = 2 + sender.len_bytes;
    dedup_key key;

    assert(sender.len_bytes <= CATALOG_ID_MAX_BYTES && dedup_is_id(id));
    // With the length of the id and of the whole there is one way to read it.
    text[0] = kind;
    text[1] = (char)id.len_bytes;
    memcpy(text + 2, sender.ptr, sender.len_bytes);
    memcpy(text + used_bytes, id.ptr, id.len_bytes);
    used_bytes += id.len_bytes;
    for (unsigned i = 0; i < 2; i++)
        key.words[i] = hash_span(&d->keys[i], lp_span_of(text, used_bytes));
    return key;
}

/* The table --------------------------------------------------------------- */

static uint32_t *bucket_of(dedup *d, const dedup_key *key)
{
    return &d->buckets[key->words[0] & (d->bucket_count - 1)];
}

static bool is_key(const entry *e, const dedup_key *key)
{
    return e->key.words[0] == key->words[0] && e->key.words[1] == key->words[1];
}

// The link that leads to it, or the end of its bucket.
static uint32_t *link_to(dedup *d, const dedup_key *key)
{
    uint32_t *link = bucket_of(d, key);

    while (*link != 0 && !is_key(&d->entries[*link - 1], key))
        link = &d->entries[*link - 1].next;
    return link;
}

static void forget(dedup *d, entry *e)
{
    uint32_t *link = link_to(d, &e->key);

    *link = e->next;
    e->state = FORGOTTEN;
}

static void drop_oldest(dedup *d)
{
    entry *e = &d->entries[d->oldest];

    if (e->state != FORGOTTEN)
        forget(d, e);
    d->oldest = (d->oldest + 1) % d->max;
    d->count--;
}

static void expire(dedup *d, uint64_t now_ms)
{
    while (d->count > 0) {
        const entry *e = &d->entries[d->oldest];
        // The loops of two workers may be some milliseconds apart.
        uint64_t age_ms = now_ms > e->since_ms ? now_ms - e->since_ms : 0;

        if (e->state == UNDER_WAY ||
            (e->state == KEPT && age_ms < d->window_ms))
            return;
        drop_oldest(d);
    }
}

// In a full ring the place behind the newest is the oldest's: turning the ring
// on makes the oldest the newest. True: one that was kept had to go.
static bool make_room(dedup *d)
{
    uint32_t turns = 0;
    bool was_kept;

    if (d->count < d->max)
        return false;
    while (d->entries[d->oldest].state == UNDER_WAY) {
        d->oldest = (d->oldest + 1) % d->max;
        turns++;
        assert(turns < d->max); // a thread has one under way, at most
    }
    was_kept = d->entries[d->oldest].state == KEPT;
    drop_oldest(d);
    return was_kept;
}

static void add(dedup *d, const dedup_key *key, uint64_t now_ms)
{
    uint32_t place = (d->oldest + d->count) % d->max;
    uint32_t *bucket = bucket_of(d, key);

    d->entries[place] = (entry){
        .key = *key, .since_ms = now_ms, .next = *bucket, .state = UNDER_WAY};
    *bucket = place + 1;
    d->count++;
}

/* Of a POST --------------------------------------------------------------- */

bool dedup_begin(dedup *d, const dedup_key *key, uint64_t now_ms,
                 dedup_answer *answer, bool *is_early)
{
    uint32_t place;

    *is_early = false;
    pthread_mutex_lock(&d->mutex);
    expire(d, now_ms);
    place = *link_to(d, key);
    while (place != 0 && d->entries[place - 1].state == UNDER_WAY) {
        pthread_cond_wait(&d->has_ended, &d->mutex);
        place = *link_to(d, key);
    }
    if (place != 0) {
        *answer = d->entries[place - 1].answer;
    } else {
        *is_early = make_room(d);
        add(d, key, now_ms);
    }
    pthread_mutex_unlock(&d->mutex);
    return place == 0;
}

void dedup_end(dedup *d, const dedup_key *key, const dedup_answer *answer)
{
    uint32_t place;
    entry *e;

    pthread_mutex_lock(&d->mutex);
    place = *link_to(d, key);
    assert(place != 0);
    e = &d->entries[place - 1];
    assert(e->state == UNDER_WAY);
    if (answer) {
        e->answer = *answer;
        e->state = KEPT;
    } else {
        forget(d, e);
    }
    pthread_cond_broadcast(&d->has_ended);
    pthread_mutex_unlock(&d->mutex);
}
