/* catalog_token.c - the tokens of a channel, one by one: see catalog.h. */
#include "catalog/catalog_impl.h"

#include <stdio.h>
#include <string.h>

/* The last token of a plan is the one that was just added. */
static void tell_new(const channel_plan *plan, char out_id[40])
{
    const store_token *made = &plan->parts.tokens[plan->parts.token_count - 1];

    memcpy(out_id, made->id, sizeof made->id);
}

/* Adding and deleting ----------------------------------------------------- */

static catalog_err add_token(catalog *cat, const family *was, lp_span name,
                             char out_id[40], catalog_view **draft)
{
    channel_plan plan;
    catalog_err err;

    if (was->channel.token_count >= cat->tokens_max) {
        return CATALOG_TOO_MANY;
    }
    err = plan_of(&plan, was, 1, 0);
    if (err == CATALOG_OK) {
        err = plan_add_token(cat, &plan, name);
    }
    if (err == CATALOG_OK) {
        tell_new(&plan, out_id); // before family_create() sorts them
    }
    return plan_end(cat, was, &plan, err, draft);
}

catalog_err catalog_add_token(catalog *cat, lp_span channel_id, lp_span name,
                              char out_id[40])
{
    catalog_view *draft = NULL;
    const family *was;
    catalog_err err;

    if (!catalog_is_name(name)) {
        return CATALOG_INVALID;
    }
    err = catalog_begin_on(cat, channel_id, &was);
    if (err != CATALOG_OK) {
        return err;
    }
    err = add_token(cat, was, name, out_id, &draft);
    return catalog_end(cat, err, draft);
}

static catalog_err delete_token(catalog *cat, const catalog_token *token,
                                catalog_view **draft)
{
    const family *was = family_of(token->channel);
    channel_plan plan;
    catalog_err err = plan_of(&plan, was, 0, 0);

    if (err == CATALOG_OK) {
        err = plan_drop_token(cat, &plan, token);
    }
    return plan_end(cat, was, &plan, err, draft);
}

/* catalog_begin_on() for a token of the channel. */
static catalog_err begin_on_token(catalog *cat, lp_span channel_id, lp_span id,
                                  const catalog_token **token)
{
    catalog_err err = catalog_begin(cat);

    if (err != CATALOG_OK) {
        return err;
    }
    *token = catalog_find_token(cat->current, id);
    if (*token && lp_span_equal((*token)->channel->id, channel_id)) {
        return CATALOG_OK;
    }
    return catalog_end(cat, CATALOG_NOT_FOUND, NULL);
}

catalog_err catalog_delete_token(catalog *cat, lp_span channel_id,
                                 lp_span token_id)
{
    catalog_view *draft = NULL;
    const catalog_token *token;
    catalog_err err = begin_on_token(cat, channel_id, token_id, &token);

    if (err != CATALOG_OK) {
        return err;
    }
    err = delete_token(cat, token, &draft);
    return catalog_end(cat, err, draft);
}

/* Rotating ---------------------------------------------------------------- */

static catalog_err plan_expiry(catalog *cat, channel_plan *plan,
                               const catalog_token *token, int64_t expires_ns)
{
    store_token *old = plan_find_token(plan, token->id);

    old->expires_ns = expires_ns;
    return store_expire_token(cat->store, old->id, expires_ns) ? CATALOG_OK
                                                               : CATALOG_FAILED;
}

static catalog_err rotate_token(catalog *cat, const catalog_token *token,
                                int64_t expires_ns, char out_id[40],
                                catalog_view **draft)
{
    const family *was = family_of(token->channel);
    channel_plan plan;
    catalog_err err;

    if (token->expires_ns != 0) {
        return CATALOG_EXISTS;
    }
    if (was->channel.token_count >= cat->tokens_max) {
        return CATALOG_TOO_MANY;
    }
    err = plan_of(&plan, was, 1, 0);
    if (err == CATALOG_OK) {
        err = plan_expiry(cat, &plan, token, expires_ns);
    }
    if (err == CATALOG_OK) {
        err = plan_add_token(cat, &plan, token->name);
    }
    if (err == CATALOG_OK) {
        tell_new(&plan, out_id);
    }
    return plan_end(cat, was, &plan, err, draft);
}

catalog_err catalog_rotate_token(catalog *cat, lp_span channel_id,
                                 lp_span token_id, int64_t now_ns,
                                 int64_t overlap_ns, char out_id[40])
{
    int64_t expires_ns = now_ns + overlap_ns;
    catalog_view *draft = NULL;
    const catalog_token *token;
    catalog_err err = begin_on_token(cat, channel_id, token_id, &token);

    if (err != CATALOG_OK) {
        return err;
    }
    err = rotate_token(cat, token, expires_ns, out_id, &draft);
    // Before it is shown, so that it is never forgotten; too early costs a look.
    if (err == CATALOG_OK && expires_ns < atomic_load(&cat->expiry_ns)) {
        atomic_store(&cat->expiry_ns, expires_ns);
    }
    return catalog_end(cat, err, draft);
}

size_t catalog_count_tokens(const catalog_channel *channel)
{
    size_t count = 0;

    for (size_t i = 0; i < channel->token_count; i++) {
        count += channel->tokens[i]->expires_ns == 0;
    }
    return count;
}

/* Expiring ---------------------------------------------------------------- */

enum { OVER_AT_ONCE = 64 };

/* Tokens that go, as many as one look at all channels can take along, and when
 * the next one does. */
typedef struct expiry {
    int64_t now_ns;
    int64_t next_ns;
    size_t over_count;
    char over[OVER_AT_ONCE][40];
} expiry;

static bool note_expiry(const catalog_channel *channel, void *ctx)
{
    expiry *found = ctx;

    for (size_t i = 0; i < channel->token_count; i++) {
        const catalog_token *token = channel->tokens[i];

        if (token->expires_ns == 0) {
            continue;
        }
        if (catalog_token_is_over(token, found->now_ns)) {
            memcpy(found->over[found->over_count], token->id.ptr,
                   token->id.len_bytes);
            found->over[found->over_count++][token->id.len_bytes] = '\0';
        } else if (token->expires_ns < found->next_ns) {
            found->next_ns = token->expires_ns;
        }
        if (found->over_count == OVER_AT_ONCE) {
            return false;
        }
    }
    return true;
}

static catalog_err look_for_expired(catalog *cat, expiry *found)
{
    catalog_err err = catalog_begin(cat);

    found->next_ns = INT64_MAX;
    found->over_count = 0;
    if (err != CATALOG_OK) {
        return err;
    }
    catalog_each_channel(cat->current, note_expiry, found);
    if (found->over_count == 0) {
        atomic_store(&cat->expiry_ns, found->next_ns);
    }
    return catalog_end(cat, CATALOG_OK, NULL);
}

/* One token, so that a commit stays small. It may be gone by now. */
static catalog_err expire_token(catalog *cat, const char *id)
{
    catalog_view *draft = NULL;
    const catalog_token *token;
    catalog_err err = catalog_begin(cat);

    if (err != CATALOG_OK) {
        return err;
    }
    token = catalog_find_token(cat->current, lp_span_str(id));
    if (token) {
        err = delete_token(cat, token, &draft);
    }
    return catalog_end(cat, err, draft);
}

bool catalog_has_expired(const catalog *cat, int64_t now_ns)
{
    return now_ns >= atomic_load(&cat->expiry_ns);
}

catalog_err catalog_expire_tokens(catalog *cat, int64_t now_ns)
{
    expiry found = {.now_ns = now_ns};
    catalog_err err;

    do {
        err = look_for_expired(cat, &found);
        for (size_t i = 0; err == CATALOG_OK && i < found.over_count; i++) {
            err = expire_token(cat, found.over[i]);
        }
    } while (err == CATALOG_OK && found.over_count > 0);
    return err;
}
