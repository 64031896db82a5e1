/*
 * test_sieve.c - drains that do not want all lines. Lines, sinks and accidents
 * are random, from a seed that a failure shows; a model knows what should have
 * become of each line.
 */
#include <stdlib.h>

#include <uv.h>

#include "drain_loop.h"
#include "logplex/drain.h"
#include "logplex/render.h"

enum { LINES_MAX = 40000, FLYING_MAX = 4096, FRAMES_MAX = 20000 };

#define SECOND_NS     INT64_C(1000000000)
#define LONG_AFTER_NS INT64_C(1800000000000000000) // every line is due

/* What has been seen of a frame id. */
typedef struct frame {
    char id[LP_DRAIN_FRAME_ID_BYTES + 1];
    uint64_t lines_hash;
} frame;

/* A batch with the sink. */
typedef struct flying {
    uint32_t lines, done;
    uint64_t told;
    lp_seq *seqs;
} flying;

typedef struct world {
    uv_loop_t loop;
    lp_engine *engine;
    lp_channel *channel;
    lp_drains *set;
    lp_drain *drain;
    uint64_t random;
    bool copies;

    lp_seq last_seq;
    int64_t arrival_ns;
    bool wanted[LINES_MAX + 1];
    int64_t arrived[LINES_MAX + 1];

    flying flying[FLYING_MAX]; /* a ring */
    unsigned first_flying, flying_count;
    bool arrived_at_sink[LINES_MAX + 1];
    bool was_refused[LINES_MAX + 1];
    lp_seq last_delivered;
    uint64_t delivered, refused, told;

    frame frames[FRAMES_MAX];
    unsigned frame_count;
} world;

static uint64_t draw(world *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % below;
}

/* The sink ---------------------------------------------------------------- */

static lp_err sink_open(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                        void **out)
{
    (void)drain;
    (void)url;
    (void)token;
    *out = ctx;
    return LP_OK;
}

static void check_frame(world *w, const lp_drain_batch *batch, uint64_t hash)
{
    frame *new_one = &w->frames[w->frame_count];

    for (unsigned i = 0; i < w->frame_count; i++) {
        if (strcmp(w->frames[i].id, batch->frame_id) == 0) {
            assert_int_equal(w->frames[i].lines_hash, hash);
            return;
        }
    }
    assert_true(w->frame_count < FRAMES_MAX);
    w->frame_count++;
    memcpy(new_one->id, batch->frame_id, sizeof(new_one->id));
    new_one->lines_hash = hash;
}

/* A line says its number, and came when that one did. */
static void check_line(const world *w, const lp_record *record)
{
    lp_span msg = lp_record_msg(record);
    char text[32];
    int text_bytes = snprintf(text, sizeof(text), "n=%llu ",
                              (unsigned long long)record->seq);

    assert_true(w->wanted[record->seq]);
    assert_int_equal(record->arrival_ns, w->arrived[record->seq]);
    assert_true(msg.len_bytes >= (size_t)text_bytes);
    assert_memory_equal(msg.ptr, text, (size_t)text_bytes);
}

static bool sink_send(void *ctx, const lp_drain_batch *batch)
{
    world *w = ctx;
    unsigned at = (w->first_flying + w->flying_count++) % FLYING_MAX;
    flying *to = &w->flying[at];
    size_t bytes = 0; /* of the batch */
    uint64_t hash = batch->loss.lines;
    uint32_t n = 0;

    assert_true(w->flying_count <= FLYING_MAX);
    to->lines = batch->line_count;
    to->done = 0;
    to->told = batch->loss.lines;
    to->seqs = malloc(batch->line_count * sizeof(lp_seq));
    assert_non_null(to->seqs);
    for (uint32_t i = 0; i < batch->run_count; i++) {
        const lp_run *run = &batch->runs[i];
        size_t run_bytes = 0;

        for (uint32_t k = 0; k < run->line_count; k++) {
            lp_record record = lp_run_at(run, k);

            check_line(w, &record);
            assert_ptr_equal(record.bytes.ptr, run->bytes.ptr + run_bytes);
            run_bytes += record.bytes.len_bytes;
            to->seqs[n++] = record.seq;
            hash = hash * 31 + record.seq;
        }
        assert_int_equal(run_bytes, run->bytes.len_bytes);
        bytes += run_bytes;
    }
    assert_int_equal(n, batch->line_count);
    assert_int_equal(bytes, batch->bytes);
    assert_int_equal(to->seqs[0], batch->first_seq);
    assert_int_equal(to->seqs[n - 1], batch->last_seq);
    check_frame(w, batch, hash);
    return true;
}

static void sink_close(void *ctx)
{
    (void)ctx;
}

static void drop_first(world *w)
{
    free(w->flying[w->first_flying].seqs);
    w->first_flying = (w->first_flying + 1) % FLYING_MAX;
    w->flying_count--;
}

static void forget_flying(world *w)
{
    while (w->flying_count > 0)
        drop_first(w);
}

/* The next so many lines arrive. */
static void deliver(world *w, uint64_t lines)
{
    uint64_t said = 0;

    while (said < lines && w->flying_count > 0) {
        flying *one = &w->flying[w->first_flying];

        while (said < lines && one->done < one->lines) {
            lp_seq seq = one->seqs[one->done];

            assert_true(seq > w->last_delivered);
            assert_false(w->arrived_at_sink[seq]);
            w->arrived_at_sink[seq] = true;
            w->last_delivered = seq;
            w->told += one->done == 0 ? one->told : 0;
            one->done++;
            said++;
        }
        if (one->done == one->lines)
            drop_first(w);
    }
    w->delivered += said;
    lp_drain_delivered(w->drain, said);
}

static void refuse(world *w)
{
    flying *one = &w->flying[w->first_flying];

    for (uint32_t i = one->done; i < one->lines; i++) {
        assert_true(one->seqs[i] > w->last_delivered);
        w->was_refused[one->seqs[i]] = true;
        w->last_delivered = one->seqs[i];
        w->refused++;
    }
    drop_first(w);
    lp_drain_refuse(w->drain, "no");
}

static void break_off(world *w)
{
    forget_flying(w);
    lp_drain_failed(w->drain, "an accident", 0);
}

/* The lines --------------------------------------------------------------- */

static void append_line(world *w, bool is_wanted)
{
    static char pad[400];
    char text[512];
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = w->arrival_ns};
    lp_syslog parts = {.format = LP_SYSLOG_3164,
                       .pri = 134,
                       .app = is_wanted ? LP_SPAN("app") : LP_SPAN("db"),
                       .procid = LP_SPAN("web.1")};
    int text_bytes;

    assert_true(w->last_seq < LINES_MAX);
    memset(pad, '.', sizeof(pad));
    w->last_seq++;
    text_bytes =
        snprintf(text, sizeof(text), "n=%llu %.*s",
                 (unsigned long long)w->last_seq, (int)draw(w, 200), pad);
    parts.msg = lp_span_of(text, (size_t)text_bytes);
    w->wanted[w->last_seq] = is_wanted;
    w->arrived[w->last_seq] = w->arrival_ns;
    CHECK_OK(lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line));
    CHECK_OK(lp_channel_append(w->channel, &line, NULL));
}

/* One in so many is wanted, which changes now and then. */
static void append_some(world *w)
{
    uint64_t count = draw(w, 100);
    uint64_t one_in = (uint64_t[]){1, 2, 3, 50, 1000}[draw(w, 5)];

    for (uint64_t i = 0; i < count; i++) {
        w->arrival_ns += (int64_t)draw(w, 40000000);
        append_line(w, draw(w, one_in) == 0);
    }
}

/* A life ------------------------------------------------------------------ */

static int64_t long_after(void *ctx)
{
    (void)ctx;
    return LONG_AFTER_NS;
}

static void begin_with(world *w, uint64_t seed, const char *filter,
                       uint32_t rate, uint64_t channel_bytes,
                       lp_drains_options opt)
{
    lp_drain_options how = LP_DRAIN_OPTIONS_INIT;
    lp_drain_protocol protocol = {
        .struct_bytes = sizeof(protocol),
        .answers = true,
        .scheme = "test",
        .ctx = w,
        .open = sink_open,
        .send = sink_send,
        .close = sink_close,
    };

    memset(w, 0, sizeof(*w));
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    w->copies = draw(w, 2) == 0;
    w->arrival_ns = INT64_C(1700000000000000000);
    uv_loop_init(&w->loop);
    w->engine = ring_engine(0);
    w->channel = ring_channel(w->engine, 10, channel_bytes);
    opt.backoff_min_ms = 1;
    opt.backoff_max_ms = 2;
    opt.now_ns = long_after;
    protocol.window = 1 + (uint32_t)draw(w, 5);
    protocol.copies = w->copies;
    CHECK_OK(lp_drains_create(&w->loop, &opt, &w->set));
    CHECK_OK(lp_drains_register(w->set, &protocol));
    protocol.scheme = "http"; // whose URLs have options
    CHECK_OK(lp_drains_register(w->set, &protocol));
    how.filter = lp_span_str(filter);
    how.rate_lines = rate;
    CHECK_OK(lp_drain_open(w->set, w->channel, LP_SPAN("test://a"),
                           LP_SPAN("d.1"), &how, &w->drain));
}

static void begin(world *w, uint64_t seed, const char *filter, uint32_t rate,
                  uint64_t channel_bytes)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    opt.batch_bytes = 2000;
    begin_with(w, seed, filter, rate, channel_bytes, opt);
}

static void end(world *w)
{
    forget_flying(w);
    lp_drains_destroy(w->set);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    lp_channel_close(w->channel);
    assert_int_equal(ring_ledger(w->engine).pinned_bytes, 0);
    lp_engine_destroy(w->engine);
}

static void step(world *w, bool may_refuse)
{
    switch (draw(w, 8)) {
    case 0:
    case 1:
    case 2:
        append_some(w);
        break;
    case 3:
        break_off(w);
        break;
    case 4:
        if (may_refuse && w->flying_count > 0)
            refuse(w);
        break;
    case 5:
        loop_run_for(&w->loop, 1 + (unsigned)draw(w, 3));
        break;
    default:
        if (w->flying_count > 0)
            deliver(w, 1 + draw(w, 30));
    }
    drain_status(w->drain);
}

/* Until nothing is pending. */
static void finish(world *w)
{
    for (int i = 0; i < 20000 && drain_status(w->drain).pending_lines > 0;
         i++) {
        if (w->flying_count > 0)
            deliver(w, UINT64_MAX);
        else
            loop_run_for(&w->loop, 1);
    }
    assert_int_equal(drain_status(w->drain).pending_lines, 0);
}

static uint64_t count_wanted(const world *w)
{
    uint64_t count = 0;

    for (lp_seq seq = 1; seq <= w->last_seq; seq++)
        count += w->wanted[seq];
    return count;
}

static void each_wanted_line_arrives_once_or_is_told(void **state)
{
    static world w;
    uint64_t lost = 0;
    uint64_t refused = 0;
    uint64_t retries = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        lp_drain_status status;

        print_message("seed %llu\n", (unsigned long long)seed);
        begin(&w, seed, "source=app", 0, seed % 2 ? 32 << 10 : 8 << 20);
        for (int i = 0; i < 400 && w.last_seq < LINES_MAX - 1000; i++)
            step(&w, true);
        finish(&w);
        append_line(&w, true); // carries what is still to be told
        finish(&w);
        status = drain_status(w.drain);
        assert_int_equal(status.offered_lines, w.last_seq);
        assert_int_equal(status.delivered_lines, w.delivered);
        assert_int_equal(status.refused_lines, w.refused);
        assert_int_equal(w.told, status.overflow_lines + w.refused);
        assert_int_equal(status.limited_lines, 0);
        if (seed % 2 == 0) { // the channel has room for all
            assert_int_equal(status.overflow_lines, 0);
            assert_int_equal(w.delivered + w.refused, count_wanted(&w));
        }
        lost += status.overflow_lines;
        refused += status.refused_lines;
        retries += status.retries;
        end(&w);
    }
    assert_true(lost > 0 && refused > 0 && retries > 0);
}

/* Spec of the rate: a second's worth at once, and else evenly. */
static void judge_by_model(const world *w, uint32_t rate,
                           bool expected[LINES_MAX + 1])
{
    int64_t gap_ns = SECOND_NS / rate;
    int64_t due_ns = 0;

    for (lp_seq seq = 1; seq <= w->last_seq; seq++) {
        int64_t from_ns = due_ns > w->arrived[seq] ? due_ns : w->arrived[seq];

        expected[seq] =
            w->wanted[seq] && from_ns - w->arrived[seq] <= SECOND_NS - gap_ns;
        if (expected[seq])
            due_ns = from_ns + gap_ns;
    }
}

static void a_rate_lets_the_same_lines_through_whatever_happens(void **state)
{
    static world w;
    static bool expected[LINES_MAX + 1];

    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint32_t rate = 1 + (uint32_t)(seed % 30);
        lp_drain_status status;

        print_message("seed %llu\n", (unsigned long long)seed);
        begin(&w, seed, seed % 3 ? "source=app" : "msg~\"^n=\" source=app",
              rate, 8 << 20);
        for (int i = 0; i < 300 && w.last_seq < LINES_MAX - 1000; i++)
            step(&w, false);
        finish(&w);
        judge_by_model(&w, rate, expected);
        for (lp_seq seq = 1; seq <= w.last_seq; seq++)
            assert_int_equal(w.arrived_at_sink[seq], expected[seq]);
        status = drain_status(w.drain);
        assert_int_equal(status.limited_lines, count_wanted(&w) - w.delivered);
        assert_int_equal(status.filtered_lines, w.last_seq - count_wanted(&w));
        end(&w);
    }
}

static void a_clock_that_is_set_back_stops_no_rate_for_long(void **state)
{
    static world w;

    (void)state;
    begin(&w, 1, "", 10, 8 << 20);
    w.arrival_ns += 3600 * SECOND_NS;
    for (int i = 0; i < 10; i++)
        append_line(&w, true);
    w.arrival_ns -= 3600 * SECOND_NS;
    for (int i = 0; i < 20; i++)
        append_line(&w, true);
    finish(&w);
    assert_int_equal(w.delivered, 20);
    end(&w);
}

static void rare_lines_in_a_flood_are_found(void **state)
{
    static world w;

    (void)state;
    begin(&w, 7, "source=app", 0, 32 << 20);
    for (int i = 0; i < 39000; i++)
        append_line(&w, i % 10000 == 9999);
    finish(&w);
    assert_int_equal(w.delivered, 3);
    assert_int_equal(drain_status(w.drain).filtered_lines, 39000 - 3);
    end(&w);
}

/* Runs are held as a whole, whatever is picked out of them. */
static void a_batch_is_picked_out_of_what_it_may_keep(void **state)
{
    static world w;
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    (void)state;
    opt.batch_bytes = 512 * 1024;
    opt.pinned_max_bytes = 1; // so it is one segment, as there is no other
    begin_with(&w, 7, "source=app", 0, 32 << 20, opt);
    assert_false(w.copies);
    for (int i = 0; i < 10000; i++)
        append_line(&w, i % 100 == 0);
    for (int i = 0; i < 1000 && w.flying_count == 0; i++)
        loop_run_for(&w.loop, 1);
    assert_in_range(w.flying[w.first_flying].lines, 1, 50); // not all 100
    assert_in_range(ring_ledger(w.engine).kept_bytes, 4096, 256 << 10);
    finish(&w);
    assert_int_equal(ring_ledger(w.engine).kept_bytes, 0);
    assert_int_equal(w.delivered, 100);
    end(&w);
}

/* A pattern that gives up on each of these lines takes longer for all of them
 * than a drain may read at one go. */
static void fill_with_slow_lines(world *w)
{
    for (int i = 0; i < 3000; i++)
        append_line(w, false);
}

static void lines_that_take_long_to_judge_are_counted_once(void **state)
{
    static world w;

    (void)state;
    begin(&w, 3, "msg~\"(\\.|\\.)+[xy]\"", 0, 8 << 20);
    fill_with_slow_lines(&w);
    finish(&w);
    assert_int_equal(drain_status(w.drain).filtered_lines, 3000);
    end(&w);
}

static void redirect(world *w, const char *url)
{
    forget_flying(w);
    CHECK_OK(lp_drain_redirect(w->drain, lp_span_str(url)));
}

static void a_redirect_forgets_no_line_on_which_a_pattern_gave_up(void **state)
{
    static world w;
    uint64_t before;

    (void)state;
    begin(&w, 3, "msg~\"(\\.|\\.)+[xy]\"", 0, 8 << 20);
    fill_with_slow_lines(&w);
    finish(&w);
    before = drain_status(w.drain).given_up_lines;
    assert_true(before > 0);
    redirect(&w, "http://h/#filter=source%3Dapp");
    assert_int_equal(drain_status(w.drain).given_up_lines, before);
    end(&w);
}

static void what_was_passed_after_a_redirect_is_not_sent_again(void **state)
{
    static world w;
    lp_drain_status status;

    (void)state;
    begin(&w, 3, "", 0, 8 << 20);
    for (int i = 0; i < 3; i++)
        append_line(&w, true);
    for (int i = 0; i < 1000 && w.flying_count == 0; i++)
        loop_run_for(&w.loop, 1);
    redirect(&w, "http://h/#filter=source%3Ddb");
    finish(&w);
    append_line(&w, false);
    w.wanted[w.last_seq] = true; // by now
    finish(&w);
    status = drain_status(w.drain);
    assert_int_equal(status.filtered_lines, 3);
    assert_int_equal(status.delivered_lines, 1);
    assert_int_equal(status.batches, 2);
    assert_int_equal(status.retries, 0);
    end(&w);
}

/* Ten lines a second: nine, and then three in flight of which the rate leaves out
 * the one in the middle. */
static void fly_around_a_limited_line(world *w)
{
    for (int i = 0; i < 9; i++)
        append_line(w, true);
    finish(w);
    append_line(w, true);
    append_line(w, true);
    w->arrival_ns += SECOND_NS;
    append_line(w, true);
    for (int i = 0; i < 1000 && w->flying_count == 0; i++)
        loop_run_for(&w->loop, 1);
    assert_int_equal(w->flying_count, 1);
    assert_int_equal(w->flying[w->first_flying].lines, 2);
}

static void a_rate_goes_on_at_another_sink(void **state)
{
    static world w;

    (void)state;
    begin(&w, 3, "", 10, 8 << 20);
    fly_around_a_limited_line(&w);
    redirect(&w, "test://b");
    finish(&w);
    assert_int_equal(w.delivered, 11);
    assert_int_equal(w.frame_count, 2);
    assert_int_equal(drain_status(w.drain).limited_lines, 1);
    end(&w);
}

static void other_lines_by_the_same_rate_have_another_name(void **state)
{
    static world w;

    (void)state;
    begin(&w, 3, "", 10, 8 << 20);
    fly_around_a_limited_line(&w);
    lp_drains_pause(w.set, true);
    redirect(&w, "http://h/#rate=20");
    redirect(&w, "http://h/#rate=10");
    lp_drains_pause(w.set, false);
    finish(&w); // check_frame() compares
    end(&w);
}

static void filters_that_differ_behind_a_nul_name_their_own_lines(void **state)
{
    static world w;

    (void)state;
    begin(&w, 3, "source=app", 0, 8 << 20);
    for (int i = 0; i < 3; i++)
        append_line(&w, true);
    for (int i = 0; i < 1000 && w.flying_count == 0; i++)
        loop_run_for(&w.loop, 1);
    assert_int_equal(w.flying[w.first_flying].lines, 3);
    redirect(&w, "http://h/#filter=source%3Dapp%00n!%3D2");
    finish(&w);
    assert_int_equal(w.delivered, 2);
    assert_int_equal(w.frame_count, 2); // and not one with other lines
    end(&w);
}

static void what_does_not_read_as_a_filter_makes_no_drain(void **state)
{
    static world w;
    lp_drain_options how = LP_DRAIN_OPTIONS_INIT;
    lp_drain *drain;

    (void)state;
    begin(&w, 1, "", 0, 8 << 20);
    how.filter = LP_SPAN("status>=");
    CHECK_ERR(lp_drain_open(w.set, w.channel, LP_SPAN("test://b"),
                            LP_SPAN("d.2"), &how, &drain),
              LP_E_SYNTAX);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wanted_line_arrives_once_or_is_told),
        cmocka_unit_test(a_rate_lets_the_same_lines_through_whatever_happens),
        cmocka_unit_test(a_clock_that_is_set_back_stops_no_rate_for_long),
        cmocka_unit_test(rare_lines_in_a_flood_are_found),
        cmocka_unit_test(a_batch_is_picked_out_of_what_it_may_keep),
        cmocka_unit_test(lines_that_take_long_to_judge_are_counted_once),
        cmocka_unit_test(a_redirect_forgets_no_line_on_which_a_pattern_gave_up),
        cmocka_unit_test(what_was_passed_after_a_redirect_is_not_sent_again),
        cmocka_unit_test(a_rate_goes_on_at_another_sink),
        cmocka_unit_test(other_lines_by_the_same_rate_have_another_name),
        cmocka_unit_test(filters_that_differ_behind_a_nul_name_their_own_lines),
        cmocka_unit_test(what_does_not_read_as_a_filter_makes_no_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
