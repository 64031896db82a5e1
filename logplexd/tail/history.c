#include "tail/history.h"

static lp_seq next_seq(lp_channel *ring)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(ring, &stats);
    return stats.next_seq;
}

lp_seq history_floor(lp_channel *ring, int64_t since_ns)
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

void history_start(lp_channel *ring, int64_t since_ns, uint64_t num_lines,
                   lp_cursor_options *opt)
{
    lp_seq floor = history_floor(ring, since_ns);

    opt->start_arg = num_lines;
    if (num_lines == 0) {
        opt->start = LP_START_NEWEST;
    } else if (floor == 0 || next_seq(ring) - floor >= num_lines) {
        opt->start = LP_START_LAST;
    } else {
        opt->start = LP_START_SEQ;
        opt->start_arg = floor;
        opt->start_epoch = lp_channel_epoch(ring);
    }
}
