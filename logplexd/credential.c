/* credential.c - see credential.h. */
#include "credential.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "uuid.h"

struct credential {
    _Atomic uint32_t refs;
    _Atomic bool knows_fast; /* fast may be read */
    bool is_configured;
    catalog_credential shown;
    secret_hash fast; /* written once, under the keeper's mutex */
    secret_salt salt; /* these two for those from the store     */
    secret_hash stored;
    char text[];
};

struct credential_list {
    _Atomic uint32_t refs;
    size_t count;
    credential *at[];
};

void credential_keeper_init(credential_keeper *keeper, const secret_salt *salt)
{
    memset(keeper, 0, sizeof *keeper);
    random_bytes(keeper->key, sizeof keeper->key);
    keeper->salt = *salt;
    pthread_mutex_init(&keeper->mutex, NULL);
}

void credential_keeper_fini(credential_keeper *keeper)
{
    pthread_mutex_destroy(&keeper->mutex);
    explicit_bzero(keeper->key, sizeof keeper->key);
}

/* One credential ---------------------------------------------------------- */

static credential *create(lp_span id, uint32_t permissions, lp_span channel_id)
{
    credential *cred =
        calloc(1, sizeof *cred + id.len_bytes + channel_id.len_bytes);

    if (!cred) {
        return NULL;
    }
    atomic_init(&cred->refs, 1);
    memcpy(cred->text, id.ptr, id.len_bytes);
    cred->shown.id = lp_span_of(cred->text, id.len_bytes);
    cred->shown.permissions = permissions;
    if (channel_id.len_bytes > 0) {
        memcpy(cred->text + id.len_bytes, channel_id.ptr, channel_id.len_bytes);
        cred->shown.channel_id =
            lp_span_of(cred->text + id.len_bytes, channel_id.len_bytes);
    }
    return cred;
}

static secret_hash fast_hash(const credential_keeper *keeper, lp_span password)
{
    return secret_hmac(
        lp_span_of((const char *)keeper->key, sizeof keeper->key), password);
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
    secret_hash slow = secret_slow(password, &keeper->salt, SECRET_SLOW_ROUNDS);

    stored->id = cred->shown.id;
    stored->permissions = cred->shown.permissions;
    stored->channel_id = cred->shown.channel_id;
    random_bytes(stored->salt.bytes, sizeof stored->salt.bytes);
    stored->hash = salted(&stored->salt, &slow);
}

credential *credential_create(const credential_keeper *keeper, lp_span id,
                              lp_span password, uint32_t permissions,
                              lp_span channel_id, bool is_configured,
                              store_credential *stored)
{
    credential *cred = create(id, permissions, channel_id);

    if (!cred) {
        return NULL;
    }
    cred->is_configured = is_configured;
    cred->fast = fast_hash(keeper, password);
    atomic_init(&cred->knows_fast, true);
    if (stored) {
        fill_stored(keeper, cred, password, stored);
    }
    return cred;
}

credential *credential_restore(const store_credential *stored)
{
    credential *cred =
        create(stored->id, stored->permissions, stored->channel_id);

    if (cred) {
        cred->salt = stored->salt;
        cred->stored = stored->hash;
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
        credential_unref(list->at[i]);
    }
    free(list);
}

size_t credential_list_count(const credential_list *list)
{
    return list ? list->count : 0;
}

static const credential *find(const credential_list *list, lp_span id)
{
    for (size_t i = 0; i < credential_list_count(list); i++) {
        if (lp_span_equal(list->at[i]->shown.id, id)) {
            return list->at[i];
        }
    }
    return NULL;
}

bool credential_list_has(const credential_list *list, lp_span id)
{
    return find(list, id) != NULL;
}

bool credential_list_configures(const credential_list *list, lp_span id)
{
    const credential *cred = find(list, id);

    return cred && cred->is_configured;
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
    list->at[list->count++] = cred;
}

credential_list *credential_list_without(const credential_list *list,
                                         lp_span id)
{
    // One more than needed, for credential_list_with().
    credential_list *without = list_create(credential_list_count(list) + 1);

    for (size_t i = 0; without && i < credential_list_count(list); i++) {
        if (!lp_span_equal(list->at[i]->shown.id, id)) {
            list_add(without, list->at[i]);
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
        if (!list->at[i]->is_configured) {
            list_add(stored, list->at[i]);
        }
    }
    return stored;
}

/* Learning ---------------------------------------------------------------- */

static bool knows_fast(const credential *cred)
{
    return atomic_load_explicit(&cred->knows_fast, memory_order_acquire);
}

static bool somebody_has_to_learn(const credential_list *list)
{
    for (size_t i = 0; i < credential_list_count(list); i++) {
        if (!knows_fast(list->at[i])) {
            return true;
        }
    }
    return false;
}

static secret_hash *wrong_slot(credential_keeper *keeper,
                               const secret_hash *fast)
{
    uint32_t at;

    memcpy(&at, fast->bytes, sizeof at);
    return &keeper->wrong[at % CREDENTIAL_WRONG_SLOTS];
}

/* May the slow hash be paid for now? The mutex is held. */
static bool may_pay(credential_keeper *keeper)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (keeper->window_s != (uint64_t)now.tv_sec) {
        keeper->window_s = (uint64_t)now.tv_sec;
        keeper->slow_count = 0;
    }
    if (keeper->slow_count == CREDENTIAL_SLOW_MAX) {
        LOG_AT(LOG_WARN, "password_checks_limited", "max_per_second=%d",
               CREDENTIAL_SLOW_MAX);
        return false;
    }
    keeper->slow_count++;
    return true;
}

static bool teach(const credential_list *list, const secret_hash *slow,
                  const secret_hash *fast)
{
    bool is_right = false;

    for (size_t i = 0; i < list->count; i++) {
        credential *cred = list->at[i];
        secret_hash hash;

        if (knows_fast(cred)) {
            continue;
        }
        hash = salted(&cred->salt, slow);
        if (secret_equal(&hash, &cred->stored)) {
            cred->fast = *fast;
            atomic_store_explicit(&cred->knows_fast, true,
                                  memory_order_release);
            is_right = true;
        }
    }
    return is_right;
}

/* Lets whoever has this password, and doesn't know it yet, know it. */
static void learn(const credential_list *list, credential_keeper *keeper,
                  lp_span password, const secret_hash *fast)
{
    secret_hash *wrong = wrong_slot(keeper, fast);
    secret_hash slow;

    pthread_mutex_lock(&keeper->mutex);
    // Another thread may have taught them while this one waited.
    if (somebody_has_to_learn(list) && !secret_equal(wrong, fast) &&
        may_pay(keeper)) {
        slow = secret_slow(password, &keeper->salt, SECRET_SLOW_ROUNDS);
        if (!teach(list, &slow, fast)) {
            *wrong = *fast;
        }
    }
    pthread_mutex_unlock(&keeper->mutex);
}

/* Checking ---------------------------------------------------------------- */

static bool has_password(const credential *cred, const secret_hash *fast)
{
    return knows_fast(cred) && secret_equal(&cred->fast, fast);
}

const catalog_credential *credential_check(const credential_list *list,
                                           credential_keeper *keeper,
                                           lp_span id, lp_span password)
{
    secret_hash fast = fast_hash(keeper, password);
    const credential *cred = find(list, id);

    // One that knows its password is final, also when that isn't the one.
    if (cred && !knows_fast(cred)) {
        learn(list, keeper, password, &fast);
    }
    return cred && has_password(cred, &fast) ? &cred->shown : NULL;
}

/* Goes through all of them, so that its time says nothing of which it was. */
static const credential *find_secret(const credential_list *list,
                                     const secret_hash *fast)
{
    const credential *found = NULL;

    for (size_t i = 0; i < credential_list_count(list); i++) {
        const credential *cred = list->at[i];
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
                                                  lp_span secret)
{
    secret_hash fast = fast_hash(keeper, secret);
    const credential *found = find_secret(list, &fast);

    if (!found && somebody_has_to_learn(list)) {
        learn(list, keeper, secret, &fast);
        found = find_secret(list, &fast);
    }
    return found ? &found->shown : NULL;
}
