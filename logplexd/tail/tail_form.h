/*
 * tail_form.h - what a session's reader sees, byte by byte. Pure.
 *
 * Plain text is `TIME APP[PROCID]: MSG` and LF. Server-Sent Events (WHATWG
 * HTML, 9.2) are one event for a line, however many line ends its text has:
 *
 *     data: TIME APP[PROCID]: first line of MSG
 *     data: second line of MSG
 *     id: EPOCH:SEQ
 *
 * CR, LF and CRLF all end a line there, so each of them begins a new data
 * field: nothing in a message can become a field of its own.
 */
#ifndef LOGPLEXD_TAIL_FORM_H
#define LOGPLEXD_TAIL_FORM_H

#include <stdbool.h>

#include "logplex/logplex.h"

typedef struct tail_line {
    lp_record record;
    uint64_t epoch;
    bool is_sse;
} tail_line;

/* outflow_items: of a tail_line *, and of a NUL-terminated string. */
size_t tail_form_line(const void *line, char *out, size_t room_bytes);
size_t tail_form_text(const void *text, char *out, size_t room_bytes);

enum { TAIL_NOTE_MAX_BYTES = 640 };

/* Lines that the reader will not see, and why. */
typedef struct tail_gap {
    uint64_t lost_lines;
    int64_t since_ns;
    uint64_t epoch;
    lp_seq before_seq; /* the line behind the gap                      */
    bool is_unknown;   /* nobody can count them: another epoch's       */
    bool is_filtered;  /* lost_lines counts also what filters leave out */
    bool is_sse;
} tail_gap;

/*
 * L11 in plain text. As SSE, `event: gap` with JSON and then the same L11 as
 * an event without a name, since the Heroku CLI shows no others. Both carry
 * the id of the line before the one behind the gap, so that a reader who comes
 * back is not told of the same loss again.
 */
void tail_form_gap(const tail_gap *gap, int64_t now_ns,
                   char out[TAIL_NOTE_MAX_BYTES]);

/* L20: it may not be followed, and why: a sentence without its end. */
void tail_form_no_tail(bool is_sse, int64_t now_ns, const char *why,
                       char out[TAIL_NOTE_MAX_BYTES]);

/* A comment, so that nobody in between takes the connection for dead; with the
 * id of a line that the filters left out, as an event that is never
 * dispatched. seq 0: without one. */
void tail_form_heartbeat(uint64_t epoch, lp_seq seq,
                         char out[TAIL_NOTE_MAX_BYTES]);

/* "EPOCH:SEQ". */
bool tail_form_parse_id(lp_span text, uint64_t *epoch, lp_seq *seq);

#endif /* LOGPLEXD_TAIL_FORM_H */
