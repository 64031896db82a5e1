#include "pki.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"

enum { DAY_S = 24 * 3600, PEM_MAX_BYTES = 8192 };

static char folder[96];

void pki_begin(void)
{
    const char *where = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/logplex-pki-XXXXXX",
             where ? where : "/tmp");
    assert_non_null(mkdtemp(folder));
}

void pki_end(void)
{
    assert_int_equal(rmdir(folder), 0);
}

static void write_file(const char *path, const char *text, size_t len_bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len_bytes, file), len_bytes);
    assert_int_equal(fclose(file), 0);
}

/* GnuTLS puts only those in a chain that it has read. */
static void read_back(pki_pair *pair, char *pem, size_t pem_bytes)
{
    gnutls_datum_t file = {(unsigned char *)pem, (unsigned)pem_bytes};

    gnutls_x509_crt_deinit(pair->certificate);
    assert_int_equal(gnutls_x509_crt_init(&pair->certificate), 0);
    assert_int_equal(
        gnutls_x509_crt_import(pair->certificate, &file, GNUTLS_X509_FMT_PEM),
        0);
}

static void store(pki_pair *pair, const char *name)
{
    char pem[PEM_MAX_BYTES];
    size_t pem_bytes = sizeof(pem);

    snprintf(pair->cert_file, sizeof(pair->cert_file), "%s/%s.pem", folder,
             name);
    snprintf(pair->key_file, sizeof(pair->key_file), "%s/%s.key", folder, name);
    assert_int_equal(gnutls_x509_crt_export(pair->certificate,
                                            GNUTLS_X509_FMT_PEM, pem,
                                            &pem_bytes),
                     0);
    write_file(pair->cert_file, pem, pem_bytes);
    read_back(pair, pem, pem_bytes);
    pem_bytes = sizeof(pem);
    assert_int_equal(gnutls_x509_privkey_export(pair->key, GNUTLS_X509_FMT_PEM,
                                                pem, &pem_bytes),
                     0);
    write_file(pair->key_file, pem, pem_bytes);
}

static void describe(gnutls_x509_crt_t crt, const pki_request *request)
{
    static uint8_t serial = 0;
    time_t now = time(NULL);
    time_t until = request->is_expired ? now - DAY_S : now + DAY_S;
    bool is_authority = request->is_authority || !request->signer;
    struct in_addr ip;

    serial++;
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, &serial, sizeof(serial));
    gnutls_x509_crt_set_activation_time(crt, now - 2 * DAY_S);
    gnutls_x509_crt_set_expiration_time(crt, until);
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
                                  request->name,
                                  (unsigned)strlen(request->name));
    if (request->dns)
        gnutls_x509_crt_set_subject_alt_name(
            crt, GNUTLS_SAN_DNSNAME, request->dns,
            (unsigned)strlen(request->dns), GNUTLS_FSAN_APPEND);
    if (request->ip) {
        assert_int_equal(inet_pton(AF_INET, request->ip, &ip), 1);
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, &ip,
                                             sizeof(ip), GNUTLS_FSAN_APPEND);
    }
    gnutls_x509_crt_set_basic_constraints(crt, is_authority, -1);
    gnutls_x509_crt_set_key_usage(
        crt, GNUTLS_KEY_DIGITAL_SIGNATURE |
                 (is_authority ? GNUTLS_KEY_KEY_CERT_SIGN : 0U));
}

void pki_make(const pki_request *request, pki_pair *out)
{
    const pki_pair *signer = request->signer ? request->signer : out;

    memset(out, 0, sizeof(*out));
    assert_int_equal(gnutls_x509_privkey_init(&out->key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         out->key, GNUTLS_PK_ECDSA,
                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&out->certificate), 0);
    describe(out->certificate, request);
    assert_int_equal(gnutls_x509_crt_set_key(out->certificate, out->key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(out->certificate,
                                           signer->certificate, signer->key,
                                           GNUTLS_DIG_SHA256, 0),
                     0);
    store(out, request->name);
}

void pki_free(pki_pair *pair)
{
    unlink(pair->cert_file);
    unlink(pair->key_file);
    gnutls_x509_crt_deinit(pair->certificate);
    gnutls_x509_privkey_deinit(pair->key);
}

gnutls_certificate_credentials_t pki_credentials(const pki_pair *pair,
                                                 const pki_pair *signer)
{
    gnutls_x509_crt_t chain[2] = {pair->certificate,
                                  signer ? signer->certificate : NULL};
    gnutls_certificate_credentials_t made;

    assert_int_equal(gnutls_certificate_allocate_credentials(&made), 0);
    assert_true(gnutls_certificate_set_x509_key(made, chain, signer ? 2 : 1,
                                                pair->key) >= 0);
    return made;
}
