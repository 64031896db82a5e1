/*
 * httpd_route.h - which handler a request is for. Pure: no I/O, no memory.
 */
#ifndef LOGPLEXD_HTTPD_ROUTE_H
#define LOGPLEXD_HTTPD_ROUTE_H

#include "http/http.h"

enum { HTTP_PARAMS_MAX = 8, HTTP_ALLOW_BYTES = 96 };

typedef struct http_match {
    const http_route *route; /* NULL: 405 when allow is set, or else 404 */
    lp_span params[HTTP_PARAMS_MAX]; /* still percent-encoded            */
    unsigned param_count;
    unsigned api; /* of the route, or of one that has another method     */
    char allow[HTTP_ALLOW_BYTES]; /* "GET, HEAD, PUT" when the path is known */
} http_match;

/*
 * target is the path as sent, or an absolute URI (RFC 9112, 3.2.2); the query
 * is cut off already. Among the routes of a path, one for the method itself
 * goes before one for any, and HEAD is GET when it has no route of its own,
 * unless that is a stream's.
 */
void http_route_find(const http_route *const *tables, const char *method,
                     const char *target, http_match *out);

/* Whether decoding would give a NUL. */
bool http_has_nul(const char *encoded);

/* "." and ".." as one segment of a path: "=." and "=..". Clients take the others
 * out before they ask, percent-encoded or not (RFC 3986, 6.2.2). The name "=." is
 * "%3D." there, as every client writes it that escapes names. segment is still
 * encoded. */
lp_span http_segment_name(lp_span segment);

/* RFC 3986, 2.1, once; what is no escape stays as it is. out has room for
 * in.len_bytes and may be in.ptr. */
size_t http_percent_decode(lp_span in, char *out);

#endif /* LOGPLEXD_HTTPD_ROUTE_H */
