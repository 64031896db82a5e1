/*
 * store.h - the catalog on disk. Only store.c knows SQLite.
 *
 * Every write stands between store_begin() and store_commit(); when the latter
 * says true, it survives the loss of power. What fails is logged with SQLite's
 * extended code, and after store_rollback() it has never been.
 * Threads: one at a time.
 */
#ifndef LOGPLEXD_STORE_H
#define LOGPLEXD_STORE_H

#include "base/secret.h"
#include "catalog/catalog.h"

typedef struct store store;

/* Texts of these two end in a NUL. */
typedef struct store_token {
    char id[40];
    int64_t expires_ns; /* 0: never */
    uint32_t name_bytes;
    char name[CATALOG_NAME_MAX_BYTES + 1];
} store_token;

typedef struct store_drain {
    uint64_t id;
    char token[40];
    int64_t created_ns;
    catalog_drain_start start; /* not kept; the oldest line when read */
    uint32_t url_bytes;        /* 0: it is reserved */
    char url[CATALOG_URL_MAX_BYTES + 1];
} store_drain;

typedef struct store_channel {
    lp_span id;
    lp_span name;
    uint32_t flags;
    int64_t created_ns;
} store_channel;

typedef struct store_credential {
    lp_span id;
    uint32_t permissions;
    lp_span channel_id; /* empty: none */
    lp_span name;
    catalog_credential_kind kind;
    int64_t created_ns; /* 0: not known */
    secret_salt salt;
    secret_hash hash;
} store_credential;

enum { STORE_SESSION_KEY_BYTES = 16 };

/* A session is kept under a digest of its id: the file opens none. */
typedef struct store_session_key {
    uint8_t bytes[STORE_SESSION_KEY_BYTES];
} store_session_key;

/*
 * Opens or makes the file, and its folder; takes the lock beside it, that no
 * two daemons have; brings an older schema up to date. path NULL: in memory.
 * NULL: why says what went wrong.
 */
store *store_open(const char *path, char *why, size_t why_bytes);
void store_close(store *s);

/* What all passwords of this store are hashed with first. */
const secret_salt *store_salt(const store *s);

/* What is in it. Spans are valid for the call. Each can end it with false, and
 * what is NULL is not read. */
typedef struct store_reader {
    bool (*channel)(void *ctx, const store_channel *channel,
                    store_token *tokens, size_t token_count, /* may be sorted */
                    store_drain *drains, size_t drain_count);
    bool (*credential)(void *ctx, const store_credential *cred);
    bool (*session)(void *ctx, const store_session_key *key,
                    const catalog_session *session); /* oldest first */
} store_reader;

bool store_read(store *s, const store_reader *reader, void *ctx);

bool store_begin(store *s);
bool store_commit(store *s);
void store_rollback(store *s);

bool store_add_channel(store *s, const store_channel *channel);
bool store_set_flags(store *s, lp_span channel_id, uint32_t flags);
bool store_delete_channel(store *s, lp_span id); /* and all that is its */
bool store_add_token(store *s, lp_span channel_id, const store_token *token);
bool store_expire_token(store *s, const char *id, int64_t expires_ns);
bool store_delete_token(store *s, const char *id);
bool store_add_drain(store *s, lp_span channel_id,
                     store_drain *drain); /* sets its id */
bool store_set_drain_url(store *s, const store_drain *drain);
bool store_delete_drain(store *s, uint64_t id);
bool store_put_credential(store *s, const store_credential *cred);
bool store_delete_credential(store *s, lp_span id);
bool store_add_session(store *s, const store_session_key *key,
                       const catalog_session *session);
bool store_delete_session(store *s, const store_session_key *key);

/* Of the sessions made before then, some hundred of the oldest. */
bool store_expire_sessions(store *s, int64_t before_ns);

/* A name and a text that outlast a restart. store_get_setting() is false when
 * there is none, or one that has no room. */
bool store_put_setting(store *s, const char *name, lp_span value);
bool store_get_setting(store *s, const char *name, char *out,
                       size_t room_bytes);

#endif /* LOGPLEXD_STORE_H */
