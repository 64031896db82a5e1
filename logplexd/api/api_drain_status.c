#include "api/api_drain_status.h"

#include <inttypes.h>

#include "api/api_channel.h"
#include "base/clock.h"
#include "worker/metrics.h"

static const char *const answer_names[LP_DRAIN_ANSWERS] = {
    "none", "1xx", "2xx", "3xx", "4xx", "5xx"};

/* One drain --------------------------------------------------------------- */

static void print_count(FILE *to, const char *name, uint64_t count)
{
    fprintf(to, ",\"%s\":%" PRIu64, name, count);
}

static void print_time(FILE *to, const char *name, int64_t time_ns)
{
    char text[LP_TIMESTAMP_MAX_BYTES];

    if (time_ns == 0)
        fprintf(to, ",\"%s\":null", name);
    else
        fprintf(to, ",\"%s\":\"%s\"", name, api_print_time(time_ns, text));
}

double api_drain_lag_s(const lp_drain_status *status)
{
    int64_t lag_ns =
        status->behind_ns > 0 ? wall_clock_ns() - status->behind_ns : 0;

    return lag_ns > 0 ? (double)lag_ns / 1e9 : 0.0;
}

static void print_lag(FILE *to, const lp_drain_status *status)
{
    print_count(to, "lag_lines", status->pending_lines);
    fprintf(to, ",\"lag_s\":%.3f", api_drain_lag_s(status));
}

static void print_answers(FILE *to, const lp_drain_status *status)
{
    fputs(",\"answers\":{", to);
    for (unsigned i = 0; i < LP_DRAIN_ANSWERS; i++)
        fprintf(to, "%s\"%s\":%" PRIu64, i > 0 ? "," : "", answer_names[i],
                status->answers[i]);
    fputc('}', to);
}

static void print_last_error(FILE *to, const lp_drain_status *status)
{
    fputs(",\"last_error\":", to);
    if (status->error[0])
        api_print_json_string(to, lp_span_str(status->error));
    else
        fputs("null", to);
    print_time(to, "last_error_at", status->error_ns);
}

void api_print_drain_status(FILE *to, const daemon_shared *shared,
                            uint64_t drain_id)
{
    lp_drain_status status = {.struct_bytes = sizeof(status)};
    bool runs = runner_status(shared, drain_id, &status);

    fprintf(to, ",\"status\":{\"state\":\"%s\"",
            runs ? runner_state_name(status.state) : "starts");
    print_lag(to, &status);
    print_count(to, "offered_lines", status.offered_lines);
    print_count(to, "delivered_lines", status.delivered_lines);
    fprintf(to,
            ",\"lost_lines\":{\"overflow\":%" PRIu64 ",\"refused\":%" PRIu64
            "}",
            status.overflow_lines, status.refused_lines);
    fprintf(to,
            ",\"left_out_lines\":{\"filter\":%" PRIu64 ",\"rate\":%" PRIu64 "}",
            status.filtered_lines, status.limited_lines);
    print_count(to, "given_up_lines", status.given_up_lines);
    print_count(to, "batches", status.batches);
    print_count(to, "scarce_batches", status.scarce_batches);
    print_count(to, "retries", status.retries);
    print_count(to, "failures", status.failures);
    print_count(to, "failed_in_a_row", status.failed_in_a_row);
    print_count(to, "sent_bytes", status.sent_bytes);
    print_count(to, "plain_bytes", status.plain_bytes);
    print_count(to, "compressions", status.compressions);
    print_count(to, "compressions_shared", status.compressions_shared);
    print_count(to, "cut_lines", status.cut_lines);
    print_count(to, "tls_failures", status.tls_failures);
    print_answers(to, &status);
    print_time(to, "last_success_at", status.success_ns);
    print_last_error(to, &status);
    print_time(to, "retry_at", status.retry_ns);
    fputc('}', to);
}

/* Letting go on ------------------------------------------------------------ */

void api_release_drain(api_write *write)
{
    const catalog_drain *drain = api_find_drain(
        api_find_channel(write->req, write->channel_id), write->drain_id);

    if (write->err != CATALOG_EXISTS || !drain ||
        !catalog_is_same_url(drain->url, write->url) ||
        !runner_release(http_worker(write->req)->shared, drain->id))
        return;
    write->err = CATALOG_OK;
    write->drain.id = drain->id;
    snprintf(write->drain.token, sizeof(write->drain.token), "%.*s",
             (int)drain->token.len_bytes, drain->token.ptr);
}

/* All of them ------------------------------------------------------------- */

json_t *api_drains_json(const runner_totals *totals)
{
    json_t *object = json_object();
    json_t *lost = json_object();
    json_t *left_out = json_object();

    api_json_set_count(object, "offered_lines", totals->sums.offered_lines);
    api_json_set_count(object, "delivered_lines", totals->sums.delivered_lines);
    api_json_set_count(object, "pending_lines", totals->sums.pending_lines);
    api_json_set_count(lost, "overflow", totals->sums.overflow_lines);
    api_json_set_count(lost, "refused", totals->sums.refused_lines);
    api_json_set_count(lost, "closed", totals->closed_lines);
    json_object_set_new(object, "lost_lines", lost);
    api_json_set_count(left_out, "filter", totals->sums.filtered_lines);
    api_json_set_count(left_out, "rate", totals->sums.limited_lines);
    json_object_set_new(object, "left_out_lines", left_out);
    api_json_set_count(object, "given_up_lines", totals->sums.given_up_lines);
    api_json_set_count(object, "batches", totals->sums.batches);
    api_json_set_count(object, "scarce_batches", totals->sums.scarce_batches);
    api_json_set_count(object, "retries", totals->sums.retries);
    api_json_set_count(object, "failures", totals->sums.failures);
    api_json_set_count(object, "sent_bytes", totals->sums.sent_bytes);
    api_json_set_count(object, "plain_bytes", totals->sums.plain_bytes);
    api_json_set_count(object, "compressions", totals->sums.compressions);
    api_json_set_count(object, "compressions_shared",
                       totals->sums.compressions_shared);
    return object;
}

static void print_losses(FILE *to, const runner_totals *totals)
{
    metrics_print_head(
        to, "drain_lost_lines_total", "counter",
        "lines that a drain did not deliver: the ring could not keep "
        "them, the sink did not want them, or the drain was deleted");
    fprintf(to,
            "logplex_drain_lost_lines_total{reason=\"overflow\"} %" PRIu64 "\n"
            "logplex_drain_lost_lines_total{reason=\"refused\"} %" PRIu64 "\n"
            "logplex_drain_lost_lines_total{reason=\"closed\"} %" PRIu64 "\n",
            totals->sums.overflow_lines, totals->sums.refused_lines,
            totals->closed_lines);
}

static void print_left_out(FILE *to, const runner_totals *totals)
{
    metrics_print_head(
        to, "drain_left_out_lines_total", "counter",
        "lines that a drain did not want, which is no loss: by its filter, or "
        "because there were more than its rate allows");
    fprintf(to,
            "logplex_drain_left_out_lines_total{by=\"filter\"} %" PRIu64 "\n"
            "logplex_drain_left_out_lines_total{by=\"rate\"} %" PRIu64 "\n",
            totals->sums.filtered_lines, totals->sums.limited_lines);
    metrics_print_one(to, "drain_given_up_lines_total", "counter",
                      "lines on which a pattern of a filter gave up, each look "
                      "counted",
                      totals->sums.given_up_lines);
}

static void print_labelled(FILE *to, const runner_totals *totals)
{
    metrics_print_head(to, "drains", "gauge", "drains, by what they do");
    for (unsigned i = 0; i < LP_DRAIN_STATES; i++)
        fprintf(to, "logplex_drains{state=\"%s\"} %" PRIu64 "\n",
                runner_state_name(i), totals->states[i]);
    metrics_print_head(
        to, "drain_answers_total", "counter",
        "answers of HTTP sinks, by class of status; none: no answer");
    for (unsigned i = 0; i < LP_DRAIN_ANSWERS; i++)
        fprintf(to, "logplex_drain_answers_total{status=\"%s\"} %" PRIu64 "\n",
                answer_names[i], totals->sums.answers[i]);
}

static void print_compression(FILE *to, const runner_totals *totals)
{
    metrics_print_one(to, "drain_plain_bytes_total", "counter",
                      "what these bytes were before compression",
                      totals->sums.plain_bytes);
    metrics_print_one(to, "drain_compressions_total", "counter",
                      "batches that were compressed",
                      totals->sums.compressions);
    metrics_print_one(to, "drain_compressions_shared_total", "counter",
                      "batches that had been compressed for another drain, or "
                      "the try before",
                      totals->sums.compressions_shared);
}

void api_print_drain_metrics(FILE *to, const runner_totals *totals)
{
    metrics_print_one(to, "drain_offered_lines_total", "counter",
                      "lines that drains were to deliver, one for each drain",
                      totals->sums.offered_lines);
    metrics_print_one(to, "drain_delivered_lines_total", "counter",
                      "of these, delivered", totals->sums.delivered_lines);
    metrics_print_one(to, "drain_pending_lines", "gauge", "of these, not yet",
                      totals->sums.pending_lines);
    metrics_print_one(to, "drain_batches_total", "counter",
                      "batches sent, each try counted", totals->sums.batches);
    metrics_print_one(to, "drain_scarce_batches_total", "counter",
                      "of these, small ones because those in flight held as "
                      "much memory as they may",
                      totals->sums.scarce_batches);
    metrics_print_one(to, "drain_retries_total", "counter",
                      "of these, not the first try", totals->sums.retries);
    metrics_print_one(to, "drain_failures_total", "counter",
                      "tries that failed, and batches that were not wanted",
                      totals->sums.failures);
    metrics_print_one(to, "drain_sent_bytes_total", "counter",
                      "bytes that drains sent", totals->sums.sent_bytes);
    print_compression(to, totals);
    print_losses(to, totals);
    print_left_out(to, totals);
    print_labelled(to, totals);
}
