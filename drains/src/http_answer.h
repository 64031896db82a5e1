/*
 * http_answer.h - where an HTTP/1.1 answer to a POST ends, and the few things in
 * it that mean something to us (RFC 9112; Retry-After: RFC 9110 10.2.3).
 *
 *     status line -> head -> body, by its length, in chunks, or to the end
 *          ^          |        of the connection -> complete
 *          +-- 1xx ---+
 *
 * It is fed with bytes as they come, cut anywhere. Bodies are counted and thrown
 * away. What is no HTTP, or is longer than LPI_ANSWER_MAX_BYTES, is broken: then
 * the connection is of no further use, but a status that was read holds.
 *
 * Pure; no allocation. Threads: any, one at a time.
 */
#ifndef LP_HTTP_ANSWER_H
#define LP_HTTP_ANSWER_H

#include <stdint.h>

#include "logplex/span.h"

enum {
    LPI_ANSWER_MAX_BYTES = 1 << 20, /* head and body, and those of 1xx before */
    LPI_ANSWER_LINE_MAX_BYTES = 256 /* what is kept of a line of the head */
};

typedef enum lpi_answer_state {
    LPI_ANSWER_STATUS_LINE,
    LPI_ANSWER_HEAD,
    LPI_ANSWER_BODY,        /* left_bytes of it are to come    */
    LPI_ANSWER_BODY_TO_END, /* of the connection               */
    LPI_ANSWER_CHUNK_SIZE,
    LPI_ANSWER_CHUNK, /* left_bytes of it are to come, CR LF included */
    LPI_ANSWER_TRAILER,
    LPI_ANSWER_COMPLETE,
    LPI_ANSWER_BROKEN
} lpi_answer_state;

typedef struct lpi_answer {
    lpi_answer_state state;
    unsigned status;  /* below 200: it is not known yet */
    bool keeps_alive; /* by its head; it must be complete as well */

    bool is_1_0, says_close, says_keep_alive; /* of the head that is read ... */
    bool is_chunked, has_length;
    uint64_t length_bytes; /* ... down to here */

    uint64_t left_bytes;
    size_t read_bytes; /* in all */
    int64_t after_s;   /* Retry-After; 0: none, or none that can be read */
    size_t line_bytes; /* of the line that is being read, kept of it or not */
    char line[LPI_ANSWER_LINE_MAX_BYTES];
} lpi_answer;

void lpi_answer_begin(lpi_answer *answer);

/* A Retry-After, seconds or a date in one of the three forms that are about: how
 * long to wait. 0: not at all, or it can't be read. */
int64_t lpi_answer_after_s(lp_span value, int64_t now_s);

/* What has come. now_s is the wall clock, for a Retry-After that is a date. */
void lpi_answer_read(lpi_answer *answer, lp_span bytes, int64_t now_s);

/* Nothing more will come: that completes a body without a length. */
void lpi_answer_end(lpi_answer *answer);

/* It has come to its end, good or bad. */
static inline bool lpi_answer_is_over(const lpi_answer *answer)
{
    return answer->state >= LPI_ANSWER_COMPLETE;
}

/* Another request may follow on its connection. */
static inline bool lpi_answer_is_kept(const lpi_answer *answer)
{
    return answer->state == LPI_ANSWER_COMPLETE && answer->keeps_alive;
}

#endif /* LP_HTTP_ANSWER_H */
