/*
 * catalog.c - changes: first the store, then the view. See catalog.h.
 *
 * All that can fail for want of memory is done before the store commits, so
 * that what is durable is always shown, and what is shown is always durable:
 *
 *     lock -> begin -> rows -> draft -> commit -> publish -> unlock
 *                 \_______ \______ \_______ \
 *                                            +--> roll back, drop the draft
 */
#include "catalog.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "credential.h"
#include "log.h"
#include "session.h"
#include "store.h"
#include "utf8.h"
#include "uuid.h"
#include "view.h"

enum {
    CHANNELS_MAX_DEFAULT = 1000000,
    TOKENS_MAX_DEFAULT = 1000,
    SESSION_ID_BYTES = UUID_TEXT_BYTES - 1
};

struct catalog {
    /* shared */
    _Atomic uint64_t version;   /* of current; readers compare with theirs */
    pthread_mutex_t view_mutex; /* of current, for the time of a ref       */
    catalog_view *current;
    session_table sessions;
    credential_keeper keeper;

    /* constant */
    lp_engine *engine;
    lp_channel_options ring;
    uint64_t channels_max;
    uint32_t tokens_max;
    hash_key hash;

    /* the writer's */
    pthread_mutex_t write_mutex;
    store *store;
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
    case CATALOG_TOO_MANY:
        return "there are as many as there may be";
    case CATALOG_FULL:
        return "the memory ceiling leaves no room for a channel";
    case CATALOG_FAILED:
        return "the change could not be stored";
    case CATALOG_CONFIGURED:
        return "this credential is set in the daemon's configuration";
    }
    return "unknown error";
}

/* Readers ----------------------------------------------------------------- */

static catalog_view *ref_current(catalog *cat, uint64_t *version)
{
    catalog_view *view;

    pthread_mutex_lock(&cat->view_mutex);
    view = catalog_view_ref(cat->current);
    pthread_mutex_unlock(&cat->view_mutex);
    *version = view->version;
    return view;
}

/*
 * One cache line for each token found: the id to compare with, and its route in
 * one version of the catalog. Two slots stand side by side for ids that fall to
 * the same place; the one used last is the first. The place comes from a few
 * bytes of the id, which are random in ids that exist; who makes up others can
 * make us take the long way, and no more than that.
 */
enum { MEMO_BITS = 13, TOKEN_ID_BYTES = 38 };

typedef struct memo_slot {
    lp_channel *ring;
    const char *host_app;
    uint64_t version; /* 0: nothing is here */
    uint16_t host_app_bytes;
    char id[TOKEN_ID_BYTES];
} memo_slot;

_Static_assert(sizeof(memo_slot) == 64, "a cache line");
_Static_assert(CATALOG_NAME_MAX_BYTES + 6 <= UINT16_MAX, "host_app_bytes");

struct memo {
    memo_slot slots[1 << MEMO_BITS];
};

/* The first slot of the pair. */
static memo_slot *memo_pair_of(struct memo *memo, lp_span id)
{
    uint64_t bytes;

    memcpy(&bytes, id.ptr + 2, sizeof bytes); // "t." stands before them
    bytes = bytes * 0x9e3779b97f4a7c15u >> (64 - MEMO_BITS);
    return &memo->slots[bytes & ~(uint64_t)1];
}

void catalog_reader_prefetch(const catalog_reader *reader, lp_span id)
{
    if (id.len_bytes == TOKEN_ID_BYTES && reader->memo) {
        __builtin_prefetch(memo_pair_of(reader->memo, id));
    }
}

static bool is_memo_of(const memo_slot *slot, uint64_t version, lp_span id)
{
    return slot->version == version &&
           memcmp(slot->id, id.ptr, TOKEN_ID_BYTES) == 0;
}

static bool find_long_way(const catalog_reader *reader, lp_span id,
                          catalog_route *out)
{
    const catalog_token *token = catalog_find_token(reader->view, id);

    if (!token) {
        return false;
    }
    out->ring = token->channel->ring;
    out->host_app = token->host_app;
    return true;
}

static void remember(memo_slot *slot, uint64_t version, lp_span id,
                     const catalog_route *route)
{
    slot->ring = route->ring;
    slot->host_app = route->host_app.ptr;
    slot->host_app_bytes = (uint16_t)route->host_app.len_bytes;
    slot->version = version;
    memcpy(slot->id, id.ptr, TOKEN_ID_BYTES);
}

bool catalog_reader_find_route(catalog_reader *reader, lp_span id,
                               catalog_route *out)
{
    memo_slot *pair;
    const memo_slot *slot;

    if (id.len_bytes != TOKEN_ID_BYTES || !reader->memo) {
        return find_long_way(reader, id, out);
    }
    pair = memo_pair_of(reader->memo, id);
    slot = &pair[is_memo_of(&pair[0], reader->version, id) ? 0 : 1];
    if (slot == &pair[1] && !is_memo_of(slot, reader->version, id)) {
        if (!find_long_way(reader, id, out)) {
            return false;
        }
        pair[1] = pair[0];
        remember(&pair[0], reader->version, id, out);
        return true;
    }
    out->ring = slot->ring;
    out->host_app = lp_span_of(slot->host_app, slot->host_app_bytes);
    return true;
}

void catalog_reader_init(catalog_reader *reader, catalog *cat)
{
    reader->cat = cat;
    reader->memo = aligned_alloc(64, sizeof *reader->memo);
    if (reader->memo) { // without it, all go the long way
        memset(reader->memo, 0, sizeof *reader->memo);
    }
    reader->view = ref_current(cat, &reader->version);
}

void catalog_reader_fini(catalog_reader *reader)
{
    catalog_view_unref(reader->view);
    reader->view = NULL;
    free(reader->memo);
    reader->memo = NULL;
}

const catalog_view *catalog_reader_view(catalog_reader *reader)
{
    catalog_view *old = reader->view;

    // Acquire, so that who has heard of a write sees it; publish() releases.
    if (atomic_load_explicit(&reader->cat->version, memory_order_acquire) !=
        reader->version) {
        reader->view = ref_current(reader->cat, &reader->version);
        catalog_view_unref(old);
    }
    return reader->view;
}

/* The writer has the draft's hold pass to the catalog. */
static void publish(catalog *cat, catalog_view *draft)
{
    catalog_view *old;

    pthread_mutex_lock(&cat->view_mutex);
    old = cat->current;
    cat->current = draft;
    atomic_store_explicit(&cat->version, draft->version, memory_order_release);
    pthread_mutex_unlock(&cat->view_mutex);
    catalog_view_unref(old);
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
        size_t n = utf8_char_bytes(id.ptr + at, id.len_bytes - at);

        if (n == 0 || is_control(id.ptr[at])) {
            return false;
        }
        at += n;
    }
    return true;
}

/* It becomes an APP-NAME: one word. */
static bool is_good_name(lp_span name)
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

static int64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One change -------------------------------------------------------------- */

/* From here to end_change() the writer is alone, and the store is open. */
static catalog_err begin_change(catalog *cat)
{
    pthread_mutex_lock(&cat->write_mutex);
    if (store_begin(cat->store)) {
        return CATALOG_OK;
    }
    pthread_mutex_unlock(&cat->write_mutex);
    return CATALOG_FAILED;
}

/* Commits if err is CATALOG_OK, and then shows draft (may be NULL: nothing to
 * show). Takes over the draft in any case. */
static catalog_err settle(catalog *cat, catalog_err err, catalog_view *draft)
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
    return err;
}

static catalog_err end_change(catalog *cat, catalog_err err,
                              catalog_view *draft)
{
    err = settle(cat, err, draft);
    pthread_mutex_unlock(&cat->write_mutex);
    return err;
}

static catalog_err no_memory(void)
{
    LOG_AT(LOG_ERROR, "no_memory", "what=catalog");
    return CATALOG_FAILED;
}

/* A draft in which the channel was has become now. NULL: no memory. */
static catalog_view *draft_with(catalog *cat, const family *was, family *now)
{
    catalog_view *draft = view_draft(cat->current);

    if (draft && !view_put_family(draft, was, now)) {
        catalog_view_unref(draft);
        draft = NULL;
    }
    return draft;
}

static family *find_family(catalog *cat, lp_span id)
{
    const catalog_channel *channel = catalog_find_channel(cat->current, id);

    return channel ? family_of(channel) : NULL;
}

static catalog_err open_ring(catalog *cat, lp_channel **ring)
{
    lp_err err = lp_channel_open(cat->engine, &cat->ring, ring);

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

/* Channels ---------------------------------------------------------------- */

/* The tokens of a channel on their way to what they shall be. */
typedef struct token_plan {
    store_token *at;
    size_t count, room;
    bool is_changed;
} token_plan;

static void plan_copy(token_plan *plan, const catalog_token *token)
{
    store_token *to = &plan->at[plan->count++];

    assert(token->id.len_bytes < sizeof to->id);
    memcpy(to->id, token->id.ptr, token->id.len_bytes);
    to->id[token->id.len_bytes] = '\0';
    to->name_bytes = (uint32_t)token->name.len_bytes;
    memcpy(to->name, token->name.ptr, token->name.len_bytes);
    to->name[to->name_bytes] = '\0';
}

static catalog_err plan_new(catalog *cat, token_plan *plan, lp_span channel_id,
                            lp_span name)
{
    store_token *to = &plan->at[plan->count++];

    memcpy(to->id, "t.", 2);
    uuid_random(to->id + 2);
    to->name_bytes = (uint32_t)name.len_bytes;
    if (name.len_bytes > 0) {
        memcpy(to->name, name.ptr, name.len_bytes);
    }
    to->name[name.len_bytes] = '\0';
    plan->is_changed = true;
    return store_add_token(cat->store, channel_id, to) ? CATALOG_OK
                                                       : CATALOG_FAILED;
}

static catalog_err plan_drop(catalog *cat, token_plan *plan,
                             const catalog_token *token)
{
    char id[sizeof plan->at->id];

    snprintf(id, sizeof id, "%.*s", (int)token->id.len_bytes, token->id.ptr);
    plan->is_changed = true;
    return store_delete_token(cat->store, id) ? CATALOG_OK : CATALOG_FAILED;
}

/* As the tokens of a family are sorted. */
static int order_names(const void *a, const void *b)
{
    const lp_span *left = a, *right = b;
    size_t shorter =
        left->len_bytes < right->len_bytes ? left->len_bytes : right->len_bytes;
    int order = shorter ? memcmp(left->ptr, right->ptr, shorter) : 0;

    if (order != 0 || left->len_bytes == right->len_bytes) {
        return order;
    }
    return left->len_bytes < right->len_bytes ? -1 : 1;
}

/* Names and tokens both ascend, so one walk along both settles each. */
static catalog_err plan_names(catalog *cat, token_plan *plan, lp_span id,
                              const catalog_channel *was, const lp_span *names,
                              size_t name_count)
{
    size_t old_count = was ? was->token_count : 0;
    catalog_err err = CATALOG_OK;
    size_t i = 0, j = 0;

    while (err == CATALOG_OK && (i < name_count || j < old_count)) {
        const catalog_token *old = j < old_count ? was->tokens[j] : NULL;
        int order = !old             ? -1
                    : i < name_count ? order_names(&names[i], &old->name)
                                     : 1;

        if (order < 0) {
            err = plan_new(cat, plan, id, names[i++]);
        } else if (order > 0) {
            err = plan_drop(cat, plan, old);
            j++;
        } else {
            for (;
                 j < old_count && lp_span_equal(names[i], was->tokens[j]->name);
                 j++) {
                plan_copy(plan, was->tokens[j]);
            }
            i++;
        }
    }
    return err;
}

/* Makes the family that the plan describes and a draft that has it. */
static catalog_err draft_plan(catalog *cat, const family *was, lp_span id,
                              int64_t created_ns, lp_channel *ring,
                              token_plan *plan, catalog_view **draft)
{
    family *now = family_create(&cat->hash, id, was ? was->channel.flags : 0,
                                created_ns, ring, plan->at, plan->count);

    if (!now) {
        return no_memory();
    }
    *draft = draft_with(cat, was, now);
    table_owner_unref(&now->owner);
    return *draft ? CATALOG_OK : no_memory();
}

static catalog_err plan_room(token_plan *plan, size_t room)
{
    plan->room = room;
    plan->at = malloc((room ? room : 1) * sizeof *plan->at);
    return plan->at ? CATALOG_OK : no_memory();
}

/* The change is begun, names ascend without repeats. */
static catalog_err change_channel(catalog *cat, const family *was, lp_span id,
                                  const lp_span *names, size_t name_count,
                                  catalog_view **draft)
{
    token_plan plan = {.at = NULL};
    catalog_err err = plan_room(&plan, name_count + was->channel.token_count);

    if (err == CATALOG_OK) {
        err = plan_names(cat, &plan, id, &was->channel, names, name_count);
    }
    if (err == CATALOG_OK && plan.count > cat->tokens_max) {
        err = CATALOG_TOO_MANY; // kept ones can have one name several times
    }
    if (err == CATALOG_OK && plan.is_changed) {
        err = draft_plan(cat, was, id, was->channel.created_ns,
                         was->channel.ring, &plan, draft);
    }
    free(plan.at);
    return err;
}

/* Likewise. */
static catalog_err make_channel(catalog *cat, lp_span id, const lp_span *names,
                                size_t name_count, catalog_view **draft,
                                lp_channel **ring)
{
    token_plan plan = {.at = NULL};
    int64_t created_ns = clock_ns();
    catalog_err err;

    if (cat->current->channels.count >= cat->channels_max) {
        return CATALOG_TOO_MANY;
    }
    err = open_ring(cat, ring);
    if (err == CATALOG_OK) {
        err = plan_room(&plan, name_count);
    }
    if (err == CATALOG_OK &&
        !store_add_channel(cat->store, id, 0, created_ns)) {
        err = CATALOG_FAILED;
    }
    if (err == CATALOG_OK) {
        err = plan_names(cat, &plan, id, NULL, names, name_count);
    }
    if (err == CATALOG_OK) {
        err = draft_plan(cat, NULL, id, created_ns, *ring, &plan, draft);
    }
    free(plan.at);
    return err;
}

/* A sorted copy without repeats; NULL: no memory. */
static lp_span *sort_names(const lp_span *names, size_t *count)
{
    lp_span *sorted = calloc(*count ? *count : 1, sizeof *sorted);
    size_t kept = 0;

    if (!sorted || *count == 0) {
        return sorted;
    }
    memcpy(sorted, names, *count * sizeof *sorted);
    qsort(sorted, *count, sizeof *sorted, order_names);
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || !lp_span_equal(sorted[kept - 1], sorted[i])) {
            sorted[kept++] = sorted[i];
        }
    }
    *count = kept;
    return sorted;
}

static catalog_err put_sorted(catalog *cat, lp_span id, const lp_span *names,
                              size_t name_count, bool *created)
{
    catalog_view *draft = NULL;
    lp_channel *ring = NULL;
    catalog_err err = begin_change(cat);
    const family *was;

    if (err != CATALOG_OK) {
        return err;
    }
    was = find_family(cat, id);
    err = was ? change_channel(cat, was, id, names, name_count, &draft)
              : make_channel(cat, id, names, name_count, &draft, &ring);
    *created = !was;
    err = end_change(cat, err, draft);
    if (err != CATALOG_OK) {
        lp_channel_close(ring); // NULL for one that was there
    }
    return err;
}

catalog_err catalog_put_channel(catalog *cat, lp_span id, const lp_span *names,
                                size_t name_count, bool *created)
{
    lp_span *sorted;
    catalog_err err;

    if (!catalog_is_id(id)) {
        return CATALOG_INVALID;
    }
    for (size_t i = 0; i < name_count; i++) {
        if (!is_good_name(names[i])) {
            return CATALOG_INVALID;
        }
    }
    sorted = sort_names(names, &name_count);
    if (!sorted) {
        return no_memory();
    }
    err = name_count > cat->tokens_max
              ? CATALOG_TOO_MANY
              : put_sorted(cat, id, sorted, name_count, created);
    free(sorted);
    return err;
}

catalog_err catalog_delete_channel(catalog *cat, lp_span id)
{
    catalog_err err = begin_change(cat);
    catalog_view *draft = NULL;
    lp_channel *ring = NULL;
    const family *was;

    if (err != CATALOG_OK) {
        return err;
    }
    was = find_family(cat, id);
    if (!was) {
        return end_change(cat, CATALOG_NOT_FOUND, NULL);
    }
    ring = was->channel.ring;
    draft = draft_with(cat, was, NULL);
    err = !draft                                  ? no_memory()
          : !store_delete_channel(cat->store, id) ? CATALOG_FAILED
                                                  : CATALOG_OK;
    err = settle(cat, err, draft);
    if (err == CATALOG_OK) {
        session_drop_channel(&cat->sessions, id);
        lp_channel_close(ring);
    }
    pthread_mutex_unlock(&cat->write_mutex);
    return err;
}

/* Tokens ------------------------------------------------------------------ */

static void plan_copy_all_but(token_plan *plan, const catalog_channel *channel,
                              lp_span token_id)
{
    for (size_t i = 0; i < channel->token_count; i++) {
        if (!lp_span_equal(channel->tokens[i]->id, token_id)) {
            plan_copy(plan, channel->tokens[i]);
        }
    }
}

static catalog_err add_token(catalog *cat, const family *was, lp_span name,
                             char out_id[40], catalog_view **draft)
{
    const catalog_channel *channel = &was->channel;
    token_plan plan = {.at = NULL};
    catalog_err err;

    if (channel->token_count >= cat->tokens_max) {
        return CATALOG_TOO_MANY;
    }
    err = plan_room(&plan, channel->token_count + 1);
    if (err == CATALOG_OK) {
        plan_copy_all_but(&plan, channel, LP_SPAN(""));
        err = plan_new(cat, &plan, channel->id, name);
    }
    if (err == CATALOG_OK) {
        memcpy(out_id, plan.at[plan.count - 1].id, sizeof plan.at->id);
        err = draft_plan(cat, was, channel->id, channel->created_ns,
                         channel->ring, &plan, draft);
    }
    free(plan.at);
    return err;
}

catalog_err catalog_add_token(catalog *cat, lp_span channel_id, lp_span name,
                              char out_id[40])
{
    catalog_view *draft = NULL;
    const family *was;
    catalog_err err;

    if (!is_good_name(name)) {
        return CATALOG_INVALID;
    }
    err = begin_change(cat);
    if (err != CATALOG_OK) {
        return err;
    }
    was = find_family(cat, channel_id);
    err = was ? add_token(cat, was, name, out_id, &draft) : CATALOG_NOT_FOUND;
    return end_change(cat, err, draft);
}

static catalog_err delete_token(catalog *cat, const family *was,
                                const catalog_token *token,
                                catalog_view **draft)
{
    const catalog_channel *channel = &was->channel;
    token_plan plan = {.at = NULL};
    catalog_err err = plan_room(&plan, channel->token_count);

    if (err == CATALOG_OK) {
        plan_copy_all_but(&plan, channel, token->id);
        err = plan_drop(cat, &plan, token);
    }
    if (err == CATALOG_OK) {
        err = draft_plan(cat, was, channel->id, channel->created_ns,
                         channel->ring, &plan, draft);
    }
    free(plan.at);
    return err;
}

catalog_err catalog_delete_token(catalog *cat, lp_span channel_id,
                                 lp_span token_id)
{
    catalog_err err = begin_change(cat);
    catalog_view *draft = NULL;
    const catalog_token *token;

    if (err != CATALOG_OK) {
        return err;
    }
    token = catalog_find_token(cat->current, token_id);
    if (!token || !lp_span_equal(token->channel->id, channel_id)) {
        return end_change(cat, CATALOG_NOT_FOUND, NULL);
    }
    err = delete_token(cat, family_of(token->channel), token, &draft);
    return end_change(cat, err, draft);
}

/* Credentials ------------------------------------------------------------- */

static bool is_good_credential(lp_span id, lp_span password,
                               uint32_t permissions, lp_span channel_id)
{
    bool has_channel = (permissions & CATALOG_ONE_CHANNEL) != 0;

    return catalog_is_id(id) && password.len_bytes > 0 && permissions != 0 &&
           (has_channel ? catalog_is_id(channel_id)
                        : channel_id.len_bytes == 0);
}

/* Takes over the hold on list. */
static catalog_err draft_credentials(catalog *cat, credential_list *list,
                                     catalog_view **draft)
{
    *draft = list ? view_draft(cat->current) : NULL;
    if (!*draft) {
        credential_list_unref(list);
        return no_memory();
    }
    view_put_credentials(*draft, list);
    return CATALOG_OK;
}

/* Takes over the hold on made. */
static catalog_err put_credential(catalog *cat, credential *made,
                                  const store_credential *stored,
                                  catalog_view **draft)
{
    const credential_list *list = cat->current->credentials;
    credential_list *with;

    if (credential_list_configures(list, stored->id)) {
        credential_unref(made);
        return CATALOG_CONFIGURED;
    }
    with = credential_list_with(list, made);
    if (credential_list_count(with) > CREDENTIALS_MAX) {
        credential_list_unref(with);
        return CATALOG_TOO_MANY;
    }
    if (!store_put_credential(cat->store, stored)) {
        credential_list_unref(with);
        return CATALOG_FAILED;
    }
    return draft_credentials(cat, with, draft);
}

catalog_err catalog_put_credential(catalog *cat, lp_span id, lp_span password,
                                   uint32_t permissions, lp_span channel_id)
{
    catalog_view *draft = NULL;
    store_credential stored;
    credential *made;
    catalog_err err;

    if (!is_good_credential(id, password, permissions, channel_id)) {
        return CATALOG_INVALID;
    }
    // The slow hash is made before the lock is taken.
    made = credential_create(&cat->keeper, id, password, permissions,
                             channel_id, false, &stored);
    if (!made) {
        return no_memory();
    }
    stored.id = id;
    stored.channel_id = channel_id;
    err = begin_change(cat);
    if (err != CATALOG_OK) {
        credential_unref(made);
        return err;
    }
    err = put_credential(cat, made, &stored, &draft);
    return end_change(cat, err, draft);
}

catalog_err catalog_delete_credential(catalog *cat, lp_span id)
{
    catalog_err err = begin_change(cat);
    catalog_view *draft = NULL;
    const credential_list *list;

    if (err != CATALOG_OK) {
        return err;
    }
    list = cat->current->credentials;
    if (credential_list_configures(list, id)) {
        err = CATALOG_CONFIGURED;
    } else if (!credential_list_has(list, id)) {
        err = CATALOG_NOT_FOUND;
    } else if (!store_delete_credential(cat->store, id)) {
        err = CATALOG_FAILED;
    } else {
        err = draft_credentials(cat, credential_list_without(list, id), &draft);
    }
    return end_change(cat, err, draft);
}

/* Puts one more in *list, and out of the store. */
static catalog_err configure_one(catalog *cat, const catalog_configured *from,
                                 credential_list **list)
{
    credential_list *with;
    credential *made;

    if (!is_good_credential(from->id, from->password, from->permissions,
                            from->channel_id)) {
        return CATALOG_INVALID;
    }
    if (!store_delete_credential(cat->store, from->id)) {
        return CATALOG_FAILED;
    }
    made = credential_create(&cat->keeper, from->id, from->password,
                             from->permissions, from->channel_id, true, NULL);
    with = made ? credential_list_with(*list, made) : NULL;
    if (!with) {
        return no_memory();
    }
    credential_list_unref(*list);
    *list = with;
    return CATALOG_OK;
}

catalog_err catalog_configure(catalog *cat, const catalog_configured *list,
                              size_t count)
{
    catalog_err err = begin_change(cat);
    catalog_view *draft = NULL;
    credential_list *all;

    if (err != CATALOG_OK) {
        return err;
    }
    all = credential_list_stored(cat->current->credentials);
    err = all ? CATALOG_OK : no_memory();
    for (size_t i = 0; err == CATALOG_OK && i < count; i++) {
        err = configure_one(cat, &list[i], &all);
    }
    if (err == CATALOG_OK) {
        err = draft_credentials(cat, all, &draft);
    } else {
        credential_list_unref(all);
    }
    return end_change(cat, err, draft);
}

/* Sessions ---------------------------------------------------------------- */

static catalog_err store_session(catalog *cat, const store_session_key *key,
                                 const catalog_session *asked)
{
    int64_t now_ns = asked->created_ns;
    store_session_key displaced;

    if (!find_family(cat, lp_span_str(asked->channel_id))) {
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
        return no_memory();
    }
    err = begin_change(cat);
    if (err == CATALOG_OK) {
        err = settle(cat, store_session(cat, &key, asked), NULL);
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

/* Opening ----------------------------------------------------------------- */

/* What the store's rows are read into, and why it ended. */
typedef struct load {
    catalog *cat;
    catalog_view *view; /* the catalog's, that nobody else sees yet */
    catalog_err err;
} load;

/* Takes over the ring's hold in any case: the view's channels are closed with
 * the catalog. */
static catalog_err load_family(load *to, lp_span id, uint32_t flags,
                               int64_t created_ns, lp_channel *ring,
                               token_plan *plan)
{
    family *fam = family_create(&to->cat->hash, id, flags, created_ns, ring,
                                plan->at, plan->count);
    bool ok = fam && view_put_family(to->view, NULL, fam);

    if (!ok && !catalog_find_channel(to->view, id)) {
        lp_channel_close(ring);
    }
    if (fam) {
        table_owner_unref(&fam->owner);
    }
    return ok ? CATALOG_OK : no_memory();
}

static bool load_channel(void *ctx, lp_span id, uint32_t flags,
                         int64_t created_ns, const store_token *tokens,
                         size_t token_count)
{
    load *to = ctx;
    token_plan plan = {.at = NULL};
    lp_channel *ring = NULL;

    to->err = plan_room(&plan, token_count);
    if (to->err == CATALOG_OK) {
        to->err = open_ring(to->cat, &ring);
    }
    if (to->err == CATALOG_OK) {
        if (token_count > 0) {
            memcpy(plan.at, tokens, token_count * sizeof *tokens);
        }
        plan.count = token_count;
        to->err = load_family(to, id, flags, created_ns, ring, &plan);
    }
    free(plan.at);
    return to->err == CATALOG_OK;
}

static bool load_credential(void *ctx, const store_credential *stored)
{
    load *to = ctx;
    credential *cred = credential_restore(stored);
    credential_list *with =
        cred ? credential_list_with(to->view->credentials, cred) : NULL;

    if (!with) {
        to->err = no_memory();
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
        to->err = no_memory();
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
