/* caution.c - see caution.h. */
#include "caution.h"

#include <string.h>

static void begin_step(lpi_caution *c, uint64_t step_bytes,
                       const lpi_window *now)
{
    c->step = *now;
    c->step_bytes = step_bytes;
    c->allowed_bytes += step_bytes;
    c->is_stuck = false;
    c->is_nudged = false;
}

void lpi_caution_begin(lpi_caution *c, const lpi_window *now)
{
    memset(c, 0, sizeof(*c));
    c->is_on = true;
    begin_step(c, LPI_CAUTION_FIRST_BYTES, now);
}

static bool is_read(const lpi_caution *c, const lpi_window *now)
{
    uint64_t acknowledged =
        now->acknowledged_bytes - c->step.acknowledged_bytes;
    uint64_t opened = now->edge_bytes - c->step.edge_bytes;

    return c->is_nudged && opened >= acknowledged / 2;
}

static void nudge(lpi_caution *c, uint64_t now_ms)
{
    c->is_nudged = true;
    c->allowed_bytes += LPI_CAUTION_NUDGE_BYTES;
    c->nudge_ms = now_ms + c->wait_ms;
    c->wait_ms *= 2;
}

bool lpi_caution_look(lpi_caution *c, uint64_t now_ms, const lpi_window *now)
{
    if (!c->is_stuck) {
        c->is_stuck = true;
        c->stuck_ms = now_ms;
        c->nudge_ms = now_ms;
        c->wait_ms = LPI_CAUTION_WAIT_MS;
    }
    if (is_read(c, now)) {
        c->is_on = c->step_bytes < LPI_CAUTION_LAST_BYTES;
        begin_step(c, c->allowed_bytes, now);
        return true;
    }
    if (now_ms < c->nudge_ms)
        return false;
    nudge(c, now_ms);
    return true;
}
