/* drain_status.c - what is counted for a drain, and what it says of itself. */
#include "drain_impl.h"

#include <string.h>

#include "sieve.h"

void lp_drain_count_sent(lp_drain *drain, uint64_t bytes)
{
    lp_drain_count_compressed(drain, bytes, bytes);
}

void lp_drain_count_compressed(lp_drain *drain, uint64_t bytes,
                               uint64_t plain_bytes)
{
    drain->sent_bytes += bytes;
    drain->plain_bytes += plain_bytes;
}

void lp_drain_count_compression(lp_drain *drain, bool is_shared)
{
    if (is_shared)
        drain->compressions_shared++;
    else
        drain->compressions++;
}

void lp_drain_count_answer(lp_drain *drain, unsigned status)
{
    unsigned class = status / 100;

    // What no RFC knows is no success, and an answer all the same.
    drain->answers[class < LP_DRAIN_ANSWERS ? class : LP_DRAIN_ANSWERS - 1]++;
}

void lp_drain_count_cut(lp_drain *drain, uint64_t lines)
{
    drain->cut_lines += lines;
}

/* Status ------------------------------------------------------------------ */

static lp_drain_state state_of(const lp_drain *drain)
{
    if (drain->rest == LPI_REST_PARKED)
        return LP_DRAIN_PARKED;
    if (drain->flights)
        return LP_DRAIN_SENDS;
    if (drain->set->is_paused)
        return LP_DRAIN_HELD;
    if (drain->rest == LPI_REST_FAILED)
        return LP_DRAIN_WAITS;
    if (drain->is_queued)
        return LP_DRAIN_QUEUES;
    if (drain->is_crowded)
        return LP_DRAIN_CROWDED;
    return drain->due_ms > 0 ? LP_DRAIN_LINGERS : LP_DRAIN_IDLE;
}

/* When the oldest line that is pending arrived; 0: there is none. */
static int64_t oldest_pending_ns(lp_drain *drain)
{
    const lpi_limits one = {.bytes_max = 1, .lines_max = 1, .is_copied = true};
    lpi_taken taken;
    int64_t arrival_ns;

    if (drain->flights)
        return drain->flights->batch.time_ns;
    if (lpi_take(drain->cursor, &one, &taken) != LP_OK)
        return 0;
    arrival_ns = taken.batch.time_ns;
    lpi_untake(drain->cursor, NULL, &taken);
    lpi_drain_rest_cursor(drain);
    return arrival_ns;
}

/* Of one moment, as far as they depend on each other. */
typedef struct account {
    uint64_t offered_lines;
    uint64_t overflow_lines;
    uint64_t pending_lines;
} account;

/* What the ring has dropped already, the cursor will find to be lost when it
 * reads on. */
static account account_of(const lp_drain *drain)
{
    lp_cursor_stats cursor = LP_CURSOR_STATS_INIT;
    lp_channel_stats ring = LP_CHANNEL_STATS_INIT;
    account sums;
    uint64_t done_lines;

    lp_channel_stats_get(drain->ring, &ring);
    lp_cursor_stats_get(drain->cursor, &cursor);
    sums.offered_lines = cursor.offered_lines;
    sums.overflow_lines = cursor.lost_lines;
    if (ring.oldest_seq > cursor.next_seq)
        sums.overflow_lines += ring.oldest_seq - cursor.next_seq;
    done_lines = sums.overflow_lines + drain->delivered_lines +
                 drain->refused_lines + drain->left_out_lines;
    sums.pending_lines =
        sums.offered_lines > done_lines ? sums.offered_lines - done_lines : 0;
    return sums;
}

uint64_t lpi_drain_pending(lp_drain *drain)
{
    return account_of(drain).pending_lines;
}

void lp_drain_status_get(lp_drain *drain, lp_drain_status *out)
{
    lp_drain_status status = {.state = state_of(drain)};
    account sums;
    uint32_t room_bytes = out->struct_bytes;

    status.behind_ns = oldest_pending_ns(drain);
    sums = account_of(drain);
    status.offered_lines = sums.offered_lines;
    status.delivered_lines = drain->delivered_lines;
    status.overflow_lines = sums.overflow_lines;
    status.refused_lines = drain->refused_lines;
    status.filtered_lines = drain->left_out_lines - drain->limited_lines;
    status.limited_lines = drain->limited_lines;
    status.scarce_batches = drain->scarce_batches;
    status.given_up_lines =
        drain->given_up_lines + lpi_sieve_limit_lines(drain->sieve);
    status.pending_lines = sums.pending_lines;
    status.batches = drain->batches;
    status.retries = drain->retries;
    status.failures = drain->failures;
    status.sent_bytes = drain->sent_bytes;
    status.plain_bytes = drain->plain_bytes;
    status.compressions = drain->compressions;
    status.compressions_shared = drain->compressions_shared;
    memcpy(status.answers, drain->answers, sizeof(status.answers));
    status.failed_in_a_row = drain->failed_in_a_row;
    status.success_ns = drain->success_ns;
    status.error_ns = drain->error_ns;
    status.retry_ns = drain->retry_ns;
    memcpy(status.error, drain->error, sizeof(status.error));
    status.cut_lines = drain->cut_lines;
    status.tls_failures = drain->tls_failures;
    memcpy(status.tls_alert, drain->tls_alert, sizeof(status.tls_alert));
    status.struct_bytes = room_bytes;
    memcpy(out, &status,
           room_bytes < sizeof(status) ? room_bytes : sizeof(status));
}
