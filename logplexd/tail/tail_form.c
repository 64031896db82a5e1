#include "tail/tail_form.h"

#include <inttypes.h>
#include <stdio.h>

#include "logplex/render.h"

/* Counts what would be written, and writes it while it fits. */
typedef struct sink {
    char *out;
    size_t room_bytes;
    size_t used_bytes;
} sink;

static void put(sink *to, lp_span text)
{
    size_t end_bytes = to->used_bytes + text.len_bytes;

    if (end_bytes <= to->room_bytes && text.len_bytes > 0)
        memcpy(to->out + to->used_bytes, text.ptr, text.len_bytes);
    to->used_bytes = end_bytes;
}

static void put_number(sink *to, uint64_t n)
{
    char digits[20];
    char *at = digits + sizeof(digits);

    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    put(to, lp_span_of(at, (size_t)(digits + sizeof(digits) - at)));
}

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

        put(to, lp_span_of(text.ptr, len_bytes));
        text = lp_span_skip(text, len_bytes);
        if (text.len_bytes > 0) {
            text = skip_line_end(text);
            put(to, LP_SPAN("\ndata: "));
        }
    }
}

/* The line end that a message has is the event's own. */
static lp_span without_line_end(lp_span msg)
{
    if (msg.len_bytes > 0 && msg.ptr[msg.len_bytes - 1] == '\n')
        msg.len_bytes--;
    if (msg.len_bytes > 0 && msg.ptr[msg.len_bytes - 1] == '\r')
        msg.len_bytes--;
    return msg;
}

/*
 * The id comes last: some EventSources (that of CLI 7 to 10) take it as soon as
 * its line is there, and an event that is cut off behind it would be lost when
 * they resume.
 */
static size_t form_event(const tail_line *line, char *out, size_t room_bytes)
{
    sink to = {out, room_bytes, 0};

    put(&to, LP_SPAN("data: "));
    put_data(&to, lp_record_time(&line->record));
    put(&to, LP_SPAN(" "));
    put_data(&to, lp_record_app(&line->record));
    put(&to, LP_SPAN("["));
    put_data(&to, lp_record_procid(&line->record));
    put(&to, LP_SPAN("]: "));
    put_data(&to, without_line_end(lp_record_msg(&line->record)));
    put(&to, LP_SPAN("\nid: "));
    put_number(&to, line->epoch);
    put(&to, LP_SPAN(":"));
    put_number(&to, line->record.seq);
    put(&to, LP_SPAN("\n\n"));
    return to.used_bytes;
}

size_t tail_form_line(const void *item, char *out, size_t room_bytes)
{
    const tail_line *line = item;

    return line->is_sse ? form_event(line, out, room_bytes)
                        : lp_render_tail(&line->record, out, room_bytes);
}

size_t tail_form_text(const void *text, char *out, size_t room_bytes)
{
    sink to = {out, room_bytes, 0};

    put(&to, lp_span_str(text));
    return to.used_bytes;
}

static void print_l11(const tail_gap *gap, const char *now, const char *since,
                      char *out, size_t room_bytes)
{
    static const char head[] = "logplex[1]: Error L11 (Tail buffer overflow) "
                               "-> This tail session dropped";

    if (gap->is_unknown)
        snprintf(out, room_bytes,
                 "%s %s an unknown number of messages before this point.", now,
                 head);
    else
        snprintf(out, room_bytes, "%s %s %" PRIu64 " messages since %s.", now,
                 head, gap->lost_lines, since);
}

static void print_json(const tail_gap *gap, const char *since, char *out,
                       size_t room_bytes)
{
    if (gap->is_unknown)
        snprintf(out, room_bytes,
                 "{\"lost\":null,\"since\":null,\"why\":\"the daemon was "
                 "restarted, or the channel made anew\"}");
    else
        snprintf(out, room_bytes, "{\"lost\":%" PRIu64 ",\"since\":\"%s\"%s}",
                 gap->lost_lines, since,
                 gap->is_filtered ? ",\"before_filters\":true" : "");
}

void tail_form_gap(const tail_gap *gap, int64_t now_ns,
                   char out[TAIL_NOTE_MAX_BYTES])
{
    char now[LP_TIMESTAMP_MAX_BYTES];
    char since[LP_TIMESTAMP_MAX_BYTES];
    char l11[240];
    char json[160];
    char id[64];

    lp_timestamp_print(now_ns, 0, now);
    lp_timestamp_print(gap->since_ns, 0, since);
    print_l11(gap, now, since, l11, sizeof(l11));
    if (!gap->is_sse) {
        snprintf(out, TAIL_NOTE_MAX_BYTES, "%s\n", l11);
        return;
    }
    print_json(gap, since, json, sizeof(json));
    snprintf(id, sizeof(id), "id: %" PRIu64 ":%" PRIu64, gap->epoch,
             gap->before_seq - 1);
    snprintf(out, TAIL_NOTE_MAX_BYTES,
             "event: gap\n%s\ndata: %s\n\n%s\ndata: %s\n\n", id, json, id, l11);
}

void tail_form_no_tail(bool is_sse, int64_t now_ns, const char *why,
                       char out[TAIL_NOTE_MAX_BYTES])
{
    char now[LP_TIMESTAMP_MAX_BYTES];

    lp_timestamp_print(now_ns, 0, now);
    snprintf(out, TAIL_NOTE_MAX_BYTES,
             "%s%s Logplex: Error L20 (Tail sessions forbidden) %s.\n%s",
             is_sse ? "data: " : "", now, why, is_sse ? "\n" : "");
}

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
