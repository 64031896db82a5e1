/*
 * logfmt.h - key=value pairs, in one pass.
 *
 * A pair is KEY, KEY=, KEY=VALUE or KEY="VALUE", and pairs stand apart by
 * blanks. Anything else is skipped over as a bare key, so that measures are
 * found in any line and not only in lines made of pairs alone. No allocation,
 * linear time on every input. Threads: any.
 */
#ifndef LOGPLEX_LOGFMT_H
#define LOGPLEX_LOGFMT_H

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lp_pair {
    lp_span key;   /* never empty */
    lp_span value; /* without its quotes; ptr is NULL for a bare key and not
                      for KEY= */
    bool quoted;
    bool escaped;      /* quoted, with a backslash: see lp_logfmt_unescape() */
    bool unterminated; /* its closing quote is missing */
} lp_pair;

/*
 * Takes the next pair off the front of *rest.
 * Fails: LP_E_END (no pair is left; *rest is empty).
 */
LP_API lp_err lp_logfmt_next(lp_span *rest, lp_pair *out);

/*
 * Writes a value with its escapes (backslash and ", \, n, r or t) resolved.
 * Other escapes are left as they are. out has room for value.len_bytes.
 * Returns the bytes written, at most value.len_bytes.
 */
LP_API size_t lp_logfmt_unescape(lp_span value, char *out);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_LOGFMT_H */
