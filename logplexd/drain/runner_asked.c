/* runner_asked.c - what other threads are told of drains, and may ask of them. */
#include <stdlib.h>
#include <string.h>

#include "drain/runner_impl.h"

/* One of them ------------------------------------------------------------- */

bool runner_status(const daemon_shared *shared, uint64_t drain_id,
                   lp_drain_status *out)
{
    const worker *w = shared->workers[drain_id % shared->worker_count];
    struct drain_runner *r = w->drains;
    const running *one;

    if (!r)
        return false;
    uv_mutex_lock(&r->lock);
    one = runner_find(&r->list, drain_id);
    if (one)
        *out = one->status;
    uv_mutex_unlock(&r->lock);
    return one != NULL;
}

static bool let_go(const daemon_shared *shared, uint64_t drain_id,
                   runner_wish wish)
{
    const worker *w = shared->workers[drain_id % shared->worker_count];
    struct drain_runner *r = w->drains;
    running *one;
    bool is_let_go;

    if (!r)
        return false;
    uv_mutex_lock(&r->lock);
    one = runner_find(&r->list, drain_id);
    is_let_go =
        one && (wish == RUNNER_RETRY || one->status.state == LP_DRAIN_PARKED);
    if (is_let_go) {
        if (one->wish < wish)
            one->wish = wish;
        r->has_wishes = true;
    }
    uv_mutex_unlock(&r->lock);
    if (is_let_go)
        waker_post(&r->waker);
    return is_let_go;
}

bool runner_release(const daemon_shared *shared, uint64_t drain_id)
{
    return let_go(shared, drain_id, RUNNER_RELEASE);
}

bool runner_retry(const daemon_shared *shared, uint64_t drain_id)
{
    return let_go(shared, drain_id, RUNNER_RETRY);
}

/* All together ------------------------------------------------------------ */

void runner_add_sums(lp_drain_status *to, const lp_drain_status *from)
{
    to->offered_lines += from->offered_lines;
    to->delivered_lines += from->delivered_lines;
    to->overflow_lines += from->overflow_lines;
    to->refused_lines += from->refused_lines;
    to->filtered_lines += from->filtered_lines;
    to->limited_lines += from->limited_lines;
    to->given_up_lines += from->given_up_lines;
    to->scarce_batches += from->scarce_batches;
    to->pending_lines += from->pending_lines;
    to->batches += from->batches;
    to->retries += from->retries;
    to->failures += from->failures;
    to->sent_bytes += from->sent_bytes;
    to->plain_bytes += from->plain_bytes;
    to->compressions += from->compressions;
    to->compressions_shared += from->compressions_shared;
    for (unsigned i = 0; i < LP_DRAIN_ANSWERS; i++)
        to->answers[i] += from->answers[i];
}

static void add_totals(runner_totals *to, struct drain_runner *r)
{
    uv_mutex_lock(&r->lock);
    runner_add_sums(&to->sums, &r->gone);
    to->sums.pending_lines -= r->gone.pending_lines;
    to->closed_lines += r->gone.pending_lines;
    for (size_t i = 0; i < r->list.count; i++) {
        const lp_drain_status *status = &r->list.at[i].status;

        runner_add_sums(&to->sums, status);
        to->states[status->state]++;
    }
    uv_mutex_unlock(&r->lock);
}

void runner_totals_take(const daemon_shared *shared, runner_totals *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < shared->worker_count; i++) {
        struct drain_runner *r = shared->workers[i]->drains;

        if (r)
            add_totals(out, r);
    }
}

/* Each of them ------------------------------------------------------------ */

typedef struct id_list {
    uint64_t *at; /* NULL: there is no memory */
    size_t count, room;
} id_list;

static size_t count_of(struct drain_runner *r)
{
    size_t count;

    uv_mutex_lock(&r->lock);
    count = r->list.count;
    uv_mutex_unlock(&r->lock);
    return count;
}

static void add_ids(id_list *to, struct drain_runner *r)
{
    uv_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->list.count && to->count < to->room; i++)
        to->at[to->count++] = r->list.at[i].id;
    uv_mutex_unlock(&r->lock);
}

static int order_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static id_list all_ids(const daemon_shared *shared)
{
    id_list ids = {NULL, 0, 0};

    for (unsigned i = 0; i < shared->worker_count; i++)
        if (shared->workers[i]->drains)
            ids.room += count_of(shared->workers[i]->drains);
    ids.at = calloc(ids.room + 1, sizeof(*ids.at));
    for (unsigned i = 0; ids.at && i < shared->worker_count; i++)
        if (shared->workers[i]->drains)
            add_ids(&ids, shared->workers[i]->drains);
    if (ids.at)
        qsort(ids.at, ids.count, sizeof(*ids.at), order_ids);
    return ids;
}

/* Those up to an id, for which there is room: ids are never given twice. */
static void copy_drains(runner_drains *to, struct drain_runner *r,
                        uint64_t last_id, size_t room)
{
    uv_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->list.count && to->count < room; i++) {
        const running *from = &r->list.at[i];
        runner_drain *one = &to->at[to->count];

        if (from->id > last_id)
            break;
        one->id = from->id;
        snprintf(one->channel_id, sizeof(one->channel_id), "%s",
                 from->channel_id);
        one->status = from->status;
        to->count++;
    }
    uv_mutex_unlock(&r->lock);
}

static int order_drains(const void *a, const void *b)
{
    return order_ids(&((const runner_drain *)a)->id,
                     &((const runner_drain *)b)->id);
}

void runner_drains_take(const daemon_shared *shared, size_t count_max,
                        runner_drains *out)
{
    id_list ids = all_ids(shared);
    size_t room = ids.count < count_max ? ids.count : count_max;
    uint64_t last_id = 0;

    *out = (runner_drains){.left_out = ids.room};
    if (ids.at && room > 0) {
        last_id = ids.at[room - 1];
        out->at = malloc(room * sizeof(*out->at));
    }
    if (out->at) {
        for (unsigned i = 0; i < shared->worker_count; i++)
            if (shared->workers[i]->drains)
                copy_drains(out, shared->workers[i]->drains, last_id, room);
        qsort(out->at, out->count, sizeof(*out->at), order_drains);
        out->left_out = ids.count - room;
    }
    free(ids.at);
}

const char *runner_state_name(unsigned state)
{
    static const char *const names[] = {
        [LP_DRAIN_IDLE] = "idle",   [LP_DRAIN_LINGERS] = "lingers",
        [LP_DRAIN_SENDS] = "sends", [LP_DRAIN_QUEUES] = "queues",
        [LP_DRAIN_WAITS] = "waits", [LP_DRAIN_PARKED] = "parked",
        [LP_DRAIN_HELD] = "held",   [LP_DRAIN_CROWDED] = "crowded",
    };

    return names[state];
}
