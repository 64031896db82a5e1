#include "tail/tail_form.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/sink.h"
#include "logplex/render.h"
#include "tail/line_json.h"

/* Where the line that text begins with ends, or the end of text. */
static size_t line_bytes(lp_span text)
{
    const char *lf = memchr(text.ptr, '\n', text.len_bytes);
    size_t len_bytes = lf ? (size_t)(lf - text.ptr) : text.len_bytes;
    const char *cr = memchr(text.ptr, '\r', len_bytes);

    return cr ? (size_t)(cr - text.ptr) : len_bytes;
}

static lp_span skip_line_end(lp_span text)
{
    bool is_crlf = text.len_bytes > 1 && memcmp(text.ptr, "\r\n", 2) == 0;

    return lp_span_skip(text, is_crlf ? 2 : 1);
}

static void put_data(sink *to, lp_span text)
{
    while (text.len_bytes > 0) {
        size_t len_bytes = line_bytes(text);

        sink_put(to, lp_span_of(text.ptr, len_bytes));
        text = lp_span_skip(text, len_bytes);
        if (text.len_bytes > 0) {
            text = skip_line_end(text);
            sink_put(to, LP_SPAN("\ndata: "));
        }
    }
}

static size_t put_event(const void *item, char *out, size_t room_bytes)
{
    const tail_line *line = item;
    sink to = {out, room_bytes, 0};

    sink_put(&to, LP_SPAN("data: "));
    put_data(&to, lp_record_time(&line->record));
    sink_put(&to, LP_SPAN(" "));
    put_data(&to, lp_record_app(&line->record));
    sink_put(&to, LP_SPAN("["));
    put_data(&to, lp_record_procid(&line->record));
    sink_put(&to, LP_SPAN("]: "));
    put_data(&to, line_json_text(lp_record_msg(&line->record)));
    sink_put(&to, LP_SPAN("\nid: "));
    sink_put_number(&to, line->epoch);
    sink_put(&to, LP_SPAN(":"));
    sink_put_number(&to, line->record.seq);
    sink_put(&to, LP_SPAN("\n\n"));
    return to.used_bytes;
}

static size_t put_text(const void *item, char *out, size_t room_bytes)
{
    const tail_line *line = item;

    return lp_render_tail(&line->record, out, room_bytes);
}

size_t tail_form_note(const void *text, char *out, size_t room_bytes)
{
    sink to = {out, room_bytes, 0};

    sink_put(&to, lp_span_str(text));
    return to.used_bytes;
}

static void print_l11(const tail_gap *gap, int64_t now_ns, char *out,
                      size_t room_bytes)
{
    static const char head[] = "logplex[1]: Error L11 (Tail buffer overflow) "
                               "-> This tail session dropped";
    char now[LP_TIMESTAMP_MAX_BYTES];
    char since[LP_TIMESTAMP_MAX_BYTES];

    lp_timestamp_print(now_ns, 0, now);
    lp_timestamp_print(gap->since_ns, 0, since);
    if (gap->is_unknown)
        snprintf(out, room_bytes,
                 "%s %s an unknown number of messages before this point.", now,
                 head);
    else
        snprintf(out, room_bytes, "%s %s %" PRIu64 " messages since %s.", now,
                 head, gap->lost_lines, since);
}

static void print_json(const tail_gap *gap, char *out, size_t room_bytes)
{
    char since[LP_TIMESTAMP_MAX_BYTES];

    lp_timestamp_print(gap->since_ns, 0, since);
    if (gap->is_unknown)
        snprintf(out, room_bytes,
                 "{\"lost\":null,\"since\":null,\"why\":\"the daemon was "
                 "restarted, or the channel made anew\"}");
    else
        snprintf(out, room_bytes, "{\"lost\":%" PRIu64 ",\"since\":\"%s\"%s}",
                 gap->lost_lines, since,
                 gap->is_filtered ? ",\"before_filters\":true" : "");
}

static void print_id(const tail_gap *gap, char *out, size_t room_bytes)
{
    snprintf(out, room_bytes, "id: %" PRIu64 ":%" PRIu64, gap->epoch,
             gap->before_seq - 1);
}

int tail_form_print_gap(const tail_gap *gap, char *out, size_t room_bytes)
{
    char json[160];
    char id[64];

    print_json(gap, json, sizeof(json));
    print_id(gap, id, sizeof(id));
    return snprintf(out, room_bytes, "event: gap\n%s\ndata: %s\n\n", id, json);
}

static void print_text_gap(const tail_gap *gap, int64_t now_ns,
                           char out[TAIL_NOTE_MAX_BYTES])
{
    print_l11(gap, now_ns, out, TAIL_NOTE_MAX_BYTES - 1);
    memcpy(out + strlen(out), "\n", 2);
}

static void print_event_gap(const tail_gap *gap, int64_t now_ns,
                            char out[TAIL_NOTE_MAX_BYTES])
{
    int used = tail_form_print_gap(gap, out, TAIL_NOTE_MAX_BYTES);
    char l11[240];
    char id[64];

    print_l11(gap, now_ns, l11, sizeof(l11));
    print_id(gap, id, sizeof(id));
    snprintf(out + used, TAIL_NOTE_MAX_BYTES - (size_t)used, "%s\ndata: %s\n\n",
             id, l11);
}

/* They end without a word, but for L20. */
static void print_l20(const char *why, bool is_forbidden, int64_t now_ns,
                      const char *frame[2], char out[TAIL_NOTE_MAX_BYTES])
{
    char now[LP_TIMESTAMP_MAX_BYTES];

    *out = '\0';
    lp_timestamp_print(now_ns, 0, now);
    if (is_forbidden)
        snprintf(out, TAIL_NOTE_MAX_BYTES,
                 "%s%s Logplex: Error L20 (Tail sessions forbidden) %s.%s",
                 frame[0], now, why, frame[1]);
}

static void print_text_farewell(const char *why, bool is_forbidden,
                                int64_t now_ns, char out[TAIL_NOTE_MAX_BYTES])
{
    static const char *frame[] = {"", "\n"};

    print_l20(why, is_forbidden, now_ns, frame, out);
}

static void print_event_farewell(const char *why, bool is_forbidden,
                                 int64_t now_ns, char out[TAIL_NOTE_MAX_BYTES])
{
    static const char *frame[] = {"data: ", "\n\n"};

    print_l20(why, is_forbidden, now_ns, frame, out);
}

const tail_form tail_form_text = {
    "text/plain; charset=utf-8", false, 0, put_text, NULL, print_text_gap,
    print_text_farewell};

const tail_form tail_form_events = {"text/event-stream", true, 0,
                                    put_event,           NULL, print_event_gap,
                                    print_event_farewell};

void tail_form_heartbeat(uint64_t epoch, lp_seq seq,
                         char out[TAIL_NOTE_MAX_BYTES])
{
    if (seq == 0)
        snprintf(out, TAIL_NOTE_MAX_BYTES, ":\n\n");
    else
        snprintf(out, TAIL_NOTE_MAX_BYTES, ":\nid: %" PRIu64 ":%" PRIu64 "\n\n",
                 epoch, seq);
}

static bool parse_number(lp_span *text, uint64_t *out)
{
    size_t i = 0;

    *out = 0;
    while (i < text->len_bytes && text->ptr[i] >= '0' && text->ptr[i] <= '9') {
        uint64_t digit = (uint64_t)(text->ptr[i] - '0');

        if (*out > (UINT64_MAX - digit) / 10)
            return false;
        *out = *out * 10 + digit;
        i++;
    }
    *text = lp_span_skip(*text, i);
    return i > 0;
}

bool tail_form_parse_id(lp_span text, uint64_t *epoch, lp_seq *seq)
{
    if (!parse_number(&text, epoch) || !lp_span_starts(text, LP_SPAN(":")))
        return false;
    text = lp_span_skip(text, 1);
    return parse_number(&text, seq) && text.len_bytes == 0;
}
