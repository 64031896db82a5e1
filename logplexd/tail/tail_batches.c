/* tail_batches.c - events of many lines each: see tail_form.h. */
#include <stdio.h>

#include "tail/line_json.h"
#include "tail/tail_form.h"

enum { CLOSE_MAX_BYTES = 64, PAUSE_MS = 100 };

/*
 * What does not fit with the close behind it does not fit: so an event can
 * always be closed in the block that its last line is in, unless that is larger
 * than any block.
 */
static size_t put_line(const void *item, char *out, size_t room_bytes)
{
    const tail_line *line = item;
    sink to = {out, room_bytes, 0};

    sink_put(&to,
             line->is_next ? LP_SPAN(",") : LP_SPAN("event: lines\ndata: ["));
    line_json_put(&to, &line->record);
    return to.used_bytes + CLOSE_MAX_BYTES <= room_bytes
               ? to.used_bytes
               : to.used_bytes + CLOSE_MAX_BYTES;
}

static size_t put_close(const void *item, char *out, size_t room_bytes)
{
    const tail_line *last = item;
    sink to = {out, room_bytes, 0};

    sink_put(&to, LP_SPAN("]\nid: "));
    sink_put_number(&to, last->epoch);
    sink_put(&to, LP_SPAN(":"));
    sink_put_number(&to, last->record.seq);
    sink_put(&to, LP_SPAN("\n\n"));
    return to.used_bytes;
}

static void print_gap(const tail_gap *gap, int64_t now_ns,
                      char out[TAIL_NOTE_MAX_BYTES])
{
    (void)now_ns;
    tail_form_print_gap(gap, out, TAIL_NOTE_MAX_BYTES);
}

static void print_farewell(const char *why, bool is_forbidden, int64_t now_ns,
                           char out[TAIL_NOTE_MAX_BYTES])
{
    sink to = {out, TAIL_NOTE_MAX_BYTES - 1, 0};

    (void)is_forbidden;
    (void)now_ns;
    sink_put(&to, LP_SPAN("event: end\ndata: {\"why\":"));
    line_json_put_string(&to, lp_span_str(why));
    sink_put(&to, LP_SPAN("}\n\n"));
    out[to.used_bytes] = '\0';
}

const tail_form tail_form_batches = {
    "text/event-stream", true,      PAUSE_MS,      put_line,
    put_close,           print_gap, print_farewell};
