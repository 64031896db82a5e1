#include "ingest/hold.h"

#include <stdlib.h>

typedef TAILQ_HEAD(hold_list, hold_wait) hold_list;

struct holds {
    worker *home;
    uv_timer_t timer; /* active while somebody waits */
    hold_list list;
};

/* Whoever goes on may be the cause that ingest holds again: then the others
 * wait on. */
static void let_go(struct holds *holds, bool is_end)
{
    while (!TAILQ_EMPTY(&holds->list)) {
        hold_wait *wait = TAILQ_FIRST(&holds->list);

        if (!is_end && pace_is_held(holds->home->shared->pace))
            return;
        hold_cancel(holds->home, wait);
        wait->go_on(wait);
    }
    uv_timer_stop(&holds->timer);
}

static void on_look(uv_timer_t *timer)
{
    struct holds *holds = timer->data;

    if (!pace_is_held_still(holds->home->shared->pace))
        let_go(holds, false);
}

bool hold_open(worker *w)
{
    struct holds *holds;

    if (!w->shared->pace)
        return true; // nobody has to be waited for
    holds = calloc(1, sizeof(*holds));
    if (!holds)
        return false;
    holds->home = w;
    TAILQ_INIT(&holds->list);
    uv_timer_init(&w->loop, &holds->timer);
    holds->timer.data = holds;
    w->holds = holds;
    return true;
}

void hold_until_over(worker *w, hold_wait *wait)
{
    struct holds *holds = w->holds;

    if (wait->is_waiting)
        return;
    wait->is_waiting = true;
    TAILQ_INSERT_TAIL(&holds->list, wait, entry);
    if (!uv_is_active((uv_handle_t *)&holds->timer))
        uv_timer_start(&holds->timer, on_look, PACE_LOOK_MS, PACE_LOOK_MS);
}

void hold_cancel(worker *w, hold_wait *wait)
{
    if (!wait->is_waiting)
        return;
    wait->is_waiting = false;
    TAILQ_REMOVE(&w->holds->list, wait, entry);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void hold_close(worker *w)
{
    struct holds *holds = w->holds;

    if (!holds)
        return;
    pace_let_go(w->shared->pace);
    let_go(holds, true);
    w->holds = NULL;
    uv_close((uv_handle_t *)&holds->timer, on_closed);
}
