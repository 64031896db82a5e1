#include "tail/tail_filter.h"

#include <stdlib.h>

#include "logplex/render.h"

enum { WORD_BITS = 64 };

struct tail_scan {
    lp_cursor *cursor;
    lp_seq first_seq;
    lp_seq stop_seq;
    uint64_t want_lines;
    uint64_t matches[]; /* bit n: line first_seq + n */
};

bool tail_filter_is_open(const tail_filter *filter)
{
    return filter->source.len_bytes == 0 && filter->ps.len_bytes == 0 &&
           !filter->where;
}

bool tail_filter_match(const tail_filter *filter, const lp_record *record)
{
    if (filter->source.len_bytes > 0 &&
        !lp_span_equal(filter->source, lp_record_app(record)))
        return false;
    if (filter->ps.len_bytes > 0 &&
        !lp_procid_begins(lp_record_procid(record), filter->ps))
        return false;
    return !filter->where || lp_filter_match(filter->where, record);
}

lp_err tail_scan_open(lp_channel *ring, uint64_t want_lines, tail_scan **out)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    tail_scan *scan;
    lp_err err;

    lp_channel_stats_get(ring, &stats);
    scan = calloc(1, sizeof(*scan) + (stats.resident_lines / WORD_BITS + 1) *
                                         sizeof(scan->matches[0]));
    if (!scan)
        return LP_E_NOMEM;
    scan->first_seq = stats.oldest_seq;
    scan->stop_seq = stats.next_seq;
    scan->want_lines = want_lines;
    opt.start = LP_START_SEQ;
    opt.start_arg = stats.oldest_seq;
    opt.start_epoch = stats.epoch;
    opt.stop = LP_STOP_SEQ;
    opt.stop_seq = stats.next_seq;
    err = lp_cursor_open(ring, &opt, &scan->cursor);
    if (err != LP_OK) {
        tail_scan_close(scan);
        return err;
    }
    *out = scan;
    return LP_OK;
}

static void mark(tail_scan *scan, const tail_filter *filter, const lp_run *run)
{
    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);
        uint64_t bit = record.seq - scan->first_seq;

        if (tail_filter_match(filter, &record))
            scan->matches[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
    }
}

/* The want_lines-th match from the end, or the first one. */
static lp_seq find_start(const tail_scan *scan)
{
    lp_seq start = scan->stop_seq;
    uint64_t left_lines = scan->want_lines;

    for (lp_seq seq = scan->stop_seq; left_lines > 0 && seq > scan->first_seq;
         seq--) {
        uint64_t bit = seq - 1 - scan->first_seq;

        if (scan->matches[bit / WORD_BITS] >> bit % WORD_BITS & 1) {
            start = seq - 1;
            left_lines--;
        }
    }
    return start;
}

lp_err tail_scan_step(tail_scan *scan, const tail_filter *filter,
                      uint32_t lines_max, lp_seq *start, lp_seq *stop)
{
    while (lines_max > 0) {
        lp_run run;

        // It ends at its stop, or sooner when the channel is closed.
        if (lp_cursor_next(scan->cursor, lines_max, 0, &run) != LP_OK) {
            *start = find_start(scan);
            *stop = scan->stop_seq;
            return LP_OK;
        }
        mark(scan, filter, &run);
        lines_max -= run.line_count;
        lp_run_release(&run);
    }
    return LP_E_AGAIN;
}

void tail_scan_close(tail_scan *scan)
{
    if (!scan)
        return;
    lp_cursor_close(scan->cursor);
    free(scan);
}
