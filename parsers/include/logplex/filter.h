/*
 * filter.h - which lines are wanted: one text, all of whose terms must hold.
 *
 *     source=heroku process=router status>=500 service>1s path~"^/api" !code
 *
 * A term is KEY, !KEY, or KEY, an operator and a value, and terms stand apart by
 * blanks (any bytes up to and with the space). docs/filters.md has the language
 * with examples; in short:
 *
 *     source    = !=                 APP-NAME
 *     process   = !=                 PROCID; "web" is web and web.N
 *     severity  = != < <= > >=       0 (emerg) to 7 (debug), or a name: as
 *                                    numbers, so that <=warning is "warning or
 *                                    worse"
 *     msg       ~ !~                 the message
 *     any other key                  a measure: a logfmt pair of the message.
 *               = !=                 text, byte for byte
 *               < <= > >=            numbers, with units
 *               ~ !~                 a pattern
 *               KEY, !KEY            whether it is there
 *
 * = and != take several values, apart by commas. A "." in front of a key makes a
 * measure of it whatever it is called. Patterns are PCRE2's, on bytes.
 *
 * What costs least is asked first, whatever the order of the text: the header,
 * then the pairs, which are walked once at most, then the patterns. A match
 * allocates nothing, unless PCRE2 has no JIT for a pattern: then PCRE2 keeps up to
 * 1 MiB with the filter.
 */
#ifndef LOGPLEX_FILTER_H
#define LOGPLEX_FILTER_H

#include <stdint.h>

#include "logplex/errors.h"
#include "logplex/logplex.h"
#include "logplex/pick.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_filter lp_filter;

enum {
    LP_FILTER_TEXT_MAX_BYTES = 2048,
    LP_FILTER_TERMS_MAX = 32,
    LP_FILTER_ALTERNATIVES_MAX = 128, /* values, of all terms together */
    LP_FILTER_PATTERNS_MAX_BYTES = 256 * 1024, /* compiled, all together */
    LP_FILTER_REACH_MAX_BYTES = 64 * 1024,     /* of what a pattern looks at */
    LP_FILTER_SENTENCE_MAX_BYTES = 320
};

/*
 * What is wrong with a text: the byte where it is, and a sentence with what it
 * is, the value in question and what would be right. Printable ASCII with a NUL
 * at its end.
 */
typedef struct lp_filter_error {
    size_t at_byte; /* 0 to the length of the text */
    char sentence[LP_FILTER_SENTENCE_MAX_BYTES];
} lp_filter_error;

/*
 * Makes a filter of a text. error may be NULL, and is set when the call fails.
 * Threads: any.
 * Owns: *out is the caller's until lp_filter_destroy(); it keeps nothing of text.
 * Fails: LP_E_SYNTAX (it does not read as terms), LP_E_INVALID (a term that makes
 *        no sense: its operator, its number, its pattern), LP_E_FULL (it exceeds
 *        one of the limits above), LP_E_NOMEM.
 */
LP_API lp_err lp_filter_create(lp_span text, lp_filter **out,
                               lp_filter_error *error);

/* Threads: one at a time for a filter. NULL is allowed. */
LP_API void lp_filter_destroy(lp_filter *filter);

/*
 * Whether all terms hold for a line in stored form (render.h). Any bytes will
 * do; what is no UTF-8 and NULs are bytes like others.
 *
 * A pattern that gives up, since it takes too many steps or too much memory on
 * this line or what it should look at is longer than LP_FILTER_REACH_MAX_BYTES,
 * makes its term not hold, that of !~ as well, and the line is counted in
 * limit_lines; nothing else is asked of it then. The steps are counted anew at
 * each byte where a match may begin.
 * Threads: one at a time for a filter.
 */
LP_API bool lp_filter_match(lp_filter *filter, const lp_record *record);

/*
 * lp_filter_match(), and for a line that is wanted *found = lp_pick(picker, its
 * message, out), in one walk over its pairs. For all others *found is 0, and what is
 * in out does not matter.
 * Threads: one at a time for a filter.
 */
LP_API bool lp_filter_pick(lp_filter *filter, const lp_record *record,
                           const lp_picker *picker, lp_pair *out,
                           uint32_t *found);

typedef struct lp_filter_stats {
    uint32_t struct_bytes;
    uint32_t terms;
    uint32_t patterns;
    uint32_t jit_patterns; /* of these, compiled to machine code; the others are
                              some ten times slower */
    uint64_t limit_lines;  /* on which a pattern gave up */
} lp_filter_stats;

#define LP_FILTER_STATS_INIT                          \
    {                                                 \
        (uint32_t)sizeof(lp_filter_stats), 0, 0, 0, 0 \
    }

/* Threads: one at a time for a filter. out->struct_bytes must be set. */
LP_API void lp_filter_stats_get(const lp_filter *filter, lp_filter_stats *out);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_FILTER_H */
