#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "logplex/drain_guard.h"

static lp_drain_guard guard;

static int set_up(void **state)
{
    (void)state;
    memset(&guard, 0, sizeof(guard));
    return 0;
}

/* One rule, from a text with no byte behind its last, so that a sanitizer sees
 * a read too far. */
static lp_err add_one(bool is_allowed, lp_span text, char *why,
                      size_t why_bytes)
{
    char *copy = malloc(text.len_bytes > 0 ? text.len_bytes : 1);
    lp_err err;

    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len_bytes);
    err = lp_drain_guard_add(&guard, is_allowed,
                             lp_span_of(copy, text.len_bytes), why, why_bytes);
    free(copy);
    return err;
}

/* Rules apart by blanks. */
static void add(bool is_allowed, const char *rules)
{
    while (*rules != '\0') {
        lp_span text = lp_span_of(rules, strcspn(rules, " "));
        char why[LP_DRAIN_RULE_WHY_MAX_BYTES];

        if (add_one(is_allowed, text, why, sizeof(why)) != LP_OK) {
            fail_msg("%s: %s", rules, why);
        }
        rules += text.len_bytes;
        rules += strspn(rules, " ");
    }
}

static void deny(const char *rules)
{
    add(false, rules);
}

static void allow(const char *rules)
{
    add(true, rules);
}

static bool allows(const char *text)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
    struct sockaddr_in sin = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &sin.sin_addr) == 1) {
        return lp_drain_guard_allows(&guard, (const void *)&sin);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
    return lp_drain_guard_allows(&guard, (const void *)&sin6);
}

/* Addresses apart by blanks. */
static void assert_all(bool expected, const char *addresses)
{
    char address[INET6_ADDRSTRLEN];

    while (*addresses != '\0') {
        size_t n = strcspn(addresses, " ");

        assert_true(n < sizeof(address));
        memcpy(address, addresses, n);
        address[n] = '\0';
        if (allows(address) != expected) {
            fail_msg("%s is %s", address, expected ? "denied" : "allowed");
        }
        addresses += n;
        addresses += strspn(addresses, " ");
    }
}

static void assert_allowed(const char *addresses)
{
    assert_all(true, addresses);
}

static void assert_denied(const char *addresses)
{
    assert_all(false, addresses);
}

/* What is built in -------------------------------------------------------- */

static void
without_rules_all_is_allowed_that_can_be_the_place_of_a_sink(void **state)
{
    (void)state;
    assert_allowed("192.0.2.1 8.8.8.8 1.0.0.0 223.255.255.255 240.0.0.1");
    assert_allowed("127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1");
    assert_allowed("2001:db8::1 2606:4700::1111 ::1 fd00::1 fec0::1");
    assert_denied("0.0.0.0 0.255.255.255 224.0.0.1 239.255.255.255 "
                  "255.255.255.255");
    assert_denied(":: ff02::1 ff0e::1 64:ff9b:1::1 64:ff9b:1:ffff::1");
}

static void
without_rules_link_local_and_metadata_addresses_are_denied(void **state)
{
    (void)state;
    assert_denied("169.254.0.0 169.254.255.255 fe80::1 febf:ffff::1");
    assert_allowed("169.253.255.255 169.255.0.0 fe7f::1 fec0::1");
    assert_denied("169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 "
                  "169.254.170.2");
    assert_denied("fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42 "
                  "fe80::a9fe:a9fe");
    assert_allowed("100.100.100.199 100.100.100.201 168.63.129.17 "
                   "fd00:ec2::253");
}

static void an_address_of_another_family_is_denied(void **state)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "/run/s"};
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    (void)state;
    allow("all");
    assert_false(lp_drain_guard_allows(&guard, (const void *)&sun));
    assert_false(lp_drain_guard_allows(&guard, &none));
}

static void a_port_and_a_scope_make_no_difference(void **state)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_scope_id = 7};

    (void)state;
    sin6.sin6_port = htons(443);
    assert_int_equal(inet_pton(AF_INET6, "fe80::1", &sin6.sin6_addr), 1);
    assert_false(lp_drain_guard_allows(&guard, (const void *)&sin6));
    allow("fe80::1");
    assert_true(lp_drain_guard_allows(&guard, (const void *)&sin6));
}

static void a_sockaddr_need_not_be_aligned_as_what_it_is(void **state)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    _Alignas(8) char bytes[sizeof(sin) + 2];

    (void)state;
    sin.sin_addr.s_addr = htonl(0xa9fea9fe);
    memcpy(bytes + 2, &sin, sizeof(sin));
    assert_false(lp_drain_guard_allows(&guard, (const void *)(bytes + 2)));
}

/* Words ------------------------------------------------------------------- */

static void the_word_loopback_is_this_host(void **state)
{
    (void)state;
    deny("loopback");
    assert_denied("127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1");
    assert_allowed("126.255.255.255 128.0.0.0 ::1:0:0:2 10.0.0.1");
}

static void the_word_private_is_what_has_no_place_in_the_internet(void **state)
{
    (void)state;
    deny("private");
    assert_denied("10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 "
                  "192.168.0.0 192.168.255.255 100.64.0.0 100.127.255.255");
    assert_denied("fc00:: fdff:ffff::1 fec0::1 feff::1");
    assert_allowed("9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 "
                   "192.167.255.255 192.169.0.0 100.63.255.255 100.128.0.0");
    assert_allowed("127.0.0.1 ::1 fbff::1 2001:db8::1");
}

static void the_word_all_is_every_address(void **state)
{
    (void)state;
    deny("all");
    assert_denied("192.0.2.1 2001:db8::1 127.0.0.1 ::1");
    allow("192.0.2.0/24 ::1");
    assert_allowed("192.0.2.1 ::1");
    assert_denied("192.0.3.1 ::2");
}

static void a_prefix_of_one_version_is_nothing_to_the_other(void **state)
{
    (void)state;
    deny("::/0");
    assert_denied("2001:db8::1 ::1");
    assert_allowed("192.0.2.1 ::ffff:192.0.2.1");
    deny("0.0.0.0/0");
    assert_denied("192.0.2.1 ::ffff:192.0.2.1");
}

/* Who decides ------------------------------------------------------------- */

static void the_longest_prefix_decides_in_any_order(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        memset(&guard, 0, sizeof(guard));
        if (turn == 0) {
            deny("10.0.0.0/8 10.1.2.0/24");
            allow("10.1.0.0/16 10.1.2.3");
        } else {
            allow("10.1.2.3 10.1.0.0/16");
            deny("10.1.2.0/24 10.0.0.0/8");
        }
        assert_denied("10.0.0.1 10.1.2.2 10.1.2.4 10.255.0.0");
        assert_allowed("10.1.0.0 10.1.3.0 10.1.2.3 11.0.0.0");
    }
}

static void a_prefix_ends_at_any_bit(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 32; bits++) {
        uint32_t first = bits == 0 ? 0 : 0xc6336500u & (~0u << (32 - bits));
        struct sockaddr_in sin = {.sin_family = AF_INET};
        char rule[64];

        memset(&guard, 0, sizeof(guard));
        snprintf(rule, sizeof(rule), "%u.%u.%u.%u/%u", first >> 24,
                 first >> 16 & 255, first >> 8 & 255, first & 255, bits);
        deny(rule);
        sin.sin_addr.s_addr = htonl(0xc6336500u);
        assert_false(lp_drain_guard_allows(&guard, (const void *)&sin));
        if (bits > 3) { // the first three are multicast's as well
            sin.sin_addr.s_addr = htonl(0xc6336500u ^ (1u << (32 - bits)));
            assert_true(lp_drain_guard_allows(&guard, (const void *)&sin));
        }
    }
    set_up(NULL);
    deny("2001:db8::/127");
    assert_denied("2001:db8:: 2001:db8::1");
    assert_allowed("2001:db8::2");
}

static void a_prefix_wins_over_a_word_of_the_same_length(void **state)
{
    (void)state;
    deny("private fd00::/8");
    allow("10.0.0.0/8 loopback");
    assert_allowed("10.1.2.3");
    assert_denied("192.168.0.1");
    set_up(NULL);
    allow("private");
    deny("10.0.0.0/8");
    assert_denied("10.1.2.3");
    assert_allowed("192.168.0.1");
}

static void of_two_that_are_alike_the_one_that_denies_wins(void **state)
{
    (void)state;
    allow("private 192.0.2.0/24");
    deny("192.0.2.0/24 private");
    assert_denied("192.0.2.1 10.0.0.1");
}

static void what_is_built_in_gives_way_to_what_is_as_long(void **state)
{
    (void)state;
    allow("link-local");
    assert_allowed("169.254.1.1 fe80::1");
    assert_denied("169.254.169.254 169.254.170.2 fe80::a9fe:a9fe");
    allow("metadata 224.0.0.0/4 0.0.0.0/8 :: 255.255.255.255 ff02::/16");
    assert_allowed("169.254.169.254 fe80::a9fe:a9fe fd00:ec2::254 224.0.0.1 "
                   "0.0.0.0 :: 255.255.255.255 ff02::1");
    assert_denied("ff01::1");
}

static void what_is_built_in_stays_for_what_is_shorter(void **state)
{
    (void)state;
    allow("all 168.0.0.0/7 private 0.0.0.0/7 fe80::/9 fd00::/8");
    assert_denied("169.254.1.1 169.254.169.254 fe80::1 0.0.0.0 :: 224.0.0.1 "
                  "100.100.100.200 fd00:ec2::254");
    allow("169.254.7.0/24");
    assert_allowed("169.254.7.1");
    assert_denied("169.254.8.1");
}

/* Ways around ------------------------------------------------------------- */

static void an_ipv4_address_within_an_ipv6_one_is_looked_at(void **state)
{
    (void)state;
    assert_denied("::ffff:169.254.169.254 ::ffff:a9fe:a9fe");
    assert_denied("::169.254.169.254 ::ffff:0:169.254.169.254");
    assert_denied("2002:a9fe:a9fe:: 2002:a9fe:a9fe:1::5");
    assert_denied("64:ff9b::169.254.169.254 64:ff9b::a9fe:a9fe");
    assert_denied("2001:0:a9fe:a9fe:0:0:3fff:fdfe "
                  "2001:0:102:304:0:0:5601:5601");
    assert_denied("2001:db8::5efe:169.254.169.254 "
                  "2001:db8::200:5efe:169.254.169.254");
    assert_allowed("::ffff:192.0.2.1 ::192.0.2.1 2002:c000:201::1 "
                   "64:ff9b::192.0.2.1 2001:0:102:304:0:0:3fff:fdfe "
                   "2001:db8::5efe:192.0.2.1");
}

static void what_only_resembles_such_an_address_is_none(void **state)
{
    (void)state;
    assert_allowed("::1 ::fffe:169.254.169.254 2003:a9fe:a9fe:: "
                   "64:ff9a::169.254.169.254 2001:1:a9fe:a9fe:: "
                   "2001:db8::5eff:169.254.169.254");
}

static void an_address_within_an_address_needs_both_allowed(void **state)
{
    (void)state;
    deny("10.0.0.0/8 2002::/16");
    allow("2002:c000:201::/48 64:ff9b::/96");
    assert_allowed("2002:c000:201::1 64:ff9b::192.0.2.1");
    assert_denied("2002:c000:202::1 64:ff9b::10.0.0.1");
    allow("2002:a00::/24"); // itself, but not 10.x.x.x in it
    assert_denied("2002:a00:1::1");
    allow("10.0.0.1");
    assert_allowed("64:ff9b::10.0.0.1 2002:a00:1::1 ::ffff:10.0.0.1");
}

static void a_local_nat64_that_is_opened_is_looked_into(void **state)
{
    (void)state;
    allow("64:ff9b:1::/48");
    assert_allowed("64:ff9b:1::192.0.2.1");
    assert_denied("64:ff9b:1::169.254.169.254");
    assert_denied("64:ff9b:1:a9fe:a9:fe00::"); // RFC 6052, a /48: ends in zeros
}

static void a_rule_in_mapped_form_is_one_for_ipv4(void **state)
{
    (void)state;
    deny("::ffff:10.0.0.0/104 ::ffff:192.0.2.1");
    assert_denied("10.1.2.3 ::ffff:10.1.2.3 192.0.2.1");
    assert_allowed("192.0.2.2");
    deny("::ffff:0:0/96");
    assert_denied("192.0.2.2 ::ffff:192.0.2.2");
    assert_allowed("2001:db8::1");
}

/* Errors ------------------------------------------------------------------ */

static void assert_refused_span(lp_span text, lp_err expected, const char *told)
{
    lp_drain_guard before = guard;
    char why[LP_DRAIN_RULE_WHY_MAX_BYTES];
    char small[5];

    assert_int_equal(add_one(false, text, why, sizeof(why)), expected);
    if (strstr(why, told) == NULL) {
        fail_msg("%.*s: %s", (int)text.len_bytes, text.ptr, why);
    }
    assert_true(strlen(why) < sizeof(why) - 1);
    assert_int_equal(add_one(true, text, NULL, 0), expected);
    assert_int_equal(add_one(true, text, small, sizeof(small)), expected);
    assert_int_equal(strlen(small), sizeof(small) - 1);
    assert_memory_equal(&guard, &before, sizeof(guard));
}

static void assert_refused(const char *text, lp_err expected, const char *told)
{
    assert_refused_span(lp_span_str(text), expected, told);
}

static void bits_behind_a_prefix_are_told_what_would_be_right(void **state)
{
    (void)state;
    assert_refused("10.1.2.3/8", LP_E_INVALID,
                   "has bits set behind the first 8; right would be "
                   "10.0.0.0/8, or 10.1.2.3 for the one address");
    assert_refused("192.0.2.1/31", LP_E_INVALID, "192.0.2.0/31, or 192.0.2.1");
    assert_refused("192.0.2.1/0", LP_E_INVALID, "0.0.0.0/0, or 192.0.2.1");
    assert_refused("fd00::1/8", LP_E_INVALID, "fd00::/8, or fd00::1");
    assert_refused("2001:db8::/28", LP_E_INVALID, "2001:db0::/28");
    assert_refused("::ffff:10.1.2.3/104", LP_E_INVALID,
                   "::ffff:10.0.0.0/104, or ::ffff:10.1.2.3");
    assert_refused("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/127",
                   LP_E_INVALID, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
}

static void a_prefix_length_is_a_number_of_bits(void **state)
{
    static const char *const lengths[] = {
        "/",    "/33", "/-1",   "/+8",        "/08",         "/8 ",
        "/8/8", "/x",  "/1000", "/255.0.0.0", "/4294967304",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char text[64];

        snprintf(text, sizeof(text), "10.0.0.0%s", lengths[i]);
        assert_refused(text, LP_E_INVALID, "no number from 0 to 32");
    }
    assert_refused("::/129", LP_E_INVALID, "no number from 0 to 128");
    deny("0.0.0.0/0 ::/0 192.0.2.1/32 ::1/128");
}

static void what_is_no_address_is_told_what_would_be_right(void **state)
{
    (void)state;
    assert_refused("", LP_E_SYNTAX, "is empty");
    assert_refused("/8", LP_E_SYNTAX, "is no IP address");
    assert_refused("fe80::1%eth0", LP_E_SYNTAX, "has a zone behind a %");
    assert_refused("fe80::%1/10", LP_E_SYNTAX, "has a zone behind a %");
    assert_refused("[::1]", LP_E_SYNTAX, "has brackets");
    assert_refused("[::1]:514", LP_E_SYNTAX, "has brackets");
    assert_refused("10/8", LP_E_SYNTAX, "four numbers from 0 to 255");
    assert_refused("10.0.0/24", LP_E_SYNTAX, "four numbers from 0 to 255");
    assert_refused("10.0.0.256", LP_E_SYNTAX, "four numbers from 0 to 255");
    assert_refused("010.0.0.1", LP_E_SYNTAX, "without zeros in front");
    assert_refused("2852039166", LP_E_SYNTAX, "four numbers from 0 to 255");
    assert_refused("10.0.0.1:80", LP_E_SYNTAX, "without a port");
    assert_refused(":::", LP_E_SYNTAX, "no IPv6 address");
    assert_refused("1:2:3:4:5:6:7:8:9", LP_E_SYNTAX, "no IPv6 address");
    assert_refused("example.com", LP_E_SYNTAX, "names are not looked up");
    assert_refused("localhost", LP_E_SYNTAX, "none of loopback, private");
    assert_refused("Private", LP_E_SYNTAX, "none of loopback, private");
    assert_refused("private/8", LP_E_SYNTAX, "none of loopback, private");
    assert_refused(" 10.0.0.1", LP_E_SYNTAX, "is no IP address");
    assert_refused("10.0.0.1,10.0.0.2", LP_E_SYNTAX, "is no IP address");
    assert_refused_span(LP_SPAN("10.0.0.1\0"), LP_E_SYNTAX, "no IP address");
    assert_refused_span(LP_SPAN("all\0"), LP_E_SYNTAX, "no IP address");
}

static void a_rule_more_than_there_can_be_is_refused(void **state)
{
    char expected[64];

    (void)state;
    for (int i = 0; i < LP_DRAIN_RULES_MAX; i++) {
        deny("192.0.2.1");
        allow("192.0.2.1");
    }
    snprintf(expected, sizeof(expected), "one too many: there can be %d",
             (int)LP_DRAIN_RULES_MAX);
    assert_refused("192.0.2.2", LP_E_FULL, expected);
}

/* Printing ---------------------------------------------------------------- */

/* Why ---------------------------------------------------------------------- */

static void assert_denied_by(const char *text, bool is_built_in,
                             const char *rule, const char *address)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
    struct sockaddr_in sin = {.sin_family = AF_INET};
    lp_drain_denial denial;

    if (inet_pton(AF_INET, text, &sin.sin_addr) == 1) {
        assert_true(lp_drain_guard_denies(&guard, (const void *)&sin, &denial));
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
        assert_true(
            lp_drain_guard_denies(&guard, (const void *)&sin6, &denial));
    }
    assert_string_equal(denial.rule, rule);
    assert_string_equal(denial.address, address);
    assert_int_equal(denial.is_built_in, is_built_in);
}

static void the_rule_that_decided_is_told(void **state)
{
    (void)state;
    assert_denied_by("169.254.169.254", true, "metadata", "169.254.169.254");
    assert_denied_by("169.254.1.1", true, "link-local", "169.254.1.1");
    assert_denied_by("224.0.0.1", true, "224.0.0.0/4", "224.0.0.1");
    assert_denied_by("::", true, "::", "::");
    deny("private 10.0.0.0/8 192.0.2.1");
    assert_denied_by("10.1.2.3", false, "10.0.0.0/8", "10.1.2.3");
    assert_denied_by("192.168.1.1", false, "private", "192.168.1.1");
    assert_denied_by("192.0.2.1", false, "192.0.2.1", "192.0.2.1");
    assert_denied_by("fd00::1", false, "private", "fd00::1");
    deny("169.254.169.254");
    assert_denied_by("169.254.169.254", false, "169.254.169.254",
                     "169.254.169.254");
}

static void of_an_address_within_an_address_the_denied_one_is_told(void **state)
{
    (void)state;
    assert_denied_by("::ffff:169.254.169.254", true, "metadata",
                     "169.254.169.254");
    assert_denied_by("64:ff9b::a9fe:a9fe", true, "metadata", "169.254.169.254");
    assert_denied_by("64:ff9b:1::a9fe:a9fe", true, "64:ff9b:1::/48",
                     "64:ff9b:1::a9fe:a9fe");
}

static void what_is_allowed_is_denied_by_nothing(void **state)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    lp_drain_denial denial;

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "169.254.169.254", &sin.sin_addr), 1);
    assert_true(lp_drain_guard_denies(&guard, (const void *)&sin, &denial));
    allow(denial.address);
    assert_false(lp_drain_guard_denies(&guard, (const void *)&sin, &denial));
    assert_false(lp_drain_guard_denies(&guard, (const void *)&path, &denial));
}

static void assert_printed(bool is_allowed, const char *expected)
{
    char out[LP_DRAIN_RULES_TEXT_MAX_BYTES];
    size_t n = lp_drain_guard_print(&guard, is_allowed, out, sizeof(out));

    assert_int_equal(n, strlen(expected));
    assert_memory_equal(out, expected, n);
}

static void rules_are_printed_in_their_order_and_their_one_form(void **state)
{
    (void)state;
    assert_printed(false, "");
    deny("private 10.0.0.0/8 192.0.2.1/32 FD00:0::0/8 ::ffff:10.0.0.0/104");
    allow("0:0::1/128 all link-local metadata loopback ::/0");
    assert_printed(false, "private,10.0.0.0/8,192.0.2.1,fd00::/8,10.0.0.0/8");
    assert_printed(true, "::1,all,link-local,metadata,loopback,::/0");
}

static void nothing_is_printed_without_room_for_all(void **state)
{
    char out[8] = "xxxxxxx";

    (void)state;
    deny("private");
    assert_int_equal(lp_drain_guard_print(&guard, false, NULL, 0), 7);
    assert_int_equal(lp_drain_guard_print(&guard, false, out, 6), 7);
    assert_string_equal(out, "xxxxxxx");
    assert_int_equal(lp_drain_guard_print(&guard, false, out, 7), 7);
    assert_string_equal(out, "private");
}

static void the_longest_rules_are_printed_whole(void **state)
{
    static const char longest[] = "1111:2222:3333:4444:5555:6666:7777:8880/124";
    char out[LP_DRAIN_RULES_TEXT_MAX_BYTES];
    size_t each = sizeof(longest); // its comma is in the place of the NUL
    size_t n;

    (void)state;
    for (int i = 0; i < LP_DRAIN_RULES_MAX; i++) {
        deny(longest);
    }
    n = lp_drain_guard_print(&guard, false, out, sizeof(out));
    assert_int_equal(n, LP_DRAIN_RULES_MAX * each - 1);
    assert_memory_equal(out + n - each + 1, longest, each - 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, set_up)
    const struct CMUnitTest tests[] = {
        TEST(without_rules_all_is_allowed_that_can_be_the_place_of_a_sink),
        TEST(without_rules_link_local_and_metadata_addresses_are_denied),
        TEST(an_address_of_another_family_is_denied),
        TEST(a_port_and_a_scope_make_no_difference),
        TEST(a_sockaddr_need_not_be_aligned_as_what_it_is),
        TEST(the_word_loopback_is_this_host),
        TEST(the_word_private_is_what_has_no_place_in_the_internet),
        TEST(the_word_all_is_every_address),
        TEST(a_prefix_of_one_version_is_nothing_to_the_other),
        TEST(the_longest_prefix_decides_in_any_order),
        TEST(a_prefix_ends_at_any_bit),
        TEST(a_prefix_wins_over_a_word_of_the_same_length),
        TEST(of_two_that_are_alike_the_one_that_denies_wins),
        TEST(what_is_built_in_gives_way_to_what_is_as_long),
        TEST(what_is_built_in_stays_for_what_is_shorter),
        TEST(an_ipv4_address_within_an_ipv6_one_is_looked_at),
        TEST(what_only_resembles_such_an_address_is_none),
        TEST(an_address_within_an_address_needs_both_allowed),
        TEST(a_local_nat64_that_is_opened_is_looked_into),
        TEST(a_rule_in_mapped_form_is_one_for_ipv4),
        TEST(bits_behind_a_prefix_are_told_what_would_be_right),
        TEST(a_prefix_length_is_a_number_of_bits),
        TEST(what_is_no_address_is_told_what_would_be_right),
        TEST(a_rule_more_than_there_can_be_is_refused),
        TEST(the_rule_that_decided_is_told),
        TEST(of_an_address_within_an_address_the_denied_one_is_told),
        TEST(what_is_allowed_is_denied_by_nothing),
        TEST(rules_are_printed_in_their_order_and_their_one_form),
        TEST(nothing_is_printed_without_room_for_all),
        TEST(the_longest_rules_are_printed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
