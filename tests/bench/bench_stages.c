/*
 * bench_stages.c - the way of a line in one thread, without the kernel: frame,
 * parse, look up, chain, append; nanoseconds a line, and then what is left when
 * stages are left out, so that each has its price.
 *
 *     bench_stages [CHANNELS [LINES]]
 *
 * Run it under `valgrind --tool=callgrind` for instructions a line by function.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/blocks.h"
#include "ingest/ingest.h"
#include "logplex/framer.h"
#include "logplex/syslog.h"

enum { LINE_BYTES = 200, READ_BYTES = 2 << 20, CORPUS_READS = 6, SPELLS = 50 };

static char (*tokens)[40];
static unsigned channel_count = 1000;
static char *corpus;
static size_t corpus_bytes;

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_stages: %s\n", what);
    exit(1);
}

static void make_channels(catalog *cat)
{
    lp_span name = LP_SPAN("app");
    bool created;

    tokens = calloc(channel_count, sizeof(*tokens));
    if (tokens == NULL)
        die("no memory");
    for (unsigned c = 0; c < channel_count; c++) {
        char id[32];
        int id_bytes = snprintf(id, sizeof(id), "channel-%u", c);

        if (catalog_put_channel(cat, lp_span_of(id, (size_t)id_bytes), &name, 0,
                                &created) != CATALOG_OK ||
            catalog_add_token(cat, lp_span_of(id, (size_t)id_bytes), name,
                              tokens[c]) != CATALOG_OK)
            die("no channel");
    }
}

static void make_corpus(void)
{
    size_t room_bytes = (size_t)READ_BYTES * CORPUS_READS;
    unsigned random = 1;

    corpus = malloc(room_bytes + LINE_BYTES + 8);
    if (corpus == NULL)
        die("no memory");
    for (unsigned long n = 0; corpus_bytes < room_bytes; n++) {
        char text[400];
        int len;

        random = random * 1664525u + 1013904223u;
        len = snprintf(
            text, sizeof(text),
            "<158>1 2026-11-21T00:00:%02lu.%06lu+00:00 host %s router - - "
            "at=info method=GET path=\"/items/%lu\" host=myapp.example.com "
            "dyno=web.%lu connect=1ms service=%lums status=200 bytes=%lu "
            "fwd=\"204.204.204.204\" request_id=8601b555",
            n % 60, n % 1000000, tokens[(random >> 8) % channel_count],
            n % 1000, n % 8 + 1, n % 300, n % 9000);
        if (len < LINE_BYTES)
            memset(text + len, 'x', (size_t)(LINE_BYTES - len));
        text[LINE_BYTES - 1] = '\n';
        corpus_bytes +=
            (size_t)snprintf(corpus + corpus_bytes, 8, "%d ", (int)LINE_BYTES);
        memcpy(corpus + corpus_bytes, text, LINE_BYTES);
        corpus_bytes += LINE_BYTES;
    }
}

typedef enum stage { STAGE_FRAME, STAGE_PARSE, STAGE_LOOKUP, STAGE_ALL } stage;

/* One read's worth of lines up to a stage; returns their number. */
static uint64_t pass(worker *w, lp_span bytes, stage upto)
{
    lp_framer framer;
    lp_frame frame;
    uint64_t lines = 0;

    lp_framer_init(&framer, 0);
    ingest_begin(w->ingest, LISTENER_SYSLOG_TCP, 0);
    while (lp_framer_next(&framer, &bytes, &frame) == LP_OK) {
        catalog_route route;
        lp_syslog msg;

        lines++;
        if (upto == STAGE_ALL)
            ingest_frame(w->ingest, frame.bytes);
        else if (upto >= STAGE_PARSE &&
                 lp_syslog_parse(frame.bytes, &msg, NULL) == LP_OK &&
                 upto == STAGE_LOOKUP &&
                 !catalog_reader_find_route(
                     &w->reader, catalog_reader_memo(&w->reader, msg.app),
                     msg.app, 0, &route))
            die("no token");
    }
    ingest_end(w->ingest, NULL);
    return lines;
}

/* Nanoseconds a line for some of them. */
static double measure_spell(worker *w, stage upto, uint64_t lines_total)
{
    static size_t at;
    double began = cpu_seconds();
    uint64_t lines = 0;

    while (lines < lines_total) {
        if (at + READ_BYTES > corpus_bytes)
            at = 0;
        lines += pass(w, lp_span_of(corpus + at, READ_BYTES), upto);
        // Whole lines: as if the carry had brought the beginning.
        at += READ_BYTES / (LINE_BYTES + 4) * (LINE_BYTES + 4);
    }
    return (cpu_seconds() - began) * 1e9 / (double)lines;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of many short spells the lower quartile: what else the machine does makes some of
 * them longer, and none shorter. */
static double measure(worker *w, stage upto, uint64_t lines_total)
{
    double spells[SPELLS];

    for (int i = 0; i < SPELLS; i++)
        spells[i] = measure_spell(w, upto, lines_total / SPELLS);
    qsort(spells, SPELLS, sizeof(spells[0]), compare_doubles);
    return spells[SPELLS / 4];
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"frame", "+ parse", "+ look up",
                                        "+ render, chain, append"};
    lp_engine_options engine_opt = LP_ENGINE_OPTIONS_INIT;
    catalog_limits limits = {0};
    config cfg = {0};
    blocks *memory;
    lp_allocator allocator;
    daemon_shared shared = {0};
    worker *w = calloc(1, sizeof(*w));
    uint64_t lines = 5000000;
    char why[200];

    if (argc > 1)
        channel_count = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        lines = strtoull(argv[2], NULL, 10);
    engine_opt.memory_max_bytes = (uint64_t)1 << 30;
    memory = blocks_open(engine_opt.memory_max_bytes);
    if (memory == NULL)
        die("no memory");
    allocator = blocks_allocator(memory);
    engine_opt.allocator = &allocator;
    if (w == NULL || channel_count == 0 ||
        lp_engine_create(&engine_opt, &shared.engine) != LP_OK ||
        catalog_open(shared.engine, NULL, &limits, NULL, &shared.cat, why,
                     sizeof(why)) != CATALOG_OK)
        die("no engine");
    shared.cfg = &cfg;
    w->shared = &shared;
    make_channels(shared.cat);
    make_corpus();
    catalog_reader_init(&w->reader, shared.cat);
    w->ingest = ingest_create(w);
    if (w->ingest == NULL)
        die("no memory");
    measure(w, STAGE_ALL, 4000ull * channel_count); // all rings are full
    printf("%u channels, %d-byte lines\n", channel_count, (int)LINE_BYTES);
    for (int upto = STAGE_FRAME; upto <= STAGE_ALL; upto++)
        printf("%-28s %7.1f ns CPU a line\n", names[upto],
               measure(w, (stage)upto, lines));
    ingest_destroy(w->ingest);
    catalog_reader_fini(&w->reader);
    catalog_close(shared.cat);
    lp_engine_destroy(shared.engine);
    blocks_close(memory);
    free(w);
    free(tokens);
    free(corpus);
    return 0;
}
