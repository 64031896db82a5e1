/* catalog.c - opening, views, and how a change is made: see catalog_impl.h. */
#include "catalog/catalog_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/uuid.h"
#include "logplex/utf8.h"

enum {
    CHANNELS_MAX_DEFAULT = 1000000,
    TOKENS_MAX_DEFAULT = 1000,
    DRAINS_MAX_DEFAULT = 6
};

const char *catalog_strerror(catalog_err err)
{
    switch (err) {
    case CATALOG_OK:
        return "success";
    case CATALOG_NOT_FOUND:
        return "there is no such thing";
    case CATALOG_INVALID:
        return "an id or a name is empty, too long, or has bytes that it may "
               "not have";
    case CATALOG_EXISTS:
        return "there is one already";
    case CATALOG_TOO_MANY:
        return "there are as many as there may be";
    case CATALOG_FULL:
        return "the memory ceiling leaves no room for a channel";
    case CATALOG_FAILED:
        return "the change could not be stored";
    case CATALOG_CONFIGURED:
        return "this credential is set in the daemon's configuration";
    case CATALOG_LAST:
        return "it is the last credential with full_api";
    }
    return "unknown error";
}

/* Readers ----------------------------------------------------------------- */

catalog_view *catalog_current(catalog *cat, uint64_t *version)
{
    catalog_view *view;

    pthread_mutex_lock(&cat->view_mutex);
    view = catalog_view_ref(cat->current);
    pthread_mutex_unlock(&cat->view_mutex);
    *version = view->version;
    return view;
}

catalog_view *catalog_newest_view(catalog *cat)
{
    uint64_t version;

    return catalog_current(cat, &version);
}

void catalog_reader_init(catalog_reader *reader, catalog *cat)
{
    reader->cat = cat;
    reader->view = catalog_current(cat, &reader->version);
    reader->memo = memo_fit(NULL, reader->view->tokens.count);
}

void catalog_reader_fini(catalog_reader *reader)
{
    catalog_view_unref(reader->view);
    reader->view = NULL;
    memo_destroy(reader->memo);
    reader->memo = NULL;
}

const catalog_view *catalog_reader_view(catalog_reader *reader)
{
    catalog_view *old = reader->view;

    // Acquire, so that who has heard of a write sees it; publish() releases.
    if (atomic_load_explicit(&reader->cat->version, memory_order_acquire) !=
        reader->version) {
        reader->view = catalog_current(reader->cat, &reader->version);
        reader->memo = memo_fit(reader->memo, reader->view->tokens.count);
        catalog_view_unref(old);
    }
    return reader->view;
}

/* The writer has the draft's hold pass to the catalog. */
static void publish(catalog *cat, catalog_view *draft)
{
    catalog_view *old;
    bool has_new_drains;

    pthread_mutex_lock(&cat->view_mutex);
    old = cat->current;
    cat->current = draft;
    has_new_drains = draft->drains_version != old->drains_version;
    atomic_store_explicit(&cat->version, draft->version, memory_order_release);
    pthread_mutex_unlock(&cat->view_mutex);
    catalog_view_unref(old);
    if (has_new_drains && cat->on_drains) {
        cat->new_drain.version = draft->drains_version;
        cat->on_drains(cat->on_drains_ctx,
                       cat->new_drain.id > 0 ? &cat->new_drain : NULL);
    }
}

void catalog_watch_drains(catalog *cat, catalog_on_drains on_drains, void *ctx)
{
    cat->on_drains = on_drains;
    cat->on_drains_ctx = ctx;
}

/* What names may be ------------------------------------------------------- */

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

bool catalog_is_id(lp_span id)
{
    if (id.len_bytes == 0 || id.len_bytes > CATALOG_ID_MAX_BYTES) {
        return false;
    }
    for (size_t at = 0; at < id.len_bytes;) {
        size_t n = lp_utf8_char_bytes(lp_span_skip(id, at));

        if (n == 0 || is_control(id.ptr[at])) {
            return false;
        }
        at += n;
    }
    return true;
}

/* It becomes an APP-NAME: one word. */
bool catalog_is_name(lp_span name)
{
    if (name.len_bytes > CATALOG_NAME_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len_bytes; i++) {
        if (name.ptr[i] == ' ' || is_control(name.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* One change -------------------------------------------------------------- */

catalog_err catalog_begin(catalog *cat)
{
    pthread_mutex_lock(&cat->write_mutex);
    if (store_begin(cat->store)) {
        return CATALOG_OK;
    }
    pthread_mutex_unlock(&cat->write_mutex);
    return CATALOG_FAILED;
}

catalog_err catalog_settle(catalog *cat, catalog_err err, catalog_view *draft)
{
    if (err == CATALOG_OK && !store_commit(cat->store)) {
        err = CATALOG_FAILED;
    }
    if (err != CATALOG_OK) {
        store_rollback(cat->store);
        catalog_view_unref(draft);
    } else if (draft) {
        publish(cat, draft);
    }
    cat->new_drain.id = 0;
    return err;
}

catalog_err catalog_end(catalog *cat, catalog_err err, catalog_view *draft)
{
    err = catalog_settle(cat, err, draft);
    pthread_mutex_unlock(&cat->write_mutex);
    return err;
}

catalog_err catalog_begin_on(catalog *cat, lp_span channel_id,
                             const family **was)
{
    catalog_err err = catalog_begin(cat);

    if (err != CATALOG_OK) {
        return err;
    }
    *was = catalog_find_family(cat, channel_id);
    return *was ? CATALOG_OK : catalog_end(cat, CATALOG_NOT_FOUND, NULL);
}

catalog_err catalog_no_memory(void)
{
    LOG_AT(LOG_ERROR, "no_memory", "what=catalog");
    return CATALOG_FAILED;
}

catalog_view *catalog_draft_with(catalog *cat, const family *was, family *now)
{
    catalog_view *draft = view_draft(cat->current);

    if (draft && !view_put_family(draft, was, now)) {
        catalog_view_unref(draft);
        draft = NULL;
    }
    return draft;
}

family *catalog_find_family(catalog *cat, lp_span id)
{
    const catalog_channel *channel = catalog_find_channel(cat->current, id);

    return channel ? family_of(channel) : NULL;
}

/* What the engine said, of a new channel. */
static catalog_err ring_err(lp_err err)
{
    if (err == LP_E_FULL) {
        return CATALOG_FULL;
    }
    if (err != LP_OK) {
        LOG_AT(LOG_ERROR, "channel_open_failed", "why=\"%s\"",
               lp_strerror(err));
        return CATALOG_FAILED;
    }
    return CATALOG_OK;
}

catalog_err catalog_open_ring(catalog *cat, lp_span id, lp_channel **ring,
                              catalog_follower **follower)
{
    lp_err err = lp_channel_open(cat->engine, &cat->ring, ring);

    *follower = NULL;
    if (err == LP_OK && cat->follow) {
        err = cat->follow(cat->follow_ctx, id, *ring, follower);
        if (err != LP_OK) {
            lp_channel_close(*ring);
            *ring = NULL;
        }
    }
    return ring_err(err);
}

/* Followers --------------------------------------------------------------- */

catalog_follower *catalog_follower_ref(catalog_follower *follower)
{
    if (follower) {
        atomic_fetch_add_explicit(&follower->refs, 1, memory_order_relaxed);
    }
    return follower;
}

void catalog_follower_unref(catalog_follower *follower)
{
    // As in table_owner_unref().
    if (follower && atomic_fetch_sub_explicit(&follower->refs, 1,
                                              memory_order_acq_rel) == 1) {
        follower->destroy(follower);
    }
}

typedef struct following {
    catalog *cat;
    lp_err err;
} following;

static bool follow_channel(const catalog_channel *channel, void *ctx)
{
    following *at = ctx;

    at->err = at->cat->follow(at->cat->follow_ctx, channel->id, channel->ring,
                              &family_of(channel)->channel.follower);
    return at->err == LP_OK;
}

catalog_err catalog_follow_channels(catalog *cat, catalog_follow follow,
                                    void *ctx)
{
    following at = {cat, LP_OK};

    cat->follow = follow;
    cat->follow_ctx = ctx;
    catalog_each_channel(cat->current, follow_channel, &at);
    return ring_err(at.err);
}

/* Settings ---------------------------------------------------------------- */

catalog_err catalog_put_setting(catalog *cat, const char *name, lp_span value)
{
    catalog_err err = catalog_begin(cat);

    if (err != CATALOG_OK) {
        return err;
    }
    err = store_put_setting(cat->store, name, value) ? CATALOG_OK
                                                     : CATALOG_FAILED;
    return catalog_end(cat, err, NULL);
}

bool catalog_get_setting(catalog *cat, const char *name, char *out,
                         size_t room_bytes)
{
    bool is_there;

    pthread_mutex_lock(&cat->write_mutex);
    is_there = store_get_setting(cat->store, name, out, room_bytes);
    pthread_mutex_unlock(&cat->write_mutex);
    return is_there;
}

/* Opening ----------------------------------------------------------------- */

/* What the store's rows are read into, and why it ended. */
typedef struct load {
    catalog *cat;
    catalog_view *view; /* the catalog's, that nobody else sees yet */
    catalog_err err;
} load;

/* Takes over the ring's hold in any case: the view's channels are closed with
 * the catalog. */
static catalog_err load_family(load *to, const family_parts *parts)
{
    family *fam = family_create(&to->cat->hash, parts);
    bool ok = fam && view_put_family(to->view, NULL, fam);

    if (!ok && !catalog_find_channel(to->view, parts->id)) {
        lp_channel_close(parts->ring);
    }
    if (fam) {
        table_owner_unref(&fam->owner);
    }
    return ok ? CATALOG_OK : catalog_no_memory();
}

static void note_expiry(catalog *cat, const store_token *tokens, size_t count)
{
    int64_t next_ns = atomic_load(&cat->expiry_ns);

    for (size_t i = 0; i < count; i++) {
        if (tokens[i].expires_ns != 0 && tokens[i].expires_ns < next_ns) {
            next_ns = tokens[i].expires_ns;
        }
    }
    atomic_store(&cat->expiry_ns, next_ns);
}

static bool load_channel(void *ctx, const store_channel *channel,
                         store_token *tokens, size_t token_count,
                         store_drain *drains, size_t drain_count)
{
    load *to = ctx;
    family_parts parts = {.id = channel->id,
                          .name = channel->name,
                          .flags = channel->flags,
                          .created_ns = channel->created_ns,
                          .tokens = tokens,
                          .token_count = token_count,
                          .drains = drains,
                          .drain_count = drain_count};

    note_expiry(to->cat, tokens, token_count);
    to->err =
        catalog_open_ring(to->cat, parts.id, &parts.ring, &parts.follower);
    if (to->err == CATALOG_OK) {
        to->err = load_family(to, &parts);
    }
    return to->err == CATALOG_OK;
}

static bool load_credential(void *ctx, const store_credential *stored)
{
    load *to = ctx;
    credential *cred = credential_restore(&to->cat->keeper, stored);
    credential_list *with =
        cred ? credential_list_with(to->view->credentials, cred) : NULL;

    if (!with) {
        to->err = catalog_no_memory();
        return false;
    }
    view_put_credentials(to->view, with);
    return true;
}

static bool load_session(void *ctx, const store_session_key *key,
                         const catalog_session *stored)
{
    load *to = ctx;
    session *s = session_create(key, stored);

    if (!s) {
        to->err = catalog_no_memory();
        return false;
    }
    session_add(&to->cat->sessions, s);
    return true;
}

static const store_reader load_reader = {load_channel, load_credential,
                                         load_session};

static catalog_err load_store(catalog *cat, const char *path, char *why,
                              size_t why_bytes)
{
    load to = {cat, cat->current, CATALOG_OK};

    if (store_read(cat->store, &load_reader, &to)) {
        return CATALOG_OK;
    }
    if (to.err == CATALOG_OK) {
        to.err = CATALOG_FAILED; // a row; the log has it
    }
    snprintf(why, why_bytes, "%s: it can't be loaded: %s",
             path ? path : ":memory:", catalog_strerror(to.err));
    return to.err;
}

static void set_limits(catalog *cat, const catalog_limits *limits)
{
    cat->channels_max = limits && limits->channels_max ? limits->channels_max
                                                       : CHANNELS_MAX_DEFAULT;
    cat->tokens_max = limits && limits->tokens_per_channel_max
                          ? limits->tokens_per_channel_max
                          : TOKENS_MAX_DEFAULT;
    cat->drains_max = limits && limits->drains_per_channel_max
                          ? limits->drains_per_channel_max
                          : DRAINS_MAX_DEFAULT;
}

static catalog *create(lp_engine *engine,
                       const lp_channel_options *channel_options,
                       const catalog_limits *limits)
{
    static const lp_channel_options ring = LP_CHANNEL_OPTIONS_INIT;
    catalog *cat = calloc(1, sizeof *cat);

    if (!cat) {
        return NULL;
    }
    cat->engine = engine;
    cat->ring = channel_options ? *channel_options : ring;
    set_limits(cat, limits);
    atomic_init(&cat->expiry_ns, INT64_MAX);
    random_bytes(&cat->hash, sizeof cat->hash);
    cat->current = view_create(&cat->hash, &cat->keeper);
    if (!cat->current ||
        !session_table_init(&cat->sessions, limits ? limits->sessions_max : 0,
                            limits ? limits->session_ttl_s : 0)) {
        catalog_view_unref(cat->current);
        free(cat);
        return NULL;
    }
    pthread_mutex_init(&cat->view_mutex, NULL);
    pthread_mutex_init(&cat->write_mutex, NULL);
    return cat;
}

catalog_err catalog_open(lp_engine *engine,
                         const lp_channel_options *channel_options,
                         const catalog_limits *limits, const char *path,
                         catalog **out, char *why, size_t why_bytes)
{
    static const secret_salt no_salt;
    catalog *cat = create(engine, channel_options, limits);
    catalog_err err = CATALOG_FAILED;

    *out = NULL;
    if (!cat) {
        snprintf(why, why_bytes, "no memory for the catalog");
        return CATALOG_FAILED;
    }
    cat->store = store_open(path, why, why_bytes);
    credential_keeper_init(&cat->keeper,
                           cat->store ? store_salt(cat->store) : &no_salt);
    if (cat->store) {
        err = load_store(cat, path, why, why_bytes);
    }
    if (err != CATALOG_OK) {
        catalog_close(cat);
        return err;
    }
    *out = cat;
    return CATALOG_OK;
}

static bool close_ring(const catalog_channel *channel, void *ctx)
{
    (void)ctx;
    lp_channel_close(channel->ring);
    return true;
}

void catalog_close(catalog *cat)
{
    if (!cat) {
        return;
    }
    catalog_each_channel(cat->current, close_ring, NULL);
    catalog_view_unref(cat->current);
    store_close(cat->store);
    session_table_fini(&cat->sessions);
    credential_keeper_fini(&cat->keeper);
    pthread_mutex_destroy(&cat->view_mutex);
    pthread_mutex_destroy(&cat->write_mutex);
    free(cat);
}
