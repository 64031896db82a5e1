/*
 * tls.h - the certificate that our TLS listeners show, and what a connection
 * keeps of TLS.
 *
 *     files --load--> certificate --change--> [ identity ]
 *                                                 | the one in use
 *                          shown in a handshake   v
 *                   peer --------- holds --> certificate
 *
 * A certificate never changes. A reload puts a fresh one into the identity: who
 * shakes hands from then on is shown that one, and who was shown another holds
 * it until its session is gone. So nothing that a session may still point to is
 * freed, and no connection notices.
 *
 * GnuTLS is known here and, for hashes, in secret.c. Its sessions are made and
 * freed by libmicrohttpd.
 */
#ifndef LOGPLEXD_TLS_H
#define LOGPLEXD_TLS_H

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Certificates ------------------------------------------------------------ */

typedef struct tls_certificate tls_certificate;

/*
 * The chain of one file, the server's own certificate first, and its key from
 * the other; both PEM (RFC 7468). One that is out of date is taken, and the log
 * warns. NULL: it can't be used, why says which file it is, what is wrong, and
 * what would be right. Threads: any.
 */
tls_certificate *tls_certificate_load(const char *cert_path,
                                      const char *key_path, char *why,
                                      size_t why_bytes);

/* NULL is allowed. Threads: any. */
void tls_certificate_unref(tls_certificate *certificate);

/* The one in use ---------------------------------------------------------- */

typedef struct tls_identity {
    uv_mutex_t lock;
    tls_certificate *current; /* or NULL: every handshake fails */
} tls_identity;

void tls_identity_init(tls_identity *identity);
void tls_identity_fini(tls_identity *identity);

/* Takes the reference to fresh. Threads: any. */
void tls_identity_change(tls_identity *identity, tls_certificate *fresh);

/* When the one in use ends, in seconds since 1970; 0: there is none.
 * Threads: any. */
int64_t tls_identity_not_after_s(tls_identity *identity);

/* Connections ------------------------------------------------------------- */

/*
 * TLS 1.2 and 1.3 with forward secrecy and authenticated encryption alone (RFC
 * 9325). Of these the client's order counts: it knows what its processor is good
 * at, and an order of ours for the groups would cost a round trip whenever the
 * client has guessed another (RFC 8446 4.1.4).
 */
extern const char tls_priorities[];

typedef struct tls_peer {
    gnutls_session_t session; /* libmicrohttpd's; NULL: it speaks plain */
    tls_identity *identity;
    tls_certificate *shown;
    bool is_open; /* the handshake is over */
} tls_peer;

/* Before the handshake. A session without a peer is refused in it: peer may be
 * NULL. */
void tls_peer_begin(tls_peer *peer, gnutls_session_t session,
                    tls_identity *identity);

/* Once the session is gone. */
void tls_peer_end(tls_peer *peer);

/* Encrypts and sends, as far as the socket takes it at once. */
void tls_peer_send(tls_peer *peer, const char *data, size_t data_bytes);

/* Which certificate is shown in a handshake: for libmicrohttpd. */
gnutls_certificate_retrieve_function3 tls_on_retrieve;

#endif /* LOGPLEXD_TLS_H */
