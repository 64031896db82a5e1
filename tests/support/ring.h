/* ring.h - what the tests of the engine have in common. Nothing sleeps. */
#ifndef TESTS_RING_H
#define TESTS_RING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "logplex/logplex.h"

/* Aborts the test with the name of what came instead. */
#define CHECK_ERR(expression, expected) \
    assert_string_equal(lp_errname(expression), lp_errname(expected))
#define CHECK_OK(expression) CHECK_ERR(expression, LP_OK)

static inline lp_engine *ring_engine(uint64_t memory_max_bytes)
{
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;
    lp_engine *engine;

    opt.memory_max_bytes = memory_max_bytes;
    opt.epoch = 1000;
    CHECK_OK(lp_engine_create(&opt, &engine));
    return engine;
}

static inline lp_channel *
ring_channel(lp_engine *engine, uint32_t history_lines, uint64_t bytes_max)
{
    lp_channel_options opt = LP_CHANNEL_OPTIONS_INIT;
    lp_channel *channel;

    opt.history_lines = history_lines;
    opt.bytes_max = bytes_max;
    CHECK_OK(lp_channel_open(engine, &opt, &channel));
    return channel;
}

/* One line, in two parts so that joining is always in play. */
static inline lp_err ring_append(lp_channel *channel, const char *text,
                                 size_t len_bytes, int64_t arrival_ns)
{
    lp_line line;
    size_t half = len_bytes / 2;

    memset(&line, 0, sizeof(line));
    line.arrival_ns = arrival_ns;
    line.part_count = 2;
    line.parts[0] = lp_span_of(text, half);
    line.parts[1] = lp_span_of(text + half, len_bytes - half);
    return lp_channel_append(channel, &line, NULL);
}

enum { RING_TEXT_MIN_BYTES = 32 }; /* room for a line without padding */

/* Line n says "line n" and is filled to width with dots; it arrives at n ns.
 * out has room for width and for 32 bytes. */
static inline size_t ring_text(uint64_t n, size_t width, char *out)
{
    size_t len_bytes =
        (size_t)snprintf(out, 32, "line %llu\n", (unsigned long long)n);

    if (len_bytes < width) {
        memset(out + len_bytes, '.', width - len_bytes);
        len_bytes = width;
    }
    return len_bytes;
}

/* Lines first to last, numbered as their sequence numbers should be. */
static inline void ring_fill(lp_channel *channel, uint64_t first, uint64_t last,
                             size_t width)
{
    static _Thread_local char text[1 << 17];

    for (uint64_t n = first; n <= last; n++) {
        size_t len_bytes = ring_text(n, width, text);

        CHECK_OK(ring_append(channel, text, len_bytes, (int64_t)n));
    }
}

/* Every line of a run says its own number. */
static inline void ring_check_run(const lp_run *run, size_t width)
{
    static _Thread_local char text[1 << 17];
    size_t sum_bytes = 0;

    assert_true(run->line_count > 0);
    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);
        size_t len_bytes = ring_text(record.seq, width, text);

        assert_int_equal(record.seq, run->first_seq + i);
        assert_int_equal(record.arrival_ns, (int64_t)record.seq);
        assert_int_equal(record.bytes.len_bytes, len_bytes);
        assert_memory_equal(record.bytes.ptr, text, len_bytes);
        assert_ptr_equal(record.bytes.ptr, run->bytes.ptr + sum_bytes);
        sum_bytes += len_bytes;
    }
    assert_int_equal(sum_bytes, run->bytes.len_bytes);
}

/* Reads to the end and checks each line; returns lines, adds up the loss. */
static inline uint64_t ring_drain(lp_cursor *cursor, size_t width,
                                  uint64_t *lost, lp_err expected_end)
{
    uint64_t lines = 0;
    lp_run run;
    lp_err err;

    while ((err = lp_cursor_next(cursor, 0, 0, &run)) == LP_OK) {
        ring_check_run(&run, width);
        lines += run.line_count;
        *lost += run.lost_lines;
        lp_run_release(&run);
    }
    CHECK_ERR(err, expected_end);
    *lost += run.lost_lines;
    return lines;
}

static inline lp_channel_stats ring_stats(lp_channel *channel)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(channel, &stats);
    assert_int_equal(stats.appended_lines,
                     stats.resident_lines + stats.evicted_lines);
    assert_int_equal(stats.appended_bytes,
                     stats.resident_bytes + stats.evicted_bytes);
    assert_int_equal(stats.resident_lines, stats.next_seq - stats.oldest_seq);
    return stats;
}

static inline lp_cursor_stats ring_cursor_stats(lp_cursor *cursor)
{
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;

    lp_cursor_stats_get(cursor, &stats);
    assert_int_equal(stats.offered_lines, stats.delivered_lines +
                                              stats.lost_lines +
                                              stats.pending_lines);
    return stats;
}

static inline lp_ledger ring_ledger(lp_engine *engine)
{
    lp_ledger ledger = LP_LEDGER_INIT;

    lp_engine_ledger(engine, &ledger);
    assert_int_equal(ledger.appended_lines,
                     ledger.resident_lines + ledger.evicted_lines);
    assert_true(ledger.memory_bytes <= ledger.memory_max_bytes);
    return ledger;
}

static inline lp_cursor *ring_cursor(lp_channel *channel, lp_start start,
                                     uint64_t arg, lp_stop stop)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;

    opt.start = start;
    opt.start_arg = arg;
    opt.start_epoch = lp_channel_epoch(channel);
    opt.stop = stop;
    CHECK_OK(lp_cursor_open(channel, &opt, &cursor));
    return cursor;
}

#endif /* TESTS_RING_H */
