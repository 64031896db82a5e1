/* test_ingest.c - where the lines of a batch go, and what it tells the homes of
 * those who follow them. */
#include "catalog_fixture.h"
#include "ingest/ingest.h"
#include "logplex/render.h"

enum {
    WAKE_BYTES = 64 * 1024,
    LINES = 40, /* more than two batches */
    BAD_FRAMES = 200,
    WORKERS = 2,
    CHANNELS = 7,
    TAKERS = CHANNELS + 1 /* and one that there is not */
};

static char bad[20000]; // of blanks, so no message
static char good[256];
static unsigned woken;

static void wake(void *ctx, unsigned home)
{
    (void)ctx;
    (void)home;
    woken++;
}

typedef struct world {
    config cfg;
    daemon_shared shared;
    worker w; /* of index 1: the home of lines is maybe another one */
    ingest *in;
} world;

static void open_world(world *it)
{
    char token[40];

    memset(it, 0, sizeof *it);
    memset(bad, ' ', sizeof bad);
    woken = 0;
    open_at(NULL);
    make_app(token);
    snprintf(good, sizeof good,
             "<190>1 2026-11-26T05:00:00Z h %s web.1 - - all is well", token);
    it->cfg.workers = WORKERS;
    it->shared.cfg = &it->cfg;
    it->shared.pace = pace_create(WORKERS, WAKE_BYTES, wake, NULL);
    assert_non_null(it->shared.pace);
    it->w.shared = &it->shared;
    it->w.index = 1;
    catalog_reader_init(&it->w.reader, fix.cat);
    it->in = ingest_create(&it->w);
    assert_non_null(it->in);
}

static void close_world(world *it)
{
    ingest_destroy(it->in);
    catalog_reader_fini(&it->w.reader);
    pace_destroy(it->shared.pace);
}

/* Returns how many of them were accepted. */
static uint64_t take(world *it, lp_span frame, unsigned count)
{
    ingest_result result;

    ingest_begin(it->in, LISTENER_HTTP, SECOND);
    for (unsigned i = 0; i < count; i++) {
        ingest_frame(it->in, frame);
    }
    ingest_end(it->in, &result);
    assert_int_equal(result.received_lines, count);
    return result.accepted_lines;
}

static uint64_t behind(const world *it)
{
    return pace_behind(it->shared.pace, 0) + pace_behind(it->shared.pace, 1);
}

static void ingest_holds_when_nobody_reads(void **state)
{
    uint64_t accepted = 0;
    world it;

    (void)state;
    open_world(&it);
    while (!pace_is_held(it.shared.pace) && accepted < 100000) {
        accepted += take(&it, span(good), LINES);
    }
    assert_true(pace_is_held(it.shared.pace));
    assert_int_equal(behind(&it), accepted);
    assert_true(accepted * strlen(good) > (uint64_t)PACE_HOLD * WAKE_BYTES);
    assert_int_equal(it.w.counts.counts[COUNT_INGEST_HOLDS], 1);
    close_world(&it);
}

static void what_is_rejected_makes_nobody_late(void **state)
{
    world it;

    (void)state;
    open_world(&it);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(take(&it, lp_span_of(bad, sizeof bad), BAD_FRAMES), 0);
        assert_int_equal(take(&it, span(good), LINES), LINES);
    }
    assert_int_equal(behind(&it), 4 * LINES);
    assert_int_equal(woken, 0);
    assert_false(pace_is_held(it.shared.pace));
    close_world(&it);
}

/* The tokens of CHANNELS channels, and a reader of each. */
typedef struct takers {
    char tokens[TAKERS][40];
    lp_cursor *cursors[CHANNELS];
} takers;

static void open_takers(takers *of)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    bool is_new;

    memset(of, 0, sizeof *of);
    for (unsigned c = 0; c < CHANNELS; c++) {
        char name[] = {(char)('a' + c), 0};

        assert_int_equal(
            catalog_put_channel(fix.cat, span(name), NULL, 0, &is_new),
            CATALOG_OK);
        assert_int_equal(
            catalog_add_token(fix.cat, span(name), span("web"), of->tokens[c]),
            CATALOG_OK);
        assert_int_equal(
            lp_cursor_open(channel(name)->ring, &opt, &of->cursors[c]), LP_OK);
    }
    snprintf(of->tokens[CHANNELS], sizeof of->tokens[0],
             "t.00000000-0000-0000-0000-000000000000");
}

static void close_takers(takers *of)
{
    for (unsigned c = 0; c < CHANNELS; c++) {
        lp_cursor_close(of->cursors[c]);
    }
}

/* Which of them line n is for: all, in an order that is not theirs, and each two
 * times on end. */
static unsigned taker_of(unsigned n)
{
    return n / 2 * 3 % TAKERS;
}

/* So many lines at once, each of which says its number. */
static void send_lines(world *it, const takers *to, unsigned lines)
{
    static char frames[LINES][128];
    ingest_result result;
    unsigned unknown = 0;

    ingest_begin(it->in, LISTENER_HTTP, SECOND);
    for (unsigned n = 0; n < lines; n++) {
        snprintf(frames[n], sizeof frames[n],
                 "<190>1 2026-11-26T05:00:00Z h %s web.1 - - %u",
                 to->tokens[taker_of(n)], n);
        unknown += taker_of(n) == CHANNELS;
        ingest_frame(it->in, span(frames[n]));
    }
    ingest_end(it->in, &result);
    assert_int_equal(result.received_lines, lines);
    assert_int_equal(result.accepted_lines, lines - unknown);
    assert_int_equal(result.rejected_lines[REJECT_UNKNOWN_TOKEN], unknown);
}

/* Of so many lines, taker c has its own, in the order in which they were sent. */
static void check_lines(const takers *of, unsigned c, unsigned lines)
{
    lp_cursor *cursor = of->cursors[c];
    lp_run run;

    for (unsigned n = 0; n < lines; n++) {
        char number[16];
        lp_record record;

        if (taker_of(n) != c) {
            continue;
        }
        snprintf(number, sizeof number, "%u", n);
        assert_int_equal(lp_cursor_next(cursor, 1, 0, &run), LP_OK);
        record = lp_run_at(&run, 0);
        assert_true(lp_span_equal(lp_record_msg(&record), span(number)));
        lp_run_release(&run);
    }
    assert_int_equal(lp_cursor_next(cursor, 0, 0, &run), LP_E_AGAIN);
}

static void each_channel_gets_its_lines_in_order(void **state)
{
    takers all;
    world it;

    (void)state;
    open_world(&it);
    open_takers(&all);
    for (unsigned lines = 0; lines <= LINES; lines++) {
        send_lines(&it, &all, lines);
        for (unsigned c = 0; c < CHANNELS; c++) {
            check_lines(&all, c, lines);
        }
    }
    close_takers(&all);
    close_world(&it);
}

static void each_home_hears_of_its_own_lines(void **state)
{
    uint64_t lines[WORKERS] = {0};
    takers all;
    world it;

    (void)state;
    open_world(&it);
    open_takers(&all);
    send_lines(&it, &all, LINES);
    for (unsigned n = 0; n < LINES; n++) {
        char name[] = {(char)('a' + taker_of(n)), 0};

        if (taker_of(n) < CHANNELS) {
            lines[pace_home(it.shared.pace, channel(name)->ring)]++;
        }
    }
    for (unsigned home = 0; home < WORKERS; home++) {
        assert_int_equal(pace_behind(it.shared.pace, home), lines[home]);
    }
    close_takers(&all);
    close_world(&it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ingest_holds_when_nobody_reads, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_channel_gets_its_lines_in_order,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_home_hears_of_its_own_lines,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_rejected_makes_nobody_late,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
