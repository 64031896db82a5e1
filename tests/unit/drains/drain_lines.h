/* drain_lines.h - a channel, its drain and a loop around a real protocol. */
#ifndef TESTS_DRAIN_LINES_H
#define TESTS_DRAIN_LINES_H

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "drain_loop.h"
#include "logplex/drain.h"
#include "logplex/render.h"

typedef struct fixture {
    uv_loop_t loop;
    lp_engine *engine;
    lp_channel *channel;
    lp_drains *set;
    lp_drain *drain;
    lp_drains_options opt; /* to be changed before open_drain() */
} fixture;

static inline void begin(fixture *f, uint64_t ring_bytes)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;

    memset(f, 0, sizeof(*f));
    uv_loop_init(&f->loop);
    f->engine = ring_engine(1 << 30); // batches may be large
    f->channel = ring_channel(f->engine, 10, ring_bytes);
    opt.linger_ms = 1;
    opt.backoff_min_ms = 10;
    opt.backoff_max_ms = 20;
    opt.connect_timeout_ms = 30000; // both are for a machine under load
    opt.answer_timeout_ms = 30000;
    f->opt = opt;
}

static inline void open_drain(fixture *f, const char *url)
{
    CHECK_OK(lp_drains_create(&f->loop, &f->opt, &f->set));
    CHECK_OK(lp_drain_open(f->set, f->channel, lp_span_str(url), LP_SPAN("d.1"),
                           NULL, &f->drain));
}

static inline void end(fixture *f)
{
    lp_drains_destroy(f->set);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    lp_channel_close(f->channel);
    assert_int_equal(ring_ledger(f->engine).pinned_bytes, 0);
    lp_engine_destroy(f->engine);
}

/* A line whose text is given. */
static inline void say(fixture *f, const char *text, size_t text_bytes)
{
    lp_syslog msg = {.pri = 134, .format = LP_SYSLOG_3164};
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = 1};

    msg.app = LP_SPAN("app");
    msg.procid = LP_SPAN("web.1");
    msg.msg = lp_span_of(text, text_bytes);
    CHECK_OK(lp_render_line(&msg, lp_span_of(NULL, 0), &scratch, &line));
    CHECK_OK(lp_channel_append(f->channel, &line, NULL));
}

/* Lines that say their numbers, from first to last, of some width each. */
static inline void say_lines(fixture *f, uint64_t first, uint64_t last,
                             size_t width)
{
    char text[4096];

    assert_true(width + RING_TEXT_MIN_BYTES <= sizeof(text));
    for (uint64_t n = first; n <= last; n++) {
        size_t text_bytes = ring_text(n, width, text);

        text[strcspn(text, "\n")] = ' ';
        text[text_bytes - 1] = '\n';
        say(f, text, text_bytes);
    }
}

static inline void run_for(fixture *f, unsigned ms)
{
    loop_run_for(&f->loop, ms);
}

static inline lp_drain_status status_of(fixture *f)
{
    return drain_status(f->drain);
}

#endif /* TESTS_DRAIN_LINES_H */
