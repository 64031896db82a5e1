/* catalog_credential.c - who may: see catalog.h and credential.h. */
#include "catalog/catalog_impl.h"

bool catalog_is_label(lp_span name)
{
    return name.len_bytes == 0 || catalog_is_id(name);
}

static bool is_good_credential(const catalog_configured *as)
{
    bool has_channel = (as->permissions & CATALOG_ONE_CHANNEL) != 0;

    return catalog_is_id(as->id) && as->password.len_bytes > 0 &&
           as->permissions != 0 && catalog_is_label(as->name) &&
           (has_channel ? catalog_is_id(as->channel_id)
                        : as->channel_id.len_bytes == 0);
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

/* May this one come, also in the place of one with its id? */
static catalog_err admit(const credential_list *list,
                         const store_credential *stored, bool may_lock_out)
{
    const catalog_credential *was = credential_list_find(list, stored->id);

    if (was && was->is_configured) {
        return CATALOG_CONFIGURED;
    }
    if (!was && credential_list_count(list) >= CREDENTIALS_MAX) {
        return CATALOG_TOO_MANY;
    }
    if (!may_lock_out && !(stored->permissions & CATALOG_FULL_API) &&
        (credential_list_count(list) == 0 ||
         credential_list_hangs_on(list, stored->id))) {
        return CATALOG_LAST; // the first one closes what was open to this machine
    }
    return CATALOG_OK;
}

/* Takes over the hold on made. */
static catalog_err put_credential(catalog *cat, credential *made,
                                  const store_credential *stored,
                                  catalog_view **draft)
{
    credential_list *with =
        credential_list_with(cat->current->credentials, made);

    if (!with) {
        return catalog_no_memory();
    }
    if (!store_put_credential(cat->store, stored)) {
        credential_list_unref(with);
        return CATALOG_FAILED;
    }
    return draft_credentials(cat, with, draft);
}

static catalog_err set_credential(catalog *cat, const catalog_configured *as,
                                  bool may_lock_out, bool *is_new)
{
    catalog_view *draft = NULL;
    store_credential stored;
    credential *made;
    catalog_err err;

    if (!is_good_credential(as)) {
        return CATALOG_INVALID;
    }
    // The slow hash is made before the lock is taken.
    made = credential_create(&cat->keeper, as, false, wall_clock_ns(), &stored);
    if (!made) {
        return catalog_no_memory();
    }
    err = catalog_begin(cat);
    if (err != CATALOG_OK) {
        credential_unref(made);
        return err;
    }
    *is_new = !credential_list_find(cat->current->credentials, as->id);
    err = admit(cat->current->credentials, &stored, may_lock_out);
    if (err == CATALOG_OK) {
        err = put_credential(cat, made, &stored, &draft);
    } else {
        credential_unref(made);
    }
    return catalog_end(cat, err, draft);
}

catalog_err catalog_set_credential(catalog *cat, const catalog_configured *as,
                                   bool may_lock_out, bool *is_new)
{
    catalog_configured chosen = *as;

    chosen.kind = CATALOG_PASSWORD;
    return set_credential(cat, &chosen, may_lock_out, is_new);
}

catalog_err catalog_put_credential(catalog *cat, lp_span id, lp_span password,
                                   uint32_t permissions, lp_span channel_id)
{
    catalog_configured as = {.id = id,
                             .password = password,
                             .permissions = permissions,
                             .channel_id = channel_id};
    bool is_new;

    return catalog_set_credential(cat, &as, true, &is_new);
}

catalog_err catalog_new_credential(catalog *cat, const catalog_configured *as,
                                   bool may_lock_out, catalog_generated *out)
{
    catalog_configured made = *as;
    bool is_new;

    secret_generate(out->id, sizeof out->id / 2);
    secret_generate(out->secret, sizeof out->secret / 2);
    made.id = lp_span_str(out->id);
    made.password = lp_span_str(out->secret);
    made.kind = CATALOG_GENERATED;
    return set_credential(cat, &made, may_lock_out, &is_new);
}

static catalog_err delete_credential(catalog *cat, lp_span id,
                                     bool may_lock_out)
{
    catalog_err err = catalog_begin(cat);
    catalog_view *draft = NULL;
    const credential_list *list;
    const catalog_credential *was;

    if (err != CATALOG_OK) {
        return err;
    }
    list = cat->current->credentials;
    was = credential_list_find(list, id);
    if (!was) {
        err = CATALOG_NOT_FOUND;
    } else if (was->is_configured) {
        err = CATALOG_CONFIGURED;
    } else if (!may_lock_out && credential_list_hangs_on(list, id)) {
        err = CATALOG_LAST;
    } else if (!store_delete_credential(cat->store, id)) {
        err = CATALOG_FAILED;
    } else {
        err = draft_credentials(cat, credential_list_without(list, id), &draft);
    }
    return catalog_end(cat, err, draft);
}

catalog_err catalog_revoke_credential(catalog *cat, lp_span id)
{
    return delete_credential(cat, id, false);
}

catalog_err catalog_delete_credential(catalog *cat, lp_span id)
{
    return delete_credential(cat, id, true);
}

/* Puts one more in *list, and out of the store. */
static catalog_err configure_one(catalog *cat, const catalog_configured *from,
                                 credential_list **list)
{
    credential_list *with;
    credential *made;

    if (!is_good_credential(from)) {
        return CATALOG_INVALID;
    }
    if (!store_delete_credential(cat->store, from->id)) {
        return CATALOG_FAILED;
    }
    made = credential_create(&cat->keeper, from, true, 0, NULL);
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
