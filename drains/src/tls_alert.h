/* tls_alert.h - by which alert TLS ended, and its name. */
#ifndef LP_TLS_ALERT_H
#define LP_TLS_ALERT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

/* The name of an alert in RFC 8446 6.2 and RFC 5246 7.2, with blanks. */
const char *lpi_tls_alert_name(gnutls_alert_description_t alert);

/* What a peer is owed after an error of GnuTLS. False: nothing, since it is no
 * fault of what it said. */
bool lpi_tls_alert_of_error(int rc, gnutls_alert_description_t *alert);

/* The same of a handshake that libcurl made, of which its words are all that is
 * left: either the name that GnuTLS has for the peer's alert, or an error's text.
 * False as well: they are other words. */
bool lpi_tls_alert_of_words(const char *words,
                            gnutls_alert_description_t *alert);

#endif /* LP_TLS_ALERT_H */
