/* syslog_target.h - the host that a drain connects to by itself, and what the URL
 * of a syslog drain asks for. */
#ifndef LP_SYSLOG_TARGET_H
#define LP_SYSLOG_TARGET_H

#include "drain_impl.h"

typedef struct lpi_target {
    lp_drain *drain;
    char *host; /* ends with a NUL; an IPv6 address has no brackets */
    uint16_t port;
    struct sockaddr_storage address; /* that the host is; else AF_UNSPEC */
    uint32_t connect_ms; /* in which it must be reached, name and all */
    bool is_slow_name;   /* it was not looked up in time, the last time */
    bool is_insecure;
    bool is_newline_framed;
    size_t token_bytes;
    char token[LPI_TOKEN_MAX_BYTES];
} lpi_target;

/* Fails: LP_E_SYNTAX, LP_E_INVALID (it is no URL of a drain), LP_E_NOMEM. */
lp_err lpi_target_init(lpi_target *target, lp_drain *drain, lp_span url,
                       lp_span token);
void lpi_target_fini(lpi_target *target);

/* The host is one: there is nothing to look up. */
static inline bool lpi_target_is_address(const lpi_target *target)
{
    return target->address.ss_family != AF_UNSPEC;
}

#endif /* LP_SYSLOG_TARGET_H */
