/* catalog_drain.c - the drains of a channel: see catalog.h. */
#include "catalog/catalog_impl.h"

#include <string.h>

#include "base/uuid.h"
#include "logplex/drain_url.h"

size_t catalog_count_drains(const catalog_channel *channel)
{
    size_t count = 0;

    for (size_t i = 0; i < channel->drain_count; i++) {
        count += channel->drains[i].url.len_bytes > 0;
    }
    return count;
}

bool catalog_is_same_url(lp_span a, lp_span b)
{
    lp_drain_url left, right;

    return lp_drain_url_parse(a, &left, NULL) == LP_OK &&
           lp_drain_url_parse(b, &right, NULL) == LP_OK &&
           lp_drain_url_equal(&left, &right);
}

static bool has_url(const catalog_channel *channel, lp_span url)
{
    for (size_t i = 0; i < channel->drain_count; i++) {
        if (catalog_is_same_url(channel->drains[i].url, url)) {
            return true;
        }
    }
    return false;
}

/* May a drain with this URL be one more? */
static catalog_err admit(const catalog *cat, const catalog_channel *channel,
                         lp_span url)
{
    size_t count = catalog_count_drains(channel);

    if (url.len_bytes == 0) {
        return channel->drain_count - count < CATALOG_RESERVED_MAX
                   ? CATALOG_OK
                   : CATALOG_TOO_MANY;
    }
    if (count >= cat->drains_max) {
        return CATALOG_TOO_MANY;
    }
    return has_url(channel, url) ? CATALOG_EXISTS : CATALOG_OK;
}

static void set_url(store_drain *drain, lp_span url)
{
    if (url.len_bytes > 0) {
        memcpy(drain->url, url.ptr, url.len_bytes);
    }
    drain->url[url.len_bytes] = '\0';
    drain->url_bytes = (uint32_t)url.len_bytes;
}

static void tell(const store_drain *drain, catalog_drain_made *out)
{
    out->id = drain->id;
    memcpy(out->token, drain->token, sizeof out->token);
}

/* A drain to be, and what it needs. */
typedef struct new_drain {
    lp_span url;
    const catalog_drain_start *start;
    catalog_drain_made *out;
} new_drain;

/* By number and not by time: what the ring can't keep until the drain runs
 * counts as lost. */
static catalog_drain_start from_now_on(const channel_plan *plan)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(plan->parts.ring, &stats);
    return (catalog_drain_start){
        .kind = LP_START_SEQ, .arg = stats.next_seq, .epoch = stats.epoch};
}

static void note_new(catalog *cat, const channel_plan *plan,
                     const store_drain *drain)
{
    cat->new_drain.id = drain->id;
    cat->new_drain.ring = plan->parts.ring;
    cat->new_drain.start = drain->start;
}

static catalog_err plan_add_drain(catalog *cat, channel_plan *plan,
                                  const new_drain *want)
{
    store_drain *to = &plan->parts.drains[plan->parts.drain_count++];

    memcpy(to->token, "d.", 2);
    uuid_random(to->token + 2);
    to->created_ns = wall_clock_ns();
    to->start = want->start ? *want->start : from_now_on(plan);
    set_url(to, want->url);
    if (!store_add_drain(cat->store, plan->parts.id, to)) {
        return CATALOG_FAILED;
    }
    if (want->url.len_bytes > 0) {
        note_new(cat, plan, to);
    }
    tell(to, want->out);
    return CATALOG_OK;
}

static catalog_err add_drain(catalog *cat, const family *was,
                             const new_drain *want, catalog_view **draft)
{
    channel_plan plan;
    catalog_err err = admit(cat, &was->channel, want->url);

    if (err != CATALOG_OK) {
        return err;
    }
    err = plan_of(&plan, was, 0, 1);
    if (err == CATALOG_OK) {
        err = plan_add_drain(cat, &plan, want);
    }
    return plan_end(cat, was, &plan, err, draft);
}

catalog_err catalog_add_drain(catalog *cat, lp_span channel_id, lp_span url,
                              const catalog_drain_start *start,
                              catalog_drain_made *out)
{
    new_drain want = {url, start, out};
    catalog_view *draft = NULL;
    const family *was;
    catalog_err err;

    if (url.len_bytes > CATALOG_URL_MAX_BYTES) {
        return CATALOG_INVALID;
    }
    err = catalog_begin_on(cat, channel_id, &was);
    if (err != CATALOG_OK) {
        return err;
    }
    err = add_drain(cat, was, &want, &draft);
    return catalog_end(cat, err, draft);
}

/* NULL: the channel has no such drain. */
static store_drain *find_drain(channel_plan *plan, uint64_t id)
{
    for (size_t i = 0; i < plan->parts.drain_count; i++) {
        if (plan->parts.drains[i].id == id) {
            return &plan->parts.drains[i];
        }
    }
    return NULL;
}

static catalog_err plan_url(catalog *cat, const family *was, channel_plan *plan,
                            uint64_t id, lp_span url, catalog_drain_made *out)
{
    store_drain *drain = find_drain(plan, id);

    if (!drain) {
        return CATALOG_NOT_FOUND;
    }
    if (has_url(&was->channel, url)) {
        return CATALOG_EXISTS;
    }
    if (drain->url_bytes == 0) { // what came before was nobody's
        drain->start = from_now_on(plan);
        note_new(cat, plan, drain);
    }
    set_url(drain, url);
    tell(drain, out);
    return store_set_drain_url(cat->store, drain) ? CATALOG_OK : CATALOG_FAILED;
}

static catalog_err set_drain(catalog *cat, const family *was, uint64_t id,
                             lp_span url, catalog_drain_made *out,
                             catalog_view **draft)
{
    channel_plan plan;
    catalog_err err = plan_of(&plan, was, 0, 0);

    if (err == CATALOG_OK) {
        err = plan_url(cat, was, &plan, id, url, out);
    }
    return plan_end(cat, was, &plan, err, draft);
}

catalog_err catalog_set_drain(catalog *cat, lp_span channel_id, uint64_t id,
                              lp_span url, catalog_drain_made *out)
{
    catalog_view *draft = NULL;
    const family *was;
    catalog_err err;

    if (url.len_bytes == 0 || url.len_bytes > CATALOG_URL_MAX_BYTES) {
        return CATALOG_INVALID;
    }
    err = catalog_begin_on(cat, channel_id, &was);
    if (err != CATALOG_OK) {
        return err;
    }
    err = set_drain(cat, was, id, url, out, &draft);
    return catalog_end(cat, err, draft);
}

static catalog_err plan_drop_drain(catalog *cat, channel_plan *plan,
                                   uint64_t id)
{
    store_drain *drain = find_drain(plan, id);
    const store_drain *end = plan->parts.drains + plan->parts.drain_count;

    if (!drain) {
        return CATALOG_NOT_FOUND;
    }
    memmove(drain, drain + 1,
            (size_t)((const char *)end - (const char *)(drain + 1)));
    plan->parts.drain_count--;
    return store_delete_drain(cat->store, id) ? CATALOG_OK : CATALOG_FAILED;
}

static catalog_err delete_drain(catalog *cat, const family *was, uint64_t id,
                                catalog_view **draft)
{
    channel_plan plan;
    catalog_err err = plan_of(&plan, was, 0, 0);

    if (err == CATALOG_OK) {
        err = plan_drop_drain(cat, &plan, id);
    }
    return plan_end(cat, was, &plan, err, draft);
}

catalog_err catalog_delete_drain(catalog *cat, lp_span channel_id, uint64_t id)
{
    catalog_view *draft = NULL;
    const family *was;
    catalog_err err = catalog_begin_on(cat, channel_id, &was);

    if (err != CATALOG_OK) {
        return err;
    }
    err = delete_drain(cat, was, id, &draft);
    return catalog_end(cat, err, draft);
}
