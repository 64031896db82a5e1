/*
 * httpd_head.h - the head of a plain request, as shippers of lines send it.
 *
 * Plain is what can be read in one way only: the request line that is wanted; then
 * fields of "Name: value" and CRLF with letters, digits and '-' in the name, visible
 * US-ASCII in the value and no blank at its end; one Host, one Content-Length above
 * zero, and nothing about transfer, connection or expectation but "Connection:
 * keep-alive" (RFC 9112, 2 to 6). All else, right or wrong, is somebody else's to
 * read: this never says that a request is bad.
 */
#ifndef LOGPLEXD_HTTPD_HEAD_H
#define LOGPLEXD_HTTPD_HEAD_H

#include <stdint.h>

#include "logplex/span.h"

enum { HTTP_HEAD_MAX_BYTES = 4096, HTTP_HEAD_FIELDS_MAX = 32 };

/* Places in the head, so that it can be moved. */
typedef struct http_field {
    uint16_t name_at;
    uint16_t name_bytes;
    uint16_t value_at;
    uint16_t value_bytes; /* at least 1; a CR is behind it */
} http_field;

typedef struct http_head {
    uint64_t body_bytes; /* at least 1 */
    uint16_t head_bytes; /* with the empty line */
    uint16_t field_count;
    http_field fields[HTTP_HEAD_FIELDS_MAX];
} http_head;

/* in begins with the head; line: the request line, with its CRLF. False: it is not
 * plain, or not all of it is there. Threads: any. */
bool http_head_read(lp_span in, lp_span line, http_head *out);

/* The first field of that name, in any case; NULL: there is none. text: in. */
const http_field *http_head_find(const http_head *head, const char *text,
                                 const char *name);

#endif /* LOGPLEXD_HTTPD_HEAD_H */
