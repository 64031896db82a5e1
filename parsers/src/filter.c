#include "logplex/filter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "filter_impl.h"
#include "logplex/logfmt.h"
#include "logplex/render.h"
#include "pick_impl.h"

enum { UNESCAPED_MAX_BYTES = 4096, CANDIDATES_MAX = 16, KEY_LENGTHS = 64 };

/* An escape is at most twice as long as what it stands for: a value that is
 * longer than this equals none of ours. */
_Static_assert(UNESCAPED_MAX_BYTES >= 2 * LP_FILTER_TEXT_MAX_BYTES,
               "see equals_one()");

/*
 * One block of memory:
 *
 *     | lp_filter | terms, stage by stage | values | text |
 *                   stage_end[n] is the first term behind stage n
 */
struct lp_filter {
    lpi_regexes *regexes; /* NULL without patterns */
    const lpi_term *terms;
    const lpi_piece *values;
    const char *text;
    uint64_t key_lengths; /* bit n: there is a measure whose key has n bytes,
                             modulo 64 */
    uint32_t written_terms;
    uint32_t absent;     /* bit n: terms[n] is satisfied unless it is found */
    uint32_t in_pairs;   /* likewise: of the stages pair and pattern        */
    uint32_t by_pattern; /* of these, those of the stage pattern           */
    uint8_t severities;
    uint8_t stage_end[LPI_STAGE_COUNT];
    uint64_t limit_lines;
};

/* A value of a pair that a pattern is yet to look at. */
typedef struct candidate {
    lp_span value;
    bool is_escaped;
    uint8_t term;
} candidate;

/* One line under one filter. */
typedef struct look {
    lp_filter *filter;
    uint32_t open; /* bit n: nothing has satisfied terms[n] yet */
    bool gave_up;
    unsigned candidate_count;
    candidate candidates[CANDIDATES_MAX];
} look;

static lp_span span_of(const lp_filter *filter, lpi_piece piece)
{
    return lp_span_of(filter->text + piece.offset, piece.len_bytes);
}

/* Making one -------------------------------------------------------------- */

static void take_term(lp_filter *filter, lpi_term *terms, uint8_t *n,
                      const lpi_term *term)
{
    uint32_t bit = UINT32_C(1) << *n;

    terms[*n] = *term;
    (*n)++;
    if (term->stage != LPI_STAGE_PAIR && term->stage != LPI_STAGE_PATTERN) {
        return;
    }
    filter->key_lengths |= UINT64_C(1) << term->key.len_bytes % KEY_LENGTHS;
    filter->in_pairs |= bit;
    filter->absent |= term->op == LPI_OP_ABSENT ? bit : 0;
    filter->by_pattern |= term->stage == LPI_STAGE_PATTERN ? bit : 0;
}

/* The draft, in as much memory as it needs. */
static lp_filter *pack(const lpi_draft *draft)
{
    size_t terms_bytes = draft->kept_count * sizeof(lpi_term);
    size_t values_bytes = draft->value_count * sizeof(lpi_piece);
    lp_filter *filter = calloc(1, sizeof(*filter) + terms_bytes + values_bytes +
                                      draft->text_bytes);
    lpi_term *terms;
    char *behind;
    uint8_t n = 0;

    if (filter == NULL) {
        return NULL;
    }
    terms = (lpi_term *)(filter + 1);
    behind = (char *)terms + terms_bytes;
    memcpy(behind, draft->values, values_bytes);
    memcpy(behind + values_bytes, draft->text, draft->text_bytes);
    filter->terms = terms;
    filter->values = (const lpi_piece *)(const void *)behind;
    filter->text = behind + values_bytes;
    filter->regexes = draft->regexes;
    filter->severities = draft->severities;
    filter->written_terms = draft->term_count;
    for (unsigned stage = 0; stage < LPI_STAGE_COUNT; stage++) {
        for (uint32_t i = 0; i < draft->kept_count; i++) {
            if (draft->terms[i].stage == stage) {
                take_term(filter, terms, &n, &draft->terms[i]);
            }
        }
        filter->stage_end[stage] = n;
    }
    return filter;
}

lp_err lp_filter_create(lp_span text, lp_filter **out, lp_filter_error *error)
{
    lpi_draft *draft = calloc(1, sizeof(*draft));
    lp_filter *filter = NULL;
    lp_err err = LP_E_NOMEM;

    if (error != NULL) {
        error->at_byte = 0;
        memcpy(error->sentence, "there is no memory for the filter",
               sizeof("there is no memory for the filter"));
    }
    if (draft == NULL) {
        return err;
    }
    err = lpi_filter_read(text, draft, error);
    if (err == LP_OK) {
        filter = pack(draft);
        err = filter != NULL ? LP_OK : LP_E_NOMEM;
    }
    if (err != LP_OK) {
        lpi_regexes_destroy(draft->regexes);
    } else {
        *out = filter;
    }
    free(draft);
    return err;
}

void lp_filter_destroy(lp_filter *filter)
{
    if (filter == NULL) {
        return;
    }
    lpi_regexes_destroy(filter->regexes);
    free(filter);
}

void lp_filter_stats_get(const lp_filter *filter, lp_filter_stats *out)
{
    lp_filter_stats stats = LP_FILTER_STATS_INIT;
    uint32_t room_bytes = out->struct_bytes;

    stats.terms = filter->written_terms;
    stats.limit_lines = filter->limit_lines;
    if (filter->regexes != NULL) {
        stats.patterns = lpi_regexes_count(filter->regexes);
        stats.jit_patterns = lpi_regexes_jit_count(filter->regexes);
    }
    if (room_bytes > sizeof(stats)) {
        room_bytes = sizeof(stats);
    }
    stats.struct_bytes = out->struct_bytes;
    memcpy(out, &stats, room_bytes);
}

/* The header -------------------------------------------------------------- */

static bool is_one_of(const lp_filter *filter, const lpi_term *term,
                      lp_span text)
{
    const lpi_piece *values = filter->values + term->value_first;

    for (unsigned i = 0; i < term->value_count; i++) {
        lp_span wanted = span_of(filter, values[i]);

        if (term->field == LPI_FIELD_PROCESS ? lp_procid_is(text, wanted)
                                             : lp_span_equal(text, wanted)) {
            return true;
        }
    }
    return false;
}

static bool header_holds(const lp_filter *filter, const lp_record *record)
{
    if ((filter->severities >> (record->marks.pri & 7) & 1) == 0) {
        return false;
    }
    for (unsigned i = 0; i < filter->stage_end[LPI_STAGE_HEADER]; i++) {
        const lpi_term *term = &filter->terms[i];
        lp_span text = term->field == LPI_FIELD_SOURCE
                           ? lp_record_app(record)
                           : lp_record_procid(record);

        if (is_one_of(filter, term, text) != (term->op == LPI_OP_EQUAL)) {
            return false;
        }
    }
    return true;
}

/* Patterns ---------------------------------------------------------------- */

static bool pattern_holds(look *at, const lpi_term *term, lp_span text)
{
    lpi_found found =
        lpi_regexes_find(at->filter->regexes, term->pattern, text);

    at->gave_up = at->gave_up || found == LPI_FOUND_GAVE_UP;
    return found == (term->op == LPI_OP_LIKE ? LPI_FOUND : LPI_FOUND_NOT);
}

/*
 * False: a pattern gave up. Nothing else is asked then, so that a line costs no
 * more than one hostile look however often it has the key. An escaped value that
 * is longer than the room is looked at as it stands.
 */
static bool try_candidates(look *at)
{
    char unescaped[UNESCAPED_MAX_BYTES];

    for (unsigned i = 0; i < at->candidate_count; i++) {
        const candidate *next = &at->candidates[i];
        uint32_t bit = UINT32_C(1) << next->term;
        lp_span value = next->value;

        if ((at->open & bit) == 0) {
            continue;
        }
        if (next->is_escaped && value.len_bytes <= sizeof(unescaped)) {
            value = lp_span_of(unescaped,
                               lp_logfmt_unescape(next->value, unescaped));
        }
        if (pattern_holds(at, &at->filter->terms[next->term], value)) {
            at->open &= ~bit;
        }
        if (at->gave_up) {
            return false;
        }
    }
    at->candidate_count = 0;
    return true;
}

static bool message_holds(look *at, lp_span msg)
{
    const lp_filter *filter = at->filter;

    for (unsigned i = filter->stage_end[LPI_STAGE_PATTERN];
         i < filter->stage_end[LPI_STAGE_MSG]; i++) {
        if (!pattern_holds(at, &filter->terms[i], msg)) {
            return false;
        }
    }
    return true;
}

/* Pairs ------------------------------------------------------------------- */

static bool equals_one(const lp_filter *filter, const lpi_term *term,
                       const lp_pair *pair)
{
    char unescaped[UNESCAPED_MAX_BYTES];

    if (!pair->escaped) {
        return is_one_of(filter, term, pair->value);
    }
    if (pair->value.len_bytes > sizeof(unescaped)) {
        return false;
    }
    return is_one_of(
        filter, term,
        lp_span_of(unescaped, lp_logfmt_unescape(pair->value, unescaped)));
}

static bool order_holds(const lpi_term *term, lp_span value)
{
    lpi_number number;
    int order;

    return lpi_number_read(value, &number) &&
           lpi_number_compare(&number, &term->number, &order) &&
           lpi_op_holds(term->op, order);
}

/* A pair for a term of the stage pair. */
static bool pair_holds(const lp_filter *filter, const lpi_term *term,
                       const lp_pair *pair)
{
    if (term->op == LPI_OP_PRESENT || term->op == LPI_OP_ABSENT) {
        return true;
    }
    if (pair->value.ptr == NULL) {
        return false; // a word of the text is there, and has no value
    }
    if (term->op == LPI_OP_EQUAL || term->op == LPI_OP_NOT_EQUAL) {
        return equals_one(filter, term, pair) == (term->op == LPI_OP_EQUAL);
    }
    return order_holds(term, pair->value);
}

/* False: there was no room, and a pattern gave up. */
static bool add_candidate(look *at, unsigned term, const lp_pair *pair)
{
    if (pair->value.ptr == NULL) {
        return true;
    }
    if (at->candidate_count == CANDIDATES_MAX && !try_candidates(at)) {
        return false;
    }
    at->candidates[at->candidate_count] =
        (candidate){pair->value, pair->escaped, (uint8_t)term};
    at->candidate_count++;
    return true;
}

/* Shows a pair to the terms that ask for its key. False: the line is not wanted,
 * whatever else is in it. */
static bool show_pair(look *at, const lp_pair *pair)
{
    const lp_filter *filter = at->filter;

    for (unsigned i = filter->stage_end[LPI_STAGE_HEADER];
         i < filter->stage_end[LPI_STAGE_PATTERN]; i++) {
        const lpi_term *term = &filter->terms[i];
        uint32_t bit = UINT32_C(1) << i;

        if (((at->open | filter->absent) & bit) == 0 ||
            !lp_span_equal(pair->key, span_of(filter, term->key))) {
            continue;
        }
        if (term->op == LPI_OP_ABSENT) {
            return false;
        }
        if (term->stage == LPI_STAGE_PATTERN) {
            if (!add_candidate(at, i, pair)) {
                return false;
            }
        } else if (pair_holds(filter, term, pair)) {
            at->open &= ~bit;
        }
    }
    return true;
}

/* Keys that are picked in the same walk. */
typedef struct picks {
    const lp_picker *picker;
    lp_pair *out;
    uint32_t found;
} picks;

static bool is_open(const look *at)
{
    return (at->open | at->filter->absent) != 0;
}

/* more may be NULL. */
static inline bool pairs_hold(look *at, lp_span msg, picks *more)
{
    const lp_filter *filter = at->filter;
    lpi_pairs pairs;
    lp_pair pair;

    lpi_pairs_init(&pairs, msg);
    while (
        (is_open(at) || (more != NULL && more->found != more->picker->slots)) &&
        lpi_pairs_next(&pairs, &pair)) {
        if ((filter->key_lengths >> pair.key.len_bytes % KEY_LENGTHS & 1) !=
                0 &&
            !show_pair(at, &pair)) {
            return false;
        }
        if (more != NULL && pair.value.ptr != NULL) {
            more->found = lpi_pick_pair(more->picker, &pairs, &pair,
                                        more->found, more->out);
        }
    }
    if ((at->open & ~filter->by_pattern) != 0) {
        return false;
    }
    return try_candidates(at) && at->open == 0;
}

static void begin(look *at, lp_filter *filter)
{
    at->filter = filter;
    at->open = filter->in_pairs & ~filter->absent;
    at->gave_up = false;
    at->candidate_count = 0;
}

bool lp_filter_match(lp_filter *filter, const lp_record *record)
{
    lp_span msg = lp_record_msg(record);
    look at;
    bool holds;

    if (!header_holds(filter, record)) {
        return false;
    }
    begin(&at, filter);
    holds = (filter->in_pairs == 0 || pairs_hold(&at, msg, NULL)) &&
            message_holds(&at, msg);
    filter->limit_lines += at.gave_up;
    return holds;
}

bool lp_filter_pick(lp_filter *filter, const lp_record *record,
                    const lp_picker *picker, lp_pair *out, uint32_t *found)
{
    lp_span msg = lp_record_msg(record);
    picks more = {picker, out, 0};
    look at;
    bool holds;

    *found = 0;
    if (!header_holds(filter, record)) {
        return false;
    }
    begin(&at, filter);
    holds = (filter->in_pairs == 0 || pairs_hold(&at, msg, &more)) &&
            message_holds(&at, msg);
    filter->limit_lines += at.gave_up;
    if (holds) {
        *found = filter->in_pairs == 0 ? lp_pick(picker, msg, out) : more.found;
    }
    return holds;
}
