#include "worker/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/blocks.h"
#include "base/tls.h"
#include "logplex/version.h"

/* jemalloc's own, where the program is linked with it: the sanitizers bring
 * another allocator. */
extern int mallctl(const char *name, void *old, size_t *old_bytes, void *new,
                   size_t new_bytes) __attribute__((weak));

void metrics_print_head(FILE *to, const char *name, const char *type,
                        const char *help)
{
    fprintf(to, "# HELP logplex_%s %s\n# TYPE logplex_%s %s\n", name, help,
            name, type);
}

void metrics_print_one(FILE *to, const char *name, const char *type,
                       const char *help, uint64_t value)
{
    metrics_print_head(to, name, type, help);
    fprintf(to, "logplex_%s %" PRIu64 "\n", name, value);
}

void metrics_print_escaped(FILE *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            fputs("\\n", to);
            continue;
        }
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
}

/* Listeners --------------------------------------------------------------- */

static void print_lines(FILE *to, const ledger *led)
{
    const char *const *names = ledger_listener_names;

    metrics_print_head(to, "received_lines_total", "counter",
                       "lines that came in: accepted and rejected ones");
    for (unsigned i = 0; i < LISTENER_COUNT; i++)
        fprintf(to,
                "logplex_received_lines_total{listener=\"%s\"} %" PRIu64 "\n",
                names[i], led->sums.listeners[i].received_lines);
    metrics_print_head(to, "received_bytes_total", "counter",
                       "bytes that came in, framing included");
    for (unsigned i = 0; i < LISTENER_COUNT; i++)
        fprintf(to,
                "logplex_received_bytes_total{listener=\"%s\"} %" PRIu64 "\n",
                names[i], led->sums.listeners[i].received_bytes);
    metrics_print_head(to, "accepted_lines_total", "counter",
                       "lines that are in a channel");
    for (unsigned i = 0; i < LISTENER_COUNT; i++)
        fprintf(to,
                "logplex_accepted_lines_total{listener=\"%s\"} %" PRIu64 "\n",
                names[i], led->sums.listeners[i].accepted_lines);
}

static void print_rejects(FILE *to, const ledger *led)
{
    metrics_print_head(to, "rejected_lines_total", "counter",
                       "lines that are in no channel, by what was wrong");
    for (unsigned i = 0; i < LISTENER_COUNT; i++)
        for (unsigned j = 0; j < REJECT_REASONS; j++)
            fprintf(to,
                    "logplex_rejected_lines_total{listener=\"%s\","
                    "reason=\"%s\"} %" PRIu64 "\n",
                    ledger_listener_names[i], ledger_reject_names[j],
                    led->sums.listeners[i].rejected_lines[j]);
}

static void print_frames(FILE *to, const ledger *led)
{
    metrics_print_head(
        to, "frames_total", "counter",
        "what the framer met: octet-counted frames, frames that a line "
        "end ended, empty and cut ones, lies and truncations");
    for (unsigned i = 0; i < LISTENER_COUNT; i++)
        for (unsigned j = 0; j < FRAME_EVENT_COUNT; j++)
            fprintf(to,
                    "logplex_frames_total{listener=\"%s\",event=\"%s\"} "
                    "%" PRIu64 "\n",
                    ledger_listener_names[i], ledger_frame_names[j],
                    led->sums.listeners[i].frames[j]);
}

/* Engine ------------------------------------------------------------------ */

static void print_engine(FILE *to, const lp_ledger *engine)
{
    metrics_print_one(to, "appended_lines_total", "counter",
                      "lines that ever entered a channel",
                      engine->appended_lines);
    metrics_print_one(to, "appended_bytes_total", "counter",
                      "the same in bytes", engine->appended_bytes);
    metrics_print_one(to, "evicted_lines_total", "counter",
                      "lines that made room for newer ones",
                      engine->evicted_lines);
    metrics_print_one(to, "evicted_bytes_total", "counter", "the same in bytes",
                      engine->evicted_bytes);
    metrics_print_one(to, "refused_lines_total", "counter",
                      "lines that no memory could be found for",
                      engine->refused_lines);
    metrics_print_one(
        to, "too_big_lines_total", "counter",
        "lines, or what they leave aside, over what a ring can hold",
        engine->too_big_lines);
    metrics_print_one(to, "delivered_lines_total", "counter",
                      "lines that readers have got, one for each reader",
                      engine->delivered_lines);
    metrics_print_one(to, "lost_lines_total", "counter",
                      "lines that were gone before a reader came to them",
                      engine->lost_lines);
    metrics_print_one(to, "resident_lines", "gauge",
                      "lines in the channels' rings", engine->resident_lines);
    metrics_print_one(to, "resident_bytes", "gauge", "the same in bytes",
                      engine->resident_bytes);
    metrics_print_one(to, "cursors", "gauge", "readers of all kinds",
                      engine->cursors);
    metrics_print_one(to, "memory_bytes", "gauge",
                      "memory of the engine: rings, pinned and pooled segments",
                      engine->memory_bytes);
    metrics_print_one(to, "memory_max_bytes", "gauge", "and its ceiling",
                      engine->memory_max_bytes);
    metrics_print_one(to, "memory_pinned_bytes", "gauge",
                      "out of every ring, but held by readers",
                      engine->pinned_bytes);
    metrics_print_one(to, "memory_pooled_bytes", "gauge",
                      "free, and ready for the next segment",
                      engine->pooled_bytes);
    metrics_print_one(to, "memory_borrowed_bytes", "gauge",
                      "no line's: what aggregates keep",
                      engine->borrowed_bytes);
    metrics_print_one(to, "memory_borrow_refusals_total", "counter",
                      "times that there was none of that to be had",
                      engine->borrow_refusals);
    metrics_print_one(to, "memory_kept_bytes", "gauge",
                      "held by what drains have in flight, in rings or not",
                      engine->kept_bytes);
}

static void print_blocks(FILE *to, const daemon_shared *shared)
{
    blocks_stats stats;

    if (!shared->blocks)
        return;
    blocks_stats_get(shared->blocks, &stats);
    metrics_print_one(to, "memory_slack_bytes", "gauge",
                      "resident, but in no segment and no pool",
                      stats.resident_bytes);
    metrics_print_one(to, "memory_holes_total", "counter",
                      "times that some of it was given back to the system",
                      stats.holes_made);
}

/* Process ----------------------------------------------------------------- */

static uint64_t resident_bytes(void)
{
    unsigned long long total = 0;
    unsigned long long resident = 0;
    FILE *statm = fopen("/proc/self/statm", "re");

    if (!statm)
        return 0;
    if (fscanf(statm, "%llu %llu", &total, &resident) != 2)
        resident = 0;
    fclose(statm);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (!dir)
        return 0;
    for (const struct dirent *at = readdir(dir); at; at = readdir(dir))
        count += at->d_name[0] != '.';
    closedir(dir);
    return count > 0 ? count - 1 : 0; // this one's
}

static void print_process(FILE *to, worker *w)
{
    const daemon_shared *shared = w->shared;

    metrics_print_head(to, "build_info", "gauge", "the version, as a label");
    fprintf(to, "logplex_build_info{version=\"%s\"} 1\n", LP_VERSION_STRING);
    metrics_print_one(to, "workers", "gauge",
                      "threads with a loop of their own", shared->worker_count);
    metrics_print_one(to, "draining", "gauge",
                      "1 while the daemon is going down",
                      atomic_load(&shared->is_draining));
    metrics_print_head(to, "start_time_seconds", "gauge",
                       "when the daemon started, since 1970");
    fprintf(to, "logplex_start_time_seconds %.3f\n",
            (double)shared->started_ns / 1e9);
    metrics_print_one(to, "process_resident_memory_bytes", "gauge",
                      "resident memory of the process", resident_bytes());
    metrics_print_one(to, "process_open_fds", "gauge", "open descriptors",
                      open_descriptors());
}

static void print_certificate(FILE *to, const daemon_shared *shared)
{
    if (!shared->identity)
        return;
    metrics_print_one(to, "tls_certificate_not_after_seconds", "gauge",
                      "when the certificate in use ends, since 1970",
                      (uint64_t)tls_identity_not_after_s(shared->identity));
}

static void print_allocator(FILE *to)
{
    static const struct {
        const char *key;
        const char *name;
        const char *help;
    } stats[] = {
        {"stats.allocated", "jemalloc_allocated_bytes", "given out"},
        {"stats.active", "jemalloc_active_bytes", "in pages with any of it"},
        {"stats.metadata", "jemalloc_metadata_bytes", "its own"},
        {"stats.resident", "jemalloc_resident_bytes", "mapped and in memory"},
        {"stats.mapped", "jemalloc_mapped_bytes", "mapped"},
        {"stats.retained", "jemalloc_retained_bytes", "kept for later"},
    };
    uint64_t epoch = 1;

    if (!mallctl)
        return;
    mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)); // refreshes the rest
    for (unsigned i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
        size_t value = 0;
        size_t value_bytes = sizeof(value);

        if (mallctl(stats[i].key, &value, &value_bytes, NULL, 0) == 0)
            metrics_print_one(to, stats[i].name, "gauge", stats[i].help, value);
    }
}

/* Switches ---------------------------------------------------------------- */

static void print_mode(FILE *to, const char *api, unsigned mode)
{
    for (unsigned i = 0; i < API_MODES; i++)
        fprintf(to, "logplex_api_mode{api=\"%s\",mode=\"%s\"} %d\n", api,
                api_mode_names[i], i == mode);
}

static void print_switches(FILE *to, const switches *s)
{
    metrics_print_head(to, "switch", "gauge",
                       "1: on, as it is when nobody touches it");
    for (unsigned i = 0; i < SWITCH_COUNT; i++)
        if (!switch_is_mode((switch_id)i))
            fprintf(to, "logplex_switch{name=\"%s\"} %d\n", switch_names[i],
                    switch_is_on(s, (switch_id)i));
    metrics_print_head(to, "api_mode", "gauge",
                       "1: the mode that an API is in");
    print_mode(to, "v3", switch_get(s, SWITCH_API));
    print_mode(to, "legacy", switch_get(s, SWITCH_LEGACY_API));
}

/* All --------------------------------------------------------------------- */

static void print_counters(FILE *to, const ledger *led)
{
    static const struct {
        const char *name;
        const char *help;
    } names[] = {
#define X(id, name, help) [id] = {(name), (help)},
        COUNTERS(X)
#undef X
    };
    const uint64_t *counts = led->sums.counts;

    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        metrics_print_one(to, names[i].name, "counter", names[i].help,
                          counts[i]);
    metrics_print_one(to, "http_connections", "gauge", "HTTP connections now",
                      counts[COUNT_HTTP_CONNECTIONS] -
                          counts[COUNT_HTTP_CONNECTIONS_CLOSED]);
    metrics_print_one(to, "tails", "gauge", "sessions being read now",
                      counts[COUNT_TAILS_OPENED] - counts[COUNT_TAILS_CLOSED]);
    metrics_print_one(to, "channels", "gauge", "channels of the catalog",
                      led->channels);
    metrics_print_one(to, "ledger_balanced", "gauge",
                      "1: every line is accounted for",
                      ledger_is_balanced(led));
}

void metrics_print(FILE *to, worker *w, const ledger *led)
{
    print_lines(to, led);
    print_rejects(to, led);
    print_frames(to, led);
    print_engine(to, &led->engine);
    print_blocks(to, w->shared);
    print_counters(to, led);
    print_switches(to, &w->shared->switches);
    print_process(to, w);
    print_certificate(to, w->shared);
    print_allocator(to);
}
