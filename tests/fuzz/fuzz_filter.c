/*
 * The first byte is a severity, then comes the text of a filter to a line end,
 * and the rest is a message. What is refused is told in printable words and with
 * a byte of the text. What is taken says the same again, also when each of its
 * terms stands there twice, and the header can be asked in front of it. Each pair of a
 * message is there for a filter of its key and not for the opposite one.
 */
#include <string.h>

#include "fuzz.h"
#include "logplex/filter.h"
#include "logplex/logfmt.h"
#include "stored.h"

enum { PAIRS_MAX = 8 };

static void check_error(const lp_filter_error *error, lp_span text)
{
    size_t n = strnlen(error->sentence, sizeof(error->sentence));

    REQUIRE(n > 0 && n < sizeof(error->sentence));
    for (size_t i = 0; i < n; i++) {
        REQUIRE(error->sentence[i] >= ' ' && error->sentence[i] <= '~');
    }
    REQUIRE(error->at_byte <= text.len_bytes);
}

/* NULL for a text that is refused. */
static lp_filter *filter_of(lp_span text)
{
    lp_filter *filter = NULL;
    lp_filter_error error;
    lp_err err = lp_filter_create(text, &filter, &error);

    REQUIRE((err == LP_OK) == (filter != NULL));
    if (err != LP_OK) {
        REQUIRE(err == LP_E_SYNTAX || err == LP_E_INVALID || err == LP_E_FULL);
        check_error(&error, text);
    }
    return filter;
}

/* Keys that are picked in the same walk are those that are picked without it. */
static void check_picks(lp_filter *filter, const lp_record *record, bool holds)
{
    lp_pair both[2], alone[2];
    uint32_t found, want;
    lp_picker picker;

    lp_picker_init(&picker);
    REQUIRE(lp_picker_add(&picker, LP_SPAN("status"), 0) == LP_OK);
    REQUIRE(lp_picker_add(&picker, LP_SPAN("path"), 1) == LP_OK);
    REQUIRE(lp_filter_pick(filter, record, &picker, both, &found) == holds);
    want = lp_pick(&picker, lp_record_msg(record), alone);
    REQUIRE(found == (holds ? want : 0));
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE((found >> i & 1) == 0 ||
                (both[i].value.ptr == alone[i].value.ptr &&
                 both[i].value.len_bytes == alone[i].value.len_bytes));
    }
}

static uint64_t limit_lines(const lp_filter *filter)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;

    lp_filter_stats_get(filter, &stats);
    REQUIRE(stats.terms >= 1 && stats.terms <= LP_FILTER_TERMS_MAX);
    REQUIRE(stats.jit_patterns <= stats.patterns);
    REQUIRE(stats.patterns <= stats.terms);
    return stats.limit_lines;
}

/* What a text says of a line; *known is false when it is refused, which a text
 * that is taken may be when something is added to it. */
static bool ask(lp_span text, const lp_record *record, bool *known)
{
    lp_filter *filter = filter_of(text);
    uint64_t gave_up;
    bool holds;

    *known = filter != NULL;
    if (filter == NULL) {
        return false;
    }
    REQUIRE(limit_lines(filter) == 0);
    holds = lp_filter_match(filter, record);
    gave_up = limit_lines(filter);
    REQUIRE(gave_up <= 1);
    REQUIRE(lp_filter_match(filter, record) == holds);
    REQUIRE(limit_lines(filter) == 2 * gave_up);
    check_picks(filter, record, holds);
    REQUIRE(limit_lines(filter) == 3 * gave_up);
    lp_filter_destroy(filter);
    return holds;
}

static void check_text(lp_span text, const lp_record *record)
{
    lp_span source = LP_SPAN("source=app ");
    lp_span joined[] = {source, text, LP_SPAN(" "), text};
    char *room = malloc(2 * text.len_bytes + 64);
    bool known;
    bool again_known;
    bool holds = ask(text, record, &known);

    REQUIRE(room != NULL);
    if (known) {
        bool again = ask(join(joined, 4, room), record, &again_known);

        REQUIRE(!again_known || again == holds);
        joined[0] = LP_SPAN("source!=app ");
        again = ask(join(joined, 2, room), record, &again_known);
        REQUIRE(!again_known || !again);
    }
    free(room);
}

static bool is_plain(lp_span key)
{
    for (size_t i = 0; i < key.len_bytes; i++) {
        if (strchr("!<>~", key.ptr[i]) != NULL) {
            return false;
        }
    }
    return key.len_bytes <= 64;
}

static void require_answer(const lp_span *parts, size_t n, bool expected,
                           const lp_record *record)
{
    char room[512];
    bool known;
    bool holds = ask(join(parts, n, room), record, &known);

    REQUIRE(known && holds == expected);
}

static void check_pair(const lp_pair *pair, const lp_record *record)
{
    const lp_span there[] = {LP_SPAN("."), pair->key};
    const lp_span not_there[] = {LP_SPAN("!."), pair->key};
    const lp_span equal[] = {LP_SPAN("."), pair->key, LP_SPAN("=\""),
                             pair->value, LP_SPAN("\"")};
    const lp_span longer[] = {LP_SPAN("."), pair->key, LP_SPAN("~\"^.{100}\"")};

    require_answer(there, 2, true, record);
    require_answer(not_there, 2, false, record);
    if (pair->value.ptr == NULL || pair->value.len_bytes >= 100) {
        return;
    }
    // A value without escapes, quotes and backslashes is one for us as it is.
    if (!pair->escaped &&
        (pair->value.len_bytes == 0 ||
         (memchr(pair->value.ptr, '\\', pair->value.len_bytes) == NULL &&
          memchr(pair->value.ptr, '"', pair->value.len_bytes) == NULL))) {
        require_answer(equal, 5, true, record);
    }
    // Of a key that comes again, another value may be that long.
    if (record->bytes.len_bytes < 100) {
        require_answer(longer, 3, false, record);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lp_span text;
    lp_span msg;
    lp_span rest;
    lp_record record;
    lp_pair pair;
    const char *end;
    char *room;

    if (size < 1) {
        return 0;
    }
    text = lp_span_of((const char *)data + 1, size - 1);
    end = memchr(text.ptr, '\n', text.len_bytes);
    msg = lp_span_skip(text, text.len_bytes);
    if (end != NULL) {
        text.len_bytes = (size_t)(end - text.ptr);
        msg = lp_span_of(end + 1, size - 2 - text.len_bytes);
    }
    room = malloc(msg.len_bytes + 256);
    REQUIRE(room != NULL);
    record = stored_line(data[0] % 8, "app", "web.1", msg, room);
    check_text(text, &record);
    rest = msg;
    for (int i = 0; i < PAIRS_MAX && lp_logfmt_next(&rest, &pair) == LP_OK;
         i++) {
        if (is_plain(pair.key)) {
            check_pair(&pair, &record);
        }
    }
    free(room);
    return 0;
}
