/*
 * The first bytes say what is asked for, and the first line by which keys and of
 * which measure; each further line is a message of one of a few processes. Whatever it
 * is, what is told adds up, within its memory, and is the same in steps of any
 * size; each line that a request's id is looked for in has it.
 */
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "logplex/find.h"
#include "logplex/render.h"
#include "logplex/scan.h"

enum { HEAD_BYTES = 6, MESSAGES_MAX = 400, KEYS_MAX = LP_SCAN_BY_MAX + 1 };

typedef struct sum {
    bool has_quantile;
    uint8_t unit; /* lp_unit */
    uint64_t count;
    uint64_t rows;
    double least;
    double greatest;
} sum;

static lp_span take_until(lp_span *rest, char end)
{
    const char *at =
        rest->len_bytes > 0 ? memchr(rest->ptr, end, rest->len_bytes) : NULL;
    size_t n = at != NULL ? (size_t)(at - rest->ptr) : rest->len_bytes;
    lp_span taken = lp_span_of(rest->ptr, n);

    *rest = lp_span_skip(*rest, at != NULL ? n + 1 : n);
    return taken;
}

static lp_channel *fill(lp_engine *engine, lp_span rest)
{
    static const lp_span processes[] = {{"router", 6}, {"web.1", 5}, {"", 0}};
    lp_channel *channel;

    REQUIRE(lp_channel_open(engine, NULL, &channel) == LP_OK);
    for (unsigned i = 0; i < MESSAGES_MAX && rest.len_bytes > 0; i++) {
        lp_render_scratch scratch;
        lp_line line = {.arrival_ns = i};
        lp_syslog parts = {.format = LP_SYSLOG_3164, .pri = (uint8_t)(i % 192)};

        parts.app = i % 2 == 0 ? LP_SPAN("heroku") : LP_SPAN("app");
        parts.procid = processes[i % 3];
        parts.msg = take_until(&rest, '\n');
        REQUIRE(lp_render_line(&parts, lp_span_of(NULL, 0), &scratch, &line) ==
                LP_OK);
        REQUIRE(lp_channel_append(channel, &line, NULL) == LP_OK);
    }
    return channel;
}

static void add_row(void *ctx, const lp_scan_group *group)
{
    sum *to = ctx;

    REQUIRE(group->count > 0);
    REQUIRE(group->min <= group->max);
    REQUIRE(!to->has_quantile || isnan(group->quantiles[0]) ||
            (group->quantiles[0] >= group->min &&
             group->quantiles[0] <= group->max));
    to->least =
        to->rows == 0 || group->min < to->least ? group->min : to->least;
    to->greatest =
        to->rows == 0 || group->max > to->greatest ? group->max : to->greatest;
    to->count += group->count;
    to->rows++;
}

static sum ask(lp_channel *channel, const lp_scan_where *where,
               const lp_scan_groups_options *options, uint32_t step)
{
    lp_scan_groups_summary summary = LP_SCAN_GROUPS_SUMMARY_INIT;
    lp_scan_stats stats = LP_SCAN_STATS_INIT;
    sum all = {.has_quantile = options->quantile_count > 0};
    lp_scan *scan;
    const char *why = NULL;
    lp_err err = lp_scan_groups_create(where, options, NULL, &scan, &why);

    if (err != LP_OK) {
        REQUIRE(err == LP_E_INVALID && why != NULL);
        return all;
    }
    while (lp_scan_step(scan, channel, step) == LP_OK) {
    }
    lp_scan_groups_each(scan, 3, add_row, &all);
    lp_scan_groups_summary_get(scan, &summary);
    lp_scan_stats_get(scan, &stats);
    all.unit = summary.unit;
    REQUIRE(stats.is_complete);
    REQUIRE(stats.bytes <= options->bytes_max);
    REQUIRE(all.rows <= 4);
    REQUIRE(stats.matched_lines == all.count + summary.without_measure_lines +
                                       summary.other_unit_values);
    lp_scan_destroy(scan);
    return all;
}

typedef struct request {
    lp_span id;
    lp_seq before;
} request;

static bool check_line(void *ctx, const lp_record *record)
{
    request *of = ctx;
    lp_span msg = lp_record_msg(record);

    REQUIRE(of->before == 0 || record->seq < of->before);
    REQUIRE(lp_find_word(msg, of->id) < msg.len_bytes);
    of->before = record->seq;
    return true;
}

static void find_request(lp_channel *channel, lp_span id)
{
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    request of = {.id = id};
    lp_scan *scan;

    where.request_id = id;
    if (id.len_bytes == 0 || lp_scan_lines_create(&where, check_line, &of, NULL,
                                                  &scan, NULL) != LP_OK) {
        return;
    }
    while (lp_scan_step(scan, channel, 50) == LP_OK) {
    }
    lp_scan_destroy(scan);
}

static void ask_all(lp_channel *channel, const uint8_t *head, lp_span keys)
{
    lp_scan_groups_options options = LP_SCAN_GROUPS_OPTIONS_INIT;
    lp_scan_where where = LP_SCAN_WHERE_INIT;
    sum once, again;

    options.measure = take_until(&keys, ' ');
    for (unsigned i = 0; i < head[0] % (KEYS_MAX + 1U); i++) {
        if (i < LP_SCAN_BY_MAX) {
            options.by[i] = take_until(&keys, ' ');
        }
        options.by_count++;
    }
    options.order = head[1] % 3U;
    options.quantile_count = head[1] >> 7;
    options.quantiles[0] = head[2] / 255.0;
    options.groups_max = 4 + head[3] % 8U;
    options.bytes_max = LP_SCAN_BYTES_MAX_LEAST;
    where.status = head[4] % 4 == 0 ? 200 : 0;
    where.code = head[4] % 16 == 1 ? LP_SPAN("H12") : LP_SPAN("");
    where.has_response = head[4] % 16 == 2;
    where.response_max_ms = head[4];
    once = ask(channel, &where, &options, 1000);
    again = ask(channel, &where, &options, 1 + head[5] % 8U);
    if (once.unit == LP_UNIT_OTHER || again.unit == LP_UNIT_OTHER) {
        return; // which of them are told apart is a matter of who came first
    }
    REQUIRE(once.unit == again.unit && once.count == again.count);
    REQUIRE(once.least <= again.least && once.least >= again.least);
    REQUIRE(once.greatest <= again.greatest && once.greatest >= again.greatest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_span rest = lp_span_of((const char *)data + HEAD_BYTES,
                              size > HEAD_BYTES ? size - HEAD_BYTES : 0);
    lp_span keys;
    lp_channel *channel;
    lp_engine *engine;

    if (size <= HEAD_BYTES) {
        return 0;
    }
    keys = take_until(&rest, '\n');
    REQUIRE(lp_engine_create(NULL, &engine) == LP_OK);
    channel = fill(engine, rest);
    ask_all(channel, data, keys);
    find_request(channel, keys);
    lp_channel_close(channel);
    lp_engine_destroy(engine);
    return 0;
}
