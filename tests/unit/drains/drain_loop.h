/* drain_loop.h - a loop that turns for a while, and a drain whose account adds
 * up. */
#ifndef TESTS_DRAIN_LOOP_H
#define TESTS_DRAIN_LOOP_H

#include <uv.h>

#include "logplex/drain.h"
#include "ring.h"

static inline void loop_stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static inline void loop_run_for(uv_loop_t *loop, unsigned ms)
{
    uv_timer_t timer;

    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, loop_stop, ms, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

/* Whatever has become of each line, it is in one place. */
static inline lp_drain_status drain_status(lp_drain *drain)
{
    lp_drain_status status = {.struct_bytes = sizeof(status)};

    lp_drain_status_get(drain, &status);
    assert_int_equal(status.offered_lines,
                     status.delivered_lines + status.overflow_lines +
                         status.refused_lines + status.filtered_lines +
                         status.limited_lines + status.pending_lines);
    return status;
}

#endif /* TESTS_DRAIN_LOOP_H */
