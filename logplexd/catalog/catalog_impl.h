/*
 * catalog_impl.h - what the catalog*.c share and nobody else sees.
 *
 *     catalog.c             opening, views, and how a change is made
 *     catalog_route.c       from a token to its ring, for each line
 *     catalog_channel.c     channels
 *     catalog_plan.c        a channel with all that is its, being changed
 *     catalog_token.c, catalog_drain.c, catalog_credential.c,
 *     catalog_session.c     the rest of what there is
 *
 * All that can fail for want of memory is done before the store commits, so
 * that what is durable is always shown, and what is shown is always durable:
 *
 *     lock -> begin -> rows -> draft -> commit -> publish -> unlock
 *                 \_______ \______ \_______ \
 *                                            +--> roll back, drop the draft
 */
#ifndef LOGPLEXD_CATALOG_IMPL_H
#define LOGPLEXD_CATALOG_IMPL_H

#include <pthread.h>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "catalog/credential.h"
#include "catalog/session.h"
#include "catalog/store.h"
#include "catalog/view.h"

struct catalog {
    /* shared */
    _Atomic uint64_t version;   /* of current; readers compare with theirs */
    pthread_mutex_t view_mutex; /* of current, for the time of a ref       */
    catalog_view *current;
    session_table sessions;
    credential_keeper keeper;
    _Atomic int64_t
        expiry_ns; /* of the token that goes next; INT64_MAX: none */

    /* constant */
    lp_engine *engine;
    lp_channel_options ring;
    uint64_t channels_max;
    uint32_t tokens_max;
    uint32_t drains_max;
    hash_key hash;
    catalog_on_drains on_drains; /* may be NULL */
    void *on_drains_ctx;
    catalog_follow follow; /* may be NULL */
    void *follow_ctx;

    /* the writer's */
    pthread_mutex_t write_mutex;
    store *store;
    catalog_new_drain new_drain; /* of the write under way; id 0: none */
};

/* catalog.c: one change --------------------------------------------------- */

/* From here to catalog_end() the writer is alone, and the store is open. */
catalog_err catalog_begin(catalog *cat);

/* The same for a change of a channel. Fails: CATALOG_NOT_FOUND too; then there is
 * nothing to end. */
catalog_err catalog_begin_on(catalog *cat, lp_span channel_id,
                             const family **was);

/* Commits if err is CATALOG_OK, and then shows draft (may be NULL: nothing to
 * show). Takes over the draft in any case. */
catalog_err catalog_settle(catalog *cat, catalog_err err, catalog_view *draft);
catalog_err catalog_end(catalog *cat, catalog_err err, catalog_view *draft);

/* CATALOG_FAILED, and the log has it. */
catalog_err catalog_no_memory(void);

/* The newest view, with a hold. */
catalog_view *catalog_current(catalog *cat, uint64_t *version);

/* A draft in which the channel was has become now; either may be NULL. NULL: no
 * memory. */
catalog_view *catalog_draft_with(catalog *cat, const family *was, family *now);

/* Of the current view; NULL: there is none. The writer's. */
family *catalog_find_family(catalog *cat, lp_span id);

bool catalog_is_name(lp_span name); /* of a token: one word, or nothing */

/* With its follower, if there are any. */
catalog_err catalog_open_ring(catalog *cat, lp_span id, lp_channel **ring,
                              catalog_follower **follower);

/* catalog_route.c --------------------------------------------------------- */

/* A place to remember so many tokens: memo itself, or an empty one in its stead
 * if it was too small. NULL, for want of memory: all go the long way. */
struct memo *memo_fit(struct memo *memo, size_t token_count);
void memo_destroy(struct memo *memo);

/* catalog_plan.c: a channel on its way to what it shall be ----------------- */

typedef struct channel_plan {
    family_parts parts;
    size_t token_room, drain_room;
    bool is_changed;
} channel_plan;

/* As was is (NULL: nothing), with room for so many more. To be freed with
 * plan_fini(), also when it fails. */
catalog_err plan_of(channel_plan *plan, const family *was, size_t more_tokens,
                    size_t more_drains);
void plan_fini(channel_plan *plan);

/* These two change the store as well. */
catalog_err plan_add_token(catalog *cat, channel_plan *plan, lp_span name);
catalog_err plan_drop_token(catalog *cat, channel_plan *plan,
                            const catalog_token *token);

/* NULL: the plan has none of this id. */
store_token *plan_find_token(channel_plan *plan, lp_span id);

/* A draft that has the planned channel in the place of was. */
catalog_err plan_draft(catalog *cat, const family *was,
                       const channel_plan *plan, catalog_view **draft);

/* plan_draft() if err is CATALOG_OK, and plan_fini() in any case. */
catalog_err plan_end(catalog *cat, const family *was, channel_plan *plan,
                     catalog_err err, catalog_view **draft);

#endif /* LOGPLEXD_CATALOG_IMPL_H */
