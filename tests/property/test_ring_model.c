/*
 * test_ring_model.c - the engine against a model that is too simple to be
 * wrong: random interleavings of append, evict, read, arm, close.
 *
 * The model of a channel is a number: line n exists when n was appended. What
 * the engine may choose for itself (when to evict) is not modelled; it is
 * checked by what must hold whatever it chooses: a reader sees each line once,
 * in order, whole; what it does not see it is told of, to the line; it is woken
 * when there is something; and every account balances at every step.
 *
 * A failure prints its seed: run the program with it to see it again.
 */
#include <stdlib.h>

#include "ring.h"

enum {
    CHANNELS = 4,
    READERS = 12,
    HELD_RUNS = 6,
    STEPS = 4000,
    WIDTH_MAX = 6000
};

typedef struct reader {
    lp_cursor *cursor;
    unsigned channel;
    lp_seq expected; /* the next line or loss begins here */
    lp_seq stop;     /* UINT64_MAX: none                  */
    bool confirms;
    bool has_place; /* to come back to, where place_expected was expected */
    lp_cursor_place place;
    lp_seq place_expected;
    bool is_armed;
    int bell;
} reader;

typedef struct world {
    uint64_t random;
    lp_engine *engine;
    lp_channel *channels[CHANNELS]; /* NULL: closed */
    uint64_t appended[CHANNELS];
    size_t width[CHANNELS];
    uint64_t total_appended, total_delivered, total_lost, total_refused;
    reader readers[READERS];
    lp_run runs[HELD_RUNS];
    size_t run_width[HELD_RUNS];
} world;

static uint64_t draw(world *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % below;
}

static void on_ready(void *ctx)
{
    ((reader *)ctx)->bell++;
}

static void open_channel(world *w, unsigned c)
{
    lp_channel_options opt = LP_CHANNEL_OPTIONS_INIT;

    opt.history_lines = (uint32_t)(1 + draw(w, 300));
    opt.bytes_max = (uint64_t)16384 << draw(w, 5);
    if (lp_channel_open(w->engine, &opt, &w->channels[c]) != LP_OK)
        w->channels[c] = NULL;
    w->appended[c] = 0;
    w->width[c] = 20 + draw(w, draw(w, 4) == 0 ? WIDTH_MAX : 200);
}

/* The bell of everyone armed here has rung exactly once, when it should. */
static void check_bells(world *w, unsigned c, bool has_news)
{
    for (int i = 0; i < READERS; i++) {
        reader *r = &w->readers[i];

        if (r->cursor == NULL || r->channel != c || !r->is_armed)
            continue;
        assert_int_equal(r->bell, has_news ? 1 : 0);
        if (has_news) {
            r->is_armed = false;
            r->bell = 0;
        }
    }
}

static void append_some(world *w, unsigned c)
{
    static char text[64][WIDTH_MAX + 300];
    lp_line lines[64];
    lp_append_result result;
    size_t count = 1 + draw(w, 64);

    if (w->channels[c] == NULL)
        return;
    memset(lines, 0, sizeof(lines));
    for (size_t i = 0; i < count; i++) {
        uint64_t n = w->appended[c] + 1 + i;
        size_t len = ring_text(n, w->width[c], text[i]);
        size_t cut = draw(w, len + 1);

        lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;
        lines[i].arrival_ns = (int64_t)n;
        lines[i].part_count = 2;
        lines[i].parts[0] = lp_span_of(text[i], cut);
        lines[i].parts[1] = lp_span_of(text[i] + cut, len - cut);
        if (draw(w, 3) == 0)
            lines[i].aside[0] = lp_span_of(text[i], draw(w, len + 1));
    }
    lp_channel_append(w->channels[c], lines, &result);
    assert_int_equal(result.accepted_lines + result.refused_lines, count);
    w->appended[c] += result.accepted_lines;
    w->total_appended += result.accepted_lines;
    w->total_refused += result.refused_lines;
    check_bells(w, c, result.accepted_lines > 0);
}

static void open_reader(world *w, reader *r)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    unsigned c = (unsigned)draw(w, CHANNELS);
    lp_channel_stats stats;

    if (r->cursor != NULL || w->channels[c] == NULL)
        return;
    stats = ring_stats(w->channels[c]);
    assert_int_equal(stats.next_seq, w->appended[c] + 1);
    opt.start = (uint32_t)draw(w, 5);
    opt.start_arg = draw(w, w->appended[c] + 3);
    opt.start_epoch = lp_channel_epoch(w->channels[c]);
    opt.stop = (uint32_t)draw(w, 3);
    opt.stop_seq = draw(w, w->appended[c] + 200);
    opt.lag_max_lines = draw(w, 2) * draw(w, 500);
    opt.confirms = (uint32_t)draw(w, 2);
    opt.on_ready = on_ready;
    opt.ready_ctx = r;
    if (lp_cursor_open(w->channels[c], &opt, &r->cursor) != LP_OK) {
        r->cursor = NULL;
        return;
    }
    r->channel = c;
    r->confirms = opt.confirms;
    r->has_place = false;
    r->is_armed = false;
    r->bell = 0;
    r->stop = opt.stop == LP_STOP_NEVER ? UINT64_MAX
              : opt.stop == LP_STOP_NOW ? stats.next_seq
                                        : opt.stop_seq;
    r->expected = ring_cursor_stats(r->cursor).next_seq;
    // To make room for it, old lines may have gone.
    if (opt.start == LP_START_OLDEST)
        assert_int_equal(r->expected, ring_stats(w->channels[c]).oldest_seq);
    if (opt.start == LP_START_NEWEST)
        assert_int_equal(r->expected, stats.next_seq);
    if (opt.start == LP_START_SEQ && opt.start_arg > 0)
        assert_int_equal(r->expected, opt.start_arg < stats.next_seq
                                          ? opt.start_arg
                                          : stats.next_seq);
}

static void close_reader(world *w, reader *r)
{
    lp_cursor_stats stats;

    if (r->cursor == NULL)
        return;
    stats = ring_cursor_stats(r->cursor);
    w->total_delivered += stats.delivered_lines;
    w->total_lost += stats.lost_lines;
    lp_cursor_close(r->cursor);
    r->cursor = NULL;
}

/* Keeps a run for later, and checks and lets go of the one kept before. */
static void keep_run(world *w, const lp_run *run, size_t width)
{
    unsigned i = (unsigned)draw(w, HELD_RUNS);

    if (w->runs[i].segment != NULL)
        ring_check_run(&w->runs[i], w->run_width[i]);
    lp_run_release(&w->runs[i]);
    w->runs[i] = lp_run_share(run);
    w->run_width[i] = width;
}

/* What was read behind a place is read again, or told to be lost by now. */
static void mark_or_rewind(world *w, reader *r)
{
    switch (draw(w, 6)) {
    case 0:
        r->place = lp_cursor_mark(r->cursor);
        r->place_expected = r->expected;
        r->has_place = true;
        if (r->confirms)
            lp_cursor_confirm(r->cursor, r->place.seq);
        break;
    case 1:
        if (!r->has_place)
            break;
        lp_cursor_rewind(r->cursor, &r->place);
        r->expected = r->place_expected;
        break;
    default:
        break;
    }
}

static void read_some(world *w, reader *r)
{
    lp_run run;
    lp_err err;

    if (r->cursor == NULL || r->is_armed)
        return;
    mark_or_rewind(w, r);
    err = lp_cursor_next(r->cursor, (uint32_t)draw(w, 50), draw(w, 5000), &run);
    r->expected += run.lost_lines;
    if (err != LP_OK) {
        // Nothing left: everything up to here was delivered or told as lost.
        lp_seq end = w->appended[r->channel] + 1;

        if (err == LP_E_END)
            assert_true(r->expected >= r->stop);
        else
            assert_int_equal(r->expected, end);
        if (err == LP_E_AGAIN && lp_cursor_arm(r->cursor) == LP_OK)
            r->is_armed = true;
        if (err != LP_E_AGAIN)
            close_reader(w, r);
        return;
    }
    assert_int_equal(run.first_seq, r->expected);
    assert_true(run.first_seq + run.line_count <= r->stop);
    ring_check_run(&run, w->width[r->channel]);
    if (draw(w, 4) == 0) {
        uint32_t used_lines = (uint32_t)draw(w, run.line_count + 1);

        lp_cursor_rest(r->cursor, &run, used_lines);
        r->expected += used_lines;
        return;
    }
    r->expected += run.line_count;
    if (draw(w, 8) == 0)
        keep_run(w, &run, w->width[r->channel]);
    lp_run_release(&run);
}

static void close_channel(world *w, unsigned c)
{
    if (w->channels[c] == NULL)
        return;
    lp_channel_close(w->channels[c]);
    w->channels[c] = NULL;
    check_bells(w, c, true);
}

/* A channel number is used again only when nobody reads its last life. */
static void reopen_channel(world *w, unsigned c)
{
    if (w->channels[c] != NULL)
        return;
    for (int i = 0; i < READERS; i++)
        if (w->readers[i].cursor != NULL && w->readers[i].channel == c)
            return;
    open_channel(w, c);
}

static void check_ledger(world *w)
{
    lp_ledger ledger = ring_ledger(w->engine);
    uint64_t delivered = w->total_delivered, lost = w->total_lost;

    for (int i = 0; i < READERS; i++) {
        lp_cursor_stats stats;

        if (w->readers[i].cursor == NULL)
            continue;
        stats = ring_cursor_stats(w->readers[i].cursor);
        delivered += stats.delivered_lines;
        lost += stats.lost_lines;
    }
    assert_int_equal(ledger.appended_lines, w->total_appended);
    assert_int_equal(ledger.refused_lines, w->total_refused);
    assert_int_equal(ledger.delivered_lines, delivered);
    assert_int_equal(ledger.lost_lines, lost);
}

/* No cursor and no run is left, so all memory is the channels' and their rings'. */
static void check_memory(world *w, uint64_t channel_bytes)
{
    lp_ledger ledger = ring_ledger(w->engine);
    uint64_t held_bytes = 0;

    for (unsigned c = 0; c < CHANNELS; c++)
        if (w->channels[c] != NULL)
            held_bytes += ring_stats(w->channels[c]).held_bytes;
    assert_int_equal(ledger.pinned_bytes, 0);
    assert_int_equal(ledger.memory_bytes - ledger.pooled_bytes,
                     held_bytes + ledger.channels * channel_bytes);
}

static void one_step(world *w)
{
    unsigned c = (unsigned)draw(w, CHANNELS);
    reader *r = &w->readers[draw(w, READERS)];

    switch (draw(w, 16)) {
    case 0:
        open_reader(w, r);
        break;
    case 1:
        if (draw(w, 4) == 0)
            close_reader(w, r);
        break;
    case 2:
        if (draw(w, 20) == 0)
            close_channel(w, c);
        break;
    case 3:
        reopen_channel(w, c);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        append_some(w, c);
        break;
    default:
        read_some(w, r);
        break;
    }
}

static void live_one_life(uint64_t seed)
{
    uint64_t channel_bytes;
    world w;

    memset(&w, 0, sizeof(w));
    w.random = seed * 2654435769u + 88172645463325252u;
    w.engine = ring_engine((uint64_t)128 * 1024 << draw(&w, 4));
    for (unsigned c = 0; c < CHANNELS; c++)
        open_channel(&w, c);
    channel_bytes = ring_ledger(w.engine).memory_bytes / CHANNELS;
    for (int step = 0; step < STEPS; step++) {
        one_step(&w);
        if (step % 64 == 0)
            check_ledger(&w);
    }
    check_ledger(&w);
    for (int i = 0; i < READERS; i++)
        close_reader(&w, &w.readers[i]);
    for (int i = 0; i < HELD_RUNS; i++)
        lp_run_release(&w.runs[i]);
    check_memory(&w, channel_bytes);
    for (unsigned c = 0; c < CHANNELS; c++)
        lp_channel_close(w.channels[c]);
    lp_engine_destroy(w.engine);
}

static uint64_t only_seed;

static void the_engine_agrees_with_the_model(void **state)
{
    (void)state;
    if (only_seed != 0) {
        live_one_life(only_seed);
        return;
    }
    for (uint64_t seed = 1; seed <= 60; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        live_one_life(seed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_agrees_with_the_model),
    };

    if (argc > 1)
        only_seed = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
