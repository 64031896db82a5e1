/* tls_alert.c - see tls_alert.h. */
#include "tls_alert.h"

#include <string.h>

const char *lpi_tls_alert_name(gnutls_alert_description_t alert)
{
    static const struct {
        gnutls_alert_description_t alert;
        const char *name;
    } known[] = {
        {GNUTLS_A_UNEXPECTED_MESSAGE, "unexpected message"},
        {GNUTLS_A_BAD_RECORD_MAC, "bad record mac"},
        {GNUTLS_A_RECORD_OVERFLOW, "record overflow"},
        {GNUTLS_A_BAD_CERTIFICATE, "bad certificate"},
        {GNUTLS_A_UNSUPPORTED_CERTIFICATE, "unsupported certificate"},
        {GNUTLS_A_CERTIFICATE_REVOKED, "certificate revoked"},
        {GNUTLS_A_CERTIFICATE_EXPIRED, "certificate expired"},
        {GNUTLS_A_CERTIFICATE_UNKNOWN, "certificate unknown"},
        {GNUTLS_A_ILLEGAL_PARAMETER, "illegal parameter"},
        {GNUTLS_A_UNKNOWN_CA, "unknown ca"},
        {GNUTLS_A_ACCESS_DENIED, "access denied"},
        {GNUTLS_A_DECODE_ERROR, "decode error"},
        {GNUTLS_A_DECRYPT_ERROR, "decrypt error"},
        {GNUTLS_A_PROTOCOL_VERSION, "protocol version"},
        {GNUTLS_A_INSUFFICIENT_SECURITY, "insufficient security"},
        {GNUTLS_A_INTERNAL_ERROR, "internal error"},
        {GNUTLS_A_MISSING_EXTENSION, "missing extension"},
        {GNUTLS_A_UNSUPPORTED_EXTENSION, "unsupported extension"},
        {GNUTLS_A_UNRECOGNIZED_NAME, "unrecognized name"},
        {GNUTLS_A_CERTIFICATE_REQUIRED, "certificate required"},
        {GNUTLS_A_NO_APPLICATION_PROTOCOL, "no application protocol"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].alert == alert)
            return known[i].name;
    return "handshake failure";
}

bool lpi_tls_alert_of_error(int rc, gnutls_alert_description_t *alert)
{
    int level;
    int found = gnutls_error_to_alert(rc, &level);

    /* An end is none, nor is what the socket said. */
    if (rc == GNUTLS_E_PUSH_ERROR || rc == GNUTLS_E_PULL_ERROR ||
        rc == GNUTLS_E_PREMATURE_TERMINATION || rc == GNUTLS_E_SESSION_EOF ||
        found < 0 || level != GNUTLS_AL_FATAL)
        return false;
    *alert = (gnutls_alert_description_t)found;
    return true;
}

/* GnuTLS has no way back from words. */
static bool alert_of_name(const char *name, gnutls_alert_description_t *alert)
{
    enum { ALERTS = 256 };

    for (int i = 0; i < ALERTS; i++) {
        const char *known =
            gnutls_alert_get_name((gnutls_alert_description_t)i);

        if (known && strcmp(known, name) == 0) {
            *alert = (gnutls_alert_description_t)i;
            return true;
        }
    }
    return false;
}

static bool alert_of_reason(const char *reason,
                            gnutls_alert_description_t *alert)
{
    enum { ERRORS = 512 };

    /* The peer sent one that GnuTLS has no name for. */
    if (strcmp(reason, gnutls_strerror(GNUTLS_E_FATAL_ALERT_RECEIVED)) == 0) {
        *alert = GNUTLS_A_HANDSHAKE_FAILURE;
        return true;
    }
    for (int rc = -1; rc > -ERRORS; rc--)
        if (gnutls_strerror_name(rc) &&
            strcmp(gnutls_strerror(rc), reason) == 0)
            return lpi_tls_alert_of_error(rc, alert);
    return false;
}

bool lpi_tls_alert_of_words(const char *words,
                            gnutls_alert_description_t *alert)
{
    static const char before[] = "gnutls_handshake() failed: ";
    const char *why = strstr(words, before);

    if (!why)
        return false;
    why += sizeof(before) - 1;
    return alert_of_name(why, alert) || alert_of_reason(why, alert);
}
