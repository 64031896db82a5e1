/* aggregate_line.c - which series a line is counted in. */
#include <math.h>

#include "aggregate_impl.h"
#include "process.h"
#include "response.h"
#include "route_impl.h"

/* A slot is used before the next one is asked for: a new series may move all. */

/* Values ------------------------------------------------------------------ */

/* A series with so many values in a second is worth counters for its buckets. */
enum { OFTEN = 32 };

/* A value, and where sketches count it. */
typedef struct valued {
    double value;
    bool is_none; /* it is counted, but has no value */
    lpi_place place;
    lpi_exemplar_place exemplars; /* nowhere: nobody asks for such lines */
} valued;

/* Not among the zeros. */
static const valued no_value = {.is_none = true, .place = {.side = 0}};

/* Of a value that is finite. Word by word, and not as a struct: what is put together
 * of words that were just written, and copied, makes the processor wait until they
 * are in its cache, which was a fifth of what a line cost. */
static inline void set_value(const lp_aggregate *aggregate, double value,
                             valued *out)
{
    lpi_place at = lpi_place_of(&aggregate->shared->scale, value + 0.0);

    out->value = value + 0.0;
    out->is_none = false;
    out->place.side = at.side;
    out->place.key = at.key;
    out->exemplars.group = NULL;
    out->exemplars.hash = 0;
}

/* Of one that is finite, and that lines are asked for by. */
static inline void set_asked_value(lp_aggregate *aggregate, double value,
                                   valued *out)
{
    lpi_exemplars *exemplars = &aggregate->live->exemplars;
    lpi_exemplar_place at;

    set_value(aggregate, value, out);
    lpi_exemplars_begin(exemplars);
    at = lpi_exemplar_place_of(exemplars, out->place);
    out->exemplars.group = at.group;
    out->exemplars.hash = at.hash;
    __builtin_prefetch(at.group, 1);
}

/* The same of a whole number. */
static inline void set_asked_whole(lp_aggregate *aggregate, uint32_t value,
                                   valued *out)
{
    lpi_exemplars *exemplars = &aggregate->live->exemplars;
    lpi_place place = lpi_place_of_whole(&aggregate->shared->scale, value);
    lpi_exemplar_place at = lpi_exemplar_place_of(exemplars, place);

    __builtin_prefetch(at.group, 1);
    out->value = value;
    out->is_none = false;
    out->place.side = place.side;
    out->place.key = place.key;
    out->exemplars.group = at.group;
    out->exemplars.hash = at.hash;
}

/* One more in any series, of any value. It stands apart, so that the few lines that
 * come here do not cost all others the saving of its registers. */
__attribute__((noinline)) static void count_any(lp_aggregate *aggregate,
                                                lpi_series *series, lp_seq seq,
                                                const valued *v)
{
    lpi_live *live = aggregate->live;
    lpi_tally *open = &series->open;

    if (lpi_tally_count(open) == 0) {
        lpi_table_touch(&live->table, (uint32_t)(series - live->table.series),
                        aggregate->open_s);
        open->max_seq = v->is_none ? 0 : seq;
    }
    series->newest[1] = series->newest[0];
    series->newest[0] = seq;
    if (v->is_none) {
        open->valueless++;
        return;
    }
    series->last = v->value;
    if (series->is_plain) {
        lpi_tally_add_plain(open, v->value);
        return;
    }
    open->max_seq = v->value > open->values.max ? seq : open->max_seq;
    lpi_sketch_add_at(&open->values, &live->home, v->value, v->place);
    if (open->values.count >= OFTEN) {
        lpi_side_spread(&open->values.sides[1], &live->home);
    }
}

/* The same of zero, or of a positive value whose bucket has a counter, as nearly all
 * have: nothing is the first of its second then. False: nothing is done. */
__attribute__((always_inline)) static inline bool
count_often(lpi_series *series, lp_seq seq, double value, lpi_place place)
{
    lp_sketch *values = &series->open.values;

    if (!lpi_sketch_increment(values, place)) {
        return false;
    }
    series->newest[1] = series->newest[0];
    series->newest[0] = seq;
    series->last = value;
    if (value > values->max) {
        series->open.max_seq = seq;
        values->max = value;
    }
    values->min = value < values->min ? value : values->min;
    values->count++;
    lpi_sum_add(values, value);
    return true;
}

static inline void count_in(lp_aggregate *aggregate, lpi_series *series,
                            lp_seq seq, const valued *v)
{
    if (!count_often(series, seq, v->value, v->place)) {
        count_any(aggregate, series, seq, v);
    }
}

/* Its line, when that can wait until the next one for its place to be fetched. */
static inline void keep_line(lp_aggregate *aggregate, const lpi_series *series,
                             lp_seq seq, const valued *v)
{
    if (v->exemplars.group != NULL && !series->is_plain) {
        lpi_exemplar_keep(&aggregate->live->exemplars,
                          lpi_exemplar_put_of(series->hash, v->exemplars, seq));
    }
}

/* And for who comes seldom. */
__attribute__((noinline)) static void
count(lp_aggregate *aggregate, uint32_t slot, lp_seq seq, const valued *v)
{
    lpi_series *series = &aggregate->live->table.series[slot];

    count_in(aggregate, series, seq, v);
    keep_line(aggregate, series, seq, v);
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

/* Where the slot of a process is remembered; NULL: its name is too long for it. */
static inline lpi_process_memo *process_memo(lpi_process_memo *memos,
                                             lp_span process)
{
    size_t n = process.len_bytes;
    unsigned last, before;

    // With a zero in it it could be taken for a shorter one.
    if (n < 2 || n > sizeof(memos->name) || process.ptr[n - 1] == '\0') {
        return NULL;
    }
    last = (unsigned char)process.ptr[n - 1];
    before = (unsigned char)process.ptr[n - 2];
    // Those of forty numbered ones seldom meet.
    return &memos[(last + 10 * before + 7 * n) % LPI_PROCESS_MEMOS];
}

/* 0: it has to be looked for. */
static inline uint32_t known_process(lpi_process_memo *memos, lp_span process)
{
    const lpi_process_memo *memo = process_memo(memos, process);

    return memo != NULL && memo->name == lpi_load_short(process) ? memo->slot
                                                                 : 0;
}

__attribute__((noinline)) static uint32_t find_process(lp_aggregate *aggregate,
                                                       lp_dimension dimension,
                                                       lpi_process_memo *memos,
                                                       lp_span process)
{
    lpi_key key = {.dimension = (uint8_t)dimension, .name = process};
    lpi_process_memo *memo = process_memo(memos, process);
    uint32_t slot = lpi_table_get(aggregate, &key);

    if (memo != NULL) {
        memo->name = lpi_load_short(process);
        memo->slot = lpi_series_is_fixed(slot) ? 0 : (uint16_t)slot;
    }
    return slot;
}

/* Lines ------------------------------------------------------------------- */

static const lp_span router = {"router", 6};

/* Arrival less TIMESTAMP: of all, and of the process whose lines are in slot. */
static void count_skew(lp_aggregate *aggregate, const lp_record *record,
                       uint32_t slot)
{
    int64_t sent_ns;
    valued v;

    if (lp_timestamp_parse(lp_record_time(record), &sent_ns, NULL) != LP_OK) {
        return;
    }
    set_value(aggregate, ((double)record->arrival_ns - (double)sent_ns) / 1e6,
              &v);
    lpi_process_skew(aggregate, slot, v.value);
    count_named(aggregate, LP_DIM_SKEW, LP_SPAN(""), record->seq, &v);
}

static uint32_t lines_slot(lp_aggregate *aggregate, lp_span process)
{
    lpi_process_memo *memos = aggregate->live->memo.lines;
    uint32_t slot = known_process(memos, process);

    return slot != 0 ? slot
                     : find_process(aggregate, LP_DIM_LINES, memos, process);
}

static void count_bytes(lp_aggregate *aggregate, const lp_record *record,
                        lp_span process)
{
    uint32_t slot = lines_slot(aggregate, process);

    if (count_plain(aggregate, slot, record->seq,
                    (double)record->bytes.len_bytes) == 1) {
        count_skew(aggregate, record, slot);
    }
}

/* What is in no row of its own others count in, too. */
static void open_gather(lp_aggregate *aggregate, unsigned which, uint32_t slot)
{
    lpi_live *live = aggregate->live;

    if (!lpi_series_is_fixed(slot)) {
        lpi_gather_open(&live->gathers[which], &live->table.series[slot]);
    }
}

/* The first of a run or a second. */
__attribute__((noinline)) static void open_router_lines(lp_aggregate *aggregate,
                                                        const lp_record *record)
{
    count_bytes(aggregate, record, router);
    open_gather(aggregate, LPI_GATHERED_LINES, lines_slot(aggregate, router));
}

/* Of the router. */
static inline void gather_bytes(lp_aggregate *aggregate,
                                const lp_record *record)
{
    lpi_gather *gather = &aggregate->live->gathers[LPI_GATHERED_LINES];

    if (gather->is_open) {
        lpi_gather_add_plain(gather, (uint32_t)record->bytes.len_bytes,
                             record->seq);
    } else {
        open_router_lines(aggregate, record);
    }
}

/* Requests ---------------------------------------------------------------- */

/* What is beyond most is a mistake: for bytes, a million gigabytes. No lp_request has
 * as much. */
static const struct {
    lp_span name;
    double most;
    uint8_t unit;
} router_series[LP_REQUEST_NUMBERS] = {
    [LP_REQUEST_CONNECT] = {{"router.connect", 14},
                            LPI_TIME_MOST_MS,
                            LP_UNIT_MS},
    [LP_REQUEST_SERVICE] = {{"router.service", 14},
                            LPI_TIME_MOST_MS,
                            LP_UNIT_MS},
    [LP_REQUEST_WAIT] = {{"router.wait", 11}, LPI_TIME_MOST_MS, LP_UNIT_MS},
    [LP_REQUEST_QUEUE] = {{"router.queue", 12}, 1e9, LP_UNIT_NONE},
    [LP_REQUEST_BYTES] = {{"router.bytes", 12}, 0x1p50, LP_UNIT_BYTES},
};

static inline bool is_odd(const lp_measure *measure, unsigned which)
{
    return lpi_is_odd(measure, router_series[which].unit,
                      router_series[which].most);
}

/* Which one it is; LP_REQUEST_NUMBERS: none of them. */
static inline unsigned router_measure(const lp_measure *measure)
{
    lp_span name = measure->name;
    unsigned which = LP_REQUEST_NUMBERS;

    switch (name.len_bytes) {
    case 4:
        which = memcmp(name.ptr, "wait", 4) == 0 ? LP_REQUEST_WAIT : which;
        break;
    case 5:
        which = memcmp(name.ptr, "bytes", 5) == 0 ? LP_REQUEST_BYTES : which;
        which = memcmp(name.ptr, "queue", 5) == 0 ? LP_REQUEST_QUEUE : which;
        break;
    case 7:
        which =
            memcmp(name.ptr, "service", 7) == 0 ? LP_REQUEST_SERVICE : which;
        which =
            memcmp(name.ptr, "connect", 7) == 0 ? LP_REQUEST_CONNECT : which;
        break;
    default:
        break;
    }
    return measure->op == LP_OP_MEASURE ? which : LP_REQUEST_NUMBERS;
}

/* The slot of one of them. */
__attribute__((noinline)) static uint32_t find_router(lp_aggregate *aggregate,
                                                      unsigned which)
{
    lpi_key key = {.dimension = LP_DIM_MEASURE,
                   .unit = router_series[which].unit,
                   .is_platform = true,
                   .name = router_series[which].name};
    uint32_t slot = lpi_table_get(aggregate, &key);

    aggregate->live->memo.router[which] =
        lpi_series_is_fixed(slot) ? 0 : (uint16_t)slot;
    return slot;
}

static inline uint32_t router_slot(lp_aggregate *aggregate, unsigned which)
{
    uint32_t slot = aggregate->live->memo.router[which];

    return slot != 0 ? slot : find_router(aggregate, which);
}

/* What is gathered goes into its series. Slots may have moved since. */
static void close_gather(lp_aggregate *aggregate, unsigned which)
{
    lpi_gather *gather = &aggregate->live->gathers[which];
    uint32_t slot;

    if (gather->is_open) {
        slot = which == LPI_GATHERED_LINES ? lines_slot(aggregate, router)
                                           : router_slot(aggregate, which);
        lpi_gather_close(gather, &aggregate->live->table.series[slot]);
    }
}

static void close_gathers(lp_aggregate *aggregate)
{
    for (unsigned which = 0; which < LPI_GATHERS; which++) {
        close_gather(aggregate, which);
    }
}

void lpi_count_end(lp_aggregate *aggregate)
{
    close_gathers(aggregate);
    lpi_exemplars_settle(&aggregate->live->exemplars);
}

/* Times are asked for by that of the whole response. */
static inline bool is_asked_for(unsigned which)
{
    return which > LP_REQUEST_SERVICE;
}

/* One that may be the first of its second, or above all, or no whole number. Its
 * place is not passed, so that those that don't come here keep it in registers. */
__attribute__((noinline)) static void
count_router_measure(lp_aggregate *aggregate, unsigned which, lp_seq seq,
                     double value)
{
    uint32_t slot;
    valued v;

    if (is_asked_for(which)) {
        set_asked_value(aggregate, value, &v);
    } else {
        set_value(aggregate, value, &v);
    }
    close_gather(aggregate, which);
    slot = router_slot(aggregate, which);
    count(aggregate, slot, seq, &v);
    open_gather(aggregate, which, slot);
}

/* One of a request. which is a constant where this is inlined. */
__attribute__((always_inline)) static inline void
gather_number(lp_aggregate *aggregate, unsigned which, lp_seq seq,
              uint32_t number)
{
    lpi_exemplars *exemplars = &aggregate->live->exemplars;
    lpi_gather *gather = &aggregate->live->gathers[which];
    lpi_place place = lpi_place_of_whole(&aggregate->shared->scale, number);

    if (!lpi_gather_add(gather, number, place, seq)) {
        count_router_measure(aggregate, which, seq, number);
        return;
    }
    if (is_asked_for(which)) {
        lpi_exemplar_place at = lpi_exemplar_place_of(exemplars, place);

        if (at.group != NULL) {
            __builtin_prefetch(at.group, 1);
            lpi_exemplars_begin(exemplars);
            lpi_exemplar_keep(
                exemplars, lpi_exemplar_put_of(gather->series_hash, at, seq));
        }
    }
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

static inline bool is_usual_status(int32_t status)
{
    return status >= LPI_STATUS_FIRST && status < LPI_STATUS_END;
}

/* 0: it has to be looked for. */
static inline uint32_t known_status(const lpi_live *live, int32_t status)
{
    return is_usual_status(status)
               ? live->memo.status[status - LPI_STATUS_FIRST]
               : 0;
}

static uint32_t find_status(lp_aggregate *aggregate, int32_t status)
{
    char digits[STATUS_DIGITS];
    lpi_key key = {.dimension = LP_DIM_STATUS,
                   .name = status_name(status, digits)};
    uint32_t slot = lpi_table_get(aggregate, &key);

    if (is_usual_status(status) && !lpi_series_is_fixed(slot)) {
        aggregate->live->memo.status[status - LPI_STATUS_FIRST] =
            (uint16_t)slot;
    }
    return slot;
}

/* A method, and a path that is folded. */
typedef struct route {
    char text[LP_ROUTE_ROOM_BYTES];
    lp_span path; /* in text */
    uint64_t hash;
} route;

enum { HASHED_BYTES = 32 };

/* Of a path that is folded, in a room for any. Most have so few bytes that those
 * behind it can be left out by a mask: how many they are no processor foretells. */
static inline uint64_t hash_path(lp_span path, const uint64_t key[2])
{
    static const char kept[2 * HASHED_BYTES] =
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    // What is left out is zeros, by which nothing may be multiplied.
    const uint64_t odd = key[1] ^ UINT64_C(0x9e3779b97f4a7c15);
    const char *at = path.ptr;
    uint64_t hash = key[0] ^ path.len_bytes;
    const char *mask;

    if (path.len_bytes > HASHED_BYTES) {
        return lpi_hash_of(path, 0, key);
    }
    mask = kept + HASHED_BYTES - path.len_bytes;
    for (size_t i = 0; i < HASHED_BYTES; i += 16) {
        hash = lpi_hash_fold(
            (lpi_load(at + i, 8) & lpi_load(mask + i, 8)) ^ odd,
            (lpi_load(at + i + 8, 8) & lpi_load(mask + i + 8, 8)) ^ hash);
    }
    return hash;
}

/* A hash of a text more, when that of another is known to nobody. */
static inline uint64_t hash_more(lp_span text, uint64_t hash,
                                 const uint64_t key[2])
{
    size_t n = text.len_bytes;

    return n > 0 && n <= 8 ? lpi_hash_fold(hash ^ lpi_load_short(text),
                                           (key[0] ^ n << 1) | 1)
                           : lpi_hash_of(text, hash, key);
}

/* Paths are folded, as few come again as they are. Not with their method: to read
 * at once what was just written in two parts makes the processor wait. */
static inline void fold_route(const lp_aggregate *aggregate,
                              const lp_request *request, route *out)
{
    const uint64_t *key = aggregate->shared->hash_key;

    out->path.ptr = out->text;
    out->path.len_bytes =
        lpi_route_fold_path(request->path, out->text, 0, LP_ROUTE_MAX_BYTES);
    out->hash = hash_more(request->method, hash_path(out->path, key), key);
}

/* Each has two places, so that one of the two who meet can go to its other one; of a
 * few dozen nearly all find room. what: a hash, or a memo with it. */
static inline uint64_t *first_memo(lpi_live *live, uint64_t what)
{
    return &live->memo.routes[what >> 16 & (LPI_ROUTE_MEMOS - 1)];
}

static inline uint64_t *other_memo(lpi_live *live, uint64_t what)
{
    return &live->memo.routes[what >> 32 & (LPI_ROUTE_MEMOS - 1)];
}

/* 0: it was not asked for lately. */
static inline uint32_t known_route(lpi_live *live, const route *of)
{
    uint64_t first = *first_memo(live, of->hash);
    uint64_t other = *other_memo(live, of->hash);
    uint64_t memo = (first ^ of->hash) >> 16 == 0 ? first : other;

    return (memo ^ of->hash) >> 16 == 0 ? (uint16_t)memo : 0;
}

static void remember_route(lpi_live *live, uint64_t memo)
{
    uint64_t *first = first_memo(live, memo);
    uint64_t *other = other_memo(live, memo);
    uint64_t *to = *first == 0 || *other != 0 ? first : other;
    uint64_t gone = *to;

    if (gone != 0) {
        first = first_memo(live, gone);
        *(first == to ? other_memo(live, gone) : first) = gone;
    }
    *to = memo;
}

static uint32_t find_route(lp_aggregate *aggregate, const lp_request *request,
                           const route *of)
{
    char name[LP_AGGREGATE_NAME_MAX_BYTES];
    lpi_key key = {.dimension = LP_DIM_ROUTE};
    uint32_t slot;

    key.name = lp_span_of(name, lp_route_fold(request->method, request->path,
                                              name, sizeof(name)));
    slot = lpi_table_get(aggregate, &key);

    if (!lpi_series_is_fixed(slot)) {
        remember_route(aggregate->live, of->hash >> 16 << 16 | slot);
    }
    return slot;
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

static bool is_of_platform(const lp_measures *m)
{
    return m->kind == LP_KIND_RUNTIME || m->kind == LP_KIND_ROUTER ||
           m->kind == LP_KIND_ERROR || m->kind == LP_KIND_POSTGRES ||
           m->kind == LP_KIND_REDIS;
}

/* A measure of any line. What dynos say of themselves is counted of all, and kept
 * of each as far as somebody asks for it; what has a source= by convention is that
 * source's alone. */
static void count_measure(lp_aggregate *aggregate, const lp_measures *m,
                          const lp_measure *measure, lp_seq seq)
{
    bool is_runtime = m->kind == LP_KIND_RUNTIME;
    lp_span of = is_runtime && m->source.len_bytes == 0 ? m->dyno : m->source;
    valued v = no_value;
    lpi_key key = {.dimension = LP_DIM_MEASURE,
                   .op = measure->op,
                   .unit = measure->unit,
                   .is_platform = is_of_platform(m),
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
    if (isfinite(measure->value)) {
        set_asked_value(aggregate, measure->value, &v);
    }
    // It may have the name of one of the router's.
    close_gathers(aggregate);
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

/* A request; response is connect + service, of what is there. */
static inline void count_numbers(lp_aggregate *aggregate,
                                 const lp_request *request, lp_seq seq,
                                 valued *response)
{
    const uint32_t times = 1U << LP_REQUEST_CONNECT | 1U << LP_REQUEST_SERVICE;
    uint32_t sum = 0;

#pragma GCC unroll 5
    for (unsigned which = 0; which < LP_REQUEST_NUMBERS; which++) {
        uint32_t number = request->numbers[which];

        if ((request->has >> which & 1) == 0) {
            continue;
        }
        gather_number(aggregate, which, seq, number);
        sum += is_asked_for(which) ? 0 : number;
    }
    if ((request->has & times) != 0) {
        set_asked_whole(aggregate, sum, response);
    }
}

/* The same of one in other words, whose values may be anything. */
static void count_times(lp_aggregate *aggregate, const lp_measures *m,
                        lp_seq seq, valued *response)
{
    bool is_timed = false;
    bool is_wrong = false;
    double sum = 0;

    for (unsigned i = 0; i < m->count; i++) {
        unsigned which = router_measure(&m->list[i]);

        if (which == LP_REQUEST_NUMBERS) {
            count_measure(aggregate, m, &m->list[i], seq);
            continue;
        }
        if (is_odd(&m->list[i], which)) {
            lpi_count_odd(aggregate, seq);
            // What is left is not the whole time.
            is_wrong |= which <= LP_REQUEST_SERVICE;
            continue;
        }
        count_router_measure(aggregate, which, seq, m->list[i].value);
        if (which <= LP_REQUEST_SERVICE) {
            sum += m->list[i].value;
            is_timed = true;
        }
    }
    if (is_timed && !is_wrong) {
        set_asked_value(aggregate, sum, response);
    }
}

static inline uint64_t has_failed(const lp_request *request)
{
    return request->status >= 500 || request->code.len_bytes > 0 ? 1 : 0;
}

/* What a response is counted in. */
enum { OF_STATUS = 0, OF_PROCESS = 1, OF_ROUTE = 2, RESPONSE_SERIES = 3 };

__attribute__((noinline)) static uint32_t find_slot(lp_aggregate *aggregate,
                                                    unsigned which,
                                                    const lp_request *request,
                                                    const route *to)
{
    switch (which) {
    case OF_STATUS:
        return find_status(aggregate, request->status);
    case OF_PROCESS:
        return find_process(aggregate, LP_DIM_PROCESS,
                            aggregate->live->memo.processes, request->dyno);
    default:
        return find_route(aggregate, request, to);
    }
}

/* slots: 0 for what is not known. */
__attribute__((noinline)) static void
count_in_any(lp_aggregate *aggregate, const lp_request *request, lp_seq seq,
             const valued *v, uint32_t slots[RESPONSE_SERIES], const route *to)
{
    uint64_t failed = has_failed(request);

    for (unsigned i = 0; i < RESPONSE_SERIES; i++) {
        lpi_series *series;

        if (slots[i] == 0) {
            slots[i] = find_slot(aggregate, i, request, to);
            // The others may have moved.
            memset(&slots[i + 1], 0,
                   (RESPONSE_SERIES - 1 - i) * sizeof(*slots));
        }
        series = &aggregate->live->table.series[slots[i]];
        count_in(aggregate, series, seq, v);
        series->open.failed += failed;
        if (v->exemplars.group != NULL) {
            lpi_exemplar_settle(
                lpi_exemplar_put_of(series->hash, v->exemplars, seq));
        }
    }
}

/* The same of a positive value and three that are known, as nearly all are. A function
 * of its own, so that what the series have in common stays in registers. */
__attribute__((noinline)) static void
count_in_known(lp_aggregate *aggregate, const uint32_t slots[RESPONSE_SERIES],
               uint64_t failed, lp_seq seq, const valued *v)
{
    const lpi_exemplar_place exemplars = {v->exemplars.group,
                                          v->exemplars.hash};
    const lpi_place place = {1, v->place.key};
    const double value = v->value;
    lpi_series *all = aggregate->live->table.series;

    for (unsigned i = 0; i < RESPONSE_SERIES; i++) {
        lpi_series *series = &all[slots[i]];

        if (!count_often(series, seq, value, place)) {
            count_any(aggregate, series, seq, v);
        }
        series->open.failed += failed;
        lpi_exemplar_settle(lpi_exemplar_put_of(series->hash, exemplars, seq));
    }
}

/* What a request took, in the series that it belongs to. */
__attribute__((always_inline)) static inline void
count_response(lp_aggregate *aggregate, const lp_request *request, lp_seq seq,
               const valued *response)
{
    lpi_live *live = aggregate->live;
    uint32_t slots[RESPONSE_SERIES];
    route to;

    fold_route(aggregate, request, &to);
    slots[OF_STATUS] = known_status(live, request->status);
    slots[OF_PROCESS] = known_process(live->memo.processes, request->dyno);
    slots[OF_ROUTE] = known_route(live, &to);
    live->open_classes[lpi_class_of_status(request->status)]++;
    if (response->place.side > 0 && response->exemplars.group != NULL &&
        slots[OF_STATUS] != 0 && slots[OF_PROCESS] != 0 &&
        slots[OF_ROUTE] != 0) {
        count_in_known(aggregate, slots, has_failed(request), seq, response);
    } else {
        count_in_any(aggregate, request, seq, response, slots, &to);
    }
    if (request->code.len_bytes > 0) {
        count_code(aggregate, request->code, request->dyno, seq, response);
    }
}

static inline void need_exemplars(lp_aggregate *aggregate)
{
    if (aggregate->live->exemplars.list == NULL) {
        lpi_exemplars_make(aggregate);
    }
}

/* One in other words. */
static void count_measured_request(lp_aggregate *aggregate,
                                   const lp_measures *m, lp_seq seq)
{
    const lp_request request = {.method = m->method,
                                .path = m->path,
                                .dyno = m->dyno,
                                .code = m->code,
                                .status = m->status};
    valued response = no_value;

    need_exemplars(aggregate);
    count_times(aggregate, m, seq, &response);
    count_response(aggregate, &request, seq, &response);
}

/* Apart, as what is measured of any line takes much of the stack. */
__attribute__((noinline)) static void
count_any_line(lp_aggregate *aggregate, const lp_record *record,
               const lp_measure_line *line)
{
    lp_measures m;

    lp_measures_read(aggregate->shared->kinds, line, &m);
    lpi_exemplars_settle(&aggregate->live->exemplars);
    if (lp_span_equal(line->process, router)) {
        close_gather(aggregate, LPI_GATHERED_LINES);
    }
    count_bytes(aggregate, record, line->process);
    if (m.kind == LP_KIND_ROUTER) {
        count_measured_request(aggregate, &m, record->seq);
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

static inline bool has_own_kinds(const lp_aggregates *shared)
{
    return shared->kinds != NULL && shared->kinds->count > 0;
}

void lpi_count_line(lp_aggregate *aggregate, const lp_record *record)
{
    valued response = no_value;
    lp_measure_line line;
    lp_request request;

    // Where it is read: a copy of it would wait for what was just written.
    line.source = lp_record_app(record);
    line.process = lp_record_procid(record);
    line.msg = lp_record_msg(record);
    line.is_cut = false;
    if (has_own_kinds(aggregate->shared) || !lp_request_read(&line, &request)) {
        count_any_line(aggregate, record, &line);
        return;
    }
    lpi_exemplars_settle(&aggregate->live->exemplars);
    gather_bytes(aggregate, record);
    need_exemplars(aggregate);
    count_numbers(aggregate, &request, record->seq, &response);
    count_response(aggregate, &request, record->seq, &response);
}
