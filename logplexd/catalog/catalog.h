/*
 * catalog.h - what exists: channels, their tokens, credentials, sessions.
 *
 * Everybody reads it, on every line; hardly anybody writes it. So readers hold
 * an immutable *view* of the whole, and a writer makes a new one that shares
 * all but the changed part with the old:
 *
 *     catalog --current--> view 8 ---> root' --+--> branch' --> token' ...
 *                                               \
 *                                                +--> branch --> token ...
 *                                               /
 *     worker A --holds---> view 7 ---> root ---+--> branch (goes with view 7)
 *
 * A write is durable (in SQLite) before it is in any view, and it is in the
 * current view before the call returns, on every thread that asks for it.
 *
 * Reads:  any thread, through a reader of its own; never block, no I/O.
 * Writes: any thread, one after the other; they BLOCK on the disk, so not on
 *         a worker's loop: see worker_offload().
 */
#ifndef LOGPLEXD_CATALOG_H
#define LOGPLEXD_CATALOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "logplex/logplex.h"

typedef struct catalog catalog;
typedef struct catalog_view catalog_view;

enum {
    CATALOG_ID_MAX_BYTES = 256,        /* of a channel, a token, a credential */
    CATALOG_NAME_MAX_BYTES = 256,      /* of a channel, a token               */
    CATALOG_URL_MAX_BYTES = 2048,      /* of a drain                          */
    CATALOG_PASSWORD_MAX_BYTES = 1024, /* that somebody chooses */

    /* Drains of a channel that are only reserved: they cost a row each, and nobody
     * comes to collect them. */
    CATALOG_RESERVED_MAX = 64
};

typedef enum catalog_flag {
    CATALOG_NO_TAIL = 1,
    CATALOG_NO_HISTORY = 2 /* no_redis of the original */
} catalog_flag;

typedef struct catalog_channel catalog_channel;

/* What host_app begins with. */
#define CATALOG_HOST_HEAD "host "

/* Immutable, valid as long as the view it came from is held. */
typedef struct catalog_token {
    lp_span id;         /* "t." and a UUID                                    */
    lp_span name;       /* any bytes but blanks and controls; may be empty    */
    lp_span host_app;   /* "host NAME ", as lp_render_line() wants it         */
    int64_t expires_ns; /* 0: never; see catalog_rotate_token()             */
    const catalog_channel *channel;
} catalog_token;

/* Which line is the first that a drain sends, as lp_cursor_options has it. It is
 * not stored: for a drain of an earlier life of the daemon it is the oldest. */
typedef struct catalog_drain_start {
    uint32_t kind; /* lp_start */
    uint64_t arg;
    uint64_t epoch;
} catalog_drain_start;

/* Likewise. */
typedef struct catalog_drain {
    uint64_t id;   /* never used again */
    lp_span token; /* "d." and a UUID: what a receiver knows it by */
    lp_span url;   /* in its canonical form; empty: only reserved  */
    int64_t created_ns;
    catalog_drain_start start;
    const catalog_channel *channel;
} catalog_drain;

/*
 * Somebody who follows a channel's lines from the first to the last, and who is
 * found by the channel. It is opened with the ring, and hears from that of its
 * end; every view that has the channel holds it as well.
 */
typedef struct catalog_follower {
    _Atomic uint32_t refs;
    void (*destroy)(struct catalog_follower *self); /* on any thread */
} catalog_follower;

/* Both: NULL is allowed. Threads: any. */
catalog_follower *catalog_follower_ref(catalog_follower *follower);
void catalog_follower_unref(catalog_follower *follower);

/* Likewise. A channel that is changed becomes a new catalog_channel with the
 * same ring. */
struct catalog_channel {
    lp_span id;
    lp_span uuid; /* stable, derived for clients that insist on one */
    lp_span name; /* of the legacy API; may be empty                */
    uint32_t flags;
    int64_t created_ns;
    lp_channel *ring;
    catalog_follower *follower;         /* NULL: nobody follows channels */
    const catalog_token *const *tokens; /* sorted by name, then id */
    size_t token_count;
    const catalog_drain *drains; /* sorted by id, reserved ones included */
    size_t drain_count;
};

typedef enum catalog_permission {
    CATALOG_FULL_API = 1,    /* may use the APIs              */
    CATALOG_ANY_CHANNEL = 2, /* may send lines to any channel */
    CATALOG_ONE_CHANNEL = 4  /* may send to, and read, one    */
} catalog_permission;

/* The first two are in the store as these numbers. */
typedef enum catalog_credential_kind {
    CATALOG_PASSWORD = 0,   /* chosen by somebody                          */
    CATALOG_GENERATED = 1,  /* 256 random bits                             */
    CATALOG_STATIC_KEY = 2, /* the original's: no id of its own goes along */
} catalog_credential_kind;

/* Immutable, valid as long as the view it came from is held. */
typedef struct catalog_credential {
    lp_span id;
    uint32_t permissions;
    lp_span channel_id; /* for CATALOG_ONE_CHANNEL */
    lp_span name;       /* for people; may be empty */
    catalog_credential_kind kind;
    bool is_configured;
    int64_t created_ns; /* 0: not known */
    uint64_t
        secret_mark; /* of another secret it is another; for this process */
} catalog_credential;

/* Why a write was refused. Texts by catalog_strerror(). */
typedef enum catalog_err {
    CATALOG_OK = 0,
    CATALOG_NOT_FOUND,
    CATALOG_INVALID, /* an id or name has bytes it may not have, or too many */
    CATALOG_EXISTS,  /* the channel has a drain with this URL */
    CATALOG_TOO_MANY,
    CATALOG_FULL,       /* the engine's ceiling leaves no room for a channel */
    CATALOG_FAILED,     /* the store: disk full, say; the log has the reason */
    CATALOG_CONFIGURED, /* a credential of this id is in the configuration */
    CATALOG_LAST,       /* nobody would be left who may use the APIs */
} catalog_err;

const char *catalog_strerror(catalog_err err);

typedef struct catalog_limits {
    uint64_t channels_max;           /* 0: 1,000,000 */
    uint32_t tokens_per_channel_max; /* 0: 1,000     */
    uint32_t drains_per_channel_max; /* 0: 6; reserved ones do not count, but
                                        there are at most 64 of them */
    uint32_t sessions_max;           /* 0: 100,000; the oldest goes */
    uint32_t session_ttl_s;          /* 0: 360       */
} catalog_limits;

/*
 * Opens the catalog and everything in it, with a ring in engine for each
 * channel. path is that of the SQLite file, or NULL for one in memory. The
 * engine must outlive it. On failure *why (static or in a buffer of the
 * catalog module's) says what went wrong with which path, for the log.
 */
catalog_err catalog_open(lp_engine *engine,
                         const lp_channel_options *channel_options,
                         const catalog_limits *limits, const char *path,
                         catalog **out, char *why, size_t why_bytes);

/* All views must have been let go. NULL is allowed. */
void catalog_close(catalog *cat);

/* Can this be the id of a channel or a credential? 1 to 256 bytes of UTF-8
 * without control characters. */
bool catalog_is_id(lp_span id);

/* Reading ----------------------------------------------------------------- */

/*
 * A thread's own place to read from: it keeps the newest view at hand, and
 * looking whether there is a newer one costs one atomic load. Zeroed and then
 * catalog_reader_init() to begin; one thread at a time.
 */
typedef struct catalog_reader {
    catalog *cat;
    catalog_view *view;
    uint64_t version;
    struct memo *memo; /* private to catalog_route.c */
} catalog_reader;

void catalog_reader_init(catalog_reader *reader, catalog *cat);
void catalog_reader_fini(catalog_reader *reader);

/* The current view, valid until the next call with this reader. */
const catalog_view *catalog_reader_view(catalog_reader *reader);

/* Where the lines of a token go, and what lp_render_line() wants to know of it.
 * Valid as long as the view; a short host_app is in the route itself, which must
 * then stay where it is. */
typedef struct catalog_route {
    lp_channel *ring;
    lp_span host_app;
    char near[16];
} catalog_route;

/* Is the time of a token over that was replaced? Then it is good for nothing, if
 * it is still there or not. */
static inline bool catalog_token_is_over(const catalog_token *token,
                                         int64_t now_ns)
{
    return token->expires_ns != 0 && token->expires_ns <= now_ns;
}

enum {
    CATALOG_TOKEN_BYTES = 38,    /* of an id: "t." and a UUID */
    CATALOG_MEMO_SLOT_BYTES = 64 /* a cache line              */
};

/* What a reader has found before (catalog_route.c); here, as each line asks. */
struct memo {
    unsigned bits; /* 2 to the power of it is the number of slots */
    struct memo_slot *slots;
};

/* The first of the two places for an id, side by side. NULL: it is of no form that
 * a token has, or there is no memo. Good until the next catalog_reader_view(). */
static inline struct memo_slot *
catalog_reader_memo(const catalog_reader *reader, lp_span id)
{
    const struct memo *memo = reader->memo;
    uint64_t hash;

    if (id.len_bytes != CATALOG_TOKEN_BYTES ||
        !lp_span_starts(id, LP_SPAN("t.")) || !memo)
        return NULL;
    memcpy(&hash, id.ptr + 2, sizeof hash);
    hash = hash * 0x9e3779b97f4a7c15u >> (64 - memo->bits);
    return (struct memo_slot *)(void *)((char *)memo->slots +
                                        (hash & ~(uint64_t)1) *
                                            CATALOG_MEMO_SLOT_BYTES);
}

/*
 * catalog_find_token() in the view that the last catalog_reader_view() gave, for
 * who asks on every line: what was found before is found again in one cache
 * line, where the way through the table is mostly waiting for memory. That line
 * can be fetched before, as soon as the id is known: pair is what
 * catalog_reader_memo() says of it.
 * False: there is no such token, or its time is over.
 */
bool catalog_reader_find_route(catalog_reader *reader,
                               const struct memo_slot *pair, lp_span id,
                               int64_t now_ns, catalog_route *out);

/* The same for who has no reader, with a hold. It takes a mutex. Threads: any. */
catalog_view *catalog_newest_view(catalog *cat);

/* A hold that lasts longer, and its end. Threads: any. */
catalog_view *catalog_view_ref(const catalog_view *view);
void catalog_view_unref(catalog_view *view);

/* Each change makes a version; one is one view, for as long as that is held. */
uint64_t catalog_view_version(const catalog_view *view);

/* The version of the last change to a channel that has, or had, drains. */
uint64_t catalog_view_drains_version(const catalog_view *view);

/* The version that last changed a credential. */
uint64_t catalog_view_credentials_version(const catalog_view *view);

/* A drain that has just got its first URL. */
typedef struct catalog_new_drain {
    uint64_t id;
    uint64_t version; /* of the first view that has it */
    lp_channel *ring;
    catalog_drain_start start;
} catalog_new_drain;

/* made is NULL for all other changes. */
typedef void (*catalog_on_drains)(void *ctx, const catalog_new_drain *made);

/* Has on_drains called behind each such change, and before the writer hears of
 * it, on whatever thread made it and with the writer's lock held, so it must not
 * call the catalog. Before anybody else uses it. */
void catalog_watch_drains(catalog *cat, catalog_on_drains on_drains, void *ctx);

/* Opens a follower of the channel of this id, with one hold for the catalog. Fails:
 * LP_E_FULL, LP_E_NOMEM. */
typedef lp_err (*catalog_follow)(void *ctx, lp_span id, lp_channel *ring,
                                 catalog_follower **out);

/*
 * Has follow called for each channel that there is, and then for each that is
 * made, before anybody else sees it; on whatever thread makes it and with the
 * writer's lock held, so it must not call the catalog. Before anybody else uses
 * it. Fails: as making a channel; those that are followed by then stay so.
 */
catalog_err catalog_follow_channels(catalog *cat, catalog_follow follow,
                                    void *ctx);

/* Both: NULL when there is none. */
const catalog_token *catalog_find_token(const catalog_view *view, lp_span id);
const catalog_channel *catalog_find_channel(const catalog_view *view,
                                            lp_span id);

/* All channels, in no order; stops when each returns false. */
void catalog_each_channel(const catalog_view *view,
                          bool (*each)(const catalog_channel *channel,
                                       void *ctx),
                          void *ctx);
size_t catalog_channel_count(const catalog_view *view);

/*
 * Is there such a credential, with this password? NULL if not. It takes the same
 * time whether there is no such id or its password is another. Passwords are
 * stored hashed; the first right one after a start costs some 50 ms when it is
 * one of the store's, and wrong ones cost no more than a few such times a
 * second: see credential.h.
 */
const catalog_credential *catalog_check_credential(const catalog_view *view,
                                                   lp_span id,
                                                   lp_span password);

/* A credential whose password is the whole of a Bearer (the Heroku CLI's key),
 * whatever its id, and that may use the APIs or one channel; the former when
 * several have it. NULL if there is none. */
const catalog_credential *catalog_check_secret(const catalog_view *view,
                                               lp_span secret);

/* Who has a say in what a check may cost, and wants to know what it came to. */
typedef struct catalog_check {
    bool may_pay;  /* asked: may the slow hash be paid for, if it has to be?  */
    bool has_paid; /* told: it was                                            */
    bool is_open;  /* told: it had to be and was not, so nobody knows; NULL is
                      no "no" then                                            */
} catalog_check;

/* The same two, with a say. */
const catalog_credential *catalog_try_credential(const catalog_view *view,
                                                 lp_span id, lp_span password,
                                                 catalog_check *check);
const catalog_credential *catalog_try_secret(const catalog_view *view,
                                             lp_span secret,
                                             catalog_check *check);

/* Is this the static key? NULL if not, or if there is none. */
const catalog_credential *catalog_check_key(const catalog_view *view,
                                            lp_span text);

/* How many credentials there are; and what follows from none, for the log. */
#define CATALOG_OPEN_WARNING                                                 \
    "why=\"the APIs are open to callers on this machine, and closed to all " \
    "others, until there is a credential\""
size_t catalog_credential_count(const catalog_view *view);

/* NULL when there is none; all of them, in no order. */
const catalog_credential *catalog_find_credential(const catalog_view *view,
                                                  lp_span id);
const catalog_credential *catalog_credential_at(const catalog_view *view,
                                                size_t index);

/* Writing ----------------------------------------------------------------- */

/*
 * Makes the channel, or sets the tokens of one that is there: the list of names
 * is the whole truth. Missing names lose their tokens, new ones get one, kept
 * ones keep their ids; duplicates collapse. *created says which it was.
 */
catalog_err catalog_put_channel(catalog *cat, lp_span id, const lp_span *names,
                                size_t name_count, bool *created);

/*
 * Always a new channel, whose id is a number that was never one before: 1, 2, 3
 * and so on, as the legacy API has it. Each of names gets a token of its own,
 * also the second of two that are the same. out_id gets the digits, and a NUL.
 */
catalog_err catalog_new_channel(catalog *cat, lp_span name,
                                const lp_span *names, size_t name_count,
                                char out_id[24]);

/* All flags of a channel at once: catalog_flag. */
catalog_err catalog_set_flags(catalog *cat, lp_span channel_id, uint32_t flags);

/* The channel, its tokens, its drains and its sessions. Its ring is closed. */
catalog_err catalog_delete_channel(catalog *cat, lp_span id);

/* Always a new token. out_id gets "t." and 36 bytes, and a NUL. */
catalog_err catalog_add_token(catalog *cat, lp_span channel_id, lp_span name,
                              char out_id[40]);
catalog_err catalog_delete_token(catalog *cat, lp_span channel_id,
                                 lp_span token_id);

/*
 * A new token with the name of an old one, which goes on working for
 * overlap_ns: senders change over one by one, and no line is lost. Fails:
 * CATALOG_NOT_FOUND, CATALOG_TOO_MANY, CATALOG_EXISTS (it is being replaced).
 */
catalog_err catalog_rotate_token(catalog *cat, lp_span channel_id,
                                 lp_span token_id, int64_t now_ns,
                                 int64_t overlap_ns, char out_id[40]);

/* Deletes the tokens whose time is over, and which nobody can use any more, if
 * there are any: the first of these says so without asking the disk. */
bool catalog_has_expired(const catalog *cat, int64_t now_ns);
catalog_err catalog_expire_tokens(catalog *cat, int64_t now_ns);

/* Those of the channel that are not being replaced. */
size_t catalog_count_tokens(const catalog_channel *channel);

/* Those of the channel that have a URL; the others are only reserved. */
size_t catalog_count_drains(const catalog_channel *channel);

/* Are these the URL of one drain, in whatever spelling? */
bool catalog_is_same_url(lp_span a, lp_span b);

/* What became of a drain: its id and its token, with a NUL. */
typedef struct catalog_drain_made {
    uint64_t id;
    char token[40];
} catalog_drain_made;

/* url is in its canonical form; an empty one reserves: an id and a token, to be
 * given a URL later. start NULL: it sends what arrives from now on. Fails:
 * CATALOG_NOT_FOUND, CATALOG_EXISTS, CATALOG_TOO_MANY. */
catalog_err catalog_add_drain(catalog *cat, lp_span channel_id, lp_span url,
                              const catalog_drain_start *start,
                              catalog_drain_made *out);

/* Gives a drain of this channel another URL; its token stays. What is reserved
 * is promised: it gets its URL also where no more could be added. Fails:
 * CATALOG_NOT_FOUND, CATALOG_EXISTS (also when it is the drain's own). */
catalog_err catalog_set_drain(catalog *cat, lp_span channel_id, uint64_t id,
                              lp_span url, catalog_drain_made *out);
catalog_err catalog_delete_drain(catalog *cat, lp_span channel_id, uint64_t id);

/* What is to outlast a restart and is no channel's: a text by name. Reading is
 * for the start alone: it BLOCKS. False: there is none. */
catalog_err catalog_put_setting(catalog *cat, const char *name, lp_span value);
bool catalog_get_setting(catalog *cat, const char *name, char *out,
                         size_t room_bytes);

/* What a credential is to be. */
typedef struct catalog_configured {
    lp_span id;
    lp_span password;
    uint32_t permissions;
    catalog_credential_kind kind;
    lp_span channel_id;
    lp_span name;
} catalog_configured;

/* What was made up for a credential, in hexadecimal digits and with a NUL. */
typedef struct catalog_generated {
    char id[2 * 16 + 1];
    char secret[2 * 32 + 1];
} catalog_generated;

/* Can this be the name of a credential? At most 256 bytes of UTF-8 without
 * control characters; none at all is one, too. */
bool catalog_is_label(lp_span name);

/* A new credential of a generated id, with a generated secret. as->id and
 * as->password are not looked at. */
catalog_err catalog_new_credential(catalog *cat, const catalog_configured *as,
                                   bool may_lock_out, catalog_generated *out);

/*
 * Adds a credential with a password to the store, or replaces the one with this
 * id. For those of the configuration there is catalog_configure(). Unless
 * may_lock_out, the last one with CATALOG_FULL_API keeps it: CATALOG_LAST.
 */
catalog_err catalog_set_credential(catalog *cat, const catalog_configured *as,
                                   bool may_lock_out, bool *is_new);

/* The same without a name, and whoever is left. */
catalog_err catalog_put_credential(catalog *cat, lp_span id, lp_span password,
                                   uint32_t permissions, lp_span channel_id);

/* Revoking leaves the last one with CATALOG_FULL_API: CATALOG_LAST. */
catalog_err catalog_revoke_credential(catalog *cat, lp_span id);
catalog_err catalog_delete_credential(catalog *cat, lp_span id);

/*
 * The credentials of the configuration are these and no others: what an earlier
 * call gave is forgotten, so that taking one out of the configuration and
 * reloading, or starting again, takes it from whoever had it. They are never in
 * the store; one there with the same id makes way for good.
 */
catalog_err catalog_configure(catalog *cat, const catalog_configured *list,
                              size_t count);

/* Sessions ---------------------------------------------------------------- */

/* What a log session reads, as its creator asked for it. Texts end in a NUL. */
typedef struct catalog_session {
    char id[40]; /* a UUID of 122 random bits; the capability to read */
    char channel_id[CATALOG_ID_MAX_BYTES + 1];
    char source[CATALOG_NAME_MAX_BYTES + 1]; /* "": no filter */
    char ps[CATALOG_NAME_MAX_BYTES + 1];     /* "": no filter */
    uint64_t num_lines;
    bool is_tail;
    int64_t created_ns;
} catalog_session;

/* Fills in session->id and created_ns. Sessions are kept in memory and in the
 * store, and expire. Fails: CATALOG_NOT_FOUND: no such channel. Threads: any;
 * BLOCKS. */
catalog_err catalog_add_session(catalog *cat, catalog_session *session,
                                int64_t now_ns);

/* Threads: any; never blocks on the disk. False: none, or it has expired. */
bool catalog_get_session(catalog *cat, lp_span id, int64_t now_ns,
                         catalog_session *out);

#endif /* LOGPLEXD_CATALOG_H */
