/* credential.c - see credential.h. */
#include "catalog/credential.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/uuid.h"

struct credential {
    _Atomic uint32_t refs;
    catalog_credential shown;
    uint64_t id_hash;                 /* what it is found by */
    const secret_hash *_Atomic known; /* fast, or no_hash: has to learn it */
    secret_hash fast; /* written once, under the keeper's slow_mutex */
    secret_salt salt; /* these two for passwords from the store      */
    secret_hash stored;
    char text[];
};

typedef struct list_entry {
    uint64_t id_hash; /* beside each other: all are looked at */
    credential *cred;
} list_entry;

struct credential_list {
    _Atomic uint32_t refs;
    const credential *key; /* the static one, or NULL */
    size_t count;
    list_entry at[];
};

/* That of no password: a hash that is all zeros would be a first. So there is
 * always something to compare with, and no branch that would take its time. */
static const secret_hash no_hash;

void credential_keeper_init(credential_keeper *keeper, const secret_salt *salt)
{
    memset(keeper, 0, sizeof *keeper);
    keeper->salt = *salt;
    keeper->key =
        secret_hmac(lp_span_of((const char *)salt->bytes, sizeof salt->bytes),
                    LP_SPAN("logplex fast hash"));
    random_bytes(&keeper->ids, sizeof keeper->ids);
    pthread_mutex_init(&keeper->slow_mutex, NULL);
    pthread_mutex_init(&keeper->mutex, NULL);
}

void credential_keeper_fini(credential_keeper *keeper)
{
    pthread_mutex_destroy(&keeper->slow_mutex);
    pthread_mutex_destroy(&keeper->mutex);
    explicit_bzero(&keeper->key, sizeof keeper->key);
}

/* One credential ---------------------------------------------------------- */

/* Copies text to *at, moves it on, and gives the copy's span. */
static lp_span put_text(char **at, lp_span text)
{
    lp_span copy = lp_span_of(*at, text.len_bytes);

    if (text.len_bytes > 0) {
        memcpy(*at, text.ptr, text.len_bytes);
    }
    *at += text.len_bytes;
    return copy;
}

static credential *create(const credential_keeper *keeper, lp_span id,
                          lp_span channel_id, lp_span name)
{
    credential *cred = calloc(1, sizeof *cred + id.len_bytes +
                                     channel_id.len_bytes + name.len_bytes);
    char *text;

    if (!cred) {
        return NULL;
    }
    atomic_init(&cred->refs, 1);
    atomic_init(&cred->known, &no_hash);
    text = cred->text;
    cred->shown.id = put_text(&text, id);
    cred->shown.channel_id = put_text(&text, channel_id);
    cred->shown.name = put_text(&text, name);
    cred->id_hash = hash_span(&keeper->ids, id);
    return cred;
}

static secret_hash fast_hash(const credential_keeper *keeper, lp_span password)
{
    return secret_hmac(
        lp_span_of((const char *)keeper->key.bytes, sizeof keeper->key.bytes),
        password);
}

static secret_hash salted(const secret_salt *salt, const secret_hash *slow)
{
    return secret_hmac(
        lp_span_of((const char *)salt->bytes, sizeof salt->bytes),
        lp_span_of((const char *)slow->bytes, sizeof slow->bytes));
}

static void fill_stored(const credential_keeper *keeper, const credential *cred,
                        lp_span password, store_credential *stored)
{
    secret_hash slow;

    stored->id = cred->shown.id;
    stored->permissions = cred->shown.permissions;
    stored->channel_id = cred->shown.channel_id;
    stored->name = cred->shown.name;
    stored->kind = cred->shown.kind;
    stored->created_ns = cred->shown.created_ns;
    random_bytes(stored->salt.bytes, sizeof stored->salt.bytes);
    if (cred->shown.kind == CATALOG_GENERATED) {
        stored->hash = cred->fast;
        return;
    }
    slow = secret_slow(password, &keeper->salt, SECRET_SLOW_ROUNDS);
    stored->hash = salted(&stored->salt, &slow);
}

credential *credential_create(const credential_keeper *keeper,
                              const catalog_configured *as, bool is_configured,
                              int64_t created_ns, store_credential *stored)
{
    credential *cred = create(keeper, as->id, as->channel_id, as->name);

    if (!cred) {
        return NULL;
    }
    cred->shown.permissions = as->permissions;
    cred->shown.kind = as->kind;
    cred->shown.is_configured = is_configured;
    cred->shown.created_ns = created_ns;
    if (as->kind == CATALOG_STATIC_KEY) { // so that no id finds it
        random_bytes(&cred->id_hash, sizeof cred->id_hash);
    }
    cred->fast = fast_hash(keeper, as->password);
    memcpy(&cred->shown.secret_mark, cred->fast.bytes,
           sizeof cred->shown.secret_mark);
    atomic_init(&cred->known, &cred->fast);
    if (stored) {
        fill_stored(keeper, cred, as->password, stored);
    }
    return cred;
}

credential *credential_restore(const credential_keeper *keeper,
                               const store_credential *stored)
{
    credential *cred =
        create(keeper, stored->id, stored->channel_id, stored->name);

    if (!cred) {
        return NULL;
    }
    cred->shown.permissions = stored->permissions;
    cred->shown.kind = stored->kind;
    cred->shown.created_ns = stored->created_ns;
    cred->salt = stored->salt;
    cred->stored = stored->hash;
    if (stored->kind == CATALOG_GENERATED) {
        cred->fast = stored->hash;
        atomic_init(&cred->known, &cred->fast);
    }
    return cred;
}

void credential_unref(credential *cred)
{
    if (cred &&
        atomic_fetch_sub_explicit(&cred->refs, 1, memory_order_acq_rel) == 1) {
        free(cred);
    }
}

/* Lists ------------------------------------------------------------------- */

credential_list *credential_list_ref(credential_list *list)
{
    if (list) {
        atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
    }
    return list;
}

void credential_list_unref(credential_list *list)
{
    if (!list ||
        atomic_fetch_sub_explicit(&list->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        credential_unref(list->at[i].cred);
    }
    free(list);
}

size_t credential_list_count(const credential_list *list)
{
    return list ? list->count : 0;
}

const catalog_credential *credential_list_at(const credential_list *list,
                                             size_t index)
{
    return index < credential_list_count(list) ? &list->at[index].cred->shown
                                               : NULL;
}

const catalog_credential *credential_list_find(const credential_list *list,
                                               lp_span id)
{
    for (size_t i = 0; i < credential_list_count(list); i++) {
        const catalog_credential *shown = &list->at[i].cred->shown;

        if (lp_span_equal(shown->id, id)) {
            return shown;
        }
    }
    return NULL;
}

bool credential_list_hangs_on(const credential_list *list, lp_span id)
{
    bool is_holding = false;

    for (size_t i = 0; i < credential_list_count(list); i++) {
        const catalog_credential *shown = &list->at[i].cred->shown;

        if (!(shown->permissions & CATALOG_FULL_API)) {
            continue;
        }
        if (!lp_span_equal(shown->id, id)) {
            return false;
        }
        is_holding = true;
    }
    return is_holding;
}

static credential_list *list_create(size_t room)
{
    credential_list *list = calloc(1, sizeof *list + room * sizeof list->at[0]);

    if (list) {
        atomic_init(&list->refs, 1);
    }
    return list;
}

static void list_add(credential_list *list, credential *cred)
{
    atomic_fetch_add_explicit(&cred->refs, 1, memory_order_relaxed);
    list->at[list->count++] = (list_entry){cred->id_hash, cred};
    if (cred->shown.kind == CATALOG_STATIC_KEY) {
        list->key = cred;
    }
}

credential_list *credential_list_without(const credential_list *list,
                                         lp_span id)
{
    // One more than needed, for credential_list_with().
    credential_list *without = list_create(credential_list_count(list) + 1);

    for (size_t i = 0; without && i < credential_list_count(list); i++) {
        if (!lp_span_equal(list->at[i].cred->shown.id, id)) {
            list_add(without, list->at[i].cred);
        }
    }
    return without;
}

credential_list *credential_list_with(const credential_list *list,
                                      credential *cred)
{
    credential_list *with = credential_list_without(list, cred->shown.id);

    if (with) {
        list_add(with, cred);
    }
    credential_unref(cred);
    return with;
}

credential_list *credential_list_stored(const credential_list *list)
{
    credential_list *stored = list_create(credential_list_count(list));

    for (size_t i = 0; stored && i < credential_list_count(list); i++) {
        if (!list->at[i].cred->shown.is_configured) {
            list_add(stored, list->at[i].cred);
        }
    }
    return stored;
}

/* Learning ---------------------------------------------------------------- */

/* Acquire, so that what it points at is seen: teach() releases. */
static const secret_hash *known(const credential *cred)
{
    return atomic_load_explicit(&cred->known, memory_order_acquire);
}

static bool somebody_has_to_learn(const credential_list *list)
{
    for (size_t i = 0; i < credential_list_count(list); i++) {
        if (known(list->at[i].cred) == &no_hash) {
            return true;
        }
    }
    return false;
}

static secret_hash *paid_slot(credential_keeper *keeper,
                              const secret_hash *fast)
{
    uint32_t at;

    memcpy(&at, fast->bytes, sizeof at);
    return &keeper->paid[at % CREDENTIAL_PAID_SLOTS];
}

/* Then all who have this password know it by now. */
static bool is_paid(credential_keeper *keeper, const secret_hash *fast)
{
    bool is_there;

    pthread_mutex_lock(&keeper->mutex);
    is_there = secret_equal(paid_slot(keeper, fast), fast);
    pthread_mutex_unlock(&keeper->mutex);
    return is_there;
}

static void note_paid(credential_keeper *keeper, const secret_hash *fast)
{
    pthread_mutex_lock(&keeper->mutex);
    *paid_slot(keeper, fast) = *fast;
    pthread_mutex_unlock(&keeper->mutex);
}

/* Is there money left for a slow hash in this second? It is taken. */
static bool take_money(credential_keeper *keeper)
{
    struct timespec now;
    bool is_there;

    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&keeper->mutex);
    if (keeper->window_s != (uint64_t)now.tv_sec) {
        keeper->window_s = (uint64_t)now.tv_sec;
        keeper->slow_count = 0;
    }
    is_there = keeper->slow_count < CREDENTIAL_SLOW_MAX;
    keeper->slow_count += is_there;
    pthread_mutex_unlock(&keeper->mutex);
    if (!is_there) {
        LOG_AT(LOG_WARN, "password_checks_limited", "max_per_second=%d",
               CREDENTIAL_SLOW_MAX);
    }
    return is_there;
}

static void teach(const credential_list *list, const secret_hash *slow,
                  const secret_hash *fast)
{
    for (size_t i = 0; i < list->count; i++) {
        credential *cred = list->at[i].cred;
        secret_hash hash;

        if (known(cred) != &no_hash) {
            continue;
        }
        hash = salted(&cred->salt, slow);
        if (secret_equal(&hash, &cred->stored)) {
            cred->fast = *fast;
            atomic_store_explicit(&cred->known, &cred->fast,
                                  memory_order_release);
        }
    }
}

/* The slow_mutex is held. */
static void pay(const credential_list *list, credential_keeper *keeper,
                lp_span password, const secret_hash *fast, catalog_check *check)
{
    secret_hash slow;

    if (!take_money(keeper)) {
        check->is_open = true;
        return;
    }
    slow = secret_slow(password, &keeper->salt, SECRET_SLOW_ROUNDS);
    teach(list, &slow, fast);
    note_paid(keeper, fast);
    check->has_paid = true;
}

/* Lets whoever has this password, and doesn't know it yet, know it. */
static void learn(const credential_list *list, credential_keeper *keeper,
                  lp_span password, const secret_hash *fast,
                  catalog_check *check)
{
    if (!somebody_has_to_learn(list) || is_paid(keeper, fast)) {
        return;
    }
    if (!check->may_pay) {
        check->is_open = true;
        return;
    }
    pthread_mutex_lock(&keeper->slow_mutex);
    // Another thread may have taught them while this one waited.
    if (somebody_has_to_learn(list) && !is_paid(keeper, fast)) {
        pay(list, keeper, password, fast, check);
    }
    pthread_mutex_unlock(&keeper->slow_mutex);
}

/* Checking ---------------------------------------------------------------- */

static bool has_password(const credential *cred, const secret_hash *fast)
{
    return secret_equal(known(cred), fast);
}

/* Whose password is compared: that of the id or, when there is no such id, that
 * of another, in vain; so both touch as much memory. */
typedef struct candidate {
    const credential *cred;
    bool is_it;
} candidate;

/*
 * Goes through all of them, without a branch, so that its time says nothing of
 * which it was, or whether there was one. Two ids of one hash would still need
 * each other's passwords. The list is not empty.
 */
static candidate find_by_id(const credential_list *list,
                            const credential_keeper *keeper, lp_span id)
{
    uint64_t want = hash_span(&keeper->ids, id);
    size_t found = want % list->count;
    bool is_it = false;

    for (size_t i = 0; i < list->count; i++) {
        bool is_here = list->at[i].id_hash == want;
        size_t mask = (size_t)0 - is_here;

        found = (found & ~mask) | (i & mask);
        is_it |= is_here;
    }
    return (candidate){list->at[found].cred, is_it};
}

static bool is_right(const candidate *who, const secret_hash *fast)
{
    bool is_same = has_password(who->cred, fast);

    return is_same & who->is_it;
}

const catalog_credential *credential_check(const credential_list *list,
                                           credential_keeper *keeper,
                                           lp_span id, lp_span password,
                                           catalog_check *check)
{
    secret_hash fast = fast_hash(keeper, password);
    candidate who;

    if (credential_list_count(list) == 0) {
        return NULL;
    }
    who = find_by_id(list, keeper, id);
    if (!is_right(&who, &fast)) {
        learn(list, keeper, password, &fast, check);
    }
    return is_right(&who, &fast) ? &who.cred->shown : NULL;
}

/* Likewise goes through all. */
static const credential *find_secret(const credential_list *list,
                                     const secret_hash *fast)
{
    const credential *found = NULL;

    for (size_t i = 0; i < credential_list_count(list); i++) {
        const credential *cred = list->at[i].cred;
        uint32_t may = cred->shown.permissions;

        if (has_password(cred, fast) &&
            (may & (CATALOG_FULL_API | CATALOG_ONE_CHANNEL)) &&
            (!found || (may & CATALOG_FULL_API))) {
            found = cred;
        }
    }
    return found;
}

const catalog_credential *credential_check_secret(const credential_list *list,
                                                  credential_keeper *keeper,
                                                  lp_span secret,
                                                  catalog_check *check)
{
    secret_hash fast = fast_hash(keeper, secret);
    const credential *found = find_secret(list, &fast);

    if (!found) {
        learn(list, keeper, secret, &fast, check);
        found = find_secret(list, &fast);
    }
    return found ? &found->shown : NULL;
}

const catalog_credential *credential_check_key(const credential_list *list,
                                               const credential_keeper *keeper,
                                               lp_span text)
{
    const credential *key = list ? list->key : NULL;
    secret_hash fast;

    if (!key) {
        return NULL;
    }
    fast = fast_hash(keeper, text);
    return has_password(key, &fast) ? &key->shown : NULL;
}
