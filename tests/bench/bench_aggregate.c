/*
 * bench_aggregate - CPU time a line of a cursor that counts, part by part: reading
 * alone, with what the line measures, and with the aggregate.
 *
 * Router lines of 300 bytes, with their keys in the router's order, of 8 dynos, 12
 * routes with ids in them, 6 statuses and log-normal times. They are appended
 * beforehand, in rounds of what a channel holds, and only reading is timed. Arrival
 * says how many there are in a second: a second costs something as well.
 *
 * With arguments: LINES_PER_SECOND of a channel, and ROUNDS, for callgrind; then
 * CHANNELS, and how many LINES each has when its turn comes; or day, for what memory
 * keeps of a day alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "logplex/aggregate.h"
#include "logplex/render.h"

enum {
    LINES = 2000,
    LINE_BYTES = 300,
    ROUNDS = 200,
    BATCH = 64,
    HEAD_BYTES = 66,
    TAIL_BYTES = 128
};

typedef enum part { PART_READ, PART_MEASURES, PART_AGGREGATE } part;

static const char *const part_names[] = {"reading", "and measures",
                                         "and aggregates"};

typedef struct counted {
    lp_channel *channel;
    lp_cursor *cursor;
    lp_aggregate *aggregate;
} counted;

typedef struct bench {
    lp_engine *engine;
    lp_aggregates *shared;
    counted *channels;
    unsigned channel_count;
    unsigned turn_lines; /* that a channel has when its turn comes */
    char *texts;         /* LINES of LINE_BYTES */
    int64_t now_ns;
    int64_t step_ns;
} bench;

/* What the parts found, so that no compiler leaves them out. */
static uint64_t sum;

static uint64_t chance(void)
{
    static uint64_t seed = 42;

    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * UINT64_C(2685821657736338717);
}

static double fraction(void)
{
    return (double)((chance() >> 11) + 1) / 9007199254740992.0;
}

static double cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(lp_err err)
{
    if (err != LP_OK) {
        fprintf(stderr, "%s\n", lp_strerror(err));
        exit(1);
    }
}

static void make_texts(bench *b)
{
    static const char *const paths[] = {"/",
                                        "/users/%u",
                                        "/users/%u/posts",
                                        "/articles/%u",
                                        "/login",
                                        "/api/v2/search?q=%u",
                                        "/orders/%u/items",
                                        "/assets/app-%08x.js",
                                        "/health",
                                        "/cart",
                                        "/admin",
                                        "/feed.xml"};
    static const int statuses[] = {200, 200, 200, 200, 200, 200, 200, 200,
                                   200, 200, 302, 304, 404, 200, 200, 500};

    for (unsigned i = 0; i < LINES; i++) {
        char *text = b->texts + (size_t)i * (LINE_BYTES + 1);
        double service = exp(3 + sqrt(-2 * log(fraction())) *
                                     cos(6.283185307179586 * fraction()));
        char path[64];
        char tail[TAIL_BYTES];
        int head_bytes;
        int tail_bytes;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(path, sizeof(path), paths[chance() % 12],
                 (unsigned)(chance() % 100000));
#pragma GCC diagnostic pop
        head_bytes =
            snprintf(text, LINE_BYTES + 1,
                     "at=info method=GET path=\"%s\" host=app.example.com "
                     "request_id=%08x-0000-4000-8000-0000%08x fwd=\"",
                     path, (unsigned)chance(), (unsigned)chance());
        tail_bytes =
            snprintf(tail, sizeof(tail),
                     "\" dyno=web.%u connect=%ums service=%ums status=%d "
                     "bytes=%u protocol=https",
                     (unsigned)(chance() % 8) + 1, (unsigned)(chance() % 3),
                     (unsigned)service, statuses[chance() % 16],
                     (unsigned)(chance() % 40000));
        // With its head, and many proxies in front, it has 300 bytes.
        while (head_bytes + tail_bytes < LINE_BYTES - HEAD_BYTES) {
            text[head_bytes++] = (char)('0' + i % 10);
        }
        memcpy(text + head_bytes, tail, (size_t)tail_bytes + 1);
    }
}

static void render(bench *b, const char *process, const char *text,
                   lp_render_scratch *scratch, lp_line *line)
{
    lp_syslog msg = {.format = LP_SYSLOG_3164,
                     .pri = 158,
                     .app = LP_SPAN("heroku"),
                     .procid = lp_span_str(process),
                     .msg = lp_span_str(text)};

    memset(line, 0, sizeof(*line));
    line->arrival_ns = b->now_ns;
    check(lp_render_line(&msg, LP_SPAN("host heroku "), scratch, line));
}

/* From one of the texts on; the time is that of all channels. */
static void append_turn(bench *b, lp_channel *channel, unsigned from)
{
    lp_line lines[BATCH];
    lp_render_scratch scratch[BATCH];

    for (unsigned at = 0; at < b->turn_lines; at += BATCH) {
        unsigned left = b->turn_lines - at;
        unsigned count = left < BATCH ? left : BATCH;

        for (unsigned i = 0; i < count; i++) {
            b->now_ns += b->step_ns;
            render(b, "router",
                   b->texts +
                       (size_t)((from + at + i) % LINES) * (LINE_BYTES + 1),
                   &scratch[i], &lines[i]);
            lines[i].next = i + 1 < count ? &lines[i + 1] : NULL;
        }
        check(lp_channel_append(channel, lines, NULL));
    }
}

/* A turn of each channel. */
static void append(bench *b)
{
    int64_t start_ns = b->now_ns;

    for (unsigned c = 0; c < b->channel_count; c++) {
        b->now_ns = start_ns;
        append_turn(b, b->channels[c].channel, (unsigned)chance() % LINES);
    }
}

static void use_run(const counted *channel, const lp_run *run, part which)
{
    if (which == PART_AGGREGATE) {
        lp_aggregate_run(channel->aggregate, run);
        return;
    }
    for (uint32_t i = 0; i < run->line_count; i++) {
        lp_record record = lp_run_at(run, i);

        if (which == PART_MEASURES) {
            lp_measure_line line = lp_measure_line_of(&record);
            lp_measures m;

            lp_measures_read(NULL, &line, &m);
            sum += m.count;
        }
        sum += record.bytes.len_bytes;
    }
}

/* Nanoseconds a line. */
static double time_round(bench *b, part which)
{
    double start;
    lp_run run;

    append(b);
    start = cpu_ns();
    for (unsigned c = 0; c < b->channel_count; c++) {
        const counted *channel = &b->channels[c];

        while (lp_cursor_next(channel->cursor, 0, 0, &run) == LP_OK) {
            use_run(channel, &run, which);
            lp_run_release(&run);
        }
    }
    return (cpu_ns() - start) / b->turn_lines / b->channel_count;
}

static void open_bench(bench *b, long lines_per_s, unsigned channel_count)
{
    lp_engine_options engine_opt = LP_ENGINE_OPTIONS_INIT;
    lp_channel_options channel_opt = LP_CHANNEL_OPTIONS_INIT;
    lp_cursor_options cursor_opt = LP_CURSOR_OPTIONS_INIT;

    engine_opt.memory_max_bytes = (uint64_t)64 << 20;
    if (channel_count > 1) {
        engine_opt.memory_max_bytes <<= 5;
    }
    channel_opt.bytes_max = channel_count > 1 ? 1 << 20 : 16 << 20;
    cursor_opt.start = LP_START_OLDEST;
    b->channel_count = channel_count;
    b->channels = calloc(channel_count, sizeof(*b->channels));
    check(b->channels == NULL ? LP_E_NOMEM : LP_OK);
    check(lp_engine_create(&engine_opt, &b->engine));
    check(lp_aggregates_create(NULL, &b->shared));
    for (unsigned c = 0; c < channel_count; c++) {
        counted *channel = &b->channels[c];

        check(lp_channel_open(b->engine, &channel_opt, &channel->channel));
        check(lp_cursor_open(channel->channel, &cursor_opt, &channel->cursor));
        check(lp_aggregate_open(b->shared, &channel->aggregate));
    }
    b->now_ns = INT64_C(1764130500000000000);
    b->step_ns = 1000000000 / lines_per_s;
}

static void close_bench(bench *b)
{
    for (unsigned c = 0; c < b->channel_count; c++) {
        lp_aggregate_close(b->channels[c].aggregate);
        lp_cursor_close(b->channels[c].cursor);
        lp_channel_close(b->channels[c].channel);
    }
    lp_aggregates_destroy(b->shared);
    lp_engine_destroy(b->engine);
    free(b->channels);
}

static void run_bench(bench *b, long lines_per_s, int rounds,
                      unsigned channel_count)
{
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};

    open_bench(b, lines_per_s, channel_count);
    printf("%u channels of %ld lines a second, of %d bytes, %u at a time:\n",
           channel_count, lines_per_s, LINE_BYTES, b->turn_lines);
    for (int which = PART_READ; which <= PART_AGGREGATE; which++) {
        double best = time_round(b, (part)which);
        double all = 0;

        for (int i = 0; i < rounds; i++) {
            double ns = time_round(b, (part)which);

            best = ns < best ? ns : best;
            all += ns;
        }
        printf("    %-16s %6.1f ns a line at best, %6.1f on average\n",
               part_names[which], best, all / rounds);
    }
    lp_aggregate_stats_get(b->channels[0].aggregate, &stats);
    printf("    %u series, %llu bytes\n", stats.series,
           (unsigned long long)stats.bytes);
    close_bench(b);
}

static void say(bench *b, const char *process, const char *text)
{
    lp_render_scratch scratch;
    lp_line line;

    render(b, process, text, &scratch, &line);
    check(lp_channel_append(b->channels[0].channel, &line, NULL));
}

/* What the platform says of 8 dynos, each 20 s. */
static void say_samples(bench *b)
{
    for (unsigned i = 1; i <= 8; i++) {
        char process[16], text[400];

        snprintf(process, sizeof(process), "web.%u", i);
        snprintf(text, sizeof(text),
                 "source=web.%u dyno=heroku.1.%u sample#load_avg_1m=%.2f "
                 "sample#load_avg_5m=%.2f sample#load_avg_15m=%.2f",
                 i, i, 3 * fraction(), 3 * fraction(), 3 * fraction());
        say(b, process, text);
        snprintf(text, sizeof(text),
                 "source=web.%u dyno=heroku.1.%u sample#memory_total=%.2fMB "
                 "sample#memory_rss=%.2fMB sample#memory_cache=0.00MB "
                 "sample#memory_swap=0.00MB sample#memory_pgpgin=%upages "
                 "sample#memory_pgpgout=%upages sample#memory_quota=512.00MB",
                 i, i, 200 + 100 * fraction(), 200 + 90 * fraction(),
                 (unsigned)(chance() % 100000), (unsigned)(chance() % 100000));
        say(b, process, text);
    }
}

static void print_reach(const bench *b, const lp_aggregate_stats *stats)
{
    static const char *const tiers[] = {"seconds", "tens", "minutes"};
    int64_t now_s = b->now_ns / 1000000000;

    for (int i = 0; i < LP_TIERS; i++) {
        printf(
            "    %-8s full for %6lld s, core for %6lld s, kept for %6lld s\n",
            tiers[i], (long long)(now_s - stats->full_from_s[i]),
            (long long)(now_s - stats->core_from_s[i]),
            (long long)(now_s - stats->kept_from_s[i]));
    }
}

/* A day of 10 requests a second: what memory keeps of it. */
static void run_day(bench *b)
{
    lp_aggregate_stats stats = {.struct_bytes = sizeof(stats)};
    lp_run run;

    open_bench(b, 10, 1);
    for (unsigned second = 0; second < 86400; second++) {
        for (unsigned i = 0; i < 10; i++) {
            b->now_ns += b->step_ns;
            say(b, "router",
                b->texts + (size_t)(chance() % LINES) * (LINE_BYTES + 1));
        }
        if (second % 20 == 0) {
            say_samples(b);
        }
        while (lp_cursor_next(b->channels[0].cursor, 0, 0, &run) == LP_OK) {
            lp_aggregate_run(b->channels[0].aggregate, &run);
            lp_run_release(&run);
        }
    }
    lp_aggregate_stats_get(b->channels[0].aggregate, &stats);
    printf("a day of 10 requests a second and samples of 8 dynos: %u series, "
           "%llu bytes\n",
           stats.series, (unsigned long long)stats.bytes);
    print_reach(b, &stats);
    close_bench(b);
}

static long argument(int argc, char **argv, int at, long otherwise)
{
    return at < argc ? strtol(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    static const long rates[] = {50000, 1000, 100};
    static bench b;

    b.texts = malloc((size_t)LINES * (LINE_BYTES + 1));
    if (b.texts == NULL) {
        return 1;
    }
    make_texts(&b);
    b.turn_lines = (unsigned)argument(argc, argv, 4, LINES);
    if (argc == 2) {
        run_day(&b);
    } else if (argc > 2) {
        run_bench(&b, argument(argc, argv, 1, 0),
                  (int)argument(argc, argv, 2, 0),
                  (unsigned)argument(argc, argv, 3, 1));
    } else {
        for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
            run_bench(&b, rates[i], ROUNDS, 1);
        }
        run_day(&b);
    }
    free(b.texts);
    return sum == 0;
}
