/*
 * tls_trust.h - whom a set believes over TLS, and what it shows of itself.
 *
 * It is read from the files of lp_drains_options when a drain needs it, and again
 * when one of them has changed. What can't be read does not take the place of
 * what could: files that belong together do not change at the same moment.
 */
#ifndef LP_TLS_TRUST_H
#define LP_TLS_TRUST_H

#include <gnutls/gnutls.h>

#include "drain_impl.h"

typedef struct lpi_trust lpi_trust;

/* What is wrong with a certificate. */
typedef struct lpi_tls_verdict {
    gnutls_alert_description_t alert;
    const char *why; /* NULL: nothing */
} lpi_tls_verdict;

/* How much of a host stands in certificates, and is asked for by SNI: they have no
 * dot at the end (RFC 6066 3). */
static inline size_t lpi_certified_bytes(lp_span host)
{
    return host.len_bytes - (host.ptr[host.len_bytes - 1] == '.');
}

/* The set's own, to be let go of. NULL: why says which file can't be used. */
lpi_trust *lpi_trust_hold(lp_drains *set, char *why, size_t why_bytes);
void lpi_trust_let_go(lpi_trust *trust); /* NULL is allowed */

/* Sets versions, ciphers and credentials of a new session. Returns as GnuTLS. */
int lpi_trust_lend(const lpi_trust *trust, gnutls_session_t session);

/* The peer of a session, during its handshake or behind it. The session may have
 * others' credentials. host is a name or an address, and not written to, whatever
 * GnuTLS's types say. */
lpi_tls_verdict lpi_trust_check(const lpi_trust *trust,
                                gnutls_session_t session, char *host);

/* Has the peer asked for a certificate of ours, and there is none? To be asked
 * once it may have; then it goes behind why a try has failed. */
bool lpi_tls_lacks_certificate(const lp_drain *drain, gnutls_session_t session);
#define LPI_WHY_NO_CERTIFICATE \
    "it asks for a certificate, and there is none to show"

#endif /* LP_TLS_TRUST_H */
