/*
 * credential.h - who may, and how we know.
 *
 * A list is immutable and shared by views. A credential in it comes in two
 * kinds: its *fast* hash is known from the start when its password has been
 * seen by this process; one that was read from the store learns it from the
 * first right password, at the cost of the slow hash (see secret.h).
 *
 * That cost must not be an attacker's to spend: it is paid only while there is
 * a credential that still has to learn; once for a password however many there
 * are, since what is known to be wrong is remembered; and a few times a second
 * at most. Beyond that the answer is no, and the log says so.
 */
#ifndef LOGPLEXD_CREDENTIAL_H
#define LOGPLEXD_CREDENTIAL_H

#include <pthread.h>

#include "catalog.h"
#include "secret.h"
#include "store.h"

enum {
    CREDENTIALS_MAX = 1000,
    CREDENTIAL_WRONG_SLOTS = 1024,
    CREDENTIAL_SLOW_MAX = 4 /* hashes a second */
};

/* What all credentials of a catalog share. */
typedef struct credential_keeper {
    uint8_t key[SECRET_HASH_BYTES]; /* of the fast hash */
    secret_salt salt;               /* of the slow hash */
    pthread_mutex_t mutex;          /* of all below; held for the slow hash */
    uint64_t window_s;
    unsigned slow_count;
    secret_hash wrong[CREDENTIAL_WRONG_SLOTS]; /* fast hashes */
} credential_keeper;

void credential_keeper_init(credential_keeper *keeper, const secret_salt *salt);
void credential_keeper_fini(credential_keeper *keeper);

typedef struct credential credential;
typedef struct credential_list credential_list;

/* One whose password is at hand. For the store, *stored (may be NULL) gets what
 * is to be kept, at the cost of the slow hash; its spans are the arguments'.
 * NULL: no memory. */
credential *credential_create(const credential_keeper *keeper, lp_span id,
                              lp_span password, uint32_t permissions,
                              lp_span channel_id, bool is_configured,
                              store_credential *stored);

/* One as the store has it. NULL: no memory. */
credential *credential_restore(const store_credential *stored);

void credential_unref(credential *cred);

credential_list *credential_list_ref(credential_list *list); /* NULL: empty */
void credential_list_unref(credential_list *list);
size_t credential_list_count(const credential_list *list);
bool credential_list_has(const credential_list *list, lp_span id);
bool credential_list_configures(const credential_list *list, lp_span id);

/* The list with cred in it, in place of one with its id. Takes over the hold on
 * cred, also when there is no memory (NULL). */
credential_list *credential_list_with(const credential_list *list,
                                      credential *cred);

/* The list without the one of this id; without those that came from the
 * configuration. NULL: no memory. */
credential_list *credential_list_without(const credential_list *list,
                                         lp_span id);
credential_list *credential_list_stored(const credential_list *list);

/* As catalog_check_credential() and catalog_check_secret(). */
const catalog_credential *credential_check(const credential_list *list,
                                           credential_keeper *keeper,
                                           lp_span id, lp_span password);
const catalog_credential *credential_check_secret(const credential_list *list,
                                                  credential_keeper *keeper,
                                                  lp_span secret);

#endif /* LOGPLEXD_CREDENTIAL_H */
