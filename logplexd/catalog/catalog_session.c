/* catalog_session.c - log sessions: see catalog.h and session.h. */
#include "catalog/catalog_impl.h"

#include <string.h>

#include "base/log.h"
#include "base/uuid.h"

enum { SESSION_ID_BYTES = UUID_TEXT_BYTES - 1 };

static catalog_err store_session(catalog *cat, const store_session_key *key,
                                 const catalog_session *asked)
{
    int64_t now_ns = asked->created_ns;
    store_session_key displaced;

    if (!catalog_find_family(cat, lp_span_str(asked->channel_id))) {
        return CATALOG_NOT_FOUND;
    }
    if (session_displaced(&cat->sessions, now_ns, &displaced) &&
        !store_delete_session(cat->store, &displaced)) {
        return CATALOG_FAILED;
    }
    if (!store_expire_sessions(cat->store, now_ns - cat->sessions.ttl_ns) ||
        !store_add_session(cat->store, key, asked)) {
        return CATALOG_FAILED;
    }
    return CATALOG_OK;
}

catalog_err catalog_add_session(catalog *cat, catalog_session *asked,
                                int64_t now_ns)
{
    store_session_key key;
    session *made;
    catalog_err err;

    uuid_random(asked->id);
    asked->created_ns = now_ns;
    key = session_key(lp_span_str(asked->id));
    made = session_create(&key, asked);
    if (!made) {
        return catalog_no_memory();
    }
    err = catalog_begin(cat);
    if (err == CATALOG_OK) {
        err = catalog_settle(cat, store_session(cat, &key, asked), NULL);
    } else {
        pthread_mutex_lock(&cat->write_mutex);
    }
    // A disk that is full is when people want to read their logs most.
    if (err == CATALOG_FAILED) {
        LOG_AT(LOG_WARN, "session_not_stored", "%s",
               "why=\"the store failed; the session goes with a restart\"");
        err = CATALOG_OK;
    }
    // Shown before the writer's lock goes: a deletion of the channel that comes
    // next must find it.
    if (err == CATALOG_OK) {
        session_add(&cat->sessions, made);
    } else {
        session_destroy(made);
    }
    pthread_mutex_unlock(&cat->write_mutex);
    return err;
}

bool catalog_get_session(catalog *cat, lp_span id, int64_t now_ns,
                         catalog_session *out)
{
    store_session_key key;

    if (id.len_bytes != SESSION_ID_BYTES) {
        return false;
    }
    key = session_key(id);
    if (!session_find(&cat->sessions, &key, now_ns, out)) {
        return false;
    }
    memcpy(out->id, id.ptr, id.len_bytes);
    out->id[id.len_bytes] = '\0';
    return true;
}
