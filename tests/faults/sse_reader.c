#include "sse_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void wrong(sse_reader *r,
                                                        const char *format, ...)
{
    va_list args;

    if (r->is_wrong)
        return;
    r->is_wrong = true;
    va_start(args, format);
    vsnprintf(r->wrong, sizeof(r->wrong), format, args);
    va_end(args);
}

/* Events ------------------------------------------------------------------ */

// The number behind mark, in text.
static bool number_after(const char *text, const char *mark, uint64_t *out)
{
    const char *at = strstr(text, mark);
    char *end;

    if (!at)
        return false;
    at += strlen(mark);
    *out = strtoull(at, &end, 10);
    return end > at;
}

static void take_gap(sse_reader *r)
{
    uint64_t lost;

    if (!number_after(r->event.data, "\"lost\":", &lost)) {
        wrong(r, "a gap without a number: %s", r->event.data);
        return;
    }
    if (r->event.seq - r->position != lost)
        wrong(r, "a gap from %" PRIu64 " to %" PRIu64 " said to be %" PRIu64,
              r->position, r->event.seq, lost);
    r->gaps++;
    r->gaps_inside += r->events > 0;
    r->lost_lines += lost;
    r->position = r->event.seq;
    r->is_notice_due = true;
}

// The same in words, for readers who know no named events: no line.
static bool is_notice(sse_reader *r)
{
    bool is_due = r->is_notice_due;

    r->is_notice_due = false;
    return is_due && r->event.seq == r->position &&
           strstr(r->event.data, "Error L11");
}

static void take_line(sse_reader *r)
{
    uint64_t number;

    if (!number_after(r->event.data, "]: line ", &number)) {
        wrong(r, "not a line that was sent: %s", r->event.data);
        return;
    }
    if (!r->has_position && number == 0) {
        r->has_position = true;
        r->epoch = r->event.epoch;
        r->position = r->first_seq = r->event.seq;
        return;
    }
    if (r->event.seq != r->position + 1)
        wrong(r, "%" PRIu64 " came after %" PRIu64, r->event.seq, r->position);
    if (number != r->event.seq - r->first_seq)
        wrong(r, "%" PRIu64 " is line %" PRIu64 ", not %" PRIu64, r->event.seq,
              number, r->event.seq - r->first_seq);
    r->lines++;
    r->position = r->event.seq;
}

static void take_event(sse_reader *r)
{
    const sse_event *e = &r->event;

    if (!e->has_data && !e->has_id)
        return; // a comment, or retry
    if (!e->has_id)
        wrong(r, "an event without an id: %s", e->data);
    else if (r->has_position && e->epoch != r->epoch)
        wrong(r, "of another epoch: %" PRIu64, e->epoch);
    else if (e->is_gap)
        take_gap(r);
    else if (!is_notice(r))
        take_line(r);
    r->events++;
}

static void take_id(sse_reader *r, const char *value)
{
    sse_event *e = &r->event;

    e->has_id = sscanf(value, "%" SCNu64 ":%" SCNu64, &e->epoch, &e->seq) == 2;
    if (!e->has_id)
        wrong(r, "not an id of ours: %s", value);
}

static void take_data(sse_reader *r, const char *value)
{
    sse_event *e = &r->event;

    if (e->has_data)
        wrong(r, "a second line of data: %s", value);
    e->has_data = true;
    snprintf(e->data, sizeof(e->data), "%s", value);
}

static void take_field(sse_reader *r, const char *line)
{
    if (*line == '\0') {
        take_event(r);
        memset(&r->event, 0, offsetof(sse_event, data));
        r->event.data[0] = '\0';
    } else if (strncmp(line, "data: ", 6) == 0) {
        take_data(r, line + 6);
    } else if (strncmp(line, "id: ", 4) == 0) {
        take_id(r, line + 4);
    } else if (strcmp(line, "event: gap") == 0) {
        r->event.is_gap = true;
    } else if (*line != ':' && strncmp(line, "retry: ", 7) != 0) {
        wrong(r, "not a field: %s", line);
    }
}

/* Transport --------------------------------------------------------------- */

// Adds up to and with the next LF. True: the line is whole, and has no LF.
static bool take_until_lf(sse_reader *r, sse_line *line, const char **at,
                          const char *end)
{
    const char *lf = memchr(*at, '\n', (size_t)(end - *at));
    size_t len_bytes = (size_t)((lf ? lf : end) - *at);

    if (line->len_bytes + len_bytes > SSE_LINE_BYTES) {
        wrong(r, "a line of over %d bytes", (int)SSE_LINE_BYTES);
        len_bytes = SSE_LINE_BYTES - line->len_bytes;
    }
    memcpy(line->text + line->len_bytes, *at, len_bytes);
    line->len_bytes += len_bytes;
    line->text[line->len_bytes] = '\0';
    *at = lf ? lf + 1 : end;
    return lf;
}

static void take_chunk(sse_reader *r, const char **at, const char *end)
{
    size_t len_bytes = (size_t)(end - *at);
    const char *chunk_end;

    if (len_bytes > r->chunk_left_bytes)
        len_bytes = r->chunk_left_bytes;
    r->chunk_left_bytes -= len_bytes;
    chunk_end = *at + len_bytes;
    while (*at < chunk_end) {
        if (take_until_lf(r, &r->line, at, chunk_end)) {
            take_field(r, r->line.text);
            r->line.len_bytes = 0;
        }
    }
    if (r->chunk_left_bytes == 0)
        r->stage = SSE_CHUNK_END;
}

static sse_stage after_chunk_size(sse_reader *r, const char *line)
{
    char *end;

    r->chunk_left_bytes = strtoull(line, &end, 16);
    if (end == line)
        wrong(r, "not a chunk's size: %s", line);
    return r->chunk_left_bytes > 0 ? SSE_CHUNK : SSE_OVER;
}

static void take_transport(sse_reader *r, const char *line)
{
    bool is_empty = line[0] == '\0' || line[0] == '\r';

    switch ((int)r->stage) {
    case SSE_STATUS:
        if (strncmp(line, "HTTP/1.1 200 ", 13) != 0)
            wrong(r, "answered with %s", line);
        r->stage = SSE_HEAD;
        break;
    case SSE_HEAD:
        if (is_empty)
            r->stage = SSE_CHUNK_SIZE;
        break;
    case SSE_CHUNK_SIZE:
        r->stage = after_chunk_size(r, line);
        break;
    case SSE_CHUNK_END:
        r->stage = SSE_CHUNK_SIZE;
        break;
    default:
        break;
    }
}

void sse_reader_feed(sse_reader *r, const char *bytes, size_t len_bytes)
{
    const char *at = bytes;
    const char *end = bytes + len_bytes;

    while (at < end && !r->is_wrong) {
        if (r->stage == SSE_CHUNK) {
            take_chunk(r, &at, end);
        } else if (take_until_lf(r, &r->transport, &at, end)) {
            take_transport(r, r->transport.text);
            r->transport.len_bytes = 0;
        }
    }
}

void sse_reader_connect(sse_reader *r)
{
    r->stage = SSE_STATUS;
    r->chunk_left_bytes = 0;
    r->transport.len_bytes = 0;
    r->line.len_bytes = 0;
    memset(&r->event, 0, sizeof(r->event));
    r->events = 0;
    r->is_notice_due = false;
}

bool sse_reader_is_inside(const sse_reader *r)
{
    return r->line.len_bytes > 0 || r->event.has_id || r->event.has_data;
}
