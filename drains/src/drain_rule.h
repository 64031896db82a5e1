/*
 * drain_rule.h - a rule of a guard, from its text and back, and what its word
 * stands for.
 *
 * Threads: any.
 */
#ifndef LP_DRAIN_RULE_H
#define LP_DRAIN_RULE_H

#include "logplex/drain_guard.h"

typedef enum lpi_word {
    LPI_WORD_NONE = 0,
    LPI_WORD_LOOPBACK,
    LPI_WORD_PRIVATE,
    LPI_WORD_LINK_LOCAL,
    LPI_WORD_METADATA,
    LPI_WORD_ALL,
    LPI_WORD_COUNT
} lpi_word;

typedef struct lpi_prefixes {
    const lp_drain_rule *at;
    size_t count;
} lpi_prefixes;

/* The prefixes of a rule: those of its word, or the rule itself. */
lpi_prefixes lpi_rule_prefixes(const lp_drain_rule *rule);

/* See lp_drain_guard_add(). */
lp_err lpi_rule_read(lp_span text, lp_drain_rule *out, char *why,
                     size_t why_bytes);

/* Returns the bytes without the NUL. */
size_t lpi_rule_print(const lp_drain_rule *rule,
                      char out[LP_DRAIN_RULE_TEXT_MAX_BYTES]);

/* Sets what is wrong; why may be NULL. */
__attribute__((format(printf, 3, 4))) void
lpi_rule_tell(char *why, size_t why_bytes, const char *format, ...);

/* ::ffff:0:0/96 (RFC 4291 2.5.5.2). */
bool lpi_is_mapped(const uint8_t address[16]);

/* The bits of an address of a version: 32 or 128. */
static inline unsigned lpi_address_bits(unsigned version)
{
    return version == 4 ? 32 : 128;
}

#endif /* LP_DRAIN_RULE_H */
