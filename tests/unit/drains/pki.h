/*
 * pki.h - certificates for a test, made when it runs and kept in a folder that
 * goes with it.
 *
 *     authority --signs--> a server's, a client's
 *
 * Everything that fails here fails the test.
 */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

typedef struct pki_pair {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    char cert_file[128];
    char key_file[128];
} pki_pair;

typedef struct pki_request {
    const char *name;       /* of the files, and the common name */
    const char *dns;        /* subjectAltNames; NULL: none       */
    const char *ip;         /* IPv4 */
    const pki_pair *signer; /* NULL: itself, as an authority     */
    bool is_authority;      /* although somebody else signs it   */
    bool is_expired;
} pki_request;

void pki_begin(void);
void pki_end(void);

void pki_make(const pki_request *request, pki_pair *out);
void pki_free(pki_pair *pair);

/* What a server or a client needs to show a pair, and who signed it behind it
 * (or NULL). */
gnutls_certificate_credentials_t pki_credentials(const pki_pair *pair,
                                                 const pki_pair *signer);

#endif /* TESTS_PKI_H */
