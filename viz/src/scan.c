/* scan.c - which lines there are to look at, and which of them match. */
#include "scan_impl.h"

#include <assert.h>

#include "logplex/find.h"
#include "logplex/render.h"
#include "response.h"

enum { ALIGN = 64 };

/* Making one -------------------------------------------------------------- */

void *lpi_scan_alloc(const lp_allocator *allocator, size_t *bytes)
{
    void *block;

    *bytes = (*bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    block = allocator->alloc(allocator->ctx, *bytes, ALIGN);
    if (block != NULL) {
        memset(block, 0, *bytes);
    }
    return block;
}

static bool copy_text(lp_scan *scan, unsigned n, lp_span *text)
{
    if (text->len_bytes > LP_SCAN_TEXT_MAX_BYTES) {
        return false;
    }
    if (text->len_bytes > 0) {
        memcpy(scan->texts[n], text->ptr, text->len_bytes);
    }
    text->ptr = scan->texts[n];
    return true;
}

/* A line with this status has its digits in it, whatever stands around them. */
static void write_status(lp_scan *scan)
{
    char digits[sizeof(scan->status_digits)];
    int32_t rest = scan->where.status;
    uint32_t n = 0;

    for (; rest > 0; rest /= 10) {
        digits[n++] = (char)('0' + rest % 10);
    }
    for (uint32_t i = 0; i < n; i++) {
        scan->status_digits[i] = digits[n - 1 - i];
    }
    scan->status_bytes = n;
}

static uint64_t limit_lines(const lp_filter *filter)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;

    if (filter != NULL) {
        lp_filter_stats_get(filter, &stats);
    }
    return stats.limit_lines;
}

const char *lpi_scan_init(lp_scan *scan, const lp_scan_where *where)
{
    scan->where = *where;
    if (!copy_text(scan, 0, &scan->where.process) ||
        !copy_text(scan, 1, &scan->where.route) ||
        !copy_text(scan, 2, &scan->where.code) ||
        !copy_text(scan, 3, &scan->where.request_id)) {
        return "a process, route, code or request id is over 256 bytes";
    }
    if (where->status < LP_SCAN_STATUS_CLASS(5)) {
        return "the status is below all that have a meaning";
    }
    if (where->has_response &&
        !(where->response_min_ms <= where->response_max_ms)) {
        return "the least response is over the greatest one";
    }
    if (where->end_seq != 0 && where->end_seq < where->first_seq) {
        return "the end is in front of the first line";
    }
    if (where->to_ns != 0 && where->to_ns < where->from_ns) {
        return "the time ends before it begins";
    }
    write_status(scan);
    scan->least_seq = where->first_seq > 0 ? where->first_seq : 1;
    if (where->floor_seq > where->first_seq) {
        scan->where.first_seq = where->floor_seq;
    }
    scan->limit_lines_before = limit_lines(where->filter);
    return NULL;
}

lp_err lp_scan_lines_create(const lp_scan_where *where, lp_scan_line_fn fn,
                            void *ctx, const lp_allocator *allocator,
                            lp_scan **out, const char **why)
{
    size_t bytes = sizeof(lp_scan);
    lp_sketch_home home; // for its allocator, when there is no other
    const char *wrong;
    lp_scan *scan;

    if (lp_sketch_home_init(&home, NULL, allocator, 0, 0) != LP_OK) {
        return LP_E_INVALID;
    }
    scan = lpi_scan_alloc(&home.allocator, &bytes);
    if (scan == NULL) {
        return LP_E_NOMEM;
    }
    scan->allocator = home.allocator;
    scan->bytes = bytes;
    scan->fn = fn;
    scan->ctx = ctx;
    wrong = lpi_scan_init(scan, where);
    if (wrong != NULL) {
        lp_scan_destroy(scan);
        if (why != NULL) {
            *why = wrong;
        }
        return LP_E_INVALID;
    }
    *out = scan;
    return LP_OK;
}

void lp_scan_destroy(lp_scan *scan)
{
    lp_allocator allocator;

    if (scan == NULL) {
        return;
    }
    allocator = scan->allocator;
    if (scan->groups != NULL) {
        lpi_scan_groups_destroy(scan);
    }
    allocator.free(allocator.ctx, scan, scan->bytes);
}

/* Of those that were asked for, which are the ones in front of the end. */
static uint64_t lines_before(const lp_scan *scan, lp_seq seq)
{
    seq = seq < scan->end_seq ? seq : scan->end_seq;
    return seq > scan->least_seq ? seq - scan->least_seq : 0;
}

void lp_scan_stats_get(const lp_scan *scan, lp_scan_stats *out)
{
    lp_scan_stats stats = LP_SCAN_STATS_INIT;
    uint32_t room_bytes = out->struct_bytes;

    stats.is_complete = scan->is_done;
    stats.scanned_lines = scan->scanned_lines;
    stats.matched_lines = scan->matched_lines;
    stats.evicted_lines = lines_before(scan, scan->oldest_seq);
    if (scan->where.floor_seq > scan->oldest_seq) {
        stats.hidden_lines =
            lines_before(scan, scan->where.floor_seq) - stats.evicted_lines;
    }
    stats.limit_lines =
        limit_lines(scan->where.filter) - scan->limit_lines_before;
    stats.from_seq = scan->from_seq;
    stats.end_seq = scan->end_seq;
    stats.from_ns = scan->oldest_ns;
    stats.bytes =
        scan->bytes +
        (scan->groups != NULL ? lpi_scan_groups_bytes(scan->groups) : 0);
    if (room_bytes > sizeof(stats)) {
        room_bytes = sizeof(stats);
    }
    stats.struct_bytes = out->struct_bytes;
    memcpy(out, &stats, room_bytes);
}

/* Lines ------------------------------------------------------------------- */

const lp_measures *lpi_scan_measures(lp_scan *scan, lpi_scan_line *line)
{
    if (!line->has_measures) {
        lp_measure_line read = lp_measure_line_of(line->record);

        lp_measures_read(NULL, &read, &scan->measures);
        line->has_measures = true;
    }
    return &scan->measures;
}

lp_span lpi_scan_route(lp_scan *scan, lpi_scan_line *line)
{
    const lp_measures *measures;

    if (!line->is_router) {
        return lp_span_of(NULL, 0);
    }
    measures = lpi_scan_measures(scan, line);
    if (measures->kind != LP_KIND_ROUTER) {
        return lp_span_of(NULL, 0);
    }
    return lp_span_of(scan->route,
                      lp_route_fold(measures->method, measures->path,
                                    scan->route, sizeof(scan->route)));
}

static bool is_part_of_response(const lp_measure *measure)
{
    return measure->op == LP_OP_MEASURE &&
           (lp_span_equal(measure->name, LP_SPAN("service")) ||
            lp_span_equal(measure->name, LP_SPAN("connect")));
}

bool lpi_scan_response(lp_scan *scan, lpi_scan_line *line, double *out_ms)
{
    const lp_measures *measures;
    bool is_timed = false;

    if (!line->is_router) {
        return false;
    }
    measures = lpi_scan_measures(scan, line);
    *out_ms = 0;
    for (unsigned i = 0;
         measures->kind == LP_KIND_ROUTER && i < measures->count; i++) {
        const lp_measure *one = &measures->list[i];

        if (!is_part_of_response(one)) {
            continue;
        }
        if (!lpi_is_time(one)) {
            return false; // what is left is not the whole of it
        }
        *out_ms += one->value;
        is_timed = true;
    }
    return is_timed;
}

/* Whether text is in a line. It costs a tenth of what reading it does. */
static bool has_text(const lpi_scan_line *line, lp_span text)
{
    return text.len_bytes == 0 ||
           lp_find(line->msg, text) < line->msg.len_bytes;
}

static bool code_holds(lp_scan *scan, lpi_scan_line *line)
{
    const lp_measures *measures;

    if (!has_text(line, scan->where.code)) {
        return false;
    }
    measures = lpi_scan_measures(scan, line);
    return (measures->kind == LP_KIND_ROUTER ||
            measures->kind == LP_KIND_ERROR) &&
           lp_span_equal(measures->code, scan->where.code);
}

static bool status_holds(int32_t wanted, int32_t status)
{
    switch (wanted) {
    case 0:
        return true;
    case LP_SCAN_STATUS_NONE:
        return status < 0;
    case LP_SCAN_STATUS_OTHER:
        return lpi_class_of_status(status) == LP_STATUS_OTHER;
    default:
        return wanted < 0 ? wanted == LP_SCAN_STATUS_CLASS(
                                          (int32_t)lpi_class_of_status(status))
                          : status == wanted;
    }
}

static bool request_holds(lp_scan *scan, lpi_scan_line *line)
{
    const lp_scan_where *where = &scan->where;
    const lp_measures *measures;
    double response_ms;

    if (!line->is_router ||
        !has_text(line, lp_span_of(scan->status_digits, scan->status_bytes))) {
        return false;
    }
    measures = lpi_scan_measures(scan, line);
    if (measures->kind != LP_KIND_ROUTER ||
        !status_holds(where->status, measures->status) ||
        (where->route.len_bytes > 0 &&
         !lp_span_equal(lpi_scan_route(scan, line), where->route))) {
        return false;
    }
    return !where->has_response ||
           (lpi_scan_response(scan, line, &response_ms) &&
            response_ms >= where->response_min_ms &&
            response_ms <= where->response_max_ms);
}

static bool time_holds(const lp_scan_where *where, int64_t arrival_ns)
{
    return (where->from_ns == 0 || arrival_ns >= where->from_ns) &&
           (where->to_ns == 0 || arrival_ns < where->to_ns);
}

/* The filter, and where pairs are wanted they are picked while it walks them. */
static bool filter_holds(lp_scan *scan, lpi_scan_line *line)
{
    lp_filter *filter = scan->where.filter;

    if (filter == NULL) {
        return true;
    }
    if (scan->picker == NULL) {
        return lp_filter_match(filter, line->record);
    }
    line->has_pairs = true;
    return lp_filter_pick(filter, line->record, scan->picker, line->pairs,
                          &line->found);
}

/* What costs least is asked first. */
static bool line_holds(lp_scan *scan, lpi_scan_line *line)
{
    const lp_scan_where *where = &scan->where;

    if (!time_holds(where, line->record->arrival_ns) ||
        (where->process.len_bytes > 0 &&
         !lp_procid_is(line->process, where->process))) {
        return false;
    }
    if (where->request_id.len_bytes > 0 &&
        lp_find_word(line->msg, where->request_id) >= line->msg.len_bytes) {
        return false;
    }
    if (!filter_holds(scan, line)) {
        return false;
    }
    if (where->code.len_bytes > 0 && !code_holds(scan, line)) {
        return false;
    }
    return (where->status == 0 && where->route.len_bytes == 0 &&
            !where->has_response) ||
           request_holds(scan, line);
}

/* False: that is enough. */
static bool look_at(lp_scan *scan, const lp_record *record)
{
    lpi_scan_line line; // most of it is not for every line

    line.record = record;
    line.process = lp_record_procid(record);
    line.msg = lp_record_msg(record);
    line.has_measures = false;
    line.has_pairs = false;
    line.is_router = lp_span_equal(line.process, LP_SPAN("router"));
    scan->scanned_lines++;
    scan->from_seq = record->seq;
    scan->oldest_ns = record->arrival_ns;
    if (!line_holds(scan, &line)) {
        return true;
    }
    scan->matched_lines++;
    if (scan->groups != NULL) {
        lpi_scan_groups_take(scan, &line);
        return true;
    }
    return scan->fn(scan->ctx, record);
}

void lp_scan_ask(lp_scan *scan, bool (*is_enough)(void *ctx), void *ctx)
{
    scan->is_enough = is_enough;
    scan->enough_ctx = ctx;
}

/* The lines of a run, last one first, until there are enough. */
static void look_back(lp_scan *scan, const lp_run *run, uint32_t first,
                      uint32_t end)
{
    while (!scan->is_done && end > first) {
        lp_record record;

        end--;
        record = lp_run_at(run, end);
        scan->is_done = !look_at(scan, &record);
    }
}

/* All of them in the order in which they lie in memory, as processors like it. */
static void look_at_all(lp_scan *scan, const lp_run *run, uint32_t first,
                        uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        lp_record record = lp_run_at(run, i);

        look_at(scan, &record);
    }
    if (first < end) {
        scan->from_seq = run->first_seq + first;
        scan->oldest_ns = lp_run_at(run, first).arrival_ns;
    }
}

static void look(lp_scan *scan, const lp_run *run, uint32_t first, uint32_t end)
{
    if (scan->groups != NULL) {
        look_at_all(scan, run, first, end);
    } else {
        look_back(scan, run, first, end);
    }
}

/* Some at a time, the last ones first, so that there is no hole wherever it ends. */
static void look_and_ask(lp_scan *scan, const lp_run *run, uint32_t first,
                         uint32_t end)
{
    while (!scan->is_done && end > first) {
        uint32_t some =
            end - first > LP_SCAN_ASKS_EACH ? end - LP_SCAN_ASKS_EACH : first;

        look(scan, run, some, end);
        end = some;
        if (scan->is_enough(scan->enough_ctx)) {
            scan->is_paused = true;
            return;
        }
    }
}

/* Of a run, those that were asked for: [*first, *end). */
static void clip(const lp_scan *scan, const lp_run *run, uint32_t *first_out,
                 uint32_t *end_out)
{
    const lp_scan_where *where = &scan->where;
    uint32_t first = 0;
    uint32_t end = run->line_count;

    if (where->first_seq > run->first_seq) {
        uint64_t before = where->first_seq - run->first_seq;

        first = before < end ? (uint32_t)before : end;
    }
    if (where->end_seq != 0 && where->end_seq < run->first_seq + end) {
        end = where->end_seq > run->first_seq + first
                  ? (uint32_t)(where->end_seq - run->first_seq)
                  : first;
    }
    *first_out = first;
    *end_out = end;
}

bool lp_scan_run(lp_scan *scan, const lp_run *run)
{
    uint32_t first;
    uint32_t end;

    clip(scan, run, &first, &end);
    if (scan->end_seq == 0 && first < end) {
        scan->end_seq = run->first_seq + end;
    }
    look(scan, run, first, end);
    scan->is_done = scan->is_done || run->first_seq <= scan->where.first_seq;
    return !scan->is_done;
}

/* Blocks ------------------------------------------------------------------ */

static lp_err open_cursor(lp_channel *channel, lp_start start,
                          uint64_t start_arg, lp_seq stop_seq, lp_cursor **out)
{
    lp_cursor_options opt = LP_CURSOR_OPTIONS_INIT;

    opt.start = start;
    opt.start_arg = start_arg;
    opt.start_epoch = lp_channel_epoch(channel);
    opt.stop = stop_seq > 0 ? LP_STOP_SEQ : LP_STOP_NEVER;
    opt.stop_seq = stop_seq;
    return lp_cursor_open(channel, &opt, out);
}

/* Where the time begins that was asked for, or the ring. */
static lp_err find_time(lp_scan *scan, lp_channel *channel, lp_seq *out)
{
    lp_cursor_stats stats = LP_CURSOR_STATS_INIT;
    lp_cursor *cursor;
    lp_err err = open_cursor(channel, LP_START_TIME,
                             (uint64_t)scan->where.from_ns, 0, &cursor);

    if (err != LP_OK) {
        return err;
    }
    lp_cursor_stats_get(cursor, &stats);
    lp_cursor_close(cursor);
    *out = stats.next_seq;
    return LP_OK;
}

static lp_seq later(lp_seq a, lp_seq b)
{
    return a > b ? a : b;
}

static lp_err begin(lp_scan *scan, lp_channel *channel)
{
    lp_channel_stats stats = LP_CHANNEL_STATS_INIT;
    lp_seq in_time = 0;
    lp_seq first;

    if (scan->where.from_ns != 0) {
        lp_err err = find_time(scan, channel, &in_time);

        if (err != LP_OK) {
            return err;
        }
    }
    // Later than that, so that what goes in between is not taken for too old.
    lp_channel_stats_get(channel, &stats);
    if (in_time > stats.oldest_seq) {
        scan->least_seq = later(scan->least_seq, in_time);
    }
    scan->oldest_seq = stats.oldest_seq;
    first = later(later(scan->where.first_seq, stats.oldest_seq), in_time);
    if (scan->where.end_seq == 0 || scan->where.end_seq > stats.next_seq) {
        scan->where.end_seq = stats.next_seq;
    }
    scan->where.first_seq = first;
    scan->end_seq = scan->where.end_seq;
    scan->from_seq = scan->end_seq;
    scan->has_begun = true;
    scan->is_done = first >= scan->end_seq;
    return LP_OK;
}

/* The newest runs of a block, oldest first from *at on and around; how many. */
static unsigned hold_runs(lp_scan *scan, lp_cursor *cursor, unsigned *at)
{
    unsigned count = 0;
    lp_run run;

    *at = 0;
    while (lp_cursor_next(cursor, 0, 0, &run) == LP_OK) {
        lp_run *to = &scan->runs[(*at + count) % LPI_SCAN_RUNS_MAX];

        if (count == LPI_SCAN_RUNS_MAX) {
            lp_run_release(to);
            *at = (*at + 1) % LPI_SCAN_RUNS_MAX;
            count--;
        }
        *to = run;
        count++;
    }
    lp_run_release(&run);
    return count;
}

static void look_at_held(lp_scan *scan, const lp_run *run)
{
    uint32_t first;
    uint32_t end;

    if (scan->is_enough == NULL) {
        lp_scan_run(scan, run);
        return;
    }
    clip(scan, run, &first, &end);
    look_and_ask(scan, run, first, end);
    scan->is_done = scan->is_done || scan->from_seq <= scan->where.first_seq;
}

/* The next block has as many lines as had room in what is held at a time, and some
 * more. */
static void look_at_block(lp_scan *scan, lp_cursor *cursor, lp_seq first)
{
    lp_seq end = scan->from_seq;
    unsigned at;
    unsigned count = hold_runs(scan, cursor, &at);
    bool is_short = count < LPI_SCAN_RUNS_MAX;
    lp_seq oldest = end;

    scan->is_paused = false;
    for (unsigned i = count; i > 0; i--) {
        lp_run *run = &scan->runs[(at + i - 1) % LPI_SCAN_RUNS_MAX];

        oldest = run->first_seq;
        if (!scan->is_done && !scan->is_paused) {
            look_at_held(scan, run);
        }
        lp_run_release(run);
    }
    if (is_short && oldest > first && !scan->is_paused) {
        // What is not there any more, nor is what was before it.
        scan->oldest_seq = oldest;
        scan->is_done = true;
    }
    scan->block_lines = is_short ? UINT32_MAX : (uint32_t)(end - oldest) * 2;
}

lp_err lp_scan_step(lp_scan *scan, lp_channel *channel, uint32_t lines_max)
{
    lp_cursor *cursor;
    lp_seq first;
    lp_err err = LP_OK;

    if (lines_max == 0) {
        return LP_E_INVALID;
    }
    if (!scan->has_begun) {
        err = begin(scan, channel);
    }
    if (err != LP_OK || scan->is_done) {
        return err != LP_OK ? err : LP_E_END;
    }
    if (scan->block_lines > 0 && scan->block_lines < lines_max) {
        lines_max = scan->block_lines;
    }
    first = scan->where.first_seq;
    if (scan->from_seq - first > lines_max) {
        first = scan->from_seq - lines_max;
    }
    err = open_cursor(channel, LP_START_SEQ, first, scan->from_seq, &cursor);
    if (err != LP_OK) {
        return err;
    }
    look_at_block(scan, cursor, first);
    lp_cursor_close(cursor);
    return scan->is_done ? LP_E_END : LP_OK;
}
