#include "logplex/drain_url.h"

#include <netinet/in.h>

#include "ascii.h"
#include "host.h"
#include "scheme.h"

static bool is_http(const lp_drain_url *url)
{
    return url->scheme == LP_DRAIN_HTTP || url->scheme == LP_DRAIN_HTTPS;
}

/* Printing ---------------------------------------------------------------- */

enum { PORT_MAX_BYTES = sizeof("65535"), PRINTED_PARTS_MAX = 16 };

typedef struct parts {
    size_t n;
    lp_span at[PRINTED_PARTS_MAX];
} parts;

static void add(parts *to, lp_span part)
{
    to->at[to->n] = part;
    to->n++;
}

/* A part that may be missing, with the mark that says it is there. */
static void add_marked(parts *to, lp_span mark, lp_span part)
{
    if (part.ptr != NULL) {
        add(to, mark);
        add(to, part);
    }
}

static lp_span print_port(uint16_t port, char out[PORT_MAX_BYTES])
{
    char *at = out + PORT_MAX_BYTES;
    unsigned rest = port;

    do {
        at--;
        *at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    return lp_span_of(at, (size_t)(out + PORT_MAX_BYTES - at));
}

static size_t join(const parts *from, char *out, size_t room_bytes)
{
    size_t total_bytes = 0;

    for (size_t i = 0; i < from->n; i++) {
        total_bytes += from->at[i].len_bytes;
    }
    for (size_t i = 0; total_bytes <= room_bytes && i < from->n; i++) {
        if (from->at[i].len_bytes > 0) {
            memcpy(out, from->at[i].ptr, from->at[i].len_bytes);
            out += from->at[i].len_bytes;
        }
    }
    return total_bytes;
}

static size_t print_url(const lp_drain_url *url, lp_span password, char *out,
                        size_t room_bytes)
{
    char address[LPI_ADDRESS_TEXT_MAX_BYTES];
    char port[PORT_MAX_BYTES];
    parts all = {0};

    add(&all, lp_span_str(lpi_scheme_of(url->scheme)->name));
    add(&all, LP_SPAN("://"));
    if (url->user.ptr != NULL) {
        add(&all, url->user);
        add_marked(&all, LP_SPAN(":"), password);
        add(&all, LP_SPAN("@"));
    }
    if (url->host_kind == LP_DRAIN_HOST_IPV6) {
        add(&all, LP_SPAN("["));
        add(&all, lpi_host_print_ipv6(url->address, address));
        add(&all, LP_SPAN("]"));
    } else {
        add(&all, url->host);
    }
    if (url->is_port_explicit || !is_http(url)) {
        add(&all, LP_SPAN(":"));
        add(&all, print_port(url->port, port));
    }
    add(&all, url->path);
    add_marked(&all, LP_SPAN("?"), url->query);
    add_marked(&all, LP_SPAN("#"), url->fragment);
    return join(&all, out, room_bytes);
}

size_t lp_drain_url_print(const lp_drain_url *url, char *out, size_t room_bytes)
{
    return print_url(url, url->password, out, room_bytes);
}

size_t lp_drain_url_print_redacted(const lp_drain_url *url, char *out,
                                   size_t room_bytes)
{
    lp_span password =
        url->password.ptr != NULL ? LP_SPAN("***") : lp_span_of(NULL, 0);

    return print_url(url, password, out, room_bytes);
}

/* The address ------------------------------------------------------------- */

bool lp_drain_url_address(const lp_drain_url *url, struct sockaddr_storage *out)
{
    struct sockaddr_in *ip4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (url->host_kind == LP_DRAIN_HOST_IPV4) {
        ip4->sin_family = AF_INET;
        ip4->sin_port = htons(url->port);
        memcpy(&ip4->sin_addr, url->address, sizeof(ip4->sin_addr));
    } else if (url->host_kind == LP_DRAIN_HOST_IPV6) {
        ip6->sin6_family = AF_INET6;
        ip6->sin6_port = htons(url->port);
        memcpy(&ip6->sin6_addr, url->address, sizeof(ip6->sin6_addr));
    }
    return out->ss_family != AF_UNSPEC;
}

/* Equality and escapes ---------------------------------------------------- */

static bool is_same_host(const lp_drain_url *a, const lp_drain_url *b)
{
    if (a->host_kind != b->host_kind) {
        return false;
    }
    if (a->host_kind == LP_DRAIN_HOST_NAME) {
        return lpi_equal_in_any_case(a->host, b->host);
    }
    return memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool is_same_port(const lp_drain_url *a, const lp_drain_url *b)
{
    return a->port == b->port &&
           (!is_http(a) || a->is_port_explicit == b->is_port_explicit);
}

/* A part that is empty differs from one that is not there. */
static bool is_same_part(lp_span a, lp_span b)
{
    if (a.ptr == NULL || b.ptr == NULL) {
        return a.ptr == b.ptr;
    }
    return lp_span_equal(a, b);
}

bool lp_drain_url_equal(const lp_drain_url *a, const lp_drain_url *b)
{
    return a->scheme == b->scheme && is_same_host(a, b) && is_same_port(a, b) &&
           is_same_part(a->user, b->user) &&
           is_same_part(a->password, b->password) &&
           lp_span_equal(a->path, b->path) &&
           is_same_part(a->query, b->query) &&
           is_same_part(a->fragment, b->fragment);
}

size_t lp_drain_url_unescape(lp_span part, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < part.len_bytes; i++) {
        int byte = lpi_escaped_byte(part, i);

        if (byte >= 0) {
            out[n] = (char)byte;
            i += 2;
        } else {
            out[n] = part.ptr[i];
        }
        n++;
    }
    return n;
}
