/* view.c - see view.h, and catalog.h for the calls that read. */
#include "catalog/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"

/* Families ---------------------------------------------------------------- */

family *family_of(const catalog_channel *channel)
{
    return (family *)((uintptr_t)channel - offsetof(family, channel));
}

static void family_destroy(table_owner *owner)
{
    family *fam = (family *)(void *)owner;

    lp_channel_unref(fam->channel.ring);
    catalog_follower_unref(fam->channel.follower);
    free(fam);
}

static int order_tokens(const void *a, const void *b)
{
    const store_token *left = a, *right = b;
    int order = lp_span_compare(lp_span_of(left->name, left->name_bytes),
                                lp_span_of(right->name, right->name_bytes));

    return order ? order : strcmp(left->id, right->id);
}

/* An APP-NAME can't be empty (RFC 5424, 6.2.5). */
static lp_span app_of(const store_token *token)
{
    return token->name_bytes ? lp_span_of(token->name, token->name_bytes)
                             : LP_SPAN("-");
}

/* What the texts of a token need: id, name, "host NAME ". */
static size_t token_text_bytes(const store_token *token)
{
    return strlen(token->id) + token->name_bytes + sizeof CATALOG_HOST_HEAD -
           1 + app_of(token).len_bytes + 1;
}

/* Copies text to *at, moves it on, and gives the copy's span. */
static lp_span put_text(char **at, lp_span text)
{
    lp_span copy = lp_span_of(*at, text.len_bytes);

    if (text.len_bytes > 0) {
        memcpy(*at, text.ptr, text.len_bytes);
    }
    *at += text.len_bytes;
    return copy;
}

static void set_channel(family *fam, const hash_key *hash,
                        const family_parts *parts, char **text)
{
    catalog_channel *to = &fam->channel;
    char uuid[UUID_TEXT_BYTES];

    uuid_of_name(parts->id, uuid);
    to->id = put_text(text, parts->id);
    to->uuid = put_text(text, lp_span_str(uuid));
    to->name = put_text(text, parts->name);
    to->flags = parts->flags;
    to->created_ns = parts->created_ns;
    to->ring = lp_channel_ref(parts->ring);
    to->follower = catalog_follower_ref(parts->follower);
    to->token_count = parts->token_count;
    to->drain_count = parts->drain_count;
    fam->item.key = to->id;
    fam->item.hash = hash_span(hash, to->id);
    fam->item.owner = &fam->owner;
}

static void set_token(family *fam, size_t index, const hash_key *hash,
                      const store_token *from, char **text)
{
    family_token *to = &fam->tokens[index];

    to->token.id = put_text(text, lp_span_str(from->id));
    to->token.name = put_text(text, lp_span_of(from->name, from->name_bytes));
    to->token.host_app = put_text(text, LP_SPAN(CATALOG_HOST_HEAD));
    to->token.host_app.len_bytes += put_text(text, app_of(from)).len_bytes;
    to->token.host_app.len_bytes += put_text(text, LP_SPAN(" ")).len_bytes;
    to->token.expires_ns = from->expires_ns;
    to->token.channel = &fam->channel;
    to->item.key = to->token.id;
    to->item.hash = hash_token(hash, to->token.id);
    to->item.owner = &fam->owner;
}

static void set_drain(catalog_drain *to, const catalog_channel *channel,
                      const store_drain *from, char **text)
{
    to->id = from->id;
    to->token = put_text(text, lp_span_str(from->token));
    to->url = put_text(text, lp_span_of(from->url, from->url_bytes));
    to->created_ns = from->created_ns;
    to->start = from->start;
    to->channel = channel;
}

static size_t text_bytes(const family_parts *parts)
{
    size_t sum_bytes =
        parts->id.len_bytes + UUID_TEXT_BYTES + parts->name.len_bytes;

    for (size_t i = 0; i < parts->token_count; i++) {
        sum_bytes += token_text_bytes(&parts->tokens[i]);
    }
    for (size_t i = 0; i < parts->drain_count; i++) {
        sum_bytes +=
            strlen(parts->drains[i].token) + parts->drains[i].url_bytes;
    }
    return sum_bytes;
}

family *family_create(const hash_key *hash, const family_parts *parts)
{
    size_t tokens_bytes = parts->token_count * sizeof(family_token);
    size_t drains_bytes = parts->drain_count * sizeof(catalog_drain);
    size_t list_bytes = parts->token_count * sizeof(catalog_token *);
    const catalog_token **list;
    catalog_drain *drains;
    family *fam;
    char *text;

    fam = calloc(1, sizeof(family) + tokens_bytes + drains_bytes + list_bytes +
                        text_bytes(parts));
    if (!fam) {
        return NULL;
    }
    if (parts->token_count > 0) {
        qsort(parts->tokens, parts->token_count, sizeof *parts->tokens,
              order_tokens);
    }
    atomic_init(&fam->owner.refs, 1);
    fam->owner.destroy = family_destroy;
    text = (char *)fam + sizeof(family) + tokens_bytes;
    drains = (catalog_drain *)(void *)text;
    list = (const catalog_token **)(void *)(text + drains_bytes);
    text += drains_bytes + list_bytes;
    set_channel(fam, hash, parts, &text);
    fam->channel.tokens = list;
    fam->channel.drains = drains;
    for (size_t i = 0; i < parts->token_count; i++) {
        set_token(fam, i, hash, &parts->tokens[i], &text);
        list[i] = &fam->tokens[i].token;
    }
    for (size_t i = 0; i < parts->drain_count; i++) {
        set_drain(&drains[i], &fam->channel, &parts->drains[i], &text);
    }
    return fam;
}

/* Views ------------------------------------------------------------------- */

catalog_view *view_create(const hash_key *hash, credential_keeper *keeper)
{
    catalog_view *view = calloc(1, sizeof *view);

    if (!view) {
        return NULL;
    }
    atomic_init(&view->refs, 1);
    view->version = 1; // so that 0 can mean none, in who remembers things
    view->hash = hash;
    view->keeper = keeper;
    return view;
}

catalog_view *view_draft(const catalog_view *from)
{
    catalog_view *view = view_create(from->hash, from->keeper);

    if (!view) {
        return NULL;
    }
    view->version = from->version + 1;
    view->drains_version = from->drains_version;
    view->credentials_version = from->credentials_version;
    view->channels = table_copy(&from->channels);
    view->tokens = table_copy(&from->tokens);
    view->credentials = credential_list_ref(from->credentials);
    return view;
}

catalog_view *catalog_view_ref(const catalog_view *view)
{
    catalog_view *held = (catalog_view *)(uintptr_t)view;

    atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
    return held;
}

void catalog_view_unref(catalog_view *view)
{
    // As in table_owner_unref().
    if (!view ||
        atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    table_drop(&view->channels);
    table_drop(&view->tokens);
    credential_list_unref(view->credentials);
    free(view);
}

/* Those of was that now has replaced are now's by then, and stay. */
static bool drop_tokens(catalog_view *draft, const family *was)
{
    for (size_t i = 0; i < was->channel.token_count; i++) {
        const table_item *item = &was->tokens[i].item;
        const table_item *found =
            table_find(&draft->tokens, item->hash, item->key);

        if (found == item &&
            !table_remove(&draft->tokens, item->hash, item->key)) {
            return false;
        }
    }
    return true;
}

static bool has_drains(const family *fam)
{
    return fam && fam->channel.drain_count > 0;
}

bool view_put_family(catalog_view *draft, const family *was, family *now)
{
    if (has_drains(was) || has_drains(now)) {
        draft->drains_version = draft->version;
    }
    if (now) {
        if (!table_put(&draft->channels, &now->item)) {
            return false;
        }
        for (size_t i = 0; i < now->channel.token_count; i++) {
            if (!table_put(&draft->tokens, &now->tokens[i].item)) {
                return false;
            }
        }
    }
    if (!was) {
        return true;
    }
    return drop_tokens(draft, was) &&
           (now ||
            table_remove(&draft->channels, was->item.hash, was->item.key));
}

void view_put_credentials(catalog_view *draft, credential_list *list)
{
    credential_list_unref(draft->credentials);
    draft->credentials = list;
    draft->credentials_version = draft->version;
}

/* Reading ----------------------------------------------------------------- */

uint64_t catalog_view_version(const catalog_view *view)
{
    return view->version;
}

uint64_t catalog_view_credentials_version(const catalog_view *view)
{
    return view->credentials_version;
}

uint64_t catalog_view_drains_version(const catalog_view *view)
{
    return view->drains_version;
}

static family *family_of_item(table_item *item)
{
    return (family *)((uintptr_t)item - offsetof(family, item));
}

const catalog_token *catalog_find_token(const catalog_view *view, lp_span id)
{
    table_item *item =
        table_find(&view->tokens, hash_token(view->hash, id), id);

    return item ? &((family_token *)(void *)item)->token : NULL;
}

const catalog_channel *catalog_find_channel(const catalog_view *view,
                                            lp_span id)
{
    table_item *item =
        table_find(&view->channels, hash_span(view->hash, id), id);

    return item ? &family_of_item(item)->channel : NULL;
}

typedef struct each_channel {
    bool (*each)(const catalog_channel *channel, void *ctx);
    void *ctx;
} each_channel;

static bool call_with_channel(table_item *item, void *ctx)
{
    const each_channel *call = ctx;

    return call->each(&family_of_item(item)->channel, call->ctx);
}

void catalog_each_channel(const catalog_view *view,
                          bool (*each)(const catalog_channel *channel,
                                       void *ctx),
                          void *ctx)
{
    each_channel call = {each, ctx};

    table_each(&view->channels, call_with_channel, &call);
}

size_t catalog_channel_count(const catalog_view *view)
{
    return view->channels.count;
}

const catalog_credential *catalog_try_credential(const catalog_view *view,
                                                 lp_span id, lp_span password,
                                                 catalog_check *check)
{
    return credential_check(view->credentials, view->keeper, id, password,
                            check);
}

const catalog_credential *catalog_try_secret(const catalog_view *view,
                                             lp_span secret,
                                             catalog_check *check)
{
    return credential_check_secret(view->credentials, view->keeper, secret,
                                   check);
}

const catalog_credential *catalog_check_credential(const catalog_view *view,
                                                   lp_span id, lp_span password)
{
    catalog_check check = {.may_pay = true};

    return catalog_try_credential(view, id, password, &check);
}

const catalog_credential *catalog_check_secret(const catalog_view *view,
                                               lp_span secret)
{
    catalog_check check = {.may_pay = true};

    return catalog_try_secret(view, secret, &check);
}

const catalog_credential *catalog_check_key(const catalog_view *view,
                                            lp_span text)
{
    return credential_check_key(view->credentials, view->keeper, text);
}

size_t catalog_credential_count(const catalog_view *view)
{
    return credential_list_count(view->credentials);
}

const catalog_credential *catalog_find_credential(const catalog_view *view,
                                                  lp_span id)
{
    return credential_list_find(view->credentials, id);
}

const catalog_credential *catalog_credential_at(const catalog_view *view,
                                                size_t index)
{
    return credential_list_at(view->credentials, index);
}
