/* api_groups.c - how what lines say is distributed, asked when one wants to know
 * and by whatever is in them: GET .../aggregate. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_aggregate_print.h"
#include "api/api_query.h"
#include "api/api_scan.h"
#include "base/uuid.h"

enum {
    TOP = 20,
    TOP_MAX = 1000,
    SECOND_MS = 1000,
    NS_PER_MS = 1000000,
    LEAST_BYTES = 128 * 1024
};
#define WINDOW_MS     UINT64_C(300000)
#define WINDOW_MAX_MS UINT64_C(86400000)

typedef struct groups {
    api_scan base;
    lp_scan_groups_options opt;
    uint64_t top;
} groups;

/* Printing ---------------------------------------------------------------- */

static void print_by(FILE *to, const groups *it, const lp_scan_group *group)
{
    fputs("\"by\":[", to);
    for (uint32_t i = 0; i < it->opt.by_count; i++) {
        fputs(i > 0 ? "," : "", to);
        if (group->by[i].ptr)
            api_print_json_string(to, group->by[i]);
        else
            fputs("null", to);
    }
    fputs("],", to);
}

static void print_values(FILE *to, const groups *it, const lp_scan_group *group)
{
    api_print_member(to, "sum", group->sum);
    api_print_member(
        to, "mean", api_mean(group->sum, group->count, group->min, group->max));
    api_print_member(to, "min", group->min);
    api_print_member(to, "max", group->max);
    fputs(",\"quantiles\":{", to);
    for (uint32_t i = 0; i < it->opt.quantile_count; i++) {
        fputs(i > 0 ? ",\"" : "\"", to);
        api_print_double(to, it->opt.quantiles[i]);
        fputs("\":", to);
        api_print_double(to, group->quantiles[i]);
    }
    fputc('}', to);
}

typedef struct printer {
    const groups *it;
    FILE *to;
    uint32_t count;
    bool has_other;
} printer;

static void print_group(void *ctx, const lp_scan_group *group)
{
    printer *p = ctx;

    if (group->is_other) {
        fputs("],\"other\":{", p->to);
        p->has_other = true;
    } else {
        fputs(p->count > 0 ? ",{" : "{", p->to);
        print_by(p->to, p->it, group);
        p->count++;
    }
    fprintf(p->to, "\"count\":%" PRIu64, group->count);
    if (p->it->opt.measure.len_bytes > 0)
        print_values(p->to, p->it, group);
    if (!group->is_other) {
        fprintf(p->to, ",\"newest_seq\":%" PRIu64, group->newest_seq);
        api_print_member(p->to, "missed_max", group->missed_max);
    }
    fputc('}', p->to);
}

static lp_span unit_name(const lp_scan_groups_summary *summary)
{
    return summary->unit == LP_UNIT_OTHER
               ? summary->suffix
               : lp_span_str(lp_measure_unit_name((lp_unit)summary->unit));
}

static void print_head(FILE *to, const groups *it,
                       const lp_scan_groups_summary *summary)
{
    bool has_measure = it->opt.measure.len_bytes > 0;

    fputs("{\"measure\":", to);
    if (has_measure)
        api_print_json_string(to, it->opt.measure);
    else
        fputs("null", to);
    fputs(",\"by\":[", to);
    for (uint32_t i = 0; i < it->opt.by_count; i++) {
        fputs(i > 0 ? "," : "", to);
        api_print_json_string(to, it->opt.by[i]);
    }
    fputs("],\"unit\":", to);
    if (has_measure)
        api_print_json_string(to, unit_name(summary));
    else
        fputs("null", to);
    api_print_member(to, "from", (double)it->base.where.from_ns / 1e9);
    api_print_member(to, "to", (double)it->base.where.to_ns / 1e9);
    fprintf(to, ",\"epoch\":\"%" PRIu64 "\"", lp_channel_epoch(it->base.ring));
}

static void print_groups(api_scan *base, FILE *to)
{
    groups *it = (groups *)(void *)base;
    lp_scan_groups_summary summary = LP_SCAN_GROUPS_SUMMARY_INIT;
    printer p = {it, to, 0, false};

    lp_scan_groups_summary_get(base->scan, &summary);
    print_head(to, it, &summary);
    fputs(",\"groups\":[", to);
    lp_scan_groups_each(base->scan, (uint32_t)it->top, print_group, &p);
    if (!p.has_other)
        fputs("],\"other\":null", to);
    fprintf(to,
            ",\"groups_seen\":%" PRIu64 ",\"is_exact\":%s"
            ",\"without_measure\":%" PRIu64 ",\"other_units\":%" PRIu64,
            summary.groups_seen, summary.is_exact ? "true" : "false",
            summary.without_measure_lines, summary.other_unit_values);
    api_scan_print_end(base, to);
    api_print_member(to, "error",
                     it->opt.measure.len_bytes > 0 ? summary.alpha : NAN);
    api_print_member(to, "took_ms", round((double)base->took_ns / 1e3) / 1e3);
    fputc('}', to);
}

/* Asking ------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

// Each is a member of the answer.
static void drop_equal(lp_scan_groups_options *opt)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < opt->quantile_count; i++)
        if (i == 0 || opt->quantiles[i] > opt->quantiles[kept - 1])
            opt->quantiles[kept++] = opt->quantiles[i];
    opt->quantile_count = kept;
}

static bool read_quantiles(http_request *req, lp_scan_groups_options *opt)
{
    lp_span words[LP_SCAN_QUANTILES_MAX];

    if (!api_query_words(req, "q", LP_SCAN_QUANTILES_MAX, words,
                         &opt->quantile_count))
        return false;
    for (uint32_t i = 0; i < opt->quantile_count; i++)
        if (!api_parse_decimal(words[i], &opt->quantiles[i]) ||
            opt->quantiles[i] > 1) {
            api_query_refuse(req, "q", words[i],
                             "quantiles from 0 to 1, such as 0.5,0.95");
            return false;
        }
    qsort(opt->quantiles, opt->quantile_count, sizeof(double), compare);
    drop_equal(opt);
    if (opt->quantile_count == 0 || opt->measure.len_bytes > 0)
        return true;
    http_reply_error(req, 400,
                     "\"q\" is of the values of a \"measure\", and there is "
                     "none");
    return false;
}

static bool read_order(http_request *req, lp_scan_groups_options *opt)
{
    lp_span order = {NULL, 0};

    if (!api_query_text(req, "order", &order))
        return false;
    if (lp_span_equal(order, LP_SPAN("sum")) && opt->measure.len_bytes > 0)
        opt->order = LP_SCAN_BY_SUM;
    else if (order.len_bytes > 0 && !lp_span_equal(order, LP_SPAN("count"))) {
        api_query_refuse(req, "order", order,
                         "count, or of a measure also sum");
        return false;
    }
    return true;
}

static bool read_window(http_request *req, api_scan *base)
{
    uint64_t window_ms = WINDOW_MS;

    if (!api_query_duration(req, "window", SECOND_MS, WINDOW_MAX_MS,
                            &window_ms))
        return false;
    // Behind what has arrived by now.
    base->where.to_ns = wall_clock_ns() + 1;
    base->where.from_ns = base->where.to_ns - (int64_t)window_ms * NS_PER_MS;
    return true;
}

static bool read_question(http_request *req, groups *it)
{
    static const char *const known[] = {"measure", "by",  "q",     "where",
                                        "window",  "top", "order", NULL};

    if (!api_query_knows(req, known) ||
        !api_query_words(req, "by", LP_SCAN_BY_MAX, it->opt.by,
                         &it->opt.by_count) ||
        !api_query_number(req, "top", 1, TOP_MAX, &it->top))
        return false;
    return api_query_text(req, "measure", &it->opt.measure) &&
           read_quantiles(req, &it->opt) && read_order(req, &it->opt) &&
           read_window(req, &it->base) &&
           api_query_filter(req, "where", &it->base.where.filter);
}

/* Where memory is short, a question with less room is better than none: its answer
 * says what it may have missed. */
static lp_err create(groups *it, const char **why)
{
    lp_err err = LP_E_NOMEM;

    for (uint64_t bytes_max = LP_SCAN_BYTES_MAX_DEFAULT;
         err == LP_E_NOMEM && bytes_max >= LEAST_BYTES; bytes_max /= 8) {
        it->opt.bytes_max = bytes_max;
        err = lp_scan_groups_create(&it->base.where, &it->opt, &it->base.memory,
                                    &it->base.scan, why);
    }
    return err;
}

static void get_groups(http_request *req)
{
    groups *it = api_scan_open(req, sizeof(*it));
    const char *why = NULL;
    lp_err err;

    if (!it)
        return;
    it->base.print = print_groups;
    it->opt = (lp_scan_groups_options)LP_SCAN_GROUPS_OPTIONS_INIT;
    it->top = TOP;
    random_bytes(it->opt.hash_key, sizeof(it->opt.hash_key));
    if (!read_question(req, it)) {
        api_scan_close(&it->base);
        return;
    }
    err = create(it, &why);
    if (err == LP_OK)
        api_scan_start(&it->base);
    else
        api_scan_refuse(&it->base, err, why);
}

const http_route api_groups_routes[] = {
    {"GET", "/v3/channels/:id/aggregate", HTTP_API_V3, HTTP_AUTH_READER,
     get_groups, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
