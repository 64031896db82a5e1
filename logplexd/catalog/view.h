/*
 * view.h - what a view of the catalog is made of.
 *
 *     view --+--> channels: table by id ----> family --> ring
 *            +--> tokens: table by id ------/   |
 *            |                                  one block of memory: a channel,
 *            |                                  its tokens, its drains, and all
 *            |                                  their texts
 *            +--> credentials: a list
 *
 * A channel and what is its point at each other, so they change together: any
 * change makes a new family around the same ring. Everything counts its
 * holders, and nothing that a view holds ever changes, but for what a credential
 * learns about itself.
 */
#ifndef LOGPLEXD_VIEW_H
#define LOGPLEXD_VIEW_H

#include "base/hash.h"
#include "catalog/catalog.h"
#include "catalog/credential.h"
#include "catalog/store.h"
#include "catalog/table.h"

struct catalog_view {
    _Atomic uint32_t refs;
    uint64_t version;
    uint64_t drains_version;      /* of the last change to who has drains */
    uint64_t credentials_version; /* to who may do what                   */
    table channels;
    table tokens;
    credential_list *credentials;
    const hash_key *hash;      /* the catalog's */
    credential_keeper *keeper; /* likewise      */
};

/* Families ---------------------------------------------------------------- */

typedef struct family_token {
    table_item item;
    catalog_token token;
} family_token;

typedef struct family {
    table_owner owner;
    table_item item; /* of the channel */
    catalog_channel channel;
    family_token tokens[];
} family;

/* What a family is made of. */
typedef struct family_parts {
    lp_span id;
    lp_span name;
    uint32_t flags;
    int64_t created_ns;
    lp_channel *ring;
    catalog_follower *follower;
    store_token *tokens; /* will be sorted */
    size_t token_count;
    store_drain *drains; /* ascending */
    size_t drain_count;
} family_parts;

/*
 * Copies all texts, and holds the ring and the follower. NULL: no memory.
 * Owns: the result has one hold, to be given up by table_owner_unref().
 */
family *family_create(const hash_key *hash, const family_parts *parts);

family *family_of(const catalog_channel *channel);

/* Views ------------------------------------------------------------------- */

catalog_view *view_create(const hash_key *hash, credential_keeper *keeper);

/* A draft: the same as from, and one version on. NULL: no memory. */
catalog_view *view_draft(const catalog_view *from);

/* Puts now in the place of was, with their tokens; either may be NULL. False:
 * no memory; the draft is then good for view_unref() alone. */
bool view_put_family(catalog_view *draft, const family *was, family *now);

/* Takes over the hold on list. */
void view_put_credentials(catalog_view *draft, credential_list *list);

#endif /* LOGPLEXD_VIEW_H */
