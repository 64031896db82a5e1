/*
 * test_drain.c - the core of drains: what is sent when, what is sent again, and
 * what a sink is told of. Its protocol sends nothing: it writes down what it was
 * given, and the test says what became of it.
 */
#include <stdlib.h>

#include <uv.h>

#include "drain_loop.h"
#include "logplex/drain.h"

enum { SENT_MAX = 64, RING_BYTES = 64 * 1024, LINGER_MS = 30 };

typedef struct sent {
    lp_seq first_seq;
    uint32_t lines;
    lp_drain_loss loss;
    uint64_t at_ms; /* of the loop */
    char frame_id[LP_DRAIN_FRAME_ID_BYTES + 1];
    char notice[LP_DRAIN_NOTICE_MAX_BYTES];
} sent;

typedef struct fixture {
    uv_loop_t loop;
    lp_engine *engine;
    lp_channel *channel;
    lp_drains *set;
    lp_drain *drain;
    int64_t now_ns;
    unsigned window;
    bool is_prompt;
    bool has_lanes;
    bool takes_one_only;
    bool answers_at_once;
    bool is_dumb;  /* the protocol has no answers */
    bool has_left; /* all that is in flight */
    unsigned links;
    char url[64];
    lp_drain *last_drain; /* that sent */
    unsigned sent_count;
    sent sent[SENT_MAX];
} fixture;

/* A protocol that the test plays the sink of. */

typedef struct test_link {
    fixture *f;
    lp_drain *drain;
} test_link;

static lp_err test_open(void *ctx, lp_drain *drain, lp_span url, lp_span token,
                        void **out)
{
    fixture *f = ctx;
    test_link *link = calloc(1, sizeof(*link));

    (void)token;
    assert_non_null(link);
    snprintf(f->url, sizeof(f->url), "%.*s", (int)url.len_bytes, url.ptr);
    link->f = f;
    link->drain = drain;
    f->links++;
    *out = link;
    return LP_OK;
}

static bool test_send(void *ctx, const lp_drain_batch *batch)
{
    test_link *link = ctx;
    fixture *f = link->f;
    sent *to = &f->sent[f->sent_count++];
    size_t bytes = 0;

    assert_true(f->sent_count < SENT_MAX);
    for (uint32_t i = 0; i < batch->run_count; i++) {
        ring_check_run(&batch->runs[i], 100);
        bytes += batch->runs[i].bytes.len_bytes;
    }
    assert_int_equal(bytes, batch->bytes);
    f->last_drain = link->drain;
    to->first_seq = batch->first_seq;
    to->lines = batch->line_count;
    to->loss = batch->loss;
    to->at_ms = uv_now(&f->loop);
    memcpy(to->frame_id, batch->frame_id, sizeof(to->frame_id));
    lp_drain_print_notice(batch, lp_span_of(NULL, 0), true, to->notice,
                          sizeof(to->notice));
    if (f->answers_at_once)
        lp_drain_delivered(link->drain, batch->line_count);
    return !f->takes_one_only;
}

static bool test_lets_go(void *ctx)
{
    test_link *link = ctx;

    return link->f->has_left;
}

static void test_close(void *ctx)
{
    test_link *link = ctx;

    link->f->links--;
    free(link);
}

/* The rest of a program around it. */

static int64_t test_now(void *ctx)
{
    return ((fixture *)ctx)->now_ns;
}

static void register_scheme(fixture *f, const char *scheme)
{
    lp_drain_protocol protocol = {
        .struct_bytes = sizeof(protocol),
        .window = f->window,
        .answers = !f->is_dumb,
        .is_prompt = f->is_prompt,
        .has_lanes = f->has_lanes,
        .scheme = scheme,
        .ctx = f,
        .open = test_open,
        .send = test_send,
        .close = test_close,
        .lets_go = test_lets_go,
    };

    CHECK_OK(lp_drains_register(f->set, &protocol));
}

static void register_protocol(fixture *f)
{
    register_scheme(f, "test");
}

static void open_drain(fixture *f, lp_drain_refused policy)
{
    lp_drain_options opt = LP_DRAIN_OPTIONS_INIT;

    opt.refused = policy;
    CHECK_OK(lp_drain_open(f->set, f->channel, LP_SPAN("test://a/"),
                           LP_SPAN("d.1"), &opt, &f->drain));
}

static void begin_with(fixture *f, const lp_drains_options *opt)
{
    CHECK_OK(lp_drains_create(&f->loop, opt, &f->set));
    register_protocol(f);
}

/* Without a set. */
static void begin_ring(fixture *f, unsigned window, uint64_t ring_bytes)
{
    memset(f, 0, sizeof(*f));
    uv_loop_init(&f->loop);
    f->engine = ring_engine(0);
    f->channel = ring_channel(f->engine, 10, ring_bytes);
    f->window = window;
    f->now_ns = INT64_C(1700000000000000000); // lines are from long ago: due
}

static void begin(fixture *f, unsigned window, lp_drain_refused policy)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    begin_ring(f, window, RING_BYTES);
    opt.linger_ms = LINGER_MS;
    opt.backoff_min_ms = 10;
    opt.backoff_max_ms = 20;
    opt.batch_bytes = 1000; // ten lines
    opt.now_ns = test_now;
    opt.ctx = f;
    begin_with(f, &opt);
    open_drain(f, policy);
}

/* The same with a set of other options. */
static void begin_anew(fixture *f, const lp_drains_options *opt)
{
    lp_drains_destroy(f->set);
    begin_with(f, opt);
    open_drain(f, LP_DRAIN_DROP);
}

static void end(fixture *f)
{
    lp_drains_destroy(f->set);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(f->links, 0);
    lp_channel_close(f->channel);
    assert_int_equal(ring_ledger(f->engine).pinned_bytes, 0);
    lp_engine_destroy(f->engine);
}

/* And some turns more: a machine under load may let the time pass in one. */
static void run_for(fixture *f, unsigned ms)
{
    loop_run_for(&f->loop, ms);
    for (int i = 0; i < 3; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* Until so many batches have been sent. */
static void run_until_sent(fixture *f, unsigned count)
{
    for (int i = 0; i < 2000 && f->sent_count < count; i++)
        run_for(f, 1);
    assert_int_equal(f->sent_count, count);
}

static lp_drain_status status_of(fixture *f)
{
    return drain_status(f->drain);
}

static void run_until_it(fixture *f, lp_drain_state state)
{
    for (int i = 0; i < 2000 && status_of(f).state != state; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(status_of(f).state, state);
}

static void is_sent(const fixture *f, unsigned index, lp_seq first,
                    uint32_t lines)
{
    assert_int_equal(f->sent[index].first_seq, first);
    assert_int_equal(f->sent[index].lines, lines);
}

/* Sending ----------------------------------------------------------------- */

static void lines_leave_in_batches_one_at_a_time(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    run_for(&f, 20);
    assert_int_equal(f.sent_count, 0);
    assert_int_equal(status_of(&f).state, LP_DRAIN_IDLE);
    ring_fill(f.channel, 1, 25, 100);
    run_until_sent(&f, 1);
    run_for(&f, 20);
    is_sent(&f, 0, 1, 10);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(status_of(&f).state, LP_DRAIN_SENDS);
    lp_drain_delivered(f.drain, 10);
    is_sent(&f, 1, 11, 10);
    lp_drain_delivered(f.drain, 10);
    run_until_sent(&f, 3);
    is_sent(&f, 2, 21, 5);
    lp_drain_delivered(f.drain, 5);
    assert_int_equal(status_of(&f).delivered_lines, 25);
    assert_int_equal(status_of(&f).state, LP_DRAIN_IDLE);
    assert_string_not_equal(f.sent[0].frame_id, f.sent[1].frame_id);
    end(&f);
}

static void a_line_lingers_for_others_but_a_full_batch_does_not(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    fixture f;
    uint64_t began_ms;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    f.answers_at_once = true;
    f.now_ns = 0; // so that lines have come just now
    began_ms = uv_now(&f.loop);
    ring_fill(f.channel, 1, 1, 100);
    run_until_it(&f, LP_DRAIN_LINGERS);
    assert_int_equal(f.sent_count, 0);
    ring_fill(f.channel, 2, 2, 100);
    run_until_sent(&f, 1);
    is_sent(&f, 0, 1, 2);
    assert_true(f.sent[0].at_ms - began_ms >= LINGER_MS);
    opt.linger_ms = 600000; // longer than this is waited for
    opt.batch_bytes = 1000;
    opt.now_ns = test_now;
    opt.ctx = &f;
    begin_anew(&f, &opt);
    ring_fill(f.channel, 3, 13, 100);
    run_until_sent(&f, 2);
    is_sent(&f, 1, 3, 10);
    run_for(&f, 3);
    assert_int_equal(f.sent_count, 2);
    lp_drains_hurry(f.set);
    assert_int_equal(f.sent_count, 3);
    assert_int_equal(lp_drains_pending(f.set), 0);
    end(&f);
}

static void a_prompt_line_lingers_only_behind_half_a_window(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    fixture f;

    (void)state;
    begin(&f, 4, LP_DRAIN_DROP);
    f.is_prompt = true;
    f.now_ns = 0; // so that lines have come just now
    opt.linger_ms = 600000;
    opt.now_ns = test_now;
    opt.ctx = &f;
    begin_anew(&f, &opt);
    for (uint64_t n = 1; n <= 2; n++) {
        ring_fill(f.channel, n, n, 100);
        run_until_sent(&f, (unsigned)n);
        is_sent(&f, (unsigned)n - 1, n, 1);
    }
    ring_fill(f.channel, 3, 4, 100);
    run_for(&f, 30);
    assert_int_equal(f.sent_count, 2);
    lp_drain_delivered(f.drain, 1);
    run_until_sent(&f, 3);
    is_sent(&f, 2, 3, 2);
    end(&f);
}

typedef struct burst {
    fixture *f;
    unsigned turns_left;
    uint64_t lines_a_turn, last;
    uint64_t last_ms; /* of the loop, when the last lines came */
} burst;

static void on_burst(uv_idle_t *idle)
{
    burst *b = idle->data;

    if (b->turns_left-- == 0) {
        uv_close((uv_handle_t *)idle, NULL);
        return;
    }
    ring_fill(b->f->channel, b->last + 1, b->last + b->lines_a_turn, 100);
    b->last += b->lines_a_turn;
    b->last_ms = uv_now(idle->loop);
}

/* Lines that come in so many turns of the loop, one after the other. How long
 * that took. */
static uint64_t send_burst(fixture *f, unsigned turns, uint64_t lines_a_turn)
{
    burst b = {f, turns, lines_a_turn, 0, 0};
    uint64_t began_ms = uv_now(&f->loop);
    uv_idle_t idle;

    uv_idle_init(&f->loop, &idle);
    idle.data = &b;
    uv_idle_start(&idle, on_burst);
    for (unsigned turn = 0; turn < turns + 8; turn++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(b.last, turns * lines_a_turn);
    return b.last_ms - began_ms;
}

/* False: the machine made the turns so long that a burst is not gathered. */
static bool sends_a_burst_in(unsigned batches, uint64_t lines_a_turn)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    bool is_quick;
    fixture f;

    begin_ring(&f, 64, 1 << 20);
    f.is_prompt = f.has_lanes = f.answers_at_once = true;
    CHECK_OK(lp_drains_create(&f.loop, NULL, &f.set));
    begin_anew(&f, &opt);
    run_for(&f, 1);
    is_quick = send_burst(&f, 4, lines_a_turn) <= 1;
    if (is_quick) {
        assert_int_equal(f.sent_count, batches);
        is_sent(&f, 0, 1, (uint32_t)(4 * lines_a_turn / batches));
    }
    end(&f);
    return is_quick;
}

static void a_burst_is_gathered_but_a_few_lines_are_not(void **state)
{
    bool is_seen = false;

    (void)state;
    for (int i = 0; i < 1000 && !is_seen; i++)
        is_seen = sends_a_burst_in(1, 100);
    assert_true(is_seen);
    is_seen = false;
    for (int i = 0; i < 1000 && !is_seen; i++)
        is_seen = sends_a_burst_in(4, 10);
    assert_true(is_seen);
}

static void a_stream_has_larger_batches_while_it_takes_all_at_once(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    fixture f;

    (void)state;
    begin_ring(&f, 64, 1 << 20);
    f.is_prompt = f.has_lanes = f.answers_at_once = true;
    opt.batch_bytes = 1000; // ten lines
    begin_with(&f, &opt);
    open_drain(&f, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 60, 100);
    run_until_sent(&f, 4);
    is_sent(&f, 0, 1, 10);
    is_sent(&f, 1, 11, 20);
    is_sent(&f, 2, 31, 20);
    is_sent(&f, 3, 51, 10);
    f.takes_one_only = true;
    ring_fill(f.channel, 61, 110, 100);
    run_until_sent(&f, 5);
    is_sent(&f, 4, 61, 20);
    lp_drain_ready(f.drain);
    run_until_sent(&f, 6);
    is_sent(&f, 5, 81, 10);
    end(&f);
}

static void a_window_is_filled_as_far_as_the_protocol_takes_it(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 4, LP_DRAIN_DROP);
    f.takes_one_only = true;
    ring_fill(f.channel, 1, 100, 100);
    run_until_sent(&f, 1);
    run_for(&f, 20);
    assert_int_equal(f.sent_count, 1);
    f.takes_one_only = false;
    lp_drain_ready(f.drain);
    assert_int_equal(f.sent_count, 4);
    lp_drain_delivered(f.drain, 15);
    assert_int_equal(f.sent_count, 5);
    assert_int_equal(status_of(&f).delivered_lines, 15);
    end(&f);
}

/* Memory ------------------------------------------------------------------ */

/* The window is of 40 batches; lines of 100 bytes are in segments of 4 KiB
 * and more, with 24 bytes beside each. */
static void begin_memory_for(fixture *f, size_t pinned_max_bytes,
                             uint32_t batch_bytes, uint32_t answer_timeout_ms)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    begin_ring(f, 40, 1 << 20);
    opt.backoff_min_ms = 10;
    opt.backoff_max_ms = 20;
    opt.answer_timeout_ms = answer_timeout_ms;
    opt.batch_bytes = batch_bytes;
    opt.pinned_max_bytes = pinned_max_bytes;
    opt.now_ns = test_now;
    opt.ctx = f;
    begin_with(f, &opt);
}

static void begin_memory(fixture *f, size_t pinned_max_bytes,
                         uint32_t batch_bytes)
{
    begin_memory_for(f, pinned_max_bytes, batch_bytes, 0);
}

/* And a channel of its own. */
static lp_drain *open_other(fixture *f, lp_channel **channel)
{
    lp_drain *drain;

    *channel = ring_channel(f->engine, 10, 1 << 20);
    CHECK_OK(lp_drain_open(f->set, *channel, LP_SPAN("test://b/"),
                           LP_SPAN("d.2"), NULL, &drain));
    return drain;
}

static uint64_t all_kept(const fixture *f)
{
    return ring_ledger(f->engine).kept_bytes;
}

/* Which has sent a line. */
static lp_drain *open_sending(fixture *f, lp_channel **channel)
{
    unsigned count = f->sent_count;
    lp_drain *drain = open_other(f, channel);

    ring_fill(*channel, 1, 1, 100);
    run_until_sent(f, count + 1);
    assert_ptr_equal(f->last_drain, drain);
    return drain;
}

/* And was answered at once. */
static lp_drain *open_quick(fixture *f, lp_channel **channel)
{
    lp_drain *drain = open_sending(f, channel);

    lp_drain_delivered(drain, 1);
    return drain;
}

enum {
    SLOW_MS = 250, /* which is no answer at once */
    OF_QUICK = 0,
    OF_HUNG = 2 /* accounts: drain_keep.c */
};

/* Several that were not for so long, and tell nothing for as long as a test
 * takes. */
static void open_hanging(fixture *f, unsigned count, lp_channel *channels[],
                         lp_drain *drains[])
{
    for (unsigned i = 0; i < count; i++)
        drains[i] = open_sending(f, &channels[i]);
    run_for(f, SLOW_MS);
    for (unsigned i = 0; i < count; i++)
        lp_drain_failed(drains[i], "it hangs", 60000);
}

/* One that nobody answers has in flight all that a new one may. */
static void begin_hung(fixture *f)
{
    open_drain(f, LP_DRAIN_DROP);
    ring_fill(f->channel, 1, 3000, 100);
    run_for(f, 30);
    assert_in_range(all_kept(f), 36 << 10, 40 << 10);
}

static void what_is_in_flight_keeps_no_more_than_it_may(void **state)
{
    const uint64_t most_bytes = 128 << 10;
    fixture f;
    unsigned count;

    (void)state;
    begin_memory(&f, most_bytes, 100000);
    open_drain(&f, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 3000, 100);
    run_for(&f, 30);
    count = f.sent_count;
    assert_in_range(count, 2, 39);
    is_sent(&f, 0, 1, (uint32_t)f.sent[1].first_seq - 1);
    assert_in_range(all_kept(&f), most_bytes / 2, most_bytes * 5 / 8);
    assert_true(status_of(&f).scarce_batches > 0);
    lp_drain_delivered(f.drain, f.sent[0].lines); // a moment after it was sent
    run_for(&f, 30);
    assert_true(f.sent_count > count + 1);
    assert_in_range(all_kept(&f), most_bytes * 5 / 8, most_bytes * 7 / 8);
    ring_fill(f.channel, 3001, 40000, 100);
    run_for(&f, 30);
    assert_in_range(ring_ledger(f.engine).pinned_bytes, 1, most_bytes);
    lp_drain_failed(f.drain, "it is away", 0);
    assert_int_equal(all_kept(&f), 0);
    assert_int_equal(ring_ledger(f.engine).pinned_bytes, 0);
    end(&f);
}

/* So there is always some, although less and less. A new drain may keep 5/8. */
static void a_batch_keeps_a_16th_of_what_is_left_at_most(void **state)
{
    const uint64_t most_bytes = 10 << 20;
    fixture f;

    (void)state;
    begin_memory(&f, most_bytes * 8 / 5, 1 << 20);
    open_drain(&f, LP_DRAIN_DROP);
    for (uint64_t n = 1; n < 200000; n += 8000) {
        ring_fill(f.channel, n, n + 7999, 100);
        run_for(&f, 2);
    }
    run_for(&f, 30);
    assert_int_equal(f.sent_count, f.window);
    assert_in_range(all_kept(&f), most_bytes / 2, most_bytes * 15 / 16);
    end(&f);
}

/* A sieve reads past lines that nobody wants, and does not keep them. */
static void what_a_sieve_leaves_out_is_not_kept(void **state)
{
    lp_drain_options opt = LP_DRAIN_OPTIONS_INIT;
    fixture f;

    (void)state;
    begin_memory(&f, 512 << 10, 100000);
    opt.filter = LP_SPAN("msg~\"00\"");
    CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://a/"),
                           LP_SPAN("d.1"), &opt, &f.drain));
    ring_fill(f.channel, 1, 450, 100);
    run_until_sent(&f, 1);
    assert_int_equal(f.sent[0].first_seq, 100);
    assert_int_equal(f.sent[0].lines, 4);
    assert_int_equal(all_kept(&f), 4 * 4096);
    end(&f);
}

static void half_of_what_lines_may_have_is_kept_at_most(void **state)
{
    fixture f;
    void *loan;

    (void)state;
    begin_memory(&f, 64 << 20, 100000);
    lp_channel_close(f.channel);
    lp_engine_destroy(f.engine);
    f.engine = ring_engine(1 << 20);
    f.channel = ring_channel(f.engine, 10, 0);
    CHECK_OK(lp_engine_borrow(f.engine, NULL, 256 << 10, &loan));
    open_drain(&f, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 4000, 100);
    run_for(&f, 30);
    lp_drain_delivered(f.drain, f.sent[0].lines);
    run_for(&f, 30);
    assert_in_range(all_kept(&f), 192 << 10, 384 << 10);
    lp_engine_repay(f.engine, loan, 256 << 10);
    end(&f);
}

static void who_gets_answers_is_not_held_up_by_those_who_get_none(void **state)
{
    lp_channel *live_channel, *new_channel;
    lp_drain *live, *another;
    fixture f;
    unsigned count;

    (void)state;
    begin_memory(&f, 64 << 10, 100000);
    live = open_quick(&f, &live_channel);
    begin_hung(&f);
    another = open_other(&f, &new_channel);
    ring_fill(new_channel, 1, 1, 100);
    run_for(&f, 30);
    count = f.sent_count;
    assert_ptr_equal(f.last_drain, f.drain);
    for (uint64_t n = 2; n < 10; n++) {
        ring_fill(live_channel, n, n, 100);
        run_until_sent(&f, ++count);
        assert_ptr_equal(f.last_drain, live);
        lp_drain_delivered(live, 1);
    }
    assert_int_equal(drain_status(another).pending_lines, 1); // but not lost
    assert_int_equal(drain_status(another).state, LP_DRAIN_CROWDED);
    lp_drain_failed(f.drain, "it is away", 60000);
    run_until_sent(&f, ++count);
    assert_ptr_equal(f.last_drain, another);
    lp_drain_delivered(another, 1);
    assert_int_equal(drain_status(another).state, LP_DRAIN_IDLE);
    lp_channel_close(live_channel);
    lp_channel_close(new_channel);
    end(&f);
}

/* And who is slow has no share in what those who failed have. */
static void who_is_answered_at_once_is_not_held_up_by_the_slow(void **state)
{
    lp_channel *quick_channel, *new_channel;
    lp_drain *quick, *another;
    fixture f;
    unsigned count;

    (void)state;
    begin_memory(&f, 64 << 10, 1000);
    quick = open_quick(&f, &quick_channel);
    open_drain(&f, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 2);
    open_hanging(&f, 1, &new_channel, &another);
    lp_drain_delivered(f.drain, 10);
    ring_fill(f.channel, 11, 3000, 100);
    run_for(&f, 30);
    assert_int_equal(drain_status(another).state, LP_DRAIN_WAITS);
    assert_in_range(all_kept(&f), 32 << 10, 40 << 10);
    assert_true(lp_drain_retry(another));
    for (int i = 0; i < 300 && f.last_drain != another; i++)
        run_for(&f, 1);
    assert_int_equal(status_of(&f).state, LP_DRAIN_SENDS);
    assert_int_equal(drain_status(another).state, LP_DRAIN_SENDS);
    assert_in_range(all_kept(&f), 32 << 10, 48 << 10);
    count = f.sent_count;
    for (uint64_t n = 2; n < 5; n++) {
        ring_fill(quick_channel, n, n, 100);
        run_until_sent(&f, ++count);
        assert_ptr_equal(f.last_drain, quick);
        lp_drain_delivered(quick, 1);
    }
    lp_channel_close(quick_channel);
    lp_channel_close(new_channel);
    end(&f);
}

/* However that was, and be it no. */
static void who_fails_at_once_is_not_held_up_by_those_who_hang(void **state)
{
    lp_channel *quick_channel, *channels[2];
    lp_drain *quick, *hung[2];
    fixture f;
    unsigned count;

    (void)state;
    begin_memory(&f, 64 << 10, 1000);
    quick = open_quick(&f, &quick_channel);
    open_drain(&f, LP_DRAIN_DROP);
    open_hanging(&f, 2, channels, hung);
    for (int i = 0; i < 2; i++) {
        ring_fill(channels[i], 2, 3000, 100);
        assert_true(lp_drain_retry(hung[i]));
    }
    ring_fill(f.channel, 1, 3000, 100);
    run_for(&f, 30);
    assert_int_equal(drain_status(hung[0]).state, LP_DRAIN_SENDS);
    assert_int_equal(status_of(&f).state, LP_DRAIN_SENDS);
    count = f.sent_count;
    ring_fill(quick_channel, 2, 2, 100);
    for (unsigned n = 1; n < 5; n++) {
        run_until_sent(&f, count + n);
        assert_ptr_equal(f.last_drain, quick);
        lp_drain_failed(quick, "it answered 500", 0);
    }
    lp_channel_close(quick_channel);
    lp_channel_close(channels[0]);
    lp_channel_close(channels[1]);
    end(&f);
}

/* Not all of those who were quick are so for ever: what they keep when they hang is
 * not held against the others. */
static void who_is_quick_no_more_holds_up_none_that_are(void **state)
{
    lp_channel *channel;
    lp_drain *quick;
    fixture f;
    unsigned count;

    (void)state;
    begin_memory(&f, 64 << 10, 1000);
    quick = open_quick(&f, &channel);
    open_drain(&f, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 1, 100);
    run_until_sent(&f, 2);
    lp_drain_delivered(f.drain, 1);
    ring_fill(f.channel, 2, 3000, 100); // nobody will answer
    run_until_it(&f, LP_DRAIN_SENDS);
    for (int i = 0; i < 2000 && lp_engine_kept(f.engine, OF_QUICK) > 0; i++)
        run_for(&f, 1);
    assert_int_equal(lp_engine_kept(f.engine, OF_QUICK), 0);
    count = f.sent_count;
    ring_fill(channel, 2, 2, 100);
    run_until_sent(&f, count + 1);
    assert_ptr_equal(f.last_drain, quick);
    lp_channel_close(channel);
    end(&f);
}

/* As it is read again if need be: also by one who does not want all lines. */
static void what_has_left_keeps_no_memory(void **state)
{
    lp_drain_options opt = LP_DRAIN_OPTIONS_INIT;
    fixture f;

    (void)state;
    for (int has_sieve = 0; has_sieve < 2; has_sieve++) {
        begin_memory(&f, 64 << 10, 100000);
        opt.filter = lp_span_str(has_sieve ? "msg!~\"13\"" : "");
        CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://a/"),
                               LP_SPAN("d.1"), &opt, &f.drain));
        ring_fill(f.channel, 1, 20, 100);
        run_until_sent(&f, 1);
        run_for(&f, 500);
        assert_true(all_kept(&f) > 0);
        f.has_left = true;
        for (int i = 0; i < 2000 && all_kept(&f) > 0; i++)
            run_for(&f, 1);
        assert_int_equal(all_kept(&f), 0);
        assert_int_equal(status_of(&f).state, LP_DRAIN_SENDS);
        lp_drain_delivered(f.drain, 10);
        lp_drain_failed(f.drain, "it hangs", 0);
        run_until_sent(&f, 2);
        assert_int_equal(f.sent[1].first_seq, 11);
        assert_int_equal(f.sent[1].lines, has_sieve ? 9 : 10);
        assert_true(all_kept(&f) > 0);
        end(&f);
    }
}

static void who_is_sent_elsewhere_is_not_known_to_be_quick(void **state)
{
    lp_channel *channel;
    lp_drain *quick;
    fixture f;

    (void)state;
    begin_memory(&f, 64 << 10, 100000);
    quick = open_quick(&f, &channel);
    begin_hung(&f);
    CHECK_OK(lp_drain_redirect(quick, LP_SPAN("test://c/")));
    ring_fill(channel, 2, 2, 100);
    run_for(&f, 150);
    assert_int_equal(drain_status(quick).state, LP_DRAIN_CROWDED);
    lp_channel_close(channel);
    end(&f);
}

/* Who hangs for long is none of the slow any more. */
static void who_is_new_is_not_held_up_for_ever(void **state)
{
    lp_channel *channel;
    lp_drain *other;
    fixture f;
    unsigned count;
    uint64_t began_ms;

    (void)state;
    begin_memory(&f, 64 << 10, 100000);
    begin_hung(&f);
    began_ms = uv_now(&f.loop);
    other = open_other(&f, &channel);
    ring_fill(channel, 1, 1, 100);
    count = f.sent_count;
    for (int i = 0; i < 1000 && f.sent_count == count; i++)
        run_for(&f, 10);
    assert_ptr_equal(f.last_drain, other);
    assert_in_range(uv_now(&f.loop) - began_ms, 4900, 10000);
    lp_channel_close(channel);
    end(&f);
}

/* Two that are slow: f->drain has in flight all that it may, and the other one, which
 * this returns, waits. */
static lp_drain *begin_crowded(fixture *f, lp_channel **channel)
{
    lp_drain *other;

    begin_memory(f, 64 << 10, 100000);
    begin_hung(f);
    other = open_other(f, channel);
    ring_fill(*channel, 1, 1, 100);
    run_for(f, SLOW_MS); // longer than it lingers, too
    assert_int_equal(drain_status(other).state, LP_DRAIN_CROWDED);
    return other;
}

/* Who has more to send does not have the memory again before others do. */
static void who_waits_for_memory_goes_first(void **state)
{
    lp_channel *channel;
    lp_drain *other;
    fixture f;
    unsigned count;

    (void)state;
    other = begin_crowded(&f, &channel);
    count = f.sent_count;
    lp_drain_delivered(f.drain, f.sent[0].lines);
    assert_int_equal(f.sent_count, count);
    run_until_sent(&f, count + 1);
    assert_ptr_equal(f.last_drain, other);
    lp_drain_delivered(other, 1);
    run_until_sent(&f, count + 2); // and then it has its turn again
    assert_ptr_equal(f.last_drain, f.drain);
    run_for(&f, SLOW_MS); // after which it would let others go first again ...
    lp_drain_delivered(f.drain, f.sent[1].lines);
    assert_int_equal(f.sent_count, count + 3); // ... but nobody waits
    lp_channel_close(channel);
    end(&f);
}

/* Small batches would be far too slow otherwise. */
static void who_let_others_go_first_does_not_so_each_time(void **state)
{
    lp_channel *channel;
    fixture f;
    unsigned count;

    (void)state;
    begin_crowded(&f, &channel);
    count = f.sent_count;
    lp_drain_delivered(f.drain, f.sent[0].lines);
    assert_int_equal(f.sent_count, count);
    lp_drain_delivered(f.drain, f.sent[1].lines);
    assert_true(f.sent_count > count);
    lp_channel_close(channel);
    end(&f);
}

/* What it gives back would be no use to them. */
static void who_is_quick_waits_for_none_that_are_slow(void **state)
{
    lp_channel *quick_channel, *slow_channel;
    lp_drain *quick, *slow;
    fixture f;
    unsigned count, first;

    (void)state;
    begin_memory(&f, 64 << 10, 100000);
    quick = open_quick(&f, &quick_channel);
    begin_hung(&f);
    slow = open_other(&f, &slow_channel);
    ring_fill(slow_channel, 1, 1, 100);
    run_for(&f, 150);
    assert_int_equal(drain_status(slow).state, LP_DRAIN_CROWDED);
    first = f.sent_count;
    ring_fill(quick_channel, 2, 2000, 100); // more than may be in flight
    for (int i = 0; i < 2000 && f.sent_count == first; i++)
        run_for(&f, 1);
    assert_ptr_equal(f.last_drain, quick);
    count = f.sent_count;
    lp_drain_delivered(quick, f.sent[first].lines);
    assert_true(f.sent_count > count);
    lp_channel_close(quick_channel);
    lp_channel_close(slow_channel);
    end(&f);
}

/* Line n, and as much as many lines beside it. */
static void append_wide(lp_channel *channel, uint64_t n)
{
    char text[RING_TEXT_MIN_BYTES + 100];
    char beside[3000];
    lp_line line;

    memset(beside, 'x', sizeof(beside));
    snprintf(beside, sizeof(beside), "%llu", (unsigned long long)n);
    memset(&line, 0, sizeof(line));
    line.arrival_ns = (int64_t)n;
    line.part_count = 1;
    line.parts[0] = lp_span_of(text, ring_text(n, 100, text));
    line.aside[0] = lp_span_of(beside, sizeof(beside));
    CHECK_OK(lp_channel_append(channel, &line, NULL));
}

/* What is there then goes as any other lines do, however much memory as many of them
 * would take. */
static void who_has_lost_what_was_to_come_again_goes_on(void **state)
{
    fixture f;
    lp_seq oldest;

    (void)state;
    begin_memory(&f, 256 << 10, 10000);
    open_drain(&f, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 60, 100);
    run_until_sent(&f, 1);
    is_sent(&f, 0, 1, 60);
    lp_drain_failed(f.drain, "it is away", 20);
    for (uint64_t n = 61; n < 2000; n++)
        append_wide(f.channel, n);
    oldest = ring_stats(f.channel).oldest_seq;
    assert_true(oldest > 60);
    for (int i = 0; i < 300 && f.sent_count < 2; i++)
        run_for(&f, 1);
    assert_in_range(f.sent_count, 2, 39);
    assert_int_equal(f.sent[1].first_seq, oldest);
    assert_in_range(f.sent[1].lines, 1, 59);
    assert_int_equal(f.sent[1].loss.lines, oldest - 1);
    end(&f);
}

/* Of the same lines, whatever has come since. */
static void
what_failed_behind_a_loss_is_the_same_when_it_comes_again(void **state)
{
    fixture f;
    lp_seq oldest;

    (void)state;
    begin_memory(&f, 0, 4 << 20);
    open_drain(&f, LP_DRAIN_DROP);
    lp_drains_pause(f.set, true);
    ring_fill(f.channel, 1, 40000, 100);
    oldest = ring_stats(f.channel).oldest_seq;
    assert_true(oldest > 1);
    lp_drains_pause(f.set, false);
    run_until_sent(&f, 1);
    is_sent(&f, 0, oldest, (uint32_t)(40001 - oldest));
    assert_int_equal(f.sent[0].loss.lines, oldest - 1);
    lp_drain_failed(f.drain, "it is away", 20);
    ring_fill(f.channel, 40001, 40005, 100);
    assert_int_equal(ring_stats(f.channel).oldest_seq, oldest);
    for (int i = 0; i < 300 && f.sent_count < 2; i++)
        run_for(&f, 1);
    is_sent(&f, 1, oldest, (uint32_t)(40001 - oldest));
    assert_int_equal(f.sent[1].loss.lines, oldest - 1);
    assert_string_equal(f.sent[1].frame_id, f.sent[0].frame_id);
    end(&f);
}

enum { HUNG_MAX = 16 };

/* So many others that hang, in a set where all that failed may keep so much. */
typedef struct crowd {
    lp_channel *channel[HUNG_MAX];
    lp_drain *drain[HUNG_MAX];
} crowd;

/* The drain has failed with lines 1 to 80, in three segments. The others, each with a
 * segment and the first one with many, leave it room for one or two. */
static void begin_again(fixture *f, crowd *others, unsigned answer_timeout_ms)
{
    const uint64_t most_bytes = 250 << 10; // for those that failed, if alone

    begin_memory_for(f, most_bytes * 8 / 5, 10000, answer_timeout_ms);
    open_drain(f, LP_DRAIN_DROP);
    ring_fill(f->channel, 1, 80, 100);
    run_until_sent(f, 1);
    is_sent(f, 0, 1, 80);
    assert_int_equal(all_kept(f), 3 * 4096);
    open_hanging(f, HUNG_MAX, others->channel, others->drain);
    lp_drain_failed(f->drain, "it is away", 60000);
    ring_fill(others->channel[0], 2, 1600, 100);
    for (unsigned i = 0; all_kept(f) + 8192 <= most_bytes; i++) {
        assert_true(i < HUNG_MAX);
        assert_true(lp_drain_retry(others->drain[i]));
        run_for(f, 5);
        assert_int_equal(drain_status(others->drain[i]).state, LP_DRAIN_SENDS);
    }
    assert_true(all_kept(f) + 4096 <= most_bytes);
    assert_true(lp_drain_retry(f->drain));
    run_for(f, 50);
    assert_int_equal(status_of(f).state, LP_DRAIN_CROWDED);
}

static void end_again(fixture *f, crowd *others)
{
    for (unsigned i = 0; i < HUNG_MAX; i++)
        lp_channel_close(others->channel[i]);
    end(f);
}

static void what_is_sent_again_waits_until_all_of_it_may_be_kept(void **state)
{
    crowd others;
    fixture f;
    unsigned count;

    (void)state;
    begin_again(&f, &others, 30000);
    count = f.sent_count;
    for (unsigned i = 1; i < count; i++)
        assert_string_not_equal(f.sent[i].frame_id, f.sent[0].frame_id);
    assert_int_equal(status_of(&f).pending_lines, 80);
    lp_drain_failed(others.drain[0], "it is away", 60000);
    run_until_sent(&f, count + 1);
    is_sent(&f, count, 1, 80);
    assert_string_equal(f.sent[count].frame_id, f.sent[0].frame_id);
    end_again(&f, &others);
}

/* Others may be content with less, and never leave enough. */
static void what_is_sent_again_does_not_wait_for_ever(void **state)
{
    crowd others;
    fixture f;
    unsigned count;

    (void)state;
    begin_again(&f, &others, 100);
    count = f.sent_count;
    run_until_sent(&f, count + 1);
    assert_ptr_equal(f.last_drain, f.drain);
    assert_int_equal(f.sent[count].first_seq, 1);
    assert_in_range(f.sent[count].lines, 1, 79);
    assert_string_not_equal(f.sent[count].frame_id, f.sent[0].frame_id);
    end_again(&f, &others);
}

/* Nor is time that it did not wait for memory counted. */
static void what_is_sent_again_is_what_it_was_behind_a_pause(void **state)
{
    crowd others;
    fixture f;
    unsigned count;

    (void)state;
    begin_again(&f, &others, 1000);
    lp_drains_pause(f.set, true);
    assert_int_equal(status_of(&f).state, LP_DRAIN_HELD);
    run_for(&f, 2500);
    ring_fill(f.channel, 81, 90, 100);
    lp_drain_failed(others.drain[0], "it is away", 60000);
    count = f.sent_count;
    lp_drains_pause(f.set, false);
    for (int i = 0; i < 2000 && f.sent_count == count; i++)
        run_for(&f, 1);
    is_sent(&f, count, 1, 80);
    assert_string_equal(f.sent[count].frame_id, f.sent[0].frame_id);
    end_again(&f, &others);
}

static void lines_that_the_ring_may_drop_linger_no_more(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    lp_drain_options how = LP_DRAIN_OPTIONS_INIT;

    (void)state;
    opt.linger_ms = 600000; // longer than this is waited for
    for (int has_sieve = 0; has_sieve < 2; has_sieve++) {
        fixture f;

        begin_ring(&f, 1, RING_BYTES);
        opt.now_ns = test_now;
        opt.ctx = &f;
        begin_with(&f, &opt);
        how.rate_lines = has_sieve ? 1000000 : 0;
        CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://a/"),
                               LP_SPAN("d.1"), &how, &f.drain));
        f.now_ns = 0; // so that lines have come just now
        ring_fill(f.channel, 1, 20, 100);
        run_for(&f, 30);
        assert_int_equal(f.sent_count, 0);
        assert_int_equal(status_of(&f).state, LP_DRAIN_LINGERS);
        ring_fill(f.channel, 21, 300, 100);
        run_until_sent(&f, 1);
        is_sent(&f, 0, 1, 300);
        end(&f);
    }
}

/* A channel with room for thousands of lines, in batches as large; the protocol
 * stands for HTTP. */
static void begin_large(fixture *f)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    begin_ring(f, 1, 16 << 20);
    opt.backoff_min_ms = 10;
    opt.backoff_max_ms = 20;
    opt.batch_bytes = 1 << 20;
    opt.now_ns = test_now;
    opt.ctx = f;
    begin_with(f, &opt);
    register_scheme(f, "http");
}

static void open_http(fixture *f, const char *url)
{
    CHECK_OK(lp_drain_open(f->set, f->channel, lp_span_str(url), LP_SPAN("d.1"),
                           NULL, &f->drain));
}

static void batches_of_drains_that_compress_end_at_the_same_lines(void **state)
{
    fixture f;

    (void)state;
    begin_large(&f);
    f.answers_at_once = true;
    open_http(&f, "http://a/#encoding=zstd");
    ring_fill(f.channel, 1, 300, 100);
    open_http(&f, "http://b/?encoding=gzip");
    ring_fill(f.channel, 301, 700, 100);
    open_http(&f, "http://c/"); // which does not
    ring_fill(f.channel, 701, 3000, 100);
    run_until_sent(&f, 7);
    is_sent(&f, 0, 1, 1024);
    is_sent(&f, 1, 1025, 1024);
    is_sent(&f, 2, 2049, 952);
    is_sent(&f, 3, 301, 724);
    is_sent(&f, 4, 1025, 1024);
    is_sent(&f, 5, 2049, 952);
    is_sent(&f, 6, 701, 2300);
    // What ends where batches end is full, and what is behind it begins there.
    ring_fill(f.channel, 3001, 3072, 100);
    run_until_sent(&f, 10);
    ring_fill(f.channel, 3073, 3073, 100);
    run_until_sent(&f, 13);
    is_sent(&f, 10, 3073, 1);
    end(&f);
}

static void what_is_sent_again_is_the_same_lines_in_step_or_not(void **state)
{
    fixture f;

    (void)state;
    begin_large(&f);
    open_http(&f, "http://a/");
    ring_fill(f.channel, 1, 1500, 100);
    run_until_sent(&f, 1);
    is_sent(&f, 0, 1, 1500);
    CHECK_OK(lp_drain_redirect(f.drain, LP_SPAN("http://a/#encoding=gzip")));
    run_until_sent(&f, 2);
    is_sent(&f, 1, 1, 1500);
    assert_string_equal(f.sent[1].frame_id, f.sent[0].frame_id);
    ring_fill(f.channel, 1501, 2100, 100);
    lp_drain_delivered(f.drain, 1500);
    run_until_sent(&f, 3);
    is_sent(&f, 2, 1501, 548);
    lp_drain_failed(f.drain, "it is away", 0);
    ring_fill(f.channel, 2101, 2200, 100);
    run_until_sent(&f, 4);
    is_sent(&f, 3, 1501, 548);
    assert_string_equal(f.sent[3].frame_id, f.sent[2].frame_id);
    lp_drain_delivered(f.drain, 548);
    run_until_sent(&f, 5);
    is_sent(&f, 4, 2049, 152);
    end(&f);
}

static void bytes_end_a_batch_before_its_step_is_over(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    f.answers_at_once = true;
    register_scheme(&f, "http");
    lp_drain_close(f.drain);
    open_http(&f, "http://a/#encoding=zstd");
    ring_fill(f.channel, 1, 25, 100);
    run_until_sent(&f, 3);
    is_sent(&f, 0, 1, 10);
    is_sent(&f, 1, 11, 10);
    is_sent(&f, 2, 21, 5);
    end(&f);
}

/* Failures ---------------------------------------------------------------- */

static void what_failed_is_sent_again_with_the_same_name(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 5, 100);
    run_until_sent(&f, 1);
    ring_fill(f.channel, 6, 30, 100);
    for (unsigned i = 1; i <= 3; i++) {
        lp_drain_failed(f.drain, "it is away", 0);
        assert_int_equal(status_of(&f).state, LP_DRAIN_WAITS);
        assert_int_equal(status_of(&f).failed_in_a_row, i);
        assert_string_equal(status_of(&f).error, "it is away");
        assert_int_equal(ring_ledger(f.engine).pinned_bytes, 0);
        run_until_sent(&f, 1 + i);
        is_sent(&f, i, 1, 5);
        assert_string_equal(f.sent[i].frame_id, f.sent[0].frame_id);
    }
    lp_drain_delivered(f.drain, 5);
    is_sent(&f, 4, 6, 10);
    assert_int_equal(status_of(&f).failed_in_a_row, 0);
    assert_int_equal(status_of(&f).retries, 3);
    end(&f);
}

static void a_sink_says_how_long_it_wants_to_be_left_alone(void **state)
{
    fixture f;
    uint64_t failed_ms;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 5, 100);
    run_until_sent(&f, 1);
    failed_ms = uv_now(&f.loop);
    lp_drain_failed(f.drain, "it answered 429", 150);
    assert_int_equal(status_of(&f).retry_ns - f.now_ns, 150000000);
    run_until_sent(&f, 2);
    assert_true(f.sent[1].at_ms - failed_ms >= 150);
    end(&f);
}

static void
all_that_is_in_flight_comes_back_but_not_what_has_arrived(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 3, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 40, 100);
    run_until_sent(&f, 3);
    lp_drain_delivered(f.drain, 13);
    run_until_sent(&f, 4);
    lp_drain_failed(f.drain, "the connection broke", 0);
    assert_int_equal(status_of(&f).pending_lines, 27);
    run_until_sent(&f, 7);
    is_sent(&f, 4, 14, 7);
    is_sent(&f, 5, 21, 10);
    is_sent(&f, 6, 31, 10);
    lp_drain_delivered(f.drain, 27);
    assert_int_equal(status_of(&f).delivered_lines, 40);
    end(&f);
}

static void who_only_takes_is_not_well_at_once(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    opt.backoff_min_ms = 1;
    opt.backoff_max_ms = 2;
    opt.answer_timeout_ms = 1000;
    opt.batch_bytes = 1000;
    opt.now_ns = test_now;
    opt.ctx = &f;
    f.is_dumb = true;
    begin_anew(&f, &opt);
    ring_fill(f.channel, 1, 40, 100);
    run_until_sent(&f, 1);
    lp_drain_failed(f.drain, "it takes nothing", 0);
    run_until_sent(&f, 2);
    lp_drain_delivered(f.drain, 10);
    assert_int_equal(status_of(&f).failed_in_a_row, 1);
    lp_drain_failed(f.drain, "it takes nothing", 0);
    assert_int_equal(status_of(&f).failed_in_a_row, 2);
    run_until_sent(&f, 4);
    f.now_ns += 1000000000;
    lp_drain_delivered(f.drain, 10);
    assert_int_equal(status_of(&f).failed_in_a_row, 0);
    end(&f);
}

/* Losses ------------------------------------------------------------------ */

static void
what_the_ring_forgot_is_told_once_and_in_the_same_words(void **state)
{
    fixture f;
    lp_drain_status status;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_failed(f.drain, "it is away", 100);
    ring_fill(f.channel, 11, 5000, 100);
    run_until_sent(&f, 2);
    assert_true(f.sent[1].first_seq > 1000);
    assert_int_equal(f.sent[1].loss.lines, f.sent[1].first_seq - 1);
    assert_string_not_equal(f.sent[1].frame_id, f.sent[0].frame_id);
    lp_drain_failed(f.drain, "it is away", 0);
    run_until_sent(&f, 3);
    assert_string_equal(f.sent[2].frame_id, f.sent[1].frame_id);
    assert_string_equal(f.sent[2].notice, f.sent[1].notice);
    assert_non_null(strstr(f.sent[2].notice,
                           "<172>1 1970-01-01T00:00:00+00:00 host heroku "
                           "logplex - Error L10 (output buffer overflow): "));
    lp_drain_delivered(f.drain, f.sent[2].lines);
    run_until_sent(&f, 4);
    assert_int_equal(f.sent[3].loss.lines, 0);
    status = status_of(&f);
    assert_int_equal(status.overflow_lines, f.sent[1].first_seq - 1);
    end(&f);
}

static void what_was_refused_is_told_in_front_of_the_next_lines(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_refuse(f.drain, "it answered 404");
    ring_fill(f.channel, 11, 30, 100);
    run_until_sent(&f, 2);
    is_sent(&f, 1, 11, 10);
    assert_int_equal(f.sent[1].loss.lines, 10);
    lp_drain_refuse(f.drain, "it answered 404");
    is_sent(&f, 2, 21, 10);
    assert_int_equal(f.sent[2].loss.lines, 20);
    lp_drain_failed(f.drain, "it is away", 0);
    run_until_sent(&f, 4);
    assert_int_equal(f.sent[3].loss.lines, 20);
    assert_string_equal(f.sent[3].frame_id, f.sent[2].frame_id);
    lp_drain_delivered(f.drain, 10);
    assert_int_equal(status_of(&f).refused_lines, 20);
    assert_int_equal(status_of(&f).delivered_lines, 10);
    end(&f);
}

static void a_parked_drain_rests_until_it_is_sent_elsewhere(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_PARK);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_refuse(f.drain, "it answered 403");
    ring_fill(f.channel, 11, 20, 100);
    run_for(&f, 50);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(status_of(&f).state, LP_DRAIN_PARKED);
    CHECK_OK(lp_drain_redirect(f.drain, LP_SPAN("test://b/")));
    assert_string_equal(f.url, "test://b/");
    run_until_sent(&f, 2);
    is_sent(&f, 1, 1, 10);
    assert_int_equal(status_of(&f).pending_lines, 20);
    end(&f);
}

static void a_parked_drain_goes_on_when_it_is_released(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 2, LP_DRAIN_PARK);
    ring_fill(f.channel, 1, 20, 100);
    run_until_sent(&f, 2);
    assert_false(lp_drain_release(f.drain));
    run_for(&f, 5);
    assert_int_equal(f.sent_count, 2);
    lp_drain_refuse(f.drain, "it answered 403");
    assert_int_equal(status_of(&f).state, LP_DRAIN_PARKED);
    assert_true(lp_drain_release(f.drain));
    assert_int_equal(f.sent_count, 4);
    is_sent(&f, 2, 1, 10);
    is_sent(&f, 3, 11, 10);
    assert_string_equal(f.sent[2].frame_id, f.sent[0].frame_id);
    assert_false(lp_drain_release(f.drain));
    lp_drain_refuse(f.drain, "it answered 403");
    assert_int_equal(status_of(&f).state, LP_DRAIN_PARKED);
    assert_int_equal(status_of(&f).pending_lines, 20);
    assert_int_equal(f.sent_count, 4);
    end(&f);
}

static void who_waits_after_a_failure_is_not_released(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_PARK);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_failed(f.drain, "it is away", 10000);
    assert_false(lp_drain_release(f.drain));
    run_for(&f, 5);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(status_of(&f).state, LP_DRAIN_WAITS);
    end(&f);
}

static void who_waits_tries_at_once_when_told_to(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_PARK);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    assert_false(lp_drain_retry(f.drain));
    lp_drain_failed(f.drain, "it is away", 3600 * 1000);
    assert_true(status_of(&f).retry_ns > 0);
    assert_true(lp_drain_retry(f.drain));
    assert_int_equal(f.sent_count, 2);
    assert_string_equal(f.sent[1].frame_id, f.sent[0].frame_id);
    assert_int_equal(status_of(&f).retry_ns, 0);
    assert_int_equal(status_of(&f).failed_in_a_row, 1);
    lp_drain_refuse(f.drain, "it answered 403");
    assert_int_equal(status_of(&f).state, LP_DRAIN_PARKED);
    assert_true(lp_drain_retry(f.drain));
    assert_int_equal(f.sent_count, 3);
    lp_drain_delivered(f.drain, 10);
    assert_int_equal(status_of(&f).delivered_lines, 10);
    end(&f);
}

static void a_drain_that_retries_refusals_loses_nothing(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_RETRY);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_refuse(f.drain, "it answered 401");
    run_until_sent(&f, 2);
    is_sent(&f, 1, 1, 10);
    assert_int_equal(f.sent[1].loss.lines, 0);
    end(&f);
}

static void a_batch_that_is_too_large_comes_in_smaller_ones(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 20, 100);
    run_until_sent(&f, 1);
    is_sent(&f, 0, 1, 10);
    lp_drain_refuse_size(f.drain, "it answered 413");
    run_until_sent(&f, 2);
    is_sent(&f, 1, 1, 5);
    assert_string_not_equal(f.sent[1].frame_id, f.sent[0].frame_id);
    lp_drain_refuse_size(f.drain, "it answered 413");
    is_sent(&f, 2, 1, 2);
    lp_drain_refuse_size(f.drain, "it answered 413");
    is_sent(&f, 3, 1, 1);
    lp_drain_refuse_size(f.drain, "it answered 413");
    is_sent(&f, 4, 2, 1);
    assert_int_equal(f.sent[4].loss.lines, 1);
    assert_int_equal(status_of(&f).refused_lines, 1);
    end(&f);
}

/* As the sink behind a proxy that knows no size for a moment. */
static void a_sink_that_takes_more_again_gets_full_batches_again(void **state)
{
    fixture f;
    unsigned at;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 300, 100);
    run_until_sent(&f, 1);
    for (int n = 0; n < 5; n++) // 10, 5, 2, 1 and 1
        lp_drain_refuse_size(f.drain, "it answered 413");
    assert_int_equal(status_of(&f).refused_lines, 2);
    at = f.sent_count - 1;
    assert_int_equal(f.sent[at].lines, 1);
    lp_drain_delivered(f.drain, 1);
    assert_int_equal(f.sent[++at].lines, 1);
    run_for(&f, 300);
    for (int n = 0; n < 20 && f.sent[at].lines < 10; n++, at++)
        lp_drain_delivered(f.drain, f.sent[at].lines);
    assert_int_equal(f.sent[at].lines, 10);
    end(&f);
}

/* Its limit is four lines. It says no to ten and to five, and then to each five
 * that it is asked for: behind 250 ms, 500 ms, 1 s, and so on. */
static void a_sink_that_says_no_is_asked_less_and_less_often(void **state)
{
    fixture f;
    unsigned refused = 0, refused_max = 2;
    uint64_t began_ms, took_ms;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 300, 100);
    run_until_sent(&f, 1);
    began_ms = uv_now(&f.loop);
    while (f.sent_count < SENT_MAX - 1) {
        unsigned lines = f.sent[f.sent_count - 1].lines;

        if (lines > 4) {
            refused++;
            lp_drain_refuse_size(f.drain, "it answered 413");
        } else {
            lp_drain_delivered(f.drain, lines);
        }
        run_for(&f, 10);
    }
    took_ms = uv_now(&f.loop) - began_ms;
    for (uint64_t wait_ms = 250; wait_ms <= took_ms; wait_ms *= 2) {
        refused_max++;
        took_ms -= wait_ms;
    }
    assert_in_range(refused, 3, refused_max);
    end(&f);
}

static void
what_took_too_long_comes_in_smaller_batches_for_a_while(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 60, 100);
    run_until_sent(&f, 1);
    lp_drain_failed_slowly(f.drain, "it is slow");
    run_until_sent(&f, 2);
    is_sent(&f, 1, 1, 5);
    assert_string_not_equal(f.sent[1].frame_id, f.sent[0].frame_id);
    lp_drain_delivered(f.drain, 5);
    is_sent(&f, 2, 6, 6);
    lp_drain_delivered(f.drain, 6);
    is_sent(&f, 3, 12, 7);
    lp_drain_delivered(f.drain, 7);
    lp_drain_delivered(f.drain, f.sent[4].lines);
    lp_drain_delivered(f.drain, f.sent[5].lines);
    assert_int_equal(f.sent[6].lines, 10);
    end(&f);
}

/* It may have been read: its name stays, and so must its bytes. */
static void a_batch_without_an_answer_gets_more_time(void **state)
{
    static const uint32_t answer_ms[] = {5, 10, 20, 30, 30};
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    opt.answer_timeout_ms = answer_ms[0];
    opt.backoff_min_ms = 1;
    opt.backoff_max_ms = 30;
    opt.batch_bytes = 1000;
    begin_anew(&f, &opt);
    ring_fill(f.channel, 1, 60, 100);
    run_until_sent(&f, 1);
    assert_int_equal(lp_drain_answer_ms(f.drain), answer_ms[0]);
    for (unsigned n = 1; n <= 4; n++) {
        lp_drain_failed_late(f.drain, "it says nothing");
        run_until_sent(&f, 1 + n);
        is_sent(&f, n, 1, 10);
        assert_string_equal(f.sent[n].frame_id, f.sent[0].frame_id);
        assert_int_equal(lp_drain_answer_ms(f.drain), answer_ms[n]);
    }
    lp_drain_delivered(f.drain, 10);
    is_sent(&f, 5, 11, 5);
    assert_int_equal(lp_drain_answer_ms(f.drain), answer_ms[0]);
    end(&f);
}

static void what_the_ring_has_dropped_is_not_pending(void **state)
{
    fixture f;
    lp_drain_status status;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_failed(f.drain, "it is away", 10000);
    ring_fill(f.channel, 11, 5000, 100);
    status = status_of(&f);
    assert_int_equal(status.overflow_lines,
                     ring_stats(f.channel).oldest_seq - 1);
    assert_int_equal(status.pending_lines,
                     ring_stats(f.channel).resident_lines);
    assert_int_equal(lp_drains_pending(f.set), status.pending_lines);
    end(&f);
}

static void new_drains_go_before_those_that_fail(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    lp_drain *other[2];
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    opt.opening_max = 1;
    opt.batch_bytes = 1000;
    opt.backoff_min_ms = 1;
    opt.backoff_max_ms = 1;
    begin_anew(&f, &opt);
    CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://b/"),
                           LP_SPAN("d.2"), NULL, &other[0]));
    ring_fill(f.channel, 1, 10, 100);
    // Both fail so often that they are not new any more.
    for (unsigned i = 1; i <= 9; i++) {
        run_until_sent(&f, i);
        lp_drain_failed(f.last_drain, "it is away", 0);
    }
    run_until_sent(&f, 10);
    run_for(&f, 5); // one waits for its turn again
    CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                           LP_SPAN("d.3"), NULL, &other[1]));
    ring_fill(f.channel, 11, 20, 100);
    run_for(&f, 5);
    lp_drain_failed(f.last_drain, "it is away", 10000);
    run_until_sent(&f, 11);
    assert_ptr_equal(f.last_drain, other[1]);
    end(&f);
}

static void who_took_something_need_not_wait_for_those_that_hang(void **state)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    lp_drain *hung[6];
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    opt.opening_max = 4;
    opt.batch_bytes = 1000;
    opt.backoff_min_ms = 1;
    opt.backoff_max_ms = 1;
    opt.now_ns = test_now;
    opt.ctx = &f;
    begin_anew(&f, &opt);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_delivered(f.drain, 10);
    for (int i = 0; i < 6; i++)
        CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                               LP_SPAN("d.2"), NULL, &hung[i]));
    ring_fill(f.channel, 11, 20, 100);
    run_until_sent(&f, 5); // three of those that hang, and the known one
    lp_drain_failed(f.drain, "it hiccups", 0);
    run_until_sent(&f, 6);
    assert_ptr_equal(f.last_drain, f.drain);
    lp_drain_delivered(f.drain, 10);
    run_for(&f, 20);
    assert_int_equal(f.sent_count, 6);
    end(&f);
}

/* Life -------------------------------------------------------------------- */

/* One drain at a time tries. */
static void begin_in_turns(fixture *f)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    begin(f, 1, LP_DRAIN_DROP);
    opt.opening_max = 1;
    opt.batch_bytes = 1000;
    opt.backoff_min_ms = 1;
    begin_anew(f, &opt);
}

static void drains_that_fail_take_turns(void **state)
{
    lp_drain *other[2];
    fixture f;

    (void)state;
    begin_in_turns(&f);
    for (int i = 0; i < 2; i++)
        CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                               LP_SPAN("d.2"), NULL, &other[i]));
    run_for(&f, 5); // who has nothing to send needs no turn
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    run_for(&f, 20);
    assert_int_equal(f.sent_count, 1);
    lp_drain_failed(f.last_drain, "it is away", 10000);
    run_until_sent(&f, 2);
    lp_drain_close(f.last_drain);
    run_until_sent(&f, 3);
    run_for(&f, 20);
    lp_drain_delivered(f.last_drain, 10);
    assert_int_equal(f.sent_count, 3);
    end(&f);
}

static void
who_hangs_keeps_its_turn_for_a_while_and_the_newest_is_next(void **state)
{
    lp_drain *other[3];
    uint64_t began_ms;
    fixture f;

    (void)state;
    begin_in_turns(&f);
    began_ms = uv_now(&f.loop);
    for (int i = 0; i < 2; i++)
        CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                               LP_SPAN("d.2"), NULL, &other[i]));
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                           LP_SPAN("d.3"), NULL, &other[2]));
    ring_fill(f.channel, 11, 20, 100);
    run_for(&f, 50);
    assert_int_equal(f.sent_count, 1);
    run_until_sent(&f, 2); // nobody has said what became of the first
    assert_ptr_equal(f.last_drain, other[2]);
    assert_true(uv_now(&f.loop) - began_ms >= 400);
    run_until_sent(&f, 3);
    end(&f);
}

/* Returns if another drain has its turn while the first one hangs, which keeps a
 * segment. */
static bool has_turn_beside_one_that_hangs(uint64_t pinned_max_bytes)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    lp_drain *other;
    fixture f;
    bool has_turn;

    begin(&f, 1, LP_DRAIN_DROP);
    opt.opening_max = 1;
    opt.pinned_max_bytes = pinned_max_bytes;
    begin_anew(&f, &opt);
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    run_for(&f, SLOW_MS);
    lp_drain_failed(f.drain, "it hangs", 60000);
    assert_true(lp_drain_retry(f.drain));
    run_until_sent(&f, 2);
    assert_int_equal(lp_engine_kept(f.engine, OF_HUNG), 4096);
    CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                           LP_SPAN("d.2"), NULL, &other));
    ring_fill(f.channel, 11, 20, 100);
    run_for(&f, 150); // longer than it lingers
    assert_int_equal(drain_status(other).state, LP_DRAIN_QUEUES);
    lp_drain_reached(f.drain);
    run_for(&f, 30);
    has_turn = drain_status(other).state == LP_DRAIN_SENDS;
    end(&f);
    return has_turn;
}

static void who_hangs_keeps_its_turn_where_memory_is_short(void **state)
{
    (void)state;
    assert_true(has_turn_beside_one_that_hangs(128 << 10));
    assert_false(has_turn_beside_one_that_hangs(64 << 10));
}

static void at_the_end_who_was_never_reached_gets_no_turn(void **state)
{
    lp_drain *other;
    fixture f;

    (void)state;
    begin_in_turns(&f);
    CHECK_OK(lp_drain_open(f.set, f.channel, LP_SPAN("test://c/"),
                           LP_SPAN("d.2"), NULL, &other));
    ring_fill(f.channel, 1, 10, 100);
    run_until_sent(&f, 1);
    lp_drain_failed(f.last_drain, "it is away", 0);
    run_until_sent(&f, 2);
    run_for(&f, 5); // the first waits for its turn again
    lp_drains_hurry(f.set);
    assert_true(lp_drains_is_busy(f.set));
    lp_drain_failed(f.last_drain, "it is away", 0);
    run_for(&f, 50);
    assert_int_equal(f.sent_count, 2);
    assert_false(lp_drains_is_busy(f.set));
    end(&f);
}

static void a_closed_channel_is_sent_to_its_end(void **state)
{
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    f.answers_at_once = true;
    lp_channel_ref(f.channel);
    ring_fill(f.channel, 1, 25, 100);
    lp_channel_close(f.channel);
    run_until_sent(&f, 3);
    assert_int_equal(lp_drains_pending(f.set), 0);
    run_for(&f, 20); // and then it is quiet
    end(&f);
}

static void a_scheme_that_nobody_knows_is_refused(void **state)
{
    lp_drain *drain;
    fixture f;

    (void)state;
    begin(&f, 1, LP_DRAIN_DROP);
    CHECK_ERR(lp_drain_open(f.set, f.channel, LP_SPAN("gopher://a/"),
                            LP_SPAN("d.1"), NULL, &drain),
              LP_E_INVALID);
    CHECK_ERR(lp_drain_redirect(f.drain, LP_SPAN("test")), LP_E_INVALID);
    end(&f);
}

static const struct CMUnitTest of_memory[] = {
    cmocka_unit_test(what_is_in_flight_keeps_no_more_than_it_may),
    cmocka_unit_test(a_batch_keeps_a_16th_of_what_is_left_at_most),
    cmocka_unit_test(what_a_sieve_leaves_out_is_not_kept),
    cmocka_unit_test(half_of_what_lines_may_have_is_kept_at_most),
    cmocka_unit_test(who_gets_answers_is_not_held_up_by_those_who_get_none),
    cmocka_unit_test(who_is_answered_at_once_is_not_held_up_by_the_slow),
    cmocka_unit_test(who_fails_at_once_is_not_held_up_by_those_who_hang),
    cmocka_unit_test(who_is_quick_no_more_holds_up_none_that_are),
    cmocka_unit_test(what_has_left_keeps_no_memory),
    cmocka_unit_test(who_is_sent_elsewhere_is_not_known_to_be_quick),
    cmocka_unit_test(who_is_new_is_not_held_up_for_ever),
    cmocka_unit_test(who_waits_for_memory_goes_first),
    cmocka_unit_test(who_let_others_go_first_does_not_so_each_time),
    cmocka_unit_test(who_is_quick_waits_for_none_that_are_slow),
    cmocka_unit_test(who_has_lost_what_was_to_come_again_goes_on),
    cmocka_unit_test(what_failed_behind_a_loss_is_the_same_when_it_comes_again),
    cmocka_unit_test(what_is_sent_again_waits_until_all_of_it_may_be_kept),
    cmocka_unit_test(what_is_sent_again_does_not_wait_for_ever),
    cmocka_unit_test(what_is_sent_again_is_what_it_was_behind_a_pause),
};

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_leave_in_batches_one_at_a_time),
        cmocka_unit_test(a_line_lingers_for_others_but_a_full_batch_does_not),
        cmocka_unit_test(a_prompt_line_lingers_only_behind_half_a_window),
        cmocka_unit_test(a_burst_is_gathered_but_a_few_lines_are_not),
        cmocka_unit_test(
            a_stream_has_larger_batches_while_it_takes_all_at_once),
        cmocka_unit_test(a_window_is_filled_as_far_as_the_protocol_takes_it),
        cmocka_unit_test(lines_that_the_ring_may_drop_linger_no_more),
        cmocka_unit_test(batches_of_drains_that_compress_end_at_the_same_lines),
        cmocka_unit_test(what_is_sent_again_is_the_same_lines_in_step_or_not),
        cmocka_unit_test(bytes_end_a_batch_before_its_step_is_over),
        cmocka_unit_test(what_failed_is_sent_again_with_the_same_name),
        cmocka_unit_test(a_sink_says_how_long_it_wants_to_be_left_alone),
        cmocka_unit_test(who_only_takes_is_not_well_at_once),
        cmocka_unit_test(
            all_that_is_in_flight_comes_back_but_not_what_has_arrived),
        cmocka_unit_test(
            what_the_ring_forgot_is_told_once_and_in_the_same_words),
        cmocka_unit_test(what_was_refused_is_told_in_front_of_the_next_lines),
        cmocka_unit_test(a_parked_drain_rests_until_it_is_sent_elsewhere),
        cmocka_unit_test(a_parked_drain_goes_on_when_it_is_released),
        cmocka_unit_test(who_waits_after_a_failure_is_not_released),
        cmocka_unit_test(who_waits_tries_at_once_when_told_to),
        cmocka_unit_test(a_drain_that_retries_refusals_loses_nothing),
        cmocka_unit_test(a_batch_that_is_too_large_comes_in_smaller_ones),
        cmocka_unit_test(a_sink_that_takes_more_again_gets_full_batches_again),
        cmocka_unit_test(a_sink_that_says_no_is_asked_less_and_less_often),
        cmocka_unit_test(
            what_took_too_long_comes_in_smaller_batches_for_a_while),
        cmocka_unit_test(a_batch_without_an_answer_gets_more_time),
        cmocka_unit_test(what_the_ring_has_dropped_is_not_pending),
        cmocka_unit_test(new_drains_go_before_those_that_fail),
        cmocka_unit_test(who_took_something_need_not_wait_for_those_that_hang),
        cmocka_unit_test(drains_that_fail_take_turns),
        cmocka_unit_test(
            who_hangs_keeps_its_turn_for_a_while_and_the_newest_is_next),
        cmocka_unit_test(who_hangs_keeps_its_turn_where_memory_is_short),
        cmocka_unit_test(at_the_end_who_was_never_reached_gets_no_turn),
        cmocka_unit_test(a_closed_channel_is_sent_to_its_end),
        cmocka_unit_test(a_scheme_that_nobody_knows_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL) +
           cmocka_run_group_tests(of_memory, NULL, NULL);
}
