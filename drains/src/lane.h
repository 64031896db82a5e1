/*
 * lane.h - drains of a channel, side by side.
 *
 * Those that have much to send take turns, a batch each (on_check() in drain_set.c),
 * and who is further than another one that could go on waits for it. So they come
 * to send the same lines one after the other, while these are in the caches, and
 * as they were rendered once (sheet.h). Nobody waits for one whose sink takes
 * nothing: it does not come to its turn. Nor for one that is further behind than
 * LPI_LANE_LINES, as after an outage.
 *
 *     round 1   a: 300  b: 100  c: 100      a waits
 *     round 2   a: 300  b: 200  c: its sink is slow
 *     round 3   a: 300  b: 300              none waits
 */
#ifndef LP_LANE_H
#define LP_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "logplex/logplex.h"

enum { LPI_LANES = 256, LPI_LANE_LINES = 64 * 1024 };

/* Of one channel; another one may take its place, and then none waits for a
 * round. */
typedef struct lpi_lane {
    const lp_channel *channel;
    uint64_t round;
    lp_seq last_seq; /* of those that come in this round, ... */
    lp_seq next_seq; /* ... and in the next one               */
} lpi_lane;

typedef struct lpi_lanes {
    uint64_t round;
    lpi_lane at[LPI_LANES];
} lpi_lanes;

/* A reader of the channel that is at seq has its turn: is another one behind it? */
bool lpi_lanes_is_ahead(lpi_lanes *lanes, const lp_channel *channel,
                        lp_seq seq);

/* And it comes to the next one. */
void lpi_lanes_come(lpi_lanes *lanes, const lp_channel *channel, lp_seq seq);

#endif /* LP_LANE_H */
