/* scan_groups.c - from a line to its group, and from groups to an answer. */
#include <math.h>

#include "hash.h"
#include "logplex/pick.h"
#include "logplex/render.h"
#include "scan_impl.h"
#include "scan_table.h"

typedef enum key_kind {
    KEY_PAIR,
    KEY_SOURCE,
    KEY_PROCESS,
    KEY_SEVERITY,
    KEY_ROUTE,
    KEY_RESPONSE
} key_kind;

enum {
    PREFIX_MAX_BYTES = 8,
    SUFFIX_MAX_BYTES = 15,
    UNIT_NONE_OF_OURS = LPI_SCAN_UNITS
};

/* A measure's key is looked for behind each of these as well. */
static const char *const prefixes[] = {"", "measure#", "sample#", "count#",
                                       "measure."};

enum { PREFIXES = sizeof(prefixes) / sizeof(prefixes[0]) };

typedef struct wanted {
    uint8_t kind;  /* key_kind */
    size_t offset; /* in lp_measures, of what the router's older form has in no
                      pair; 0: there is nothing */
    char text[LP_SCAN_KEY_MAX_BYTES];
} wanted;

typedef struct suffix {
    char text[SUFFIX_MAX_BYTES + 1];
    size_t len_bytes;
} suffix;

struct lpi_scan_groups {
    size_t bytes; /* of this block */
    void *block;  /* of the table */
    size_t block_bytes;
    lp_sketch_scale scale;
    lp_sketch_home home;
    lp_sketch_home other_home;
    lpi_scan_table table;
    uint64_t hash_key[2];
    uint32_t by_count;
    uint32_t quantile_count;
    double quantiles[LP_SCAN_QUANTILES_MAX];
    bool has_measure;
    bool is_by_sum;
    uint8_t router_unit; /* lp_unit of the measure in a router's line */
    lp_picker picker;
    wanted by[LP_SCAN_BY_MAX];
    wanted measure;
    char measure_keys[PREFIXES][PREFIX_MAX_BYTES + LP_SCAN_KEY_MAX_BYTES];
    uint64_t without_measure_lines;
    uint64_t unit_values[LPI_SCAN_UNITS];
    uint64_t foreign_values; /* of units for which there was no suffix */
    unsigned suffix_count;
    suffix suffixes[LPI_SCAN_SUFFIXES];
};

/* Keys -------------------------------------------------------------------- */

static uint8_t kind_of_key(lp_span key)
{
    static const char *const names[] = {"source", "process", "severity",
                                        "route", "response"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (lp_span_equal(key, lp_span_str(names[i]))) {
            return (uint8_t)(KEY_SOURCE + i);
        }
    }
    return KEY_PAIR;
}

static size_t older_offset(lp_span key)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {{"method", offsetof(lp_measures, method)},
                  {"path", offsetof(lp_measures, path)},
                  {"host", offsetof(lp_measures, host)},
                  {"code", offsetof(lp_measures, code)}};

    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (lp_span_equal(key, lp_span_str(fields[i].name))) {
            return fields[i].offset;
        }
    }
    return 0;
}

/* Returns the name of a pair's key as it is kept; empty for other keys. */
static lp_span read_key(lp_span key, wanted *out)
{
    out->kind = kind_of_key(key);
    if (key.len_bytes > 1 && key.ptr[0] == '.') {
        key = lp_span_skip(key, 1);
        out->kind = KEY_PAIR;
    }
    if (out->kind != KEY_PAIR) {
        return lp_span_of(out->text, 0);
    }
    out->offset = older_offset(key);
    memcpy(out->text, key.ptr, key.len_bytes);
    return lp_span_of(out->text, key.len_bytes);
}

static bool is_key(lp_span key)
{
    if (key.len_bytes == 0 || key.len_bytes > LP_SCAN_KEY_MAX_BYTES) {
        return false;
    }
    for (size_t i = 0; i < key.len_bytes; i++) {
        if ((unsigned char)key.ptr[i] <= ' ' || key.ptr[i] == '=' ||
            key.ptr[i] == '"') {
            return false;
        }
    }
    return true;
}

static void pick_measure(lpi_scan_groups *groups, lp_span key)
{
    bool is_time = lp_span_equal(key, LP_SPAN("service")) ||
                   lp_span_equal(key, LP_SPAN("connect")) ||
                   lp_span_equal(key, LP_SPAN("wait"));

    groups->router_unit = is_time ? LP_UNIT_MS : LP_UNIT_NONE;
    if (lp_span_equal(key, LP_SPAN("bytes"))) {
        groups->router_unit = LP_UNIT_BYTES;
    }
    for (unsigned i = 0; i < PREFIXES; i++) {
        char *text = groups->measure_keys[i];
        size_t n = strlen(prefixes[i]);

        memcpy(text, prefixes[i], n);
        memcpy(text + n, key.ptr, key.len_bytes);
        lp_picker_add(&groups->picker, lp_span_of(text, n + key.len_bytes),
                      LPI_SCAN_MEASURE);
    }
}

static const char *read_keys(lpi_scan_groups *groups,
                             const lp_scan_groups_options *options)
{
    lp_span key;

    lp_picker_init(&groups->picker);
    if (options->by_count > LP_SCAN_BY_MAX) {
        return "there are over 4 keys to group by";
    }
    groups->by_count = options->by_count;
    for (uint32_t i = 0; i < options->by_count; i++) {
        if (!is_key(options->by[i])) {
            return "a key is 1 to 128 bytes, no blank, \"=\" or quote among "
                   "them";
        }
        key = read_key(options->by[i], &groups->by[i]);
        if (groups->by[i].kind == KEY_RESPONSE) {
            return "response is a measure, and nothing to group by";
        }
        if (groups->by[i].kind == KEY_PAIR) {
            lp_picker_add(&groups->picker, key, i);
        }
    }
    if (options->measure.len_bytes == 0) {
        return options->order == LP_SCAN_BY_SUM
                   ? "without a measure there is no sum to rank by"
                   : NULL;
    }
    if (!is_key(options->measure)) {
        return "a measure is 1 to 128 bytes, no blank, \"=\" or quote among "
               "them";
    }
    groups->has_measure = true;
    key = read_key(options->measure, &groups->measure);
    if (groups->measure.kind == KEY_PAIR) {
        pick_measure(groups, key);
        return NULL;
    }
    return groups->measure.kind == KEY_RESPONSE
               ? NULL
               : "source, process, severity and route are no numbers";
}

/* Making one -------------------------------------------------------------- */

static const char *read_quantiles(lpi_scan_groups *groups,
                                  const lp_scan_groups_options *options)
{
    double before = 0;

    if (options->quantile_count > LP_SCAN_QUANTILES_MAX) {
        return "there are over 16 quantiles";
    }
    groups->quantile_count = options->quantile_count;
    for (uint32_t i = 0; i < options->quantile_count; i++) {
        double q = options->quantiles[i];

        if (!(q >= before && q <= 1)) {
            return "quantiles go from 0 to 1, ascending";
        }
        groups->quantiles[i] = q;
        before = q;
    }
    return lp_sketch_scale_init(&groups->scale,
                                options->alpha > 0 || options->alpha < 0
                                    ? options->alpha
                                    : LP_SKETCH_ALPHA_DEFAULT) == LP_OK
               ? NULL
               : "alpha is 0.001 to 0.1";
}

/* How the bytes are divided: an eighth for keys, what groups take, and of the rest
 * a quarter for the sketches of other. */
static const char *divide(lp_scan *scan, lpi_scan_groups *groups,
                          const lp_scan_groups_options *options,
                          uint32_t *groups_max, uint32_t *keys_max_bytes)
{
    uint64_t bytes_max = options->bytes_max != 0
                             ? options->bytes_max
                             : (uint64_t)LP_SCAN_BYTES_MAX_DEFAULT;
    uint64_t wanted_max = options->groups_max;
    uint64_t fixed;
    uint64_t sketches;

    if (bytes_max < LP_SCAN_BYTES_MAX_LEAST || bytes_max > UINT32_MAX) {
        return "bytes_max is 64 KiB to 4 GiB";
    }
    if (wanted_max == 0) {
        wanted_max = bytes_max / 2048;
        wanted_max = wanted_max > LP_SCAN_GROUPS_MAX_DEFAULT
                         ? LP_SCAN_GROUPS_MAX_DEFAULT
                         : wanted_max;
    }
    if (wanted_max < LP_SCAN_GROUPS_MAX_LEAST ||
        wanted_max > LP_SCAN_GROUPS_MAX_MOST) {
        return "groups_max is 4 to 65536";
    }
    *groups_max = (uint32_t)wanted_max;
    *keys_max_bytes = (uint32_t)(bytes_max / 8);
    groups->block_bytes = lpi_scan_table_bytes(*groups_max, *keys_max_bytes);
    fixed = scan->bytes + groups->bytes + groups->block_bytes;
    if (fixed > bytes_max / 4 * 3) {
        return "bytes_max is too small for so many groups";
    }
    // Who asks for no quantiles needs no buckets.
    sketches = options->quantile_count > 0 ? bytes_max - fixed : 0;
    lp_sketch_home_init(&groups->home, &groups->scale, &scan->allocator,
                        sketches / 4 * 3, 0);
    lp_sketch_home_init(&groups->other_home, &groups->scale, &scan->allocator,
                        sketches / 4, 0);
    return NULL;
}

/* Fails: LP_E_INVALID, with *why; LP_E_NOMEM. */
static lp_err fill(lp_scan *scan, lpi_scan_groups *groups,
                   const lp_scan_groups_options *options, const char **why)
{
    uint32_t groups_max;
    uint32_t keys_max_bytes;
    lp_allocator *allocator = &scan->allocator;

    *why = read_keys(groups, options);
    *why = *why != NULL ? *why : read_quantiles(groups, options);
    *why = *why != NULL
               ? *why
               : divide(scan, groups, options, &groups_max, &keys_max_bytes);
    if (*why == NULL && options->order > LP_SCAN_BY_SUM) {
        *why = "groups are ranked by lines (0) or by sum (1)";
    }
    if (*why != NULL) {
        return LP_E_INVALID;
    }
    groups->is_by_sum = options->order == LP_SCAN_BY_SUM;
    groups->hash_key[0] = options->hash_key[0];
    groups->hash_key[1] = options->hash_key[1];
    groups->block = allocator->alloc(allocator->ctx, groups->block_bytes, 64);
    if (groups->block == NULL) {
        return LP_E_NOMEM;
    }
    groups->table.home = &groups->home;
    groups->table.other_home = &groups->other_home;
    lpi_scan_table_init(&groups->table, groups->block, groups_max,
                        keys_max_bytes);
    groups->table.is_by_sum = groups->is_by_sum;
    if (groups->picker.count > 0) {
        scan->picker = &groups->picker;
    }
    return LP_OK;
}

static bool ignore_line(void *ctx, const lp_record *record)
{
    (void)ctx;
    (void)record;
    return true;
}

lp_err lp_scan_groups_create(const lp_scan_where *where,
                             const lp_scan_groups_options *options,
                             const lp_allocator *allocator, lp_scan **out,
                             const char **why)
{
    lp_scan_groups_options known = LP_SCAN_GROUPS_OPTIONS_INIT;
    size_t bytes = sizeof(lpi_scan_groups);
    lpi_scan_groups *groups;
    lp_scan *scan;
    const char *wrong = NULL;
    lp_err err;

    memcpy(&known, options,
           options->struct_bytes < sizeof(known) ? options->struct_bytes
                                                 : sizeof(known));
    err = lp_scan_lines_create(where, ignore_line, NULL, allocator, &scan, why);
    if (err != LP_OK) {
        return err;
    }
    groups = lpi_scan_alloc(&scan->allocator, &bytes);
    if (groups == NULL) {
        lp_scan_destroy(scan);
        return LP_E_NOMEM;
    }
    groups->bytes = bytes;
    scan->groups = groups;
    err = fill(scan, groups, &known, &wrong);
    if (err == LP_OK) {
        *out = scan;
        return err;
    }
    if (why != NULL && wrong != NULL) {
        *why = wrong;
    }
    lp_scan_destroy(scan);
    return err;
}

void lpi_scan_groups_destroy(lp_scan *scan)
{
    lpi_scan_groups *groups = scan->groups;
    lp_allocator *allocator = &scan->allocator;

    if (groups->block != NULL) {
        lpi_scan_table_fini(&groups->table);
        allocator->free(allocator->ctx, groups->block, groups->block_bytes);
    }
    allocator->free(allocator->ctx, groups, groups->bytes);
}

uint64_t lpi_scan_groups_bytes(const lpi_scan_groups *groups)
{
    return groups->bytes + groups->block_bytes + groups->home.bytes +
           groups->other_home.bytes;
}

/* Lines ------------------------------------------------------------------- */

/* Two bytes say whether there is a value, and its length. */
static char *put_value(char *out, const lp_pair *pair)
{
    char unescaped[2 * LP_SCAN_VALUE_MAX_BYTES];
    lp_span value = pair->value;
    size_t n;

    if (pair->escaped) {
        // An escape is at most twice as long as what it stands for.
        value.len_bytes = value.len_bytes < sizeof(unescaped)
                              ? value.len_bytes
                              : sizeof(unescaped);
        value = lp_span_of(unescaped, lp_logfmt_unescape(value, unescaped));
    }
    n = value.len_bytes < LP_SCAN_VALUE_MAX_BYTES ? value.len_bytes
                                                  : LP_SCAN_VALUE_MAX_BYTES;
    out[0] = (char)((n + 1) & 0xff);
    out[1] = (char)((n + 1) >> 8);
    if (n > 0) {
        memcpy(out + 2, value.ptr, n);
    }
    return out + 2 + n;
}

static lp_span severity_of(const lp_record *record)
{
    static const char *const names[] = {"emerg",   "alert",  "crit", "err",
                                        "warning", "notice", "info", "debug"};

    return lp_span_str(names[record->marks.pri & 7]);
}

/* False: the line has no such key. */
static bool find_value(lp_scan *scan, lpi_scan_line *line, const wanted *key,
                       lp_pair *out)
{
    *out = (lp_pair){.value = {NULL, 0}};
    switch ((key_kind)key->kind) {
    case KEY_SOURCE:
        out->value = lp_record_app(line->record);
        return true;
    case KEY_PROCESS:
        out->value = line->process;
        return true;
    case KEY_SEVERITY:
        out->value = severity_of(line->record);
        return true;
    case KEY_ROUTE:
        out->value = lpi_scan_route(scan, line);
        return out->value.len_bytes > 0;
    case KEY_PAIR:
    case KEY_RESPONSE:
        break;
    }
    if (key->offset != 0 && line->is_router && line->msg.len_bytes > 0 &&
        line->msg.ptr[0] >= 'A' && line->msg.ptr[0] <= 'Z') {
        const char *measures = (const char *)lpi_scan_measures(scan, line);

        memcpy(&out->value, measures + key->offset, sizeof(out->value));
        out->escaped = out->value.len_bytes > 0 &&
                       memchr(out->value.ptr, '\\', out->value.len_bytes);
        return out->value.len_bytes > 0;
    }
    return false;
}

/* The number of a suffix among those that are told apart. */
static unsigned unit_of_suffix(lpi_scan_groups *groups, lp_span text)
{
    unsigned i = 0;
    suffix *next;

    for (; i < groups->suffix_count; i++) {
        if (lp_span_equal(text, lp_span_of(groups->suffixes[i].text,
                                           groups->suffixes[i].len_bytes))) {
            return LP_UNIT_OTHER + i;
        }
    }
    if (i == LPI_SCAN_SUFFIXES || text.len_bytes > SUFFIX_MAX_BYTES) {
        return UNIT_NONE_OF_OURS;
    }
    next = &groups->suffixes[i];
    memcpy(next->text, text.ptr, text.len_bytes);
    next->len_bytes = text.len_bytes;
    groups->suffix_count++;
    return LP_UNIT_OTHER + i;
}

/* False: the line has no such number, or of a unit that is not told apart. */
static bool read_number(lp_scan *scan, lpi_scan_line *line, unsigned *unit,
                        double *out)
{
    lpi_scan_groups *groups = scan->groups;
    lp_measure number;

    if (groups->measure.kind == KEY_RESPONSE) {
        *unit = LP_UNIT_MS;
        if (lpi_scan_response(scan, line, out)) {
            return true;
        }
        groups->without_measure_lines++;
        return false;
    }
    if ((line->found >> LPI_SCAN_MEASURE & 1) == 0 ||
        !lp_measure_number(line->pairs[LPI_SCAN_MEASURE].value,
                           line->is_router ? (lp_unit)groups->router_unit
                                           : LP_UNIT_NONE,
                           &number)) {
        groups->without_measure_lines++;
        return false;
    }
    *unit = number.unit;
    *out = number.value;
    if (number.unit == LP_UNIT_OTHER) {
        *unit = unit_of_suffix(groups, number.suffix);
    }
    groups->foreign_values += *unit == UNIT_NONE_OF_OURS;
    return *unit != UNIT_NONE_OF_OURS;
}

static lp_span make_key(lp_scan *scan, lpi_scan_line *line, unsigned unit,
                        char *out)
{
    const lpi_scan_groups *groups = scan->groups;
    char *at = out;

    *at++ = (char)unit;
    for (uint32_t i = 0; i < groups->by_count; i++) {
        lp_pair other;

        if ((line->found >> i & 1) != 0) {
            at = put_value(at, &line->pairs[i]);
        } else if (find_value(scan, line, &groups->by[i], &other)) {
            at = put_value(at, &other);
        } else {
            *at++ = 0;
            *at++ = 0;
        }
    }
    return lp_span_of(out, (size_t)(at - out));
}

void lpi_scan_groups_take(lp_scan *scan, lpi_scan_line *line)
{
    lpi_scan_groups *groups = scan->groups;
    char bytes[LPI_SCAN_KEY_MAX_BYTES];
    unsigned unit = LP_UNIT_NONE;
    double value = 0;
    lpi_scan_group *group;
    lp_span key;

    if (!line->has_pairs) {
        line->found = scan->picker != NULL
                          ? lp_pick(scan->picker, line->msg, line->pairs)
                          : 0;
    }
    if (groups->has_measure && !read_number(scan, line, &unit, &value)) {
        return;
    }
    groups->unit_values[unit]++;
    key = make_key(scan, line, unit, bytes);
    group = lpi_scan_table_get(&groups->table, key,
                               lpi_hash_of(key, 0, groups->hash_key));
    group->count++;
    group->newest_seq = line->record->seq > group->newest_seq
                            ? line->record->seq
                            : group->newest_seq;
    group->weight += !groups->is_by_sum ? 1 : value > 0 ? value : 0;
    if (groups->has_measure) {
        lp_sketch_add(&group->sketch, &groups->home, value);
    }
}

/* Answers ----------------------------------------------------------------- */

/* The one of most values; of equal ones the first. */
static unsigned best_unit(const lpi_scan_groups *groups)
{
    unsigned best = 0;

    for (unsigned i = 1; i < LPI_SCAN_UNITS; i++) {
        best = groups->unit_values[i] > groups->unit_values[best] ? i : best;
    }
    return best;
}

static void tell_values(const lpi_scan_groups *groups, const lp_sketch *sketch,
                        lp_scan_group *out)
{
    out->sum = lp_sketch_sum(sketch);
    out->min = sketch->min;
    out->max = sketch->max;
    lp_sketch_sound_quantiles(sketch, &groups->scale, groups->quantiles,
                              groups->quantile_count, out->quantiles);
}

static void tell_keys(const lpi_scan_groups *groups, lp_span key,
                      lp_scan_group *out)
{
    const char *at = key.ptr + 1;

    for (uint32_t i = 0; i < groups->by_count; i++) {
        size_t n = (unsigned char)at[0] | (size_t)(unsigned char)at[1] << 8;

        at += 2;
        if (n > 0) {
            out->by[i] = lp_span_of(at, n - 1);
            at += n - 1;
        }
    }
}

/* What is not among the top, and what had no group. */
static void tell_other(lpi_scan_groups *groups, unsigned unit, uint32_t first,
                       uint32_t count,
                       void (*fn)(void *ctx, const lp_scan_group *group),
                       void *ctx)
{
    lpi_scan_table *table = &groups->table;
    lp_scan_group other = {.is_other = true, .count = table->other_count[unit]};
    lp_sketch all = {0};

    lp_sketch_merge(&all, &groups->other_home, &table->other[unit]);
    for (uint32_t i = first; i < count; i++) {
        const lpi_scan_group *group = &table->groups[table->order[i]];

        other.count += group->count;
        lp_sketch_merge(&all, &groups->other_home, &group->sketch);
    }
    tell_values(groups, &all, &other);
    lp_sketch_clear(&all, &groups->other_home);
    if (other.count > 0) {
        fn(ctx, &other);
    }
}

void lp_scan_groups_each(lp_scan *scan, uint32_t top,
                         void (*fn)(void *ctx, const lp_scan_group *group),
                         void *ctx)
{
    lpi_scan_groups *groups = scan->groups;
    unsigned unit = best_unit(groups);
    uint32_t count = lpi_scan_table_order(&groups->table, (uint8_t)unit);

    top = top < count ? top : count;
    for (uint32_t i = 0; i < top; i++) {
        const lpi_scan_group *group =
            &groups->table.groups[groups->table.order[i]];
        lp_scan_group told = {.count = group->count,
                              .missed_max = group->missed,
                              .newest_seq = group->newest_seq};

        tell_keys(groups, lpi_scan_key_of(&groups->table, group), &told);
        tell_values(groups, &group->sketch, &told);
        fn(ctx, &told);
    }
    tell_other(groups, unit, top, count, fn, ctx);
}

void lp_scan_groups_summary_get(const lp_scan *scan,
                                lp_scan_groups_summary *out)
{
    const lpi_scan_groups *groups = scan->groups;
    lp_scan_groups_summary summary = LP_SCAN_GROUPS_SUMMARY_INIT;
    uint32_t room_bytes = out->struct_bytes;
    unsigned unit = best_unit(groups);

    summary.unit = (uint8_t)(unit < LP_UNIT_OTHER ? unit : LP_UNIT_OTHER);
    if (unit >= LP_UNIT_OTHER) {
        const suffix *its = &groups->suffixes[unit - LP_UNIT_OTHER];

        summary.suffix = lp_span_of(its->text, its->len_bytes);
    }
    summary.is_exact = !groups->table.has_pruned;
    summary.groups_seen = lpi_scan_table_seen(&groups->table, (uint8_t)unit);
    summary.without_measure_lines = groups->without_measure_lines;
    summary.other_unit_values = groups->foreign_values;
    for (unsigned i = 0; i < LPI_SCAN_UNITS; i++) {
        summary.other_unit_values += i == unit ? 0 : groups->unit_values[i];
    }
    summary.floor = groups->table.floor;
    summary.alpha = groups->scale.alpha;
    if (room_bytes > sizeof(summary)) {
        room_bytes = sizeof(summary);
    }
    summary.struct_bytes = out->struct_bytes;
    memcpy(out, &summary, room_bytes);
}
