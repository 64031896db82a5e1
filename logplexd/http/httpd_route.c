#include "http/httpd_route.h"

#include <assert.h>
#include <stdio.h>

// Cuts the segment behind the slash that rest begins with off rest.
static bool take_segment(lp_span *rest, lp_span *segment)
{
    const char *end;

    if (rest->len_bytes == 0 || rest->ptr[0] != '/')
        return false;
    *rest = lp_span_skip(*rest, 1);
    end = memchr(rest->ptr, '/', rest->len_bytes);
    *segment = lp_span_of(rest->ptr,
                          end ? (size_t)(end - rest->ptr) : rest->len_bytes);
    *rest = lp_span_skip(*rest, segment->len_bytes);
    return true;
}

// Each request is held against all routes, and most differ here already.
static bool may_match(const char *pattern, lp_span path)
{
    return path.len_bytes < 2 || pattern[1] == ':' || pattern[1] == path.ptr[1];
}

static bool match_path(const char *pattern, lp_span path, http_match *out)
{
    lp_span rest = lp_span_str(pattern);
    lp_span want;
    lp_span have;

    out->param_count = 0;
    while (take_segment(&rest, &want)) {
        if (!take_segment(&path, &have))
            return false;
        if (want.len_bytes == 0 || want.ptr[0] != ':') {
            if (!lp_span_equal(want, have))
                return false;
            continue;
        }
        if (have.len_bytes == 0)
            return false;
        assert(out->param_count < HTTP_PARAMS_MAX);
        out->params[out->param_count++] = have;
    }
    return path.len_bytes == 0 || lp_span_equal(path, LP_SPAN("/"));
}

static lp_span path_of(const char *target)
{
    const char *authority = strstr(target, "://");
    const char *path;

    if (target[0] == '/' || !authority)
        return lp_span_str(target);
    path = strchr(authority + 3, '/');
    return path ? lp_span_str(path) : LP_SPAN("/");
}

static void allow_one(http_match *out, const char *method)
{
    size_t used = strlen(out->allow);

    snprintf(out->allow + used, sizeof(out->allow) - used, "%s%s",
             used > 0 ? ", " : "", method);
}

// What can be got can be asked for its head.
static bool has_head(const http_route *route)
{
    return strcmp(route->method, "GET") == 0 && !(route->api & HTTP_STREAMS);
}

static void allow(http_match *out, const http_route *route)
{
    if (strcmp(route->method, "*") == 0) {
        snprintf(out->allow, sizeof(out->allow),
                 "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
        return;
    }
    allow_one(out, route->method);
    if (has_head(route))
        allow_one(out, "HEAD");
}

// Any but the one that asks for a tunnel: its 2xx would be the beginning of
// that, and have no body (RFC 9110, 9.3.6).
static bool is_any(const http_route *route, const char *method)
{
    return strcmp(route->method, "*") == 0 && strcmp(method, "CONNECT") != 0;
}

// How well a route whose path fits answers to method; 0: not at all.
static int rank_of(const http_route *route, const char *method)
{
    if (strcmp(route->method, method) == 0)
        return 3;
    if (strcmp(method, "HEAD") == 0 && has_head(route))
        return 2;
    return is_any(route, method) ? 1 : 0;
}

void http_route_find(const http_route *const *tables, const char *method,
                     const char *target, http_match *out)
{
    lp_span path = path_of(target);
    http_match found = {0};
    int best = 0;

    memset(out, 0, sizeof(*out));
    for (; *tables; tables++) {
        for (const http_route *route = *tables; route->method; route++) {
            int rank;

            if (!may_match(route->pattern, path) ||
                !match_path(route->pattern, path, &found))
                continue;
            allow(&found, route);
            found.api = route->api;
            rank = rank_of(route, method);
            if (rank <= best)
                continue;
            best = rank;
            found.route = route;
            *out = found;
        }
    }
    memcpy(out->allow, found.allow, sizeof(out->allow));
    if (!out->route)
        out->api = found.api;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// No escape has a '%' in it but its first: what looks like one is one.
bool http_has_nul(const char *encoded)
{
    return strstr(encoded, "%00") != NULL;
}

lp_span http_segment_name(lp_span segment)
{
    bool is_dots = lp_span_equal(segment, LP_SPAN("=.")) ||
                   lp_span_equal(segment, LP_SPAN("=.."));

    return is_dots ? lp_span_skip(segment, 1) : segment;
}

size_t http_percent_decode(lp_span in, char *out)
{
    size_t used = 0;

    for (size_t i = 0; i < in.len_bytes; i++) {
        int high = -1;
        int low = -1;

        if (in.ptr[i] == '%' && in.len_bytes - i > 2) {
            high = hex_of(in.ptr[i + 1]);
            low = hex_of(in.ptr[i + 2]);
        }
        if (high < 0 || low < 0) {
            out[used++] = in.ptr[i];
            continue;
        }
        out[used++] = (char)(high * 16 + low);
        i += 2;
    }
    return used;
}
