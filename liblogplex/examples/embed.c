/*
 * embed.c - ingest, parse, keep, subscribe: a log engine in one screen, without
 * the daemon.
 *
 *     printf '<13>1 - host app web.1 - - hello\n' | embed
 *
 * reads syslog frames (RFC 6587, counted or one on each line) from stdin, keeps
 * them in a channel, and follows that channel with a cursor, as any number of
 * others could. The ledger at the end accounts for every line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <logplex/framer.h>
#include <logplex/logplex.h>
#include <logplex/render.h>
#include <logplex/syslog.h>

// Two frames of the largest size: what is left of one, and room to read.
enum { BUFFER_BYTES = 2 * LP_FRAME_MAX_DEFAULT_BYTES };

static void or_exit(lp_err err, const char *doing)
{
    if (err == LP_OK)
        return;
    (void)fprintf(stderr, "embed: %s: %s\n", doing, lp_strerror(err));
    exit(EXIT_FAILURE);
}

static int64_t now_ns(void)
{
    struct timespec now;

    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// One frame to one line of the channel: its bytes are copied once, in append.
static void keep(lp_channel *channel, const lp_frame *frame)
{
    lp_render_scratch scratch;
    lp_line line = {.arrival_ns = now_ns()};
    lp_syslog msg;

    if (lp_syslog_parse(frame->bytes, &msg, NULL) != LP_OK) {
        (void)fprintf(stderr, "embed: not syslog: %.*s\n",
                      (int)frame->bytes.len_bytes, frame->bytes.ptr);
        return;
    }
    or_exit(lp_render_line(&msg, LP_SPAN(""), &scratch, &line), "render");
    or_exit(lp_channel_append(channel, &line, NULL), "append");
}

static void print_span(lp_span span)
{
    (void)fwrite(span.ptr, 1, span.len_bytes, stdout);
}

static void print_record(const lp_record *record)
{
    lp_span msg = lp_record_msg(record);

    if (msg.len_bytes > 0 && msg.ptr[msg.len_bytes - 1] == '\n')
        msg.len_bytes--;
    print_span(lp_record_app(record));
    (void)putchar('[');
    print_span(lp_record_procid(record));
    print_span(LP_SPAN("]: "));
    print_span(msg);
    (void)putchar('\n');
}

// Prints all that is new to this reader, and what it was too slow for.
static void follow(lp_cursor *cursor)
{
    lp_run run;

    while (lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
        if (run.lost_lines > 0)
            (void)printf("(%" PRIu64 " lines lost)\n", run.lost_lines);
        for (uint32_t i = 0; i < run.line_count; i++) {
            lp_record record = lp_run_at(&run, i);

            print_record(&record);
        }
        lp_run_release(&run);
    }
}

static void pump(lp_channel *channel, lp_cursor *cursor)
{
    static char buffer[BUFFER_BYTES];
    lp_span rest = lp_span_of(buffer, 0);
    lp_framer framer;
    lp_frame frame;
    ssize_t got_bytes;

    lp_framer_init(&framer, 0);
    while ((got_bytes = read(STDIN_FILENO, buffer + rest.len_bytes,
                             sizeof(buffer) - rest.len_bytes)) > 0) {
        rest = lp_span_of(buffer, rest.len_bytes + (size_t)got_bytes);
        while (lp_framer_next(&framer, &rest, &frame) == LP_OK)
            keep(channel, &frame);
        memmove(buffer, rest.ptr, rest.len_bytes);
        rest.ptr = buffer;
        follow(cursor);
    }
    if (got_bytes < 0)
        perror("embed: stdin");
    while (lp_framer_finish(&framer, &rest, &frame) == LP_OK)
        keep(channel, &frame);
    follow(cursor);
}

int main(void)
{
    lp_engine_options options = LP_ENGINE_OPTIONS_INIT;
    lp_ledger ledger = LP_LEDGER_INIT;
    lp_engine *engine;
    lp_channel *channel;
    lp_cursor *cursor;

    options.epoch = (uint64_t)now_ns();
    or_exit(lp_engine_create(&options, &engine), "make an engine");
    or_exit(lp_channel_open(engine, NULL, &channel), "open a channel");
    or_exit(lp_cursor_open(channel, NULL, &cursor), "subscribe");

    pump(channel, cursor);

    lp_engine_ledger(engine, &ledger);
    (void)printf(
        "appended %" PRIu64 " = resident %" PRIu64 " + evicted %" PRIu64
        "; delivered %" PRIu64 ", lost %" PRIu64 "\n",
        ledger.appended_lines, ledger.resident_lines, ledger.evicted_lines,
        ledger.delivered_lines, ledger.lost_lines);
    lp_cursor_close(cursor);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
    return EXIT_SUCCESS;
}
