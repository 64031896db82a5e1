#include "api/api_drain_series.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_drain_status.h"
#include "base/clock.h"
#include "worker/metrics.h"

/* A metric of each drain: a count of its status, or seconds. */
typedef struct series {
    const char *name; /* behind channel_drain_ */
    const char *type;
    const char *help;
    size_t offset; /* of the count, in lp_drain_status; if seconds is NULL */
    double (*seconds)(const lp_drain_status *status);
} series;

/* To the millisecond, cut as everywhere: rounded, it could be in the next second. */
static double success_s(const lp_drain_status *status)
{
    int64_t ms = status->success_ns / 1000000;

    return (double)ms / 1e3;
}

static uint64_t count_at(const lp_drain_status *status, size_t offset)
{
    uint64_t count;

    memcpy(&count, (const char *)status + offset, sizeof(count));
    return count;
}

/* One sample up to its value; more is another label, or "". */
static void print_name(FILE *to, const char *name, const runner_drain *drain,
                       const char *more)
{
    fprintf(to, "logplex_channel_drain_%s{channel=\"", name);
    metrics_print_escaped(to, drain->channel_id);
    fprintf(to, "\",drain=\"%" PRIu64 "\"%s} ", drain->id, more);
}

static void print_head(FILE *to, const char *name, const char *type,
                       const char *help)
{
    char whole[64];

    snprintf(whole, sizeof(whole), "channel_drain_%s", name);
    metrics_print_head(to, whole, type, help);
}

static void print_series(FILE *to, const series *one,
                         const runner_drains *drains)
{
    print_head(to, one->name, one->type, one->help);
    for (size_t i = 0; i < drains->count; i++) {
        const lp_drain_status *status = &drains->at[i].status;

        print_name(to, one->name, &drains->at[i], "");
        if (one->seconds)
            fprintf(to, "%.3f\n", one->seconds(status));
        else
            fprintf(to, "%" PRIu64 "\n", count_at(status, one->offset));
    }
}

/* A metric of two counts that a label tells apart. */
typedef struct pair {
    const char *name;
    const char *help;
    const char *labels[2];
    size_t offsets[2]; /* in lp_drain_status */
} pair;

static void print_pair(FILE *to, const pair *both, const runner_drains *drains)
{
    print_head(to, both->name, "counter", both->help);
    for (size_t i = 0; i < drains->count; i++)
        for (size_t j = 0; j < 2; j++) {
            print_name(to, both->name, &drains->at[i], both->labels[j]);
            fprintf(to, "%" PRIu64 "\n",
                    count_at(&drains->at[i].status, both->offsets[j]));
        }
}

static void print_pairs(FILE *to, const runner_drains *drains)
{
    static const pair all[] = {
        {"lost_lines_total",
         "of these, lost: the ring could not keep them, or the sink did not "
         "want them",
         {",reason=\"overflow\"", ",reason=\"refused\""},
         {offsetof(lp_drain_status, overflow_lines),
          offsetof(lp_drain_status, refused_lines)}},
        {"left_out_lines_total",
         "of these, not wanted, which is no loss: by its filter, or because "
         "there were more than its rate allows",
         {",by=\"filter\"", ",by=\"rate\""},
         {offsetof(lp_drain_status, filtered_lines),
          offsetof(lp_drain_status, limited_lines)}},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        print_pair(to, &all[i], drains);
}

static void print_states(FILE *to, const runner_drains *drains)
{
    static const char name[] = "state";

    print_head(to, name, "gauge", "1: what it does");
    for (size_t i = 0; i < drains->count; i++)
        for (unsigned j = 0; j < LP_DRAIN_STATES; j++) {
            char label[32];

            snprintf(label, sizeof(label), ",state=\"%s\"",
                     runner_state_name(j));
            print_name(to, name, &drains->at[i], label);
            fprintf(to, "%d\n", drains->at[i].status.state == j);
        }
}

static void print_all(FILE *to, const runner_drains *drains)
{
#define COUNT(member) offsetof(lp_drain_status, member), NULL
    static const series all[] = {
        {"offered_lines_total", "counter", "lines that it was to deliver",
         COUNT(offered_lines)},
        {"delivered_lines_total", "counter", "of these, delivered",
         COUNT(delivered_lines)},
        {"pending_lines", "gauge", "of these, not yet", COUNT(pending_lines)},
        {"lag_seconds", "gauge",
         "how long the oldest pending line has been there", 0, api_drain_lag_s},
        {"batches_total", "counter", "batches sent, each try counted",
         COUNT(batches)},
        {"retries_total", "counter", "of these, not the first try",
         COUNT(retries)},
        {"failures_total", "counter",
         "tries that failed, and batches that were not wanted",
         COUNT(failures)},
        {"sent_bytes_total", "counter", "bytes that it sent",
         COUNT(sent_bytes)},
        {"last_success_timestamp_seconds", "gauge",
         "when its sink took something last, since 1970; 0: never", 0,
         success_s},
    };
#undef COUNT

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        print_series(to, &all[i], drains);
    print_pairs(to, drains);
    print_states(to, drains);
}

void api_print_drain_series(FILE *to, const daemon_shared *shared,
                            size_t count_max)
{
    runner_drains drains;

    runner_drains_take(shared, count_max, &drains);
    metrics_print_one(to, "drains_without_series", "gauge",
                      "drains that are in the sums alone (--metrics-drains)",
                      drains.left_out);
    if (drains.count > 0)
        print_all(to, &drains);
    free(drains.at);
}
