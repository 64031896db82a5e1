/*
 * bench_path.c - the way of a line through the daemon's own code, in one thread and
 * the same at each run: it is made for `tests/bench/profile`, which counts the
 * instructions of each part of it.
 *
 *     bench_path HTTP_PORT SYSLOG_PORT
 *
 *     path_ingest        reads of syslog over TCP, dealt out over CHANNELS
 *     path_count         a second of one busy channel is counted by its home
 *     path_drain_http    a drain sends the same lines to a sink (sinks.c) at that
 *     path_drain_syslog  port of 127.0.0.1
 *     path_tail_text     and tails show them
 *     path_tail_events
 *
 * Each of these functions is called once to warm up, and then ROUNDS times more.
 * Prints name=LINES of these, for each. What is not in one of them is not the
 * daemon's: to make the lines, to fill a ring, to take it all down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate/aggregating.h"
#include "aggregate/aggregator_impl.h"
#include "corpus.h"
#include "ingest/ingest.h"
#include "logplex/drain.h"
#include "tail/outflow.h"
#include "tail/tail_form.h"

enum {
    CHANNELS = 100,
    TOKEN_BYTES = 40,
    LINE_BYTES = 300,
    READ_LINES = (256 << 10) / (LINE_BYTES + 4),
    READS = 24,
    BUSY_LINES = READ_LINES * READS, /* a second of it */
    FILL_LINES = 2000, /* to each channel: more than its history */
    ROUNDS = 2,
    PATIENCE_MS = 120000,   /* of drains: valgrind takes its time */
    BLOCK_BYTES = 64 << 10, /* of a tail */
    RUN_LINES = 1024        /* likewise */
};

/* Its symbol is what the profile goes by. */
#ifdef __clang__ // which makes no clones, and doesn't know the word
#define PATH __attribute__((noinline)) static
#else
#define PATH __attribute__((noinline, noclone)) static
#endif

typedef struct reader {
    lp_cursor *cursor;
    const tail_form *form;
} reader;

typedef struct sender {
    lp_drains *set; /* of its own, so that each can wait for its turn */
    lp_drain *drain;
} sender;

typedef struct world {
    config cfg;
    daemon_shared shared;
    worker *w;
    lp_framer framer;
    int64_t now_ns;
    corpus_tokens tokens; /* of all but the busy channel */
    corpus lines;
    const catalog_token *token; /* the busy one's */
    lp_channel *ring;           /* likewise ... */
    aggregator *numbers;        /* ... and its numbers */
    uv_loop_t loop;
    sender http, syslog;
    reader text, events;
} world;

static void die(const char *what)
{
    fprintf(stderr, "bench_path: %s\n", what);
    exit(1);
}

static void check(lp_err err)
{
    if (err != LP_OK)
        die(lp_strerror(err));
}

/* Lines ------------------------------------------------------------------- */

static const char *start_of(const world *it, unsigned line)
{
    return it->lines.data + it->lines.ends[line];
}

/* Whole lines are in each read, and the carry is not seen. */
static lp_span read_of(const world *it, unsigned index)
{
    const char *from = start_of(it, index * READ_LINES);
    const char *to = start_of(it, (index + 1) * READ_LINES);

    return lp_span_of(from, (size_t)(to - from));
}

/* As ingest_tcp.c does. */
static void take_read(world *it, lp_span bytes)
{
    worker *w = it->w;
    lp_frame frame;

    ingest_begin(w->ingest, LISTENER_SYSLOG_TCP, it->now_ns);
    while (lp_framer_next(&it->framer, &bytes, &frame) == LP_OK)
        ingest_frame(w->ingest, frame.bytes);
    ingest_end(w->ingest, NULL);
    ingest_count_framer(w, LISTENER_SYSLOG_TCP, &it->framer);
}

static void take_reads(world *it)
{
    for (unsigned i = 0; i < READS; i++)
        take_read(it, read_of(it, i));
}

/* The same lines in a second of one channel. */
static void fill_busy(world *it)
{
    worker *w = it->w;
    lp_frame frame;

    for (unsigned i = 0; i < READS; i++) {
        lp_span bytes = read_of(it, i);

        ingest_begin(w->ingest, LISTENER_SYSLOG_TCP, it->now_ns);
        while (lp_framer_next(&it->framer, &bytes, &frame) == LP_OK)
            ingest_frame_for(w->ingest, frame.bytes, it->token);
        ingest_end(w->ingest, NULL);
        it->now_ns += INT64_C(1000000000) / READS;
    }
}

PATH void path_ingest(world *it)
{
    take_reads(it);
}

/* Counting ---------------------------------------------------------------- */

/* As its home does; it was told of the lines by ingest. */
static uint64_t count_lines(world *it, aggregator *numbers)
{
    aggregator_read read;

    aggregator_read_on(numbers, UINT64_MAX, &read);
    pace_read(it->shared.pace, 0, read.lines);
    if (read.lost_lines > 0 || read.uncounted_lines > 0)
        die("lines are not counted");
    return read.lines;
}

static bool count_channel(const catalog_channel *channel, void *ctx)
{
    count_lines(ctx, aggregator_of(channel));
    return true;
}

static void count_channels(world *it)
{
    catalog_each_channel(catalog_reader_view(&it->w->reader), count_channel,
                         it);
}

PATH void path_count(world *it)
{
    if (count_lines(it, it->numbers) != BUSY_LINES)
        die("not all lines are counted");
}

/* Draining ---------------------------------------------------------------- */

static sender open_sender(world *it, const char *scheme, const char *port)
{
    lp_drains_options opt = LP_DRAINS_OPTIONS_INIT;
    char url[64];
    sender s;

    opt.linger_ms = it->cfg.drain_linger_ms;
    opt.batch_bytes = (uint32_t)it->cfg.drain_batch_bytes;
    opt.connect_timeout_ms = opt.answer_timeout_ms = PATIENCE_MS;
    check(lp_drains_create(&it->loop, &opt, &s.set));
    lp_drains_pause(s.set, true);
    snprintf(url, sizeof(url), "%s://127.0.0.1:%s/", scheme, port);
    check(lp_drain_open(s.set, it->ring, lp_span_str(url),
                        LP_SPAN("d.a3a9f5f9-1150-431b-9439-eaa7cbdcab2c"), NULL,
                        &s.drain));
    return s;
}

static bool is_behind(const sender *s)
{
    lp_drain_status status = {.struct_bytes = sizeof(status)};

    lp_drain_status_get(s->drain, &status);
    if (status.failures > 0)
        die(status.error);
    return status.pending_lines > 0;
}

static void send_all(world *it, const sender *s)
{
    uv_update_time(&it->loop); // it has not turned for a while
    lp_drains_pause(s->set, false);
    while (is_behind(s))
        uv_run(&it->loop, UV_RUN_ONCE);
    lp_drains_pause(s->set, true);
}

PATH void path_drain_http(world *it)
{
    send_all(it, &it->http);
}

PATH void path_drain_syslog(world *it)
{
    send_all(it, &it->syslog);
}

/* Tails ------------------------------------------------------------------- */

static reader open_reader(const world *it, const tail_form *form)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    reader r = {.form = form};

    check(lp_cursor_open(it->ring, &opt, &r.cursor));
    return r;
}

/* As tail.c has it, but that no one asks for blocks. */
static void put_line(outflow *flow, char *block, const reader *r,
                     const lp_record *record)
{
    tail_line line = {*record, 1, false};

    if (outflow_put(flow, r->form->line, &line) == OUTFLOW_OK)
        return;
    outflow_begin(flow, block, BLOCK_BYTES);
    if (outflow_put(flow, r->form->line, &line) != OUTFLOW_OK)
        die("a line is larger than a block");
}

static void tail_all(const reader *r)
{
    static char block[BLOCK_BYTES];
    outflow flow = {0};
    unsigned lines = 0;
    lp_run run;

    outflow_begin(&flow, block, BLOCK_BYTES);
    while (lp_cursor_next(r->cursor, RUN_LINES, 0, &run) == LP_OK) {
        for (uint32_t i = 0; i < run.line_count; i++) {
            lp_record record = lp_run_at(&run, i);

            put_line(&flow, block, r, &record);
        }
        lines += run.line_count;
        lp_run_release(&run);
    }
    outflow_fini(&flow);
    if (lines != BUSY_LINES)
        die("a tail has lost lines");
}

PATH void path_tail_text(world *it)
{
    tail_all(&it->text);
}

PATH void path_tail_events(world *it)
{
    tail_all(&it->events);
}

/* The world --------------------------------------------------------------- */

static void make_channel(world *it, const char *id, char token[TOKEN_BYTES])
{
    lp_span name = LP_SPAN("heroku");
    bool is_new;

    if (catalog_put_channel(it->shared.cat, lp_span_str(id), NULL, 0,
                            &is_new) != CATALOG_OK ||
        catalog_add_token(it->shared.cat, lp_span_str(id), name, token) !=
            CATALOG_OK)
        die("no channel");
}

static void make_channels(world *it)
{
    char busy[TOKEN_BYTES];

    for (unsigned c = 0; c < CHANNELS; c++) {
        char *token = malloc(TOKEN_BYTES);
        char id[32];

        if (!token)
            die("no memory");
        snprintf(id, sizeof(id), "channel-%u", c);
        make_channel(it, id, token);
        it->tokens.all[it->tokens.count++] = token;
    }
    make_channel(it, "busy", busy);
    // Nothing in the catalog changes from here on.
    it->token = catalog_find_token(catalog_reader_view(&it->w->reader),
                                   lp_span_str(busy));
    it->ring = it->token->channel->ring;
    it->numbers = aggregator_of(it->token->channel);
}

static void open_daemon(world *it)
{
    static char program[] = "logplexd", option[] = "--workers", one[] = "1";
    char *argv[] = {program, option, one, NULL};
    lp_engine_options engine_opt = LP_ENGINE_OPTIONS_INIT;
    catalog_limits limits = {0};
    char why[200];

    if (config_load(&it->cfg, 3, argv) != CONFIG_RUN)
        die("no configuration");
    engine_opt.memory_max_bytes = it->cfg.memory_max_bytes;
    it->shared.cfg = &it->cfg;
    it->w = calloc(1, sizeof(*it->w));
    if (!it->w)
        die("no memory");
    it->w->shared = &it->shared;
    check(lp_engine_create(&engine_opt, &it->shared.engine));
    if (catalog_open(it->shared.engine, NULL, &limits, NULL, &it->shared.cat,
                     why, sizeof(why)) != CATALOG_OK)
        die(why);
    if (!aggregates_open(&it->shared))
        die("no aggregates");
    catalog_reader_init(&it->w->reader, it->shared.cat);
    it->w->ingest = ingest_create(it->w);
    if (!it->w->ingest)
        die("no memory");
}

static void open_readers(world *it, char **ports)
{
    uv_loop_init(&it->loop);
    it->http = open_sender(it, "http", ports[0]);
    it->syslog = open_sender(it, "syslog", ports[1]);
    it->text = open_reader(it, &tail_form_text);
    it->events = open_reader(it, &tail_form_events);
}

static void close_world(world *it)
{
    lp_cursor_close(it->text.cursor);
    lp_cursor_close(it->events.cursor);
    lp_drains_destroy(it->http.set);
    lp_drains_destroy(it->syslog.set);
    uv_run(&it->loop, UV_RUN_DEFAULT);
    uv_loop_close(&it->loop);
    ingest_destroy(it->w->ingest);
    catalog_reader_fini(&it->w->reader);
    catalog_close(it->shared.cat);
    aggregates_close(&it->shared);
    lp_engine_destroy(it->shared.engine);
    config_fini(&it->cfg);
    free(it->w);
    free(it);
}

/* Every ring gives its oldest segment for a new one from here on. */
static void fill_rings(world *it)
{
    for (unsigned lines = 0; lines < FILL_LINES * CHANNELS;
         lines += READS * READ_LINES) {
        take_reads(it);
        count_channels(it);
    }
}

static void go_round(world *it)
{
    path_ingest(it);
    count_channels(it);
    fill_busy(it);
    path_count(it);
    path_drain_http(it);
    path_drain_syslog(it);
    path_tail_text(it);
    path_tail_events(it);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"path_ingest",     "path_count",
                                        "path_drain_http", "path_drain_syslog",
                                        "path_tail_text",  "path_tail_events"};
    world *it = calloc(1, sizeof(*it));

    if (argc != 3) {
        fprintf(stderr, "usage: bench_path HTTP_PORT SYSLOG_PORT\n");
        return 64;
    }
    if (!it)
        die("no memory");
    it->now_ns = INT64_C(1764130500000000000);
    open_daemon(it);
    make_channels(it);
    lp_framer_init(&it->framer, it->cfg.frame_max_bytes);
    corpus_make(&it->lines, &it->tokens, CORPUS_ROUTER, CORPUS_COUNTED,
                LINE_BYTES);
    open_readers(it, argv + 1);
    fill_rings(it);
    for (int i = 0; i <= ROUNDS; i++)
        go_round(it);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        printf("%s=%d\n", names[i], ROUNDS * BUSY_LINES);
    close_world(it);
    return 0;
}
