#include "marker.h"

#include "aggregate_impl.h"
#include "name.h"

enum { TEXT_MAX_BYTES = LP_AGGREGATE_NAME_MAX_BYTES };

static size_t marker_bytes(size_t process_bytes, size_t text_bytes)
{
    return (sizeof(lpi_marker) + process_bytes + text_bytes + 7) / 8 * 8;
}

static void drop(lp_aggregate *aggregate, lpi_marker *marker)
{
    TAILQ_REMOVE(&aggregate->markers.list, marker, next);
    aggregate->markers.count--;
    lpi_free(aggregate, marker,
             marker_bytes(marker->process_bytes, marker->text_bytes));
}

void lpi_markers_drop_old(lp_aggregate *aggregate, int64_t from_s)
{
    lpi_marker *marker = TAILQ_FIRST(&aggregate->markers.list);

    while (marker != NULL) {
        lpi_marker *next = TAILQ_NEXT(marker, next);

        if (lpi_second_of(marker->at_ns) < from_s) {
            drop(aggregate, marker);
        }
        marker = next;
    }
}

void lpi_markers_clear(lp_aggregate *aggregate)
{
    lpi_marker *marker;

    while ((marker = TAILQ_FIRST(&aggregate->markers.list)) != NULL) {
        drop(aggregate, marker);
    }
}

void lpi_markers_step_back(lp_aggregate *aggregate, int64_t step_s)
{
    lpi_marker *marker;

    TAILQ_FOREACH (marker, &aggregate->markers.list, next) {
        // By more than a clock has room for: it was no time to begin with.
        if (step_s > INT64_MAX / LPI_NS_PER_S ||
            __builtin_sub_overflow(marker->at_ns, step_s * LPI_NS_PER_S,
                                   &marker->at_ns)) {
            marker->at_ns = INT64_MIN;
        }
    }
}

/* What it says ------------------------------------------------------------ */

typedef struct text {
    char bytes[TEXT_MAX_BYTES + 3]; /* so that the last character is whole */
    size_t length;
} text;

static void say(text *out, lp_span words)
{
    size_t room = sizeof(out->bytes) - out->length;
    size_t n = words.len_bytes < room ? words.len_bytes : room;

    if (n > 0) {
        memcpy(out->bytes + out->length, words.ptr, n);
        out->length += n;
    }
}

static void say_number(text *out, int32_t number)
{
    char digits[12];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    say(out, lp_span_of(digits + at, sizeof(digits) - at));
}

/* False: it is no event. */
static bool describe(const lp_measures *m, text *out)
{
    switch (m->kind) {
    case LP_KIND_STATE:
        say(out, m->from);
        say(out, LP_SPAN(" to "));
        say(out, m->to);
        return true;
    case LP_KIND_EXIT:
        if (m->status >= 0) {
            say(out, LP_SPAN("status "));
            say_number(out, m->status);
        }
        return true;
    case LP_KIND_CYCLING:
        return true;
    case LP_KIND_START:
    case LP_KIND_STOP:
    case LP_KIND_RELEASE:
    case LP_KIND_ROLLBACK:
    case LP_KIND_DEPLOY:
        say(out, m->subject);
        return true;
    default:
        return false;
    }
}

/* Keeping ----------------------------------------------------------------- */

static bool is_of_app(unsigned kind)
{
    return kind == LP_KIND_RELEASE || kind == LP_KIND_ROLLBACK ||
           kind == LP_KIND_DEPLOY;
}

/* The oldest of processes, unless half are releases and deploys; else of these. */
static lpi_marker *least_wanted(const lpi_markers *markers)
{
    uint32_t of_app = 0;
    lpi_marker *marker;
    bool is_app_wanted;

    TAILQ_FOREACH (marker, &markers->list, next) {
        of_app += is_of_app(marker->kind) ? 1 : 0;
    }
    is_app_wanted = of_app <= LP_AGGREGATE_MARKERS_MAX / 2;
    marker = TAILQ_FIRST(&markers->list);
    while (is_of_app(marker->kind) == is_app_wanted) {
        marker = TAILQ_NEXT(marker, next);
    }
    return marker;
}

void lpi_markers_add(lp_aggregate *aggregate, const lp_record *record,
                     const lp_measures *m)
{
    lpi_markers *markers = &aggregate->markers;
    lp_span process = is_of_app(m->kind) ? lp_span_of(NULL, 0) : m->dyno;
    text words = {.length = 0};
    char names[2][TEXT_MAX_BYTES];
    lpi_marker *marker;
    lp_span said;
    size_t bytes;

    if (!describe(m, &words)) {
        return;
    }
    process = lpi_name_clean(process, names[0], TEXT_MAX_BYTES);
    said = lpi_name_clean(lp_span_of(words.bytes, words.length), names[1],
                          TEXT_MAX_BYTES);
    if (markers->count == LP_AGGREGATE_MARKERS_MAX) {
        drop(aggregate, least_wanted(markers));
    }
    bytes = marker_bytes(process.len_bytes, said.len_bytes);
    if (!lpi_may_hold(aggregate, bytes)) {
        return;
    }
    marker = lpi_alloc(aggregate, bytes, _Alignof(lpi_marker));
    if (marker == NULL) {
        return;
    }
    *marker = (lpi_marker){.at_ns = record->arrival_ns,
                           .seq = record->seq,
                           .kind = m->kind,
                           .process_bytes = (uint8_t)process.len_bytes,
                           .text_bytes = (uint8_t)said.len_bytes};
    memcpy(marker + 1, process.ptr, process.len_bytes);
    memcpy((char *)(marker + 1) + process.len_bytes, said.ptr, said.len_bytes);
    TAILQ_INSERT_TAIL(&markers->list, marker, next);
    markers->count++;
}

void lp_aggregate_markers(
    const lp_aggregate *aggregate, int64_t from_s, int64_t to_s,
    void (*fn)(void *ctx, const lp_aggregate_marker *marker), void *ctx)
{
    const lpi_marker *marker;

    TAILQ_FOREACH (marker, &aggregate->markers.list, next) {
        int64_t at_s = lpi_second_of(marker->at_ns);
        const char *text_at = (const char *)(marker + 1);
        lp_aggregate_marker out = {
            .at_ns = marker->at_ns,
            .seq = marker->seq,
            .kind = marker->kind,
            .process = lp_span_of(text_at, marker->process_bytes),
            .text = lp_span_of(text_at + marker->process_bytes,
                               marker->text_bytes)};

        if (at_s >= from_s && at_s < to_s) {
            fn(ctx, &out);
        }
    }
}
