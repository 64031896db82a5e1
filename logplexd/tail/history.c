#include "tail/history.h"

history_bounds history_bounds_of(const daemon_shared *shared)
{
    return (history_bounds){.since_ns =
                                switches_history_since(&shared->switches),
                            .lines_max = (uint64_t)shared->cfg->history_lines +
                                         shared->cfg->num_extra_lines};
}

static lp_seq next_seq(lp_channel *ring)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(ring, &stats);
    return stats.next_seq;
}

/* The first line that arrived at a time or later. */
static lp_seq seq_since(lp_channel *ring, int64_t since_ns)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;
    lp_cursor *cursor;

    if (since_ns == 0)
        return 0;
    opt.start = LP_START_TIME;
    opt.start_arg = (uint64_t)since_ns;
    opt.stop = LP_STOP_NOW;
    if (lp_cursor_open(ring, &opt, &cursor) != LP_OK)
        return next_seq(ring);
    lp_cursor_stats_get(cursor, &stats);
    lp_cursor_close(cursor);
    return stats.next_seq;
}

lp_seq history_floor(lp_channel *ring, const history_bounds *bounds)
{
    lp_seq floor = seq_since(ring, bounds->since_ns);
    lp_seq next = next_seq(ring);

    if (bounds->lines_max == 0 || next - floor <= bounds->lines_max)
        return floor;
    return next - bounds->lines_max;
}

void history_start(lp_channel *ring, const history_bounds *bounds,
                   uint64_t num_lines, lp_cursor_options *opt)
{
    lp_seq floor = history_floor(ring, bounds);
    uint64_t above = next_seq(ring) - floor;

    // By their number, as the oldest may go meanwhile: that is no loss of a
    // reader who has not begun.
    opt->start_arg = num_lines < above ? num_lines : above;
    opt->start = opt->start_arg > 0 ? LP_START_LAST : LP_START_NEWEST;
}
