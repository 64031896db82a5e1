/* httpd_head.c - see httpd_head.h. */
#include "http/httpd_head.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS_MAX = 15 };

static bool is_name_byte(char c)
{
    char letter = (char)(c | 0x20);

    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') ||
           c == '-';
}

static bool is_value_byte(char c)
{
    return c >= ' ' && c <= '~';
}

/* A field and its CRLF off the front of *rest. text: where the head begins. */
static bool take_field(lp_span *rest, const char *text, http_field *out)
{
    const char *at = rest->ptr;
    const char *end = rest->ptr + rest->len_bytes;
    const char *name = at;
    const char *value;

    while (at < end && is_name_byte(*at))
        at++;
    if (at == end || at == name || *at != ':')
        return false;
    out->name_at = (uint16_t)(name - text);
    out->name_bytes = (uint16_t)(at - name);
    do {
        at++;
    } while (at < end && *at == ' ');
    value = at;
    while (at < end && is_value_byte(*at))
        at++;
    if (end - at < 2 || at == value || at[-1] == ' ' || at[0] != '\r' ||
        at[1] != '\n')
        return false;
    out->value_at = (uint16_t)(value - text);
    out->value_bytes = (uint16_t)(at - value);
    *rest = lp_span_skip(*rest, (size_t)(at + 2 - rest->ptr));
    return true;
}

static bool is_named(const http_field *field, const char *text, lp_span name)
{
    return field->name_bytes == name.len_bytes &&
           strncasecmp(text + field->name_at, name.ptr, name.len_bytes) == 0;
}

static bool read_length(lp_span value, uint64_t *out)
{
    *out = 0;
    if (value.len_bytes > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < value.len_bytes; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    return *out > 0;
}

/* What says how the request is to be read. */
typedef struct frame_fields {
    unsigned hosts;
    unsigned lengths;
} frame_fields;

/* False: it says more than is plain. */
static bool look_at_field(const http_field *field, const char *text,
                          http_head *head, frame_fields *seen)
{
    static const char *const others[] = {"Transfer-Encoding", "Expect",
                                         "Upgrade", "Trailer", "TE"};
    lp_span value = {text + field->value_at, field->value_bytes};

    if (is_named(field, text, LP_SPAN("Content-Length")))
        return seen->lengths++ == 0 && read_length(value, &head->body_bytes);
    if (is_named(field, text, LP_SPAN("Host")))
        return seen->hosts++ == 0;
    if (is_named(field, text, LP_SPAN("Connection")))
        return value.len_bytes == sizeof("keep-alive") - 1 &&
               strncasecmp(value.ptr, "keep-alive", value.len_bytes) == 0;
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (is_named(field, text, lp_span_str(others[i])))
            return false;
    return true;
}

bool http_head_read(lp_span in, lp_span line, http_head *out)
{
    frame_fields seen = {0, 0};
    lp_span rest;

    if (in.len_bytes > HTTP_HEAD_MAX_BYTES)
        in.len_bytes = HTTP_HEAD_MAX_BYTES;
    if (!lp_span_starts(in, line))
        return false;
    rest = lp_span_skip(in, line.len_bytes);
    out->field_count = 0;
    while (!lp_span_starts(rest, LP_SPAN("\r\n"))) {
        http_field *field = &out->fields[out->field_count];

        if (out->field_count == HTTP_HEAD_FIELDS_MAX ||
            !take_field(&rest, in.ptr, field) ||
            !look_at_field(field, in.ptr, out, &seen))
            return false;
        out->field_count++;
    }
    out->head_bytes = (uint16_t)(rest.ptr + 2 - in.ptr);
    return seen.hosts == 1 && seen.lengths == 1;
}

const http_field *http_head_find(const http_head *head, const char *text,
                                 const char *name)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (is_named(&head->fields[i], text, lp_span_str(name)))
            return &head->fields[i];
    return NULL;
}
