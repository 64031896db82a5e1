#include "api/api_scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_channel.h"
#include "api/api_tail.h"
#include "config/config_value.h"

enum {
    STEP_LINES = 4096,
    STEP_NS = 10000000,
    SHORT_NS = 100000000,
    NS_PER_US = 1000,
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000
};

/* Memory ------------------------------------------------------------------ */

/* Only what is surplus makes room: a question is not to drive out the lines that
 * it is asked of. */
static void *borrow(void *ctx, size_t size_bytes, size_t align_bytes)
{
    daemon_shared *shared = ctx;
    void *ptr;

    (void)align_bytes; // what is borrowed is aligned for anything
    if (lp_engine_borrow(shared->engine, NULL, size_bytes, &ptr) != LP_OK)
        return NULL;
    atomic_fetch_add(&shared->scans_bytes, size_bytes);
    return ptr;
}

static void repay(void *ctx, void *ptr, size_t size_bytes)
{
    daemon_shared *shared = ctx;

    lp_engine_repay(shared->engine, ptr, size_bytes);
    atomic_fetch_sub(&shared->scans_bytes, size_bytes);
}

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
    it->where.floor_seq = api_history_floor(req, channel);
    it->memory = (lp_allocator){borrow, repay, it->home->shared};
    it->limit_ns = (uint64_t)it->home->shared->cfg->scan_limit_ms * NS_PER_MS;
    return it;
}

/* Steps ------------------------------------------------------------------- */

/* A filter's patterns may take a long look at each line. */
static bool is_step_long(void *ctx)
{
    const api_scan *it = ctx;

    return uv_hrtime() >= it->step_until_ns;
}

// Why there is no next step.
static const char *take_steps(api_scan *it)
{
    uint64_t began_ns = uv_hrtime();
    uint64_t now_ns = began_ns;
    lp_err err = LP_OK;

    lp_scan_ask(it->scan, is_step_long, it);
    for (; err == LP_OK; now_ns = uv_hrtime()) {
        if (now_ns - began_ns >= it->limit_ns)
            return "its time was up (--scan-limit)";
        if (atomic_load(&it->home->shared->is_draining))
            return "the daemon ends";
        // Some close their side right behind a request, and mean it.
        it->is_abandoned =
            now_ns - began_ns >= SHORT_NS && http_has_hung_up(it->req);
        if (it->is_abandoned)
            return "the client has hung up, or closed its side";
        it->step_until_ns = now_ns + STEP_NS;
        err = lp_scan_step(it->scan, it->ring, STEP_LINES);
    }
    return err == LP_E_END ? NULL : "no memory for a reader";
}

static lp_scan_stats stats_of(const api_scan *it)
{
    lp_scan_stats stats = LP_SCAN_STATS_INIT;

    lp_scan_stats_get(it->scan, &stats);
    return stats;
}

static void on_work(void *ctx)
{
    api_scan *it = ctx;
    uint64_t since_ns = uv_hrtime();

    it->why = take_steps(it);
    it->is_cut = it->why && !it->is_abandoned;
    it->took_ns = uv_hrtime() - since_ns;
    if (!it->why && stats_of(it).limit_lines > 0)
        it->why = "a pattern gave up on some lines, which are left out";
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

static void refuse_memory(const api_scan *it)
{
    char max[32];

    value_size_print(it->home->shared->cfg->memory_max_bytes, max);
    count_add(&it->home->counts.counts[COUNT_SCANS_NO_MEMORY], 1);
    http_set_header(it->req, "Retry-After", "1");
    http_reply_error(it->req, 503,
                     "a question has more to remember than there is memory for "
                     "now: of --memory-max (%s) questions and aggregates may "
                     "have half, and none of what channels keep as history; "
                     "ask again, or give it more",
                     max);
}

void api_scan_refuse(api_scan *it, lp_err err, const char *why)
{
    if (err == LP_E_INVALID)
        http_reply_error(it->req, 400, "%s", why);
    else
        refuse_memory(it);
    api_scan_close(it);
}

static void count(api_scan *it)
{
    _Atomic uint64_t *counts = it->home->counts.counts;

    count_add(&counts[COUNT_SCANS], 1);
    count_add(&counts[COUNT_SCAN_LINES], stats_of(it).scanned_lines);
    if (it->is_cut)
        count_add(&counts[COUNT_SCANS_CUT], 1);
    if (it->is_abandoned)
        count_add(&counts[COUNT_SCANS_ABANDONED], 1);
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

static void print_covered(const lp_scan_stats *stats, FILE *to)
{
    fprintf(to,
            ",\"evicted\":%" PRIu64 ",\"hidden\":%" PRIu64
            ",\"covers\":{\"from_seq\":%" PRIu64 ",\"end_seq\":%" PRIu64
            ",\"from\":",
            stats->evicted_lines, stats->hidden_lines, stats->from_seq,
            stats->end_seq);
    if (stats->scanned_lines > 0)
        fprintf(to, "%" PRId64 ".%06d}", stats->from_ns / NS_PER_S,
                (int)(stats->from_ns % NS_PER_S / NS_PER_US));
    else
        fputs("null}", to);
}

void api_scan_print_end(const api_scan *it, FILE *to)
{
    lp_scan_stats stats = stats_of(it);

    fprintf(to,
            ",\"scanned\":%" PRIu64 ",\"matched\":%" PRIu64
            ",\"gave_up\":%" PRIu64,
            stats.scanned_lines, stats.matched_lines, stats.limit_lines);
    print_covered(&stats, to);
    fprintf(to, ",\"complete\":%s,\"why\":", it->why ? "false" : "true");
    if (it->why)
        api_print_json_string(to, lp_span_str(it->why));
    else
        fputs("null", to);
}
