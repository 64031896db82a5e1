#include "aggregate/fleet.h"

#include <stdlib.h>
#include <string.h>

enum { FORGET_S = 3 };

const char *const fleet_sort_names[FLEET_SORTS] = {
    "hurt", "requests", "failed", "errors", "p95",
    "loss", "memory",   "lines",  "name"};

/* All channels of a view, by id. Made anew only when the catalog has changed. */
typedef struct names {
    _Atomic uint32_t refs;
    catalog_view *view; /* held */
    size_t count;
    size_t room;
    const catalog_channel *at[];
} names;

/* Rows lie in the order of names. */
struct fleet_list {
    _Atomic uint32_t refs;
    int64_t second;
    names *names; /* held */
    fleet_totals totals;
    uv_mutex_t lock; /* over orders, each of which is made when it is wanted */
    const fleet_row **orders[FLEET_SORTS];
    fleet_row rows[];
};

struct fleet {
    uv_mutex_t lock; /* held while a list is made: others want that one */
    fleet_list *list;
};

/* Names ------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    return lp_span_compare((*(const catalog_channel *const *)a)->id,
                           (*(const catalog_channel *const *)b)->id);
}

static bool add_name(const catalog_channel *channel, void *ctx)
{
    names *all = ctx;

    all->at[all->count++] = channel;
    return all->count < all->room;
}

static names *make_names(const catalog_view *view)
{
    size_t room = catalog_channel_count(view);
    names *all = malloc(sizeof(*all) + (room + 1) * sizeof(all->at[0]));

    if (!all)
        return NULL;
    atomic_init(&all->refs, 1);
    all->view = catalog_view_ref(view);
    all->count = 0;
    all->room = room;
    if (room > 0) {
        catalog_each_channel(view, add_name, all);
        qsort((void *)all->at, all->count, sizeof(all->at[0]), by_id);
    }
    return all;
}

static void release_names(names *all)
{
    if (!all || atomic_fetch_sub(&all->refs, 1) != 1)
        return;
    catalog_view_unref(all->view);
    free(all);
}

/* Those of the last list, if they are still right; with a hold. */
static names *names_for(const fleet_list *last, const catalog_view *view)
{
    if (!last ||
        catalog_view_version(last->names->view) != catalog_view_version(view))
        return make_names(view);
    atomic_fetch_add(&last->names->refs, 1);
    return last->names;
}

/* Rows -------------------------------------------------------------------- */

static double hurt_of(const fleet_row *row)
{
    double hurt = 0.0;
    double lost = (double)row->lost_lines;

    if (row->lost_lines > 0)
        hurt += 1000.0 * (1.0 + lost / (lost + (double)row->lines));
    hurt += 100.0 * (double)row->failed / ((double)row->requests + 20.0);
    if (row->uncounted.all.lines > 0 || row->held_lines > 0)
        hurt += 50.0;
    hurt += 10.0 * (double)row->errors / ((double)row->errors + 20.0);
    if (row->memory_share > 0.8)
        hurt += 5.0 * (row->memory_share - 0.8);
    return hurt + (row->p95_ms < 30000.0 ? row->p95_ms / 30000.0 : 1.0);
}

static void read_brief(fleet_row *row, const lp_aggregate_brief *brief,
                       const aggregator_uncounted *left_out)
{
    row->uncounted = *left_out;
    row->lines = brief->lines;
    row->requests = brief->requests;
    row->failed = brief->failed;
    row->errors = brief->errors;
    row->lost_lines = brief->lost_lines;
    row->held_lines = brief->held_lines;
    row->p95_ms = brief->p95_ms;
    row->memory_share = brief->memory_share;
    memcpy(row->top_code, brief->top_code, sizeof(row->top_code));
    row->hurt = hurt_of(row);
}

static void add_totals(fleet_totals *to, const fleet_row *row)
{
    to->active += row->lines > 0;
    to->lines += row->lines;
    to->requests += row->requests;
    to->failed += row->failed;
    to->errors += row->errors;
    to->lost_lines += row->lost_lines;
    to->uncounted_channels += row->uncounted.all.lines > 0;
    to->uncounted_lines += row->uncounted.all.lines;
}

static void make_row(fleet_list *list, fleet_row *row, int64_t now_ns)
{
    aggregator *who = aggregator_of(row->channel);
    aggregator_uncounted left_out;
    lp_aggregate_brief brief;

    if (who && aggregator_brief(who, now_ns, &brief, &left_out))
        read_brief(row, &brief, &left_out);
    add_totals(&list->totals, row);
}

/* Lists ------------------------------------------------------------------- */

/* Takes over the hold on all. */
static fleet_list *make_list(names *all, int64_t now_ns)
{
    size_t bytes = sizeof(fleet_list) + (all->count + 1) * sizeof(fleet_row);
    fleet_list *list = calloc(1, bytes);

    if (!list) {
        release_names(all);
        return NULL;
    }
    atomic_init(&list->refs, 1);
    uv_mutex_init(&list->lock);
    list->second = now_ns / 1000000000;
    list->names = all;
    for (size_t i = 0; i < all->count; i++) {
        list->rows[i].channel = all->at[i];
        make_row(list, &list->rows[i], now_ns);
    }
    return list;
}

void fleet_release(fleet_list *list)
{
    if (!list || atomic_fetch_sub(&list->refs, 1) != 1)
        return;
    for (unsigned i = 0; i < FLEET_SORTS; i++)
        free((void *)list->orders[i]);
    release_names(list->names);
    uv_mutex_destroy(&list->lock);
    free(list);
}

fleet *fleet_create(void)
{
    fleet *f = calloc(1, sizeof(*f));

    if (f)
        uv_mutex_init(&f->lock);
    return f;
}

void fleet_destroy(fleet *f)
{
    if (!f)
        return;
    fleet_release(f->list);
    uv_mutex_destroy(&f->lock);
    free(f);
}

static bool is_of(const fleet_list *list, int64_t second)
{
    return list && list->second >= second &&
           !aggregator_is_ahead(list->second, second);
}

fleet_list *fleet_take(fleet *f, const catalog_view *view, int64_t now_ns)
{
    fleet_list *list;

    uv_mutex_lock(&f->lock);
    if (!is_of(f->list, now_ns / 1000000000)) {
        names *all = names_for(f->list, view);

        fleet_release(f->list);
        f->list = all ? make_list(all, now_ns) : NULL;
    }
    list = f->list;
    if (list)
        atomic_fetch_add(&list->refs, 1);
    uv_mutex_unlock(&f->lock);
    return list;
}

void fleet_forget(fleet *f, int64_t now_ns)
{
    fleet_list *old = NULL;

    if (uv_mutex_trylock(&f->lock) != 0)
        return; // somebody asks for it
    if (f->list && f->list->second + FORGET_S < now_ns / 1000000000) {
        old = f->list;
        f->list = NULL;
    }
    uv_mutex_unlock(&f->lock);
    fleet_release(old);
}

size_t fleet_count(const fleet_list *list)
{
    return list->names->count;
}

const fleet_totals *fleet_totals_of(const fleet_list *list)
{
    return &list->totals;
}

/* Orders ------------------------------------------------------------------ */

/* The greatest goes first; 0 is most of them, and needs no sorting. */
static double key_of(const fleet_row *row, fleet_sort sort)
{
    switch (sort) {
    case FLEET_HURT:
        return row->hurt;
    case FLEET_REQUESTS:
        return (double)row->requests;
    case FLEET_FAILED:
        return row->requests == 0 ? 0.0
                                  : (double)row->failed / (double)row->requests;
    case FLEET_ERRORS:
        return (double)row->errors;
    case FLEET_P95:
        return row->p95_ms;
    case FLEET_LOSS:
        return (double)row->lost_lines;
    case FLEET_MEMORY:
        return row->memory_share;
    case FLEET_LINES:
        return (double)row->lines;
    case FLEET_NAME:
    case FLEET_SORTS:
        break;
    }
    return 0.0;
}

typedef struct keyed {
    double key;
    const fleet_row *row;
} keyed;

/* Equal ones stay in the order of names, as they lie. */
static int by_key(const void *a, const void *b)
{
    const keyed *left = a;
    const keyed *right = b;

    if (left->key > right->key || left->key < right->key)
        return left->key > right->key ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

static const fleet_row **make_order(const fleet_list *list, fleet_sort sort)
{
    size_t count = list->names->count;
    const fleet_row **order = calloc(count + 1, sizeof(*order));
    keyed *some = malloc((count + 1) * sizeof(*some));
    size_t some_count = 0;
    size_t at = 0;

    for (size_t i = 0; order && some && i < count; i++) {
        double key = key_of(&list->rows[i], sort);

        if (key > 0.0)
            some[some_count++] = (keyed){key, &list->rows[i]};
    }
    if (order && some) {
        qsort(some, some_count, sizeof(*some), by_key);
        while (at < some_count) {
            order[at] = some[at].row;
            at++;
        }
        for (size_t i = 0; i < count; i++)
            if (!(key_of(&list->rows[i], sort) > 0.0))
                order[at++] = &list->rows[i];
    } else {
        free((void *)order);
        order = NULL;
    }
    free(some);
    return order;
}

const fleet_row *const *fleet_order(fleet_list *list, fleet_sort sort)
{
    const fleet_row **order;

    uv_mutex_lock(&list->lock);
    if (!list->orders[sort])
        list->orders[sort] = make_order(list, sort);
    order = list->orders[sort];
    uv_mutex_unlock(&list->lock);
    return order;
}
