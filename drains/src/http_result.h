/* http_result.h - what an answer means to a drain (spec 5.5). */
#ifndef LP_HTTP_RESULT_H
#define LP_HTTP_RESULT_H

#include "http_target.h"

/* How a request has ended. What the status line says holds, however the rest of
 * the answer ended. */
typedef struct lpi_http_result {
    unsigned status;        /* below 200: there was no answer */
    bool is_whole;          /* all of the body had left by then */
    bool is_slow;           /* part of it had, and then the time was over */
    bool is_late;           /* all of it had, and then the time was over */
    bool lacks_certificate; /* of ours, which the sink asked for */
    uint64_t after_ms;      /* not to be tried again before */
    const char *why; /* in words, where there was no answer; the caller's */
} lpi_http_result;

/* In milliseconds, for a Retry-After (0: there was none); the core has a limit
 * below what this can tell. */
uint64_t lpi_http_after_ms(int64_t after_s);

/* Tells the drain, which may begin the next request before this returns. The
 * batch had so many lines. */
void lpi_http_tell(const lpi_http_target *target, uint64_t lines,
                   const lpi_http_result *result);

#endif /* LP_HTTP_RESULT_H */
