/*
 * bench_append.c - what a line costs the engine: nanoseconds for each line of
 * 200 bytes in five parts, appended in batches, with readers following.
 *
 * Prints a table and fails on nothing: the machine is noisy, so compare figures
 * of one run. CPU is of the appending thread alone.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "logplex/logplex.h"

enum { BATCH = 64, LINE_BYTES = 200 };

typedef struct bench {
    lp_engine *engine;
    lp_channel **channels;
    unsigned channel_count;
} bench;

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *follow(void *arg)
{
    lp_channel *channel = arg;
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;
    lp_run run;
    lp_err err;

    opt.lag_max_lines = 4096;
    if (lp_cursor_open(channel, &opt, &cursor) != LP_OK)
        abort();
    while ((err = lp_cursor_next(cursor, 0, 0, &run)) != LP_E_CLOSED) {
        struct timespec nap = {0, 20000};

        if (err == LP_E_AGAIN) {
            nanosleep(&nap, NULL);
            continue;
        }
        lp_run_release(&run);
    }
    lp_cursor_close(cursor);
    return NULL;
}

static void fill_batch(lp_line lines[BATCH], const char *text)
{
    memset(lines, 0, BATCH * sizeof(*lines));
    for (int i = 0; i < BATCH; i++) {
        lines[i].next = i + 1 < BATCH ? &lines[i + 1] : NULL;
        lines[i].part_count = 5;
        lines[i].parts[0] = lp_span_of(text, 4);
        lines[i].parts[1] = lp_span_of(text + 4, 41);
        lines[i].parts[2] = lp_span_of(text + 45, 9);
        lines[i].parts[3] = lp_span_of(text + 54, 8);
        lines[i].parts[4] = lp_span_of(text + 62, LINE_BYTES - 62);
        lines[i].aside[0] = LP_SPAN("my-host-name ");
        lines[i].aside[1] = LP_SPAN("- -");
    }
}

static void run(const char *name, unsigned channel_count, unsigned readers,
                unsigned batch, uint64_t lines_total)
{
    char text[LINE_BYTES];
    lp_line lines[BATCH];
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;
    lp_channel **channels = calloc(channel_count, sizeof(lp_channel *));
    pthread_t threads[8];
    lp_engine *engine;
    double wall, cpu;
    uint64_t done = 0;

    opt.memory_max_bytes = (uint64_t)4 << 30;
    memset(text, 'x', sizeof(text));
    fill_batch(lines, text);
    lines[batch - 1].next = NULL;
    if (channels == NULL || lp_engine_create(&opt, &engine) != LP_OK)
        abort();
    for (unsigned c = 0; c < channel_count; c++)
        if (lp_channel_open(engine, NULL, &channels[c]) != LP_OK)
            abort();
    for (unsigned r = 0; r < readers; r++) {
        lp_channel_ref(channels[0]);
        pthread_create(&threads[r], NULL, follow, channels[0]);
    }
    for (unsigned warm = 0; warm < 2; warm++) {
        uint64_t target = warm == 0 ? channel_count * 2048ull : lines_total;
        uint64_t c = 0;

        wall = seconds(CLOCK_MONOTONIC);
        cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
        for (done = 0; done < target; done += batch) {
            lp_channel_prefetch(channels[(c + 7 * 8) % channel_count], 0);
            lp_channel_prefetch(channels[(c + 7 * 4) % channel_count], 1);
            if (lp_channel_append(channels[c % channel_count], lines, NULL) !=
                LP_OK)
                abort();
            c += 7;
        }
        wall = seconds(CLOCK_MONOTONIC) - wall;
        cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    }
    printf("%-44s %7.1f ns wall %7.1f ns cpu a line\n", name,
           wall * 1e9 / (double)done, cpu * 1e9 / (double)done);
    for (unsigned c = 0; c < channel_count; c++)
        lp_channel_close(channels[c]);
    for (unsigned r = 0; r < readers; r++) {
        pthread_join(threads[r], NULL);
        lp_channel_unref(channels[0]);
    }
    free(channels);
    lp_engine_destroy(engine);
}

int main(void)
{
    run("batches of 64, nobody reads", 1, 0, 64, 20000000);
    run("batches of 64, one reader follows", 1, 1, 64, 20000000);
    run("batches of 64, three readers follow", 1, 3, 64, 20000000);
    run("one line a batch, one reader follows", 1, 1, 1, 5000000);
    run("batches of 64, 1,000 channels", 1000, 1, 64, 10000000);
    run("one line a batch, 1,000 channels", 1000, 1, 1, 5000000);
    return 0;
}
