/*
 * A head that is plain is wholly within the input, says nothing twice that must be
 * told once, has no byte in its fields that a reader of HTTP could take for an end,
 * is the same whatever is behind it, and is not plain when a byte of it is missing.
 */
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/httpd_head.h"

static const lp_span line = {"POST /logs HTTP/1.1\r\n", 21};

static void check_field(const http_head *head, const http_field *field,
                        const char *text)
{
    const char *value = text + field->value_at;

    REQUIRE(field->name_bytes > 0 && field->value_bytes > 0);
    REQUIRE(field->name_at + field->name_bytes < field->value_at);
    REQUIRE(field->value_at + field->value_bytes + 4 <= head->head_bytes);
    REQUIRE(text[field->name_at - 1] == '\n');
    REQUIRE(text[field->name_at + field->name_bytes] == ':');
    REQUIRE(memcmp(value + field->value_bytes, "\r\n", 2) == 0);
    REQUIRE(value[0] != ' ' && value[field->value_bytes - 1] != ' ');
    for (size_t i = 0; i < field->value_bytes; i++)
        REQUIRE(value[i] >= ' ' && value[i] < 127);
}

static unsigned count_of(const http_head *head, const char *text,
                         const char *name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < head->field_count; i++)
        count += head->fields[i].name_bytes == strlen(name) &&
                 strncasecmp(text + head->fields[i].name_at, name,
                             strlen(name)) == 0;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    http_head head = {0};
    http_head again = {0};

    if (!http_head_read(lp_span_of(text, size), line, &head))
        return 0;
    REQUIRE(head.head_bytes <= size && head.head_bytes <= HTTP_HEAD_MAX_BYTES);
    REQUIRE(head.field_count <= HTTP_HEAD_FIELDS_MAX && head.body_bytes > 0);
    REQUIRE(memcmp(text + head.head_bytes - 4, "\r\n\r\n", 4) == 0);
    for (unsigned i = 0; i < head.field_count; i++)
        check_field(&head, &head.fields[i], text);
    REQUIRE(count_of(&head, text, "Content-Length") == 1);
    REQUIRE(count_of(&head, text, "Host") == 1);
    REQUIRE(count_of(&head, text, "Transfer-Encoding") == 0);
    REQUIRE(http_head_read(lp_span_of(text, head.head_bytes), line, &again));
    REQUIRE(memcmp(&head, &again, sizeof(head)) == 0);
    for (size_t n = 0; n < head.head_bytes; n++)
        REQUIRE(!http_head_read(lp_span_of(text, n), line, &again));
    return 0;
}
