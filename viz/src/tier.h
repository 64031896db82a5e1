/*
 * tier.h - when windows are over.
 *
 *      open second --> frames of 1 s --> 10 s --> 1 min
 *           ^               2 min        1 h       24 h
 *         lines
 *
 * Nothing has a timer: each line that belongs to a later second ends those before.
 * What it costs depends on the frames there are, not on the time that passed.
 */
#ifndef LP_TIER_H
#define LP_TIER_H

#include "frame.h"

/* now_s is the second that is open first. */
void lpi_tiers_start(lp_aggregate *aggregate, int64_t now_s);

/* It is now_s: closes what is over; steps back when the clock did. */
void lpi_tiers_advance(lp_aggregate *aggregate, int64_t now_s);

/* Since when windows that are over may lack lines, as memory was refused to end a
 * second, or to merge shorter windows; INT64_MAX: they have all. */
int64_t lpi_tier_lacks_since(const lp_aggregate *aggregate, lp_tier tier);

/* How long a frame of a tier is, and how long it is kept. */
static const uint16_t lpi_tier_width_s[LP_TIERS] = {1, 10, 60};
static const uint32_t lpi_tier_keep_s[LP_TIERS] = {120, 3600, 86400};

#endif /* LP_TIER_H */
