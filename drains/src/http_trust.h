/*
 * http_trust.h - is the sink of an HTTPS request who it should be?
 *
 * libcurl reads all authorities anew for each connection, some 30 ms of its worker
 * for those of a system. So it verifies nothing, and asks between a handshake and a
 * request, each time, whoever had the connection before. A certificate that was
 * found good is good for a minute.
 *
 * Threads: all calls on the loop's.
 */
#ifndef LP_HTTP_TRUST_H
#define LP_HTTP_TRUST_H

#include <curl/curl.h>

#include "http_target.h"
#include "tls_trust.h"

enum { LPI_LEAF_BYTES = 32 };

/* What a drain has found out so far. All zeros: nothing. */
typedef struct lpi_http_trust {
    unsigned char leaf[LPI_LEAF_BYTES]; /* SHA-256 of the sink's certificate */
    uint64_t good_until_ms;             /* by the loop's clock               */
} lpi_http_trust;

/* That of the transfer's connection. NULL: it has none, or libcurl's TLS is not
 * GnuTLS. It is gone with the transfer. */
gnutls_session_t lpi_http_session(CURL *easy);

/* False: nothing may be sent over it. The verdict says what is wrong with the
 * certificate; or it is NULL, and why says what else. */
bool lpi_http_trusts(lpi_http_trust *known, const lpi_http_target *target,
                     gnutls_session_t session, lpi_tls_verdict *verdict,
                     char *why, size_t why_bytes);

#endif /* LP_HTTP_TRUST_H */
