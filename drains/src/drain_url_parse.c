#include "logplex/drain_url.h"

#include <stdarg.h>
#include <stdio.h>

#include "ascii.h"
#include "drain_option.h"
#include "host.h"
#include "logplex/filter.h"
#include "scheme.h"

enum {
    PORT_MAX = 65535,
    HOST_FORM_PORT = 514,
    /* Of a value in an error: bytes that are looked at, and what these can
     * take when each is escaped, with "..." and a NUL. */
    SHOWN_MAX_BYTES = 48,
    SHOWN_ROOM_BYTES = SHOWN_MAX_BYTES * 3 + 4
};

/* What the original knows, and refuses. */
static const char *const refused_tcp_schemes[] = {"tcpsyslog", "syslog+tcp"};

/* A URL while it is read. */
typedef struct reader {
    lp_span text;
    const lpi_scheme *scheme;
    lp_drain_url url;
    lp_drain_url_error *error;
} reader;

/* Bytes ------------------------------------------------------------------- */

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* NUL is never one of them. */
static bool is_one_of(char c, const char *bytes)
{
    return c != '\0' && strchr(bytes, c) != NULL;
}

/* The unreserved bytes and the sub-delims of RFC 3986 2.2 and 2.3, which may
 * stand in every part. */
static bool is_plain(char c)
{
    return lpi_is_letter(c) || lpi_is_digit(c) ||
           is_one_of(c, "-._~!$&'()*+,;=");
}

/* Takes the bytes before the first that is one of stops off the front. */
static lp_span take_until(lp_span *rest, const char *stops)
{
    const char *start = rest->ptr;

    while (rest->len_bytes > 0 && !is_one_of(rest->ptr[0], stops)) {
        *rest = lp_span_skip(*rest, 1);
    }
    return lp_span_of(start, (size_t)(rest->ptr - start));
}

static bool has_byte(lp_span span, char c)
{
    return span.len_bytes > 0 && memchr(span.ptr, c, span.len_bytes) != NULL;
}

static bool is_at_front(lp_span span, char c)
{
    return span.len_bytes > 0 && span.ptr[0] == c;
}

/* Errors ------------------------------------------------------------------ */

/* A value of the caller's as an error may show it. */
static const char *show(lp_span value, char out[SHOWN_ROOM_BYTES])
{
    static const char hex[] = "0123456789ABCDEF";
    char *at = out;

    for (size_t i = 0; i < value.len_bytes && i < SHOWN_MAX_BYTES; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (c >= ' ' && c < 0x7f) {
            *at++ = (char)c;
        } else {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        }
    }
    if (value.len_bytes > SHOWN_MAX_BYTES) {
        memcpy(at, "...", 3);
        at += 3;
    }
    *at = '\0';
    return out;
}

__attribute__((format(printf, 2, 3))) static void say(lp_drain_url_error *error,
                                                      const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->sentence, sizeof(error->sentence), format, args);
    va_end(args);
}

static void give_reason(lp_drain_url_error *error, const char *reason)
{
    snprintf(error->reason, sizeof(error->reason), "%s", reason);
}

/* Once say() has said why: it is no URL at all, or no drain of its scheme. */
static lp_err not_a_url(reader *in, const char *reason)
{
    give_reason(in->error, reason);
    return LP_E_SYNTAX;
}

static lp_err not_a_drain(reader *in)
{
    give_reason(in->error, in->scheme->reason);
    return LP_E_INVALID;
}

static lp_err too_long(reader *in, size_t len_bytes)
{
    say(in->error, "the URL takes %zu bytes, and at most %d are taken",
        len_bytes, (int)LP_DRAIN_URL_MAX_BYTES);
    return not_a_url(in, "invalid_uri");
}

/* Scheme ------------------------------------------------------------------ */

static bool is_scheme_byte(char c)
{
    return lpi_is_letter(c) || lpi_is_digit(c) || is_one_of(c, "+-.");
}

static bool is_refused_tcp(lp_span name)
{
    size_t n = sizeof(refused_tcp_schemes) / sizeof(refused_tcp_schemes[0]);

    for (size_t i = 0; i < n; i++) {
        if (lpi_equal_in_any_case(name, lp_span_str(refused_tcp_schemes[i]))) {
            return true;
        }
    }
    return false;
}

static lp_err refuse_scheme(reader *in, lp_span name)
{
    const lp_span http = LP_SPAN("http");
    char shown[SHOWN_ROOM_BYTES];

    show(name, shown);
    if (is_refused_tcp(name)) {
        say(in->error, "the scheme \"%s\" is written \"syslog\"", shown);
        in->scheme = lpi_scheme_of(LP_DRAIN_SYSLOG_TCP);
        return not_a_drain(in);
    }
    say(in->error,
        "the scheme \"%s\" is none of http, https, syslog, syslog+tls and "
        "syslog+udp",
        shown);
    if (name.len_bytes > http.len_bytes &&
        lpi_equal_in_any_case(lp_span_of(name.ptr, http.len_bytes), http)) {
        in->scheme = lpi_scheme_of(LP_DRAIN_HTTP);
        return not_a_drain(in);
    }
    snprintf(in->error->reason, sizeof(in->error->reason),
             "{unknown_scheme,\"%s\"}", shown);
    return LP_E_INVALID;
}

static lp_err take_scheme(reader *in, lp_span *rest)
{
    lp_span name = *rest;
    size_t n = 0;

    while (n < rest->len_bytes && is_scheme_byte(rest->ptr[n])) {
        n++;
    }
    if (n == 0 || n == rest->len_bytes || rest->ptr[n] != ':' ||
        !lpi_is_letter(rest->ptr[0])) {
        say(in->error, "there is no scheme in front: a drain is like "
                       "https://host/path or syslog://host:601");
        return not_a_url(in, "invalid_uri");
    }
    name.len_bytes = n;
    *rest = lp_span_skip(*rest, n + 1);
    in->scheme = lpi_scheme_find(name);
    if (in->scheme == NULL) {
        return refuse_scheme(in, name);
    }
    in->url.scheme = (uint8_t)in->scheme->kind;
    return LP_OK;
}

/* Host and port ----------------------------------------------------------- */

static lp_err take_ipv6(reader *in, lp_span host)
{
    char shown[SHOWN_ROOM_BYTES];

    if (!lpi_host_read_ipv6(host, in->url.address)) {
        say(in->error,
            "the host \"[%s]\" is no IPv6 address: one is like [2001:db8::1], "
            "and has no zone",
            show(host, shown));
        return not_a_drain(in);
    }
    in->url.host = host;
    in->url.host_kind = LP_DRAIN_HOST_IPV6;
    return LP_OK;
}

static lp_err take_ipv4(reader *in, lp_span host)
{
    char shown[SHOWN_ROOM_BYTES];

    if (!lpi_host_read_ipv4(host, in->url.address)) {
        say(in->error,
            "the host \"%s\" ends in a number and is no IPv4 address: that is "
            "four numbers from 0 to 255, without zeros in front",
            show(host, shown));
        return not_a_drain(in);
    }
    in->url.host = host;
    in->url.host_kind = LP_DRAIN_HOST_IPV4;
    return LP_OK;
}

static lp_err no_host(reader *in)
{
    say(in->error, "there is no host: a drain is like %s", in->scheme->example);
    return not_a_drain(in);
}

/* A host without brackets. */
static lp_err take_name(reader *in, lp_span host)
{
    char shown[SHOWN_ROOM_BYTES];

    if (host.len_bytes == 0) {
        return no_host(in);
    }
    if (!lpi_host_has_name_bytes(host)) {
        say(in->error,
            "the host \"%s\" has more than letters, digits, \"-\", \"_\" and "
            "\".\": a name of other letters is written in its \"xn--\" form",
            show(host, shown));
        return not_a_url(in, "invalid_uri");
    }
    if (!lpi_host_fits_dns(host)) {
        say(in->error,
            "the host \"%s\" is no name: its dots have 1 to 63 bytes between "
            "them, and all together are at most 253",
            show(host, shown));
        return not_a_drain(in);
    }
    if (lpi_host_ends_in_number(host)) {
        return take_ipv4(in, host);
    }
    in->url.host = host;
    in->url.host_kind = LP_DRAIN_HOST_NAME;
    return LP_OK;
}

static lp_err take_port(reader *in, lp_span digits)
{
    bool is_number = digits.len_bytes > 0;
    uint32_t port = 0;
    char shown[SHOWN_ROOM_BYTES];

    for (size_t i = 0; is_number && i < digits.len_bytes; i++) {
        is_number = lpi_is_digit(digits.ptr[i]);
        // Stays above the limit once it is, and never overflows.
        if (is_number && port <= PORT_MAX) {
            port = port * 10 + (uint32_t)(digits.ptr[i] - '0');
        }
    }
    if (is_number && port >= 1 && port <= PORT_MAX) {
        in->url.port = (uint16_t)port;
        in->url.is_port_explicit = true;
        return LP_OK;
    }
    say(in->error, "the port \"%s\" is not from 1 to %d", show(digits, shown),
        (int)PORT_MAX);
    return is_number ? not_a_drain(in) : not_a_url(in, "invalid_url");
}

/* What is behind a host: nothing, or ":" and a port. */
static lp_err take_port_if_any(reader *in, lp_span behind)
{
    char shown[SHOWN_ROOM_BYTES];

    if (behind.len_bytes == 0) {
        in->url.port = in->scheme->port;
        return LP_OK;
    }
    if (behind.ptr[0] != ':') {
        say(in->error,
            "\"%s\" is behind the \"]\" of the host: only a \":\" and a port "
            "can be there",
            show(behind, shown));
        return not_a_url(in, "invalid_uri");
    }
    return take_port(in, lp_span_skip(behind, 1));
}

static lp_err take_bracketed(reader *in, lp_span rest)
{
    lp_span host;
    lp_err err;

    rest = lp_span_skip(rest, 1);
    host = take_until(&rest, "]");
    if (rest.len_bytes == 0) {
        say(in->error, "the \"[\" of the host has no \"]\": an IPv6 address is "
                       "like [2001:db8::1]");
        return not_a_drain(in);
    }
    err = take_ipv6(in, host);
    return err != LP_OK ? err : take_port_if_any(in, lp_span_skip(rest, 1));
}

static lp_err take_host_and_port(reader *in, lp_span rest)
{
    uint8_t address[LPI_ADDRESS_BYTES];
    char shown[SHOWN_ROOM_BYTES];
    lp_span host;
    lp_err err;

    if (is_at_front(rest, '[')) {
        return take_bracketed(in, rest);
    }
    if (lpi_host_read_ipv6(rest, address)) {
        say(in->error, "an IPv6 address is written in brackets: [%s]",
            show(rest, shown));
        return not_a_url(in, "invalid_url");
    }
    host = take_until(&rest, ":");
    err = take_name(in, host);
    return err != LP_OK ? err : take_port_if_any(in, rest);
}

/* Parts ------------------------------------------------------------------- */

/* Every byte is plain, one of others, or part of a whole escape. */
static lp_err check_bytes(reader *in, lp_span part, const char *others)
{
    size_t before_bytes = (size_t)(part.ptr - in->text.ptr);

    for (size_t i = 0; i < part.len_bytes; i++) {
        char c = part.ptr[i];

        if (c == '%') {
            if (lpi_escaped_byte(part, i) < 0) {
                say(in->error,
                    "the \"%%\" at byte %zu has no two hexadecimal digits "
                    "behind it: by itself it is written %%25",
                    before_bytes + i);
                return not_a_url(in, "invalid_uri");
            }
        } else if (!is_plain(c) && !is_one_of(c, others)) {
            say(in->error,
                "the byte at %zu can't be in a URL as it is: it is written "
                "%%%02X",
                before_bytes + i, (unsigned)(unsigned char)c);
            return not_a_url(in, "invalid_uri");
        }
    }
    return LP_OK;
}

/* RFC 7617 2 has neither controls nor a colon in the user: the first would end
 * a header, the second would end the user. */
static lp_err check_credential(reader *in, lp_span part, bool is_user)
{
    for (size_t i = 0; i < part.len_bytes; i++) {
        int byte = lpi_escaped_byte(part, i);

        if (byte < 0) {
            continue;
        }
        if (is_control((char)byte)) {
            say(in->error,
                "the user and the password can have no control bytes, and %%%c"
                "%c is one",
                part.ptr[i + 1], part.ptr[i + 2]);
            return not_a_drain(in);
        }
        if (is_user && byte == ':') {
            say(in->error, "the user can have no colon, and %%3A is one: the "
                           "first colon begins the password");
            return not_a_drain(in);
        }
    }
    return LP_OK;
}

static lp_err take_userinfo(reader *in, lp_span userinfo)
{
    lp_span rest = userinfo;
    lp_err err;

    if (has_byte(userinfo, '@')) {
        say(in->error, "an \"@\" in the user or the password is written %%40");
        return not_a_url(in, "invalid_uri");
    }
    in->url.user = take_until(&rest, ":");
    if (rest.len_bytes > 0) {
        in->url.password = lp_span_skip(rest, 1);
    }
    err = check_bytes(in, userinfo, ":");
    if (err == LP_OK) {
        err = check_credential(in, in->url.user, true);
    }
    if (err == LP_OK) {
        err = check_credential(in, in->url.password, false);
    }
    return err;
}

/* behind is what follows the authority. */
static lp_err take_authority(reader *in, lp_span authority, lp_span behind)
{
    size_t n = authority.len_bytes;
    lp_err err;

    while (n > 0 && authority.ptr[n - 1] != '@') {
        n--;
    }
    if (n > 0) {
        err = take_userinfo(in, lp_span_of(authority.ptr, n - 1));
        if (err != LP_OK) {
            return err;
        }
    }
    err = take_host_and_port(in, lp_span_skip(authority, n));
    // What was taken for them can be a user and half a password.
    if (err != LP_OK && has_byte(behind, '@')) {
        say(in->error, "the host or the port is wrong; if the \"@\" behind it "
                       "ends a password, then a \"/\", \"?\" or \"#\" before "
                       "it is written %%2F, %%3F or %%23");
    }
    return err;
}

static lp_err take_path_and_rest(reader *in, lp_span rest)
{
    lp_err err;

    in->url.path = take_until(&rest, "?#");
    if (is_at_front(rest, '?')) {
        rest = lp_span_skip(rest, 1);
        in->url.query = take_until(&rest, "#");
    }
    if (is_at_front(rest, '#')) {
        in->url.fragment = lp_span_skip(rest, 1);
    }
    err = check_bytes(in, in->url.path, "/:@");
    if (err == LP_OK && in->url.query.ptr != NULL) {
        err = check_bytes(in, in->url.query, "/:@?");
    }
    if (err == LP_OK && in->url.fragment.ptr != NULL) {
        err = check_bytes(in, in->url.fragment, "/:@?");
    }
    return err;
}

/* Parsing ----------------------------------------------------------------- */

static lp_err take_url(reader *in)
{
    lp_span rest = in->text;
    lp_span authority;
    lp_err err;

    if (rest.len_bytes > LP_DRAIN_URL_MAX_BYTES) {
        return too_long(in, rest.len_bytes);
    }
    err = take_scheme(in, &rest);
    if (err != LP_OK) {
        return err;
    }
    if (!lp_span_starts(rest, LP_SPAN("//"))) {
        return no_host(in);
    }
    rest = lp_span_skip(rest, 2);
    authority = take_until(&rest, "/?#");
    err = take_authority(in, authority, rest);
    return err != LP_OK ? err : take_path_and_rest(in, rest);
}

static bool is_http(const lp_drain_url *url)
{
    return url->scheme == LP_DRAIN_HTTP || url->scheme == LP_DRAIN_HTTPS;
}

static bool is_stream(const lp_drain_url *url)
{
    return url->scheme == LP_DRAIN_SYSLOG_TCP ||
           url->scheme == LP_DRAIN_SYSLOG_TLS;
}

/* Other parameters are the sink's own business, or nobody's. */
static lp_err read_framing(reader *in)
{
    lp_span rest = in->url.query;
    lp_span value;
    char shown[SHOWN_ROOM_BYTES];

    while (is_stream(&in->url) && rest.len_bytes > 0) {
        if (!lpi_option_has(lpi_option_take(&rest), LP_SPAN("framing="),
                            &value)) {
            continue;
        }
        in->url.is_newline_framed = lp_span_equal(value, LP_SPAN("newline"));
        if (!in->url.is_newline_framed &&
            !lp_span_equal(value, LP_SPAN("octets"))) {
            say(in->error,
                "the framing \"%s\" is neither \"octets\", which counts "
                "bytes, nor \"newline\"",
                show(value, shown));
            return not_a_drain(in);
        }
    }
    return LP_OK;
}

/* Which of the names is it? False: none. */
static bool find_name(lp_span value, const char *const *names, size_t count,
                      uint8_t *index)
{
    for (size_t i = 0; i < count; i++) {
        if (lp_span_equal(value, lp_span_str(names[i]))) {
            *index = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool find_encoding(lp_span value, uint8_t *encoding)
{
    static const char *const names[] = {
        [LP_DRAIN_IDENTITY] = "identity",
        [LP_DRAIN_GZIP] = "gzip",
        [LP_DRAIN_ZSTD] = "zstd",
    };

    return find_name(value, names, sizeof names / sizeof names[0], encoding);
}

/* A sink may have a parameter of this name itself, with values of its own. */
static void read_query_encoding(reader *in)
{
    lp_span rest = in->url.query;
    lp_span value;

    while (is_http(&in->url) && rest.len_bytes > 0) {
        if (lpi_option_has(lpi_option_take(&rest), LP_SPAN("encoding="),
                           &value)) {
            find_encoding(value, &in->url.encoding);
        }
    }
}

static lp_err read_encoding(reader *in, lp_span value)
{
    char shown[SHOWN_ROOM_BYTES];

    if (!is_http(&in->url) || find_encoding(value, &in->url.encoding)) {
        return LP_OK;
    }
    say(in->error,
        "\"encoding=%s\" in the fragment: bodies are sent as \"gzip\", "
        "\"zstd\" or \"identity\"",
        show(value, shown));
    return not_a_drain(in);
}

static lp_err read_refused(reader *in, lp_span value)
{
    static const char *const names[] = {
        [LP_DRAIN_DROP] = "drop",
        [LP_DRAIN_RETRY] = "retry",
        [LP_DRAIN_PARK] = "park",
    };
    char shown[SHOWN_ROOM_BYTES];

    if (find_name(value, names, sizeof names / sizeof names[0],
                  &in->url.refused)) {
        in->url.says_refused = true;
        return LP_OK;
    }
    say(in->error,
        "\"refused=%s\" in the fragment: what a sink refuses is to \"drop\", "
        "to "
        "\"retry\", or the drain to \"park\"",
        show(value, shown));
    return not_a_drain(in);
}

/* Whether a filter reads is asked here, so that whoever makes the drain hears of
 * it. */
static lp_err read_filter(reader *in, lp_span value)
{
    char text[LP_DRAIN_URL_MAX_BYTES];
    size_t text_bytes = lp_drain_url_unescape(value, text);
    lp_filter *filter = NULL;
    lp_filter_error error;
    lp_err err;

    in->url.filter = value;
    if (text_bytes == 0) {
        return LP_OK;
    }
    err = lp_filter_create(lp_span_of(text, text_bytes), &filter, &error);
    lp_filter_destroy(filter);
    if (err == LP_E_NOMEM) {
        return err;
    }
    if (err != LP_OK) {
        say(in->error, "\"filter=\" in the fragment, at byte %zu: %s",
            error.at_byte, error.sentence);
        return not_a_drain(in);
    }
    return LP_OK;
}

static lp_err read_rate(reader *in, lp_span value)
{
    char shown[SHOWN_ROOM_BYTES];
    uint64_t number = 0;
    bool is_number = value.len_bytes > 0 && value.len_bytes <= 7;

    for (size_t i = 0; is_number && i < value.len_bytes; i++) {
        is_number = value.ptr[i] >= '0' && value.ptr[i] <= '9';
        number = number * 10 + (uint64_t)(value.ptr[i] - '0');
    }
    if (!is_number || number < 1 || number > LP_DRAIN_RATE_MAX_LINES) {
        say(in->error,
            "\"rate=%s\" in the fragment: lines a second are a number from "
            "1 to %d",
            show(value, shown), (int)LP_DRAIN_RATE_MAX_LINES);
        return not_a_drain(in);
    }
    in->url.rate_lines = (uint32_t)number;
    return LP_OK;
}

/* It is never sent, so it is ours; what is no option of ours is kept, and can be
 * doubted (drain_doubt.c). */
static lp_err read_fragment(reader *in)
{
    lp_span rest = in->url.fragment;
    lp_err err = LP_OK;

    while (err == LP_OK && rest.len_bytes > 0) {
        lp_span value;

        switch (lpi_option_read(lpi_option_take(&rest), &value)) {
        case LPI_OPTION_INSECURE:
            in->url.is_insecure =
                lpi_option_is_heeded(LPI_OPTION_INSECURE, &in->url);
            break;
        case LPI_OPTION_REFUSED:
            err = read_refused(in, value);
            break;
        case LPI_OPTION_ENCODING:
            err = read_encoding(in, value);
            break;
        case LPI_OPTION_FILTER:
            err = read_filter(in, value);
            break;
        case LPI_OPTION_RATE:
            err = read_rate(in, value);
            break;
        case LPI_OPTION_COUNT:
            break;
        }
    }
    return err;
}

/* Printed, a URL can be longer than it was: by its port, or an address. */
static lp_err finish(reader *in, lp_drain_url *out)
{
    size_t printed_bytes;
    lp_err err = read_framing(in);

    if (err == LP_OK) {
        read_query_encoding(in); // the fragment, read behind it, wins
        err = read_fragment(in);
    }
    if (err != LP_OK) {
        return err;
    }
    printed_bytes = lp_drain_url_print(&in->url, NULL, 0);
    if (printed_bytes > LP_DRAIN_URL_MAX_BYTES) {
        return too_long(in, printed_bytes);
    }
    *out = in->url;
    return LP_OK;
}

lp_err lp_drain_url_parse(lp_span text, lp_drain_url *out,
                          lp_drain_url_error *error)
{
    lp_drain_url_error unasked;
    reader in = {.text = text, .error = error != NULL ? error : &unasked};
    lp_err err = take_url(&in);

    return err != LP_OK ? err : finish(&in, out);
}

static lp_span without_brackets(lp_span host)
{
    size_t n = host.len_bytes;

    if (n >= 2 && host.ptr[0] == '[' && host.ptr[n - 1] == ']') {
        return lp_span_of(host.ptr + 1, n - 2);
    }
    return host;
}

static lp_err take_host_form(reader *in, const int64_t *port)
{
    int64_t number = port != NULL ? *port : HOST_FORM_PORT;
    lp_span bare = without_brackets(in->text);
    lp_err err;

    if (in->text.ptr == NULL) {
        say(in->error, "there is neither a \"url\", as in "
                       "\"https://host/path\", nor a \"host\"");
        give_reason(in->error, "missing_host_param");
        return LP_E_INVALID;
    }
    if (has_byte(bare, ':') || bare.len_bytes < in->text.len_bytes) {
        err = take_ipv6(in, bare);
    } else {
        err = take_name(in, bare);
    }
    if (err != LP_OK) {
        return err;
    }
    if (number < 1 || number > PORT_MAX) {
        say(in->error, "the port \"%lld\" is not from 1 to %d",
            (long long)number, (int)PORT_MAX);
        return not_a_drain(in);
    }
    in->url.port = (uint16_t)number;
    in->url.is_port_explicit = true;
    in->url.path = LP_SPAN("");
    return LP_OK;
}

lp_err lp_drain_url_from_host(lp_span host, const int64_t *port,
                              lp_drain_url *out, lp_drain_url_error *error)
{
    lp_drain_url_error unasked;
    reader in = {.text = host,
                 .scheme = lpi_scheme_of(LP_DRAIN_SYSLOG_TCP),
                 .url = {.scheme = LP_DRAIN_SYSLOG_TCP},
                 .error = error != NULL ? error : &unasked};
    lp_err err = take_host_form(&in, port);

    return err != LP_OK ? err : finish(&in, out);
}
