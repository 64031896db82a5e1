/* store.c - see store.h. */
#include "catalog/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "catalog/store_lock.h"
#include "catalog/store_schema.h"

enum {
    APPLICATION_ID = 0x4c706c78, /* "Lplx", in the file's header */
    SCHEMA = sizeof store_schema_steps / sizeof store_schema_steps[0],
    BUSY_MAX_MS = 5000 /* for whoever looks into the file with a tool */
};

#define CHANNEL_OF(n) "(SELECT number FROM channels WHERE id = ?" #n ")"

#define STATEMENTS(X)                                                         \
    X(BEGIN, "BEGIN IMMEDIATE")                                               \
    X(COMMIT, "COMMIT")                                                       \
    X(ROLLBACK, "ROLLBACK")                                                   \
    X(ADD_CHANNEL, "INSERT INTO channels(id, flags, created_ns, name)"        \
                   " VALUES(?1, ?2, ?3, ?4)")                                 \
    X(SET_FLAGS, "UPDATE channels SET flags = ?2 WHERE id = ?1")              \
    X(DELETE_CHANNEL, "DELETE FROM channels WHERE id = ?1")                   \
    X(ADD_TOKEN, "INSERT INTO tokens(channel, id, name) "                     \
                 "VALUES(" CHANNEL_OF(1) ", ?2, ?3)")                         \
    X(EXPIRE_TOKEN, "UPDATE tokens SET expires_ns = ?2 WHERE id = ?1")        \
    X(DELETE_TOKEN, "DELETE FROM tokens WHERE id = ?1")                       \
    X(ADD_DRAIN, "INSERT INTO drains(channel, token, url, created_ns) "       \
                 "VALUES(" CHANNEL_OF(1) ", ?2, ?3, ?4)")                     \
    X(SET_DRAIN_URL, "UPDATE drains SET url = ?2 WHERE number = ?1")          \
    X(DELETE_DRAIN, "DELETE FROM drains WHERE number = ?1")                   \
    X(PUT_SETTING,                                                            \
      "INSERT OR REPLACE INTO settings(name, value) VALUES(?1, ?2)")          \
    X(GET_SETTING, "SELECT value FROM settings WHERE name = ?1")              \
    X(PUT_CREDENTIAL,                                                         \
      "INSERT OR REPLACE INTO credentials(id, permissions, channel_id, salt," \
      " hash, name, kind, created_ns)"                                        \
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                              \
    X(DELETE_CREDENTIAL, "DELETE FROM credentials WHERE id = ?1")             \
    X(ADD_SESSION,                                                            \
      "INSERT INTO sessions(channel, key, source, ps, num_lines, is_tail,"    \
      " created_ns) VALUES(" CHANNEL_OF(1) ", ?2, ?3, ?4, ?5, ?6, ?7)")       \
    X(DELETE_SESSION, "DELETE FROM sessions WHERE key = ?1")                  \
    X(EXPIRE_SESSIONS,                                                        \
      "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions"           \
      " WHERE created_ns < ?1 ORDER BY created_ns LIMIT 200)")                \
    X(READ_SALT, "SELECT value FROM meta WHERE name = 'salt'")                \
    X(READ_CHANNELS,                                                          \
      "SELECT number, id, flags, created_ns, name FROM channels")             \
    X(READ_TOKENS,                                                            \
      "SELECT id, name, expires_ns FROM tokens WHERE channel = ?1")           \
    X(READ_DRAINS, "SELECT number, token, created_ns, url FROM drains"        \
                   " WHERE channel = ?1 ORDER BY number")                     \
    X(READ_CREDENTIALS,                                                       \
      "SELECT id, permissions, channel_id, salt, hash, name, kind,"           \
      " created_ns FROM credentials")                                         \
    X(READ_SESSIONS,                                                          \
      "SELECT s.key, c.id, s.source, s.ps, s.num_lines, s.is_tail,"           \
      " s.created_ns FROM sessions s JOIN channels c ON c.number = s.channel" \
      " ORDER BY s.created_ns")

typedef enum statement {
#define X(id, sql) id,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
} statement;

static const char *const statement_texts[] = {
#define X(id, sql) sql,
    STATEMENTS(X)
#undef X
};

static const char *const statement_names[] = {
#define X(id, sql) #id,
    STATEMENTS(X)
#undef X
};

struct store {
    sqlite3 *db;
    int lock_fd; /* -1: in memory */
    secret_salt salt;
    sqlite3_stmt *prepared[STATEMENT_COUNT];
};

/* Running ----------------------------------------------------------------- */

static bool failed(store *s, const char *what)
{
    char text[256];

    LOG_AT(LOG_ERROR, "store_failed", "what=%s code=%d text=%s", what,
           sqlite3_extended_errcode(s->db),
           log_quote(sqlite3_errmsg(s->db), text, sizeof text));
    return false;
}

static bool step_is_over(store *s, statement which)
{
    int rc = sqlite3_step(s->prepared[which]);
    bool ok = rc == SQLITE_DONE || failed(s, statement_names[which]);

    sqlite3_reset(s->prepared[which]);
    sqlite3_clear_bindings(s->prepared[which]);
    return ok;
}

/* The bytes must stay until the statement has run. A bind can only fail for a
 * wrong index or a size beyond a gigabyte. */
static void bind_text(store *s, statement which, int at, lp_span text)
{
    int rc = sqlite3_bind_text(s->prepared[which], at,
                               text.len_bytes ? text.ptr : "",
                               (int)text.len_bytes, SQLITE_STATIC);

    assert(rc == SQLITE_OK);
}

static void bind_blob(store *s, statement which, int at, const void *bytes,
                      size_t len_bytes)
{
    int rc = sqlite3_bind_blob(s->prepared[which], at, bytes, (int)len_bytes,
                               SQLITE_STATIC);

    assert(rc == SQLITE_OK);
}

static void bind_number(store *s, statement which, int at, int64_t n)
{
    int rc = sqlite3_bind_int64(s->prepared[which], at, n);

    assert(rc == SQLITE_OK);
}

bool store_begin(store *s)
{
    return step_is_over(s, BEGIN);
}

bool store_commit(store *s)
{
    return step_is_over(s, COMMIT);
}

/* Some failures, a full disk among them, have rolled back already. */
void store_rollback(store *s)
{
    if (!sqlite3_get_autocommit(s->db)) {
        step_is_over(s, ROLLBACK);
    }
}

/* Writing ----------------------------------------------------------------- */

bool store_add_channel(store *s, const store_channel *channel)
{
    bind_text(s, ADD_CHANNEL, 1, channel->id);
    bind_number(s, ADD_CHANNEL, 2, channel->flags);
    bind_number(s, ADD_CHANNEL, 3, channel->created_ns);
    bind_text(s, ADD_CHANNEL, 4, channel->name);
    return step_is_over(s, ADD_CHANNEL);
}

bool store_set_flags(store *s, lp_span channel_id, uint32_t flags)
{
    bind_text(s, SET_FLAGS, 1, channel_id);
    bind_number(s, SET_FLAGS, 2, flags);
    return step_is_over(s, SET_FLAGS);
}

bool store_delete_channel(store *s, lp_span id)
{
    bind_text(s, DELETE_CHANNEL, 1, id);
    return step_is_over(s, DELETE_CHANNEL);
}

bool store_add_token(store *s, lp_span channel_id, const store_token *token)
{
    bind_text(s, ADD_TOKEN, 1, channel_id);
    bind_text(s, ADD_TOKEN, 2, lp_span_str(token->id));
    bind_text(s, ADD_TOKEN, 3, lp_span_of(token->name, token->name_bytes));
    return step_is_over(s, ADD_TOKEN);
}

bool store_expire_token(store *s, const char *id, int64_t expires_ns)
{
    bind_text(s, EXPIRE_TOKEN, 1, lp_span_str(id));
    bind_number(s, EXPIRE_TOKEN, 2, expires_ns);
    return step_is_over(s, EXPIRE_TOKEN);
}

bool store_delete_token(store *s, const char *id)
{
    bind_text(s, DELETE_TOKEN, 1, lp_span_str(id));
    return step_is_over(s, DELETE_TOKEN);
}

bool store_add_drain(store *s, lp_span channel_id, store_drain *drain)
{
    bind_text(s, ADD_DRAIN, 1, channel_id);
    bind_text(s, ADD_DRAIN, 2, lp_span_str(drain->token));
    bind_text(s, ADD_DRAIN, 3, lp_span_of(drain->url, drain->url_bytes));
    bind_number(s, ADD_DRAIN, 4, drain->created_ns);
    if (!step_is_over(s, ADD_DRAIN)) {
        return false;
    }
    drain->id = (uint64_t)sqlite3_last_insert_rowid(s->db);
    return true;
}

bool store_set_drain_url(store *s, const store_drain *drain)
{
    bind_number(s, SET_DRAIN_URL, 1, (int64_t)drain->id);
    bind_text(s, SET_DRAIN_URL, 2, lp_span_of(drain->url, drain->url_bytes));
    return step_is_over(s, SET_DRAIN_URL);
}

bool store_delete_drain(store *s, uint64_t id)
{
    bind_number(s, DELETE_DRAIN, 1, (int64_t)id);
    return step_is_over(s, DELETE_DRAIN);
}

bool store_put_credential(store *s, const store_credential *cred)
{
    bind_text(s, PUT_CREDENTIAL, 1, cred->id);
    bind_number(s, PUT_CREDENTIAL, 2, cred->permissions);
    bind_text(s, PUT_CREDENTIAL, 3, cred->channel_id);
    bind_blob(s, PUT_CREDENTIAL, 4, cred->salt.bytes, sizeof cred->salt.bytes);
    bind_blob(s, PUT_CREDENTIAL, 5, cred->hash.bytes, sizeof cred->hash.bytes);
    bind_text(s, PUT_CREDENTIAL, 6, cred->name);
    bind_number(s, PUT_CREDENTIAL, 7, cred->kind);
    bind_number(s, PUT_CREDENTIAL, 8, cred->created_ns);
    return step_is_over(s, PUT_CREDENTIAL);
}

bool store_delete_credential(store *s, lp_span id)
{
    bind_text(s, DELETE_CREDENTIAL, 1, id);
    return step_is_over(s, DELETE_CREDENTIAL);
}

bool store_add_session(store *s, const store_session_key *key,
                       const catalog_session *session)
{
    bind_text(s, ADD_SESSION, 1, lp_span_str(session->channel_id));
    bind_blob(s, ADD_SESSION, 2, key->bytes, sizeof key->bytes);
    bind_text(s, ADD_SESSION, 3, lp_span_str(session->source));
    bind_text(s, ADD_SESSION, 4, lp_span_str(session->ps));
    bind_number(s, ADD_SESSION, 5, (int64_t)session->num_lines);
    bind_number(s, ADD_SESSION, 6, session->is_tail);
    bind_number(s, ADD_SESSION, 7, session->created_ns);
    return step_is_over(s, ADD_SESSION);
}

bool store_delete_session(store *s, const store_session_key *key)
{
    bind_blob(s, DELETE_SESSION, 1, key->bytes, sizeof key->bytes);
    return step_is_over(s, DELETE_SESSION);
}

bool store_expire_sessions(store *s, int64_t before_ns)
{
    bind_number(s, EXPIRE_SESSIONS, 1, before_ns);
    return step_is_over(s, EXPIRE_SESSIONS);
}

/* Reading ----------------------------------------------------------------- */

static lp_span column_span(sqlite3_stmt *row, int at)
{
    const char *bytes = sqlite3_column_blob(row, at);

    return lp_span_of(bytes ? bytes : "",
                      (size_t)sqlite3_column_bytes(row, at));
}

/* False when it is longer than out: somebody else wrote it. */
static bool column_copy(sqlite3_stmt *row, int at, char *out, size_t room_bytes)
{
    lp_span text = column_span(row, at);

    if (text.len_bytes >= room_bytes) {
        return false;
    }
    memcpy(out, text.ptr, text.len_bytes);
    out[text.len_bytes] = '\0';
    return true;
}

static bool column_exactly(sqlite3_stmt *row, int at, void *out, size_t bytes)
{
    lp_span blob = column_span(row, at);

    if (blob.len_bytes != bytes) {
        return false;
    }
    memcpy(out, blob.ptr, bytes);
    return true;
}

/* Ends a loop over rows: true when it ended because there were no more. */
static bool rows_are_over(store *s, statement which, int rc, bool is_sound)
{
    if (is_sound && rc != SQLITE_DONE) {
        failed(s, statement_names[which]);
    } else if (!is_sound) {
        LOG_AT(LOG_ERROR, "store_unsound", "what=%s", statement_names[which]);
    }
    sqlite3_reset(s->prepared[which]);
    sqlite3_clear_bindings(s->prepared[which]);
    return is_sound && rc == SQLITE_DONE;
}

/* Tokens or drains of one channel. */
typedef struct row_list {
    void *at;
    size_t count, room;
} row_list;

/* Room for one more; NULL: no memory. */
static void *row_list_add(row_list *list, size_t row_bytes)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 8;
        void *at = realloc(list->at, room * row_bytes);

        if (!at) {
            return NULL;
        }
        list->at = at;
        list->room = room;
    }
    return (char *)list->at + list->count++ * row_bytes;
}

static bool read_token(sqlite3_stmt *row, void *at)
{
    store_token *out = at;

    if (!out || !column_copy(row, 0, out->id, sizeof out->id) ||
        !column_copy(row, 1, out->name, sizeof out->name)) {
        return false;
    }
    out->name_bytes = (uint32_t)column_span(row, 1).len_bytes;
    out->expires_ns = sqlite3_column_int64(row, 2);
    return true;
}

static bool read_drain(sqlite3_stmt *row, void *at)
{
    store_drain *out = at;

    if (!out || !column_copy(row, 1, out->token, sizeof out->token) ||
        !column_copy(row, 3, out->url, sizeof out->url)) {
        return false;
    }
    out->id = (uint64_t)sqlite3_column_int64(row, 0);
    out->created_ns = sqlite3_column_int64(row, 2);
    out->start = (catalog_drain_start){.kind = LP_START_OLDEST};
    out->url_bytes = (uint32_t)column_span(row, 3).len_bytes;
    return true;
}

/* What a channel has of one kind; read is given NULL when there is no memory. */
static bool read_rows(store *s, statement which, int64_t channel,
                      row_list *list, size_t row_bytes,
                      bool (*read)(sqlite3_stmt *row, void *at))
{
    sqlite3_stmt *row = s->prepared[which];
    bool is_sound = true;
    int rc;

    list->count = 0;
    bind_number(s, which, 1, channel);
    while ((rc = sqlite3_step(row)) == SQLITE_ROW && is_sound) {
        is_sound = read(row, row_list_add(list, row_bytes));
    }
    return rows_are_over(s, which, rc, is_sound);
}

static bool read_channels(store *s, const store_reader *reader, void *ctx)
{
    sqlite3_stmt *row = s->prepared[READ_CHANNELS];
    row_list tokens = {.at = NULL};
    row_list drains = {.at = NULL};
    bool is_sound = true;
    int rc;

    while ((rc = sqlite3_step(row)) == SQLITE_ROW && is_sound) {
        int64_t number = sqlite3_column_int64(row, 0);
        store_channel channel = {.id = column_span(row, 1),
                                 .name = column_span(row, 4)};

        channel.flags = (uint32_t)sqlite3_column_int64(row, 2);
        channel.created_ns = sqlite3_column_int64(row, 3);
        is_sound = read_rows(s, READ_TOKENS, number, &tokens,
                             sizeof(store_token), read_token) &&
                   read_rows(s, READ_DRAINS, number, &drains,
                             sizeof(store_drain), read_drain) &&
                   reader->channel(ctx, &channel, tokens.at, tokens.count,
                                   drains.at, drains.count);
    }
    free(tokens.at);
    free(drains.at);
    return rows_are_over(s, READ_CHANNELS, rc, is_sound);
}

static bool read_credentials(store *s, const store_reader *reader, void *ctx)
{
    sqlite3_stmt *row = s->prepared[READ_CREDENTIALS];
    bool is_sound = true;
    int rc;

    while ((rc = sqlite3_step(row)) == SQLITE_ROW && is_sound) {
        store_credential cred = {.id = column_span(row, 0),
                                 .channel_id = column_span(row, 2),
                                 .name = column_span(row, 5)};

        cred.permissions = (uint32_t)sqlite3_column_int64(row, 1);
        cred.kind = (catalog_credential_kind)sqlite3_column_int(row, 6);
        cred.created_ns = sqlite3_column_int64(row, 7);
        is_sound =
            cred.kind <= CATALOG_GENERATED &&
            column_exactly(row, 3, cred.salt.bytes, sizeof cred.salt.bytes) &&
            column_exactly(row, 4, cred.hash.bytes, sizeof cred.hash.bytes) &&
            reader->credential(ctx, &cred);
    }
    return rows_are_over(s, READ_CREDENTIALS, rc, is_sound);
}

static bool read_sessions(store *s, const store_reader *reader, void *ctx)
{
    sqlite3_stmt *row = s->prepared[READ_SESSIONS];
    bool is_sound = true;
    int rc;

    while ((rc = sqlite3_step(row)) == SQLITE_ROW && is_sound) {
        catalog_session out = {.id = ""};
        store_session_key key;

        out.num_lines = (uint64_t)sqlite3_column_int64(row, 4);
        out.is_tail = sqlite3_column_int(row, 5) != 0;
        out.created_ns = sqlite3_column_int64(row, 6);
        is_sound = column_exactly(row, 0, key.bytes, sizeof key.bytes) &&
                   column_copy(row, 1, out.channel_id, sizeof out.channel_id) &&
                   column_copy(row, 2, out.source, sizeof out.source) &&
                   column_copy(row, 3, out.ps, sizeof out.ps) &&
                   reader->session(ctx, &key, &out);
    }
    return rows_are_over(s, READ_SESSIONS, rc, is_sound);
}

bool store_read(store *s, const store_reader *reader, void *ctx)
{
    return (!reader->channel || read_channels(s, reader, ctx)) &&
           (!reader->credential || read_credentials(s, reader, ctx)) &&
           (!reader->session || read_sessions(s, reader, ctx));
}

/* Settings ---------------------------------------------------------------- */

bool store_put_setting(store *s, const char *name, lp_span value)
{
    bind_text(s, PUT_SETTING, 1, lp_span_str(name));
    bind_text(s, PUT_SETTING, 2, value);
    return step_is_over(s, PUT_SETTING);
}

bool store_get_setting(store *s, const char *name, char *out, size_t room_bytes)
{
    sqlite3_stmt *row = s->prepared[GET_SETTING];
    bool is_there;

    bind_text(s, GET_SETTING, 1, lp_span_str(name));
    is_there =
        sqlite3_step(row) == SQLITE_ROW && column_copy(row, 0, out, room_bytes);
    sqlite3_reset(row);
    sqlite3_clear_bindings(row);
    return is_there;
}

/* Opening ----------------------------------------------------------------- */

static bool explain(store *s, const char *path, const char *what, char *why,
                    size_t why_bytes)
{
    snprintf(why, why_bytes, "%s: %s: %s (SQLite code %d)", path, what,
             s->db ? sqlite3_errmsg(s->db) : "no memory",
             s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM);
    return false;
}

static bool run_text(store *s, const char *sql)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* -1: it can't be read. */
static int64_t pragma_number(store *s, const char *sql)
{
    sqlite3_stmt *row;
    int64_t n = -1;

    if (sqlite3_prepare_v2(s->db, sql, -1, &row, NULL) != SQLITE_OK) {
        return -1;
    }
    if (sqlite3_step(row) == SQLITE_ROW) {
        n = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    return n;
}

static bool migrate(store *s, int64_t from)
{
    char sql[128];

    if (!run_text(s, "BEGIN IMMEDIATE")) {
        return false;
    }
    for (int64_t step = from; step < SCHEMA; step++) {
        if (!run_text(s, store_schema_steps[step])) {
            return false;
        }
    }
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", APPLICATION_ID);
    if (!run_text(s, sql)) {
        return false;
    }
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", SCHEMA);
    return run_text(s, sql) && run_text(s, "COMMIT");
}

/* Nobody's file is taken for ours, and no newer one is written to. */
static bool bring_up_to_date(store *s, const char *path, char *why,
                             size_t why_bytes)
{
    int64_t schema = pragma_number(s, "PRAGMA user_version");
    int64_t owner = pragma_number(s, "PRAGMA application_id");
    int64_t tables = pragma_number(s, "SELECT count(*) FROM sqlite_schema");

    if (schema < 0 || owner < 0 || tables < 0) {
        return explain(s, path, "it can't be read", why, why_bytes);
    }
    if (owner != APPLICATION_ID && (owner != 0 || tables != 0)) {
        snprintf(why, why_bytes, "%s: a database, but not one of logplexd",
                 path);
        return false;
    }
    if (schema > SCHEMA) {
        snprintf(why, why_bytes,
                 "%s: a newer logplexd wrote it (schema %lld, this one knows "
                 "up to %d): run that one, or restore a copy from before",
                 path, (long long)schema, SCHEMA);
        return false;
    }
    if (schema < SCHEMA && !migrate(s, schema)) {
        return explain(s, path, "its schema can't be brought up to date", why,
                       why_bytes);
    }
    return true;
}

/* Waits for others, checks what refers to what, and syncs at each commit: in
 * WAL mode that is what makes a commit outlast the power (SQLite, "PRAGMA
 * synchronous"). */
static bool set_up(store *s, const char *path, char *why, size_t why_bytes)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MAX_MS);
    if (!run_text(s, "PRAGMA foreign_keys = ON;"
                     "PRAGMA journal_mode = WAL;"
                     "PRAGMA synchronous = FULL")) {
        return explain(s, path, "it can't be set up", why, why_bytes);
    }
    return bring_up_to_date(s, path, why, why_bytes);
}

static bool prepare(store *s)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(s->db, statement_texts[i], -1,
                               SQLITE_PREPARE_PERSISTENT, &s->prepared[i],
                               NULL) != SQLITE_OK) {
            return failed(s, statement_names[i]);
        }
    }
    return true;
}

static bool find_salt(store *s)
{
    sqlite3_stmt *row = s->prepared[READ_SALT];
    bool ok = sqlite3_step(row) == SQLITE_ROW &&
              column_exactly(row, 0, s->salt.bytes, sizeof s->salt.bytes);

    sqlite3_reset(row);
    return ok;
}

/* SQLite gives its other files the mode of the first: it holds tokens, so it is
 * nobody else's to read. */
static bool make_private(const char *path, char *why, size_t why_bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0) {
        snprintf(why, why_bytes, "%s can't be opened: %s", path,
                 strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

store *store_open(const char *path, char *why, size_t why_bytes)
{
    const char *name = path ? path : ":memory:";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    store *s = calloc(1, sizeof *s);

    if (!s) {
        snprintf(why, why_bytes, "%s: no memory", name);
        return NULL;
    }
    s->lock_fd = path ? store_lock(path, why, why_bytes) : -1;
    if (path && (s->lock_fd < 0 || !make_private(path, why, why_bytes))) {
        goto fail;
    }
    if (sqlite3_open_v2(name, &s->db, flags, NULL) != SQLITE_OK) {
        explain(s, name, "it can't be opened", why, why_bytes);
        goto fail;
    }
    if (!set_up(s, name, why, why_bytes)) {
        goto fail;
    }
    if (!prepare(s) || !find_salt(s)) {
        explain(s, name, "its tables are not as they should be", why,
                why_bytes);
        goto fail;
    }
    return s;

fail:
    store_close(s);
    return NULL;
}

void store_close(store *s)
{
    int rc;

    if (!s) {
        return;
    }
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(s->prepared[i]);
    }
    rc = sqlite3_close(s->db);
    assert(rc == SQLITE_OK);
    if (s->lock_fd >= 0) {
        close(s->lock_fd); // the last: until here the file is ours
    }
    free(s);
}

const secret_salt *store_salt(const store *s)
{
    return &s->salt;
}
