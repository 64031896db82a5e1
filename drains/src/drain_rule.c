#include "drain_rule.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "ascii.h"
#include "host.h"

/* Words ------------------------------------------------------------------- */

// clang-format off
static const lp_drain_rule loopback[] = {
    {0, 4, 8,   {127}},
    {0, 6, 128, {[15] = 1}},
};

static const lp_drain_rule private[] = {
    {0, 4, 8,  {10}},
    {0, 4, 12, {172, 16}},
    {0, 4, 16, {192, 168}},
    {0, 4, 10, {100, 64}},
    {0, 6, 7,  {0xfc}},
    {0, 6, 10, {0xfe, 0xc0}},
};

static const lp_drain_rule link_local[] = {
    {0, 4, 16, {169, 254}},
    {0, 6, 10, {0xfe, 0x80}},
};

/* Some lie in link-local prefixes, and stand here for whoever opens those. */
static const lp_drain_rule metadata[] = {
    {0, 4, 32,  {169, 254, 169, 254}},                      // nearly everybody
    {0, 4, 32,  {169, 254, 170, 2}},                        // AWS, of a task
    {0, 4, 32,  {169, 254, 170, 23}},                       // AWS, of a pod
    {0, 4, 32,  {169, 254, 0, 23}},                         // Tencent
    {0, 4, 32,  {169, 254, 42, 42}},                        // Scaleway
    {0, 4, 32,  {100, 100, 100, 200}},                      // Alibaba
    {0, 4, 32,  {168, 63, 129, 16}},                        // Azure's WireServer
    {0, 4, 32,  {192, 0, 0, 192}},                          // Oracle, the older
    {0, 6, 128, {0xfd, 0, 0x0e, 0xc2, [14] = 2, 0x54}},     // AWS
    {0, 6, 128, {0xfd, 0, 0x0e, 0xc2, [15] = 0x23}},        // AWS, of a pod
    {0, 6, 128, {0xfd, 0x20, 0, 0xce, [14] = 2, 0x54}},     // Google
    {0, 6, 128, {0xfd, 0, 0, 0x42, [15] = 0x42}},           // Scaleway
    {0, 6, 128, {0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe}}, // OpenStack
};

static const lp_drain_rule all[] = {
    {0, 4, 0, {0}},
    {0, 6, 0, {0}},
};
// clang-format on

#define PREFIXES(table)                             \
    {                                               \
        (table), sizeof(table) / sizeof((table)[0]) \
    }

static const struct {
    const char *name;
    lpi_prefixes prefixes;
} words[LPI_WORD_COUNT] = {
    [LPI_WORD_LOOPBACK] = {"loopback", PREFIXES(loopback)},
    [LPI_WORD_PRIVATE] = {"private", PREFIXES(private)},
    [LPI_WORD_LINK_LOCAL] = {"link-local", PREFIXES(link_local)},
    [LPI_WORD_METADATA] = {"metadata", PREFIXES(metadata)},
    [LPI_WORD_ALL] = {"all", PREFIXES(all)},
};

lpi_prefixes lpi_rule_prefixes(const lp_drain_rule *rule)
{
    lpi_prefixes itself = {rule, 1};

    assert(rule->word < LPI_WORD_COUNT);
    return rule->word == LPI_WORD_NONE ? itself : words[rule->word].prefixes;
}

static bool read_word(lp_span text, lp_drain_rule *out)
{
    for (unsigned word = LPI_WORD_NONE + 1; word < LPI_WORD_COUNT; word++) {
        if (lp_span_equal(text, lp_span_str(words[word].name))) {
            *out = (lp_drain_rule){.word = (uint8_t)word};
            return true;
        }
    }
    return false;
}

/* Addresses and prefixes -------------------------------------------------- */

void lpi_rule_tell(char *why, size_t why_bytes, const char *format, ...)
{
    va_list args;

    if (why == NULL || why_bytes == 0) {
        return;
    }
    va_start(args, format);
    vsnprintf(why, why_bytes, format, args);
    va_end(args);
}

bool lpi_is_mapped(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

    return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static bool has_byte(lp_span text, char c)
{
    return text.len_bytes > 0 && memchr(text.ptr, c, text.len_bytes) != NULL;
}

static bool is_of_digits_and_dots(lp_span text)
{
    for (size_t i = 0; i < text.len_bytes; i++) {
        if (!lpi_is_digit(text.ptr[i]) && text.ptr[i] != '.') {
            return false;
        }
    }
    return text.len_bytes > 0;
}

/* What somebody may have had in mind who wrote what is no address. */
static const char *address_fault(lp_span host)
{
    if (has_byte(host, '%')) {
        return "has a zone behind a %; right would be the address alone, which "
               "then stands for itself in every zone";
    }
    if (has_byte(host, '[') || has_byte(host, ']')) {
        return "has brackets; right would be the address without them and "
               "without a port";
    }
    if (is_of_digits_and_dots(host)) {
        return "has no IPv4 address of four numbers from 0 to 255 without "
               "zeros in front; right would be 192.0.2.1 or 10.0.0.0/8";
    }
    if (has_byte(host, ':')) {
        return "has a colon and no IPv6 address; right would be fd00::1 or "
               "fd00::/8, or an IPv4 address without a port";
    }
    return "is no IP address (names are not looked up), no CIDR, and none of "
           "loopback, private, link-local, metadata and all";
}

static bool read_address(lp_span host, lp_drain_rule *out)
{
    if (lpi_host_read_ipv4(host, out->address)) {
        out->version = 4;
        return true;
    }
    out->version = 6;
    return lpi_host_read_ipv6(host, out->address);
}

static bool read_bits(lp_span digits, unsigned max, uint8_t *out)
{
    unsigned bits = 0;

    if (digits.len_bytes == 0 || digits.len_bytes > 3 ||
        (digits.ptr[0] == '0' && digits.len_bytes > 1)) {
        return false;
    }
    for (size_t i = 0; i < digits.len_bytes; i++) {
        if (!lpi_is_digit(digits.ptr[i])) {
            return false;
        }
        bits = bits * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    *out = (uint8_t)bits;
    return bits <= max;
}

/* Clears the bits behind the prefix, and says whether any was set. */
static bool clear_host_bits(lp_drain_rule *rule)
{
    bool was_set = false;

    for (unsigned i = rule->prefix_bits / 8; i < 16; i++) {
        unsigned kept = i == rule->prefix_bits / 8 ? rule->prefix_bits % 8 : 0;
        uint8_t mask = (uint8_t)(0xff00u >> kept);

        was_set = was_set || (rule->address[i] & ~mask) != 0;
        rule->address[i] &= mask;
    }
    return was_set;
}

/* ::ffff:10.0.0.0/104 is 10.0.0.0/8. */
static void unmap(lp_drain_rule *rule)
{
    if (rule->version != 6 || rule->prefix_bits < 96 ||
        !lpi_is_mapped(rule->address)) {
        return;
    }
    rule->version = 4;
    rule->prefix_bits = (uint8_t)(rule->prefix_bits - 96);
    memmove(rule->address, rule->address + 12, 4);
    memset(rule->address + 4, 0, 12);
}

/* The length of the prefix behind the slash. */
static lp_err read_length(lp_span digits, lp_drain_rule *rule, char *why,
                          size_t why_bytes)
{
    unsigned max = lpi_address_bits(rule->version);
    lp_drain_rule alone = *rule;
    char right[LP_DRAIN_RULE_TEXT_MAX_BYTES];
    char address[LP_DRAIN_RULE_TEXT_MAX_BYTES];

    if (!read_bits(digits, max, &rule->prefix_bits)) {
        lpi_rule_tell(why, why_bytes,
                      "has a prefix length that is no number from 0 to %u, "
                      "which an IPv%u address wants",
                      max, (unsigned)rule->version);
        return LP_E_INVALID;
    }
    if (clear_host_bits(rule)) {
        alone.prefix_bits = (uint8_t)max;
        lpi_rule_print(rule, right);
        lpi_rule_print(&alone, address);
        lpi_rule_tell(why, why_bytes,
                      "has bits set behind the first %u; right would be %s, or "
                      "%s for the one address",
                      (unsigned)rule->prefix_bits, right, address);
        return LP_E_INVALID;
    }
    return LP_OK;
}

static lp_err read_prefix(lp_span text, lp_drain_rule *out, char *why,
                          size_t why_bytes)
{
    const char *slash = memchr(text.ptr, '/', text.len_bytes);
    size_t host_bytes =
        slash != NULL ? (size_t)(slash - text.ptr) : text.len_bytes;
    lp_span host = lp_span_of(text.ptr, host_bytes);
    lp_drain_rule rule = {.word = LPI_WORD_NONE};
    lp_err err = LP_OK;

    if (!read_address(host, &rule)) {
        lpi_rule_tell(why, why_bytes, "%s", address_fault(host));
        return LP_E_SYNTAX;
    }
    rule.prefix_bits = (uint8_t)lpi_address_bits(rule.version);
    if (slash != NULL) {
        err = read_length(lp_span_skip(text, host_bytes + 1), &rule, why,
                          why_bytes);
    }
    if (err == LP_OK) {
        unmap(&rule);
        *out = rule;
    }
    return err;
}

lp_err lpi_rule_read(lp_span text, lp_drain_rule *out, char *why,
                     size_t why_bytes)
{
    if (text.len_bytes == 0) {
        lpi_rule_tell(why, why_bytes,
                      "is empty; right would be 10.0.0.0/8 or private");
        return LP_E_SYNTAX;
    }
    return read_word(text, out) ? LP_OK
                                : read_prefix(text, out, why, why_bytes);
}

size_t lpi_rule_print(const lp_drain_rule *rule,
                      char out[LP_DRAIN_RULE_TEXT_MAX_BYTES])
{
    int family = rule->version == 4 ? AF_INET : AF_INET6;
    const char *address;
    size_t n;

    assert(rule->word < LPI_WORD_COUNT);
    if (rule->word != LPI_WORD_NONE) {
        n = strlen(words[rule->word].name);
        memcpy(out, words[rule->word].name, n + 1);
        return n;
    }
    address =
        inet_ntop(family, rule->address, out, LP_DRAIN_RULE_TEXT_MAX_BYTES);
    assert(address != NULL); // it fails only without room
    n = strlen(address);
    if (rule->prefix_bits < lpi_address_bits(rule->version)) {
        n += (size_t)snprintf(out + n, LP_DRAIN_RULE_TEXT_MAX_BYTES - n, "/%u",
                              (unsigned)rule->prefix_bits);
    }
    return n;
}
