#include "api/api_scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_channel.h"
#include "api/api_tail.h"

enum {
    STEP_LINES_FIRST = 64,
    STEP_LINES_MAX = 4096,
    STEP_LEAST_NS = 1000000,
    STEP_MOST_NS = 10000000,
    NS_PER_MS = 1000000
};

/* Beginning --------------------------------------------------------------- */

void *api_scan_open(http_request *req, size_t size_bytes)
{
    const catalog_channel *channel;
    api_scan *it;

    if (!api_wants_json(req))
        return NULL;
    channel = api_readable_channel(req);
    if (!channel)
        return NULL;
    it = http_alloc(req, size_bytes);
    if (!it) {
        api_refuse_memory(req);
        return NULL;
    }
    memset(it, 0, size_bytes);
    it->req = req;
    it->home = http_worker(req);
    it->ring = lp_channel_ref(channel->ring);
    it->where.first_seq = api_history_floor(req, channel);
    it->limit_ns = (uint64_t)it->home->shared->cfg->scan_limit_ms * NS_PER_MS;
    return it;
}

void api_scan_between(api_scan *it, lp_seq first_seq, lp_seq end_seq)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    lp_seq floor_seq = it->where.first_seq;
    lp_seq stop_seq;

    lp_channel_stats_get(it->ring, &stats);
    stop_seq =
        end_seq == 0 || end_seq > stats.next_seq ? stats.next_seq : end_seq;
    it->where.end_seq = end_seq;
    if (first_seq > floor_seq) {
        it->where.first_seq = first_seq;
    } else if (first_seq > 0 && first_seq < stop_seq) {
        it->hidden_lines =
            (floor_seq < stop_seq ? floor_seq : stop_seq) - first_seq;
    }
}

/* Steps ------------------------------------------------------------------- */

/* A filter's patterns may take a long look at each line, or hardly any: steps are
 * as large as lets the clock be looked at often enough, and not more. */
static uint32_t next_lines(uint32_t lines, uint64_t took_ns)
{
    if (took_ns > STEP_MOST_NS && lines > 1)
        return lines / 2;
    return took_ns < STEP_LEAST_NS && lines < STEP_LINES_MAX ? 2 * lines
                                                             : lines;
}

// Why there is no next step.
static const char *take_steps(api_scan *it)
{
    uint64_t now_ns = uv_hrtime();
    uint64_t until_ns = now_ns + it->limit_ns;
    uint32_t lines = STEP_LINES_FIRST;
    lp_err err = LP_OK;

    while (err == LP_OK) {
        uint64_t since_ns = now_ns;

        if (since_ns >= until_ns)
            return "its time was up (--scan-limit)";
        if (atomic_load(&it->home->shared->is_draining))
            return "the daemon ends";
        err = lp_scan_step(it->scan, it->ring, lines);
        now_ns = uv_hrtime();
        lines = next_lines(lines, now_ns - since_ns);
    }
    return err == LP_E_END ? NULL : "no memory for a reader";
}

static void on_work(void *ctx)
{
    api_scan *it = ctx;
    uint64_t since_ns = uv_hrtime();

    it->why = take_steps(it);
    it->is_cut = it->why != NULL;
    it->took_ns = uv_hrtime() - since_ns;
    if (!api_text_open(&it->text))
        return;
    it->print(it, it->text.to);
    api_text_close(&it->text, true);
}

/* Answering --------------------------------------------------------------- */

void api_scan_close(api_scan *it)
{
    if (it->close)
        it->close(it);
    lp_scan_destroy(it->scan);
    lp_filter_destroy(it->where.filter);
    lp_channel_unref(it->ring);
    free(it->text.at);
}

void api_scan_refuse(api_scan *it, lp_err err, const char *why)
{
    if (err == LP_E_INVALID)
        http_reply_error(it->req, 400, "%s", why);
    else
        api_refuse_memory(it->req);
    api_scan_close(it);
}

static void count(api_scan *it)
{
    lp_scan_stats stats = LP_SCAN_STATS_INIT;
    _Atomic uint64_t *counts = it->home->counts.counts;

    lp_scan_stats_get(it->scan, &stats);
    count_add(&counts[COUNT_SCANS], 1);
    count_add(&counts[COUNT_SCAN_LINES], stats.scanned_lines);
    if (it->is_cut)
        count_add(&counts[COUNT_SCANS_CUT], 1);
}

static void on_done(void *ctx)
{
    api_scan *it = ctx;

    atomic_fetch_sub(&it->home->shared->scans, 1);
    count(it);
    if (it->text.at)
        http_reply(it->req, 200, "application/json",
                   lp_span_of(it->text.at, it->text.len_bytes));
    else
        api_refuse_memory(it->req);
    api_scan_close(it);
}

void api_scan_start(api_scan *it)
{
    daemon_shared *shared = it->home->shared;
    unsigned under_way = atomic_fetch_add(&shared->scans, 1);

    if (under_way < shared->cfg->scans_max &&
        worker_offload(it->home, on_work, on_done, it)) {
        http_defer(it->req);
        return;
    }
    atomic_fetch_sub(&shared->scans, 1);
    count_add(&it->home->counts.counts[COUNT_SCANS_REFUSED], 1);
    http_set_header(it->req, "Retry-After", "1");
    http_reply_error(it->req, 503,
                     "as many questions are being answered as may be at a time "
                     "(--scans-max); ask again");
    api_scan_close(it);
}

void api_scan_print_end(const api_scan *it, FILE *to)
{
    fprintf(to, ",\"complete\":%s,\"why\":", it->why ? "false" : "true");
    if (it->why)
        api_print_json_string(to, lp_span_str(it->why));
    else
        fputs("null", to);
}
