/* http_trust.c - see http_trust.h. */
#include "http_trust.h"

#include <stdio.h>
#include <string.h>

enum { GOOD_MS = 60000 };

gnutls_session_t lpi_http_session(CURL *easy)
{
    const struct curl_tlssessioninfo *tls = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK ||
        !tls || tls->backend != CURLSSLBACKEND_GNUTLS)
        return NULL;
    return tls->internals;
}

/* False: it has shown none. */
static bool hash_leaf(gnutls_session_t session,
                      unsigned char out[LPI_LEAF_BYTES])
{
    size_t hash_bytes = LPI_LEAF_BYTES;
    unsigned count = 0;
    const gnutls_datum_t *shown = gnutls_certificate_get_peers(session, &count);

    return shown && count > 0 &&
           gnutls_fingerprint(GNUTLS_DIG_SHA256, &shown[0], out, &hash_bytes) ==
               0;
}

static lpi_tls_verdict judge(const lpi_trust *trust,
                             const lpi_http_target *target,
                             gnutls_session_t session)
{
    lpi_tls_verdict verdict = lpi_trust_check(trust, session, target->name);

    if (verdict.why)
        gnutls_alert_send(session, GNUTLS_AL_FATAL, verdict.alert);
    return verdict;
}

bool lpi_http_trusts(lpi_http_trust *known, const lpi_http_target *target,
                     gnutls_session_t session, lpi_tls_verdict *verdict,
                     char *why, size_t why_bytes)
{
    uint64_t now_ms = uv_now(lp_drain_loop(target->drain));
    unsigned char leaf[LPI_LEAF_BYTES];
    bool has_leaf = session && hash_leaf(session, leaf);
    lpi_trust *trust;

    *verdict = (lpi_tls_verdict){.why = NULL};
    if (has_leaf && now_ms < known->good_until_ms &&
        memcmp(leaf, known->leaf, sizeof(leaf)) == 0)
        return true;
    known->good_until_ms = 0;
    if (!session) {
        snprintf(why, why_bytes,
                 "libcurl does TLS by something else than GnuTLS, so its "
                 "certificate can't be looked at");
        return false;
    }
    trust = lpi_trust_hold(target->drain->set, why, why_bytes);
    if (!trust)
        return false;
    *verdict = judge(trust, target, session);
    lpi_trust_let_go(trust);
    if (verdict->why)
        return false;
    if (has_leaf) {
        memcpy(known->leaf, leaf, sizeof(leaf));
        known->good_until_ms = now_ms + GOOD_MS;
    }
    return true;
}
