#include "tail/line_json.h"

#include "logplex/render.h"
#include "logplex/utf8.h"

enum { NS_PER_US = 1000, US_PER_S = 1000000, WORD_BYTES = 8 };

/* Strings ----------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

// Which of eight bytes are below limit, 128 at most; of those that are marked
// only the lowest is to be believed, so what this is good for is whether any is.
static uint64_t below(uint64_t word, uint64_t limit)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);

    return (word - ones * limit) & ~word & ones << 7;
}

// Are all of eight bytes plain? What says no too often costs time alone.
static bool are_plain(const char *ptr)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    memcpy(&word, ptr, sizeof(word));
    return ((word & ones << 7) | below(word, 0x20) |
            below(word ^ ones * '"', 1) | below(word ^ ones * '\\', 1) |
            below(word ^ ones * 0x7f, 1)) == 0;
}

// How many bytes from here on stand in a string as they are.
static size_t plain_bytes(lp_span text)
{
    size_t i = 0;

    while (i + WORD_BYTES <= text.len_bytes && are_plain(text.ptr + i))
        i += WORD_BYTES;
    while (i < text.len_bytes && is_plain((unsigned char)text.ptr[i]))
        i++;
    return i;
}

// A character that is not plain; how many bytes of text it is.
static size_t put_special(sink *to, lp_span text)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*text.ptr;
    size_t char_bytes = lp_utf8_char_bytes(text);
    char escape[] = "\\u00..";

    if (char_bytes == 0) {
        sink_put(to, LP_SPAN("\xef\xbf\xbd"));
        return 1;
    }
    if (char_bytes > 1) {
        sink_put(to, lp_span_of(text.ptr, char_bytes));
    } else if (c == '"' || c == '\\') {
        sink_put(to, LP_SPAN("\\"));
        sink_put(to, lp_span_of(text.ptr, 1));
    } else {
        escape[4] = digits[c >> 4];
        escape[5] = digits[c & 15];
        sink_put(to, lp_span_of(escape, 6));
    }
    return char_bytes;
}

void line_json_put_string(sink *to, lp_span text)
{
    sink_put(to, LP_SPAN("\""));
    while (text.len_bytes > 0) {
        size_t len_bytes = plain_bytes(text);

        sink_put(to, lp_span_of(text.ptr, len_bytes));
        text = lp_span_skip(text, len_bytes);
        if (text.len_bytes > 0)
            text = lp_span_skip(text, put_special(to, text));
    }
    sink_put(to, LP_SPAN("\""));
}

/* Lines ------------------------------------------------------------------- */

lp_span line_json_text(lp_span msg)
{
    if (msg.len_bytes > 0 && msg.ptr[msg.len_bytes - 1] == '\n')
        msg.len_bytes--;
    if (msg.len_bytes > 0 && msg.ptr[msg.len_bytes - 1] == '\r')
        msg.len_bytes--;
    return msg;
}

// Not in the middle of a character.
static lp_span beginning_of(lp_span text, size_t len_bytes)
{
    size_t at = len_bytes;

    while (at > 0 && at + 3 > len_bytes &&
           ((unsigned char)text.ptr[at] & 0xc0) == 0x80)
        at--;
    if (lp_utf8_char_bytes(lp_span_skip(text, at)) > len_bytes - at)
        len_bytes = at;
    return lp_span_of(text.ptr, len_bytes);
}

static void put_arrival(sink *to, int64_t arrival_ns)
{
    uint64_t us = arrival_ns > 0 ? (uint64_t)arrival_ns / NS_PER_US : 0;

    sink_put_number(to, us / US_PER_S);
    sink_put(to, LP_SPAN("."));
    sink_put_digits(to, us % US_PER_S, 6);
}

void line_json_put(sink *to, const lp_record *record)
{
    lp_span text = line_json_text(lp_record_msg(record));
    bool is_cut = text.len_bytes > LINE_JSON_TEXT_MAX_BYTES;

    sink_put(to, LP_SPAN("{\"seq\":"));
    sink_put_number(to, record->seq);
    sink_put(to, LP_SPAN(",\"t\":"));
    put_arrival(to, record->arrival_ns);
    sink_put(to, LP_SPAN(",\"time\":"));
    line_json_put_string(to, lp_record_time(record));
    sink_put(to, LP_SPAN(",\"source\":"));
    line_json_put_string(to, lp_record_app(record));
    sink_put(to, LP_SPAN(",\"process\":"));
    line_json_put_string(to, lp_record_procid(record));
    sink_put(to, LP_SPAN(",\"severity\":"));
    sink_put_number(to, record->marks.pri & 7);
    sink_put(to, LP_SPAN(",\"text\":"));
    if (is_cut)
        text = beginning_of(text, LINE_JSON_TEXT_MAX_BYTES);
    line_json_put_string(to, text);
    if (is_cut)
        sink_put(to, LP_SPAN(",\"cut\":true"));
    sink_put(to, LP_SPAN("}"));
}
