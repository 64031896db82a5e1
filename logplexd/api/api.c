#include "api/api.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "logplex/utf8.h"

/* Media types ------------------------------------------------------------- */

static lp_span trim(lp_span text)
{
    while (text.len_bytes > 0 && (*text.ptr == ' ' || *text.ptr == '\t'))
        text = lp_span_skip(text, 1);
    while (text.len_bytes > 0 && (text.ptr[text.len_bytes - 1] == ' ' ||
                                  text.ptr[text.len_bytes - 1] == '\t'))
        text.len_bytes--;
    return text;
}

// Cuts off what stands before the next separator, which goes too.
static lp_span take_part(lp_span *rest, char separator)
{
    const char *end = memchr(rest->ptr, separator, rest->len_bytes);
    size_t len_bytes = end ? (size_t)(end - rest->ptr) : rest->len_bytes;
    lp_span part = lp_span_of(rest->ptr, len_bytes);

    *rest = lp_span_skip(*rest, len_bytes + (end ? 1 : 0));
    return trim(part);
}

static bool is_text(lp_span text, const char *other, size_t other_bytes)
{
    return text.len_bytes == other_bytes &&
           strncasecmp(text.ptr, other, other_bytes) == 0;
}

// "q=0", "q=0.000".
static bool is_weight_zero(lp_span parameter)
{
    if (parameter.len_bytes < 3 || strncasecmp(parameter.ptr, "q=0", 3) != 0)
        return false;
    for (size_t i = 3; i < parameter.len_bytes; i++)
        if (parameter.ptr[i] != '.' && parameter.ptr[i] != '0')
            return false;
    return true;
}

static bool is_range_of(lp_span range, const char *type)
{
    size_t major_bytes = strcspn(type, "/") + 1;

    if (is_text(range, type, strlen(type)) || is_text(range, "*/*", 3))
        return true;
    return range.len_bytes == major_bytes + 1 &&
           range.ptr[major_bytes] == '*' &&
           strncasecmp(range.ptr, type, major_bytes) == 0;
}

static bool is_coding(lp_span name, const char *coding)
{
    return is_text(name, coding, strlen(coding)) || is_text(name, "*", 1);
}

// Is one of a header's entries meant, and not with the weight of nothing?
static bool has_entry(const char *header,
                      bool (*is_meant)(lp_span entry, const char *what),
                      const char *what)
{
    lp_span rest = lp_span_str(header);

    while (rest.len_bytes > 0) {
        lp_span entry = take_part(&rest, ',');
        bool is_wanted = is_meant(take_part(&entry, ';'), what);

        while (entry.len_bytes > 0)
            if (is_weight_zero(take_part(&entry, ';')))
                is_wanted = false;
        if (is_wanted)
            return true;
    }
    return false;
}

bool api_accepts(const http_request *req, const char *type)
{
    const char *accept = http_header(req, "Accept");

    return has_entry(accept ? accept : "*/*", is_range_of, type);
}

bool api_accepts_coding(const http_request *req, const char *coding)
{
    const char *accept = http_header(req, "Accept-Encoding");

    return has_entry(accept ? accept : "", is_coding, coding);
}

// Tags have no commas and no quotes in them, so ours is in the list or it is not.
bool api_has_tag(const http_request *req, const char *tag)
{
    const char *known = http_header(req, "If-None-Match");

    return known && (strstr(known, tag) || strcmp(known, "*") == 0);
}

static bool wants(http_request *req, const char *type)
{
    if (api_accepts(req, type))
        return true;
    http_reply_error(
        req, 406, "the answer is %s, which the Accept header leaves out", type);
    return false;
}

bool api_wants_json(http_request *req)
{
    return wants(req, "application/json");
}

bool api_wants_events(http_request *req)
{
    return wants(req, "text/event-stream");
}

bool api_has_type(const http_request *req, const char *type)
{
    const char *header = http_header(req, "Content-Type");
    lp_span rest = lp_span_str(header ? header : "");

    return is_text(take_part(&rest, ';'), type, strlen(type));
}

/* JSON -------------------------------------------------------------------- */

// How deep arrays and objects are within each other, strings left out.
static unsigned depth_of(lp_span json)
{
    unsigned depth = 0;
    unsigned most = 0;
    bool is_string = false;

    for (size_t i = 0; i < json.len_bytes; i++) {
        char c = json.ptr[i];

        if (is_string && c == '\\')
            i++;
        else if (c == '"')
            is_string = !is_string;
        else if (!is_string && (c == '[' || c == '{') && ++depth > most)
            most = depth;
        else if (!is_string && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return most;
}

/* The library's own words are of what its caller could allow. */
static const char *json_fault(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    if (code == json_error_null_character)
        return "the string that ends here has a \\u0000 in it, and no text "
               "may: leave it out";
    if (code == json_error_null_byte_in_key)
        return "the name that ends here has a \\u0000 in it, and none may: "
               "leave it out";
    return error->text;
}

json_t *api_json_untyped(http_request *req, api_refuse refuse)
{
    lp_span body = http_body(req);
    json_error_t error;
    json_t *json;

    if (depth_of(body) > API_JSON_DEPTH_MAX) {
        refuse(req, 400, "invalid JSON: nested more than %d deep",
               API_JSON_DEPTH_MAX);
        return NULL;
    }
    json = json_loadb(body.len_bytes > 0 ? body.ptr : "", body.len_bytes, 0,
                      &error);
    if (!json) {
        refuse(req, 400, "invalid JSON at line %d, column %d: %.150s",
               error.line, error.column, json_fault(&error));
        return NULL;
    }
    if (!json_is_object(json)) {
        json_decref(json);
        refuse(req, 400, "invalid payload: not a JSON object, {...}");
        return NULL;
    }
    return json;
}

json_t *api_json_body(http_request *req, api_refuse refuse)
{
    const char *type = http_header(req, "Content-Type");

    if (!api_has_type(req, "application/json")) {
        refuse(req, 415,
               "the Content-Type is %s%.100s%s, but has to be "
               "application/json",
               type ? "\"" : "", type ? type : "missing", type ? "\"" : "");
        return NULL;
    }
    return api_json_untyped(req, refuse);
}

static bool is_among(const char *name, const char *const *known)
{
    while (*known && strcmp(*known, name) != 0)
        known++;
    return *known != NULL;
}

bool api_knows_all(http_request *req, const json_t *body,
                   const char *const *known)
{
    char list[128] = "";
    void *at = json_object_iter((json_t *)(uintptr_t)body);

    while (at && is_among(json_object_iter_key(at), known))
        at = json_object_iter_next((json_t *)(uintptr_t)body, at);
    if (!at)
        return true;
    for (unsigned i = 0; known[i]; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\"%s\"",
                 i > 0 ? ", " : "", known[i]);
    http_reply_error(req, 400, "there is no \"%.100s\" here; there may be %s",
                     json_object_iter_key(at), list);
    return false;
}

lp_span api_json_span(const json_t *string)
{
    const char *text = json_string_value(string);

    return text ? lp_span_of(text, json_string_length(string))
                : lp_span_of("", 0);
}

static void print_escaped(FILE *to, lp_span text, size_t char_bytes)
{
    unsigned char c = (unsigned char)*text.ptr;

    if (char_bytes == 0)
        fputs("\\ufffd", to);
    else if (c == '"' || c == '\\')
        fprintf(to, "\\%c", c);
    else if (c < 0x20 || c == 0x7f || c == '<')
        fprintf(to, "\\u%04x", c);
    else
        fwrite(text.ptr, 1, char_bytes, to);
}

void api_print_json_string(FILE *to, lp_span text)
{
    fputc('"', to);
    while (text.len_bytes > 0) {
        size_t char_bytes = lp_utf8_char_bytes(text);

        print_escaped(to, text, char_bytes);
        text = lp_span_skip(text, char_bytes > 0 ? char_bytes : 1);
    }
    fputc('"', to);
}

void api_print_double(FILE *to, double value)
{
    char text[32];

    if (!isfinite(value)) {
        fputs("null", to);
        return;
    }
    for (int digits = DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) // NOLINT: the very same, and no other
            break;
    }
    fputs(text, to);
}

void api_print_member(FILE *to, const char *name, double value)
{
    fprintf(to, ",\"%s\":", name);
    api_print_double(to, value);
}

/* Others ------------------------------------------------------------------ */

void api_json_set_count(json_t *object, const char *name, uint64_t count)
{
    json_object_set_new(object, name, json_integer((json_int_t)count));
}

bool api_parse_count(lp_span text, uint64_t *out)
{
    *out = 0;
    if (text.len_bytes == 0 || text.len_bytes > 18)
        return false;
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return true;
}

bool api_query_is_true(http_request *req, const char *name)
{
    const char *value = http_query(req, name);

    return value && strcmp(value, "true") == 0;
}

char *api_print_time(int64_t time_ns, char out[LP_TIMESTAMP_MAX_BYTES])
{
    lp_timestamp_print(time_ns, 0, out);
    memcpy(out + strcspn(out, "+"), "Z", 2);
    return out;
}

uint64_t api_lines(const http_request *req, uint64_t num)
{
    return num + http_worker(req)->shared->cfg->num_extra_lines;
}

lp_span api_copy(http_request *req, lp_span text)
{
    char *copy = http_alloc(req, text.len_bytes + 1);

    if (!copy)
        return lp_span_of(NULL, 0);
    if (text.len_bytes > 0)
        memcpy(copy, text.ptr, text.len_bytes);
    copy[text.len_bytes] = '\0';
    return lp_span_of(copy, text.len_bytes);
}

void api_refuse_memory(http_request *req)
{
    http_set_header(req, "Retry-After", "1");
    http_reply_error(req, 503, "out of memory");
}

void api_refuse_busy(http_request *req, api_refuse refuse)
{
    http_set_header(req, "Retry-After", "1");
    refuse(req, 503, "too many writes are waiting");
}

/* Printed answers --------------------------------------------------------- */

bool api_text_open(api_text *text)
{
    text->at = NULL;
    text->len_bytes = 0;
    text->to = open_memstream(&text->at, &text->len_bytes);
    return text->to != NULL;
}

bool api_text_close(api_text *text, bool is_whole)
{
    is_whole = is_whole && !ferror(text->to);
    is_whole = fclose(text->to) == 0 && is_whole;
    if (is_whole)
        return true;
    free(text->at);
    text->at = NULL;
    return false;
}

FILE *api_page_open(http_request *req, api_page *page)
{
    if (!api_text_open(page))
        api_refuse_memory(req);
    return page->to;
}

void api_page_reply(http_request *req, api_page *page, int status,
                    const char *type)
{
    if (!api_text_close(page, true)) {
        api_refuse_memory(req);
        return;
    }
    http_reply(req, status, type, lp_span_of(page->at, page->len_bytes));
    free(page->at);
}

void api_page_drop(api_page *page)
{
    api_text_close(page, false);
}
