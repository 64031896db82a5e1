/*
 * bench_memory.c - what quiet channels cost: 100,000 open channels with nothing
 * in them, and the same with ten lines of 200 bytes each.
 *
 * Resident memory as the kernel sees it, and the engine's own account. The
 * lines carry a hostname aside, as most senders' do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "logplex/logplex.h"

enum { CHANNELS = 100000, LINES = 10, LINE_BYTES = 200 };

static double resident_mib(void)
{
    unsigned long size_pages = 0, resident_pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");

    if (statm == NULL ||
        fscanf(statm, "%lu %lu", &size_pages, &resident_pages) != 2)
        abort();
    fclose(statm);
    return (double)resident_pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void report(const char *what, lp_engine *engine, double before_mib)
{
    lp_ledger ledger = LP_LEDGER_INIT;

    lp_engine_ledger(engine, &ledger);
    printf("%-40s %7.1f MiB resident, %7.1f MiB in the engine's account\n",
           what, resident_mib() - before_mib,
           (double)ledger.memory_bytes / 1048576);
}

static void append_lines(lp_channel *channel)
{
    static const char text[LINE_BYTES];

    for (int i = 0; i < LINES; i++) {
        lp_line line;

        memset(&line, 0, sizeof(line));
        line.part_count = 1;
        line.parts[0] = lp_span_of(text, sizeof(text));
        line.aside[0] = LP_SPAN("host-1234 ");
        line.aside[1] = LP_SPAN("- -");
        if (lp_channel_append(channel, &line, NULL) != LP_OK)
            abort();
    }
}

int main(void)
{
    lp_engine_options opt = LP_ENGINE_OPTIONS_INIT;
    lp_channel **channels = calloc(CHANNELS, sizeof(lp_channel *));
    double before_mib;
    lp_engine *engine;

    opt.memory_max_bytes = (uint64_t)2 << 30;
    if (channels == NULL || lp_engine_create(&opt, &engine) != LP_OK)
        abort();
    before_mib = resident_mib();
    for (int i = 0; i < CHANNELS; i++)
        if (lp_channel_open(engine, NULL, &channels[i]) != LP_OK)
            abort();
    report("100,000 channels, no line", engine, before_mib);
    for (int i = 0; i < CHANNELS; i++)
        append_lines(channels[i]);
    report("100,000 channels, ten 200-byte lines", engine, before_mib);
    for (int i = 0; i < CHANNELS; i++)
        lp_channel_close(channels[i]);
    free(channels);
    lp_engine_destroy(engine);
    return 0;
}
