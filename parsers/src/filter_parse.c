#include "filter_impl.h"

#include <assert.h>
#include <string.h>

enum { SHOWN_MAX_BYTES = 40, SEVERITY_COUNT = 8, EVERY_SEVERITY = 0xff };

/* Sentences below name these numbers. */
_Static_assert(LP_FILTER_TEXT_MAX_BYTES == 2048, "see lpi_filter_read()");
_Static_assert(LP_FILTER_TERMS_MAX == 32, "see read_term()");
_Static_assert(LP_FILTER_ALTERNATIVES_MAX == 128, "see add_value()");
_Static_assert(LP_FILTER_PATTERNS_MAX_BYTES == 256 * 1024, "see add_pattern()");

typedef struct reader {
    lp_span text;
    size_t at;
    lpi_draft *draft;
    lp_filter_error *error; /* may be NULL */
} reader;

/* A value as it stands in the text and, without its quotes, in the draft. */
typedef struct value {
    size_t at; /* of its first byte, behind an opening quote */
    bool is_quoted;
    lpi_piece piece;
} value;

/* Sentences --------------------------------------------------------------- */

static size_t put(char *out, size_t n, const char *bytes, size_t len_bytes)
{
    assert(len_bytes < LP_FILTER_SENTENCE_MAX_BYTES - n);
    memcpy(out + n, bytes, len_bytes);
    return n + len_bytes;
}

/* A value as people may see it: a beginning of it, with a dot for what is not
 * printable. */
static size_t put_shown(char *out, size_t n, lp_span shown)
{
    size_t len_bytes =
        shown.len_bytes < SHOWN_MAX_BYTES ? shown.len_bytes : SHOWN_MAX_BYTES;

    for (size_t i = 0; i < len_bytes; i++) {
        char c = shown.ptr[i] > ' ' && shown.ptr[i] <= '~' ? shown.ptr[i] : '.';

        c = shown.ptr[i] == ' ' ? ' ' : c;
        n = put(out, n, &c, 1);
    }
    return len_bytes < shown.len_bytes ? put(out, n, "...", 3) : n;
}

/* The sentence is before, shown, behind. Returns err. */
static lp_err tell(const reader *r, lp_err err, size_t at, const char *before,
                   lp_span shown, const char *behind)
{
    char *out;
    size_t n;

    if (r->error == NULL) {
        return err;
    }
    out = r->error->sentence;
    n = put(out, 0, before, strlen(before));
    n = put_shown(out, n, shown);
    n = put(out, n, behind, strlen(behind));
    out[n] = '\0';
    r->error->at_byte = at;
    return err;
}

static const lp_span nothing = {"", 0};

/* Bytes ------------------------------------------------------------------- */

/* As logfmt has it. */
static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static bool is_at(const reader *r, size_t at, const char *any_of)
{
    return at < r->text.len_bytes && r->text.ptr[at] != '\0' &&
           strchr(any_of, r->text.ptr[at]) != NULL;
}

static bool is_end(const reader *r, size_t at)
{
    return at == r->text.len_bytes || is_blank(r->text.ptr[at]);
}

static bool eat(reader *r, const char *any_of)
{
    bool is_there = is_at(r, r->at, any_of);

    r->at += is_there;
    return is_there;
}

/* What stands there up to the next blank, to be shown. */
static lp_span word_at(const reader *r, size_t at)
{
    size_t end = at;

    while (!is_end(r, end)) {
        end++;
    }
    return lp_span_of(r->text.ptr + at, end - at);
}

static lp_span piece_span(const lpi_draft *draft, lpi_piece piece)
{
    return lp_span_of(draft->text + piece.offset, piece.len_bytes);
}

/* What is kept is never longer than what was read, so that there is room. */
static void keep_byte(lpi_draft *draft, lpi_piece *piece, char c)
{
    assert(draft->text_bytes < sizeof(draft->text));
    draft->text[draft->text_bytes] = c;
    draft->text_bytes++;
    piece->len_bytes++;
}

static lpi_piece new_piece(const lpi_draft *draft)
{
    return (lpi_piece){(uint16_t)draft->text_bytes, 0};
}

/* Values ------------------------------------------------------------------ */

static bool is_escape(const reader *r, size_t at)
{
    return is_at(r, at, "\\") && is_at(r, at + 1, "\"\\");
}

static lp_err read_quoted(reader *r, value *out)
{
    size_t quote = r->at - 1;

    while (r->at < r->text.len_bytes && !is_at(r, r->at, "\"")) {
        r->at += is_escape(r, r->at);
        keep_byte(r->draft, &out->piece, r->text.ptr[r->at]);
        r->at++;
    }
    if (!eat(r, "\"")) {
        return tell(r, LP_E_SYNTAX, quote,
                    "this quote is not closed; right would be a \" at the end "
                    "of the value, and \\\" for one within it",
                    nothing, "");
    }
    return LP_OK;
}

static lp_err read_bare(reader *r, bool is_list, value *out)
{
    while (!is_end(r, r->at) && !(is_list && is_at(r, r->at, ","))) {
        if (is_at(r, r->at, "\"")) {
            return tell(r, LP_E_SYNTAX, r->at, "there is a quote within ",
                        word_at(r, out->at),
                        "; right would be the whole value in quotes, and \\\" "
                        "for the one within it");
        }
        keep_byte(r->draft, &out->piece, r->text.ptr[r->at]);
        r->at++;
    }
    if (out->piece.len_bytes == 0) {
        return tell(r, LP_E_SYNTAX, r->at,
                    "there is no value here; right would be one, or \"\" for "
                    "an empty one",
                    nothing, "");
    }
    return LP_OK;
}

/* One value, which ends at a blank or, in a list, at a comma. */
static lp_err read_value(reader *r, bool is_list, value *out)
{
    lp_err err;

    out->is_quoted = eat(r, "\"");
    out->at = r->at;
    out->piece = new_piece(r->draft);
    if (!out->is_quoted) {
        return read_bare(r, is_list, out);
    }
    err = read_quoted(r, out);
    if (err == LP_OK && !is_end(r, r->at) &&
        !(is_list && is_at(r, r->at, ","))) {
        return tell(r, LP_E_SYNTAX, r->at, "behind the closing quote stands ",
                    word_at(r, r->at),
                    is_list ? "; right would be a blank, or a comma and one "
                              "more value"
                            : "; right would be a blank");
    }
    return err;
}

/* Where in the text byte n of a value stands. */
static size_t place_in_text(const reader *r, const value *from, size_t n)
{
    size_t at = from->at;

    for (; n > 0; n--) {
        at += (from->is_quoted && is_escape(r, at)) ? 2 : 1;
    }
    return at;
}

/* Severities -------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned severity;
} severity_names[] = {
    {"emerg", 0},         {"emergency", 0}, {"panic", 0},  {"alert", 1},
    {"crit", 2},          {"critical", 2},  {"err", 3},    {"error", 3},
    {"warn", 4},          {"warning", 4},   {"notice", 5}, {"info", 6},
    {"informational", 6}, {"debug", 7},
};

static bool is_same_word(lp_span text, const char *name)
{
    if (text.len_bytes != strlen(name)) {
        return false;
    }
    for (size_t i = 0; i < text.len_bytes; i++) {
        char c = text.ptr[i];

        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != name[i]) {
            return false;
        }
    }
    return true;
}

static bool read_severity(lp_span text, unsigned *out)
{
    if (text.len_bytes == 1 && text.ptr[0] >= '0' && text.ptr[0] <= '7') {
        *out = (unsigned)(text.ptr[0] - '0');
        return true;
    }
    for (size_t i = 0; i < sizeof(severity_names) / sizeof(severity_names[0]);
         i++) {
        if (is_same_word(text, severity_names[i].name)) {
            *out = severity_names[i].severity;
            return true;
        }
    }
    return false;
}

/* Those that the operator lets through. */
static uint8_t severities_of(uint8_t op, unsigned than)
{
    unsigned mask = 0;

    for (unsigned severity = 0; severity < SEVERITY_COUNT; severity++) {
        int order = (severity > than) - (severity < than);

        mask |= (unsigned)lpi_op_holds(op, order) << severity;
    }
    return (uint8_t)mask;
}

static lp_err take_severity(reader *r, uint8_t op, const value *from,
                            uint8_t *mask)
{
    lp_span text = piece_span(r->draft, from->piece);
    unsigned severity;

    if (!read_severity(text, &severity)) {
        return tell(r, LP_E_INVALID, from->at, "\"", text,
                    "\" is no severity; right would be 0 to 7, or emerg, "
                    "alert, crit, err, warning, notice, info or debug");
    }
    // Of = any will do, and of != all must.
    if (op == LPI_OP_EQUAL) {
        *mask |= severities_of(op, severity);
    } else {
        *mask &= severities_of(op, severity);
    }
    return LP_OK;
}

/* Terms ------------------------------------------------------------------- */

static lpi_filter_field field_of(lp_span key)
{
    static const struct {
        const char *name;
        lpi_filter_field field;
    } fields[] = {{"source", LPI_FIELD_SOURCE},
                  {"process", LPI_FIELD_PROCESS},
                  {"severity", LPI_FIELD_SEVERITY},
                  {"msg", LPI_FIELD_MSG}};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (lp_span_equal(key, lp_span_str(fields[i].name))) {
            return fields[i].field;
        }
    }
    return LPI_FIELD_MEASURE;
}

/* The operator at the reader, or false. */
static bool read_op(reader *r, uint8_t *op)
{
    static const struct {
        const char *name;
        uint8_t op;
    } ops[] = {{"!=", LPI_OP_NOT_EQUAL},  {"!~", LPI_OP_UNLIKE},
               {"<=", LPI_OP_LESS_EQUAL}, {">=", LPI_OP_MORE_EQUAL},
               {"=", LPI_OP_EQUAL},       {"~", LPI_OP_LIKE},
               {"<", LPI_OP_LESS},        {">", LPI_OP_MORE}};
    lp_span rest = lp_span_skip(r->text, r->at);

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (lp_span_starts(rest, lp_span_str(ops[i].name))) {
            r->at += strlen(ops[i].name);
            *op = ops[i].op;
            return !is_at(r, r->at, "=~<>!"); // "==" and "=~" are none
        }
    }
    return false;
}

static lp_err check_op(const reader *r, const lpi_term *term, size_t at)
{
    bool is_order = term->op >= LPI_OP_LESS && term->op <= LPI_OP_MORE_EQUAL;
    bool is_pattern = term->op >= LPI_OP_LIKE;

    switch (term->field) {
    case LPI_FIELD_SOURCE:
    case LPI_FIELD_PROCESS:
        if (is_order || is_pattern) {
            return tell(r, LP_E_INVALID, at, "",
                        piece_span(r->draft, term->key),
                        " takes = and != only; if a measure of that name is "
                        "meant, right would be a \".\" in front of it");
        }
        return LP_OK;
    case LPI_FIELD_SEVERITY:
        if (is_pattern) {
            return tell(r, LP_E_INVALID, at,
                        "severity takes = != < <= > and >= only; right would "
                        "be severity<=warning, or .severity~err for a measure "
                        "of that name",
                        nothing, "");
        }
        return LP_OK;
    case LPI_FIELD_MSG:
        if (!is_pattern) {
            return tell(r, LP_E_INVALID, at,
                        "msg takes ~ and !~ only; right would be "
                        "msg~\"pattern\", or .msg=text for a measure of that "
                        "name",
                        nothing, "");
        }
        return LP_OK;
    default:
        return LP_OK;
    }
}

static lp_err add_value(reader *r, lpi_term *term, const value *from)
{
    lpi_draft *draft = r->draft;

    if (draft->value_count == LP_FILTER_ALTERNATIVES_MAX) {
        return tell(r, LP_E_FULL, from->at,
                    "the filter has more than 128 values, of all of its = and "
                    "!= together",
                    nothing, "");
    }
    draft->values[draft->value_count] = from->piece;
    draft->value_count++;
    term->value_count++;
    return LP_OK;
}

/* The values of = and !=. */
static lp_err read_list(reader *r, lpi_term *term)
{
    uint8_t mask = term->op == LPI_OP_EQUAL ? 0 : EVERY_SEVERITY;
    size_t start = r->at;
    value next;
    lp_err err;

    term->value_first = (uint8_t)r->draft->value_count;
    do {
        err = read_value(r, true, &next);
        if (err == LP_OK) {
            err = term->field == LPI_FIELD_SEVERITY
                      ? take_severity(r, term->op, &next, &mask)
                      : add_value(r, term, &next);
        }
        if (err != LP_OK) {
            return err;
        }
    } while (eat(r, ","));
    if (term->field == LPI_FIELD_SEVERITY && mask == 0) {
        return tell(r, LP_E_INVALID, start,
                    "no line has a severity other than these", nothing,
                    "; right would be to leave one out");
    }
    if (term->field == LPI_FIELD_SEVERITY) {
        r->draft->severities &= mask;
    }
    return LP_OK;
}

/* The one value of < <= > >=. */
static lp_err read_order(reader *r, lpi_term *term)
{
    uint8_t mask = EVERY_SEVERITY;
    value than;
    lp_span text;
    lp_err err = read_value(r, false, &than);

    if (err != LP_OK) {
        return err;
    }
    text = piece_span(r->draft, than.piece);
    if (term->field != LPI_FIELD_SEVERITY) {
        return lpi_number_read(text, &term->number)
                   ? LP_OK
                   : tell(r, LP_E_INVALID, than.at, "\"", text,
                          "\" is no number with one of the units ns, us, ms, "
                          "s, min, h, B, kB, MB, GB, TB, % and pages, or none; "
                          "right would be 500, 1.5s or 512MB");
    }
    err = take_severity(r, term->op, &than, &mask);
    if (err == LP_OK && mask == 0) {
        return tell(r, LP_E_INVALID, than.at,
                    "severities are the numbers 0 (emerg) to 7 (debug), and "
                    "none is beyond ",
                    text, "; right would be <=warning for warning and worse");
    }
    r->draft->severities &= mask;
    return err;
}

static lp_err add_pattern(reader *r, lpi_term *term, const value *from)
{
    lpi_draft *draft = r->draft;
    lpi_regex_fault fault = {0};
    lp_err err;

    if (draft->regexes == NULL) {
        draft->regexes = lpi_regexes_create();
    }
    if (draft->regexes == NULL) {
        return LP_E_NOMEM;
    }
    term->pattern = (uint8_t)lpi_regexes_count(draft->regexes);
    err =
        lpi_regexes_add(draft->regexes, piece_span(draft, from->piece), &fault);
    if (err == LP_E_FULL) {
        return tell(r, err, from->at, "with the pattern ",
                    piece_span(draft, from->piece),
                    " those of the filter take more than 256 KiB; right would "
                    "be fewer or smaller repetitions such as {1,100}");
    }
    if (err == LP_E_INVALID) {
        return tell(r, err, place_in_text(r, from, fault.at_byte),
                    "the pattern is no regular expression of PCRE2: ", nothing,
                    fault.why);
    }
    return err;
}

static lp_err read_pattern(reader *r, lpi_term *term)
{
    value pattern;
    lp_err err = read_value(r, false, &pattern);

    if (err == LP_OK && pattern.piece.len_bytes == 0) {
        return tell(r, LP_E_INVALID, pattern.at,
                    "the pattern is empty, and found in everything; right "
                    "would be what to look for",
                    nothing, "");
    }
    return err == LP_OK ? add_pattern(r, term, &pattern) : err;
}

/* A key alone, perhaps with "!" in front of it. */
static lp_err finish_key(const reader *r, lpi_term *term, bool is_not,
                         size_t start)
{
    if (term->field != LPI_FIELD_MEASURE) {
        return tell(r, LP_E_INVALID, start, "every line has a ",
                    piece_span(r->draft, term->key),
                    "; right would be an operator and a value behind it, or a "
                    "\".\" in front of it if a measure of that name is meant");
    }
    term->op = is_not ? LPI_OP_ABSENT : LPI_OP_PRESENT;
    term->stage = LPI_STAGE_PAIR;
    return LP_OK;
}

static lp_err finish_op(reader *r, lpi_term *term, bool is_not, size_t start)
{
    size_t at = r->at;
    lp_err err;

    if (!read_op(r, &term->op)) {
        return tell(r, LP_E_SYNTAX, at, "", word_at(r, at),
                    " begins with no operator; right would be one of = != < "
                    "<= > >= ~ !~ and then a value, in quotes if it begins "
                    "with one of these signs");
    }
    if (is_not) {
        return tell(r, LP_E_SYNTAX, start, "! stands in front of ",
                    piece_span(r->draft, term->key),
                    ", which has an operator; right would be != or !~ behind "
                    "the key");
    }
    err = check_op(r, term, at);
    if (err != LP_OK) {
        return err;
    }
    switch (term->op) {
    case LPI_OP_EQUAL:
    case LPI_OP_NOT_EQUAL:
        term->stage = term->field == LPI_FIELD_MEASURE ? LPI_STAGE_PAIR
                                                       : LPI_STAGE_HEADER;
        return read_list(r, term);
    case LPI_OP_LIKE:
    case LPI_OP_UNLIKE:
        term->stage =
            term->field == LPI_FIELD_MSG ? LPI_STAGE_MSG : LPI_STAGE_PATTERN;
        return read_pattern(r, term);
    default:
        term->stage = LPI_STAGE_PAIR;
        return read_order(r, term);
    }
}

static lp_err read_term(reader *r)
{
    lpi_term term = {0};
    size_t start = r->at;
    bool is_not;
    bool is_forced;
    lp_err err;

    if (r->draft->term_count == LP_FILTER_TERMS_MAX) {
        return tell(r, LP_E_FULL, start, "the filter has more than 32 terms",
                    nothing, "");
    }
    is_not = eat(r, "!");
    is_forced = eat(r, ".");
    term.key = new_piece(r->draft);
    while (!is_end(r, r->at) && !is_at(r, r->at, "=!<>~\"")) {
        keep_byte(r->draft, &term.key, r->text.ptr[r->at]);
        r->at++;
    }
    if (term.key.len_bytes == 0) {
        return tell(r, LP_E_SYNTAX, start, "", word_at(r, start),
                    " begins with no key; right would be key=value, key or "
                    "!key");
    }
    if (!is_forced) {
        term.field = (uint8_t)field_of(piece_span(r->draft, term.key));
    }
    err = is_end(r, r->at) ? finish_key(r, &term, is_not, start)
                           : finish_op(r, &term, is_not, start);
    if (err != LP_OK) {
        return err;
    }
    r->draft->term_count++;
    if (term.field != LPI_FIELD_SEVERITY) {
        r->draft->terms[r->draft->kept_count] = term;
        r->draft->kept_count++;
    }
    return LP_OK;
}

lp_err lpi_filter_read(lp_span text, lpi_draft *draft, lp_filter_error *error)
{
    reader r = {text, 0, draft, error};
    lp_err err;

    draft->severities = EVERY_SEVERITY;
    if (text.len_bytes > LP_FILTER_TEXT_MAX_BYTES) {
        return tell(&r, LP_E_FULL, LP_FILTER_TEXT_MAX_BYTES,
                    "the filter is longer than 2048 bytes", nothing, "");
    }
    while (r.at < text.len_bytes) {
        if (is_blank(text.ptr[r.at])) {
            r.at++;
            continue;
        }
        err = read_term(&r);
        if (err != LP_OK) {
            return err;
        }
    }
    if (draft->term_count == 0) {
        return tell(&r, LP_E_SYNTAX, 0,
                    "the filter is empty; right would be severity<=warning, or "
                    "status>=500, or none at all",
                    nothing, "");
    }
    return LP_OK;
}
