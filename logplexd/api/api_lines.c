/* api_lines.c - reading the lines of a channel as data: as they come, by number,
 * by what they say, and by the request that they are of. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "api/api_aggregate_print.h"
#include "api/api_channel.h"
#include "api/api_query.h"
#include "api/api_scan.h"
#include "api/api_tail.h"
#include "api/line_list.h"
#include "tail/history.h"
#include "tail/tail_form.h"

enum { TAIL_LINES = 200, FOUND_LINES = 20, SEQS_MAX = 100 };
#define TAIL_LINES_MAX UINT64_C(1000000)

/* Following --------------------------------------------------------------- */

static void get_tail(http_request *req)
{
    static const char *const known[] = {"num", "where", "last_event_id", NULL};
    const catalog_channel *channel;
    tail_request want = {
        .num_lines = TAIL_LINES, .is_tail = true, .form = &tail_form_batches};

    if (!api_wants_events(req))
        return;
    channel = api_readable_channel(req);
    if (!channel || !api_query_knows(req, known) ||
        !api_query_number(req, "num", 0, TAIL_LINES_MAX, &want.num_lines) ||
        !api_query_filter(req, "where", &want.where))
        return;
    api_tail_of(req, channel, &want);
    tail_start(req, &want);
}

/* By number --------------------------------------------------------------- */

// False: the ring has it no more.
static bool print_line(lp_channel *ring, lp_seq seq, FILE *to)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;
    lp_cursor *cursor;
    lp_run run;
    lp_err err;

    opt.start = LP_START_SEQ;
    opt.start_arg = seq;
    opt.start_epoch = lp_channel_epoch(ring);
    opt.stop = LP_STOP_SEQ;
    opt.stop_seq = seq + 1;
    if (lp_cursor_open(ring, &opt, &cursor) != LP_OK)
        return false;
    err = lp_cursor_next(cursor, 1, 0, &run);
    if (err == LP_OK) {
        lp_record record = lp_run_at(&run, 0);

        line_print(&record, to);
        lp_run_release(&run);
    }
    lp_cursor_close(cursor);
    return err == LP_OK;
}

typedef struct seq_list {
    lp_seq seqs[SEQS_MAX];
    uint32_t count;
    uint64_t epoch;
    lp_seq floor_seq;
} seq_list;

static bool read_seqs(http_request *req, seq_list *out)
{
    static const char *const known[] = {"seqs", "epoch", NULL};
    lp_span words[SEQS_MAX];

    if (!api_query_knows(req, known) ||
        !api_query_epoch(req, "epoch", &out->epoch) ||
        !api_query_words(req, "seqs", SEQS_MAX, words, &out->count))
        return false;
    for (uint32_t i = 0; i < out->count; i++)
        if (!api_parse_count(words[i], &out->seqs[i]) || out->seqs[i] == 0) {
            api_query_refuse(req, "seqs", words[i],
                             "the number of a line, from 1 on");
            return false;
        }
    return true;
}

// Why it can't be shown; NULL: it has been.
static const char *print_seq(const seq_list *wanted, lp_channel *ring,
                             const lp_channel_stats *stats, lp_seq seq,
                             FILE *to)
{
    if (wanted->epoch != stats->epoch)
        return "evicted";
    if (seq >= stats->next_seq)
        return "unknown";
    if (ftell(to) > LINE_LIST_BYTES_MAX)
        return "left_out";
    if (seq < wanted->floor_seq)
        return seq < stats->oldest_seq ? "evicted" : "hidden";
    if (!print_line(ring, seq, to))
        return "evicted";
    return NULL;
}

static void print_seqs(const seq_list *wanted, lp_channel *ring, FILE *to)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;

    lp_channel_stats_get(ring, &stats);
    fprintf(to, "{\"epoch\":\"%" PRIu64 "\",", stats.epoch);
    if (wanted->epoch != stats.epoch)
        fputs("\"epoch_is_over\":true,", to);
    fputs("\"lines\":[", to);
    for (uint32_t i = 0; i < wanted->count; i++) {
        const char *why;

        fputs(i > 0 ? "," : "", to);
        why = print_seq(wanted, ring, &stats, wanted->seqs[i], to);
        if (why)
            fprintf(to, "{\"seq\":%" PRIu64 ",\"%s\":true}", wanted->seqs[i],
                    why);
    }
    fputs("]}", to);
}

static void get_seqs(http_request *req)
{
    const catalog_channel *channel = api_readable_channel(req);
    seq_list wanted = {.count = 0};
    api_page page;

    if (!channel)
        return;
    wanted.epoch = lp_channel_epoch(channel->ring);
    wanted.floor_seq = api_history_floor(req, channel);
    if (!read_seqs(req, &wanted) || !api_page_open(req, &page))
        return;
    print_seqs(&wanted, channel->ring, page.to);
    api_page_reply(req, &page, 200, "application/json");
}

/* By what they say -------------------------------------------------------- */

// Begins with what every question has.
typedef struct search {
    api_scan base;
    line_list found;
    uint64_t limit_lines;
    bool is_full;
    lp_span request_id;
} search;

static bool on_line(void *ctx, const lp_record *record)
{
    search *it = ctx;

    it->is_full = !line_list_add(&it->found, record);
    return !it->is_full && it->found.count < it->limit_lines;
}

static void close_search(api_scan *base)
{
    line_list_fini(&((search *)(void *)base)->found);
}

static search *open_search(http_request *req)
{
    search *it = api_scan_open(req, sizeof(*it));

    if (!it)
        return NULL;
    it->base.close = close_search;
    it->found.memory = &it->base.memory;
    it->limit_lines = LINE_LIST_LINES_MAX;
    return it;
}

static void start_search(search *it)
{
    const char *why = NULL;
    lp_err err = lp_scan_lines_create(&it->base.where, on_line, it,
                                      &it->base.memory, &it->base.scan, &why);

    if (err == LP_OK)
        api_scan_start(&it->base);
    else
        api_scan_refuse(&it->base, err, why);
}

// There may be more lines than those that were wanted, or had room.
static void look_why(search *it)
{
    if (it->found.has_no_memory)
        it->base.why = "there was no memory for more lines (--memory-max)";
    else if (it->is_full)
        it->base.why = "there is no room for more lines in one answer";
    else if (it->found.count == it->limit_lines)
        it->base.why = "there may be more lines than the limit";
}

static void print_search_head(search *it, FILE *to)
{
    look_why(it);
    fprintf(to, "{\"epoch\":\"%" PRIu64 "\"", lp_channel_epoch(it->base.ring));
}

static void print_found(api_scan *base, FILE *to)
{
    search *it = (search *)(void *)base;

    print_search_head(it, to);
    fputs(",\"lines\":", to);
    line_list_print(&it->found, false, to);
    api_scan_print_end(base, to);
    fputc('}', to);
}

static bool read_range(http_request *req, api_scan *base)
{
    lp_scan_where *where = &base->where;

    if (!api_query_number(req, "from_seq", 1, INT64_MAX, &where->first_seq) ||
        !api_query_number(req, "end_seq", 1, INT64_MAX, &where->end_seq) ||
        !api_query_time(req, "from", &where->from_ns) ||
        !api_query_time(req, "to", &where->to_ns))
        return false;
    if (where->end_seq > 0 && where->end_seq < where->first_seq) {
        http_reply_error(req, 400,
                         "\"end_seq\" is the number behind the last line, and "
                         "can't be below \"from_seq\"");
        return false;
    }
    return true;
}

static bool read_response(http_request *req, lp_scan_where *where)
{
    double min_ms = -1, max_ms = -1;

    if (!api_query_decimal(req, "response_min", &min_ms) ||
        !api_query_decimal(req, "response_max", &max_ms))
        return false;
    where->has_response = min_ms >= 0 || max_ms >= 0;
    where->response_min_ms = min_ms >= 0 ? min_ms : 0;
    where->response_max_ms = max_ms >= 0 ? max_ms : INFINITY;
    return true;
}

/* The value of lp_scan_where for a class. */
static int32_t status_of_class(unsigned class)
{
    switch (class) {
    case LP_STATUS_NONE:
        return LP_SCAN_STATUS_NONE;
    case LP_STATUS_OTHER:
        return LP_SCAN_STATUS_OTHER;
    default:
        return LP_SCAN_STATUS_CLASS((int32_t) class);
    }
}

/* A number, or a class. */
static bool read_status(http_request *req, int32_t *out)
{
    const char *text = http_query(req, "status");
    uint64_t number;

    if (!text)
        return true;
    for (unsigned i = 0; i < LP_STATUS_CLASSES; i++) {
        if (strcmp(text, api_class_names[i]) == 0) {
            *out = status_of_class(i);
            return true;
        }
    }
    if (!api_parse_count(lp_span_str(text), &number) || number < 100 ||
        number > 999) {
        api_query_refuse(req, "status", lp_span_str(text),
                         "a number from 100 to 999, \"1xx\" to \"5xx\", "
                         "\"none\" or \"other\"");
        return false;
    }
    *out = (int32_t)number;
    return true;
}

static bool read_where(http_request *req, search *it)
{
    lp_scan_where *where = &it->base.where;

    if (!api_query_number(req, "limit", 1, LINE_LIST_LINES_MAX,
                          &it->limit_lines) ||
        !read_status(req, &where->status) || !read_response(req, where) ||
        !read_range(req, &it->base) ||
        !api_query_filter(req, "where", &where->filter))
        return false;
    return api_query_text(req, "process", &where->process) &&
           api_query_text(req, "route", &where->route) &&
           api_query_text(req, "code", &where->code);
}

static void find_lines(http_request *req)
{
    static const char *const known[] = {
        "seqs", "epoch",        "from_seq",     "end_seq", "from",
        "to",   "where",        "process",      "route",   "status",
        "code", "response_min", "response_max", "limit",   NULL};
    search *it;

    if (http_query(req, "epoch")) {
        http_reply_error(req, 400,
                         "\"epoch\" says whose numbers \"seqs\" are, and there "
                         "are none");
        return;
    }
    it = open_search(req);
    if (!it)
        return;
    it->limit_lines = FOUND_LINES;
    it->base.print = print_found;
    if (api_query_knows(req, known) && read_where(req, it))
        start_search(it);
    else
        api_scan_close(&it->base);
}

static void get_lines(http_request *req)
{
    if (!http_query(req, "seqs"))
        find_lines(req);
    else if (api_wants_json(req))
        get_seqs(req);
}

/* By request -------------------------------------------------------------- */

static void print_request(api_scan *base, FILE *to)
{
    search *it = (search *)(void *)base;

    print_search_head(it, to);
    fputs(",\"request_id\":", to);
    api_print_json_string(to, it->request_id);
    fputs(",\"lines\":", to);
    line_list_print(&it->found, true, to);
    api_scan_print_end(base, to);
    fputc('}', to);
}

static void get_request(http_request *req)
{
    static const char *const known[] = {NULL};
    search *it = open_search(req);

    if (!it)
        return;
    it->base.print = print_request;
    it->request_id = http_param(req, 1);
    it->base.where.request_id = it->request_id;
    if (api_query_knows(req, known))
        start_search(it);
    else
        api_scan_close(&it->base);
}

const http_route api_lines_routes[] = {
    {"GET", "/v3/channels/:id/tail", HTTP_API_V3 | HTTP_STREAMS,
     HTTP_AUTH_READER, get_tail, 0, NULL},
    {"GET", "/v3/channels/:id/lines", HTTP_API_V3, HTTP_AUTH_READER, get_lines,
     0, NULL},
    {"GET", "/v3/channels/:id/requests/:request_id", HTTP_API_V3,
     HTTP_AUTH_READER, get_request, 0, NULL},
    {NULL, NULL, HTTP_API_NONE, HTTP_AUTH_NONE, NULL, 0, NULL},
};
