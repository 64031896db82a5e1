#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "logplex/drain_url.h"

enum { ROOM_BYTES = 2 * LP_DRAIN_URL_MAX_BYTES };

/* A URL whose text has no byte behind its last, so that a sanitizer sees a
 * read too far. free() it by its first byte. */
static char *exact_copy(const char *text)
{
    size_t len_bytes = strlen(text);
    char *copy = malloc(len_bytes > 0 ? len_bytes : 1);

    assert_non_null(copy);
    memcpy(copy, text, len_bytes);
    return copy;
}

static lp_drain_url read_url(const char *text)
{
    lp_drain_url_error error;
    lp_drain_url url;

    if (lp_drain_url_parse(lp_span_str(text), &url, &error) != LP_OK) {
        fail_msg("%s: %s", text, error.sentence);
    }
    return url;
}

static const char *printed(const lp_drain_url *url)
{
    static char out[ROOM_BYTES];
    size_t n = lp_drain_url_print(url, out, sizeof(out) - 1);

    assert_true(n < sizeof(out));
    out[n] = '\0';
    return out;
}

/* Reads text, and reads what it prints once more. */
static void assert_prints(const char *text, const char *expected)
{
    char *copy = exact_copy(text);
    lp_drain_url_error error;
    lp_drain_url url;
    lp_drain_url again;

    if (lp_drain_url_parse(lp_span_of(copy, strlen(text)), &url, &error) !=
        LP_OK) {
        fail_msg("%s: %s", text, error.sentence);
    }
    assert_string_equal(printed(&url), expected);
    again = read_url(expected);
    assert_true(lp_drain_url_equal(&url, &again));
    assert_string_equal(printed(&again), expected);
    free(copy);
}

static void assert_kept(const char *text)
{
    assert_prints(text, text);
}

static void assert_error_of(lp_span text, lp_err expected, const char *reason,
                            const char *sentence)
{
    lp_drain_url_error error;
    lp_drain_url url;
    lp_err err = lp_drain_url_parse(text, &url, &error);

    if (err == LP_OK) {
        fail_msg("taken: %.*s", (int)text.len_bytes, text.ptr);
    }
    assert_string_equal(error.reason, reason);
    if (sentence != NULL) {
        assert_string_equal(error.sentence, sentence);
    }
    assert_int_equal(err, expected);
    assert_int_equal(lp_drain_url_parse(text, &url, NULL), expected);
}

static void assert_error(const char *text, lp_err expected, const char *reason,
                         const char *sentence)
{
    char *copy = exact_copy(text);

    assert_error_of(lp_span_of(copy, strlen(text)), expected, reason, sentence);
    free(copy);
}

static void assert_span(lp_span span, const char *expected)
{
    if (expected == NULL) {
        assert_null(span.ptr);
        return;
    }
    assert_non_null(span.ptr);
    assert_int_equal(span.len_bytes, strlen(expected));
    assert_memory_equal(span.ptr, expected, span.len_bytes);
}

/* Parts ------------------------------------------------------------------- */

static void a_url_gives_all_its_parts(void **state)
{
    lp_drain_url url =
        read_url("https://us%20er:pa:ss@logs.example.com:8443/a/b?c=d#e");

    (void)state;
    assert_int_equal(url.scheme, LP_DRAIN_HTTPS);
    assert_int_equal(url.host_kind, LP_DRAIN_HOST_NAME);
    assert_int_equal(url.port, 8443);
    assert_true(url.is_port_explicit);
    assert_span(url.user, "us%20er");
    assert_span(url.password, "pa:ss");
    assert_span(url.host, "logs.example.com");
    assert_span(url.path, "/a/b");
    assert_span(url.query, "c=d");
    assert_span(url.fragment, "e");
    assert_false(url.is_insecure);
}

static void
parts_that_are_not_there_are_null_and_empty_ones_are_not(void **state)
{
    lp_drain_url none = read_url("http://h");
    lp_drain_url empty = read_url("http://:@h?#");

    (void)state;
    assert_span(none.user, NULL);
    assert_span(none.password, NULL);
    assert_span(none.path, "");
    assert_span(none.query, NULL);
    assert_span(none.fragment, NULL);
    assert_span(empty.user, "");
    assert_span(empty.password, "");
    assert_span(empty.path, "");
    assert_span(empty.query, "");
    assert_span(empty.fragment, "");
    assert_kept("http://:@h?#");
    assert_kept("http://@h");
    assert_kept("http://:key@h/");
    assert_kept("http://user@h/");
}

static void each_scheme_has_its_own_port(void **state)
{
    static const struct {
        const char *text;
        lp_drain_scheme scheme;
        uint16_t port;
    } cases[] = {
        {"http://h", LP_DRAIN_HTTP, 80},
        {"https://h", LP_DRAIN_HTTPS, 443},
        {"syslog://h", LP_DRAIN_SYSLOG_TCP, 601},
        {"syslog+tls://h", LP_DRAIN_SYSLOG_TLS, 6514},
        {"syslog+udp://h", LP_DRAIN_SYSLOG_UDP, 514},
        {"udpsyslog://h", LP_DRAIN_SYSLOG_UDP, 514},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lp_drain_url url = read_url(cases[i].text);

        assert_int_equal(url.scheme, cases[i].scheme);
        assert_int_equal(url.port, cases[i].port);
        assert_false(url.is_port_explicit);
    }
}

static void a_fragment_says_what_becomes_of_what_is_refused(void **state)
{
    lp_drain_url_error error;
    lp_drain_url url;

    (void)state;
    assert_false(read_url("https://h/#x").says_refused);
    assert_false(read_url("https://h/#refuse=park").says_refused);
    assert_int_equal(read_url("https://h/").refused, LP_DRAIN_DROP);
    url = read_url("https://h/#insecure&x&refused=park");
    assert_true(url.says_refused);
    assert_true(url.is_insecure);
    assert_int_equal(url.refused, LP_DRAIN_PARK);
    assert_int_equal(read_url("http://h/#refused=retry&refused=drop").refused,
                     LP_DRAIN_DROP);
    assert_int_equal(
        lp_drain_url_parse(LP_SPAN("http://h/#refused=never"), &url, &error),
        LP_E_INVALID);
    assert_non_null(strstr(error.sentence, "\"refused=never\""));
}

static void assert_encoding(const char *text, lp_drain_encoding expected)
{
    lp_drain_url url = read_url(text);

    if (url.encoding != expected) {
        fail_msg("%s: encoding %u", text, (unsigned)url.encoding);
    }
}

static void a_fragment_says_how_bodies_of_http_are_encoded(void **state)
{
    (void)state;
    assert_encoding("https://h/", LP_DRAIN_IDENTITY);
    assert_encoding("https://h/#encoding=gzip", LP_DRAIN_GZIP);
    assert_encoding("http://h/#encoding=zstd", LP_DRAIN_ZSTD);
    assert_encoding("http://h/#encoding=identity", LP_DRAIN_IDENTITY);
    assert_encoding("https://h/#insecure&encoding=zstd", LP_DRAIN_ZSTD);
    assert_encoding("https://h/#encoding=zstd&x&refused=park", LP_DRAIN_ZSTD);
    assert_encoding("https://h/#encoding=zstd&encoding=gzip", LP_DRAIN_GZIP);
    assert_encoding("https://h/#xencoding=gzip", LP_DRAIN_IDENTITY);
    assert_encoding("https://h/#encoding", LP_DRAIN_IDENTITY);
    assert_encoding("https://h/encoding=gzip", LP_DRAIN_IDENTITY);
    assert_encoding("syslog://h#encoding=gzip", LP_DRAIN_IDENTITY);
    assert_encoding("syslog+tls://h#encoding=what", LP_DRAIN_IDENTITY);
    assert_kept("https://h/#insecure&encoding=zstd");
}

static void
an_encoding_that_there_is_not_is_told_with_those_that_are(void **state)
{
    (void)state;
    assert_error("https://h/#insecure&encoding=br", LP_E_INVALID,
                 "invalid_http_uri",
                 "\"encoding=br\" in the fragment: bodies are sent as "
                 "\"gzip\", \"zstd\" or \"identity\"");
    assert_error("http://h/#encoding=", LP_E_INVALID, "invalid_http_uri",
                 "\"encoding=\" in the fragment: bodies are sent as \"gzip\", "
                 "\"zstd\" or \"identity\"");
    assert_error("http://h/#encoding=gzip&encoding=GZIP", LP_E_INVALID,
                 "invalid_http_uri", NULL);
}

static void a_query_says_it_too_and_stays_the_sinks(void **state)
{
    (void)state;
    assert_encoding("https://h/?encoding=gzip", LP_DRAIN_GZIP);
    assert_encoding("http://h?a=b&encoding=zstd&c", LP_DRAIN_ZSTD);
    assert_encoding("http://h/?encoding=identity", LP_DRAIN_IDENTITY);
    assert_encoding("http://h/?encoding=utf-8", LP_DRAIN_IDENTITY);
    assert_encoding("http://h/?encoding=zstd&encoding=utf-8", LP_DRAIN_ZSTD);
    assert_encoding("http://h/?encoding=GZIP", LP_DRAIN_IDENTITY);
    assert_encoding("http://h/?encoding=gz%69p", LP_DRAIN_IDENTITY);
    assert_encoding("http://h/?xencoding=gzip", LP_DRAIN_IDENTITY);
    assert_encoding("syslog://h?encoding=gzip", LP_DRAIN_IDENTITY);
    assert_span(read_url("http://h/?encoding=gzip").query, "encoding=gzip");
    assert_kept("http://h/?encoding=gzip");
}

static void the_encoding_of_the_fragment_wins(void **state)
{
    (void)state;
    assert_encoding("http://h/?encoding=gzip#encoding=zstd", LP_DRAIN_ZSTD);
    assert_encoding("http://h/?encoding=gzip#encoding=identity",
                    LP_DRAIN_IDENTITY);
    assert_encoding("http://h/?encoding=gzip#x", LP_DRAIN_GZIP);
}

static void the_fragment_insecure_counts_for_tls_alone(void **state)
{
    (void)state;
    assert_true(read_url("syslog+tls://h#insecure").is_insecure);
    assert_true(read_url("https://h/p?q#insecure").is_insecure);
    assert_false(read_url("syslog+tls://h").is_insecure);
    assert_false(read_url("syslog+tls://h#").is_insecure);
    assert_false(read_url("syslog+tls://h#Insecure").is_insecure);
    assert_false(read_url("syslog+tls://h#insecure2").is_insecure);
    assert_false(read_url("syslog://h#insecure").is_insecure);
    assert_false(read_url("http://h/#insecure").is_insecure);
}

static void lines_are_framed_as_the_query_of_a_stream_says(void **state)
{
    lp_drain_url_error error;
    lp_drain_url url;

    (void)state;
    assert_true(read_url("syslog://h?framing=newline").is_newline_framed);
    assert_true(read_url("syslog+tls://h:1/p?a=b&framing=newline&#insecure")
                    .is_newline_framed);
    assert_false(read_url("syslog://h").is_newline_framed);
    assert_false(read_url("syslog://h?").is_newline_framed);
    assert_false(read_url("syslog://h?framing=octets").is_newline_framed);
    assert_false(read_url("syslog://h?aframing=newline").is_newline_framed);
    assert_false(read_url("syslog+udp://h?framing=newline").is_newline_framed);
    assert_false(read_url("http://h?framing=what").is_newline_framed);
    assert_int_equal(
        lp_drain_url_parse(LP_SPAN("syslog://h?framing=lines"), &url, &error),
        LP_E_INVALID);
    assert_string_equal(error.reason, "invalid_tcpsyslog_uri");
    assert_non_null(strstr(error.sentence, "\"lines\""));
}

static void a_host_is_a_name_or_an_address(void **state)
{
    static const uint8_t v4[16] = {192, 0, 2, 7};
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    static const uint8_t none[16] = {0};
    lp_drain_url url = read_url("http://192.0.2.7/");

    (void)state;
    assert_int_equal(url.host_kind, LP_DRAIN_HOST_IPV4);
    assert_memory_equal(url.address, v4, 16);
    url = read_url("http://[2001:db8::1]/");
    assert_int_equal(url.host_kind, LP_DRAIN_HOST_IPV6);
    assert_memory_equal(url.address, v6, 16);
    assert_span(url.host, "2001:db8::1");
    url = read_url("http://h1.my_net.example./");
    assert_int_equal(url.host_kind, LP_DRAIN_HOST_NAME);
    assert_memory_equal(url.address, none, 16);
    assert_kept("http://1st.example/");
    assert_kept("http://10.0.0.example/");
    assert_kept("http://xn--bcher-kva.example/");
}

static void escapes_are_resolved_on_request(void **state)
{
    lp_drain_url url = read_url("http://pa%20ss%2F%c3%BC:%3a%40%25@h/");
    char out[64];
    size_t n;

    (void)state;
    n = lp_drain_url_unescape(url.user, out);
    assert_int_equal(n, 8);
    assert_memory_equal(out, "pa ss/\xc3\xbc", n);
    n = lp_drain_url_unescape(url.password, out);
    assert_int_equal(n, 3);
    assert_memory_equal(out, ":@%", n);
    assert_int_equal(lp_drain_url_unescape(lp_span_of(NULL, 0), out), 0);
    n = lp_drain_url_unescape(LP_SPAN("%4%zz%41%"), out);
    assert_int_equal(n, 7);
    assert_memory_equal(out, "%4%zzA%", n);
}

/* Printing ---------------------------------------------------------------- */

/* Each URL of the original's transcript that it takes and does not cut. */
static void what_the_original_takes_is_printed_as_by_the_original(void **state)
{
    (void)state;
    assert_kept("http://127.0.0.1:19001/a");
    assert_kept("http://[::1]:19009/v6");
    assert_kept("https://127.0.0.1:19004/x?y=1#frag");
    assert_kept("http://user:pa%20ss@127.0.0.1:19005/p");
    assert_kept("syslog+tls://127.0.0.1:19006");
    assert_kept("syslog+tls://127.0.0.1:19006#insecure");
    assert_kept("syslog://127.0.0.1:19002");
    assert_prints("syslog://127.0.0.1", "syslog://127.0.0.1:601");
    assert_prints("syslog+tls://127.0.0.1", "syslog+tls://127.0.0.1:6514");
}

static void the_port_of_http_is_only_printed_when_it_was_given(void **state)
{
    (void)state;
    assert_kept("http://h");
    assert_kept("http://h:80");
    assert_kept("https://h/");
    assert_kept("https://h:443/");
    assert_prints("http://h:00080/", "http://h:80/");
    assert_kept("http://h:65535/");
    assert_kept("syslog://h:1");
}

static void a_scheme_is_printed_small_and_by_its_first_name(void **state)
{
    (void)state;
    assert_prints("HTTP://127.0.0.1/upper", "http://127.0.0.1/upper");
    assert_prints("SysLog+TLS://h", "syslog+tls://h:6514");
    assert_prints("udpsyslog://127.0.0.1:19003",
                  "syslog+udp://127.0.0.1:19003");
    assert_prints("syslog+udp://127.0.0.1", "syslog+udp://127.0.0.1:514");
}

static void an_ipv6_address_is_printed_in_its_one_form(void **state)
{
    (void)state;
    assert_prints("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/");
    assert_prints("http://[2001:DB8::0:1]:80/", "http://[2001:db8::1]:80/");
    assert_prints("syslog://[::FFFF:192.0.2.7]",
                  "syslog://[::ffff:192.0.2.7]:601");
    assert_kept("http://[::]/");
}

static void all_else_is_printed_as_it_was_given(void **state)
{
    (void)state;
    assert_kept("http://LOGS.Example.com/A%2fb%2F/../c//?q=%20&r=?/:@#f?/");
    assert_kept("http://h/-._~!$&'()*+,;=:@");
    assert_kept("http://u-._~!$&'()*+,;=:-._~!$&'()*+,;=:@h/");
    assert_kept("syslog://u:p@h:1/path?query#fragment");
}

static void nothing_is_written_without_room_for_all(void **state)
{
    lp_drain_url url = read_url("http://u:secret@h/");
    char out[18];

    (void)state;
    memset(out, 'x', sizeof(out));
    assert_int_equal(lp_drain_url_print(&url, NULL, 0), 18);
    assert_int_equal(lp_drain_url_print(&url, out, 17), 18);
    assert_int_equal(out[0], 'x');
    assert_int_equal(lp_drain_url_print(&url, out, 18), 18);
    assert_memory_equal(out, "http://u:secret@h/", 18);
}

static void assert_redacted(const char *text, const char *expected)
{
    char out[ROOM_BYTES];
    lp_drain_url url = read_url(text);
    size_t n = lp_drain_url_print_redacted(&url, out, sizeof(out));

    assert_int_equal(n, strlen(expected));
    assert_memory_equal(out, expected, n);
    read_url(expected);
}

static void a_log_shows_three_stars_for_a_password(void **state)
{
    (void)state;
    assert_redacted("http://user:pa%20ss:@h:1/p?q#f",
                    "http://user:***@h:1/p?q#f");
    assert_redacted("https://:key@h/", "https://:***@h/");
    assert_redacted("https://user:@h/", "https://user:***@h/");
    assert_redacted("https://user@h/", "https://user@h/");
    assert_redacted("syslog://h", "syslog://h:601");
}

/* What is refused --------------------------------------------------------- */

/* Each URL of the original's transcript that it refuses, by its own reason. */
static void what_the_original_refuses_is_refused_for_its_reason(void **state)
{
    (void)state;
    assert_error("", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("not a url", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("i am not a url", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("127.0.0.1:19001", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("ftp://x/", LP_E_INVALID, "{unknown_scheme,\"ftp\"}", NULL);
    assert_error("ftp://x", LP_E_INVALID, "{unknown_scheme,\"ftp\"}", NULL);
    assert_error("http://", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http:///path", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("httpx://127.0.0.1/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("syslog://127.0.0.1:99999", LP_E_INVALID,
                 "invalid_tcpsyslog_uri", NULL);
    assert_error("syslog://127.0.0.1:0", LP_E_INVALID, "invalid_tcpsyslog_uri",
                 NULL);
    assert_error("tcpsyslog://127.0.0.1:19003", LP_E_INVALID,
                 "invalid_tcpsyslog_uri", NULL);
    assert_error("syslog+tcp://127.0.0.1:19003", LP_E_INVALID,
                 "invalid_tcpsyslog_uri", NULL);
    assert_error("http://host:/", LP_E_SYNTAX, "invalid_url", NULL);
}

/* What the original takes, cut or as it is, and cannot send to. */
static void what_the_original_takes_by_mistake_is_refused(void **state)
{
    (void)state;
    assert_error("http://127.0.0.1:99999/", LP_E_INVALID, "invalid_http_uri",
                 "the port \"99999\" is not from 1 to 65535");
    assert_error("http://127.0.0.1:0/", LP_E_INVALID, "invalid_http_uri",
                 "the port \"0\" is not from 1 to 65535");
    assert_error("http://exa mple/", LP_E_SYNTAX, "invalid_uri",
                 "the host \"exa mple\" has more than letters, digits, \"-\", "
                 "\"_\" and \".\": a name of other letters is written in its "
                 "\"xn--\" form");
    assert_error("syslog://", LP_E_INVALID, "invalid_tcpsyslog_uri",
                 "there is no host: a drain is like syslog://host:601");
    assert_error("http://h/a b", LP_E_SYNTAX, "invalid_uri",
                 "the byte at 10 can't be in a URL as it is: it is written "
                 "%20");
}

static void
an_empty_text_and_one_without_scheme_are_told_what_is_right(void **state)
{
    static const char sentence[] =
        "there is no scheme in front: a drain is like https://host/path or "
        "syslog://host:601";

    (void)state;
    assert_error_of(lp_span_of(NULL, 0), LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error("", LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error("http", LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error("://h/", LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error("//h/", LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error("+http://h/", LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error(" http://h/", LP_E_SYNTAX, "invalid_uri", sentence);
    assert_error_of(LP_SPAN("ht\0tp://h/"), LP_E_SYNTAX, "invalid_uri",
                    sentence);
}

static void a_scheme_of_another_kind_is_told_which_there_are(void **state)
{
    (void)state;
    assert_error("ftp://x/", LP_E_INVALID, "{unknown_scheme,\"ftp\"}",
                 "the scheme \"ftp\" is none of http, https, syslog, "
                 "syslog+tls and syslog+udp");
    assert_error("localhost:8080", LP_E_INVALID,
                 "{unknown_scheme,\"localhost\"}", NULL);
    assert_error("HttpX://h/", LP_E_INVALID, "invalid_http_uri",
                 "the scheme \"HttpX\" is none of http, https, syslog, "
                 "syslog+tls and syslog+udp");
    assert_error("TCPsyslog://h", LP_E_INVALID, "invalid_tcpsyslog_uri",
                 "the scheme \"TCPsyslog\" is written \"syslog\"");
    assert_error("htt://h", LP_E_INVALID, "{unknown_scheme,\"htt\"}", NULL);
    assert_error(
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefff:", LP_E_INVALID,
        "{unknown_scheme,"
        "\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee...\"}",
        NULL);
}

static void a_host_that_is_missing_is_told_by_an_example(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
        const char *example;
    } cases[] = {
        {"http:", "invalid_http_uri", "http://host/path"},
        {"http:h", "invalid_http_uri", "http://host/path"},
        {"http:/h", "invalid_http_uri", "http://host/path"},
        {"https://:443/", "invalid_http_uri", "https://host/path"},
        {"https://u:p@/", "invalid_http_uri", "https://host/path"},
        {"http://?q", "invalid_http_uri", "http://host/path"},
        {"syslog://:601", "invalid_tcpsyslog_uri", "syslog://host:601"},
        {"syslog+tls://", "invalid_tlssyslog_uri", "syslog+tls://host:6514"},
        {"syslog+udp://", "invalid_udpsyslog_uri", "syslog+udp://host:514"},
        {"udpsyslog://", "invalid_udpsyslog_uri", "syslog+udp://host:514"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sentence[128];

        snprintf(sentence, sizeof(sentence),
                 "there is no host: a drain is like %s", cases[i].example);
        assert_error(cases[i].text, LP_E_INVALID, cases[i].reason, sentence);
    }
}

static void a_host_that_is_no_name_is_refused(void **state)
{
    (void)state;
    assert_error("http://b\xc3\xbc"
                 "cher.example/",
                 LP_E_SYNTAX, "invalid_uri",
                 "the host \"b%C3%BCcher.example\" has more than letters, "
                 "digits, \"-\", \"_\" and \".\": a name of other letters is "
                 "written in its \"xn--\" form");
    assert_error("http://a%20b/", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://a,b/", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("syslog+tls://a..b", LP_E_INVALID, "invalid_tlssyslog_uri",
                 "the host \"a..b\" is no name: its dots have 1 to 63 bytes "
                 "between them, and all together are at most 253");
    assert_error("http://.a/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://./", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://a../", LP_E_INVALID, "invalid_http_uri", NULL);
}

/* "http://", n letters, and a dot behind each that is told. */
static const char *url_of_labels(const size_t *label_bytes, size_t n)
{
    static char text[512];
    size_t len_bytes = strlen("http://");

    memcpy(text, "http://", len_bytes);
    for (size_t i = 0; i < n; i++) {
        memset(text + len_bytes, 'a', label_bytes[i]);
        len_bytes += label_bytes[i];
        text[len_bytes] = '.';
        len_bytes++;
    }
    text[len_bytes] = '\0';
    return text;
}

static void a_name_has_63_bytes_between_dots_and_253_in_all(void **state)
{
    static const size_t longest[] = {63, 63, 63, 61};
    static const size_t longer[] = {63, 63, 63, 62};
    static const size_t one_longer[] = {64};

    (void)state;
    assert_kept(url_of_labels(longest, 4));
    assert_error(url_of_labels(longer, 4), LP_E_INVALID, "invalid_http_uri",
                 NULL);
    assert_error(url_of_labels(one_longer, 1), LP_E_INVALID, "invalid_http_uri",
                 NULL);
}

static void what_looks_like_ipv4_must_be_it(void **state)
{
    (void)state;
    assert_error("http://10.0.0.256/", LP_E_INVALID, "invalid_http_uri",
                 "the host \"10.0.0.256\" ends in a number and is no IPv4 "
                 "address: that is four numbers from 0 to 255, without zeros "
                 "in front");
    assert_error("http://127.1/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://2130706433/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://0x7f000001/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://127.0.0.0X1/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://0x/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://1.2.3.4.5/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://1.2.3.4./", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://010.0.0.1/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://a.1/", LP_E_INVALID, "invalid_http_uri", NULL);
}

static void what_is_in_brackets_must_be_ipv6(void **state)
{
    (void)state;
    assert_error("http://[::g]/", LP_E_INVALID, "invalid_http_uri",
                 "the host \"[::g]\" is no IPv6 address: one is like "
                 "[2001:db8::1], and has no zone");
    assert_error("http://[]/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://[1.2.3.4]/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://[fe80::1%25eth0]/", LP_E_INVALID, "invalid_http_uri",
                 NULL);
    assert_error("http://[v1.a]/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://[1:2:3:4:5:6:7:8:9]/", LP_E_INVALID,
                 "invalid_http_uri", NULL);
    assert_error_of(LP_SPAN("http://[::1\0]/"), LP_E_INVALID,
                    "invalid_http_uri", NULL);
    assert_error("http://[::1/", LP_E_INVALID, "invalid_http_uri",
                 "the \"[\" of the host has no \"]\": an IPv6 address is like "
                 "[2001:db8::1]");
    assert_error("http://[::1]80/", LP_E_SYNTAX, "invalid_uri",
                 "\"80\" is behind the \"]\" of the host: only a \":\" and a "
                 "port can be there");
    assert_error("syslog://2001:db8::1", LP_E_SYNTAX, "invalid_url",
                 "an IPv6 address is written in brackets: [2001:db8::1]");
}

static void a_port_is_a_number_from_1_to_65535(void **state)
{
    (void)state;
    assert_error("http://h:/", LP_E_SYNTAX, "invalid_url",
                 "the port \"\" is not from 1 to 65535");
    assert_error("http://h:http/", LP_E_SYNTAX, "invalid_url",
                 "the port \"http\" is not from 1 to 65535");
    assert_error("http://h:+80/", LP_E_SYNTAX, "invalid_url", NULL);
    assert_error("http://h:80:/", LP_E_SYNTAX, "invalid_url", NULL);
    assert_error("http://[::1]:/", LP_E_SYNTAX, "invalid_url", NULL);
    assert_error("https://h:65536", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("syslog+tls://h:65536", LP_E_INVALID, "invalid_tlssyslog_uri",
                 NULL);
    assert_error("syslog+udp://h:0", LP_E_INVALID, "invalid_udpsyslog_uri",
                 NULL);
    assert_error("http://h:4294967376/", LP_E_INVALID, "invalid_http_uri",
                 NULL);
    assert_error("http://h:18446744073709551696/", LP_E_INVALID,
                 "invalid_http_uri",
                 "the port \"18446744073709551696\" is not from 1 to 65535");
}

static void a_byte_that_wants_escaping_is_told_with_its_escape(void **state)
{
    (void)state;
    assert_error("http://h/?a[]=1", LP_E_SYNTAX, "invalid_uri",
                 "the byte at 11 can't be in a URL as it is: it is written "
                 "%5B");
    assert_error("http://h/#a#b", LP_E_SYNTAX, "invalid_uri",
                 "the byte at 11 can't be in a URL as it is: it is written "
                 "%23");
    assert_error("http://h/\xc3\xbc", LP_E_SYNTAX, "invalid_uri",
                 "the byte at 9 can't be in a URL as it is: it is written "
                 "%C3");
    assert_error("http://us er@h/", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://u:p\x7f@h/", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://h/p\n", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://h/\"<>\\^`{|}", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error_of(LP_SPAN("http://h/p\0"), LP_E_SYNTAX, "invalid_uri",
                    "the byte at 10 can't be in a URL as it is: it is written "
                    "%00");
}

static void an_escape_is_whole(void **state)
{
    (void)state;
    assert_error("http://h/100%", LP_E_SYNTAX, "invalid_uri",
                 "the \"%\" at byte 12 has no two hexadecimal digits behind "
                 "it: by itself it is written %25");
    assert_error("http://h/%4", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://h/%4g", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://h/%4?a", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://u%4@h/", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://u:%4@h/", LP_E_SYNTAX, "invalid_uri", NULL);
    assert_error("http://u%3:1@h/", LP_E_SYNTAX, "invalid_uri", NULL);
}

static void a_user_and_a_password_fit_an_authorization_header(void **state)
{
    (void)state;
    assert_error("http://u:a%0ab@h/", LP_E_INVALID, "invalid_http_uri",
                 "the user and the password can have no control bytes, and "
                 "%0a is one");
    assert_error("http://u%00@h/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://u%7F@h/", LP_E_INVALID, "invalid_http_uri", NULL);
    assert_error("http://u%3Av:p@h/", LP_E_INVALID, "invalid_http_uri",
                 "the user can have no colon, and %3A is one: the first colon "
                 "begins the password");
    assert_error("http://u:p@ss@h/", LP_E_SYNTAX, "invalid_uri",
                 "an \"@\" in the user or the password is written %40");
}

static void an_error_shows_nothing_of_a_password(void **state)
{
    static const char *texts[] = {
        "http://user:sesame/x@h/",
        "http://user:sesame?x@h/",
        "http://user:sesame#x@h/",
        "http://user:se same@h/",
        "http://user:sesame@h:0/",
        "http://user:sesame@h h/",
        "http://user:sesame%@h/",
        "http://user:ses@ame@h/",
        "http://user:sesame@",
        "http://user:sesame@[::g]/",
        "http://user:sesame@h/ ",
        "ftp://user:sesame@h/",
        "user:sesame@h",
        "1user:sesame@h",
        "http://[user:sesame@h/",
        "http://user:sesame%00@h/",
        "http://user:sesame/[x@h/",
        "http://[user:sesame/@h/",
        "http://u.1:sesame/x@h:80/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        lp_drain_url_error error;
        lp_drain_url url;

        if (lp_drain_url_parse(lp_span_str(texts[i]), &url, &error) == LP_OK) {
            fail_msg("taken: %s", texts[i]);
        }
        if (strstr(error.sentence, "ses") != NULL ||
            strstr(error.reason, "ses") != NULL) {
            fail_msg("%s: %s", texts[i], error.sentence);
        }
    }
    assert_error("http://user:sesame/x@h/", LP_E_SYNTAX, "invalid_url",
                 "the host or the port is wrong; if the \"@\" behind it ends a "
                 "password, then a \"/\", \"?\" or \"#\" before it is written "
                 "%2F, %3F or %23");
}

/* front, and letters up to len_bytes. */
static const char *padded(const char *front, size_t len_bytes)
{
    static char text[ROOM_BYTES];

    assert_true(len_bytes < sizeof(text));
    memset(text, 'a', len_bytes);
    memcpy(text, front, strlen(front));
    text[len_bytes] = '\0';
    return text;
}

static void a_url_has_at_most_2048_bytes_as_given_and_as_printed(void **state)
{
    (void)state;
    assert_kept(padded("http://h/", 2048));
    assert_error(padded("http://h/", 2049), LP_E_SYNTAX, "invalid_uri",
                 "the URL takes 2049 bytes, and at most 2048 are taken");
    assert_error(padded("http://h:00080/", 2049), LP_E_SYNTAX, "invalid_uri",
                 "the URL takes 2049 bytes, and at most 2048 are taken");
    read_url(padded("syslog://h/", 2044));
    assert_error(padded("syslog://h/", 2045), LP_E_SYNTAX, "invalid_uri",
                 "the URL takes 2049 bytes, and at most 2048 are taken");
}

static void a_url_that_is_refused_changes_nothing(void **state)
{
    lp_drain_url before;
    lp_drain_url url;

    (void)state;
    memset(&before, 0x55, sizeof(before));
    memcpy(&url, &before, sizeof(url));
    assert_int_equal(
        lp_drain_url_parse(LP_SPAN("http://u:p@h:1/ "), &url, NULL),
        LP_E_SYNTAX);
    assert_memory_equal(&url, &before, sizeof(url));
}

/* Host and port ----------------------------------------------------------- */

static void assert_host_prints(const char *host, const int64_t *port,
                               const char *expected)
{
    lp_drain_url_error error;
    lp_drain_url again = read_url(expected);
    lp_drain_url url;

    if (lp_drain_url_from_host(lp_span_str(host), port, &url, &error) !=
        LP_OK) {
        fail_msg("%s: %s", host, error.sentence);
    }
    assert_string_equal(printed(&url), expected);
    assert_true(lp_drain_url_equal(&url, &again));
}

static void a_host_and_a_port_are_a_syslog_url(void **state)
{
    const int64_t port = 19002;
    const int64_t highest = 65535;

    (void)state;
    assert_host_prints("127.0.0.1", &port, "syslog://127.0.0.1:19002");
    assert_host_prints("127.0.0.1", NULL, "syslog://127.0.0.1:514");
    assert_host_prints("logs.example.com", &highest,
                       "syslog://logs.example.com:65535");
    assert_host_prints("0::1", &port, "syslog://[::1]:19002");
    assert_host_prints("[0::1]", NULL, "syslog://[::1]:514");
}

static void assert_host_error(lp_span host, const int64_t *port,
                              const char *reason, const char *sentence)
{
    lp_drain_url_error error;
    lp_drain_url url;

    assert_int_not_equal(lp_drain_url_from_host(host, port, &url, &error),
                         LP_OK);
    assert_string_equal(error.reason, reason);
    if (sentence != NULL) {
        assert_string_equal(error.sentence, sentence);
    }
    assert_int_not_equal(lp_drain_url_from_host(host, port, &url, NULL), LP_OK);
}

static void a_host_or_a_port_that_is_wrong_is_told(void **state)
{
    static const int64_t wrong[] = {70000, 0, -1, 65536, INT64_MIN, INT64_MAX};
    const int64_t port = 514;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_host_error(LP_SPAN("127.0.0.1"), &wrong[i],
                          "invalid_tcpsyslog_uri", NULL);
    }
    assert_host_error(LP_SPAN("127.0.0.1"), &wrong[0], "invalid_tcpsyslog_uri",
                      "the port \"70000\" is not from 1 to 65535");
    assert_host_error(lp_span_of(NULL, 0), &port, "missing_host_param",
                      "there is neither a \"url\", as in "
                      "\"https://host/path\", nor a \"host\"");
    assert_host_error(LP_SPAN(""), &port, "invalid_tcpsyslog_uri", NULL);
    assert_host_error(LP_SPAN("[]"), &port, "invalid_tcpsyslog_uri", NULL);
    assert_host_error(LP_SPAN("[h]"), &port, "invalid_tcpsyslog_uri", NULL);
    assert_host_error(LP_SPAN("h:514"), NULL, "invalid_tcpsyslog_uri", NULL);
    assert_host_error(LP_SPAN("u@h"), NULL, "invalid_uri", NULL);
    assert_host_error(LP_SPAN("h/p"), NULL, "invalid_uri", NULL);
}

/* Equality ---------------------------------------------------------------- */

static bool are_equal(const char *a, const char *b)
{
    lp_drain_url one = read_url(a);
    lp_drain_url other = read_url(b);
    bool is_equal = lp_drain_url_equal(&one, &other);

    assert_int_equal(lp_drain_url_equal(&other, &one), is_equal);
    assert_true(lp_drain_url_equal(&one, &one));
    return is_equal;
}

static void urls_of_equal_parts_are_equal(void **state)
{
    (void)state;
    assert_true(are_equal("HTTP://Host.Example/a", "http://hOST.eXAMPLE/a"));
    assert_true(are_equal("syslog://h", "syslog://h:601"));
    assert_true(are_equal("udpsyslog://h", "syslog+udp://h:514"));
    assert_true(are_equal("http://[::1]/", "http://[0:0::0:1]/"));
    assert_true(are_equal("http://h:80/", "http://h:080/"));
    assert_true(are_equal("http://u:p@h/?q#f", "http://u:p@H/?q#f"));
}

static void urls_that_differ_in_a_part_differ(void **state)
{
    static const char *texts[] = {
        "http://h",
        "http://h/",
        "http://h:80/",
        "http://h:81/",
        "https://h:80/",
        "http://h./",
        "http://g/",
        "http://h/a",
        "http://h/A",
        "http://h/%61",
        "http://h/%6A",
        "http://h/%6a",
        "http://h/?",
        "http://h/?q",
        "http://h/?Q",
        "http://h/#",
        "http://h/#f",
        "http://h/#F",
        "http://@h/",
        "http://u@h/",
        "http://U@h/",
        "http://u:@h/",
        "http://u:p@h/",
        "http://u:P@h/",
        "http://v:p@h/",
        "http://1.2.3.4/",
        "http://[::102:304]/",
        "http://[102:304::]/",
        "syslog://h",
        "syslog+tls://h:601",
        "syslog+udp://h:601",
        "syslog://h:602",
    };
    size_t n = sizeof(texts) / sizeof(texts[0]);

    (void)state;
    for (size_t a = 0; a < n; a++) {
        for (size_t b = 0; b < n; b++) {
            if (are_equal(texts[a], texts[b]) != (a == b)) {
                fail_msg("%s and %s", texts[a], texts[b]);
            }
        }
    }
}

/* Doubts ------------------------------------------------------------------ */

static char told[4 * LP_DRAIN_URL_SENTENCE_MAX_BYTES];

static void keep_doubt(void *ctx, const char *sentence)
{
    size_t n = strlen(told);

    (void)ctx;
    snprintf(told + n, sizeof(told) - n, "%s\n", sentence);
}

/* All that is told of a URL, a line each. */
static const char *doubts_of(const char *text)
{
    lp_drain_url url = read_url(text);

    told[0] = '\0';
    lp_drain_url_doubts(&url, keep_doubt, NULL);
    return told;
}

static void assert_meant(const char *word, const char *option)
{
    char text[128];
    char expected[256];

    snprintf(text, sizeof(text), "https://h/#%s", word);
    snprintf(expected, sizeof(expected),
             "\"%s\" in the fragment does nothing: did you mean \"%s\"?\n",
             word, option);
    assert_string_equal(doubts_of(text), expected);
}

static void a_url_without_idle_parts_raises_no_doubt(void **state)
{
    (void)state;
    assert_string_equal(doubts_of("http://u:p@h:1/p?filtr=x&framing=y"), "");
    assert_string_equal(doubts_of("https://h/#insecure&refused=park&"
                                  "encoding=zstd&filter=a&rate=5"),
                        "");
    assert_string_equal(doubts_of("https://h/#"), "");
    assert_string_equal(doubts_of("https://h/#&&insecure&"), "");
    assert_string_equal(doubts_of("syslog://h"), "");
    assert_string_equal(doubts_of("syslog://h/?framing=octets#filter=a"), "");
    assert_string_equal(doubts_of("syslog+tls://h?framing=newline#insecure"),
                        "");
    assert_string_equal(doubts_of("syslog+udp://h#rate=5"), "");
}

static void a_misspelt_option_is_told_with_the_one_that_was_meant(void **state)
{
    (void)state;
    assert_meant("insecur", "insecure");
    assert_meant("insecure=true", "insecure");
    assert_meant("Insecure", "insecure");
    assert_meant("insecurely=1", "insecure");
    assert_meant("refuse=park", "refused=");
    assert_meant("filtr=status%3E500", "filter=");
    assert_meant("filter", "filter=");
    assert_meant("fitler=x", "filter=");
    assert_meant("encodng=zstd", "encoding=");
    assert_meant("rates=5", "rate=");
}

static void what_is_like_no_option_is_told_with_all_of_them(void **state)
{
    static const char rest[] =
        "\" in the fragment does nothing: the options are insecure, refused=, "
        "encoding=, filter= and rate=, with \"&\" between them\n";
    static const char *const words[] = {
        "top", "compression=gzip",        "insecure;encoding=gzip", "ra",
        "=",   "insecureinsecureinsecure"};
    char text[128];
    char expected[512];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(text, sizeof(text), "https://h/#%s", words[i]);
        snprintf(expected, sizeof(expected), "\"%s%s", words[i], rest);
        assert_string_equal(doubts_of(text), expected);
    }
}

static void an_option_that_its_scheme_does_not_heed_is_told(void **state)
{
    (void)state;
    assert_string_equal(doubts_of("http://h/#insecure"),
                        "\"insecure\" in the fragment does nothing over http: "
                        "there is no certificate\n");
    assert_string_equal(
        doubts_of("syslog://h#encoding=zstd&refused=park"),
        "\"encoding=zstd\" in the fragment does nothing over syslog: nothing "
        "is compressed there\n"
        "\"refused=park\" in the fragment does nothing over syslog: no sink "
        "answers there\n");
}

static void what_is_said_again_does_nothing_the_first_time(void **state)
{
    (void)state;
    assert_string_equal(doubts_of("https://h/#rate=5&insecure&rate=6"),
                        "\"rate=5\" in the fragment does nothing: it is said "
                        "again behind it\n");
    assert_int_equal(read_url("https://h/#rate=5&rate=6").rate_lines, 6);
}

static void what_syslog_does_not_send_is_told(void **state)
{
    (void)state;
    assert_string_equal(
        doubts_of("syslog://u:geheim@h/a/b?framin=newline"),
        "the user and the password are not sent over syslog\n"
        "the path \"/a/b\" is not sent over syslog\n"
        "\"framin=newline\" in the query does nothing over syslog: it can say "
        "\"framing=newline\"\n");
    assert_string_equal(doubts_of("syslog+udp://h?framing=newline"),
                        "\"framing=newline\" in the query does nothing over "
                        "syslog+udp, where a line is a datagram\n");
}

static void a_long_word_is_cut(void **state)
{
    char text[256] = "https://h/#";

    (void)state;
    memset(text + strlen(text), 'x', 200);
    doubts_of(text);
    assert_int_equal(strspn(told + 1, "x"), 48);
}

/* Addresses --------------------------------------------------------------- */

static void
the_address_of_a_host_that_is_one_is_told_with_its_port(void **state)
{
    struct sockaddr_storage address;
    const struct sockaddr_in *ip4 = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)&address;
    char shown[INET6_ADDRSTRLEN];
    lp_drain_url url = read_url("syslog://192.0.2.7");

    (void)state;
    assert_true(lp_drain_url_address(&url, &address));
    assert_int_equal(address.ss_family, AF_INET);
    assert_int_equal(ntohs(ip4->sin_port), 601);
    assert_string_equal(
        inet_ntop(AF_INET, &ip4->sin_addr, shown, sizeof(shown)), "192.0.2.7");
    url = read_url("https://[2001:db8::1]:8443/");
    assert_true(lp_drain_url_address(&url, &address));
    assert_int_equal(address.ss_family, AF_INET6);
    assert_int_equal(ntohs(ip6->sin6_port), 8443);
    assert_string_equal(
        inet_ntop(AF_INET6, &ip6->sin6_addr, shown, sizeof(shown)),
        "2001:db8::1");
    url = read_url("https://host/");
    assert_false(lp_drain_url_address(&url, &address));
    assert_int_equal(address.ss_family, AF_UNSPEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_gives_all_its_parts),
        cmocka_unit_test(
            parts_that_are_not_there_are_null_and_empty_ones_are_not),
        cmocka_unit_test(each_scheme_has_its_own_port),
        cmocka_unit_test(the_fragment_insecure_counts_for_tls_alone),
        cmocka_unit_test(a_fragment_says_what_becomes_of_what_is_refused),
        cmocka_unit_test(a_fragment_says_how_bodies_of_http_are_encoded),
        cmocka_unit_test(
            an_encoding_that_there_is_not_is_told_with_those_that_are),
        cmocka_unit_test(a_query_says_it_too_and_stays_the_sinks),
        cmocka_unit_test(the_encoding_of_the_fragment_wins),
        cmocka_unit_test(lines_are_framed_as_the_query_of_a_stream_says),
        cmocka_unit_test(a_host_is_a_name_or_an_address),
        cmocka_unit_test(escapes_are_resolved_on_request),
        cmocka_unit_test(what_the_original_takes_is_printed_as_by_the_original),
        cmocka_unit_test(the_port_of_http_is_only_printed_when_it_was_given),
        cmocka_unit_test(a_scheme_is_printed_small_and_by_its_first_name),
        cmocka_unit_test(an_ipv6_address_is_printed_in_its_one_form),
        cmocka_unit_test(all_else_is_printed_as_it_was_given),
        cmocka_unit_test(nothing_is_written_without_room_for_all),
        cmocka_unit_test(a_log_shows_three_stars_for_a_password),
        cmocka_unit_test(what_the_original_refuses_is_refused_for_its_reason),
        cmocka_unit_test(what_the_original_takes_by_mistake_is_refused),
        cmocka_unit_test(
            an_empty_text_and_one_without_scheme_are_told_what_is_right),
        cmocka_unit_test(a_scheme_of_another_kind_is_told_which_there_are),
        cmocka_unit_test(a_host_that_is_missing_is_told_by_an_example),
        cmocka_unit_test(a_host_that_is_no_name_is_refused),
        cmocka_unit_test(a_name_has_63_bytes_between_dots_and_253_in_all),
        cmocka_unit_test(what_looks_like_ipv4_must_be_it),
        cmocka_unit_test(what_is_in_brackets_must_be_ipv6),
        cmocka_unit_test(a_port_is_a_number_from_1_to_65535),
        cmocka_unit_test(a_byte_that_wants_escaping_is_told_with_its_escape),
        cmocka_unit_test(an_escape_is_whole),
        cmocka_unit_test(a_user_and_a_password_fit_an_authorization_header),
        cmocka_unit_test(an_error_shows_nothing_of_a_password),
        cmocka_unit_test(a_url_has_at_most_2048_bytes_as_given_and_as_printed),
        cmocka_unit_test(a_url_that_is_refused_changes_nothing),
        cmocka_unit_test(a_host_and_a_port_are_a_syslog_url),
        cmocka_unit_test(a_host_or_a_port_that_is_wrong_is_told),
        cmocka_unit_test(a_url_without_idle_parts_raises_no_doubt),
        cmocka_unit_test(a_misspelt_option_is_told_with_the_one_that_was_meant),
        cmocka_unit_test(what_is_like_no_option_is_told_with_all_of_them),
        cmocka_unit_test(an_option_that_its_scheme_does_not_heed_is_told),
        cmocka_unit_test(what_is_said_again_does_nothing_the_first_time),
        cmocka_unit_test(what_syslog_does_not_send_is_told),
        cmocka_unit_test(a_long_word_is_cut),
        cmocka_unit_test(
            the_address_of_a_host_that_is_one_is_told_with_its_port),
        cmocka_unit_test(urls_of_equal_parts_are_equal),
        cmocka_unit_test(urls_that_differ_in_a_part_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
