/* tls_trust.c - see tls_trust.h. */
#include "tls_trust.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CHAIN_MAX = 16, KEY_ID_BYTES = 32 };

/* RFC 5425 has TLS 1.2; older versions are no longer to be used (RFC 8996). */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

typedef struct key_id {
    unsigned char bytes[KEY_ID_BYTES];
} key_id;

/* Which file it is, and of when. */
typedef struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
} file_stamp;

enum { FILES = 4 };

struct lpi_trust {
    unsigned holders;
    file_stamp stamps[FILES]; /* from before they were read */
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
    key_id *pins;
    unsigned pin_count;
};

/* Words ------------------------------------------------------------------- */

/* By the bits of gnutls_certificate_status_t. */
static lpi_tls_verdict verdict_of(unsigned status)
{
    static const struct {
        unsigned bit;
        lpi_tls_verdict verdict;
    } known[] = {
        {GNUTLS_CERT_REVOKED,
         {GNUTLS_A_CERTIFICATE_REVOKED, "its certificate has been revoked"}},
        {GNUTLS_CERT_SIGNER_NOT_FOUND,
         {GNUTLS_A_UNKNOWN_CA, "its certificate is signed by nobody we know"}},
        {GNUTLS_CERT_SIGNER_NOT_CA,
         {GNUTLS_A_UNKNOWN_CA,
          "its certificate is signed by somebody who may not sign any"}},
        {GNUTLS_CERT_EXPIRED,
         {GNUTLS_A_CERTIFICATE_EXPIRED, "its certificate has expired"}},
        {GNUTLS_CERT_NOT_ACTIVATED,
         {GNUTLS_A_CERTIFICATE_EXPIRED, "its certificate is not valid yet"}},
        {GNUTLS_CERT_UNEXPECTED_OWNER,
         {GNUTLS_A_BAD_CERTIFICATE, "its certificate is for another name"}},
        {GNUTLS_CERT_INSECURE_ALGORITHM,
         {GNUTLS_A_BAD_CERTIFICATE,
          "its certificate is signed by an algorithm that is not safe"}},
        {GNUTLS_CERT_PURPOSE_MISMATCH,
         {GNUTLS_A_UNSUPPORTED_CERTIFICATE,
          "its certificate is not for a server"}},
        {GNUTLS_CERT_SIGNATURE_FAILURE,
         {GNUTLS_A_BAD_CERTIFICATE, "its certificate has a wrong signature"}},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (status & known[i].bit)
            return known[i].verdict;
    if (status != 0)
        return (lpi_tls_verdict){GNUTLS_A_BAD_CERTIFICATE,
                                 "its certificate is not valid"};
    return (lpi_tls_verdict){.why = NULL};
}

bool lpi_tls_lacks_certificate(const lp_drain *drain, gnutls_session_t session)
{
    return !lp_drain_set_options(drain)->cert_file &&
           gnutls_certificate_client_get_request_status(session) != 0;
}

/* Files ------------------------------------------------------------------- */

static bool blame(const char *path, const char *is, int rc, char *why,
                  size_t why_bytes)
{
    const char *reason = gnutls_strerror(rc);

    snprintf(why, why_bytes, "%s %s (%.*s)", path, is,
             (int)strcspn(reason, "."), reason);
    return false;
}

static bool load_authorities(lpi_trust *trust, const char *path, char *why,
                             size_t why_bytes)
{
    int rc;

    if (!path) {
        rc = gnutls_certificate_set_x509_system_trust(trust->credentials);
        return rc >= 0 ||
               blame("the system", "has no list of who signs certificates", rc,
                     why, why_bytes);
    }
    rc = gnutls_certificate_set_x509_trust_file(trust->credentials, path,
                                                GNUTLS_X509_FMT_PEM);
    if (rc == 0)
        rc = GNUTLS_E_NO_CERTIFICATE_FOUND;
    return rc > 0 || blame(path, "has no certificates that can be read", rc,
                           why, why_bytes);
}

static bool load_identity(lpi_trust *trust, const lp_drains_options *opt,
                          char *why, size_t why_bytes)
{
    const char *key_file = opt->key_file ? opt->key_file : opt->cert_file;
    int rc;

    if (!opt->cert_file)
        return true;
    rc = gnutls_certificate_set_x509_key_file(
        trust->credentials, opt->cert_file, key_file, GNUTLS_X509_FMT_PEM);
    return rc >= 0 || blame(opt->cert_file, "and its key can't be used", rc,
                            why, why_bytes);
}

static bool read_key_id(gnutls_x509_crt_t certificate, key_id *out)
{
    size_t id_bytes = sizeof(out->bytes);

    return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256,
                                      out->bytes, &id_bytes) == 0;
}

/* Takes the certificates. */
static int keep_pins(lpi_trust *trust, gnutls_x509_crt_t *certificates,
                     unsigned count)
{
    int rc = 0;

    trust->pins = calloc(count, sizeof(*trust->pins));
    for (unsigned i = 0; i < count; i++) {
        if (!trust->pins ||
            !read_key_id(certificates[i], &trust->pins[trust->pin_count++]))
            rc = GNUTLS_E_MEMORY_ERROR;
        gnutls_x509_crt_deinit(certificates[i]);
    }
    gnutls_free(certificates);
    return rc;
}

static bool load_pins(lpi_trust *trust, const char *path, char *why,
                      size_t why_bytes)
{
    gnutls_x509_crt_t *certificates;
    gnutls_datum_t file;
    unsigned count;
    int rc;

    if (!path)
        return true;
    rc = gnutls_load_file(path, &file);
    if (rc >= 0) {
        rc = gnutls_x509_crt_list_import2(&certificates, &count, &file,
                                          GNUTLS_X509_FMT_PEM, 0);
        gnutls_free(file.data);
    }
    if (rc >= 0)
        rc = keep_pins(trust, certificates, count);
    return rc >= 0 || blame(path, "has no certificates that can be read", rc,
                            why, why_bytes);
}

static bool load(lpi_trust *trust, const lp_drains_options *opt, char *why,
                 size_t why_bytes)
{
    int rc = gnutls_certificate_allocate_credentials(&trust->credentials);

    if (rc == 0)
        rc = gnutls_priority_init(&trust->priorities, priorities, NULL);
    if (rc != 0)
        return blame("TLS", "can't be used", rc, why, why_bytes);
    return load_authorities(trust, opt->ca_file, why, why_bytes) &&
           load_identity(trust, opt, why, why_bytes) &&
           load_pins(trust, opt->pins_file, why, why_bytes);
}

/* Where most systems have their list. Another system's is read once. */
static const char system_list[] = "/etc/ssl/certs/ca-certificates.crt";

static void stamp(const lp_drains_options *opt, file_stamp stamps[FILES])
{
    const char *const paths[FILES] = {opt->ca_file ? opt->ca_file : system_list,
                                      opt->cert_file, opt->key_file,
                                      opt->pins_file};

    memset(stamps, 0, FILES * sizeof(*stamps)); // the padding, too
    for (unsigned i = 0; i < FILES; i++) {
        struct stat file;

        if (!paths[i] || stat(paths[i], &file) != 0)
            continue;
        stamps[i].device = file.st_dev;
        stamps[i].inode = file.st_ino;
        stamps[i].bytes = file.st_size;
        stamps[i].changed = file.st_mtim;
    }
}

static lpi_trust *read_trust(const lp_drains_options *opt, char *why,
                             size_t why_bytes)
{
    lpi_trust *trust = calloc(1, sizeof(*trust));

    if (!trust) {
        snprintf(why, why_bytes, "there is no memory for certificates");
        return NULL;
    }
    trust->holders = 1;
    stamp(opt, trust->stamps);
    if (load(trust, opt, why, why_bytes))
        return trust;
    lpi_trust_let_go(trust);
    return NULL;
}

static bool is_of_now(const lpi_trust *trust, const lp_drains_options *opt)
{
    file_stamp stamps[FILES];

    stamp(opt, stamps);
    return memcmp(stamps, trust->stamps, sizeof(stamps)) == 0;
}

lpi_trust *lpi_trust_hold(lp_drains *set, char *why, size_t why_bytes)
{
    if (!set->trust || !is_of_now(set->trust, &set->opt)) {
        lpi_trust *fresh = read_trust(&set->opt, why, why_bytes);

        if (fresh) {
            lpi_trust_let_go(set->trust);
            set->trust = fresh;
        }
    }
    if (set->trust)
        set->trust->holders++;
    return set->trust;
}

void lpi_trust_let_go(lpi_trust *trust)
{
    if (!trust || --trust->holders > 0)
        return;
    if (trust->credentials)
        gnutls_certificate_free_credentials(trust->credentials);
    if (trust->priorities)
        gnutls_priority_deinit(trust->priorities);
    free(trust->pins);
    free(trust);
}

int lpi_trust_lend(const lpi_trust *trust, gnutls_session_t session)
{
    int rc = gnutls_priority_set(session, trust->priorities);

    if (rc != 0)
        return rc;
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                  trust->credentials);
}

/* Checking ---------------------------------------------------------------- */

static bool is_pinned(const lpi_trust *trust, gnutls_x509_crt_t certificate)
{
    key_id id;

    if (!read_key_id(certificate, &id))
        return false;
    for (unsigned i = 0; i < trust->pin_count; i++)
        if (memcmp(&id, &trust->pins[i], sizeof(id)) == 0)
            return true;
    return false;
}

/* What is wanted of a peer besides that it is known. */
typedef struct wanted {
    unsigned char purpose[sizeof(GNUTLS_KP_TLS_WWW_SERVER)];
    gnutls_typed_vdata_st data[2];
} wanted;

static void want(wanted *w, char *host)
{
    memcpy(w->purpose, GNUTLS_KP_TLS_WWW_SERVER, sizeof(w->purpose));
    w->data[0] = (gnutls_typed_vdata_st){GNUTLS_DT_DNS_HOSTNAME,
                                         (unsigned char *)host, 0};
    w->data[1] =
        (gnutls_typed_vdata_st){GNUTLS_DT_KEY_PURPOSE_OID, w->purpose, 0};
}

/* The chain up to the pinned one, as if that were an authority. */
static unsigned check_below(gnutls_x509_crt_t *chain, unsigned count, wanted *w)
{
    unsigned status = 0;
    gnutls_x509_trust_list_t list;

    if (gnutls_x509_trust_list_init(&list, 0) != 0)
        return GNUTLS_CERT_INVALID;
    if (gnutls_x509_trust_list_add_cas(list, &chain[count - 1], 1, 0) != 1 ||
        gnutls_x509_trust_list_verify_crt2(list, chain, count, w->data, 2, 0,
                                           &status, NULL) != 0)
        status |= GNUTLS_CERT_INVALID;
    gnutls_x509_trust_list_deinit(list, 0);
    return status;
}

/* The same as was found without pins, if none is in the chain. */
static unsigned check_pins(const lpi_trust *trust, gnutls_session_t session,
                           wanted *w, unsigned status)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned shown_count = 0;
    unsigned count = 0;
    bool is_found = false;
    const gnutls_datum_t *shown =
        gnutls_certificate_get_peers(session, &shown_count);

    while (!is_found && count < shown_count && count < CHAIN_MAX) {
        if (gnutls_x509_crt_init(&chain[count]) != 0)
            break;
        count++;
        if (gnutls_x509_crt_import(chain[count - 1], &shown[count - 1],
                                   GNUTLS_X509_FMT_DER) != 0)
            break;
        is_found = is_pinned(trust, chain[count - 1]);
    }
    if (is_found)
        status = check_below(chain, count, w);
    while (count > 0)
        gnutls_x509_crt_deinit(chain[--count]);
    return status;
}

lpi_tls_verdict lpi_trust_check(const lpi_trust *trust,
                                gnutls_session_t session, char *host)
{
    unsigned status = 0;
    void *its_own = NULL;
    wanted w;

    want(&w, host);
    gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &its_own);
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                               trust->credentials) != 0 ||
        gnutls_certificate_verify_peers(session, w.data, 2, &status) != 0)
        status |= GNUTLS_CERT_INVALID; // it has shown none, for instance
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, its_own);
    if (status != 0 && trust->pin_count > 0)
        status = check_pins(trust, session, &w, status);
    return verdict_of(status);
}
