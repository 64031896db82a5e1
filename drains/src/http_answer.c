/* http_answer.c - see http_answer.h. */
#include "http_answer.h"

#include <string.h>

#include <curl/curl.h>

#include "ascii.h"

void lpi_answer_begin(lpi_answer *answer)
{
    memset(answer, 0, offsetof(lpi_answer, line));
}

static void break_off(lpi_answer *a)
{
    a->state = LPI_ANSWER_BROKEN;
    a->keeps_alive = false;
}

/* Heads ------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static lp_span trimmed(lp_span text)
{
    while (text.len_bytes > 0 && is_blank(text.ptr[0]))
        text = lp_span_skip(text, 1);
    while (text.len_bytes > 0 && is_blank(text.ptr[text.len_bytes - 1]))
        text.len_bytes--;
    return text;
}

/* The digits in front, at least one, and how many they are; 0: there are none,
 * or too many. */
static size_t read_number(lp_span text, uint64_t *out)
{
    enum { DIGITS_MAX = 18 };
    size_t i = 0;

    *out = 0;
    while (i < text.len_bytes && lpi_is_digit(text.ptr[i]) && i <= DIGITS_MAX)
        *out = *out * 10 + (uint64_t)(text.ptr[i++] - '0');
    return i <= DIGITS_MAX ? i : 0;
}

/* "HTTP/1.1 200 OK", or "HTTP/1.1 200" (RFC 9112 4). */
static void read_status_line(lpi_answer *a, lp_span line)
{
    lp_span rest = {0};
    uint64_t status = 0;

    if (lp_span_starts(line, LP_SPAN("HTTP/1.")) && line.len_bytes >= 12 &&
        lpi_is_digit(line.ptr[7]) && line.ptr[8] == ' ')
        rest = lp_span_skip(line, 9);
    if (read_number(rest, &status) != 3 || status < 100 ||
        (rest.len_bytes > 3 && rest.ptr[3] != ' ')) {
        break_off(a);
        return;
    }
    a->state = LPI_ANSWER_HEAD;
    a->status = (unsigned)status;
    a->is_1_0 = line.ptr[7] == '0';
    a->says_close = a->says_keep_alive = false;
    a->is_chunked = a->has_length = false;
    a->after_s = 0;
}

static void read_length(lpi_answer *a, lp_span value)
{
    uint64_t bytes;

    if (read_number(value, &bytes) != value.len_bytes || value.len_bytes == 0 ||
        (a->has_length && bytes != a->length_bytes)) {
        break_off(a);
        return;
    }
    a->has_length = true;
    a->length_bytes = bytes;
}

/* Does a list with commas have it? (RFC 9110 5.6.1) */
static bool has_word(lp_span list, lp_span word)
{
    while (list.len_bytes > 0) {
        const char *comma = memchr(list.ptr, ',', list.len_bytes);
        size_t bytes = comma ? (size_t)(comma - list.ptr) : list.len_bytes;

        if (lpi_equal_in_any_case(trimmed(lp_span_of(list.ptr, bytes)), word))
            return true;
        list = lp_span_skip(list, comma ? bytes + 1 : bytes);
    }
    return false;
}

static bool is_all_digits(lp_span text)
{
    size_t i = 0;

    while (i < text.len_bytes && lpi_is_digit(text.ptr[i]))
        i++;
    return i > 0 && i == text.len_bytes;
}

int64_t lpi_answer_after_s(lp_span value, int64_t now_s)
{
    char text[LPI_ANSWER_LINE_MAX_BYTES + 1];
    uint64_t seconds;
    int64_t until_s;

    if (is_all_digits(value)) {
        while (value.len_bytes > 1 && value.ptr[0] == '0')
            value = lp_span_skip(value, 1);
        return read_number(value, &seconds) > 0 ? (int64_t)seconds : INT64_MAX;
    }
    if (value.len_bytes >= sizeof(text))
        return 0;
    memcpy(text, value.ptr, value.len_bytes);
    text[value.len_bytes] = '\0';
    until_s = (int64_t)curl_getdate(text, NULL);
    return until_s > now_s ? until_s - now_s : 0;
}

static void read_field(lpi_answer *a, lp_span line, int64_t now_s)
{
    const char *colon = memchr(line.ptr, ':', line.len_bytes);
    lp_span name, value;

    if (!colon || is_blank(line.ptr[0])) // a field that goes on, or is none
        return;
    name = lp_span_of(line.ptr, (size_t)(colon - line.ptr));
    value = trimmed(lp_span_skip(line, name.len_bytes + 1));
    if (lpi_equal_in_any_case(name, LP_SPAN("content-length"))) {
        read_length(a, value);
    } else if (lpi_equal_in_any_case(name, LP_SPAN("transfer-encoding"))) {
        a->is_chunked = has_word(value, LP_SPAN("chunked"));
    } else if (lpi_equal_in_any_case(name, LP_SPAN("connection"))) {
        a->says_close = a->says_close || has_word(value, LP_SPAN("close"));
        a->says_keep_alive =
            a->says_keep_alive || has_word(value, LP_SPAN("keep-alive"));
    } else if (lpi_equal_in_any_case(name, LP_SPAN("retry-after"))) {
        a->after_s = lpi_answer_after_s(value, now_s);
    }
}

/* Behind a head in front of the final one (RFC 9110 15.2). */
static void end_early_head(lpi_answer *a)
{
    if (a->status == 101) // to what? Nothing was offered
        break_off(a);
    else
        a->state = LPI_ANSWER_STATUS_LINE;
}

/* RFC 9112 6.3, 9.3. */
static void end_head(lpi_answer *a)
{
    if (a->status < 200) {
        end_early_head(a);
        return;
    }
    a->keeps_alive = !a->says_close && (!a->is_1_0 || a->says_keep_alive);
    if (a->status == 204 || a->status == 304) {
        a->state = LPI_ANSWER_COMPLETE;
    } else if (a->is_chunked) {
        a->keeps_alive = a->keeps_alive && !a->has_length;
        a->state = LPI_ANSWER_CHUNK_SIZE;
    } else if (a->has_length) {
        a->left_bytes = a->length_bytes;
        a->state = a->left_bytes > 0 ? LPI_ANSWER_BODY : LPI_ANSWER_COMPLETE;
    } else {
        a->keeps_alive = false;
        a->state = LPI_ANSWER_BODY_TO_END;
    }
}

/* Chunks (RFC 9112 7.1) --------------------------------------------------- */

static void read_chunk_size(lpi_answer *a, lp_span line)
{
    uint64_t bytes = 0;
    size_t i = 0;

    while (i < line.len_bytes && lpi_hex_of(line.ptr[i]) >= 0 && i < 16)
        bytes = bytes * 16 + (uint64_t)lpi_hex_of(line.ptr[i++]);
    if (i == 0 || i == 16 ||
        (i < line.len_bytes && line.ptr[i] != ';' && !is_blank(line.ptr[i]))) {
        break_off(a);
        return;
    }
    a->left_bytes = bytes + 2;
    a->state = bytes > 0 ? LPI_ANSWER_CHUNK : LPI_ANSWER_TRAILER;
}

/* Lines and bytes --------------------------------------------------------- */

static void read_whole_line(lpi_answer *a, lp_span line, int64_t now_s)
{
    if (a->state == LPI_ANSWER_STATUS_LINE)
        read_status_line(a, line);
    else if (a->state == LPI_ANSWER_CHUNK_SIZE)
        read_chunk_size(a, line);
    else if (a->state == LPI_ANSWER_HEAD && line.len_bytes > 0)
        read_field(a, line, now_s);
    else if (a->state == LPI_ANSWER_HEAD)
        end_head(a);
    else if (line.len_bytes == 0) // a trailer's end
        a->state = LPI_ANSWER_COMPLETE;
}

static void end_line(lpi_answer *a, int64_t now_s)
{
    lp_span line = lp_span_of(a->line, a->line_bytes);

    if (line.len_bytes > sizeof(a->line))
        line.len_bytes = sizeof(a->line);
    else if (line.len_bytes > 0 && line.ptr[line.len_bytes - 1] == '\r')
        line.len_bytes--;
    a->line_bytes = 0;
    read_whole_line(a, line, now_s);
}

/* Returns the bytes that are of the line. */
static size_t read_line(lpi_answer *a, lp_span bytes, int64_t now_s)
{
    const char *lf = memchr(bytes.ptr, '\n', bytes.len_bytes);
    size_t some_bytes = lf ? (size_t)(lf - bytes.ptr) : bytes.len_bytes;

    for (size_t i = 0; i < some_bytes; i++) {
        if (a->line_bytes < sizeof(a->line))
            a->line[a->line_bytes] = bytes.ptr[i];
        a->line_bytes++;
    }
    if (!lf)
        return some_bytes;
    end_line(a, now_s);
    return some_bytes + 1;
}

static size_t skip(lpi_answer *a, size_t bytes)
{
    size_t some_bytes = bytes < a->left_bytes ? bytes : (size_t)a->left_bytes;

    a->left_bytes -= some_bytes;
    if (a->left_bytes == 0)
        a->state = a->state == LPI_ANSWER_BODY ? LPI_ANSWER_COMPLETE
                                               : LPI_ANSWER_CHUNK_SIZE;
    return some_bytes;
}

static size_t read_some(lpi_answer *a, lp_span bytes, int64_t now_s)
{
    if (a->state == LPI_ANSWER_BODY || a->state == LPI_ANSWER_CHUNK)
        return skip(a, bytes.len_bytes);
    if (a->state == LPI_ANSWER_BODY_TO_END)
        return bytes.len_bytes;
    return read_line(a, bytes, now_s);
}

void lpi_answer_read(lpi_answer *a, lp_span bytes, int64_t now_s)
{
    a->read_bytes += bytes.len_bytes;
    while (bytes.len_bytes > 0 && !lpi_answer_is_over(a))
        bytes = lp_span_skip(bytes, read_some(a, bytes, now_s));
    if (bytes.len_bytes > 0) // nobody has asked for more
        a->keeps_alive = false;
    if (a->read_bytes > LPI_ANSWER_MAX_BYTES && !lpi_answer_is_over(a))
        break_off(a);
}

void lpi_answer_end(lpi_answer *a)
{
    if (a->state == LPI_ANSWER_BODY_TO_END)
        a->state = LPI_ANSWER_COMPLETE;
    else if (a->state != LPI_ANSWER_COMPLETE)
        break_off(a);
    a->keeps_alive = false;
}
