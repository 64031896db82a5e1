/*
 * test_caution.c - what is sent to a peer whose kernel acknowledges all, by what
 * is read there.
 */
#include "caution.h"
#include "ring.h"

enum { ROOM_BYTES = 65536, LOOK_MS = 50, LOOKS_MAX = 200 };

/* A kernel that has acknowledged all that it was allowed, and a process that
 * reads all of that, but for what has just come, or nothing. */
typedef struct world {
    lpi_caution caution;
    uint64_t now_ms;
    bool reads;
    bool tells_room;
    uint64_t hidden_bytes; /* room that the kernel did not tell of at first */
    uint64_t sent_bytes, read_bytes;
} world;

static lpi_window window_of(const world *w)
{
    lpi_window window = {w->sent_bytes, w->sent_bytes};
    uint64_t edge_bytes = w->read_bytes + ROOM_BYTES;

    if (!w->tells_room)
        return window;
    if (w->sent_bytes > 0) // it tells of it behind the first segment
        edge_bytes += w->hidden_bytes;
    window.edge_bytes = edge_bytes;
    return window;
}

static void begin(world *w, bool reads)
{
    lpi_window window;

    memset(w, 0, sizeof(*w));
    w->reads = reads;
    w->tells_room = true;
    w->now_ms = 1000;
    window = window_of(w);
    lpi_caution_begin(&w->caution, &window);
}

static void look(world *w)
{
    lpi_window window;

    if (w->reads)
        w->read_bytes = w->sent_bytes;
    w->sent_bytes = w->caution.allowed_bytes;
    window = window_of(w);
    w->now_ms += LOOK_MS;
    lpi_caution_look(&w->caution, w->now_ms, &window);
}

/* How many looks it takes until it is trusted. */
static unsigned looks_until_trusted(world *w)
{
    unsigned looks = 0;

    while (w->caution.is_on && looks < LOOKS_MAX) {
        look(w);
        looks++;
    }
    return looks;
}

static void who_reads_is_trusted_within_a_second(void **state)
{
    world w;

    (void)state;
    begin(&w, true);
    assert_int_equal(w.caution.allowed_bytes, LPI_CAUTION_FIRST_BYTES);
    assert_in_range(looks_until_trusted(&w) * LOOK_MS, 1, 1000);
    assert_true(w.caution.allowed_bytes >= LPI_CAUTION_LAST_BYTES);
}

static void who_hangs_gets_a_few_kilobytes_however_long_we_look(void **state)
{
    world w;

    (void)state;
    begin(&w, false);
    assert_int_equal(looks_until_trusted(&w), LOOKS_MAX); // 10 s
    assert_true(w.caution.is_stuck);
    assert_int_equal(w.caution.stuck_ms, 1000 + LOOK_MS);
    assert_in_range(w.sent_bytes, LPI_CAUTION_FIRST_BYTES,
                    LPI_CAUTION_FIRST_BYTES + 10 * LPI_CAUTION_NUDGE_BYTES);
}

static void room_that_was_hidden_is_doubled_and_no_more(void **state)
{
    world w;

    (void)state;
    for (uint64_t hidden = 1000; hidden < 100000; hidden *= 3) {
        begin(&w, false);
        w.hidden_bytes = hidden;
        assert_int_equal(looks_until_trusted(&w), LOOKS_MAX);
        assert_true(w.sent_bytes <
                    2 * hidden + 3 * (uint64_t)LPI_CAUTION_FIRST_BYTES);
    }
}

static void who_reads_again_is_seen_to_do_so_by_a_nudge(void **state)
{
    world w;

    (void)state;
    begin(&w, false);
    for (int i = 0; i < 20; i++)
        look(&w);
    assert_true(w.caution.is_stuck);
    w.reads = true;
    assert_true(looks_until_trusted(&w) < LOOKS_MAX);
}

static void a_kernel_that_tells_nothing_leaves_the_pace(void **state)
{
    world w;

    (void)state;
    begin(&w, false);
    w.tells_room = false;
    w.caution.step = window_of(&w);
    assert_in_range(looks_until_trusted(&w) * LOOK_MS, 500, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_is_trusted_within_a_second),
        cmocka_unit_test(who_hangs_gets_a_few_kilobytes_however_long_we_look),
        cmocka_unit_test(room_that_was_hidden_is_doubled_and_no_more),
        cmocka_unit_test(who_reads_again_is_seen_to_do_so_by_a_nudge),
        cmocka_unit_test(a_kernel_that_tells_nothing_leaves_the_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
