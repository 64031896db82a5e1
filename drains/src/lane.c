/* lane.c - see lane.h. */
#include "lane.h"

#define NONE UINT64_MAX

static lpi_lane *lane_of(lpi_lanes *lanes, const lp_channel *channel)
{
    uint64_t mix = (uint64_t)(uintptr_t)channel * UINT64_C(0x9e3779b97f4a7c15);
    lpi_lane *lane = &lanes->at[(mix >> 32) % LPI_LANES];

    if (lane->channel == channel && lane->round == lanes->round)
        return lane;
    lane->last_seq = lane->channel == channel && lane->round + 1 == lanes->round
                         ? lane->next_seq
                         : NONE;
    lane->next_seq = NONE;
    lane->channel = channel;
    lane->round = lanes->round;
    return lane;
}

bool lpi_lanes_is_ahead(lpi_lanes *lanes, const lp_channel *channel, lp_seq seq)
{
    lp_seq last_seq = lane_of(lanes, channel)->last_seq;

    return seq > last_seq && seq - last_seq <= LPI_LANE_LINES;
}

void lpi_lanes_come(lpi_lanes *lanes, const lp_channel *channel, lp_seq seq)
{
    lpi_lane *lane = lane_of(lanes, channel);

    if (seq < lane->next_seq)
        lane->next_seq = seq;
}
