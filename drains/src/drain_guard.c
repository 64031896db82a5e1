#include "logplex/drain_guard.h"

#include <assert.h>
#include <netinet/in.h>

#include "drain_rule.h"
#include "host.h"

_Static_assert(LP_DRAIN_RULE_TEXT_MAX_BYTES >=
                   LPI_ADDRESS_TEXT_MAX_BYTES + sizeof("/128") - 1,
               "room for the longest");

static const lp_drain_rule built_in[] = {
    {.word = LPI_WORD_LINK_LOCAL},
    {.word = LPI_WORD_METADATA},
    {0, 4, 8, {0}},                            // "this" network, RFC 1122
    {0, 6, 128, {0}},                          // ::, the same
    {0, 4, 4, {224}},                          // multicast
    {0, 6, 8, {0xff}},                         // multicast
    {0, 4, 32, {255, 255, 255, 255}},          // broadcast
    {0, 6, 48, {0, 0x64, 0xff, 0x9b, 0, 0x01}} // local NAT64, RFC 8215
};

typedef struct address {
    uint8_t version;
    const uint8_t *bytes;
} address;

/* One address ------------------------------------------------------------- */

static bool covers(const lp_drain_rule *prefix, address of)
{
    unsigned whole = prefix->prefix_bits / 8;
    unsigned rest = prefix->prefix_bits % 8;

    return prefix->version == of.version &&
           memcmp(prefix->address, of.bytes, whole) == 0 &&
           (rest == 0 ||
            ((prefix->address[whole] ^ of.bytes[whole]) >> (8 - rest)) == 0);
}

/*
 * What decides, as a number: the largest one does. 0 is no rule at all.
 *
 *     prefix bits + 1 | whose: 0 built in, 1 a word, 2 a prefix | it denies
 *                   3   2                                     1   0
 */
typedef struct weight {
    unsigned is;
    const lp_drain_rule *of;
} weight;

static weight heavier(weight a, weight b)
{
    return b.is > a.is ? b : a;
}

static weight weigh(const lp_drain_rule *rule, unsigned whose, bool is_allowed,
                    address of)
{
    lpi_prefixes prefixes = lpi_rule_prefixes(rule);
    weight heaviest = {0, rule};

    for (size_t i = 0; i < prefixes.count; i++) {
        const lp_drain_rule *prefix = &prefixes.at[i];
        unsigned is =
            (prefix->prefix_bits + 1u) << 3 | whose << 1 | !is_allowed;

        if (is > heaviest.is && covers(prefix, of)) {
            heaviest.is = is;
        }
    }
    return heaviest;
}

static weight weigh_built_in(address of)
{
    weight heaviest = {0, NULL};

    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
        heaviest = heavier(heaviest, weigh(&built_in[i], 0, false, of));
    }
    return heaviest;
}

static weight weigh_added(const lp_drain_rules *rules, bool is_allowed,
                          address of)
{
    weight heaviest = {0, NULL};

    assert(rules->count <= LP_DRAIN_RULES_MAX);
    for (uint32_t i = 0; i < rules->count; i++) {
        const lp_drain_rule *rule = &rules->at[i];
        unsigned whose = rule->word != LPI_WORD_NONE ? 1 : 2;

        heaviest = heavier(heaviest, weigh(rule, whose, is_allowed, of));
    }
    return heaviest;
}

/* What denies an address itself, if anything does. */
typedef struct verdict {
    address of;
    const lp_drain_rule *denied_by; /* NULL: it is allowed */
    bool is_built_in;
} verdict;

/* No two weights of those that allow and those that deny are the same. */
static verdict judge_itself(const lp_drain_guard *guard, address of)
{
    weight allow = weigh_added(&guard->allowed, true, of);
    weight deny = weigh_added(&guard->denied, false, of);
    weight never = weigh_built_in(of);
    weight against = heavier(never, deny);
    verdict it = {of, NULL, against.of == never.of};

    if (against.is > allow.is) {
        it.denied_by = against.of;
    }
    return it;
}

/* Addresses within addresses ---------------------------------------------- */

/* Where an IPv6 address has an IPv4 one in it that packets to it end up at. */
typedef struct embedding {
    uint8_t mark_at, mark_bytes;
    uint8_t mark[12];
    uint8_t ip4_at;
    bool is_inverted;
} embedding;

// clang-format off
static const embedding embeddings[] = {
    {0, 12, {0},                                12, false}, // IPv4-compatible
    {0, 12, {[8] = 0xff, 0xff},                 12, false}, // -translated
    {0, 2,  {0x20, 0x02},                       2,  false}, // 6to4, RFC 3056
    {0, 12, {0, 0x64, 0xff, 0x9b},              12, false}, // NAT64, RFC 6052
    {0, 6,  {0, 0x64, 0xff, 0x9b, 0, 0x01},     12, false}, // RFC 8215, a /96
    {0, 4,  {0x20, 0x01},                       4,  false}, // Teredo's server
    {0, 4,  {0x20, 0x01},                       12, true},  // and its client
    {8, 4,  {0, 0, 0x5e, 0xfe},                 12, false}, // ISATAP, RFC 5214
    {8, 4,  {0x02, 0, 0x5e, 0xfe},              12, false},
};
// clang-format on

/* :: and ::1, which have the form of IPv4-compatible ones and are none (RFC 4291
 * 2.5.5.1). */
static bool is_of_the_host(const uint8_t ip6[16])
{
    static const uint8_t zeros[15] = {0};

    return memcmp(ip6, zeros, sizeof(zeros)) == 0 && ip6[15] <= 1;
}

/* Whether it has this form, and then which address it leads to. */
static bool leads_on(const embedding *form, const uint8_t ip6[16],
                     uint8_t ip4[4])
{
    if (memcmp(ip6 + form->mark_at, form->mark, form->mark_bytes) != 0) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        ip4[i] = ip6[form->ip4_at + i] ^ (form->is_inverted ? 0xff : 0);
    }
    return true;
}

/* ip4 is room for the address that it leads to. */
static verdict judge_ip6(const lp_drain_guard *guard, const uint8_t ip6[16],
                         uint8_t ip4[4])
{
    verdict it;

    if (lpi_is_mapped(ip6)) {
        return judge_itself(guard, (address){4, ip6 + 12});
    }
    it = judge_itself(guard, (address){6, ip6});
    if (it.denied_by != NULL || is_of_the_host(ip6)) {
        return it;
    }
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        if (!leads_on(&embeddings[i], ip6, ip4)) {
            continue;
        }
        it = judge_itself(guard, (address){4, ip4});
        if (it.denied_by != NULL) {
            return it;
        }
    }
    return it;
}

/* The guard --------------------------------------------------------------- */

lp_err lp_drain_guard_add(lp_drain_guard *guard, bool is_allowed, lp_span text,
                          char *why, size_t why_bytes)
{
    lp_drain_rules *rules = is_allowed ? &guard->allowed : &guard->denied;
    lp_drain_rule rule;
    lp_err err = lpi_rule_read(text, &rule, why, why_bytes);

    if (err != LP_OK) {
        return err;
    }
    if (rules->count == LP_DRAIN_RULES_MAX) {
        lpi_rule_tell(why, why_bytes, "is one too many: there can be %d",
                      (int)LP_DRAIN_RULES_MAX);
        return LP_E_FULL;
    }
    rules->at[rules->count++] = rule;
    return LP_OK;
}

/* bytes has room for any address; what the verdict is of points into it. */
static verdict judge(const lp_drain_guard *guard,
                     const struct sockaddr *address_of_peer, uint8_t bytes[20])
{
    // Copies, as a struct sockaddr is less aligned than these two are.
    struct sockaddr_in sin;
    struct sockaddr_in6 sin6;

    if (address_of_peer->sa_family == AF_INET) {
        memcpy(&sin, address_of_peer, sizeof(sin));
        memcpy(bytes, &sin.sin_addr, 4);
        return judge_itself(guard, (address){4, bytes});
    }
    memcpy(&sin6, address_of_peer, sizeof(sin6));
    memcpy(bytes, sin6.sin6_addr.s6_addr, 16);
    return judge_ip6(guard, bytes, bytes + 16);
}

static bool is_ip(const struct sockaddr *address_of_peer)
{
    return address_of_peer->sa_family == AF_INET ||
           address_of_peer->sa_family == AF_INET6;
}

bool lp_drain_guard_allows(const lp_drain_guard *guard,
                           const struct sockaddr *address_of_peer)
{
    uint8_t bytes[20];

    return is_ip(address_of_peer) &&
           judge(guard, address_of_peer, bytes).denied_by == NULL;
}

bool lp_drain_guard_denies(const lp_drain_guard *guard,
                           const struct sockaddr *address_of_peer,
                           lp_drain_denial *out)
{
    uint8_t bytes[20];
    lp_drain_rule alone = {0};
    verdict it;

    if (!is_ip(address_of_peer)) {
        return false;
    }
    it = judge(guard, address_of_peer, bytes);
    if (it.denied_by == NULL) {
        return false;
    }
    alone.version = it.of.version;
    alone.prefix_bits = (uint8_t)lpi_address_bits(it.of.version);
    memcpy(alone.address, it.of.bytes, alone.prefix_bits / 8);
    lpi_rule_print(&alone, out->address);
    lpi_rule_print(it.denied_by, out->rule);
    out->is_built_in = it.is_built_in;
    return true;
}

size_t lp_drain_guard_print(const lp_drain_guard *guard, bool is_allowed,
                            char *out, size_t room_bytes)
{
    const lp_drain_rules *rules = is_allowed ? &guard->allowed : &guard->denied;
    char text[LP_DRAIN_RULES_TEXT_MAX_BYTES];
    size_t n = 0;

    for (uint32_t i = 0; i < rules->count; i++) {
        if (i > 0) {
            text[n++] = ',';
        }
        n += lpi_rule_print(&rules->at[i], text + n);
    }
    if (n > 0 && n <= room_bytes) {
        memcpy(out, text, n);
    }
    return n;
}
