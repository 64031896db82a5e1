/*
 * tail_form.h - what a reader of a tail sees, byte by byte. Pure.
 *
 * There are three forms. *Text* is `TIME APP[PROCID]: MSG` and LF. *Events*
 * (Server-Sent Events, WHATWG HTML, 9.2) are one event for a line, however many
 * line ends its text has:
 *
 *     data: TIME APP[PROCID]: first line of MSG
 *     data: second line of MSG
 *     id: EPOCH:SEQ
 *
 * CR, LF and CRLF all end a line there, so each of them begins a new data
 * field: nothing in a message can become a field of its own. *Batches* are
 * events of many lines each, in JSON (line_json.h):
 *
 *     event: lines
 *     data: [LINE,LINE,...]
 *     id: EPOCH:SEQ of the last one
 *
 * Ids come last: some EventSources (that of CLI 7 to 10) take one as soon as its
 * line is there, and an event that is cut off behind it would be lost when they
 * resume.
 */
#ifndef LOGPLEXD_TAIL_FORM_H
#define LOGPLEXD_TAIL_FORM_H

#include <stdbool.h>

#include "logplex/logplex.h"
#include "tail/outflow.h"

typedef struct tail_line {
    lp_record record;
    uint64_t epoch;
    bool is_next; /* in an event that is open: not the first one there */
} tail_line;

/* Lines that the reader will not see, and why. */
typedef struct tail_gap {
    uint64_t lost_lines;
    int64_t since_ns;
    uint64_t epoch;
    lp_seq before_seq; /* the line behind the gap                      */
    bool is_unknown;   /* nobody can count them: another epoch's       */
    bool is_filtered;  /* lost_lines counts also what filters leave out */
} tail_gap;

enum { TAIL_NOTE_MAX_BYTES = 640 };

/* A form, and how it says what there is to say. Those that write notes put a NUL
 * behind them. */
typedef struct tail_form {
    const char *media_type;
    bool is_events;    /* it has ids, and so a retry and heartbeats */
    uint32_t pause_ms; /* a block that is not full is the last one for so long;
                          0: lines go as they come */
    outflow_item line; /* of a tail_line *; events that it leaves open it closes
                          with: */
    outflow_item close; /* of a tail_line *, the last one; or NULL. Behind each
                           line there is room for it */
    void (*gap)(const tail_gap *gap, int64_t now_ns,
                char out[TAIL_NOTE_MAX_BYTES]);
    /* It ends: why, a sentence without its end, and whether that is since nobody
     * may follow it. */
    void (*farewell)(const char *why, bool is_forbidden, int64_t now_ns,
                     char out[TAIL_NOTE_MAX_BYTES]);
} tail_form;

/* A loss is told in L11, and what may not be followed in L20, of the original's
 * error codes; as events, a loss is `event: gap` with JSON and then the same L11
 * as an event without a name, since the Heroku CLI shows no others. Both carry
 * the id of the line before the one behind the gap, so that a reader who comes
 * back is not told of the same loss again. */
extern const tail_form tail_form_text;
extern const tail_form tail_form_events;

/* A loss is `event: gap` alone; the end of all is `event: end`. */
extern const tail_form tail_form_batches;

/* An outflow_item, of a NUL-terminated string. */
size_t tail_form_note(const void *text, char *out, size_t room_bytes);

/* `event: gap`, with JSON; the length. */
int tail_form_print_gap(const tail_gap *gap, char *out, size_t room_bytes);

/* A comment, so that nobody in between takes the connection for dead; with the
 * id of a line that the filters left out, as an event that is never
 * dispatched. seq 0: without one. */
void tail_form_heartbeat(uint64_t epoch, lp_seq seq,
                         char out[TAIL_NOTE_MAX_BYTES]);

/* "EPOCH:SEQ". */
bool tail_form_parse_id(lp_span text, uint64_t *epoch, lp_seq *seq);

#endif /* LOGPLEXD_TAIL_FORM_H */
