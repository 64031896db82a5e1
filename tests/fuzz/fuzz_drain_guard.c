/* The input is lines: "+RULE" allows, "-RULE" denies, and all else is an address
 * to ask for. A rule is taken when it reads as one here, and the guard answers
 * as one does that compares bits as text; what it prints makes an equal guard,
 * and what is refused is told in printable words. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "logplex/drain_guard.h"

enum {
    LINE_MAX_BYTES = 80,
    PREFIXES_MAX = 2048,
    LINES_MAX = 256,
    WHY_MAX_BYTES = LP_DRAIN_RULE_WHY_MAX_BYTES
};

/* The reference ----------------------------------------------------------- */

/* "4:" or "6:" and the bits of a prefix or an address, as 0 and 1. */
typedef struct bit_text {
    char at[2 + 128 + 1];
} bit_text;

typedef struct reference_prefix {
    bit_text bits;
    bool is_allowed;
    int rank; // 0 built in, 1 of a word, 2 itself
} reference_prefix;

typedef struct reference {
    reference_prefix at[PREFIXES_MAX];
    size_t count;
} reference;

static const struct {
    const char *name;
    const char *prefixes[16];
} words[] = {
    {"loopback", {"127.0.0.0/8", "::1"}},
    {"private",
     {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
      "fc00::/7", "fec0::/10"}},
    {"link-local", {"169.254.0.0/16", "fe80::/10"}},
    {"metadata",
     {"169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23",
      "169.254.42.42", "100.100.100.200", "168.63.129.16", "192.0.0.192",
      "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
      "fe80::a9fe:a9fe"}},
    {"all", {"0.0.0.0/0", "::/0"}},
};

static const char *const built_in[] = {
    "link-local",  "metadata", "0.0.0.0/8",       "::",
    "224.0.0.0/4", "ff00::/8", "255.255.255.255", "64:ff9b:1::/48",
};

/* What begins so has an IPv4 address at that bit, perhaps inverted. */
static const struct {
    const char *prefix;
    int at;
    bool is_inverted;
} embeddings[] = {
    {"::/96", 96, false},          {"::ffff:0:0:0/96", 96, false},
    {"2002::/16", 16, false},      {"64:ff9b::/96", 96, false},
    {"64:ff9b:1::/48", 96, false}, {"2001::/32", 32, false},
    {"2001::/32", 96, true},
};

/* The address of a text, or false. The mapped ones are IPv4's. */
static bool bits_of_address(const char *text, bit_text *out)
{
    uint8_t bytes[16];
    bool is_ip4 = inet_pton(AF_INET, text, bytes) == 1;
    size_t n = 2;

    if (!is_ip4 && inet_pton(AF_INET6, text, bytes) != 1) {
        return false;
    }
    out->at[0] = is_ip4 ? '4' : '6';
    out->at[1] = ':';
    for (int bit = 0; bit < (is_ip4 ? 32 : 128); bit++) {
        out->at[n++] = bytes[bit / 8] >> (7 - bit % 8) & 1 ? '1' : '0';
    }
    out->at[n] = '\0';
    return true;
}

static bool begins(const bit_text *bits, const char *with)
{
    return strncmp(bits->at, with, strlen(with)) == 0;
}

static void unmap(bit_text *bits)
{
    static bit_text mapped;

    REQUIRE(bits_of_address("::ffff:0:0", &mapped));
    mapped.at[2 + 96] = '\0';
    if (begins(bits, mapped.at)) {
        bits->at[0] = '4';
        memmove(bits->at + 2, bits->at + 2 + 96, strlen(bits->at + 2 + 96) + 1);
    }
}

/* A length as it must be written, or -1. */
static int length_of(const char *text, int max)
{
    char again[16];
    long n = strtol(text, NULL, 10);

    if (n < 0 || n > max) {
        return -1;
    }
    snprintf(again, sizeof(again), "%ld", n);
    return strcmp(again, text) == 0 ? (int)n : -1;
}

static bool bits_of_prefix(const char *text, bit_text *out)
{
    char address[LINE_MAX_BYTES];
    const char *slash = strchr(text, '/');
    int bits;

    snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "/"), text);
    if (!bits_of_address(address, out)) {
        return false;
    }
    if (slash != NULL) {
        bits = length_of(slash + 1, (int)strlen(out->at + 2));
        if (bits < 0 || strchr(out->at + 2 + bits, '1') != NULL) {
            return false;
        }
        out->at[2 + bits] = '\0';
    }
    unmap(out);
    return true;
}

static void keep(reference *ref, const char *prefix, bool is_allowed, int rank)
{
    reference_prefix *made = &ref->at[ref->count++];

    REQUIRE(ref->count <= PREFIXES_MAX);
    REQUIRE(bits_of_prefix(prefix, &made->bits));
    made->is_allowed = is_allowed;
    made->rank = rank;
}

static bool keep_rule(reference *ref, const char *rule, bool is_allowed,
                      bool is_built_in)
{
    bit_text bits;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (int j = 0; strcmp(words[i].name, rule) == 0; j++) {
            if (words[i].prefixes[j] == NULL) {
                return true;
            }
            keep(ref, words[i].prefixes[j], is_allowed, is_built_in ? 0 : 1);
        }
    }
    if (!bits_of_prefix(rule, &bits)) {
        return false;
    }
    keep(ref, rule, is_allowed, is_built_in ? 0 : 2);
    return true;
}

static bool is_better(const reference_prefix *a, const reference_prefix *b)
{
    size_t a_bits = strlen(a->bits.at);
    size_t b_bits = strlen(b->bits.at);

    if (a_bits != b_bits) {
        return a_bits > b_bits;
    }
    return a->rank != b->rank ? a->rank > b->rank
                              : !a->is_allowed && b->is_allowed;
}

static bool allows_itself(const reference *ref, const bit_text *address)
{
    const reference_prefix *best = NULL;

    for (size_t i = 0; i < ref->count; i++) {
        if (begins(address, ref->at[i].bits.at) &&
            (best == NULL || is_better(&ref->at[i], best))) {
            best = &ref->at[i];
        }
    }
    return best == NULL || best->is_allowed;
}

static bit_text embedded(const bit_text *address, int at, bool is_inverted)
{
    bit_text out = {"4:"};

    for (int i = 0; i < 32; i++) {
        char bit = address->at[2 + at + i];

        out.at[2 + i] = !is_inverted ? bit : bit == '0' ? '1' : '0';
    }
    return out;
}

/* In the interface's half of the address: 0000:5efe or 0200:5efe. */
static bool is_isatap(const bit_text *address)
{
    static const char eui[] = "00000000"
                              "0101111011111110";

    return address->at[0] == '6' &&
           strncmp(address->at + 2 + 64, "000000", 6) == 0 &&
           address->at[2 + 71] == '0' &&
           strncmp(address->at + 2 + 72, eui, strlen(eui)) == 0;
}

static bool reference_allows(const reference *ref, bit_text address)
{
    bit_text loopback, any, prefix, end;

    unmap(&address);
    if (!allows_itself(ref, &address)) {
        return false;
    }
    REQUIRE(bits_of_address("::1", &loopback) && bits_of_address("::", &any));
    if (strcmp(address.at, loopback.at) == 0 ||
        strcmp(address.at, any.at) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        REQUIRE(bits_of_prefix(embeddings[i].prefix, &prefix));
        end = embedded(&address, embeddings[i].at, embeddings[i].is_inverted);
        if (begins(&address, prefix.at) && !allows_itself(ref, &end)) {
            return false;
        }
    }
    end = embedded(&address, 96, false);
    return !is_isatap(&address) || allows_itself(ref, &end);
}

/* What holds -------------------------------------------------------------- */

typedef struct trial {
    lp_drain_guard guard;
    reference ref;
    uint32_t counts[2];
} trial;

static void check_words(const char *why)
{
    size_t n = strnlen(why, WHY_MAX_BYTES);

    REQUIRE(n > 0 && n < WHY_MAX_BYTES - 1); // nothing was cut off
    for (size_t i = 0; i < n; i++) {
        REQUIRE(why[i] >= ' ' && why[i] < 0x7f);
    }
}

static void try_rule(trial *now, bool is_allowed, lp_span text)
{
    char line[LINE_MAX_BYTES];
    char why[WHY_MAX_BYTES];
    lp_err err =
        lp_drain_guard_add(&now->guard, is_allowed, text, why, sizeof(why));
    bool is_plain =
        text.len_bytes < sizeof(line) &&
        (text.len_bytes == 0 || memchr(text.ptr, '\0', text.len_bytes) == NULL);

    if (err != LP_OK) {
        check_words(why);
    }
    if (err == LP_E_FULL) {
        REQUIRE(now->counts[is_allowed] == LP_DRAIN_RULES_MAX);
        return;
    }
    if (!is_plain) {
        REQUIRE(err != LP_OK);
        return;
    }
    snprintf(line, sizeof(line), "%.*s", (int)text.len_bytes,
             text.len_bytes > 0 ? text.ptr : "");
    REQUIRE(keep_rule(&now->ref, line, is_allowed, false) == (err == LP_OK));
    now->counts[is_allowed] += err == LP_OK;
}

static bool guard_allows(const lp_drain_guard *guard, const char *text)
{
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
    struct sockaddr_in sin = {.sin_family = AF_INET};

    if (inet_pton(AF_INET, text, &sin.sin_addr) == 1) {
        return lp_drain_guard_allows(guard, (const void *)&sin);
    }
    REQUIRE(inet_pton(AF_INET6, text, &sin6.sin6_addr) == 1);
    return lp_drain_guard_allows(guard, (const void *)&sin6);
}

static void try_address(const trial *now, const char *text)
{
    bit_text bits;

    if (bits_of_address(text, &bits)) {
        REQUIRE(guard_allows(&now->guard, text) ==
                reference_allows(&now->ref, bits));
    }
}

static void try_line(trial *now, lp_span line)
{
    char address[LINE_MAX_BYTES];

    if (line.len_bytes > 0 && (line.ptr[0] == '+' || line.ptr[0] == '-')) {
        try_rule(now, line.ptr[0] == '+', lp_span_skip(line, 1));
        return;
    }
    snprintf(address, sizeof(address), "%.*s", (int)line.len_bytes,
             line.len_bytes > 0 ? line.ptr : "");
    try_address(now, address);
}

/* Reads what a guard prints into another one. */
static void copy_rules(const lp_drain_guard *from, bool is_allowed,
                       lp_drain_guard *to)
{
    char text[LP_DRAIN_RULES_TEXT_MAX_BYTES];
    size_t n = lp_drain_guard_print(from, is_allowed, text, sizeof(text));

    REQUIRE(n <= sizeof(text));
    for (size_t at = 0; at < n;) {
        const char *comma = memchr(text + at, ',', n - at);
        size_t end = comma != NULL ? (size_t)(comma - text) : n;

        REQUIRE(lp_drain_guard_add(to, is_allowed,
                                   lp_span_of(text + at, end - at), NULL,
                                   0) == LP_OK);
        at = end + 1;
    }
}

static void check_printed(const lp_drain_guard *guard)
{
    static lp_drain_guard again;

    memset(&again, 0, sizeof(again));
    copy_rules(guard, true, &again);
    copy_rules(guard, false, &again);
    REQUIRE(memcmp(&again, guard, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static trial now;
    lp_span rest = lp_span_of((const char *)data, size);

    memset(&now, 0, sizeof(now));
    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
        REQUIRE(keep_rule(&now.ref, built_in[i], false, true));
    }
    for (int i = 0; i < LINES_MAX && rest.len_bytes > 0; i++) {
        const char *end = memchr(rest.ptr, '\n', rest.len_bytes);
        size_t n = end != NULL ? (size_t)(end - rest.ptr) : rest.len_bytes;

        try_line(&now, lp_span_of(rest.ptr, n));
        rest = lp_span_skip(rest, end != NULL ? n + 1 : n);
    }
    check_printed(&now.guard);
    return 0;
}
