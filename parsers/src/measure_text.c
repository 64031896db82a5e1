/* Lines that are sentences. */
#include "measure_impl.h"

enum { CODE_DIGITS_MAX = 3 };

/* Words ------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(lp_span *rest, lp_span prefix)
{
    if (!lp_span_starts(*rest, prefix)) {
        return false;
    }
    *rest = lp_span_skip(*rest, prefix.len_bytes);
    return true;
}

static lp_span skip_blanks(lp_span rest)
{
    while (rest.len_bytes > 0 && (unsigned char)rest.ptr[0] <= ' ') {
        rest = lp_span_skip(rest, 1);
    }
    return rest;
}

lp_span lpi_take_word(lp_span *rest)
{
    lp_span word = lp_span_of(rest->ptr, 0);

    while (word.len_bytes < rest->len_bytes &&
           (unsigned char)word.ptr[word.len_bytes] > ' ') {
        word.len_bytes++;
    }
    *rest = skip_blanks(lp_span_skip(*rest, word.len_bytes));
    return word;
}

/* What stands in front of the first end, which is taken as well. */
static bool take_until(lp_span *rest, lp_span end, lp_span *out)
{
    const char *at = rest->ptr;
    const char *stop = at + rest->len_bytes;

    while (at < stop &&
           (at = memchr(at, end.ptr[0], (size_t)(stop - at))) != NULL) {
        size_t n = (size_t)(at - rest->ptr);

        if (lp_span_starts(lp_span_skip(*rest, n), end)) {
            *out = lp_span_of(rest->ptr, n);
            *rest = lp_span_skip(*rest, n + end.len_bytes);
            return true;
        }
        at++;
    }
    return false;
}

/* Sentences with one or two gaps ------------------------------------------ */

typedef struct sentence {
    const char *begin;
    const char *between; /* NULL: the first gap reaches to the end */
    uint16_t first;      /* where in lp_measures the gaps go; STATUS, NOWHERE */
    uint16_t second;
    uint8_t kind;
} sentence;

#define FIELD(name) offsetof(lp_measures, name)
#define STATUS      FIELD(status)
#define NOWHERE     FIELD(list)

// clang-format off
static const sentence platform[] = {
    {"State changed from ", " to ", FIELD(from), FIELD(to), LP_KIND_STATE},
    {"Starting process with command `", "`", FIELD(subject), NOWHERE,
     LP_KIND_START},
    {"Process exited with status ", NULL, STATUS, NOWHERE, LP_KIND_EXIT},
    {"Stopping all processes with ", NULL, FIELD(subject), NOWHERE,
     LP_KIND_STOP},
    {"Stopping process with ", NULL, FIELD(subject), NOWHERE, LP_KIND_STOP},
    {"Stopping remaining processes with ", NULL, FIELD(subject), NOWHERE,
     LP_KIND_STOP},
    {"Cycling", NULL, NOWHERE, NOWHERE, LP_KIND_CYCLING},
    {"Restarting", NULL, NOWHERE, NOWHERE, LP_KIND_CYCLING},
};

static const sentence api[] = {
    {"Release ", " created by ", FIELD(subject), FIELD(by), LP_KIND_RELEASE},
    {"Rollback to ", " by ", FIELD(subject), FIELD(by), LP_KIND_ROLLBACK},
    {"Deploy ", " by ", FIELD(subject), FIELD(by), LP_KIND_DEPLOY},
};
// clang-format on

static void fill(uint16_t where, lp_span gap, lp_measures *out)
{
    if (where == STATUS) {
        out->status = lpi_small_number(gap);
    } else if (where != NOWHERE) {
        memcpy((char *)out + where, &gap, sizeof(gap));
    }
}

static bool read_sentence(const sentence *words, lp_span rest, lp_measures *out)
{
    lp_span gap = rest;

    if (!take(&rest, lp_span_str(words->begin))) {
        return false;
    }
    gap = rest;
    if (words->between != NULL &&
        !take_until(&rest, lp_span_str(words->between), &gap)) {
        return false;
    }
    fill(words->first, gap, out);
    if (words->between != NULL) {
        fill(words->second, rest, out);
    }
    out->kind = words->kind;
    return true;
}

static bool read_sentences(const sentence *list, size_t n, lp_span msg,
                           lp_measures *out)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].begin[0] == msg.ptr[0] &&
            read_sentence(&list[i], msg, out)) {
            return true;
        }
    }
    return false;
}

bool lpi_read_api(lp_span msg, lp_measures *out)
{
    if (msg.len_bytes == 0 ||
        !read_sentences(api, sizeof(api) / sizeof(api[0]), msg, out)) {
        return false;
    }
    // Since 2016 or so: "by user NAME".
    take(&out->by, LP_SPAN("user "));
    return true;
}

/* "Process running mem=1028MB(103.3%)", next to R14 and R15. */
static bool read_running(lp_span rest, lp_measures *out)
{
    if (!take(&rest, LP_SPAN("Process running mem=")) ||
        !lpi_measures_add(out, LP_OP_SAMPLE, LP_SPAN("mem"),
                          lpi_take_word(&rest), LP_UNIT_NONE)) {
        return false;
    }
    out->kind = LP_KIND_RUNTIME;
    return true;
}

bool lpi_read_platform(lp_span msg, lp_measures *out)
{
    if (msg.len_bytes == 0) {
        return false;
    }
    return lpi_read_error(msg, out) || read_running(msg, out) ||
           read_sentences(platform, sizeof(platform) / sizeof(platform[0]), msg,
                          out);
}

/* Codes ------------------------------------------------------------------- */

static bool take_code(lp_span *rest, lp_span *code)
{
    size_t n = 1;

    if (rest->len_bytes == 0 || memchr("HLR", rest->ptr[0], 3) == NULL) {
        return false;
    }
    while (n < rest->len_bytes && n <= CODE_DIGITS_MAX &&
           is_digit(rest->ptr[n])) {
        n++;
    }
    if (n == 1 || (n < rest->len_bytes && rest->ptr[n] != ' ' &&
                   rest->ptr[n] != ':' && rest->ptr[n] != '\n')) {
        return false;
    }
    *code = lp_span_of(rest->ptr, n);
    *rest = skip_blanks(lp_span_skip(*rest, n));
    return true;
}

bool lpi_take_error(lp_span *rest, lp_measures *out)
{
    lp_span at = *rest;

    take(&at, LP_SPAN("Error "));
    if (!take_code(&at, &out->code)) {
        return false;
    }
    if (take(&at, LP_SPAN("("))) {
        if (!take_until(&at, LP_SPAN(")"), &out->desc)) {
            at = lp_span_skip(at, at.len_bytes); // cut
        }
        at = skip_blanks(at);
    }
    *rest = at;
    return true;
}

/* "500 messages dropped", "dropped 500 messages", "2 messages lost". */
static void read_loss(lp_span rest, lp_measures *out)
{
    lp_span before;
    size_t at;

    if (!take_until(&rest, LP_SPAN(" messages"), &before)) {
        return;
    }
    for (at = before.len_bytes; at > 0 && is_digit(before.ptr[at - 1]); at--) {
    }
    lpi_measures_add(out, LP_OP_COUNT, LP_SPAN("lost"),
                     lp_span_skip(before, at), LP_UNIT_NONE);
}

bool lpi_read_error(lp_span msg, lp_measures *out)
{
    lp_span rest = msg;

    if (msg.len_bytes == 0 || memchr("EHLR", msg.ptr[0], 4) == NULL ||
        !lpi_take_error(&rest, out)) {
        return false;
    }
    if (out->code.ptr[0] == 'L') {
        read_loss(rest, out);
    }
    out->kind = LP_KIND_ERROR;
    return true;
}

/* Rails ------------------------------------------------------------------- */

/* What loggers put in front: "[TAG] [TAG] ", and Ruby's own
 * "I, [2026-11-21T00:00:00.000001 #4]  INFO -- : ". */
static lp_span skip_tags(lp_span msg)
{
    lp_span gap;
    lp_span rest = msg;

    if (msg.len_bytes > 3 && msg.ptr[1] == ',' && msg.ptr[3] == '[' &&
        take_until(&rest, LP_SPAN(" -- "), &gap) &&
        take_until(&rest, LP_SPAN(": "), &gap)) {
        msg = rest;
    }
    while (msg.len_bytes > 0 && msg.ptr[0] == '[') {
        rest = msg;
        if (!take_until(&rest, LP_SPAN("] "), &gap)) {
            break;
        }
        msg = skip_blanks(rest);
    }
    return msg;
}

static bool is_part_end(char c)
{
    return c == ' ' || c == '|' || c == ',' || c == ')';
}

/* One "NAME: VALUE", and what parts it from the next one. False: there is none
 * that is whole. */
static bool read_part(lp_span *rest, lp_unit unit, lp_measures *out)
{
    lp_span name;
    lp_span value;

    if (!take_until(rest, LP_SPAN(": "), &name) ||
        (name.len_bytes > 0 && memchr(name.ptr, ')', name.len_bytes) != NULL)) {
        return false;
    }
    value = lp_span_of(rest->ptr, 0);
    while (value.len_bytes < rest->len_bytes &&
           !is_part_end(value.ptr[value.len_bytes])) {
        value.len_bytes++;
    }
    *rest = lp_span_skip(*rest, value.len_bytes);
    if (rest->len_bytes == 0) {
        return false;
    }
    lpi_measures_add(out, LP_OP_MEASURE, name, value, unit);
    if (take(rest, LP_SPAN(" (")) && !take_until(rest, LP_SPAN(")"), &name)) {
        return false;
    }
    while (rest->len_bytes > 0 && rest->ptr[0] != ')' &&
           is_part_end(rest->ptr[0])) {
        *rest = lp_span_skip(*rest, 1);
    }
    return true;
}

/* "Views: 10.2ms | ActiveRecord: 1.1ms (2 queries, 0 cached) | Allocations: 12)":
 * a number without a unit is one of things, but in Rails 2, whose numbers are all
 * of ms. */
static void read_parts(lp_span rest, lp_unit unit, lp_measures *out)
{
    while (rest.len_bytes > 0 && rest.ptr[0] != ')' &&
           read_part(&rest, unit, out)) {
    }
}

/* "Completed in 74ms (View: 31, DB: 40) | 200 OK [http://...]" */
static void read_rails2_status(lp_span rest, lp_measures *out)
{
    lp_span gap;

    if (take_until(&rest, LP_SPAN(" | "), &gap)) {
        out->status = lpi_small_number(rest);
    }
}

/* "200 OK in ", of which out gets the status. */
static bool take_outcome(lp_span *rest, lp_measures *out)
{
    int32_t status = lpi_small_number(*rest);
    lp_span words;

    if (status < 0 || !take_until(rest, LP_SPAN(" in "), &words)) {
        return false;
    }
    out->status = status;
    return true;
}

bool lpi_read_rails(lp_span msg, lp_measures *out)
{
    lp_span rest = msg;
    bool is_rails2;

    if (msg.len_bytes == 0 || memchr("C[DIWEF", msg.ptr[0], 7) == NULL) {
        return false;
    }
    rest = skip_tags(msg);
    if (!take(&rest, LP_SPAN("Completed "))) {
        return false;
    }
    is_rails2 = take(&rest, LP_SPAN("in "));
    if (!is_rails2 && !take_outcome(&rest, out)) {
        return false;
    }
    if (!lpi_measures_add(out, LP_OP_MEASURE, LP_SPAN("completed"),
                          lpi_take_word(&rest), LP_UNIT_MS)) {
        out->status = -1;
        return false;
    }
    out->kind = LP_KIND_RAILS;
    if (is_rails2) {
        read_rails2_status(rest, out);
    }
    if (take(&rest, LP_SPAN("("))) {
        read_parts(rest, is_rails2 ? LP_UNIT_MS : LP_UNIT_NONE, out);
    }
    return true;
}
