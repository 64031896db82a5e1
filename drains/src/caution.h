/*
 * caution.h - how much to send to a syslog sink that may hang.
 *
 * Nobody answers a syslog sender. What the peer's kernel has acknowledged counts
 * as delivered; if the process behind it hangs, its kernel takes a buffer full
 * all the same, megabytes of it, at each new connection. So after a failure only
 * a little is sent on the next one, and more as there are signs that somebody
 * reads.
 *
 * What our kernel can tell of that:
 *
 *   SIOCOUTQ, tcpi_notsent_bytes, tcpi_bytes_acked
 *                        how far the peer's kernel is; nothing of its process
 *   tcpi_rwnd_limited    that the peer's buffer was full: then it is too late
 *   tcpi_snd_wnd         the room that is left in it, by the last segment that
 *                        came. A kernel says so when it acknowledges something,
 *                        and not when its process reads a little
 *
 * So we look at the right edge of the window. It never goes back, and goes on
 * by what is read:
 *
 *     acknowledged           edge = acknowledged + room
 *     ----|--------------------|      nothing is read: the edge stays, while
 *     --------|----------------|      what is acknowledged goes on
 *     --------|--------------------|  it is read: both go on
 *
 * An acknowledgement is sent before what it is for can have been read. So when
 * all we dared to send has arrived, and a while later, a few bytes more are sent,
 * a *nudge*, and its acknowledgement tells what became of the rest. If the edge
 * went on by half as much as was acknowledged, twice as much may follow. (It is
 * by half because a kernel counts its own overhead into the buffer and takes it
 * back later; one that hangs moves it by less.)
 *
 * It can be wrong, and then it is wrong by little. Room that the kernel did not
 * offer at first, and a buffer that it makes larger, look as if something had
 * been read: as each step is only as large as all before it, a sink that hangs
 * gets about twice that room, some KiB with the buffers that hosts come with.
 * A proxy in between that reads while its sink hangs looks like a sink that
 * reads; nobody could tell. Where the kernel does not tell tcpi_snd_wnd (Linux
 * before 5.4), only the pace is left.
 */
#ifndef LP_CAUTION_H
#define LP_CAUTION_H

#include <stdbool.h>
#include <stdint.h>

#include "window.h"

enum {
    LPI_CAUTION_FIRST_BYTES = 4096,
    /* Fewer than 128, so that Linux does not offer more room for them. */
    LPI_CAUTION_NUDGE_BYTES = 96,
    /* Behind so many it is trusted. */
    LPI_CAUTION_LAST_BYTES = 512 * 1024,
    LPI_CAUTION_WAIT_MS = 50 /* between nudges, and twice as long each time */
};

typedef struct lpi_caution {
    bool is_on;
    bool is_stuck;          /* what is allowed has arrived; since: */
    uint64_t stuck_ms;      /* ... on the loop's clock             */
    uint64_t allowed_bytes; /* to be written, from the beginning   */
    uint64_t step_bytes;    /* of these, without nudges            */
    lpi_window step;        /* when the step began                 */
    bool is_nudged;
    uint64_t nudge_ms, wait_ms; /* when the next nudge may go */
} lpi_caution;

void lpi_caution_begin(lpi_caution *c, const lpi_window *now);

/* All that was allowed has arrived, and there is more to send. Returns whether
 * more may be sent by now. */
bool lpi_caution_look(lpi_caution *c, uint64_t now_ms, const lpi_window *now);

#endif /* LP_CAUTION_H */
