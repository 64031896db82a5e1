/*
 * drain_guard.h - which addresses drains may connect to.
 *
 * Who may make drains chooses where the daemon connects to, and the daemon
 * stands where they don't: beside the metadata service of its cloud, which hands
 * out credentials, and inside a network that trusts it. A guard is asked for each
 * address before it is connected to, after the look-up of a name and not before,
 * since names are theirs as well.
 *
 *     deny private          allow 10.1.0.0/16          (built in)
 *          |                       |                       |
 *          +--------- the longest prefix that matches decides
 *                                  |
 *                        10.1.2.3 allowed, 10.2.2.3 denied,
 *                        169.254.169.254 denied, 192.0.2.1 allowed
 *
 * A rule allows or denies an address, a prefix (CIDR, RFC 4632 and RFC 4291 2.3),
 * or a word that stands for some:
 *
 *     loopback     127.0.0.0/8, ::1
 *     private      RFC 1918, shared (RFC 6598), unique local (RFC 4193) and
 *                  site-local (RFC 3879) addresses
 *     link-local   169.254.0.0/16, fe80::/10
 *     metadata     where clouds have their metadata services
 *     all          0.0.0.0/0, ::/0
 *
 * Of the rules that match, the one with the longest prefix decides. Among equal
 * ones it is, in this order: that of an operator, over what is built in; a prefix
 * over a word, as who writes 10.0.0.0/8 means it more than who writes "private";
 * and then the one that denies. What no rule matches is allowed.
 *
 * Built in is the denial of what is never the place of a sink: link-local,
 * metadata, unspecified (0.0.0.0/8, ::), multicast and broadcast addresses; and
 * of 64:ff9b:1::/48 (RFC 8215), of which only its own network knows where in it
 * an IPv4 address is. So "allow 169.254.0.0/16" opens link-local addresses and
 * leaves the metadata services closed, which are single addresses; and "allow
 * all" opens none of these.
 *
 * An IPv4 address is the same one when it is written as IPv6: ::ffff:10.0.0.1 is
 * 10.0.0.1, as an address and as a rule, and no rule for IPv6 concerns it. An
 * address that leads to an IPv4 one (IPv4-compatible, IPv4-translated, 6to4,
 * NAT64, Teredo, ISATAP) must be allowed itself, and so must that one. A prefix
 * of NAT64 that a network has chosen for itself (RFC 6052 2.2) can't be known: it
 * wants a rule.
 *
 * Pure functions: no allocation, no look-up of names, no I/O. Threads: any, and
 * many at once for a guard that nobody adds to any more.
 */
#ifndef LOGPLEX_DRAIN_GUARD_H
#define LOGPLEX_DRAIN_GUARD_H

#include <stdint.h>
#include <sys/socket.h>

#include "logplex/errors.h"
#include "logplex/span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    LP_DRAIN_RULES_MAX = 64,           /* that allow, and as many that deny */
    LP_DRAIN_RULE_TEXT_MAX_BYTES = 50, /* as printed, a NUL among them */
    LP_DRAIN_RULES_TEXT_MAX_BYTES =
        LP_DRAIN_RULES_MAX * LP_DRAIN_RULE_TEXT_MAX_BYTES,
    LP_DRAIN_RULE_WHY_MAX_BYTES = 192
};

/* The members of these are private. */
typedef struct lp_drain_rule {
    uint8_t word;    /* 0: it is a prefix */
    uint8_t version; /* 4 or 6            */
    uint8_t prefix_bits;
    uint8_t address[16]; /* of IPv4 the first four bytes; zeros behind */
} lp_drain_rule;

typedef struct lp_drain_rules {
    uint32_t count;
    lp_drain_rule at[LP_DRAIN_RULES_MAX];
} lp_drain_rules;

/* All zeros is a guard with what is built in, and the way to make one. It owns
 * nothing and can be copied. */
typedef struct lp_drain_guard {
    lp_drain_rules denied;
    lp_drain_rules allowed;
} lp_drain_guard;

/*
 * Adds a rule: "10.0.0.0/8", "192.0.2.1", "fd00::/8", "::1", "private". Their
 * order makes no difference.
 *
 * why may be NULL. It is set when the call fails, to what is wrong and what would
 * be right, as a phrase that goes behind the text: printable ASCII, cut to
 * why_bytes with a NUL. LP_DRAIN_RULE_WHY_MAX_BYTES are enough for all of it.
 * Fails: LP_E_SYNTAX (neither address, prefix nor word), LP_E_INVALID (a prefix
 *        whose length does not fit its address), LP_E_FULL. Then all is as it
 *        was.
 */
LP_API lp_err lp_drain_guard_add(lp_drain_guard *guard, bool is_allowed,
                                 lp_span text, char *why, size_t why_bytes);

/* Whether an address may be connected to: a sockaddr_in or sockaddr_in6; any
 * other family is denied. Port, flow and scope make no difference. */
LP_API bool lp_drain_guard_allows(const lp_drain_guard *guard,
                                  const struct sockaddr *address);

/*
 * Why an address is denied, in the form of rules. A rule that allows the address
 * alone outweighs the one that denies it, unless that is of this address alone
 * and was added: then the two texts are the same.
 */
typedef struct lp_drain_denial {
    char address[LP_DRAIN_RULE_TEXT_MAX_BYTES]; /* the one that is denied: that
                             which was asked for, or the IPv4 one it leads to */
    char rule[LP_DRAIN_RULE_TEXT_MAX_BYTES];    /* that decided */
    bool is_built_in;
} lp_drain_denial;

/* The opposite of lp_drain_guard_allows(), for an address of IP; *out is set when
 * it is denied. */
LP_API bool lp_drain_guard_denies(const lp_drain_guard *guard,
                                  const struct sockaddr *address,
                                  lp_drain_denial *out);

/*
 * Writes the rules that were added, those that allow or those that deny, in
 * their order and their one form, apart by commas, if they fit in room_bytes,
 * without a NUL. Returns the bytes that they take, at most
 * LP_DRAIN_RULES_TEXT_MAX_BYTES; 0: there are none.
 */
LP_API size_t lp_drain_guard_print(const lp_drain_guard *guard, bool is_allowed,
                                   char *out, size_t room_bytes);

#ifdef __cplusplus
}
#endif

#endif /* LOGPLEX_DRAIN_GUARD_H */
