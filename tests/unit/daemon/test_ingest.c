/* test_ingest.c - what a batch tells the homes of those who follow its lines. */
#include "catalog_fixture.h"
#include "ingest/ingest.h"

enum { WAKE_BYTES = 64 * 1024, LINES = 40, BAD_FRAMES = 200, WORKERS = 2 };

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ingest_holds_when_nobody_reads, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_rejected_makes_nobody_late,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
