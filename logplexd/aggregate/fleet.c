#include "aggregate/fleet.h"

#include <stdlib.h>
#include <string.h>

enum { FORGET_S = 3 };

const char *const fleet_sort_names[FLEET_SORTS] = {
    "hurt", "requests", "errors", "p95", "loss", "memory", "lines", "name"};

struct fleet_list {
    _Atomic uint32_t refs;
    int64_t second;
    int64_t now_ns;
    catalog_view *view; /* held */
    fleet_totals totals;
    size_t count;
    size_t room;
    uv_mutex_t lock; /* over orders, each of which is made when it is wanted */
    const fleet_row **orders[FLEET_SORTS];
    fleet_row rows[];
};

struct fleet {
    uv_mutex_t lock; /* held while a list is made: others want that one */
    fleet_list *list;
};

/* Rows -------------------------------------------------------------------- */

static double hurt_of(const fleet_row *row)
{
    double hurt = 0.0;
    double lost = (double)row->lost_lines;

    if (row->lost_lines > 0)
        hurt += 1000.0 * (1.0 + lost / (lost + (double)row->lines));
    hurt += 100.0 * (double)row->failed / ((double)row->requests + 20.0);
    hurt += 10.0 * (double)row->errors / ((double)row->errors + 20.0);
    if (row->memory_share > 0.8)
        hurt += 5.0 * (row->memory_share - 0.8);
    return hurt + (row->p95_ms < 30000.0 ? row->p95_ms / 30000.0 : 1.0);
}

static void read_brief(fleet_row *row, const lp_aggregate_brief *brief)
{
    row->lines = brief->lines;
    row->requests = brief->requests;
    row->failed = brief->failed;
    row->errors = brief->errors;
    row->lost_lines = brief->lost_lines;
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
}

static bool add_channel(const catalog_channel *channel, void *ctx)
{
    fleet_list *list = ctx;
    fleet_row *row = &list->rows[list->count++];
    aggregator *who = aggregator_of(channel);
    lp_aggregate_brief brief;

    memset(row, 0, sizeof(*row));
    row->channel = channel;
    if (who && aggregator_brief(who, list->now_ns, &brief))
        read_brief(row, &brief);
    add_totals(&list->totals, row);
    return list->count < list->room;
}

/* Lists ------------------------------------------------------------------- */

static fleet_list *make_list(const catalog_view *view, int64_t now_ns)
{
    size_t room = catalog_channel_count(view);
    fleet_list *list =
        malloc(sizeof(*list) + (room + 1) * sizeof(list->rows[0]));

    if (!list)
        return NULL;
    memset(list, 0, sizeof(*list));
    atomic_init(&list->refs, 1);
    uv_mutex_init(&list->lock);
    list->second = now_ns / 1000000000;
    list->now_ns = now_ns;
    list->view = catalog_view_ref(view);
    list->room = room;
    if (room > 0)
        catalog_each_channel(view, add_channel, list);
    return list;
}

void fleet_release(fleet_list *list)
{
    if (!list || atomic_fetch_sub(&list->refs, 1) != 1)
        return;
    for (unsigned i = 0; i < FLEET_SORTS; i++)
        free((void *)list->orders[i]);
    catalog_view_unref(list->view);
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

fleet_list *fleet_take(fleet *f, const catalog_view *view, int64_t now_ns)
{
    fleet_list *list;

    uv_mutex_lock(&f->lock);
    if (!f->list || f->list->second < now_ns / 1000000000) {
        fleet_release(f->list);
        f->list = make_list(view, now_ns);
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
    return list->count;
}

const fleet_totals *fleet_totals_of(const fleet_list *list)
{
    return &list->totals;
}

/* Orders ------------------------------------------------------------------ */

static int by_id(const fleet_row *left, const fleet_row *right)
{
    lp_span a = left->channel->id;
    lp_span b = right->channel->id;
    int order = memcmp(a.ptr, b.ptr,
                       a.len_bytes < b.len_bytes ? a.len_bytes : b.len_bytes);

    if (order != 0 || a.len_bytes == b.len_bytes)
        return order;
    return a.len_bytes < b.len_bytes ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
    return by_id(*(const fleet_row *const *)a, *(const fleet_row *const *)b);
}

/* The greatest first. */
#define ORDER_BY(member)                                                  \
    static int by_##member(const void *a, const void *b)                  \
    {                                                                     \
        const fleet_row *left = *(const fleet_row *const *)a;             \
        const fleet_row *right = *(const fleet_row *const *)b;            \
                                                                          \
        if (left->member > right->member || left->member < right->member) \
            return left->member > right->member ? -1 : 1;                 \
        return by_id(left, right);                                        \
    }

ORDER_BY(hurt)
ORDER_BY(requests)
ORDER_BY(errors)
ORDER_BY(p95_ms)
ORDER_BY(lost_lines)
ORDER_BY(memory_share)
ORDER_BY(lines)

static const fleet_row **make_order(const fleet_list *list, fleet_sort sort)
{
    static int (*const orders[FLEET_SORTS])(const void *, const void *) = {
        [FLEET_HURT] = by_hurt,       [FLEET_REQUESTS] = by_requests,
        [FLEET_ERRORS] = by_errors,   [FLEET_P95] = by_p95_ms,
        [FLEET_LOSS] = by_lost_lines, [FLEET_MEMORY] = by_memory_share,
        [FLEET_LINES] = by_lines,     [FLEET_NAME] = by_name,
    };
    const fleet_row **order = calloc(list->count + 1, sizeof(*order));

    if (!order)
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        order[i] = &list->rows[i];
    if (list->count > 0)
        qsort((void *)order, list->count, sizeof(*order), orders[sort]);
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
