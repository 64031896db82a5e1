/*
 * credential.h - who may, and how we know.
 *
 * A list is immutable and shared by views. A credential in it comes in two
 * kinds: its *fast* hash is known from the start when its password has been
 * seen by this process, or its secret was generated; one with a password that
 * was read from the store learns it from the first right password, at the cost
 * of the slow hash (see secret.h).
 *
 * That cost must not be an attacker's to spend: it is paid only while there is
 * a credential that still has to learn; once for a password however many there
 * are, since what was paid for is remembered; and a few times a second at most.
 * Beyond that nobody knows, and the log says so.
 *
 * Nor must the time of a check tell which ids there are. So all ids are looked
 * at, by a keyed hash; what is not there is compared with as well; and whether
 * the slow hash is needed is asked of the list and of the password, never of
 * the id.
 */
#ifndef LOGPLEXD_CREDENTIAL_H
#define LOGPLEXD_CREDENTIAL_H

#include <pthread.h>

#include "base/hash.h"
#include "base/secret.h"
#include "catalog/catalog.h"
#include "catalog/store.h"

enum {
    CREDENTIALS_MAX = 1000,
    CREDENTIAL_PAID_SLOTS = 1024,
    CREDENTIAL_SLOW_MAX = 4 /* hashes a second */
};

/* What all credentials of a catalog share. */
typedef struct credential_keeper {
    secret_hash key;  /* of the fast hash */
    secret_salt salt; /* of the slow hash */
    hash_key ids;
    pthread_mutex_t slow_mutex; /* held for a slow hash; taken first  */
    pthread_mutex_t mutex;      /* of all below; never held for long  */
    uint64_t window_s;
    unsigned slow_count;
    secret_hash paid[CREDENTIAL_PAID_SLOTS]; /* fast hashes */
} credential_keeper;

void credential_keeper_init(credential_keeper *keeper, const secret_salt *salt);
void credential_keeper_fini(credential_keeper *keeper);

typedef struct credential credential;
typedef struct credential_list credential_list;

/* One whose password is at hand. For the store, *stored (may be NULL) gets what
 * is to be kept, at the cost of the slow hash where a password was chosen; its
 * spans are the credential's. NULL: no memory. */
credential *credential_create(const credential_keeper *keeper,
                              const catalog_configured *as, bool is_configured,
                              int64_t created_ns, store_credential *stored);

/* One as the store has it. NULL: no memory. */
credential *credential_restore(const credential_keeper *keeper,
                               const store_credential *stored);

void credential_unref(credential *cred);

credential_list *credential_list_ref(credential_list *list); /* NULL: empty */
void credential_list_unref(credential_list *list);
size_t credential_list_count(const credential_list *list);

/* NULL: there is none. For who may take his time: see credential_check(). */
const catalog_credential *credential_list_find(const credential_list *list,
                                               lp_span id);
const catalog_credential *credential_list_at(const credential_list *list,
                                             size_t index);

/* Is this the last one with CATALOG_FULL_API? */
bool credential_list_hangs_on(const credential_list *list, lp_span id);

/* The list with cred in it, in place of one with its id. Takes over the hold on
 * cred, also when there is no memory (NULL). */
credential_list *credential_list_with(const credential_list *list,
                                      credential *cred);

/* The list without the one of this id; without those that came from the
 * configuration. NULL: no memory. */
credential_list *credential_list_without(const credential_list *list,
                                         lp_span id);
credential_list *credential_list_stored(const credential_list *list);

/* As catalog_try_credential(), catalog_try_secret() and catalog_check_key(). */
const catalog_credential *credential_check(const credential_list *list,
                                           credential_keeper *keeper,
                                           lp_span id, lp_span password,
                                           catalog_check *check);
const catalog_credential *credential_check_secret(const credential_list *list,
                                                  credential_keeper *keeper,
                                                  lp_span secret,
                                                  catalog_check *check);
const catalog_credential *credential_check_key(const credential_list *list,
                                               const credential_keeper *keeper,
                                               lp_span text);

#endif /* LOGPLEXD_CREDENTIAL_H */
