/* aggregate_line.c - which series a line is counted in. */
#include <math.h>

#include "aggregate_impl.h"
#include "logplex/route.h"
#include "process.h"
#include "response.h"

/* A slot is used before the next one is asked for: a new series may move all. */

/* Values ------------------------------------------------------------------ */

/* A value, and where sketches count it. */
typedef struct valued {
    double value;
    bool is_none; /* it is counted, but has no value */
    lpi_place place;
    lpi_exemplar_place exemplars; /* nowhere: nobody asks for such lines */
} valued;

static const valued no_value = {.is_none = true, .place = {.side = -1}};

static inline valued value_of(const lp_aggregate *aggregate, double value)
{
    valued v = {.value = value + 0.0,
                .is_none = !isfinite(value),
                .place = {.side = -1}};

    if (!v.is_none) {
        v.place = lpi_place_of(&aggregate->shared->scale, v.value);
    }
    return v;
}

/* A value that lines are asked for by. */
static inline valued asked_value_of(lp_aggregate *aggregate, double value)
{
    valued v = value_of(aggregate, value);

    if (!v.is_none) {
        lpi_exemplars_begin(&aggregate->live->exemplars);
        v.exemplars =
            lpi_exemplar_place_of(&aggregate->live->exemplars, v.place);
        __builtin_prefetch(v.exemplars.group, 1);
    }
    return v;
}

/* One more in any series, of any value. It stands apart, so that the few lines that
 * come here do not cost all others the saving of its registers. */
__attribute__((noinline)) static lpi_series *
count_any(lpi_live *live, uint32_t slot, int64_t now_s, lp_seq seq,
          const valued *v)
{
    lpi_series *series = &live->table.series[slot];
    lpi_tally *open = &series->open;

    if (lpi_tally_count(open) == 0) {
        lpi_table_touch(&live->table, slot, now_s);
        open->max_seq = v->is_none ? 0 : seq;
    }
    series->newest[1] = series->newest[0];
    series->newest[0] = seq;
    if (v->is_none) {
        open->valueless++;
        return series;
    }
    series->last = v->value;
    if (series->is_plain) {
        lpi_tally_add_plain(open, v->value);
        return series;
    }
    open->max_seq = v->value > open->values.max ? seq : open->max_seq;
    if (v->exemplars.group != NULL) {
        lpi_exemplar_keep(&live->exemplars, series->hash, v->exemplars, seq);
    }
    lpi_sketch_add_at(&open->values, &live->home, v->value, v->place);
    return series;
}

/* The same; inline for a positive value whose bucket has a counter, as
 * nearly all have: nothing is the first of its second then. */
static inline lpi_series *count(lp_aggregate *aggregate, uint32_t slot,
                                lp_seq seq, const valued *v)
{
    lpi_live *live = aggregate->live;
    lpi_series *series = &live->table.series[slot];
    lp_sketch *values = &series->open.values;

    if (!lpi_sketch_increment(values, v->place)) {
        return count_any(live, slot, aggregate->open_s, seq, v);
    }
    series->newest[1] = series->newest[0];
    series->newest[0] = seq;
    series->last = v->value;
    if (v->value > values->max) {
        series->open.max_seq = seq;
        values->max = v->value;
    }
    values->min = v->value < values->min ? v->value : values->min;
    values->count++;
    lpi_sum_add(values, v->value);
    if (v->exemplars.group != NULL) {
        lpi_exemplar_keep(&live->exemplars, series->hash, v->exemplars, seq);
    }
    return series;
}

/* One more in a series that is plain. How many it has by now, of this second. */
static inline uint64_t count_plain(lp_aggregate *aggregate, uint32_t slot,
                                   lp_seq seq, double value)
{
    lpi_series *series = &aggregate->live->table.series[slot];
    lpi_tally *open = &series->open;

    if (lpi_tally_count(open) == 0) {
        lpi_table_touch(&aggregate->live->table, slot, aggregate->open_s);
    }
    series->newest[1] = series->newest[0];
    series->newest[0] = seq;
    series->last = value;
    lpi_tally_add_plain(open, value);
    return open->values.count;
}

static void count_named(lp_aggregate *aggregate, lp_dimension dimension,
                        lp_span name, lp_seq seq, const valued *v)
{
    lpi_key key = {.dimension = (uint8_t)dimension, .name = name};

    count(aggregate, lpi_table_get(aggregate, &key), seq, v);
}

/* The slot of a process whose memo, if it has one, is of somebody else. */
__attribute__((noinline)) static uint32_t find_process(lp_aggregate *aggregate,
                                                       lp_dimension dimension,
                                                       lp_span process,
                                                       lpi_process_memo *memo)
{
    lpi_key key = {.dimension = (uint8_t)dimension, .name = process};
    uint32_t slot = lpi_table_get(aggregate, &key);

    if (memo != NULL) {
        memo->name = lpi_load_short(process);
        memo->slot = lpi_series_is_fixed(slot) ? 0 : (uint16_t)slot;
    }
    return slot;
}

/* The slot of a process in a dimension. */
static inline uint32_t process_slot(lp_aggregate *aggregate,
                                    lp_dimension dimension, lp_span process,
                                    lpi_process_memo memos[LPI_PROCESS_MEMOS])
{
    size_t n = process.len_bytes;
    lpi_process_memo *memo = NULL;
    unsigned last, before;

    // With a zero in it it could be taken for a shorter one.
    if (n >= 2 && n <= sizeof(memo->name) && process.ptr[n - 1] != '\0') {
        last = (unsigned char)process.ptr[n - 1];
        before = (unsigned char)process.ptr[n - 2];
        // Those of forty numbered ones seldom meet.
        memo = &memos[(last + 10 * before + 7 * n) % LPI_PROCESS_MEMOS];
        if (memo->name == lpi_load_short(process) && memo->slot != 0) {
            return memo->slot;
        }
    }
    return find_process(aggregate, dimension, process, memo);
}

/* Lines ------------------------------------------------------------------- */

/* Arrival less TIMESTAMP: of all, and of the process whose lines are in slot. */
static void count_skew(lp_aggregate *aggregate, const lp_record *record,
                       uint32_t slot)
{
    int64_t sent_ns;
    valued v;

    if (lp_timestamp_parse(lp_record_time(record), &sent_ns, NULL) != LP_OK) {
        return;
    }
    v = value_of(aggregate,
                 ((double)record->arrival_ns - (double)sent_ns) / 1e6);
    lpi_process_skew(aggregate, slot, v.value);
    count_named(aggregate, LP_DIM_SKEW, LP_SPAN(""), record->seq, &v);
}

static void count_bytes(lp_aggregate *aggregate, const lp_record *record,
                        lp_span process)
{
    uint32_t slot = process_slot(aggregate, LP_DIM_LINES, process,
                                 aggregate->live->memo.lines);

    if (count_plain(aggregate, slot, record->seq,
                    (double)record->bytes.len_bytes) == 1) {
        count_skew(aggregate, record, slot);
    }
}

/* Requests ---------------------------------------------------------------- */

enum { CONNECT = 0, SERVICE = 1, WAIT = 2, QUEUE = 3, BYTES = 4 };

/* What is beyond most is a mistake: for bytes, a million gigabytes. */
static const struct {
    lp_span name;
    double most;
    uint8_t unit;
} router_series[LPI_ROUTER_MEASURES] = {
    [CONNECT] = {{"router.connect", 14}, LPI_TIME_MOST_MS, LP_UNIT_MS},
    [SERVICE] = {{"router.service", 14}, LPI_TIME_MOST_MS, LP_UNIT_MS},
    [WAIT] = {{"router.wait", 11}, LPI_TIME_MOST_MS, LP_UNIT_MS},
    [QUEUE] = {{"router.queue", 12}, 1e9, LP_UNIT_NONE},
    [BYTES] = {{"router.bytes", 12}, 0x1p50, LP_UNIT_BYTES},
};

/* Which one it is; LPI_ROUTER_MEASURES: none of them. */
static inline unsigned router_measure(const lp_measure *measure)
{
    lp_span name = measure->name;
    unsigned which = LPI_ROUTER_MEASURES;

    switch (name.len_bytes) {
    case 4:
        which = memcmp(name.ptr, "wait", 4) == 0 ? WAIT : which;
        break;
    case 5:
        which = memcmp(name.ptr, "bytes", 5) == 0 ? BYTES : which;
        which = memcmp(name.ptr, "queue", 5) == 0 ? QUEUE : which;
        break;
    case 7:
        which = memcmp(name.ptr, "service", 7) == 0 ? SERVICE : which;
        which = memcmp(name.ptr, "connect", 7) == 0 ? CONNECT : which;
        break;
    default:
        break;
    }
    return measure->op == LP_OP_MEASURE ? which : LPI_ROUTER_MEASURES;
}

static void count_router_measure(lp_aggregate *aggregate, unsigned which,
                                 lp_seq seq, double value)
{
    uint16_t *memo = &aggregate->live->memo.router[which];
    // Times are asked for by that of the whole response.
    valued v = which <= SERVICE ? value_of(aggregate, value)
                                : asked_value_of(aggregate, value);
    uint32_t slot = *memo;

    if (slot == 0) {
        lpi_key key = {.dimension = LP_DIM_MEASURE,
                       .unit = router_series[which].unit,
                       .is_platform = true,
                       .name = router_series[which].name};

        slot = lpi_table_get(aggregate, &key);
        *memo = lpi_series_is_fixed(slot) ? 0 : (uint16_t)slot;
    }
    count(aggregate, slot, seq, &v);
}

enum { STATUS_DIGITS = 3 };

/* Empty for none. Numbers that are no status have one name: it is that which they
 * say, and the parser does not keep all of their digits. */
static lp_span status_name(int32_t status, char digits[STATUS_DIGITS])
{
    if (status < 0) {
        return lp_span_of(NULL, 0);
    }
    if (lpi_class_of_status(status) == LP_STATUS_OTHER) {
        return LP_SPAN("other");
    }
    for (size_t at = STATUS_DIGITS; at > 0; status /= 10) {
        digits[--at] = (char)('0' + status % 10);
    }
    return lp_span_of(digits, STATUS_DIGITS);
}

static void count_status(lp_aggregate *aggregate, int32_t status, lp_seq seq,
                         const valued *v, bool is_failed)
{
    bool is_usual = status >= LPI_STATUS_FIRST && status < LPI_STATUS_END;
    uint16_t *memo =
        &aggregate->live->memo.status[is_usual ? status - LPI_STATUS_FIRST : 0];
    uint32_t slot = is_usual ? *memo : 0;
    lpi_series *series;

    if (slot == 0) {
        char digits[STATUS_DIGITS];
        lpi_key key = {.dimension = LP_DIM_STATUS,
                       .name = status_name(status, digits)};

        slot = lpi_table_get(aggregate, &key);
        if (is_usual && !lpi_series_is_fixed(slot)) {
            *memo = (uint16_t)slot;
        }
    }
    aggregate->live->open_classes[lpi_class_of_status(status)]++;
    series = count(aggregate, slot, seq, v);
    series->open.failed += is_failed ? 1 : 0;
}

static void count_process(lp_aggregate *aggregate, lp_span process, lp_seq seq,
                          const valued *v, bool is_failed)
{
    uint32_t slot = process_slot(aggregate, LP_DIM_PROCESS, process,
                                 aggregate->live->memo.processes);
    lpi_series *series = count(aggregate, slot, seq, v);

    series->open.failed += is_failed ? 1 : 0;
}

/* The slot of a route. Paths are folded, as few come again as they are, and routes
 * that were asked for lately are known. */
static uint32_t route_slot(lp_aggregate *aggregate, const lp_measures *m)
{
    char route[LP_AGGREGATE_NAME_MAX_BYTES];
    lpi_key key = {.dimension = LP_DIM_ROUTE};
    uint64_t *memo, hash;
    uint32_t slot;

    key.name = lp_span_of(
        route, lp_route_fold(m->method, m->path, route, sizeof(route)));
    hash = lpi_hash_of(key.name, LP_DIM_ROUTE, aggregate->shared->hash_key);
    // Two places side by side: some of a dozen routes meet.
    memo = &aggregate->live->memo.routes[hash % LPI_ROUTE_MEMOS / 2 * 2];
    for (unsigned i = 0; i < 2; i++) {
        if ((memo[i] ^ hash) >> 16 == 0 && (uint16_t)memo[i] != 0) {
            return (uint16_t)memo[i];
        }
    }
    slot = lpi_table_get(aggregate, &key);
    if (!lpi_series_is_fixed(slot)) {
        memo[1] = memo[0];
        memo[0] = hash >> 16 << 16 | slot;
    }
    return slot;
}

static void count_route(lp_aggregate *aggregate, const lp_measures *m,
                        lp_seq seq, const valued *v, bool is_failed)
{
    lpi_series *series = count(aggregate, route_slot(aggregate, m), seq, v);

    series->open.failed += is_failed ? 1 : 0;
}

/* Of all, and of the process, where it is known. */
static void count_code(lp_aggregate *aggregate, lp_span code, lp_span process,
                       lp_seq seq, const valued *v)
{
    lpi_key key = {.dimension = LP_DIM_CODE, .name = code};

    count(aggregate, lpi_table_get(aggregate, &key), seq, v);
    if (process.len_bytes > 0) {
        key.of = process;
        key.is_of_process = true;
        count(aggregate, lpi_table_get(aggregate, &key), seq, v);
    }
}

static void count_event(lp_aggregate *aggregate, const lp_measures *m,
                        lp_seq seq)
{
    lpi_key key = {.dimension = LP_DIM_EVENT};

    switch (m->kind) {
    case LP_KIND_STATE:
        key.name = m->to;
        break;
    case LP_KIND_CYCLING:
        key.name = LP_SPAN("restarted");
        break;
    case LP_KIND_EXIT:
        key.name = LP_SPAN("exited");
        break;
    case LP_KIND_START:
        key.name = LP_SPAN("started");
        break;
    case LP_KIND_STOP:
        key.name = LP_SPAN("stopped");
        break;
    default:
        return;
    }
    count(aggregate, lpi_table_get(aggregate, &key), seq, &no_value);
}

/* A measure of any line. What dynos say of themselves is counted of all, and kept
 * of each as far as somebody asks for it; what has a source= by convention is that
 * source's alone. */
static void count_measure(lp_aggregate *aggregate, const lp_measures *m,
                          const lp_measure *measure, lp_seq seq)
{
    bool is_runtime = m->kind == LP_KIND_RUNTIME;
    lp_span of = is_runtime && m->source.len_bytes == 0 ? m->dyno : m->source;
    valued v = asked_value_of(aggregate, measure->value);
    lpi_key key = {.dimension = LP_DIM_MEASURE,
                   .op = measure->op,
                   .unit = measure->unit,
                   .is_platform = is_runtime || m->kind == LP_KIND_ROUTER ||
                                  m->kind == LP_KIND_ERROR ||
                                  m->kind == LP_KIND_POSTGRES ||
                                  m->kind == LP_KIND_REDIS,
                   .name = measure->name};

    if (is_runtime && lpi_sample_is_odd(measure)) {
        lpi_count_odd(aggregate, seq);
        return;
    }
    if (measure->unit == LP_UNIT_OTHER) {
        key.unit_text = measure->suffix;
    }
    if (of.len_bytes > 0 && !is_runtime) {
        key.of = of;
        key.is_of_process = true;
    }
    count(aggregate, lpi_table_get(aggregate, &key), seq, &v);
    if (of.len_bytes > 0 && is_runtime &&
        lpi_process_sample(aggregate, of, measure, seq) == LPI_SAMPLED_OTHER) {
        count(aggregate, LPI_FIXED_OWN_MEASURE, seq, &v);
    }
}

static void count_measures(lp_aggregate *aggregate, const lp_measures *m,
                           lp_seq seq)
{
    for (unsigned i = 0; i < m->count; i++) {
        count_measure(aggregate, m, &m->list[i], seq);
    }
}

/* Whole lines ------------------------------------------------------------- */

/* Counts what the router measures; returns connect + service, of what is there. */
static valued count_times(lp_aggregate *aggregate, const lp_measures *m,
                          lp_seq seq)
{
    bool is_timed = false;
    bool is_wrong = false;
    double sum = 0;

    for (unsigned i = 0; i < m->count; i++) {
        unsigned which = router_measure(&m->list[i]);

        if (which == LPI_ROUTER_MEASURES) {
            count_measure(aggregate, m, &m->list[i], seq);
            continue;
        }
        if (lpi_is_odd(&m->list[i], router_series[which].unit,
                       router_series[which].most)) {
            lpi_count_odd(aggregate, seq);
            is_wrong |= which <= SERVICE; // what is left is not the whole time
            continue;
        }
        count_router_measure(aggregate, which, seq, m->list[i].value);
        if (which <= SERVICE) {
            sum += m->list[i].value;
            is_timed = true;
        }
    }
    return is_timed && !is_wrong ? asked_value_of(aggregate, sum) : no_value;
}

static void count_request(lp_aggregate *aggregate, const lp_measures *m,
                          lp_seq seq)
{
    bool is_failed = m->status >= 500 || m->code.len_bytes > 0;
    valued response;

    if (aggregate->live->exemplars.list == NULL) {
        lpi_exemplars_make(aggregate);
    }
    response = count_times(aggregate, m, seq);
    count_status(aggregate, m->status, seq, &response, is_failed);
    count_process(aggregate, m->dyno, seq, &response, is_failed);
    count_route(aggregate, m, seq, &response, is_failed);
    if (m->code.len_bytes > 0) {
        count_code(aggregate, m->code, m->dyno, seq, &response);
    }
}

void lpi_count_line(lp_aggregate *aggregate, const lp_record *record)
{
    lp_measure_line line;
    lp_measures m;

    // Where it is read: a copy of it would wait for what was just written.
    line.source = lp_record_app(record);
    line.process = lp_record_procid(record);
    line.msg = lp_record_msg(record);
    line.is_cut = false;
    lp_measures_read(aggregate->shared->kinds, &line, &m);
    lpi_exemplars_settle(&aggregate->live->exemplars);
    count_bytes(aggregate, record, line.process);
    if (m.kind == LP_KIND_ROUTER) {
        count_request(aggregate, &m, record->seq);
        return;
    }
    if (m.kind == LP_KIND_ERROR) {
        count_code(aggregate, m.code, m.dyno, record->seq, &no_value);
    } else {
        count_event(aggregate, &m, record->seq);
        lpi_markers_add(aggregate, record, &m);
    }
    count_measures(aggregate, &m, record->seq);
}
