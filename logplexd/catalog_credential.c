/* catalog_credential.c - who may: see catalog.h and credential.h. */
#include "catalog_impl.h"

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
        return catalog_no_memory();
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
        return catalog_no_memory();
    }
    stored.id = id;
    stored.channel_id = channel_id;
    err = catalog_begin(cat);
    if (err != CATALOG_OK) {
        credential_unref(made);
        return err;
    }
    err = put_credential(cat, made, &stored, &draft);
    return catalog_end(cat, err, draft);
}

catalog_err catalog_delete_credential(catalog *cat, lp_span id)
{
    catalog_err err = catalog_begin(cat);
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
    return catalog_end(cat, err, draft);
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
        return catalog_no_memory();
    }
    credential_list_unref(*list);
    *list = with;
    return CATALOG_OK;
}

catalog_err catalog_configure(catalog *cat, const catalog_configured *list,
                              size_t count)
{
    catalog_err err = catalog_begin(cat);
    catalog_view *draft = NULL;
    credential_list *all;

    if (err != CATALOG_OK) {
        return err;
    }
    all = credential_list_stored(cat->current->credentials);
    err = all ? CATALOG_OK : catalog_no_memory();
    for (size_t i = 0; err == CATALOG_OK && i < count; i++) {
        err = configure_one(cat, &list[i], &all);
    }
    if (err == CATALOG_OK) {
        err = draft_credentials(cat, all, &draft);
    } else {
        credential_list_unref(all);
    }
    return catalog_end(cat, err, draft);
}
