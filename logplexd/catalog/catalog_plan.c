/* catalog_plan.c - a channel with all that is its, being changed. */
#include "catalog/catalog_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"

static void copy_text(char *out, size_t room_bytes, lp_span text)
{
    assert(text.len_bytes < room_bytes);
    if (text.len_bytes > 0) {
        memcpy(out, text.ptr, text.len_bytes);
    }
    out[text.len_bytes] = '\0';
}

static void copy_token(channel_plan *plan, const catalog_token *token)
{
    store_token *to = &plan->parts.tokens[plan->parts.token_count++];

    copy_text(to->id, sizeof to->id, token->id);
    copy_text(to->name, sizeof to->name, token->name);
    to->name_bytes = (uint32_t)token->name.len_bytes;
    to->expires_ns = token->expires_ns;
}

static void copy_drain(channel_plan *plan, const catalog_drain *drain)
{
    store_drain *to = &plan->parts.drains[plan->parts.drain_count++];

    to->id = drain->id;
    to->created_ns = drain->created_ns;
    to->start = drain->start;
    copy_text(to->token, sizeof to->token, drain->token);
    copy_text(to->url, sizeof to->url, drain->url);
    to->url_bytes = (uint32_t)drain->url.len_bytes;
}

static void copy_all(channel_plan *plan, const catalog_channel *was)
{
    plan->parts.id = was->id;
    plan->parts.name = was->name;
    plan->parts.flags = was->flags;
    plan->parts.created_ns = was->created_ns;
    plan->parts.ring = was->ring;
    plan->parts.follower = was->follower;
    for (size_t i = 0; i < was->token_count; i++) {
        copy_token(plan, was->tokens[i]);
    }
    for (size_t i = 0; i < was->drain_count; i++) {
        copy_drain(plan, &was->drains[i]);
    }
}

catalog_err plan_of(channel_plan *plan, const family *was, size_t more_tokens,
                    size_t more_drains)
{
    *plan =
        (channel_plan){.token_room = more_tokens, .drain_room = more_drains};
    if (was) {
        plan->token_room += was->channel.token_count;
        plan->drain_room += was->channel.drain_count;
    }
    // One more, as nobody may ask for nothing.
    plan->parts.tokens =
        malloc((plan->token_room + 1) * sizeof *plan->parts.tokens);
    plan->parts.drains =
        malloc((plan->drain_room + 1) * sizeof *plan->parts.drains);
    if (!plan->parts.tokens || !plan->parts.drains) {
        return catalog_no_memory();
    }
    if (was) {
        copy_all(plan, &was->channel);
    }
    return CATALOG_OK;
}

void plan_fini(channel_plan *plan)
{
    free(plan->parts.tokens);
    free(plan->parts.drains);
}

catalog_err plan_add_token(catalog *cat, channel_plan *plan, lp_span name)
{
    store_token *to = &plan->parts.tokens[plan->parts.token_count++];

    assert(plan->parts.token_count <= plan->token_room);
    memcpy(to->id, "t.", 2);
    uuid_random(to->id + 2);
    copy_text(to->name, sizeof to->name, name);
    to->name_bytes = (uint32_t)name.len_bytes;
    to->expires_ns = 0;
    plan->is_changed = true;
    return store_add_token(cat->store, plan->parts.id, to) ? CATALOG_OK
                                                           : CATALOG_FAILED;
}

store_token *plan_find_token(channel_plan *plan, lp_span id)
{
    for (size_t i = 0; i < plan->parts.token_count; i++) {
        if (lp_span_equal(lp_span_str(plan->parts.tokens[i].id), id)) {
            return &plan->parts.tokens[i];
        }
    }
    return NULL;
}

catalog_err plan_drop_token(catalog *cat, channel_plan *plan,
                            const catalog_token *token)
{
    store_token *at = plan_find_token(plan, token->id);
    const store_token *end = plan->parts.tokens + plan->parts.token_count;

    assert(at);
    plan->is_changed = true;
    if (!store_delete_token(cat->store, at->id)) {
        return CATALOG_FAILED;
    }
    memmove(at, at + 1, (size_t)((const char *)end - (const char *)(at + 1)));
    plan->parts.token_count--;
    return CATALOG_OK;
}

catalog_err plan_draft(catalog *cat, const family *was,
                       const channel_plan *plan, catalog_view **draft)
{
    family *now = family_create(&cat->hash, &plan->parts);

    if (!now) {
        return catalog_no_memory();
    }
    *draft = catalog_draft_with(cat, was, now);
    table_owner_unref(&now->owner);
    return *draft ? CATALOG_OK : catalog_no_memory();
}

catalog_err plan_end(catalog *cat, const family *was, channel_plan *plan,
                     catalog_err err, catalog_view **draft)
{
    if (err == CATALOG_OK) {
        err = plan_draft(cat, was, plan, draft);
    }
    plan_fini(plan);
    return err;
}
