/* catalog_channel.c - channels as a whole: see catalog.h. */
#include "catalog/catalog_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A channel that is gone may not come back under its number. */
static const char last_number[] = "channel_index";

static bool are_names(const lp_span *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!catalog_is_name(names[i])) {
            return false;
        }
    }
    return true;
}

/* As the tokens of a family are sorted. */
static int order_names(const void *a, const void *b)
{
    return lp_span_compare(*(const lp_span *)a, *(const lp_span *)b);
}

/* A sorted copy without repeats; NULL: no memory. */
static lp_span *sort_names(const lp_span *names, size_t *count)
{
    lp_span *sorted = calloc(*count ? *count : 1, sizeof *sorted);
    size_t kept = 0;

    if (!sorted || *count == 0) {
        return sorted;
    }
    memcpy(sorted, names, *count * sizeof *sorted);
    qsort(sorted, *count, sizeof *sorted, order_names);
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || !lp_span_equal(sorted[kept - 1], sorted[i])) {
            sorted[kept++] = sorted[i];
        }
    }
    *count = kept;
    return sorted;
}

/* Changing one ------------------------------------------------------------ */

/* Names and tokens both ascend, so one walk along both settles each. */
static catalog_err plan_names(catalog *cat, channel_plan *plan,
                              const catalog_channel *was, const lp_span *names,
                              size_t name_count)
{
    catalog_err err = CATALOG_OK;
    size_t i = 0, j = 0;

    while (err == CATALOG_OK && (i < name_count || j < was->token_count)) {
        const catalog_token *old = j < was->token_count ? was->tokens[j] : NULL;
        int order = !old             ? -1
                    : i < name_count ? order_names(&names[i], &old->name)
                                     : 1;

        if (order < 0) {
            err = plan_add_token(cat, plan, names[i++]);
        } else if (order > 0) {
            err = plan_drop_token(cat, plan, old);
            j++;
        } else {
            bool has_lasting = false; // one that is not being replaced

            while (j < was->token_count &&
                   lp_span_equal(names[i], was->tokens[j]->name)) {
                has_lasting |= was->tokens[j++]->expires_ns == 0;
            }
            if (!has_lasting) {
                err = plan_add_token(cat, plan, names[i]);
            }
            i++;
        }
    }
    return err;
}

/* The change is begun, names ascend without repeats. */
static catalog_err change_channel(catalog *cat, const family *was,
                                  const lp_span *names, size_t name_count,
                                  catalog_view **draft)
{
    channel_plan plan;
    catalog_err err = plan_of(&plan, was, name_count, 0);

    if (err == CATALOG_OK) {
        err = plan_names(cat, &plan, &was->channel, names, name_count);
    }
    if (err == CATALOG_OK && plan.parts.token_count > cat->tokens_max) {
        err = CATALOG_TOO_MANY; // kept ones can have one name several times
    }
    if (err == CATALOG_OK && plan.is_changed) {
        err = plan_draft(cat, was, &plan, draft);
    }
    plan_fini(&plan);
    return err;
}

/* Making one -------------------------------------------------------------- */

static catalog_err plan_new_channel(catalog *cat, channel_plan *plan,
                                    const lp_span *names, size_t name_count)
{
    store_channel row = {.id = plan->parts.id,
                         .name = plan->parts.name,
                         .created_ns = plan->parts.created_ns};
    catalog_err err =
        store_add_channel(cat->store, &row) ? CATALOG_OK : CATALOG_FAILED;

    for (size_t i = 0; err == CATALOG_OK && i < name_count; i++) {
        err = plan_add_token(cat, plan, names[i]);
    }
    return err;
}

/* The change is begun, and there is no such channel. */
static catalog_err make_channel(catalog *cat, lp_span id, lp_span name,
                                const lp_span *names, size_t name_count,
                                catalog_view **draft, lp_channel **ring)
{
    catalog_follower *follower;
    channel_plan plan;
    catalog_err err;

    if (cat->current->channels.count >= cat->channels_max) {
        return CATALOG_TOO_MANY;
    }
    err = catalog_open_ring(cat, id, ring, &follower);
    if (err != CATALOG_OK) {
        return err;
    }
    err = plan_of(&plan, NULL, name_count, 0);
    plan.parts.id = id;
    plan.parts.name = name;
    plan.parts.created_ns = wall_clock_ns();
    plan.parts.ring = *ring;
    plan.parts.follower = follower;
    if (err == CATALOG_OK) {
        err = plan_new_channel(cat, &plan, names, name_count);
    }
    err = plan_end(cat, NULL, &plan, err, draft);
    catalog_follower_unref(follower); // the family has it, if there is one
    return err;
}

static catalog_err put_sorted(catalog *cat, lp_span id, const lp_span *names,
                              size_t name_count, bool *created)
{
    catalog_view *draft = NULL;
    lp_channel *ring = NULL;
    catalog_err err = catalog_begin(cat);
    const family *was;

    if (err != CATALOG_OK) {
        return err;
    }
    was = catalog_find_family(cat, id);
    err = was ? change_channel(cat, was, names, name_count, &draft)
              : make_channel(cat, id, LP_SPAN(""), names, name_count, &draft,
                             &ring);
    *created = !was;
    err = catalog_end(cat, err, draft);
    if (err != CATALOG_OK) {
        lp_channel_close(ring); // NULL for one that was there
    }
    return err;
}

catalog_err catalog_put_channel(catalog *cat, lp_span id, const lp_span *names,
                                size_t name_count, bool *created)
{
    lp_span *sorted;
    catalog_err err;

    if (!catalog_is_id(id) || !are_names(names, name_count)) {
        return CATALOG_INVALID;
    }
    sorted = sort_names(names, &name_count);
    if (!sorted) {
        return catalog_no_memory();
    }
    err = name_count > cat->tokens_max
              ? CATALOG_TOO_MANY
              : put_sorted(cat, id, sorted, name_count, created);
    free(sorted);
    return err;
}

/* The next number that is no channel's: one can have been put there by name. */
static catalog_err next_number(catalog *cat, char out_id[24])
{
    char text[24] = "0";
    uint64_t number;

    store_get_setting(cat->store, last_number, text, sizeof text);
    number = strtoull(text, NULL, 10);
    do {
        number++;
        snprintf(out_id, 24, "%" PRIu64, number);
    } while (catalog_find_family(cat, lp_span_str(out_id)));
    return store_put_setting(cat->store, last_number, lp_span_str(out_id))
               ? CATALOG_OK
               : CATALOG_FAILED;
}

catalog_err catalog_new_channel(catalog *cat, lp_span name,
                                const lp_span *names, size_t name_count,
                                char out_id[24])
{
    catalog_view *draft = NULL;
    lp_channel *ring = NULL;
    catalog_err err;

    if (name.len_bytes > CATALOG_NAME_MAX_BYTES ||
        (name.len_bytes > 0 && !catalog_is_id(name)) ||
        !are_names(names, name_count)) {
        return CATALOG_INVALID;
    }
    if (name_count > cat->tokens_max) {
        return CATALOG_TOO_MANY;
    }
    err = catalog_begin(cat);
    if (err != CATALOG_OK) {
        return err;
    }
    err = next_number(cat, out_id);
    if (err == CATALOG_OK) {
        err = make_channel(cat, lp_span_str(out_id), name, names, name_count,
                           &draft, &ring);
    }
    err = catalog_end(cat, err, draft);
    if (err != CATALOG_OK) {
        lp_channel_close(ring);
    }
    return err;
}

/* Flags, and the end ------------------------------------------------------ */

static catalog_err set_flags(catalog *cat, const family *was, uint32_t flags,
                             catalog_view **draft)
{
    channel_plan plan;
    catalog_err err = plan_of(&plan, was, 0, 0);

    plan.parts.flags = flags;
    if (err == CATALOG_OK &&
        !store_set_flags(cat->store, was->channel.id, flags)) {
        err = CATALOG_FAILED;
    }
    return plan_end(cat, was, &plan, err, draft);
}

catalog_err catalog_set_flags(catalog *cat, lp_span channel_id, uint32_t flags)
{
    catalog_view *draft = NULL;
    const family *was;
    catalog_err err = catalog_begin_on(cat, channel_id, &was);

    if (err != CATALOG_OK) {
        return err;
    }
    err = set_flags(cat, was, flags, &draft);
    return catalog_end(cat, err, draft);
}

catalog_err catalog_delete_channel(catalog *cat, lp_span id)
{
    catalog_view *draft;
    lp_channel *ring;
    const family *was;
    catalog_err err = catalog_begin_on(cat, id, &was);

    if (err != CATALOG_OK) {
        return err;
    }
    ring = was->channel.ring;
    draft = catalog_draft_with(cat, was, NULL);
    err = !draft                                  ? catalog_no_memory()
          : !store_delete_channel(cat->store, id) ? CATALOG_FAILED
                                                  : CATALOG_OK;
    err = catalog_settle(cat, err, draft);
    if (err == CATALOG_OK) {
        session_drop_channel(&cat->sessions, id);
        lp_channel_close(ring);
    }
    pthread_mutex_unlock(&cat->write_mutex);
    return err;
}
