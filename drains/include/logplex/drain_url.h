/*
 * drain_url.h - where a drain sends to: a URL, read, checked and printed.
 *
 *     https://user:password@host:8443/path?query#fragment
 *     scheme  user password host port path query fragment
 *
 * The grammar is RFC 3986's, whole: what does not fit it is told and never cut
 * off. Five schemes lead somewhere, in capitals or not:
 *
 *     http         port 80     POST requests
 *     https        port 443    the same over TLS
 *     syslog       port 601    TCP, octet-counted (RFC 6587), or by lines with
 *                              the query "framing=newline"
 *     syslog+tls   port 6514   the same over TLS (RFC 5425)
 *     syslog+udp   port 514    a datagram for each line (RFC 5426); udpsyslog
 *                              is another name for it
 *
 * Pure functions on spans: no allocation, no look-up of names, linear time on
 * every input. Spans in the output point into the input. Threads: any.
 */
#ifndef LOGPLEX_DRAIN_URL_H
#define LOGPLEX_DRAIN_URL_H

#include <stdint.h>
#include <sys/socket.h>

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LP_DRAIN_URL_MAX_BYTES = 2048, /* as given, and as printed */
    LP_DRAIN_RATE_MAX_LINES = 1000000,
    LP_DRAIN_URL_REASON_MAX_BYTES = 192,
    LP_DRAIN_URL_SENTENCE_MAX_BYTES = 384
};

typedef enum lp_drain_scheme {
    LP_DRAIN_HTTP = 0,
    LP_DRAIN_HTTPS = 1,
    LP_DRAIN_SYSLOG_TCP = 2,
    LP_DRAIN_SYSLOG_TLS = 3,
    LP_DRAIN_SYSLOG_UDP = 4
} lp_drain_scheme;

typedef enum lp_drain_host {
    LP_DRAIN_HOST_NAME = 0,
    LP_DRAIN_HOST_IPV4 = 1,
    LP_DRAIN_HOST_IPV6 = 2
} lp_drain_host;

/* What becomes of lines that a sink does not want (HTTP: 4xx). 408, 425 and 429
 * are no refusals but failures, and tried again. */
typedef enum lp_drain_refused {
    LP_DRAIN_DROP = 0,  /* lost, and told in front of the next ones    */
    LP_DRAIN_RETRY = 1, /* as a failure                                */
    LP_DRAIN_PARK = 2   /* the drain rests until it has another URL    */
} lp_drain_refused;

/* How the bodies of http and https are sent (RFC 9110 8.4, RFC 8878). */
typedef enum lp_drain_encoding {
    LP_DRAIN_IDENTITY = 0, /* as they are */
    LP_DRAIN_GZIP = 1,
    LP_DRAIN_ZSTD = 2
} lp_drain_encoding;

/*
 * A part that is not there has a NULL ptr, so that "http://h/?" (an empty
 * query) and "http://h/" (none) differ. Parts are as they were given, percent
 * escapes and all, which are whole: see lp_drain_url_unescape().
 */
typedef struct lp_drain_url {
    uint8_t scheme;        /* lp_drain_scheme */
    uint8_t host_kind;     /* lp_drain_host   */
    bool is_port_explicit; /* else it is the scheme's own */
    bool is_insecure;      /* TLS without verification: the fragment of an https
                              or syslog+tls URL says "insecure" */
    bool says_refused;     /* the fragment says "refused=drop", "retry" or
                              "park"; it may say both, with "&" between them */
    uint8_t refused;       /* lp_drain_refused */
    bool is_newline_framed; /* a query of syslog or syslog+tls says
                              "framing=newline"; "framing=octets" and nothing
                              mean counted frames (RFC 6587 3.4) */
    uint8_t encoding; /* lp_drain_encoding: the fragment of an http or https URL
                         says "encoding=gzip", "zstd" or "identity", or else its
                         query does. There anything else may stand behind
                         "encoding=" as well: a query is the sink's, and goes to
                         it whole */
    uint16_t port;    /* 1 to 65535 */
    uint8_t address[16]; /* of an IPv4 (the first four bytes) or IPv6 host, in
                              network order; else zeros */
    lp_span user;        /* without colons and controls, escaped or not */
    lp_span password;    /* without controls, escaped or not */
    lp_span host;        /* never empty; of IPv6 what is in the brackets */
    lp_span path;        /* empty, or begins with "/"; never NULL */
    lp_span query;       /* without its "?" */
    lp_span fragment;    /* without its "#" */
    lp_span filter;      /* the fragment says "filter=" and this, escaped: which
                            lines the drain wants, see filter.h */
    uint32_t rate_lines; /* it says "rate=" and this: lines a second at most;
                            0: it does not */
} lp_drain_url;

/*
 * Why a URL was refused, twice: in the words that the original Logplex puts
 * behind "Invalid drain destination: ", such as {unknown_scheme,"ftp"}; and as
 * a sentence that says what is wrong and what would be right. Both are
 * printable ASCII and end with a NUL. Neither shows a password, nor what looks
 * like a host or a port and has an "@" behind it.
 */
typedef struct lp_drain_url_error {
    char reason[LP_DRAIN_URL_REASON_MAX_BYTES];
    char sentence[LP_DRAIN_URL_SENTENCE_MAX_BYTES];
} lp_drain_url_error;

/*
 * Reads a URL. error may be NULL, and is set when the call fails.
 *
 * A host is an IPv4 address, an IPv6 address in brackets without a zone, or a
 * name of letters, digits, "-", "_" and "." that DNS has room for (RFC 1035
 * 2.3.4); a name whose last label is a number is refused.
 * Owns: the spans of *out point into text.
 * Fails: LP_E_SYNTAX (it is no URL), LP_E_INVALID (it is none for a drain).
 */
LP_API lp_err lp_drain_url_parse(lp_span text, lp_drain_url *out,
                                 lp_drain_url_error *error);

/*
 * The same from the older {"host", "port"} form, which is a syslog drain over
 * TCP. The host may be an IPv6 address with or without brackets, and a NULL ptr
 * for the one that was forgotten. port may be NULL, and is then 514.
 * Owns: out->host points into host.
 * Fails: LP_E_SYNTAX, LP_E_INVALID, as above.
 */
LP_API lp_err lp_drain_url_from_host(lp_span host, const int64_t *port,
                                     lp_drain_url *out,
                                     lp_drain_url_error *error);

/*
 * Each of these writes the URL to out if it fits in room_bytes, without a NUL,
 * and returns the bytes that it takes, whether it fitted or not.
 *
 * print           to be stored and listed: the scheme in small letters, the
 *                 port always for syslog and only if it was given for HTTP, an
 *                 IPv6 address as in RFC 5952, all else as it was given. Takes
 *                 at most LP_DRAIN_URL_MAX_BYTES, and reads as an equal URL
 * print_redacted  for logs: the same with *** for a password. At most three
 *                 bytes longer
 */
LP_API size_t lp_drain_url_print(const lp_drain_url *url, char *out,
                                 size_t room_bytes);
LP_API size_t lp_drain_url_print_redacted(const lp_drain_url *url, char *out,
                                          size_t room_bytes);

/*
 * Whether two URLs have equal parts: scheme and host in any case, addresses by
 * value, everything else byte for byte. The port of a syslog scheme is the same
 * whether it was given or not; "http://h/" and "http://h:80/" differ, as they
 * do to the original Logplex.
 */
LP_API bool lp_drain_url_equal(const lp_drain_url *a, const lp_drain_url *b);

/*
 * Tells what stands in a URL and does nothing, in its order: a word of the
 * fragment that is no option, an option that its scheme does not heed, a path, a
 * query or a user that syslog does not send. A fragment can be anything, as the
 * original takes any, so none of this makes a URL wrong; but who misspelt
 * "filter=" will want to know. A sentence is printable ASCII and may quote a word
 * of the URL, but no password.
 */
typedef void lp_drain_on_doubt(void *ctx, const char *sentence);
LP_API void lp_drain_url_doubts(const lp_drain_url *url,
                                lp_drain_on_doubt *on_doubt, void *ctx);

/* The address that the host is, with the port: a sockaddr_in or sockaddr_in6.
 * False: it is a name, and *out is AF_UNSPEC. */
LP_API bool lp_drain_url_address(const lp_drain_url *url,
                                 struct sockaddr_storage *out);

/*
 * Writes a part with its percent escapes resolved (RFC 3986 2.1). out has room
 * for part.len_bytes. Returns the bytes written, at most part.len_bytes.
 */
LP_API size_t lp_drain_url_unescape(lp_span part, char *out);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_DRAIN_URL_H */
